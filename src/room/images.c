/* The folder of images for logos and backgrounds. Whatever touches the disk or decodes is done by a GTask worker. */

#include "images.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image-decode.h"
#include "mixroom/limits.h"

/* What a worker needs, and no more: the configuration may be gone by then. */
typedef struct {
  char *directory;
  char *name;    /* (nullable) */
  GBytes *bytes; /* (nullable): to be written */
  bool is_logo;
  guint width_px, height_px;
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;
  g_free (job->directory);
  g_free (job->name);
  g_clear_pointer (&job->bytes, g_bytes_unref);
  g_free (job);
}

static Job *
job_new (const MxrConfig *config, const char *name)
{
  Job *job = g_new0 (Job, 1);
  job->directory = g_strdup (config->programme.images_directory);
  job->name = g_strdup (name);
  return job;
}

static void
set_error (GError **error, MxrRoomError code, const char *text)
{
  g_set_error_literal (error, MXR_ROOM_ERROR, code, text);
}

/* ---- Names ---------------------------------------------------------------------------------------------------- */

static bool
is_name (const char *name)
{
  gsize length = strlen (name);

  return length > 0 && length <= MXR_IMAGE_NAME_MAX_BYTES && name[0] != '.' &&
         strspn (name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == length;
}

/* @job: (transfer full). What is refused at once is told by the callback too, in a later turn of the main loop. */
static void
run (Job *job, GTaskThreadFunc worker, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);

  g_task_set_task_data (task, job, job_free);
  if (*job->directory == '\0')
    g_task_return_new_error (task, MXR_ROOM_ERROR, MXR_ROOM_ERROR_OUTPUT_OFF,
                             "There are no images on this server: programme.images_directory is not set.");
  else if (job->name != NULL && !is_name (job->name))
    g_task_return_new_error (task, MXR_ROOM_ERROR, MXR_ROOM_ERROR_BAD_LOOK,
                             "An image's name has 1 to %d of A-Z, a-z, 0-9, '.', '_' and '-', and does not begin with '.'.",
                             MXR_IMAGE_NAME_MAX_BYTES);
  else
    g_task_run_in_thread (task, worker);
}

/* ---- Files ---------------------------------------------------------------------------------------------------- */

/* Regular files only, and none behind a symbolic link. */
static int
open_image (const Job *job, const char *name, struct stat *out_info, GError **error)
{
  g_autofree char *path = g_build_filename (job->directory, name, NULL);
  int fd = g_open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);

  if (fd >= 0 && fstat (fd, out_info) == 0 && S_ISREG (out_info->st_mode) && out_info->st_size <= MXR_IMAGE_MAX_BYTES)
    return fd;
  if (fd >= 0)
    close (fd);
  g_set_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_NOT_FOUND, "There is no image '%s'; GET /api/v1/images lists them.", name);
  return -1;
}

static GBytes *
read_image (const Job *job, const char *name, GError **error)
{
  struct stat info;
  int fd = open_image (job, name, &info, error);

  if (fd < 0)
    return NULL;
  g_autofree guint8 *bytes = g_malloc ((gsize) info.st_size + 1);
  gsize n_bytes = 0;
  ssize_t n = 1;
  while (n > 0 && n_bytes < (gsize) info.st_size) {
    n = read (fd, bytes + n_bytes, (gsize) info.st_size - n_bytes);
    n_bytes += n > 0 ? (gsize) n : 0;
  }
  close (fd);
  return g_bytes_new_take (g_steal_pointer (&bytes), n_bytes);
}

/* Returns: (transfer floating) (nullable) */
static GVariant *
describe (const char *name, GBytes *bytes)
{
  gsize n_bytes;
  const guint8 *data = g_bytes_get_data (bytes, &n_bytes);
  const char *problem;
  GVariantBuilder image;
  MxrImageHead head;

  if (!mxr_image_head_read (data, n_bytes, &head, &problem))
    return NULL;
  g_variant_builder_init (&image, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&image, "{sv}", "name", g_variant_new_string (name));
  g_variant_builder_add (&image, "{sv}", "type", g_variant_new_string (head.type));
  g_variant_builder_add (&image, "{sv}", "bytes", g_variant_new_uint64 (n_bytes));
  g_variant_builder_add (&image, "{sv}", "width", g_variant_new_uint32 (head.width_px));
  g_variant_builder_add (&image, "{sv}", "height", g_variant_new_uint32 (head.height_px));
  return g_variant_builder_end (&image);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Returns: (transfer full): of files that may be images, in order, %MXR_IMAGES_MAX at most */
static GPtrArray *
list_names (const Job *job)
{
  g_autoptr (GDir) dir = g_dir_open (job->directory, 0, NULL);
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  while (dir != NULL && names->len < MXR_IMAGES_MAX && (name = g_dir_read_name (dir)) != NULL)
    if (is_name (name))
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  return names;
}

/* ---- Workers -------------------------------------------------------------------------------------------------- */

static void
return_variant (GTask *task, GVariant *value)
{
  g_task_return_pointer (task, g_variant_ref_sink (value), (GDestroyNotify) g_variant_unref);
}

static void
list_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Job *job = data;
  g_autoptr (GPtrArray) names = list_names (job);
  GVariantBuilder list;

  g_variant_builder_init (&list, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < names->len; i++) {
    g_autoptr (GBytes) bytes = read_image (job, names->pdata[i], NULL);
    GVariant *image = bytes != NULL ? describe (names->pdata[i], bytes) : NULL;
    if (image != NULL)
      g_variant_builder_add_value (&list, image);
  }
  return_variant (task, g_variant_builder_end (&list));
}

static void
read_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Job *job = data;
  GError *error = NULL;
  GBytes *bytes = read_image (job, job->name, &error);

  if (bytes != NULL)
    g_task_return_pointer (task, bytes, (GDestroyNotify) g_bytes_unref);
  else
    g_task_return_error (task, error);
}

static void
load_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Job *job = data;
  GError *error = NULL;
  g_autoptr (GBytes) bytes = read_image (job, job->name, &error);
  GstSample *sample = bytes != NULL ? mxr_image_decode (bytes, job->is_logo, job->width_px, job->height_px, &error) : NULL;

  if (sample != NULL)
    g_task_return_pointer (task, sample, (GDestroyNotify) gst_sample_unref);
  else
    g_task_return_error (task, error);
}

static bool
has_room (const Job *job)
{
  g_autofree char *path = g_build_filename (job->directory, job->name, NULL);
  g_autoptr (GPtrArray) names = list_names (job);

  return names->len < MXR_IMAGES_MAX || g_file_test (path, G_FILE_TEST_EXISTS);
}

/* All of it or nothing: g_file_set_contents_full() writes another file and renames it. */
static bool
write_image (const Job *job, GError **error)
{
  g_autofree char *path = g_build_filename (job->directory, job->name, NULL);
  g_autoptr (GError) cause = NULL;
  gsize n_bytes;
  const char *data = g_bytes_get_data (job->bytes, &n_bytes);

  if (!has_room (job)) {
    set_error (error, MXR_ROOM_ERROR_BUSY, "There are 256 images already; delete one first.");
    return false;
  }
  if (g_mkdir_with_parents (job->directory, 0750) == 0 &&
      g_file_set_contents_full (path, data, (gssize) n_bytes, G_FILE_SET_CONTENTS_CONSISTENT, 0640, &cause))
    return true;
  mxr_warning ("room", "image %s is not written: %s", job->name, cause != NULL ? cause->message : g_strerror (errno));
  set_error (error, MXR_ROOM_ERROR_FAILED, "The image could not be written; the server's log says why.");
  return false;
}

static void
write_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Job *job = data;
  GError *error = NULL;
  g_autoptr (GstSample) sample = mxr_image_decode (job->bytes, true, 0, 0, &error);

  if (sample != NULL && write_image (job, &error))
    return_variant (task, describe (job->name, job->bytes));
  else
    g_task_return_error (task, error);
}

static void
delete_worker (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Job *job = data;
  g_autofree char *path = g_build_filename (job->directory, job->name, NULL);
  g_autoptr (GError) error = NULL;
  struct stat info;
  int fd = open_image (job, job->name, &info, &error);

  if (fd < 0) {
    g_task_return_error (task, g_steal_pointer (&error));
    return;
  }
  close (fd);
  if (g_unlink (path) == 0)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_new_error (task, MXR_ROOM_ERROR, MXR_ROOM_ERROR_FAILED, "The image could not be deleted: %s.",
                             g_strerror (errno));
}

/* ---- What others call ----------------------------------------------------------------------------------------- */

void
mxr_images_list_async (const MxrConfig *config, GAsyncReadyCallback callback, gpointer user_data)
{
  run (job_new (config, NULL), list_worker, callback, user_data);
}

void
mxr_image_read_async (const MxrConfig *config, const char *name, GAsyncReadyCallback callback, gpointer user_data)
{
  run (job_new (config, name), read_worker, callback, user_data);
}

void
mxr_image_write_async (const MxrConfig *config, const char *name, GBytes *bytes, GAsyncReadyCallback callback,
                       gpointer user_data)
{
  Job *job = job_new (config, name);
  job->bytes = g_bytes_ref (bytes);
  run (job, write_worker, callback, user_data);
}

void
mxr_image_delete_async (const MxrConfig *config, const char *name, GAsyncReadyCallback callback, gpointer user_data)
{
  run (job_new (config, name), delete_worker, callback, user_data);
}

void
mxr_image_load_async (const MxrConfig *config, const char *name, bool is_logo, guint width_px, guint height_px,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  Job *job = job_new (config, name);
  job->is_logo = is_logo;
  job->width_px = width_px;
  job->height_px = height_px;
  run (job, load_worker, callback, user_data);
}

GVariant *
mxr_image_describe_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

GBytes *
mxr_image_read_finish (GAsyncResult *result, const char **out_type, GError **error)
{
  g_autoptr (GBytes) bytes = g_task_propagate_pointer (G_TASK (result), error);
  MxrImageHead head;
  const char *problem;
  gsize n_bytes;

  if (bytes == NULL)
    return NULL;
  const guint8 *data = g_bytes_get_data (bytes, &n_bytes);
  if (!mxr_image_head_read (data, n_bytes, &head, &problem)) {
    set_error (error, MXR_ROOM_ERROR_NOT_FOUND, "There is a file of that name, but it is no image.");
    return NULL;
  }
  *out_type = head.type;
  return g_steal_pointer (&bytes);
}

bool
mxr_image_delete_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

GstSample *
mxr_image_load_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
