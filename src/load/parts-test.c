#include "parts.h"

#include "mixroom/rtp.h"

static void
plan (const char *line, guint seat, MxrPart *out_part)
{
  g_auto (MxrLoadOptions) options = { 0 };
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  g_autoptr (GError) error = NULL;

  g_assert_true (mxr_load_options_parse (&options, words, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (seat, <, mxr_load_options_count_clients (&options));
  mxr_part_plan (&options, seat, out_part);
}

static void
test_seats (void)
{
  MxrPart part;

  plan ("mixroom-load -r 2 -p 3 -t 1 --cameras=2 -w 2", 5, &part);
  g_assert_true (part.room == 1 && part.index == 0 && part.talks && part.has_camera && !part.is_viewer);
  plan ("mixroom-load -r 2 -p 3 -t 1 --cameras=2 -w 2", 7, &part);
  g_assert_true (part.index == 2 && !part.talks && !part.has_camera && !part.is_viewer);
  plan ("mixroom-load -r 2 -p 3 -t 1 --cameras=2 -w 2", 8, &part);
  g_assert_true (part.index == 3 && part.is_viewer);
}

/* Who does not talk hears all that talk, whoever does one less, and nobody more than are mixed. */
static void
test_others (void)
{
  static const struct {
    const char *line;
    guint seat, n_others;
    bool listens;
  } cases[] = {
    { "mixroom-load -p 2 -t 1 -w 3 --tones", 0, 0, false }, { "mixroom-load -p 2 -t 1 -w 3 --tones", 1, 1, true },
    { "mixroom-load -p 2 -t 1 -w 3 --tones", 2, 1, true },  { "mixroom-load -p 4 -t 3 -w 1 --tones", 0, 2, true },
    { "mixroom-load -p 4 -t 3 -w 1 --tones", 3, 3, true },  { "mixroom-load -p 4 -t 3 -w 1 --tones", 4, 3, true },
    { "mixroom-load -p 20 -t 12 --tones", 0, 5, true },     { "mixroom-load -p 20 -t 12 --tones", 12, 6, true },
    { "mixroom-load -p 4 -t 3 -w 1 --delay", 4, 0, true },  { "mixroom-load -p 4 -t 3 -w 1", 4, 0, false },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    MxrPart part;
    plan (cases[i].line, cases[i].seat, &part);
    if (part.n_others != cases[i].n_others || part.listens != cases[i].listens)
      g_error ("%s, seat %u: %u others, listens: %d", cases[i].line, cases[i].seat, part.n_others, part.listens);
  }
}

static void
test_expectations (void)
{
  static const struct {
    const char *line;
    bool sound, picture;
  } cases[] = {
    { "mixroom-load -p 2", true, true },
    { "mixroom-load -p 2 -c none", true, false },
    { "mixroom-load -p 1 -t 1", false, true },
    { "mixroom-load -p 2 -t 0 --cameras=0", false, false },
    { "mixroom-load -p 0 -w 2", true, true }, /* a room of others */
    { "mixroom-load -p 0 -w 2 -c none", true, false },
    { "mixroom-load -p 0 -w 2 --expect=sound", true, false },
    { "mixroom-load -p 0 -w 2 --expect=none", false, false },
    { "mixroom-load -p 1 -t 0 --expect=sound,picture", true, true },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    MxrPart part;
    plan (cases[i].line, 0, &part);
    if (part.expects[MXR_RTP_AUDIO] != cases[i].sound || part.expects[MXR_RTP_VIDEO] != cases[i].picture)
      g_error ("%s: sound %d, picture %d", cases[i].line, part.expects[MXR_RTP_AUDIO], part.expects[MXR_RTP_VIDEO]);
  }
}

static void
test_leavers (void)
{
  MxrPart part;

  plan ("mixroom-load -p 3 -t 2", 0, &part);
  g_assert_false (part.may_leave); /* talks */
  plan ("mixroom-load -p 3 -t 2", 2, &part);
  g_assert_true (part.may_leave);
  plan ("mixroom-load -p 3 -t 2 --tones", 2, &part);
  g_assert_false (part.may_leave); /* is listened to */
  plan ("mixroom-load -p 4 -t 2 --tones", 3, &part);
  g_assert_true (part.may_leave);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/load/parts/seats", test_seats);
  g_test_add_func ("/load/parts/others", test_others);
  g_test_add_func ("/load/parts/expectations", test_expectations);
  g_test_add_func ("/load/parts/leavers", test_leavers);
  return g_test_run ();
}
