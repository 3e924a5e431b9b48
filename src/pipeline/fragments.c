#include "fragment-private.h"

#include <string.h>

#define SUFFIX ".gst"

struct _MxrFragments {
  GPtrArray *list; /* MxrFragment, by name */
};

static const MxrFragment *
find_by_name (const MxrFragments *fragments, const char *name)
{
  for (guint i = 0; i < fragments->list->len; i++) {
    const MxrFragment *fragment = g_ptr_array_index (fragments->list, i);
    if (strcmp (fragment->name, name) == 0)
      return fragment;
  }
  return NULL;
}

static MxrFragment *
load_file (const char *name, const char *path)
{
  g_autofree char *bytes = NULL;
  g_autoptr (GError) error = NULL;
  gsize n_bytes;

  if (g_file_get_contents (path, &bytes, &n_bytes, &error)) {
    MxrFragment *fragment = mxr_fragment_parse (name, path, bytes, n_bytes);
    mxr_fragment_check (fragment);
    return fragment;
  }
  MxrFragment *unreadable = mxr_fragment_parse (name, path, "", 0);
  g_clear_pointer (&unreadable->problem, mxr_fragment_problem_free);
  mxr_fragment_fail (unreadable, 0, false, "%s", error->message);
  return unreadable;
}

static void
load_dir (MxrFragments *fragments, const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  if (dir == NULL)
    return;
  for (const char *entry = g_dir_read_name (dir); entry != NULL; entry = g_dir_read_name (dir)) {
    if (*entry == '.' || !g_str_has_suffix (entry, SUFFIX))
      continue;
    g_autofree char *name = g_strndup (entry, strlen (entry) - strlen (SUFFIX));
    g_autofree char *file = g_build_filename (path, entry, NULL);
    if (find_by_name (fragments, name) == NULL)
      g_ptr_array_add (fragments->list, load_file (name, file));
  }
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(const MxrFragment *const *) a)->name, (*(const MxrFragment *const *) b)->name);
}

MxrFragments *
mxr_fragments_load (const char *const *dirs, GError **error)
{
  g_autoptr (MxrFragments) fragments = g_new0 (MxrFragments, 1);
  fragments->list = g_ptr_array_new_with_free_func ((GDestroyNotify) mxr_fragment_unref);
  for (guint i = 0; dirs[i] != NULL; i++)
    if (*dirs[i] != '\0')
      load_dir (fragments, dirs[i]);

  if (fragments->list->len == 0) {
    g_autofree char *searched = g_strjoinv (", ", (char **) dirs);
    g_set_error (error, MXR_PIPELINE_ERROR, MXR_PIPELINE_ERROR_NOT_FOUND,
                 "no pipeline fragments (*%s) in: %s", SUFFIX, searched);
    return NULL;
  }
  g_ptr_array_sort (fragments->list, compare_names);
  return g_steal_pointer (&fragments);
}

void
mxr_fragments_free (MxrFragments *fragments)
{
  g_ptr_array_unref (fragments->list);
  g_free (fragments);
}

static MxrFragmentProblem *
copy_problem (const MxrFragmentProblem *problem)
{
  MxrFragmentProblem *copy = g_new0 (MxrFragmentProblem, 1);
  copy->name = g_strdup (problem->name);
  copy->file = g_strdup (problem->file);
  copy->line = problem->line;
  copy->reason = g_strdup (problem->reason);
  copy->is_missing = problem->is_missing;
  return copy;
}

bool
mxr_fragments_check (const MxrFragments *fragments, GPtrArray *out_problems)
{
  bool is_fine = true;
  for (guint i = 0; i < fragments->list->len; i++) {
    const MxrFragment *fragment = g_ptr_array_index (fragments->list, i);
    is_fine &= fragment->problem == NULL;
    if (fragment->problem != NULL && out_problems != NULL)
      g_ptr_array_add (out_problems, copy_problem (fragment->problem));
  }
  return is_fine;
}

const MxrFragment *
mxr_fragments_find (const MxrFragments *fragments, const char *name, MxrFragmentKind kind, const char *codec,
                    GError **error)
{
  static const char *const kind_names[] = { "encode", "decode", "elementary" };
  const MxrFragment *fragment = find_by_name (fragments, name);

  if (fragment == NULL) {
    g_set_error (error, MXR_PIPELINE_ERROR, MXR_PIPELINE_ERROR_NOT_FOUND,
                 "there is no pipeline fragment '%s'", name);
    return NULL;
  }
  if (fragment->problem != NULL) {
    g_set_error (error, MXR_PIPELINE_ERROR,
                 fragment->problem->is_missing ? MXR_PIPELINE_ERROR_MISSING : MXR_PIPELINE_ERROR_BAD_FILE,
                 "%s:%u: %s", fragment->file, fragment->problem->line, fragment->problem->reason);
    return NULL;
  }
  if (fragment->kind != kind || g_ascii_strcasecmp (fragment->codec, codec) != 0) {
    g_set_error (error, MXR_PIPELINE_ERROR, MXR_PIPELINE_ERROR_WRONG_USE,
                 "%s: is for '%s %s', not for '%s %s'", fragment->file, kind_names[fragment->kind],
                 fragment->codec, kind_names[kind], codec);
    return NULL;
  }
  return fragment;
}
