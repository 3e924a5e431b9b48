#ifndef MXR_ROOM_DIRECT_H
#define MXR_ROOM_DIRECT_H

#include "mixroom/peer.h"

G_BEGIN_DECLS

/* ---- direct.c: in a call of two each gets the other's picture as it was sent -------------------------------------- */

/* Of who gets it:
 *
 *     mix --begin--> chosen --link confirms--> shown --fits no more--> returning --key frame of the mix--> not chosen --link confirms--> mix
 *                                                    --muted, gone------------------------------------>
 *
 * What it was fed by lasts until the link has confirmed that nothing of it is sent any more. */
typedef struct {
  MxrParticipant *from; /* unowned: whose picture it is; NULL: nobody's, or that one has gone */
  MxrFanout *fanout;    /* of this one's own; NULL: it gets the mix and nothing else */
  MxrSplice *splice;    /* into @fanout; its only source is the peer of @from */
  MxrKeyframeGovernor governor; /* of what is asked of @from */
  bool is_chosen;       /* the downlink is subscribed to @fanout */
  bool is_shown;        /* and has begun with it; and not with anything else since */
  gint64 return_us;     /* on the way to the mix: when that is to make a key frame; 0: it is not on the way */
  gint64 refreshed_us;  /* when it was asked to; the downlink is subscribed once it has; 0: not yet */
  gint64 may_begin_us;  /* not sooner again */
  guint width_px, height_px, bitrate_bps; /* as of the last look */
  guint told_bps;       /* of who sends: as of mxr_direct_get_needed(), last; 0: the picture is of no use but in the mix */
} MxrDirect;

/** mxr_direct_tick: Begins and ends what fits, or does not any more. */
void mxr_direct_tick (MxrRoom *room, gint64 now_us);
/** mxr_direct_is_busy: Whether a change is under way, or a key frame is still to be asked for. */
bool mxr_direct_is_busy (const MxrRoom *room);
/** mxr_direct_update: Who is there, or a mute, has changed: goes back to the mix where there is need, from a camera that is muted at once. */
void mxr_direct_update (MxrRoom *room, gint64 now_us);
/** mxr_direct_is_used: Whether anybody gets a picture directly, or is to: then none is passed through by pass.c. */
bool mxr_direct_is_used (const MxrRoom *room);
/** mxr_direct_get_needed: Returns: whether the other one of a call of two could have @participant's picture directly. @out_bitrate_bps:
 * that is of use then */
bool mxr_direct_get_needed (MxrRoom *room, const MxrParticipant *participant, guint *out_bitrate_bps);

/** mxr_direct_forget_sender: @participant's picture is no more: who got it gets the mix at once. */
void mxr_direct_forget_sender (MxrRoom *room, const MxrParticipant *participant);
/** mxr_direct_forget: @participant's downlink is no more, or is another one. */
void mxr_direct_forget (MxrParticipant *participant);
/** mxr_direct_step_down: Another rung than the best is the one to get. */
void mxr_direct_step_down (MxrRoom *room, MxrParticipant *participant, gint64 now_us);
/** mxr_direct_note_mix: The downlink is being subscribed to the mix. */
void mxr_direct_note_mix (MxrParticipant *participant);
/** mxr_direct_on_shown: The link has confirmed all subscriptions. */
void mxr_direct_on_shown (MxrRoom *room, MxrParticipant *participant);
void mxr_direct_request_keyframe (MxrParticipant *participant, gint64 now_us);

G_END_DECLS

#endif
