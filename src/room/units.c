/* A rung's packets of H.264 as access units for the programme's feed: RTP -> valve -> depayloader -> parser -> appsink. What
 * outputs get is encoded once along with what clients get, by whatever fragment the operator has chosen, and an output comes
 * and goes without a new encoder: that the packets are put together again costs next to nothing (README.md). */

#include "room-private.h"

#include <gst/app/gstappsink.h>

/* Outputs want byte-stream with parameter sets before each key frame, and the frame rate, which RTP does not tell: what comes
 * after a pause begins a frame later than the last before it. */
#define CHAIN                                                                                                                 \
  "valve name=valve drop=true ! rtph264depay wait-for-keyframe=true ! capssetter caps=video/x-h264,framerate=%u/1 "           \
  "! h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream,alignment=au "                                     \
  "! appsink name=units sync=false async=false enable-last-sample=false"

/* The next encoder may be behind the former one by so many. */
#define HELD_PICTURES 4

struct _MxrHandover {
  gint refs;
  MxrFeed *feed;
  GMutex lock;          /* held during a push, which does not wait: nothing of a former encoder comes after the next one's key frame */
  guint turn, n_turns;  /* whose pictures the feed gets; the newest that was given */
  GQueue held;          /* GstSample, while the two differ: the next one's key frame may be earlier than they */
};

/* Of one encoder. */
typedef struct {
  MxrHandover *handover;
  guint turn; /* guarded by the handover's lock; 0: it has none */
} Gate;

MxrHandover *
mxr_handover_new (MxrFeed *feed)
{
  MxrHandover *handover = g_new0 (MxrHandover, 1);

  handover->refs = 1;
  handover->feed = mxr_feed_ref (feed);
  g_mutex_init (&handover->lock);
  return handover;
}

void
mxr_handover_unref (MxrHandover *handover)
{
  if (!g_atomic_int_dec_and_test (&handover->refs))
    return;
  g_queue_clear_full (&handover->held, (GDestroyNotify) gst_sample_unref);
  mxr_feed_unref (handover->feed);
  g_mutex_clear (&handover->lock);
  g_free (handover);
}

bool
mxr_handover_is_done (MxrHandover *handover)
{
  g_mutex_lock (&handover->lock);
  bool is_done = handover->turn == handover->n_turns;
  g_mutex_unlock (&handover->lock);
  return is_done;
}

static Gate *
gate_new (MxrHandover *handover)
{
  Gate *gate = g_new0 (Gate, 1);

  g_atomic_int_inc (&handover->refs);
  gate->handover = handover;
  return gate;
}

static void
gate_free (gpointer data)
{
  Gate *gate = data;
  mxr_handover_unref (gate->handover);
  g_free (gate);
}

/* All but the last @n_kept, as far as they are earlier than @before. */
static void
release_locked (MxrHandover *handover, guint n_kept, GstClockTime before)
{
  while (handover->held.length > n_kept) {
    GstSample *first = g_queue_peek_head (&handover->held);
    if (GST_BUFFER_PTS (gst_sample_get_buffer (first)) >= before)
      return;
    mxr_feed_push (handover->feed, MXR_FEED_PICTURE, first);
    gst_sample_unref (g_queue_pop_head (&handover->held));
  }
}

/* Thread: the encoder's. */
static GstFlowReturn
on_new_sample (GstAppSink *sink, gpointer user_data)
{
  Gate *gate = user_data;
  MxrHandover *handover = gate->handover;
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);

  if (sample == NULL)
    return GST_FLOW_OK;
  GstBuffer *buffer = gst_sample_get_buffer (sample);
  g_mutex_lock (&handover->lock);
  if (gate->turn > handover->turn && !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT)) {
    handover->turn = gate->turn;
    release_locked (handover, 0, GST_BUFFER_PTS (buffer));
    g_queue_clear_full (&handover->held, (GDestroyNotify) gst_sample_unref);
  }
  if (gate->turn != 0 && gate->turn == handover->turn) {
    g_queue_push_tail (&handover->held, gst_sample_ref (sample));
    release_locked (handover, handover->turn == handover->n_turns ? 0 : HELD_PICTURES, GST_CLOCK_TIME_NONE);
  }
  g_mutex_unlock (&handover->lock);
  return GST_FLOW_OK;
}

GstElement *
mxr_units_new_bin (MxrHandover *handover, guint framerate, GError **error)
{
  g_autofree char *chain = g_strdup_printf (CHAIN, framerate);
  GstElement *bin = gst_parse_bin_from_description_full (chain, TRUE, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
  GstAppSinkCallbacks callbacks = { .new_sample = on_new_sample };

  if (bin == NULL)
    return NULL;
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (bin), "units");
  Gate *gate = gate_new (handover);
  gst_app_sink_set_callbacks (GST_APP_SINK (sink), &callbacks, gate, gate_free);
  g_object_set_data (G_OBJECT (bin), "gate", gate);
  return bin;
}

void
mxr_units_set_open (GstElement *bin, bool is_open)
{
  g_autoptr (GstElement) valve = gst_bin_get_by_name (GST_BIN (bin), "valve");
  Gate *gate = g_object_get_data (G_OBJECT (bin), "gate");

  g_mutex_lock (&gate->handover->lock);
  if (!is_open)
    gate->turn = 0;
  else if (gate->turn != 0 && gate->turn == gate->handover->turn) /* it still is: who was to be the next is not */
    gate->handover->n_turns = gate->turn;
  else
    gate->turn = ++gate->handover->n_turns;
  g_mutex_unlock (&gate->handover->lock);
  g_object_set (valve, "drop", !is_open, NULL);
}
