#include "onset-client.h"

#include <string.h>

#define WATCHDOG_US (20 * G_USEC_PER_SEC)
#define SSRC 1103643845 /* of the recorded offer's sound */
#define PAYLOAD_TYPE 111
#define LEVEL_ID 1

static void
set (Client *client, bool *flag)
{
  g_mutex_lock (&client->lock);
  *flag = true;
  g_cond_broadcast (&client->changed);
  g_mutex_unlock (&client->lock);
}

static bool
get (Client *client, const bool *flag)
{
  g_mutex_lock (&client->lock);
  bool value = *flag;
  g_mutex_unlock (&client->lock);
  return value;
}

/* ---- In its network thread ------------------------------------------------------------------------------------- */

static void
on_candidate (MxrTransport *transport, const char *candidate, gpointer user_data)
{
  g_ptr_array_add (((Client *) user_data)->candidates, g_strdup (candidate));
}

static void
on_gathered (MxrTransport *transport, gpointer user_data)
{
  Client *client = user_data;
  set (client, &client->is_gathered);
}

static void
on_state (MxrTransport *transport, MxrTransportState state, const char *reason, gpointer user_data)
{
  Client *client = user_data;
  if (state == MXR_TRANSPORT_CONNECTED)
    set (client, &client->is_connected);
}

static void
on_rtp (MxrTransport *transport, guint8 *data, gsize size, gint64 now_us, gpointer user_data)
{
  Client *client = user_data;
  MxrRtpView view;

  g_assert_true (mxr_rtp_view_parse (&view, data, size));
  const Sound sound = { view.timestamp, now_us, g_bytes_new (view.payload, view.payload_bytes) };
  g_mutex_lock (&client->lock);
  g_array_append_val (client->sounds, sound);
  g_mutex_unlock (&client->lock);
}

static void
on_rtcp (MxrTransport *transport, guint8 *data, gsize size, gint64 now_us, gpointer user_data)
{
}

static void
on_closed (MxrTransport *transport, gpointer user_data)
{
}

static const MxrTransportEvents events = { on_candidate, on_gathered, on_state, on_rtp, on_rtcp, on_closed };

static void
call (Client *client, MxrMailboxFunc func)
{
  gint64 deadline_us = g_get_monotonic_time () + WATCHDOG_US;

  client->is_done = false;
  g_assert_true (mxr_mailbox_post (mxr_net_thread_get_mailbox (client->thread), func, client, NULL));
  g_mutex_lock (&client->lock);
  while (!client->is_done && g_cond_wait_until (&client->changed, &client->lock, deadline_us))
    ;
  g_assert_true (client->is_done);
  g_mutex_unlock (&client->lock);
}

static void
open (gpointer data)
{
  Client *client = data;
  const char *ufrag, *pwd;

  client->transport = mxr_transport_new (client->thread, &events, client, NULL);
  mxr_transport_get_local_credentials (client->transport, &ufrag, &pwd);
  client->ufrag = g_strdup (ufrag);
  client->pwd = g_strdup (pwd);
  g_assert_true (mxr_transport_gather (client->transport, NULL));
  set (client, &client->is_done);
}

static char *
find (const char *text, const char *pattern)
{
  g_autoptr (GRegex) regex = g_regex_new (pattern, G_REGEX_MULTILINE | G_REGEX_RAW, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_assert_true (g_regex_match (regex, text, 0, &match));
  return g_match_info_fetch (match, 1);
}

static void
start (gpointer data)
{
  Client *client = data;
  g_autofree char *ufrag = find (client->answer, "^a=ice-ufrag:(\\S+)");
  g_autofree char *pwd = find (client->answer, "^a=ice-pwd:(\\S+)");
  g_autofree char *text = find (client->answer, "^a=fingerprint:sha-256 (\\S+)");
  g_auto (GStrv) words = g_strsplit (text, ":", -1);
  g_auto (GStrv) lines = g_strsplit (client->answer, "\r\n", -1);
  bool is_active = strstr (client->answer, "a=setup:active") != NULL;
  guint8 fingerprint[32];

  for (guint i = 0; i < sizeof fingerprint; i++)
    fingerprint[i] = (guint8) g_ascii_strtoull (words[i], NULL, 16);
  const MxrTransportRemote remote = {
    .ufrag = ufrag,
    .pwd = pwd,
    .fingerprint_hash = "sha-256",
    .fingerprint = fingerprint,
    .fingerprint_size = sizeof fingerprint,
    .role = is_active ? MXR_DTLS_PASSIVE : MXR_DTLS_ACTIVE,
  };
  g_assert_true (mxr_transport_start (client->transport, &remote, NULL));
  for (guint i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], "a=candidate:"))
      mxr_transport_add_candidate (client->transport, lines[i] + 2, NULL);
  set (client, &client->is_done);
}

static void
close_transport (gpointer data)
{
  Client *client = data;
  mxr_transport_close (g_steal_pointer (&client->transport));
  set (client, &client->is_done);
}

typedef struct {
  Client *client;
  gsize size;
  guint8 rtp[1400];
} Packet;

static void
send_packet (gpointer data)
{
  Packet *packet = data;
  mxr_transport_send_rtp (packet->client->transport, packet->rtp, packet->size, sizeof packet->rtp);
}

/* ---- On the main loop -------------------------------------------------------------------------------------------- */

static gboolean
on_slice (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

void
run_until_us (gint64 until_us)
{
  guint slice = g_timeout_add (2, on_slice, NULL);
  while (g_get_monotonic_time () < until_us)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (slice);
}

static char *
substitute (const char *text, const char *pattern, const char *replacement)
{
  g_autoptr (GRegex) regex = g_regex_new (pattern, G_REGEX_MULTILINE | G_REGEX_RAW, 0, NULL);
  return g_regex_replace_literal (regex, text, -1, 0, replacement, 0, NULL);
}

/* The recorded offer as if it were this client's, with no picture. */
static char *
make_offer (Client *client)
{
  g_autofree char *path =
    g_build_filename (g_test_get_dir (G_TEST_DIST), "..", "..", "tests", "data", "sdp", "chromium156-call.sdp", NULL);
  g_autofree char *ufrag = g_strdup_printf ("a=ice-ufrag:%s", client->ufrag);
  g_autofree char *pwd = g_strdup_printf ("a=ice-pwd:%s", client->pwd);
  g_autofree char *fingerprint = g_strdup_printf ("a=fingerprint:%s", mxr_net_get_fingerprint (client->net));
  g_autofree char *recorded = NULL;

  g_assert_true (g_file_get_contents (path, &recorded, NULL, NULL));
  g_autofree char *with_ufrag = substitute (recorded, "^a=ice-ufrag:[^\\r\\n]*", ufrag);
  g_autofree char *with_pwd = substitute (with_ufrag, "^a=ice-pwd:[^\\r\\n]*", pwd);
  g_autofree char *with_fingerprint = substitute (with_pwd, "^a=fingerprint:[^\\r\\n]*", fingerprint);
  g_autofree char *sound = substitute (with_fingerprint, "^a=(candidate:[^\\r\\n]*|end-of-candidates)\\r?\\n", "");
  char *video = strstr (sound, "m=video");
  g_autofree char *no_picture = substitute (video, "^a=(sendrecv|sendonly|recvonly)", "a=inactive");
  *video = '\0';
  return g_strconcat (sound, no_picture, NULL);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  ((Client *) user_data)->answer = mxr_participant_negotiate_finish (result, &error);
  g_assert_no_error (error);
}

void
client_join (Client *client, const MxrConfig *config, MxrHub *hub, const char *room, const char *name)
{
  static const MxrParticipantEvents participant_events = { 0 };
  gint64 deadline_us = g_get_monotonic_time () + WATCHDOG_US;

  g_mutex_init (&client->lock);
  g_cond_init (&client->changed);
  client->net = mxr_net_new (config, NULL);
  client->thread = mxr_net_pick (client->net);
  client->candidates = g_ptr_array_new_with_free_func (g_free);
  client->sounds = g_array_new (FALSE, FALSE, sizeof (Sound));
  call (client, open);
  while (!get (client, &client->is_gathered) && g_get_monotonic_time () < deadline_us)
    g_usleep (1000);
  g_autofree char *offer = make_offer (client);
  client->participant = mxr_hub_join (hub, room, name, MXR_ROLE_SESSION, &participant_events, client, NULL);
  mxr_participant_negotiate_async (client->participant, offer, true, on_answer, client);
  while (client->answer == NULL && g_get_monotonic_time () < deadline_us)
    run_until_us (g_get_monotonic_time () + 1000);
  for (guint i = 0; i < client->candidates->len; i++)
    mxr_participant_add_candidate (client->participant, client->candidates->pdata[i], "0", NULL);
  call (client, start);
  while (!get (client, &client->is_connected) && g_get_monotonic_time () < deadline_us)
    run_until_us (g_get_monotonic_time () + 1000);
  g_assert_true (get (client, &client->is_connected));
}

void
client_send (Client *client, GBytes *opus, guint8 level)
{
  const guint i = client->n_sent++;
  const guint32 timestamp = i * 960;
  const guint8 header[] = {
    0x90, PAYLOAD_TYPE, i >> 8, i & 0xff, timestamp >> 24, timestamp >> 16 & 0xff, timestamp >> 8 & 0xff, timestamp & 0xff,
    SSRC >> 24, SSRC >> 16 & 0xff, SSRC >> 8 & 0xff, SSRC & 0xff, 0xbe, 0xde, 0, 1, LEVEL_ID << 4, level, 0, 0,
  };
  Packet *packet = g_new (Packet, 1);
  gsize n_bytes;
  const guint8 *bytes = g_bytes_get_data (opus, &n_bytes);

  packet->client = client;
  packet->size = sizeof header + n_bytes;
  g_assert_cmpuint (packet->size + MXR_SRTP_TRAILER_BYTES, <=, sizeof packet->rtp);
  memcpy (packet->rtp, header, sizeof header);
  memcpy (packet->rtp + sizeof header, bytes, n_bytes);
  g_assert_true (mxr_mailbox_post (mxr_net_thread_get_mailbox (client->thread), send_packet, packet, g_free));
}

void
client_leave (Client *client)
{
  mxr_participant_leave (client->participant);
  call (client, close_transport);
  mxr_net_free (g_steal_pointer (&client->net));
}

void
client_clear (Client *client)
{
  for (guint i = 0; i < client->sounds->len; i++)
    g_bytes_unref (g_array_index (client->sounds, Sound, i).opus);
  g_array_unref (client->sounds);
  g_ptr_array_unref (client->candidates);
  g_free (client->ufrag);
  g_free (client->pwd);
  g_free (client->answer);
  g_mutex_clear (&client->lock);
  g_cond_clear (&client->changed);
}
