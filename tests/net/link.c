/* A link between two TAP devices: delay, jitter, reordering, duplication, loss, rate and cuts, for kernels
 * without sch_netem.
 *
 *   net-link --a NETNS:DEVICE --b NETNS:DEVICE [--report-ms N] [--seed N] [--NAME VALUE[,VALUE]]...
 *
 * It makes the devices (an empty NETNS is the own one) and carries Ethernet frames between them until
 * SIGTERM. Names and values are those of link-control.h, with hyphens. Lines of them on its standard input
 * change it while it runs. Values are per direction: a round trip has twice the delay.
 *
 * What passed is a line of JSON: of every N ms with --report-ms ("of": "interval"), since it was asked last
 * when the line "figures" asks for it ("window"), and of all at the end ("total"). "wait" is how long packets
 * waited for those before them [ms]; lengths are of IP packets. */

#include "link-control.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define FRAMES_MAX 8192
/* What cheap routers hold, when nothing else is said. */
#define QUEUE_US 1000000
#define LINE_MAX_BYTES 256
#define WORDS_MAX 8

typedef struct {
  LinkPath paths[2]; /* a to b, b to a */
  int devices[2];    /* a, b */
  int control;       /* descriptor, or -1 when nobody says anything more */
  char line[LINE_MAX_BYTES];
  size_t line_length;
  int64_t start_us;
  int64_t report_interval_us, next_report_us; /* 0: none */
} Link;

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

/* ---- Devices ------------------------------------------------------------------------------------------- */

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

/* ---- Figures ------------------------------------------------------------------------------------------- */

static void
print_path (LinkPath *path, LinkFiguresKind kind)
{
  LinkFigures *figures = &path->figures[kind];

  printf (
      "{\"arrived\": %llu, \"bytes\": %llu, \"delivered\": %llu, \"deliveredBytes\": %llu, \"lost\": %llu, "
      "\"overflowed\": %llu, \"reordered\": %llu, \"duplicated\": %llu, "
      "\"wait\": {\"median\": %u, \"p95\": %u, \"max\": %u}}",
      (unsigned long long) figures->arrived, (unsigned long long) figures->arrived_bytes,
      (unsigned long long) figures->delivered, (unsigned long long) figures->delivered_bytes,
      (unsigned long long) figures->lost, (unsigned long long) figures->overflowed,
      (unsigned long long) figures->reordered, (unsigned long long) figures->duplicated,
      link_figures_wait_ms (figures, 0.5), link_figures_wait_ms (figures, 0.95),
      link_figures_wait_ms (figures, 1));
  *figures = (LinkFigures){ 0 };
}

static void
print_figures (Link *link, LinkFiguresKind kind)
{
  static const char *const names[] = { "interval", "window", "total" };

  printf ("{\"ms\": %lld, \"of\": \"%s\", \"a_to_b\": ", (long long) (now_us () - link->start_us) / 1000,
          names[kind]);
  print_path (&link->paths[0], kind);
  printf (", \"b_to_a\": ");
  print_path (&link->paths[1], kind);
  printf ("}\n");
  fflush (stdout);
}

/* ---- Commands ------------------------------------------------------------------------------------------ */

static void
obey (Link *link, char *line)
{
  LinkParams params[2] = { link->paths[0].params, link->paths[1].params };
  const char *words[WORDS_MAX];

  link_control_split (line, words, WORDS_MAX);
  if (words[0] == NULL)
    return;
  if (strcmp (words[0], "figures") == 0) {
    print_figures (link, LINK_FIGURES_WINDOW);
    return;
  }
  const char *error = link_control_apply (params, words);
  if (error != NULL) {
    printf ("error: %s: %s\n", words[0], error);
    fflush (stdout);
  }
  for (int i = 0; i < 2; i++)
    link_path_change (&link->paths[i], &params[i], now_us ());
}

static void
read_commands (Link *link)
{
  const ssize_t size =
      read (link->control, link->line + link->line_length, LINE_MAX_BYTES - 1 - link->line_length);
  char *end;

  if (size <= 0) {
    link->control = -1;
    return;
  }
  link->line_length += (size_t) size;
  link->line[link->line_length] = '\0';
  while ((end = strchr (link->line, '\n')) != NULL) {
    *end++ = '\0';
    obey (link, link->line);
    link->line_length -= (size_t) (end - link->line);
    memmove (link->line, end, link->line_length + 1);
  }
  if (link->line_length == LINE_MAX_BYTES - 1)
    link->line_length = 0; /* no command is so long */
}

/* ---- The loop ------------------------------------------------------------------------------------------ */

static void
take_frames (Link *link, int from)
{
  uint8_t bytes[LINK_FRAME_MAX_BYTES];
  ssize_t size;

  /* Ends when nothing more is there, or the device is down for now. */
  while ((size = read (link->devices[from], bytes, sizeof bytes)) > 0)
    link_path_arrive (&link->paths[from], bytes, (size_t) size, now_us ());
}

static void
deliver_due (Link *link, int from)
{
  const LinkFrame *frame;

  while ((frame = link_path_take (&link->paths[from], now_us ())) != NULL)
    if (write (link->devices[1 - from], frame->bytes, frame->size) < 0 && errno != EIO && errno != EAGAIN)
      die ("write"); /* those two: the device is down for now, or full */
}

static void
wait_for_work (const Link *link, const sigset_t *while_waiting)
{
  struct pollfd polled[3] = {
    { link->devices[0], POLLIN, 0 },
    { link->devices[1], POLLIN, 0 },
    { link->control, POLLIN, 0 },
  };
  int64_t wake_us = link->report_interval_us > 0 ? link->next_report_us : INT64_MAX;

  for (int i = 0; i < 2; i++)
    if (link_path_next_us (&link->paths[i]) < wake_us)
      wake_us = link_path_next_us (&link->paths[i]);
  const int64_t now = now_us (), wait_us = wake_us > now ? wake_us - now : 0;
  const struct timespec timeout = { wait_us / 1000000, wait_us % 1000000 * 1000 };
  if (ppoll (polled, 3, wake_us < INT64_MAX ? &timeout : NULL, while_waiting) < 0 && errno != EINTR)
    die ("ppoll");
}

static void
report_if_due (Link *link)
{
  if (link->report_interval_us == 0 || now_us () < link->next_report_us)
    return;
  print_figures (link, LINK_FIGURES_INTERVAL);
  link->next_report_us += link->report_interval_us;
}

static bool
has_command (const Link *link)
{
  struct pollfd polled = { link->control, POLLIN, 0 };
  return link->control >= 0 && poll (&polled, 1, 0) > 0;
}

static void
run (Link *link)
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
    wait_for_work (link, &former);
    for (int i = 0; i < 2; i++) {
      take_frames (link, i);
      deliver_due (link, i);
    }
    report_if_due (link);
    if (has_command (link))
      read_commands (link);
  }
}

/* ---- Options ------------------------------------------------------------------------------------------- */

typedef struct {
  const char *places[2];
  LinkParams params[2];
  unsigned seed;
  int64_t report_interval_us;
} Options;

static void
take_option (Options *options, const char *name, const char *value)
{
  char line[LINE_MAX_BYTES];
  const char *words[WORDS_MAX];

  if (strcmp (name, "a") == 0 || strcmp (name, "b") == 0) {
    options->places[name[0] - 'a'] = value;
  } else if (strcmp (name, "seed") == 0) {
    options->seed = (unsigned) strtoul (value, NULL, 10);
  } else if (strcmp (name, "report-ms") == 0) {
    options->report_interval_us = strtol (value, NULL, 10) * 1000;
  } else {
    snprintf (line, sizeof line, "%s %s", name, value);
    for (char *at = strchr (line, '-'); at != NULL; at = strchr (at, '-'))
      *at = '_';
    link_control_split (line, words, WORDS_MAX);
    const char *error = words[0] != NULL ? link_control_apply (options->params, words) : "what?";
    if (error != NULL) {
      fprintf (stderr, "--%s %s: %s\n", name, value, error);
      exit (2);
    }
  }
}

static void
parse_options (Options *options, int argc, char **argv)
{
  for (int i = 1; i < argc; i += 2) {
    if (strncmp (argv[i], "--", 2) != 0 || i + 1 == argc) {
      fprintf (stderr, "%s: an option and its value\n", argv[i]);
      exit (2);
    }
    take_option (options, argv[i] + 2, argv[i + 1]);
  }
}

int
main (int argc, char **argv)
{
  static Link link;
  Options options = { .params = { { .queue_us = QUEUE_US }, { .queue_us = QUEUE_US } } };

  parse_options (&options, argc, argv);
  for (int i = 0; i < 2; i++) {
    link.devices[i] = open_tap (options.places[i]);
    link_path_init (&link.paths[i], &options.params[i], FRAMES_MAX, 2 * options.seed + (unsigned) i);
  }
  link.start_us = now_us ();
  link.report_interval_us = options.report_interval_us;
  link.next_report_us = link.start_us + link.report_interval_us;
  printf ("ready\n");
  fflush (stdout);
  run (&link);
  print_figures (&link, LINK_FIGURES_TOTAL);
  for (int i = 0; i < 2; i++)
    link_path_clear (&link.paths[i]);
  return 0;
}
