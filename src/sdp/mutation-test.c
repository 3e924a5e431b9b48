#include "support-test.h"

#include <string.h>

/* Whatever comes: an error that says something, or an offer whose answer keeps the rules. */

#define N_MUTANTS 2000
#define SEED 20261120

static guint
try_offer (const char *text, gssize length)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MxrSdpOffer) offer = mxr_sdp_offer_parse (text, length, &error);

  if (offer == NULL) {
    g_assert_true (error->domain == MXR_SDP_ERROR && *error->message != '\0');
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
    return 0;
  }
  g_assert_no_error (error);
  MxrSdpAnswerParams params =
      mxr_test_params (offer, length % 2 == 0 ? MXR_SDP_CODEC_VP8 : MXR_SDP_CODEC_H264);
  g_autofree char *answer = mxr_sdp_answer_write (offer, &params);
  mxr_test_assert_answer_is_valid (text, length, answer);
  g_assert_true (mxr_sdp_offer_is_compatible (offer, offer, NULL));
  return 1;
}

static void
try_fragment (const char *text, gssize length)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MxrSdpFragment) fragment = mxr_sdp_fragment_parse (text, length, &error);
  g_assert_true ((fragment == NULL) == (error != NULL));
  g_assert_true (fragment == NULL || fragment->n_candidates <= MXR_CANDIDATES_MAX);
}

/* Cut at every byte, in a block of the exact size, so that the sanitizer sees a read behind the end. The
 * answer is written and held against the rules at every line and 16th byte: those in between differ in one
 * value only. */
static void
test_truncation (gconstpointer name)
{
  g_autofree char *text = mxr_test_load (name);
  gsize length = strlen (text);
  guint n_answered = 0;

  for (gsize n = 0; n <= length; n++) {
    g_autofree char *part = g_memdup2 (text, MAX (n, 1));
    if (n > 0 && (n == length || text[n] == '\n' || n % 16 == 0))
      n_answered += try_offer (part, n);
    else {
      g_autoptr (MxrSdpOffer) offer = mxr_sdp_offer_parse (part, n, NULL);
      g_assert_true (offer == NULL || n > 0);
    }
  }
  g_assert_cmpuint (n_answered, >, 0);
}

static void
mutate_lines (GRand *random, GPtrArray *lines)
{
  guint at = g_rand_int_range (random, 0, lines->len), to = g_rand_int_range (random, 0, lines->len);

  switch (g_rand_int_range (random, 0, 4)) {
  case 0:
    if (lines->len > 1)
      g_ptr_array_remove_index (lines, at);
    break;
  case 1:
    g_ptr_array_insert (lines, to, g_strdup (lines->pdata[at]));
    break;
  case 2:
    g_ptr_array_insert (lines, to, g_ptr_array_steal_index (lines, at));
    break;
  default: { /* a number becomes an extreme one */
    static const char *const extremes[] = { "0",     "-1",    "127",        "128",
                                            "65535", "65536", "4294967295", "18446744073709551616" };
    const char *line = lines->pdata[at];
    gsize start = strcspn (line, "0123456789");
    gsize n_digits = strspn (line + start, "0123456789");
    char *changed = g_strdup_printf ("%.*s%s%s", (int)start, line,
                                     extremes[g_rand_int_range (random, 0, G_N_ELEMENTS (extremes))],
                                     line + start + n_digits);
    g_free (lines->pdata[at]);
    lines->pdata[at] = changed;
  }
  }
}

static void
mutate_bytes (GRand *random, GString *text)
{
  for (guint n = g_rand_int_range (random, 0, 3); n > 0; n--)
    text->str[g_rand_int_range (random, 0, text->len)] ^= (char)(1 << g_rand_int_range (random, 0, 8));
}

static void
test_mutation (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (SEED);
  guint n_answered = 0, n_names = g_strv_length ((char **)mxr_test_offer_names);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < n_names; i++)
    g_ptr_array_add (texts, mxr_test_load (mxr_test_offer_names[i]));
  for (guint i = 0; i < N_MUTANTS; i++) {
    g_auto (GStrv) lines = g_strsplit (texts->pdata[i % n_names], "\n", -1);
    g_autoptr (GPtrArray) mutant = g_ptr_array_new_with_free_func (g_free);
    g_autoptr (GString) text = g_string_new (NULL);
    for (guint k = 0; lines[k] != NULL; k++)
      g_ptr_array_add (mutant, g_strdup (lines[k]));
    for (guint n = g_rand_int_range (random, 1, 6); n > 0; n--)
      mutate_lines (random, mutant);
    for (guint k = 0; k < mutant->len; k++)
      g_string_append_printf (text, "%s\n", (char *)mutant->pdata[k]);
    if (i % 3 == 0)
      mutate_bytes (random, text);
    n_answered += try_offer (text->str, (gssize)text->len);
    try_fragment (text->str, (gssize)text->len);
  }
  g_test_message ("%u of %u mutants answered", n_answered, N_MUTANTS);
  g_assert_cmpuint (n_answered, >, N_MUTANTS / 10);
  g_assert_cmpuint (n_answered, <, N_MUTANTS);
}

static guint
replay (const char *path)
{
  guint n_files = 0;
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  if (dir == NULL) {
    g_autofree char *text = NULL;
    gsize length;
    if (!g_file_get_contents (path, &text, &length, NULL) || length == 0)
      return 0;
    g_autofree char *exact = g_memdup2 (text, length);
    try_offer (exact, (gssize)length);
    try_fragment (exact, (gssize)length);
    return 1;
  }
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *child = g_build_filename (path, name, NULL);
    n_files += replay (child);
  }
  return n_files;
}

/* Collections of bad and odd input that are not part of the source tree. */
static void
test_corpora (void)
{
  g_autofree char *beside =
      g_build_filename (g_getenv ("MIXROOM_SOURCE_ROOT"), "..", "shared", "corpora", NULL);
  const char *root = g_getenv ("MIXROOM_CORPORA") != NULL ? g_getenv ("MIXROOM_CORPORA") : beside;
  static const char *const folders[] = { "sdp", "sdp_real" };
  guint n_files = 0;

  for (guint i = 0; i < G_N_ELEMENTS (folders); i++) {
    g_autofree char *path = g_build_filename (root, folders[i], NULL);
    if (g_file_test (path, G_FILE_TEST_IS_DIR))
      n_files += replay (path);
  }
  g_test_message ("%u files replayed", n_files);
  if (n_files == 0)
    g_test_skip ("no corpora here; MIXROOM_CORPORA names their folder");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; mxr_test_offer_names[i] != NULL; i++) {
    g_autofree char *path = g_strconcat ("/sdp/mutation/truncated/", mxr_test_offer_names[i], NULL);
    g_test_add_data_func (path, mxr_test_offer_names[i], test_truncation);
  }
  g_test_add_func ("/sdp/mutation/mutants", test_mutation);
  g_test_add_func ("/sdp/mutation/corpora", test_corpora);
  return g_test_run ();
}
