#include "fragment-private.h"

#include <string.h>

/* A line that is a filter by caps, such as "! video/x-raw,format=I420": the first word has a slash. */
static bool
is_caps (const char *text)
{
  text += strspn (text, "! \t");
  const char *slash = strchr (text, '/');
  return slash != NULL && (gsize) (slash - text) < strcspn (text, " \t,(=");
}

/* gst_parse takes caps between two elements only, but a chain may well end in them. */
static void
append_last_caps (GString *chain, const char *text)
{
  g_autofree char *caps = g_strdup (text + strspn (text, "! \t"));
  g_auto (GStrv) parts = g_strsplit (g_strchomp (g_strdelimit (caps, "!", ' ')), "\"", -1);
  g_autofree char *escaped = g_strjoinv ("\\\"", parts);
  g_string_append_printf (chain, "%scapsfilter caps=\"%s\"", chain->len > 0 ? " ! " : "", escaped);
}

static void
trim_link (GString *chain)
{
  while (chain->len > 0 && strchr (" \t!", chain->str[chain->len - 1]) != NULL)
    g_string_truncate (chain, chain->len - 1);
}

char *
mxr_fragment_describe (const MxrFragment *fragment, guint n_lines)
{
  g_autoptr (GString) chain = g_string_new (NULL);
  for (guint i = 0; i < n_lines; i++) {
    const char *text = g_array_index (fragment->chain, MxrChainLine, i).text;
    if (i + 1 == n_lines && is_caps (text)) {
      trim_link (chain);
      append_last_caps (chain, text);
    } else {
      g_string_append_printf (chain, "%s%s", i > 0 ? " " : "", text);
    }
  }
  trim_link (chain);
  return g_string_free (g_steal_pointer (&chain), FALSE);
}

static void
find_open_pads_of_element (GstElement *element, GstPadDirection direction, GPtrArray *out_pads)
{
  g_autoptr (GstIterator) pads = gst_element_iterate_pads (element);
  g_auto (GValue) item = G_VALUE_INIT;
  while (gst_iterator_next (pads, &item) == GST_ITERATOR_OK) {
    GstPad *pad = g_value_get_object (&item);
    if (GST_PAD_DIRECTION (pad) == direction && !gst_pad_is_linked (pad))
      g_ptr_array_add (out_pads, gst_object_ref (pad));
    g_value_reset (&item);
  }
}

/* The bin was just made and nobody else has it, so that iterating it cannot need a resync. */
void
mxr_bin_find_open_pads (GstBin *bin, GstPadDirection direction, GPtrArray *out_pads)
{
  g_autoptr (GstIterator) elements = gst_bin_iterate_elements (bin);
  g_auto (GValue) item = G_VALUE_INIT;
  while (gst_iterator_next (elements, &item) == GST_ITERATOR_OK) {
    find_open_pads_of_element (g_value_get_object (&item), direction, out_pads);
    g_value_reset (&item);
  }
}

static GstElement *
make_bin (const MxrFragment *fragment, guint n_lines, GError **error)
{
  g_autofree char *description = mxr_fragment_describe (fragment, n_lines);
  return gst_parse_bin_from_description_full (description, FALSE, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
}

/* gst_parse knows no lines. The line at fault is the one with which the lines before it stop being a good
 * chain. */
static guint
find_faulty_line (const MxrFragment *fragment, GError **out_error)
{
  for (guint n_lines = 1; n_lines <= fragment->chain->len; n_lines++) {
    g_autoptr (GError) error = NULL;
    GstElement *bin = make_bin (fragment, n_lines, &error);
    if (bin == NULL) {
      g_propagate_error (out_error, g_steal_pointer (&error));
      return g_array_index (fragment->chain, MxrChainLine, n_lines - 1).number;
    }
    gst_object_unref (gst_object_ref_sink (bin));
  }
  return g_array_index (fragment->chain, MxrChainLine, fragment->chain->len - 1).number;
}

static bool
check_needs (MxrFragment *fragment)
{
  for (guint i = 0; fragment->needs != NULL && fragment->needs[i] != NULL; i++) {
    const char *name = fragment->needs[i];
    if (*name == '\0')
      continue;
    g_autoptr (GstElementFactory) factory = gst_element_factory_find (name);
    if (factory == NULL)
      return mxr_fragment_fail (fragment, fragment->needs_line, true, "the element '%s' is not installed",
                                name);
  }
  return true;
}

static bool
check_open_pads (MxrFragment *fragment, GstBin *bin, GstPadDirection direction, const char *what)
{
  g_autoptr (GPtrArray) pads = g_ptr_array_new_with_free_func (gst_object_unref);
  g_autoptr (GString) names = g_string_new (NULL);
  guint line = g_array_index (fragment->chain, MxrChainLine, 0).number;

  mxr_bin_find_open_pads (bin, direction, pads);
  if (pads->len == 1)
    return true;
  for (guint i = 0; i < pads->len; i++) {
    GstPad *pad = g_ptr_array_index (pads, i);
    g_string_append_printf (names, "%s%s.%s", i > 0 ? ", " : ": ", GST_OBJECT_NAME (GST_OBJECT_PARENT (pad)),
                            GST_OBJECT_NAME (pad));
  }
  return mxr_fragment_fail (fragment, line, false, "%u open %s pads where there must be one%s", pads->len,
                            what, names->str);
}

static bool
check_bitrate (MxrFragment *fragment, GstBin *bin)
{
  if (fragment->bitrate_element == NULL)
    return true;
  g_autoptr (GstElement) element = gst_bin_get_by_name (bin, fragment->bitrate_element);
  if (element == NULL)
    return mxr_fragment_fail (fragment, fragment->bitrate_line, false, "no element has the name '%s'",
                              fragment->bitrate_element);

  const GParamSpec *pspec =
      g_object_class_find_property (G_OBJECT_GET_CLASS (element), fragment->bitrate_property);
  if (pspec == NULL)
    return mxr_fragment_fail (fragment, fragment->bitrate_line, false, "'%s' has no property '%s'",
                              fragment->bitrate_element, fragment->bitrate_property);
  GType type = pspec->value_type;
  bool is_number = type == G_TYPE_INT || type == G_TYPE_UINT || type == G_TYPE_INT64 || type == G_TYPE_UINT64;
  if (!is_number || (pspec->flags & G_PARAM_WRITABLE) == 0 || (pspec->flags & G_PARAM_CONSTRUCT_ONLY) != 0)
    return mxr_fragment_fail (fragment, fragment->bitrate_line, false,
                              "'%s.%s' is no whole number that can be set at any time",
                              fragment->bitrate_element, fragment->bitrate_property);
  return true;
}

void
mxr_fragment_check (MxrFragment *fragment)
{
  if (fragment->problem != NULL || !check_needs (fragment))
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) bin = make_bin (fragment, fragment->chain->len, &error);
  if (bin == NULL) {
    g_autoptr (GError) first = NULL;
    guint line = find_faulty_line (fragment, &first);
    const GError *told = first != NULL ? first : error;
    bool is_missing = g_error_matches (told, GST_PARSE_ERROR, GST_PARSE_ERROR_NO_SUCH_ELEMENT);
    mxr_fragment_fail (fragment, line, is_missing, "%s", told->message);
    return;
  }
  gst_object_ref_sink (bin);
  if (check_open_pads (fragment, GST_BIN (bin), GST_PAD_SINK, "sink") &&
      check_open_pads (fragment, GST_BIN (bin), GST_PAD_SRC, "source"))
    check_bitrate (fragment, GST_BIN (bin));
}
