#ifndef MXR_ICE_H
#define MXR_ICE_H

#include "candidate.h"
#include "mixroom/transport.h"
#include "poller.h"
#include "timers.h"
#include "udp-port.h"

/* One peer's ICE agent: libnice behind our own words. One stream, one component (BUNDLE and rtcp-mux).
 * Everything belongs to the net thread whose means it was made with.
 *
 * libnice finds and keeps the pair. Over UDP without a relay what is not STUN passes it by, both ways, through a
 * socket of our own beside its one (udp-port.h); TCP and relays go through it. */

typedef struct _MxrIce MxrIce;

typedef struct {
  void (*on_candidate) (const char *candidate, gpointer user_data);
  void (*on_gathering_done) (gpointer user_data);
  void (*on_pair) (gpointer user_data);   /* one is selected, or another: packets can be sent */
  void (*on_failed) (gpointer user_data); /* libnice gave up; on_pair may still come */
  /* Not STUN, and from an address that ICE has validated; valid and changeable until it returns. */
  void (*on_data) (guint8 *data, gsize size, gint64 now_us, gpointer user_data);
  /* STUN with the right integrity came. Not over TCP nor through a relay: libnice keeps it to itself there. */
  void (*on_authentic_stun) (gpointer user_data);
} MxrIceEvents;

/** MxrIceEnv: what the agents of a net thread have in common; outlives them. */
typedef struct {
  const MxrConfig *config;
  GMainContext *context; /* the thread's own */
  MxrPoller *poller;
  MxrTimers *timers;
  MxrUdpReader *reader;
  bool has_gro;
} MxrIceEnv;

MxrIce *mxr_ice_new (const MxrIceEnv *env, const MxrIceEvents *events, gpointer user_data, GError **error);

/**
 * mxr_ice_close:
 * @on_closed: called once from the thread's default context, never from inside; @ice is freed then
 *
 * No other event comes after this. The thread's loop has to run until @on_closed: TURN allocations are given
 * back over the network first.
 */
void mxr_ice_close (MxrIce *ice, void (*on_closed) (gpointer user_data));

const char *mxr_ice_get_ufrag (const MxrIce *ice);
const char *mxr_ice_get_pwd (const MxrIce *ice);
bool mxr_ice_gather (MxrIce *ice, GError **error);
void mxr_ice_set_remote (MxrIce *ice, const char *ufrag, const char *pwd, bool is_controlling);
void mxr_ice_add_candidate (MxrIce *ice, const MxrCandidate *candidate);
void mxr_ice_end_of_candidates (MxrIce *ice);
/** mxr_ice_restart: local candidates are announced again from inside. */
void mxr_ice_restart (MxrIce *ice, const char *ufrag, const char *pwd);

/**
 * mxr_ice_send:
 * @sizes: [bytes]
 * @out_bytes: (out): of the datagrams that went out
 *
 * Returns: how many went out.
 */
guint mxr_ice_send (MxrIce *ice, guint8 *const *datas, const gsize *sizes, guint n_datagrams, gsize *out_bytes);

/** mxr_ice_heard: what on_data was called with just now, from inside that, is authentic: the peer sends from there. */
void mxr_ice_heard (MxrIce *ice, gint64 now_us);

typedef struct {
  const char *local_type, *remote_type, *protocol;
  char remote_address[64];
  guint n_moves; /* how often the peer was followed to another address than libnice selected */
} MxrIcePair;

/** mxr_ice_get_pair: strings are empty while there is none. */
void mxr_ice_get_pair (MxrIce *ice, MxrIcePair *out_pair);

#endif
