#ifndef MXR_LIBRARY_PRIVATE_H
#define MXR_LIBRARY_PRIVATE_H

#include "mixroom/library.h"

#include "store.h"

/* The parts of the library, which live in two threads: `records` has the store and does what takes milliseconds, in the
 * order of asking; `looker` has the disk's directories and the process that looks into files, and may take minutes. */

struct _MxrLibrary {
  const MxrConfig *config;
  const MxrLibraryEvents *events;
  gpointer user_data;
  char *directory, *database;
  char *run; /* what names of this run's uploads begin with */
  MxrMailbox *mailbox; /* to control */
  guint timer;
  GThreadPool *records, *looker;
  GMutex lock; /* of: */
  bool is_closed;
  GCancellable *closing;
  MxrStore *store;  /* records; NULL: not open */
  GHashTable *live; /* records: files that are being recorded, a set */
  guint n_looking;  /* records: files that are not listed as they are yet */
};

typedef void (*MxrLibraryFunc) (MxrLibrary *library, gpointer data);

typedef enum { MXR_JOB_FIRST, MXR_JOB_LATER } MxrJobOrder;

/** mxr_library_post: @pool: records or looker. Once the library is closed @data is destroyed unused. Thread: any. */
void mxr_library_post (MxrLibrary *library, GThreadPool *pool, MxrJobOrder order, MxrLibraryFunc func, gpointer data,
                       GDestroyNotify destroy);

/** mxr_library_need_store: Opens it when it is not. Thread: records. */
MxrStore *mxr_library_need_store (MxrLibrary *library, GError **error);

/* ---- files.c: the recordings' directory. Thread: any ------------------------------------------------------------- */

char *mxr_library_get_path (MxrLibrary *library, const char *file);
/** mxr_library_get_poster_path: Makes its directory when it is not there. */
char *mxr_library_get_poster_path (MxrLibrary *library, const char *id);
/** mxr_library_is_plain: Whether @file is a name, or a folder's and a name, that leads nowhere else. */
bool mxr_library_is_plain (const char *file);
/** mxr_library_open_file: Returns: a descriptor, or -1 when there is no such file or it is behind a symbolic link. */
int mxr_library_open_file (MxrLibrary *library, const char *file);
/** mxr_library_delete_file: With what belongs to it. Returns: whether it is gone. */
bool mxr_library_delete_file (MxrLibrary *library, const MxrLibraryEntry *entry, GError **error);
/** mxr_library_walk: Returns: (transfer full) (nullable): file -> size (guint64 *); %NULL: the directory cannot be read. */
GHashTable *mxr_library_walk (MxrLibrary *library);
/** mxr_library_prepare_uploads: Makes their directory, and deletes what uploads of former runs have left behind. */
void mxr_library_prepare_uploads (MxrLibrary *library);

/* ---- probe.c: a process that looks into a file. Thread: looker ---------------------------------------------------- */

typedef struct {
  char *type, *ending;
  guint64 duration_ms;
  guint width_px, height_px;
  bool has_poster;
} MxrProbeFacts;

void mxr_probe_facts_clear (MxrProbeFacts *facts);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MxrProbeFacts, mxr_probe_facts_clear)

/** mxr_probe: @is_whole: its head does not tell how long it is. Blocks. Errors: NOT_MEDIA, FAILED. */
bool mxr_probe (const char *path, bool is_whole, const char *poster, GCancellable *cancellable, MxrProbeFacts *out_facts,
                GError **error);

/* ---- look.c, scan.c, keep.c ------------------------------------------------------------------------------------------ */

/** mxr_library_look: Finds out what @file holds, and lists it when it is not. Thread: records. */
void mxr_library_look (MxrLibrary *library, const char *file, bool is_whole);
/** mxr_library_scan: Begins to compare the list with the files. Thread: records. */
void mxr_library_scan (MxrLibrary *library);
/** mxr_library_keep: Deletes what is too old or too much, once all is listed: the oldest may be yet to come. Thread: records. */
void mxr_library_keep (MxrLibrary *library);

#endif
