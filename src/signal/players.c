/* Players of a room: /api/v1/rooms/{room}/players and what is below it. */

#include "server-private.h"

#include <math.h>
#include <string.h>

#include "body.h"
#include "collection.h"
#include "mixroom/limits.h"
#include "problem.h"
#include "recordings.h"
#include "token.h"

#define RECORDING "recording:"

/* ---- Answers --------------------------------------------------------------------------------------------------- */

static const MxrCollection collection;

static void
start (MxrServer *server, SoupServerMessage *msg, const char *room, const MxrPlayerOrder *order)
{
  g_autoptr (GError) error = NULL;
  GVariant *value = mxr_hub_start_player (server->hub, room, order, &error);

  mxr_collection_respond_started (&collection, msg, room, value, error);
}

/* ---- Of a recording --------------------------------------------------------------------------------------------- */

/* What waits for the library. */
typedef struct {
  MxrServer *server;
  SoupServerMessage *msg;
  char *room, *id, *name, *token;
  MxrPlayerOrder order; /* but for its strings */
} Waiting;

static Waiting *
waiting_new (MxrServer *server, SoupServerMessage *msg, const char *room, const MxrPlayerOrder *order)
{
  Waiting *waiting = g_new (Waiting, 1);

  *waiting = (Waiting){
    .server = server,
    .msg = g_object_ref (msg),
    .room = g_strdup (room),
    .id = g_strdup (order->location),
    .name = g_strdup (order->name),
    .token = g_strdup (mxr_server_get_bearer (msg)),
    .order = *order,
  };
  server->n_waiting++;
  soup_server_message_pause (msg);
  return waiting;
}

/* Its message is answered. */
static void
finish (Waiting *waiting)
{
  soup_server_message_unpause (waiting->msg);
  waiting->server->n_waiting--;
  g_object_unref (waiting->msg);
  g_free (waiting->room);
  g_free (waiting->id);
  g_free (waiting->name);
  g_free (waiting->token);
  g_free (waiting);
}

static void
on_path (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Waiting *waiting = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = mxr_library_find_path_finish (waiting->server->library, result, &error);

  if (path == NULL) {
    mxr_recordings_respond_error (waiting->msg, error);
  } else {
    g_autofree char *absolute = g_canonicalize_filename (path, NULL);
    waiting->order.location = absolute;
    waiting->order.name = waiting->name;
    start (waiting->server, waiting->msg, waiting->room, &waiting->order);
  }
  finish (waiting);
}

/* Who may play into a room may not therefore see the recordings of all others, nor know of which there are. */
static bool
may_use (Waiting *waiting, const MxrLibraryEntry *entry)
{
  const char *room = entry != NULL && *entry->room != '\0' ? entry->room : NULL;
  g_autoptr (GError) error = NULL;
  MxrProblem problem;

  if (mxr_server_check_token (waiting->server, waiting->token, room, MXR_TOKEN_HOST, &problem, &error))
    return true;
  mxr_problem_respond (waiting->msg, problem, error->message);
  return false;
}

static void
on_entry (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Waiting *waiting = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (MxrLibraryEntry) entry = mxr_library_get_finish (waiting->server->library, result, &error);

  if (!may_use (waiting, entry)) {
    finish (waiting);
    return;
  }
  if (entry == NULL) {
    mxr_recordings_respond_error (waiting->msg, error);
    finish (waiting);
    return;
  }
  if (waiting->name == NULL)
    waiting->name = g_utf8_substring (entry->title, 0, MIN (g_utf8_strlen (entry->title, -1), MXR_NAME_MAX_CHARS));
  mxr_library_find_path_async (waiting->server->library, waiting->id, on_path, waiting);
}

/* @order: its location is the recording's id */
static void
start_recording (MxrServer *server, SoupServerMessage *msg, const char *room, const MxrPlayerOrder *order)
{
  if (server->library == NULL)
    mxr_problem_respond (msg, MXR_PROBLEM_LIBRARY_OFF,
                         "This server keeps no recordings; its operator must set programme.recordings_directory.");
  else
    mxr_library_get_async (server->library, order->location, on_entry, waiting_new (server, msg, room, order));
}

/* ---- Starting one ------------------------------------------------------------------------------------------------ */

static void
handle_start (MxrServer *server, SoupServerMessage *msg, const char *room)
{
  g_autoptr (GHashTable) members = mxr_body_read (msg);
  MxrPlayerOrder order = { .volume = 1 };
  const char *source;
  int loop = 0;

  if (members == NULL)
    return;
  if (!mxr_body_get_text (members, "source", &source) || source == NULL || !mxr_body_get_text (members, "name", &order.name) ||
      !mxr_body_get_bool (members, "loop", &loop) || !mxr_body_get_number (members, "volume", &order.volume)) {
    mxr_problem_respond (msg, MXR_PROBLEM_BAD_PLAYER,
                         "Send source, a string of at most 1024 bytes: recording:{id} or a URL; name? a string, loop? a boolean, volume? a number.");
    return;
  }
  order.loop = loop;
  order.is_file = g_str_has_prefix (source, RECORDING);
  order.location = order.is_file ? source + strlen (RECORDING) : source;
  (order.is_file ? start_recording : start) (server, msg, room, &order);
}

/* ---- Asking and changing ---------------------------------------------------------------------------------------- */

/* What is not sent stays NAN here: the room's mark for it, -1, is a number that somebody may send. */
static bool
read_numbers (GHashTable *members, MxrPlayerChange *change)
{
  double position_ms = NAN, volume = NAN;

  if (!mxr_body_get_number (members, "position", &position_ms) || !mxr_body_get_number (members, "volume", &volume) ||
      position_ms < 0 || position_ms >= G_MAXINT32 || volume < 0)
    return false;
  if (!isnan (position_ms))
    change->position_ms = (gint64) position_ms;
  if (!isnan (volume))
    change->volume = volume;
  return true;
}

static void
handle_change (MxrServer *server, SoupServerMessage *msg, const char *room, const char *id)
{
  g_autoptr (GHashTable) members = mxr_body_read (msg);
  MxrPlayerChange change = { MXR_UNCHANGED, MXR_UNCHANGED, MXR_UNCHANGED, MXR_UNCHANGED };
  g_autoptr (GError) error = NULL;

  if (members == NULL)
    return;
  if (!mxr_body_get_bool (members, "paused", &change.paused) || !mxr_body_get_bool (members, "loop", &change.loop) ||
      !read_numbers (members, &change)) {
    mxr_problem_respond (msg, MXR_PROBLEM_BAD_PLAYER,
                         "paused and loop are booleans; position, in ms, and volume are numbers, and none is below 0.");
    return;
  }
  GVariant *value = mxr_hub_change_player (server->hub, room, id, &change, &error);
  mxr_rest_respond (msg, value, error);
}

static const MxrCollection collection = {
  "players", mxr_hub_describe_players, mxr_hub_describe_player, mxr_hub_stop_player, handle_start, handle_change,
};

void
mxr_players_handle (MxrServer *server, SoupServerMessage *msg, char **segments, guint n_segments)
{
  mxr_collection_handle (&collection, server, msg, segments, n_segments);
}
