#include "config-private.h"

#include <string.h>

G_DEFINE_QUARK (mxr-config-error-quark, mxr_config_error)

#define MEMBER(type, config, key) (*(type *) ((char *) (config) + (key)->offset))
#define CONST_MEMBER(type, config, key) (*(type const *) ((const char *) (config) + (key)->offset))

static const MxrKey *
find_key (const char *group, const char *name)
{
  for (guint i = 0; i < mxr_config_n_keys; i++)
    if (strcmp (mxr_config_keys[i].group, group) == 0 && strcmp (mxr_config_keys[i].name, name) == 0)
      return &mxr_config_keys[i];
  return NULL;
}

static bool
set_bool (MxrConfig *config, const MxrKey *key, const char *value, GError **error)
{
  bool on = strcmp (value, "true") == 0;
  if (!on && strcmp (value, "false") != 0) {
    g_set_error (error, MXR_CONFIG_ERROR, MXR_CONFIG_ERROR_BAD_VALUE, "%s.%s is '%s'; it must be true or false",
                 key->group, key->name, value);
    return false;
  }
  MEMBER (bool, config, key) = on;
  return true;
}

static bool
set_uint (MxrConfig *config, const MxrKey *key, const char *value, GError **error)
{
  guint64 number;
  if (!g_ascii_string_to_unsigned (value, 10, key->min, key->max, &number, NULL)) {
    g_set_error (error, MXR_CONFIG_ERROR, MXR_CONFIG_ERROR_BAD_VALUE,
                 "%s.%s is '%s'; it must be a whole number from %u to %u", key->group, key->name, value, key->min,
                 key->max);
    return false;
  }
  MEMBER (guint, config, key) = (guint) number;
  return true;
}

static bool
set_string (MxrConfig *config, const MxrKey *key, const char *value, GError **error)
{
  if (key->choices != NULL) {
    g_auto (GStrv) choices = g_strsplit (key->choices, " ", -1);
    if (!g_strv_contains ((const char *const *) choices, value)) {
      g_set_error (error, MXR_CONFIG_ERROR, MXR_CONFIG_ERROR_BAD_VALUE, "%s.%s is '%s'; it must be one of: %s",
                   key->group, key->name, value, key->choices);
      return false;
    }
  }
  g_free (MEMBER (char *, config, key));
  MEMBER (char *, config, key) = g_strdup (value);
  return true;
}

static bool
set_key (MxrConfig *config, const MxrKey *key, const char *value, GError **error)
{
  switch (key->type) {
  case MXR_KEY_BOOL:
    return set_bool (config, key, value, error);
  case MXR_KEY_UINT:
    return set_uint (config, key, value, error);
  case MXR_KEY_STRING:
  default:
    return set_string (config, key, value, error);
  }
}

MxrConfig *
mxr_config_new (void)
{
  MxrConfig *config = g_new0 (MxrConfig, 1);
  for (guint i = 0; i < mxr_config_n_keys; i++) {
    g_autoptr (GError) error = NULL;
    if (!set_key (config, &mxr_config_keys[i], mxr_config_keys[i].fallback, &error))
      g_error ("default out of its own range: %s", error->message);
  }
  return config;
}

void
mxr_config_free (MxrConfig *config)
{
  for (guint i = 0; i < mxr_config_n_keys; i++)
    if (mxr_config_keys[i].type == MXR_KEY_STRING)
      g_free (MEMBER (char *, config, &mxr_config_keys[i]));
  g_free (config);
}

static bool
load_group (MxrConfig *config, GKeyFile *file, const char *path, const char *group, GError **error)
{
  g_auto (GStrv) names = g_key_file_get_keys (file, group, NULL, NULL);
  for (guint i = 0; names != NULL && names[i] != NULL; i++) {
    const MxrKey *key = find_key (group, names[i]);
    if (key == NULL) {
      g_set_error (error, MXR_CONFIG_ERROR, MXR_CONFIG_ERROR_UNKNOWN_KEY,
                   "%s: there is no key '%s' in a group [%s]; conf/mixroom.conf lists all keys", path, names[i], group);
      return false;
    }
    g_autofree char *value = g_key_file_get_string (file, group, names[i], error);
    if (value == NULL || !set_key (config, key, g_strstrip (value), error)) {
      g_prefix_error (error, "%s: ", path);
      return false;
    }
  }
  return true;
}

bool
mxr_config_load_file (MxrConfig *config, const char *path, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, error)) {
    g_prefix_error (error, "%s: ", path);
    return false;
  }
  g_auto (GStrv) groups = g_key_file_get_groups (file, NULL);
  for (guint i = 0; groups[i] != NULL; i++)
    if (!load_group (config, file, path, groups[i], error))
      return false;
  return true;
}

/* `name` alone is enough where only one group has it. */
static const MxrKey *
find_by_assignment (const char *left, GError **error)
{
  const MxrKey *found = NULL;
  const char *dot = strchr (left, '.');

  if (dot != NULL) {
    g_autofree char *group = g_strndup (left, dot - left);
    found = find_key (group, dot + 1);
  }
  for (guint i = 0; dot == NULL && i < mxr_config_n_keys; i++)
    if (strcmp (mxr_config_keys[i].name, left) == 0)
      found = &mxr_config_keys[i]; /* no name stands in two groups: config-test holds that */
  if (found == NULL)
    g_set_error (error, MXR_CONFIG_ERROR, MXR_CONFIG_ERROR_UNKNOWN_KEY,
                 "there is no key '%s'; conf/mixroom.conf lists all keys", left);
  return found;
}

bool
mxr_config_set (MxrConfig *config, const char *assignment, GError **error)
{
  const char *equals = strchr (assignment, '=');
  if (equals == NULL) {
    g_set_error (error, MXR_CONFIG_ERROR, MXR_CONFIG_ERROR_BAD_VALUE, "'%s' is not KEY=VALUE", assignment);
    return false;
  }
  g_autofree char *left = g_strndup (assignment, equals - assignment);
  const MxrKey *key = find_by_assignment (g_strstrip (left), error);
  return key != NULL && set_key (config, key, equals + 1, error);
}

static char *
value_to_string (const MxrConfig *config, const MxrKey *key)
{
  if (key->type == MXR_KEY_BOOL)
    return g_strdup (CONST_MEMBER (bool, config, key) ? "true" : "false");
  if (key->type == MXR_KEY_UINT)
    return g_strdup_printf ("%u", CONST_MEMBER (guint, config, key));
  const char *text = CONST_MEMBER (char *, config, key);
  return g_strdup (key->secret && *text != '\0' ? "(set)" : text);
}

char *
mxr_config_describe (const MxrConfig *config)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const char *group = "";

  for (guint i = 0; i < mxr_config_n_keys; i++) {
    const MxrKey *key = &mxr_config_keys[i];
    g_autofree char *value = value_to_string (config, key);
    if (strcmp (group, key->group) != 0)
      g_string_append_printf (text, "%s[%s]\n", i > 0 ? "\n" : "", key->group);
    group = key->group;
    g_string_append_printf (text, "%s = %s\n", key->name, value);
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}
