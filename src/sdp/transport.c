#include "sdp-private.h"

#include <string.h>

/* Where transport attributes are looked up, the nearest first: the section in use, the offerer's BUNDLE tag,
 * whose attributes hold for all of the group (RFC 8843 7.1.3), the session. */
typedef struct {
  const GstSDPMessage *message;
  const GstSDPMedia *media[2];
} Scope;

typedef struct {
  const char *algorithm; /* %NULL: none that we take */
  guint8 bytes[MXR_SDP_FINGERPRINT_MAX_BYTES];
  gsize n_bytes;
} Fingerprint;

static const struct {
  const char *algorithm;
  gsize n_bytes;
} hashes[] = { { "sha-256", 32 }, { "sha-384", 48 }, { "sha-512", 64 } };

static bool
fail (GError **error, MxrSdpError code, const char *text)
{
  g_set_error_literal (error, MXR_SDP_ERROR, code, text);
  return false;
}

static const char *
find_attribute (const Scope *scope, const char *key)
{
  for (guint i = 0; i < G_N_ELEMENTS (scope->media); i++) {
    const char *value = gst_sdp_media_get_attribute_val (scope->media[i], key);
    if (value != NULL)
      return value;
  }
  return gst_sdp_message_get_attribute_val (scope->message, key);
}

/* "AB:CD:…", exactly @n_bytes of them */
static bool
parse_hex (const char *text, guint8 *bytes, gsize n_bytes)
{
  for (gsize i = 0; i < n_bytes; i++, text += 3) {
    if (!g_ascii_isxdigit (text[0]) || !g_ascii_isxdigit (text[1]) ||
        text[2] != (i + 1 < n_bytes ? ':' : '\0'))
      return false;
    bytes[i] = (guint8)(g_ascii_xdigit_value (text[0]) << 4 | g_ascii_xdigit_value (text[1]));
  }
  return true;
}

/* Takes the first of an algorithm that we have: with several certificates any would do (RFC 8122 5). */
static bool
read_fingerprint (const char *value, Fingerprint *fingerprint, GError **error)
{
  gsize length = strcspn (value, " ");

  if (fingerprint->algorithm != NULL)
    return true;
  for (guint i = 0; i < G_N_ELEMENTS (hashes); i++) {
    if (strlen (hashes[i].algorithm) != length ||
        g_ascii_strncasecmp (value, hashes[i].algorithm, length) != 0)
      continue;
    value += length + strspn (value + length, " ");
    if (!parse_hex (value, fingerprint->bytes, hashes[i].n_bytes)) {
      g_set_error (error, MXR_SDP_ERROR, MXR_SDP_ERROR_SYNTAX,
                   "a=fingerprint:%s must have %" G_GSIZE_FORMAT
                   " bytes in hexadecimal with colons between them",
                   hashes[i].algorithm, hashes[i].n_bytes);
      return false;
    }
    fingerprint->algorithm = hashes[i].algorithm;
    fingerprint->n_bytes = hashes[i].n_bytes;
  }
  return true;
}

static bool
read_media_fingerprint (const GstSDPMedia *media, Fingerprint *fingerprint, GError **error)
{
  for (guint i = 0; i < gst_sdp_media_attributes_len (media); i++) {
    const GstSDPAttribute *attribute = gst_sdp_media_get_attribute (media, i);
    if (strcmp (attribute->key, "fingerprint") == 0 &&
        !read_fingerprint (attribute->value, fingerprint, error))
      return false;
  }
  return true;
}

static bool
find_fingerprint (const Scope *scope, Fingerprint *fingerprint, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (scope->media); i++)
    if (!read_media_fingerprint (scope->media[i], fingerprint, error))
      return false;
  for (guint i = 0; i < gst_sdp_message_attributes_len (scope->message); i++) {
    const GstSDPAttribute *attribute = gst_sdp_message_get_attribute (scope->message, i);
    if (strcmp (attribute->key, "fingerprint") == 0 &&
        !read_fingerprint (attribute->value, fingerprint, error))
      return false;
  }
  if (fingerprint->algorithm == NULL)
    return fail (
        error, MXR_SDP_ERROR_UNSUPPORTED,
        "the offer has no certificate fingerprint in sha-256, sha-384 or sha-512: media must be DTLS-SRTP");
  return true;
}

/* One certificate for all that is bundled: RFC 8843 7.1.3 makes it one association. */
static bool
check_fingerprints (const MxrSdpOfferPrivate *self, const Fingerprint *wanted, GError **error)
{
  for (guint i = 0; i < self->offer.n_sections; i++) {
    Fingerprint other = { 0 };
    if (!self->sections[i].is_usable)
      continue;
    if (!read_media_fingerprint (mxr_sdp_offer_get_media (&self->offer, i), &other, error))
      return false;
    if (other.algorithm != NULL && (strcmp (other.algorithm, wanted->algorithm) != 0 ||
                                    memcmp (other.bytes, wanted->bytes, wanted->n_bytes) != 0))
      return fail (error, MXR_SDP_ERROR_UNSUPPORTED,
                   "the bundled sections have different fingerprints; they share one DTLS association");
  }
  return true;
}

static bool
has_option (const char *options, const char *wanted)
{
  g_auto (GStrv) words = g_strsplit (options != NULL ? options : "", " ", -1);
  return g_strv_contains ((const char *const *)words, wanted);
}

static bool
parse_ice (MxrSdpOffer *offer, const Scope *scope, GError **error)
{
  offer->ice_ufrag = find_attribute (scope, "ice-ufrag");
  offer->ice_pwd = find_attribute (scope, "ice-pwd");
  if (offer->ice_ufrag == NULL || offer->ice_pwd == NULL)
    return fail (error, MXR_SDP_ERROR_UNSUPPORTED,
                 "the offer has no a=ice-ufrag and a=ice-pwd: ICE is required");
  if (!mxr_sdp_is_ice_string (offer->ice_ufrag, 4) || !mxr_sdp_is_ice_string (offer->ice_pwd, 22))
    return fail (error, MXR_SDP_ERROR_SYNTAX,
                 "a=ice-ufrag must have 4 to 256, a=ice-pwd 22 to 256 letters, digits, '+' or '/'");
  /* ice-options is a session attribute since RFC 8839; everybody still writes it into each section. */
  offer->ice_trickle =
      has_option (find_attribute (scope, "ice-options"), "trickle") ||
      has_option (gst_sdp_message_get_attribute_val (scope->message, "ice-options"), "trickle");
  offer->ice_lite = gst_sdp_message_get_attribute_val (scope->message, "ice-lite") != NULL;
  return true;
}

static bool
parse_setup (MxrSdpOffer *offer, const Scope *scope, GError **error)
{
  const char *value = find_attribute (scope, "setup");

  if (value == NULL || strcmp (value, "active") == 0) /* RFC 4145 4: the offer's default */
    offer->setup = MXR_SDP_SETUP_ACTIVE;
  else if (strcmp (value, "actpass") == 0)
    offer->setup = MXR_SDP_SETUP_ACTPASS;
  else if (strcmp (value, "passive") == 0)
    offer->setup = MXR_SDP_SETUP_PASSIVE;
  else
    return fail (error, MXR_SDP_ERROR_UNSUPPORTED, "a=setup must be actpass, active or passive");
  return true;
}

static void
add_candidates (MxrSdpOfferPrivate *self, const GstSDPMedia *media)
{
  MxrSdpOffer *offer = &self->offer;

  for (guint i = 0; i < gst_sdp_media_attributes_len (media); i++) {
    const GstSDPAttribute *attribute = gst_sdp_media_get_attribute (media, i);
    if (strcmp (attribute->key, "end-of-candidates") == 0)
      offer->end_of_candidates = true;
    if (!mxr_sdp_attribute_is_candidate (attribute))
      continue;
    g_autofree char *candidate = mxr_sdp_candidate_dup (attribute);
    if (candidate == NULL || offer->n_candidates == MXR_CANDIDATES_MAX)
      offer->n_candidates_dropped++;
    else
      self->candidates[offer->n_candidates++] = g_string_chunk_insert (self->strings, candidate);
  }
}

bool
mxr_sdp_transport_parse (MxrSdpOfferPrivate *self, guint tag, GError **error)
{
  MxrSdpOffer *offer = &self->offer;
  Scope scope = { .message = self->message,
                  .media = { mxr_sdp_offer_get_media (offer, offer->transport_section),
                             mxr_sdp_offer_get_media (offer, tag) } };
  Fingerprint fingerprint = { 0 };

  if (!parse_ice (offer, &scope, error) || !find_fingerprint (&scope, &fingerprint, error) ||
      !check_fingerprints (self, &fingerprint, error) || !parse_setup (offer, &scope, error))
    return false;
  if (find_attribute (&scope, "rtcp-mux") == NULL)
    return fail (error, MXR_SDP_ERROR_UNSUPPORTED,
                 "the offer has no a=rtcp-mux: RTP and RTCP share a port here");
  offer->fingerprint_algorithm = fingerprint.algorithm;
  offer->fingerprint_bytes = fingerprint.n_bytes;
  memcpy (offer->fingerprint, fingerprint.bytes, sizeof offer->fingerprint);

  /* A bundle-only section has none of its own. Those of other sections lead to ports that BUNDLE gives up. */
  add_candidates (self, scope.media[0]);
  if (offer->n_candidates == 0 && scope.media[1] != scope.media[0])
    add_candidates (self, scope.media[1]);
  if (gst_sdp_message_get_attribute_val (self->message, "end-of-candidates") != NULL)
    offer->end_of_candidates = true;
  offer->candidates = self->candidates;
  return true;
}
