/* What a listener hears who is changed from the shared sound to an own one and back, fifty times: a real mixer, two real
 * encoders, one decoder. What comes in has nothing above 4 kHz, so whatever is heard above 6 kHz was made by a break. */
#include <math.h>
#include <opus.h>
#include <string.h>
#include <gst/app/gstappsink.h>

#include "audiomix-fixture.h"
#include "mixroom/elements.h"

#define N_CHANGES 50
#define N_TAPS 257
/* In blocks of 20 ms: the voice stays away so long before the way back, as room/sound.c waits. */
#define HOLD_BLOCKS 25
#define LIMIT_DB (-50.0)
/* Speech modes, which have FEC, are less clean by themselves: -53 dB. */
#define FEC_LIMIT_DB (-45.0)

/* ---- Sounds ---------------------------------------------------------------------------------------------- */

/* A windowed sinc: 70 dB down 600 Hz beyond the edge. */
static void
design (double *taps, double edge_hz, bool is_high_pass)
{
  double sum = 0;

  for (int i = 0; i < N_TAPS; i++) {
    double x = 2 * G_PI * edge_hz / 48000 * (i - N_TAPS / 2);
    double window = 0.42 - 0.5 * cos (2 * G_PI * i / (N_TAPS - 1)) + 0.08 * cos (4 * G_PI * i / (N_TAPS - 1));
    taps[i] = (x == 0 ? 1 : sin (x) / x) * window;
    sum += taps[i];
  }
  for (int i = 0; i < N_TAPS; i++)
    taps[i] /= is_high_pass ? -sum : sum;
  taps[N_TAPS / 2] += is_high_pass;
}

static double
filter_at (const double *taps, const gint16 *samples, guint n, guint at)
{
  double sum = 0;

  for (guint k = 0; k < N_TAPS; k++) {
    gint64 i = (gint64) at + k - N_TAPS / 2;
    sum += i >= 0 && i < n ? taps[k] * samples[i] : 0;
  }
  return sum;
}

/* Harmonics that come and go as syllables do, where there is no recording. */
static GArray *
make_speech (guint n)
{
  GArray *speech = g_array_sized_new (FALSE, FALSE, sizeof (gint16), n);

  for (guint i = 0; i < n; i++) {
    double t = i / 48000.0, value = 0;
    double syllable = MAX (0, sin (2 * G_PI * 3.1 * t)) * MAX (0, sin (2 * G_PI * 0.4 * t) + 0.5);
    for (int k = 1; k < 20; k++)
      value += sin (2 * G_PI * k * (120 * t + 2 * sin (2 * t))) / k;
    gint16 sample = (gint16) (5000 * syllable * value);
    g_array_append_val (speech, sample);
  }
  return speech;
}

static GArray *
read_speech (guint n)
{
  g_autofree char *beside = g_build_filename (g_getenv ("MIXROOM_SOURCE_ROOT"), "..", "shared", "media", NULL);
  const char *media = g_getenv ("MIXROOM_MEDIA") != NULL ? g_getenv ("MIXROOM_MEDIA") : beside;
  g_autofree char *path = g_build_filename (media, "speech", "lj.wav", NULL);
  g_autofree char *launch =
      g_strdup_printf ("filesrc location=\"%s\" ! wavparse ! audioconvert ! audioresample ! "
                       "audio/x-raw,format=S16LE,rate=48000,channels=1 ! appsink name=out sync=false", path);
  GArray *speech = g_array_new (FALSE, FALSE, sizeof (gint16));

  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    g_array_unref (speech);
    return make_speech (n);
  }
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, NULL);
  g_autoptr (GstElement) out = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  GstSample *sample;
  while (speech->len < n && (sample = gst_app_sink_pull_sample (GST_APP_SINK (out))) != NULL) {
    GstMapInfo map;
    gst_buffer_map (gst_sample_get_buffer (sample), &map, GST_MAP_READ);
    g_array_append_vals (speech, map.data, map.size / sizeof (gint16));
    gst_buffer_unmap (gst_sample_get_buffer (sample), &map);
    gst_sample_unref (sample);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return speech;
}

/* @n samples without anything above 4 kHz; short recordings are repeated. */
static gint16 *
narrow_speech (guint n)
{
  g_autoptr (GArray) speech = read_speech (n);
  double taps[N_TAPS];
  gint16 *narrow = g_new (gint16, n);
  guint n_distinct = MIN (speech->len, n);

  design (taps, 3400, false);
  for (guint i = 0; i < n; i++)
    narrow[i] = i < n_distinct
                    ? (gint16) CLAMP (filter_at (taps, (gint16 *) speech->data, speech->len, i), -32768, 32767)
                    : narrow[i - n_distinct];
  return narrow;
}

/* ---- The graph -------------------------------------------------------------------------------------------- */

typedef struct {
  GstClockTime pts;
  guint n_bytes;
  guint8 bytes[1276];
} Packet;

/* An encoder behind a source pad of the mixer. */
typedef struct {
  GstElement *encoder;
  GstPad *source, *pad; /* the mixer's, and the test's behind the encoder */
  Packet last;
} Stream;

typedef struct {
  Mix mix;
  MixInput *others, *talker;
  const gint16 *others_sound, *talker_sound;
  guint n_sound;
  guint64 block;
  Stream *shared, *own; /* own: nullable */
  guint loss_percent;   /* that encoders are made for */
  OpusDecoder *decoder;
  GArray *heard;
} Room;

static GstFlowReturn
on_packet (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Stream *stream = gst_pad_get_element_private (pad);

  stream->last.pts = GST_BUFFER_PTS (buffer);
  stream->last.n_bytes = (guint) gst_buffer_extract (buffer, 0, stream->last.bytes, sizeof stream->last.bytes);
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static Stream *
stream_new (Room *room, const char *name, Stream *donor)
{
  Stream *stream = g_new0 (Stream, 1);

  stream->encoder = gst_object_ref_sink (gst_element_factory_make ("mxropusenc", NULL));
  stream->pad = gst_pad_new ("packets", GST_PAD_SINK);
  gst_pad_set_element_private (stream->pad, stream);
  gst_pad_set_chain_function (stream->pad, on_packet);
  gst_pad_set_active (stream->pad, TRUE);
  g_autoptr (GstPad) sink = gst_element_get_static_pad (stream->encoder, "sink");
  g_autoptr (GstPad) src = gst_element_get_static_pad (stream->encoder, "src");
  gst_element_set_state (stream->encoder, GST_STATE_PLAYING);
  g_assert_true (donor == NULL || mxr_opusenc_fork (stream->encoder, donor->encoder));
  g_assert_true (mxr_opusenc_set_loss (stream->encoder, room->loss_percent));
  stream->source = gst_element_request_pad_simple (room->mix.element, name);
  g_assert_cmpint (gst_pad_link_full (src, stream->pad, GST_PAD_LINK_CHECK_NOTHING), ==, GST_PAD_LINK_OK);
  g_assert_cmpint (gst_pad_link_full (stream->source, sink, GST_PAD_LINK_CHECK_NOTHING), ==, GST_PAD_LINK_OK);
  return stream;
}

static void
stream_free (Room *room, Stream *stream)
{
  gst_element_release_request_pad (room->mix.element, stream->source);
  gst_object_unref (stream->source);
  gst_element_set_state (stream->encoder, GST_STATE_NULL);
  gst_object_unref (stream->encoder);
  gst_object_unref (stream->pad);
  g_free (stream);
}

static void
push_sound (const Room *room, MixInput *input, const gint16 *sound)
{
  gsize bytes = MIX_BLOCK * sizeof (gint16);
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, bytes, NULL);

  gst_buffer_fill (buffer, 0, sound + room->block * MIX_BLOCK % room->n_sound, bytes);
  g_assert_cmpint (gst_pad_push (input->pad, buffer), ==, GST_FLOW_OK);
}

/* A block passes; the listener gets the packet of @hears. */
static void
pass_block (Room *room, const Stream *hears)
{
  gint16 decoded[MIX_BLOCK];

  push_sound (room, room->others, room->others_sound);
  push_sound (room, room->talker, room->talker_sound);
  mix_tick (&room->mix);
  room->block++;
  g_assert_cmpuint (hears->last.n_bytes, >, 0);
  int n = opus_decode (room->decoder, hears->last.bytes, (opus_int32) hears->last.n_bytes, decoded, MIX_BLOCK, 0);
  g_assert_cmpint (n, ==, MIX_BLOCK);
  g_array_append_vals (room->heard, decoded, MIX_BLOCK);
}

static void
room_init (Room *room, const gint16 *others, const gint16 *talker, guint n_sound)
{
  int error;

  *room = (Room){ .others_sound = others, .talker_sound = talker, .n_sound = n_sound };
  mix_init (&room->mix, 1);
  room->others = mix_input_new (&room->mix, "sink_0", 0, 0);
  room->talker = mix_input_new (&room->mix, "sink_1", 0, 0);
  g_object_set (room->talker->sink, "active", FALSE, NULL);
  room->shared = stream_new (room, "src_100", NULL);
  room->decoder = opus_decoder_create (48000, 1, &error);
  room->heard = g_array_new (FALSE, FALSE, sizeof (gint16));
  mix_play (&room->mix);
}

static void
room_clear (Room *room)
{
  stream_free (room, room->shared);
  mix_input_free (&room->mix, room->others);
  mix_input_free (&room->mix, room->talker);
  mix_clear (&room->mix);
  opus_decoder_destroy (room->decoder);
  g_array_unref (room->heard);
}

/* ---- The change there and back ---------------------------------------------------------------------------- */

/* Loudness above 6 kHz around the first block of a change, against what is heard around it [dB]. */
static double
splatter_db (const Room *room, const double *high_pass, guint64 change)
{
  const gint16 *heard = (const gint16 *) room->heard->data;
  guint first = (guint) (change - 1) * MIX_BLOCK, end = first + 3 * MIX_BLOCK;
  double high = 1e-3, all = 1;

  for (guint i = first; i < end; i++) {
    double value = filter_at (high_pass, heard, room->heard->len, i);
    high += value * value;
    all += (double) heard[i] * heard[i];
  }
  return 10 * log10 (high / all);
}

/* From here on both encoders get the same blocks: the link may switch at whichever packet. */
static guint
change_to_own (Room *room, GRand *random, bool is_forked)
{
  guint n_same = 0, n_both = (guint) g_rand_int_range (random, 1, 8);
  guint switch_at = (guint) g_rand_int_range (random, 0, (gint32) n_both);
  room->own = stream_new (room, "src_1", is_forked ? room->shared : NULL);
  for (guint i = 0; i < n_both; i++) {
    pass_block (room, i < switch_at ? room->shared : room->own);
    n_same += room->own->last.pts == room->shared->last.pts && room->own->last.n_bytes == room->shared->last.n_bytes &&
              memcmp (room->own->last.bytes, room->shared->last.bytes, room->own->last.n_bytes) == 0;
  }
  g_assert_true (!is_forked || n_same == n_both);
  return switch_at;
}

static void
talk (Room *room, GRand *random)
{
  guint n_blocks = (guint) g_rand_int_range (random, 10, 60);
  g_object_set (room->talker->sink, "active", TRUE, NULL);
  for (guint i = 0; i < n_blocks; i++)
    pass_block (room, room->own);
  g_object_set (room->talker->sink, "active", FALSE, NULL);
  for (guint i = 0; i < HOLD_BLOCKS; i++)
    pass_block (room, room->own);
}

typedef struct {
  double there_db, back_db; /* worst of all changes */
} Worst;

static Worst
change_often (Room *room, bool is_forked)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  guint64 theres[N_CHANGES], backs[N_CHANGES];
  double high_pass[N_TAPS];
  Worst worst = { -200, -200 };

  push_sound (room, room->others, room->others_sound); /* into the cushion */
  for (guint i = 0; i < N_CHANGES; i++) {
    guint n_shared = (guint) g_rand_int_range (random, 8, 40);
    for (guint k = 0; k < n_shared; k++)
      pass_block (room, room->shared);
    theres[i] = room->block;
    theres[i] += change_to_own (room, random, is_forked);
    talk (room, random);
    backs[i] = room->block;
    pass_block (room, room->shared);
    stream_free (room, g_steal_pointer (&room->own));
  }
  for (guint k = 0; k < 5; k++)
    pass_block (room, room->shared);
  design (high_pass, 6000, true);
  for (guint i = 0; i < N_CHANGES; i++) {
    worst.there_db = MAX (worst.there_db, splatter_db (room, high_pass, theres[i]));
    worst.back_db = MAX (worst.back_db, splatter_db (room, high_pass, backs[i]));
  }
  g_test_message ("splatter %.1f dB there, %.1f dB back", worst.there_db, worst.back_db);
  return worst;
}

/* What the others say: two steady tones, and speech over one. */
static gint16 *
make_sound (bool has_speech, guint n, guint shift)
{
  gint16 *sound = has_speech ? narrow_speech (n) : g_new0 (gint16, n);

  for (guint i = 0; i < n; i++) {
    /* Whole periods in whole seconds, so that the sound may be repeated. */
    double tones = 3000 * sin (2 * G_PI * 330 * i / 48000) + 2000 * sin (2 * G_PI * 1001 * (i + shift) / 48000.0);
    sound[i] = (gint16) CLAMP (tones + sound[i] * 0.7, -32768, 32767);
  }
  return sound;
}

static void
test_change_over (gconstpointer data)
{
  bool has_speech = GPOINTER_TO_UINT (data);
  const guint n = 8 * 48000;
  g_autofree gint16 *others = make_sound (has_speech, n, 0), *talker = narrow_speech (n);
  Room room;

  room_init (&room, others, talker, n);
  Worst worst = change_often (&room, true);
  g_assert_cmpfloat (worst.there_db, <, LIMIT_DB);
  g_assert_cmpfloat (worst.back_db, <, LIMIT_DB);
  room_clear (&room);

  /* The oracle can fail: encoders that begin anew are heard. */
  room_init (&room, others, talker, n);
  worst = change_often (&room, false);
  g_assert_cmpfloat (worst.there_db, >, LIMIT_DB);
  room_clear (&room);
}

/* With FEC on both sides, whose speech mode is what the encoders have to agree on too. */
static void
test_change_over_with_fec (void)
{
  const guint n = 8 * 48000;
  g_autofree gint16 *others = make_sound (true, n, 0), *talker = narrow_speech (n);
  Room room;

  room_init (&room, others, talker, n);
  room.loss_percent = 15;
  g_assert_true (mxr_opusenc_set_loss (room.shared->encoder, room.loss_percent));
  Worst worst = change_often (&room, true);
  g_assert_cmpfloat (worst.there_db, <, FEC_LIMIT_DB);
  g_assert_cmpfloat (worst.back_db, <, FEC_LIMIT_DB);
  room_clear (&room);
}

/* What is heard when FEC comes, and when it goes. */
static void
test_fec_comes_and_goes (void)
{
  const guint n = 8 * 48000;
  g_autofree gint16 *others = make_sound (true, n, 0);
  double high_pass[N_TAPS], comes_db = -200, goes_db = -200;
  guint64 changes[2 * N_CHANGES];
  Room room;

  room_init (&room, others, others, n);
  push_sound (&room, room.others, room.others_sound);
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++) {
    for (guint k = 0; k < 31; k++)
      pass_block (&room, room.shared);
    changes[i] = room.block;
    mxr_opusenc_set_loss (room.shared->encoder, i % 2 == 0 ? 15 : 0);
  }
  for (guint k = 0; k < 5; k++)
    pass_block (&room, room.shared);
  design (high_pass, 6000, true);
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++) {
    double *worst_db = i % 2 == 0 ? &comes_db : &goes_db;
    *worst_db = MAX (*worst_db, splatter_db (&room, high_pass, changes[i]));
  }
  g_test_message ("splatter %.1f dB when it comes, %.1f dB when it goes", comes_db, goes_db);
  g_assert_cmpfloat (MAX (comes_db, goes_db), <, FEC_LIMIT_DB);
  room_clear (&room);
}

/* ---- Without a mixer ---------------------------------------------------------------------------------------- */

static guint64
stat_of (GstElement *encoder, const char *name)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 value = 0;
  g_object_get (encoder, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, name, &value));
  return value;
}

/* Encoders that are served before the shared one and after it; one that comes when the donor has not begun. */
static void
test_order_does_not_matter (void)
{
  const guint n = 8 * 48000;
  g_autofree gint16 *others = make_sound (true, n, 0);
  Room room;

  room_init (&room, others, others, n);
  Stream *early = stream_new (&room, "src_200", room.shared);
  for (guint i = 0; i < 20; i++)
    pass_block (&room, room.shared);
  Stream *before = stream_new (&room, "src_50", room.shared), *after = stream_new (&room, "src_150", room.shared);
  for (guint i = 0; i < 20; i++) {
    pass_block (&room, room.shared);
    g_assert_cmpmem (before->last.bytes, before->last.n_bytes, room.shared->last.bytes, room.shared->last.n_bytes);
    g_assert_cmpmem (after->last.bytes, after->last.n_bytes, room.shared->last.bytes, room.shared->last.n_bytes);
  }
  g_assert_cmpuint (stat_of (before->encoder, "forks"), ==, 1);
  g_assert_cmpuint (stat_of (after->encoder, "forks"), ==, 1);
  g_assert_cmpuint (stat_of (early->encoder, "forks") + stat_of (early->encoder, "fresh-starts"), ==, 1);
  g_assert_cmpuint (stat_of (room.shared->encoder, "fresh-starts"), ==, 1);
  g_assert_cmpuint (stat_of (room.shared->encoder, "packets"), ==, 40);
  stream_free (&room, early);
  stream_free (&room, before);
  stream_free (&room, after);
  room_clear (&room);
}

static void
test_no_fork (void)
{
  g_autoptr (GstElement) ours = gst_object_ref_sink (gst_element_factory_make ("mxropusenc", NULL));
  g_autoptr (GstElement) stock = gst_object_ref_sink (gst_element_factory_make ("identity", NULL));
  g_autoptr (GstElement) empty = gst_object_ref_sink (gst_bin_new (NULL));
  g_autoptr (GstElement) bin = gst_object_ref_sink (gst_bin_new (NULL));

  gst_bin_add (GST_BIN (bin), gst_element_factory_make ("mxropusenc", NULL));
  g_assert_false (mxr_opusenc_fork (ours, ours));
  g_assert_false (mxr_opusenc_fork (ours, stock));
  g_assert_false (mxr_opusenc_fork (stock, ours));
  g_assert_false (mxr_opusenc_fork (ours, empty));
  g_assert_true (mxr_opusenc_fork (ours, bin));
  g_assert_true (mxr_opusenc_fork (bin, ours)); /* a ring of donors that are never freed would be a leak */
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  mxr_elements_register (NULL);
  g_test_add_data_func ("/changeover/tones", GUINT_TO_POINTER (false), test_change_over);
  g_test_add_data_func ("/changeover/speech", GUINT_TO_POINTER (true), test_change_over);
  g_test_add_func ("/changeover/with-fec", test_change_over_with_fec);
  g_test_add_func ("/changeover/fec-comes-and-goes", test_fec_comes_and_goes);
  g_test_add_func ("/changeover/order-does-not-matter", test_order_does_not_matter);
  g_test_add_func ("/changeover/no-fork", test_no_fork);
  int result = g_test_run ();
  gst_deinit (); /* the leaks tracer speaks */
  return result;
}
