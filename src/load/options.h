#ifndef MXR_LOAD_OPTIONS_H
#define MXR_LOAD_OPTIONS_H

#include "clip.h"

#define MXR_LOAD_ROOMS_MAX 1000
#define MXR_LOAD_CLIENTS_MAX 10000 /* in all */

/* What clients should get. */
typedef enum {
  MXR_EXPECT_WHAT_IS_SENT = -1, /* by the others of this program; by a room of others: both */
  MXR_EXPECT_NONE = 0,
  MXR_EXPECT_SOUND = 1 << 0,
  MXR_EXPECT_PICTURE = 1 << 1,
} MxrExpect;

typedef struct {
  char *server; /* http(s)://HOST:PORT */
  char *host;
  char *room; /* name, or what names begin with */
  int n_rooms;
  int n_participants, n_talkers, n_cameras, n_viewers; /* in each room */
  int n_speakers;                                      /* that the server mixes */
  double ramp, churn;                                  /* a second */
  int settle_s, duration_s;
  MxrExpect expect;
  double min_sound_percent; /* of its time that each client has to have sound of */
  double min_frame_rate; /* of each client's picture; 0: not judged */
  double loss; /* [0..1] */
  int jitter_ms;
  gboolean keeps_order;
  MxrLoadCodec codec;
  guint width_px, height_px;
  int video_kbps;
  gboolean no_audio_level, dtx, tones, delay, quiet, is_insecure, version;
  char **audio_files, **video_files;
  char *json_file;
  int server_pid;
  char *token;
  int n_threads;
} MxrLoadOptions;

/**
 * mxr_load_options_parse:
 * @options: zeroed; cleared by the caller in every case
 *
 * Errors: G_OPTION_ERROR; the message says what is allowed.
 */
bool mxr_load_options_parse (MxrLoadOptions *options, char **arguments, GError **error);
void mxr_load_options_clear (MxrLoadOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MxrLoadOptions, mxr_load_options_clear)

guint mxr_load_options_count_clients (const MxrLoadOptions *options);
gint64 mxr_load_options_get_duration_us (const MxrLoadOptions *options);

#endif
