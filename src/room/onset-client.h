#ifndef MXR_ONSET_CLIENT_H
#define MXR_ONSET_CLIENT_H

/* Somebody in a room with a real connection of sound alone: sends what it is given, keeps what it gets. Of tests. */

#include "mixroom/peer.h"
#include "mixroom/room.h"
#include "mixroom/transport.h"

typedef struct {
  guint32 timestamp;
  gint64 arrival_us;
  GBytes *opus;
} Sound;

typedef struct {
  MxrNet *net; /* of its own, with a certificate of its own */
  MxrNetThread *thread;
  MxrTransport *transport;
  MxrParticipant *participant;
  char *ufrag, *pwd;
  GPtrArray *candidates;
  char *answer;
  guint n_sent;
  GMutex lock;
  GCond changed;
  /* guarded by lock */
  bool is_gathered, is_connected, is_done;
  GArray *sounds; /* Sound, as they came */
} Client;

/** client_join: Until it is connected; runs the main loop. */
void client_join (Client *client, const MxrConfig *config, MxrHub *hub, const char *room, const char *name);
/** client_send: @opus: 20 ms; @level: RFC 6464, 0 is loudest, 0x80 for voice. */
void client_send (Client *client, GBytes *opus, guint8 level);
/** client_leave: What came stays, until client_clear(). */
void client_leave (Client *client);
void client_clear (Client *client);

/** run_until_us: Runs the main loop until then. */
void run_until_us (gint64 until_us);

#endif
