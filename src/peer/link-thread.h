#ifndef MXR_LINK_THREAD_H
#define MXR_LINK_THREAD_H

#include "link-batch.h"
#include "link-clock.h"

/* What the links of one net thread share. The thread's own. */
typedef struct {
  GSource source;
  MxrLinkClock clock;
  MxrLinkBatch batch;
  guint n_links;
  guint64 n_rounds;
} MxrLinkThread;

/** mxr_link_thread_join: Returns: (transfer none): that of @context, made with its first link. Thread: the one that runs
 * @context. */
MxrLinkThread *mxr_link_thread_join (GMainContext *context);
/** mxr_link_thread_leave: It goes with its last link. Not from within a round. */
void mxr_link_thread_leave (MxrLinkThread *thread);

#endif
