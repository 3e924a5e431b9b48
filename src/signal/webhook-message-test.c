#include "webhook-message.h"

#include <string.h>

/* The example of Standard Webhooks' libraries, and one with a secret of plain text, computed by Python's hmac. */
static void
test_signature (void)
{
  static const struct {
    const char *secret, *id;
    gint64 timestamp_s;
    const char *body, *signature;
  } cases[] = {
    { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}",
      "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" },
    { "0123456789abcdef0123456789abcdef", "msg_1", 7, "{}", "v1,LJlk5S1sMRL2HmUKqunqZy804SM1fA3oG5aCXBDuSh8=" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) key = mxr_webhook_key_new (cases[i].secret);
    g_autoptr (GBytes) body = g_bytes_new_static (cases[i].body, strlen (cases[i].body));
    g_autofree char *signature = mxr_webhook_sign (key, cases[i].id, cases[i].timestamp_s, body);
    g_assert_cmpstr (signature, ==, cases[i].signature);
  }
}

static void
test_body (void)
{
  g_autoptr (GBytes) body =
      mxr_webhook_write ("msg_1", "participant.left", 1700000000123, "a \"b\"",
                         g_variant_new_parsed ("{'name': <'Ann'>, 'bytes': <uint64 7>, 'who': <['x', 'y']>}"));
  static const char wanted[] = "{\"id\":\"msg_1\",\"type\":\"participant.left\",\"time\":1700000000123,\"room\":\"a \\\"b\\\"\","
                               "\"data\":{\"name\":\"Ann\",\"bytes\":7,\"who\":[\"x\",\"y\"]}}";
  g_assert_cmpmem (g_bytes_get_data (body, NULL), g_bytes_get_size (body), wanted, strlen (wanted));
}

static void
test_retry_after (void)
{
  static const struct {
    const char *value;
    guint seconds;
  } cases[] = {
    { NULL, 0 },     { "", 0 },   { "0", 0 }, { "120", 120 }, { "-5", 0 }, { "soon", 0 }, { "99999999999999999999", 0 },
    { "Thu, 01 Jan 1970 00:16:50 GMT", 10 }, { "Thu, 01 Jan 1970 00:16:30 GMT", 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpuint (mxr_webhook_read_retry_after (cases[i].value, 1000), ==, cases[i].seconds);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/webhook-message/signature", test_signature);
  g_test_add_func ("/webhook-message/body", test_body);
  g_test_add_func ("/webhook-message/retry-after", test_retry_after);
  return g_test_run ();
}
