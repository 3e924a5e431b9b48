#include "sdp-private.h"

#include <string.h>

/* The members of the first BUNDLE group, in its order: the first is the offerer's tag (RFC 8843 7.2.1). */
typedef struct {
  guint sections[MXR_SDP_MAX_SECTIONS];
  guint n_sections;
  bool is_there;
} Group;

static bool
fail (GError **error, MxrSdpError code, const char *text)
{
  g_set_error_literal (error, MXR_SDP_ERROR, code, text);
  return false;
}

static void
clear_offer (gpointer data)
{
  MxrSdpOfferPrivate *self = data;
  g_clear_pointer (&self->message, gst_sdp_message_free);
  g_clear_pointer (&self->strings, g_string_chunk_free);
}

MxrSdpOffer *
mxr_sdp_offer_ref (MxrSdpOffer *offer)
{
  return g_atomic_rc_box_acquire (offer);
}

void
mxr_sdp_offer_unref (MxrSdpOffer *offer)
{
  g_atomic_rc_box_release_full (offer, clear_offer);
}

/* A token (RFC 8866 9), as it is copied into the answer and into RTP packets. */
static bool
is_token (const char *text)
{
  gsize length =
      strspn (text, "!#$%&'*+-.^_`{|}~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
  return length > 0 && text[length] == '\0';
}

static bool
parse_sections (MxrSdpOfferPrivate *self, GError **error)
{
  self->offer.sections = self->sections;
  self->offer.n_sections = gst_sdp_message_medias_len (self->message);
  if (self->offer.n_sections == 0)
    return fail (error, MXR_SDP_ERROR_NOTHING_USABLE, "the offer has no m= line");

  for (guint i = 0; i < self->offer.n_sections; i++) {
    mxr_sdp_section_parse (&self->sections[i], i, self->message, self->strings);
    const char *mid = self->sections[i].mid;
    if (mid != NULL && !is_token (mid))
      return fail (error, MXR_SDP_ERROR_SYNTAX, "a=mid must be one word without special characters");
    for (guint k = 0; k < i; k++)
      if (mid != NULL && g_strcmp0 (mid, self->sections[k].mid) == 0) {
        g_set_error (error, MXR_SDP_ERROR, MXR_SDP_ERROR_SYNTAX, "two sections have a=mid:%.40s", mid);
        return false;
      }
  }
  return true;
}

static void
add_to_group (Group *group, const MxrSdpOffer *offer, const char *mid)
{
  for (guint i = 0; i < group->n_sections; i++)
    if (g_strcmp0 (offer->sections[group->sections[i]].mid, mid) == 0)
      return;
  for (guint i = 0; i < offer->n_sections; i++)
    if (g_strcmp0 (offer->sections[i].mid, mid) == 0)
      group->sections[group->n_sections++] = i;
}

static void
parse_group (const MxrSdpOfferPrivate *self, Group *group)
{
  for (guint i = 0; i < gst_sdp_message_attributes_len (self->message); i++) {
    const GstSDPAttribute *attribute = gst_sdp_message_get_attribute (self->message, i);
    const char *value = attribute->value;
    if (strcmp (attribute->key, "group") != 0 || !g_str_has_prefix (value, "BUNDLE") ||
        (value[6] != ' ' && value[6] != '\0'))
      continue;
    g_auto (GStrv) mids = g_strsplit (value + 6, " ", -1);
    for (guint k = 0; mids[k] != NULL; k++)
      add_to_group (group, &self->offer, mids[k]);
    group->is_there = group->n_sections > 0;
    return;
  }
}

/* The profiles that RFC 8829 5.1.2 tells an answerer to take for one and the same. */
static bool
is_rtp (const GstSDPMedia *media)
{
  static const char *const profiles[] = { "UDP/TLS/RTP/SAVPF",
                                          "TCP/DTLS/RTP/SAVPF",
                                          "UDP/TLS/RTP/SAVP",
                                          "TCP/DTLS/RTP/SAVP",
                                          "RTP/SAVPF",
                                          "RTP/SAVP",
                                          "RTP/AVPF",
                                          "RTP/AVP",
                                          NULL };
  return g_strv_contains (profiles, gst_sdp_media_get_proto (media));
}

static bool
is_candidate (const MxrSdpOfferPrivate *self, guint index)
{
  const MxrSdpSection *section = &self->sections[index];
  return !section->is_rejected && section->n_formats > 0 &&
         is_rtp (mxr_sdp_offer_get_media (&self->offer, index));
}

/* What a payload type is used for. */
enum { USE_MEDIA, USE_RTX, USE_RED, N_USES };

/* Whether @payload_type means @use of @codec everywhere in the BUNDLE; true for -1, which is none. */
static bool
take_payload_type (int taken[128], int payload_type, MxrSdpCodec codec, guint use)
{
  const int meaning = (int) codec * N_USES + (int) use;

  if (payload_type < 0)
    return true;
  if (taken[payload_type] >= 0 && taken[payload_type] != meaning)
    return false;
  taken[payload_type] = meaning;
  return true;
}

/* One payload type means one thing in a BUNDLE (RFC 8843 9.1), or a packet without MID and known SSRC has no
 * home: the earlier section keeps it. @taken: by payload type, what has it, -1: nothing. */
static void
drop_ambiguous_formats (MxrSdpSection *section, int taken[128])
{
  guint n_kept = 0;

  for (guint i = 0; i < section->n_formats; i++) {
    MxrSdpFormat format = section->formats[i];
    if (!take_payload_type (taken, format.payload_type, format.codec, USE_MEDIA))
      continue;
    if (!take_payload_type (taken, format.rtx_payload_type, format.codec, USE_RTX))
      format.rtx_payload_type = -1;
    if (!take_payload_type (taken, format.red_payload_type, format.codec, USE_RED))
      format.red_payload_type = -1;
    section->formats[n_kept++] = format;
  }
  section->n_formats = n_kept;
}

/* "the offer has audio in PCMU, video in VP9, AV1 only; this server takes …" */
static bool
fail_with_reason (const MxrSdpOfferPrivate *self, GError **error)
{
  g_autoptr (GString) text = g_string_new ("the offer has ");
  guint n_described = 0;

  for (guint i = 0; i < self->offer.n_sections && n_described < 4; i++) {
    const MxrSdpSection *section = &self->sections[i];
    if (section->kind == MXR_SDP_OTHER || section->is_rejected)
      continue;
    g_string_append_printf (text, "%s%s in ", n_described++ > 0 ? " and " : "",
                            section->kind == MXR_SDP_AUDIO ? "audio" : "video");
    mxr_sdp_media_describe (mxr_sdp_offer_get_media (&self->offer, i), text);
  }
  g_string_append (text, n_described > 0 ? " only" : "no audio or video section with a port");
  g_set_error (error, MXR_SDP_ERROR, MXR_SDP_ERROR_NOTHING_USABLE,
               "%s; this server takes Opus, VP8 and H.264 constrained baseline with packetization-mode 1",
               text->str);
  return false;
}

/* Marks what may be used and picks the section that carries the transport: the first usable of the group, so
 * that the offerer's tag stays the tag whenever it can (RFC 8843 7.3.1). */
static bool
find_usable (MxrSdpOfferPrivate *self, Group *group, GError **error)
{
  guint n_candidates = 0;
  int taken[128];
  memset (taken, -1, sizeof taken);

  for (guint i = 0; i < self->offer.n_sections; i++)
    n_candidates += is_candidate (self, i);
  if (n_candidates == 0)
    return fail_with_reason (self, error);
  if (!group->is_there && n_candidates > 1)
    return fail (
        error, MXR_SDP_ERROR_UNSUPPORTED,
        "the offer has several media sections and no a=group:BUNDLE: all media share one transport here");
  if (!group->is_there)
    for (guint i = 0; i < self->offer.n_sections; i++)
      if (is_candidate (self, i))
        group->sections[group->n_sections++] = i;

  bool is_found = false;
  for (guint i = 0; i < group->n_sections; i++) {
    MxrSdpSection *section = &self->sections[group->sections[i]];
    if (!is_candidate (self, section->index))
      continue;
    drop_ambiguous_formats (section, taken);
    section->is_usable = section->n_formats > 0;
    if (section->is_usable && !is_found)
      self->offer.transport_section = section->index;
    is_found = is_found || section->is_usable;
  }
  if (!is_found)
    return fail (
        error, MXR_SDP_ERROR_UNSUPPORTED,
        "the audio and video sections are not in a=group:BUNDLE: all media share one transport here");
  self->offer.is_bundle = group->is_there;
  return true;
}

static bool
have_codec_in_common (const MxrSdpSection *a, const MxrSdpSection *b)
{
  for (guint i = 0; i < a->n_formats; i++)
    if (mxr_sdp_section_find_format (b, a->formats[i].codec) != NULL)
      return true;
  return false;
}

static void
choose_sections (MxrSdpOffer *offer, MxrSdpKind kind)
{
  offer->uplink[kind] = -1;
  offer->downlink[kind] = -1;
  for (guint i = 0; i < offer->n_sections; i++) {
    const MxrSdpSection *section = &offer->sections[i];
    if (section->is_usable && section->kind == kind && (section->direction & MXR_SDP_SENDONLY) != 0 &&
        offer->uplink[kind] < 0)
      offer->uplink[kind] = (int)i;
  }
  const MxrSdpSection *uplink = offer->uplink[kind] >= 0 ? &offer->sections[offer->uplink[kind]] : NULL;
  for (guint i = 0; i < offer->n_sections; i++) {
    const MxrSdpSection *section = &offer->sections[i];
    if (section->is_usable && section->kind == kind && (section->direction & MXR_SDP_RECVONLY) != 0 &&
        offer->downlink[kind] < 0 && (uplink == NULL || have_codec_in_common (uplink, section)))
      offer->downlink[kind] = (int)i;
  }
}

MxrSdpOffer *
mxr_sdp_offer_parse (const char *text, gssize length, GError **error)
{
  g_return_val_if_fail (text != NULL, NULL);

  g_autoptr (GstSDPMessage) message = mxr_sdp_message_parse (text, length, MXR_SDP_DESCRIPTION, error);
  if (message == NULL)
    return NULL;

  g_autoptr (MxrSdpOffer) offer = (MxrSdpOffer *)g_atomic_rc_box_new0 (MxrSdpOfferPrivate);
  MxrSdpOfferPrivate *self = (MxrSdpOfferPrivate *)offer;
  self->message = g_steal_pointer (&message);
  self->strings = g_string_chunk_new (1024);

  Group group = { .is_there = false };
  if (!parse_sections (self, error))
    return NULL;
  parse_group (self, &group);
  if (!find_usable (self, &group, error) || !mxr_sdp_transport_parse (self, group.sections[0], error))
    return NULL;
  for (MxrSdpKind kind = MXR_SDP_AUDIO; kind < MXR_SDP_N_KINDS; kind++)
    choose_sections (offer, kind);
  return g_steal_pointer (&offer);
}

static bool
has_codec (const MxrSdpOffer *offer, int index, MxrSdpCodec codec)
{
  return index < 0 || mxr_sdp_section_find_format (&offer->sections[index], codec) != NULL;
}

MxrSdpCodec
mxr_sdp_offer_choose_video_codec (const MxrSdpOffer *offer, const MxrSdpCodec *preference, guint n_preference)
{
  int uplink = offer->uplink[MXR_SDP_VIDEO], downlink = offer->downlink[MXR_SDP_VIDEO];

  for (guint i = 0; i < n_preference && (uplink >= 0 || downlink >= 0); i++)
    if (has_codec (offer, uplink, preference[i]) && has_codec (offer, downlink, preference[i]))
      return preference[i];
  return MXR_SDP_CODEC_NONE;
}

MxrSdpSetup
mxr_sdp_offer_resolve_setup (const MxrSdpOffer *offer)
{
  return offer->setup == MXR_SDP_SETUP_ACTIVE ? MXR_SDP_SETUP_PASSIVE : MXR_SDP_SETUP_ACTIVE;
}
