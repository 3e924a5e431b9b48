/* How good each one's connection is, from both directions: looked at once a second, told when the word for it changes. */

#include "room-private.h"

#define JUDGE_US (900 * G_TIME_SPAN_MILLISECOND)
/* Of so few packets none is missing by accident. */
#define PACKETS_LEAST 20
/* Who sends no media is heard by reports alone: of pictures one a second, of sounds one in five (RFC 3550 6.2). */
#define REPORTS_US (7 * G_TIME_SPAN_SECOND)
#define TOGETHER_US G_TIME_SPAN_SECOND

/* Of what should have come since the last look, after repairs: what people miss. */
static double
take_loss_up (MxrParticipant *participant, const MxrPeerStats *stats)
{
  guint64 n_received = 0, n_missed = 0;

  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    n_received += stats->uplink[i].packets + stats->uplink[i].rtx_packets;
    n_missed += stats->decoding[i].reorder.lost;
  }
  /* An uplink that was replaced counts anew. */
  bool goes_on = n_received >= participant->n_received && n_missed >= participant->n_missed;
  guint64 received = goes_on ? n_received - participant->n_received : 0;
  guint64 missed = goes_on ? n_missed - participant->n_missed : 0;
  participant->n_received = n_received;
  participant->n_missed = n_missed;
  return received + missed >= PACKETS_LEAST ? (double) missed / (double) (received + missed) : 0;
}

static bool
is_silent (MxrParticipant *participant, const MxrPeerStats *stats, gint64 now_us)
{
  gint64 silence_us = participant->room->hub->config->ice.silence_timeout_ms * G_GINT64_CONSTANT (1000);
  gint64 media_us = 0, report_us = 0;

  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    media_us = MAX (media_us, mxr_peer_get_last_packet_us (participant->peer, i));
    report_us = MAX (report_us, stats->downlink[i].last_report_us);
  }
  if (media_us + TOGETHER_US >= report_us)
    return media_us != 0 && now_us - media_us > silence_us;
  return now_us - report_us > REPORTS_US;
}

static MxrRungKind
get_kind (const MxrParticipant *participant)
{
  const MxrLevels *levels = &participant->view->graph->levels;

  if (!participant->has_downlink[MXR_RTP_VIDEO])
    return MXR_RUNG_VIDEO; /* it wants none */
  return participant->ladder.level < levels->n ? levels->levels[participant->ladder.level].kind : MXR_RUNG_AUDIO;
}

static void
judge (MxrRoom *room, MxrParticipant *participant, gint64 now_us)
{
  MxrPeerStats stats;
  MxrPeerBandwidth bandwidth;

  mxr_peer_get_stats (participant->peer, &stats);
  mxr_peer_get_bandwidth (participant->peer, &bandwidth);
  const MxrQualityInput input = {
    .is_connected = participant->is_connected,
    .is_silent = is_silent (participant, &stats, now_us),
    .loss_up = take_loss_up (participant, &stats),
    .loss_down = bandwidth.loss,
    .rtt_ms = bandwidth.rtt_ms,
    .queue_ms = bandwidth.queue_ms,
    .kind = get_kind (participant),
    .is_lowered = participant->has_downlink[MXR_RTP_VIDEO] && participant->ladder.level > 0,
  };
  if (!mxr_quality_update (&participant->quality, &input, now_us))
    return;
  participant->is_changed = true;
  mxr_room_flush_soon (room);
}

void
mxr_connections_tick (MxrRoom *room, gint64 now_us)
{
  if (now_us - room->judged_us < JUDGE_US)
    return;
  room->judged_us = now_us;
  for (guint i = 0; i < room->participants->len; i++)
    if (((MxrParticipant *) room->participants->pdata[i])->peer != NULL)
      judge (room, room->participants->pdata[i], now_us);
}
