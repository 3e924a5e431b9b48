/* What a client has counted, without a network: the numbers are put where its packets would. */

#include "client-private.h"

#include <gst/gst.h>

#include "cast.h"
#include "tone.h"

typedef struct {
  MxrLoadRoom room;
  MxrCrewThread thread;
  MxrClient client;
  MxrTally tally;
} Fixture;

/* Ten seconds into the steady phase of a room in which two others talk, having got all. */
static void
set_up (Fixture *fixture, gconstpointer unused)
{
  const gint64 now_us = g_get_monotonic_time ();
  MxrClient *client = &fixture->client;

  mxr_marks_init (&fixture->room.clicks);
  mxr_marks_init (&fixture->room.flashes);
  *client = (MxrClient){ .thread = &fixture->thread };
  client->plan = (MxrClientPlan){ .room = &fixture->room, .n_tones = 2, .own_tone = -1, .hears_clicks = true };
  client->plan.part = (MxrPart){ .expects = { true, true }, .listens = true, .n_others = 2 };
  client->media[MXR_RTP_VIDEO].kind = MXR_RTP_VIDEO;
  mxr_client_begin (client, NULL);
  client->begin_us = now_us - 10 * G_USEC_PER_SEC;
  client->asked_us = client->connected_us = now_us - 15 * G_USEC_PER_SEC;
  for (guint i = 0; i < MXR_LOAD_N_KINDS; i++) {
    MxrWatch *watch = &client->media[i].watch;
    watch->packets = 500;
    watch->first_us = watch->first_keyframe_us = now_us - 14 * G_USEC_PER_SEC;
    watch->last_frame_us = now_us;
  }
  client->media[MXR_RTP_AUDIO].watch.n_samples = 10 * MXR_SOUND_RATE_HZ;
  client->media[MXR_RTP_VIDEO].watch.frames = 300;
  fixture->tally.least_heard = G_MAXUINT;
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  g_clear_pointer (&fixture->client.sound_check, mxr_sound_check_free);
  mxr_marks_clear (&fixture->room.clicks);
  mxr_marks_clear (&fixture->room.flashes);
  mxr_tally_clear (&fixture->tally);
}

static void
count (Fixture *fixture)
{
  mxr_tally_clear (&fixture->tally);
  fixture->tally.least_heard = G_MAXUINT;
  mxr_client_add_all (&fixture->client, &fixture->tally);
}

static void
test_all_came (Fixture *fixture, gconstpointer unused)
{
  MxrTally *tally = &fixture->tally;

  count (fixture);
  for (guint i = 0; i < MXR_LOAD_N_KINDS; i++) {
    g_assert_cmpuint (tally->n_expected[i], ==, 1);
    g_assert_cmpuint (tally->n_media[i], ==, 1);
    g_assert_cmpuint (tally->n_without[i], ==, 0);
  }
  g_assert_cmpfloat_with_epsilon (mxr_samples_quantile (&tally->sound_share, 0), 1.01, 0.005);
  g_assert_cmpfloat_with_epsilon (mxr_samples_quantile (&tally->frame_rate, 0), 30, 0.1);
}

/* Packets for ever, and no key frame among them. */
static void
test_no_keyframe (Fixture *fixture, gconstpointer unused)
{
  fixture->client.media[MXR_RTP_VIDEO].watch.first_keyframe_us = 0;
  count (fixture);
  g_assert_cmpuint (fixture->tally.n_without[MXR_RTP_VIDEO], ==, 1);
  g_assert_cmpuint (fixture->tally.n_without[MXR_RTP_AUDIO], ==, 0);
}

static void
test_half_of_the_sound (Fixture *fixture, gconstpointer unused)
{
  fixture->client.media[MXR_RTP_AUDIO].watch.n_samples /= 2;
  count (fixture);
  g_assert_cmpfloat (mxr_samples_quantile (&fixture->tally.sound_share, 0), <, 0.52);
}

static void
test_just_joined (Fixture *fixture, gconstpointer unused)
{
  fixture->client.asked_us = g_get_monotonic_time () - G_USEC_PER_SEC;
  count (fixture);
  g_assert_cmpuint (fixture->tally.n_expected[MXR_RTP_AUDIO], ==, 1);
  g_assert_cmpuint (fixture->tally.n_media[MXR_RTP_AUDIO], ==, 0);
  fixture->client.asked_us = 0; /* waits for its turn */
  count (fixture);
  g_assert_cmpuint (fixture->tally.n_media[MXR_RTP_AUDIO], ==, 0);
}

static void
listen (Fixture *fixture)
{
  const MxrSoundCheckConfig config = { .n_tones = 2, .n_others = 2, .own_tone = -1, .clicks = &fixture->room.clicks };
  fixture->client.sound_check = mxr_sound_check_new (&config, NULL);
  g_assert_nonnull (fixture->client.sound_check);
}

/* What came cannot be decoded, and nothing is said of tones for that. */
static void
test_deaf_listener (Fixture *fixture, gconstpointer unused)
{
  listen (fixture);
  count (fixture);
  g_assert_cmpuint (fixture->tally.n_compared, ==, 1);
  g_assert_cmpuint (fixture->tally.n_undecided, ==, 1);
  fixture->client.plan.part.n_others = 0;
  count (fixture);
  g_assert_cmpuint (fixture->tally.n_compared, ==, 0);
}

/* Ten clicks went out, four of them its own; it has heard none. */
static void
test_unheard_clicks (Fixture *fixture, gconstpointer unused)
{
  listen (fixture);
  for (guint i = 0; i < 10; i++)
    mxr_marks_add (&fixture->room.clicks, i, 0, NULL);
  fixture->client.own_clicks = 4;
  count (fixture);
  g_assert_cmpuint (fixture->tally.clicks_share.n, ==, 1);
  g_assert_cmpfloat (fixture->tally.clicks_share.values[0], ==, 0);
  fixture->client.own_clicks = 9; /* one may be on its way */
  count (fixture);
  g_assert_cmpuint (fixture->tally.clicks_share.n, ==, 0);
}

/* Who leaves does not take the counts along. */
static void
test_gone (Fixture *fixture, gconstpointer unused)
{
  MxrTally *gone = &fixture->thread.gone;
  g_auto (MxrTally) all = { .down_packets = 1 };

  fixture->client.up_packets = 7;
  fixture->client.up_dropped = 3;
  fixture->client.media[MXR_RTP_VIDEO].watch.freezes = 2;
  mxr_client_add_gone (&fixture->client);
  mxr_client_add_gone (&fixture->client);
  g_assert_cmpuint (gone->up_packets, ==, 14);
  mxr_tally_add_counts (&all, gone);
  g_assert_cmpuint (all.down_packets, ==, 2001);
  g_assert_cmpuint (all.up_dropped, ==, 6);
  g_assert_cmpuint (all.freezes, ==, 4);
  g_assert_cmpuint (all.frames, ==, 600);
  g_assert_cmpuint (all.n_clients, ==, 0);
}

/* Of two rooms that are listened to one has somebody who looks: what flashes in the other is not missed. */
static void
test_marks_of_rooms (void)
{
  const char *words[] = { "mixroom-load", "--participants=2", "--rooms=2", "--delay", "--size=96x64", NULL };
  g_auto (MxrLoadOptions) options = { 0 };
  g_autoptr (GError) error = NULL;
  MxrCastMarks marks;

  g_assert_true (mxr_load_options_parse (&options, (char **) words, &error));
  g_autoptr (MxrCast) cast = mxr_cast_new (&options, &error);
  g_assert_no_error (error);
  for (guint seat = 0; seat < 4; seat++) {
    MxrClientPlan plan;
    mxr_cast_plan (cast, seat, &plan);
    g_assert_true (plan.part.looks == (seat == 1));
    g_assert_true (plan.part.listens);
    mxr_marks_add (&plan.room->clicks, 0, 0, NULL);
    mxr_marks_add (&plan.room->flashes, 0, 0, NULL);
  }
  mxr_cast_count_marks (cast, &marks);
  g_assert_cmpuint (marks.clicks, ==, 4);
  g_assert_cmpuint (marks.flashes, ==, 2);
}

#define ADD(name, func) g_test_add ("/load/count/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gst_init (NULL, NULL);
  ADD ("all-came", test_all_came);
  ADD ("no-keyframe", test_no_keyframe);
  ADD ("half-of-the-sound", test_half_of_the_sound);
  ADD ("just-joined", test_just_joined);
  ADD ("deaf-listener", test_deaf_listener);
  ADD ("unheard-clicks", test_unheard_clicks);
  ADD ("gone", test_gone);
  g_test_add_func ("/load/count/marks-of-rooms", test_marks_of_rooms);
  return g_test_run ();
}
