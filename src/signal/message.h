#ifndef MXR_MESSAGE_H
#define MXR_MESSAGE_H

#include "json-reader.h"

/* What a client says on the WebSocket (api.md). */
typedef enum {
  MXR_MESSAGE_JOIN,
  MXR_MESSAGE_OFFER,
  MXR_MESSAGE_CANDIDATE,
  MXR_MESSAGE_LAYOUT,
  MXR_MESSAGE_MUTE,
  MXR_MESSAGE_HAND,
  MXR_MESSAGE_CHAT,
  MXR_MESSAGE_LEAVE,
  MXR_MESSAGE_DELAY,
  MXR_MESSAGE_LINK,
} MxrMessageType;

/* Members that the type does not have are %NULL; strings hold no U+0000. */
typedef struct {
  MxrMessageType type;
  char *id; /* (nullable): JSON text of the request's `id`, ready to be written back */
  char *room, *name, *token, *offer, *resume;
  char *sdp;
  char *candidate, *sdp_mid;
  char *layout, *pin;
  char *text;
  bool has_audio, has_video; /* whether mute said anything about it */
  bool audio, video, raised;
  gint64 chat_after; /* Unix time, ms; 0: not said */
} MxrMessage;

#define MXR_MESSAGE_ERROR (mxr_message_error_quark ())
GQuark mxr_message_error_quark (void);

typedef enum {
  MXR_MESSAGE_ERROR_BAD_JSON,
  MXR_MESSAGE_ERROR_UNKNOWN_TYPE,
  MXR_MESSAGE_ERROR_BAD_MESSAGE, /* a member is missing or of the wrong type; the message names it */
} MxrMessageError;

/**
 * mxr_message_parse:
 * @out_id: (out) (transfer full) (nullable): the request's `id` as JSON text, also where the rest is wrong
 *
 * Thread: any; pure.
 * Returns: (transfer full): or %NULL with @error.
 */
MxrMessage *mxr_message_parse (const char *text, gsize n_bytes, char **out_id, GError **error);
void mxr_message_free (MxrMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrMessage, mxr_message_free)

/** mxr_message_error_get_code: Returns: of the `error` message: "bad-json". */
const char *mxr_message_error_get_code (const GError *error);

#endif
