/* What was encoded once, to all who want it. */

#include "output-private.h"

struct _MxrFeed {
  gint refs;
  GMutex lock;
  GPtrArray *inputs; /* guarded by lock; MxrInput, owned */
};

MxrFeed *
mxr_feed_new (void)
{
  MxrFeed *feed = g_new0 (MxrFeed, 1);

  feed->refs = 1;
  g_mutex_init (&feed->lock);
  feed->inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) mxr_input_unref);
  return feed;
}

MxrFeed *
mxr_feed_ref (MxrFeed *feed)
{
  g_atomic_int_inc (&feed->refs);
  return feed;
}

void
mxr_feed_unref (MxrFeed *feed)
{
  if (!g_atomic_int_dec_and_test (&feed->refs))
    return;
  g_ptr_array_unref (feed->inputs);
  g_mutex_clear (&feed->lock);
  g_free (feed);
}

void
mxr_feed_add (MxrFeed *feed, MxrInput *input)
{
  g_mutex_lock (&feed->lock);
  g_ptr_array_add (feed->inputs, mxr_input_ref (input));
  g_mutex_unlock (&feed->lock);
}

void
mxr_feed_remove (MxrFeed *feed, MxrInput *input)
{
  g_autoptr (MxrInput) held = mxr_input_ref (input); /* the last reference is not given up under the lock */

  g_mutex_lock (&feed->lock);
  g_ptr_array_remove (feed->inputs, held);
  g_mutex_unlock (&feed->lock);
}

void
mxr_feed_replace (MxrFeed *feed, MxrInput *input, MxrInput *next)
{
  guint index;

  g_mutex_lock (&feed->lock);
  if (g_ptr_array_find (feed->inputs, input, &index))
    feed->inputs->pdata[index] = mxr_input_ref (next);
  else
    input = NULL;
  g_mutex_unlock (&feed->lock);
  g_clear_pointer (&input, mxr_input_unref); /* the feed's */
}

static GPtrArray *
copy_inputs (MxrFeed *feed)
{
  GPtrArray *copy = g_ptr_array_new_with_free_func ((GDestroyNotify) mxr_input_unref);

  g_mutex_lock (&feed->lock);
  for (guint i = 0; i < feed->inputs->len; i++)
    g_ptr_array_add (copy, mxr_input_ref (feed->inputs->pdata[i]));
  g_mutex_unlock (&feed->lock);
  return copy;
}

void
mxr_feed_push (MxrFeed *feed, MxrFeedStream stream, GstSample *sample)
{
  GstBuffer *buffer = gst_sample_get_buffer (sample);
  GstClockTime running_ns =
    gst_segment_to_running_time (gst_sample_get_segment (sample), GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));

  if (running_ns == GST_CLOCK_TIME_NONE)
    return;
  g_autoptr (GPtrArray) inputs = copy_inputs (feed);
  for (guint i = 0; i < inputs->len; i++)
    mxr_input_take (inputs->pdata[i], stream, buffer, gst_sample_get_caps (sample), running_ns);
}
