#ifndef MXR_TEST_CLIENT_H
#define MXR_TEST_CLIENT_H

#include "mixroom/signal.h"

#include "fake-room.h"

/* A server on a free port, and clients that speak through raw sockets, all in the test's thread. */
typedef struct {
  MxrConfig *config;
  MxrHub *hub;
  MxrServer *server;
} TestServer;

/* The fake room's hub, or the real one: by what the test is linked with. */
MxrHub *test_hub_new (const MxrConfig *config);
void test_hub_free (MxrHub *hub);

/** test_server_start: @...: "group.key=value", %NULL-terminated */
void test_server_start (TestServer *test, ...) G_GNUC_NULL_TERMINATED;
void test_server_stop (TestServer *test);

typedef bool (*TestCondition) (gpointer user_data);

/** test_until: Runs the main context until @condition holds. Returns: false when it did not within @seconds.
 */
bool test_until (TestCondition condition, gpointer user_data, guint seconds);
void test_run_ms (guint ms);

typedef struct {
  int fd; /* -1: could not connect */
  GString *in;
  bool is_closed; /* the server's side is */
} TestClient;

TestClient *test_client_new (TestServer *test);
void test_client_free (TestClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestClient, test_client_free)
void test_client_send (TestClient *client, const void *bytes, gssize n_bytes);
/** test_client_wait_for: Returns: whether @text came. */
bool test_client_wait_for (TestClient *client, const char *text);
bool test_client_wait_closed (TestClient *client);

/** test_request: One request on a connection of its own; returns the whole answer. @request: (nullable) body
 */
char *test_request (TestServer *test, const char *method, const char *path, const char *headers,
                    const char *body);
guint test_get_status (const char *response);
/** test_get_header: Returns: (transfer full) (nullable). */
char *test_get_header (const char *response, const char *name);

/* ---- WebSocket ---- */

#define TEST_UPGRADE                                                                                         \
  "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"                               \
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

TestClient *test_ws_new (TestServer *test);
void test_ws_send_frame (TestClient *client, guint8 first_byte, const void *payload, gsize n_bytes);
void test_ws_send (TestClient *client, const char *text);
/** test_ws_get_close_code: Returns: of the close frame that came (waits for it), or 0. */
guint test_ws_get_close_code (TestClient *client);

/** test_make_token: Returns: (transfer full): a JWT; @header, @claims: JSON */
char *test_make_token (const char *secret, const char *header, const char *claims);

#endif
