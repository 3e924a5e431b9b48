#include "token.h"

#include <string.h>

#include "test-client.h"

#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static int
check (const char *secret, const char *token, const char *room, MxrTokenRole role)
{
  g_autoptr (GError) error = NULL;
  if (mxr_token_check (secret, token, room, role, 1000, &error))
    return -1;
  return error->code;
}

static void
test_claims (void)
{
  static const struct {
    const char *header, *claims, *room;
    MxrTokenRole role;
    int result;
  } cases[] = {
    { HEADER, "{\"exp\":1001,\"room\":\"a\"}", "a", MXR_TOKEN_PARTICIPANT, -1 },
    { HEADER, "{\"exp\":1000,\"room\":\"a\"}", "a", MXR_TOKEN_PARTICIPANT, MXR_TOKEN_ERROR_INVALID },
    { HEADER, "{\"room\":\"a\"}", "a", MXR_TOKEN_PARTICIPANT, MXR_TOKEN_ERROR_INVALID },
    { HEADER, "{\"exp\":\"2000\",\"room\":\"a\"}", "a", MXR_TOKEN_PARTICIPANT, MXR_TOKEN_ERROR_INVALID },
    { HEADER, "{\"exp\":2000,\"nbf\":1001,\"room\":\"a\"}", "a", MXR_TOKEN_PARTICIPANT,
      MXR_TOKEN_ERROR_INVALID },
    { HEADER, "{\"exp\":2000,\"nbf\":1000,\"room\":\"a\"}", "a", MXR_TOKEN_PARTICIPANT, -1 },
    { HEADER, "{\"exp\":2000}", "a", MXR_TOKEN_PARTICIPANT, MXR_TOKEN_ERROR_INVALID },
    { HEADER, "{\"exp\":2000,\"room\":\"b\"}", "a", MXR_TOKEN_PARTICIPANT, MXR_TOKEN_ERROR_TOO_WEAK },
    { HEADER, "{\"exp\":2000,\"room\":\"*\"}", "a", MXR_TOKEN_PARTICIPANT, -1 },
    { HEADER, "{\"exp\":2000,\"room\":\"a\"}", NULL, MXR_TOKEN_PARTICIPANT, MXR_TOKEN_ERROR_TOO_WEAK },
    { HEADER, "{\"exp\":2000,\"room\":\"a\"}", "a", MXR_TOKEN_HOST, MXR_TOKEN_ERROR_TOO_WEAK },
    { HEADER, "{\"exp\":2000,\"room\":\"a\",\"role\":\"viewer\"}", "a", MXR_TOKEN_VIEWER, -1 },
    { HEADER, "{\"exp\":2000,\"room\":\"a\",\"role\":\"admin\"}", "a", MXR_TOKEN_HOST, -1 },
    { HEADER, "{\"exp\":2000,\"room\":\"a\",\"role\":\"god\"}", "a", MXR_TOKEN_VIEWER,
      MXR_TOKEN_ERROR_INVALID },
    { HEADER, "{\"exp\":2000,\"room\":\"a\",\"role\":9}", "a", MXR_TOKEN_VIEWER, MXR_TOKEN_ERROR_INVALID },
    { "{\"alg\":\"none\"}", "{\"exp\":2000,\"room\":\"a\"}", "a", MXR_TOKEN_VIEWER, MXR_TOKEN_ERROR_INVALID },
    { "{\"alg\":\"HS512\"}", "{\"exp\":2000,\"room\":\"a\"}", "a", MXR_TOKEN_VIEWER,
      MXR_TOKEN_ERROR_INVALID },
    { "{\"alg\":\"HS256\",\"crit\":[\"b64\"]}", "{\"exp\":2000,\"room\":\"a\"}", "a", MXR_TOKEN_VIEWER,
      MXR_TOKEN_ERROR_INVALID },
    { HEADER, "[]", "a", MXR_TOKEN_VIEWER, MXR_TOKEN_ERROR_INVALID },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *token = test_make_token ("secret", cases[i].header, cases[i].claims);
    if (check ("secret", token, cases[i].room, cases[i].role) != cases[i].result)
      g_error ("case %u: %s", i, cases[i].claims);
  }
}

/* No byte of a good token can be changed, cut or added. */
static void
test_forgeries (void)
{
  g_autofree char *token = test_make_token ("secret", HEADER, "{\"exp\":2000,\"room\":\"a\"}");
  g_assert_cmpint (check ("secret", token, "a", MXR_TOKEN_VIEWER), ==, -1);
  g_assert_cmpint (check ("other", token, "a", MXR_TOKEN_VIEWER), ==, MXR_TOKEN_ERROR_INVALID);
  g_assert_cmpint (check ("secret", NULL, "a", MXR_TOKEN_VIEWER), ==, MXR_TOKEN_ERROR_MISSING);
  g_assert_cmpint (check ("secret", "", "a", MXR_TOKEN_VIEWER), ==, MXR_TOKEN_ERROR_MISSING);
  for (gsize at = 0; at < strlen (token); at++) {
    for (const char *other = "AZaz09-_.=+/ "; *other != '\0'; other++) {
      g_autofree char *forged = g_strdup (token);
      if (forged[at] == *other)
        continue;
      forged[at] = *other;
      g_assert_cmpint (check ("secret", forged, "a", MXR_TOKEN_VIEWER), ==, MXR_TOKEN_ERROR_INVALID);
    }
    g_autofree char *cut = g_strndup (token, at);
    g_assert_cmpint (check ("secret", cut, "a", MXR_TOKEN_VIEWER), !=, -1);
  }
  g_autofree char *padded = g_strconcat (token, "=", NULL);
  g_autofree char *longer = g_strconcat (token, ".", NULL);
  g_assert_cmpint (check ("secret", padded, "a", MXR_TOKEN_VIEWER), ==, MXR_TOKEN_ERROR_INVALID);
  g_assert_cmpint (check ("secret", longer, "a", MXR_TOKEN_VIEWER), ==, MXR_TOKEN_ERROR_INVALID);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/token/claims", test_claims);
  g_test_add_func ("/token/forgeries", test_forgeries);
  return g_test_run ();
}
