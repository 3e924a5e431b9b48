#include "mixroom/layout.h"

#include <math.h>

#define PACKET_US (20 * 1000)
#define TICK_US (100 * 1000)
#define MAX_PEOPLE 300

/* A room in which time passes in packets; level[k] is what person k sends: 0 is no packets at all. */
typedef struct {
  MxrSpeakers *speakers;
  gint64 now_us;
  guint n;
  float level_dbov[MAX_PEOPLE];
  bool voice[MAX_PEOPLE];
  guint n_dominant_changes, n_mix_changes;
} Room;

static void
room_init (Room *room, guint n, guint max_speakers)
{
  const MxrSpeakersConfig config = { .max_speakers = max_speakers,
                                     .hold_ms = 3000,
                                     .dominant_hold_ms = 2000 };
  *room = (Room){ .speakers = mxr_speakers_new (&config), .n = n };
  for (guint key = 0; key < n; key++)
    mxr_speakers_add (room->speakers, key, 0);
}

static void
room_clear (Room *room)
{
  mxr_speakers_free (room->speakers);
}

static void
speak (Room *room, guint key, float level_dbov)
{
  room->level_dbov[key] = level_dbov;
  room->voice[key] = true;
}

static void
rest (Room *room, guint key)
{
  room->level_dbov[key] = -90;
  room->voice[key] = false;
}

static MxrSpeakersChange
run (Room *room, guint ms)
{
  MxrSpeakersChange all = MXR_SPEAKERS_UNCHANGED;
  for (gint64 end_us = room->now_us + ms * 1000; room->now_us < end_us;) {
    MxrSpeakersChange change = MXR_SPEAKERS_UNCHANGED;
    room->now_us += PACKET_US;
    for (guint key = 0; key < room->n; key++)
      if (room->level_dbov[key] != 0)
        change |=
            mxr_speakers_level (room->speakers, key, room->level_dbov[key], room->voice[key], room->now_us);
    if (room->now_us % TICK_US == 0)
      change |= mxr_speakers_tick (room->speakers, room->now_us);
    room->n_dominant_changes += (change & MXR_SPEAKERS_DOMINANT) != 0;
    room->n_mix_changes += (change & MXR_SPEAKERS_MIX) != 0;
    all |= change;
  }
  return all;
}

static int
dominant_of (const Room *room)
{
  guint32 key;
  return mxr_speakers_get_dominant (room->speakers, &key) ? (int) key : -1;
}

static guint
count_mix (const Room *room)
{
  return mxr_speakers_get_mix (room->speakers, NULL, 0);
}

static void
test_everybody_fits (void)
{
  Room room;
  room_init (&room, 6, 6);
  g_assert_cmpuint (count_mix (&room), ==, 6);
  run (&room, 60000);
  g_assert_cmpuint (count_mix (&room), ==, 6);

  g_assert_true (mxr_speakers_set_muted (room.speakers, 2, true, room.now_us) & MXR_SPEAKERS_MIX);
  g_assert_false (mxr_speakers_is_in_mix (room.speakers, 2));
  speak (&room, 2, -20);
  run (&room, 3000);
  g_assert_false (mxr_speakers_is_in_mix (room.speakers, 2));
  g_assert_false (mxr_speakers_is_talking (room.speakers, 2));
  g_assert_true (mxr_speakers_set_muted (room.speakers, 2, false, room.now_us) & MXR_SPEAKERS_MIX);
  g_assert_true (mxr_speakers_is_in_mix (room.speakers, 2));

  /* One more than fits: the silent ones leave; one less: all are back. */
  rest (&room, 2);
  mxr_speakers_add (room.speakers, 6, room.now_us);
  run (&room, 4000);
  g_assert_cmpuint (count_mix (&room), ==, 0);
  g_assert_true (mxr_speakers_remove (room.speakers, 6, room.now_us) & MXR_SPEAKERS_MIX);
  g_assert_cmpuint (count_mix (&room), ==, 6);
  room_clear (&room);
}

static void
test_first_syllable_is_mixed (void)
{
  Room room;
  room_init (&room, 10, 3);
  run (&room, 5000);
  for (guint key = 0; key < 3; key++)
    g_assert_cmpint (mxr_speakers_level (room.speakers, key, -40, true, room.now_us), ==, MXR_SPEAKERS_MIX);

  /* The mix is full of people who have paused: the longest pause makes room, at once. */
  room.now_us += 200000;
  mxr_speakers_level (room.speakers, 1, -40, true, room.now_us);
  room.now_us += 1500000;
  mxr_speakers_tick (room.speakers, room.now_us);
  mxr_speakers_level (room.speakers, 0, -40, true, room.now_us);
  g_assert_cmpint (mxr_speakers_level (room.speakers, 7, -40, true, room.now_us), ==, MXR_SPEAKERS_MIX);
  g_assert_false (mxr_speakers_is_in_mix (room.speakers, 2));
  guint32 mix[3];
  g_assert_cmpuint (mxr_speakers_get_mix (room.speakers, mix, 3), ==, 3);
  g_assert_cmpuint (mix[0], ==, 0);
  g_assert_cmpuint (mix[1], ==, 1);
  g_assert_cmpuint (mix[2], ==, 7);
  room_clear (&room);
}

/* Whether packets of silence come or none at all. */
static void
test_hold_ends (void)
{
  for (int dtx = 0; dtx <= 1; dtx++) {
    Room room;
    room_init (&room, 10, 3);
    speak (&room, 4, -30);
    run (&room, 2000);
    g_assert_true (mxr_speakers_is_talking (room.speakers, 4));
    rest (&room, 4);
    if (dtx)
      room.level_dbov[4] = 0;
    g_assert_true (run (&room, 900) & MXR_SPEAKERS_TALKING);
    g_assert_false (mxr_speakers_is_talking (room.speakers, 4));
    g_assert_false (run (&room, 1900) & MXR_SPEAKERS_MIX);
    g_assert_true (mxr_speakers_is_in_mix (room.speakers, 4));
    g_assert_true (run (&room, 300) & MXR_SPEAKERS_MIX);
    g_assert_cmpuint (count_mix (&room), ==, 0);
    room_clear (&room);
  }
}

static void
test_full_mix_of_talkers (void)
{
  Room room;
  room_init (&room, 8, 3);
  for (guint key = 0; key < 3; key++)
    speak (&room, key, -30 - (float) key);
  run (&room, 3000);
  speak (&room, 5, -30); /* as loud as the others: has to wait for a pause */
  g_assert_false (run (&room, 20000) & MXR_SPEAKERS_MIX);
  rest (&room, 5);
  run (&room, 3000);

  speak (&room, 6, -2); /* a door */
  g_assert_false (run (&room, 200) & MXR_SPEAKERS_MIX);
  rest (&room, 6);
  run (&room, 3000);

  speak (&room, 5, -18);
  g_assert_true (run (&room, 3000) & MXR_SPEAKERS_MIX);
  g_assert_true (mxr_speakers_is_in_mix (room.speakers, 5));
  g_assert_false (mxr_speakers_is_in_mix (room.speakers, 2));
  g_assert_false (run (&room, 10000) & MXR_SPEAKERS_MIX); /* and the displaced one does not fight back */
  room_clear (&room);
}

static void
test_rustle_takes_no_place_from_a_talk (void)
{
  Room room;
  room_init (&room, 8, 1);
  speak (&room, 0, -25);
  run (&room, 3000);
  rest (&room, 0);
  run (&room, 600);
  speak (&room, 3, -68);
  g_assert_false (run (&room, 200) & MXR_SPEAKERS_MIX);
  rest (&room, 3);
  run (&room, 40);
  speak (&room, 4, -25);
  g_assert_true (run (&room, 20) & MXR_SPEAKERS_MIX);
  g_assert_true (mxr_speakers_is_in_mix (room.speakers, 4));
  room_clear (&room);
}

static void
test_cough_and_door_are_no_talk (void)
{
  Room room;
  room_init (&room, 4, 6);
  for (guint i = 0; i < 10; i++) {
    speak (&room, 1, i % 2 == 0 ? -2 : -20);
    g_assert_false (run (&room, 200) & (MXR_SPEAKERS_TALKING | MXR_SPEAKERS_DOMINANT));
    rest (&room, 1);
    g_assert_false (run (&room, 800) & (MXR_SPEAKERS_TALKING | MXR_SPEAKERS_DOMINANT));
  }
  speak (&room, 0, -35);
  run (&room, 2000);
  g_assert_cmpint (dominant_of (&room), ==, 0);
  for (guint i = 0; i < 10; i++) {
    speak (&room, 1, -2);
    run (&room, 200);
    rest (&room, 1);
    run (&room, 800);
  }
  g_assert_cmpint (dominant_of (&room), ==, 0);
  g_assert_cmpuint (room.n_dominant_changes, ==, 1);
  room_clear (&room);
}

static void
test_alternating_talk (void)
{
  Room room;
  room_init (&room, 4, 6);
  for (guint turn = 0; turn < 20; turn++) { /* short turns: the picture stays */
    speak (&room, turn % 2, -30);
    rest (&room, 1 - turn % 2);
    run (&room, 1500);
  }
  g_assert_cmpuint (room.n_dominant_changes, ==, 1);

  room.n_dominant_changes = 0;
  for (guint turn = 0; turn < 10; turn++) { /* long turns: it follows, once each */
    speak (&room, turn % 2, -30);
    rest (&room, 1 - turn % 2);
    run (&room, 6000);
    g_assert_cmpint (dominant_of (&room), ==, turn % 2);
  }
  g_assert_cmpuint (room.n_dominant_changes, <=, 10);
  rest (&room, 1);
  run (&room, 60000);
  g_assert_cmpint (dominant_of (&room), ==, 1); /* stays while all are quiet */
  room_clear (&room);
}

/* Syllables of 100 to 400 ms with pauses of 40 to 300 ms, and a level that wanders by 6 dB. */
static void
babble (Room *room, GRand *rand, const float *level_dbov, guint n, guint ms)
{
  guint left_ms[MAX_PEOPLE] = { 0 };
  bool on[MAX_PEOPLE] = { false };
  for (guint t = 0; t < ms; t += 20) {
    for (guint key = 0; key < n; key++) {
      if (left_ms[key] <= 20) {
        on[key] = !on[key];
        left_ms[key] = on[key] ? g_rand_int_range (rand, 100, 400) : g_rand_int_range (rand, 40, 300);
        if (on[key])
          speak (room, key, level_dbov[key] + (float) g_rand_double_range (rand, -3, 3));
        else
          rest (room, key);
      } else {
        left_ms[key] -= 20;
      }
    }
    run (room, 20);
  }
}

static void
test_two_at_once (void)
{
  static const float equal[] = { -30, -30 }, second_louder[] = { -32, -14 };
  for (guint seed = 0; seed < 20; seed++) {
    g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
    Room room;
    room_init (&room, 2, 6);
    babble (&room, rand, equal, 1, 3000);
    g_assert_cmpint (dominant_of (&room), ==, 0);
    babble (&room, rand, equal, 2, 60000);
    g_assert_cmpuint (room.n_dominant_changes, <=, 2);

    room_clear (&room);
    room_init (&room, 2, 6);
    babble (&room, rand, second_louder, 1, 3000);
    rest (&room, 0);
    run (&room, 100);
    babble (&room, rand, second_louder, 2, 15000);
    g_assert_cmpint (dominant_of (&room), ==, 1);
    g_assert_cmpuint (room.n_dominant_changes, ==, 2);
    room_clear (&room);
  }
}

static void
test_dominant_leaves (void)
{
  Room room;
  room_init (&room, 4, 6);
  speak (&room, 2, -30);
  run (&room, 1000);
  speak (&room, 3, -34);
  run (&room, 1000);
  g_assert_cmpint (dominant_of (&room), ==, 2);
  g_assert_true (mxr_speakers_remove (room.speakers, 2, room.now_us) & MXR_SPEAKERS_DOMINANT);
  g_assert_cmpint (dominant_of (&room), ==, 3);
  g_assert_true (mxr_speakers_remove (room.speakers, 3, room.now_us) & MXR_SPEAKERS_DOMINANT);
  g_assert_cmpint (dominant_of (&room), ==, -1);
  g_assert_cmpint (mxr_speakers_remove (room.speakers, 3, room.now_us), ==, MXR_SPEAKERS_UNCHANGED);
  g_assert_cmpint (mxr_speakers_level (room.speakers, 3, -3, true, room.now_us), ==, MXR_SPEAKERS_UNCHANGED);
  room_clear (&room);
}

typedef struct {
  bool in_mix[MAX_PEOPLE], talking[MAX_PEOPLE];
  int dominant;
} Snapshot;

static Snapshot
snapshot (const Room *room)
{
  Snapshot shot = { .dominant = dominant_of (room) };
  for (guint key = 0; key < room->n; key++) {
    shot.in_mix[key] = mxr_speakers_is_in_mix (room->speakers, key);
    shot.talking[key] = mxr_speakers_is_talking (room->speakers, key);
  }
  return shot;
}

static MxrSpeakersChange
difference (const Snapshot *a, const Snapshot *b, guint n)
{
  MxrSpeakersChange change = a->dominant != b->dominant ? MXR_SPEAKERS_DOMINANT : MXR_SPEAKERS_UNCHANGED;
  for (guint key = 0; key < n; key++) {
    change |= a->in_mix[key] != b->in_mix[key] ? MXR_SPEAKERS_MIX : 0;
    change |= a->talking[key] != b->talking[key] ? MXR_SPEAKERS_TALKING : 0;
  }
  return change;
}

static MxrSpeakersChange
do_something (Room *room, GRand *rand, bool *is_there, bool *is_muted)
{
  static const float levels[] = { -127, -90, -60, -30, -5, 0, 50, -500, NAN, INFINITY };
  guint32 key = g_rand_int_range (rand, 0, (int) room->n);
  float level = levels[g_rand_int_range (rand, 0, G_N_ELEMENTS (levels))];

  room->now_us += g_rand_int_range (rand, -1000, 50000);
  switch (g_rand_int_range (rand, 0, 20)) {
  case 0:
    is_there[key] = false;
    return mxr_speakers_remove (room->speakers, key, room->now_us);
  case 1:
    is_muted[key] &= is_there[key];
    is_there[key] = true;
    return mxr_speakers_add (room->speakers, key, room->now_us);
  case 2:
    is_muted[key] = is_there[key] && !is_muted[key];
    return mxr_speakers_set_muted (room->speakers, key, is_muted[key], room->now_us);
  case 3:
    return mxr_speakers_tick (room->speakers, room->now_us);
  default:
    return mxr_speakers_level (room->speakers, key, level, g_rand_boolean (rand), room->now_us);
  }
}

/* Whatever comes: the bound holds, nobody muted is mixed, and each call tells exactly what it changed. */
static void
test_anything_goes (void)
{
  for (guint seed = 0; seed < 20; seed++) {
    g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
    bool is_there[MAX_PEOPLE], is_muted[MAX_PEOPLE] = { false };
    Room room;
    room_init (&room, 12, 1 + seed % 5);
    for (guint key = 0; key < room.n; key++)
      is_there[key] = true;
    Snapshot before = snapshot (&room);
    for (guint round = 0; round < 3000; round++) {
      MxrSpeakersChange told = do_something (&room, rand, is_there, is_muted);
      Snapshot after = snapshot (&room);
      g_assert_cmpint (told, ==, difference (&before, &after, room.n));
      g_assert_cmpuint (count_mix (&room), <=, 1 + seed % 5);
      for (guint key = 0; key < room.n; key++)
        g_assert_false (is_muted[key] && after.in_mix[key]);
      before = after;
    }
    room_clear (&room);
  }
}

/* A hundred who all talk without end, all about as loud: who is in the mix stays there. */
static void
test_all_talk (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  float levels[100];
  Room room;

  room_init (&room, 100, 6);
  for (guint key = 0; key < 100; key++)
    levels[key] = (float) g_rand_double_range (rand, -33, -27);
  babble (&room, rand, levels, 100, 5000);
  g_assert_cmpuint (count_mix (&room), ==, 6);
  room.n_mix_changes = room.n_dominant_changes = 0;
  babble (&room, rand, levels, 100, 60000);
  g_test_message ("in a minute: the mix changed %u times, the dominant speaker %u times", room.n_mix_changes,
                  room.n_dominant_changes);
  g_assert_cmpuint (room.n_mix_changes, <=, 12);
  g_assert_cmpuint (room.n_dominant_changes, <=, 6);
  room_clear (&room);
}

static void
test_large_room (void)
{
  Room room;
  room_init (&room, 300, 6);
  for (guint key = 0; key < 300; key++)
    speak (&room, key, -20 - (float) (key % 50));
  run (&room, 10000);
  g_assert_cmpuint (count_mix (&room), ==, 6);
  guint32 mix[6];
  mxr_speakers_get_mix (room.speakers, mix, 6);
  for (guint i = 0; i < 6; i++)
    g_assert_cmpuint (mix[i] % 50, <=, 6); /* the loudest, within what counts as clearly louder */
  room_clear (&room);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/speakers/everybody-fits", test_everybody_fits);
  g_test_add_func ("/speakers/first-syllable-is-mixed", test_first_syllable_is_mixed);
  g_test_add_func ("/speakers/hold-ends", test_hold_ends);
  g_test_add_func ("/speakers/full-mix-of-talkers", test_full_mix_of_talkers);
  g_test_add_func ("/speakers/rustle-takes-no-place-from-a-talk", test_rustle_takes_no_place_from_a_talk);
  g_test_add_func ("/speakers/cough-and-door-are-no-talk", test_cough_and_door_are_no_talk);
  g_test_add_func ("/speakers/alternating-talk", test_alternating_talk);
  g_test_add_func ("/speakers/two-at-once", test_two_at_once);
  g_test_add_func ("/speakers/dominant-leaves", test_dominant_leaves);
  g_test_add_func ("/speakers/anything-goes", test_anything_goes);
  g_test_add_func ("/speakers/all-talk", test_all_talk);
  g_test_add_func ("/speakers/large-room", test_large_room);
  return g_test_run ();
}
