/* A link between two TAP devices: delay, jitter, reordering, loss and rate, for kernels without sch_netem.
 *
 *   net-link --a NETNS:DEVICE --b NETNS:DEVICE [--delay-ms N] [--jitter-ms N] [--reorder PERCENT] [--loss
 * PERCENT]
 *            [--rate-kbps N] [--queue PACKETS] [--seed N]
 *
 * It makes the devices (an empty NETNS is the own one), carries Ethernet frames between them until SIGTERM,
 * and then prints its counters of each direction as JSON. Values are per direction: a round trip has twice
 * the delay.
 *
 *   arrival -> lost? -> rate (one after the other, tail drop) -> delay + [0, jitter] -> in order, but for
 * --reorder
 *
 * A reordered packet is late by another jitter, or REORDER_MIN_US, and holds nobody up: those behind it
 * overtake. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX_BYTES 2048 /* a TAP of MTU 1500, and a VLAN tag */
#define QUEUE_MAX_PACKETS 8192
#define REORDER_MIN_US 5000

typedef struct {
  int64_t delay_us, jitter_us, rate_bps;
  double loss, reorder; /* shares, 0..1 */
  unsigned queue_packets;
} Params;

typedef struct {
  int64_t due_us;
  uint64_t order; /* of arrival: ties leave in it */
  size_t size;
  uint8_t bytes[FRAME_MAX_BYTES];
} Frame;

/* One direction. The queue is a binary heap of pointers into a pool: the earliest due is the root. */
typedef struct {
  const Params *params;
  int from, to;
  Frame *pool;
  Frame **heap; /* [queue_packets]: n queued, then the free ones */
  unsigned n_queued;
  uint64_t n_arrived;
  int64_t sent_us; /* when the rate lets the next packet go */
  int64_t last_due_us;
  uint64_t n_delivered, n_lost, n_overflowed, n_reordered;
} Direction;

static volatile sig_atomic_t is_stopped;

static void
on_signal (int number)
{
  is_stopped = 1;
}

static void
die (const char *what)
{
  perror (what);
  exit (1);
}

static int64_t
now_us (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- Queue -----------------------------------------------------------------------------------------------
 */

static bool
is_before (const Frame *a, const Frame *b)
{
  return a->due_us != b->due_us ? a->due_us < b->due_us : a->order < b->order;
}

static void
swap (Frame **heap, unsigned i, unsigned j)
{
  Frame *frame = heap[i];
  heap[i] = heap[j];
  heap[j] = frame;
}

/* The frame at heap[n_queued], just filled, takes its place. */
static void
enqueue (Direction *direction)
{
  Frame **heap = direction->heap;
  unsigned i = direction->n_queued++;

  for (; i > 0 && is_before (heap[i], heap[(i - 1) / 2]); i = (i - 1) / 2)
    swap (heap, i, (i - 1) / 2);
}

/* The root goes to heap[n_queued]: a free one, still readable. */
static Frame *
dequeue (Direction *direction)
{
  Frame **heap = direction->heap;
  const unsigned n = --direction->n_queued;

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

static void
direction_init (Direction *direction, const Params *params, int from, int to)
{
  *direction = (Direction){ .params = params, .from = from, .to = to };
  direction->pool = calloc (params->queue_packets, sizeof *direction->pool);
  direction->heap = calloc (params->queue_packets, sizeof *direction->heap);
  if (direction->pool == NULL || direction->heap == NULL)
    die ("queue");
  for (unsigned i = 0; i < params->queue_packets; i++)
    direction->heap[i] = &direction->pool[i];
}

static void
direction_clear (Direction *direction)
{
  free (direction->pool);
  free (direction->heap);
}

/* ---- A packet's fate -------------------------------------------------------------------------------------
 */

static bool
happens (double share)
{
  return drand48 () < share;
}

static int64_t
choose_due_us (Direction *direction, size_t size, int64_t arrival_us)
{
  const Params *params = direction->params;
  int64_t leave_us = arrival_us;

  if (params->rate_bps > 0) {
    leave_us = (arrival_us > direction->sent_us ? arrival_us : direction->sent_us) +
               (int64_t) size * 8 * 1000000 / params->rate_bps;
    direction->sent_us = leave_us;
  }
  int64_t due_us = leave_us + params->delay_us + (int64_t) (drand48 () * (double) params->jitter_us);
  if (due_us < direction->last_due_us)
    due_us = direction->last_due_us;
  if (happens (params->reorder)) {
    direction->n_reordered++;
    return due_us + (params->jitter_us > REORDER_MIN_US ? params->jitter_us : REORDER_MIN_US);
  }
  direction->last_due_us = due_us;
  return due_us;
}

static void
take_frames (Direction *direction)
{
  uint8_t lost[FRAME_MAX_BYTES];

  for (;;) {
    const bool is_full = direction->n_queued == direction->params->queue_packets;
    Frame *frame = is_full ? NULL : direction->heap[direction->n_queued];
    const ssize_t size = read (direction->from, is_full ? lost : frame->bytes, FRAME_MAX_BYTES);
    if (size <= 0)
      return; /* nothing more, or the device is down for now */
    direction->n_arrived++;
    if (is_full) {
      direction->n_overflowed++;
    } else if (happens (direction->params->loss)) {
      direction->n_lost++;
    } else {
      frame->size = (size_t) size;
      frame->order = direction->n_arrived;
      frame->due_us = choose_due_us (direction, frame->size, now_us ());
      enqueue (direction);
    }
  }
}

static void
deliver_due (Direction *direction)
{
  while (direction->n_queued > 0 && direction->heap[0]->due_us <= now_us ()) {
    const Frame *frame = dequeue (direction);
    if (write (direction->to, frame->bytes, frame->size) == (ssize_t) frame->size)
      direction->n_delivered++;
    else
      direction->n_overflowed++;
  }
}

/* ---- Devices ---------------------------------------------------------------------------------------------
 */

static void
enter_namespace (const char *name)
{
  char path[256];
  snprintf (path, sizeof path, "/run/netns/%s", name);
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns (fd, CLONE_NEWNET) != 0)
    die (path);
  close (fd);
}

/* @place: "NETNS:DEVICE". The descriptor stays with the device when the process leaves its namespace. */
static int
open_tap (const char *place)
{
  const char *colon = place != NULL ? strchr (place, ':') : NULL;
  struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
  char name[128];

  if (colon == NULL || strlen (colon + 1) >= IFNAMSIZ || colon - place >= (ptrdiff_t) sizeof name) {
    fprintf (stderr, "a place is NETNS:DEVICE\n");
    exit (2);
  }
  snprintf (name, sizeof name, "%.*s", (int) (colon - place), place);
  snprintf (request.ifr_name, IFNAMSIZ, "%s", colon + 1);
  int own = open ("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (name[0] != '\0')
    enter_namespace (name);
  int fd = open ("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 || ioctl (fd, TUNSETIFF, &request) != 0)
    die (place);
  if (own < 0 || setns (own, CLONE_NEWNET) != 0)
    die ("the own namespace");
  close (own);
  return fd;
}

/* ---- The loop --------------------------------------------------------------------------------------------
 */

static void
wait_for_work (Direction *directions, const sigset_t *while_waiting)
{
  struct pollfd polled[2] = { { directions[0].from, POLLIN, 0 }, { directions[1].from, POLLIN, 0 } };
  int64_t wait_us = 1000000;

  for (int i = 0; i < 2; i++)
    if (directions[i].n_queued > 0 && directions[i].heap[0]->due_us - now_us () < wait_us)
      wait_us = directions[i].heap[0]->due_us - now_us ();
  if (wait_us < 0)
    wait_us = 0;
  const struct timespec timeout = { wait_us / 1000000, wait_us % 1000000 * 1000 };
  if (ppoll (polled, 2, &timeout, while_waiting) < 0 && errno != EINTR)
    die ("ppoll");
}

static void
run (Direction *directions)
{
  const struct sigaction action = { .sa_handler = on_signal };
  sigset_t blocked, former;

  sigemptyset (&blocked);
  sigaddset (&blocked, SIGTERM);
  sigaddset (&blocked, SIGINT);
  sigprocmask (SIG_BLOCK, &blocked, &former); /* but for ppoll, so that none is missed before it */
  sigaction (SIGTERM, &action, NULL);
  sigaction (SIGINT, &action, NULL);
  while (!is_stopped) {
    wait_for_work (directions, &former);
    for (int i = 0; i < 2; i++) {
      take_frames (&directions[i]);
      deliver_due (&directions[i]);
    }
  }
}

static void
print_counters (const Direction *direction, const char *name, const char *end)
{
  printf ("\"%s\": {\"arrived\": %llu, \"delivered\": %llu, \"lost\": %llu, \"overflowed\": %llu, "
          "\"reordered\": %llu}%s",
          name, (unsigned long long) direction->n_arrived, (unsigned long long) direction->n_delivered,
          (unsigned long long) direction->n_lost, (unsigned long long) direction->n_overflowed,
          (unsigned long long) direction->n_reordered, end);
}

static double
parse (const char *text, double max)
{
  char *end;
  double value = strtod (text, &end);
  if (end == text || *end != '\0' || !(value >= 0 && value <= max)) {
    fprintf (stderr, "%s: not a number of 0 to %g\n", text, max);
    exit (2);
  }
  return value;
}

int
main (int argc, char **argv)
{
  static const struct option options[] = {
    { "a", required_argument, NULL, 'a' },         { "b", required_argument, NULL, 'b' },
    { "delay-ms", required_argument, NULL, 'd' },  { "jitter-ms", required_argument, NULL, 'j' },
    { "reorder", required_argument, NULL, 'o' },   { "loss", required_argument, NULL, 'l' },
    { "rate-kbps", required_argument, NULL, 'r' }, { "queue", required_argument, NULL, 'q' },
    { "seed", required_argument, NULL, 's' },      { NULL },
  };
  const char *a = NULL, *b = NULL;
  Params params = { .queue_packets = 1024 };
  Direction directions[2];
  int option;

  while ((option = getopt_long (argc, argv, "", options, NULL)) != -1)
    switch (option) {
    case 'a':
      a = optarg;
      break;
    case 'b':
      b = optarg;
      break;
    case 'd':
      params.delay_us = (int64_t) (parse (optarg, 10000) * 1000);
      break;
    case 'j':
      params.jitter_us = (int64_t) (parse (optarg, 10000) * 1000);
      break;
    case 'o':
      params.reorder = parse (optarg, 100) / 100;
      break;
    case 'l':
      params.loss = parse (optarg, 100) / 100;
      break;
    case 'r':
      params.rate_bps = (int64_t) (parse (optarg, 1e7) * 1000);
      break;
    case 'q':
      params.queue_packets = 1 + (unsigned) parse (optarg, QUEUE_MAX_PACKETS - 1);
      break;
    case 's':
      srand48 ((long) parse (optarg, 1e9));
      break;
    default:
      return 2;
    }
  const int fd_a = open_tap (a), fd_b = open_tap (b);
  direction_init (&directions[0], &params, fd_a, fd_b);
  direction_init (&directions[1], &params, fd_b, fd_a);
  printf ("ready\n");
  fflush (stdout);
  run (directions);
  printf ("{");
  print_counters (&directions[0], "a_to_b", ", ");
  print_counters (&directions[1], "b_to_a", "}\n");
  for (int i = 0; i < 2; i++)
    direction_clear (&directions[i]);
  return 0;
}
