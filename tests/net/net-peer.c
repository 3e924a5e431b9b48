/* A fake peer as a program of its own, so that it can live in another network namespace than the server. It
 * joins by WHIP and writes one JSON object a line: every quarter of a second what it sees and hears, and its
 * counters. */

#include "../integration/fake-peer.h"

#include <glib-unix.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define INTERVAL_MS 250
#define SENDERS_MAX 4
#define PATIENCE_MS 250
/* Of the sender's 0.12: what is left when a quarter of the second came through. */
#define HEARD_AT_LEAST 0.03
/* A colour is seen when so many points of the grid show it: a sixteenth of the picture. */
#define GRID_COLUMNS 16
#define GRID_ROWS 9
#define SEEN_POINTS 9

typedef struct {
  char *uri;
  char *room;
  char *codec;
  char *role;
  FakePeerPlace place;
  int index;
  int seconds;
  gboolean noise;
} Options;

typedef struct {
  FakePeer *peer;
  gint64 start_us;
} Watch;

static bool is_stopped;

static void
parse_options (int *argc, char ***argv, Options *options)
{
  const GOptionEntry entries[] = {
    { "server", 0, 0, G_OPTION_ARG_STRING, &options->uri, "Its address", "http://HOST:PORT/" },
    { "room", 0, 0, G_OPTION_ARG_STRING, &options->room, "Room to join", "NAME" },
    { "codec", 0, 0, G_OPTION_ARG_STRING, &options->codec, "VP8 or H264", "NAME" },
    { "role", 0, 0, G_OPTION_ARG_STRING, &options->role, "call, audio (in both directions) or viewer",
      "ROLE" },
    { "address", 0, 0, G_OPTION_ARG_STRING, &options->place.address, "Local address to offer", "IP" },
    { "stun", 0, 0, G_OPTION_ARG_STRING, &options->place.stun_server, "Who tells it its public address", "URI" },
    { "turn", 0, 0, G_OPTION_ARG_STRING, &options->place.turn_server, "Relay, the only way then", "URI" },
    { "index", 0, 0, G_OPTION_ARG_INT, &options->index, "Which tone and colour", "0..3" },
    { "noise", 0, 0, G_OPTION_ARG_NONE, &options->noise, "Send a picture that costs bits", NULL },
    { "seconds", 0, 0, G_OPTION_ARG_INT, &options->seconds, "Leave after so long", "N" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, &error))
    g_error ("%s", error->message);
  if (options->uri == NULL)
    g_error ("--server is missing");
}

static FakePeerFlags
find_flags (const char *role)
{
  if (g_strcmp0 (role, "viewer") == 0)
    return FAKE_PEER_AUDIO | FAKE_PEER_VIDEO | FAKE_PEER_RECEIVES;
  return g_strcmp0 (role, "audio") == 0 ? FAKE_PEER_AUDIO | FAKE_PEER_SENDS | FAKE_PEER_RECEIVES
                                        : FAKE_PEER_CALL;
}

/* Browsers wait so long and longer for what can still be repaired; webrtcbin's jitter buffers do what they
 * are told. */
static void
set_patience (FakePeer *peer)
{
  g_autoptr (GstIterator) iterator =
      gst_bin_iterate_all_by_element_factory_name (GST_BIN (fake_peer_get_pipeline (peer)), "webrtcbin");
  GValue item = G_VALUE_INIT;

  if (gst_iterator_next (iterator, &item) == GST_ITERATOR_OK)
    g_object_set (g_value_get_object (&item), "latency", PATIENCE_MS, NULL);
  g_value_unset (&item);
}

/* ---- A picture that costs bits ---------------------------------------------------------------------------
 */

/* Small enough that the colour stays the nearest one. */
static GstPadProbeReturn
on_frame (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GRand *random = user_data;
  GstBuffer *frame = gst_buffer_make_writable (gst_pad_probe_info_get_buffer (info));
  GstMapInfo map;

  info->data = frame;
  if (!gst_buffer_map (frame, &map, GST_MAP_READWRITE))
    return GST_PAD_PROBE_OK;
  for (gsize i = 0; i + 4 <= map.size * 2 / 3; i += 4) {
    guint32 bits = g_rand_int (random);
    for (guint k = 0; k < 4; k++)
      map.data[i + k] = (guint8) (map.data[i + k] - 16 + (bits >> 8 * k & 31));
  }
  gst_buffer_unmap (frame, &map);
  return GST_PAD_PROBE_OK;
}

static void
add_noise (FakePeer *peer)
{
  g_autoptr (GstElement) source = gst_bin_get_by_name (GST_BIN (fake_peer_get_pipeline (peer)), "colour");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (source, "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_frame, g_rand_new (), (GDestroyNotify) g_rand_free);
}

/* ---- Counters --------------------------------------------------------------------------------------------
 */

/* Its own caps name no medium; those behind the payload type demultiplexer do. */
static const char *
find_media (GstElement *jitterbuffer)
{
  g_autoptr (GstPad) source = gst_element_get_static_pad (jitterbuffer, "src");
  g_autoptr (GstPad) peer = gst_pad_get_peer (source);
  g_autoptr (GstElement) demux = peer != NULL ? gst_pad_get_parent_element (peer) : NULL;

  if (demux == NULL || demux->srcpads == NULL)
    return NULL;
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (demux->srcpads->data);
  const char *media =
      caps != NULL ? gst_structure_get_string (gst_caps_get_structure (caps, 0), "media") : NULL;
  return g_intern_string (media);
}

/* webrtcbin makes a jitter buffer for each stream that it receives, and knows there what was lost and mended.
 */
static void
add_jitter_buffer (JsonBuilder *json, GstElement *element)
{
  static const char *const counters[] = { "num-pushed",     "num-lost",  "num-late",
                                          "num-duplicates", "rtx-count", "rtx-success-count" };
  g_autoptr (GstStructure) stats = NULL;
  const char *media = find_media (element);

  g_object_get (element, "stats", &stats, NULL);
  if (media == NULL || stats == NULL)
    return;
  json_builder_set_member_name (json, media);
  json_builder_begin_object (json);
  for (guint i = 0; i < G_N_ELEMENTS (counters); i++) {
    guint64 value = 0;
    gst_structure_get_uint64 (stats, counters[i], &value);
    json_builder_set_member_name (json, counters[i]);
    json_builder_add_int_value (json, (gint64) value);
  }
  json_builder_end_object (json);
}

static void
add_jitter_buffers (JsonBuilder *json, FakePeer *peer)
{
  g_autoptr (GstIterator) iterator = gst_bin_iterate_all_by_element_factory_name (
      GST_BIN (fake_peer_get_pipeline (peer)), "rtpjitterbuffer");
  GValue item = G_VALUE_INIT;

  while (gst_iterator_next (iterator, &item) == GST_ITERATOR_OK) {
    add_jitter_buffer (json, g_value_get_object (&item));
    g_value_reset (&item);
  }
  g_value_unset (&item);
}

/* ---- What it sees and hears ------------------------------------------------------------------------------
 */

static void
add_seen (JsonBuilder *json, FakePeer *peer)
{
  guint n_points[SENDERS_MAX] = { 0 };

  for (guint i = 0; i < GRID_COLUMNS * GRID_ROWS; i++) {
    TestColour colour;
    double x = (i % GRID_COLUMNS + 0.5) / GRID_COLUMNS, y = (i / GRID_COLUMNS + 0.5) / GRID_ROWS;
    int sender = fake_peer_look (peer, x, y, &colour) ? test_colour_nearest (colour) : -1;
    if (sender >= 0 && sender < SENDERS_MAX)
      n_points[sender]++;
  }
  json_builder_set_member_name (json, "seen");
  json_builder_begin_array (json);
  for (guint i = 0; i < SENDERS_MAX; i++)
    if (n_points[i] >= SEEN_POINTS)
      json_builder_add_int_value (json, i);
  json_builder_end_array (json);
}

static void
add_heard (JsonBuilder *json, FakePeer *peer)
{
  guint n_blocks, n_silent;

  json_builder_set_member_name (json, "heard");
  json_builder_begin_array (json);
  for (guint i = 0; i < SENDERS_MAX; i++)
    if (fake_peer_measure (peer, i) > HEARD_AT_LEAST)
      json_builder_add_int_value (json, i);
  json_builder_end_array (json);
  fake_peer_count_silence (peer, &n_blocks, &n_silent);
  json_builder_set_member_name (json, "blocks");
  json_builder_add_int_value (json, n_blocks);
  json_builder_set_member_name (json, "silent");
  json_builder_add_int_value (json, n_silent);
}

static gboolean
on_interval (gpointer user_data)
{
  Watch *watch = user_data;
  g_autoptr (JsonBuilder) json = json_builder_new ();
  guint gap_ms = fake_peer_take_longest_gap_ms (watch->peer);

  json_builder_begin_object (json);
  json_builder_set_member_name (json, "ms");
  json_builder_add_int_value (json, (g_get_monotonic_time () - watch->start_us) / 1000);
  json_builder_set_member_name (json, "frames");
  json_builder_add_int_value (json, fake_peer_count_frames (watch->peer));
  json_builder_set_member_name (json, "gap");
  json_builder_add_int_value (json, gap_ms);
  add_seen (json, watch->peer);
  add_heard (json, watch->peer);
  add_jitter_buffers (json, watch->peer);
  json_builder_end_object (json);

  g_autoptr (JsonNode) root = json_builder_get_root (json);
  g_autofree char *line = json_to_string (root, FALSE);
  printf ("%s\n", line);
  fflush (stdout);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_signal (gpointer user_data)
{
  is_stopped = true;
  return G_SOURCE_REMOVE;
}

static bool
is_over (gpointer data)
{
  return is_stopped;
}

int
main (int argc, char **argv)
{
  Options options = { .index = 0, .seconds = 30 };
  Watch watch = { 0 };

  gst_init (NULL, NULL);
  parse_options (&argc, &argv, &options);
  ServerProcess server = { .uri = options.uri, .http = soup_session_new () };
  watch.start_us = g_get_monotonic_time ();
  watch.peer = fake_peer_new_at (&server, options.room != NULL ? options.room : "test", (guint) options.index,
                                 options.codec != NULL ? options.codec : "VP8", find_flags (options.role),
                                 &options.place);
  set_patience (watch.peer);
  if (options.noise)
    add_noise (watch.peer);
  g_timeout_add (INTERVAL_MS, on_interval, &watch);
  g_timeout_add_seconds ((guint) options.seconds, on_signal, NULL);
  g_unix_signal_add (SIGTERM, on_signal, NULL);
  pump_until (is_over, NULL, (guint) options.seconds + 10, "the call's end");
  on_interval (&watch);
  fake_peer_leave (watch.peer);
  g_object_unref (server.http);
  return 0;
}
