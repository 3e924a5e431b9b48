#include "sim.h"

#include <string.h>

#define DOWN_AND_UP                                                                                                   \
  { { 0, 2000000 },   { 20, 1000000 }, { 40, 500000 },  { 60, 200000 },   { 80, 100000 },  { 100, 50000 },            \
    { 120, 100000 },  { 140, 200000 }, { 160, 500000 }, { 180, 1000000 }, { 200, 2000000 } }

const SimScenario sim_scenarios[] = {
  { .name = "steps-ladder", .title = "2 M down to 50 k and up again, a ladder of rungs", .duration_s = 220, .n_flows = 1,
    .capacity = DOWN_AND_UP, .queue_ms = 500, .delay_ms = 25 },
  { .name = "steps-greedy", .title = "2 M down to 50 k and up again, a source that takes all", .duration_s = 220, .n_flows = 1,
    .source = SIM_GREEDY, .capacity = DOWN_AND_UP, .queue_ms = 500, .delay_ms = 25 },
  { .name = "start-on-500k", .title = "First picture over 500 kbit/s", .duration_s = 60, .n_flows = 1,
    .capacity = { { 0, 500000 } }, .queue_ms = 1000, .delay_ms = 25 },
  { .name = "hardly-fits", .title = "Uneven frames of the top rung over 1.85 M", .duration_s = 90, .n_flows = 1, .is_uneven = true,
    .capacity = { { 0, 1850000 } }, .queue_ms = 1000, .delay_ms = 20 },
  { .name = "thin-500k", .title = "500 kbit/s, a source that takes all", .duration_s = 120, .n_flows = 1, .source = SIM_GREEDY,
    .start_bps = 300000, .capacity = { { 0, 500000 } }, .queue_ms = 500, .delay_ms = 25 },
  { .name = "drop-and-recovery", .title = "2.5 M, for 15 s a fifth of it", .duration_s = 90, .n_flows = 1,
    .capacity = { { 0, 2500000 }, { 30, 500000 }, { 45, 2500000 } }, .queue_ms = 500, .delay_ms = 40 },
  { .name = "outage", .title = "Cut for 3 s, then for 8 s", .duration_s = 80, .n_flows = 1,
    .capacity = { { 0, 2500000 }, { 20, 0 }, { 23, 2500000 }, { 45, 0 }, { 53, 2500000 } }, .queue_ms = 300, .delay_ms = 25 },
  { .name = "jitter-50", .title = "Jitter of 50 ms, 1 M, a source that takes all", .duration_s = 90, .n_flows = 1,
    .source = SIM_GREEDY, .start_bps = 500000, .capacity = { { 0, 1000000 } }, .queue_ms = 500, .delay_ms = 25, .jitter_ms = 50 },
  { .name = "jitter-50-ladder", .title = "Jitter of 50 ms, 2.5 M, a ladder", .duration_s = 90, .n_flows = 1,
    .capacity = { { 0, 2500000 } }, .queue_ms = 500, .delay_ms = 25, .jitter_ms = 50 },
  { .name = "loss-2", .title = "2 % lost at random, 2.5 M", .duration_s = 90, .n_flows = 1,
    .capacity = { { 0, 2500000 } }, .queue_ms = 500, .delay_ms = 25, .loss = 0.02 },
  { .name = "loss-5", .title = "5 % lost at random, 2.5 M", .duration_s = 90, .n_flows = 1,
    .capacity = { { 0, 2500000 } }, .queue_ms = 500, .delay_ms = 25, .loss = 0.05 },
  { .name = "loss-10", .title = "10 % lost at random, 2.5 M", .duration_s = 90, .n_flows = 1,
    .capacity = { { 0, 2500000 } }, .queue_ms = 500, .delay_ms = 25, .loss = 0.10 },
  { .name = "loss-20", .title = "20 % lost at random, 2.5 M", .duration_s = 90, .n_flows = 1,
    .capacity = { { 0, 2500000 } }, .queue_ms = 500, .delay_ms = 25, .loss = 0.20 },
  { .name = "policed-500k", .title = "500 kbit/s with hardly a queue: what is too much is lost", .duration_s = 90, .n_flows = 1,
    .capacity = { { 0, 500000 } }, .queue_ms = 50, .delay_ms = 25 },
  { .name = "competing", .title = "Other traffic takes 1.4 of 2 M for 40 s", .duration_s = 110, .n_flows = 1,
    .capacity = { { 0, 2000000 } }, .queue_ms = 300, .delay_ms = 25, .cross_bps = 1400000, .cross_from_s = 30, .cross_to_s = 70 },
  { .name = "two-greedy", .title = "Two sources that take all, 1.5 M", .duration_s = 180, .n_flows = 2, .second_from_s = 20,
    .source = SIM_GREEDY, .start_bps = 500000, .capacity = { { 0, 1500000 } }, .queue_ms = 500, .delay_ms = 25 },
  { .name = "two-ladders", .title = "Two clients behind 1.3 M", .duration_s = 120, .n_flows = 2, .second_from_s = 10,
    .capacity = { { 0, 1300000 } }, .queue_ms = 500, .delay_ms = 25 },
};
const guint sim_n_scenarios = G_N_ELEMENTS (sim_scenarios);

const SimScenario *
sim_find (const char *name)
{
  for (guint i = 0; i < sim_n_scenarios; i++)
    if (strcmp (sim_scenarios[i].name, name) == 0)
      return &sim_scenarios[i];
  g_error ("no scenario %s", name);
}
