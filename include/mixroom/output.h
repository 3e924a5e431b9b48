#ifndef MIXROOM_OUTPUT_H
#define MIXROOM_OUTPUT_H

#include "mixroom/base.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* The programme's ways out: a file, an HLS playlist, an RTMP or SRT server. What goes out was encoded once, in H.264, AAC
 * and Opus, and is handed to all outputs by a feed; each output is a pipeline of its own, so one that fails or is slow
 * disturbs neither the others nor the room. */

#define MXR_OUTPUT_ERROR (mxr_output_error_quark ())
GQuark mxr_output_error_quark (void);

typedef enum {
  MXR_OUTPUT_ERROR_BAD_REQUEST, /* no such type or format, a URL that cannot be used */
  MXR_OUTPUT_ERROR_OFF,         /* the configuration names no directory for it */
  MXR_OUTPUT_ERROR_WRONG_STATE, /* it has ended */
  MXR_OUTPUT_ERROR_FAILED,      /* an element is not installed here */
} MxrOutputError;

/* ---- The feed: one producer, many outputs --------------------------------------------------------------- */

typedef enum {
  MXR_FEED_PICTURE, /* H.264 access units, byte-stream, parameter sets with each key frame, no B-frames */
  MXR_FEED_SOUND,   /* AAC frames, raw, codec_data in the caps */
  MXR_FEED_OPUS,    /* the same sound as packets of Opus, RFC 7845 caps (channel-mapping-family, streamheader) */
  MXR_FEED_N_STREAMS,
} MxrFeedStream;

typedef struct _MxrFeed MxrFeed;

MxrFeed *mxr_feed_new (void);
MxrFeed *mxr_feed_ref (MxrFeed *feed);
void mxr_feed_unref (MxrFeed *feed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrFeed, mxr_feed_unref)

/**
 * mxr_feed_push:
 * @sample: one buffer, caps and a segment; a picture that is no key frame has %GST_BUFFER_FLAG_DELTA_UNIT
 *
 * To all outputs, at the buffer's running time. Never waits: an output that holds too much leaves out what comes, up to
 * the next key frame.
 *
 * Thread: any, one at a time for each stream.
 */
void mxr_feed_push (MxrFeed *feed, MxrFeedStream stream, GstSample *sample);

/* ---- An output -------------------------------------------------------------------------------------------- */

typedef struct _MxrOutput MxrOutput;

/*               ┌──────── paused <──┐
 *               v                   v
 *  starting ─> running ──────────> finished
 *     ^ │       │   ^                 ^
 *     │ v       v   │                 │
 *   retrying <──┘   └─ (retrying)     │      failed: from any, for good. RTMP and SRT retry instead
 */
typedef enum {
  MXR_OUTPUT_STARTING, /* nothing has gone out yet */
  MXR_OUTPUT_RUNNING,
  MXR_OUTPUT_RETRYING, /* the server is not there: tried again after 1, 2, 4 ... 30 s */
  MXR_OUTPUT_PAUSED,   /* what comes is left out, and time stands still for the output */
  MXR_OUTPUT_FINISHED,
  MXR_OUTPUT_FAILED,
} MxrOutputState;

/* What is asked for. Strings are borrowed. */
typedef struct {
  const char *type;   /* "file", "hls", "rtmp", "srt" or "tracks" */
  const char *format; /* (nullable): of a file: "mp4", the default, or "mkv" */
  const char *url;    /* of RTMP and SRT */
  const char *sound;  /* (nullable): of a file: "aac", the default, or "opus" */
  guint split_s;      /* of a file: a new one at the first key frame after so long; 0: never */
  guint64 split_bytes; /* or at the last key frame before so much; 0: never */
} MxrOutputRequest;

/* Where outputs may go. */
typedef struct {
  const char *recordings_directory; /* "": nothing is recorded */
  const char *hls_directory;        /* "": there is no HLS */
  bool may_push;                    /* to RTMP and SRT servers */
} MxrOutputPlaces;

typedef struct {
  const char *id;
  const char *type;
  MxrOutputState state;
  const char *detail;    /* (nullable): why it failed or retries */
  const char *recording; /* (nullable): the newest file's name in the recordings' directory */
  const char *playlist;  /* (nullable): of HLS, within the directory: ID/index.m3u8 */
  const char *server;    /* (nullable): of RTMP and SRT: the URL without what may be a secret */
  guint64 n_bytes;       /* that have gone out */
  guint n_reconnects;    /* attempts after the first */
  guint64 duration_ms;   /* of what has gone in, pauses left out */
  guint bitrate_bps;     /* of the last six seconds */
} MxrOutputInfo;

/* One of the files that an output writes. */
typedef struct {
  const char *file;             /* below the recordings' directory */
  const char *participant;      /* (nullable): name of the only one in it; else it is the programme */
  gint64 started_ms;            /* Unix time */
  guint64 duration_ms, n_bytes; /* so far */
  bool is_over;                 /* it is closed */
  bool has_failed;
} MxrOutputFile;

typedef struct {
  void (*on_changed) (MxrOutput *output, gpointer user_data); /* of state; @output may not be freed from within */
  void (*on_keyframe_wanted) (MxrOutput *output, gpointer user_data); /* it begins, or goes on, with one */
  void (*on_file) (MxrOutput *output, const MxrOutputFile *file, gpointer user_data); /* one has begun, or is over */
} MxrOutputEvents;

/**
 * mxr_output_new:
 * @name: of the room; a file is named after it
 * @feed: (transfer none)
 * @events: members may be %NULL
 *
 * Begins at once. A directory that cannot be written to shows as %MXR_OUTPUT_FAILED, soon.
 *
 * Thread: control, as all functions of outputs and their callbacks. Errors: BAD_REQUEST, OFF, FAILED.
 */
MxrOutput *mxr_output_new (const MxrOutputRequest *request, const MxrOutputPlaces *places, const char *name, MxrFeed *feed,
                           const MxrOutputEvents *events, gpointer user_data, GError **error);

/** mxr_output_set_paused: Errors: WRONG_STATE, when it has ended. */
bool mxr_output_set_paused (MxrOutput *output, bool paused, GError **error);

/** mxr_output_stop: What it holds goes out yet, for 5 s at most; then it is finished. Does not wait. */
void mxr_output_stop (MxrOutput *output);

/** mxr_output_is_over: Whether it has ended, its file is closed and it may be freed. */
bool mxr_output_is_over (const MxrOutput *output);

/** mxr_output_free: @output is over. */
void mxr_output_free (MxrOutput *output);

void mxr_output_get_info (MxrOutput *output, MxrOutputInfo *out_info);

/** mxr_output_state_to_string: Returns: as in the API: "running". */
const char *mxr_output_state_to_string (MxrOutputState state);

/* ---- Separate tracks: what each participant sends, as it was received ------------------------------------------- */

/* Into an output of the type "tracks" goes nothing of the feed; each participant has a track, of which each kind becomes a
 * Matroska file of its own, and another one when its codec, size or parameter sets change. All files have one timeline, on which 0 is the
 * output's start; index.json beside them says what is where. */
typedef struct _MxrTrack MxrTrack;

/* One packet of sound, or one whole frame of a picture. */
typedef struct {
  bool is_picture;
  const char *codec;      /* static: "OPUS", "VP8" or "H264" */
  GstBufferList *packets; /* (transfer none): RTP in order, numbered without a gap */
  gsize n_bytes;
  gint64 time_ns; /* monotonic */
  bool is_keyframe;
  guint width_px, height_px; /* of a key frame */
  guint parameters;          /* of a key frame: other ones need another file */
} MxrTrackUnit;

/** mxr_output_add_track: @id: of the connection. Returns: (transfer full): Thread: control. @output is live. */
MxrTrack *mxr_output_add_track (MxrOutput *output, const char *id, const char *name);
MxrTrack *mxr_track_ref (MxrTrack *track);
void mxr_track_unref (MxrTrack *track);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrTrack, mxr_track_unref)

/** mxr_track_take: Never waits; what is too much is left out, up to the next key frame. Also after the output has ended.
 * Returns: false when a picture is of no use before a key frame. Thread: any, one at a time. */
bool mxr_track_take (MxrTrack *track, const MxrTrackUnit *unit);
/** mxr_track_set_muted: What comes meanwhile is left out. Thread: any. */
void mxr_track_set_muted (MxrTrack *track, bool sound, bool picture);
/** mxr_track_end: Its files are closed, soon; the output goes on. Thread: any. */
void mxr_track_end (MxrTrack *track);

/** mxr_output_takes: Whether it needs @stream of the feed: while it is live, and sound some milliseconds more, as sound comes later
 * than pictures. */
bool mxr_output_takes (const MxrOutput *output, MxrFeedStream stream);

/** mxr_output_is_live: Whether it still takes what the feed brings, or will: it was neither stopped nor has it failed. */
bool mxr_output_is_live (const MxrOutput *output);

/* ---- What HLS leaves behind ----------------------------------------------------------------------------------- */

/**
 * MxrHlsKeeper:
 *
 * Deletes the folders of HLS outputs that ended more than some time ago, now and then, whoever's they were. Thread: control;
 * what it asks of the disk is a worker's.
 */
typedef struct _MxrHlsKeeper MxrHlsKeeper;

/** mxr_hls_keeper_new: @list_live: returns (transfer full): ids of outputs whose folders stay, however old. */
MxrHlsKeeper *mxr_hls_keeper_new (const char *directory, guint keep_s, GStrv (*list_live) (gpointer user_data),
                                  gpointer user_data);
/** mxr_hls_keeper_free: A round that is under way goes on without it. */
void mxr_hls_keeper_free (MxrHlsKeeper *keeper);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrHlsKeeper, mxr_hls_keeper_free)

G_END_DECLS

#endif
