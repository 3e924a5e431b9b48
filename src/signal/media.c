/* Files of any length, by blocks that workers read: a disk that is slow keeps only its own client waiting. */

#include "media.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "byte-range.h"
#include "problem.h"

#define BLOCK_BYTES (256 * 1024)

/* One answer: kept by its message, and by the block that is being read. */
typedef struct {
  MxrServer *server;
  MxrLibraryFile *file;
  guint64 at, end;
  bool is_finished; /* the message is: nobody takes any more */
} Sending;

static void
sending_clear (gpointer data)
{
  Sending *sending = data;
  mxr_library_file_free (sending->file);
}

static void
sending_unref (gpointer data)
{
  g_rc_box_release_full (data, sending_clear);
}

/* ---- Blocks --------------------------------------------------------------------------------------------------------- */

typedef struct {
  Sending *sending;
  SoupServerMessage *msg;
} Block;

/* In a worker. */
static void
read_block (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Block *block = data;
  gsize n_wanted = MIN (block->sending->end - block->sending->at, BLOCK_BYTES);
  g_autofree guint8 *bytes = g_malloc (n_wanted);
  gssize n_read;

  do
    n_read = pread (block->sending->file->fd, bytes, n_wanted, block->sending->at);
  while (n_read < 0 && errno == EINTR);
  if (n_read > 0)
    g_task_return_pointer (task, g_bytes_new_take (g_steal_pointer (&bytes), n_read), (GDestroyNotify) g_bytes_unref);
  else
    g_task_return_pointer (task, NULL, NULL);
}

/* A file that has become shorter cannot keep the length that was told: the line is cut, and libsoup finds out by writing. */
static void
on_block (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Block *block = user_data;
  Sending *sending = block->sending;
  g_autoptr (GBytes) bytes = g_task_propagate_pointer (G_TASK (result), NULL);

  sending->server->n_waiting--;
  if (!sending->is_finished && bytes != NULL) {
    sending->at += g_bytes_get_size (bytes);
    soup_message_body_append_bytes (soup_server_message_get_response_body (block->msg), bytes);
  } else if (!sending->is_finished) {
    mxr_connection_abort (mxr_server_get_connection (block->msg));
    soup_message_body_append (soup_server_message_get_response_body (block->msg), SOUP_MEMORY_STATIC, "", 1);
  }
  if (!sending->is_finished)
    soup_server_message_unpause (block->msg);
  g_object_unref (block->msg);
  sending_unref (sending);
  g_free (block);
}

static void
ask_for_block (Sending *sending, SoupServerMessage *msg)
{
  Block *block = g_new (Block, 1);
  g_autoptr (GTask) task = g_task_new (NULL, NULL, on_block, block);

  *block = (Block){ g_rc_box_acquire (sending), g_object_ref (msg) };
  sending->server->n_waiting++;
  g_task_set_task_data (task, block, NULL);
  g_task_set_priority (task, G_PRIORITY_LOW); /* than what starts and stops outputs */
  g_task_run_in_thread (task, read_block);
}

/* libsoup pauses by itself while there is no next one. */
static void
on_wrote_chunk (SoupServerMessage *msg, gpointer user_data)
{
  Sending *sending = user_data;

  if (sending->at < sending->end && !sending->is_finished)
    ask_for_block (sending, msg);
}

static void
on_finished (SoupServerMessage *msg, gpointer user_data)
{
  ((Sending *) user_data)->is_finished = true;
}

static void
send_body (MxrServer *server, SoupServerMessage *msg, MxrLibraryFile *file, guint64 start, guint64 end)
{
  Sending *sending = g_rc_box_new0 (Sending);

  *sending = (Sending){ .server = server, .file = file, .at = start, .end = end };
  g_object_set_data_full (G_OBJECT (msg), "mxr-sending", sending, sending_unref);
  g_signal_connect (msg, "wrote-chunk", G_CALLBACK (on_wrote_chunk), sending);
  g_signal_connect (msg, "finished", G_CALLBACK (on_finished), sending);
  soup_message_body_set_accumulate (soup_server_message_get_response_body (msg), FALSE);
  ask_for_block (sending, msg);
}

/* ---- Heads ----------------------------------------------------------------------------------------------------------- */

/* RFC 6266 4.3, RFC 8187 3.2. */
static void
add_name (SoupMessageHeaders *headers, const char *name)
{
  g_autofree char *escaped = g_uri_escape_string (name, NULL, FALSE);
  g_autofree char *value = g_strdup_printf ("attachment; filename*=UTF-8''%s", escaped);
  soup_message_headers_replace (headers, "Content-Disposition", value);
}

/* A range of another version than the client has would not fit to what it has (RFC 9110 13.1.5). */
static const char *
get_range (SoupServerMessage *msg, const char *etag)
{
  const char *condition = soup_message_headers_get_one (soup_server_message_get_request_headers (msg), "If-Range");

  if (soup_server_message_get_method (msg) != SOUP_METHOD_GET || (condition != NULL && strcmp (condition, etag) != 0))
    return NULL;
  return g_object_get_data (G_OBJECT (msg), MXR_MEDIA_RANGE);
}

static bool
is_known (SoupServerMessage *msg, const char *etag)
{
  const char *known = soup_message_headers_get_list (soup_server_message_get_request_headers (msg), "If-None-Match");
  return known != NULL && strstr (known, etag) != NULL;
}

static void
respond_beyond (SoupServerMessage *msg, guint64 n_bytes)
{
  g_autofree char *range = g_strdup_printf ("bytes */%" G_GUINT64_FORMAT, n_bytes);

  mxr_problem_respond (msg, MXR_PROBLEM_RANGE, "The file is shorter; ask for its length with HEAD.");
  soup_message_headers_replace (soup_server_message_get_response_headers (msg), "Content-Range", range);
}

void
mxr_media_respond (MxrServer *server, SoupServerMessage *msg, MxrLibraryFile *file, const char *type, const char *name)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (msg);
  g_autoptr (MxrLibraryFile) owned = file;
  guint64 start, end;
  MxrRange range = mxr_byte_range_read (get_range (msg, file->etag), file->n_bytes, &start, &end);

  soup_message_headers_replace (headers, "Accept-Ranges", "bytes");
  soup_message_headers_replace (headers, "ETag", file->etag);
  soup_message_headers_replace (headers, "Cache-Control", "private, no-cache");
  if (is_known (msg, file->etag)) {
    soup_server_message_set_status (msg, SOUP_STATUS_NOT_MODIFIED, NULL);
  } else if (range == MXR_RANGE_BEYOND) {
    respond_beyond (msg, file->n_bytes);
  } else {
    soup_server_message_set_status (msg, range == MXR_RANGE_PART ? SOUP_STATUS_PARTIAL_CONTENT : SOUP_STATUS_OK, NULL);
    soup_message_headers_set_content_type (headers, type, NULL);
    soup_message_headers_set_content_length (headers, end - start);
    if (range == MXR_RANGE_PART)
      soup_message_headers_set_content_range (headers, start, end - 1, file->n_bytes);
    if (name != NULL)
      add_name (headers, name);
    if (soup_server_message_get_method (msg) == SOUP_METHOD_GET && start < end) {
      send_body (server, msg, g_steal_pointer (&owned), start, end);
      return;
    }
  }
  soup_server_message_unpause (msg);
}
