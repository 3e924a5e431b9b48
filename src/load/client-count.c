/* What a client has counted, and how it is added up. */

#include "client-private.h"

#include "tone.h"

/* A frame rate of a shorter time says nothing. */
#define RATE_MIN_US G_USEC_PER_SEC

/* The beginning and the end of the time fall between packets, and a network spreads them. */
#define EDGES_US (100 * 1000)

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
  client->own_clicks = 0;
  client->clicks_before = mxr_marks_count (&client->plan.room->clicks);
  client->begin_us = g_get_monotonic_time ();
  if (client->sound_check != NULL)
    mxr_sound_check_begin (client->sound_check);
  if (client->picture_check != NULL)
    mxr_picture_check_begin (client->picture_check);
}

/* ---- Counts --------------------------------------------------------------------------------------------------- */

static void
add_flow (MxrTally *tally, const MxrClient *client)
{
  const MxrWatch *picture = &client->media[MXR_RTP_VIDEO].watch;

  tally->up_packets += client->up_packets;
  tally->up_bytes += client->up_bytes;
  tally->up_dropped += client->up_dropped;
  for (guint i = 0; i < MXR_LOAD_N_KINDS; i++) {
    const MxrWatch *watch = &client->media[i].watch;
    tally->down_packets += watch->packets;
    tally->down_bytes += watch->bytes;
    tally->down_samples += watch->n_samples;
  }
  tally->frames += picture->frames;
  tally->keyframes += picture->keyframes;
  tally->freezes += picture->freezes;
}

static void
add_repairs (MxrTally *tally, const MxrClient *client)
{
  MxrRtpSenderStats sent;

  for (guint i = 0; i < MXR_LOAD_N_KINDS; i++) {
    const MxrMedia *media = &client->media[i];
    MxrRtpReceiverStats received;
    read_receiver (media, &received);
    tally->down_lost += (guint64) MAX (received.lost - media->lost_before, 0);
    tally->down_repaired += received.rtx_packets - (guint64) media->repaired_before;
  }
  read_sender (&client->media[MXR_RTP_VIDEO], &sent);
  tally->nacks_answered += sent.rtx_packets - client->answered_before;
  tally->nacks_unanswered += sent.nacks_unanswered - client->unanswered_before;
  tally->keyframes_asked += sent.plis_received + sent.firs_received - client->plis_before;
}

void
mxr_client_add_traffic (gpointer data, gpointer user_data)
{
  const MxrClient *client = data;
  MxrTally *tally = user_data;

  tally->n_clients++;
  tally->n_connected += client->connected_us != 0;
  add_flow (tally, client);
}

void
mxr_client_add_gone (MxrClient *client)
{
  add_flow (&client->thread->gone, client);
  add_repairs (&client->thread->gone, client);
}

/* ---- What should have come ------------------------------------------------------------------------------------ */

static void
add_first (MxrTally *tally, const MxrClient *client, MxrRtpKind kind)
{
  const MxrWatch *watch = &client->media[kind].watch;
  const gint64 first_us = kind == MXR_RTP_AUDIO ? watch->first_us : watch->first_keyframe_us;
  if (first_us != 0)
    mxr_samples_add (&tally->first_ms[kind], (double) (first_us - client->asked_us) / 1000);
}

/* Frames without a first key frame show nothing. */
static bool
has_come (const MxrMedia *media)
{
  return media->watch.packets > 0 && (media->kind == MXR_RTP_AUDIO || media->watch.first_keyframe_us != 0);
}

static void
add_media (MxrTally *tally, MxrClient *client, MxrMedia *media, gint64 now_us)
{
  MxrWatch *watch = &media->watch;

  if (!client->plan.part.expects[media->kind])
    return;
  tally->n_expected[media->kind]++;
  if (client->asked_us == 0 || now_us - client->asked_us < FRESH_US)
    return;
  tally->n_media[media->kind]++;
  tally->n_without[media->kind] += !has_come (media);
  add_first (tally, client, media->kind);
  mxr_watch_end (watch, now_us);
  tally->longest_gap_us[media->kind] = MAX (tally->longest_gap_us[media->kind], watch->longest_gap_us);
}

static void
add_cadence (MxrTally *tally, const MxrClient *client, gint64 now_us)
{
  const MxrWatch *sound = &client->media[MXR_RTP_AUDIO].watch, *picture = &client->media[MXR_RTP_VIDEO].watch;
  const gint64 sound_us = now_us - MAX (client->begin_us, sound->first_us);
  const gint64 picture_us = now_us - MAX (client->begin_us, picture->first_keyframe_us);

  if (client->plan.part.expects[MXR_RTP_AUDIO] && sound->first_us != 0 && sound_us >= RATE_MIN_US)
    mxr_samples_add (&tally->sound_share, (double) sound->n_samples / MXR_SOUND_RATE_HZ * G_USEC_PER_SEC /
                                            (double) (sound_us - EDGES_US));
  if (picture->first_keyframe_us != 0 && picture_us > RATE_MIN_US)
    mxr_samples_add (&tally->frame_rate, (double) picture->frames * G_USEC_PER_SEC / (double) picture_us);
}

/* ---- What was found ------------------------------------------------------------------------------------------- */

/* Who heard too little to tell is no less to blame than who heard too few: nothing that could be decoded came. */
static void
compare_tones (MxrTally *tally, const MxrClient *client, const MxrSoundFindings *findings, gint64 now_us)
{
  const guint n_others = client->plan.part.n_others;
  const gint64 n_possible = (now_us - MAX (client->begin_us, client->connected_us)) / MXR_SOUND_WINDOW_US;

  if (n_others == 0)
    return;
  tally->n_compared++;
  tally->n_with_own += client->plan.own_tone >= 0;
  tally->n_undecided += findings->n_windows < n_possible / 2;
  tally->least_heard = MIN (tally->least_heard, findings->least_heard);
  if (findings->n_windows > 0)
    tally->most_short = MAX (tally->most_short, (double) findings->n_short / findings->n_windows);
  if (findings->least_heard < n_others)
    tally->most_missed = MAX (tally->most_missed, n_others - findings->least_heard);
}

/* The last that was sent may be on its way. */
static void
compare_clicks (MxrTally *tally, const MxrClient *client, const MxrSoundFindings *findings)
{
  const guint64 n_sent = mxr_marks_count (&client->plan.room->clicks) - client->clicks_before - client->own_clicks;

  if (client->plan.hears_clicks && n_sent > 1)
    mxr_samples_add (&tally->clicks_share, (double) findings->delays_ms.n / (double) (n_sent - 1));
}

static void
add_sound_findings (MxrTally *tally, const MxrClient *client, gint64 now_us)
{
  const MxrSoundFindings *findings = mxr_sound_check_get_findings (client->sound_check);

  tally->n_listened++;
  tally->n_windows += findings->n_windows;
  mxr_samples_add_all (&tally->own_db, &findings->own_db);
  mxr_samples_add_all (&tally->sound_ms, &findings->delays_ms);
  if (client->begin_us == 0)
    return;
  compare_tones (tally, client, findings, now_us);
  compare_clicks (tally, client, findings);
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

  mxr_client_add_traffic (client, tally);
  add_repairs (tally, client);
  for (guint i = 0; i < MXR_LOAD_N_KINDS; i++)
    add_media (tally, client, &client->media[i], now_us);
  add_cadence (tally, client, now_us);
  if (client->connected_us != 0)
    mxr_samples_add (&tally->connect_ms, (double) (client->connected_us - client->asked_us) / 1000);
  if (client->sound_check != NULL)
    add_sound_findings (tally, client, now_us);
  if (client->picture_check != NULL)
    add_picture_findings (tally, client->picture_check);
}
