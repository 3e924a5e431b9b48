/* Which rooms are ticked when: seldom where nothing happens, soon after something has. */

#include "room-private.h"

#include <unistd.h>

#define WATCHDOG_S 20
#define MS G_TIME_SPAN_MILLISECOND

typedef struct {
  MxrConfig *config;
  MxrHub *hub;
} Fixture;

static void
fixture_init (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  alarm (WATCHDOG_S);
  fixture->config = mxr_config_new ();
  fixture->hub = mxr_hub_new (fixture->config, &error);
  g_assert_no_error (error);
}

static void
fixture_clear (Fixture *fixture, gconstpointer unused)
{
  mxr_hub_free (fixture->hub);
  mxr_config_free (fixture->config);
}

static MxrParticipant *
join (Fixture *fixture, const char *room)
{
  static const MxrParticipantEvents events = { 0 };
  g_autoptr (GError) error = NULL;
  MxrParticipant *participant = mxr_hub_join (fixture->hub, room, "somebody", MXR_ROLE_SESSION, &events, NULL, &error);

  g_assert_no_error (error);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  return participant;
}

/* Ticks @room whenever it is due. Returns: how often. */
static guint
run (MxrRoom *room, gint64 from_us, gint64 to_us)
{
  guint n_ticks = 0;

  for (gint64 now_us = from_us; now_us < to_us; now_us = room->due_us, n_ticks++) {
    mxr_room_tick (room, now_us);
    g_assert_cmpint (room->due_us, >, now_us);
  }
  return n_ticks;
}

static void
test_quiet_room_is_ticked_seldom (Fixture *fixture, gconstpointer unused)
{
  MxrRoom *room = join (fixture, "quiet")->room;
  gint64 now_us = g_get_monotonic_time ();

  g_assert_cmpint (room->due_us, <=, now_us + 50 * MS);
  g_assert_cmpuint (run (room, now_us, now_us + 1000 * MS), >=, 20);
  now_us += 3000 * MS;
  g_assert_cmpuint (run (room, now_us, now_us + 5000 * MS), <=, 6);
}

static void
test_what_happens_is_followed (Fixture *fixture, gconstpointer unused)
{
  MxrParticipant *participant = join (fixture, "quiet");
  MxrRoom *room = participant->room;
  gint64 now_us = g_get_monotonic_time ();

  mxr_room_tick (room, now_us + 5000 * MS);
  g_assert_cmpint (room->due_us, >, now_us + 5000 * MS);
  mxr_participant_set_hand (participant, true);
  g_assert_cmpint (room->due_us, <=, g_get_monotonic_time () + 50 * MS);
  g_assert_cmpint (g_source_get_ready_time (fixture->hub->tick), <=, room->due_us);
  now_us = room->due_us;
  g_assert_cmpuint (run (room, now_us, now_us + 1000 * MS), >=, 20);
}

/* A change that waits for its time is seen to while it does. */
static void
test_what_is_waited_for (Fixture *fixture, gconstpointer unused)
{
  MxrParticipant *participant = join (fixture, "quiet");
  MxrRoom *room = participant->room;
  gint64 now_us = g_get_monotonic_time () + 10000 * MS;

  room->pass.participant = participant;
  room->pass.return_us = now_us + 1000 * MS;
  guint n = run (room, now_us, now_us + 5000 * MS);
  g_assert_cmpuint (n, >=, 20);
  g_assert_cmpuint (n, <=, 26);
  g_assert_null (room->pass.participant);
}

/* All idle rooms share their turns of the loop; a lively one does not drag them along. */
static void
test_many_rooms (Fixture *fixture, gconstpointer unused)
{
  MxrRoom *rooms[20];
  gint64 now_us = g_get_monotonic_time () + 5000 * MS;

  for (guint i = 0; i < G_N_ELEMENTS (rooms); i++) {
    g_autofree char *name = g_strdup_printf ("room %u", i);
    rooms[i] = join (fixture, name)->room;
  }
  for (guint i = 0; i < G_N_ELEMENTS (rooms); i++)
    mxr_room_tick (rooms[i], now_us + i * MS / 100);
  for (guint i = 1; i < G_N_ELEMENTS (rooms); i++)
    g_assert_cmpint (rooms[i]->due_us, ==, rooms[0]->due_us);
  mxr_room_stir (rooms[7]);
  g_assert_cmpint (rooms[7]->due_us, <, rooms[0]->due_us);
  g_assert_cmpint (rooms[8]->due_us, ==, rooms[0]->due_us);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Fixture, NULL, fixture_init, func, fixture_clear)
  ADD ("/room/idle/quiet-room-is-ticked-seldom", test_quiet_room_is_ticked_seldom);
  ADD ("/room/idle/what-happens-is-followed", test_what_happens_is_followed);
  ADD ("/room/idle/what-is-waited-for", test_what_is_waited_for);
  ADD ("/room/idle/many-rooms", test_many_rooms);
#undef ADD
  return g_test_run ();
}
