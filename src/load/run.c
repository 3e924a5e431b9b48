#include "run.h"

#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define MAILBOX_CAPACITY (1 << 18)
#define RAMP_TICK_MS 10
#define PROGRESS_MS 500
/* After the last has joined: ICE and DTLS of slow machines. */
#define CONNECT_PATIENCE_US (20 * G_USEC_PER_SEC)

typedef enum { RAMP, SETTLING, STEADY, ENDING } Phase;

/* A place in the cast and who has it. */
typedef struct {
  struct _Run *run;
  guint index;
  MxrClient *client; /* NULL: nobody */
  bool was_connected;
  bool comes_again; /* its client leaves for churn */
} Seat;

typedef struct _Run {
  const MxrLoadOptions *options;
  MxrCast *cast;
  MxrReport *report;
  MxrClientEnv env;
  GMainLoop *loop;
  Phase phase;
  gint64 phase_us; /* since when */
  Seat *seats;
  guint n_seats, n_begun, n_present, n_settled; /* settled: connected or failed */
  gint64 churn_us;                              /* of the next */
  GError *fatal;
  guint64 last_up_bytes, last_down_bytes;
  gint64 last_progress_us;
  guint timers[4];
  bool shows_progress;
} Run;

static void end (Run *run);

static void
set_phase (Run *run, Phase phase)
{
  run->phase = phase;
  run->phase_us = g_get_monotonic_time ();
}

/* ---- Clients -------------------------------------------------------------------------------------------------- */

static void
on_connected (MxrClient *client, gpointer user_data)
{
  Seat *seat = user_data;
  Run *run = seat->run;

  *(seat->was_connected ? &run->report->n_rejoined : &run->report->n_joined) += 1;
  run->n_settled += !seat->was_connected;
  seat->was_connected = true;
  /* Settling is counted from the last arrival. */
  if (run->phase == SETTLING)
    run->phase_us = g_get_monotonic_time ();
}

static void
on_failed (MxrClient *client, bool was_connected, const GError *error, gpointer user_data)
{
  Seat *seat = user_data;
  Run *run = seat->run;

  *(was_connected ? &run->report->n_lost : &run->report->n_failed) += 1;
  run->n_settled += !seat->was_connected;
  if (run->report->first_error == NULL)
    run->report->first_error = g_strdup (error->message);
  mxr_client_leave (client);
  const bool is_unreachable = g_error_matches (error, MXR_WHIP_ERROR, MXR_WHIP_ERROR_UNREACHABLE);
  if (is_unreachable && run->n_settled == 1 && run->fatal == NULL) {
    run->fatal = g_error_copy (error);
    end (run);
  }
}

static void begin_client (Seat *seat);

static void
on_gone (MxrClient *client, gpointer user_data)
{
  Seat *seat = user_data;
  Run *run = seat->run;

  seat->client = NULL;
  run->n_present--;
  if (seat->comes_again && run->phase == STEADY)
    begin_client (seat);
  seat->comes_again = false;
}

static const MxrClientEvents client_events = { on_connected, on_failed, on_gone };

static void
begin_client (Seat *seat)
{
  Run *run = seat->run;
  MxrClientPlan plan;

  mxr_cast_plan (run->cast, seat->index, &plan);
  seat->client = mxr_client_new (&run->env, &plan, &client_events, seat, run->fatal == NULL ? &run->fatal : NULL);
  if (seat->client != NULL)
    run->n_present++;
  else
    end (run);
}

/* ---- Churn ---------------------------------------------------------------------------------------------------- */

static bool
may_leave (const Seat *seat)
{
  return seat->client != NULL && seat->was_connected && !mxr_client_is_leaving (seat->client) &&
         mxr_client_get_plan (seat->client)->part.may_leave;
}

static void
let_one_leave (Run *run)
{
  const guint first = (guint) g_random_int_range (0, (gint32) run->n_seats);

  for (guint i = 0; i < run->n_seats; i++) {
    Seat *seat = &run->seats[(first + i) % run->n_seats];
    if (!may_leave (seat))
      continue;
    seat->comes_again = true;
    mxr_client_leave (seat->client);
    return;
  }
}

static void
churn (Run *run, gint64 now_us)
{
  for (; run->options->churn > 0 && now_us >= run->churn_us;
       run->churn_us += (gint64) (G_USEC_PER_SEC / run->options->churn))
    let_one_leave (run);
}

/* ---- Counting ------------------------------------------------------------------------------------------------- */

static void
begin_thread (MxrCrewThread *thread, gpointer data)
{
  mxr_pacer_get_late_us (thread->pacer);
  thread->gone = (MxrTally){ 0 };
  mxr_pacer_for_each_client (thread->pacer, mxr_client_begin, data);
}

static void
add_thread_traffic (MxrCrewThread *thread, gpointer data)
{
  mxr_tally_add_counts (data, &thread->gone);
  mxr_pacer_for_each_client (thread->pacer, mxr_client_add_traffic, data);
}

static void
add_thread (MxrCrewThread *thread, gpointer data)
{
  MxrTally *tally = data;
  tally->late_us = MAX (tally->late_us, mxr_pacer_get_late_us (thread->pacer));
  mxr_tally_add_counts (tally, &thread->gone);
  mxr_pacer_for_each_client (thread->pacer, mxr_client_add_all, data);
}

static void
read_usage (const MxrLoadOptions *options, MxrUsage *out_own, MxrUsage *out_server)
{
  mxr_usage_read (0, out_own);
  if (options->server_pid > 0)
    mxr_usage_read (options->server_pid, out_server);
}

static void
begin_steady (Run *run)
{
  MxrReport *report = run->report;

  mxr_crew_call (run->env.crew, begin_thread, NULL);
  mxr_cast_count_marks (run->cast, &report->marks);
  read_usage (run->options, &report->own_begin, &report->server_begin);
  set_phase (run, STEADY);
  run->churn_us = run->phase_us;
}

static void
end_steady (Run *run)
{
  MxrReport *report = run->report;
  MxrCastMarks marks;

  read_usage (run->options, &report->own_end, &report->server_end);
  report->steady_s = (double) (g_get_monotonic_time () - run->phase_us) / G_USEC_PER_SEC;
  mxr_cast_count_marks (run->cast, &marks);
  report->marks = (MxrCastMarks){ marks.clicks - report->marks.clicks, marks.flashes - report->marks.flashes };
  report->tally.least_heard = G_MAXUINT;
  mxr_crew_call (run->env.crew, add_thread, &report->tally);
}

/* ---- Phases --------------------------------------------------------------------------------------------------- */

static void
end (Run *run)
{
  if (run->phase == ENDING)
    return;
  if (run->phase == STEADY)
    end_steady (run);
  set_phase (run, ENDING);
  mxr_whip_give_up (run->env.whip);
  for (guint i = 0; i < run->n_seats; i++)
    if (run->seats[i].client != NULL && !mxr_client_is_leaving (run->seats[i].client))
      mxr_client_leave (run->seats[i].client);
}

static gboolean
on_ramp (gpointer user_data)
{
  Run *run = user_data;
  const double since_s = (double) (g_get_monotonic_time () - run->phase_us) / G_USEC_PER_SEC;

  if (run->phase != RAMP)
    return G_SOURCE_CONTINUE;
  while (run->phase == RAMP && run->n_begun < run->n_seats && run->n_begun <= since_s * run->options->ramp)
    begin_client (&run->seats[run->n_begun++]);
  if (run->phase == RAMP && run->n_begun == run->n_seats)
    set_phase (run, SETTLING);
  return G_SOURCE_CONTINUE;
}

/* Requests that the server lets wait have their own patience. */
static bool
is_settled (Run *run, gint64 now_us)
{
  const bool are_all_there = run->n_settled == run->n_seats;
  const bool is_waiting = mxr_whip_count (run->env.whip) > 0;

  if (!are_all_there && is_waiting)
    run->phase_us = now_us;
  return now_us - run->phase_us >= (are_all_there ? run->options->settle_s * (gint64) G_USEC_PER_SEC : CONNECT_PATIENCE_US);
}

static gboolean
on_tick (gpointer user_data)
{
  Run *run = user_data;
  const gint64 now_us = g_get_monotonic_time ();
  const bool is_empty = run->n_present == 0 && run->n_begun == run->n_seats;

  if (run->phase == SETTLING && !is_empty && is_settled (run, now_us))
    begin_steady (run);
  else if (run->phase == STEADY && now_us - run->phase_us < mxr_load_options_get_duration_us (run->options) && !is_empty)
    churn (run, now_us);
  else if (run->phase == STEADY || (run->phase == SETTLING && is_empty))
    end (run);
  /* Comes to pass: requests have a time-out, and sockets are ours to close. */
  if (run->phase == ENDING && run->n_present == 0 && mxr_whip_count (run->env.whip) == 0)
    g_main_loop_quit (run->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_stop_signal (gpointer user_data)
{
  Run *run = user_data;

  if (run->phase == ENDING)
    _exit (EXIT_FAILURE);
  run->report->is_stopped = true;
  end (run);
  return G_SOURCE_CONTINUE;
}

/* ---- Progress ------------------------------------------------------------------------------------------------- */

static double
get_mbps (guint64 bytes, guint64 former, gint64 interval_us)
{
  return bytes > former && interval_us > 0 ? (double) (bytes - former) * 8 / (double) interval_us : 0;
}

static gboolean
on_progress (gpointer user_data)
{
  static const char *const names[] = { "joining", "settling", "measuring", "leaving" };
  Run *run = user_data;
  const gint64 now_us = g_get_monotonic_time (), interval_us = now_us - run->last_progress_us;
  g_auto (MxrTally) tally = { 0 };

  mxr_crew_call (run->env.crew, add_thread_traffic, &tally);
  fprintf (stderr,
           "\r%-9s %4.0f s: joined %u of %u, connected %u, failed %u | up %.1f, down %.1f Mbit/s | freezes "
           "%" G_GUINT64_FORMAT " \033[K",
           names[run->phase], (double) (now_us - run->phase_us) / G_USEC_PER_SEC, run->report->n_joined, run->n_seats,
           tally.n_connected, run->report->n_failed + run->report->n_lost,
           get_mbps (tally.up_bytes, run->last_up_bytes, interval_us),
           get_mbps (tally.down_bytes, run->last_down_bytes, interval_us), tally.freezes);
  fflush (stderr);
  run->last_up_bytes = tally.up_bytes;
  run->last_down_bytes = tally.down_bytes;
  run->last_progress_us = now_us;
  return G_SOURCE_CONTINUE;
}

/* ---- All ------------------------------------------------------------------------------------------------------ */

/* A client has a socket or two and what goes with them. */
static void
raise_descriptor_limit (void)
{
  struct rlimit limit;
  if (getrlimit (RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit);
  }
}

static bool
set_up (Run *run, GError **error)
{
  const MxrLoadOptions *options = run->options;

  raise_descriptor_limit ();
  run->env = (MxrClientEnv){
    .crew = mxr_crew_new (options->host, (guint) options->n_threads, &mxr_client_pacer_events, error),
    .codec = options->codec,
    .audio_level = !options->no_audio_level,
    .loss = options->loss,
    .jitter_ms = (guint) options->jitter_ms,
    .keeps_order = options->keeps_order,
  };
  if (run->env.crew == NULL)
    return false;
  run->env.control = mxr_mailbox_new (NULL, "clients", MAILBOX_CAPACITY);
  run->env.whip = mxr_whip_new (options->server, options->token, options->is_insecure);
  run->loop = g_main_loop_new (NULL, FALSE);
  run->n_seats = run->report->n_wanted = mxr_load_options_count_clients (options);
  run->seats = g_new0 (Seat, run->n_seats);
  for (guint i = 0; i < run->n_seats; i++)
    run->seats[i] = (Seat){ .run = run, .index = i };
  return true;
}

static void
start_timers (Run *run)
{
  run->timers[0] = g_timeout_add (RAMP_TICK_MS, on_ramp, run);
  run->timers[1] = g_timeout_add (50, on_tick, run);
  run->timers[2] = g_unix_signal_add (SIGINT, on_stop_signal, run);
  run->timers[3] = g_unix_signal_add (SIGTERM, on_stop_signal, run);
  run->shows_progress = !run->options->quiet && isatty (STDERR_FILENO) == 1;
}

static void
tear_down (Run *run)
{
  run->report->n_not_left = mxr_whip_count_not_left (run->env.whip);
  for (guint i = 0; i < G_N_ELEMENTS (run->timers); i++)
    g_source_remove (run->timers[i]);
  mxr_crew_free (run->env.crew);
  mxr_mailbox_close (run->env.control);
  mxr_mailbox_unref (run->env.control);
  mxr_whip_free (run->env.whip);
  g_main_loop_unref (run->loop);
  g_free (run->seats);
}

bool
mxr_run (const MxrLoadOptions *options, MxrCast *cast, MxrReport *out_report, GError **error)
{
  Run run = { .options = options, .cast = cast, .report = out_report };

  out_report->options = options;
  if (!set_up (&run, error))
    return false;
  start_timers (&run);
  const guint progress = run.shows_progress ? g_timeout_add (PROGRESS_MS, on_progress, &run) : 0;
  set_phase (&run, RAMP);
  g_main_loop_run (run.loop);
  if (progress != 0) {
    g_source_remove (progress);
    fputs ("\r\033[K", stderr);
  }
  tear_down (&run);
  if (run.fatal != NULL)
    g_propagate_error (error, run.fatal);
  return run.fatal == NULL;
}
