#include "thread-cpu.h"

#include <string.h>

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

static gpointer
spin (gpointer until_us)
{
  while (g_get_monotonic_time () < *(gint64 *) until_us)
    ;
  return NULL;
}

static double
read_stage (const char *stage)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *line = g_strdup_printf ("{stage=\"%s\"} ", stage);

  mxr_thread_cpu_append (text);
  const char *found = strstr (text->str, line);
  g_assert_nonnull (found);
  return g_ascii_strtod (found + strlen (line), NULL);
}

/* Each tells the CPU time of those that carry its name, and of no others. */
static void
test_stages (void)
{
  gint64 until_us = g_get_monotonic_time () + 150000;
  g_autoptr (GThread) decode = g_thread_new ("decode-7", spin, &until_us);
  double network_s = read_stage ("network");

  while (g_get_monotonic_time () < until_us - 20000)
    g_usleep (5000);
  g_assert_cmpfloat (read_stage ("decode"), >=, 0.02);
  g_assert_cmpfloat (read_stage ("network"), ==, network_s);
  g_thread_join (g_steal_pointer (&decode));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/thread-cpu/parse", test_parse);
  g_test_add_func ("/thread-cpu/stages", test_stages);
  return g_test_run ();
}
