#include "avatar.h"

#include <math.h>
#include <pango/pangocairo.h>
#include <string.h>

/* WCAG 2.1 1.4.3, level AA, text of any size. */
#define CONTRAST_MIN 4.5
/* Of somebody without a name; a blue grey next to the others' colours. */
#define NEUTRAL_RGB 0x5b6472

/* ---- Initials --------------------------------------------------------------------------------------- */

/* The first grapheme of @word that begins with a letter or number, else the first of all: a name may be one
 * emoji. */
static char *
first_grapheme (const char *word)
{
  int n_chars = (int) g_utf8_strlen (word, -1);
  g_autofree PangoLogAttr *attrs = g_new0 (PangoLogAttr, n_chars + 1);
  int begin = 0;

  pango_get_log_attrs (word, (int) strlen (word), -1, pango_language_get_default (), attrs, n_chars + 1);
  for (int i = 0; i < n_chars; i++)
    if (attrs[i].is_cursor_position &&
        g_unichar_isalnum (g_utf8_get_char (g_utf8_offset_to_pointer (word, i)))) {
      begin = i;
      break;
    }
  int end = begin + 1;
  while (end < n_chars && !attrs[end].is_cursor_position)
    end++;
  return g_utf8_substring (word, begin, MIN (end, n_chars));
}

char *
mxr_avatar_initials (const char *title)
{
  g_autoptr (GString) initials = g_string_new (NULL);
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);

  for (const char *at = title; *at != '\0';) {
    const char *end = at;
    while (*end != '\0' && !g_unichar_isspace (g_utf8_get_char (end)))
      end = g_utf8_next_char (end);
    if (end > at)
      g_ptr_array_add (words, g_strndup (at, end - at));
    at = *end != '\0' ? g_utf8_next_char (end) : end;
  }
  for (guint i = 0; i < words->len; i += MAX (words->len - 1, 1)) {
    g_autofree char *grapheme = first_grapheme (g_ptr_array_index (words, i));
    g_string_append (initials, grapheme);
  }
  return g_utf8_strup (initials->str, -1);
}

/* ---- Colour ----------------------------------------------------------------------------------------- */

/* FNV-1a over the composed form, so that one name typed on two keyboards has one colour. g_str_hash() may
 * differ from one GLib to the next. */
static guint32
name_hash (const char *title)
{
  g_autofree char *composed = g_utf8_normalize (title, -1, G_NORMALIZE_NFC);
  guint32 hash = 2166136261u;

  for (const char *at = composed != NULL ? composed : title; *at != '\0'; at++)
    hash = (hash ^ (guint8) *at) * 16777619u;
  return hash ^ hash >> 16;
}

static double
channel_luminance (guint32 value)
{
  double c = value / 255.0;
  return c <= 0.04045 ? c / 12.92 : pow ((c + 0.055) / 1.055, 2.4);
}

static double
contrast_with_white (guint32 rgb)
{
  double luminance = 0.2126 * channel_luminance (rgb >> 16 & 0xff) +
                     0.7152 * channel_luminance (rgb >> 8 & 0xff) + 0.0722 * channel_luminance (rgb & 0xff);
  return 1.05 / (luminance + 0.05);
}

static guint32
hsl_to_rgb (double hue, double saturation, double lightness)
{
  guint32 rgb = 0;
  double a = saturation * MIN (lightness, 1 - lightness);

  for (int i = 0; i < 3; i++) {
    double k = fmod ((i == 0 ? 0 : i == 1 ? 8 : 4) + hue / 30, 12);
    double c = lightness - a * MAX (-1, MIN (MIN (k - 3, 9 - k), 1));
    rgb = rgb << 8 | (guint32) lround (c * 255);
  }
  return rgb;
}

guint32
mxr_avatar_colour (const char *title)
{
  if (*title == '\0')
    return NEUTRAL_RGB;
  guint32 hash = name_hash (title);
  double hue = (hash % 24) * 15.0, saturation = 0.45 + 0.05 * (hash / 24 % 4);
  double lightness = 0.52;
  guint32 rgb = hsl_to_rgb (hue, saturation, lightness);

  /* Yellow is brighter than blue: each hue is as light as white letters on it allow. */
  while (contrast_with_white (rgb) < CONTRAST_MIN)
    rgb = hsl_to_rgb (hue, saturation, lightness -= 0.01);
  return rgb;
}

/* ---- Drawing ---------------------------------------------------------------------------------------- */

static void
set_colour (cairo_t *cr, guint32 rgb, double brightness)
{
  cairo_set_source_rgb (cr, (rgb >> 16 & 0xff) * brightness / 255, (rgb >> 8 & 0xff) * brightness / 255,
                        (rgb & 0xff) * brightness / 255);
}

static void
draw_initials (cairo_t *cr, PangoFontMap *fonts, const char *initials, double x, double y, double radius)
{
  g_autoptr (PangoLayout) layout = mxr_text_layout (fonts, initials, MAX ((int) (radius * 0.8), 1), true);
  PangoRectangle ink;

  pango_layout_get_pixel_extents (layout, &ink, NULL);
  if (ink.width <= 0 || ink.height <= 0)
    return;
  /* Wide pairs and tall scripts are made smaller until they stay inside the disc. */
  double size = MIN (1.0, 1.7 * radius / hypot (ink.width, ink.height));
  cairo_save (cr);
  cairo_translate (cr, x, y);
  cairo_scale (cr, size, size);
  cairo_translate (cr, -ink.x - ink.width / 2.0, -ink.y - ink.height / 2.0);
  cairo_set_source_rgb (cr, 1, 1, 1);
  pango_cairo_show_layout (cr, layout);
  cairo_restore (cr);
}

static void
draw_silhouette (cairo_t *cr, double x, double y, double radius)
{
  cairo_save (cr);
  cairo_arc (cr, x, y, radius, 0, 2 * G_PI);
  cairo_clip (cr);
  cairo_set_source_rgb (cr, 0.87, 0.89, 0.92);
  cairo_arc (cr, x, y - radius * 0.22, radius * 0.36, 0, 2 * G_PI);
  cairo_fill (cr);
  cairo_arc (cr, x, y + radius * 0.95, radius * 0.68, 0, 2 * G_PI);
  cairo_fill (cr);
  cairo_restore (cr);
}

MxrImage *
mxr_avatar_draw (PangoFontMap *fonts, const char *title, int w, int h)
{
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, w, h);
  cairo_t *cr = cairo_create (surface);
  g_autofree char *initials = mxr_avatar_initials (title);
  guint32 rgb = mxr_avatar_colour (*initials != '\0' ? title : "");
  double x = w / 2.0, y = h / 2.0, radius = MIN (w, h) * 0.32;

  set_colour (cr, rgb, 0.45);
  cairo_paint (cr);
  set_colour (cr, rgb, 1);
  cairo_arc (cr, x, y, radius, 0, 2 * G_PI);
  cairo_fill (cr);
  if (*initials != '\0')
    draw_initials (cr, fonts, initials, x, y, radius);
  else
    draw_silhouette (cr, x, y, radius);

  cairo_destroy (cr);
  MxrImage *image = mxr_image_new (surface, false);
  cairo_surface_destroy (surface);
  return image;
}
