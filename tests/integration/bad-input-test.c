/* What no client should say, said to the server over HTTP and the WebSocket: each gets the documented error,
 * and a call of two in the same room notices nothing. */

#include "oracle.h"
#include "wire.h"

#include <string.h>

#define ROOM "test"
#define WHIP "/whip/" ROOM
#define SDP_TYPE "application/sdp"
#define FRAGMENT_TYPE "application/trickle-ice-sdpfrag"
/* The same in every run. */
#define SEED 20250101
#define N_SPOILT_PER_OFFER 8

typedef struct {
  ServerProcess *server;
  Call call;
  GPtrArray *offers; /* char *: valid ones of many stacks, and one of a live peer */
} Fixture;

/* ---- Offers ----------------------------------------------------------------------------------------------
 */

static GPtrArray *
load_offers (ServerProcess *server)
{
  GPtrArray *offers = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *path = g_build_filename (g_getenv ("MIXROOM_SOURCE_ROOT"), "tests", "data", "sdp", NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *file = g_build_filename (path, name, NULL);
    char *text = NULL;
    if (g_str_has_suffix (name, ".sdp") && g_file_get_contents (file, &text, NULL, NULL))
      g_ptr_array_add (offers, text);
  }
  FakePeer *live = fake_peer_prepare (server, 2, "VP8", FAKE_PEER_CALL);
  g_ptr_array_add (offers, g_strdup (fake_peer_get_offer (live)));
  fake_peer_discard (live);
  g_assert_cmpuint (offers->len, >=, 2);
  return offers;
}

/* Cut short, bytes changed, a line twice, a line missing: without U+0000, which no text can hold. */
static char *
spoil (GRand *rand, const char *offer)
{
  gsize length = strlen (offer), at = (gsize) g_rand_int_range (rand, 0, (gint32) length);
  g_autoptr (GString) text = g_string_new (offer);
  const char *line = strchr (offer + at, '\n'), *next = line != NULL ? strchr (line + 1, '\n') : NULL;

  switch (g_rand_int_range (rand, 0, 4)) {
  case 0:
    g_string_truncate (text, at);
    break;
  case 1:
    for (guint i = 0; i < 1 + length / 200; i++)
      text->str[g_rand_int_range (rand, 0, (gint32) length)] = (char) g_rand_int_range (rand, 1, 256);
    break;
  case 2:
    if (next != NULL)
      g_string_insert_len (text, next + 1 - offer, line + 1, next - line);
    break;
  default:
    if (next != NULL)
      g_string_erase (text, line + 1 - offer, next - line);
    break;
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *
spoil_as_text (GRand *rand, const char *offer)
{
  g_autofree char *spoilt = spoil (rand, offer);
  char *text = g_utf8_make_valid (spoilt, -1);
  return g_strdelimit (text, "\x1f", '?'); /* which json-glib forgets to escape */
}

static void
post_spoilt (Fixture *fixture, const char *path, const char *offer)
{
  g_auto (ServerReply) reply = { 0 };
  g_auto (ServerReply) gone = { 0 };

  server_process_send (fixture->server, "POST", path, NULL, SDP_TYPE, offer, -1, &reply);
  if (reply.status == 422)
    server_reply_assert_problem (&reply, 422, "nothing-usable");
  else if (reply.status != 201)
    server_reply_assert_problem (&reply, 400, "bad-sdp");
  if (reply.status != 201)
    return;
  server_process_send (fixture->server, "DELETE", reply.location, NULL, NULL, NULL, -1, &gone);
  g_assert_cmpuint (gone.status, ==, 200);
}

static void
test_spoilt_offers_over_http (gconstpointer data)
{
  Fixture *fixture = (Fixture *) data;
  g_autoptr (GRand) rand = g_rand_new_with_seed (SEED);

  for (guint i = 0; i < fixture->offers->len; i++) {
    for (guint k = 0; k < N_SPOILT_PER_OFFER; k++) {
      g_autofree char *offer = spoil (rand, fixture->offers->pdata[i]);
      post_spoilt (fixture, k % 4 == 3 ? "/whep/" ROOM : WHIP, offer);
    }
    call_check (&fixture->call, "after spoilt offers of one stack");
  }
}

static void
test_spoilt_offers_over_websocket (gconstpointer data)
{
  Fixture *fixture = (Fixture *) data;
  g_autoptr (GRand) rand = g_rand_new_with_seed (SEED + 1);

  for (guint i = 0; i < fixture->offers->len; i++) {
    g_autoptr (WsClient) client = ws_client_new (fixture->server);
    g_autofree char *offer = spoil_as_text (rand, fixture->offers->pdata[i]);
    ws_client_send_message (client, "join", "room", ROOM, "name", "mallory", "offer", offer, NULL);
    for (guint k = 0; k < 4; k++) {
      g_autofree char *code = ws_client_expect_reply (client);
      if (g_strcmp0 (code, "answer") != 0 && g_strcmp0 (code, "bad-sdp") != 0)
        g_assert_cmpstr (code, ==, "nothing-usable");
      g_autofree char *another = spoil_as_text (rand, fixture->offers->pdata[i]);
      ws_client_send_message (client, "offer", "sdp", another, NULL);
    }
  }
  call_check (&fixture->call, "after spoilt offers over WebSockets");
}

static void
test_nothing_usable (gconstpointer data)
{
  static const char only_data[] =
      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
      "a=fingerprint:sha-256 " /* of 32 bytes */
      "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
      "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n"
      "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\n"
      "m=%s\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n%s";
  static const struct {
    const char *media, *map;
  } sections[] = {
    { "application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=sctp-port:5000\r\n" },
    { "audio 9 UDP/TLS/RTP/SAVPF 0", "a=rtpmap:0 PCMU/8000\r\n" },
    { "video 9 UDP/TLS/RTP/SAVPF 98", "a=rtpmap:98 VP9/90000\r\n" },
  };
  Fixture *fixture = (Fixture *) data;

  for (guint i = 0; i < G_N_ELEMENTS (sections); i++) {
    g_auto (ServerReply) reply = { 0 };
    g_autofree char *offer = g_strdup_printf (only_data, sections[i].media, sections[i].map);
    server_process_send (fixture->server, "POST", WHIP, NULL, SDP_TYPE, offer, -1, &reply);
    server_reply_assert_problem (&reply, 422, "nothing-usable");
  }
  call_check (&fixture->call, "after offers of nothing usable");
}

/* ---- HTTP ------------------------------------------------------------------------------------------------
 */

static void
expect (Fixture *fixture, const char *method, const char *path, const char *type, const char *body,
        guint status, const char *kind)
{
  g_auto (ServerReply) reply = { 0 };
  server_process_send (fixture->server, method, path, NULL, type, body, -1, &reply);
  server_reply_assert_problem (&reply, status, kind);
}

static void
test_names (gconstpointer data)
{
  Fixture *fixture = (Fixture *) data;
  const char *offer = fixture->offers->pdata[0];
  g_autofree char *long_name = g_strnfill (65, 'x');
  g_autofree char *long_room = g_strconcat ("/whip/", long_name, NULL);
  g_autofree char *long_person = g_strconcat (WHIP "?name=", long_name, NULL);
  g_autofree char *huge = g_strnfill (4000, 'x');
  g_autofree char *huge_room = g_strconcat ("/whip/", huge, NULL);
  const char *paths[] = { long_room,     long_person,      huge_room,          "/whip/a%01b",
                          "/whip/a%7Fb", WHIP "?name=%0A", WHIP "?name=%C2%85" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    expect (fixture, "POST", paths[i], SDP_TYPE, offer, 400, "bad-name");
  const char *malformed[] = { "/whip/%FF%FE", "/whip/%C3%28", "/whip/a%00b" };
  for (guint i = 0; i < G_N_ELEMENTS (malformed); i++) {
    g_auto (ServerReply) reply = { 0 };
    server_process_send (fixture->server, "POST", malformed[i], NULL, SDP_TYPE, offer, -1, &reply);
    g_assert_cmpuint (reply.status, ==, 400);
    g_assert_cmpstr (reply.type, ==, "application/problem+json");
  }
  call_check (&fixture->call, "after bad names");
}

static void
test_names_over_websocket (gconstpointer data)
{
  Fixture *fixture = (Fixture *) data;
  g_autoptr (WsClient) client = ws_client_new (fixture->server);
  g_autofree char *long_name = g_strnfill (65, 'x');
  const char *names[] = { "", long_name, "a\nb", "\x7f", "\xc2\x85" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    ws_client_send_message (client, "join", "room", ROOM, "name", names[i], NULL);
    ws_client_expect_error (client, "bad-name");
    ws_client_send_message (client, "join", "room", names[i], "name", "mallory", NULL);
    ws_client_expect_error (client, "bad-name");
  }
  call_check (&fixture->call, "after bad names over a WebSocket");
}

static void
test_bodies_and_types (gconstpointer data)
{
  Fixture *fixture = (Fixture *) data;
  const char *offer = fixture->offers->pdata[0];
  g_autofree char *large = g_strnfill (200 * 1024, 'v');

  expect (fixture, "POST", WHIP, "text/plain", offer, 415, "content-type");
  expect (fixture, "POST", WHIP, "application/json", "{}", 415, "content-type");
  expect (fixture, "POST", WHIP, SDP_TYPE, "", 400, "bad-sdp");
  expect (fixture, "PUT", WHIP, SDP_TYPE, offer, 405, "method-not-allowed");
  expect (fixture, "POST", WHIP, SDP_TYPE, large, 413, "too-large");
  call_check (&fixture->call, "after bodies of the wrong kind");
}

static void
test_unknown_resources (gconstpointer data)
{
  Fixture *fixture = (Fixture *) data;
  static const char fragment[] = "a=ice-ufrag:x\r\na=ice-pwd:y\r\n";

  expect (fixture, "GET", "/api/v1/rooms/nobody", NULL, NULL, 404, "not-found");
  expect (fixture, "GET", "/api/v1/rooms/nobody/graph", NULL, NULL, 404, "not-found");
  expect (fixture, "GET", "/api/v1/rooms/%FF", NULL, NULL, 400, "bad-request");
  expect (fixture, "GET", "/api/v2/rooms", NULL, NULL, 404, "not-found");
  expect (fixture, "DELETE", WHIP "/0123456789abcdef0123456789abcdef", NULL, NULL, 404, "not-found");
  expect (fixture, "PATCH", WHIP "/0123456789abcdef0123456789abcdef", FRAGMENT_TYPE, fragment, 404,
          "not-found");
  expect (fixture, "DELETE", "/whip//x", NULL, NULL, 404, "not-found");
  call_check (&fixture->call, "after requests for what is not there");
}

/* The resource's address is the secret; with it, only the right fragment and tag are taken. */
static void
test_own_resource (gconstpointer data)
{
  Fixture *fixture = (Fixture *) data;
  g_auto (ServerReply) own = { 0 };
  static const char *const fragments[] = { "", "a=ice-ufrag:abcd\r\n",
                                           "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n",
                                           "m=audio 9 X 0\r\na=mid:9\r\na=candidate:x\r\n", "\x01\x02\xff" };

  server_process_send (fixture->server, "POST", WHIP "?name=mallory", NULL, SDP_TYPE,
                       fixture->offers->pdata[0], -1, &own);
  g_assert_cmpuint (own.status, ==, 201);
  expect (fixture, "PATCH", own.location, FRAGMENT_TYPE, fragments[1], 428, "etag-missing");
  expect (fixture, "PATCH", own.location, "text/plain", fragments[1], 415, "content-type");
  for (guint i = 0; i < G_N_ELEMENTS (fragments); i++) {
    g_auto (ServerReply) reply = { 0 };
    server_process_send (fixture->server, "PATCH", own.location, own.etag, FRAGMENT_TYPE, fragments[i], -1,
                         &reply);
    if (reply.status != 204)
      server_reply_assert_problem (&reply, 400, "bad-fragment");
  }
  g_auto (ServerReply) stale = { 0 };
  server_process_send (fixture->server, "PATCH", own.location, "\"stale\"", FRAGMENT_TYPE, fragments[1], -1,
                       &stale);
  server_reply_assert_problem (&stale, 412, "etag-mismatch");
  g_autofree char *elsewhere = g_strconcat ("/whip/other", own.location + strlen (WHIP), NULL);
  expect (fixture, "DELETE", elsewhere, NULL, NULL, 404, "not-found");
  g_auto (ServerReply) gone = { 0 };
  server_process_send (fixture->server, "DELETE", own.location, NULL, NULL, NULL, -1, &gone);
  g_assert_cmpuint (gone.status, ==, 200);
  expect (fixture, "DELETE", own.location, NULL, NULL, 404, "not-found");
  call_check (&fixture->call, "after bad fragments");
}

static void
append_candidates (GString *text, guint from, guint n)
{
  for (guint i = from; i < from + n; i++)
    g_string_append_printf (text, "a=candidate:%u 1 udp %u 127.0.%u.%u %u typ host\r\n", i, 1000 + i,
                            i / 250 % 250, 1 + i % 250, 1024 + i);
}

static void
test_many_candidates_by_patch (gconstpointer data)
{
  Fixture *fixture = (Fixture *) data;
  g_auto (ServerReply) own = { 0 };
  const char *offer = fixture->offers->pdata[fixture->offers->len - 1];
  g_autofree char *ufrag = sdp_dup_attribute (offer, "ice-ufrag"),
                  *pwd = sdp_dup_attribute (offer, "ice-pwd");
  g_autofree char *mid = sdp_dup_attribute (offer, "mid");
  guint n_refused = 0;

  server_process_send (fixture->server, "POST", WHIP "?name=mallory", NULL, SDP_TYPE, offer, -1, &own);
  g_assert_cmpuint (own.status, ==, 201);
  for (guint i = 0; i < 10000; i += 500) { /* as many as a body holds */
    g_auto (ServerReply) reply = { 0 };
    g_autoptr (GString) text = g_string_new (NULL);
    g_string_printf (text, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:%s\r\n",
                     ufrag, pwd, mid);
    append_candidates (text, i, 500);
    server_process_send (fixture->server, "PATCH", own.location, own.etag, FRAGMENT_TYPE, text->str, -1,
                         &reply);
    if (reply.status == 204) /* the first are taken, and what else the fragment holds is passed over */
      continue;
    server_reply_assert_problem (&reply, 400, "bad-fragment");
    n_refused++;
  }
  g_assert_cmpuint (n_refused, ==, 19);
  g_auto (ServerReply) gone = { 0 };
  server_process_send (fixture->server, "DELETE", own.location, NULL, NULL, NULL, -1, &gone);
  g_assert_cmpuint (gone.status, ==, 200);
  call_check (&fixture->call, "after 10000 candidates by PATCH");
}

/* ---- WebSocket -------------------------------------------------------------------------------------------
 */

static void
test_many_candidates_by_websocket (gconstpointer data)
{
  Fixture *fixture = (Fixture *) data;
  g_autoptr (WsClient) client = ws_client_new (fixture->server);
  const char *offer = fixture->offers->pdata[fixture->offers->len - 1];

  ws_client_send_message (client, "join", "room", ROOM, "name", "mallory", "offer", offer, NULL);
  g_autofree char *answer = ws_client_expect_reply (client);
  g_assert_cmpstr (answer, ==, "answer");
  for (guint i = 0; i < 10000; i++) {
    g_autofree char *candidate = g_strdup_printf ("candidate:%u 1 udp %u 127.0.%u.%u %u typ host", i,
                                                  1000 + i, i / 250, 1 + i % 250, 1024 + i);
    ws_client_send_message (client, "candidate", "candidate", candidate, "sdpMid", "0", NULL);
    if (i % 100 == 99)
      pump_for (2);
  }
  ws_client_expect_error (client, "bad-candidate");
  ws_client_send_message (client, "candidate", "candidate", "rubbish", "sdpMid", "0", NULL);
  ws_client_send_message (client, "hand", NULL);
  ws_client_send_message (client, "unheard-of", NULL);
  g_autofree char *code = NULL;
  while (g_strcmp0 (code, "unknown-type") != 0) {
    g_free (code);
    code = ws_client_expect_reply (client);
    g_assert_nonnull (code); /* the connection stays */
  }
  call_check (&fixture->call, "after 10000 candidates over a WebSocket");
}

static bool
is_error_of_json (const char *code)
{
  return g_strcmp0 (code, "bad-json") == 0 || g_strcmp0 (code, "unknown-type") == 0 ||
         g_strcmp0 (code, "bad-message") == 0;
}

static void
test_garbage_on_the_websocket (gconstpointer data)
{
  static const char *const garbage[] = {
    "",
    "{",
    "}",
    "[]",
    "null",
    "true",
    "1",
    "\"join\"",
    "{\"type\":1}",
    "{\"type\":null}",
    "{\"type\":\"nothing\"}",
    "{\"type\":\"join\"}",
    "{\"type\":\"join\",\"room\":1,\"name\":[]}",
    "{\"type\":\"join\",\"room\":\"a\\u0000b\",\"name\":\"x\"}",
    "{'type':'join'}",
    "{\"type\":\"leave\"}}",
    "/**/{\"type\":\"join\"}",
    "{\"type\":\"join\",\"room\":0x10}",
    "{\"a\":1e99999}",
    "{\"id\":{},\"type\":[]}",
  };
  Fixture *fixture = (Fixture *) data;
  g_autoptr (WsClient) client = ws_client_new (fixture->server);
  g_autoptr (GPtrArray) corpus = corpus_list ("json/test_parsing", 60000);

  for (guint i = 0; i < G_N_ELEMENTS (garbage); i++) {
    ws_client_send (client, garbage[i], -1);
    g_autofree char *code = ws_client_expect_reply (client);
    if (!is_error_of_json (code))
      g_error ("%s: %s", garbage[i], code);
  }
  for (guint i = 0; i < corpus->len; i++) {
    gsize n_bytes;
    const char *text = g_bytes_get_data (corpus->pdata[i], &n_bytes);
    if (text == NULL || !g_utf8_validate_len (text, n_bytes, NULL))
      continue;
    ws_client_send (client, text, (gssize) n_bytes);
    g_autofree char *code = ws_client_expect_reply (client);
    if (!is_error_of_json (code))
      g_error ("%.*s: %s", (int) MIN (n_bytes, 200), text, code);
  }
  call_check (&fixture->call, "after garbage on a WebSocket");
}

static void
test_order_of_messages (gconstpointer data)
{
  Fixture *fixture = (Fixture *) data;
  g_autoptr (WsClient) client = ws_client_new (fixture->server);
  static const char *const too_early[] = { "{\"type\":\"offer\",\"sdp\":\"v=0\"}",
                                           "{\"type\":\"candidate\",\"candidate\":\"\"}",
                                           "{\"type\":\"mute\",\"audio\":true}",
                                           "{\"type\":\"chat\",\"text\":\"x\"}", "{\"type\":\"leave\"}" };

  for (guint i = 0; i < G_N_ELEMENTS (too_early); i++) {
    ws_client_send (client, too_early[i], -1);
    ws_client_expect_error (client, "not-joined");
  }
  ws_client_send_message (client, "join", "room", ROOM, "name", "mallory", NULL);
  g_autoptr (JsonNode) joined = ws_client_expect (client, "joined");
  ws_client_send_message (client, "join", "room", ROOM, "name", "mallory", NULL);
  ws_client_expect_error (client, "already-joined");
  ws_client_send_message (client, "candidate", "candidate", "candidate:1 1 udp 1 127.0.0.1 9 typ host",
                          "sdpMid", "0", NULL);
  ws_client_expect_error (client, "not-negotiated");
  g_autofree char *long_text = g_strnfill (2001, 'x');
  ws_client_send_message (client, "chat", "text", long_text, NULL);
  ws_client_expect_error (client, "bad-chat");
  ws_client_send_message (client, "chat", "text", "", NULL);
  ws_client_expect_error (client, "bad-chat");
  ws_client_send_message (client, "layout", "layout", "nowhere", NULL);
  ws_client_expect_error (client, "not-supported");
  call_check (&fixture->call, "after messages in the wrong order");
}

static bool
is_ws_closed (gpointer data)
{
  return ((WsClient *) data)->is_closed;
}

/* Who holds the token goes on in the place of who held it before; a token of a place that is no more is
 * nothing. */
static void
test_resuming_twice (gconstpointer data)
{
  Fixture *fixture = (Fixture *) data;
  g_autoptr (WsClient) first = ws_client_new (fixture->server);
  g_autoptr (WsClient) second = ws_client_new (fixture->server);
  g_autoptr (WsClient) third = ws_client_new (fixture->server);

  ws_client_send_message (first, "join", "room", ROOM, "name", "mallory", NULL);
  g_autoptr (JsonNode) joined = ws_client_expect (first, "joined");
  const char *token = ws_get_string (joined, "resume");
  ws_client_send_message (third, "join", "room", ROOM, "name", "x", "resume", "r-rubbish", NULL);
  ws_client_expect_error (third, "not-found");
  ws_client_send_message (second, "join", "room", ROOM, "name", "x", "resume", token, NULL);
  g_autoptr (JsonNode) again = ws_client_expect (second, "joined");
  g_assert_cmpstr (ws_get_string (again, "participant"), ==, ws_get_string (joined, "participant"));
  pump_until (is_ws_closed, first, 10, "the end of the first connection");
  g_assert_cmpuint (first->close_code, ==, 4001);
  ws_client_send_message (third, "join", "room", ROOM, "name", "x", "resume", token, NULL);
  g_autoptr (JsonNode) thrice = ws_client_expect (third, "joined");
  g_assert_cmpstr (ws_get_string (thrice, "participant"), ==, ws_get_string (joined, "participant"));
  pump_until (is_ws_closed, second, 10, "the end of the second connection");
  g_assert_cmpuint (second->close_code, ==, 4001);
  ws_client_send_message (third, "leave", NULL);
  pump_until (is_ws_closed, third, 10, "the end of the third connection");
  g_autoptr (WsClient) late = ws_client_new (fixture->server);
  ws_client_send_message (late, "join", "room", ROOM, "name", "x", "resume", token, NULL);
  ws_client_expect_error (late, "not-found");
  call_check (&fixture->call, "after resuming twice");
}

/* ---- Limits, each with a server of its own ---------------------------------------------------------------
 */

static void
test_full (void)
{
  static const char *const settings[] = { "room.max_participants=2", "room.max_rooms=1", NULL };
  Fixture fixture = { .server = server_process_new (settings) };

  fixture.offers = load_offers (fixture.server);
  call_start (&fixture.call, fixture.server, ROOM);
  for (guint i = 0; i < 5; i++) {
    expect (&fixture, "POST", WHIP, SDP_TYPE, fixture.offers->pdata[0], 503, "room-full");
    expect (&fixture, "POST", "/whip/another", SDP_TYPE, fixture.offers->pdata[0], 503, "room-full");
  }
  g_autoptr (WsClient) client = ws_client_new (fixture.server);
  ws_client_send_message (client, "join", "room", ROOM, "name", "mallory", NULL);
  ws_client_expect_error (client, "room-full");
  call_check (&fixture.call, "after knocking at a full room");
  fake_peer_leave (fixture.call.peers[1]); /* and there is a place again */
  ws_client_send_message (client, "join", "room", ROOM, "name", "mallory", NULL);
  g_autoptr (JsonNode) joined = ws_client_expect (client, "joined");
  g_assert_nonnull (joined);
  fake_peer_leave (fixture.call.peers[0]);
  g_ptr_array_unref (fixture.offers);
  server_process_free (fixture.server);
}

static void
test_flood_of_joins (void)
{
  static const char *const settings[] = { "http.joins_per_minute=6", NULL };
  Fixture fixture = { .server = server_process_new (settings) };
  guint n_refused = 0;

  fixture.offers = load_offers (fixture.server);
  call_start (&fixture.call, fixture.server, ROOM);
  for (guint i = 0; i < 20; i++) {
    g_auto (ServerReply) reply = { 0 };
    server_process_send (fixture.server, "POST", WHIP, NULL, SDP_TYPE, "v=0\r\n", -1, &reply);
    if (reply.status == 400)
      continue;
    server_reply_assert_problem (&reply, 429, "too-many-joins");
    n_refused++;
  }
  g_assert_cmpuint (n_refused, >=, 15);
  g_autoptr (WsClient) client = ws_client_new (fixture.server);
  ws_client_send_message (client, "join", "room", ROOM, "name", "mallory", NULL);
  ws_client_expect_error (client, "rate-limited");
  call_end (&fixture.call);
  g_ptr_array_unref (fixture.offers);
  server_process_free (fixture.server);
}

int
main (int argc, char **argv)
{
  static const char *const settings[] = { "http.joins_per_minute=100000", "http.messages_per_second=10000",
                                          NULL };
  Fixture fixture = { 0 };

  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  fixture.server = server_process_new (settings);
  fixture.offers = load_offers (fixture.server);
  call_start (&fixture.call, fixture.server, ROOM);
  g_test_add_data_func ("/bad-input/spoilt-offers-over-http", &fixture, test_spoilt_offers_over_http);
  g_test_add_data_func ("/bad-input/spoilt-offers-over-websocket", &fixture,
                        test_spoilt_offers_over_websocket);
  g_test_add_data_func ("/bad-input/nothing-usable", &fixture, test_nothing_usable);
  g_test_add_data_func ("/bad-input/names", &fixture, test_names);
  g_test_add_data_func ("/bad-input/names-over-websocket", &fixture, test_names_over_websocket);
  g_test_add_data_func ("/bad-input/bodies-and-types", &fixture, test_bodies_and_types);
  g_test_add_data_func ("/bad-input/unknown-resources", &fixture, test_unknown_resources);
  g_test_add_data_func ("/bad-input/own-resource", &fixture, test_own_resource);
  g_test_add_data_func ("/bad-input/many-candidates-by-patch", &fixture, test_many_candidates_by_patch);
  g_test_add_data_func ("/bad-input/many-candidates-by-websocket", &fixture,
                        test_many_candidates_by_websocket);
  g_test_add_data_func ("/bad-input/garbage-on-the-websocket", &fixture, test_garbage_on_the_websocket);
  g_test_add_data_func ("/bad-input/order-of-messages", &fixture, test_order_of_messages);
  g_test_add_data_func ("/bad-input/resuming-twice", &fixture, test_resuming_twice);
  g_test_add_func ("/bad-input/full", test_full);
  g_test_add_func ("/bad-input/flood-of-joins", test_flood_of_joins);
  int result = g_test_run ();
  call_end (&fixture.call);
  g_ptr_array_unref (fixture.offers);
  server_process_free (fixture.server);
  return result;
}
