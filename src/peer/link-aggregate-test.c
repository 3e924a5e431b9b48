#include "link-aggregate.h"

#include <string.h>

#define BLOCK_RTP 960
#define BLOCK_US 20000
#define N_STREAM 40

/* A fan-out's packets: each from the second (third) on has the aggregate of the last @n_frames, as fan-outs make them. */
typedef struct {
  MxrRtpPacket *packets[N_STREAM];
  guint n;
} Stream;

static MxrRtpPacket *
new_packet (guint number, guint32 timestamp, gint64 pushed_us)
{
  guint8 rtp[13] = { 2 << 6 };
  MxrRtpPacket *packet = mxr_rtp_packet_new_from_rtp (rtp, sizeof rtp, FALSE);

  packet->number = number;
  packet->timestamp = timestamp;
  packet->pushed_us = pushed_us;
  return packet;
}

static void
add (Stream *stream, guint n_frames, guint n_in_row)
{
  const guint i = stream->n++;
  MxrRtpPacket *packet = new_packet (i + 1, i * BLOCK_RTP, 1 + i * BLOCK_US);

  if (n_frames > 1 && n_in_row + 1 >= n_frames) {
    packet->aggregate = new_packet (i + 1, (i + 1 - n_frames) * BLOCK_RTP, 1 + (i + 1 - n_frames) * BLOCK_US);
    packet->aggregate->n_frames = (guint8) n_frames;
  }
  stream->packets[i] = packet;
}

static void
clear (Stream *stream)
{
  for (guint i = 0; i < stream->n; i++)
    mxr_rtp_packet_unref (stream->packets[i]);
  stream->n = 0;
}

static Stream *streams[2]; /* of the test, if there are two */

static bool
is_of (const Stream *stream, const MxrRtpPacket *packet)
{
  for (guint i = 0; i < stream->n; i++)
    if (stream->packets[i] == packet || stream->packets[i]->aggregate == packet)
      return true;
  return false;
}

typedef struct {
  MxrLinkAggregate aggregate;
  guint32 next; /* the time stamp that must come */
  guint n_sent, n_aggregates;
} Link;

/* The stream that has it; @run is of the packet that came, and what waited may be of another. */
static gpointer
find_run (gpointer run, const MxrRtpPacket *packet)
{
  return streams[0] == NULL || is_of (run, packet) ? run : streams[run == streams[0]];
}

static void
push (Link *link, gpointer run, MxrRtpPacket *packet, bool may_wait)
{
  MxrLinkLeaving out[MXR_OPUS_AGGREGATE_MAX];
  const guint n = mxr_link_aggregate_push (&link->aggregate, run, packet, may_wait, out);

  for (guint i = 0; i < n; i++) {
    const MxrRtpPacket *leaves = out[i].packet;
    g_assert_cmpuint (leaves->timestamp, ==, link->next);
    g_assert_cmpint (out[i].is_next, ==, leaves->n_frames > 1);
    g_assert_true (out[i].run == find_run (run, leaves));
    link->next += leaves->n_frames * BLOCK_RTP;
    link->n_sent++;
    link->n_aggregates += leaves->n_frames > 1;
    mxr_rtp_packet_unref (out[i].packet);
  }
}

/* Every frame once and in order, whatever the phase, and those of two phases at different packets. */
static void
test_each_frame_once (gconstpointer data)
{
  const guint n_frames = GPOINTER_TO_UINT (data);
  Stream stream = { 0 };
  guint n_at_once_max = 0;
  Link links[6] = { 0 };

  for (guint i = 0; i < N_STREAM; i++)
    add (&stream, n_frames, i);
  for (guint i = 0; i < G_N_ELEMENTS (links); i++)
    links[i].aggregate.phase = 100 + i;
  for (guint i = 0; i < N_STREAM; i++) {
    guint n_at_once = 0;
    for (guint k = 0; k < G_N_ELEMENTS (links); k++) {
      const guint n_before = links[k].n_sent;
      push (&links[k], &stream, stream.packets[i], true);
      n_at_once += links[k].n_sent - n_before;
      g_assert_cmpuint (links[k].n_sent - n_before, <=, 1);
    }
    if (i > 2 * n_frames)
      n_at_once_max = MAX (n_at_once_max, n_at_once);
  }
  g_assert_cmpuint (n_at_once_max, ==, G_N_ELEMENTS (links) / n_frames);
  for (guint k = 0; k < G_N_ELEMENTS (links); k++) {
    g_assert_cmpuint (links[k].next, >, (N_STREAM - n_frames) * BLOCK_RTP);
    g_assert_cmpuint (links[k].n_aggregates, >=, N_STREAM / n_frames - 2);
    mxr_link_aggregate_clear (&links[k].aggregate);
  }
  clear (&stream);
}

/* A change to another fan-out, to a client that loses packets and to a sound without aggregates: what waits leaves first. */
static void
test_changes (void)
{
  Stream one = { 0 }, other = { 0 };

  streams[0] = &one;
  streams[1] = &other;
  for (guint i = 0; i < N_STREAM; i++) {
    add (&one, i < 20 ? 2 : 1, i);
    add (&other, 2, i);
  }
  for (guint at = 1; at < 18; at++) {
    Link changes = { 0 }, loses = { 0 };
    for (guint i = 0; i < 30; i++) {
      push (&changes, i < at ? &one : &other, i < at ? one.packets[i] : other.packets[i], true);
      push (&loses, &one, one.packets[i], i < at);
    }
    g_assert_cmpuint (changes.next, >=, 29 * BLOCK_RTP);
    g_assert_cmpuint (changes.n_aggregates, >=, 10);
    g_assert_cmpuint (loses.next, ==, 30 * BLOCK_RTP);
    g_assert_cmpuint (loses.n_aggregates, <=, at / 2 + 1);
    mxr_link_aggregate_clear (&changes.aggregate);
    mxr_link_aggregate_clear (&loses.aggregate);
  }
  Link ends = { 0 };
  for (guint i = 0; i < N_STREAM; i++)
    push (&ends, &one, one.packets[i], true);
  g_assert_cmpuint (ends.next, ==, N_STREAM * BLOCK_RTP);
  g_assert_cmpuint (ends.n_aggregates, >=, 8);
  clear (&one);
  clear (&other);
  streams[0] = streams[1] = NULL;
}

/* What a lane has dropped: the others are all there. After a silence the packet before it says nothing any more. */
static void
test_gaps (void)
{
  Stream stream = { 0 };
  Link link = { 0 };

  for (guint i = 0; i < N_STREAM; i++)
    add (&stream, 2, i);
  for (guint i = 0; i < 11; i++)
    push (&link, &stream, stream.packets[i], true);
  const bool waits = link.next == 10 * BLOCK_RTP;
  MxrLinkLeaving out[MXR_OPUS_AGGREGATE_MAX];
  guint n = mxr_link_aggregate_push (&link.aggregate, &stream, stream.packets[12], true, out);
  guint n_frames = link.aggregate.n_held;
  for (guint i = 0; i < n; i++) {
    n_frames += out[i].packet->n_frames;
    mxr_rtp_packet_unref (out[i].packet);
  }
  g_assert_cmpuint (n_frames, ==, 1 + waits);

  for (guint i = 13; i <= 14 && link.aggregate.n_held == 0; i++) {
    n = mxr_link_aggregate_push (&link.aggregate, &stream, stream.packets[i], true, out);
    for (guint k = 0; k < n; k++)
      mxr_rtp_packet_unref (out[k].packet);
  }
  g_assert_cmpuint (link.aggregate.n_held, ==, 1);
  const MxrRtpPacket *late = stream.packets[N_STREAM - 1];
  n = mxr_link_aggregate_push (&link.aggregate, &stream, stream.packets[N_STREAM - 1], false, out);
  g_assert_cmpuint (n, ==, 1);
  g_assert_true (out[0].packet == late);
  g_assert_true (out[0].is_next); /* the client is not to miss what was dropped */
  mxr_rtp_packet_unref (out[0].packet);
  mxr_link_aggregate_clear (&link.aggregate);
  clear (&stream);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/link-aggregate/each-frame-once/2", GUINT_TO_POINTER (2), test_each_frame_once);
  g_test_add_data_func ("/link-aggregate/each-frame-once/3", GUINT_TO_POINTER (3), test_each_frame_once);
  g_test_add_func ("/link-aggregate/changes", test_changes);
  g_test_add_func ("/link-aggregate/gaps", test_gaps);
  return g_test_run ();
}
