#include "tilemix-tiles.h"

#include <string.h>

/* ---- Inputs ----------------------------------------------------------------------------------------- */

void
mxr_source_clear (MxrSource *source)
{
  gst_clear_buffer (&source->frame.buffer);
  g_clear_pointer (&source->title, g_ref_string_release);
}

static int
compare_z (gconstpointer a, gconstpointer b, gpointer data)
{
  const MxrTile *one = a, *other = b;
  return (one->z > other->z) - (one->z < other->z);
}

MxrTileList *
mxr_tile_list_new (const MxrTile *tiles, guint n_tiles)
{
  n_tiles = MIN (n_tiles, MXR_TILES_MAX);
  MxrTileList *list = g_atomic_rc_box_alloc0 (sizeof (MxrTileList) + n_tiles * sizeof (MxrTile));

  list->n_tiles = n_tiles;
  if (n_tiles > 0) {
    memcpy (list->tiles, tiles, n_tiles * sizeof (MxrTile));
    g_qsort_with_data (list->tiles, (int) n_tiles, sizeof (MxrTile), compare_z, NULL); /* stable */
  }
  return list;
}

void
mxr_tile_list_unref (MxrTileList *list)
{
  g_atomic_rc_box_release (list);
}

bool
mxr_tile_cut_to_canvas (const MxrTile *tile, int width, int height, MxrRect *out_rect)
{
  gint64 right = (gint64) tile->x + tile->w, bottom = (gint64) tile->y + tile->h;
  int x = CLAMP (tile->x, 0, width) & ~1, y = CLAMP (tile->y, 0, height) & ~1;
  int w = ((int) CLAMP (right, 0, width) & ~1) - x, h = ((int) CLAMP (bottom, 0, height) & ~1) - y;

  *out_rect = (MxrRect){ x, y, w, h };
  return tile->w > 0 && tile->h > 0 && w > 0 && h > 0;
}
