#include "sdp-private.h"

#include <string.h>

G_DEFINE_QUARK (mxr - sdp - error - quark, mxr_sdp_error)

/* One line of remote text, without its end; not nul-terminated. */
typedef struct {
  const char *start;
  gsize length;
  guint number; /* [1..] */
} Line;

static bool
fail (GError **error, const Line *line, const char *what)
{
  g_set_error (error, MXR_SDP_ERROR, MXR_SDP_ERROR_SYNTAX, "line %u (%.*s): %s", line->number,
               (int)MIN (line->length, 40), line->start, what);
  return false;
}

bool
mxr_sdp_read_uint (const char **cursor, guint64 max, guint64 *out_value)
{
  const char *p = *cursor;
  guint64 value = 0;

  if (!g_ascii_isdigit (*p))
    return false;
  for (; g_ascii_isdigit (*p); p++) {
    guint64 digit = (guint64)(*p - '0');
    if (value > (max - MIN (digit, max)) / 10)
      return false;
    value = value * 10 + digit;
  }
  if (value > max)
    return false;
  *out_value = value;
  *cursor = p;
  return true;
}

bool
mxr_sdp_is_ice_string (const char *text, gsize min)
{
  gsize length = strspn (text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
  return text[length] == '\0' && length >= min && length <= 256;
}

bool
mxr_sdp_attribute_is_candidate (const GstSDPAttribute *attribute)
{
  if (strcmp (attribute->key, "candidate") != 0)
    return false;
  const char *component = strchr (attribute->value, ' ');
  return component == NULL || !g_str_has_prefix (component, " 2 ");
}

char *
mxr_sdp_candidate_dup (const GstSDPAttribute *attribute)
{
  if (strlen (attribute->value) + strlen ("candidate:") > MXR_CANDIDATE_MAX_BYTES)
    return NULL;
  return g_strconcat ("candidate:", attribute->value, NULL);
}

/* "port" or "port/number of ports" */
static bool
is_port (const char *word)
{
  guint64 number;
  if (!mxr_sdp_read_uint (&word, G_MAXUINT16, &number))
    return false;
  if (*word == '/') {
    word++;
    if (!mxr_sdp_read_uint (&word, G_MAXUINT16, &number))
      return false;
  }
  return *word == '\0';
}

/* "media port proto fmt …" (RFC 8866 5.14) */
static bool
check_media_line (const Line *line, GError **error)
{
  g_autofree char *text = g_strndup (line->start + 2, line->length - 2);
  g_auto (GStrv) words = g_strsplit (g_strchomp (text), " ", -1);

  if (g_strv_length (words) < 4)
    return fail (error, line, "an m= line must be: media port proto format");
  for (guint i = 0; words[i] != NULL; i++)
    if (*words[i] == '\0' || strchr (words[i], '\t') != NULL)
      return fail (error, line, "words of an m= line must have one space between them");
  return is_port (words[1]) || fail (error, line, "the port must be a number from 0 to 65535");
}

/* "username sess-id sess-version nettype addrtype address" (RFC 8866 5.2) */
static bool
check_origin_line (const Line *line, GError **error)
{
  g_autofree char *text = g_strndup (line->start + 2, line->length - 2);
  g_auto (GStrv) words = g_strsplit (text, " ", 7);

  for (guint i = 0; i < 6; i++)
    if (words[i] == NULL || *words[i] == '\0')
      return fail (error, line, "an o= line must have six words");
  return true;
}

static bool
check_line (const Line *line, GError **error)
{
  if (line->length < 2 || !g_ascii_islower (line->start[0]) || line->start[1] != '=')
    return fail (error, line, "a line must begin with a small letter and '='");
  for (gsize i = 0; i < line->length; i++)
    if (g_ascii_iscntrl (line->start[i]) && line->start[i] != '\t')
      return fail (error, line, "control characters are not allowed");
  if (line->start[0] == 'm')
    return check_media_line (line, error);
  if (line->start[0] == 'o')
    return check_origin_line (line, error);
  return true;
}

/* Takes the next line that is not empty from @text; false at the end. */
static bool
next_line (const char **text, const char *end, Line *line)
{
  do {
    if (*text == end)
      return false;
    const char *newline = memchr (*text, '\n', end - *text);
    line->start = *text;
    line->length = (newline != NULL ? newline : end) - *text;
    line->number++;
    *text = newline != NULL ? newline + 1 : end;
    if (line->length > 0 && line->start[line->length - 1] == '\r')
      line->length--;
  } while (line->length == 0);
  return true;
}

static bool
check_lines (const char *text, gsize length, MxrSdpDocument document, GError **error)
{
  const char *end = text + length;
  Line line = { .number = 0 };
  guint n_lines = 0, n_origins = 0, n_sections = 0;

  while (next_line (&text, end, &line)) {
    n_lines++;
    if (!check_line (&line, error))
      return false;
    if (document == MXR_SDP_DESCRIPTION && (n_lines == 1) != (line.start[0] == 'v'))
      return fail (error, &line, "a description begins with its only v= line");
    if (line.start[0] == 'v' && (line.length != 3 || line.start[2] != '0'))
      return fail (error, &line, "the version must be 0");
    n_origins += line.start[0] == 'o';
    n_sections += line.start[0] == 'm';
    if (n_sections > MXR_SDP_MAX_SECTIONS)
      return fail (error, &line, "more than " G_STRINGIFY (MXR_SDP_MAX_SECTIONS) " m= lines");
  }
  if (document == MXR_SDP_DESCRIPTION && n_origins != 1) {
    g_set_error (error, MXR_SDP_ERROR, MXR_SDP_ERROR_SYNTAX, "line %u: the description has %s o= line",
                 line.number, n_origins == 0 ? "no" : "more than one");
    return false;
  }
  return true;
}

GstSDPMessage *
mxr_sdp_message_parse (const char *text, gssize length, MxrSdpDocument document, GError **error)
{
  gsize n_bytes = length < 0 ? strnlen (text, MXR_SDP_MAX_BYTES + 1) : (gsize)length;
  const char *bad;

  if (n_bytes == 0 || n_bytes > MXR_SDP_MAX_BYTES) {
    g_set_error (error, MXR_SDP_ERROR, MXR_SDP_ERROR_SYNTAX, "the description has %s",
                 n_bytes == 0 ? "no bytes" : "more than " G_STRINGIFY (MXR_SDP_MAX_BYTES) " bytes");
    return NULL;
  }
  if (!g_utf8_validate_len (text, n_bytes, &bad)) { /* a NUL is not valid either */
    guint number = 1;
    for (const char *p = text; p < bad; p++)
      number += *p == '\n';
    g_set_error (error, MXR_SDP_ERROR, MXR_SDP_ERROR_SYNTAX, "line %u: not UTF-8", number);
    return NULL;
  }
  if (!check_lines (text, n_bytes, document, error))
    return NULL;

  g_autoptr (GstSDPMessage) message = NULL;
  if (gst_sdp_message_new (&message) != GST_SDP_OK ||
      gst_sdp_message_parse_buffer ((const guint8 *)text, (guint)n_bytes, message) != GST_SDP_OK) {
    g_set_error_literal (error, MXR_SDP_ERROR, MXR_SDP_ERROR_SYNTAX, "the description cannot be parsed");
    return NULL;
  }
  return g_steal_pointer (&message);
}
