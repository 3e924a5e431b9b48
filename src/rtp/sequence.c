#include "rtp-private.h"

#include <string.h>

#define CYCLE ((guint64) 1 << 16)

/* @above: all indices will be larger, with a window's room below the first for late packets. */
void
mxr_seq_init (MxrSeqState *state, guint64 above)
{
  *state = (MxrSeqState){ .bad_seq = -1, .highest = above, .next_cycle = (above / CYCLE + 1) * CYCLE + CYCLE };
}

/* RFC 3711 3.3.1: the rollover count that puts @seq nearest to the highest index seen. */
guint64
mxr_seq_nearest (guint64 highest, guint16 seq)
{
  return highest + (guint64) (gint64) (gint16) (guint16) (seq - (guint16) highest);
}

static bool
is_seen (const MxrSeqState *state, guint64 index)
{
  return (state->seen[index % MXR_SEQ_WINDOW / 64] >> (index % 64) & 1) != 0;
}

static void
set_seen (MxrSeqState *state, guint64 index, bool seen)
{
  const guint64 bit = (guint64) 1 << (index % 64);
  if (seen)
    state->seen[index % MXR_SEQ_WINDOW / 64] |= bit;
  else
    state->seen[index % MXR_SEQ_WINDOW / 64] &= ~bit;
}

static MxrSeqResult
restart (MxrSeqState *state, guint16 seq, guint64 *out_index)
{
  const guint64 index = state->next_cycle | seq;

  memset (state->seen, 0, sizeof state->seen);
  set_seen (state, index, true);
  state->started = true;
  state->bad_seq = -1;
  state->highest = index;
  *out_index = index;
  return MXR_SEQ_RESTARTED;
}

/* RFC 3550 A.1 without probation: what gets here was authenticated. */
MxrSeqResult
mxr_seq_update (MxrSeqState *state, guint16 seq, bool may_restart, guint64 *out_index)
{
  if (!state->started)
    return may_restart ? restart (state, seq, out_index) : MXR_SEQ_REFUSED;

  const guint64 index = mxr_seq_nearest (state->highest, seq);
  const gint64 step = (gint64) (index - state->highest);

  if (step > MXR_SEQ_MAX_DROPOUT || step <= -MXR_SEQ_WINDOW) {
    if (may_restart && seq == state->bad_seq) {
      state->next_cycle = (state->highest / CYCLE + 2) * CYCLE;
      return restart (state, seq, out_index);
    }
    if (may_restart)
      state->bad_seq = (guint16) (seq + 1);
    return MXR_SEQ_REFUSED;
  }
  if (step <= 0 && is_seen (state, index))
    return MXR_SEQ_DUPLICATE;

  for (guint64 i = step > MXR_SEQ_WINDOW ? index - MXR_SEQ_WINDOW : state->highest; step > 0 && i < index;
       i++)
    set_seen (state, i + 1, false);
  set_seen (state, index, true);
  state->highest = MAX (state->highest, index);
  if (may_restart)
    state->bad_seq = -1;
  *out_index = index;
  return step > 0 ? MXR_SEQ_ADVANCED : MXR_SEQ_LATE;
}
