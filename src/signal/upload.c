/* POST /api/v1/recordings: neither all of a file in memory, nor the control thread waiting for a disk. */

#include "upload.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "mixroom/limits.h"
#include "problem.h"
#include "recordings.h"
#include "token.h"

#define KEY "mxr-upload"
#define BLOCK_BYTES (256 * 1024)
#define MIB (1024 * 1024)

/* Kept by its message, and by what is under way for it. */
struct _MxrUpload {
  MxrServer *server;
  SoupServerMessage *msg; /* borrowed; a write holds it */
  char *path, *title, *room;
  int fd; /* -1: not opened yet */
  GByteArray *held;
  guint64 n_bytes;
  bool is_writing, is_complete, is_refused;
  bool is_counted; /* in the server's uploads */
  int error; /* errno of a write */
};

typedef struct {
  char *path;
  int fd;
} Remains;

/* In a worker: to let go of a large file takes a disk its time. Nothing has that name once it is in the library. */
static void
clear_in_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Remains *remains = data;

  unlink (remains->path);
  close (remains->fd);
  g_free (remains->path);
  g_free (remains);
  g_task_return_boolean (task, TRUE);
}

static void
upload_clear (gpointer data)
{
  MxrUpload *self = data;

  if (self->fd >= 0) {
    g_autoptr (GTask) task = g_task_new (NULL, NULL, NULL, NULL);
    Remains *remains = g_new (Remains, 1);
    *remains = (Remains){ g_strdup (self->path), self->fd };
    g_task_set_task_data (task, remains, NULL);
    g_task_run_in_thread (task, clear_in_worker);
  }
  self->server->n_uploads -= self->is_counted;
  g_free (self->path);
  g_free (self->title);
  g_free (self->room);
  g_byte_array_unref (self->held);
}

static void
upload_unref (gpointer data)
{
  g_rc_box_release_full (data, upload_clear);
}

/* ---- The head ------------------------------------------------------------------------------------------------------- */

static bool
is_for_upload (SoupServerMessage *msg)
{
  GUri *uri = soup_server_message_get_uri (msg);
  return soup_server_message_get_method (msg) == SOUP_METHOD_POST && strcmp (g_uri_get_path (uri), MXR_UPLOAD_PATH) == 0;
}

static bool
is_media (const char *type)
{
  return type != NULL && (g_str_has_prefix (type, "video/") || g_str_has_prefix (type, "audio/"));
}

static guint64
get_limit (const MxrServer *server)
{
  return (guint64) server->config->library.upload_max_mib * MIB;
}

static bool
refuse (SoupServerMessage *msg, MxrProblem problem, const char *detail)
{
  mxr_connection_refuse_problem (mxr_server_get_connection (msg), problem, detail);
  return false;
}

/* Before anything of the body is taken. */
static bool
check_head (MxrServer *server, SoupServerMessage *msg, const char *title, const char *room)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (msg);
  g_autoptr (GError) error = NULL;
  MxrProblem problem;

  if (server->library == NULL || server->config->library.upload_max_mib == 0)
    return refuse (msg, MXR_PROBLEM_LIBRARY_OFF,
                   "This server takes no uploads; its operator must set programme.recordings_directory and "
                   "library.upload_max_mib.");
  if (!mxr_server_check_token (server, mxr_server_get_bearer (msg), room, MXR_TOKEN_HOST, &problem, &error))
    return refuse (msg, problem, error->message);
  if (!is_media (soup_message_headers_get_content_type (headers, NULL)))
    return refuse (msg, MXR_PROBLEM_CONTENT_TYPE, "Send a file as it is, with its type: video/... or audio/...");
  if (soup_message_headers_get_content_length (headers) > (goffset) get_limit (server))
    return refuse (msg, MXR_PROBLEM_TOO_LARGE, "Send a smaller file; library.upload_max_mib is the limit.");
  if (server->n_uploads >= MXR_UPLOADS_MAX)
    return refuse (msg, MXR_PROBLEM_FULL, "8 uploads are under way, which is as many as the server takes; try again when one is done.");
  if (!mxr_recordings_is_text (title, MXR_TITLE_MAX_CHARS) || !mxr_recordings_is_text (room, MXR_NAME_MAX_CHARS))
    return refuse (msg, MXR_PROBLEM_BAD_RECORDING,
                   "A title has 1 to 200 characters and a room's name 1 to 64, without control characters.");
  return true;
}

bool
mxr_upload_begin (MxrServer *server, SoupServerMessage *msg)
{
  if (!is_for_upload (msg))
    return false;
  g_autoptr (GHashTable) query = mxr_recordings_read_query (msg);
  const char *title = query != NULL ? g_hash_table_lookup (query, "title") : "";
  const char *room = query != NULL ? g_hash_table_lookup (query, "room") : NULL;
  bool is_good = check_head (server, msg, title, room);
  MxrUpload *self = g_rc_box_new0 (MxrUpload);

  self->server = server;
  self->msg = msg;
  self->is_refused = !is_good;
  self->is_counted = is_good;
  server->n_uploads += is_good;
  self->title = g_strdup (title);
  self->room = g_strdup (room);
  self->path = is_good ? mxr_library_begin_upload (server->library) : g_strdup ("");
  self->fd = -1;
  self->held = g_byte_array_new ();
  soup_message_body_set_accumulate (soup_server_message_get_request_body (msg), FALSE);
  g_object_set_data_full (G_OBJECT (msg), KEY, self, upload_unref);
  return true;
}

/* ---- The body ------------------------------------------------------------------------------------------------------- */

typedef struct {
  MxrUpload *upload;
  GBytes *bytes;
} Write;

/* In a worker: nobody else touches the descriptor meanwhile. Returns: errno, or 0. */
static int
write_all (MxrUpload *self, GBytes *bytes)
{
  gsize n_left;
  const guint8 *at = g_bytes_get_data (bytes, &n_left);

  if (self->fd < 0)
    self->fd = open (self->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  while (self->fd >= 0 && n_left > 0) {
    gssize n_written = write (self->fd, at, n_left);
    if (n_written < 0 && errno == EINTR)
      continue;
    if (n_written < 0)
      return errno;
    at += n_written;
    n_left -= n_written;
  }
  return self->fd < 0 ? errno : 0;
}

static void
write_in_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Write *job = data;
  g_task_return_int (task, write_all (job->upload, job->bytes));
}

static void
fail (MxrUpload *self)
{
  mxr_warning ("signal", "an upload cannot be written: %s", g_strerror (self->error));
  self->is_refused = true;
  refuse (self->msg, MXR_PROBLEM_NO_SPACE, "The server has no room for this file, or cannot write it; its log says why.");
}

static void add_to_library (MxrUpload *self);
static void write_held (MxrUpload *self);

static void
on_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Write *job = user_data;
  MxrUpload *self = job->upload;
  SoupServerMessage *msg = self->msg;

  self->is_writing = false;
  self->server->n_waiting--;
  self->error = g_task_propagate_int (G_TASK (result), NULL);
  if (self->error != 0)
    fail (self);
  if (self->is_complete && self->error == 0)
    add_to_library (self);
  else
    soup_server_message_unpause (msg);
  g_bytes_unref (job->bytes);
  g_free (job);
  upload_unref (self);
  g_object_unref (msg);
}

/* The message goes on when all is written: the client is read no faster than the disk takes it. */
static void
write_held (MxrUpload *self)
{
  Write *job = g_new (Write, 1);
  g_autoptr (GTask) task = g_task_new (NULL, NULL, on_written, job);

  *job = (Write){ g_rc_box_acquire (self), g_byte_array_free_to_bytes (self->held) };
  self->held = g_byte_array_new ();
  self->is_writing = true;
  self->server->n_waiting++;
  g_object_ref (self->msg);
  soup_server_message_pause (self->msg);
  g_task_set_task_data (task, job, NULL);
  g_task_run_in_thread (task, write_in_worker);
}

bool
mxr_upload_take (SoupServerMessage *msg, GBytes *chunk)
{
  MxrUpload *self = g_object_get_data (G_OBJECT (msg), KEY);

  if (self == NULL)
    return false;
  if (self->is_refused || self->server->is_ending)
    return true;
  self->n_bytes += g_bytes_get_size (chunk);
  if (self->n_bytes > get_limit (self->server)) {
    self->is_refused = true;
    refuse (msg, MXR_PROBLEM_TOO_LARGE, "Send a smaller file; library.upload_max_mib is the limit.");
    return true;
  }
  g_byte_array_append (self->held, g_bytes_get_data (chunk, NULL), g_bytes_get_size (chunk));
  if (self->held->len >= BLOCK_BYTES && !self->is_writing)
    write_held (self);
  return true;
}

/* ---- The end --------------------------------------------------------------------------------------------------------- */

static void
on_added (GObject *source, GAsyncResult *result, gpointer user_data)
{
  MxrUpload *self = user_data;
  SoupServerMessage *msg = self->msg;
  g_autoptr (GError) error = NULL;
  g_autoptr (MxrLibraryEntry) entry = mxr_library_get_finish (self->server->library, result, &error);

  self->server->n_waiting--;
  if (entry == NULL) {
    mxr_recordings_respond_error (msg, error);
  } else {
    g_autofree char *location = g_strdup_printf (MXR_UPLOAD_PATH "/%s", entry->id);
    mxr_recordings_respond_entry (msg, entry);
    soup_message_headers_replace (soup_server_message_get_response_headers (msg), "Location", location);
    soup_server_message_set_status (msg, SOUP_STATUS_CREATED, NULL);
  }
  soup_server_message_unpause (msg);
  upload_unref (self);
  g_object_unref (msg);
}

static void
add_to_library (MxrUpload *self)
{
  self->server->n_waiting++;
  g_object_ref (self->msg);
  mxr_library_add_async (self->server->library, self->path, self->title, self->room, on_added, g_rc_box_acquire (self));
}

void
mxr_upload_finish (SoupServerMessage *msg)
{
  MxrUpload *self = g_object_get_data (G_OBJECT (msg), KEY);

  if (self == NULL || self->is_refused) {
    mxr_problem_respond (msg, MXR_PROBLEM_BAD_REQUEST, "Send a file.");
    return;
  }
  self->is_complete = true;
  write_held (self);
}
