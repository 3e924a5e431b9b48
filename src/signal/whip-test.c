#include "test-client.h"

#include <string.h>

#define SDP "Content-Type: application/sdp\r\n"
#define FRAGMENT "Content-Type: application/trickle-ice-sdpfrag\r\n"
#define TRICKLE                                                                                              \
  "a=ice-ufrag:known\r\na=ice-pwd:0123456789012345678901\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n"              \
  "a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host\r\na=end-of-candidates\r\n"
#define RESTART "a=ice-ufrag:other\r\na=ice-pwd:9876543210987654321098\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n"

static void
expect_status (const char *response, guint status)
{
  if (test_get_status (response) != status)
    g_error ("not %u, but %s", status, response);
}

static guint
ask (TestServer *test, const char *method, const char *path, const char *headers, const char *body)
{
  g_autofree char *response = test_request (test, method, path, headers, body);
  return test_get_status (response);
}

static void
test_join_and_leave (void)
{
  TestServer test;
  test_server_start (&test, "ice.client_ice_servers=stun:s.example, turn:t.example?transport=udp",
                     "ice.turn_username=u", "ice.turn_password=p\"q", NULL);
  g_autofree char *created = test_request (&test, "POST", "/whip/a%2Fb%20c?name=Ann%20B", SDP, "v=0");
  g_autofree char *location = test_get_header (created, "Location");
  g_autofree char *type = test_get_header (created, "Content-Type");
  expect_status (created, 201);
  g_assert_cmpstr (type, ==, "application/sdp");
  g_assert_true (g_str_has_suffix (created, "\r\n\r\nv=0 answer"));
  g_assert_true (g_str_has_prefix (location, "/whip/a%2Fb%20c/"));
  g_assert_cmpuint (strlen (location), ==, strlen ("/whip/a%2Fb%20c/") + 24);
  g_assert_nonnull (strstr (created, "Link: <stun:s.example>; rel=\"ice-server\"\r\n"));
  g_assert_nonnull (strstr (created,
                            "Link: <turn:t.example?transport=udp>; rel=\"ice-server\"; username=\"u\"; "
                            "credential=\"p\\\"q\"; credential-type=\"password\"\r\n"));
  g_assert_true (mxr_fake_hub_was_called (test.hub, "join a/b c Ann B 1"));
  g_assert_true (mxr_fake_hub_was_called (test.hub, "negotiate p1 v=0 1"));

  g_assert_cmpuint (ask (&test, "GET", location, NULL, NULL), ==, 405);
  g_assert_cmpuint (ask (&test, "DELETE", "/whip/a%2Fb%20c/0123456789", NULL, NULL), ==, 404);
  g_autofree char *as_whep = g_strdup (location);
  as_whep[3] = 'e';
  g_assert_cmpuint (ask (&test, "DELETE", as_whep, NULL, NULL), ==, 404);
  g_assert_cmpuint (ask (&test, "DELETE", location, NULL, NULL), ==, 200);
  g_assert_true (mxr_fake_hub_was_called (test.hub, "leave p1"));
  g_assert_cmpuint (ask (&test, "DELETE", location, NULL, NULL), ==, 404);

  g_assert_cmpuint (ask (&test, "POST", "/whip/stage?name=", SDP, "v=0"), ==, 201);
  g_assert_true (mxr_fake_hub_was_called (test.hub, "join stage Guest 1"));
  g_assert_cmpuint (ask (&test, "POST", "/whep/stage", SDP, "v=0"), ==, 201);
  g_assert_true (mxr_fake_hub_was_called (test.hub, "join stage Viewer 2"));
  test_server_stop (&test); /* the viewer leaves with the server */
}

/* "username="EXPIRY:p1"; credential="HMAC"": each participant's own, for an hour. */
static void
test_minted_credentials (void)
{
  TestServer test;
  test_server_start (&test, "ice.client_ice_servers=turn:t.example", "ice.turn_secret=s", "ice.turn_ttl_s=3600", NULL);
  for (guint i = 1; i <= 2; i++) {
    const gint64 before_s = g_get_real_time () / G_USEC_PER_SEC;
    g_autofree char *created = test_request (&test, "POST", "/whip/stage", SDP, "v=0");
    const char *username = strstr (created, "username=\"");
    g_autofree char *user = g_strdup_printf (":p%u\"; credential=\"", i);
    g_assert_nonnull (username);
    const gint64 expiry_s = g_ascii_strtoll (username + strlen ("username=\""), NULL, 10);
    g_assert_cmpint (expiry_s, >=, before_s + 3600);
    g_assert_cmpint (expiry_s, <=, g_get_real_time () / G_USEC_PER_SEC + 3600);
    g_autofree char *name = g_strdup_printf ("%" G_GINT64_FORMAT ":p%u", expiry_s, i);
    g_autofree char *hexadecimal = g_compute_hmac_for_string (G_CHECKSUM_SHA1, (const guchar *) "s", 1, name, -1);
    const char *credential = strstr (created, user);
    g_assert_nonnull (credential);
    gsize n_bytes;
    g_auto (GStrv) words = g_strsplit (credential + strlen (user), "\"", 2);
    g_autofree guint8 *digest = g_base64_decode (words[0], &n_bytes);
    g_assert_cmpuint (n_bytes, ==, 20);
    for (gsize at = 0; at < n_bytes; at++)
      g_assert_cmpint (digest[at], ==,
                       g_ascii_xdigit_value (hexadecimal[2 * at]) << 4 | g_ascii_xdigit_value (hexadecimal[2 * at + 1]));
  }
  test_server_stop (&test);
}

static void
test_refusals (void)
{
  static const struct {
    const char *method, *path, *headers, *body;
    guint status;
  } cases[] = {
    { "POST", "/whip/stage", "Content-Type: text/plain\r\n", "v=0", 415 },
    { "POST", "/whip/stage", "", "v=0", 415 },
    { "POST", "/whip/stage", SDP, "", 400 },
    { "POST", "/whip/stage", SDP, "\xff", 400 },
    { "POST", "/whip/", SDP, "v=0", 404 },
    { "POST", "/whip", SDP, "v=0", 404 },
    { "POST", "/whip/a/b/c", SDP, "v=0", 404 },
    { "POST", "/whip/stage", SDP "Origin: https://evil.example\r\n", "v=0", 403 },
    { "GET", "/whip/stage", "", NULL, 405 },
    { "PATCH", "/whip/stage", FRAGMENT, TRICKLE, 405 },
  };
  static const struct {
    int error;
    guint status;
  } room_errors[] = {
    { MXR_ROOM_ERROR_BAD_NAME, 400 },
    { MXR_ROOM_ERROR_FULL, 503 },
    { MXR_ROOM_ERROR_DRAINING, 503 },
    { MXR_ROOM_ERROR_FAILED, 500 },
  };
  TestServer test;
  test_server_start (&test, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *response =
        test_request (&test, cases[i].method, cases[i].path, cases[i].headers, cases[i].body);
    g_autofree char *type = test_get_header (response, "Content-Type");
    expect_status (response, cases[i].status);
    g_assert_cmpstr (type, ==, "application/problem+json");
  }
  for (guint i = 0; i < G_N_ELEMENTS (room_errors); i++) {
    test.hub->next_error = room_errors[i].error;
    g_autofree char *response = test_request (&test, "POST", "/whip/stage", SDP, "v=0");
    g_autofree char *retry = test_get_header (response, "Retry-After");
    expect_status (response, room_errors[i].status);
    g_assert_true ((retry != NULL) == (room_errors[i].status == 503));
  }
  g_assert_null (mxr_fake_hub_last (test.hub));
  mxr_server_drain (test.server);
  g_assert_cmpuint (ask (&test, "POST", "/whip/stage", SDP, "v=0"), ==, 503);
  test_server_stop (&test);
}

static bool
is_called (gpointer user_data)
{
  gpointer *args = user_data;
  return mxr_fake_hub_was_called (args[0], args[1]);
}

static void
expect_call (TestServer *test, const char *call)
{
  gpointer args[] = { test->hub, (gpointer) call };
  if (!test_until (is_called, args, 5))
    g_error ("the room was not asked '%s'", call);
}

/* An offer that fails leaves nobody behind; nor do clients and participants who go meanwhile. */
static void
test_failing_offers (void)
{
  static const char request[] = "POST /whip/stage HTTP/1.1\r\nHost: a\r\n" SDP "Content-Length: 3\r\n\r\nv=0";
  TestServer test;
  test_server_start (&test, NULL);
  test.hub->holds_answers = true;
  g_autoptr (TestClient) failing = test_client_new (&test);
  test_client_send (failing, request, -1);
  expect_call (&test, "negotiate p1 v=0 1");
  test.hub->next_error = MXR_ROOM_ERROR_NOTHING_USABLE;
  mxr_fake_hub_release (test.hub);
  g_assert_true (test_client_wait_for (failing, "HTTP/1.1 422"));
  expect_call (&test, "leave p1");

  test.hub->holds_answers = true;
  g_autoptr (TestClient) removed = test_client_new (&test);
  test_client_send (removed, request, -1);
  expect_call (&test, "negotiate p2 v=0 1");
  mxr_fake_participant_remove (mxr_fake_hub_last (test.hub), "the room closed");
  g_assert_true (test_client_wait_for (removed, "HTTP/1.1 404"));

  TestClient *hasty = test_client_new (&test);
  test_client_send (hasty, request, -1);
  expect_call (&test, "negotiate p3 v=0 1");
  test_client_free (hasty);
  test_run_ms (10);
  mxr_fake_hub_release (test.hub);
  test_run_ms (10);

  test.hub->holds_answers = true;
  g_autoptr (TestClient) pending = test_client_new (&test);
  test_client_send (pending, request, -1);
  expect_call (&test, "negotiate p4 v=0 1");
  test_server_stop (&test);
}

static void
send_request (TestClient *client, const char *method, const char *path, const char *headers, const char *body)
{
  g_autofree char *request =
      g_strdup_printf ("%s %s HTTP/1.1\r\nHost: a\r\n%sContent-Length: %" G_GSIZE_FORMAT "\r\n\r\n%s", method,
                       path, headers, strlen (body), body);
  test_client_send (client, request, -1);
}

/* A restart that is under way when its resource is deleted. */
static void
test_delete_while_restarting (void)
{
  TestServer test;
  test_server_start (&test, NULL);
  g_autofree char *created = test_request (&test, "POST", "/whip/stage", SDP, "v=0");
  g_autofree char *location = test_get_header (created, "Location");

  test.hub->holds_answers = true;
  g_autoptr (TestClient) patcher = test_client_new (&test);
  g_autoptr (TestClient) deleter = test_client_new (&test);
  send_request (patcher, "PATCH", location, FRAGMENT "If-Match: *\r\n", RESTART);
  expect_call (&test, "restart other 9876543210987654321098");
  send_request (deleter, "DELETE", location, "", "");
  g_assert_true (test_client_wait_for (deleter, "HTTP/1.1 200"));
  g_assert_true (test_client_wait_for (patcher, "HTTP/1.1 404"));
  test_server_stop (&test);
}

static void
test_patch (void)
{
  TestServer test;
  test_server_start (&test, NULL);
  g_autofree char *created = test_request (&test, "POST", "/whip/stage", SDP, "v=0");
  g_autofree char *location = test_get_header (created, "Location");
  g_autofree char *etag = test_get_header (created, "ETag");
  g_autofree char *match = g_strdup_printf (FRAGMENT "If-Match: %s\r\n", etag);

  g_autofree char *listed = g_strdup_printf (FRAGMENT "If-Match: \"a\", %s\r\n", etag);
  g_autofree char *two_lines = g_strdup_printf (FRAGMENT "If-Match: \"a\"\r\nIf-Match: %s\r\n", etag);
  g_autofree char *missing = test_request (&test, "PATCH", location, FRAGMENT, TRICKLE);
  g_assert_true (g_str_has_prefix (missing, "HTTP/1.1 428 Precondition Required\r\n"));
  g_assert_cmpuint (ask (&test, "PATCH", location, listed, TRICKLE), ==, 204);
  g_assert_cmpuint (ask (&test, "PATCH", location, two_lines, TRICKLE), ==, 204);
  g_assert_cmpuint (ask (&test, "PATCH", location, FRAGMENT "If-Match: \"x\"\r\n", TRICKLE), ==, 412);
  g_assert_cmpuint (ask (&test, "PATCH", location, SDP, TRICKLE), ==, 415);
  g_assert_cmpuint (ask (&test, "PATCH", "/whip/stage/unknown", match, TRICKLE), ==, 404);
  g_assert_cmpuint (ask (&test, "PATCH", location, match, "no fragment"), ==, 400);
  g_assert_cmpuint (ask (&test, "PATCH", location, match, TRICKLE), ==, 204);
  g_assert_true (
      mxr_fake_hub_was_called (test.hub, "candidate candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host 0"));
  g_assert_true (mxr_fake_hub_was_called (test.hub, "candidate  0"));
  test.hub->next_error = MXR_ROOM_ERROR_BAD_CANDIDATE;
  g_assert_cmpuint (ask (&test, "PATCH", location, match, TRICKLE), ==, 400);

  g_autofree char *restarted = test_request (&test, "PATCH", location, FRAGMENT "If-Match: *\r\n", RESTART);
  g_autofree char *new_etag = test_get_header (restarted, "ETag");
  g_autofree char *type = test_get_header (restarted, "Content-Type");
  expect_status (restarted, 200);
  g_assert_cmpstr (type, ==, "application/trickle-ice-sdpfrag");
  g_assert_cmpstr (new_etag, !=, etag);
  g_assert_true (g_str_has_suffix (restarted, "a=ice-ufrag:new\r\n"));
  g_assert_true (mxr_fake_hub_was_called (test.hub, "restart other 9876543210987654321098"));
  g_assert_cmpuint (ask (&test, "PATCH", location, match, TRICKLE), ==, 412);
  mxr_fake_participant_remove (mxr_fake_hub_last (test.hub), "media died");
  g_assert_cmpuint (ask (&test, "DELETE", location, NULL, NULL), ==, 404);
  test_server_stop (&test);
}

static void
test_cors (void)
{
  TestServer test;
  test_server_start (&test, "server.allowed_origins=https://app.example", NULL);
  g_autofree char *options =
      test_request (&test, "OPTIONS", "/whip/stage",
                    "Origin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n", NULL);
  g_autofree char *origin = test_get_header (options, "Access-Control-Allow-Origin");
  g_autofree char *accept = test_get_header (options, "Accept-Post");
  g_autofree char *methods = test_get_header (options, "Access-Control-Allow-Methods");
  expect_status (options, 204);
  g_assert_cmpstr (origin, ==, "https://app.example");
  g_assert_cmpstr (accept, ==, "application/sdp");
  g_assert_nonnull (strstr (methods, "PATCH"));
  g_autofree char *created =
      test_request (&test, "POST", "/whip/stage", SDP "Origin: https://app.example\r\n", "v=0");
  g_autofree char *exposed = test_get_header (created, "Access-Control-Expose-Headers");
  expect_status (created, 201);
  g_assert_nonnull (strstr (exposed, "Location"));
  test_server_stop (&test);
}

static void
test_tokens (void)
{
  TestServer test;
  test_server_start (&test, "server.token_secret=s3cret", NULL);
  g_autofree char *viewer = test_make_token ("s3cret", "{\"alg\":\"HS256\"}",
                                             "{\"exp\":99999999999,\"room\":\"stage\",\"role\":\"viewer\"}");
  g_autofree char *headers = g_strdup_printf (SDP "Authorization: Bearer %s\r\n", viewer);
  g_assert_cmpuint (ask (&test, "POST", "/whip/stage", SDP, "v=0"), ==, 401);
  g_assert_cmpuint (ask (&test, "POST", "/whip/stage", SDP "Authorization: Bearer x.y.z\r\n", "v=0"), ==,
                    401);
  g_assert_cmpuint (ask (&test, "POST", "/whip/stage", headers, "v=0"), ==, 403);
  g_assert_cmpuint (ask (&test, "POST", "/whep/other", headers, "v=0"), ==, 403);
  g_autofree char *created = test_request (&test, "POST", "/whep/stage", headers, "v=0");
  g_autofree char *location = test_get_header (created, "Location");
  expect_status (created, 201);
  g_assert_cmpuint (ask (&test, "DELETE", location, NULL, NULL), ==, 401);
  g_assert_cmpuint (ask (&test, "DELETE", location, headers, NULL), ==, 200);
  test_server_stop (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/whip/join-and-leave", test_join_and_leave);
  g_test_add_func ("/whip/minted-credentials", test_minted_credentials);
  g_test_add_func ("/whip/refusals", test_refusals);
  g_test_add_func ("/whip/failing-offers", test_failing_offers);
  g_test_add_func ("/whip/delete-while-restarting", test_delete_while_restarting);
  g_test_add_func ("/whip/patch", test_patch);
  g_test_add_func ("/whip/cors", test_cors);
  g_test_add_func ("/whip/tokens", test_tokens);
  return g_test_run ();
}
