#ifndef FLOOR_CODECS_H
#define FLOOR_CODECS_H

#include "../../src/elements/tile-scale.h"

/* The codec libraries behind pipelines/{picturedec-vp8,picturedec-h264,vp8enc,openh264enc}.gst, called directly with what those
 * fragments set: one thread each, real time, no key frames but the first. */

typedef struct _FloorDecoder FloorDecoder;
typedef struct _FloorEncoder FloorEncoder;

FloorDecoder *floor_decoder_new (bool is_h264);
void floor_decoder_free (FloorDecoder *decoder);
/** floor_decoder_decode: Returns: whether there is a picture; @out_picture is good until the next call. */
bool floor_decoder_decode (FloorDecoder *decoder, const guint8 *bytes, gsize size, MxrPicture *out_picture);

FloorEncoder *floor_encoder_new (bool is_h264, int width, int height, int fps, guint bitrate_bps);
void floor_encoder_free (FloorEncoder *encoder);
/** floor_encoder_new_programme: As pipelines/programme-h264.gst has it: H.264, more effort, a key frame every 2 s. */
FloorEncoder *floor_encoder_new_programme (int width, int height, int fps, guint bitrate_bps);
/** floor_encoder_encode: @i420: in GStreamer's standard layout. Returns: bytes that came out. */
gsize floor_encoder_encode (FloorEncoder *encoder, guint8 *i420);

/* AAC-LC as pipelines/programme-aac.gst has it, mono, 48 kHz. */
typedef struct _FloorAac FloorAac;

FloorAac *floor_aac_new (guint bitrate_bps);
void floor_aac_free (FloorAac *aac);
/** floor_aac_encode: Returns: bytes that came out. */
gsize floor_aac_encode (FloorAac *aac, const gint16 *samples, guint n_samples);

#endif
