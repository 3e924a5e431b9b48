/* The server's half: starts the process, reads what it sends, and believes nothing of it. */

#include "mixroom/player.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "feed.h"
#include "launch.h"
#include "wire.h"

/* Until there is something to play; and then, while it plays, until more of it comes. */
#define PATIENCE_US (10 * G_TIME_SPAN_SECOND)
#define WATCH_MS 500
/* Messages: 80 a second, and more when it makes up for a time in which it got no CPU. */
#define MESSAGES_PER_SECOND 400
#define MESSAGES_BURST 4000
/* No film is longer, and sums with it do not overflow. */
#define TIME_MAX_MS (G_GINT64_CONSTANT (1000) * 86400 * 3650)

struct _MxrPlayer {
  gatomicrefcount refs; /* the owner, the reader, what waits for the end of the process, and calls on their way */
  MxrMailbox *control;
  MxrPlayerEvents events;
  gpointer user_data;
  int fd;
  MxrPlayerFeed feeds[MXR_PLAYER_N_STREAMS];
  MxrBucket messages; /* the reader's */

  /* Of the control thread. */
  GSubprocess *process; /* NULL: is no more */
  bool is_stopped;
  bool is_lost; /* it has closed its end, or does not keep to the wire */
  MxrPlayerInfo info;
  char *detail;
  gint64 told_us;      /* when the position was as in info */
  gint64 patient_us;   /* since when something is waited for, at the earliest */
  guint watch;
};

static MxrPlayer *
player_ref (MxrPlayer *player)
{
  g_atomic_ref_count_inc (&player->refs);
  return player;
}

static void
player_unref (MxrPlayer *player)
{
  if (!g_atomic_ref_count_dec (&player->refs))
    return;
  for (guint i = 0; i < MXR_PLAYER_N_STREAMS; i++)
    mxr_player_feed_clear (&player->feeds[i]);
  if (player->fd >= 0)
    close (player->fd);
  g_clear_object (&player->process);
  mxr_mailbox_unref (player->control);
  g_free (player->detail);
  g_free (player);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrPlayer, player_unref)

/* ---- States ----------------------------------------------------------------------------------------------------- */

const char *
mxr_player_state_to_string (MxrPlayerState state)
{
  static const char *const names[] = { "starting", "playing", "paused", "finished", "failed" };
  return names[state];
}

static bool
is_over (const MxrPlayer *player)
{
  return player->info.state == MXR_PLAYER_FINISHED || player->info.state == MXR_PLAYER_FAILED;
}

static void
kill_process (MxrPlayer *player)
{
  shutdown (player->fd, SHUT_RDWR); /* ends the reader */
  if (player->process != NULL)
    g_subprocess_force_exit (player->process);
}

/* The owner may stop it from within. */
static void
set_state (MxrPlayer *player, MxrPlayerState state, const char *detail)
{
  g_autoptr (MxrPlayer) self = player_ref (player);

  if (self->is_stopped || is_over (self) || self->info.state == state)
    return;
  self->info.state = state;
  self->patient_us = g_get_monotonic_time ();
  self->detail = g_strdup (detail);
  if (is_over (self))
    kill_process (self);
  if (self->events.on_changed != NULL)
    self->events.on_changed (self, self->user_data);
}

static void
send_command (MxrPlayer *player, MxrWireKind kind, gint64 a, const char *text)
{
  const MxrWireHeader header = { .kind = kind, .a = a, .n_bytes = text != NULL ? (guint32) strlen (text) : 0 };

  /* The process's end is told. One that has let thousands wait hangs. */
  if (!mxr_wire_send (player->fd, &header, text, false) && player->process != NULL)
    g_subprocess_force_exit (player->process);
}

/* ---- What the process says -------------------------------------------------------------------------------------- */

typedef struct {
  MxrPlayer *player;
  MxrWireHeader header;
  char *text;
} Word;

static void
word_free (gpointer data)
{
  Word *word = data;
  player_unref (word->player);
  g_free (word->text);
  g_free (word);
}

static void
on_ready (MxrPlayer *player, const MxrWireHeader *header)
{
  if (player->info.state != MXR_PLAYER_STARTING)
    return;
  player->info.streams[MXR_PLAYER_SOUND] = (header->b & MXR_WIRE_HAS_SOUND) != 0;
  player->info.streams[MXR_PLAYER_PICTURE] = (header->b & MXR_WIRE_HAS_PICTURE) != 0;
  player->info.is_seekable = (header->b & MXR_WIRE_CAN_SEEK) != 0;
  player->info.duration_ms = CLAMP (header->a, -1, TIME_MAX_MS);
  player->info.position_ms = 0;
  player->told_us = g_get_monotonic_time ();
  if (player->events.on_ready != NULL)
    player->events.on_ready (player, player->user_data);
  if (player->is_stopped)
    return;
  send_command (player, MXR_WIRE_PLAY, 0, NULL);
  set_state (player, MXR_PLAYER_PLAYING, NULL);
}

static void
on_status (MxrPlayer *player, const MxrWireHeader *header)
{
  if (header->a >= 0)
    player->info.position_ms = MIN (header->a, TIME_MAX_MS);
  if (header->b >= 0)
    player->info.duration_ms = MIN (header->b, TIME_MAX_MS);
  player->told_us = g_get_monotonic_time ();
}

/* The end of its process says why; one that has merely gone mad is ended. */
static void
on_lost (MxrPlayer *player)
{
  player->is_lost = true;
  if (player->process != NULL)
    g_subprocess_force_exit (player->process);
}

static void
on_word (gpointer data)
{
  const Word *word = data;
  g_autoptr (MxrPlayer) player = player_ref (word->player);

  if (player->is_stopped || is_over (player))
    return;
  if (word->header.kind == MXR_WIRE_READY)
    on_ready (player, &word->header);
  else if (word->header.kind == MXR_WIRE_STATUS)
    on_status (player, &word->header);
  else if (word->header.kind == MXR_WIRE_FINISHED)
    set_state (player, MXR_PLAYER_FINISHED, NULL);
  else if (word->header.kind == MXR_WIRE_FAILED)
    set_state (player, MXR_PLAYER_FAILED, word->text);
  else
    on_lost (player);
}

static void
post_word (MxrPlayer *player, const MxrWireHeader *header, char *text)
{
  Word *word = g_new (Word, 1);
  *word = (Word){ player_ref (player), *header, text };
  mxr_mailbox_post (player->control, on_word, word, word_free);
}

/* Returns: false: it ends, or does not keep to what was agreed. */
static bool
read_message (MxrPlayer *player)
{
  char text[MXR_WIRE_TEXT_MAX_BYTES + 1] = { 0 };
  MxrWireHeader header;

  if (!mxr_wire_read (player->fd, &header, sizeof header) || header.kind < MXR_WIRE_READY || header.kind >= MXR_WIRE_N_KINDS)
    return false;
  if (!mxr_bucket_take (&player->messages, MESSAGES_PER_SECOND, MESSAGES_BURST, g_get_monotonic_time ()))
    return false;
  if (header.kind == MXR_WIRE_SOUND || header.kind == MXR_WIRE_PICTURE) {
    MxrPlayerFeed *feed = &player->feeds[header.kind == MXR_WIRE_SOUND ? MXR_PLAYER_SOUND : MXR_PLAYER_PICTURE];
    return mxr_player_feed_check (&header) && mxr_player_feed_read (feed, &header, player->fd);
  }
  if (header.n_bytes > MXR_WIRE_TEXT_MAX_BYTES || !mxr_wire_read (player->fd, text, header.n_bytes))
    return false;
  post_word (player, &header, g_utf8_make_valid (text, -1));
  return true;
}

static gpointer
read_messages (gpointer data)
{
  g_autoptr (MxrPlayer) player = data;
  const MxrWireHeader lost = { .kind = MXR_WIRE_N_KINDS };

  while (read_message (player))
    ;
  post_word (player, &lost, NULL);
  return NULL;
}

static char *
explain_exit (GSubprocess *process, bool was_lost)
{
  bool is_signaled = g_subprocess_get_if_signaled (process);
  int signal = is_signaled ? g_subprocess_get_term_sig (process) : 0;

  if (was_lost && signal == SIGKILL)
    return g_strdup ("its process said what makes no sense, or was killed");
  if (is_signaled)
    return g_strdup_printf ("its process was ended by signal %d (%s)", signal, g_strsignal (signal));
  return g_strdup_printf ("its process ended with status %d", g_subprocess_get_exit_status (process));
}

static void
on_process_exit (GObject *process, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (MxrPlayer) player = user_data;

  g_subprocess_wait_finish (G_SUBPROCESS (process), result, NULL);
  g_autofree char *detail = explain_exit (G_SUBPROCESS (process), player->is_lost);
  g_clear_object (&player->process);
  set_state (player, MXR_PLAYER_FAILED, detail); /* unless it is over */
}

/* ---- Patience --------------------------------------------------------------------------------------------------- */

static gboolean
on_watch (gpointer user_data)
{
  MxrPlayer *player = user_data;
  gint64 last_us = player->patient_us;

  for (guint i = 0; i < MXR_PLAYER_N_STREAMS; i++)
    last_us = MAX (last_us, mxr_player_get_last_us (player, i));
  bool is_waiting = player->info.state == MXR_PLAYER_STARTING || player->info.state == MXR_PLAYER_PLAYING;
  if (is_waiting && g_get_monotonic_time () - last_us > PATIENCE_US)
    set_state (player, MXR_PLAYER_FAILED, "nothing has come from it for 10 seconds");
  return G_SOURCE_CONTINUE;
}

/* ---- Starting --------------------------------------------------------------------------------------------------- */

bool
mxr_player_check_url (const MxrConfig *config, const char *url, GError **error)
{
  return mxr_url_check (url, config->players.allowed_hosts, config->players.private_addresses, error);
}

static bool
check (const MxrConfig *config, const MxrPlayerSource *source, GError **error)
{
  if (source->is_file ? !config->players.files : !config->players.urls) {
    g_set_error (error, MXR_PLAYER_ERROR, MXR_PLAYER_ERROR_OFF, "the server plays no %s; its players.%s says so",
                 source->is_file ? "files" : "addresses", source->is_file ? "files" : "urls");
    return false;
  }
  if (!source->is_file)
    return mxr_player_check_url (config, source->location, error);
  if (g_path_is_absolute (source->location) && strlen (source->location) < MXR_WIRE_TEXT_MAX_BYTES &&
      g_file_test (source->location, G_FILE_TEST_IS_REGULAR))
    return true;
  g_set_error_literal (error, MXR_PLAYER_ERROR, MXR_PLAYER_ERROR_BAD_SOURCE, "the file is not there any more");
  return false;
}

static bool
start_process (MxrPlayer *player, GError **error)
{
  g_autoptr (GError) cause = NULL;
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    g_set_error (error, MXR_PLAYER_ERROR, MXR_PLAYER_ERROR_FAILED, "there are no sockets left: %s", g_strerror (errno));
    return false;
  }
  player->fd = fds[0];
  player->process = mxr_player_launch (fds[1], &cause);
  if (player->process != NULL)
    return true;
  g_set_error (error, MXR_PLAYER_ERROR, MXR_PLAYER_ERROR_FAILED, "the player's process does not start: %s", cause->message);
  return false;
}

MxrPlayer *
mxr_player_start (const MxrConfig *config, MxrMailbox *control, const MxrPlayerSource *source, const MxrPlayerEvents *events,
                  gpointer user_data, GError **error)
{
  if (!check (config, source, error))
    return NULL;
  g_autoptr (MxrPlayer) player = g_new0 (MxrPlayer, 1);
  g_atomic_ref_count_init (&player->refs);
  player->control = mxr_mailbox_ref (control);
  player->events = *events;
  player->user_data = user_data;
  player->fd = -1;
  player->info = (MxrPlayerInfo){ .loop = source->loop, .position_ms = -1, .duration_ms = -1 };
  player->patient_us = g_get_monotonic_time ();
  for (guint i = 0; i < MXR_PLAYER_N_STREAMS; i++)
    mxr_player_feed_init (&player->feeds[i]);
  if (!start_process (player, error))
    return NULL;
  if (!source->is_file)
    send_command (player, MXR_WIRE_ALLOW, config->players.private_addresses, config->players.allowed_hosts);
  send_command (player, source->is_file ? MXR_WIRE_OPEN_FILE : MXR_WIRE_OPEN_URL, source->loop, source->location);
  g_subprocess_wait_async (player->process, NULL, on_process_exit, player_ref (player));
  g_thread_unref (g_thread_new ("player", read_messages, player_ref (player)));
  player->watch = g_timeout_add (WATCH_MS, on_watch, player);
  return g_steal_pointer (&player);
}

void
mxr_player_stop (MxrPlayer *player)
{
  player->is_stopped = true;
  g_clear_handle_id (&player->watch, g_source_remove);
  kill_process (player);
  player_unref (player);
}

/* ---- Asking ----------------------------------------------------------------------------------------------------- */

GstElement *
mxr_player_get_bin (MxrPlayer *player, MxrPlayerStream stream)
{
  return player->feeds[stream].bin;
}

gint64
mxr_player_get_last_us (MxrPlayer *player, MxrPlayerStream stream)
{
  return __atomic_load_n (&player->feeds[stream].last_us, __ATOMIC_RELAXED);
}

gint
mxr_player_get_pid (MxrPlayer *player)
{
  const char *id = player->process != NULL ? g_subprocess_get_identifier (player->process) : NULL;
  return id != NULL ? (gint) g_ascii_strtoll (id, NULL, 10) : 0;
}

void
mxr_player_get_info (MxrPlayer *player, MxrPlayerInfo *out_info)
{
  *out_info = player->info;
  out_info->detail = player->detail;
  if (player->info.state == MXR_PLAYER_PLAYING && player->info.position_ms >= 0)
    out_info->position_ms += (g_get_monotonic_time () - player->told_us) / 1000;
  if (player->info.duration_ms >= 0)
    out_info->position_ms = MIN (out_info->position_ms, player->info.duration_ms);
}

static bool
check_state (const MxrPlayer *player, bool can, const char *why, GError **error)
{
  if (can && !is_over (player))
    return true;
  g_set_error_literal (error, MXR_PLAYER_ERROR, MXR_PLAYER_ERROR_WRONG_STATE, is_over (player) ? "it has ended" : why);
  return false;
}

bool
mxr_player_set_paused (MxrPlayer *player, bool paused, GError **error)
{
  if (!check_state (player, player->info.state != MXR_PLAYER_STARTING, "it has not begun yet", error))
    return false;
  MxrPlayerInfo now;
  mxr_player_get_info (player, &now);
  player->info.position_ms = now.position_ms;
  player->told_us = g_get_monotonic_time ();
  send_command (player, paused ? MXR_WIRE_PAUSE : MXR_WIRE_PLAY, 0, NULL);
  set_state (player, paused ? MXR_PLAYER_PAUSED : MXR_PLAYER_PLAYING, NULL);
  return true;
}

bool
mxr_player_seek (MxrPlayer *player, gint64 position_ms, GError **error)
{
  if (!check_state (player, player->info.is_seekable, "it cannot be played from anywhere else: it is live, or has not begun yet", error))
    return false;
  if (player->info.duration_ms >= 0 && position_ms > player->info.duration_ms)
    position_ms = player->info.duration_ms;
  send_command (player, MXR_WIRE_SEEK, position_ms, NULL);
  player->info.position_ms = position_ms;
  player->told_us = player->patient_us = g_get_monotonic_time ();
  return true;
}

bool
mxr_player_set_loop (MxrPlayer *player, bool loop, GError **error)
{
  if (!check_state (player, true, NULL, error))
    return false;
  player->info.loop = loop;
  send_command (player, MXR_WIRE_LOOP, loop, NULL);
  return true;
}
