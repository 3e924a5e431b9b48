/* The picture: who is where on the canvas, and what of the uplinks is needed for it. */

#include "room-private.h"

#include <string.h>

#define VIEW_NAME "main"
#define GAP_PX 4
/* Shape of a camera before its first frame, and of most after it. */
#define CAMERA_ASPECT (16.0f / 9.0f)

void
mxr_stage_tick (MxrRoom *room, gint64 now_us)
{
  if (room->limits_due_us != 0 && now_us >= room->limits_due_us)
    mxr_room_flush_soon (room);
  mxr_pass_tick (room, now_us);
  mxr_pictures_tick (room, now_us);
}

bool
mxr_stage_is_busy (MxrRoom *room)
{
  return mxr_pass_is_busy (room) || room->look_is_due || mxr_encodings_are_busy (room);
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

/* The same on a canvas of another size. Edges are scaled, not sizes: neighbours stay as far apart as they are. */
static MxrTile
scale_tile (const MxrLayoutTile *tile, const MxrLevel *from, const MxrLevel *to)
{
  int x = tile->x * (int) to->width_px / (int) from->width_px, y = tile->y * (int) to->height_px / (int) from->height_px;
  int right = (tile->x + tile->w) * (int) to->width_px / (int) from->width_px;
  int below = (tile->y + tile->h) * (int) to->height_px / (int) from->height_px;
  return (MxrTile){ .sink = tile->key, .x = x, .y = y, .w = right - x, .h = below - y, .z = tile->z };
}

static void
show (MxrRoom *room)
{
  const MxrLevels *levels = &room->graph->levels;
  MxrTile tiles[MXR_TILES_MAX];

  for (guint level = 0; level < levels->n; level++) {
    for (guint i = 0; i < room->n_tiles; i++)
      tiles[i] = scale_tile (&room->tiles[i], &levels->levels[0], &levels->levels[level]);
    mxr_tilemix_set_tiles (room->graph->picture, room->graph->views[level].pad, tiles, room->n_tiles);
  }
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
  bool is_composed = mxr_encodings_are_composed (room) || mxr_programme_is_on (room);

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
  bool is_recorded = participant->track != NULL; /* for another picture than this one: at its best, in one size */
  guint width_px = is_recorded ? config->room.width_px : tile != NULL ? tile->w : 0;
  guint height_px = is_recorded ? config->room.height_px : tile != NULL ? tile->h : 0;
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
