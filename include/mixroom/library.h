#ifndef MIXROOM_LIBRARY_H
#define MIXROOM_LIBRARY_H

#include "mixroom/base.h"

G_BEGIN_DECLS

/* The list of recordings and uploads: what is in `programme.recordings_directory`, in a database beside it. The files are
 * the truth: the list is made of them anew when it is lost.
 *
 * Thread: control; all slow work is done by two threads of the library's own. */

#define MXR_LIBRARY_ERROR (mxr_library_error_quark ())
GQuark mxr_library_error_quark (void);

typedef enum {
  MXR_LIBRARY_ERROR_NOT_FOUND, /* no such recording, or its file has gone */
  MXR_LIBRARY_ERROR_BUSY,      /* it is being recorded */
  MXR_LIBRARY_ERROR_NOT_MEDIA, /* the file cannot be played */
  MXR_LIBRARY_ERROR_FAILED,    /* the directory or the database cannot be used */
} MxrLibraryError;

typedef enum { MXR_LIBRARY_RECORDING, MXR_LIBRARY_FINISHED, MXR_LIBRARY_FAILED } MxrLibraryState;

typedef struct {
  char *id;            /* of the file's name, so that it is the same in a list that was made anew */
  char *file;          /* below the recordings' directory */
  char *title;
  char *room;          /* "": of none */
  char **participants; /* (array zero-terminated=1): names */
  char *type;          /* media type */
  gint64 started_ms;   /* Unix time */
  guint64 duration_ms, n_bytes;
  guint width_px, height_px; /* 0: no picture, or not known yet */
  MxrLibraryState state;
  bool has_poster;
} MxrLibraryEntry;

MxrLibraryEntry *mxr_library_entry_copy (const MxrLibraryEntry *entry);
void mxr_library_entry_free (MxrLibraryEntry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrLibraryEntry, mxr_library_entry_free)

/** mxr_library_state_to_string: Returns: as in the API: "finished". */
const char *mxr_library_state_to_string (MxrLibraryState state);

/** mxr_library_make_id: @file: below the recordings' directory. Returns: (transfer full): its id, 16 characters. Pure. */
char *mxr_library_make_id (const char *file);

typedef struct _MxrLibrary MxrLibrary;

typedef struct {
  /* Deleted by a limit of the configuration, not by somebody. @entry is borrowed. */
  void (*on_expired) (const MxrLibraryEntry *entry, gpointer user_data);
} MxrLibraryEvents;

/**
 * mxr_library_new:
 * @config: (transfer none): outlives the library; `programme.recordings_directory` is set
 * @events: (nullable): outlives the library
 *
 * Returns at once; then the list is opened and compared with the files. A directory that is not there makes calls fail,
 * until it is.
 */
MxrLibrary *mxr_library_new (const MxrConfig *config, const MxrLibraryEvents *events, gpointer user_data);

/** mxr_library_give_up: For a server that ends: nothing more is looked into, what is being looked into is looked into at the
 * next start, and uploads that wait for it fail. What was asked for is still answered, and recordings are listed. */
void mxr_library_give_up (MxrLibrary *library);

/** mxr_library_free: Waits for what is being written. Calls under way have been called back for. */
void mxr_library_free (MxrLibrary *library);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrLibrary, mxr_library_free)

/* ---- What is recorded ---------------------------------------------------------------------------------------- */

/* One file of an output. Strings are borrowed. */
typedef struct {
  const char *room;
  const char *file;                /* below the recordings' directory */
  const char *const *participants; /* (array zero-terminated=1) (nullable) */
  gint64 started_ms;
  guint64 duration_ms, n_bytes;
  bool is_over;
  bool has_failed;
} MxrLibraryRecording;

/** mxr_library_on_recording: It has begun, or is over. What is listed so far keeps its title. */
void mxr_library_on_recording (MxrLibrary *library, const MxrLibraryRecording *recording);

/* ---- Looking ---------------------------------------------------------------------------------------------------- */

typedef struct {
  const char *room;   /* (nullable): of this room only */
  const char *search; /* (nullable): each of its words is in the title, the room or a name */
  const char *before; /* (nullable): a page's `next` */
  guint limit;        /* [1..MXR_LIBRARY_PAGE_MAX] */
} MxrLibraryQuery;

typedef struct {
  GPtrArray *entries; /* MxrLibraryEntry; newest first */
  char *next;         /* (nullable): what is older begins there, whatever comes meanwhile */
  guint64 n_entries;  /* of all pages */
  guint64 n_bytes;
} MxrLibraryPage;

void mxr_library_page_free (MxrLibraryPage *page);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrLibraryPage, mxr_library_page_free)

void mxr_library_list_async (MxrLibrary *library, const MxrLibraryQuery *query, GAsyncReadyCallback callback,
                             gpointer user_data);
MxrLibraryPage *mxr_library_list_finish (MxrLibrary *library, GAsyncResult *result, GError **error);

void mxr_library_get_async (MxrLibrary *library, const char *id, GAsyncReadyCallback callback, gpointer user_data);
/** mxr_library_get_finish: Of mxr_library_get_async(), mxr_library_set_title_async(), mxr_library_remove_async() and
 * mxr_library_add_async(). Errors: NOT_FOUND, BUSY, NOT_MEDIA, FAILED. */
MxrLibraryEntry *mxr_library_get_finish (MxrLibrary *library, GAsyncResult *result, GError **error);

/* A file that is open, so that it stays readable when it is deleted. */
typedef struct {
  MxrLibraryEntry *entry;
  int fd;
  guint64 n_bytes; /* at this moment */
  char *etag;      /* with its quotes: another file, or another length, has another one */
} MxrLibraryFile;

void mxr_library_file_free (MxrLibraryFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrLibraryFile, mxr_library_file_free)

/** mxr_library_open_async: @is_poster: its JPEG in place of the recording. Errors: NOT_FOUND, FAILED. */
void mxr_library_open_async (MxrLibrary *library, const char *id, bool is_poster, GAsyncReadyCallback callback,
                             gpointer user_data);
MxrLibraryFile *mxr_library_open_finish (MxrLibrary *library, GAsyncResult *result, GError **error);

/** mxr_library_find_path_async: For who plays it. Errors: NOT_FOUND, BUSY (it is being recorded), FAILED. */
void mxr_library_find_path_async (MxrLibrary *library, const char *id, GAsyncReadyCallback callback, gpointer user_data);
/** mxr_library_find_path_finish: Returns: (transfer full): absolute, as far as the configuration's is. */
char *mxr_library_find_path_finish (MxrLibrary *library, GAsyncResult *result, GError **error);

/* ---- Changing ---------------------------------------------------------------------------------------------------- */

/** mxr_library_set_title_async: @title: (see MXR_TITLE_MAX_CHARS), checked by the caller. */
void mxr_library_set_title_async (MxrLibrary *library, const char *id, const char *title, GAsyncReadyCallback callback,
                                  gpointer user_data);

/** mxr_library_remove_async: The file, too. Errors: NOT_FOUND, BUSY, FAILED. */
void mxr_library_remove_async (MxrLibrary *library, const char *id, GAsyncReadyCallback callback, gpointer user_data);

/**
 * mxr_library_begin_upload:
 *
 * Returns: (transfer full): path of a file to be written, in the same file system as the recordings; it is deleted at the
 * next start when nobody has by then.
 */
char *mxr_library_begin_upload (MxrLibrary *library);

/**
 * mxr_library_add_async:
 * @path: of mxr_library_begin_upload(); it is taken, or deleted when it is no media
 * @title: (nullable), @room: (nullable)
 *
 * Errors: NOT_MEDIA, FAILED.
 */
void mxr_library_add_async (MxrLibrary *library, const char *path, const char *title, const char *room,
                            GAsyncReadyCallback callback, gpointer user_data);

G_END_DECLS

#endif
