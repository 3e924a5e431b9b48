#include "mix-ring.h"

#include <string.h>

#include "mix-ops.h"

#define MS (MXR_MIX_RATE_HZ / 1000)

/* Fades and splices: short enough for the begin of a word, long enough not to click. */
#define FADE_FRAMES (5 * MS)
/* Played frames that stay readable behind the reading position, to splice them in once more. */
#define HISTORY_FRAMES FADE_FRAMES
/* Splices in sound leave out or repeat a period of the voice: 1 to 5 ms is 1000 to 200 Hz. */
#define LAG_MIN_FRAMES (1 * MS)

/* The smallest margin is looked at over this time: a clock that is 1000 ppm off moves it by 2 ms. */
#define WINDOW_FRAMES (2000 * MS)
/* The smallest margin may stand this much, and a granule, above the cushion. */
#define SLACK_FRAMES (1 * MS)
/* What lies in the ring beyond whole granules goes when it is more than this. */
#define REST_FRAMES (5 * MS)
/* Below this part of the cushion it is made larger again: 4 ms of 10. */
#define THIN(cushion) ((cushion) * 2 / 5)
/* A quiet place is waited for so long, unless more than URGENT_FRAMES are to go; then splices come at this
 * distance. */
#define PATIENCE_FRAMES (1000 * MS)
#define URGENT_FRAMES (20 * MS)
#define SPLICE_DISTANCE_FRAMES (100 * MS)
/* -50 dBFS */
#define QUIET_PEAK (MXR_MIX_FULL_SCALE / 316)

/* What an audible underrun adds to the cushion, up to a bound, and what each good window takes away: a third, and
 * this at least, so that 60 ms are gone in 12 s. */
#define EXTRA_STEP_FRAMES (10 * MS)
#define EXTRA_MAX_FRAMES (60 * MS)
#define EXTRA_DECAY_FRAMES (1 * MS)

/* What lies in the ring of an input that does not play for longer than this is not played any more: the sender pauses. */
#define STALE_FRAMES (150 * MS)
/* A skipped input keeps so much of a sound that began a moment ago; one that goes on for so much longer has no begin
 * worth the delay any more. */
#define ONSET_FRAMES (180 * MS)
#define MID_SOUND_FRAMES (300 * MS)
/* Nothing came for so long: the memory is given back. */
#define IDLE_FRAMES (2000 * MS)

struct _MxrMixRing {
  guint n_channels, block_frames, prefill_frames;
  guint capacity;        /* frames in memory: the ring's, and the history */
  gint32 *samples;       /* capacity x n_channels; NULL while the input is idle */
  guint64 read, written; /* frames since the beginning; written - read is the fill */
  guint packet_frames;   /* the last packet's */
  guint64 written_at_ns; /* when it came; G_MAXUINT64: unknown */

  gint32 tail[2 * FADE_FRAMES];                           /* the frames played last, or zeros */
  gint32 scratch[2 * (FADE_FRAMES + HISTORY_FRAMES) * 2]; /* both sides of a splice */
  bool playing;
  bool is_joint;  /* what comes does not continue the tail: cross-fade */
  bool is_ending; /* running dry is expected */

  guint64 skipped_at; /* written, when skipped or pulled in vain last */
  guint stale_frames; /* since then, without anything new */
  guint over_frames;  /* of a sound that were skipped because more than its begin is there */

  guint extra_frames;     /* added to the cushion by underruns */
  guint64 pulled_at_ns;   /* when the last block was due */
  guint window_frames;    /* watched so far */
  guint window_min;       /* smallest margin within the window [frames] */
  guint former_min;       /* and within the one before */
  int correction;         /* frames to drop, or to insert when negative */
  guint patience_frames;  /* until a correction is made in sound */
  MxrMixRingStats counts; /* n_frames and memory_bytes unused */
};

MxrMixRing *
mxr_mix_ring_new (guint n_channels, guint block_frames, guint prefill_frames)
{
  MxrMixRing *ring = g_new0 (MxrMixRing, 1);
  ring->n_channels = n_channels;
  ring->block_frames = block_frames;
  ring->prefill_frames = prefill_frames;
  ring->capacity = MXR_MIX_RING_FRAMES + HISTORY_FRAMES;
  ring->window_min = ring->former_min = G_MAXUINT;
  ring->written_at_ns = G_MAXUINT64;
  return ring;
}

void
mxr_mix_ring_free (MxrMixRing *ring)
{
  g_free (ring->samples);
  g_free (ring);
}

static guint
fill_of (const MxrMixRing *ring)
{
  return (guint)(ring->written - ring->read);
}

static guint
cushion_of (const MxrMixRing *ring)
{
  return ring->prefill_frames + ring->extra_frames;
}

static void
restart_window (MxrMixRing *ring)
{
  ring->window_frames = 0;
  ring->window_min = ring->former_min = G_MAXUINT;
}

static guint
frames_between (guint64 from_ns, guint64 to_ns)
{
  if (from_ns >= to_ns)
    return 0;
  return (guint)MIN ((to_ns - from_ns) / 1000 * MS / 1000, (guint64)(10 * MXR_MIX_RATE_HZ));
}

/* How much later a packet that comes now could have come without an underrun: until the next block is due, and a block
 * more for each that lies in the ring. A part of a block in the ring helps nobody, so the fill alone would not tell:
 * packets as large as blocks leave the same fill for a minute while they drift towards the tick, and then miss it. */
static guint
margin_of (const MxrMixRing *ring, guint64 now_ns)
{
  guint since_frames = MIN (frames_between (ring->pulled_at_ns, now_ns), ring->block_frames);
  guint n_whole = fill_of (ring) / ring->block_frames;
  return (n_whole + 1) * ring->block_frames - since_frames;
}

bool
mxr_mix_ring_get_wait (const MxrMixRing *ring, guint64 now_ns, guint *out_frames)
{
  if (ring->playing)
    *out_frames = margin_of (ring, now_ns) + fill_of (ring) % ring->block_frames;
  return ring->playing;
}

/* ---- Writing ------------------------------------------------------------------------------------------- */

static void
wake (MxrMixRing *ring)
{
  if (ring->samples == NULL)
    ring->samples = g_new0 (gint32, (gsize)ring->capacity * ring->n_channels);
}

guint
mxr_mix_ring_begin (MxrMixRing *ring, guint n_frames, guint64 now_ns)
{
  guint n_surplus = n_frames > MXR_MIX_RING_FRAMES ? n_frames - MXR_MIX_RING_FRAMES : 0;
  guint n_kept = n_frames - n_surplus;
  guint n_room = MXR_MIX_RING_FRAMES - fill_of (ring);

  if (ring->playing)
    ring->window_min = MIN (ring->window_min, margin_of (ring, now_ns));
  wake (ring);
  ring->is_ending = false;
  ring->packet_frames = n_kept;
  ring->written_at_ns = now_ns;
  if (n_kept > n_room) {
    ring->read += n_kept - n_room;
    ring->is_joint = true;
    ring->counts.overruns++;
    ring->counts.dropped += n_kept - n_room + n_surplus;
  }
  return n_surplus;
}

guint
mxr_mix_ring_span (MxrMixRing *ring, guint n_frames, gint32 **out_span)
{
  guint at = ring->written % ring->capacity;
  *out_span = ring->samples + (gsize)at * ring->n_channels;
  return MIN (n_frames, ring->capacity - at);
}

void
mxr_mix_ring_commit (MxrMixRing *ring, guint n_frames)
{
  ring->written += n_frames;
}

void
mxr_mix_ring_write_silence (MxrMixRing *ring, guint n_frames)
{
  gint32 *span;

  wake (ring);
  n_frames = MIN (n_frames, MXR_MIX_RING_FRAMES - fill_of (ring));
  while (n_frames > 0) {
    guint n = mxr_mix_ring_span (ring, n_frames, &span);
    memset (span, 0, sizeof (gint32) * n * ring->n_channels);
    mxr_mix_ring_commit (ring, n);
    n_frames -= n;
  }
}

void
mxr_mix_ring_end (MxrMixRing *ring)
{
  ring->is_ending = true;
}

void
mxr_mix_ring_flush (MxrMixRing *ring)
{
  ring->read = ring->written;
  ring->is_ending = true;
}

/* ---- Reading ------------------------------------------------------------------------------------------- */

static void
peek (const MxrMixRing *ring, guint64 from, gint32 *out, guint n_frames)
{
  guint at = from % ring->capacity;
  guint n_first = MIN (n_frames, ring->capacity - at);
  gsize frame_bytes = sizeof (gint32) * ring->n_channels;

  memcpy (out, ring->samples + (gsize)at * ring->n_channels, n_first * frame_bytes);
  memcpy (out + (gsize)n_first * ring->n_channels, ring->samples, (n_frames - n_first) * frame_bytes);
}

/* Puts the mirror image of what was played before @out into @mirror: it goes on without a jump. */
static void
mirror_tail (const MxrMixRing *ring, gint32 *mirror)
{
  for (guint i = 0; i < FADE_FRAMES; i++)
    for (guint c = 0; c < ring->n_channels; c++)
      mirror[i * ring->n_channels + c] = ring->tail[(FADE_FRAMES - 1 - i) * ring->n_channels + c];
}

static void
join_tail (MxrMixRing *ring, gint32 *out)
{
  mirror_tail (ring, ring->scratch);
  mxr_mix_crossfade (out, ring->scratch, ring->n_channels, FADE_FRAMES);
  ring->is_joint = false;
}

static void
keep_tail (MxrMixRing *ring, const gint32 *out)
{
  gsize tail_samples = FADE_FRAMES * ring->n_channels;
  memcpy (ring->tail, out + ring->block_frames * ring->n_channels - tail_samples,
          sizeof (gint32) * tail_samples);
}

static guint
common_divisor (guint a, guint b)
{
  return b == 0 ? a : common_divisor (b, a % b);
}

/* Frames to drop, or to insert when negative, for a margin that is neither too thin nor more than needed.
 * Packets come and blocks go in steps, so the margin changes by whole granules only; a rest of one in the
 * ring is mere delay. A small one is let be: a splice that took
 * more would cost a granule. */
static int
correction_for (MxrMixRing *ring, int margin)
{
  int granule = (int)common_divisor (ring->block_frames, ring->packet_frames);
  int rest = (int)(fill_of (ring) % (guint)granule);
  int cushion = (int)cushion_of (ring);

  if (margin > cushion + granule + SLACK_FRAMES)
    return (margin - cushion - SLACK_FRAMES / 2) / granule * granule + rest;
  int thin = THIN ((int)ring->prefill_frames);
  if (margin < thin) {
    int wanted = rest + 2 * thin - margin;
    return rest - (wanted + granule - 1) / granule * granule;
  }
  return rest > REST_FRAMES ? rest : 0;
}

/* How much later than expected the next packet may come when the block due at @now_ns is played: packets keep the
 * distance that they are long. What is in the ring lasts for n_whole blocks. */
static int
margin_at_start (const MxrMixRing *ring, guint64 now_ns)
{
  guint n_whole = fill_of (ring) / ring->block_frames;
  guint packet_frames = MAX (ring->packet_frames, 1);
  guint missing_frames = (n_whole + 1) * ring->block_frames - fill_of (ring);
  guint n_packets = (missing_frames + packet_frames - 1) / packet_frames;
  guint age_frames = ring->written_at_ns != G_MAXUINT64 ? frames_between (ring->written_at_ns, now_ns) : 0;

  return (int)(n_whole * ring->block_frames + age_frames) - (int)(n_packets * packet_frames);
}

/* A sound that was held while nobody heard it begins late; what it has too much goes at once, piece by piece. */
static bool
start (MxrMixRing *ring, guint64 now_ns)
{
  guint n_frames = fill_of (ring);

  if (n_frames == 0 || (!ring->is_ending && n_frames < ring->block_frames))
    return false;
  int margin = margin_at_start (ring, now_ns);
  if (!ring->is_ending && margin < (int)cushion_of (ring))
    return false;
  memset (ring->tail, 0, sizeof ring->tail);
  restart_window (ring);
  ring->correction = ring->is_ending ? 0 : MAX (correction_for (ring, margin), 0);
  ring->patience_frames = 0;
  ring->playing = true;
  ring->is_joint = true;
  return true;
}

static bool
run_dry (MxrMixRing *ring, gint32 *out)
{
  guint n_channels = ring->n_channels;
  guint n_left = fill_of (ring);
  guint fade_at = MIN (n_left, ring->block_frames - FADE_FRAMES);
  guint n_tail = FADE_FRAMES * n_channels;

  peek (ring, ring->read, out, n_left);
  bool is_quiet =
      MAX (mxr_mix_peak (ring->tail, n_tail), mxr_mix_peak (out, n_left * n_channels)) < QUIET_PEAK;
  /* Mirror at the last frame there is: the block's own first, then the tail's. */
  for (guint i = n_left; i < ring->block_frames; i++)
    for (guint c = 0; c < n_channels; c++) {
      guint back = i - n_left;
      gint32 value = 0;
      if (back < n_left)
        value = out[(n_left - 1 - back) * n_channels + c];
      else if (back - n_left < FADE_FRAMES)
        value = ring->tail[(FADE_FRAMES - 1 - (back - n_left)) * n_channels + c];
      out[i * n_channels + c] = value;
    }
  if (ring->is_joint)
    join_tail (ring, out);
  mxr_mix_ramp (out + fade_at * n_channels, n_channels, FADE_FRAMES, 1.0f, -1.0f / FADE_FRAMES);
  guint silent_at = fade_at + FADE_FRAMES;
  memset (out + silent_at * n_channels, 0, sizeof (gint32) * (ring->block_frames - silent_at) * n_channels);

  ring->read = ring->written;
  ring->playing = false;
  if (!ring->is_ending && is_quiet)
    ring->counts.pauses++;
  if (!ring->is_ending && !is_quiet) {
    ring->counts.underruns++;
    ring->extra_frames = MIN (ring->extra_frames + EXTRA_STEP_FRAMES, EXTRA_MAX_FRAMES);
  }
  return true;
}

/* ---- Drift --------------------------------------------------------------------------------------------- */

/* Looks for the jump of 1 to 5 ms after which the wave goes on most like it would have. */
static int
best_jump (MxrMixRing *ring, guint most_frames, bool is_drop)
{
  guint n_samples = FADE_FRAMES * ring->n_channels;
  guint64 best = G_MAXUINT64;
  guint best_lag = LAG_MIN_FRAMES;

  peek (ring, is_drop ? ring->read : ring->read - HISTORY_FRAMES, ring->scratch,
        FADE_FRAMES + HISTORY_FRAMES);
  const gint32 *here = ring->scratch + (is_drop ? 0 : HISTORY_FRAMES * ring->n_channels);
  for (guint lag = LAG_MIN_FRAMES; lag <= most_frames; lag++) {
    const gint32 *there = is_drop ? here + lag * ring->n_channels : here - lag * ring->n_channels;
    guint64 distance = mxr_mix_distance (here, there, n_samples);
    if (distance < best) {
      best = distance;
      best_lag = lag;
    }
  }
  return is_drop ? (int)best_lag : -(int)best_lag;
}

/* How far to jump in this block, if at all. @out holds the block as it would be played. */
static int
choose_jump (MxrMixRing *ring, const gint32 *out)
{
  int n_spare = (int)(fill_of (ring) - ring->block_frames);
  bool is_drop = ring->correction > 0;

  if (ring->correction == 0 || ring->is_joint)
    return 0;
  if (mxr_mix_peak (out, ring->block_frames * ring->n_channels) < QUIET_PEAK)
    return CLAMP (ring->correction, -HISTORY_FRAMES, n_spare);
  if (ring->patience_frames > ring->block_frames) {
    ring->patience_frames -= ring->block_frames;
    return 0;
  }
  if (is_drop && n_spare < HISTORY_FRAMES)
    return 0;
  /* To insert more than is needed costs a little delay; to drop more would cost the margin. */
  return best_jump (ring, is_drop ? (guint)MIN (ring->correction, HISTORY_FRAMES) : HISTORY_FRAMES, is_drop);
}

static void
splice (MxrMixRing *ring, gint32 *out)
{
  int jump = choose_jump (ring, out);
  if (jump == 0)
    return;

  memcpy (ring->scratch, out, sizeof (gint32) * FADE_FRAMES * ring->n_channels);
  ring->read += jump;
  peek (ring, ring->read, out, ring->block_frames);
  mxr_mix_crossfade (out, ring->scratch, ring->n_channels, FADE_FRAMES);
  if (jump > 0)
    ring->counts.dropped += jump;
  else
    ring->counts.inserted -= jump;

  ring->correction -= jump;
  bool is_done = jump > 0 ? ring->correction < LAG_MIN_FRAMES : ring->correction >= 0;
  if (is_done)
    ring->correction = 0;
  ring->patience_frames = SPLICE_DISTANCE_FRAMES;
  restart_window (ring);
}

/* Draws the conclusion at the end of each window. */
static void
watch (MxrMixRing *ring)
{
  ring->window_frames += ring->block_frames;
  if (ring->window_frames < WINDOW_FRAMES)
    return;
  /* A correction under way is not judged anew by what it has done so far. */
  guint smallest = MIN (ring->window_min, ring->former_min);
  if (ring->correction == 0 && smallest != G_MAXUINT) {
    ring->correction = correction_for (ring, (int)smallest);
    ring->patience_frames = ABS (ring->correction) > URGENT_FRAMES ? 0 : PATIENCE_FRAMES;
  }
  ring->extra_frames -= MIN (ring->extra_frames, MAX (ring->extra_frames / 3, EXTRA_DECAY_FRAMES));
  guint former_min = ring->window_min;
  restart_window (ring);
  ring->former_min = former_min;
}

/* ---- Out ----------------------------------------------------------------------------------------------- */

static void
skip_idle (MxrMixRing *ring)
{
  ring->stale_frames = ring->written == ring->skipped_at ? ring->stale_frames + ring->block_frames : 0;
  ring->skipped_at = ring->written;
  if (ring->stale_frames > STALE_FRAMES)
    ring->read = ring->written;
  if (ring->stale_frames > IDLE_FRAMES) {
    g_clear_pointer (&ring->samples, g_free);
    ring->stale_frames = IDLE_FRAMES;
  }
}

bool
mxr_mix_ring_pull (MxrMixRing *ring, gint32 *out, guint64 now_ns)
{
  ring->pulled_at_ns = now_ns;
  if (!ring->playing && !start (ring, now_ns)) {
    skip_idle (ring);
    return false;
  }
  if (fill_of (ring) < ring->block_frames)
    return run_dry (ring, out);

  peek (ring, ring->read, out, ring->block_frames);
  splice (ring, out);
  if (ring->is_joint)
    join_tail (ring, out);
  keep_tail (ring, out);
  ring->read += ring->block_frames;
  watch (ring);
  return true;
}

/* Leaves out what is quiet before a sound, down to @n_kept. Returns: whether it met a sound. */
static bool
skip_quiet (MxrMixRing *ring, guint n_kept)
{
  while (fill_of (ring) >= n_kept + FADE_FRAMES) {
    peek (ring, ring->read, ring->scratch, FADE_FRAMES);
    if (mxr_mix_peak (ring->scratch, FADE_FRAMES * ring->n_channels) >= QUIET_PEAK)
      return true;
    ring->read += FADE_FRAMES;
  }
  return false;
}

/* What has to stay when a block's time has passed for the next packet to come in time, in whole blocks. */
static guint
needed_after (const MxrMixRing *ring, guint64 now_ns)
{
  guint packet_frames = MAX (ring->packet_frames, 1);
  guint n_packets = (ring->block_frames + packet_frames - 1) / packet_frames;
  guint due_frames = n_packets * packet_frames + cushion_of (ring);
  guint age_frames = ring->written_at_ns != G_MAXUINT64 ? frames_between (ring->written_at_ns, now_ns) : 0;

  due_frames -= MIN (due_frames, age_frames);
  return due_frames > 0 ? (due_frames - 1) / ring->block_frames * ring->block_frames : 0;
}

/* A sound that began a moment ago is kept from its begin on, because whoever begins to talk is chosen for the mix a
 * moment later; in the middle of one only what is needed to begin at once. */
void
mxr_mix_ring_skip (MxrMixRing *ring, guint64 now_ns)
{
  guint n_kept = needed_after (ring, now_ns);

  ring->playing = false;
  skip_idle (ring);
  if (fill_of (ring) <= n_kept)
    return;
  if (!skip_quiet (ring, n_kept))
    ring->over_frames = 0;
  guint n_most = ring->over_frames > MID_SOUND_FRAMES ? n_kept : MAX (n_kept, ONSET_FRAMES);
  if (fill_of (ring) > n_most) {
    ring->over_frames = MIN (ring->over_frames + fill_of (ring) - n_most, MID_SOUND_FRAMES + 1);
    ring->read = ring->written - n_most;
  }
}

void
mxr_mix_ring_skip_blocks (MxrMixRing *ring, guint64 n_blocks)
{
  guint n_kept = ring->block_frames + cushion_of (ring);
  guint n_spare = fill_of (ring) > n_kept ? fill_of (ring) - n_kept : 0;
  guint64 n_wanted = n_blocks * ring->block_frames;
  guint n = (guint)MIN (n_wanted, n_spare);

  if (n == 0)
    return;
  ring->read += n;
  ring->is_joint = true;
  ring->counts.dropped += n;
}

MxrMixRingStats
mxr_mix_ring_stats (const MxrMixRing *ring)
{
  MxrMixRingStats stats = ring->counts;
  stats.n_frames = fill_of (ring);
  stats.memory_bytes = ring->samples != NULL ? sizeof (gint32) * ring->capacity * ring->n_channels : 0;
  return stats;
}
