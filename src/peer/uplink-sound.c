/* Sound: what is in order is decoded in the network thread at once, into the ring of the mixer, which is the playout buffer.
 * An uplink that nobody wants to hear keeps a few packets instead. */

#include "uplink-private.h"

#include <string.h>

#define RTP_HEADER_BYTES 12

/* What is made up for lost packets at most: Opus has faded out by then, and the ring may run dry. */
#define CONCEAL_MAX_MS 100
/* RFC 6716 2.1.4: a packet is 120 ms long at most. */
#define PACKET_MAX_MS 120
/* Time stamps that leave the clock by more than this are no timeline to follow. */
#define TIME_MAX_OFF_NS (500 * GST_MSECOND)

static guint
to_units (const MxrUplink *uplink, guint ms)
{
  return ms * (guint) uplink->clock_rate / 1000;
}

/* ---- To the decoder -------------------------------------------------------------------------------------- */

/* The senders' time stamps, which are smoother than arrivals, on our timeline. */
static GstClockTime
get_time_ns (MxrUplink *uplink, guint32 timestamp, gint64 now_us)
{
  const MxrUplinkSound *sound = &uplink->sound;
  GstClockTime arrival_ns = mxr_uplink_get_time_ns (uplink, now_us);
  gint32 units = (gint32) (timestamp - sound->timestamp);
  gint64 time_ns = (gint64) sound->time_ns + units * (gint64) GST_SECOND / uplink->clock_rate;

  if (!sound->has_timestamp || units < 0 || ABS (time_ns - (gint64) arrival_ns) > (gint64) TIME_MAX_OFF_NS)
    return MAX (arrival_ns, sound->time_ns);
  return (GstClockTime) time_ns;
}

/* As rtpjitterbuffer tells it: the depayloader makes a gap of it, which the decoder fills. Returns: whether it was told. */
static bool
push_lost (MxrUplink *uplink, guint32 timestamp)
{
  const MxrUplinkSound *sound = &uplink->sound;
  guint n_lost = sound->n_lost;
  guint32 span = timestamp - sound->timestamp;

  if (!sound->has_timestamp || span >= G_MAXINT32)
    return false;
  guint64 units = MIN ((guint64) n_lost * sound->packet_units, (guint64) span * n_lost / (n_lost + 1));
  units = MIN (units, to_units (uplink, CONCEAL_MAX_MS));
  if (units == 0)
    return false;
  guint64 duration_ns = units * GST_SECOND / (guint) uplink->clock_rate;
  guint64 after_ns = (guint64) sound->packet_units * GST_SECOND / (guint) uplink->clock_rate;
  GstStructure *lost = gst_structure_new ("GstRTPPacketLost", "seqnum", G_TYPE_UINT, (guint) uplink->next_seq, "timestamp",
                                          G_TYPE_UINT64, sound->time_ns + after_ns, "duration", G_TYPE_UINT64, duration_ns,
                                          "retry", G_TYPE_UINT, 0, NULL);
  return gst_pad_push_event (uplink->feed, gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, lost));
}

static bool
has_fec (const MxrUplink *uplink, GstBuffer *buffer)
{
  GstMapInfo map;
  MxrRtpView view;

  if (!uplink->sound.decodes_fec || !gst_buffer_map (buffer, &map, GST_MAP_READ))
    return false;
  bool result = mxr_rtp_view_parse (&view, map.data, map.size) && mxr_opus_has_fec (view.payload, view.payload_bytes);
  gst_buffer_unmap (buffer, &map);
  return result;
}

/* @buffer: the packet behind the lost ones */
static void
make_up (MxrUplink *uplink, GstBuffer *buffer, guint32 timestamp)
{
  bool is_copied = push_lost (uplink, timestamp) && has_fec (uplink, buffer);

  uplink->stats.fec += is_copied;
  uplink->stats.concealed += uplink->sound.n_lost - is_copied;
}

static void
follow_timestamp (MxrUplinkSound *sound, guint32 timestamp, GstClockTime time_ns, guint max_units)
{
  guint32 span = timestamp - sound->timestamp;

  if (sound->has_timestamp && sound->n_lost == 0 && span > 0 && span <= max_units)
    sound->packet_units = span;
  sound->has_timestamp = true;
  sound->timestamp = timestamp;
  sound->time_ns = time_ns;
  sound->n_lost = 0;
}

static void
push_packet (MxrUplink *uplink, const MxrReorderPacket *packet)
{
  MxrUplinkSound *sound = &uplink->sound;
  GstBuffer *buffer = packet->item;
  gint64 begin_us = g_get_monotonic_time ();

  if (sound->n_lost > 0)
    make_up (uplink, buffer, packet->timestamp);
  if (sound->n_lost > 0 || sound->is_discont) {
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
    uplink->next_seq++;
  }
  sound->is_discont = false;
  mxr_uplink_number (uplink, buffer);
  GstClockTime time_ns = get_time_ns (uplink, packet->timestamp, begin_us);
  GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = time_ns;
  follow_timestamp (sound, packet->timestamp, time_ns, to_units (uplink, PACKET_MAX_MS));
  uplink->stats.decoded++;
  if (!sound->is_from_past)
    mxr_delay_note (&uplink->delays->buffer[MXR_RTP_AUDIO], begin_us - packet->arrival_us);
  gst_pad_push (uplink->feed, buffer);
  mxr_delay_note (&uplink->delays->decode[MXR_RTP_AUDIO], g_get_monotonic_time () - begin_us);
}

static void
drain (MxrUplink *uplink, gint64 now_us)
{
  MxrReorderPacket packet;
  MxrReorderResult result;
  guint n_lost;

  while ((result = mxr_reorder_pop (uplink->reorder, now_us, &packet, &n_lost)) != MXR_REORDER_NONE) {
    if (result == MXR_REORDER_LOST) {
      uplink->sound.n_lost += n_lost;
    } else if (result == MXR_REORDER_RESTART) {
      uplink->sound.has_timestamp = false;
      uplink->sound.is_discont = true;
    } else if ((packet.flags & MXR_UPLINK_EMPTY) != 0) {
      gst_buffer_unref (packet.item);
    } else {
      push_packet (uplink, &packet);
    }
  }
}

/* ---- Wanted or not --------------------------------------------------------------------------------------- */

/* The decoder still has the state of whatever it decoded last. That colours a few milliseconds, which the ring fades
 * in over; a made-up continuation of that old sound is what must not come, so nothing is told as lost. */
static void
begin (MxrUplink *uplink, gint64 now_us)
{
  MxrUplinkSound *sound = &uplink->sound;
  const MxrVoicePacket *past[MXR_VOICE_HISTORY_PACKETS];
  guint n = mxr_voice_history_find (&sound->history, now_us, past);

  mxr_uplink_start (uplink);
  mxr_reorder_reset (uplink->reorder, n > 0 ? past[0]->extended_seq : 0);
  sound->has_timestamp = false;
  sound->n_lost = 0;
  sound->packet_units = 0;
  sound->is_from_past = true;
  sound->is_discont = true;
  for (guint i = 0; i < n; i++) {
    const MxrReorderPacket packet = { .extended_seq = past[i]->extended_seq, .timestamp = past[i]->timestamp,
                                      .arrival_us = past[i]->arrival_us, .n_bytes = past[i]->n_bytes };
    mxr_uplink_take_copy (uplink->reorder, &packet, past[i]->bytes);
    drain (uplink, now_us);
  }
  sound->is_from_past = false;
  mxr_voice_history_forget (&sound->history);
}

/* Who sends no levels is decoded in any case, or nobody would know how loud it is. */
static void
settle (MxrUplink *uplink, gint64 now_us)
{
  bool decodes = atomic_load (&uplink->is_wanted) || !uplink->sound.has_levels;

  if (decodes == uplink->decodes)
    return;
  uplink->decodes = decodes;
  if (decodes)
    begin (uplink, now_us);
  else
    mxr_reorder_reset (uplink->reorder, 0);
}

static void
note_level (MxrUplink *uplink, const MxrUplinkPacket *packet, gint64 now_us)
{
  const MxrUplinkListener *listener = uplink->listener;

  uplink->sound.has_levels = true;
  bool begins = mxr_voice_history_note_level (&uplink->sound.history, packet->level_dbov, packet->voice, now_us);
  if (begins && !atomic_load (&uplink->is_wanted) && listener->events.on_voice != NULL)
    listener->events.on_voice (listener->user_data);
}

/* ---- Packets in packets ---------------------------------------------------------------------------------- */

/* One packet, by itself or out of another one. */
typedef struct {
  guint64 extended_seq;
  guint32 timestamp;
  const guint8 *rtp;
  gsize n_bytes;
  bool is_empty, is_recovered;
} Plain;

static bool
is_missing (const MxrUplink *uplink, guint64 extended_seq)
{
  return uplink->decodes ? mxr_reorder_is_missing (uplink->reorder, extended_seq)
                         : mxr_voice_history_is_missing (&uplink->sound.history, extended_seq);
}

static void
take (MxrUplink *uplink, const Plain *plain, gint64 now_us)
{
  const MxrReorderPacket whole = { .extended_seq = plain->extended_seq, .timestamp = plain->timestamp, .arrival_us = now_us,
                                   .n_bytes = plain->n_bytes, .is_recovered = plain->is_recovered,
                                   .flags = plain->is_empty ? MXR_UPLINK_EMPTY : 0 };

  mxr_uplink_tap_sound (uplink, &whole, plain->rtp);
  if (plain->is_recovered && !is_missing (uplink, plain->extended_seq))
    return;
  uplink->stats.recovered += plain->is_recovered;
  if (uplink->decodes) {
    mxr_uplink_take_copy (uplink->reorder, &whole, plain->rtp);
    drain (uplink, now_us);
  } else if (!plain->is_empty) {
    mxr_voice_history_add (&uplink->sound.history, plain->extended_seq, plain->timestamp, plain->rtp, plain->n_bytes, now_us);
  }
}

/* With the header that it would have come with; whoever pushes writes a number of our own. */
static void
take_block (MxrUplink *uplink, const MxrUplinkPacket *packet, const MxrRedBlock *block, guint distance, gint64 now_us)
{
  const MxrRtpView *view = packet->view;
  const guint32 timestamp = view->timestamp - block->timestamp_offset;
  const guint8 stamp[] = { (guint8) (timestamp >> 24), (guint8) (timestamp >> 16), (guint8) (timestamp >> 8), (guint8) timestamp };
  guint8 rtp[MXR_PACKET_MAX_BYTES] = { 2 << 6, (guint8) uplink->payload_type };
  const Plain plain = { .extended_seq = packet->extended_seq - distance, .timestamp = timestamp, .rtp = rtp,
                        .n_bytes = RTP_HEADER_BYTES + block->n_bytes, .is_empty = block->n_bytes == 0,
                        .is_recovered = distance > 0 };

  if (block->payload_type != uplink->payload_type || plain.n_bytes > sizeof rtp || (plain.is_empty && plain.is_recovered))
    return;
  memcpy (rtp + 4, stamp, sizeof stamp);
  memcpy (rtp + 8, view->data + 8, 4);
  memcpy (rtp + RTP_HEADER_BYTES, block->data, block->n_bytes);
  take (uplink, &plain, now_us);
}

/* The earliest first: nothing of what is in it is given up for lost. */
static void
take_red (MxrUplink *uplink, const MxrUplinkPacket *packet, gint64 now_us)
{
  MxrRedBlock blocks[MXR_RED_BLOCKS_MAX];
  guint n = mxr_red_parse (packet->view->payload, packet->view->payload_bytes, blocks);

  for (guint i = 0; i < n; i++)
    take_block (uplink, packet, &blocks[i], n - 1 - i, now_us);
}

void
mxr_uplink_sound_push (MxrUplink *uplink, const MxrUplinkPacket *packet, gint64 now_us)
{
  const MxrRtpView *view = packet->view;
  const Plain plain = { .extended_seq = packet->extended_seq, .timestamp = view->timestamp, .rtp = view->data,
                        .n_bytes = view->size, .is_empty = view->payload_bytes == 0 };

  if (packet->has_level)
    note_level (uplink, packet, now_us);
  settle (uplink, now_us);
  uplink->stats.unwanted += !uplink->decodes;
  if (packet->is_red && view->payload_bytes > 0)
    take_red (uplink, packet, now_us);
  else
    take (uplink, &plain, now_us);
}

/* Whether levels come is not known before the first packet, so only who is wanted begins here. */
void
mxr_uplink_sound_poll (MxrUplink *uplink, gint64 now_us)
{
  if (!uplink->decodes && !atomic_load (&uplink->is_wanted))
    return;
  settle (uplink, now_us);
  if (uplink->decodes)
    drain (uplink, now_us);
}

/* Stock opusdec would hold each packet back until the next for it, and is not asked to. */
void
mxr_uplink_sound_init (MxrUplink *uplink)
{
  g_auto (GValue) value = G_VALUE_INIT;
  GstIterator *found = gst_bin_iterate_all_by_element_factory_name (GST_BIN (uplink->bin), "mxropusdec");

  uplink->sound.decodes_fec = gst_iterator_next (found, &value) == GST_ITERATOR_OK;
  gst_iterator_free (found);
}
