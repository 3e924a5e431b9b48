#ifndef MXR_LOAD_CLIENT_H
#define MXR_LOAD_CLIENT_H

#include "check-picture.h"
#include "check-sound.h"
#include "crew.h"
#include "parts.h"
#include "tally.h"
#include "whip.h"

/* One client, as a browser would be one: an offer over HTTP, ICE, DTLS and SRTP, a stream of each kind up and down. Its
 * control half lives in the main thread, its network half in one net thread. */

typedef struct _MxrClient MxrClient;

typedef struct {
  char *name;
  MxrMarks clicks, flashes;
} MxrLoadRoom;

/* What all clients share. Read-only while there are any. */
typedef struct {
  MxrCrew *crew;
  MxrMailbox *control; /* of the main thread */
  MxrWhip *whip;
  MxrLoadCodec codec; /* MXR_CODEC_NONE: sound only */
  bool audio_level;
  double loss;          /* [0..1], of packets dropped on purpose, each way */
  guint jitter_ms;
  bool keeps_order; /* jitter does not change it */
} MxrClientEnv;

/* What one is to do. Clips and room outlive the client. */
typedef struct {
  MxrLoadRoom *room;
  MxrPart part;
  guint number;
  MxrClip *clips[2]; /* by MxrRtpKind; NULL: sends none */
  guint phase_us[2], first_frame[2];
  guint n_tones; /* of the room; 0: nobody sends any */
  int own_tone;  /* -1: none */
  bool hears_clicks;
} MxrClientPlan;

/* Thread: main. */
typedef struct {
  void (*on_connected) (MxrClient *client, gpointer user_data);
  /* It never was, or is no more. Once. */
  void (*on_failed) (MxrClient *client, bool was_connected, const GError *error, gpointer user_data);
  /* After mxr_client_leave(): nothing of it is left, and @client goes with this call. */
  void (*on_gone) (MxrClient *client, gpointer user_data);
} MxrClientEvents;

/** mxr_client_pacer_events: for the crew of clients. */
extern const MxrPacerEvents mxr_client_pacer_events;

/**
 * mxr_client_new:
 * @plan: copied
 *
 * Begins to join at once. Errors: a decoder is missing; no event follows. Thread: main.
 */
MxrClient *mxr_client_new (const MxrClientEnv *env, const MxrClientPlan *plan, const MxrClientEvents *events,
                           gpointer user_data, GError **error);
/** mxr_client_leave: In any state; on_gone follows, nothing else. Once. Thread: main. */
void mxr_client_leave (MxrClient *client);
bool mxr_client_is_leaving (const MxrClient *client);
const MxrClientPlan *mxr_client_get_plan (const MxrClient *client);

/* Thread: the client's net thread; func of mxr_pacer_for_each_client(). */

/** mxr_client_begin: The steady phase: counts from here on. */
void mxr_client_begin (gpointer client, gpointer unused);
/** mxr_client_add_traffic: to an MxrTally: clients and packets up and down only. Cheap. */
void mxr_client_add_traffic (gpointer client, gpointer tally);
/** mxr_client_add_all: to an MxrTally: everything since mxr_client_begin(). Once, at the end. */
void mxr_client_add_all (gpointer client, gpointer tally);

#endif
