/* Separate tracks: a directory with a file for each kind of media of each participant, all on one timeline, and an index. What
 * network threads have brought is fetched and written ten times a second, so nothing but the fetching needs a lock. */

#include "tracks.h"

#include "mixroom/limits.h"

#define POLL_MS 100
#define NAME_MAX_BYTES 40
/* Of one participant, whose media cannot be written: no more is tried. */
#define FAILURES_MAX 3

/* A participant's connection. */
typedef struct {
  MxrTrack *track;
  MxrTrackEntry *entries[2]; /* unowned: that are written, by is_picture; NULL: none */
  bool lacks_keyframe;       /* what was left out, the picture needs */
  guint n_files, n_failures;
} Source;

typedef struct {
  char *directory;
  GPtrArray *sources; /* Source */
  GPtrArray *entries; /* MxrTrackEntry: all that were begun */
  gint64 started_ms;  /* Unix time */
  gint64 origin_ns;   /* monotonic time of the timeline's 0; moves by pauses */
  gint64 paused_ns;   /* when it was paused, or has ended; 0: it goes on */
  gint64 resumed_ns;
  guint timer;
  bool is_ready; /* the directory is there */
  bool index_is_dirty, index_is_being_written;
} Tracks;

static void finish_if_done (MxrOutput *output);

static gint64
get_now_ns (void)
{
  return g_get_monotonic_time () * 1000;
}

static void
source_free (gpointer data)
{
  Source *source = data;
  mxr_track_unref (source->track);
  g_free (source);
}

/* Letters, digits and hyphens, so that it needs quotes nowhere. */
static char *
make_safe (const char *text)
{
  char *safe = g_strndup (text, NAME_MAX_BYTES);

  for (char *p = safe; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p))
      *p = '-';
  return safe;
}

static guint64
get_duration_ms (MxrOutput *output)
{
  const Tracks *tracks = output->data;
  const gint64 till_ns = tracks->paused_ns != 0 ? tracks->paused_ns : get_now_ns ();
  return (guint64) MAX (till_ns - tracks->origin_ns, 0) / GST_MSECOND;
}

/* ---- The index --------------------------------------------------------------------------------------------------- */

static void
fail (MxrOutput *output, const char *detail)
{
  Tracks *tracks = output->data;

  if (output->state == MXR_OUTPUT_FAILED)
    return;
  g_clear_handle_id (&tracks->timer, g_source_remove);
  if (tracks->paused_ns == 0)
    tracks->paused_ns = get_now_ns ();
  for (guint i = 0; i < tracks->entries->len; i++) {
    MxrTrackEntry *entry = tracks->entries->pdata[i];
    if (entry->file != NULL)
      mxr_track_file_end (entry->file);
  }
  mxr_output_set_state (output, MXR_OUTPUT_FAILED, detail);
}

static void
on_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  MxrOutput *output = user_data;
  Tracks *tracks = output->data;
  g_autoptr (GError) error = NULL;

  output->n_workers--;
  tracks->index_is_being_written = false;
  if (!g_task_propagate_boolean (G_TASK (result), &error)) {
    tracks->index_is_dirty = false; /* there is no use in another try */
    fail (output, error->message);
  } else if (!tracks->is_ready) {
    tracks->is_ready = true;
    if (output->state == MXR_OUTPUT_STARTING && !output->is_stopping)
      mxr_output_set_state (output, output->is_paused ? MXR_OUTPUT_PAUSED : MXR_OUTPUT_RUNNING, NULL);
  }
  finish_if_done (output);
}

static void
write_index (MxrOutput *output)
{
  Tracks *tracks = output->data;

  tracks->index_is_dirty = false;
  tracks->index_is_being_written = true;
  output->n_workers++;
  mxr_tracks_write_async (tracks->directory, !tracks->is_ready,
                          mxr_tracks_describe (output->name, tracks->started_ms, get_duration_ms (output), tracks->entries),
                          on_written, output);
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

static void
tell_file (const MxrTrackEntry *entry)
{
  MxrOutput *output = entry->output;
  Tracks *tracks = output->data;

  tracks->index_is_dirty = true;
  if (output->events.on_file == NULL)
    return;
  g_autofree char *path = g_build_filename (output->recording, entry->name, NULL);
  const MxrOutputFile file = {
    .file = path,
    .participant = entry->participant_name,
    .started_ms = entry->started_ms,
    .duration_ms = (entry->end_ns - entry->begin_ns) / GST_MSECOND,
    .n_bytes = entry->n_bytes,
    .is_over = entry->file == NULL,
    .has_failed = entry->has_failed,
  };
  output->events.on_file (output, &file, output->user_data);
}

/* Its source goes on with another one, if it may. */
static void
forget_entry (Tracks *tracks, const MxrTrackEntry *entry)
{
  for (guint i = 0; i < tracks->sources->len; i++) {
    Source *source = tracks->sources->pdata[i];
    if (source->entries[entry->is_picture] != entry)
      continue;
    source->entries[entry->is_picture] = NULL;
    source->n_failures += entry->has_failed;
    mxr_track_need_keyframe (source->track);
  }
}

/* A disk that is full or gone is everybody's; else it is one participant's media that cannot be written. */
static void
on_file_over (MxrTrackFile *file, const GError *error, gpointer user_data)
{
  MxrTrackEntry *entry = user_data;
  MxrOutput *output = entry->output;

  entry->n_bytes = mxr_track_file_get_bytes (file);
  entry->has_failed = error != NULL;
  entry->file = NULL;
  forget_entry (output->data, entry);
  output->n_workers--;
  tell_file (entry);
  if (error != NULL)
    mxr_debug ("output", "tracks %s: %s: %s", output->id, entry->name, error->message);
  if (error != NULL && error->domain == GST_RESOURCE_ERROR)
    fail (output, error->message);
  mxr_track_file_free (file);
  finish_if_done (output);
}

static MxrTrackEntry *
new_entry (MxrOutput *output, Source *source, const MxrTrackUnit *unit, GstClockTime time_ns)
{
  MxrTrackEntry *entry = g_new0 (MxrTrackEntry, 1);
  g_autofree char *name = make_safe (mxr_track_get_name (source->track));

  entry->output = output;
  entry->participant = g_strdup (mxr_track_get_id (source->track));
  entry->participant_name = g_strdup (mxr_track_get_name (source->track));
  entry->name = g_strdup_printf ("%s-%s-%u-%s", name, entry->participant, ++source->n_files,
                                 unit->is_picture ? "picture.mkv" : "sound.mka");
  entry->codec = unit->codec;
  entry->is_picture = unit->is_picture;
  entry->width_px = unit->width_px;
  entry->height_px = unit->height_px;
  entry->parameters = unit->parameters;
  entry->begin_ns = entry->end_ns = time_ns;
  entry->started_ms = g_get_real_time () / 1000 - (get_now_ns () - unit->time_ns) / (gint64) GST_MSECOND;
  return entry;
}

static MxrTrackEntry *
begin_file (MxrOutput *output, Source *source, const MxrTrackUnit *unit, GstClockTime time_ns)
{
  Tracks *tracks = output->data;
  g_autoptr (GError) error = NULL;

  if (source->n_failures >= FAILURES_MAX)
    return NULL;
  if (tracks->entries->len >= MXR_TRACK_FILES_MAX) {
    mxr_output_set_state (output, output->state, "there are too many files; who comes now is not recorded");
    return NULL;
  }
  MxrTrackEntry *entry = new_entry (output, source, unit, time_ns);
  g_autofree char *path = g_build_filename (tracks->directory, entry->name, NULL);
  entry->file = mxr_track_file_new (unit->codec, path, &output->n_bytes, on_file_over, entry, &error);
  if (entry->file == NULL) {
    mxr_track_entry_free (entry);
    source->n_failures = FAILURES_MAX;
    mxr_output_set_state (output, output->state, error->message);
    return NULL;
  }
  output->n_workers++;
  g_ptr_array_add (tracks->entries, entry);
  tell_file (entry);
  return entry;
}

static void
end_files (Source *source)
{
  for (guint i = 0; i < G_N_ELEMENTS (source->entries); i++) {
    if (source->entries[i] != NULL)
      mxr_track_file_end (source->entries[i]->file);
    source->entries[i] = NULL;
  }
}

/* ---- Units ------------------------------------------------------------------------------------------------------- */

/* A Matroska file has one codec, one size and, in H.264, one set of parameters, in its head. */
static bool
fits (const MxrTrackEntry *entry, const MxrTrackUnit *unit)
{
  return g_str_equal (entry->codec, unit->codec) &&
         (!unit->is_keyframe || (entry->width_px == unit->width_px && entry->height_px == unit->height_px &&
                                 entry->parameters == unit->parameters));
}

static void
write_unit (MxrOutput *output, Source *source, MxrTrackItem *item)
{
  const Tracks *tracks = output->data;
  const MxrTrackUnit *unit = &item->unit;
  const gint64 time_ns = unit->time_ns - tracks->origin_ns;
  MxrTrackEntry **entry = &source->entries[unit->is_picture];

  if (*entry != NULL && !fits (*entry, unit)) {
    mxr_track_file_end ((*entry)->file);
    *entry = NULL;
  }
  bool is_early = time_ns < 0 || unit->time_ns < tracks->resumed_ns;
  if (unit->is_picture)
    source->lacks_keyframe = is_early || (!unit->is_keyframe && (source->lacks_keyframe || *entry == NULL));
  if (is_early || (unit->is_picture && source->lacks_keyframe)) {
    if (unit->is_picture)
      mxr_track_need_keyframe (source->track);
    return;
  }
  if (*entry == NULL)
    *entry = begin_file (output, source, unit, (GstClockTime) time_ns);
  if (*entry == NULL)
    return;
  mxr_track_file_push ((*entry)->file, g_steal_pointer (&item->packets), (GstClockTime) time_ns);
  (*entry)->end_ns = (GstClockTime) time_ns;
}

static void
write_track (MxrOutput *output, Source *source)
{
  gsize held_bytes = 0;

  for (guint i = 0; i < G_N_ELEMENTS (source->entries); i++)
    held_bytes += source->entries[i] != NULL ? mxr_track_file_get_held_bytes (source->entries[i]->file) : 0;
  GQueue *items = mxr_track_steal (source->track, held_bytes);
  for (GList *item = items->head; item != NULL; item = item->next)
    write_unit (output, source, item->data);
  g_queue_free_full (items, mxr_track_item_free);
}

static void
write_tracks (MxrOutput *output)
{
  Tracks *tracks = output->data;

  for (guint i = 0; tracks->is_ready && i < tracks->sources->len; i++) {
    Source *source = tracks->sources->pdata[i];
    bool has_ended = mxr_track_has_ended (source->track); /* asked first: nothing comes after that */
    write_track (output, source);
    if (!has_ended)
      continue;
    end_files (source);
    g_ptr_array_remove_index (tracks->sources, i--);
  }
}

static gboolean
on_poll (gpointer user_data)
{
  MxrOutput *output = user_data;
  Tracks *tracks = output->data;

  write_tracks (output);
  if (tracks->index_is_dirty && !tracks->index_is_being_written)
    write_index (output);
  return G_SOURCE_CONTINUE;
}

/* ---- The output -------------------------------------------------------------------------------------------------- */

MxrTrack *
mxr_output_add_track (MxrOutput *output, const char *id, const char *name)
{
  Tracks *tracks = output->data;
  Source *source = g_new0 (Source, 1);

  source->track = mxr_track_new (id, name);
  mxr_track_set_paused (source->track, output->is_paused);
  g_ptr_array_add (tracks->sources, source);
  return mxr_track_ref (source->track);
}

static bool
prepare (MxrOutput *output, const MxrOutputRequest *request, const MxrOutputPlaces *places, GError **error)
{
  if (*places->recordings_directory == '\0') {
    g_set_error_literal (error, MXR_OUTPUT_ERROR, MXR_OUTPUT_ERROR_OFF,
                         "this server records nothing; its operator must set programme.recordings_directory");
    return false;
  }
  Tracks *tracks = output->data = g_new0 (Tracks, 1);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *time = g_date_time_format (now, "%Y%m%d-%H%M%S");
  g_autofree char *room = make_safe (output->name);
  output->recording = g_strdup_printf ("%s-%s-%s", room, time, output->id);
  tracks->directory = g_build_filename (places->recordings_directory, output->recording, NULL);
  tracks->sources = g_ptr_array_new_with_free_func (source_free);
  tracks->entries = g_ptr_array_new_with_free_func (mxr_track_entry_free);
  tracks->started_ms = g_get_real_time () / 1000;
  tracks->origin_ns = get_now_ns ();
  return true;
}

static bool
begin (MxrOutput *output, GError **error)
{
  Tracks *tracks = output->data;

  write_index (output);
  tracks->timer = g_timeout_add (POLL_MS, on_poll, output);
  return true;
}

static void
set_paused (MxrOutput *output, bool paused)
{
  Tracks *tracks = output->data;

  write_tracks (output);
  for (guint i = 0; i < tracks->sources->len; i++)
    mxr_track_set_paused (((Source *) tracks->sources->pdata[i])->track, paused);
  if (paused) {
    tracks->paused_ns = get_now_ns ();
    return;
  }
  tracks->resumed_ns = get_now_ns ();
  tracks->origin_ns += tracks->resumed_ns - tracks->paused_ns;
  tracks->paused_ns = 0;
}

static void
stop (MxrOutput *output)
{
  Tracks *tracks = output->data;

  write_tracks (output);
  g_clear_handle_id (&tracks->timer, g_source_remove);
  if (tracks->paused_ns == 0)
    tracks->paused_ns = get_now_ns ();
  for (guint i = 0; i < tracks->sources->len; i++) {
    Source *source = tracks->sources->pdata[i];
    mxr_track_end (source->track);
    end_files (source);
  }
  tracks->index_is_dirty = true; /* it knows the whole duration now */
  finish_if_done (output);
}

/* The index is the last to be written. */
static void
finish_if_done (MxrOutput *output)
{
  Tracks *tracks = output->data;

  if (output->n_workers > 0 || mxr_output_is_live (output))
    return;
  if (tracks->index_is_dirty && tracks->is_ready)
    write_index (output);
  else if (output->state != MXR_OUTPUT_FAILED && output->state != MXR_OUTPUT_FINISHED)
    mxr_output_set_state (output, MXR_OUTPUT_FINISHED, NULL);
}

static void
free_data (gpointer data)
{
  Tracks *tracks = data;

  g_clear_handle_id (&tracks->timer, g_source_remove);
  g_ptr_array_unref (tracks->sources);
  g_ptr_array_unref (tracks->entries);
  g_free (tracks->directory);
  g_free (tracks);
}

const MxrOutputType mxr_output_type_tracks = {
  .name = "tracks",
  .prepare = prepare,
  .free_data = free_data,
  .begin = begin,
  .set_paused = set_paused,
  .stop = stop,
  .get_duration_ms = get_duration_ms,
};
