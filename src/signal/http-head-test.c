#include "http-head.h"

#include <string.h>

#define GOOD "GET / HTTP/1.1\r\nHost: a\r\n"

static guint
check (const char *head, MxrHttpFraming *framing)
{
  const char *detail = NULL;
  MxrHttpFraming mine = { 0 };
  guint status = mxr_http_head_check (head, strlen (head), framing != NULL ? framing : &mine, &detail);
  g_assert_true ((status == 0) == (detail == NULL));
  return status;
}

static void
test_table (void)
{
  static const struct {
    const char *head;
    guint status;
  } cases[] = {
    { GOOD "\r\n", 0 },
    { "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0 },
    { "GET / HTTP/1.0\r\n\r\n", 0 },
    { "GET / HTTP/1.1\r\n\r\n", 400 }, /* no Host */
    { GOOD "Host: b\r\n\r\n", 400 },
    { GOOD "hOsT : b\r\n\r\n", 400 }, /* space before the colon */
    { GOOD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
    { GOOD "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400 },
    { GOOD "Content-Length: +5\r\n\r\n", 400 },
    { GOOD "Content-Length: 5, 5\r\n\r\n", 400 },
    { GOOD "Content-Length: 0x5\r\n\r\n", 400 },
    { GOOD "Content-Length: -1\r\n\r\n", 400 },
    { GOOD "Content-Length:\r\n\r\n", 400 },
    { GOOD "Content-Length: 99999999999999999999\r\n\r\n", 400 },
    { GOOD "Transfer-Encoding: gzip, chunked\r\n\r\n", 501 },
    { GOOD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 501 },
    { GOOD "Transfer-Encoding: \x0b"
           "chunked\r\n\r\n",
      400 },
    { "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
    { GOOD " folded: line\r\n\r\n", 400 },
    { GOOD "Name: value\nOther: value\r\n\r\n", 400 },
    { GOOD "Name: val\rue\r\n\r\n", 400 },
    { GOOD ": no name\r\n\r\n", 400 },
    { GOOD "no colon\r\n\r\n", 400 },
    { "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
    { "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
    { "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505 },
    { "GET /\r\nHost: a\r\n\r\n", 400 },
    { "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
    { "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405 },
    { "\r\n\r\n", 400 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    if (check (cases[i].head, NULL) != cases[i].status)
      g_error ("%u, not %u: %s", check (cases[i].head, NULL), cases[i].status, cases[i].head);
}

static void
test_framing (void)
{
  MxrHttpFraming framing = { 0 };
  g_assert_cmpuint (check (GOOD "content-length: \t 17 \r\n\r\n", &framing), ==, 0);
  g_assert_cmpuint (framing.body_bytes, ==, 17);
  g_assert_cmpuint (check (GOOD "Transfer-Encoding: CHUNKED\r\n\r\n", &framing), ==, 0);
  g_assert_true (framing.is_chunked);
}

static void
test_many_fields (void)
{
  g_autoptr (GString) head = g_string_new (GOOD);
  for (guint i = 0; i < MXR_HTTP_HEAD_MAX_FIELDS; i++)
    g_string_append (head, "a: b\r\n");
  g_string_append (head, "\r\n");
  g_assert_cmpuint (check (head->str, NULL), ==, 431);
}

/* Every cut and every changed byte is judged, and read inside its bounds (the sanitizer watches). */
static void
test_cut_and_mutated (void)
{
  static const char head[] = GOOD "Content-Length: 5\r\nA: b\r\n\r\n";
  for (gsize len = 0; len < sizeof head - 1; len++) {
    g_autofree char *cut = g_memdup2 (head, len > 0 ? len : 1);
    g_assert_cmpuint (mxr_http_head_find_end (cut, len), ==, 0);
  }
  g_assert_cmpuint (mxr_http_head_find_end (head, sizeof head - 1), ==, sizeof head - 1);
  for (gsize at = 0; at < sizeof head - 5; at++) {
    for (guint byte = 0; byte < 256; byte++) {
      g_autofree char *mutant = g_memdup2 (head, sizeof head - 1);
      MxrHttpFraming framing = { 0 };
      const char *detail = NULL;
      mutant[at] = (char)byte;
      guint status = mxr_http_head_check (mutant, sizeof head - 1, &framing, &detail);
      if (byte == 0)
        g_assert_cmpuint (status, !=, 0);
    }
  }
}

static void
test_is_for (void)
{
  static const struct {
    const char *head;
    bool is_for;
  } cases[] = {
    { "POST /a/b HTTP/1.1\r\n\r\n", true },  { "POST /a/b?c=d HTTP/1.1\r\n\r\n", true },
    { "POST /a/bc HTTP/1.1\r\n\r\n", false }, { "POST /a/b/c HTTP/1.1\r\n\r\n", false },
    { "GET /a/b HTTP/1.1\r\n\r\n", false },   { "POST /a", false },
    { "POST /a/b", false },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (mxr_http_head_is_for (cases[i].head, strlen (cases[i].head), "POST /a/b"), ==, cases[i].is_for);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http-head/table", test_table);
  g_test_add_func ("/http-head/framing", test_framing);
  g_test_add_func ("/http-head/many-fields", test_many_fields);
  g_test_add_func ("/http-head/cut-and-mutated", test_cut_and_mutated);
  g_test_add_func ("/http-head/is-for", test_is_for);
  return g_test_run ();
}
