#include "peak-limiter.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* -1.1 dB: a tenth for what rounding and a gain that moves add to a peak. */
#define CEILING 0.881f
/* 40 dB a second, for each frame. */
#define RELEASE 1.00009595
/* Gains as integers. */
#define ONE (1u << 24)
#define N_TAPS (2 * MXR_PEAK_HALF_TAPS)
/* Frames worked on at once. */
#define CHUNK 48

/* ---- Peaks ------------------------------------------------------------------------------------------------ */

/* A sinc in a Hann window, 49 taps at four times the rate, as meters have it (libebur128). */
static double
tap (int at)
{
  double x = at * G_PI / 4, window = 0.5 * (1 + cos (2 * G_PI * at / (8.0 * MXR_PEAK_HALF_TAPS)));
  return at == 0 ? 1 : sin (x) / x * window;
}

static void
init_taps (MxrPeakLimiter *limiter)
{
  double most = 1;

  for (int phase = 0; phase < 3; phase++) {
    double sum = 0;
    for (int i = 0; i < N_TAPS; i++) {
      double value = tap (4 * (i - MXR_PEAK_HALF_TAPS) + phase + 1);
      limiter->taps[phase][i] = (float) value;
      sum += fabs (value);
    }
    most = MAX (most, sum);
  }
  limiter->harmless = (float) (CEILING / most);
}

void
mxr_peak_limiter_init (MxrPeakLimiter *limiter, guint n_channels)
{
  g_return_if_fail (n_channels >= 1 && n_channels <= 2);
  *limiter = (MxrPeakLimiter){ .n_channels = n_channels, .held = 1 };
  init_taps (limiter);
  for (guint i = 0; i < MXR_PEAK_FADE_FRAMES; i++)
    limiter->fade[i] = ONE;
  limiter->fade_sum = (guint64) ONE * MXR_PEAK_FADE_FRAMES;
}

/* @line: the history and the chunk of one channel. @peaks: (inout): the largest so far of each place; the sample itself is
 * one tap earlier than what lies behind it. */
static void
raise_peaks (const MxrPeakLimiter *limiter, const float *line, guint n, float *peaks)
{
  for (int phase = 0; phase < 3; phase++) {
    float between[CHUNK] = { 0 };
    for (guint k = 0; k < N_TAPS; k++)
      for (guint i = 0; i < n; i++)
        between[i] += limiter->taps[phase][N_TAPS - 1 - k] * line[i + 1 + k];
    for (guint i = 0; i < n; i++)
      peaks[i] = MAX (peaks[i], fabsf (between[i]));
  }
  for (guint i = 0; i < n; i++)
    peaks[i] = MAX (peaks[i], fabsf (line[i + MXR_PEAK_HALF_TAPS]));
}

/* Returns: whether one may be above the ceiling; else @out_peaks is not set. */
static bool
find_peaks (MxrPeakLimiter *limiter, const float *samples, guint n, float *out_peaks)
{
  float lines[2][N_TAPS + CHUNK], largest = 0;

  for (guint c = 0; c < limiter->n_channels; c++) {
    memcpy (lines[c], limiter->history[c], sizeof limiter->history[c]);
    for (guint i = 0; i < n; i++)
      lines[c][N_TAPS + i] = samples[i * limiter->n_channels + c];
    for (guint i = 0; i < N_TAPS + n; i++)
      largest = MAX (largest, fabsf (lines[c][i]));
    memcpy (limiter->history[c], lines[c] + n, sizeof limiter->history[c]);
  }
  if (largest <= limiter->harmless)
    return false;
  memset (out_peaks, 0, n * sizeof *out_peaks);
  for (guint c = 0; c < limiter->n_channels; c++)
    raise_peaks (limiter, lines[c], n, out_peaks);
  return true;
}

/* ---- Gain ------------------------------------------------------------------------------------------------- */

static MxrPeakDip *
nth_dip (MxrPeakLimiter *limiter, guint n)
{
  return &limiter->dips[(limiter->dips_at + n) % MXR_PEAK_HOLD_FRAMES];
}

/* The smallest gain wanted within the last %MXR_PEAK_HOLD_FRAMES. */
static guint32
hold (MxrPeakLimiter *limiter, guint32 need)
{
  if (limiter->n_dips > 0 && nth_dip (limiter, 0)->frame + MXR_PEAK_HOLD_FRAMES <= limiter->frame) {
    limiter->dips_at = (limiter->dips_at + 1) % MXR_PEAK_HOLD_FRAMES;
    limiter->n_dips--;
  }
  if (need < ONE) {
    while (limiter->n_dips > 0 && nth_dip (limiter, limiter->n_dips - 1)->need >= need)
      limiter->n_dips--;
    *nth_dip (limiter, limiter->n_dips++) = (MxrPeakDip){ limiter->frame, need };
  }
  return limiter->n_dips > 0 ? nth_dip (limiter, 0)->need : ONE;
}

/* Down in a straight line that ends when the peak comes out, up at the pace of the release. */
static float
next_gain (MxrPeakLimiter *limiter, float peak)
{
  guint32 need = peak > CEILING ? (guint32) (CEILING / peak * ONE) : ONE;

  limiter->held = MIN (limiter->held * RELEASE, (double) hold (limiter, need) / ONE);
  guint32 now = (guint32) (limiter->held * ONE);
  limiter->fade_sum += now - (guint64) limiter->fade[limiter->fade_at];
  limiter->fade[limiter->fade_at] = now;
  limiter->fade_at = (limiter->fade_at + 1) % MXR_PEAK_FADE_FRAMES;
  limiter->frame++;
  return (float) ((double) limiter->fade_sum / ((double) ONE * MXR_PEAK_FADE_FRAMES));
}

static bool
is_at_rest (const MxrPeakLimiter *limiter)
{
  return limiter->n_dips == 0 && limiter->fade_sum == (guint64) ONE * MXR_PEAK_FADE_FRAMES;
}

/* ---- Samples ---------------------------------------------------------------------------------------------- */

static void
put_through (MxrPeakLimiter *limiter, float *frame, float gain)
{
  float *waiting = limiter->delay + limiter->delay_at * limiter->n_channels;

  for (guint c = 0; c < limiter->n_channels; c++) {
    float out = waiting[c] * gain;
    waiting[c] = frame[c];
    frame[c] = out;
  }
  limiter->delay_at = (limiter->delay_at + 1) % MXR_PEAK_DELAY_FRAMES;
}

static void
run_chunk (MxrPeakLimiter *limiter, float *samples, guint n)
{
  float peaks[CHUNK] = { 0 };
  bool is_calm = !find_peaks (limiter, samples, n, peaks) && is_at_rest (limiter);

  for (guint i = 0; i < n; i++)
    put_through (limiter, samples + i * limiter->n_channels, is_calm ? 1 : next_gain (limiter, peaks[i]));
  limiter->frame += is_calm ? n : 0;
}

void
mxr_peak_limiter_run (MxrPeakLimiter *limiter, float *samples, guint n_frames)
{
  for (guint done = 0; done < n_frames; done += CHUNK)
    run_chunk (limiter, samples + done * limiter->n_channels, MIN (n_frames - done, CHUNK));
}
