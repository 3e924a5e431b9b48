#include "launch.h"

#include "mixroom/player.h"

#include "wire.h"

static char *
find_program (void)
{
  const char *const others[] = { MXR_LIBEXEC_DIR "/mixroom-player", NULL };
  const char *own = g_getenv ("MIXROOM_PLAYER");

  return own != NULL ? g_strdup (own) : mxr_program_find ("mixroom-player", "player", others);
}

bool
mxr_player_is_installed (void)
{
  g_autofree char *program = find_program ();
  return program != NULL && g_file_test (program, G_FILE_TEST_IS_EXECUTABLE);
}

/* What libraries need to find their things; no proxy, which would connect in our place, and none of the server's secrets. */
static char **
new_environment (void)
{
  static const char *const kept[] = { "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_CACHE_HOME", "LD_LIBRARY_PATH", "GST_REGISTRY",
                                      "GST_REGISTRY_1_0", "GST_PLUGIN_PATH", "GST_PLUGIN_PATH_1_0", "GST_PLUGIN_SYSTEM_PATH",
                                      "GST_PLUGIN_SYSTEM_PATH_1_0", "GST_PLUGIN_SCANNER", "GST_PLUGIN_SCANNER_1_0", "SSL_CERT_FILE",
                                      "SSL_CERT_DIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS" };
  char **environment = g_new0 (char *, 1);

  for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
    if (g_getenv (kept[i]) != NULL)
      environment = g_environ_setenv (environment, kept[i], g_getenv (kept[i]), TRUE);
  environment = g_environ_setenv (environment, "GIO_USE_PROXY_RESOLVER", "dummy", TRUE);
  environment = g_environ_setenv (environment, "GSETTINGS_BACKEND", "memory", TRUE);
  environment = g_environ_setenv (environment, "GIO_USE_VFS", "local", TRUE);
  return g_environ_setenv (environment, "GST_REGISTRY_UPDATE", "no", TRUE); /* the server's own start has done that */
}

/* Its descriptors are closed by the process itself: without that GLib can start it without a copy of this one's memory. */
GSubprocess *
mxr_player_launch (int fd, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher =
    g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_INHERIT_FDS | G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_auto (GStrv) environment = new_environment ();
  g_autofree char *program = find_program ();

  g_subprocess_launcher_set_environ (launcher, environment);
  g_subprocess_launcher_take_fd (launcher, fd, MXR_WIRE_FD);
  if (program != NULL)
    return g_subprocess_launcher_spawn (launcher, error, program, NULL);
  g_set_error_literal (error, MXR_PLAYER_ERROR, MXR_PLAYER_ERROR_FAILED, "mixroom-player is not installed");
  return NULL;
}
