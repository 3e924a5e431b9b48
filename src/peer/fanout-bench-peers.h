#ifndef MXR_FANOUT_BENCH_PEERS_H
#define MXR_FANOUT_BENCH_PEERS_H

#include "mixroom/limits.h"
#include "mixroom/peer.h"

#define BENCH_PEERS_MAX 5000

/* Viewers on one network thread, each connected to a client of its own on another. */
typedef struct {
  MxrConfig *config;
  MxrNet *net, *clients_net;
  MxrNetThread *thread, *clients_thread;
  MxrFragments *fragments;
  MxrMailbox *control;
  MxrPeerDelays *delays;
  MxrFanout *fanouts[MXR_PEER_N_KINDS]; /* that all are subscribed to */
  struct _BenchViewer *viewers;
  guint n, n_answers, n_connected;
} BenchPeers;

void bench_peers_init (BenchPeers *peers);
void bench_peers_clear (BenchPeers *peers);
/** bench_peers_connect: Until there are @n. Runs the default main context meanwhile. */
void bench_peers_connect (BenchPeers *peers, guint n);
void bench_post (MxrNetThread *thread, MxrMailboxFunc func, gpointer data);

#endif
