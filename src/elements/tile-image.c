#include "tile-image.h"

#include <libyuv.h>
#include <pango/pangocairo.h>
#include <string.h>

/* Two images (avatar, label) a tile for the views of a room, and some more so that people who come and go
 * between sizes are not drawn anew each time. */
#define CACHE_MAX_IMAGES 256
/* What they may take together: a screen full of avatars for a few large views [bytes]. */
#define CACHE_MAX_BYTES (64 * 1024 * 1024)

typedef struct {
  MxrImageFunc draw;
  const char *title;
  int w, h;
} Key;

typedef struct {
  Key key;     /* first, so that an entry is its own key; owns the title */
  guint64 use; /* when it was asked for last, in calls */
  MxrImage *image;
} Entry;

struct _MxrImageCache {
  PangoFontMap *fonts;
  GHashTable *entries; /* Entry of itself */
  guint64 n_calls;
  gsize n_bytes;
};

/* Chroma of four pixels is their mean by alpha: at the edge of a letter the colour of what cannot be seen is no part of it.
 * That is the mean before the colours are divided by alpha. */
static void
fill_alpha_chroma (MxrImage *image, const guint8 *argb, int stride)
{
  int w = image->picture.w / 2, h = image->picture.h / 2;
  g_autofree guint8 *half = g_malloc ((gsize) w * h * 4);
  g_autofree guint8 *luma = g_malloc ((gsize) w * h);

  ARGBScale (argb, stride, 2 * w, 2 * h, half, 4 * w, w, h, kFilterBox);
  ARGBExtractAlpha (half, 4 * w, image->alpha_half, w, w, h);
  ARGBUnattenuate (half, 4 * w, half, 4 * w, w, h);
  ARGBToI444 (half, 4 * w, luma, w, image->picture.data[1], w, image->picture.data[2], w, w, h);
}

MxrImage *
mxr_image_new (cairo_surface_t *surface, bool with_alpha)
{
  cairo_surface_flush (surface);
  guint8 *argb = cairo_image_surface_get_data (surface);
  int stride = cairo_image_surface_get_stride (surface);
  int w = cairo_image_surface_get_width (surface), h = cairo_image_surface_get_height (surface);
  gsize luma = (gsize) w * h, chroma = luma / 4;
  guint8 *bytes = g_malloc (luma + 2 * chroma + (with_alpha ? luma + chroma : 0));
  MxrImage *image = g_new0 (MxrImage, 1);

  image->picture = (MxrPicture){ { bytes, bytes + luma, bytes + luma + chroma }, { w, w / 2, w / 2 }, w, h };
  if (!with_alpha) {
    ARGBToI420 (argb, stride, bytes, w, image->picture.data[1], w / 2, image->picture.data[2], w / 2, w, h);
    return image;
  }
  image->alpha = bytes + luma + 2 * chroma;
  image->alpha_half = image->alpha + luma;
  fill_alpha_chroma (image, argb, stride);
  ARGBExtractAlpha (argb, stride, image->alpha, w, w, h);
  ARGBUnattenuate (argb, stride, argb, stride, w, h);
  ARGBToI400 (argb, stride, bytes, w, w, h);
  return image;
}

void
mxr_image_blend (const MxrImage *image, const MxrPicture *to)
{
  for (int i = 0; i < 3; i++) {
    const guint8 *alpha = i == 0 ? image->alpha : image->alpha_half;
    int w = i == 0 ? to->w : to->w / 2, h = i == 0 ? to->h : to->h / 2;
    BlendPlane (image->picture.data[i], image->picture.stride[i], to->data[i], to->stride[i], alpha, w, to->data[i],
                to->stride[i], w, h);
  }
}

void
mxr_image_free (MxrImage *image)
{
  g_free (image->picture.data[0]);
  g_free (image);
}

PangoLayout *
mxr_text_layout (PangoFontMap *fonts, const char *text, int height_px, bool bold)
{
  PangoContext *context = pango_font_map_create_context (fonts);
  PangoLayout *layout = pango_layout_new (context);
  PangoFontDescription *font = pango_font_description_new ();

  pango_font_description_set_family_static (font, "sans");
  pango_font_description_set_weight (font, bold ? PANGO_WEIGHT_SEMIBOLD : PANGO_WEIGHT_NORMAL);
  pango_font_description_set_absolute_size (font, height_px * PANGO_SCALE);
  pango_layout_set_font_description (layout, font);
  pango_layout_set_single_paragraph_mode (layout, TRUE);
  pango_layout_set_text (layout, text, -1);
  pango_font_description_free (font);
  g_object_unref (context);
  return layout;
}

PangoFontMap *
mxr_image_cache_get_fonts (MxrImageCache *cache)
{
  return cache->fonts;
}

static guint
key_hash (gconstpointer data)
{
  const Key *key = data;
  return g_str_hash (key->title) ^ (guint) key->w * 31 ^ (guint) key->h * 8191 ^
         g_direct_hash ((gpointer) key->draw);
}

static gboolean
key_equal (gconstpointer a, gconstpointer b)
{
  const Key *one = a, *other = b;
  return one->draw == other->draw && one->w == other->w && one->h == other->h &&
         strcmp (one->title, other->title) == 0;
}

static void
entry_free (gpointer data)
{
  Entry *entry = data;
  g_free ((char *) entry->key.title);
  mxr_image_free (entry->image);
  g_free (entry);
}

static gsize
image_bytes (const MxrImage *image)
{
  return (gsize) image->picture.w * image->picture.h * (image->alpha != NULL ? 11 : 6) / 4;
}

MxrImageCache *
mxr_image_cache_new (void)
{
  MxrImageCache *cache = g_new0 (MxrImageCache, 1);
  cache->fonts = pango_cairo_font_map_new ();
  cache->entries = g_hash_table_new_full (key_hash, key_equal, NULL, entry_free);
  return cache;
}

void
mxr_image_cache_free (MxrImageCache *cache)
{
  g_hash_table_unref (cache->entries);
  g_object_unref (cache->fonts);
  g_free (cache);
}

static void
evict_oldest (MxrImageCache *cache)
{
  GHashTableIter iter;
  Entry *entry, *oldest = NULL;

  g_hash_table_iter_init (&iter, cache->entries);
  while (g_hash_table_iter_next (&iter, (gpointer *) &entry, NULL))
    if (oldest == NULL || entry->use < oldest->use)
      oldest = entry;
  if (oldest == NULL)
    return;
  cache->n_bytes -= image_bytes (oldest->image);
  g_hash_table_remove (cache->entries, oldest);
}

const MxrImage *
mxr_image_cache_get (MxrImageCache *cache, MxrImageFunc draw, const char *title, int w, int h, guint *budget)
{
  const Key key = { draw, title, w, h };
  Entry *entry = g_hash_table_lookup (cache->entries, &key);

  if (entry == NULL) {
    if (*budget == 0)
      return NULL;
    (*budget)--;
    entry = g_new0 (Entry, 1);
    entry->key = key;
    entry->key.title = g_strdup (title);
    entry->image = draw (cache->fonts, title, w, h);
    cache->n_bytes += image_bytes (entry->image);
    while (g_hash_table_size (cache->entries) >= CACHE_MAX_IMAGES ||
           (cache->n_bytes > CACHE_MAX_BYTES && g_hash_table_size (cache->entries) > 0))
      evict_oldest (cache);
    g_hash_table_add (cache->entries, entry);
  }
  entry->use = ++cache->n_calls;
  return entry->image;
}
