/* Times of what is tapped: the sender's own, whatever the network does. */

#include "tap-clock.h"

#include <stdlib.h>

#define MS ((gint64) GST_MSECOND)
#define AUDIO_START 4294960000u /* wraps within the first second */
#define VIDEO_START 70000u

/* Sound every 20 ms, a picture every 40, of instants that the sender's clock counts from 0; each is late by so much. */
typedef struct {
  MxrTapClock clock;
  GRand *rand;
  gint64 delay_ns[MXR_PEER_N_KINDS], jitter_ns;
  double drift; /* of the sender's clock against ours */
} Sender;

static guint32
get_rtp (MxrRtpKind kind, gint64 instant_ms)
{
  return kind == MXR_RTP_AUDIO ? AUDIO_START + (guint32) (instant_ms * 48) : VIDEO_START + (guint32) (instant_ms * 90);
}

/* Returns: by how much the time that was given to it is behind the instant. */
static gint64
send (Sender *sender, MxrRtpKind kind, gint64 instant_ms)
{
  const gint64 jitter_ns = sender->jitter_ns > 0 ? g_rand_int_range (sender->rand, 0, (gint32) sender->jitter_ns) : 0;
  const gint64 instant_ns = (gint64) (instant_ms * MS * (1 + sender->drift));
  const gint64 arrival_ns = 10000 * MS + instant_ns + sender->delay_ns[kind] + jitter_ns;

  return (gint64) mxr_tap_clock_stamp (&sender->clock, kind, get_rtp (kind, instant_ms), arrival_ns) - 10000 * MS - instant_ns;
}

static void
report (Sender *sender, gint64 instant_ms)
{
  const guint64 wall_ms = 3900000000000 + (guint64) instant_ms;
  const guint64 ntp = (wall_ms / 1000) << 32 | ((wall_ms % 1000) << 32) / 1000;

  for (guint kind = 0; kind < MXR_PEER_N_KINDS; kind++)
    mxr_tap_clock_report (&sender->clock, kind, ntp, get_rtp (kind, instant_ms));
}

static void
run (Sender *sender, gint64 from_ms, gint64 till_ms, bool reports, gint64 *out_behind_ns, gint64 *out_spread_ns)
{
  gint64 least[MXR_PEER_N_KINDS] = { G_MAXINT64, G_MAXINT64 }, most[MXR_PEER_N_KINDS] = { G_MININT64, G_MININT64 };

  for (gint64 ms = from_ms; ms < till_ms; ms += 20) {
    for (guint kind = 0; kind < (ms % 40 == 0 ? 2 : 1); kind++) {
      out_behind_ns[kind] = send (sender, kind, ms);
      least[kind] = MIN (least[kind], out_behind_ns[kind]);
      most[kind] = MAX (most[kind], out_behind_ns[kind]);
    }
    if (reports && ms % 1000 == 500)
      report (sender, ms);
  }
  out_spread_ns[0] = most[0] - least[0];
  out_spread_ns[1] = most[1] - least[1];
}

static void
test_jitter (void)
{
  Sender sender = { .rand = g_rand_new_with_seed (1), .delay_ns = { 20 * MS, 20 * MS }, .jitter_ns = 60 * MS };
  gint64 behind[2], spread[2];

  run (&sender, 0, 5000, false, behind, spread);
  run (&sender, 5000, 20000, false, behind, spread);
  g_test_message ("60 ms of jitter: spread %.2f and %.2f ms", spread[0] / 1e6, spread[1] / 1e6);
  g_assert_cmpint (spread[0], <, 5 * MS);
  g_assert_cmpint (spread[1], <, 5 * MS);
  g_rand_free (sender.rand);
}

/* Encoding a picture and sending it takes 90 ms longer: by arrival alone it would be so much late. */
static void
test_reports (void)
{
  Sender sender = { .rand = g_rand_new_with_seed (2), .delay_ns = { 20 * MS, 110 * MS }, .jitter_ns = 20 * MS };
  gint64 behind[2], spread[2];

  run (&sender, 0, 1000, false, behind, spread);
  g_assert_cmpint (behind[1] - behind[0], >, 60 * MS);
  run (&sender, 1000, 6000, true, behind, spread);
  run (&sender, 6000, 60000, true, behind, spread);
  g_test_message ("90 ms apart: %.2f ms in the end", (behind[1] - behind[0]) / 1e6);
  g_assert_cmpint (llabs (behind[1] - behind[0]), <, 2 * MS);
  g_assert_cmpint (spread[1], <, 10 * MS);
  g_rand_free (sender.rand);
}

/* Clocks of computers differ by some 50 millionths. */
static void
test_drift (void)
{
  for (int sign = -1; sign <= 1; sign += 2) {
    Sender sender = { .rand = g_rand_new_with_seed (3), .delay_ns = { 20 * MS, 40 * MS }, .jitter_ns = 20 * MS,
                      .drift = sign * 50e-6 };
    gint64 behind[2], spread[2];

    run (&sender, 0, 3600 * 1000, true, behind, spread);
    g_test_message ("an hour of drift: %.1f and %.1f ms behind", behind[0] / 1e6, behind[1] / 1e6);
    g_assert_cmpint (llabs (behind[0] - 20 * MS), <, 15 * MS);
    g_assert_cmpint (llabs (behind[1] - behind[0]), <, 5 * MS);
    g_rand_free (sender.rand);
  }
}

/* A stall is not the sender's; a clock that stood still is, and is followed after a second. */
static void
test_stall_and_jump (void)
{
  Sender sender = { .delay_ns = { 20 * MS, 20 * MS } };
  gint64 behind[2], spread[2];

  run (&sender, 0, 2000, false, behind, spread);
  sender.delay_ns[0] = 900 * MS;
  run (&sender, 2000, 2800, false, behind, spread);
  g_assert_cmpint (behind[0], ==, 20 * MS);
  run (&sender, 2800, 4800, false, behind, spread);
  g_assert_cmpint (behind[0], ==, 900 * MS);
}

/* Also from a source that begins anew, behind the former one. */
static void
test_always_later (void)
{
  MxrTapClock clock = { 0 };
  GstClockTime former = 0;

  for (guint i = 0; i < 500; i++) {
    const gint64 arrival_ns = 1000 * MS + i * 20 * MS;
    if (i == 250)
      mxr_tap_clock_restart (&clock, MXR_RTP_AUDIO);
    GstClockTime time = mxr_tap_clock_stamp (&clock, MXR_RTP_AUDIO, i < 250 ? i * 960 : i * 7, i == 300 ? 0 : arrival_ns);
    g_assert_cmpuint (time, >, former);
    former = time;
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tap-clock/jitter", test_jitter);
  g_test_add_func ("/tap-clock/reports", test_reports);
  g_test_add_func ("/tap-clock/drift", test_drift);
  g_test_add_func ("/tap-clock/stall-and-jump", test_stall_and_jump);
  g_test_add_func ("/tap-clock/always-later", test_always_later);
  return g_test_run ();
}
