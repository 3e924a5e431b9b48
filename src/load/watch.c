#include "watch.h"

#include <opus.h>

#include "tone.h"

static void
note_gap (MxrWatch *watch, gint64 gap_us)
{
  watch->longest_gap_us = MAX (watch->longest_gap_us, gap_us);
  watch->freezes += gap_us > MXR_WATCH_FREEZE_US;
}

/* Late packets belong to frames that were counted. */
static bool
begins_frame (const MxrWatch *watch, const MxrRtpView *view, guint64 extended_seq)
{
  return watch->last_frame_us == 0 || (extended_seq > watch->last_seq && view->timestamp != watch->last_timestamp);
}

static guint
count_samples (const MxrRtpView *view)
{
  const int n = opus_packet_get_nb_samples (view->payload, (opus_int32) view->payload_bytes, MXR_SOUND_RATE_HZ);
  return (guint) MAX (n, 0);
}

void
mxr_watch_note (MxrWatch *watch, MxrLoadCodec codec, const MxrRtpView *view, guint64 extended_seq, gint64 now_us)
{
  watch->packets++;
  watch->bytes += view->size;
  if (watch->first_us == 0)
    watch->first_us = now_us;
  if (codec == MXR_CODEC_OPUS)
    watch->n_samples += count_samples (view);
  if (mxr_payload_starts_keyframe (codec, view->payload, view->payload_bytes)) {
    watch->keyframes++;
    if (watch->first_keyframe_us == 0)
      watch->first_keyframe_us = now_us;
  }
  if (begins_frame (watch, view, extended_seq)) {
    watch->frames++;
    if (watch->last_frame_us != 0)
      note_gap (watch, now_us - watch->last_frame_us);
    watch->last_frame_us = now_us;
    watch->last_timestamp = view->timestamp;
  }
  watch->last_seq = MAX (watch->last_seq, extended_seq);
}

void
mxr_watch_begin (MxrWatch *watch)
{
  watch->packets = watch->bytes = watch->frames = watch->keyframes = watch->n_samples = 0;
  watch->freezes = 0;
  watch->longest_gap_us = 0;
}

void
mxr_watch_end (MxrWatch *watch, gint64 now_us)
{
  if (watch->last_frame_us != 0)
    note_gap (watch, now_us - watch->last_frame_us);
}
