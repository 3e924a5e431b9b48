#include "mixroom/base.h"

typedef struct {
  MxrMailboxFunc func;
  gpointer data;
  GDestroyNotify destroy;
} Call;

typedef struct {
  GSource source;
  MxrMailbox *mailbox; /* unowned: the mailbox owns the source */
} MailboxSource;

struct _MxrMailbox {
  gatomicrefcount refs;
  GSource *source;
  GMutex lock;
  GArray *calls; /* Call; guarded by lock */
  guint capacity;
  bool closed; /* guarded by lock */
};

static void
call_destroy (const Call *call)
{
  if (call->destroy != NULL)
    call->destroy (call->data);
}

/* Takes the whole queue at once: a call that posts again is made in the next round, so one busy mailbox cannot
 * starve the other sources of its context. */
static GArray *
take_calls (MxrMailbox *mailbox)
{
  GArray *calls = NULL;
  g_mutex_lock (&mailbox->lock);
  if (mailbox->calls->len > 0) {
    calls = mailbox->calls;
    mailbox->calls = g_array_new (FALSE, FALSE, sizeof (Call));
  }
  g_source_set_ready_time (mailbox->source, -1);
  g_mutex_unlock (&mailbox->lock);
  return calls;
}

static gboolean
on_mailbox_ready (GSource *source, GSourceFunc callback, gpointer user_data)
{
  g_autoptr (MxrMailbox) mailbox = mxr_mailbox_ref (((MailboxSource *) source)->mailbox);
  g_autoptr (GArray) calls = take_calls (mailbox);

  for (guint i = 0; calls != NULL && i < calls->len; i++) {
    const Call *call = &g_array_index (calls, Call, i);
    call->func (call->data);
    call_destroy (call);
  }
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs mailbox_source_funcs = { .dispatch = on_mailbox_ready };

MxrMailbox *
mxr_mailbox_new (GMainContext *context, const char *name, guint capacity)
{
  MxrMailbox *mailbox = g_new0 (MxrMailbox, 1);

  g_atomic_ref_count_init (&mailbox->refs);
  g_mutex_init (&mailbox->lock);
  mailbox->calls = g_array_new (FALSE, FALSE, sizeof (Call));
  mailbox->capacity = capacity;
  mailbox->source = g_source_new (&mailbox_source_funcs, sizeof (MailboxSource));
  ((MailboxSource *) mailbox->source)->mailbox = mailbox;
  g_source_set_name (mailbox->source, name);
  g_source_attach (mailbox->source, context);
  return mailbox;
}

MxrMailbox *
mxr_mailbox_ref (MxrMailbox *mailbox)
{
  g_atomic_ref_count_inc (&mailbox->refs);
  return mailbox;
}

void
mxr_mailbox_unref (MxrMailbox *mailbox)
{
  if (!g_atomic_ref_count_dec (&mailbox->refs))
    return;
  mxr_mailbox_close (mailbox);
  g_source_unref (mailbox->source);
  g_array_unref (mailbox->calls);
  g_mutex_clear (&mailbox->lock);
  g_free (mailbox);
}

bool
mxr_mailbox_post (MxrMailbox *mailbox, MxrMailboxFunc func, gpointer data, GDestroyNotify destroy)
{
  const Call call = { func, data, destroy };
  bool posted = false;

  g_mutex_lock (&mailbox->lock);
  if (!mailbox->closed && mailbox->calls->len < mailbox->capacity) {
    g_array_append_val (mailbox->calls, call);
    if (mailbox->calls->len == 1)
      g_source_set_ready_time (mailbox->source, 0);
    posted = true;
  }
  g_mutex_unlock (&mailbox->lock);

  if (!posted)
    call_destroy (&call);
  return posted;
}

void
mxr_mailbox_close (MxrMailbox *mailbox)
{
  g_mutex_lock (&mailbox->lock);
  mailbox->closed = true;
  g_mutex_unlock (&mailbox->lock);

  g_source_destroy (mailbox->source);
  g_autoptr (GArray) calls = take_calls (mailbox);
  for (guint i = 0; calls != NULL && i < calls->len; i++)
    call_destroy (&g_array_index (calls, Call, i));
}
