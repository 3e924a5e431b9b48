#include "test-client.h"

#include <gst/gst.h>
#include <libsoup/soup.h>
#include <string.h>

/* The front end with the room as it is: what is under way when somebody goes. The sanitizers are half of the
 * test. */

#define HTTP(method, path, headers) method " " path " HTTP/1.1\r\nHost: localhost\r\n" headers

MxrHub *
test_hub_new (const MxrConfig *config)
{
  g_autoptr (GError) error = NULL;
  MxrHub *hub = mxr_hub_new (config, &error);
  g_assert_no_error (error);
  return hub;
}

void
test_hub_free (MxrHub *hub)
{
  mxr_hub_free (hub);
}

static void
start (TestServer *test, const char *stun_server)
{
  g_autofree char *stun = g_strdup_printf ("ice.stun_server=%s", stun_server);
  test_server_start (test, "ice.allow_loopback=true", "ice.local_addresses=127.0.0.1", stun, NULL);
}

static char *
read_offer (const char *name)
{
  g_autofree char *path =
      g_build_filename (g_getenv ("MIXROOM_SOURCE_ROOT"), "tests", "data", "sdp", name, NULL);
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

static char *
write_join (const char *extra)
{
  g_autofree char *offer = read_offer ("chromium156-call.sdp");
  g_autoptr (GString) escaped = g_string_new (offer);
  g_string_replace (escaped, "\r\n", "\\r\\n", 0);
  g_string_replace (escaped, "\n", "\\r\\n", 0);
  return g_strdup_printf ("{\"type\":\"join\",\"room\":\"stage\",\"name\":\"Ann\",\"offer\":\"%s\"%s}",
                          escaped->str, extra);
}

static void
expect (TestClient *client, const char *text)
{
  if (!test_client_wait_for (client, text))
    g_error ("'%s' did not come, but: %s", text, client->in->str);
}

static void
send_post (TestClient *client)
{
  g_autofree char *offer = read_offer ("chromium156-whip.sdp");
  g_autofree char *request = g_strdup_printf (
      HTTP ("POST", "/whip/stage", "Content-Type: application/sdp\r\n") "Content-Length: %" G_GSIZE_FORMAT
                                                                        "\r\n\r\n%s",
      strlen (offer), offer);
  test_client_send (client, request, -1);
}

/* ---- Tests ----------------------------------------------------------------------------------------------
 */

static void
test_leave_while_answering (void)
{
  TestServer test;
  start (&test, "");
  g_autofree char *join = write_join ("");
  g_autoptr (TestClient) client = test_ws_new (&test);

  test_ws_send (client, join);
  test_ws_send (client, "{\"type\":\"leave\"}");
  g_assert_cmpuint (test_ws_get_close_code (client), ==, 1000);
  test_run_ms (100);
  g_assert_cmpuint (mxr_hub_count_participants (test.hub), ==, 0);
  test_server_stop (&test);
}

static void
test_delete_while_restarting (void)
{
  static const char fragment[] = "a=ice-ufrag:othr\r\na=ice-pwd:9876543210987654321098\r\n"
                                 "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n";
  TestServer test;
  start (&test, "");
  g_autoptr (TestClient) poster = test_client_new (&test);
  send_post (poster);
  expect (poster, "HTTP/1.1 201");
  g_autofree char *location = test_get_header (poster->in->str, "Location");

  g_autoptr (TestClient) patcher = test_client_new (&test);
  g_autoptr (TestClient) deleter = test_client_new (&test);
  g_autofree char *patch = g_strdup_printf (
      HTTP (
          "PATCH", "%s",
          "Content-Type: application/trickle-ice-sdpfrag\r\nIf-Match: *\r\n") "Content-Length: %zu\r\n\r\n%s",
      location, strlen (fragment), fragment);
  g_autofree char *delete = g_strdup_printf (HTTP ("DELETE", "%s", "\r\n"), location);
  test_client_send (patcher, patch, -1);
  test_client_send (deleter, delete, -1);
  expect (deleter, "HTTP/1.1 200");
  expect (patcher, "HTTP/1.1 ");
  g_assert_true (test_get_status (patcher->in->str) == 404 || test_get_status (patcher->in->str) == 200);
  g_assert_cmpuint (mxr_hub_count_participants (test.hub), ==, 0);
  test_server_stop (&test);
}

static bool
has_participants (gpointer hub)
{
  return mxr_hub_count_participants (hub) > 0;
}

/* Gathering waits for a STUN server that never answers; so the end comes first. */
static void
test_stop_while_gathering (void)
{
  TestServer test;
  start (&test, "127.0.0.1:9");
  g_autofree char *join = write_join ("");
  g_autoptr (TestClient) poster = test_client_new (&test);
  g_autoptr (TestClient) session = test_ws_new (&test);

  send_post (poster);
  g_assert_true (test_until (has_participants, test.hub, 5));
  test_ws_send (session, join);
  expect (session, "joined");
  test_server_stop (&test);
}

static char *
read_resume_token (TestClient *client)
{
  const char *found = memmem (client->in->str, client->in->len, "\"resume\":\"", strlen ("\"resume\":\""));
  g_assert_nonnull (found);
  found += strlen ("\"resume\":\"");
  return g_strndup (found, strcspn (found, "\""));
}

/* Frames hold zeros, so this is no string. */
static guint
count (const GString *bytes, const char *part)
{
  const char *end = bytes->str + bytes->len;
  guint n = 0;
  for (const char *at = bytes->str; (at = memmem (at, end - at, part, strlen (part))) != NULL;
       at += strlen (part))
    n++;
  return n;
}

/* A resumption that names another room touches nothing; a good one: a microphone that was off stays off, also
 * where the first word after the resumption is of the camera. */
static void
test_resume_keeps_mute (void)
{
  TestServer test;
  start (&test, "");
  g_autoptr (TestClient) first = test_ws_new (&test);
  test_ws_send (first, "{\"type\":\"join\",\"room\":\"stage\",\"name\":\"Ann\"}");
  expect (first, "\"type\":\"participants\"");
  test_ws_send (first, "{\"type\":\"mute\",\"audio\":true}");
  expect (first, "\"audioMuted\":true,\"videoMuted\":false");
  g_autofree char *token = read_resume_token (first);

  g_autoptr (TestClient) astray = test_ws_new (&test);
  g_autofree char *elsewhere =
      g_strdup_printf ("{\"type\":\"join\",\"room\":\"other\",\"name\":\"Ann\",\"resume\":\"%s\"}", token);
  test_ws_send (astray, elsewhere);
  expect (astray, "\"code\":\"not-found\"");
  test_run_ms (20);
  g_assert_cmpuint (count (first->in, "closing"), ==, 0);

  g_autoptr (TestClient) second = test_ws_new (&test);
  g_autofree char *resume =
      g_strdup_printf ("{\"type\":\"join\",\"room\":\"stage\",\"name\":\"Ann\",\"resume\":\"%s\"}", token);
  test_ws_send (second, resume);
  test_ws_send (second, "{\"type\":\"mute\",\"video\":true}");
  expect (second, "\"audioMuted\":true,\"videoMuted\":true");
  g_assert_cmpuint (count (second->in, "\"audioMuted\":false"), ==, 0);

  /* What says nothing new is told to nobody. */
  test_run_ms (50);
  g_string_truncate (second->in, 0);
  test_ws_send (second, "{\"type\":\"mute\",\"audio\":true}");
  test_ws_send (second, "{\"type\":\"mute\",\"audio\":true,\"video\":true}");
  test_ws_send (second, "{\"type\":\"hand\",\"raised\":false}");
  test_run_ms (50);
  test_ws_send (second, "{\"type\":\"hand\",\"raised\":true}");
  expect (second, "\"hand\":true");
  g_assert_cmpuint (count (second->in, "\"type\":\"participant\""), ==, 1);
  test_server_stop (&test);
}

/* Of the first line of chat at or after @from, which is moved behind it; -1: there is none. */
static gint64
read_chat_time (const GString *bytes, const char **from)
{
  const char *chat = memmem (*from, bytes->str + bytes->len - *from, "\"type\":\"chat\"", strlen ("\"type\":\"chat\""));
  if (chat == NULL)
    return -1;
  const char *time = memmem (chat, bytes->str + bytes->len - chat, "\"time\":", strlen ("\"time\":"));
  g_assert_nonnull (time);
  *from = time;
  return g_ascii_strtoll (time + strlen ("\"time\":"), NULL, 10);
}

/* Once each and in their order, each later than the one before though they were said in one instant. */
static void
expect_three_missed (TestClient *client, gint64 seen_ms)
{
  const char *at = client->in->str, *end = client->in->str + client->in->len;

  g_assert_cmpuint (count (client->in, "\"type\":\"chat\""), ==, 3);
  for (guint i = 0; i < 3; i++) {
    gint64 time_ms = read_chat_time (client->in, &at);
    g_assert_cmpint (time_ms, >, seen_ms);
    seen_ms = time_ms;
  }
  at = client->in->str;
  for (guint i = 0; i < 3; i++) {
    g_autofree char *text = g_strdup_printf ("missed %u", i);
    at = memmem (at, end - at, text, strlen (text));
    g_assert_nonnull (at);
  }
}

static char *
dup_last_tiles (TestClient *client)
{
  static const char mark[] = "{\"type\":\"tiles\"";
  const char *last = NULL, *end = client->in->str + client->in->len;
  for (const char *at = client->in->str; (at = memmem (at, end - at, mark, strlen (mark))) != NULL; at++)
    last = at;
  g_assert_nonnull (last);
  const char *close = memmem (last, end - last, "]}", 2);
  g_assert_nonnull (close);
  return g_strndup (last, close - last);
}

/* While somebody is away others see nothing of it: tiles stay. Who comes back has the places it had, and hears what was
 * said meanwhile, once and in its order. */
static void
test_resume_tells_what_was_missed (void)
{
  TestServer test;
  start (&test, "");
  TestClient *ann = test_ws_new (&test);
  test_ws_send (ann, "{\"type\":\"join\",\"room\":\"stage\",\"name\":\"Ann\"}");
  expect (ann, "\"type\":\"tiles\"");
  g_autofree char *token = read_resume_token (ann);
  g_autoptr (TestClient) bob = test_ws_new (&test);
  test_ws_send (bob, "{\"type\":\"join\",\"room\":\"stage\",\"name\":\"Bob\"}");
  expect (bob, "\"type\":\"tiles\"");
  test_ws_send (bob, "{\"type\":\"chat\",\"text\":\"before\"}");
  expect (ann, "\"text\":\"before\"");
  expect (bob, "\"text\":\"before\"");
  const char *at = ann->in->str;
  gint64 seen_ms = read_chat_time (ann->in, &at);
  g_autofree char *tiles = dup_last_tiles (bob);

  g_string_truncate (bob->in, 0);
  test_client_free (ann);
  for (guint i = 0; i < 3; i++) {
    g_autofree char *line = g_strdup_printf ("{\"type\":\"chat\",\"text\":\"missed %u\"}", i);
    test_ws_send (bob, line);
  }
  expect (bob, "missed 2");
  g_assert_cmpuint (count (bob->in, "\"gone\":true"), ==, 0);
  g_assert_cmpuint (count (bob->in, "\"type\":\"tiles\""), ==, 0);

  g_autoptr (TestClient) back = test_ws_new (&test);
  g_autofree char *resume = g_strdup_printf (
      "{\"type\":\"join\",\"room\":\"stage\",\"name\":\"Ann\",\"resume\":\"%s\",\"chatAfter\":%" G_GINT64_FORMAT "}",
      token, seen_ms);
  test_ws_send (back, resume);
  expect (back, "missed 2");
  test_run_ms (50);
  g_autofree char *tiles_back = dup_last_tiles (back);
  g_assert_cmpstr (tiles_back, ==, tiles);
  expect_three_missed (back, seen_ms);
  g_assert_cmpuint (count (bob->in, "\"gone\":true"), ==, 0);
  g_assert_cmpuint (count (bob->in, "\"type\":\"tiles\""), ==, 0);
  test_server_stop (&test);
}

/* What main told the hub reaches everybody, who comes back meanwhile too. */
static void
test_drain (void)
{
  static const char closing[] = "\"reconnectIn\":2000}";
  TestServer test;
  start (&test, "");
  g_autoptr (TestClient) first = test_ws_new (&test);
  test_ws_send (first, "{\"type\":\"join\",\"room\":\"stage\",\"name\":\"Ann\"}");
  expect (first, "\"type\":\"participants\"");
  g_autofree char *token = read_resume_token (first);

  mxr_server_drain (test.server);
  mxr_hub_drain (test.hub, 2000);
  expect (first, closing);
  g_autoptr (TestClient) second = test_ws_new (&test);
  g_autofree char *resume =
      g_strdup_printf ("{\"type\":\"join\",\"room\":\"stage\",\"name\":\"Ann\",\"resume\":\"%s\"}", token);
  test_ws_send (second, resume);
  expect (second, closing);
  g_assert_cmpuint (count (second->in, "\"type\":\"closing\""), ==, 1);
  test_server_stop (&test);
}

static void
on_hook (SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer user_data)
{
  g_autoptr (GBytes) bytes = soup_message_body_flatten (soup_server_message_get_request_body (msg));
  g_autofree char *body = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  const char *type = strstr (body, "\"type\":\"");

  g_assert_nonnull (type);
  type += strlen ("\"type\":\"");
  g_string_append_len (user_data, type, (gssize) strcspn (type, "\""));
  g_string_append_c (user_data, ' ');
  soup_server_message_set_status (msg, SOUP_STATUS_NO_CONTENT, NULL);
}

/* What ends because the server does is told like any other end. */
static void
test_webhooks_at_the_end (void)
{
  g_autoptr (SoupServer) soup = soup_server_new (NULL, NULL);
  g_autoptr (GString) told = g_string_new (NULL);
  TestServer test;
  soup_server_add_handler (soup, "/", on_hook, told, NULL);
  g_assert_true (soup_server_listen_local (soup, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, NULL));
  g_autoslist (GUri) uris = soup_server_get_uris (soup);
  g_autofree char *urls =
      g_strdup_printf ("webhooks.webhook_urls=http://127.0.0.1:%d/", g_uri_get_port (uris->data));
  test_server_start (&test, "ice.allow_loopback=true", "ice.local_addresses=127.0.0.1", urls,
                     "webhooks.webhook_secret=0123456789abcdef0123456789abcdef", NULL);
  g_autoptr (TestClient) client = test_ws_new (&test);
  test_ws_send (client, "{\"type\":\"join\",\"room\":\"stage\",\"name\":\"Ann\"}");
  expect (client, "\"type\":\"participants\"");
  test_server_stop (&test);
  g_assert_cmpstr (told->str, ==, "room.began participant.joined participant.left room.ended ");
  soup_server_disconnect (soup);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  /* libnice warns when it is closed while it looks a STUN server up; that may happen here, and harms nothing. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  g_test_add_func ("/real-room/leave-while-answering", test_leave_while_answering);
  g_test_add_func ("/real-room/delete-while-restarting", test_delete_while_restarting);
  g_test_add_func ("/real-room/stop-while-gathering", test_stop_while_gathering);
  g_test_add_func ("/real-room/resume-keeps-mute", test_resume_keeps_mute);
  g_test_add_func ("/real-room/resume-tells-what-was-missed", test_resume_tells_what_was_missed);
  g_test_add_func ("/real-room/drain", test_drain);
  g_test_add_func ("/real-room/webhooks-at-the-end", test_webhooks_at_the_end);
  return g_test_run ();
}
