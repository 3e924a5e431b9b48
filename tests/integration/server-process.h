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
 * @settings: (nullable) (array zero-terminated=1): KEY=VALUE, besides what loopback needs; calls of two are mixed unless these say
 *   otherwise, since most tests look at the tiles of a room
 *
 * Starts $MIXROOM_SERVER and waits until it serves. Aborts the test otherwise.
 */
ServerProcess *server_process_new (const char *const *settings);

/** server_process_new_limited: The same with a limit of open descriptors; 0: as it is. */
ServerProcess *server_process_new_limited (const char *const *settings, guint max_descriptors);

/** server_process_free: SIGTERM, twice; asserts a clean end within 20 seconds. */
void server_process_free (ServerProcess *server);
/** server_process_wait: Until it ended by itself. Returns: its exit status; frees @server. */
int server_process_wait (ServerProcess *server, guint seconds);

/** server_process_run: Runs the program to its end. @arguments: without its name. Returns: its exit status. */
int server_process_run (const char *const *arguments, char **out_stdout, char **out_stderr);

/* What the kernel says that the process holds. */
typedef struct {
  guint n_descriptors;
  guint n_threads;
  guint resident_kib;
  guint peak_kib; /* resident_kib's, since the start */
} ServerUsage;

void server_process_measure (ServerProcess *server, ServerUsage *out_usage);
guint16 server_process_get_port (ServerProcess *server);

/* An answer with what tests ask of it. Members are NULL where the header is missing. */
typedef struct {
  guint status; /* 0: no answer */
  char *type;
  char *location;
  char *etag;
  char *retry_after;
  char *body;
} ServerReply;

void server_reply_clear (ServerReply *reply);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ServerReply, server_reply_clear)

/** server_process_send: One request. @if_match, @type, @body: (nullable); @n_bytes: -1: to the NUL */
void server_process_send (ServerProcess *server, const char *method, const char *path, const char *if_match,
                          const char *type, const void *body, gssize n_bytes, ServerReply *out_reply);

/** server_reply_assert_problem: It is a problem+json of this status and kind, with a title and a detail. */
void server_reply_assert_problem (const ServerReply *reply, guint status, const char *kind);

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
