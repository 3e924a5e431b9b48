#include "bandwidth-private.h"

#include "bytes.h"

/* draft-holmer-rmcat-transport-wide-cc-extensions-01 3.1. */
#define HEADER_BYTES 8
#define TICK_US 250
#define RUN_MAX 0x1fff
#define ONE_BIT_SYMBOLS 14
#define TWO_BIT_SYMBOLS 7
/* 64 ms: two thousand years. */
#define REFERENCE_MAX ((gint64) 1 << 40)

typedef enum { NOT_RECEIVED, SMALL_DELTA, LARGE_DELTA, RESERVED } Symbol;

/* How many packets a chunk tells of. */
static guint
chunk_symbols (guint16 chunk)
{
  if ((chunk & 0x8000) == 0)
    return chunk & RUN_MAX;
  return (chunk & 0x4000) == 0 ? ONE_BIT_SYMBOLS : TWO_BIT_SYMBOLS;
}

static Symbol
chunk_symbol (guint16 chunk, guint i)
{
  if ((chunk & 0x8000) == 0)
    return (chunk >> 13) & 3;
  if ((chunk & 0x4000) == 0)
    return (chunk >> (13 - i)) & 1;
  return (chunk >> (12 - 2 * i)) & 3;
}

static gsize
delta_bytes (Symbol symbol)
{
  return symbol == NOT_RECEIVED ? 0 : symbol == SMALL_DELTA ? 1 : 2;
}

/* Runs, which tell of thousands in two bytes, at one go. Returns: false for a reserved symbol. */
static bool
count_chunk (guint16 chunk, guint n_symbols, guint *n_acked, gsize *n_delta_bytes)
{
  const guint n_each = (chunk & 0x8000) == 0 ? n_symbols : 1;

  for (guint i = 0; i < n_symbols; i += n_each) {
    const Symbol symbol = chunk_symbol (chunk, i);
    if (symbol == RESERVED)
      return false;
    *n_acked += symbol != NOT_RECEIVED ? n_each : 0;
    *n_delta_bytes += n_each * delta_bytes (symbol);
  }
  return true;
}

/**
 * mxr_twcc_reader_init:
 * @fci: stays where it is while the reader is used
 *
 * Checks the whole message, counts what it says, and begins at its first packet.
 *
 * Errors: false, and @reader undefined, when it is cut off, has an empty run or a reserved symbol.
 */
bool
mxr_twcc_reader_init (MxrTwccReader *reader, const guint8 *fci, gsize size)
{
  if (size < HEADER_BYTES)
    return false;

  const guint n_packets = mxr_read_u16 (fci + 2);
  gsize offset = HEADER_BYTES, deltas = 0;
  guint n_acked = 0;

  for (guint n_told = 0; n_told < n_packets; offset += 2) {
    if (size - offset < 2)
      return false;
    const guint16 chunk = mxr_read_u16 (fci + offset);
    const guint n_symbols = MIN (chunk_symbols (chunk), n_packets - n_told);
    if (n_symbols == 0 || !count_chunk (chunk, n_symbols, &n_acked, &deltas))
      return false;
    n_told += n_symbols;
  }
  if (deltas > size - offset)
    return false;

  *reader = (MxrTwccReader){ .chunk = fci + HEADER_BYTES,
                             .delta = fci + offset,
                             .seq = mxr_read_u16 (fci),
                             .n_left = n_packets,
                             .n_acked = n_acked,
                             .n_lost = n_packets - n_acked,
                             .reference = mxr_read_u24 (fci + 4) };
  return true;
}

/** mxr_twcc_reader_next: Returns: false at the end. */
bool
mxr_twcc_reader_next (MxrTwccReader *reader, MxrTwccStatus *out_status)
{
  if (reader->n_left == 0)
    return false;

  guint16 chunk = mxr_read_u16 (reader->chunk);
  if (reader->chunk_done == chunk_symbols (chunk)) {
    reader->chunk += 2;
    reader->chunk_done = 0;
    chunk = mxr_read_u16 (reader->chunk);
  }
  const Symbol symbol = chunk_symbol (chunk, reader->chunk_done++);
  if (symbol == SMALL_DELTA)
    reader->ticks += reader->delta[0];
  else if (symbol == LARGE_DELTA)
    reader->ticks += (gint16) mxr_read_u16 (reader->delta);
  reader->delta += delta_bytes (symbol);
  reader->n_left--;
  *out_status = (MxrTwccStatus){ .seq = reader->seq++,
                                 .is_received = symbol != NOT_RECEIVED,
                                 .offset_us = reader->ticks * TICK_US };
  return true;
}

/** mxr_twcc_reader_skip_missing: Of the run of missing packets that the last one was of, if it was of one: passes over up to
 * @n_packets more. */
void
mxr_twcc_reader_skip_missing (MxrTwccReader *reader, guint n_packets)
{
  const guint16 chunk = mxr_read_u16 (reader->chunk);

  if ((chunk & ~RUN_MAX) != 0)
    return;
  const guint n = MIN (n_packets, MIN (chunk_symbols (chunk) - reader->chunk_done, reader->n_left));
  reader->chunk_done += n;
  reader->n_left -= n;
  reader->seq = (guint16) (reader->seq + n);
}

/**
 * mxr_twcc_unwrap_reference:
 * @reference: (inout): the last one, 64 ms, without wraps
 * @told: 24 bits, which wrap each twelve days
 *
 * The nearest to the last one. A client may tell whatever it likes: what would count on until it overflows begins anew.
 */
void
mxr_twcc_unwrap_reference (gint64 *reference, guint32 told)
{
  *reference += (gint32) ((told - (guint32) *reference) << 8) >> 8;
  if (ABS (*reference) > REFERENCE_MAX)
    *reference = told;
}
