#include "test-client.h"

#include <string.h>

#define PROGRAMME "/api/v1/rooms/stage/programme"
#define SNAPSHOT "/api/v1/rooms/stage/snapshot"
#define JSON "Content-Type: application/json\r\n"

static void
expect (TestServer *test, const char *method, const char *path, const char *headers, const char *body, guint status,
        const char *text)
{
  g_autofree char *response = test_request (test, method, path, headers, body);
  if (test_get_status (response) != status || strstr (response, text) == NULL)
    g_error ("%s %s: not %u with '%s', but %s", method, path, status, text, response);
}

static void
test_look (void)
{
  TestServer test;
  test_server_start (&test, NULL);
  expect (&test, "GET", PROGRAMME, NULL, NULL, 200, "plain");
  expect (&test, "GET", "/api/v1/rooms/other/programme", NULL, NULL, 404, "/problems/not-found");
  expect (&test, "PATCH", PROGRAMME, JSON, "{\"layout\":\"speaker\",\"pin\":\"p-1\",\"clock\":true,\"logoHeight\":0.2}", 200,
          "changed");
  g_assert_true (mxr_fake_hub_was_called (test.hub, "change-programme stage speaker p-1 (null) 1 0.2 nan nan"));
  expect (&test, "PATCH", PROGRAMME, JSON, "{\"labels\":null,\"safeMargin\":0,\"loudness\":-23,\"clock\":false}", 200, "changed");
  g_assert_true (mxr_fake_hub_was_called (test.hub, "change-programme stage (null) (null) (null) 0 nan 0 -23"));
  expect (&test, "PATCH", PROGRAMME, JSON, "{\"loudness\":0,\"safeMargin\":-1,\"logoHeight\":0}", 200, "changed");
  g_assert_true (mxr_fake_hub_was_called (test.hub, "change-programme stage (null) (null) (null) -1 0 -1 0"));
  expect (&test, "PATCH", PROGRAMME, JSON, "{\"loudness\":null}", 200, "changed");
  g_assert_true (mxr_fake_hub_was_called (test.hub, "change-programme stage (null) (null) (null) -1 nan nan nan"));
  expect (&test, "PUT", PROGRAMME, NULL, NULL, 405, "Allow: GET, HEAD, PATCH\r\n");
  test_server_stop (&test);
}

static void
test_refusals (void)
{
  static const char *const bodies[] = { "{\"layout\":1}",         "{\"pin\":[]}",           "{\"logoHeight\":\"big\"}",
                                        "{\"clock\":\"yes\"}",    "{\"safeMargin\":[]}",
                                        "{\"loudness\":false}",   "{\"labels\":\"a\\u0000\"}" };
  TestServer test;
  test_server_start (&test, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (bodies); i++)
    expect (&test, "PATCH", PROGRAMME, JSON, bodies[i], 400, "/problems/bad-look");
  expect (&test, "PATCH", PROGRAMME, JSON, "[]", 400, "/problems/bad-request");
  expect (&test, "PATCH", PROGRAMME, "Content-Type: text/plain\r\n", "{}", 415, "/problems/content-type");
  test.hub->next_error = MXR_ROOM_ERROR_BAD_LOOK;
  expect (&test, "PATCH", PROGRAMME, JSON, "{\"layout\":\"round\"}", 400, "/problems/bad-look");
  test_server_stop (&test);
}

static void
test_snapshot (void)
{
  static const struct {
    const char *headers;
    const char *type;
  } cases[] = {
    { NULL, "image/jpeg" },
    { "Accept: */*\r\n", "image/jpeg" },
    { "Accept: image/*\r\n", "image/jpeg" },
    { "Accept: image/png\r\n", "image/png" },
    { "Accept: image/jpeg;q=0.3, image/png;q=0.7, text/html\r\n", "image/png" },
    { "Accept: image/jpeg;q=0, */*;q=0.1\r\n", "image/png" },
    { "Accept: image/avif, image/webp, */*;q=0.8\r\n", "image/jpeg" },
  };
  TestServer test;
  test_server_start (&test, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *type = g_strdup_printf ("Content-Type: %s\r\n", cases[i].type);
    expect (&test, "GET", SNAPSHOT, cases[i].headers, NULL, 200, type);
  }
  expect (&test, "GET", SNAPSHOT, NULL, NULL, 200, "Cache-Control: no-store\r\n");
  expect (&test, "GET", SNAPSHOT, "Accept: image/gif\r\n", NULL, 406, "/problems/not-acceptable");
  expect (&test, "POST", SNAPSHOT, NULL, NULL, 405, "Allow: GET, HEAD\r\n");
  test.hub->next_error = MXR_ROOM_ERROR_BUSY;
  expect (&test, "GET", SNAPSHOT, NULL, NULL, 409, "/problems/conflict");
  test_server_stop (&test);
}

/* Who may watch may take a picture; what it shows is the host's. */
static void
test_tokens (void)
{
  static const struct {
    const char *claims;
    guint snapshot, programme;
  } cases[] = {
    { NULL, 401, 401 },
    { "{\"exp\":99999999999,\"room\":\"other\",\"role\":\"host\"}", 403, 403 },
    { "{\"exp\":99999999999,\"room\":\"stage\",\"role\":\"viewer\"}", 200, 403 },
    { "{\"exp\":99999999999,\"room\":\"stage\",\"role\":\"host\"}", 200, 200 },
  };
  TestServer test;
  test_server_start (&test, "server.token_secret=s3cret", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *token =
      cases[i].claims != NULL ? test_make_token ("s3cret", "{\"alg\":\"HS256\"}", cases[i].claims) : g_strdup ("");
    g_autofree char *headers =
      g_strdup_printf ("%s%s%s", *token != '\0' ? "Authorization: Bearer " : "", token, *token != '\0' ? "\r\n" : "");
    expect (&test, "GET", SNAPSHOT, headers, NULL, cases[i].snapshot, "");
    expect (&test, "GET", PROGRAMME, headers, NULL, cases[i].programme, "");
  }
  test_server_stop (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/programme/look", test_look);
  g_test_add_func ("/programme/refusals", test_refusals);
  g_test_add_func ("/programme/snapshot", test_snapshot);
  g_test_add_func ("/programme/tokens", test_tokens);
  return g_test_run ();
}
