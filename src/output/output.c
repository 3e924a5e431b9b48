/* The life of an output: attempts and files, each with a pipeline of its own, and what is told of it. */

#include "output-private.h"

#include <string.h>

G_DEFINE_QUARK (mxr-output-error-quark, mxr_output_error)

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
  bool has_tail = output->current != NULL && output->current->tail != 0;

  if (output->type->begin != NULL || (!mxr_output_is_live (output) && !has_tail))
    return false;
  return stream == (output->is_opus ? MXR_FEED_OPUS : MXR_FEED_SOUND) || (stream == MXR_FEED_PICTURE && !has_tail);
}

bool
mxr_output_is_live (const MxrOutput *self)
{
  return !has_ended (self) && !self->is_stopping;
}

bool
mxr_output_is_over (const MxrOutput *self)
{
  return has_ended (self) && self->n_attempts == 0 && self->n_workers == 0;
}

static void
fail (MxrOutput *self, const char *detail)
{
  g_clear_pointer (&self->next, mxr_attempt_free);
  mxr_output_set_state (self, MXR_OUTPUT_FAILED, detail);
  if (self->current != NULL)
    mxr_attempt_stop (self->current);
}

/* ---- Files ---------------------------------------------------------------------------------------------------------- */

static void
tell_file (MxrAttempt *attempt, bool is_over)
{
  MxrOutput *self = attempt->output;
  const MxrOutputFile file = {
    .file = attempt->file,
    .started_ms = attempt->started_ms,
    .duration_ms = is_over ? attempt->duration_ms : GST_TIME_AS_MSECONDS (mxr_input_get_position (attempt->input)),
    .n_bytes = atomic_load (&attempt->n_bytes),
    .is_over = is_over,
    .has_failed = attempt->has_failed,
  };

  if (attempt->file == NULL || attempt->is_file_told == !is_over)
    return;
  attempt->is_file_told = true;
  if (self->events.on_file != NULL)
    self->events.on_file (self, &file, self->user_data);
}

static bool
is_divided (const MxrOutput *self)
{
  return self->split_s > 0 || self->split_bytes > 0;
}

/* Returns: (transfer full) (nullable): NULL where the output writes no files of its own. */
static char *
name_file (MxrOutput *self)
{
  if (self->stem == NULL)
    return NULL;
  self->n_files++;
  return is_divided (self) ? g_strdup_printf ("%s-%03u.%s", self->stem, self->n_files, self->ending)
                           : g_strdup_printf ("%s.%s", self->stem, self->ending);
}

/* It waits for the first key frame that is its own; its file is there only then. */
static void
prepare_next (MxrOutput *self)
{
  g_autoptr (GError) error = NULL;

  if (!is_divided (self))
    return;
  self->next = mxr_attempt_new (self, name_file (self), &error);
  if (self->next == NULL) /* this one gets longer */
    mxr_debug ("output", "%s %s: %s", self->type->name, self->id, error->message);
  else
    mxr_input_set_next (self->current->input, self->next->input, self->split_s * GST_SECOND, self->split_bytes);
}

static void
set_current (MxrOutput *self, MxrAttempt *attempt)
{
  self->current = attempt;
  self->n_attempts++;
  if (attempt->file != NULL) {
    g_free (self->recording);
    self->recording = g_strdup (attempt->file);
  }
  mxr_attempt_start (attempt);
}

static void
on_split (MxrOutput *self, MxrAttempt *attempt)
{
  if (attempt != self->current || self->next == NULL)
    return;
  attempt->former_ms = GST_TIME_AS_MSECONDS (mxr_input_get_position (attempt->input));
  self->former_ms += attempt->former_ms;
  set_current (self, g_steal_pointer (&self->next));
  mxr_input_set_paused (self->current->input, self->is_paused);
  mxr_attempt_end_late (attempt); /* sound that is late is still its own */
  prepare_next (self);
}

/* ---- What a pipeline says ------------------------------------------------------------------------------------------- */

static void
set_running (MxrOutput *self, MxrAttempt *attempt)
{
  attempt->started_ms = g_get_real_time () / 1000 - (gint64) GST_TIME_AS_MSECONDS (mxr_input_get_position (attempt->input));
  tell_file (attempt, false);
  self->n_failures = 0;
  if (self->state == MXR_OUTPUT_STARTING || self->state == MXR_OUTPUT_RETRYING)
    mxr_output_set_state (self, self->is_paused ? MXR_OUTPUT_PAUSED : MXR_OUTPUT_RUNNING, NULL);
}

/* What a client is told: that a disk is full it must understand without knowing GStreamer. */
static char *
say_error (const MxrOutput *self, const GError *error)
{
  if (g_error_matches (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT))
    return g_strdup ("no space is left on the disk; what was written up to here can be played");
  return g_strdup (error->message);
}

static void
on_error (MxrOutput *self, MxrAttempt *attempt, GstMessage *message)
{
  g_autoptr (GError) error = NULL;

  gst_message_parse_error (message, &error, NULL);
  mxr_debug ("output", "%s %s: %s", self->type->name, self->id, error->message);
  attempt->has_failed = true;
  if (self->type->retries) {
    mxr_attempt_stop (attempt);
    if (!self->is_stopping)
      retry_later (self);
    return;
  }
  g_autofree char *detail = say_error (self, error);
  if (!has_ended (self))
    fail (self, detail);
  mxr_attempt_stop (attempt);
}

void
mxr_output_on_message (MxrOutput *self, MxrAttempt *attempt, GstMessage *message)
{
  const GstStructure *content = gst_message_get_structure (message);

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    on_error (self, attempt, message);
  else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    mxr_attempt_stop (attempt);
  else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_APPLICATION && gst_structure_has_name (content, "split"))
    on_split (self, attempt);
  else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_APPLICATION)
    set_running (self, attempt);
}

void
mxr_output_on_stopped (MxrOutput *self, MxrAttempt *attempt)
{
  tell_file (attempt, true);
  self->n_attempts--;
  self->former_ms += attempt->duration_ms - attempt->former_ms;
  if (attempt == self->current)
    self->current = NULL;
  mxr_attempt_free (attempt);
  if (self->n_attempts == 0 && self->is_stopping && !has_ended (self))
    mxr_output_set_state (self, MXR_OUTPUT_FINISHED, NULL);
}

/* ---- What goes out -------------------------------------------------------------------------------------------------- */

typedef struct {
  MxrAttempt *attempt; /* its pipeline has stopped before it is freed */
  bool has_passed;     /* the sink's thread alone */
  bool is_told;
} SinkWatch;

void
mxr_output_tell_running (GstElement *element)
{
  gst_element_post_message (element, gst_message_new_application (GST_OBJECT (element), gst_structure_new_empty ("running")));
}

static GstPadProbeReturn
on_sink_data (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  SinkWatch *watch = user_data;
  bool is_list = (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER_LIST) != 0;
  gsize n_bytes = is_list ? gst_buffer_list_calculate_size (GST_PAD_PROBE_INFO_BUFFER_LIST (info))
                          : gst_buffer_get_size (GST_PAD_PROBE_INFO_BUFFER (info));

  bool is_header = !is_list && GST_BUFFER_FLAG_IS_SET (GST_PAD_PROBE_INFO_BUFFER (info), GST_BUFFER_FLAG_HEADER);

  atomic_fetch_add (&watch->attempt->n_bytes, n_bytes);
  atomic_fetch_add (&watch->attempt->output->n_bytes, n_bytes);
  if (is_header) /* rtmp2sink takes these before it has connected */
    return GST_PAD_PROBE_OK;
  if (watch->has_passed && !watch->is_told) {
    g_autoptr (GstElement) sink = gst_pad_get_parent_element (pad);
    mxr_output_tell_running (sink);
    watch->is_told = true;
  }
  watch->has_passed = true;
  return GST_PAD_PROBE_OK;
}

void
mxr_output_watch_sink (MxrAttempt *attempt, GstElement *sink)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");
  SinkWatch *watch = g_new0 (SinkWatch, 1);

  watch->attempt = attempt;
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_sink_data, watch, g_free);
}

static gboolean
on_rate (gpointer user_data)
{
  MxrOutput *self = user_data;

  memmove (self->rate_bytes, self->rate_bytes + 1, sizeof self->rate_bytes - sizeof *self->rate_bytes);
  self->rate_bytes[MXR_OUTPUT_RATE_S] = atomic_load (&self->n_bytes);
  self->n_rate = MIN (self->n_rate + 1, MXR_OUTPUT_RATE_S);
  return G_SOURCE_CONTINUE;
}

/* Of the last seconds; 0 once it has ended. */
static guint
get_bitrate_bps (const MxrOutput *self)
{
  if (self->n_rate == 0 || !mxr_output_is_live (self))
    return 0;
  guint64 n_bytes = self->rate_bytes[MXR_OUTPUT_RATE_S] - self->rate_bytes[MXR_OUTPUT_RATE_S - self->n_rate];
  return n_bytes * 8 / self->n_rate;
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
  MxrAttempt *attempt = mxr_attempt_new (self, name_file (self), error);

  if (attempt == NULL)
    return false;
  mxr_input_set_paused (attempt->input, self->is_paused);
  set_current (self, attempt);
  prepare_next (self);
  mxr_feed_add (self->feed, attempt->input);
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

  if (self->n_attempts > 0) /* the former attempt still ends */
    return G_SOURCE_CONTINUE;
  self->timer = 0;
  self->n_reconnects++;
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

/* What a type has no use for would be a misunderstanding. */
static bool
check_request (const MxrOutputRequest *request, GError **error)
{
  const char *wrong = NULL;

  if (strcmp (request->type, "file") == 0)
    wrong = request->url != NULL ? "url" : NULL;
  else if (request->format != NULL || request->sound != NULL || request->split_s > 0 || request->split_bytes > 0)
    wrong = "format, sound, splitDuration and splitSize";
  if (wrong != NULL)
    g_set_error (error, MXR_OUTPUT_ERROR, MXR_OUTPUT_ERROR_BAD_REQUEST, "an output of type %s takes no %s", request->type, wrong);
  return wrong == NULL;
}

MxrOutput *
mxr_output_new (const MxrOutputRequest *request, const MxrOutputPlaces *places, const char *name, MxrFeed *feed,
                const MxrOutputEvents *events, gpointer user_data, GError **error)
{
  const MxrOutputType *type = find_type (request->type, error);
  if (type == NULL || !check_request (request, error))
    return NULL;

  MxrOutput *self = g_new0 (MxrOutput, 1);
  self->type = type;
  self->feed = mxr_feed_ref (feed);
  self->user_data = user_data;
  self->id = mxr_random_text (12);
  self->name = g_strdup (name);
  self->rate_timer = g_timeout_add_seconds (1, on_rate, self);
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
  if (self->current != NULL)
    mxr_input_set_paused (self->current->input, paused);
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

void
mxr_output_stop (MxrOutput *self)
{
  if (!mxr_output_is_live (self))
    return;
  self->is_stopping = true;
  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_pointer (&self->next, mxr_attempt_free);
  if (self->type->stop != NULL) {
    self->type->stop (self);
  } else if (self->current == NULL) {
    if (self->n_attempts == 0)
      mxr_output_set_state (self, MXR_OUTPUT_FINISHED, NULL);
  } else if (mxr_input_has_begun (self->current->input) && self->state != MXR_OUTPUT_RETRYING) {
    mxr_attempt_end (self->current);
  } else {
    mxr_attempt_stop (self->current); /* there is nothing to bring to an end */
  }
}

void
mxr_output_free (MxrOutput *self)
{
  if (self->data != NULL && self->type->free_data != NULL)
    self->type->free_data (self->data);
  g_clear_pointer (&self->next, mxr_attempt_free);
  g_source_remove (self->rate_timer);
  mxr_feed_unref (self->feed);
  g_free (self->id);
  g_free (self->name);
  g_free (self->detail);
  g_free (self->location);
  g_free (self->stem);
  g_free (self->recording);
  g_free (self->playlist);
  g_free (self->server);
  g_free (self);
}

void
mxr_output_get_info (MxrOutput *self, MxrOutputInfo *out_info)
{
  guint64 duration_ms = self->former_ms;

  if (self->current != NULL)
    duration_ms += GST_TIME_AS_MSECONDS (mxr_input_get_position (self->current->input));
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
    .n_reconnects = self->n_reconnects,
    .duration_ms = duration_ms,
    .bitrate_bps = get_bitrate_bps (self),
  };
}
