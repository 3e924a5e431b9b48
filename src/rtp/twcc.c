#include "rtp-private.h"

#include <string.h>

/* draft-holmer-rmcat-transport-wide-cc-extensions-01 3.1. */
#define HEADER_BYTES 8
#define TICK_US 250
#define TICKS_PER_REFERENCE 256 /* 64 ms */
#define RUN_MAX 0x1fff
#define ONE_BIT_SYMBOLS 14
#define TWO_BIT_SYMBOLS 7
/* One message with what it travels in, and what part of the rate that may take: 20 messages a second, of a client's picture, were
 * 17 of the 80 kbit/s that a link of 50 was sent. */
#define FEEDBACK_BITS (100 * 8)
#define FEEDBACK_PART 0.05
/* A message about fewer waits for more: 13 messages a second about four packets of sound each were a ninth of what a room of a
 * hundred costs. Sound brings no more than this until it is due; of somebody muted come two or three packets a second, of which
 * nobody learns anything. A sender's probe is of five at least. */
#define FEW_PACKETS 14
#define SPARSE_PACKETS 5

enum { NOT_RECEIVED, SMALL_DELTA, LARGE_DELTA };

static gint64 *
arrival_at (MxrTwccRecorder *recorder, guint64 index)
{
  return &recorder->arrival_us[index % MXR_TWCC_WINDOW];
}

void
mxr_twcc_recorder_init (MxrTwccRecorder *recorder)
{
  *recorder = (MxrTwccRecorder){ .bad_seq = -1, .interval_us = MXR_TWCC_INTERVAL_US };
}

static void
restart (MxrTwccRecorder *recorder, guint16 seq)
{
  const guint64 cycle = (recorder->highest >> 16) + 2;
  const guint8 feedback_count = recorder->feedback_count;
  const gint64 interval_us = recorder->interval_us;

  mxr_twcc_recorder_init (recorder);
  recorder->interval_us = interval_us;
  recorder->feedback_count = feedback_count;
  recorder->started = true;
  recorder->highest = recorder->base = cycle << 16 | seq;
}

/* Whether @index belongs to the run of numbers seen so far; else a second packet in a row must confirm the
 * jump. */
static bool
is_near (MxrTwccRecorder *recorder, guint64 index, guint16 seq)
{
  const gint64 step = (gint64) (index - recorder->highest);
  if (step <= MXR_SEQ_MAX_DROPOUT && step > -MXR_TWCC_WINDOW)
    return true;
  if (seq != recorder->bad_seq) {
    recorder->bad_seq = (guint16) (seq + 1);
    return false;
  }
  restart (recorder, seq);
  return true;
}

static void
advance (MxrTwccRecorder *recorder, guint64 index)
{
  const guint64 from = MAX (recorder->highest + 1, index < MXR_TWCC_WINDOW ? 0 : index - MXR_TWCC_WINDOW + 1);
  for (guint64 i = from; i <= index; i++)
    *arrival_at (recorder, i) = 0;
  recorder->highest = index;
  recorder->base = MAX (recorder->base, index - MXR_TWCC_WINDOW + 1);
}

/* A late packet draws the next feedback back to itself; what was told before is told again, as is legal. */
void
mxr_twcc_recorder_add (MxrTwccRecorder *recorder, guint16 seq, gint64 now_us)
{
  if (!recorder->started)
    restart (recorder, seq);
  if (!is_near (recorder, mxr_seq_nearest (recorder->highest, seq), seq))
    return;

  const guint64 index = mxr_seq_nearest (recorder->highest, seq);
  if (index > recorder->highest)
    advance (recorder, index);
  if (*arrival_at (recorder, index) != 0)
    return;

  *arrival_at (recorder, index) = now_us;
  recorder->base = MIN (recorder->base, index);
  recorder->bad_seq = -1;
  if (recorder->n_unreported++ == 0)
    recorder->unreported_since_us = now_us;
}

/* @bps: what feedback shares with all else that is sent; %G_MAXUINT: enough */
void
mxr_twcc_recorder_set_rate (MxrTwccRecorder *recorder, guint bps)
{
  const gint64 interval_us = (gint64) (FEEDBACK_BITS / (FEEDBACK_PART * MAX (bps, 1)) * G_USEC_PER_SEC);
  recorder->interval_us = CLAMP (interval_us, MXR_TWCC_INTERVAL_US, MXR_TWCC_INTERVAL_MAX_US);
}

gint64
mxr_twcc_recorder_due_us (const MxrTwccRecorder *recorder)
{
  if (recorder->n_unreported == 0)
    return G_MAXINT64;
  if (recorder->n_unreported >= MXR_TWCC_MAX_PACKETS)
    return recorder->unreported_since_us;
  if (recorder->n_unreported >= FEW_PACKETS)
    return recorder->unreported_since_us + recorder->interval_us;
  const bool is_sparse = recorder->n_unreported < SPARSE_PACKETS;
  const gint64 due_us =
      recorder->unreported_since_us + (is_sparse ? MXR_TWCC_INTERVAL_SPARSE_US : MXR_TWCC_INTERVAL_MAX_US);
  return due_us - due_us % MXR_RTP_GRID_US;
}

static guint
count_run (const guint8 *symbols, guint n_symbols)
{
  guint run = 1;
  while (run < n_symbols && run < RUN_MAX && symbols[run] == symbols[0])
    run++;
  return run;
}

/* Writes the chunk that tells most of what is left, and returns how many symbols it tells. */
static guint
write_chunk (const guint8 *symbols, guint n_symbols, guint8 *out)
{
  const guint run = count_run (symbols, n_symbols);
  const guint n_one_bit = MIN (n_symbols, ONE_BIT_SYMBOLS), n_two_bit = MIN (n_symbols, TWO_BIT_SYMBOLS);
  const bool has_large = memchr (symbols, LARGE_DELTA, n_one_bit) != NULL;

  if (run >= (has_large ? n_two_bit : n_one_bit)) {
    mxr_write_u16 (out, (guint16) (symbols[0] << 13 | run));
    return run;
  }
  guint16 chunk = has_large ? 0xc000 : 0x8000;
  if (has_large)
    for (guint i = 0; i < n_two_bit; i++)
      chunk |= (guint16) (symbols[i] << (12 - 2 * i));
  else
    for (guint i = 0; i < n_one_bit; i++)
      chunk |= (guint16) (symbols[i] << (13 - i));
  mxr_write_u16 (out, chunk);
  return has_large ? n_two_bit : n_one_bit;
}

typedef struct {
  guint8 symbols[MXR_TWCC_WINDOW];
  gint16 deltas[MXR_TWCC_WINDOW]; /* ticks, of the received ones only */
  guint n_symbols, n_deltas;
  gint64 reference; /* 64 ms */
} Feedback;

static gint64
find_reference (MxrTwccRecorder *recorder)
{
  guint64 index = recorder->base;
  while (index < recorder->highest && *arrival_at (recorder, index) == 0)
    index++;
  return *arrival_at (recorder, index) / TICK_US / TICKS_PER_REFERENCE;
}

/* Takes what fits into @max_bytes and whose deltas fit into 16 bits; the rest waits for the next message. A
 * chunk tells at least seven symbols, but for the last one. */
static void
collect (MxrTwccRecorder *recorder, Feedback *feedback, gsize max_bytes)
{
  gsize delta_bytes = 0;
  gint64 last_ticks;

  feedback->n_symbols = feedback->n_deltas = 0;
  feedback->reference = find_reference (recorder);
  last_ticks = feedback->reference * TICKS_PER_REFERENCE;

  for (; recorder->base <= recorder->highest; recorder->base++) {
    const gint64 arrival_us = *arrival_at (recorder, recorder->base);
    const gint64 delta = arrival_us == 0 ? 0 : arrival_us / TICK_US - last_ticks;
    const bool is_small = delta >= 0 && delta <= 0xff;
    const gsize bytes = arrival_us == 0 ? 0 : is_small ? 1 : 2;
    const gsize chunk_bytes = 2 * (feedback->n_symbols / TWO_BIT_SYMBOLS + 1);

    if (delta < G_MININT16 || delta > G_MAXINT16)
      break;
    if (HEADER_BYTES + chunk_bytes + delta_bytes + bytes > max_bytes)
      break;
    feedback->symbols[feedback->n_symbols++] = bytes == 0 ? NOT_RECEIVED
                                               : is_small ? SMALL_DELTA
                                                          : LARGE_DELTA;
    if (bytes == 0)
      continue;
    feedback->deltas[feedback->n_deltas++] = (gint16) delta;
    delta_bytes += bytes;
    last_ticks += delta;
  }
}

/**
 * mxr_twcc_recorder_build:
 * @fci: (out caller-allocates): at least @max_bytes, a multiple of 4, at least 64
 *
 * Writes the next feedback message's control information, filled up with zeros to words.
 *
 * Returns: its bytes; 0 when there is nothing left to tell.
 */
gsize
mxr_twcc_recorder_build (MxrTwccRecorder *recorder, guint8 *fci, gsize max_bytes)
{
  if (recorder->n_unreported == 0 || recorder->base > recorder->highest) {
    recorder->n_unreported = 0;
    return 0;
  }

  Feedback feedback;
  const guint16 base_seq = (guint16) recorder->base;
  collect (recorder, &feedback, max_bytes);

  mxr_write_u16 (fci, base_seq);
  mxr_write_u16 (fci + 2, (guint16) feedback.n_symbols);
  mxr_write_u24 (fci + 4, (guint32) feedback.reference & 0xffffff);
  fci[7] = recorder->feedback_count++;

  gsize bytes = HEADER_BYTES;
  for (guint i = 0; i < feedback.n_symbols; bytes += 2)
    i += write_chunk (feedback.symbols + i, feedback.n_symbols - i, fci + bytes);
  for (guint i = 0, d = 0; i < feedback.n_symbols; i++) {
    if (feedback.symbols[i] == SMALL_DELTA)
      fci[bytes++] = (guint8) feedback.deltas[d++];
    if (feedback.symbols[i] == LARGE_DELTA) {
      mxr_write_u16 (fci + bytes, (guint16) feedback.deltas[d++]);
      bytes += 2;
    }
  }
  while (bytes % 4 != 0)
    fci[bytes++] = 0;
  return bytes;
}
