#ifndef MXR_CONNECTION_STREAMS_H
#define MXR_CONNECTION_STREAMS_H

#include "connection.h"

/* The two halves of a connection as pollable streams; they only ask the connection. */

#define MXR_TYPE_CONNECTION_INPUT (mxr_connection_input_get_type ())
G_DECLARE_FINAL_TYPE (MxrConnectionInput, mxr_connection_input, MXR, CONNECTION_INPUT, GInputStream)

#define MXR_TYPE_CONNECTION_OUTPUT (mxr_connection_output_get_type ())
G_DECLARE_FINAL_TYPE (MxrConnectionOutput, mxr_connection_output, MXR, CONNECTION_OUTPUT, GOutputStream)

/* @connection may be %NULL later: the connection clears it when it goes first. */
GInputStream *mxr_connection_input_new (MxrConnection *connection);
GOutputStream *mxr_connection_output_new (MxrConnection *connection);
void mxr_connection_input_forget (GInputStream *stream);
void mxr_connection_output_forget (GOutputStream *stream);

/* What the halves ask. */
gssize mxr_connection_read (MxrConnection *connection, void *buffer, gsize n_bytes, GError **error);
gssize mxr_connection_write (MxrConnection *connection, const void *buffer, gsize n_bytes, GError **error);
/* Returns: (transfer full): ready when a read may give something. */
GSource *mxr_connection_create_read_source (MxrConnection *connection);
GSource *mxr_connection_create_write_source (MxrConnection *connection);

#endif
