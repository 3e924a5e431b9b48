#include "registry.h"

#include <gst/gst.h>
#include <string.h>

/* They open what a playlist or description says; for a file there is no reason to. */
static const char *const followers[] = { "hlsdemux",  "hlsdemux2", "dashdemux", "dashdemux2", "mssdemux",
                                         "mssdemux2", "sdpdemux",  "gesdemux",  NULL };
/* Only within decodebin3. */
static const char *const unused[] = { "hlsdemux2", "dashdemux2", "mssdemux2", NULL };

static bool
is_bad_source (GstElementFactory *factory, bool is_file)
{
  static const char *const of_network[] = { "souphttpsrc", "rtspsrc", NULL };
  const char *name = GST_OBJECT_NAME (factory);

  if (gst_element_factory_get_uri_type (factory) != GST_URI_SRC)
    return false;
  return is_file ? strcmp (name, "filesrc") != 0 : !g_strv_contains (of_network, name);
}

/* Devices that decode are the mixers' at best, and their memory is not what is converted here. */
static bool
is_hardware (GstElementFactory *factory)
{
  const char *klass = gst_element_factory_get_metadata (factory, GST_ELEMENT_METADATA_KLASS);
  return klass != NULL && strstr (klass, "Hardware") != NULL;
}

static void
restrict_feature (GstRegistry *registry, GstPluginFeature *feature, bool is_file)
{
  const char *const *unneeded = is_file ? followers : unused;

  if (!GST_IS_ELEMENT_FACTORY (feature))
    return;
  GstElementFactory *factory = GST_ELEMENT_FACTORY (feature);
  if (g_strv_contains (unneeded, GST_OBJECT_NAME (factory)) || is_bad_source (factory, is_file) || is_hardware (factory))
    gst_registry_remove_feature (registry, feature);
}

/* A plugin that is loaded for one of its elements registers them all again: "typefind" brings "filesrc" back. Its type goes on
 * pointing at the factory. */
static void
on_feature_added (GstRegistry *registry, GstPluginFeature *feature, gpointer is_file)
{
  restrict_feature (registry, gst_object_ref (feature), GPOINTER_TO_INT (is_file));
}

void
mxr_registry_restrict (bool is_file)
{
  GstRegistry *registry = gst_registry_get ();
  GList *features = gst_registry_get_feature_list (registry, GST_TYPE_ELEMENT_FACTORY);

  for (GList *l = features; l != NULL; l = l->next)
    restrict_feature (registry, l->data, is_file);
  gst_plugin_feature_list_free (features);
  g_signal_connect (registry, "feature-added", G_CALLBACK (on_feature_added), GINT_TO_POINTER (is_file));
}
