/* One encoding of the picture for each codec and level in use. */

#include "room-private.h"

/* An encoder that failed is not tried again sooner: it would most likely fail again. */
#define RETRY_US G_TIME_SPAN_SECOND
/* Who stepped down is back after some seconds, and a new encoder begins with a key frame. */
#define KEEP_US (5 * G_TIME_SPAN_SECOND)
/* Nobody steps back to what is of a view that nobody watches; outputs may get it for a key frame's interval yet. */
#define KEEP_UNWATCHED_US (2 * G_TIME_SPAN_SECOND)

static const char *const codecs[MXR_STAGE_N_CODECS] = { "VP8", "H264" };

int
mxr_encoding_find_codec (const char *codec)
{
  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++)
    if (g_strcmp0 (codec, codecs[i]) == 0)
      return i;
  return -1;
}

const char *
mxr_encoding_get_codec (guint codec)
{
  return codecs[codec];
}

/* The best picture of the programme, where it is not the room's, has an encoder of its own choice. */
static const MxrFragment *
find_encoder (MxrRoomView *view, guint codec, guint level, GError **error)
{
  MxrHub *hub = view->room->hub;

  if (view->number == MXR_VIEW_PROGRAMME && codec == MXR_STAGE_H264 && level == 0 && mxr_hub_may_output (hub))
    return mxr_hub_find_programme_encoder (hub, MXR_FEED_PICTURE, error);
  return mxr_hub_find_encoder (hub, codecs[codec], error);
}

static MxrRung *
new_rung (MxrRoomView *view, guint codec, guint level, guint bitrate_bps)
{
  MxrRoom *room = view->room;
  bool may_feed = codec == MXR_STAGE_H264 && level == 0 && mxr_hub_may_output (room->hub);
  g_autofree char *name = g_strdup_printf ("%s-%s-%u-%u", view->number == MXR_VIEW_ROOM ? "picture" : "programme",
                                            codecs[codec], level, room->next_key++);
  g_autoptr (GError) error = NULL;
  const MxrRungParams params = {
    .encoder = find_encoder (view, codec, level, &error),
    .name = name,
    .codec = codecs[codec],
    .bitrate_bps = bitrate_bps,
    .view = view->number,
    .level = level,
    .feed = may_feed ? mxr_programme_get_handover (room) : NULL,
    .keyframe_interval_ms = room->hub->config->media.keyframe_interval_ms,
    .is_picture = true,
  };
  MxrRung *rung = params.encoder != NULL ? mxr_rung_new (room->graph, room->hub->net, &params, &error) : NULL;
  if (rung == NULL && mxr_log_allowed (&room->errors))
    mxr_log (MXR_LOG_ERROR, "room", room->name, NULL, "no picture in %s: %s", codecs[codec], error->message);
  return rung;
}

void
mxr_encoding_drop (MxrRoomView *view, guint codec, guint level)
{
  MxrEncoding *encoding = &view->encodings[codec][level];

  if (view->number == MXR_VIEW_ROOM && codec == MXR_STAGE_VP8 && level == 0)
    mxr_pass_end (view->room);
  g_clear_pointer (&encoding->rung, mxr_rung_remove);
  *encoding = (MxrEncoding){ .retry_us = encoding->retry_us };
}

/* Nobody but who has just come, or nobody at all until now: it begins with what that one carries. */
bool
mxr_encoding_prepare (MxrRoomView *view, guint codec, guint level, guint carried_bps)
{
  MxrEncoding *encoding = &view->encodings[codec][level];
  const MxrLevel *picture = &view->graph->levels.levels[level];
  guint bitrate_bps = CLAMP (carried_bps, picture->least_bps, picture->bitrate_bps);
  gint64 now_us = g_get_monotonic_time ();

  if (encoding->rung != NULL && encoding->unused_from_us != 0)
    mxr_rung_set_bitrate (encoding->rung, bitrate_bps);
  else if (encoding->rung == NULL && now_us >= encoding->retry_us)
    encoding->rung = new_rung (view, codec, level, bitrate_bps);
  encoding->unused_from_us = 0;
  encoding->retry_us = encoding->rung != NULL ? 0 : now_us + RETRY_US;
  return encoding->rung != NULL;
}

/* What each level's picture has, or would have for who is the only one to get it. */
void
mxr_encodings_get_bitrates (MxrRoomView *view, guint codec, guint *out_bitrates_bps)
{
  for (guint level = 0; level < view->graph->levels.n; level++) {
    const MxrEncoding *encoding = &view->encodings[codec][level];
    bool is_used = encoding->rung != NULL && encoding->unused_from_us == 0;
    out_bitrates_bps[level] =
      is_used ? mxr_rung_get_params (encoding->rung)->bitrate_bps : view->graph->levels.levels[level].least_bps;
  }
}

void
mxr_encoding_adapt (MxrRoomView *view, guint codec, guint level, bool is_watched, gint64 now_us)
{
  MxrEncoding *encoding = &view->encodings[codec][level];

  if (encoding->rung == NULL)
    return;
  if (!encoding->is_used) {
    if (encoding->unused_from_us == 0)
      encoding->unused_from_us = now_us;
    if (now_us - encoding->unused_from_us >= (is_watched ? KEEP_US : KEEP_UNWATCHED_US)) {
      mxr_encoding_drop (view, codec, level);
      mxr_stage_want_uplinks (view->room);
    }
    return;
  }
  encoding->unused_from_us = 0;
  guint now_bps = mxr_rung_get_params (encoding->rung)->bitrate_bps;
  guint bps = encoding->carried_bps == 0 ? now_bps /* those who get it are on their way to another */
                                         : mxr_level_adapt_bitrate (&view->graph->levels.levels[level], now_bps,
                                                                    encoding->carried_bps, now_us - encoding->changed_us);
  if (bps == now_bps)
    return;
  encoding->changed_us = now_us;
  mxr_rung_set_bitrate (encoding->rung, bps);
}

MxrRung *
mxr_encodings_get_passable (MxrRoom *room)
{
  const MxrEncoding *top = &room->views[MXR_VIEW_ROOM].encodings[MXR_STAGE_VP8][0];
  return top->unused_from_us == 0 ? top->rung : NULL;
}

bool
mxr_encodings_are_composed (MxrRoomView *view)
{
  bool top_is_passed = view->number == MXR_VIEW_ROOM && mxr_pass_is_complete (view->room);

  for (guint codec = 0; codec < G_N_ELEMENTS (codecs); codec++)
    for (guint level = 0; level < view->graph->levels.n; level++)
      if (view->encodings[codec][level].rung != NULL && !(codec == MXR_STAGE_VP8 && level == 0 && top_is_passed))
        return true;
  return false;
}

/* ---- All of a room ----------------------------------------------------------------------------------------- */

typedef void (*EncodingFunc) (MxrRoomView *view, guint codec, guint level, gpointer user_data);

static void
for_each (MxrRoom *room, EncodingFunc function, gpointer user_data)
{
  for (guint i = 0; i < MXR_N_VIEWS; i++)
    for (guint codec = 0; codec < G_N_ELEMENTS (codecs); codec++)
      for (guint level = 0; level < room->views[i].graph->levels.n; level++)
        function (&room->views[i], codec, level, user_data);
}

static void
check_busy (MxrRoomView *view, guint codec, guint level, gpointer are_busy)
{
  const MxrEncoding *encoding = &view->encodings[codec][level];
  *(bool *) are_busy |= encoding->rung != NULL && mxr_rung_is_busy (encoding->rung);
}

bool
mxr_encodings_are_busy (MxrRoom *room)
{
  bool are_busy = false;

  for_each (room, check_busy, &are_busy);
  return are_busy;
}

static void
recover (MxrRoomView *view, guint codec, guint level, gpointer source)
{
  MxrEncoding *encoding = &view->encodings[codec][level];

  if (encoding->rung == NULL || !mxr_rung_is_ancestor (encoding->rung, source))
    return;
  mxr_encoding_drop (view, codec, level);
  encoding->retry_us = g_get_monotonic_time () + RETRY_US;
}

void
mxr_encodings_recover (MxrRoom *room, GstObject *source)
{
  for_each (room, recover, source);
}

static void
drop (MxrRoomView *view, guint codec, guint level, gpointer unused)
{
  mxr_encoding_drop (view, codec, level);
}

void
mxr_encodings_clear (MxrRoom *room)
{
  for_each (room, drop, NULL);
}
