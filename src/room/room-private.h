#ifndef MXR_ROOM_PRIVATE_H
#define MXR_ROOM_PRIVATE_H

#include <gst/gst.h>

#include "mixroom/elements.h"
#include "mixroom/layout.h"
#include "mixroom/limits.h"
#include "mixroom/output.h"
#include "mixroom/peer.h"
#include "mixroom/pipeline.h"
#include "mixroom/player.h"
#include "mixroom/room.h"
#include "mixroom/transport.h"

typedef struct _MxrRoom MxrRoom;

#include "direct.h"
#include "images.h"
#include "ladder.h"
#include "pass-fit.h"

/* All of this belongs to the control thread. */

typedef struct _MxrProgramme MxrProgramme;

/* In order of MxrRoomView.encodings. */
enum { MXR_STAGE_VP8, MXR_STAGE_H264, MXR_STAGE_N_CODECS };
/* In order of MxrRoom.views and MxrGraph.views: what participants see, and what viewers and outputs get where it is another
 * picture. */
enum { MXR_VIEW_ROOM, MXR_VIEW_PROGRAMME, MXR_N_VIEWS };

/* ---- delays.c: how long each stage holds things up -------------------------------------------------------- */

typedef enum {
  MXR_DELAY_STAGE_BUFFER,  /* a packet's, until its turn has come */
  MXR_DELAY_STAGE_DECODE,
  MXR_DELAY_STAGE_WAIT,    /* for the mixer's tick */
  MXR_DELAY_STAGE_COMPOSE, /* of a picture */
  MXR_DELAY_STAGE_ENCODE,
  MXR_DELAY_STAGE_SEND,
  MXR_N_DELAY_STAGES,
} MxrDelayStage;

typedef struct {
  MxrDelayCounts counts[MXR_PEER_N_KINDS][MXR_N_DELAY_STAGES];
} MxrStageDelays;

/** mxr_delays_tick: Moves the window of what is told of late. */
void mxr_delays_tick (MxrRoom *room, gint64 now_us);
/** mxr_delays_end: The room's pipeline is about to go: what it counted stays in the metrics. */
void mxr_delays_end (MxrRoom *room);
/** mxr_delays_describe: Medians and 95th percentiles [ms] of the last 5 to 10 s, by kind and stage. */
GVariant *mxr_delays_describe (MxrRoom *room);
void mxr_delays_append_metrics (MxrHub *hub, GString *text);

/* ---- graph.c: the room's pipeline ---------------------------------------------------------------------- */

/* What comes from one pad of a mixer, for several: a view in one size and frame rate, or the programme's sound. */
typedef struct {
  GstPad *pad;       /* of the mixer */
  GstElement *first; /* that @pad is linked to while @tee has a pad: @tee, or what is before it */
  GstElement *tee;
} MxrGraphTee;

typedef struct {
  MxrLevels levels;
  MxrGraphTee sizes[MXR_LEVELS_MAX]; /* levels.n */
} MxrGraphView;

typedef struct {
  GstElement *pipeline;
  GstElement *sound;   /* mxraudiomix */
  GstElement *picture; /* mxrtilemix */
  MxrGraphView views[MXR_N_VIEWS];
  MxrGraphTee programme_sound;
  gint64 timeline_us;  /* monotonic time at which running time is 0 */
  guint bus_watch;
  MxrDelay picture_encode; /* of all picture rungs, the wait in their queues included; noted by their threads */
} MxrGraph;

/** MxrGraphErrorFunc: @source is what posted the error. */
typedef void (*MxrGraphErrorFunc) (GstObject *source, const GError *error, gpointer user_data);

MxrGraph *mxr_graph_new (const MxrConfig *config, const char *name, MxrGraphErrorFunc on_error, gpointer user_data,
                         GError **error);
void mxr_graph_free (MxrGraph *graph);
/** mxr_graph_read_delays: WAIT, COMPOSE and ENCODE of both kinds. */
void mxr_graph_read_delays (MxrGraph *graph, MxrStageDelays *delays);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrGraph, mxr_graph_free)

/** mxr_graph_link_tee: It is linked to the mixer for as long as it has a pad; to be called when one came or went. */
bool mxr_graph_link_tee (const MxrGraphTee *tee);
/** mxr_graph_set_loudness: Of the programme's sound, from now on. @lufs: 0: as it is, which it is until first set otherwise. */
void mxr_graph_set_loudness (MxrGraph *graph, double lufs);
/** mxr_graph_add_input: Adds @bin and links its "src" to @sink. */
bool mxr_graph_add_input (MxrGraph *graph, GstElement *bin, GstPad *sink, GError **error);
/** mxr_graph_remove_input: Takes @bin out; when it returns, nothing of it reaches the mixer any more but what is just
 * being pushed. @mixer and @sink: released afterwards, or NULL when @sink stays. */
void mxr_graph_remove_input (MxrGraph *graph, GstElement *bin, GstElement *mixer, GstPad *sink);

/* A sound is stamped so much later than a picture taken at the same instant: its packet goes when the last sample of 20 ms
 * is there, and it waits in the mixer's ring, while a picture waits for half a tick on average. So pictures are stamped
 * later, too, and clients, who align the two by their stamps, play them together (lipsync-test). */
#define MXR_SOUND_BEHIND_PICTURE (30 * GST_MSECOND)

/* ---- rung.c: one encoding, with its fan-out ------------------------------------------------------------ */

typedef struct _MxrRung MxrRung;
typedef struct _MxrHandover MxrHandover;

typedef struct {
  const MxrFragment *encoder;
  const char *name;
  const char *codec;
  guint bitrate_bps;
  guint view, level; /* of a picture: which, and in which size */
  MxrHandover *feed; /* (nullable): of a picture in H.264: may get its access units; see mxr_rung_set_feeding(); mxr_rung_new()
                      * alone looks at it */
  guint keyframe_interval_ms;
  bool is_picture; /* a thread of its own, fed by the graph's tee */
  bool is_programme; /* a sound: the programme's; @number is of no account */
  guint32 number;  /* of a sound: its source pad's on the mixer. The voice of the sink of that number is left out */
  MxrRung *goes_on_from; /* (nullable): of a sound: begins in the state of this one; mxr_rung_new() alone looks at it */
} MxrRungParams;

/** mxr_rung_is_free: Whether a sound of @number may be made: a former one is not still being taken down. */
bool mxr_rung_is_free (MxrGraph *graph, guint32 number);
MxrRung *mxr_rung_new (MxrGraph *graph, MxrNet *net, const MxrRungParams *params, GError **error);
/** mxr_rung_remove: Ends it; memory goes when its pipeline branch has stopped. */
void mxr_rung_remove (MxrRung *rung);
/** mxr_rung_new_queue: Returns: (transfer floating): before an encoder of pictures: it loses frames and never holds the mixer up. */
GstElement *mxr_rung_new_queue (void);
MxrFanout *mxr_rung_get_fanout (MxrRung *rung);
const MxrRungParams *mxr_rung_get_params (MxrRung *rung);
bool mxr_rung_is_ancestor (MxrRung *rung, GstObject *object);
/** mxr_rung_set_bitrate: From the next frame on. */
void mxr_rung_set_bitrate (MxrRung *rung, guint bitrate_bps);
void mxr_rung_request_keyframe (MxrRung *rung, gint64 now_us);
/** mxr_rung_tick: Makes the key frame that was asked for inside the interval, and asks again for one of a picture that is passed
 * through, when it does not come. */
void mxr_rung_tick (MxrRung *rung, gint64 now_us);
/** mxr_rung_pass: @peer: (nullable): whose picture is to be sent as it is, from its next key frame on; %NULL: the encoder's
 * is again, from its own. To be ended before @peer is closed. */
void mxr_rung_pass (MxrRung *rung, MxrPeer *peer);
/** mxr_rung_is_passing: Whether that key frame was there, and nothing is encoded. */
bool mxr_rung_is_passing (MxrRung *rung);
/** mxr_rung_is_busy: Whether a key frame that was asked for is still to be made. */
bool mxr_rung_is_busy (const MxrRung *rung);
guint64 mxr_rung_count_keyframes (MxrRung *rung);
/** mxr_rung_set_feeding: Whether the feed that it was made with gets the picture, from its next key frame on; up to there it gets
 * that of the former one, unless this is set to stop. */
void mxr_rung_set_feeding (MxrRung *rung, bool is_feeding);
/** mxr_rung_set_loss: @percent: as of mxr_opusenc_set_loss(). A sound that goes on from another one begins with that one's. */
void mxr_rung_set_loss (MxrRung *rung, guint percent);
guint mxr_rung_get_loss (const MxrRung *rung);

/* ---- units.c: H.264 out of RTP again, for outputs ----------------------------------------------------------------- */

/** mxr_handover_new: From one encoder's pictures to another's: up to the next one's key frame the feed gets the former's. */
MxrHandover *mxr_handover_new (MxrFeed *feed);
void mxr_handover_unref (MxrHandover *handover);
/** mxr_handover_is_done: Whether the feed gets the pictures of the bin that was opened last. Thread: any. */
bool mxr_handover_is_done (MxrHandover *handover);

/** mxr_units_new_bin: Returns: (transfer floating): takes RTP at its "sink", and lets nothing through yet. */
GstElement *mxr_units_new_bin (MxrHandover *handover, guint framerate, GError **error);
/** mxr_units_set_open: Opened, it is the next; shut, nothing comes of it any more when this returns. Thread: control. */
void mxr_units_set_open (GstElement *bin, bool is_open);

/* ---- uplink-limit.c: the most a sender of a picture is to send; pure ------------------------------------- */

/* What a sender was told last. A zeroed one: nothing yet. */
typedef struct {
  MxrUplinkLimit told;
  bool is_told;
  gint64 due_us; /* when it is told that less is enough; 0: it is not waited for */
} MxrUplinkLimiter;

/** mxr_uplink_limit_of_tile: @width_px: 0: on no view; @least_bps: what the view spends on such a tile, at which its picture
 * is to look as well. */
void mxr_uplink_limit_of_tile (guint width_px, guint height_px, guint framerate, guint least_bps,
                               MxrUplinkLimit *out_limit);
/** mxr_uplink_limiter_update: Returns: whether @limiter->told has changed and is to be told: at once where more is needed,
 * after seconds where less is. To be called again at due_us. */
bool mxr_uplink_limiter_update (MxrUplinkLimiter *limiter, const MxrUplinkLimit *needed, gint64 now_us);

/* ---- participant.c ------------------------------------------------------------------------------------- */

typedef struct _MxrAsk MxrAsk;
typedef struct _MxrRoomView MxrRoomView;

struct _MxrParticipant {
  int refs;
  MxrRoom *room; /* NULL once removed */
  char *id;
  char *name;
  char *resume_token;
  MxrRole role;
  guint32 key; /* of this participant in layouts, speakers and the mixers' pads */
  MxrParticipantEvents events;
  gpointer user_data;
  guint resume_timeout; /* source id while detached */

  MxrPeer *peer;     /* NULL: it plays something */
  MxrPlayer *player; /* unowned: NULL: it does not, or not any more */
  GstElement *uplinks[MXR_PEER_N_KINDS]; /* unowned: bins in the pipeline */
  GstPad *picture_sink;                  /* NULL for viewers */
  GstPad *sound_sink;                    /* while there is an audio uplink */
  bool has_downlink[MXR_PEER_N_KINDS];
  const char *video_codec; /* of the downlink */
  MxrUplinkLimiter limiter; /* of the picture sent */

  /* pictures.c */
  MxrRoomView *view; /* that the downlink shows; it has the ladder's levels */
  MxrLadder ladder;
  guint n_picture_changes;  /* subscriptions that the link has not confirmed */
  guint shown_levels[MXR_N_VIEWS]; /* a bit for each level of which a picture may still be sent */
  bool rung_is_changed;     /* its connection is to be told */
  guint told_available_bps; /* and was, at rung_told_us */
  gint64 rung_told_us;

  MxrPassMeter meter; /* of the picture sent */
  MxrDirect direct;   /* the other's picture in place of the mix */
  bool tiles_are_changed; /* its connection is to be told: it gets the one in place of the other now */

  /* connection.c */
  MxrQualityMeter quality;
  guint64 n_received, n_missed; /* packets, when it was looked at last */

  /* sound.c */
  guint32 sound_number;  /* of sound_sink */
  MxrRung *own_sound;    /* the mix without this participant */
  MxrFanout *hears;      /* unowned, compared only: what the downlink was last subscribed to; NULL: nothing */
  guint n_changes;       /* subscriptions to sounds that the link has not confirmed */
  bool is_mixed;         /* chosen for the mix */
  gint64 shared_from_us; /* when own_sound gives way to the shared sound; 0: it does not */
  bool has_levels;       /* the client sends RFC 6464 */
  bool is_hushed;        /* has sent nothing but quiet for long; by its levels */
  gint64 stirred_us;     /* when there was something else last */

  MxrTrack *track; /* of its own media, while these are recorded; NULL: they are not */

  MxrAsk *ask;     /* that the peer is at work on; NULL: none */

  bool audio_muted, video_muted, hand_raised, talking;
  bool is_connected;
  bool needs_welcome;      /* roster, tiles and rung not told yet */
  bool is_changed;         /* the others are to be told all of it */
  bool talking_is_changed; /* the others are to be told that */
};

MxrParticipant *mxr_participant_new (MxrRoom *room, const char *name, MxrRole role, guint32 key,
                                     const MxrParticipantEvents *events, gpointer user_data);
MxrParticipant *mxr_participant_ref (MxrParticipant *participant);
void mxr_participant_unref (MxrParticipant *participant);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrParticipant, mxr_participant_unref)

/** mxr_participant_remove: Out of its room; @reason (nullable): tell its connection. */
void mxr_participant_remove (MxrParticipant *participant, const char *reason);
void mxr_participant_attach (MxrParticipant *participant, const MxrParticipantEvents *events, gpointer user_data);
void mxr_participant_describe (const MxrParticipant *participant, MxrMember *out_member);
/** mxr_participant_end_ask: The peer is closed: what it was asked for is answered with NOT_FOUND, soon. */
void mxr_participant_end_ask (MxrParticipant *participant);
bool mxr_participant_has_tile (const MxrParticipant *participant);
/** mxr_participant_get_last_us: Returns: when something of @kind came last; 0: nothing did. */
gint64 mxr_participant_get_last_us (const MxrParticipant *participant, MxrRtpKind kind);
/** mxr_participant_add_uplink: @bin: of the pipeline from now on; its sound and its picture are to be mixed. */
bool mxr_participant_add_uplink (MxrParticipant *participant, MxrRtpKind kind, GstElement *bin, GError **error);
void mxr_participant_remove_uplink (MxrParticipant *participant, MxrRtpKind kind, GstElement *bin);

/* ---- room.c -------------------------------------------------------------------------------------------- */

typedef struct {
  char *participant;
  char *name;
  char *text;
  gint64 time_ms;
} MxrChatEntry;

/* pass.c */
typedef struct {
  MxrParticipant *participant; /* unowned: whose picture is passed through, or is to be; NULL: nobody's */
  gint64 return_us;            /* when the mix takes over again; 0: it does not */
  bool was_complete;
  gint64 checked_us;
  guint width_px, height_px, bitrate_bps; /* of what passed at checked_us */
} MxrPass;

/* encodings.c: one of the picture, by codec and level */
typedef struct {
  MxrRung *rung;         /* NULL: nobody gets it, or it failed */
  gint64 retry_us;       /* when one that failed may be tried again; 0: it did not */
  gint64 unused_from_us; /* since when nobody gets it; 0: somebody does */
  gint64 changed_us;     /* its bitrate, last */
  bool is_used;          /* these two as of the last look: somebody gets it */
  guint carried_bps;     /* by the strongest of those who do; 0: they are on their way to another */
} MxrEncoding;

/* stage.c: who is where on a canvas, and the pictures that are made of it. */
struct _MxrRoomView {
  MxrRoom *room;
  guint number;              /* %MXR_VIEW_ROOM or %MXR_VIEW_PROGRAMME */
  const MxrGraphView *graph; /* levels, and the mixer's pads */
  MxrLayoutTile tiles[MXR_TILES_MAX];
  guint n_tiles;
  guint n_snapshots; /* being taken of it */
  bool is_composed;  /* for somebody, as of the last look */
  MxrEncoding encodings[MXR_STAGE_N_CODECS][MXR_LEVELS_MAX];
};

/* programme-look.c. Strings are owned. */
typedef struct {
  MxrLayoutKind layout;
  char *pin;        /* id; "": nobody */
  char *background; /* "#rrggbb" or the name of an image; "": as in the room's picture */
  char *logo;       /* name of an image; "": none */
  bool logo_is_left, logo_is_top;
  double logo_height; /* of the canvas */
  MxrTileMixLabels labels;
  bool clock;
  double safe_margin;   /* of the canvas */
  double loudness_lufs; /* 0: as it is */
} MxrProgrammeLook;

/* programme-images.c */
typedef struct _MxrProgrammeImage MxrProgrammeImage;
typedef enum { MXR_PROGRAMME_BACKGROUND, MXR_PROGRAMME_LOGO, MXR_PROGRAMME_N_IMAGES } MxrProgrammeImageKind;

/* What becomes of what is said and seen in a room. */
typedef struct {
  bool is_recorded, is_live;
} MxrOutputsUse;

struct _MxrRoom {
  int refs;
  MxrHub *hub;
  char *name;
  MxrGraph *graph;
  MxrPeerEnv env;
  GPtrArray *participants; /* MxrParticipant, owned, in order of joining */
  guint32 next_key;
  bool flush_is_posted;
  gint64 due_us;       /* of the next tick */
  gint64 busy_till_us; /* ticks are close together till then */
  GPtrArray *departed; /* char *: ids the others are to be told of */
  MxrBucket errors;    /* of pipelines: a broken encoder fails with every frame */
  GQueue chat;         /* MxrChatEntry: history */
  GQueue chat_unsent;  /* the same, not told yet */
  gint64 chat_time_ms; /* of the last line */
  MxrOutputsUse told_use;

  /* delays.c */
  MxrStageDelays delays_before, delays_lately; /* readings of two windows ago and one */
  gint64 delays_due_us;                        /* when the next is taken */

  MxrRoomView views[MXR_N_VIEWS];

  /* pictures.c */
  gint64 looked_us; /* at all connections, last */
  bool look_is_due; /* something has changed since */

  gint64 judged_us; /* connection.c: last */

  /* stage.c */
  bool layout_is_dirty;
  MxrPass pass;
  gint64 direct_checked_us; /* by direct.c, last */
  gint64 limits_due_us; /* when somebody is to be told to send less; 0: nobody is */

  /* sound.c */
  MxrSpeakers *speakers;
  MxrRung *shared_sound;   /* while somebody hears it */
  bool shared_was_unheard; /* by anybody, at the last tick */
  MxrRung *programme_sound;   /* while a viewer hears it; NULL where the shared one is as loud as it should be */
  bool programme_was_unheard; /* as above */
  gint64 loss_due_us;      /* when sound-loss.c looks at it next */

  MxrProgrammeLook look;
  MxrProgrammeImage *images[MXR_PROGRAMME_N_IMAGES];
  guint n_image_loads; /* under way */
  MxrProgramme *programme;
  MxrOutput *tracks;     /* unowned: the one into which participants' own media go; NULL: none */
  GPtrArray *recordings; /* of recordings.c: files that are being written; NULL before the first one */
  GPtrArray *players;    /* of players.c */
  GList *snapshots;      /* of snapshot.c */
};

MxrRoom *mxr_room_new (MxrHub *hub, const char *name, GError **error);
MxrRoom *mxr_room_ref (MxrRoom *room);
void mxr_room_unref (MxrRoom *room);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrRoom, mxr_room_unref)

MxrParticipant *mxr_room_add (MxrRoom *room, const char *name, MxrRole role, const MxrParticipantEvents *events,
                              gpointer user_data, GError **error);
/** mxr_room_forget: @participant is being removed: out of the list; the others are told; the last one ends the room. */
void mxr_room_forget (MxrRoom *room, MxrParticipant *participant);
/** mxr_room_tick: And says in @room->due_us when the next is due. */
void mxr_room_tick (MxrRoom *room, gint64 now_us);
/** mxr_room_stir: Something happened that ticks may have to follow up: they come often for a while. */
void mxr_room_stir (MxrRoom *room);
/** mxr_room_tick_soon: One tick. */
void mxr_room_tick_soon (MxrRoom *room);
/** mxr_room_flush_soon: Changes are told from the main loop, many at once, never from within the call that made
 * them. */
void mxr_room_flush_soon (MxrRoom *room);
/** mxr_room_copy_participants: Returns: (transfer full): for loops that call out: a callback may remove anybody. Who
 * was removed meanwhile has no room. */
GPtrArray *mxr_room_copy_participants (MxrRoom *room);
MxrParticipant *mxr_room_find_key (MxrRoom *room, guint32 key);

/* ---- encodings.c: one of the picture for each codec and level in use ---------------------------------------- */

/** mxr_encoding_find_codec: @codec: (nullable). Returns: -1: none of ours. */
int mxr_encoding_find_codec (const char *codec);
const char *mxr_encoding_get_codec (guint codec);
/** mxr_encoding_prepare: Somebody is about to get it; @carried_bps: what the connection carries. Returns: false: there is no
 * encoder just now. */
bool mxr_encoding_prepare (MxrRoomView *view, guint codec, guint level, guint carried_bps);
/** mxr_encoding_adapt: To who gets it as of the last look: its bitrate, and whether there is use for it at all. */
void mxr_encoding_adapt (MxrRoomView *view, guint codec, guint level, bool is_watched, gint64 now_us);
void mxr_encoding_drop (MxrRoomView *view, guint codec, guint level);
/** mxr_encodings_get_bitrates: @out_bitrates_bps: (out): what each level's picture has, or would have for one who is alone. */
void mxr_encodings_get_bitrates (MxrRoomView *view, guint codec, guint *out_bitrates_bps);
/** mxr_encodings_get_passable: Returns: (nullable): of the room's view: in place of which a picture may be passed through: it has viewers. */
MxrRung *mxr_encodings_get_passable (MxrRoom *room);
/** mxr_encodings_are_composed: Whether any of @view is made of the mix. */
bool mxr_encodings_are_composed (MxrRoomView *view);
/** mxr_encodings_are_busy: Whether a key frame that was asked for is still to be made. */
bool mxr_encodings_are_busy (MxrRoom *room);
/** mxr_encodings_recover: An encoder that failed is replaced; @source: what posted the error. */
void mxr_encodings_recover (MxrRoom *room, GstObject *source);
void mxr_encodings_clear (MxrRoom *room);

/* ---- pictures.c: who gets which ------------------------------------------------------------------------------ */

/** mxr_pictures_find_encoding: Returns: (nullable): what @participant gets, or is to get, of the mix; %NULL: sound alone. */
MxrEncoding *mxr_pictures_find_encoding (const MxrParticipant *participant);
/** mxr_pictures_get_encoding: The same; %NULL also: nothing of the mix is needed, since another's picture comes directly. */
MxrEncoding *mxr_pictures_get_encoding (const MxrParticipant *participant);
void mxr_pictures_set_codec (MxrRoom *room, MxrParticipant *participant, const char *codec);
/** mxr_pictures_prepare: The encoding of the mix that @participant is to get runs from now on. Returns: false: there is none just now. */
bool mxr_pictures_prepare (MxrParticipant *participant);
/** mxr_pictures_subscribe: To what it is to get: directly, or of the mix. */
void mxr_pictures_subscribe (MxrRoom *room, MxrParticipant *participant);
/** mxr_pictures_refresh: The encoding of the mix that @participant is to get makes a key frame. */
void mxr_pictures_refresh (MxrParticipant *participant, gint64 now_us);
/** mxr_pictures_is_fresh: Whether it has made one since @since_us. */
bool mxr_pictures_is_fresh (const MxrParticipant *participant, gint64 since_us);
/** mxr_pictures_get_carried_bps: Returns: what picture the connection carries; %G_MAXUINT: not known. */
guint mxr_pictures_get_carried_bps (const MxrParticipant *participant);
void mxr_pictures_request_keyframe (MxrRoom *room, MxrParticipant *participant);
/** mxr_pictures_follow_programme: It is another view now: who watches it goes there at a key frame. */
void mxr_pictures_follow_programme (MxrRoom *room);
/** mxr_pictures_on_bandwidth: Of somebody. */
void mxr_pictures_on_bandwidth (MxrRoom *room);
void mxr_pictures_tick (MxrRoom *room, gint64 now_us);

/* ---- pictures-tell.c: what they are told of it ------------------------------------------------------------- */

/** mxr_pictures_describe: Returns: false: there is no downlink, or nothing on it. */
bool mxr_pictures_describe (MxrRoom *room, const MxrParticipant *participant, MxrRungInfo *out_info);
void mxr_pictures_tell_rung (MxrRoom *room, MxrParticipant *participant);
/** mxr_pictures_tell_passed_soon: Those whose picture may be passed through: whether it is, or its size, has changed. */
void mxr_pictures_tell_passed_soon (MxrRoom *room);

/* ---- connection.c: how good each one's is -------------------------------------------------------------------- */

/** mxr_connections_tick: About once a second; who has another word for it now is changed. */
void mxr_connections_tick (MxrRoom *room, gint64 now_us);

/* ---- stage.c: the picture ------------------------------------------------------------------------------ */

void mxr_stage_init (MxrRoom *room);
/** mxr_stage_get_programme: Returns: the programme's view: the room's own where both are the same picture. */
MxrRoomView *mxr_stage_get_programme (MxrRoom *room);
/** mxr_stage_update: Arranges the tiles; when they changed, tells everybody and then the mixer. */
void mxr_stage_update (MxrRoom *room);
void mxr_stage_tell_tiles (MxrRoom *room, MxrParticipant *participant);
/** mxr_stage_tell_changed_tiles: @everybody who gets the mix in place of another's picture now, or the other way round. */
void mxr_stage_tell_changed_tiles (MxrRoom *room, GPtrArray *everybody);
/** mxr_stage_limit_uplinks: Tells senders of pictures how much is of use, and what is not seen is not decoded any more. */
void mxr_stage_limit_uplinks (MxrRoom *room, gint64 now_us);
void mxr_stage_tell_uplink_limit (MxrParticipant *participant);
/** mxr_stage_want_uplinks: What is seen is decoded, the rest is not. */
void mxr_stage_want_uplinks (MxrRoom *room);
void mxr_stage_tick (MxrRoom *room, gint64 now_us);
/** mxr_stage_is_busy: Whether something is waited for that a tick does or sees, and a second is too long for it. */
bool mxr_stage_is_busy (MxrRoom *room);
/** mxr_stage_remove_uplink: The tile shows the avatar at once. */
void mxr_stage_remove_uplink (MxrRoom *room, MxrParticipant *participant, GstElement *bin);

/* ---- pass.c: one participant's picture as it is, in place of the mix --------------------------------------- */

void mxr_pass_tick (MxrRoom *room, gint64 now_us);
/** mxr_pass_is_busy: Whether a change between mix and pass is under way. */
bool mxr_pass_is_busy (MxrRoom *room);
/** mxr_pass_update: Tiles, a mute or an uplink changed: goes back to the mix where one picture is not all of it. */
void mxr_pass_update (MxrRoom *room, gint64 now_us);
/** mxr_pass_end: At once; before the peer that is passed is closed, or the rung removed. */
void mxr_pass_end (MxrRoom *room);
/** mxr_pass_look_at: Fills @out_picture with what @participant sends, as far as its peer has told. */
void mxr_pass_look_at (MxrParticipant *participant, gint64 now_us, MxrPassPicture *out_picture);
/** mxr_pass_is_complete: Whether all who get the best picture in VP8 get it as it was sent. */
bool mxr_pass_is_complete (MxrRoom *room);

/* ---- sound.c ------------------------------------------------------------------------------------------- */

bool mxr_sound_add_uplink (MxrRoom *room, MxrParticipant *participant, GstElement *bin, GError **error);
void mxr_sound_remove_uplink (MxrRoom *room, MxrParticipant *participant, GstElement *bin);
void mxr_sound_set_downlink (MxrRoom *room, MxrParticipant *participant, bool has_downlink);
void mxr_sound_set_muted (MxrRoom *room, MxrParticipant *participant);
void mxr_sound_recover (MxrRoom *room, GstObject *source);
/** mxr_sound_on_voice: Of an uplink that is not decoded. */
void mxr_sound_on_voice (MxrRoom *room, MxrParticipant *participant);
void mxr_sound_tick (MxrRoom *room, gint64 now_us);
/** mxr_sound_is_busy: Whether somebody is or may be heard, or a change is under way. */
bool mxr_sound_is_busy (MxrRoom *room, gint64 now_us);
void mxr_sound_clear (MxrRoom *room);
/** mxr_sound_follow_programme: It may have become another sound than the room's. */
void mxr_sound_follow_programme (MxrRoom *room);

/* ---- sound-audience.c: how large packets are ----------------------------------------------------------------- */

/** mxr_sound_serve_audience: Sounds that many hear leave in larger packets. With each tick. */
void mxr_sound_serve_audience (MxrRoom *room);

/* ---- sound-loss.c: what sounds are encoded for: packets that repeat the one before, and thin connections ---- */

/** mxr_sound_protect: What sounds are encoded for, once a second. */
void mxr_sound_protect (MxrRoom *room, gint64 now_us);
/**
 * mxr_sound_choose_loss:
 * @losses: (array length=n_losses): of those listeners whom nothing else helps, [0..1]; is sorted
 * @n_listeners: all of them
 * @percent: that is encoded for now
 *
 * Pure. Returns: what the sound that they share should be encoded for; 0: for none.
 */
guint mxr_sound_choose_loss (double *losses, guint n_losses, guint n_listeners, guint percent);
/** mxr_sound_is_thin: Pure. @sound_bps: all of it. Returns: whether the connection has too little room for it. */
bool mxr_sound_is_thin (const MxrPeerBandwidth *bandwidth, guint sound_bps, bool was_thin);

/* ---- programme-look.c: what the programme looks like ---------------------------------------------------------------------- */

void mxr_programme_look_init (MxrRoom *room);
void mxr_programme_look_clear (MxrProgrammeLook *look);
/** mxr_programme_look_is_plain: Whether the programme is the same picture as the room's. */
bool mxr_programme_look_is_plain (const MxrRoom *room);
/** mxr_programme_look_show: Brings it to the mixer. */
void mxr_programme_look_show (MxrRoom *room);
/** mxr_programme_look_forget: Who is pinned, if that one has left. */
void mxr_programme_look_forget (MxrRoom *room);

/* ---- programme-images.c: its background and logo --------------------------------------------------------------------- */

void mxr_programme_images_init (MxrRoom *room);
void mxr_programme_images_clear (MxrRoom *room);
/** mxr_programme_images_follow: Loads what the look names; mxr_programme_look_show() follows when it is there. */
void mxr_programme_images_follow (MxrRoom *room);
/** mxr_programme_images_get: Returns: (transfer none) (nullable). */
GstSample *mxr_programme_images_get (const MxrRoom *room, MxrProgrammeImageKind kind);
/** mxr_programme_images_have: Whether there is a file of that name. What is in it, the worker finds out. */
bool mxr_programme_images_have (const MxrConfig *config, const char *name);

/* ---- programme.c: what goes out to files, players and other servers --------------------------------------------- */

MxrProgramme *mxr_programme_new (MxrRoom *room);
MxrFeed *mxr_programme_get_feed (const MxrRoom *room);
MxrHandover *mxr_programme_get_handover (const MxrRoom *room);
/** mxr_programme_is_taken: Whether an output needs @stream. */
bool mxr_programme_is_taken (const MxrRoom *room, MxrFeedStream stream);
/** mxr_programme_find_encoding: Returns: (nullable): of the picture, that outputs get. */
MxrEncoding *mxr_programme_find_encoding (MxrRoom *room);
void mxr_programme_tick (MxrRoom *room, gint64 now_us);
/** mxr_programme_get_due_us: Of the next tick that it needs; G_MAXINT64: of none. */
gint64 mxr_programme_get_due_us (const MxrRoom *room);
/** mxr_programme_recover: As mxr_encodings_recover(). */
void mxr_programme_recover (MxrRoom *room, GstObject *source);
/** mxr_programme_clear: The room ends, and with it all outputs. */
void mxr_programme_clear (MxrRoom *room);
/** mxr_programme_is_over: Whether all of these have ended. */
bool mxr_programme_is_over (const MxrRoom *room);
void mxr_programme_free (MxrProgramme *programme);
/** mxr_programme_get_outputs: Returns: (transfer none): MxrOutput, in order of their start. */
GPtrArray *mxr_programme_get_outputs (const MxrRoom *room);

/* ---- tracks.c: participants' own media, as they came --------------------------------------------------------------- */

/** mxr_tracks_find_output: Returns: (transfer none) (nullable): the live one; there is one at most. */
MxrOutput *mxr_tracks_find_output (const MxrRoom *room);
/** mxr_tracks_update: That output, or who is in the room, has changed. */
void mxr_tracks_update (MxrRoom *room);
/** mxr_tracks_forget: @participant leaves. */
void mxr_tracks_forget (MxrParticipant *participant);
void mxr_tracks_set_muted (MxrParticipant *participant);
/** mxr_programme_add_output: Returns: (transfer none). */
MxrOutput *mxr_programme_add_output (MxrRoom *room, const MxrOutputOrder *order, GError **error);
/** mxr_programme_update: An output began or was stopped: the programme is encoded while one needs it. */
void mxr_programme_update (MxrProgramme *programme);

/* ---- outputs.c: what REST asks and is told ------------------------------------------------------------------------ */

/** mxr_outputs_tell: @participant, whether the room is recorded and sent out. */
void mxr_outputs_tell (MxrRoom *room, MxrParticipant *participant);
/** mxr_outputs_tell_soon: An output began, or is in another state. */
void mxr_outputs_tell_soon (MxrRoom *room);
/** mxr_outputs_tell_changes: @everybody, when that has changed. */
void mxr_outputs_tell_changes (MxrRoom *room, GPtrArray *everybody);
/** mxr_programme_describe_output: Returns: (transfer floating): a{sv}, as the API has it. */
GVariant *mxr_programme_describe_output (MxrOutput *output);

/* ---- snapshot.c: still pictures --------------------------------------------------------------------------------------- */

/** mxr_snapshots_clear: The room ends: who waits for one is told so, soon. */
void mxr_snapshots_clear (MxrRoom *room);

/* ---- programme-sound.c: its sound, encoded for outputs ------------------------------------------------------------ */

typedef struct _MxrProgrammeSound MxrProgrammeSound;

MxrProgrammeSound *mxr_programme_sound_new (MxrRoom *room, MxrFeed *feed, MxrFeedStream stream, GError **error);
void mxr_programme_sound_remove (MxrProgrammeSound *sound);
bool mxr_programme_sound_is_ancestor (const MxrProgrammeSound *sound, GstObject *object);

/* ---- recordings.c: files that outputs write --------------------------------------------------------------------- */

/** mxr_recordings_note: @participant has come. */
void mxr_recordings_note (MxrRoom *room, const MxrParticipant *participant);
/** mxr_recordings_on_file: It has begun, or is over: told with the names of those who were there meanwhile, viewers left out.
 * @output, @type: of the output. */
void mxr_recordings_on_file (MxrRoom *room, const char *output, const char *type, const MxrOutputFile *file);

/* ---- players.c: files and addresses that are played into the room ---------------------------------------------- */

/** mxr_players_new: Returns: (transfer full): of a room. */
GPtrArray *mxr_players_new (void);
/** mxr_players_release: @participant is being removed: its player ends. */
void mxr_players_release (MxrRoom *room, MxrParticipant *participant);
/** mxr_players_end: Nobody else is in the room any more: they leave. */
void mxr_players_end (MxrRoom *room);
/** mxr_players_tick: What has ended is told of for a while. */
void mxr_players_tick (MxrRoom *room, gint64 now_us);

/* ---- hub-events.c: who watches all rooms is told --------------------------------------------------------------- */

void mxr_hub_tell_room (MxrRoom *room, bool is_over);
void mxr_hub_tell_participant (MxrRoom *room, const MxrParticipant *participant, bool is_gone);
/** mxr_hub_tell_output: @output: (transfer floating): as mxr_hub_describe_output() says it. */
void mxr_hub_tell_output (MxrRoom *room, GVariant *output);
/** mxr_hub_tell_recording: By recordings.c. */
void mxr_hub_tell_recording (MxrRoom *room, const MxrRecording *recording);
/** mxr_hub_tell_player: @player: (transfer floating): as mxr_hub_describe_player() says it. */
void mxr_hub_tell_player (MxrRoom *room, GVariant *player);

/* ---- hub.c --------------------------------------------------------------------------------------------- */

typedef struct {
  guint64 joins, refusals, removals, media_errors;
  guint64 steps_down, steps_up; /* of ladders */
} MxrHubCounters;

struct _MxrHub {
  const MxrConfig *config;
  const MxrHubEvents *events; /* never NULL */
  gpointer events_data;
  MxrNet *net;
  MxrFragments *fragments;
  MxrMailbox *control;
  MxrDecodePool *pool;
  GHashTable *rooms;  /* name: MxrRoom, owned */
  GHashTable *tokens; /* resume token: MxrParticipant, unowned */
  GSource *tick;      /* ready when the first room is due */
  guint n_snapshots;  /* being taken */
  MxrHlsKeeper *hls_keeper; /* NULL: nothing is deleted */
  guint n_ending;     /* rooms without participants whose pipelines are being taken down */
  bool draining;
  guint reconnect_in_ms; /* what who is inside is told while draining */
  MxrHubCounters counters;
  MxrStageDelays ended_delays; /* of rooms that are no more */
};

/** mxr_hub_tell_closing: While draining, else nothing. */
void mxr_hub_tell_closing (MxrHub *hub, MxrParticipant *participant);
/** mxr_hub_tick_at: A room is due then. */
void mxr_hub_tick_at (MxrHub *hub, gint64 due_us);
/** mxr_hub_find_room: Errors: NOT_FOUND. */
MxrRoom *mxr_hub_find_room (MxrHub *hub, const char *name, GError **error);
void mxr_hub_remove_room (MxrHub *hub, MxrRoom *room);
/** mxr_hub_check_name: @what: has it. Errors: BAD_NAME. */
bool mxr_hub_check_name (const char *what, const char *name, GError **error);
const MxrFragment *mxr_hub_find_encoder (MxrHub *hub, const char *codec, GError **error);
/** mxr_hub_may_output: Whether the configuration allows for any outputs. */
bool mxr_hub_may_output (const MxrHub *hub);
/** mxr_hub_find_programme_encoder: Of a picture: RTP; of sound: an elementary stream. */
const MxrFragment *mxr_hub_find_programme_encoder (MxrHub *hub, MxrFeedStream stream, GError **error);
/** mxr_hub_list_live_outputs: @hub: MxrHub. Returns: (transfer full): ids of all outputs of all rooms that are not over. */
GStrv mxr_hub_list_live_outputs (gpointer hub);

#endif
