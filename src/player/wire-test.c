/* A process that says what it should not: the server ends it, and nothing else comes of it. This program is that process, too. */

#include "test-player.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>

#include "wire.h"

static char *kind_path; /* the file that is played: it says what the process does */

/* ---- The process ------------------------------------------------------------------------------------------------- */

static const struct {
  const char *name;
  MxrWireHeader header;
} kinds[] = {
  { "size", { .kind = MXR_WIRE_PICTURE, .width = 65536, .height = 65536 } },
  { "large", { .kind = MXR_WIRE_PICTURE, .width = 1280, .height = 1280, .n_bytes = 1280 * 1280 * 3 / 2 } },
  { "bytes", { .kind = MXR_WIRE_PICTURE, .width = 64, .height = 64, .n_bytes = 100 } },
  { "channels", { .kind = MXR_WIRE_SOUND, .width = 0, .n_bytes = 100 } },
  { "half-a-sample", { .kind = MXR_WIRE_SOUND, .width = 2, .n_bytes = 6 } },
  { "block", { .kind = MXR_WIRE_SOUND, .width = 2, .n_bytes = 0xfffffffc } },
  { "kind", { .kind = 77 } },
  { "command", { .kind = MXR_WIRE_OPEN_FILE } },
  { "text", { .kind = MXR_WIRE_FAILED, .n_bytes = G_MAXUINT32 } },
  { "flood", { .kind = MXR_WIRE_STATUS, .a = G_MAXINT64, .b = G_MAXINT64 } },
};

static int
misbehave (const char *name)
{
  const MxrWireHeader ready = { .kind = MXR_WIRE_READY, .a = G_MAXINT64, .b = 7 };

  mxr_wire_send (MXR_WIRE_FD, &ready, NULL, true);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    while (strcmp (kinds[i].name, name) == 0 &&
           send (MXR_WIRE_FD, &kinds[i].header, sizeof kinds[i].header, MSG_NOSIGNAL) > 0)
      ;
  return 0;
}

static int
play_process (void)
{
  char path[MXR_WIRE_TEXT_MAX_BYTES + 1] = { 0 };
  g_autofree char *name = NULL;
  MxrWireHeader open;

  if (!mxr_wire_read (MXR_WIRE_FD, &open, sizeof open) || !mxr_wire_read (MXR_WIRE_FD, path, open.n_bytes) ||
      !g_file_get_contents (path, &name, NULL, NULL))
    return 2;
  return misbehave (name);
}

static bool
is_process (void)
{
  int domain = 0;
  socklen_t n_bytes = sizeof domain;
  return g_getenv ("MIXROOM_PLAYER") == NULL && getsockopt (MXR_WIRE_FD, SOL_SOCKET, SO_DOMAIN, &domain, &n_bytes) == 0 &&
         domain == AF_UNIX;
}

/* ---- The server -------------------------------------------------------------------------------------------------- */

static void
test_kind (gconstpointer data)
{
  MxrPlayerInfo info;
  TestPlayer test;

  g_assert_true (g_file_set_contents (kind_path, data, -1, NULL));
  test_player_init (&test, "players.files=true", NULL);
  test_player_start (&test, kind_path, true, false);
  g_autofree char *detail = test_player_wait (&test, MXR_PLAYER_FAILED);
  g_test_message ("%s: %s", (const char *) data, detail);
  mxr_player_get_info (test.player, &info);
  g_assert_cmpint (info.position_ms, <, G_MAXINT64 / 2);
  g_autoptr (GArray) sounds = test_player_copy (&test, MXR_PLAYER_SOUND);
  g_autoptr (GArray) pictures = test_player_copy (&test, MXR_PLAYER_PICTURE);
  g_assert_cmpuint (sounds->len + pictures->len, ==, 0);
  g_assert_cmpstr (test.states->str, ==, "playing failed ");
  test_player_clear (&test);
}

int
main (int argc, char **argv)
{
  if (is_process ())
    return play_process ();
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_setenv ("MIXROOM_PLAYER", self, TRUE);
  int fd = g_file_open_tmp ("mixroom-wire-XXXXXX", &kind_path, NULL);
  g_assert_cmpint (fd, >=, 0);
  g_close (fd, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    g_autofree char *path = g_strconcat ("/wire/", kinds[i].name, NULL);
    g_test_add_data_func (path, kinds[i].name, test_kind);
  }
  int result = g_test_run ();
  g_unlink (kind_path);
  g_free (kind_path);
  return result;
}
