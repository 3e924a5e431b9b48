#include "oracle.h"

#include <math.h>
#include <string.h>

bool
oracle_hears_others_only (FakePeer *const *peers, guint n, guint k)
{
  double quietest = 1, own = fake_peer_measure (peers[k], k);

  for (guint i = 0; i < n; i++)
    if (i != k)
      quietest = MIN (quietest, fake_peer_measure (peers[k], i));
  return quietest > ORACLE_HEARD_AT_LEAST && own >= 0 &&
         20 * log10 (MAX (own, 1e-9) / quietest) < -ORACLE_OWN_DOWN_DB;
}

/* ---- Tiles -----------------------------------------------------------------------------------------------
 */

JsonArray *
oracle_get_tiles (JsonNode *room)
{
  JsonArray *views = json_object_get_array_member (json_node_get_object (room), "views");
  return json_object_get_array_member (json_array_get_object_element (views, 0), "tiles");
}

const char *
oracle_find_participant (JsonNode *room, const char *name)
{
  JsonArray *list = json_object_get_array_member (json_node_get_object (room), "participants");
  for (guint i = 0; i < json_array_get_length (list); i++) {
    JsonObject *participant = json_array_get_object_element (list, i);
    if (strcmp (json_object_get_string_member (participant, "name"), name) == 0)
      return json_object_get_string_member (participant, "id");
  }
  return NULL;
}

bool
oracle_find_colour (FakePeer *viewer, JsonNode *room, const char *name, TestColour *out_colour)
{
  const char *id = oracle_find_participant (room, name);
  JsonArray *tiles = oracle_get_tiles (room);

  for (guint i = 0; id != NULL && i < json_array_get_length (tiles); i++) {
    JsonObject *tile = json_array_get_object_element (tiles, i);
    if (strcmp (json_object_get_string_member (tile, "participant"), id) != 0)
      continue;
    double x = json_object_get_double_member (tile, "x") + json_object_get_double_member (tile, "w") / 2;
    double y = json_object_get_double_member (tile, "y") + json_object_get_double_member (tile, "h") / 2;
    return fake_peer_look (viewer, x, y, out_colour);
  }
  return false;
}

bool
oracle_sees (FakePeer *viewer, JsonNode *room, FakePeer *shown)
{
  TestColour colour;
  return oracle_find_colour (viewer, room, fake_peer_get_name (shown), &colour) &&
         test_colour_nearest (colour) == (int) fake_peer_get_index (shown);
}

bool
oracle_sees_everybody (FakePeer *viewer, JsonNode *room, FakePeer *const *peers, guint n)
{
  for (guint i = 0; i < n; i++)
    if (!oracle_sees (viewer, room, peers[i]))
      return false;
  return true;
}

/* ---- A call ----------------------------------------------------------------------------------------------
 */

static JsonNode *
describe (const Call *call)
{
  g_autofree char *path = g_strconcat ("/api/v1/rooms/", call->room, NULL);
  return server_process_get_json (call->server, path);
}

static bool
is_right (const Call *call)
{
  g_autoptr (JsonNode) room = describe (call);

  for (guint k = 0; k < G_N_ELEMENTS (call->peers); k++)
    if (!oracle_hears_others_only (call->peers, G_N_ELEMENTS (call->peers), k) ||
        !oracle_sees_everybody (call->peers[k], room, call->peers, G_N_ELEMENTS (call->peers)))
      return false;
  return true;
}

/* For who reads a failing test's log. */
static void
print_state (const Call *call, FakePeer *guest)
{
  FakePeer *const everybody[] = { call->peers[0], call->peers[1], guest };
  g_autoptr (JsonNode) room = describe (call);
  g_autofree char *text = json_to_string (room, FALSE);

  g_test_message ("%s", text);
  for (guint k = 0; k < G_N_ELEMENTS (everybody) && everybody[k] != NULL; k++) {
    for (guint i = 0; i < G_N_ELEMENTS (everybody) && everybody[i] != NULL; i++) {
      TestColour colour = { 0 };
      bool is_seen = oracle_find_colour (everybody[k], room, fake_peer_get_name (everybody[i]), &colour);
      g_test_message ("peer %u hears %u at %.4f, sees %s %d %d %d", k, i,
                      fake_peer_measure (everybody[k], fake_peer_get_index (everybody[i])),
                      is_seen ? "it as" : "no tile", colour.y, colour.u, colour.v);
    }
  }
}

static bool
is_right_with (const Call *call, FakePeer *guest)
{
  if (guest == NULL)
    return is_right (call);
  g_autoptr (JsonNode) room = describe (call);
  return oracle_sees (call->peers[0], room, guest) && oracle_sees (call->peers[1], room, guest);
}

static void
await_right (Call *call, FakePeer *guest, const char *what)
{
  gint64 deadline_us = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;

  while (!is_right_with (call, guest)) {
    if (g_get_monotonic_time () > deadline_us) {
      print_state (call, guest);
      g_error ("%s: not right within 20 s", what);
    }
    pump_for (50);
  }
}

void
call_await_guest (Call *call, FakePeer *guest)
{
  await_right (call, guest, "a guest's picture");
}

void
call_start (Call *call, ServerProcess *server, const char *room)
{
  *call = (Call){ .server = server, .room = room };
  for (guint i = 0; i < G_N_ELEMENTS (call->peers); i++)
    call->peers[i] = fake_peer_new (server, room, i, "VP8", FAKE_PEER_CALL);
  await_right (call, NULL, "a call of two");
  pump_for (500);
  call_forget (call);
}

void
call_forget (Call *call)
{
  for (guint i = 0; i < G_N_ELEMENTS (call->peers); i++)
    fake_peer_take_longest_gap_ms (call->peers[i]);
}

/* A gap that still lasts counts: frames must go on first. */
static guint
take_gap_ms (FakePeer *peer)
{
  guint n = fake_peer_count_frames (peer);
  gint64 deadline_us = g_get_monotonic_time () + 5 * G_USEC_PER_SEC;
  while (fake_peer_count_frames (peer) < n + 2 && g_get_monotonic_time () < deadline_us)
    pump_for (20);
  g_assert_cmpuint (fake_peer_count_frames (peer), >=, n + 2);
  return fake_peer_take_longest_gap_ms (peer);
}

void
call_check (Call *call, const char *after)
{
  guint gap_ms = 0;

  for (guint i = 0; i < G_N_ELEMENTS (call->peers); i++)
    gap_ms = MAX (gap_ms, take_gap_ms (call->peers[i]));
  call->longest_gap_ms = MAX (call->longest_gap_ms, gap_ms);
  g_test_message ("%s: longest gap between frames %u ms", after, gap_ms);
  await_right (call, NULL, after);
  g_assert_cmpuint (gap_ms, <, CALL_GAP_MAX_MS);
}

void
call_end (Call *call)
{
  call_check (call, "at the end");
  g_test_message ("longest gap of the call: %u ms", call->longest_gap_ms);
  for (guint i = 0; i < G_N_ELEMENTS (call->peers); i++)
    fake_peer_leave (call->peers[i]);
}
