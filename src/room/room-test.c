#include "mixroom/room.h"

#include <gst/gst.h>
#include <string.h>

#include "mixroom/limits.h"

#define WATCHDOG_S 20

/* Somebody at the other end of the signalling, who writes down what is said. */
typedef struct {
  MxrHub *hub;
  MxrParticipant *participant; /* NULL: removed */
  GString *heard;              /* a word per event */
  GString *roster;             /* names of the last one */
  bool is_calling;             /* an event now would come from inside the call that caused it */
  bool leaves_on_roster;
  guint n_answers, n_refusals;
  MxrParticipant *leaves_too; /* who is made to leave by on_removed */
} Person;

typedef struct {
  MxrConfig *config;
  MxrHub *hub;
} Fixture;

/* ---- Events ------------------------------------------------------------------------------------------------- */

static void
hear (Person *person, const char *word)
{
  g_assert_false (person->is_calling);
  g_string_append_printf (person->heard, "%s ", word);
}

static void
on_candidate (MxrParticipant *participant, const char *candidate, const char *mid, gpointer user_data)
{
  g_assert_false (((Person *) user_data)->is_calling);
}

static void
on_roster (MxrParticipant *participant, const MxrMember *members, gsize n_members, gpointer user_data)
{
  Person *person = user_data;
  hear (person, "roster");
  g_string_truncate (person->roster, 0);
  for (gsize i = 0; i < n_members; i++)
    g_string_append_printf (person->roster, "%s ", members[i].name);
  if (person->leaves_on_roster)
    mxr_participant_leave (g_steal_pointer (&person->participant));
}

static void
on_member (MxrParticipant *participant, const MxrMember *member, bool is_gone, gpointer user_data)
{
  g_autofree char *word = g_strdup_printf ("%s%s%s%s", is_gone ? "-" : "+", member->name,
                                           member->audio_muted ? "/muted" : "", member->hand_raised ? "/hand" : "");
  hear (user_data, word);
}

static void
on_tiles (MxrParticipant *participant, const char *view, guint width_px, guint height_px, const MxrTileInfo *tiles,
          gsize n_tiles, gpointer user_data)
{
  g_autofree char *word = g_strdup_printf ("tiles:%u", (guint) n_tiles);
  hear (user_data, word);
}

static void
on_chat (MxrParticipant *participant, const MxrChatLine *line, gpointer user_data)
{
  g_autofree char *word = g_strdup_printf ("chat:%s:%s", line->name, line->text);
  hear (user_data, word);
}

static void
on_closing (MxrParticipant *participant, const char *reason, guint reconnect_in_ms, gpointer user_data)
{
  hear (user_data, "closing");
}

static void
on_removed (MxrParticipant *participant, MxrRemoval code, const char *reason, gpointer user_data)
{
  Person *person = user_data;
  g_assert_true (person->participant == participant);
  person->participant = NULL;
  g_string_append_printf (person->heard, "removed:%s ", reason);
  if (person->leaves_too != NULL)
    mxr_participant_leave (g_steal_pointer (&person->leaves_too));
}

static const MxrParticipantEvents events = {
  .on_candidate = on_candidate,
  .on_roster = on_roster,
  .on_member = on_member,
  .on_tiles = on_tiles,
  .on_chat = on_chat,
  .on_closing = on_closing,
  .on_removed = on_removed,
};

static Person *
person_new (Fixture *fixture)
{
  Person *person = g_new0 (Person, 1);
  person->hub = fixture->hub;
  person->heard = g_string_new (NULL);
  person->roster = g_string_new (NULL);
  return person;
}

static Person *
join_as (Fixture *fixture, const char *room, const char *name, MxrRole role)
{
  Person *person = person_new (fixture);
  g_autoptr (GError) error = NULL;
  person->is_calling = true;
  person->participant = mxr_hub_join (fixture->hub, room, name, role, &events, person, &error);
  g_assert_no_error (error);
  person->is_calling = false;
  return person;
}

static Person *
join (Fixture *fixture, const char *name)
{
  return join_as (fixture, "lounge", name, MXR_ROLE_SESSION);
}

static void
person_free (Person *person)
{
  if (person->participant != NULL)
    mxr_participant_leave (person->participant);
  g_string_free (person->heard, TRUE);
  g_string_free (person->roster, TRUE);
  g_free (person);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Person, person_free)

/* Until nothing is left to be told. */
static void
settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
expect (Person *person, const char *heard)
{
  settle ();
  g_assert_cmpstr (person->heard->str, ==, heard);
  g_string_truncate (person->heard, 0);
}

static void
fixture_init (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  fixture->config = mxr_config_new ();
  fixture->config->media.net_threads = 2;
  fixture->config->ice.allow_loopback = true;
  g_assert_true (mxr_config_set (fixture->config, "ice.local_addresses=127.0.0.1", &error));
  fixture->config->room.resume_timeout_s = 1;
  fixture->config->room.max_rooms = 2;
  fixture->config->room.max_participants = 3;
  fixture->config->room.chat_history = 2;
  fixture->hub = mxr_hub_new (fixture->config, &error);
  g_assert_no_error (error);
}

static void
fixture_clear (Fixture *fixture, gconstpointer unused)
{
  mxr_hub_free (fixture->hub);
  mxr_config_free (fixture->config);
}

/* ---- Coming and going ---------------------------------------------------------------------------------------- */

static void
test_roster (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Person) ada = join (fixture, "Ada");
  expect (ada, "roster tiles:1 ");
  g_autoptr (Person) viewer = join_as (fixture, "lounge", "Eve", MXR_ROLE_VIEWER);
  expect (ada, "");
  expect (viewer, "roster tiles:1 ");
  g_autoptr (Person) bob = join (fixture, "Bob");
  expect (ada, "+Bob tiles:2 ");
  expect (viewer, "+Bob tiles:2 ");
  expect (bob, "roster tiles:2 ");
  g_assert_cmpstr (bob->roster->str, ==, "Ada Bob ");
  mxr_participant_leave (g_steal_pointer (&ada->participant));
  expect (bob, "- tiles:1 ");
  expect (ada, "");
}

/* Many changes, told once, and never from inside the calls. */
static void
test_changes_are_merged (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Person) ada = join (fixture, "Ada");
  g_autoptr (Person) bob = join (fixture, "Bob");
  settle ();
  g_string_truncate (ada->heard, 0);
  ada->is_calling = bob->is_calling = true;
  for (guint i = 0; i < 100; i++) {
    mxr_participant_set_muted (bob->participant, i % 2 == 1 ? MXR_MUTE_ON : MXR_MUTE_OFF, MXR_MUTE_UNCHANGED);
    mxr_participant_set_hand (bob->participant, true);
  }
  ada->is_calling = bob->is_calling = false;
  expect (ada, "+Bob/muted/hand ");
}

static void
test_leaving_from_within (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Person) ada = join (fixture, "Ada");
  g_autoptr (Person) bob = join (fixture, "Bob");
  ada->leaves_on_roster = bob->leaves_on_roster = true;
  expect (ada, "roster ");
  expect (bob, "roster ");
  g_assert_cmpuint (mxr_hub_count_participants (fixture->hub), ==, 0);
  g_autoptr (GVariant) rooms = g_variant_ref_sink (mxr_hub_describe_rooms (fixture->hub));
  g_assert_cmpuint (g_variant_n_children (rooms), ==, 0);
}

/* A room that is being taken down does not stand in the way of a new one of its name. */
static void
test_room_again_and_again (Fixture *fixture, gconstpointer unused)
{
  for (guint i = 0; i < 10; i++) {
    g_autoptr (Person) ada = join (fixture, "Ada");
    if (i % 2 == 0)
      expect (ada, "roster tiles:1 ");
  }
}

static void
test_resume (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Person) first = join (fixture, "Ada");
  g_autoptr (Person) second = person_new (fixture);
  g_autofree char *token = g_strdup (mxr_participant_get_resume_token (first->participant));
  g_autoptr (GError) error = NULL;

  expect (first, "roster tiles:1 ");
  second->is_calling = true;
  second->participant = mxr_hub_resume (fixture->hub, token, NULL, &events, second, &error);
  second->is_calling = false;
  g_assert_no_error (error);
  expect (first, "removed:resumed elsewhere ");
  expect (second, "roster tiles:1 ");

  mxr_participant_detach (second->participant);
  second->participant = mxr_hub_resume (fixture->hub, token, NULL, &events, second, &error);
  g_assert_no_error (error);
  expect (second, "roster tiles:1 ");
  mxr_participant_leave (g_steal_pointer (&second->participant));
  g_assert_null (mxr_hub_resume (fixture->hub, token, NULL, &events, second, &error));
  g_assert_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_NOT_FOUND);
}

static void
test_nobody_resumes (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Person) ada = join (fixture, "Ada");
  g_autoptr (Person) bob = join (fixture, "Bob");
  gint64 deadline_us = g_get_monotonic_time () + WATCHDOG_S * G_USEC_PER_SEC;

  settle ();
  g_string_truncate (bob->heard, 0);
  mxr_participant_detach (g_steal_pointer (&ada->participant));
  while (mxr_hub_count_participants (fixture->hub) == 2 && g_get_monotonic_time () < deadline_us)
    g_main_context_iteration (NULL, TRUE);
  expect (bob, "- tiles:1 ");
}

/* A publisher has no token that could be resumed. */
static void
test_publishers_do_not_resume (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Person) cam = join_as (fixture, "lounge", "Cam", MXR_ROLE_PUBLISHER);
  g_autoptr (GError) error = NULL;
  const char *token = mxr_participant_get_resume_token (cam->participant);
  g_assert_null (mxr_hub_resume (fixture->hub, token, NULL, &events, cam, &error));
  g_assert_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_NOT_FOUND);
}

/* ---- Uplinks ------------------------------------------------------------------------------------------------ */

static void
on_uplink_limit (MxrParticipant *participant, const MxrUplinkLimit *limit, gpointer user_data)
{
  g_autofree char *word =
    g_strdup_printf ("%ux%u@%u/%uk", limit->width_px, limit->height_px, limit->framerate, limit->bitrate_bps / 1000);
  hear (user_data, word);
}

static Person *
join_to_send (Fixture *fixture, const char *name, MxrRole role)
{
  static const MxrParticipantEvents limit_events = { .on_uplink_limit = on_uplink_limit, .on_roster = on_roster,
                                                     .on_removed = on_removed };
  Person *person = person_new (fixture);
  g_autoptr (GError) error = NULL;
  person->is_calling = true;
  person->participant = mxr_hub_join (fixture->hub, "lounge", name, role, &limit_events, person, &error);
  g_assert_no_error (error);
  person->is_calling = false;
  return person;
}

/* The roster comes first; who sends nothing is told nothing; a small tile is told to who comes, but not at once to who was
 * shown larger. */
static void
test_uplink_limit (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Person) viewer = join_to_send (fixture, "Eve", MXR_ROLE_VIEWER);
  g_autoptr (Person) ada = join_to_send (fixture, "Ada", MXR_ROLE_SESSION);
  expect (viewer, "roster ");
  expect (ada, "roster 1280x720@30/1500k ");
  g_autoptr (Person) bob = join_to_send (fixture, "Bob", MXR_ROLE_PUBLISHER);
  expect (bob, "roster 638x358@30/594k ");
  expect (ada, "");
  expect (viewer, "");
  g_clear_pointer (&ada, person_free);
  expect (bob, "1280x720@30/1500k ");
}

/* More people than the view shows: the rest is to send nothing until there is a place. */
static void
test_uplink_shown_nowhere (Fixture *fixture, gconstpointer unused)
{
  Person *people[8];

  fixture->config->room.max_participants = G_N_ELEMENTS (people);
  fixture->config->room.grid_max = 2;
  for (guint i = 0; i < G_N_ELEMENTS (people); i++)
    people[i] = join_to_send (fixture, "Ada", MXR_ROLE_SESSION);
  Person *last = people[G_N_ELEMENTS (people) - 1];
  expect (people[0], "roster 1020x574@30/1062k ");
  expect (people[1], "roster 256x144@15/96k ");
  expect (last, "roster 0x0@0/0k ");
  g_clear_pointer (&people[1], person_free);
  g_clear_pointer (&people[2], person_free);
  g_clear_pointer (&people[3], person_free);
  expect (last, "256x144@15/96k ");
  for (guint i = 0; i < G_N_ELEMENTS (people); i++)
    g_clear_pointer (&people[i], person_free);
}

/* ---- Limits ------------------------------------------------------------------------------------------------- */

static void
refuse (Fixture *fixture, const char *room, const char *name, MxrRoomError code)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (mxr_hub_join (fixture->hub, room, name, MXR_ROLE_SESSION, &events, NULL, &error));
  g_assert_error (error, MXR_ROOM_ERROR, (int) code);
}

static void
test_names (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *longest = g_strnfill (MXR_NAME_MAX_CHARS, 'x');
  g_autofree char *too_long = g_strnfill (MXR_NAME_MAX_CHARS + 1, 'x');
  const char *const bad[] = { "", too_long, "a\nb", "a\x7f", "\xc2\x85", "\xff\xfe", "\xc3" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    refuse (fixture, bad[i], "Ada", MXR_ROOM_ERROR_BAD_NAME);
    refuse (fixture, "lounge", bad[i], MXR_ROOM_ERROR_BAD_NAME);
  }
  g_assert_cmpuint (mxr_hub_count_participants (fixture->hub), ==, 0);
  g_autoptr (Person) person = join_as (fixture, longest, "\xe6\x84\x9b \xf0\x9f\x90\xa6", MXR_ROLE_SESSION);
  expect (person, "roster tiles:1 ");
}

static void
test_limits (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Person) ada = join (fixture, "Ada");
  g_autoptr (Person) bob = join (fixture, "Bob");
  g_autoptr (Person) eve = join_as (fixture, "lounge", "Eve", MXR_ROLE_VIEWER);
  refuse (fixture, "lounge", "Fay", MXR_ROOM_ERROR_FULL);
  g_autoptr (Person) other = join_as (fixture, "office", "Gil", MXR_ROLE_SESSION);
  refuse (fixture, "attic", "Hal", MXR_ROOM_ERROR_FULL);
  mxr_participant_leave (g_steal_pointer (&other->participant));
  g_autoptr (Person) hal = join_as (fixture, "attic", "Hal", MXR_ROLE_SESSION);
  settle ();
}

static void
test_chat (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Person) ada = join (fixture, "Ada");
  g_autofree char *longest = g_strnfill (MXR_CHAT_MAX_CHARS, 'x');
  g_autofree char *too_long = g_strnfill (MXR_CHAT_MAX_CHARS + 1, 'x');
  const char *const bad[] = { "", too_long, "\xff" };

  expect (ada, "roster tiles:1 ");
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_false (mxr_participant_chat (ada->participant, bad[i], &error));
    g_assert_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_BAD_NAME);
  }
  g_assert_true (mxr_participant_chat (ada->participant, longest, NULL));
  ada->is_calling = true;
  g_assert_true (mxr_participant_chat (ada->participant, "one", NULL));
  g_assert_true (mxr_participant_chat (ada->participant, "two", NULL));
  ada->is_calling = false;
  settle ();
  g_assert_true (g_str_has_suffix (ada->heard->str, "chat:Ada:one chat:Ada:two "));
  g_autoptr (Person) bob = join (fixture, "Bob");
  expect (bob, "roster tiles:2 chat:Ada:one chat:Ada:two ");
}

/* ---- Asking --------------------------------------------------------------------------------------------------- */

static char *
read_offer (void)
{
  char *text = NULL;
  g_autofree char *path =
    g_build_filename (g_test_get_dir (G_TEST_DIST), "..", "..", "tests", "data", "sdp", "chromium156-call.sdp", NULL);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return text;
}

static void
on_negotiated (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Person *person = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *answer = mxr_participant_negotiate_finish (result, &error);

  g_assert_false (person->is_calling);
  person->n_answers += answer != NULL;
  person->n_refusals += answer == NULL;
}

static void
ask (Person *person, const char *offer)
{
  person->is_calling = true;
  mxr_participant_negotiate_async (person->participant, offer, false, on_negotiated, person);
  person->is_calling = false;
}

static void
wait_for_answers (Person *person, guint n)
{
  gint64 deadline_us = g_get_monotonic_time () + WATCHDOG_S * G_USEC_PER_SEC;
  while (person->n_answers + person->n_refusals < n && g_get_monotonic_time () < deadline_us)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (person->n_answers + person->n_refusals, ==, n);
}

static void
test_answers (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Person) ada = join (fixture, "Ada");
  g_autofree char *offer = read_offer ();

  ask (ada, offer);
  ask (ada, offer); /* busy */
  ask (ada, "v=0\r\nwhat"); /* no SDP */
  wait_for_answers (ada, 3);
  g_assert_cmpuint (ada->n_answers, ==, 1);
  ask (ada, offer);
  wait_for_answers (ada, 4);
  g_assert_cmpuint (ada->n_answers, ==, 2);
}

/* Whoever leaves is called back all the same, once for each asking and not from within leaving. */
static void
test_leaving_while_asking (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *offer = read_offer ();

  for (guint i = 0; i < 5; i++) {
    g_autoptr (Person) ada = join (fixture, "Ada");
    ask (ada, offer);
    ask (ada, offer);
    for (guint k = 0; k < i; k++)
      g_main_context_iteration (NULL, FALSE);
    ada->is_calling = true;
    mxr_participant_leave (g_steal_pointer (&ada->participant));
    ada->is_calling = false;
    wait_for_answers (ada, 2);
    settle ();
    g_assert_cmpuint (ada->n_answers + ada->n_refusals, ==, 2);
  }
}

/* Removed by another: on_removed first, then the end of what was asked, outside of it. */
static void
test_removed_while_asking (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Person) ada = join (fixture, "Ada");
  g_autofree char *offer = read_offer ();

  ask (ada, offer);
  mxr_hub_free (g_steal_pointer (&fixture->hub));
  g_assert_null (ada->participant);
  wait_for_answers (ada, 1);
  g_assert_cmpuint (ada->n_refusals, ==, 1);
  g_autoptr (GError) error = NULL;
  fixture->hub = mxr_hub_new (fixture->config, &error);
  g_assert_no_error (error);
}

/* ---- The end -------------------------------------------------------------------------------------------------- */

static void
test_drain (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Person) ada = join (fixture, "Ada");
  const char *reason = NULL;

  g_assert_true (mxr_hub_is_ready (fixture->hub, &reason));
  expect (ada, "roster tiles:1 ");
  mxr_hub_drain (fixture->hub, 100);
  expect (ada, "closing ");
  g_assert_false (mxr_hub_is_ready (fixture->hub, &reason));
  g_assert_cmpstr (reason, ==, "draining");
  refuse (fixture, "lounge", "Bob", MXR_ROOM_ERROR_DRAINING);
}

/* With people inside, in negotiation, detached, and with one who takes another along. */
static void
test_free_with_people_inside (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Person) ada = join (fixture, "Ada");
  g_autoptr (Person) bob = join (fixture, "Bob");
  g_autoptr (Person) cam = join_as (fixture, "office", "Cam", MXR_ROLE_PUBLISHER);
  g_autoptr (Person) dan = join_as (fixture, "office", "Dan", MXR_ROLE_SESSION);
  g_autofree char *offer = read_offer ();

  ask (cam, offer);
  wait_for_answers (cam, 1);
  ask (bob, offer);
  mxr_participant_detach (g_steal_pointer (&dan->participant));
  ada->leaves_too = g_steal_pointer (&bob->participant);
  g_string_truncate (ada->heard, 0);
  mxr_hub_free (g_steal_pointer (&fixture->hub));
  g_assert_nonnull (strstr (ada->heard->str, "removed:the server ends"));
  g_assert_null (strstr (bob->heard->str, "removed"));
  g_assert_nonnull (strstr (cam->heard->str, "removed:the server ends"));
  g_assert_null (cam->participant);
  g_autoptr (GError) error = NULL;
  fixture->hub = mxr_hub_new (fixture->config, &error);
  g_assert_no_error (error);
}

/* ---- The programme ----------------------------------------------------------------------------------------------- */

static bool
is_room_picture (Fixture *fixture)
{
  g_autoptr (GVariant) look = g_variant_ref_sink (mxr_hub_describe_programme (fixture->hub, "lounge", NULL));
  gboolean is_same = FALSE;
  g_assert_true (g_variant_lookup (look, "isRoomPicture", "b", &is_same));
  return is_same;
}

/* Who is pinned is it only while inside; all of a change counts, or nothing. */
static void
test_programme (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (Person) ada = join (fixture, "Ada");
  g_autoptr (Person) bob = join (fixture, "Bob");
  MxrProgrammeChange pin = MXR_PROGRAMME_UNCHANGED, bad = MXR_PROGRAMME_UNCHANGED;
  g_autoptr (GError) error = NULL;

  pin.pin = mxr_participant_get_id (bob->participant);
  bad.layout = "grid";
  bad.safe_margin = 0.5;
  settle ();
  g_assert_true (is_room_picture (fixture));
  g_assert_null (mxr_hub_change_programme (fixture->hub, "lounge", &bad, &error));
  g_assert_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_BAD_LOOK);
  g_assert_true (is_room_picture (fixture));
  g_autoptr (GVariant) pinned = g_variant_ref_sink (mxr_hub_change_programme (fixture->hub, "lounge", &pin, NULL));
  g_assert_false (is_room_picture (fixture));
  mxr_participant_leave (g_steal_pointer (&bob->participant));
  settle ();
  g_assert_true (is_room_picture (fixture));
}

static double
get_loudness (GVariant *look)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (look);
  double lufs = NAN;
  g_assert_true (g_variant_lookup (owned, "loudness", "d", &lufs));
  return lufs;
}

/* It is also switched off and on again while the mixer's sound is brought to it. */
static void
test_programme_loudness (Fixture *fixture, gconstpointer unused)
{
  static const double refused[] = { -37, -9, 1, -1 };
  g_autoptr (Person) ada = join (fixture, "Ada");
  MxrProgrammeChange change = MXR_PROGRAMME_UNCHANGED;

  settle ();
  g_assert_cmpfloat (get_loudness (mxr_hub_change_programme (fixture->hub, "lounge", &change, NULL)), ==, -16);
  change.loudness_lufs = 0;
  g_assert_cmpfloat (get_loudness (mxr_hub_change_programme (fixture->hub, "lounge", &change, NULL)), ==, 0);
  change.loudness_lufs = -23;
  g_assert_cmpfloat (get_loudness (mxr_hub_change_programme (fixture->hub, "lounge", &change, NULL)), ==, -23);
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++) {
    g_autoptr (GError) error = NULL;
    change.loudness_lufs = refused[i];
    g_assert_null (mxr_hub_change_programme (fixture->hub, "lounge", &change, &error));
    g_assert_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_BAD_LOOK);
  }
  g_assert_cmpfloat (get_loudness (mxr_hub_describe_programme (fixture->hub, "lounge", NULL)), ==, -23);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  mxr_log_init ("error", false);
#define ADD(path, func) g_test_add (path, Fixture, NULL, fixture_init, func, fixture_clear)
  ADD ("/room/programme", test_programme);
  ADD ("/room/programme-loudness", test_programme_loudness);
  ADD ("/room/roster", test_roster);
  ADD ("/room/changes-are-merged", test_changes_are_merged);
  ADD ("/room/leaving-from-within", test_leaving_from_within);
  ADD ("/room/room-again-and-again", test_room_again_and_again);
  ADD ("/room/resume", test_resume);
  ADD ("/room/nobody-resumes", test_nobody_resumes);
  ADD ("/room/publishers-do-not-resume", test_publishers_do_not_resume);
  ADD ("/room/uplink-limit", test_uplink_limit);
  ADD ("/room/uplink-shown-nowhere", test_uplink_shown_nowhere);
  ADD ("/room/names", test_names);
  ADD ("/room/limits", test_limits);
  ADD ("/room/chat", test_chat);
  ADD ("/room/answers", test_answers);
  ADD ("/room/leaving-while-asking", test_leaving_while_asking);
  ADD ("/room/removed-while-asking", test_removed_while_asking);
  ADD ("/room/drain", test_drain);
  ADD ("/room/free-with-people-inside", test_free_with_people_inside);
  return g_test_run ();
}
