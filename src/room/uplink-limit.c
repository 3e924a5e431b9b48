/* How large a participant's picture is shown, and so the most that its sender is to send. What is sent beyond it is encoded,
 * carried and decoded for nobody: of 360p a decoder has four times the work of 180p. */

#include "room-private.h"

#include <stdlib.h>

/* Bitrates at which people's faces look well in VP8 and H.264, 16:9: the rungs of the design, where 180p has half the
 * frame rate. Between them by the number of pixels. */
static const struct {
  guint n_pixels;
  guint bitrate_bps;
} steps[] = {
  { 320 * 180, 150000 },
  { 640 * 360, 600000 },
  { 1280 * 720, 1500000 },
};
/* Below, faces fall apart before bits are saved. */
#define BITRATE_MIN_BPS 60000

/* Tiles of so many rows are thumbnails: half the frames do. */
#define THUMBNAIL_ROWS 180

/* A change of less is not worth the key frame that it costs: nobody sees the difference. */
#define CHANGE_PERCENT 10
/* Somebody who leaves and comes back, or a speaker's tile that goes round, shall not make cameras change each time. */
#define SHRINK_DELAY_US (3 * G_TIME_SPAN_SECOND)

static guint
interpolate (guint n_pixels, guint i)
{
  guint64 above = n_pixels - steps[i].n_pixels;
  guint64 rise_bps = steps[i + 1].bitrate_bps - steps[i].bitrate_bps;
  return steps[i].bitrate_bps + (guint) (above * rise_bps / (steps[i + 1].n_pixels - steps[i].n_pixels));
}

static guint
bitrate_of (guint n_pixels)
{
  const guint last = G_N_ELEMENTS (steps) - 1;
  guint i = 0;

  if (n_pixels < steps[0].n_pixels)
    return MAX ((guint) ((guint64) steps[0].bitrate_bps * n_pixels / steps[0].n_pixels), BITRATE_MIN_BPS);
  while (i < last && n_pixels >= steps[i + 1].n_pixels)
    i++;
  if (i < last)
    return interpolate (n_pixels, i);
  return (guint) ((guint64) steps[last].bitrate_bps * n_pixels / steps[last].n_pixels);
}

void
mxr_uplink_limit_of_tile (guint width_px, guint height_px, guint framerate, guint least_bps, MxrUplinkLimit *out_limit)
{
  *out_limit = (MxrUplinkLimit){ 0 };
  if (width_px == 0 || height_px == 0)
    return;
  /* Of exactly the tile's size: then the mixer copies and does not scale. */
  out_limit->width_px = width_px;
  out_limit->height_px = height_px;
  out_limit->framerate = height_px <= THUMBNAIL_ROWS ? (framerate + 1) / 2 : framerate;
  out_limit->bitrate_bps = MAX (bitrate_of (width_px * height_px), least_bps);
}

static bool
differs (guint a, guint b)
{
  return (guint) abs ((int) a - (int) b) * 100 > CHANGE_PERCENT * MAX (a, b);
}

bool
mxr_uplink_limiter_update (MxrUplinkLimiter *limiter, const MxrUplinkLimit *needed, gint64 now_us)
{
  const MxrUplinkLimit *told = &limiter->told;
  bool has_size = needed->width_px == told->width_px && needed->height_px == told->height_px;
  bool is_close = !differs (needed->width_px, told->width_px) && !differs (needed->height_px, told->height_px) &&
                  !(has_size && differs (needed->bitrate_bps, told->bitrate_bps)); /* as a downlink carries it */
  bool grows = needed->width_px > told->width_px || needed->height_px > told->height_px ||
               (has_size && needed->bitrate_bps > told->bitrate_bps);

  if (limiter->is_told && is_close) {
    limiter->due_us = 0;
    return false;
  }
  if (limiter->is_told && !grows) {
    if (limiter->due_us == 0)
      limiter->due_us = now_us + SHRINK_DELAY_US;
    if (now_us < limiter->due_us)
      return false;
  }
  *limiter = (MxrUplinkLimiter){ .told = *needed, .is_told = true };
  return true;
}
