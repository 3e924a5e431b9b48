#include "rtp-private.h"

#include <string.h>

/* Until a sender report has come back: what a call across a continent has. */
#define RTT_DEFAULT_US (100 * 1000)
/* Leaves room for the minimal compound packet before it. */
#define TWCC_MAX_BYTES 1000

MxrRtpSession *
mxr_rtp_session_new (const MxrRtpSessionConfig *config, const MxrRtpSessionEvents *events, gpointer user_data)
{
  g_return_val_if_fail (config->cname != NULL && strlen (config->cname) <= MXR_RTP_CNAME_MAX_BYTES, NULL);

  MxrRtpSession *session = g_new0 (MxrRtpSession, 1);
  session->config = *config;
  session->config.cname = NULL;
  g_strlcpy (session->cname, config->cname, sizeof session->cname);
  session->events = events;
  session->user_data = user_data;
  session->random_state = config->random_seed;
  session->rtt_us = -1;
  session->rtcp_in = gst_buffer_new_wrapped_full (0, session->rtcp_in_bytes, sizeof session->rtcp_in_bytes, 0,
                                                  0, NULL, NULL);
  session->rtcp_out =
      gst_buffer_new_wrapped_full (0, session->rtcp_out_bytes, MXR_RTCP_MAX_BYTES, 0, 0, NULL, NULL);
  mxr_twcc_recorder_init (&session->arrivals);
  mxr_rtp_downlink_init (session);
  return session;
}

void
mxr_rtp_session_free (MxrRtpSession *session)
{
  for (guint i = 0; i < session->n_receivers; i++)
    mxr_rtp_receiver_free (session->receivers[i]);
  for (guint i = 0; i < session->n_senders; i++)
    mxr_rtp_sender_free (session->senders[i]);
  mxr_rtp_downlink_clear (session);
  gst_buffer_unref (session->rtcp_in);
  gst_buffer_unref (session->rtcp_out);
  g_free (session);
}

void
mxr_rtp_session_set_timeline (MxrRtpSession *session, gint64 base_us)
{
  session->timeline_base_us = base_us;
  session->has_timeline = true;
  /* Senders that run already owe their first report. */
  for (guint i = 0; i < session->n_senders; i++)
    if (session->senders[i]->started)
      session->report_due_us = 1;
}

void
mxr_rtp_session_get_stats (const MxrRtpSession *session, MxrRtpSessionStats *out_stats)
{
  *out_stats = session->stats;
  out_stats->rtt_ms = session->rtt_us < 0 ? -1 : session->rtt_us / 1000;
}

/* SplitMix64 (Steele, Lea, Flood 2014): short, seeded, good enough to spread reports. */
guint32
mxr_rtp_session_random (MxrRtpSession *session)
{
  guint64 z = session->random_state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return (guint32) ((z ^ (z >> 31)) >> 32);
}

gint64
mxr_rtp_session_get_rtt_us (const MxrRtpSession *session)
{
  return session->rtt_us < 0 ? RTT_DEFAULT_US : (gint64) session->rtt_us;
}

/* ---- RTP out ------------------------------------------------------------------------------------------- */

guint8 *
mxr_rtp_session_reserve (MxrRtpSession *session, MxrRtpSender *sender)
{
  const MxrRtpSessionEvents *events = session->events;
  return events->on_reserve_rtp != NULL ? events->on_reserve_rtp (sender, session->user_data) : NULL;
}

void
mxr_rtp_session_send (MxrRtpSession *session, MxrRtpSender *sender, guint8 *data, gsize size)
{
  if (session->events->on_send_rtp != NULL)
    session->events->on_send_rtp (sender, data, size, session->user_data);
}

/* ---- RTCP in ------------------------------------------------------------------------------------------- */

static void
read_bye (MxrRtpSession *session, GstRTCPPacket *packet)
{
  for (guint n = 0; n < gst_rtcp_packet_bye_get_ssrc_count (packet); n++) {
    const guint32 ssrc = gst_rtcp_packet_bye_get_nth_ssrc (packet, n);
    for (guint i = 0; ssrc != 0 && i < session->n_receivers; i++) {
      MxrRtpReceiver *receiver = session->receivers[i];
      if (receiver->media.ssrc != ssrc || receiver->has_left)
        continue;
      receiver->has_left = true;
      receiver->media.latched_us = receiver->rtx.latched_us = 0; /* another source may follow at once */
      if (session->events->on_bye != NULL)
        session->events->on_bye (receiver, session->user_data);
    }
  }
}

static void
read_packet (MxrRtpSession *session, GstRTCPPacket *packet, gint64 now_us)
{
  switch (gst_rtcp_packet_get_type (packet)) {
  case GST_RTCP_TYPE_SR:
  case GST_RTCP_TYPE_RR:
    mxr_rtp_session_read_report (session, packet, now_us);
    break;
  case GST_RTCP_TYPE_RTPFB:
  case GST_RTCP_TYPE_PSFB:
    mxr_rtp_session_read_feedback (session, packet, now_us);
    break;
  case GST_RTCP_TYPE_BYE:
    read_bye (session, packet);
    break;
  default: /* descriptions, extended reports, applications' */
    break;
  }
}

/* Returns the bytes that could be read. */
static gsize
read_compound (MxrRtpSession *session, gsize size, gint64 now_us)
{
  GstRTCPBuffer rtcp = GST_RTCP_BUFFER_INIT;
  GstRTCPPacket packet;
  gsize read = 0;

  gst_buffer_set_size (session->rtcp_in, (gssize) size);
  gst_rtcp_buffer_map (session->rtcp_in, GST_MAP_READ, &rtcp);
  for (bool more = gst_rtcp_buffer_get_first_packet (&rtcp, &packet); more;
       more = gst_rtcp_packet_move_to_next (&packet)) {
    read = packet.offset + 4 * (gsize) (gst_rtcp_packet_get_length (&packet) + 1);
    read_packet (session, &packet, now_us);
  }
  gst_rtcp_buffer_unmap (&rtcp);
  return read;
}

static void
pass_keyframe_requests (MxrRtpSession *session)
{
  for (guint i = 0; i < session->n_senders; i++) {
    MxrRtpSender *sender = session->senders[i];
    const bool is_wanted = sender->is_keyframe_wanted && sender->config.kind == MXR_RTP_VIDEO;
    sender->is_keyframe_wanted = false;
    if (is_wanted && session->events->on_keyframe_request != NULL)
      session->events->on_keyframe_request (sender, session->user_data);
  }
}

void
mxr_rtp_session_receive_rtcp (MxrRtpSession *session, const guint8 *data, gsize size, gint64 now_us)
{
  if (size < 4 || size > sizeof session->rtcp_in_bytes) {
    session->stats.dropped_malformed_rtcp++;
    return;
  }
  session->stats.rtcp_packets_received++;
  memcpy (session->rtcp_in_bytes, data, size);

  bool is_whole;
  const gsize bytes = mxr_rtcp_normalise (session->rtcp_in_bytes, size, &is_whole);
  if (read_compound (session, bytes, now_us) < bytes || !is_whole)
    session->stats.dropped_malformed_rtcp++;
  pass_keyframe_requests (session);
}

/* ---- What is due --------------------------------------------------------------------------------------- */

static void
poll_feedback (MxrRtpSession *session, gint64 now_us)
{
  guint8 fci[TWCC_MAX_BYTES];

  if (mxr_twcc_recorder_due_us (&session->arrivals) > now_us)
    return;
  mxr_twcc_recorder_set_rate (&session->arrivals, mxr_rtp_downlink_get_measured_bps (session));
  for (gsize bytes; (bytes = mxr_twcc_recorder_build (&session->arrivals, fci, sizeof fci)) > 0;) {
    MxrRtcpWriter writer;
    mxr_rtcp_writer_begin_feedback (&writer, session);
    guint8 *out = mxr_rtcp_writer_add_feedback (&writer, GST_RTCP_TYPE_RTPFB, GST_RTCP_RTPFB_TYPE_TWCC,
                                                session->arrivals_ssrc, bytes / 4);
    if (out != NULL)
      memcpy (out, fci, bytes);
    mxr_rtcp_writer_send (&writer);
    session->stats.feedback_sent++;
  }
}

gint64
mxr_rtp_session_get_due_us (const MxrRtpSession *session)
{
  gint64 due_us = MIN (session->report_due_us, mxr_twcc_recorder_due_us (&session->arrivals));

  due_us = MIN (due_us, session->downlink.due_us);
  for (guint i = 0; i < session->n_receivers; i++)
    due_us = MIN (due_us, mxr_rtp_receiver_get_due_us (session->receivers[i]));
  return due_us;
}

gint64
mxr_rtp_session_poll (MxrRtpSession *session, gint64 now_us)
{
  mxr_rtp_session_poll_reports (session, now_us);
  poll_feedback (session, now_us);
  mxr_rtp_downlink_poll (session, now_us);
  for (guint i = 0; i < session->n_receivers; i++)
    mxr_rtp_receiver_poll (session->receivers[i], now_us);
  return mxr_rtp_session_get_due_us (session);
}
