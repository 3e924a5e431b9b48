/* A recording. MP4 goes to the disk in fragments of a second behind a head, so that what is there can be played whatever
 * happens (README.md says why not in the other way that mp4mux knows); Matroska is of clusters anyway. */

#include "output-private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mixroom/limits.h"

#define NAME_MAX_BYTES 40

typedef struct {
  const char *name;
  const char *muxer;
} Format;

static const Format formats[] = {
  { "mp4", "mp4mux name=mux fragment-duration=1000 fragment-mode=dash-or-mss" },
  { "mkv", "matroskamux name=mux max-cluster-duration=1000000000 offset-to-zero=true" },
};

static const Format *
find_format (const char *name, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    if (strcmp (formats[i].name, name != NULL ? name : "mp4") == 0)
      return &formats[i];
  g_set_error_literal (error, MXR_OUTPUT_ERROR, MXR_OUTPUT_ERROR_BAD_REQUEST, "a file's format is mp4 or mkv");
  return NULL;
}

static bool
take_sound (MxrOutput *output, const char *name, GError **error)
{
  output->is_opus = g_strcmp0 (name, "opus") == 0;
  if (name == NULL || output->is_opus || strcmp (name, "aac") == 0)
    return true;
  g_set_error_literal (error, MXR_OUTPUT_ERROR, MXR_OUTPUT_ERROR_BAD_REQUEST, "a file's sound is aac or opus");
  return false;
}

/* Files shorter than the stretch between two key frames there cannot be. */
static bool
take_division (MxrOutput *output, const MxrOutputRequest *request, GError **error)
{
  output->split_s = request->split_s;
  output->split_bytes = request->split_bytes;
  if ((request->split_s == 0 || request->split_s >= MXR_SPLIT_MIN_S) &&
      (request->split_bytes == 0 || request->split_bytes >= MXR_SPLIT_MIN_BYTES))
    return true;
  g_set_error (error, MXR_OUTPUT_ERROR, MXR_OUTPUT_ERROR_BAD_REQUEST,
               "a file is divided after %d seconds or %d bytes at the least", MXR_SPLIT_MIN_S, MXR_SPLIT_MIN_BYTES);
  return false;
}

/* Letters, digits and hyphens, so that it needs quotes nowhere: ROOM-20261121-140102-ID, then .mp4 or -001.mp4 */
static char *
make_stem (const MxrOutput *output)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *time = g_date_time_format (now, "%Y%m%d-%H%M%S");
  g_autofree char *room = g_strndup (output->name, NAME_MAX_BYTES);

  for (char *p = room; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p))
      *p = '-';
  return g_strdup_printf ("%s-%s-%s", room, time, output->id);
}

static bool
prepare (MxrOutput *output, const MxrOutputRequest *request, const MxrOutputPlaces *places, GError **error)
{
  const Format *format = find_format (request->format, error);
  if (format == NULL)
    return false;
  if (*places->recordings_directory == '\0') {
    g_set_error_literal (error, MXR_OUTPUT_ERROR, MXR_OUTPUT_ERROR_OFF,
                         "this server records nothing; its operator must set programme.recordings_directory");
    return false;
  }
  if (!take_sound (output, request->sound, error) || !take_division (output, request, error))
    return false;
  output->data = (gpointer) format;
  output->ending = format->name;
  output->stem = make_stem (output);
  output->location = g_strdup (places->recordings_directory);
  return true;
}

/* Unbuffered: what was written is the kernel's, which survives us. */
static GstElement *
make_pipeline (MxrAttempt *attempt, GError **error)
{
  const Format *format = attempt->output->data;
  g_autofree char *description = g_strdup_printf (
    "appsrc name=picture ! h264parse ! mux. appsrc name=%s ! mux. "
    "%s ! filesink name=sink buffer-mode=unbuffered async=false sync=false",
    attempt->output->is_opus ? "opus ! opusparse" : "sound ! aacparse", format->muxer);
  GstElement *pipeline = mxr_output_parse (description, error);
  if (pipeline == NULL)
    return NULL;
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_object_set (sink, "location", attempt->location, NULL);
  mxr_output_watch_sink (attempt, sink);
  return pipeline;
}

/* A full disk takes a part of a write. FFmpeg opens a file whose last media are not whole, but none whose last table is not. */
static void
mend (const char *path)
{
  FILE *file = g_str_has_suffix (path, ".mp4") ? fopen (path, "r+") : NULL;
  struct {
    guint32 n_bytes; /* big-endian */
    char type[4];
  } header; /* ISO/IEC 14496-12 4.2 */
  gint64 begin = 0, n_bytes = 0;

  if (file == NULL)
    return;
  fseeko (file, 0, SEEK_END);
  gint64 end = ftello (file);
  while (fseeko (file, begin, SEEK_SET) == 0 && fread (&header, 1, sizeof header, file) == sizeof header) {
    n_bytes = GUINT32_FROM_BE (header.n_bytes);
    if (n_bytes < (gint64) sizeof header || begin + n_bytes > end)
      break;
    begin += n_bytes;
  }
  bool is_table = end - begin < (gint64) sizeof header || memcmp (header.type, "moof", 4) == 0;
  if (begin > 0 && begin < end && is_table && ftruncate (fileno (file), begin) != 0)
    mxr_debug ("output", "%s cannot be mended: %s", path, g_strerror (errno));
  fclose (file);
}

const MxrOutputType mxr_output_type_file = {
  .name = "file",
  .prepare = prepare,
  .make_pipeline = make_pipeline,
  .mend = mend,
};
