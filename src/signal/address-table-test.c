#include "address-table.h"

static MxrAddressEntry *
get (MxrAddressTable *table, const char *text)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);
  return mxr_address_table_get (table, address);
}

static void
test_what_is_one (void)
{
  g_autoptr (MxrAddressTable) table = mxr_address_table_new ();
  g_assert_true (get (table, "192.0.2.1") == get (table, "::ffff:192.0.2.1"));
  g_assert_true (get (table, "2001:db8::1") == get (table, "2001:db8::ffff:1"));
  g_assert_true (get (table, "2001:db8::1") != get (table, "2001:db8:0:1::1"));
  g_assert_true (get (table, "192.0.2.1") != get (table, "192.0.2.2"));
}

static void
test_prune (void)
{
  g_autoptr (MxrAddressTable) table = mxr_address_table_new ();
  get (table, "192.0.2.1")->n_connections = 1;
  get (table, "192.0.2.2")->joins.last_us = 100;
  get (table, "192.0.2.3")->joins.last_us = 100 + 59 * G_USEC_PER_SEC;
  mxr_address_table_prune (table, 101 + 60 * G_USEC_PER_SEC);
  g_assert_cmpuint (mxr_address_table_get_size (table), ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/address-table/what-is-one", test_what_is_one);
  g_test_add_func ("/address-table/prune", test_prune);
  return g_test_run ();
}
