#include "label.h"

#include <pango/pangocairo.h>

/* Letters are a 14th of the tile's height, within what can be read and what does not shout [px]. */
#define TEXT_PART_OF_TILE 14
#define TEXT_MIN_PX 10
#define TEXT_MAX_PX 32
#define TILE_MIN_W_PX 48
#define TILE_MIN_H_PX 32
#define BOX_OPACITY 0.6

static int
text_height (int tile_h)
{
  return CLAMP (tile_h / TEXT_PART_OF_TILE, TEXT_MIN_PX, TEXT_MAX_PX);
}

/* From the tile's edges to the box; even, as every place on a canvas. */
static int
margin (int tile_h)
{
  return (text_height (tile_h) / 2) & ~1;
}

bool
mxr_label_fits (const MxrRect *tile)
{
  return tile->w >= TILE_MIN_W_PX && tile->h >= TILE_MIN_H_PX;
}

bool
mxr_label_place (const MxrRect *tile, const MxrImage *label, MxrRect *out_place)
{
  int w = label->picture.w, h = label->picture.h, edge = margin (tile->h);

  if (w + edge > tile->w || h + edge > tile->h)
    return false;
  *out_place = (MxrRect){ tile->x + edge, tile->y + tile->h - edge - h, w, h };
  return true;
}

static void
round_box (cairo_t *cr, double w, double h, double radius)
{
  cairo_arc (cr, w - radius, radius, radius, -G_PI / 2, 0);
  cairo_arc (cr, w - radius, h - radius, radius, 0, G_PI / 2);
  cairo_arc (cr, radius, h - radius, radius, G_PI / 2, G_PI);
  cairo_arc (cr, radius, radius, radius, G_PI, 3 * G_PI / 2);
  cairo_close_path (cr);
}

MxrImage *
mxr_label_draw (PangoFontMap *fonts, const char *title, int w, int h)
{
  int text_px = text_height (h), pad_x = text_px / 2, pad_y = text_px / 5;
  g_autoptr (PangoLayout) layout = mxr_text_layout (fonts, title, text_px, false);
  int text_w, text_h;

  pango_layout_set_ellipsize (layout, PANGO_ELLIPSIZE_END);
  pango_layout_get_pixel_size (layout, &text_w, &text_h);
  int room = MAX (w - 2 * margin (h) - 2 * pad_x - 2, 1);
  if (text_w > room) {
    pango_layout_set_width (layout, room * PANGO_SCALE);
    pango_layout_get_pixel_size (layout, &text_w, &text_h);
  }
  int box_w = (text_w + 2 * pad_x + 1) & ~1, box_h = (text_h + 2 * pad_y + 1) & ~1;

  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, box_w, box_h);
  cairo_t *cr = cairo_create (surface);
  round_box (cr, box_w, box_h, MIN (text_px * 0.4, box_h / 2.0));
  cairo_set_source_rgba (cr, 0.06, 0.07, 0.09, BOX_OPACITY);
  cairo_fill (cr);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_move_to (cr, pad_x, pad_y);
  pango_cairo_show_layout (cr, layout);
  cairo_destroy (cr);

  MxrImage *image = mxr_image_new (surface, true);
  cairo_surface_destroy (surface);
  return image;
}
