/* Somebody who was silent begins to talk: what a listener gets of the first syllable, and when, and whether the talker ever
 * hears any of it. Everything is real: clients, connections, the choice by levels, encodes, links. */

#include "onset-client.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <math.h>
#include <string.h>

#include "mixroom/elements.h"

#define BLOCK_MS 20
#define BLOCK_SAMPLES 960
#define N_SYLLABLES 6
#define SYLLABLE_BLOCKS 5 /* 100 ms */
#define EVERY_BLOCKS 50
#define N_BLOCKS (EVERY_BLOCKS * (N_SYLLABLES + 1))
#define AMPLITUDE 10000
#define FRAME_SAMPLES 240 /* 5 ms: a syllable's length is known so well */
#define LOUD 5000
#define WHOLE_MIN_MS 95
#define WHOLE_MAX_MS 115 /* the codecs' own rise and decay */
#define HEARD_MAX 100
/* Past of the voice that the ring holds, and some for a machine that is busy. */
#define FIRST_LATER_MAX_MS 180

typedef struct {
  MxrConfig *config;
  MxrHub *hub;
  Client holder; /* of the only place in the mix, until somebody speaks */
  Client listener, talker;
  GPtrArray *blocks;           /* GBytes: Opus of the talker */
  gint64 sent_us[N_SYLLABLES]; /* the first block of each */
} Fixture;

/* ---- The talker's sound ------------------------------------------------------------------------------------------- */

static bool
is_voice (guint block)
{
  return block >= EVERY_BLOCKS && block % EVERY_BLOCKS < SYLLABLE_BLOCKS;
}

static GstBuffer *
make_block (guint block)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, BLOCK_SAMPLES * 2, NULL);
  gint16 samples[BLOCK_SAMPLES];

  for (guint i = 0; i < BLOCK_SAMPLES; i++)
    samples[i] = is_voice (block) ? (gint16) (AMPLITUDE * sin (2 * G_PI * i / 48)) : 0; /* 1 kHz */
  gst_buffer_fill (buffer, 0, samples, sizeof samples);
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (block, GST_SECOND, 1000 / BLOCK_MS);
  return buffer;
}

static GPtrArray *
make_blocks (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (
    "appsrc name=source format=time caps=audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved ! "
    "opusenc frame-size=20 bitrate=64000 audio-type=restricted-lowdelay ! appsink name=sink sync=false", &error);
  GPtrArray *blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  GstSample *sample;

  g_assert_no_error (error);
  g_autoptr (GstElement) source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < N_BLOCKS; i++)
    gst_app_src_push_buffer (GST_APP_SRC (source), make_block (i));
  gst_app_src_end_of_stream (GST_APP_SRC (source));
  while ((sample = gst_app_sink_pull_sample (GST_APP_SINK (sink))) != NULL) {
    GstBuffer *buffer = gst_sample_get_buffer (sample);
    gsize size = gst_buffer_get_size (buffer);
    guint8 *bytes = g_malloc (size);
    gst_buffer_extract (buffer, 0, bytes, size);
    g_ptr_array_add (blocks, g_bytes_new_take (bytes, size));
    gst_sample_unref (sample);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_assert_cmpuint (blocks->len, >=, N_BLOCKS);
  return blocks;
}

static void
talk (Fixture *fixture)
{
  gint64 begin_us = g_get_monotonic_time ();

  for (guint i = 0; i < N_BLOCKS; i++) {
    run_until_us (begin_us + (i + 1) * BLOCK_MS * G_TIME_SPAN_MILLISECOND);
    if (is_voice (i) && !is_voice (i - 1))
      fixture->sent_us[i / EVERY_BLOCKS - 1] = g_get_monotonic_time ();
    client_send (&fixture->talker, fixture->blocks->pdata[i], is_voice (i) ? 0x80 | 13 : 127);
  }
  run_until_us (g_get_monotonic_time () + 400 * G_TIME_SPAN_MILLISECOND);
}

/* ---- What was heard ------------------------------------------------------------------------------------------------ */

typedef struct {
  double begin_ms; /* on the downlink's timeline */
  double length_ms;
  gint64 arrival_us; /* of the packet that it begins in */
} Syllable;

typedef struct {
  int peak;
  guint n_syllables;
  Syllable syllables[N_SYLLABLES + 1];
} Heard;

static double
to_ms (const GArray *sounds, guint i)
{
  return (gint32) (g_array_index (sounds, Sound, i).timestamp - g_array_index (sounds, Sound, 0).timestamp) / 48.0;
}

static gint64
find_arrival_us (const GArray *sounds, double at_ms)
{
  gint64 arrival_us = 0;
  for (guint i = 0; i < sounds->len && to_ms (sounds, i) <= at_ms; i++)
    arrival_us = g_array_index (sounds, Sound, i).arrival_us;
  return arrival_us;
}

static void
note_loud_frame (Heard *heard, const GArray *sounds, double at_ms)
{
  Syllable *last = heard->n_syllables > 0 ? &heard->syllables[heard->n_syllables - 1] : NULL;

  if (last == NULL || at_ms > last->begin_ms + EVERY_BLOCKS * BLOCK_MS / 2) {
    g_assert_cmpuint (heard->n_syllables, <, G_N_ELEMENTS (heard->syllables));
    last = &heard->syllables[heard->n_syllables++];
    *last = (Syllable){ at_ms, 0, find_arrival_us (sounds, at_ms) };
  }
  last->length_ms += FRAME_SAMPLES / 48.0;
}

static void
listen_to (Heard *heard, const GArray *sounds, GstBuffer *buffer)
{
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_READ);
  const gint16 *samples = (const gint16 *) map.data;
  for (gsize at = 0; at + FRAME_SAMPLES <= map.size / 2; at += FRAME_SAMPLES) {
    int peak = 0;
    for (guint i = 0; i < FRAME_SAMPLES; i++)
      peak = MAX (peak, ABS (samples[at + i]));
    heard->peak = MAX (heard->peak, peak);
    if (peak > LOUD)
      note_loud_frame (heard, sounds, GST_BUFFER_PTS (buffer) / (double) GST_MSECOND + at / 48.0);
  }
  gst_buffer_unmap (buffer, &map);
}

static Heard
decode (const GArray *sounds)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (
    "appsrc name=source format=time caps=audio/x-opus,channel-mapping-family=0,channels=1,rate=48000 ! opusdec ! "
    "audio/x-raw,format=S16LE,channels=1 ! appsink name=sink sync=false", &error);
  Heard heard = { 0 };
  GstSample *sample;

  g_assert_no_error (error);
  g_autoptr (GstElement) source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < sounds->len; i++) {
    GstBuffer *buffer = gst_buffer_new_wrapped_bytes (g_array_index (sounds, Sound, i).opus);
    GST_BUFFER_PTS (buffer) = (GstClockTime) (to_ms (sounds, i) * GST_MSECOND);
    gst_app_src_push_buffer (GST_APP_SRC (source), buffer);
  }
  gst_app_src_end_of_stream (GST_APP_SRC (source));
  while ((sample = gst_app_sink_pull_sample (GST_APP_SINK (sink))) != NULL) {
    listen_to (&heard, sounds, gst_sample_get_buffer (sample));
    gst_sample_unref (sample);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return heard;
}

/* ---- Tests --------------------------------------------------------------------------------------------------------- */

static void
fixture_init (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fixture->blocks = make_blocks ();
  fixture->config = mxr_config_new ();
  fixture->config->media.net_threads = 2;
  fixture->config->ice.allow_loopback = true;
  g_assert_true (mxr_config_set (fixture->config, "ice.local_addresses=127.0.0.1", &error));
  fixture->config->room.max_speakers = 1;
  fixture->hub = mxr_hub_new (fixture->config, &error);
  g_assert_no_error (error);
  client_join (&fixture->holder, fixture->config, fixture->hub, "lounge", "Ada");
  client_join (&fixture->listener, fixture->config, fixture->hub, "lounge", "Bob");
  client_join (&fixture->talker, fixture->config, fixture->hub, "lounge", "Cyd");
}

static void
fixture_clear (Fixture *fixture, gconstpointer unused)
{
  client_clear (&fixture->holder);
  client_clear (&fixture->talker);
  client_clear (&fixture->listener);
  mxr_hub_free (fixture->hub);
  mxr_config_free (fixture->config);
  g_ptr_array_unref (fixture->blocks);
}

/* What REST tells of the talker, who came last. */
static gint64
get_decoding (Fixture *fixture, const char *member)
{
  g_autoptr (GVariant) room = g_variant_ref_sink (mxr_hub_describe_room (fixture->hub, "lounge"));
  g_autoptr (GVariant) participants = g_variant_lookup_value (room, "participants", G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GVariant) talker = g_variant_get_child_value (participants, 2);
  g_autoptr (GVariant) uplink = g_variant_lookup_value (talker, "audioUplink", G_VARIANT_TYPE_VARDICT);
  g_autoptr (GVariant) decoding = g_variant_lookup_value (uplink, "decoding", G_VARIANT_TYPE_VARDICT);
  gint64 value = -1;
  g_assert_true (g_variant_lookup (decoding, member, "x", &value));
  return value;
}

static void
test_first_syllable (Fixture *fixture, gconstpointer unused)
{
  double later_ms[N_SYLLABLES];

  talk (fixture);
  g_assert_cmpint (get_decoding (fixture, "unwanted"), >=, EVERY_BLOCKS - 10); /* before the voice */
  g_assert_cmpint (get_decoding (fixture, "decoded"), >=, SYLLABLE_BLOCKS);
  g_assert_cmpint (get_decoding (fixture, "lost"), ==, 0);
  client_leave (&fixture->holder);
  client_leave (&fixture->talker);
  client_leave (&fixture->listener);

  Heard heard = decode (fixture->listener.sounds);
  g_assert_cmpuint (heard.n_syllables, ==, N_SYLLABLES);
  for (guint i = 0; i < N_SYLLABLES; i++) {
    later_ms[i] = (heard.syllables[i].arrival_us - fixture->sent_us[i]) / 1000.0;
    g_test_message ("syllable %u: %.0f ms of it, there %.1f ms after it was sent", i, heard.syllables[i].length_ms,
                    later_ms[i]);
  }
  g_assert_cmpfloat (heard.syllables[0].length_ms, >=, WHOLE_MIN_MS);
  g_assert_cmpfloat (heard.syllables[0].length_ms, <=, WHOLE_MAX_MS);
  g_assert_cmpfloat (later_ms[0] - later_ms[N_SYLLABLES - 1], <=, FIRST_LATER_MAX_MS);
  Heard own = decode (fixture->talker.sounds);
  g_test_message ("loudest that the talker got: %d of %d", own.peak, heard.peak);
  g_assert_cmpuint (fixture->talker.sounds->len, >, 0);
  g_assert_cmpint (own.peak, <, HEARD_MAX);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  mxr_log_init ("error", false);
  g_assert_true (mxr_elements_register (NULL));
  g_test_add ("/onset/first-syllable", Fixture, NULL, fixture_init, test_first_syllable, fixture_clear);
  return g_test_run ();
}
