#include "test-client.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "mixroom/limits.h"

#define ALL "/api/v1/recordings"
#define JSON "Content-Type: application/json\r\n"
#define MEDIA "Content-Type: video/x-matroska\r\n"

typedef struct {
  TestServer server;
  char *directory;
  GBytes *media; /* a Matroska file of 2 s */
} Fixture;

static GBytes *
make_media (const char *directory)
{
  g_autofree char *path = g_build_filename (directory, "media.mkv", NULL), *bytes = NULL;
  const char *const arguments[] = {
    "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=2", "-f", "lavfi", "-i", "sine=duration=2",
    "-c:v", "mpeg4", "-b:v", "4M", "-c:a", "aac", path, NULL
  };
  g_autoptr (GError) error = NULL;
  gsize n_bytes;
  int status;

  g_spawn_sync (NULL, (char **) arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_true (g_spawn_check_wait_status (status, NULL));
  g_assert_true (g_file_get_contents (path, &bytes, &n_bytes, NULL));
  g_unlink (path);
  return g_bytes_new_take (g_steal_pointer (&bytes), n_bytes);
}

static void
start (Fixture *fixture, const char *setting)
{
  g_autofree char *directory = g_strconcat ("programme.recordings_directory=", fixture->directory, NULL);
  test_server_start (&fixture->server, directory, "library.upload_max_mib=8", setting, NULL);
}

static void
setup (Fixture *fixture, gconstpointer setting)
{
  fixture->directory = g_dir_make_tmp ("mixroom-recordings-XXXXXX", NULL);
  fixture->media = make_media (fixture->directory);
  start (fixture, setting);
}

static void
teardown (Fixture *fixture, gconstpointer setting)
{
  const char *const arguments[] = { "rm", "-r", fixture->directory, NULL };

  test_server_stop (&fixture->server);
  g_spawn_sync (NULL, (char **) arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
  g_bytes_unref (fixture->media);
  g_free (fixture->directory);
}

static char *
expect (Fixture *fixture, const char *method, const char *path, const char *headers, const char *body, guint status,
        const char *text)
{
  g_autofree char *response = test_request (&fixture->server, method, path, headers, body);

  if (test_get_status (response) != status || strstr (response, text) == NULL)
    g_error ("%s %s: not %u with '%s', but %s", method, path, status, text, response);
  return g_steal_pointer (&response);
}

#define EXPECT(...) g_free (expect (fixture, __VA_ARGS__))

static bool
has_answer (gpointer user_data)
{
  TestClient *client = user_data;
  return test_client_wait_for (client, "\r\n\r\n");
}

/* One request with bytes for a body. Returns: the whole answer. */
static GString *
send (Fixture *fixture, const char *path, const char *headers, const void *bytes, gsize n_bytes, gsize n_told)
{
  g_autoptr (TestClient) client = test_client_new (&fixture->server);
  g_autofree char *head = g_strdup_printf ("POST %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%sContent-Length: %" G_GSIZE_FORMAT
                                           "\r\n\r\n", path, headers, n_told);

  test_client_send (client, head, -1);
  for (gsize at = 0; at < n_bytes; at += 50000)
    test_client_send (client, (const guint8 *) bytes + at, MIN (50000, n_bytes - at));
  g_assert_true (test_until (has_answer, client, 30));
  test_client_wait_closed (client);
  return g_string_new_len (client->in->str, client->in->len);
}

/* Returns: the new recording's path. */
static char *
upload (Fixture *fixture, const char *query, const char *headers)
{
  g_autofree char *path = g_strconcat (ALL, query, NULL), *all = g_strconcat (MEDIA, headers, NULL);
  gsize n_bytes;
  const void *bytes = g_bytes_get_data (fixture->media, &n_bytes);
  GString *response = send (fixture, path, all, bytes, n_bytes, n_bytes);
  char *location = test_get_header (response->str, "Location");

  if (test_get_status (response->str) != 201 || location == NULL)
    g_error ("no upload: %s", response->str);
  g_string_free (response, TRUE);
  return location;
}

/* Bytes as they come, zeros among them. */
static GBytes *
fetch (Fixture *fixture, const char *path, const char *headers, guint status, char **out_head)
{
  g_autoptr (TestClient) client = test_client_new (&fixture->server);
  g_autofree char *request = g_strdup_printf ("GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n", path, headers);

  test_client_send (client, request, -1);
  g_assert_true (test_client_wait_closed (client));
  const char *end = memmem (client->in->str, client->in->len, "\r\n\r\n", 4);
  if (end == NULL || test_get_status (client->in->str) != status)
    g_error ("%s: not %u, but %s", path, status, client->in->str);
  if (out_head != NULL)
    *out_head = g_strndup (client->in->str, end + 2 - client->in->str);
  return g_bytes_new (end + 4, client->in->str + client->in->len - end - 4);
}

static void
assert_part (Fixture *fixture, const char *path, const char *headers, guint status, gsize start, gsize n_bytes)
{
  g_autoptr (GBytes) wanted = g_bytes_new_from_bytes (fixture->media, start, n_bytes);
  g_autoptr (GBytes) came = fetch (fixture, path, headers, status, NULL);

  if (!g_bytes_equal (wanted, came))
    g_error ("%s %s: %" G_GSIZE_FORMAT " bytes came, not the %" G_GSIZE_FORMAT " asked for", path, headers,
             g_bytes_get_size (came), n_bytes);
}

/* ---- Tests ------------------------------------------------------------------------------------------------------------- */

static void
test_life (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = upload (fixture, "?title=A%20%22title%22%20%25&room=stage", "");
  g_autofree char *poster = g_strconcat (path, "/poster", NULL), *media = g_strconcat (path, "/media", NULL);

  EXPECT ("GET", path, NULL, NULL, 200, "\"title\":\"A \\\"title\\\" %\"");
  EXPECT ("GET", path, NULL, NULL, 200, "\"room\":\"stage\"");
  EXPECT ("GET", path, NULL, NULL, 200, "\"width\":640");
  EXPECT ("GET", path, NULL, NULL, 200, "\"state\":\"finished\"");
  EXPECT ("GET", path, NULL, NULL, 200, "\"type\":\"video/x-matroska\"");
  EXPECT ("GET", ALL, NULL, NULL, 200, "\"total\":1");
  EXPECT ("GET", ALL "?room=stage&q=TITLE&limit=1", NULL, NULL, 200, "\"total\":1");
  EXPECT ("GET", ALL "?room=other", NULL, NULL, 200, "\"recordings\":[]");
  EXPECT ("GET", ALL "?q=%25%27%22%F0%9F%8E%89", NULL, NULL, 200, "\"total\":0");
  EXPECT ("GET", ALL "?q=%ff", NULL, NULL, 400, "/problems/bad-request");
  EXPECT ("GET", ALL "?limit=0", NULL, NULL, 400, "/problems/bad-recording");
  EXPECT ("GET", ALL "?limit=9999999999", NULL, NULL, 400, "/problems/bad-recording");
  EXPECT ("GET", poster, NULL, NULL, 200, "image/jpeg");
  EXPECT ("PATCH", path, JSON, "{\"title\":\"\xea\xb0\x80\"}", 200, "\"title\":\"\xea\xb0\x80\"");
  EXPECT ("PATCH", path, JSON, "{\"title\":\"\"}", 400, "/problems/bad-recording");
  EXPECT ("PATCH", path, JSON, "{\"title\":\"a\\nb\"}", 400, "/problems/bad-recording");
  EXPECT ("PATCH", path, JSON, "{}", 400, "/problems/bad-recording");
  EXPECT ("PUT", path, NULL, NULL, 405, "Allow: GET, HEAD, PATCH, DELETE");
  EXPECT ("POST", media, NULL, NULL, 405, "Allow: GET, HEAD");
  EXPECT ("GET", ALL "/nobody", NULL, NULL, 404, "/problems/not-found");
  EXPECT ("GET", ALL "/nobody/media", NULL, NULL, 404, "/problems/not-found");
  EXPECT ("GET", ALL "/../../etc/passwd", NULL, NULL, 404, "/problems/not-found");
  EXPECT ("DELETE", path, NULL, NULL, 200, "\"title\":");
  EXPECT ("DELETE", path, NULL, NULL, 404, "/problems/not-found");
  EXPECT ("GET", media, NULL, NULL, 404, "/problems/not-found");
  EXPECT ("GET", ALL, NULL, NULL, 200, "\"total\":0");
}

static void
test_media (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = upload (fixture, "", ""), *media = g_strconcat (path, "/media", NULL);
  g_autofree char *download = g_strconcat (media, "?download=1", NULL);
  g_autofree char *head = expect (fixture, "HEAD", media, NULL, NULL, 200, "Accept-Ranges: bytes");
  g_autofree char *etag = test_get_header (head, "ETag"), *length = test_get_header (head, "Content-Length");
  g_autofree char *same = g_strdup_printf ("Range: bytes=5-9\r\nIf-Range: %s\r\n", etag), *part = NULL, *saved = NULL;
  g_autofree char *known = g_strdup_printf ("If-None-Match: %s\r\n", etag);
  gsize n_bytes = g_bytes_get_size (fixture->media);

  g_assert_cmpuint (g_ascii_strtoull (length, NULL, 10), ==, n_bytes);
  g_assert_cmpuint (n_bytes, >, 300 * 1024); /* more than a block */
  g_assert_true (g_str_has_suffix (head, "\r\n\r\n"));
  assert_part (fixture, media, "", 200, 0, n_bytes);
  assert_part (fixture, media, "Range: bytes=0-0\r\n", 206, 0, 1);
  assert_part (fixture, media, "Range: bytes=1000-299999\r\n", 206, 1000, 299000);
  assert_part (fixture, media, "Range: bytes=-10\r\n", 206, n_bytes - 10, 10);
  assert_part (fixture, media, "Range: bytes=0-1,5-6\r\n", 200, 0, n_bytes);
  assert_part (fixture, media, same, 206, 5, 5);
  assert_part (fixture, media, "Range: bytes=5-9\r\nIf-Range: \"other\"\r\n", 200, 0, n_bytes);
  g_bytes_unref (fetch (fixture, media, "Range: bytes=7-\r\n", 206, &part));
  g_autofree char *range = g_strdup_printf ("Content-Range: bytes 7-%" G_GSIZE_FORMAT "/%" G_GSIZE_FORMAT "\r\n", n_bytes - 1, n_bytes);
  g_assert_nonnull (strstr (part, range));
  g_assert_nonnull (strstr (part, "Content-Type: video/x-matroska\r\n"));
  EXPECT ("GET", media, "Range: bytes=99999999-\r\n", NULL, 416, "Content-Range: bytes */");
  EXPECT ("GET", media, known, NULL, 304, etag);
  g_bytes_unref (fetch (fixture, download, "", 200, &saved));
  g_assert_nonnull (strstr (saved, "Content-Disposition: attachment; filename*=UTF-8''upload-"));
}

/* What the room says of its recordings is listed, and what the server did not live to see the end of, too. */
static void
test_from_the_room (Fixture *fixture, gconstpointer data)
{
  static const char *const names[] = { "Ada", "Grace", NULL };
  static const char file[] = "stage-20261121-140102-x.mkv";
  g_autofree char *path = g_build_filename (fixture->directory, file, NULL);
  const MxrRecording recording = { .output = "o1", .type = "file", .file = file, .participants = names, .started_ms = 1795269662000 };
  gsize n_bytes;
  const char *bytes = g_bytes_get_data (fixture->media, &n_bytes);

  g_assert_true (g_file_set_contents (path, bytes, n_bytes / 2, NULL));
  fixture->server.hub->events->on_recording ("stage", &recording, fixture->server.hub->events_data);
  g_autofree char *live = expect (fixture, "GET", ALL "?q=grace", NULL, NULL, 200, "\"state\":\"recording\"");
  g_autofree char *id = g_strndup (strstr (live, "\"id\":\"") + 6, 16), *one = g_strconcat (ALL "/", id, NULL);
  g_autofree char *media = g_strconcat (one, "/media", NULL);
  EXPECT ("DELETE", one, NULL, NULL, 409, "/problems/conflict");
  EXPECT ("HEAD", media, NULL, NULL, 200, "Accept-Ranges");
  test_server_stop (&fixture->server);
  start (fixture, NULL);
  g_autofree char *left = NULL;
  for (guint i = 0; i < 200 && (left == NULL || strstr (left, "\"state\":\"finished\"") == NULL); i++) {
    g_free (left);
    test_run_ms (50);
    left = test_request (&fixture->server, "GET", one, NULL, NULL);
  }
  const char *duration = strstr (left, "\"duration\":");
  g_assert_nonnull (strstr (left, "\"participants\":[\"Ada\",\"Grace\"]"));
  g_assert_cmpuint (g_ascii_strtoull (duration + strlen ("\"duration\":"), NULL, 10), >, 500);
  g_assert_cmpuint (g_ascii_strtoull (duration + strlen ("\"duration\":"), NULL, 10), <, 1700);
  EXPECT ("DELETE", one, NULL, NULL, 200, id);
}

/* Whoever goes away in the middle, or takes nothing, leaves nothing behind and nobody waiting. */
static void
test_clients_that_go (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = upload (fixture, "", ""), *request = g_strdup_printf ("GET %s/media HTTP/1.1\r\nHost: a\r\n\r\n", path);
  g_autofree char *uploads = g_build_filename (fixture->directory, ".uploads", NULL);
  static const char begun[] = "POST " ALL " HTTP/1.1\r\nHost: a\r\n" MEDIA "Content-Length: 4000000\r\n\r\n";
  g_autofree char *block = g_malloc0 (600000), *id = g_path_get_basename (path);
  g_autofree char *body = g_strdup_printf ("{\"source\":\"recording:%s\"}", id);
  g_autofree char *play = g_strdup_printf ("POST /api/v1/rooms/stage/players HTTP/1.1\r\nHost: a\r\n" JSON "Content-Length: %u\r\n\r\n%s",
                                           (guint) strlen (body), body);
  g_autofree char *look = g_strdup_printf ("GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);

  for (guint i = 0; i < 20; i++) {
    g_autoptr (TestClient) player = test_client_new (&fixture->server), looker = test_client_new (&fixture->server);
    g_autoptr (TestClient) reader = test_client_new (&fixture->server);
    g_autoptr (TestClient) writer = test_client_new (&fixture->server);
    test_client_send (reader, request, -1);
    test_client_send (writer, begun, -1);
    test_client_send (writer, block, i * 30000);
    test_client_send (player, play, -1);
    test_client_send (looker, look, -1);
    test_run_ms (i);
  }
  TestClient *stalled = test_client_new (&fixture->server); /* until the server goes */
  test_client_send (stalled, request, -1);
  test_run_ms (300);
  EXPECT ("GET", ALL, NULL, NULL, 200, "\"total\":1");
  g_autoptr (GDir) left = g_dir_open (uploads, 0, NULL);
  g_assert_null (left != NULL ? g_dir_read_name (left) : NULL);
  test_server_stop (&fixture->server);
  test_client_free (stalled);
  start (fixture, NULL);
}

static void
expect_refused (Fixture *fixture, const char *headers, const void *bytes, gsize n_bytes, gsize n_told, guint status, const char *text)
{
  GString *response = send (fixture, ALL, headers, bytes, n_bytes, n_told);

  if (test_get_status (response->str) != status || strstr (response->str, text) == NULL)
    g_error ("not %u with %s, but %s", status, text, response->str);
  g_string_free (response, TRUE);
}

static void
test_refused_uploads (Fixture *fixture, gconstpointer data)
{
  static const char html[] = "<html><script>alert (1)</script></html>";
  static const char playlist[] = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n";

  expect_refused (fixture, MEDIA, html, sizeof html - 1, sizeof html - 1, 422, "/problems/not-media");
  expect_refused (fixture, MEDIA, playlist, sizeof playlist - 1, sizeof playlist - 1, 422, "/problems/not-media");
  expect_refused (fixture, MEDIA, "", 0, 0, 422, "/problems/not-media");
  expect_refused (fixture, "Content-Type: text/html\r\n", html, sizeof html - 1, sizeof html - 1, 415, "/problems/content-type");
  expect_refused (fixture, MEDIA, html, sizeof html - 1, 9 * 1024 * 1024, 413, "library.upload_max_mib");
  EXPECT ("POST", "/api/v1/recordings/x", JSON, "{}", 405, "Allow");
  EXPECT ("GET", ALL, NULL, NULL, 200, "\"total\":0");
}

/* As many as may be; one that goes makes place. */
static void
test_uploads_at_once (Fixture *fixture, gconstpointer data)
{
  static const char begun[] = "POST " ALL " HTTP/1.1\r\nHost: a\r\n" MEDIA "Content-Length: 4000000\r\n\r\nx";
  TestClient *clients[MXR_UPLOADS_MAX];

  for (guint i = 0; i < MXR_UPLOADS_MAX; i++) {
    clients[i] = test_client_new (&fixture->server);
    test_client_send (clients[i], begun, -1);
  }
  test_run_ms (100);
  expect_refused (fixture, MEDIA, "x", 1, 1, 503, "uploads are under way");
  for (guint i = 0; i < MXR_UPLOADS_MAX; i++)
    test_client_free (clients[i]);
  test_run_ms (100);
  expect_refused (fixture, MEDIA, "x", 1, 1, 422, "/problems/not-media");
}

/* ---- The server's end ----------------------------------------------------------------------------------------------------- */

#define FILE_BYTES (G_GUINT64_CONSTANT (4) << 30)

/* Reads a file as fast as it comes. Returns: how much came. */
static gpointer
download (gpointer data)
{
  static __thread char block[1 << 20];
  int fd = GPOINTER_TO_INT (data);
  gsize n_bytes = 0;
  gssize n;

  while ((n = read (fd, block, sizeof block)) > 0)
    n_bytes += n;
  return GSIZE_TO_POINTER (n_bytes);
}

/* In the middle of downloads, which are as fast as it is, and of an upload. */
static void
test_end (Fixture *fixture, gconstpointer data)
{
  static const char begun[] = "POST " ALL " HTTP/1.1\r\nHost: a\r\n" MEDIA "Content-Length: 4000000\r\n\r\n";
  g_autofree char *path = upload (fixture, "", ""), *request = g_strdup_printf ("GET %s/media HTTP/1.1\r\nHost: a\r\n\r\n", path);
  g_autofree char *entry = expect (fixture, "GET", path, NULL, NULL, 200, "\"file\":\"");
  g_auto (GStrv) parts = g_strsplit (strstr (entry, "\"file\":\"") + strlen ("\"file\":\""), "\"", 2);
  g_autofree char *file = g_build_filename (fixture->directory, parts[0], NULL), *block = g_malloc0 (600000);
  TestClient *clients[6], *writer = test_client_new (&fixture->server);
  GThread *threads[G_N_ELEMENTS (clients)];

  g_assert_cmpint (truncate (file, FILE_BYTES), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++) {
    clients[i] = test_client_new (&fixture->server);
    test_client_send (clients[i], request, -1);
    int flags = fcntl (clients[i]->fd, F_GETFL);
    fcntl (clients[i]->fd, F_SETFL, flags & ~O_NONBLOCK);
    threads[i] = g_thread_new ("download", download, GINT_TO_POINTER (clients[i]->fd));
  }
  test_client_send (writer, begun, -1);
  test_client_send (writer, block, 600000);
  test_run_ms (200);
  test_server_stop (&fixture->server);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++) {
    gsize n_bytes = GPOINTER_TO_SIZE (g_thread_join (threads[i]));
    g_assert_cmpuint (n_bytes, >, 0);
    g_assert_cmpuint (n_bytes, <, FILE_BYTES);
    test_client_free (clients[i]);
  }
  test_client_free (writer);
  start (fixture, NULL);
}

/* ---- Tokens --------------------------------------------------------------------------------------------------------------- */

static char *
make_header (const char *claims)
{
  g_autofree char *token = test_make_token ("0123456789abcdef0123456789abcdef", "{\"alg\":\"HS256\"}", claims);
  return g_strdup_printf ("Authorization: Bearer %s\r\n", token);
}

static char *
get_id (const char *path)
{
  return g_path_get_basename (path);
}

/* A recording is played by its file; by who may see it, wherever it is to be played. */
static void
test_played (Fixture *fixture, gconstpointer data)
{
  static const char players[] = "/api/v1/rooms/stage/players";
  g_autofree char *host = make_header ("{\"exp\":99999999999,\"room\":\"stage\",\"role\":\"host\"}");
  g_autofree char *admin = make_header ("{\"exp\":99999999999,\"room\":\"*\",\"role\":\"admin\"}");
  g_autofree char *guest = make_header ("{\"exp\":99999999999,\"room\":\"stage\",\"role\":\"participant\"}");
  g_autofree char *host_json = g_strconcat (JSON, host, NULL), *admin_json = g_strconcat (JSON, admin, NULL);
  g_autofree char *guest_json = g_strconcat (JSON, guest, NULL);
  g_autofree char *own = upload (fixture, "?room=stage&title=Trailer", host), *own_id = get_id (own);
  g_autofree char *foreign = upload (fixture, "?room=other", admin), *foreign_id = get_id (foreign);
  g_autofree char *nobodys = upload (fixture, "", admin), *nobodys_id = get_id (nobodys);
  g_autofree char *play_own = g_strdup_printf ("{\"source\":\"recording:%s\",\"loop\":true}", own_id);
  g_autofree char *play_named = g_strdup_printf ("{\"source\":\"recording:%s\",\"name\":\"Film\"}", own_id);
  g_autofree char *play_foreign = g_strdup_printf ("{\"source\":\"recording:%s\"}", foreign_id);
  g_autofree char *play_nobodys = g_strdup_printf ("{\"source\":\"recording:%s\"}", nobodys_id);
  g_autofree char *entry = expect (fixture, "GET", own, host, NULL, 200, "\"file\":\"");
  g_auto (GStrv) parts = g_strsplit (strstr (entry, "\"file\":\"") + strlen ("\"file\":\""), "\"", 2);
  g_autofree char *called = g_strdup_printf ("start-player stage %s/%s file Trailer loop 1", fixture->directory, parts[0]);
  g_autofree char *named = g_strdup_printf ("start-player stage %s/%s file Film once 1", fixture->directory, parts[0]);

  EXPECT ("POST", players, host_json, play_own, 201, "Location: /api/v1/rooms/stage/players/o1\r\n");
  g_assert_true (mxr_fake_hub_was_called (fixture->server.hub, called));
  EXPECT ("POST", players, host_json, play_named, 201, "\"id\":\"o1\"");
  g_assert_true (mxr_fake_hub_was_called (fixture->server.hub, named));
  EXPECT ("POST", players, JSON, play_own, 401, "/problems/token-missing");
  EXPECT ("POST", players, guest_json, play_own, 403, "/problems/token-too-weak");
  EXPECT ("POST", "/api/v1/rooms/other/players", host_json, play_own, 403, "/problems/token-too-weak");
  EXPECT ("POST", players, host_json, play_foreign, 403, "/problems/token-too-weak");
  EXPECT ("POST", players, host_json, play_nobodys, 403, "/problems/token-too-weak");
  EXPECT ("POST", players, admin_json, play_foreign, 201, "\"id\":\"o1\"");
  EXPECT ("POST", players, admin_json, play_nobodys, 201, "\"id\":\"o1\"");
  EXPECT ("POST", players, host_json, "{\"source\":\"recording:AAAAAAAAAAAAAAAA\"}", 403, "/problems/token-too-weak");
  EXPECT ("POST", players, admin_json, "{\"source\":\"recording:AAAAAAAAAAAAAAAA\"}", 404, "/problems/not-found");
  EXPECT ("POST", players, admin_json, "{\"source\":\"recording:../../etc/passwd\"}", 404, "/problems/not-found");
  fixture->server.hub->next_error = MXR_ROOM_ERROR_OUTPUT_OFF;
  EXPECT ("POST", players, host_json, play_own, 403, "/problems/output-off");
  EXPECT ("DELETE", own, host, NULL, 200, own_id);
  EXPECT ("POST", players, admin_json, play_own, 404, "/problems/not-found");
}

/* Hosts see their room's, admins all; an address may hold the token, where elements of pages need it. */
static void
test_tokens (Fixture *fixture, gconstpointer data)
{
  g_autofree char *host = make_header ("{\"exp\":99999999999,\"room\":\"stage\",\"role\":\"host\"}");
  g_autofree char *other = make_header ("{\"exp\":99999999999,\"room\":\"other\",\"role\":\"host\"}");
  g_autofree char *other_json = g_strconcat (JSON, other, NULL);
  g_autofree char *guest = make_header ("{\"exp\":99999999999,\"room\":\"stage\",\"role\":\"participant\"}");
  g_autofree char *admin = make_header ("{\"exp\":99999999999,\"room\":\"*\",\"role\":\"admin\"}");
  g_autofree char *path = upload (fixture, "?room=stage", host), *media = g_strconcat (path, "/media", NULL);
  g_autofree char *token = g_strchomp (g_strdup (host + strlen ("Authorization: Bearer ")));
  g_autofree char *with_token = g_strconcat (media, "?access_token=", token, NULL);
  g_autofree char *entry_with_token = g_strconcat (path, "?access_token=", token, NULL);

  EXPECT ("GET", ALL, NULL, NULL, 401, "/problems/token-missing");
  EXPECT ("GET", ALL, host, NULL, 403, "/problems/token-too-weak");
  EXPECT ("GET", ALL "?room=stage", host, NULL, 200, "\"total\":1");
  EXPECT ("GET", ALL "?room=stage", guest, NULL, 403, "/problems/token-too-weak");
  EXPECT ("GET", ALL, admin, NULL, 200, "\"total\":1");
  EXPECT ("GET", path, NULL, NULL, 401, "/problems/token-missing");
  EXPECT ("GET", path, other, NULL, 403, "/problems/token-too-weak");
  EXPECT ("GET", path, host, NULL, 200, "\"room\":\"stage\"");
  EXPECT ("GET", media, NULL, NULL, 401, "/problems/token-missing");
  EXPECT ("HEAD", with_token, NULL, NULL, 200, "Accept-Ranges");
  EXPECT ("GET", entry_with_token, NULL, NULL, 401, "/problems/token-missing");
  EXPECT ("DELETE", path, other, NULL, 403, "/problems/token-too-weak");
  EXPECT ("PATCH", path, other_json, "{\"title\":\"x\"}", 403, "/problems/token-too-weak");
  EXPECT ("GET", ALL "/AAAAAAAAAAAAAAAA", host, NULL, 403, "/problems/token-too-weak"); /* as one of another room */
  expect_refused (fixture, MEDIA, "x", 1, 1, 401, "WWW-Authenticate: Bearer");
  EXPECT ("DELETE", path, admin, NULL, 200, "\"room\":\"stage\"");
}

static void
test_off (void)
{
  Fixture none = { 0 }, *fixture = &none;

  test_server_start (&none.server, NULL);
  EXPECT ("GET", ALL, NULL, NULL, 403, "/problems/library-off");
  expect_refused (&none, MEDIA, "x", 1, 1, 403, "library.upload_max_mib");
  test_server_stop (&none.server);
}

#define ADD(name, setting, func) g_test_add ("/recordings/" name, Fixture, setting, setup, func, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  ADD ("life", NULL, test_life);
  ADD ("media", NULL, test_media);
  ADD ("from-the-room", NULL, test_from_the_room);
  ADD ("clients-that-go", NULL, test_clients_that_go);
  ADD ("refused-uploads", NULL, test_refused_uploads);
  ADD ("tokens", "server.token_secret=0123456789abcdef0123456789abcdef", test_tokens);
  ADD ("played", "server.token_secret=0123456789abcdef0123456789abcdef", test_played);
  ADD ("uploads-at-once", NULL, test_uploads_at_once);
  ADD ("end", NULL, test_end);
  g_test_add_func ("/recordings/off", test_off);
  return g_test_run ();
}
