#include "whip.h"

#include <libsoup/soup.h>
#include <string.h>

/* libsoup's own limit per host is 2; the server's, for one address, 256 in its default configuration. */
#define PARALLEL 8
#define ATTEMPTS_MAX 4
#define RETRY_DEFAULT_S 5
#define RETRY_MAX_S 120
#define REQUEST_TIMEOUT_S 20

typedef struct {
  MxrWhip *whip;
  SoupMessage *message;
  GBytes *offer; /* NULL: leaves */
  guint n_attempts;
  gint64 sent_us;
  bool may_be_gone;
  MxrWhipAnswered on_answered; /* NULL: nobody waits */
  gpointer user_data;
} Request;

struct _MxrWhip {
  SoupSession *session;
  char *base;
  char *authorization; /* NULL: none */
  bool is_insecure;
  GQueue waiting; /* Request */
  guint n_running, n_not_left;
  guint pause; /* source; 0: none */
};

G_DEFINE_QUARK (mxr - whip - error - quark, mxr_whip_error)

static void start_next (MxrWhip *whip);

MxrWhip *
mxr_whip_new (const char *base, const char *token, bool is_insecure)
{
  MxrWhip *whip = g_new0 (MxrWhip, 1);
  whip->session = soup_session_new_with_options ("max-conns-per-host", PARALLEL, "max-conns", PARALLEL, "timeout",
                                                 REQUEST_TIMEOUT_S, "user-agent", "mixroom-load", NULL);
  whip->base = g_strdup (base);
  whip->authorization = token != NULL ? g_strconcat ("Bearer ", token, NULL) : NULL;
  whip->is_insecure = is_insecure;
  g_queue_init (&whip->waiting);
  return whip;
}

void
mxr_whip_free (MxrWhip *whip)
{
  g_clear_handle_id (&whip->pause, g_source_remove);
  g_object_unref (whip->session);
  g_free (whip->base);
  g_free (whip->authorization);
  g_free (whip);
}

guint
mxr_whip_count (const MxrWhip *whip)
{
  return whip->n_running + g_queue_get_length ((GQueue *) &whip->waiting);
}

guint
mxr_whip_count_not_left (const MxrWhip *whip)
{
  return whip->n_not_left;
}

/* ---- Requests ------------------------------------------------------------------------------------------------- */

static gboolean
accept_certificate (SoupMessage *message, GTlsCertificate *certificate, GTlsCertificateFlags errors, gpointer user_data)
{
  return TRUE;
}

static Request *
request_new (MxrWhip *whip, const char *method, const char *path, GBytes *offer)
{
  Request *request = g_new0 (Request, 1);
  g_autoptr (GUri) base = g_uri_parse (whip->base, G_URI_FLAGS_ENCODED, NULL);
  g_autoptr (GUri) uri = g_uri_parse_relative (base, path, G_URI_FLAGS_ENCODED, NULL);

  request->whip = whip;
  request->message = soup_message_new_from_uri (method, uri != NULL ? uri : base);
  request->offer = offer;
  if (whip->authorization != NULL)
    soup_message_headers_replace (soup_message_get_request_headers (request->message), "Authorization",
                                  whip->authorization);
  if (whip->is_insecure)
    g_signal_connect (request->message, "accept-certificate", G_CALLBACK (accept_certificate), NULL);
  return request;
}

static void
request_free (Request *request)
{
  g_object_unref (request->message);
  g_clear_pointer (&request->offer, g_bytes_unref);
  g_free (request);
}

static void
finish (Request *request, const char *answer, const char *location, const GError *error)
{
  const MxrWhipReply reply = { answer, location, request->sent_us };

  if (request->on_answered != NULL)
    request->on_answered (&reply, error, request->user_data);
  request_free (request);
}

/* ---- Answers -------------------------------------------------------------------------------------------------- */

static gboolean
on_pause_over (gpointer user_data)
{
  MxrWhip *whip = user_data;
  whip->pause = 0;
  start_next (whip);
  return G_SOURCE_REMOVE;
}

static void
pause_all (MxrWhip *whip, SoupMessage *message)
{
  const char *after = soup_message_headers_get_one (soup_message_get_response_headers (message), "Retry-After");
  const guint64 wait_s = after != NULL ? g_ascii_strtoull (after, NULL, 10) : RETRY_DEFAULT_S;

  if (whip->pause == 0)
    whip->pause = g_timeout_add (1000 * (guint) CLAMP (wait_s, 1, RETRY_MAX_S), on_pause_over, whip);
}

static bool
is_later (guint status)
{
  return status == SOUP_STATUS_SERVICE_UNAVAILABLE || status == 429;
}

/* RFC 9457: the server's problems say in "detail" what to do. */
static GError *
refuse (SoupMessage *message, GBytes *body)
{
  const guint status = soup_message_get_status (message);
  gsize size;
  const char *bytes = g_bytes_get_data (body, &size);
  g_autofree char *text = g_utf8_make_valid (bytes != NULL ? bytes : "", (gssize) MIN (size, 500));

  return g_error_new (MXR_WHIP_ERROR, is_later (status) ? MXR_WHIP_ERROR_BUSY : MXR_WHIP_ERROR_REFUSED, "%s: %u %s",
                      soup_message_get_method (message), status, text);
}

static bool
try_again (Request *request)
{
  MxrWhip *whip = request->whip;

  if (!is_later (soup_message_get_status (request->message)) || request->n_attempts >= ATTEMPTS_MAX)
    return false;
  pause_all (whip, request->message);
  g_queue_push_head (&whip->waiting, request);
  return true;
}

static bool
has_left (const Request *request)
{
  const guint status = soup_message_get_status (request->message);
  return status == SOUP_STATUS_OK || (status == SOUP_STATUS_NOT_FOUND && request->may_be_gone);
}

static void
judge (Request *request, GBytes *body)
{
  SoupMessage *message = request->message;
  const char *location = soup_message_headers_get_one (soup_message_get_response_headers (message), "Location");

  if (request->offer == NULL) {
    request->whip->n_not_left += !has_left (request);
    finish (request, NULL, NULL, NULL);
  } else if (soup_message_get_status (message) == SOUP_STATUS_CREATED && location != NULL) {
    g_autofree char *answer = g_strndup (g_bytes_get_data (body, NULL), g_bytes_get_size (body));
    finish (request, answer, location, NULL);
  } else if (!try_again (request)) {
    g_autoptr (GError) error = refuse (message, body);
    finish (request, NULL, NULL, error);
  }
}

/* Nobody is there any more: the others would wait for the same. */
static void
drop_leavings (MxrWhip *whip, const GError *error)
{
  const guint n_waiting = g_queue_get_length (&whip->waiting);

  for (guint i = 0; i < n_waiting; i++) {
    Request *request = g_queue_pop_head (&whip->waiting);
    if (request->offer != NULL) {
      g_queue_push_tail (&whip->waiting, request);
      continue;
    }
    whip->n_not_left++;
    finish (request, NULL, NULL, error);
  }
}

static GError *
say_unreachable (const GError *cause)
{
  const bool is_distrusted = g_error_matches (cause, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE);
  return g_error_new (MXR_WHIP_ERROR, MXR_WHIP_ERROR_UNREACHABLE, "%s%s", cause->message,
                      is_distrusted ? "; --insecure takes any" : "");
}

static void
on_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Request *request = user_data;
  MxrWhip *whip = request->whip;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body = soup_session_send_and_read_finish (SOUP_SESSION (source), result, &error);

  whip->n_running--;
  if (body != NULL) {
    judge (request, body);
  } else {
    g_autoptr (GError) unreachable = say_unreachable (error);
    const bool is_leaving = request->offer == NULL;
    finish (request, NULL, NULL, unreachable);
    whip->n_not_left += is_leaving;
    if (is_leaving)
      drop_leavings (whip, unreachable);
  }
  start_next (whip);
}

static void
start (Request *request)
{
  request->n_attempts++;
  request->sent_us = g_get_monotonic_time ();
  request->whip->n_running++;
  if (request->offer != NULL)
    soup_message_set_request_body_from_bytes (request->message, "application/sdp", request->offer);
  soup_session_send_and_read_async (request->whip->session, request->message, G_PRIORITY_DEFAULT, NULL, on_reply,
                                    request);
}

/* Leaving is not put off by a pause: the server limits joins. */
static void
start_next (MxrWhip *whip)
{
  while (whip->n_running < PARALLEL) {
    Request *next = g_queue_peek_head (&whip->waiting);
    if (next == NULL || (whip->pause != 0 && next->offer != NULL))
      return;
    start (g_queue_pop_head (&whip->waiting));
  }
}

void
mxr_whip_join (MxrWhip *whip, const char *path, const char *offer, MxrWhipAnswered on_answered, gpointer user_data)
{
  Request *request = request_new (whip, "POST", path, g_bytes_new (offer, strlen (offer)));
  request->on_answered = on_answered;
  request->user_data = user_data;
  g_queue_push_tail (&whip->waiting, request);
  start_next (whip);
}

void
mxr_whip_leave (MxrWhip *whip, const char *location, bool may_be_gone, MxrWhipAnswered on_answered, gpointer user_data)
{
  Request *request = request_new (whip, "DELETE", location, NULL);
  request->may_be_gone = may_be_gone;
  request->on_answered = on_answered;
  request->user_data = user_data;
  g_queue_push_head (&whip->waiting, request);
  start_next (whip);
}

void
mxr_whip_give_up (MxrWhip *whip)
{
  g_autoptr (GError) error = g_error_new_literal (MXR_WHIP_ERROR, MXR_WHIP_ERROR_BUSY, "stopped before its turn");
  const guint n_waiting = g_queue_get_length (&whip->waiting);

  for (guint i = 0; i < n_waiting; i++) {
    Request *request = g_queue_pop_head (&whip->waiting);
    if (request->offer == NULL)
      g_queue_push_tail (&whip->waiting, request);
    else
      finish (request, NULL, NULL, error);
  }
}
