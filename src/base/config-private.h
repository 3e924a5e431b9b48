#ifndef MXR_CONFIG_PRIVATE_H
#define MXR_CONFIG_PRIVATE_H

#include "mixroom/base.h"

typedef enum { MXR_KEY_STRING, MXR_KEY_UINT, MXR_KEY_BOOL } MxrKeyType;

/* One key of the configuration; its meaning stands in conf/mixroom.conf, and a test holds the two together. */
typedef struct {
  const char *group;
  const char *name;
  MxrKeyType type;
  gsize offset; /* into MxrConfig */
  const char *fallback;
  guint min, max;      /* of a number */
  const char *choices; /* of a string: space separated; NULL: any */
  bool secret;
} MxrKey;

extern const MxrKey mxr_config_keys[];
extern const guint mxr_config_n_keys;

#endif
