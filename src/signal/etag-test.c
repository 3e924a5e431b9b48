#include "etag.h"

#include <string.h>

static void
test_lists (void)
{
  static const struct {
    const char *if_match;
    bool is_listed;
  } cases[] = {
    { "\"abc\"", true },
    { " \"abc\" ", true },
    { "*", true },
    { " * ", true },
    { "\"x\", \"abc\"", true },
    { "\"x\",\"abc\",\"y\"", true },
    { ", ,\"abc\",", true },
    { "W/\"x\", \"abc\"", true },
    { "\"x, \", \"abc\"", true },
    { "", false },
    { " , ", false },
    { "abc", false },
    { "\"ab\"", false },
    { "\"abcd\"", false },
    { "\"ABC\"", false },
    { "W/\"abc\"", false },
    { "\"x\"\"abc\"", false },
    { "\"x\" \"abc\"", false },
    { "x, \"abc\"", false },
    { "\", \"abc", false },
    { "\"abc", false },
    { "*, \"abc\"", false },
    { "W/", false },
    { "\"", false },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    if (mxr_etag_is_listed (cases[i].if_match, "\"abc\"") != cases[i].is_listed)
      g_error ("'%s' should %s", cases[i].if_match, cases[i].is_listed ? "match" : "not match");
}

/* Every beginning of a list, in memory that ends with it. */
static void
test_truncation (void)
{
  static const char list[] = " W/\"x\" , \"y,\",\"abc\"";
  for (gsize n = 0; n < strlen (list); n++) {
    g_autofree char *part = g_strndup (list, n);
    g_assert_false (mxr_etag_is_listed (part, "\"abc\""));
  }
  g_assert_true (mxr_etag_is_listed (list, "\"abc\""));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/etag/lists", test_lists);
  g_test_add_func ("/etag/truncation", test_truncation);
  return g_test_run ();
}
