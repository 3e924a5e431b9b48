/* mixroom-player: plays one file or address for the server that started it, and for nobody else. Foreign media is decoded here,
 * so that what is wrong with it can end nothing but this process. */

#include <glib-unix.h>
#include <gst/gst.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "registry.h"
#include "guard.h"
#include "source.h"
#include "wire.h"

#define EXIT_USAGE 2

/* Two decoders' frames of 4K and what is queued stay far below it (README.md). */
#define DATA_MAX_BYTES (G_GUINT64_CONSTANT (1536) * 1024 * 1024)
/* Of each thread; the 8 MiB that are usual count as data. */
#define STACK_BYTES (2 * 1024 * 1024)
#define DESCRIPTORS_MAX 256
/* Nothing is written but what libraries map to make code. */
#define FILE_MAX_BYTES (16 * 1024 * 1024)

typedef struct {
  GMainLoop *loop;
  MxrSource *source; /* NULL before OPEN */
} Process;

static void
limit (int resource, rlim_t most)
{
  struct rlimit now;

  if (getrlimit (resource, &now) != 0)
    return;
  now.rlim_cur = now.rlim_max == RLIM_INFINITY ? most : MIN (most, now.rlim_max);
  now.rlim_max = now.rlim_cur;
  setrlimit (resource, &now);
}

/* The sanitizers reserve terabytes. */
static void
limit_all (void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  limit (RLIMIT_DATA, DATA_MAX_BYTES);
#endif
  limit (RLIMIT_NOFILE, DESCRIPTORS_MAX);
  limit (RLIMIT_FSIZE, FILE_MAX_BYTES);
  limit (RLIMIT_CORE, 0);
  pthread_attr_t attributes;
  pthread_attr_init (&attributes);
  pthread_attr_setstacksize (&attributes, STACK_BYTES);
  pthread_setattr_default_np (&attributes);
  pthread_attr_destroy (&attributes);
  signal (SIGXFSZ, SIG_IGN);
  signal (SIGPIPE, SIG_IGN);
}

/* Nothing of the server's comes along: it dies with it, has a group of its own, and one descriptor. */
static void
detach (void)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  setpgid (0, 0);
  close_range (MXR_WIRE_FD + 1, ~0U, 0);
}

static void
open_source (Process *process, const MxrWireHeader *command, const char *text)
{
  bool is_file = command->kind == MXR_WIRE_OPEN_FILE;
  g_autofree char *uri = is_file ? g_filename_to_uri (text, NULL, NULL) : g_strdup (text);

  if (process->source != NULL || uri == NULL)
    exit (EXIT_USAGE);
  mxr_registry_restrict (is_file);
  process->source = mxr_source_new (MXR_WIRE_FD, uri, command->a != 0);
}

static gboolean
on_command (int fd, GIOCondition condition, gpointer user_data)
{
  Process *process = user_data;
  char text[MXR_WIRE_TEXT_MAX_BYTES + 1] = { 0 };
  MxrWireHeader command;

  if (!mxr_wire_read (fd, &command, sizeof command) || command.n_bytes > MXR_WIRE_TEXT_MAX_BYTES ||
      !mxr_wire_read (fd, text, command.n_bytes)) {
    g_main_loop_quit (process->loop);
    return G_SOURCE_REMOVE;
  }
  if (command.kind == MXR_WIRE_ALLOW)
    mxr_guard_open (text, command.a != 0);
  else if (command.kind == MXR_WIRE_OPEN_FILE || command.kind == MXR_WIRE_OPEN_URL)
    open_source (process, &command, text);
  else if (process->source != NULL)
    mxr_source_command (process->source, &command);
  return G_SOURCE_CONTINUE;
}

int
main (int argc, char **argv)
{
  Process process = { 0 };
  int type;
  socklen_t n_bytes = sizeof type;

  if (getsockopt (MXR_WIRE_FD, SOL_SOCKET, SO_TYPE, &type, &n_bytes) != 0) {
    g_printerr ("%s is started by mixroom, which talks to it on descriptor %d\n", argv[0], MXR_WIRE_FD);
    return EXIT_USAGE;
  }
  detach ();
  limit_all ();
  gst_init (NULL, NULL);
  process.loop = g_main_loop_new (NULL, FALSE);
  g_unix_fd_add (MXR_WIRE_FD, G_IO_IN | G_IO_HUP | G_IO_ERR, on_command, &process);
  g_main_loop_run (process.loop);
  /* The server is gone, or has had enough. A decoder that hangs is not waited for. */
  _exit (EXIT_SUCCESS);
}
