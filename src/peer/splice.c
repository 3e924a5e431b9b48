/* One stream out of several that show the same: where a source begins with a key frame it may take over from another, and
 * a receiver sees nothing but a key frame. */

#include "mixroom/peer.h"

#include "keyframe-start.h"

#include <stdatomic.h>

/* To the frame before, where a source's clock is behind the other's. As little as tells frames apart: with a millisecond, a
 * client whose picture is passed through could send thousands of tiny frames a second and leave the room's clock behind, and
 * no other picture would be newer. */
#define LEAST_STEP_RTP 1

struct _MxrSplice {
  gatomicrefcount refs;
  MxrFanout *fanout;
  char *codec;
  bool is_vp8;
  _Atomic (gconstpointer) selected;
  _Atomic (gconstpointer) active; /* written under the lock */

  /* Held while a frame is pushed, which takes some microseconds and never waits: two sources meet here in the moment of a
   * change only. Guards what follows, and makes sure that the fan-out has one producer at a time. */
  GMutex lock;
  bool is_closed;
  bool in_frame;            /* of the source that is active now */
  guint32 source_timestamp; /* of that frame */
  bool has_timestamp;
  guint32 timestamp; /* of the last frame, as it went out */
  bool is_keyframe_begun;
  guint16 seq;
};

MxrSplice *
mxr_splice_new (MxrFanout *fanout, const char *codec, gconstpointer source)
{
  MxrSplice *splice = g_new0 (MxrSplice, 1);

  g_atomic_ref_count_init (&splice->refs);
  splice->fanout = mxr_fanout_ref (fanout);
  splice->codec = g_strdup (codec);
  splice->is_vp8 = g_str_equal (codec, "VP8");
  splice->selected = splice->active = source;
  g_mutex_init (&splice->lock);
  return splice;
}

MxrSplice *
mxr_splice_ref (MxrSplice *splice)
{
  g_atomic_ref_count_inc (&splice->refs);
  return splice;
}

void
mxr_splice_unref (MxrSplice *splice)
{
  if (!g_atomic_ref_count_dec (&splice->refs))
    return;
  mxr_fanout_unref (splice->fanout);
  g_mutex_clear (&splice->lock);
  g_free (splice->codec);
  g_free (splice);
}

void
mxr_splice_close (MxrSplice *splice)
{
  g_mutex_lock (&splice->lock);
  splice->is_closed = true;
  g_mutex_unlock (&splice->lock);
}

void
mxr_splice_select (MxrSplice *splice, gconstpointer source)
{
  atomic_store (&splice->selected, source);
}

bool
mxr_splice_uses (MxrSplice *splice, gconstpointer source)
{
  return atomic_load (&splice->active) == source || atomic_load (&splice->selected) == source;
}

gconstpointer
mxr_splice_get_active (MxrSplice *splice)
{
  return atomic_load (&splice->active);
}

static bool
begins_keyframe (const MxrSplice *splice, GstBufferList *packets)
{
  GstMapInfo map;
  MxrRtpView view;
  bool begins = false;

  for (guint i = 0; i < gst_buffer_list_length (packets) && !begins; i++) {
    if (!gst_buffer_map (gst_buffer_list_get (packets, i), &map, GST_MAP_READ))
      return false;
    begins = mxr_rtp_view_parse (&view, map.data, map.size) && view.payload_bytes > 0 &&
             mxr_is_keyframe_start (splice->codec, view.payload, view.payload_bytes);
    gst_buffer_unmap (gst_buffer_list_get (packets, i), &map);
  }
  return begins;
}

/* Returns: whether what @source has is to be sent. */
static bool
take_over (MxrSplice *splice, gconstpointer source, GstBufferList *packets)
{
  if (source == splice->active)
    return true;
  if (source != splice->selected || !begins_keyframe (splice, packets))
    return false;
  splice->active = source;
  splice->in_frame = false;
  return true;
}

static void
begin_frame (MxrSplice *splice, guint32 source_timestamp, guint32 timestamp)
{
  if (splice->has_timestamp && (gint32) (timestamp - splice->timestamp) <= 0)
    timestamp = splice->timestamp + LEAST_STEP_RTP;
  splice->in_frame = true;
  splice->source_timestamp = source_timestamp;
  splice->has_timestamp = true;
  splice->timestamp = timestamp;
  splice->is_keyframe_begun = false;
}

static void
push_packet (MxrSplice *splice, const guint8 *data, gsize size, guint32 shift)
{
  MxrRtpView view;

  if (!mxr_rtp_view_parse (&view, data, size) || view.payload_bytes == 0)
    return;
  if (!splice->in_frame || view.timestamp != splice->source_timestamp)
    begin_frame (splice, view.timestamp, view.timestamp + shift);
  bool begins_keyframe = !splice->is_keyframe_begun && mxr_is_keyframe_start (splice->codec, view.payload, view.payload_bytes);
  g_autoptr (MxrRtpPacket) packet = splice->is_vp8 ? mxr_rtp_packet_new_vp8 (&view, begins_keyframe)
                                                   : mxr_rtp_packet_new_from_rtp (data, size, begins_keyframe);
  if (packet == NULL)
    return;
  splice->is_keyframe_begun |= begins_keyframe;
  packet->timestamp = splice->timestamp;
  packet->seq = splice->seq++;
  mxr_fanout_push (splice->fanout, packet, size);
}

void
mxr_splice_push (MxrSplice *splice, gconstpointer source, GstBufferList *packets, guint32 shift)
{
  if (!mxr_splice_uses (splice, source))
    return;
  g_mutex_lock (&splice->lock);
  bool is_taken = !splice->is_closed && take_over (splice, source, packets);
  for (guint i = 0; is_taken && i < gst_buffer_list_length (packets); i++) {
    GstBuffer *buffer = gst_buffer_list_get (packets, i);
    GstMapInfo map;
    if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
      continue;
    push_packet (splice, map.data, map.size, shift);
    gst_buffer_unmap (buffer, &map);
  }
  if (is_taken)
    mxr_fanout_flush (splice->fanout);
  g_mutex_unlock (&splice->lock);
}

void
mxr_splice_push_sample (MxrSplice *splice, gconstpointer source, GstSample *sample)
{
  GstBufferList *list = gst_sample_get_buffer_list (sample);
  GstBuffer *buffer = gst_sample_get_buffer (sample);

  if (list != NULL) {
    mxr_splice_push (splice, source, list, 0);
  } else if (buffer != NULL) {
    g_autoptr (GstBufferList) one = gst_buffer_list_new_sized (1);
    gst_buffer_list_add (one, gst_buffer_ref (buffer));
    mxr_splice_push (splice, source, one, 0);
  }
}
