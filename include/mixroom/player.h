#ifndef MIXROOM_PLAYER_H
#define MIXROOM_PLAYER_H

#include <gst/gst.h>

#include "mixroom/base.h"

G_BEGIN_DECLS

/* Plays a file or an address: a process of its own decodes it in real time, and what it makes comes out of pads here.
 *
 * Thread: control, but for the pads, which a thread of the player pushes into. */

#define MXR_PLAYER_ERROR (mxr_player_error_quark ())
GQuark mxr_player_error_quark (void);

typedef enum {
  MXR_PLAYER_ERROR_BAD_SOURCE,  /* no such file, no URL of ours, or a place that may not be fetched from */
  MXR_PLAYER_ERROR_OFF,         /* the configuration does not allow for it */
  MXR_PLAYER_ERROR_WRONG_STATE, /* it has ended, or cannot be sought in */
  MXR_PLAYER_ERROR_FAILED,      /* the process cannot be started */
} MxrPlayerError;

typedef struct _MxrPlayer MxrPlayer;

typedef enum { MXR_PLAYER_SOUND, MXR_PLAYER_PICTURE, MXR_PLAYER_N_STREAMS } MxrPlayerStream;

typedef enum {
  MXR_PLAYER_STARTING,
  MXR_PLAYER_PLAYING,
  MXR_PLAYER_PAUSED,
  MXR_PLAYER_FINISHED, /* all of it was played */
  MXR_PLAYER_FAILED,
} MxrPlayerState;

/** mxr_player_state_to_string: Returns: "starting", "playing", "paused", "finished", "failed"; static. */
const char *mxr_player_state_to_string (MxrPlayerState state);

typedef struct {
  MxrPlayerState state;
  const char *detail;                /* (nullable): why it failed; borrowed */
  bool streams[MXR_PLAYER_N_STREAMS]; /* which there are; from on_ready on */
  bool is_seekable, loop;
  gint64 position_ms, duration_ms;   /* -1: not known */
} MxrPlayerInfo;

/* None is called after mxr_player_stop(). */
typedef struct {
  /* It is known what there is to play. Bins of streams there are wait for being linked until this returns; then it plays. */
  void (*on_ready) (MxrPlayer *player, gpointer user_data);
  /* Its state is another; the last time FINISHED or FAILED. Position alone is not told. From inside mxr_player_set_paused() too. */
  void (*on_changed) (MxrPlayer *player, gpointer user_data);
} MxrPlayerEvents;

/* Strings are borrowed. */
typedef struct {
  const char *location; /* path of a file, when @is_file; else an http, https, rtsp or rtsps URL */
  bool is_file;
  bool loop;
} MxrPlayerSource;

/**
 * mxr_player_check_url:
 * @url: http, https, rtsp or rtsps
 * @config: its group players: which hosts, and whether private addresses, may be fetched from
 *
 * What can be told from the text alone. Names are looked up, and redirects followed, by the player's process, which refuses
 * to connect to an address that may not be fetched from, however it came by it.
 *
 * Errors: BAD_SOURCE. Thread: any; pure.
 */
bool mxr_player_check_url (const MxrConfig *config, const char *url, GError **error);

/** mxr_player_is_installed: Whether its program is where it is looked for: $MIXROOM_PLAYER, beside the server, in libexecdir. */
bool mxr_player_is_installed (void);

/**
 * mxr_player_start:
 * @config: outlives the player
 * @control: its calls are made in the thread that this is called from
 *
 * Errors: OFF, BAD_SOURCE, FAILED.
 */
MxrPlayer *mxr_player_start (const MxrConfig *config, MxrMailbox *control, const MxrPlayerSource *source,
                             const MxrPlayerEvents *events, gpointer user_data, GError **error);

/** mxr_player_stop: Ends it at once, in any state, and lets it go. */
void mxr_player_stop (MxrPlayer *player);

/**
 * mxr_player_get_bin:
 *
 * Its pad "src" is live: sound is S16LE of 48000 Hz, 1 or 2 channels, in blocks of 20 ms that come when their last sample is
 * due; pictures are I420 of at most 1280x720, or turned, and 30 a second, which come when they are due. Neither has time stamps.
 *
 * Returns: (transfer none).
 */
GstElement *mxr_player_get_bin (MxrPlayer *player, MxrPlayerStream stream);

void mxr_player_get_info (MxrPlayer *player, MxrPlayerInfo *out_info);
/** mxr_player_get_last_us: Returns: when the last of @stream came; 0: nothing did. Monotonic. Thread: any. */
gint64 mxr_player_get_last_us (MxrPlayer *player, MxrPlayerStream stream);

/* Errors: WRONG_STATE. */
bool mxr_player_set_paused (MxrPlayer *player, bool paused, GError **error);
bool mxr_player_seek (MxrPlayer *player, gint64 position_ms, GError **error);
bool mxr_player_set_loop (MxrPlayer *player, bool loop, GError **error);

/** mxr_player_get_pid: Returns: of its process; 0: it is no more. For tests and logs. */
gint mxr_player_get_pid (MxrPlayer *player);

G_END_DECLS

#endif
