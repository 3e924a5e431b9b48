/* Players from the room's side: what is told of them, what they keep alive, and their end in every way. */

#include "mixroom/room.h"

#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>

#include "mixroom/limits.h"

#define WATCHDOG_US (20 * G_TIME_SPAN_SECOND)

typedef struct {
  MxrConfig *config;
  MxrHub *hub;
  GString *heard; /* of players: their states */
  GString *roster;
  guint n_tiles;
} Fixture;

static char *sound; /* a file of a second of silence */

/* A file that needs no encoder: RIFF, PCM, 8000 Hz, 16 bits, one channel. */
static void
make_sound (void)
{
  static const guint8 head[] = { 'R', 'I', 'F', 'F', 0xa4, 0x3e, 0, 0, 'W', 'A', 'V', 'E', 'f', 'm', 't', ' ', 16, 0, 0, 0, 1, 0,
                                 1, 0, 0x40, 0x1f, 0, 0, 0x80, 0x3e, 0, 0, 2, 0, 16, 0, 'd', 'a', 't', 'a', 0x80, 0x3e, 0, 0 };
  g_autofree char *bytes = g_malloc0 (sizeof head + 16000);

  memcpy (bytes, head, sizeof head);
  int fd = g_file_open_tmp ("mixroom-XXXXXX.wav", &sound, NULL);
  g_assert_cmpint (fd, >=, 0);
  g_close (fd, NULL);
  g_assert_true (g_file_set_contents (sound, bytes, sizeof head + 16000, NULL));
}

/* ---- What is told ----------------------------------------------------------------------------------------------- */

static void
on_player (const char *room, GVariant *player, gpointer user_data)
{
  const char *state = NULL;

  g_assert_cmpstr (room, ==, "lounge");
  g_assert_true (g_variant_lookup (player, "state", "&s", &state));
  g_string_append_printf (((Fixture *) user_data)->heard, "%s ", state);
}

static void
on_member (MxrParticipant *participant, const MxrMember *member, bool is_gone, gpointer user_data)
{
  Fixture *fixture = user_data;
  if (is_gone || strcmp (member->name, "Film") == 0)
    g_string_append_printf (fixture->roster, "%s%s ", is_gone ? "-" : "+", member->sends_audio ? "sound" : "");
}

static void
on_tiles (MxrParticipant *participant, const char *view, guint width_px, guint height_px, const MxrTileInfo *tiles,
          gsize n_tiles, gpointer user_data)
{
  ((Fixture *) user_data)->n_tiles = (guint) n_tiles;
}

static const MxrParticipantEvents events = { .on_member = on_member, .on_tiles = on_tiles };
static const MxrHubEvents hub_events = { .on_player = on_player };

static void
setup (Fixture *fixture, gconstpointer data)
{
  static const char *const settings[] = { "ice.allow_loopback=true", "ice.local_addresses=127.0.0.1", "players.files=true", "players.max_per_room=2" };

  *fixture = (Fixture){ .config = mxr_config_new (), .heard = g_string_new (NULL), .roster = g_string_new (NULL) };
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    g_assert_true (mxr_config_set (fixture->config, settings[i], NULL));
  fixture->hub = mxr_hub_new (fixture->config, NULL);
  g_assert_nonnull (fixture->hub);
  mxr_hub_set_events (fixture->hub, &hub_events, fixture);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  mxr_hub_free (fixture->hub);
  mxr_config_free (fixture->config);
  g_string_free (fixture->heard, TRUE);
  g_string_free (fixture->roster, TRUE);
}

static MxrParticipant *
join (Fixture *fixture)
{
  MxrParticipant *participant = mxr_hub_join (fixture->hub, "lounge", "Ann", MXR_ROLE_SESSION, &events, fixture, NULL);
  g_assert_nonnull (participant);
  return participant;
}

/* Returns: (transfer full): the player's id. */
static char *
start (Fixture *fixture, bool loop)
{
  const MxrPlayerOrder order = { .location = sound, .is_file = true, .name = "Film", .loop = loop, .volume = 1 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) player = mxr_hub_start_player (fixture->hub, "lounge", &order, &error);
  char *id = NULL;

  g_assert_no_error (error);
  g_variant_ref_sink (player);
  g_assert_true (g_variant_lookup (player, "id", "s", &id));
  return id;
}

static void
await (Fixture *fixture, const char *word)
{
  gint64 until_us = g_get_monotonic_time () + WATCHDOG_US;

  while (strstr (fixture->heard->str, word) == NULL) {
    if (g_get_monotonic_time () > until_us)
      g_error ("no '%s', but: %s", word, fixture->heard->str);
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (1000);
  }
}

static void
settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static bool
has_room (Fixture *fixture)
{
  g_autoptr (GVariant) room = mxr_hub_describe_room (fixture->hub, "lounge");
  if (room != NULL)
    g_variant_ref_sink (room);
  return room != NULL;
}

/* ---- Tests ------------------------------------------------------------------------------------------------------ */

static void
test_comes_and_goes (Fixture *fixture, gconstpointer data)
{
  MxrParticipant *ann = join (fixture);
  settle ();
  g_autofree char *id = start (fixture, false);
  settle ();
  g_assert_cmpuint (fixture->n_tiles, ==, 2);
  await (fixture, "finished");
  settle ();
  g_assert_cmpstr (fixture->heard->str, ==, "starting playing finished ");
  g_assert_cmpuint (fixture->n_tiles, ==, 1);
  g_assert_nonnull (strstr (fixture->roster->str, "+sound "));
  g_assert_true (g_str_has_suffix (fixture->roster->str, "- "));
  g_autoptr (GVariant) player = mxr_hub_describe_player (fixture->hub, "lounge", id, NULL);
  g_assert_nonnull (player); /* for a minute */
  g_variant_ref_sink (player);
  g_autoptr (GError) error = NULL;
  const MxrPlayerChange change = { 1, MXR_UNCHANGED, MXR_UNCHANGED, MXR_UNCHANGED };
  g_assert_null (mxr_hub_change_player (fixture->hub, "lounge", id, &change, &error));
  g_assert_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_OUTPUT_ENDED);
  mxr_participant_leave (ann);
}

/* It keeps no room alive, in whatever state it is. */
static void
test_last_leaves (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 3; i++) {
    MxrParticipant *ann = join (fixture);
    g_autofree char *id = start (fixture, true);
    g_string_truncate (fixture->heard, 0);
    if (i > 0)
      settle ();
    if (i > 1)
      await (fixture, "playing");
    mxr_participant_leave (ann);
    g_assert_false (has_room (fixture));
    g_assert_nonnull (strstr (fixture->heard->str, "finished"));
    settle ();
  }
}

static void
test_stopped (Fixture *fixture, gconstpointer data)
{
  MxrParticipant *ann = join (fixture);
  g_autofree char *id = start (fixture, true);
  g_autofree char *other = start (fixture, true);
  const MxrPlayerOrder order = { .location = sound, .is_file = true, .volume = 1 };
  const MxrPlayerChange bad = { MXR_UNCHANGED, MXR_UNCHANGED, MXR_UNCHANGED, 5 };
  g_autoptr (GError) full = NULL, wrong = NULL, none = NULL;

  g_assert_null (mxr_hub_start_player (fixture->hub, "lounge", &order, &full));
  g_assert_error (full, MXR_ROOM_ERROR, MXR_ROOM_ERROR_FULL);
  g_assert_null (mxr_hub_change_player (fixture->hub, "lounge", id, &bad, &wrong));
  g_assert_error (wrong, MXR_ROOM_ERROR, MXR_ROOM_ERROR_BAD_PLAYER);
  g_variant_unref (g_variant_ref_sink (mxr_hub_stop_player (fixture->hub, "lounge", id, NULL)));
  g_variant_unref (g_variant_ref_sink (mxr_hub_stop_player (fixture->hub, "lounge", id, NULL))); /* stays so */
  g_autofree char *third = start (fixture, true);
  g_assert_null (mxr_hub_stop_player (fixture->hub, "lounge", "nothing", &none));
  g_assert_error (none, MXR_ROOM_ERROR, MXR_ROOM_ERROR_NOT_FOUND);
  mxr_participant_leave (ann);
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  static const struct {
    MxrPlayerOrder order;
    int code;
  } cases[] = {
    { { .location = "/nonexistent", .is_file = true, .volume = 1 }, MXR_ROOM_ERROR_BAD_PLAYER },
    { { .location = "http://example.org/", .volume = 1 }, MXR_ROOM_ERROR_OUTPUT_OFF },
    { { .location = "/nonexistent", .is_file = true, .volume = 5 }, MXR_ROOM_ERROR_BAD_PLAYER },
    { { .location = "/nonexistent", .is_file = true, .volume = 1, .name = "a\nb" }, MXR_ROOM_ERROR_BAD_NAME },
  };
  g_autoptr (GError) none = NULL;

  g_assert_null (mxr_hub_start_player (fixture->hub, "lounge", &cases[0].order, &none));
  g_assert_error (none, MXR_ROOM_ERROR, MXR_ROOM_ERROR_NOT_FOUND);
  MxrParticipant *ann = join (fixture);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (mxr_hub_start_player (fixture->hub, "lounge", &cases[i].order, &error));
    g_assert_error (error, MXR_ROOM_ERROR, cases[i].code);
  }
  g_assert_cmpuint (mxr_hub_count_participants (fixture->hub), ==, 1);
  mxr_participant_leave (ann);
}

/* As many as may be, of processes that end at once; of those that have ended some are told of. */
static void
test_many (Fixture *fixture, gconstpointer data)
{
  const MxrPlayerOrder order = { .location = sound, .is_file = true, .volume = 1 };
  g_autofree char *program = g_strdup (g_getenv ("MIXROOM_PLAYER"));
  g_autoptr (GError) error = NULL;
  MxrParticipant *ann = join (fixture);

  g_assert_true (mxr_config_set (fixture->config, "players.max_per_room=64", NULL));
  g_setenv ("MIXROOM_PLAYER", "/bin/true", TRUE);
  mxr_hub_join (fixture->hub, "attic", "Eve", MXR_ROLE_SESSION, &events, fixture, NULL);
  for (guint i = 0; i < MXR_PLAYERS_MAX; i++)
    g_free (start (fixture, false));
  g_assert_null (mxr_hub_start_player (fixture->hub, "attic", &order, &error));
  g_assert_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_FULL);
  while (mxr_hub_count_participants (fixture->hub) > 2)
    g_main_context_iteration (NULL, TRUE);
  g_free (start (fixture, false));
  g_autoptr (GVariant) told = g_variant_ref_sink (mxr_hub_describe_players (fixture->hub, "lounge", NULL));
  g_assert_cmpuint (g_variant_n_children (told), ==, MXR_PLAYERS_KEPT);
  if (program != NULL)
    g_setenv ("MIXROOM_PLAYER", program, TRUE);
  mxr_participant_leave (ann);
}

/* With one that plays, and one that is starting. */
static void
test_hub_ends (Fixture *fixture, gconstpointer data)
{
  join (fixture);
  g_autofree char *id = start (fixture, true);
  await (fixture, "playing");
  g_autoptr (GString) metrics = g_string_new (NULL);
  mxr_hub_append_metrics (fixture->hub, metrics);
  g_assert_true (has_room (fixture));
  g_autofree char *other = start (fixture, true);
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *path;
    void (*test) (Fixture *, gconstpointer);
  } tests[] = {
    { "/players/comes-and-goes", test_comes_and_goes }, { "/players/last-leaves", test_last_leaves },
    { "/players/stopped", test_stopped },               { "/players/refused", test_refused },
    { "/players/many", test_many },                     { "/players/hub-ends", test_hub_ends },
  };

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  make_sound ();
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, setup, tests[i].test, teardown);
  int result = g_test_run ();
  g_unlink (sound);
  g_free (sound);
  return result;
}
