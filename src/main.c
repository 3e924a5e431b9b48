/* Options, configuration, start and stop. */

#include <glib-unix.h>
#include <gst/gst.h>
#include <locale.h>
#include <malloc.h>
#include <stdlib.h>

#include "mixroom/base.h"
#include "mixroom/room.h"
#include "mixroom/signal.h"

/* Clients that were told to go come back after this long, by when another instance or a restart should be up. */
#define RECONNECT_IN_MS 2000
#define EXIT_USAGE 2
/* Decoded pictures up to 640x360 stay below it: those are many. */
#define HEAP_BLOCK_MAX_BYTES (1024 * 1024)

typedef struct {
  char *config_file;
  char *listen;
  char *pipeline_dir;
  char **settings;
  gboolean check;
  gboolean version;
} Options;

typedef struct {
  MxrConfig *config;
  MxrHub *hub;
  MxrServer *server;
  GMainLoop *loop;
  bool draining;
  gint64 drain_until_us;
} App;

static bool
parse_options (Options *options, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "config", 'c', 0, G_OPTION_ARG_FILENAME, &options->config_file, "Read this configuration file", "FILE" },
    { "listen", 'l', 0, G_OPTION_ARG_STRING, &options->listen, "Serve HTTP and WebSocket here", "ADDRESS:PORT" },
    { "set", 's', 0, G_OPTION_ARG_STRING_ARRAY, &options->settings, "Set a key of the configuration", "KEY=VALUE" },
    { "pipeline-dir", 0, 0, G_OPTION_ARG_FILENAME, &options->pipeline_dir, "Folder with own pipeline fragments", "DIR" },
    { "check", 0, 0, G_OPTION_ARG_NONE, &options->check, "Check configuration and fragments, then exit", NULL },
    { "version", 'V', 0, G_OPTION_ARG_NONE, &options->version, "Print the version, then exit", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, "A WebRTC conference server that mixes: one stream up, one stream down.");
  g_option_context_set_description (context,
                                    "KEY is any key of the configuration file, as group.key, such as room.grid_max=9.\n"
                                    "SIGTERM drains: nobody new gets in, clients are told; a second one stops at once.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return false;
  if (*argc > 1) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION, "there is no use for '%s'", (*argv)[1]);
    return false;
  }
  return true;
}

static void
options_clear (Options *options)
{
  g_free (options->config_file);
  g_free (options->listen);
  g_free (options->pipeline_dir);
  g_strfreev (options->settings);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static bool
set_value (MxrConfig *config, const char *key, const char *value, GError **error)
{
  g_autofree char *assignment = g_strdup_printf ("%s=%s", key, value);
  return mxr_config_set (config, assignment, error);
}

/* The file first, then the command line: what is nearer to the hand wins. */
static MxrConfig *
load_config (const Options *options, GError **error)
{
  g_autoptr (MxrConfig) config = mxr_config_new ();

  if (options->config_file != NULL && !mxr_config_load_file (config, options->config_file, error))
    return NULL;
  for (char **setting = options->settings; setting != NULL && *setting != NULL; setting++)
    if (!mxr_config_set (config, *setting, error))
      return NULL;
  if (options->listen != NULL && !set_value (config, "server.listen", options->listen, error))
    return NULL;
  if (options->pipeline_dir != NULL && !set_value (config, "media.pipeline_dir", options->pipeline_dir, error))
    return NULL;
  return mxr_config_check (config, error) ? g_steal_pointer (&config) : NULL;
}

/* ---- Stopping --------------------------------------------------------------------------------------------- */

static gboolean
on_drain_tick (gpointer user_data)
{
  App *app = user_data;

  if (mxr_hub_count_participants (app->hub) > 0 && g_get_monotonic_time () < app->drain_until_us)
    return G_SOURCE_CONTINUE;
  g_main_loop_quit (app->loop);
  return G_SOURCE_REMOVE;
}

static gboolean
on_stop_signal (gpointer user_data)
{
  App *app = user_data;

  if (app->draining) {
    mxr_info ("main", "second signal: stopping at once");
    g_main_loop_quit (app->loop);
    return G_SOURCE_CONTINUE;
  }
  app->draining = true;
  app->drain_until_us = g_get_monotonic_time () + app->config->server.drain_timeout_s * G_TIME_SPAN_SECOND;
  mxr_info ("main", "draining: %u participants, %u s at most; send the signal again to stop at once",
            mxr_hub_count_participants (app->hub), app->config->server.drain_timeout_s);
  mxr_server_drain (app->server);
  mxr_hub_drain (app->hub, RECONNECT_IN_MS);
  g_timeout_add (100, on_drain_tick, app);
  return G_SOURCE_CONTINUE;
}

/* ---- Running ---------------------------------------------------------------------------------------------- */

static int
fail (const GError *error)
{
  g_printerr ("mixroom: %s\n", error->message);
  return EXIT_FAILURE;
}

static int
check (const MxrConfig *config)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MxrHub) hub = mxr_hub_new (config, &error);

  if (hub == NULL)
    return fail (error);
  g_autofree char *described = mxr_config_describe (config);
  g_print ("%s\nConfiguration and pipeline fragments are fine.\n", described);
  return EXIT_SUCCESS;
}

static int
serve (MxrConfig *config)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  App app = { .config = config, .loop = loop };

  app.hub = mxr_hub_new (config, &error);
  if (app.hub == NULL)
    return fail (error);
  app.server = mxr_server_new (config, app.hub, &error);
  if (app.server == NULL) {
    mxr_hub_free (app.hub);
    return fail (error);
  }
  g_unix_signal_add (SIGTERM, on_stop_signal, &app);
  g_unix_signal_add (SIGINT, on_stop_signal, &app);
  mxr_info ("main", "mixroom " MXR_VERSION " serves %s", mxr_server_get_uri (app.server));
  g_main_loop_run (loop);
  mxr_server_free (app.server);
  mxr_hub_free (app.hub);
  mxr_info ("main", "stopped");
  return EXIT_SUCCESS;
}

/* Pictures come from the kernel and go back to it. By itself glibc raises its threshold for that to the largest block that
 * was ever freed, and then keeps the pictures of rooms long gone: six rooms of four, one after the other, left 194 MiB
 * resident, and 81 so, at the same cost of CPU. */
static void
limit_heap (void)
{
#ifdef __GLIBC__
  mallopt (M_MMAP_THRESHOLD, HEAP_BLOCK_MAX_BYTES);
  mallopt (M_TRIM_THRESHOLD, HEAP_BLOCK_MAX_BYTES);
#endif
}

int
main (int argc, char **argv)
{
  g_auto (Options) options = { 0 };
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  limit_heap ();
  if (!parse_options (&options, &argc, &argv, &error)) {
    g_printerr ("mixroom: %s; --help lists the options\n", error->message);
    return EXIT_USAGE;
  }
  if (options.version) {
    g_print ("mixroom " MXR_VERSION "\n");
    return EXIT_SUCCESS;
  }
  g_autoptr (MxrConfig) config = load_config (&options, &error);
  if (config == NULL)
    return fail (error);
  mxr_log_init (config->log.level, g_str_equal (config->log.format, "json"));
  gst_init (NULL, NULL);
  return options.check ? check (config) : serve (config);
}
