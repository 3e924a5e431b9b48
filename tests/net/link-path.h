#ifndef LINK_PATH_H
#define LINK_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One direction of an emulated link. Pure: the time is an argument, chance is seeded.
 *
 *   arrival -> cut? lost? -> room in the queue? -> one after the other at the rate -> delay + [0, jitter] ->
 * taken
 *
 * What leaves is in order, but for reordered packets: they are late by another jitter, or
 * LINK_REORDER_MIN_US, and hold nobody up. */

#define LINK_FRAME_MAX_BYTES 2048 /* a TAP of MTU 1500, and a VLAN tag */
#define LINK_ETHERNET_BYTES 14    /* rate, queue and figures count IP packets without them */
#define LINK_REORDER_MIN_US 5000
#define LINK_WAIT_BINS 4096 /* of a millisecond; the last one holds all that is longer */

typedef struct {
  int64_t delay_us, jitter_us;
  int64_t rate_bps;                /* 0: no limit */
  int64_t queue_us;                /* who would wait for longer than this is dropped; 0: nobody is */
  int64_t queue_bytes;             /* who finds so much waiting is dropped; 0: nobody is */
  double loss, reorder, duplicate; /* shares [0..1], each packet for itself */
  double burst_loss;               /* share [0..1] that is lost in bursts (Gilbert's model) besides */
  double burst_packets;            /* their mean length */
  int64_t is_cut;                  /* whatever arrives is lost */
} LinkParams;

typedef struct {
  uint64_t arrived, arrived_bytes;
  uint64_t delivered, delivered_bytes;
  uint64_t lost, overflowed, reordered, duplicated;
  uint64_t waits[LINK_WAIT_BINS]; /* packets by how long they waited for those before them */
} LinkFigures;

/* For each of them the figures are counted anew whenever the reader has taken them. */
typedef enum {
  LINK_FIGURES_INTERVAL,
  LINK_FIGURES_WINDOW,
  LINK_FIGURES_TOTAL,
  LINK_N_FIGURES,
} LinkFiguresKind;

typedef struct {
  int64_t arrival_us, due_us;
  uint64_t order; /* of entering the delay: ties leave in it */
  size_t size;
  uint8_t bytes[LINK_FRAME_MAX_BYTES];
} LinkFrame;

typedef struct {
  LinkParams params; /* read freely, change by link_path_change() */
  LinkFigures figures[LINK_N_FIGURES];

  /* Private. */
  unsigned short random[3];
  bool is_in_burst;
  LinkFrame *pool;
  LinkFrame **free_frames;
  LinkFrame **line; /* ring: who waits for the rate, the longest waiting at line_head */
  LinkFrame **heap; /* who is delayed, a binary heap: the earliest due is the root */
  unsigned n_frames, n_free, line_head, n_line, n_heap;
  int64_t line_bytes;
  int64_t idle_us; /* since when, or from when on, the rate is nobody's */
  int64_t last_due_us;
  uint64_t n_delayed;
} LinkPath;

/** link_path_init: @n_frames: that can be under way at a time */
void link_path_init (LinkPath *path, const LinkParams *params, unsigned n_frames, unsigned seed);
void link_path_clear (LinkPath *path);

/** link_path_change: Who waits already stays, and goes at the new rate; a packet half sent begins anew. */
void link_path_change (LinkPath *path, const LinkParams *params, int64_t now_us);

void link_path_arrive (LinkPath *path, const uint8_t *bytes, size_t size, int64_t now_us);

/** link_path_take: Returns: (nullable): a frame that is due, readable until the next call of anything here.
 */
const LinkFrame *link_path_take (LinkPath *path, int64_t now_us);

/** link_path_next_us: Returns: when link_path_take() should be asked again; INT64_MAX: when something has
 * arrived. */
int64_t link_path_next_us (const LinkPath *path);

/** link_figures_wait_ms: Returns: what that share of the packets waited at most; 0 without packets. */
unsigned link_figures_wait_ms (const LinkFigures *figures, double share);

#endif
