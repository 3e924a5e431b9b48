#ifndef MIXROOM_SDP_H
#define MIXROOM_SDP_H

#include "mixroom/base.h"

G_BEGIN_DECLS

/* Session descriptions: the client's offer in, our answer out (RFC 8829). Pure: text in, text out.
 *
 * A client has at most one audio and one video uplink and at most one audio and one video downlink, all on
 * one BUNDLE transport (RFC 8843) with rtcp-mux. This module picks them from what is offered; everything else
 * in the offer is answered with a rejected section.
 *
 * Thread: any; an offer is immutable and may be shared. Nothing here needs gst_init(). */

#define MXR_SDP_ERROR (mxr_sdp_error_quark ())
GQuark mxr_sdp_error_quark (void);

typedef enum {
  MXR_SDP_ERROR_SYNTAX,         /* cannot be parsed; the message names the line: 400 */
  MXR_SDP_ERROR_NOTHING_USABLE, /* no codec or media section in common; the message says what is: 422 */
  MXR_SDP_ERROR_UNSUPPORTED, /* no ICE, no fingerprint, no rtcp-mux, not bundled, or changes what must stay:
                                422 */
} MxrSdpError;

typedef enum {
  MXR_SDP_AUDIO,
  MXR_SDP_VIDEO,
  MXR_SDP_N_KINDS,                 /* size of arrays by kind */
  MXR_SDP_OTHER = MXR_SDP_N_KINDS, /* data channels, text, what is unknown: never usable */
} MxrSdpKind;

/* Two bits: who says it sends, who says it receives. In an offer the client speaks, in an answer the server.
 */
typedef enum {
  MXR_SDP_INACTIVE = 0,
  MXR_SDP_SENDONLY = 1,
  MXR_SDP_RECVONLY = 2,
  MXR_SDP_SENDRECV = 3,
} MxrSdpDirection;

typedef enum {
  MXR_SDP_CODEC_NONE,
  MXR_SDP_CODEC_OPUS, /* 48000 Hz, rtpmap says 2 channels whatever is sent (RFC 7587) */
  MXR_SDP_CODEC_VP8,
  MXR_SDP_CODEC_H264, /* constrained baseline, or baseline sent as such; packetization-mode 1 */
} MxrSdpCodec;

/* Bits of what RTCP feedback a format has (RFC 4585, RFC 5104). */
typedef enum {
  MXR_SDP_FEEDBACK_NACK = 1 << 0,
  MXR_SDP_FEEDBACK_PLI = 1 << 1, /* nack pli */
  MXR_SDP_FEEDBACK_FIR = 1 << 2, /* ccm fir */
  MXR_SDP_FEEDBACK_TRANSPORT_CC = 1 << 3,
  MXR_SDP_FEEDBACK_REMB = 1 << 4, /* goog-remb */
  MXR_SDP_FEEDBACK_ALL = (1 << 5) - 1,
} MxrSdpFeedback;

/* RTP header extensions we know (RFC 8285). */
typedef enum {
  MXR_SDP_EXTENSION_MID,          /* urn:ietf:params:rtp-hdrext:sdes:mid, RFC 8843 */
  MXR_SDP_EXTENSION_AUDIO_LEVEL,  /* urn:ietf:params:rtp-hdrext:ssrc-audio-level, RFC 6464 */
  MXR_SDP_EXTENSION_TRANSPORT_CC, /* http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
                                   */
  MXR_SDP_EXTENSION_VIDEO_ORIENTATION, /* urn:3gpp:video-orientation, 3GPP TS 26.114 7.4.5 */
  /* urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id, RFC 8852. Nothing here reads it, and simulcast is never
   * answered, but Chromium cannot make a second offer for a sender with rids whose first answer left it out.
   */
  MXR_SDP_EXTENSION_RID,
  MXR_SDP_N_EXTENSIONS,
} MxrSdpExtensionType;
#define MXR_SDP_EXTENSIONS_ALL ((1u << MXR_SDP_N_EXTENSIONS) - 1)

/* DTLS role (RFC 8842). */
typedef enum {
  MXR_SDP_SETUP_ACTPASS,
  MXR_SDP_SETUP_ACTIVE,  /* sends the ClientHello */
  MXR_SDP_SETUP_PASSIVE, /* waits for it */
} MxrSdpSetup;

/* A codec under its payload type. */
typedef struct {
  MxrSdpCodec codec;
  int payload_type;     /* [0..127] */
  int rtx_payload_type; /* of its retransmissions (RFC 4588); -1: none */
  int red_payload_type; /* of packets with earlier ones in them (RFC 2198); -1: none. Opus only */
  guint feedback;       /* bits of MxrSdpFeedback */

  /* H.264: what the client can receive. */
  guint32 profile_level_id;     /* profile_idc << 16 | profile-iop << 8 | level_idc (RFC 6184 8.1) */
  bool level_asymmetry_allowed; /* each side may have a level of its own */

  /* Opus: what the client wants to receive (RFC 7587 6.1). */
  bool stereo;
  bool inband_fec;
  bool dtx;
} MxrSdpFormat;

typedef struct {
  guint8 id;                 /* local identifier of one-byte headers [1..14]; 0: not offered */
  MxrSdpDirection direction; /* the client's use of it */
} MxrSdpExtension;

#define MXR_SDP_FORMATS_MAX 2 /* one a codec: Opus, or VP8 and H.264 */

/* One m= section. Strings are borrowed from the offer. */
typedef struct {
  guint index; /* of the m= line [0..n_sections) */
  MxrSdpKind kind;
  const char *mid;           /* (nullable): %NULL when the offer names none */
  MxrSdpDirection direction; /* the client's */
  bool is_rejected;          /* by the client: port 0 without bundle-only */
  bool is_usable;            /* has a codec of ours and is on the bundled transport */

  MxrSdpFormat formats[MXR_SDP_FORMATS_MAX]; /* of ours only, in the client's order of preference */
  guint n_formats;
  /* Identifiers belong to the section: aiortc gives one id to two URIs in one BUNDLE. */
  MxrSdpExtension extensions[MXR_SDP_N_EXTENSIONS];
  bool rtcp_rsize; /* reduced-size RTCP (RFC 5506) */
  guint max_ptime_ms; /* the longest packet that is asked for: ptime or maxptime, the shorter (RFC 8866 6.4); 0: nothing is said */

  guint32 ssrc;      /* that the client sends with; 0: not signalled */
  guint32 rtx_ssrc;  /* of its FID group; 0: not signalled */
  const char *cname; /* (nullable) */
} MxrSdpSection;

#define MXR_SDP_FINGERPRINT_MAX_BYTES 64 /* SHA-512 */

/**
 * MxrSdpOffer:
 *
 * What the client offers and which sections we take. All members are read-only.
 */
typedef struct {
  const char *ice_ufrag; /* 4 to 256 ice-chars (RFC 8839 5.4) */
  const char *ice_pwd;   /* 22 to 256 */
  bool ice_trickle;      /* the client takes candidates after the answer */
  bool ice_lite;         /* the client is a lite agent: we control */

  const char *fingerprint_algorithm; /* "sha-256", "sha-384" or "sha-512" */
  guint8 fingerprint[MXR_SDP_FINGERPRINT_MAX_BYTES];
  gsize fingerprint_bytes;
  MxrSdpSetup setup;

  /* Of the transport: "candidate:…", without "a=". Those for RTCP alone are left out, the rest is not judged:
   * the transport does that. */
  const char *const *candidates; /* %NULL-terminated */
  guint n_candidates;            /* [0..MXR_CANDIDATES_MAX] */
  guint n_candidates_dropped;    /* too many or too long */
  bool end_of_candidates;

  const MxrSdpSection *sections;
  guint n_sections;        /* [1..MXR_SDP_MAX_SECTIONS] */
  guint transport_section; /* index of the section whose transport all share: the answer's BUNDLE tag */
  bool is_bundle;          /* false: a single section without a group */

  /* Index of the section the client sends on, and of the one it receives on, by kind; -1: none. Both may be
   * the same section. Where they differ they have a codec in common. */
  int uplink[MXR_SDP_N_KINDS];
  int downlink[MXR_SDP_N_KINDS];
} MxrSdpOffer;

/**
 * mxr_sdp_offer_parse:
 * @text: the offer; lines end in CR LF or LF
 * @length: of @text [bytes], or -1 when it is nul-terminated
 *
 * An offer of inactive sections only is usable: it keeps the transport for later.
 *
 * Returns: (transfer full): the offer, or %NULL. Errors: MXR_SDP_ERROR.
 * Source: RFC 8829 5.8, RFC 8843 7, RFC 8839 4, RFC 8842 5.
 */
MxrSdpOffer *mxr_sdp_offer_parse (const char *text, gssize length, GError **error);
MxrSdpOffer *mxr_sdp_offer_ref (MxrSdpOffer *offer);
void mxr_sdp_offer_unref (MxrSdpOffer *offer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrSdpOffer, mxr_sdp_offer_unref)

/**
 * mxr_sdp_offer_choose_video_codec:
 * @preference: codecs, the most wanted first; ones that are not listed are not chosen
 *
 * Returns: the first of @preference that video uplink and downlink both have; %MXR_SDP_CODEC_NONE when there
 * is neither, or none of @preference fits.
 */
MxrSdpCodec mxr_sdp_offer_choose_video_codec (const MxrSdpOffer *offer, const MxrSdpCodec *preference,
                                              guint n_preference);

/** mxr_sdp_section_find_format: Returns: (nullable): the section's format of @codec, borrowed from the offer.
 */
const MxrSdpFormat *mxr_sdp_section_find_format (const MxrSdpSection *section, MxrSdpCodec codec);

/**
 * mxr_sdp_offer_resolve_setup:
 *
 * Returns: our role in the first answer: active unless the client insists on it, so that the handshake starts
 * with our answer on its way (RFC 8842 5.3). A renegotiation keeps the role of the first.
 */
MxrSdpSetup mxr_sdp_offer_resolve_setup (const MxrSdpOffer *offer);

/**
 * mxr_sdp_offer_is_compatible:
 *
 * Whether @next may renegotiate the session that @previous made: sections stay in place with their kind, mid
 * and payload types (RFC 3264 8, RFC 8829 5.8), certificate and DTLS role stay (no second association).
 * Credentials and directions may change, sections may be added, and a section whose port was 0 may become
 * another.
 *
 * Errors: false and %MXR_SDP_ERROR_UNSUPPORTED.
 */
bool mxr_sdp_offer_is_compatible (const MxrSdpOffer *previous, const MxrSdpOffer *next, GError **error);

/** mxr_sdp_offer_is_ice_restart: Whether the credentials changed (RFC 8839 4.4.1.1.1). */
bool mxr_sdp_offer_is_ice_restart (const MxrSdpOffer *previous, const MxrSdpOffer *next);

/* What we do with the sections of one kind. */
typedef struct {
  bool takes_uplink;         /* false: what the client would send is refused, as for a viewer */
  guint uplink_max_bps;      /* most the client should send, b=TIAS (RFC 3890); 0: unsaid */
  guint32 downlink_ssrc;     /* 0: nothing is sent */
  guint32 downlink_rtx_ssrc; /* 0: no retransmissions of ours */
} MxrSdpAnswerKind;

typedef struct {
  const char *ice_ufrag;
  const char *ice_pwd;
  const char *const *candidates; /* (nullable): %NULL-terminated; with or without "a=" */
  bool end_of_candidates;
  const char *fingerprint; /* "sha-256 AB:CD:…" */
  MxrSdpSetup setup;       /* active or passive */
  guint64 session_id;      /* [0..2^63): the same in each answer of a session */
  guint64 session_version; /* one more in each answer */
  const char *cname;       /* of the downlink */
  const char *stream_id;   /* of the downlink: RFC 8830 msid-id, letters, digits and hyphens */
  MxrSdpCodec video_codec; /* of mxr_sdp_offer_choose_video_codec(), or the one in use; %MXR_SDP_CODEC_NONE:
                              no video flows */
  bool audio_stereo;       /* we want and send two channels */
  guint extensions;        /* bits 1 << MxrSdpExtensionType that we handle */
  guint feedback;          /* bits of MxrSdpFeedback that we handle */
  MxrSdpAnswerKind kinds[MXR_SDP_N_KINDS];
} MxrSdpAnswerParams;

/**
 * mxr_sdp_answer_write:
 *
 * The m= lines of the offer in their order. Accepted with one codec, its RTX and its RED are: the uplink's and the
 * downlink's section of each kind, the section that carries the transport, and usable ones that the client
 * has inactive, so that it may turn them on later. All others get port 0, which stops them at the client for
 * good. RED stands before its codec, which makes a client send it; both are taken at any packet. @params->setup must not
 * be the client's own role.
 *
 * Returns: (transfer full): the answer, lines end in CR LF.
 * Source: RFC 8829 5.3, RFC 8843 7.3.
 */
char *mxr_sdp_answer_write (const MxrSdpOffer *offer, const MxrSdpAnswerParams *params);

/**
 * mxr_sdp_answer_direction:
 *
 * Returns: what the answer says of section @index, as seen by the server: RECVONLY or SENDRECV where the
 * uplink is taken, SENDONLY or SENDRECV where the downlink is served; %MXR_SDP_INACTIVE for all others.
 */
MxrSdpDirection mxr_sdp_answer_direction (const MxrSdpOffer *offer, const MxrSdpAnswerParams *params,
                                          guint index);

/**
 * MxrSdpFragment:
 *
 * A body of type application/trickle-ice-sdpfrag (RFC 8840 9): candidates that came late, or an ICE restart.
 */
typedef struct {
  char *ice_ufrag;   /* (nullable) */
  char *ice_pwd;     /* (nullable): there exactly when ice_ufrag is */
  char *mid;         /* (nullable): of the first section */
  char **candidates; /* %NULL-terminated, "candidate:…" */
  guint n_candidates;
  guint n_candidates_dropped;
  bool end_of_candidates;
} MxrSdpFragment;

/** mxr_sdp_fragment_parse: Returns: (transfer full): or %NULL. Errors: %MXR_SDP_ERROR_SYNTAX. @length as
 * above. */
MxrSdpFragment *mxr_sdp_fragment_parse (const char *text, gssize length, GError **error);
void mxr_sdp_fragment_free (MxrSdpFragment *fragment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrSdpFragment, mxr_sdp_fragment_free)

/**
 * mxr_sdp_fragment_write:
 * @offer: of the session
 * @params: ICE members only
 *
 * Returns: (transfer full): our side of an ICE restart (RFC 9725 4.3.3), lines end in CR LF.
 */
char *mxr_sdp_fragment_write (const MxrSdpOffer *offer, const MxrSdpAnswerParams *params);

G_END_DECLS

#endif
