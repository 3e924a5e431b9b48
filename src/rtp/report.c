#include "rtp-private.h"

#define REPORT_INTERVAL_US G_USEC_PER_SEC
#define REPORT_BLOCK_WORDS 6
#define NTP_UNIX_OFFSET_S G_GUINT64_CONSTANT (2208988800)
/* A round trip beyond is a lie or a clock's fault; what rounding makes slightly negative is 0. */
#define RTT_MAX_Q16 (10 * 65536)
#define RTT_NEGATIVE_Q16 (-65536 / 100)

/* NTP time, 32.32 fixed point, of a monotonic instant. */
guint64
mxr_rtp_session_get_ntp (const MxrRtpSession *session, gint64 now_us)
{
  const guint64 unix_us = (guint64) (now_us + session->config.wall_offset_us);
  const guint64 rest_us = unix_us % G_USEC_PER_SEC;
  return ((unix_us / G_USEC_PER_SEC + NTP_UNIX_OFFSET_S) << 32) + (rest_us << 32) / G_USEC_PER_SEC;
}

/* RTP time of the same instant, on the room's timeline. */
static guint32
get_rtp_time (const MxrRtpSender *sender, gint64 now_us)
{
  const gint64 rate = sender->config.clock_rate;
  const gint64 elapsed_us = now_us - sender->session->timeline_base_us;
  const gint64 units =
      elapsed_us / G_USEC_PER_SEC * rate + elapsed_us % G_USEC_PER_SEC * rate / G_USEC_PER_SEC;
  return (guint32) units + sender->config.timestamp_offset;
}

/* ---- Reading ------------------------------------------------------------------------------------------- */

/* RFC 3550 6.4.1, figure 2. */
static void
measure_rtt (MxrRtpSender *sender, guint32 lsr, guint32 dlsr, gint64 now_us)
{
  MxrRtpSession *session = sender->session;
  const gint32 rtt_q16 = (gint32) ((guint32) (mxr_rtp_session_get_ntp (session, now_us) >> 16) - lsr - dlsr);
  if (lsr == 0 || rtt_q16 < RTT_NEGATIVE_Q16 || rtt_q16 > RTT_MAX_Q16)
    return;

  const double rtt_us = MAX (rtt_q16, 0) * (double) G_USEC_PER_SEC / 65536;
  sender->stats.rtt_ms = rtt_us / 1000;
  session->rtt_us = session->rtt_us < 0 ? rtt_us : session->rtt_us + (rtt_us - session->rtt_us) / 8;
}

static void
read_block (MxrRtpSession *session, GstRTCPPacket *packet, guint nth, gint64 now_us)
{
  guint32 ssrc = 0, highest = 0, jitter = 0, lsr = 0, dlsr = 0;
  guint8 fraction = 0;
  gint32 lost = 0;

  gst_rtcp_packet_get_rb (packet, nth, &ssrc, &fraction, &lost, &highest, &jitter, &lsr, &dlsr);
  for (guint i = 0; i < session->n_senders; i++) {
    MxrRtpSender *sender = session->senders[i];
    if (sender->config.ssrc != ssrc || !sender->started)
      continue;
    sender->is_known = true;
    sender->stats.lost = lost;
    sender->stats.fraction_lost = (double) fraction / 256;
    sender->stats.jitter_ms = (double) jitter * 1000 / sender->config.clock_rate;
    sender->stats.last_report_us = now_us;
    mxr_red_control_report (&sender->red, sender->stats.fraction_lost, sender->stats.packets,
                            mxr_rtp_downlink_get_measured_bps (session));
    measure_rtt (sender, lsr, dlsr, now_us);
    mxr_rtp_downlink_report (session, sender->stats.fraction_lost, now_us);
  }
}

static void
read_sender_info (MxrRtpSession *session, GstRTCPPacket *packet, gint64 now_us)
{
  guint32 ssrc, rtp, n_packets, n_octets;
  guint64 ntp;

  gst_rtcp_packet_sr_get_sender_info (packet, &ssrc, &ntp, &rtp, &n_packets, &n_octets);
  for (guint i = 0; ssrc != 0 && i < session->n_receivers; i++) {
    MxrRtpReceiver *receiver = session->receivers[i];
    if (receiver->media.ssrc == ssrc)
      mxr_reception_set_sr (&receiver->media, ntp, rtp, now_us);
    else if (receiver->rtx.ssrc == ssrc)
      mxr_reception_set_sr (&receiver->rtx, ntp, rtp, now_us);
  }
}

/* @packet: SR or RR. GStreamer checks the fixed part only; blocks that do not fit make it silently leave the
 * results alone, so count here. */
void
mxr_rtp_session_read_report (MxrRtpSession *session, GstRTCPPacket *packet, gint64 now_us)
{
  const bool is_sr = gst_rtcp_packet_get_type (packet) == GST_RTCP_TYPE_SR;
  const guint n_blocks = gst_rtcp_packet_get_rb_count (packet);

  if (gst_rtcp_packet_get_length (packet) < (is_sr ? 6u : 1u) + n_blocks * REPORT_BLOCK_WORDS) {
    session->stats.dropped_malformed_rtcp++;
    return;
  }
  if (is_sr)
    read_sender_info (session, packet, now_us);
  for (guint i = 0; i < n_blocks; i++)
    read_block (session, packet, i, now_us);
}

/* ---- Writing ------------------------------------------------------------------------------------------- */

static bool
has_reports (const MxrRtpSender *sender)
{
  return sender->started && sender->session->has_timeline;
}

static bool
add_sr (MxrRtcpWriter *writer, const MxrRtpSender *sender, gint64 now_us, GstRTCPPacket *packet)
{
  if (!gst_rtcp_buffer_add_packet (&writer->rtcp, GST_RTCP_TYPE_SR, packet))
    return false;
  gst_rtcp_packet_sr_set_sender_info (
      packet, sender->config.ssrc, mxr_rtp_session_get_ntp (sender->session, now_us),
      get_rtp_time (sender, now_us), (guint32) sender->stats.packets, (guint32) sender->payload_octets);
  return true;
}

static bool
add_rr (MxrRtcpWriter *writer, GstRTCPPacket *packet)
{
  if (!gst_rtcp_buffer_add_packet (&writer->rtcp, GST_RTCP_TYPE_RR, packet))
    return false;
  gst_rtcp_packet_rr_set_ssrc (packet, writer->session->config.ssrc);
  return true;
}

static bool
add_block (GstRTCPPacket *packet, MxrReception *reception, gint64 now_us)
{
  if (gst_rtcp_packet_get_rb_count (packet) == GST_RTCP_MAX_RB_COUNT)
    return false;
  MxrReportBlock block;
  mxr_reception_report (reception, now_us, &block);
  return gst_rtcp_packet_add_rb (packet, block.ssrc, block.fraction_lost, block.lost, block.highest,
                                 block.jitter, block.lsr, block.dlsr);
}

/* RFC 3550 6.4: a block for each source heard since the last report, retransmission streams too. They follow
 * the last sender's report; when it is full, an RR goes on (6.4.2). */
static void
add_blocks (MxrRtcpWriter *writer, GstRTCPPacket *packet, gint64 now_us)
{
  MxrRtpSession *session = writer->session;

  for (guint i = 0; i < 2 * session->n_receivers; i++) {
    MxrRtpReceiver *receiver = session->receivers[i / 2];
    MxrReception *reception = i % 2 == 0 ? &receiver->media : &receiver->rtx;
    if (!reception->is_fresh || add_block (packet, reception, now_us))
      continue;
    if (add_rr (writer, packet))
      add_block (packet, reception, now_us);
  }
}

/* SRs of the active senders, or an RR; blocks; a description of each; bitrates that hold. */
static void
add_reports (MxrRtcpWriter *writer, gint64 now_us)
{
  MxrRtpSession *session = writer->session;
  bool has_sr = false;
  GstRTCPPacket packet;

  for (guint i = 0; i < session->n_senders; i++)
    if (has_reports (session->senders[i]))
      has_sr |= add_sr (writer, session->senders[i], now_us, &packet);
  if (has_sr || add_rr (writer, &packet))
    add_blocks (writer, &packet, now_us);

  mxr_rtcp_writer_add_sdes (writer, session->config.ssrc);
  for (guint i = 0; i < session->n_senders; i++)
    if (has_reports (session->senders[i]) && session->senders[i]->config.ssrc != session->config.ssrc)
      mxr_rtcp_writer_add_sdes (writer, session->senders[i]->config.ssrc);
  for (guint i = 0; i < session->n_receivers; i++)
    mxr_rtp_receiver_repeat_max_bitrate (session->receivers[i], writer);
}

/* RFC 3550 6.2: intervals spread by half, so that peers do not fall into step. */
static gint64
plan_next (MxrRtpSession *session, gint64 now_us)
{
  return mxr_rtp_round_us (now_us + REPORT_INTERVAL_US / 2 + mxr_rtp_session_random (session) % REPORT_INTERVAL_US);
}

void
mxr_rtp_session_poll_reports (MxrRtpSession *session, gint64 now_us)
{
  if (session->report_due_us == 0)
    session->report_due_us = plan_next (session, now_us);
  if (now_us < session->report_due_us)
    return;

  MxrRtcpWriter writer;
  mxr_rtcp_writer_begin (&writer, session);
  add_reports (&writer, now_us);
  mxr_rtcp_writer_send (&writer);
  session->report_due_us = plan_next (session, now_us);
}

void
mxr_rtp_session_send_bye (MxrRtpSession *session, gint64 now_us)
{
  MxrRtcpWriter writer;
  GstRTCPPacket packet;

  mxr_rtcp_writer_begin (&writer, session);
  add_reports (&writer, now_us);
  if (gst_rtcp_buffer_add_packet (&writer.rtcp, GST_RTCP_TYPE_BYE, &packet)) {
    gst_rtcp_packet_bye_add_ssrc (&packet, session->config.ssrc);
    for (guint i = 0; i < session->n_senders; i++)
      if (session->senders[i]->config.ssrc != session->config.ssrc)
        gst_rtcp_packet_bye_add_ssrc (&packet, session->senders[i]->config.ssrc);
  }
  mxr_rtcp_writer_send (&writer);
}
