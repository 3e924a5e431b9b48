#include "sdp-private.h"

#include <string.h>

/* What a session keeps from one offer to the next. */

static bool fail (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static bool
fail (GError **error, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  if (error != NULL)
    *error = g_error_new_valist (MXR_SDP_ERROR, MXR_SDP_ERROR_UNSUPPORTED, format, arguments);
  va_end (arguments);
  return false;
}

/* A payload type keeps its meaning for the life of the section (RFC 3264 8.3.2). */
static bool
check_formats (const MxrSdpSection *previous, const MxrSdpSection *next, GError **error)
{
  for (guint i = 0; i < previous->n_formats; i++)
    for (guint k = 0; k < next->n_formats; k++) {
      const MxrSdpFormat *was = &previous->formats[i], *is = &next->formats[k];
      if (was->payload_type == is->payload_type && was->codec != is->codec)
        return fail (error, "section %u: payload type %d changed its codec", next->index, is->payload_type);
      if (was->codec == is->codec && was->payload_type != is->payload_type)
        return fail (error, "section %u: payload type %d became %d", next->index, was->payload_type,
                     is->payload_type);
      if (was->red_payload_type >= 0 && was->red_payload_type == is->payload_type)
        return fail (error, "section %u: payload type %d changed its codec", next->index, is->payload_type);
    }
  return true;
}

static bool
check_section (const MxrSdpSection *previous, const MxrSdpSection *next, GError **error)
{
  if (previous->is_rejected) /* free for something else: RFC 3264 8.1 */
    return true;
  if (previous->kind != next->kind)
    return fail (error, "section %u: the kind of media changed", next->index);
  if (next->is_rejected)
    return true;
  if (g_strcmp0 (previous->mid, next->mid) != 0)
    return fail (error, "section %u: a=mid changed", next->index);
  return check_formats (previous, next, error);
}

/* Our role never changes, so the client may offer the choice again, or the role it has (RFC 8842 5.5). */
static bool
check_setup (const MxrSdpOffer *previous, const MxrSdpOffer *next, GError **error)
{
  MxrSdpSetup theirs = mxr_sdp_offer_resolve_setup (previous) == MXR_SDP_SETUP_ACTIVE ? MXR_SDP_SETUP_PASSIVE
                                                                                      : MXR_SDP_SETUP_ACTIVE;
  if (next->setup != MXR_SDP_SETUP_ACTPASS && next->setup != theirs)
    return fail (error, "a=setup would change the DTLS roles");
  return true;
}

bool
mxr_sdp_offer_is_compatible (const MxrSdpOffer *previous, const MxrSdpOffer *next, GError **error)
{
  if (next->n_sections < previous->n_sections)
    return fail (error, "the offer has %u m= lines, fewer than the %u before", next->n_sections,
                 previous->n_sections);
  for (guint i = 0; i < previous->n_sections; i++)
    if (!check_section (&previous->sections[i], &next->sections[i], error))
      return false;
  if (previous->fingerprint_bytes != next->fingerprint_bytes ||
      memcmp (previous->fingerprint, next->fingerprint, next->fingerprint_bytes) != 0)
    return fail (error, "the fingerprint changed; a new certificate needs a new connection");
  return check_setup (previous, next, error);
}

bool
mxr_sdp_offer_is_ice_restart (const MxrSdpOffer *previous, const MxrSdpOffer *next)
{
  return strcmp (previous->ice_ufrag, next->ice_ufrag) != 0 || strcmp (previous->ice_pwd, next->ice_pwd) != 0;
}
