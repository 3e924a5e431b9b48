/* What foreign files may cost, and what they may reach. Demuxers and decoders are written for speed, in C, and playlists
 * name other files: so it is little of both. */

#include "child.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* Decoding a frame of 8K takes some 100 MiB, and each of a decoder's threads the address space of its stack and arena. */
#define MEMORY_MAX_BYTES (G_GUINT64_CONSTANT (3) * 1024 * 1024 * 1024)
/* Reading a file of hours to its end takes seconds of it. */
#define PROCESSOR_MAX_S 120
#define FILES_MAX 64
#define POSTER_MAX_BYTES (16 * 1024 * 1024)

static void
set_limit (int resource, guint64 value)
{
  const struct rlimit limit = { value, value };
  setrlimit (resource, &limit);
}

static void
limit_process (void)
{
  prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  set_limit (RLIMIT_CPU, PROCESSOR_MAX_S);
  set_limit (RLIMIT_NOFILE, FILES_MAX);
  set_limit (RLIMIT_FSIZE, POSTER_MAX_BYTES);
  set_limit (RLIMIT_CORE, 0);
#ifndef __SANITIZE_ADDRESS__ /* whose shadow is terabytes */
  set_limit (RLIMIT_AS, MEMORY_MAX_BYTES);
#endif
}

static bool
is_wanted_demuxer (const char *name)
{
  static const char *const wanted[] = { "qtdemux", "matroskademux", "oggdemux", "wavparse", "avidemux", "flvdemux",
                                        "mpegpsdemux", "tsdemux", "aiffparse", "id3demux", "apedemux", NULL };
  return g_strv_contains (wanted, name);
}

static gboolean
is_unwanted (GstPluginFeature *feature, gpointer user_data)
{
  const char *name = gst_plugin_feature_get_name (feature);

  if (!GST_IS_ELEMENT_FACTORY (feature))
    return FALSE;
  GstElementFactory *factory = GST_ELEMENT_FACTORY (feature);
  if (gst_element_factory_get_uri_type (factory) == GST_URI_SRC)
    return strcmp (name, "filesrc") != 0;
  return gst_element_factory_list_is_type (factory, GST_ELEMENT_FACTORY_TYPE_DEMUXER) && !is_wanted_demuxer (name);
}

/* A plugin that is loaded for one of its elements registers them all again. Its type goes on pointing at the factory. */
static void
on_feature_added (GstRegistry *registry, GstPluginFeature *feature, gpointer user_data)
{
  if (is_unwanted (gst_object_ref (feature), NULL))
    gst_registry_remove_feature (registry, feature);
}

void
mxr_child_limit (void)
{
  GstRegistry *registry = gst_registry_get ();
  GList *features = gst_registry_feature_filter (registry, is_unwanted, FALSE, NULL);

  for (GList *link = features; link != NULL; link = link->next)
    gst_registry_remove_feature (registry, link->data);
  gst_plugin_feature_list_free (features);
  g_signal_connect (registry, "feature-added", G_CALLBACK (on_feature_added), NULL);
  limit_process ();
}
