#include "mixroom/pipeline.h"

/* A removal has two steps in two threads:
 *
 *   control ──> idle probe on upstream_src ──> worker ───────────────────> control
 *               unlink (its thread, between    set NULL, take out of bin   on_removed
 *               two buffers; at once if idle)
 *
 * The unlink must come before NULL: a buffer on its way into a branch that is being stopped would return
 * FLUSHING, and the running part would stop for it. NULL must not be set from a streaming thread, which it
 * may wait for. */

/* Reference counted (g_atomic_rc_box): the task has it, and the probe until it is gone. */
typedef struct {
  GstBin *pipeline;
  GstElement *element;
  GstPad *upstream_src; /* nullable */
  GTask *task;          /* until it runs in the worker */
  int is_detached;      /* atomic */
  GDestroyNotify on_removed;
  gpointer user_data;
} Removal;

static G_DEFINE_QUARK (mxr-branch-removals, removals)

    guint mxr_branch_count_removals (GstBin *pipeline)
{
  return GPOINTER_TO_UINT (g_object_get_qdata (G_OBJECT (pipeline), removals_quark ()));
}

static void
count_removal (GstBin *pipeline, int step)
{
  guint n = mxr_branch_count_removals (pipeline) + (guint) step;
  g_object_set_qdata (G_OBJECT (pipeline), removals_quark (), GUINT_TO_POINTER (n));
}

bool
mxr_branch_add (GstBin *pipeline, GstElement *element, GError **error)
{
  g_autoptr (GstElement) held = gst_object_ref_sink (element);

  if (!gst_bin_add (pipeline, element)) {
    g_set_error (error, MXR_PIPELINE_ERROR, MXR_PIPELINE_ERROR_FAILED,
                 "cannot add '%s' to '%s': the name is taken", GST_OBJECT_NAME (element),
                 GST_OBJECT_NAME (pipeline));
    return false;
  }
  if (gst_element_sync_state_with_parent (element))
    return true;
  gst_element_set_locked_state (element, TRUE);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_bin_remove (pipeline, element);
  g_set_error (error, MXR_PIPELINE_ERROR, MXR_PIPELINE_ERROR_FAILED, "'%s' does not start",
               GST_OBJECT_NAME (element));
  return false;
}

static void
removal_clear (gpointer data)
{
  Removal *removal = data;
  g_clear_object (&removal->upstream_src);
  g_clear_object (&removal->element);
  g_clear_object (&removal->pipeline);
}

static void
removal_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, removal_clear);
}

/* Thread: a worker. The state is locked, so that no change of the pipeline's state brings the branch back. */
static void
stop_branch (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Removal *removal = data;
  gst_element_set_locked_state (removal->element, TRUE);
  gst_element_set_state (removal->element, GST_STATE_NULL);
  gst_bin_remove (removal->pipeline, removal->element);
  g_clear_object (&removal->element);
  g_task_return_boolean (task, TRUE);
}

/* Thread: control */
static void
on_branch_stopped (GObject *source, GAsyncResult *result, gpointer data)
{
  Removal *removal = data;
  count_removal (removal->pipeline, -1);
  if (removal->on_removed != NULL)
    removal->on_removed (removal->user_data);
}

/* Thread: that of the pad, between two buffers, or the caller's. Once: later calls find the branch detached.
 */
static GstPadProbeReturn
on_upstream_idle (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Removal *removal = data;
  if (!g_atomic_int_compare_and_exchange (&removal->is_detached, 0, 1))
    return GST_PAD_PROBE_REMOVE;

  g_autoptr (GstPad) peer = gst_pad_get_peer (pad);
  if (peer != NULL)
    gst_pad_unlink (pad, peer);
  g_autoptr (GTask) task = g_steal_pointer (&removal->task);
  g_task_run_in_thread (task, stop_branch);
  return GST_PAD_PROBE_REMOVE;
}

void
mxr_branch_remove (GstBin *pipeline, GstElement *element, GstPad *upstream_src, GDestroyNotify on_removed,
                   gpointer user_data)
{
  g_return_if_fail (GST_OBJECT_PARENT (element) == GST_OBJECT (pipeline));

  Removal *removal = g_atomic_rc_box_new0 (Removal);
  removal->pipeline = gst_object_ref (pipeline);
  removal->element = gst_object_ref (element);
  removal->on_removed = on_removed;
  removal->user_data = user_data;
  removal->task = g_task_new (NULL, NULL, on_branch_stopped, removal);
  g_task_set_source_tag (removal->task, mxr_branch_remove);
  g_task_set_task_data (removal->task, removal, removal_unref);
  count_removal (pipeline, 1);

  if (upstream_src == NULL) {
    g_autoptr (GTask) task = g_steal_pointer (&removal->task);
    g_task_run_in_thread (task, stop_branch);
    return;
  }
  removal->upstream_src = gst_object_ref (upstream_src);
  gst_pad_add_probe (upstream_src, GST_PAD_PROBE_TYPE_IDLE, on_upstream_idle,
                     g_atomic_rc_box_acquire (removal), removal_unref);
}
