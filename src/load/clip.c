#include "clip.h"

#include <string.h>

#define HEADER_BYTES 12

MxrClip *
mxr_clip_new (MxrRtpKind kind, MxrLoadCodec codec, double frame_us)
{
  MxrClip *clip = g_new0 (MxrClip, 1);
  g_atomic_ref_count_init (&clip->refs);
  clip->kind = kind;
  clip->codec = codec;
  clip->frame_us = frame_us;
  clip->frames = g_array_new (FALSE, TRUE, sizeof (MxrClipFrame));
  clip->packets = g_array_new (FALSE, TRUE, sizeof (MxrClipPacket));
  clip->bytes = g_byte_array_new ();
  return clip;
}

MxrClip *
mxr_clip_ref (MxrClip *clip)
{
  g_atomic_ref_count_inc (&clip->refs);
  return clip;
}

void
mxr_clip_unref (MxrClip *clip)
{
  if (!g_atomic_ref_count_dec (&clip->refs))
    return;
  g_array_unref (clip->frames);
  g_array_unref (clip->packets);
  g_byte_array_unref (clip->bytes);
  g_free (clip);
}

MxrClipFrame *
mxr_clip_add_frame (MxrClip *clip)
{
  const MxrClipFrame frame = { .first_packet = clip->packets->len, .level_dbov = 127, .mark_us = MXR_CLIP_NO_MARK };
  g_array_append_val (clip->frames, frame);
  return &g_array_index (clip->frames, MxrClipFrame, clip->frames->len - 1);
}

bool
mxr_clip_add_packet (MxrClip *clip, const guint8 *payload, gsize n_bytes, bool is_last, bool is_keyframe_start)
{
  const guint8 header[HEADER_BYTES] = { 2 << 6, is_last ? 0x80 : 0 };

  if (clip->frames->len == 0 || n_bytes == 0 || n_bytes > MXR_RTP_PAYLOAD_MAX_BYTES)
    return false;
  const MxrClipPacket packet = { clip->bytes->len, (guint16) (HEADER_BYTES + n_bytes), is_keyframe_start };
  g_byte_array_append (clip->bytes, header, sizeof header);
  g_byte_array_append (clip->bytes, payload, (guint) n_bytes);
  g_array_append_val (clip->packets, packet);
  g_array_index (clip->frames, MxrClipFrame, clip->frames->len - 1).n_packets++;
  return true;
}

const MxrClipFrame *
mxr_clip_get_frame (const MxrClip *clip, guint64 index)
{
  return &g_array_index (clip->frames, MxrClipFrame, index % clip->frames->len);
}

MxrRtpPacket *
mxr_clip_make_packet (const MxrClip *clip, guint index, guint16 seq, guint32 timestamp)
{
  const MxrClipPacket *packet = &g_array_index (clip->packets, MxrClipPacket, index);
  guint8 bytes[MXR_PACKET_MAX_BYTES];

  memcpy (bytes, clip->bytes->data + packet->offset, packet->size);
  const guint16 seq_be = GUINT16_TO_BE (seq);
  const guint32 timestamp_be = GUINT32_TO_BE (timestamp);
  memcpy (bytes + 2, &seq_be, sizeof seq_be);
  memcpy (bytes + 4, &timestamp_be, sizeof timestamp_be);
  return mxr_rtp_packet_new_from_rtp (bytes, packet->size, packet->is_keyframe_start);
}

/* ---- Key frames ----------------------------------------------------------------------------------------------- */

/* RFC 7741 4.2. Returns 0 when it is cut off. */
static gsize
get_vp8_descriptor_bytes (const guint8 *payload, gsize n_bytes)
{
  if ((payload[0] & 0x80) == 0)
    return 1;
  if (n_bytes < 3)
    return 0;
  const guint8 fields = payload[1];
  gsize bytes = 2;
  if ((fields & 0x80) != 0) /* picture number of 7 or 15 bits */
    bytes += (payload[2] & 0x80) != 0 ? 2 : 1;
  bytes += (fields & 0x40) != 0;
  return bytes + ((fields & 0x30) != 0);
}

static bool
starts_vp8_keyframe (const guint8 *payload, gsize n_bytes)
{
  const gsize header = get_vp8_descriptor_bytes (payload, n_bytes);
  const bool is_start = (payload[0] & 0x17) == 0x10; /* S, and partition 0 */
  return is_start && header > 0 && header < n_bytes && (payload[header] & 1) == 0;
}

/* A key frame's parameter set goes before it, alone or first in an aggregate. */
static bool
starts_h264_keyframe (const guint8 *payload, gsize n_bytes)
{
  enum { SPS = 7, STAP_A = 24 };
  const guint8 type = payload[0] & 31;
  return type == SPS || (type == STAP_A && n_bytes > 3 && (payload[3] & 31) == SPS);
}

bool
mxr_payload_starts_keyframe (MxrLoadCodec codec, const guint8 *payload, gsize n_bytes)
{
  if (n_bytes == 0)
    return false;
  if (codec == MXR_CODEC_VP8)
    return starts_vp8_keyframe (payload, n_bytes);
  return codec == MXR_CODEC_H264 && starts_h264_keyframe (payload, n_bytes);
}
