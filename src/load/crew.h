#ifndef MXR_LOAD_CREW_H
#define MXR_LOAD_CREW_H

#include "mixroom/transport.h"
#include "pacer.h"
#include "tally.h"

/* The net threads of this program, each with its pacer and the buffers that its clients build packets in. */

typedef struct {
  guint8 bytes[MXR_TRANSPORT_BATCH_MAX][MXR_PACKET_MAX_BYTES + MXR_SRTP_TRAILER_BYTES];
  MxrTransportPacket packets[MXR_TRANSPORT_BATCH_MAX];
  guint n_packets;
} MxrBatch;

typedef struct {
  MxrNetThread *thread;
  MxrPacer *pacer;
  GRand *random;
  MxrBatch batch; /* empty between two events */
  MxrTally gone;  /* the counts of clients that have left since they were last forgotten; its samples are empty */
} MxrCrewThread;

typedef struct {
  MxrConfig *config;
  MxrNet *net;
  MxrCrewThread *threads;
  guint n_threads;
  gint64 base_us; /* of all clips and of RTP time */
} MxrCrew;

/**
 * mxr_crew_new:
 * @host: the server's: on loopback the clients are there too, and nowhere else
 *
 * Thread: main, as for all here.
 */
MxrCrew *mxr_crew_new (const char *host, guint n_threads, const MxrPacerEvents *events, GError **error);
/** mxr_crew_free: Ends the threads; all clients have closed. */
void mxr_crew_free (MxrCrew *crew);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrCrew, mxr_crew_free)

/** mxr_crew_pick: Returns: with the fewest clients; counted as mxr_net_pick() does. */
MxrCrewThread *mxr_crew_pick (MxrCrew *crew);

/** mxr_crew_call: Calls @func in each net thread, one after the other, and waits. */
void mxr_crew_call (MxrCrew *crew, void (*func) (MxrCrewThread *thread, gpointer data), gpointer data);

#endif
