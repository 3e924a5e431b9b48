#include "frame-watch.h"

#define OPCODE_MASK 0x0f
#define OPCODE_CONTINUATION 0x0
#define OPCODE_CONTROL_BIT 0x08
#define BIT_FIN 0x80
#define BIT_MASKED 0x80
#define LENGTH_MASK 0x7f

/* Bytes of the header, as far as its first two tell. */
static guint
header_size (const MxrFrameWatch *watch)
{
  if (watch->n_header < 2)
    return 2;
  guint length = watch->header[1] & LENGTH_MASK;
  return 2 + (length == 127 ? 8 : length == 126 ? 2 : 0) + ((watch->header[1] & BIT_MASKED) != 0 ? 4 : 0);
}

static guint64
payload_size (const MxrFrameWatch *watch)
{
  guint length = watch->header[1] & LENGTH_MASK;
  guint n_bytes = length == 127 ? 8 : length == 126 ? 2 : 0;
  guint64 size = 0;

  if (n_bytes == 0)
    return length;
  for (guint i = 0; i < n_bytes; i++)
    size = size << 8 | watch->header[2 + i];
  return size;
}

static MxrFrameVerdict
begin_frame (MxrFrameWatch *watch, const MxrFrameLimits *limits, gint64 now_us)
{
  guint opcode = watch->header[0] & OPCODE_MASK;
  bool is_control = (opcode & OPCODE_CONTROL_BIT) != 0;

  watch->payload_left = payload_size (watch);
  watch->counts_as_data = !is_control;
  if (limits->frames_per_second > 0 && opcode != OPCODE_CONTINUATION &&
      !mxr_bucket_take (&watch->rate, limits->frames_per_second, 4.0 * limits->frames_per_second, now_us))
    return MXR_FRAME_TOO_FAST;
  if (is_control)
    return limits->max_message_bytes > 0 && watch->payload_left > 125 ? MXR_FRAME_TOO_BIG : MXR_FRAME_OK;

  if (opcode != OPCODE_CONTINUATION)
    watch->message_bytes = watch->n_fragments = 0;
  /* Compared by subtraction: a length of 2^64 - 1 must not wrap. */
  if (limits->max_message_bytes > 0 && watch->payload_left > limits->max_message_bytes - watch->message_bytes)
    return MXR_FRAME_TOO_BIG;
  watch->message_bytes += watch->payload_left;
  if (limits->max_message_bytes > 0 && ++watch->n_fragments > MXR_FRAME_MAX_FRAGMENTS)
    return MXR_FRAME_TOO_MANY;
  return MXR_FRAME_OK;
}

MxrFrameVerdict
mxr_frame_watch_feed (MxrFrameWatch *watch, const MxrFrameLimits *limits, const guint8 *bytes, gsize n_bytes,
                      gint64 now_us)
{
  for (gsize at = 0; at < n_bytes;) {
    if (watch->payload_left > 0) {
      gsize skipped = MIN (watch->payload_left, n_bytes - at);
      watch->payload_left -= skipped;
      watch->data_bytes += watch->counts_as_data ? skipped : 0;
      at += skipped;
      continue;
    }
    watch->header[watch->n_header++] = bytes[at++];
    if (watch->n_header < header_size (watch))
      continue;
    MxrFrameVerdict verdict = begin_frame (watch, limits, now_us);
    watch->n_header = 0;
    if (verdict != MXR_FRAME_OK)
      return verdict;
  }
  return MXR_FRAME_OK;
}
