/* The picture: who is where on the canvas, and one encoding of it per codec in use. */

#include "room-private.h"

#include <string.h>

#define VIEW_NAME "main"
#define GAP_PX 4
/* Shape of a camera before its first frame, and of most after it. */
#define CAMERA_ASPECT (16.0f / 9.0f)

/* An encoder that failed is not tried again sooner: it would most likely fail again. */
#define RETRY_US G_TIME_SPAN_SECOND

static const char *const codecs[MXR_STAGE_N_CODECS] = { "VP8", "H264" };

static int
find_codec (const char *codec)
{
  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++)
    if (g_strcmp0 (codec, codecs[i]) == 0)
      return i;
  return -1;
}

/* ---- Rungs --------------------------------------------------------------------------------------------- */

static MxrRung *
new_rung (MxrRoom *room, const char *codec)
{
  const MxrConfig *config = room->hub->config;
  g_autofree char *name = g_strdup_printf ("picture-%s-%u", codec, room->next_key++);
  g_autoptr (GError) error = NULL;
  const MxrRungParams params = {
    .encoder = mxr_hub_find_encoder (room->hub, codec, &error),
    .name = name,
    .codec = codec,
    .bitrate_bps = config->media.video_bitrate_bps,
    .width_px = config->room.width_px,
    .height_px = config->room.height_px,
    .framerate = config->room.framerate,
    .keyframe_interval_ms = config->media.keyframe_interval_ms,
    .is_picture = true,
  };
  MxrRung *rung = params.encoder != NULL ? mxr_rung_new (room->graph, room->hub->net, &params, &error) : NULL;
  if (rung == NULL && mxr_log_allowed (&room->errors))
    mxr_log (MXR_LOG_ERROR, "room", room->name, NULL, "no picture in %s: %s", codec, error->message);
  return rung;
}

static bool
is_watched (MxrRoom *room, int codec)
{
  for (guint i = 0; i < room->participants->len; i++)
    if (find_codec (((MxrParticipant *) room->participants->pdata[i])->video_codec) == codec)
      return true;
  return false;
}

static void
drop_if_unwatched (MxrRoom *room, int codec)
{
  if (codec < 0 || is_watched (room, codec))
    return;
  if (codec == MXR_STAGE_VP8)
    mxr_pass_end (room);
  g_clear_pointer (&room->pictures[codec], mxr_rung_remove);
  mxr_stage_want_uplinks (room);
}

/* Nothing when there is no encoder just now: mxr_stage_tick() tries again. */
static void
subscribe (MxrRoom *room, MxrParticipant *participant, int codec)
{
  if (room->pictures[codec] == NULL && g_get_monotonic_time () >= room->retry_us[codec])
    room->pictures[codec] = new_rung (room, codecs[codec]);
  if (room->pictures[codec] == NULL) {
    room->retry_us[codec] = g_get_monotonic_time () + RETRY_US;
    return;
  }
  mxr_stage_want_uplinks (room);
  mxr_peer_subscribe (participant->peer, MXR_RTP_VIDEO, mxr_rung_get_fanout (room->pictures[codec]), NULL, NULL);
}

void
mxr_stage_set_codec (MxrRoom *room, MxrParticipant *participant, const char *codec)
{
  int former = find_codec (participant->video_codec);
  int next = find_codec (codec);

  if (former == next)
    return;
  participant->has_downlink[MXR_RTP_VIDEO] = next >= 0;
  participant->video_codec = next >= 0 ? codecs[next] : NULL;
  drop_if_unwatched (room, former);
  if (next < 0)
    return;
  subscribe (room, participant, next);
  mxr_stage_tell_rung (room, participant);
}

void
mxr_stage_request_keyframe (MxrRoom *room, MxrParticipant *participant)
{
  int codec = find_codec (participant->video_codec);
  if (codec < 0 || room->pictures[codec] == NULL)
    return;
  mxr_rung_request_keyframe (room->pictures[codec], g_get_monotonic_time ());
  mxr_room_stir (room);
}

static void
retry (MxrRoom *room, int codec)
{
  room->retry_us[codec] = 0;
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *participant = room->participants->pdata[i];
    if (find_codec (participant->video_codec) == codec)
      subscribe (room, participant, codec);
  }
}

void
mxr_stage_tick (MxrRoom *room, gint64 now_us)
{
  if (room->limits_due_us != 0 && now_us >= room->limits_due_us)
    mxr_room_flush_soon (room);
  mxr_pass_tick (room, now_us);
  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++) {
    if (room->pictures[i] != NULL)
      mxr_rung_tick (room->pictures[i], now_us);
    else if (room->retry_us[i] != 0 && now_us >= room->retry_us[i])
      retry (room, i);
  }
}

bool
mxr_stage_is_busy (MxrRoom *room)
{
  bool is_busy = mxr_pass_is_busy (room);

  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++)
    is_busy |= room->pictures[i] != NULL && mxr_rung_is_busy (room->pictures[i]);
  return is_busy;
}

void
mxr_stage_recover (MxrRoom *room, GstObject *source)
{
  for (guint codec = 0; codec < G_N_ELEMENTS (codecs); codec++) {
    if (room->pictures[codec] == NULL || !mxr_rung_is_ancestor (room->pictures[codec], source))
      continue;
    if (codec == MXR_STAGE_VP8)
      mxr_pass_end (room);
    g_clear_pointer (&room->pictures[codec], mxr_rung_remove);
    room->retry_us[codec] = g_get_monotonic_time () + RETRY_US;
  }
}

/* The mixer takes an end of stream for "no picture any more", and a new stream begins as any does. Before its first caps
 * there is nothing to end. */
void
mxr_stage_remove_uplink (MxrRoom *room, MxrParticipant *participant, GstElement *bin)
{
  if (room->pass.participant == participant)
    mxr_pass_end (room);
  mxr_graph_remove_input (room->graph, bin, NULL, NULL);
  if (gst_pad_has_current_caps (participant->picture_sink))
    gst_pad_send_event (participant->picture_sink, gst_event_new_eos ());
}

void
mxr_stage_clear (MxrRoom *room)
{
  mxr_pass_end (room);
  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++)
    g_clear_pointer (&room->pictures[i], mxr_rung_remove);
}

/* ---- Tiles --------------------------------------------------------------------------------------------- */

static guint
arrange (MxrRoom *room, MxrLayoutTile *out_tiles)
{
  const MxrConfig *config = room->hub->config;
  g_autofree MxrLayoutPerson *people = g_new0 (MxrLayoutPerson, room->participants->len + 1);
  guint n_people = 0;

  for (guint i = 0; i < room->participants->len; i++) {
    const MxrParticipant *participant = room->participants->pdata[i];
    if (mxr_participant_has_tile (participant))
      people[n_people++] = (MxrLayoutPerson){ .key = participant->key, .aspect = CAMERA_ASPECT };
  }
  MxrLayoutRules rules = {
    .kind = MXR_LAYOUT_AUTO,
    .width_px = config->room.width_px,
    .height_px = config->room.height_px,
    .gap_px = GAP_PX,
    .grid_max = config->room.grid_max,
    .speaker = n_people > 0 ? people[0].key : 0,
    .previous = room->tiles,
    .n_previous = room->n_tiles,
  };
  mxr_speakers_get_dominant (room->speakers, &rules.speaker);
  return mxr_layout_arrange (&rules, people, n_people, out_tiles, MXR_TILES_MAX);
}

static void
show (MxrRoom *room)
{
  MxrTile tiles[MXR_TILES_MAX];

  for (guint i = 0; i < room->n_tiles; i++) {
    const MxrLayoutTile *tile = &room->tiles[i];
    tiles[i] = (MxrTile){ .sink = tile->key, .x = tile->x, .y = tile->y, .w = tile->w, .h = tile->h, .z = tile->z };
  }
  mxr_tilemix_set_tiles (room->graph->picture, room->graph->view, tiles, room->n_tiles);
}

void
mxr_stage_tell_tiles (MxrRoom *room, MxrParticipant *participant)
{
  MxrTileInfo infos[MXR_TILES_MAX];
  double width = room->hub->config->room.width_px, height = room->hub->config->room.height_px;
  guint n = 0;

  if (participant->events.on_tiles == NULL)
    return;
  for (guint i = 0; i < room->n_tiles; i++) {
    const MxrLayoutTile *tile = &room->tiles[i];
    const MxrParticipant *shown = mxr_room_find_key (room, tile->key);
    if (shown != NULL)
      infos[n++] = (MxrTileInfo){ shown->id, tile->x / width, tile->y / height, tile->w / width, tile->h / height,
                                  tile->z };
  }
  participant->events.on_tiles (participant, VIEW_NAME, width, height, infos, n, participant->user_data);
}

void
mxr_stage_tell_rung (MxrRoom *room, MxrParticipant *participant)
{
  int codec = find_codec (participant->video_codec);

  if (participant->events.on_rung == NULL || codec < 0 || room->pictures[codec] == NULL)
    return;
  const MxrRungParams *params = mxr_rung_get_params (room->pictures[codec]);
  const MxrPass *pass = codec == MXR_STAGE_VP8 && mxr_pass_is_complete (room) ? &room->pass : NULL;
  const MxrRungInfo info = {
    .kind = MXR_RUNG_VIDEO,
    .width_px = pass != NULL ? pass->width_px : params->width_px,
    .height_px = pass != NULL ? pass->height_px : params->height_px,
    .framerate = params->framerate,
    .bitrate_bps = pass != NULL ? pass->bitrate_bps : params->bitrate_bps,
    .codec = codecs[codec],
    .reason = MXR_RUNG_REASON_BEST,
  };
  participant->events.on_rung (participant, &info, participant->user_data);
}

static void
tell_rungs (gpointer user_data)
{
  MxrRoom *room = user_data;
  g_autoptr (GPtrArray) everybody = mxr_room_copy_participants (room);

  for (guint i = 0; i < everybody->len; i++) {
    MxrParticipant *participant = everybody->pdata[i];
    bool watches = participant->room != NULL && find_codec (participant->video_codec) == MXR_STAGE_VP8;
    if (watches && !participant->needs_welcome)
      mxr_stage_tell_rung (room, participant);
  }
}

void
mxr_stage_tell_rungs_soon (MxrRoom *room)
{
  mxr_mailbox_post (room->hub->control, tell_rungs, mxr_room_ref (room), (GDestroyNotify) mxr_room_unref);
}

void
mxr_stage_update (MxrRoom *room)
{
  MxrLayoutTile tiles[MXR_TILES_MAX] = { 0 };
  guint n_tiles = arrange (room, tiles);

  room->layout_is_dirty = false;
  if (n_tiles == room->n_tiles && memcmp (tiles, room->tiles, n_tiles * sizeof *tiles) == 0)
    return;
  memcpy (room->tiles, tiles, sizeof tiles);
  room->n_tiles = n_tiles;
  mxr_pass_update (room, g_get_monotonic_time ());
  mxr_stage_want_uplinks (room);
  g_autoptr (GPtrArray) everybody = mxr_room_copy_participants (room);
  for (guint i = 0; i < everybody->len; i++) {
    MxrParticipant *participant = everybody->pdata[i];
    if (participant->room != NULL && !participant->needs_welcome)
      mxr_stage_tell_tiles (room, participant);
  }
  show (room);
}

/* ---- Uplinks ------------------------------------------------------------------------------------------- */

/* Beside the picture: its repairs, and the sound, which REMB limits along with it. */
#define REPAIRS_PERCENT 20
#define SOUND_BPS 64000

static const MxrLayoutTile *
find_tile (MxrRoom *room, const MxrParticipant *participant)
{
  for (guint i = 0; i < room->n_tiles; i++)
    if (room->tiles[i].key == participant->key)
      return &room->tiles[i];
  return NULL;
}

/* A view that nobody watches, or whose watchers all get one picture as it was sent, is not composed; and a tile whose owner
 * is muted shows an avatar. */
void
mxr_stage_want_uplinks (MxrRoom *room)
{
  bool is_composed = mxr_programme_is_on (room);

  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++)
    is_composed |= room->pictures[i] != NULL && !(i == MXR_STAGE_VP8 && mxr_pass_is_complete (room));
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *participant = room->participants->pdata[i];
    bool is_seen = is_composed && !participant->video_muted && find_tile (room, participant) != NULL;
    if (participant->peer != NULL && mxr_participant_has_tile (participant))
      mxr_peer_set_wanted (participant->peer, MXR_RTP_VIDEO, is_seen);
  }
}

static void
get_needed (MxrRoom *room, const MxrParticipant *participant, MxrUplinkLimit *out_limit)
{
  const MxrConfig *config = room->hub->config;
  const MxrLayoutTile *tile = find_tile (room, participant);
  guint width_px = tile != NULL ? tile->w : 0, height_px = tile != NULL ? tile->h : 0;
  guint64 share_bps = (guint64) config->media.video_bitrate_bps * width_px * height_px /
                      (config->room.width_px * config->room.height_px);

  mxr_uplink_limit_of_tile (width_px, height_px, config->room.framerate, (guint) share_bps, out_limit);
}

void
mxr_stage_tell_uplink_limit (MxrParticipant *participant)
{
  if (participant->limiter.is_told && participant->events.on_uplink_limit != NULL)
    participant->events.on_uplink_limit (participant, &participant->limiter.told, participant->user_data);
}

/* There is no REMB for "nothing". */
static void
limit_bitrate (MxrParticipant *participant)
{
  MxrUplinkLimit least;

  mxr_uplink_limit_of_tile (1, 1, 1, 0, &least);
  guint bitrate_bps = MAX (participant->limiter.told.bitrate_bps, least.bitrate_bps);
  mxr_peer_set_max_bitrate (participant->peer, MXR_RTP_VIDEO, bitrate_bps / 100 * (100 + REPAIRS_PERCENT) + SOUND_BPS);
}

/* Who speaks with us is told the size, the others the rate. Not both: REMB stands for what the network carries, and a client
 * that keeps to the size needs no such limit when its tile grows. */
static void
tell_limit (MxrParticipant *participant)
{
  if (participant->role != MXR_ROLE_SESSION)
    limit_bitrate (participant);
  if (!participant->needs_welcome)
    mxr_stage_tell_uplink_limit (participant);
}

void
mxr_stage_limit_uplinks (MxrRoom *room, gint64 now_us)
{
  g_autoptr (GPtrArray) everybody = mxr_room_copy_participants (room);

  room->limits_due_us = 0;
  for (guint i = 0; i < everybody->len; i++) {
    MxrParticipant *participant = everybody->pdata[i];
    MxrUplinkLimit needed;
    if (participant->room == NULL || !mxr_participant_has_tile (participant))
      continue;
    get_needed (room, participant, &needed);
    if (mxr_uplink_limiter_update (&participant->limiter, &needed, now_us))
      tell_limit (participant);
    gint64 due_us = participant->limiter.due_us;
    if (due_us != 0 && (room->limits_due_us == 0 || due_us < room->limits_due_us))
      room->limits_due_us = due_us;
  }
}
