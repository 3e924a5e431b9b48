#include "sdp-private.h"

#include <string.h>

static bool
fail (GError **error, const char *text)
{
  g_set_error_literal (error, MXR_SDP_ERROR, MXR_SDP_ERROR_SYNTAX, text);
  return false;
}

static void
read_attribute (MxrSdpFragment *fragment, GPtrArray *candidates, const GstSDPAttribute *attribute)
{
  const char *key = attribute->key, *value = attribute->value;

  if (strcmp (key, "ice-ufrag") == 0 && fragment->ice_ufrag == NULL)
    fragment->ice_ufrag = g_strdup (value);
  else if (strcmp (key, "ice-pwd") == 0 && fragment->ice_pwd == NULL)
    fragment->ice_pwd = g_strdup (value);
  else if (strcmp (key, "mid") == 0 && fragment->mid == NULL)
    fragment->mid = g_strdup (value);
  else if (strcmp (key, "end-of-candidates") == 0)
    fragment->end_of_candidates = true;
  else if (mxr_sdp_attribute_is_candidate (attribute)) {
    char *candidate = candidates->len < MXR_CANDIDATES_MAX ? mxr_sdp_candidate_dup (attribute) : NULL;
    if (candidate != NULL)
      g_ptr_array_add (candidates, candidate);
    else
      fragment->n_candidates_dropped++;
  }
}

static bool
check_credentials (const MxrSdpFragment *fragment, GError **error)
{
  if ((fragment->ice_ufrag == NULL) != (fragment->ice_pwd == NULL))
    return fail (error, "a=ice-ufrag and a=ice-pwd belong together");
  if (fragment->ice_ufrag != NULL &&
      (!mxr_sdp_is_ice_string (fragment->ice_ufrag, 4) || !mxr_sdp_is_ice_string (fragment->ice_pwd, 22)))
    return fail (error, "a=ice-ufrag must have 4 to 256, a=ice-pwd 22 to 256 letters, digits, '+' or '/'");
  return true;
}

MxrSdpFragment *
mxr_sdp_fragment_parse (const char *text, gssize length, GError **error)
{
  g_return_val_if_fail (text != NULL, NULL);

  g_autoptr (GstSDPMessage) message = mxr_sdp_message_parse (text, length, MXR_SDP_FRAGMENT, error);
  if (message == NULL)
    return NULL;

  g_autoptr (MxrSdpFragment) fragment = g_new0 (MxrSdpFragment, 1);
  g_autoptr (GPtrArray) candidates = g_ptr_array_new_with_free_func (g_free);
  /* Sections first: what stands there is nearer to the candidates than what stands above (RFC 8840 9). */
  for (guint i = 0; i < gst_sdp_message_medias_len (message); i++) {
    const GstSDPMedia *media = gst_sdp_message_get_media (message, i);
    for (guint k = 0; k < gst_sdp_media_attributes_len (media); k++)
      read_attribute (fragment, candidates, gst_sdp_media_get_attribute (media, k));
  }
  for (guint i = 0; i < gst_sdp_message_attributes_len (message); i++)
    read_attribute (fragment, candidates, gst_sdp_message_get_attribute (message, i));
  if (!check_credentials (fragment, error))
    return NULL;

  fragment->n_candidates = candidates->len;
  g_ptr_array_add (candidates, NULL);
  fragment->candidates = (char **)g_ptr_array_steal (candidates, NULL);
  return g_steal_pointer (&fragment);
}

void
mxr_sdp_fragment_free (MxrSdpFragment *fragment)
{
  g_free (fragment->ice_ufrag);
  g_free (fragment->ice_pwd);
  g_free (fragment->mid);
  g_strfreev (fragment->candidates);
  g_free (fragment);
}

char *
mxr_sdp_fragment_write (const MxrSdpOffer *offer, const MxrSdpAnswerParams *params)
{
  g_return_val_if_fail (offer != NULL && params != NULL, NULL);

  const MxrSdpSection *section = &offer->sections[offer->transport_section];
  GString *text = g_string_new ("a=ice-options:trickle\r\n");

  mxr_sdp_answer_write_group (text, offer, params);
  g_string_append_printf (text, "m=%s 9 UDP/TLS/RTP/SAVPF %d\r\n",
                          section->kind == MXR_SDP_AUDIO ? "audio" : "video",
                          section->formats[0].payload_type);
  if (section->mid != NULL)
    g_string_append_printf (text, "a=mid:%s\r\n", section->mid);
  mxr_sdp_answer_write_credentials (text, params);
  mxr_sdp_answer_write_candidates (text, params);
  return g_string_free (text, FALSE);
}
