/* The library: /api/v1/recordings and what is below it. */

#include "recordings.h"

#include <string.h>

#include "body.h"
#include "media.h"
#include "mixroom/limits.h"
#include "problem.h"
#include "token.h"
#include "upload.h"

#define PAGE_DEFAULT 50
#define BAD_QUERY "The query must be percent-encoded UTF-8."

/* What waits for the library, and what is done then. */
typedef struct _Asking Asking;
struct _Asking {
  MxrServer *server;
  SoupServerMessage *msg;
  char *id;
  char *title;   /* PATCH */
  char *token;   /* (nullable) */
  bool is_poster;
  bool is_download;
  void (*act) (Asking *asking, const MxrLibraryEntry *entry); /* once it is known that it may */
};

/* ---- Answers -------------------------------------------------------------------------------------------------------- */

static GVariant *
describe (const MxrLibraryEntry *entry)
{
  g_autofree char *media = g_strdup_printf (MXR_UPLOAD_PATH "/%s/media", entry->id);
  g_autofree char *poster = g_strdup_printf (MXR_UPLOAD_PATH "/%s/poster", entry->id);
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "id", "s", entry->id);
  g_variant_dict_insert (&dict, "title", "s", entry->title);
  g_variant_dict_insert (&dict, "room", "s", entry->room);
  g_variant_dict_insert (&dict, "started", "x", entry->started_ms);
  g_variant_dict_insert (&dict, "duration", "t", entry->duration_ms);
  g_variant_dict_insert (&dict, "bytes", "t", entry->n_bytes);
  g_variant_dict_insert (&dict, "participants", "^as", entry->participants);
  g_variant_dict_insert (&dict, "file", "s", entry->file);
  g_variant_dict_insert (&dict, "type", "s", entry->type);
  g_variant_dict_insert (&dict, "width", "u", entry->width_px);
  g_variant_dict_insert (&dict, "height", "u", entry->height_px);
  g_variant_dict_insert (&dict, "state", "s", mxr_library_state_to_string (entry->state));
  g_variant_dict_insert (&dict, "media", "s", media);
  g_variant_dict_insert (&dict, "poster", "s", poster);
  return g_variant_dict_end (&dict);
}

void
mxr_recordings_respond_entry (SoupServerMessage *msg, const MxrLibraryEntry *entry)
{
  mxr_rest_respond_json (msg, describe (entry));
}

void
mxr_recordings_respond_error (SoupServerMessage *msg, const GError *error)
{
  static const MxrProblem problems[] = {
    [MXR_LIBRARY_ERROR_NOT_FOUND] = MXR_PROBLEM_NOT_FOUND,
    [MXR_LIBRARY_ERROR_BUSY] = MXR_PROBLEM_CONFLICT,
    [MXR_LIBRARY_ERROR_NOT_MEDIA] = MXR_PROBLEM_NOT_MEDIA,
    [MXR_LIBRARY_ERROR_FAILED] = MXR_PROBLEM_FAILED,
  };
  bool is_known = error->domain == MXR_LIBRARY_ERROR && (guint) error->code < G_N_ELEMENTS (problems);
  mxr_problem_respond (msg, is_known ? problems[error->code] : MXR_PROBLEM_FAILED, error->message);
}

/* ---- Waiting --------------------------------------------------------------------------------------------------------- */

static Asking *
asking_new (MxrServer *server, SoupServerMessage *msg, const char *id)
{
  Asking *asking = g_new0 (Asking, 1);

  asking->server = server;
  asking->msg = g_object_ref (msg);
  asking->id = g_strdup (id);
  asking->token = g_strdup (mxr_server_get_bearer (msg));
  server->n_waiting++;
  soup_server_message_pause (msg);
  return asking;
}

static void
asking_free (Asking *asking)
{
  asking->server->n_waiting--;
  g_object_unref (asking->msg);
  g_free (asking->id);
  g_free (asking->title);
  g_free (asking->token);
  g_free (asking);
}

static void
finish (Asking *asking)
{
  soup_server_message_unpause (asking->msg);
  asking_free (asking);
}

static bool
may (Asking *asking, const char *room)
{
  g_autoptr (GError) error = NULL;
  MxrProblem problem;
  const char *named = room != NULL && *room != '\0' ? room : NULL;

  if (mxr_server_check_token (asking->server, asking->token, named, MXR_TOKEN_HOST, &problem, &error))
    return true;
  mxr_problem_respond (asking->msg, problem, error->message);
  return false;
}

/* ---- One of them ------------------------------------------------------------------------------------------------------ */

static void
on_changed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Asking *asking = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (MxrLibraryEntry) entry = mxr_library_get_finish (asking->server->library, result, &error);

  if (entry == NULL)
    mxr_recordings_respond_error (asking->msg, error);
  else
    mxr_recordings_respond_entry (asking->msg, entry);
  finish (asking);
}

static void
show (Asking *asking, const MxrLibraryEntry *entry)
{
  mxr_recordings_respond_entry (asking->msg, entry);
  finish (asking);
}

static void
rename_it (Asking *asking, const MxrLibraryEntry *entry)
{
  mxr_library_set_title_async (asking->server->library, asking->id, asking->title, on_changed, asking);
}

static void
remove_it (Asking *asking, const MxrLibraryEntry *entry)
{
  mxr_library_remove_async (asking->server->library, asking->id, on_changed, asking);
}

/* What it is saved as: the title, without what file systems do not take. */
static char *
make_name (const MxrLibraryEntry *entry)
{
  const char *dot = strrchr (entry->file, '.');
  char *name = g_strconcat (*entry->title != '\0' ? entry->title : entry->room, dot, NULL);

  return g_strdelimit (name, "/\\:*?\"<>|", '-');
}

static void
on_open (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Asking *asking = user_data;
  g_autoptr (GError) error = NULL;
  MxrLibraryFile *file = mxr_library_open_finish (asking->server->library, result, &error);

  if (file == NULL) {
    mxr_recordings_respond_error (asking->msg, error);
    finish (asking);
    return;
  }
  g_autofree char *name = asking->is_download ? make_name (file->entry) : NULL;
  mxr_media_respond (asking->server, asking->msg, file, asking->is_poster ? "image/jpeg" : file->entry->type, name);
  asking_free (asking);
}

static void
send_it (Asking *asking, const MxrLibraryEntry *entry)
{
  mxr_library_open_async (asking->server->library, asking->id, asking->is_poster, on_open, asking);
}

/* Whose it is tells who may; of what is not there only those may know that who may see all. */
static void
on_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Asking *asking = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (MxrLibraryEntry) entry = mxr_library_get_finish (asking->server->library, result, &error);

  if (!may (asking, entry != NULL ? entry->room : NULL)) {
    finish (asking);
  } else if (entry == NULL) {
    mxr_recordings_respond_error (asking->msg, error);
    finish (asking);
  } else {
    asking->act (asking, entry);
  }
}

static void
look_up (Asking *asking, void (*act) (Asking *asking, const MxrLibraryEntry *entry))
{
  asking->act = act;
  mxr_library_get_async (asking->server->library, asking->id, on_found, asking);
}

static void
change (MxrServer *server, SoupServerMessage *msg, const char *id)
{
  g_autoptr (GHashTable) members = mxr_body_read (msg);
  const char *title;

  if (members == NULL)
    return;
  if (!mxr_body_get_text (members, "title", &title) || title == NULL || !mxr_recordings_is_text (title, MXR_TITLE_MAX_CHARS)) {
    mxr_problem_respond (msg, MXR_PROBLEM_BAD_RECORDING,
                         "Send {\"title\": \"...\"} of 1 to 200 characters without control characters.");
    return;
  }
  Asking *asking = asking_new (server, msg, id);
  asking->title = g_strdup (title);
  look_up (asking, rename_it);
}

static void
handle_one (MxrServer *server, SoupServerMessage *msg, const char *id)
{
  const char *method = soup_server_message_get_method (msg);

  if (method == SOUP_METHOD_GET || method == SOUP_METHOD_HEAD)
    look_up (asking_new (server, msg, id), show);
  else if (method == SOUP_METHOD_DELETE)
    look_up (asking_new (server, msg, id), remove_it);
  else if (g_strcmp0 (method, "PATCH") == 0)
    change (server, msg, id);
  else
    mxr_problem_respond_method (msg, "GET, HEAD, PATCH, DELETE");
}

/* An element of a page sends no headers of its own, so the token may stand in the address here. */
static void
handle_media (MxrServer *server, SoupServerMessage *msg, const char *id, bool is_poster)
{
  const char *method = soup_server_message_get_method (msg);
  g_autoptr (GHashTable) query = mxr_recordings_read_query (msg);

  if (method != SOUP_METHOD_GET && method != SOUP_METHOD_HEAD) {
    mxr_problem_respond_method (msg, "GET, HEAD");
    return;
  }
  if (query == NULL) {
    mxr_problem_respond (msg, MXR_PROBLEM_BAD_REQUEST, BAD_QUERY);
    return;
  }
  Asking *asking = asking_new (server, msg, id);
  if (asking->token == NULL)
    asking->token = g_strdup (g_hash_table_lookup (query, "access_token"));
  asking->is_poster = is_poster;
  asking->is_download = g_strcmp0 (g_hash_table_lookup (query, "download"), "1") == 0;
  look_up (asking, send_it);
}

/* ---- All ---------------------------------------------------------------------------------------------------------------- */

static void
on_list (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Asking *asking = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (MxrLibraryPage) page = mxr_library_list_finish (asking->server->library, result, &error);

  if (page == NULL) {
    mxr_recordings_respond_error (asking->msg, error);
  } else {
    GVariantBuilder entries;
    GVariantDict dict;
    g_variant_builder_init (&entries, G_VARIANT_TYPE ("aa{sv}"));
    for (guint i = 0; i < page->entries->len; i++)
      g_variant_builder_add_value (&entries, describe (g_ptr_array_index (page->entries, i)));
    g_variant_dict_init (&dict, NULL);
    g_variant_dict_insert_value (&dict, "recordings", g_variant_builder_end (&entries));
    if (page->next != NULL)
      g_variant_dict_insert (&dict, "next", "s", page->next);
    g_variant_dict_insert (&dict, "total", "t", page->n_entries);
    g_variant_dict_insert (&dict, "bytes", "t", page->n_bytes);
    mxr_rest_respond_json (asking->msg, g_variant_dict_end (&dict));
  }
  finish (asking);
}

static void
list (MxrServer *server, SoupServerMessage *msg)
{
  g_autoptr (GHashTable) values = mxr_recordings_read_query (msg);
  guint64 limit = PAGE_DEFAULT;

  if (values == NULL) {
    mxr_problem_respond (msg, MXR_PROBLEM_BAD_REQUEST, BAD_QUERY);
    return;
  }
  const char *room = g_hash_table_lookup (values, "room"), *limit_text = g_hash_table_lookup (values, "limit");
  const char *search = g_hash_table_lookup (values, "q");
  if (!mxr_server_authorize (server, msg, room, MXR_TOKEN_HOST))
    return;
  if (limit_text != NULL && !g_ascii_string_to_unsigned (limit_text, 10, 1, MXR_LIBRARY_PAGE_MAX, &limit, NULL)) {
    mxr_problem_respond (msg, MXR_PROBLEM_BAD_RECORDING, "limit is a number from 1 to 200.");
    return;
  }
  if (search != NULL && g_utf8_strlen (search, -1) > MXR_SEARCH_MAX_CHARS) {
    mxr_problem_respond (msg, MXR_PROBLEM_BAD_RECORDING, "q has 200 characters at most.");
    return;
  }
  const MxrLibraryQuery query = { room, search, g_hash_table_lookup (values, "before"), (guint) limit };
  mxr_library_list_async (server->library, &query, on_list, asking_new (server, msg, NULL));
}

static void
handle_all (MxrServer *server, SoupServerMessage *msg)
{
  const char *method = soup_server_message_get_method (msg);

  if (method == SOUP_METHOD_GET || method == SOUP_METHOD_HEAD)
    list (server, msg);
  else if (method == SOUP_METHOD_POST)
    mxr_upload_finish (msg);
  else
    mxr_problem_respond_method (msg, "GET, HEAD, POST");
}

void
mxr_recordings_handle (MxrServer *server, SoupServerMessage *msg, char **segments, guint n_segments)
{
  const char *part = n_segments == 5 ? segments[4] : NULL;

  if (server->library == NULL)
    mxr_problem_respond (msg, MXR_PROBLEM_LIBRARY_OFF,
                         "This server keeps no recordings; its operator must set programme.recordings_directory.");
  else if (n_segments == 3)
    handle_all (server, msg);
  else if (n_segments == 4)
    handle_one (server, msg, segments[3]);
  else if (g_strcmp0 (part, "media") == 0 || g_strcmp0 (part, "poster") == 0)
    handle_media (server, msg, segments[3], strcmp (part, "poster") == 0);
  else
    mxr_problem_respond (msg, MXR_PROBLEM_NOT_FOUND, "Look at /api/v1/recordings for what there is.");
}

/* ---- Shared -------------------------------------------------------------------------------------------------------------- */

bool
mxr_recordings_is_text (const char *text, guint max_chars)
{
  if (text == NULL)
    return true;
  if (!g_utf8_validate (text, -1, NULL) || *text == '\0' || g_utf8_strlen (text, -1) > max_chars)
    return false;
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    if (g_unichar_iscntrl (g_utf8_get_char (p)))
      return false;
  return true;
}

GHashTable *
mxr_recordings_read_query (SoupServerMessage *msg)
{
  const char *query = g_uri_get_query (soup_server_message_get_uri (msg));

  if (query == NULL)
    return g_hash_table_new (g_str_hash, g_str_equal);
  return g_uri_parse_params (query, -1, "&", G_URI_PARAMS_WWW_FORM, NULL);
}

void
mxr_recordings_tell (MxrServer *server, const char *room, const MxrRecording *recording)
{
  const MxrLibraryRecording told = {
    .room = room,
    .file = recording->file,
    .participants = recording->participants,
    .started_ms = recording->started_ms,
    .duration_ms = recording->duration_ms,
    .n_bytes = recording->n_bytes,
    .is_over = recording->is_over,
    .has_failed = recording->has_failed,
  };
  if (server->library != NULL)
    mxr_library_on_recording (server->library, &told);
}
