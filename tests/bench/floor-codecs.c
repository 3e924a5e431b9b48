#include "floor-codecs.h"

#include <libavcodec/avcodec.h>
#include <string.h>
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>
#include <wels/codec_api.h>

#define CLOCK_HZ 90000 /* of time stamps */

/* ---- Decoders --------------------------------------------------------------------------------------------- */

struct _FloorDecoder {
  AVCodecContext *av;
  AVPacket *packet;
  AVFrame *frame;
};

FloorDecoder *
floor_decoder_new (bool is_h264)
{
  FloorDecoder *decoder = g_new0 (FloorDecoder, 1);
  const AVCodec *codec = avcodec_find_decoder (is_h264 ? AV_CODEC_ID_H264 : AV_CODEC_ID_VP8);

  decoder->av = avcodec_alloc_context3 (codec);
  decoder->av->thread_count = 1;
  decoder->av->flags |= AV_CODEC_FLAG_LOW_DELAY;
  if (avcodec_open2 (decoder->av, codec, NULL) < 0)
    g_error ("no decoder of %s", is_h264 ? "H.264" : "VP8");
  decoder->packet = av_packet_alloc ();
  decoder->frame = av_frame_alloc ();
  return decoder;
}

void
floor_decoder_free (FloorDecoder *decoder)
{
  av_frame_free (&decoder->frame);
  av_packet_free (&decoder->packet);
  avcodec_free_context (&decoder->av);
  g_free (decoder);
}

bool
floor_decoder_decode (FloorDecoder *decoder, const guint8 *bytes, gsize size, MxrPicture *out_picture)
{
  /* libavcodec reads a little beyond the end; the copy is what mxrpicturedec has made, too. */
  if (av_new_packet (decoder->packet, (int) size) < 0)
    return false;
  memcpy (decoder->packet->data, bytes, size);
  bool ok = avcodec_send_packet (decoder->av, decoder->packet) >= 0;
  av_packet_unref (decoder->packet);
  if (!ok || avcodec_receive_frame (decoder->av, decoder->frame) < 0)
    return false;
  const AVFrame *frame = decoder->frame;
  *out_picture = (MxrPicture){ { frame->data[0], frame->data[1], frame->data[2] },
                               { frame->linesize[0], frame->linesize[1], frame->linesize[2] },
                               frame->width, frame->height };
  return true;
}

/* ---- Encoders --------------------------------------------------------------------------------------------- */

struct _FloorEncoder {
  vpx_codec_ctx_t vpx;
  ISVCEncoder *h264; /* NULL: VP8 */
  int width, height;
  int fps;
  int keyframe_frames; /* 0: the first alone */
  gint64 n_frames;
};

/* pipelines/vp8enc.gst */
static void
start_vp8 (FloorEncoder *encoder, guint bitrate_bps)
{
  vpx_codec_enc_cfg_t config;

  vpx_codec_enc_config_default (vpx_codec_vp8_cx (), &config, 0);
  config.g_w = (unsigned) encoder->width;
  config.g_h = (unsigned) encoder->height;
  config.g_timebase = (vpx_rational_t){ 1, CLOCK_HZ };
  config.g_threads = 1;
  config.g_lag_in_frames = 0;
  config.rc_end_usage = VPX_CBR;
  config.rc_target_bitrate = bitrate_bps / 1000;
  config.rc_undershoot_pct = 100;
  config.rc_overshoot_pct = 15;
  config.rc_buf_initial_sz = 300;
  config.rc_buf_optimal_sz = 400;
  config.rc_buf_sz = 600;
  config.rc_min_quantizer = 2;
  config.rc_max_quantizer = 56;
  config.kf_mode = VPX_KF_DISABLED;
  if (vpx_codec_enc_init (&encoder->vpx, vpx_codec_vp8_cx (), &config, 0) != VPX_CODEC_OK)
    g_error ("VP8 encoder: %s", vpx_codec_error (&encoder->vpx));
  vpx_codec_control (&encoder->vpx, VP8E_SET_CPUUSED, -12);
  vpx_codec_control (&encoder->vpx, VP8E_SET_STATIC_THRESHOLD, 1);
  vpx_codec_control (&encoder->vpx, VP8E_SET_MAX_INTRA_BITRATE_PCT, 900);
}

/* pipelines/openh264enc.gst or programme-h264.gst, and what openh264enc sets by itself */
static void
start_h264 (FloorEncoder *encoder, guint bitrate_bps, ECOMPLEXITY_MODE complexity)
{
  SEncParamExt params;

  if (WelsCreateSVCEncoder (&encoder->h264) != 0)
    g_error ("no H.264 encoder");
  (*encoder->h264)->GetDefaultParams (encoder->h264, &params);
  params.iUsageType = CAMERA_VIDEO_REAL_TIME;
  params.iPicWidth = encoder->width;
  params.iPicHeight = encoder->height;
  params.iTargetBitrate = (int) bitrate_bps;
  params.iMaxBitrate = UNSPECIFIED_BIT_RATE;
  params.iRCMode = RC_BITRATE_MODE;
  params.fMaxFrameRate = (float) encoder->fps;
  params.iTemporalLayerNum = params.iSpatialLayerNum = 1;
  params.iMultipleThreadIdc = 1;
  params.iComplexityMode = complexity;
  params.uiIntraPeriod = 0;
  params.bEnableBackgroundDetection = params.bEnableAdaptiveQuant = true;
  params.bEnableSceneChangeDetect = params.bEnableFrameSkip = params.bEnableDenoise = false;
  params.bEnableLongTermReference = false;
  params.eSpsPpsIdStrategy = CONSTANT_ID;
  params.sSpatialLayers[0].uiProfileIdc = PRO_BASELINE;
  params.sSpatialLayers[0].iVideoWidth = encoder->width;
  params.sSpatialLayers[0].iVideoHeight = encoder->height;
  params.sSpatialLayers[0].fFrameRate = (float) encoder->fps;
  params.sSpatialLayers[0].iSpatialBitrate = (int) bitrate_bps;
  params.sSpatialLayers[0].iMaxSpatialBitrate = UNSPECIFIED_BIT_RATE;
  params.sSpatialLayers[0].sSliceArgument.uiSliceMode = SM_FIXEDSLCNUM_SLICE;
  params.sSpatialLayers[0].sSliceArgument.uiSliceNum = 1;
  if ((*encoder->h264)->InitializeExt (encoder->h264, &params) != cmResultSuccess)
    g_error ("the H.264 encoder does not take its parameters");
}

FloorEncoder *
floor_encoder_new (bool is_h264, int width, int height, int fps, guint bitrate_bps)
{
  FloorEncoder *encoder = g_new0 (FloorEncoder, 1);

  encoder->width = width;
  encoder->height = height;
  encoder->fps = fps;
  if (is_h264)
    start_h264 (encoder, bitrate_bps, LOW_COMPLEXITY);
  else
    start_vp8 (encoder, bitrate_bps);
  return encoder;
}

FloorEncoder *
floor_encoder_new_programme (int width, int height, int fps, guint bitrate_bps)
{
  FloorEncoder *encoder = g_new0 (FloorEncoder, 1);

  *encoder = (FloorEncoder){ .width = width, .height = height, .fps = fps, .keyframe_frames = 2 * fps };
  start_h264 (encoder, bitrate_bps, MEDIUM_COMPLEXITY);
  return encoder;
}

void
floor_encoder_free (FloorEncoder *encoder)
{
  if (encoder->h264 != NULL) {
    (*encoder->h264)->Uninitialize (encoder->h264);
    WelsDestroySVCEncoder (encoder->h264);
  } else {
    vpx_codec_destroy (&encoder->vpx);
  }
  g_free (encoder);
}

static gsize
encode_vp8 (FloorEncoder *encoder, guint8 *i420)
{
  vpx_image_t image;
  vpx_codec_iter_t iter = NULL;
  const vpx_codec_cx_pkt_t *packet;
  gsize n_bytes = 0;

  vpx_img_wrap (&image, VPX_IMG_FMT_I420, (unsigned) encoder->width, (unsigned) encoder->height, 1, i420);
  if (vpx_codec_encode (&encoder->vpx, &image, encoder->n_frames * CLOCK_HZ / encoder->fps, 1, 0, VPX_DL_REALTIME) !=
      VPX_CODEC_OK)
    g_error ("VP8 encoder: %s", vpx_codec_error (&encoder->vpx));
  while ((packet = vpx_codec_get_cx_data (&encoder->vpx, &iter)) != NULL)
    n_bytes += packet->data.frame.sz;
  return n_bytes;
}

static gsize
encode_h264 (FloorEncoder *encoder, guint8 *i420)
{
  int w = encoder->width, h = encoder->height;
  SSourcePicture picture = { .iColorFormat = videoFormatI420, .iStride = { w, w / 2, w / 2 },
                             .pData = { i420, i420 + w * h, i420 + w * h * 5 / 4 },
                             .iPicWidth = w, .iPicHeight = h, .uiTimeStamp = encoder->n_frames * 1000 / encoder->fps };
  SFrameBSInfo info = { 0 };

  if (encoder->keyframe_frames > 0 && encoder->n_frames % encoder->keyframe_frames == 0)
    (*encoder->h264)->ForceIntraFrame (encoder->h264, true);
  if ((*encoder->h264)->EncodeFrame (encoder->h264, &picture, &info) != cmResultSuccess)
    g_error ("the H.264 encoder failed");
  return (gsize) info.iFrameSizeInBytes;
}

gsize
floor_encoder_encode (FloorEncoder *encoder, guint8 *i420)
{
  gsize n_bytes = encoder->h264 != NULL ? encode_h264 (encoder, i420) : encode_vp8 (encoder, i420);
  encoder->n_frames++;
  return n_bytes;
}

/* ---- AAC -------------------------------------------------------------------------------------------------- */

struct _FloorAac {
  AVCodecContext *av;
  AVPacket *packet;
  AVFrame *frame;
  int n_samples; /* in the frame so far */
};

FloorAac *
floor_aac_new (guint bitrate_bps)
{
  FloorAac *aac = g_new0 (FloorAac, 1);
  const AVCodec *codec = avcodec_find_encoder_by_name ("aac");

  aac->av = avcodec_alloc_context3 (codec);
  aac->av->bit_rate = bitrate_bps;
  aac->av->sample_rate = 48000;
  aac->av->sample_fmt = AV_SAMPLE_FMT_FLTP;
  aac->av->ch_layout = (AVChannelLayout) AV_CHANNEL_LAYOUT_MONO;
  aac->av->thread_count = 1;
  if (avcodec_open2 (aac->av, codec, NULL) < 0)
    g_error ("no AAC encoder");
  aac->packet = av_packet_alloc ();
  aac->frame = av_frame_alloc ();
  aac->frame->nb_samples = aac->av->frame_size;
  aac->frame->format = AV_SAMPLE_FMT_FLTP;
  aac->frame->ch_layout = aac->av->ch_layout;
  if (av_frame_get_buffer (aac->frame, 0) < 0)
    g_error ("no memory for sound");
  return aac;
}

void
floor_aac_free (FloorAac *aac)
{
  av_frame_free (&aac->frame);
  av_packet_free (&aac->packet);
  avcodec_free_context (&aac->av);
  g_free (aac);
}

static gsize
encode_aac_frame (FloorAac *aac)
{
  gsize n_bytes = 0;

  if (avcodec_send_frame (aac->av, aac->frame) < 0)
    g_error ("the AAC encoder failed");
  while (avcodec_receive_packet (aac->av, aac->packet) >= 0) {
    n_bytes += (gsize) aac->packet->size;
    av_packet_unref (aac->packet);
  }
  aac->n_samples = 0;
  if (av_frame_make_writable (aac->frame) < 0)
    g_error ("no memory for sound");
  return n_bytes;
}

gsize
floor_aac_encode (FloorAac *aac, const gint16 *samples, guint n_samples)
{
  gsize n_bytes = 0;

  for (guint i = 0; i < n_samples; i++) {
    ((float *) (void *) aac->frame->data[0])[aac->n_samples++] = (float) samples[i] / 32768;
    if (aac->n_samples == aac->frame->nb_samples)
      n_bytes += encode_aac_frame (aac);
  }
  return n_bytes;
}
