#include "test-client.h"

#include <string.h>

static void
expect (TestServer *test, const char *method, const char *path, const char *headers, guint status,
        const char *text)
{
  g_autofree char *response = test_request (test, method, path, headers, NULL);
  if (test_get_status (response) != status || strstr (response, text) == NULL)
    g_error ("%s %s: not %u with '%s', but %s", method, path, status, text, response);
}

static void
test_watching (void)
{
  TestServer test;
  test_server_start (&test, NULL);
  expect (&test, "GET", "/healthz", NULL, 200, "alive");
  expect (&test, "GET", "/readyz", NULL, 200, "ready");
  expect (&test, "GET", "/api/v1/rooms", NULL, 200, "[{\"");
  expect (&test, "GET", "/api/v1/rooms/stage", NULL, 200, "\"nested\":[{\"open\":true,\"inner\":{\"n\":7}}]");
  expect (&test, "GET", "/api/v1/rooms/a%2Fb%20%C3%A4", NULL, 200, "\"name\":\"a/b \xc3\xa4\"");
  expect (&test, "GET", "/api/v1/rooms/stage/graph", NULL, 200, "text/vnd.graphviz");
  expect (&test, "HEAD", "/api/v1/rooms/stage/graph", NULL, 200, "Content-Length: 15\r\n");
  expect (&test, "GET", "/api/v1/rooms/nobody", NULL, 404, "/problems/not-found");
  expect (&test, "GET", "/api/v1/rooms/stage/other", NULL, 404, "application/problem+json");
  expect (&test, "GET", "/api/v1/rooms/%00", NULL, 400, "percent-encoded");
  expect (&test, "GET", "/api/v1/rooms/%ff", NULL, 400, "percent-encoded");
  expect (&test, "GET", "/api", NULL, 404, "problem");
  expect (&test, "POST", "/api/v1/rooms", NULL, 405, "Allow: GET, HEAD");
  expect (&test, "BREW", "/healthz", NULL, 405, "Allow: GET, HEAD");
  expect (&test, "GET", "/metrics", NULL, 200, "mixroom_http_requests_total{code=\"404\"} 3");
  expect (&test, "GET", "/metrics", NULL, 200, "\nmixroom_participants 0\n");
  test_server_stop (&test);
}

static void
test_figures (void)
{
  TestServer test;
  test_server_start (&test, NULL);
  g_autofree char *response = test_request (&test, "GET", "/metrics", NULL, NULL);
  g_assert_true (g_regex_match_simple ("\\nprocess_cpu_seconds_total [0-9]+\\.[0-9]{3}\\n", response, 0, 0));
  g_assert_true (g_regex_match_simple ("\\nprocess_resident_memory_bytes [0-9]+\\n", response, 0, 0));
  g_assert_true (g_regex_match_simple ("\\nmixroom_websockets 0\\n", response, 0, 0));
  test_server_stop (&test);
}

static void
test_not_ready (void)
{
  TestServer test;
  test_server_start (&test, NULL);
  test.hub->is_ready = false;
  expect (&test, "GET", "/readyz", NULL, 503, "the fake room is full");
  mxr_server_drain (test.server);
  expect (&test, "GET", "/readyz", NULL, 503, "/problems/draining");
  expect (&test, "GET", "/healthz", NULL, 200, "alive");
  test_server_stop (&test);
}

static void
expect_cors (TestServer *test, const char *path, const char *origin, bool is_allowed)
{
  g_autofree char *header = g_strdup_printf ("Origin: %s\r\n", origin);
  g_autofree char *response = test_request (test, "GET", path, header, NULL);
  g_autofree char *allowed = test_get_header (response, "Access-Control-Allow-Origin");
  g_autofree char *vary = test_get_header (response, "Vary");

  g_assert_cmpuint (test_get_status (response), ==, 200);
  g_assert_cmpstr (allowed, ==, is_allowed ? origin : NULL);
  g_assert_cmpstr (vary, ==, "Origin");
}

/* Modules are imported with the origin's name, and not used unless the answer has it. */
static void
test_other_origins (void)
{
  static const char *const paths[] = { "/", "/mixroom.js", "/healthz" };
  TestServer one, any;
  test_server_start (&one, "server.allowed_origins=https://app.example", NULL);
  test_server_start (&any, "server.allowed_origins=*", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    expect_cors (&one, paths[i], "https://app.example", true);
    expect_cors (&one, paths[i], "https://evil.example", false);
    expect_cors (&one, paths[i], "null", false);
    expect_cors (&any, paths[i], "https://evil.example", true);
  }
  expect (&one, "GET", "/healthz", NULL, 200, "Vary: Origin\r\n");
  test_server_stop (&one);
  test_server_stop (&any);
}

static void
test_tokens (void)
{
  static const struct {
    const char *claims, *path;
    guint status;
  } cases[] = {
    { NULL, "/api/v1/rooms", 401 },
    { NULL, "/healthz", 200 },
    { NULL, "/metrics", 401 },
    { "{\"exp\":99999999999,\"room\":\"*\",\"role\":\"host\"}", "/metrics", 403 },
    { "{\"exp\":99999999999,\"room\":\"*\",\"role\":\"admin\"}", "/metrics", 200 },
    { "{\"exp\":1,\"room\":\"*\",\"role\":\"admin\"}", "/api/v1/rooms", 401 },
    { "{\"exp\":99999999999,\"room\":\"*\",\"role\":\"participant\"}", "/api/v1/rooms", 403 },
    { "{\"exp\":99999999999,\"room\":\"stage\",\"role\":\"host\"}", "/api/v1/rooms", 403 },
    { "{\"exp\":99999999999,\"room\":\"stage\",\"role\":\"host\"}", "/api/v1/rooms/stage", 200 },
    { "{\"exp\":99999999999,\"room\":\"other\",\"role\":\"host\"}", "/api/v1/rooms/stage", 403 },
    { "{\"exp\":99999999999,\"room\":\"*\",\"role\":\"host\"}", "/api/v1/rooms", 200 },
  };
  TestServer test;
  test_server_start (&test, "server.token_secret=s3cret", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *token =
        cases[i].claims != NULL ? test_make_token ("s3cret", "{\"alg\":\"HS256\"}", cases[i].claims) : NULL;
    g_autofree char *headers = token != NULL ? g_strdup_printf ("Authorization: Bearer %s\r\n", token) : NULL;
    expect (&test, "GET", cases[i].path, headers, cases[i].status,
            cases[i].status == 401 ? "WWW-Authenticate: Bearer" : "");
  }
  test_server_stop (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rest/watching", test_watching);
  g_test_add_func ("/rest/not-ready", test_not_ready);
  g_test_add_func ("/rest/other-origins", test_other_origins);
  g_test_add_func ("/rest/figures", test_figures);
  g_test_add_func ("/rest/tokens", test_tokens);
  return g_test_run ();
}
