#ifndef MXR_WEBHOOK_QUEUE_H
#define MXR_WEBHOOK_QUEUE_H

#include "mixroom/base.h"

/* What waits for one address, in order, and when it is tried. Pure: knows neither clock nor network; times are
 * monotonic [us]. */
typedef struct {
  char *id;
  GBytes *body;
  gint64 happened_us;
} MxrWebhookMessage;

typedef enum {
  MXR_WEBHOOK_DELIVERED,
  MXR_WEBHOOK_REFUSED, /* for good: another try would be told the same */
  MXR_WEBHOOK_FAILED,  /* the server is not there or in trouble: tried again */
} MxrWebhookResult;

typedef struct {
  GQueue waiting;       /* MxrWebhookMessage; the head is the one under way, when one is */
  bool is_under_way;
  bool is_ending;       /* each is tried once, now */
  guint n_failures;     /* since something was delivered */
  gint64 due_us;        /* when the head may be tried */
  guint64 n_delivered, n_refused, n_retries;
  guint64 n_given_up;   /* too old */
  guint64 n_overflowed; /* had no place: the oldest go */
} MxrWebhookQueue;

void mxr_webhook_queue_init (MxrWebhookQueue *queue);
void mxr_webhook_queue_clear (MxrWebhookQueue *queue);

/** mxr_webhook_queue_push: @id is copied, @body referenced. */
void mxr_webhook_queue_push (MxrWebhookQueue *queue, const char *id, GBytes *body, gint64 now_us);

/** mxr_webhook_queue_next: Returns: (transfer none) (nullable): what is to be sent now; it is under way until
 * mxr_webhook_queue_note(). %NULL: nothing is, before @queue->due_us at least. */
const MxrWebhookMessage *mxr_webhook_queue_next (MxrWebhookQueue *queue, gint64 now_us);

/**
 * mxr_webhook_queue_note:
 * @retry_after_s: what a failing server asks for; 0: nothing
 *
 * What became of the one under way. After failures the address rests for 1, 5, 25, 120, then 600 s; what happened an
 * hour ago is then given up. Returns: how many were.
 */
guint mxr_webhook_queue_note (MxrWebhookQueue *queue, MxrWebhookResult result, guint retry_after_s, gint64 now_us);

/** mxr_webhook_queue_abandon: All but the one under way are given up. */
void mxr_webhook_queue_abandon (MxrWebhookQueue *queue);

/** mxr_webhook_judge: @status: of an answer [100..599]; 0: there was none */
MxrWebhookResult mxr_webhook_judge (guint status);

#endif
