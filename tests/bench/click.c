#include "click.h"

#include <math.h>
#include <opus.h>
#include <string.h>

#define RATE 48000
#define BLOCK 960
#define MAX_BLOCK 5760 /* 120 ms */
#define BITRATE_BPS 32000
#define PERIOD 50
#define FREQUENCY_HZ 6000
/* At the head of its packet and short, so that the look-ahead of both encoders, 6.5 ms each, leaves it in one packet. */
#define LENGTH 240
#define AMPLITUDE 14000.0
/* Speech at its sharpest has a tenth of this at 6 kHz; codecs take up to half of the burst away. */
#define HEARD_AMPLITUDE 3000.0
#define DEAF_PACKETS 25 /* after a click: half a second */

struct _ClickDetector {
  OpusDecoder *decoder;
  guint deaf;
};

static OpusEncoder *
new_encoder (void)
{
  int error;
  OpusEncoder *encoder = opus_encoder_create (RATE, 1, OPUS_APPLICATION_AUDIO, &error);

  if (encoder == NULL)
    g_error ("Opus encoder: %s", opus_strerror (error));
  opus_encoder_ctl (encoder, OPUS_SET_BITRATE (BITRATE_BPS));
  return encoder;
}

static void
add_packet (GPtrArray *track, OpusEncoder *encoder, const gint16 *samples)
{
  guint8 packet[1275];
  int n_bytes = opus_encode (encoder, samples, BLOCK, packet, sizeof packet);
  g_ptr_array_add (track, g_bytes_new (packet, (gsize) MAX (n_bytes, 0)));
}

static void
add_click (gint16 *samples)
{
  for (guint i = 0; i < LENGTH; i++) {
    double window = 0.5 - 0.5 * cos (2 * G_PI * i / LENGTH);
    double sample = samples[i] + AMPLITUDE * window * sin (2 * G_PI * FREQUENCY_HZ * i / RATE);
    samples[i] = (gint16) CLAMP (sample, G_MININT16, G_MAXINT16);
  }
}

GPtrArray *
click_track_new (const GPtrArray *speech)
{
  GPtrArray *track = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  OpusEncoder *encoder = new_encoder ();
  OpusDecoder *decoder = opus_decoder_create (RATE, 1, NULL);

  for (guint i = 0; i < speech->len - speech->len % PERIOD; i++) {
    gint16 samples[MAX_BLOCK] = { 0 };
    gsize size;
    const guint8 *bytes = g_bytes_get_data (speech->pdata[i], &size);
    if (opus_decode (decoder, bytes, (opus_int32) size, samples, MAX_BLOCK, 0) != BLOCK)
      g_error ("the speech is not in packets of 20 ms");
    if (click_is_in (i))
      add_click (samples);
    add_packet (track, encoder, samples);
  }
  opus_decoder_destroy (decoder);
  opus_encoder_destroy (encoder);
  return track;
}

bool
click_is_in (guint index)
{
  return index % PERIOD == PERIOD / 2;
}

GPtrArray *
silent_track_new (void)
{
  static const gint16 nothing[BLOCK];
  GPtrArray *track = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  OpusEncoder *encoder = new_encoder ();

  for (guint i = 0; i < PERIOD; i++)
    add_packet (track, encoder, nothing);
  opus_encoder_destroy (encoder);
  return track;
}

ClickDetector *
click_detector_new (void)
{
  ClickDetector *detector = g_new0 (ClickDetector, 1);
  detector->decoder = opus_decoder_create (RATE, 1, NULL);
  return detector;
}

/* Goertzel: amplitude of the burst's frequency in LENGTH samples. The burst's window halves what is found. */
static double
amplitude_at (const gint16 *samples)
{
  const double coefficient = 2 * cos (2 * G_PI * FREQUENCY_HZ / RATE);
  double s1 = 0, s2 = 0;

  for (guint i = 0; i < LENGTH; i++) {
    double s0 = samples[i] + coefficient * s1 - s2;
    s2 = s1;
    s1 = s0;
  }
  return 2 * sqrt (s1 * s1 + s2 * s2 - coefficient * s1 * s2) / LENGTH;
}

bool
click_detector_push (ClickDetector *detector, const guint8 *opus, gsize size)
{
  gint16 samples[MAX_BLOCK];
  int n = opus_decode (detector->decoder, opus, (opus_int32) size, samples, MAX_BLOCK, 0);

  if (detector->deaf > 0) {
    detector->deaf--;
    return false;
  }
  for (int i = 0; i + LENGTH <= n; i += LENGTH / 2)
    if (amplitude_at (samples + i) >= HEARD_AMPLITUDE) {
      detector->deaf = DEAF_PACKETS;
      return true;
    }
  return false;
}
