#include "link-picture.h"

/* 1/90000 s: a receiver shows the newest frame that it has decoded when several are due. */
#define STEP_RTP 90
/* No clock of a source is behind another's by a minute: what is was passed 6.6 h ago at least, and time stamps have gone round. */
#define BEHIND_MAX_RTP (60 * 90000)

/* A source that has brought nothing for longer than that is not about to bring the next frame: slides are 9 s apart. */
#define STALE_US (500 * G_TIME_SPAN_MILLISECOND)

static guint
count_frames (const GPtrArray *packets)
{
  guint n = 0;

  for (guint i = 0; i < packets->len; i++) {
    const MxrRtpPacket *packet = packets->pdata[i], *former = i > 0 ? packets->pdata[i - 1] : NULL;
    n += former == NULL || packet->timestamp != former->timestamp;
  }
  return n;
}

/* From behind: the newest frame, of which packets may still be to come, keeps its time. */
static void
stamp (GPtrArray *packets, guint32 step)
{
  guint32 source_timestamp = ((MxrRtpPacket *) packets->pdata[packets->len - 1])->timestamp;
  guint32 timestamp = source_timestamp;

  for (guint i = packets->len; i > 0; i--) {
    MxrRtpPacket *packet = packets->pdata[i - 1];
    if (packet->timestamp != source_timestamp)
      timestamp -= step;
    source_timestamp = packet->timestamp;
    if (timestamp == source_timestamp)
      continue;
    packets->pdata[i - 1] = mxr_rtp_packet_copy (packet, timestamp);
    mxr_rtp_packet_unref (packet);
  }
}

/* Between two of its frames; 0 or less: there is no room for them behind what was passed. */
static gint32
find_step (const MxrLinkPicture *picture, const GPtrArray *recent)
{
  const MxrRtpPacket *newest = recent->pdata[recent->len - 1];
  const gint32 ahead_rtp = (gint32) (newest->timestamp - picture->last_timestamp);
  const gint32 room_rtp = picture->has_passed && ahead_rtp > -BEHIND_MAX_RTP ? ahead_rtp : G_MAXINT32;

  return MIN (STEP_RTP, room_rtp / (gint32) count_frames (recent));
}

bool
mxr_link_picture_is_over (const MxrLinkPicture *picture, const GPtrArray *recent, gint64 now_us)
{
  const MxrRtpPacket *newest = recent->pdata[recent->len - 1];
  return now_us - newest->pushed_us > STALE_US && find_step (picture, recent) <= 0;
}

bool
mxr_link_picture_begin (MxrLinkPicture *picture, GPtrArray *recent)
{
  const MxrRtpPacket *newest = recent->pdata[recent->len - 1];
  const gint32 step = find_step (picture, recent);

  if (step <= 0)
    return false;
  picture->has_passed = true;
  picture->last_timestamp = newest->timestamp;
  picture->in_frame = !newest->marker;
  picture->last_number = newest->number;
  stamp (recent, (guint32) step);
  return true;
}

bool
mxr_link_picture_fits (const GPtrArray *recent, gsize room_bytes)
{
  gsize n_bytes = 0;

  for (guint i = 0; i < recent->len; i++)
    n_bytes += ((const MxrRtpPacket *) recent->pdata[i])->payload_bytes;
  return n_bytes <= room_bytes || count_frames (recent) <= 2;
}

guint
mxr_link_picture_skip (MxrLinkPicture *picture, MxrRtpPacket *const *packets, guint n_packets)
{
  const MxrRtpPacket *newest = packets[n_packets - 1];
  guint n = 0;

  while (n < n_packets && packets[n]->number <= picture->last_number)
    n++;
  if (n < n_packets) {
    picture->last_timestamp = newest->timestamp;
    picture->in_frame = !newest->marker;
    picture->last_number = newest->number;
  }
  return n;
}
