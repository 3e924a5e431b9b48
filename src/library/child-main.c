/* mixroom-probe FILE whole|head [POSTER]: says what FILE holds as a key file, and writes a picture of it. Foreign media is
 * looked into here, in a process of its own with little of everything, so that what breaks a demuxer breaks no room. */

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "child.h"

/* Whatever it is that hangs: the next file waits. */
#define ALL_WITHIN_S 300

static void
print_facts (const MxrFacts *facts)
{
  g_print ("[file]\ntype=%s\nending=%s\nduration=%" G_GUINT64_FORMAT "\nwidth=%u\nheight=%u\nsound=%s\n", facts->type,
           facts->ending, facts->duration_ms, facts->width_px, facts->height_px, facts->has_sound ? "true" : "false");
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  MxrFacts facts;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  alarm (ALL_WITHIN_S);
  if (argc < 3) {
    g_printerr ("usage: mixroom-probe FILE whole|head [POSTER]\n");
    return 2;
  }
  gst_init (NULL, NULL);
  mxr_child_limit ();
  if (!mxr_child_read_facts (argv[1], strcmp (argv[2], "whole") == 0, &facts, &error)) {
    g_printerr ("%s\n", error->message);
    return EXIT_FAILURE;
  }
  if (argc > 3 && facts.width_px > 0 && !mxr_child_write_poster (argv[1], facts.duration_ms, argv[3], &error))
    g_printerr ("no poster: %s\n", error->message);
  print_facts (&facts);
  return EXIT_SUCCESS;
}
