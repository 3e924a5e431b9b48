/* The hand-over to one output's pipeline: begins at a key frame, which becomes time 0; leaves out rather than waits. */

#include "output-private.h"

#include <gst/app/gstappsrc.h>

/* Half a minute at 2.5 Mbit/s. A disk or a network that is behind by more will hardly catch up. */
#define HELD_MAX_BYTES (8 * 1024 * 1024)

struct _MxrInput {
  gint refs;
  GstAppSrc *sources[MXR_FEED_N_STREAMS]; /* NULL: the pipeline has no use for the stream */

  GMutex lock; /* guards all below */
  bool has_begun, is_waiting, is_paused, has_ended;
  bool was_paused;         /* since the last key frame that was taken */
  gint64 origin_ns;        /* running time of the output's 0 */
  GstClockTime position_ns; /* end of what was taken, on the output's timeline */
};

/* Returns: (nullable) */
static GstAppSrc *
get_source (GstElement *pipeline, const char *name)
{
  GstElement *source = gst_bin_get_by_name (GST_BIN (pipeline), name);

  if (source == NULL)
    return NULL;
  g_object_set (source, "format", GST_FORMAT_TIME, "max-bytes", (guint64) 0, "emit-signals", FALSE, NULL);
  return GST_APP_SRC (source);
}

MxrInput *
mxr_input_new (GstElement *pipeline)
{
  MxrInput *input = g_new0 (MxrInput, 1);

  input->refs = 1;
  input->sources[MXR_FEED_PICTURE] = get_source (pipeline, "picture");
  input->sources[MXR_FEED_SOUND] = get_source (pipeline, "sound");
  input->sources[MXR_FEED_OPUS] = get_source (pipeline, "opus");
  g_mutex_init (&input->lock);
  input->is_waiting = true;
  return input;
}

MxrInput *
mxr_input_ref (MxrInput *input)
{
  g_atomic_int_inc (&input->refs);
  return input;
}

void
mxr_input_unref (MxrInput *input)
{
  if (!g_atomic_int_dec_and_test (&input->refs))
    return;
  for (guint i = 0; i < MXR_FEED_N_STREAMS; i++)
    g_clear_pointer ((gpointer *) &input->sources[i], gst_object_unref);
  g_mutex_clear (&input->lock);
  g_free (input);
}

/* After a pause the timeline goes on where it stood; after a jam there is a gap. */
static void
begin_locked (MxrInput *input, GstClockTime running_ns)
{
  if (!input->has_begun || input->was_paused)
    input->origin_ns = (gint64) running_ns - (gint64) input->position_ns;
  input->has_begun = true;
  input->is_waiting = input->was_paused = false;
}

static bool
is_full (MxrInput *input)
{
  guint64 n_bytes = 0;

  for (guint i = 0; i < MXR_FEED_N_STREAMS; i++)
    if (input->sources[i] != NULL)
      n_bytes += gst_app_src_get_current_level_bytes (input->sources[i]);
  return n_bytes > HELD_MAX_BYTES;
}

/* Returns: whether it is taken, and when it is, on the output's timeline. */
static bool
admit_locked (MxrInput *input, MxrFeedStream stream, GstBuffer *buffer, GstClockTime running_ns, GstClockTime *out_time_ns)
{
  bool is_keyframe = stream == MXR_FEED_PICTURE && !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);

  if (input->has_ended || input->is_paused)
    return false;
  if (is_full (input))
    input->is_waiting = true;
  else if (input->is_waiting && is_keyframe)
    begin_locked (input, running_ns);
  if (input->is_waiting || (gint64) running_ns < input->origin_ns)
    return false;
  *out_time_ns = running_ns - input->origin_ns;
  GstClockTime duration_ns = GST_BUFFER_DURATION_IS_VALID (buffer) ? GST_BUFFER_DURATION (buffer) : 0;
  input->position_ns = MAX (input->position_ns, *out_time_ns + duration_ns);
  return true;
}

void
mxr_input_take (MxrInput *input, MxrFeedStream stream, GstBuffer *buffer, GstCaps *caps, GstClockTime running_ns)
{
  GstClockTime time_ns = 0;

  if (input->sources[stream] == NULL)
    return;
  g_mutex_lock (&input->lock);
  bool is_admitted = admit_locked (input, stream, buffer, running_ns, &time_ns);
  g_mutex_unlock (&input->lock);
  if (!is_admitted)
    return;
  g_autoptr (GstBuffer) copy = gst_buffer_copy (buffer); /* of the header; the bytes are shared */
  GST_BUFFER_PTS (copy) = GST_BUFFER_DTS (copy) = time_ns;
  GST_BUFFER_FLAG_UNSET (copy, GST_BUFFER_FLAG_DISCONT);
  g_autoptr (GstSample) sample = gst_sample_new (copy, caps, NULL, NULL);
  gst_app_src_push_sample (input->sources[stream], sample);
}

void
mxr_input_set_paused (MxrInput *input, bool paused)
{
  g_mutex_lock (&input->lock);
  input->is_paused = paused;
  if (paused)
    input->is_waiting = input->was_paused = true;
  g_mutex_unlock (&input->lock);
}

void
mxr_input_end (MxrInput *input)
{
  g_mutex_lock (&input->lock);
  input->has_ended = true;
  g_mutex_unlock (&input->lock);
  for (guint i = 0; i < MXR_FEED_N_STREAMS; i++)
    if (input->sources[i] != NULL)
      gst_app_src_end_of_stream (input->sources[i]);
}

GstClockTime
mxr_input_get_position (MxrInput *input)
{
  g_mutex_lock (&input->lock);
  GstClockTime position_ns = input->position_ns;
  g_mutex_unlock (&input->lock);
  return position_ns;
}

bool
mxr_input_has_begun (MxrInput *input)
{
  g_mutex_lock (&input->lock);
  bool has_begun = input->has_begun;
  g_mutex_unlock (&input->lock);
  return has_begun;
}
