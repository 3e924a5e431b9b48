/* Files of a room's outputs: who watches all rooms is told of each, and who was there; folders of HLS go after a while. */

#include "room-private.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/time.h>

#define WATCHDOG_S 60

typedef struct {
  char *directory;
  MxrConfig *config;
  MxrHub *hub;
  GPtrArray *told; /* of files: "begun" or "over", and names */
} Fixture;

static G_GNUC_NORETURN gboolean
on_watchdog (gpointer user_data)
{
  g_error ("not within %d s: %s", WATCHDOG_S, (const char *) user_data);
}

static void
run_until (bool (*is_done) (Fixture *fixture), Fixture *fixture, const char *what)
{
  guint watchdog = g_timeout_add_seconds (WATCHDOG_S, on_watchdog, (gpointer) what);

  while (!is_done (fixture))
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (watchdog);
}

static void
on_recording (const char *room, const MxrRecording *recording, gpointer user_data)
{
  Fixture *fixture = user_data;
  g_autofree char *names = g_strjoinv (" ", (char **) recording->participants);
  g_autofree char *path = g_build_filename (fixture->directory, recording->file, NULL);

  g_assert_cmpstr (room, ==, "studio");
  g_assert_cmpstr (recording->type, ==, "file");
  g_assert_false (recording->has_failed);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (recording->n_bytes, >, 0);
  g_assert_true (!recording->is_over || recording->duration_ms > 0);
  g_ptr_array_add (fixture->told, g_strdup_printf ("%s: %s", recording->is_over ? "over" : "begun", names));
}

static const MxrHubEvents hub_events = { .on_recording = on_recording };
static const MxrParticipantEvents nobody_listens;

static MxrParticipant *
join (Fixture *fixture, const char *name, MxrRole role)
{
  g_autoptr (GError) error = NULL;
  MxrParticipant *participant = mxr_hub_join (fixture->hub, "studio", name, role, &nobody_listens, NULL, &error);
  g_assert_no_error (error);
  return participant;
}

static void
start_output (Fixture *fixture, const MxrOutputOrder *order)
{
  g_autoptr (GError) error = NULL;
  GVariant *value = mxr_hub_start_output (fixture->hub, "studio", order, &error);
  g_assert_no_error (error);
  g_variant_unref (g_variant_ref_sink (value));
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fixture->directory = g_dir_make_tmp ("mixroom-recordings-XXXXXX", NULL);
  fixture->told = g_ptr_array_new_with_free_func (g_free);
  fixture->config = mxr_config_new ();
  fixture->config->media.net_threads = 1;
  fixture->config->ice.allow_loopback = true;
  g_autofree char *recordings = g_strconcat ("programme.recordings_directory=", fixture->directory, NULL);
  g_autofree char *hls = g_strconcat ("programme.hls_directory=", fixture->directory, NULL);
  const char *const settings[] = { "ice.local_addresses=127.0.0.1", recordings, hls, "programme.hls_keep_s=2" };
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    g_assert_true (mxr_config_set (fixture->config, settings[i], &error));
}

static void
start_hub (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  fixture->hub = mxr_hub_new (fixture->config, &error);
  g_assert_no_error (error);
  mxr_hub_set_events (fixture->hub, &hub_events, fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  const char *const arguments[] = { "rm", "-r", fixture->directory, NULL };

  mxr_hub_free (fixture->hub);
  mxr_config_free (fixture->config);
  g_autoptr (GSubprocess) process = g_subprocess_newv (arguments, G_SUBPROCESS_FLAGS_NONE, NULL);
  g_subprocess_wait (process, NULL, NULL);
  g_free (fixture->directory);
  g_ptr_array_unref (fixture->told);
}

/* ---- Who was there ------------------------------------------------------------------------------------------------- */

static bool
one_is_told (Fixture *fixture)
{
  return fixture->told->len == 1;
}

static bool
three_are_told (Fixture *fixture)
{
  return fixture->told->len >= 3;
}

static bool
all_are_over (Fixture *fixture)
{
  guint n = 0;

  for (guint i = 0; i < fixture->told->len; i++)
    n += g_str_has_prefix (fixture->told->pdata[i], "over") ? 1 : 0;
  return fixture->hub->n_ending == 0 && 2 * n == fixture->told->len;
}

/* Bob leaves during the first file; Cyd comes then, and once more, as another of that name; Eve only looks on. */
static void
test_names (Fixture *fixture, gconstpointer unused)
{
  const MxrOutputOrder order = { .type = "file", .split_s = 2 };

  start_hub (fixture);
  MxrParticipant *ada = join (fixture, "Ada", MXR_ROLE_SESSION), *bob = join (fixture, "Bob", MXR_ROLE_SESSION);
  MxrParticipant *eve = join (fixture, "Eve", MXR_ROLE_VIEWER);
  start_output (fixture, &order);
  run_until (one_is_told, fixture, "the first file");
  g_assert_cmpstr (fixture->told->pdata[0], ==, "begun: Ada Bob");
  mxr_participant_leave (bob);
  MxrParticipant *cyd = join (fixture, "Cyd", MXR_ROLE_SESSION), *other = join (fixture, "Cyd", MXR_ROLE_PUBLISHER);
  run_until (three_are_told, fixture, "the second file");
  mxr_participant_leave (cyd);
  mxr_participant_leave (other);
  mxr_participant_leave (eve);
  mxr_participant_leave (ada); /* and with her the room ends */
  run_until (all_are_over, fixture, "the room's end");
  g_autofree char *all = NULL;
  g_ptr_array_add (fixture->told, NULL);
  all = g_strjoinv ("; ", (char **) fixture->told->pdata);
  g_ptr_array_remove_index (fixture->told, fixture->told->len - 1);
  g_test_message ("%s", all);
  g_assert_nonnull (strstr (all, "over: Ada Bob Cyd"));
  g_assert_nonnull (strstr (all, "begun: Ada Cyd"));
  g_assert_null (strstr (all, "Eve"));
}

/* ---- What HLS leaves ------------------------------------------------------------------------------------------------- */

static void
make_file (const char *directory, const char *folder, const char *name, gint64 age_s)
{
  g_autofree char *into = g_build_filename (directory, folder, NULL), *path = g_build_filename (into, name, NULL);
  const struct timeval then = { g_get_real_time () / G_USEC_PER_SEC - age_s, 0 };

  g_mkdir (into, 0755);
  g_assert_true (g_file_set_contents (path, "x", -1, NULL));
  g_assert_cmpint (utimes (path, (struct timeval[]){ then, then }), ==, 0);
}

static bool
is_there (Fixture *fixture, const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (fixture->directory, folder, name, NULL);
  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static bool
old_one_is_gone (Fixture *fixture)
{
  return !is_there (fixture, "old", NULL);
}

static bool
ended_one_is_gone (Fixture *fixture)
{
  return fixture->hub->n_ending == 0 && !is_there (fixture, fixture->told->pdata[0], NULL);
}

static bool
has_playlist (Fixture *fixture)
{
  return is_there (fixture, fixture->told->pdata[0], "index.m3u8");
}

static gboolean
on_time (gpointer user_data)
{
  *(bool *) user_data = true;
  return G_SOURCE_REMOVE;
}

static void
run_some_rounds (void)
{
  bool is_over = false;

  g_timeout_add (3500, on_time, &is_over);
  while (!is_over)
    g_main_context_iteration (NULL, TRUE);
}

/* What a former server left goes; a new one, a paused one and what is no output's stay. */
static void
test_hls (Fixture *fixture, gconstpointer unused)
{
  const MxrOutputOrder order = { .type = "hls" };

  make_file (fixture->directory, "old", "00000.m4s", 100);
  make_file (fixture->directory, "old", "init.mp4", 100);
  make_file (fixture->directory, "old", "index.m3u8", 100);
  make_file (fixture->directory, "new", "index.m3u8", -1000);
  make_file (fixture->directory, "somebody's", "index.m3u8", 100);
  make_file (fixture->directory, "somebody's", "photo.jpg", 100);
  make_file (fixture->directory, "no-output", "letter.txt", 100);
  start_hub (fixture);
  MxrParticipant *ada = join (fixture, "Ada", MXR_ROLE_SESSION);
  start_output (fixture, &order);
  run_until (old_one_is_gone, fixture, "the old one is deleted");
  g_auto (GStrv) live = mxr_hub_list_live_outputs (fixture->hub);
  g_assert_cmpuint (g_strv_length (live), ==, 1);
  g_ptr_array_add (fixture->told, g_strdup (live[0]));
  run_until (has_playlist, fixture, "the first segment");
  GVariant *paused = mxr_hub_pause_output (fixture->hub, "studio", live[0], true, NULL);
  g_variant_unref (g_variant_ref_sink (paused));
  make_file (fixture->directory, live[0], "index.m3u8", 100); /* as old as after a long pause */
  run_some_rounds ();
  g_assert_true (is_there (fixture, live[0], "init.mp4"));
  g_assert_true (is_there (fixture, "new", "index.m3u8"));
  g_assert_true (is_there (fixture, "somebody's", "photo.jpg"));
  g_assert_true (is_there (fixture, "no-output", "letter.txt"));
  mxr_participant_leave (ada);
  run_until (ended_one_is_gone, fixture, "the ended one is deleted");
  g_assert_true (is_there (fixture, "new", "index.m3u8"));
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/recordings/names", Fixture, NULL, set_up, test_names, tear_down);
  g_test_add ("/recordings/hls", Fixture, NULL, set_up, test_hls, tear_down);
  return g_test_run ();
}
