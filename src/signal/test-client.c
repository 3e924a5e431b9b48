#include "test-client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void
test_server_start (TestServer *test, ...)
{
  g_autoptr (GError) error = NULL;
  va_list args;

  test->config = mxr_config_new ();
  g_assert_true (mxr_config_set (test->config, "server.listen=127.0.0.1:0", NULL));
  va_start (args, test);
  for (const char *setting = va_arg (args, const char *); setting != NULL;
       setting = va_arg (args, const char *)) {
    mxr_config_set (test->config, setting, &error);
    g_assert_no_error (error);
  }
  va_end (args);
  test->hub = test_hub_new (test->config);
  test->server = mxr_server_new (test->config, test->hub, &error);
  g_assert_no_error (error);
}

void
test_server_stop (TestServer *test)
{
  g_clear_pointer (&test->server, mxr_server_free);
  g_clear_pointer (&test->hub, test_hub_free);
  while (g_main_context_iteration (NULL, FALSE)) /* what the room still has to answer */
    ;
  g_clear_pointer (&test->config, mxr_config_free);
}

bool
test_until (TestCondition condition, gpointer user_data, guint seconds)
{
  gint64 end_us = g_get_monotonic_time () + (gint64) seconds * G_USEC_PER_SEC;
  while (!condition (user_data)) {
    if (g_get_monotonic_time () > end_us)
      return false;
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (500);
  }
  return true;
}

static bool
never (gpointer user_data)
{
  gint64 *end_us = user_data;
  return g_get_monotonic_time () > *end_us;
}

void
test_run_ms (guint ms)
{
  gint64 end_us = g_get_monotonic_time () + (gint64) ms * 1000;
  test_until (never, &end_us, 60);
}

TestClient *
test_client_new (TestServer *test)
{
  TestClient *client = g_new0 (TestClient, 1);
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons (mxr_server_get_port (test->server)) };

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  client->in = g_string_new (NULL);
  client->fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (client->fd >= 0 && connect (client->fd, (struct sockaddr *) &address, sizeof address) != 0 &&
      errno != EINPROGRESS) {
    close (client->fd);
    client->fd = -1;
  }
  return client;
}

void
test_client_free (TestClient *client)
{
  if (client->fd >= 0)
    close (client->fd);
  g_string_free (client->in, TRUE);
  g_free (client);
}

static void
receive (TestClient *client)
{
  char block[65536];
  gssize n_read;
  while ((n_read = recv (client->fd, block, sizeof block, 0)) > 0)
    g_string_append_len (client->in, block, n_read);
  if (n_read == 0 || (n_read < 0 && errno != EAGAIN && errno != EINTR))
    client->is_closed = true;
}

void
test_client_send (TestClient *client, const void *bytes, gssize n_bytes)
{
  gsize left = n_bytes < 0 ? strlen (bytes) : (gsize) n_bytes;
  const char *at = bytes;
  gint64 end_us = g_get_monotonic_time () + 5 * G_USEC_PER_SEC;

  while (left > 0 && !client->is_closed && g_get_monotonic_time () < end_us) {
    gssize n_sent = send (client->fd, at, left, MSG_NOSIGNAL);
    if (n_sent < 0 && errno != EAGAIN && errno != EINTR && errno != ENOTCONN)
      return; /* the server hung up: what it said is what matters */
    if (n_sent > 0) {
      at += n_sent;
      left -= n_sent;
    } else {
      receive (client);
      test_run_ms (1);
    }
  }
}

typedef struct {
  TestClient *client;
  const char *text;
} Wait;

static bool
has_text (gpointer user_data)
{
  Wait *wait = user_data;
  receive (wait->client);
  return memmem (wait->client->in->str, wait->client->in->len, wait->text, strlen (wait->text)) != NULL;
}

bool
test_client_wait_for (TestClient *client, const char *text)
{
  Wait wait = { client, text };
  return test_until (has_text, &wait, 5);
}

static bool
is_closed (gpointer user_data)
{
  TestClient *client = user_data;
  receive (client);
  return client->is_closed;
}

bool
test_client_wait_closed (TestClient *client)
{
  return test_until (is_closed, client, 5);
}

char *
test_request (TestServer *test, const char *method, const char *path, const char *headers, const char *body)
{
  g_autoptr (TestClient) client = test_client_new (test);
  g_autoptr (GString) request = g_string_new (NULL);

  g_string_printf (request, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", method, path,
                   headers != NULL ? headers : "");
  if (body != NULL)
    g_string_append_printf (request, "Content-Length: %" G_GSIZE_FORMAT "\r\n", strlen (body));
  g_string_append_printf (request, "\r\n%s", body != NULL ? body : "");
  test_client_send (client, request->str, request->len);
  g_assert_true (test_client_wait_closed (client));
  return g_strndup (client->in->str, client->in->len);
}

guint
test_get_status (const char *response)
{
  return g_str_has_prefix (response, "HTTP/1.") ? (guint) g_ascii_strtoull (response + 9, NULL, 10) : 0;
}

char *
test_get_header (const char *response, const char *name)
{
  g_autofree char *wanted = g_strdup_printf ("\r\n%s: ", name);
  const char *head_end = strstr (response, "\r\n\r\n");
  const char *found = strcasestr (response, wanted);
  if (found == NULL || head_end == NULL || found > head_end)
    return NULL;
  found += strlen (wanted);
  return g_strndup (found, strcspn (found, "\r"));
}

/* ---- WebSocket ------------------------------------------------------------------------------------------
 */

TestClient *
test_ws_new (TestServer *test)
{
  TestClient *client = test_client_new (test);
  test_client_send (client,
                    "GET /ws HTTP/1.1\r\nHost: localhost\r\n" TEST_UPGRADE
                    "Sec-WebSocket-Protocol: mixroom.v1\r\n\r\n",
                    -1);
  g_assert_true (test_client_wait_for (client, "\r\n\r\n"));
  g_assert_cmpuint (test_get_status (client->in->str), ==, 101);
  g_string_erase (client->in, 0, strstr (client->in->str, "\r\n\r\n") + 4 - client->in->str);
  return client;
}

void
test_ws_send_frame (TestClient *client, guint8 first_byte, const void *payload, gsize n_bytes)
{
  static const guint8 mask[4] = { 1, 2, 3, 4 };
  g_autoptr (GByteArray) frame = g_byte_array_new ();
  guint8 head[14] = { first_byte };
  guint n_head = 2;

  if (n_bytes < 126) {
    head[1] = 0x80 | (guint8) n_bytes;
  } else if (n_bytes < 65536) {
    head[1] = 0x80 | 126;
    n_head = 4;
  } else {
    head[1] = 0x80 | 127;
    n_head = 10;
  }
  for (guint i = n_head; i > 2; i--)
    head[i - 1] = n_bytes >> (8 * (n_head - i)) & 0xff;
  memcpy (head + n_head, mask, sizeof mask);
  g_byte_array_append (frame, head, n_head + sizeof mask);
  g_byte_array_append (frame, payload, n_bytes);
  for (gsize i = 0; i < n_bytes; i++)
    frame->data[n_head + 4 + i] ^= mask[i % 4];
  test_client_send (client, frame->data, frame->len);
}

void
test_ws_send (TestClient *client, const char *text)
{
  test_ws_send_frame (client, 0x81, text, strlen (text));
}

/* Walks over the server's frames, which are not masked. */
static guint
find_close_code (TestClient *client)
{
  const guint8 *at = (const guint8 *) client->in->str;
  const guint8 *end = at + client->in->len;

  while (end - at >= 2) {
    gsize n_bytes = at[1] & 0x7f, n_head = 2;
    if (n_bytes == 126 && end - at >= 4) {
      n_bytes = at[2] << 8 | at[3];
      n_head = 4;
    } else if (n_bytes == 127 && end - at >= 10) {
      n_bytes = (gsize) at[6] << 24 | at[7] << 16 | at[8] << 8 | at[9];
      n_head = 10;
    }
    if ((gsize) (end - at) < n_head + n_bytes)
      return 0;
    if ((at[0] & 0x0f) == 8 && n_bytes >= 2)
      return at[n_head] << 8 | at[n_head + 1];
    at += n_head + n_bytes;
  }
  return 0;
}

static bool
has_close (gpointer user_data)
{
  TestClient *client = user_data;
  receive (client);
  return find_close_code (client) != 0 || client->is_closed;
}

guint
test_ws_get_close_code (TestClient *client)
{
  test_until (has_close, client, 5);
  return find_close_code (client);
}

/* ---- Tokens ---------------------------------------------------------------------------------------------
 */

static char *
encode (const guchar *bytes, gsize n_bytes)
{
  char *text = g_base64_encode (bytes, n_bytes);
  g_strdelimit (text, "+", '-');
  g_strdelimit (text, "/", '_');
  text[strcspn (text, "=")] = '\0';
  return text;
}

char *
test_make_token (const char *secret, const char *header, const char *claims)
{
  g_autofree char *encoded_header = encode ((const guchar *) header, strlen (header));
  g_autofree char *encoded_claims = encode ((const guchar *) claims, strlen (claims));
  g_autofree char *input = g_strconcat (encoded_header, ".", encoded_claims, NULL);
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA256, (const guchar *) secret, strlen (secret));
  guchar digest[32];
  gsize n_digest = sizeof digest;

  g_hmac_update (hmac, (const guchar *) input, -1);
  g_hmac_get_digest (hmac, digest, &n_digest);
  g_autofree char *signature = encode (digest, n_digest);
  return g_strconcat (input, ".", signature, NULL);
}
