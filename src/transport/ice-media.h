#ifndef MXR_ICE_MEDIA_H
#define MXR_ICE_MEDIA_H

#include <nice/agent.h>

#include "ice.h"

/* What does not go through libnice: the ports beside the UDP sockets of one agent, and whose media they take. */

typedef struct _MxrIceMedia MxrIceMedia;

/* What checks are signed with and say, both ways. */
typedef struct {
  char *ufrag, *pwd;
  char *remote_ufrag, *remote_pwd; /* NULL: not known yet */
  bool is_controlling;             /* we are */
} MxrIceKeys;

/** mxr_ice_media_new: @keys: may change; outlive it */
MxrIceMedia *mxr_ice_media_new (const MxrIceEnv *env, const MxrIceKeys *keys, const MxrIceEvents *events,
                                gpointer user_data);
/** mxr_ice_media_close: no event comes after this; also from inside one. */
void mxr_ice_media_close (MxrIceMedia *media);
/** mxr_ice_media_free: after mxr_ice_media_close(), not from inside an event. */
void mxr_ice_media_free (MxrIceMedia *media);

/**
 * mxr_ice_media_divide:
 * @sockets: (element-type GSocket): libnice's, of any kind
 *
 * Divides the ports of the UDP sockets that are new.
 */
void mxr_ice_media_divide (MxrIceMedia *media, GPtrArray *sockets);
/** mxr_ice_media_peek: what waits in the socket @fd, if it is one of those, before libnice reads it. */
void mxr_ice_media_peek (MxrIceMedia *media, int fd);
/**
 * mxr_ice_media_follow:
 * @socket: (nullable): the selected pair's; %NULL over TCP and through a relay
 * @remote: (nullable): its other end
 */
void mxr_ice_media_follow (MxrIceMedia *media, GSocket *socket, const NiceAddress *remote);

/**
 * mxr_ice_media_heard:
 *
 * What #MxrIceEvents.on_data was called with, and has not returned from, is authentic. When that goes on to come from elsewhere
 * than what we send to, and nothing from there, the peer is asked there, and followed when it answers (path-watch.h).
 */
void mxr_ice_media_heard (MxrIceMedia *media, gint64 now_us);
/** mxr_ice_media_restart: the keys are other ones. Sending goes on where it did. */
void mxr_ice_media_restart (MxrIceMedia *media);
/**
 * mxr_ice_media_get_moved:
 * @out_n_moves: (out): how often the peer was followed
 *
 * Returns: (nullable): where the peer was followed to, and is sent to now; libnice knows another place then.
 */
const MxrUdpAddress *mxr_ice_media_get_moved (const MxrIceMedia *media, guint *out_n_moves);

/** mxr_ice_media_can_send: whether the selected pair is one of ours, or libnice has to send. */
bool mxr_ice_media_can_send (const MxrIceMedia *media);
/** mxr_ice_media_send: as mxr_ice_send(). */
guint mxr_ice_media_send (MxrIceMedia *media, guint8 *const *datas, const gsize *sizes, guint n_datagrams,
                          gsize *out_bytes);

#endif
