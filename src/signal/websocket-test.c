#include "test-client.h"

#include <string.h>

#define JOIN "{\"type\":\"join\",\"id\":\"1\",\"room\":\"stage\",\"name\":\"Ann\"}"

static void
expect (TestClient *client, const char *text)
{
  if (!test_client_wait_for (client, text))
    g_error ("'%s' did not come, but: %s", text, client->in->str);
  g_string_truncate (client->in, 0);
}

static TestClient *
join (TestServer *test)
{
  TestClient *client = test_ws_new (test);
  test_ws_send (client, JOIN);
  expect (client, "\"type\":\"joined\"");
  return client;
}

static bool
is_called (gpointer user_data)
{
  gpointer *args = user_data;
  return mxr_fake_hub_was_called (args[0], args[1]);
}

static void
expect_call (TestServer *test, const char *call)
{
  gpointer args[] = { test->hub, (gpointer) call };
  if (!test_until (is_called, args, 5))
    g_error ("the room was not asked '%s'", call);
}

/* ---- Handshake ------------------------------------------------------------------------------------------
 */

static void
test_handshake_refusals (void)
{
  static const struct {
    const char *headers;
    guint status;
  } cases[] = {
    { "", 400 },
    { TEST_UPGRADE, 400 }, /* no subprotocol */
    { TEST_UPGRADE "Sec-WebSocket-Protocol: other\r\n", 400 },
    { "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 12\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mixroom.v1\r\n",
      400 },
    { TEST_UPGRADE "Sec-WebSocket-Protocol: mixroom.v1\r\nOrigin: https://evil.example\r\n", 403 },
    { TEST_UPGRADE "Sec-WebSocket-Protocol: mixroom.v1\r\nOrigin: null\r\n", 403 },
  };
  TestServer test;
  test_server_start (&test, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *response = test_request (&test, "GET", "/ws", cases[i].headers, NULL);
    g_autofree char *type = test_get_header (response, "Content-Type");
    g_assert_cmpuint (test_get_status (response), ==, cases[i].status);
    g_assert_cmpstr (type, ==, "application/problem+json");
  }
  g_autofree char *post = test_request (&test, "POST", "/ws", TEST_UPGRADE, "x");
  g_assert_cmpuint (test_get_status (post), ==, 405);
  test_server_stop (&test);
}

static void
test_own_origin_and_deflate (void)
{
  TestServer test;
  test_server_start (&test, NULL);
  g_autoptr (TestClient) client = test_client_new (&test);
  test_client_send (client,
                    "GET /ws HTTP/1.1\r\nHost: localhost:99\r\nOrigin: http://localhost:99\r\n" TEST_UPGRADE
                    "Sec-WebSocket-Protocol: other, mixroom.v1\r\n"
                    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
                    -1);
  g_assert_true (test_client_wait_for (client, "\r\n\r\n"));
  g_autofree char *protocol = test_get_header (client->in->str, "Sec-WebSocket-Protocol");
  g_autofree char *extensions = test_get_header (client->in->str, "Sec-WebSocket-Extensions");
  g_assert_cmpuint (test_get_status (client->in->str), ==, 101);
  g_assert_cmpstr (protocol, ==, "mixroom.v1");
  g_assert_null (extensions);
  /* A compressed frame all the same: its reserved bit is set. */
  test_ws_send_frame (client, 0xc1, "abc", 3);
  g_assert_true (test_client_wait_closed (client));
  test_server_stop (&test);
}

/* ---- Messages -------------------------------------------------------------------------------------------
 */

static void
test_join_and_talk (void)
{
  TestServer test;
  test_server_start (&test, "ice.client_ice_servers=stun:stun.example:3478, turn:turn.example:3478",
                     "ice.turn_username=u", "ice.turn_password=p", NULL);
  g_autoptr (TestClient) client = test_ws_new (&test);

  test_ws_send (client, "{\"type\":\"chat\",\"id\":7,\"text\":\"hello\"}");
  expect (client, "\"id\":7,\"code\":\"not-joined\"");
  test_ws_send (
      client, "{\"type\":\"join\",\"id\":\"a\\\"b\",\"room\":\"stage\",\"name\":\"Ann\",\"offer\":\"v=0\"}");
  g_assert_true (test_client_wait_for (
      client, "\"type\":\"joined\",\"id\":\"a\\\"b\",\"room\":\"stage\",\"participant\":\"p1\","
              "\"resume\":\"resume-1\",\"iceServers\":[{\"urls\":\"stun:stun.example:3478\"},"
              "{\"urls\":\"turn:turn.example:3478\",\"username\":\"u\",\"credential\":\"p\"}]"));
  expect (client, "\"type\":\"answer\",\"id\":\"a\\\"b\",\"sdp\":\"v=0 answer\"");
  expect_call (&test, "join stage Ann 0");
  expect_call (&test, "negotiate p1 v=0 0");

  test_ws_send (client, JOIN);
  expect (client, "already-joined");
  g_assert_cmpuint (test.hub->participants->len, ==, 1);
  test_ws_send (client, "{\"type\":\"mute\",\"audio\":true}");
  expect_call (&test, "mute 1 -");
  test_ws_send (client, "{\"type\":\"mute\",\"video\":true}");
  expect_call (&test, "mute - 1");
  test_ws_send (client, "{\"type\":\"mute\",\"audio\":false,\"video\":false}");
  expect_call (&test, "mute 0 0");
  test_ws_send (client, "{\"type\":\"hand\",\"raised\":true}");
  expect_call (&test, "hand 1");
  test_ws_send (client, "{\"type\":\"candidate\",\"candidate\":\"candidate:1 1 udp\",\"sdpMid\":\"0\"}");
  expect_call (&test, "candidate candidate:1 1 udp 0");
  test_ws_send (client, "{\"type\":\"candidate\",\"candidate\":\"\"}");
  expect_call (&test, "candidate  -");
  test_ws_send (client, "{\"type\":\"chat\",\"text\":\"h\\u00e4\"}");
  expect_call (&test, "chat h\xc3\xa4");
  test_ws_send (client, "{\"type\":\"delay\",\"id\":2}");
  expect (client, "\"id\":2,\"server\":{\"audio\":{\"decode\":{\"median\":0.5,\"p95\":1.5}}}");
  test_ws_send (client, "{\"type\":\"link\",\"id\":4}");
  expect (client, "{\"type\":\"link\",\"id\":4,\"down\":{\"estimate\":500000,\"measured\":true,\"loss\":0.25,\"roundTrip\":40.0}}");
  test_ws_send (client, "{\"type\":\"layout\",\"id\":3,\"layout\":\"grid\"}");
  expect (client, "\"id\":3,\"code\":\"not-supported\"");
  test_ws_send (client, "{\"type\":\"leave\"}");
  expect_call (&test, "leave p1");
  g_assert_cmpuint (test_ws_get_close_code (client), ==, 1000);
  test_server_stop (&test);
}

static void
test_bad_messages_keep_it_open (void)
{
  static const char *const cases[][2] = {
    { "{\"type\":\"dance\",\"id\":\"5\"}", "\"id\":\"5\",\"code\":\"unknown-type\"" },
    { "{\"type\":", "\"code\":\"bad-json\"" },
    { "[]", "\"code\":\"bad-json\"" },
    { "{\"type\":\"join\"} {}", "\"code\":\"bad-json\"" },
    { "{\"id\":1}", "'type' must be there" },
    { "{\"type\":\"join\",\"id\":2,\"name\":\"x\"}",
      "\"id\":2,\"code\":\"bad-message\",\"detail\":\"'room' of 'join' is missing" },
    { "{\"type\":\"join\",\"room\":5,\"name\":\"x\"}", "'room' of 'join' must be a string" },
    { "{\"type\":\"hand\",\"raised\":\"yes\"}", "'raised' of 'hand' must be true or false" },
  };
  TestServer test;
  test_server_start (&test, NULL);
  g_autoptr (TestClient) client = test_ws_new (&test);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    test_ws_send (client, cases[i][0]);
    expect (client, cases[i][1]);
  }
  test_ws_send (client, JOIN);
  expect (client, "joined");
  test_server_stop (&test);
}

static void
test_room_errors (void)
{
  TestServer test;
  test_server_start (&test, NULL);
  g_autoptr (TestClient) client = test_ws_new (&test);

  test.hub->next_error = MXR_ROOM_ERROR_FULL;
  test_ws_send (client, JOIN);
  expect (client, "\"id\":\"1\",\"code\":\"room-full\"");
  test_ws_send (client, JOIN);
  expect (client, "joined");
  test.hub->next_error = MXR_ROOM_ERROR_NOTHING_USABLE;
  test_ws_send (client, "{\"type\":\"offer\",\"id\":9,\"sdp\":\"v=0\"}");
  expect (client, "\"id\":9,\"code\":\"nothing-usable\"");
  test.hub->next_error = MXR_ROOM_ERROR_BAD_CANDIDATE;
  test_ws_send (client, "{\"type\":\"candidate\",\"id\":10,\"candidate\":\"x\"}");
  expect (client, "\"id\":10,\"code\":\"bad-candidate\"");
  test.hub->next_error = MXR_ROOM_ERROR_BAD_NAME;
  test_ws_send (client, "{\"type\":\"chat\",\"id\":11,\"text\":\"\"}");
  expect (client, "\"id\":11,\"code\":\"bad-chat\"");
  test_server_stop (&test);
}

static void
expect_rungs (TestClient *client, MxrParticipant *p)
{
  static const struct {
    MxrRungInfo rung;
    const char *text;
  } cases[] = {
    { { MXR_RUNG_VIDEO, 640, 360, 30, 500000, "VP8", MXR_RUNG_REASON_BEST, 0 },
      "{\"type\":\"rung\",\"kind\":\"video\",\"width\":640,\"height\":360,\"framerate\":30,\"bitrate\":500000,"
      "\"codec\":\"VP8\",\"reason\":\"best\",\"available\":0}" },
    { { MXR_RUNG_SLIDES, 640, 360, 0, 40000, "H264", MXR_RUNG_REASON_LOSS, 120000 },
      "\"kind\":\"slides\",\"width\":640,\"height\":360,\"framerate\":0,\"bitrate\":40000,\"codec\":\"H264\","
      "\"reason\":\"loss\",\"available\":120000}" },
    { { MXR_RUNG_AUDIO, 0, 0, 0, 0, "VP8", MXR_RUNG_REASON_BANDWIDTH, 50000 },
      "\"kind\":\"audio\",\"width\":0,\"height\":0,\"framerate\":0,\"bitrate\":0,\"codec\":\"VP8\","
      "\"reason\":\"bandwidth\",\"available\":50000}" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    p->events->on_rung (p, &cases[i].rung, p->user_data);
    expect (client, cases[i].text);
  }
}

static void
test_events (void)
{
  TestServer test;
  test_server_start (&test, NULL);
  g_autoptr (TestClient) client = join (&test);
  MxrParticipant *p = mxr_fake_hub_last (test.hub);
  const MxrMember members[] = { { .id = "p1", .name = "Ann", .audio_muted = true, .sends_video = true } };
  const MxrTileInfo tiles[] = { { "p1", 0, 0.25, 0.5, 1, 2 } };
  const MxrUplinkLimit limit = { 424, 238, 30, 262000 };
  const MxrChatLine line = { "p1", "Ann", "hi", 1700000000000 };

  p->events->on_candidate (p, "candidate:1", "0", p->user_data);
  expect (client, "{\"type\":\"candidate\",\"candidate\":\"candidate:1\",\"sdpMid\":\"0\"}");
  p->events->on_roster (p, members, 1, p->user_data);
  expect (
      client,
      "{\"type\":\"participants\",\"list\":[{\"id\":\"p1\",\"name\":\"Ann\",\"audioMuted\":true,"
      "\"videoMuted\":false,\"hand\":false,\"talking\":false,\"uplink\":{\"audio\":false,\"video\":true},\"quality\":\"unknown\"}]}");
  for (MxrQuality quality = MXR_QUALITY_UNKNOWN; quality <= MXR_QUALITY_GOOD; quality++) {
    static const char *const names[] = { "unknown", "lost", "bad", "poor", "good" };
    const MxrMember member = { .id = "p1", .name = "Ann", .quality = quality };
    g_autofree char *text = g_strdup_printf ("\"quality\":\"%s\"}", names[quality]);
    p->events->on_member (p, &member, false, p->user_data);
    expect (client, text);
  }
  p->events->on_member (p, members, true, p->user_data);
  expect (client, "\"gone\":true}");
  p->events->on_tiles (p, "main", 1280, 720, tiles, 1, p->user_data);
  expect (client,
          "\"view\":\"main\",\"canvas\":{\"width\":1280,\"height\":720},\"tiles\":[{\"participant\":\"p1\",");
  p->events->on_uplink_limit (p, &limit, p->user_data);
  expect (client,
          "{\"type\":\"uplink\",\"maxWidth\":424,\"maxHeight\":238,\"maxFramerate\":30,\"maxBitrate\":262000}");
  p->events->on_talking (p, "p1", true, p->user_data);
  expect (client, "{\"type\":\"talking\",\"participant\":\"p1\",\"talking\":true}");
  p->events->on_chat (p, &line, p->user_data);
  expect (client, "\"text\":\"hi\",\"time\":1700000000000");
  expect_rungs (client, p);
  p->events->on_outputs (p, true, false, p->user_data);
  expect (client, "{\"type\":\"outputs\",\"recording\":true,\"live\":false}");
  p->events->on_outputs (p, false, true, p->user_data);
  expect (client, "{\"type\":\"outputs\",\"recording\":false,\"live\":true}");
  p->events->on_closing (p, "going down", 2000, p->user_data);
  expect (client, "{\"type\":\"closing\",\"reason\":\"going down\",\"reconnectIn\":2000}");
  mxr_fake_participant_remove (p, "media died");
  g_assert_cmpuint (test_ws_get_close_code (client), ==, 4000);
  test_server_stop (&test);
}

/* ---- Resuming, leaving in every state ---------------------------------------------------------------------
 */

static void
test_resume (void)
{
  TestServer test;
  test_server_start (&test, NULL);
  TestClient *lost = join (&test);
  test_client_free (lost);
  expect_call (&test, "detach p1");

  g_autoptr (TestClient) second = test_ws_new (&test);
  test_ws_send (second, "{\"type\":\"join\",\"room\":\"other\",\"name\":\"Ann\",\"resume\":\"resume-1\"}");
  expect (second, "not-found");
  test_ws_send (second, "{\"type\":\"join\",\"room\":\"stage\",\"name\":\"Ann\",\"resume\":\"wrong\"}");
  expect (second, "not-found");
  test_ws_send (second, "{\"type\":\"join\",\"room\":\"stage\",\"name\":\"Ann\",\"resume\":\"resume-1\"}");
  expect (second, "\"participant\":\"p1\"");

  /* Whoever names another room does not push out the one who is there. */
  g_autoptr (TestClient) astray = test_ws_new (&test);
  test_ws_send (astray, "{\"type\":\"join\",\"room\":\"other\",\"name\":\"Ann\",\"resume\":\"resume-1\"}");
  expect (astray, "not-found");
  test_ws_send (second, "{\"type\":\"hand\",\"raised\":false}");
  expect_call (&test, "hand 0");

  g_autoptr (TestClient) third = test_ws_new (&test);
  test_ws_send (third, "{\"type\":\"join\",\"room\":\"stage\",\"name\":\"Ann\",\"resume\":\"resume-1\"}");
  expect (third, "\"participant\":\"p1\"");
  g_assert_true (test_client_wait_for (second, "{\"type\":\"closing\",\"reason\":\"resumed elsewhere\"}"));
  g_assert_cmpuint (test_ws_get_close_code (second), ==, 4001);
  test_ws_send (third, "{\"type\":\"hand\",\"raised\":true}");
  expect_call (&test, "hand 1");
  test_server_stop (&test);
}

/* Who says which line was the last is told those after it; who joins anew, all. */
static void
test_chat_after (void)
{
  static const MxrChatLine lines[] = { { "p9", "Bob", "one", 1000 },
                                       { "p9", "Bob", "two", 1001 },
                                       { "p9", "Bob", "three", 1002 } };
  static const struct {
    const char *join;
    bool has_old;
  } cases[] = {
    { "{\"type\":\"join\",\"room\":\"stage\",\"name\":\"Ann\",\"chatAfter\":1001}", true },
    { "{\"type\":\"join\",\"room\":\"stage\",\"name\":\"Ann\",\"resume\":\"resume-1\"}", true },
    { "{\"type\":\"join\",\"room\":\"stage\",\"name\":\"Ann\",\"resume\":\"resume-1\",\"chatAfter\":1001}",
      false },
  };
  TestServer test;
  test_server_start (&test, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (TestClient) client = test_ws_new (&test);
    test_ws_send (client, cases[i].join);
    expect (client, "\"participant\":\"p1\"");
    MxrParticipant *p = mxr_fake_hub_last (test.hub);
    for (guint k = 0; k < G_N_ELEMENTS (lines); k++)
      p->events->on_chat (p, &lines[k], p->user_data);
    g_assert_true (test_client_wait_for (client, "three"));
    g_assert_cmpint (memmem (client->in->str, client->in->len, "one", 3) != NULL, ==, cases[i].has_old);
    g_assert_cmpint (memmem (client->in->str, client->in->len, "two", 3) != NULL, ==, cases[i].has_old);
  }
  test_server_stop (&test);
}

static void
test_lost_while_answering (void)
{
  TestServer test;
  test_server_start (&test, NULL);
  test.hub->holds_answers = true;
  TestClient *lost = join (&test);
  test_ws_send (lost, "{\"type\":\"offer\",\"sdp\":\"v=0\"}");
  expect_call (&test, "negotiate p1 v=0 0");
  test_client_free (lost);
  expect_call (&test, "detach p1");
  mxr_fake_hub_release (test.hub);
  test_run_ms (5);

  /* Leaving while an answer is under way: the room calls back, nobody is told; and what follows is void. */
  test.hub->holds_answers = true;
  g_autoptr (TestClient) leaver = join (&test);
  test_ws_send (leaver, "{\"type\":\"offer\",\"sdp\":\"v=0\"}");
  test_ws_send (leaver, "{\"type\":\"leave\"}");
  test_ws_send (leaver, JOIN);
  expect_call (&test, "leave p2");
  g_assert_cmpuint (test_ws_get_close_code (leaver), ==, 1000);
  g_assert_null (memmem (leaver->in->str, leaver->in->len, "\"type\"", strlen ("\"type\"")));
  g_assert_false (mxr_fake_hub_was_called (test.hub, "join stage Ann 0"));
  /* Removed while an answer is under way, and the server going with others in all states. */
  g_autoptr (TestClient) removed = join (&test);
  test_ws_send (removed, "{\"type\":\"offer\",\"id\":4,\"sdp\":\"v=0\"}");
  expect_call (&test, "negotiate p3 v=0 0");
  mxr_fake_participant_remove (mxr_fake_hub_last (test.hub), "room closed");
  g_assert_cmpuint (test_ws_get_close_code (removed), ==, 4000);
  g_autoptr (TestClient) idle = test_ws_new (&test);
  test_server_stop (&test);
  g_assert_cmpuint (test_ws_get_close_code (idle), ==, 1001);
}

static void
test_drain (void)
{
  TestServer test;
  test_server_start (&test, "server.drain_timeout_s=3", NULL);
  g_autoptr (TestClient) client = join (&test);
  MxrParticipant *p = mxr_fake_hub_last (test.hub);
  mxr_server_drain (test.server);
  p->events->on_closing (p, "for maintenance", 2000, p->user_data);
  expect (client, "{\"type\":\"closing\",\"reason\":\"for maintenance\",\"reconnectIn\":2000}");
  p->events->on_closing (p, "again", 1, p->user_data);
  test_ws_send (client, "{\"type\":\"dance\"}");
  g_assert_true (test_client_wait_for (client, "unknown-type"));
  g_assert_null (memmem (client->in->str, client->in->len, "again", strlen ("again")));
  g_autoptr (TestClient) late = test_ws_new (&test);
  test_ws_send (late, JOIN);
  expect (late, "\"code\":\"draining\"");
  test_server_stop (&test);
}

/* ---- Limits ---------------------------------------------------------------------------------------------
 */

static void
test_size_limits (void)
{
  TestServer test;
  test_server_start (&test, "http.max_message_bytes=1024", "http.messages_per_second=1000", NULL);
  g_autofree char *big = g_strnfill (2000, 'x');

  g_autoptr (TestClient) whole = test_ws_new (&test);
  test_ws_send (whole, big);
  g_assert_cmpuint (test_ws_get_close_code (whole), ==, 1009);

  g_autoptr (TestClient) bomb = test_ws_new (&test);
  test_ws_send_frame (bomb, 0x01, big, 600);
  test_ws_send_frame (bomb, 0x00, big, 600);
  g_assert_cmpuint (test_ws_get_close_code (bomb), ==, 1009);

  g_autoptr (TestClient) crumbs = test_ws_new (&test);
  test_ws_send_frame (crumbs, 0x01, "x", 1);
  for (guint i = 0; i < 70; i++)
    test_ws_send_frame (crumbs, 0x00, "x", 1);
  g_assert_cmpuint (test_ws_get_close_code (crumbs), ==, 1008);

  g_autoptr (TestClient) binary = test_ws_new (&test);
  test_ws_send_frame (binary, 0x82, "x", 1);
  g_assert_cmpuint (test_ws_get_close_code (binary), ==, 1003);

  g_autoptr (TestClient) latin = test_ws_new (&test);
  test_ws_send (latin, "\xe4\xf6");
  g_assert_cmpuint (test_ws_get_close_code (latin), ==, 1007);

  /* A message of three fragments is one message. */
  g_autoptr (TestClient) good = test_ws_new (&test);
  test_ws_send_frame (good, 0x01, JOIN, 10);
  test_ws_send_frame (good, 0x00, JOIN + 10, 10);
  test_ws_send_frame (good, 0x80, JOIN + 20, strlen (JOIN) - 20);
  expect (good, "joined");
  test_server_stop (&test);
}

static void
test_rate_limit (void)
{
  TestServer test;
  test_server_start (&test, "http.messages_per_second=5", NULL);
  g_autoptr (TestClient) chatty = join (&test);
  for (guint i = 0; i < 30; i++)
    test_ws_send (chatty, "{\"type\":\"hand\",\"raised\":true}");
  g_assert_cmpuint (test_ws_get_close_code (chatty), ==, 1008);
  g_autoptr (TestClient) pinger = test_ws_new (&test);
  for (guint i = 0; i < 30; i++)
    test_ws_send_frame (pinger, 0x89, "x", 1);
  g_assert_cmpuint (test_ws_get_close_code (pinger), ==, 1008);
  test_server_stop (&test);
}

static void
test_join_rate (void)
{
  TestServer test;
  test_server_start (&test, "http.joins_per_minute=2", NULL);
  g_autoptr (TestClient) a = join (&test);
  g_autoptr (TestClient) b = join (&test);
  g_autoptr (TestClient) c = test_ws_new (&test);
  test_ws_send (c, JOIN);
  expect (c, "rate-limited");
  g_autofree char *whip =
      test_request (&test, "POST", "/whip/stage", "Content-Type: application/sdp\r\n", "v=0");
  g_autofree char *retry = test_get_header (whip, "Retry-After");
  g_assert_cmpuint (test_get_status (whip), ==, 429);
  g_assert_nonnull (retry);
  test_server_stop (&test);
}

static void
test_silent_client (void)
{
  TestServer test;
  test_server_start (&test, "http.ping_interval_s=1", "http.ping_timeout_s=2", NULL);
  g_autoptr (TestClient) silent = join (&test);
  g_autoptr (TestClient) ponging = join (&test);
  gint64 start_us = g_get_monotonic_time ();
  while (g_get_monotonic_time () - start_us < 3200000) {
    test_run_ms (400);
    test_ws_send_frame (ponging, 0x8a, "", 0);
  }
  g_assert_cmpuint (test_ws_get_close_code (silent), ==, 4002);
  g_assert_true (test_client_wait_for (ponging, "\x89")); /* pinged */
  g_assert_false (ponging->is_closed);
  expect_call (&test, "detach p1");
  test_server_stop (&test);
}

static bool
is_detached (gpointer user_data)
{
  return mxr_fake_hub_was_called (user_data, "detach p1");
}

static void
test_slow_reader (void)
{
  TestServer test;
  test_server_start (&test, NULL);
  g_autoptr (TestClient) client = join (&test);
  MxrParticipant *p = mxr_fake_hub_last (test.hub);
  g_autofree char *text = g_strnfill (2000, 'x');
  const MxrChatLine line = { "p1", "Ann", text, 1 };

  for (guint i = 0; i < 5000 && p->events != NULL; i++) {
    p->events->on_chat (p, &line, p->user_data);
    while (g_main_context_iteration (NULL, FALSE))
      ;
  }
  g_assert_true (test_until (is_detached, test.hub, 7));
  test_server_stop (&test);
}

/* ---- Tokens ---------------------------------------------------------------------------------------------
 */

static void
test_tokens (void)
{
  TestServer test;
  test_server_start (&test, "server.token_secret=s3cret", NULL);
  static const char header[] = "{\"alg\":\"HS256\"}";
  g_autofree char *good = test_make_token ("s3cret", header, "{\"exp\":99999999999,\"room\":\"stage\"}");
  g_autofree char *weak =
      test_make_token ("s3cret", header, "{\"exp\":99999999999,\"room\":\"*\",\"role\":\"viewer\"}");
  const char *const tokens[] = { "", weak, good };
  const char *const answers[] = { "unauthorized", "forbidden", "joined" };
  g_autoptr (TestClient) client = test_ws_new (&test);
  for (guint i = 0; i < G_N_ELEMENTS (tokens); i++) {
    g_autofree char *text = g_strdup_printf (
        "{\"type\":\"join\",\"room\":\"stage\",\"name\":\"Ann\",\"token\":\"%s\"}", tokens[i]);
    test_ws_send (client, text);
    expect (client, answers[i]);
  }
  /* The resume token is as good as the other one, which may have run out; a wrong one opens nothing. */
  g_autoptr (TestClient) back = test_ws_new (&test);
  test_ws_send (back, "{\"type\":\"join\",\"room\":\"stage\",\"name\":\"Ann\",\"resume\":\"wrong\"}");
  expect (back, "not-found");
  test_ws_send (back, "{\"type\":\"join\",\"room\":\"stage\",\"name\":\"Ann\",\"resume\":\"resume-1\"}");
  expect (back, "joined");
  test_server_stop (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/websocket/handshake-refusals", test_handshake_refusals);
  g_test_add_func ("/websocket/own-origin-and-deflate", test_own_origin_and_deflate);
  g_test_add_func ("/websocket/join-and-talk", test_join_and_talk);
  g_test_add_func ("/websocket/bad-messages-keep-it-open", test_bad_messages_keep_it_open);
  g_test_add_func ("/websocket/room-errors", test_room_errors);
  g_test_add_func ("/websocket/events", test_events);
  g_test_add_func ("/websocket/resume", test_resume);
  g_test_add_func ("/websocket/chat-after", test_chat_after);
  g_test_add_func ("/websocket/lost-while-answering", test_lost_while_answering);
  g_test_add_func ("/websocket/drain", test_drain);
  g_test_add_func ("/websocket/size-limits", test_size_limits);
  g_test_add_func ("/websocket/rate-limit", test_rate_limit);
  g_test_add_func ("/websocket/join-rate", test_join_rate);
  g_test_add_func ("/websocket/silent-client", test_silent_client);
  g_test_add_func ("/websocket/slow-reader", test_slow_reader);
  g_test_add_func ("/websocket/tokens", test_tokens);
  return g_test_run ();
}
