/* Images for logos and backgrounds: /api/v1/images and what is below it. */

#include "server-private.h"

#include <string.h>

#include "mixroom/limits.h"
#include "mixroom/room.h"
#include "problem.h"
#include "token.h"

/* A request that waits for a worker. */
typedef struct {
  MxrServer *server;
  SoupServerMessage *msg;
} Request;

static Request *
request_new (MxrServer *server, SoupServerMessage *msg)
{
  Request *request = g_new0 (Request, 1);

  request->server = server;
  request->msg = g_object_ref (msg);
  server->n_waiting++;
  soup_server_message_pause (msg);
  return request;
}

static void
request_done (Request *request)
{
  request->server->n_waiting--;
  soup_server_message_unpause (request->msg);
  g_object_unref (request->msg);
  g_free (request);
}

static void
respond_error (SoupServerMessage *msg, const GError *error)
{
  if (g_error_matches (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_BAD_LOOK))
    mxr_problem_respond (msg, MXR_PROBLEM_BAD_IMAGE, error->message);
  else
    mxr_problem_respond_error (msg, error);
}

/* ---- Answers -------------------------------------------------------------------------------------------------- */

static void
on_described (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Request *request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = mxr_image_describe_finish (result, &error);

  if (value != NULL)
    mxr_rest_respond_json (request->msg, value);
  else
    respond_error (request->msg, error);
  if (value != NULL && soup_server_message_get_method (request->msg) == SOUP_METHOD_PUT)
    soup_server_message_set_status (request->msg, SOUP_STATUS_CREATED, NULL);
  request_done (request);
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Request *request = user_data;
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (request->msg);
  g_autoptr (GError) error = NULL;
  const char *type;
  g_autoptr (GBytes) bytes = mxr_image_read_finish (result, &type, &error);

  if (bytes == NULL) {
    respond_error (request->msg, error);
  } else {
    gsize n_bytes;
    const char *data = g_bytes_get_data (bytes, &n_bytes);
    soup_message_headers_replace (headers, "Cache-Control", "no-cache");
    soup_server_message_set_status (request->msg, SOUP_STATUS_OK, NULL);
    soup_server_message_set_response (request->msg, type, SOUP_MEMORY_COPY, data, n_bytes);
  }
  request_done (request);
}

static void
on_deleted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Request *request = user_data;
  g_autoptr (GError) error = NULL;

  if (mxr_image_delete_finish (result, &error))
    soup_server_message_set_status (request->msg, SOUP_STATUS_NO_CONTENT, NULL);
  else
    respond_error (request->msg, error);
  request_done (request);
}

/* ---- Requests -------------------------------------------------------------------------------------------------- */

static void
put (MxrServer *server, SoupServerMessage *msg, const char *name)
{
  const char *type = soup_message_headers_get_content_type (soup_server_message_get_request_headers (msg), NULL);
  g_autoptr (GBytes) body = soup_message_body_flatten (soup_server_message_get_request_body (msg));

  if (g_strcmp0 (type, "image/png") != 0 && g_strcmp0 (type, "image/jpeg") != 0) {
    mxr_problem_respond (msg, MXR_PROBLEM_CONTENT_TYPE, "PUT the bytes of an image as image/png or image/jpeg.");
    return;
  }
  mxr_image_write_async (server->config, name, body, on_described, request_new (server, msg));
}

static void
handle_one (MxrServer *server, SoupServerMessage *msg, const char *name)
{
  const char *method = soup_server_message_get_method (msg);

  if (method == SOUP_METHOD_GET || method == SOUP_METHOD_HEAD)
    mxr_image_read_async (server->config, name, on_read, request_new (server, msg));
  else if (method == SOUP_METHOD_PUT)
    put (server, msg, name);
  else if (method == SOUP_METHOD_DELETE)
    mxr_image_delete_async (server->config, name, on_deleted, request_new (server, msg));
  else
    mxr_problem_respond_method (msg, "GET, HEAD, PUT, DELETE");
}

static void
handle_list (MxrServer *server, SoupServerMessage *msg)
{
  const char *method = soup_server_message_get_method (msg);

  if (method == SOUP_METHOD_GET || method == SOUP_METHOD_HEAD)
    mxr_images_list_async (server->config, on_described, request_new (server, msg));
  else
    mxr_problem_respond_method (msg, "GET, HEAD");
}

/* All rooms share the images, so who changes them is a host of all. A host of one room chooses from them, and names the room:
 * "?room=stage". */
static bool
is_authorized (MxrServer *server, SoupServerMessage *msg)
{
  const char *method = soup_server_message_get_method (msg);
  const char *query = g_uri_get_query (soup_server_message_get_uri (msg));
  bool is_reading = method == SOUP_METHOD_GET || method == SOUP_METHOD_HEAD;
  g_autoptr (GHashTable) members = is_reading && query != NULL ? soup_form_decode (query) : NULL;

  return mxr_server_authorize (server, msg, members != NULL ? g_hash_table_lookup (members, "room") : NULL, MXR_TOKEN_HOST);
}

void
mxr_images_handle (MxrServer *server, SoupServerMessage *msg, char **segments, guint n_segments)
{
  if (!is_authorized (server, msg))
    return;
  if (*server->config->programme.images_directory == '\0')
    mxr_problem_respond (msg, MXR_PROBLEM_IMAGES_OFF,
                         "Set programme.images_directory to a folder that the server may write to.");
  else if (n_segments == 3)
    handle_list (server, msg);
  else if (n_segments == 4)
    handle_one (server, msg, segments[3]);
  else
    mxr_problem_respond (msg, MXR_PROBLEM_NOT_FOUND, "Look at /api/v1/images for what there is.");
}

/* Strangers' bodies are read to their end, or they would not see the answer, but not kept. */
void
mxr_images_check_early (MxrServer *server, SoupServerMessage *msg)
{
  const char *path = g_uri_get_path (soup_server_message_get_uri (msg));

  if (soup_server_message_get_method (msg) == SOUP_METHOD_PUT && g_str_has_prefix (path, MXR_IMAGES_PATH) &&
      !is_authorized (server, msg))
    soup_message_body_set_accumulate (soup_server_message_get_request_body (msg), FALSE);
}
