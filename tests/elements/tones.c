#include "tones.h"

#include <math.h>

double
tones_frequency (guint k)
{
  return 300 + 100.0 * k;
}

static double
sample_at (double frequency_hz, double amplitude, guint64 position)
{
  /* Tones of whole Hertz repeat every second; large positions keep their phase. */
  return amplitude * sin (2 * G_PI * frequency_hz * (position % TONES_RATE_HZ) / TONES_RATE_HZ);
}

void
tones_write_s16 (gint16 *out, guint n_channels, guint n_frames, double frequency_hz, double amplitude,
                 guint64 position)
{
  for (guint i = 0; i < n_frames; i++)
    for (guint c = 0; c < n_channels; c++)
      out[i * n_channels + c] = (gint16)lrint (32767 * sample_at (frequency_hz, amplitude, position + i));
}

void
tones_write_f32 (float *out, guint n_channels, guint n_frames, double frequency_hz, double amplitude,
                 guint64 position)
{
  for (guint i = 0; i < n_frames; i++)
    for (guint c = 0; c < n_channels; c++)
      out[i * n_channels + c] = (float)sample_at (frequency_hz, amplitude, position + i);
}

double
tones_measure (const gint16 *in, guint n_channels, guint channel, guint n_frames, double frequency_hz)
{
  double omega = 2 * G_PI * frequency_hz / TONES_RATE_HZ;
  double coefficient = 2 * cos (omega);
  double last = 0, before = 0;

  for (guint i = 0; i < n_frames; i++) {
    double now = in[i * n_channels + channel] / 32767.0 + coefficient * last - before;
    before = last;
    last = now;
  }
  double power = last * last + before * before - coefficient * last * before;
  return 2 * sqrt (MAX (power, 0)) / n_frames;
}

double
tones_largest_jump (const gint16 *in, guint n_channels, guint n_frames)
{
  int largest = 0;

  for (guint i = n_channels; i < n_frames * n_channels; i++)
    largest = MAX (largest, ABS (in[i] - in[i - n_channels]));
  return largest / 32767.0;
}
