#include "address.h"

#include <netinet/in.h>

#include "mixroom/player.h"

static bool
is_public (const char *text)
{
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string (text, 80);
  struct sockaddr_storage native;

  g_assert_nonnull (address);
  g_assert_true (g_socket_address_to_native (address, &native, sizeof native, NULL));
  return mxr_address_is_public ((struct sockaddr *) &native, g_socket_address_get_native_size (address));
}

static void
test_special (void)
{
  static const char *const special[] = {
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.1",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
    "198.19.255.255", "198.51.100.1", "203.0.113.9", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
    "64:ff9b:1::7f00:1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:10::1", "2001:db8::1", "2002:7f00:1::",
    "2002:a00:1::1", "2002:c0a8:101::1", "3fff::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1", "5f00::1",
  };
  for (guint i = 0; i < G_N_ELEMENTS (special); i++)
    if (is_public (special[i]))
      g_error ("%s is taken for a public address", special[i]);
}

static void
test_public (void)
{
  static const char *const ordinary[] = {
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
    "169.253.1.1", "172.15.255.255", "172.32.0.0", "192.167.1.1", "192.169.1.1", "198.17.1.1", "198.20.0.0", "223.255.255.255",
    "2606:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "2400::1", "::ffff:8.8.8.8", "64:ff9b::808:808",
    "2002:808:808::1",
  };
  struct sockaddr_in6 cut = { .sin6_family = AF_INET6 };

  for (guint i = 0; i < G_N_ELEMENTS (ordinary); i++)
    if (!is_public (ordinary[i]))
      g_error ("%s is taken for a special address", ordinary[i]);
  g_assert_false (mxr_address_is_public ((struct sockaddr *) &cut, sizeof (struct sockaddr_in)));
  cut.sin6_family = AF_UNIX;
  g_assert_false (mxr_address_is_public ((struct sockaddr *) &cut, sizeof cut));
}

static void
test_hosts (void)
{
  g_assert_true (mxr_host_matches ("", "example.org"));
  g_assert_true (mxr_host_matches (" , ", "example.org"));
  g_assert_true (mxr_host_matches ("media.example.org, *.example.net", "MEDIA.example.org"));
  g_assert_true (mxr_host_matches ("media.example.org,*.example.net", "a.example.net"));
  g_assert_true (mxr_host_matches ("*.example.net", "a.b.example.net."));
  g_assert_false (mxr_host_matches ("*.example.net", "example.net"));
  g_assert_false (mxr_host_matches ("*.example.net", "badexample.net"));
  g_assert_false (mxr_host_matches ("*.example.net", "a.example.net.evil.org"));
  g_assert_false (mxr_host_matches ("media.example.org", "example.org"));
  g_assert_false (mxr_host_matches ("media.example.org", "xmedia.example.org"));
}

static void
test_urls (void)
{
  static const struct {
    const char *url, *patterns;
    bool private_addresses, is_good;
  } cases[] = {
    { "http://example.org/a.mp4", "", false, true },
    { "HTTPS://user:word@example.org:8443/a?b=c", "", false, true },
    { "rtsp://example.org/live", "", false, true },
    { "rtsps://example.org/live", "", false, true },
    { "rtspu://example.org/live", "", false, false },
    { "file:///etc/passwd", "", true, false },
    { "data:video/mp4;base64,AAAA", "", true, false },
    { "ftp://example.org/a", "", true, false },
    { "example.org/a", "", true, false },
    { "http:///a", "", true, false },
    { "", "", true, false },
    { "http://127.0.0.1/a", "", false, false },
    { "http://127.0.0.1/a", "", true, true },
    { "http://[::1]:80/a", "", false, false },
    { "http://[::ffff:10.0.0.1]/a", "", false, false },
    { "http://[2606:4700::1111]/a", "", false, true },
    { "http://other.org/a", "example.org", false, false },
    { "http://a.example.org/a", "*.example.org", false, true },
    { "http://example.org@other.org/a", "example.org", false, false },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    bool is_good = mxr_url_check (cases[i].url, cases[i].patterns, cases[i].private_addresses, &error);
    if (is_good != cases[i].is_good)
      g_error ("'%s' with '%s': %s", cases[i].url, cases[i].patterns, error != NULL ? error->message : "let through");
    g_assert_true (is_good || g_error_matches (error, MXR_PLAYER_ERROR, MXR_PLAYER_ERROR_BAD_SOURCE));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/address/special", test_special);
  g_test_add_func ("/address/public", test_public);
  g_test_add_func ("/address/hosts", test_hosts);
  g_test_add_func ("/address/urls", test_urls);
  return g_test_run ();
}
