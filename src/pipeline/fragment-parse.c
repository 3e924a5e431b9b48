#include "fragment-private.h"

#include <string.h>

G_DEFINE_QUARK (mxr-pipeline-error-quark, mxr_pipeline_error)

/* Their encoders must be able to make a key frame on request, or nobody could join later. */
static const char *const video_codecs[] = { "VP8", "VP9", "H264", "H265", "AV1", NULL };

void
mxr_fragment_problem_free (MxrFragmentProblem *problem)
{
  g_free (problem->name);
  g_free (problem->file);
  g_free (problem->reason);
  g_free (problem);
}

static void
chain_line_clear (gpointer data)
{
  g_free (((MxrChainLine *) data)->text);
}

static void
fragment_clear (gpointer data)
{
  MxrFragment *fragment = data;
  g_free (fragment->name);
  g_free (fragment->file);
  g_free (fragment->codec);
  g_strfreev (fragment->needs);
  g_free (fragment->bitrate_element);
  g_free (fragment->bitrate_property);
  g_array_unref (fragment->chain);
  g_clear_pointer (&fragment->problem, mxr_fragment_problem_free);
}

MxrFragment *
mxr_fragment_ref (const MxrFragment *fragment)
{
  return g_atomic_rc_box_acquire ((MxrFragment *) fragment);
}

void
mxr_fragment_unref (MxrFragment *fragment)
{
  g_atomic_rc_box_release_full (fragment, fragment_clear);
}

bool
mxr_fragment_fail (MxrFragment *fragment, guint line, bool is_missing, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  fragment->problem = g_new0 (MxrFragmentProblem, 1);
  fragment->problem->name = g_strdup (fragment->name);
  fragment->problem->file = g_strdup (fragment->file);
  fragment->problem->line = line;
  fragment->problem->is_missing = is_missing;
  fragment->problem->reason = g_strdup_vprintf (format, args);
  va_end (args);
  return false;
}

/* ---- Front matter ---- */

static bool
set_kind (MxrFragment *fragment, const char *value, guint line)
{
  static const char *const kinds[] = { "encode", "decode", "elementary" }; /* in order of MxrFragmentKind */

  if (fragment->has_kind)
    return mxr_fragment_fail (fragment, line, false, "'kind' is there twice");
  for (guint kind = 0; kind < G_N_ELEMENTS (kinds); kind++) {
    if (strcmp (kinds[kind], value) != 0)
      continue;
    fragment->has_kind = true;
    fragment->kind = kind;
    return true;
  }
  return mxr_fragment_fail (fragment, line, false, "kind is '%s'; it must be encode, decode or elementary", value);
}

static bool
set_codec (MxrFragment *fragment, const char *value, guint line)
{
  if (fragment->codec != NULL)
    return mxr_fragment_fail (fragment, line, false, "'codec' is there twice");
  if (*value == '\0')
    return mxr_fragment_fail (fragment, line, false, "codec is empty; it is a name as in SDP, such as VP8");
  fragment->codec = g_strdup (value);
  return true;
}

static bool
set_needs (MxrFragment *fragment, const char *value, guint line)
{
  if (fragment->needs != NULL)
    return mxr_fragment_fail (fragment, line, false, "'needs' is there twice");
  fragment->needs = g_strsplit_set (value, " \t,", -1);
  fragment->needs_line = line;
  return true;
}

static bool
set_bitrate (MxrFragment *fragment, const char *value, guint line)
{
  if (fragment->bitrate_element != NULL)
    return mxr_fragment_fail (fragment, line, false, "'bitrate' is there twice");

  g_autoptr (GRegex) regex = g_regex_new ("^([^.\\s]+)\\.([^.\\s]+)\\s+(k?)bit/s$", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  if (!g_regex_match (regex, value, 0, &match))
    return mxr_fragment_fail (
        fragment, line, false,
        "bitrate is '%s'; it must be 'ELEMENT.PROPERTY bit/s' or 'ELEMENT.PROPERTY kbit/s'", value);
  g_autofree char *kilo = g_match_info_fetch (match, 3);
  fragment->bitrate_element = g_match_info_fetch (match, 1);
  fragment->bitrate_property = g_match_info_fetch (match, 2);
  fragment->bitrate_unit_bps = *kilo == 'k' ? 1000 : 1;
  fragment->bitrate_line = line;
  return true;
}

static bool
set_keyframe (MxrFragment *fragment, const char *value, guint line)
{
  if (fragment->has_keyframe)
    return mxr_fragment_fail (fragment, line, false, "'keyframe' is there twice");
  if (strcmp (value, "force-key-unit") != 0)
    return mxr_fragment_fail (fragment, line, false, "keyframe is '%s'; it must be force-key-unit", value);
  fragment->has_keyframe = true;
  return true;
}

static const struct {
  const char *key;
  bool (*set) (MxrFragment *fragment, const char *value, guint line);
} front_matter[] = {
  { "kind", set_kind },       { "codec", set_codec },       { "needs", set_needs },
  { "bitrate", set_bitrate }, { "keyframe", set_keyframe },
};

/* @text: `key = value` */
static bool
parse_entry (MxrFragment *fragment, char *text, guint line)
{
  char *equals = strchr (text, '=');
  if (equals == NULL)
    return mxr_fragment_fail (fragment, line, false, "'#: %s' is not of the form '#: key = value'",
                              g_strstrip (text));
  *equals = '\0';
  const char *key = g_strstrip (text);
  const char *value = g_strstrip (equals + 1);
  for (guint i = 0; i < G_N_ELEMENTS (front_matter); i++)
    if (strcmp (front_matter[i].key, key) == 0)
      return front_matter[i].set (fragment, value, line);
  return mxr_fragment_fail (fragment, line, false,
                            "'%s' is no key; there are kind, codec, needs, bitrate and keyframe", key);
}

/* ---- Lines ---- */

static bool
parse_line (MxrFragment *fragment, char *text, guint number)
{
  g_strstrip (text);
  if (g_str_has_prefix (text, "#:")) {
    g_auto (GStrv) entries = g_strsplit (text, "#:", -1);
    for (guint i = 1; entries[i] != NULL; i++)
      if (!parse_entry (fragment, entries[i], number))
        return false;
  } else if (*text != '\0' && *text != '#') {
    MxrChainLine line = { g_strdup (text), number };
    g_array_append_val (fragment->chain, line);
  }
  return true;
}

static guint
line_of (const char *bytes, const char *position)
{
  guint line = 1;
  for (const char *p = bytes; p < position; p++)
    line += *p == '\n';
  return line;
}

static bool
check_bytes (MxrFragment *fragment, const char *bytes, gsize n_bytes)
{
  const char *end;
  if (n_bytes > MXR_FRAGMENT_MAX_BYTES)
    return mxr_fragment_fail (fragment, 1, false, "%" G_GSIZE_FORMAT " bytes; a fragment has %d at most",
                              n_bytes, MXR_FRAGMENT_MAX_BYTES);
  if (!g_utf8_validate_len (bytes, n_bytes, &end))
    return mxr_fragment_fail (fragment, line_of (bytes, end), false, "this is not text (UTF-8)");
  return true;
}

static bool
check_complete (MxrFragment *fragment)
{
  if (!fragment->has_kind || fragment->codec == NULL)
    return mxr_fragment_fail (fragment, 1, false, "there is no '#: %s = ...'",
                              fragment->has_kind ? "codec" : "kind");
  if (fragment->chain->len == 0)
    return mxr_fragment_fail (fragment, 1, false, "there is no element, only front matter");
  if (fragment->kind == MXR_FRAGMENT_DECODE)
    return true;

  bool is_video = false;
  for (guint i = 0; video_codecs[i] != NULL; i++)
    is_video |= g_ascii_strcasecmp (video_codecs[i], fragment->codec) == 0;
  if (fragment->bitrate_element == NULL)
    return mxr_fragment_fail (fragment, 1, false, "an encoder needs '#: bitrate = ELEMENT.PROPERTY bit/s'");
  if (is_video && !fragment->has_keyframe)
    return mxr_fragment_fail (fragment, 1, false, "a video encoder needs '#: keyframe = force-key-unit'");
  return true;
}

MxrFragment *
mxr_fragment_parse (const char *name, const char *file, const char *bytes, gsize n_bytes)
{
  MxrFragment *fragment = g_atomic_rc_box_new0 (MxrFragment);
  fragment->name = g_strdup (name);
  fragment->file = g_strdup (file);
  fragment->chain = g_array_new (FALSE, FALSE, sizeof (MxrChainLine));
  g_array_set_clear_func (fragment->chain, chain_line_clear);
  if (!check_bytes (fragment, bytes, n_bytes))
    return fragment;

  g_autofree char *text = g_strndup (bytes, n_bytes);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (!parse_line (fragment, lines[i], i + 1))
      return fragment;
  check_complete (fragment);
  return fragment;
}
