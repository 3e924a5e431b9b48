#include "peer-test-fixture.h"

#include <string.h>

/* Of the stock fragments. */
GST_ELEMENT_REGISTER_DECLARE (mxropusdec);
GST_ELEMENT_REGISTER_DECLARE (mxrpicturedec);

/* ---- The room's side ------------------------------------------------------------------------------------------- */

static bool
on_uplink_added (MxrPeer *peer, MxrRtpKind kind, GstElement *bin, gpointer user_data, GError **error)
{
  Fixture *fixture = user_data;
  if (fixture->refuses_uplinks) {
    g_set_error_literal (error, MXR_PEER_ERROR, MXR_PEER_ERROR_FAILED, "no");
    return false;
  }
  fixture->n_added++;
  g_ptr_array_add (fixture->bins, bin);
  return true;
}

static void
on_uplink_removed (MxrPeer *peer, MxrRtpKind kind, GstElement *bin, gpointer user_data)
{
  Fixture *fixture = user_data;
  g_assert_true (g_ptr_array_remove (fixture->bins, bin));
  fixture->n_removed++;
}

static void
on_downlink (MxrPeer *peer, MxrRtpKind kind, const char *codec, gpointer user_data)
{
  ((Fixture *) user_data)->n_downlinks[kind]++;
}

static void
on_candidate (MxrPeer *peer, const char *candidate, const char *mid, gpointer user_data)
{
}

static void
on_connected (MxrPeer *peer, gpointer user_data)
{
  ((Fixture *) user_data)->is_connected = true;
}

static void
on_keyframe_request (MxrPeer *peer, gpointer user_data)
{
  ((Fixture *) user_data)->n_keyframe_requests++;
}

static void
on_voice (MxrPeer *peer, gpointer user_data)
{
  ((Fixture *) user_data)->n_voices++;
}

static void
on_bandwidth (MxrPeer *peer, gpointer user_data)
{
  ((Fixture *) user_data)->n_bandwidths++;
}

static void
on_failed (MxrPeer *peer, const char *reason, gpointer user_data)
{
  Fixture *fixture = user_data;
  g_free (fixture->failed);
  fixture->failed = g_strdup (reason);
}

static const MxrPeerEvents events = {
  .on_uplink_added = on_uplink_added,
  .on_uplink_removed = on_uplink_removed,
  .on_downlink = on_downlink,
  .on_candidate = on_candidate,
  .on_connected = on_connected,
  .on_keyframe_request = on_keyframe_request,
  .on_voice = on_voice,
  .on_bandwidth = on_bandwidth,
  .on_failed = on_failed,
};

void
on_answer (const char *answer, const GError *error, gpointer user_data)
{
  Fixture *fixture = user_data;
  g_assert_true ((answer == NULL) != (error == NULL));
  g_free (fixture->answer);
  fixture->answer = g_strdup (answer);
  fixture->n_answers += answer != NULL;
  fixture->n_errors += error != NULL;
  if (fixture->closes_in_answer)
    mxr_peer_close (g_steal_pointer (&fixture->peer));
}

void
new_peer (Fixture *fixture)
{
  const MxrPeerEnv env = {
    .config = fixture->config,
    .net = fixture->net,
    .fragments = fixture->fragments,
    .control = fixture->control,
    .pool = fixture->pool,
    .delays = fixture->delays,
    .timeline_us = g_get_monotonic_time (),
  };
  fixture->peer = mxr_peer_new (&env, "p-test", true, &events, fixture);
}

void
close_peer (Fixture *fixture)
{
  mxr_peer_close (g_steal_pointer (&fixture->peer));
  g_assert_cmpuint (fixture->bins->len, ==, 0);
}

void
fixture_init (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *path = g_build_filename (g_test_get_dir (G_TEST_DIST), "..", "..", "pipelines", NULL);
  const char *const dirs[] = { path, NULL };
  g_autoptr (GError) error = NULL;

  fixture->config = mxr_config_new ();
  fixture->config->media.net_threads = 2;
  fixture->config->ice.allow_loopback = true;
  g_assert_true (mxr_config_set (fixture->config, "ice.local_addresses=127.0.0.1", &error));
  fixture->net = mxr_net_new (fixture->config, &error);
  g_assert_no_error (error);
  GST_ELEMENT_REGISTER (mxropusdec, NULL);
  GST_ELEMENT_REGISTER (mxrpicturedec, NULL);
  fixture->fragments = mxr_fragments_load (dirs, &error);
  g_assert_no_error (error);
  fixture->control = mxr_mailbox_new (NULL, "control", 1000);
  fixture->pool = mxr_decode_pool_new (2);
  fixture->delays = mxr_peer_delays_new ();
  fixture->bins = g_ptr_array_new ();
  new_peer (fixture);
}

void
fixture_clear (Fixture *fixture, gconstpointer unused)
{
  if (fixture->peer != NULL)
    close_peer (fixture);
  g_assert_cmpuint (fixture->n_added, ==, fixture->n_removed);
  mxr_net_free (fixture->net);
  mxr_mailbox_close (fixture->control);
  mxr_mailbox_unref (fixture->control);
  mxr_decode_pool_free (fixture->pool);
  mxr_peer_delays_unref (fixture->delays);
  mxr_fragments_free (fixture->fragments);
  mxr_config_free (fixture->config);
  g_ptr_array_unref (fixture->bins);
  g_free (fixture->answer);
  g_free (fixture->failed);
}

static gboolean
on_slice (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

guint
begin_slices (void)
{
  return g_timeout_add (5, on_slice, NULL);
}

void
pump_for_ms (guint ms)
{
  gint64 until_us = g_get_monotonic_time () + ms * 1000;
  PUMP_UNTIL (g_get_monotonic_time () >= until_us);
}

/* ---- Offers ---------------------------------------------------------------------------------------------------- */

char *
read_offer (const char *name)
{
  g_autofree char *path = g_build_filename (g_test_get_dir (G_TEST_DIST), "..", "..", "tests", "data", "sdp", name, NULL);
  g_autoptr (GError) error = NULL;
  char *text = NULL;
  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

char *
substitute (const char *text, const char *pattern, const char *replacement)
{
  g_autoptr (GRegex) regex = g_regex_new (pattern, G_REGEX_MULTILINE | G_REGEX_RAW, 0, NULL);
  return g_regex_replace_literal (regex, text, -1, 0, replacement, 0, NULL);
}

char *
find (const char *text, const char *pattern)
{
  g_autoptr (GRegex) regex = g_regex_new (pattern, G_REGEX_MULTILINE | G_REGEX_RAW, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  return g_regex_match (regex, text, 0, &match) ? g_match_info_fetch (match, 1) : NULL;
}

bool
negotiate (Fixture *fixture, const char *offer, GError **error)
{
  return mxr_peer_negotiate (fixture->peer, offer, false, on_answer, fixture, error);
}

void
negotiate_well (Fixture *fixture, const char *offer)
{
  guint n = fixture->n_answers;
  g_autoptr (GError) error = NULL;
  negotiate (fixture, offer, &error);
  g_assert_no_error (error);
  PUMP_UNTIL (fixture->n_answers > n);
}
