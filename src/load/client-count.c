/* What a client has counted, and how it is added up. */

#include "client-private.h"

/* A frame rate of a shorter time says nothing. */
#define RATE_MIN_US G_USEC_PER_SEC

/* Who has asked so lately need not have got anything. */
#define FRESH_US (3 * G_USEC_PER_SEC)

static void
read_receiver (const MxrMedia *media, MxrRtpReceiverStats *out_stats)
{
  *out_stats = (MxrRtpReceiverStats){ 0 };
  if (media->receiver != NULL)
    mxr_rtp_receiver_get_stats (media->receiver, out_stats);
}

static void
read_sender (const MxrMedia *media, MxrRtpSenderStats *out_stats)
{
  *out_stats = (MxrRtpSenderStats){ 0 };
  if (media->sender != NULL)
    mxr_rtp_sender_get_stats (media->sender, out_stats);
}

void
mxr_client_begin (gpointer data, gpointer unused)
{
  MxrClient *client = data;
  MxrRtpSenderStats sent;

  for (guint i = 0; i < MXR_LOAD_N_KINDS; i++) {
    MxrMedia *media = &client->media[i];
    MxrRtpReceiverStats received;
    read_receiver (media, &received);
    media->lost_before = received.lost;
    media->repaired_before = (gint64) received.rtx_packets;
    mxr_watch_begin (&media->watch);
  }
  read_sender (&client->media[MXR_RTP_VIDEO], &sent);
  client->answered_before = sent.rtx_packets;
  client->unanswered_before = sent.nacks_unanswered;
  client->plis_before = sent.plis_received + sent.firs_received;
  client->up_packets = client->up_bytes = client->up_dropped = 0;
  client->begin_us = g_get_monotonic_time ();
  if (client->sound_check != NULL)
    mxr_sound_check_begin (client->sound_check);
  if (client->picture_check != NULL)
    mxr_picture_check_begin (client->picture_check);
}

void
mxr_client_add_traffic (gpointer data, gpointer user_data)
{
  const MxrClient *client = data;
  MxrTally *tally = user_data;

  tally->n_clients++;
  tally->n_connected += client->connected_us != 0;
  tally->up_packets += client->up_packets;
  tally->up_bytes += client->up_bytes;
  for (guint i = 0; i < MXR_LOAD_N_KINDS; i++) {
    const MxrWatch *watch = &client->media[i].watch;
    tally->down_packets += watch->packets;
    tally->down_bytes += watch->bytes;
    tally->down_samples += watch->n_samples;
  }
  tally->freezes += client->media[MXR_RTP_VIDEO].watch.freezes;
}

static void
add_first (MxrTally *tally, const MxrClient *client, MxrRtpKind kind)
{
  const MxrWatch *watch = &client->media[kind].watch;
  const gint64 first_us = kind == MXR_RTP_AUDIO ? watch->first_us : watch->first_keyframe_us;
  if (first_us != 0)
    mxr_samples_add (&tally->first_ms[kind], (double) (first_us - client->asked_us) / 1000);
}

static void
add_media (MxrTally *tally, MxrClient *client, MxrMedia *media, gint64 now_us)
{
  MxrRtpReceiverStats received;
  MxrWatch *watch = &media->watch;

  read_receiver (media, &received);
  tally->down_lost += (guint64) MAX (received.lost - media->lost_before, 0);
  tally->down_repaired += received.rtx_packets - (guint64) media->repaired_before;
  if (!client->plan.expects[media->kind] || now_us - client->asked_us < FRESH_US)
    return;
  tally->n_media[media->kind]++;
  tally->n_without[media->kind] += watch->packets == 0;
  add_first (tally, client, media->kind);
  mxr_watch_end (watch, now_us);
  tally->longest_gap_us[media->kind] = MAX (tally->longest_gap_us[media->kind], watch->longest_gap_us);
}

static void
add_sound_findings (MxrTally *tally, const MxrSoundFindings *findings)
{
  tally->n_listened++;
  tally->n_windows += findings->n_windows;
  tally->n_silent_windows += findings->n_silent;
  tally->least_heard = MIN (tally->least_heard, findings->least_heard);
  mxr_samples_add_all (&tally->own_db, &findings->own_db);
  mxr_samples_add_all (&tally->sound_ms, &findings->delays_ms);
}

static void
add_picture_findings (MxrTally *tally, MxrPictureCheck *check)
{
  MxrPictureFindings findings;

  mxr_picture_check_take (check, &findings);
  tally->n_looked++;
  tally->n_decoded += findings.n_frames;
  mxr_samples_add_all (&tally->picture_ms, &findings.delays_ms);
  mxr_samples_clear (&findings.delays_ms);
}

void
mxr_client_add_all (gpointer data, gpointer user_data)
{
  MxrClient *client = data;
  MxrTally *tally = user_data;
  const gint64 now_us = g_get_monotonic_time ();
  const MxrWatch *picture = &client->media[MXR_RTP_VIDEO].watch;
  MxrRtpSenderStats sent;

  for (guint i = 0; i < MXR_LOAD_N_KINDS; i++)
    add_media (tally, client, &client->media[i], now_us);
  mxr_client_add_traffic (client, tally);
  read_sender (&client->media[MXR_RTP_VIDEO], &sent);
  tally->nacks_answered += sent.rtx_packets - client->answered_before;
  tally->nacks_unanswered += sent.nacks_unanswered - client->unanswered_before;
  tally->keyframes_asked += sent.plis_received + sent.firs_received - client->plis_before;
  tally->up_dropped += client->up_dropped;
  tally->frames += picture->frames;
  tally->keyframes += picture->keyframes;
  if (client->connected_us != 0)
    mxr_samples_add (&tally->connect_ms, (double) (client->connected_us - client->asked_us) / 1000);
  const gint64 shown_us = now_us - MAX (client->begin_us, picture->first_keyframe_us);
  if (picture->first_keyframe_us != 0 && shown_us > RATE_MIN_US)
    mxr_samples_add (&tally->frame_rate, (double) picture->frames * G_USEC_PER_SEC / (double) shown_us);
  if (client->sound_check != NULL)
    add_sound_findings (tally, mxr_sound_check_get_findings (client->sound_check));
  if (client->picture_check != NULL)
    add_picture_findings (tally, client->picture_check);
}
