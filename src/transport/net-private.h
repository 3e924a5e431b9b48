#ifndef MXR_NET_PRIVATE_H
#define MXR_NET_PRIVATE_H

#include "dtls.h"
#include "ice.h"
#include "mixroom/transport.h"

struct _MxrNetThread {
  MxrNet *net;
  GThread *thread;
  GThread *self; /* the same, set by the thread itself before anything runs there; atomic */
  GMainContext *context;
  GMainLoop *loop;
  MxrMailbox *mailbox;
  MxrIceEnv ice;     /* sockets and timers of all transports */
  gint n_picked;     /* atomic: transports made or about to be */
  GQueue transports; /* MxrTransport, open; the thread's own, as all below */
  guint n_alive;     /* open or closing */
  bool quitting;
};

struct _MxrNet {
  const MxrConfig *config;
  MxrDtlsIdentity *identity;
  MxrNetThread *threads;
  guint n_threads;
};

/** mxr_net_thread_add: not while the thread is quitting. */
void mxr_net_thread_add (MxrNetThread *thread, MxrTransport *transport);
/** mxr_net_thread_remove: @transport is closing, and gives its pick back. */
void mxr_net_thread_remove (MxrNetThread *thread, MxrTransport *transport);
/** mxr_net_thread_forget: a closing transport is gone. */
void mxr_net_thread_forget (MxrNetThread *thread);

#endif
