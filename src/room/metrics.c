/* What the server says of all its rooms, for Prometheus. */

#include "room-private.h"

#include <string.h>

static void
append_metric (GString *text, const char *name, const char *type, const char *help, guint64 value)
{
  g_string_append_printf (text, "# HELP mixroom_%s %s\n# TYPE mixroom_%s %s\nmixroom_%s %" G_GUINT64_FORMAT "\n", name,
                          help, name, type, name, value);
}

typedef struct {
  guint64 connected, mixed, direct, rungs, packets_in, packets_out, retransmitted, refused, not_sent, keyframes, left_out;
  guint64 levels[MXR_N_VIEWS][MXR_LEVELS_MAX + 1]; /* participants, by what they get; the last of all is sound alone */
  guint64 measured, estimate_bps;     /* whose way down was measured, and what they carry together */
} Totals;

static void
total_downlink (Totals *totals, MxrParticipant *participant)
{
  MxrPeerBandwidth bandwidth;

  if (participant->has_downlink[MXR_RTP_VIDEO])
    totals->levels[participant->view->number][participant->ladder.level]++;
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
  totals->direct += participant->direct.is_shown;
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
total_pictures (Totals *totals, const MxrRoomView *view, guint codec)
{
  for (guint level = 0; level < view->graph->levels.n; level++) {
    MxrRung *rung = view->encodings[codec][level].rung;
    totals->rungs += rung != NULL;
    totals->keyframes += rung != NULL ? mxr_rung_count_keyframes (rung) : 0;
  }
}

static guint64
count_left_out (MxrRoom *room)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 n = 0;

  g_object_get (room->graph->sound, "stats", &stats, NULL);
  gst_structure_get_uint64 (stats, "blocks-skipped", &n);
  return n;
}

static void
total_room (Totals *totals, MxrRoom *room)
{
  totals->left_out += count_left_out (room);
  totals->rungs += (room->shared_sound != NULL) + (room->programme_sound != NULL);
  for (guint i = 0; i < MXR_N_VIEWS; i++)
    for (guint codec = 0; codec < MXR_STAGE_N_CODECS; codec++)
      total_pictures (totals, &room->views[i], codec);
  for (guint i = 0; i < room->participants->len; i++)
    total_participant (totals, room->participants->pdata[i]);
}

static void
append_level (const Totals *totals, const MxrLevels *levels, guint view, guint level, GHashTable *named)
{
  g_autofree char *name = mxr_levels_get_name (&levels[view], level);
  guint64 *n = g_hash_table_lookup (named, name);

  if (n == NULL)
    g_hash_table_insert (named, g_strdup (name), n = g_new0 (guint64, 1));
  *n += totals->levels[view][level];
}

/* Each level is named, also where nobody gets it; those of both views of one name are one. */
static void
append_levels (MxrHub *hub, const Totals *totals, GString *text)
{
  MxrLevels levels[MXR_N_VIEWS];
  g_autoptr (GHashTable) named = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GHashTableIter iter;
  gpointer name, n;

  mxr_levels_init (&levels[MXR_VIEW_ROOM], hub->config);
  mxr_levels_init_programme (&levels[MXR_VIEW_PROGRAMME], hub->config);
  g_string_append (text, "# HELP mixroom_downlink_rung_participants Participants by the picture they get.\n"
                         "# TYPE mixroom_downlink_rung_participants gauge\n");
  for (guint view = 0; view < MXR_N_VIEWS; view++)
    for (guint level = 0; level <= levels[view].n; level++)
      append_level (totals, levels, view, level, named);
  g_hash_table_iter_init (&iter, named);
  while (g_hash_table_iter_next (&iter, &name, &n))
    g_string_append_printf (text, "mixroom_downlink_rung_participants{rung=\"%s\"} %" G_GUINT64_FORMAT "\n",
                            (const char *) name, *(guint64 *) n);
  g_string_append_printf (text,
                          "# HELP mixroom_downlink_rung_changes_total Participants moved to another picture by their bandwidth.\n"
                          "# TYPE mixroom_downlink_rung_changes_total counter\n"
                          "mixroom_downlink_rung_changes_total{direction=\"down\"} %" G_GUINT64_FORMAT "\n"
                          "mixroom_downlink_rung_changes_total{direction=\"up\"} %" G_GUINT64_FORMAT "\n",
                          hub->counters.steps_down, hub->counters.steps_up);
}

/* ---- Outputs ---- */

static const char *const output_types[] = { "file", "hls", "rtmp", "srt", "tracks" };

typedef struct {
  guint64 states[MXR_OUTPUT_FAILED + 1], n_bytes, n_reconnects;
} OutputTotals;

static void
total_outputs (MxrHub *hub, OutputTotals *totals)
{
  GHashTableIter iter;
  gpointer room;
  MxrOutputInfo info;

  g_hash_table_iter_init (&iter, hub->rooms);
  while (g_hash_table_iter_next (&iter, NULL, &room)) {
    GPtrArray *outputs = mxr_programme_get_outputs (room);
    for (guint i = 0; outputs != NULL && i < outputs->len; i++) {
      mxr_output_get_info (outputs->pdata[i], &info);
      for (guint type = 0; type < G_N_ELEMENTS (output_types); type++) {
        if (strcmp (output_types[type], info.type) != 0)
          continue;
        totals[type].states[info.state]++;
        totals[type].n_bytes += info.n_bytes;
        totals[type].n_reconnects += info.n_reconnects;
      }
    }
  }
}

static void
append_of_type (GString *text, const char *name, const char *help, const OutputTotals *totals, gsize offset)
{
  g_string_append_printf (text, "# HELP mixroom_%s %s\n# TYPE mixroom_%s gauge\n", name, help, name);
  for (guint type = 0; type < G_N_ELEMENTS (output_types); type++)
    g_string_append_printf (text, "mixroom_%s{type=\"%s\"} %" G_GUINT64_FORMAT "\n", name, output_types[type],
                            G_STRUCT_MEMBER (guint64, &totals[type], offset));
}

static void
append_outputs (MxrHub *hub, GString *text)
{
  OutputTotals totals[G_N_ELEMENTS (output_types)] = { 0 };

  total_outputs (hub, totals);
  g_string_append (text, "# HELP mixroom_outputs Outputs of rooms that are there, by what they do.\n"
                         "# TYPE mixroom_outputs gauge\n");
  for (guint type = 0; type < G_N_ELEMENTS (output_types); type++)
    for (guint state = 0; state <= MXR_OUTPUT_FAILED; state++)
      g_string_append_printf (text, "mixroom_outputs{type=\"%s\",state=\"%s\"} %" G_GUINT64_FORMAT "\n", output_types[type],
                              mxr_output_state_to_string (state), totals[type].states[state]);
  append_of_type (text, "output_bytes", "What these have sent and written.", totals, G_STRUCT_OFFSET (OutputTotals, n_bytes));
  append_of_type (text, "output_reconnects", "How often these were tried again.", totals,
                  G_STRUCT_OFFSET (OutputTotals, n_reconnects));
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
  append_metric (text, "participants_direct", "gauge", "Those who get another's picture as it was sent, in a call of two.",
                 totals.direct);
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
  append_metric (text, "sound_blocks_left_out", "gauge",
                 "Blocks of the rooms' sound, 20 ms each, that are missing because the machine had no time for them.", totals.left_out);
  append_metric (text, "downlinks_measured", "gauge", "Participants whose way down is measured.", totals.measured);
  append_metric (text, "downlinks_estimate_bps", "gauge", "What these carry, all together.", totals.estimate_bps);
  append_levels (hub, &totals, text);
  append_outputs (hub, text);
  mxr_delays_append_metrics (hub, text);
}
