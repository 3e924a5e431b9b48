#include "fragment-private.h"

#include <gst/video/video.h>

static G_DEFINE_QUARK (mxr-fragment, fragment)

    static bool add_ghost_pad (GstBin *bin, GstPadDirection direction, const char *name)
{
  g_autoptr (GPtrArray) pads = g_ptr_array_new_with_free_func (gst_object_unref);
  mxr_bin_find_open_pads (bin, direction, pads);
  return pads->len == 1 && gst_element_add_pad (GST_ELEMENT (bin), gst_ghost_pad_new (name, pads->pdata[0]));
}

GstElement *
mxr_fragment_new_bin (const MxrFragment *fragment, const char *element_name, GError **error)
{
  g_return_val_if_fail (fragment->problem == NULL, NULL);

  g_autofree char *description = mxr_fragment_describe (fragment, fragment->chain->len);
  GstElement *bin =
      gst_parse_bin_from_description_full (description, FALSE, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
  if (bin == NULL) {
    g_prefix_error (error, "%s: ", fragment->file);
    return NULL;
  }
  if (!add_ghost_pad (GST_BIN (bin), GST_PAD_SINK, "sink") ||
      !add_ghost_pad (GST_BIN (bin), GST_PAD_SRC, "src")) {
    gst_object_unref (gst_object_ref_sink (bin));
    g_set_error (error, MXR_PIPELINE_ERROR, MXR_PIPELINE_ERROR_FAILED, "%s: the chain's ends are taken",
                 fragment->file);
    return NULL;
  }
  if (element_name != NULL)
    gst_object_set_name (GST_OBJECT (bin), element_name);
  g_object_set_qdata_full (G_OBJECT (bin), fragment_quark (), mxr_fragment_ref (fragment),
                           (GDestroyNotify) mxr_fragment_unref);
  return bin;
}

bool
mxr_fragment_bin_set_bitrate (GstElement *bin, guint bitrate_bps)
{
  const MxrFragment *fragment = g_object_get_qdata (G_OBJECT (bin), fragment_quark ());
  g_return_val_if_fail (fragment != NULL, false);
  if (fragment->bitrate_element == NULL)
    return false;

  g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (bin), fragment->bitrate_element);
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (element), fragment->bitrate_property);
  /* Encoders keep what they declare unsigned in an int all the same. */
  guint64 amount = MAX (MIN (bitrate_bps, G_MAXINT) / fragment->bitrate_unit_bps, 1);
  g_auto (GValue) value = G_VALUE_INIT;
  g_value_init (&value, pspec->value_type);
  if (pspec->value_type == G_TYPE_INT)
    g_value_set_int (&value, (int) amount);
  else if (pspec->value_type == G_TYPE_UINT)
    g_value_set_uint (&value, (guint) amount);
  else if (pspec->value_type == G_TYPE_INT64)
    g_value_set_int64 (&value, (gint64) amount);
  else
    g_value_set_uint64 (&value, amount);
  g_param_value_validate (pspec, &value); /* clamps */
  g_object_set_property (G_OBJECT (element), fragment->bitrate_property, &value);
  return true;
}

bool
mxr_fragment_bin_request_keyframe (GstElement *bin)
{
  const MxrFragment *fragment = g_object_get_qdata (G_OBJECT (bin), fragment_quark ());
  g_return_val_if_fail (fragment != NULL, false);
  if (!fragment->has_keyframe)
    return false;

  g_autoptr (GstPad) src = gst_element_get_static_pad (bin, "src");
  return gst_pad_send_event (src, gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE, TRUE, 0));
}
