#include "test-client.h"

#include <string.h>

G_DEFINE_QUARK (mxr - room - error - quark, mxr_room_error)

static void record (MxrHub *hub, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
record (MxrHub *hub, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_ptr_array_add (hub->calls, g_strdup_vprintf (format, args));
  va_end (args);
}

static bool
fail_as_told (MxrHub *hub, GError **error)
{
  if (hub->next_error < 0)
    return false;
  g_set_error (error, MXR_ROOM_ERROR, hub->next_error, "the fake room was told to fail with %d",
               hub->next_error);
  hub->next_error = -1;
  return true;
}

/* As the room does: in a later turn of the main loop, whoever ends it. @error: (transfer full) (nullable) */
static void
answer (MxrParticipant *self, GError *error)
{
  if (self->timer != NULL)
    g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
  g_autoptr (GTask) task =
      g_task_new (NULL, NULL, g_steal_pointer (&self->callback), g_steal_pointer (&self->callback_data));
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_strdup (self->answer), g_free);
}

static void
participant_free (gpointer data)
{
  MxrParticipant *self = data;
  if (self->callback != NULL)
    answer (self,
            g_error_new_literal (MXR_ROOM_ERROR, MXR_ROOM_ERROR_NOT_FOUND, "the participant is no more"));
  g_free (self->id);
  g_free (self->room);
  g_free (self->name);
  g_free (self->resume_token);
  g_free (self);
}

MxrHub *
test_hub_new (const MxrConfig *config)
{
  MxrHub *hub = g_new0 (MxrHub, 1);
  hub->calls = g_ptr_array_new_with_free_func (g_free);
  hub->participants = g_ptr_array_new_with_free_func (participant_free);
  hub->next_error = -1;
  hub->is_ready = true;
  return hub;
}

void
test_hub_free (MxrHub *hub)
{
  g_ptr_array_unref (hub->participants);
  g_ptr_array_unref (hub->calls);
  g_free (hub);
}

bool
mxr_fake_hub_was_called (MxrHub *hub, const char *call)
{
  for (guint i = 0; i < hub->calls->len; i++) {
    if (strcmp (g_ptr_array_index (hub->calls, i), call) != 0)
      continue;
    g_ptr_array_remove_range (hub->calls, 0, i + 1);
    return true;
  }
  return false;
}

MxrParticipant *
mxr_fake_hub_last (MxrHub *hub)
{
  return hub->participants->len > 0 ? g_ptr_array_index (hub->participants, hub->participants->len - 1)
                                    : NULL;
}

/* ---- The hub --------------------------------------------------------------------------------------------
 */

void
mxr_hub_set_events (MxrHub *hub, const MxrHubEvents *events, gpointer user_data)
{
  hub->events = events;
  hub->events_data = user_data;
}

void
mxr_hub_clear (MxrHub *hub)
{
  record (hub, "clear");
}

bool
mxr_hub_is_ready (MxrHub *hub, const char **out_reason)
{
  *out_reason = "the fake room is full";
  return hub->is_ready;
}

GVariant *
mxr_hub_describe_rooms (MxrHub *hub)
{
  GVariantBuilder builder;
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  g_variant_builder_add_value (&builder, mxr_hub_describe_room (hub, "stage"));
  return g_variant_builder_end (&builder);
}

GVariant *
mxr_participant_describe_delays (MxrParticipant *participant)
{
  return g_variant_new_parsed ("{'audio': <{'decode': <{'median': <0.5>, 'p95': <1.5>}>}>}");
}

GVariant *
mxr_participant_describe_link (MxrParticipant *participant)
{
  return g_variant_new_parsed ("{'estimate': <int64 500000>, 'measured': <true>, 'loss': <0.25>, 'roundTrip': <40.0>}");
}

GVariant *
mxr_hub_describe_room (MxrHub *hub, const char *room)
{
  if (strcmp (room, "stage") != 0 && strcmp (room, "a/b \xc3\xa4") != 0)
    return NULL;
  GVariantDict dict;
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "name", "s", room);
  g_variant_dict_insert (&dict, "participants", "u", 3u);
  g_variant_dict_insert (&dict, "delay", "d", 0.5);
  g_variant_dict_insert_value (&dict, "nested",
                               g_variant_new_parsed ("[{'open': <true>, 'inner': <{'n': <int64 7>}>}]"));
  return g_variant_dict_end (&dict);
}

char *
mxr_hub_draw_room (MxrHub *hub, const char *room)
{
  return strcmp (room, "stage") == 0 ? g_strdup ("digraph room {}") : NULL;
}

void
mxr_hub_append_metrics (MxrHub *hub, GString *text)
{
  g_string_append_printf (text, "mixroom_participants %u\n", hub->participants->len);
}

/* One output, o1, in the room stage. */
static GVariant *
output_of (MxrHub *hub, const char *room, const char *id, const char *state, GError **error)
{
  if (fail_as_told (hub, error))
    return NULL;
  if (strcmp (room, "stage") == 0 && (strcmp (id, "o1") == 0 || strcmp (id, "programme") == 0))
    return g_variant_new_parsed ("{'id': <'o1'>, 'state': <%s>}", state);
  g_set_error_literal (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_NOT_FOUND, "there is no such output");
  return NULL;
}

GVariant *
mxr_hub_start_output (MxrHub *hub, const char *room, const MxrOutputOrder *order, GError **error)
{
  record (hub, "start-output %s %s %s %s", room, order->type, order->format, order->url);
  return output_of (hub, room, "o1", "starting", error);
}

GVariant *
mxr_hub_describe_outputs (MxrHub *hub, const char *room, GError **error)
{
  GVariant *output = output_of (hub, room, "o1", "running", error);
  return output != NULL ? g_variant_new_array (G_VARIANT_TYPE_VARDICT, &output, 1) : NULL;
}

GVariant *
mxr_hub_describe_output (MxrHub *hub, const char *room, const char *id, GError **error)
{
  return output_of (hub, room, id, "running", error);
}

GVariant *
mxr_hub_pause_output (MxrHub *hub, const char *room, const char *id, bool paused, GError **error)
{
  return output_of (hub, room, id, paused ? "paused" : "running", error);
}

GVariant *
mxr_hub_stop_output (MxrHub *hub, const char *room, const char *id, GError **error)
{
  record (hub, "stop-output %s %s", room, id);
  return output_of (hub, room, id, "finished", error);
}

GVariant *
mxr_hub_describe_programme (MxrHub *hub, const char *room, GError **error)
{
  return output_of (hub, room, "programme", "plain", error);
}

GVariant *
mxr_hub_change_programme (MxrHub *hub, const char *room, const MxrProgrammeChange *change, GError **error)
{
  record (hub, "change-programme %s %s %s %s %d %g %g %g", room, change->layout, change->pin, change->labels, change->clock,
          change->logo_height, change->safe_margin, change->loudness_lufs);
  return output_of (hub, room, "programme", "changed", error);
}

void
mxr_hub_take_snapshot_async (MxrHub *hub, const char *room, const char *type, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  GError *error = NULL;

  if (fail_as_told (hub, &error))
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_bytes_new (type, strlen (type)), (GDestroyNotify) g_bytes_unref);
}

GBytes *
mxr_hub_take_snapshot_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

GVariant *
mxr_hub_start_player (MxrHub *hub, const char *room, const MxrPlayerOrder *order, GError **error)
{
  record (hub, "start-player %s %s %s %s %s %g", room, order->location, order->is_file ? "file" : "url", order->name,
          order->loop ? "loop" : "once", order->volume);
  return output_of (hub, room, "o1", "starting", error);
}

GVariant *
mxr_hub_describe_players (MxrHub *hub, const char *room, GError **error)
{
  return mxr_hub_describe_outputs (hub, room, error);
}

GVariant *
mxr_hub_describe_player (MxrHub *hub, const char *room, const char *id, GError **error)
{
  return output_of (hub, room, id, "playing", error);
}

GVariant *
mxr_hub_change_player (MxrHub *hub, const char *room, const char *id, const MxrPlayerChange *change, GError **error)
{
  record (hub, "change-player %s %s %d %d %d %g", room, id, change->paused, change->loop, (int) change->position_ms, change->volume);
  return output_of (hub, room, id, "changed", error);
}

GVariant *
mxr_hub_stop_player (MxrHub *hub, const char *room, const char *id, GError **error)
{
  record (hub, "stop-player %s %s", room, id);
  return output_of (hub, room, id, "finished", error);
}

MxrParticipant *
mxr_hub_join (MxrHub *hub, const char *room, const char *name, MxrRole role,
              const MxrParticipantEvents *events, gpointer user_data, GError **error)
{
  if (fail_as_told (hub, error))
    return NULL;
  MxrParticipant *self = g_new0 (MxrParticipant, 1);
  self->hub = hub;
  self->id = g_strdup_printf ("p%u", ++hub->n_ids);
  self->room = g_strdup (room);
  self->name = g_strdup (name);
  self->resume_token = g_strdup_printf ("resume-%u", hub->n_ids);
  self->events = events;
  self->user_data = user_data;
  g_ptr_array_add (hub->participants, self);
  record (hub, "join %s %s %d", room, name, role);
  return self;
}

MxrParticipant *
mxr_hub_resume (MxrHub *hub, const char *token, const char *room, const MxrParticipantEvents *events,
                gpointer user_data, GError **error)
{
  for (guint i = 0; i < hub->participants->len; i++) {
    MxrParticipant *self = g_ptr_array_index (hub->participants, i);
    if (strcmp (self->resume_token, token) != 0 || (room != NULL && strcmp (self->room, room) != 0))
      continue;
    if (self->events != NULL && self->events->on_removed != NULL)
      self->events->on_removed (self, MXR_REMOVAL_RESUMED_ELSEWHERE, "resumed elsewhere", self->user_data);
    self->events = events;
    self->user_data = user_data;
    record (hub, "resume %s", self->id);
    return self;
  }
  g_set_error_literal (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_NOT_FOUND, "nothing to resume");
  return NULL;
}

/* ---- A participant --------------------------------------------------------------------------------------
 */

void
mxr_participant_detach (MxrParticipant *self)
{
  record (self->hub, "detach %s", self->id);
  self->events = NULL;
}

void
mxr_participant_leave (MxrParticipant *self)
{
  record (self->hub, "leave %s", self->id);
  g_ptr_array_remove (self->hub->participants, self);
}

void
mxr_fake_participant_remove (MxrParticipant *self, const char *reason)
{
  MxrHub *hub = self->hub;

  if (self->events != NULL && self->events->on_removed != NULL)
    self->events->on_removed (self, MXR_REMOVAL_GONE, reason, self->user_data);
  g_ptr_array_remove (hub->participants, self);
}

const char *
mxr_participant_get_id (MxrParticipant *self)
{
  return self->id;
}

const char *
mxr_participant_get_room (MxrParticipant *self)
{
  return self->room;
}

const char *
mxr_participant_get_resume_token (MxrParticipant *self)
{
  return self->resume_token;
}

static void
answer_as_told (MxrParticipant *self)
{
  GError *error = NULL;
  fail_as_told (self->hub, &error);
  answer (self, error);
}

static gboolean
on_timer (gpointer user_data)
{
  answer_as_told (user_data);
  return G_SOURCE_REMOVE;
}

static void
start_answer (MxrParticipant *self, const char *text, GAsyncReadyCallback callback, gpointer user_data)
{
  if (self->callback != NULL) {
    g_task_report_new_error (NULL, callback, user_data, NULL, MXR_ROOM_ERROR, MXR_ROOM_ERROR_BUSY,
                             "an offer is being answered");
    return;
  }
  self->callback = callback;
  self->callback_data = user_data;
  self->answer = text;
  if (self->hub->holds_answers)
    return;
  self->timer = g_timeout_source_new (1);
  g_source_set_callback (self->timer, on_timer, self, NULL);
  g_source_attach (self->timer, NULL);
}

void
mxr_fake_hub_release (MxrHub *hub)
{
  hub->holds_answers = false;
  for (guint i = 0; i < hub->participants->len; i++) {
    MxrParticipant *self = g_ptr_array_index (hub->participants, i);
    if (self->callback != NULL)
      answer_as_told (self);
  }
}

void
mxr_participant_negotiate_async (MxrParticipant *self, const char *offer, bool wait_for_candidates,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
  record (self->hub, "negotiate %s %s %d", self->id, offer, wait_for_candidates);
  start_answer (self, "v=0 answer", callback, user_data);
}

char *
mxr_participant_negotiate_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

bool
mxr_participant_add_candidate (MxrParticipant *self, const char *candidate, const char *mid, GError **error)
{
  record (self->hub, "candidate %s %s", candidate, mid != NULL ? mid : "-");
  return !fail_as_told (self->hub, error);
}

bool
mxr_participant_has_ice_credentials (MxrParticipant *self, const char *ufrag, const char *pwd)
{
  return strcmp (ufrag, "known") == 0;
}

void
mxr_participant_restart_ice_async (MxrParticipant *self, const char *ufrag, const char *pwd,
                                   GAsyncReadyCallback callback, gpointer user_data)
{
  record (self->hub, "restart %s %s", ufrag, pwd);
  start_answer (self, "a=ice-ufrag:new\r\n", callback, user_data);
}

char *
mxr_participant_restart_ice_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
mxr_participant_set_muted (MxrParticipant *self, MxrMute audio, MxrMute video)
{
  static const char marks[] = { [MXR_MUTE_UNCHANGED] = '-', [MXR_MUTE_OFF] = '0', [MXR_MUTE_ON] = '1' };
  record (self->hub, "mute %c %c", marks[audio], marks[video]);
}

void
mxr_participant_set_hand (MxrParticipant *self, bool raised)
{
  record (self->hub, "hand %d", raised);
}

bool
mxr_participant_chat (MxrParticipant *self, const char *text, GError **error)
{
  record (self->hub, "chat %s", text);
  return !fail_as_told (self->hub, error);
}
