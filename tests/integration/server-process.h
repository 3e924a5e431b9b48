#ifndef MXR_SERVER_PROCESS_H
#define MXR_SERVER_PROCESS_H

#include <stdbool.h>
#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

G_BEGIN_DECLS

/* The server as its users run it: a process of its own, on a free port of loopback. */

typedef struct {
  GSubprocess *process;
  GDataInputStream *log;
  char *uri; /* ends with a slash */
  SoupSession *http;
} ServerProcess;

/**
 * server_process_new:
 * @settings: (nullable) (array zero-terminated=1): KEY=VALUE, besides what loopback needs
 *
 * Starts $MIXROOM_SERVER and waits until it serves. Aborts the test otherwise.
 */
ServerProcess *server_process_new (const char *const *settings);

/** server_process_free: SIGTERM; asserts a clean end within ten seconds. */
void server_process_free (ServerProcess *server);

/** server_process_request: @out_location: (nullable). Returns: status; *out_body is the answer's. */
guint server_process_request (ServerProcess *server, const char *method, const char *path, const char *type,
                              const char *body, char **out_body, char **out_location);

/** server_process_get_json: Returns: (transfer full): the answer to a GET that must be 200. */
JsonNode *server_process_get_json (ServerProcess *server, const char *path);

/** pump_until: Runs the default main context until @is_done, or aborts after @seconds, saying @what. */
void pump_until (bool (*is_done) (gpointer data), gpointer data, guint seconds, const char *what);
/** pump_for: Runs the default main context for so long. */
void pump_for (guint ms);

G_END_DECLS

#endif
