#include "clip.h"

#include <gst/audio/audio.h>
#include <math.h>
#include <opus.h>
#include <string.h>

#include "pull.h"
#include "tone.h"

#define FRAME_US 20000
/* A frame at 64 kbit/s has 160 bytes; RFC 6716 3.2.1 allows 1275. */
#define OPUS_MAX_BYTES 1275
/* Two bytes and less are DTX' way to say that nothing needs to be sent (opus_encoder.h). */
#define OPUS_DTX_BYTES 2
/* Louder is taken for speech, as browsers' voice detection roughly does. */
#define VOICE_DBOV 50

/* ---- Levels --------------------------------------------------------------------------------------------------- */

static guint8
measure_level_dbov (const float *samples)
{
  double sum = 0;
  for (guint i = 0; i < MXR_SOUND_FRAME_SAMPLES; i++)
    sum += (double) samples[i] * samples[i];
  if (sum == 0)
    return 127;
  return (guint8) CLAMP (lround (-10 * log10 (sum / MXR_SOUND_FRAME_SAMPLES)), 0, 127);
}

/* ---- Coding --------------------------------------------------------------------------------------------------- */

static OpusEncoder *
new_encoder (const MxrSoundCoding *coding, GError **error)
{
  int status;
  OpusEncoder *encoder = opus_encoder_create (
    MXR_SOUND_RATE_HZ, 1, coding->is_music ? OPUS_APPLICATION_AUDIO : OPUS_APPLICATION_VOIP, &status);
  if (encoder == NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "Opus: %s", opus_strerror (status));
    return NULL;
  }
  opus_encoder_ctl (encoder, OPUS_SET_BITRATE ((opus_int32) coding->bitrate_bps));
  opus_encoder_ctl (encoder, OPUS_SET_COMPLEXITY (5));
  opus_encoder_ctl (encoder, OPUS_SET_DTX (coding->dtx));
  return encoder;
}

static bool
encode (MxrClip *clip, OpusEncoder *encoder, const float *samples, guint n_frames, bool is_kept, GError **error)
{
  guint8 bytes[OPUS_MAX_BYTES];

  for (guint i = 0; i < n_frames; i++) {
    const float *block = samples + i * MXR_SOUND_FRAME_SAMPLES;
    const int n_bytes = opus_encode_float (encoder, block, MXR_SOUND_FRAME_SAMPLES, bytes, sizeof bytes);
    if (n_bytes < 0) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "Opus: %s", opus_strerror (n_bytes));
      return false;
    }
    if (!is_kept)
      continue;
    MxrClipFrame *frame = mxr_clip_add_frame (clip);
    frame->level_dbov = measure_level_dbov (block);
    frame->is_voice = frame->level_dbov < VOICE_DBOV;
    if (n_bytes > OPUS_DTX_BYTES)
      mxr_clip_add_packet (clip, bytes, (gsize) n_bytes, false, false);
  }
  return true;
}

static int
decode_frame (OpusDecoder *decoder, const MxrClip *clip, const MxrClipFrame *frame, float *out_samples)
{
  if (frame->n_packets == 0)
    return opus_decode_float (decoder, NULL, 0, out_samples, MXR_SOUND_FRAME_SAMPLES, 0);
  const MxrClipPacket *packet = &g_array_index (clip->packets, MxrClipPacket, frame->first_packet);
  return opus_decode_float (decoder, clip->bytes->data + packet->offset + 12, packet->size - 12, out_samples,
                            MXR_SOUND_FRAME_SAMPLES, 0);
}

/* Once round to fill the decoder's and the detector's memory, then once more. */
static void
find_clicks (MxrClip *clip)
{
  MxrClickDetector detector = { 0 };
  float samples[MXR_SOUND_FRAME_SAMPLES];
  OpusDecoder *decoder = opus_decoder_create (MXR_SOUND_RATE_HZ, 1, NULL);

  for (guint i = 0; decoder != NULL && i < 2 * clip->frames->len; i++) {
    MxrClipFrame *frame = &g_array_index (clip->frames, MxrClipFrame, i % clip->frames->len);
    if (decode_frame (decoder, clip, frame, samples) != MXR_SOUND_FRAME_SAMPLES)
      continue;
    const int at = mxr_click_detector_feed (&detector, samples, MXR_SOUND_FRAME_SAMPLES);
    if (at < 0 || i < clip->frames->len)
      continue;
    frame->mark_us = (gint64) at * G_USEC_PER_SEC / MXR_SOUND_RATE_HZ;
    frame->mark_value = detector.number;
  }
  g_clear_pointer (&decoder, opus_decoder_destroy);
}

MxrClip *
mxr_clip_new_sound (const float *samples, guint n_samples, const MxrSoundCoding *coding, GError **error)
{
  const guint n_frames = n_samples / MXR_SOUND_FRAME_SAMPLES;
  g_autoptr (MxrClip) clip = mxr_clip_new (MXR_RTP_AUDIO, MXR_CODEC_OPUS, FRAME_US);

  if (n_frames == 0) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "there is no sound in it");
    return NULL;
  }
  OpusEncoder *encoder = new_encoder (coding, error);
  if (encoder == NULL)
    return NULL;
  const bool is_encoded = encode (clip, encoder, samples, n_frames, false, error) &&
                          encode (clip, encoder, samples, n_frames, true, error);
  opus_encoder_destroy (encoder);
  if (!is_encoded)
    return NULL;
  find_clicks (clip);
  return g_steal_pointer (&clip);
}

/* ---- From a file ---------------------------------------------------------------------------------------------- */

static void
append_sample (GArray *samples, GstSample *sample, guint n_max)
{
  GstMapInfo map;
  if (!gst_buffer_map (gst_sample_get_buffer (sample), &map, GST_MAP_READ))
    return;
  const guint n = (guint) (map.size / sizeof (float));
  g_array_append_vals (samples, map.data, MIN (n, n_max - samples->len));
  gst_buffer_unmap (gst_sample_get_buffer (sample), &map);
}

float *
mxr_sound_read (const char *path, guint seconds, guint *out_n_samples, GError **error)
{
  const guint n_max = seconds * MXR_SOUND_RATE_HZ;
  g_autoptr (GstElement) pipeline = gst_parse_launch (
    "filesrc name=file ! decodebin ! audioconvert ! audioresample ! "
    "audio/x-raw,format=F32LE,rate=48000,channels=1,layout=interleaved ! appsink name=sink sync=false max-buffers=8",
    error);
  if (pipeline == NULL)
    return NULL;
  g_autoptr (GstElement) file = gst_bin_get_by_name (GST_BIN (pipeline), "file");
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_autoptr (GArray) samples = g_array_new (FALSE, FALSE, sizeof (float));
  GError *failure = NULL;

  g_object_set (file, "location", path, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (samples->len < n_max && failure == NULL) {
    g_autoptr (GstSample) sample = mxr_pull_sample (pipeline, GST_APP_SINK (sink), &failure);
    if (sample == NULL)
      break;
    append_sample (samples, sample, n_max);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (failure != NULL) {
    g_propagate_prefixed_error (error, failure, "%s: ", path);
    return NULL;
  }
  *out_n_samples = samples->len;
  return (float *) (gpointer) g_array_free (g_steal_pointer (&samples), FALSE);
}

/* ---- Made up -------------------------------------------------------------------------------------------------- */

float *
mxr_sound_make_tone (double hz, double amplitude, guint seconds)
{
  const guint n_samples = seconds * MXR_SOUND_RATE_HZ;
  float *samples = g_new (float, n_samples);
  for (guint i = 0; i < n_samples; i++)
    samples[i] = (float) (amplitude * sin (2 * G_PI * hz * i / MXR_SOUND_RATE_HZ));
  return samples;
}

/* Four syllables a second, and every fifth of them is a pause: what speech does to a coder and to whom picks the
 * loudest. All frequencies are whole, so that it loops. */
static double
get_loudness (double time_s, guint index)
{
  const double syllable = time_s * 4 + index * 0.37;
  const double within = syllable - floor (syllable);
  return ((guint) floor (syllable) + index) % 5 == 0 ? 0 : sin (G_PI * within) * sin (G_PI * within);
}

float *
mxr_sound_make_voice (guint index, guint seconds)
{
  const guint n_samples = seconds * MXR_SOUND_RATE_HZ;
  const double pitch_hz = 95 + index * 23 % 140;
  float *samples = g_new0 (float, n_samples);

  for (guint i = 0; i < n_samples; i++) {
    const double time_s = (double) i / MXR_SOUND_RATE_HZ;
    const double loudness = get_loudness (time_s, index);
    double sum = 0;
    for (guint harmonic = 1; loudness > 0 && harmonic <= 12; harmonic++)
      sum += sin (2 * G_PI * pitch_hz * harmonic * time_s) / harmonic;
    samples[i] = (float) (0.15 * loudness * sum);
  }
  return samples;
}

float *
mxr_sound_make_hush (guint seconds)
{
  const guint n_samples = seconds * MXR_SOUND_RATE_HZ;
  float *samples = g_new (float, n_samples);
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  for (guint i = 0; i < n_samples; i++)
    samples[i] = (float) g_rand_double_range (random, -0.0005, 0.0005);
  return samples;
}

void
mxr_sound_add_clicks (float *samples, guint n_samples, guint slot, guint n_slots, guint n_numbers)
{
  for (guint second = slot; second < n_samples / MXR_SOUND_RATE_HZ; second += n_slots) {
    const guint at = second * MXR_SOUND_RATE_HZ + MXR_SOUND_RATE_HZ * 3 / 10;
    mxr_click_add (samples + at, n_samples - at, second % n_numbers);
  }
}
