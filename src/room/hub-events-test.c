/* What who watches all rooms is told, and in which order. */

#include "mixroom/room.h"

#include <gst/gst.h>
#include <string.h>

#define WATCHDOG_S 20

typedef struct {
  MxrConfig *config;
  MxrHub *hub;
  char *directory;
  GString *told; /* a word per event */
} Fixture;

static void
on_room (const char *room, bool is_over, gpointer user_data)
{
  g_string_append_printf (user_data, "%s:%s ", is_over ? "over" : "began", room);
}

static void
on_participant (const char *room, const MxrMember *member, MxrRole role, bool is_gone, gpointer user_data)
{
  g_assert_nonnull (member->id);
  g_string_append_printf (user_data, "%s%s@%s/%u ", is_gone ? "-" : "+", member->name, room, role);
}

static void
on_output (const char *room, GVariant *output, gpointer user_data)
{
  const char *state = NULL, *type = NULL;

  g_assert_true (g_variant_is_of_type (output, G_VARIANT_TYPE_VARDICT));
  g_assert_true (g_variant_lookup (output, "state", "&s", &state));
  g_assert_true (g_variant_lookup (output, "type", "&s", &type));
  g_string_append_printf (user_data, "%s:%s ", type, state);
}

static const MxrHubEvents events = {
  .on_room = on_room,
  .on_participant = on_participant,
  .on_output = on_output,
};

static void
fixture_init (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fixture->directory = g_dir_make_tmp ("mixroom-events-XXXXXX", NULL);
  g_autofree char *recordings = g_strconcat ("programme.recordings_directory=", fixture->directory, NULL);
  g_autofree char *hls = g_strconcat ("programme.hls_directory=", fixture->directory, NULL);
  fixture->config = mxr_config_new ();
  g_assert_true (mxr_config_set (fixture->config, recordings, NULL));
  g_assert_true (mxr_config_set (fixture->config, hls, NULL));
  fixture->hub = mxr_hub_new (fixture->config, &error);
  g_assert_no_error (error);
  fixture->told = g_string_new (NULL);
  mxr_hub_set_events (fixture->hub, &events, fixture->told);
}

static void
fixture_clear (Fixture *fixture, gconstpointer unused)
{
  const char *const arguments[] = { "rm", "-r", fixture->directory, NULL };

  mxr_hub_free (fixture->hub);
  mxr_config_free (fixture->config);
  g_spawn_sync (NULL, (char **) arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
  g_free (fixture->directory);
  g_string_free (fixture->told, TRUE);
}

static MxrParticipant *
join (Fixture *fixture, const char *room, const char *name, MxrRole role)
{
  g_autoptr (GError) error = NULL;
  MxrParticipant *participant = mxr_hub_join (fixture->hub, room, name, role, NULL, NULL, &error);
  g_assert_no_error (error);
  return participant;
}

static void
expect (Fixture *fixture, const char *told)
{
  g_assert_cmpstr (fixture->told->str, ==, told);
  g_string_truncate (fixture->told, 0);
}

static void
await (Fixture *fixture, const char *word)
{
  gint64 end_us = g_get_monotonic_time () + WATCHDOG_S * G_USEC_PER_SEC;
  while (strstr (fixture->told->str, word) == NULL && g_get_monotonic_time () < end_us)
    g_main_context_iteration (NULL, TRUE);
  g_assert_nonnull (strstr (fixture->told->str, word));
}

static void
test_people (Fixture *fixture, gconstpointer unused)
{
  MxrParticipant *ada = join (fixture, "lounge", "Ada", MXR_ROLE_SESSION);
  expect (fixture, "began:lounge +Ada@lounge/0 ");
  MxrParticipant *bob = join (fixture, "lounge", "Bob", MXR_ROLE_VIEWER);
  expect (fixture, "+Bob@lounge/2 ");
  g_assert_null (mxr_hub_join (fixture->hub, "", "Cam", MXR_ROLE_SESSION, NULL, NULL, NULL));
  mxr_participant_leave (ada);
  expect (fixture, "-Ada@lounge/0 ");
  mxr_participant_leave (bob);
  expect (fixture, "-Bob@lounge/2 over:lounge ");
  join (fixture, "lounge", "Cam", MXR_ROLE_PUBLISHER);
  expect (fixture, "began:lounge +Cam@lounge/1 ");
}

/* What is under way when the server ends is told to its end. */
static void
test_outputs (Fixture *fixture, gconstpointer unused)
{
  const MxrOutputOrder order = { .type = "file" };
  g_autoptr (GError) error = NULL;

  join (fixture, "lounge", "Ada", MXR_ROLE_SESSION);
  g_autoptr (GVariant) output = mxr_hub_start_output (fixture->hub, "lounge", &order, &error);
  g_assert_no_error (error);
  g_variant_ref_sink (output);
  expect (fixture, "began:lounge +Ada@lounge/0 file:starting ");
  await (fixture, "file:running ");
  mxr_hub_clear (fixture->hub);
  expect (fixture, "file:running -Ada@lounge/0 over:lounge file:finished ");
  g_assert_null (mxr_hub_join (fixture->hub, "lounge", "Bob", MXR_ROLE_SESSION, NULL, NULL, NULL));
  expect (fixture, "");
}

/* ---- What participants are told of outputs ---- */

static void
on_outputs (MxrParticipant *participant, bool is_recorded, bool is_live, gpointer user_data)
{
  g_string_append_printf (user_data, "recorded=%d,live=%d ", is_recorded, is_live);
}

static void
on_roster (MxrParticipant *participant, const MxrMember *members, gsize n_members, gpointer user_data)
{
}

static const MxrParticipantEvents participant_events = { .on_roster = on_roster, .on_outputs = on_outputs };

static GString *
join_told (Fixture *fixture, const char *name)
{
  g_autoptr (GError) error = NULL;
  GString *told = g_string_new (NULL);

  mxr_hub_join (fixture->hub, "lounge", name, MXR_ROLE_SESSION, &participant_events, told, &error);
  g_assert_no_error (error);
  return told;
}

static char *
start_output (Fixture *fixture, const char *type)
{
  const MxrOutputOrder order = { .type = type };
  g_autoptr (GError) error = NULL;
  char *id = NULL;

  g_autoptr (GVariant) output = mxr_hub_start_output (fixture->hub, "lounge", &order, &error);
  g_assert_no_error (error);
  g_variant_ref_sink (output);
  g_assert_true (g_variant_lookup (output, "id", "s", &id));
  return id;
}

static void
expect_use (GString *told, const char *words)
{
  gint64 end_us = g_get_monotonic_time () + WATCHDOG_S * G_USEC_PER_SEC;

  while (told->len < strlen (words) && g_get_monotonic_time () < end_us)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (told->str, ==, words);
  g_string_truncate (told, 0);
}

static void
stop_output (Fixture *fixture, const char *id)
{
  g_autoptr (GVariant) output = mxr_hub_stop_output (fixture->hub, "lounge", id, NULL);
  g_assert_nonnull (output);
  g_variant_ref_sink (output);
}

static void
pause_output (Fixture *fixture, const char *id, bool paused)
{
  g_autoptr (GVariant) output = mxr_hub_pause_output (fixture->hub, "lounge", id, paused, NULL);
  g_assert_nonnull (output);
  g_variant_ref_sink (output);
}

/* Everybody knows whether the room is recorded or sent out, who comes later too; two of a kind make no difference. */
static void
test_use (Fixture *fixture, gconstpointer unused)
{
  GString *ada = join_told (fixture, "Ada");

  expect_use (ada, "recorded=0,live=0 ");
  g_autofree char *file = start_output (fixture, "file");
  expect_use (ada, "recorded=1,live=0 ");
  GString *bob = join_told (fixture, "Bob");
  expect_use (bob, "recorded=1,live=0 ");
  g_autofree char *tracks = start_output (fixture, "tracks");
  g_autofree char *hls = start_output (fixture, "hls");
  expect_use (bob, "recorded=1,live=1 ");
  await (fixture, "file:running ");
  pause_output (fixture, file, true);
  stop_output (fixture, hls);
  expect_use (bob, "recorded=1,live=0 ");
  stop_output (fixture, tracks);
  expect_use (bob, "recorded=0,live=0 ");
  pause_output (fixture, file, false);
  expect_use (bob, "recorded=1,live=0 ");
  stop_output (fixture, file);
  expect_use (bob, "recorded=0,live=0 ");
  expect_use (ada, "recorded=1,live=1 recorded=1,live=0 recorded=0,live=0 recorded=1,live=0 recorded=0,live=0 ");
  mxr_hub_clear (fixture->hub);
  expect_use (ada, "");
  g_string_free (ada, TRUE);
  g_string_free (bob, TRUE);
}

static void
test_taken_back (Fixture *fixture, gconstpointer unused)
{
  MxrParticipant *ada = join (fixture, "lounge", "Ada", MXR_ROLE_SESSION);

  expect (fixture, "began:lounge +Ada@lounge/0 ");
  mxr_hub_set_events (fixture->hub, NULL, NULL);
  mxr_participant_leave (ada);
  expect (fixture, "");
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  mxr_log_init ("error", false);
#define ADD(path, func) g_test_add (path, Fixture, NULL, fixture_init, func, fixture_clear)
  ADD ("/hub-events/people", test_people);
  ADD ("/hub-events/outputs", test_outputs);
  ADD ("/hub-events/use", test_use);
  ADD ("/hub-events/taken-back", test_taken_back);
  return g_test_run ();
}
