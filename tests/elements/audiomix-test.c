#include <math.h>

#include "audiomix-fixture.h"
#include "mixroom/elements.h"
#include "tones.h"

#define N_LOOK 4800 /* 100 ms: tones on multiples of 100 Hz are orthogonal */

static void
push_all (MixInput **inputs, guint n, guint n_frames)
{
  for (guint k = 0; k < n; k++)
    g_assert_cmpint (mix_input_push (inputs[k], n_frames), ==, GST_FLOW_OK);
}

static void
run (Mix *mix, MixInput **inputs, guint n, guint n_ticks)
{
  for (guint i = 0; i < n_ticks; i++) {
    push_all (inputs, n, MIX_BLOCK);
    mix_tick (mix);
  }
}

/* ---- What is heard ------------------------------------------------------------------------------------- */

/* Output @without holds, sample by sample, the sum of what the others sent. */
static void
assert_sum (MixOutput *output, MixInput **inputs, guint n, guint without, guint64 position)
{
  const gint16 *heard = mix_output_last (output, N_LOOK);
  g_autofree gint16 *tone = g_new (gint16, N_LOOK);
  g_autofree int *sum = g_new0 (int, N_LOOK);

  for (guint k = 0; k < n; k++) {
    if (k == without)
      continue;
    tones_write_s16 (tone, 1, N_LOOK, inputs[k]->frequency_hz, inputs[k]->amplitude, position);
    for (guint i = 0; i < N_LOOK; i++)
      sum[i] += tone[i];
  }
  for (guint i = 0; i < N_LOOK; i++)
    g_assert_cmpint (heard[i], ==, sum[i]);
}

static void
assert_tones (MixOutput *output, MixInput **inputs, guint n, guint without)
{
  const gint16 *heard = mix_output_last (output, N_LOOK);

  for (guint k = 0; k < n; k++) {
    double amplitude = tones_measure (heard, 1, 0, N_LOOK, inputs[k]->frequency_hz);
    if (k == without)
      /* 60 dB; among a hundred soft tones 53 dB, which is 16 bit's own noise. */
      g_assert_cmpfloat (amplitude, <, MAX (inputs[k]->amplitude * 1e-3, 2e-5));
    else
      g_assert_cmpfloat_with_epsilon (amplitude, inputs[k]->amplitude, inputs[k]->amplitude * 1e-2);
  }
}

static void
test_everybody_but_oneself (gconstpointer data)
{
  guint n = GPOINTER_TO_UINT (data);
  Mix mix;
  MixInput *inputs[100];
  MixOutput *outputs[100];

  mix_init (&mix, 1);
  MixOutput *full = mix_output_new (&mix, "src");
  for (guint k = 0; k < n; k++) {
    g_autofree char *sink = g_strdup_printf ("sink_%u", k), *source = g_strdup_printf ("src_%u", k);
    outputs[k] = mix_output_new (&mix, source);
    inputs[k] = mix_input_new (&mix, sink, tones_frequency (k), 0.9 / n);
  }
  mix_play (&mix);
  push_all (inputs, n, MIX_BLOCK);
  run (&mix, inputs, n, 10);

  /* Played so far: all but the cushion. */
  guint64 position = inputs[0]->position - MIX_BLOCK - N_LOOK;
  assert_sum (full, inputs, n, n, position);
  assert_tones (full, inputs, n, n);
  for (guint k = 0; k < n; k++) {
    assert_sum (outputs[k], inputs, n, k, position);
    if (n > 1)
      assert_tones (outputs[k], inputs, n, k);
  }
  for (guint k = 0; k < n; k++) {
    mix_output_free (&mix, outputs[k]);
    mix_input_free (&mix, inputs[k]);
  }
  mix_output_free (&mix, full);
  mix_clear (&mix);
}

static void
test_no_such_sink_hears_all (void)
{
  Mix mix;
  mix_init (&mix, 1);
  MixOutput *early = mix_output_new (&mix, "src_7"), *full = mix_output_new (&mix, "src");
  mix_play (&mix);
  MixInput *other = mix_input_new (&mix, "sink_1", 500, 0.3);
  push_all (&other, 1, MIX_BLOCK);
  run (&mix, &other, 1, 6);
  g_assert_cmpmem (mix_output_last (early, N_LOOK), N_LOOK * 2, mix_output_last (full, N_LOOK), N_LOOK * 2);
  g_assert_cmpfloat_with_epsilon (tones_measure (mix_output_last (early, N_LOOK), 1, 0, N_LOOK, 500), 0.3,
                                  1e-3);

  MixInput *both[] = { other, mix_input_new (&mix, "sink_7", 900, 0.3) };
  run (&mix, both, 2, 10);
  g_assert_cmpfloat (tones_measure (mix_output_last (early, N_LOOK), 1, 0, N_LOOK, 900), <, 1e-5);
  g_assert_cmpfloat_with_epsilon (tones_measure (mix_output_last (full, N_LOOK), 1, 0, N_LOOK, 900), 0.3,
                                  1e-3);

  g_object_set (both[1]->sink, "active", FALSE, NULL);
  run (&mix, both, 2, 8);
  g_assert_cmpmem (mix_output_last (early, N_LOOK), N_LOOK * 2, mix_output_last (full, N_LOOK), N_LOOK * 2);
  mix_input_free (&mix, both[1]);
  mix_input_free (&mix, other);
  mix_output_free (&mix, early);
  mix_output_free (&mix, full);
  mix_clear (&mix);
}

static void
test_limiter_with_fifty_loud_inputs (void)
{
  Mix mix;
  MixInput *inputs[50];
  mix_init (&mix, 1);
  for (guint k = 0; k < 50; k++)
    inputs[k] = mix_input_new (&mix, "sink_%u", 440, 1.0);
  MixOutput *full = mix_output_new (&mix, "src"), *less = mix_output_new (&mix, "src_3");
  mix_play (&mix);
  push_all (inputs, 50, MIX_BLOCK);
  run (&mix, inputs, 50, 30);

  double steepest = 2 * sin (G_PI * 440 / TONES_RATE_HZ);
  g_assert_cmpfloat (tones_largest_jump ((gint16 *)full->samples->data, 1, full->samples->len), <,
                     3 * steepest);
  g_assert_cmpfloat (tones_largest_jump (mix_output_last (full, N_LOOK), 1, N_LOOK), <, 1.05 * steepest);
  g_assert_cmpfloat (tones_largest_jump (mix_output_last (less, N_LOOK), 1, N_LOOK), <, 1.05 * steepest);
  g_assert_cmpfloat_with_epsilon (tones_measure (mix_output_last (full, N_LOOK), 1, 0, N_LOOK, 440), 0.95,
                                  0.05);

  for (guint k = 0; k < 50; k++)
    mix_input_free (&mix, inputs[k]);
  mix_output_free (&mix, full);
  mix_output_free (&mix, less);
  mix_clear (&mix);
}

/* Fifty different tones, each nearly of full scale: up to fifty times what 16 bit can hold. Beside the sum in wide numbers
 * no sample has the other sign, as one that wrapped would, and the gain between the two moves slowly. */
static void
test_no_sample_wraps (void)
{
  MixInput *inputs[50];
  gint16 tone[N_LOOK];
  g_autofree int *sum = g_new0 (int, N_LOOK);
  double former = 0;
  guint n_over = 0;
  Mix mix;

  mix_init (&mix, 1);
  for (guint k = 0; k < 50; k++)
    inputs[k] = mix_input_new (&mix, "sink_%u", tones_frequency (k), 0.95);
  MixOutput *full = mix_output_new (&mix, "src");
  mix_play (&mix);
  push_all (inputs, 50, MIX_BLOCK);
  run (&mix, inputs, 50, 30);

  /* All but the cushion of a block was played. */
  for (guint k = 0; k < 50; k++) {
    tones_write_s16 (tone, 1, N_LOOK, inputs[k]->frequency_hz, 0.95, inputs[k]->position - N_LOOK - MIX_BLOCK);
    for (guint i = 0; i < N_LOOK; i++)
      sum[i] += tone[i];
  }
  const gint16 *heard = mix_output_last (full, N_LOOK);
  for (guint i = 0; i < N_LOOK; i++) {
    g_assert_cmpint ((gint64) heard[i] * sum[i], >=, 0);
    g_assert_cmpint (ABS (heard[i]), <=, ABS (sum[i]));
    if (ABS (sum[i]) < 100000)
      continue;
    double gain = (double) heard[i] / sum[i];
    g_assert_true (former == 0 || gain < former * 1.01);
    former = gain;
    n_over++;
  }
  g_assert_cmpuint (n_over, >, N_LOOK / 20);

  for (guint k = 0; k < 50; k++)
    mix_input_free (&mix, inputs[k]);
  mix_output_free (&mix, full);
  mix_clear (&mix);
}

static guint64
count_waits (Mix *mix)
{
  MxrDelayCounts wait, encode;
  mxr_audiomix_read_delays (mix->element, &wait, &encode);
  g_assert_cmpuint (encode.n, >, 0);
  return wait.n;
}

/* An input that nobody listened to, and that had nothing for seconds, gets the first 120 ms of a voice in one piece, and is
 * let into the mix two blocks later: the first syllable is whole, and what it comes late by shrinks. */
static void
test_onset (void)
{
  gint16 tone[MIX_BLOCK];
  Mix mix;

  mix_init (&mix, 1);
  MixInput *input = mix_input_new (&mix, "sink_0", 300, 0.5);
  MixOutput *output = mix_output_new (&mix, "src");
  g_object_set (input->sink, "active", FALSE, NULL);
  mix_play (&mix);
  for (guint i = 0; i < 150; i++)
    mix_tick (&mix);
  g_assert_cmpuint (count_waits (&mix), ==, 0);
  push_all (&input, 1, 6 * MIX_BLOCK);
  run (&mix, &input, 1, 2);
  g_object_set (input->sink, "active", TRUE, NULL);
  run (&mix, &input, 1, 1);
  tones_write_s16 (tone, 1, MIX_BLOCK, 300, 0.5, 0);
  const gint16 *heard = mix_output_last (output, MIX_BLOCK);
  for (guint i = 240; i < MIX_BLOCK; i++) /* after the fade-in */
    g_assert_cmpint (heard[i], ==, tone[i]);
  g_assert_cmpuint (mix_input_stat (input, "samples"), ==, 8 * MIX_BLOCK);
  run (&mix, &input, 1, 500);
  g_assert_cmpuint (mix_input_stat (input, "samples"), <=, MIX_BLOCK);
  g_assert_cmpuint (mix_input_stat (input, "underruns"), ==, 0);
  g_assert_cmpuint (count_waits (&mix), >=, 500);
  mix_input_free (&mix, input);
  mix_output_free (&mix, output);
  mix_clear (&mix);
}

static void
test_gains_do_not_click (void)
{
  Mix mix;
  mix_init (&mix, 1);
  MixInput *input = mix_input_new (&mix, "sink_0", 300, 0.2);
  MixOutput *output = mix_output_new (&mix, "src");
  mix_play (&mix);
  push_all (&input, 1, MIX_BLOCK);
  run (&mix, &input, 1, 8);
  gst_child_proxy_set (GST_CHILD_PROXY (mix.element), "sink_0::volume", 4.0, NULL);
  run (&mix, &input, 1, 8);
  g_assert_cmpfloat_with_epsilon (tones_measure (mix_output_last (output, N_LOOK), 1, 0, N_LOOK, 300), 0.8,
                                  1e-3);
  g_object_set (input->sink, "mute", TRUE, NULL);
  run (&mix, &input, 1, 8);
  g_assert_cmpfloat (tones_measure (mix_output_last (output, N_LOOK), 1, 0, N_LOOK, 300), ==, 0);
  g_object_set (input->sink, "mute", FALSE, "active", FALSE, NULL);
  run (&mix, &input, 1, 3);
  for (guint i = 0; i < 7; i++) {
    g_object_set (input->sink, "active", i % 2 == 0, "volume", 0.5 * i, NULL);
    run (&mix, &input, 1, 1 + i % 3);
  }
  run (&mix, &input, 1, 8);
  g_assert_cmpfloat_with_epsilon (tones_measure (mix_output_last (output, N_LOOK), 1, 0, N_LOOK, 300), 0.6,
                                  1e-3);

  /* The steepest there is: the loudest tone's slope, and 5 ms from nothing to 0.8. */
  double steepest = 0.8 * 2 * sin (G_PI * 300 / TONES_RATE_HZ) + 0.8 / 240;
  g_assert_cmpfloat (tones_largest_jump ((gint16 *)output->samples->data, 1, output->samples->len), <,
                     steepest * 1.05);
  g_assert_cmpuint (mix_input_stat (input, "underruns"), ==, 0);
  mix_input_free (&mix, input);
  mix_output_free (&mix, output);
  mix_clear (&mix);
}

static void
test_level (void)
{
  Mix mix;
  double level;
  mix_init (&mix, 1);
  MixInput *input = mix_input_new (&mix, "sink_0", 300, 0.5);
  MixOutput *output = mix_output_new (&mix, "src");
  mix_play (&mix);
  g_object_get (input->sink, "level", &level, NULL);
  g_assert_cmpfloat (level, ==, -127);
  g_object_set (input->sink, "mute", TRUE, "volume", 0.1, NULL);
  run (&mix, &input, 1, 100);
  g_object_get (input->sink, "level", &level, NULL);
  g_assert_cmpfloat_with_epsilon (level, 10 * log10 (0.125), 0.1);
  for (guint i = 0; i < 100; i++)
    mix_tick (&mix);
  g_object_get (input->sink, "level", &level, NULL);
  g_assert_cmpfloat (level, <, -60);
  mix_input_free (&mix, input);
  mix_output_free (&mix, output);
  mix_clear (&mix);
}

/* ---- What comes in ------------------------------------------------------------------------------------- */

static void
test_caps (void)
{
  Mix mix;
  mix_init (&mix, 2);
  MixInput *input = mix_input_new (&mix, "sink_0", 400, 0.5);
  MixOutput *output = mix_output_new (&mix, "src");
  mix_play (&mix);
  push_all (&input, 1, MIX_BLOCK);
  run (&mix, &input, 1, 4);
  g_assert_true (mix_input_set_format (input, "F32LE", 2));
  run (&mix, &input, 1, 4);
  g_assert_true (mix_input_set_format (input, "F32LE", 1));
  run (&mix, &input, 1, 4);
  g_assert_true (mix_input_set_format (input, "S16LE", 2));
  run (&mix, &input, 1, 6);
  for (guint c = 0; c < 2; c++)
    g_assert_cmpfloat_with_epsilon (tones_measure (mix_output_last (output, 2 * N_LOOK), 2, c, N_LOOK, 400),
                                    0.5, 1e-3);
  g_assert_cmpfloat (tones_largest_jump ((gint16 *)output->samples->data, 2, output->samples->len / 2), <,
                     1.1 * 0.5 * 2 * sin (G_PI * 400 / TONES_RATE_HZ));

  static const char *const bad[] = { "audio/x-raw,format=S32LE,rate=48000,channels=1,layout=interleaved",
                                     "audio/x-raw,format=S16LE,rate=44100,channels=1,layout=interleaved",
                                     "audio/x-raw,format=S16LE,rate=48000,channels=3,layout=interleaved",
                                     "audio/x-raw,format=F32LE,rate=48000,channels=2,layout=non-interleaved",
                                     "audio/x-opus,rate=48000,channels=2" };
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GstCaps) caps = gst_caps_from_string (bad[i]);
    g_assert_false (gst_pad_query_accept_caps (input->sink, caps));
    g_assert_false (gst_pad_send_event (input->sink, gst_event_new_caps (caps)));
  }
  mix_input_free (&mix, input);
  mix_output_free (&mix, output);
  mix_clear (&mix);
}

static void
test_no_caps_no_data (void)
{
  Mix mix;
  mix_init (&mix, 1);
  g_autoptr (GstPad) sink = gst_element_request_pad_simple (mix.element, "sink_%u");
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  mix_play (&mix);
  gst_pad_send_event (sink, gst_event_new_stream_start ("x"));
  gst_pad_send_event (sink, gst_event_new_segment (&segment));
  g_assert_cmpint (gst_pad_chain (sink, gst_buffer_new_allocate (NULL, 1920, NULL)), ==,
                   GST_FLOW_NOT_NEGOTIATED);
  gst_element_release_request_pad (mix.element, sink);
  mix_clear (&mix);
}

static void
test_missing_late_and_too_many (void)
{
  Mix mix;
  mix_init (&mix, 1);
  MixInput *input = mix_input_new (&mix, "sink_0", 400, 0.5);
  MixOutput *output = mix_output_new (&mix, "src");
  mix_play (&mix);
  push_all (&input, 1, MIX_BLOCK);
  run (&mix, &input, 1, 5);
  for (guint i = 0; i < 4; i++) /* nothing comes */
    mix_tick (&mix);
  g_assert_cmpuint (mix_input_stat (input, "underruns"), ==, 1);
  g_assert_true (g_array_index (output->flags, guint, output->flags->len - 1) & GST_BUFFER_FLAG_GAP);
  push_all (&input, 1, 3 * MIX_BLOCK); /* late, all at once */
  run (&mix, &input, 1, 5);
  g_assert_cmpfloat_with_epsilon (tones_measure (mix_output_last (output, 1920), 1, 0, 1920, 400), 0.5, 1e-3);

  for (guint i = 0; i < 30; i++)
    push_all (&input, 1, MIX_BLOCK);
  g_assert_cmpuint (mix_input_stat (input, "samples"), ==, 9600);
  g_assert_cmpuint (mix_input_stat (input, "overruns"), >, 0);
  g_assert_cmpuint (mix_input_stat (input, "dropped"), >, 20 * MIX_BLOCK);
  push_all (&input, 1, 0);
  mix_tick (&mix);
  g_assert_cmpfloat (tones_largest_jump ((gint16 *)output->samples->data, 1, output->samples->len), <,
                     1.25 * 0.5 * 2 * sin (G_PI * 400 / TONES_RATE_HZ));
  /* Odd bytes at the end are no frame. */
  g_assert_cmpint (gst_pad_push (input->pad, gst_buffer_new_memdup ("abc", 3)), ==, GST_FLOW_OK);
  mix_input_free (&mix, input);
  mix_output_free (&mix, output);
  mix_clear (&mix);
}

static void
test_gap_eos_flush (void)
{
  Mix mix;
  mix_init (&mix, 1);
  MixInput *input = mix_input_new (&mix, "sink_0", 400, 0.5);
  MixOutput *output = mix_output_new (&mix, "src");
  mix_play (&mix);
  push_all (&input, 1, MIX_BLOCK);
  run (&mix, &input, 1, 3);
  gst_pad_push_event (input->pad, gst_event_new_gap (0, 20 * GST_MSECOND));
  gst_pad_push_event (input->pad, gst_event_new_gap (0, 3600 * GST_SECOND));
  g_assert_cmpuint (mix_input_stat (input, "samples"), ==, 2 * MIX_BLOCK);

  gst_pad_push_event (input->pad, gst_event_new_eos ());
  g_assert_cmpint (gst_pad_push (input->pad, gst_buffer_new_allocate (NULL, 2, NULL)), ==, GST_FLOW_EOS);
  for (guint i = 0; i < 5; i++)
    mix_tick (&mix);
  g_assert_cmpuint (mix_input_stat (input, "underruns"), ==, 0);
  g_assert_cmpint (*mix_output_last (output, 1), ==, 0);

  gst_pad_push_event (input->pad, gst_event_new_flush_start ());
  gst_pad_push_event (input->pad, gst_event_new_flush_stop (TRUE));
  mix_input_set_format (input, "S16LE", 1);
  push_all (&input, 1, MIX_BLOCK);
  run (&mix, &input, 1, 7);
  g_assert_cmpfloat_with_epsilon (tones_measure (mix_output_last (output, N_LOOK), 1, 0, N_LOOK, 400), 0.5,
                                  1e-3);
  g_assert_cmpstr (output->events->str, ==, "stream-start caps segment ");
  mix_input_free (&mix, input);
  mix_output_free (&mix, output);
  mix_clear (&mix);
}

/* Ten minutes with a sender's clock that is not ours. */
static void
test_drift (gconstpointer data)
{
  double period_ns = 20e6 * (1 - GPOINTER_TO_INT (data) * 1e-6);
  double next_ns = 27e6;
  guint64 most = 0;
  Mix mix;
  mix_init (&mix, 1);
  MixInput *input = mix_input_new (&mix, "sink_0", 400, 0.5);
  MixOutput *output = mix_output_new (&mix, "src");
  mix_play (&mix);
  for (guint i = 0; i < 600 * 50; i++) {
    for (; next_ns < (i + 1) * 20e6; next_ns += period_ns) {
      if (next_ns > gst_clock_get_time (GST_CLOCK (mix.clock)))
        gst_test_clock_set_time (mix.clock, (GstClockTime)next_ns);
      push_all (&input, 1, MIX_BLOCK);
    }
    mix_tick (&mix);
    most = MAX (most, mix_input_stat (input, "samples"));
    if (i % 500 == 499) {
      g_assert_cmpfloat (tones_largest_jump (mix_output_last (output, 400 * MIX_BLOCK), 1, 400 * MIX_BLOCK),
                         <, 1.25 * 0.5 * 2 * sin (G_PI * 400 / TONES_RATE_HZ));
      g_array_set_size (output->samples, 0);
    }
  }
  g_assert_cmpuint (mix_input_stat (input, "underruns"), ==, 0);
  g_assert_cmpuint (most, <=, 3 * MIX_BLOCK);
  g_assert_cmpuint (mix_input_stat (input, "dropped") + mix_input_stat (input, "inserted"), >, 5000);
  mix_input_free (&mix, input);
  mix_output_free (&mix, output);
  mix_clear (&mix);
}

/* ---- What goes out ------------------------------------------------------------------------------------- */

static void
test_silence_goes_on (void)
{
  Mix mix;
  mix_init (&mix, 2);
  MixOutput *output = mix_output_new (&mix, "src");
  mix_play (&mix);
  for (guint i = 0; i < 5; i++)
    mix_tick (&mix);
  MixOutput *late = mix_output_new (&mix, "src_9");
  for (guint i = 0; i < 5; i++)
    mix_tick (&mix);

  g_assert_cmpuint (output->pts->len, ==, 10);
  g_assert_cmpuint (output->samples->len, ==, 10 * 2 * MIX_BLOCK);
  for (guint i = 0; i < 10; i++) {
    g_assert_cmpuint (g_array_index (output->pts, GstClockTime, i), ==, (i + 1) * 20 * GST_MSECOND);
    guint flags = g_array_index (output->flags, guint, i);
    g_assert_true (flags & GST_BUFFER_FLAG_GAP);
    g_assert_cmpint (i == 0, ==, (flags & GST_BUFFER_FLAG_DISCONT) != 0);
  }
  g_assert_cmpstr (late->events->str, ==, "stream-start caps segment ");
  g_assert_cmpuint (g_array_index (late->pts, GstClockTime, 0), ==, 6 * 20 * GST_MSECOND);
  g_assert_true (g_array_index (late->flags, guint, 0) & GST_BUFFER_FLAG_DISCONT);
  g_autoptr (GstCaps) caps = gst_caps_from_string ("audio/x-raw,format=S16LE,rate=48000,channels=2,"
                                                   "channel-mask=(bitmask)3,layout=interleaved");
  g_assert_true (gst_caps_is_equal (late->caps, caps));
  mix_output_free (&mix, late);
  mix_output_free (&mix, output);
  mix_clear (&mix);
}

static void
test_one_output_does_not_stop_the_others (void)
{
  static const GstFlowReturn answers[] = { GST_FLOW_FLUSHING, GST_FLOW_EOS, GST_FLOW_ERROR,
                                           GST_FLOW_NOT_NEGOTIATED };
  Mix mix;
  mix_init (&mix, 1);
  MixInput *input = mix_input_new (&mix, "sink_0", 400, 0.5);
  g_autoptr (GstPad) unlinked = gst_element_request_pad_simple (mix.element, "src_4");
  MixOutput *bad = mix_output_new (&mix, "src_1"), *good = mix_output_new (&mix, "src_2");
  mix_play (&mix);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++) {
    guint before = good->pts->len, n_bad = bad->pts->len;
    bad->answer = answers[i];
    run (&mix, &input, 1, 5);
    g_assert_cmpuint (good->pts->len, ==, before + 5);
    bad->answer = GST_FLOW_OK;
    gst_pad_unlink (bad->source, bad->pad);
    run (&mix, &input, 1, 1);
    g_assert_cmpint (gst_pad_link (bad->source, bad->pad), ==, GST_PAD_LINK_OK);
    run (&mix, &input, 1, 2);
    g_assert_cmpuint (bad->pts->len, ==, n_bad + 2);
  }
  g_assert_cmpfloat_with_epsilon (tones_measure (mix_output_last (good, N_LOOK), 1, 0, N_LOOK, 400), 0.5,
                                  1e-3);
  gst_element_release_request_pad (mix.element, unlinked);
  mix_output_free (&mix, bad);
  mix_output_free (&mix, good);
  mix_input_free (&mix, input);
  mix_clear (&mix);
}

static guint64
skipped (Mix *mix)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 n = 0;
  g_object_get (mix->element, "stats", &stats, NULL);
  gst_structure_get_uint64 (stats, "blocks-skipped", &n);
  return n;
}

/* Lets the clock run on before the waiting tick gets to work. */
static void
oversleep (Mix *mix, guint n_blocks)
{
  gst_test_clock_advance_time (mix->clock, n_blocks * 20 * GST_MSECOND);
  mix_tick (mix);
}

static void
test_late_ticks (void)
{
  Mix mix;
  mix_init (&mix, 1);
  MixOutput *output = mix_output_new (&mix, "src");
  mix_play (&mix);
  mix_tick (&mix);     /* 20 ms */
  oversleep (&mix, 3); /* 40 was due, it is 80: all are made up for */
  g_assert_cmpuint (skipped (&mix), ==, 0);
  g_assert_cmpuint (output->pts->len, ==, 4);
  oversleep (&mix, 50); /* 100 was due, it is 1080 */
  g_assert_cmpuint (skipped (&mix), ==, 49);
  g_assert_cmpuint (output->pts->len, ==, 5);
  g_assert_true (g_array_index (output->flags, guint, 4) & GST_BUFFER_FLAG_DISCONT);
  mix_tick (&mix);
  static const guint expected_ms[] = { 20, 40, 60, 80, 1080, 1100 };
  for (guint i = 0; i < G_N_ELEMENTS (expected_ms); i++)
    g_assert_cmpuint (g_array_index (output->pts, GstClockTime, i), ==, expected_ms[i] * GST_MSECOND);
  mix_output_free (&mix, output);
  mix_clear (&mix);
}

static void
test_queries_and_events (void)
{
  Mix mix;
  gboolean is_live;
  GstClockTime min, max;
  mix_init (&mix, 1);
  MixInput *input = mix_input_new (&mix, "sink_0", 400, 0.5);
  MixOutput *output = mix_output_new (&mix, "src");
  mix_play (&mix);
  g_autoptr (GstQuery) latency = gst_query_new_latency ();
  g_assert_true (gst_pad_peer_query (output->pad, latency));
  gst_query_parse_latency (latency, &is_live, &min, &max);
  g_assert_true (is_live);
  g_assert_cmpuint (min, ==, 20 * GST_MSECOND);
  g_assert_cmpuint (max, ==, GST_CLOCK_TIME_NONE);
  g_autoptr (GstQuery) duration = gst_query_new_duration (GST_FORMAT_TIME);
  g_assert_false (gst_pad_peer_query (output->pad, duration));
  g_assert_true (gst_pad_push_event (output->pad, gst_event_new_reconfigure ()));
  g_assert_true (gst_pad_push_event (output->pad, gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1.0, 0, 0)));
  g_assert_false (
      gst_pad_push_event (output->pad, gst_event_new_seek (1, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
                                                           GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_NONE, 0)));
  mix_input_free (&mix, input);
  mix_output_free (&mix, output);
  mix_clear (&mix);
}

/* ---- Life ---------------------------------------------------------------------------------------------- */

static void
test_pads_in_every_state (void)
{
  static const GstState states[] = { GST_STATE_NULL,   GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING,
                                     GST_STATE_PAUSED, GST_STATE_READY, GST_STATE_NULL,   GST_STATE_PLAYING };
  Mix mix;
  mix_init (&mix, 1);
  MixOutput *full = mix_output_new (&mix, "src");
  for (guint from = 0; from < G_N_ELEMENTS (states); from++)
    for (guint to = 0; to < G_N_ELEMENTS (states); to++) {
      gst_element_set_state (mix.element, states[from]);
      MixInput *input = mix_input_new (&mix, "sink_%u", 400, 0.5);
      MixOutput *output = mix_output_new (&mix, "src_%u");
      mix_input_push (input, MIX_BLOCK);
      gst_element_set_state (mix.element, states[to]);
      mix_input_push (input, MIX_BLOCK);
      if (states[to] == GST_STATE_PLAYING)
        mix_tick (&mix);
      mix_output_free (&mix, output);
      mix_input_free (&mix, input);
    }
  mix_output_free (&mix, full);
  mix_clear (&mix);
}

static void
test_names (void)
{
  Mix mix;
  mix_init (&mix, 1);
  static const char *const good[] = { "sink_%u", "sink_5", "sink_%u", "src_3", "src_%u", "sink_2" };
  static const char *const expected[] = { "sink_0", "sink_5", "sink_6", "src_3", "src_4", "sink_2" };
  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autoptr (GstPad) pad = gst_element_request_pad_simple (mix.element, good[i]);
    g_assert_cmpstr (GST_PAD_NAME (pad), ==, expected[i]);
  }
  GstPadTemplate *templ = gst_element_get_pad_template (mix.element, "sink_%u");
  /* Only so many are summed without a wrap. */
  guint n = 4;
  for (GstPad *pad; (pad = gst_element_request_pad (mix.element, templ, NULL, NULL)) != NULL; n++)
    gst_object_unref (pad);
  g_assert_cmpuint (n, ==, 512);
  gst_object_unref (mix.element);
  gst_object_unref (mix.clock);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  mxr_elements_register (NULL);
  static const guint counts[] = { 1, 2, 3, 17, 64, 100 };
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++) {
    g_autofree char *name = g_strdup_printf ("/audiomix/everybody-but-oneself/%u", counts[i]);
    g_test_add_data_func (name, GUINT_TO_POINTER (counts[i]), test_everybody_but_oneself);
  }
  g_test_add_func ("/audiomix/no-such-sink-hears-all", test_no_such_sink_hears_all);
  g_test_add_func ("/audiomix/limiter-with-fifty-loud-inputs", test_limiter_with_fifty_loud_inputs);
  g_test_add_func ("/audiomix/no-sample-wraps", test_no_sample_wraps);
  g_test_add_func ("/audiomix/onset", test_onset);
  g_test_add_func ("/audiomix/gains-do-not-click", test_gains_do_not_click);
  g_test_add_func ("/audiomix/level", test_level);
  g_test_add_func ("/audiomix/caps", test_caps);
  g_test_add_func ("/audiomix/no-caps-no-data", test_no_caps_no_data);
  g_test_add_func ("/audiomix/missing-late-and-too-many", test_missing_late_and_too_many);
  g_test_add_func ("/audiomix/gap-eos-flush", test_gap_eos_flush);
  g_test_add_data_func ("/audiomix/drift/+300ppm", GINT_TO_POINTER (300), test_drift);
  g_test_add_data_func ("/audiomix/drift/-300ppm", GINT_TO_POINTER (-300), test_drift);
  g_test_add_func ("/audiomix/silence-goes-on", test_silence_goes_on);
  g_test_add_func ("/audiomix/one-output-does-not-stop-the-others", test_one_output_does_not_stop_the_others);
  g_test_add_func ("/audiomix/late-ticks", test_late_ticks);
  g_test_add_func ("/audiomix/queries-and-events", test_queries_and_events);
  g_test_add_func ("/audiomix/pads-in-every-state", test_pads_in_every_state);
  g_test_add_func ("/audiomix/names", test_names);
  int result = g_test_run ();
  gst_deinit (); /* the leaks tracer speaks */
  return result;
}
