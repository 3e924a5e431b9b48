/* What a connection asks of a participant and waits for: answers to offers and to ICE restarts. */

#include "room-private.h"

/* Freed when it is answered. There is no task before: one that is as old as its asking would call back from within what
 * ends it, a removal for example (g_task_return_*() does when the main loop has turned since); one made when there is
 * something to say calls back in the next turn. */
struct _MxrAsk {
  MxrParticipant *participant;
  gpointer source_tag;
  GAsyncReadyCallback callback;
  gpointer user_data;
};

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

static MxrAsk *
ask_new (MxrParticipant *participant, gpointer source_tag, GAsyncReadyCallback callback, gpointer user_data)
{
  MxrAsk *ask = g_new (MxrAsk, 1);
  *ask = (MxrAsk){ participant, source_tag, callback, user_data };
  return ask;
}

/* @error: (transfer full) (nullable) */
static void
finish (MxrAsk *ask, const char *answer, GError *error)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, ask->callback, ask->user_data);

  if (ask->participant->ask == ask)
    ask->participant->ask = NULL;
  g_task_set_source_tag (task, ask->source_tag);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_strdup (answer), g_free);
  g_free (ask);
}

static void
on_answer (const char *answer, const GError *error, gpointer user_data)
{
  finish (user_data, answer, error != NULL ? as_room_error (error) : NULL);
}

void
mxr_participant_end_ask (MxrParticipant *participant)
{
  if (participant->ask != NULL)
    finish (participant->ask, NULL,
            g_error_new_literal (MXR_ROOM_ERROR, MXR_ROOM_ERROR_NOT_FOUND, "the participant is no more"));
}

/* ---- The public side -------------------------------------------------------------------------------------- */

void
mxr_participant_negotiate_async (MxrParticipant *participant, const char *offer, bool wait_for_candidates,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
  MxrAsk *ask = ask_new (participant, mxr_participant_negotiate_async, callback, user_data);
  g_autoptr (GError) error = NULL;

  if (mxr_peer_negotiate (participant->peer, offer, wait_for_candidates, on_answer, ask, &error))
    participant->ask = ask;
  else
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
  MxrAsk *ask = ask_new (participant, mxr_participant_restart_ice_async, callback, user_data);
  g_autoptr (GError) error = NULL;

  if (mxr_peer_restart_ice (participant->peer, ufrag, pwd, on_answer, ask, &error))
    participant->ask = ask;
  else
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
