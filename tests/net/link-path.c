#include "link-path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Chance and figures -------------------------------------------------------------------------------- */

static bool
happens (LinkPath *path, double share)
{
  return share > 0 && erand48 (path->random) < share;
}

/* Gilbert (1960): in a burst all is lost, between two nothing. */
static bool
is_in_burst (LinkPath *path)
{
  const LinkParams *params = &path->params;

  if (params->burst_loss <= 0)
    path->is_in_burst = false;
  else if (path->is_in_burst)
    path->is_in_burst = !happens (path, 1 / params->burst_packets);
  else
    path->is_in_burst = happens (path, params->burst_loss / (1 - params->burst_loss) / params->burst_packets);
  return path->is_in_burst;
}

#define COUNT(path, member, n)                                                                               \
  do {                                                                                                       \
    for (int kind_ = 0; kind_ < LINK_N_FIGURES; kind_++)                                                     \
      (path)->figures[kind_].member += (uint64_t) (n);                                                       \
  } while (0)

static void
count_wait (LinkPath *path, int64_t wait_us)
{
  const int64_t bin = wait_us / 1000;
  COUNT (path, waits[bin < LINK_WAIT_BINS ? bin : LINK_WAIT_BINS - 1], 1);
}

unsigned
link_figures_wait_ms (const LinkFigures *figures, double share)
{
  uint64_t n_all = 0, n_seen = 0;

  for (unsigned bin = 0; bin < LINK_WAIT_BINS; bin++)
    n_all += figures->waits[bin];
  for (unsigned bin = 0; n_all > 0 && bin < LINK_WAIT_BINS; bin++) {
    n_seen += figures->waits[bin];
    if ((double) n_seen >= share * (double) n_all)
      return bin;
  }
  return 0;
}

/* ---- The heap of who is delayed ------------------------------------------------------------------------ */

static bool
is_before (const LinkFrame *a, const LinkFrame *b)
{
  return a->due_us != b->due_us ? a->due_us < b->due_us : a->order < b->order;
}

static void
swap (LinkFrame **heap, unsigned i, unsigned j)
{
  LinkFrame *frame = heap[i];
  heap[i] = heap[j];
  heap[j] = frame;
}

static void
heap_add (LinkPath *path, LinkFrame *frame)
{
  LinkFrame **heap = path->heap;
  unsigned i = path->n_heap++;

  frame->order = path->n_delayed++;
  heap[i] = frame;
  for (; i > 0 && is_before (heap[i], heap[(i - 1) / 2]); i = (i - 1) / 2)
    swap (heap, i, (i - 1) / 2);
}

static LinkFrame *
heap_take (LinkPath *path)
{
  LinkFrame **heap = path->heap;
  const unsigned n = --path->n_heap;

  swap (heap, 0, n);
  for (unsigned i = 0;;) {
    unsigned first = i;
    for (unsigned child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++)
      if (is_before (heap[child], heap[first]))
        first = child;
    if (first == i)
      return heap[n];
    swap (heap, i, first);
    i = first;
  }
}

/* ---- The line of who waits for the rate ---------------------------------------------------------------- */

static int64_t
count_bytes (const LinkFrame *frame)
{
  return frame->size > LINK_ETHERNET_BYTES ? (int64_t) (frame->size - LINK_ETHERNET_BYTES) : 0;
}

static int64_t
sending_us (const LinkPath *path, int64_t n_bytes)
{
  return path->params.rate_bps > 0 ? n_bytes * 8 * 1000000 / path->params.rate_bps : 0;
}

static bool
is_full (const LinkPath *path, int64_t n_bytes)
{
  const LinkParams *params = &path->params;

  return (params->queue_bytes > 0 && path->line_bytes + n_bytes > params->queue_bytes) ||
         (params->queue_us > 0 && sending_us (path, path->line_bytes) > params->queue_us);
}

static int64_t
start_us (const LinkPath *path, const LinkFrame *frame)
{
  return frame->arrival_us > path->idle_us ? frame->arrival_us : path->idle_us;
}

static int64_t
choose_due_us (LinkPath *path, int64_t leave_us)
{
  const LinkParams *params = &path->params;
  int64_t due_us =
      leave_us + params->delay_us + (int64_t) (erand48 (path->random) * (double) params->jitter_us);

  if (due_us < path->last_due_us)
    due_us = path->last_due_us;
  if (happens (path, params->reorder)) {
    COUNT (path, reordered, 1);
    return due_us + (params->jitter_us > LINK_REORDER_MIN_US ? params->jitter_us : LINK_REORDER_MIN_US);
  }
  path->last_due_us = due_us;
  return due_us;
}

static void
delay (LinkPath *path, LinkFrame *frame, int64_t leave_us)
{
  frame->due_us = choose_due_us (path, leave_us);
  heap_add (path, frame);
  if (!happens (path, path->params.duplicate) || path->n_free == 0)
    return;
  LinkFrame *twin = path->free_frames[--path->n_free];
  memcpy (twin, frame, offsetof (LinkFrame, bytes) + frame->size);
  twin->due_us = choose_due_us (path, leave_us);
  heap_add (path, twin);
  COUNT (path, duplicated, 1);
}

/* Whoever the rate has let go by now is delayed from then on. */
static void
advance (LinkPath *path, int64_t now_us)
{
  while (path->n_line > 0) {
    LinkFrame *frame = path->line[path->line_head];
    const int64_t begin_us = start_us (path, frame);
    const int64_t leave_us = begin_us + sending_us (path, count_bytes (frame));
    if (leave_us > now_us)
      return;
    path->line_head = (path->line_head + 1) % path->n_frames;
    path->n_line--;
    path->line_bytes -= count_bytes (frame);
    path->idle_us = leave_us;
    count_wait (path, begin_us - frame->arrival_us);
    delay (path, frame, leave_us);
  }
}

/* ---- Outside ------------------------------------------------------------------------------------------- */

void
link_path_init (LinkPath *path, const LinkParams *params, unsigned n_frames, unsigned seed)
{
  *path = (LinkPath){ .params = *params, .n_frames = n_frames, .n_free = n_frames };
  path->random[0] = 0x330e; /* as srand48() */
  path->random[1] = (unsigned short) seed;
  path->random[2] = (unsigned short) (seed >> 16);
  path->pool = calloc (n_frames, sizeof *path->pool);
  path->free_frames = calloc (n_frames, sizeof *path->free_frames);
  path->line = calloc (n_frames, sizeof *path->line);
  path->heap = calloc (n_frames, sizeof *path->heap);
  if (path->pool == NULL || path->free_frames == NULL || path->line == NULL || path->heap == NULL) {
    perror ("queue");
    exit (1);
  }
  for (unsigned i = 0; i < n_frames; i++)
    path->free_frames[i] = &path->pool[i];
}

void
link_path_clear (LinkPath *path)
{
  free (path->pool);
  free (path->free_frames);
  free (path->line);
  free (path->heap);
}

void
link_path_change (LinkPath *path, const LinkParams *params, int64_t now_us)
{
  advance (path, now_us);
  if (params->rate_bps != path->params.rate_bps && path->n_line > 0)
    path->idle_us = now_us;
  path->params = *params;
}

void
link_path_arrive (LinkPath *path, const uint8_t *bytes, size_t size, int64_t now_us)
{
  const int64_t n_bytes = size > LINK_ETHERNET_BYTES ? (int64_t) (size - LINK_ETHERNET_BYTES) : 0;

  advance (path, now_us);
  COUNT (path, arrived, 1);
  COUNT (path, arrived_bytes, n_bytes);
  const bool is_lost = is_in_burst (path) || happens (path, path->params.loss) || path->params.is_cut;
  if (is_lost) {
    COUNT (path, lost, 1);
  } else if (path->n_free == 0 || size > LINK_FRAME_MAX_BYTES || is_full (path, n_bytes)) {
    COUNT (path, overflowed, 1);
  } else {
    LinkFrame *frame = path->free_frames[--path->n_free];
    frame->size = size;
    frame->arrival_us = now_us;
    memcpy (frame->bytes, bytes, size);
    path->line[(path->line_head + path->n_line++) % path->n_frames] = frame;
    path->line_bytes += n_bytes;
  }
}

const LinkFrame *
link_path_take (LinkPath *path, int64_t now_us)
{
  advance (path, now_us);
  if (path->n_heap == 0 || path->heap[0]->due_us > now_us)
    return NULL;
  LinkFrame *frame = heap_take (path);
  path->free_frames[path->n_free++] = frame;
  COUNT (path, delivered, 1);
  COUNT (path, delivered_bytes, count_bytes (frame));
  return frame;
}

int64_t
link_path_next_us (const LinkPath *path)
{
  const LinkFrame *first = path->n_line > 0 ? path->line[path->line_head] : NULL;
  const int64_t leave_us =
      first != NULL ? start_us (path, first) + sending_us (path, count_bytes (first)) : INT64_MAX;
  const int64_t due_us = path->n_heap > 0 ? path->heap[0]->due_us : INT64_MAX;

  return leave_us < due_us ? leave_us : due_us;
}
