/* RTMP and SRT: to a server that may be gone and come back. What may be a secret in a URL, its path's end and its query, is
 * shown nowhere. */

#include "output-private.h"

#include <string.h>

static bool
fail (GError **error, MxrOutputError code, const char *text)
{
  g_set_error_literal (error, MXR_OUTPUT_ERROR, code, text);
  return false;
}

static bool
is_printable (const char *text)
{
  for (const char *p = text; *p != '\0'; p++)
    if (!g_ascii_isgraph (*p))
      return false;
  return true;
}

/* Takes over the URL when it is of one of @schemes. @server: what is shown of it. */
static GUri *
take_url (MxrOutput *output, const MxrOutputRequest *request, const MxrOutputPlaces *places, const char *const *schemes,
          const char *wanted, GError **error)
{
  g_autoptr (GUri) uri = request->url != NULL && is_printable (request->url) ? g_uri_parse (request->url, G_URI_FLAGS_NONE, NULL) : NULL;

  if (!places->may_push) {
    fail (error, MXR_OUTPUT_ERROR_OFF, "this server pushes to no others; its operator must set programme.push");
    return NULL;
  }
  if (uri == NULL || !g_strv_contains (schemes, g_uri_get_scheme (uri))) {
    fail (error, MXR_OUTPUT_ERROR_BAD_REQUEST, wanted);
    return NULL;
  }
  const char *host = g_uri_get_host (uri);
  output->location = g_strdup (request->url);
  output->server = g_uri_join (G_URI_FLAGS_NONE, g_uri_get_scheme (uri), NULL, host, g_uri_get_port (uri), "", NULL, NULL);
  return g_steal_pointer (&uri);
}

static GstElement *
make (MxrAttempt *attempt, const char *description, const char *property, GError **error)
{
  GstElement *pipeline = mxr_output_parse (description, error);
  if (pipeline == NULL)
    return NULL;
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_object_set (sink, property, attempt->output->location, NULL);
  mxr_output_watch_sink (attempt, sink);
  return pipeline;
}

/* ---- RTMP -------------------------------------------------------------------------------------------------------- */

static bool
prepare_rtmp (MxrOutput *output, const MxrOutputRequest *request, const MxrOutputPlaces *places, GError **error)
{
  static const char *const schemes[] = { "rtmp", "rtmps", NULL };
  const char *wanted = "an rtmp output needs a url such as rtmp://host/application/key";
  g_autoptr (GUri) uri = take_url (output, request, places, schemes, wanted, error);

  if (uri == NULL)
    return false;
  const char *path = g_uri_get_path (uri);
  const char *key = *path == '/' ? strchr (path + 1, '/') : NULL;
  if (g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0' || key == NULL || key[1] == '\0')
    return fail (error, MXR_OUTPUT_ERROR_BAD_REQUEST, wanted);
  return true;
}

static GstElement *
make_rtmp (MxrAttempt *attempt, GError **error)
{
  return make (attempt,
               "appsrc name=picture ! h264parse ! mux. appsrc name=sound ! aacparse ! mux. "
               "flvmux name=mux streamable=true ! rtmp2sink name=sink async=false sync=false",
               "location", error);
}

const MxrOutputType mxr_output_type_rtmp = {
  .name = "rtmp",
  .retries = true,
  .prepare = prepare_rtmp,
  .make_pipeline = make_rtmp,
};

/* ---- SRT --------------------------------------------------------------------------------------------------------- */

static bool
prepare_srt (MxrOutput *output, const MxrOutputRequest *request, const MxrOutputPlaces *places, GError **error)
{
  static const char *const schemes[] = { "srt", NULL };
  const char *wanted = "an srt output needs a url such as srt://host:port or srt://:port?mode=listener";
  g_autoptr (GUri) uri = take_url (output, request, places, schemes, wanted, error);

  if (uri == NULL)
    return false;
  const char *query = g_uri_get_query (uri), *host = g_uri_get_host (uri);
  bool listens = query != NULL && strstr (query, "mode=listener") != NULL;
  if (g_uri_get_port (uri) <= 0 || (!listens && (host == NULL || *host == '\0')))
    return fail (error, MXR_OUTPUT_ERROR_BAD_REQUEST, wanted);
  return true;
}

/* Seven packets of 188 bytes a datagram, as all SRT senders of MPEG-TS do. A listener that nobody calls drops. Left to itself the
 * sink would connect again and again without a word. */
static GstElement *
make_srt (MxrAttempt *attempt, GError **error)
{
  return make (attempt,
               "appsrc name=picture ! h264parse ! mux. appsrc name=sound ! aacparse ! mux. "
               "mpegtsmux name=mux alignment=7 ! srtsink name=sink async=false sync=false wait-for-connection=false auto-reconnect=false",
               "uri", error);
}

const MxrOutputType mxr_output_type_srt = {
  .name = "srt",
  .retries = true,
  .prepare = prepare_srt,
  .make_pipeline = make_srt,
};
