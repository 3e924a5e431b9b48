/* HLS of the programme's outputs: /hls/{output}/{file}. Whoever knows the output's id, which nobody guesses, may watch:
 * players send no tokens. */

#include "server-private.h"

#include <string.h>

#include "problem.h"

/* Far above a segment of some seconds. */
#define FILE_MAX_BYTES (64 * 1024 * 1024)

/* Letters, digits, - and _, and of a file one dot: nothing that leaves the directory. */
static bool
is_plain (const char *text, bool has_ending)
{
  const char *dot = strchr (text, '.');

  if (*text == '\0' || *text == '.' || (dot != NULL) != has_ending || (dot != NULL && strchr (dot + 1, '.') != NULL))
    return false;
  for (const char *p = text; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && *p != '-' && *p != '_' && *p != '.')
      return false;
  return true;
}

static const char *
get_type (const char *name)
{
  if (g_str_has_suffix (name, ".m3u8"))
    return "application/vnd.apple.mpegurl";
  return g_str_has_suffix (name, ".m4s") || g_str_has_suffix (name, ".mp4") ? "video/mp4" : NULL;
}

/* A playlist changes with each segment; a segment never does. */
static void
respond_file (SoupServerMessage *msg, const char *path, const char *type)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, NULL);
  bool is_segment = !g_str_has_suffix (path, ".m3u8");

  if (file == NULL || g_mapped_file_get_length (file) > FILE_MAX_BYTES) {
    mxr_problem_respond (msg, MXR_PROBLEM_NOT_FOUND, "There is no such playlist or segment (yet).");
    return;
  }
  g_autoptr (GBytes) bytes = g_mapped_file_get_bytes (file);
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (msg);
  soup_message_headers_replace (headers, "Cache-Control", is_segment ? "public, max-age=3600" : "no-cache");
  soup_message_headers_set_content_type (headers, type, NULL);
  soup_message_body_append_bytes (soup_server_message_get_response_body (msg), bytes);
  soup_server_message_set_status (msg, SOUP_STATUS_OK, NULL);
}

void
mxr_hls_handle (MxrServer *server, SoupServerMessage *msg, char **segments)
{
  const char *method = soup_server_message_get_method (msg), *directory = server->config->programme.hls_directory;
  bool is_file = g_strv_length (segments) == 3 && is_plain (segments[1], false) && is_plain (segments[2], true);
  const char *type = is_file ? get_type (segments[2]) : NULL;

  mxr_server_add_cors (server, msg);
  if (method != SOUP_METHOD_GET && method != SOUP_METHOD_HEAD) {
    mxr_problem_respond_method (msg, "GET, HEAD");
  } else if (*directory == '\0' || type == NULL) {
    mxr_problem_respond (msg, MXR_PROBLEM_NOT_FOUND, "An output of type hls says where its playlist is.");
  } else {
    g_autofree char *path = g_build_filename (directory, segments[1], segments[2], NULL);
    respond_file (msg, path, type);
  }
}
