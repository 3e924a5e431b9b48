/* What an operator types, and what the program says to it. */

#include "server-process.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct {
  char *dir;
  char *file;
} Folder;

static void
folder_init (Folder *folder, const char *name, const char *text)
{
  g_autoptr (GError) error = NULL;

  folder->dir = g_dir_make_tmp ("mixroom-options-XXXXXX", &error);
  g_assert_no_error (error);
  folder->file = g_build_filename (folder->dir, name, NULL);
  g_file_set_contents (folder->file, text, -1, &error);
  g_assert_no_error (error);
}

static void
folder_clear (Folder *folder)
{
  g_remove (folder->file);
  g_rmdir (folder->dir);
  g_free (folder->file);
  g_free (folder->dir);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Folder, folder_clear)

/* @in_stdout, @in_stderr: (nullable): what must be said there */
static void
expect (const char *const *arguments, int status, const char *in_stdout, const char *in_stderr)
{
  g_autofree char *out = NULL, *err = NULL;
  int got = server_process_run (arguments, &out, &err);

  if (got != status || (in_stdout != NULL && strstr (out, in_stdout) == NULL) ||
      (in_stderr != NULL && strstr (err, in_stderr) == NULL))
    g_error ("%s: status %d instead of %d\nout: %s\nerr: %s\nawaited: %s, %s", arguments[0], got, status, out,
             err, in_stdout, in_stderr);
}
#define EXPECT(status, out, err, ...) expect ((const char *const[]){ __VA_ARGS__, NULL }, status, out, err)

static void
test_information (void)
{
  EXPECT (0, "mixroom ", NULL, "--version");
  EXPECT (0, "mixroom ", NULL, "-V");
  EXPECT (0, "--listen", NULL, "--help");
  EXPECT (0, "are fine", NULL, "--check");
  EXPECT (0, "are fine", NULL, "--check", "--set", "room.grid_max=9");
}

static void
test_bad_options (void)
{
  EXPECT (2, NULL, "--nonsense", "--nonsense");
  EXPECT (2, NULL, "--help", "--config");
  EXPECT (1, NULL, "room.nonsense", "--check", "--set", "room.nonsense=1");
  EXPECT (1, NULL, "grid_max", "--check", "--set", "room.grid_max=50");
  EXPECT (1, NULL, "grid_max", "--check", "--set", "room.grid_max=many");
  EXPECT (1, NULL, "nonsense", "--check", "--set", "nonsense");
  EXPECT (1, NULL, "video_codec", "--check", "--set", "media.video_codec=VP9");
  EXPECT (1, NULL, "/nonexistent/mixroom.conf", "--check", "--config", "/nonexistent/mixroom.conf");
  EXPECT (2, NULL, "surplus", "surplus");
}

static void
test_configuration_file (void)
{
  g_auto (Folder) unknown = { 0 };
  g_auto (Folder) group = { 0 };
  g_auto (Folder) broken = { 0 };
  g_auto (Folder) good = { 0 };

  folder_init (&unknown, "mixroom.conf", "[room]\ngrid_max = 9\ngird_max = 4\n");
  EXPECT (1, NULL, "gird_max", "--check", "--config", unknown.file);
  folder_init (&group, "mixroom.conf", "[rooms]\ngrid_max = 9\n");
  EXPECT (1, NULL, "rooms", "--check", "--config", group.file);
  folder_init (&broken, "mixroom.conf", "grid_max = 9\n");
  EXPECT (1, NULL, "mixroom.conf", "--check", "--config", broken.file);
  folder_init (&good, "mixroom.conf", "[room]\ngrid_max = 9\n");
  EXPECT (0, "grid_max = 9", NULL, "--check", "--config", good.file);
}

/* Open to the net without a secret is what nobody wants by accident. */
static void
test_listening_to_everybody (void)
{
  EXPECT (1, NULL, "token_secret", "--check", "--listen", "0.0.0.0:8080");
  EXPECT (1, NULL, "token_secret", "--listen", "0.0.0.0:0");
  EXPECT (0, "are fine", NULL, "--check", "--listen", "0.0.0.0:8080", "--set", "server.open_rooms=true");
  EXPECT (0, "are fine", NULL, "--check", "--listen", "0.0.0.0:8080", "--set",
          "server.token_secret=0123456789abcdef0123456789abcdef");
  EXPECT (1, NULL, "nowhere", "--listen", "nowhere");
  EXPECT (1, NULL, "8080", "--listen", "203.0.113.7:8080", "--set", "server.open_rooms=true"); /* not ours */
}

/* An operator's own fragment wins, so its fault is told with the file and the line. */
static void
test_fragments (void)
{
  static const struct {
    const char *text, *file_and_line;
  } faults[] = {
    { "#: kind = decode  #: codec = VP8\nrtpvp8depay\n! nosuchelement\n", "picturedec-vp8.gst:3" },
    { "#: kind = nonsense  #: codec = VP8\nrtpvp8depay ! vp8dec\n", ":1" },
    { "#: kind = decode  #: codec = VP8\nrtpvp8depay\n! vp8dec nosuchproperty=1\n", "picturedec-vp8" },
    { "", "picturedec-vp8" },
    { "#: kind = decode  #: codec = VP8\nrtpvp8depay ! vp8dec ! fakesink\n", "picturedec-vp8" },
  };

  EXPECT (1, NULL, "/nonexistent", "--check", "--pipeline-dir", "/nonexistent");
  for (guint i = 0; i < G_N_ELEMENTS (faults); i++) {
    g_auto (Folder) folder = { 0 };
    folder_init (&folder, "picturedec-vp8.gst", faults[i].text);
    EXPECT (1, NULL, folder.file, "--check", "--pipeline-dir", folder.dir);
    EXPECT (1, NULL, faults[i].file_and_line, "--check", "--pipeline-dir", folder.dir);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/options/information", test_information);
  g_test_add_func ("/options/bad-options", test_bad_options);
  g_test_add_func ("/options/configuration-file", test_configuration_file);
  g_test_add_func ("/options/listening-to-everybody", test_listening_to_everybody);
  g_test_add_func ("/options/fragments", test_fragments);
  return g_test_run ();
}
