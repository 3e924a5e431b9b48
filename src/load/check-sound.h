#ifndef MXR_LOAD_CHECK_SOUND_H
#define MXR_LOAD_CHECK_SOUND_H

#include "marks.h"
#include "mixroom/rtp.h"
#include "samples.h"

/* Listens to the sound that one client gets: whose tones are in it, and when clicks come. Thread: the caller
 * serialises; the marks are shared. */

typedef struct _MxrSoundCheck MxrSoundCheck;

/* Tones are looked for in so much at a time. */
#define MXR_SOUND_WINDOW_US (500 * 1000)

typedef struct {
  guint n_tones;    /* of the room; 0: not looked for */
  guint n_others;   /* of these: so many others' should be heard at any time */
  int own_tone;     /* -1: the client sends none */
  MxrMarks *clicks; /* (nullable): of the room */
  gpointer self;    /* whose own clicks are not expected */
} MxrSoundCheckConfig;

typedef struct {
  guint n_windows;
  guint n_short;        /* of these: with fewer others than there should be */
  guint least_heard;    /* fewest others in one window; G_MAXUINT: there was none */
  MxrSamples own_db;    /* own tone against the loudest other, of each window */
  MxrSamples delays_ms; /* of others' clicks */
} MxrSoundFindings;

MxrSoundCheck *mxr_sound_check_new (const MxrSoundCheckConfig *config, GError **error);
void mxr_sound_check_free (MxrSoundCheck *check);

/** mxr_sound_check_begin: Forgets what was found so far. */
void mxr_sound_check_begin (MxrSoundCheck *check);
/** mxr_sound_check_feed: What a few packets would have had is filled as a player would; a longer gap is left out. */
void mxr_sound_check_feed (MxrSoundCheck *check, const MxrRtpView *view, guint64 extended_seq, gint64 now_us);
const MxrSoundFindings *mxr_sound_check_get_findings (const MxrSoundCheck *check);

#endif
