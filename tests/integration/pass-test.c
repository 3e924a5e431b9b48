/* One publisher and its viewers: the picture goes through as it was sent, and nobody sees when that begins or ends. */

#include "oracle.h"

/* What people notice as a freeze; the fake peers send 15 frames a second. */
#define FREEZE_MS 250

static ServerProcess *server;

typedef struct {
  FakePeer *viewer;
  FakePeer **publishers;
  guint n;
  bool is_passed; /* as wanted */
} Scene;

/* ---- What the server says -------------------------------------------------------------------------------- */

static bool
is_passed_through (void)
{
  g_autoptr (JsonNode) room = server_process_get_json (server, "/api/v1/rooms/test");
  JsonArray *rungs = json_object_get_array_member (json_node_get_object (room), "rungs");

  for (guint i = 0; i < json_array_get_length (rungs); i++) {
    JsonObject *rung = json_array_get_object_element (rungs, i);
    if (json_object_has_member (rung, "passedThrough") && json_object_get_boolean_member (rung, "passedThrough"))
      return true;
  }
  return false;
}

static bool
is_as_wanted (gpointer data)
{
  const Scene *scene = data;
  g_autoptr (JsonNode) room = server_process_get_json (server, "/api/v1/rooms/test");
  return is_passed_through () == scene->is_passed &&
         oracle_sees_everybody (scene->viewer, room, scene->publishers, scene->n);
}

static void
expect (Scene *scene, guint n, bool is_passed, const char *what)
{
  scene->n = n;
  scene->is_passed = is_passed;
  pump_until (is_as_wanted, scene, 20, what);
}

/* On a busy machine the fake peers themselves pause: then that is the measure. */
static void
expect_no_freeze (FakePeer *viewer, guint quiet_ms, const char *when)
{
  guint gap_ms = fake_peer_take_longest_gap_ms (viewer);
  g_test_message ("longest time between two frames %s: %u ms, and %u in quiet", when, gap_ms, quiet_ms);
  g_assert_cmpuint (gap_ms, <, MAX (FREEZE_MS, quiet_ms * 3 / 2));
}

/* ---- Tests ----------------------------------------------------------------------------------------------- */

static void
test_begins_and_ends_unseen (void)
{
  FakePeer *publishers[2];
  Scene scene = { .publishers = publishers };

  publishers[0] = fake_peer_new (server, "test", 0, "VP8", FAKE_PEER_AUDIO | FAKE_PEER_VIDEO | FAKE_PEER_SENDS);
  scene.viewer = fake_peer_new (server, "test", 2, "VP8", FAKE_PEER_AUDIO | FAKE_PEER_VIDEO | FAKE_PEER_RECEIVES);
  expect (&scene, 1, true, "one picture, passed through");
  pump_for (1000);
  fake_peer_take_longest_gap_ms (scene.viewer);

  pump_for (3000);
  guint quiet_ms = fake_peer_take_longest_gap_ms (scene.viewer);
  publishers[1] = fake_peer_new (server, "test", 1, "VP8", FAKE_PEER_AUDIO | FAKE_PEER_VIDEO | FAKE_PEER_SENDS);
  expect (&scene, 2, false, "two pictures, mixed");
  expect_no_freeze (scene.viewer, quiet_ms, "on the way back to the mix");
  fake_peer_leave (publishers[1]);
  expect (&scene, 1, true, "one picture again");
  expect_no_freeze (scene.viewer, quiet_ms, "on the way from the mix");
  fake_peer_leave (publishers[0]);
  fake_peer_leave (scene.viewer);
}

/* A viewer who comes later begins with a key frame of the publisher's. */
static void
test_late_viewer (void)
{
  FakePeer *publisher = fake_peer_new (server, "test", 0, "VP8", FAKE_PEER_AUDIO | FAKE_PEER_VIDEO | FAKE_PEER_SENDS);
  Scene scene = { .publishers = &publisher };

  FakePeer *first = fake_peer_new (server, "test", 2, "VP8", FAKE_PEER_AUDIO | FAKE_PEER_VIDEO | FAKE_PEER_RECEIVES);
  scene.viewer = first;
  expect (&scene, 1, true, "one picture, passed through");
  scene.viewer = fake_peer_new (server, "test", 3, "VP8", FAKE_PEER_AUDIO | FAKE_PEER_VIDEO | FAKE_PEER_RECEIVES);
  expect (&scene, 1, true, "the same for who comes later");
  fake_peer_leave (scene.viewer);
  fake_peer_leave (first);
  fake_peer_leave (publisher);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  server = server_process_new (NULL);
  g_test_add_func ("/pass/begins-and-ends-unseen", test_begins_and_ends_unseen);
  g_test_add_func ("/pass/late-viewer", test_late_viewer);
  int result = g_test_run ();
  server_process_free (server);
  return result;
}
