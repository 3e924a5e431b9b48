/* The programme's way out: its view's best picture in H.264 and its sound, encoded once while a room has outputs, and handed
 * to all of them. The picture is a rung like any other, which clients of the same view get too.
 *
 *   view's tee -> rung in H.264 -> units.c ─┐
 *                                           ├─> feed ─> outputs
 *   mixer ────────> programme-sound.c ──────┘
 */

#include "room-private.h"

#include <string.h>

/* Players and segments begin at key frames, and what a killed recording loses is at most one such stretch. */
#define KEYFRAME_US (2 * G_TIME_SPAN_SECOND)
/* An encoder that failed is not tried again sooner. */
#define RETRY_US G_TIME_SPAN_SECOND

struct _MxrProgramme {
  MxrRoom *room;
  MxrFeed *feed;
  GPtrArray *outputs;                          /* MxrOutput, owned, in order of their start */
  MxrProgrammeSound *sounds[MXR_FEED_N_STREAMS]; /* NULL: not needed, failed, or not a sound */
  MxrHandover *handover;
  MxrRung *rung;                               /* compared only: that the feed gets the picture of; NULL: of none */
  MxrRung *former;                             /* the same: up to the key frame of @rung; NULL: it had that */
  gint64 retry_us;                             /* when one that failed is tried again */
  gint64 keyframe_due_us;
};

/* ---- On and off --------------------------------------------------------------------------------------------------- */

bool
mxr_programme_is_taken (const MxrRoom *room, MxrFeedStream stream)
{
  GPtrArray *outputs = room->programme->outputs;

  for (guint i = 0; i < outputs->len; i++)
    if (mxr_output_takes (outputs->pdata[i], stream))
      return true;
  return false;
}

static bool
is_on (const MxrRoom *room)
{
  for (guint i = 0; i < MXR_FEED_N_STREAMS; i++)
    if (mxr_programme_is_taken (room, i))
      return true;
  return false;
}

MxrFeed *
mxr_programme_get_feed (const MxrRoom *room)
{
  return room->programme->feed;
}

MxrHandover *
mxr_programme_get_handover (const MxrRoom *room)
{
  return room->programme->handover;
}

MxrEncoding *
mxr_programme_find_encoding (MxrRoom *room)
{
  return mxr_programme_is_taken (room, MXR_FEED_PICTURE) ? &mxr_stage_get_programme (room)->encodings[MXR_STAGE_H264][0] : NULL;
}

static void
start_sounds (MxrProgramme *programme)
{
  MxrRoom *room = programme->room;

  for (guint i = 0; i < MXR_FEED_N_STREAMS; i++) {
    g_autoptr (GError) error = NULL;
    if (i == MXR_FEED_PICTURE || programme->sounds[i] != NULL || !mxr_programme_is_taken (room, i))
      continue;
    programme->sounds[i] = mxr_programme_sound_new (room, programme->feed, i, &error);
    if (programme->sounds[i] != NULL)
      continue;
    programme->retry_us = g_get_monotonic_time () + RETRY_US;
    if (mxr_log_allowed (&room->errors))
      mxr_log (MXR_LOG_ERROR, "room", room->name, NULL, "no programme: %s", error->message);
  }
}

static void
request_keyframe (MxrProgramme *programme, gint64 now_us)
{
  programme->keyframe_due_us = now_us + KEYFRAME_US;
  if (programme->rung != NULL)
    mxr_rung_request_keyframe (programme->rung, now_us);
  mxr_room_stir (programme->room);
}

static bool
has_rung (MxrRoom *room, const MxrRung *rung)
{
  for (guint i = 0; i < MXR_N_VIEWS; i++)
    if (room->views[i].encodings[MXR_STAGE_H264][0].rung == rung)
      return true;
  return false;
}

static void
stop_feeding (MxrRoom *room, MxrRung *rung)
{
  if (rung != NULL && has_rung (room, rung))
    mxr_rung_set_feeding (rung, false);
}

/* There may be no key frame for a second. */
static void
hand_over (MxrProgramme *programme, MxrRung *rung)
{
  MxrRoom *room = programme->room;
  MxrRung *giver = programme->former != NULL && !mxr_handover_is_done (programme->handover) ? programme->former : programme->rung;

  if (programme->former != giver)
    stop_feeding (room, programme->former);
  if (programme->rung != giver || rung == NULL)
    stop_feeding (room, programme->rung);
  if (rung == NULL && giver != programme->rung)
    stop_feeding (room, giver);
  programme->former = rung != NULL && giver != rung ? giver : NULL;
  programme->rung = rung;
  if (rung != NULL)
    mxr_rung_set_feeding (rung, true);
}

static void
end_handover (MxrProgramme *programme)
{
  if (programme->former == NULL || !mxr_handover_is_done (programme->handover))
    return;
  if (programme->former != programme->rung)
    stop_feeding (programme->room, programme->former);
  programme->former = NULL;
}

/* Outputs get the picture of one rung at a time; of another one, when the look has changed or an encoder was replaced, from
 * its next key frame on. What clients carried before is no measure any more. */
static void
follow_picture (MxrProgramme *programme)
{
  MxrRoom *room = programme->room;
  MxrRoomView *view = mxr_stage_get_programme (room);
  MxrEncoding *encoding = mxr_programme_find_encoding (room);
  bool may_begin = encoding != NULL && (encoding->rung != NULL || g_get_monotonic_time () >= encoding->retry_us);

  if (may_begin && (encoding->rung == NULL || encoding->rung != programme->rung)) {
    guint best_bps = view->graph->levels.levels[0].bitrate_bps;
    if (mxr_encoding_prepare (view, MXR_STAGE_H264, 0, best_bps))
      mxr_rung_set_bitrate (encoding->rung, best_bps);
  }
  MxrRung *rung = encoding != NULL ? encoding->rung : NULL;
  if (rung == programme->rung)
    return;
  hand_over (programme, rung);
  if (rung != NULL)
    request_keyframe (programme, g_get_monotonic_time ());
}

/* While somebody listens who knows no gaps, the mixer must not rest. */
void
mxr_programme_update (MxrProgramme *programme)
{
  MxrRoom *room = programme->room;

  g_object_set (room->graph->sound, "rest", !is_on (room), NULL);
  start_sounds (programme);
  for (guint i = 0; i < MXR_FEED_N_STREAMS; i++)
    if (!mxr_programme_is_taken (room, i))
      g_clear_pointer (&programme->sounds[i], mxr_programme_sound_remove);
  follow_picture (programme);
  mxr_stage_want_uplinks (room);
  mxr_tracks_update (room);
}

void
mxr_programme_tick (MxrRoom *room, gint64 now_us)
{
  MxrProgramme *programme = room->programme;

  if (!is_on (room))
    return;
  if (programme->retry_us != 0 && now_us >= programme->retry_us) {
    programme->retry_us = 0;
    start_sounds (programme);
  }
  follow_picture (programme);
  end_handover (programme);
  if (now_us < programme->keyframe_due_us)
    return;
  programme->keyframe_due_us = now_us + KEYFRAME_US;
  if (programme->rung != NULL)
    mxr_rung_request_keyframe (programme->rung, now_us);
}

gint64
mxr_programme_get_due_us (const MxrRoom *room)
{
  return is_on (room) ? room->programme->keyframe_due_us : G_MAXINT64;
}

void
mxr_programme_recover (MxrRoom *room, GstObject *source)
{
  MxrProgramme *programme = room->programme;

  for (guint i = 0; i < MXR_FEED_N_STREAMS; i++) {
    if (programme->sounds[i] == NULL || !mxr_programme_sound_is_ancestor (programme->sounds[i], source))
      continue;
    g_clear_pointer (&programme->sounds[i], mxr_programme_sound_remove);
    programme->retry_us = g_get_monotonic_time () + RETRY_US;
  }
  follow_picture (programme); /* its rung may be gone */
}

/* ---- Outputs -------------------------------------------------------------------------------------------------------- */

static void
on_keyframe_wanted (MxrOutput *output, gpointer user_data)
{
  request_keyframe (user_data, g_get_monotonic_time ());
}

static void
on_output_changed (MxrOutput *output, gpointer user_data)
{
  MxrProgramme *programme = user_data;
  MxrOutputInfo info;

  mxr_output_get_info (output, &info);
  mxr_log (info.state == MXR_OUTPUT_FAILED ? MXR_LOG_WARNING : MXR_LOG_INFO, "room", programme->room->name, NULL,
           "output %s (%s) is %s%s%s", info.id, info.type, mxr_output_state_to_string (info.state),
           info.detail != NULL ? ": " : "", info.detail != NULL ? info.detail : "");
  mxr_hub_tell_output (programme->room, mxr_programme_describe_output (output));
  if (!mxr_output_is_live (output))
    mxr_programme_update (programme);
  mxr_outputs_tell_soon (programme->room);
}

static void
on_output_file (MxrOutput *output, const MxrOutputFile *file, gpointer user_data)
{
  MxrProgramme *programme = user_data;
  MxrOutputInfo info;

  mxr_output_get_info (output, &info);
  mxr_recordings_on_file (programme->room, info.id, info.type, file);
}

static const MxrOutputEvents output_events = {
  .on_changed = on_output_changed,
  .on_keyframe_wanted = on_keyframe_wanted,
  .on_file = on_output_file,
};

GPtrArray *
mxr_programme_get_outputs (const MxrRoom *room)
{
  return room->programme->outputs;
}

MxrProgramme *
mxr_programme_new (MxrRoom *room)
{
  MxrProgramme *programme = g_new0 (MxrProgramme, 1);

  programme->room = room;
  programme->feed = mxr_feed_new ();
  programme->handover = mxr_handover_new (programme->feed);
  programme->outputs = g_ptr_array_new_with_free_func ((GDestroyNotify) mxr_output_free);
  return programme;
}

static void
forget_ended_outputs (MxrProgramme *programme)
{
  for (guint i = 0; i < programme->outputs->len && programme->outputs->len >= MXR_OUTPUTS_KEPT; i++)
    if (mxr_output_is_over (programme->outputs->pdata[i]))
      g_ptr_array_remove_index (programme->outputs, i--);
}

static guint
count_outputs (const MxrProgramme *programme)
{
  guint n = 0;

  for (guint i = 0; i < programme->outputs->len; i++)
    n += !mxr_output_is_over (programme->outputs->pdata[i]);
  return n;
}

MxrOutput *
mxr_programme_add_output (MxrRoom *room, const MxrOutputOrder *order, GError **error)
{
  const MxrConfig *config = room->hub->config;
  MxrProgramme *programme = room->programme;
  const MxrOutputRequest request = { order->type, order->format, order->url, order->sound, order->split_s, order->split_bytes };
  const MxrOutputPlaces places = { config->programme.recordings_directory, config->programme.hls_directory,
                                   config->programme.push };

  if (count_outputs (programme) >= MXR_OUTPUTS_MAX) {
    g_set_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_OUTPUTS_FULL, "a room has %d outputs at most; stop one first",
                 MXR_OUTPUTS_MAX);
    return NULL;
  }
  if (g_strcmp0 (order->type, "tracks") == 0 && mxr_tracks_find_output (room) != NULL) {
    g_set_error_literal (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_OUTPUTS_FULL,
                         "this room's tracks are being recorded already; stop that output first");
    return NULL;
  }
  forget_ended_outputs (programme);
  MxrOutput *output = mxr_output_new (&request, &places, room->name, programme->feed, &output_events, programme, error);
  if (output == NULL)
    return NULL;
  g_ptr_array_add (programme->outputs, output);
  mxr_programme_update (programme);
  request_keyframe (programme, g_get_monotonic_time ());
  mxr_hub_tell_output (room, mxr_programme_describe_output (output));
  mxr_outputs_tell_soon (room);
  return output;
}

void
mxr_programme_clear (MxrRoom *room)
{
  MxrProgramme *programme = room->programme;

  for (guint i = 0; i < programme->outputs->len; i++)
    mxr_output_stop (programme->outputs->pdata[i]);
  mxr_programme_update (programme);
}

bool
mxr_programme_is_over (const MxrRoom *room)
{
  return count_outputs (room->programme) == 0;
}

void
mxr_programme_free (MxrProgramme *programme)
{
  g_ptr_array_unref (programme->outputs);
  mxr_handover_unref (programme->handover);
  mxr_feed_unref (programme->feed);
  g_free (programme);
}
