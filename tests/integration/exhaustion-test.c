/* Connections that say nothing, and as many as there are descriptors: calls go on, and what was freed is
 * taken again. */

#include "oracle.h"
#include "wire.h"

#include <string.h>
#include <unistd.h>

#define ROOM "test"
#define N_HALF_SENT 300
#define MAX_DESCRIPTORS 160

static void
close_all (GArray *sockets)
{
  for (guint i = 0; i < sockets->len; i++)
    close (g_array_index (sockets, int, i));
  g_array_set_size (sockets, 0);
}

static void
open_many (ServerProcess *server, GArray *sockets, guint n)
{
  static const char half[] =
      "POST /whip/test HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/sdp\r\nContent-Le";

  for (guint i = 0; i < n; i++) {
    int fd = tcp_client_new (server);
    if (fd < 0)
      continue;
    tcp_client_send (fd, half, 1 + i % (sizeof half - 1));
    g_array_append_val (sockets, fd);
  }
}

static bool
is_alive (gpointer data)
{
  g_auto (ServerReply) reply = { 0 };
  server_process_send (data, "GET", "/healthz", NULL, NULL, NULL, -1, &reply);
  return reply.status == 200;
}

static void
test_half_sent_requests (void)
{
  static const char *const settings[] = { "http.max_connections_per_address=500", "http.request_deadline_s=4",
                                          NULL };
  ServerProcess *server = server_process_new (settings);
  g_autoptr (GArray) sockets = g_array_new (FALSE, FALSE, sizeof (int));
  ServerUsage before, during, after;
  Call call;

  call_start (&call, server, ROOM);
  server_process_measure (server, &before);
  open_many (server, sockets, N_HALF_SENT);
  FakePeer *guest = fake_peer_new (server, ROOM, 2, "VP8", FAKE_PEER_CALL);
  call_await_guest (&call, guest);
  server_process_measure (server, &during);
  g_assert_cmpuint (during.n_descriptors, >=, before.n_descriptors + N_HALF_SENT);
  fake_peer_leave (guest);
  call_check (&call, "with half-sent requests");
  pump_for (5000); /* their deadline passes */
  server_process_measure (server, &after);
  g_test_message ("descriptors: %u, then %u, then %u", before.n_descriptors, during.n_descriptors,
                  after.n_descriptors);
  g_assert_cmpuint (after.n_descriptors, <=, before.n_descriptors + 10);
  close_all (sockets);
  call_end (&call);
  server_process_free (server);
}

static void
test_descriptors_used_up (void)
{
  static const char *const settings[] = { "http.max_connections_per_address=1000",
                                          "http.max_connections=1000", "http.request_deadline_s=4", NULL };
  ServerProcess *server = server_process_new_limited (settings, MAX_DESCRIPTORS);
  g_autoptr (GArray) sockets = g_array_new (FALSE, FALSE, sizeof (int));
  ServerUsage usage;
  Call call;

  call_start (&call, server, ROOM);
  for (guint round = 0; round < 2; round++) {
    open_many (server, sockets, MAX_DESCRIPTORS * 2);
    pump_for (500);
    server_process_measure (server, &usage);
    g_test_message ("%u descriptors of %u", usage.n_descriptors, MAX_DESCRIPTORS);
    g_assert_cmpuint (usage.n_descriptors, >, MAX_DESCRIPTORS - 20);
    call_check (&call, "without descriptors");
    close_all (sockets);
    pump_until (is_alive, server, 20, "an answer, with descriptors again");
    FakePeer *guest = fake_peer_new (server, ROOM, 2, "VP8", FAKE_PEER_CALL);
    call_await_guest (&call, guest);
    fake_peer_leave (guest);
    call_check (&call, "with descriptors again");
  }
  call_end (&call);
  server_process_free (server);
}

/* Who gets in when there is no descriptor for the media is refused or fails alone. */
static void
test_joins_without_descriptors (void)
{
  static const char *const settings[] = { "http.joins_per_minute=100000", NULL };
  ServerProcess *server = server_process_new_limited (settings, MAX_DESCRIPTORS);
  g_autoptr (GPtrArray) locations = g_ptr_array_new_with_free_func (g_free);
  FakePeer *model = fake_peer_prepare (server, 2, "VP8", FAKE_PEER_CALL);
  Call call;

  call_start (&call, server, ROOM);
  for (guint i = 0; i < 60; i++) {
    g_auto (ServerReply) reply = { 0 };
    server_process_send (server, "POST", "/whip/" ROOM, NULL, "application/sdp", fake_peer_get_offer (model),
                         -1, &reply);
    if (reply.status == 201)
      g_ptr_array_add (locations, g_steal_pointer (&reply.location));
    else
      g_test_message ("join %u: %u %s", i, reply.status, reply.body);
  }
  g_test_message ("%u got in", locations->len);
  call_check (&call, "after joins without descriptors");
  for (guint i = 0; i < locations->len; i++)
    server_process_request (server, "DELETE", locations->pdata[i], NULL, NULL, NULL, NULL);
  pump_until (is_alive, server, 20, "an answer, with descriptors again");
  FakePeer *guest = fake_peer_new (server, ROOM, 3, "VP8", FAKE_PEER_CALL);
  call_await_guest (&call, guest);
  fake_peer_leave (guest);
  fake_peer_discard (model);
  call_end (&call);
  server_process_free (server);
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/exhaustion/half-sent-requests", test_half_sent_requests);
  g_test_add_func ("/exhaustion/descriptors-used-up", test_descriptors_used_up);
  g_test_add_func ("/exhaustion/joins-without-descriptors", test_joins_without_descriptors);
  return g_test_run ();
}
