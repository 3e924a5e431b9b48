/* HLS: MPEG-TS segments in a directory of the output's own, and a playlist of the newest, which becomes one of all when
 * the output ends. RFC 8216. */

#include "output-private.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define PLAYLIST "index.m3u8"
/* A player begins three segments before the end (RFC 8216 6.3.3) and may fall behind by as much. */
#define WINDOW 6
/* Segments end at key frames, which come every 2 s; below that, so that each is one's own. */
#define SEGMENT_MIN_NS (1500 * GST_MSECOND)

typedef struct {
  char *name;
  double duration_s;
} Segment;

typedef struct {
  GArray *segments; /* Segment: those that are complete */
  GstClockTime opened_ns;
} Hls;

static void
segment_clear (gpointer data)
{
  g_free (((Segment *) data)->name);
}

static void
free_data (gpointer data)
{
  Hls *hls = data;
  g_array_unref (hls->segments);
  g_free (hls);
}

static bool
prepare (MxrOutput *output, const MxrOutputRequest *request, const MxrOutputPlaces *places, GError **error)
{
  if (*places->hls_directory == '\0') {
    g_set_error_literal (error, MXR_OUTPUT_ERROR, MXR_OUTPUT_ERROR_OFF,
                         "this server makes no HLS; its operator must set programme.hls_directory");
    return false;
  }
  Hls *hls = g_new0 (Hls, 1);
  hls->segments = g_array_new (FALSE, FALSE, sizeof (Segment));
  g_array_set_clear_func (hls->segments, segment_clear);
  output->data = hls;
  output->location = g_build_filename (places->hls_directory, output->id, NULL);
  output->playlist = g_build_filename (output->id, PLAYLIST, NULL);
  return true;
}

static GstElement *
make_pipeline (MxrOutput *output, GError **error)
{
  if (g_mkdir (output->location, 0755) != 0) {
    g_set_error (error, MXR_OUTPUT_ERROR, MXR_OUTPUT_ERROR_FAILED, "programme.hls_directory cannot be written to: %s",
                 g_strerror (errno));
    return NULL;
  }
  GstElement *pipeline = mxr_output_parse ("splitmuxsink name=sink muxer=mpegtsmux "
                                           "appsrc name=picture ! h264parse ! sink.video "
                                           "appsrc name=sound ! aacparse ! sink.audio_0",
                                           error);
  if (pipeline == NULL)
    return NULL;
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_autofree char *pattern = g_build_filename (output->location, "%05d.ts", NULL);
  GstElement *file = gst_element_factory_make ("filesink", NULL);
  g_object_set (file, "async", FALSE, "sync", FALSE, NULL);
  g_object_set (sink, "location", pattern, "sink", file, "max-size-time", (guint64) SEGMENT_MIN_NS, NULL);
  return pipeline;
}

/* @first: of the segments */
static void
write_playlist (MxrOutput *output, guint first, bool is_complete)
{
  const Hls *hls = output->data;
  g_autoptr (GString) text = g_string_new ("#EXTM3U\n#EXT-X-VERSION:3\n");
  g_autofree char *path = g_build_filename (output->location, PLAYLIST, NULL);
  g_autoptr (GError) error = NULL;
  double longest_s = 0;

  for (guint i = 0; i < hls->segments->len; i++)
    longest_s = MAX (longest_s, g_array_index (hls->segments, Segment, i).duration_s);
  g_string_append_printf (text, "#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:%u\n", (int) ceil (longest_s), first);
  if (is_complete)
    g_string_append (text, "#EXT-X-PLAYLIST-TYPE:VOD\n");
  for (guint i = first; i < hls->segments->len; i++) {
    const Segment *segment = &g_array_index (hls->segments, Segment, i);
    char duration[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd (duration, sizeof duration, "%.3f", segment->duration_s);
    g_string_append_printf (text, "#EXTINF:%s,\n%s\n", duration, segment->name);
  }
  if (is_complete)
    g_string_append (text, "#EXT-X-ENDLIST\n");
  /* By a rename: nobody ever reads half of one. Not g_file_set_contents(), which would wait for the disk. */
  g_autofree char *next = g_strconcat (path, ".next", NULL);
  if (!g_file_set_contents_full (next, text->str, text->len, G_FILE_SET_CONTENTS_NONE, 0644, &error))
    mxr_debug ("output", "hls %s: %s", output->id, error->message);
  else if (g_rename (next, path) != 0)
    mxr_debug ("output", "hls %s: %s", output->id, g_strerror (errno));
}

static void
add_segment (MxrOutput *output, const char *path, GstClockTime closed_ns)
{
  Hls *hls = output->data;
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInfo) info = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_SIZE, 0, NULL, NULL);
  Segment segment = { g_path_get_basename (path), GST_CLOCK_DIFF (hls->opened_ns, closed_ns) / 1e9 };

  if (info != NULL)
    atomic_fetch_add (&output->n_bytes, g_file_info_get_size (info));
  g_array_append_val (hls->segments, segment);
  guint n = hls->segments->len;
  write_playlist (output, n > WINDOW ? n - WINDOW : 0, false);
}

static void
on_message (MxrOutput *output, GstMessage *message)
{
  Hls *hls = output->data;
  const GstStructure *content = gst_message_get_structure (message);
  const char *path = gst_structure_get_string (content, "location");
  GstClockTime time_ns;

  if (path == NULL || !gst_structure_get_clock_time (content, "running-time", &time_ns))
    return;
  if (gst_structure_has_name (content, "splitmuxsink-fragment-opened")) {
    hls->opened_ns = time_ns;
  } else if (gst_structure_has_name (content, "splitmuxsink-fragment-closed")) {
    add_segment (output, path, time_ns);
    mxr_output_set_running (output);
  }
}

static void
on_end (MxrOutput *output)
{
  if (((const Hls *) output->data)->segments->len > 0)
    write_playlist (output, 0, true);
}

const MxrOutputType mxr_output_type_hls = {
  .name = "hls",
  .prepare = prepare,
  .make_pipeline = make_pipeline,
  .on_message = on_message,
  .on_end = on_end,
  .free_data = free_data,
};
