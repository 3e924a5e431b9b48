/* The picture: who is where on the canvas, and what of the uplinks is needed for it. */

#include "room-private.h"

#include <string.h>

#define VIEW_NAME "main"
#define DIRECT_VIEW_NAME "direct"
#define GAP_PX 4
/* Shape of a camera before its first frame, and of most after it. */
#define CAMERA_ASPECT (16.0f / 9.0f)

void
mxr_stage_tick (MxrRoom *room, gint64 now_us)
{
  if (room->limits_due_us != 0 && now_us >= room->limits_due_us)
    mxr_room_flush_soon (room);
  mxr_pass_tick (room, now_us);
  mxr_direct_tick (room, now_us);
  mxr_pictures_tick (room, now_us);
}

bool
mxr_stage_is_busy (MxrRoom *room)
{
  return mxr_pass_is_busy (room) || mxr_direct_is_busy (room) || room->look_is_due || mxr_encodings_are_busy (room);
}

/* The mixer takes an end of stream for "no picture any more", and a new stream begins as any does. Before its first caps
 * there is nothing to end. */
void
mxr_stage_remove_uplink (MxrRoom *room, MxrParticipant *participant, GstElement *bin)
{
  if (room->pass.participant == participant)
    mxr_pass_end (room);
  mxr_direct_forget_sender (room, participant);
  mxr_graph_remove_input (room->graph, bin, NULL, NULL);
  if (gst_pad_has_current_caps (participant->picture_sink))
    gst_pad_send_event (participant->picture_sink, gst_event_new_eos ());
}

/* ---- Tiles --------------------------------------------------------------------------------------------- */

/* Who joined first is first. */
static guint
list_people (MxrRoomView *view, MxrLayoutPerson *out_people)
{
  MxrRoom *room = view->room;
  const char *pin = view->number == MXR_VIEW_PROGRAMME ? room->look.pin : "";
  guint n_people = 0;

  for (guint i = 0; i < room->participants->len; i++) {
    const MxrParticipant *participant = room->participants->pdata[i];
    if (mxr_participant_has_tile (participant))
      out_people[n_people++] = (MxrLayoutPerson){
        .key = participant->key,
        .aspect = CAMERA_ASPECT,
        .is_pinned = strcmp (participant->id, pin) == 0,
      };
  }
  return n_people;
}

static guint
arrange (MxrRoomView *view, MxrLayoutTile *out_tiles)
{
  MxrRoom *room = view->room;
  g_autofree MxrLayoutPerson *people = g_new0 (MxrLayoutPerson, room->participants->len + 1);
  guint n_people = list_people (view, people);
  MxrLayoutRules rules = {
    .kind = view->number == MXR_VIEW_PROGRAMME ? room->look.layout : MXR_LAYOUT_AUTO,
    .width_px = view->graph->levels.levels[0].width_px,
    .height_px = view->graph->levels.levels[0].height_px,
    .gap_px = GAP_PX,
    .grid_max = room->hub->config->room.grid_max,
    .speaker = n_people > 0 ? people[0].key : 0,
    .previous = view->tiles,
    .n_previous = view->n_tiles,
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
show (MxrRoomView *view)
{
  const MxrLevels *levels = &view->graph->levels;
  MxrTile tiles[MXR_TILES_MAX];

  for (guint level = 0; level < levels->n; level++) {
    for (guint i = 0; i < view->n_tiles; i++)
      tiles[i] = scale_tile (&view->tiles[i], &levels->levels[0], &levels->levels[level]);
    mxr_tilemix_set_tiles (view->room->graph->picture, view->graph->sizes[level].pad, tiles, view->n_tiles);
  }
}

void
mxr_stage_tell_tiles (MxrRoom *room, MxrParticipant *participant)
{
  const MxrRoomView *view = &room->views[MXR_VIEW_ROOM];
  const MxrLevel *canvas = &view->graph->levels.levels[0];
  MxrTileInfo infos[MXR_TILES_MAX];
  double width = canvas->width_px, height = canvas->height_px;
  guint n = 0;

  participant->tiles_are_changed = false;
  if (participant->events.on_tiles == NULL)
    return;
  if (participant->direct.is_shown) {
    const MxrTileInfo whole = { participant->direct.from->id, 0, 0, 1, 1, 0 };
    participant->events.on_tiles (participant, DIRECT_VIEW_NAME, width, height, &whole, 1, participant->user_data);
    return;
  }
  for (guint i = 0; i < view->n_tiles; i++) {
    const MxrLayoutTile *tile = &view->tiles[i];
    const MxrParticipant *shown = mxr_room_find_key (room, tile->key);
    if (shown != NULL)
      infos[n++] = (MxrTileInfo){ shown->id, tile->x / width, tile->y / height, tile->w / width, tile->h / height,
                                  tile->z };
  }
  participant->events.on_tiles (participant, VIEW_NAME, width, height, infos, n, participant->user_data);
}

/* Returns: whether the tiles are others now. */
static bool
rearrange (MxrRoomView *view)
{
  MxrLayoutTile tiles[MXR_TILES_MAX] = { 0 };
  guint n_tiles = arrange (view, tiles);

  if (n_tiles == view->n_tiles && memcmp (tiles, view->tiles, n_tiles * sizeof *tiles) == 0)
    return false;
  memcpy (view->tiles, tiles, sizeof tiles);
  view->n_tiles = n_tiles;
  return true;
}

void
mxr_stage_tell_changed_tiles (MxrRoom *room, GPtrArray *everybody)
{
  for (guint i = 0; i < everybody->len; i++) {
    MxrParticipant *participant = everybody->pdata[i];
    if (participant->room != NULL && participant->tiles_are_changed && !participant->needs_welcome)
      mxr_stage_tell_tiles (room, participant);
  }
}

/* Who does not get the mix is told when that changes. */
static void
tell_all_tiles (MxrRoom *room)
{
  g_autoptr (GPtrArray) everybody = mxr_room_copy_participants (room);

  for (guint i = 0; i < everybody->len; i++) {
    MxrParticipant *participant = everybody->pdata[i];
    participant->tiles_are_changed |= !participant->direct.is_shown;
  }
  mxr_stage_tell_changed_tiles (room, everybody);
}

void
mxr_stage_update (MxrRoom *room)
{
  MxrRoomView *main = &room->views[MXR_VIEW_ROOM], *programme = &room->views[MXR_VIEW_PROGRAMME];

  mxr_programme_look_forget (room);
  bool main_is_changed = rearrange (main);
  bool programme_is_changed = rearrange (programme);

  room->layout_is_dirty = false;
  if (main_is_changed) {
    mxr_pass_update (room, g_get_monotonic_time ());
    mxr_direct_update (room, g_get_monotonic_time ());
  }
  if (main_is_changed || programme_is_changed)
    mxr_stage_want_uplinks (room);
  if (main_is_changed)
    tell_all_tiles (room);
  if (main_is_changed)
    show (main);
  if (programme_is_changed)
    show (programme);
}

void
mxr_stage_init (MxrRoom *room)
{
  for (guint i = 0; i < MXR_N_VIEWS; i++) {
    room->views[i].room = room;
    room->views[i].number = i;
    room->views[i].graph = &room->graph->views[i];
  }
}

MxrRoomView *
mxr_stage_get_programme (MxrRoom *room)
{
  return &room->views[mxr_programme_look_is_plain (room) ? MXR_VIEW_ROOM : MXR_VIEW_PROGRAMME];
}

/* ---- Uplinks ------------------------------------------------------------------------------------------- */

/* Beside the picture: its repairs, and the sound, which REMB limits along with it. */
#define REPAIRS_PERCENT 20
#define SOUND_BPS 64000

static const MxrLayoutTile *
find_tile (const MxrRoomView *view, const MxrParticipant *participant)
{
  for (guint i = 0; i < view->n_tiles; i++)
    if (view->tiles[i].key == participant->key)
      return &view->tiles[i];
  return NULL;
}

/* A view that nobody watches, or whose watchers all get one picture as it was sent, is not composed. */
static void
note_composed (MxrRoom *room)
{
  for (guint i = 0; i < MXR_N_VIEWS; i++) {
    MxrRoomView *view = &room->views[i];
    bool is_composed = view->n_snapshots > 0 || mxr_encodings_are_composed (view);
    if (is_composed != view->is_composed && i != MXR_VIEW_ROOM)
      mxr_room_flush_soon (room); /* uplinks' limits are others */
    view->is_composed = is_composed;
  }
}

static bool
is_seen (MxrRoom *room, const MxrParticipant *participant)
{
  for (guint i = 0; i < MXR_N_VIEWS; i++)
    if (room->views[i].is_composed && find_tile (&room->views[i], participant) != NULL)
      return true;
  return false;
}

/* A tile whose owner is muted shows an avatar. */
void
mxr_stage_want_uplinks (MxrRoom *room)
{
  note_composed (room);
  for (guint i = 0; i < room->participants->len; i++) {
    MxrParticipant *participant = room->participants->pdata[i];
    if (participant->peer != NULL && mxr_participant_has_tile (participant))
      mxr_peer_set_wanted (participant->peer, MXR_RTP_VIDEO, !participant->video_muted && is_seen (room, participant));
  }
}

static void
get_needed_in (const MxrRoomView *view, const MxrParticipant *participant, MxrUplinkLimit *out_limit)
{
  const MxrLevel *canvas = &view->graph->levels.levels[0];
  const MxrLayoutTile *tile = find_tile (view, participant);
  bool is_recorded = participant->track != NULL; /* for another picture than this one: at its best, in one size */
  guint direct_bps = G_MAXUINT;
  bool is_direct = view->number == MXR_VIEW_ROOM && mxr_direct_get_needed (view->room, participant, &direct_bps);
  guint width_px = is_recorded || is_direct ? canvas->width_px : tile != NULL ? tile->w : 0;
  guint height_px = is_recorded || is_direct ? canvas->height_px : tile != NULL ? tile->h : 0;
  guint64 share_bps = (guint64) canvas->bitrate_bps * width_px * height_px / (canvas->width_px * canvas->height_px);

  mxr_uplink_limit_of_tile (width_px, height_px, canvas->framerate, (guint) share_bps, out_limit);
  if (is_direct && !is_recorded)
    out_limit->bitrate_bps = MIN (out_limit->bitrate_bps, direct_bps);
}

/* What is enough for both views. The programme's counts while somebody gets it. */
static void
get_needed (MxrRoom *room, const MxrParticipant *participant, MxrUplinkLimit *out_limit)
{
  MxrUplinkLimit other;

  get_needed_in (&room->views[MXR_VIEW_ROOM], participant, out_limit);
  if (!room->views[MXR_VIEW_PROGRAMME].is_composed)
    return;
  get_needed_in (&room->views[MXR_VIEW_PROGRAMME], participant, &other);
  out_limit->width_px = MAX (out_limit->width_px, other.width_px);
  out_limit->height_px = MAX (out_limit->height_px, other.height_px);
  out_limit->framerate = MAX (out_limit->framerate, other.framerate);
  out_limit->bitrate_bps = MAX (out_limit->bitrate_bps, other.bitrate_bps);
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
  if (participant->role != MXR_ROLE_SESSION && participant->peer != NULL)
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
