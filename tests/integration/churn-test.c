/* People come and go; two who stay see no gap, and afterwards the server holds what it held before. */

#include "oracle.h"
#include "wire.h"

#define ROOM "test"
/* 40 in 30 s by default; with MIXROOM_LONG 120. */
#define N_VISITS 40
#define N_VISITS_LONG 120
#define PAUSE_MS 200
/* What allocators keep of a storm, with the arenas that the test's environment allows (without: 55 MiB after
 * 30 H.264 peers, none of it lost); the address sanitizer keeps what was freed on purpose. */
#ifdef __SANITIZE_ADDRESS__
#define RESIDENT_TOLERANCE_KIB (400 * 1024)
#else
#define RESIDENT_TOLERANCE_KIB (40 * 1024)
#endif

typedef struct {
  ServerProcess *server;
  Call call;
  FakePeer *model; /* whose offer is posted */
} Fixture;

static void
visit_by_whip (Fixture *fixture, const char *method, bool deletes)
{
  g_auto (ServerReply) reply = { 0 };
  g_autofree char *path = g_strdup_printf ("/%s/" ROOM "?name=visitor", method);

  server_process_send (fixture->server, "POST", path, NULL, "application/sdp",
                       fake_peer_get_offer (fixture->model), -1, &reply);
  g_assert_cmpuint (reply.status, ==, 201);
  pump_for (PAUSE_MS);
  if (deletes)
    g_assert_cmpuint (
        server_process_request (fixture->server, "DELETE", reply.location, NULL, NULL, NULL, NULL), ==, 200);
}

static void
visit_by_websocket (Fixture *fixture, bool leaves)
{
  g_autoptr (WsClient) client = ws_client_new (fixture->server);
  ws_client_send_message (client, "join", "room", ROOM, "name", "visitor", NULL);
  g_autoptr (JsonNode) joined = ws_client_expect (client, "joined");
  g_assert_nonnull (joined);
  pump_for (PAUSE_MS);
  if (leaves)
    ws_client_send_message (client, "leave", NULL);
}

static void
visit_by_peer (Fixture *fixture, const char *codec, bool leaves)
{
  FakePeer *guest = fake_peer_new (fixture->server, ROOM, 3, codec, FAKE_PEER_CALL);
  pump_for (PAUSE_MS);
  if (leaves)
    fake_peer_leave (guest);
  else
    fake_peer_vanish (guest);
}

/* @early: there is time for who never connects to be thrown out: 30 s. */
static void
visit (Fixture *fixture, guint i, bool early)
{
  switch (i % 10) {
  case 0:
    visit_by_peer (fixture, i % 20 == 0 ? "VP8" : "H264", true);
    break;
  case 1:
    visit_by_peer (fixture, "VP8", false);
    break;
  case 2:
    visit_by_websocket (fixture, true);
    break;
  case 3:
    visit_by_websocket (fixture, false);
    break;
  case 4:
    visit_by_whip (fixture, "whip", !early); /* never connects, never leaves */
    break;
  default:
    visit_by_whip (fixture, "whip", true);
    break;
  }
}

static bool
is_empty_but_for_two (gpointer data)
{
  const Fixture *fixture = data;
  g_autoptr (JsonNode) room = server_process_get_json (fixture->server, "/api/v1/rooms/" ROOM);
  return json_array_get_length (json_object_get_array_member (json_node_get_object (room), "participants")) ==
         2;
}

static void
settle (Fixture *fixture, const char *what, ServerUsage *out_usage)
{
  pump_until (is_empty_but_for_two, fixture, 60, what);
  pump_for (1500);
  server_process_measure (fixture->server, out_usage);
  g_test_message ("%s: %u descriptors, %u threads, %u KiB resident", what, out_usage->n_descriptors,
                  out_usage->n_threads, out_usage->resident_kib);
}

static void
test_visits (void)
{
  static const char *const settings[] = { "http.joins_per_minute=100000", "ice.consent_timeout_s=5",
                                          "room.resume_timeout_s=3", NULL };
  guint n_visits = g_getenv ("MIXROOM_LONG") != NULL ? N_VISITS_LONG : N_VISITS;
  Fixture fixture = { .server = server_process_new (settings) };
  ServerUsage before, after;

  fixture.model = fake_peer_prepare (fixture.server, 2, "VP8", FAKE_PEER_CALL);
  call_start (&fixture.call, fixture.server, ROOM);
  for (guint i = 0; i < 20; i++)
    visit (&fixture, i, false);
  settle (&fixture, "after a first round", &before);
  call_check (&fixture.call, "after a first round");
  for (guint i = 0; i < n_visits; i++)
    visit (&fixture, i, i < n_visits / 2);
  call_check (&fixture.call, "while people come and go");
  settle (&fixture, "after everybody went", &after);
  call_check (&fixture.call, "after everybody went");
  g_assert_cmpuint (after.n_descriptors, <=, before.n_descriptors + 2); /* kept-alive HTTP */
  g_assert_cmpuint (after.n_threads, <=, before.n_threads + 2);         /* of GLib's pools */
  g_assert_cmpuint (after.resident_kib, <=, before.resident_kib + RESIDENT_TOLERANCE_KIB);
  fake_peer_discard (fixture.model);
  call_end (&fixture.call);
  server_process_free (fixture.server);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/churn/visits", test_visits);
  return g_test_run ();
}
