#include "mixroom/rtp.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

#define N_SENT 3000
#define FIRST_SEQ 65000 /* numbers wrap */

/* Two messages of transport-wide feedback, the input cut in the middle, about packets that were sent. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  const MxrBandwidthConfig config = { .start_bps = 500000, .min_bps = 30000, .max_bps = 5000000 };
  g_autoptr (MxrBandwidth) bandwidth = mxr_bandwidth_new (&config);
  MxrBandwidthState state;
  gint64 now_us = G_USEC_PER_SEC;
  const gsize half = size / 2 & ~(gsize) 3;

  for (guint i = 0; i < N_SENT; i++)
    mxr_bandwidth_sent (bandwidth, (guint16) (FIRST_SEQ + i), 1 + i % 1200, i % 100 == 0, now_us += 1000);
  mxr_bandwidth_want (bandwidth, 2000000);
  mxr_bandwidth_feedback (bandwidth, data, size, now_us += 100000);
  mxr_bandwidth_feedback (bandwidth, data, half, now_us += 100000);
  mxr_bandwidth_feedback (bandwidth, data + half, size - half, now_us += 100000);
  mxr_bandwidth_poll (bandwidth, now_us += 2 * G_USEC_PER_SEC);
  mxr_bandwidth_get_state (bandwidth, &state);
  g_assert_cmpuint (state.estimate_bps, >=, config.min_bps);
  g_assert_cmpuint (state.estimate_bps, <=, config.max_bps);
  return 0;
}
