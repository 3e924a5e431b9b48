#include "mixroom/base.h"

char *
mxr_program_find (const char *name, const char *folder, const char *const *others)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *dir = g_path_get_dirname (self != NULL ? self : "/usr/bin/mixroom");
  g_autofree char *beside = g_build_filename (dir, name, NULL);
  g_autofree char *built = g_build_filename (dir, folder, name, NULL);
  g_autofree char *installed = g_build_filename (dir, "..", "libexec", "mixroom", name, NULL);
  const char *const near[] = { beside, built, installed, NULL };
  const char *const *lists[] = { near, others };

  for (guint list = 0; list < G_N_ELEMENTS (lists); list++)
    for (guint i = 0; lists[list][i] != NULL; i++)
      if (g_file_test (lists[list][i], G_FILE_TEST_IS_EXECUTABLE))
        return g_strdup (lists[list][i]);
  return NULL;
}
