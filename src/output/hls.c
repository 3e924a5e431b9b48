/* HLS: fragmented MP4 in segments in a directory of the output's own, and a playlist of the newest, which becomes one of all
 * when the output ends. RFC 8216. The disk is waited for by the pipeline's thread, and in the end by a worker. */

#include "output-private.h"

#include <errno.h>
#include <gst/app/gstappsink.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "cutter.h"

#define PLAYLIST "index.m3u8"
#define HEAD "init.mp4"
/* A player begins three segments before the end (RFC 8216 6.3.3) and may fall behind by as much. */
#define WINDOW 6
/* Key frames come every 2 s, and when other outputs begin: a segment takes 1 s at the least and so 3 s at most, which is what
 * the playlist promises from its first version on, since that number must not change (RFC 8216 6.2.1). */
#define SEGMENT_MIN_S 1.0
#define SEGMENT_MAX_S 3
#define TIMESCALE 90000

typedef struct {
  double duration_s;
  gint64 begin_us; /* Unix time */
} Segment;

/* The pipeline's thread writes, then the worker that has stopped it. */
typedef struct {
  MxrOutput *output;
  MxrCutter *cutter;
  GArray *segments; /* Segment: those that are complete */
  int error;        /* errno of what could not be written; 0: nothing */
} Hls;

static void
free_data (gpointer data)
{
  Hls *hls = data;
  mxr_cutter_free (hls->cutter);
  g_array_unref (hls->segments);
  g_free (hls);
}

/* ---- Files -------------------------------------------------------------------------------------------------------- */

/* By a rename: nobody ever reads half of one. Without waiting until it is on the disk. */
static bool
write_file (Hls *hls, const char *name, const void *bytes, gsize n_bytes)
{
  g_autofree char *path = g_build_filename (hls->output->location, name, NULL);
  g_autofree char *next = g_strconcat (path, ".next", NULL);
  g_autoptr (GError) error = NULL;

  errno = 0;
  if (g_file_set_contents_full (next, bytes, n_bytes, G_FILE_SET_CONTENTS_NONE, 0644, &error) && g_rename (next, path) == 0)
    return true;
  hls->error = errno != 0 ? errno : EIO;
  if (error != NULL && g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC))
    hls->error = ENOSPC;
  g_unlink (next);
  return false;
}

static void
append_segment (GString *text, const Segment *segment, guint index)
{
  g_autoptr (GDateTime) second = g_date_time_new_from_unix_utc (segment->begin_us / G_USEC_PER_SEC);
  g_autofree char *time = g_date_time_format (second, "%Y-%m-%dT%H:%M:%S");
  char duration[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd (duration, sizeof duration, "%.3f", segment->duration_s);
  g_string_append_printf (text, "#EXT-X-PROGRAM-DATE-TIME:%s.%03dZ\n#EXTINF:%s,\n%05u.m4s\n", time,
                          (int) (segment->begin_us % G_USEC_PER_SEC / 1000), duration, index);
}

/* @first: of the segments */
static bool
write_playlist (Hls *hls, guint first, bool is_complete)
{
  double longest_s = SEGMENT_MAX_S;

  for (guint i = 0; i < hls->segments->len; i++)
    longest_s = MAX (longest_s, round (g_array_index (hls->segments, Segment, i).duration_s));
  g_autoptr (GString) text = g_string_new ("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n");
  g_string_append_printf (text, "#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:%u\n", (int) longest_s, first);
  if (is_complete)
    g_string_append (text, "#EXT-X-PLAYLIST-TYPE:VOD\n");
  g_string_append (text, "#EXT-X-MAP:URI=\"" HEAD "\"\n");
  for (guint i = first; i < hls->segments->len; i++)
    append_segment (text, &g_array_index (hls->segments, Segment, i), i);
  if (is_complete)
    g_string_append (text, "#EXT-X-ENDLIST\n");
  return write_file (hls, PLAYLIST, text->str, text->len);
}

static bool
on_head (const guint8 *bytes, gsize n_bytes, gpointer user_data)
{
  Hls *hls = user_data;

  if (g_mkdir (hls->output->location, 0755) == 0)
    return write_file (hls, HEAD, bytes, n_bytes);
  hls->error = errno;
  return false;
}

static bool
on_segment (guint index, double duration_s, const guint8 *bytes, gsize n_bytes, gpointer user_data)
{
  Hls *hls = user_data;
  g_autofree char *name = g_strdup_printf ("%05u.m4s", index);
  const Segment segment = { duration_s, g_get_real_time () - (gint64) (duration_s * G_USEC_PER_SEC) };

  if (!write_file (hls, name, bytes, n_bytes))
    return false;
  atomic_fetch_add (&hls->output->n_bytes, n_bytes);
  g_array_append_val (hls->segments, segment);
  guint n = hls->segments->len;
  return write_playlist (hls, n > WINDOW ? n - WINDOW : 0, false);
}

static void
finish (MxrOutput *output)
{
  Hls *hls = output->data;

  if (hls->error == 0 && mxr_cutter_end (hls->cutter) && hls->segments->len > 0)
    write_playlist (hls, 0, true);
}

/* ---- Pipeline ------------------------------------------------------------------------------------------------------ */

static GstFlowReturn
on_sample (GstAppSink *sink, gpointer user_data)
{
  Hls *hls = user_data;
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);
  guint n_before = hls->segments->len;
  GstMapInfo map;

  if (sample == NULL || !gst_buffer_map (gst_sample_get_buffer (sample), &map, GST_MAP_READ))
    return GST_FLOW_OK;
  bool is_fine = mxr_cutter_push (hls->cutter, map.data, map.size);
  gst_buffer_unmap (gst_sample_get_buffer (sample), &map);
  if (n_before == 0 && hls->segments->len > 0)
    mxr_output_tell_running (GST_ELEMENT (sink));
  if (is_fine)
    return GST_FLOW_OK;
  if (hls->error == ENOSPC)
    GST_ELEMENT_ERROR (sink, RESOURCE, NO_SPACE_LEFT, (NULL), (NULL));
  else
    GST_ELEMENT_ERROR (sink, RESOURCE, WRITE, ("programme.hls_directory cannot be written to: %s", g_strerror (hls->error)), (NULL));
  return GST_FLOW_ERROR;
}

static bool
prepare (MxrOutput *output, const MxrOutputRequest *request, const MxrOutputPlaces *places, GError **error)
{
  const MxrCutterEvents events = { on_head, on_segment };

  if (*places->hls_directory == '\0') {
    g_set_error_literal (error, MXR_OUTPUT_ERROR, MXR_OUTPUT_ERROR_OFF,
                         "this server makes no HLS; its operator must set programme.hls_directory");
    return false;
  }
  Hls *hls = g_new0 (Hls, 1);
  hls->output = output;
  hls->segments = g_array_new (FALSE, FALSE, sizeof (Segment));
  hls->cutter = mxr_cutter_new (TIMESCALE, SEGMENT_MIN_S, &events, hls);
  output->data = hls;
  output->location = g_build_filename (places->hls_directory, output->id, NULL);
  output->playlist = g_build_filename (output->id, PLAYLIST, NULL);
  return true;
}

/* Sound comes in fragments of their own, which are so long: by so much it may be behind its picture in a segment. */
static GstElement *
make_pipeline (MxrAttempt *attempt, GError **error)
{
  const GstAppSinkCallbacks callbacks = { .new_sample = on_sample };
  GstElement *pipeline = mxr_output_parse ("appsrc name=picture ! h264parse ! mux. appsrc name=sound ! aacparse ! mux. "
                                           "mp4mux name=mux fragment-duration=250 fragment-mode=dash-or-mss streamable=true "
                                           "! appsink name=sink async=false sync=false enable-last-sample=false",
                                           error);
  if (pipeline == NULL)
    return NULL;
  g_autoptr (GstElement) mux = gst_bin_get_by_name (GST_BIN (pipeline), "mux");
  g_autoptr (GstPad) picture = gst_element_get_static_pad (mux, "video_0");
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_object_set (picture, "trak-timescale", TIMESCALE, NULL);
  gst_app_sink_set_callbacks (GST_APP_SINK (sink), (GstAppSinkCallbacks *) &callbacks, attempt->output->data, NULL);
  return pipeline;
}

const MxrOutputType mxr_output_type_hls = {
  .name = "hls",
  .prepare = prepare,
  .make_pipeline = make_pipeline,
  .finish = finish,
  .free_data = free_data,
};
