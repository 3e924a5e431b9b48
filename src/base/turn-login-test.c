#include "mixroom/base.h"

/* What coturn computes: printf 1700086400:p-Ann | openssl dgst -sha1 -hmac 'north wind' -binary | base64 */
static void
test_secret (void)
{
  g_autoptr (MxrConfig) config = mxr_config_new ();
  g_auto (MxrTurnLogin) login = { NULL, NULL };

  g_assert_true (mxr_config_set (config, "ice.turn_secret=north wind", NULL));
  g_assert_cmpuint (config->ice.turn_ttl_s, ==, 86400);
  mxr_turn_login_init (&login, config, "p-Ann", 1700000000);
  g_assert_cmpstr (login.username, ==, "1700086400:p-Ann");
  g_assert_cmpstr (login.password, ==, "w07sILfc647N1VxMY674pHNVcgc=");
}

static void
test_one_for_all (void)
{
  g_autoptr (MxrConfig) config = mxr_config_new ();
  g_auto (MxrTurnLogin) login = { NULL, NULL };

  g_assert_true (mxr_config_set (config, "ice.turn_username=u", NULL));
  g_assert_true (mxr_config_set (config, "ice.turn_password=p", NULL));
  mxr_turn_login_init (&login, config, "p-Ann", 1700000000);
  g_assert_cmpstr (login.username, ==, "u");
  g_assert_cmpstr (login.password, ==, "p");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/turn-login/secret", test_secret);
  g_test_add_func ("/turn-login/one-for-all", test_one_for_all);
  return g_test_run ();
}
