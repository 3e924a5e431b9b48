/* What a connection asks of a participant and waits for: answers to offers and to ICE restarts.
 *
 * A task ends in a later round of the main loop, as GTask promises, so an answer is never delivered from within the call
 * that asked for it. But a GTask cannot be told that nobody waits any more, hence the ask between task and callback. */

#include "room-private.h"

/* Freed when its task has called back. */
typedef struct {
  MxrParticipant *participant; /* NULL: removed */
  GTask *task;                 /* until it has its result */
  GAsyncReadyCallback callback; /* NULL: who asked has left */
  gpointer user_data;
} Ask;

static MxrRoomError
room_error_code (const GError *error)
{
  static const struct {
    MxrPeerError peer;
    MxrRoomError room;
  } codes[] = {
    { MXR_PEER_ERROR_BAD_SDP, MXR_ROOM_ERROR_BAD_SDP },
    { MXR_PEER_ERROR_NOTHING_USABLE, MXR_ROOM_ERROR_NOTHING_USABLE },
    { MXR_PEER_ERROR_BAD_CANDIDATE, MXR_ROOM_ERROR_BAD_CANDIDATE },
    { MXR_PEER_ERROR_NOT_NEGOTIATED, MXR_ROOM_ERROR_NOT_NEGOTIATED },
    { MXR_PEER_ERROR_BUSY, MXR_ROOM_ERROR_BUSY },
  };

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    if (g_error_matches (error, MXR_PEER_ERROR, codes[i].peer))
      return codes[i].room;
  return MXR_ROOM_ERROR_FAILED;
}

static GError *
as_room_error (const GError *error)
{
  return g_error_new_literal (MXR_ROOM_ERROR, room_error_code (error), error->message);
}

static void
on_task_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Ask *ask = user_data;

  if (ask->participant != NULL)
    g_ptr_array_remove_fast (ask->participant->asks, ask);
  if (ask->callback != NULL)
    ask->callback (source, result, ask->user_data);
}

static Ask *
ask_new (MxrParticipant *participant, gpointer source_tag, GAsyncReadyCallback callback, gpointer user_data)
{
  Ask *ask = g_new (Ask, 1);
  *ask = (Ask){ participant, g_task_new (NULL, NULL, on_task_done, ask), callback, user_data };
  g_task_set_source_tag (ask->task, source_tag);
  g_ptr_array_add (participant->asks, ask);
  return ask;
}

static void
on_answer (const char *answer, const GError *error, gpointer user_data)
{
  Ask *ask = user_data;
  g_autoptr (GTask) task = g_steal_pointer (&ask->task);

  if (error != NULL)
    g_task_return_error (task, as_room_error (error));
  else
    g_task_return_pointer (task, g_strdup (answer), g_free);
}

/* Their participant is removed, and its peer answers none of them any more. */
void
mxr_participant_end_asks (MxrParticipant *participant, bool tell)
{
  g_autoptr (GPtrArray) asks = g_steal_pointer (&participant->asks);

  participant->asks = g_ptr_array_new ();
  for (guint i = 0; i < asks->len; i++) {
    Ask *ask = asks->pdata[i];
    ask->participant = NULL;
    if (!tell)
      ask->callback = NULL;
  }
  for (guint i = 0; i < asks->len; i++) {
    Ask *ask = asks->pdata[i];
    g_autoptr (GTask) task = g_steal_pointer (&ask->task);
    if (task != NULL)
      g_task_return_new_error (task, MXR_ROOM_ERROR, MXR_ROOM_ERROR_NOT_FOUND, "the participant is no more");
  }
}

/* ---- The public side -------------------------------------------------------------------------------------- */

void
mxr_participant_negotiate_async (MxrParticipant *participant, const char *offer, bool wait_for_candidates,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
  Ask *ask = ask_new (participant, mxr_participant_negotiate_async, callback, user_data);
  g_autoptr (GError) error = NULL;

  if (!mxr_peer_negotiate (participant->peer, offer, wait_for_candidates, on_answer, ask, &error))
    on_answer (NULL, error, ask);
}

char *
mxr_participant_negotiate_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
mxr_participant_restart_ice_async (MxrParticipant *participant, const char *ufrag, const char *pwd,
                                   GAsyncReadyCallback callback, gpointer user_data)
{
  Ask *ask = ask_new (participant, mxr_participant_restart_ice_async, callback, user_data);
  g_autoptr (GError) error = NULL;

  if (!mxr_peer_restart_ice (participant->peer, ufrag, pwd, on_answer, ask, &error))
    on_answer (NULL, error, ask);
}

char *
mxr_participant_restart_ice_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

bool
mxr_participant_has_ice_credentials (MxrParticipant *participant, const char *ufrag, const char *pwd)
{
  return mxr_peer_has_ice_credentials (participant->peer, ufrag, pwd);
}

bool
mxr_participant_add_candidate (MxrParticipant *participant, const char *candidate, const char *mid, GError **error)
{
  g_autoptr (GError) cause = NULL;
  if (mxr_peer_add_candidate (participant->peer, candidate, &cause))
    return true;
  g_propagate_error (error, as_room_error (cause));
  return false;
}
