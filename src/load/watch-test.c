#include "watch.h"

#include "marks.h"
#include "tone.h"

#define MS 1000

static void
note (MxrWatch *watch, guint64 seq, guint32 timestamp, gint64 now_us, bool is_keyframe)
{
  const guint8 vp8[3] = { 0x10, is_keyframe ? 0 : 1, 0 };
  const MxrRtpView view = { .payload = vp8, .payload_bytes = sizeof vp8, .size = 100, .timestamp = timestamp };
  mxr_watch_note (watch, MXR_CODEC_VP8, &view, seq, now_us);
}

static void
test_frames (void)
{
  MxrWatch watch = { 0 };

  note (&watch, 10, 3000, 1000 * MS, true);
  note (&watch, 11, 3000, 1001 * MS, false);
  note (&watch, 13, 6000, 1033 * MS, false);
  note (&watch, 12, 3000, 1034 * MS, false); /* repaired: not another frame */
  note (&watch, 14, 6000, 1035 * MS, false);
  note (&watch, 15, 9000, 1700 * MS, true);
  g_assert_cmpuint (watch.packets, ==, 6);
  g_assert_cmpuint (watch.bytes, ==, 600);
  g_assert_cmpuint (watch.frames, ==, 3);
  g_assert_cmpuint (watch.keyframes, ==, 2);
  g_assert_cmpint (watch.longest_gap_us, ==, 667 * MS);
  g_assert_cmpuint (watch.freezes, ==, 1);
  g_assert_cmpint (watch.first_us, ==, 1000 * MS);
}

/* What stands still when the measuring begins or ends has not come to an end for that. */
static void
test_gaps_over_the_edges (void)
{
  MxrWatch watch = { 0 };

  note (&watch, 1, 0, 1000 * MS, true);
  mxr_watch_begin (&watch);
  note (&watch, 2, 3000, 3000 * MS, false);
  g_assert_cmpint (watch.longest_gap_us, ==, 2000 * MS);
  mxr_watch_begin (&watch);
  mxr_watch_end (&watch, 7000 * MS);
  g_assert_cmpint (watch.longest_gap_us, ==, 4000 * MS);
  g_assert_cmpuint (watch.freezes, ==, 1);
  g_assert_cmpuint (watch.packets, ==, 0);

  MxrWatch never = { 0 };
  mxr_watch_end (&never, 7000 * MS);
  g_assert_cmpint (never.longest_gap_us, ==, 0);
}

/* A packet of one frame of 20 ms, one of two of them, and one of two of 60 (RFC 6716 3.1). */
static void
test_sound (void)
{
  const guint8 payloads[][3] = { { 31 << 3, 0, 0 }, { 31 << 3 | 1, 0, 0 }, { 3 << 3 | 1, 0, 0 } };
  MxrWatch watch = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (payloads); i++) {
    const MxrRtpView view = { .payload = payloads[i], .payload_bytes = sizeof payloads[i], .size = 100, .timestamp = i };
    mxr_watch_note (&watch, MXR_CODEC_OPUS, &view, i, 1000 * MS);
  }
  g_assert_cmpuint (watch.n_samples, ==, MXR_SOUND_RATE_HZ / 1000 * (20 + 40 + 120));
  mxr_watch_begin (&watch);
  g_assert_cmpuint (watch.n_samples, ==, 0);
}

static void
test_marks (void)
{
  MxrMarks marks;
  MxrMark mark;
  mxr_marks_init (&marks);

  g_assert_false (mxr_marks_match (&marks, 1000 * MS, 0, 900 * MS, 0, &mark));
  mxr_marks_add (&marks, 1000 * MS, 0, &marks);
  mxr_marks_add (&marks, 2000 * MS, 1, NULL);
  g_assert_true (mxr_marks_match (&marks, 1050 * MS, 0, 900 * MS, 0, &mark));
  g_assert_true (mark.sender == &marks);
  g_assert_false (mxr_marks_match (&marks, 1060 * MS, 0, 900 * MS, mark.number, &mark)); /* once */
  g_assert_false (mxr_marks_match (&marks, 999 * MS, 0, 900 * MS, 0, &mark));            /* before it was there */
  g_assert_false (mxr_marks_match (&marks, 1901 * MS, 0, 900 * MS, 0, &mark));           /* too long ago */
  g_assert_true (mxr_marks_match (&marks, 2010 * MS, 1, 900 * MS, 0, &mark));
  g_assert_cmpint (mark.at_us, ==, 2000 * MS);
  for (guint i = 0; i < 10; i++)
    mxr_marks_add (&marks, (3000 + 1000 * i) * MS, i % 2, NULL);
  g_assert_false (mxr_marks_match (&marks, 2100 * MS, 0, 900 * MS, 0, &mark)); /* forgotten */
  g_assert_true (mxr_marks_match (&marks, 12040 * MS, 1, 900 * MS, 0, &mark));
  g_assert_cmpuint (mark.number, ==, 12);
  g_assert_cmpuint (mxr_marks_count (&marks), ==, 12);
  mxr_marks_clear (&marks);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/load/watch/frames", test_frames);
  g_test_add_func ("/load/watch/sound", test_sound);
  g_test_add_func ("/load/watch/gaps-over-the-edges", test_gaps_over_the_edges);
  g_test_add_func ("/load/watch/marks", test_marks);
  return g_test_run ();
}
