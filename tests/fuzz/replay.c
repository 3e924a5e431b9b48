/* Stands in for libFuzzer in every ordinary build: gives each file of some folders to a target, once.
 *
 * usage: replay-TARGET OWN_FOLDER [COLLECTION...]
 * A COLLECTION is a folder of $MIXROOM_CORPORA, or of shared/corpora beside the source tree; it may be missing. */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* A block of the file's exact size, so that the address sanitizer sees a read behind its end. */
static guint
replay_file (const char *path)
{
  g_autofree char *contents = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  if (!g_file_get_contents (path, &contents, &size, &error))
    g_error ("%s", error->message);
  /* Whichever breaks the target is the last in the log. */
  printf ("%s: %" G_GSIZE_FORMAT " bytes\n", path, size);
  fflush (stdout);
  g_autofree guint8 *exact = size > 0 ? g_memdup2 (contents, size) : g_malloc (1);
  LLVMFuzzerTestOneInput (exact, size);
  return 1;
}

static guint
replay_folder (const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  guint n_files = 0;
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL) {
    g_autofree char *child = g_build_filename (path, name, NULL);
    n_files += g_file_test (child, G_FILE_TEST_IS_DIR) ? replay_folder (child) : replay_file (child);
  }
  return n_files;
}

static char *
find_corpora (void)
{
  const char *given = g_getenv ("MIXROOM_CORPORA"), *root = g_getenv ("MIXROOM_SOURCE_ROOT");
  if (given != NULL)
    return g_strdup (given);
  return g_build_filename (root != NULL ? root : ".", "..", "shared", "corpora", NULL);
}

int
main (int argc, char **argv)
{
  g_autofree char *corpora = find_corpora ();
  guint n_own_files = argc > 1 ? replay_folder (argv[1]) : 0, n_other_files = 0;

  for (int i = 2; i < argc; i++) {
    g_autofree char *path = g_build_filename (corpora, argv[i], NULL);
    n_other_files += replay_folder (path);
  }
  printf ("replayed: %u files of our own, %u others\n", n_own_files, n_other_files);
  if (n_own_files == 0)
    fprintf (stderr, "%s: no file in %s\n", argv[0], argc > 1 ? argv[1] : "the folder that was not given");
  return n_own_files > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
