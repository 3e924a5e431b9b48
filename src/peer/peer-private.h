#ifndef MXR_PEER_PRIVATE_H
#define MXR_PEER_PRIVATE_H

#include <stdatomic.h>

#include "mixroom/peer.h"
#include "mixroom/sdp.h"
#include "tap.h"

/* The network half of a peer. Every function belongs to the peer's network thread. */
typedef struct _MxrLink MxrLink;

/* Of one downlink. */
typedef struct {
  guint32 media, rtx;
} MxrPeerSsrcs;

/* What a negotiation decided, handed from the control thread to the link. */
typedef struct {
  MxrSdpOffer *offer;
  MxrSdpCodec video_codec;
  MxrUplink *uplinks[MXR_PEER_N_KINDS]; /* NULL: none */
  MxrPeerSsrcs ssrcs[MXR_PEER_N_KINDS];
  bool is_ice_restart;
  bool wait_for_candidates;
} MxrLinkPlan;

/* What the link answers: our side of ICE. */
typedef struct {
  GError *error; /* NULL when it went well */
  char *ufrag;
  char *pwd;
  GPtrArray *candidates; /* char *, NULL-terminated */
  bool end_of_candidates;
} MxrLinkReply;

typedef struct {
  MxrUplink *uplink; /* NULL: none */
  MxrSdpCodec codec;
  int section; /* of the offer */
} MxrPeerUplink;

typedef struct {
  int section; /* of the offer; -1: none */
  MxrPeerSsrcs ssrcs;
  const char *told_codec; /* NULL: the room knows of none */
  guint32 told_ssrc;
} MxrPeerDownlink;

typedef struct {
  char *ufrag, *pwd;
} MxrPeerCredentials;

struct _MxrPeer {
  gatomicrefcount refs;

  /* Set once, read by both halves. */
  MxrPeerEnv env;
  char *id;
  bool takes_uplink;
  MxrNetThread *thread;
  char *cname;

  /* Written by the network half, read by the control half. */
  atomic_uint audio_level; /* see mxr_level_pack() */
  atomic_int_fast64_t last_packet_us[MXR_PEER_N_KINDS];
  GMutex stats_lock;
  MxrPeerStats stats;         /* guarded by stats_lock */
  MxrPeerBandwidth bandwidth; /* the same */

  /* Written by the control half, read by the network half. */
  atomic_uint max_bitrate_bps[MXR_PEER_N_KINDS]; /* 0: no limit */
  atomic_uint wanted_bps;

  /* Whether such a call is on its way already: however often it is asked for, one waits in the mailbox. */
  atomic_bool keyframe_is_asked;  /* by the client: to the control thread */
  atomic_bool keyframe_is_needed; /* by our decoder: to the network thread */
  atomic_bool voice_is_told;      /* of an unwanted sound: to the control thread */
  atomic_bool bitrate_is_changed; /* to the network thread */
  atomic_bool want_is_changed;    /* the same */
  atomic_bool bandwidth_is_told;  /* to the control thread */

  /* Control thread. */
  MxrPeerEvents events;
  gpointer user_data;
  bool closed;
  bool link_wanted; /* the link was asked to be: a close must be posted */
  MxrSdpOffer *offer;
  MxrSdpOffer *next_offer; /* being answered */
  MxrSdpCodec video_codec;
  MxrSdpSetup setup;
  guint64 session_id;
  guint64 session_version;
  MxrPeerUplink uplinks[MXR_PEER_N_KINDS];
  guint n_uplinks_made;
  bool is_wanted[MXR_PEER_N_KINDS];
  MxrPeerDownlink downlinks[MXR_PEER_N_KINDS];
  MxrPeerCredentials remote;      /* the peer's in use */
  MxrPeerCredentials next_remote; /* being answered */
  guint n_candidates;             /* trickled by the peer since these */
  bool pending_is_fragment;
  MxrPeerAnswerFunc pending; /* NULL: no negotiation under way */
  gpointer pending_data;

  /* Network thread. */
  MxrLink *link;
  MxrTap *tap; /* of what it receives; NULL: none */
};

MxrPeer *mxr_peer_ref (MxrPeer *peer);
void mxr_peer_unref (MxrPeer *peer);

/** mxr_peer_post_net: @data is freed by @destroy in any case. Returns: false when the thread is ending or hopelessly behind.
 * Thread: control or media. */
bool mxr_peer_post_net (MxrPeer *peer, void (*func) (MxrPeer *peer, gpointer data), gpointer data,
                        GDestroyNotify destroy);
/** mxr_peer_post_control: the same the other way; not called once the peer is closed. Thread: network. */
bool mxr_peer_post_control (MxrPeer *peer, void (*func) (MxrPeer *peer, gpointer data), gpointer data,
                            GDestroyNotify destroy);

/* negotiate.c, control thread */
void mxr_peer_credentials_clear (MxrPeerCredentials *credentials);
/** mxr_peer_remove_uplink: Nothing when there is none. */
void mxr_peer_remove_uplink (MxrPeer *peer, MxrRtpKind kind);
void mxr_peer_on_link_reply (MxrPeer *peer, gpointer reply);
void mxr_peer_on_link_candidate (MxrPeer *peer, gpointer candidate);
void mxr_peer_on_link_connected (MxrPeer *peer, gpointer unused);
void mxr_peer_on_link_failed (MxrPeer *peer, gpointer reason);
void mxr_peer_on_link_keyframe_request (MxrPeer *peer, gpointer unused);
void mxr_peer_on_link_voice (MxrPeer *peer, gpointer unused);
void mxr_peer_on_link_bandwidth (MxrPeer *peer, gpointer unused);

void mxr_link_plan_free (gpointer plan);
void mxr_link_reply_free (gpointer reply);

/* link.c and link-media.c, network thread; each takes what mxr_peer_post_net() brought */
void mxr_link_apply (MxrPeer *peer, gpointer plan);
void mxr_link_restart (MxrPeer *peer, gpointer credentials);
void mxr_link_add_candidate (MxrPeer *peer, gpointer candidate);
void mxr_link_request_keyframe (MxrPeer *peer, gpointer unused);
void mxr_link_limit_bitrate (MxrPeer *peer, gpointer unused);
void mxr_link_want_bitrate (MxrPeer *peer, gpointer unused);
void mxr_link_pass (MxrPeer *peer, gpointer pass);
void mxr_link_pass_free (gpointer pass);
void mxr_link_set_tap (MxrPeer *peer, gpointer tap);
void mxr_link_close (MxrPeer *peer, gpointer unused);
/** mxr_link_poll_uplinks: What is wanted has changed. */
void mxr_link_poll_uplinks (MxrPeer *peer, gpointer unused);

typedef struct {
  MxrRtpKind kind;
  MxrFanout *fanout;
  MxrPeerFunc func;
  gpointer user_data;
} MxrLinkSubscription;

typedef struct {
  MxrSplice *splice; /* owned; NULL: to nowhere any more */
  gint64 delay_us;
} MxrLinkPass;
void mxr_link_subscribe (MxrPeer *peer, gpointer subscription);
void mxr_link_subscription_free (gpointer subscription);

/* Loudness [0..127], voice and "there was one" in one atomic word; a larger word is louder. */
static inline guint
mxr_level_pack (int level_dbov, bool voice)
{
  return 1u << 8 | (guint) (127 + CLAMP (level_dbov, -127, 0)) << 1 | voice;
}

#endif
