#ifndef MXR_ORACLE_H
#define MXR_ORACLE_H

#include "fake-peer.h"

G_BEGIN_DECLS

/* What is right: every participant hears every tone but the own one, and every tile shows its sender's
 * colour. */

/* The sender's 0.12, through two lossy codecs. */
#define ORACLE_HEARD_AT_LEAST 0.06
#define ORACLE_OWN_DOWN_DB 40

bool oracle_hears_others_only (FakePeer *const *peers, guint n, guint k);

/** oracle_get_tiles: Of the room's first view. @room: as REST describes it */
JsonArray *oracle_get_tiles (JsonNode *room);
/** oracle_find_participant: Returns: (nullable): the id of who has that name. */
const char *oracle_find_participant (JsonNode *room, const char *name);
/** oracle_find_colour: What @viewer sees in the middle of @name's tile. Returns: false without tile or
 * picture. */
bool oracle_find_colour (FakePeer *viewer, JsonNode *room, const char *name, TestColour *out_colour);
bool oracle_sees (FakePeer *viewer, JsonNode *room, FakePeer *shown);
bool oracle_sees_everybody (FakePeer *viewer, JsonNode *room, FakePeer *const *peers, guint n);

/* Two peers who talk and are not to notice what is done to the server around them. */
typedef struct {
  ServerProcess *server;
  const char *room;
  FakePeer *peers[2];
  guint longest_gap_ms; /* of the whole call */
} Call;

/* 200 ms is the aim; the machine of a test may be busy with other tests. */
#ifdef __SANITIZE_ADDRESS__
#define CALL_GAP_MAX_MS 1000
#else
#define CALL_GAP_MAX_MS 400
#endif

/** call_start: Their indices are 0 and 1. Returns when each hears and sees the other. */
void call_start (Call *call, ServerProcess *server, const char *room);
/** call_await_guest: Until both see @guest in its tile. */
void call_await_guest (Call *call, FakePeer *guest);
/** call_check: Both are there, saw no gap since the last check, and see and hear each other. @after: what was
 * done */
void call_check (Call *call, const char *after);
/** call_forget: The gaps since the last check do not count: joining is not what is tested. */
void call_forget (Call *call);
/** call_end: A last check, and both leave. */
void call_end (Call *call);

G_END_DECLS

#endif
