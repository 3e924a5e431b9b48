/* One pipeline of an output. Pipelines are started and stopped by workers, since a disk or a network may keep either
 * waiting. */

#include "output-private.h"

#include <glib/gstdio.h>

/* What is held goes out so long after the end was asked for; a file needs milliseconds, a network may never take it. */
#define END_WITHIN_S 5
/* Sound of the last picture's time comes 100 ms after it: a block of the mixer's, two frames in the encoder. A busy machine
 * takes longer, and an encoder that has failed has none. */
#define TAIL_MS 300

/* ---- Workers ----------------------------------------------------------------------------------------------------- */

typedef struct {
  MxrOutput *output; /* lives longer than its attempts */
  GstElement *pipeline;
  GstState state;
  char *path;     /* (nullable): of a file that is closed by this */
  bool is_empty;  /* nothing was written into it */
  bool is_broken; /* not all was */
  bool is_finish; /* nothing follows this pipeline */
} StateChange;

static void
state_change_free (gpointer data)
{
  StateChange *change = data;
  gst_object_unref (change->pipeline);
  g_free (change->path);
  g_free (change);
}

/* A failure is on the bus. */
static void
change_state (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  StateChange *change = data;

  gst_element_set_state (change->pipeline, change->state);
  if (change->path != NULL && change->is_empty)
    g_unlink (change->path);
  else if (change->path != NULL && change->is_broken && change->output->type->mend != NULL)
    change->output->type->mend (change->path);
  if (change->is_finish && change->output->type->finish != NULL)
    change->output->type->finish (change->output);
  g_task_return_boolean (task, TRUE);
}

static void change_state_in_worker (MxrAttempt *attempt, GstState state);

static void
on_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  MxrAttempt *attempt = user_data;

  attempt->is_starting = false;
  if (attempt->is_stopping)
    change_state_in_worker (attempt, GST_STATE_NULL);
}

static void
on_stopped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  MxrAttempt *attempt = user_data;
  mxr_output_on_stopped (attempt->output, attempt);
}

static void
change_state_in_worker (MxrAttempt *attempt, GstState state)
{
  bool is_start = state == GST_STATE_PLAYING, is_last = attempt->output->is_stopping || attempt->output->state == MXR_OUTPUT_FAILED;
  StateChange *change = g_new0 (StateChange, 1);
  g_autoptr (GTask) task = g_task_new (NULL, NULL, is_start ? on_started : on_stopped, attempt);

  *change = (StateChange){
    .output = attempt->output,
    .pipeline = gst_object_ref (attempt->pipeline),
    .state = state,
    .path = is_start ? NULL : g_strdup (attempt->location),
    .is_empty = atomic_load (&attempt->n_bytes) == 0,
    .is_broken = attempt->has_failed,
    .is_finish = !is_start && is_last,
  };
  g_task_set_task_data (task, change, state_change_free);
  attempt->is_starting = is_start;
  g_task_run_in_thread (task, change_state);
}

/* ---- Life ----------------------------------------------------------------------------------------------------------- */

static gboolean
on_bus_message (GstBus *bus, GstMessage *message, gpointer user_data)
{
  MxrAttempt *attempt = user_data;

  mxr_output_on_message (attempt->output, attempt, message);
  return G_SOURCE_CONTINUE;
}

MxrAttempt *
mxr_attempt_new (MxrOutput *output, char *file, GError **error)
{
  MxrAttempt *attempt = g_new0 (MxrAttempt, 1);

  attempt->output = output;
  attempt->file = file;
  attempt->location = file != NULL ? g_build_filename (output->location, file, NULL) : NULL;
  GstElement *pipeline = output->type->make_pipeline (attempt, error);
  if (pipeline == NULL) {
    mxr_attempt_free (attempt);
    return NULL;
  }
  attempt->pipeline = gst_object_ref_sink (pipeline);
  attempt->input = mxr_input_new (pipeline);
  return attempt;
}

void
mxr_attempt_start (MxrAttempt *attempt)
{
  g_autoptr (GstBus) bus = gst_pipeline_get_bus (GST_PIPELINE (attempt->pipeline));

  attempt->bus_watch = gst_bus_add_watch (bus, on_bus_message, attempt);
  change_state_in_worker (attempt, GST_STATE_PLAYING);
}

static gboolean
on_late (gpointer user_data)
{
  MxrAttempt *attempt = user_data;

  attempt->late = 0;
  mxr_attempt_stop (attempt);
  return G_SOURCE_REMOVE;
}

void
mxr_attempt_end_late (MxrAttempt *attempt)
{
  if (attempt->late == 0 && !attempt->is_stopping)
    attempt->late = g_timeout_add_seconds (END_WITHIN_S, on_late, attempt);
}

static gboolean
on_tail (gpointer user_data)
{
  MxrAttempt *attempt = user_data;

  attempt->tail = 0;
  mxr_input_end_now (attempt->input);
  return G_SOURCE_REMOVE;
}

void
mxr_attempt_end (MxrAttempt *attempt)
{
  if (attempt->tail == 0 && !attempt->is_stopping)
    attempt->tail = g_timeout_add (TAIL_MS, on_tail, attempt);
  mxr_input_end (attempt->input);
  mxr_attempt_end_late (attempt);
}

/* What follows it in the feed takes its place there. */
static void
leave_feed (MxrAttempt *attempt)
{
  MxrInput *next = mxr_input_get_next (attempt->input);

  if (next != NULL)
    mxr_feed_replace (attempt->output->feed, attempt->input, next);
  else
    mxr_feed_remove (attempt->output->feed, attempt->input);
}

void
mxr_attempt_stop (MxrAttempt *attempt)
{
  if (attempt->is_stopping)
    return;
  attempt->is_stopping = true;
  g_clear_handle_id (&attempt->tail, g_source_remove);
  g_clear_handle_id (&attempt->late, g_source_remove);
  g_clear_handle_id (&attempt->bus_watch, g_source_remove);
  leave_feed (attempt);
  attempt->duration_ms = GST_TIME_AS_MSECONDS (mxr_input_get_position (attempt->input));
  if (!attempt->is_starting) /* two workers might do it in the wrong order */
    change_state_in_worker (attempt, GST_STATE_NULL);
}

void
mxr_attempt_free (MxrAttempt *attempt)
{
  g_clear_handle_id (&attempt->tail, g_source_remove);
  g_clear_handle_id (&attempt->late, g_source_remove);
  g_clear_handle_id (&attempt->bus_watch, g_source_remove);
  g_clear_pointer (&attempt->input, mxr_input_unref);
  g_clear_object (&attempt->pipeline);
  g_free (attempt->file);
  g_free (attempt->location);
  g_free (attempt);
}
