/* How things end: a server that drains, a server that is told twice, a client that is gone without a word. */

#include "oracle.h"
#include "wire.h"

#include <signal.h>

#define ROOM "test"

static bool
is_not_ready (gpointer data)
{
  return server_process_request (data, "GET", "/readyz", NULL, NULL, NULL, NULL) == 503;
}

static void
expect_draining (ServerProcess *server, const char *method, const char *path, const char *offer)
{
  g_auto (ServerReply) reply = { 0 };
  server_process_send (server, method, path, NULL, "application/sdp", offer, -1, &reply);
  server_reply_assert_problem (&reply, 503, "draining");
}

static void
test_draining (void)
{
  static const char *const settings[] = { "server.drain_timeout_s=60", NULL };
  ServerProcess *server = server_process_new (settings);
  g_autoptr (WsClient) client = ws_client_new (server);
  g_autoptr (WsClient) latecomer = NULL;
  Call call;

  call_start (&call, server, ROOM);
  ws_client_send_message (client, "join", "room", ROOM, "name", "somebody", NULL);
  g_autoptr (JsonNode) joined = ws_client_expect (client, "joined");
  g_assert_nonnull (joined);
  latecomer = ws_client_new (server);
  g_subprocess_send_signal (server->process, SIGTERM);
  g_autoptr (JsonNode) closing = ws_client_expect (client, "closing");
  g_assert_nonnull (closing);
  g_assert_cmpint (json_object_get_int_member (json_node_get_object (closing), "reconnectIn"), >, 0);
  g_assert_nonnull (ws_get_string (closing, "reason"));
  pump_until (is_not_ready, server, 5, "readyz to say no");
  expect_draining (server, "GET", "/readyz", NULL);
  expect_draining (server, "POST", "/whip/" ROOM, fake_peer_get_offer (call.peers[0]));
  expect_draining (server, "POST", "/whep/" ROOM, fake_peer_get_offer (call.peers[0]));
  g_assert_cmpuint (server_process_request (server, "GET", "/healthz", NULL, NULL, NULL, NULL), ==, 200);
  ws_client_send_message (latecomer, "join", "room", ROOM, "name", "latecomer", NULL);
  if (latecomer->connection != NULL && !latecomer->is_closed)
    ws_client_expect_error (latecomer, "draining");
  call_check (&call, "while draining"); /* who is in may finish */
  gint64 start_us = g_get_monotonic_time ();
  g_subprocess_send_signal (server->process, SIGTERM);
  g_assert_cmpint (server_process_wait (server, 20), ==, 0);
  gint64 took_ms = (g_get_monotonic_time () - start_us) / 1000;
  g_test_message ("the second signal took %d ms", (int) took_ms);
  g_assert_cmpint (took_ms, <, 5000);
  for (guint i = 0; i < G_N_ELEMENTS (call.peers); i++)
    fake_peer_discard (call.peers[i]);
}

/* With nobody in, the first signal is the end. */
static void
test_draining_an_empty_server (void)
{
  ServerProcess *server = server_process_new (NULL);
  g_subprocess_send_signal (server->process, SIGTERM);
  g_assert_cmpint (server_process_wait (server, 5), ==, 0);
}

typedef struct {
  Call *call;
  char *name;
  guint index;
} Loss;

static bool
has_no_picture (gpointer data)
{
  const Loss *loss = data;
  TestColour colour;
  g_autoptr (JsonNode) room = server_process_get_json (loss->call->server, "/api/v1/rooms/" ROOM);
  return oracle_find_colour (loss->call->peers[0], room, loss->name, &colour) &&
         test_colour_nearest (colour) != (int) loss->index;
}

static bool
is_gone (gpointer data)
{
  const Loss *loss = data;
  g_autoptr (JsonNode) room = server_process_get_json (loss->call->server, "/api/v1/rooms/" ROOM);
  return oracle_find_participant (room, loss->name) == NULL;
}

static void
test_vanishing (void)
{
  static const char *const settings[] = { "ice.consent_timeout_s=8", NULL };
  ServerProcess *server = server_process_new (settings);
  Call call;

  call_start (&call, server, ROOM);
  FakePeer *guest = fake_peer_new (server, ROOM, 2, "VP8", FAKE_PEER_CALL);
  Loss loss = { &call, g_strdup (fake_peer_get_name (guest)), fake_peer_get_index (guest) };
  call_await_guest (&call, guest);
  call_check (&call, "with a guest");
  gint64 start_us = g_get_monotonic_time ();
  fake_peer_vanish (guest);
  pump_until (has_no_picture, &loss, 10, "an avatar in the place of who vanished");
  int avatar_ms = (int) ((g_get_monotonic_time () - start_us) / 1000);
  g_assert_false (is_gone (&loss));
  pump_until (is_gone, &loss, 20, "the end of who vanished");
  int gone_ms = (int) ((g_get_monotonic_time () - start_us) / 1000);
  g_test_message ("no picture after %d ms, gone after %d ms", avatar_ms, gone_ms);
  g_assert_cmpint (avatar_ms, >, 2000);
  g_assert_cmpint (avatar_ms, <, 6000);
  g_assert_cmpint (gone_ms, >, 7000);
  g_assert_cmpint (gone_ms, <, 15000);
  g_free (loss.name);
  call_end (&call);
  server_process_free (server);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ending/draining", test_draining);
  g_test_add_func ("/ending/draining-an-empty-server", test_draining_an_empty_server);
  g_test_add_func ("/ending/vanishing", test_vanishing);
  return g_test_run ();
}
