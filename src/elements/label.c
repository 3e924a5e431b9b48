#include "label.h"

#include "avatar.h"

#include <pango/pangocairo.h>

#define TILE_MIN_W_PX 48
#define TILE_MIN_H_PX 32
#define BOX_OPACITY 0.6
#define BAND_OPACITY 0.8

/* How a box and its letters look. */
typedef struct {
  int text_px;
  int pad_left, pad_right, pad_y; /* [px] */
  int bar;                        /* width of the bar at the left; 0: none [px] */
  double radius, opacity;
  bool is_bold;
} Style;

/* Letters are a 14th of the tile's height, within what can be read and what does not shout. */
static int
name_height (int tile_h)
{
  return CLAMP (tile_h / 14, 10, 32);
}

/* A lower third's are an 18th, but never held small, as it is to be read on a telephone, nor smaller than a name. */
static int
band_height (int tile_h)
{
  return CLAMP (MAX (tile_h / 18, MIN (tile_h / 14, 20)), 11, 72);
}

/* ---- Places --------------------------------------------------------------------------------------------- */

bool
mxr_label_fits (const MxrRect *tile)
{
  return tile->w >= TILE_MIN_W_PX && tile->h >= TILE_MIN_H_PX;
}

MxrRect
mxr_label_get_room (const MxrRect *tile, MxrTileMixLabels labels, const MxrInsets *insets)
{
  bool is_band = labels == MXR_TILEMIX_LABELS_LOWER_THIRD;
  int margin = (is_band ? band_height (tile->h) : name_height (tile->h) / 2) & ~1;
  int left = MAX (margin, insets->left), right = MAX (margin, insets->right), bottom = MAX (margin, insets->bottom);

  return (MxrRect){ tile->x + left, tile->y, MAX (tile->w - left - right, 0), MAX (tile->h - bottom, 0) };
}

bool
mxr_label_place (const MxrRect *room, const MxrImage *label, MxrRect *out_place)
{
  int w = label->picture.w, h = label->picture.h;

  if (w > room->w || h > room->h)
    return false;
  *out_place = (MxrRect){ room->x, room->y + room->h - h, w, h };
  return true;
}

/* ---- Drawing -------------------------------------------------------------------------------------------- */

static void
round_box (cairo_t *cr, double w, double h, double radius)
{
  cairo_arc (cr, w - radius, radius, radius, -G_PI / 2, 0);
  cairo_arc (cr, w - radius, h - radius, radius, 0, G_PI / 2);
  cairo_arc (cr, radius, h - radius, radius, G_PI / 2, G_PI);
  cairo_arc (cr, radius, radius, radius, G_PI, 3 * G_PI / 2);
  cairo_close_path (cr);
}

static void
draw_bar (cairo_t *cr, const Style *style, const char *title, int h)
{
  guint32 rgb = mxr_avatar_colour (title);

  cairo_set_source_rgb (cr, (rgb >> 16 & 0xff) / 255.0, (rgb >> 8 & 0xff) / 255.0, (rgb & 0xff) / 255.0);
  cairo_rectangle (cr, 0, 0, style->bar, h);
  cairo_fill (cr);
}

/* @layout: of @title, as wide as it may be */
static MxrImage *
draw_box (const Style *style, PangoLayout *layout, const char *title, int text_w, int text_h)
{
  int w = (style->pad_left + text_w + style->pad_right + 1) & ~1, h = (text_h + 2 * style->pad_y + 1) & ~1;
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, w, h);
  cairo_t *cr = cairo_create (surface);

  round_box (cr, w, h, MIN (style->radius, h / 2.0));
  cairo_clip_preserve (cr);
  cairo_set_source_rgba (cr, 0.06, 0.07, 0.09, style->opacity);
  cairo_fill (cr);
  if (style->bar > 0)
    draw_bar (cr, style, title, h);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_move_to (cr, style->pad_left, style->pad_y);
  pango_cairo_show_layout (cr, layout);
  cairo_destroy (cr);

  MxrImage *image = mxr_image_new (surface, true);
  cairo_surface_destroy (surface);
  return image;
}

/* @room: for box and letters; a longer title ends in an ellipsis */
static MxrImage *
draw_title (const Style *style, PangoFontMap *fonts, const char *title, int room)
{
  g_autoptr (PangoLayout) layout = mxr_text_layout (fonts, title, style->text_px, style->is_bold);
  int text_w, text_h;

  pango_layout_set_ellipsize (layout, PANGO_ELLIPSIZE_END);
  pango_layout_get_pixel_size (layout, &text_w, &text_h);
  room = MAX (room - style->pad_left - style->pad_right - 2, 1);
  if (text_w > room) {
    pango_layout_set_width (layout, room * PANGO_SCALE);
    pango_layout_get_pixel_size (layout, &text_w, &text_h);
  }
  return draw_box (style, layout, title, text_w, text_h);
}

MxrImage *
mxr_label_draw (PangoFontMap *fonts, const char *title, int w, int h)
{
  int text_px = name_height (h);
  const Style style = { .text_px = text_px,
                        .pad_left = text_px / 2,
                        .pad_right = text_px / 2,
                        .pad_y = text_px / 5,
                        .radius = text_px * 0.4,
                        .opacity = BOX_OPACITY };
  return draw_title (&style, fonts, title, w);
}

MxrImage *
mxr_lower_third_draw (PangoFontMap *fonts, const char *title, int w, int h)
{
  int text_px = band_height (h), bar = MAX (text_px / 4, 3);
  const Style style = { .text_px = text_px,
                        .pad_left = bar + text_px * 2 / 3,
                        .pad_right = text_px * 5 / 6,
                        .pad_y = text_px * 2 / 5,
                        .bar = bar,
                        .radius = text_px * 0.15,
                        .opacity = BAND_OPACITY,
                        .is_bold = true };
  return draw_title (&style, fonts, title, w);
}

/* The box is as wide as zeroes are, and digits are asked for that are all so wide, or it would breathe. */
static void
measure_digits (PangoLayout *layout, int *out_w, int *out_h)
{
  PangoAttrList *attributes = pango_attr_list_new ();

  pango_attr_list_insert (attributes, pango_attr_font_features_new ("tnum=1"));
  pango_layout_set_attributes (layout, attributes);
  pango_attr_list_unref (attributes);
  pango_layout_set_text (layout, "00:00:00", -1);
  pango_layout_get_pixel_size (layout, out_w, out_h);
}

MxrImage *
mxr_clock_draw (PangoFontMap *fonts, const char *text, int w, int h)
{
  int text_px = CLAMP (h / 26, 10, 64);
  const Style style = { .text_px = text_px,
                        .pad_left = text_px * 5 / 8,
                        .pad_right = text_px * 5 / 8,
                        .pad_y = text_px * 3 / 10,
                        .radius = text_px * 0.15,
                        .opacity = BAND_OPACITY,
                        .is_bold = true };
  g_autoptr (PangoLayout) layout = mxr_text_layout (fonts, text, text_px, true);
  int text_w, text_h;

  measure_digits (layout, &text_w, &text_h);
  pango_layout_set_text (layout, text, -1);
  return draw_box (&style, layout, text, text_w, text_h);
}
