#include "byte-range.h"

static void
test_ranges (void)
{
  static const struct {
    const char *header;
    guint64 n_bytes;
    MxrRange range;
    guint64 start, end;
  } cases[] = {
    { NULL, 100, MXR_RANGE_WHOLE, 0, 100 },
    { "bytes=0-", 100, MXR_RANGE_PART, 0, 100 },
    { "bytes=0-0", 100, MXR_RANGE_PART, 0, 1 },
    { "bytes=10-19", 100, MXR_RANGE_PART, 10, 20 },
    { "Bytes=99-", 100, MXR_RANGE_PART, 99, 100 },
    { "bytes=90-500", 100, MXR_RANGE_PART, 90, 100 },
    { "bytes=0-18446744073709551615", 100, MXR_RANGE_PART, 0, 100 },
    { "bytes=0-99999999999999999999999", 100, MXR_RANGE_PART, 0, 100 },
    { "bytes=-1", 100, MXR_RANGE_PART, 99, 100 },
    { "bytes=-500", 100, MXR_RANGE_PART, 0, 100 },
    { "bytes=100-", 100, MXR_RANGE_BEYOND, 0, 100 },
    { "bytes=99999999999999999999999-", 100, MXR_RANGE_BEYOND, 0, 100 },
    { "bytes=-0", 100, MXR_RANGE_BEYOND, 0, 100 },
    { "bytes=0-", 0, MXR_RANGE_BEYOND, 0, 0 },
    { "bytes=20-10", 100, MXR_RANGE_WHOLE, 0, 100 },
    { "bytes=0-1,5-6", 100, MXR_RANGE_WHOLE, 0, 100 },
    { "bytes=-", 100, MXR_RANGE_WHOLE, 0, 100 },
    { "bytes=", 100, MXR_RANGE_WHOLE, 0, 100 },
    { "bytes=+1-2", 100, MXR_RANGE_WHOLE, 0, 100 },
    { "bytes=1-2x", 100, MXR_RANGE_WHOLE, 0, 100 },
    { "items=0-1", 100, MXR_RANGE_WHOLE, 0, 100 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    guint64 start, end;
    g_test_message ("%s", cases[i].header != NULL ? cases[i].header : "none");
    g_assert_cmpint (mxr_byte_range_read (cases[i].header, cases[i].n_bytes, &start, &end), ==, cases[i].range);
    g_assert_cmpuint (start, ==, cases[i].start);
    g_assert_cmpuint (end, ==, cases[i].end);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/byte-range", test_ranges);
  return g_test_run ();
}
