#ifndef MXR_LOUDNESS_GAIN_H
#define MXR_LOUDNESS_GAIN_H

#include <glib.h>

G_BEGIN_DECLS

#define MXR_LOUDNESS_STEP_MS 100
#define MXR_LOUDNESS_RECENT 100
#define MXR_LOUDNESS_QUIET 30

/**
 * MxrLoudnessGain:
 * @target: LUFS, at any time
 * @gain_db: now
 *
 * What brings a sound to a loudness: slow, and deaf to pauses. The level is the mean energy of the last 10 s of sound, less
 * what is far below it, as R 128 integrates it (BS.1770's gates). Another level that stays is taken up instead of being
 * averaged in: a louder one after half a second, a quieter one after 4 s when it moves as speech does, and after 30 s
 * when it does not, for that is what the noise of a room in a pause does. Zero it to begin with, but for the target.
 */
typedef struct {
  double target;
  double gain_db;
  double recent[MXR_LOUDNESS_RECENT]; /* energies, a ring */
  guint n_recent, recent_at;
  double quiet[MXR_LOUDNESS_QUIET];   /* LUFS of the last steps that were far below the level, a ring */
  guint n_quiet;                      /* of them in a row */
  double loud[5];                     /* LUFS, in a row */
  guint n_loud;
} MxrLoudnessGain;

/** mxr_loudness_gain_step: @momentary: of the last 400 ms [LUFS], each %MXR_LOUDNESS_STEP_MS. Returns: what the gain shall be in as long [dB] */
double mxr_loudness_gain_step (MxrLoudnessGain *control, double momentary);

G_END_DECLS

#endif
