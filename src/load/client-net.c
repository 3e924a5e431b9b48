/* The network half of a client: its transport, from the offer to the end. */

#include "client-private.h"

/* ---- What the transport tells --------------------------------------------------------------------------------- */

static void
on_local_candidate (MxrTransport *transport, const char *candidate, gpointer user_data)
{
  MxrClient *client = user_data;
  if (client->candidates != NULL)
    g_ptr_array_add (client->candidates, g_strdup (candidate));
}

static guint32
make_ssrc (MxrClient *client)
{
  return MAX (g_rand_int (client->thread->random), 1);
}

/* Complete with all candidates, so that no PATCH is needed. */
static void
on_gathering_done (MxrTransport *transport, gpointer user_data)
{
  MxrClient *client = user_data;
  MxrOfferParams *offer = &client->offer;

  if (client->candidates == NULL)
    return;
  g_ptr_array_add (client->candidates, NULL);
  mxr_transport_get_local_credentials (transport, &offer->ice_ufrag, &offer->ice_pwd);
  offer->candidates = (char *const *) client->candidates->pdata;
  offer->fingerprint = mxr_net_get_fingerprint (client->env->crew->net);
  offer->cname = client->cname;
  offer->video_codec = client->env->codec;
  offer->audio_level = client->env->audio_level;
  for (guint i = 0; i < MXR_LOAD_N_KINDS; i++) {
    offer->sends[i] = client->plan.clips[i] != NULL;
    offer->ssrcs[i] = make_ssrc (client);
  }
  offer->video_rtx_ssrc = make_ssrc (client);
  mxr_client_post_control (client, mxr_client_on_offer, mxr_offer_write (offer));
  g_clear_pointer (&client->candidates, g_ptr_array_unref);
}

static void
fail (MxrClient *client, const char *reason)
{
  mxr_client_post_control (client, mxr_client_on_failed, g_strdup (reason));
}

static void
on_state (MxrTransport *transport, MxrTransportState state, const char *reason, gpointer user_data)
{
  MxrClient *client = user_data;

  if (state == MXR_TRANSPORT_FAILED) {
    fail (client, reason != NULL ? reason : "the connection failed");
  } else if (state == MXR_TRANSPORT_CONNECTED) {
    client->connected_us = g_get_monotonic_time ();
    mxr_client_begin_to_send (client);
    mxr_client_post_control (client, mxr_client_on_connected, NULL);
  }
}

static void
on_closed_by_peer (MxrTransport *transport, gpointer user_data)
{
  fail (user_data, "the server closed the connection");
}

static void
on_rtp (MxrTransport *transport, guint8 *data, gsize size, gint64 now_us, gpointer user_data)
{
  mxr_client_receive_rtp (user_data, data, size, now_us);
}

static void
on_rtcp (MxrTransport *transport, guint8 *data, gsize size, gint64 now_us, gpointer user_data)
{
  mxr_client_receive_rtcp (user_data, data, size, now_us);
}

static const MxrTransportEvents transport_events = {
  .on_local_candidate = on_local_candidate,
  .on_gathering_done = on_gathering_done,
  .on_state = on_state,
  .on_rtp = on_rtp,
  .on_rtcp = on_rtcp,
  .on_closed_by_peer = on_closed_by_peer,
};

/* ---- Its steps ------------------------------------------------------------------------------------------------ */

void
mxr_client_open (MxrClient *client, gpointer unused)
{
  g_autoptr (GError) error = NULL;

  client->candidates = g_ptr_array_new_with_free_func (g_free);
  client->transport = mxr_transport_new (client->thread->thread, &transport_events, client, &error);
  if (client->transport == NULL)
    mxr_net_unpick (client->thread->thread);
  else
    mxr_pacer_add_client (client->thread->pacer, client);
  if (client->transport == NULL || !mxr_transport_gather (client->transport, &error))
    fail (client, error->message);
}

void
mxr_client_start (MxrClient *client, gpointer data)
{
  const MxrSdpOffer *answer = data;
  g_autoptr (GError) error = NULL;
  const MxrTransportRemote remote = {
    .ufrag = answer->ice_ufrag,
    .pwd = answer->ice_pwd,
    .fingerprint_hash = answer->fingerprint_algorithm,
    .fingerprint = answer->fingerprint,
    .fingerprint_size = answer->fingerprint_bytes,
    .role = answer->setup == MXR_SDP_SETUP_ACTIVE ? MXR_DTLS_PASSIVE : MXR_DTLS_ACTIVE,
    .is_lite = answer->ice_lite,
    .is_answerer = true,
  };

  client->asked_us = client->sent_us;
  if (client->transport == NULL)
    return;
  mxr_client_add_streams (client, answer);
  if (!mxr_transport_start (client->transport, &remote, &error)) {
    fail (client, error->message);
    return;
  }
  for (guint i = 0; i < answer->n_candidates; i++)
    mxr_transport_add_candidate (client->transport, answer->candidates[i], NULL);
  if (answer->end_of_candidates)
    mxr_transport_end_of_candidates (client->transport);
}

void
mxr_client_close (MxrClient *client, gpointer unused)
{
  if (client->transport != NULL) {
    mxr_client_add_gone (client);
    mxr_client_end_streams (client);
    mxr_pacer_remove_client (client->thread->pacer, client);
    mxr_transport_close (g_steal_pointer (&client->transport));
  }
  g_clear_pointer (&client->session, mxr_rtp_session_free);
  g_clear_pointer (&client->candidates, g_ptr_array_unref);
  mxr_client_post_control (client, mxr_client_on_closed, NULL);
}
