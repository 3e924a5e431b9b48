#include "config-private.h"

#include "mixroom/limits.h"

#include <string.h>

static void
assert_refused (const char *assignment, int code)
{
  g_autoptr (MxrConfig) config = mxr_config_new ();
  g_autoptr (GError) error = NULL;
  g_assert_false (mxr_config_set (config, assignment, &error));
  g_assert_error (error, MXR_CONFIG_ERROR, code);
}

static void
test_set (void)
{
  g_autoptr (MxrConfig) config = mxr_config_new ();

  g_assert_true (mxr_config_set (config, "room.grid_max=9", NULL));
  g_assert_cmpuint (config->room.grid_max, ==, 9);
  g_assert_true (mxr_config_set (config, "open_rooms=true", NULL));
  g_assert_true (config->server.open_rooms);
  assert_refused ("room.grid_max=50", MXR_CONFIG_ERROR_BAD_VALUE);
  assert_refused ("room.grid_max=", MXR_CONFIG_ERROR_BAD_VALUE);
  assert_refused ("open_rooms=yes", MXR_CONFIG_ERROR_BAD_VALUE);
  assert_refused ("log.level=loud", MXR_CONFIG_ERROR_BAD_VALUE);
  assert_refused ("room.nothing=1", MXR_CONFIG_ERROR_UNKNOWN_KEY);
  assert_refused ("nothing", MXR_CONFIG_ERROR_BAD_VALUE);
}

static bool
is_accepted (const char *first, const char *second)
{
  g_autoptr (MxrConfig) config = mxr_config_new ();
  g_assert_true (mxr_config_set (config, first, NULL));
  if (second != NULL)
    g_assert_true (mxr_config_set (config, second, NULL));
  g_autoptr (GError) error = NULL;
  bool ok = mxr_config_check (config, &error);
  g_assert_true (ok == (error == NULL));
  return ok;
}

static void
test_open_to_others_needs_a_word (void)
{
  g_assert_true (is_accepted ("listen=127.0.0.1:8080", NULL));
  g_assert_true (is_accepted ("listen=[::1]:0", NULL));
  g_assert_true (is_accepted ("listen=localhost:80", NULL));
  g_assert_false (is_accepted ("listen=0.0.0.0:8080", NULL));
  g_assert_false (is_accepted ("listen=[::]:8080", NULL));
  g_assert_false (is_accepted ("listen=example.org:8080", NULL));
  g_assert_false (is_accepted ("listen=127.0.0.1", NULL));
  g_assert_true (is_accepted ("listen=0.0.0.0:8080", "open_rooms=true"));
  g_assert_true (is_accepted ("listen=0.0.0.0:8080", "token_secret=0123456789abcdef0123456789abcdef"));
}

static void
test_check (void)
{
  g_assert_false (is_accepted ("tls_key=key.pem", NULL));
  g_assert_false (is_accepted ("udp_port_min=5000", NULL));
  g_assert_true (is_accepted ("udp_port_min=5000", "udp_port_max=5100"));
  g_assert_false (is_accepted ("udp_port_max=5000", NULL));
  g_assert_false (is_accepted ("ping_timeout_s=10", NULL));
  g_assert_false (is_accepted ("loudness=9", NULL));
  g_assert_true (is_accepted ("loudness=10", NULL));
  g_assert_true (is_accepted ("loudness=0", NULL));
  g_assert_false (is_accepted ("token_secret=hunter2", NULL));
  g_assert_false (is_accepted ("turn_server=turn.example.org:3478", NULL));
  g_assert_false (is_accepted ("turn_server=turn.example.org:3478", "turn_username=u"));
  g_assert_true (is_accepted ("turn_server=turn.example.org:3478", "turn_secret=s"));
  g_assert_false (is_accepted ("turn_secret=s", "turn_username=u"));
  g_assert_false (is_accepted ("turn_secret=s", "turn_password=p"));
}

static void
test_webhooks (void)
{
  const char *secret = "webhook_secret=0123456789abcdef0123456789abcdef";

  g_assert_false (is_accepted ("webhook_urls=https://example.org/hook", NULL));
  g_assert_false (is_accepted ("webhook_urls=https://example.org/hook", "webhook_secret=hunter2"));
  g_assert_false (is_accepted ("webhook_urls=https://example.org/hook", "webhook_secret=whsec_aHVudGVyMg=="));
  g_assert_true (is_accepted ("webhook_urls=https://example.org/hook", secret));
  g_assert_true (is_accepted ("webhook_urls=https://example.org/hook", "webhook_secret=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
  g_assert_true (is_accepted ("webhook_urls=http://127.0.0.1:81/a?b=c, https://user:word@[::1]/", secret));
  g_assert_false (is_accepted ("webhook_urls=ftp://example.org/", secret));
  g_assert_false (is_accepted ("webhook_urls=https:///hook", secret));
  g_assert_false (is_accepted ("webhook_urls=https://example.org/,", secret));
}

static void
test_shapes (void)
{
  g_assert_true (is_accepted ("local_addresses=127.0.0.1, ::1", NULL));
  g_assert_false (is_accepted ("local_addresses=127.0.0.1,eth0", NULL));
  g_assert_false (is_accepted ("public_address=example.org", NULL));
  g_assert_true (is_accepted ("stun_server=stun.example.org:3478", NULL));
  g_assert_false (is_accepted ("stun_server=stun.example.org", NULL));
  g_assert_true (is_accepted ("allowed_origins=https://example.org, http://localhost:3000", NULL));
  g_assert_true (is_accepted ("allowed_origins=*", NULL));
  g_assert_false (is_accepted ("allowed_origins=example.org", NULL));
  g_assert_false (is_accepted ("allowed_origins=https://example.org/page", NULL));
  g_assert_false (is_accepted ("web_root=/nonexistent", NULL));
  g_assert_false (is_accepted ("pipeline_dir=/nonexistent", NULL));
  g_assert_false (is_accepted ("recordings_directory=/nonexistent", NULL));
  g_assert_false (is_accepted ("hls_directory=/nonexistent", NULL));
  g_assert_false (is_accepted ("images_directory=/nonexistent", NULL));
}

static void
test_ladder (void)
{
  MxrLadderRung rungs[MXR_LADDER_RUNGS_MAX];
  guint n_rungs = 0;

  g_assert_true (mxr_ladder_parse ("360p30@500000, 180p15@150000", rungs, &n_rungs, NULL));
  g_assert_cmpuint (n_rungs, ==, 2);
  g_assert_cmpuint (rungs[0].height_px, ==, 360);
  g_assert_cmpuint (rungs[0].framerate, ==, 30);
  g_assert_cmpuint (rungs[0].bitrate_bps, ==, 500000);
  g_assert_cmpuint (rungs[1].bitrate_bps, ==, 150000);
  g_assert_true (is_accepted ("ladder=", NULL));
  g_assert_false (is_accepted ("ladder=360p30", NULL));
  g_assert_false (is_accepted ("ladder=360p@500000", NULL));
  g_assert_false (is_accepted ("ladder=360p30@500k", NULL));
  g_assert_false (is_accepted ("ladder=360p30@-500000", NULL));
  g_assert_false (is_accepted ("ladder=32p30@500000", NULL));
  g_assert_false (is_accepted ("ladder=360p61@500000", NULL));
  g_assert_false (is_accepted ("ladder=360p30@99999999999999999999", NULL));
  g_assert_false (is_accepted ("ladder=360p30@500000,", NULL));
  g_assert_false (is_accepted ("ladder=180p15@150000, 360p30@500000", NULL));
  g_assert_true (is_accepted ("ladder=720p30@900000,540p30@700000,360p30@500000,180p15@150000", NULL));
  g_assert_false (is_accepted ("ladder=720p30@900000,540p30@700000,360p30@500000,180p15@150000,90p5@50000", NULL));
}

/* The file shows each key, commented out, with the default that the code has; and nothing else. */
static void
test_file_matches_table (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("MIXROOM_SOURCE_ROOT"), "conf", "mixroom.conf", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  g_assert_true (g_file_get_contents (path, &text, NULL, &error));

  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GString) shown = g_string_new (NULL);
  for (guint i = 0; lines[i] != NULL; i++) {
    if (lines[i][0] == '[')
      g_string_append_printf (shown, "%s%s\n", shown->len > 0 ? "\n" : "", lines[i]);
    else if (lines[i][0] == '#' && g_ascii_islower (lines[i][1]))
      g_string_append_printf (shown, "%s%s\n", lines[i] + 1, g_str_has_suffix (lines[i], "=") ? " " : "");
  }
  g_autoptr (MxrConfig) config = mxr_config_new ();
  g_autofree char *described = mxr_config_describe (config);
  g_assert_cmpstr (shown->str, ==, described);
  g_assert_true (mxr_config_load_file (config, path, &error));
}

static void
test_names_are_unique (void)
{
  for (guint i = 0; i < mxr_config_n_keys; i++)
    for (guint k = 0; k < i; k++)
      g_assert_cmpstr (mxr_config_keys[i].name, !=, mxr_config_keys[k].name);
}

static void
test_secrets_stay_hidden (void)
{
  g_autoptr (MxrConfig) config = mxr_config_new ();
  g_assert_true (mxr_config_set (config, "token_secret=hunter2", NULL));
  g_assert_true (mxr_config_set (config, "webhook_urls=https://user:hunter2@example.org/", NULL));
  g_autofree char *described = mxr_config_describe (config);
  g_assert_null (strstr (described, "hunter2"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/set", test_set);
  g_test_add_func ("/config/open-to-others-needs-a-word", test_open_to_others_needs_a_word);
  g_test_add_func ("/config/check", test_check);
  g_test_add_func ("/config/webhooks", test_webhooks);
  g_test_add_func ("/config/shapes", test_shapes);
  g_test_add_func ("/config/ladder", test_ladder);
  g_test_add_func ("/config/file-matches-table", test_file_matches_table);
  g_test_add_func ("/config/names-are-unique", test_names_are_unique);
  g_test_add_func ("/config/secrets-stay-hidden", test_secrets_stay_hidden);
  return g_test_run ();
}
