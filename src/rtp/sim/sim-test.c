/* What the estimator makes of a simulated link: how soon, how much of it is used, how long packets wait, who gets what. Nothing
 * here depends on the machine. */
#include "sim.h"

#define N_SEEDS 3
#define SOUND_BPS 40000

typedef void (*Check) (const SimScenario *scenario, const SimResult *result);

static void
check_each_seed (const char *name, Check check)
{
  const SimScenario *scenario = sim_find (name);
  for (guint32 seed = 1; seed <= N_SEEDS; seed++) {
    g_autoptr (SimResult) result = sim_run (scenario, seed);
    check (scenario, result);
  }
}

/* Jain's index: 1 when both get the same, 0.5 when one gets all. */
static double
fairness (const SimResult *result, double from_s, double to_s)
{
  const double a = sim_mean_arrived (result, 0, from_s, to_s), b = sim_mean_arrived (result, 1, from_s, to_s);
  return (a + b) * (a + b) / (2 * (a * a + b * b));
}

/* The rung that fits, after each step of the link: down within 2 s, where what was sent is too much, up within 10 s. */
static void
check_steps_ladder (const SimScenario *scenario, const SimResult *result)
{
  g_assert_cmpfloat (sim_time_below (result, 0, 20, 1000e3), <, 2);
  g_assert_cmpfloat (sim_time_below (result, 0, 40, 500e3), <, 2);
  g_assert_cmpfloat (sim_time_target (result, 0, 160, 150e3 + SOUND_BPS), <, 10);
  g_assert_cmpfloat (sim_time_target (result, 0, 180, 500e3 + SOUND_BPS), <, 10);
  g_assert_cmpfloat (sim_time_target (result, 0, 200, 1500e3 + SOUND_BPS), <, 10);
  g_assert_cmpfloat (sim_mean_arrived (result, 0, 5, 20), >, 0.95 * (1500e3 + SOUND_BPS));
  g_assert_cmpfloat (sim_mean_arrived (result, 0, 25, 40), >, 0.95 * (500e3 + SOUND_BPS));
  g_assert_cmpfloat (sim_mean_arrived (result, 0, 45, 60), >, 0.95 * (150e3 + SOUND_BPS));
  g_assert_cmpfloat (sim_wait_quantile (result, 0, 0, 220, 0.95), <, 200);
}

static void
check_steps_greedy (const SimScenario *scenario, const SimResult *result)
{
  for (guint i = 1; i <= 4; i++)
    g_assert_cmpfloat (sim_time_below (result, 0, scenario->capacity[i].at_s, scenario->capacity[i].bps), <, 2);
  for (guint i = 7; i <= 10; i++)
    g_assert_cmpfloat (sim_time_above (result, 0, scenario->capacity[i].at_s, 0.8 * scenario->capacity[i].bps), <, 10);
  g_assert_cmpfloat (sim_mean_arrived (result, 0, 5, 20), >, 0.8 * 2000e3);
  g_assert_cmpfloat (sim_mean_arrived (result, 0, 25, 40), >, 0.8 * 1000e3);
  g_assert_cmpfloat (sim_mean_arrived (result, 0, 45, 60), >, 0.8 * 500e3);
}

/* The first key frame, sent as if there were 2 Mbit/s, shows that there are not. */
static void
check_start (const SimScenario *scenario, const SimResult *result)
{
  g_assert_cmpfloat (sim_time_below (result, 0, 0, 500e3), <, 1);
  g_assert_cmpfloat (sim_time_target (result, 0, 3, 150e3 + SOUND_BPS), <, 1);
  g_assert_cmpfloat (sim_mean_estimate (result, 0, 10, 60), >, 0.8 * 500e3);
  g_assert_cmpfloat (sim_mean_estimate (result, 0, 10, 60), <, 500e3);
  g_assert_cmpfloat (sim_wait_quantile (result, 0, 3, 60, 0.95), <, 200);
}

/* Frames that wait for a moment behind a large one are no reason to send less. */
static void
check_hardly_fits (const SimScenario *scenario, const SimResult *result)
{
  g_assert_cmpfloat (sim_mean_arrived (result, 0, 5, 90), >, 0.97 * (1500e3 + SOUND_BPS));
  g_assert_cmpfloat (sim_wait_quantile (result, 0, 3, 90, 0.95), <, 100);
}

static void
check_thin (const SimScenario *scenario, const SimResult *result)
{
  g_assert_cmpfloat (sim_time_above (result, 0, 0, 425e3), <, 15);
  g_assert_cmpfloat (sim_mean_arrived (result, 0, 20, 120), >, 0.85 * 500e3);
  g_assert_cmpfloat (sim_wait_quantile (result, 0, 0, 120, 0.95), <, 200);
}

static void
check_drop (const SimScenario *scenario, const SimResult *result)
{
  g_assert_cmpfloat (sim_time_below (result, 0, 30, 500e3), <, 2);
  g_assert_cmpfloat (sim_mean_arrived (result, 0, 35, 45), >, 0.95 * (150e3 + SOUND_BPS));
  g_assert_cmpfloat (sim_wait_quantile (result, 0, 33, 45, 0.95), <, 200);
  g_assert_cmpfloat (sim_time_target (result, 0, 45, 1500e3 + SOUND_BPS), <, 10);
  g_assert_cmpfloat (sim_mean_arrived (result, 0, 60, 90), >, 0.95 * (1500e3 + SOUND_BPS));
}

static void
check_outage (const SimScenario *scenario, const SimResult *result)
{
  g_assert_cmpfloat (sim_time_below (result, 0, 20, 700e3), <, 4);
  g_assert_cmpfloat (sim_time_below (result, 0, 45, 100e3), <, 8);
  g_assert_cmpfloat (sim_time_target (result, 0, 23.5, 1500e3 + SOUND_BPS), <, 10);
  g_assert_cmpfloat (sim_time_target (result, 0, 53.5, 1500e3 + SOUND_BPS), <, 10);
}

static void
check_jitter (const SimScenario *scenario, const SimResult *result)
{
  g_assert_cmpfloat (sim_mean_arrived (result, 0, 10, 90), >, 0.8 * 1000e3);
  g_assert_cmpfloat (sim_wait_quantile (result, 0, 0, 90, 0.95), <, 200);
}

/* What is lost at random, or comes unevenly, on a link that carries the top rung, takes nothing from the picture. */
static void
check_top_rung (const SimScenario *scenario, const SimResult *result)
{
  const double carried_bps = (1 - scenario->loss) * (1500e3 + SOUND_BPS);
  g_assert_cmpfloat (sim_mean_arrived (result, 0, 5, 90), >, 0.97 * carried_bps);
}

static void
check_much_loss (const SimScenario *scenario, const SimResult *result)
{
  const double carried_bps = (1 - scenario->loss) * (1500e3 + SOUND_BPS);
  g_assert_cmpfloat (sim_mean_arrived (result, 0, 20, 90), >, 0.95 * carried_bps);
}

static void
check_policed (const SimScenario *scenario, const SimResult *result)
{
  g_assert_cmpfloat (sim_time_below (result, 0, 0, 1540e3), <, 2);
  g_assert_cmpfloat (sim_mean_estimate (result, 0, 20, 90), <, 600e3);
  g_assert_cmpfloat (sim_mean_estimate (result, 0, 20, 90), >, 350e3);
}

static void
check_competing (const SimScenario *scenario, const SimResult *result)
{
  g_assert_cmpfloat (sim_time_below (result, 0, 30, 1000e3), <, 2);
  g_assert_cmpfloat (sim_mean_arrived (result, 0, 35, 70), >, 0.8 * (150e3 + SOUND_BPS));
  g_assert_cmpfloat (sim_wait_quantile (result, 0, 35, 70, 0.95), <, 200);
  /* the source has tried before, and waits longer each time */
  g_assert_cmpfloat (sim_time_target (result, 0, 70, 1500e3 + SOUND_BPS), <, 20);
}

static void
check_two_greedy (const SimScenario *scenario, const SimResult *result)
{
  g_assert_cmpfloat (fairness (result, 40, 180), >, 0.95);
  g_assert_cmpfloat (sim_mean_arrived (result, 0, 40, 180) + sim_mean_arrived (result, 1, 40, 180), >, 0.85 * 1500e3);
  g_assert_cmpfloat (sim_wait_quantile (result, 0, 40, 180, 0.95), <, 200);
}

static void
check_two_ladders (const SimScenario *scenario, const SimResult *result)
{
  g_assert_cmpfloat (fairness (result, 30, 120), >, 0.9);
  g_assert_cmpfloat (sim_mean_arrived (result, 0, 30, 120) + sim_mean_arrived (result, 1, 30, 120), >,
                     0.75 * 2 * (500e3 + SOUND_BPS));
  g_assert_cmpfloat (sim_wait_quantile (result, 1, 30, 120, 0.95), <, 200);
}

static const struct {
  const char *scenario;
  Check check;
} checks[] = {
  { "steps-ladder", check_steps_ladder },
  { "steps-greedy", check_steps_greedy },
  { "start-on-500k", check_start },
  { "hardly-fits", check_hardly_fits },
  { "thin-500k", check_thin },
  { "drop-and-recovery", check_drop },
  { "outage", check_outage },
  { "jitter-50", check_jitter },
  { "jitter-50-ladder", check_top_rung },
  { "loss-2", check_top_rung },
  { "loss-5", check_top_rung },
  { "loss-10", check_top_rung },
  { "loss-20", check_much_loss },
  { "policed-500k", check_policed },
  { "competing", check_competing },
  { "two-greedy", check_two_greedy },
  { "two-ladders", check_two_ladders },
};

static void
test_scenario (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  check_each_seed (checks[i].scenario, checks[i].check);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (checks); i++) {
    g_autofree char *path = g_strconcat ("/bandwidth-sim/", checks[i].scenario, NULL);
    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_scenario);
  }
  return g_test_run ();
}
