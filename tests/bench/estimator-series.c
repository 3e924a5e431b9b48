/* The scenarios of the estimator's simulator as JSON, a line for each flow of each.
 *
 * usage: estimator-series [SCENARIO...] */
#include "sim.h"

#include <stdio.h>
#include <string.h>

#define SEED 1

static void
print_series (const char *key, const SimResult *result, guint flow, gsize offset)
{
  printf (", \"%s\": [", key);
  for (guint i = 0; i < result->n_samples; i++) {
    const char *at = (const char *) &result->samples[flow][i] + offset;
    printf ("%s%u", i > 0 ? "," : "", *(const guint *) at);
  }
  printf ("]");
}

static void
print_flow (const SimScenario *scenario, const SimResult *result, guint flow)
{
  printf ("{\"scenario\": \"%s\", \"title\": \"%s\", \"flow\": %u, \"step_s\": %g", scenario->name, scenario->title, flow,
          SIM_SAMPLE_MS / 1e3);
  print_series ("capacity_bps", result, flow, G_STRUCT_OFFSET (SimSample, capacity_bps));
  print_series ("estimate_bps", result, flow, G_STRUCT_OFFSET (SimSample, estimate_bps));
  print_series ("sent_bps", result, flow, G_STRUCT_OFFSET (SimSample, sent_bps));
  printf (", \"queue_ms\": [");
  for (guint i = 0; i < result->n_samples; i++)
    printf ("%s%.0f", i > 0 ? "," : "", result->samples[flow][i].queue_ms);
  printf ("], \"wait_p95_ms\": %.1f, \"arrived_bps\": %.0f}\n",
          sim_wait_quantile (result, flow, 0, scenario->duration_s, 0.95),
          sim_mean_arrived (result, flow, 0, scenario->duration_s));
}

static bool
is_wanted (const SimScenario *scenario, int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
    if (strcmp (argv[i], scenario->name) == 0)
      return true;
  return argc == 1;
}

int
main (int argc, char **argv)
{
  for (guint i = 0; i < sim_n_scenarios; i++) {
    if (!is_wanted (&sim_scenarios[i], argc, argv))
      continue;
    g_autoptr (SimResult) result = sim_run (&sim_scenarios[i], SEED);
    for (guint flow = 0; flow < sim_scenarios[i].n_flows; flow++)
      print_flow (&sim_scenarios[i], result, flow);
  }
  return 0;
}
