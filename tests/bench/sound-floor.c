/* The floor under an audio room: the calls that no server can leave out, and nothing around them. One thread wakes up every 20 ms.
 * It reads what has come from everybody, computes AES-128-GCM over each packet, decodes who is heard, mixes, encodes, and protects
 * and sends a packet to everybody with sendto(); a socket and a key each, as our own peers have. No jitter buffer, no levels, no
 * RTCP, no ICE, no hand-over between threads, and 20 ms of delay for the sake of one wake-up.
 *
 * rtp-crowd is at the other end, without encryption, so a packet that has come is protected, not unprotected: the same work.
 *
 * usage: sound-floor PARTICIPANTS TALKERS BASE LISTEN
 * Participant i sends to BASE + 4 i and hears on LISTEN + 4 i, on 127.0.0.1. Writes "ready"; runs until it is ended. */

#include "../../src/transport/srtp-ciphers.h"
#include "bench-common.h"
#include "floor-sound.h"

#include <arpa/inet.h>
#include <errno.h>
#include <srtp2/srtp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define RTP_HEADER_BYTES 12
#define PAYLOAD_TYPE 111
#define MAX_PACKET_BYTES 1500
#define BATCH 4
#define MAX_PEOPLE 1000

typedef struct {
  int fd;
  struct sockaddr_in to;
  srtp_t in, out;
  guint16 seq;
} Person;

typedef struct {
  Person *people;
  guint n_people, n_speakers;
  FloorSound *sound;
  guint32 timestamp;
} Room;

/* ---- Who is there ----------------------------------------------------------------------------------------- */

static struct sockaddr_in
loopback (guint port)
{
  return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons ((guint16) port),
                               .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
}

static srtp_t
new_srtp (void)
{
  guint8 key[SRTP_AES_GCM_128_KEY_LEN_WSALT];
  srtp_policy_t policy = { .ssrc = { .type = ssrc_any_outbound }, .key = key, .window_size = 1024 };
  srtp_t srtp;

  for (guint i = 0; i < sizeof key; i++)
    key[i] = (guint8) g_random_int ();
  srtp_crypto_policy_set_aes_gcm_128_16_auth (&policy.rtp);
  srtp_crypto_policy_set_aes_gcm_128_16_auth (&policy.rtcp);
  if (srtp_create (&srtp, &policy) != srtp_err_status_ok)
    g_error ("no SRTP session");
  return srtp;
}

static void
seat (Person *person, guint port, guint listen_port)
{
  const struct sockaddr_in address = loopback (port);

  *person = (Person){ .fd = socket (AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), .to = loopback (listen_port),
                      .in = new_srtp (), .out = new_srtp () };
  if (person->fd < 0 || bind (person->fd, (const struct sockaddr *) &address, sizeof address) < 0)
    g_error ("port %u: %s", port, g_strerror (errno));
}

/* ---- Every 20 ms ------------------------------------------------------------------------------------------ */

static void
protect (srtp_t srtp, guint8 *packet, int *size)
{
  if (srtp_protect (srtp, packet, size) != srtp_err_status_ok)
    g_error ("a packet cannot be protected");
}

static void
take (Room *room, guint index, guint8 *packet, gsize size)
{
  int length = (int) size;

  if (size <= RTP_HEADER_BYTES)
    return;
  if (index < room->n_speakers)
    floor_sound_decode (room->sound, index, packet + RTP_HEADER_BYTES, size - RTP_HEADER_BYTES);
  protect (room->people[index].in, packet, &length);
}

static void
receive (Room *room, guint index)
{
  guint8 bytes[BATCH][MAX_PACKET_BYTES + SRTP_MAX_TRAILER_LEN] __attribute__ ((aligned (4)));
  struct mmsghdr messages[BATCH] = { 0 };
  struct iovec vectors[BATCH];

  for (guint i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){ bytes[i], MAX_PACKET_BYTES };
    messages[i].msg_hdr = (struct msghdr){ .msg_iov = &vectors[i], .msg_iovlen = 1 };
  }
  const int n = recvmmsg (room->people[index].fd, messages, BATCH, MSG_DONTWAIT, NULL);
  for (int i = 0; i < n; i++)
    take (room, index, bytes[i], messages[i].msg_len);
}

static void
send_to (Room *room, guint index, const FloorOpus *opus)
{
  guint8 packet[RTP_HEADER_BYTES + FLOOR_OPUS_MAX_BYTES + SRTP_MAX_TRAILER_LEN] __attribute__ ((aligned (4))) = { 0x80, PAYLOAD_TYPE };
  Person *person = &room->people[index];
  const guint16 seq = htons (person->seq++);
  const guint32 timestamp = htonl (room->timestamp), ssrc = htonl (0x1000 + index);
  int size = (int) (RTP_HEADER_BYTES + opus->size);

  memcpy (packet + 2, &seq, sizeof seq);
  memcpy (packet + 4, &timestamp, sizeof timestamp);
  memcpy (packet + 8, &ssrc, sizeof ssrc);
  memcpy (packet + RTP_HEADER_BYTES, opus->bytes, opus->size);
  protect (person->out, packet, &size);
  sendto (person->fd, packet, (gsize) size, MSG_DONTWAIT, (const struct sockaddr *) &person->to, sizeof person->to);
}

static void
run_block (Room *room)
{
  FloorOpus packets[FLOOR_MAX_SPEAKERS + 1];

  for (guint i = 0; i < room->n_people; i++)
    receive (room, i);
  floor_sound_encode (room->sound, packets);
  for (guint i = 0; i < room->n_people; i++)
    send_to (room, i, &packets[MIN (i, room->n_speakers)]);
  room->timestamp += BENCH_BLOCK_SAMPLES;
}

int
main (int argc, char **argv)
{
  Room room = { 0 };

  if (argc != 5)
    g_error ("usage: sound-floor PARTICIPANTS TALKERS BASE LISTEN");
  room.n_people = (guint) CLAMP (atoi (argv[1]), 1, MAX_PEOPLE);
  room.n_speakers = MIN ((guint) CLAMP (atoi (argv[2]), 0, FLOOR_MAX_SPEAKERS), room.n_people);
  room.people = g_new0 (Person, room.n_people);
  room.sound = floor_sound_new (room.n_speakers);
  srtp_init ();
  if (!mxr_srtp_ciphers_install ())
    g_error ("libsrtp2 takes no ciphers");
  for (guint i = 0; i < room.n_people; i++)
    seat (&room.people[i], (guint) atoi (argv[3]) + 4 * i, (guint) atoi (argv[4]) + 4 * i);
  puts ("ready");
  fflush (stdout);
  for (gint64 due_us = bench_now_us ();; due_us += BENCH_BLOCK_US) {
    bench_sleep_until_us (due_us);
    run_block (&room);
  }
}
