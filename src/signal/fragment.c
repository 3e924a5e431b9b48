#include "fragment.h"

#include "mixroom/sdp.h"

bool
mxr_fragment_apply (MxrParticipant *participant, const char *body, gsize n_bytes, char **out_ufrag,
                    char **out_pwd, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autoptr (MxrSdpFragment) fragment = mxr_sdp_fragment_parse (body, n_bytes, &cause);

  if (fragment == NULL) {
    g_set_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_BAD_CANDIDATE, "the body is no SDP fragment: %s",
                 cause->message);
    return false;
  }
  if (fragment->ice_ufrag != NULL &&
      !mxr_participant_has_ice_credentials (participant, fragment->ice_ufrag, fragment->ice_pwd)) {
    *out_ufrag = g_strdup (fragment->ice_ufrag);
    *out_pwd = g_strdup (fragment->ice_pwd);
    return true;
  }
  for (guint i = 0; i < fragment->n_candidates; i++)
    if (!mxr_participant_add_candidate (participant, fragment->candidates[i], fragment->mid, error))
      return false;
  return !fragment->end_of_candidates ||
         mxr_participant_add_candidate (participant, "", fragment->mid, error);
}
