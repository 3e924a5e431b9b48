/* A client whose sound changes from one fan-out to another, over a real connection. */

#include <stdatomic.h>

#include "peer-test-client.h"

#define BLOCK_RTP 960
#define N_CHANGES 20

/* @seq: of its payloader, which begins anywhere */
static void
push_block (MxrFanout *fanout, guint block, guint seq)
{
  const guint32 rtp_time = block * BLOCK_RTP;
  const guint8 rtp[] = { 0x80, 111, seq >> 8 & 0xff, seq & 0xff, rtp_time >> 24, rtp_time >> 16 & 0xff, rtp_time >> 8 & 0xff,
                         rtp_time & 0xff, 0, 0, 0, 1, 8, 1, 2, 3 };
  g_autoptr (MxrRtpPacket) packet = mxr_rtp_packet_new_from_rtp (rtp, sizeof rtp, false);
  mxr_fanout_push (fanout, packet, sizeof rtp);
  mxr_fanout_flush (fanout);
}

/* The mixer's thread: every block to both, in either order. */
typedef struct {
  MxrFanout *fanouts[2];
  int seq_offset; /* of the second one's packets */
  atomic_bool ends;
  guint n_blocks;
} Mixer;

static void
push_one (Mixer *mixer, guint index)
{
  push_block (mixer->fanouts[index], mixer->n_blocks, (guint) (30000 + (int) mixer->n_blocks + (index == 1 ? mixer->seq_offset : 0)));
}

static gpointer
mix (gpointer data)
{
  Mixer *mixer = data;
  for (; !atomic_load (&mixer->ends); mixer->n_blocks++) {
    const guint first = mixer->n_blocks / 3 % 2;
    push_one (mixer, first);
    g_usleep (mixer->n_blocks % 4 * 200);
    push_one (mixer, !first);
    g_usleep (1000);
  }
  return NULL;
}

static void
on_subscribed (MxrPeer *peer, gpointer user_data)
{
  *(guint *) user_data += 1;
}

static guint
count_sounds (Client *client)
{
  g_mutex_lock (&client->lock);
  guint n = client->n_rtp[MXR_RTP_AUDIO];
  g_mutex_unlock (&client->lock);
  return n;
}

static guint
count_blocks (Client *client)
{
  g_mutex_lock (&client->lock);
  guint n = client->n_frames;
  g_mutex_unlock (&client->lock);
  return n;
}

static guint
count_subscribers (MxrFanout *fanout)
{
  MxrFanoutStats stats;
  mxr_fanout_get_stats (fanout, &stats);
  return stats.subscribers;
}

static void
set_up (Fixture *fixture, Client *client, Mixer *mixer, guint *n_subscribed)
{
  for (guint i = 0; i < 2; i++)
    mixer->fanouts[i] = mxr_fanout_new (fixture->net, "OPUS");
  client_connect (fixture, client);
  mxr_peer_subscribe (fixture->peer, MXR_RTP_AUDIO, mixer->fanouts[0], on_subscribed, n_subscribed);
  PUMP_UNTIL (*n_subscribed == 1 && count_subscribers (mixer->fanouts[0]) == 1);
}

static void
tear_down (Client *client, Mixer *mixer)
{
  for (guint i = 0; i < 2; i++) {
    mxr_fanout_close (mixer->fanouts[i]);
    mxr_fanout_unref (mixer->fanouts[i]);
  }
  client_clear (client);
}

/* How many frames each of the two puts into a packet, and how far their numbers are apart. */
typedef struct {
  guint frames_per_packet[2];
  int seq_offset;
  const char *sound_line; /* of the client's offer */
} Change;

/* Whenever it changes, no block is missing at the client and none is there twice; nor does it miss a number. */
static void
test_every_block_once (Fixture *fixture, gconstpointer data)
{
  const Change *change = data;
  Client client = { .sound_line = change->sound_line };
  Mixer mixer = { .seq_offset = change->seq_offset };
  guint n_subscribed = 0;

  set_up (fixture, &client, &mixer, &n_subscribed);
  for (guint i = 0; i < 2; i++)
    mxr_fanout_set_frames_per_packet (mixer.fanouts[i], change->frames_per_packet[i]);
  GThread *thread = g_thread_new ("mixer", mix, &mixer);
  for (guint i = 1; i <= N_CHANGES; i++) {
    mxr_peer_subscribe (fixture->peer, MXR_RTP_AUDIO, mixer.fanouts[i % 2], on_subscribed, &n_subscribed);
    PUMP_UNTIL (n_subscribed == 1 + i);
    g_assert_cmpuint (count_subscribers (mixer.fanouts[i % 2]), ==, 1);
    g_assert_cmpuint (count_subscribers (mixer.fanouts[!(i % 2)]), ==, 0); /* and so it brings nothing any more */
    pump_for_ms (7);
  }
  atomic_store (&mixer.ends, true);
  g_thread_join (thread);
  for (guint i = 0; i < 2; i++) /* what waits goes with the next */
    mxr_fanout_set_frames_per_packet (mixer.fanouts[i], 1);
  for (guint i = 0; i < 2; i++)
    push_one (&mixer, i);
  mixer.n_blocks++;
  PUMP_UNTIL (count_blocks (&client) == mixer.n_blocks); /* none before the first was listened to */
  const guint n_packets = count_sounds (&client);
  g_assert_cmpuint ((guint16) (client.last_sound - client.first_sound), ==, n_packets - 1);
  g_assert_cmpuint (client.last_rtp[MXR_RTP_AUDIO] - client.first_rtp, ==, (mixer.n_blocks - 1) * BLOCK_RTP);
  const bool is_aggregated = MAX (change->frames_per_packet[0], change->frames_per_packet[1]) > 1 && change->sound_line == NULL;
  g_assert_true (is_aggregated ? n_packets < mixer.n_blocks * 9 / 10 : n_packets == mixer.n_blocks);
  close_peer (fixture);
  tear_down (&client, &mixer);
}

/* What waits at the begin of a pause comes too late, and the client is not to miss it. */
static void
test_pauses (Fixture *fixture, gconstpointer unused)
{
  Client client = { 0 };
  Mixer mixer = { 0 };
  guint n_subscribed = 0, n_pushed = 0;

  set_up (fixture, &client, &mixer, &n_subscribed);
  mxr_fanout_set_frames_per_packet (mixer.fanouts[0], 2);
  for (guint pause = 0; pause < 4; pause++) {
    for (guint i = 0; i < 7 + pause; i++)
      push_block (mixer.fanouts[0], mixer.n_blocks++, n_pushed++);
    pump_for_ms (210);
    mixer.n_blocks += 20;
  }
  mxr_fanout_set_frames_per_packet (mixer.fanouts[0], 1);
  push_block (mixer.fanouts[0], mixer.n_blocks, n_pushed++);
  PUMP_UNTIL (client.last_rtp[MXR_RTP_AUDIO] - client.first_rtp == mixer.n_blocks * BLOCK_RTP);
  g_assert_cmpuint (count_blocks (&client), <, n_pushed);
  g_assert_cmpuint ((guint16) (client.last_sound - client.first_sound), ==, count_sounds (&client) - 1);
  close_peer (fixture);
  tear_down (&client, &mixer);
}

/* Changes that nothing comes of are confirmed all the same, and in their order with those that follow at once. */
static void
test_silence (Fixture *fixture, gconstpointer unused)
{
  Client client = { 0 };
  Mixer mixer = { 0 };
  guint n_subscribed = 0;

  set_up (fixture, &client, &mixer, &n_subscribed);
  for (guint i = 1; i <= 5; i++)
    mxr_peer_subscribe (fixture->peer, MXR_RTP_AUDIO, mixer.fanouts[i % 2], on_subscribed, &n_subscribed);
  PUMP_UNTIL (n_subscribed == 6);
  mxr_peer_subscribe (fixture->peer, MXR_RTP_AUDIO, mixer.fanouts[0], on_subscribed, &n_subscribed);
  mxr_peer_subscribe (fixture->peer, MXR_RTP_AUDIO, NULL, on_subscribed, &n_subscribed);
  PUMP_UNTIL (n_subscribed == 8);
  g_assert_cmpuint (count_subscribers (mixer.fanouts[0]) + count_subscribers (mixer.fanouts[1]), ==, 0);
  close_peer (fixture);
  tear_down (&client, &mixer);
}

/* Whatever ends the downlink ends the change, and the room is told unless it has closed the peer. */
static void
test_end_of_downlink (Fixture *fixture, gconstpointer close_first)
{
  Client client = { 0 };
  Mixer mixer = { 0 };
  guint n_subscribed = 0;

  set_up (fixture, &client, &mixer, &n_subscribed);
  mxr_peer_subscribe (fixture->peer, MXR_RTP_AUDIO, mixer.fanouts[1], on_subscribed, &n_subscribed);
  if (close_first != NULL) {
    close_peer (fixture);
    client_wait_for (&client, &client.is_hung_up);
    pump_for_ms (80);
    g_assert_cmpuint (n_subscribed, ==, 1);
  } else {
    g_autofree char *off = substitute (client.offer, "^a=(sendrecv|sendonly|recvonly)", "a=inactive");
    negotiate_well (fixture, off);
    g_assert_cmpuint (n_subscribed, ==, 2); /* before the answer */
    close_peer (fixture);
  }
  g_assert_cmpuint (count_sounds (&client), ==, 0);
  tear_down (&client, &mixer);
}

static const Change ones = { { 1, 1 }, 400 }, twos = { { 2, 2 }, 400 }, two_and_one = { { 2, 1 }, -400 },
                    three_and_two = { { 3, 2 }, -400 }, asks_for_less = { { 2, 2 }, 400, "a=maxptime:20" };

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  mxr_log_init ("error", false);
#define ADD(path, func, data) g_test_add ("/sound-change/" path, Fixture, data, fixture_init, func, fixture_clear)
  ADD ("every-block-once", test_every_block_once, &ones);
  ADD ("every-block-once/two-frames", test_every_block_once, &twos);
  ADD ("every-block-once/two-frames-and-one", test_every_block_once, &two_and_one);
  ADD ("every-block-once/three-frames-and-two", test_every_block_once, &three_and_two);
  ADD ("every-block-once/who-asks-for-less", test_every_block_once, &asks_for_less);
  ADD ("pauses", test_pauses, NULL);
  ADD ("silence", test_silence, NULL);
  ADD ("downlink-ends", test_end_of_downlink, NULL);
  ADD ("peer-closes", test_end_of_downlink, GINT_TO_POINTER (1));
#undef ADD
  return g_test_run ();
}
