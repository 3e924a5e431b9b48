#include "sdp-private.h"

#include <string.h>

/* What an m= section says of one payload type. Strings are borrowed from the message. */
typedef struct {
  const char *encoding; /* "VP8/90000"; %NULL: none */
  const char *fmtp;     /* %NULL: none */
  guint feedback;
} Payload;

#define N_PAYLOAD_TYPES 128
/* Two-byte header extensions are not negotiated, and 15 is reserved (RFC 8285 4.2). */
#define EXTENSION_ID_MAX 14
/* A MID in a one-byte header extension has at most 16 bytes (RFC 8285 4.2). */
#define MID_MAX_BYTES 16

static const struct {
  const char *name;
  guint bit;
} feedback_names[] = {
  { "nack", MXR_SDP_FEEDBACK_NACK },      { "nack pli", MXR_SDP_FEEDBACK_PLI },
  { "ccm fir", MXR_SDP_FEEDBACK_FIR },    { "transport-cc", MXR_SDP_FEEDBACK_TRANSPORT_CC },
  { "goog-remb", MXR_SDP_FEEDBACK_REMB },
};

static const char *const extension_uris[MXR_SDP_N_EXTENSIONS] = {
  [MXR_SDP_EXTENSION_MID] = "urn:ietf:params:rtp-hdrext:sdes:mid",
  [MXR_SDP_EXTENSION_AUDIO_LEVEL] = "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
  [MXR_SDP_EXTENSION_TRANSPORT_CC] =
      "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
  [MXR_SDP_EXTENSION_VIDEO_ORIENTATION] = "urn:3gpp:video-orientation",
  [MXR_SDP_EXTENSION_RID] = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
};

const char *
mxr_sdp_extension_get_uri (MxrSdpExtensionType type)
{
  return extension_uris[type];
}

guint
mxr_sdp_feedback_from_name (const char *name, gsize length)
{
  for (guint i = 0; i < G_N_ELEMENTS (feedback_names); i++)
    if (strlen (feedback_names[i].name) == length && strncmp (feedback_names[i].name, name, length) == 0)
      return feedback_names[i].bit;
  return 0;
}

const char *
mxr_sdp_feedback_get_name (guint bit)
{
  for (guint i = 0; i < G_N_ELEMENTS (feedback_names); i++)
    if (feedback_names[i].bit == bit)
      return feedback_names[i].name;
  return NULL;
}

/* Reads "<payload type> " and leaves *@cursor at what follows. */
static bool
read_payload_type (const char **cursor, guint *out_type)
{
  guint64 type;
  if (!mxr_sdp_read_uint (cursor, N_PAYLOAD_TYPES - 1, &type) || **cursor != ' ')
    return false;
  *cursor += strspn (*cursor, " ");
  *out_type = (guint)type;
  return true;
}

static void
read_feedback (Payload *payloads, const char *value)
{
  bool is_for_all = g_str_has_prefix (value, "* ");
  guint type = 0;

  if (is_for_all)
    value += 2;
  else if (!read_payload_type (&value, &type))
    return;
  gsize length = strlen (value);
  while (length > 0 && value[length - 1] == ' ')
    length--;
  guint bit = mxr_sdp_feedback_from_name (value, length);
  for (guint i = is_for_all ? 0 : type; i < (is_for_all ? N_PAYLOAD_TYPES : type + 1); i++)
    payloads[i].feedback |= bit;
}

/* One pass over the attributes, whatever their number and order. */
static void
read_payloads (const GstSDPMedia *media, Payload *payloads)
{
  for (guint i = 0; i < gst_sdp_media_attributes_len (media); i++) {
    const GstSDPAttribute *attribute = gst_sdp_media_get_attribute (media, i);
    const char *value = attribute->value;
    guint type;

    if (strcmp (attribute->key, "rtcp-fb") == 0)
      read_feedback (payloads, value);
    else if (strcmp (attribute->key, "rtpmap") == 0 && read_payload_type (&value, &type))
      payloads[type].encoding = value;
    else if (strcmp (attribute->key, "fmtp") == 0 && read_payload_type (&value, &type))
      payloads[type].fmtp = value;
  }
}

static bool
is_encoding (const Payload *payload, const char *encoding)
{
  return payload->encoding != NULL && g_ascii_strcasecmp (payload->encoding, encoding) == 0;
}

/* Copies the value of @name in "a=1; b=2" to @out_value; false when it is not there or longer than any we
 * want. */
static bool
find_parameter (const char *fmtp, const char *name, char out_value[16])
{
  for (const char *p = fmtp; p != NULL && *p != '\0';) {
    p += strspn (p, "; \t");
    gsize length = strcspn (p, ";");
    gsize name_length = strlen (name);
    if (length > name_length && g_ascii_strncasecmp (p, name, name_length) == 0 && p[name_length] == '=') {
      gsize value_length = strcspn (p + name_length + 1, "; \t");
      if (value_length >= 16)
        return false;
      memcpy (out_value, p + name_length + 1, value_length);
      out_value[value_length] = '\0';
      return true;
    }
    p += length;
  }
  return false;
}

static bool
is_parameter (const char *fmtp, const char *name, const char *wanted)
{
  char value[16];
  return find_parameter (fmtp, name, value) && strcmp (value, wanted) == 0;
}

/* How well a profile fits a decoder and encoder of constrained baseline (RFC 6184 8.1, table 5): 2 it is one,
 * 1 it is plain baseline, which browsers offer for the same encoder, 0 not at all. */
static guint
rank_h264_profile (guint32 profile_level_id)
{
  static const struct {
    guint8 idc, mask, iop;
    guint rank;
  } profiles[] = {
    { 0x42, 0x4f, 0x40, 2 }, /* x1xx0000 */
    { 0x4d, 0x8f, 0x80, 2 }, /* 1xxx0000 */
    { 0x58, 0xcf, 0xc0, 2 }, /* 11xx0000 */
    { 0x42, 0x4f, 0x00, 1 }, /* x0xx0000 */
  };
  for (guint i = 0; i < G_N_ELEMENTS (profiles); i++)
    if (profile_level_id >> 16 == profiles[i].idc &&
        ((profile_level_id >> 8) & profiles[i].mask) == profiles[i].iop)
      return profiles[i].rank;
  return 0;
}

static bool
read_h264 (const Payload *payload, MxrSdpFormat *format)
{
  char value[16];
  guint64 profile_level_id = 0x42000a; /* RFC 6184 8.1: baseline, level 1, when absent */

  if (find_parameter (payload->fmtp, "profile-level-id", value) &&
      (strlen (value) != 6 || !g_ascii_string_to_unsigned (value, 16, 0, 0xffffff, &profile_level_id, NULL)))
    return false;
  /* Without fragmentation units (mode 0) no picture of ours fits a packet. */
  if (!is_parameter (payload->fmtp, "packetization-mode", "1") ||
      rank_h264_profile ((guint32)profile_level_id) == 0)
    return false;
  format->profile_level_id = (guint32)profile_level_id;
  format->level_asymmetry_allowed = is_parameter (payload->fmtp, "level-asymmetry-allowed", "1");
  return true;
}

static bool
read_format (MxrSdpKind kind, const Payload *payload, MxrSdpFormat *format)
{
  /* RFC 7587 7 wants the "/2"; pipelines written by hand often leave it out, and mean the same. */
  if (kind == MXR_SDP_AUDIO && (is_encoding (payload, "opus/48000/2") || is_encoding (payload, "opus/48000"))) {
    format->codec = MXR_SDP_CODEC_OPUS;
    format->stereo = is_parameter (payload->fmtp, "stereo", "1");
    format->inband_fec = is_parameter (payload->fmtp, "useinbandfec", "1");
    format->dtx = is_parameter (payload->fmtp, "usedtx", "1");
    return true;
  }
  if (kind == MXR_SDP_VIDEO && is_encoding (payload, "VP8/90000")) {
    format->codec = MXR_SDP_CODEC_VP8;
    return true;
  }
  if (kind == MXR_SDP_VIDEO && is_encoding (payload, "H264/90000")) {
    format->codec = MXR_SDP_CODEC_H264;
    return read_h264 (payload, format);
  }
  return false;
}

/* The number of the @index-th format of the m= line, or -1. */
static int
get_payload_type (const GstSDPMedia *media, guint index)
{
  const char *cursor = gst_sdp_media_get_format (media, index);
  guint64 type;
  if (!mxr_sdp_read_uint (&cursor, N_PAYLOAD_TYPES - 1, &type) || *cursor != '\0')
    return -1;
  return (int)type;
}

static int
find_rtx (const GstSDPMedia *media, const Payload *payloads, const MxrSdpFormat *format)
{
  g_autofree char *encoding = g_strdup_printf ("rtx/%u", format->codec == MXR_SDP_CODEC_OPUS ? 48000 : 90000);
  g_autofree char *apt = g_strdup_printf ("%d", format->payload_type);

  for (guint i = 0; i < gst_sdp_media_formats_len (media); i++) {
    int type = get_payload_type (media, i);
    if (type >= 0 && type != format->payload_type && is_encoding (&payloads[type], encoding) &&
        is_parameter (payloads[type].fmtp, "apt", apt))
      return type;
  }
  return -1;
}

/* "111/111": blocks of that codec and of no other, RFC 2198 5. */
static bool
is_red_of (const Payload *payload, int payload_type)
{
  const char *cursor = payload->fmtp;
  guint64 type;

  if (!is_encoding (payload, "red/48000/2") || cursor == NULL)
    return false;
  while (mxr_sdp_read_uint (&cursor, N_PAYLOAD_TYPES - 1, &type) && type == (guint64) payload_type) {
    if (*cursor == '\0')
      return true;
    if (*cursor++ != '/')
      return false;
  }
  return false;
}

static int
find_red (const GstSDPMedia *media, const Payload *payloads, const MxrSdpFormat *format)
{
  for (guint i = 0; format->codec == MXR_SDP_CODEC_OPUS && i < gst_sdp_media_formats_len (media); i++) {
    int type = get_payload_type (media, i);
    if (type > 0 && type != format->payload_type && is_red_of (&payloads[type], format->payload_type))
      return type;
  }
  return -1;
}

/* One format a codec, the first offered; of H.264 the first constrained baseline, else the first baseline. */
static void
add_format (MxrSdpSection *section, const MxrSdpFormat *format)
{
  for (guint i = 0; i < section->n_formats; i++) {
    MxrSdpFormat *other = &section->formats[i];
    if (other->codec != format->codec)
      continue;
    if (rank_h264_profile (format->profile_level_id) > rank_h264_profile (other->profile_level_id))
      *other = *format;
    return;
  }
  section->formats[section->n_formats++] = *format;
}

static void
read_formats (MxrSdpSection *section, const GstSDPMedia *media)
{
  Payload payloads[N_PAYLOAD_TYPES] = { 0 };
  read_payloads (media, payloads);

  for (guint i = 0; i < gst_sdp_media_formats_len (media); i++) {
    int type = get_payload_type (media, i);
    MxrSdpFormat format = { .payload_type = type };
    if (type < 0 || !read_format (section->kind, &payloads[type], &format))
      continue;
    format.feedback = payloads[type].feedback;
    add_format (section, &format);
  }
  for (guint i = 0; i < section->n_formats; i++) {
    section->formats[i].rtx_payload_type = find_rtx (media, payloads, &section->formats[i]);
    section->formats[i].red_payload_type = find_red (media, payloads, &section->formats[i]);
  }
}

static bool
parse_direction (const char *word, gsize length, MxrSdpDirection *out_direction)
{
  static const char *const names[] = { "inactive", "sendonly", "recvonly", "sendrecv" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (length == strlen (names[i]) && strncmp (word, names[i], length) == 0) {
      *out_direction = (MxrSdpDirection)i;
      return true;
    }
  return false;
}

/* "4/recvonly urn:… attributes" (RFC 8285 8). The first mapping of an extension, and the first of an id,
 * count. */
static void
read_extension (MxrSdpSection *section, const char *value, guint *used_ids)
{
  MxrSdpDirection direction = MXR_SDP_SENDRECV;
  guint64 id;

  if (!mxr_sdp_read_uint (&value, EXTENSION_ID_MAX, &id) || id == 0)
    return;
  if (*value == '/') {
    gsize length = strcspn (++value, " ");
    if (!parse_direction (value, length, &direction))
      return;
    value += length;
  }
  if (*value != ' ')
    return;
  value += strspn (value, " ");
  if ((*used_ids & 1u << id) != 0)
    return;
  *used_ids |= 1u << id;
  gsize length = strcspn (value, " ");
  for (guint i = 0; i < MXR_SDP_N_EXTENSIONS; i++)
    if (section->extensions[i].id == 0 && strlen (extension_uris[i]) == length &&
        strncmp (extension_uris[i], value, length) == 0)
      section->extensions[i] = (MxrSdpExtension){ (guint8)id, direction };
}

static void
read_ssrc (MxrSdpSection *section, const char *value, GStringChunk *strings)
{
  guint64 ssrc;
  if (!mxr_sdp_read_uint (&value, G_MAXUINT32, &ssrc) || *value != ' ')
    return;
  if (section->ssrc == 0)
    section->ssrc = (guint32)ssrc;
  if (section->cname == NULL && g_str_has_prefix (value, " cname:"))
    section->cname = g_string_chunk_insert (strings, value + strlen (" cname:"));
}

/* "FID <media> <retransmissions>" (RFC 5576 4.2, RFC 4588 8.8); of several, as with simulcast, the first. */
static void
read_ssrc_group (MxrSdpSection *section, const char *value)
{
  guint64 ssrc, rtx_ssrc;
  value += strlen ("FID ");
  if (!mxr_sdp_read_uint (&value, G_MAXUINT32, &ssrc) || *value++ != ' ' ||
      !mxr_sdp_read_uint (&value, G_MAXUINT32, &rtx_ssrc) || ssrc == rtx_ssrc || ssrc == 0)
    return;
  section->ssrc = (guint32)ssrc;
  section->rtx_ssrc = (guint32)rtx_ssrc;
}

/* Milliseconds; what stands behind a point is no packet's. */
static void
read_ptime (MxrSdpSection *section, const char *value)
{
  guint64 ms;
  if (mxr_sdp_read_uint (&value, G_MAXUINT16, &ms) && ms > 0 && (section->max_ptime_ms == 0 || ms < section->max_ptime_ms))
    section->max_ptime_ms = (guint)ms;
}

static void
read_attributes (MxrSdpSection *section, const GstSDPMedia *media, GStringChunk *strings)
{
  const char *ssrc_group = NULL;
  guint used_ids = 0;

  for (guint i = 0; i < gst_sdp_media_attributes_len (media); i++) {
    const GstSDPAttribute *attribute = gst_sdp_media_get_attribute (media, i);
    const char *key = attribute->key;

    if (strcmp (key, "mid") == 0 && section->mid == NULL)
      section->mid = attribute->value;
    else if (strcmp (key, "rtcp-rsize") == 0)
      section->rtcp_rsize = true;
    else if (strcmp (key, "ptime") == 0 || strcmp (key, "maxptime") == 0)
      read_ptime (section, attribute->value);
    else if (strcmp (key, "extmap") == 0)
      read_extension (section, attribute->value, &used_ids);
    else if (strcmp (key, "ssrc") == 0)
      read_ssrc (section, attribute->value, strings);
    else if (strcmp (key, "ssrc-group") == 0 && ssrc_group == NULL &&
             g_str_has_prefix (attribute->value, "FID "))
      ssrc_group = attribute->value;
    else
      parse_direction (key, strlen (key), &section->direction);
  }
  if (ssrc_group !=
      NULL) /* Firefox puts the group after the ssrc lines: it has the last word wherever it stands */
    read_ssrc_group (section, ssrc_group);
}

static MxrSdpDirection
get_session_direction (const GstSDPMessage *message)
{
  MxrSdpDirection direction = MXR_SDP_SENDRECV; /* RFC 8866 6.7: when nothing is said */
  for (guint i = 0; i < gst_sdp_message_attributes_len (message); i++) {
    const char *key = gst_sdp_message_get_attribute (message, i)->key;
    parse_direction (key, strlen (key), &direction);
  }
  return direction;
}

void
mxr_sdp_section_parse (MxrSdpSection *section, guint index, const GstSDPMessage *message,
                       GStringChunk *strings)
{
  const GstSDPMedia *media = gst_sdp_message_get_media (message, index);
  const char *name = gst_sdp_media_get_media (media);

  *section = (MxrSdpSection){ .index = index, .kind = MXR_SDP_OTHER };
  if (strcmp (name, "audio") == 0)
    section->kind = MXR_SDP_AUDIO;
  else if (strcmp (name, "video") == 0)
    section->kind = MXR_SDP_VIDEO;
  section->direction = get_session_direction (message);
  /* A bundle-only section has port 0 and is not rejected (RFC 8843 6). */
  section->is_rejected =
      gst_sdp_media_get_port (media) == 0 && gst_sdp_media_get_attribute_val (media, "bundle-only") == NULL;

  read_attributes (section, media, strings);
  if (section->mid != NULL && strlen (section->mid) > MID_MAX_BYTES)
    section->extensions[MXR_SDP_EXTENSION_MID] = (MxrSdpExtension){ 0 };
  if (section->kind != MXR_SDP_OTHER)
    read_formats (section, media);
}

const MxrSdpFormat *
mxr_sdp_section_find_format (const MxrSdpSection *section, MxrSdpCodec codec)
{
  for (guint i = 0; i < section->n_formats; i++)
    if (section->formats[i].codec == codec)
      return &section->formats[i];
  return NULL;
}

void
mxr_sdp_media_describe (const GstSDPMedia *media, GString *text)
{
  Payload payloads[N_PAYLOAD_TYPES] = { 0 };
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  read_payloads (media, payloads);

  for (guint i = 0; i < gst_sdp_media_formats_len (media) && g_hash_table_size (seen) < 8; i++) {
    int type = get_payload_type (media, i);
    if (type < 0 || payloads[type].encoding == NULL || g_str_has_prefix (payloads[type].encoding, "rtx/"))
      continue;
    gsize length = MIN (strcspn (payloads[type].encoding, "/"), 20);
    g_autofree char *name = g_strndup (payloads[type].encoding, length);
    if (g_hash_table_contains (seen, name) || !g_utf8_validate (name, -1, NULL))
      continue;
    g_string_append_printf (text, "%s%s", g_hash_table_size (seen) > 0 ? ", " : "", name);
    g_hash_table_add (seen, g_steal_pointer (&name));
  }
  if (g_hash_table_size (seen) == 0)
    g_string_append (text, "no named codec");
}
