#include "webhooks.h"

#include <libsoup/soup.h>

#include "webhook-message.h"
#include "webhook-queue.h"

/* Of one request, the answer's head included: receivers are to answer before they work. */
#define REQUEST_TIMEOUT_MS 10000
/* Of a body; with more of it the connection is closed. */
#define ANSWER_MAX_BYTES 65536
/* Shorter than servers keep a connection that nothing comes on: they must not close it while a request is on its way. */
#define IDLE_S 3
/* What the end of the server waits for. */
#define LAST_TRIES_MS 3000

typedef struct {
  MxrWebhooks *owner;
  GUri *uri;
  char *shown;          /* scheme, host and port: the rest may be a secret */
  SoupSession *session; /* its own: connections to one host are few */
  MxrWebhookQueue queue;
  GCancellable *cancellable; /* of the request under way */
  GInputStream *answer;      /* its; NULL: none has come */
  guint status;              /* of the answer; 0: there was none */
  guint retry_after_s;
  gsize n_skipped; /* of its body */
  guint timeout, next; /* source ids */
  MxrBucket warnings;
} Target;

struct _MxrWebhooks {
  GPtrArray *targets; /* Target */
  GBytes *key;
};

static void send_next (Target *target);

/* ---- Answers -------------------------------------------------------------------------------------------------------- */

static void
warn (Target *target, const char *what)
{
  if (mxr_log_allowed (&target->warnings))
    mxr_warning ("signal", "webhook %s: %s; %u wait, %" G_GUINT64_FORMAT " were lost", target->shown, what,
                 target->queue.waiting.length,
                 target->queue.n_given_up + target->queue.n_refused + target->queue.n_overflowed);
}

static gboolean
on_due (gpointer user_data)
{
  Target *target = user_data;
  target->next = 0;
  send_next (target);
  return G_SOURCE_REMOVE;
}

/* From the main loop: libsoup has its connection back only after the callback of the former request. */
static void
send_next_in_time (Target *target)
{
  gint64 wait_us = MAX (target->queue.due_us - g_get_monotonic_time (), 0);

  if (target->queue.waiting.length > 0 && !target->queue.is_under_way && target->next == 0)
    target->next = g_timeout_add (target->queue.is_ending ? 0 : (guint) ((wait_us + 999) / 1000), on_due, target);
}

static void
note (Target *target, guint status, guint retry_after_s, const char *detail)
{
  MxrWebhookResult result = mxr_webhook_judge (status);
  guint n_given_up = mxr_webhook_queue_note (&target->queue, result, retry_after_s, g_get_monotonic_time ());
  g_autofree char *what = NULL;

  if (result == MXR_WEBHOOK_REFUSED)
    what = g_strdup_printf ("refused with status %u, which is not tried again", status);
  else if (n_given_up > 0)
    what = g_strdup_printf ("gave up on %u (%s)", n_given_up, detail);
  else if (result == MXR_WEBHOOK_FAILED && target->queue.n_failures == 1)
    what = g_strdup_printf ("failed and is tried again (%s)", detail);
  if (what != NULL)
    warn (target, what);
  send_next_in_time (target);
}

/* Without waiting for what is left of the answer or of the request: then the connection goes. */
static void
drop (GInputStream *stream)
{
  g_autoptr (GCancellable) now = g_cancellable_new ();
  g_cancellable_cancel (now);
  g_input_stream_close (stream, now, NULL);
}

static char *
describe (const GError *error, guint status, bool is_late)
{
  if (is_late)
    return g_strdup_printf ("no answer in %d s", REQUEST_TIMEOUT_MS / 1000);
  return error != NULL ? g_strdup (error->message) : g_strdup_printf ("status %u", status);
}

static void
finish (Target *target, const GError *error)
{
  g_autofree char *detail = describe (error, target->status, target->timeout == 0);

  g_clear_handle_id (&target->timeout, g_source_remove);
  g_clear_object (&target->cancellable);
  if (target->answer != NULL && !g_input_stream_is_closed (target->answer))
    drop (target->answer);
  g_clear_object (&target->answer);
  note (target, target->status, target->retry_after_s, detail);
}

static void
on_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_input_stream_close_finish (G_INPUT_STREAM (source), result, NULL);
  finish (user_data, NULL);
}

/* What the answer's body says does not count, but behind its end the connection can be used again. */
static void
on_skipped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Target *target = user_data;
  gssize n_bytes = g_input_stream_skip_finish (G_INPUT_STREAM (source), result, NULL);

  target->n_skipped += (gsize) MAX (n_bytes, 0);
  if (n_bytes == 0)
    g_input_stream_close_async (target->answer, G_PRIORITY_DEFAULT, target->cancellable, on_closed, target);
  else if (n_bytes > 0 && target->n_skipped < ANSWER_MAX_BYTES)
    g_input_stream_skip_async (target->answer, ANSWER_MAX_BYTES, G_PRIORITY_DEFAULT, target->cancellable, on_skipped, target);
  else
    finish (target, NULL);
}

static void
on_answer (GObject *session, GAsyncResult *result, gpointer user_data)
{
  Target *target = user_data;
  SoupMessage *message = soup_session_get_async_result_message (SOUP_SESSION (session), result);
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  g_autoptr (GError) error = NULL;

  target->answer = soup_session_send_finish (SOUP_SESSION (session), result, &error);
  target->status = target->answer != NULL ? soup_message_get_status (message) : 0;
  target->retry_after_s = mxr_webhook_read_retry_after (soup_message_headers_get_one (headers, "Retry-After"),
                                                        g_get_real_time () / G_USEC_PER_SEC);
  target->n_skipped = 0;
  if (target->answer != NULL)
    g_input_stream_skip_async (target->answer, ANSWER_MAX_BYTES, G_PRIORITY_DEFAULT, target->cancellable, on_skipped, target);
  else
    finish (target, error);
}

/* ---- Requests ------------------------------------------------------------------------------------------------------- */

static gboolean
on_timeout (gpointer user_data)
{
  Target *target = user_data;
  target->timeout = 0;
  g_cancellable_cancel (target->cancellable);
  return G_SOURCE_REMOVE;
}

/* libsoup sends a request again by itself, with a login or over a new connection, and has used the body up. */
static void
on_restarted (SoupMessage *message, gpointer user_data)
{
  Target *target = user_data;
  const MxrWebhookMessage *under_way = g_queue_peek_head (&target->queue.waiting);
  soup_message_set_request_body_from_bytes (message, "application/json", under_way->body);
}

/* The time is that of this try: receivers refuse what is old, and so what was recorded. */
static SoupMessage *
make_request (Target *target, const MxrWebhookMessage *waiting)
{
  SoupMessage *message = soup_message_new_from_uri ("POST", target->uri);
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  g_autofree char *timestamp = g_strdup_printf ("%" G_GINT64_FORMAT, now_s);
  g_autofree char *signature = mxr_webhook_sign (target->owner->key, waiting->id, now_s, waiting->body);

  soup_message_set_flags (message, SOUP_MESSAGE_NO_REDIRECT | SOUP_MESSAGE_IDEMPOTENT); /* else each has a connection of its own */
  soup_message_set_request_body_from_bytes (message, "application/json", waiting->body);
  g_signal_connect (message, "restarted", G_CALLBACK (on_restarted), target);
  soup_message_headers_replace (headers, "webhook-id", waiting->id);
  soup_message_headers_replace (headers, "webhook-timestamp", timestamp);
  soup_message_headers_replace (headers, "webhook-signature", signature);
  return message;
}

static void
send_next (Target *target)
{
  const MxrWebhookMessage *waiting = mxr_webhook_queue_next (&target->queue, g_get_monotonic_time ());

  if (waiting == NULL) {
    send_next_in_time (target);
    return;
  }
  g_autoptr (SoupMessage) message = make_request (target, waiting);
  target->cancellable = g_cancellable_new ();
  target->timeout = g_timeout_add (REQUEST_TIMEOUT_MS, on_timeout, target);
  soup_session_send_async (target->session, message, G_PRIORITY_DEFAULT, target->cancellable, on_answer, target);
}

/* ---- Life ------------------------------------------------------------------------------------------------------------ */

static void
target_free (gpointer data)
{
  Target *target = data;
  g_clear_handle_id (&target->next, g_source_remove);
  mxr_webhook_queue_clear (&target->queue);
  g_object_unref (target->session);
  g_uri_unref (target->uri);
  g_free (target->shown);
  g_free (target);
}

static Target *
target_new (MxrWebhooks *owner, const char *address)
{
  Target *target = g_new0 (Target, 1);

  target->owner = owner;
  target->uri = g_uri_parse (address, SOUP_HTTP_URI_FLAGS, NULL);
  target->shown =
      g_uri_join (G_URI_FLAGS_NONE, g_uri_get_scheme (target->uri), NULL, g_uri_get_host (target->uri),
                  g_uri_get_port (target->uri), "", NULL, NULL);
  target->session = soup_session_new_with_options ("proxy-resolver", NULL, "user-agent", "Mixroom", "idle-timeout", IDLE_S, NULL);
  mxr_webhook_queue_init (&target->queue);
  return target;
}

MxrWebhooks *
mxr_webhooks_new (const MxrConfig *config)
{
  g_auto (GStrv) addresses = g_strsplit (config->webhooks.webhook_urls, ",", -1);

  if (*config->webhooks.webhook_urls == '\0')
    return NULL;
  MxrWebhooks *self = g_new0 (MxrWebhooks, 1);
  self->key = mxr_webhook_key_new (config->webhooks.webhook_secret);
  self->targets = g_ptr_array_new_with_free_func (target_free);
  for (guint i = 0; addresses[i] != NULL; i++)
    g_ptr_array_add (self->targets, target_new (self, g_strstrip (addresses[i])));
  return self;
}

static bool
is_busy (const MxrWebhooks *self)
{
  for (guint i = 0; i < self->targets->len; i++) {
    const Target *target = self->targets->pdata[i];
    if (target->queue.waiting.length > 0)
      return true;
  }
  return false;
}

/* Whoever has not answered by now: what waits for it is lost. */
static gboolean
on_end (gpointer user_data)
{
  MxrWebhooks *self = user_data;

  for (guint i = 0; i < self->targets->len; i++) {
    Target *target = self->targets->pdata[i];
    mxr_webhook_queue_abandon (&target->queue);
    if (target->cancellable != NULL)
      g_cancellable_cancel (target->cancellable);
  }
  return G_SOURCE_CONTINUE;
}

void
mxr_webhooks_free (MxrWebhooks *self)
{
  for (guint i = 0; i < self->targets->len; i++) {
    Target *target = self->targets->pdata[i];
    target->queue.is_ending = true;
    g_clear_handle_id (&target->next, g_source_remove);
    send_next_in_time (target);
  }
  guint end = g_timeout_add (LAST_TRIES_MS, on_end, self);
  while (is_busy (self))
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (end);
  g_ptr_array_unref (self->targets);
  g_bytes_unref (self->key);
  g_free (self);
}

/* ---- What is told ------------------------------------------------------------------------------------------------------ */

void
mxr_webhooks_tell (MxrWebhooks *self, const char *type, const char *room, GVariant *data)
{
  g_autofree char *random = mxr_random_text (15);
  g_autofree char *id = g_strconcat ("msg_", random, NULL);
  g_autoptr (GBytes) body = mxr_webhook_write (id, type, g_get_real_time () / 1000, room, data);

  for (guint i = 0; i < self->targets->len; i++) {
    Target *target = self->targets->pdata[i];
    guint64 n_before = target->queue.n_overflowed;
    mxr_webhook_queue_push (&target->queue, id, body, g_get_monotonic_time ());
    if (target->queue.n_overflowed > n_before)
      warn (target, "has too many waiting, so the oldest goes");
    send_next_in_time (target);
  }
}

static void
append (GString *text, const char *name, const char *type, const char *help, guint64 value)
{
  g_string_append_printf (text,
                          "# HELP mixroom_webhooks_%s %s\n# TYPE mixroom_webhooks_%s %s\n"
                          "mixroom_webhooks_%s %" G_GUINT64_FORMAT "\n",
                          name, help, name, type, name, value);
}

void
mxr_webhooks_append_metrics (MxrWebhooks *self, GString *text)
{
  guint64 n_sent = 0, n_failed = 0, n_retries = 0, n_waiting = 0;

  for (guint i = 0; self != NULL && i < self->targets->len; i++) {
    const MxrWebhookQueue *queue = &((const Target *) self->targets->pdata[i])->queue;
    n_sent += queue->n_delivered;
    n_failed += queue->n_refused + queue->n_given_up + queue->n_overflowed;
    n_retries += queue->n_retries;
    n_waiting += queue->waiting.length;
  }
  append (text, "sent_total", "counter", "Messages that their receiver took.", n_sent);
  append (text, "failed_total", "counter", "Messages that were refused, given up, or had no place to wait.", n_failed);
  append (text, "retries_total", "counter", "Tries that failed and were followed by another.", n_retries);
  append (text, "waiting", "gauge", "Messages that wait, those under way included.", n_waiting);
}
