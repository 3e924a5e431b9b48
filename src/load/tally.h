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
  guint n_expected[2];  /* clients that are to get sound, picture */
  guint n_media[2];     /* of these: whose request is old enough to tell */
  guint n_without[2];   /* of these: to whom no sound, no key frame came */
  guint64 frames, keyframes, freezes;
  gint64 longest_gap_us[2];
  MxrSamples connect_ms, first_ms[2]; /* since the request: connected; first sound, first key frame */
  MxrSamples frame_rate;              /* of each client's picture */
  MxrSamples sound_share;             /* of its time that each client has sound of */
  /* Of sampled clients. */
  guint n_listened, n_windows;
  guint n_compared, n_undecided; /* who should hear others' tones; of these: who had too little to tell */
  guint least_heard;             /* of these: fewest others in one window; G_MAXUINT: of none */
  guint most_missed;             /* of these: how many others were not there that should be */
  double most_short;             /* of these: in what share of windows some were not there [0..1] */
  guint n_with_own;              /* of these: who send one */
  MxrSamples own_db, sound_ms, picture_ms;
  MxrSamples clicks_share; /* that each heard, of those that others sent */
  guint n_looked, n_decoded;
} MxrTally;

/** mxr_tally_add_counts: What is a plain number of packets, bytes, frames or requests. */
void mxr_tally_add_counts (MxrTally *tally, const MxrTally *others);
void mxr_tally_clear (MxrTally *tally);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MxrTally, mxr_tally_clear)

#endif
