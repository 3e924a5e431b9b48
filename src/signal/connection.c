#include "connection-streams.h"

#include <string.h>
#include <sys/socket.h>

#include "http-head.h"
#include "mixroom/limits.h"
#include "problem.h"

/* Read by one turn of the main loop at most: one busy client must not starve the others. */
#define TURN_MAX_BYTES (64 * 1024)
#define READ_BLOCK_BYTES 4096
/* A client that is still sending gets this long, and is read this far, before the line is cut under its feet.
 */
#define LINGER_MS 2000
#define LINGER_MAX_BYTES (1024 * 1024)

typedef enum {
  STAGE_HEAD,
  STAGE_DELIVER,
  STAGE_BODY,
  STAGE_HOLD,
  STAGE_WEBSOCKET,
  STAGE_REFUSED,
  STAGE_CLOSED
} Stage;

struct _MxrConnection {
  GIOStream parent;
  const MxrConfig *config;
  const MxrConnectionEvents *events;
  gpointer user_data;
  GSocketConnection *socket;
  GIOStream *base; /* the socket, or TLS over it */
  GInputStream *input;
  GOutputStream *output;
  GSource *timer;
  Stage stage;
  GByteArray *ahead; /* read from the base, not given to libsoup yet */
  gsize head_left;   /* DELIVER: bytes of the head at the front of ahead */
  guint64 body_limit; /* of the request whose head came last */
  guint64 body_left; /* DELIVER, BODY; G_MAXUINT64: chunked, libsoup finds the end */
  gsize turn_bytes;
  gint64 read_time_us;
  MxrFrameLimits limits;
  MxrFrameWatch in, out;
  MxrConnectionFrameFunc on_frame;
  gpointer frame_data;
  GSource *linger;
  gsize lingered_bytes;
  bool is_idle;    /* kept alive: an answer is out, and no byte of the next request here */
  bool is_unheard; /* kept alive: libsoup was given no byte of the next request */
  bool is_aborted;
};

G_DEFINE_FINAL_TYPE (MxrConnection, mxr_connection, G_TYPE_IO_STREAM)

/* ---- Deadlines ------------------------------------------------------------------------------------------
 */

static void finish_linger (MxrConnection *self);

static gboolean
on_timer_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs timer_funcs = { .dispatch = on_timer_dispatch };

static gboolean
on_deadline (gpointer user_data)
{
  MxrConnection *self = user_data;

  g_source_set_ready_time (self->timer, -1);
  if (self->stage == STAGE_CLOSED)
    finish_linger (self);
  else
    mxr_connection_abort (self);
  return G_SOURCE_CONTINUE;
}

static void
set_deadline_ms (MxrConnection *self, guint ms)
{
  g_source_set_ready_time (self->timer, g_get_monotonic_time () + (gint64)ms * 1000);
}

static void
clear_deadline (MxrConnection *self)
{
  g_source_set_ready_time (self->timer, -1);
}

void
mxr_connection_abort (MxrConnection *self)
{
  self->is_aborted = true;
  /* Not a close: libsoup and the handshake's thread still hold the descriptor, and learn of it by reading. */
  shutdown (g_socket_get_fd (g_socket_connection_get_socket (self->socket)), SHUT_RDWR);
}

/* ---- Reading --------------------------------------------------------------------------------------------
 */

static gssize
would_block (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "nothing to read yet");
  return -1;
}

/* Not simply the end: libsoup takes a chunked body that ends anywhere for a whole one. */
static gssize
cut_short (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, "the request ends in the middle");
  return -1;
}

/* A request that libsoup will not get to see, or not to its end. Of a kept-alive connection whose next
 * request has not begun, libsoup 3.2 forgets to close its half when reading fails: so it is made to begin. */
static gssize
end_request (MxrConnection *self, void *buffer, gsize n_bytes, GError **error)
{
  static const char begin[] = "X\r\n";
  if (!self->is_unheard || n_bytes < strlen (begin))
    return cut_short (error);
  self->is_unheard = false;
  memcpy (buffer, begin, strlen (begin));
  return strlen (begin);
}

static gssize
read_base (MxrConnection *self, void *buffer, gsize n_bytes, GError **error)
{
  GPollableInputStream *base = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (self->base));

  if (self->turn_bytes >= TURN_MAX_BYTES)
    return would_block (error);
  gssize n_read = g_pollable_input_stream_read_nonblocking (base, buffer, n_bytes, NULL, error);
  if (n_read > 0) {
    self->turn_bytes += n_read;
    self->read_time_us = g_get_monotonic_time ();
  }
  return n_read;
}

static void
after_deliver (MxrConnection *self)
{
  self->stage = self->head_left > 0 ? STAGE_DELIVER : self->body_left > 0 ? STAGE_BODY : STAGE_HOLD;
  if (self->stage == STAGE_HOLD)
    set_deadline_ms (self, self->config->http.idle_timeout_s * 1000);
}

static gsize
take_ahead (MxrConnection *self, void *buffer, gsize n_bytes)
{
  gsize n_taken = MIN (n_bytes, self->ahead->len);
  memcpy (buffer, self->ahead->data, n_taken);
  g_byte_array_remove_range (self->ahead, 0, n_taken);
  return n_taken;
}

/* Images are larger than anything else that is sent here. */
static guint64
get_body_limit (const MxrConfig *config, const char *head, gsize head_bytes)
{
  static const char image[] = "PUT " MXR_IMAGES_PATH;
  bool is_image = head_bytes > strlen (image) && memcmp (head, image, strlen (image)) == 0;

  if (is_image && *config->programme.images_directory != '\0')
    return MAX (MXR_IMAGE_MAX_BYTES, config->http.max_body_bytes);
  return config->http.max_body_bytes;
}

guint64
mxr_connection_get_body_limit (MxrConnection *self)
{
  return self->body_limit;
}

/* Decides about a complete head. Returns: whether libsoup may see it. */
static bool
check_head (MxrConnection *self, gsize head_bytes)
{
  const char *detail = NULL;
  MxrHttpFraming framing = { 0 };
  guint status = mxr_http_head_check ((const char *)self->ahead->data, head_bytes, &framing, &detail);

  self->body_limit = get_body_limit (self->config, (const char *) self->ahead->data, head_bytes);
  if (status == 0 && framing.body_bytes > self->body_limit) {
    status = 413;
    detail = MXR_BODY_TOO_LARGE;
  }
  if (status != 0) {
    mxr_connection_refuse (self, status, detail);
    return false;
  }
  self->head_left = head_bytes;
  self->body_left = framing.is_chunked ? G_MAXUINT64 : framing.body_bytes;
  self->stage = STAGE_DELIVER;
  return true;
}

/* A connection that was kept alive: its next request has as long as the first one, from its first byte on. */
static void
begin_request (MxrConnection *self)
{
  if (!self->is_idle)
    return;
  self->is_idle = false;
  set_deadline_ms (self, self->config->http.request_deadline_s * 1000);
}

/* Returns: 1 when a checked head is there, 0 when libsoup shall see the end, -1 with @error. */
static gssize
fill_head (MxrConnection *self, GError **error)
{
  for (;;) {
    gsize head_bytes = mxr_http_head_find_end ((const char *)self->ahead->data, self->ahead->len);
    if (head_bytes > 0 && head_bytes <= MXR_HTTP_HEAD_MAX_BYTES)
      return check_head (self, head_bytes) ? 1 : 0;
    if (self->ahead->len >= MXR_HTTP_HEAD_MAX_BYTES) {
      mxr_connection_refuse (self, 431, "Send fewer or shorter header fields: 16 KiB are the limit.");
      return 0;
    }
    guint8 block[READ_BLOCK_BYTES];
    gssize n_read = read_base (self, block, sizeof block, error);
    if (n_read <= 0)
      return n_read;
    begin_request (self);
    g_byte_array_append (self->ahead, block, n_read);
  }
}

static gssize
read_websocket (MxrConnection *self, void *buffer, gsize n_bytes, GError **error)
{
  gssize n_read = self->ahead->len > 0 ? (gssize)take_ahead (self, buffer, n_bytes)
                                       : read_base (self, buffer, n_bytes, error);
  if (n_read <= 0)
    return n_read;

  MxrFrameVerdict verdict =
      mxr_frame_watch_feed (&self->in, &self->limits, buffer, n_read, self->read_time_us);
  if (verdict == MXR_FRAME_OK)
    return n_read;
  /* The bytes are withheld: what libsoup saw is whole frames or the start of one, so it can still send the
   * close. */
  self->stage = STAGE_REFUSED;
  set_deadline_ms (self, LINGER_MS);
  if (self->on_frame != NULL)
    self->on_frame (verdict, self->frame_data);
  return would_block (error);
}

gssize
mxr_connection_read (MxrConnection *self, void *buffer, gsize n_bytes, GError **error)
{
  gssize n_read = 1;

  switch (self->stage) {
  case STAGE_HEAD:
    n_read = fill_head (self, error);
    if (n_read < 0 && g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
      return -1;
    if (n_read <= 0) {
      g_clear_error (error);
      self->stage = STAGE_REFUSED;
      return end_request (self, buffer, n_bytes, error);
    }
    G_GNUC_FALLTHROUGH;
  case STAGE_DELIVER:
    self->is_unheard = false;
    n_read = take_ahead (self, buffer, MIN (n_bytes, self->head_left));
    self->head_left -= n_read;
    after_deliver (self);
    return n_read;
  case STAGE_BODY:
    n_bytes = MIN (n_bytes, self->body_left);
    n_read = self->ahead->len > 0 ? (gssize)take_ahead (self, buffer, n_bytes)
                                  : read_base (self, buffer, n_bytes, error);
    if (n_read == 0 && n_bytes > 0)
      return cut_short (error);
    if (n_read > 0 && self->body_left != G_MAXUINT64) {
      self->body_left -= n_read;
      after_deliver (self);
    }
    return n_read;
  case STAGE_WEBSOCKET:
    return read_websocket (self, buffer, n_bytes, error);
  case STAGE_HOLD:
    return would_block (error);
  case STAGE_REFUSED:
    return self->on_frame != NULL && !self->is_aborted ? would_block (error)
                                                       : end_request (self, buffer, n_bytes, error);
  case STAGE_CLOSED:
  default:
    return 0;
  }
}

/* Whether a read would give something without asking the base. */
static bool
has_ready_bytes (MxrConnection *self)
{
  if (self->stage == STAGE_REFUSED)
    return self->on_frame == NULL || self->is_aborted;
  return self->stage == STAGE_CLOSED ||
         (self->ahead->len > 0 && self->stage != STAGE_HEAD && self->stage != STAGE_HOLD) ||
         (self->stage == STAGE_HEAD &&
          mxr_http_head_find_end ((const char *)self->ahead->data, self->ahead->len) > 0);
}

GSource *
mxr_connection_create_read_source (MxrConnection *self)
{
  self->turn_bytes = 0;
  if (has_ready_bytes (self))
    return g_timeout_source_new (0);
  if ((self->stage == STAGE_HOLD || self->stage == STAGE_REFUSED) && !self->is_aborted)
    return NULL; /* nothing that comes now is for libsoup */
  GInputStream *base = g_io_stream_get_input_stream (self->base);
  return g_pollable_input_stream_create_source (G_POLLABLE_INPUT_STREAM (base), NULL);
}

/* ---- Writing --------------------------------------------------------------------------------------------
 */

gssize
mxr_connection_write (MxrConnection *self, const void *buffer, gsize n_bytes, GError **error)
{
  static const MxrFrameLimits no_limits = { 0 };
  GPollableOutputStream *base = G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (self->base));
  bool is_websocket =
      self->stage == STAGE_WEBSOCKET || (self->stage == STAGE_REFUSED && self->on_frame != NULL);

  if (self->stage == STAGE_CLOSED || (self->stage == STAGE_REFUSED && !is_websocket)) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "the connection is closed");
    return -1;
  }
  gssize n_written = g_pollable_output_stream_write_nonblocking (base, buffer, n_bytes, NULL, error);
  if (n_written > 0 && self->stage == STAGE_WEBSOCKET)
    mxr_frame_watch_feed (&self->out, &no_limits, buffer, n_written, 0);
  if (n_written > 0 && self->stage == STAGE_HOLD)
    set_deadline_ms (self, self->config->http.idle_timeout_s * 1000);
  return n_written;
}

GSource *
mxr_connection_create_write_source (MxrConnection *self)
{
  GOutputStream *base = g_io_stream_get_output_stream (self->base);
  return g_pollable_output_stream_create_source (G_POLLABLE_OUTPUT_STREAM (base), NULL);
}

void
mxr_connection_refuse (MxrConnection *self, guint status, const char *detail)
{
  g_autofree char *response = mxr_problem_write_raw (status, detail);
  GPollableOutputStream *base = G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (self->base));

  if (self->stage == STAGE_REFUSED || self->stage == STAGE_CLOSED)
    return;
  /* The socket's buffer holds a kilobyte at this point; where it does not, the client gets what fits. */
  g_pollable_output_stream_write_nonblocking (base, response, strlen (response), NULL, NULL);
  self->stage = STAGE_REFUSED;
  set_deadline_ms (self, LINGER_MS);
  self->events->on_refused (status, self->user_data);
}

/* ---- Stages that libsoup's side knows of -----------------------------------------------------------------
 */

void
mxr_connection_hold (MxrConnection *self)
{
  if (self->stage != STAGE_BODY)
    return;
  self->stage = STAGE_HOLD;
  set_deadline_ms (self, self->config->http.idle_timeout_s * 1000);
}

void
mxr_connection_answered (MxrConnection *self)
{
  if (self->stage != STAGE_HOLD)
    return;
  self->stage = STAGE_HEAD;
  self->is_unheard = true;
  self->is_idle = self->ahead->len == 0;
  set_deadline_ms (
      self,
      (self->is_idle ? self->config->http.idle_timeout_s : self->config->http.request_deadline_s) * 1000);
}

void
mxr_connection_upgrade (MxrConnection *self)
{
  self->stage = STAGE_WEBSOCKET;
  self->limits.max_message_bytes = self->config->http.max_message_bytes;
  self->limits.frames_per_second = self->config->http.messages_per_second;
  clear_deadline (self); /* the session has one of its own */
}

void
mxr_connection_watch (MxrConnection *self, MxrConnectionFrameFunc func, gpointer user_data)
{
  self->on_frame = func;
  self->frame_data = user_data;
}

gint64
mxr_connection_get_read_time (MxrConnection *self)
{
  return self->read_time_us;
}

guint64
mxr_connection_get_sent_bytes (MxrConnection *self)
{
  return self->out.data_bytes;
}

GSocketConnection *
mxr_connection_get_socket (MxrConnection *self)
{
  return self->socket;
}

void
mxr_connection_set_tls (MxrConnection *self, GIOStream *tls)
{
  g_set_object (&self->base, tls);
}

/* ---- Closing --------------------------------------------------------------------------------------------
 */

static void
finish_linger (MxrConnection *self)
{
  if (self->linger != NULL) {
    g_source_destroy (self->linger);
    g_clear_pointer (&self->linger, g_source_unref);
  }
  g_source_destroy (self->timer);
  g_socket_close (g_socket_connection_get_socket (self->socket), NULL);
  self->events->on_gone (self, self->user_data);
  g_object_unref (self); /* taken by begin_linger() */
}

static gboolean
on_linger_readable (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  MxrConnection *self = user_data;
  char block[READ_BLOCK_BYTES];
  gssize n_read = g_socket_receive_with_blocking (socket, block, sizeof block, FALSE, NULL, NULL);

  if (n_read > 0)
    self->lingered_bytes += n_read;
  if (n_read <= 0 || self->lingered_bytes > LINGER_MAX_BYTES)
    finish_linger (self);
  return G_SOURCE_CONTINUE;
}

/* Closing with unread bytes sends a reset, which can take our last answer away from the client before it
 * reads it. TLS's close-notify is left out: GLib sends it blocking, and every answer tells its own length. */
static void
begin_linger (MxrConnection *self)
{
  GSocket *socket = g_socket_connection_get_socket (self->socket);

  self->stage = STAGE_CLOSED;
  g_object_ref (self);
  shutdown (g_socket_get_fd (socket), SHUT_WR);
  self->linger = g_socket_create_source (socket, G_IO_IN, NULL);
  g_source_set_callback (self->linger, G_SOURCE_FUNC (on_linger_readable), self, NULL);
  g_source_set_static_name (self->linger, "mxr-connection-linger");
  g_source_attach (self->linger, NULL);
  set_deadline_ms (self, self->is_aborted ? 0 : LINGER_MS);
}

static gboolean
mxr_connection_close (GIOStream *stream, GCancellable *cancellable, GError **error)
{
  MxrConnection *self = MXR_CONNECTION (stream);
  if (self->stage != STAGE_CLOSED)
    begin_linger (self);
  return TRUE;
}

/* GIOStream's own would close in another thread. */
static void
mxr_connection_close_async (GIOStream *stream, int priority, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (stream, cancellable, callback, user_data);
  mxr_connection_close (stream, NULL, NULL);
  g_task_return_boolean (task, TRUE);
}

static gboolean
mxr_connection_close_finish (GIOStream *stream, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- Object ---------------------------------------------------------------------------------------------
 */

static GInputStream *
mxr_connection_get_input (GIOStream *stream)
{
  return MXR_CONNECTION (stream)->input;
}

static GOutputStream *
mxr_connection_get_output (GIOStream *stream)
{
  return MXR_CONNECTION (stream)->output;
}

static void
mxr_connection_finalize (GObject *object)
{
  MxrConnection *self = MXR_CONNECTION (object);

  mxr_connection_input_forget (self->input);
  mxr_connection_output_forget (self->output);
  g_clear_object (&self->input);
  g_clear_object (&self->output);
  if (self->timer != NULL)
    g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
  g_clear_object (&self->base);
  g_clear_object (&self->socket);
  g_byte_array_unref (self->ahead);
  G_OBJECT_CLASS (mxr_connection_parent_class)->finalize (object);
}

static void
mxr_connection_class_init (MxrConnectionClass *klass)
{
  GIOStreamClass *stream_class = G_IO_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = mxr_connection_finalize;
  stream_class->get_input_stream = mxr_connection_get_input;
  stream_class->get_output_stream = mxr_connection_get_output;
  stream_class->close_fn = mxr_connection_close;
  stream_class->close_async = mxr_connection_close_async;
  stream_class->close_finish = mxr_connection_close_finish;
}

static void
mxr_connection_init (MxrConnection *self)
{
  self->input = mxr_connection_input_new (self);
  self->output = mxr_connection_output_new (self);
  self->ahead = g_byte_array_new ();
  self->read_time_us = g_get_monotonic_time ();
  self->timer = g_source_new (&timer_funcs, sizeof (GSource));
  g_source_set_callback (self->timer, on_deadline, self, NULL);
  g_source_set_static_name (self->timer, "mxr-connection-deadline");
  g_source_attach (self->timer, NULL);
}

MxrConnection *
mxr_connection_new (GSocketConnection *socket, const MxrConfig *config, const MxrConnectionEvents *events,
                    gpointer user_data)
{
  MxrConnection *self = g_object_new (MXR_TYPE_CONNECTION, NULL);

  self->socket = g_object_ref (socket);
  self->base = g_object_ref (G_IO_STREAM (socket));
  self->config = config;
  self->events = events;
  self->user_data = user_data;
  set_deadline_ms (self, config->http.request_deadline_s * 1000);
  return self;
}
