/* The earliest arrivals tell how the sender's clock stands to ours: a network holds packets up and never hurries them. Reports
 * tell how the sender's sound stands to its picture, which takes longer to encode and to send. */

#include "tap-clock.h"

#include <stdlib.h>

/* What was held up less than any before counts at once; so slowly the mark rises again, by drift of the clocks. */
#define DRIFT_PART 1024
/* Time stamps that are behind by so much for so long are no jam: the sender's clock stood still, or is another one. */
#define LATE_NS (500 * (gint64) GST_MSECOND)
#define LATE_FOR_NS (gint64) GST_SECOND
/* Arrivals of sound and picture on the sender's clock are further apart only when the reports are wrong. */
#define REPORTS_APART_NS (2 * (gint64) GST_SECOND)
/* A correction is spread: so much of the time that has passed, and beyond JUMP_NS all at once. */
#define SLEW_PART 20
#define JUMP_NS (500 * (gint64) GST_MSECOND)
#define STEP_NS (gint64) GST_MSECOND

static gint64
to_ns (MxrRtpKind kind, gint64 units)
{
  const gint64 clock_rate = kind == MXR_RTP_AUDIO ? 48000 : 90000;
  return units / clock_rate * (gint64) GST_SECOND + units % clock_rate * (gint64) GST_SECOND / clock_rate;
}

void
mxr_tap_clock_restart (MxrTapClock *clock, MxrRtpKind kind)
{
  clock->streams[kind] = (MxrTapClockStream){ .time_ns = clock->streams[kind].time_ns };
}

static void
follow_arrival (MxrTapClockStream *stream, gint64 rtp_ns, gint64 arrival_ns)
{
  const gint64 behind_ns = arrival_ns - rtp_ns - stream->earliest_ns;

  if (!stream->has_arrival || behind_ns < 0) {
    stream->earliest_ns += behind_ns;
    stream->late_from_ns = 0;
  } else if (behind_ns < LATE_NS) {
    stream->earliest_ns += behind_ns / DRIFT_PART;
    stream->late_from_ns = 0;
  } else if (stream->late_from_ns == 0) {
    stream->late_from_ns = arrival_ns;
  } else if (arrival_ns - stream->late_from_ns > LATE_FOR_NS) {
    stream->earliest_ns += behind_ns;
    stream->late_from_ns = 0;
  }
  stream->has_arrival = true;
}

/* Running time minus RTP time, as it should be. */
static gint64
find_shift (const MxrTapClock *clock, MxrRtpKind kind)
{
  const MxrTapClockStream *own = &clock->streams[kind], *other = &clock->streams[!kind];

  if (!own->has_report || !other->has_report || !other->has_arrival)
    return own->earliest_ns;
  /* running time minus the sender's clock, by each of the two */
  const gint64 by_own_ns = own->earliest_ns - own->report_ns, by_other_ns = other->earliest_ns - other->report_ns;
  if (llabs (by_own_ns - by_other_ns) > REPORTS_APART_NS)
    return own->earliest_ns;
  return MIN (by_own_ns, by_other_ns) + own->report_ns;
}

static void
apply_shift (MxrTapClockStream *stream, gint64 wanted_ns, gint64 elapsed_ns)
{
  const gint64 error_ns = wanted_ns - stream->shift_ns, most_ns = MAX (elapsed_ns, 0) / SLEW_PART;

  if (!stream->has_shift || llabs (error_ns) > JUMP_NS)
    stream->shift_ns = wanted_ns;
  else
    stream->shift_ns += CLAMP (error_ns, -most_ns, most_ns);
  stream->has_shift = true;
}

GstClockTime
mxr_tap_clock_stamp (MxrTapClock *clock, MxrRtpKind kind, guint32 rtp, gint64 arrival_ns)
{
  MxrTapClockStream *stream = &clock->streams[kind];
  const gint32 passed = stream->has_rtp ? (gint32) (rtp - stream->rtp) : 0;

  stream->has_rtp = true;
  stream->rtp = rtp;
  stream->units += passed;
  const gint64 rtp_ns = to_ns (kind, stream->units);
  follow_arrival (stream, rtp_ns, arrival_ns);
  apply_shift (stream, find_shift (clock, kind), to_ns (kind, passed));
  stream->time_ns = MAX (rtp_ns + stream->shift_ns, stream->time_ns + STEP_NS);
  return (GstClockTime) stream->time_ns;
}

void
mxr_tap_clock_report (MxrTapClock *clock, MxrRtpKind kind, guint64 ntp, guint32 rtp)
{
  MxrTapClockStream *stream = &clock->streams[kind];

  if (!stream->has_rtp)
    return;
  const gint64 ntp_ns = (gint64) ((ntp >> 32) * GST_SECOND + ((ntp & G_MAXUINT32) * GST_SECOND >> 32));
  stream->report_ns = ntp_ns - to_ns (kind, stream->units + (gint32) (rtp - stream->rtp));
  stream->has_report = true;
}
