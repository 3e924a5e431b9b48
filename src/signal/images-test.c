/* Images over HTTP. The room is a fake, but what keeps the images is the room module's own. */
#include "test-client.h"

#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>

#define IMAGES "/api/v1/images"

/* A PNG of one red pixel. */
static const guint8 png[] = {
  0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00,
  0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00, 0x00, 0x90, 0x77, 0x53, 0xde, 0x00, 0x00, 0x00,
  0x0c, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0x00, 0x00, 0x03, 0x01, 0x01, 0x00, 0xc9,
  0xfe, 0x92, 0xef, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
};

typedef struct {
  TestServer server;
  char *directory;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer secret)
{
  fixture->directory = g_dir_make_tmp ("mixroom-images-XXXXXX", NULL);
  g_autofree char *setting = g_strconcat ("programme.images_directory=", fixture->directory, NULL);
  test_server_start (&fixture->server, setting, secret, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GDir) dir = g_dir_open (fixture->directory, 0, NULL);
  const char *name;

  test_server_stop (&fixture->server);
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (fixture->directory, name, NULL);
    g_unlink (path);
  }
  g_rmdir (fixture->directory);
  g_free (fixture->directory);
}

/* Returns: (transfer full): the whole answer; its bytes may hold zeroes */
static GString *
request (TestServer *test, const char *method, const char *path, const char *headers, const void *body, gsize n_bytes)
{
  g_autoptr (TestClient) client = test_client_new (test);
  g_autofree char *head = g_strdup_printf ("%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%sContent-Length: %" G_GSIZE_FORMAT
                                           "\r\n\r\n", method, path, headers, n_bytes);

  test_client_send (client, head, -1);
  if (n_bytes > 0)
    test_client_send (client, body, (gssize) n_bytes);
  g_assert_true (test_client_wait_closed (client));
  return g_string_new_len (client->in->str, (gssize) client->in->len);
}

static void
expect (Fixture *fixture, const char *method, const char *path, const char *headers, const void *body, gsize n_bytes,
        guint status, const char *text)
{
  GString *response = request (&fixture->server, method, path, headers, body, n_bytes);

  if (test_get_status (response->str) != status || strstr (response->str, text) == NULL)
    g_error ("%s %s: not %u with '%s', but %s", method, path, status, text, response->str);
  g_string_free (response, TRUE);
}

#define PNG "Content-Type: image/png\r\n"

static void
test_life_of_an_image (Fixture *fixture, gconstpointer unused)
{
  expect (fixture, "GET", IMAGES, "", NULL, 0, 200, "\r\n\r\n[]");
  expect (fixture, "PUT", IMAGES "/logo.png", PNG, png, sizeof png, 201,
          "{\"name\":\"logo.png\",\"type\":\"image/png\",\"bytes\":69,\"width\":1,\"height\":1}");
  expect (fixture, "GET", IMAGES, "", NULL, 0, 200, "[{\"name\":\"logo.png\"");
  GString *response = request (&fixture->server, "GET", IMAGES "/logo.png", "", NULL, 0);
  g_assert_nonnull (strstr (response->str, "Content-Type: image/png\r\n"));
  g_assert_cmpuint (response->len, >, sizeof png);
  g_assert_cmpmem (response->str + response->len - sizeof png, sizeof png, png, sizeof png);
  g_string_free (response, TRUE);
  expect (fixture, "DELETE", IMAGES "/logo.png", "", NULL, 0, 204, "");
  expect (fixture, "DELETE", IMAGES "/logo.png", "", NULL, 0, 404, "/problems/not-found");
  expect (fixture, "GET", IMAGES "/logo.png", "", NULL, 0, 404, "/problems/not-found");
}

static void
test_refusals (Fixture *fixture, gconstpointer unused)
{
  g_autofree guint8 *large = g_malloc0 (5 * 1024 * 1024);

  expect (fixture, "PUT", IMAGES "/logo.png", PNG, "GIF89a", 6, 400, "/problems/bad-image");
  expect (fixture, "PUT", IMAGES "/logo.png", PNG, png, sizeof png - 20, 400, "/problems/bad-image");
  expect (fixture, "PUT", IMAGES "/logo.png", "Content-Type: text/plain\r\n", png, sizeof png, 415, "/problems/content-type");
  expect (fixture, "PUT", IMAGES "/.logo.png", PNG, png, sizeof png, 400, "/problems/bad-image");
  expect (fixture, "PUT", IMAGES "/..%2flogo.png", PNG, png, sizeof png, 400, "/problems/bad-image");
  expect (fixture, "GET", IMAGES "/%2e%2e", "", NULL, 0, 404, "/problems/not-found");
  expect (fixture, "PUT", IMAGES "/logo.png/more", PNG, png, sizeof png, 404, "/problems/not-found");
  expect (fixture, "POST", IMAGES, PNG, png, sizeof png, 405, "Allow: GET, HEAD\r\n");
  expect (fixture, "POST", IMAGES "/logo.png", PNG, png, sizeof png, 405, "Allow: GET, HEAD, PUT, DELETE\r\n");
  memcpy (large, png, sizeof png);
  expect (fixture, "PUT", IMAGES "/logo.png", PNG, large, 5 * 1024 * 1024, 413, "/problems/too-large");
  expect (fixture, "PUT", IMAGES "/logo.png", PNG, large, 1024 * 1024, 201, "\"bytes\":1048576"); /* more than other bodies have */
  expect (fixture, "PUT", "/api/v1/rooms", PNG, large, 1024 * 1024, 413, "/problems/too-large");
  expect (fixture, "GET", IMAGES, "", NULL, 0, 200, "[{\"name\":\"logo.png\"");
}

static void
test_off (void)
{
  Fixture fixture = { 0 };

  test_server_start (&fixture.server, NULL);
  expect (&fixture, "GET", IMAGES, "", NULL, 0, 403, "/problems/images-off");
  expect (&fixture, "PUT", IMAGES "/logo.png", PNG, png, sizeof png, 403, "programme.images_directory");
  test_server_stop (&fixture.server);
}

static void
test_tokens (Fixture *fixture, gconstpointer unused)
{
  static const struct {
    const char *room, *role;
    guint list, list_for_room, put;
  } cases[] = {
    { NULL, NULL, 401, 401, 401 },
    { "stage", "participant", 403, 403, 403 },
    { "other", "host", 403, 403, 403 },
    { "stage", "host", 403, 200, 403 },
    { "*", "host", 200, 200, 201 },
  };
  g_autofree guint8 *image = g_malloc0 (1024 * 1024);

  memcpy (image, png, sizeof png);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *claims = g_strdup_printf ("{\"exp\":99999999999,\"room\":\"%s\",\"role\":\"%s\"}", cases[i].room, cases[i].role);
    g_autofree char *token = test_make_token ("s3cret", "{\"alg\":\"HS256\"}", claims);
    g_autofree char *headers = cases[i].room != NULL ? g_strdup_printf (PNG "Authorization: Bearer %s\r\n", token) : g_strdup (PNG);
    expect (fixture, "GET", IMAGES, headers, NULL, 0, cases[i].list, "");
    expect (fixture, "GET", IMAGES "?room=stage", headers, NULL, 0, cases[i].list_for_room, "");
    expect (fixture, "PUT", IMAGES "/a.png", headers, image, sizeof png, cases[i].put, "");
    expect (fixture, "PUT", IMAGES "/a.png?room=stage", headers, image, 1024 * 1024, cases[i].put, "");
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/images/life-of-an-image", Fixture, NULL, set_up, test_life_of_an_image, tear_down);
  g_test_add ("/images/refusals", Fixture, NULL, set_up, test_refusals, tear_down);
  g_test_add_func ("/images/off", test_off);
  g_test_add ("/images/tokens", Fixture, "server.token_secret=s3cret", set_up, test_tokens, tear_down);
  return g_test_run ();
}
