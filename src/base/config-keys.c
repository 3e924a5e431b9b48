#include "config-private.h"

#define STRING(g, n, fallback_) { #g, #n, MXR_KEY_STRING, G_STRUCT_OFFSET (MxrConfig, g.n), fallback_, 0, 0, NULL, false }
#define CHOICE(g, n, fallback_, choices_) \
  { #g, #n, MXR_KEY_STRING, G_STRUCT_OFFSET (MxrConfig, g.n), fallback_, 0, 0, choices_, false }
#define SECRET(g, n) { #g, #n, MXR_KEY_STRING, G_STRUCT_OFFSET (MxrConfig, g.n), "", 0, 0, NULL, true }
#define UINT(g, n, fallback_, min_, max_) \
  { #g, #n, MXR_KEY_UINT, G_STRUCT_OFFSET (MxrConfig, g.n), #fallback_, min_, max_, NULL, false }
#define BOOL(g, n, fallback_) { #g, #n, MXR_KEY_BOOL, G_STRUCT_OFFSET (MxrConfig, g.n), #fallback_, 0, 0, NULL, false }

const MxrKey mxr_config_keys[] = {
  STRING (server, listen, "127.0.0.1:8080"),
  STRING (server, tls_certificate, ""),
  STRING (server, tls_key, ""),
  STRING (server, web_root, ""),
  SECRET (server, token_secret),
  STRING (server, allowed_origins, ""),
  BOOL (server, open_rooms, false),
  UINT (server, drain_timeout_s, 10, 0, 3600),

  UINT (http, max_connections, 1024, 4, 100000),
  UINT (http, max_connections_per_address, 256, 1, 100000),
  UINT (http, request_deadline_s, 10, 1, 300),
  UINT (http, idle_timeout_s, 60, 1, 3600),
  UINT (http, max_body_bytes, 65536, 1024, 1048576),
  UINT (http, max_message_bytes, 65536, 1024, 1048576),
  UINT (http, messages_per_second, 50, 1, 10000),
  UINT (http, joins_per_minute, 600, 1, 100000),
  UINT (http, ping_interval_s, 10, 1, 300),
  UINT (http, ping_timeout_s, 25, 2, 600),

  STRING (ice, stun_server, ""),
  STRING (ice, turn_server, ""),
  STRING (ice, turn_username, ""),
  SECRET (ice, turn_password),
  SECRET (ice, turn_secret),
  UINT (ice, turn_ttl_s, 86400, 60, 604800),
  STRING (ice, client_ice_servers, ""),
  STRING (ice, local_addresses, ""),
  STRING (ice, public_address, ""),
  UINT (ice, udp_port_min, 0, 0, 65535),
  UINT (ice, udp_port_max, 0, 0, 65535),
  BOOL (ice, tcp, true),
  BOOL (ice, ipv6, true),
  BOOL (ice, allow_loopback, false),
  UINT (ice, consent_timeout_s, 30, 5, 300),
  UINT (ice, silence_timeout_ms, 3000, 500, 60000),

  UINT (media, net_threads, 0, 0, 64),
  STRING (media, pipeline_dir, ""),
  CHOICE (media, video_codec, "VP8", "VP8 H264"),
  STRING (media, vp8_encoder, "vp8enc"),
  STRING (media, h264_encoder, "openh264enc"),
  STRING (media, opus_encoder, "opusenc"),
  STRING (media, vp8_decoder, "picturedec-vp8"),
  STRING (media, h264_decoder, "picturedec-h264"),
  STRING (media, opus_decoder, "opusdec"),
  UINT (media, jitter_ms, 40, 0, 1000),
  UINT (media, video_bitrate_bps, 1500000, 50000, 50000000),
  UINT (media, audio_bitrate_bps, 32000, 6000, 510000),
  STRING (media, ladder, "360p30@500000, 180p15@150000"),
  UINT (media, slide_interval_s, 4, 0, 9),
  UINT (media, start_bitrate_bps, 2000000, 50000, 50000000),
  UINT (media, audio_channels, 1, 1, 2),
  UINT (media, audience_ptime_ms, 40, 20, 60),
  UINT (media, keyframe_interval_ms, 1000, 100, 10000),

  UINT (room, max_rooms, 100, 1, 10000),
  UINT (room, max_participants, 200, 1, 10000),
  UINT (room, grid_max, 16, 1, 49),
  UINT (room, max_speakers, 6, 1, 64),
  UINT (room, speaker_hold_ms, 2000, 0, 60000),
  UINT (room, width_px, 1280, 64, 4096),
  UINT (room, height_px, 720, 64, 4096),
  UINT (room, framerate, 30, 1, 60),
  UINT (room, resume_timeout_s, 30, 0, 600),
  UINT (room, chat_history, 50, 0, 1000),
  BOOL (room, labels, false),
  BOOL (room, direct_calls, true),

  STRING (programme, recordings_directory, ""),
  STRING (programme, hls_directory, ""),
  BOOL (programme, push, false),
  STRING (programme, picture_encoder, "programme-h264"),
  STRING (programme, sound_encoder, "programme-aac"),
  STRING (programme, opus_sound_encoder, "programme-opus"),
  UINT (programme, picture_bitrate_bps, 0, 0, 50000000),
  UINT (programme, sound_bitrate_bps, 128000, 32000, 510000),
  UINT (programme, programme_width_px, 0, 0, 4096),
  UINT (programme, programme_height_px, 0, 0, 4096),
  UINT (programme, programme_framerate, 0, 0, 60),
  STRING (programme, images_directory, ""),
  UINT (programme, loudness, 16, 0, 36),
  UINT (programme, hls_keep_s, 0, 0, 31536000),

  STRING (library, database, ""),
  UINT (library, max_age_days, 0, 0, 36500),
  UINT (library, max_total_mib, 0, 0, 1000000000),
  UINT (library, upload_max_mib, 0, 0, 1000000),

  BOOL (players, files, false),
  BOOL (players, urls, false),
  STRING (players, allowed_hosts, ""),
  BOOL (players, private_addresses, false),
  UINT (players, max_per_room, 4, 1, 64),

  SECRET (webhooks, webhook_urls),
  SECRET (webhooks, webhook_secret),

  CHOICE (log, level, "info", "error warning info debug"),
  CHOICE (log, format, "text", "text json"),
};

const guint mxr_config_n_keys = G_N_ELEMENTS (mxr_config_keys);
