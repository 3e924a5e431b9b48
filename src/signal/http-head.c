#include "http-head.h"

#include <string.h>

typedef struct {
  guint n_hosts, n_lengths, n_encodings, n_fields;
  guint minor_version;
  MxrHttpFraming framing;
  const char *detail;
} Head;

gsize
mxr_http_head_find_end (const char *bytes, gsize n_bytes)
{
  const char *end = n_bytes > 0 ? memmem (bytes, n_bytes, "\r\n\r\n", 4) : NULL;
  return end != NULL ? (gsize)(end - bytes) + 4 : 0;
}

static guint
refuse (Head *head, guint status, const char *detail)
{
  head->detail = detail;
  return status;
}

static bool
is_token (const char *text, gsize len)
{
  for (gsize i = 0; i < len; i++)
    if (!g_ascii_isalnum (text[i]) && (text[i] == '\0' || strchr ("!#$%&'*+-.^_`|~", text[i]) == NULL))
      return false;
  return len > 0;
}

/* Only origin-form ("/path") and asterisk-form: absolute-form is for proxies, and we are none. */
static bool
is_target (const char *text, gsize len)
{
  for (gsize i = 0; i < len; i++)
    if (text[i] <= ' ' || text[i] >= 0x7f)
      return false;
  return len > 0 && (text[0] == '/' || (len == 1 && text[0] == '*'));
}

static guint
check_request_line (Head *head, const char *line, gsize len)
{
  const char *method_end = memchr (line, ' ', len);
  const char *target_end = memrchr (line, ' ', len);

  if (method_end == NULL || target_end == method_end || !is_token (line, method_end - line) ||
      !is_target (method_end + 1, target_end - method_end - 1))
    return refuse (head, 400, "The request line is not METHOD SP PATH SP VERSION.");
  gsize version_len = line + len - target_end - 1;
  if (version_len != 8 || memcmp (target_end + 1, "HTTP/1.", 7) != 0 ||
      (target_end[8] != '0' && target_end[8] != '1'))
    return refuse (head, 505, "This server speaks HTTP/1.1 and HTTP/1.0.");
  head->minor_version = target_end[8] - '0';
  if ((method_end - line == 7 && memcmp (line, "CONNECT", 7) == 0) ||
      (method_end - line == 5 && memcmp (line, "TRACE", 5) == 0))
    return refuse (head, 405, "This server is no proxy; use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS.");
  return 0;
}

static guint
check_length (Head *head, const char *value, gsize len)
{
  g_autofree char *digits = g_strndup (value, len);
  if (head->n_lengths++ > 0)
    return refuse (head, 400, "Send one Content-Length.");
  if (len == 0 || len > 18 || strspn (digits, "0123456789") != len)
    return refuse (head, 400, "Content-Length must be a decimal number.");
  head->framing.body_bytes = g_ascii_strtoull (digits, NULL, 10);
  return 0;
}

static guint
check_encoding (Head *head, const char *value, gsize len)
{
  if (head->n_encodings++ > 0 || len != 7 || g_ascii_strncasecmp (value, "chunked", 7) != 0)
    return refuse (head, 501, "The only Transfer-Encoding known here is chunked; or send a Content-Length.");
  head->framing.is_chunked = true;
  return 0;
}

static bool
is_named (const char *line, gsize name_len, const char *name)
{
  return name_len == strlen (name) && g_ascii_strncasecmp (line, name, name_len) == 0;
}

static guint
check_field (Head *head, const char *line, gsize len)
{
  const char *colon = memchr (line, ':', len);
  gsize name_len = colon != NULL ? (gsize)(colon - line) : 0;

  if (!is_token (line, name_len))
    return refuse (head, 400, "A header field is not NAME: VALUE (folded lines are not taken).");
  if (++head->n_fields > MXR_HTTP_HEAD_MAX_FIELDS)
    return refuse (head, 431, "Send fewer header fields.");

  const char *value = colon + 1;
  gsize value_len = line + len - value;
  for (; value_len > 0 && (*value == ' ' || *value == '\t'); value_len--)
    value++;
  while (value_len > 0 && (value[value_len - 1] == ' ' || value[value_len - 1] == '\t'))
    value_len--;
  for (gsize i = 0; i < value_len; i++)
    if (((guchar)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
      return refuse (head, 400, "A header field holds a control character.");

  if (is_named (line, name_len, "Host"))
    head->n_hosts++;
  if (is_named (line, name_len, "Content-Length"))
    return check_length (head, value, value_len);
  if (is_named (line, name_len, "Transfer-Encoding"))
    return check_encoding (head, value, value_len);
  return 0;
}

static guint
check_whole (Head *head)
{
  if (head->n_hosts > 1 || (head->n_hosts == 0 && head->minor_version == 1))
    return refuse (head, 400, "Send exactly one Host.");
  if (head->n_lengths > 0 && head->n_encodings > 0)
    return refuse (head, 400, "Send Content-Length or Transfer-Encoding, not both.");
  if (head->n_encodings > 0 && head->minor_version == 0)
    return refuse (head, 400, "HTTP/1.0 knows no Transfer-Encoding.");
  return 0;
}

guint
mxr_http_head_check (const char *bytes, gsize n_bytes, MxrHttpFraming *out_framing, const char **out_detail)
{
  Head head = { 0 };
  guint status = 0;
  const char *end = bytes + n_bytes - 2; /* of the last field: the empty line is left out */
  bool is_first = true;

  for (const char *line = bytes; line < end && status == 0; is_first = false) {
    const char *line_end = memmem (line, end - line, "\r\n", 2);
    if (line_end == NULL)
      break;
    gsize len = line_end - line;
    if (memchr (line, '\n', len) != NULL || memchr (line, '\r', len) != NULL ||
        memchr (line, '\0', len) != NULL)
      status = refuse (&head, 400, "Lines must end with CR LF and hold no other control characters.");
    else
      status = is_first ? check_request_line (&head, line, len) : check_field (&head, line, len);
    line = line_end + 2;
  }
  if (status == 0)
    status = is_first ? refuse (&head, 400, "The request line is missing.") : check_whole (&head);
  if (status != 0)
    *out_detail = head.detail;
  else
    *out_framing = head.framing;
  return status;
}

bool
mxr_http_head_is_for (const char *bytes, gsize n_bytes, const char *request)
{
  gsize len = strlen (request);
  return n_bytes > len && memcmp (bytes, request, len) == 0 && (bytes[len] == ' ' || bytes[len] == '?');
}
