#ifndef MXR_RTP_SIM_PRIVATE_H
#define MXR_RTP_SIM_PRIVATE_H

#include "../rtp-private.h"
#include "sim.h"

#define SIM_STEP_US 1000
#define SIM_EPOCH_US (5 * G_USEC_PER_SEC) /* times of the estimator are greater than 0 */

/* ---- link.c -------------------------------------------------------------------------------------------- */

typedef struct {
  int flow; /* -1: other traffic */
  guint16 seq;
  guint n_bytes;
  gint64 sent_us;    /* when it came to the queue */
  gint64 started_us; /* when it left the queue */
  gint64 arrival_us;
} SimPacket;

typedef struct {
  const SimScenario *scenario;
  GRand *rand;
  GQueue waiting; /* SimPacket */
  gint64 free_us; /* from when on the link can carry the next one */
  gsize waiting_bytes;
  gint64 last_arrival_us;
  double cross_bytes;
} SimLink;

void sim_link_init (SimLink *link, const SimScenario *scenario, GRand *rand);
void sim_link_clear (SimLink *link);
void sim_link_push (SimLink *link, int flow, guint16 seq, guint n_bytes, gint64 now_us);
void sim_link_push_cross_traffic (SimLink *link, gint64 now_us);
SimPacket *sim_link_pop (SimLink *link, gint64 now_us);

/* ---- source.c ------------------------------------------------------------------------------------------ */

typedef struct {
  SimSource kind;
  bool is_uneven;
  guint n_frames;
  guint rung; /* index from the top */
  gint64 decided_us, better_us, stepped_up_us, may_step_us;
  double back_off_s;
  double video_bps;
  bool wants_key_frame;
  gint64 next_frame_us, next_audio_us;
  double pending_bytes; /* pictures that wait for the pacer */
  double budget_bytes;
  gint64 paced_us;
  MxrBandwidthProbe probe;
  gint64 probe_us;
  guint probe_left;
} SimSourceState;

/* One sender and its receiver. */
typedef struct {
  guint number;
  MxrBandwidth *bandwidth;
  SimSourceState source;
  guint16 seq;
  guint32 frame_noise;
  MxrTwccRecorder *recorder;
  gint64 feedback_us;
  GQueue arriving; /* SimPacket */
  GQueue feedback; /* SimFeedback */
  gsize sent_bytes, arrived_bytes;
  double queue_ms;
} SimFlow;

void sim_source_init (SimSourceState *source, const SimScenario *scenario);
void sim_source_step (SimFlow *flow, SimLink *link, GRand *rand, gint64 now_us);
double sim_source_target (const SimSourceState *source);

#endif
