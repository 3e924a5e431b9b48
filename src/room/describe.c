/* What the server says of its rooms: for REST as GVariants, for people as a graph. */

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

GVariant *
mxr_participant_describe_link (MxrParticipant *participant)
{
  static const char *const reasons[] = { "best", "bandwidth", "loss" };
  GVariantBuilder dict;
  MxrPeerBandwidth bandwidth;
  MxrPeerStats stats;

  mxr_peer_get_bandwidth (participant->peer, &bandwidth);
  mxr_peer_get_stats (participant->peer, &stats);
  g_variant_builder_init (&dict, G_VARIANT_TYPE_VARDICT);
  add_int (&dict, "estimate", bandwidth.estimate_bps);
  add_bool (&dict, "measured", bandwidth.is_measured);
  add_double (&dict, "loss", bandwidth.loss);
  if (bandwidth.rtt_ms >= 0)
    add_double (&dict, "roundTrip", bandwidth.rtt_ms);
  add_double (&dict, "queue", bandwidth.queue_ms);
  add_double (&dict, "paced", bandwidth.paced_ms);
  add_int (&dict, "sent", bandwidth.sent_bps);
  add_int (&dict, "dropped", stats.pacer_drops);
  if (participant->has_downlink[MXR_RTP_VIDEO]) {
    g_autofree char *rung = mxr_levels_get_name (&participant->view->graph->levels, participant->ladder.level);
    add_string (&dict, "rung", rung);
    add_string (&dict, "reason", reasons[participant->ladder.reason]);
  }
  return g_variant_builder_end (&dict);
}

static void
add_connection (GVariantBuilder *dict, MxrParticipant *participant)
{
  MxrPeerStats stats;

  mxr_peer_get_stats (participant->peer, &stats);
  add_string (dict, "localCandidate", stats.local_type);
  add_string (dict, "remoteCandidate", stats.remote_type);
  add_string (dict, "protocol", stats.protocol);
  add_int (dict, "packetsRefused", stats.packets_refused);
  add_int (dict, "packetsNotSent", stats.send_drops);
  add (dict, "bandwidth", mxr_participant_describe_link (participant));
  add_streams (dict, &stats);
}

static GVariant *
describe_participant (MxrParticipant *participant)
{
  static const char *const roles[] = { "session", "publisher", "viewer", "player" };
  static const char *const qualities[] = { "unknown", "lost", "bad", "poor", "good" };
  GVariantBuilder dict;

  g_variant_builder_init (&dict, G_VARIANT_TYPE_VARDICT);
  add_string (&dict, "id", participant->id);
  add_string (&dict, "name", participant->name);
  add_string (&dict, "role", roles[participant->role]);
  add_bool (&dict, "audioMuted", participant->audio_muted);
  add_bool (&dict, "videoMuted", participant->video_muted);
  add_bool (&dict, "talking", participant->talking);
  add_bool (&dict, "mixed", participant->is_mixed);
  add_bool (&dict, "direct", participant->direct.is_shown);
  add_bool (&dict, "connected", participant->is_connected);
  add_string (&dict, "quality", qualities[participant->quality.told]);
  if (participant->peer != NULL)
    add_connection (&dict, participant);
  return g_variant_builder_end (&dict);
}

/* @level: (nullable): of a picture */
static void
add_rung (GVariantBuilder *rungs, MxrRung *rung, const MxrLevel *level, const char *level_name)
{
  const MxrRungParams *params = mxr_rung_get_params (rung);
  MxrFanoutStats stats;

  mxr_fanout_get_stats (mxr_rung_get_fanout (rung), &stats);
  g_variant_builder_open (rungs, G_VARIANT_TYPE_VARDICT);
  add_string (rungs, "name", params->name);
  add_string (rungs, "codec", params->codec);
  add_int (rungs, "bitrate", params->bitrate_bps);
  if (level != NULL) {
    add_string (rungs, "level", level_name);
    add_int (rungs, "width", level->width_px);
    add_int (rungs, "height", level->height_px);
    add_int (rungs, "framerate", level->framerate);
    add_int (rungs, "keyframesRequested", mxr_rung_count_keyframes (rung));
    add_bool (rungs, "passedThrough", mxr_rung_is_passing (rung));
  } else {
    add_int (rungs, "ptime", stats.frames_per_packet * MXR_OPUS_PTIME_MS);
  }
  add_int (rungs, "subscribers", stats.subscribers);
  add_int (rungs, "packets", stats.packets);
  add_int (rungs, "bytes", stats.bytes);
  add_int (rungs, "dropped", stats.dropped);
  g_variant_builder_close (rungs);
}

static void
add_pictures (GVariantBuilder *rungs, const MxrRoomView *view, guint codec)
{
  const MxrLevels *levels = &view->graph->levels;

  for (guint level = 0; level < levels->n; level++) {
    g_autofree char *name = mxr_levels_get_name (levels, level);
    if (view->encodings[codec][level].rung != NULL)
      add_rung (rungs, view->encodings[codec][level].rung, &levels->levels[level], name);
  }
}

static GVariant *
describe_rungs (MxrRoom *room)
{
  GVariantBuilder rungs;

  g_variant_builder_init (&rungs, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < MXR_N_VIEWS; i++)
    for (guint codec = 0; codec < MXR_STAGE_N_CODECS; codec++)
      add_pictures (&rungs, &room->views[i], codec);
  if (room->shared_sound != NULL)
    add_rung (&rungs, room->shared_sound, NULL, NULL);
  if (room->programme_sound != NULL)
    add_rung (&rungs, room->programme_sound, NULL, NULL);
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *participant = room->participants->pdata[i];
    if (participant->own_sound != NULL)
      add_rung (&rungs, participant->own_sound, NULL, NULL);
  }
  return g_variant_builder_end (&rungs);
}

static GVariant *
describe_view (const MxrRoomView *of, const char *name)
{
  const MxrLevel *canvas = &of->graph->levels.levels[0];
  double width = canvas->width_px, height = canvas->height_px;
  GVariantBuilder view, tiles;

  g_variant_builder_init (&tiles, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < of->n_tiles; i++) {
    const MxrLayoutTile *tile = &of->tiles[i];
    const MxrParticipant *shown = mxr_room_find_key (of->room, tile->key);
    g_variant_builder_open (&tiles, G_VARIANT_TYPE_VARDICT);
    add_string (&tiles, "participant", shown != NULL ? shown->id : "");
    add_double (&tiles, "x", tile->x / width);
    add_double (&tiles, "y", tile->y / height);
    add_double (&tiles, "w", tile->w / width);
    add_double (&tiles, "h", tile->h / height);
    g_variant_builder_close (&tiles);
  }
  g_variant_builder_init (&view, G_VARIANT_TYPE_VARDICT);
  add_string (&view, "name", name);
  add_int (&view, "width", canvas->width_px);
  add_int (&view, "height", canvas->height_px);
  add_int (&view, "framerate", canvas->framerate);
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
  g_variant_builder_add_value (&views, describe_view (&room->views[MXR_VIEW_ROOM], "main"));
  if (mxr_stage_get_programme (room)->number == MXR_VIEW_PROGRAMME)
    g_variant_builder_add_value (&views, describe_view (&room->views[MXR_VIEW_PROGRAMME], "programme"));
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
