#include "mixroom/rtp.h"

/* A sender that makes no key frames is asked in vain, and for as long as it is watched. */
#define REPEAT_LEAST_US G_USEC_PER_SEC

void
mxr_keyframe_governor_init (MxrKeyframeGovernor *governor, gint64 interval_us)
{
  *governor = (MxrKeyframeGovernor){ .interval_us = interval_us, .last_us = G_MININT64 };
}

static gint64
get_free_us (const MxrKeyframeGovernor *governor)
{
  return governor->last_us == G_MININT64 ? G_MININT64 : governor->last_us + governor->interval_us;
}

bool
mxr_keyframe_governor_request (MxrKeyframeGovernor *governor, gint64 now_us)
{
  governor->is_pending = true;
  return mxr_keyframe_governor_poll (governor, now_us);
}

gint64
mxr_keyframe_governor_next_due_us (const MxrKeyframeGovernor *governor)
{
  return governor->is_pending ? get_free_us (governor) : G_MAXINT64;
}

bool
mxr_keyframe_governor_poll (MxrKeyframeGovernor *governor, gint64 now_us)
{
  if (!governor->is_pending || now_us < get_free_us (governor))
    return false;
  governor->is_pending = false;
  governor->last_us = now_us;
  return true;
}

bool
mxr_keyframe_governor_repeat (MxrKeyframeGovernor *governor, gint64 came_us, gint64 now_us)
{
  if (governor->last_us == G_MININT64 || came_us >= governor->last_us ||
      now_us < governor->last_us + MAX (governor->interval_us, REPEAT_LEAST_US))
    return false;
  governor->is_pending = false;
  governor->last_us = now_us;
  return true;
}
