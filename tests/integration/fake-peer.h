#ifndef MXR_FAKE_PEER_H
#define MXR_FAKE_PEER_H

#include "../elements/colours.h"
#include "server-process.h"

G_BEGIN_DECLS

/* A client on an independent WebRTC stack: GStreamer's webrtcbin, joined by WHIP. It sends its own tone and its own
 * colour, and keeps what it hears and sees. */

typedef struct _FakePeer FakePeer;

typedef enum {
  FAKE_PEER_AUDIO = 1 << 0,
  FAKE_PEER_VIDEO = 1 << 1,
  FAKE_PEER_SENDS = 1 << 2,
  FAKE_PEER_RECEIVES = 1 << 3,
  FAKE_PEER_CALL = 15,
} FakePeerFlags;

/* Where a peer outside loopback is. */
typedef struct {
  const char *address;     /* the only local one that it offers; NULL: loopback's */
  const char *stun_server; /* stun://host:port, which tells it its public address; NULL: none */
  const char *turn_server; /* turn://user:password@host:port, and no other way than through it; NULL: none */
} FakePeerPlace;

/** fake_peer_new: Joins; returns when the answer is in. @index: which tone and colour. @codec: VP8 or H264. */
FakePeer *fake_peer_new (ServerProcess *server, const char *room, guint index, const char *codec, FakePeerFlags flags);
/** fake_peer_new_at: The same from another place than loopback. */
FakePeer *fake_peer_new_at (ServerProcess *server, const char *room, guint index, const char *codec, FakePeerFlags flags,
                            const FakePeerPlace *place);
/** fake_peer_prepare: Only makes the offer. */
FakePeer *fake_peer_prepare (ServerProcess *server, guint index, const char *codec, FakePeerFlags flags);
/** fake_peer_post: Sends the offer of a prepared peer. Returns: the answer's SDP, owned by @peer */
const char *fake_peer_post (FakePeer *peer, const char *room);
/** fake_peer_accept: Takes the answer, and so connects. */
void fake_peer_accept (FakePeer *peer);
/** fake_peer_discard: The end of one that was never posted, or whose place is gone. */
#define fake_peer_discard fake_peer_vanish

const char *fake_peer_get_offer (FakePeer *peer);
const char *fake_peer_get_answer (FakePeer *peer);

/** fake_peer_leave: DELETE, and the end. */
void fake_peer_leave (FakePeer *peer);
/** fake_peer_vanish: The end, without a word to the server, not even DTLS's farewell: as if killed. */
void fake_peer_vanish (FakePeer *peer);

const char *fake_peer_get_name (FakePeer *peer);
guint fake_peer_get_index (FakePeer *peer);
guint fake_peer_count_frames (FakePeer *peer);
/** fake_peer_take_longest_gap_ms: Between two frames since the last call. */
guint fake_peer_take_longest_gap_ms (FakePeer *peer);
/** fake_peer_look: The colour of the last frame there; fractions of its size. Returns: false without a frame. */
bool fake_peer_look (FakePeer *peer, double x, double y, TestColour *out_colour);
/** fake_peer_get_seen_size: Of the last frame. Returns: false without one. */
bool fake_peer_get_seen_size (FakePeer *peer, guint *out_width_px, guint *out_height_px);
/** fake_peer_request_keyframe: Of the picture that is received. */
void fake_peer_request_keyframe (FakePeer *peer);
/** fake_peer_measure: Amplitude of @index's tone in the last second heard; 1 is full scale, -1 too early. */
double fake_peer_measure (FakePeer *peer, guint index);
double fake_peer_get_tone_hz (guint index);
/** fake_peer_count_silence: Blocks of sound heard since the first loud one, and how many of them were silent. */
void fake_peer_count_silence (FakePeer *peer, guint *out_n_blocks, guint *out_n_silent);
/** fake_peer_get_pipeline: Returns: (transfer none): webrtcbin is the element "webrtc" in it, but for viewers. */
GstElement *fake_peer_get_pipeline (FakePeer *peer);

/* ---- Misbehaviour ---- */

/** fake_peer_set_size: Of the frames from now on [px]; 0 x 0: none are sent. */
void fake_peer_set_size (FakePeer *peer, guint width_px, guint height_px);

typedef enum {
  FAKE_PEER_VIDEO_FRAMES,  /* encoded, before they become packets */
  FAKE_PEER_VIDEO_PACKETS, /* RTP, before webrtcbin sees them */
  FAKE_PEER_AUDIO_PACKETS,
  FAKE_PEER_SENT_RTP, /* all RTP, just before it is encrypted */
  FAKE_PEER_SENT_RTCP,
} FakePeerPoint;

/** FakePeerSpoiler: Returns: what is sent in the place of @buffer (taken); %NULL: nothing. Thread: the media's. */
typedef GstBuffer *(*FakePeerSpoiler) (GstBuffer *buffer, gpointer user_data);

/** fake_peer_spoil: From now on everything that passes @point goes through @spoiler. */
void fake_peer_spoil (FakePeer *peer, FakePeerPoint point, FakePeerSpoiler spoiler, gpointer user_data);

G_END_DECLS

#endif
