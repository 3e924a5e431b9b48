/* What a run has to show to have passed. */

#include "report.h"

/* Loopback and local networks lose nothing; who goes over others says so with --loss, which turns this off. */
#define LOSS_MAX 0.002
/* A coder at 32 kbit/s leaves noise at -45 dB and less beside six tones, in single half seconds more. */
#define OWN_MEDIAN_MAX_DB (-40)
#define OWN_WORST_MAX_DB (-30)
/* Clicks and flashes that were seen, of those that were sent. Those of the last moment are still on their way. */
#define MARKS_MIN 0.5
#define GAP_MAX_US (2 * G_USEC_PER_SEC)

static void add (GArray *checks, const char *name, bool is_passed, const char *format, ...) G_GNUC_PRINTF (4, 5);

static void
add (GArray *checks, const char *name, bool is_passed, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  const MxrCheck check = { name, is_passed, g_strdup_vprintf (format, arguments) };
  va_end (arguments);
  g_array_append_val (checks, check);
}

static void
judge_presence (const MxrReport *report, GArray *checks)
{
  add (checks, "joined", report->n_joined == report->n_wanted && report->n_failed == 0,
       "%u of %u joined and connected%s%s", report->n_joined, report->n_wanted,
       report->first_error != NULL ? "; the first failure: " : "",
       report->first_error != NULL ? report->first_error : "");
  add (checks, "stayed", report->n_lost == 0, "%u lost their connection", report->n_lost);
  add (checks, "left", report->n_not_left == 0, "%u could not tell the server that they leave", report->n_not_left);
  add (checks, "whole", !report->is_stopped && report->steady_s >= report->options->duration_s,
       report->steady_s > 0 ? "measured for %.1f s of %d s" : "nothing was measured: %.1f s of %d s", report->steady_s,
       report->options->duration_s);
}

static void
judge_media (const MxrReport *report, GArray *checks)
{
  static const char *const names[] = { "sound", "picture" };
  const MxrTally *tally = &report->tally;
  const bool may_pause[] = { report->options->dtx, false };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    if (tally->n_media[i] == 0)
      continue;
    const bool is_steady = may_pause[i] || report->options->loss > 0 || tally->longest_gap_us[i] < GAP_MAX_US;
    add (checks, names[i], tally->n_without[i] == 0 && is_steady,
         "%u of %u got none; longest gap %" G_GINT64_FORMAT " ms", tally->n_without[i], tally->n_media[i],
         tally->longest_gap_us[i] / 1000);
  }
  const gint64 missing = (gint64) tally->down_lost - (gint64) tally->down_repaired;
  const double share = (double) MAX (missing, 0) / (double) MAX ((gint64) tally->down_packets + missing, 1);
  if (report->options->loss == 0 && tally->down_packets > 0)
    add (checks, "loss", share <= LOSS_MAX, "%.3f %% of packets did not come", share * 100);
}

static void
judge_tones (MxrReport *report, GArray *checks)
{
  MxrTally *tally = &report->tally;
  /* Who is one of the speakers hears one less. */
  const int expected = MIN (report->options->n_talkers - 1, report->options->n_speakers - 1);

  if (!report->options->tones || expected < 1)
    return;
  const guint heard = tally->n_windows > 0 ? tally->least_heard : 0;
  add (checks, "others", heard >= (guint) expected && tally->n_silent_windows == 0,
       "at least %u tones of others at any time, %d expected, by %u clients in %u half seconds", heard, expected,
       tally->n_listened, tally->n_windows);
  const double median_db = mxr_samples_quantile (&tally->own_db, 0.5);
  const double worst_db = mxr_samples_quantile (&tally->own_db, 1);
  if (tally->own_db.n > 0)
    add (checks, "own", median_db <= OWN_MEDIAN_MAX_DB && worst_db <= OWN_WORST_MAX_DB,
         "own tone at %.0f dB against others', at most %.0f", median_db, worst_db);
}

/* Who sends clicks does not hear its own, so in each room one listener may miss each of them. */
static double
count_expected_clicks (const MxrReport *report)
{
  const double n_rooms = MIN (report->options->n_rooms, MXR_CAST_SAMPLED_ROOMS);
  return (double) report->marks.clicks * MAX (report->tally.n_listened / n_rooms - 1, 1);
}

static void
judge_delay (const MxrReport *report, GArray *checks)
{
  const MxrTally *tally = &report->tally;
  const guint64 n_flashes = report->marks.flashes;

  if (!report->options->delay || report->options->loss > 0)
    return;
  if (tally->n_listened > 0)
    add (checks, "clicks", tally->sound_ms.n > 0 && tally->sound_ms.n >= MARKS_MIN * count_expected_clicks (report),
         "%u times heard by %u clients, %" G_GUINT64_FORMAT " sent", tally->sound_ms.n, tally->n_listened,
         report->marks.clicks);
  if (tally->n_looked > 0)
    add (checks, "flashes", tally->picture_ms.n > 0 && tally->picture_ms.n >= MARKS_MIN * (double) n_flashes,
         "%u seen in %u frames, %" G_GUINT64_FORMAT " sent", tally->picture_ms.n, tally->n_decoded, n_flashes);
}

static void
check_clear (gpointer check)
{
  g_free (((MxrCheck *) check)->detail);
}

GArray *
mxr_report_judge (MxrReport *report)
{
  GArray *checks = g_array_new (FALSE, FALSE, sizeof (MxrCheck));

  g_array_set_clear_func (checks, check_clear);
  judge_presence (report, checks);
  if (report->steady_s > 0) {
    judge_media (report, checks);
    judge_tones (report, checks);
    judge_delay (report, checks);
  }
  return checks;
}

bool
mxr_checks_passed (const GArray *checks)
{
  for (guint i = 0; i < checks->len; i++)
    if (!g_array_index (checks, MxrCheck, i).is_passed)
      return false;
  return true;
}

void
mxr_report_clear (MxrReport *report)
{
  g_free (report->first_error);
  mxr_tally_clear (&report->tally);
}
