#include "overlay.h"

static MxrPicture
picture_of (const MxrUnder *under)
{
  int w = under->rect.w, h = under->rect.h;
  gsize luma = (gsize) w * h;

  return (MxrPicture){ { under->bytes, under->bytes + luma, under->bytes + luma * 5 / 4 }, { w, w / 2, w / 2 }, w, h };
}

void
mxr_under_clear (MxrUnder *under)
{
  g_clear_pointer (&under->bytes, g_free);
  under->n_bytes = 0;
  under->serial = 0;
}

void
mxr_overlay_lay (const MxrOverlay *overlay, MxrUnder *under, const MxrPicture *canvas)
{
  gsize n_bytes = (gsize) overlay->rect.w * overlay->rect.h * 3 / 2;
  MxrPicture place = mxr_picture_region (canvas, &overlay->rect);

  if (under->n_bytes < n_bytes) {
    g_free (under->bytes);
    under->bytes = g_malloc (n_bytes);
    under->n_bytes = n_bytes;
  }
  under->serial = overlay->serial;
  under->rect = overlay->rect;
  MxrPicture kept = picture_of (under);
  mxr_picture_copy (&place, &kept);
  mxr_image_blend (overlay->image, &place);
}

void
mxr_overlay_lift (MxrUnder *under, const MxrPicture *canvas)
{
  MxrPicture kept = picture_of (under);
  MxrPicture place = mxr_picture_region (canvas, &under->rect);

  mxr_picture_copy (&kept, &place);
  under->serial = 0;
}

void
mxr_under_patch (const MxrUnder *under, const MxrRect *rect, const MxrPicture *to)
{
  int x = MAX (under->rect.x, rect->x), y = MAX (under->rect.y, rect->y);
  int right = MIN (under->rect.x + under->rect.w, rect->x + rect->w);
  int bottom = MIN (under->rect.y + under->rect.h, rect->y + rect->h);

  if (under->serial == 0 || x >= right || y >= bottom)
    return;
  const MxrRect in_kept = { x - under->rect.x, y - under->rect.y, right - x, bottom - y };
  const MxrRect in_copy = { x - rect->x, y - rect->y, right - x, bottom - y };
  MxrPicture kept = picture_of (under);
  MxrPicture from = mxr_picture_region (&kept, &in_kept);
  MxrPicture place = mxr_picture_region (to, &in_copy);
  mxr_picture_copy (&from, &place);
}
