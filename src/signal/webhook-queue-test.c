#include "webhook-queue.h"

#include "mixroom/limits.h"

#define S G_TIME_SPAN_SECOND

static void
push (MxrWebhookQueue *queue, guint number, gint64 now_us)
{
  g_autofree char *id = g_strdup_printf ("%u", number);
  g_autoptr (GBytes) body = g_bytes_new_static ("{}", 2);
  mxr_webhook_queue_push (queue, id, body, now_us);
}

static void
expect_next (MxrWebhookQueue *queue, guint number, gint64 now_us)
{
  const MxrWebhookMessage *next = mxr_webhook_queue_next (queue, now_us);
  g_assert_nonnull (next);
  g_assert_cmpuint (g_ascii_strtoull (next->id, NULL, 10), ==, number);
  g_assert_null (mxr_webhook_queue_next (queue, now_us)); /* one at a time */
}

static void
test_order (void)
{
  MxrWebhookQueue queue;

  mxr_webhook_queue_init (&queue);
  g_assert_null (mxr_webhook_queue_next (&queue, 0));
  for (guint i = 0; i < 3; i++)
    push (&queue, i, 0);
  expect_next (&queue, 0, 0);
  mxr_webhook_queue_note (&queue, MXR_WEBHOOK_DELIVERED, 0, 0);
  expect_next (&queue, 1, 0);
  mxr_webhook_queue_note (&queue, MXR_WEBHOOK_REFUSED, 0, 0);
  expect_next (&queue, 2, 0);
  mxr_webhook_queue_note (&queue, MXR_WEBHOOK_FAILED, 0, 0);
  g_assert_null (mxr_webhook_queue_next (&queue, S - 1));
  expect_next (&queue, 2, S); /* the same again */
  mxr_webhook_queue_note (&queue, MXR_WEBHOOK_DELIVERED, 0, S);
  g_assert_cmpuint (queue.n_delivered, ==, 2);
  g_assert_cmpuint (queue.n_refused, ==, 1);
  g_assert_cmpuint (queue.n_retries, ==, 1);
  mxr_webhook_queue_clear (&queue);
}

/* A server that fails for an hour and longer is asked at growing distances; what is old goes, what is new stays. */
static void
test_endless_failure (void)
{
  static const guint waits_s[] = { 1, 5, 25, 120, 600, 600, 600, 600, 600, 600 };
  MxrWebhookQueue queue;
  gint64 now_us = 0;

  mxr_webhook_queue_init (&queue);
  push (&queue, 1, 0);
  for (guint i = 0; i < G_N_ELEMENTS (waits_s); i++) {
    expect_next (&queue, 1, now_us);
    if (now_us == 0)
      push (&queue, 2, 0);
    g_assert_cmpuint (mxr_webhook_queue_note (&queue, MXR_WEBHOOK_FAILED, 0, now_us), ==, 0);
    g_assert_cmpint (queue.due_us, ==, now_us + waits_s[i] * S);
    now_us = queue.due_us;
  }
  push (&queue, 3, now_us);
  expect_next (&queue, 1, now_us);
  g_assert_cmpuint (mxr_webhook_queue_note (&queue, MXR_WEBHOOK_FAILED, 0, now_us), ==, 2); /* 3751 s */
  now_us = queue.due_us;
  expect_next (&queue, 3, now_us);
  mxr_webhook_queue_note (&queue, MXR_WEBHOOK_DELIVERED, 0, now_us);
  push (&queue, 4, now_us);
  expect_next (&queue, 4, now_us);
  mxr_webhook_queue_note (&queue, MXR_WEBHOOK_FAILED, 0, now_us);
  g_assert_cmpint (queue.due_us, ==, now_us + S); /* from the beginning */
  g_assert_cmpuint (queue.n_given_up, ==, 2);
  mxr_webhook_queue_clear (&queue);
}

static void
test_retry_after (void)
{
  MxrWebhookQueue queue;

  mxr_webhook_queue_init (&queue);
  push (&queue, 1, 0);
  expect_next (&queue, 1, 0);
  mxr_webhook_queue_note (&queue, MXR_WEBHOOK_FAILED, 90, 0);
  g_assert_cmpint (queue.due_us, ==, 90 * S);
  expect_next (&queue, 1, 90 * S);
  mxr_webhook_queue_note (&queue, MXR_WEBHOOK_FAILED, G_MAXUINT, 90 * S);
  g_assert_cmpint (queue.due_us, ==, (90 + 3600) * S);
  mxr_webhook_queue_clear (&queue);
}

static void
test_overflow (void)
{
  MxrWebhookQueue queue;

  mxr_webhook_queue_init (&queue);
  push (&queue, 0, 0);
  expect_next (&queue, 0, 0);
  for (guint i = 1; i <= MXR_WEBHOOKS_WAITING_MAX + 1; i++)
    push (&queue, i, 0);
  g_assert_cmpuint (queue.waiting.length, ==, MXR_WEBHOOKS_WAITING_MAX);
  g_assert_cmpuint (queue.n_overflowed, ==, 2);
  mxr_webhook_queue_note (&queue, MXR_WEBHOOK_DELIVERED, 0, 0); /* the one under way was not touched */
  expect_next (&queue, 3, 0);
  mxr_webhook_queue_clear (&queue);
}

static void
test_ending (void)
{
  MxrWebhookQueue queue;

  mxr_webhook_queue_init (&queue);
  for (guint i = 0; i < 4; i++)
    push (&queue, i, 0);
  expect_next (&queue, 0, 0);
  mxr_webhook_queue_note (&queue, MXR_WEBHOOK_FAILED, 0, 0);
  queue.is_ending = true;
  expect_next (&queue, 0, 0); /* at once */
  g_assert_cmpuint (mxr_webhook_queue_note (&queue, MXR_WEBHOOK_FAILED, 0, 0), ==, 1);
  expect_next (&queue, 1, 0); /* and not again */
  mxr_webhook_queue_abandon (&queue);
  g_assert_cmpuint (queue.waiting.length, ==, 1);
  mxr_webhook_queue_note (&queue, MXR_WEBHOOK_DELIVERED, 0, 0);
  g_assert_cmpuint (queue.n_given_up, ==, 3);
  g_assert_null (mxr_webhook_queue_next (&queue, 0));
  mxr_webhook_queue_clear (&queue);
}

static void
test_judge (void)
{
  static const struct {
    guint status;
    MxrWebhookResult result;
  } cases[] = {
    { 0, MXR_WEBHOOK_FAILED },    { 200, MXR_WEBHOOK_DELIVERED }, { 204, MXR_WEBHOOK_DELIVERED }, { 301, MXR_WEBHOOK_REFUSED },
    { 400, MXR_WEBHOOK_REFUSED }, { 404, MXR_WEBHOOK_REFUSED },   { 408, MXR_WEBHOOK_FAILED },    { 410, MXR_WEBHOOK_REFUSED },
    { 429, MXR_WEBHOOK_FAILED },  { 500, MXR_WEBHOOK_FAILED },    { 503, MXR_WEBHOOK_FAILED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (mxr_webhook_judge (cases[i].status), ==, cases[i].result);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/webhook-queue/order", test_order);
  g_test_add_func ("/webhook-queue/endless-failure", test_endless_failure);
  g_test_add_func ("/webhook-queue/retry-after", test_retry_after);
  g_test_add_func ("/webhook-queue/overflow", test_overflow);
  g_test_add_func ("/webhook-queue/ending", test_ending);
  g_test_add_func ("/webhook-queue/judge", test_judge);
  return g_test_run ();
}
