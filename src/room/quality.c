/* How good somebody's connection is, in one word that others may see: bad news soon, good news when it has lasted. */

#include "ladder.h"

/* What people notice: sound with gaps, talk across a delay, a picture that stands still. */
#define BAD_LOSS 0.10
#define BAD_ROUND_TRIP_MS 800
#define BAD_QUEUE_MS 500
#define POOR_LOSS 0.04
#define POOR_ROUND_TRIP_MS 400
#define POOR_QUEUE_MS 200

#define WORSE_AFTER_US G_TIME_SPAN_SECOND
#define BETTER_AFTER_US (5 * G_TIME_SPAN_SECOND)
/* Two changes at least so far apart. */
#define TELL_US G_TIME_SPAN_SECOND

static MxrQuality
judge (const MxrQualityInput *input)
{
  double loss = MAX (input->loss_up, input->loss_down);

  if (!input->is_connected)
    return MXR_QUALITY_UNKNOWN;
  if (input->is_silent)
    return MXR_QUALITY_LOST;
  if (input->kind != MXR_RUNG_VIDEO || loss > BAD_LOSS || input->rtt_ms > BAD_ROUND_TRIP_MS || input->queue_ms > BAD_QUEUE_MS)
    return MXR_QUALITY_BAD;
  if (input->is_lowered || loss > POOR_LOSS || input->rtt_ms > POOR_ROUND_TRIP_MS || input->queue_ms > POOR_QUEUE_MS)
    return MXR_QUALITY_POOR;
  return MXR_QUALITY_GOOD;
}

/* Silence was waited for already, and its end needs no proof. */
static gint64
get_hold_us (MxrQuality told, MxrQuality now)
{
  if (now == MXR_QUALITY_LOST || told == MXR_QUALITY_LOST || now == MXR_QUALITY_UNKNOWN || told == MXR_QUALITY_UNKNOWN)
    return 0;
  return now < told ? WORSE_AFTER_US : BETTER_AFTER_US;
}

bool
mxr_quality_update (MxrQualityMeter *meter, const MxrQualityInput *input, gint64 now_us)
{
  MxrQuality now = judge (input);
  bool is_better = now > meter->told;

  if (now == meter->told) {
    meter->changed_us = 0;
    return false;
  }
  /* From good to poor and on to bad is one way down, and does not begin anew at each step. */
  if (meter->changed_us == 0 || is_better != meter->is_better)
    meter->changed_us = now_us;
  meter->is_better = is_better;
  if (now_us - meter->changed_us < get_hold_us (meter->told, now) || (meter->told_us != 0 && now_us - meter->told_us < TELL_US))
    return false;
  meter->told = now;
  meter->told_us = now_us;
  meter->changed_us = 0;
  return true;
}
