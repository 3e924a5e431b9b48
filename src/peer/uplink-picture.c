/* Pictures: packets in order become whole frames, and whole frames are decoded in the pool. What the decoder could not
 * use is left out here: the rest of a frame that lost a packet, and all that comes before the next key frame. So the
 * depayloader never sees a gap; one that did would ask for another key frame with the one that repaired it. */

#include "uplink-private.h"

#include "keyframe-start.h"

/* A second of frames. A decoder that is so far behind is not waited for: what was queued is dropped too, and the
 * picture goes on with a key frame and without delay. */
#define QUEUE_MAX_FRAMES 30
/* A key frame of 4K is some 400 KB. */
#define FRAME_MAX_BYTES (1024 * 1024)
/* As the caps at the end of the decoders' fragments, which come after the memory was taken. */
#define SIDE_MAX_PX 4096

#define RTP_PER_100_US 9
/* Frames that the shift takes to follow; a jump is the sender's, not the network's. */
#define SHIFT_SMOOTHING 64
#define SHIFT_JUMP_RTP 45000

typedef struct {
  MxrUplink *uplink; /* owned reference */
  GstBufferList *packets;
  const char *orientation;
  gint64 queued_us;
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;
  g_clear_pointer (&job->packets, gst_buffer_list_unref);
  mxr_uplink_unref (job->uplink);
  g_free (job);
}

/* ---- In a worker ------------------------------------------------------------------------------------------ */

/* The orientation travels as a tag between the frames, so that it meets the very one it came with. */
static void
push_orientation (MxrUplink *uplink, const char *orientation)
{
  if (orientation == uplink->picture.pushed_orientation)
    return;
  GstTagList *tags = gst_tag_list_new (GST_TAG_IMAGE_ORIENTATION, orientation, NULL);
  gst_pad_push_event (uplink->feed, gst_event_new_tag (tags));
  uplink->picture.pushed_orientation = orientation;
}

static void
number (MxrUplink *uplink, GstBufferList *packets)
{
  for (guint i = 0; i < gst_buffer_list_length (packets); i++)
    mxr_uplink_number (uplink, gst_buffer_list_get_writable (packets, i));
}

static void
decode (gpointer item, gpointer user_data)
{
  Job *job = item;
  MxrUplink *uplink = job->uplink;

  if (!mxr_uplink_is_closed (uplink)) {
    mxr_uplink_start (uplink);
    push_orientation (uplink, job->orientation);
    number (uplink, job->packets);
    gst_pad_push_list (uplink->feed, g_steal_pointer (&job->packets));
    mxr_delay_note (&uplink->delays->decode[MXR_RTP_VIDEO], g_get_monotonic_time () - job->queued_us);
  }
  job_free (job);
}

/* ---- Frames ----------------------------------------------------------------------------------------------- */

static void
ask_for_keyframe (MxrUplink *uplink)
{
  const MxrUplinkListener *listener = uplink->listener;

  uplink->picture.waits_for_keyframe = true;
  if (!uplink->picture.is_too_large)
    listener->events.on_keyframe_needed (listener->user_data);
}

static void
drop_frame (MxrUplink *uplink)
{
  MxrUplinkFrame *frame = &uplink->picture.frame;

  uplink->stats.refused += frame->packets != NULL;
  g_clear_pointer (&frame->packets, gst_buffer_list_unref);
}

static void
queue_frame (MxrUplink *uplink, gint64 now_us)
{
  MxrUplinkPicture *picture = &uplink->picture;
  Job *job = g_new (Job, 1);

  *job = (Job){ mxr_uplink_ref (uplink), g_steal_pointer (&picture->frame.packets), picture->orientation, now_us };
  if (mxr_decode_lane_push (picture->lane, job)) {
    uplink->stats.decoded++;
    mxr_delay_note (&uplink->delays->buffer[MXR_RTP_VIDEO], now_us - picture->frame.arrival_us);
    return;
  }
  job_free (job);
  mxr_decode_lane_clear (picture->lane);
  uplink->stats.overflows++;
  ask_for_keyframe (uplink);
}

/* The sender's clock against ours. Packets come early or late by the network's jitter, which must not become the
 * picture's: so the shift follows slowly. */
static void
update_shift (const MxrUplink *uplink, MxrUplinkPass *pass, guint32 timestamp, gint64 now_us)
{
  const guint32 now_rtp = (guint32) ((now_us - uplink->timeline_us + pass->delay_us) * RTP_PER_100_US / 100);
  const gint32 error = (gint32) (now_rtp - timestamp - pass->shift);

  if (pass->has_shift && error > -SHIFT_JUMP_RTP && error < SHIFT_JUMP_RTP)
    pass->shift += (guint32) (error / SHIFT_SMOOTHING);
  else
    pass->shift += (guint32) error;
  pass->has_shift = true;
}

static void
pass_frame (MxrUplink *uplink, gint64 now_us)
{
  MxrUplinkPicture *picture = &uplink->picture;

  if (picture->pass.splice == NULL)
    return;
  update_shift (uplink, &picture->pass, picture->frame.timestamp, now_us);
  mxr_splice_push (picture->pass.splice, picture->pass.source, picture->frame.packets, picture->pass.shift);
}

/* The decoder is left out, or still needs a key frame of its own: one that was asked for before may be lost, or the request. */
static void
leave_decoder_out (MxrUplink *uplink)
{
  const MxrUplinkListener *listener = uplink->listener;

  g_clear_pointer (&uplink->picture.frame.packets, gst_buffer_list_unref);
  if (uplink->picture.is_decoded)
    listener->events.on_keyframe_needed (listener->user_data);
}

static void
finish_frame (MxrUplink *uplink, gint64 now_us)
{
  MxrUplinkPicture *picture = &uplink->picture;

  if (picture->frame.packets == NULL)
    return;
  if (picture->frame.is_keyframe)
    picture->is_too_large = picture->frame.is_too_large;
  if (picture->is_too_large || (picture->waits_for_keyframe && !picture->frame.is_keyframe)) {
    drop_frame (uplink);
    ask_for_keyframe (uplink);
    return;
  }
  picture->waits_for_keyframe = false;
  pass_frame (uplink, now_us);
  mxr_uplink_tap_frame (uplink, &picture->frame, now_us);
  picture->decoder_waits &= !picture->frame.is_keyframe;
  if (picture->is_decoded && !picture->decoder_waits)
    queue_frame (uplink, now_us);
  else
    leave_decoder_out (uplink);
}

/* What is left of the frame has no use; the next one begins with another time stamp. */
static void
skip_frame (MxrUplink *uplink, guint32 timestamp)
{
  drop_frame (uplink);
  uplink->picture.skips_frame = true;
  uplink->picture.skipped_timestamp = timestamp;
  ask_for_keyframe (uplink);
}

static void
lose (MxrUplink *uplink)
{
  if (uplink->picture.frame.packets != NULL)
    skip_frame (uplink, uplink->picture.frame.timestamp);
  else
    ask_for_keyframe (uplink);
}

static void
begin_frame (MxrUplink *uplink, guint32 timestamp, gint64 now_us)
{
  MxrUplinkFrame *frame = &uplink->picture.frame;

  if (frame->packets != NULL && frame->timestamp != timestamp) /* it came without a marker */
    finish_frame (uplink, now_us);
  if (frame->packets == NULL)
    *frame = (MxrUplinkFrame){ .packets = gst_buffer_list_new (), .timestamp = timestamp };
}

static void
add_packet (MxrUplink *uplink, const MxrReorderPacket *packet, gint64 now_us)
{
  MxrUplinkPicture *picture = &uplink->picture;
  GstBuffer *buffer = packet->item;

  if ((packet->flags & MXR_UPLINK_EMPTY) != 0 ||
      (picture->skips_frame && packet->timestamp == picture->skipped_timestamp)) {
    gst_buffer_unref (buffer);
    return;
  }
  picture->skips_frame = false;
  begin_frame (uplink, packet->timestamp, now_us);
  picture->frame.n_bytes += packet->n_bytes;
  picture->frame.arrival_us = packet->arrival_us;
  picture->frame.is_keyframe |= (packet->flags & MXR_UPLINK_KEYFRAME) != 0;
  picture->frame.is_too_large |= (packet->flags & MXR_UPLINK_TOO_LARGE) != 0;
  if (packet->tag != NULL)
    picture->orientation = packet->tag;
  GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = mxr_uplink_get_time_ns (uplink, now_us);
  gst_buffer_list_add (picture->frame.packets, buffer);
  if (picture->frame.n_bytes > FRAME_MAX_BYTES)
    skip_frame (uplink, packet->timestamp);
  else if ((packet->flags & MXR_UPLINK_MARKER) != 0)
    finish_frame (uplink, now_us);
}

static void
drain (MxrUplink *uplink, gint64 now_us)
{
  MxrReorderPacket packet;
  MxrReorderResult result;
  guint n_lost;

  while ((result = mxr_reorder_pop (uplink->reorder, now_us, &packet, &n_lost)) != MXR_REORDER_NONE) {
    if (result == MXR_REORDER_PACKET)
      add_packet (uplink, &packet, now_us);
    else
      lose (uplink);
  }
}

/* ---- In ---------------------------------------------------------------------------------------------------- */

/* While frames are passed through the decoder comes and goes beside it. */
static void
settle_decoder (MxrUplink *uplink, bool is_wanted)
{
  const MxrUplinkListener *listener = uplink->listener;

  if (is_wanted == uplink->picture.is_decoded)
    return;
  uplink->picture.is_decoded = uplink->picture.decoder_waits = is_wanted;
  if (is_wanted && uplink->decodes) /* else settle() asks */
    listener->events.on_keyframe_needed (listener->user_data);
  else if (!is_wanted)
    mxr_decode_lane_clear (uplink->picture.lane);
}

/* The last picture stays where it is until the key frame is there. */
static void
settle (MxrUplink *uplink)
{
  bool is_wanted = atomic_load (&uplink->is_wanted);
  bool is_used = is_wanted || uplink->picture.pass.splice != NULL || uplink->tap.tap != NULL;

  settle_decoder (uplink, is_wanted);
  if (is_used == uplink->decodes)
    return;
  uplink->decodes = is_used;
  uplink->picture.skips_frame = false;
  g_clear_pointer (&uplink->picture.frame.packets, gst_buffer_list_unref);
  mxr_reorder_reset (uplink->reorder, 0);
  if (is_used)
    ask_for_keyframe (uplink);
}

void
mxr_uplink_pass (MxrUplink *uplink, MxrSplice *splice, gconstpointer source, gint64 delay_us)
{
  MxrUplinkPass *pass = &uplink->picture.pass;

  g_clear_pointer (&pass->splice, mxr_splice_unref);
  *pass = (MxrUplinkPass){ .splice = splice != NULL ? mxr_splice_ref (splice) : NULL, .source = source, .delay_us = delay_us };
  if (splice != NULL)
    uplink->listener->events.on_keyframe_needed (uplink->listener->user_data);
}

static guint
find_flags (MxrUplink *uplink, const MxrRtpView *view)
{
  guint width_px, height_px;

  if (view->payload_bytes == 0)
    return MXR_UPLINK_EMPTY;
  guint flags = view->marker ? MXR_UPLINK_MARKER : 0;
  if (!mxr_is_keyframe_start (uplink->codec, view->payload, view->payload_bytes))
    return flags;
  /* No encoder parts the size from the beginning; who does hides it from us, not from the decoder. */
  if (!mxr_read_keyframe_size (uplink->codec, view->payload, view->payload_bytes, &width_px, &height_px))
    return flags | MXR_UPLINK_KEYFRAME | MXR_UPLINK_TOO_LARGE;
  uplink->stats.width_px = width_px;
  uplink->stats.height_px = height_px;
  mxr_read_shown_size (uplink->codec, view->payload, view->payload_bytes, &uplink->stats.width_px, &uplink->stats.height_px);
  uplink->stats.profile_level = mxr_read_h264_profile (uplink->codec, view->payload, view->payload_bytes);
  if (width_px > SIDE_MAX_PX || height_px > SIDE_MAX_PX)
    flags |= MXR_UPLINK_TOO_LARGE;
  return flags | MXR_UPLINK_KEYFRAME;
}

void
mxr_uplink_picture_push (MxrUplink *uplink, const MxrUplinkPacket *packet, gint64 now_us)
{
  const MxrRtpView *view = packet->view;

  settle (uplink);
  if (packet->orientation != NULL)
    uplink->stats.is_turned = !g_str_equal (packet->orientation, "rotate-0");
  if (!uplink->decodes) {
    uplink->stats.unwanted += view->marker;
    if (packet->orientation != NULL)
      uplink->picture.orientation = packet->orientation;
    return;
  }
  const MxrReorderPacket whole = {
    .extended_seq = packet->extended_seq,
    .timestamp = view->timestamp,
    .arrival_us = now_us,
    .n_bytes = view->size,
    .tag = packet->orientation,
    .flags = find_flags (uplink, view),
  };
  mxr_uplink_take_copy (uplink->reorder, &whole, view->data);
  drain (uplink, now_us);
}

void
mxr_uplink_picture_poll (MxrUplink *uplink, gint64 now_us)
{
  settle (uplink);
  if (uplink->decodes)
    drain (uplink, now_us);
}

void
mxr_uplink_picture_init (MxrUplink *uplink, MxrDecodePool *pool)
{
  uplink->decodes = uplink->picture.is_decoded = atomic_load (&uplink->is_wanted);
  uplink->picture.waits_for_keyframe = true; /* which a stream begins with by itself */
  uplink->picture.lane = mxr_decode_lane_new (pool, QUEUE_MAX_FRAMES, decode, job_free, NULL);
}

void
mxr_uplink_picture_clear (MxrUplink *uplink)
{
  g_clear_pointer (&uplink->picture.frame.packets, gst_buffer_list_unref);
  g_clear_pointer (&uplink->picture.pass.splice, mxr_splice_unref);
  mxr_decode_lane_unref (uplink->picture.lane);
}
