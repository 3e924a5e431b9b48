/* What an uplink hands to its tap. Sound has a reorder buffer of its own: a recording can wait longer for a packet than ears
 * can, and is made of what nobody hears, too. */

#include "keyframe-start.h"
#include "uplink-private.h"

/* As long as pictures are waited for: what is asked for again comes a round trip later, and RED before that. */
#define SOUND_PATIENCE_US (250 * G_TIME_SPAN_MILLISECOND)
#define SOUND_SLOTS 128
#define SOUND_MAX_BYTES (64 * 1024)
/* While what comes cannot be taken. */
#define ASK_US G_TIME_SPAN_SECOND

MxrTap *
mxr_tap_new (MxrTapFunc func, gpointer user_data, GDestroyNotify destroy)
{
  MxrTap *tap = g_new0 (MxrTap, 1);

  g_atomic_ref_count_init (&tap->refs);
  tap->func = func;
  tap->user_data = user_data;
  tap->destroy = destroy;
  return tap;
}

MxrTap *
mxr_tap_ref (MxrTap *tap)
{
  g_atomic_ref_count_inc (&tap->refs);
  return tap;
}

void
mxr_tap_unref (gpointer data)
{
  MxrTap *tap = data;

  if (!g_atomic_ref_count_dec (&tap->refs))
    return;
  if (tap->destroy != NULL)
    tap->destroy (tap->user_data);
  g_free (tap);
}

/* ---- On and off -------------------------------------------------------------------------------------------- */

static MxrReorder *
new_reorder (const MxrUplink *uplink)
{
  const MxrReorderConfig config = { .n_slots = SOUND_SLOTS, .max_bytes = SOUND_MAX_BYTES, .patience_us = SOUND_PATIENCE_US,
                                    .clock_rate = (guint) uplink->clock_rate };
  return mxr_reorder_new (&config, (GDestroyNotify) gst_buffer_unref);
}

void
mxr_uplink_clear_tap (MxrUplink *uplink)
{
  g_clear_pointer (&uplink->tap.reorder, mxr_reorder_free);
  g_clear_pointer (&uplink->tap.tap, mxr_tap_unref);
}

void
mxr_uplink_set_tap (MxrUplink *uplink, MxrTap *tap)
{
  MxrTap *own = tap != NULL ? mxr_tap_ref (tap) : NULL;

  mxr_uplink_clear_tap (uplink);
  uplink->tap.tap = own;
  if (own == NULL)
    return;
  mxr_tap_clock_restart (&own->clock, uplink->kind);
  if (uplink->kind == MXR_RTP_AUDIO) {
    uplink->tap.reorder = new_reorder (uplink);
  } else {
    own->waits_for_keyframe = true;
    uplink->listener->events.on_keyframe_needed (uplink->listener->user_data);
  }
}

/* ---- Units ------------------------------------------------------------------------------------------------- */

/* The bytes of pictures are still to be numbered for the decoder, so they are copied. */
static void
number (MxrTap *tap, MxrRtpKind kind, GstBuffer *packet)
{
  const guint16 seq = tap->next_seq[kind]++;
  const guint8 bytes[] = { (guint8) (seq >> 8), (guint8) seq };
  gst_buffer_fill (packet, 2, bytes, sizeof bytes); /* RFC 3550 5.1 */
}

static bool
hand_over (MxrUplink *uplink, MxrTapUnit *unit, guint32 timestamp, gint64 arrival_us)
{
  MxrTap *tap = uplink->tap.tap;

  unit->kind = uplink->kind;
  unit->codec = uplink->codec;
  unit->time_ns =
    mxr_tap_clock_stamp (&tap->clock, uplink->kind, timestamp, (gint64) mxr_uplink_get_time_ns (uplink, arrival_us));
  if (tap->func (unit, tap->user_data))
    return true;
  tap->next_seq[unit->kind] -= gst_buffer_list_length (unit->packets); /* of no use to anybody */
  return false;
}

static void
take_sound (MxrUplink *uplink, const MxrReorderPacket *packet)
{
  MxrTapUnit unit = { .packets = gst_buffer_list_new_sized (1), .n_bytes = packet->n_bytes };

  number (uplink->tap.tap, MXR_RTP_AUDIO, packet->item);
  gst_buffer_list_add (unit.packets, packet->item);
  hand_over (uplink, &unit, packet->timestamp, packet->arrival_us);
  gst_buffer_list_unref (unit.packets);
}

void
mxr_uplink_tap_poll (MxrUplink *uplink, gint64 now_us)
{
  MxrReorderPacket packet;
  MxrReorderResult result;
  guint n_lost;

  while (uplink->tap.reorder != NULL &&
         (result = mxr_reorder_pop (uplink->tap.reorder, now_us, &packet, &n_lost)) != MXR_REORDER_NONE) {
    if (result == MXR_REORDER_RESTART)
      mxr_tap_clock_restart (&uplink->tap.tap->clock, MXR_RTP_AUDIO);
    else if (result == MXR_REORDER_PACKET && (packet.flags & MXR_UPLINK_EMPTY) != 0)
      gst_buffer_unref (packet.item);
    else if (result == MXR_REORDER_PACKET)
      take_sound (uplink, &packet);
  }
}

void
mxr_uplink_tap_sound (MxrUplink *uplink, const MxrReorderPacket *packet, const guint8 *rtp)
{
  if (uplink->tap.reorder == NULL ||
      (packet->is_recovered && !mxr_reorder_is_missing (uplink->tap.reorder, packet->extended_seq)))
    return;
  mxr_uplink_take_copy (uplink->tap.reorder, packet, rtp);
  mxr_uplink_tap_poll (uplink, packet->arrival_us);
}

gint64
mxr_uplink_tap_get_due_us (const MxrUplink *uplink)
{
  return uplink->tap.reorder != NULL ? mxr_reorder_due_us (uplink->tap.reorder) : G_MAXINT64;
}

/* ---- Frames ------------------------------------------------------------------------------------------------ */

static GstBufferList *
copy_packets (MxrTap *tap, GstBufferList *packets)
{
  const guint n = gst_buffer_list_length (packets);
  GstBufferList *copy = gst_buffer_list_new_sized (n);

  for (guint i = 0; i < n; i++) {
    GstBuffer *packet = gst_buffer_copy_deep (gst_buffer_list_get (packets, i));
    number (tap, MXR_RTP_VIDEO, packet);
    gst_buffer_list_add (copy, packet);
  }
  return copy;
}

static bool
read_size (const MxrUplink *uplink, GstBuffer *packet, MxrTapUnit *unit)
{
  GstMapInfo map;
  MxrRtpView view;

  if (!gst_buffer_map (packet, &map, GST_MAP_READ))
    return false;
  bool is_read = mxr_rtp_view_parse (&view, map.data, map.size) &&
                 mxr_is_keyframe_start (uplink->codec, view.payload, view.payload_bytes) &&
                 mxr_read_keyframe_size (uplink->codec, view.payload, view.payload_bytes, &unit->width_px, &unit->height_px);
  gst_buffer_unmap (packet, &map);
  return is_read;
}

static guint
hash_unit (guint hash, const guint8 *nal, gsize n_bytes)
{
  const guint type = n_bytes > 0 ? nal[0] & 0x1f : 0;

  for (gsize i = 0; (type == 7 || type == 8) && i < n_bytes; i++)
    hash = hash * 33 + nal[i];
  return hash;
}

/* Sequence and picture parameter sets of a packet: by themselves, or in a STAP-A. */
static guint
hash_parameters (guint hash, const guint8 *payload, gsize n_bytes)
{
  if (n_bytes == 0 || (payload[0] & 0x1f) != 24)
    return hash_unit (hash, payload, n_bytes);
  for (gsize i = 1; i + 2 < n_bytes;) { /* RFC 6184 5.7.1 */
    const gsize size = payload[i] << 8 | payload[i + 1]; /* at any address: GStreamer's macro wants an even one */
    hash = hash_unit (hash, payload + i + 2, MIN (size, n_bytes - i - 2));
    i += 2 + size;
  }
  return hash;
}

static void
read_parameters (const MxrUplink *uplink, MxrTapUnit *unit)
{
  const guint n = g_str_equal (uplink->codec, "H264") ? gst_buffer_list_length (unit->packets) : 0;
  GstMapInfo map;
  MxrRtpView view;

  for (guint i = 0; i < n; i++) {
    if (!gst_buffer_map (gst_buffer_list_get (unit->packets, i), &map, GST_MAP_READ))
      continue;
    if (mxr_rtp_view_parse (&view, map.data, map.size))
      unit->parameters = hash_parameters (unit->parameters, view.payload, view.payload_bytes);
    gst_buffer_unmap (gst_buffer_list_get (unit->packets, i), &map);
  }
}

/* In H.264 the parameter set need not be in the first packet. */
static void
find_size (const MxrUplink *uplink, MxrTapUnit *unit)
{
  const guint n = gst_buffer_list_length (unit->packets);

  for (guint i = 0; i < n && !read_size (uplink, gst_buffer_list_get (unit->packets, i), unit); i++)
    ;
}

static void
ask_for_keyframe (MxrUplink *uplink, gint64 now_us)
{
  MxrTap *tap = uplink->tap.tap;

  if (tap->asked_us != 0 && now_us - tap->asked_us < ASK_US)
    return;
  tap->asked_us = now_us;
  uplink->listener->events.on_keyframe_needed (uplink->listener->user_data);
}

void
mxr_uplink_tap_frame (MxrUplink *uplink, const MxrUplinkFrame *frame, gint64 now_us)
{
  MxrTap *tap = uplink->tap.tap;

  if (tap == NULL)
    return;
  if (tap->waits_for_keyframe && !frame->is_keyframe) {
    ask_for_keyframe (uplink, now_us);
    return;
  }
  MxrTapUnit unit = { .packets = copy_packets (tap, frame->packets), .n_bytes = frame->n_bytes,
                      .is_keyframe = frame->is_keyframe };
  if (frame->is_keyframe) {
    find_size (uplink, &unit);
    read_parameters (uplink, &unit);
  }
  tap->waits_for_keyframe = !hand_over (uplink, &unit, frame->timestamp, frame->arrival_us);
  gst_buffer_list_unref (unit.packets);
}
