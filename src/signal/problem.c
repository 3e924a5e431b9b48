#include "problem.h"

#include "json-text.h"

typedef struct {
  guint status;
  const char *name; /* last part of the type */
  const char *title;
} Kind;

static const Kind kinds[] = {
  [MXR_PROBLEM_BAD_REQUEST] = { 400, "bad-request", "The request is malformed" },
  [MXR_PROBLEM_BAD_NAME] = { 400, "bad-name", "A name is not allowed" },
  [MXR_PROBLEM_BAD_SDP] = { 400, "bad-sdp", "The SDP cannot be parsed" },
  [MXR_PROBLEM_BAD_FRAGMENT] = { 400, "bad-fragment", "The SDP fragment cannot be used" },
  [MXR_PROBLEM_BAD_OUTPUT] = { 400, "bad-output", "The output cannot be made as asked for" },
  [MXR_PROBLEM_BAD_LOOK] = { 400, "bad-look", "The programme cannot look as asked for" },
  [MXR_PROBLEM_BAD_RECORDING] = { 400, "bad-recording", "The library cannot do this" },
  [MXR_PROBLEM_BAD_PLAYER] = { 400, "bad-player", "That cannot be played" },
  [MXR_PROBLEM_BAD_IMAGE] = { 400, "bad-image", "The image cannot be used" },
  [MXR_PROBLEM_TOKEN_MISSING] = { 401, "token-missing", "A token is needed" },
  [MXR_PROBLEM_TOKEN_INVALID] = { 401, "token-invalid", "The token is not valid" },
  [MXR_PROBLEM_TOKEN_TOO_WEAK] = { 403, "token-too-weak", "The token does not allow this" },
  [MXR_PROBLEM_ORIGIN] = { 403, "origin-not-allowed", "Pages of this origin may not connect" },
  [MXR_PROBLEM_OUTPUT_OFF] = { 403, "output-off", "The server makes no outputs of this type" },
  [MXR_PROBLEM_LIBRARY_OFF] = { 403, "library-off", "The server keeps no recordings, or takes no uploads" },
  [MXR_PROBLEM_IMAGES_OFF] = { 403, "images-off", "The server keeps no images" },
  [MXR_PROBLEM_NOT_FOUND] = { 404, "not-found", "There is nothing here" },
  [MXR_PROBLEM_METHOD] = { 405, "method-not-allowed", "This method is not for this resource" },
  [MXR_PROBLEM_NOT_ACCEPTABLE] = { 406, "not-acceptable", "There is no form of this that the client takes" },
  [MXR_PROBLEM_CONFLICT] = { 409, "conflict", "The resource is in another state" },
  [MXR_PROBLEM_ETAG_MISMATCH] = { 412, "etag-mismatch", "The ICE session is another one by now" },
  [MXR_PROBLEM_TOO_LARGE] = { 413, "too-large", "The body is too large" },
  [MXR_PROBLEM_CONTENT_TYPE] = { 415, "content-type", "The content type is not known here" },
  [MXR_PROBLEM_RANGE] = { 416, "range-not-satisfiable", "The file is shorter than that" },
  [MXR_PROBLEM_NOT_MEDIA] = { 422, "not-media", "The file cannot be played" },
  [MXR_PROBLEM_NOTHING_USABLE] = { 422, "nothing-usable", "No codec or media section is common" },
  [MXR_PROBLEM_ETAG_MISSING] = { 428, "etag-missing", "If-Match is needed" },
  [MXR_PROBLEM_TOO_MANY_JOINS] = { 429, "too-many-joins", "Too many joins from this address" },
  [MXR_PROBLEM_TOO_MANY_OUTPUTS] = { 429, "too-many-outputs", "The room has too many outputs" },
  [MXR_PROBLEM_HEAD_TOO_LARGE] = { 431, "head-too-large", "The request's head is too large" },
  [MXR_PROBLEM_FAILED] = { 500, "failed", "The server failed" },
  [MXR_PROBLEM_UNSUPPORTED] = { 501, "unsupported", "The server does not know this" },
  [MXR_PROBLEM_FULL] = { 503, "room-full", "There is no place left" },
  [MXR_PROBLEM_DRAINING] = { 503, "draining", "The server is going down" },
  [MXR_PROBLEM_NOT_READY] = { 503, "not-ready", "The server takes no newcomers" },
  [MXR_PROBLEM_NO_SPACE] = { 507, "no-space", "The server has no room for this" },
};

/* Room errors in the order of MxrRoomError. */
static const struct {
  MxrProblem problem;
  const char *code;
} of_room[] = {
  [MXR_ROOM_ERROR_BAD_NAME] = { MXR_PROBLEM_BAD_NAME, "bad-name" },
  [MXR_ROOM_ERROR_BAD_SDP] = { MXR_PROBLEM_BAD_SDP, "bad-sdp" },
  [MXR_ROOM_ERROR_NOTHING_USABLE] = { MXR_PROBLEM_NOTHING_USABLE, "nothing-usable" },
  [MXR_ROOM_ERROR_BAD_CANDIDATE] = { MXR_PROBLEM_BAD_FRAGMENT, "bad-candidate" },
  [MXR_ROOM_ERROR_NOT_NEGOTIATED] = { MXR_PROBLEM_CONFLICT, "not-negotiated" },
  [MXR_ROOM_ERROR_NOT_FOUND] = { MXR_PROBLEM_NOT_FOUND, "not-found" },
  [MXR_ROOM_ERROR_BUSY] = { MXR_PROBLEM_CONFLICT, "busy" },
  [MXR_ROOM_ERROR_FULL] = { MXR_PROBLEM_FULL, "room-full" },
  [MXR_ROOM_ERROR_DRAINING] = { MXR_PROBLEM_DRAINING, "draining" },
  [MXR_ROOM_ERROR_FAILED] = { MXR_PROBLEM_FAILED, "failed" },
  [MXR_ROOM_ERROR_BAD_OUTPUT] = { MXR_PROBLEM_BAD_OUTPUT, "bad-output" },
  [MXR_ROOM_ERROR_BAD_LOOK] = { MXR_PROBLEM_BAD_LOOK, "bad-look" },
  [MXR_ROOM_ERROR_BAD_PLAYER] = { MXR_PROBLEM_BAD_PLAYER, "bad-player" },
  [MXR_ROOM_ERROR_OUTPUT_OFF] = { MXR_PROBLEM_OUTPUT_OFF, "output-off" },
  [MXR_ROOM_ERROR_OUTPUT_ENDED] = { MXR_PROBLEM_CONFLICT, "output-ended" },
  [MXR_ROOM_ERROR_OUTPUTS_FULL] = { MXR_PROBLEM_TOO_MANY_OUTPUTS, "too-many-outputs" },
};

static char *
write_body (const Kind *kind, const char *detail)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *type = g_strconcat ("/problems/", kind->name, NULL);

  json_builder_begin_object (builder);
  mxr_json_add_string (builder, "type", type);
  mxr_json_add_string (builder, "title", kind->title);
  mxr_json_add_int (builder, "status", kind->status);
  mxr_json_add_string (builder, "detail", detail);
  json_builder_end_object (builder);
  return mxr_json_finish (builder);
}

/* libsoup 3.2 knows none of RFC 6585. */
static const char *
get_phrase (guint status)
{
  switch (status) {
  case 428:
    return "Precondition Required";
  case 429:
    return "Too Many Requests";
  case 431:
    return "Request Header Fields Too Large";
  default:
    return soup_status_get_phrase (status);
  }
}

void
mxr_problem_respond (SoupServerMessage *msg, MxrProblem problem, const char *detail)
{
  const Kind *kind = &kinds[problem];
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (msg);
  char *body = write_body (kind, detail);

  soup_server_message_set_status (msg, kind->status, get_phrase (kind->status));
  if (kind->status == 401)
    soup_message_headers_replace (headers, "WWW-Authenticate",
                                  problem == MXR_PROBLEM_TOKEN_MISSING
                                      ? "Bearer realm=\"mixroom\""
                                      : "Bearer realm=\"mixroom\", error=\"invalid_token\"");
  if (kind->status == 503 || kind->status == 429)
    soup_message_headers_replace (headers, "Retry-After", kind->status == 429 ? "60" : "5");
  soup_message_headers_replace (headers, "Cache-Control", "no-store");
  soup_server_message_set_response (msg, "application/problem+json", SOUP_MEMORY_TAKE, body, strlen (body));
}

void
mxr_problem_respond_method (SoupServerMessage *msg, const char *allow)
{
  g_autofree char *detail = g_strdup_printf ("Use one of: %s.", allow);
  mxr_problem_respond (msg, MXR_PROBLEM_METHOD, detail);
  soup_message_headers_replace (soup_server_message_get_response_headers (msg), "Allow", allow);
}

void
mxr_problem_respond_error (SoupServerMessage *msg, const GError *error)
{
  bool is_known = error->domain == MXR_ROOM_ERROR && (guint) error->code < G_N_ELEMENTS (of_room);
  mxr_problem_respond (msg, is_known ? of_room[error->code].problem : MXR_PROBLEM_FAILED, error->message);
}

const char *
mxr_room_error_get_code (const GError *error)
{
  bool is_known = error->domain == MXR_ROOM_ERROR && (guint) error->code < G_N_ELEMENTS (of_room);
  return is_known ? of_room[error->code].code : "failed";
}

static const Kind *
find_kind (guint status)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (kinds[i].status == status)
      return &kinds[i];
  return &kinds[status < 500 ? MXR_PROBLEM_BAD_REQUEST : MXR_PROBLEM_UNSUPPORTED];
}

guint
mxr_problem_get_status (MxrProblem problem)
{
  return kinds[problem].status;
}

static char *
write_raw (const Kind *kind, const char *detail)
{
  g_autoptr (SoupMessageHeaders) headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *body = write_body (kind, detail);
  SoupMessageHeadersIter iter;
  const char *name, *value;

  g_string_printf (text, "HTTP/1.1 %u %s\r\n", kind->status, get_phrase (kind->status));
  mxr_problem_add_security_headers (headers);
  soup_message_headers_append (headers, "Content-Type", "application/problem+json");
  soup_message_headers_append (headers, "Connection", "close");
  if (kind->status == 401)
    soup_message_headers_append (headers, "WWW-Authenticate", "Bearer realm=\"mixroom\"");
  if (kind->status == 405)
    soup_message_headers_append (headers, "Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  soup_message_headers_iter_init (&iter, headers);
  while (soup_message_headers_iter_next (&iter, &name, &value))
    g_string_append_printf (text, "%s: %s\r\n", name, value);
  g_string_append_printf (text, "Content-Length: %" G_GSIZE_FORMAT "\r\n\r\n%s", strlen (body), body);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

char *
mxr_problem_write_raw (guint status, const char *detail)
{
  const Kind kind = { status, find_kind (status)->name, find_kind (status)->title };
  return write_raw (&kind, detail);
}

char *
mxr_problem_write_raw_problem (MxrProblem problem, const char *detail)
{
  return write_raw (&kinds[problem], detail);
}

void
mxr_problem_add_security_headers (SoupMessageHeaders *headers)
{
  static const struct {
    const char *name, *value;
  } fixed[] = {
    { "Content-Security-Policy", "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' "
                                 "data:; media-src 'self' blob: mediastream:; "
                                 "connect-src 'self' ws: wss:; object-src 'none'; base-uri 'none'; "
                                 "form-action 'self'; frame-ancestors 'self'" },
    { "Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self), geolocation=()" },
    { "X-Content-Type-Options", "nosniff" },
    { "Referrer-Policy", "no-referrer" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (fixed); i++)
    soup_message_headers_replace (headers, fixed[i].name, fixed[i].value);
}
