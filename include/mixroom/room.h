#ifndef MIXROOM_ROOM_H
#define MIXROOM_ROOM_H

#include <math.h>

#include "mixroom/base.h"

G_BEGIN_DECLS

/* Rooms and who is in them: what a signalling front end (WebSocket, WHIP, WHEP, REST) needs, and no more.
 *
 * Thread: everything here belongs to the control thread, which runs the default main context; callbacks come from
 * there too, and never from inside the call that caused them unless a function says so. */

#define MXR_ROOM_ERROR (mxr_room_error_quark ())
GQuark mxr_room_error_quark (void);

typedef enum {
  MXR_ROOM_ERROR_BAD_NAME,       /* of a room or a participant: 400 */
  MXR_ROOM_ERROR_BAD_SDP,        /* cannot be parsed: 400 */
  MXR_ROOM_ERROR_NOTHING_USABLE, /* no codec or media section in common: 422 */
  MXR_ROOM_ERROR_BAD_CANDIDATE,  /* cannot be parsed, or one too many: 400 */
  MXR_ROOM_ERROR_NOT_NEGOTIATED, /* a candidate or restart before any offer: 409 */
  MXR_ROOM_ERROR_NOT_FOUND,      /* no such room, or nothing to resume: 404 */
  MXR_ROOM_ERROR_BUSY,           /* an offer is being answered already: 409 */
  MXR_ROOM_ERROR_FULL,           /* rooms or places: 503 with Retry-After */
  MXR_ROOM_ERROR_DRAINING,       /* the server is going down: 503 with Retry-After */
  MXR_ROOM_ERROR_FAILED,         /* ours: 500 */
  MXR_ROOM_ERROR_BAD_OUTPUT,     /* no such type or format, or a URL that cannot be used: 400 */
  MXR_ROOM_ERROR_BAD_LOOK,       /* no such layout or image, or a value outside its range: 400 */
  MXR_ROOM_ERROR_BAD_PLAYER,     /* nothing that can be played, or a place that may not be fetched from: 400 */
  MXR_ROOM_ERROR_OUTPUT_OFF,     /* the configuration does not allow for such outputs: 403 */
  MXR_ROOM_ERROR_OUTPUT_ENDED,   /* it cannot be paused any more: 409 */
  MXR_ROOM_ERROR_OUTPUTS_FULL,   /* too many at once: 429 */
} MxrRoomError;

typedef struct _MxrHub MxrHub;                 /* all rooms of the server */
typedef struct _MxrParticipant MxrParticipant; /* somebody or something in a room */

typedef enum {
  MXR_ROLE_SESSION,   /* joined by WebSocket: talks with us while in the room, may resume */
  MXR_ROLE_PUBLISHER, /* joined by WHIP: lives as long as its media or until it is deleted */
  MXR_ROLE_VIEWER,    /* joined by WHEP: the same, sends nothing, has no tile and is not in the roster */
  MXR_ROLE_PLAYER,    /* plays a file or an address: has no connection; started and stopped through the hub */
} MxrRole;

/* How good somebody's connection is, both ways together. */
typedef enum {
  MXR_QUALITY_UNKNOWN,
  MXR_QUALITY_LOST, /* nothing comes */
  MXR_QUALITY_BAD,  /* sound suffers, or there is no moving picture */
  MXR_QUALITY_POOR, /* the picture suffers */
  MXR_QUALITY_GOOD,
} MxrQuality;

/* One line of the roster. Strings are borrowed for the length of the call. */
typedef struct {
  const char *id;
  const char *name;
  bool audio_muted;
  bool video_muted;
  bool hand_raised;
  bool talking;
  bool sends_audio; /* an uplink is negotiated */
  bool sends_video;
  MxrQuality quality;
} MxrMember;

/* One tile; x, y, w, h in fractions of the canvas [0..1], z: higher is in front. */
typedef struct {
  const char *participant; /* id */
  double x, y, w, h;
  int z;
} MxrTileInfo;

typedef struct {
  const char *participant; /* id of who wrote it; who wrote it may have left since */
  const char *name;
  const char *text;
  gint64 time_ms; /* Unix time; each line of a room has a later one than those before it */
} MxrChatLine;

/* The most that a participant's picture is shown at anywhere; all 0: it is shown nowhere. */
typedef struct {
  guint width_px, height_px; /* of a picture of the tile's shape */
  guint framerate;
  guint bitrate_bps;
} MxrUplinkLimit;

/* What the downlink's picture is. */
typedef enum {
  MXR_RUNG_VIDEO,
  MXR_RUNG_SLIDES, /* a fresh picture every few seconds */
  MXR_RUNG_AUDIO,  /* no picture: sound alone */
} MxrRungKind;

typedef enum {
  MXR_RUNG_REASON_BEST,      /* there is no better one */
  MXR_RUNG_REASON_BANDWIDTH, /* the connection carries no more */
  MXR_RUNG_REASON_LOSS,      /* too much gets lost on it */
} MxrRungReason;

typedef struct {
  MxrRungKind kind;
  guint width_px, height_px, framerate; /* 0 with MXR_RUNG_AUDIO; a slide show's framerate is 0 */
  guint bitrate_bps;
  const char *codec; /* "VP8" or "H264"; static */
  MxrRungReason reason;
  guint available_bps; /* what the connection carries, in all; 0: not known */
} MxrRungInfo;

typedef enum {
  MXR_REMOVAL_GONE,              /* the participant is no more */
  MXR_REMOVAL_RESUMED_ELSEWHERE, /* it goes on with another connection */
} MxrRemoval;

/**
 * MxrParticipantEvents:
 *
 * What a participant's connection is told. Members may be %NULL. Thread: control. None of them may free the hub.
 */
typedef struct {
  /* The server's candidate (RFC 8839 candidate-attribute without "a="); "" when there are no more. */
  void (*on_candidate) (MxrParticipant *participant, const char *candidate, const char *mid, gpointer user_data);
  /* The whole roster: once after joining or resuming, before any on_member. */
  void (*on_roster) (MxrParticipant *participant, const MxrMember *members, gsize n_members, gpointer user_data);
  /* Somebody came, changed or (@is_gone) went. */
  void (*on_member) (MxrParticipant *participant, const MxrMember *member, bool is_gone, gpointer user_data);
  /* Geometry of the participant's own view, before the first frame that shows it. @view is "main"; "direct", with the other's
   * tile alone, while it gets that one's picture as it was sent: then the picture has changed already. */
  void (*on_tiles) (MxrParticipant *participant, const char *view, guint width_px, guint height_px,
                    const MxrTileInfo *tiles, gsize n_tiles, gpointer user_data);
  /* The picture that the participant sends needs no more than this: more is wasted. */
  void (*on_uplink_limit) (MxrParticipant *participant, const MxrUplinkLimit *limit, gpointer user_data);
  void (*on_talking) (MxrParticipant *participant, const char *id, bool talking, gpointer user_data);
  void (*on_chat) (MxrParticipant *participant, const MxrChatLine *line, gpointer user_data);
  /* What the downlink's picture now is, and why. */
  void (*on_rung) (MxrParticipant *participant, const MxrRungInfo *rung, gpointer user_data);
  /* Whether the room is being recorded (outputs of the types "file" and "tracks") and sent out (all others). Of what is paused,
   * neither; of what begins, or tries again to reach its server, already. */
  void (*on_outputs) (MxrParticipant *participant, bool is_recorded, bool is_live, gpointer user_data);
  /* The server is draining: @reconnect_in_ms until the client should come again. */
  void (*on_closing) (MxrParticipant *participant, const char *reason, guint reconnect_in_ms, gpointer user_data);
  /* The participant is no more (its media died, the room closed, ...), or a second connection resumed it; @reason says
   * it in words. Last of all calls: @participant must not be used afterwards. Not called after mxr_participant_leave(). */
  void (*on_removed) (MxrParticipant *participant, MxrRemoval removal, const char *reason, gpointer user_data);
} MxrParticipantEvents;

/* ---- The hub ------------------------------------------------------------------------------------------- */

/**
 * mxr_hub_new:
 * @config: (transfer none): outlives the hub
 *
 * Loads the pipeline fragments and starts the network threads. gst_init() was called before.
 */
MxrHub *mxr_hub_new (const MxrConfig *config, GError **error);

/** mxr_hub_clear: Removes everybody and runs the default main context until every room and its outputs have ended, all of it
 * told to who watches the hub. Nobody comes in any more. */
void mxr_hub_clear (MxrHub *hub);

/** mxr_hub_free: As mxr_hub_clear(), and joins the threads. */
void mxr_hub_free (MxrHub *hub);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrHub, mxr_hub_free)

/** mxr_hub_drain: Refuses newcomers from now on and tells everybody `closing`, who resumes later too. */
void mxr_hub_drain (MxrHub *hub, guint reconnect_in_ms);

/** mxr_hub_is_ready: Whether a newcomer would be let in: what `readyz` says. @out_reason: (out) (nullable), static */
bool mxr_hub_is_ready (MxrHub *hub, const char **out_reason);

/** mxr_hub_count_participants: of all rooms, viewers included. */
guint mxr_hub_count_participants (MxrHub *hub);

/* For REST. GVariants of type a{sv} or aa{sv}, made to be serialised as JSON as they are. */
GVariant *mxr_hub_describe_rooms (MxrHub *hub);
/** mxr_hub_describe_room: Returns: (transfer floating) (nullable): %NULL when there is no such room. */
GVariant *mxr_hub_describe_room (MxrHub *hub, const char *room);
/** mxr_hub_draw_room: Returns: (transfer full) (nullable): the pipeline in the dot language. */
char *mxr_hub_draw_room (MxrHub *hub, const char *room);
/** mxr_hub_append_metrics: Prometheus text exposition format 0.0.4. */
void mxr_hub_append_metrics (MxrHub *hub, GString *text);

/* ---- What happens in all rooms ----------------------------------------------------------------------------- */

/* A file of an output: the only one, or one of those that it is divided into. */
typedef struct {
  const char *output;              /* id */
  const char *type;                /* of the output: "file" or "tracks" */
  const char *file;                /* below the recordings' directory */
  const char *const *participants; /* (array zero-terminated=1): names of those who were in the room meanwhile; of a track, whose it is */
  gint64 started_ms;               /* Unix time */
  guint64 duration_ms, n_bytes;    /* so far */
  bool is_over;                    /* the file is closed; its output may go on with another one */
  bool has_failed;                 /* what is in it up to here may be played */
} MxrRecording;

/**
 * MxrHubEvents:
 *
 * For who watches all rooms, such as webhooks and a library of recordings. Members may be %NULL. What is passed is borrowed.
 * Thread: control; from the main loop or from inside the call that caused it; none may call back into the hub.
 */
typedef struct {
  /* It begins, or the last has left: its outputs end within seconds, and are told of yet. */
  void (*on_room) (const char *room, bool is_over, gpointer user_data);
  /* Came, after the room began, or is gone, before it is over. Viewers and players, too. */
  void (*on_participant) (const char *room, const MxrMember *member, MxrRole role, bool is_gone, gpointer user_data);
  /* @output: a{sv}, as mxr_hub_describe_output() says it: it began or is in another state. */
  void (*on_output) (const char *room, GVariant *output, gpointer user_data);
  void (*on_recording) (const char *room, const MxrRecording *recording, gpointer user_data);
  /* @player: a{sv}, as mxr_hub_describe_player() says it. */
  void (*on_player) (const char *room, GVariant *player, gpointer user_data);
} MxrHubEvents;

/** mxr_hub_set_events: @events: (nullable): outlives the hub, or is taken back with %NULL. */
void mxr_hub_set_events (MxrHub *hub, const MxrHubEvents *events, gpointer user_data);

/* ---- The programme: what it looks and sounds like ------------------------------------------------------------ */

#define MXR_UNCHANGED (-1)

/* What is to change; %NULL, %MXR_UNCHANGED and, of the doubles, NAN: it stays. Strings are borrowed. */
typedef struct {
  const char *layout;     /* "auto", "grid", "speaker" or "share" */
  const char *pin;        /* id of who is large in "auto", "speaker" and "share"; "": nobody */
  const char *background; /* "#rrggbb", or the name of an image; "": as in the room's picture */
  const char *logo;       /* name of an image; "": none */
  const char *logo_corner; /* "top-left", "top-right", "bottom-left", "bottom-right" */
  double logo_height;     /* of the canvas [0.02..0.5] */
  const char *labels;     /* "none", "names" or "lower-third" */
  int clock;              /* whether the time of day is shown: 0, 1, or %MXR_UNCHANGED */
  double safe_margin;     /* what logo, labels and clock keep from each edge, of the canvas [0..0.1] */
  double loudness_lufs;   /* EBU R 128 [-36..-10]; 0: as it is */
} MxrProgrammeChange;

#define MXR_PROGRAMME_UNCHANGED \
  (MxrProgrammeChange) { .clock = MXR_UNCHANGED, .logo_height = NAN, .safe_margin = NAN, .loudness_lufs = NAN }

/* GVariants as of outputs, below. */

/** mxr_hub_describe_programme: a{sv}: the members of MxrProgrammeChange as the API names them ("logoCorner"), "width", "height",
 * "framerate", and "isRoomPicture": whether it is the same picture as that of the room. Errors: NOT_FOUND. */
GVariant *mxr_hub_describe_programme (MxrHub *hub, const char *room, GError **error);
/** mxr_hub_change_programme: All of @change or, when there is an error, nothing of it. Errors: NOT_FOUND, BAD_LOOK. */
GVariant *mxr_hub_change_programme (MxrHub *hub, const char *room, const MxrProgrammeChange *change, GError **error);

/**
 * mxr_hub_take_snapshot_async:
 * @type: "image/jpeg" or "image/png"
 *
 * The programme's picture now, encoded by a worker. The callback is made as that of mxr_participant_negotiate_async().
 * Errors: NOT_FOUND, BUSY (too many are being made), FAILED.
 */
void mxr_hub_take_snapshot_async (MxrHub *hub, const char *room, const char *type, GAsyncReadyCallback callback,
                                  gpointer user_data);
/** mxr_hub_take_snapshot_finish: Returns: (transfer full). */
GBytes *mxr_hub_take_snapshot_finish (GAsyncResult *result, GError **error);

/* ---- Images for logos and backgrounds: the files of programme.images_directory -------------------------------- */

/* PNG or JPEG, %MXR_IMAGE_MAX_BYTES and %MXR_IMAGE_MAX_PX on a side at most. Done by workers: callbacks are always made, once and
 * in a later turn of the main loop; @config may be gone by then. Errors of all: OUTPUT_OFF (there is no such folder), BAD_LOOK
 * (the name, or the image), NOT_FOUND, FAILED. Thread: control. */

/** mxr_images_list_async: Finishes with aa{sv} as of mxr_image_write_async(), in order of their names. */
void mxr_images_list_async (const MxrConfig *config, GAsyncReadyCallback callback, gpointer user_data);
/** mxr_image_write_async: Decodes @bytes to see that they are an image. Finishes with a{sv} of "name", "type" ("image/png" or
 * "image/jpeg"), "bytes", "width", "height" [px]. Errors: BUSY when there are too many. */
void mxr_image_write_async (const MxrConfig *config, const char *name, GBytes *bytes, GAsyncReadyCallback callback,
                            gpointer user_data);
/** mxr_image_describe_finish: Returns: (transfer full): of the two above. */
GVariant *mxr_image_describe_finish (GAsyncResult *result, GError **error);

void mxr_image_read_async (const MxrConfig *config, const char *name, GAsyncReadyCallback callback, gpointer user_data);
/** mxr_image_read_finish: @out_type: (out): static. Returns: (transfer full): the file. */
GBytes *mxr_image_read_finish (GAsyncResult *result, const char **out_type, GError **error);
void mxr_image_delete_async (const MxrConfig *config, const char *name, GAsyncReadyCallback callback, gpointer user_data);
bool mxr_image_delete_finish (GAsyncResult *result, GError **error);

/* ---- Players: files and addresses played into a room ---------------------------------------------------------- */

/* What is asked for. Strings are borrowed. */
typedef struct {
  const char *location; /* path of a file, when @is_file; else an http, https, rtsp or rtsps URL */
  bool is_file;
  const char *name; /* (nullable): shown to others */
  bool loop;
  double volume; /* [0..4] */
} MxrPlayerOrder;

/* What is to change; %MXR_UNCHANGED: it stays. */
typedef struct {
  int paused, loop;   /* 0 or 1 */
  gint64 position_ms; /* to play from */
  double volume;      /* [0..4] */
} MxrPlayerChange;

/** mxr_hub_start_player: Returns: a{sv} with "id", "participant", "name", "state" ("starting", "playing", "paused", "finished",
 * "failed"), "detail", "position" and "duration" [ms], "loop", "volume". Errors: NOT_FOUND, BAD_PLAYER, OUTPUT_OFF, FULL,
 * FAILED. A player that has ended or failed leaves its room and is told of for a minute more. */
GVariant *mxr_hub_start_player (MxrHub *hub, const char *room, const MxrPlayerOrder *order, GError **error);
GVariant *mxr_hub_describe_players (MxrHub *hub, const char *room, GError **error);
GVariant *mxr_hub_describe_player (MxrHub *hub, const char *room, const char *id, GError **error);
/** mxr_hub_change_player: Errors: NOT_FOUND, BAD_PLAYER, OUTPUT_ENDED. */
GVariant *mxr_hub_change_player (MxrHub *hub, const char *room, const char *id, const MxrPlayerChange *change, GError **error);
GVariant *mxr_hub_stop_player (MxrHub *hub, const char *room, const char *id, GError **error);

/* ---- Outputs of the programme ------------------------------------------------------------------------------- */

/* What is asked for. Strings are borrowed. */
typedef struct {
  const char *type;   /* "file", "hls", "rtmp", "srt" or "tracks" */
  const char *format; /* (nullable): of a file: "mp4", the default, or "mkv" */
  const char *url;    /* (nullable): of RTMP and SRT */
  const char *sound;  /* (nullable): of a file: "aac", the default, or "opus" */
  guint split_s;      /* of a file: a new one after so long; 0: never */
  guint64 split_bytes; /* or after so much; 0: never */
} MxrOutputOrder;

/* GVariants are a{sv}, the list aa{sv}: made to be serialised as JSON, (transfer floating) (nullable): with @error set to
 * NOT_FOUND when there is no such room or output. Outputs end with their room. */

/** mxr_hub_start_output: Errors: NOT_FOUND, BAD_OUTPUT, OUTPUT_OFF, OUTPUTS_FULL, FAILED. */
GVariant *mxr_hub_start_output (MxrHub *hub, const char *room, const MxrOutputOrder *order, GError **error);
GVariant *mxr_hub_describe_outputs (MxrHub *hub, const char *room, GError **error);
GVariant *mxr_hub_describe_output (MxrHub *hub, const char *room, const char *id, GError **error);
/** mxr_hub_pause_output: Pauses it or goes on. Errors: NOT_FOUND, OUTPUT_ENDED. */
GVariant *mxr_hub_pause_output (MxrHub *hub, const char *room, const char *id, bool paused, GError **error);
/** mxr_hub_stop_output: It is finished soon; one that has ended stays so. Errors: NOT_FOUND. */
GVariant *mxr_hub_stop_output (MxrHub *hub, const char *room, const char *id, GError **error);

/* ---- A participant ------------------------------------------------------------------------------------- */

/**
 * mxr_hub_join:
 * @room: name, 1 to 64 characters, UTF-8 without control characters; made when it is not there yet
 * @name: the same; shown to others
 * @events: (nullable): outlives the participant
 *
 * Returns: (transfer none): valid until @events->on_removed or mxr_participant_leave().
 * Errors: BAD_NAME, FULL, DRAINING.
 */
MxrParticipant *mxr_hub_join (MxrHub *hub, const char *room, const char *name, MxrRole role,
                              const MxrParticipantEvents *events, gpointer user_data, GError **error);

/**
 * mxr_hub_resume:
 * @token: of an earlier mxr_participant_get_resume_token(), a bearer secret
 * @room: (nullable): where the participant must be; %NULL: wherever it is
 *
 * The same participant goes on with a new connection; one that still holds it gets on_removed
 * (%MXR_REMOVAL_RESUMED_ELSEWHERE) from within this call.
 * Roster, tiles and rung are sent again; `closing` too while the server is draining.
 * Errors: NOT_FOUND, and nothing is touched: also when the participant is in another room.
 */
MxrParticipant *mxr_hub_resume (MxrHub *hub, const char *token, const char *room, const MxrParticipantEvents *events,
                                gpointer user_data, GError **error);

/** mxr_participant_detach: The connection is lost: no more events; removed unless resumed in time. Media goes on. */
void mxr_participant_detach (MxrParticipant *participant);

/** mxr_participant_leave: Removes it at once, in any state; @participant is invalid afterwards. */
void mxr_participant_leave (MxrParticipant *participant);

const char *mxr_participant_get_id (MxrParticipant *participant);
const char *mxr_participant_get_room (MxrParticipant *participant);
const char *mxr_participant_get_resume_token (MxrParticipant *participant);

/**
 * mxr_participant_negotiate_async:
 * @offer: SDP of at most %MXR_SDP_MAX_BYTES
 * @wait_for_candidates: hold the answer until the server's candidates are in it (no trickle towards the client),
 *   for a second at most
 *
 * First offer, renegotiation and ICE restart alike (JSEP). The callback is always made, exactly once and in a later turn
 * of the main loop: never from within this call, nor from within the one that lets the participant go. After
 * mxr_participant_leave() and after its removal it gets %MXR_ROOM_ERROR_NOT_FOUND; what it needs must live until then.
 * Errors: BAD_SDP, NOTHING_USABLE, BUSY, NOT_FOUND, FAILED.
 */
void mxr_participant_negotiate_async (MxrParticipant *participant, const char *offer, bool wait_for_candidates,
                                      GAsyncReadyCallback callback, gpointer user_data);
/** mxr_participant_negotiate_finish: Returns: (transfer full): the answer. @source is the GObject of the callback. */
char *mxr_participant_negotiate_finish (GAsyncResult *result, GError **error);

/**
 * mxr_participant_add_candidate:
 * @candidate: a candidate-attribute with or without "candidate:", or "" for the end
 * @mid: (nullable): its media section; all share one transport
 */
bool mxr_participant_add_candidate (MxrParticipant *participant, const char *candidate, const char *mid,
                                    GError **error);

/**
 * mxr_participant_has_ice_credentials:
 *
 * Whether these are the peer's ICE credentials in use: a WHIP PATCH with others asks for a restart.
 */
bool mxr_participant_has_ice_credentials (MxrParticipant *participant, const char *ufrag, const char *pwd);

/**
 * mxr_participant_restart_ice_async:
 *
 * ICE restart by a fragment (RFC 9725 4.3.3). Finishes with the server's new credentials and candidates as
 * an `application/trickle-ice-sdpfrag` body. The callback is made as that of mxr_participant_negotiate_async().
 */
void mxr_participant_restart_ice_async (MxrParticipant *participant, const char *ufrag, const char *pwd,
                                        GAsyncReadyCallback callback, gpointer user_data);
char *mxr_participant_restart_ice_finish (GAsyncResult *result, GError **error);

typedef enum {
  MXR_MUTE_UNCHANGED,
  MXR_MUTE_OFF, /* heard, seen */
  MXR_MUTE_ON,
} MxrMute;

/** mxr_participant_set_muted: What is muted already, or is not, is told to nobody; the same for the hand. */
void mxr_participant_set_muted (MxrParticipant *participant, MxrMute audio, MxrMute video);
void mxr_participant_set_hand (MxrParticipant *participant, bool raised);

/** mxr_participant_chat: To all of the room, the sender included. Errors: BAD_NAME when @text is empty or too long. */
bool mxr_participant_chat (MxrParticipant *participant, const char *text, GError **error);

/**
 * mxr_participant_describe_delays:
 *
 * Returns: (transfer floating): a{sv}: how long the stages of the participant's room have held "audio" and "video" up
 *   of late, each an a{sv} of "buffer", "decode", "wait", "compose", "encode", "send" to an a{sv} of "median" and "p95"
 *   [ms]. A stage that nothing has passed is left out.
 */
GVariant *mxr_participant_describe_delays (MxrParticipant *participant);

/**
 * mxr_participant_describe_link:
 *
 * Returns: (transfer floating): a{sv}: the way down to the participant, and what is sent on it: "estimate" [bit/s] and whether
 *   it is "measured", "loss" [0..1], "roundTrip" [ms] where it is known, "queue" [ms] on the way, "paced" [ms] before it,
 *   "sent" [bit/s], "dropped" [packets]; with a picture its "rung" and the "reason" for that.
 */
GVariant *mxr_participant_describe_link (MxrParticipant *participant);

G_END_DECLS

#endif
