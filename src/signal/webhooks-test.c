#include "test-client.h"

#include "mixroom/library.h"

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>
#include <string.h>

#define LONG_BYTES (1024 * 1024)
#define SECRET "0123456789abcdef0123456789abcdef"

/* ---- Who is told ------------------------------------------------------------------------------------------------------ */

typedef struct {
  SoupServer *soup;
  guint port;
  GPtrArray *answers;  /* of the next requests: "500", "429 2" (Retry-After), "302", "hang", "long"; then "200" */
  GHashTable *ports;   /* that requests came from: a set */
  GString *types;      /* of what was taken, in order */
  GString *last_data;  /* "data" of the last one */
  guint n_requests;
  gint64 times_us[16]; /* of the first requests */
  char *login;         /* Authorization of the last one; NULL: it had none */
  SoupServerMessage *hanging;
} Receiver;

static void
assert_signed (SoupServerMessage *msg, const char *body)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (msg);
  const char *id = soup_message_headers_get_one (headers, "webhook-id");
  const char *timestamp = soup_message_headers_get_one (headers, "webhook-timestamp");
  g_autofree char *text = g_strdup_printf ("%s.%s.%s", id, timestamp, body);
  g_autofree char *hex = g_compute_hmac_for_string (G_CHECKSUM_SHA256, (const guchar *) SECRET, strlen (SECRET), text, -1);
  guchar digest[32];

  for (guint i = 0; i < 32; i++)
    digest[i] = (guchar) (g_ascii_xdigit_value (hex[2 * i]) << 4 | g_ascii_xdigit_value (hex[2 * i + 1]));
  g_autofree char *encoded = g_base64_encode (digest, sizeof digest), *wanted = g_strconcat ("v1,", encoded, NULL);
  g_assert_cmpstr (soup_message_headers_get_one (headers, "webhook-signature"), ==, wanted);
  g_assert_cmpint (ABS (g_ascii_strtoll (timestamp, NULL, 10) - g_get_real_time () / G_USEC_PER_SEC), <=, 2);
  g_assert_cmpstr (soup_message_headers_get_content_type (headers, NULL), ==, "application/json");
}

static void
take (Receiver *self, SoupServerMessage *msg, const char *body)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_assert_true (json_parser_load_from_data (parser, body, -1, NULL));
  JsonObject *object = json_node_get_object (json_parser_get_root (parser));
  g_autofree char *data = json_to_string (json_object_get_member (object, "data"), FALSE);

  g_assert_cmpstr (json_object_get_string_member (object, "id"), ==,
                   soup_message_headers_get_one (soup_server_message_get_request_headers (msg), "webhook-id"));
  g_assert_cmpint (ABS (json_object_get_int_member (object, "time") - g_get_real_time () / 1000), <, 30000);
  g_string_append_printf (self->types, "%s@%s ", json_object_get_string_member (object, "type"),
                          json_object_get_string_member (object, "room"));
  g_string_assign (self->last_data, data);
}

static void
on_post (SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer user_data)
{
  Receiver *self = user_data;
  g_autoptr (GBytes) bytes = soup_message_body_flatten (soup_server_message_get_request_body (msg));
  g_autofree char *body = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  g_autofree char *answer = self->answers->len > 0 ? g_ptr_array_steal_index (self->answers, 0) : g_strdup ("200");
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (msg);

  g_assert_cmpstr (soup_server_message_get_method (msg), ==, "POST");
  g_assert_cmpstr (path, ==, "/hook");
  GInetSocketAddress *remote = G_INET_SOCKET_ADDRESS (soup_server_message_get_remote_address (msg));
  g_hash_table_add (self->ports, GUINT_TO_POINTER (g_inet_socket_address_get_port (remote)));
  if (self->n_requests < G_N_ELEMENTS (self->times_us))
    self->times_us[self->n_requests] = g_get_monotonic_time ();
  self->n_requests++;
  assert_signed (msg, body);
  if (strcmp (answer, "hang") == 0) {
    self->hanging = g_object_ref (msg);
    soup_server_message_pause (msg);
    return;
  }
  if (strcmp (answer, "long") == 0)
    soup_server_message_set_response (msg, "text/plain", SOUP_MEMORY_TAKE, g_strnfill (LONG_BYTES, 'x'), LONG_BYTES);
  if (g_str_has_prefix (answer, "200") || strcmp (answer, "long") == 0)
    take (self, msg, body);
  if (strchr (answer, ' ') != NULL)
    soup_message_headers_replace (headers, "Retry-After", strchr (answer, ' ') + 1);
  soup_message_headers_replace (headers, "Location", "/elsewhere");
  if (strcmp (answer, "401") == 0)
    soup_message_headers_replace (headers, "WWW-Authenticate", "Basic realm=\"hooks\"");
  g_free (self->login);
  self->login = g_strdup (soup_message_headers_get_one (soup_server_message_get_request_headers (msg), "Authorization"));
  soup_server_message_set_status (msg, strcmp (answer, "long") == 0 ? 200 : (guint) g_ascii_strtoull (answer, NULL, 10), NULL);
}

static void
receiver_start (Receiver *self, const char *first_answers)
{
  g_auto (GStrv) answers = g_strsplit (first_answers, ",", -1);
  g_autoptr (GError) error = NULL;

  *self = (Receiver){ .soup = soup_server_new (NULL, NULL), .types = g_string_new (NULL), .last_data = g_string_new (NULL) };
  self->answers = g_ptr_array_new_with_free_func (g_free);
  self->ports = g_hash_table_new (NULL, NULL);
  for (guint i = 0; answers[i] != NULL; i++)
    g_ptr_array_add (self->answers, g_strdup (answers[i]));
  soup_server_add_handler (self->soup, "/", on_post, self, NULL);
  soup_server_listen_local (self->soup, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  g_assert_no_error (error);
  g_autoslist (GUri) uris = soup_server_get_uris (self->soup);
  self->port = (guint) g_uri_get_port (uris->data);
}

static void
receiver_stop (Receiver *self)
{
  g_clear_object (&self->hanging);
  g_free (self->login);
  soup_server_disconnect (self->soup);
  g_object_unref (self->soup);
  g_ptr_array_unref (self->answers);
  g_hash_table_unref (self->ports);
  g_string_free (self->types, TRUE);
  g_string_free (self->last_data, TRUE);
}

/* ---- Who tells ---------------------------------------------------------------------------------------------------------- */

static void
server_start (TestServer *test, const Receiver *one, const Receiver *other)
{
  g_autofree char *urls = g_strdup_printf ("webhooks.webhook_urls=http://127.0.0.1:%u/hook%s", one->port,
                                           other != NULL ? ", " : "");
  g_autofree char *more = other != NULL ? g_strdup_printf ("http://user:word@127.0.0.1:%u/hook", other->port) : g_strdup ("");
  g_autofree char *setting = g_strconcat (urls, more, NULL);
  test_server_start (test, setting, "webhooks.webhook_secret=" SECRET, NULL);
}

static void
fire_room (TestServer *test, const char *room, bool is_over)
{
  test->hub->events->on_room (room, is_over, test->hub->events_data);
}

static bool
has_all (gpointer user_data)
{
  const Receiver *self = user_data;
  return g_str_has_suffix (self->types->str, "room.ended@last ");
}

/* The receiver knows of an answer before the sender does. */
static void
await_metric (TestServer *test, const char *line)
{
  for (guint i = 0; i < 200; i++) {
    g_autofree char *text = test_request (test, "GET", "/metrics", NULL, NULL);
    if (strstr (text, line) != NULL)
      return;
    test_run_ms (20);
  }
  g_error ("no '%s'", line);
}

/* ---- Tests ------------------------------------------------------------------------------------------------------------- */

static void
fire_all (TestServer *test)
{
  const MxrHubEvents *events = test->hub->events;
  const MxrMember ann = { .id = "p-1", .name = "Ann" };
  const char *const names[] = { "Ann", "Bob", NULL };
  MxrRecording recording = { .output = "o1", .type = "file", .file = "a.mp4", .participants = names,
                             .started_ms = 1000, .duration_ms = 2000, .n_bytes = 3000 };
  gpointer data = test->hub->events_data;
  g_autoptr (GVariant) dict = g_variant_ref_sink (g_variant_new_parsed ("{'id': <'x1'>, 'state': <'running'>}"));

  fire_room (test, "stage", false);
  events->on_participant ("stage", &ann, MXR_ROLE_VIEWER, false, data);
  events->on_participant ("stage", &ann, MXR_ROLE_VIEWER, true, data);
  events->on_output ("stage", dict, data);
  events->on_player ("stage", dict, data);
  events->on_recording ("stage", &recording, data);
  recording.is_over = true;
  events->on_recording ("stage", &recording, data);
  recording.has_failed = true;
  events->on_recording ("last", &recording, data);
}

static void
test_all_kinds (void)
{
  Receiver receiver;
  TestServer test;

  receiver_start (&receiver, "200");
  server_start (&test, &receiver, NULL);
  fire_all (&test);
  fire_room (&test, "last", true);
  g_assert_true (test_until (has_all, &receiver, 10));
  g_assert_cmpstr (receiver.types->str, ==,
                   "room.began@stage participant.joined@stage participant.left@stage output.changed@stage player.changed@stage "
                   "recording.began@stage recording.finished@stage recording.failed@last room.ended@last ");
  g_assert_cmpstr (receiver.last_data->str, ==, "{}");
  await_metric (&test, "mixroom_webhooks_sent_total 9\n");
  await_metric (&test, "mixroom_webhooks_waiting 0\n");
  test_server_stop (&test);
  receiver_stop (&receiver);
}

static void
test_data (void)
{
  const MxrMember ann = { .id = "p-1", .name = "Ann" };
  Receiver receiver;
  TestServer test;

  receiver_start (&receiver, "200");
  server_start (&test, &receiver, NULL);
  test.hub->events->on_participant ("stage", &ann, MXR_ROLE_PUBLISHER, false, test.hub->events_data);
  test_server_stop (&test); /* tells what waits */
  g_autoptr (JsonNode) data = json_from_string (receiver.last_data->str, NULL);
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (data), "participant"), ==, "p-1");
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (data), "name"), ==, "Ann");
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (data), "role"), ==, "publisher");
  receiver_stop (&receiver);
}

/* With its id a receiver can fetch it. */
static void
test_recording (void)
{
  const char *const names[] = { "Ann", NULL };
  const MxrRecording recording = { .output = "o1", .type = "file", .file = "a.mp4", .participants = names, .is_over = true };
  g_autofree char *id = mxr_library_make_id (recording.file);
  Receiver receiver;
  TestServer test;

  receiver_start (&receiver, "200");
  server_start (&test, &receiver, NULL);
  test.hub->events->on_recording ("stage", &recording, test.hub->events_data);
  test_server_stop (&test); /* tells what waits */
  g_autoptr (JsonNode) data = json_from_string (receiver.last_data->str, NULL);
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (data), "recording"), ==, id);
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (data), "file"), ==, "a.mp4");
  receiver_stop (&receiver);
}

/* An answer that is no end of text is an answer; a short one leaves the connection as it was. */
static void
test_bodies (void)
{
  Receiver receiver;
  TestServer test;

  receiver_start (&receiver, "long,200,200");
  server_start (&test, &receiver, NULL);
  fire_room (&test, "stage", false);
  fire_room (&test, "stage", true);
  fire_room (&test, "last", true);
  g_assert_true (test_until (has_all, &receiver, 10));
  g_assert_cmpuint (receiver.n_requests, ==, 3);
  g_assert_cmpuint (g_hash_table_size (receiver.ports), ==, 2);
  test_server_stop (&test);
  receiver_stop (&receiver);
}

/* 500, then 429 with Retry-After: the same message comes again, nothing overtakes it. */
static void
test_retries (void)
{
  Receiver receiver;
  TestServer test;

  receiver_start (&receiver, "500,429 2");
  server_start (&test, &receiver, NULL);
  fire_room (&test, "stage", false);
  fire_room (&test, "last", true);
  g_assert_true (test_until (has_all, &receiver, 15));
  g_assert_cmpstr (receiver.types->str, ==, "room.began@stage room.ended@last ");
  g_assert_cmpuint (receiver.n_requests, ==, 4);
  g_assert_cmpint (receiver.times_us[1] - receiver.times_us[0], >=, 990000);
  g_assert_cmpint (receiver.times_us[2] - receiver.times_us[1], >=, 1990000);
  await_metric (&test, "mixroom_webhooks_retries_total 2\n");
  test_server_stop (&test);
  receiver_stop (&receiver);
}

/* Neither a redirect nor a refusal is tried again; what comes behind it is delivered. */
static void
test_refusals (void)
{
  Receiver receiver;
  TestServer test;

  receiver_start (&receiver, "302,404");
  server_start (&test, &receiver, NULL);
  fire_room (&test, "stage", false);
  fire_room (&test, "stage", true);
  fire_room (&test, "last", true);
  g_assert_true (test_until (has_all, &receiver, 10));
  g_assert_cmpuint (receiver.n_requests, ==, 3);
  g_assert_cmpstr (receiver.types->str, ==, "room.ended@last ");
  await_metric (&test, "mixroom_webhooks_failed_total 2\n");
  test_server_stop (&test);
  receiver_stop (&receiver);
}

/* The login in an address is for who asks for one. */
static void
test_login (void)
{
  Receiver receiver, with_login;
  TestServer test;

  receiver_start (&receiver, "200");
  receiver_start (&with_login, "401");
  server_start (&test, &receiver, &with_login);
  fire_room (&test, "last", true);
  g_assert_true (test_until (has_all, &with_login, 10));
  g_assert_true (test_until (has_all, &receiver, 10));
  g_assert_cmpstr (with_login.login, ==, "Basic dXNlcjp3b3Jk"); /* user:word */
  g_assert_null (receiver.login);
  test_server_stop (&test);
  receiver_stop (&receiver);
  receiver_stop (&with_login);
}

static bool
has_request (gpointer user_data)
{
  return ((const Receiver *) user_data)->n_requests > 0;
}

/* One that never answers holds up neither another address nor, for long, the end. */
static void
test_hanging (void)
{
  Receiver hanging, good;
  TestServer test;

  receiver_start (&hanging, "hang");
  receiver_start (&good, "200");
  server_start (&test, &hanging, &good);
  fire_room (&test, "stage", false);
  fire_room (&test, "last", true);
  g_assert_true (test_until (has_all, &good, 5));
  g_assert_true (test_until (has_request, &hanging, 5));
  gint64 start_us = g_get_monotonic_time ();
  test_server_stop (&test);
  g_assert_cmpint (g_get_monotonic_time () - start_us, <, 8 * G_USEC_PER_SEC);
  g_assert_cmpuint (hanging.n_requests, ==, 1);
  receiver_stop (&hanging);
  receiver_stop (&good);
}

/* What fails once more at the end is not waited for. */
static void
test_end_after_failure (void)
{
  Receiver receiver;
  TestServer test;

  receiver_start (&receiver, "500,500,500");
  server_start (&test, &receiver, NULL);
  fire_room (&test, "stage", false);
  fire_room (&test, "last", true);
  g_assert_true (test_until (has_request, &receiver, 5));
  test_run_ms (100);
  g_assert_cmpuint (receiver.n_requests, ==, 1);
  test_server_stop (&test);
  g_assert_cmpuint (receiver.n_requests, ==, 3);
  g_assert_cmpstr (receiver.types->str, ==, "");
  receiver_stop (&receiver);
}

static void
test_nobody_listens (void)
{
  TestServer test;

  test_server_start (&test, "webhooks.webhook_urls=http://127.0.0.1:1/hook", "webhooks.webhook_secret=" SECRET, NULL);
  fire_room (&test, "stage", false);
  await_metric (&test, "mixroom_webhooks_retries_total 1\n");
  await_metric (&test, "mixroom_webhooks_waiting 1\n");
  test_server_stop (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  mxr_log_init ("error", false);
  g_test_add_func ("/webhooks/all-kinds", test_all_kinds);
  g_test_add_func ("/webhooks/data", test_data);
  g_test_add_func ("/webhooks/recording", test_recording);
  g_test_add_func ("/webhooks/bodies", test_bodies);
  g_test_add_func ("/webhooks/retries", test_retries);
  g_test_add_func ("/webhooks/refusals", test_refusals);
  g_test_add_func ("/webhooks/login", test_login);
  g_test_add_func ("/webhooks/hanging", test_hanging);
  g_test_add_func ("/webhooks/end-after-failure", test_end_after_failure);
  g_test_add_func ("/webhooks/nobody-listens", test_nobody_listens);
  return g_test_run ();
}
