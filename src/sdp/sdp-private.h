#ifndef MXR_SDP_PRIVATE_H
#define MXR_SDP_PRIVATE_H

#include "mixroom/limits.h"
#include "mixroom/sdp.h"

#include <gst/sdp/gstsdpmessage.h>

G_BEGIN_DECLS

/* What stands behind an MxrSdpOffer: the strings of the public part point into @message and @strings. */
typedef struct {
  MxrSdpOffer offer; /* first: the public pointer is the private one */
  GstSDPMessage *message;
  GStringChunk *strings;
  MxrSdpSection sections[MXR_SDP_MAX_SECTIONS];
  const char *candidates[MXR_CANDIDATES_MAX + 1];
} MxrSdpOfferPrivate;

static inline const GstSDPMedia *
mxr_sdp_offer_get_media (const MxrSdpOffer *offer, guint index)
{
  return gst_sdp_message_get_media (((const MxrSdpOfferPrivate *)offer)->message, index);
}

/* ---- syntax.c: everything remote passes here first ---- */

typedef enum {
  MXR_SDP_DESCRIPTION, /* a whole one: v= and o= are there */
  MXR_SDP_FRAGMENT,    /* application/trickle-ice-sdpfrag: neither need be */
} MxrSdpDocument;

/* gst_sdp_message_parse_buffer() accepts everything: it skips lines it does not understand, ends at a NUL,
 * takes ports with atoi() and cuts long words. So each line is checked before it sees any. Length as in the
 * public header. */
GstSDPMessage *mxr_sdp_message_parse (const char *text, gssize length, MxrSdpDocument document,
                                      GError **error);

/* Reads decimal digits at *@cursor and moves it behind them. False, nothing moved: no digit, or more than
 * @max. */
bool mxr_sdp_read_uint (const char **cursor, guint64 max, guint64 *out_value);
/* ice-char (RFC 8839 5.4) only, @min to 256 of them. */
bool mxr_sdp_is_ice_string (const char *text, gsize min);
/* Whether it is a candidate, and not one for RTCP alone: component 2 has no place under rtcp-mux, yet Firefox
 * and Pion offer it, and it would fill the limit with what nobody can use. */
bool mxr_sdp_attribute_is_candidate (const GstSDPAttribute *attribute);
/* "candidate:…" (transfer full); %NULL: too long. */
char *mxr_sdp_candidate_dup (const GstSDPAttribute *attribute);

/* ---- section.c ---- */

void mxr_sdp_section_parse (MxrSdpSection *section, guint index, const GstSDPMessage *message,
                            GStringChunk *strings);
const char *mxr_sdp_extension_get_uri (MxrSdpExtensionType type);
/* "nack pli" and so on, and its bit of MxrSdpFeedback; 0 and NULL for what is unknown. */
guint mxr_sdp_feedback_from_name (const char *name, gsize length);
const char *mxr_sdp_feedback_get_name (guint bit);
/* Adds the encoding names of @media to @text, for people: "VP9, AV1". */
void mxr_sdp_media_describe (const GstSDPMedia *media, GString *text);

/* ---- transport.c ---- */

/* Fills in what belongs to ICE and DTLS. @tag is the offerer's BUNDLE tag; attributes that the section in use
 * leaves out are inherited from it, then from the session. */
bool mxr_sdp_transport_parse (MxrSdpOfferPrivate *self, guint tag, GError **error);

/* ---- answer.c ---- */

bool mxr_sdp_answer_accepts (const MxrSdpOffer *offer, const MxrSdpAnswerParams *params, guint index);
void mxr_sdp_answer_write_group (GString *text, const MxrSdpOffer *offer, const MxrSdpAnswerParams *params);
void mxr_sdp_answer_write_credentials (GString *text, const MxrSdpAnswerParams *params);
void mxr_sdp_answer_write_candidates (GString *text, const MxrSdpAnswerParams *params);

G_END_DECLS

#endif
