#ifndef MXR_TEST_PLAYER_H
#define MXR_TEST_PLAYER_H

#include "mixroom/player.h"

/* A player whose sound and pictures are written down. Of tests. */

typedef struct {
  gint64 arrival_us;
  guint n_frames;  /* of sound */
  guint crossings; /* of zero, upwards: hertz are these in the time of the frames */
  guint luma;      /* of a picture: mean of its first row */
  guint width, height;
} TestPiece;

typedef struct {
  MxrConfig *config;
  MxrMailbox *control;
  MxrPlayer *player;
  GstElement *pipeline;
  GMutex lock;
  GArray *pieces[MXR_PLAYER_N_STREAMS]; /* TestPiece; guarded by lock */
  GString *states;
} TestPlayer;

/** test_player_init: @settings: of the group players, up to %NULL */
void test_player_init (TestPlayer *test, ...) G_GNUC_NULL_TERMINATED;
void test_player_clear (TestPlayer *test);
void test_player_start (TestPlayer *test, const char *location, bool is_file, bool loop);
/** test_player_wait: Until it is in that state, or has ended. Returns: (transfer full): the detail, or "". */
char *test_player_wait (TestPlayer *test, MxrPlayerState state);
void test_player_run (guint ms);
/** test_player_copy: Returns: (transfer full): what has come of @stream since the last such call. */
GArray *test_player_copy (TestPlayer *test, MxrPlayerStream stream);
/** test_make_media: With FFmpeg. @tail: arguments behind the inputs, the last a file's name in @dir. Returns: (transfer full): its path. */
char *test_make_media (const char *dir, guint seconds, const char *tail, const char *name);

#endif
