/* What a tap gets of an uplink: what was sent, in order, whether it is decoded or not. */

#include "tap.h"
#include "test-uplink.h"

#define FIRST ((guint64) 1 << 20)
#define BEGIN_US (1000 * MS)
#define FRAME_MS 20

static const char quick[] = "#: kind = decode  #: codec = VP8  #: needs = rtpvp8depay\n"
                            "rtpvp8depay request-keyframe=true wait-for-keyframe=true\n";

typedef struct {
  Room room;
  Chain chain;
  MxrTap *tap;
  bool refuses;
  guint n_units, n_packets, n_keyframes, n_freed;
  guint16 next_seq;
  guint last_mark; /* first byte behind the payload's head */
  GstClockTime time_ns, first_ns;
  guint width_px, height_px, parameters;
} Fixture;

static bool
on_unit (const MxrTapUnit *unit, gpointer user_data)
{
  Fixture *fixture = user_data;

  if (fixture->refuses)
    return false;
  for (guint i = 0; i < gst_buffer_list_length (unit->packets); i++) {
    guint8 bytes[14] = { 0 };
    gst_buffer_extract (gst_buffer_list_get (unit->packets, i), 0, bytes, sizeof bytes);
    g_assert_cmpuint ((guint) bytes[2] << 8 | bytes[3], ==, fixture->next_seq++);
    fixture->last_mark = bytes[13];
    fixture->n_packets++;
  }
  if (fixture->n_units > 0)
    g_assert_cmpuint (unit->time_ns, >, fixture->time_ns);
  else
    fixture->first_ns = unit->time_ns;
  fixture->time_ns = unit->time_ns;
  fixture->n_units++;
  fixture->n_keyframes += unit->is_keyframe;
  if (unit->is_keyframe) {
    fixture->width_px = unit->width_px;
    fixture->height_px = unit->height_px;
    fixture->parameters = unit->parameters;
  }
  return true;
}

static void
on_freed (gpointer user_data)
{
  Fixture *fixture = user_data;
  fixture->n_freed++;
}

static void
fixture_init (Fixture *fixture, gconstpointer unused)
{
  room_init (&fixture->room, 1, quick);
  fixture->tap = mxr_tap_new (on_unit, fixture, on_freed);
}

static void
fixture_clear (Fixture *fixture, gconstpointer unused)
{
  chain_clear (&fixture->chain);
  room_clear (&fixture->room); /* workers hold the uplink until then */
  g_assert_cmpuint (fixture->n_freed, ==, 0);
  mxr_tap_unref (fixture->tap);
  g_assert_cmpuint (fixture->n_freed, ==, 1);
}

/* ---- Sound ------------------------------------------------------------------------------------------------- */

static void
send_sound (Fixture *fixture, guint index, gint64 at_us)
{
  const guint8 payload[] = { 0xf8, (guint8) index, 0xfe };
  const TestPacket packet = { .seq = FIRST + index, .timestamp = index * 48 * FRAME_MS, .payload = payload,
                              .n_bytes = sizeof payload, .has_level = true, .level_dbov = -80 };
  g_assert_true (chain_push (&fixture->chain, &packet, at_us));
}

static gint64
at_us (guint index)
{
  return BEGIN_US + index * FRAME_MS * MS;
}

/* Nobody hears it, one packet of it comes late and another one never. */
static void
test_unheard_sound (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", false);
  mxr_uplink_set_tap (fixture->chain.uplink, fixture->tap);
  for (guint i = 0; i < 100; i++) {
    if (i == 30 || i == 60)
      continue;
    send_sound (fixture, i, at_us (i));
    if (i == 38) /* 160 ms late: too late for ears */
      send_sound (fixture, 30, at_us (i) + MS);
    mxr_uplink_poll (fixture->chain.uplink, at_us (i) + 2 * MS);
  }
  g_assert_cmpuint (fixture->n_units, ==, 99);
  g_assert_cmpuint (fixture->last_mark, ==, 99);
  g_assert_cmpuint (chain_stats (&fixture->chain).decoded, <, 3); /* before its level was known */
  g_assert_cmpuint (fixture->time_ns - fixture->first_ns, ==, 99 * FRAME_MS * GST_MSECOND);
}

/* It is heard from its 50th packet on, which begins with what was before: the tap gets nothing twice. */
static void
test_begins_to_be_heard (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", false);
  mxr_uplink_set_tap (fixture->chain.uplink, fixture->tap);
  for (guint i = 0; i < 100; i++) {
    mxr_uplink_set_wanted (fixture->chain.uplink, i >= 50);
    send_sound (fixture, i, at_us (i));
  }
  g_assert_cmpuint (fixture->n_units, ==, 100);
  g_assert_cmpuint (chain_stats (&fixture->chain).decoded, >=, 50);
}

/* Pauses of DTX are in the time. */
static void
test_silence (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", false);
  mxr_uplink_set_tap (fixture->chain.uplink, fixture->tap);
  for (guint i = 0; i < 10; i++) {
    const guint8 payload[] = { 0xf8, (guint8) i, 0xfe };
    const TestPacket packet = { .seq = FIRST + i, .timestamp = i * 48 * 400, .payload = payload, .n_bytes = sizeof payload };
    g_assert_true (chain_push (&fixture->chain, &packet, BEGIN_US + i * 400 * MS));
  }
  g_assert_cmpuint (fixture->n_units, ==, 10);
  g_assert_cmpuint (fixture->time_ns - fixture->first_ns, ==, 3600 * GST_MSECOND);
}

static void
test_ends (Fixture *fixture, gconstpointer unused)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_AUDIO, "opusdec", false);
  mxr_uplink_set_tap (fixture->chain.uplink, fixture->tap);
  send_sound (fixture, 0, at_us (0));
  mxr_uplink_set_tap (fixture->chain.uplink, NULL);
  send_sound (fixture, 1, at_us (1));
  g_assert_cmpuint (fixture->n_units, ==, 1);
}

/* ---- Pictures ------------------------------------------------------------------------------------------------ */

/* Two packets (RFC 7741 4.2, RFC 6386 9.1). */
static void
send_frame (Fixture *fixture, guint index, bool is_keyframe, bool has_hole)
{
  const guint8 first[] = { 0x10, is_keyframe ? 0 : 1, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 48, 0, 0 };
  const guint8 next[] = { 0x00, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };

  for (guint i = 0; i < 2; i++) {
    const TestPacket packet = { .seq = FIRST + 2 * index + i, .timestamp = index * 90 * FRAME_MS, .marker = i == 1,
                                .payload = i == 0 ? first : next, .n_bytes = sizeof first };
    if (i == 0 || !has_hole)
      g_assert_true (chain_push (&fixture->chain, &packet, at_us (index)));
  }
}

static void
begin_picture (Fixture *fixture, bool is_wanted)
{
  chain_init (&fixture->chain, &fixture->room, MXR_RTP_VIDEO, "test", is_wanted);
  mxr_uplink_set_tap (fixture->chain.uplink, fixture->tap);
  g_assert_cmpuint (fixture->chain.n_keyframe_requests, >=, 1);
}

static void
test_unseen_picture (Fixture *fixture, gconstpointer unused)
{
  begin_picture (fixture, false);
  for (guint i = 0; i < 50; i++)
    send_frame (fixture, i, i == 3 || i == 40, false);
  g_assert_cmpuint (fixture->n_units, ==, 47); /* from the first key frame on */
  g_assert_cmpuint (fixture->n_packets, ==, 94);
  g_assert_cmpuint (fixture->n_keyframes, ==, 2);
  g_assert_cmpuint (fixture->width_px, ==, 64);
  g_assert_cmpuint (fixture->height_px, ==, 48);
  g_assert_cmpuint (fixture->parameters, ==, 0); /* of H.264 alone */
  g_assert_cmpuint (chain_stats (&fixture->chain).decoded, ==, 0);
}

/* What lacks a packet, and what needs it, is left out for everybody. */
static void
test_broken_frame (Fixture *fixture, gconstpointer is_wanted)
{
  begin_picture (fixture, is_wanted != NULL);
  for (guint i = 0; i < 60; i++)
    send_frame (fixture, i, i == 0 || i == 50, i == 20);
  mxr_uplink_poll (fixture->chain.uplink, at_us (60));
  g_assert_cmpuint (fixture->n_units, ==, 30);
  g_assert_cmpuint (fixture->n_keyframes, ==, 2);
  if (is_wanted != NULL)
    g_assert_cmpuint (chain_stats (&fixture->chain).decoded, ==, 30);
}

/* Who does not take a frame gets none before the next key frame, which is asked for seldom. */
static void
test_refused_frame (Fixture *fixture, gconstpointer unused)
{
  begin_picture (fixture, false);
  for (guint i = 0; i < 100; i++) {
    fixture->refuses = i == 10;
    send_frame (fixture, i, i == 0 || i == 90, false);
  }
  g_assert_cmpuint (fixture->n_units, ==, 20);
  g_assert_cmpuint (fixture->chain.n_keyframe_requests, <=, 4);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(name, data, func) g_test_add ("/tap/" name, Fixture, data, fixture_init, func, fixture_clear)
  ADD ("unheard-sound", NULL, test_unheard_sound);
  ADD ("begins-to-be-heard", NULL, test_begins_to_be_heard);
  ADD ("silence", NULL, test_silence);
  ADD ("ends", NULL, test_ends);
  ADD ("unseen-picture", NULL, test_unseen_picture);
  ADD ("broken-frame-unseen", NULL, test_broken_frame);
  ADD ("broken-frame-seen", "wanted", test_broken_frame);
  ADD ("refused-frame", NULL, test_refused_frame);
#undef ADD
  return g_test_run ();
}
