#include "options.h"

#include <stdio.h>
#include <string.h>

#include "parts.h"
#include "tone.h"

#define AS_MANY (-1)
/* Of the pattern that cameras show at 30, by the least of the server's rungs 15. What a file shows, or who else is in
 * the room, may stand still, and then the server sends no frames. */
#define FRAME_RATE_LEAST 5.0
#define SOUND_LEAST_PERCENT 97

static const char summary[] =
  "Joins a running Mixroom server with many WebRTC clients, sends real media and checks what comes back.";

static const char description[] =
  "Numbers of participants, talkers, cameras and viewers are those of each room. GStreamer decodes the files.\n"
  "\n"
  "The server counts connections and joins by address, and all of these come from one. For a load test start it with\n"
  "  mixroom --set http.joins_per_minute=100000 --set http.max_connections_per_address=1024 \\\n"
  "          --set room.max_participants=2000 --set ice.allow_loopback=true --set ice.local_addresses=127.0.0.1\n"
  "\n"
  "Exit status: 0 all joined and all checks passed; 1 not so, or it could not run; 2 wrong options.\n"
  "\n"
  "Examples:\n"
  "  mixroom-load --participants=4 --tones --delay\n"
  "  mixroom-load --participants=100 --talkers=3 --codec=none --duration=30 --server-pid=$(pidof mixroom)\n"
  "  mixroom-load --participants=2 --viewers=1000 --ramp=100 --json=results.jsonl\n";

static bool
refuse (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static bool
refuse (GError **error, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, text);
  return false;
}

static void
set_defaults (MxrLoadOptions *options)
{
  options->n_rooms = 1;
  options->n_participants = 4;
  options->n_talkers = options->n_cameras = AS_MANY;
  options->n_speakers = 6;
  options->ramp = 10;
  options->settle_s = 2;
  options->duration_s = 10;
  options->expect = MXR_EXPECT_WHAT_IS_SENT;
  options->min_frame_rate = AS_MANY;
  options->min_sound_percent = SOUND_LEAST_PERCENT;
  options->video_kbps = 800;
  options->n_threads = 1;
}

/* ---- Values --------------------------------------------------------------------------------------------------- */

static bool
read_codec (MxrLoadOptions *options, const char *name, GError **error)
{
  static const struct {
    const char *name;
    MxrLoadCodec codec;
  } codecs[] = { { "vp8", MXR_CODEC_VP8 }, { "h264", MXR_CODEC_H264 }, { "none", MXR_CODEC_NONE } };

  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++)
    if (g_ascii_strcasecmp (name, codecs[i].name) == 0) {
      options->codec = codecs[i].codec;
      return true;
    }
  return refuse (error, "--codec is vp8, h264 or none, not '%s'", name);
}

static bool
read_size (MxrLoadOptions *options, const char *text, GError **error)
{
  char rest;
  if (sscanf (text, "%4ux%4u%c", &options->width_px, &options->height_px, &rest) == 2 && options->width_px >= 64 &&
      options->height_px >= 64 && (options->width_px | options->height_px) % 2 == 0 &&
      MAX (options->width_px, options->height_px) <= MXR_CANVAS_MAX_PX)
    return true;
  return refuse (error, "--size is even pixels such as 640x360, not '%s'", text);
}

static bool
read_expect (MxrLoadOptions *options, const char *text, GError **error)
{
  g_auto (GStrv) words = g_strsplit (text, ",", -1);

  options->expect = MXR_EXPECT_NONE;
  for (char **word = words; *word != NULL; word++) {
    if (g_str_equal (*word, "sound"))
      options->expect |= MXR_EXPECT_SOUND;
    else if (g_str_equal (*word, "picture"))
      options->expect |= MXR_EXPECT_PICTURE;
    else if (!g_str_equal (text, "none"))
      return refuse (error, "--expect is sound, picture, sound,picture or none, not '%s'", text);
  }
  return words[0] != NULL || refuse (error, "--expect is sound, picture, sound,picture or none, and was empty");
}

static bool
read_server (MxrLoadOptions *options, GError **error)
{
  if (options->server == NULL)
    options->server = g_strdup ("http://127.0.0.1:8080");
  g_autoptr (GUri) uri = g_uri_parse (options->server, G_URI_FLAGS_NONE, NULL);
  const char *scheme = uri != NULL ? g_uri_get_scheme (uri) : NULL;

  if (uri == NULL || g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0' ||
      (!g_str_equal (scheme, "http") && !g_str_equal (scheme, "https")))
    return refuse (error, "the server is a URL such as http://127.0.0.1:8080, not '%s'", options->server);
  options->host = g_strdup (g_uri_get_host (uri));
  return true;
}

static bool
check_range (const char *name, double value, double least, double most, GError **error)
{
  if (value >= least && value <= most)
    return true;
  return refuse (error, "--%s is %g to %g, not %g", name, least, most, value);
}

static bool
check_ranges (const MxrLoadOptions *options, GError **error)
{
  const struct {
    const char *name;
    double value, least, most;
  } ranges[] = {
    { "rooms", options->n_rooms, 1, MXR_LOAD_ROOMS_MAX },
    { "participants", options->n_participants, 0, MXR_LOAD_CLIENTS_MAX },
    { "viewers", options->n_viewers, 0, MXR_LOAD_CLIENTS_MAX },
    { "talkers", options->n_talkers, AS_MANY, options->n_participants },
    { "cameras", options->n_cameras, AS_MANY, options->n_participants },
    { "speakers", options->n_speakers, 1, 64 },
    { "ramp", options->ramp, 0.1, 1000 },
    { "churn", options->churn, 0, 100 },
    { "settle", options->settle_s, 0, 3600 },
    { "duration", options->duration_s, 1, 86400 },
    { "loss", options->loss, 0, 50 },
    { "jitter", options->jitter_ms, 0, 1000 },
    { "min-sound", options->min_sound_percent, 0, 100 },
    { "min-frame-rate", options->min_frame_rate, AS_MANY, 120 },
    { "video-bitrate", options->video_kbps, 50, 20000 },
    { "threads", options->n_threads, 1, 64 },
    { "server-pid", options->server_pid, 0, G_MAXINT },
  };
  for (guint i = 0; i < G_N_ELEMENTS (ranges); i++)
    if (!check_range (ranges[i].name, ranges[i].value, ranges[i].least, ranges[i].most, error))
      return false;
  return true;
}

guint
mxr_load_options_count_clients (const MxrLoadOptions *options)
{
  return (guint) options->n_rooms * (guint) (options->n_participants + options->n_viewers);
}

gint64
mxr_load_options_get_duration_us (const MxrLoadOptions *options)
{
  return options->duration_s * G_GINT64_CONSTANT (1000000);
}

/* What each alone may be, but not together. */
static bool
check_together (const MxrLoadOptions *options, GError **error)
{
  const guint n_clients = mxr_load_options_count_clients (options);

  if (n_clients == 0 || n_clients > MXR_LOAD_CLIENTS_MAX)
    return refuse (error, "%u clients: 1 to %d in all rooms together", n_clients, MXR_LOAD_CLIENTS_MAX);
  if (options->tones && options->n_talkers > MXR_TONES_MAX)
    return refuse (error, "--tones has %d tones, but %d talk; try --talkers=%d", MXR_TONES_MAX, options->n_talkers,
                   MXR_TONES_MAX);
  if ((options->tones || options->delay) && options->n_talkers == 0)
    return refuse (error, "--tones and --delay need somebody who talks: --talkers=1 or more");
  if (options->tones && options->dtx)
    return refuse (error, "--tones do not pause, so --dtx has no sense with them");
  if (options->tones && options->audio_files != NULL)
    return refuse (error, "--tones and --audio: one or the other is sent");
  if (options->codec == MXR_CODEC_NONE && options->expect > 0 && (options->expect & MXR_EXPECT_PICTURE) != 0)
    return refuse (error, "--expect=picture, but --codec=none asks for none");
  if (options->churn > 0 && !mxr_parts_have_leaver (options))
    return refuse (error, "--churn lets only those leave who neither talk nor are listened to, and here that is nobody; "
                          "try fewer --talkers, or more --participants or --viewers");
  return true;
}

/* ---- All ------------------------------------------------------------------------------------------------------ */

/* Values that are more than a number. */
typedef struct {
  char *codec, *size, *expect;
} Texts;

static void
texts_clear (Texts *texts)
{
  g_free (texts->codec);
  g_free (texts->size);
  g_free (texts->expect);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Texts, texts_clear)

static bool
parse (MxrLoadOptions *o, Texts *texts, char ***rest, char **arguments, GError **error)
{
  const GOptionEntry entries[] = {
    { "participants", 'p', 0, G_OPTION_ARG_INT, &o->n_participants, "Who send and receive (4)", "N" },
    { "talkers", 't', 0, G_OPTION_ARG_INT, &o->n_talkers, "Participants who talk; the others are silent (all)", "N" },
    { "cameras", 0, 0, G_OPTION_ARG_INT, &o->n_cameras, "Participants who send a picture (all)", "N" },
    { "viewers", 'w', 0, G_OPTION_ARG_INT, &o->n_viewers, "Who only receive, over WHEP (0)", "N" },
    { "rooms", 'r', 0, G_OPTION_ARG_INT, &o->n_rooms, "Rooms with so many each (1)", "N" },
    { "room", 0, 0, G_OPTION_ARG_STRING, &o->room, "Name of the room, or how names begin (load)", "NAME" },
    { "ramp", 0, 0, G_OPTION_ARG_DOUBLE, &o->ramp, "Joins a second (10)", "N" },
    { "settle", 0, 0, G_OPTION_ARG_INT, &o->settle_s, "Wait for so long after the last has come (2)", "S" },
    { "duration", 'd', 0, G_OPTION_ARG_INT, &o->duration_s, "Measure for so long then (10)", "S" },
    { "churn", 0, 0, G_OPTION_ARG_DOUBLE, &o->churn, "Leave and join again, so often a second (0)", "N" },
    { "expect", 0, 0, G_OPTION_ARG_STRING, &texts->expect, "sound,picture or none: what has to come (what is sent)", "WHAT" },
    { "min-sound", 0, 0, G_OPTION_ARG_DOUBLE, &o->min_sound_percent, "Of its time that each client has it (97)", "PERCENT" },
    { "min-frame-rate", 0, 0, G_OPTION_ARG_DOUBLE, &o->min_frame_rate, "Of each client's picture (5; 0 with files)", "N" },
    { "codec", 'c', 0, G_OPTION_ARG_STRING, &texts->codec, "Of pictures: vp8, h264, none (vp8)", "CODEC" },
    { "size", 0, 0, G_OPTION_ARG_STRING, &texts->size, "Of the pictures that are sent (640x360)", "WxH" },
    { "video-bitrate", 0, 0, G_OPTION_ARG_INT, &o->video_kbps, "Of each picture that is sent (800)", "KBIT" },
    { "audio", 'a', 0, G_OPTION_ARG_FILENAME_ARRAY, &o->audio_files, "Talkers say this; may be given again", "FILE" },
    { "video", 'v', 0, G_OPTION_ARG_FILENAME_ARRAY, &o->video_files, "Cameras show this; may be given again", "FILE" },
    { "tones", 0, 0, G_OPTION_ARG_NONE, &o->tones, "Talkers send tones; check who hears whom", NULL },
    { "speakers", 0, 0, G_OPTION_ARG_INT, &o->n_speakers, "The server's room.max_speakers, for --tones (6)", "N" },
    { "delay", 0, 0, G_OPTION_ARG_NONE, &o->delay, "Measure the delay through the server", NULL },
    { "dtx", 0, 0, G_OPTION_ARG_NONE, &o->dtx, "Who is silent sends almost nothing", NULL },
    { "no-audio-level", 0, 0, G_OPTION_ARG_NONE, &o->no_audio_level, "Do not send the audio level (RFC 6464)", NULL },
    { "audio-level", 0, G_OPTION_FLAG_REVERSE, G_OPTION_ARG_NONE, &o->no_audio_level, "Send it (the default)", NULL },
    { "loss", 0, 0, G_OPTION_ARG_DOUBLE, &o->loss, "Drop so many packets at random, each way (0)", "PERCENT" },
    { "jitter", 0, 0, G_OPTION_ARG_INT, &o->jitter_ms, "Hold each packet of sound for 0 to so long (0)", "MS" },
    { "in-order", 0, 0, G_OPTION_ARG_NONE, &o->keeps_order, "With --jitter: but in order", NULL },
    { "server-pid", 0, 0, G_OPTION_ARG_INT, &o->server_pid, "Measure what this process uses", "PID" },
    { "json", 'j', 0, G_OPTION_ARG_FILENAME, &o->json_file, "Append the results, one JSON object a line", "FILE" },
    { "token", 0, 0, G_OPTION_ARG_STRING, &o->token, "Bearer token, where the server wants one", "TOKEN" },
    { "insecure", 0, 0, G_OPTION_ARG_NONE, &o->is_insecure, "Take any TLS certificate", NULL },
    { "threads", 0, 0, G_OPTION_ARG_INT, &o->n_threads, "Network threads of this program (1)", "N" },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &o->quiet, "Print nothing but errors", NULL },
    { "version", 'V', 0, G_OPTION_ARG_NONE, &o->version, "Print the version, then exit", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, rest, NULL, "[http://127.0.0.1:8080]" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, description);
  g_option_context_add_main_entries (context, entries, NULL);
  return g_option_context_parse_strv (context, &arguments, error);
}

bool
mxr_load_options_parse (MxrLoadOptions *options, char **arguments, GError **error)
{
  g_auto (Texts) texts = { 0 };
  g_auto (GStrv) rest = NULL;

  set_defaults (options);
  g_auto (GStrv) words = g_strdupv (arguments); /* the parser takes out of it what it knows */
  if (!parse (options, &texts, &rest, words, error))
    return false;
  if (rest != NULL && rest[1] != NULL)
    return refuse (error, "there is no use for '%s'", rest[1]);
  options->server = rest != NULL ? g_strdup (rest[0]) : NULL;
  if (options->room == NULL)
    options->room = g_strdup ("load");
  if (!read_codec (options, texts.codec != NULL ? texts.codec : "vp8", error) ||
      !read_size (options, texts.size != NULL ? texts.size : "640x360", error) || !read_server (options, error) ||
      (texts.expect != NULL && !read_expect (options, texts.expect, error)) || !check_ranges (options, error))
    return false;
  if (options->n_talkers == AS_MANY)
    options->n_talkers = options->n_participants;
  if (options->n_cameras == AS_MANY || options->codec == MXR_CODEC_NONE)
    options->n_cameras = options->codec == MXR_CODEC_NONE ? 0 : options->n_participants;
  if (options->min_frame_rate < 0)
    options->min_frame_rate = options->n_cameras > 0 && options->video_files == NULL ? FRAME_RATE_LEAST : 0;
  options->loss /= 100;
  return check_together (options, error);
}

void
mxr_load_options_clear (MxrLoadOptions *options)
{
  g_free (options->server);
  g_free (options->host);
  g_free (options->room);
  g_strfreev (options->audio_files);
  g_strfreev (options->video_files);
  g_free (options->json_file);
  g_free (options->token);
}
