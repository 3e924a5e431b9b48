#include "mixroom/library.h"

#include <unistd.h>

G_DEFINE_QUARK (mxr-library-error-quark, mxr_library_error)

const char *
mxr_library_state_to_string (MxrLibraryState state)
{
  static const char *const names[] = { "recording", "finished", "failed" };
  return names[state];
}

MxrLibraryEntry *
mxr_library_entry_copy (const MxrLibraryEntry *entry)
{
  MxrLibraryEntry *copy = g_new (MxrLibraryEntry, 1);

  *copy = *entry;
  copy->id = g_strdup (entry->id);
  copy->file = g_strdup (entry->file);
  copy->title = g_strdup (entry->title);
  copy->room = g_strdup (entry->room);
  copy->participants = g_strdupv (entry->participants);
  copy->type = g_strdup (entry->type);
  return copy;
}

void
mxr_library_entry_free (MxrLibraryEntry *entry)
{
  g_free (entry->id);
  g_free (entry->file);
  g_free (entry->title);
  g_free (entry->room);
  g_strfreev (entry->participants);
  g_free (entry->type);
  g_free (entry);
}

void
mxr_library_page_free (MxrLibraryPage *page)
{
  g_ptr_array_unref (page->entries);
  g_free (page->next);
  g_free (page);
}

void
mxr_library_file_free (MxrLibraryFile *file)
{
  mxr_library_entry_free (file->entry);
  if (file->fd >= 0)
    close (file->fd);
  g_free (file->etag);
  g_free (file);
}
