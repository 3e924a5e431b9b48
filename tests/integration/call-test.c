/* A call of two: each gets the other's picture as it was sent, and with a third one the mix, and nobody sees the change. */

#include "oracle.h"

#include <string.h>

/* What people notice; the fake peers send 15 frames a second. A sanitized server takes its time to start decoders and an encoder. */
#ifdef __SANITIZE_ADDRESS__
#define FREEZE_MS 1000
#else
#define FREEZE_MS 250
#endif
/* Of the peers' cameras; the room's picture is another. */
#define SENT_WIDTH 320

static ServerProcess *server;

typedef struct {
  FakePeer *peers[3];
  guint n; /* who have a tile */
  bool is_direct; /* as wanted, of the first two */
} Scene;

/* ---- What the server says -------------------------------------------------------------------------------- */

static JsonObject *
find_participant (JsonNode *room, FakePeer *peer)
{
  JsonArray *list = json_object_get_array_member (json_node_get_object (room), "participants");

  for (guint i = 0; i < json_array_get_length (list); i++) {
    JsonObject *participant = json_array_get_object_element (list, i);
    if (strcmp (json_object_get_string_member (participant, "name"), fake_peer_get_name (peer)) == 0)
      return participant;
  }
  g_assert_not_reached ();
}

static gint64
get_uplink_count (FakePeer *peer, const char *name)
{
  g_autoptr (JsonNode) room = server_process_get_json (server, "/api/v1/rooms/test");
  JsonObject *uplink = json_object_get_object_member (find_participant (room, peer), "videoUplink");
  JsonObject *decoding = json_object_get_object_member (uplink, "decoding");

  return json_object_get_int_member (json_object_has_member (decoding, name) ? decoding : uplink, name);
}

static bool
has_pictures_encoded (JsonNode *room)
{
  JsonArray *rungs = json_object_get_array_member (json_node_get_object (room), "rungs");

  for (guint i = 0; i < json_array_get_length (rungs); i++)
    if (json_object_has_member (json_array_get_object_element (rungs, i), "level"))
      return true;
  return false;
}

static bool
is_nothing_encoded (gpointer unused)
{
  g_autoptr (JsonNode) room = server_process_get_json (server, "/api/v1/rooms/test");
  return !has_pictures_encoded (room);
}

static bool
has_metric (const char *text)
{
  g_auto (ServerReply) reply = { 0 };
  server_process_send (server, "GET", "/metrics", NULL, NULL, NULL, 0, &reply);
  return reply.body != NULL && strstr (reply.body, text) != NULL;
}

/* ---- What the peers see ------------------------------------------------------------------------------------ */

/* All of the picture is the other's, and as large as that sends it. */
static bool
sees_directly (JsonNode *room, FakePeer *peer, FakePeer *other)
{
  guint width_px, height_px;
  TestColour colour;

  if (!json_object_get_boolean_member (find_participant (room, peer), "direct") ||
      !fake_peer_get_seen_size (peer, &width_px, &height_px) || width_px != SENT_WIDTH)
    return false;
  for (guint i = 1; i < 4; i++)
    if (!fake_peer_look (peer, i / 4.0, 0.5, &colour) || test_colour_nearest (colour) != (int) fake_peer_get_index (other))
      return false;
  return true;
}

static bool
sees_mix (const Scene *scene, JsonNode *room, FakePeer *peer)
{
  return !json_object_get_boolean_member (find_participant (room, peer), "direct") &&
         oracle_sees_everybody (peer, room, scene->peers, scene->n);
}

static bool
is_as_wanted (gpointer data)
{
  const Scene *scene = data;
  g_autoptr (JsonNode) room = server_process_get_json (server, "/api/v1/rooms/test");

  for (guint i = 0; i < MIN (scene->n, 2); i++)
    if (scene->is_direct ? !sees_directly (room, scene->peers[i], scene->peers[!i]) : !sees_mix (scene, room, scene->peers[i]))
      return false;
  return true;
}

static void
expect (Scene *scene, guint n, bool is_direct, const char *what)
{
  scene->n = n;
  scene->is_direct = is_direct;
  pump_until (is_as_wanted, scene, 20, what);
}

static void
begin (Scene *scene, const char *codec)
{
  *scene = (Scene){ 0 };
  for (guint i = 0; i < 2; i++)
    scene->peers[i] = fake_peer_new (server, "test", i, codec, FAKE_PEER_CALL);
  expect (scene, 2, true, "each sees the other's picture as it was sent");
}

static void
finish (Scene *scene)
{
  fake_peer_leave (scene->peers[0]);
  fake_peer_leave (scene->peers[1]);
}

/* Returns: the longest of both. Frames must go on first, or a gap that still lasts would not count. */
static guint
take_gap_ms (Scene *scene)
{
  for (guint i = 0; i < 2; i++) {
    guint n = fake_peer_count_frames (scene->peers[i]);
    for (guint k = 0; k < 100 && fake_peer_count_frames (scene->peers[i]) < n + 2; k++)
      pump_for (20);
    g_assert_cmpuint (fake_peer_count_frames (scene->peers[i]), >=, n + 2);
  }
  guint gaps_ms[] = { fake_peer_take_longest_gap_ms (scene->peers[0]), fake_peer_take_longest_gap_ms (scene->peers[1]) };
  return MAX (gaps_ms[0], gaps_ms[1]);
}

/* On a busy machine the fake peers themselves pause: then that is the measure. */
static void
expect_no_freeze (Scene *scene, guint quiet_ms, const char *when)
{
  guint gap_ms = take_gap_ms (scene);
  g_test_message ("longest time between two frames %s: %u ms, and %u in quiet", when, gap_ms, quiet_ms);
  g_assert_cmpuint (gap_ms, <, MAX (FREEZE_MS, quiet_ms * 3 / 2));
}

/* ---- Tests ----------------------------------------------------------------------------------------------- */

/* A forwarder's work and no more; and who asks for a key frame asks the other. */
static void
check_forwarding (Scene *scene)
{
  g_assert_true (has_metric ("mixroom_participants_direct 2\n"));
  pump_until (is_nothing_encoded, NULL, 15, "the end of encodings that nobody gets");
  pump_for (2000); /* figures are as old as the last report, 1.5 s */
  gint64 n_decoded = get_uplink_count (scene->peers[0], "decoded"), n_packets = get_uplink_count (scene->peers[0], "packets");
  gint64 n_asked = get_uplink_count (scene->peers[0], "plis");
  fake_peer_request_keyframe (scene->peers[1]);
  pump_for (2200);
  g_assert_cmpint (get_uplink_count (scene->peers[0], "packets"), >, n_packets);
  g_assert_cmpint (get_uplink_count (scene->peers[0], "decoded"), ==, n_decoded);
  g_assert_cmpint (get_uplink_count (scene->peers[0], "plis"), >, n_asked);
}

/* The mix begins with nothing decoded and no encoder. */
static void
test_third_comes_and_goes (void)
{
  Scene scene;

  begin (&scene, "VP8");
  take_gap_ms (&scene);
  check_forwarding (&scene);
  guint quiet_ms = take_gap_ms (&scene);
  scene.peers[2] = fake_peer_new (server, "test", 2, "VP8", FAKE_PEER_CALL);
  expect (&scene, 3, false, "three, mixed");
  expect_no_freeze (&scene, quiet_ms, "on the way to the mix");
  fake_peer_leave (scene.peers[2]);
  expect (&scene, 2, true, "two again, directly");
  expect_no_freeze (&scene, quiet_ms, "on the way back");
  finish (&scene);
}

/* Those that an encoder makes by itself too. */
static GstPadProbeReturn
on_frame (GstPad *pad, GstPadProbeInfo *info, gpointer unused)
{
  GstBuffer *frame = GST_PAD_PROBE_INFO_BUFFER (info);
  return GST_BUFFER_FLAG_IS_SET (frame, GST_BUFFER_FLAG_DELTA_UNIT) ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
}

/* Key frames that do not come: who asked once is asked for again, and not more than once a second. */
static void
test_request_without_answer (void)
{
  Scene scene;

  begin (&scene, "VP8");
  g_autoptr (GstElement) encoder = gst_bin_get_by_name (GST_BIN (fake_peer_get_pipeline (scene.peers[0])), "video_frames");
  g_autoptr (GstPad) src = gst_element_get_static_pad (encoder, "src");
  gst_pad_add_probe (src, GST_PAD_PROBE_TYPE_BUFFER, on_frame, NULL, NULL);
  pump_for (2000); /* a key frame that is on its way */
  gint64 n_asked = get_uplink_count (scene.peers[0], "plis");
  fake_peer_request_keyframe (scene.peers[1]);
  pump_for (7000);
  gint64 n_more = get_uplink_count (scene.peers[0], "plis") - n_asked;
  g_assert_cmpint (n_more, >=, 3);
  g_assert_cmpint (n_more, <=, 8);
  finish (&scene);
}

static bool
is_first_mixed (gpointer data)
{
  const Scene *scene = data;
  g_autoptr (JsonNode) room = server_process_get_json (server, "/api/v1/rooms/test");
  guint width_px = 0, height_px = 0;

  fake_peer_get_seen_size (scene->peers[1], &width_px, &height_px);
  return width_px == 1280 && sees_mix (scene, room, scene->peers[1]) && sees_directly (room, scene->peers[0], scene->peers[1]);
}

static bool
sees_both (gpointer data)
{
  const Scene *scene = data;
  g_autoptr (JsonNode) room = server_process_get_json (server, "/api/v1/rooms/test");
  return oracle_sees_everybody (scene->peers[2], room, scene->peers, 2);
}

/* A viewer has the mix beside it; what gets another shape is mixed, and the other direction is not its business; who is left
 * alone gets the mix at once. */
static void
test_rest_of_the_room (void)
{
  Scene scene;

  begin (&scene, "H264");
  take_gap_ms (&scene);
  scene.peers[2] = fake_peer_new (server, "test", 2, "H264", FAKE_PEER_AUDIO | FAKE_PEER_VIDEO | FAKE_PEER_RECEIVES);
  pump_until (sees_both, &scene, 20, "a viewer's mix");
  expect (&scene, 2, true, "directly beside a viewer");
  guint quiet_ms = take_gap_ms (&scene);
  fake_peer_set_size (scene.peers[0], 320, 240);
  pump_until (is_first_mixed, &scene, 20, "a picture of another shape, mixed");
  expect_no_freeze (&scene, quiet_ms, "when the shape changes");
  fake_peer_leave (scene.peers[2]);
  fake_peer_leave (scene.peers[1]);
  expect (&scene, 1, false, "alone");
  fake_peer_leave (scene.peers[0]);
}

int
main (int argc, char **argv)
{
  static const char *const settings[] = { "room.direct_calls=true", NULL };

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  server = server_process_new (settings);
  g_test_add_func ("/call/third-comes-and-goes", test_third_comes_and_goes);
  g_test_add_func ("/call/request-without-answer", test_request_without_answer);
  g_test_add_func ("/call/rest-of-the-room", test_rest_of_the_room);
  int result = g_test_run ();
  server_process_free (server);
  return result;
}
