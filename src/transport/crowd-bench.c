#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "harness-test.h"

/* What many peers cost the net thread that receives them: silent ones, which only prove every few seconds that they
 * are there, and talking ones, each of which sends 50 packets of 100 bytes a second. */

#define PACKETS_PER_S 50
#define SECONDS 4
#define PACKET_BYTES 100
/* libnice looks for better pairs every 20 ms for this long after the last check. */
#define CALM_DOWN_S 7

typedef struct {
  GPtrArray *harnesses; /* a receives, b sends */
  guint packets_per_s;
  guint16 sequence;
  guint64 n_sent; /* over all */
  gint64 begin_us;
  GSource *source;
} Crowd;

typedef struct {
  double cpu_ns;
  glong n_wakeups;
} Usage;

static void
send_one (Peer *peer, guint16 sequence)
{
  guint8 packet[PACKET_BYTES + MXR_SRTP_TRAILER_BYTES] = { 0x80, 96, (guint8) (sequence >> 8), (guint8) sequence };
  mxr_transport_send_rtp (peer->transport, packet, PACKET_BYTES, sizeof packet);
}

/* In the senders' thread: as many as are due by now, from one peer after the other. */
static gboolean
send_due (gpointer data)
{
  Crowd *crowd = data;
  const guint n = crowd->harnesses->len;
  const gint64 elapsed_us = g_get_monotonic_time () - crowd->begin_us;
  const guint64 n_due = (guint64) elapsed_us * n * crowd->packets_per_s / G_USEC_PER_SEC;

  for (; crowd->n_sent < n_due; crowd->n_sent++) {
    Harness *harness = g_ptr_array_index (crowd->harnesses, crowd->n_sent % n);
    crowd->sequence += crowd->n_sent % n == 0;
    send_one (&harness->b, crowd->sequence);
  }
  return G_SOURCE_CONTINUE;
}

static void
begin (Peer *peer, gpointer data)
{
  Crowd *crowd = data;

  crowd->begin_us = g_get_monotonic_time ();
  crowd->source = g_timeout_source_new (1);
  g_source_set_callback (crowd->source, send_due, crowd, NULL);
  g_source_attach (crowd->source, mxr_net_thread_get_context (peer->thread));
}

static void
end (Peer *peer, gpointer data)
{
  Crowd *crowd = data;
  g_source_destroy (crowd->source);
  g_source_unref (crowd->source);
}

static void
read_usage (Peer *peer, gpointer data)
{
  Usage *usage = data;
  struct timespec now;
  struct rusage rusage;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  getrusage (RUSAGE_THREAD, &rusage);
  *usage = (Usage){ (double) now.tv_sec * 1e9 + (double) now.tv_nsec, rusage.ru_nvcsw };
}

static guint
count_received (const Crowd *crowd)
{
  guint n = 0;
  for (guint i = 0; i < crowd->harnesses->len; i++)
    n += ((Harness *) g_ptr_array_index (crowd->harnesses, i))->a.n_rtp;
  return n;
}

static void
measure (Crowd *crowd, guint packets_per_s)
{
  Harness *first = g_ptr_array_index (crowd->harnesses, 0);
  const guint n_before = count_received (crowd);
  Usage before, after;

  crowd->packets_per_s = packets_per_s;
  crowd->n_sent = 0;
  harness_call (&first->a, read_usage, &before);
  harness_call (&first->b, begin, crowd);
  g_usleep (SECONDS * G_USEC_PER_SEC);
  harness_call (&first->b, end, crowd);
  harness_call (&first->a, read_usage, &after);
  const guint n_received = count_received (crowd) - n_before;
  const double cpu_ns = after.cpu_ns - before.cpu_ns;
  g_print ("%4u peers: %6.0f packets/s of %6.0f sent, %6.0f wake-ups/s, %5.2f %% of a core, %6.0f ns a packet\n",
           crowd->harnesses->len, n_received / (double) SECONDS, (double) crowd->n_sent / SECONDS,
           (double) (after.n_wakeups - before.n_wakeups) / SECONDS, cpu_ns / SECONDS / 1e7,
           n_received == 0 ? 0 : cpu_ns / n_received);
}

static void
measure_crowd (guint n_peers)
{
  Crowd crowd = { .harnesses = g_ptr_array_new () };

  g_ptr_array_add (crowd.harnesses, harness_new (NULL));
  for (guint i = 1; i < n_peers; i++)
    g_ptr_array_add (crowd.harnesses, harness_new_beside (g_ptr_array_index (crowd.harnesses, 0)));
  for (guint i = 0; i < n_peers; i++)
    harness_connect (g_ptr_array_index (crowd.harnesses, i));
  g_usleep (CALM_DOWN_S * G_USEC_PER_SEC);
  measure (&crowd, 0);
  measure (&crowd, PACKETS_PER_S);
  for (guint i = n_peers; i > 0; i--)
    harness_free (g_ptr_array_index (crowd.harnesses, i - 1));
  g_ptr_array_unref (crowd.harnesses);
}

int
main (int argc, char **argv)
{
  static const guint sizes[] = { 1, 10, 100, 300 };

  for (guint i = 0; argc == 1 && i < G_N_ELEMENTS (sizes); i++)
    measure_crowd (sizes[i]);
  for (int i = 1; i < argc; i++)
    measure_crowd ((guint) g_ascii_strtoull (argv[i], NULL, 10));
  return 0;
}
