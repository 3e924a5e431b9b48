#include "clip.h"

#include <gst/gst.h>
#include <math.h>
#include <string.h>

#include "check-picture.h"
#include "check-sound.h"
#include "tone.h"

/* ---- Framing -------------------------------------------------------------------------------------------------- */

static void
test_framing (void)
{
  g_autoptr (MxrClip) clip = mxr_clip_new (MXR_RTP_VIDEO, MXR_CODEC_VP8, 33333);
  guint8 payload[MXR_RTP_PAYLOAD_MAX_BYTES + 1] = { 0x10, 0x00, 0xAA };

  g_assert_false (mxr_clip_add_packet (clip, payload, 3, true, false)); /* of no frame */
  mxr_clip_add_frame (clip);
  g_assert_true (mxr_clip_add_packet (clip, payload, 3, false, true));
  g_assert_true (mxr_clip_add_packet (clip, payload, MXR_RTP_PAYLOAD_MAX_BYTES, true, false));
  g_assert_false (mxr_clip_add_packet (clip, payload, sizeof payload, true, false));
  g_assert_false (mxr_clip_add_packet (clip, payload, 0, true, false));
  mxr_clip_add_frame (clip)->mark_us = 5;
  g_assert_cmpuint (mxr_clip_get_frame (clip, 0)->n_packets, ==, 2);
  g_assert_cmpuint (mxr_clip_get_frame (clip, 1)->n_packets, ==, 0);
  g_assert_cmpint (mxr_clip_get_frame (clip, G_MAXUINT64)->mark_us, ==, 5); /* it loops: odd */

  g_autoptr (MxrRtpPacket) packet = mxr_clip_make_packet (clip, 1, 0xFFFE, 0x80000001);
  g_assert_cmpuint (packet->seq, ==, 0xFFFE);
  g_assert_cmpuint (packet->timestamp, ==, 0x80000001);
  g_assert_cmpuint (packet->payload_bytes, ==, MXR_RTP_PAYLOAD_MAX_BYTES);
  g_assert_true (packet->marker);
  g_autoptr (MxrRtpPacket) first = mxr_clip_make_packet (clip, 0, 1, 2);
  g_assert_true (first->is_keyframe_start && !first->marker);
  g_assert_cmpmem (first->payload, first->payload_bytes, payload, 3);
}

/* Bytes of strangers: any answer but a read beyond the end, which the sanitizer sees. */
static void
test_keyframes (void)
{
  static const struct {
    MxrLoadCodec codec;
    guint8 payload[8];
    guint n_bytes;
    bool is_start;
  } cases[] = {
    { MXR_CODEC_VP8, { 0x10, 0x00 }, 2, true },
    { MXR_CODEC_VP8, { 0x10, 0x01 }, 2, false },                         /* inter frame */
    { MXR_CODEC_VP8, { 0x00, 0x00 }, 2, false },                         /* not its start */
    { MXR_CODEC_VP8, { 0x11, 0x00 }, 2, false },                         /* another partition */
    { MXR_CODEC_VP8, { 0x90, 0x80, 0x81, 0x02, 0x00 }, 5, true },        /* picture number of 15 bits */
    { MXR_CODEC_VP8, { 0x90, 0xE0, 0x01, 0x02, 0x03, 0x00 }, 6, true },  /* of 7 bits, TL0PICIDX, TID */
    { MXR_CODEC_VP8, { 0x90, 0x80, 0x81, 0x02 }, 4, false },             /* cut off */
    { MXR_CODEC_H264, { 0x67, 0x42 }, 2, true },
    { MXR_CODEC_H264, { 0x78, 0x00, 0x02, 0x67, 0x42 }, 5, true },
    { MXR_CODEC_H264, { 0x41, 0x9a }, 2, false },
    { MXR_CODEC_OPUS, { 0x10, 0x00 }, 2, false },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_true (mxr_payload_starts_keyframe (cases[i].codec, cases[i].payload, cases[i].n_bytes) ==
                   cases[i].is_start);

  g_autoptr (GRand) random = g_rand_new_with_seed (9);
  for (guint i = 0; i < 20000; i++) {
    const gsize n_bytes = (gsize) g_rand_int_range (random, 0, 9);
    g_autofree guint8 *payload = g_malloc (n_bytes);
    for (gsize k = 0; k < n_bytes; k++)
      payload[k] = (guint8) g_rand_int (random);
    mxr_payload_starts_keyframe (i % 2 == 0 ? MXR_CODEC_VP8 : MXR_CODEC_H264, payload, n_bytes);
  }
}

/* ---- Sound ---------------------------------------------------------------------------------------------------- */

static MxrClip *
new_tone (guint index, bool with_clicks)
{
  g_autoptr (GError) error = NULL;
  const MxrSoundCoding coding = { 64000, true, false };
  g_autofree float *samples = mxr_sound_make_tone (mxr_tone_get_hz (index), MXR_TONE_AMPLITUDE, 2);
  if (with_clicks)
    mxr_sound_add_clicks (samples, 2 * MXR_SOUND_RATE_HZ, 0, 1, 2);
  MxrClip *clip = mxr_clip_new_sound (samples, 2 * MXR_SOUND_RATE_HZ, &coding, &error);
  g_assert_no_error (error);
  return clip;
}

static void
test_sound (void)
{
  g_autoptr (MxrClip) clip = new_tone (3, true);
  guint n_marks = 0;

  g_assert_cmpuint (clip->frames->len, ==, 100);
  for (guint i = 0; i < 100; i++) {
    const MxrClipFrame *frame = mxr_clip_get_frame (clip, i);
    g_assert_cmpuint (frame->n_packets, ==, 1);
    g_assert_true (frame->is_voice);
    g_assert_cmpuint (frame->level_dbov, >=, 12); /* a sine of amplitude 0.1 is at -23 dBov, a click above */
    g_assert_cmpuint (frame->level_dbov, <=, 24);
    n_marks += frame->mark_us != MXR_CLIP_NO_MARK;
    /* At 0.3 s of each second, and what coder and detector take. */
    if (frame->mark_us != MXR_CLIP_NO_MARK)
      g_assert_true (i % 50 == 15 || i % 50 == 16);
    if (frame->mark_us != MXR_CLIP_NO_MARK)
      g_assert_cmpuint (frame->mark_value, ==, i / 50);
  }
  g_assert_cmpuint (n_marks, ==, 2);
}

static void
test_silence (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree float *hush = mxr_sound_make_hush (2);
  g_autofree float *zero = g_new0 (float, 2 * MXR_SOUND_RATE_HZ);
  const MxrSoundCoding coding = { 32000, false, true };
  g_autoptr (MxrClip) clip = mxr_clip_new_sound (hush, 2 * MXR_SOUND_RATE_HZ, &coding, &error);
  g_assert_no_error (error);
  g_assert_false (mxr_clip_get_frame (clip, 0)->is_voice);
  g_assert_cmpuint (mxr_clip_get_frame (clip, 0)->level_dbov, >, 60);

  g_autoptr (MxrClip) dtx = mxr_clip_new_sound (zero, 2 * MXR_SOUND_RATE_HZ, &coding, &error);
  g_assert_no_error (error);
  guint n_sent = 0;
  for (guint i = 0; i < 100; i++)
    n_sent += mxr_clip_get_frame (dtx, i)->n_packets;
  g_assert_cmpuint (n_sent, <, 20);
  g_assert_cmpuint (mxr_clip_get_frame (dtx, 0)->level_dbov, ==, 127);

  g_assert_null (mxr_clip_new_sound (zero, MXR_SOUND_FRAME_SAMPLES - 1, &coding, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
}

/* ---- Listening ------------------------------------------------------------------------------------------------ */

/* A listener who gets a clip as it was sent, so many frames late. */
static void
listen_late (MxrSoundCheck *check, const MxrClip *clip, MxrMarks *marks, guint n_frames, guint n_late)
{
  for (guint i = 0; i < n_frames; i++) {
    const MxrClipFrame *frame = mxr_clip_get_frame (clip, i);
    const gint64 sent_us = G_USEC_PER_SEC + i * (gint64) 20000;
    if (frame->mark_us != MXR_CLIP_NO_MARK)
      mxr_marks_add (marks, sent_us + frame->mark_us, frame->mark_value, marks);
    if (i < n_late)
      continue;
    const MxrClipFrame *late = mxr_clip_get_frame (clip, i - n_late);
    g_autoptr (MxrRtpPacket) packet = mxr_clip_make_packet (clip, late->first_packet, (guint16) i, i * 960);
    const MxrRtpView view = { .payload = packet->payload, .payload_bytes = packet->payload_bytes };
    mxr_sound_check_feed (check, &view, i + 1, sent_us);
  }
}

static void
listen_to (MxrSoundCheck *check, const MxrClip *clip, MxrMarks *marks, guint n_frames)
{
  listen_late (check, clip, marks, n_frames + 2, 2);
}

static MxrSoundCheck *
new_check (guint n_tones, int own_tone, MxrMarks *marks, gpointer self)
{
  g_autoptr (GError) error = NULL;
  const MxrSoundCheckConfig config = { n_tones, 1, own_tone, marks, self };
  MxrSoundCheck *check = mxr_sound_check_new (&config, &error);
  g_assert_no_error (error);
  return check;
}

/* Two seconds and a half are not taken for half a second. */
static void
test_late_clicks (void)
{
  g_autoptr (GError) error = NULL;
  const MxrSoundCoding sound = { 64000, true, false };
  const guint n_samples = MXR_CLICK_NUMBERS * MXR_SOUND_RATE_HZ;
  g_autofree float *samples = mxr_sound_make_tone (mxr_tone_get_hz (1), MXR_TONE_AMPLITUDE, MXR_CLICK_NUMBERS);
  MxrMarks marks;

  mxr_sound_add_clicks (samples, n_samples, 0, 1, MXR_CLICK_NUMBERS);
  g_autoptr (MxrClip) clip = mxr_clip_new_sound (samples, n_samples, &sound, &error);
  g_assert_no_error (error);
  mxr_marks_init (&marks);
  MxrSoundCheck *check = new_check (0, -1, &marks, NULL);
  listen_late (check, clip, &marks, 500, 125);
  MxrSamples delays_ms = mxr_sound_check_get_findings (check)->delays_ms;
  g_assert_cmpuint (delays_ms.n, >=, 6);
  g_assert_cmpfloat (mxr_samples_quantile (&delays_ms, 0), >, 2495);
  g_assert_cmpfloat (mxr_samples_quantile (&delays_ms, 1), <, 2505);
  mxr_sound_check_free (check);
  mxr_marks_clear (&marks);
}

static void
test_listener (void)
{
  g_autoptr (MxrClip) clip = new_tone (1, true);
  MxrMarks marks;

  mxr_marks_init (&marks);
  MxrSoundCheck *other = new_check (4, 0, &marks, NULL);
  listen_to (other, clip, &marks, 250);
  MxrSoundFindings findings = *mxr_sound_check_get_findings (other);
  g_assert_cmpuint (findings.n_windows, ==, 10);
  g_assert_cmpuint (findings.least_heard, ==, 1);
  g_assert_cmpuint (findings.n_short, ==, 0);
  g_assert_cmpfloat (mxr_samples_quantile (&findings.own_db, 1), <, -40);
  g_assert_cmpuint (findings.delays_ms.n, ==, 5);
  g_assert_cmpfloat_with_epsilon (mxr_samples_quantile (&findings.delays_ms, 0.5), 40, 1.5);
  g_assert_cmpfloat_with_epsilon (mxr_samples_quantile (&findings.delays_ms, 1), 40, 1.5);
  mxr_sound_check_begin (other);
  g_assert_cmpuint (mxr_sound_check_get_findings (other)->n_windows, ==, 0);
  mxr_sound_check_free (other);
  mxr_marks_clear (&marks);
}

/* Five seconds in which of each @n_of packets @n_lost in a row do not come. */
static void
listen_with_loss (guint n_of, guint n_lost, MxrSoundFindings *out_findings)
{
  g_autoptr (MxrClip) clip = new_tone (1, false);
  MxrSoundCheck *check = new_check (4, 0, NULL, NULL);

  for (guint i = 0; i < 250; i++) {
    if (i % n_of >= n_of - n_lost)
      continue;
    g_autoptr (MxrRtpPacket) packet =
      mxr_clip_make_packet (clip, mxr_clip_get_frame (clip, i)->first_packet, (guint16) i, i * 960);
    const MxrRtpView view = { .payload = packet->payload, .payload_bytes = packet->payload_bytes };
    mxr_sound_check_feed (check, &view, i + 1, i * 20000);
  }
  *out_findings = *mxr_sound_check_get_findings (check);
  out_findings->own_db = out_findings->delays_ms = (MxrSamples){ 0 };
  mxr_sound_check_free (check);
}

static void
test_lost_packets (void)
{
  MxrSoundFindings findings;

  listen_with_loss (5, 1, &findings);
  g_assert_cmpuint (findings.n_windows, >=, 9);
  g_assert_cmpuint (findings.n_short, ==, 0);
  listen_with_loss (50, 15, &findings); /* more than is concealed: no half second is whole */
  g_assert_cmpuint (findings.n_windows, ==, 5);
  listen_with_loss (20, 15, &findings);
  g_assert_cmpuint (findings.n_windows, ==, 0);
}

/* Who hears the own tone, and nobody else's, has something to say of it. */
static void
test_listener_of_own (void)
{
  g_autoptr (MxrClip) clip = new_tone (1, true);
  MxrMarks marks;

  mxr_marks_init (&marks);
  MxrSoundCheck *own = new_check (4, 1, &marks, &marks);
  listen_to (own, clip, &marks, 100);
  MxrSoundFindings findings = *mxr_sound_check_get_findings (own);
  g_assert_cmpfloat (mxr_samples_quantile (&findings.own_db, 0), >, -6);
  g_assert_cmpuint (findings.least_heard, ==, 0);
  g_assert_cmpuint (findings.n_short, ==, findings.n_windows);
  g_assert_cmpuint (findings.delays_ms.n, ==, 0); /* own clicks */
  mxr_sound_check_free (own);
  mxr_marks_clear (&marks);
}

static void
test_listener_of_noise (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  MxrMarks marks;

  mxr_marks_init (&marks);
  MxrSoundCheck *check = new_check (4, 1, &marks, NULL);
  for (guint i = 0; i < 500; i++) {
    guint8 bytes[40];
    for (guint k = 0; k < sizeof bytes; k++)
      bytes[k] = (guint8) g_rand_int (random);
    const MxrRtpView view = { .payload = bytes, .payload_bytes = (gsize) g_rand_int_range (random, 1, sizeof bytes) };
    mxr_sound_check_feed (check, &view, (guint64) g_rand_int_range (random, 1, 1000), i * 20000);
  }
  mxr_sound_check_free (check);
  mxr_marks_clear (&marks);
}

/* ---- Pictures ------------------------------------------------------------------------------------------------- */

static const MxrPictureCoding coding = { MXR_CODEC_VP8, 160, 90, 100000 };

static void
test_picture (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MxrClip) clip = mxr_clip_new_picture (NULL, &coding, &error);
  guint n_keyframes = 0;

  g_assert_no_error (error);
  g_assert_cmpuint (clip->frames->len, ==, 4 * MXR_PICTURE_FPS);
  for (guint i = 0; i < clip->frames->len; i++) {
    const MxrClipFrame *frame = mxr_clip_get_frame (clip, i);
    g_assert_cmpuint (frame->n_packets, >, 0);
    n_keyframes += g_array_index (clip->packets, MxrClipPacket, frame->first_packet).is_keyframe_start;
  }
  g_assert_true (g_array_index (clip->packets, MxrClipPacket, 0).is_keyframe_start); /* or the loop has a seam */
  g_assert_cmpuint (n_keyframes, >=, 4);

  g_assert_null (mxr_clip_new_picture ("/nonexistent.mkv", &coding, &error));
  g_assert_nonnull (strstr (error->message, "/nonexistent.mkv"));
}

static void
wait_for_frames (MxrPictureCheck *check, guint n_frames, MxrPictureFindings *out_findings)
{
  const gint64 end_us = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  guint n_decoded = 0;

  *out_findings = (MxrPictureFindings){ 0 };
  while (n_decoded < n_frames && g_get_monotonic_time () < end_us) {
    MxrPictureFindings some;
    g_usleep (5000);
    mxr_picture_check_take (check, &some);
    n_decoded += some.n_frames;
    mxr_samples_add_all (&out_findings->delays_ms, &some.delays_ms);
    mxr_samples_clear (&some.delays_ms);
  }
  out_findings->n_frames = n_decoded;
}

/* Each pair of packets swapped, 30 ms late; the flashes are found, each as late as that. */
static void
test_looking (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MxrClip) clip = mxr_clip_new_flash (&coding, &error);
  MxrMarks marks;
  MxrPictureFindings findings;
  guint8 bytes[MXR_PACKET_MAX_BYTES];

  g_assert_no_error (error);
  mxr_marks_init (&marks);
  MxrPictureCheck *check = mxr_picture_check_new (MXR_CODEC_VP8, &marks, &error);
  g_assert_no_error (error);
  const guint n = clip->packets->len;
  for (guint i = 0; i < 2 * n; i++) {
    const guint swapped = i > 0 && i + 1 < 2 * n ? ((i - 1) ^ 1) + 1 : i;
    const MxrClipPacket *packet = &g_array_index (clip->packets, MxrClipPacket, swapped % n);
    MxrRtpView view;
    memcpy (bytes, clip->bytes->data + packet->offset, packet->size);
    bytes[3] = (guint8) swapped;
    bytes[6] = (guint8) (swapped >> 4); /* another timestamp now and then */
    g_assert_true (mxr_rtp_view_parse (&view, bytes, packet->size));
    for (guint f = 0; f < clip->frames->len; f++)
      if (mxr_clip_get_frame (clip, f)->first_packet == i % n && mxr_clip_get_frame (clip, f)->mark_us == 0)
        mxr_marks_add (&marks, (1 + i) * G_USEC_PER_SEC / 30, mxr_clip_get_frame (clip, f)->mark_value, NULL);
    g_assert_true (mxr_picture_check_feed (check, &view, swapped + 1, (1 + i) * G_USEC_PER_SEC / 30 + 30000));
  }
  wait_for_frames (check, 2 * clip->frames->len, &findings);
  g_assert_cmpuint (findings.n_frames, ==, 2 * clip->frames->len);
  g_assert_cmpuint (findings.delays_ms.n, ==, 3); /* the first colour is no change */
  /* A swapped pair is one packet late. */
  g_assert_cmpfloat (mxr_samples_quantile (&findings.delays_ms, 0), >=, 29);
  g_assert_cmpfloat (mxr_samples_quantile (&findings.delays_ms, 1), <=, 30 + 34 + 34);
  mxr_samples_clear (&findings.delays_ms);
  mxr_picture_check_free (check);
  mxr_marks_clear (&marks);
}

static void
fill (guint8 *plane, int stride, int x, int y, int width, int height, guint8 value)
{
  for (int row = y; row < y + height; row++)
    memset (plane + row * stride + x, value, (gsize) width);
}

/* A tile of a strip, a sixth of the width, wherever it is. */
static void
test_flash_in_a_tile (void)
{
  enum { WIDTH = 320, HEIGHT = 180, CHROMA = WIDTH / 2 };
  guint8 y[WIDTH * HEIGHT], u[CHROMA * HEIGHT / 2], v[CHROMA * HEIGHT / 2];
  const guint8 *const planes[3] = { y, u, v };
  const int strides[3] = { WIDTH, CHROMA, CHROMA };

  memset (y, 16, sizeof y);
  memset (u, 128, sizeof u);
  memset (v, 128, sizeof v);
  g_assert_cmpint (mxr_picture_find_flash (planes, strides, WIDTH, HEIGHT), ==, -1);
  for (int at = 0; at + 26 <= CHROMA; at += 3)
    for (int i = 0; i < 2; i++) {
      fill (u, CHROMA, at, 40, 26, 15, mxr_flash_colours[i][1]);
      fill (v, CHROMA, at, 40, 26, 15, mxr_flash_colours[i][2]);
      g_assert_cmpint (mxr_picture_find_flash (planes, strides, WIDTH, HEIGHT), ==, i);
      fill (u, CHROMA, at, 40, 26, 15, 128);
      fill (v, CHROMA, at, 40, 26, 15, 128);
    }
  for (int i = 0; i < 2; i++) { /* both: undecided */
    fill (u, CHROMA, i * 80, 0, 60, 60, mxr_flash_colours[i][1]);
    fill (v, CHROMA, i * 80, 0, 60, 60, mxr_flash_colours[i][2]);
  }
  g_assert_cmpint (mxr_picture_find_flash (planes, strides, WIDTH, HEIGHT), ==, -1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gst_init (NULL, NULL);
  g_test_add_func ("/load/clip/framing", test_framing);
  g_test_add_func ("/load/clip/keyframes", test_keyframes);
  g_test_add_func ("/load/clip/sound", test_sound);
  g_test_add_func ("/load/clip/silence", test_silence);
  g_test_add_func ("/load/clip/listener", test_listener);
  g_test_add_func ("/load/clip/late-clicks", test_late_clicks);
  g_test_add_func ("/load/clip/lost-packets", test_lost_packets);
  g_test_add_func ("/load/clip/listener-of-own", test_listener_of_own);
  g_test_add_func ("/load/clip/listener-of-noise", test_listener_of_noise);
  g_test_add_func ("/load/clip/picture", test_picture);
  g_test_add_func ("/load/clip/looking", test_looking);
  g_test_add_func ("/load/clip/flash-in-a-tile", test_flash_in_a_tile);
  return g_test_run ();
}
