/* What the way to the client carries: told of all that is sent and of all that comes back, and probed when it is asked
 * for. */

#include "rtp-private.h"

/* draft-ietf-rmcat-gcc-02 has no probes; libwebrtc's are of five packets at least, and so is what MxrBandwidth expects. */
#define PROBE_MIN_PACKETS 5

void
mxr_rtp_downlink_init (MxrRtpSession *session)
{
  MxrRtpDownlink *downlink = &session->downlink;
  const MxrBandwidthConfig config = {
    .start_bps = session->config.start_bps,
    .min_bps = session->config.min_bps,
    .max_bps = session->config.max_bps,
  };

  downlink->due_us = G_MAXINT64;
  if (config.start_bps > 0)
    downlink->bandwidth = mxr_bandwidth_new (&config);
}

void
mxr_rtp_downlink_clear (MxrRtpSession *session)
{
  g_clear_pointer (&session->downlink.bandwidth, mxr_bandwidth_free);
}

/* ---- What is sent and what comes back ------------------------------------------------------------------ */

/* Pictures and sound that leave meanwhile are part of a probe: what is measured is the way, not the padding. */
void
mxr_rtp_downlink_note_sent (MxrRtpSession *session, guint16 transport_seq, gsize n_bytes, gint64 now_us)
{
  MxrRtpDownlink *downlink = &session->downlink;

  if (downlink->bandwidth == NULL)
    return;
  mxr_bandwidth_sent (downlink->bandwidth, transport_seq, n_bytes, downlink->probe.id, now_us);
  if (downlink->probe.id == 0)
    return;
  downlink->probe_sent_bytes += n_bytes;
  downlink->probe_sent_packets++;
}

/* What is news of a way with a picture is looked at in the next poll. Of sound alone nobody decides anything at once: there
 * the sessions of a thread take their time together. */
static void
hasten (MxrRtpSession *session, gint64 now_us)
{
  bool has_picture = false;

  for (guint i = 0; i < session->n_senders; i++)
    has_picture |= session->senders[i]->config.kind == MXR_RTP_VIDEO;
  session->downlink.due_us = MIN (session->downlink.due_us, has_picture ? now_us : mxr_rtp_round_us (now_us));
}

static void
hint_at_loss (MxrRtpSession *session)
{
  MxrBandwidthState state;

  mxr_bandwidth_get_state (session->downlink.bandwidth, &state);
  for (guint i = 0; i < session->n_senders; i++)
    if (session->senders[i]->config.red_payload_type != 0)
      mxr_red_control_hint (&session->senders[i]->red, state.loss, state.estimate_bps);
}

/* Returns: false when it is malformed. */
bool
mxr_rtp_downlink_feedback (MxrRtpSession *session, const guint8 *fci, gsize size, gint64 now_us)
{
  MxrRtpDownlink *downlink = &session->downlink;

  if (downlink->bandwidth == NULL)
    return true;
  hasten (session, now_us);
  if (!mxr_bandwidth_feedback (downlink->bandwidth, fci, size, now_us))
    return false;
  hint_at_loss (session);
  return true;
}

void
mxr_rtp_downlink_report (MxrRtpSession *session, double fraction_lost, gint64 now_us)
{
  MxrRtpDownlink *downlink = &session->downlink;

  if (downlink->bandwidth == NULL)
    return;
  hasten (session, now_us);
  mxr_bandwidth_report (downlink->bandwidth, fraction_lost, session->rtt_us < 0 ? -1 : session->rtt_us / 1000, now_us);
}

void
mxr_rtp_downlink_remb (MxrRtpSession *session, guint64 bps, gint64 now_us)
{
  MxrRtpDownlink *downlink = &session->downlink;

  if (downlink->bandwidth == NULL)
    return;
  hasten (session, now_us);
  mxr_bandwidth_remb (downlink->bandwidth, bps, now_us);
}

bool
mxr_rtp_session_get_bandwidth (const MxrRtpSession *session, MxrBandwidthState *out_state)
{
  if (session->downlink.bandwidth == NULL)
    return false;
  mxr_bandwidth_get_state (session->downlink.bandwidth, out_state);
  return true;
}

/* Returns: %G_MAXUINT while there is nothing but a belief: repairs and feedback have the limits then that they have without any
 * estimate. */
guint
mxr_rtp_downlink_get_measured_bps (const MxrRtpSession *session)
{
  MxrBandwidthState state;
  return mxr_rtp_session_get_bandwidth (session, &state) && state.is_measured ? state.estimate_bps : G_MAXUINT;
}

/* ---- Probes -------------------------------------------------------------------------------------------- */

void
mxr_rtp_session_want_bitrate (MxrRtpSession *session, guint bps)
{
  session->downlink.want_bps = bps;
  session->downlink.due_us = 0;
}

static MxrRtpSender *
find_prober (const MxrRtpSession *session)
{
  for (guint i = 0; i < session->n_senders; i++) {
    MxrRtpSender *sender = session->senders[i];
    if (sender->config.kind == MXR_RTP_VIDEO && sender->started && sender->config.transport_seq_id != 0 &&
        mxr_rtp_sender_has_rtx (sender))
      return sender;
  }
  return NULL;
}

static gint64
get_probe_us (const MxrRtpDownlink *downlink, gsize n_bytes)
{
  return (gint64) (n_bytes * 8 * G_USEC_PER_SEC / downlink->probe.rate_bps);
}

/* One packet, then each time what the rate has made of the time since: so the packets after the first are as many as the
 * time between the first and the last carries. Returns: whether the probe goes on. */
static bool
continue_probe (MxrRtpDownlink *downlink, MxrRtpSender *sender, gint64 now_us)
{
  const gsize n_bytes = downlink->probe.n_bytes;
  const gint64 elapsed_us = MIN (now_us - downlink->probe_begun_us, get_probe_us (downlink, n_bytes));
  const bool is_last = elapsed_us == get_probe_us (downlink, n_bytes);

  while (downlink->probe_sent_packets == 0 || get_probe_us (downlink, downlink->probe_sent_bytes) < elapsed_us ||
         (is_last && downlink->probe_sent_packets < PROBE_MIN_PACKETS))
    if (mxr_rtp_sender_probe (sender, n_bytes / (PROBE_MIN_PACKETS + 1), now_us) == 0)
      return false;
  return !is_last;
}

static void
poll_probe (MxrRtpSession *session, MxrRtpSender *sender, gint64 now_us)
{
  MxrRtpDownlink *downlink = &session->downlink;

  if (downlink->probe.id == 0) {
    if (!mxr_bandwidth_next_probe (downlink->bandwidth, now_us, &downlink->probe))
      return;
    downlink->probe_begun_us = now_us;
    downlink->probe_sent_bytes = downlink->probe_sent_packets = 0;
  }
  if (!continue_probe (downlink, sender, now_us))
    downlink->probe.id = 0;
}

void
mxr_rtp_downlink_poll (MxrRtpSession *session, gint64 now_us)
{
  MxrRtpDownlink *downlink = &session->downlink;

  if (downlink->bandwidth == NULL || downlink->due_us > now_us)
    return;
  MxrRtpSender *sender = find_prober (session);
  const guint want_bps = sender != NULL ? downlink->want_bps : 0;
  if (want_bps != downlink->told_want_bps)
    mxr_bandwidth_want (downlink->bandwidth, want_bps);
  downlink->told_want_bps = want_bps;
  if (sender != NULL)
    poll_probe (session, sender, now_us);
  else
    downlink->probe.id = 0;
  downlink->due_us = mxr_bandwidth_poll (downlink->bandwidth, now_us);
  if (downlink->probe.id != 0)
    downlink->due_us =
        MIN (downlink->due_us, downlink->probe_begun_us + MIN (get_probe_us (downlink, downlink->probe_sent_bytes),
                                                               get_probe_us (downlink, downlink->probe.n_bytes)));
}
