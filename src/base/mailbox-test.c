#include "mixroom/base.h"

static int n_calls, n_destroyed;

static void
count_call (gpointer data)
{
  n_calls++;
}

static void
count_destroy (gpointer data)
{
  n_destroyed++;
}

static void
test_order_bound_and_close (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (MxrMailbox) mailbox = mxr_mailbox_new (context, "test", 2);

  n_calls = n_destroyed = 0;
  g_assert_true (mxr_mailbox_post (mailbox, count_call, NULL, count_destroy));
  g_assert_true (mxr_mailbox_post (mailbox, count_call, NULL, count_destroy));
  g_assert_false (mxr_mailbox_post (mailbox, count_call, NULL, count_destroy));
  g_assert_cmpint (n_destroyed, ==, 1);
  g_assert_true (g_main_context_iteration (context, FALSE));
  g_assert_cmpint (n_calls, ==, 2);
  g_assert_cmpint (n_destroyed, ==, 3);

  g_assert_true (mxr_mailbox_post (mailbox, count_call, NULL, count_destroy));
  mxr_mailbox_close (mailbox);
  g_assert_cmpint (n_calls, ==, 2);
  g_assert_cmpint (n_destroyed, ==, 4);
  g_assert_false (mxr_mailbox_post (mailbox, count_call, NULL, NULL));
}

static gpointer
post_many (gpointer data)
{
  for (int i = 0; i < 10000; i++)
    while (!mxr_mailbox_post (data, count_call, NULL, NULL))
      g_thread_yield ();
  return NULL;
}

static void
test_many_threads (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (MxrMailbox) mailbox = mxr_mailbox_new (context, "test", 128);
  GThread *threads[4];

  n_calls = 0;
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("poster", post_many, mailbox);
  while (n_calls < 40000)
    g_main_context_iteration (context, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpint (n_calls, ==, 40000);
}

static void
close_self (gpointer data)
{
  mxr_mailbox_close (data);
}

static void
test_close_from_a_call (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  MxrMailbox *mailbox = mxr_mailbox_new (context, "test", 8);

  g_assert_true (mxr_mailbox_post (mailbox, close_self, mxr_mailbox_ref (mailbox), (GDestroyNotify) mxr_mailbox_unref));
  mxr_mailbox_unref (mailbox);
  g_main_context_iteration (context, FALSE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mailbox/order-bound-and-close", test_order_bound_and_close);
  g_test_add_func ("/mailbox/many-threads", test_many_threads);
  g_test_add_func ("/mailbox/close-from-a-call", test_close_from_a_call);
  return g_test_run ();
}
