#include "names.h"

static void
test_read_name (void)
{
  static const struct {
    const char *file, *room;
    gint64 started_ms;
  } cases[] = {
    { "stage-20261121-140102-AbC_-12345678901.mp4", "stage", 1795269662000 },
    { "my-big-room-20261121-140102-x.mkv", "my-big-room", 1795269662000 },
    { "stage-20261121-140102-x-001.mp4", "stage", 1795269662000 },
    { "stage-20261121-140102-x/Ada.mkv", "stage", 1795269662000 },
    { "a-20200101-000000-20261121-140102-x.mp4", "a", 1577836800000 },
    { "-20261121-140102-x.mp4", "", 1795269662000 },
    { "holiday.mp4", "", 0 },
    { "stage-20261399-140102-x.mp4", "", 0 },
    { "20261121-140102.mp4", "", 0 },
    { "", "", 0 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *room = NULL;
    gint64 started_ms;
    g_assert_cmpint (mxr_library_read_name (cases[i].file, &room, &started_ms), ==, cases[i].started_ms != 0);
    g_assert_cmpstr (room, ==, cases[i].room);
    g_assert_cmpint (started_ms, ==, cases[i].started_ms);
  }
}

static void
test_make_name (void)
{
  g_autofree char *file = mxr_library_make_name ("a/../b \xc3\xa4", 1795269662123, "mp4"), *room = NULL;
  gint64 started_ms;

  g_assert_true (g_str_has_prefix (file, "a----b----20261121-140102-"));
  g_assert_true (mxr_library_read_name (file, &room, &started_ms));
  g_assert_cmpint (started_ms, ==, 1795269662000);
  g_assert_cmpstr (mxr_library_guess_type (file), ==, "video/mp4");
}

static void
test_id (void)
{
  g_autofree char *one = mxr_library_make_id ("a.mp4"), *again = mxr_library_make_id ("a.mp4");
  g_autofree char *other = mxr_library_make_id ("b.mp4");

  g_assert_cmpstr (one, ==, again);
  g_assert_cmpstr (one, !=, other);
  g_assert_true (mxr_library_is_id (one));
  g_assert_false (mxr_library_is_id ("../../etc/passwd"));
  g_assert_false (mxr_library_is_id (""));
}

static void
test_fold (void)
{
  g_autofree char *upper = mxr_library_fold ("\xc3\x84RGER"), *lower = mxr_library_fold ("a\xcc\x88rger");
  g_autofree char *bad = mxr_library_fold ("a\xff");

  g_assert_cmpstr (upper, ==, lower);
  g_assert_true (g_utf8_validate (bad, -1, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/library/names/read", test_read_name);
  g_test_add_func ("/library/names/make", test_make_name);
  g_test_add_func ("/library/names/id", test_id);
  g_test_add_func ("/library/names/fold", test_fold);
  return g_test_run ();
}
