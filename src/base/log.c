#include "mixroom/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static MxrLogLevel threshold = MXR_LOG_INFO;
static bool json_lines;
static const char *const level_names[] = { "error", "warning", "info", "debug" };

static void
append_quoted (GString *line, const char *text)
{
  g_string_append_c (line, '"');
  for (const char *p = text; *p != '\0'; p++) {
    guchar c = (guchar) *p;
    if (c == '"' || c == '\\')
      g_string_append_printf (line, "\\%c", c);
    else if (c < 0x20)
      g_string_append_printf (line, "\\u%04x", c);
    else
      g_string_append_c (line, *p);
  }
  g_string_append_c (line, '"');
}

static void
append_field (GString *line, const char *name, const char *value)
{
  if (value == NULL)
    return;
  if (json_lines)
    g_string_append_printf (line, ",\"%s\":", name);
  else
    g_string_append_printf (line, " %s=", name);
  append_quoted (line, value);
}

static void
write_line (MxrLogLevel level, const char *module, const char *room, const char *participant, const char *message)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *stamp = g_date_time_format (now, "%Y-%m-%dT%H:%M:%S");
  g_autoptr (GString) line = g_string_sized_new (160);
  int ms = g_date_time_get_microsecond (now) / 1000;

  if (json_lines) {
    g_string_printf (line, "{\"time\":\"%s.%03dZ\",\"level\":\"%s\"", stamp, ms, level_names[level]);
    append_field (line, "module", module);
    append_field (line, "message", message);
  } else {
    g_string_printf (line, "%s.%03dZ %-7s %s: %s", stamp, ms, level_names[level], module, message);
  }
  append_field (line, "room", room);
  append_field (line, "participant", participant);
  if (json_lines)
    g_string_append_c (line, '}');
  g_string_append_c (line, '\n');

  /* One write per line keeps lines of several threads whole. */
  G_GNUC_UNUSED ssize_t written = write (STDERR_FILENO, line->str, line->len);
}

void
mxr_log (MxrLogLevel level, const char *module, const char *room, const char *participant, const char *format, ...)
{
  if (level > threshold)
    return;
  va_list args;
  va_start (args, format);
  g_autofree char *message = g_strdup_vprintf (format, args);
  va_end (args);
  write_line (level, module, room, participant, message);
}

static MxrLogLevel
level_from_glib (GLogLevelFlags flags)
{
  if ((flags & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)) != 0)
    return MXR_LOG_ERROR;
  if ((flags & G_LOG_LEVEL_WARNING) != 0)
    return MXR_LOG_WARNING;
  return MXR_LOG_DEBUG; /* libraries are chatty: their messages and infos are for debugging */
}

static GLogWriterOutput
on_glib_log (GLogLevelFlags flags, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  MxrLogLevel level = level_from_glib (flags);
  const char *message = "";
  const char *domain = "glib";

  if (level > threshold)
    return G_LOG_WRITER_HANDLED;
  for (gsize i = 0; i < n_fields; i++) {
    if (fields[i].length >= 0)
      continue; /* not a string */
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      message = fields[i].value;
    else if (strcmp (fields[i].key, "GLIB_DOMAIN") == 0)
      domain = fields[i].value;
  }
  write_line (level, domain, NULL, NULL, message);
  return G_LOG_WRITER_HANDLED;
}

void
mxr_log_init (const char *level, bool as_json)
{
  for (guint i = 0; i < G_N_ELEMENTS (level_names); i++)
    if (strcmp (level, level_names[i]) == 0)
      threshold = i;
  json_lines = as_json;
  g_log_set_writer_func (on_glib_log, NULL, NULL);
}
