#include "mixroom/base.h"

#include <glib/gstdio.h>

static const char *const others[] = { "/nonexistent/sh", "/bin/sh", NULL };

/* What stands beside this program goes before what is installed. */
static void
test_beside (void)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL), *name = g_path_get_basename (self);
  g_autofree char *found = mxr_program_find (name, "nowhere", others);
  g_assert_cmpstr (found, ==, self);
}

static void
test_below (void)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL), *dir = g_path_get_dirname (self);
  g_autofree char *made = g_build_filename (dir, "mixroom-XXXXXX", NULL);

  g_assert_nonnull (g_mkdtemp (made));
  g_autofree char *folder = g_path_get_basename (made), *program = g_build_filename (made, "made-here", NULL);
  g_assert_true (g_file_set_contents (program, "#!/bin/sh\n", -1, NULL));
  g_autofree char *text = mxr_program_find ("made-here", folder, others);
  g_assert_cmpstr (text, ==, "/bin/sh"); /* it is no program yet */
  g_assert_cmpint (g_chmod (program, 0700), ==, 0);
  g_autofree char *found = mxr_program_find ("made-here", folder, others);
  g_assert_cmpstr (found, ==, program);
  g_assert_cmpint (g_unlink (program), ==, 0);
  g_assert_cmpint (g_rmdir (made), ==, 0);
}

static void
test_others (void)
{
  const char *const none[] = { NULL };
  g_autofree char *found = mxr_program_find ("no-such-program", "nowhere", others);
  g_autofree char *nothing = mxr_program_find ("no-such-program", "nowhere", none);
  g_assert_cmpstr (found, ==, "/bin/sh");
  g_assert_null (nothing);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/program/beside", test_beside);
  g_test_add_func ("/program/below", test_below);
  g_test_add_func ("/program/others", test_others);
  return g_test_run ();
}
