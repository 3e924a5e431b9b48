#include "candidate.h"

#include <arpa/inet.h>
#include <string.h>

#include "mixroom/limits.h"

static const MxrCandidatePolicy policy = { .allow_loopback = false, .ipv6 = true, .tcp = true };

static MxrCandidateVerdict
judge (const char *line)
{
  MxrCandidate candidate;
  return mxr_candidate_parse (line, &policy, &candidate);
}

static void
test_real_ones (void)
{
  MxrCandidate candidate;
  char address[INET6_ADDRSTRLEN];

  g_assert_cmpint (
      mxr_candidate_parse ("candidate:842163049 1 udp 1677729535 203.0.113.9 46154 typ srflx raddr 0.0.0.0 "
                           "rport 0 generation 0 ufrag Ab+/ network-cost 999",
                           &policy, &candidate),
      ==, MXR_CANDIDATE_OK);
  g_assert_cmpstr (candidate.foundation, ==, "842163049");
  g_assert_cmpuint (candidate.priority, ==, 1677729535);
  g_assert_cmpint (candidate.type, ==, MXR_CANDIDATE_SRFLX);
  g_assert_cmpuint (ntohs (candidate.address.in.sin_port), ==, 46154);
  g_assert_cmpstr (inet_ntop (AF_INET, &candidate.address.in.sin_addr, address, sizeof address), ==,
                   "203.0.113.9");
  g_assert_cmpstr (candidate.ufrag, ==, "Ab+/");
  g_assert_false (candidate.is_tcp);

  g_assert_cmpint (
      mxr_candidate_parse ("a=candidate:1 1 TCP 1518280447 2001:db8::7 9 typ host tcptype active\r\n",
                           &policy, &candidate),
      ==, MXR_CANDIDATE_OK);
  g_assert_true (candidate.is_tcp);
  g_assert_cmpint (candidate.address.sa.sa_family, ==, AF_INET6);
  g_assert_cmpstr (candidate.ufrag, ==, "");
}

static void
test_skipped (void)
{
  static const char *const lines[] = {
    "1 1 udp 1 3f0bfc1b-6c1f-4d3e-9d7a-0f5a0f8f9c11.local 5000 typ host", /* mDNS */
    "1 1 udp 1 example.org 5000 typ host",                                /* never looked up */
    "1 2 udp 1 203.0.113.9 5000 typ host",                                /* RTCP's component */
    "1 256 udp 1 203.0.113.9 5000 typ host",
    "1 1 sctp 1 203.0.113.9 5000 typ host",
    "1 1 udp 1 203.0.113.9 5000 typ future",
    "1 1 tcp 1 203.0.113.9 5000 typ host tcptype passive", /* we dial nobody */
    "1 1 tcp 1 203.0.113.9 5000 typ host tcptype so",
  };
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    g_assert_cmpint (judge (lines[i]), ==, MXR_CANDIDATE_SKIP);
}

static void
test_off_by_policy (void)
{
  const MxrCandidatePolicy little = { .allow_loopback = false, .ipv6 = false, .tcp = false };
  MxrCandidate candidate;

  g_assert_cmpint (mxr_candidate_parse ("1 1 udp 1 2001:db8::1 5000 typ host", &little, &candidate), ==,
                   MXR_CANDIDATE_SKIP);
  g_assert_cmpint (
      mxr_candidate_parse ("1 1 tcp 1 203.0.113.9 9 typ host tcptype active", &little, &candidate), ==,
      MXR_CANDIDATE_SKIP);
}

static void
test_bad (void)
{
  static const char *const lines[] = {
    "",
    " ",
    "candidate:",
    "1 1 udp 1 203.0.113.9 5000 typ",
    "1 1 udp 1 203.0.113.9 5000 tip host",
    " 1 udp 1 203.0.113.9 5000 typ host",                                  /* no foundation */
    "123456789012345678901234567890123 1 udp 1 203.0.113.9 5000 typ host", /* 33 */
    "a-b 1 udp 1 203.0.113.9 5000 typ host",                               /* not ice-char */
    "1 0 udp 1 203.0.113.9 5000 typ host",
    "1 257 udp 1 203.0.113.9 5000 typ host",
    "1 -1 udp 1 203.0.113.9 5000 typ host",
    "1 1 udp 0 203.0.113.9 5000 typ host",
    "1 1 udp 2147483648 203.0.113.9 5000 typ host", /* 2^31 */
    "1 1 udp 99999999999999999999 203.0.113.9 5000 typ host",
    "1 1 udp +1 203.0.113.9 5000 typ host",
    "1 1 udp 0x1 203.0.113.9 5000 typ host",
    "1 1 udp 1 203.0.113.9 0 typ host",
    "1 1 udp 1 203.0.113.9 65536 typ host",
    "1 1 udp 1 203.0.113.9 99999 typ host",
    "1 1 udp 1 203.0.113.9 -5 typ host",
    "1 1 udp 1 203.0.113.9 5e3 typ host",
    "1 1 udp 1 203.0.113 5000 typ host",
    "1 1 udp 1 256.0.113.9 5000 typ host",
    "1 1 udp 1 [2001:db8::1] 5000 typ host",
    "1 1 udp 1 fe80::1%eth0 5000 typ host",
    "1 1 udp 1 ../../etc/passwd 5000 typ host",
    "1 1  udp 1 203.0.113.9 5000 typ host",
    "1 1 tcp 1 203.0.113.9 9 typ host", /* tcptype is a must */
    "1 1 udp 1 203.0.113.9 5000 typ host generation",
    "1 1 udp 1 203.0.113.9 5000 typ host raddr  rport 1",
    "1 1 udp 1 203.0.113.9 5000 typ srflx raddr 10.0.0.1 rport 65536",
    "1 1 udp 1 203.0.113.9 5000 typ host ufrag a%20b",
  };
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    g_assert_cmpint (judge (lines[i]), ==, MXR_CANDIDATE_BAD);
}

static MxrCandidateVerdict
judge_address (const char *address, bool allow_loopback)
{
  const MxrCandidatePolicy with = { allow_loopback, true, true };
  g_autofree char *line = g_strdup_printf ("candidate:1 1 udp 1 %s 5000 typ host", address);
  MxrCandidate candidate;
  return mxr_candidate_parse (line, &with, &candidate);
}

static void
test_forbidden_addresses (void)
{
  static const char *const addresses[] = {
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "169.254.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:203.0.113.9",
    "::127.0.0.1",
    "::7f00:1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2002:e000:1::",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::",
    "64:ff9b:1::7f00:1",
  };
  for (guint i = 0; i < G_N_ELEMENTS (addresses); i++)
    g_assert_cmpint (judge_address (addresses[i], false), ==, MXR_CANDIDATE_FORBIDDEN);
}

static void
test_allowed_addresses (void)
{
  static const char *const addresses[] = { "10.0.0.1",        "192.168.1.1",       "172.16.0.1",
                                           "203.0.113.9",     "1.0.0.1",           "223.255.255.255",
                                           "2001:db8::1",     "fd00::1",           "169.253.1.1",
                                           "126.255.255.255", "2002:cb00:7109::1", "64:ff9b::203.0.113.9" };
  for (guint i = 0; i < G_N_ELEMENTS (addresses); i++)
    g_assert_cmpint (judge_address (addresses[i], false), ==, MXR_CANDIDATE_OK);
  g_assert_cmpint (judge_address ("127.0.0.1", true), ==, MXR_CANDIDATE_OK);
  g_assert_cmpint (judge_address ("::1", true), ==, MXR_CANDIDATE_OK);
  /* In disguise it stays refused. */
  g_assert_cmpint (judge_address ("::ffff:127.0.0.1", true), ==, MXR_CANDIDATE_FORBIDDEN);
  g_assert_cmpint (judge_address ("64:ff9b::127.0.0.1", true), ==, MXR_CANDIDATE_FORBIDDEN);
}

static void
test_length (void)
{
  GString *line = g_string_new ("candidate:1 1 udp 1 203.0.113.9 5000 typ host x ");

  while (line->len < MXR_CANDIDATE_MAX_BYTES)
    g_string_append_c (line, 'y');
  g_assert_cmpint (judge (line->str), ==, MXR_CANDIDATE_OK);
  g_string_append_c (line, 'y');
  g_assert_cmpint (judge (line->str), ==, MXR_CANDIDATE_BAD);
  g_string_free (line, TRUE);

  GString *many = g_string_new ("candidate:1 1 udp 1 203.0.113.9 5000 typ host");
  for (guint i = 0; i < 60; i++)
    g_string_append (many, " a b");
  g_assert_cmpint (judge (many->str), ==, MXR_CANDIDATE_BAD);
  g_string_free (many, TRUE);
}

/* Every prefix and every single-byte change of a good line gets a verdict, and what passes keeps to the
 * rules. */
static void
test_mutations (void)
{
  static const char line[] = "candidate:1 1 tcp 2105458943 198.51.100.7 9 typ host tcptype active ufrag abcd";
  MxrCandidate candidate;

  for (gsize n = 0; n < strlen (line); n++) {
    g_autofree char *prefix = g_strndup (line, n);
    mxr_candidate_parse (prefix, &policy, &candidate);
    for (guint byte = 1; byte < 256; byte++) {
      g_autofree char *changed = g_strdup (line);
      changed[n] = (char) byte;
      if (mxr_candidate_parse (changed, &policy, &candidate) != MXR_CANDIDATE_OK)
        continue;
      g_assert_cmpuint (candidate.priority, >, 0);
      g_assert_cmpuint (candidate.address.in.sin_port, !=, 0);
      g_assert_true (mxr_candidate_is_allowed_address (&candidate.address.sa, false));
    }
  }
}

static void
test_untouched_on_failure (void)
{
  MxrCandidate candidate, before;

  memset (&candidate, 0x5a, sizeof candidate);
  before = candidate;
  mxr_candidate_parse ("1 1 udp 1 127.0.0.1 5000 typ host", &policy, &candidate);
  g_assert_cmpmem (&candidate, sizeof candidate, &before, sizeof before);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/candidate/real-ones", test_real_ones);
  g_test_add_func ("/candidate/skipped", test_skipped);
  g_test_add_func ("/candidate/off-by-policy", test_off_by_policy);
  g_test_add_func ("/candidate/bad", test_bad);
  g_test_add_func ("/candidate/forbidden-addresses", test_forbidden_addresses);
  g_test_add_func ("/candidate/allowed-addresses", test_allowed_addresses);
  g_test_add_func ("/candidate/length", test_length);
  g_test_add_func ("/candidate/mutations", test_mutations);
  g_test_add_func ("/candidate/untouched-on-failure", test_untouched_on_failure);
  return g_test_run ();
}
