#ifndef MXR_LOAD_CLIENT_PRIVATE_H
#define MXR_LOAD_CLIENT_PRIVATE_H

#include "client.h"
#include "offer.h"

#define MXR_LOAD_N_KINDS 2

/* One kind of media, both ways. The net thread's. */
typedef struct {
  MxrClient *client;
  MxrRtpKind kind;
  MxrRtpSender *sender; /* NULL: none */
  MxrRtpReceiver *receiver;
  guint8 audio_level_id;
  gint64 last_due_us; /* of packets that are held in order */
  MxrWatch watch;
  gint64 lost_before, repaired_before; /* at the beginning of the steady phase */
} MxrMedia;

struct _MxrClient {
  gatomicrefcount refs; /* the caller's until on_gone, the network half's, one a call under way */
  const MxrClientEnv *env;
  MxrClientPlan plan;
  MxrCrewThread *thread;
  const MxrClientEvents *events;
  gpointer user_data;
  char cname[20];

  /* The control half: main's. */
  char *location;
  gint64 sent_us; /* its request; set before the network half is given the answer, which reads it there */
  bool is_asking, is_connected, is_failed, is_leaving, is_closed;
  MxrSoundCheck *sound_check; /* made and freed in main, used in the net thread */
  MxrPictureCheck *picture_check;

  /* The network half: the net thread's. */
  MxrTransport *transport;
  GPtrArray *candidates; /* until the offer is made */
  MxrOfferParams offer;
  MxrRtpSession *session;
  MxrMedia media[MXR_LOAD_N_KINDS];
  gint64 asked_us, connected_us; /* 0: not yet */
  gint64 begin_us; /* of the steady phase; 0: it has not begun, or the client came later */
  const MxrClipFrame *frame; /* while its packets are sent */
  bool frame_is_dropped;
  guint64 up_packets, up_bytes, up_dropped;
  guint64 answered_before, unanswered_before, plis_before, clicks_before; /* clicks: of the whole room */
  guint64 own_clicks;
};

void mxr_client_unref (MxrClient *client);
/** mxr_client_post_control: Thread: net. @text: (transfer full) (nullable): handed to @func. */
void mxr_client_post_control (MxrClient *client, void (*func) (MxrClient *client, char *text), char *text);

/* ---- client.c: called in main ---- */

void mxr_client_on_offer (MxrClient *client, char *offer);
void mxr_client_on_connected (MxrClient *client, char *unused);
void mxr_client_on_failed (MxrClient *client, char *reason);
void mxr_client_on_closed (MxrClient *client, char *unused);

/* ---- client-net.c: called in the net thread ---- */

void mxr_client_open (MxrClient *client, gpointer unused);
void mxr_client_start (MxrClient *client, gpointer answer); /* MxrSdpOffer */
void mxr_client_close (MxrClient *client, gpointer unused);

/* ---- client-count.c: the same ---- */

/** mxr_client_add_gone: Its counts go to those of the clients that left. Before its streams end. */
void mxr_client_add_gone (MxrClient *client);

/* ---- client-media.c: the same ---- */

/** mxr_client_add_streams: The session and what the answer has of streams. */
void mxr_client_add_streams (MxrClient *client, const MxrSdpOffer *answer);
void mxr_client_begin_to_send (MxrClient *client);
/** mxr_client_end_streams: Safe in any state. */
void mxr_client_end_streams (MxrClient *client);
void mxr_client_receive_rtp (MxrClient *client, guint8 *data, gsize size, gint64 now_us);
void mxr_client_receive_rtcp (MxrClient *client, guint8 *data, gsize size, gint64 now_us);

#endif
