#include "net-private.h"

/* Control messages of some thousand peers at once; a transport's life takes about 40. */
#define MAILBOX_CAPACITY 65536

G_DEFINE_QUARK (mxr - transport - error - quark, mxr_transport_error)

/* ---- One thread ---------------------------------------------------------------------------------------- */

static gpointer
run_thread (gpointer data)
{
  MxrNetThread *thread = data;

  g_atomic_pointer_set (&thread->self, g_thread_self ());
  /* libnice's and GIO's asynchronous calls come back to the thread default context. */
  g_main_context_push_thread_default (thread->context);
  g_main_loop_run (thread->loop);
  g_main_context_pop_thread_default (thread->context);
  return NULL;
}

static void
quit_when_empty (MxrNetThread *thread)
{
  if (thread->quitting && thread->n_alive == 0)
    g_main_loop_quit (thread->loop);
}

static gboolean
on_quit (gpointer data)
{
  MxrNetThread *thread = data;

  thread->quitting = true;
  while (!g_queue_is_empty (&thread->transports))
    mxr_transport_close (g_queue_peek_head (&thread->transports));
  quit_when_empty (thread);
  return G_SOURCE_REMOVE;
}

static bool
start_thread (MxrNet *net, guint index, GError **error)
{
  MxrNetThread *thread = &net->threads[index];
  g_autofree char *name = g_strdup_printf ("net-%u", index);
  g_autoptr (GMainContext) context = g_main_context_new ();
  MxrPoller *poller = mxr_poller_new (context, error);

  if (poller == NULL)
    return false;
  thread->net = net;
  thread->context = g_steal_pointer (&context);
  thread->loop = g_main_loop_new (thread->context, FALSE);
  thread->mailbox = mxr_mailbox_new (thread->context, "net mailbox", MAILBOX_CAPACITY);
  thread->ice = (MxrIceEnv){ .config = net->config, .context = thread->context, .poller = poller };
  thread->ice.timers = mxr_timers_new (thread->context);
  thread->ice.reader = mxr_udp_reader_new (false);
  g_queue_init (&thread->transports);
  thread->thread = g_thread_new (name, run_thread, thread);
  return true;
}

static void
stop_thread (MxrNetThread *thread)
{
  /* Of the mailbox's priority and attached later: what was posted before is called first. */
  g_autoptr (GSource) source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_name (source, "net quit");
  g_source_set_callback (source, on_quit, thread, NULL);
  g_source_attach (source, thread->context);

  g_thread_join (thread->thread);
  mxr_mailbox_close (thread->mailbox);
  g_clear_pointer (&thread->mailbox, mxr_mailbox_unref);
  g_clear_pointer (&thread->ice.reader, mxr_udp_reader_free);
  g_clear_pointer (&thread->ice.timers, mxr_timers_free);
  g_clear_pointer (&thread->ice.poller, mxr_poller_free);
  g_clear_pointer (&thread->loop, g_main_loop_unref);
  g_clear_pointer (&thread->context, g_main_context_unref);
}

void
mxr_net_thread_add (MxrNetThread *thread, MxrTransport *transport)
{
  g_queue_push_tail (&thread->transports, transport);
  thread->n_alive++;
}

void
mxr_net_thread_remove (MxrNetThread *thread, MxrTransport *transport)
{
  g_queue_remove (&thread->transports, transport);
  mxr_net_unpick (thread);
}

void
mxr_net_thread_forget (MxrNetThread *thread)
{
  thread->n_alive--;
  quit_when_empty (thread);
}

MxrMailbox *
mxr_net_thread_get_mailbox (MxrNetThread *thread)
{
  return thread->mailbox;
}

GMainContext *
mxr_net_thread_get_context (MxrNetThread *thread)
{
  return thread->context;
}

bool
mxr_net_thread_is_current (MxrNetThread *thread)
{
  return g_atomic_pointer_get (&thread->self) == g_thread_self ();
}

/* ---- All of them --------------------------------------------------------------------------------------- */

MxrNet *
mxr_net_new (const MxrConfig *config, GError **error)
{
  g_autoptr (MxrDtlsIdentity) identity = mxr_dtls_identity_new (error);
  if (identity == NULL)
    return NULL;

  MxrNet *net = g_new0 (MxrNet, 1);
  net->config = config;
  net->identity = g_steal_pointer (&identity);
  const guint n_threads = config->media.net_threads > 0 ? config->media.net_threads : g_get_num_processors ();
  net->threads = g_new0 (MxrNetThread, n_threads);
  for (; net->n_threads < n_threads; net->n_threads++)
    if (!start_thread (net, net->n_threads, error)) {
      mxr_net_free (net);
      return NULL;
    }
  return net;
}

void
mxr_net_free (MxrNet *net)
{
  for (guint i = 0; i < net->n_threads; i++)
    stop_thread (&net->threads[i]);
  g_free (net->threads);
  mxr_dtls_identity_free (net->identity);
  g_free (net);
}

void
mxr_net_enable_gro (MxrNet *net)
{
  for (guint i = 0; i < net->n_threads; i++) {
    MxrIceEnv *ice = &net->threads[i].ice;
    mxr_udp_reader_free (ice->reader);
    ice->reader = mxr_udp_reader_new (true);
    ice->has_gro = true;
  }
}

const char *
mxr_net_get_fingerprint (const MxrNet *net)
{
  return mxr_dtls_identity_get_fingerprint (net->identity);
}

guint
mxr_net_get_n_threads (const MxrNet *net)
{
  return net->n_threads;
}

MxrNetThread *
mxr_net_get_thread (MxrNet *net, guint index)
{
  g_return_val_if_fail (index < net->n_threads, NULL);
  return &net->threads[index];
}

MxrNetThread *
mxr_net_pick (MxrNet *net)
{
  MxrNetThread *best = &net->threads[0];

  for (guint i = 1; i < net->n_threads; i++)
    if (g_atomic_int_get (&net->threads[i].n_picked) < g_atomic_int_get (&best->n_picked))
      best = &net->threads[i];
  g_atomic_int_inc (&best->n_picked);
  return best;
}

void
mxr_net_unpick (MxrNetThread *thread)
{
  g_atomic_int_add (&thread->n_picked, -1);
}
