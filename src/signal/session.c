#include "session.h"

#include <string.h>

#include "problem.h"

typedef struct {
  MxrSession *session;
  char *id; /* nullable */
} MxrPendingOffer;

static void
pending_offer_free (gpointer data)
{
  MxrPendingOffer *offer = data;
  g_free (offer->id);
  g_free (offer);
}

/* ---- Sending --------------------------------------------------------------------------------------------
 */

JsonBuilder *
mxr_session_begin (const char *type, const char *id)
{
  JsonBuilder *builder = json_builder_new ();
  json_builder_begin_object (builder);
  mxr_json_add_string (builder, "type", type);
  if (id != NULL) {
    json_builder_set_member_name (builder, "id");
    json_builder_add_value (builder, json_from_string (id, NULL));
  }
  return builder;
}

void
mxr_session_send (MxrSession *self, JsonBuilder *builder)
{
  g_autoptr (JsonBuilder) owned = builder;
  json_builder_end_object (owned);
  if (self->is_closed || soup_websocket_connection_get_state (self->ws) != SOUP_WEBSOCKET_STATE_OPEN)
    return;

  g_autofree char *text = mxr_json_finish (owned);
  gsize n_bytes = strlen (text);
  guint64 waiting_bytes = self->queued_bytes - mxr_connection_get_sent_bytes (self->connection);
  if (waiting_bytes + n_bytes > MXR_SESSION_QUEUE_MAX_BYTES) {
    /* A farewell would wait behind a megabyte that nobody reads. */
    mxr_connection_abort (self->connection);
    return;
  }
  self->queued_bytes += n_bytes;
  soup_websocket_connection_send_text (self->ws, text);
}

void
mxr_session_send_error (MxrSession *self, const char *code, const char *detail, const char *id)
{
  JsonBuilder *builder = mxr_session_begin ("error", id);
  mxr_json_add_string (builder, "code", code);
  mxr_json_add_string (builder, "detail", detail);
  mxr_session_send (self, builder);
}

void
mxr_session_tell_closing (MxrSession *self, const char *reason, gint64 reconnect_in_ms)
{
  if (self->is_told_closing)
    return;
  self->is_told_closing = true;
  JsonBuilder *builder = mxr_session_begin ("closing", NULL);
  mxr_json_add_string (builder, "reason", reason);
  if (reconnect_in_ms >= 0)
    mxr_json_add_int (builder, "reconnectIn", reconnect_in_ms);
  mxr_session_send (self, builder);
}

void
mxr_session_close (MxrSession *self, guint code, const char *reason)
{
  if (!self->is_closed && soup_websocket_connection_get_state (self->ws) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_close (self->ws, code, reason);
}

/* ---- Offers ---------------------------------------------------------------------------------------------
 */

static void
free_when_done (MxrSession *self)
{
  if (!self->is_closed || self->offers->len > 0)
    return;
  g_ptr_array_unref (self->offers);
  g_object_unref (self->address);
  g_free (self);
}

static void
on_negotiated (GObject *source, GAsyncResult *result, gpointer user_data)
{
  MxrPendingOffer *offer = user_data;
  MxrSession *self = offer->session;
  g_autoptr (GError) error = NULL;
  g_autofree char *answer = mxr_participant_negotiate_finish (result, &error);

  if (answer != NULL) {
    JsonBuilder *builder = mxr_session_begin ("answer", offer->id);
    mxr_json_add_string (builder, "sdp", answer);
    mxr_session_send (self, builder);
  } else {
    mxr_session_send_error (self, mxr_room_error_get_code (error), error->message, offer->id);
  }
  g_ptr_array_remove_fast (self->offers, offer);
  free_when_done (self);
}

void
mxr_session_negotiate (MxrSession *self, const char *sdp, const char *id)
{
  MxrPendingOffer *offer = g_new0 (MxrPendingOffer, 1);
  offer->session = self;
  offer->id = g_strdup (id);
  g_ptr_array_add (self->offers, offer);
  mxr_participant_negotiate_async (self->participant, sdp, false, on_negotiated, offer);
}

/* ---- Receiving ------------------------------------------------------------------------------------------
 */

static const MxrMessageHandler handlers[] = {
  [MXR_MESSAGE_JOIN] = mxr_message_handle_join,           [MXR_MESSAGE_OFFER] = mxr_message_handle_offer,
  [MXR_MESSAGE_CANDIDATE] = mxr_message_handle_candidate, [MXR_MESSAGE_LAYOUT] = mxr_message_handle_layout,
  [MXR_MESSAGE_MUTE] = mxr_message_handle_mute,           [MXR_MESSAGE_HAND] = mxr_message_handle_hand,
  [MXR_MESSAGE_CHAT] = mxr_message_handle_chat,           [MXR_MESSAGE_LEAVE] = mxr_message_handle_leave,
  [MXR_MESSAGE_DELAY] = mxr_message_handle_delay,         [MXR_MESSAGE_LINK] = mxr_message_handle_link,
};

static void
on_ws_message (SoupWebsocketConnection *ws, gint type, GBytes *bytes, gpointer user_data)
{
  MxrSession *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *id = NULL;
  gsize n_bytes;
  const char *text = g_bytes_get_data (bytes, &n_bytes);

  if (soup_websocket_connection_get_state (ws) != SOUP_WEBSOCKET_STATE_OPEN)
    return; /* it left, or was told to go: what came behind is void */
  if (type != SOUP_WEBSOCKET_DATA_TEXT) {
    mxr_session_close (self, SOUP_WEBSOCKET_CLOSE_UNSUPPORTED_DATA, "send JSON in text messages");
    return;
  }
  g_autoptr (MxrMessage) message = mxr_message_parse (text, n_bytes, &id, &error);
  if (message == NULL)
    mxr_session_send_error (self, mxr_message_error_get_code (error), error->message, id);
  else if (self->participant == NULL && message->type != MXR_MESSAGE_JOIN)
    mxr_session_send_error (self, "not-joined", "Send 'join' first.", id);
  else
    handlers[message->type](self, message);
}

static void
on_frame_verdict (MxrFrameVerdict verdict, gpointer user_data)
{
  MxrSession *self = user_data;

  if (verdict == MXR_FRAME_TOO_BIG)
    mxr_session_close (self, SOUP_WEBSOCKET_CLOSE_TOO_BIG, "send smaller messages: http.max_message_bytes");
  else if (verdict == MXR_FRAME_TOO_MANY)
    mxr_session_close (self, SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION, "send messages in fewer fragments");
  else
    mxr_session_close (self, SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION,
                       "send more slowly: http.messages_per_second");
}

static void
on_ws_closed (SoupWebsocketConnection *ws, gpointer user_data)
{
  mxr_session_end (user_data);
}

/* libsoup pings; here is who notices that nothing comes back. A client that is told to go and does not is
 * cut. */
static gboolean
on_tick (gpointer user_data)
{
  MxrSession *self = user_data;
  gint64 silence_us = g_get_monotonic_time () - mxr_connection_get_read_time (self->connection);

  if (silence_us < (gint64) self->server->config->http.ping_timeout_s * G_USEC_PER_SEC)
    return G_SOURCE_CONTINUE;
  if (soup_websocket_connection_get_state (self->ws) == SOUP_WEBSOCKET_STATE_OPEN)
    mxr_session_close (self, MXR_CLOSE_SILENT, "nothing came from you, not even a pong");
  else
    mxr_connection_abort (self->connection);
  return G_SOURCE_CONTINUE;
}

/* ---- Life -----------------------------------------------------------------------------------------------
 */

static GSource *
start_tick (MxrSession *self)
{
  GSource *source = g_timeout_source_new_seconds (1);
  g_source_set_callback (source, on_tick, self, NULL);
  g_source_set_static_name (source, "mxr-session-tick");
  g_source_attach (source, NULL);
  return source;
}

void
mxr_session_new (MxrServer *server, SoupWebsocketConnection *ws, MxrConnection *connection,
                 GInetAddress *address)
{
  MxrSession *self = g_new0 (MxrSession, 1);

  self->server = server;
  self->ws = g_object_ref (ws);
  self->connection = g_object_ref (connection);
  self->address = g_object_ref (address);
  self->offers = g_ptr_array_new_with_free_func (pending_offer_free);
  self->tick = start_tick (self);
  g_hash_table_add (server->sessions, self);
  /* The watch over the frames is the limit; libsoup's own, never 0, is what stands behind it. */
  soup_websocket_connection_set_max_incoming_payload_size (ws, server->config->http.max_message_bytes);
  soup_websocket_connection_set_keepalive_interval (ws, server->config->http.ping_interval_s);
  mxr_connection_watch (connection, on_frame_verdict, self);
  g_signal_connect (ws, "message", G_CALLBACK (on_ws_message), self);
  g_signal_connect (ws, "closed", G_CALLBACK (on_ws_closed), self);
}

void
mxr_session_end (MxrSession *self)
{
  if (self->is_closed)
    return;
  self->is_closed = true;
  g_hash_table_remove (self->server->sessions, self);
  if (self->participant != NULL)
    mxr_participant_detach (g_steal_pointer (&self->participant));

  mxr_connection_watch (self->connection, NULL, NULL);
  g_signal_handlers_disconnect_by_data (self->ws, self);
  g_source_destroy (self->tick);
  g_clear_pointer (&self->tick, g_source_unref);
  g_clear_object (&self->ws);
  g_clear_object (&self->connection);
  free_when_done (self);
}
