/* The programme: what it looks like, /api/v1/rooms/{room}/programme, and a still picture of it, /api/v1/rooms/{room}/snapshot. */

#include "server-private.h"

#include <string.h>

#include "body.h"
#include "problem.h"
#include "token.h"

/* ---- The look ---------------------------------------------------------------------------------------------------------- */

static bool
read_texts (GHashTable *members, MxrProgrammeChange *change)
{
  return mxr_body_get_text (members, "layout", &change->layout) && mxr_body_get_text (members, "pin", &change->pin) &&
         mxr_body_get_text (members, "background", &change->background) && mxr_body_get_text (members, "logo", &change->logo) &&
         mxr_body_get_text (members, "logoCorner", &change->logo_corner) && mxr_body_get_text (members, "labels", &change->labels);
}

static bool
read_numbers (GHashTable *members, MxrProgrammeChange *change)
{
  return mxr_body_get_number (members, "logoHeight", &change->logo_height) &&
         mxr_body_get_number (members, "safeMargin", &change->safe_margin) &&
         mxr_body_get_number (members, "loudness", &change->loudness_lufs);
}

static void
change_look (MxrServer *server, SoupServerMessage *msg, const char *room)
{
  g_autoptr (GHashTable) members = mxr_body_read (msg);
  g_autoptr (GError) error = NULL;
  MxrProgrammeChange change = MXR_PROGRAMME_UNCHANGED;

  if (members == NULL)
    return;
  if (!read_texts (members, &change)) {
    mxr_problem_respond (msg, MXR_PROBLEM_BAD_LOOK,
                         "layout, pin, background, logo, logoCorner and labels are strings of at most 1024 bytes.");
    return;
  }
  if (!read_numbers (members, &change) || !mxr_body_get_bool (members, "clock", &change.clock)) {
    mxr_problem_respond (msg, MXR_PROBLEM_BAD_LOOK,
                         "logoHeight, safeMargin and loudness are numbers, clock is true or false.");
    return;
  }
  GVariant *value = mxr_hub_change_programme (server->hub, room, &change, &error);
  mxr_rest_respond (msg, value, error);
}

void
mxr_programme_handle (MxrServer *server, SoupServerMessage *msg, const char *room)
{
  const char *method = soup_server_message_get_method (msg);
  g_autoptr (GError) error = NULL;

  if (!mxr_server_authorize (server, msg, room, MXR_TOKEN_HOST))
    return;
  if (g_strcmp0 (method, "PATCH") == 0) {
    change_look (server, msg, room);
  } else if (method == SOUP_METHOD_GET || method == SOUP_METHOD_HEAD) {
    GVariant *value = mxr_hub_describe_programme (server->hub, room, &error);
    mxr_rest_respond (msg, value, error);
  } else {
    mxr_problem_respond_method (msg, "GET, HEAD, PATCH");
  }
}

/* ---- A still picture ------------------------------------------------------------------------------------------------------ */

static bool
has_range (GSList *ranges, const char *range)
{
  return g_slist_find_custom (ranges, range, (GCompareFunc) g_ascii_strcasecmp) != NULL;
}

/* Returns: (nullable): static; NULL: the client takes neither. RFC 9110 12.5.1: libsoup sorts by quality and leaves out what
 * has none. */
static const char *
choose_type (SoupServerMessage *msg)
{
  static const char *const types[] = { "image/jpeg", "image/png" };
  const char *accept = soup_message_headers_get_list (soup_server_message_get_request_headers (msg), "Accept");
  GSList *unacceptable = NULL;

  if (accept == NULL)
    return types[0];
  GSList *ranges = soup_header_parse_quality_list (accept, &unacceptable);
  const char *type = NULL;
  for (GSList *l = ranges; l != NULL && type == NULL; l = l->next) {
    bool is_any = strcmp (l->data, "*/*") == 0 || g_ascii_strcasecmp (l->data, "image/*") == 0;
    for (guint i = 0; i < G_N_ELEMENTS (types) && type == NULL; i++)
      if ((is_any && !has_range (unacceptable, types[i])) || g_ascii_strcasecmp (l->data, types[i]) == 0)
        type = types[i];
  }
  soup_header_free_list (ranges);
  soup_header_free_list (unacceptable);
  return type;
}

typedef struct {
  MxrServer *server;
  SoupServerMessage *msg;
  const char *type;
} Request;

static void
on_snapshot (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Request *request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = mxr_hub_take_snapshot_finish (result, &error);

  if (bytes != NULL) {
    SoupMessageHeaders *headers = soup_server_message_get_response_headers (request->msg);
    soup_message_headers_replace (headers, "Cache-Control", "no-store");
    soup_message_headers_replace (headers, "Vary", "Accept");
    soup_server_message_set_status (request->msg, SOUP_STATUS_OK, NULL);
    soup_message_headers_set_content_type (headers, request->type, NULL);
    soup_message_body_append_bytes (soup_server_message_get_response_body (request->msg), bytes);
  } else {
    mxr_problem_respond_error (request->msg, error);
  }
  request->server->n_waiting--;
  soup_server_message_unpause (request->msg);
  g_object_unref (request->msg);
  g_free (request);
}

/* Who may watch may look. */
void
mxr_snapshot_handle (MxrServer *server, SoupServerMessage *msg, const char *room)
{
  const char *method = soup_server_message_get_method (msg);
  const char *type = choose_type (msg);

  if (!mxr_server_authorize (server, msg, room, MXR_TOKEN_VIEWER))
    return;
  if (method != SOUP_METHOD_GET && method != SOUP_METHOD_HEAD) {
    mxr_problem_respond_method (msg, "GET, HEAD");
  } else if (type == NULL) {
    mxr_problem_respond (msg, MXR_PROBLEM_NOT_ACCEPTABLE, "Accept image/jpeg or image/png.");
  } else {
    Request *request = g_new (Request, 1);
    *request = (Request){ server, g_object_ref (msg), type };
    server->n_waiting++;
    soup_server_message_pause (msg);
    mxr_hub_take_snapshot_async (server->hub, room, type, on_snapshot, request);
  }
}
