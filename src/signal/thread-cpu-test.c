#include "thread-cpu.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

static void
test_parse (void)
{
  guint64 ticks = 7;

  g_assert_true (mxr_thread_cpu_parse ("42 (net-0) S 1 2 3 4 -1 5 6 7 8 9 100 23 0 0 20 0", &ticks));
  g_assert_cmpuint (ticks, ==, 123);
  g_assert_true (mxr_thread_cpu_parse ("42 (a) b (c)) R 1 2 3 4 -1 5 6 7 8 9 1 2 0", &ticks));
  g_assert_cmpuint (ticks, ==, 3);
  g_assert_false (mxr_thread_cpu_parse ("", &ticks));
  g_assert_false (mxr_thread_cpu_parse ("42 (net-0", &ticks));
  g_assert_false (mxr_thread_cpu_parse ("42 (net-0) S 1 2 3", &ticks));
  g_assert_cmpuint (ticks, ==, 3);
}

/* ---- A thread that uses so much and then waits ------------------------------------------------------------ */

#define SPIN_NS 100000000
#define SPIN_AT_LEAST_S 0.07 /* of each figure a part of a tick of 10 ms is cut off */
#define SPIN_AT_MOST_S 0.15

typedef struct {
  GThread *thread;
  const char *later_name; /* (nullable): that it goes on under, as threads of a pool do */
  GMutex lock;
  GCond cond;
  guint n_wanted, n_done; /* spins */
  bool may_end;
} Spinner;

static void
spin_once (void)
{
  struct timespec used;
  gint64 start_ns = -1, now_ns;

  do {
    clock_gettime (CLOCK_THREAD_CPUTIME_ID, &used);
    now_ns = used.tv_sec * G_GINT64_CONSTANT (1000000000) + used.tv_nsec;
    start_ns = start_ns < 0 ? now_ns : start_ns;
  } while (now_ns - start_ns < SPIN_NS);
}

static gpointer
run (gpointer user_data)
{
  Spinner *spinner = user_data;

  g_mutex_lock (&spinner->lock);
  while (!spinner->may_end || spinner->n_done < spinner->n_wanted) {
    if (spinner->n_done == spinner->n_wanted) {
      g_cond_wait (&spinner->cond, &spinner->lock);
      continue;
    }
    g_mutex_unlock (&spinner->lock);
    if (spinner->n_done == 1)
      pthread_setname_np (pthread_self (), spinner->later_name);
    spin_once ();
    g_mutex_lock (&spinner->lock);
    spinner->n_done++;
    g_cond_signal (&spinner->cond);
  }
  g_mutex_unlock (&spinner->lock);
  return NULL;
}

/* Spins once, or once more. Returns when that is done. */
static void
spin (Spinner *spinner)
{
  g_mutex_lock (&spinner->lock);
  spinner->n_wanted++;
  g_cond_broadcast (&spinner->cond);
  while (spinner->n_done < spinner->n_wanted)
    g_cond_wait (&spinner->cond, &spinner->lock);
  g_mutex_unlock (&spinner->lock);
}

static void
start (Spinner *spinner, const char *name)
{
  *spinner = (Spinner){ .later_name = "sound-1" };
  g_mutex_init (&spinner->lock);
  g_cond_init (&spinner->cond);
  spinner->thread = g_thread_new (name, run, spinner);
  spin (spinner);
}

static void
stop (Spinner *spinner)
{
  g_mutex_lock (&spinner->lock);
  spinner->may_end = true;
  g_cond_broadcast (&spinner->cond);
  g_mutex_unlock (&spinner->lock);
  g_thread_join (spinner->thread);
  g_mutex_clear (&spinner->lock);
  g_cond_clear (&spinner->cond);
}

/* ---- What is told of it ------------------------------------------------------------------------------------ */

typedef struct {
  double network, decode, sound, ended;
} Seconds;

static double
find_stage (const char *text, const char *stage)
{
  g_autofree char *line = g_strdup_printf ("{stage=\"%s\"} ", stage);
  const char *found = strstr (text, line);
  g_assert_nonnull (found);
  return g_ascii_strtod (found + strlen (line), NULL);
}

static Seconds
look (MxrThreadCpu *cpu)
{
  g_autoptr (GString) text = g_string_new (NULL);
  mxr_thread_cpu_append (cpu, text);
  return (Seconds){ find_stage (text->str, "network"), find_stage (text->str, "decode"), find_stage (text->str, "sound"),
                    find_stage (text->str, "ended") };
}

/* Each tells the CPU time of those that carry its name, and of no others. */
static void
test_stages (void)
{
  g_autoptr (MxrThreadCpu) cpu = mxr_thread_cpu_new ();
  Spinner decode;

  start (&decode, "decode-7");
  Seconds seen = look (cpu);
  g_assert_cmpfloat (seen.decode, >=, SPIN_AT_LEAST_S);
  g_assert_cmpfloat (seen.network, ==, 0);
  g_assert_cmpfloat (look (cpu).decode, ==, seen.decode);
  stop (&decode);
}

/* What is told does not fall with a thread's end, and what it used unseen is told, too. */
static void
test_end (void)
{
  g_autoptr (MxrThreadCpu) cpu = mxr_thread_cpu_new ();
  Spinner seen, unseen;

  start (&seen, "decode-7");
  Seconds before = look (cpu);
  stop (&seen);
  start (&unseen, "decode-8");
  spin (&unseen);
  stop (&unseen);
  Seconds after = look (cpu);
  g_assert_cmpfloat (after.decode, ==, before.decode);
  g_assert_cmpfloat (after.ended, >=, before.ended + 2 * SPIN_AT_LEAST_S);
}

/* Nobody need ask while a thread lives, when it is looked at before it ends; but not each time that one ends. */
static void
test_look_before_end (void)
{
  g_autoptr (MxrThreadCpu) cpu = mxr_thread_cpu_new ();
  Spinner spinner;

  start (&spinner, "decode-7");
  gint64 looked_us = g_get_monotonic_time ();
  mxr_thread_cpu_look (cpu);
  spin (&spinner);
  mxr_thread_cpu_look (cpu);
  bool is_soon = g_get_monotonic_time () - looked_us < G_USEC_PER_SEC;
  stop (&spinner);
  Seconds after = look (cpu);
  g_assert_cmpfloat (after.decode, >=, SPIN_AT_LEAST_S);
  g_assert_cmpfloat (after.decode, <=, SPIN_AT_MOST_S);
  if (is_soon)
    g_assert_cmpfloat (after.sound, ==, 0);
}

/* A thread that does something else now takes nothing along of what it did before. */
static void
test_used_again (void)
{
  g_autoptr (MxrThreadCpu) cpu = mxr_thread_cpu_new ();
  Spinner spinner;

  start (&spinner, "decode-7");
  Seconds before = look (cpu);
  spin (&spinner);
  Seconds after = look (cpu);
  g_assert_cmpfloat (after.decode, ==, before.decode);
  g_assert_cmpfloat (after.sound, >=, SPIN_AT_LEAST_S);
  g_assert_cmpfloat (after.sound, <=, SPIN_AT_MOST_S);
  stop (&spinner);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/thread-cpu/parse", test_parse);
  g_test_add_func ("/thread-cpu/stages", test_stages);
  g_test_add_func ("/thread-cpu/end", test_end);
  g_test_add_func ("/thread-cpu/look-before-end", test_look_before_end);
  g_test_add_func ("/thread-cpu/used-again", test_used_again);
  return g_test_run ();
}
