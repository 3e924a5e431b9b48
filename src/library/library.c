/* The library's life and its two threads. */

#include "library-private.h"

#define KEEP_EVERY_S 60
#define EVENTS_MAX 1024

typedef struct {
  MxrJobOrder order;
  MxrLibraryFunc func;
  gpointer data;
  GDestroyNotify destroy;
} Job;

/* ---- Threads -------------------------------------------------------------------------------------------------------- */

static void
run_job (gpointer data, gpointer user_data)
{
  Job *job = data;

  job->func (user_data, job->data);
  if (job->destroy != NULL)
    job->destroy (job->data);
  g_free (job);
}

static int
compare_jobs (gconstpointer a, gconstpointer b, gpointer user_data)
{
  return (int) ((const Job *) a)->order - (int) ((const Job *) b)->order;
}

void
mxr_library_post (MxrLibrary *self, GThreadPool *pool, MxrJobOrder order, MxrLibraryFunc func, gpointer data,
                  GDestroyNotify destroy)
{
  Job *job = g_new (Job, 1);

  *job = (Job){ order, func, data, destroy };
  g_mutex_lock (&self->lock);
  bool is_taken = !self->is_closed && g_thread_pool_push (pool, job, NULL);
  g_mutex_unlock (&self->lock);
  if (is_taken)
    return;
  if (destroy != NULL)
    destroy (data);
  g_free (job);
}

/* ---- The store ------------------------------------------------------------------------------------------------------- */

MxrStore *
mxr_library_need_store (MxrLibrary *self, GError **error)
{
  bool is_new = false;

  if (self->store != NULL && mxr_store_is_damaged (self->store))
    g_clear_pointer (&self->store, mxr_store_free);
  if (self->store != NULL)
    return self->store;
  if (!g_file_test (self->directory, G_FILE_TEST_IS_DIR)) {
    g_set_error_literal (error, MXR_LIBRARY_ERROR, MXR_LIBRARY_ERROR_FAILED,
                         "programme.recordings_directory is no directory that can be read");
    return NULL;
  }
  self->store = mxr_store_open (self->database, &is_new, error);
  if (self->store == NULL)
    return NULL;
  if (is_new)
    mxr_info ("library", "the list of recordings is made anew from what is in programme.recordings_directory");
  mxr_library_prepare_uploads (self);
  mxr_library_scan (self);
  return self->store;
}

static void
begin (MxrLibrary *self, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (mxr_library_need_store (self, &error) == NULL)
    mxr_warning ("library", "%s", error->message);
}

static void
keep (MxrLibrary *self, gpointer data)
{
  if (mxr_library_need_store (self, NULL) != NULL)
    mxr_library_keep (self);
}

/* ---- Life ------------------------------------------------------------------------------------------------------------- */

static gboolean
on_timer (gpointer user_data)
{
  MxrLibrary *self = user_data;
  mxr_library_post (self, self->records, MXR_JOB_FIRST, keep, NULL, NULL);
  return G_SOURCE_CONTINUE;
}

MxrLibrary *
mxr_library_new (const MxrConfig *config, const MxrLibraryEvents *events, gpointer user_data)
{
  MxrLibrary *self = g_new0 (MxrLibrary, 1);

  self->config = config;
  self->events = events;
  self->user_data = user_data;
  self->directory = g_strdup (config->programme.recordings_directory);
  self->database = *config->library.database != '\0' ? g_strdup (config->library.database)
                                                     : g_build_filename (self->directory, "library.sqlite", NULL);
  self->run = mxr_random_text (6);
  self->mailbox = mxr_mailbox_new (NULL, "mxr-library", EVENTS_MAX);
  self->closing = g_cancellable_new ();
  self->live = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_mutex_init (&self->lock);
  self->records = g_thread_pool_new (run_job, self, 1, TRUE, NULL);
  self->looker = g_thread_pool_new (run_job, self, 1, TRUE, NULL);
  g_thread_pool_set_sort_function (self->looker, compare_jobs, NULL);
  mxr_library_prepare_uploads (self); /* here, so that the first request may be one; again when the directory is late */
  self->timer = g_timeout_add_seconds (KEEP_EVERY_S, on_timer, self);
  mxr_library_post (self, self->records, MXR_JOB_FIRST, begin, NULL, NULL);
  return self;
}

void
mxr_library_give_up (MxrLibrary *self)
{
  g_cancellable_cancel (self->closing);
}

/* What was posted to records is still done: among it may be the end of a recording. */
void
mxr_library_free (MxrLibrary *self)
{
  g_source_remove (self->timer);
  mxr_library_give_up (self);
  g_mutex_lock (&self->lock);
  self->is_closed = true;
  g_mutex_unlock (&self->lock);
  g_thread_pool_free (self->looker, FALSE, TRUE);
  g_thread_pool_free (self->records, FALSE, TRUE);
  mxr_mailbox_close (self->mailbox);
  mxr_mailbox_unref (self->mailbox);
  g_clear_pointer (&self->store, mxr_store_free);
  g_hash_table_unref (self->live);
  g_object_unref (self->closing);
  g_mutex_clear (&self->lock);
  g_free (self->directory);
  g_free (self->database);
  g_free (self->run);
  g_free (self);
}
