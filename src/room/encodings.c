/* One encoding of the picture for each codec and level in use. */

#include "room-private.h"

/* An encoder that failed is not tried again sooner: it would most likely fail again. */
#define RETRY_US G_TIME_SPAN_SECOND
/* Who stepped down is back after some seconds, and a new encoder begins with a key frame. */
#define KEEP_US (5 * G_TIME_SPAN_SECOND)

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

static MxrRung *
new_rung (MxrRoom *room, guint codec, guint level, guint bitrate_bps)
{
  g_autofree char *name = g_strdup_printf ("picture-%s-%u-%u", codecs[codec], level, room->next_key++);
  g_autoptr (GError) error = NULL;
  const MxrRungParams params = {
    .encoder = mxr_hub_find_encoder (room->hub, codecs[codec], &error),
    .name = name,
    .codec = codecs[codec],
    .bitrate_bps = bitrate_bps,
    .level = level,
    .keyframe_interval_ms = room->hub->config->media.keyframe_interval_ms,
    .is_picture = true,
  };
  MxrRung *rung = params.encoder != NULL ? mxr_rung_new (room->graph, room->hub->net, &params, &error) : NULL;
  if (rung == NULL && mxr_log_allowed (&room->errors))
    mxr_log (MXR_LOG_ERROR, "room", room->name, NULL, "no picture in %s: %s", codecs[codec], error->message);
  return rung;
}

void
mxr_encoding_drop (MxrRoom *room, guint codec, guint level)
{
  MxrEncoding *encoding = &room->encodings[codec][level];

  if (codec == MXR_STAGE_VP8 && level == 0)
    mxr_pass_end (room);
  g_clear_pointer (&encoding->rung, mxr_rung_remove);
  *encoding = (MxrEncoding){ .retry_us = encoding->retry_us };
}

/* Nobody but who has just come, or nobody at all until now: it begins with what that one carries. */
bool
mxr_encoding_prepare (MxrRoom *room, guint codec, guint level, guint carried_bps)
{
  MxrEncoding *encoding = &room->encodings[codec][level];
  const MxrLevel *picture = &room->graph->levels.levels[level];
  guint bitrate_bps = CLAMP (carried_bps, picture->least_bps, picture->bitrate_bps);
  gint64 now_us = g_get_monotonic_time ();

  if (encoding->rung != NULL && encoding->unused_from_us != 0)
    mxr_rung_set_bitrate (encoding->rung, bitrate_bps);
  else if (encoding->rung == NULL && now_us >= encoding->retry_us)
    encoding->rung = new_rung (room, codec, level, bitrate_bps);
  encoding->unused_from_us = 0;
  encoding->retry_us = encoding->rung != NULL ? 0 : now_us + RETRY_US;
  return encoding->rung != NULL;
}

/* What each level's picture has, or would have for who is the only one to get it. */
void
mxr_encodings_get_bitrates (MxrRoom *room, guint codec, guint *out_bitrates_bps)
{
  for (guint level = 0; level < room->graph->levels.n; level++) {
    const MxrEncoding *encoding = &room->encodings[codec][level];
    bool is_used = encoding->rung != NULL && encoding->unused_from_us == 0;
    out_bitrates_bps[level] =
      is_used ? mxr_rung_get_params (encoding->rung)->bitrate_bps : room->graph->levels.levels[level].least_bps;
  }
}

void
mxr_encoding_adapt (MxrRoom *room, guint codec, guint level, gint64 now_us)
{
  MxrEncoding *encoding = &room->encodings[codec][level];

  if (encoding->rung == NULL)
    return;
  if (!encoding->is_used) {
    if (encoding->unused_from_us == 0)
      encoding->unused_from_us = now_us;
    if (now_us - encoding->unused_from_us >= KEEP_US) {
      mxr_encoding_drop (room, codec, level);
      mxr_stage_want_uplinks (room);
    }
    return;
  }
  encoding->unused_from_us = 0;
  guint now_bps = mxr_rung_get_params (encoding->rung)->bitrate_bps;
  guint bps = encoding->carried_bps == 0 ? now_bps /* those who get it are on their way to another */
                                         : mxr_level_adapt_bitrate (&room->graph->levels.levels[level], now_bps,
                                                                    encoding->carried_bps, now_us - encoding->changed_us);
  if (bps == now_bps)
    return;
  encoding->changed_us = now_us;
  mxr_rung_set_bitrate (encoding->rung, bps);
}

MxrRung *
mxr_encodings_get_passable (MxrRoom *room)
{
  const MxrEncoding *top = &room->encodings[MXR_STAGE_VP8][0];
  return top->unused_from_us == 0 ? top->rung : NULL;
}

bool
mxr_encodings_are_composed (MxrRoom *room)
{
  bool top_is_passed = mxr_pass_is_complete (room);

  for (guint codec = 0; codec < G_N_ELEMENTS (codecs); codec++)
    for (guint level = 0; level < room->graph->levels.n; level++)
      if (room->encodings[codec][level].rung != NULL && !(codec == MXR_STAGE_VP8 && level == 0 && top_is_passed))
        return true;
  return false;
}

bool
mxr_encodings_are_busy (MxrRoom *room)
{
  bool are_busy = false;

  for (guint codec = 0; codec < G_N_ELEMENTS (codecs); codec++)
    for (guint level = 0; level < room->graph->levels.n; level++) {
      const MxrEncoding *encoding = &room->encodings[codec][level];
      are_busy |= encoding->rung != NULL && mxr_rung_is_busy (encoding->rung);
    }
  return are_busy;
}

void
mxr_encodings_recover (MxrRoom *room, GstObject *source)
{
  for (guint codec = 0; codec < G_N_ELEMENTS (codecs); codec++)
    for (guint level = 0; level < room->graph->levels.n; level++) {
      MxrEncoding *encoding = &room->encodings[codec][level];
      if (encoding->rung == NULL || !mxr_rung_is_ancestor (encoding->rung, source))
        continue;
      mxr_encoding_drop (room, codec, level);
      encoding->retry_us = g_get_monotonic_time () + RETRY_US;
    }
}

void
mxr_encodings_clear (MxrRoom *room)
{
  for (guint codec = 0; codec < G_N_ELEMENTS (codecs); codec++)
    for (guint level = 0; level < room->graph->levels.n; level++)
      mxr_encoding_drop (room, codec, level);
}
