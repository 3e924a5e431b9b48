#ifndef MXR_ICE_H
#define MXR_ICE_H

#include "candidate.h"
#include "mixroom/transport.h"

/* One peer's ICE agent: libnice behind our own words. One stream, one component (BUNDLE and rtcp-mux).
 * Everything belongs to the thread of the context it was made with. */

typedef struct _MxrIce MxrIce;

typedef struct {
  void (*on_candidate) (const char *candidate, gpointer user_data);
  void (*on_gathering_done) (gpointer user_data);
  void (*on_pair) (gpointer user_data);   /* one is selected, or another: packets can be sent */
  void (*on_failed) (gpointer user_data); /* libnice gave up; on_pair may still come */
  /* Not STUN, and from an address that answered a check; valid and changeable until it returns. */
  void (*on_data) (guint8 *data, gsize size, gpointer user_data);
  /* STUN with the right integrity; only while mxr_ice_watch_stun() is on. */
  void (*on_authentic_stun) (gpointer user_data);
} MxrIceEvents;

MxrIce *mxr_ice_new (const MxrConfig *config, GMainContext *context, const MxrIceEvents *events,
                     gpointer user_data, GError **error);

/**
 * mxr_ice_close:
 * @on_closed: called once from the context, never from inside; @ice is freed then
 *
 * No other event comes after this. The context's loop has to run until @on_closed: TURN allocations are given
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

/** mxr_ice_send: Returns: datagrams that went out, from the first on; @sizes in bytes. */
guint mxr_ice_send (MxrIce *ice, guint8 *const *datas, const gsize *sizes, guint n_datagrams);

/**
 * mxr_ice_watch_stun:
 *
 * libnice keeps to itself when the peer's checks and answers arrive. While on, the first datagram of each
 * wake-up is looked at before libnice reads it; with media silent that is every one. Costs a system call a
 * wake-up, so it is off while media flows. Does nothing over TCP and through a relay.
 */
void mxr_ice_watch_stun (MxrIce *ice, bool on);

typedef struct {
  const char *local_type, *remote_type, *protocol;
  char remote_address[64];
} MxrIcePair;

/** mxr_ice_get_pair: strings are empty while there is none. */
void mxr_ice_get_pair (MxrIce *ice, MxrIcePair *out_pair);

#endif
