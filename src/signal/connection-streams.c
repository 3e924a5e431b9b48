#include "connection-streams.h"

struct _MxrConnectionInput {
  GInputStream parent;
  MxrConnection *connection; /* unowned */
};

struct _MxrConnectionOutput {
  GOutputStream parent;
  MxrConnection *connection; /* unowned */
};

static void input_pollable_init (GPollableInputStreamInterface *iface);
static void output_pollable_init (GPollableOutputStreamInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (MxrConnectionInput, mxr_connection_input, G_TYPE_INPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM, input_pollable_init))
G_DEFINE_FINAL_TYPE_WITH_CODE (MxrConnectionOutput, mxr_connection_output, G_TYPE_OUTPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_OUTPUT_STREAM, output_pollable_init))

static gssize
fail_closed (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "the connection is closed");
  return -1;
}

/* ---- Input ----------------------------------------------------------------------------------------------
 */

static gssize
input_read_nonblocking (GPollableInputStream *stream, void *buffer, gsize n_bytes, GError **error)
{
  MxrConnectionInput *self = MXR_CONNECTION_INPUT (stream);
  return self->connection != NULL ? mxr_connection_read (self->connection, buffer, n_bytes, error)
                                  : fail_closed (error);
}

static gssize
input_read (GInputStream *stream, void *buffer, gsize n_bytes, GCancellable *cancellable, GError **error)
{
  return input_read_nonblocking (G_POLLABLE_INPUT_STREAM (stream), buffer, n_bytes, error);
}

/* Says yes: a read that finds nothing answers WOULD_BLOCK, and the source below is what waits. */
static gboolean
input_is_readable (GPollableInputStream *stream)
{
  return TRUE;
}

static GSource *
input_create_source (GPollableInputStream *stream, GCancellable *cancellable)
{
  MxrConnectionInput *self = MXR_CONNECTION_INPUT (stream);
  g_autoptr (GSource) child =
      self->connection != NULL ? mxr_connection_create_read_source (self->connection) : NULL;
  return g_pollable_source_new_full (stream, child, cancellable);
}

static void
input_pollable_init (GPollableInputStreamInterface *iface)
{
  iface->is_readable = input_is_readable;
  iface->create_source = input_create_source;
  iface->read_nonblocking = input_read_nonblocking;
}

static void
mxr_connection_input_class_init (MxrConnectionInputClass *klass)
{
  G_INPUT_STREAM_CLASS (klass)->read_fn = input_read;
}

static void
mxr_connection_input_init (MxrConnectionInput *self)
{
}

GInputStream *
mxr_connection_input_new (MxrConnection *connection)
{
  MxrConnectionInput *self = g_object_new (MXR_TYPE_CONNECTION_INPUT, NULL);
  self->connection = connection;
  return G_INPUT_STREAM (self);
}

void
mxr_connection_input_forget (GInputStream *stream)
{
  MXR_CONNECTION_INPUT (stream)->connection = NULL;
}

/* ---- Output ---------------------------------------------------------------------------------------------
 */

static gssize
output_write_nonblocking (GPollableOutputStream *stream, const void *buffer, gsize n_bytes, GError **error)
{
  MxrConnectionOutput *self = MXR_CONNECTION_OUTPUT (stream);
  return self->connection != NULL ? mxr_connection_write (self->connection, buffer, n_bytes, error)
                                  : fail_closed (error);
}

static gssize
output_write (GOutputStream *stream, const void *buffer, gsize n_bytes, GCancellable *cancellable,
              GError **error)
{
  return output_write_nonblocking (G_POLLABLE_OUTPUT_STREAM (stream), buffer, n_bytes, error);
}

static gboolean
output_is_writable (GPollableOutputStream *stream)
{
  return TRUE;
}

static GSource *
output_create_source (GPollableOutputStream *stream, GCancellable *cancellable)
{
  MxrConnectionOutput *self = MXR_CONNECTION_OUTPUT (stream);
  g_autoptr (GSource) child =
      self->connection != NULL ? mxr_connection_create_write_source (self->connection) : NULL;
  return g_pollable_source_new_full (stream, child, cancellable);
}

static void
output_pollable_init (GPollableOutputStreamInterface *iface)
{
  iface->is_writable = output_is_writable;
  iface->create_source = output_create_source;
  iface->write_nonblocking = output_write_nonblocking;
}

static void
mxr_connection_output_class_init (MxrConnectionOutputClass *klass)
{
  G_OUTPUT_STREAM_CLASS (klass)->write_fn = output_write;
}

static void
mxr_connection_output_init (MxrConnectionOutput *self)
{
}

GOutputStream *
mxr_connection_output_new (MxrConnection *connection)
{
  MxrConnectionOutput *self = g_object_new (MXR_TYPE_CONNECTION_OUTPUT, NULL);
  self->connection = connection;
  return G_OUTPUT_STREAM (self);
}

void
mxr_connection_output_forget (GOutputStream *stream)
{
  MXR_CONNECTION_OUTPUT (stream)->connection = NULL;
}
