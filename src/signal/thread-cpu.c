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

#define N_STAGES G_N_ELEMENTS (stages)

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
  while (i < N_STAGES && !g_str_has_prefix (name, stages[i].prefix))
    i++;
  return i;
}

static void
add_task (const char *task, guint64 *ticks)
{
  g_autofree char *name = read_file (task, "comm");
  g_autofree char *stat = read_file (task, "stat");
  guint64 own;

  if (name != NULL && stat != NULL && mxr_thread_cpu_parse (stat, &own)) /* else it has just ended */
    ticks[find_stage (name)] += own;
}

void
mxr_thread_cpu_append (GString *text)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  guint64 ticks[N_STAGES + 1] = { 0 };
  const char *task;

  while (dir != NULL && (task = g_dir_read_name (dir)) != NULL)
    add_task (task, ticks);
  g_string_append (text, "# HELP mixroom_thread_cpu_seconds CPU time of the threads that live now, by what they do.\n"
                         "# TYPE mixroom_thread_cpu_seconds gauge\n");
  for (guint i = 0; i <= N_STAGES; i++) {
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd (number, sizeof number, "%.2f", (double) ticks[i] / (double) sysconf (_SC_CLK_TCK));
    g_string_append_printf (text, "mixroom_thread_cpu_seconds{stage=\"%s\"} %s\n",
                            i < N_STAGES ? stages[i].stage : "other", number);
  }
}
