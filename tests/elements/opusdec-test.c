/* The decoder against libopus itself, and what in-band FEC is worth: packets are dropped, and what comes out is compared with
 * what comes out of all of them. */

#include <math.h>
#include <opus.h>
#include <gst/check/gstharness.h>
#include <string.h>

#include "mixroom/elements.h"
#include "mixroom/rtp.h"

#define RATE_HZ 48000
#define FRAMES (RATE_HZ / 50)
#define FRAME_NS (20 * GST_MSECOND)
#define N_PACKETS 200
#define PACKET_MAX_BYTES 1276

typedef struct {
  guint8 bytes[PACKET_MAX_BYTES];
  gsize size;
} Packet;

/* Somebody who says vowels, each 160 ms another one on another pitch, with noise and pauses in between: N_PACKETS long. */
static const gint16 *
get_voice (void)
{
  static const double formants[][2] = { { 700, 1200 }, { 300, 2300 }, { 400, 800 }, { 500, 1800 } };
  static gint16 voice[N_PACKETS * FRAMES];
  static bool is_made = false;
  const guint vowel_frames = RATE_HZ * 160 / 1000;
  double phase = 0;

  for (guint i = 0; i < G_N_ELEMENTS (voice) && !is_made; i++) {
    guint vowel = i / vowel_frames;
    double within = (double) (i % vowel_frames) / vowel_frames;
    double pitch_hz = 110 + 17 * (vowel * 7 % 5) + 20 * within;
    double value = 0.05 * (((i * 2654435761u) >> 8) / 8388608.0 - 1);
    phase += 2 * G_PI * pitch_hz / RATE_HZ;
    for (guint k = 1; k < 25; k++) {
      double a = (k * pitch_hz - formants[vowel % 4][0]) / 150, b = (k * pitch_hz - formants[vowel % 4][1]) / 250;
      value += (1 / (1 + a * a) + 0.5 / (1 + b * b)) * sin (k * phase);
    }
    voice[i] = (gint16) (6000 * (vowel % 6 == 5 ? 0 : sin (G_PI * within)) * value);
  }
  is_made = true;
  return voice;
}

static Packet *
encode_voice (int application, bool has_fec)
{
  Packet *packets = g_new0 (Packet, N_PACKETS);
  OpusEncoder *encoder = opus_encoder_create (RATE_HZ, 1, application, NULL);

  opus_encoder_ctl (encoder, OPUS_SET_BITRATE (32000));
  opus_encoder_ctl (encoder, OPUS_SET_INBAND_FEC (has_fec));
  opus_encoder_ctl (encoder, OPUS_SET_PACKET_LOSS_PERC (has_fec ? 15 : 0));
  for (guint i = 0; i < N_PACKETS; i++) {
    int n = opus_encode (encoder, get_voice () + i * FRAMES, FRAMES, packets[i].bytes, PACKET_MAX_BYTES);
    g_assert_cmpint (n, >, 0);
    packets[i].size = (gsize) n;
  }
  opus_encoder_destroy (encoder);
  return packets;
}

/* ---- Through the element ---------------------------------------------------------------------------------- */

static GstHarness *
new_decoder (const char *launch)
{
  GstHarness *harness = gst_harness_new_parse (launch);
  gst_harness_set_src_caps_str (harness, "audio/x-opus,channel-mapping-family=0,channels=1,rate=48000");
  gst_harness_set_sink_caps_str (harness, "audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved");
  return harness;
}

static void
push (GstHarness *harness, const Packet *packet, guint i)
{
  GstBuffer *buffer = packet->size > 0 ? gst_buffer_new_memdup (packet->bytes, packet->size) : gst_buffer_new ();
  GST_BUFFER_PTS (buffer) = i * FRAME_NS;
  g_assert_cmpint (gst_harness_push (harness, buffer), ==, GST_FLOW_OK);
}

static void
push_gap (GstHarness *harness, guint i, guint n_packets)
{
  g_assert_true (gst_harness_push_event (harness, gst_event_new_gap (i * FRAME_NS, n_packets * FRAME_NS)));
}

/* All that has come, appended to @out. */
static void
pull (GstHarness *harness, GArray *out)
{
  GstBuffer *buffer;
  GstMapInfo map;

  while ((buffer = gst_harness_try_pull (harness)) != NULL) {
    g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
    g_array_append_vals (out, map.data, (guint) (map.size / sizeof (gint16)));
    gst_buffer_unmap (buffer, &map);
    gst_buffer_unref (buffer);
  }
}

/* Of every @every packets one is lost (0: none). Of each packet that comes all that it makes is there at once. */
static GArray *
decode_with (const char *launch, const Packet *packets, guint every)
{
  GstHarness *harness = new_decoder (launch);
  GArray *out = g_array_new (FALSE, FALSE, sizeof (gint16));

  for (guint i = 0; i < N_PACKETS; i++) {
    bool is_lost = every > 0 && i % every == every - 1 && i + 1 < N_PACKETS;
    if (is_lost)
      push_gap (harness, i, 1);
    else
      push (harness, &packets[i], i);
    pull (harness, out);
    if (!is_lost)
      g_assert_cmpuint (out->len, ==, (i + 1) * FRAMES);
  }
  gst_harness_teardown (harness);
  return out;
}

/* How far the lost packets' blocks are from what they are when all come [energy of the difference to that of the sound]. */
static double
measure_damage (const char *launch, const Packet *packets, guint every)
{
  g_autoptr (GArray) whole = decode_with (launch, packets, 0);
  g_autoptr (GArray) lossy = decode_with (launch, packets, every);
  double damage = 0, energy = 0;

  g_assert_cmpuint (whole->len, ==, lossy->len);
  for (guint i = every - 1; i + 1 < N_PACKETS; i += every)
    for (guint k = 0; k < FRAMES; k++) {
      double a = g_array_index (whole, gint16, i * FRAMES + k), b = g_array_index (lossy, gint16, i * FRAMES + k);
      damage += (a - b) * (a - b);
      energy += a * a;
    }
  g_assert_cmpfloat (energy, >, 0);
  return damage / energy;
}

static void
test_fec_is_used (void)
{
  g_autofree Packet *with = encode_voice (OPUS_APPLICATION_VOIP, true);
  g_autofree Packet *without = encode_voice (OPUS_APPLICATION_VOIP, false);
  double made_up = measure_damage ("mxropusdec", without, 7);
  double stock = measure_damage ("opusdec plc=true", with, 7);
  double copied = measure_damage ("mxropusdec", with, 7);

  g_test_message ("of a lost packet: made up %.1f dB, by the stock decoder %.1f dB, copied %.1f dB", 10 * log10 (made_up),
                  10 * log10 (stock), 10 * log10 (copied));
  g_assert_cmpfloat (copied, <, made_up / 3);
  g_assert_cmpfloat (copied, <, stock / 3);
}

/* Whether a packet has a copy is told by its bits. libopus makes up what has none, so its own opinion is what it makes: of two
 * decoders in one state, one is given the packet to take the copy from, the other nothing. */
static void
test_fec_is_told (void)
{
  static const struct {
    int application, n_channels, n_frames;
    bool has_fec;
  } cases[] = { { OPUS_APPLICATION_VOIP, 1, 480, true },  { OPUS_APPLICATION_VOIP, 1, 960, true },
                { OPUS_APPLICATION_VOIP, 2, 960, true },  { OPUS_APPLICATION_VOIP, 1, 1920, true },
                { OPUS_APPLICATION_VOIP, 1, 2880, true }, { OPUS_APPLICATION_VOIP, 1, 960, false },
                { OPUS_APPLICATION_RESTRICTED_LOWDELAY, 1, 960, true } };

  for (guint c = 0; c < G_N_ELEMENTS (cases); c++) {
    OpusEncoder *encoder = opus_encoder_create (RATE_HZ, cases[c].n_channels, cases[c].application, NULL);
    OpusDecoder *decoder = opus_decoder_create (RATE_HZ, 1, NULL);
    const gsize state_bytes = (gsize) opus_decoder_get_size (1);
    g_autofree OpusDecoder *copying = g_malloc (state_bytes), *guessing = g_malloc (state_bytes);
    guint n_told = 0, n_differ = 0;
    const guint n_packets = N_PACKETS * FRAMES / (guint) cases[c].n_frames;
    opus_encoder_ctl (encoder, OPUS_SET_BITRATE (28000 * cases[c].n_channels));
    opus_encoder_ctl (encoder, OPUS_SET_INBAND_FEC (cases[c].has_fec));
    opus_encoder_ctl (encoder, OPUS_SET_PACKET_LOSS_PERC (20));
    for (guint i = 0; i < n_packets; i++) {
      gint16 frames[2 * 2880], copied[2880], guessed[2880];
      Packet packet;
      for (int k = 0; k < cases[c].n_frames * cases[c].n_channels; k++)
        frames[k] = get_voice ()[(int) i * cases[c].n_frames + k / cases[c].n_channels];
      packet.size = (gsize) opus_encode (encoder, frames, cases[c].n_frames, packet.bytes, PACKET_MAX_BYTES);
      memcpy (copying, decoder, state_bytes);
      memcpy (guessing, decoder, state_bytes);
      g_assert_cmpint (opus_decode (copying, packet.bytes, (int) packet.size, copied, cases[c].n_frames, 1), ==, cases[c].n_frames);
      g_assert_cmpint (opus_decode (guessing, NULL, 0, guessed, cases[c].n_frames, 0), ==, cases[c].n_frames);
      bool is_told = mxr_opus_has_fec (packet.bytes, packet.size);
      bool differs = memcmp (copied, guessed, sizeof (gint16) * (gsize) cases[c].n_frames) != 0;
      g_assert_true (differs || !is_told);
      n_told += is_told;
      n_differ += differs;
      g_assert_cmpint (opus_decode (decoder, packet.bytes, (int) packet.size, copied, cases[c].n_frames, 0), ==, cases[c].n_frames);
    }
    g_test_message ("case %u: %u of %u packets have a copy", c, n_told, n_packets);
    g_assert_cmpuint (n_differ - n_told, <, n_packets / 5); /* it makes up pauses in two ways */
    g_assert_true ((n_told > n_packets / 4) == (cases[c].has_fec && cases[c].application == OPUS_APPLICATION_VOIP));
    opus_encoder_destroy (encoder);
    opus_decoder_destroy (decoder);
  }
}

/* What there is no copy of is what libopus makes up, sample by sample. */
static void
test_same_as_libopus (void)
{
  g_autofree Packet *packets = encode_voice (OPUS_APPLICATION_RESTRICTED_LOWDELAY, false);
  g_autoptr (GArray) ours = decode_with ("mxropusdec", packets, 9);
  OpusDecoder *decoder = opus_decoder_create (RATE_HZ, 1, NULL);
  gint16 theirs[FRAMES];

  for (guint i = 0; i < N_PACKETS; i++) {
    bool is_lost = i % 9 == 8 && i + 1 < N_PACKETS;
    g_assert_cmpint (opus_decode (decoder, is_lost ? NULL : packets[i].bytes, is_lost ? 0 : (int) packets[i].size, theirs, FRAMES, 0),
                     ==, FRAMES);
    g_assert_cmpmem (theirs, sizeof theirs, &g_array_index (ours, gint16, i * FRAMES), sizeof theirs);
  }
  opus_decoder_destroy (decoder);
}

/* ---- Shapes ------------------------------------------------------------------------------------------------ */

/* Gaps of all lengths end where the packet after them begins; 120 ms are filled at most. */
static void
test_gaps (void)
{
  g_autofree Packet *packets = encode_voice (OPUS_APPLICATION_VOIP, true);

  for (guint n_lost = 1; n_lost < 10; n_lost++) {
    GstHarness *harness = new_decoder ("mxropusdec");
    push (harness, &packets[0], 0);
    gst_buffer_unref (gst_harness_pull (harness));
    push_gap (harness, 1, n_lost);
    g_assert_null (gst_harness_try_pull (harness));
    push (harness, &packets[1 + n_lost], 1 + n_lost);
    g_autoptr (GstBuffer) gap = gst_harness_pull (harness);
    g_autoptr (GstBuffer) next = gst_harness_pull (harness);
    g_assert_cmpuint (GST_BUFFER_PTS (gap), ==, FRAME_NS);
    g_assert_cmpuint (gst_buffer_get_size (gap), ==, MIN (n_lost, 6) * FRAMES * sizeof (gint16));
    g_assert_cmpuint (GST_BUFFER_DURATION (gap), ==, MIN (n_lost, 6) * FRAME_NS);
    g_assert_cmpuint (GST_BUFFER_PTS (next), ==, (1 + n_lost) * FRAME_NS);
    g_assert_cmpuint (gst_buffer_get_size (next), ==, FRAMES * sizeof (gint16));
    gst_harness_teardown (harness);
  }
}

/* From 2.5 to 60 ms: what a packet holds is what comes out. */
static void
test_lengths (void)
{
  static const guint lengths[] = { 120, 240, 480, 960, 1920, 2880 };

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++) {
    GstHarness *harness = new_decoder ("mxropusdec");
    OpusEncoder *encoder = opus_encoder_create (RATE_HZ, 2, OPUS_APPLICATION_AUDIO, NULL);
    gint16 frames[2 * 2880] = { 1, 2, 3 };
    Packet packet;
    packet.size = (gsize) opus_encode (encoder, frames, (int) lengths[i], packet.bytes, PACKET_MAX_BYTES);
    push (harness, &packet, 0);
    g_autoptr (GstBuffer) block = gst_harness_pull (harness);
    g_assert_cmpuint (gst_buffer_get_size (block), ==, lengths[i] * sizeof (gint16));
    opus_encoder_destroy (encoder);
    gst_harness_teardown (harness);
  }
}

static void
test_channels (void)
{
  g_autofree Packet *packets = encode_voice (OPUS_APPLICATION_VOIP, false);

  for (int offered = 1; offered <= 2; offered++)
    for (int wanted = 0; wanted <= 2; wanted++) {
      GstHarness *harness = gst_harness_new ("mxropusdec");
      g_autofree char *opus = g_strdup_printf ("audio/x-opus,channel-mapping-family=0,channels=%d", offered);
      g_autofree char *raw = g_strdup_printf ("audio/x-raw,channels=%d", wanted);
      if (wanted > 0)
        gst_harness_set_sink_caps_str (harness, raw);
      gst_harness_set_src_caps_str (harness, opus);
      push (harness, &packets[0], 0);
      g_autoptr (GstBuffer) block = gst_harness_pull (harness);
      g_assert_cmpuint (gst_buffer_get_size (block), ==, (gsize) (wanted > 0 ? wanted : offered) * FRAMES * sizeof (gint16));
      gst_harness_teardown (harness);
    }
}

/* Whatever comes makes a block: what a client sends ends nothing. */
static void
test_garbage (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (11);
  GstHarness *harness = new_decoder ("mxropusdec");

  for (guint i = 0; i < 3000; i++) {
    Packet packet = { .size = (gsize) g_rand_int_range (random, 0, 80) };
    for (gsize k = 0; k < packet.size; k++)
      packet.bytes[k] = (guint8) g_rand_int (random);
    if (i % 5 == 0)
      push_gap (harness, i, 1);
    push (harness, &packet, i);
    guint n_blocks = 0;
    for (GstBuffer *block; (block = gst_harness_try_pull (harness)) != NULL; n_blocks++) {
      g_assert_cmpuint (gst_buffer_get_size (block), >, 0);
      gst_buffer_unref (block);
    }
    g_assert_cmpuint (n_blocks, >=, 1);
    g_assert_cmpuint (n_blocks, <=, 2);
  }
  gst_harness_teardown (harness);
}

/* A flush forgets what was missing. */
static void
test_flush (void)
{
  g_autofree Packet *packets = encode_voice (OPUS_APPLICATION_VOIP, true);
  GstHarness *harness = new_decoder ("mxropusdec");
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  push (harness, &packets[0], 0);
  gst_buffer_unref (gst_harness_pull (harness));
  push_gap (harness, 1, 2);
  gst_harness_push_event (harness, gst_event_new_flush_start ());
  gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE));
  gst_harness_push_event (harness, gst_event_new_segment (&segment));
  push (harness, &packets[3], 3);
  g_autoptr (GstBuffer) block = gst_harness_pull (harness);
  g_assert_cmpuint (gst_buffer_get_size (block), ==, FRAMES * sizeof (gint16));
  g_assert_null (gst_harness_try_pull (harness));
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_assert_true (mxr_elements_register (NULL));
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/opusdec/fec-is-used", test_fec_is_used);
  g_test_add_func ("/opusdec/fec-is-told", test_fec_is_told);
  g_test_add_func ("/opusdec/same-as-libopus", test_same_as_libopus);
  g_test_add_func ("/opusdec/gaps", test_gaps);
  g_test_add_func ("/opusdec/lengths", test_lengths);
  g_test_add_func ("/opusdec/channels", test_channels);
  g_test_add_func ("/opusdec/garbage", test_garbage);
  g_test_add_func ("/opusdec/flush", test_flush);
  return g_test_run ();
}
