#ifndef MXR_OUTPUT_PRIVATE_H
#define MXR_OUTPUT_PRIVATE_H

#include <stdatomic.h>

#include "mixroom/output.h"

/* ---- input.c: the hand-over from the feed to one pipeline --------------------------------------------------- */

/**
 * MxrInput:
 *
 * An appsrc for each stream, the timeline on which the pipeline begins at 0, and a bound. Shared with the feed; lives as
 * long as one pipeline does.
 */
typedef struct _MxrInput MxrInput;

/** mxr_input_new: @pipeline: has the appsrc "picture" and "sound" or "opus". */
MxrInput *mxr_input_new (GstElement *pipeline);
MxrInput *mxr_input_ref (MxrInput *input);
void mxr_input_unref (MxrInput *input);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrInput, mxr_input_unref)

/**
 * mxr_input_set_next:
 * @next: (transfer none): of the pipeline that goes on
 * @split_ns: 0: never
 * @split_bytes: 0: never
 *
 * At the first key frame after @split_ns, or the last one before @split_bytes, this pipeline ends and all from there on
 * goes to @next. The pipeline's bus is told by an application message "split". Thread: any.
 */
void mxr_input_set_next (MxrInput *input, MxrInput *next, GstClockTime split_ns, guint64 split_bytes);
/** mxr_input_get_next: Returns: (transfer none) (nullable): who goes on; %NULL as long as nobody does. Thread: any. */
MxrInput *mxr_input_get_next (MxrInput *input);

/** mxr_input_take: @running_ns: of @buffer. Thread: any, one at a time for each stream. */
void mxr_input_take (MxrInput *input, MxrFeedStream stream, GstBuffer *buffer, GstCaps *caps, GstClockTime running_ns);
/** mxr_input_set_paused: It goes on with a key frame, at the time at which it was paused. Thread: any. */
void mxr_input_set_paused (MxrInput *input, bool paused);
/** mxr_input_end: No picture is taken any more; sound, which comes later, up to the picture's end, with which the pipeline gets
 * the end of stream. Thread: any. */
void mxr_input_end (MxrInput *input);
/** mxr_input_end_now: Nothing is taken any more, and the pipeline gets the end of stream. Thread: any. */
void mxr_input_end_now (MxrInput *input);
/** mxr_input_get_position: Returns: end of what was taken, on the pipeline's timeline. Thread: any. */
GstClockTime mxr_input_get_position (MxrInput *input);
/** mxr_input_has_begun: Whether there was a key frame. Thread: any. */
bool mxr_input_has_begun (MxrInput *input);

/* ---- feed.c -------------------------------------------------------------------------------------------------- */

void mxr_feed_add (MxrFeed *feed, MxrInput *input);
/** mxr_feed_remove: A push that is under way in another thread may still reach @input. */
void mxr_feed_remove (MxrFeed *feed, MxrInput *input);
/** mxr_feed_replace: @next takes the place of @input, if that is there, between two pushes. */
void mxr_feed_replace (MxrFeed *feed, MxrInput *input, MxrInput *next);

/* ---- attempt.c: one pipeline ----------------------------------------------------------------------------------- */

/**
 * MxrAttempt:
 *
 * A pipeline with its input: all of an output, one of several attempts, or one of the files that it is divided into.
 * Started and stopped by workers; told of by mxr_output_on_message() and mxr_output_on_stopped(). Thread: control.
 */
typedef struct {
  MxrOutput *output;
  GstElement *pipeline;
  MxrInput *input;
  guint bus_watch;
  guint tail;              /* source: its sound ends, as long as its picture or not */
  guint late;              /* source: it is stopped without an end */
  bool is_starting;        /* by a worker */
  bool is_stopping;        /* it is being stopped, or will be when it has started */
  bool has_failed;
  bool is_file_told;       /* that its file has begun */
  char *file, *location;   /* (nullable): of a file: its name, its path */
  gint64 started_ms;       /* Unix time at which something came out; 0: nothing did */
  guint64 duration_ms;     /* when it has stopped */
  guint64 former_ms;       /* what its output's former_ms has of it */
  atomic_uint_fast64_t n_bytes; /* added to by the sink's thread */
} MxrAttempt;

/** mxr_attempt_new: Returns: (nullable): not started yet. @file: (transfer full) (nullable). Errors: FAILED. */
MxrAttempt *mxr_attempt_new (MxrOutput *output, char *file, GError **error);
void mxr_attempt_start (MxrAttempt *attempt);
/** mxr_attempt_end: It is brought to its end, which takes some milliseconds, or seconds where it is stuck. */
void mxr_attempt_end (MxrAttempt *attempt);
/** mxr_attempt_end_late: What it holds goes out yet; it is stopped after some seconds, whatever it holds. */
void mxr_attempt_end_late (MxrAttempt *attempt);
/** mxr_attempt_stop: Now. mxr_output_on_stopped() follows, not from within. */
void mxr_attempt_stop (MxrAttempt *attempt);
/** mxr_attempt_free: It was never started, or has stopped. */
void mxr_attempt_free (MxrAttempt *attempt);

/* ---- output.c, and one file for each type ---------------------------------------------------------------------- */

void mxr_output_on_message (MxrOutput *output, MxrAttempt *attempt, GstMessage *message);
void mxr_output_on_stopped (MxrOutput *output, MxrAttempt *attempt);

typedef struct {
  const char *name;
  bool retries; /* what it writes to may come back */
  /* Takes what it needs of the request; sets @location and what is shown of it. */
  bool (*prepare) (MxrOutput *output, const MxrOutputRequest *request, const MxrOutputPlaces *places, GError **error);
  GstElement *(*make_pipeline) (MxrAttempt *attempt, GError **error);
  /* (nullable): the pipeline is stopped and what was begun can be ended. Thread: a worker, alone with @data. */
  void (*finish) (MxrOutput *output);
  /* (nullable): what a failure has left of a file is made one that can be played. Thread: a worker. */
  void (*mend) (const char *path);
  void (*free_data) (gpointer data); /* (nullable) */

  /* (nullable): in place of all after prepare(): what has not one pipeline, but sees to its own and to n_workers. Then
   * there are the next three. */
  bool (*begin) (MxrOutput *output, GError **error);
  void (*set_paused) (MxrOutput *output, bool paused);
  void (*stop) (MxrOutput *output); /* is_stopping is set */
  guint64 (*get_duration_ms) (MxrOutput *output);
} MxrOutputType;

extern const MxrOutputType mxr_output_type_file, mxr_output_type_hls, mxr_output_type_rtmp, mxr_output_type_srt,
  mxr_output_type_tracks;

#define MXR_OUTPUT_RATE_S 6 /* what is said of the bitrate is of so long: three segments of HLS */

struct _MxrOutput {
  const MxrOutputType *type;
  MxrFeed *feed;
  MxrOutputEvents events;
  gpointer user_data;
  char *id;
  char *name; /* of the room */
  MxrOutputState state;
  char *detail;
  char *location;  /* directory or URL, secrets included */
  char *stem;      /* of its files' names */
  const char *ending; /* of these: "mp4" */
  char *recording; /* the newest of these */
  char *playlist, *server;
  gpointer data; /* the type's */
  guint split_s;
  guint64 split_bytes;
  guint n_files; /* that were named */
  bool is_opus;  /* its sound; AAC otherwise */

  MxrAttempt *current;     /* NULL between two attempts, and in the end */
  MxrAttempt *next;        /* the next file's, not started; NULL: there is none to come */
  guint n_attempts;        /* that have started and not stopped */
  guint n_workers;         /* what a type that begins by itself has under way */
  guint timer;             /* of the next attempt */
  guint n_failures;        /* attempts in a row */
  guint n_reconnects;
  bool is_stopping, is_paused;
  guint64 former_ms;            /* duration of former attempts */
  atomic_uint_fast64_t n_bytes; /* added to by sinks' threads */
  guint rate_timer;
  guint64 rate_bytes[MXR_OUTPUT_RATE_S + 1]; /* n_bytes each second, the newest last */
  guint n_rate;
};

/** mxr_output_watch_sink: Counts what passes the sink pad of @sink; its second buffer means that the first went out. */
void mxr_output_watch_sink (MxrAttempt *attempt, GstElement *sink);
/** mxr_output_tell_running: Something has gone out of @element's pipeline. Thread: any. */
void mxr_output_tell_running (GstElement *element);
/** mxr_output_set_state: @detail: (nullable). Tells it, so nothing of @output may be under way. */
void mxr_output_set_state (MxrOutput *output, MxrOutputState state, const char *detail);
/** mxr_output_parse: Returns: (transfer full): what gst-launch makes of @description. Errors: FAILED. */
GstElement *mxr_output_parse (const char *description, GError **error);

/* ---- track-file.c: one file of one stream of RTP ----------------------------------------------------------------- */

typedef struct _MxrTrackFile MxrTrackFile;

/** MxrTrackFileFunc: @file is closed; to be freed from within. @error: (nullable) */
typedef void (*MxrTrackFileFunc) (MxrTrackFile *file, const GError *error, gpointer user_data);

/** mxr_track_file_new: @total_bytes: what is written is added to it, too; outlives the file. Errors: FAILED. */
MxrTrackFile *mxr_track_file_new (const char *codec, const char *path, atomic_uint_fast64_t *total_bytes,
                                  MxrTrackFileFunc on_over, gpointer user_data, GError **error);
/** mxr_track_file_free: It is over. */
void mxr_track_file_free (MxrTrackFile *file);
/** mxr_track_file_push: @packets: (transfer full): of the instant @time_ns, later than those before. */
void mxr_track_file_push (MxrTrackFile *file, GstBufferList *packets, GstClockTime time_ns);
/** mxr_track_file_end: What it holds is written yet, within 5 s; then it is over. */
void mxr_track_file_end (MxrTrackFile *file);
gsize mxr_track_file_get_held_bytes (MxrTrackFile *file);
guint64 mxr_track_file_get_bytes (MxrTrackFile *file);

/* ---- track.c: from the network's threads to ours ----------------------------------------------------------------- */

/* Taken and not written yet. */
typedef struct {
  MxrTrackUnit unit;
  GstBufferList *packets; /* owned */
} MxrTrackItem;

MxrTrack *mxr_track_new (const char *id, const char *name);
const char *mxr_track_get_id (const MxrTrack *track);
const char *mxr_track_get_name (const MxrTrack *track);
bool mxr_track_has_ended (MxrTrack *track);
void mxr_track_set_paused (MxrTrack *track, bool paused);
/** mxr_track_steal: Returns: (transfer full): MxrTrackItem. @held_bytes: of what was stolen before and is not written yet */
GQueue *mxr_track_steal (MxrTrack *track, gsize held_bytes);
void mxr_track_item_free (gpointer item);
/** mxr_track_need_keyframe: What follows was left out after it was taken. */
void mxr_track_need_keyframe (MxrTrack *track);

#endif
