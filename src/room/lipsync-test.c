/* A flash and a beep of one instant, sent as a client sends them, through uplinks, mixers and rungs: how long each takes, and
 * how far apart they come out, by the clock and by the time stamps that clients align lips by; and how far apart they are in
 * a recording that is made meanwhile, and stay: MIXROOM_LIPSYNC_S=600 looks for drift. */

#include "room-private.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define FRAMERATE 30
#define WIDTH 320
#define HEIGHT 180
#define BLOCK_SAMPLES 960
#define SECONDS 7
#define SECONDS_MAX 3600
#define EVENT_FRAMES 22 /* from one to the next */
#define APART_MAX_MS 40

/* Ways out of the room, behind those of MxrRtpKind: viewers' sound, brought to a loudness. */
#define VIEWERS_SOUND MXR_PEER_N_KINDS
#define N_WAYS (MXR_PEER_N_KINDS + 1)

static guint n_seconds = SECONDS, n_events;

typedef struct {
  guint32 timestamp;
  gint64 arrival_us;
  GBytes *rtp;
} Packet;

typedef struct {
  MxrConfig *config;
  MxrNet *net;
  MxrFragments *fragments;
  MxrGraph *graph;
  MxrDecodePool *pool;
  MxrPeerDelays *delays;
  MxrUplink *uplinks[MXR_PEER_N_KINDS];
  GstPad *sinks[MXR_PEER_N_KINDS];
  MxrRung *rungs[N_WAYS];
  GArray *sent[MXR_PEER_N_KINDS];     /* Packet; arrival_us: when it is to be sent, from the begin */
  GArray *received[N_WAYS]; /* Packet; written by the network thread */
  gint64 begin_us;                    /* monotonic time of the client's first sample */
  MxrHub hub;                         /* as much of the two as a programme needs */
  MxrRoom room;
  char *directory, *recording;
} Fixture;

/* Of the client's own time. All lie on the frames' grid, at all places on the 20 ms one. */
static gint64
event_us (guint event)
{
  return (gint64) (30 + EVENT_FRAMES * event) * G_USEC_PER_SEC / FRAMERATE;
}

/* The last that has begun by @us. Returns: false: there was none, or it was the last of all. */
static bool
find_event (gint64 us, guint *out_event)
{
  if (us < event_us (0))
    return false;
  *out_event = (guint) ((us - event_us (0)) * FRAMERATE / G_USEC_PER_SEC / EVENT_FRAMES);
  if (event_us (*out_event + 1) <= us)
    (*out_event)++;
  return *out_event < n_events;
}

/* ---- The client: everything encoded beforehand ----------------------------------------------------------------- */

static GstBuffer *
make_sound (guint block)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, BLOCK_SAMPLES * 2, NULL);
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (guint i = 0; i < BLOCK_SAMPLES; i++) {
    gint64 sample = (gint64) block * BLOCK_SAMPLES + i;
    gint16 value = 0;
    guint event;
    if (find_event (sample * 1000 / 48, &event)) {
      gint64 since = sample - event_us (event) * 48 / 1000;
      if (since >= 0 && since < 48 * 60)
        value = (gint16) (16000 * sin (2 * G_PI * 1000 * since / 48000));
    }
    ((gint16 *) map.data)[i] = value;
  }
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (block, GST_SECOND, 50);
  return buffer;
}

static GstBuffer *
make_picture (guint frame)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, WIDTH * HEIGHT * 3 / 2, NULL);
  guint8 luma = 16;

  if (frame >= 30 && (frame - 30) / EVENT_FRAMES < n_events && (frame - 30) % EVENT_FRAMES < 3)
    luma = 235;
  gst_buffer_memset (buffer, 0, luma, WIDTH * HEIGHT);
  gst_buffer_memset (buffer, WIDTH * HEIGHT, 128, WIDTH * HEIGHT / 2);
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (frame, GST_SECOND, FRAMERATE);
  return buffer;
}

static guint32
read_timestamp (const guint8 *rtp)
{
  return (guint32) rtp[4] << 24 | rtp[5] << 16 | rtp[6] << 8 | rtp[7];
}

static GArray *
encode (const char *description, GstBuffer *(*make) (guint), guint n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (description, &error);
  GArray *packets = g_array_new (FALSE, FALSE, sizeof (Packet));
  GstSample *sample;

  g_assert_no_error (error);
  g_autoptr (GstElement) source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < n; i++)
    gst_app_src_push_buffer (GST_APP_SRC (source), make (i));
  gst_app_src_end_of_stream (GST_APP_SRC (source));
  while ((sample = gst_app_sink_pull_sample (GST_APP_SINK (sink))) != NULL) {
    GstBuffer *buffer = gst_sample_get_buffer (sample);
    gsize size = gst_buffer_get_size (buffer);
    guint8 *bytes = g_malloc (size);
    gst_buffer_extract (buffer, 0, bytes, size);
    const Packet packet = { read_timestamp (bytes), 0, g_bytes_new_take (bytes, size) };
    g_array_append_val (packets, packet);
    gst_sample_unref (sample);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return packets;
}

/* A sound can go when its last sample is there, a picture when it is taken. */
static void
encode_all (Fixture *fixture)
{
  GArray *sound = fixture->sent[MXR_RTP_AUDIO] = encode (
    "appsrc name=source format=time caps=audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved ! "
    "opusenc frame-size=20 bitrate=64000 audio-type=generic ! rtpopuspay pt=111 timestamp-offset=0 ! "
    "appsink name=sink sync=false buffer-list=false", make_sound, 50 * n_seconds);
  GArray *picture = fixture->sent[MXR_RTP_VIDEO] = encode (
    "appsrc name=source format=time caps=video/x-raw,format=I420,width=320,height=180,framerate=30/1 ! "
    "vp8enc deadline=1 cpu-used=-12 target-bitrate=500000 keyframe-max-dist=1000 ! rtpvp8pay pt=96 timestamp-offset=0 ! "
    "appsink name=sink sync=false buffer-list=false", make_picture, FRAMERATE * n_seconds);
  for (guint i = 0; i < sound->len; i++)
    g_array_index (sound, Packet, i).arrival_us = (gint64) (i + 1) * 20000;
  for (guint i = 0; i < picture->len; i++) {
    Packet *packet = &g_array_index (picture, Packet, i);
    packet->arrival_us = (gint64) (packet->timestamp - g_array_index (picture, Packet, 0).timestamp) * 100 / 9;
  }
}

static void
send (Fixture *fixture)
{
  guint next[MXR_PEER_N_KINDS] = { 0 };

  fixture->begin_us = g_get_monotonic_time () + 20000;
  for (;;) {
    MxrRtpKind kind = MXR_PEER_N_KINDS;
    const Packet *packet = NULL;
    for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
      const Packet *other = &g_array_index (fixture->sent[i], Packet, next[i]);
      if (next[i] < fixture->sent[i]->len && (packet == NULL || other->arrival_us < packet->arrival_us)) {
        packet = other;
        kind = i;
      }
    }
    if (packet == NULL)
      return;
    next[kind]++;
    mxr_programme_tick (&fixture->room, g_get_monotonic_time ());
    gint64 wait_us = fixture->begin_us + packet->arrival_us - g_get_monotonic_time ();
    if (wait_us > 0)
      g_usleep (wait_us);
    gsize size;
    const guint8 *rtp = g_bytes_get_data (packet->rtp, &size);
    MxrRtpView view;
    g_assert_true (mxr_rtp_view_parse (&view, rtp, size));
    const MxrUplinkPacket arrived = { .view = &view, .extended_seq = 65536 + next[kind] };
    mxr_uplink_push (fixture->uplinks[kind], &arrived, g_get_monotonic_time ());
  }
}

/* ---- The room ---------------------------------------------------------------------------------------------------- */

static void
on_error (GstObject *source, const GError *error, gpointer user_data)
{
  g_error ("%s: %s", GST_OBJECT_NAME (source), error->message);
}

static void
on_keyframe_needed (gpointer user_data)
{
}

static const MxrUplinkEvents uplink_events = { .on_keyframe_needed = on_keyframe_needed };

static void
add_uplink (Fixture *fixture, MxrRtpKind kind)
{
  bool is_audio = kind == MXR_RTP_AUDIO;
  const char *codec = is_audio ? "OPUS" : "VP8";
  const MxrUplinkParams params = {
    .name = codec,
    .kind = kind,
    .codec = codec,
    .payload_type = is_audio ? 111 : 96,
    .clock_rate = is_audio ? 48000 : 90000,
    .is_wanted = true,
    .timeline_us = fixture->graph->timeline_us,
    .decoder = mxr_fragments_find (fixture->fragments, is_audio ? "opusdec" : "vp8dec", MXR_FRAGMENT_DECODE, codec, NULL),
    .config = fixture->config,
    .pool = fixture->pool,
    .delays = fixture->delays,
  };
  GstElement *mixer = is_audio ? fixture->graph->sound : fixture->graph->picture;

  fixture->sinks[kind] = gst_element_request_pad_simple (mixer, "sink_0");
  fixture->uplinks[kind] = mxr_uplink_new (&params, &uplink_events, NULL, NULL, NULL);
  g_assert_true (mxr_graph_add_input (fixture->graph, mxr_uplink_get_bin (fixture->uplinks[kind]), fixture->sinks[kind], NULL));
  mxr_uplink_open (fixture->uplinks[kind]);
}

static void
note_packets (GArray *received, MxrRtpPacket *const *packets, guint n_packets)
{
  for (guint i = 0; i < n_packets; i++) {
    const MxrRtpPacket *from = packets[i];
    guint8 *rtp = g_malloc0 (12 + from->payload_bytes);
    rtp[0] = 0x80;
    rtp[1] = 96 | (from->marker ? 0x80 : 0);
    rtp[2] = from->seq >> 8;
    rtp[3] = from->seq & 0xff;
    for (guint k = 0; k < 4; k++)
      rtp[4 + k] = from->timestamp >> (24 - 8 * k) & 0xff;
    memcpy (rtp + 12, from->payload, from->payload_bytes);
    const Packet packet = { from->timestamp, g_get_monotonic_time (), g_bytes_new_take (rtp, 12 + from->payload_bytes) };
    g_array_append_val (received, packet);
  }
}

static void
on_packets (MxrRtpPacket *const *packets, guint n_packets, bool is_last, gpointer user_data)
{
  note_packets (user_data, packets, n_packets);
}

static void
subscribe (gpointer data)
{
  Fixture *fixture = data;
  for (guint i = 0; i < N_WAYS; i++)
    mxr_fanout_subscribe (mxr_rung_get_fanout (fixture->rungs[i]), on_packets, fixture->received[i]);
}

static void
unsubscribe (gpointer data)
{
  Fixture *fixture = data;
  for (guint i = 0; i < N_WAYS; i++)
    mxr_fanout_unsubscribe (mxr_rung_get_fanout (fixture->rungs[i]), fixture->received[i]);
}

static void
add_rung (Fixture *fixture, guint way)
{
  bool is_audio = way != MXR_RTP_VIDEO;
  const char *codec = is_audio ? "OPUS" : "VP8";
  const MxrRungParams params = {
    .encoder = mxr_fragments_find (fixture->fragments, is_audio ? "opusenc" : "vp8enc", MXR_FRAGMENT_ENCODE, codec, NULL),
    .name = way == VIEWERS_SOUND ? "rung-viewers" : is_audio ? "rung-sound" : "rung-picture",
    .codec = codec,
    .bitrate_bps = is_audio ? 48000 : 1000000,
    .keyframe_interval_ms = 1000,
    .is_picture = !is_audio,
    .is_programme = way == VIEWERS_SOUND,
    .number = 9,
  };
  g_autoptr (GError) error = NULL;
  fixture->rungs[way] = mxr_rung_new (fixture->graph, fixture->net, &params, &error);
  g_assert_no_error (error);
  fixture->received[way] = g_array_new (FALSE, FALSE, sizeof (Packet));
}

/* ---- The recording ------------------------------------------------------------------------------------------------- */

static void
start_recording (Fixture *fixture)
{
  static GSourceFuncs no_functions;
  const MxrOutputOrder order = { .type = "file", .format = "mp4" };
  g_autoptr (GError) error = NULL;
  MxrOutputInfo info;

  fixture->directory = g_dir_make_tmp ("mixroom-lipsync-XXXXXX", NULL);
  g_free (fixture->config->programme.recordings_directory);
  fixture->config->programme.recordings_directory = g_strdup (fixture->directory);
  fixture->hub = (MxrHub){ .config = fixture->config, .fragments = fixture->fragments, .net = fixture->net };
  mxr_hub_set_events (&fixture->hub, NULL, NULL);
  fixture->hub.tick = g_source_new (&no_functions, sizeof (GSource));
  fixture->room = (MxrRoom){ .hub = &fixture->hub, .graph = fixture->graph, .next_key = 100 };
  fixture->room.name = (char *) "lips";
  fixture->room.participants = g_ptr_array_new ();
  mxr_stage_init (&fixture->room);
  mxr_programme_look_init (&fixture->room);
  mxr_programme_images_init (&fixture->room);
  fixture->room.programme = mxr_programme_new (&fixture->room);
  MxrOutput *output = mxr_programme_add_output (&fixture->room, &order, &error);
  g_assert_no_error (error);
  mxr_output_get_info (output, &info);
  fixture->recording = g_build_filename (fixture->directory, info.recording, NULL);
}

static void
end_recording (Fixture *fixture)
{
  mxr_programme_clear (&fixture->room);
  mxr_encodings_clear (&fixture->room);
  while (!mxr_programme_is_over (&fixture->room))
    g_main_context_iteration (NULL, TRUE);
  mxr_programme_free (fixture->room.programme);
  mxr_programme_look_clear (&fixture->room.look);
  mxr_programme_images_clear (&fixture->room);
  g_ptr_array_unref (fixture->room.participants);
  g_source_unref (fixture->hub.tick);
}

static void
remove_recording (Fixture *fixture)
{
  g_unlink (fixture->recording);
  g_rmdir (fixture->directory);
  g_free (fixture->recording);
  g_free (fixture->directory);
}

static void
set_up (Fixture *fixture)
{
  g_autofree char *path = g_build_filename (g_test_get_dir (G_TEST_DIST), "..", "..", "pipelines", NULL);
  const char *const dirs[] = { path, NULL };
  const MxrTile tile = { .sink = 0, .w = 640, .h = 360 };
  g_autoptr (GError) error = NULL;

  fixture->config = mxr_config_new ();
  fixture->config->media.net_threads = 1;
  fixture->config->room.width_px = 640;
  fixture->config->room.height_px = 360;
  fixture->pool = mxr_decode_pool_new (2);
  fixture->delays = mxr_peer_delays_new ();
  fixture->net = mxr_net_new (fixture->config, &error);
  g_assert_no_error (error);
  fixture->fragments = mxr_fragments_load (dirs, &error);
  g_assert_no_error (error);
  fixture->graph = mxr_graph_new (fixture->config, "room", on_error, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    add_uplink (fixture, i);
    add_rung (fixture, i);
  }
  mxr_graph_set_loudness (fixture->graph, -(double) fixture->config->programme.loudness);
  add_rung (fixture, VIEWERS_SOUND);
  mxr_tilemix_set_tiles (fixture->graph->picture, fixture->graph->views[MXR_VIEW_ROOM].sizes[0].pad, &tile, 1);
  mxr_mailbox_post (mxr_net_thread_get_mailbox (mxr_net_get_thread (fixture->net, 0)), subscribe, fixture, NULL);
}

static void
tear_down (Fixture *fixture)
{
  mxr_mailbox_post (mxr_net_thread_get_mailbox (mxr_net_get_thread (fixture->net, 0)), unsubscribe, fixture, NULL);
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    mxr_uplink_close (fixture->uplinks[i]);
    mxr_graph_remove_input (fixture->graph, mxr_uplink_get_bin (fixture->uplinks[i]),
                            i == MXR_RTP_AUDIO ? fixture->graph->sound : fixture->graph->picture, fixture->sinks[i]);
    g_clear_object (&fixture->sinks[i]);
    mxr_uplink_unref (fixture->uplinks[i]);
  }
  g_usleep (50000);
}

static void
clear_packets (GArray *packets)
{
  for (guint i = 0; i < packets->len; i++)
    g_bytes_unref (g_array_index (packets, Packet, i).rtp);
  g_array_unref (packets);
}

static void
end (Fixture *fixture)
{
  for (guint i = 0; i < N_WAYS; i++)
    mxr_rung_remove (fixture->rungs[i]);
  while (mxr_branch_count_removals (GST_BIN (fixture->graph->pipeline)) > 0)
    g_main_context_iteration (NULL, TRUE);
  mxr_graph_free (fixture->graph);
  mxr_net_free (fixture->net);
  mxr_decode_pool_free (fixture->pool);
  mxr_peer_delays_unref (fixture->delays);
  mxr_fragments_free (fixture->fragments);
  mxr_config_free (fixture->config);
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++)
    clear_packets (fixture->sent[i]);
  for (guint i = 0; i < N_WAYS; i++)
    clear_packets (fixture->received[i]);
}

/* ---- What came out ------------------------------------------------------------------------------------------------- */

/* On the room's timeline. */
typedef struct {
  double at_ms;   /* by the time stamps */
  double left_ms; /* the last packet that one needs for it */
} Sighting;

static double
find_left_ms (const Fixture *fixture, guint way, double at_ms)
{
  double rate_khz = way != MXR_RTP_VIDEO ? 48 : 90, left_ms = -1;

  for (guint i = 0; i < fixture->received[way]->len; i++) {
    const Packet *packet = &g_array_index (fixture->received[way], Packet, i);
    if (packet->timestamp / rate_khz <= at_ms + 0.5)
      left_ms = (packet->arrival_us - fixture->graph->timeline_us) / 1000.0;
  }
  return left_ms;
}

static int
find_onset (GstBuffer *buffer, MxrRtpKind kind, bool *is_on)
{
  int onset = -1;
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_READ);
  if (kind == MXR_RTP_VIDEO) {
    bool is_bright = map.data[640 * 180 + 320] > 128;
    onset = is_bright && !*is_on ? 0 : -1;
    *is_on = is_bright;
  } else {
    bool is_loud = false;
    for (guint i = 0; i < map.size / 4; i++) { /* stereo */
      bool is_peak = ABS (((gint16 *) map.data)[2 * i]) > 2000;
      is_loud |= is_peak;
      if (is_peak && !*is_on && onset < 0)
        onset = i;
    }
    *is_on = is_loud;
  }
  gst_buffer_unmap (buffer, &map);
  return onset;
}

static guint
find_sightings (Fixture *fixture, guint way, Sighting *out_sightings)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (
    way != MXR_RTP_VIDEO ? "appsrc name=source format=time caps=\"application/x-rtp,media=audio,payload=96,clock-rate=48000,"
                            "encoding-name=OPUS\" ! rtpopusdepay ! opusdec ! audio/x-raw,format=S16LE,channels=2 ! "
                            "appsink name=sink sync=false"
                          : "appsrc name=source format=time caps=\"application/x-rtp,media=video,payload=96,clock-rate=90000,"
                            "encoding-name=VP8\" ! rtpvp8depay wait-for-keyframe=true ! vp8dec ! video/x-raw,format=I420 ! "
                            "appsink name=sink sync=false", &error);
  double rate_khz = way != MXR_RTP_VIDEO ? 48 : 90;
  double begin_ms = (fixture->begin_us - fixture->graph->timeline_us) / 1000.0 + 500;
  bool is_on = false;
  guint n = 0;
  GstSample *sample;

  g_assert_no_error (error);
  g_autoptr (GstElement) source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < fixture->received[way]->len; i++) {
    const Packet *packet = &g_array_index (fixture->received[way], Packet, i);
    GstBuffer *buffer = gst_buffer_new_wrapped_bytes (packet->rtp);
    GST_BUFFER_PTS (buffer) = (GstClockTime) (packet->timestamp / rate_khz * GST_MSECOND);
    gst_app_src_push_buffer (GST_APP_SRC (source), buffer);
  }
  gst_app_src_end_of_stream (GST_APP_SRC (source));
  while ((sample = gst_app_sink_pull_sample (GST_APP_SINK (sink))) != NULL) {
    GstBuffer *buffer = gst_sample_get_buffer (sample);
    int onset = find_onset (buffer, way != MXR_RTP_VIDEO ? MXR_RTP_AUDIO : MXR_RTP_VIDEO, &is_on);
    double at_ms = GST_BUFFER_PTS (buffer) / (double) GST_MSECOND;
    if (onset >= 0 && n < n_events && at_ms > begin_ms) /* the avatar is bright, too */
      out_sightings[n++] = (Sighting){ at_ms + onset / 48.0, find_left_ms (fixture, way, at_ms) };
    gst_sample_unref (sample);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return n;
}

/* The same in the recording: only at_ms, by the file's time. */
static guint
find_recorded (Fixture *fixture, MxrRtpKind kind, double *out_at_ms)
{
  g_autofree char *description = g_strdup_printf (
    "filesrc location=%s ! qtdemux name=file file.%s", fixture->recording,
    kind == MXR_RTP_AUDIO ? "audio_0 ! aacparse ! avdec_aac ! audioconvert ! audio/x-raw,format=S16LE,channels=2,"
                            "layout=interleaved ! appsink name=sink sync=false"
                          : "video_0 ! h264parse ! avdec_h264 max-threads=1 ! video/x-raw,format=I420 ! appsink name=sink sync=false");
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (description, &error);
  bool is_on = kind == MXR_RTP_VIDEO; /* the avatar, before the first picture, is bright, too */
  guint n = 0;
  GstSample *sample;

  g_assert_no_error (error);
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while ((sample = gst_app_sink_pull_sample (GST_APP_SINK (sink))) != NULL) {
    GstBuffer *buffer = gst_sample_get_buffer (sample);
    int onset = find_onset (buffer, kind, &is_on);
    GstClockTime at_ns =
      gst_segment_to_stream_time (gst_sample_get_segment (sample), GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
    if (onset >= 0 && n < n_events)
      out_at_ms[n++] = at_ns / (double) GST_MSECOND + onset / 48.0;
    gst_sample_unref (sample);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return n;
}

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  return (*(const double *) a > *(const double *) b) - (*(const double *) a < *(const double *) b);
}

static double
median_of (const double *values, guint n)
{
  g_autofree double *sorted = g_memdup2 (values, n * sizeof *values);
  qsort (sorted, n, sizeof *sorted, compare_doubles);
  return sorted[n / 2];
}

static double
median (const double *values)
{
  return median_of (values, n_events);
}

static double *
new_values (void)
{
  return g_new0 (double, n_events);
}

static double
measure (const Fixture *fixture, const Sighting *sound, const Sighting *picture)
{
  g_autofree double *added_sound = new_values (), *added_picture = new_values ();
  g_autofree double *apart = new_values (), *apart_left = new_values ();

  for (guint i = 0; i < n_events; i++) {
    double taken_ms = (fixture->begin_us + event_us (i) - fixture->graph->timeline_us) / 1000.0;
    double sound_sent_ms = taken_ms - event_us (i) / 1000.0 + (floor (event_us (i) / 20000.0) + 1) * 20;
    added_sound[i] = sound[i].left_ms - sound_sent_ms;
    added_picture[i] = picture[i].left_ms - taken_ms;
    apart[i] = sound[i].at_ms - picture[i].at_ms;
    apart_left[i] = sound[i].left_ms - picture[i].left_ms;
    g_test_message ("event %u, after it was taken: sound left after %.1f ms, stamped %.1f ms; picture %.1f ms, %.1f ms", i,
                      sound[i].left_ms - taken_ms, sound[i].at_ms - taken_ms, picture[i].left_ms - taken_ms,
                      picture[i].at_ms - taken_ms);
  }
  double apart_ms = median (apart);
  g_test_message ("medians: the server adds %.1f ms to sound and %.1f ms to pictures, with jitter buffers of %u ms; sound "
                  "leaves %+.1f ms later, and plays %+.1f ms later by its time stamps",
                  median (added_sound), median (added_picture), fixture->config->media.jitter_ms, median (apart_left), apart_ms);
  return apart_ms;
}

/* A busy machine may lose one in a hundred on its way into the room. Returns: how many of @sound have a picture. */
static guint
pair (double *sound, guint n_sounds, const double *picture, guint n_pictures, double *out_apart)
{
  guint n = 0;

  for (guint i = 0, k = 0; i < n_sounds; i++) {
    while (k < n_pictures && picture[k] < sound[i] - 300)
      k++;
    if (k == n_pictures || picture[k] > sound[i] + 300)
      continue;
    sound[n] = sound[i];
    out_apart[n++] = sound[i] - picture[k];
  }
  return n;
}

/* All of it, and its first and its last events by themselves: they must not drift apart, nor from what was sent. */
static void
check_recording (Fixture *fixture)
{
  g_autofree double *sound = new_values (), *picture = new_values (), *apart = new_values (), *behind = new_values ();
  guint n_sounds = find_recorded (fixture, MXR_RTP_AUDIO, sound), n_pictures = find_recorded (fixture, MXR_RTP_VIDEO, picture);
  guint n = pair (sound, n_sounds, picture, n_pictures, apart);
  double least = G_MAXDOUBLE, most = -G_MAXDOUBLE, spacing_ms = EVENT_FRAMES * 1000.0 / FRAMERATE;

  g_test_message ("%u events were sent, %u seen and heard in the recording", n_events, n);
  g_assert_cmpuint (n, >=, n_events - n_events / 100);
  for (guint i = 0; i < n; i++) {
    behind[i] = sound[i] - sound[0] - round ((sound[i] - sound[0]) / spacing_ms) * spacing_ms;
    least = MIN (least, apart[i]);
    most = MAX (most, apart[i]);
  }
  guint n_few = MIN (n, 7);
  double begin_ms = median_of (apart, n_few), end_ms = median_of (apart + n - n_few, n_few);
  double drift_ms = median_of (behind + n - n_few, n_few) - median_of (behind, n_few);
  g_test_message ("in the recording of %u s sound is %+.1f ms later (median; %+.1f to %+.1f; %+.1f at its begin and %+.1f at its "
                  "end); the last events are %+.1f ms later than they were sent, as against the first",
                  n_seconds, median_of (apart, n), least, most, begin_ms, end_ms, drift_ms);
  g_assert_cmpfloat (fabs (median_of (apart, n)), <, APART_MAX_MS);
  g_assert_cmpfloat (fabs (begin_ms), <, APART_MAX_MS);
  g_assert_cmpfloat (fabs (end_ms), <, APART_MAX_MS);
  g_assert_cmpfloat (fabs (drift_ms), <, 100);
}

/* What goes to clients: over minutes on a busy machine some of it is lost, and it is the recording that counts. */
static void
check_clients (Fixture *fixture)
{
  g_autofree Sighting *sound = g_new0 (Sighting, n_events), *picture = g_new0 (Sighting, n_events);

  if (n_seconds > SECONDS)
    return;
  g_assert_cmpuint (find_sightings (fixture, MXR_RTP_AUDIO, sound), ==, n_events);
  g_assert_cmpuint (find_sightings (fixture, MXR_RTP_VIDEO, picture), ==, n_events);
  g_assert_cmpfloat (fabs (measure (fixture, sound, picture)), <, APART_MAX_MS);
  g_assert_cmpuint (find_sightings (fixture, VIEWERS_SOUND, sound), ==, n_events);
  g_test_message ("viewers, with the sound at a loudness:");
  g_assert_cmpfloat (fabs (measure (fixture, sound, picture)), <, APART_MAX_MS);
}

static void
test_flash_and_beep (void)
{
  Fixture fixture = { 0 };

  encode_all (&fixture);
  set_up (&fixture);
  start_recording (&fixture);
  g_usleep (100000);
  mxr_rung_request_keyframe (fixture.rungs[MXR_RTP_VIDEO], g_get_monotonic_time ());
  send (&fixture);
  g_usleep (300000);
  end_recording (&fixture);
  tear_down (&fixture);
  check_clients (&fixture);
  check_recording (&fixture);
  remove_recording (&fixture);
  end (&fixture);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  g_assert_true (mxr_elements_register (NULL));
  if (g_getenv ("MIXROOM_LIPSYNC_S") != NULL)
    n_seconds = CLAMP (atoi (g_getenv ("MIXROOM_LIPSYNC_S")), SECONDS, SECONDS_MAX);
  while (event_us (n_events + 1) < (gint64) n_seconds * G_USEC_PER_SEC)
    n_events++;
  g_test_add_func ("/lipsync/flash-and-beep", test_flash_and_beep);
  return g_test_run ();
}
