/* What is changed about an encode of a sound for the sake of its listeners' connections: whether it has in-band FEC, and its bitrate.
 *
 * Opus has in each packet a coarse copy of the one before, when it is asked to: for listeners who lose packets and do not take
 * RED, which needs no other encode and is each downlink's own affair (rtp/red.c). All who share an encode pay for it, with
 * bits and with the server's time, so one of many is not enough for it. */

#include "room-private.h"

#define INTERVAL_US G_USEC_PER_SEC
/* What concealment hides well enough, and what ends it again. */
#define LOSS_ON 0.03
#define LOSS_OFF 0.01
/* Of ten, or of a handful. */
#define FEW_LISTENERS 5
#define SHARE 10
/* libopus leaves its music mode for it above 5 %, and gains little above 30 %. Steps, so that the encode stays as it is. */
#define PERCENT_MIN 10
#define PERCENT_MAX 30
#define PERCENT_STEP 5
/* In parts of what a sound takes: so narrow is a connection that there is no room for all of it, and so wide that there is. */
#define THIN_ON 1.1
#define THIN_OFF 1.5
/* Speech, of one channel [bit/s]. With the headers of 50 packets a second, feedback and what carries them it would be 50 kbit/s, of
 * which the speech is the least: so two frames go into a packet. */
#define THIN_BPS 12000
#define THIN_FRAMES_PER_PACKET 2

static int
compare (gconstpointer a, gconstpointer b)
{
  double left = *(const double *) a, right = *(const double *) b;
  return left < right ? -1 : left > right;
}

static guint
to_percent (double loss)
{
  guint steps = (guint) (loss * 100 / PERCENT_STEP) + 1;
  return CLAMP (steps * PERCENT_STEP, PERCENT_MIN, PERCENT_MAX);
}

guint
mxr_sound_choose_loss (double *losses, guint n_losses, guint n_listeners, guint percent)
{
  const double threshold = percent > 0 ? LOSS_OFF : LOSS_ON;
  guint n_lossy = 0;

  if (n_losses == 0) /* an empty array may be NULL, of which qsort() may not be told */
    return 0;
  qsort (losses, n_losses, sizeof *losses, compare);
  while (n_lossy < n_losses && losses[n_losses - 1 - n_lossy] > threshold)
    n_lossy++;
  bool is_enough = n_lossy > 0 && (n_listeners <= FEW_LISTENERS || n_lossy * SHARE >= n_listeners);
  return is_enough ? to_percent (losses[n_losses - 1 - n_lossy / 2]) : 0;
}

/* Returns: whether it listens to @sound alone; *@out_loss: what it loses; 0 when RED makes up for it. */
static bool
listens_to (MxrParticipant *participant, MxrRung *sound, double *out_loss)
{
  MxrPeerStats stats;

  if (sound == NULL || participant->hears != mxr_rung_get_fanout (sound) || participant->n_changes > 0)
    return false;
  mxr_peer_get_stats (participant->peer, &stats);
  *out_loss = stats.downlink[MXR_RTP_AUDIO].has_red ? 0 : stats.downlink[MXR_RTP_AUDIO].loss;
  return true;
}

bool
mxr_sound_is_thin (const MxrPeerBandwidth *bandwidth, guint sound_bps, bool was_thin)
{
  return bandwidth->is_measured && bandwidth->estimate_bps < (was_thin ? THIN_OFF : THIN_ON) * sound_bps;
}

static void
fit_own (MxrRoom *room, MxrParticipant *participant)
{
  const MxrConfig *config = room->hub->config;
  const guint full_bps = config->media.audio_bitrate_bps * config->media.audio_channels;
  const bool was_thin = mxr_rung_get_params (participant->own_sound)->bitrate_bps < full_bps;
  MxrPeerBandwidth bandwidth;

  mxr_peer_get_bandwidth (participant->peer, &bandwidth);
  const bool is_thin = mxr_sound_is_thin (&bandwidth, room->graph->views[MXR_VIEW_ROOM].levels.sound_bps, was_thin);
  mxr_rung_set_bitrate (participant->own_sound, is_thin ? MIN (THIN_BPS * config->media.audio_channels, full_bps) : full_bps);
  mxr_fanout_set_frames_per_packet (mxr_rung_get_fanout (participant->own_sound), is_thin ? THIN_FRAMES_PER_PACKET : 1);
}

/* Not on the way back: it is to become what the shared one is. */
static void
protect_own (MxrRoom *room, MxrParticipant *participant)
{
  double loss = 0;

  if (participant->shared_from_us != 0 || !listens_to (participant, participant->own_sound, &loss))
    return;
  fit_own (room, participant);
  mxr_rung_set_loss (participant->own_sound, mxr_sound_choose_loss (&loss, 1, 1, mxr_rung_get_loss (participant->own_sound)));
}

/* What many hear. */
static void
protect_common (MxrRoom *room, MxrRung *sound)
{
  g_autofree double *losses = g_new (double, room->participants->len);
  guint n_listeners = 0;

  for (guint i = 0; i < room->participants->len; i++)
    n_listeners += listens_to (room->participants->pdata[i], sound, &losses[n_listeners]);
  if (sound != NULL)
    mxr_rung_set_loss (sound, mxr_sound_choose_loss (losses, n_listeners, n_listeners, mxr_rung_get_loss (sound)));
}

void
mxr_sound_protect (MxrRoom *room, gint64 now_us)
{
  if (now_us < room->loss_due_us)
    return;
  room->loss_due_us = now_us + INTERVAL_US;
  for (guint i = 0; i < room->participants->len; i++)
    protect_own (room, room->participants->pdata[i]);
  protect_common (room, room->shared_sound);
  protect_common (room, room->programme_sound);
}
