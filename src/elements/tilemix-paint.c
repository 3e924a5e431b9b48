#include "tilemix-paint.h"

#include "avatar.h"

void
mxr_ground_fill (const MxrGround *ground, const MxrPicture *canvas, const MxrRect *rect)
{
  if (rect->w <= 0 || rect->h <= 0)
    return;
  MxrPicture to = mxr_picture_region (canvas, rect);
  if (ground->picture.data[0] == NULL) {
    mxr_picture_fill (&to, ground->colour);
    return;
  }
  MxrPicture from = mxr_picture_region (&ground->picture, rect);
  mxr_picture_copy (&from, &to);
}

/* All of @tile but @picture, which is as wide or as high as the tile. */
static void
fill_bars (const MxrGround *ground, const MxrPicture *canvas, const MxrRect *tile, const MxrRect *picture)
{
  int right = picture->x + picture->w, below = picture->y + picture->h;
  const MxrRect bars[] = { { tile->x, tile->y, picture->x - tile->x, tile->h },
                           { right, tile->y, tile->x + tile->w - right, tile->h },
                           { tile->x, tile->y, tile->w, picture->y - tile->y },
                           { tile->x, below, tile->w, tile->y + tile->h - below } };

  for (guint i = 0; i < G_N_ELEMENTS (bars); i++)
    mxr_ground_fill (ground, canvas, &bars[i]);
}

bool
mxr_paint_frame (const MxrFrame *frame, const MxrGround *ground, const MxrRect *tile, const MxrPicture *canvas,
                 MxrScratch *scratch)
{
  GstVideoFrame map;
  MxrFit fit;

  if (!gst_video_frame_map (&map, &frame->info, frame->buffer, GST_MAP_READ)) {
    mxr_ground_fill (ground, canvas, tile); /* shorter than its caps say */
    return false;
  }
  mxr_tile_fit (GST_VIDEO_INFO_WIDTH (&frame->info), GST_VIDEO_INFO_HEIGHT (&frame->info),
                GST_VIDEO_INFO_PAR_N (&frame->info), GST_VIDEO_INFO_PAR_D (&frame->info), frame->orientation,
                tile, &fit);
  fill_bars (ground, canvas, tile, &fit.picture);
  MxrPicture source = mxr_picture_from_frame (&map);
  MxrPicture from = mxr_picture_region (&source, &fit.crop);
  MxrPicture to = mxr_picture_region (canvas, &fit.picture);
  mxr_picture_draw (&from, frame->orientation, &to, scratch);
  gst_video_frame_unmap (&map);
  return true;
}

bool
mxr_paint_avatar (MxrImageCache *images, const char *title, const MxrPicture *to, guint *budget)
{
  const MxrImage *image = mxr_image_cache_get (images, mxr_avatar_draw, title, to->w, to->h, budget);

  if (image == NULL) {
    mxr_picture_fill (to, mxr_colour_from_rgb (mxr_avatar_colour (title)));
    return false;
  }
  mxr_picture_copy (&image->picture, to);
  return true;
}

bool
mxr_paint_label (MxrImageCache *images, const char *title, MxrTileMixLabels labels, const MxrInsets *insets,
                 const MxrRect *tile, const MxrPicture *canvas, guint *budget)
{
  MxrImageFunc draw = labels == MXR_TILEMIX_LABELS_LOWER_THIRD ? mxr_lower_third_draw : mxr_label_draw;
  MxrRect room = mxr_label_get_room (tile, labels, insets), place;
  const MxrImage *image = mxr_image_cache_get (images, draw, title, room.w, tile->h, budget);

  if (image == NULL)
    return false;
  if (mxr_label_place (&room, image, &place)) {
    MxrPicture to = mxr_picture_region (canvas, &place);
    mxr_image_blend (image, &to);
  }
  return true;
}
