/* A client whose sound changes from one fan-out to another, over a real connection. */

#include <stdatomic.h>

#include "peer-test-client.h"

#define BLOCK_RTP 960
#define N_CHANGES 20

static void
push_block (MxrFanout *fanout, guint block)
{
  const guint32 rtp_time = block * BLOCK_RTP;
  const guint8 rtp[] = { 0x80, 111, block >> 8, block & 0xff, rtp_time >> 24, rtp_time >> 16 & 0xff, rtp_time >> 8 & 0xff,
                         rtp_time & 0xff, 0, 0, 0, 1, 8, 1, 2, 3 };
  g_autoptr (MxrRtpPacket) packet = mxr_rtp_packet_new_from_rtp (rtp, sizeof rtp, false);
  mxr_fanout_push (fanout, packet, sizeof rtp);
  mxr_fanout_flush (fanout);
}

/* The mixer's thread: every block to both, in either order. */
typedef struct {
  MxrFanout *fanouts[2];
  atomic_bool ends;
  guint n_blocks;
} Mixer;

static gpointer
mix (gpointer data)
{
  Mixer *mixer = data;
  for (; !atomic_load (&mixer->ends); mixer->n_blocks++) {
    const guint first = mixer->n_blocks / 3 % 2;
    push_block (mixer->fanouts[first], mixer->n_blocks);
    g_usleep (mixer->n_blocks % 4 * 200);
    push_block (mixer->fanouts[!first], mixer->n_blocks);
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
  PUMP_UNTIL (*n_subscribed == 1);
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

/* Whenever it changes, no block is missing at the client and none is there twice. */
static void
test_every_block_once (Fixture *fixture, gconstpointer unused)
{
  Client client = { 0 };
  Mixer mixer = { 0 };
  guint n_subscribed = 0;

  set_up (fixture, &client, &mixer, &n_subscribed);
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
  PUMP_UNTIL (count_sounds (&client) == mixer.n_blocks); /* none before the first was listened to */
  g_assert_cmpuint ((guint16) (client.last_sound - client.first_sound), ==, mixer.n_blocks - 1);
  g_assert_cmpuint (client.last_rtp[MXR_RTP_AUDIO] - client.first_rtp, ==, (mixer.n_blocks - 1) * BLOCK_RTP);
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

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  mxr_log_init ("error", false);
#define ADD(path, func, data) g_test_add ("/sound-change/" path, Fixture, data, fixture_init, func, fixture_clear)
  ADD ("every-block-once", test_every_block_once, NULL);
  ADD ("silence", test_silence, NULL);
  ADD ("downlink-ends", test_end_of_downlink, NULL);
  ADD ("peer-closes", test_end_of_downlink, GINT_TO_POINTER (1));
#undef ADD
  return g_test_run ();
}
