#include <math.h>
#include <opus.h>
#include <string.h>

#include "opus-codec.h"

#define BLOCK MXR_OPUS_PACKET_FRAMES
#define BLOCK_NS G_GUINT64_CONSTANT (20000000)

static MxrOpusSettings
settings_of (int application)
{
  return (MxrOpusSettings){ .application = application,
                            .bitrate_bps = 32000,
                            .is_vbr = TRUE,
                            .is_constrained = TRUE,
                            .complexity = 5 };
}

/* Something between speech and music: a wandering chord whose loudness goes up and down, and noise. */
static void
write_sound (gint16 *out, guint n_channels, guint64 position, guint n_frames)
{
  for (guint i = 0; i < n_frames; i++) {
    double t = (double) (position + i) / MXR_OPUS_RATE_HZ;
    double loudness = 0.3 * (1.1 + sin (2 * G_PI * 1.7 * t));
    double value = sin (2 * G_PI * (200 + 50 * sin (3 * t)) * t) + 0.5 * sin (2 * G_PI * 1330 * t);
    guint32 noise = (guint32) (position + i) * 2654435761u;
    value = loudness * (0.5 * value + 0.1 * ((noise >> 8) / 8388608.0 - 1));
    for (guint c = 0; c < n_channels; c++)
      out[i * n_channels + c] = (gint16) (32767 * value * (c == 0 ? 1 : 0.7));
  }
}

typedef struct {
  guint8 bytes[MXR_OPUS_PACKET_MAX_BYTES];
  int n_bytes;
  guint64 pts_ns;
} Packet;

/* Gives @codec a block. Returns: packets that came of it, the last one in @packet. */
static guint
give (MxrOpusCodec *codec, guint64 position, guint n_frames, Packet *packet)
{
  gint16 block[2 * 4 * BLOCK];
  const gint16 *frames = block;
  Packet next;
  guint n_packets = 0;

  write_sound (block, mxr_opus_codec_get_channels (codec), position, n_frames);
  mxr_opus_codec_begin (codec, position * 1000000 / 48);
  while (n_frames > 0) {
    next.n_bytes = mxr_opus_codec_take (codec, &frames, &n_frames, next.bytes, &next.pts_ns);
    g_assert_cmpint (next.n_bytes, >=, 0);
    if (next.n_bytes == 0)
      continue;
    *packet = next;
    n_packets++;
  }
  return n_packets;
}

static void
assert_same (const Packet *a, const Packet *b)
{
  g_assert_cmpmem (a->bytes, (gsize) a->n_bytes, b->bytes, (gsize) b->n_bytes);
  g_assert_cmpuint (a->pts_ns, ==, b->pts_ns);
}

typedef struct {
  int application;
  guint n_channels, block_ms;
} Case;

/* Whoever of the two is served first at the block where the copy begins. */
static void
test_copy_goes_on (gconstpointer data)
{
  const Case *test = data;
  const MxrOpusSettings settings = settings_of (test->application);
  guint n_frames = test->block_ms * 48;
  guint n_equal = 0;

  for (guint at = 0; at < 60; at += 7)
    for (guint donor_first = 0; donor_first < 2; donor_first++) {
      g_autoptr (MxrOpusCodec) donor = mxr_opus_codec_new (test->n_channels, &settings);
      g_autoptr (MxrOpusCodec) copy = NULL;
      Packet ours = { 0 }, theirs = { 0 };
      for (guint block = 0; block < at + 40; block++) {
        guint64 position = (guint64) block * n_frames;
        if (block == at && !donor_first && at > 0)
          copy = mxr_opus_codec_copy_at (donor, position * 1000000 / 48);
        guint n_theirs = give (donor, position, n_frames, &theirs);
        if (block == at && copy == NULL)
          copy = mxr_opus_codec_copy_at (donor, position * 1000000 / 48);
        if (block < at)
          continue;
        g_assert_nonnull (copy);
        g_assert_cmpuint (give (copy, position, n_frames, &ours), ==, n_theirs);
        if (n_theirs > 0)
          assert_same (&ours, &theirs);
        n_equal += n_theirs;
      }
    }
  g_assert_cmpuint (n_equal, >, 9 * 2 * 10);
}

/* RFC 6716 3.1: from 16 on there is no speech mode in a packet, and nothing of the one before. */
static bool
is_music (const Packet *packet)
{
  return packet->bytes[0] >> 3 >= 16;
}

static MxrOpusSettings
settings_for_loss (guint percent)
{
  MxrOpusSettings settings = settings_of (OPUS_APPLICATION_AUDIO);
  settings.has_fec = percent > 0;
  settings.loss_percent = (int) percent;
  return settings;
}

/* FEC comes and goes live, and a copy goes on with it as with all else, whatever the state was made with. */
static void
test_fec_changes_live (void)
{
  const MxrOpusSettings plain = settings_for_loss (0), lossy = settings_for_loss (10);
  g_autoptr (MxrOpusCodec) donor = mxr_opus_codec_new (1, &plain);
  Packet ours, theirs;

  give (donor, 0, BLOCK, &theirs); /* before that it stood nowhere */
  for (guint block = 1; block < 300; block++) {
    const MxrOpusSettings *settings = block >= 100 && block < 200 ? &lossy : &plain;
    g_autoptr (MxrOpusCodec) before = mxr_opus_codec_copy_at (donor, block * BLOCK_NS);
    mxr_opus_codec_set (donor, settings);
    give (donor, block * BLOCK, BLOCK, &theirs);
    g_autoptr (MxrOpusCodec) after = mxr_opus_codec_copy_at (donor, block * BLOCK_NS);
    mxr_opus_codec_set (before, settings);
    give (before, block * BLOCK, BLOCK, &ours);
    assert_same (&ours, &theirs);
    mxr_opus_codec_set (after, settings);
    give (after, block * BLOCK, BLOCK, &ours);
    assert_same (&ours, &theirs);
    if (block % 100 >= 10)
      g_assert_true (is_music (&theirs) == (settings == &plain));
  }
}

/* @packet: (nullable): %NULL: what it is taken to have been; @is_copy: of the one before, out of it. */
static void
decode (OpusDecoder *decoder, const Packet *packet, bool is_copy, gint16 *frames)
{
  int n = opus_decode (decoder, packet != NULL ? packet->bytes : NULL, packet != NULL ? packet->n_bytes : 0, frames, BLOCK, is_copy);
  g_assert_cmpint (n, ==, BLOCK);
}

/* What FEC is for: a lost packet is nearer to what it was when it is made of the next one. */
static void
test_fec_is_there (void)
{
  const MxrOpusSettings settings = settings_for_loss (15);
  g_autoptr (MxrOpusCodec) codec = mxr_opus_codec_new (1, &settings);
  OpusDecoder *whole = opus_decoder_create (MXR_OPUS_RATE_HZ, 1, NULL);
  OpusDecoder *copying = opus_decoder_create (MXR_OPUS_RATE_HZ, 1, NULL);
  OpusDecoder *guessing = opus_decoder_create (MXR_OPUS_RATE_HZ, 1, NULL);
  double copied = 0, guessed = 0;
  Packet packet;

  for (guint block = 0; block < 300; block++) {
    static gint16 right[BLOCK], frames[BLOCK];
    give (codec, block * BLOCK, BLOCK, &packet);
    if (block % 6 == 1) {
      decode (copying, &packet, true, frames);
      for (guint i = 0; i < BLOCK; i++)
        copied += pow (frames[i] - right[i], 2);
      decode (guessing, NULL, false, frames);
      for (guint i = 0; i < BLOCK; i++)
        guessed += pow (frames[i] - right[i], 2);
    }
    decode (whole, &packet, false, right);
    if (block % 6 == 0)
      continue;
    decode (copying, &packet, false, frames);
    decode (guessing, &packet, false, frames);
  }
  g_test_message ("a lost packet is off by %.1f dB less when it was copied", 10 * log10 (guessed / copied));
  g_assert_cmpfloat (copied, <, guessed / 2);
  opus_decoder_destroy (whole);
  opus_decoder_destroy (copying);
  opus_decoder_destroy (guessing);
}

/* The oracle can fail: a codec that begins anew makes other packets for a long time. */
static void
test_fresh_differs (void)
{
  const MxrOpusSettings settings = settings_of (OPUS_APPLICATION_AUDIO);
  g_autoptr (MxrOpusCodec) donor = mxr_opus_codec_new (1, &settings);
  g_autoptr (MxrOpusCodec) fresh = mxr_opus_codec_new (1, &settings);
  Packet ours, theirs;

  for (guint block = 0; block < 50; block++)
    give (donor, block * BLOCK, BLOCK, &theirs);
  give (donor, 50 * BLOCK, BLOCK, &theirs);
  give (fresh, 50 * BLOCK, BLOCK, &ours);
  g_assert_true (ours.n_bytes != theirs.n_bytes || memcmp (ours.bytes, theirs.bytes, ours.n_bytes) != 0);
}

static void
test_no_copy_where_it_never_stood (void)
{
  const MxrOpusSettings settings = settings_of (OPUS_APPLICATION_AUDIO);
  g_autoptr (MxrOpusCodec) donor = mxr_opus_codec_new (1, &settings);
  Packet packet;

  g_assert_null (mxr_opus_codec_copy_at (donor, 0)); /* nothing came yet */
  for (guint block = 0; block < 5; block++)
    give (donor, block * BLOCK, BLOCK, &packet);
  g_assert_null (mxr_opus_codec_copy_at (donor, 3 * BLOCK_NS));
  g_assert_null (mxr_opus_codec_copy_at (donor, 6 * BLOCK_NS));
  g_assert_null (mxr_opus_codec_copy_at (donor, 4 * BLOCK_NS + 20000));
  for (guint block = 4; block <= 5; block++) {
    g_autoptr (MxrOpusCodec) copy = mxr_opus_codec_copy_at (donor, block * BLOCK_NS);
    g_assert_nonnull (copy);
  }
}

/* Time stamps of samples are rounded to nanoseconds. */
static void
assert_near (guint64 a_ns, guint64 b_ns)
{
  g_assert_cmpuint (MAX (a_ns, b_ns) - MIN (a_ns, b_ns), <=, 2);
}

/* Blocks of any length; a hole leaves out what waited. */
static void
test_blocks_and_packets (void)
{
  const MxrOpusSettings settings = settings_of (OPUS_APPLICATION_AUDIO);
  g_autoptr (MxrOpusCodec) codec = mxr_opus_codec_new (2, &settings);
  Packet packet;

  g_assert_cmpuint (give (codec, 0, 480, &packet), ==, 0);
  g_assert_cmpuint (give (codec, 480, 479, &packet), ==, 0);
  g_assert_cmpuint (give (codec, 959, 1 + 960 + 240, &packet), ==, 2);
  assert_near (packet.pts_ns, 13500000); /* 20 ms, less the look-ahead of 6.5 ms */
  g_assert_cmpuint (give (codec, 4800, 959, &packet), ==, 0);
  g_assert_cmpuint (give (codec, 5759, 1, &packet), ==, 1);
  assert_near (packet.pts_ns, 93500000);
  gint16 block[4];
  write_sound (block, 2, 0, 2);
  g_assert_false (mxr_opus_codec_begin (codec, G_GUINT64_CONSTANT (1) << 62));
  g_assert_true (mxr_opus_codec_begin (codec, G_GUINT64_CONSTANT (1) << 62));
}

static void
test_bitrate_changes_live (void)
{
  MxrOpusSettings settings = settings_of (OPUS_APPLICATION_AUDIO);
  g_autoptr (MxrOpusCodec) codec = mxr_opus_codec_new (1, &settings);
  guint bytes[2] = { 0 };
  Packet packet;

  for (guint block = 0; block < 200; block++) {
    settings.bitrate_bps = block < 100 ? 64000 : 16000;
    mxr_opus_codec_set (codec, &settings);
    give (codec, block * BLOCK, BLOCK, &packet);
    bytes[block / 100] += packet.n_bytes;
  }
  g_assert_cmpuint (bytes[0], >, 3 * bytes[1]);
  g_assert_cmpuint (bytes[1], >, 2 * 16000 / 8 / 2);
}

/* 10 packets of silence, then a byte each 400 ms; and what comes after it is what a decoder can take up. */
static void
test_silence_is_not_sent (void)
{
  static const gint16 silence[BLOCK] = { 0 };
  MxrOpusSettings settings = settings_of (OPUS_APPLICATION_RESTRICTED_LOWDELAY);
  settings.has_dtx = TRUE;
  g_autoptr (MxrOpusCodec) codec = mxr_opus_codec_new (1, &settings);
  g_autoptr (MxrOpusCodec) copy = NULL;
  OpusDecoder *decoder = opus_decoder_create (MXR_OPUS_RATE_HZ, 1, NULL);
  gint16 decoded[BLOCK];
  Packet packet, same;

  for (guint i = 0; i < 50; i++)
    give (codec, i * BLOCK, BLOCK, &packet);
  for (guint i = 0; i < 1000; i++) {
    const gint16 *frames = silence;
    guint n_frames = BLOCK;
    mxr_opus_codec_begin (codec, (50 + i) * BLOCK_NS);
    int n = mxr_opus_codec_take (codec, &frames, &n_frames, packet.bytes, &packet.pts_ns);
    g_assert_cmpuint (n_frames, ==, 0);
    if (i < 10)
      g_assert_cmpint (n, >, 1);
    else
      g_assert_cmpint (n, ==, (i - 10) % 20 == 0);
    if (n > 0)
      g_assert_cmpint (opus_decode (decoder, packet.bytes, n, decoded, BLOCK, 0), ==, BLOCK);
  }
  copy = mxr_opus_codec_copy_at (codec, 1050 * BLOCK_NS);
  for (guint i = 1050; i < 1100; i++) {
    g_assert_cmpuint (give (codec, i * BLOCK, BLOCK, &packet), ==, 1);
    g_assert_cmpuint (give (copy, i * BLOCK, BLOCK, &same), ==, 1);
    assert_same (&packet, &same);
    g_assert_cmpint (opus_decode (decoder, packet.bytes, packet.n_bytes, decoded, BLOCK, 0), ==, BLOCK);
    gint16 sent[BLOCK], loudest_sent = 0, loudest = 0;
    write_sound (sent, 1, i * BLOCK, BLOCK);
    for (guint k = 0; k < BLOCK; k++) {
      loudest_sent = MAX (loudest_sent, ABS (sent[k]));
      loudest = MAX (loudest, ABS (decoded[k]));
    }
    g_assert_cmpint (loudest, >, loudest_sent / 2);
    g_assert_cmpint (loudest, <, loudest_sent * 2);
  }
  opus_decoder_destroy (decoder);
}

/* Gives @codec a block of zeros. Returns: the bytes of its packet; 0: none. */
static int
give_silence (MxrOpusCodec *codec, guint64 position, Packet *packet)
{
  static const gint16 silence[BLOCK] = { 0 };
  const gint16 *frames = silence;
  guint n_frames = BLOCK;

  mxr_opus_codec_begin (codec, position * 1000000 / 48);
  return packet->n_bytes = mxr_opus_codec_take (codec, &frames, &n_frames, packet->bytes, &packet->pts_ns);
}

/* Nobody gives blocks for a while in a pause: it is told of again after that, and a copy can be had in it and right after. */
static void
test_gap_in_silence (void)
{
  MxrOpusSettings settings = settings_of (OPUS_APPLICATION_RESTRICTED_LOWDELAY);
  settings.has_dtx = TRUE;
  g_autoptr (MxrOpusCodec) codec = mxr_opus_codec_new (1, &settings);
  Packet packet, same;

  for (guint i = 0; i < 50; i++)
    give (codec, i * BLOCK, BLOCK, &packet);
  for (guint i = 50; i < 60; i++)
    g_assert_cmpint (give_silence (codec, i * BLOCK, &packet), >, 1);
  g_assert_null (mxr_opus_codec_copy_at (codec, 100 * BLOCK_NS)); /* not told yet that it pauses */
  for (guint i = 60; i < 75; i++)
    g_assert_cmpint (give_silence (codec, i * BLOCK, &packet), ==, i == 60);
  for (guint i = 500; i < 525; i++)
    g_assert_cmpint (give_silence (codec, i * BLOCK, &packet), ==, (i - 500) % 20 == 0);
  g_assert_cmpuint (packet.n_bytes, ==, 0);

  g_autoptr (MxrOpusCodec) copy = mxr_opus_codec_copy_at (codec, 1000 * BLOCK_NS);
  g_assert_nonnull (copy);
  g_assert_null (mxr_opus_codec_copy_at (codec, 400 * BLOCK_NS)); /* over */
  give (codec, 1000 * BLOCK, BLOCK, &packet);
  g_autoptr (MxrOpusCodec) late = mxr_opus_codec_copy_at (codec, 1000 * BLOCK_NS); /* that block is encoded already */
  g_assert_nonnull (late);
  for (guint i = 1000; i < 1050; i++) {
    if (i > 1000)
      give (codec, i * BLOCK, BLOCK, &packet);
    g_assert_cmpuint (packet.pts_ns, <=, i * BLOCK_NS);
    give (copy, i * BLOCK, BLOCK, &same);
    assert_same (&packet, &same);
    give (late, i * BLOCK, BLOCK, &same);
    assert_same (&packet, &same);
  }
}

static void
test_bad_settings (void)
{
  MxrOpusSettings settings = settings_of (1);
  g_assert_null (mxr_opus_codec_new (1, &settings));
  settings = settings_of (OPUS_APPLICATION_AUDIO);
  settings.complexity = 11;
  g_assert_null (mxr_opus_codec_new (1, &settings));
}

int
main (int argc, char **argv)
{
  static const Case cases[] = { { OPUS_APPLICATION_AUDIO, 1, 20 },
                                { OPUS_APPLICATION_AUDIO, 2, 20 },
                                { OPUS_APPLICATION_AUDIO, 1, 10 },
                                { OPUS_APPLICATION_VOIP, 1, 20 },
                                { OPUS_APPLICATION_RESTRICTED_LOWDELAY, 1, 15 },
                                { OPUS_APPLICATION_AUDIO, 1, 40 } };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *name = g_strdup_printf ("/opus-codec/copy-goes-on/%d-%uch-%ums", cases[i].application,
                                             cases[i].n_channels, cases[i].block_ms);
    g_test_add_data_func (name, &cases[i], test_copy_goes_on);
  }
  g_test_add_func ("/opus-codec/fec-changes-live", test_fec_changes_live);
  g_test_add_func ("/opus-codec/fec-is-there", test_fec_is_there);
  g_test_add_func ("/opus-codec/fresh-differs", test_fresh_differs);
  g_test_add_func ("/opus-codec/no-copy-where-it-never-stood", test_no_copy_where_it_never_stood);
  g_test_add_func ("/opus-codec/blocks-and-packets", test_blocks_and_packets);
  g_test_add_func ("/opus-codec/bitrate-changes-live", test_bitrate_changes_live);
  g_test_add_func ("/opus-codec/silence-is-not-sent", test_silence_is_not_sent);
  g_test_add_func ("/opus-codec/gap-in-silence", test_gap_in_silence);
  g_test_add_func ("/opus-codec/bad-settings", test_bad_settings);
  return g_test_run ();
}
