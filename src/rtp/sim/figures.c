#include "sim.h"

#include <math.h>

double
sim_mean_estimate (const SimResult *result, guint flow, double from_s, double to_s)
{
  double sum = 0;
  guint n = 0;

  for (guint i = 0; i < result->n_samples; i++) {
    const SimSample *sample = &result->samples[flow][i];
    if (sample->at_s < from_s || sample->at_s >= to_s)
      continue;
    sum += sample->estimate_bps;
    n++;
  }
  return n > 0 ? sum / n : 0;
}

double
sim_mean_arrived (const SimResult *result, guint flow, double from_s, double to_s)
{
  double sum = 0;
  guint n = 0;

  for (guint i = 0; i < result->n_samples; i++) {
    const SimSample *sample = &result->samples[flow][i];
    if (sample->at_s < from_s || sample->at_s >= to_s)
      continue;
    sum += sample->arrived_bps;
    n++;
  }
  return n > 0 ? sum / n : 0;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  const double x = *(const double *) a, y = *(const double *) b;
  return x < y ? -1 : x > y;
}

double
sim_wait_quantile (const SimResult *result, guint flow, double from_s, double to_s, double part)
{
  g_autoptr (GArray) waits = g_array_new (FALSE, FALSE, sizeof (double));

  for (guint i = 0; i < result->waits[flow]->len; i++) {
    const SimWait *wait = &g_array_index (result->waits[flow], SimWait, i);
    if (wait->at_s >= from_s && wait->at_s < to_s)
      g_array_append_val (waits, wait->ms);
  }
  g_array_sort (waits, compare);
  return waits->len > 0 ? g_array_index (waits, double, (guint) (part * (waits->len - 1))) : 0;
}

double
sim_time_below (const SimResult *result, guint flow, double from_s, double bps)
{
  for (guint i = 0; i < result->n_samples; i++)
    if (result->samples[flow][i].at_s >= from_s && result->samples[flow][i].estimate_bps <= bps)
      return result->samples[flow][i].at_s - from_s;
  return INFINITY;
}

double
sim_time_above (const SimResult *result, guint flow, double from_s, double bps)
{
  for (guint i = 0; i < result->n_samples; i++)
    if (result->samples[flow][i].at_s >= from_s && result->samples[flow][i].estimate_bps >= bps)
      return result->samples[flow][i].at_s - from_s;
  return INFINITY;
}

double
sim_time_target (const SimResult *result, guint flow, double from_s, double bps)
{
  for (guint i = 0; i < result->n_samples; i++)
    if (result->samples[flow][i].at_s >= from_s && result->samples[flow][i].target_bps >= bps)
      return result->samples[flow][i].at_s - from_s;
  return INFINITY;
}
