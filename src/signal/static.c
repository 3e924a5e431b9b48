#include "static.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "problem.h"

/* Read within one turn of the main loop, from the page cache: the largest module of a page is a tenth of
 * this. */
#define FILE_MAX_BYTES (4 * 1024 * 1024)
#define FILES_MAX 512

typedef struct {
  GBytes *bytes;
  char *etag;
  struct timespec modified;
  goffset size;
} File;

struct _MxrStaticFiles {
  int root_fd;       /* -1: there is no page */
  GHashTable *files; /* path -> File */
};

static const struct {
  const char *suffix, *type;
} types[] = {
  { ".html", "text/html; charset=utf-8" },
  { ".js", "text/javascript; charset=utf-8" },
  { ".mjs", "text/javascript; charset=utf-8" },
  { ".css", "text/css; charset=utf-8" },
  { ".json", "application/json" },
  { ".webmanifest", "application/manifest+json" },
  { ".svg", "image/svg+xml" },
  { ".png", "image/png" },
  { ".jpg", "image/jpeg" },
  { ".webp", "image/webp" },
  { ".ico", "image/vnd.microsoft.icon" },
  { ".woff2", "font/woff2" },
  { ".wasm", "application/wasm" },
  { ".txt", "text/plain; charset=utf-8" },
  { ".md", "text/markdown; charset=utf-8" },
};

static const char *
find_type (const char *path)
{
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_has_suffix (path, types[i].suffix))
      return types[i].type;
  return "application/octet-stream";
}

static void
file_free (gpointer data)
{
  File *file = data;
  g_clear_pointer (&file->bytes, g_bytes_unref);
  g_free (file->etag);
  g_free (file);
}

static int
open_root (const char *root)
{
  const char *const candidates[] = { root, MXR_INSTALLED_WEB_DIR, MXR_SOURCE_WEB_DIR };
  bool is_given = root != NULL && *root != '\0';

  for (guint i = is_given ? 0 : 1; i < (is_given ? 1 : G_N_ELEMENTS (candidates)); i++) {
    int fd = open (candidates[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
      return fd;
  }
  mxr_warning ("signal", "no folder with the page at %s: set server.web_root",
               is_given ? root : MXR_INSTALLED_WEB_DIR);
  return -1;
}

MxrStaticFiles *
mxr_static_files_new (const char *root)
{
  MxrStaticFiles *self = g_new0 (MxrStaticFiles, 1);
  self->root_fd = open_root (root);
  self->files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, file_free);
  return self;
}

void
mxr_static_files_free (MxrStaticFiles *self)
{
  if (self->root_fd >= 0)
    close (self->root_fd);
  g_hash_table_unref (self->files);
  g_free (self);
}

/* Segments that a file of the page has: no "..", nothing hidden, no backslash or control character. */
static bool
is_plain_path (const char *path)
{
  if (*path != '/' || strlen (path) > 512)
    return false;
  for (const char *c = path; *c != '\0'; c++)
    if ((guchar)*c < ' ' || *c == '\\' || *c == 0x7f || (*c == '/' && (c[1] == '.' || c[1] == '/')))
      return false;
  return true;
}

/* The kernel keeps the walk below the root: no "..", no symbolic link anywhere in the path (openat2(2)). */
static int
open_file (MxrStaticFiles *self, const char *path)
{
  const struct open_how how = {
    .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
  };
  if (self->root_fd < 0 || !is_plain_path (path))
    return -1;
  return (int)syscall (SYS_openat2, self->root_fd, path + 1, &how, sizeof how);
}

static GBytes *
read_all (int fd, gsize n_bytes)
{
  g_autofree guint8 *bytes = g_malloc (n_bytes + 1);
  gsize n_read = 0;

  while (n_read < n_bytes) {
    gssize now = read (fd, bytes + n_read, n_bytes - n_read);
    if (now < 0 && errno == EINTR)
      continue;
    if (now <= 0)
      return NULL;
    n_read += now;
  }
  return g_bytes_new_take (g_steal_pointer (&bytes), n_bytes);
}

/* Returns: (transfer none) (nullable): the file as it is now. */
static File *
look_up (MxrStaticFiles *self, const char *path, int fd)
{
  struct stat status;
  File *file = g_hash_table_lookup (self->files, path);

  if (fstat (fd, &status) != 0 || !S_ISREG (status.st_mode) || status.st_size > FILE_MAX_BYTES)
    return NULL;
  if (file != NULL && file->size == status.st_size && file->modified.tv_sec == status.st_mtim.tv_sec &&
      file->modified.tv_nsec == status.st_mtim.tv_nsec)
    return file;

  g_autoptr (GBytes) bytes = read_all (fd, status.st_size);
  if (bytes == NULL)
    return NULL;
  g_autofree char *digest = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);
  if (g_hash_table_size (self->files) >= FILES_MAX)
    g_hash_table_remove_all (self->files);
  file = g_new0 (File, 1);
  file->bytes = g_steal_pointer (&bytes);
  file->etag = g_strdup_printf ("\"%.16s\"", digest);
  file->modified = status.st_mtim;
  file->size = status.st_size;
  g_hash_table_insert (self->files, g_strdup (path), file);
  return file;
}

static void
respond_file (SoupServerMessage *msg, const File *file, const char *path)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (msg);
  const char *known =
      soup_message_headers_get_one (soup_server_message_get_request_headers (msg), "If-None-Match");

  soup_message_headers_replace (headers, "ETag", file->etag);
  soup_message_headers_replace (headers, "Cache-Control", "no-cache"); /* always ask; 304 answers */
  if (known != NULL && strstr (known, file->etag) != NULL) {
    soup_server_message_set_status (msg, SOUP_STATUS_NOT_MODIFIED, NULL);
    return;
  }
  soup_message_headers_set_content_type (headers, find_type (path), NULL);
  soup_server_message_set_status (msg, SOUP_STATUS_OK, NULL);
  soup_message_body_append_bytes (soup_server_message_get_response_body (msg), file->bytes);
}

void
mxr_static_files_handle (MxrStaticFiles *self, SoupServerMessage *msg, const char *path)
{
  const char *method = soup_server_message_get_method (msg);

  if (method != SOUP_METHOD_GET && method != SOUP_METHOD_HEAD) {
    mxr_problem_respond_method (msg, "GET, HEAD");
    return;
  }
  const char *wanted = strcmp (path, "/") == 0 ? "/index.html" : path;
  int fd = open_file (self, wanted);
  const File *file = fd >= 0 ? look_up (self, wanted, fd) : NULL;
  if (fd >= 0)
    close (fd);
  if (file != NULL)
    respond_file (msg, file, wanted);
  else
    mxr_problem_respond (msg, MXR_PROBLEM_NOT_FOUND, "There is no such page; start at /.");
}
