#include "mixroom/elements.h"

bool
mxr_elements_register (GstPlugin *plugin)
{
  bool registered = true;
  registered &= GST_ELEMENT_REGISTER (mxraudiomix, plugin);
  registered &= GST_ELEMENT_REGISTER (mxrloudness, plugin);
  registered &= GST_ELEMENT_REGISTER (mxropusdec, plugin);
  registered &= GST_ELEMENT_REGISTER (mxropusenc, plugin);
  registered &= GST_ELEMENT_REGISTER (mxrpicturedec, plugin);
  registered &= GST_ELEMENT_REGISTER (mxrtilemix, plugin);
  return registered;
}

static gboolean
plugin_init (GstPlugin *plugin)
{
  return mxr_elements_register (plugin);
}

#define PACKAGE "mixroom"
GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, mixroom, "Mixers and codecs of the Mixroom conference server", plugin_init,
                   MXR_VERSION, "Apache 2.0", "mixroom", "Mixroom")
