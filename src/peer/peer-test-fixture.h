#ifndef MXR_PEER_TEST_FIXTURE_H
#define MXR_PEER_TEST_FIXTURE_H

/* A peer and what a room does for it, on the main loop. Shared by tests. */

#include "mixroom/peer.h"

#define WATCHDOG_S 20

typedef struct {
  MxrConfig *config;
  MxrNet *net;
  MxrFragments *fragments;
  MxrMailbox *control;
  MxrDecodePool *pool;
  MxrPeerDelays *delays;
  MxrPeer *peer;
  bool refuses_uplinks, closes_in_answer;
  guint n_added, n_removed, n_answers, n_errors, n_keyframe_requests, n_voices, n_bandwidths, n_downlinks[MXR_PEER_N_KINDS];
  bool is_connected;
  char *failed;
  char *answer;
  GPtrArray *bins;
} Fixture;

void fixture_init (Fixture *fixture, gconstpointer unused);
void fixture_clear (Fixture *fixture, gconstpointer unused);
void new_peer (Fixture *fixture);
void close_peer (Fixture *fixture);

/** begin_slices: Returns: a source that wakes the main loop every 5 ms. */
guint begin_slices (void);

/* Runs the main loop until @condition holds. */
#define PUMP_UNTIL(condition)                                                                    \
  G_STMT_START                                                                                   \
  {                                                                                              \
    gint64 deadline_us = g_get_monotonic_time () + WATCHDOG_S * G_USEC_PER_SEC;                  \
    guint slice = begin_slices ();                                                               \
    while (!(condition) && g_get_monotonic_time () < deadline_us)                                \
      g_main_context_iteration (NULL, TRUE);                                                     \
    g_source_remove (slice);                                                                     \
    g_assert_true (condition);                                                                   \
  }                                                                                              \
  G_STMT_END

void pump_for_ms (guint ms);

/** read_offer: One of tests/data/sdp. */
char *read_offer (const char *name);
char *substitute (const char *text, const char *pattern, const char *replacement);
/** find: Returns: (nullable): the first group of the first match. */
char *find (const char *text, const char *pattern);

/** on_answer: MxrPeerAnswerFunc with the fixture. */
void on_answer (const char *answer, const GError *error, gpointer user_data);
bool negotiate (Fixture *fixture, const char *offer, GError **error);
void negotiate_well (Fixture *fixture, const char *offer);

#endif
