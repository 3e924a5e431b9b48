/* Sound from packets as a network brings them through an uplink into the mixer, on a test clock: what is heard of jitter, and
 * how much delay stays when it has ended. A minute takes a second. */

#include "room-private.h"

#include <gst/app/gstappsink.h>
#include <gst/check/gsttestclock.h>
#include <string.h>

#define MS ((gint64) 1000)
#define FRAME_MS 20
#define FIRST ((guint64) 1 << 20)
#define N_PAYLOADS 250
#define RING_MS 48 /* samples */

typedef struct {
  MxrConfig *config;
  MxrFragments *fragments;
  MxrDecodePool *pool;
  MxrPeerDelays *delays;
  GstClock *clock;
  GstElement *pipeline, *mixer;
  GstPad *sink;
  MxrUplink *uplink;
  GPtrArray *payloads;
  GRand *random;
  gint64 now_us;
  gint64 *arrival_us; /* of the packets of a run, by number; G_MAXINT64: lost */
  guint n_sent;       /* in runs before */
} Fixture;

static GPtrArray *
make_payloads (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (
    "audiotestsrc num-buffers=250 samplesperbuffer=960 freq=400 ! audio/x-raw,rate=48000,channels=1 ! opusenc ! "
    "appsink name=sink sync=false", &error);
  GPtrArray *payloads = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  GstSample *sample;

  g_assert_no_error (error);
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while ((sample = gst_app_sink_pull_sample (GST_APP_SINK (sink))) != NULL) {
    GstMapInfo map;
    GstBuffer *buffer = gst_sample_get_buffer (sample);
    g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
    g_ptr_array_add (payloads, g_bytes_new (map.data, map.size));
    gst_buffer_unmap (buffer, &map);
    gst_sample_unref (sample);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_assert_cmpuint (payloads->len, >=, N_PAYLOADS);
  return payloads;
}

static void
on_unused (gpointer user_data)
{
}

static void
add_uplink (Fixture *fixture, bool is_wanted)
{
  static const MxrUplinkEvents events = { .on_keyframe_needed = on_unused };
  const MxrUplinkParams params = {
    .name = "uplink",
    .kind = MXR_RTP_AUDIO,
    .codec = "OPUS",
    .payload_type = 111,
    .clock_rate = 48000,
    .is_wanted = is_wanted,
    .decoder = mxr_fragments_find (fixture->fragments, "opusdec", MXR_FRAGMENT_DECODE, "OPUS", NULL),
    .config = fixture->config,
    .pool = fixture->pool,
    .delays = fixture->delays,
  };
  fixture->uplink = mxr_uplink_new (&params, &events, NULL, NULL, NULL);
  g_assert_true (mxr_branch_add (GST_BIN (fixture->pipeline), mxr_uplink_get_bin (fixture->uplink), NULL));
  g_autoptr (GstPad) src = gst_element_get_static_pad (mxr_uplink_get_bin (fixture->uplink), "src");
  g_assert_cmpint (gst_pad_link (src, fixture->sink), ==, GST_PAD_LINK_OK);
  mxr_uplink_open (fixture->uplink);
}

static void
fixture_init (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *path = g_build_filename (g_test_get_dir (G_TEST_DIST), "..", "..", "pipelines", NULL);
  const char *const dirs[] = { path, NULL };

  g_assert_true (mxr_elements_register (NULL));
  fixture->config = mxr_config_new ();
  fixture->fragments = mxr_fragments_load (dirs, NULL);
  fixture->pool = mxr_decode_pool_new (1);
  fixture->delays = mxr_peer_delays_new ();
  fixture->payloads = make_payloads ();
  fixture->random = g_rand_new_with_seed (3);
  fixture->now_us = 10 * MS; /* not on the mixer's grid, so that the first tick is still to come */
  fixture->clock = gst_test_clock_new_with_start_time (fixture->now_us * GST_USECOND);
  fixture->pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  fixture->mixer = gst_element_factory_make ("mxraudiomix", NULL);
  GstElement *out = gst_element_factory_make ("fakesink", NULL);
  g_object_set (out, "async", FALSE, "sync", FALSE, NULL);
  gst_bin_add_many (GST_BIN (fixture->pipeline), fixture->mixer, out, NULL);
  g_assert_true (gst_element_link (fixture->mixer, out));
  fixture->sink = gst_element_request_pad_simple (fixture->mixer, "sink_0");
  gst_pipeline_use_clock (GST_PIPELINE (fixture->pipeline), fixture->clock);
  gst_element_set_start_time (fixture->pipeline, GST_CLOCK_TIME_NONE);
  gst_element_set_base_time (fixture->pipeline, 0);
  gst_element_set_state (fixture->pipeline, GST_STATE_PLAYING);
  gst_test_clock_wait_for_next_pending_id (GST_TEST_CLOCK (fixture->clock), NULL);
}

static void
fixture_clear (Fixture *fixture, gconstpointer unused)
{
  mxr_uplink_close (fixture->uplink);
  gst_element_set_state (fixture->pipeline, GST_STATE_NULL);
  gst_element_release_request_pad (fixture->mixer, fixture->sink);
  gst_object_unref (fixture->sink);
  gst_object_unref (fixture->pipeline);
  gst_object_unref (fixture->clock);
  mxr_uplink_unref (fixture->uplink);
  mxr_decode_pool_free (fixture->pool);
  mxr_peer_delays_unref (fixture->delays);
  mxr_fragments_free (fixture->fragments);
  mxr_config_free (fixture->config);
  g_ptr_array_unref (fixture->payloads);
  g_rand_free (fixture->random);
}

/* ---- Time ------------------------------------------------------------------------------------------------- */

static guint64
get_stat (Fixture *fixture, const char *name)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 value = 0;
  guint small = 0;

  g_object_get (fixture->sink, "stats", &stats, NULL);
  if (gst_structure_get_uint (stats, name, &small))
    return small;
  g_assert_true (gst_structure_get_uint64 (stats, name, &value));
  return value;
}

static MxrRedBlock
get_block (Fixture *fixture, guint i, guint distance)
{
  MxrRedBlock block = { .payload_type = 111, .timestamp_offset = (guint16) (distance * FRAME_MS * 48) };
  block.data = g_bytes_get_data (fixture->payloads->pdata[1 + (i - distance) % (N_PAYLOADS - 1)], &block.n_bytes);
  return block;
}

/* @has_red: with the packet before it, as libwebrtc sends it */
static void
push (Fixture *fixture, guint i, int level_dbov, bool has_red)
{
  guint32 timestamp = i * FRAME_MS * 48;
  guint8 rtp[1500] = { 0x80, 111, i >> 8 & 0xff, i & 0xff, timestamp >> 24, timestamp >> 16 & 0xff, timestamp >> 8 & 0xff,
                       timestamp & 0xff, 0, 0, 0, 1 };
  const MxrRedBlock block = get_block (fixture, i, 0);
  MxrRtpView view;
  gsize n_bytes = block.n_bytes;

  if (has_red) {
    const MxrRedBlock blocks[] = { get_block (fixture, i, MIN (i, 1)), block };
    n_bytes = mxr_red_write (rtp + 12, blocks, 2);
  } else {
    memcpy (rtp + 12, block.data, n_bytes);
  }
  g_assert_true (mxr_rtp_view_parse (&view, rtp, 12 + n_bytes));
  const MxrUplinkPacket packet = { .view = &view, .extended_seq = FIRST + i, .is_red = has_red, .has_level = true,
                                   .level_dbov = level_dbov };
  mxr_uplink_push (fixture->uplink, &packet, fixture->now_us);
}

/* Ticks that are due come first. */
static void
pass_ms (Fixture *fixture)
{
  GstTestClock *clock = GST_TEST_CLOCK (fixture->clock);

  fixture->now_us += MS;
  while (gst_test_clock_get_next_entry_time (clock) <= (GstClockTime) fixture->now_us * GST_USECOND) {
    g_assert_true (gst_test_clock_crank (clock));
    gst_test_clock_wait_for_next_pending_id (clock, NULL);
  }
  gst_test_clock_set_time (clock, fixture->now_us * GST_USECOND);
}

typedef struct {
  guint n_packets;
  guint jitter_ms, loss_percent;
  guint settle_packets; /* underruns are counted after so many */
  int level_dbov;
  bool has_red;
} Run;

typedef struct {
  guint underruns;
  double delay_ms; /* mean of what waited in the ring, in the last second */
} Heard;

static void
plan (Fixture *fixture, const Run *run)
{
  fixture->arrival_us = g_new (gint64, run->n_packets);
  for (guint i = 0; i < run->n_packets; i++) {
    gint64 late_us = run->jitter_ms > 0 ? g_rand_int_range (fixture->random, 0, run->jitter_ms) * MS : 0;
    bool is_lost = g_rand_int_range (fixture->random, 0, 100) < (gint32) run->loss_percent;
    fixture->arrival_us[i] = is_lost ? G_MAXINT64 : fixture->now_us + (7 + i * FRAME_MS) * MS + late_us;
  }
}

static Heard
run (Fixture *fixture, const Run *run)
{
  Heard heard = { 0 };
  guint64 underruns_before = get_stat (fixture, "underruns");
  guint n_samples = 0;
  gint64 begin_us = fixture->now_us, end_us = fixture->now_us + run->n_packets * FRAME_MS * MS;

  plan (fixture, run);
  while (fixture->now_us < end_us) {
    pass_ms (fixture);
    guint at = (guint) ((fixture->now_us - begin_us) / (FRAME_MS * MS));
    for (guint i = at > 4 ? at - 4 : 0; i <= at && i < run->n_packets; i++)
      if (fixture->arrival_us[i] == fixture->now_us)
        push (fixture, fixture->n_sent + i, run->level_dbov, run->has_red);
    if (fixture->now_us % (10 * MS) == 0)
      mxr_uplink_poll (fixture->uplink, fixture->now_us);
    if (at == run->settle_packets)
      underruns_before = get_stat (fixture, "underruns");
    if (end_us - fixture->now_us <= 1000 * MS) {
      heard.delay_ms += (double) get_stat (fixture, "samples") / RING_MS;
      n_samples++;
    }
  }
  heard.underruns = (guint) (get_stat (fixture, "underruns") - underruns_before);
  heard.delay_ms /= n_samples;
  fixture->n_sent += run->n_packets;
  g_free (g_steal_pointer (&fixture->arrival_us));
  g_test_message ("%u ms, %u %%: %u underruns, %.1f ms", run->jitter_ms, run->loss_percent, heard.underruns, heard.delay_ms);
  return heard;
}

/* ---- Tests ------------------------------------------------------------------------------------------------ */

static void
test_jitter (Fixture *fixture, gconstpointer unused)
{
  const Run calm = { .n_packets = 500, .level_dbov = -20 };
  const Run rough = { .n_packets = 1500, .jitter_ms = 30, .settle_packets = 500, .level_dbov = -20 };
  const Run calm_again = { .n_packets = 6000, .level_dbov = -20 };

  add_uplink (fixture, true);
  Heard before = run (fixture, &calm);
  Heard during = run (fixture, &rough);
  Heard after = run (fixture, &calm_again);
  g_assert_cmpuint (before.underruns, <=, 1); /* how a first packet meets the tick is chance */
  g_assert_cmpuint (during.underruns, <=, 3); /* in 20 s */
  g_assert_cmpuint (after.underruns, ==, 0);
  g_assert_cmpfloat (during.delay_ms, <=, 100);
  g_assert_cmpfloat (after.delay_ms, <=, before.delay_ms + 15);
}

/* A loss on a quiet network is made up before the ring runs dry. */
static void
test_loss (Fixture *fixture, gconstpointer unused)
{
  const Run lossy = { .n_packets = 3000, .loss_percent = 5, .settle_packets = 1000, .level_dbov = -20 };

  add_uplink (fixture, true);
  Heard heard = run (fixture, &lossy);
  g_assert_cmpuint (heard.underruns, <=, 8); /* of some 100 losses: two or three in a row outlast the cushion */
  g_assert_cmpfloat (heard.delay_ms, <=, 90);
}

/* What is in a later packet comes before the ring runs dry, too; and the network may be rough besides. */
static void
test_red (Fixture *fixture, gconstpointer unused)
{
  const Run lossy = { .n_packets = 3000, .loss_percent = 10, .settle_packets = 1000, .level_dbov = -20, .has_red = true };
  const Run rough = { .n_packets = 3000, .jitter_ms = 30, .loss_percent = 10, .settle_packets = 1000, .level_dbov = -20,
                      .has_red = true };
  MxrUplinkStats stats, stats_after;

  add_uplink (fixture, true);
  Heard heard = run (fixture, &lossy);
  mxr_uplink_get_stats (fixture->uplink, &stats);
  Heard heard_after = run (fixture, &rough);
  mxr_uplink_get_stats (fixture->uplink, &stats_after);
  g_test_message ("concealed %.2f %%, with jitter %.2f %%", (double) stats.concealed / 30,
                  (double) (stats_after.concealed - stats.concealed) / 30);
  g_assert_cmpuint (stats.concealed, <, 90); /* 3 % */
  g_assert_cmpuint (stats_after.concealed - stats.concealed, <, 90);
  g_assert_cmpuint (heard.underruns, <=, 16);
  g_assert_cmpuint (heard_after.underruns, <=, 32);
  g_assert_cmpfloat (heard.delay_ms, <=, 90);
  g_assert_cmpfloat (heard_after.delay_ms, <=, 130);
}

/* What is heard from the past is delay at first; it goes. */
static void
test_first_syllable_costs_no_lasting_delay (Fixture *fixture, gconstpointer unused)
{
  const Run silent = { .n_packets = 100, .level_dbov = -80 }, talks = { .n_packets = 10, .level_dbov = -20 };
  const Run listens = { .n_packets = 500, .level_dbov = -20 };

  add_uplink (fixture, false);
  run (fixture, &silent);
  run (fixture, &talks);
  g_assert_cmpuint (get_stat (fixture, "samples"), ==, 0);
  mxr_uplink_set_wanted (fixture->uplink, true);
  mxr_uplink_poll (fixture->uplink, fixture->now_us);
  g_assert_cmpuint (get_stat (fixture, "samples"), >=, 100 * RING_MS);
  Heard heard = run (fixture, &listens);
  g_assert_cmpuint (get_stat (fixture, "overruns"), ==, 0);
  g_assert_cmpuint (heard.underruns, ==, 0);
  g_assert_cmpfloat (heard.delay_ms, <=, 55);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add ("/playout/" path, Fixture, NULL, fixture_init, func, fixture_clear)
  ADD ("jitter", test_jitter);
  ADD ("loss", test_loss);
  ADD ("red", test_red);
  ADD ("first-syllable-costs-no-lasting-delay", test_first_syllable_costs_no_lasting_delay);
#undef ADD
  return g_test_run ();
}
