#include "avatar.h"

#include <math.h>
#include <pango/pangocairo.h>

#ifdef __SANITIZE_ADDRESS__
__attribute__ ((visibility ("default"))) const char *__lsan_default_suppressions (void);

const char *
__lsan_default_suppressions (void)
{
  return "leak:libfontconfig.so"; /* it keeps its configuration */
}
#endif

static void
test_initials (void)
{
  static const struct {
    const char *title, *initials;
  } cases[] = {
    { "", "" },
    { "   ", "" },
    { "ada", "A" },
    { "Ada Lovelace", "AL" },
    { "  ada   king  lovelace ", "AL" },
    { "(Bob) \"O'Neill\"", "BO" },
    { "\xc3\xa9"
      "b\xc3\xa9n\xc3\xa9zer",
      "\xc3\x89" }, /* e acute, composed */
    { "e\xcc\x81"
      "b",
      "E\xcc\x81" }, /* e and a combining acute: one letter */
    { "\xc3\x9f"
      "trasse",
      "SS" },                                       /* sharp s has a capital of two */
    { "\xe5\xbc\xa0\xe4\xbc\x9f", "\xe5\xbc\xa0" }, /* Chinese, one word */
    { "\xe0\xa4\xb6\xe0\xa4\xbf\xe0\xa4\xb5",
      "\xe0\xa4\xb6\xe0\xa4\xbf" }, /* Devanagari: with its vowel sign */
    { "\xd9\x85\xd8\xad\xd9\x85\xd8\xaf \xd8\xb9\xd9\x84\xd9\x8a", "\xd9\x85\xd8\xb9" },
    { "\xf0\x9f\x8e\x89", "\xf0\x9f\x8e\x89" }, /* an emoji alone */
    { "...", "." },
    { "a\xe3\x80\x80z", "AZ" }, /* ideographic space */
    { "7 of 9", "79" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *initials = mxr_avatar_initials (cases[i].title);
    g_assert_cmpstr (initials, ==, cases[i].initials);
  }
}

static double
linear (guint32 value)
{
  return value <= 10 ? value / 255.0 / 12.92 : pow ((value / 255.0 + 0.055) / 1.055, 2.4);
}

static void
test_colours_are_stable_and_readable (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

  g_assert_cmphex (mxr_avatar_colour ("Ada Lovelace"), ==, mxr_avatar_colour ("Ada Lovelace"));
  g_assert_cmphex (mxr_avatar_colour ("\xc3\xa9"), ==, mxr_avatar_colour ("e\xcc\x81")); /* composed or not */
  for (guint i = 0; i < 2000; i++) {
    g_autofree char *title = i == 0 ? g_strdup ("") : g_strdup_printf ("Person %u", i);
    guint32 rgb = mxr_avatar_colour (title);
    double luminance =
        0.2126 * linear (rgb >> 16 & 0xff) + 0.7152 * linear (rgb >> 8 & 0xff) + 0.0722 * linear (rgb & 0xff);
    g_assert_cmpfloat (1.05 / (luminance + 0.05), >=, 4.5);
    g_assert_cmphex (rgb, <=, 0xffffff);
    g_hash_table_add (seen, GUINT_TO_POINTER (rgb));
  }
  g_assert_cmpuint (g_hash_table_size (seen), >, 48); /* people can be told apart */
}

static void
test_any_title_in_any_size (void)
{
  static const char *const titles[] = { "",
                                        "Ada Lovelace",
                                        "\xf0\x9f\x8e\x89",
                                        "WWWW MMMM",
                                        "\xd9\x85\xd8\xad",
                                        "\x01\x02",
                                        "\xe2\x80\xae\xe2\x80\xab" };
  static const int sizes[][2] = { { 2, 2 }, { 2, 200 }, { 200, 2 }, { 64, 36 }, { 1280, 720 }, { 16, 10 } };
  PangoFontMap *fonts = pango_cairo_font_map_new ();

  for (guint i = 0; i < G_N_ELEMENTS (titles) * G_N_ELEMENTS (sizes); i++) {
    const int *size = sizes[i % G_N_ELEMENTS (sizes)];
    g_autoptr (MxrImage) image = mxr_avatar_draw (fonts, titles[i / G_N_ELEMENTS (sizes)], size[0], size[1]);
    g_assert_cmpint (image->picture.w, ==, size[0]);
    g_assert_cmpint (image->picture.h, ==, size[1]);
    g_assert_null (image->alpha);
  }
  g_object_unref (fonts);
}

static void
test_cache_draws_once_and_forgets_the_oldest (void)
{
  MxrImageCache *cache = mxr_image_cache_new ();
  guint budget = 1000;

  mxr_image_cache_get (cache, mxr_avatar_draw, "A", 32, 32, &budget);
  mxr_image_cache_get (cache, mxr_avatar_draw, "A", 32, 32, &budget);
  g_assert_cmpuint (budget, ==, 999);
  for (int i = 0; i < 300; i++) {
    mxr_image_cache_get (cache, mxr_avatar_draw, "B", 2 * i + 2, 2, &budget);
    mxr_image_cache_get (cache, mxr_avatar_draw, "A", 32, 32, &budget); /* in use, so it stays */
  }
  g_assert_cmpuint (budget, ==, 699);
  mxr_image_cache_get (cache, mxr_avatar_draw, "B", 2, 2, &budget); /* long gone */
  g_assert_cmpuint (budget, ==, 698);
  budget = 0;
  g_assert_null (mxr_image_cache_get (cache, mxr_avatar_draw, "C", 2, 2, &budget));
  g_assert_nonnull (mxr_image_cache_get (cache, mxr_avatar_draw, "A", 32, 32, &budget));
  mxr_image_cache_free (cache);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/avatar/initials", test_initials);
  g_test_add_func ("/avatar/colours-are-stable-and-readable", test_colours_are_stable_and_readable);
  g_test_add_func ("/avatar/any-title-in-any-size", test_any_title_in_any_size);
  g_test_add_func ("/avatar/cache-draws-once-and-forgets-the-oldest",
                   test_cache_draws_once_and_forgets_the_oldest);
  return g_test_run ();
}
