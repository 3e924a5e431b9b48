#ifndef MXR_LOAD_OFFER_H
#define MXR_LOAD_OFFER_H

#include "clip.h"
#include "mixroom/sdp.h"

/* What a client says of itself, as a browser would say it, and what it takes from the answer. Pure. */

typedef struct {
  const char *ice_ufrag, *ice_pwd;
  char *const *candidates; /* %NULL-terminated, without "a=" */
  const char *fingerprint; /* "sha-256 AA:…" */
  const char *cname;
  bool sends[2];         /* by MxrRtpKind; what is not sent is still received */
  guint32 ssrcs[2];      /* of what is sent */
  guint32 video_rtx_ssrc;
  MxrLoadCodec video_codec; /* MXR_CODEC_NONE: no picture either way */
  bool audio_level;
} MxrOfferParams;

char *mxr_offer_write (const MxrOfferParams *params);

/* One stream, one way, as the answer left it. */
typedef struct {
  bool is_there;
  guint8 payload_type;
  int rtx_payload_type; /* -1: none */
  guint32 ssrc, rtx_ssrc; /* downlink: of the server */
  guint8 mid_id, audio_level_id, transport_seq_id;
  bool nack, pli, transport_cc;
  char mid[2];
} MxrOfferedStream;

typedef struct {
  MxrOfferedStream uplink[2], downlink[2]; /* by MxrRtpKind */
  bool reduced_size;
} MxrAgreed;

/** mxr_offer_read_answer: @answer: parsed as if it were an offer: the same grammar. */
void mxr_offer_read_answer (const MxrSdpOffer *answer, const MxrOfferParams *params, MxrAgreed *out_agreed);

#endif
