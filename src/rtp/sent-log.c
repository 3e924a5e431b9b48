#include "bandwidth-private.h"

#include "rtp-private.h"

/* Returns: false for a number that was sent before: without RTX a repetition has its packet's own. */
bool
mxr_sent_log_add (MxrSentLog *log, guint16 seq, gsize n_bytes, guint probe, gint64 now_us)
{
  /* One cycle up, so that there is something below the first one. */
  const guint64 index = log->has_any ? mxr_seq_nearest (log->highest, seq) : ((guint64) 1 << 16) + seq;

  if (log->has_any && index <= log->highest)
    return false;
  log->has_any = true;
  log->highest = index;
  log->packets[index % MXR_SENT_PACKETS] = (MxrSentPacket){ .sent_us = now_us,
                                                            .index = (guint32) index,
                                                            .probe = probe,
                                                            .n_bytes = (guint16) MIN (n_bytes, G_MAXUINT16) };
  return true;
}

/* Returns: (nullable): %NULL when it was never sent or too long ago. */
MxrSentPacket *
mxr_sent_log_find (MxrSentLog *log, guint16 seq)
{
  if (!log->has_any)
    return NULL;
  const guint64 index = mxr_seq_nearest (log->highest, seq);
  MxrSentPacket *packet = &log->packets[index % MXR_SENT_PACKETS];
  return packet->sent_us != 0 && packet->index == (guint32) index ? packet : NULL;
}

/* Returns: how many numbers from @seq on cannot be in the log; 0: @seq may be. */
guint
mxr_sent_log_count_unknown (const MxrSentLog *log, guint16 seq)
{
  const guint16 oldest = (guint16) (log->highest - MXR_SENT_PACKETS + 1);
  const guint distance = (guint16) (seq - oldest);

  return log->has_any && distance < MXR_SENT_PACKETS ? 0 : (1 << 16) - distance;
}
