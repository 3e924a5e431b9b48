/* The life of an output: attempts, each with a pipeline of its own, and what is told of it. Pipelines are started and
 * stopped by workers, since a disk or a network may keep either waiting. */

#include "output-private.h"

#include <string.h>

G_DEFINE_QUARK (mxr-output-error-quark, mxr_output_error)

/* What is held goes out so long after the end was asked for; a file needs milliseconds, a network may never take it. */
#define END_WITHIN_S 5
#define RETRY_MAX_S 30

static void retry_later (MxrOutput *self);

/* ---- State ------------------------------------------------------------------------------------------------------ */

const char *
mxr_output_state_to_string (MxrOutputState state)
{
  static const char *const names[] = { "starting", "running", "retrying", "paused", "finished", "failed" };
  return names[state];
}

void
mxr_output_set_state (MxrOutput *self, MxrOutputState state, const char *detail)
{
  bool is_changed = self->state != state;

  self->state = state;
  g_free (self->detail);
  self->detail = g_strdup (detail);
  if (is_changed && self->events.on_changed != NULL)
    self->events.on_changed (self, self->user_data);
}

static bool
has_ended (const MxrOutput *self)
{
  return self->state == MXR_OUTPUT_FINISHED || self->state == MXR_OUTPUT_FAILED;
}

bool
mxr_output_takes (const MxrOutput *output, MxrFeedStream stream)
{
  if (output->type->begin != NULL)
    return false;
  return stream == MXR_FEED_PICTURE || stream == (output->is_opus ? MXR_FEED_OPUS : MXR_FEED_SOUND);
}

bool
mxr_output_is_live (const MxrOutput *self)
{
  return !has_ended (self) && !self->is_stopping;
}

bool
mxr_output_is_over (const MxrOutput *self)
{
  return has_ended (self) && self->n_workers == 0;
}

void
mxr_output_set_running (MxrOutput *self)
{
  self->n_failures = 0;
  if (self->state == MXR_OUTPUT_STARTING || self->state == MXR_OUTPUT_RETRYING)
    mxr_output_set_state (self, self->is_paused ? MXR_OUTPUT_PAUSED : MXR_OUTPUT_RUNNING, NULL);
}

/* ---- Workers ----------------------------------------------------------------------------------------------------- */

typedef struct {
  GstElement *pipeline;
  GstState state;
} StateChange;

static void
state_change_free (gpointer data)
{
  StateChange *change = data;
  gst_object_unref (change->pipeline);
  g_free (change);
}

/* A failure is on the bus. */
static void
change_state (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  StateChange *change = data;
  gst_element_set_state (change->pipeline, change->state);
  g_task_return_boolean (task, TRUE);
}

static void change_state_in_worker (MxrOutput *self, GstElement *pipeline, GstState state);

static void
on_state_changed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  MxrOutput *self = user_data;
  g_autoptr (GstElement) ended = g_steal_pointer (&self->ended);

  self->n_workers--;
  self->is_starting = false;
  if (ended != NULL)
    change_state_in_worker (self, ended, GST_STATE_NULL);
  if (self->n_workers > 0 || self->pipeline != NULL)
    return;
  if (self->type->on_end != NULL && (self->is_stopping || self->state == MXR_OUTPUT_FAILED))
    self->type->on_end (self);
  if (self->is_stopping && !has_ended (self))
    mxr_output_set_state (self, MXR_OUTPUT_FINISHED, NULL);
}

static void
change_state_in_worker (MxrOutput *self, GstElement *pipeline, GstState state)
{
  StateChange *change = g_new (StateChange, 1);
  g_autoptr (GTask) task = g_task_new (NULL, NULL, on_state_changed, self);

  *change = (StateChange){ gst_object_ref (pipeline), state };
  g_task_set_task_data (task, change, state_change_free);
  self->n_workers++;
  self->is_starting = state == GST_STATE_PLAYING;
  g_task_run_in_thread (task, change_state);
}

/* ---- One attempt --------------------------------------------------------------------------------------------------- */

static void
end_attempt (MxrOutput *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  if (self->pipeline == NULL)
    return;
  g_clear_handle_id (&self->bus_watch, g_source_remove);
  mxr_feed_remove (self->feed, self->input);
  self->former_ms += GST_TIME_AS_MSECONDS (mxr_input_get_position (self->input));
  g_clear_pointer (&self->input, mxr_input_unref);
  g_autoptr (GstElement) pipeline = g_steal_pointer (&self->pipeline);
  if (self->is_starting) /* two workers might do it in the wrong order */
    self->ended = g_steal_pointer (&pipeline);
  else
    change_state_in_worker (self, pipeline, GST_STATE_NULL);
}

static void
fail (MxrOutput *self, const char *detail)
{
  end_attempt (self);
  mxr_output_set_state (self, MXR_OUTPUT_FAILED, detail);
}

static void
on_error (MxrOutput *self, GstMessage *message)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *debug = NULL;

  gst_message_parse_error (message, &error, &debug);
  mxr_debug ("output", "%s %s: %s", self->type->name, self->id, error->message);
  if (!self->type->retries) {
    fail (self, error->message);
    return;
  }
  end_attempt (self);
  if (!self->is_stopping)
    retry_later (self);
}

static gboolean
on_bus_message (GstBus *bus, GstMessage *message, gpointer user_data)
{
  MxrOutput *self = user_data;

  switch (GST_MESSAGE_TYPE (message)) {
  case GST_MESSAGE_ERROR:
    on_error (self, message);
    return G_SOURCE_CONTINUE;
  case GST_MESSAGE_EOS:
    end_attempt (self);
    return G_SOURCE_CONTINUE;
  case GST_MESSAGE_APPLICATION:
    mxr_output_set_running (self);
    return G_SOURCE_CONTINUE;
  case GST_MESSAGE_ELEMENT:
    if (self->type->on_message != NULL)
      self->type->on_message (self, message);
    return G_SOURCE_CONTINUE;
  default:
    return G_SOURCE_CONTINUE;
  }
}

typedef struct {
  MxrOutput *output; /* its pipeline has stopped before it is freed */
  bool has_passed;   /* the sink's thread alone */
  bool is_told;
} SinkWatch;

static GstPadProbeReturn
on_sink_data (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  SinkWatch *watch = user_data;
  bool is_list = (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER_LIST) != 0;
  gsize n_bytes = is_list ? gst_buffer_list_calculate_size (GST_PAD_PROBE_INFO_BUFFER_LIST (info))
                          : gst_buffer_get_size (GST_PAD_PROBE_INFO_BUFFER (info));

  atomic_fetch_add (&watch->output->n_bytes, n_bytes);
  if (watch->has_passed && !watch->is_told) {
    g_autoptr (GstElement) sink = gst_pad_get_parent_element (pad);
    gst_element_post_message (sink, gst_message_new_application (GST_OBJECT (sink), gst_structure_new_empty ("running")));
    watch->is_told = true;
  }
  watch->has_passed = true;
  return GST_PAD_PROBE_OK;
}

void
mxr_output_watch_sink (MxrOutput *self, GstElement *sink)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");
  SinkWatch *watch = g_new0 (SinkWatch, 1);

  watch->output = self;
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_sink_data, watch, g_free);
}

GstElement *
mxr_output_parse (const char *description, GError **error)
{
  g_autoptr (GError) parse_error = NULL;
  GstElement *pipeline = gst_parse_launch_full (description, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &parse_error);

  if (pipeline == NULL)
    g_set_error (error, MXR_OUTPUT_ERROR, MXR_OUTPUT_ERROR_FAILED, "the output cannot be made here: %s",
                 parse_error->message);
  return pipeline;
}

static bool
begin_attempt (MxrOutput *self, GError **error)
{
  GstElement *pipeline = self->type->make_pipeline (self, error);
  if (pipeline == NULL)
    return false;

  g_autoptr (GstBus) bus = gst_pipeline_get_bus (GST_PIPELINE (pipeline));
  self->pipeline = gst_object_ref_sink (pipeline);
  self->bus_watch = gst_bus_add_watch (bus, on_bus_message, self);
  self->input = mxr_input_new (pipeline);
  mxr_input_set_paused (self->input, self->is_paused);
  change_state_in_worker (self, pipeline, GST_STATE_PLAYING);
  mxr_feed_add (self->feed, self->input);
  if (self->events.on_keyframe_wanted != NULL)
    self->events.on_keyframe_wanted (self, self->user_data);
  return true;
}

/* ---- Again ---------------------------------------------------------------------------------------------------------- */

static gboolean
on_retry (gpointer user_data)
{
  MxrOutput *self = user_data;
  g_autoptr (GError) error = NULL;

  if (self->n_workers > 0) /* the former attempt still ends */
    return G_SOURCE_CONTINUE;
  self->timer = 0;
  if (!begin_attempt (self, &error))
    fail (self, error->message);
  return G_SOURCE_REMOVE;
}

/* GStreamer's words may hold the URL, and with it a secret. */
static void
retry_later (MxrOutput *self)
{
  guint wait_s = MIN (1u << MIN (self->n_failures, 5), RETRY_MAX_S);
  g_autofree char *detail =
    g_strdup_printf ("%s cannot be reached or has closed the connection; tried again in %u s", self->server, wait_s);

  self->n_failures++;
  self->timer = g_timeout_add_seconds (wait_s, on_retry, self);
  mxr_output_set_state (self, MXR_OUTPUT_RETRYING, detail);
}

/* ---- What is asked of it --------------------------------------------------------------------------------------------- */

static const MxrOutputType *
find_type (const char *name, GError **error)
{
  static const MxrOutputType *const types[] = { &mxr_output_type_file, &mxr_output_type_hls, &mxr_output_type_rtmp,
                                                &mxr_output_type_srt, &mxr_output_type_tracks };
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_strcmp0 (types[i]->name, name) == 0)
      return types[i];
  g_set_error_literal (error, MXR_OUTPUT_ERROR, MXR_OUTPUT_ERROR_BAD_REQUEST,
                       "an output's type is one of file, hls, rtmp, srt and tracks");
  return NULL;
}

MxrOutput *
mxr_output_new (const MxrOutputRequest *request, const MxrOutputPlaces *places, const char *name, MxrFeed *feed,
                const MxrOutputEvents *events, gpointer user_data, GError **error)
{
  const MxrOutputType *type = find_type (request->type, error);
  if (type == NULL)
    return NULL;

  MxrOutput *self = g_new0 (MxrOutput, 1);
  self->type = type;
  self->feed = mxr_feed_ref (feed);
  self->user_data = user_data;
  self->id = mxr_random_text (12);
  self->name = g_strdup (name);
  if (!type->prepare (self, request, places, error) || !(type->begin != NULL ? type->begin : begin_attempt) (self, error)) {
    mxr_output_free (self);
    return NULL;
  }
  self->events = *events; /* not before: nobody is called back from within this call */
  return self;
}

bool
mxr_output_set_paused (MxrOutput *self, bool paused, GError **error)
{
  if (!mxr_output_is_live (self)) {
    g_set_error_literal (error, MXR_OUTPUT_ERROR, MXR_OUTPUT_ERROR_WRONG_STATE,
                         "this output has ended; start another one");
    return false;
  }
  if (paused == self->is_paused)
    return true;
  self->is_paused = paused;
  if (self->input != NULL)
    mxr_input_set_paused (self->input, paused);
  if (self->type->set_paused != NULL)
    self->type->set_paused (self, paused);
  if (paused && self->state == MXR_OUTPUT_RUNNING)
    mxr_output_set_state (self, MXR_OUTPUT_PAUSED, NULL);
  else if (!paused && self->state == MXR_OUTPUT_PAUSED)
    mxr_output_set_state (self, MXR_OUTPUT_RUNNING, NULL);
  if (!paused && self->type->begin == NULL && self->events.on_keyframe_wanted != NULL)
    self->events.on_keyframe_wanted (self, self->user_data);
  return true;
}

static gboolean
on_end_is_late (gpointer user_data)
{
  MxrOutput *self = user_data;

  self->timer = 0;
  end_attempt (self);
  return G_SOURCE_REMOVE;
}

void
mxr_output_stop (MxrOutput *self)
{
  if (!mxr_output_is_live (self))
    return;
  self->is_stopping = true;
  g_clear_handle_id (&self->timer, g_source_remove);
  if (self->type->stop != NULL) {
    self->type->stop (self);
  } else if (self->pipeline == NULL) {
    if (self->n_workers == 0)
      mxr_output_set_state (self, MXR_OUTPUT_FINISHED, NULL);
  } else if (mxr_input_has_begun (self->input) && self->state != MXR_OUTPUT_RETRYING) {
    mxr_input_end (self->input);
    self->timer = g_timeout_add_seconds (END_WITHIN_S, on_end_is_late, self);
  } else {
    end_attempt (self); /* there is nothing to bring to an end */
  }
}

void
mxr_output_free (MxrOutput *self)
{
  if (self->data != NULL && self->type->free_data != NULL)
    self->type->free_data (self->data);
  mxr_feed_unref (self->feed);
  g_free (self->id);
  g_free (self->name);
  g_free (self->detail);
  g_free (self->location);
  g_free (self->recording);
  g_free (self->playlist);
  g_free (self->server);
  g_free (self);
}

void
mxr_output_get_info (MxrOutput *self, MxrOutputInfo *out_info)
{
  guint64 duration_ms = self->former_ms;

  if (self->input != NULL)
    duration_ms += GST_TIME_AS_MSECONDS (mxr_input_get_position (self->input));
  if (self->type->get_duration_ms != NULL)
    duration_ms = self->type->get_duration_ms (self);
  *out_info = (MxrOutputInfo){
    .id = self->id,
    .type = self->type->name,
    .state = self->state,
    .detail = self->detail,
    .recording = self->recording,
    .playlist = self->playlist,
    .server = self->server,
    .n_bytes = atomic_load (&self->n_bytes),
    .duration_ms = duration_ms,
  };
  if (duration_ms > 0)
    out_info->bitrate_bps = out_info->n_bytes * 8 * 1000 / duration_ms;
}
