#include "crew.h"

#include <string.h>

static bool
is_loopback (const char *host)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);
  return g_strcmp0 (host, "localhost") == 0 || (address != NULL && g_inet_address_get_is_loopback (address));
}

static bool
is_ipv6 (const char *host)
{
  return strchr (host, ':') != NULL;
}

/* A socket a client: no TCP, and one address family where the server's says which. */
static bool
configure (MxrConfig *config, const char *host, guint n_threads, GError **error)
{
  g_autofree char *threads = g_strdup_printf ("media.net_threads=%u", n_threads);
  const char *address = is_ipv6 (host) ? "ice.local_addresses=::1" : "ice.local_addresses=127.0.0.1";

  return mxr_config_set (config, threads, error) && mxr_config_set (config, "ice.tcp=false", error) &&
         mxr_config_set (config, "ice.allow_loopback=true", error) &&
         (!is_loopback (host) || mxr_config_set (config, address, error)) &&
         (is_ipv6 (host) || !is_loopback (host) || mxr_config_set (config, "ice.ipv6=false", error));
}

MxrCrew *
mxr_crew_new (const char *host, guint n_threads, const MxrPacerEvents *events, GError **error)
{
  MxrCrew *crew = g_new0 (MxrCrew, 1);

  crew->config = mxr_config_new ();
  crew->net = configure (crew->config, host, n_threads, error) ? mxr_net_new (crew->config, error) : NULL;
  if (crew->net == NULL) {
    mxr_config_free (crew->config);
    g_free (crew);
    return NULL;
  }
  mxr_net_enable_gro (crew->net);
  crew->base_us = g_get_monotonic_time ();
  crew->n_threads = mxr_net_get_n_threads (crew->net);
  crew->threads = g_new0 (MxrCrewThread, crew->n_threads);
  for (guint i = 0; i < crew->n_threads; i++) {
    MxrCrewThread *thread = &crew->threads[i];
    thread->thread = mxr_net_get_thread (crew->net, i);
    thread->pacer = mxr_pacer_new (thread->thread, crew->base_us, events);
    thread->random = g_rand_new ();
  }
  return crew;
}

/* The threads first, because pacers belong to them until they end. */
void
mxr_crew_free (MxrCrew *crew)
{
  mxr_net_free (crew->net);
  for (guint i = 0; i < crew->n_threads; i++) {
    mxr_pacer_free (crew->threads[i].pacer);
    g_rand_free (crew->threads[i].random);
  }
  g_free (crew->threads);
  mxr_config_free (crew->config);
  g_free (crew);
}

MxrCrewThread *
mxr_crew_pick (MxrCrew *crew)
{
  const MxrNetThread *picked = mxr_net_pick (crew->net);
  MxrCrewThread *thread = crew->threads;

  while (thread->thread != picked)
    thread++;
  return thread;
}

/* ---- Calls ---------------------------------------------------------------------------------------------------- */

typedef struct {
  MxrCrewThread *thread;
  void (*func) (MxrCrewThread *thread, gpointer data);
  gpointer data;
  GMutex lock; /* guards what follows */
  GCond changed;
  bool is_done;
} Call;

static void
make_call (gpointer data)
{
  Call *call = data;

  call->func (call->thread, call->data);
  g_mutex_lock (&call->lock);
  call->is_done = true;
  g_cond_signal (&call->changed);
  g_mutex_unlock (&call->lock);
}

void
mxr_crew_call (MxrCrew *crew, void (*func) (MxrCrewThread *thread, gpointer data), gpointer data)
{
  for (guint i = 0; i < crew->n_threads; i++) {
    Call call = { .thread = &crew->threads[i], .func = func, .data = data };
    g_mutex_init (&call.lock);
    g_cond_init (&call.changed);
    bool is_posted = mxr_mailbox_post (mxr_net_thread_get_mailbox (call.thread->thread), make_call, &call, NULL);
    g_mutex_lock (&call.lock);
    while (is_posted && !call.is_done)
      g_cond_wait (&call.changed, &call.lock);
    g_mutex_unlock (&call.lock);
    g_mutex_clear (&call.lock);
    g_cond_clear (&call.changed);
  }
}
