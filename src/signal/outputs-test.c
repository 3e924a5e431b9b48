#include "test-client.h"

#include <glib/gstdio.h>
#include <string.h>

#define OUTPUTS "/api/v1/rooms/stage/outputs"
#define JSON "Content-Type: application/json\r\n"

static void
expect (TestServer *test, const char *method, const char *path, const char *headers, const char *body, guint status,
        const char *text)
{
  g_autofree char *response = test_request (test, method, path, headers, body);
  if (test_get_status (response) != status || strstr (response, text) == NULL)
    g_error ("%s %s: not %u with '%s', but %s", method, path, status, text, response);
}

static void
test_start (void)
{
  TestServer test;
  test_server_start (&test, NULL);
  expect (&test, "POST", OUTPUTS, JSON, "{\"type\":\"rtmp\",\"url\":\"rtmp://a/b/c\"}", 201,
          "Location: " OUTPUTS "/o1\r\n");
  g_assert_true (mxr_fake_hub_was_called (test.hub, "start-output stage rtmp (null) rtmp://a/b/c"));
  expect (&test, "POST", OUTPUTS, JSON, "{\"type\":\"file\",\"format\":\"mkv\"}", 201, "\"state\":\"starting\"");
  g_assert_true (mxr_fake_hub_was_called (test.hub, "start-output stage file mkv (null)"));
  expect (&test, "POST", OUTPUTS, "Content-Type: text/plain\r\n", "{}", 415, "/problems/content-type");
  expect (&test, "POST", OUTPUTS, JSON, "{", 400, "/problems/bad-request");
  expect (&test, "POST", OUTPUTS, JSON, "{\"type\":[]}", 400, "/problems/bad-output");
  expect (&test, "POST", OUTPUTS, JSON, "{\"type\":\"a\\u0000b\"}", 400, "/problems/bad-output");
  expect (&test, "POST", "/api/v1/rooms/other/outputs", JSON, "{\"type\":\"file\"}", 404, "/problems/not-found");
  test_server_stop (&test);
}

static void
test_errors_of_the_room (void)
{
  static const struct {
    MxrRoomError error;
    guint status;
    const char *problem;
  } cases[] = {
    { MXR_ROOM_ERROR_BAD_OUTPUT, 400, "/problems/bad-output" },
    { MXR_ROOM_ERROR_OUTPUT_OFF, 403, "/problems/output-off" },
    { MXR_ROOM_ERROR_OUTPUT_ENDED, 409, "/problems/conflict" },
    { MXR_ROOM_ERROR_OUTPUTS_FULL, 429, "/problems/too-many-outputs" },
  };
  TestServer test;
  test_server_start (&test, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    test.hub->next_error = cases[i].error;
    expect (&test, "POST", OUTPUTS, JSON, "{\"type\":\"file\"}", cases[i].status, cases[i].problem);
  }
  test_server_stop (&test);
}

static void
test_look_pause_stop (void)
{
  TestServer test;
  test_server_start (&test, NULL);
  expect (&test, "GET", OUTPUTS, NULL, NULL, 200, "[{\"id\":\"o1\"");
  expect (&test, "GET", OUTPUTS "/o1", NULL, NULL, 200, "{\"id\":\"o1\"");
  expect (&test, "GET", OUTPUTS "/o2", NULL, NULL, 404, "/problems/not-found");
  expect (&test, "GET", OUTPUTS "/o1/more", NULL, NULL, 404, "/problems/not-found");
  expect (&test, "PATCH", OUTPUTS "/o1", JSON, "{\"paused\":true}", 200, "paused");
  expect (&test, "PATCH", OUTPUTS "/o1", JSON, "{\"paused\":false}", 200, "running");
  expect (&test, "PATCH", OUTPUTS "/o1", JSON, "{\"paused\":1}", 400, "/problems/bad-output");
  expect (&test, "PATCH", OUTPUTS "/o1", JSON, "{}", 400, "/problems/bad-output");
  expect (&test, "DELETE", OUTPUTS "/o1", NULL, NULL, 200, "finished");
  g_assert_true (mxr_fake_hub_was_called (test.hub, "stop-output stage o1"));
  expect (&test, "PUT", OUTPUTS, NULL, NULL, 405, "Allow: GET, HEAD, POST\r\n");
  expect (&test, "PUT", OUTPUTS "/o1", NULL, NULL, 405, "Allow: GET, HEAD, PATCH, DELETE\r\n");
  test_server_stop (&test);
}

static void
test_tokens (void)
{
  static const struct {
    const char *claims;
    guint status;
  } cases[] = {
    { NULL, 401 },
    { "{\"exp\":99999999999,\"room\":\"stage\",\"role\":\"participant\"}", 403 },
    { "{\"exp\":99999999999,\"room\":\"other\",\"role\":\"host\"}", 403 },
    { "{\"exp\":99999999999,\"room\":\"stage\",\"role\":\"host\"}", 201 },
  };
  TestServer test;
  test_server_start (&test, "server.token_secret=s3cret", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *token =
      cases[i].claims != NULL ? test_make_token ("s3cret", "{\"alg\":\"HS256\"}", cases[i].claims) : g_strdup ("");
    g_autofree char *headers = g_strdup_printf (JSON "%s%s%s", *token != '\0' ? "Authorization: Bearer " : "", token,
                                                *token != '\0' ? "\r\n" : "");
    expect (&test, "POST", OUTPUTS, headers, "{\"type\":\"file\"}", cases[i].status, "");
  }
  test_server_stop (&test);
}

/* Playlists and segments, and nothing else of the disk. */
static void
test_hls (void)
{
  g_autofree char *top = g_dir_make_tmp ("mixroom-hls-XXXXXX", NULL);
  g_autofree char *directory = g_build_filename (top, "hls", NULL), *output = g_build_filename (directory, "o1", NULL);
  g_autofree char *playlist = g_build_filename (output, "index.m3u8", NULL), *secret = g_build_filename (top, "a.m4s", NULL);
  g_autofree char *other = g_build_filename (output, "a.txt", NULL);
  g_autofree char *setting = g_strconcat ("programme.hls_directory=", directory, NULL);
  TestServer test, none;

  g_assert_cmpint (g_mkdir_with_parents (output, 0700), ==, 0);
  g_assert_true (g_file_set_contents (playlist, "#EXTM3U\n", -1, NULL));
  g_assert_true (g_file_set_contents (secret, "secret", -1, NULL));
  g_assert_true (g_file_set_contents (other, "other", -1, NULL));
  test_server_start (&test, setting, NULL);
  expect (&test, "GET", "/hls/o1/index.m3u8", NULL, NULL, 200, "application/vnd.apple.mpegurl");
  expect (&test, "GET", "/hls/o1/index.m3u8", NULL, NULL, 200, "Cache-Control: no-cache");
  expect (&test, "GET", "/hls/o1/a.txt", NULL, NULL, 404, "not-found");
  expect (&test, "GET", "/hls/o1/00000.m4s", NULL, NULL, 404, "not-found");
  expect (&test, "GET", "/hls/../a.m4s", NULL, NULL, 404, "not-found");
  expect (&test, "GET", "/hls/%2e%2e/a.m4s", NULL, NULL, 404, "not-found");
  expect (&test, "GET", "/hls/o1/%2e%2e%2f%2e%2e%2fa.m4s", NULL, NULL, 404, "not-found");
  expect (&test, "GET", "/hls/o1", NULL, NULL, 404, "not-found");
  expect (&test, "POST", "/hls/o1/index.m3u8", NULL, NULL, 405, "Allow: GET, HEAD");
  test_server_stop (&test);
  test_server_start (&none, NULL);
  expect (&none, "GET", "/hls/o1/index.m3u8", NULL, NULL, 404, "not-found");
  test_server_stop (&none);
  g_unlink (playlist);
  g_unlink (secret);
  g_unlink (other);
  g_rmdir (output);
  g_rmdir (directory);
  g_rmdir (top);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/outputs/start", test_start);
  g_test_add_func ("/outputs/errors-of-the-room", test_errors_of_the_room);
  g_test_add_func ("/outputs/look-pause-stop", test_look_pause_stop);
  g_test_add_func ("/outputs/tokens", test_tokens);
  g_test_add_func ("/outputs/hls", test_hls);
  return g_test_run ();
}
