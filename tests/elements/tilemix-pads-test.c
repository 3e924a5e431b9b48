/* How mxrtilemix behaves towards its neighbours: pads that come and go, events, queries, states, time. */
#include "tilemix-fixture.h"

#include <gst/video/video.h>
#include <string.h>

static const MxrTile whole = { 0, 0, 0, 320, 180, 0 };

/* ---- Time ------------------------------------------------------------------------------------------- */

static GstClockTime
last_pts (Receiver *receiver)
{
  g_mutex_lock (&receiver->lock);
  GstClockTime pts = GST_BUFFER_PTS (receiver->picture);
  g_mutex_unlock (&receiver->lock);
  return pts;
}

static void
test_rates (void)
{
  static const struct {
    int n, d;
    guint pictures; /* in 60 ticks of 30 per second, the first one not counted */
  } cases[] = { { 30, 1, 60 }, { 15, 1, 30 }, { 20, 1, 40 },      { 10, 1, 20 },
                { 60, 1, 60 }, { 1, 1, 2 },   { 30000, 1001, 60 } };
  Rig *rig = rig_new ();
  Sender *sender = sender_new (rig);
  Receiver *receivers[G_N_ELEMENTS (cases)];

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    receivers[i] = receiver_new (rig, 320, 180);
    g_object_set (receivers[i]->src, "framerate", cases[i].n, cases[i].d, NULL);
    mxr_tilemix_set_tiles (rig->mix, receivers[i]->src, &whole, 1);
  }
  for (guint tick = 1; tick <= 61; tick++) {
    sender_show (sender, test_colour_of (tick % 49));
    rig_tick (rig, 1);
  }
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("%d/%d: %u", cases[i].n, cases[i].d, receiver_count (receivers[i]));
    g_assert_cmpuint (receiver_count (receivers[i]), >=, cases[i].pictures);
    g_assert_cmpuint (receiver_count (receivers[i]), <=, cases[i].pictures + 2);
  }
  g_assert_cmpuint (last_pts (receivers[0]), ==, gst_util_uint64_scale (61, GST_SECOND, 30));
  sender_free (rig, sender);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    receiver_free (rig, receivers[i]);
  rig_free (rig);
}

static void
test_missed_ticks_keep_the_grid (void)
{
  Rig *rig = rig_new ();
  Sender *sender = sender_new (rig);
  Receiver *receiver = receiver_new (rig, 320, 180);

  mxr_tilemix_set_tiles (rig->mix, receiver->src, &whole, 1);
  sender_show (sender, test_colour_of (1));
  rig_tick (rig, 1);
  gst_test_clock_set_time (rig->clock, GST_SECOND + 5 * GST_MSECOND);
  sender_show (sender, test_colour_of (2));
  gst_clock_id_unref (gst_test_clock_process_next_clock_id (rig->clock));
  gst_test_clock_wait_for_next_pending_id (rig->clock, NULL);
  g_assert_cmpuint (last_pts (receiver), ==, GST_SECOND);
  g_assert_cmpuint (receiver_count (receiver), ==, 2);
  g_assert_cmpuint (rig_stat (rig, "missed"), ==, 28);
  sender_free (rig, sender);
  receiver_free (rig, receiver);
  rig_free (rig);
}

/* ---- Rest ------------------------------------------------------------------------------------------- */

/* Whatever comes in: as long as nobody looks, the thread is not woken for it. */
static void
test_nobody_looks (void)
{
  Rig *rig = rig_new ();
  Sender *sender = sender_new (rig);

  for (guint i = 0; i < 100; i++) {
    sender_show (sender, test_colour_of (i % 49));
    rig_tick (rig, 1);
  }
  g_assert_cmpuint (rig_stat (rig, "ticks"), <=, 2);
  Receiver *receiver = receiver_new (rig, 320, 180);
  mxr_tilemix_set_tiles (rig->mix, receiver->src, &whole, 1);
  rig_tick (rig, 1);
  g_assert_cmpuint (receiver_count (receiver), ==, 1);
  g_assert_cmpuint (last_pts (receiver), ==, gst_util_uint64_scale (101, GST_SECOND, 30));
  g_assert_cmpint (test_colour_nearest (receiver_look (receiver, 160, 90)), ==, 99 % 49);
  g_assert_cmpuint (rig_stat (rig, "missed"), ==, 0);

  gst_pad_unlink (receiver->src, receiver->pad);
  guint64 n_ticks = rig_stat (rig, "ticks");
  rig_tick (rig, 100);
  g_assert_cmpuint (rig_stat (rig, "ticks"), <=, n_ticks + 1);
  gst_pad_link (receiver->src, receiver->pad);
  sender_free (rig, sender);
  receiver_free (rig, receiver);
  rig_free (rig);
}

/* A view that does not change is looked at half a second long, and then once a second. */
static void
test_nothing_moves (void)
{
  Rig *rig = rig_new ();
  Sender *sender = sender_new (rig);
  Receiver *receiver = receiver_new (rig, 320, 180);

  g_object_set (sender->sink, "stale-after", 0, NULL);
  mxr_tilemix_set_tiles (rig->mix, receiver->src, &whole, 1);
  sender_show (sender, test_colour_of (1));
  rig_tick (rig, 1);
  guint64 n_ticks = rig_stat (rig, "ticks");
  rig_tick (rig, 300);
  g_assert_cmpuint (receiver_count (receiver), ==, 11);
  g_assert_cmpuint (rig_stat (rig, "ticks") - n_ticks, <=, 25);
  g_assert_cmpuint (rig_stat (rig, "missed"), ==, 0);
  sender_free (rig, sender);
  receiver_free (rig, receiver);
  rig_free (rig);
}

typedef void (*ChangeFunc) (Rig *rig, Sender *sender, Receiver *receiver);

static void
change_frame (Rig *rig, Sender *sender, Receiver *receiver)
{
  sender_show (sender, test_colour_of (3));
}

static void
change_video (Rig *rig, Sender *sender, Receiver *receiver)
{
  g_object_set (sender->sink, "video", FALSE, NULL);
}

static void
change_title (Rig *rig, Sender *sender, Receiver *receiver)
{
  g_object_set (sender->sink, "title", "Somebody else", NULL);
}

static void
change_tiles (Rig *rig, Sender *sender, Receiver *receiver)
{
  const MxrTile half = { 0, 0, 0, 160, 90, 0 };
  mxr_tilemix_set_tiles (rig->mix, receiver->src, &half, 1);
}

static void
change_size (Rig *rig, Sender *sender, Receiver *receiver)
{
  g_object_set (receiver->src, "width", 640, NULL);
}

static void
change_end (Rig *rig, Sender *sender, Receiver *receiver)
{
  gst_pad_push_event (sender->pad, gst_event_new_eos ());
}

static void
change_release (Rig *rig, Sender *sender, Receiver *receiver)
{
  sender_free (rig, sender);
}

static void
change_skip (Rig *rig, Sender *sender, Receiver *receiver)
{
  g_object_set (rig->mix, "skip-unchanged", FALSE, NULL);
}

/* An encoder has nothing to make a key frame of before it gets a picture. */
static void
ask_for_keyframe (Rig *rig, Sender *sender, Receiver *receiver)
{
  gst_pad_push_event (receiver->pad, gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE, TRUE, 0));
}

/* Whatever changes while it sleeps is shown at the next point of the grid. */
static void
test_each_change_ends_the_rest (void)
{
  static const ChangeFunc changes[] = { change_frame, change_video, change_title,   change_tiles,
                                        change_size,  change_end,   change_release, change_skip,
                                        ask_for_keyframe };

  for (guint i = 0; i < G_N_ELEMENTS (changes); i++) {
    Rig *rig = rig_new ();
    Sender *sender = sender_new (rig);
    Receiver *receiver = receiver_new (rig, 320, 180);
    g_object_set (sender->sink, "stale-after", 0, NULL);
    g_object_set (receiver->src, "labels", TRUE, NULL);
    g_object_set (sender->sink, "title", "Somebody", NULL);
    mxr_tilemix_set_tiles (rig->mix, receiver->src, &whole, 1);
    sender_show (sender, test_colour_of (1));
    rig_tick (rig, 100); /* the last ten lie between two repetitions */
    guint n_pictures = receiver_count (receiver);
    guint64 n_ticks = rig_stat (rig, "ticks");
    rig_tick (rig, 3);
    g_assert_cmpuint (rig_stat (rig, "ticks"), ==, n_ticks);
    changes[i](rig, sender, receiver);
    rig_tick (rig, 1);
    g_test_message ("change %u", i);
    g_assert_cmpuint (receiver_count (receiver), ==, n_pictures + 1);
    g_assert_cmpuint (last_pts (receiver), ==, gst_util_uint64_scale (104, GST_SECOND, 30));
    if (changes[i] != change_release)
      sender_free (rig, sender);
    receiver_free (rig, receiver);
    rig_free (rig);
  }
}

/* One picture in four seconds; and whoever needs one at once does not wait for so long. */
static void
test_slides (void)
{
  Rig *rig = rig_new ();
  Sender *sender = sender_new (rig);
  Receiver *receiver = receiver_new (rig, 320, 180);

  g_object_set (receiver->src, "framerate", 1, 4, NULL);
  mxr_tilemix_set_tiles (rig->mix, receiver->src, &whole, 1);
  for (guint i = 0; i < 200; i++) {
    sender_show (sender, test_colour_of (i % 3));
    rig_tick (rig, 1);
  }
  g_assert_cmpuint (receiver_count (receiver), ==, 2);
  ask_for_keyframe (rig, sender, receiver);
  rig_tick (rig, 1);
  g_assert_cmpuint (receiver_count (receiver), ==, 3);
  rig_tick (rig, 60);
  g_assert_cmpuint (receiver_count (receiver), ==, 4); /* its grid is where it was */
  sender_free (rig, sender);
  receiver_free (rig, receiver);
  rig_free (rig);
}

/* Nothing comes any more, which nobody tells: the avatar comes in time all the same. */
static void
test_becomes_stale_at_rest (void)
{
  Rig *rig = rig_new ();
  Sender *sender = sender_new (rig);
  Receiver *receiver = receiver_new (rig, 320, 180);

  g_object_set (rig->mix, "idle-interval", 60000, NULL);
  g_object_set (sender->sink, "stale-after", 2000, NULL);
  mxr_tilemix_set_tiles (rig->mix, receiver->src, &whole, 1);
  sender_show (sender, test_colour_of (1));
  rig_tick (rig, 60);
  g_assert_cmpuint (receiver_count (receiver), ==, 1);
  rig_tick (rig, 1);
  g_assert_cmpuint (receiver_count (receiver), ==, 2);
  g_assert_cmpuint (rig_stat (rig, "avatars"), ==, 1);
  sender_free (rig, sender);
  receiver_free (rig, receiver);
  rig_free (rig);
}

/* ---- Delays ----------------------------------------------------------------------------------------- */

static void
test_delays (void)
{
  Rig *rig = rig_new ();
  Sender *sender = sender_new (rig), *unseen = sender_new (rig);
  Receiver *receivers[2] = { receiver_new (rig, 320, 180), receiver_new (rig, 320, 180) };
  MxrDelayCounts wait, compose;

  for (guint i = 0; i < 2; i++)
    mxr_tilemix_set_tiles (rig->mix, receivers[i]->src, &whole, 1);
  rig_tick (rig, 2); /* 2 / 30 s have passed */
  sender_show (unseen, test_colour_of (1));
  sender_show (sender, test_colour_of (2)); /* replaced before it is seen */
  gst_test_clock_set_time (rig->clock, 90 * GST_MSECOND);
  sender_show (sender, test_colour_of (3)); /* 10 ms before the grid point */
  mxr_tilemix_read_delay (rig->mix, MXR_TILEMIX_DELAY_COMPOSE, &compose);
  guint64 n_composed = compose.n;
  rig_tick (rig, 5);
  mxr_tilemix_read_delay (rig->mix, MXR_TILEMIX_DELAY_WAIT, &wait);
  mxr_tilemix_read_delay (rig->mix, MXR_TILEMIX_DELAY_COMPOSE, &compose);
  g_assert_cmpuint (wait.n, ==, 1); /* not once for each view, not again while it stands */
  g_assert_cmpint (wait.sum_us, ==, 10000);
  g_assert_cmpuint (compose.n, ==, n_composed + 2);
  sender_free (rig, sender);
  sender_free (rig, unseen);
  for (guint i = 0; i < 2; i++)
    receiver_free (rig, receivers[i]);
  rig_free (rig);
}

/* ---- Events and queries ----------------------------------------------------------------------------- */

static void
test_events (void)
{
  Rig *rig = rig_new ();
  Sender *sender = sender_new (rig);
  Receiver *receiver = receiver_new (rig, 320, 180);
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  mxr_tilemix_set_tiles (rig->mix, receiver->src, &whole, 1);
  sender_show (sender, test_colour_of (1));
  rig_tick (rig, 1);
  g_assert_true (gst_pad_push_event (sender->pad, gst_event_new_gap (0, GST_SECOND)));
  g_assert_true (gst_pad_push_event (sender->pad, gst_event_new_flush_start ()));
  rig_tick (rig, 1);
  g_assert_true (gst_pad_push_event (sender->pad, gst_event_new_flush_stop (TRUE)));
  gst_pad_push_event (sender->pad, gst_event_new_segment (&segment));
  rig_tick (rig, 1);
  sender_show (sender, test_colour_of (2));
  rig_tick (rig, 1);
  g_assert_cmpint (test_colour_nearest (receiver_look (receiver, 160, 90)), ==, 2);
  g_assert_true (gst_pad_push_event (sender->pad, gst_event_new_eos ()));
  rig_tick (rig, 1);
  gst_pad_push_event (sender->pad, gst_event_new_stream_start ("again"));
  gst_pad_push_event (sender->pad, gst_event_new_segment (&segment));
  sender_show (sender, test_colour_of (3));
  rig_tick (rig, 1);
  g_assert_cmpint (test_colour_nearest (receiver_look (receiver, 160, 90)), ==, 3);
  g_assert_true (
      gst_pad_push_event (receiver->pad, gst_video_event_new_upstream_force_key_unit (0, TRUE, 1)));
  g_assert_false (
      gst_pad_push_event (receiver->pad, gst_event_new_seek (1, GST_FORMAT_TIME, 0, GST_SEEK_TYPE_SET, 0,
                                                             GST_SEEK_TYPE_NONE, 0)));
  g_assert_null (gst_pad_get_sticky_event (receiver->pad, GST_EVENT_EOS, 0));
  sender_free (rig, sender);
  receiver_free (rig, receiver);
  rig_free (rig);
}

static void
test_queries_and_caps (void)
{
  Rig *rig = rig_new ();
  Receiver *receiver = receiver_new (rig, 321, 181);
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  g_autoptr (GstCaps) right =
      gst_caps_from_string ("video/x-raw,format=I420,width=320,height=180,framerate=15/1");
  gboolean live;
  GstClockTime min_ns;

  g_object_set (receiver->src, "framerate", 15, 1, NULL);
  g_assert_true (gst_pad_peer_query (receiver->pad, query));
  gst_query_parse_latency (query, &live, &min_ns, NULL);
  g_assert_true (live);
  g_assert_cmpuint (min_ns, ==, GST_SECOND / 30);
  g_autoptr (GstCaps) offered = gst_pad_peer_query_caps (receiver->pad, NULL);
  g_assert_true (gst_caps_is_fixed (offered) && gst_caps_is_subset (offered, right));

  rig_tick (rig, 2);
  g_autoptr (GstCaps) sent = gst_pad_get_current_caps (receiver->pad);
  g_assert_true (gst_caps_is_equal (sent, offered));
  g_assert_nonnull (receiver->picture); /* nothing to show is a picture, too */
  g_object_set (receiver->src, "width", 640, "height", 360, NULL);
  rig_tick (rig, 2);
  g_assert_cmpint (receiver->width, ==, 640);
  g_assert_cmpuint (gst_buffer_get_size (receiver->picture), ==, 640 * 360 * 3 / 2);
  g_assert_cmpuint (receiver->n_caps, ==, 2);
  receiver_free (rig, receiver);
  rig_free (rig);
}

static void
test_properties (void)
{
  Rig *rig = rig_new ();
  Receiver *receiver = receiver_new (rig, 320, 180);
  Sender *sender = sender_new (rig);
  g_autofree char *title = NULL;
  GValue value = G_VALUE_INIT, back = G_VALUE_INIT;
  /* Not a literal: GStreamer writes into it while it parses. */
  char layout[] =
      "<(GstStructure)[tile,sink=0,x=2,y=4,w=100,h=50,z=7],(GstStructure)[tile,sink=(uint)5,w=10,h=10]>";

  g_value_init (&value, GST_TYPE_ARRAY);
  g_assert_true (gst_value_deserialize (&value, layout));
  g_object_set_property (G_OBJECT (receiver->src), "tiles", &value);
  g_value_init (&back, GST_TYPE_ARRAY);
  g_object_get_property (G_OBJECT (receiver->src), "tiles", &back);
  g_assert_cmpuint (gst_value_array_get_size (&back), ==, 2);
  const GstStructure *front = gst_value_get_structure (gst_value_array_get_value (&back, 1));
  g_autofree char *text = gst_structure_to_string (front);
  g_assert_cmpstr (
      text, ==,
      "tile, sink=(uint)0, x=(int)2, y=(int)4, w=(int)100, h=(int)50, z=(int)7;"); /* in drawing order */
  g_value_unset (&value);
  g_value_unset (&back);

  gst_child_proxy_set (GST_CHILD_PROXY (rig->mix), "sink_0::title", "  bad \xff\xfe bytes  ", NULL);
  gst_child_proxy_get (GST_CHILD_PROXY (rig->mix), "sink_0::title", &title, NULL);
  g_assert_true (g_utf8_validate (title, -1, NULL));
  g_assert_true (g_str_has_prefix (title, "bad"));
  mxr_tilemix_set_tiles (rig->mix, receiver->src, &whole, 1);
  rig_tick (rig, 1);
  sender_free (rig, sender);
  receiver_free (rig, receiver);
  rig_free (rig);
}

/* ---- Pads and states -------------------------------------------------------------------------------- */

static void
test_pads_in_every_state (void)
{
  static const GstState states[] = { GST_STATE_NULL,   GST_STATE_READY,   GST_STATE_PAUSED, GST_STATE_PLAYING,
                                     GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_READY,  GST_STATE_PLAYING,
                                     GST_STATE_NULL,   GST_STATE_PLAYING };
  Rig *rig = rig_new ();

  for (guint i = 0; i < G_N_ELEMENTS (states); i++) {
    gst_element_set_state (rig->mix, states[i]);
    GstPad *sink = gst_element_request_pad_simple (rig->mix, "sink_%u");
    GstPad *named = gst_element_request_pad_simple (rig->mix, "sink_77");
    GstPad *src = gst_element_request_pad_simple (rig->mix, "src_%u");
    g_assert_true (sink != NULL && named != NULL && src != NULL);
    g_assert_cmpint (gst_pad_is_active (sink), ==, states[i] >= GST_STATE_PAUSED);
    mxr_tilemix_set_tiles (rig->mix, src, &whole, 1);
    if (states[i] == GST_STATE_PLAYING) {
      gst_test_clock_wait_for_next_pending_id (rig->clock, NULL);
      rig_tick (rig, 2);
    }
    gst_element_release_request_pad (rig->mix, sink);
    gst_element_release_request_pad (rig->mix, src);
    gst_element_release_request_pad (rig->mix, named);
    gst_object_unref (sink);
    gst_object_unref (named);
    gst_object_unref (src);
  }
  g_assert_null (gst_element_request_pad_simple (rig->mix, "sink_99999999999"));
  rig_free (rig);
}

static void
test_stop_and_start_again (void)
{
  Rig *rig = rig_new ();
  Sender *sender = sender_new (rig);
  Receiver *receiver = receiver_new (rig, 320, 180);

  mxr_tilemix_set_tiles (rig->mix, receiver->src, &whole, 1);
  for (guint round = 0; round < 5; round++) {
    gst_element_set_state (rig->mix, round % 2 == 0 ? GST_STATE_READY : GST_STATE_PAUSED);
    gst_element_set_state (rig->mix, GST_STATE_PLAYING);
    gst_test_clock_wait_for_next_pending_id (rig->clock, NULL);
    guint count = receiver_count (receiver);
    sender_show (sender, test_colour_of (round));
    rig_tick (rig, 1);
    g_assert_cmpuint (receiver_count (receiver), >, count);
    g_assert_cmpint (test_colour_nearest (receiver_look (receiver, 160, 90)), ==, (int) round);
  }
  sender_free (rig, sender);
  receiver_free (rig, receiver);
  rig_free (rig);
}

static void
test_a_bad_view_does_not_stop_the_others (void)
{
  Rig *rig = rig_new ();
  Sender *sender = sender_new (rig);
  Receiver *bad = receiver_new (rig, 320, 180), *good = receiver_new (rig, 320, 180);
  GstPad *unlinked = gst_element_request_pad_simple (rig->mix, "src_%u");
  static const GstFlowReturn answers[] = { GST_FLOW_NOT_LINKED, GST_FLOW_FLUSHING, GST_FLOW_EOS };

  mxr_tilemix_set_tiles (rig->mix, good->src, &whole, 1);
  mxr_tilemix_set_tiles (rig->mix, bad->src, &whole, 1);
  mxr_tilemix_set_tiles (rig->mix, unlinked, &whole, 1);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++) {
    bad->answer = answers[i];
    guint n_bad = receiver_count (bad), n_good = receiver_count (good);
    for (guint tick = 0; tick < 3; tick++) {
      sender_show (sender, test_colour_of (i + tick));
      rig_tick (rig, 1);
    }
    g_assert_cmpuint (receiver_count (good), ==, n_good + 3);
    g_assert_cmpuint (receiver_count (bad), ==, n_bad + (answers[i] == GST_FLOW_EOS ? 1 : 3));
  }
  gst_element_release_request_pad (rig->mix, unlinked);
  gst_object_unref (unlinked);
  sender_free (rig, sender);
  receiver_free (rig, bad);
  receiver_free (rig, good);
  rig_free (rig);
}

/* Whoever links late gets a picture at the next tick, though nothing changed. */
static void
test_relinking_shows_at_once (void)
{
  Rig *rig = rig_new ();
  Sender *sender = sender_new (rig);
  Receiver *receiver = receiver_new (rig, 320, 180);

  mxr_tilemix_set_tiles (rig->mix, receiver->src, &whole, 1);
  sender_show (sender, test_colour_of (1));
  rig_tick (rig, 3);
  g_assert_cmpuint (receiver_count (receiver), ==, 1);
  gst_pad_unlink (receiver->src, receiver->pad);
  rig_tick (rig, 1);
  g_assert_cmpint (gst_pad_link (receiver->src, receiver->pad), ==, GST_PAD_LINK_OK);
  rig_tick (rig, 1);
  g_assert_cmpuint (receiver_count (receiver), ==, 2);
  sender_free (rig, sender);
  receiver_free (rig, receiver);
  rig_free (rig);
}

/* ---- Churn ------------------------------------------------------------------------------------------ */

#define N_PADS 24

typedef struct {
  GstElement *mix;
  GMutex locks[N_PADS]; /* each guards one sender */
  Sender *senders[N_PADS];
  gint stop;
} Churn;

static gpointer
send_frames (gpointer data)
{
  Churn *churn = data;

  for (guint k = 0; g_atomic_int_get (&churn->stop) == 0; k++) {
    guint i = k % N_PADS;
    g_mutex_lock (&churn->locks[i]);
    if (churn->senders[i] != NULL)
      gst_pad_push (churn->senders[i]->pad,
                    test_frame_new (churn->senders[i]->width, churn->senders[i]->height,
                                    test_colour_of (k % TEST_COLOURS_MAX)));
    g_mutex_unlock (&churn->locks[i]);
    g_usleep (1000);
  }
  return NULL;
}

static void
churn_once (Rig *rig, Churn *churn, GRand *rand, GstPad *view)
{
  guint i = g_rand_int_range (rand, 0, N_PADS);

  g_mutex_lock (&churn->locks[i]);
  if (churn->senders[i] != NULL) {
    sender_free (rig, churn->senders[i]);
    churn->senders[i] = NULL;
  } else {
    churn->senders[i] = sender_new (rig);
    sender_set_caps (churn->senders[i], g_rand_int_range (rand, 2, 300), g_rand_int_range (rand, 2, 300), "");
    g_object_set (churn->senders[i]->sink, "title", i % 2 ? "Ada Lovelace" : "", NULL);
  }
  g_mutex_unlock (&churn->locks[i]);
  if (g_rand_int_range (rand, 0, 10) > 0)
    return;
  MxrTile tiles[N_PADS];
  for (guint k = 0; k < N_PADS; k++)
    tiles[k] = (MxrTile){ 0, (int) (k % 6) * 106, (int) (k / 6) * 90, 106, 90, 0 };
  guint n_tiles = 0;
  for (guint k = 0; k < N_PADS; k++) {
    g_mutex_lock (&churn->locks[k]);
    if (churn->senders[k] != NULL)
      tiles[n_tiles++].sink = (guint) g_ascii_strtoull (GST_PAD_NAME (churn->senders[k]->sink) + 5, NULL, 10);
    g_mutex_unlock (&churn->locks[k]);
  }
  mxr_tilemix_set_tiles (rig->mix, view, tiles, n_tiles);
}

static void
test_churn (void)
{
  guint seconds = g_getenv ("MIXROOM_LONG") != NULL ? 10 : 3;
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  g_autoptr (GstClock) clock = gst_system_clock_obtain ();
  Churn churn = { .stop = 0 };
  Rig rig = { .mix = gst_object_ref_sink (gst_element_factory_make ("mxrtilemix", NULL)) };

  churn.mix = rig.mix;
  gst_element_set_clock (rig.mix, clock);
  gst_element_set_base_time (rig.mix, gst_clock_get_time (clock));
  g_object_set (rig.mix, "skip-unchanged", FALSE, NULL);
  gst_element_set_state (rig.mix, GST_STATE_PLAYING);
  Receiver *steady = receiver_new (&rig, 640, 360), *coming = NULL;
  for (guint i = 0; i < N_PADS; i++)
    g_mutex_init (&churn.locks[i]);
  GThread *senders[] = { g_thread_new ("send", send_frames, &churn),
                         g_thread_new ("send", send_frames, &churn) };

  gint64 begin_us = g_get_monotonic_time ();
  for (guint k = 0; g_get_monotonic_time () - begin_us < seconds * G_USEC_PER_SEC; k++) {
    churn_once (&rig, &churn, rand, steady->src);
    if (k % 5 == 0) { /* views come and go as well */
      if (coming != NULL)
        receiver_free (&rig, coming);
      coming = k % 10 == 0 ? receiver_new (&rig, 320, 180) : NULL;
    }
    g_usleep (2000);
  }
  guint64 n_ticks = rig_stat (&rig, "ticks"), n_missed = rig_stat (&rig, "missed");
  g_test_message ("%" G_GUINT64_FORMAT " ticks, %" G_GUINT64_FORMAT " missed, %u pictures", n_ticks, n_missed,
                  receiver_count (steady));
  g_assert_cmpuint (n_ticks + n_missed + 2, >=, seconds * 30);
  g_assert_cmpuint (receiver_count (steady) + n_missed + 2, >=, seconds * 30); /* cadence kept */
  /* A busy machine under the sanitizers misses some; a task that waits for its pads misses nearly all. */
  g_assert_cmpuint (n_missed, <=, seconds * 30 / 2);

  g_atomic_int_set (&churn.stop, 1);
  for (guint i = 0; i < G_N_ELEMENTS (senders); i++)
    g_thread_join (senders[i]);
  for (guint i = 0; i < N_PADS; i++) {
    if (churn.senders[i] != NULL)
      sender_free (&rig, churn.senders[i]);
    g_mutex_clear (&churn.locks[i]);
  }
  if (coming != NULL)
    receiver_free (&rig, coming);
  receiver_free (&rig, steady);
  gst_element_set_state (rig.mix, GST_STATE_NULL);
  gst_object_unref (rig.mix);
}

/* ---- The documentation's example -------------------------------------------------------------------- */

static void
test_documented_line_runs (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("MIXROOM_SOURCE_ROOT"), "src/elements/tilemix.c", NULL);
  g_autofree char *source = NULL;
  g_auto (GStrv) environment = g_get_environ ();
  g_autoptr (GError) error = NULL;
  int status = -1;

#ifdef __SANITIZE_ADDRESS__
  g_test_skip ("gst-launch-1.0 would have to preload the sanitizer");
  return;
#endif
  g_assert_true (g_file_get_contents (path, &source, NULL, NULL));
  char *begin = strstr (source, "|["), *end = strstr (source, "]|");
  g_assert_true (begin != NULL && end > begin);
  *end = '\0';
  g_auto (GStrv) lines = g_strsplit (begin + 2, "\n *", -1);
  g_autofree char *line = g_strjoinv ("", lines);
  char *argv[] = { (char *) "/bin/sh", (char *) "-c", line, NULL };
  environment = g_environ_setenv (environment, "GST_PLUGIN_PATH", g_getenv ("MIXROOM_PLUGIN_DIR"), TRUE);
  environment = g_environ_unsetenv (environment, "GST_TRACERS");
  g_assert_true (g_spawn_sync (NULL, argv, environment, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, NULL,
                               &status, &error));
  g_assert_true (g_spawn_check_wait_status (status, &error));
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  mxr_elements_register (NULL);
  g_test_add_func ("/tilemix-pads/rates", test_rates);
  g_test_add_func ("/tilemix-pads/missed-ticks-keep-the-grid", test_missed_ticks_keep_the_grid);
  g_test_add_func ("/tilemix-pads/nobody-looks", test_nobody_looks);
  g_test_add_func ("/tilemix-pads/nothing-moves", test_nothing_moves);
  g_test_add_func ("/tilemix-pads/each-change-ends-the-rest", test_each_change_ends_the_rest);
  g_test_add_func ("/tilemix-pads/slides", test_slides);
  g_test_add_func ("/tilemix-pads/becomes-stale-at-rest", test_becomes_stale_at_rest);
  g_test_add_func ("/tilemix-pads/delays", test_delays);
  g_test_add_func ("/tilemix-pads/events", test_events);
  g_test_add_func ("/tilemix-pads/queries-and-caps", test_queries_and_caps);
  g_test_add_func ("/tilemix-pads/properties", test_properties);
  g_test_add_func ("/tilemix-pads/pads-in-every-state", test_pads_in_every_state);
  g_test_add_func ("/tilemix-pads/stop-and-start-again", test_stop_and_start_again);
  g_test_add_func ("/tilemix-pads/a-bad-view-does-not-stop-the-others",
                   test_a_bad_view_does_not_stop_the_others);
  g_test_add_func ("/tilemix-pads/relinking-shows-at-once", test_relinking_shows_at_once);
  g_test_add_func ("/tilemix-pads/churn", test_churn);
  g_test_add_func ("/tilemix-pads/documented-line-runs", test_documented_line_runs);
  int result = g_test_run ();
  gst_deinit ();
  return result;
}
