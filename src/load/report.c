#include "report.h"

#include <json-glib/json-glib.h>
#include <stdlib.h>

#include "tone.h"

static const char *const codec_names[] = {
  [MXR_CODEC_NONE] = "none", [MXR_CODEC_OPUS] = "opus", [MXR_CODEC_VP8] = "vp8", [MXR_CODEC_H264] = "h264"
};

static const char *const expectations[] = { "none", "sound", "picture", "sound,picture" };

/* Of the last minute; -1: unknown. Above the number of cores the figures are those of a machine that is too small. */
static double
get_load_average (void)
{
  double average;
  return getloadavg (&average, 1) == 1 ? average : -1;
}

static double
get_kbps (guint64 bytes, double seconds)
{
  return seconds > 0 ? (double) bytes * 8 / 1000 / seconds : 0;
}

/* ---- For people ----------------------------------------------------------------------------------------------- */

static void
describe_samples (GString *text, const char *name, MxrSamples *samples, const char *unit)
{
  if (samples->n == 0)
    return;
  g_string_append_printf (text, "  %-22s median %.0f, 95th percentile %.0f, most %.0f %s (%u)\n", name,
                          mxr_samples_quantile (samples, 0.5), mxr_samples_quantile (samples, 0.95),
                          mxr_samples_quantile (samples, 1), unit, samples->n);
}

static void
describe_traffic (GString *text, const MxrReport *report)
{
  const MxrTally *tally = &report->tally;
  const double s = report->steady_s;

  g_string_append_printf (text, "  %-22s up %.0f kbit/s, %.0f packets/s; down %.0f kbit/s, %.0f packets/s\n",
                          "traffic", get_kbps (tally->up_bytes, s), (double) tally->up_packets / s,
                          get_kbps (tally->down_bytes, s), (double) tally->down_packets / s);
  g_string_append_printf (text, "  %-22s down %" G_GUINT64_FORMAT " packets, %" G_GUINT64_FORMAT " of them repaired\n",
                          "lost", tally->down_lost, tally->down_repaired);
  if (report->options->churn > 0)
    g_string_append_printf (text, "  %-22s %u\n", "left and came again", report->n_rejoined);
  if (tally->n_media[MXR_RTP_VIDEO] == 0)
    return;
  g_string_append_printf (text,
                          "  %-22s %" G_GUINT64_FORMAT " freezes, longest gap %" G_GINT64_FORMAT
                          " ms, %.2f key frames/s a client\n",
                          "picture", tally->freezes, tally->longest_gap_us[MXR_RTP_VIDEO] / 1000,
                          (double) tally->keyframes / s / tally->n_media[MXR_RTP_VIDEO]);
}

static void
describe_usage (GString *text, const char *name, const MxrUsage *begin, const MxrUsage *end)
{
  if (begin->at_us == 0 || end->at_us == 0)
    return;
  g_string_append_printf (text, "  %-22s %.3f cores, %.1f MiB resident, %u threads\n", name,
                          mxr_usage_get_cores (begin, end), (double) end->resident_kib / 1024, end->n_threads);
}

static void
describe_measures (GString *text, MxrReport *report)
{
  MxrTally *tally = &report->tally;

  describe_traffic (text, report);
  describe_samples (text, "time to connect", &tally->connect_ms, "ms");
  describe_samples (text, "time to first sound", &tally->first_ms[MXR_RTP_AUDIO], "ms");
  describe_samples (text, "time to first picture", &tally->first_ms[MXR_RTP_VIDEO], "ms");
  describe_samples (text, "frame rate", &tally->frame_rate, "frames/s");
  describe_samples (text, "delay of sound", &tally->sound_ms, "ms");
  describe_samples (text, "delay of pictures", &tally->picture_ms, "ms");
  describe_usage (text, "this program", &report->own_begin, &report->own_end);
  describe_usage (text, "the server", &report->server_begin, &report->server_end);
  if (get_load_average () > 1.5 * g_get_num_processors ())
    g_string_append_printf (text,
                            "  this machine has more to do than it can (load average %.1f, %u cores): "
                            "take the figures so\n",
                            get_load_average (), g_get_num_processors ());
  if (tally->late_us > 50 * 1000)
    g_string_append_printf (text,
                            "  this program was late by up to %" G_GINT64_FORMAT
                            " ms: delays and gaps are partly its own\n",
                            tally->late_us / 1000);
}

char *
mxr_report_describe (MxrReport *report, const GArray *checks)
{
  const MxrLoadOptions *options = report->options;
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "%d x (%d participants, %d talking, %d cameras; %d viewers), %s, %.1f s at %s\n",
                          options->n_rooms, options->n_participants, options->n_talkers, options->n_cameras,
                          options->n_viewers, codec_names[options->codec], report->steady_s, options->server);
  if (report->steady_s > 0)
    describe_measures (text, report);
  for (guint i = 0; i < checks->len; i++) {
    const MxrCheck *check = &g_array_index (checks, MxrCheck, i);
    g_string_append_printf (text, "  %s %-8s %s\n", check->is_passed ? "passed" : "FAILED", check->name, check->detail);
  }
  g_string_append (text, mxr_checks_passed (checks) ? "All checks passed.\n" : "NOT all checks passed.\n");
  return g_string_free (text, FALSE);
}

/* ---- For programs --------------------------------------------------------------------------------------------- */

static void
add_int (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

static void
add_number (JsonBuilder *builder, const char *name, double value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_double_value (builder, value);
}

static void
add_bool (JsonBuilder *builder, const char *name, bool value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_boolean_value (builder, value);
}

static void
add_text (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
begin (JsonBuilder *builder, const char *name)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
}

static void
add_options (JsonBuilder *builder, const MxrLoadOptions *options)
{
  g_autofree char *size = g_strdup_printf ("%ux%u", options->width_px, options->height_px);

  begin (builder, "options");
  add_text (builder, "server", options->server);
  add_int (builder, "rooms", options->n_rooms);
  add_int (builder, "participants", options->n_participants);
  add_int (builder, "talkers", options->n_talkers);
  add_int (builder, "cameras", options->n_cameras);
  add_int (builder, "viewers", options->n_viewers);
  add_text (builder, "codec", codec_names[options->codec]);
  add_number (builder, "ramp", options->ramp);
  add_number (builder, "churn", options->churn);
  add_int (builder, "settle_s", options->settle_s);
  add_int (builder, "duration_s", options->duration_s);
  add_text (builder, "size", size);
  add_int (builder, "video_kbps", options->video_kbps);
  add_int (builder, "speakers", options->n_speakers);
  add_number (builder, "min_sound_percent", options->min_sound_percent);
  add_number (builder, "min_frame_rate", options->min_frame_rate);
  if (options->expect != MXR_EXPECT_WHAT_IS_SENT)
    add_text (builder, "expect", expectations[options->expect]);
  add_number (builder, "loss_percent", options->loss * 100);
  add_int (builder, "jitter_ms", options->jitter_ms);
  add_bool (builder, "in_order", options->keeps_order);
  add_bool (builder, "audio_level", !options->no_audio_level);
  add_bool (builder, "dtx", options->dtx);
  add_bool (builder, "tones", options->tones);
  add_bool (builder, "delay", options->delay);
  json_builder_end_object (builder);
}

/* Left out where nothing was measured. */
static void
add_samples (JsonBuilder *builder, const char *name, MxrSamples *samples)
{
  if (samples->n == 0)
    return;
  begin (builder, name);
  add_int (builder, "n", samples->n);
  add_number (builder, "least", mxr_samples_quantile (samples, 0));
  add_number (builder, "median", mxr_samples_quantile (samples, 0.5));
  add_number (builder, "p95", mxr_samples_quantile (samples, 0.95));
  add_number (builder, "max", mxr_samples_quantile (samples, 1));
  json_builder_end_object (builder);
}

static void
add_usage (JsonBuilder *builder, const char *name, const MxrUsage *begin_usage, const MxrUsage *end_usage)
{
  if (begin_usage->at_us == 0 || end_usage->at_us == 0)
    return;
  begin (builder, name);
  add_number (builder, "cores", mxr_usage_get_cores (begin_usage, end_usage));
  add_int (builder, "resident_kib_begin", (gint64) begin_usage->resident_kib);
  add_int (builder, "resident_kib", (gint64) end_usage->resident_kib);
  add_int (builder, "threads_begin", begin_usage->n_threads);
  add_int (builder, "threads", end_usage->n_threads);
  json_builder_end_object (builder);
}

static void
add_clients (JsonBuilder *builder, const MxrReport *report)
{
  begin (builder, "clients");
  add_int (builder, "wanted", report->n_wanted);
  add_int (builder, "joined", report->n_joined);
  add_int (builder, "failed", report->n_failed);
  add_int (builder, "lost", report->n_lost);
  add_int (builder, "rejoined", report->n_rejoined);
  if (report->first_error != NULL)
    add_text (builder, "first_error", report->first_error);
  json_builder_end_object (builder);
}

static void
add_traffic (JsonBuilder *builder, const MxrReport *report)
{
  const MxrTally *tally = &report->tally;

  begin (builder, "traffic");
  add_number (builder, "up_kbps", get_kbps (tally->up_bytes, report->steady_s));
  add_number (builder, "down_kbps", get_kbps (tally->down_bytes, report->steady_s));
  add_int (builder, "up_packets", (gint64) tally->up_packets);
  add_int (builder, "up_dropped", (gint64) tally->up_dropped);
  add_int (builder, "down_packets", (gint64) tally->down_packets);
  add_int (builder, "down_lost", (gint64) tally->down_lost);
  add_int (builder, "down_repaired", (gint64) tally->down_repaired);
  add_int (builder, "nacks_answered", (gint64) tally->nacks_answered);
  add_int (builder, "nacks_unanswered", (gint64) tally->nacks_unanswered);
  add_int (builder, "keyframes_asked", (gint64) tally->keyframes_asked);
  json_builder_end_object (builder);
}

static void
add_media (JsonBuilder *builder, MxrReport *report)
{
  MxrTally *tally = &report->tally;

  begin (builder, "sound");
  add_int (builder, "clients", tally->n_media[MXR_RTP_AUDIO]);
  add_int (builder, "clients_without", tally->n_without[MXR_RTP_AUDIO]);
  add_number (builder, "seconds", (double) tally->down_samples / MXR_SOUND_RATE_HZ);
  add_number (builder, "longest_gap_ms", (double) tally->longest_gap_us[MXR_RTP_AUDIO] / 1000);
  add_samples (builder, "share", &tally->sound_share);
  if (tally->n_compared > 0 && tally->least_heard != G_MAXUINT)
    add_int (builder, "least_tones", tally->least_heard);
  add_samples (builder, "own_tone_db", &tally->own_db);
  add_samples (builder, "first_ms", &tally->first_ms[MXR_RTP_AUDIO]);
  add_samples (builder, "delay_ms", &tally->sound_ms);
  json_builder_end_object (builder);

  begin (builder, "picture");
  add_int (builder, "clients", tally->n_media[MXR_RTP_VIDEO]);
  add_int (builder, "clients_without", tally->n_without[MXR_RTP_VIDEO]);
  add_int (builder, "frames", (gint64) tally->frames);
  add_int (builder, "keyframes", (gint64) tally->keyframes);
  add_int (builder, "freezes", (gint64) tally->freezes);
  add_number (builder, "longest_gap_ms", (double) tally->longest_gap_us[MXR_RTP_VIDEO] / 1000);
  add_samples (builder, "frame_rate", &tally->frame_rate);
  add_samples (builder, "first_ms", &tally->first_ms[MXR_RTP_VIDEO]);
  add_samples (builder, "delay_ms", &tally->picture_ms);
  json_builder_end_object (builder);
}

static void
add_checks (JsonBuilder *builder, const GArray *checks)
{
  json_builder_set_member_name (builder, "checks");
  json_builder_begin_array (builder);
  for (guint i = 0; i < checks->len; i++) {
    const MxrCheck *check = &g_array_index (checks, MxrCheck, i);
    json_builder_begin_object (builder);
    add_text (builder, "name", check->name);
    add_bool (builder, "passed", check->is_passed);
    add_text (builder, "detail", check->detail);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
}

char *
mxr_report_to_json (MxrReport *report, const GArray *checks)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *time = g_date_time_format_iso8601 (now);

  json_builder_begin_object (builder);
  add_text (builder, "time", time);
  add_bool (builder, "passed", mxr_checks_passed (checks));
  add_options (builder, report->options);
  add_number (builder, "measured_s", report->steady_s);
  add_clients (builder, report);
  add_traffic (builder, report);
  add_samples (builder, "connect_ms", &report->tally.connect_ms);
  add_media (builder, report);
  add_number (builder, "load_average", get_load_average ());
  add_int (builder, "processors", g_get_num_processors ());
  add_number (builder, "late_ms", (double) report->tally.late_us / 1000);
  add_usage (builder, "load", &report->own_begin, &report->own_end);
  add_usage (builder, "server", &report->server_begin, &report->server_end);
  add_checks (builder, checks);
  json_builder_end_object (builder);
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}
