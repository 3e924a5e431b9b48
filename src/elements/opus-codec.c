#include "opus-codec.h"

#include <opus.h>
#include <string.h>

/* Time stamps are rounded to nanoseconds; a sample is 20833 ns. */
#define SAME_NS 10000
/* Packets of silence before nothing is encoded any more: codec and decoder are silent themselves by then. From then on a
 * packet of one byte each 400 ms, the longest pause that RFC 7587 3.1.3 speaks of. */
#define SILENT_BEFORE_DTX 10
#define DTX_INTERVAL 20
/* Configuration and channels, and a frame without bytes: RFC 6716 3.1. */
#define TOC_MASK 0xfc

/* Where a stream is: a packet is a function of this and of what comes. */
typedef struct {
  OpusEncoder *state; /* one piece of memory without pointers into itself: opus_encoder_get_size() */
  gint16 pending[2 * MXR_OPUS_PACKET_FRAMES];
  guint n_pending; /* frames: the begin of a packet */
  guint64 next_ns; /* time stamp of the frame that comes; G_MAXUINT64: any */
  guint n_silent;  /* packets of nothing but zeros in a row */
  bool is_after_gap; /* nothing was said of the silence in between */
  guint8 toc;      /* of the packet encoded last */
} Stand;

struct _MxrOpusCodec {
  guint n_channels;
  gsize state_bytes;
  MxrOpusSettings settings; /* of now.state */
  guint lookahead_frames;
  Stand now, before;        /* before the last block */
  guint64 block_ns;         /* time stamp of the last block; G_MAXUINT64: none yet */
};

static guint64
duration_ns (guint n_frames)
{
  return (n_frames * G_GUINT64_CONSTANT (1000000000) + MXR_OPUS_RATE_HZ / 2) / MXR_OPUS_RATE_HZ;
}

static bool
is_same_time (guint64 a_ns, guint64 b_ns)
{
  return MAX (a_ns, b_ns) - MIN (a_ns, b_ns) < SAME_NS;
}

static void
copy_stand (const MxrOpusCodec *codec, Stand *to, const Stand *from)
{
  memcpy (to->state, from->state, codec->state_bytes);
  memcpy (to->pending, from->pending, sizeof (gint16) * from->n_pending * codec->n_channels);
  to->n_pending = from->n_pending;
  to->next_ns = from->next_ns;
  to->n_silent = from->n_silent;
  to->is_after_gap = from->is_after_gap;
  to->toc = from->toc;
}

static MxrOpusCodec *
codec_alloc (guint n_channels)
{
  MxrOpusCodec *codec = g_new0 (MxrOpusCodec, 1);

  codec->n_channels = n_channels;
  codec->state_bytes = (gsize) opus_encoder_get_size ((int) n_channels);
  codec->now.state = g_malloc0 (codec->state_bytes);
  codec->before.state = g_malloc0 (codec->state_bytes);
  codec->now.next_ns = codec->before.next_ns = codec->block_ns = G_MAXUINT64;
  return codec;
}

static bool
apply (MxrOpusCodec *codec)
{
  const MxrOpusSettings *settings = &codec->settings;
  OpusEncoder *state = codec->now.state;

  return opus_encoder_ctl (state, OPUS_SET_BITRATE (settings->bitrate_bps)) == OPUS_OK &&
         opus_encoder_ctl (state, OPUS_SET_VBR (settings->is_vbr)) == OPUS_OK &&
         opus_encoder_ctl (state, OPUS_SET_VBR_CONSTRAINT (settings->is_constrained)) == OPUS_OK &&
         opus_encoder_ctl (state, OPUS_SET_COMPLEXITY (settings->complexity)) == OPUS_OK &&
         opus_encoder_ctl (state, OPUS_SET_INBAND_FEC (settings->has_fec)) == OPUS_OK &&
         opus_encoder_ctl (state, OPUS_SET_PACKET_LOSS_PERC (settings->loss_percent)) == OPUS_OK;
}

MxrOpusCodec *
mxr_opus_codec_new (guint n_channels, const MxrOpusSettings *settings)
{
  g_autoptr (MxrOpusCodec) codec = codec_alloc (n_channels);
  opus_int32 lookahead_frames = 0;

  codec->settings = *settings;
  if (opus_encoder_init (codec->now.state, MXR_OPUS_RATE_HZ, (int) n_channels, settings->application) != OPUS_OK ||
      !apply (codec) || opus_encoder_ctl (codec->now.state, OPUS_GET_LOOKAHEAD (&lookahead_frames)) != OPUS_OK)
    return NULL;
  codec->lookahead_frames = (guint) lookahead_frames;
  return g_steal_pointer (&codec);
}

void
mxr_opus_codec_free (MxrOpusCodec *codec)
{
  g_free (codec->now.state);
  g_free (codec->before.state);
  g_free (codec);
}

/* In a pause nothing is encoded, so whoever stood there stands there still. */
static const Stand *
find_stand (const MxrOpusCodec *codec, guint64 pts_ns)
{
  const Stand *now = &codec->now;
  bool is_pausing = now->n_silent > SILENT_BEFORE_DTX && now->n_pending == 0;

  if (is_same_time (codec->block_ns, pts_ns))
    return &codec->before;
  return is_same_time (now->next_ns, pts_ns) || (is_pausing && now->next_ns < pts_ns) ? now : NULL;
}

MxrOpusCodec *
mxr_opus_codec_copy_at (const MxrOpusCodec *codec, guint64 pts_ns)
{
  const Stand *stand = find_stand (codec, pts_ns);

  if (stand == NULL)
    return NULL;
  MxrOpusCodec *copy = codec_alloc (codec->n_channels);
  copy->settings = codec->settings;
  copy->lookahead_frames = codec->lookahead_frames;
  copy_stand (codec, &copy->now, stand);
  return copy;
}

guint
mxr_opus_codec_get_channels (const MxrOpusCodec *codec)
{
  return codec->n_channels;
}

int
mxr_opus_codec_get_application (const MxrOpusCodec *codec)
{
  return codec->settings.application;
}

void
mxr_opus_codec_set (MxrOpusCodec *codec, const MxrOpusSettings *settings)
{
  MxrOpusSettings wanted = *settings;

  wanted.application = codec->settings.application;
  if (memcmp (&wanted, &codec->settings, sizeof wanted) == 0)
    return;
  codec->settings = wanted;
  apply (codec);
}

bool
mxr_opus_codec_begin (MxrOpusCodec *codec, guint64 pts_ns)
{
  bool is_first = codec->now.next_ns == G_MAXUINT64;
  bool is_next = is_same_time (codec->now.next_ns, pts_ns);

  copy_stand (codec, &codec->before, &codec->now);
  codec->block_ns = pts_ns;
  codec->now.next_ns = pts_ns;
  if (!is_next) {
    codec->now.n_pending = 0;
    codec->now.is_after_gap = !is_first;
  }
  return is_first || is_next;
}

static bool
is_silent (const MxrOpusCodec *codec, const gint16 *frames)
{
  gsize n_bytes = sizeof (gint16) * MXR_OPUS_PACKET_FRAMES * codec->n_channels;
  return frames[0] == 0 && memcmp (frames, (const guint8 *) frames + 1, n_bytes - 1) == 0;
}

/* What was not encoded the decoder made up, so the first packet after it is predicted from nothing. */
static int
encode (MxrOpusCodec *codec, const gint16 *frames, bool is_predicted, guint8 *packet)
{
  OpusEncoder *state = codec->now.state;

  opus_encoder_ctl (state, OPUS_SET_PREDICTION_DISABLED (!is_predicted));
  int n_bytes = opus_encode (state, frames, MXR_OPUS_PACKET_FRAMES, packet, MXR_OPUS_PACKET_MAX_BYTES);
  codec->now.toc = packet[0] & TOC_MASK;
  return n_bytes > 0 ? n_bytes : -1;
}

/* Digital silence is all that a mixer has while nobody is in the mix. libopus's own DTX needs an analysis for it which
 * costs more than the encode, and encodes the silence in between. */
static int
encode_or_pause (MxrOpusCodec *codec, const gint16 *frames, guint8 *packet)
{
  Stand *now = &codec->now;
  bool was_pausing = now->n_silent > SILENT_BEFORE_DTX;
  bool is_told_again = was_pausing && now->is_after_gap;

  now->is_after_gap = false;
  now->n_silent = codec->settings.has_dtx && is_silent (codec, frames) ? now->n_silent + 1 : 0;
  if (now->n_silent <= SILENT_BEFORE_DTX)
    return encode (codec, frames, !was_pausing, packet);
  if (is_told_again)
    now->n_silent = SILENT_BEFORE_DTX + 1;
  guint n_paused = now->n_silent - SILENT_BEFORE_DTX - 1;
  if (n_paused == DTX_INTERVAL)
    now->n_silent -= DTX_INTERVAL;
  packet[0] = now->toc;
  return n_paused % DTX_INTERVAL == 0 ? 1 : 0;
}

int
mxr_opus_codec_take (MxrOpusCodec *codec, const gint16 **frames, guint *n_frames, guint8 *packet, guint64 *out_pts_ns)
{
  Stand *now = &codec->now;
  guint n = MIN (*n_frames, MXR_OPUS_PACKET_FRAMES - now->n_pending);
  const gint16 *whole = *frames; /* a block of 20 ms is not copied */
  guint64 ahead_ns = duration_ns (now->n_pending + codec->lookahead_frames);

  *out_pts_ns = now->next_ns > ahead_ns ? now->next_ns - ahead_ns : 0;
  if (n < MXR_OPUS_PACKET_FRAMES) {
    memcpy (now->pending + now->n_pending * codec->n_channels, *frames, sizeof (gint16) * n * codec->n_channels);
    whole = now->pending;
  }
  *frames += n * codec->n_channels;
  *n_frames -= n;
  now->next_ns += duration_ns (n);
  now->n_pending += n;
  if (now->n_pending < MXR_OPUS_PACKET_FRAMES)
    return 0;
  now->n_pending = 0;
  return encode_or_pause (codec, whole, packet);
}
