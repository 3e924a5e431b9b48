#include "fragment-private.h"

#include <string.h>

static const char good[] = "# words\n"
                           "#: kind = encode    #: codec = H264   #: needs = x264enc, rtph264pay\n"
                           "#: bitrate = enc.bitrate kbit/s  #: keyframe = force-key-unit\n"
                           "\n"
                           "x264enc name=enc\n"
                           "# in between\n"
                           "! rtph264pay\r\n";

static MxrFragment *
parse (const char *text)
{
  return mxr_fragment_parse ("name", "/dir/name.gst", text, strlen (text));
}

static void
test_good (void)
{
  g_autoptr (MxrFragment) fragment = parse (good);
  g_assert_null (fragment->problem);
  g_assert_cmpint (fragment->kind, ==, MXR_FRAGMENT_ENCODE);
  g_assert_cmpstr (fragment->codec, ==, "H264");
  g_assert_cmpstr (fragment->needs[0], ==, "x264enc");
  g_assert_cmpstr (fragment->bitrate_element, ==, "enc");
  g_assert_cmpstr (fragment->bitrate_property, ==, "bitrate");
  g_assert_cmpuint (fragment->bitrate_unit_bps, ==, 1000);
  g_assert_true (fragment->has_keyframe);
  g_assert_cmpuint (fragment->chain->len, ==, 2);
  g_assert_cmpuint (g_array_index (fragment->chain, MxrChainLine, 1).number, ==, 7);
  g_autofree char *all = mxr_fragment_describe (fragment, 2);
  g_assert_cmpstr (all, ==, "x264enc name=enc ! rtph264pay");
}

static void
test_link_at_the_end_of_a_line (void)
{
  g_autoptr (MxrFragment) fragment = parse ("#: kind = decode #: codec = VP8\na ! \nb !\nc\n");
  g_autofree char *two = mxr_fragment_describe (fragment, 2);
  g_assert_cmpstr (two, ==, "a ! b");
}

static void
test_caps_at_the_end (void)
{
  g_autoptr (MxrFragment) fragment =
      parse ("#: kind = decode #: codec = VP8\na\n! video/x-raw,format=I420,width=[1,9] !\n! b p=x/y\n");
  g_autofree char *two = mxr_fragment_describe (fragment, 2);
  g_autofree char *all = mxr_fragment_describe (fragment, 3);
  g_assert_cmpstr (two, ==, "a ! capsfilter caps=\"video/x-raw,format=I420,width=[1,9]\"");
  g_assert_cmpstr (all, ==, "a ! video/x-raw,format=I420,width=[1,9] ! ! b p=x/y");
}

static void
assert_problem (const char *text, guint line, const char *words)
{
  g_autoptr (MxrFragment) fragment = parse (text);
  g_assert_nonnull (fragment->problem);
  g_assert_cmpuint (fragment->problem->line, ==, line);
  g_assert_cmpstr (fragment->problem->name, ==, "name");
  g_assert_cmpstr (fragment->problem->file, ==, "/dir/name.gst");
  g_assert_false (fragment->problem->is_missing);
  if (strstr (fragment->problem->reason, words) == NULL)
    g_error ("'%s' is not in '%s'", words, fragment->problem->reason);
}

static void
test_faults (void)
{
  assert_problem ("", 1, "no '#: kind");
  assert_problem ("x264enc\n", 1, "no '#: kind");
  assert_problem ("#: kind = decode\nvp8dec\n", 1, "no '#: codec");
  assert_problem ("#: kind = decode #: codec = VP8\n\n# nothing\n", 1, "no element");
  assert_problem ("\n#: kind = play\n", 2, "'play'");
  assert_problem ("#: kind = encode\n#: kind = encode\n", 2, "twice");
  assert_problem ("#: kind\n", 1, "key = value");
  assert_problem ("#:\n", 1, "key = value");
  assert_problem ("#: colour = red\n", 1, "'colour'");
  assert_problem ("#: codec =\n", 1, "empty");
  assert_problem ("#: keyframe = now\n", 1, "force-key-unit");
  assert_problem ("#: kind = encode #: codec = opus\nopusenc\n", 1, "bitrate");
  assert_problem ("#: kind = encode #: codec = vp8 #: bitrate = a.b bit/s\nvp8enc\n", 1, "keyframe");
  static const char *const bitrates[] = { "",         "enc",      "enc.bitrate", "enc.bitrate Mbit/s",
                                          ".b bit/s", "a. bit/s", "a.b.c bit/s", "a.b bit/s x" };
  for (guint i = 0; i < G_N_ELEMENTS (bitrates); i++) {
    g_autofree char *text = g_strdup_printf ("\n\n#: bitrate = %s\n", bitrates[i]);
    assert_problem (text, 3, "bit/s");
  }
  assert_problem ("#: kind = encode\n\xff\xfe", 2, "not text");
}

/* Any prefix of a good file, and any one byte of it changed, is parsed to something, and a fault points into
 * the file. */
static void
test_truncation_and_mutation (void)
{
  for (gsize length = 0; length < sizeof good - 1; length++) {
    g_autoptr (MxrFragment) fragment = mxr_fragment_parse ("n", "f", good, length);
    if (length < strlen (good) - strlen ("x264enc name=enc\n# in between\n! rtph264pay\r\n"))
      g_assert_nonnull (fragment->problem);
  }
  for (gsize i = 0; i < sizeof good - 1; i++)
    for (int byte = 0; byte < 256; byte++) {
      char mutant[sizeof good];
      memcpy (mutant, good, sizeof good);
      mutant[i] = (char) byte;
      g_autoptr (MxrFragment) fragment = mxr_fragment_parse ("n", "f", mutant, sizeof good - 1);
      if (byte == 0 || byte >= 0x80)
        g_assert_cmpstr (fragment->problem->reason, ==, "this is not text (UTF-8)");
      if (fragment->problem != NULL)
        g_assert_cmpuint (fragment->problem->line - 1, <, 8);
    }
}

static void
test_size_bound (void)
{
  g_autofree char *large = g_strnfill (MXR_FRAGMENT_MAX_BYTES + 1, '\n');
  g_autoptr (MxrFragment) fragment = mxr_fragment_parse ("n", "f", large, MXR_FRAGMENT_MAX_BYTES + 1);
  g_assert_nonnull (strstr (fragment->problem->reason, "at most"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fragment-parse/good", test_good);
  g_test_add_func ("/fragment-parse/link-at-the-end-of-a-line", test_link_at_the_end_of_a_line);
  g_test_add_func ("/fragment-parse/caps-at-the-end", test_caps_at_the_end);
  g_test_add_func ("/fragment-parse/faults", test_faults);
  g_test_add_func ("/fragment-parse/truncation-and-mutation", test_truncation_and_mutation);
  g_test_add_func ("/fragment-parse/size-bound", test_size_bound);
  return g_test_run ();
}
