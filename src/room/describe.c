/* What the server says of its rooms: for REST as GVariants, for Prometheus as text, for people as a graph. */

#include "room-private.h"

#include <string.h>

static void
add (GVariantBuilder *dict, const char *key, GVariant *value)
{
  g_variant_builder_add (dict, "{sv}", key, value);
}

static void
add_string (GVariantBuilder *dict, const char *key, const char *value)
{
  add (dict, key, g_variant_new_string (value));
}

static void
add_bool (GVariantBuilder *dict, const char *key, bool value)
{
  add (dict, key, g_variant_new_boolean (value));
}

static void
add_int (GVariantBuilder *dict, const char *key, gint64 value)
{
  add (dict, key, g_variant_new_int64 (value));
}

static void
add_double (GVariantBuilder *dict, const char *key, double value)
{
  add (dict, key, g_variant_new_double (value));
}

guint
mxr_hub_count_participants (MxrHub *hub)
{
  GHashTableIter iter;
  gpointer room;
  guint n = 0;

  g_hash_table_iter_init (&iter, hub->rooms);
  while (g_hash_table_iter_next (&iter, NULL, &room))
    n += ((MxrRoom *) room)->participants->len;
  return n;
}

GVariant *
mxr_hub_describe_rooms (MxrHub *hub)
{
  GVariantBuilder rooms;
  GHashTableIter iter;
  gpointer value;

  g_variant_builder_init (&rooms, G_VARIANT_TYPE ("aa{sv}"));
  g_hash_table_iter_init (&iter, hub->rooms);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const MxrRoom *room = value;
    g_variant_builder_open (&rooms, G_VARIANT_TYPE_VARDICT);
    add_string (&rooms, "name", room->name);
    add_int (&rooms, "participants", room->participants->len);
    g_variant_builder_close (&rooms);
  }
  return g_variant_builder_end (&rooms);
}

/* ---- A room ---------------------------------------------------------------------------------------------- */

/* What became of it behind the network: packets of sound, frames of pictures. */
static GVariant *
describe_decoding (const MxrUplinkStats *stats)
{
  GVariantBuilder dict;
  g_variant_builder_init (&dict, G_VARIANT_TYPE_VARDICT);
  add_int (&dict, "decoded", stats->decoded);
  add_int (&dict, "unwanted", stats->unwanted);
  add_int (&dict, "refused", stats->refused);
  add_int (&dict, "overflows", stats->overflows);
  add_int (&dict, "lost", stats->reorder.lost);
  add_int (&dict, "late", stats->reorder.late);
  add_int (&dict, "recovered", stats->recovered);
  add_int (&dict, "fec", stats->fec);
  add_int (&dict, "concealed", stats->concealed);
  return g_variant_builder_end (&dict);
}

static GVariant *
describe_uplink (const MxrRtpReceiverStats *stats, const MxrUplinkStats *decoding)
{
  GVariantBuilder dict;
  g_variant_builder_init (&dict, G_VARIANT_TYPE_VARDICT);
  add_int (&dict, "packets", stats->packets);
  add_int (&dict, "bytes", stats->bytes);
  add_int (&dict, "lost", stats->lost);
  add_int (&dict, "repaired", stats->rtx_packets);
  add_double (&dict, "jitter", stats->jitter_ms);
  add_int (&dict, "nacks", stats->nacks_sent);
  add_int (&dict, "plis", stats->plis_sent);
  add (&dict, "decoding", describe_decoding (decoding));
  return g_variant_builder_end (&dict);
}

static GVariant *
describe_downlink (const MxrRtpSenderStats *stats)
{
  GVariantBuilder dict;
  g_variant_builder_init (&dict, G_VARIANT_TYPE_VARDICT);
  add_int (&dict, "packets", stats->packets);
  add_int (&dict, "bytes", stats->bytes);
  add_int (&dict, "retransmitted", stats->rtx_packets);
  add_int (&dict, "lost", stats->lost);
  add_double (&dict, "fractionLost", stats->fraction_lost);
  add_double (&dict, "jitter", stats->jitter_ms);
  if (stats->rtt_ms >= 0)
    add_double (&dict, "roundTrip", stats->rtt_ms);
  add_int (&dict, "keyframeRequests", stats->plis_received + stats->firs_received);
  add_bool (&dict, "red", stats->red_blocks > 0);
  add_int (&dict, "redPackets", stats->red_packets);
  return g_variant_builder_end (&dict);
}

static void
add_streams (GVariantBuilder *dict, const MxrPeerStats *stats)
{
  static const char *const uplinks[] = { "audioUplink", "videoUplink" };
  static const char *const downlinks[] = { "audioDownlink", "videoDownlink" };

  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    if (stats->has_uplink[i])
      add (dict, uplinks[i], describe_uplink (&stats->uplink[i], &stats->decoding[i]));
    if (stats->has_downlink[i])
      add (dict, downlinks[i], describe_downlink (&stats->downlink[i]));
  }
}

static GVariant *
describe_participant (MxrParticipant *participant)
{
  static const char *const roles[] = { "session", "publisher", "viewer" };
  GVariantBuilder dict;
  MxrPeerStats stats;

  mxr_peer_get_stats (participant->peer, &stats);
  g_variant_builder_init (&dict, G_VARIANT_TYPE_VARDICT);
  add_string (&dict, "id", participant->id);
  add_string (&dict, "name", participant->name);
  add_string (&dict, "role", roles[participant->role]);
  add_bool (&dict, "audioMuted", participant->audio_muted);
  add_bool (&dict, "videoMuted", participant->video_muted);
  add_bool (&dict, "talking", participant->talking);
  add_bool (&dict, "mixed", participant->is_mixed);
  add_bool (&dict, "connected", participant->is_connected);
  add_string (&dict, "localCandidate", stats.local_type);
  add_string (&dict, "remoteCandidate", stats.remote_type);
  add_string (&dict, "protocol", stats.protocol);
  add_int (&dict, "packetsRefused", stats.packets_refused);
  add_int (&dict, "packetsNotSent", stats.send_drops);
  add_streams (&dict, &stats);
  return g_variant_builder_end (&dict);
}

static void
add_rung (GVariantBuilder *rungs, MxrRung *rung)
{
  const MxrRungParams *params = mxr_rung_get_params (rung);
  MxrFanoutStats stats;

  mxr_fanout_get_stats (mxr_rung_get_fanout (rung), &stats);
  g_variant_builder_open (rungs, G_VARIANT_TYPE_VARDICT);
  add_string (rungs, "name", params->name);
  add_string (rungs, "codec", params->codec);
  add_int (rungs, "bitrate", params->bitrate_bps);
  if (params->is_picture) {
    add_int (rungs, "width", params->width_px);
    add_int (rungs, "height", params->height_px);
    add_int (rungs, "framerate", params->framerate);
    add_int (rungs, "keyframesRequested", mxr_rung_count_keyframes (rung));
    add_bool (rungs, "passedThrough", mxr_rung_is_passing (rung));
  }
  add_int (rungs, "subscribers", stats.subscribers);
  add_int (rungs, "packets", stats.packets);
  add_int (rungs, "bytes", stats.bytes);
  add_int (rungs, "dropped", stats.dropped);
  g_variant_builder_close (rungs);
}

static GVariant *
describe_rungs (MxrRoom *room)
{
  GVariantBuilder rungs;

  g_variant_builder_init (&rungs, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < G_N_ELEMENTS (room->pictures); i++)
    if (room->pictures[i] != NULL)
      add_rung (&rungs, room->pictures[i]);
  if (room->shared_sound != NULL)
    add_rung (&rungs, room->shared_sound);
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *participant = room->participants->pdata[i];
    if (participant->own_sound != NULL)
      add_rung (&rungs, participant->own_sound);
  }
  return g_variant_builder_end (&rungs);
}

static GVariant *
describe_view (MxrRoom *room)
{
  const MxrConfig *config = room->hub->config;
  GVariantBuilder view, tiles;

  g_variant_builder_init (&tiles, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < room->n_tiles; i++) {
    const MxrLayoutTile *tile = &room->tiles[i];
    const MxrParticipant *shown = mxr_room_find_key (room, tile->key);
    g_variant_builder_open (&tiles, G_VARIANT_TYPE_VARDICT);
    add_string (&tiles, "participant", shown != NULL ? shown->id : "");
    add_double (&tiles, "x", tile->x / (double) config->room.width_px);
    add_double (&tiles, "y", tile->y / (double) config->room.height_px);
    add_double (&tiles, "w", tile->w / (double) config->room.width_px);
    add_double (&tiles, "h", tile->h / (double) config->room.height_px);
    g_variant_builder_close (&tiles);
  }
  g_variant_builder_init (&view, G_VARIANT_TYPE_VARDICT);
  add_string (&view, "name", "main");
  add_int (&view, "width", config->room.width_px);
  add_int (&view, "height", config->room.height_px);
  add_int (&view, "framerate", config->room.framerate);
  add (&view, "tiles", g_variant_builder_end (&tiles));
  return g_variant_builder_end (&view);
}

GVariant *
mxr_hub_describe_room (MxrHub *hub, const char *name)
{
  MxrRoom *room = g_hash_table_lookup (hub->rooms, name);
  GVariantBuilder dict, participants, views;

  if (room == NULL)
    return NULL;
  g_variant_builder_init (&participants, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < room->participants->len; i++)
    g_variant_builder_add_value (&participants, describe_participant (room->participants->pdata[i]));
  g_variant_builder_init (&views, G_VARIANT_TYPE ("aa{sv}"));
  g_variant_builder_add_value (&views, describe_view (room));
  g_variant_builder_init (&dict, G_VARIANT_TYPE_VARDICT);
  add_string (&dict, "name", room->name);
  add (&dict, "participants", g_variant_builder_end (&participants));
  add (&dict, "views", g_variant_builder_end (&views));
  add (&dict, "rungs", describe_rungs (room));
  add (&dict, "delay", mxr_delays_describe (room));
  return g_variant_builder_end (&dict);
}

char *
mxr_hub_draw_room (MxrHub *hub, const char *name)
{
  MxrRoom *room = g_hash_table_lookup (hub->rooms, name);
  return room != NULL ? gst_debug_bin_to_dot_data (GST_BIN (room->graph->pipeline), GST_DEBUG_GRAPH_SHOW_ALL) : NULL;
}

/* ---- Metrics --------------------------------------------------------------------------------------------- */

static void
append_metric (GString *text, const char *name, const char *type, const char *help, guint64 value)
{
  g_string_append_printf (text, "# HELP mixroom_%s %s\n# TYPE mixroom_%s %s\nmixroom_%s %" G_GUINT64_FORMAT "\n", name,
                          help, name, type, name, value);
}

typedef struct {
  guint64 connected, mixed, rungs, subscribers, packets_in, packets_out, retransmitted, refused, not_sent;
} Totals;

static void
total_participant (Totals *totals, MxrParticipant *participant)
{
  MxrPeerStats stats;

  mxr_peer_get_stats (participant->peer, &stats);
  totals->connected += participant->is_connected;
  totals->mixed += participant->is_mixed;
  totals->rungs += participant->own_sound != NULL;
  totals->refused += stats.packets_refused;
  totals->not_sent += stats.send_drops;
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    totals->packets_in += stats.uplink[i].packets;
    totals->packets_out += stats.downlink[i].packets;
    totals->retransmitted += stats.downlink[i].rtx_packets;
  }
}

static void
total_room (Totals *totals, MxrRoom *room)
{
  totals->rungs += (room->shared_sound != NULL) + (room->pictures[0] != NULL) + (room->pictures[1] != NULL);
  for (guint i = 0; i < room->participants->len; i++)
    total_participant (totals, room->participants->pdata[i]);
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
  mxr_delays_append_metrics (hub, text);
}
