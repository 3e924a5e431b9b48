#include "loudness-gain.h"

#include <math.h>
#include <stdbool.h>

/* What is below is no sound that anybody wants louder: with the largest gain it is still 14 dB below -16 LUFS. */
#define GATE_LUFS (-50)
/* BS.1770: what is so much below the level does not count. */
#define RELATIVE_GATE_LU 10
#define LOUDER_LU 10
/* A level is believed when so many steps are known. */
#define LEVEL_MIN_STEPS 4
#define GAIN_MAX_DB 20
#define RISE_DB 0.3 /* a step: 3 dB a second */
#define FALL_DB 1.0
/* Of a quieter sound: the first second is the end of the louder one, in the 400 ms of the meter and in the room. */
#define QUIET_MIN_STEPS (MXR_LOUDNESS_QUIET + 10)
#define QUIET_MAX_STEPS 300
/* Speech goes up and down by more than that in 3 s, noise does not. */
#define SPEECH_SPREAD_LU 6

static double
energy_of (double lufs)
{
  return pow (10, lufs / 10);
}

static void
take (MxrLoudnessGain *control, double lufs)
{
  control->recent[control->recent_at] = energy_of (lufs);
  control->recent_at = (control->recent_at + 1) % MXR_LOUDNESS_RECENT;
  control->n_recent = MIN (control->n_recent + 1, MXR_LOUDNESS_RECENT);
  control->n_quiet = 0;
}

static double
get_level (const MxrLoudnessGain *control)
{
  double sum = 0;

  for (guint i = 0; i < control->n_recent; i++)
    sum += control->recent[i];
  return 10 * log10 (sum / control->n_recent);
}

/* What was before is forgotten. */
static void
take_instead (MxrLoudnessGain *control, const double *lufs, guint n)
{
  control->n_recent = control->recent_at = 0;
  for (guint i = 0; i < n; i++)
    take (control, lufs[i]);
  control->n_loud = 0;
}

static void
hear_louder (MxrLoudnessGain *control, double lufs)
{
  control->loud[control->n_loud++] = lufs;
  if (control->n_loud == G_N_ELEMENTS (control->loud))
    take_instead (control, control->loud, control->n_loud);
}

/* Whether what is heard in a pause is somebody who speaks softly. */
static bool
has_moved_on (const MxrLoudnessGain *control)
{
  double low = control->quiet[0], high = low;

  for (guint i = 1; i < MXR_LOUDNESS_QUIET; i++) {
    low = MIN (low, control->quiet[i]);
    high = MAX (high, control->quiet[i]);
  }
  return control->n_quiet >= QUIET_MAX_STEPS || (control->n_quiet >= QUIET_MIN_STEPS && high - low >= SPEECH_SPREAD_LU);
}

/* The quieter level is that of its louder half: its pauses are no part of it. */
static void
hear_quieter (MxrLoudnessGain *control, double lufs)
{
  double kept[MXR_LOUDNESS_QUIET], sum = 0;
  guint n = 0;

  control->quiet[control->n_quiet++ % MXR_LOUDNESS_QUIET] = lufs;
  if (!has_moved_on (control))
    return;
  for (guint i = 0; i < MXR_LOUDNESS_QUIET; i++)
    sum += control->quiet[i] / MXR_LOUDNESS_QUIET;
  for (guint i = 0; i < MXR_LOUDNESS_QUIET; i++)
    if (control->quiet[i] >= sum)
      kept[n++] = control->quiet[i];
  take_instead (control, kept, n);
}

static void
hear (MxrLoudnessGain *control, double lufs)
{
  double level = control->n_recent > 0 ? get_level (control) : lufs;

  if (!(lufs > GATE_LUFS))
    return;
  if (control->n_recent >= LEVEL_MIN_STEPS && lufs > level + LOUDER_LU) {
    hear_louder (control, lufs);
    return;
  }
  control->n_loud = 0;
  if (lufs < level - RELATIVE_GATE_LU)
    hear_quieter (control, lufs);
  else
    take (control, lufs);
}

double
mxr_loudness_gain_step (MxrLoudnessGain *control, double momentary)
{
  hear (control, momentary);
  if (control->target != 0 && control->n_recent < LEVEL_MIN_STEPS)
    return control->gain_db;
  double wanted = control->target != 0 ? CLAMP (control->target - get_level (control), -GAIN_MAX_DB, GAIN_MAX_DB) : 0;
  control->gain_db = CLAMP (wanted, control->gain_db - FALL_DB, control->gain_db + RISE_DB);
  return control->gain_db;
}
