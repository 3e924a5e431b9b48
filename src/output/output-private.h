#ifndef MXR_OUTPUT_PRIVATE_H
#define MXR_OUTPUT_PRIVATE_H

#include "mixroom/output.h"

/* ---- input.c: the hand-over from the feed to one output's pipeline ------------------------------------------ */

/**
 * MxrInput:
 *
 * Two appsrc, the timeline on which the output begins at 0, and a bound. Shared with the feed; lives as long as one
 * pipeline does.
 */
typedef struct _MxrInput MxrInput;

/** mxr_input_new: @pipeline: has the appsrc "picture" and "sound" or "opus". */
MxrInput *mxr_input_new (GstElement *pipeline);
MxrInput *mxr_input_ref (MxrInput *input);
void mxr_input_unref (MxrInput *input);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrInput, mxr_input_unref)

/** mxr_input_take: @running_ns: of @buffer. Thread: any, one at a time for each stream. */
void mxr_input_take (MxrInput *input, MxrFeedStream stream, GstBuffer *buffer, GstCaps *caps, GstClockTime running_ns);
/** mxr_input_set_paused: It goes on with a key frame, at the time at which it was paused. Thread: any. */
void mxr_input_set_paused (MxrInput *input, bool paused);
/** mxr_input_end: Nothing is taken any more, and the pipeline gets the end of stream. Thread: any. */
void mxr_input_end (MxrInput *input);
/** mxr_input_get_position: Returns: end of what was taken, on the output's timeline. Thread: any. */
GstClockTime mxr_input_get_position (MxrInput *input);
/** mxr_input_has_begun: Whether there was a key frame. Thread: any. */
bool mxr_input_has_begun (MxrInput *input);

/* ---- feed.c -------------------------------------------------------------------------------------------------- */

void mxr_feed_add (MxrFeed *feed, MxrInput *input);
/** mxr_feed_remove: A push that is under way in another thread may still reach @input. */
void mxr_feed_remove (MxrFeed *feed, MxrInput *input);

/* ---- output.c, and one file for each type ---------------------------------------------------------------------- */

typedef struct {
  const char *name;
  bool retries; /* what it writes to may come back */
  /* Takes what it needs of the request; sets @location and what is shown of it. */
  bool (*prepare) (MxrOutput *output, const MxrOutputRequest *request, const MxrOutputPlaces *places, GError **error);
  GstElement *(*make_pipeline) (MxrOutput *output, GError **error);
  void (*on_message) (MxrOutput *output, GstMessage *message); /* (nullable): of an element */
  void (*on_end) (MxrOutput *output);                          /* (nullable): its pipeline is stopped, for good */
  void (*free_data) (gpointer data);                           /* (nullable) */
} MxrOutputType;

extern const MxrOutputType mxr_output_type_file, mxr_output_type_hls, mxr_output_type_rtmp, mxr_output_type_srt;

struct _MxrOutput {
  const MxrOutputType *type;
  MxrFeed *feed;
  MxrOutputEvents events;
  gpointer user_data;
  char *id;
  char *name; /* of the room */
  MxrOutputState state;
  char *detail;
  char *location; /* path or URL, secrets included */
  char *recording, *playlist, *server;
  gpointer data; /* the type's */

  GstElement *pipeline; /* NULL between two attempts, and in the end */
  MxrInput *input;
  guint bus_watch;
  guint timer;             /* of the next attempt, or of the end */
  guint n_workers;         /* that start or stop a pipeline: one at most */
  bool is_starting;        /* it starts one */
  GstElement *ended;       /* to be stopped once it has; NULL: none is */
  guint n_failures;        /* attempts in a row */
  bool is_stopping, is_paused;
  bool is_opus; /* its sound; AAC otherwise */
  guint64 former_ms;       /* duration of former attempts */
  atomic_uint_fast64_t n_bytes; /* added to by sinks' threads */
};

/** mxr_output_watch_sink: Counts what passes the sink pad of @sink; its second buffer means that the first went out. */
void mxr_output_watch_sink (MxrOutput *output, GstElement *sink);
/** mxr_output_set_running: Something has gone out. */
void mxr_output_set_running (MxrOutput *output);
/** mxr_output_parse: Returns: (transfer full): what gst-launch makes of @description. Errors: FAILED. */
GstElement *mxr_output_parse (const char *description, GError **error);

#endif
