/* What the server says of all its rooms, for Prometheus. */

#include "room-private.h"

static void
append_metric (GString *text, const char *name, const char *type, const char *help, guint64 value)
{
  g_string_append_printf (text, "# HELP mixroom_%s %s\n# TYPE mixroom_%s %s\nmixroom_%s %" G_GUINT64_FORMAT "\n", name,
                          help, name, type, name, value);
}

typedef struct {
  guint64 connected, mixed, rungs, packets_in, packets_out, retransmitted, refused, not_sent, keyframes;
  guint64 levels[MXR_LEVELS_MAX + 1]; /* participants, by what they get; the last of all is sound alone */
  guint64 measured, estimate_bps;     /* whose way down was measured, and what they carry together */
} Totals;

static void
total_downlink (Totals *totals, MxrParticipant *participant)
{
  MxrPeerBandwidth bandwidth;

  if (participant->has_downlink[MXR_RTP_VIDEO])
    totals->levels[participant->ladder.level]++;
  mxr_peer_get_bandwidth (participant->peer, &bandwidth);
  totals->measured += bandwidth.is_measured;
  totals->estimate_bps += bandwidth.is_measured ? bandwidth.estimate_bps : 0;
}

static void
total_participant (Totals *totals, MxrParticipant *participant)
{
  MxrPeerStats stats;

  totals->mixed += participant->is_mixed;
  if (participant->peer == NULL)
    return;
  mxr_peer_get_stats (participant->peer, &stats);
  totals->connected += participant->is_connected;
  totals->rungs += participant->own_sound != NULL;
  totals->refused += stats.packets_refused;
  totals->not_sent += stats.send_drops;
  total_downlink (totals, participant);
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    totals->packets_in += stats.uplink[i].packets;
    totals->packets_out += stats.downlink[i].packets;
    totals->retransmitted += stats.downlink[i].rtx_packets;
  }
}

static void
total_pictures (Totals *totals, MxrRoom *room, guint codec)
{
  for (guint level = 0; level < room->graph->levels.n; level++) {
    MxrRung *rung = room->encodings[codec][level].rung;
    totals->rungs += rung != NULL;
    totals->keyframes += rung != NULL ? mxr_rung_count_keyframes (rung) : 0;
  }
}

static void
total_room (Totals *totals, MxrRoom *room)
{
  totals->rungs += room->shared_sound != NULL;
  for (guint codec = 0; codec < MXR_STAGE_N_CODECS; codec++)
    total_pictures (totals, room, codec);
  for (guint i = 0; i < room->participants->len; i++)
    total_participant (totals, room->participants->pdata[i]);
}

/* Each level is named, also where nobody gets it. */
static void
append_levels (MxrHub *hub, const Totals *totals, GString *text)
{
  MxrLevels levels;

  mxr_levels_init (&levels, hub->config);
  g_string_append (text, "# HELP mixroom_downlink_rung_participants Participants by the picture they get.\n"
                         "# TYPE mixroom_downlink_rung_participants gauge\n");
  for (guint level = 0; level <= levels.n; level++) {
    g_autofree char *name = mxr_levels_get_name (&levels, level);
    g_string_append_printf (text, "mixroom_downlink_rung_participants{rung=\"%s\"} %" G_GUINT64_FORMAT "\n", name,
                            totals->levels[level]);
  }
  g_string_append_printf (text,
                          "# HELP mixroom_downlink_rung_changes_total Participants moved to another picture by their bandwidth.\n"
                          "# TYPE mixroom_downlink_rung_changes_total counter\n"
                          "mixroom_downlink_rung_changes_total{direction=\"down\"} %" G_GUINT64_FORMAT "\n"
                          "mixroom_downlink_rung_changes_total{direction=\"up\"} %" G_GUINT64_FORMAT "\n",
                          hub->counters.steps_down, hub->counters.steps_up);
}

void
mxr_hub_append_metrics (MxrHub *hub, GString *text)
{
  Totals totals = { 0 };
  GHashTableIter iter;
  gpointer room;

  g_hash_table_iter_init (&iter, hub->rooms);
  while (g_hash_table_iter_next (&iter, NULL, &room))
    total_room (&totals, room);
  append_metric (text, "rooms", "gauge", "Rooms with somebody inside.", g_hash_table_size (hub->rooms));
  append_metric (text, "participants", "gauge", "Participants of all rooms.", mxr_hub_count_participants (hub));
  append_metric (text, "participants_connected", "gauge", "Those whose media is connected.", totals.connected);
  append_metric (text, "participants_mixed", "gauge", "Those who are in a sound mix.", totals.mixed);
  append_metric (text, "rungs", "gauge", "Encodings at work.", totals.rungs);
  append_metric (text, "joins_total", "counter", "Participants let in.", hub->counters.joins);
  append_metric (text, "refusals_total", "counter", "Participants not let in.", hub->counters.refusals);
  append_metric (text, "departures_total", "counter", "Participants who left or were removed.", hub->counters.removals);
  append_metric (text, "media_errors_total", "counter", "Errors of pipelines.", hub->counters.media_errors);
  append_metric (text, "uplink_packets", "gauge", "RTP packets from those inside.", totals.packets_in);
  append_metric (text, "downlink_packets", "gauge", "RTP packets to those inside.", totals.packets_out);
  append_metric (text, "retransmitted_packets", "gauge", "Of these, retransmissions.", totals.retransmitted);
  append_metric (text, "refused_packets", "gauge", "Packets from those inside that did not authenticate, or came too early.",
                 totals.refused);
  append_metric (text, "unsent_packets", "gauge", "Packets that a socket did not take.", totals.not_sent);
  append_metric (text, "keyframes_requested", "gauge", "Key frames asked of the encodings of pictures at work.",
                 totals.keyframes);
  append_metric (text, "downlinks_measured", "gauge", "Participants whose way down is measured.", totals.measured);
  append_metric (text, "downlinks_estimate_bps", "gauge", "What these carry, all together.", totals.estimate_bps);
  append_levels (hub, &totals, text);
  mxr_delays_append_metrics (hub, text);
}
