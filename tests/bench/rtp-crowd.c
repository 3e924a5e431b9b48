/* People on plain RTP, for servers that are compared with ours: each sends an Opus packet every 20 ms, and a clip if
 * asked, and hears and sees what the server sends back. Reads the server's processor time over the measured window and
 * prints one JSON object.
 *
 * Standard input has a line for each participant: the server's port for its sound, and for its picture (0: none). The
 * participant hears on LISTEN + 4 i and sees on LISTEN + 4 i + 2, and sends from there, all on 127.0.0.1.
 *
 * usage: rtp-crowd TALKERS CODEC LISTEN WARM_UP_S SECONDS SERVER_PID    CODEC: none, vp8 or h264
 *
 * The first participant's speech has a click every second. The last participant listens for it: its delay is the time
 * from sending the packet with the click to the arrival of the packet that holds it. */

#include "bench-common.h"
#include "click.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOUND_PAYLOAD_TYPE 111
#define RTP_HEADER_BYTES 12
#define BATCH 8
#define MAX_PACKET_BYTES 2048
#define MAX_DELAYS 4096

typedef struct {
  int fd;
  struct sockaddr_in to; /* not connected to: servers may answer from another port */
  const GPtrArray *units; /* Opus packets, or RTP packets of a clip */
  bool is_video;
  guint next_unit;
  guint16 seq;
  guint32 timestamp, ssrc;
  gint64 due_us;
  bool is_clicking, is_observer;
  guint n_received, n_frames; /* in the window */
} Stream;

typedef struct {
  GArray *streams; /* Stream */
  int epoll_fd;
  guint n_participants;
  bool is_measuring;
  gint64 click_sent_us; /* 0: none is on its way */
  ClickDetector *detector;
  gint64 delays_us[MAX_DELAYS];
  guint n_delays;
  guint n_clicks;
  guint n_unsent;
} Crowd;

/* ---- Sending ---------------------------------------------------------------------------------------------- */

static void
write_header (guint8 *packet, guint8 second, const Stream *stream)
{
  packet[0] = 0x80;
  packet[1] = second;
  GST_WRITE_UINT16_BE (packet + 2, stream->seq);
  GST_WRITE_UINT32_BE (packet + 4, stream->timestamp);
  GST_WRITE_UINT32_BE (packet + 8, stream->ssrc);
}

static void
send_packet (Crowd *crowd, Stream *stream, guint8 *packet, gsize size)
{
  if (sendto (stream->fd, packet, size, MSG_DONTWAIT, (const struct sockaddr *) &stream->to, sizeof stream->to) < 0)
    crowd->n_unsent++;
  stream->seq++;
}

static void
send_sound (Crowd *crowd, Stream *stream)
{
  guint8 packet[MAX_PACKET_BYTES];
  gsize size;
  guint index = stream->next_unit++ % stream->units->len;
  const void *payload = g_bytes_get_data (stream->units->pdata[index], &size);

  if (size > sizeof packet - RTP_HEADER_BYTES)
    g_error ("an Opus packet of %" G_GSIZE_FORMAT " bytes", size);
  write_header (packet, SOUND_PAYLOAD_TYPE, stream);
  memcpy (packet + RTP_HEADER_BYTES, payload, size);
  if (stream->is_clicking && click_is_in (index)) {
    crowd->click_sent_us = bench_now_us ();
    crowd->n_clicks += crowd->is_measuring;
  }
  send_packet (crowd, stream, packet, RTP_HEADER_BYTES + size);
  stream->timestamp += BENCH_BLOCK_SAMPLES;
  stream->due_us += BENCH_BLOCK_US;
}

/* All packets of one frame, as a payloader made them; the header is this stream's. */
static void
send_frame (Crowd *crowd, Stream *stream)
{
  guint8 packet[MAX_PACKET_BYTES];
  bool is_last = false;

  while (!is_last) {
    gsize size;
    const guint8 *bytes = g_bytes_get_data (stream->units->pdata[stream->next_unit++ % stream->units->len], &size);
    if (size > sizeof packet)
      g_error ("an RTP packet of %" G_GSIZE_FORMAT " bytes", size);
    memcpy (packet, bytes, size);
    write_header (packet, bytes[1], stream);
    is_last = (bytes[1] & 0x80) != 0;
    send_packet (crowd, stream, packet, size);
  }
  stream->timestamp += 3000;
  stream->due_us += BENCH_FRAME_US;
}

/* Returns: when something is due next. */
static gint64
send_what_is_due (Crowd *crowd)
{
  gint64 now_us = bench_now_us (), next_us = G_MAXINT64;

  for (guint i = 0; i < crowd->streams->len; i++) {
    Stream *stream = &g_array_index (crowd->streams, Stream, i);
    if (stream->due_us <= now_us) {
      if (stream->is_video)
        send_frame (crowd, stream);
      else
        send_sound (crowd, stream);
    }
    next_us = MIN (next_us, stream->due_us);
  }
  return next_us;
}

/* ---- Receiving -------------------------------------------------------------------------------------------- */

static void
listen_for_click (Crowd *crowd, const guint8 *packet, gsize size, gint64 now_us)
{
  gsize header = RTP_HEADER_BYTES + 4u * (packet[0] & 0x0f);

  if ((packet[0] & 0x10) != 0 && size >= header + 4)
    header += 4 + 4u * GST_READ_UINT16_BE (packet + header + 2);
  if (size <= header || !click_detector_push (crowd->detector, packet + header, size - header))
    return;
  if (crowd->click_sent_us != 0 && crowd->is_measuring && crowd->n_delays < MAX_DELAYS)
    crowd->delays_us[crowd->n_delays++] = now_us - crowd->click_sent_us;
  crowd->click_sent_us = 0;
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
  while ((n = recvmmsg (stream->fd, messages, BATCH, MSG_DONTWAIT, NULL)) > 0) {
    gint64 now_us = bench_now_us ();
    for (int i = 0; i < n; i++) {
      if (messages[i].msg_len < RTP_HEADER_BYTES)
        continue;
      stream->n_received += crowd->is_measuring;
      stream->n_frames += crowd->is_measuring && (bytes[i][1] & 0x80) != 0;
      if (stream->is_observer)
        listen_for_click (crowd, bytes[i], messages[i].msg_len, now_us);
    }
    if (n < BATCH)
      return;
  }
}

static void
run_until (Crowd *crowd, gint64 end_us)
{
  struct epoll_event events[64];
  gint64 now_us;

  while ((now_us = bench_now_us ()) < end_us) {
    gint64 next_us = MIN (send_what_is_due (crowd), end_us);
    /* Whole milliseconds: a wake-up for each packet would take from the server what it is measured by. */
    int timeout_ms = (int) CLAMP ((next_us - now_us + 999) / 1000, 1, 20);
    int n = epoll_wait (crowd->epoll_fd, events, G_N_ELEMENTS (events), timeout_ms);
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
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const struct sockaddr_in address = loopback (port);
  const int buffer_bytes = 512 * 1024;

  if (fd < 0 || bind (fd, (const struct sockaddr *) &address, sizeof address) < 0)
    g_error ("port %u: %s", port, g_strerror (errno));
  setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
  return fd;
}

static void
add_stream (Crowd *crowd, Stream stream)
{
  struct epoll_event event = { .events = EPOLLIN, .data.u32 = crowd->streams->len };

  stream.ssrc = 0x10000000u + crowd->streams->len;
  stream.seq = (guint16) (crowd->streams->len * 7);
  if (epoll_ctl (crowd->epoll_fd, EPOLL_CTL_ADD, stream.fd, &event) < 0)
    g_error ("epoll: %s", g_strerror (errno));
  g_array_append_val (crowd->streams, stream);
}

static GPtrArray *
load_clip (const char *folder, guint index, bool is_h264)
{
  BenchMedia *clip =
    bench_media_load_clip (folder, index, is_h264,
                           is_h264 ? "h264parse ! rtph264pay pt=96 config-interval=-1 aggregate-mode=zero-latency mtu=1160"
                                   : "rtpvp8pay pt=96 mtu=1160");
  return clip->units;
}

/* Reads the ports from standard input; phases are spread, as those of people are. */
static void
gather (Crowd *crowd, const char *folder, guint n_talkers, const char *codec, guint listen_port)
{
  g_autofree GPtrArray **clips = g_new0 (GPtrArray *, BENCH_N_CLIPS);
  BenchMedia *speech = bench_media_load (folder, "speech.opus.mkv", "opusparse");
  GPtrArray *clicking = click_track_new (speech->units), *silence = silent_track_new ();
  bool has_video = !g_str_equal (codec, "none");
  guint sound_port, video_port;

  for (guint i = 0; has_video && i < BENCH_N_CLIPS; i++)
    clips[i] = load_clip (folder, i, g_str_equal (codec, "h264"));
  for (guint i = 0; scanf ("%u %u", &sound_port, &video_port) == 2; i++) {
    const GPtrArray *units = i == 0 ? clicking : i < n_talkers ? speech->units : silence;
    add_stream (crowd, (Stream){ .fd = open_socket (listen_port + 4 * i), .to = loopback (sound_port), .units = units,
                                 .next_unit = i == 0 ? 0 : i * 37 % units->len, .is_clicking = i == 0 });
    if (video_port != 0)
      add_stream (crowd, (Stream){ .fd = open_socket (listen_port + 4 * i + 2), .to = loopback (video_port), .is_video = true,
                                   .units = clips[i % BENCH_N_CLIPS] });
    crowd->n_participants++;
  }
}

static void
start (Crowd *crowd)
{
  gint64 now_us = bench_now_us () + 1000;
  Stream *last_sound = NULL;

  for (guint i = 0; i < crowd->streams->len; i++) {
    Stream *stream = &g_array_index (crowd->streams, Stream, i);
    stream->due_us = now_us + (stream->is_video ? BENCH_FRAME_US : BENCH_BLOCK_US) * (gint64) i / crowd->streams->len;
    if (!stream->is_video)
      last_sound = stream;
  }
  if (last_sound == NULL)
    g_error ("nobody on standard input");
  last_sound->is_observer = true;
  crowd->detector = click_detector_new ();
}

/* ---- What came of it -------------------------------------------------------------------------------------- */

static int
compare_int64 (gconstpointer a, gconstpointer b)
{
  gint64 difference = *(const gint64 *) a - *(const gint64 *) b;
  return (difference > 0) - (difference < 0);
}

static void
report (Crowd *crowd, int server_pid, double cpu, double seconds)
{
  guint n_packets = 0, n_frames = 0, n_videos = 0;

  for (guint i = 0; i < crowd->streams->len; i++) {
    const Stream *stream = &g_array_index (crowd->streams, Stream, i);
    if (stream->is_video) {
      n_frames += stream->n_frames;
      n_videos++;
    } else {
      n_packets += stream->n_received;
    }
  }
  qsort (crowd->delays_us, crowd->n_delays, sizeof *crowd->delays_us, compare_int64);
  bench_report (server_pid, cpu);
  printf (",\"sound_pps\":%.1f,\"unsent\":%u,\"clicks\":%u,\"clicks_heard\":%u", n_packets / seconds / crowd->n_participants,
          crowd->n_unsent, crowd->n_clicks, crowd->n_delays);
  if (n_videos > 0)
    printf (",\"fps\":%.1f", n_frames / seconds / n_videos);
  if (crowd->n_delays > 0)
    printf (",\"delay_ms\":%.1f,\"delay_p95_ms\":%.1f", (double) crowd->delays_us[crowd->n_delays / 2] * 1e-3,
            (double) crowd->delays_us[crowd->n_delays * 95 / 100] * 1e-3);
  printf ("}\n");
}

int
main (int argc, char **argv)
{
  const char *folder = g_getenv ("MIXROOM_BENCH_MEDIA");
  Crowd crowd = { 0 };

  gst_init (NULL, NULL);
  if (argc != 7 || folder == NULL)
    g_error ("usage: MIXROOM_BENCH_MEDIA=FOLDER rtp-crowd TALKERS none|vp8|h264 LISTEN WARM_UP_S SECONDS SERVER_PID <PORTS");
  gint64 warm_up_us = (gint64) (atof (argv[4]) * G_USEC_PER_SEC), span_us = (gint64) (atof (argv[5]) * G_USEC_PER_SEC);
  int server_pid = atoi (argv[6]);
  crowd.streams = g_array_new (FALSE, TRUE, sizeof (Stream));
  crowd.epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  gather (&crowd, folder, (guint) atoi (argv[1]), argv[2], (guint) atoi (argv[3]));
  start (&crowd);

  run_until (&crowd, bench_now_us () + warm_up_us);
  double before_s = bench_cpu_s (server_pid);
  gint64 start_us = bench_now_us ();
  crowd.is_measuring = true;
  run_until (&crowd, start_us + span_us);
  crowd.is_measuring = false;
  double seconds = (double) (bench_now_us () - start_us) / G_USEC_PER_SEC;
  report (&crowd, server_pid, (bench_cpu_s (server_pid) - before_s) / seconds, seconds);
  return 0;
}
