#ifndef MXR_TEST_NET_THREAD_H
#define MXR_TEST_NET_THREAD_H

#include "mixroom/transport.h"

/* A test that runs inside a network thread and turns its context itself, so that every order of events can be made by hand. */

typedef void (*NetThreadFunc) (MxrNet *net, GMainContext *context, gconstpointer data);

typedef struct {
  NetThreadFunc func;
  gconstpointer data;
  MxrNet *net;
  GMainContext *context;
  GMutex lock;
  GCond changed;
  bool is_done;
} NetThreadCall;

static void
make_net_thread_call (gpointer data)
{
  NetThreadCall *call = data;
  call->func (call->net, call->context, call->data);
  g_mutex_lock (&call->lock);
  call->is_done = true;
  g_cond_signal (&call->changed);
  g_mutex_unlock (&call->lock);
}

/* In the only network thread of a net that lasts for the call. */
static void
call_in_net_thread (NetThreadFunc func, gconstpointer data)
{
  NetThreadCall call = { .func = func, .data = data };
  g_autoptr (MxrConfig) config = mxr_config_new ();
  g_autoptr (GError) error = NULL;

  config->media.net_threads = 1;
  call.net = mxr_net_new (config, &error);
  g_assert_no_error (error);
  MxrNetThread *thread = mxr_net_get_thread (call.net, 0);
  call.context = mxr_net_thread_get_context (thread);
  g_mutex_init (&call.lock);
  g_cond_init (&call.changed);
  g_assert_true (mxr_mailbox_post (mxr_net_thread_get_mailbox (thread), make_net_thread_call, &call, NULL));
  g_mutex_lock (&call.lock);
  while (!call.is_done)
    g_cond_wait (&call.changed, &call.lock);
  g_mutex_unlock (&call.lock);
  g_mutex_clear (&call.lock);
  g_cond_clear (&call.changed);
  mxr_net_free (call.net);
}

#endif
