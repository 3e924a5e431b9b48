/* How long an uplink waits for what is missing. Time is an argument. */

#include "mixroom/peer.h"

#include <glib/gstdio.h>

#define FIRST_MS 1000 /* arrival of the first packet */
#define FRAME_MS 33

typedef struct {
  char *dir;
  MxrFragments *fragments;
  MxrConfig *config;
  MxrDecodePool *pool;
  MxrPeerDelays *delays;
  MxrUplink *uplink;
  bool needs_keyframe;
} Fixture;

static void
on_keyframe_needed (gpointer user_data)
{
  Fixture *fixture = user_data;
  fixture->needs_keyframe = true;
}

static const MxrUplinkEvents events = { .on_keyframe_needed = on_keyframe_needed };

/* No decoder: what is sent here is no picture. */
static void
load_fragment (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  fixture->dir = g_dir_make_tmp ("uplink-XXXXXX", &error);
  g_assert_no_error (error);
  g_autofree char *path = g_build_filename (fixture->dir, "depay.gst", NULL);
  g_file_set_contents (path,
                       "#: kind = decode  #: codec = VP8  #: needs = rtpvp8depay\n"
                       "rtpvp8depay request-keyframe=true wait-for-keyframe=true\n",
                       -1, &error);
  g_assert_no_error (error);
  const char *dirs[] = { fixture->dir, NULL };
  fixture->fragments = mxr_fragments_load (dirs, &error);
  g_assert_no_error (error);
  g_unlink (path);
  g_rmdir (fixture->dir);
}

static void
fixture_init (Fixture *fixture, bool is_repaired)
{
  g_autoptr (GError) error = NULL;

  load_fragment (fixture);
  fixture->config = mxr_config_new ();
  fixture->pool = mxr_decode_pool_new (1);
  fixture->delays = mxr_peer_delays_new ();
  const MxrUplinkParams params = {
    .name = "uplink",
    .kind = MXR_RTP_VIDEO,
    .codec = "VP8",
    .payload_type = 96,
    .clock_rate = 90000,
    .is_repaired = is_repaired,
    .is_wanted = true,
    .decoder = mxr_fragments_find (fixture->fragments, "depay", MXR_FRAGMENT_DECODE, "VP8", &error),
    .config = fixture->config,
    .pool = fixture->pool,
    .delays = fixture->delays,
  };
  g_assert_no_error (error);
  fixture->uplink = mxr_uplink_new (&params, &events, fixture, NULL, &error);
  g_assert_no_error (error);
}

static void
fixture_clear (Fixture *fixture)
{
  mxr_uplink_close (fixture->uplink);
  mxr_uplink_unref (fixture->uplink);
  mxr_decode_pool_free (fixture->pool);
  mxr_peer_delays_unref (fixture->delays);
  mxr_fragments_free (fixture->fragments);
  mxr_config_free (fixture->config);
  g_free (fixture->dir);
}

/* One frame of one packet; the first is a key frame (RFC 7741 4.2, 4.3). */
static void
push_frame (Fixture *fixture, guint index)
{
  const guint32 timestamp = index * FRAME_MS * 90;
  const guint8 rtp[] = {
    0x80, 0x80 | 96, 0, (guint8) index,
    (guint8) (timestamp >> 24), (guint8) (timestamp >> 16), (guint8) (timestamp >> 8), (guint8) timestamp,
    0, 0, 0, 1,
    0x10, index == 0 ? 0x00 : 0x01, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0,
  };
  MxrRtpView view;
  g_assert_true (mxr_rtp_view_parse (&view, rtp, sizeof rtp));
  const MxrUplinkPacket packet = { .view = &view, .extended_seq = 65536 + index };
  g_assert_true (mxr_uplink_push (fixture->uplink, &packet, (FIRST_MS + index * FRAME_MS) * 1000));
}

/* Lets time pass from timer to timer. */
static guint
wait_for_keyframe_request_ms (Fixture *fixture)
{
  gint64 now_us = 0;
  gint64 due_us = mxr_uplink_poll (fixture->uplink, now_us);

  while (!fixture->needs_keyframe) {
    g_assert_cmpint (due_us, <, G_MAXINT64);
    now_us = due_us;
    due_us = mxr_uplink_poll (fixture->uplink, now_us);
  }
  return (guint) (now_us / 1000);
}

/* From the lost packet's time until it is given up. */
static guint
measure_patience_ms (bool is_repaired)
{
  Fixture fixture = { 0 };
  const guint lost = 5;

  fixture_init (&fixture, is_repaired);
  for (guint i = 0; i < 8; i++)
    if (i != lost)
      push_frame (&fixture, i);
  guint given_up_ms = wait_for_keyframe_request_ms (&fixture);
  fixture_clear (&fixture);
  return given_up_ms - (FIRST_MS + lost * FRAME_MS);
}

static void
test_waits_for_repair (void)
{
  guint patience_ms = measure_patience_ms (true);
  g_test_message ("%u ms", patience_ms);
  /* Two round trips of 100 ms; and no more than people take for a hitch. */
  g_assert_cmpuint (patience_ms, >=, 200);
  g_assert_cmpuint (patience_ms, <=, 300);
}

static void
test_without_repair_only_for_jitter (void)
{
  guint patience_ms = measure_patience_ms (false);
  g_test_message ("%u ms", patience_ms);
  g_assert_cmpuint (patience_ms, <=, 80);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/uplink/waits-for-repair", test_waits_for_repair);
  g_test_add_func ("/uplink/without-repair-only-for-jitter", test_without_repair_only_for_jitter);
  return g_test_run ();
}
