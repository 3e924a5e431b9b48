#include "json-reader.h"

#include <string.h>

typedef struct {
  const char *at, *end;
  guint depth;
} Reader;

static bool read_value (Reader *reader, MxrJsonValue *out_value);

static void
value_free (gpointer data)
{
  MxrJsonValue *value = data;
  g_free (value->string);
  g_free (value);
}

static void
skip_space (Reader *reader)
{
  while (reader->at < reader->end &&
         (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\n' || *reader->at == '\r'))
    reader->at++;
}

static bool
take (Reader *reader, char wanted)
{
  if (reader->at >= reader->end || *reader->at != wanted)
    return false;
  reader->at++;
  return true;
}

static bool
take_word (Reader *reader, const char *word)
{
  gsize len = strlen (word);
  if ((gsize)(reader->end - reader->at) < len || memcmp (reader->at, word, len) != 0)
    return false;
  reader->at += len;
  return true;
}

/* ---- Strings (RFC 8259 7) -------------------------------------------------------------------------------
 */

static bool
read_hex4 (Reader *reader, gunichar *out_unit)
{
  gunichar unit = 0;
  if (reader->end - reader->at < 4)
    return false;
  for (guint i = 0; i < 4; i++) {
    int digit = g_ascii_xdigit_value (reader->at[i]);
    if (digit < 0)
      return false;
    unit = unit << 4 | (guint)digit;
  }
  reader->at += 4;
  *out_unit = unit;
  return true;
}

/* After "\u". Half a surrogate pair stands for no character: it becomes U+FFFD, as browsers write it. */
static bool
read_unicode_escape (Reader *reader, GString *text, bool *out_has_nul)
{
  gunichar unit, low;
  if (!read_hex4 (reader, &unit))
    return false;
  if (unit >= 0xd800 && unit < 0xdc00 && reader->end - reader->at >= 6 && reader->at[0] == '\\' &&
      reader->at[1] == 'u') {
    Reader ahead = { reader->at + 2, reader->end, 0 };
    if (!read_hex4 (&ahead, &low))
      return false;
    if (low >= 0xdc00 && low < 0xe000) {
      reader->at = ahead.at;
      unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    }
  }
  if (unit >= 0xd800 && unit < 0xe000)
    unit = 0xfffd;
  if (unit == 0)
    *out_has_nul = true;
  else
    g_string_append_unichar (text, unit);
  return true;
}

static bool
read_escape (Reader *reader, GString *text, bool *out_has_nul)
{
  static const char from[] = "\"\\/bfnrt";
  static const char to[] = "\"\\/\b\f\n\r\t";

  if (reader->at >= reader->end)
    return false;
  char c = *reader->at++;
  if (c == 'u')
    return read_unicode_escape (reader, text, out_has_nul);
  const char *found = c != '\0' ? strchr (from, c) : NULL;
  if (found == NULL)
    return false;
  g_string_append_c (text, to[found - from]);
  return true;
}

static bool
read_string (Reader *reader, MxrJsonValue *out_value)
{
  g_autoptr (GString) text = g_string_new (NULL);
  bool has_nul = false;

  if (!take (reader, '"'))
    return false;
  while (reader->at < reader->end && *reader->at != '"') {
    guchar c = *reader->at++;
    if (c < 0x20)
      return false;
    if (c != '\\')
      g_string_append_c (text, c);
    else if (!read_escape (reader, text, &has_nul))
      return false;
  }
  if (!take (reader, '"'))
    return false;
  out_value->type = MXR_JSON_STRING;
  out_value->has_nul = has_nul;
  g_free (out_value->string);
  out_value->string = g_string_free (g_steal_pointer (&text), FALSE);
  return true;
}

/* ---- Numbers (RFC 8259 6) -------------------------------------------------------------------------------
 */

static bool
skip_digits (Reader *reader)
{
  const char *start = reader->at;
  while (reader->at < reader->end && g_ascii_isdigit (*reader->at))
    reader->at++;
  return reader->at > start;
}

static bool
read_number (Reader *reader, MxrJsonValue *out_value)
{
  const char *start = reader->at;

  take (reader, '-');
  if (!take (reader, '0') && !skip_digits (reader))
    return false;
  if (take (reader, '.') && !skip_digits (reader))
    return false;
  if (take (reader, 'e') || take (reader, 'E')) {
    if (!take (reader, '+'))
      take (reader, '-');
    if (!skip_digits (reader))
      return false;
  }
  g_autofree char *digits = g_strndup (start, reader->at - start);
  out_value->type = MXR_JSON_NUMBER;
  out_value->number = g_ascii_strtod (digits, NULL);
  return true;
}

/* ---- Arrays, objects ------------------------------------------------------------------------------------
 */

static bool
read_array (Reader *reader)
{
  take (reader, '[');
  skip_space (reader);
  if (take (reader, ']'))
    return true;
  do {
    MxrJsonValue value = { 0 };
    bool is_good = read_value (reader, &value);
    g_free (value.string);
    if (!is_good)
      return false;
  } while (take (reader, ','));
  return take (reader, ']');
}

/* @members: (nullable): where to keep them */
static bool
read_object (Reader *reader, GHashTable *members)
{
  take (reader, '{');
  skip_space (reader);
  if (take (reader, '}'))
    return true;
  do {
    g_autofree MxrJsonValue *value = g_new0 (MxrJsonValue, 1);
    MxrJsonValue name = { 0 };
    skip_space (reader);
    bool is_good = read_string (reader, &name);
    g_autofree char *key = name.string;
    skip_space (reader);
    is_good = is_good && take (reader, ':') && read_value (reader, value);
    if (is_good && members != NULL && !name.has_nul)
      g_hash_table_replace (members, g_steal_pointer (&key), g_steal_pointer (&value));
    else
      g_clear_pointer (&value->string, g_free);
    if (!is_good || (members != NULL && g_hash_table_size (members) > MXR_JSON_MAX_MEMBERS))
      return false;
  } while (take (reader, ','));
  return take (reader, '}');
}

static bool
read_nested (Reader *reader, MxrJsonValue *out_value)
{
  out_value->type = MXR_JSON_NESTED;
  if (reader->depth >= MXR_JSON_MAX_DEPTH)
    return false;
  reader->depth++;
  bool is_good = *reader->at == '{' ? read_object (reader, NULL) : read_array (reader);
  reader->depth--;
  return is_good;
}

static bool
read_scalar (Reader *reader, MxrJsonValue *out_value)
{
  if (*reader->at == '"')
    return read_string (reader, out_value);
  if (take_word (reader, "null")) {
    out_value->type = MXR_JSON_NULL;
    return true;
  }
  bool is_true = take_word (reader, "true");
  if (is_true || take_word (reader, "false")) {
    out_value->type = MXR_JSON_BOOL;
    out_value->boolean = is_true;
    return true;
  }
  return read_number (reader, out_value);
}

static bool
read_value (Reader *reader, MxrJsonValue *out_value)
{
  skip_space (reader);
  if (reader->at >= reader->end)
    return false;
  bool is_nested = *reader->at == '{' || *reader->at == '[';
  if (!(is_nested ? read_nested (reader, out_value) : read_scalar (reader, out_value)))
    return false;
  skip_space (reader);
  return true;
}

static bool
start (Reader *reader, const char *text, gsize n_bytes, gsize *out_position)
{
  const char *bad = NULL;
  *reader = (Reader){ text, text + n_bytes, 0 };
  if (g_utf8_validate_len (text, n_bytes, &bad))
    return true;
  if (out_position != NULL)
    *out_position = bad - text;
  return false;
}

static bool
finish (Reader *reader, const char *text, bool is_good, gsize *out_position)
{
  if (is_good && reader->at == reader->end)
    return true;
  if (out_position != NULL)
    *out_position = reader->at - text;
  return false;
}

bool
mxr_json_check (const char *text, gsize n_bytes, gsize *out_position)
{
  Reader reader;
  MxrJsonValue value = { 0 };

  if (!start (&reader, text, n_bytes, out_position))
    return false;
  bool is_good = read_value (&reader, &value);
  g_free (value.string);
  return finish (&reader, text, is_good, out_position);
}

GHashTable *
mxr_json_read_object (const char *text, gsize n_bytes, gsize *out_position)
{
  g_autoptr (GHashTable) members = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, value_free);
  Reader reader;

  if (!start (&reader, text, n_bytes, out_position))
    return NULL;
  skip_space (&reader);
  reader.depth = 1;
  bool is_good = reader.at < reader.end && *reader.at == '{' && read_object (&reader, members);
  skip_space (&reader);
  return finish (&reader, text, is_good, out_position) ? g_steal_pointer (&members) : NULL;
}
