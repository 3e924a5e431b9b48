#ifndef MXR_FAKE_ROOM_H
#define MXR_FAKE_ROOM_H

#include "mixroom/room.h"

/* Stands in for the room module in the tests: writes down what it is asked, answers as it is told. */
struct _MxrHub {
  GPtrArray *calls;        /* char *: "join room name role", in order */
  GPtrArray *participants; /* MxrParticipant, those not removed */
  int next_error;          /* an MxrRoomError for the next join, resume or negotiation; -1: none */
  bool holds_answers;      /* negotiations wait for mxr_fake_hub_release() */
  bool is_ready;
  guint n_ids;
  const MxrHubEvents *events; /* NULL: nobody watches */
  gpointer events_data;
};

struct _MxrParticipant {
  MxrHub *hub;
  char *id, *room, *name, *resume_token;
  const MxrParticipantEvents *events; /* NULL: detached */
  gpointer user_data;
  GAsyncReadyCallback callback; /* of the negotiation or restart under way; NULL: none is */
  gpointer callback_data;
  const char *answer;
  GSource *timer; /* gives it */
};

/* Whether the call was made; forgets it and those before it. */
bool mxr_fake_hub_was_called (MxrHub *hub, const char *call);
void mxr_fake_hub_release (MxrHub *hub);
/* The last one who joined, or NULL. */
MxrParticipant *mxr_fake_hub_last (MxrHub *hub);
void mxr_fake_participant_remove (MxrParticipant *participant, const char *reason);

#endif
