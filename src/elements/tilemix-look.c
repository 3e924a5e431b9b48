#include "tilemix-look.h"

#include <libyuv.h>

GST_DEBUG_CATEGORY_EXTERN (mxr_tilemix_debug);
#define GST_CAT_DEFAULT mxr_tilemix_debug

/* No overlay is wider than this part of what the margins leave, so that logo and clock never meet. */
#define OVERLAY_MAX_PART 0.45
#define SAFE_MARGIN_MAX 0.25

/* ---- What was asked for ------------------------------------------------------------------------------------ */

static bool
is_of_format (GstSample *sample, GstVideoFormat format, GstVideoInfo *out_info)
{
  GstCaps *caps = sample != NULL && gst_sample_get_buffer (sample) != NULL ? gst_sample_get_caps (sample) : NULL;

  return caps != NULL && gst_video_info_from_caps (out_info, caps) && GST_VIDEO_INFO_FORMAT (out_info) == format;
}

static GstSample *
take_image (GstSample *sample, GstVideoFormat format)
{
  GstVideoInfo info;

  if (is_of_format (sample, format, &info))
    return gst_sample_ref (sample);
  if (sample != NULL)
    GST_WARNING ("an image that is no %s is left out", gst_video_format_to_string (format));
  return NULL;
}

MxrLook *
mxr_look_new (const MxrTileMixLook *wanted)
{
  MxrLook *look = g_atomic_rc_box_new0 (MxrLook);

  look->wanted = *wanted;
  look->wanted.background_image = take_image (wanted->background_image, GST_VIDEO_FORMAT_I420);
  look->wanted.logo = take_image (wanted->logo, GST_VIDEO_FORMAT_BGRA);
  look->wanted.logo_height = CLAMP (wanted->logo_height, 0, 1);
  look->wanted.safe_margin = CLAMP (wanted->safe_margin, 0, SAFE_MARGIN_MAX);
  return look;
}

static void
look_clear (gpointer data)
{
  MxrLook *look = data;
  g_clear_pointer (&look->wanted.background_image, gst_sample_unref);
  g_clear_pointer (&look->wanted.logo, gst_sample_unref);
}

void
mxr_look_unref (MxrLook *look)
{
  g_atomic_rc_box_release_full (look, look_clear);
}

/* ---- Places ------------------------------------------------------------------------------------------------- */

static int
safe_px (const MxrDress *dress, int length)
{
  return dress->look != NULL ? (int) (dress->look->wanted.safe_margin * length) & ~1 : 0;
}

/* In a corner inside the margins. */
static MxrRect
place_overlay (const MxrDress *dress, bool is_left, bool is_top, int w, int h)
{
  int edge_x = safe_px (dress, dress->width), edge_y = safe_px (dress, dress->height);

  return (MxrRect){ is_left ? edge_x : (dress->width - edge_x - w) & ~1, is_top ? edge_y : (dress->height - edge_y - h) & ~1, w,
                    h };
}

static int
overlay_max_w (const MxrDress *dress)
{
  return (int) (OVERLAY_MAX_PART * (dress->width - 2 * safe_px (dress, dress->width)));
}

MxrInsets
mxr_dress_get_insets (const MxrDress *dress, const MxrRect *tile)
{
  int edge_x = safe_px (dress, dress->width), edge_y = safe_px (dress, dress->height);

  return (MxrInsets){ .left = MAX (edge_x - tile->x, 0),
                      .right = MAX (tile->x + tile->w - (dress->width - edge_x), 0),
                      .bottom = MAX (tile->y + tile->h - (dress->height - edge_y), 0) };
}

/* ---- Images -------------------------------------------------------------------------------------------------- */

/* The middle of @w x @h that has the canvas's shape: a background is cut and never has bars. */
static MxrRect
crop_to_canvas (const MxrDress *dress, int w, int h)
{
  int crop_w = MIN (w, (int) gst_util_uint64_scale_round ((guint64) h, (guint64) dress->width, (guint64) dress->height));
  int crop_h = MIN (h, (int) gst_util_uint64_scale_round ((guint64) w, (guint64) dress->height, (guint64) dress->width));

  crop_w = MAX (crop_w, 2);
  crop_h = MAX (crop_h, 2);
  return (MxrRect){ MAX (w - crop_w, 0) / 2 & ~1, MAX (h - crop_h, 0) / 2 & ~1, MIN (crop_w, w), MIN (crop_h, h) };
}

static void
fit_backdrop (MxrDress *dress, MxrScratch *scratch)
{
  GstSample *sample = dress->look != NULL ? dress->look->wanted.background_image : NULL;
  gsize luma = (gsize) dress->width * dress->height;
  int w = dress->width;
  GstVideoInfo info;
  GstVideoFrame map;

  g_clear_pointer (&dress->backdrop.data[0], g_free);
  if (!is_of_format (sample, GST_VIDEO_FORMAT_I420, &info) ||
      !gst_video_frame_map (&map, &info, gst_sample_get_buffer (sample), GST_MAP_READ))
    return;
  guint8 *bytes = g_malloc (luma * 3 / 2);
  dress->backdrop = (MxrPicture){ { bytes, bytes + luma, bytes + luma * 5 / 4 }, { w, w / 2, w / 2 }, w, dress->height };
  MxrRect crop = crop_to_canvas (dress, info.width, info.height);
  MxrPicture whole = mxr_picture_from_frame (&map);
  MxrPicture from = mxr_picture_region (&whole, &crop);
  mxr_picture_draw (&from, GST_VIDEO_ORIENTATION_IDENTITY, &dress->backdrop, scratch);
  gst_video_frame_unmap (&map);
}

static void
set_overlay (MxrDress *dress, MxrOverlayKind kind, MxrImage *image, bool is_left, bool is_top)
{
  MxrOverlay *overlay = &dress->overlays[kind];

  g_clear_pointer (&overlay->image, mxr_image_free);
  overlay->serial = 0;
  if (image == NULL)
    return;
  overlay->image = image;
  overlay->rect = place_overlay (dress, is_left, is_top, image->picture.w, image->picture.h);
  overlay->serial = ++dress->serial;
}

static void
paint_scaled (cairo_surface_t *from, cairo_surface_t *to, double scale_x, double scale_y)
{
  cairo_t *cr = cairo_create (to);

  cairo_scale (cr, scale_x, scale_y);
  cairo_set_source_surface (cr, from, 0, 0);
  cairo_pattern_set_filter (cairo_get_source (cr), CAIRO_FILTER_GOOD);
  cairo_pattern_set_extend (cairo_get_source (cr), CAIRO_EXTEND_PAD); /* edges stay as they are */
  cairo_set_operator (cr, CAIRO_OPERATOR_SOURCE);
  cairo_paint (cr);
  cairo_destroy (cr);
}

/* By cairo, as libyuv skips pixels of this format beyond 2:1. Colours are multiplied by alpha before, or those of transparent
 * pixels would bleed in at the edges. */
static MxrImage *
scale_logo (const GstVideoFrame *frame, int w, int h)
{
  int from_w = GST_VIDEO_FRAME_WIDTH (frame), from_h = GST_VIDEO_FRAME_HEIGHT (frame);
  cairo_surface_t *whole = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, from_w, from_h);
  cairo_surface_t *scaled = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, w, h);

  ARGBAttenuate (GST_VIDEO_FRAME_PLANE_DATA (frame, 0), GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0),
                 cairo_image_surface_get_data (whole), cairo_image_surface_get_stride (whole), from_w, from_h);
  cairo_surface_mark_dirty (whole);
  paint_scaled (whole, scaled, (double) w / from_w, (double) h / from_h);
  MxrImage *image = mxr_image_new (scaled, true);
  cairo_surface_destroy (whole);
  cairo_surface_destroy (scaled);
  return image;
}

static void
fit_logo (MxrDress *dress)
{
  const MxrTileMixLook *wanted = dress->look != NULL ? &dress->look->wanted : NULL;
  GstVideoInfo info;
  GstVideoFrame map;

  set_overlay (dress, MXR_OVERLAY_LOGO, NULL, false, false);
  if (wanted == NULL || !is_of_format (wanted->logo, GST_VIDEO_FORMAT_BGRA, &info) ||
      !gst_video_frame_map (&map, &info, gst_sample_get_buffer (wanted->logo), GST_MAP_READ))
    return;
  int max_w = overlay_max_w (dress), max_h = dress->height - 2 * safe_px (dress, dress->height);
  double scale = MIN (MIN (wanted->logo_height * dress->height, max_h) / info.height, (double) max_w / info.width);
  int w = (int) (info.width * scale + 0.5) & ~1, h = (int) (info.height * scale + 0.5) & ~1;
  if (w >= 2 && h >= 2)
    set_overlay (dress, MXR_OVERLAY_LOGO, scale_logo (&map, w, h), wanted->logo_is_left, wanted->logo_is_top);
  gst_video_frame_unmap (&map);
}

/* ---- The dress ------------------------------------------------------------------------------------------------ */

void
mxr_dress_clear (MxrDress *dress)
{
  for (guint i = 0; i < MXR_N_OVERLAYS; i++)
    g_clear_pointer (&dress->overlays[i].image, mxr_image_free);
  g_clear_pointer (&dress->backdrop.data[0], g_free);
  g_clear_pointer (&dress->look, mxr_look_unref);
}

static bool
is_same_logo (const MxrTileMixLook *a, const MxrTileMixLook *b)
{
  return a->logo == b->logo && a->logo_is_left == b->logo_is_left && a->logo_is_top == b->logo_is_top &&
         a->logo_height == b->logo_height && a->safe_margin == b->safe_margin;
}

void
mxr_dress_fit (MxrDress *dress, MxrLook *look, int width, int height, MxrScratch *scratch)
{
  static const MxrTileMixLook plain = { 0 };
  bool is_resized = width != dress->width || height != dress->height;
  MxrLook *old = dress->look;

  if (look == old && !is_resized)
    return;
  const MxrTileMixLook *before = old != NULL ? &old->wanted : &plain, *now = look != NULL ? &look->wanted : &plain;
  dress->look = look != NULL ? g_atomic_rc_box_acquire (look) : NULL;
  dress->width = width;
  dress->height = height;
  if (is_resized || before->background_image != now->background_image)
    fit_backdrop (dress, scratch);
  if (is_resized || !is_same_logo (before, now))
    fit_logo (dress);
  set_overlay (dress, MXR_OVERLAY_CLOCK, NULL, false, false);
  g_clear_pointer (&old, mxr_look_unref);
}

void
mxr_dress_set_time (MxrDress *dress, gint64 wall_us, MxrImageCache *images)
{
  gint64 wall_s = wall_us / G_USEC_PER_SEC;

  if (!mxr_dress_has_clock (dress) || (dress->overlays[MXR_OVERLAY_CLOCK].serial != 0 && wall_s == dress->clock_s))
    return;
  const MxrTileMixLook *wanted = &dress->look->wanted;
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (wall_s);
  g_autofree char *text = time != NULL ? g_date_time_format (time, "%H:%M:%S") : NULL;
  g_autoptr (MxrImage) image =
      text != NULL ? mxr_clock_draw (mxr_image_cache_get_fonts (images), text, dress->width, dress->height) : NULL;
  if (image == NULL || image->picture.w > overlay_max_w (dress) || image->picture.h > dress->height / 2)
    return;
  set_overlay (dress, MXR_OVERLAY_CLOCK, g_steal_pointer (&image), !wanted->logo_is_left, wanted->logo_is_top);
  dress->clock_s = wall_s;
}
