/* Still pictures of the programme: the view gets a sink for as long as it takes to compose one, and a worker encodes it. */

#include "room-private.h"

#include <gst/app/gstappsink.h>
#include <gst/video/video.h>
#include <string.h>

#define LOOK_MS 20
/* A view that nobody watched shows avatars and old pictures until those in it are decoded again, from their next key frames
 * on. Who has sent none after so long is shown as is. */
#define DECODING_US G_TIME_SPAN_SECOND
/* From the last one's first picture to a canvas that has it: some ticks. */
#define COMPOSING_US (100 * G_TIME_SPAN_MILLISECOND)
#define GIVE_UP_US (3 * G_TIME_SPAN_SECOND)
#define ENCODE_MAX_NS (5 * GST_SECOND)

typedef struct {
  guint32 key;
  guint64 n_decoded; /* when the view began to be composed */
} Awaited;

typedef struct {
  MxrRoom *room; /* a reference */
  MxrRoomView *view;
  GTask *task;
  const char *type;  /* static */
  GstElement *sink;  /* NULL: it was taken out */
  GstPad *upstream;  /* of the view's tee; owned */
  GArray *awaited;   /* Awaited */
  GstSample *newest;
  gint64 begun_us, ready_us; /* when what comes next shows everybody; 0: not known yet */
} Snapshot;

static GError *
new_error (MxrRoomError code, const char *text)
{
  return g_error_new_literal (MXR_ROOM_ERROR, code, text);
}

/* ---- The branch ------------------------------------------------------------------------------------------------------ */

typedef struct {
  const MxrGraphTee *size;
  GstPad *upstream;
} Link;

static void
release_link (gpointer data)
{
  Link *link = data;

  gst_element_release_request_pad (link->size->tee, link->upstream);
  gst_object_unref (link->upstream);
  mxr_graph_link_tee (link->size);
  g_free (link);
}

static bool
add_sink (Snapshot *snapshot, GError **error)
{
  GstBin *pipeline = GST_BIN (snapshot->room->graph->pipeline);
  const MxrGraphTee *size = &snapshot->view->graph->sizes[0];
  g_autofree char *name = g_strdup_printf ("snapshot-%u", snapshot->room->next_key++);
  GstElement *sink = gst_element_factory_make ("appsink", name);

  g_object_set (sink, "sync", FALSE, "async", FALSE, "enable-last-sample", FALSE, "max-buffers", 1, "drop", TRUE, NULL);
  if (!mxr_branch_add (pipeline, sink, error))
    return false;
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");
  snapshot->sink = gst_object_ref (sink);
  snapshot->view->n_snapshots++;
  snapshot->upstream = gst_element_request_pad_simple (size->tee, "src_%u");
  if (gst_pad_link (snapshot->upstream, pad) == GST_PAD_LINK_OK && mxr_graph_link_tee (size))
    return true;
  g_set_error_literal (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_FAILED, "the picture cannot be taken from the mixer");
  return false;
}

static void
remove_sink (Snapshot *snapshot)
{
  if (snapshot->sink == NULL)
    return;
  Link *link = g_new (Link, 1);
  *link = (Link){ &snapshot->view->graph->sizes[0], g_steal_pointer (&snapshot->upstream) };
  mxr_branch_remove (GST_BIN (snapshot->room->graph->pipeline), snapshot->sink, link->upstream, release_link, link);
  g_clear_object (&snapshot->sink);
  snapshot->view->n_snapshots--;
  mxr_stage_want_uplinks (snapshot->room);
}

/* ---- Who is to be seen ------------------------------------------------------------------------------------------------ */

static guint64
count_decoded (const MxrParticipant *participant)
{
  MxrPeerStats stats;

  mxr_peer_get_stats (participant->peer, &stats);
  return stats.decoding[MXR_RTP_VIDEO].decoded;
}

static bool
shows_video (const MxrParticipant *participant)
{
  return participant != NULL && participant->peer != NULL && participant->uplinks[MXR_RTP_VIDEO] != NULL &&
         !participant->video_muted;
}

static void
await_tiles (Snapshot *snapshot)
{
  for (guint i = 0; i < snapshot->view->n_tiles; i++) {
    const MxrParticipant *participant = mxr_room_find_key (snapshot->room, snapshot->view->tiles[i].key);
    if (!shows_video (participant))
      continue;
    const Awaited awaited = { participant->key, count_decoded (participant) };
    g_array_append_val (snapshot->awaited, awaited);
  }
}

static bool
are_all_decoded (const Snapshot *snapshot)
{
  for (guint i = 0; i < snapshot->awaited->len; i++) {
    const Awaited *awaited = &g_array_index (snapshot->awaited, Awaited, i);
    const MxrParticipant *participant = mxr_room_find_key (snapshot->room, awaited->key);
    if (shows_video (participant) && count_decoded (participant) == awaited->n_decoded)
      return false;
  }
  return true;
}

/* ---- Encoding ----------------------------------------------------------------------------------------------------------- */

typedef struct {
  GstSample *sample;
  const char *type;
} Picture;

static void
picture_free (gpointer data)
{
  Picture *picture = data;
  gst_sample_unref (picture->sample);
  g_free (picture);
}

/* JPEG has luma and chroma of the whole range of 8 bits (JFIF). videoconvert 1.22 does not widen I420 (grey 126 stays 126 where 128 was
 * meant), jpegenc does when it gets RGB. */
static GstSample *
convert (const Picture *picture, GError **error)
{
  g_autoptr (GstCaps) caps = gst_caps_new_empty_simple (picture->type);
  g_autoptr (GstCaps) rgb = gst_caps_from_string ("video/x-raw,format=RGB");

  if (strcmp (picture->type, "image/jpeg") != 0)
    return gst_video_convert_sample (picture->sample, caps, ENCODE_MAX_NS, error);
  g_autoptr (GstSample) sample = gst_video_convert_sample (picture->sample, rgb, ENCODE_MAX_NS, error);
  return sample != NULL ? gst_video_convert_sample (sample, caps, ENCODE_MAX_NS, error) : NULL;
}

static void
encode (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const Picture *picture = task_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GstSample) encoded = convert (picture, &error);
  GstBuffer *buffer = encoded != NULL ? gst_sample_get_buffer (encoded) : NULL;
  gpointer bytes;
  gsize n_bytes;

  if (buffer == NULL) {
    g_task_return_error (task, new_error (MXR_ROOM_ERROR_FAILED, error != NULL ? error->message : "no picture"));
    return;
  }
  gst_buffer_extract_dup (buffer, 0, -1, &bytes, &n_bytes);
  g_task_return_pointer (task, g_bytes_new_take (bytes, n_bytes), (GDestroyNotify) g_bytes_unref);
}

/* ---- One picture ---------------------------------------------------------------------------------------------------------- */

static void
snapshot_free (Snapshot *snapshot)
{
  remove_sink (snapshot);
  snapshot->room->hub->n_snapshots--;
  snapshot->room->snapshots = g_list_remove (snapshot->room->snapshots, snapshot);
  g_clear_pointer (&snapshot->newest, gst_sample_unref);
  g_array_unref (snapshot->awaited);
  g_object_unref (snapshot->task);
  mxr_room_unref (snapshot->room);
  g_free (snapshot);
}

/* Returns: whether it goes on. */
static bool
look (Snapshot *snapshot, gint64 now_us)
{
  if (snapshot->sink == NULL) {
    g_task_return_error (snapshot->task, new_error (MXR_ROOM_ERROR_NOT_FOUND, "the room is no more"));
    return false;
  }
  GstSample *sample = gst_app_sink_try_pull_sample (GST_APP_SINK (snapshot->sink), 0);
  if (sample != NULL) {
    g_clear_pointer (&snapshot->newest, gst_sample_unref);
    snapshot->newest = sample;
  }
  if (snapshot->ready_us == 0 && (are_all_decoded (snapshot) || now_us - snapshot->begun_us > DECODING_US))
    snapshot->ready_us = now_us + COMPOSING_US;
  if (snapshot->newest != NULL && snapshot->ready_us != 0 && now_us >= snapshot->ready_us) {
    Picture *picture = g_new (Picture, 1);
    *picture = (Picture){ g_steal_pointer (&snapshot->newest), snapshot->type };
    g_task_set_task_data (snapshot->task, picture, picture_free);
    g_task_run_in_thread (snapshot->task, encode);
    return false;
  }
  if (now_us - snapshot->begun_us < GIVE_UP_US)
    return true;
  g_task_return_error (snapshot->task, new_error (MXR_ROOM_ERROR_FAILED, "the mixer made no picture"));
  return false;
}

static gboolean
on_look (gpointer user_data)
{
  Snapshot *snapshot = user_data;

  if (look (snapshot, g_get_monotonic_time ()))
    return G_SOURCE_CONTINUE;
  snapshot_free (snapshot);
  return G_SOURCE_REMOVE;
}

/* Of a picture that does not change the mixer would send the next one in a second; and one that was not composed is to
 * show who is in it. */
static void
begin (Snapshot *snapshot)
{
  gint64 now_us = g_get_monotonic_time ();

  if (snapshot->view->is_composed)
    snapshot->ready_us = now_us;
  else
    await_tiles (snapshot);
  snapshot->begun_us = now_us;
  mxr_stage_want_uplinks (snapshot->room);
  gst_pad_send_event (snapshot->upstream, gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE, TRUE, 0));
  g_timeout_add (LOOK_MS, on_look, snapshot);
}

void
mxr_snapshots_clear (MxrRoom *room)
{
  for (GList *l = room->snapshots; l != NULL; l = l->next)
    remove_sink (l->data); /* what is asked for is answered by on_look(), from the main loop */
}

void
mxr_hub_take_snapshot_async (MxrHub *hub, const char *name, const char *type, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  GError *error = NULL;
  MxrRoom *room = mxr_hub_find_room (hub, name, &error);

  if (room != NULL && hub->n_snapshots >= MXR_SNAPSHOTS_MAX)
    error = new_error (MXR_ROOM_ERROR_BUSY, "enough pictures are being made just now; try again in a moment");
  if (error != NULL) {
    g_task_return_error (task, error);
    return;
  }
  Snapshot *snapshot = g_new0 (Snapshot, 1);
  snapshot->room = mxr_room_ref (room);
  snapshot->view = mxr_stage_get_programme (room);
  snapshot->task = g_steal_pointer (&task);
  snapshot->type = strcmp (type, "image/png") == 0 ? "image/png" : "image/jpeg";
  snapshot->awaited = g_array_new (FALSE, FALSE, sizeof (Awaited));
  room->snapshots = g_list_prepend (room->snapshots, snapshot);
  hub->n_snapshots++;
  if (add_sink (snapshot, &error)) {
    begin (snapshot);
    return;
  }
  g_task_return_error (snapshot->task, error);
  snapshot_free (snapshot);
}

GBytes *
mxr_hub_take_snapshot_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
