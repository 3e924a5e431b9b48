/* Sound is decoded in the thread that pushes, so what a push does is there when it returns. */

#include <gst/app/gstappsink.h>

#include "test-uplink.h"

#define FRAME_MS 20
#define FRAME_UNITS (48 * FRAME_MS)
#define FRAME_BYTES (FRAME_UNITS * 2) /* one channel, as the room mixes by default */
#define FIRST ((guint64) 1 << 20)
#define BEGIN_US (1000 * MS)
#define LOUD (-20)
#define SILENT (-80)
#define N_PACKETS 100

typedef struct {
  Room room;
  Chain chain;
  GPtrArray *payloads; /* GBytes: Opus packets */
} Fixture;

/* As browsers encode it. */
#define VOICE_WITH_FEC "audio-type=voice bitrate=32000 inband-fec=true packet-loss-percentage=10"

static GPtrArray *
make_payloads (const char *settings)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *launch = g_strdup_printf (
    "audiotestsrc num-buffers=100 samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=1 ! opusenc %s ! appsink name=sink sync=false",
    settings);
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, &error);
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
  g_assert_cmpuint (payloads->len, >=, N_PACKETS);
  return payloads;
}

static void
fixture_init (Fixture *fixture, gconstpointer unused)
{
  room_init (&fixture->room, 1, NULL);
  fixture->payloads = make_payloads ("");
}

static void
fixture_clear (Fixture *fixture, gconstpointer unused)
{
  chain_clear (&fixture->chain);
  room_clear (&fixture->room);
  g_ptr_array_unref (fixture->payloads);
}

static gint64
time_of (guint i)
{
  return BEGIN_US + i * FRAME_MS * MS;
}

/* Packet @i at its time. @level_dbov: 0: it carries none. */
static void
send (Fixture *fixture, guint i, int level_dbov)
{
  gsize n_bytes;
  const guint8 *payload = g_bytes_get_data (fixture->payloads->pdata[i % N_PACKETS], &n_bytes);
  const TestPacket packet = { .seq = FIRST + i, .timestamp = i * FRAME_UNITS, .payload = payload, .n_bytes = n_bytes,
                              .has_level = level_dbov != 0, .level_dbov = level_dbov };
  g_assert_true (chain_push (&fixture->chain, &packet, time_of (i)));
}

/* The same with the @n_earlier packets before it. */
static void
send_red (Fixture *fixture, guint i, guint n_earlier, int level_dbov)
{
  MxrRedBlock blocks[MXR_RED_BLOCKS_MAX];
  guint8 payload[1400];

  for (guint k = 0; k <= n_earlier; k++) {
    guint distance = n_earlier - k;
    blocks[k] = (MxrRedBlock){ .payload_type = 96, .timestamp_offset = (guint16) (distance * FRAME_UNITS) };
    blocks[k].data = g_bytes_get_data (fixture->payloads->pdata[(i - distance) % fixture->payloads->len], &blocks[k].n_bytes);
  }
  const TestPacket packet = { .seq = FIRST + i, .timestamp = i * FRAME_UNITS, .payload = payload,
                              .n_bytes = mxr_red_write (payload, blocks, n_earlier + 1), .is_red = true,
                              .has_level = level_dbov != 0, .level_dbov = level_dbov };
  g_assert_true (chain_push (&fixture->chain, &packet, time_of (i)));
}

/* How much came out [packets]. */
static guint
count_out (Fixture *fixture)
{
  return (guint) ((atomic_load (&fixture->chain.n_bytes) + FRAME_BYTES / 2) / FRAME_BYTES);
}

/* ---- Wanted or not ---------------------------------------------------------------------------------------- */

static void
test_wanted_is_decoded_at_once (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", true);
  for (guint i = 0; i < 50; i++) {
    send (fixture, i, SILENT);
    g_assert_cmpuint (count_out (fixture), ==, i + 1);
  }
  g_assert_cmpint (mxr_uplink_poll (fixture->chain.uplink, time_of (50)), ==, G_MAXINT64);
  g_assert_cmpuint (chain_stats (&fixture->chain).decoded, ==, 50);
  g_assert_cmpuint (fixture->chain.n_voices, ==, 0);
}

static void
test_unwanted_is_not_decoded (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", false);
  for (guint i = 0; i < 500; i++)
    send (fixture, i, i < 250 ? SILENT : LOUD);
  g_assert_cmpuint (fixture->chain.n_buffers, ==, 0);
  g_assert_cmpuint (chain_stats (&fixture->chain).decoded, ==, 0);
  g_assert_cmpuint (chain_stats (&fixture->chain).unwanted, ==, 500);
  g_assert_cmpuint (fixture->chain.n_voices, ==, 1);
}

/* The first syllable: what came between the voice's begin and the decision is there, and nothing before it. */
static void
test_begins_with_the_first_syllable (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", false);
  for (guint i = 0; i < 60; i++)
    send (fixture, i, i < 57 ? SILENT : LOUD); /* 57, 58, 59 */
  mxr_uplink_set_wanted (fixture->chain.uplink, true);
  mxr_uplink_poll (fixture->chain.uplink, time_of (59) + 5 * MS);
  g_assert_cmpuint (count_out (fixture), ==, 4); /* and the one before */
  send (fixture, 60, LOUD);
  g_assert_cmpuint (count_out (fixture), ==, 5);
}

static void
test_past_is_bounded (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", false);
  for (guint i = 0; i < 90; i++)
    send (fixture, i, LOUD);
  mxr_uplink_set_wanted (fixture->chain.uplink, true);
  mxr_uplink_poll (fixture->chain.uplink, time_of (89));
  g_assert_cmpuint (count_out (fixture), ==, 7); /* 120 ms, both ends */
}

static void
test_silence_begins_now (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", false);
  for (guint i = 0; i < 90; i++)
    send (fixture, i, i < 20 ? LOUD : SILENT);
  mxr_uplink_set_wanted (fixture->chain.uplink, true);
  mxr_uplink_poll (fixture->chain.uplink, time_of (89));
  g_assert_cmpuint (count_out (fixture), ==, 0);
  send (fixture, 90, SILENT);
  g_assert_cmpuint (count_out (fixture), ==, 1);
}

/* Back and forth: nothing twice, nothing of the time in which it was not wanted but its end, no concealment of that. */
static void
test_back_and_forth (Fixture *fixture, gconstpointer unused)
{
  guint n_expected = 0;

  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", true);
  for (guint round = 0; round < 20; round++) {
    mxr_uplink_set_wanted (fixture->chain.uplink, true);
    for (guint i = 0; i < 10; i++, n_expected++)
      send (fixture, round * 100 + i, LOUD);
    if (round > 0)
      n_expected += 6; /* 120 ms back from the packet that made it look */
    g_assert_cmpuint (count_out (fixture), ==, n_expected);
    mxr_uplink_set_wanted (fixture->chain.uplink, false);
    for (guint i = 10; i < 100; i++)
      send (fixture, round * 100 + i, LOUD);
    g_assert_cmpuint (count_out (fixture), ==, n_expected);
  }
}

static void
test_without_levels_always (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", false);
  for (guint i = 0; i < 20; i++)
    send (fixture, i, 0);
  g_assert_cmpuint (count_out (fixture), ==, 20);
  for (guint i = 20; i < 40; i++)
    send (fixture, i, SILENT);
  g_assert_cmpuint (count_out (fixture), ==, 20);
  g_assert_cmpuint (fixture->chain.n_voices, ==, 0);
}

static void
test_voice_is_told_on_edges (Fixture *fixture, gconstpointer unused)
{
  guint at = 0;

  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", false);
  for (guint round = 1; round <= 5; round++) {
    for (guint i = 0; i < 25; i++)
      send (fixture, at++, SILENT);
    g_assert_cmpuint (fixture->chain.n_voices, ==, round - 1);
    for (guint i = 0; i < 40; i++)
      send (fixture, at++, i % 8 < 4 ? LOUD : SILENT);
    g_assert_cmpuint (fixture->chain.n_voices, ==, round);
  }
}

/* ---- Networks --------------------------------------------------------------------------------------------- */

/* What is lost is made up: as much comes out as was sent. */
static void
test_loss_is_concealed (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", true);
  for (guint i = 0; i < 91; i++)
    if (i % 10 != 5 && i % 30 != 6)
      send (fixture, i, LOUD);
  g_assert_cmpuint (count_out (fixture), ==, 91);
  g_assert_cmpuint (chain_stats (&fixture->chain).reorder.lost, ==, 12);
}

/* Beyond 100 ms nothing is made up. */
static void
test_long_loss_is_a_pause (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", true);
  for (guint i = 0; i < 10; i++)
    send (fixture, i, LOUD);
  for (guint i = 30; i < 40; i++)
    send (fixture, i, LOUD);
  g_assert_cmpuint (count_out (fixture), ==, 20 + 5);
}

/* DTX: time stamps jump, numbers do not. */
static void
test_pause_is_no_loss (Fixture *fixture, gconstpointer unused)
{
  gsize n_bytes;
  const guint8 *payload = g_bytes_get_data (fixture->payloads->pdata[1], &n_bytes);

  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", true);
  for (guint i = 0; i < 50; i++) {
    const TestPacket packet = { .seq = FIRST + i, .timestamp = i / 5 * 48000 + i * FRAME_UNITS, .payload = payload,
                                .n_bytes = n_bytes };
    chain_push (&fixture->chain, &packet, time_of (i) + i / 5 * 1000 * MS);
  }
  g_assert_cmpuint (count_out (fixture), ==, 50);
}

static void
test_padding_is_no_loss (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", true);
  for (guint i = 0; i < 60; i++) {
    const TestPacket padding = { .seq = FIRST + i, .timestamp = i * FRAME_UNITS };
    if (i % 3 == 1)
      chain_push (&fixture->chain, &padding, time_of (i));
    else
      send (fixture, i, LOUD);
  }
  g_assert_cmpuint (count_out (fixture), ==, 40);
}

static void
test_sender_begins_anew (Fixture *fixture, gconstpointer unused)
{
  gsize n_bytes;
  const guint8 *payload = g_bytes_get_data (fixture->payloads->pdata[1], &n_bytes);

  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", true);
  for (guint i = 0; i < 60; i++) {
    guint run = i / 20;
    const TestPacket packet = { .seq = FIRST + run * 200000 + i, .timestamp = run * 0x50000000u + i * FRAME_UNITS,
                                .payload = payload, .n_bytes = n_bytes };
    chain_push (&fixture->chain, &packet, time_of (i));
    g_assert_cmpuint (count_out (fixture), ==, i + 1);
  }
}

/* 30 ms of jitter with 10 % of loss: polled every 10 ms, everything that came in time comes out, and the rest is made up. */
static void
test_jitter_and_loss (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  gint64 arrival_us[N_PACKETS];
  MxrUplinkStats stats;

  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", true);
  for (guint i = 0; i < N_PACKETS; i++)
    arrival_us[i] = i > 0 && g_rand_int_range (random, 0, 10) == 0 ? G_MAXINT64 : time_of (i) + g_rand_int_range (random, 0, 30) * MS;
  for (gint64 now_us = BEGIN_US; now_us < time_of (N_PACKETS + 5); now_us += MS) {
    for (guint i = 0; i < N_PACKETS; i++)
      if (arrival_us[i] == now_us) {
        gsize n_bytes;
        const guint8 *payload = g_bytes_get_data (fixture->payloads->pdata[i], &n_bytes);
        const TestPacket packet = { .seq = FIRST + i, .timestamp = i * FRAME_UNITS, .payload = payload, .n_bytes = n_bytes };
        chain_push (&fixture->chain, &packet, now_us);
      }
    if (now_us % (10 * MS) == 0)
      mxr_uplink_poll (fixture->chain.uplink, now_us);
  }
  stats = chain_stats (&fixture->chain);
  g_test_message ("%u out, %u decoded, %u lost, %u late", count_out (fixture), (guint) stats.decoded, (guint) stats.reorder.lost,
                  (guint) stats.reorder.late);
  g_assert_cmpuint (stats.reorder.late, <=, 1);
  g_assert_cmpuint (stats.decoded, >=, 85);
  g_assert_cmpuint (count_out (fixture), >=, N_PACKETS - 3);
  g_assert_cmpuint (count_out (fixture), <=, N_PACKETS);
}

/* ---- Redundancy ------------------------------------------------------------------------------------------- */

/* What is in a later packet is as if it had come, in the order in which it belongs, and never twice. */
static void
test_red_recovers (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", true);
  for (guint i = 0; i < 91; i++)
    if (i % 10 != 5 && i % 30 != 6)
      send_red (fixture, i, MIN (i, 2), LOUD);
  MxrUplinkStats stats = chain_stats (&fixture->chain);
  g_assert_cmpuint (count_out (fixture), ==, 91);
  g_assert_cmpuint (stats.decoded, ==, 91);
  g_assert_cmpuint (stats.recovered, ==, 12);
  g_assert_cmpuint (stats.concealed, ==, 0);
  g_assert_cmpuint (stats.reorder.lost, ==, 0);
  g_assert_cmpuint (stats.reorder.late, ==, 0);
}

static void
test_red_with_one_block (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", true);
  for (guint i = 0; i < 91; i++)
    if (i % 10 != 5 && i % 30 != 6) /* nine single ones, three in pairs of which the first is gone */
      send_red (fixture, i, MIN (i, 1), LOUD);
  MxrUplinkStats stats = chain_stats (&fixture->chain);
  g_assert_cmpuint (count_out (fixture), ==, 91);
  g_assert_cmpuint (stats.recovered, ==, 9);
  g_assert_cmpuint (stats.concealed + stats.fec, ==, 3);
}

/* The same bytes reach the decoder as without loss: all that comes out is the same. */
static void
test_red_is_lossless (Fixture *fixture, gconstpointer unused)
{
  guint32 sums[2] = { 0 };

  for (guint lossy = 0; lossy < 2; lossy++) {
    chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", true);
    for (guint i = 0; i < 90; i++)
      if (lossy == 0)
        send (fixture, i, LOUD);
      else if (i % 3 != 1)
        send_red (fixture, i, MIN (i, 1), LOUD);
    g_assert_cmpuint (count_out (fixture), ==, 90);
    sums[lossy] = atomic_load (&fixture->chain.checksum);
    if (lossy == 0)
      chain_clear (&fixture->chain);
  }
  g_assert_cmphex (sums[0], ==, sums[1]);
}

/* RED may come and go with any packet; what was recovered and comes by itself afterwards is left out. */
static void
test_red_and_plain (Fixture *fixture, gconstpointer unused)
{
  guint n_lost = 0;

  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", true);
  for (guint i = 0; i < 90; i++) {
    if (i % 4 == 3) {
      n_lost += i % 8 == 3; /* the next one is plain then */
      continue;
    }
    if (i % 8 == 0 && i > 0)
      send_red (fixture, i, 1, LOUD);
    else
      send (fixture, i, LOUD);
    if (i % 16 == 0 && i > 0)
      send (fixture, i - 1, LOUD);
  }
  MxrUplinkStats stats = chain_stats (&fixture->chain);
  g_assert_cmpuint (count_out (fixture), ==, 90);
  g_assert_cmpuint (n_lost, ==, 11);
  g_assert_cmpuint (stats.concealed + stats.fec, ==, n_lost);
  g_assert_cmpuint (stats.recovered, ==, 11);
  g_assert_cmpuint (stats.reorder.late, ==, 5);
}

/* A syllable's begin that was lost while nobody wanted the sound. */
static void
test_red_while_unwanted (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", false);
  for (guint i = 1; i < 60; i++)
    if (i % 4 != 1)
      send_red (fixture, i, 1, i < 56 ? SILENT : LOUD); /* 57 is lost */
  g_assert_cmpuint (chain_stats (&fixture->chain).unwanted, ==, 44);
  mxr_uplink_set_wanted (fixture->chain.uplink, true);
  mxr_uplink_poll (fixture->chain.uplink, time_of (59) + 5 * MS);
  g_assert_cmpuint (count_out (fixture), ==, 5); /* 55 to 59 */
  g_assert_cmpuint (chain_stats (&fixture->chain).concealed, ==, 0);
  send_red (fixture, 60, 1, LOUD);
  g_assert_cmpuint (count_out (fixture), ==, 6);
}

/* Nothing of before the begin, of another codec, of an empty block, of what is no RED. */
static void
test_red_odd (Fixture *fixture, gconstpointer unused)
{
  static const guint8 other[] = { 0x80 | 97, 0x0f, 0x00, 0x01, 96, 0xaa, 0xf8, 0xff, 0xfe };
  static const guint8 empty[] = { 0x80 | 96, 0x0f, 0x00, 0x00, 96 };
  static const guint8 broken[] = { 0x80 | 96, 0x0f, 0x03, 0xff, 96, 1 };

  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", true);
  send_red (fixture, 2, 2, LOUD);
  g_assert_cmpuint (count_out (fixture), ==, 1);
  TestPacket packet = { .seq = FIRST + 4, .timestamp = 4 * FRAME_UNITS, .payload = other, .n_bytes = sizeof other, .is_red = true };
  chain_push (&fixture->chain, &packet, time_of (4)); /* 3 is lost, and what it holds is not ours */
  mxr_uplink_poll (fixture->chain.uplink, time_of (6));
  g_assert_cmpuint (chain_stats (&fixture->chain).recovered, ==, 0);
  g_assert_cmpuint (chain_stats (&fixture->chain).concealed, ==, 1);
  packet = (TestPacket){ .seq = FIRST + 5, .timestamp = 5 * FRAME_UNITS, .payload = empty, .n_bytes = sizeof empty, .is_red = true };
  chain_push (&fixture->chain, &packet, time_of (5)); /* no more than padding */
  packet = (TestPacket){ .seq = FIRST + 6, .timestamp = 6 * FRAME_UNITS, .payload = broken, .n_bytes = sizeof broken, .is_red = true };
  chain_push (&fixture->chain, &packet, time_of (6));
  send_red (fixture, 7, 1, LOUD);
  MxrUplinkStats stats = chain_stats (&fixture->chain);
  g_assert_cmpuint (stats.recovered, ==, 1);
  g_assert_cmpuint (stats.decoded, ==, 4);
}

/* ---- How much has to be made up ---------------------------------------------------------------------------- */

enum { BY_NOTHING, BY_FEC, BY_RED, BY_BOTH, N_MEANS };

/* Gilbert's model: a packet is lost in a bad state, which lasts @burst packets on average. */
static bool
is_lost (GRand *random, bool *is_bad, double loss, double burst)
{
  double leave = 1 / burst;
  double enter = loss * leave / (1 - loss);
  double chance = g_rand_double (random);

  *is_bad = *is_bad ? chance >= leave : chance < enter;
  return *is_bad;
}

/* Returns: the share of packets that were concealed. */
static double
simulate (Fixture *fixture, guint means, double loss, double burst)
{
  const guint n_packets = 3000;
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  bool is_bad = false;

  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", true);
  for (guint i = 0; i < n_packets; i++) {
    if (is_lost (random, &is_bad, loss, burst) && i > 0)
      continue;
    if (means >= BY_RED)
      send_red (fixture, i, MIN (i, 1), LOUD); /* as libwebrtc does */
    else
      send (fixture, i, LOUD);
  }
  MxrUplinkStats stats = chain_stats (&fixture->chain);
  chain_clear (&fixture->chain);
  g_assert_cmpuint (stats.decoded + stats.concealed + stats.fec, <=, n_packets);
  g_assert_cmpuint (stats.decoded + stats.concealed + stats.fec, >=, n_packets - 20);
  return (double) stats.concealed / n_packets;
}

static void
test_concealed_share (Fixture *fixture, gconstpointer unused)
{
  static const double losses[] = { 0.02, 0.05, 0.1, 0.2 };
  double shares[N_MEANS];

  for (guint burst = 1; burst <= 3; burst += 2)
    for (guint i = 0; i < G_N_ELEMENTS (losses); i++) {
      for (guint means = 0; means < N_MEANS; means++) {
        g_ptr_array_unref (fixture->payloads);
        fixture->payloads = make_payloads (means == BY_FEC || means == BY_BOTH ? VOICE_WITH_FEC : "");
        /* a random loss is one that does not depend on the last */
        shares[means] = simulate (fixture, means, losses[i], burst == 1 ? 1 / (1 - losses[i]) : burst);
      }
      g_test_message ("%2.0f %% lost, %s: concealed %.2f %%, with Opus's FEC %.2f %%, with RED of one block %.2f %%, with both %.2f %%",
                      100 * losses[i], burst == 1 ? "at random" : "3 in a row", 100 * shares[BY_NOTHING],
                      100 * shares[BY_FEC], 100 * shares[BY_RED], 100 * shares[BY_BOTH]);
      if (burst == 1 && losses[i] <= 0.1)
        g_assert_cmpfloat (shares[BY_RED], <, 0.03);
      g_assert_cmpfloat (shares[BY_RED], <, shares[BY_NOTHING]);
      g_assert_cmpfloat (shares[BY_BOTH], <=, shares[BY_FEC]);
      g_assert_cmpfloat (shares[BY_BOTH], <=, shares[BY_RED]);
      g_assert_cmpfloat (shares[BY_FEC], <, shares[BY_NOTHING]);
    }
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", true); /* for the end */
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add ("/uplink-sound/" path, Fixture, NULL, fixture_init, func, fixture_clear)
  ADD ("wanted-is-decoded-at-once", test_wanted_is_decoded_at_once);
  ADD ("unwanted-is-not-decoded", test_unwanted_is_not_decoded);
  ADD ("begins-with-the-first-syllable", test_begins_with_the_first_syllable);
  ADD ("past-is-bounded", test_past_is_bounded);
  ADD ("silence-begins-now", test_silence_begins_now);
  ADD ("back-and-forth", test_back_and_forth);
  ADD ("without-levels-always", test_without_levels_always);
  ADD ("voice-is-told-on-edges", test_voice_is_told_on_edges);
  ADD ("loss-is-concealed", test_loss_is_concealed);
  ADD ("long-loss-is-a-pause", test_long_loss_is_a_pause);
  ADD ("pause-is-no-loss", test_pause_is_no_loss);
  ADD ("padding-is-no-loss", test_padding_is_no_loss);
  ADD ("sender-begins-anew", test_sender_begins_anew);
  ADD ("jitter-and-loss", test_jitter_and_loss);
  ADD ("red-recovers", test_red_recovers);
  ADD ("red-with-one-block", test_red_with_one_block);
  ADD ("red-is-lossless", test_red_is_lossless);
  ADD ("red-and-plain", test_red_and_plain);
  ADD ("red-while-unwanted", test_red_while_unwanted);
  ADD ("red-odd", test_red_odd);
  ADD ("concealed-share", test_concealed_share);
#undef ADD
  return g_test_run ();
}
