#include <string.h>

#include "audiomix-fixture.h"
#include "mixroom/elements.h"
#include "tones.h"

/* A mixer with `rest` stops while nothing comes, and what is heard is what one without it makes. */

#define BLOCK_NS (20 * GST_MSECOND)
/* Until a rest begins: an input's memory is kept for 2 s after its last packet. */
#define IDLE_MS 2100
/* A pad behind which nobody was told of the silence yet gets so many blocks first. */
#define SETTLED_BLOCKS 25

static void
rest_init (Mix *mix, bool rests)
{
  mix_init (mix, 1);
  g_object_set (mix->element, "rest", rests, NULL);
}

static guint64
n_blocks (Mix *mix)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 n = 0;

  g_object_get (mix->element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "blocks", &n));
  return n;
}

static GstClockTime
now_of (Mix *mix)
{
  return gst_clock_get_time (GST_CLOCK (mix->clock));
}

static void
talk (Mix *mix, MixInput *input, guint n_packets)
{
  for (guint i = 0; i < n_packets; i++) {
    g_assert_cmpint (mix_input_push (input, MIX_BLOCK), ==, GST_FLOW_OK);
    mix_advance (mix, now_of (mix) + BLOCK_NS);
  }
}

static GstClockTime
last_pts (const MixOutput *output)
{
  return g_array_index (output->pts, GstClockTime, output->pts->len - 1);
}

/* ---- Rest and wake ------------------------------------------------------------------------------------- */

static void
test_rests_and_wakes (void)
{
  Mix mix;

  rest_init (&mix, true);
  MixInput *input = mix_input_new (&mix, "sink_0", 400, 0.5);
  MixOutput *output = mix_output_new (&mix, "src");
  mix_play (&mix);
  talk (&mix, input, 10);
  mix_advance (&mix, now_of (&mix) + IDLE_MS * GST_MSECOND);
  guint64 before = n_blocks (&mix);
  guint n_before = output->pts->len;
  mix_advance (&mix, now_of (&mix) + 5 * GST_SECOND);
  g_assert_cmpuint (n_blocks (&mix), ==, before);
  g_assert_cmpuint (output->pts->len, ==, n_before);

  /* In half a minute a block each 10 s, so that nobody takes the stream for dead. */
  mix_advance (&mix, now_of (&mix) + 30 * GST_SECOND);
  g_assert_cmpuint (n_blocks (&mix) - before, >=, 3);
  g_assert_cmpuint (n_blocks (&mix) - before, <=, 4);

  GstClockTime woken_ns = now_of (&mix);
  talk (&mix, input, 2);
  g_assert_cmpuint (last_pts (output), ==, (woken_ns / BLOCK_NS + 2) * BLOCK_NS);
  guint first = output->pts->len - 2;
  g_assert_cmpuint (g_array_index (output->pts, GstClockTime, first), ==, (woken_ns / BLOCK_NS + 1) * BLOCK_NS);
  g_assert_true (g_array_index (output->flags, guint, first) & GST_BUFFER_FLAG_DISCONT);
  g_assert_false (g_array_index (output->flags, guint, first + 1) & GST_BUFFER_FLAG_DISCONT);
  g_assert_false (g_array_index (output->flags, guint, first + 1) & GST_BUFFER_FLAG_GAP);
  mix_input_free (&mix, input);
  mix_output_free (&mix, output);
  mix_clear (&mix);
}

/* Without the property, silence goes on. */
static void
test_does_not_rest_unasked (void)
{
  Mix mix;

  mix_init (&mix, 1);
  MixOutput *output = mix_output_new (&mix, "src");
  mix_play (&mix);
  mix_advance (&mix, 5 * GST_SECOND);
  g_assert_cmpuint (output->pts->len, ==, 250);
  mix_output_free (&mix, output);
  mix_clear (&mix);
}

/* What is still limited, or still to be told of the silence, is no rest. */
static void
test_limiter_comes_to_rest_first (void)
{
  Mix mix;

  rest_init (&mix, true);
  MixInput *inputs[8];
  MixOutput *output = mix_output_new (&mix, "src");
  for (guint i = 0; i < G_N_ELEMENTS (inputs); i++)
    inputs[i] = mix_input_new (&mix, "sink_%u", 400, 0.9);
  mix_play (&mix);
  for (guint k = 0; k < 20; k++) {
    for (guint i = 0; i < G_N_ELEMENTS (inputs); i++)
      mix_input_push (inputs[i], MIX_BLOCK);
    mix_advance (&mix, now_of (&mix) + BLOCK_NS);
  }
  for (guint i = 0; i < G_N_ELEMENTS (inputs); i++) /* nothing left to be idle for 2 s */
    mix_input_free (&mix, inputs[i]);
  guint64 before = n_blocks (&mix);
  mix_advance (&mix, now_of (&mix) + 5 * GST_SECOND);
  guint64 n = n_blocks (&mix) - before;
  /* 7.2 times full scale: 17 dB at 20 dB a second. */
  g_assert_cmpuint (n, >=, 40);
  g_assert_cmpuint (n, <=, 50);
  mix_output_free (&mix, output);
  mix_clear (&mix);
}

/* ---- What ends a rest ---------------------------------------------------------------------------------- */

static void
assert_wakes_for (Mix *mix, guint64 before, guint n)
{
  mix_advance (mix, now_of (mix) + 4 * GST_SECOND);
  g_assert_cmpuint (n_blocks (mix) - before, ==, n);
}

static void
test_pads_in_a_rest (void)
{
  Mix mix;

  rest_init (&mix, true);
  MixOutput *output = mix_output_new (&mix, "src");
  mix_play (&mix);
  mix_advance (&mix, 2 * GST_SECOND);
  guint64 before = n_blocks (&mix);
  g_assert_cmpuint (before, ==, SETTLED_BLOCKS);

  /* A new listener has the silence that all others had. */
  MixOutput *late = mix_output_new (&mix, "src_3");
  assert_wakes_for (&mix, before, SETTLED_BLOCKS);
  g_assert_cmpstr (late->events->str, ==, "stream-start caps segment ");
  g_assert_cmpuint (late->pts->len, ==, SETTLED_BLOCKS);
  g_assert_true (g_array_index (late->flags, guint, 0) & GST_BUFFER_FLAG_DISCONT);
  g_assert_true (g_array_index (output->flags, guint, SETTLED_BLOCKS) & GST_BUFFER_FLAG_DISCONT);
  g_assert_false (g_array_index (output->flags, guint, SETTLED_BLOCKS + 1) & GST_BUFFER_FLAG_DISCONT);

  /* Nobody needs a block for an input that has sent nothing, nor for an output that goes. */
  before = n_blocks (&mix);
  MixInput *input = mix_input_new (&mix, "sink_3", 400, 0.5);
  mix_output_free (&mix, late);
  assert_wakes_for (&mix, before, 0);

  /* A change of gain is a ramp, and that wants a tick. */
  g_object_set (input->sink, "volume", 0.5, NULL);
  mix_advance (&mix, now_of (&mix) + 2 * BLOCK_NS);
  g_assert_cmpuint (n_blocks (&mix) - before, >=, 1);
  mix_advance (&mix, now_of (&mix) + 3 * GST_SECOND);

  before = n_blocks (&mix);
  talk (&mix, input, 3);
  g_assert_cmpuint (n_blocks (&mix) - before, ==, 3);
  g_assert_false (g_array_index (output->flags, guint, output->flags->len - 1) & GST_BUFFER_FLAG_GAP);
  mix_input_free (&mix, input);
  mix_output_free (&mix, output);
  mix_clear (&mix);
}

/* With nobody behind it, a mixer without inputs that send rests at once, and is there for the first who comes. */
static void
test_first_listener (void)
{
  Mix mix;

  rest_init (&mix, true);
  mix_play (&mix);
  mix_advance (&mix, 5 * GST_SECOND);
  g_assert_cmpuint (n_blocks (&mix), ==, 1);
  MixOutput *output = mix_output_new (&mix, "src");
  GstClockTime linked_ns = now_of (&mix);
  mix_advance (&mix, linked_ns + BLOCK_NS);
  g_assert_cmpuint (output->pts->len, ==, 1);
  g_assert_cmpuint (last_pts (output), ==, (linked_ns / BLOCK_NS + 1) * BLOCK_NS);
  mix_output_free (&mix, output);
  mix_clear (&mix);
}

/* PAUSED and back, and NULL and back, out of a rest. */
static void
test_states (void)
{
  Mix mix;

  rest_init (&mix, true);
  MixOutput *output = mix_output_new (&mix, "src");
  mix_play (&mix);
  mix_advance (&mix, 2 * GST_SECOND);
  gst_element_set_state (mix.element, GST_STATE_PAUSED);
  gst_element_set_state (mix.element, GST_STATE_PLAYING);
  guint64 before = n_blocks (&mix);
  mix_advance (&mix, now_of (&mix) + 2 * BLOCK_NS);
  g_assert_cmpuint (n_blocks (&mix) - before, ==, 1);
  gst_element_set_state (mix.element, GST_STATE_NULL);
  gst_element_set_clock (mix.element, GST_CLOCK (mix.clock));
  mix_play (&mix);
  mix_advance (&mix, now_of (&mix) + 2 * GST_SECOND);
  g_assert_cmpuint (n_blocks (&mix), ==, SETTLED_BLOCKS);
  mix_output_free (&mix, output);
  mix_clear (&mix);
}

/* Somebody who knows no gaps listens for a while. */
static void
test_changed_while_playing (void)
{
  Mix mix;

  rest_init (&mix, true);
  MixOutput *output = mix_output_new (&mix, "src");
  mix_play (&mix);
  mix_advance (&mix, 2 * GST_SECOND);
  guint64 before = n_blocks (&mix);
  g_object_set (mix.element, "rest", FALSE, NULL);
  mix_advance (&mix, now_of (&mix) + 3 * GST_SECOND);
  g_assert_cmpuint (n_blocks (&mix) - before, >=, 3 * GST_SECOND / BLOCK_NS - 1);
  g_object_set (mix.element, "rest", TRUE, NULL);
  mix_advance (&mix, now_of (&mix) + 2 * BLOCK_NS);
  before = n_blocks (&mix);
  mix_advance (&mix, now_of (&mix) + 3 * GST_SECOND);
  g_assert_cmpuint (n_blocks (&mix), ==, before);
  mix_output_free (&mix, output);
  mix_clear (&mix);
}

/* ---- Against a mixer that never rests -------------------------------------------------------------------- */

typedef struct {
  Mix mix;
  MixInput *inputs[2];
  MixOutput *outputs[2]; /* the mix, and the mix without input 0 */
} Side;

static void
side_init (Side *side, bool rests)
{
  rest_init (&side->mix, rests);
  side->outputs[0] = mix_output_new (&side->mix, "src");
  side->outputs[1] = mix_output_new (&side->mix, "src_0");
  side->inputs[0] = mix_input_new (&side->mix, "sink_0", 400, 0.6);
  side->inputs[1] = mix_input_new (&side->mix, "sink_1", 700, 0.6);
  mix_play (&side->mix);
}

static void
side_clear (Side *side)
{
  for (guint i = 0; i < 2; i++) {
    mix_input_free (&side->mix, side->inputs[i]);
    mix_output_free (&side->mix, side->outputs[i]);
  }
  mix_clear (&side->mix);
}

/* One or both talk, in packets of 10 or 20 ms, at some distance from the tick. */
static void
both_talk (Side *sides, GRand *random)
{
  GstClockTime begin_ns = now_of (&sides[0].mix);
  guint packet_ms = g_rand_boolean (random) ? 10 : 20;
  guint n_packets = (guint) g_rand_int_range (random, 5, 60);
  guint who = (guint) g_rand_int_range (random, 1, 4);

  for (guint i = 0; i < n_packets; i++)
    for (guint s = 0; s < 2; s++) {
      mix_advance (&sides[s].mix, begin_ns + i * packet_ms * GST_MSECOND);
      for (guint k = 0; k < 2; k++)
        if ((who >> k & 1) != 0)
          g_assert_cmpint (mix_input_push (sides[s].inputs[k], packet_ms * 48), ==, GST_FLOW_OK);
    }
}

/* Returns: how many blocks of @full are not in @part. All of those are silent, and the others are the same. */
static guint
assert_same_sound (const MixOutput *full, const MixOutput *part)
{
  static const gint16 silence[MIX_BLOCK] = { 0 };
  guint at = 0, n_missing = 0;

  for (guint i = 0; i < full->pts->len; i++) {
    const gint16 *block = &g_array_index (full->samples, gint16, i * MIX_BLOCK);
    GstClockTime pts = g_array_index (full->pts, GstClockTime, i);
    bool is_there = at < part->pts->len && g_array_index (part->pts, GstClockTime, at) == pts;
    const gint16 *other = is_there ? &g_array_index (part->samples, gint16, at++ * MIX_BLOCK) : silence;
    g_assert_cmpint (memcmp (block, other, sizeof silence), ==, 0);
    n_missing += !is_there;
  }
  g_assert_cmpuint (at, ==, part->pts->len);
  return n_missing;
}

static void
test_same_sound_after_pauses (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  Side sides[2];

  side_init (&sides[0], false);
  side_init (&sides[1], true);
  for (guint i = 0; i < 20; i++) {
    both_talk (sides, random);
    GstClockTime until_ns = now_of (&sides[0].mix) + (GstClockTime) g_rand_int_range (random, 100, 7000) * GST_MSECOND;
    for (guint s = 0; s < 2; s++)
      mix_advance (&sides[s].mix, until_ns);
  }
  for (guint k = 0; k < 2; k++) {
    guint n_missing = assert_same_sound (sides[0].outputs[k], sides[1].outputs[k]);
    g_test_message ("output %u: %u of %u blocks left out", k, n_missing, sides[0].outputs[k]->pts->len);
    g_assert_cmpuint (n_missing, >, sides[0].outputs[k]->pts->len / 4);
  }
  side_clear (&sides[0]);
  side_clear (&sides[1]);
}

/* ---- Churn ----------------------------------------------------------------------------------------------- */

typedef struct {
  GstElement *mix;
  gint quit;   /* atomic */
  gint n_loud; /* atomic: blocks with sound */
} Churn;

static GstPadProbeReturn
on_block (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Churn *churn = data;

  if (!GST_BUFFER_FLAG_IS_SET (GST_PAD_PROBE_INFO_BUFFER (info), GST_BUFFER_FLAG_GAP))
    g_atomic_int_inc (&churn->n_loud);
  return GST_PAD_PROBE_OK;
}

/* Pads without data come and go; now and then one is set up, or somebody listens, which wakes the mixer. */
static gpointer
disturb (gpointer data)
{
  Churn *churn = data;
  g_autoptr (GRand) random = g_rand_new_with_seed (2);
  Mix mix = { .element = churn->mix };

  while (!g_atomic_int_get (&churn->quit)) {
    MixInput *input = mix_input_new (&mix, "sink_%u", 400, 0.1);
    guint what = g_rand_int_range (random, 0, 100);
    if (what == 0)
      g_object_set (input->sink, "active", FALSE, NULL);
    MixOutput *output = what == 1 ? mix_output_new (&mix, "src_%u") : NULL;
    g_usleep (2000);
    mix_input_free (&mix, input);
    if (output != NULL) {
      gst_pad_set_active (output->pad, FALSE); /* no block is on its way into what is about to go */
      mix_output_free (&mix, output);
    }
  }
  return NULL;
}

/* Whoever begins to talk is heard, whatever else goes on. Time outs are for a machine that hangs. */
static void
test_churn (void)
{
  Churn churn = { 0 };
  g_autoptr (GstElement) pipeline =
      gst_parse_launch ("mxraudiomix name=mix rest=true ! fakesink sync=false async=false", NULL);
  g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (pipeline), "mix");
  g_autoptr (GstPad) source = gst_element_get_static_pad (element, "src");
  Mix mix = { .element = churn.mix = element };

  gst_pad_add_probe (source, GST_PAD_PROBE_TYPE_BUFFER, on_block, &churn, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  GThread *thread = g_thread_new ("disturb", disturb, &churn);
  gint64 begin_us = g_get_monotonic_time ();
  for (guint i = 0; i < 5; i++) {
    g_usleep (900000 + i * 7000); /* half a second of silence, and a rest */
    MixInput *input = mix_input_new (&mix, "sink_%u", 400, 0.5);
    gint before = g_atomic_int_get (&churn.n_loud);
    mix_input_push (input, MIX_BLOCK);
    mix_input_push (input, MIX_BLOCK);
    gint64 until_us = g_get_monotonic_time () + 5 * G_TIME_SPAN_SECOND;
    while (g_atomic_int_get (&churn.n_loud) == before && g_get_monotonic_time () < until_us)
      g_usleep (1000);
    g_assert_cmpint (g_atomic_int_get (&churn.n_loud), >, before);
    mix_input_free (&mix, input);
  }
  guint n_ticks = (guint) ((g_get_monotonic_time () - begin_us) * GST_USECOND / BLOCK_NS);
  g_test_message ("%u blocks in the time of %u", (guint) n_blocks (&mix), n_ticks);
  g_assert_cmpuint (n_blocks (&mix), <, n_ticks - 10);
  g_atomic_int_set (&churn.quit, TRUE);
  g_thread_join (thread);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_assert_cmpuint (element->numsinkpads, ==, 0);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  mxr_elements_register (NULL);
  g_test_add_func ("/audiomix-rest/rests-and-wakes", test_rests_and_wakes);
  g_test_add_func ("/audiomix-rest/does-not-rest-unasked", test_does_not_rest_unasked);
  g_test_add_func ("/audiomix-rest/limiter-comes-to-rest-first", test_limiter_comes_to_rest_first);
  g_test_add_func ("/audiomix-rest/pads-in-a-rest", test_pads_in_a_rest);
  g_test_add_func ("/audiomix-rest/first-listener", test_first_listener);
  g_test_add_func ("/audiomix-rest/states", test_states);
  g_test_add_func ("/audiomix-rest/changed-while-playing", test_changed_while_playing);
  g_test_add_func ("/audiomix-rest/same-sound-after-pauses", test_same_sound_after_pauses);
  g_test_add_func ("/audiomix-rest/churn", test_churn);
  int result = g_test_run ();
  gst_deinit (); /* the leaks tracer speaks */
  return result;
}
