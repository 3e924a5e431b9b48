/* A source of the thread's context carries it, so that it is found there and belongs to nobody else. The time of the next
 * round is read whenever the loop is about to sleep: moving it costs no call, and no second turn of the loop as
 * g_source_set_ready_time() does. */

#include "link-thread.h"

static gboolean
prepare (GSource *source, int *out_timeout_ms)
{
  const gint64 next_us = mxr_link_clock_get_next_us (&((MxrLinkThread *) source)->clock);
  const gint64 now_us = g_source_get_time (source);

  *out_timeout_ms = -1;
  if (next_us == G_MAXINT64)
    return FALSE;
  *out_timeout_ms = (int) CLAMP ((next_us - now_us + 999) / 1000, 0, G_MAXINT);
  return next_us <= now_us;
}

static gboolean
check (GSource *source)
{
  return mxr_link_clock_get_next_us (&((MxrLinkThread *) source)->clock) <= g_source_get_time (source);
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  MxrLinkThread *thread = (MxrLinkThread *) source;

  thread->n_rounds++;
  mxr_link_clock_run (&thread->clock, g_get_monotonic_time ());
  return G_SOURCE_CONTINUE;
}

static void
finalize (GSource *source)
{
  mxr_link_clock_clear (&((MxrLinkThread *) source)->clock);
}

static GSourceFuncs source_funcs = { prepare, check, dispatch, finalize };

MxrLinkThread *
mxr_link_thread_join (GMainContext *context)
{
  GSource *source = g_main_context_find_source_by_funcs_user_data (context, &source_funcs, context);
  MxrLinkThread *thread = (MxrLinkThread *) source;

  if (thread == NULL) {
    source = g_source_new (&source_funcs, sizeof (MxrLinkThread)); /* zeroed */
    thread = (MxrLinkThread *) source;
    mxr_link_clock_init (&thread->clock);
    g_source_set_name (source, "links");
    g_source_set_callback (source, NULL, context, NULL); /* the data it is found by */
    g_source_attach (source, context);
    g_source_unref (source); /* the context's now */
  }
  thread->n_links++;
  return thread;
}

void
mxr_link_thread_leave (MxrLinkThread *thread)
{
  if (--thread->n_links == 0)
    g_source_destroy (&thread->source);
}
