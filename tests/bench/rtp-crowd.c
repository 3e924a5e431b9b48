/* People on plain RTP, for servers that are compared with ours: the cast and the media of mixroom-load without ICE, DTLS
 * and SRTP. Reads the server's processor time over the measured window and prints one JSON object.
 *
 * Standard input has a line for each participant: the server's port for its sound, and for its picture (0: none). The
 * participant hears on LISTEN + 4 i and sees on LISTEN + 4 i + 2, and sends from there, all on 127.0.0.1.
 *
 * usage: rtp-crowd LISTEN WARM_UP_S [OPTION OF mixroom-load...] */

#include "../../src/load/cast.h"
#include "../../src/load/usage.h"
#include "bench-common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gst/gst.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define SOUND_PAYLOAD_TYPE 111
#define PICTURE_PAYLOAD_TYPE 96
#define RTP_HEADER_BYTES 12
#define BATCH 8
#define MAX_PACKET_BYTES 2048

typedef struct {
  int fd;
  struct sockaddr_in to; /* not connected to: servers may answer from another port */
  MxrLoadRoom *room;
  const MxrClip *clip;
  guint64 next_frame;
  guint16 seq;
  guint32 ssrc;
  gint64 start_us; /* of frame 0 */
  MxrSoundCheck *listener; /* (nullable) */
  guint64 last_seq;
  guint n_received, n_frames; /* in the window */
} Stream;

typedef struct {
  GArray *streams; /* Stream; among the marks a sender's name is its SSRC */
  int epoll_fd;
  guint n_participants;
  bool is_measuring;
  guint n_unsent;
} Crowd;

/* ---- Sending ---------------------------------------------------------------------------------------------- */

static gint64
due_us (const Stream *stream)
{
  return stream->start_us + (gint64) ((double) stream->next_frame * stream->clip->frame_us);
}

static void
send_packet (Crowd *crowd, Stream *stream, const MxrClipPacket *from, guint32 timestamp)
{
  guint8 packet[MAX_PACKET_BYTES];
  const bool is_sound = stream->clip->kind == MXR_RTP_AUDIO;

  memcpy (packet, stream->clip->bytes->data + from->offset, from->size);
  packet[1] = (packet[1] & 0x80) | (is_sound ? SOUND_PAYLOAD_TYPE : PICTURE_PAYLOAD_TYPE);
  GST_WRITE_UINT16_BE (packet + 2, stream->seq++);
  GST_WRITE_UINT32_BE (packet + 4, timestamp);
  GST_WRITE_UINT32_BE (packet + 8, stream->ssrc);
  if (sendto (stream->fd, packet, from->size, MSG_DONTWAIT, (const struct sockaddr *) &stream->to, sizeof stream->to) < 0)
    crowd->n_unsent++;
}

static void
send_frame (Crowd *crowd, Stream *stream)
{
  const MxrClipFrame *frame = mxr_clip_get_frame (stream->clip, stream->next_frame);
  const double clock_rate = stream->clip->kind == MXR_RTP_AUDIO ? 48000 : 90000;
  const guint32 timestamp =
    (guint32) (guint64) ((double) stream->next_frame * stream->clip->frame_us * clock_rate / G_USEC_PER_SEC);

  if (frame->mark_us != MXR_CLIP_NO_MARK && stream->clip->kind == MXR_RTP_AUDIO)
    mxr_marks_add (&stream->room->clicks, bench_now_us () + frame->mark_us, frame->mark_value,
                   GUINT_TO_POINTER (stream->ssrc));
  for (guint i = 0; i < frame->n_packets; i++)
    send_packet (crowd, stream, &g_array_index (stream->clip->packets, MxrClipPacket, frame->first_packet + i), timestamp);
  stream->next_frame++;
}

/* Returns: when something is due next. */
static gint64
send_what_is_due (Crowd *crowd)
{
  const gint64 now_us = bench_now_us ();
  gint64 next_us = G_MAXINT64;

  for (guint i = 0; i < crowd->streams->len; i++) {
    Stream *stream = &g_array_index (crowd->streams, Stream, i);
    while (due_us (stream) <= now_us)
      send_frame (crowd, stream);
    next_us = MIN (next_us, due_us (stream));
  }
  return next_us;
}

/* ---- Receiving -------------------------------------------------------------------------------------------- */

/* The nearest to the last one: a wrap is a step forward. */
static guint64
extend (guint64 last, guint16 seq)
{
  return last == 0 ? 65536u + seq : (guint64) ((gint64) last + (gint16) (seq - (guint16) last));
}

static void
note_packet (Crowd *crowd, Stream *stream, const guint8 *packet, gsize size, gint64 now_us)
{
  MxrRtpView view;

  if (!mxr_rtp_view_parse (&view, packet, size))
    return;
  stream->n_received += crowd->is_measuring;
  stream->n_frames += crowd->is_measuring && view.marker;
  if (stream->listener == NULL)
    return;
  stream->last_seq = extend (stream->last_seq, view.seq);
  mxr_sound_check_feed (stream->listener, &view, stream->last_seq, now_us);
}

static void
receive (Crowd *crowd, Stream *stream)
{
  guint8 bytes[BATCH][MAX_PACKET_BYTES];
  struct mmsghdr messages[BATCH] = { 0 };
  struct iovec vectors[BATCH];
  int n;

  for (guint i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){ bytes[i], MAX_PACKET_BYTES };
    messages[i].msg_hdr = (struct msghdr){ .msg_iov = &vectors[i], .msg_iovlen = 1 };
  }
  do {
    n = recvmmsg (stream->fd, messages, BATCH, MSG_DONTWAIT, NULL);
    const gint64 now_us = bench_now_us ();
    for (int i = 0; i < n; i++)
      note_packet (crowd, stream, bytes[i], messages[i].msg_len, now_us);
  } while (n == BATCH);
}

static void
run_until (Crowd *crowd, gint64 end_us)
{
  struct epoll_event events[64];
  gint64 now_us;

  while ((now_us = bench_now_us ()) < end_us) {
    const gint64 next_us = MIN (send_what_is_due (crowd), end_us);
    /* Whole milliseconds: a wake-up for each packet would take from the server what it is measured by. */
    const int timeout_ms = (int) CLAMP ((next_us - now_us + 999) / 1000, 1, 20);
    const int n = epoll_wait (crowd->epoll_fd, events, G_N_ELEMENTS (events), timeout_ms);
    for (int i = 0; i < n; i++)
      receive (crowd, &g_array_index (crowd->streams, Stream, events[i].data.u32));
  }
}

/* ---- Who is there ----------------------------------------------------------------------------------------- */

static struct sockaddr_in
loopback (guint port)
{
  return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons ((guint16) port),
                               .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
}

static int
open_socket (guint port)
{
  const int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const struct sockaddr_in address = loopback (port);
  const int buffer_bytes = 512 * 1024;

  if (fd < 0 || bind (fd, (const struct sockaddr *) &address, sizeof address) < 0)
    g_error ("port %u: %s", port, g_strerror (errno));
  setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
  return fd;
}

/* Phases are spread evenly, as those of people are. */
static void
add_stream (Crowd *crowd, const MxrClientPlan *plan, MxrRtpKind kind, guint local_port, guint remote_port)
{
  Stream stream = { .fd = open_socket (local_port), .to = loopback (remote_port), .room = plan->room,
                    .clip = plan->clips[kind], .next_frame = plan->first_frame[kind],
                    .ssrc = 0x10000000u + crowd->streams->len, .seq = (guint16) (crowd->streams->len * 7) };
  struct epoll_event event = { .events = EPOLLIN, .data.u32 = crowd->streams->len };
  const MxrSoundCheckConfig config = { .own_tone = -1, .clicks = &plan->room->clicks,
                                       .self = GUINT_TO_POINTER (stream.ssrc) };
  g_autoptr (GError) error = NULL;

  if (kind == MXR_RTP_AUDIO && plan->part.listens && (stream.listener = mxr_sound_check_new (&config, &error)) == NULL)
    g_error ("%s", error->message);
  stream.start_us = plan->phase_us[kind] - (gint64) ((double) stream.next_frame * stream.clip->frame_us);
  if (epoll_ctl (crowd->epoll_fd, EPOLL_CTL_ADD, stream.fd, &event) < 0)
    g_error ("epoll: %s", g_strerror (errno));
  g_array_append_val (crowd->streams, stream);
}

static void
gather (Crowd *crowd, MxrCast *cast, guint listen_port)
{
  guint sound_port, picture_port;

  for (guint i = 0; scanf ("%u %u", &sound_port, &picture_port) == 2; i++) {
    MxrClientPlan plan;
    mxr_cast_plan (cast, i, &plan);
    add_stream (crowd, &plan, MXR_RTP_AUDIO, listen_port + 4 * i, sound_port);
    if (picture_port != 0)
      add_stream (crowd, &plan, MXR_RTP_VIDEO, listen_port + 4 * i + 2, picture_port);
    crowd->n_participants++;
  }
  if (crowd->n_participants == 0)
    g_error ("nobody on standard input");
}

/* ---- What came of it -------------------------------------------------------------------------------------- */

static void
begin (Crowd *crowd)
{
  for (guint i = 0; i < crowd->streams->len; i++) {
    Stream *stream = &g_array_index (crowd->streams, Stream, i);
    if (stream->listener != NULL)
      mxr_sound_check_begin (stream->listener);
  }
  crowd->is_measuring = true;
}

static void
report (Crowd *crowd, const MxrUsage *before, const MxrUsage *after)
{
  const double seconds = (double) (after->at_us - before->at_us) / G_USEC_PER_SEC;
  guint n_packets = 0, n_frames = 0, n_pictures = 0;
  g_auto (MxrSamples) delays_ms = { 0 };

  for (guint i = 0; i < crowd->streams->len; i++) {
    const Stream *stream = &g_array_index (crowd->streams, Stream, i);
    const bool is_picture = stream->clip->kind == MXR_RTP_VIDEO;
    n_pictures += is_picture;
    n_frames += is_picture ? stream->n_frames : 0;
    n_packets += is_picture ? 0 : stream->n_received;
    if (stream->listener != NULL)
      mxr_samples_add_all (&delays_ms, &mxr_sound_check_get_findings (stream->listener)->delays_ms);
  }
  bench_report (mxr_usage_get_cores (before, after), after->n_threads, (double) after->resident_kib / 1024);
  printf (",\"sound_pps\":%.1f,\"unsent\":%u", n_packets / seconds / crowd->n_participants, crowd->n_unsent);
  if (n_pictures > 0)
    printf (",\"fps\":%.1f", n_frames / seconds / n_pictures);
  if (delays_ms.n > 0)
    printf (",\"delay_ms\":%.1f,\"delay_p95_ms\":%.1f", mxr_samples_quantile (&delays_ms, 0.5),
            mxr_samples_quantile (&delays_ms, 0.95));
  printf ("}\n");
}

int
main (int argc, char **argv)
{
  g_auto (MxrLoadOptions) options = { 0 };
  g_autoptr (GError) error = NULL;
  Crowd crowd = { .streams = g_array_new (FALSE, TRUE, sizeof (Stream)), .epoll_fd = epoll_create1 (EPOLL_CLOEXEC) };
  MxrUsage before, after;

  gst_init (NULL, NULL);
  if (argc < 4)
    g_error ("usage: rtp-crowd LISTEN WARM_UP_S [OPTION OF mixroom-load...] <PORTS");
  /* The options' parser passes over a program's name. */
  if (!mxr_load_options_parse (&options, argv + 2, &error))
    g_error ("%s", error->message);
  g_autoptr (MxrCast) cast = mxr_cast_new (&options, &error);
  if (cast == NULL)
    g_error ("%s", error->message);
  gather (&crowd, cast, (guint) atoi (argv[1]));

  const gint64 now_us = bench_now_us ();
  for (guint i = 0; i < crowd.streams->len; i++)
    g_array_index (crowd.streams, Stream, i).start_us += now_us;
  run_until (&crowd, now_us + (gint64) (atof (argv[2]) * G_USEC_PER_SEC));
  begin (&crowd);
  if (!mxr_usage_read (options.server_pid, &before))
    g_error ("there is no process %d", options.server_pid);
  run_until (&crowd, before.at_us + options.duration_s * (gint64) G_USEC_PER_SEC);
  if (!mxr_usage_read (options.server_pid, &after))
    g_error ("process %d has ended", options.server_pid);
  report (&crowd, &before, &after);
  return 0;
}
