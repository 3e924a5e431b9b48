#include "tilemix-fixture.h"

#define RATE 30

static GstStaticPadTemplate sender_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-raw"));
static GstStaticPadTemplate receiver_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-raw"));

Rig *
rig_new (void)
{
  Rig *rig = g_new0 (Rig, 1);

  rig->mix = gst_object_ref_sink (gst_element_factory_make ("mxrtilemix", NULL));
  rig->clock = GST_TEST_CLOCK (gst_test_clock_new ());
  gst_element_set_clock (rig->mix, GST_CLOCK (rig->clock));
  gst_element_set_base_time (rig->mix, 0);
  g_assert_cmpint (gst_element_set_state (rig->mix, GST_STATE_PLAYING), !=, GST_STATE_CHANGE_FAILURE);
  rig_tick (rig, 1); /* tick 0: running time 0 */
  return rig;
}

void
rig_free (Rig *rig)
{
  gst_element_set_state (rig->mix, GST_STATE_NULL);
  gst_object_unref (rig->mix);
  gst_object_unref (rig->clock);
  g_free (rig);
}

/* When the mixer wants to go on. */
static GstClockTime
rig_next (Rig *rig)
{
  GstClockID id;

  gst_test_clock_wait_for_next_pending_id (rig->clock, &id);
  GstClockTime next = gst_clock_id_get_time (id);
  gst_clock_id_unref (id);
  return next;
}

void
rig_tick (Rig *rig, guint n)
{
  for (; n > 0; n--) {
    GstClockTime now = gst_util_uint64_scale (rig->n_ticks++, GST_SECOND, RATE);
    rig_next (rig); /* who was woken shall have seen the time when that was */
    if (gst_clock_get_time (GST_CLOCK (rig->clock)) < now)
      gst_test_clock_set_time (rig->clock, now);
    while (rig_next (rig) <= now)
      g_assert_true (gst_test_clock_crank (rig->clock));
  }
}

guint64
rig_stat (Rig *rig, const char *field)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 value = 0;

  g_object_get (rig->mix, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, field, &value));
  return value;
}

/* ---- Senders ---------------------------------------------------------------------------------------- */

Sender *
sender_new (Rig *rig)
{
  Sender *sender = g_new0 (Sender, 1);
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  sender->sink = gst_element_request_pad_simple (rig->mix, "sink_%u");
  sender->pad = gst_pad_new_from_static_template (&sender_template, "src");
  gst_pad_set_active (sender->pad, TRUE);
  g_assert_cmpint (gst_pad_link (sender->pad, sender->sink), ==, GST_PAD_LINK_OK);
  gst_pad_push_event (sender->pad, gst_event_new_stream_start ("sender"));
  sender_set_caps (sender, 64, 36, "");
  gst_pad_push_event (sender->pad, gst_event_new_segment (&segment));
  return sender;
}

void
sender_free (Rig *rig, Sender *sender)
{
  gst_pad_set_active (sender->pad, FALSE);
  gst_pad_unlink (sender->pad, sender->sink);
  gst_element_release_request_pad (rig->mix, sender->sink);
  gst_object_unref (sender->sink);
  gst_object_unref (sender->pad);
  g_free (sender);
}

void
sender_set_caps (Sender *sender, int width, int height, const char *fields)
{
  g_autofree char *text =
      g_strdup_printf ("video/x-raw,format=I420,width=%d,height=%d,framerate=30/1%s", width, height, fields);
  g_autoptr (GstCaps) caps = gst_caps_from_string (text);

  g_assert_true (gst_pad_push_event (sender->pad, gst_event_new_caps (caps)));
  sender->width = width;
  sender->height = height;
}

GstFlowReturn
sender_send (Sender *sender, GstBuffer *frame)
{
  return gst_pad_push (sender->pad, frame);
}

void
sender_show (Sender *sender, TestColour colour)
{
  GstBuffer *frame = test_frame_new (sender->width, sender->height, colour);
  g_assert_cmpint (sender_send (sender, frame), ==, GST_FLOW_OK);
}

/* ---- Receivers -------------------------------------------------------------------------------------- */

static GstFlowReturn
on_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Receiver *receiver = gst_pad_get_element_private (pad);

  g_mutex_lock (&receiver->lock);
  if (receiver->hold)
    g_queue_push_tail (&receiver->held, gst_buffer_ref (buffer));
  gst_clear_buffer (&receiver->picture);
  receiver->picture = buffer;
  receiver->n_pictures++;
  GstFlowReturn answer = receiver->answer;
  g_mutex_unlock (&receiver->lock);
  return answer;
}

static gboolean
on_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  Receiver *receiver = gst_pad_get_element_private (pad);

  if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS) {
    GstVideoInfo info;
    GstCaps *caps;
    gst_event_parse_caps (event, &caps);
    g_assert_true (gst_video_info_from_caps (&info, caps));
    g_mutex_lock (&receiver->lock);
    receiver->width = info.width;
    receiver->height = info.height;
    receiver->n_caps++;
    g_mutex_unlock (&receiver->lock);
  }
  gst_event_unref (event);
  return TRUE;
}

Receiver *
receiver_new (Rig *rig, int width, int height)
{
  Receiver *receiver = g_new0 (Receiver, 1);

  g_mutex_init (&receiver->lock);
  g_queue_init (&receiver->held);
  receiver->src = gst_element_request_pad_simple (rig->mix, "src_%u");
  g_object_set (receiver->src, "width", width, "height", height, "background", 0, NULL);
  receiver->pad = gst_pad_new_from_static_template (&receiver_template, "sink");
  gst_pad_set_element_private (receiver->pad, receiver);
  gst_pad_set_chain_function (receiver->pad, on_chain);
  gst_pad_set_event_function (receiver->pad, on_event);
  gst_pad_set_active (receiver->pad, TRUE);
  g_assert_cmpint (gst_pad_link (receiver->src, receiver->pad), ==, GST_PAD_LINK_OK);
  return receiver;
}

void
receiver_free (Rig *rig, Receiver *receiver)
{
  gst_pad_set_active (receiver->pad, FALSE);
  gst_pad_unlink (receiver->src, receiver->pad);
  gst_element_release_request_pad (rig->mix, receiver->src);
  gst_object_unref (receiver->src);
  gst_object_unref (receiver->pad);
  gst_clear_buffer (&receiver->picture);
  g_queue_clear_full (&receiver->held, (GDestroyNotify) gst_buffer_unref);
  g_mutex_clear (&receiver->lock);
  g_free (receiver);
}

TestColour
receiver_look (Receiver *receiver, int x, int y)
{
  g_mutex_lock (&receiver->lock);
  g_assert_nonnull (receiver->picture);
  TestColour colour = test_frame_look (receiver->picture, receiver->width, receiver->height, x, y);
  g_mutex_unlock (&receiver->lock);
  return colour;
}

guint
receiver_count (Receiver *receiver)
{
  g_mutex_lock (&receiver->lock);
  guint count = receiver->n_pictures;
  g_mutex_unlock (&receiver->lock);
  return count;
}
