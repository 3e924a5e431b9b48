#ifndef MXR_PEER_TEST_CLIENT_H
#define MXR_PEER_TEST_CLIENT_H

#include "peer-test-fixture.h"

/* A transport on a network of its own, with another certificate. */
typedef struct {
  MxrNet *net;
  MxrNetThread *thread;
  MxrTransport *transport;
  char *ufrag, *pwd;
  GPtrArray *candidates;
  char *offer;
  const char *sound_line; /* NULL: none; that the offer has of sound beside the recorded ones */
  const char *answer; /* for the call that starts it */
  GMutex lock;
  GCond changed;
  /* guarded by lock */
  bool is_gathered, is_connected, is_hung_up, is_done;
  guint32 ssrcs[MXR_PEER_N_KINDS];
  guint32 last_rtp[MXR_PEER_N_KINDS]; /* timestamps as they came */
  guint n_rtp[MXR_PEER_N_KINDS];
  guint16 first_sound, last_sound; /* sequence numbers, of the first and the last that came */
  guint32 first_rtp;               /* of sounds */
  guint n_frames;                  /* in sounds */
  guint n_red;                     /* of them: with earlier ones */
  guint n_sent;
  guint32 sent_ssrc; /* 0: the recorded one of sound */
  guint8 level; /* of what is sent: RFC 6464, 0 is loudest, 0x80 for voice */
  bool has_report[MXR_PEER_N_KINDS];
  guint64 report_ntp[MXR_PEER_N_KINDS];
  guint32 report_rtp[MXR_PEER_N_KINDS];
  guint32 rtx_ssrc;
  guint16 first_picture, last_picture; /* likewise */
  guint n_rtx;
  guint16 last_original; /* number of what was sent again last */
  guint estimate_bps; /* that it tells */
  guint32 remb; /* exponent and mantissa of the last one */
} Client;

/** client_connect: Initialises @client, negotiates as the recorded Chromium does, and waits for both sides. */
void client_connect (Fixture *fixture, Client *client);
void client_clear (Client *client);

/** client_call: Runs @func in the client's thread; it ends with client_set() of is_done. */
void client_call (Client *client, MxrMailboxFunc func);
void client_close (gpointer client);
void client_set (Client *client, bool *flag);
void client_wait_for (Client *client, const bool *flag);

#endif
