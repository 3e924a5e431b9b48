#include "floor-sound.h"

#include <opus.h>
#include <string.h>

#define BITRATE_BPS 32000

struct _FloorSound {
  guint n_speakers;
  OpusDecoder *decoders[FLOOR_MAX_SPEAKERS];
  OpusEncoder *encoders[FLOOR_MAX_SPEAKERS + 1];
  gint16 blocks[FLOOR_MAX_SPEAKERS][BENCH_BLOCK_SAMPLES];
  gint32 sum[BENCH_BLOCK_SAMPLES];
  gint16 mix[BENCH_BLOCK_SAMPLES];
};

static OpusEncoder *
new_encoder (void)
{
  int error;
  OpusEncoder *encoder = opus_encoder_create (48000, 1, OPUS_APPLICATION_RESTRICTED_LOWDELAY, &error);

  opus_encoder_ctl (encoder, OPUS_SET_BITRATE (BITRATE_BPS));
  opus_encoder_ctl (encoder, OPUS_SET_VBR_CONSTRAINT (1));
  opus_encoder_ctl (encoder, OPUS_SET_COMPLEXITY (5));
  opus_encoder_ctl (encoder, OPUS_SET_DTX (1));
  return encoder;
}

FloorSound *
floor_sound_new (guint n_speakers)
{
  FloorSound *sound = g_new0 (FloorSound, 1);
  int error;

  sound->n_speakers = MIN (n_speakers, FLOOR_MAX_SPEAKERS);
  for (guint k = 0; k < sound->n_speakers; k++)
    sound->decoders[k] = opus_decoder_create (48000, 1, &error);
  for (guint k = 0; k <= sound->n_speakers; k++)
    sound->encoders[k] = new_encoder ();
  return sound;
}

void
floor_sound_free (FloorSound *sound)
{
  for (guint k = 0; k < sound->n_speakers; k++)
    opus_decoder_destroy (sound->decoders[k]);
  for (guint k = 0; k <= sound->n_speakers; k++)
    opus_encoder_destroy (sound->encoders[k]);
  g_free (sound);
}

void
floor_sound_decode (FloorSound *sound, guint k, const guint8 *payload, gsize size)
{
  gint16 *block = sound->blocks[k];

  if (opus_decode (sound->decoders[k], payload, (opus_int32) size, block, BENCH_BLOCK_SAMPLES, 0) != BENCH_BLOCK_SAMPLES)
    g_error ("a packet of speech that is not of 20 ms");
  for (guint i = 0; i < BENCH_BLOCK_SAMPLES; i++)
    sound->sum[i] += block[i];
}

const gint16 *
floor_sound_mix (FloorSound *sound)
{
  for (guint i = 0; i < BENCH_BLOCK_SAMPLES; i++)
    sound->mix[i] = (gint16) CLAMP (sound->sum[i], G_MININT16, G_MAXINT16);
  return sound->mix;
}

void
floor_sound_skip (FloorSound *sound)
{
  memset (sound->blocks, 0, sizeof sound->blocks);
  memset (sound->sum, 0, sizeof sound->sum);
}

void
floor_sound_encode (FloorSound *sound, FloorOpus *out_packets)
{
  gint16 out[BENCH_BLOCK_SAMPLES];

  for (guint k = 0; k <= sound->n_speakers; k++) {
    for (guint i = 0; i < BENCH_BLOCK_SAMPLES; i++) {
      const gint32 own = k < sound->n_speakers ? sound->blocks[k][i] : 0;
      out[i] = (gint16) CLAMP (sound->sum[i] - own, G_MININT16, G_MAXINT16);
    }
    opus_int32 n = opus_encode (sound->encoders[k], out, BENCH_BLOCK_SAMPLES, out_packets[k].bytes, FLOOR_OPUS_MAX_BYTES);
    if (n < 0)
      g_error ("opus_encode: %s", opus_strerror (n));
    out_packets[k].size = (gsize) n;
  }
  floor_sound_skip (sound);
}
