#ifndef MXR_LOAD_TALLY_H
#define MXR_LOAD_TALLY_H

#include "check-sound.h"
#include "samples.h"
#include "watch.h"

/* What a client counted, added up over all of them. A zeroed one is empty. */

typedef struct {
  guint n_clients, n_connected;
  guint64 up_packets, up_bytes, up_dropped; /* dropped: by us, on purpose */
  guint64 down_packets, down_bytes, down_samples; /* samples: of sound */
  guint64 down_lost, down_repaired; /* RTP packets that did not come at first; by retransmission later */
  guint64 nacks_answered, nacks_unanswered, keyframes_asked;
  gint64 late_us; /* the most that we were late */
  guint n_media[2];     /* clients that are to get sound, picture */
  guint n_without[2];   /* of these: to whom nothing came */
  guint64 frames, keyframes, freezes;
  gint64 longest_gap_us[2];
  MxrSamples connect_ms, first_ms[2]; /* since the request: connected; first sound, first key frame */
  MxrSamples frame_rate;              /* of each client's picture */
  /* Of sampled clients. */
  guint n_listened, n_windows, n_silent_windows, least_heard; /* least_heard: G_MAXUINT: of none */
  MxrSamples own_db, sound_ms, picture_ms;
  guint n_looked, n_decoded;
} MxrTally;

void mxr_tally_clear (MxrTally *tally);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MxrTally, mxr_tally_clear)

#endif
