#include "names.h"

#include <string.h>

#define ID_BYTES 12 /* 16 characters */
#define ROOM_MAX_BYTES 40

static const struct {
  const char *ending, *type;
} types[] = {
  { ".mp4", "video/mp4" },   { ".m4v", "video/mp4" },   { ".mov", "video/mp4" },  { ".mkv", "video/x-matroska" },
  { ".webm", "video/webm" }, { ".ts", "video/mp2t" },   { ".avi", "video/x-msvideo" }, { ".flv", "video/x-flv" },
  { ".ogv", "video/ogg" },   { ".ogg", "audio/ogg" },   { ".opus", "audio/ogg" }, { ".oga", "audio/ogg" },
  { ".m4a", "audio/mp4" },   { ".mka", "audio/x-matroska" }, { ".mp3", "audio/mpeg" }, { ".wav", "audio/wav" },
  { ".flac", "audio/flac" },
};

char *
mxr_library_make_id (const char *file)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[32];
  gsize n_digest = sizeof digest;

  g_checksum_update (checksum, (const guchar *) file, -1);
  g_checksum_get_digest (checksum, digest, &n_digest);
  char *id = g_base64_encode (digest, ID_BYTES);
  g_strdelimit (id, "+", '-');
  g_strdelimit (id, "/", '_');
  return id;
}

bool
mxr_library_is_id (const char *text)
{
  for (const char *p = text; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && *p != '-' && *p != '_')
      return false;
  return strlen (text) == ID_BYTES * 4 / 3;
}

const char *
mxr_library_guess_type (const char *file)
{
  const char *dot = strrchr (file, '.');

  for (guint i = 0; dot != NULL && i < G_N_ELEMENTS (types); i++)
    if (g_ascii_strcasecmp (dot, types[i].ending) == 0)
      return types[i].type;
  return NULL;
}

bool
mxr_library_read_name (const char *file, char **out_room, gint64 *out_started_ms)
{
  static const char pattern[] = "^(.*?)-(\\d{4})(\\d\\d)(\\d\\d)-(\\d\\d)(\\d\\d)(\\d\\d)(?:[-./]|$)";
  g_autoptr (GRegex) regex = g_regex_new (pattern, G_REGEX_RAW, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autoptr (GDateTime) moment = NULL;
  int part[6];

  *out_room = NULL;
  *out_started_ms = 0;
  if (g_regex_match (regex, file, 0, &match)) {
    for (guint i = 0; i < G_N_ELEMENTS (part); i++) {
      g_autofree char *digits = g_match_info_fetch (match, i + 2);
      part[i] = atoi (digits);
    }
    moment = g_date_time_new_utc (part[0], part[1], part[2], part[3], part[4], part[5]);
  }
  if (moment == NULL) {
    *out_room = g_strdup ("");
    return false;
  }
  *out_room = g_match_info_fetch (match, 1);
  *out_started_ms = g_date_time_to_unix (moment) * 1000;
  return true;
}

char *
mxr_library_make_name (const char *room, gint64 started_ms, const char *ending)
{
  g_autoptr (GDateTime) moment = g_date_time_new_from_unix_utc (started_ms / 1000);
  g_autofree char *time = g_date_time_format (moment, "%Y%m%d-%H%M%S");
  g_autofree char *plain = g_strndup (*room != '\0' ? room : "upload", ROOM_MAX_BYTES);
  g_autofree char *id = mxr_random_text (6);

  for (char *p = plain; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p))
      *p = '-';
  return g_strdup_printf ("%s-%s-%s.%s", plain, time, id, ending);
}

char *
mxr_library_fold (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_autofree char *normal = g_utf8_normalize (valid, -1, G_NORMALIZE_NFKC);
  g_autofree char *folded = g_utf8_casefold (normal, -1);
  return g_utf8_normalize (folded, -1, G_NORMALIZE_NFKC);
}
