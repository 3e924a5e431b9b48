#ifndef MXR_COLLECTION_H
#define MXR_COLLECTION_H

#include "server-private.h"

/* What a room has several of, each with an id, which hosts begin, look at, change and stop:
 * /api/v1/rooms/{room}/{name} and what is below it. */
typedef struct {
  const char *name;
  GVariant *(*list) (MxrHub *hub, const char *room, GError **error);
  GVariant *(*describe) (MxrHub *hub, const char *room, const char *id, GError **error);
  GVariant *(*stop) (MxrHub *hub, const char *room, const char *id, GError **error);
  /* These answer @msg, or see to it. */
  void (*start) (MxrServer *server, SoupServerMessage *msg, const char *room);
  void (*change) (MxrServer *server, SoupServerMessage *msg, const char *room, const char *id);
} MxrCollection;

/* @segments: "api", "v1", "rooms", a name, the collection's name and what follows. */
void mxr_collection_handle (const MxrCollection *self, MxrServer *server, SoupServerMessage *msg, char **segments,
                            guint n_segments);

/** mxr_collection_respond_started: @value: (transfer floating) (nullable): what was begun, with its "id": 201; %NULL: @error. */
void mxr_collection_respond_started (const MxrCollection *self, SoupServerMessage *msg, const char *room, GVariant *value,
                                     const GError *error);

#endif
