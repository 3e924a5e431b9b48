#include "thread-cpu.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  const char *prefix; /* of the thread's name */
  const char *stage;
} Stage;

/* Named where the threads are made: transport/net.c, peer/decode-pool.c, the mixers' elements in room/graph.c, the queue
 * before a picture's encoder in room/rung.c, main.c. */
static const Stage stages[] = {
  { "net-", "network" }, { "decode", "decode" },   { "sound", "sound" },
  { "picture", "compose" }, { "queue:src", "encode" }, { "mixroom", "control" },
};

#define OTHER G_N_ELEMENTS (stages)
#define N_STAGES (OTHER + 1)
#define LOOK_INTERVAL_US G_USEC_PER_SEC /* of those that nobody asked for: many rooms may end at once */

struct _MxrThreadCpu {
  guint64 ticks[N_STAGES];
  guint64 ended_ticks;
  GHashTable *seen; /* a thread's id -> its ticks when it was looked at last */
  gint64 looked_us;
};

MxrThreadCpu *
mxr_thread_cpu_new (void)
{
  MxrThreadCpu *self = g_new0 (MxrThreadCpu, 1);
  self->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
mxr_thread_cpu_free (MxrThreadCpu *self)
{
  g_hash_table_unref (self->seen);
  g_free (self);
}

static char *
read_file (const char *task, const char *name)
{
  g_autofree char *path = g_build_filename ("/proc/self/task", task, name, NULL);
  char *text = NULL;
  return g_file_get_contents (path, &text, NULL, NULL) ? text : NULL;
}

/* Fields 14 and 15 of /proc/PID/stat [clock ticks] (proc(5)). The name before them, in brackets, may hold anything. */
bool
mxr_thread_cpu_parse (const char *stat, guint64 *out_ticks)
{
  const char *text = strrchr (stat, ')');
  guint64 user, system;

  if (text == NULL || sscanf (text + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" G_GUINT64_FORMAT
                              " %" G_GUINT64_FORMAT, &user, &system) != 2)
    return false;
  *out_ticks = user + system;
  return true;
}

static guint
find_stage (const char *name)
{
  guint i = 0;
  while (i < OTHER && !g_str_has_prefix (name, stages[i].prefix))
    i++;
  return i;
}

/* What it used since the last look goes to what it does now: GStreamer's threads are used again, under other names.
 * One with less than before has an id that another had. */
static void
add_task (MxrThreadCpu *self, GHashTable *seen_now, const char *task)
{
  g_autofree char *name = read_file (task, "comm");
  g_autofree char *stat = read_file (task, "stat");
  guint64 own;

  if (name == NULL || stat == NULL || !mxr_thread_cpu_parse (stat, &own))
    return; /* it has just ended */
  const guint64 *before = g_hash_table_lookup (self->seen, task);
  self->ticks[find_stage (name)] += before != NULL && *before <= own ? own - *before : own;
  g_hash_table_insert (seen_now, g_strdup (task), g_memdup2 (&own, sizeof own));
}

/* Of the whole process, threads that have ended included. */
static guint64
count_process_ticks (void)
{
  g_autofree char *stat = NULL;
  guint64 ticks = 0;
  if (g_file_get_contents ("/proc/self/stat", &stat, NULL, NULL))
    mxr_thread_cpu_parse (stat, &ticks);
  return ticks;
}

static void
look (MxrThreadCpu *self)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  GHashTable *seen_now = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  guint64 known = 0;
  const char *task;

  while (dir != NULL && (task = g_dir_read_name (dir)) != NULL)
    add_task (self, seen_now, task);
  g_hash_table_unref (self->seen);
  self->seen = seen_now;
  for (guint i = 0; i < N_STAGES; i++)
    known += self->ticks[i];
  guint64 process = count_process_ticks ();
  if (process > known) /* not so when each thread's part of a tick is rounded otherwise */
    self->ended_ticks = MAX (self->ended_ticks, process - known);
  self->looked_us = g_get_monotonic_time ();
}

void
mxr_thread_cpu_look (MxrThreadCpu *self)
{
  if (g_get_monotonic_time () - self->looked_us >= LOOK_INTERVAL_US)
    look (self);
}

static void
append_stage (GString *text, const char *stage, guint64 ticks)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  g_ascii_formatd (number, sizeof number, "%.2f", (double) ticks / (double) sysconf (_SC_CLK_TCK));
  g_string_append_printf (text, "mixroom_thread_cpu_seconds_total{stage=\"%s\"} %s\n", stage, number);
}

void
mxr_thread_cpu_append (MxrThreadCpu *self, GString *text)
{
  look (self);
  g_string_append (text, "# HELP mixroom_thread_cpu_seconds_total CPU time by what threads do; ended: what those used that had ended "
                         "when they would have been looked at again.\n"
                         "# TYPE mixroom_thread_cpu_seconds_total counter\n");
  for (guint i = 0; i < N_STAGES; i++)
    append_stage (text, i < OTHER ? stages[i].stage : "other", self->ticks[i]);
  append_stage (text, "ended", self->ended_ticks);
}
