#ifndef MXR_LOAD_PACER_H
#define MXR_LOAD_PACER_H

#include "clip.h"
#include "hold.h"
#include "mixroom/transport.h"

/* The one timer of a net thread: plays clips to those who send them, lets held packets go, asks RTP sessions what is
 * due. A clip at one phase is a player: its packets are made once and shared by all its streams, as the server's
 * fan-out does with a rung.
 *
 * Thread: the net thread; only mxr_pacer_new() and mxr_pacer_free() belong to the thread that made it, and run while
 * no client is there. From inside an event nothing of the pacer may be called but mxr_pacer_hold(). */

typedef struct _MxrPacer MxrPacer;

/* What a browser's sound waits for its packet, in steps; clients are spread over them. */
#define MXR_PACER_TICK_US 5000

typedef struct {
  /* The packets of one frame, all due now; none of a pause. */
  void (*on_frame) (gpointer stream, const MxrClipFrame *frame, MxrRtpPacket *const *packets, guint n_packets,
                    gint64 now_us);
  /* A packet that was held is due. */
  void (*on_held) (gpointer stream, MxrHeld *held, gint64 now_us);
  /* Every client in every tick: who has nothing to do returns at once. */
  void (*on_tick) (gpointer client, gint64 now_us);
} MxrPacerEvents;

/**
 * mxr_pacer_new:
 * @base_us: the instant at which all clips begin and RTP time is 0
 * @events: outlives the pacer
 */
MxrPacer *mxr_pacer_new (MxrNetThread *thread, gint64 base_us, const MxrPacerEvents *events);
void mxr_pacer_free (MxrPacer *pacer);

void mxr_pacer_add_client (MxrPacer *pacer, gpointer client);
void mxr_pacer_remove_client (MxrPacer *pacer, gpointer client);
/** mxr_pacer_for_each_client: @func may not add or remove any. */
void mxr_pacer_for_each_client (MxrPacer *pacer, GFunc func, gpointer user_data);

/** mxr_pacer_play: @phase_us: after the full frame [0..frame). @first_frame: where in its loop the clip began. */
void mxr_pacer_play (MxrPacer *pacer, MxrClip *clip, guint phase_us, guint first_frame, gpointer stream);
/** mxr_pacer_stop: @stream is played to no more, and nothing of it is held. */
void mxr_pacer_stop (MxrPacer *pacer, gpointer stream);

/** mxr_pacer_hold: on_held comes at @due_us, in steps of a millisecond. */
bool mxr_pacer_hold (MxrPacer *pacer, gpointer stream, gint64 due_us, const guint8 *data, gsize size, gint64 mark_us,
                     guint mark_value);

/** mxr_pacer_get_late_us: Returns: the most that a frame was late since the last call, for warning of overload. */
gint64 mxr_pacer_get_late_us (MxrPacer *pacer);

#endif
