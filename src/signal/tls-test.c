#include "test-client.h"

#include <glib/gstdio.h>
#include <libsoup/soup.h>
#include <string.h>

typedef struct {
  TestServer server;
  char *dir, *certificate, *key;
} Secure;

static void
secure_start (Secure *secure)
{
  secure->dir = g_dir_make_tmp ("mixroom-tls-XXXXXX", NULL);
  secure->certificate = g_build_filename (secure->dir, "certificate.pem", NULL);
  secure->key = g_build_filename (secure->dir, "key.pem", NULL);
  const char *const command[] = { "openssl",
                                  "req",
                                  "-x509",
                                  "-newkey",
                                  "ec",
                                  "-pkeyopt",
                                  "ec_paramgen_curve:prime256v1",
                                  "-nodes",
                                  "-subj",
                                  "/CN=localhost",
                                  "-days",
                                  "2",
                                  "-keyout",
                                  secure->key,
                                  "-out",
                                  secure->certificate,
                                  NULL };
  g_autoptr (GSubprocess) openssl = g_subprocess_newv (
      command, G_SUBPROCESS_FLAGS_STDERR_SILENCE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE, NULL);
  g_assert_nonnull (openssl);
  g_assert_true (g_subprocess_wait_check (openssl, NULL, NULL));
  g_autofree char *certificate = g_strconcat ("server.tls_certificate=", secure->certificate, NULL);
  g_autofree char *key = g_strconcat ("server.tls_key=", secure->key, NULL);
  test_server_start (&secure->server, certificate, key, "http.request_deadline_s=1", NULL);
}

static void
secure_stop (Secure *secure)
{
  test_server_stop (&secure->server);
  g_remove (secure->certificate);
  g_remove (secure->key);
  g_rmdir (secure->dir);
  g_free (secure->certificate);
  g_free (secure->key);
  g_free (secure->dir);
}

static gboolean
on_accept_certificate (SoupMessage *msg, GTlsCertificate *certificate, GTlsCertificateFlags errors,
                       gpointer user_data)
{
  return TRUE;
}

static void
on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GAsyncResult **out_result = user_data;
  *out_result = g_object_ref (result);
}

static bool
has_result (gpointer user_data)
{
  return *(GAsyncResult **) user_data != NULL;
}

static SoupMessage *
message_new (Secure *secure, const char *scheme, const char *path)
{
  g_autofree char *uri =
      g_strdup_printf ("%s://127.0.0.1:%u%s", scheme, mxr_server_get_port (secure->server.server), path);
  SoupMessage *msg = soup_message_new ("GET", uri);
  g_signal_connect (msg, "accept-certificate", G_CALLBACK (on_accept_certificate), NULL);
  return msg;
}

static void
expect_health (Secure *secure, SoupSession *session)
{
  g_autoptr (SoupMessage) msg = message_new (secure, "https", "/healthz");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  soup_session_send_and_read_async (session, msg, G_PRIORITY_DEFAULT, NULL, on_result, &result);
  g_assert_true (test_until (has_result, &result, 5));
  g_autoptr (GBytes) body = soup_session_send_and_read_finish (session, result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (soup_message_get_status (msg), ==, 200);
  g_assert_cmpmem (g_bytes_get_data (body, NULL), g_bytes_get_size (body), "alive\n", 6);
}

static void
on_ws_text (SoupWebsocketConnection *ws, gint type, GBytes *bytes, gpointer user_data)
{
  g_string_append_len (user_data, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

static bool
has_joined (gpointer user_data)
{
  return strstr (((GString *) user_data)->str, "\"joined\"") != NULL;
}

static void
test_https_and_wss (void)
{
  Secure secure;
  secure_start (&secure);
  g_assert_true (g_str_has_prefix (mxr_server_get_uri (secure.server.server), "https://127.0.0.1:"));
  g_autoptr (SoupSession) session = soup_session_new_with_options ("proxy-resolver", NULL, NULL);
  for (guint i = 0; i < 3; i++)
    expect_health (&secure, session);

  g_autoptr (SoupMessage) msg = message_new (&secure, "wss", "/ws");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) said = g_string_new (NULL);
  const char *protocols[] = { "mixroom.v1", NULL };
  soup_session_websocket_connect_async (session, msg, NULL, (char **) protocols, G_PRIORITY_DEFAULT, NULL,
                                        on_result, &result);
  g_assert_true (test_until (has_result, &result, 5));
  g_autoptr (SoupWebsocketConnection) ws = soup_session_websocket_connect_finish (session, result, &error);
  g_assert_no_error (error);
  g_signal_connect (ws, "message", G_CALLBACK (on_ws_text), said);
  soup_websocket_connection_send_text (ws, "{\"type\":\"join\",\"room\":\"stage\",\"name\":\"Ann\"}");
  g_assert_true (test_until (has_joined, said, 5));
  soup_websocket_connection_close (ws, 1000, NULL);
  test_run_ms (20);
  secure_stop (&secure);
}

/* Silent ones, ones that stop within the ClientHello, and plain HTTP: all go at the deadline or before, and
 * TLS clients are served meanwhile. */
static void
test_half_handshakes (void)
{
  static const guint8 half_hello[] = { 0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03 };
  Secure secure;
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func ((GDestroyNotify) test_client_free);
  secure_start (&secure);
  for (guint i = 0; i < 40; i++) {
    TestClient *client = test_client_new (&secure.server);
    g_ptr_array_add (clients, client);
    if (i % 10 == 1)
      test_client_send (client, half_hello, sizeof half_hello);
    else if (i % 10 == 2)
      test_client_send (client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", -1);
  }
  g_autoptr (SoupSession) session = soup_session_new_with_options ("proxy-resolver", NULL, NULL);
  expect_health (&secure, session);
  for (guint i = 0; i < clients->len; i++)
    g_assert_true (test_client_wait_closed (g_ptr_array_index (clients, i)));
  secure_stop (&secure);
}

static void
test_bad_certificate (void)
{
  g_autoptr (MxrConfig) config = mxr_config_new ();
  g_autoptr (GError) error = NULL;
  MxrHub *hub = test_hub_new (NULL);
  mxr_config_set (config, "server.listen=127.0.0.1:0", NULL);
  mxr_config_set (config, "server.tls_certificate=/nonexistent.pem", NULL);
  mxr_config_set (config, "server.tls_key=/nonexistent.pem", NULL);
  g_assert_null (mxr_server_new (config, hub, &error));
  g_assert_error (error, MXR_SIGNAL_ERROR, MXR_SIGNAL_ERROR_CERTIFICATE);
  g_assert_nonnull (strstr (error->message, "/nonexistent.pem"));
  test_hub_free (hub);
}

/* Who is told must be who it says it is. */
static void
test_webhook_needs_good_certificate (void)
{
  Secure secure;
  TestServer test;
  secure_start (&secure);
  g_autofree char *url =
      g_strdup_printf ("webhooks.webhook_urls=https://127.0.0.1:%u/", mxr_server_get_port (secure.server.server));
  test_server_start (&test, url, "webhooks.webhook_secret=0123456789abcdef0123456789abcdef", NULL);
  test.hub->events->on_room ("stage", false, test.hub->events_data);
  g_autofree char *text = NULL;
  for (guint i = 0; i < 250 && (text == NULL || strstr (text, "mixroom_webhooks_retries_total 1\n") == NULL); i++) {
    test_run_ms (20);
    g_free (text);
    text = test_request (&test, "GET", "/metrics", NULL, NULL);
  }
  g_assert_nonnull (strstr (text, "mixroom_webhooks_retries_total 1\n"));
  g_assert_nonnull (strstr (text, "mixroom_webhooks_failed_total 0\n")); /* there was no answer, not even a refusal */
  test_server_stop (&test);
  secure_stop (&secure);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tls/https-and-wss", test_https_and_wss);
  g_test_add_func ("/tls/half-handshakes", test_half_handshakes);
  g_test_add_func ("/tls/bad-certificate", test_bad_certificate);
  g_test_add_func ("/tls/webhook-needs-good-certificate", test_webhook_needs_good_certificate);
  return g_test_run ();
}
