#include "test-client.h"

#include <string.h>
#include <sys/resource.h>

#define GET_HEALTH "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"

static guint
ask (TestServer *test, const char *bytes)
{
  g_autoptr (TestClient) client = test_client_new (test);
  test_client_send (client, bytes, -1);
  g_assert_true (test_client_wait_for (client, "\r\n\r\n"));
  return test_get_status (client->in->str);
}

typedef struct {
  TestServer *test;
  guint n_wanted;
} Count;

static bool
has_count (gpointer user_data)
{
  Count *count = user_data;
  return mxr_server_count_connections (count->test->server) == count->n_wanted;
}

static void
expect_connections (TestServer *test, guint n_wanted)
{
  Count count = { test, n_wanted };
  if (!test_until (has_count, &count, 5))
    g_error ("%u connections, not %u", mxr_server_count_connections (test->server), n_wanted);
}

/* ---- Requests that two parsers could read differently
 * ------------------------------------------------------- */

static void
test_smuggling (void)
{
  static const struct {
    const char *bytes;
    guint status;
  } cases[] = {
    { GET_HEALTH, 200 },
    { "POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400 },
    { "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400 },
    { "GET /healthz HTTP/1.1\nHost: a\n\nGET / HTTP/1.1\r\n\r\n", 400 },
    { "GET /healthz HTTP/1.1\r\n\r\n", 400 },
    { "POST /whip/a HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n", 413 },
    { "POST /whip/a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 65537\r\n\r\n", 413 },
    { "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405 },
    { "\x16\x03\x01\x02\x01\r\n\r\n", 400 }, /* TLS at the wrong port */
  };
  TestServer test;
  test_server_start (&test, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    if (ask (&test, cases[i].bytes) != cases[i].status)
      g_error ("case %u: not %u", i, cases[i].status);
  g_autoptr (TestClient) client = test_client_new (&test);
  test_client_send (client, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" GET_HEALTH, -1);
  g_assert_true (test_client_wait_closed (client));
  g_assert_nonnull (strstr (client->in->str, "application/problem+json"));
  g_assert_nonnull (strstr (client->in->str, "Connection: close"));
  g_assert_null (strstr (client->in->str, "alive"));
  test_server_stop (&test);
}

static void
test_large_head (void)
{
  TestServer test;
  test_server_start (&test, NULL);
  g_autofree char *filler = g_strnfill (20000, 'x');
  g_autofree char *request = g_strdup_printf ("GET / HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n", filler);
  g_assert_cmpuint (ask (&test, request), ==, 431);
  g_assert_cmpuint (ask (&test, filler), ==, 431);
  test_server_stop (&test);
}

/* ---- Bodies ---------------------------------------------------------------------------------------------
 */

static void
test_chunked_bodies (void)
{
  TestServer test;
  test_server_start (&test, "http.max_body_bytes=1024", NULL);
  g_autofree char *filler = g_strnfill (600, 'x');
  g_autoptr (TestClient) endless = test_client_new (&test);
  static const char head[] = "POST /whip/stage HTTP/1.1\r\nHost: a\r\nContent-Type: application/sdp\r\n"
                             "Transfer-Encoding: chunked\r\n\r\n";

  test_client_send (endless, head, -1);
  for (guint i = 0; i < 3; i++) {
    g_autofree char *chunk = g_strdup_printf ("258\r\n%s\r\n", filler);
    test_client_send (endless, chunk, -1);
    test_run_ms (2);
  }
  g_assert_true (test_client_wait_for (endless, "HTTP/1.1 413"));
  g_assert_true (test_client_wait_closed (endless));

  g_autoptr (TestClient) small = test_client_new (&test);
  test_client_send (small, head, -1);
  test_client_send (small, "3\r\nv=0\r\n0\r\n\r\n" GET_HEALTH, -1);
  g_assert_true (test_client_wait_closed (small));
  g_assert_cmpuint (test_get_status (small->in->str), ==, 201);
  g_assert_null (strstr (small->in->str, "alive")); /* nothing rides behind a chunked body */
  test_server_stop (&test);
}

/* A client that goes on sending reads the refusal all the same. */
static void
test_refusal_arrives (void)
{
  TestServer test;
  test_server_start (&test, NULL);
  g_autoptr (TestClient) client = test_client_new (&test);
  g_autofree char *filler = g_strnfill (300000, 'x');
  test_client_send (client, "POST /whip/stage HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n", -1);
  test_client_send (client, filler, -1);
  g_assert_true (test_client_wait_for (client, "http.max_body_bytes"));
  expect_connections (&test, 1);
  test_server_stop (&test);
}

/* ---- Keep-alive -----------------------------------------------------------------------------------------
 */

static void
test_keep_alive (void)
{
  TestServer test;
  test_server_start (&test, "http.idle_timeout_s=1", NULL);
  g_autoptr (TestClient) client = test_client_new (&test);

  for (guint i = 0; i < 3; i++) {
    test_client_send (client, GET_HEALTH, -1);
    g_assert_true (test_client_wait_for (client, "alive"));
    g_string_truncate (client->in, 0);
  }
  /* Several at once, and one with a body between them: answered in order, each checked. */
  test_client_send (client,
                    GET_HEALTH
                    "POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nHost:"
                    "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                    -1);
  g_assert_true (test_client_wait_closed (client));
  const char *alive = strstr (client->in->str, "alive");
  const char *method = strstr (client->in->str, "HTTP/1.1 405");
  const char *ready = strstr (client->in->str, "ready\n");
  const char *refusal = strstr (client->in->str, "exactly one Host");
  g_assert_true (alive != NULL && alive < method && method < ready && ready < refusal);

  g_autoptr (TestClient) idle = test_client_new (&test);
  test_client_send (idle, GET_HEALTH, -1);
  g_assert_true (test_client_wait_for (idle, "alive"));
  g_assert_true (test_client_wait_closed (idle));

  /* One that leaves in between, and one that leaves with half a request: libsoup must let go of both. */
  TestClient *leaver = test_client_new (&test);
  test_client_send (leaver, GET_HEALTH, -1);
  g_assert_true (test_client_wait_for (leaver, "alive"));
  test_client_free (leaver);
  leaver = test_client_new (&test);
  test_client_send (leaver, GET_HEALTH "GET /he", -1);
  g_assert_true (test_client_wait_for (leaver, "alive"));
  test_client_free (leaver);
  expect_connections (&test, 0);
  test_server_stop (&test);
}

/* ---- Deadlines, limits ------------------------------------------------------------------------------------
 */

static void
test_half_sent_requests (void)
{
  TestServer test;
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func ((GDestroyNotify)test_client_free);
  test_server_start (&test, "http.request_deadline_s=1", "http.max_connections_per_address=1000", NULL);
  for (guint i = 0; i < 300; i++) {
    TestClient *client = test_client_new (&test);
    g_ptr_array_add (clients, client);
    if (i % 50 == 0)
      test_run_ms (1);
    if (i % 3 == 1)
      test_client_send (client, "GET /hea", -1);
    else if (i % 3 == 2)
      test_client_send (client, "POST /whip/a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc", -1);
  }
  test_run_ms (20);
  g_assert_cmpuint (mxr_server_count_connections (test.server), >=, 300);
  g_assert_cmpuint (ask (&test, GET_HEALTH), ==, 200); /* served meanwhile */
  for (guint i = 0; i < clients->len; i++)
    g_assert_true (test_client_wait_closed (g_ptr_array_index (clients, i)));
  expect_connections (&test, 0);
  test_server_stop (&test);
}

/* Dripping a byte now and then does not move the deadline. */
static void
test_dripping (void)
{
  TestServer test;
  test_server_start (&test, "http.request_deadline_s=1", NULL);
  g_autoptr (TestClient) client = test_client_new (&test);
  gint64 start_us = g_get_monotonic_time ();
  for (guint i = 0; i < 40 && !client->is_closed; i++) {
    test_client_send (client, "G", -1);
    test_run_ms (50);
    test_client_wait_for (client, "");
  }
  g_assert_true (client->is_closed);
  g_assert_cmpint (g_get_monotonic_time () - start_us, <, 1800000);
  test_server_stop (&test);
}

static void
test_connection_limits (void)
{
  TestServer test;
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func ((GDestroyNotify)test_client_free);
  test_server_start (&test, "http.max_connections=8", "http.max_connections_per_address=4", NULL);
  for (guint i = 0; i < 6; i++)
    g_ptr_array_add (clients, test_client_new (&test));
  expect_connections (&test, 4);
  g_assert_true (test_client_wait_closed (g_ptr_array_index (clients, 5)));
  g_ptr_array_set_size (clients, 0);
  expect_connections (&test, 0);
  g_assert_cmpuint (ask (&test, GET_HEALTH), ==, 200);
  test_server_stop (&test);
}

/* Descriptors are used up, then free again: connections are accepted again. */
static void
test_out_of_files (void)
{
  TestServer test;
  struct rlimit limit, small;
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func ((GDestroyNotify)test_client_free);

  test_server_start (&test, NULL);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  small = limit;
  small.rlim_cur = 64;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &small), ==, 0);
  for (;;) {
    TestClient *client = test_client_new (&test);
    g_ptr_array_add (clients, client);
    if (client->fd < 0)
      break;
  }
  g_assert_cmpuint (clients->len, >, 10);
  test_run_ms (250);
  g_ptr_array_set_size (clients, 0);
  test_run_ms (250);
  g_assert_cmpuint (ask (&test, GET_HEALTH), ==, 200);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  g_autofree char *metrics = test_request (&test, "GET", "/metrics", NULL, NULL);
  g_assert_null (strstr (metrics, "mixroom_http_out_of_files_total 0\n"));
  test_server_stop (&test);
}

static void
test_address_in_use (void)
{
  TestServer test;
  g_autoptr (GError) error = NULL;
  test_server_start (&test, NULL);
  g_autoptr (MxrConfig) config = mxr_config_new ();
  g_autofree char *setting =
      g_strdup_printf ("server.listen=127.0.0.1:%u", mxr_server_get_port (test.server));
  g_assert_true (mxr_config_set (config, setting, NULL));
  g_assert_null (mxr_server_new (config, test.hub, &error));
  g_assert_error (error, MXR_SIGNAL_ERROR, MXR_SIGNAL_ERROR_LISTEN);
  g_assert_nonnull (strstr (error->message, setting + strlen ("server.listen=")));
  test_server_stop (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/listener/smuggling", test_smuggling);
  g_test_add_func ("/listener/large-head", test_large_head);
  g_test_add_func ("/listener/chunked-bodies", test_chunked_bodies);
  g_test_add_func ("/listener/refusal-arrives", test_refusal_arrives);
  g_test_add_func ("/listener/keep-alive", test_keep_alive);
  g_test_add_func ("/listener/half-sent-requests", test_half_sent_requests);
  g_test_add_func ("/listener/dripping", test_dripping);
  g_test_add_func ("/listener/connection-limits", test_connection_limits);
  g_test_add_func ("/listener/out-of-files", test_out_of_files);
  g_test_add_func ("/listener/address-in-use", test_address_in_use);
  return g_test_run ();
}
