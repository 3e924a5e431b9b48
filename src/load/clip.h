#ifndef MXR_LOAD_CLIP_H
#define MXR_LOAD_CLIP_H

#include "mixroom/rtp.h"

/* Media that was encoded and packetised before anybody joins, played in a loop and shared by all who send it. Made in
 * the main thread; immutable from then on, so every net thread reads it. */

typedef enum { MXR_CODEC_NONE, MXR_CODEC_OPUS, MXR_CODEC_VP8, MXR_CODEC_H264 } MxrLoadCodec;

#define MXR_CLIP_NO_MARK G_MININT64

typedef struct {
  guint first_packet;
  guint n_packets;   /* 0: nothing is sent at this time (DTX) */
  guint8 level_dbov; /* sound: 0 (loudest) to 127 (silence), without the sign (RFC 6464 3) */
  bool is_voice;
  /* Something a listener recognises becomes known so long after this frame's begin; %MXR_CLIP_NO_MARK: nothing. */
  gint64 mark_us;
  guint mark_value; /* sound: the click's number; picture: which of the two colours begins */
} MxrClipFrame;

typedef struct {
  gsize offset; /* in bytes: a whole RTP packet of 12 header bytes and the payload */
  guint16 size;
  bool is_keyframe_start;
} MxrClipPacket;

typedef struct {
  gatomicrefcount refs;
  MxrRtpKind kind;
  MxrLoadCodec codec;
  double frame_us;
  GArray *frames;  /* MxrClipFrame */
  GArray *packets; /* MxrClipPacket */
  GByteArray *bytes;
} MxrClip;

MxrClip *mxr_clip_new (MxrRtpKind kind, MxrLoadCodec codec, double frame_us);
MxrClip *mxr_clip_ref (MxrClip *clip);
void mxr_clip_unref (MxrClip *clip);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrClip, mxr_clip_unref)

/** mxr_clip_add_frame: Returns: (transfer none): the new last, silent and without packets; valid until the next. */
MxrClipFrame *mxr_clip_add_frame (MxrClip *clip);

/**
 * mxr_clip_add_packet:
 * @payload: of RTP; at most %MXR_RTP_PAYLOAD_MAX_BYTES
 * @is_last: of its frame
 *
 * Adds to the last frame. Errors: false, and nothing added, when there is no frame or @n_bytes is out of range.
 */
bool mxr_clip_add_packet (MxrClip *clip, const guint8 *payload, gsize n_bytes, bool is_last, bool is_keyframe_start);

const MxrClipFrame *mxr_clip_get_frame (const MxrClip *clip, guint64 index); /* [any]: it loops */

/** mxr_clip_make_packet: @index: of the clip's packets. Returns: (transfer full): Cost: one allocation. */
MxrRtpPacket *mxr_clip_make_packet (const MxrClip *clip, guint index, guint16 seq, guint32 timestamp);

/** mxr_payload_starts_keyframe: RFC 7741 4.2, 4.3; RFC 6184 5.2. Never trusts @payload. */
bool mxr_payload_starts_keyframe (MxrLoadCodec codec, const guint8 *payload, gsize n_bytes);

/* ---- Sound: clip-sound.c ---- */

typedef struct {
  guint bitrate_bps;
  bool is_music; /* tones: Opus' audio mode, which keeps sines apart */
  bool dtx;
} MxrSoundCoding;

/**
 * mxr_clip_new_sound:
 * @samples: mono at %MXR_SOUND_RATE_HZ, full scale 1; the rest of a frame at the end is left out
 *
 * The loop is encoded twice and the second time is kept, so that the decoder hears no seam. Clicks are looked for in
 * what a decoder makes of it, with the detector of the listeners: so neither our coder's look-ahead nor the
 * detector's delay is part of what is measured.
 */
MxrClip *mxr_clip_new_sound (const float *samples, guint n_samples, const MxrSoundCoding *coding, GError **error);

/** mxr_sound_read: Returns: (transfer full): at most @seconds of what GStreamer decodes from @path. */
float *mxr_sound_read (const char *path, guint seconds, guint *out_n_samples, GError **error);

/* Each returns (transfer full) @seconds of samples. */
float *mxr_sound_make_voice (guint index, guint seconds);
float *mxr_sound_make_tone (double hz, double amplitude, guint seconds);
float *mxr_sound_make_hush (guint seconds); /* a quiet room: noise at about -70 dBov */
/**
 * mxr_sound_add_clicks: One at 0.3 s of every second whose number is @slot modulo @n_slots.
 * @n_numbers: of clicks that are told apart, one second after the other [1..MXR_CLICK_NUMBERS]
 */
void mxr_sound_add_clicks (float *samples, guint n_samples, guint slot, guint n_slots, guint n_numbers);

/* ---- Picture: clip-picture.c ---- */

typedef struct {
  MxrLoadCodec codec; /* VP8 or H264 */
  guint width_px, height_px;
  guint bitrate_bps;
} MxrPictureCoding;

#define MXR_PICTURE_FPS 30

/**
 * mxr_clip_new_picture:
 * @path: (nullable): a file, %NULL: a moving pattern that is made up
 *
 * Up to ten seconds at 30 frames a second, a key frame in each second.
 */
MxrClip *mxr_clip_new_picture (const char *path, const MxrPictureCoding *coding, GError **error);

/* Two colours that no camera sees at this strength, as Y, U, V. */
extern const guint8 mxr_flash_colours[2][3];

/**
 * mxr_clip_new_flash:
 *
 * A second of one colour and a second of the other. It is played a little slower than 30 frames a second, so that
 * its changes meet the server's ticks at ever other distances.
 */
MxrClip *mxr_clip_new_flash (const MxrPictureCoding *coding, GError **error);

#endif
