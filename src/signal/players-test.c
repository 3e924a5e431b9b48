#include "test-client.h"

#include <string.h>

#define PLAYERS "/api/v1/rooms/stage/players"
#define JSON "Content-Type: application/json\r\n"
#define SOURCE "\"source\":\"https://a.example/b.mp4\""

static void
expect (TestServer *test, const char *method, const char *path, const char *body, guint status, const char *text)
{
  g_autofree char *response = test_request (test, method, path, body != NULL ? JSON : NULL, body);
  if (test_get_status (response) != status || strstr (response, text) == NULL)
    g_error ("%s %s %s: not %u with '%s', but %s", method, path, body, status, text, response);
}

static void
test_start (void)
{
  TestServer test;
  test_server_start (&test, NULL);
  expect (&test, "POST", PLAYERS, "{" SOURCE "}", 201, "Location: " PLAYERS "/o1\r\n");
  g_assert_true (mxr_fake_hub_was_called (test.hub, "start-player stage https://a.example/b.mp4 url (null) once 1"));
  expect (&test, "POST", PLAYERS, "{" SOURCE ",\"loop\":true,\"volume\":0.5,\"name\":\"Film\"}", 201, "\"state\":\"starting\"");
  g_assert_true (mxr_fake_hub_was_called (test.hub, "start-player stage https://a.example/b.mp4 url Film loop 0.5"));
  expect (&test, "POST", PLAYERS, "{\"source\":\"recording:nothing\"}", 403, "/problems/library-off");
  expect (&test, "POST", PLAYERS, "{", 400, "/problems/bad-request");
  expect (&test, "POST", PLAYERS, "{}", 400, "/problems/bad-player");
  expect (&test, "POST", PLAYERS, "{\"source\":1}", 400, "/problems/bad-player");
  expect (&test, "POST", PLAYERS, "{" SOURCE ",\"loop\":1}", 400, "/problems/bad-player");
  expect (&test, "POST", PLAYERS, "{" SOURCE ",\"volume\":\"loud\"}", 400, "/problems/bad-player");
  expect (&test, "POST", "/api/v1/rooms/other/players", "{" SOURCE "}", 404, "/problems/not-found");
  test.hub->next_error = MXR_ROOM_ERROR_BAD_PLAYER;
  expect (&test, "POST", PLAYERS, "{" SOURCE "}", 400, "/problems/bad-player");
  test.hub->next_error = MXR_ROOM_ERROR_OUTPUT_OFF;
  expect (&test, "POST", PLAYERS, "{" SOURCE "}", 403, "/problems/output-off");
  test_server_stop (&test);
}

static void
test_look_change_stop (void)
{
  /* -1 among them, the room's mark for what stays */
  static const char *const below_zero[] = { "{\"volume\":-2}", "{\"volume\":-1}", "{\"volume\":-0.5}", "{\"position\":-1}",
                                            "{\"position\":-1.5}" };
  TestServer test;
  test_server_start (&test, NULL);
  expect (&test, "GET", PLAYERS, NULL, 200, "[{\"id\":\"o1\"");
  expect (&test, "GET", PLAYERS "/o1", NULL, 200, "{\"id\":\"o1\"");
  expect (&test, "GET", PLAYERS "/o2", NULL, 404, "/problems/not-found");
  expect (&test, "GET", PLAYERS "/o1/more", NULL, 404, "/problems/not-found");
  expect (&test, "PATCH", PLAYERS "/o1", "{\"paused\":true,\"position\":1500}", 200, "changed");
  g_assert_true (mxr_fake_hub_was_called (test.hub, "change-player stage o1 1 -1 1500 -1"));
  expect (&test, "PATCH", PLAYERS "/o1", "{\"loop\":false,\"volume\":0}", 200, "changed");
  g_assert_true (mxr_fake_hub_was_called (test.hub, "change-player stage o1 -1 0 -1 0"));
  expect (&test, "PATCH", PLAYERS "/o1", "{\"position\":1e99}", 400, "/problems/bad-player");
  expect (&test, "PATCH", PLAYERS "/o1", "{\"paused\":0}", 400, "/problems/bad-player");
  for (guint i = 0; i < G_N_ELEMENTS (below_zero); i++)
    expect (&test, "PATCH", PLAYERS "/o1", below_zero[i], 400, "/problems/bad-player");
  test.hub->next_error = MXR_ROOM_ERROR_OUTPUT_ENDED;
  expect (&test, "PATCH", PLAYERS "/o1", "{\"loop\":true}", 409, "/problems/conflict");
  expect (&test, "DELETE", PLAYERS "/o1", NULL, 200, "finished");
  g_assert_true (mxr_fake_hub_was_called (test.hub, "stop-player stage o1"));
  expect (&test, "PUT", PLAYERS, NULL, 405, "Allow: GET, HEAD, POST\r\n");
  expect (&test, "PUT", PLAYERS "/o1", NULL, 405, "Allow: GET, HEAD, PATCH, DELETE\r\n");
  test_server_stop (&test);
}

static void
test_tokens (void)
{
  TestServer test;
  test_server_start (&test, "server.token_secret=s3cret", NULL);
  expect (&test, "POST", PLAYERS, "{" SOURCE "}", 401, "/problems/token-missing");
  expect (&test, "GET", PLAYERS, NULL, 401, "/problems/token-missing");
  test_server_stop (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/players/start", test_start);
  g_test_add_func ("/players/look-change-stop", test_look_change_stop);
  g_test_add_func ("/players/tokens", test_tokens);
  return g_test_run ();
}
