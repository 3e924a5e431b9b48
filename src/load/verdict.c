/* What a run has to show to have passed. */

#include "report.h"

/* Loopback and local networks lose nothing; who goes over others says so with --loss, which turns this off. */
#define LOSS_MAX 0.002
/* A coder at 32 kbit/s leaves noise at -45 dB and less beside six tones, in single half seconds more. */
#define OWN_MEDIAN_MAX_DB (-40)
#define OWN_WORST_MAX_DB (-30)
/* With --loss: half seconds without all of the others' tones. What is concealed twice has jumps of phase, and what is
 * left of a tone over half a second may be little. */
#define SHORT_MAX 0.5
/* Clicks, by each listener, and flashes that were noticed, of those that were sent. */
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
  add (checks, "left", report->n_not_left == 0, "%u left without the server's OK", report->n_not_left);
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
    if (tally->n_expected[i] == 0)
      continue;
    if (tally->n_media[i] == 0) {
      add (checks, names[i], false, "too short to judge: all %u joined just before the end; try more --settle or --duration",
           tally->n_expected[i]);
      continue;
    }
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

/* Sound is in no packet while nobody sends it, so only that of this program's own talkers has to be without a pause. */
static void
judge_cadence (MxrReport *report, GArray *checks)
{
  const MxrLoadOptions *options = report->options;
  MxrTally *tally = &report->tally;

  if (options->loss > 0)
    return;
  if (options->n_talkers > 0 && !options->dtx && tally->sound_share.n > 0) {
    const double least = mxr_samples_quantile (&tally->sound_share, 0);
    add (checks, "cadence", least * 100 >= options->min_sound_percent,
         "sound of at least %.1f %% of each client's time, %g expected", MIN (least, 1) * 100, options->min_sound_percent);
  }
  if (options->min_frame_rate > 0 && tally->n_expected[MXR_RTP_VIDEO] > 0 && tally->frame_rate.n > 0) {
    const double least = mxr_samples_quantile (&tally->frame_rate, 0);
    add (checks, "rate", least >= options->min_frame_rate, "at least %.1f frames/s, %g expected", least,
         options->min_frame_rate);
  }
}

static void
judge_tones (MxrReport *report, GArray *checks)
{
  MxrTally *tally = &report->tally;

  if (tally->n_compared == 0)
    return;
  const guint heard = tally->n_windows > 0 ? tally->least_heard : 0;
  const bool are_there = report->options->loss > 0 ? tally->most_short <= SHORT_MAX : tally->most_missed == 0;
  add (checks, "others", are_there && tally->n_undecided == 0,
       "at least %u tones of others at any time, up to %u missing, in up to %.0f %% of half seconds, by %u clients in %u; "
       "%u could not tell",
       heard, tally->most_missed, tally->most_short * 100, tally->n_compared, tally->n_windows, tally->n_undecided);
  if (tally->n_with_own == 0)
    return;
  const double median_db = mxr_samples_quantile (&tally->own_db, 0.5);
  const double worst_db = mxr_samples_quantile (&tally->own_db, 1);
  add (checks, "own", tally->own_db.n > 0 && median_db <= OWN_MEDIAN_MAX_DB && worst_db <= OWN_WORST_MAX_DB,
       "own tone at %.0f dB against others', at most %.0f", median_db, worst_db);
}

static void
judge_delay (MxrReport *report, GArray *checks)
{
  MxrTally *tally = &report->tally;
  const guint64 n_flashes = report->marks.flashes;
  const double share = mxr_samples_quantile (&tally->clicks_share, 0);

  if (!report->options->delay || report->options->loss > 0)
    return;
  if (tally->n_listened > 0)
    add (checks, "clicks", tally->sound_ms.n > 0 && (tally->clicks_share.n == 0 || share >= MARKS_MIN),
         "%u times heard by %u clients, %" G_GUINT64_FORMAT " sent; of others' at least %.0f %%", tally->sound_ms.n,
         tally->n_listened, report->marks.clicks, MIN (share, 1) * 100);
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
    judge_cadence (report, checks);
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
