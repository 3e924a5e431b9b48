#include "message.h"

#include <string.h>

static void
test_every_type (void)
{
  static const struct {
    const char *text;
    MxrMessageType type;
  } cases[] = {
    { "{\"type\":\"join\",\"room\":\"r\",\"name\":\"n\",\"offer\":null}", MXR_MESSAGE_JOIN },
    { "{\"type\":\"offer\",\"sdp\":\"v=0\"}", MXR_MESSAGE_OFFER },
    { "{\"type\":\"candidate\",\"candidate\":\"\",\"sdpMid\":null}", MXR_MESSAGE_CANDIDATE },
    { "{\"type\":\"layout\",\"layout\":\"grid\"}", MXR_MESSAGE_LAYOUT },
    { "{\"type\":\"mute\"}", MXR_MESSAGE_MUTE },
    { "{\"type\":\"hand\",\"raised\":false}", MXR_MESSAGE_HAND },
    { "{\"type\":\"chat\",\"text\":\"x\",\"future\":[{}]}", MXR_MESSAGE_CHAT },
    { "{\"type\":\"leave\"}", MXR_MESSAGE_LEAVE },
    { "{\"type\":\"delay\"}", MXR_MESSAGE_DELAY },
    { "{\"type\":\"link\"}", MXR_MESSAGE_LINK },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *id = NULL;
    g_autoptr (GError) error = NULL;
    g_autoptr (MxrMessage) message = mxr_message_parse (cases[i].text, strlen (cases[i].text), &id, &error);
    g_assert_no_error (error);
    g_assert_cmpint (message->type, ==, cases[i].type);
  }
}

static void
test_ids (void)
{
  static const char *const cases[][2] = {
    { "5", "5" },      { "\"a\\\"b\"", "\"a\\\"b\"" },
    { "-3", "-3" },    { "1.5", NULL },
    { "1e300", NULL }, { "[1]", NULL },
    { "null", NULL },  { "true", NULL },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *text = g_strdup_printf ("{\"type\":\"nonsense\",\"id\":%s}", cases[i][0]);
    g_autofree char *id = NULL;
    g_autoptr (GError) error = NULL;
    g_assert_null (mxr_message_parse (text, strlen (text), &id, &error));
    g_assert_error (error, MXR_MESSAGE_ERROR, MXR_MESSAGE_ERROR_UNKNOWN_TYPE);
    g_assert_cmpstr (id, ==, cases[i][1]);
  }
}

static void
test_wrong_members (void)
{
  g_autofree char *long_candidate = g_strnfill (600, 'x');
  g_autofree char *candidate =
      g_strdup_printf ("{\"type\":\"candidate\",\"candidate\":\"%s\"}", long_candidate);
  const char *const cases[] = {
    "{\"type\":\"join\",\"room\":\"r\"}",
    "{\"type\":\"join\",\"room\":\"r\\u0000\",\"name\":\"n\"}",
    "{\"type\":\"join\",\"room\":\"r\",\"name\":\"n\",\"chatAfter\":\"5\"}",
    "{\"type\":\"join\",\"room\":\"r\",\"name\":\"n\",\"chatAfter\":-1}",
    "{\"type\":\"join\",\"room\":\"r\",\"name\":\"n\",\"chatAfter\":1e300}",
    "{\"type\":\"mute\",\"audio\":1}",
    "{\"type\":\"offer\",\"sdp\":{}}",
    "{\"type\":7}",
    candidate,
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *id = NULL;
    g_autoptr (GError) error = NULL;
    g_assert_null (mxr_message_parse (cases[i], strlen (cases[i]), &id, &error));
    g_assert_error (error, MXR_MESSAGE_ERROR, MXR_MESSAGE_ERROR_BAD_MESSAGE);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/message/every-type", test_every_type);
  g_test_add_func ("/message/ids", test_ids);
  g_test_add_func ("/message/wrong-members", test_wrong_members);
  return g_test_run ();
}
