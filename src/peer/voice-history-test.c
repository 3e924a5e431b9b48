#include "voice-history.h"

#include <string.h>

#define MS ((gint64) 1000)
#define BEGIN_US (1000 * MS)
#define FRAME_US (20 * MS)

/* Packet @i is 20 ms after the one before; its first byte is its number. */
static void
add_sized (MxrVoiceHistory *history, guint i, gsize n_bytes)
{
  guint8 bytes[1500];
  memset (bytes, (int) i, sizeof bytes);
  mxr_voice_history_add (history, 100000 + i, i * 960, bytes, n_bytes, BEGIN_US + i * FRAME_US);
}

static bool
hear (MxrVoiceHistory *history, guint i, int level_dbov, bool voice)
{
  bool begins = mxr_voice_history_note_level (history, level_dbov, voice, BEGIN_US + i * FRAME_US);
  add_sized (history, i, 80);
  return begins;
}

static void
assert_found (const MxrVoiceHistory *history, guint now, guint first, guint last)
{
  const MxrVoicePacket *packets[MXR_VOICE_HISTORY_PACKETS];
  guint n = mxr_voice_history_find (history, BEGIN_US + now * FRAME_US, packets);

  g_assert_cmpuint (n, ==, last - first + 1);
  for (guint i = 0; i < n; i++) {
    g_assert_cmpuint (packets[i]->extended_seq, ==, 100000 + first + i);
    g_assert_cmpuint (packets[i]->timestamp, ==, (first + i) * 960);
    g_assert_cmpuint (packets[i]->bytes[79], ==, (guint8) (first + i));
    g_assert_cmpuint (packets[i]->n_bytes, ==, 80);
  }
}

static void
assert_nothing_found (const MxrVoiceHistory *history, guint now)
{
  const MxrVoicePacket *packets[MXR_VOICE_HISTORY_PACKETS];
  g_assert_cmpuint (mxr_voice_history_find (history, BEGIN_US + now * FRAME_US, packets), ==, 0);
}

static void
test_edges (void)
{
  g_autofree MxrVoiceHistory *history = g_new0 (MxrVoiceHistory, 1);

  g_assert_false (hear (history, 0, -70, false));
  g_assert_true (hear (history, 1, -30, false)); /* loud */
  g_assert_false (hear (history, 2, -20, true));
  g_assert_false (hear (history, 3, -60, false)); /* a pause between words */
  g_assert_false (hear (history, 10, -30, false));
  g_assert_false (hear (history, 26, -60, false)); /* 320 ms: silence */
  g_assert_true (hear (history, 27, -60, true));   /* soft, but the sender knows it is speech */
  g_assert_false (hear (history, 60, -80, true));  /* softer than any room */
  g_assert_false (hear (history, 61, -127, true));
  g_assert_false (hear (history, 62, -45, false)); /* the bound itself is no voice */
  g_assert_true (hear (history, 63, -44, false));
}

static void
test_begins_before_onset (void)
{
  g_autofree MxrVoiceHistory *history = g_new0 (MxrVoiceHistory, 1);

  for (guint i = 0; i < 40; i++)
    hear (history, i, -70, false);
  assert_nothing_found (history, 40);
  hear (history, 40, -30, true);
  assert_found (history, 40, 39, 40);
  hear (history, 41, -30, true);
  hear (history, 42, -30, true);
  assert_found (history, 42, 39, 42);
}

static void
test_at_most_120_ms (void)
{
  g_autofree MxrVoiceHistory *history = g_new0 (MxrVoiceHistory, 1);

  for (guint i = 0; i < 100; i++)
    hear (history, i, -30, true);
  assert_found (history, 99, 93, 99);
}

static void
test_silence_has_no_past (void)
{
  g_autofree MxrVoiceHistory *history = g_new0 (MxrVoiceHistory, 1);

  hear (history, 0, -30, true);
  assert_found (history, 5, 0, 0);
  assert_nothing_found (history, 16);
}

static void
test_order (void)
{
  static const guint order[] = { 3, 0, 1, 5, 2, 4 };
  g_autofree MxrVoiceHistory *history = g_new0 (MxrVoiceHistory, 1);
  const MxrVoicePacket *packets[MXR_VOICE_HISTORY_PACKETS];
  guint8 bytes[10] = { 0 };

  mxr_voice_history_note_level (history, -20, true, BEGIN_US);
  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    mxr_voice_history_add (history, 65530 + order[i], order[i], bytes, sizeof bytes, BEGIN_US + i);
  g_assert_cmpuint (mxr_voice_history_find (history, BEGIN_US + 10, packets), ==, 6);
  for (guint i = 0; i < 6; i++)
    g_assert_cmpuint (packets[i]->extended_seq, ==, 65530 + i);
}

static void
test_bounds (void)
{
  g_autofree MxrVoiceHistory *history = g_new0 (MxrVoiceHistory, 1);

  g_assert_cmpuint (sizeof *history, <=, 8 * 1024);
  mxr_voice_history_note_level (history, -20, true, BEGIN_US);
  add_sized (history, 0, 1500);
  add_sized (history, 1, MXR_VOICE_HISTORY_PACKET_BYTES + 1);
  add_sized (history, 2, 0);
  assert_nothing_found (history, 2);
  for (guint i = 0; i < 100; i++) /* many at once: the last ones stay */
    mxr_voice_history_add (history, 200 + i, i, (const guint8 *) "x", 1, BEGIN_US);
  const MxrVoicePacket *packets[MXR_VOICE_HISTORY_PACKETS];
  g_assert_cmpuint (mxr_voice_history_find (history, BEGIN_US, packets), ==, MXR_VOICE_HISTORY_PACKETS);
  g_assert_cmpuint (packets[0]->extended_seq, ==, 300 - MXR_VOICE_HISTORY_PACKETS);
  mxr_voice_history_forget (history);
  assert_nothing_found (history, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/voice-history/edges", test_edges);
  g_test_add_func ("/voice-history/begins-before-onset", test_begins_before_onset);
  g_test_add_func ("/voice-history/at-most-120-ms", test_at_most_120_ms);
  g_test_add_func ("/voice-history/silence-has-no-past", test_silence_has_no_past);
  g_test_add_func ("/voice-history/order", test_order);
  g_test_add_func ("/voice-history/bounds", test_bounds);
  return g_test_run ();
}
