/* A view with a clock, told the time. */
#include "tilemix-view.h"

#include <string.h>

#define W 640
#define H 360
#define IDLE_NS (10 * GST_SECOND)
/* 2026-01-01 00:00:00 UTC */
#define NEW_YEAR_US (G_GINT64_CONSTANT (1767225600) * G_USEC_PER_SEC)

#ifdef __SANITIZE_ADDRESS__
__attribute__ ((visibility ("default"))) const char *__lsan_default_suppressions (void);

const char *
__lsan_default_suppressions (void)
{
  return "leak:libfontconfig.so"; /* it keeps its configuration */
}
#endif

typedef struct {
  MxrComposer composer;
  MxrView *view;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  MxrComposer *composer = &fixture->composer;
  const MxrTileMixLook wanted = { .clock = true, .logo_is_top = true };
  MxrViewConfig config = {
    .serial = 1, .width = W, .height = H, .rate_n = 30, .rate_d = 1, .look = mxr_look_new (&wanted)
  };

  composer->sources = g_array_new (FALSE, TRUE, sizeof (MxrSource));
  composer->views = g_ptr_array_new ();
  composer->images = mxr_image_cache_new ();
  fixture->view = mxr_view_new ();
  g_ptr_array_add (composer->views, fixture->view);
  g_assert_true (mxr_view_configure (fixture->view, &config));
  mxr_view_config_clear (&config);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  mxr_view_free (fixture->view);
  g_array_unref (fixture->composer.sources);
  g_ptr_array_unref (fixture->composer.views);
  mxr_image_cache_free (fixture->composer.images);
  mxr_scratch_clear (&fixture->composer.scratch);
}

static GstBuffer *
compose (Fixture *fixture, guint ms)
{
  fixture->composer.now_ns = ms * GST_MSECOND;
  fixture->composer.wall_us = NEW_YEAR_US + ms * G_TIME_SPAN_MILLISECOND;
  return mxr_view_compose (fixture->view, &fixture->composer, IDLE_NS);
}

static void
test_clock_ticks_once_a_second (Fixture *fixture, gconstpointer unused)
{
  GstBuffer *last = NULL;
  guint n_pictures = 0;

  for (guint tick = 0; tick <= 300; tick++) {
    GstBuffer *picture = compose (fixture, tick * 100 / 3);
    if (picture == NULL)
      continue;
    n_pictures++;
    gst_clear_buffer (&last);
    last = picture;
    g_assert_cmpuint (tick % 30, ==, 0);
    GstClockTime due_ns = mxr_view_due_ns (fixture->view, IDLE_NS);
    g_assert_cmpuint (due_ns, >, (tick / 30 + 1) * GST_SECOND); /* not a moment too soon */
    g_assert_cmpuint (due_ns, <, (tick / 30 + 1) * GST_SECOND + 33 * GST_MSECOND);
  }
  g_assert_cmpuint (n_pictures, ==, 11);
  g_assert_cmpuint (fixture->composer.stats.n_overlaid, >=, 9); /* the second canvas is drawn from nothing */
  gst_clear_buffer (&last);
}

static GBytes *
take (GstBuffer *picture)
{
  GstMapInfo map;

  g_assert_nonnull (picture);
  g_assert_true (gst_buffer_map (picture, &map, GST_MAP_READ));
  GBytes *bytes = g_bytes_new (map.data, map.size);
  gst_buffer_unmap (picture, &map);
  gst_buffer_unref (picture);
  return bytes;
}

/* After a day the clock shows what it did, and the same canvas holds nothing of all between. Outside of its corner there is
 * never anything. */
static void
test_clock_leaves_nothing (Fixture *fixture, gconstpointer unused)
{
  const guint day_ms = 24 * 3600 * 1000;
  g_autoptr (GBytes) first = take (compose (fixture, 0));
  const guint8 *pixels = g_bytes_get_data (first, NULL);

  for (guint s = 1; s < 50; s++) {
    g_autoptr (GBytes) picture = take (compose (fixture, s * 1000));
    const guint8 *now = g_bytes_get_data (picture, NULL);
    g_assert_false (g_bytes_equal (picture, first));
    g_assert_cmpint (memcmp (now + W * H / 2, pixels + W * H / 2, W * H / 2), ==, 0);
    for (guint y = 0; y < H / 2; y++)
      g_assert_cmpint (memcmp (now + y * W + W / 2, pixels + y * W + W / 2, W / 2), ==, 0);
  }
  g_autoptr (GBytes) last = take (compose (fixture, day_ms));
  g_assert_true (g_bytes_equal (first, last));
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_setenv ("TZ", "UTC", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/tilemix-view/clock-ticks-once-a-second", Fixture, NULL, set_up, test_clock_ticks_once_a_second, tear_down);
  g_test_add ("/tilemix-view/clock-leaves-nothing", Fixture, NULL, set_up, test_clock_leaves_nothing, tear_down);
  return g_test_run ();
}
