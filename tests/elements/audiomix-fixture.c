#include "audiomix-fixture.h"

#include "tones.h"

void
mix_init (Mix *mix, guint n_channels)
{
  mix->element = gst_object_ref_sink (gst_element_factory_make ("mxraudiomix", NULL));
  g_object_set (mix->element, "channels", n_channels, NULL);
  /* Not on the grid, so that the first tick is still to come. */
  mix->clock = GST_TEST_CLOCK (gst_test_clock_new_with_start_time (10 * GST_MSECOND));
  gst_element_set_clock (mix->element, GST_CLOCK (mix->clock));
  gst_element_set_base_time (mix->element, 0);
}

void
mix_play (Mix *mix)
{
  g_assert_cmpint (gst_element_set_state (mix->element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_NO_PREROLL);
  g_assert_cmpint (gst_element_set_state (mix->element, GST_STATE_PLAYING), ==, GST_STATE_CHANGE_SUCCESS);
  gst_test_clock_wait_for_next_pending_id (mix->clock, NULL);
}

void
mix_clear (Mix *mix)
{
  gst_element_set_state (mix->element, GST_STATE_NULL);
  g_assert_cmpint (GST_OBJECT_REFCOUNT_VALUE (mix->element), ==, 1);
  g_clear_object (&mix->element);
  g_clear_object (&mix->clock);
}

void
mix_tick (Mix *mix)
{
  g_assert_true (gst_test_clock_crank (mix->clock));
  gst_test_clock_wait_for_next_pending_id (mix->clock, NULL);
}

/* When the mixer wants to go on. Who was woken has seen by then what time it is. */
static GstClockTime
next_tick (Mix *mix)
{
  GstClockID id;

  gst_test_clock_wait_for_next_pending_id (mix->clock, &id);
  GstClockTime next = gst_clock_id_get_time (id);
  gst_clock_id_unref (id);
  return next;
}

void
mix_advance (Mix *mix, GstClockTime until_ns)
{
  while (next_tick (mix) <= until_ns)
    g_assert_true (gst_test_clock_crank (mix->clock));
  if (gst_clock_get_time (GST_CLOCK (mix->clock)) < until_ns)
    gst_test_clock_set_time (mix->clock, until_ns);
}

/* ---- Inputs -------------------------------------------------------------------------------------------- */

MixInput *
mix_input_new (Mix *mix, const char *name, double frequency_hz, double amplitude)
{
  MixInput *input = g_new0 (MixInput, 1);
  input->frequency_hz = frequency_hz;
  input->amplitude = amplitude;
  input->sink = gst_element_request_pad_simple (mix->element, name);
  g_assert_nonnull (input->sink);
  input->pad = gst_pad_new ("input", GST_PAD_SRC);
  gst_pad_set_active (input->pad, TRUE);
  g_assert_cmpint (gst_pad_link (input->pad, input->sink), ==, GST_PAD_LINK_OK);
  gst_pad_push_event (input->pad, gst_event_new_stream_start ("input"));
  mix_input_set_format (input, "S16LE", 1);
  return input;
}

bool
mix_input_set_format (MixInput *input, const char *format, guint n_channels)
{
  g_autoptr (GstCaps) caps =
      gst_caps_new_simple ("audio/x-raw", "format", G_TYPE_STRING, format, "rate", G_TYPE_INT, TONES_RATE_HZ,
                           "channels", G_TYPE_INT, n_channels, "layout", G_TYPE_STRING, "interleaved", NULL);
  GstSegment segment;

  if (n_channels > 1)
    gst_caps_set_simple (caps, "channel-mask", GST_TYPE_BITMASK, (guint64)3, NULL);
  input->n_channels = n_channels;
  input->is_f32 = g_str_equal (format, "F32LE");
  bool accepted = gst_pad_push_event (input->pad, gst_event_new_caps (caps));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (input->pad, gst_event_new_segment (&segment));
  return accepted;
}

GstFlowReturn
mix_input_push (MixInput *input, guint n_frames)
{
  gsize frame_bytes = input->n_channels * (input->is_f32 ? sizeof (float) : sizeof (gint16));
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, n_frames * frame_bytes, NULL);
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  if (input->is_f32)
    tones_write_f32 ((float *)map.data, input->n_channels, n_frames, input->frequency_hz, input->amplitude,
                     input->position);
  else
    tones_write_s16 ((gint16 *)map.data, input->n_channels, n_frames, input->frequency_hz, input->amplitude,
                     input->position);
  gst_buffer_unmap (buffer, &map);
  input->position += n_frames;
  return gst_pad_push (input->pad, buffer);
}

guint64
mix_input_stat (MixInput *input, const char *name)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 value = 0;
  guint small = 0;

  g_object_get (input->sink, "stats", &stats, NULL);
  if (gst_structure_get_uint (stats, name, &small))
    return small;
  g_assert_true (gst_structure_get_uint64 (stats, name, &value));
  return value;
}

void
mix_input_free (Mix *mix, MixInput *input)
{
  gst_pad_set_active (input->pad, FALSE);
  gst_element_release_request_pad (mix->element, input->sink);
  gst_object_unref (input->sink);
  gst_object_unref (input->pad);
  g_free (input);
}

/* ---- Outputs ------------------------------------------------------------------------------------------- */

static GstFlowReturn
on_output_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  MixOutput *output = gst_pad_get_element_private (pad);
  guint flags = GST_BUFFER_FLAGS (buffer);
  GstMapInfo map;

  if (output->answer == GST_FLOW_OK && gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    g_array_append_vals (output->samples, map.data, map.size / sizeof (gint16));
    g_array_append_val (output->pts, GST_BUFFER_PTS (buffer));
    g_array_append_val (output->flags, flags);
    gst_buffer_unmap (buffer, &map);
  }
  gst_buffer_unref (buffer);
  return output->answer;
}

static gboolean
on_output_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  MixOutput *output = gst_pad_get_element_private (pad);

  g_string_append_printf (output->events, "%s ", GST_EVENT_TYPE_NAME (event));
  if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS) {
    GstCaps *caps;
    gst_event_parse_caps (event, &caps);
    gst_caps_replace (&output->caps, caps);
  }
  gst_event_unref (event);
  return TRUE;
}

MixOutput *
mix_output_new (Mix *mix, const char *name)
{
  bool is_always = g_str_equal (name, "src");
  MixOutput *output = g_new0 (MixOutput, 1);
  output->samples = g_array_new (FALSE, FALSE, sizeof (gint16));
  output->pts = g_array_new (FALSE, FALSE, sizeof (GstClockTime));
  output->flags = g_array_new (FALSE, FALSE, sizeof (guint));
  output->events = g_string_new (NULL);
  output->pad = gst_pad_new ("output", GST_PAD_SINK);
  gst_pad_set_element_private (output->pad, output);
  gst_pad_set_chain_function (output->pad, on_output_chain);
  gst_pad_set_event_function (output->pad, on_output_event);
  gst_pad_set_active (output->pad, TRUE);
  output->source = is_always ? gst_element_get_static_pad (mix->element, name)
                             : gst_element_request_pad_simple (mix->element, name);
  g_assert_nonnull (output->source);
  g_assert_cmpint (gst_pad_link (output->source, output->pad), ==, GST_PAD_LINK_OK);
  return output;
}

const gint16 *
mix_output_last (const MixOutput *output, guint n_samples)
{
  g_assert_cmpuint (output->samples->len, >=, n_samples);
  return &g_array_index (output->samples, gint16, output->samples->len - n_samples);
}

void
mix_output_free (Mix *mix, MixOutput *output)
{
  bool is_always = GST_PAD_TEMPLATE_PRESENCE (GST_PAD_PAD_TEMPLATE (output->source)) == GST_PAD_ALWAYS;

  gst_pad_unlink (output->source, output->pad);
  if (!is_always)
    gst_element_release_request_pad (mix->element, output->source);
  gst_object_unref (output->source);
  gst_pad_set_active (output->pad, FALSE);
  gst_object_unref (output->pad);
  g_array_unref (output->samples);
  g_array_unref (output->pts);
  g_array_unref (output->flags);
  g_string_free (output->events, TRUE);
  gst_clear_caps (&output->caps);
  g_free (output);
}
