#ifndef MXR_TEST_UPLINK_H
#define MXR_TEST_UPLINK_H

/* An uplink between packets made by hand, at times that are arguments, and a sink that counts. Included by tests. */

#include <glib/gstdio.h>
#include <stdatomic.h>
#include <string.h>

#include "mixroom/peer.h"

#define MS ((gint64) 1000)
#define WATCHDOG_US (20 * G_USEC_PER_SEC)

GST_ELEMENT_REGISTER_DECLARE (mxropusdec); /* of the stock fragment */

typedef struct {
  MxrConfig *config;
  MxrFragments *fragments;
  MxrDecodePool *pool;
  MxrPeerDelays *delays;
  GstElement *pipeline;
  bool is_repaired; /* the chains' clients answer NACK */
} Room;

typedef struct {
  Room *room;
  GstElement *sink;
  MxrUplink *uplink;
  atomic_uint n_buffers, n_keyframe_requests, n_voices;
  atomic_uint_fast64_t n_bytes;
  atomic_uint n_discont;
  atomic_uint checksum; /* of all bytes, and where they stand */
} Chain;

static inline void
room_init (Room *room, guint n_threads, const char *fragment)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *dir = g_dir_make_tmp ("uplink-XXXXXX", &error);
  g_assert_no_error (error);
  g_autofree char *path = g_build_filename (dir, "test.gst", NULL);
  g_autofree char *stock = g_build_filename (g_test_get_dir (G_TEST_DIST), "..", "..", "pipelines", NULL);
  const char *const dirs[] = { dir, stock, NULL };

  GST_ELEMENT_REGISTER (mxropusdec, NULL);
  if (fragment != NULL)
    g_file_set_contents (path, fragment, -1, &error);
  g_assert_no_error (error);
  room->fragments = mxr_fragments_load (dirs, &error);
  g_assert_no_error (error);
  g_unlink (path);
  g_rmdir (dir);
  room->config = mxr_config_new ();
  room->pool = mxr_decode_pool_new (n_threads);
  room->delays = mxr_peer_delays_new ();
  room->pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  gst_element_set_state (room->pipeline, GST_STATE_PLAYING);
}

static inline void
room_clear (Room *room)
{
  while (mxr_branch_count_removals (GST_BIN (room->pipeline)) > 0)
    g_main_context_iteration (NULL, TRUE);
  gst_element_set_state (room->pipeline, GST_STATE_NULL);
  gst_object_unref (room->pipeline);
  mxr_decode_pool_free (room->pool);
  mxr_peer_delays_unref (room->delays);
  mxr_fragments_free (room->fragments);
  mxr_config_free (room->config);
}

static inline void
count_keyframe_request (gpointer user_data)
{
  Chain *chain = user_data;
  atomic_fetch_add (&chain->n_keyframe_requests, 1);
}

static inline void
count_voice (gpointer user_data)
{
  Chain *chain = user_data;
  atomic_fetch_add (&chain->n_voices, 1);
}

static inline GstPadProbeReturn
count_output (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Chain *chain = user_data;
  GstBuffer *buffer = info->data;

  GstMapInfo map;

  if (gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    guint sum = atomic_load (&chain->checksum);
    for (gsize i = 0; i < map.size; i += 2)
      sum = sum * 31 + map.data[i];
    atomic_store (&chain->checksum, sum);
    gst_buffer_unmap (buffer, &map);
  }
  atomic_fetch_add (&chain->n_bytes, gst_buffer_get_size (buffer));
  atomic_fetch_add (&chain->n_discont, GST_BUFFER_IS_DISCONT (buffer));
  atomic_fetch_add (&chain->n_buffers, 1);
  return GST_PAD_PROBE_OK;
}

static inline void
chain_init (Chain *chain, Room *room, MxrRtpKind kind, const char *decoder, bool is_wanted)
{
  static const MxrUplinkEvents events = { .on_keyframe_needed = count_keyframe_request, .on_voice = count_voice };
  const bool is_sound = kind == MXR_RTP_AUDIO;
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_strdup_printf ("uplink-%p", (void *) chain);
  const MxrUplinkParams params = {
    .name = name,
    .kind = kind,
    .codec = is_sound ? "OPUS" : "VP8",
    .payload_type = 96,
    .clock_rate = is_sound ? 48000 : 90000,
    .is_repaired = room->is_repaired,
    .is_wanted = is_wanted,
    .decoder = mxr_fragments_find (room->fragments, decoder, MXR_FRAGMENT_DECODE, is_sound ? "OPUS" : "VP8", &error),
    .config = room->config,
    .pool = room->pool,
    .delays = room->delays,
  };
  g_assert_no_error (error);
  *chain = (Chain){ .room = room };
  chain->uplink = mxr_uplink_new (&params, &events, chain, NULL, &error);
  g_assert_no_error (error);
  chain->sink = gst_element_factory_make ("fakesink", NULL);
  g_object_set (chain->sink, "async", FALSE, "sync", FALSE, NULL);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (chain->sink, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, count_output, chain, NULL);
  g_assert_true (mxr_branch_add (GST_BIN (room->pipeline), chain->sink, &error));
  g_assert_true (mxr_branch_add (GST_BIN (room->pipeline), mxr_uplink_get_bin (chain->uplink), &error));
  g_assert_true (gst_element_link (mxr_uplink_get_bin (chain->uplink), chain->sink));
  mxr_uplink_open (chain->uplink);
}

static inline void
chain_clear (Chain *chain)
{
  GstElement *bin = mxr_uplink_get_bin (chain->uplink);

  mxr_uplink_close (chain->uplink);
  gst_element_unlink (bin, chain->sink);
  mxr_branch_remove (GST_BIN (chain->room->pipeline), bin, NULL, NULL, NULL);
  mxr_branch_remove (GST_BIN (chain->room->pipeline), chain->sink, NULL, NULL, NULL);
  mxr_uplink_unref (chain->uplink);
  while (mxr_branch_count_removals (GST_BIN (chain->room->pipeline)) > 0)
    g_main_context_iteration (NULL, TRUE);
}

static inline MxrUplinkStats
chain_stats (Chain *chain)
{
  MxrUplinkStats stats;
  mxr_uplink_get_stats (chain->uplink, &stats);
  return stats;
}

/* ---- Packets ---------------------------------------------------------------------------------------------- */

typedef struct {
  guint64 seq; /* extended */
  guint32 timestamp;
  bool marker;
  const guint8 *payload;
  gsize n_bytes;
  bool has_level;
  int level_dbov;
  bool is_red;
} TestPacket;

static inline bool
chain_push (Chain *chain, const TestPacket *packet, gint64 now_us)
{
  guint8 rtp[1500] = { 0x80, packet->marker ? 0x80 | 96 : 96, packet->seq >> 8 & 0xff, packet->seq & 0xff };
  MxrRtpView view;

  for (guint i = 0; i < 4; i++)
    rtp[4 + i] = packet->timestamp >> (24 - 8 * i) & 0xff;
  rtp[11] = 1;
  g_assert_cmpuint (packet->n_bytes, <=, sizeof rtp - 12);
  if (packet->n_bytes > 0)
    memcpy (rtp + 12, packet->payload, packet->n_bytes);
  g_assert_true (mxr_rtp_view_parse (&view, rtp, 12 + packet->n_bytes));
  const MxrUplinkPacket arrived = {
    .view = &view,
    .extended_seq = packet->seq,
    .is_red = packet->is_red,
    .has_level = packet->has_level,
    .level_dbov = packet->level_dbov,
    .voice = packet->level_dbov > -45,
  };
  return mxr_uplink_push (chain->uplink, &arrived, now_us);
}

#endif
