/* Which picture may go to somebody as it came, by figures alone. */

#include "pass-fit.h"

#define CB_31 0x42e01fu
#define BASELINE_31 0x42001fu

static const MxrPassPlace place = {
  .codec = "VP8",
  .width_px = 1280,
  .height_px = 720,
  .bitrate_bps = 1000000,
  .carried_bps = G_MAXUINT,
  .silence_us = 5 * G_USEC_PER_SEC,
};
static const MxrPassPicture picture = { .codec = "VP8", .width_px = 640, .height_px = 360, .bps = 600000 };

typedef enum { NEVER, MAYBE, YES } Answer;

static Answer
ask (const MxrPassPicture *what, const MxrPassPlace *where, bool is_passing)
{
  if (mxr_pass_fits (what, where, is_passing)) {
    g_assert_true (mxr_pass_may_fit (what, where));
    return YES;
  }
  return mxr_pass_may_fit (what, where) ? MAYBE : NEVER;
}

static void
test_size (void)
{
  static const struct {
    guint width_px, height_px;
    Answer answer;
  } cases[] = {
    { 640, 360, YES },  { 1280, 720, YES },  { 636, 360, YES },   { 640, 480, NEVER }, { 360, 640, NEVER },
    { 320, 180, YES },  { 316, 178, YES },   { 1920, 1080, NEVER }, { 1282, 720, NEVER }, { 0, 0, MAYBE },
    { 640, 346, NEVER }, { 640, 354, YES },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    MxrPassPicture sized = picture;
    sized.width_px = cases[i].width_px;
    sized.height_px = cases[i].height_px;
    g_test_message ("%u x %u", sized.width_px, sized.height_px);
    g_assert_cmpint (ask (&sized, &place, false), ==, cases[i].answer);
  }
}

static void
test_kind (void)
{
  MxrPassPicture other = picture;
  MxrPassPlace elsewhere = place;

  other.is_turned = true;
  g_assert_cmpint (ask (&other, &place, true), ==, NEVER);
  other = picture;
  other.codec = "H264";
  g_assert_cmpint (ask (&other, &place, true), ==, NEVER);
  other.codec = NULL;
  g_assert_cmpint (ask (&other, &place, true), ==, NEVER);
  elsewhere.codec = NULL;
  g_assert_cmpint (ask (&picture, &elsewhere, true), ==, NEVER);
  other = picture;
  other.silent_us = 5 * G_USEC_PER_SEC;
  g_assert_cmpint (ask (&other, &place, true), ==, MAYBE);
}

static void
test_rate (void)
{
  static const struct {
    guint64 bps;
    guint carried_bps;
    Answer begins, goes_on;
  } cases[] = {
    { 0, G_MAXUINT, YES, YES },
    { 1250000, G_MAXUINT, YES, YES },
    { 1260000, G_MAXUINT, MAYBE, YES },
    { 1600000, G_MAXUINT, MAYBE, YES },
    { 1610000, G_MAXUINT, MAYBE, MAYBE },
    { 600000, 600000, YES, YES },
    { 600000, 590000, MAYBE, MAYBE },
    { G_MAXUINT64, G_MAXUINT, MAYBE, MAYBE },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    MxrPassPicture sent = picture;
    MxrPassPlace taken = place;
    sent.bps = cases[i].bps;
    taken.carried_bps = cases[i].carried_bps;
    g_test_message ("case %u", i);
    g_assert_cmpint (ask (&sent, &taken, false), ==, cases[i].begins);
    g_assert_cmpint (ask (&sent, &taken, true), ==, cases[i].goes_on);
  }
}

/* By the parameter set of what is sent, whatever was negotiated. */
static void
test_profile (void)
{
  static const struct {
    guint sent, taken;
    Answer answer;
  } cases[] = {
    { 0x42c01f, CB_31, YES },         { 0x42e00d, CB_31, YES },   { 0x4d801f, CB_31, YES },  { 0x58c01f, CB_31, YES },
    { 0x42c020, CB_31, NEVER },       { 0x42001f, CB_31, NEVER }, { 0x4d001f, CB_31, NEVER }, { 0x64001f, CB_31, NEVER },
    { 0x42c01f, BASELINE_31, YES },   { 0, CB_31, MAYBE },
    { 0x42d00b, 0x42e00a, NEVER },    { 0x42d00b, 0x42e00b, YES }, /* 1b is more than 1, and less than 1.1 */
    { 0x42c00b, 0x42d00b, NEVER },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    MxrPassPicture sent = picture;
    MxrPassPlace taken = place;
    sent.codec = taken.codec = "H264";
    sent.profile_level = cases[i].sent;
    taken.profile_level = cases[i].taken;
    g_test_message ("%06x for %06x", sent.profile_level, taken.profile_level);
    g_assert_cmpint (ask (&sent, &taken, false), ==, cases[i].answer);
  }
}

static void
test_meter (void)
{
  MxrPassMeter meter = { 0 };
  const gint64 begin_us = 7 * G_USEC_PER_SEC;

  g_assert_true (mxr_pass_meter_update (&meter, 0, 0) == G_MAXUINT64);
  g_assert_true (mxr_pass_meter_update (&meter, 5000, begin_us) == G_MAXUINT64);
  /* The same figures again, and new ones too soon, say nothing. */
  g_assert_true (mxr_pass_meter_update (&meter, 5000, begin_us) == G_MAXUINT64);
  g_assert_true (mxr_pass_meter_update (&meter, 50000, begin_us + G_USEC_PER_SEC / 10) == G_MAXUINT64);
  g_assert_cmpuint (mxr_pass_meter_update (&meter, 105000, begin_us + G_USEC_PER_SEC), ==, 800000);
  g_assert_cmpuint (mxr_pass_meter_update (&meter, 105000, begin_us + G_USEC_PER_SEC), ==, 800000);
  g_assert_cmpuint (mxr_pass_meter_update (&meter, 205000, begin_us + 3 * G_USEC_PER_SEC), ==, 400000);
  /* Another uplink begins at nothing. */
  g_assert_true (mxr_pass_meter_update (&meter, 1000, begin_us + 4 * G_USEC_PER_SEC) == G_MAXUINT64);
  g_assert_cmpuint (mxr_pass_meter_update (&meter, 26000, begin_us + 5 * G_USEC_PER_SEC), ==, 200000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pass-fit/size", test_size);
  g_test_add_func ("/pass-fit/kind", test_kind);
  g_test_add_func ("/pass-fit/rate", test_rate);
  g_test_add_func ("/pass-fit/profile", test_profile);
  g_test_add_func ("/pass-fit/meter", test_meter);
  return g_test_run ();
}
