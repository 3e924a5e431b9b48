/* A downlink over a simulated way: a picture and a sound through the pacer and a session, a link that carries so much and
 * holds so much, and a client's session that answers with the feedback of its own arrivals. Times are simulated. */

#include "link-clock.h"
#include "link-pacer.h"

#include <gst/gst.h>
#include <string.h>

#define MS 1000
#define START_US G_GINT64_CONSTANT (10000000)
#define ONE_WAY_US (25 * MS)
#define LINK_QUEUE_US (400 * MS) /* what the link holds before it drops */
#define MAX_FLYING 4096
#define PAYLOAD_BYTES 1100
#define SOUND_BYTES 80
#define FRAMES_PER_SECOND 25

typedef struct {
  gint64 arrival_us;
  gsize size;
  bool is_rtcp;
  guint8 data[MXR_PACKET_MAX_BYTES + MXR_SRTP_TRAILER_BYTES];
} Flying;

/* One direction. */
typedef struct {
  Flying *flying; /* a ring, in the order of arrival */
  guint first, n;
  guint64 rate_bps; /* 0: without limit */
  gint64 free_us;
  guint n_lost;
} Way;

typedef struct {
  gint64 now_us;
  MxrRtpSession *server, *client;
  MxrRtpSender *picture, *sound;
  MxrRtpReceiver *receiver;
  MxrLinkPacer pacer;
  Way down, up;
  guint8 bytes[MXR_PACKET_MAX_BYTES + MXR_SRTP_TRAILER_BYTES];
  guint source_bps;
  guint16 picture_seq, sound_seq;
  guint n_frames;
  bool is_keyframe_asked;
  gint64 round_us;
  guint8 *used[2]; /* numbers of the picture and of its retransmissions */
  guint n_transport_seqs, n_padding;
  guint n_sounds_late; /* that the link held up for more than 150 ms */
  gint64 worst_queue_us; /* of the link, since it was set to 0 */
  gsize worst_waiting_bytes;
} World;

static int picture_tag, sound_tag;

/* ---- The way ------------------------------------------------------------------------------------------------- */

static void
fly (World *world, Way *way, const guint8 *data, gsize size, bool is_rtcp)
{
  const gint64 queue_us = MAX (way->free_us - world->now_us, 0);

  if (queue_us > LINK_QUEUE_US) {
    way->n_lost++;
    return;
  }
  if (way == &world->down)
    world->worst_queue_us = MAX (world->worst_queue_us, queue_us);
  if (way->rate_bps > 0)
    way->free_us = MAX (way->free_us, world->now_us) + (gint64) ((size + 28) * 8 * G_USEC_PER_SEC / way->rate_bps);
  g_assert_cmpuint (way->n, <, MAX_FLYING);
  Flying *flying = &way->flying[(way->first + way->n++) % MAX_FLYING];
  flying->arrival_us = MAX (way->free_us, world->now_us) + ONE_WAY_US;
  flying->size = size;
  flying->is_rtcp = is_rtcp;
  memcpy (flying->data, data, size);
}

static void
land (World *world, Way *way, MxrRtpSession *session)
{
  while (way->n > 0 && way->flying[way->first].arrival_us <= world->now_us) {
    Flying *flying = &way->flying[way->first];
    way->first = (way->first + 1) % MAX_FLYING;
    way->n--;
    if (flying->is_rtcp)
      mxr_rtp_session_receive_rtcp (session, flying->data, flying->size, world->now_us);
    else
      mxr_rtp_session_receive_rtp (session, flying->data, flying->size, world->now_us);
  }
}

/* ---- The sessions -------------------------------------------------------------------------------------------- */

static guint8 *
on_reserve_rtp (MxrRtpSender *sender, gpointer user_data)
{
  return ((World *) user_data)->bytes;
}

/* No number is used for two packets, and what leaves is numbered one by one for the transport. */
static void
check_numbers (World *world, const guint8 *data, gsize size)
{
  MxrRtpView view;
  guint16 transport_seq;

  g_assert_true (mxr_rtp_view_parse (&view, data, size));
  g_assert_true (mxr_rtp_view_get_transport_seq (&view, 3, &transport_seq));
  g_assert_cmpuint (transport_seq, ==, (guint16) world->n_transport_seqs++);
  if (view.ssrc == 0x6001)
    return;
  guint8 *used = world->used[view.ssrc == 0x5002];
  g_assert_cmpuint (used[view.seq], ==, 0);
  used[view.seq] = 1;
  if (view.payload_bytes > 0)
    return;
  g_assert_cmphex (view.ssrc, ==, 0x5002);
  world->n_padding++;
}

static void
on_send_rtp (MxrRtpSender *sender, guint8 *data, gsize size, gpointer user_data)
{
  World *world = user_data;
  check_numbers (world, data, size);
  mxr_link_pacer_note_sent (&world->pacer, size, world->now_us);
  fly (world, &world->down, data, size, false);
}

static void
on_send_rtcp (MxrRtpSession *session, guint8 *data, gsize size, gpointer user_data)
{
  World *world = user_data;
  fly (world, session == world->server ? &world->down : &world->up, data, size, true);
}

static void
on_keyframe_request (MxrRtpSender *sender, gpointer user_data)
{
  ((World *) user_data)->is_keyframe_asked = true;
}

static void
on_receive_rtp (MxrRtpReceiver *receiver, const MxrRtpView *view, guint64 extended_seq, gint64 now_us, gpointer user_data)
{
  World *world = user_data;
  if (view->ssrc != 0x6001)
    return;
  const gint64 sent_us = START_US + (gint64) view->timestamp * G_USEC_PER_SEC / 48000;
  world->n_sounds_late += now_us - sent_us - ONE_WAY_US > 150 * MS;
}

static const MxrRtpSessionEvents events = {
  .on_send_rtcp = on_send_rtcp,
  .on_reserve_rtp = on_reserve_rtp,
  .on_send_rtp = on_send_rtp,
  .on_receive_rtp = on_receive_rtp,
  .on_keyframe_request = on_keyframe_request,
};

static MxrRtpSession *
new_session (World *world, const char *cname, guint start_bps)
{
  const MxrRtpSessionConfig config = { .cname = cname, .ssrc = 1, .random_seed = 5, .reduced_size = true,
                                       .start_bps = start_bps, .min_bps = 30000, .max_bps = 50000000 };
  MxrRtpSession *session = mxr_rtp_session_new (&config, &events, world);
  mxr_rtp_session_set_timeline (session, START_US);
  return session;
}

static void
add_streams (World *world)
{
  const MxrRtpSenderConfig picture = { .kind = MXR_RTP_VIDEO, .ssrc = 0x5001, .payload_type = 96, .clock_rate = 90000,
                                       .rtx_ssrc = 0x5002, .rtx_payload_type = 97, .mid = "v", .mid_id = 1,
                                       .transport_seq_id = 3, .history_packets = 512 };
  const MxrRtpSenderConfig sound = { .kind = MXR_RTP_AUDIO, .ssrc = 0x6001, .payload_type = 111, .clock_rate = 48000,
                                     .rtx_payload_type = -1, .mid = "a", .mid_id = 1, .transport_seq_id = 3 };
  const MxrRtpReceiverConfig seen = { .kind = MXR_RTP_VIDEO, .mid = "v", .payload_type = 96, .clock_rate = 90000,
                                      .rtx_payload_type = 97, .ssrc = 0x5001, .rtx_ssrc = 0x5002, .mid_id = 1,
                                      .transport_seq_id = 3, .nack = true, .pli = true, .transport_cc = true };
  const MxrRtpReceiverConfig heard = { .kind = MXR_RTP_AUDIO, .mid = "a", .payload_type = 111, .clock_rate = 48000,
                                       .rtx_payload_type = -1, .ssrc = 0x6001, .mid_id = 1, .transport_seq_id = 3,
                                       .transport_cc = true };
  world->picture = mxr_rtp_session_add_sender (world->server, &picture);
  world->sound = mxr_rtp_session_add_sender (world->server, &sound);
  world->receiver = mxr_rtp_session_add_receiver (world->client, &seen);
  mxr_rtp_session_add_receiver (world->client, &heard);
}

static World *
world_new (guint start_bps, guint link_bps, guint source_bps)
{
  World *world = g_new0 (World, 1);

  world->now_us = START_US;
  world->down.flying = g_new (Flying, MAX_FLYING);
  world->up.flying = g_new (Flying, MAX_FLYING);
  world->down.rate_bps = link_bps;
  world->source_bps = source_bps;
  world->is_keyframe_asked = true;
  world->used[0] = g_malloc0 (65536);
  world->used[1] = g_malloc0 (65536);
  world->server = new_session (world, "server", start_bps);
  world->client = new_session (world, "client", 0);
  add_streams (world);
  return world;
}

static void
world_free (World *world)
{
  mxr_link_pacer_clear (&world->pacer);
  mxr_rtp_session_free (world->server);
  mxr_rtp_session_free (world->client);
  g_free (world->down.flying);
  g_free (world->up.flying);
  g_free (world->used[0]);
  g_free (world->used[1]);
  g_free (world);
}

/* ---- What a link does (link-send.c, link-media.c) ------------------------------------------------------------ */

static MxrBandwidthState
get_state (const World *world)
{
  MxrBandwidthState state;
  g_assert_true (mxr_rtp_session_get_bandwidth (world->server, &state));
  return state;
}

static MxrRtpPacket *
make_packet (guint16 seq, guint32 timestamp, gsize n_bytes, bool marker)
{
  guint8 rtp[MXR_MTU_BYTES] = { 0x80, marker ? 0x80 : 0, seq >> 8, seq & 0xff, timestamp >> 24, timestamp >> 16 & 0xff,
                                timestamp >> 8 & 0xff, timestamp & 0xff };
  return mxr_rtp_packet_new_from_rtp (rtp, 12 + n_bytes, false);
}

static void
drain (World *world)
{
  gpointer tag;
  MxrRtpPacket *packet;
  while ((packet = mxr_link_pacer_pop (&world->pacer, &tag, world->now_us)) != NULL) {
    mxr_rtp_sender_send (world->picture, packet, tag, world->now_us);
    mxr_rtp_packet_unref (packet);
  }
}

/* A key frame is six times the others. */
static void
send_frame (World *world)
{
  const bool is_keyframe = world->is_keyframe_asked;
  const gsize frame_bytes = MAX (world->source_bps / 8 / FRAMES_PER_SECOND, 100) * (is_keyframe ? 6 : 1);
  const guint32 timestamp = world->n_frames++ * (90000 / FRAMES_PER_SECOND);

  world->is_keyframe_asked = false;
  for (gsize done = 0; done < frame_bytes; done += PAYLOAD_BYTES) {
    const gsize n_bytes = MIN (PAYLOAD_BYTES, frame_bytes - done);
    g_autoptr (MxrRtpPacket) packet = make_packet (world->picture_seq++, timestamp, n_bytes, done + n_bytes == frame_bytes);
    packet->is_keyframe_start = is_keyframe && done == 0;
    if (mxr_link_pacer_push (&world->pacer, packet, &picture_tag, world->now_us) == MXR_LINK_PACER_PASSES)
      mxr_rtp_sender_send (world->picture, packet, &picture_tag, world->now_us);
    else
      world->is_keyframe_asked |= mxr_link_pacer_needs_keyframe (&world->pacer, world->now_us);
  }
  world->worst_waiting_bytes = MAX (world->worst_waiting_bytes, world->pacer.n_waiting_bytes);
}

static void
send_sound (World *world)
{
  const guint32 timestamp = (guint32) ((world->now_us - START_US) * 48 / 1000);
  g_autoptr (MxrRtpPacket) packet = make_packet (world->sound_seq++, timestamp, SOUND_BYTES, false);
  mxr_rtp_sender_send (world->sound, packet, &sound_tag, world->now_us);
}

static void
step (World *world)
{
  const gint64 elapsed_us = world->now_us - START_US;

  land (world, &world->down, world->client);
  land (world, &world->up, world->server);
  const MxrBandwidthState state = get_state (world);
  mxr_link_pacer_set_rate (&world->pacer, state.estimate_bps, state.queue_ms, state.is_measured, world->now_us);
  if (elapsed_us % (20 * MS) == 0)
    send_sound (world);
  if (elapsed_us % (G_USEC_PER_SEC / FRAMES_PER_SECOND) == 0)
    send_frame (world);
  if (world->now_us - world->round_us >= MXR_LINK_ROUND_US) {
    world->round_us = world->now_us;
    drain (world);
    mxr_rtp_session_poll (world->server, world->now_us);
    mxr_rtp_session_poll (world->client, world->now_us);
  }
  world->now_us += MS;
}

static void
run_for_s (World *world, guint s)
{
  const gint64 until_us = world->now_us + s * G_USEC_PER_SEC;
  while (world->now_us < until_us)
    step (world);
}

/* ---- Tests --------------------------------------------------------------------------------------------------- */

/* A picture of three times what the link carries: that is found out, no more waits than a quarter of a second and a key
 * frame, and sound comes as if there were no picture; and once the room sends what fits, nothing is dropped. */
static void
test_thin_link (void)
{
  World *world = world_new (2000000, 500000, 1500000);
  const guint keyframe_bytes = 6 * 1500000 / 8 / FRAMES_PER_SECOND;

  run_for_s (world, 10);
  g_test_message ("estimate %u bit/s of 500000, %u ms in the link, %" G_GUINT64_FORMAT " packets dropped before it, %u in it",
                  get_state (world).estimate_bps, (guint) (world->worst_queue_us / MS), world->pacer.n_dropped,
                  world->down.n_lost);
  g_assert_true (get_state (world).is_measured);
  g_assert_cmpuint (get_state (world).estimate_bps, <, 700000);
  g_assert_cmpuint (world->pacer.n_dropped, >, 0);
  g_assert_cmpuint (world->worst_waiting_bytes, <=, (gsize) 10000000 / 8 / 4 + keyframe_bytes); /* of the belief */
  world->worst_waiting_bytes = 0;
  world->worst_queue_us = 0;
  world->n_sounds_late = 0;
  const guint n_lost_before = world->down.n_lost;
  run_for_s (world, 5);
  g_test_message ("of 250 sounds %u more than 150 ms late, %u packets lost, %u ms in the link", world->n_sounds_late,
                  world->down.n_lost - n_lost_before, (guint) (world->worst_queue_us / MS));
  g_assert_cmpuint (world->n_sounds_late, <=, 5);
  g_assert_cmpuint (world->down.n_lost, <=, n_lost_before + 5);
  g_assert_cmpuint (world->worst_waiting_bytes, <=, (gsize) (2.5 * 700000 / 8 / 4) + keyframe_bytes);

  world->source_bps = 200000;
  world->is_keyframe_asked = true;
  run_for_s (world, 5);
  const guint64 n_dropped = world->pacer.n_dropped;
  const guint n_lost = world->down.n_lost;
  world->worst_queue_us = 0;
  world->n_sounds_late = 0;
  run_for_s (world, 20);
  g_test_message ("with 200 kbit/s: estimate %u bit/s, %u ms in the link", get_state (world).estimate_bps,
                  (guint) (world->worst_queue_us / MS));
  g_assert_cmpuint (world->pacer.n_dropped, ==, n_dropped);
  g_assert_cmpuint (world->down.n_lost, ==, n_lost);
  g_assert_cmpuint (world->n_sounds_late, ==, 0);
  g_assert_cmpuint (get_state (world).estimate_bps, >, 200000);
  world_free (world);
}

/* Half of the link is gone, and the picture that follows just fits: what had queued until then is drained, and does not come
 * back in bursts. */
static void
test_queue_drains (void)
{
  World *world = world_new (1000000, 1000000, 550000);

  mxr_rtp_session_want_bitrate (world->server, 900000);
  run_for_s (world, 10);
  world->down.rate_bps = 500000;
  run_for_s (world, 1);
  world->source_bps = 370000;
  run_for_s (world, 1);
  world->worst_queue_us = 0;
  run_for_s (world, 5);
  g_test_message ("%u ms in the link from 2 s after the step on; %u packets dropped before it", (guint) (world->worst_queue_us / MS),
                  (guint) world->pacer.n_dropped);
  g_assert_cmpint (world->worst_queue_us, <, 100 * MS);
  world_free (world);
}

/* A small picture on a link that carries more: probes find what there is use for, and not much more than that. */
static void
test_probes_find_more (void)
{
  World *world = world_new (300000, 5000000, 200000);
  MxrRtpSenderStats stats;

  run_for_s (world, 5);
  mxr_rtp_sender_get_stats (world->picture, &stats);
  g_assert_cmpuint (stats.probe_packets, ==, 0); /* nobody wants more */
  g_assert_cmpuint (get_state (world).estimate_bps, <, 1000000);
  mxr_rtp_session_want_bitrate (world->server, 2000000);
  run_for_s (world, 15);
  mxr_rtp_sender_get_stats (world->picture, &stats);
  g_test_message ("estimate %u bit/s after %" G_GUINT64_FORMAT " packets of probes, %" G_GUINT64_FORMAT " bytes, %u of them "
                  "padding; %u ms in the link",
                  get_state (world).estimate_bps, stats.probe_packets, stats.probe_bytes, world->n_padding,
                  (guint) (world->worst_queue_us / MS));
  g_assert_cmpuint (stats.probe_packets, >, 0);
  g_assert_cmpuint (get_state (world).estimate_bps, >, 1500000);
  g_assert_cmpuint (stats.probe_bytes, <, 15 * 300000 / 8); /* it costs less than 300 kbit/s */
  g_assert_cmpint (world->worst_queue_us, <, 50 * MS);
  g_assert_cmpuint (world->pacer.n_dropped, ==, 0);
  g_assert_cmpuint (stats.rtx_packets, ==, 0);
  world_free (world);
}

/* Where packets of the picture would be too large for a probe it is made of padding, which the client tells of as well. */
static void
test_small_probes (void)
{
  World *world = world_new (100000, 1000000, 40000);

  mxr_rtp_session_want_bitrate (world->server, 400000);
  run_for_s (world, 15);
  g_test_message ("estimate %u bit/s, %u packets of padding", get_state (world).estimate_bps, world->n_padding);
  g_assert_cmpuint (world->n_padding, >=, 5);
  g_assert_cmpuint (get_state (world).estimate_bps, >, 250000);
  g_assert_cmpuint (world->n_sounds_late, ==, 0);
  world_free (world);
}

/* Probes of a link that carries no more find that out, and disturb nobody. */
static void
test_probes_of_a_thin_link (void)
{
  World *world = world_new (300000, 500000, 200000);
  MxrRtpReceiverStats stats;

  mxr_rtp_session_want_bitrate (world->server, 3000000);
  run_for_s (world, 40);
  mxr_rtp_receiver_get_stats (world->receiver, &stats);
  g_test_message ("estimate %u bit/s of 500000; %u sounds more than 150 ms late", get_state (world).estimate_bps,
                  world->n_sounds_late);
  g_assert_cmpuint (get_state (world).estimate_bps, <, 600000);
  g_assert_cmpuint (get_state (world).estimate_bps, >, 250000);
  g_assert_cmpuint (world->n_sounds_late, ==, 0);
  g_assert_cmpint (stats.lost, ==, 0);
  world_free (world);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/downlink/thin-link", test_thin_link);
  g_test_add_func ("/downlink/queue-drains", test_queue_drains);
  g_test_add_func ("/downlink/probes-find-more", test_probes_find_more);
  g_test_add_func ("/downlink/small-probes", test_small_probes);
  g_test_add_func ("/downlink/probes-of-a-thin-link", test_probes_of_a_thin_link);
  return g_test_run ();
}
