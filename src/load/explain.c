#include "explain.h"

#include <gst/gst.h>
#include <string.h>

#include "whip.h"

static char *
explain_unreachable (const MxrLoadOptions *options, const GError *error)
{
  g_autoptr (GUri) uri = g_uri_parse (options->server, G_URI_FLAGS_SCHEME_NORMALIZE, NULL); /* knows schemes' ports */
  const int port = uri != NULL ? g_uri_get_port (uri) : -1;
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (options->host);
  const bool is_here =
    g_str_equal (options->host, "localhost") || (address != NULL && g_inet_address_get_is_loopback (address));

  if (!is_here || port < 1)
    return g_strdup_printf ("%s: %s\nIs the server running?", options->server, error->message);
  return g_strdup_printf ("%s: %s\nIs the server running? Start it with: mixroom --listen %s%s%s:%d "
                          "--set ice.allow_loopback=true --set ice.local_addresses=%s",
                          options->server, error->message, strchr (options->host, ':') != NULL ? "[" : "",
                          address != NULL ? options->host : "127.0.0.1", strchr (options->host, ':') != NULL ? "]" : "",
                          port, address != NULL ? options->host : "127.0.0.1");
}

/* Where Debian and its like have the elements that this program asks for. */
static const char *
find_package (const char *message)
{
  static const struct {
    const char *element, *package;
  } elements[] = {
    { "vp8", "gstreamer1.0-plugins-good" },    { "rtp", "gstreamer1.0-plugins-good" },
    { "x264enc", "gstreamer1.0-plugins-ugly" }, { "openh264", "gstreamer1.0-plugins-bad" },
    { "h264parse", "gstreamer1.0-plugins-bad" }, { "avdec_", "gstreamer1.0-libav" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (elements); i++)
    if (strstr (message, elements[i].element) != NULL)
      return elements[i].package;
  return "gstreamer1.0-plugins-base";
}

char *
mxr_explain (const MxrLoadOptions *options, const GError *error)
{
  if (g_error_matches (error, MXR_WHIP_ERROR, MXR_WHIP_ERROR_UNREACHABLE))
    return explain_unreachable (options, error);
  if (g_error_matches (error, GST_PARSE_ERROR, GST_PARSE_ERROR_NO_SUCH_ELEMENT))
    return g_strdup_printf ("%s: GStreamer's plugin for it is missing; on Debian and its like it is in %s", error->message,
                            find_package (error->message));
  return g_strdup (error->message);
}
