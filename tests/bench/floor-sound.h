#ifndef FLOOR_SOUND_H
#define FLOOR_SOUND_H

#include "bench-common.h"

/* What the sound of a call needs every 20 ms: who is heard is decoded and summed, and what goes out is encoded once for each of
 * them, without the own voice, and once for all others. libopus as pipelines/opusenc.gst sets it. */

#define FLOOR_MAX_SPEAKERS 6
#define FLOOR_OPUS_MAX_BYTES 1275

typedef struct _FloorSound FloorSound;

typedef struct {
  guint8 bytes[FLOOR_OPUS_MAX_BYTES];
  gsize size;
} FloorOpus;

FloorSound *floor_sound_new (guint n_speakers);
void floor_sound_free (FloorSound *sound);
/** floor_sound_decode: @k: [0..n_speakers): its packet for the next mix; who has none is silent in it. */
void floor_sound_decode (FloorSound *sound, guint k, const guint8 *payload, gsize size);
/** floor_sound_mix: Returns: (transfer none): %BENCH_BLOCK_SAMPLES of all together. */
const gint16 *floor_sound_mix (FloorSound *sound);
/** floor_sound_encode: What was mixed, for each of the calls; the next one begins. @out_packets: n_speakers + 1, the last for all
 * others. */
void floor_sound_encode (FloorSound *sound, FloorOpus *out_packets);
/** floor_sound_skip: What was mixed is not encoded here; the next one begins. */
void floor_sound_skip (FloorSound *sound);

#endif
