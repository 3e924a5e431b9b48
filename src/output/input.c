/* The hand-over to one pipeline: begins at a key frame, which becomes time 0; leaves out rather than waits; gives over to
 * the next pipeline at a key frame. */

#include "output-private.h"

#include <gst/app/gstappsrc.h>

/* Half a minute at 2.5 Mbit/s. A disk or a network that is behind by more will hardly catch up. */
#define HELD_MAX_BYTES (8 * 1024 * 1024)

/* Sound may be so far ahead of the picture before it is no longer held for it: the picture's encoder has failed. */
#define AHEAD_MAX_NS (2 * GST_SECOND)

/* The last picture is shown no longer than that: there was a gap before it. */
#define PICTURE_MAX_NS (GST_SECOND / 10)

/* The encoder that goes on may be further behind than the one before it, so that its first pictures are of a time that has been.
 * Muxers fail at that; the least step that all of them know. */
#define STEP_NS GST_MSECOND

/* Sound that came before the picture of its time. */
typedef struct {
  MxrFeedStream stream;
  GstBuffer *buffer;
  GstCaps *caps;
  GstClockTime running_ns, middle_ns;
} Held;

struct _MxrInput {
  gint refs;
  GstElement *pipeline;                   /* is told of the split; owned */
  GstAppSrc *sources[MXR_FEED_N_STREAMS]; /* NULL: the pipeline has no use for the stream */

  GMutex lock; /* guards all below; taken before that of @next */
  bool has_begun, is_waiting, is_paused, has_ended;
  bool was_paused;          /* since the last key frame that was taken */
  gint64 origin_ns;         /* running time of the pipeline's 0 */
  GstClockTime position_ns; /* end of what was taken, on the pipeline's timeline */
  GstClockTime next_picture_ns; /* not before that, on the same */

  MxrInput *next; /* owned; NULL: it is not divided */
  GstClockTime split_ns;
  guint64 split_bytes;
  guint64 n_bytes, keyframe_bytes, stretch_bytes; /* taken; up to the last key frame; most from one to the next */
  bool is_split;
  GstClockTime split_at_ns;   /* running time of the key frame that is @next's first */
  GstClockTime picture_at_ns; /* running time of the newest picture */
  GstClockTime picture_ns;    /* from the one before it */
  bool is_ending;             /* sound is still taken, up to the picture's end */
  GQueue held;                /* Held */
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
  input->pipeline = gst_object_ref (pipeline);
  input->sources[MXR_FEED_PICTURE] = get_source (pipeline, "picture");
  input->sources[MXR_FEED_SOUND] = get_source (pipeline, "sound");
  input->sources[MXR_FEED_OPUS] = get_source (pipeline, "opus");
  g_mutex_init (&input->lock);
  g_queue_init (&input->held);
  input->is_waiting = true;
  return input;
}

static void
held_free (gpointer data)
{
  Held *held = data;
  gst_buffer_unref (held->buffer);
  gst_caps_unref (held->caps);
  g_free (held);
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
  g_queue_clear_full (&input->held, held_free);
  g_clear_pointer (&input->next, mxr_input_unref);
  gst_object_unref (input->pipeline);
  g_mutex_clear (&input->lock);
  g_free (input);
}

void
mxr_input_set_next (MxrInput *input, MxrInput *next, GstClockTime split_ns, guint64 split_bytes)
{
  g_mutex_lock (&input->lock);
  input->next = mxr_input_ref (next);
  input->split_ns = split_ns;
  input->split_bytes = split_bytes;
  g_mutex_unlock (&input->lock);
}

MxrInput *
mxr_input_get_next (MxrInput *input)
{
  g_mutex_lock (&input->lock);
  MxrInput *next = input->is_split ? input->next : NULL;
  g_mutex_unlock (&input->lock);
  return next;
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

/* ---- Division --------------------------------------------------------------------------------------------------- */

static void
note_bytes_locked (MxrInput *input, gsize n_bytes, bool is_keyframe)
{
  if (is_keyframe) {
    input->stretch_bytes = MAX (input->stretch_bytes, input->n_bytes - input->keyframe_bytes);
    input->keyframe_bytes = input->n_bytes;
  }
  input->n_bytes += n_bytes;
}

/* Whether the next file begins with the key frame at @running_ns. */
static bool
is_due_locked (const MxrInput *input, GstClockTime running_ns)
{
  guint64 stretch_bytes = MAX (input->stretch_bytes, input->n_bytes - input->keyframe_bytes);

  if (input->next == NULL || !input->has_begun || input->is_waiting || input->n_bytes == 0)
    return false;
  if (input->split_ns > 0 && (gint64) running_ns - input->origin_ns >= (gint64) input->split_ns)
    return true;
  return input->split_bytes > 0 && input->n_bytes + stretch_bytes > input->split_bytes;
}

static void
end_source (GstAppSrc *source)
{
  if (source != NULL)
    gst_app_src_end_of_stream (source);
}

static void
split_locked (MxrInput *input, GstClockTime running_ns)
{
  input->is_split = true;
  input->split_at_ns = running_ns;
  end_source (input->sources[MXR_FEED_PICTURE]);
  gst_element_post_message (input->pipeline, gst_message_new_application (GST_OBJECT (input->pipeline),
                                                                         gst_structure_new_empty ("split")));
}

/* ---- One buffer --------------------------------------------------------------------------------------------------- */

/* A frame of AAC belongs where its middle lies, on either side of a key frame: mp4mux puts the first one that it gets at 0,
 * and so sound is off by half a frame at most. A packet of Opus belongs where it begins: behind opusparse one that began before 0
 * had the time stamp of the next. */
static GstClockTime
get_middle_ns (MxrFeedStream stream, const GstBuffer *buffer, GstClockTime running_ns)
{
  bool has_length = stream == MXR_FEED_SOUND && GST_BUFFER_DURATION_IS_VALID (buffer);
  return running_ns + (has_length ? GST_BUFFER_DURATION (buffer) / 2 : 0);
}

/* Returns: whether it is taken, and when it is, on the pipeline's timeline. */
static bool
admit_locked (MxrInput *input, MxrFeedStream stream, bool is_keyframe, GstBuffer *buffer, GstClockTime running_ns,
              GstClockTime *out_time_ns)
{
  if (input->has_ended || input->is_paused)
    return false;
  if (is_full (input))
    input->is_waiting = true;
  else if (input->is_waiting && is_keyframe)
    begin_locked (input, running_ns);
  if (input->is_waiting || (gint64) get_middle_ns (stream, buffer, running_ns) < input->origin_ns)
    return false;
  *out_time_ns = MAX ((gint64) running_ns - input->origin_ns, 0);
  if (stream == MXR_FEED_PICTURE) {
    *out_time_ns = MAX (*out_time_ns, input->next_picture_ns);
    input->next_picture_ns = *out_time_ns + STEP_NS;
  }
  GstClockTime duration_ns = GST_BUFFER_DURATION_IS_VALID (buffer) ? GST_BUFFER_DURATION (buffer) : 0;
  input->position_ns = MAX (input->position_ns, *out_time_ns + duration_ns);
  note_bytes_locked (input, gst_buffer_get_size (buffer), is_keyframe);
  return true;
}

/* An appsrc queues; it never waits. */
static void
pass_locked (MxrInput *input, MxrFeedStream stream, GstBuffer *buffer, GstCaps *caps, GstClockTime running_ns)
{
  bool is_keyframe = stream == MXR_FEED_PICTURE && !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  GstClockTime time_ns = 0;

  if (!input->is_split && is_keyframe && !input->has_ended && !input->is_paused && is_due_locked (input, running_ns))
    split_locked (input, running_ns);
  if (input->is_split && get_middle_ns (stream, buffer, running_ns) >= input->split_at_ns) {
    end_source (input->sources[stream]); /* again does not matter */
    mxr_input_take (input->next, stream, buffer, caps, running_ns);
    return;
  }
  if (!admit_locked (input, stream, is_keyframe, buffer, running_ns, &time_ns))
    return;
  g_autoptr (GstBuffer) copy = gst_buffer_copy (buffer); /* of the header; the bytes are shared */
  GST_BUFFER_PTS (copy) = GST_BUFFER_DTS (copy) = time_ns;
  GST_BUFFER_FLAG_UNSET (copy, GST_BUFFER_FLAG_DISCONT);
  g_autoptr (GstSample) sample = gst_sample_new (copy, caps, NULL, NULL);
  gst_app_src_push_sample (input->sources[stream], sample);
}

static void
hold_locked (MxrInput *input, MxrFeedStream stream, GstBuffer *buffer, GstCaps *caps, GstClockTime running_ns)
{
  Held *held = g_new (Held, 1);

  *held = (Held){ stream, gst_buffer_ref (buffer), gst_caps_ref (caps), running_ns, get_middle_ns (stream, buffer, running_ns) };
  g_queue_push_tail (&input->held, held);
}

static void
release_locked (MxrInput *input, GstClockTime before_ns)
{
  for (Held *held = g_queue_peek_head (&input->held); held != NULL && held->middle_ns < before_ns;
       held = g_queue_peek_head (&input->held)) {
    pass_locked (input, held->stream, held->buffer, held->caps, held->running_ns);
    held_free (g_queue_pop_head (&input->held));
  }
}

/* ---- The end ------------------------------------------------------------------------------------------------------- */

static void
end_locked (MxrInput *input)
{
  input->has_ended = true;
  for (guint i = 0; i < MXR_FEED_N_STREAMS; i++)
    end_source (input->sources[i]);
}

static GstClockTime
get_picture_end_ns (const MxrInput *input)
{
  return input->picture_at_ns + MIN (input->picture_ns, PICTURE_MAX_NS);
}

static void
take_tail_locked (MxrInput *input, MxrFeedStream stream, GstBuffer *buffer, GstCaps *caps, GstClockTime running_ns)
{
  if (stream == MXR_FEED_PICTURE || input->has_ended)
    return;
  if (get_middle_ns (stream, buffer, running_ns) < get_picture_end_ns (input))
    pass_locked (input, stream, buffer, caps, running_ns);
  else
    end_locked (input);
}

void
mxr_input_end_now (MxrInput *input)
{
  g_mutex_lock (&input->lock);
  release_locked (input, get_picture_end_ns (input));
  end_locked (input);
  g_mutex_unlock (&input->lock);
}

void
mxr_input_end (MxrInput *input)
{
  g_mutex_lock (&input->lock);
  release_locked (input, get_picture_end_ns (input));
  input->is_ending = true;
  if (input->is_paused || input->is_waiting || !g_queue_is_empty (&input->held))
    end_locked (input);
  else
    end_source (input->sources[MXR_FEED_PICTURE]);
  g_mutex_unlock (&input->lock);
}

/* ---- What the feed gives -------------------------------------------------------------------------------------------- */

/* Sound waits for the picture of its time, since only then it is known whether that was a key frame that begins the output
 * or the next one. Under the lock up to the appsrc: two threads may pass on sound. */
void
mxr_input_take (MxrInput *input, MxrFeedStream stream, GstBuffer *buffer, GstCaps *caps, GstClockTime running_ns)
{
  if (input->sources[stream] == NULL)
    return;
  g_mutex_lock (&input->lock);
  if (input->is_ending) {
    take_tail_locked (input, stream, buffer, caps, running_ns);
  } else if (stream == MXR_FEED_PICTURE) {
    input->picture_ns = running_ns - MIN (input->picture_at_ns, running_ns);
    input->picture_at_ns = running_ns;
    release_locked (input, running_ns);
    pass_locked (input, stream, buffer, caps, running_ns);
  } else if (!input->is_split) {
    hold_locked (input, stream, buffer, caps, running_ns);
    release_locked (input, MAX (input->picture_at_ns, running_ns > AHEAD_MAX_NS ? running_ns - AHEAD_MAX_NS : 0));
  } else {
    release_locked (input, GST_CLOCK_TIME_NONE);
    pass_locked (input, stream, buffer, caps, running_ns);
  }
  g_mutex_unlock (&input->lock);
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
