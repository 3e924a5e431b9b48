/* One participant's track, between the network thread that brings it and control, which writes it. */

#include "output-private.h"

/* Half a minute of a good camera. A disk that is behind by more will hardly catch up. */
#define HELD_MAX_BYTES (8 * 1024 * 1024)

enum { SOUND, PICTURE, N_KINDS };

struct _MxrTrack {
  gint refs;
  char *id, *name;

  GMutex lock; /* guards all below */
  GQueue items;
  gsize n_bytes, held_bytes; /* in items, and behind them */
  bool is_muted[N_KINDS], is_paused, has_ended, needs_keyframe;
};

MxrTrack *
mxr_track_new (const char *id, const char *name)
{
  MxrTrack *track = g_new0 (MxrTrack, 1);

  track->refs = 1;
  track->id = g_strdup (id);
  track->name = g_strdup (name);
  g_mutex_init (&track->lock);
  g_queue_init (&track->items);
  return track;
}

MxrTrack *
mxr_track_ref (MxrTrack *track)
{
  g_atomic_int_inc (&track->refs);
  return track;
}

void
mxr_track_unref (MxrTrack *track)
{
  if (!g_atomic_int_dec_and_test (&track->refs))
    return;
  g_queue_clear_full (&track->items, mxr_track_item_free);
  g_mutex_clear (&track->lock);
  g_free (track->id);
  g_free (track->name);
  g_free (track);
}

void
mxr_track_item_free (gpointer data)
{
  MxrTrackItem *item = data;
  g_clear_pointer (&item->packets, gst_buffer_list_unref);
  g_free (item);
}

const char *
mxr_track_get_id (const MxrTrack *track)
{
  return track->id;
}

const char *
mxr_track_get_name (const MxrTrack *track)
{
  return track->name;
}

bool
mxr_track_take (MxrTrack *track, const MxrTrackUnit *unit)
{
  MxrTrackItem *item = g_new (MxrTrackItem, 1);

  *item = (MxrTrackItem){ *unit, gst_buffer_list_ref (unit->packets) };
  g_mutex_lock (&track->lock);
  bool is_off = track->has_ended || track->is_paused || track->is_muted[unit->is_picture];
  bool is_full = track->n_bytes + track->held_bytes + unit->n_bytes > HELD_MAX_BYTES;
  bool is_of_use = !unit->is_picture || unit->is_keyframe || !track->needs_keyframe;
  bool is_taken = !is_off && !is_full && is_of_use;
  if (unit->is_picture)
    track->needs_keyframe = !is_taken;
  if (is_taken) {
    g_queue_push_tail (&track->items, g_steal_pointer (&item));
    track->n_bytes += unit->n_bytes;
  }
  g_mutex_unlock (&track->lock);
  g_clear_pointer (&item, mxr_track_item_free);
  return is_off || is_taken; /* what is off needs no key frame yet */
}

void
mxr_track_set_muted (MxrTrack *track, bool sound, bool picture)
{
  g_mutex_lock (&track->lock);
  track->is_muted[SOUND] = sound;
  track->is_muted[PICTURE] = picture;
  g_mutex_unlock (&track->lock);
}

void
mxr_track_set_paused (MxrTrack *track, bool paused)
{
  g_mutex_lock (&track->lock);
  track->is_paused = paused;
  g_mutex_unlock (&track->lock);
}

void
mxr_track_need_keyframe (MxrTrack *track)
{
  g_mutex_lock (&track->lock);
  track->needs_keyframe = true;
  g_mutex_unlock (&track->lock);
}

void
mxr_track_end (MxrTrack *track)
{
  g_mutex_lock (&track->lock);
  track->has_ended = true;
  g_mutex_unlock (&track->lock);
}

bool
mxr_track_has_ended (MxrTrack *track)
{
  g_mutex_lock (&track->lock);
  bool has_ended = track->has_ended;
  g_mutex_unlock (&track->lock);
  return has_ended;
}

GQueue *
mxr_track_steal (MxrTrack *track, gsize held_bytes)
{
  GQueue *items = g_queue_new ();

  g_mutex_lock (&track->lock);
  GQueue stolen = track->items;
  g_queue_init (&track->items);
  track->n_bytes = 0;
  track->held_bytes = held_bytes;
  g_mutex_unlock (&track->lock);
  *items = stolen;
  return items;
}
