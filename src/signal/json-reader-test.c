#include "json-reader.h"

#include <string.h>

static void
test_strings (void)
{
  static const char text[] =
      "{\"a\":\"\\u00e4\\ud83d\\ude00\\ud800x\",\"b\":\"x\\u0000y\",\"a2\":\"\\/\\b\\n\"}";
  g_autoptr (GHashTable) members = mxr_json_read_object (text, strlen (text), NULL);
  const MxrJsonValue *a = g_hash_table_lookup (members, "a");
  const MxrJsonValue *b = g_hash_table_lookup (members, "b");
  const MxrJsonValue *a2 = g_hash_table_lookup (members, "a2");
  g_assert_cmpstr (a->string, ==, "\xc3\xa4\xf0\x9f\x98\x80\xef\xbf\xbdx");
  g_assert_true (b->has_nul);
  g_assert_cmpstr (a2->string, ==, "/\b\n");
}

static void
test_bounds (void)
{
  g_autoptr (GString) many = g_string_new ("{\"x\":0");
  gsize position = 0;

  g_assert_true (mxr_json_check ("[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", 32, NULL));    /* 16 */
  g_assert_false (mxr_json_check ("[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", 34, NULL)); /* 17 */
  g_assert_null (mxr_json_read_object ("[1]", 3, &position));
  g_assert_null (mxr_json_read_object ("", 0, &position));
  for (guint i = 0; i < MXR_JSON_MAX_MEMBERS; i++)
    g_string_append_printf (many, ",\"%u\":0", i);
  g_string_append_c (many, '}');
  g_assert_null (mxr_json_read_object (many->str, many->len, &position));
  g_assert_false (mxr_json_check ("[1,2", 4, &position));
  g_assert_cmpuint (position, ==, 4);
}

/* The last of a name wins, as in every browser. */
static void
test_duplicates (void)
{
  static const char text[] = " {\"a\":1,\"a\":{\"b\":[true]}, \"c\":false } ";
  g_autoptr (GHashTable) members = mxr_json_read_object (text, strlen (text), NULL);
  const MxrJsonValue *a = g_hash_table_lookup (members, "a");
  g_assert_cmpuint (g_hash_table_size (members), ==, 2);
  g_assert_cmpint (a->type, ==, MXR_JSON_NESTED);
}

static void
test_every_cut (void)
{
  static const char text[] = "{\"a\":[1.5e-3,null,\"\\ud83d\\ude00\"],\"b\":{\"c\":true}}";
  for (gsize len = 0; len < sizeof text - 1; len++) {
    g_autofree char *cut = g_memdup2 (text, len > 0 ? len : 1);
    g_assert_false (mxr_json_check (cut, len, NULL));
  }
  g_assert_true (mxr_json_check (text, sizeof text - 1, NULL));
}

/* Public test files: y_ must be taken, n_ refused, i_ either. */
static void
test_corpus (void)
{
  const char *corpora = g_getenv ("MIXROOM_CORPORA");
  g_autofree char *beside =
      g_build_filename (g_getenv ("MIXROOM_SOURCE_ROOT"), "..", "shared", "corpora", NULL);
  g_autofree char *path = g_build_filename (corpora != NULL ? corpora : beside, "json", "test_parsing", NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n_files = 0;

  if (dir == NULL) {
    g_test_skip ("no corpus at MIXROOM_CORPORA");
    return;
  }
  for (const char *name = g_dir_read_name (dir); name != NULL; name = g_dir_read_name (dir)) {
    g_autofree char *file = g_build_filename (path, name, NULL);
    g_autofree char *text = NULL;
    gsize n_bytes;
    g_assert_true (g_file_get_contents (file, &text, &n_bytes, NULL));
    bool is_json = mxr_json_check (text, n_bytes, NULL);
    if ((*name == 'y' && !is_json) || (*name == 'n' && is_json))
      g_error ("%s: %s", name, is_json ? "taken" : "refused");
    n_files++;
  }
  g_assert_cmpuint (n_files, >, 100);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json-reader/strings", test_strings);
  g_test_add_func ("/json-reader/bounds", test_bounds);
  g_test_add_func ("/json-reader/duplicates", test_duplicates);
  g_test_add_func ("/json-reader/every-cut", test_every_cut);
  g_test_add_func ("/json-reader/corpus", test_corpus);
  return g_test_run ();
}
