/* Joining and leaving, and what is said of it, against a server on loopback that answers as it is told. */

#include "whip.h"

#include <gst/gst.h>
#include <libsoup/soup.h>
#include <string.h>

#include "explain.h"

typedef struct {
  SoupServer *server;
  MxrWhip *whip;
  guint join_statuses[4], leave_status, n_joins;
  gint64 sent_us;
  char *location;
  guint n_answered;
} Fixture;

static void
on_request (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query, gpointer user_data)
{
  Fixture *fixture = user_data;
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);

  if (g_str_equal (soup_server_message_get_method (message), "DELETE")) {
    soup_server_message_set_status (message, fixture->leave_status, NULL);
    return;
  }
  soup_message_headers_replace (headers, "Retry-After", "1");
  soup_message_headers_replace (headers, "Location", "/whip/room/1");
  soup_server_message_set_status (message, fixture->join_statuses[fixture->n_joins++], NULL);
  soup_server_message_set_response (message, "application/sdp", SOUP_MEMORY_STATIC, "answer", 6);
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fixture->server = soup_server_new (NULL, NULL);
  soup_server_add_handler (fixture->server, NULL, on_request, fixture, NULL);
  soup_server_listen_local (fixture->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  g_assert_no_error (error);
  GSList *uris = soup_server_get_uris (fixture->server);
  g_autofree char *base = g_uri_to_string (uris->data);
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  fixture->whip = mxr_whip_new (base, NULL, false);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  mxr_whip_free (fixture->whip);
  soup_server_disconnect (fixture->server);
  g_object_unref (fixture->server);
  g_free (fixture->location);
}

static void
on_answered (const MxrWhipReply *reply, const GError *error, gpointer user_data)
{
  Fixture *fixture = user_data;

  fixture->n_answered++;
  fixture->sent_us = reply->sent_us;
  fixture->location = reply->location != NULL ? g_strdup (reply->location) : fixture->location;
}

static void
wait_for_answers (Fixture *fixture, guint n_answers)
{
  while (fixture->n_answered < n_answers || mxr_whip_count (fixture->whip) > 0)
    g_main_context_iteration (NULL, TRUE);
}

/* What the server lets wait, and what waits here, is no part of the time that it took. */
static void
test_sent (Fixture *fixture, gconstpointer unused)
{
  fixture->join_statuses[0] = 503;
  fixture->join_statuses[1] = 201;
  const gint64 begun_us = g_get_monotonic_time ();
  mxr_whip_join (fixture->whip, "/whip/room", "offer", on_answered, fixture);
  wait_for_answers (fixture, 1);
  g_assert_cmpstr (fixture->location, ==, "/whip/room/1");
  g_assert_cmpint (fixture->sent_us - begun_us, >=, 900 * 1000);
  g_assert_cmpint (fixture->sent_us, <=, g_get_monotonic_time ());
}

static void
test_left (Fixture *fixture, gconstpointer unused)
{
  static const struct {
    guint status;
    bool may_be_gone, has_left;
  } cases[] = { { 200, false, true }, { 404, true, true },   { 404, false, false },
                { 500, true, false }, { 503, false, false }, { 401, false, false } };
  guint n_not_left = 0;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    fixture->leave_status = cases[i].status;
    mxr_whip_leave (fixture->whip, "/whip/room/1", cases[i].may_be_gone, on_answered, fixture);
    wait_for_answers (fixture, i + 1);
    n_not_left += !cases[i].has_left;
    g_assert_cmpuint (mxr_whip_count_not_left (fixture->whip), ==, n_not_left);
  }
}

/* Each is answered, those that wait for the same, too. */
static void
test_nobody_there (Fixture *fixture, gconstpointer unused)
{
  soup_server_disconnect (fixture->server);
  for (guint i = 0; i < 20; i++)
    mxr_whip_leave (fixture->whip, "/whip/room/1", true, on_answered, fixture);
  wait_for_answers (fixture, 20);
  g_assert_cmpuint (mxr_whip_count_not_left (fixture->whip), ==, 20);
}

/* ---- What to do about it -------------------------------------------------------------------------------------- */

static char *
explain (const char *server, GQuark domain, int code, const char *message)
{
  const char *words[] = { "mixroom-load", server, NULL };
  g_auto (MxrLoadOptions) options = { 0 };
  g_autoptr (GError) error = g_error_new_literal (domain, code, message);

  g_assert_true (mxr_load_options_parse (&options, (char **) words, NULL));
  return mxr_explain (&options, error);
}

static void
assert_says (const char *text, const char *part)
{
  if (strstr (text, part) == NULL)
    g_error ("'%s' does not say '%s'", text, part);
}

static void
test_explained (void)
{
  g_autofree char *port = explain ("http://127.0.0.1:8085", MXR_WHIP_ERROR, MXR_WHIP_ERROR_UNREACHABLE, "Refused");
  assert_says (port, "Refused\nIs the server running? Start it with: mixroom --listen 127.0.0.1:8085 ");
  g_autofree char *six = explain ("http://[::1]:8085", MXR_WHIP_ERROR, MXR_WHIP_ERROR_UNREACHABLE, "Refused");
  assert_says (six, "--listen [::1]:8085 ");
  assert_says (six, "local_addresses=::1");
  g_autofree char *local = explain ("http://localhost", MXR_WHIP_ERROR, MXR_WHIP_ERROR_UNREACHABLE, "Refused");
  assert_says (local, "--listen 127.0.0.1:80 ");
  g_autofree char *far = explain ("https://example.org", MXR_WHIP_ERROR, MXR_WHIP_ERROR_UNREACHABLE, "Refused");
  assert_says (far, "Is the server running?");
  g_assert_null (strstr (far, "Start it with"));
  g_autofree char *other = explain ("http://127.0.0.1:8085", G_IO_ERROR, G_IO_ERROR_FAILED, "No socket");
  g_assert_cmpstr (other, ==, "No socket");
}

static void
test_missing_element (void)
{
  g_autofree char *vp8 =
    explain ("http://127.0.0.1", GST_PARSE_ERROR, GST_PARSE_ERROR_NO_SUCH_ELEMENT, "no element \"vp8dec\"");
  assert_says (vp8, "gstreamer1.0-plugins-good");
  g_assert_null (strstr (vp8, "Is the server running?"));
  g_autofree char *h264 =
    explain ("http://127.0.0.1", GST_PARSE_ERROR, GST_PARSE_ERROR_NO_SUCH_ELEMENT, "no element \"avdec_h264\"");
  assert_says (h264, "gstreamer1.0-libav");
}

#define ADD(name, func) g_test_add ("/load/whip/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("sent", test_sent);
  ADD ("left", test_left);
  ADD ("nobody-there", test_nobody_there);
  g_test_add_func ("/load/whip/explained", test_explained);
  g_test_add_func ("/load/whip/missing-element", test_missing_element);
  return g_test_run ();
}
