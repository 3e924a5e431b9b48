/* Outputs of the programme: /api/v1/rooms/{room}/outputs and what is below it. */

#include "server-private.h"

#include <math.h>
#include <string.h>

#include "body.h"
#include "collection.h"
#include "problem.h"

/* So that durations in nanoseconds and sizes fit their integers. */
#define SPLIT_MAX_S 604800.0
#define SPLIT_MAX_BYTES 1125899906842624.0

/* Returns: false when the member is there and is no whole number up to @max; 0 when it is not there. */
static bool
get_whole (GHashTable *members, const char *name, double max, guint64 *out_number)
{
  double number = NAN;

  *out_number = 0;
  if (!mxr_body_get_number (members, name, &number))
    return false;
  if (isnan (number))
    return true;
  *out_number = number >= 1 && number <= max ? (guint64) number : 0;
  return *out_number > 0 && trunc (number) == number;
}

/* Returns: (nullable): what is wrong with it. */
static const char *
read_order (GHashTable *members, MxrOutputOrder *out_order)
{
  guint64 split_s;

  if (!mxr_body_get_text (members, "type", &out_order->type) || !mxr_body_get_text (members, "format", &out_order->format) ||
      !mxr_body_get_text (members, "url", &out_order->url) || !mxr_body_get_text (members, "sound", &out_order->sound))
    return "type, format, url and sound are strings of at most 1024 bytes.";
  if (!get_whole (members, "splitDuration", SPLIT_MAX_S, &split_s))
    return "splitDuration is a whole number of seconds, a week at most.";
  if (!get_whole (members, "splitSize", SPLIT_MAX_BYTES, &out_order->split_bytes))
    return "splitSize is a whole number of bytes, 2^50 at most.";
  out_order->split_s = split_s;
  return NULL;
}

/* ---- Answers ------------------------------------------------------------------------------------------------------- */

static const MxrCollection collection;

static void
start (MxrServer *server, SoupServerMessage *msg, const char *room)
{
  g_autoptr (GHashTable) members = mxr_body_read (msg);
  g_autoptr (GError) error = NULL;
  MxrOutputOrder order = { 0 };

  if (members == NULL)
    return;
  const char *wrong = read_order (members, &order);
  if (wrong != NULL) {
    mxr_problem_respond (msg, MXR_PROBLEM_BAD_OUTPUT, wrong);
    return;
  }
  GVariant *value = mxr_hub_start_output (server->hub, room, &order, &error);
  mxr_collection_respond_started (&collection, msg, room, value, error);
}

static void
change (MxrServer *server, SoupServerMessage *msg, const char *room, const char *id)
{
  g_autoptr (GHashTable) members = mxr_body_read (msg);
  const MxrJsonValue *paused = members != NULL ? g_hash_table_lookup (members, "paused") : NULL;
  g_autoptr (GError) error = NULL;

  if (members == NULL)
    return;
  if (paused == NULL || paused->type != MXR_JSON_BOOL) {
    mxr_problem_respond (msg, MXR_PROBLEM_BAD_OUTPUT, "Send {\"paused\": true} or {\"paused\": false}.");
    return;
  }
  GVariant *value = mxr_hub_pause_output (server->hub, room, id, paused->boolean, &error);
  mxr_rest_respond (msg, value, error);
}

static const MxrCollection collection = {
  "outputs", mxr_hub_describe_outputs, mxr_hub_describe_output, mxr_hub_stop_output, start, change,
};

void
mxr_outputs_handle (MxrServer *server, SoupServerMessage *msg, char **segments, guint n_segments)
{
  mxr_collection_handle (&collection, server, msg, segments, n_segments);
}
