#ifndef MXR_RTP_SIM_H
#define MXR_RTP_SIM_H

#include "mixroom/rtp.h"

/* One thin link, simulated: a queue, a rate that changes, delay, jitter, loss, other traffic; and on it one or two senders
 * with an MxrBandwidth each and sources like the server's. Time is a number: a minute takes some milliseconds, and the same
 * scenario gives the same result each time. Used by tests and by the benchmark's charts. */

#define SIM_FLOWS_MAX 2
#define SIM_STEPS_MAX 16
#define SIM_SAMPLE_MS 100

typedef enum {
  SIM_LADDER, /* sound of 40 kbit/s, pictures of 1.5 M, 500 k or 150 kbit/s, or none */
  SIM_GREEDY, /* as much as is estimated */
} SimSource;

typedef struct {
  double at_s;
  guint bps; /* 0: the link is cut */
} SimStep;

typedef struct {
  const char *name;
  const char *title;
  double duration_s;
  SimSource source;
  guint n_flows;
  double second_from_s;
  bool is_uneven;  /* frames are large and small in turn, as of cameras that make half as many as the mixer */
  guint start_bps; /* 0: 2 Mbit/s */
  SimStep capacity[SIM_STEPS_MAX]; /* the first is at 0; a last one without rate and time ends the list */
  guint queue_ms;                  /* more than this does not wait but is lost */
  guint delay_ms;                  /* one way, without queue */
  guint jitter_ms;                 /* beside that up to so much, in order */
  double loss;
  guint cross_bps; /* of other traffic that does not give way */
  double cross_from_s, cross_to_s;
} SimScenario;

typedef struct {
  double at_s;
  guint capacity_bps; /* less other traffic */
  guint estimate_bps;
  guint sent_bps, arrived_bps; /* within the 100 ms */
  guint target_bps;            /* of the source: the rung and the sound */
  double queue_ms;             /* longest wait within the 100 ms */
} SimSample;

typedef struct {
  SimSample *samples[SIM_FLOWS_MAX];
  guint n_samples;
  GArray *waits[SIM_FLOWS_MAX]; /* SimWait, of each packet that went through */
} SimResult;

typedef struct {
  double at_s, ms;
} SimWait;

extern const SimScenario sim_scenarios[];
extern const guint sim_n_scenarios;

const SimScenario *sim_find (const char *name);
guint sim_capacity_at (const SimScenario *scenario, double at_s);
SimResult *sim_run (const SimScenario *scenario, guint32 seed);
void sim_result_free (SimResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SimResult, sim_result_free)

/* Of what the samples say of one flow from one time to another. */
double sim_mean_estimate (const SimResult *result, guint flow, double from_s, double to_s);
double sim_mean_arrived (const SimResult *result, guint flow, double from_s, double to_s);
/* Wait of packets in the queue, that @part of them do not exceed [ms]. */
double sim_wait_quantile (const SimResult *result, guint flow, double from_s, double to_s, double part);
/* From @from_s on, when the estimate is first at most (at least) @bps; seconds after @from_s, or infinity. */
double sim_time_below (const SimResult *result, guint flow, double from_s, double bps);
double sim_time_above (const SimResult *result, guint flow, double from_s, double bps);
/* When the source's target is first at least @bps. */
double sim_time_target (const SimResult *result, guint flow, double from_s, double bps);

#endif
