/* Which of the pictures a client gets: down at once when its connection carries no more, up again when it has carried
 * enough for a while, and later each time that this turned out wrong. */

#include "ladder.h"

/* Beside picture and sound: retransmissions and probes. What gets lost is sent again, on top. */
#define REPAIRS_SHARE 0.05
#define LOSS_COUNTED_MAX 0.5
/* What waits in the server is to leave within this time, beside what comes anew. */
#define DRAINED_MS 2000.0

/* An estimate swings: after one sign of a queue it is 85 % of what has arrived, and back a second later. */
#define FAR_TOO_LITTLE 0.75
#define TOO_LITTLE 0.9
/* Less than needed, and packets wait on the way: it grows. */
#define QUEUE_MS 100
#define SHORT_US G_TIME_SPAN_SECOND

/* The step up that is just enough would be taken back by the next swing. */
#define MARGIN 1.02
#define ENOUGH_US (2 * G_TIME_SPAN_SECOND)
/* What is probed for, so that the margin can be seen. */
#define PROBED 1.3
#define WANTED_STEP_BPS 10000 /* what is wanted is told again only where it has changed by so much */

/* A step up that is taken back within this time has failed: the estimate had promised too much. */
#define FAILED_US (10 * G_TIME_SPAN_SECOND)
#define BACKOFF_MIN_US (5 * G_TIME_SPAN_SECOND)
#define BACKOFF_MAX_US (60 * G_TIME_SPAN_SECOND)
/* An estimate so much higher than the one that failed is news, and not waited with. */
#define NEWS 1.5

/* Repairs cannot keep up with so much loss, and the fewer packets a frame has the sooner one is whole. */
#define LOSS_TOO_MUCH 0.25
#define LOSS_US (2 * G_TIME_SPAN_SECOND)
/* Without queues, what is missing was lost and not held up. */
#define LOSS_IS_CAUSE 0.10

/* Who has told nothing in this time never will, and is sent what everybody was sent before there were estimates. */
#define UNMEASURED_US (5 * G_TIME_SPAN_SECOND)

static double
get_overhead (const MxrPeerBandwidth *bandwidth)
{
  return 1 + REPAIRS_SHARE + CLAMP (bandwidth->loss, 0, LOSS_COUNTED_MAX);
}

/* [bit/s], in all; nothing for sound alone, below which there is nothing. */
static double
get_need (const MxrLevels *levels, const guint *bitrates_bps, guint level, const MxrPeerBandwidth *bandwidth)
{
  return level < levels->n ? ((double) bitrates_bps[level] + levels->sound_bps) * get_overhead (bandwidth) : 0;
}

static guint
find_carried (const MxrLevels *levels, const guint *bitrates_bps, guint from, double margin, const MxrPeerBandwidth *bandwidth)
{
  guint level = from;

  while (level < levels->n && bandwidth->estimate_bps < margin * get_need (levels, bitrates_bps, level, bandwidth))
    level++;
  return level;
}

guint
mxr_ladder_get_carried_bps (const MxrLevels *levels, const MxrPeerBandwidth *bandwidth)
{
  if (!bandwidth->is_measured)
    return G_MAXUINT;
  double waiting_bps = bandwidth->estimate_bps * MIN (bandwidth->paced_ms / DRAINED_MS, 1);
  double carried_bps = (bandwidth->estimate_bps - waiting_bps) / get_overhead (bandwidth) - levels->sound_bps;
  return (guint) MAX (carried_bps, 0);
}

void
mxr_ladder_begin (MxrLadder *ladder, const MxrLevels *levels, guint believed_bps)
{
  guint least_bps[MXR_LEVELS_MAX];
  const MxrPeerBandwidth belief = { .estimate_bps = believed_bps };

  for (guint i = 0; i < levels->n; i++)
    least_bps[i] = levels->levels[i].least_bps;
  *ladder = (MxrLadder){ .level = find_carried (levels, least_bps, 0, 1, &belief) };
  ladder->reason = ladder->level > 0 ? MXR_RUNG_REASON_BANDWIDTH : MXR_RUNG_REASON_BEST;
}

/* ---- Down -------------------------------------------------------------------------------------------------- */

/* Returns: whether @is_so has been for @hold_us; @from_us keeps since when. */
static bool
has_lasted (gint64 *from_us, bool is_so, gint64 hold_us, gint64 now_us)
{
  if (!is_so)
    *from_us = 0;
  else if (*from_us == 0)
    *from_us = now_us;
  return is_so && now_us - *from_us >= hold_us;
}

static bool
is_short (MxrLadder *ladder, double need_bps, const MxrPeerBandwidth *bandwidth, gint64 now_us)
{
  bool is_tight = bandwidth->estimate_bps < (bandwidth->queue_ms > QUEUE_MS ? 1 : TOO_LITTLE) * need_bps;
  bool was_tight = has_lasted (&ladder->short_from_us, is_tight, SHORT_US, now_us);
  return was_tight || bandwidth->estimate_bps < FAR_TOO_LITTLE * need_bps;
}

static void
step_down (MxrLadder *ladder, guint level, MxrRungReason reason, gint64 now_us)
{
  bool has_failed = ladder->stepped_up_us != 0 && now_us - ladder->stepped_up_us < FAILED_US;

  if (has_failed) {
    ladder->backoff_us = CLAMP (2 * ladder->backoff_us, BACKOFF_MIN_US, BACKOFF_MAX_US);
    ladder->may_step_up_us = now_us + ladder->backoff_us;
  } else if (ladder->stepped_up_us != 0) {
    ladder->backoff_us = ladder->may_step_up_us = 0;
  }
  ladder->stepped_up_us = 0;
  ladder->short_from_us = ladder->lossy_from_us = ladder->enough_from_us = 0;
  ladder->level = level;
  ladder->reason = reason;
}

static bool
update_down (MxrLadder *ladder, const MxrLevels *levels, const guint *bitrates_bps, const MxrPeerBandwidth *bandwidth,
             gint64 now_us)
{
  double need_bps = get_need (levels, bitrates_bps, ladder->level, bandwidth);
  bool is_lossy = has_lasted (&ladder->lossy_from_us, bandwidth->loss > LOSS_TOO_MUCH, LOSS_US, now_us);

  if (ladder->level == levels->n)
    return false;
  if (is_short (ladder, need_bps, bandwidth, now_us)) {
    bool is_loss = bandwidth->loss >= LOSS_IS_CAUSE && bandwidth->queue_ms < QUEUE_MS;
    guint level = find_carried (levels, bitrates_bps, ladder->level + 1, 1, bandwidth);
    step_down (ladder, level, is_loss ? MXR_RUNG_REASON_LOSS : MXR_RUNG_REASON_BANDWIDTH, now_us);
    return true;
  }
  /* Never to sound alone: a slide that comes whole now and then is better than none. */
  if (is_lossy && ladder->level + 1 < levels->n) {
    step_down (ladder, ladder->level + 1, MXR_RUNG_REASON_LOSS, now_us);
    return true;
  }
  return false;
}

/* ---- Up ---------------------------------------------------------------------------------------------------- */

static void
step_up (MxrLadder *ladder, guint level, guint estimate_bps, gint64 now_us)
{
  ladder->level = level;
  ladder->stepped_up_us = now_us;
  ladder->stepped_up_bps = estimate_bps;
  ladder->enough_from_us = 0;
  if (level == 0)
    ladder->reason = MXR_RUNG_REASON_BEST;
}

static bool
update_up (MxrLadder *ladder, const MxrLevels *levels, const guint *bitrates_bps, const MxrPeerBandwidth *bandwidth,
           gint64 now_us)
{
  if (ladder->level == 0)
    return false;
  double next_bps = MARGIN * get_need (levels, bitrates_bps, ladder->level - 1, bandwidth);
  bool is_enough = bandwidth->estimate_bps >= next_bps && bandwidth->loss < LOSS_TOO_MUCH / 2;
  bool is_news = bandwidth->estimate_bps >= NEWS * ladder->stepped_up_bps;
  bool was_enough = has_lasted (&ladder->enough_from_us, is_enough, ENOUGH_US, now_us);

  if (!was_enough || (now_us < ladder->may_step_up_us && !is_news))
    return false;
  step_up (ladder, find_carried (levels, bitrates_bps, 0, MARGIN, bandwidth), bandwidth->estimate_bps, now_us);
  return true;
}

/* ---- Both -------------------------------------------------------------------------------------------------- */

static bool
wait_for_measure (MxrLadder *ladder, gint64 now_us)
{
  if (ladder->begun_us == 0)
    ladder->begun_us = now_us;
  if (ladder->level == 0 || now_us - ladder->begun_us < UNMEASURED_US)
    return false;
  ladder->level = 0;
  ladder->reason = MXR_RUNG_REASON_BEST;
  return true;
}

bool
mxr_ladder_update (MxrLadder *ladder, const MxrLevels *levels, const guint *bitrates_bps, const MxrPeerBandwidth *bandwidth,
                   gint64 now_us)
{
  if (!bandwidth->is_measured)
    return wait_for_measure (ladder, now_us);
  return update_down (ladder, levels, bitrates_bps, bandwidth, now_us) ||
         update_up (ladder, levels, bitrates_bps, bandwidth, now_us);
}

guint
mxr_ladder_get_wanted_bps (const MxrLadder *ladder, const MxrLevels *levels, const guint *bitrates_bps,
                           const MxrPeerBandwidth *bandwidth)
{
  const guint best_bps[] = { levels->levels[0].bitrate_bps };
  double wanted_bps = get_need (levels, best_bps, 0, bandwidth);

  if (ladder->level > 0)
    wanted_bps = MIN (wanted_bps, get_need (levels, bitrates_bps, ladder->level - 1, bandwidth));
  return (guint) (PROBED * wanted_bps) / WANTED_STEP_BPS * WANTED_STEP_BPS;
}

/* ---- A rung's bitrate -------------------------------------------------------------------------------------- */

/* Less is not worth a change; and more at a time than the network may have found out. */
#define BITRATE_CHANGE_SHARE 0.05
#define BITRATE_RISE_SHARE 0.10
#define BITRATE_RISE_US G_TIME_SPAN_SECOND

guint
mxr_level_adapt_bitrate (const MxrLevel *level, guint now_bps, guint carried_bps, gint64 since_change_us)
{
  guint target_bps = CLAMP (carried_bps, level->least_bps, level->bitrate_bps);
  bool is_at_end = target_bps == level->least_bps || target_bps == level->bitrate_bps;
  double change = (double) target_bps / now_bps - 1;

  if (target_bps == now_bps || (!is_at_end && ABS (change) < BITRATE_CHANGE_SHARE))
    return now_bps;
  if (change < 0)
    return target_bps;
  if (since_change_us < BITRATE_RISE_US)
    return now_bps;
  return MIN (target_bps, (guint) (now_bps * (1 + BITRATE_RISE_SHARE)));
}
