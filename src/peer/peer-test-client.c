#include "peer-test-client.h"

#include <gst/rtp/gstrtcpbuffer.h>
#include <string.h>

static void
on_client_candidate (MxrTransport *transport, const char *candidate, gpointer user_data)
{
  g_ptr_array_add (((Client *) user_data)->candidates, g_strdup (candidate));
}

void
client_set (Client *client, bool *flag)
{
  g_mutex_lock (&client->lock);
  *flag = true;
  g_cond_broadcast (&client->changed);
  g_mutex_unlock (&client->lock);
}

static void
on_client_gathered (MxrTransport *transport, gpointer user_data)
{
  Client *client = user_data;
  client_set (client, &client->is_gathered);
}

static void
on_client_state (MxrTransport *transport, MxrTransportState state, const char *reason, gpointer user_data)
{
  Client *client = user_data;
  if (state == MXR_TRANSPORT_CONNECTED)
    client_set (client, &client->is_connected);
}

static void
on_client_closed (MxrTransport *transport, gpointer user_data)
{
  Client *client = user_data;
  client_set (client, &client->is_hung_up);
}

/* RFC 6716 3.2 */
static guint
count_frames (const MxrRtpView *view)
{
  static const guint counts[] = { 1, 2, 2, 0 };
  const guint code = view->payload[0] & 3;
  return code < 3 ? counts[code] : view->payload[1] & 0x3f;
}

static void
note_sound (Client *client, const MxrRtpView *view)
{
  if (client->n_rtp[MXR_RTP_AUDIO] == 0) {
    client->first_sound = view->seq;
    client->first_rtp = view->timestamp;
  }
  client->last_sound = view->seq;
  client->n_frames += count_frames (view);
  client->n_red += view->payload_type == 63;
}

static void
on_client_rtp (MxrTransport *transport, guint8 *data, gsize size, gint64 now_us, gpointer user_data)
{
  Client *client = user_data;
  MxrRtpView view;
  g_assert_true (mxr_rtp_view_parse (&view, data, size));
  g_mutex_lock (&client->lock);
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    if (view.ssrc != client->ssrcs[i])
      continue;
    client->last_rtp[i] = view.timestamp;
    if (i == MXR_RTP_VIDEO && client->n_rtp[i] == 0)
      client->first_picture = view.seq;
    if (i == MXR_RTP_VIDEO)
      client->last_picture = view.seq;
    else
      note_sound (client, &view);
    client->n_rtp[i]++;
  }
  if (view.ssrc == client->rtx_ssrc) {
    client->n_rtx++;
    client->last_original = GST_READ_UINT16_BE (view.payload);
  }
  g_mutex_unlock (&client->lock);
}

static void
on_client_rtcp (MxrTransport *transport, guint8 *data, gsize size, gint64 now_us, gpointer user_data)
{
  Client *client = user_data;
  g_autoptr (GstBuffer) buffer = gst_buffer_new_memdup (data, size);
  GstRTCPBuffer rtcp = GST_RTCP_BUFFER_INIT;
  GstRTCPPacket packet;

  gst_rtcp_buffer_map (buffer, GST_MAP_READ, &rtcp);
  g_mutex_lock (&client->lock);
  for (bool more = gst_rtcp_buffer_get_first_packet (&rtcp, &packet); more; more = gst_rtcp_packet_move_to_next (&packet)) {
    guint32 ssrc, rtp_time;
    guint64 ntp;
    if (gst_rtcp_packet_get_type (&packet) == GST_RTCP_TYPE_PSFB &&
        gst_rtcp_packet_fb_get_type (&packet) == GST_RTCP_PSFB_TYPE_AFB)
      client->remb = GST_READ_UINT32_BE (gst_rtcp_packet_fb_get_fci (&packet) + 4) & 0xffffff;
    if (gst_rtcp_packet_get_type (&packet) != GST_RTCP_TYPE_SR)
      continue;
    gst_rtcp_packet_sr_get_sender_info (&packet, &ssrc, &ntp, &rtp_time, NULL, NULL);
    for (guint i = 0; i < MXR_PEER_N_KINDS; i++)
      if (ssrc == client->ssrcs[i]) {
        client->has_report[i] = true;
        client->report_ntp[i] = ntp;
        client->report_rtp[i] = rtp_time;
      }
  }
  g_mutex_unlock (&client->lock);
  gst_rtcp_buffer_unmap (&rtcp);
}

static const MxrTransportEvents client_events = {
  on_client_candidate, on_client_gathered, on_client_state, on_client_rtp, on_client_rtcp, on_client_closed,
};

void
client_wait_for (Client *client, const bool *flag)
{
  gint64 deadline_us = g_get_monotonic_time () + WATCHDOG_S * G_USEC_PER_SEC;
  g_mutex_lock (&client->lock);
  while (!*flag && g_cond_wait_until (&client->changed, &client->lock, deadline_us))
    ;
  bool held = *flag;
  g_mutex_unlock (&client->lock);
  g_assert_true (held);
}

void
client_call (Client *client, MxrMailboxFunc func)
{
  client->is_done = false;
  g_assert_true (mxr_mailbox_post (mxr_net_thread_get_mailbox (client->thread), func, client, NULL));
  client_wait_for (client, &client->is_done);
}

static void
open_client (gpointer data)
{
  Client *client = data;
  const char *ufrag, *pwd;
  client->transport = mxr_transport_new (client->thread, &client_events, client, NULL);
  mxr_transport_get_local_credentials (client->transport, &ufrag, &pwd);
  client->ufrag = g_strdup (ufrag);
  client->pwd = g_strdup (pwd);
  g_assert_true (mxr_transport_gather (client->transport, NULL));
  client_set (client, &client->is_done);
}

static void
start_client (gpointer data)
{
  Client *client = data;
  g_autofree char *ufrag = find (client->answer, "^a=ice-ufrag:(\\S+)");
  g_autofree char *pwd = find (client->answer, "^a=ice-pwd:(\\S+)");
  g_autofree char *text = find (client->answer, "^a=fingerprint:sha-256 (\\S+)");
  g_auto (GStrv) words = g_strsplit (text, ":", -1);
  guint8 fingerprint[32];

  for (guint i = 0; i < sizeof fingerprint; i++)
    fingerprint[i] = (guint8) g_ascii_strtoull (words[i], NULL, 16);
  const MxrTransportRemote remote = { ufrag, pwd, "sha-256", fingerprint, sizeof fingerprint,
                                      strstr (client->answer, "a=setup:active") != NULL ? MXR_DTLS_PASSIVE : MXR_DTLS_ACTIVE,
                                      false };
  g_assert_true (mxr_transport_start (client->transport, &remote, NULL));
  g_auto (GStrv) lines = g_strsplit (client->answer, "\r\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], "a=candidate:"))
      mxr_transport_add_candidate (client->transport, lines[i] + 2, NULL);
  client_set (client, &client->is_done);
}

void
client_close (gpointer data)
{
  Client *client = data;
  mxr_transport_close (g_steal_pointer (&client->transport));
  client_set (client, &client->is_done);
}

static void
client_init (Client *client, MxrConfig *config)
{
  g_mutex_init (&client->lock);
  g_cond_init (&client->changed);
  client->net = mxr_net_new (config, NULL);
  client->thread = mxr_net_pick (client->net);
  client->candidates = g_ptr_array_new_with_free_func (g_free);
  client_call (client, open_client);
  client_wait_for (client, &client->is_gathered);
}

void
client_clear (Client *client)
{
  if (client->transport != NULL)
    client_call (client, client_close);
  mxr_net_free (client->net);
  g_ptr_array_unref (client->candidates);
  g_free (client->offer);
  g_free (client->ufrag);
  g_free (client->pwd);
  g_mutex_clear (&client->lock);
  g_cond_clear (&client->changed);
}

/* The first a=ssrc of each section of the answer. */
static void
note_ssrcs (Client *client, const char *answer)
{
  const char *sections[] = { strstr (answer, "\r\nm=audio"), strstr (answer, "\r\nm=video") };
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    g_autofree char *ssrc = find (sections[i], "^a=ssrc:(\\d+) cname");
    g_assert_nonnull (ssrc);
    client->ssrcs[i] = (guint32) g_ascii_strtoull (ssrc, NULL, 10);
  }
}

void
client_connect (Fixture *fixture, Client *client)
{
  g_autofree char *recorded = read_offer ("chromium156-call.sdp");
  client_init (client, fixture->config);
  g_autofree char *ufrag_line = g_strdup_printf ("a=ice-ufrag:%s", client->ufrag);
  g_autofree char *pwd_line = g_strdup_printf ("a=ice-pwd:%s", client->pwd);
  g_autofree char *fingerprint_line = g_strdup_printf ("a=fingerprint:%s", mxr_net_get_fingerprint (client->net));
  g_autofree char *with_ufrag = substitute (recorded, "^a=ice-ufrag:[^\\r\\n]*", ufrag_line);
  g_autofree char *with_pwd = substitute (with_ufrag, "^a=ice-pwd:[^\\r\\n]*", pwd_line);
  g_autofree char *with_fingerprint = substitute (with_pwd, "^a=fingerprint:[^\\r\\n]*", fingerprint_line);
  g_autofree char *without_candidates = substitute (with_fingerprint, "^a=(candidate:[^\\r\\n]*|end-of-candidates)\\r?\\n", "");
  g_autofree char *rtpmap = g_strconcat ("a=rtpmap:111 opus/48000/2", client->sound_line != NULL ? "\r\n" : NULL, client->sound_line, NULL);
  client->offer = substitute (without_candidates, "^a=rtpmap:111 opus/48000/2", rtpmap);

  g_assert_true (mxr_peer_negotiate (fixture->peer, client->offer, true, on_answer, fixture, NULL));
  PUMP_UNTIL (fixture->n_answers == 1);
  note_ssrcs (client, fixture->answer);
  for (guint i = 0; i < client->candidates->len; i++)
    mxr_peer_add_candidate (fixture->peer, client->candidates->pdata[i], NULL);
  client->answer = fixture->answer;
  client_call (client, start_client);
  PUMP_UNTIL (fixture->is_connected);
  client_wait_for (client, &client->is_connected);
}
