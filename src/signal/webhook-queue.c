#include "webhook-queue.h"

#include "mixroom/limits.h"

#define GIVE_UP_US G_TIME_SPAN_HOUR
#define RETRY_AFTER_MAX_S 3600

static void
message_free (gpointer data)
{
  MxrWebhookMessage *message = data;
  g_free (message->id);
  g_bytes_unref (message->body);
  g_free (message);
}

void
mxr_webhook_queue_init (MxrWebhookQueue *queue)
{
  *queue = (MxrWebhookQueue){ 0 };
  g_queue_init (&queue->waiting);
}

void
mxr_webhook_queue_clear (MxrWebhookQueue *queue)
{
  g_queue_clear_full (&queue->waiting, message_free);
}

/* Who has missed a thousand wants to know how things are, not how they were; the one under way stays. */
static void
drop_oldest (MxrWebhookQueue *queue)
{
  message_free (g_queue_pop_nth (&queue->waiting, queue->is_under_way ? 1 : 0));
  queue->n_overflowed++;
}

void
mxr_webhook_queue_push (MxrWebhookQueue *queue, const char *id, GBytes *body, gint64 now_us)
{
  MxrWebhookMessage *message = g_new (MxrWebhookMessage, 1);

  *message = (MxrWebhookMessage){ g_strdup (id), g_bytes_ref (body), now_us };
  if (queue->waiting.length >= MXR_WEBHOOKS_WAITING_MAX)
    drop_oldest (queue);
  g_queue_push_tail (&queue->waiting, message);
}

const MxrWebhookMessage *
mxr_webhook_queue_next (MxrWebhookQueue *queue, gint64 now_us)
{
  if (queue->is_under_way || queue->waiting.length == 0 || (now_us < queue->due_us && !queue->is_ending))
    return NULL;
  queue->is_under_way = true;
  return g_queue_peek_head (&queue->waiting);
}

static void
pop (MxrWebhookQueue *queue, guint64 *counter)
{
  message_free (g_queue_pop_head (&queue->waiting));
  (*counter)++;
}

/* All that is too old at once, or a server that is gone for a day would be asked for each of them. */
static guint
give_up_old (MxrWebhookQueue *queue, gint64 now_us)
{
  const MxrWebhookMessage *head;
  guint n = 0;

  while ((head = g_queue_peek_head (&queue->waiting)) != NULL && now_us - head->happened_us >= GIVE_UP_US) {
    pop (queue, &queue->n_given_up);
    n++;
  }
  return n;
}

static guint
choose_wait_s (const MxrWebhookQueue *queue, guint retry_after_s)
{
  static const guint waits_s[] = { 1, 5, 25, 120, 600 };
  guint wait_s = waits_s[MIN (queue->n_failures, G_N_ELEMENTS (waits_s)) - 1];

  return retry_after_s > 0 ? MIN (retry_after_s, RETRY_AFTER_MAX_S) : wait_s;
}

guint
mxr_webhook_queue_note (MxrWebhookQueue *queue, MxrWebhookResult result, guint retry_after_s, gint64 now_us)
{
  queue->is_under_way = false;
  if (result != MXR_WEBHOOK_FAILED) {
    queue->n_failures = 0;
    queue->due_us = now_us;
    pop (queue, result == MXR_WEBHOOK_DELIVERED ? &queue->n_delivered : &queue->n_refused);
    return 0;
  }
  if (queue->is_ending) {
    pop (queue, &queue->n_given_up);
    return 1;
  }
  queue->n_failures++;
  queue->due_us = now_us + choose_wait_s (queue, retry_after_s) * G_TIME_SPAN_SECOND;
  guint n_given_up = give_up_old (queue, now_us);
  queue->n_retries += queue->waiting.length > 0 && n_given_up == 0;
  return n_given_up;
}

void
mxr_webhook_queue_abandon (MxrWebhookQueue *queue)
{
  while (queue->waiting.length > (queue->is_under_way ? 1 : 0)) {
    message_free (g_queue_pop_tail (&queue->waiting));
    queue->n_given_up++;
  }
}

MxrWebhookResult
mxr_webhook_judge (guint status)
{
  if (status >= 200 && status < 300)
    return MXR_WEBHOOK_DELIVERED;
  return status == 0 || status == 408 || status == 429 || status >= 500 ? MXR_WEBHOOK_FAILED : MXR_WEBHOOK_REFUSED;
}
