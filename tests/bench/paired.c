#include "paired.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RUNS 7
#define RUNS_QUICK 3
#define RUNS_MAX 99

void
paired_init (Paired *paired, int *argc, char ***argv, const char *media)
{
  gboolean quick = FALSE;
  *paired = (Paired){ .media = media };
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_FILENAME, &paired->json, "Append the figures to FILE", "FILE" },
    { "runs", 0, 0, G_OPTION_ARG_INT, &paired->n_runs, "Take the median of N runs", "N" },
    { "quick", 0, 0, G_OPTION_ARG_NONE, &quick, "Fewer runs", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, &error) || *argc > 1) {
    fprintf (stderr, "%s\n", error != NULL ? error->message : "there is an argument too many");
    exit (2);
  }
  if (paired->n_runs <= 0)
    paired->n_runs = quick ? RUNS_QUICK : RUNS;
  paired->n_runs = MIN (paired->n_runs, RUNS_MAX);
}

void
paired_clear (Paired *paired)
{
  g_clear_pointer (&paired->json, g_free);
}

double
paired_cpu_s (void)
{
  struct timespec now;
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  double one = *(const double *) a, other = *(const double *) b;
  return (one > other) - (one < other);
}

/* Sorts @values. */
static double
median (double *values, int n)
{
  qsort (values, (gsize) n, sizeof *values, compare);
  return n % 2 != 0 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void
report (const Paired *paired, const char *bench, guint size, const char *rival, double *subject,
        double *rival_cost)
{
  double ratios[RUNS_MAX];
  int n = paired->n_runs;

  for (int i = 0; i < n; i++)
    ratios[i] = subject[i] / rival_cost[i];
  double ratio = median (ratios, n), ours = median (subject, n), theirs = median (rival_cost, n);
  printf ("%-16s %4u  %.4f  %-16s %.4f  ratio %.3f (%.3f to %.3f)\n", bench, size, ours, rival, theirs, ratio,
          ratios[0], ratios[n - 1]);
  fflush (stdout);
  if (paired->json == NULL)
    return;
  FILE *file = fopen (paired->json, "a");
  if (file == NULL) {
    perror (paired->json);
    exit (1);
  }
  fprintf (
      file,
      "{\"bench\":\"%s\",\"size\":%u,\"subject\":%.5f,\"rival\":\"%s\",\"rival_cost\":%.5f,\"ratio\":%.4f,"
      "\"ratio_min\":%.4f,\"ratio_max\":%.4f,\"runs\":%d,\"media\":\"%s\",\"unit\":\"core\"}\n",
      bench, size, ours, rival, theirs, ratio, ratios[0], ratios[n - 1], n, paired->media);
  fclose (file);
}

void
paired_measure (const Paired *paired, const char *bench, guint size, PairedFunc subject,
                const PairedWay *rivals, guint n_rivals, gconstpointer job)
{
  for (guint k = 0; k < n_rivals; k++) {
    double ours[RUNS_MAX], theirs[RUNS_MAX];
    if (rivals[k].measure == NULL)
      continue;
    for (int i = 0; i < paired->n_runs; i++) {
      ours[i] = subject (job);
      theirs[i] = rivals[k].measure (job);
    }
    report (paired, bench, size, rivals[k].name, ours, theirs);
  }
}
