#include "room-private.h"

#define SECOND_US G_TIME_SPAN_SECOND

static guint
bitrate_of (guint width_px, guint height_px)
{
  MxrUplinkLimit limit;
  mxr_uplink_limit_of_tile (width_px, height_px, 30, 0, &limit);
  return limit.bitrate_bps;
}

/* ---- What a tile needs ------------------------------------------------------------------------------------ */

static void
test_bitrates (void)
{
  g_assert_cmpuint (bitrate_of (320, 180), ==, 150000);
  g_assert_cmpuint (bitrate_of (640, 360), ==, 600000);
  g_assert_cmpuint (bitrate_of (1280, 720), ==, 1500000);
  g_assert_cmpuint (bitrate_of (1920, 1080), ==, 3375000);
  g_assert_cmpuint (bitrate_of (2, 2), ==, 60000);
  g_assert_cmpuint (bitrate_of (MXR_CANVAS_MAX_PX, MXR_CANVAS_MAX_PX), <, 30000000);
  for (guint w = 16, last = 0; w <= 4096; w += 16) {
    guint bps = bitrate_of (w, w * 9 / 16);
    g_assert_cmpuint (bps, >=, last);
    last = bps;
  }
}

static void
test_sizes (void)
{
  MxrUplinkLimit limit;

  mxr_uplink_limit_of_tile (424, 238, 30, 0, &limit);
  g_assert_cmpuint (limit.width_px, ==, 424);
  g_assert_cmpuint (limit.height_px, ==, 238);
  g_assert_cmpuint (limit.framerate, ==, 30);
  mxr_uplink_limit_of_tile (316, 178, 30, 0, &limit);
  g_assert_cmpuint (limit.framerate, ==, 15);
  mxr_uplink_limit_of_tile (316, 178, 1, 0, &limit);
  g_assert_cmpuint (limit.framerate, ==, 1);
  mxr_uplink_limit_of_tile (320, 180, 30, 200000, &limit);
  g_assert_cmpuint (limit.bitrate_bps, ==, 200000);
  mxr_uplink_limit_of_tile (0, 0, 30, 200000, &limit);
  g_assert_cmpuint (limit.width_px + limit.height_px + limit.framerate + limit.bitrate_bps, ==, 0);
}

/* ---- When it is told -------------------------------------------------------------------------------------- */

static bool
needs (MxrUplinkLimiter *limiter, guint width_px, gint64 now_us)
{
  MxrUplinkLimit needed;
  mxr_uplink_limit_of_tile (width_px, width_px * 9 / 16, 30, 0, &needed);
  return mxr_uplink_limiter_update (limiter, &needed, now_us);
}

static void
test_growth_is_told_at_once (void)
{
  MxrUplinkLimiter limiter = { 0 };

  g_assert_true (needs (&limiter, 320, 0));
  g_assert_false (needs (&limiter, 320, 1));
  g_assert_false (needs (&limiter, 350, 2));
  g_assert_true (needs (&limiter, 640, 3));
  g_assert_cmpuint (limiter.told.width_px, ==, 640);
  g_assert_true (needs (&limiter, 1280, 4));
}

static void
test_shrinking_waits (void)
{
  MxrUplinkLimiter limiter = { 0 };

  g_assert_true (needs (&limiter, 1280, 0));
  g_assert_false (needs (&limiter, 640, SECOND_US));
  g_assert_cmpint (limiter.due_us, ==, 4 * SECOND_US);
  g_assert_false (needs (&limiter, 640, 4 * SECOND_US - 1));
  g_assert_true (needs (&limiter, 640, 4 * SECOND_US));
  g_assert_cmpint (limiter.due_us, ==, 0);
  g_assert_cmpuint (limiter.told.width_px, ==, 640);
}

/* It goes by what is needed in the end, and a size that came back in between starts the wait anew. */
static void
test_a_moment_is_not_told (void)
{
  MxrUplinkLimiter limiter = { 0 };

  g_assert_true (needs (&limiter, 1280, 0));
  g_assert_false (needs (&limiter, 320, SECOND_US));
  g_assert_false (needs (&limiter, 1280, 2 * SECOND_US));
  g_assert_cmpint (limiter.due_us, ==, 0);
  g_assert_false (needs (&limiter, 320, 5 * SECOND_US));
  g_assert_false (needs (&limiter, 0, 6 * SECOND_US));
  g_assert_true (needs (&limiter, 424, 8 * SECOND_US));
  g_assert_cmpuint (limiter.told.width_px, ==, 424);
}

/* Of one size, as another's connection carries it: at once where it is more, later where it is less. */
static void
test_bitrate_alone (void)
{
  MxrUplinkLimiter limiter = { 0 };
  MxrUplinkLimit needed = { .width_px = 1280, .height_px = 720, .framerate = 30, .bitrate_bps = 1000000 };

  g_assert_true (mxr_uplink_limiter_update (&limiter, &needed, 0));
  needed.bitrate_bps = 1050000;
  g_assert_false (mxr_uplink_limiter_update (&limiter, &needed, 1));
  needed.bitrate_bps = 1300000;
  g_assert_true (mxr_uplink_limiter_update (&limiter, &needed, 2));
  needed.bitrate_bps = 1000000;
  g_assert_false (mxr_uplink_limiter_update (&limiter, &needed, SECOND_US));
  g_assert_true (mxr_uplink_limiter_update (&limiter, &needed, 4 * SECOND_US));
  g_assert_cmpuint (limiter.told.bitrate_bps, ==, 1000000);
}

static void
test_nowhere (void)
{
  MxrUplinkLimiter limiter = { 0 };

  g_assert_true (needs (&limiter, 0, 0));
  g_assert_false (needs (&limiter, 0, 9 * SECOND_US));
  g_assert_true (needs (&limiter, 64, 9 * SECOND_US));
  g_assert_false (needs (&limiter, 0, 10 * SECOND_US));
  g_assert_true (needs (&limiter, 0, 13 * SECOND_US));
  g_assert_cmpuint (limiter.told.bitrate_bps, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/uplink-limit/bitrates", test_bitrates);
  g_test_add_func ("/uplink-limit/sizes", test_sizes);
  g_test_add_func ("/uplink-limit/growth-is-told-at-once", test_growth_is_told_at_once);
  g_test_add_func ("/uplink-limit/shrinking-waits", test_shrinking_waits);
  g_test_add_func ("/uplink-limit/a-moment-is-not-told", test_a_moment_is_not_told);
  g_test_add_func ("/uplink-limit/bitrate-alone", test_bitrate_alone);
  g_test_add_func ("/uplink-limit/nowhere", test_nowhere);
  return g_test_run ();
}
