#include "origin.h"

static void
test_table (void)
{
  static const struct {
    const char *origin, *host;
    bool is_tls;
    const char *allowed;
    bool is_allowed;
  } cases[] = {
    { NULL, "a.example", false, "", true },
    { "http://a.example", "a.example", false, "", true },
    { "http://A.example:80", "a.EXAMPLE", false, "", true },
    { "https://a.example", "a.example", false, "", true }, /* a proxy ends TLS */
    { "http://a.example", "a.example", true, "", false },
    { "https://a.example", "a.example", true, "", true },
    { "https://a.example:8443", "a.example", true, "", false },
    { "http://a.example:8080", "a.example:8080", false, "", true },
    { "http://a.example:8080", "a.example:8081", false, "", false },
    { "http://a.example.evil", "a.example", false, "", false },
    { "http://evil/a.example", "a.example", false, "", false },
    { "http://a.example@evil", "a.example", false, "", false },
    { "http://[::1]:80", "[::1]", false, "", true },
    { "null", "null", false, "", false },
    { "", "", false, "", false },
    { "file://", "a.example", false, "", false },
    { "https://b.example", "a.example", false, "https://c.example, https://b.example", true },
    { "https://b.example", "a.example", false, "http://b.example", false },
    { "https://b.example:444", "a.example", false, "https://b.example", false },
    { "https://b.example", "a.example", false, "b.example", false },
    { "https://anybody.example", "a.example", false, "https://c.example , *", true },
    { "null", "a.example", false, "*", true },
    { "http://a.example", NULL, false, "", false },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    if (mxr_origin_is_allowed (cases[i].origin, cases[i].host, cases[i].is_tls, cases[i].allowed) !=
        cases[i].is_allowed)
      g_error ("case %u: %s at %s", i, cases[i].origin, cases[i].host);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/origin/table", test_table);
  return g_test_run ();
}
