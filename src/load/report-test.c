#include "report.h"

#include <json-glib/json-glib.h>
#include <string.h>

/* ---- Judging -------------------------------------------------------------------------------------------------- */

typedef struct {
  MxrLoadOptions options;
  MxrReport report;
} Fixture;

/* Of a run in which all was well. */
static void
set_up (Fixture *fixture, gconstpointer unused)
{
  const char *words[] = { "mixroom-load", "--tones", "--delay", "--viewers=2", NULL };
  MxrReport *report = &fixture->report;
  MxrTally *tally = &report->tally;

  g_assert_true (mxr_load_options_parse (&fixture->options, (char **) words, NULL));
  *report = (MxrReport){ .options = &fixture->options, .n_wanted = 6, .n_joined = 6, .steady_s = 10 };
  report->marks = (MxrCastMarks){ 10, 10 };
  tally->n_clients = tally->n_connected = 6;
  for (guint i = 0; i < 2; i++)
    tally->n_expected[i] = tally->n_media[i] = 6;
  tally->down_packets = 10000;
  tally->up_bytes = tally->down_bytes = 1250000;
  tally->n_listened = 3;
  tally->n_looked = 1;
  tally->n_windows = 60;
  tally->least_heard = tally->n_compared = 3;
  tally->n_with_own = 2;
  for (guint i = 0; i < 6; i++) {
    mxr_samples_add (&tally->sound_share, 1);
    mxr_samples_add (&tally->frame_rate, 29);
  }
  for (guint i = 0; i < 3; i++)
    mxr_samples_add (&tally->clicks_share, 1);
  for (guint i = 0; i < 20; i++) {
    mxr_samples_add (&tally->own_db, -50);
    mxr_samples_add (&tally->sound_ms, 30 + i);
    mxr_samples_add (&tally->picture_ms, 40 + i);
  }
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  mxr_report_clear (&fixture->report);
  mxr_load_options_clear (&fixture->options);
}

static const MxrCheck *
find (const GArray *checks, const char *name)
{
  for (guint i = 0; i < checks->len; i++)
    if (strcmp (g_array_index (checks, MxrCheck, i).name, name) == 0)
      return &g_array_index (checks, MxrCheck, i);
  return NULL;
}

static const MxrCheck *
get (const GArray *checks, const char *name)
{
  const MxrCheck *check = find (checks, name);
  if (check == NULL)
    g_error ("no check of '%s'", name);
  return check;
}

/* Exactly this one fails. */
static void
assert_fails (Fixture *fixture, const char *name)
{
  g_autoptr (GArray) checks = mxr_report_judge (&fixture->report);
  const MxrCheck *failed = get (checks, name);

  g_assert_false (failed->is_passed);
  g_assert_false (mxr_checks_passed (checks));
  for (guint i = 0; i < checks->len; i++)
    if (&g_array_index (checks, MxrCheck, i) != failed)
      g_assert_true (g_array_index (checks, MxrCheck, i).is_passed);
}

static void
test_all_is_well (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GArray) checks = mxr_report_judge (&fixture->report);
  g_assert_true (mxr_checks_passed (checks));
  for (const char *const *name = (const char *const[]){ "joined", "stayed", "left", "whole", "sound", "picture", "loss",
                                                        "cadence", "rate", "others", "own", "clicks", "flashes", NULL };
       *name != NULL; name++)
    get (checks, *name);
}

static void
test_each_fault (Fixture *fixture, gconstpointer unused)
{
  MxrReport *report = &fixture->report;
  MxrTally *tally = &report->tally;

  report->n_joined = 5;
  assert_fails (fixture, "joined");
  report->n_joined = 6;
  report->n_lost = 1;
  assert_fails (fixture, "stayed");
  report->n_lost = 0;
  report->n_not_left = 1;
  assert_fails (fixture, "left");
  report->n_not_left = 0;
  report->is_stopped = true;
  assert_fails (fixture, "whole");
  report->is_stopped = false;
  report->steady_s = 9;
  assert_fails (fixture, "whole");
  report->steady_s = 10;
  tally->n_without[MXR_RTP_AUDIO] = 1;
  assert_fails (fixture, "sound");
  tally->n_without[MXR_RTP_AUDIO] = 0;
  tally->longest_gap_us[MXR_RTP_VIDEO] = 3 * G_USEC_PER_SEC;
  assert_fails (fixture, "picture");
  tally->longest_gap_us[MXR_RTP_VIDEO] = 0;
  tally->down_lost = 300;
  tally->down_repaired = 100;
  assert_fails (fixture, "loss");
  tally->down_repaired = 299;
  tally->most_missed = 1;
  assert_fails (fixture, "others");
  tally->most_missed = 0;
  tally->n_undecided = 1;
  assert_fails (fixture, "others");
  tally->n_undecided = 0;
  mxr_samples_add (&tally->own_db, -3);
  assert_fails (fixture, "own");
  mxr_samples_clear (&tally->own_db);
  assert_fails (fixture, "own"); /* those who send a tone have not listened for it */
  mxr_samples_add (&tally->own_db, -50);
  mxr_samples_add (&tally->clicks_share, 0.4);
  assert_fails (fixture, "clicks"); /* one of those who listen */
  mxr_samples_clear (&tally->clicks_share);
  mxr_samples_clear (&tally->sound_ms);
  assert_fails (fixture, "clicks");
  mxr_samples_add_all (&tally->sound_ms, &tally->picture_ms);
  mxr_samples_clear (&tally->picture_ms);
  assert_fails (fixture, "flashes");
}

/* Each client's own figure decides, not the sum. */
static void
test_cadence (Fixture *fixture, gconstpointer unused)
{
  MxrTally *tally = &fixture->report.tally;

  mxr_samples_add (&tally->sound_share, 0.96);
  assert_fails (fixture, "cadence");
  fixture->options.min_sound_percent = 95;
  g_autoptr (GArray) lenient = mxr_report_judge (&fixture->report);
  g_assert_true (get (lenient, "cadence")->is_passed);
  mxr_samples_clear (&tally->sound_share);
  mxr_samples_add (&tally->sound_share, 0.98);
  mxr_samples_add (&tally->frame_rate, 1);
  assert_fails (fixture, "rate");
  fixture->options.min_frame_rate = 0;
  g_autoptr (GArray) checks = mxr_report_judge (&fixture->report);
  g_assert_true (mxr_checks_passed (checks));
  g_assert_null (find (checks, "rate"));
}

/* Where some came so late that nothing can be said of anybody, that is no success. */
static void
test_too_short (Fixture *fixture, gconstpointer unused)
{
  MxrTally *tally = &fixture->report.tally;

  tally->n_media[MXR_RTP_AUDIO] = 0;
  assert_fails (fixture, "sound");
  tally->n_media[MXR_RTP_AUDIO] = 6;
  tally->n_media[MXR_RTP_VIDEO] = 0;
  assert_fails (fixture, "picture");
  tally->n_expected[MXR_RTP_VIDEO] = 0;
  g_autoptr (GArray) checks = mxr_report_judge (&fixture->report);
  g_assert_true (mxr_checks_passed (checks));
  g_assert_null (find (checks, "picture"));
}

/* With losses a tone may be gone for half a second, but not for most of the time. */
static void
test_tones_with_loss (Fixture *fixture, gconstpointer unused)
{
  MxrTally *tally = &fixture->report.tally;

  fixture->options.loss = 0.2;
  tally->most_missed = 1;
  tally->most_short = 0.4;
  g_autoptr (GArray) checks = mxr_report_judge (&fixture->report);
  g_assert_true (get (checks, "others")->is_passed);
  tally->most_short = 0.6;
  assert_fails (fixture, "others");
}

static void
test_nothing_measured (Fixture *fixture, gconstpointer unused)
{
  fixture->report.steady_s = 0;
  fixture->report.first_error = g_strdup ("no route");
  g_autoptr (GArray) checks = mxr_report_judge (&fixture->report);
  g_assert_false (mxr_checks_passed (checks));
  g_assert_null (find (checks, "sound"));
  g_assert_nonnull (strstr (get (checks, "joined")->detail, "no route"));
  g_autofree char *text = mxr_report_describe (&fixture->report, checks);
  g_assert_nonnull (strstr (text, "NOT all checks passed"));
}

/* ---- Telling -------------------------------------------------------------------------------------------------- */

static void
test_json (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) checks = mxr_report_judge (&fixture->report);

  fixture->options.loss = 0.025;
  fixture->report.server_begin = (MxrUsage){ G_USEC_PER_SEC, 1, 1000, 9 };
  fixture->report.server_end = (MxrUsage){ 3 * G_USEC_PER_SEC, 1.5, 2000, 10 };
  g_autofree char *text = mxr_report_to_json (&fixture->report, checks);
  g_assert_null (strchr (text, '\n'));
  g_autoptr (JsonNode) node = json_from_string (text, &error);
  g_assert_no_error (error);
  JsonObject *root = json_node_get_object (node);
  JsonObject *sound = json_object_get_object_member (root, "sound");
  JsonObject *delay = json_object_get_object_member (sound, "delay_ms");
  JsonObject *options = json_object_get_object_member (root, "options");
  JsonObject *server = json_object_get_object_member (root, "server");
  g_assert_true (json_object_get_boolean_member (root, "passed"));
  g_assert_cmpint (json_object_get_int_member (delay, "n"), ==, 20);
  g_assert_cmpfloat (json_object_get_double_member (delay, "median"), ==, 39);
  g_assert_cmpfloat (json_object_get_double_member (delay, "p95"), ==, 48);
  g_assert_cmpfloat (json_object_get_double_member (delay, "max"), ==, 49);
  g_assert_cmpfloat_with_epsilon (json_object_get_double_member (server, "cores"), 0.25, 1e-9);
  g_assert_cmpfloat_with_epsilon (json_object_get_double_member (options, "loss_percent"), 2.5, 1e-9);
  g_assert_cmpstr (json_object_get_string_member (options, "size"), ==, "640x360");
  g_assert_cmpint (json_object_get_int_member (options, "video_kbps"), ==, 800);
  g_assert_cmpint (json_object_get_int_member (options, "speakers"), ==, 6);
  g_assert_false (json_object_get_boolean_member (options, "in_order"));
  g_assert_cmpfloat (json_object_get_double_member (options, "min_frame_rate"), ==, 5);
  g_assert_false (json_object_has_member (root, "load"));
  g_assert_cmpfloat_with_epsilon (
    json_object_get_double_member (json_object_get_object_member (root, "traffic"), "down_kbps"), 1000, 1e-6);
}

static void
test_text (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GArray) checks = mxr_report_judge (&fixture->report);
  g_autofree char *text = mxr_report_describe (&fixture->report, checks);

  g_assert_nonnull (strstr (text, "median 39, 95th percentile 48, most 49 ms"));
  g_assert_nonnull (strstr (text, "All checks passed"));
  g_assert_null (strstr (text, "came again"));
  fixture->options.churn = 1;
  fixture->report.n_rejoined = 4;
  g_autofree char *churned = mxr_report_describe (&fixture->report, checks);
  g_assert_nonnull (strstr (churned, "left and came again    4\n"));
}

/* ---- Processes ------------------------------------------------------------------------------------------------ */

static void
test_usage (void)
{
  static const char stat[] = "123 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 50 17 18 19 20 21";
  static const char status[] = "Name:\tx\nVmRSS:\t  1234 kB\nThreads:\t17\n";
  MxrUsage usage;

  g_assert_true (mxr_usage_parse (stat, status, 100, &usage));
  g_assert_cmpfloat (usage.cpu_s, ==, 3);
  g_assert_cmpuint (usage.resident_kib, ==, 1234);
  g_assert_cmpuint (usage.n_threads, ==, 17);
  g_assert_false (mxr_usage_parse ("123 a S 1", status, 100, &usage));
  g_assert_false (mxr_usage_parse ("123 (a) S 1 2", status, 100, &usage));
  g_assert_false (mxr_usage_parse (stat, "Name:\tx\n", 100, &usage)); /* a kernel thread */
  g_assert_true (mxr_usage_read (0, &usage));
  g_assert_cmpuint (usage.resident_kib, >, 0);
  g_assert_cmpfloat (mxr_usage_get_cores (&(MxrUsage){ 0 }, &usage), ==, 0);
}

#define ADD(name, func) g_test_add ("/load/report/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("all-is-well", test_all_is_well);
  ADD ("each-fault", test_each_fault);
  ADD ("cadence", test_cadence);
  ADD ("too-short", test_too_short);
  ADD ("tones-with-loss", test_tones_with_loss);
  ADD ("nothing-measured", test_nothing_measured);
  ADD ("json", test_json);
  ADD ("text", test_text);
  g_test_add_func ("/load/report/usage", test_usage);
  return g_test_run ();
}
