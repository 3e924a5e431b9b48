/* What a client sends and what becomes of what it gets. Nothing is allocated here per packet. */

#include "client-private.h"

#include "packet.h"

/* As the server's own, for repairs of a picture. */
#define VIDEO_HISTORY_PACKETS 256

/* ---- Losing on purpose ---------------------------------------------------------------------------------------- */

static bool
is_dropped (const MxrClient *client)
{
  return client->env->loss > 0 && g_rand_double (client->thread->random) < client->env->loss;
}

/* ---- Out ------------------------------------------------------------------------------------------------------ */

static void
flush (MxrClient *client)
{
  MxrBatch *batch = &client->thread->batch;

  if (batch->n_packets > 0 && client->transport != NULL)
    mxr_transport_send_rtp_batch (client->transport, batch->packets, batch->n_packets);
  batch->n_packets = 0;
}

static void
add_to_batch (MxrClient *client, gsize size)
{
  MxrBatch *batch = &client->thread->batch;
  guint8 *bytes = batch->bytes[batch->n_packets];

  client->up_packets++;
  client->up_bytes += size;
  batch->packets[batch->n_packets++] = (MxrTransportPacket){ bytes, size, sizeof batch->bytes[0] };
  if (batch->n_packets == MXR_TRANSPORT_BATCH_MAX)
    flush (client);
}

static gint64
delay_by_jitter (MxrMedia *media, gint64 now_us)
{
  const MxrClientEnv *env = media->client->env;
  GRand *random = media->client->thread->random;
  gint64 due_us = now_us + g_rand_int_range (random, 0, (gint32) env->jitter_ms * 1000 + 1);

  if (env->keeps_order)
    due_us = MAX (due_us, media->last_due_us);
  media->last_due_us = due_us;
  return due_us;
}

/* Of sound only: every packet is one frame. */
static void
hold (MxrMedia *media, const guint8 *data, gsize size)
{
  MxrClient *client = media->client;
  const gint64 due_us = delay_by_jitter (media, g_get_monotonic_time ());
  const gint64 mark_us = client->frame != NULL ? client->frame->mark_us : MXR_CLIP_NO_MARK;
  const guint mark_value = client->frame != NULL ? client->frame->mark_value : 0;

  client->frame_is_dropped = true; /* for now: its mark goes along */
  mxr_pacer_hold (client->thread->pacer, media, due_us, data, size, mark_us, mark_value);
}

static guint8 *
on_reserve_rtp (MxrRtpSender *sender, gpointer user_data)
{
  MxrBatch *batch = &((MxrClient *) user_data)->thread->batch;
  return batch->bytes[batch->n_packets];
}

static void
on_send_rtp (MxrRtpSender *sender, guint8 *data, gsize size, gpointer user_data)
{
  MxrClient *client = user_data;
  MxrMedia *media = mxr_rtp_sender_get_user_data (sender);
  const MxrClipFrame *frame = client->frame;

  if (is_dropped (client)) {
    client->up_dropped++;
    client->frame_is_dropped = true;
    return;
  }
  if (media->audio_level_id != 0 && frame != NULL && size + MXR_LEVEL_MAX_BYTES <= MXR_PACKET_MAX_BYTES)
    size = mxr_packet_add_level (data, size, media->audio_level_id, frame->level_dbov, frame->is_voice);
  if (media->kind == MXR_RTP_AUDIO && client->env->jitter_ms > 0)
    hold (media, data, size);
  else
    add_to_batch (client, size);
}

static void
on_send_rtcp (MxrRtpSession *session, guint8 *data, gsize size, gpointer user_data)
{
  MxrClient *client = user_data;
  if (!is_dropped (client) && client->transport != NULL)
    mxr_transport_send_rtcp (client->transport, data, size, size + MXR_SRTP_TRAILER_BYTES);
}

static void
add_mark (const MxrMedia *media, gint64 mark_us, guint value)
{
  MxrClient *client = media->client;
  MxrLoadRoom *room = client->plan.room;

  client->own_clicks += media->kind == MXR_RTP_AUDIO;
  mxr_marks_add (media->kind == MXR_RTP_AUDIO ? &room->clicks : &room->flashes, g_get_monotonic_time () + mark_us, value,
                 client);
}

static void
on_frame (gpointer stream, const MxrClipFrame *frame, MxrRtpPacket *const *packets, guint n_packets, gint64 now_us)
{
  MxrMedia *media = stream;
  MxrClient *client = media->client;

  client->frame = frame;
  client->frame_is_dropped = n_packets == 0;
  for (guint i = 0; i < n_packets; i++)
    mxr_rtp_sender_send (media->sender, packets[i], client->plan.clips[media->kind], now_us);
  client->frame = NULL;
  if (frame->mark_us != MXR_CLIP_NO_MARK && !client->frame_is_dropped)
    add_mark (media, frame->mark_us, frame->mark_value);
  flush (client);
}

static void
on_held (gpointer stream, MxrHeld *held, gint64 now_us)
{
  MxrMedia *media = stream;
  MxrClient *client = media->client;

  client->up_packets++;
  client->up_bytes += held->size;
  if (held->mark_us != MXR_CLIP_NO_MARK)
    add_mark (media, held->mark_us, held->mark_value);
  mxr_transport_send_rtp (client->transport, held->data, held->size, held->size + MXR_HOLD_ROOM_BYTES);
}

static void
on_tick (gpointer user_data, gint64 now_us)
{
  MxrClient *client = user_data;

  if (client->connected_us != 0 && mxr_rtp_session_get_due_us (client->session) <= now_us)
    mxr_rtp_session_poll (client->session, now_us);
}

const MxrPacerEvents mxr_client_pacer_events = {
  .on_frame = on_frame,
  .on_held = on_held,
  .on_tick = on_tick,
};

/* ---- In ------------------------------------------------------------------------------------------------------- */

static void
on_receive_rtp (MxrRtpReceiver *receiver, const MxrRtpView *view, guint64 extended_seq, gint64 now_us,
                gpointer user_data)
{
  MxrClient *client = user_data;
  MxrMedia *media = mxr_rtp_receiver_get_user_data (receiver);
  const bool is_audio = media->kind == MXR_RTP_AUDIO;

  mxr_watch_note (&media->watch, is_audio ? MXR_CODEC_OPUS : client->env->codec, view, extended_seq, now_us);
  if (view->payload_bytes == 0)
    return;
  if (is_audio && client->sound_check != NULL)
    mxr_sound_check_feed (client->sound_check, view, extended_seq, now_us);
  if (!is_audio && client->picture_check != NULL &&
      !mxr_picture_check_feed (client->picture_check, view, extended_seq, now_us))
    mxr_rtp_session_request_keyframe (client->session, receiver, now_us);
}

void
mxr_client_receive_rtp (MxrClient *client, guint8 *data, gsize size, gint64 now_us)
{
  if (is_dropped (client))
    return;
  mxr_rtp_session_receive_rtp (client->session, data, size, now_us);
}

void
mxr_client_receive_rtcp (MxrClient *client, guint8 *data, gsize size, gint64 now_us)
{
  if (is_dropped (client))
    return;
  mxr_rtp_session_receive_rtcp (client->session, data, size, now_us);
  flush (client); /* repairs */
}

static const MxrRtpSessionEvents session_events = {
  .on_send_rtcp = on_send_rtcp,
  .on_reserve_rtp = on_reserve_rtp,
  .on_send_rtp = on_send_rtp,
  .on_receive_rtp = on_receive_rtp,
};

/* ---- Streams -------------------------------------------------------------------------------------------------- */

static guint
get_clock_rate (MxrRtpKind kind)
{
  return kind == MXR_RTP_AUDIO ? 48000 : 90000;
}

static void
add_receiver (MxrClient *client, MxrMedia *media, const MxrOfferedStream *stream)
{
  const MxrRtpReceiverConfig config = {
    .kind = media->kind,
    .mid = stream->mid,
    .payload_type = stream->payload_type,
    .clock_rate = get_clock_rate (media->kind),
    .rtx_payload_type = stream->rtx_payload_type,
    .ssrc = stream->ssrc,
    .rtx_ssrc = stream->rtx_ssrc,
    .mid_id = stream->mid_id,
    .transport_seq_id = stream->transport_seq_id,
    .nack = stream->nack,
    .pli = stream->pli,
    .transport_cc = stream->transport_cc,
    .user_data = media,
  };
  media->receiver = mxr_rtp_session_add_receiver (client->session, &config);
}

static void
add_sender (MxrClient *client, MxrMedia *media, const MxrOfferedStream *stream)
{
  const bool is_video = media->kind == MXR_RTP_VIDEO;
  const MxrRtpSenderConfig config = {
    .kind = media->kind,
    .ssrc = client->offer.ssrcs[media->kind],
    .payload_type = stream->payload_type,
    .clock_rate = get_clock_rate (media->kind),
    .rtx_ssrc = is_video ? client->offer.video_rtx_ssrc : 0,
    .rtx_payload_type = stream->rtx_payload_type,
    .mid = stream->mid,
    .mid_id = stream->mid_id,
    .transport_seq_id = stream->transport_seq_id,
    .history_packets = is_video ? VIDEO_HISTORY_PACKETS : 0,
    .initial_seq = (guint16) g_rand_int_range (client->thread->random, 1, 1 << 15),
    .timestamp_offset = g_rand_int (client->thread->random),
    .user_data = media,
  };
  media->sender = mxr_rtp_session_add_sender (client->session, &config);
  media->audio_level_id = is_video ? 0 : stream->audio_level_id;
}

void
mxr_client_add_streams (MxrClient *client, const MxrSdpOffer *answer)
{
  MxrAgreed agreed;
  mxr_offer_read_answer (answer, &client->offer, &agreed);
  const MxrRtpSessionConfig config = {
    .cname = client->cname,
    .ssrc = MAX (g_rand_int (client->thread->random), 1),
    .random_seed = (guint64) g_rand_int (client->thread->random) << 32 | g_rand_int (client->thread->random),
    .wall_offset_us = g_get_real_time () - g_get_monotonic_time (),
    .reduced_size = agreed.reduced_size,
  };

  client->session = mxr_rtp_session_new (&config, &session_events, client);
  for (guint i = 0; i < MXR_LOAD_N_KINDS; i++) {
    if (agreed.downlink[i].is_there)
      add_receiver (client, &client->media[i], &agreed.downlink[i]);
    if (agreed.uplink[i].is_there)
      add_sender (client, &client->media[i], &agreed.uplink[i]);
  }
}

void
mxr_client_begin_to_send (MxrClient *client)
{
  mxr_rtp_session_set_timeline (client->session, client->env->crew->base_us);
  for (guint i = 0; i < MXR_LOAD_N_KINDS; i++)
    if (client->media[i].sender != NULL)
      mxr_pacer_play (client->thread->pacer, client->plan.clips[i], client->plan.phase_us[i],
                      client->plan.first_frame[i], &client->media[i]);
}

void
mxr_client_end_streams (MxrClient *client)
{
  for (guint i = 0; i < MXR_LOAD_N_KINDS; i++)
    mxr_pacer_stop (client->thread->pacer, &client->media[i]);
  if (client->connected_us != 0)
    mxr_rtp_session_send_bye (client->session, g_get_monotonic_time ());
}
