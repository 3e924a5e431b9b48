#include "pacer.h"

/* Who was asleep for longer (a stopped process) goes on from now instead of sending all of it at once. */
#define LATE_MAX_US (500 * 1000)

typedef struct {
  MxrClip *clip;
  guint phase_us;
  guint first_frame;
  guint64 n_played; /* frames since the base, played or passed by */
  guint16 seq;
  GPtrArray *streams;
} Player;

struct _MxrPacer {
  GMainContext *context;
  GSource *timer;
  gint64 base_us;
  gint64 late_us;
  const MxrPacerEvents *events;
  GPtrArray *players;
  GPtrArray *clients;
  GPtrArray *packets; /* of the frame that is played */
  MxrHold *hold;
};

/* ---- Players -------------------------------------------------------------------------------------------------- */

static void
player_free (gpointer data)
{
  Player *player = data;
  mxr_clip_unref (player->clip);
  g_ptr_array_unref (player->streams);
  g_free (player);
}

static gint64
get_due_us (const MxrPacer *pacer, const Player *player)
{
  return pacer->base_us + player->phase_us + (gint64) ((double) player->n_played * player->clip->frame_us);
}

static guint32
get_timestamp (const MxrPacer *pacer, const Player *player)
{
  const guint rate_hz = player->clip->kind == MXR_RTP_AUDIO ? 48000 : 90000;
  const double since_us = player->phase_us + (double) player->n_played * player->clip->frame_us;
  return (guint32) (guint64) (since_us * rate_hz / G_USEC_PER_SEC);
}

static void
play_frame (MxrPacer *pacer, Player *player, gint64 now_us)
{
  const MxrClipFrame *frame = mxr_clip_get_frame (player->clip, player->first_frame + player->n_played);
  const guint32 timestamp = get_timestamp (pacer, player);

  for (guint i = 0; i < frame->n_packets; i++)
    g_ptr_array_add (pacer->packets,
                     mxr_clip_make_packet (player->clip, frame->first_packet + i, player->seq++, timestamp));
  for (guint i = 0; i < player->streams->len; i++)
    pacer->events->on_frame (player->streams->pdata[i], frame, (MxrRtpPacket *const *) pacer->packets->pdata,
                             pacer->packets->len, now_us);
  g_ptr_array_set_size (pacer->packets, 0);
}

static void
run_player (MxrPacer *pacer, Player *player, gint64 now_us)
{
  for (gint64 due_us; (due_us = get_due_us (pacer, player)) <= now_us; player->n_played++) {
    if (player->streams->len == 0 || now_us - due_us > LATE_MAX_US)
      continue;
    pacer->late_us = MAX (pacer->late_us, now_us - due_us);
    play_frame (pacer, player, now_us);
  }
}

/* ---- The tick ------------------------------------------------------------------------------------------------- */

static void
release_held (MxrPacer *pacer, gint64 now_us)
{
  MxrHeld held;
  while (mxr_hold_take (pacer->hold, now_us, &held))
    if (held.owner != NULL)
      pacer->events->on_held (held.owner, &held, now_us);
}

static void
set_next (MxrPacer *pacer, gint64 now_us)
{
  const gint64 since_us = now_us - pacer->base_us;
  const gint64 tick_us = pacer->base_us + (since_us / MXR_PACER_TICK_US + 1) * MXR_PACER_TICK_US;
  g_source_set_ready_time (pacer->timer, MIN (tick_us, mxr_hold_get_due_us (pacer->hold)));
}

static gboolean
on_tick (gpointer user_data)
{
  MxrPacer *pacer = user_data;
  const gint64 now_us = g_get_monotonic_time ();

  for (guint i = 0; i < pacer->players->len; i++)
    run_player (pacer, pacer->players->pdata[i], now_us);
  release_held (pacer, now_us);
  for (guint i = 0; i < pacer->clients->len; i++)
    pacer->events->on_tick (pacer->clients->pdata[i], now_us);
  if (pacer->clients->len > 0)
    set_next (pacer, now_us);
  else
    g_source_set_ready_time (pacer->timer, -1);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs timer_funcs = { .dispatch = dispatch };

/* ---- Life ----------------------------------------------------------------------------------------------------- */

MxrPacer *
mxr_pacer_new (MxrNetThread *thread, gint64 base_us, const MxrPacerEvents *events)
{
  MxrPacer *pacer = g_new0 (MxrPacer, 1);
  pacer->base_us = base_us;
  pacer->events = events;
  pacer->players = g_ptr_array_new_with_free_func (player_free);
  pacer->clients = g_ptr_array_new ();
  pacer->packets = g_ptr_array_new_with_free_func ((GDestroyNotify) mxr_rtp_packet_unref);
  pacer->hold = mxr_hold_new ();
  pacer->timer = g_source_new (&timer_funcs, sizeof (GSource));
  g_source_set_callback (pacer->timer, on_tick, pacer, NULL);
  g_source_set_static_name (pacer->timer, "pacer");
  g_source_attach (pacer->timer, mxr_net_thread_get_context (thread));
  return pacer;
}

void
mxr_pacer_free (MxrPacer *pacer)
{
  g_source_destroy (pacer->timer);
  g_source_unref (pacer->timer);
  g_ptr_array_unref (pacer->players);
  g_ptr_array_unref (pacer->clients);
  g_ptr_array_unref (pacer->packets);
  mxr_hold_free (pacer->hold);
  g_free (pacer);
}

/* ---- Clients -------------------------------------------------------------------------------------------------- */

void
mxr_pacer_add_client (MxrPacer *pacer, gpointer client)
{
  g_ptr_array_add (pacer->clients, client);
  g_source_set_ready_time (pacer->timer, 0);
}

void
mxr_pacer_remove_client (MxrPacer *pacer, gpointer client)
{
  g_ptr_array_remove_fast (pacer->clients, client);
}

void
mxr_pacer_for_each_client (MxrPacer *pacer, GFunc func, gpointer user_data)
{
  g_ptr_array_foreach (pacer->clients, func, user_data);
}

/* ---- Streams -------------------------------------------------------------------------------------------------- */

static Player *
find_player (MxrPacer *pacer, const MxrClip *clip, guint phase_us, guint first_frame)
{
  for (guint i = 0; i < pacer->players->len; i++) {
    Player *player = pacer->players->pdata[i];
    if (player->clip == clip && player->phase_us == phase_us && player->first_frame == first_frame)
      return player;
  }
  return NULL;
}

/* It begins with the frame that is due next. */
static Player *
new_player (MxrPacer *pacer, MxrClip *clip, guint phase_us, guint first_frame)
{
  Player *player = g_new0 (Player, 1);
  const gint64 since_us = g_get_monotonic_time () - pacer->base_us;

  player->clip = mxr_clip_ref (clip);
  player->phase_us = phase_us;
  player->first_frame = first_frame;
  player->n_played = (guint64) ((double) MAX (since_us, 0) / clip->frame_us);
  player->streams = g_ptr_array_new ();
  g_ptr_array_add (pacer->players, player);
  return player;
}

void
mxr_pacer_play (MxrPacer *pacer, MxrClip *clip, guint phase_us, guint first_frame, gpointer stream)
{
  Player *player = find_player (pacer, clip, phase_us, first_frame);

  if (player == NULL)
    player = new_player (pacer, clip, phase_us, first_frame);
  g_ptr_array_add (player->streams, stream);
}

void
mxr_pacer_stop (MxrPacer *pacer, gpointer stream)
{
  for (guint i = 0; i < pacer->players->len; i++)
    g_ptr_array_remove_fast (((Player *) pacer->players->pdata[i])->streams, stream);
  mxr_hold_forget (pacer->hold, stream);
}

bool
mxr_pacer_hold (MxrPacer *pacer, gpointer stream, gint64 due_us, const guint8 *data, gsize size, gint64 mark_us,
                guint mark_value)
{
  return mxr_hold_add (pacer->hold, stream, due_us, data, size, mark_us, mark_value);
}

gint64
mxr_pacer_get_late_us (MxrPacer *pacer)
{
  const gint64 late_us = pacer->late_us;
  pacer->late_us = 0;
  return late_us;
}
