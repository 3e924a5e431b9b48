#ifndef MIXROOM_BASE_H
#define MIXROOM_BASE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <glib.h>
#include <gio/gio.h>

G_BEGIN_DECLS

/* What every module stands on: configuration, log, the two hand-offs between threads, a token bucket, a histogram of delays. */

/* ---- Configuration ------------------------------------------------------------------------------------ */

/**
 * MxrConfig:
 *
 * Every key of `conf/mixroom.conf`, already checked and defaulted; the file is the reference for meanings.
 * Strings are never %NULL; an empty one means "not set". Read-only after start, so any thread may read it.
 */
typedef struct _MxrConfig MxrConfig;
struct _MxrConfig {
  struct {
    char *listen;          /* ADDRESS:PORT */
    char *tls_certificate; /* PEM file */
    char *tls_key;         /* PEM file */
    char *web_root;
    char *token_secret;
    char *allowed_origins; /* comma separated; "*" allows all */
    bool open_rooms;
    guint drain_timeout_s;
  } server;
  struct {
    guint max_connections;
    guint max_connections_per_address;
    guint request_deadline_s;
    guint idle_timeout_s;
    guint max_body_bytes;
    guint max_message_bytes;
    guint messages_per_second;
    guint joins_per_minute; /* per address */
    guint ping_interval_s;
    guint ping_timeout_s;
  } http;
  struct {
    char *stun_server;        /* HOST:PORT */
    char *turn_server;        /* HOST:PORT */
    char *turn_username;
    char *turn_password;
    char *turn_secret;        /* shared with the TURN server, which takes credentials that are signed with it */
    guint turn_ttl_s;         /* how long these hold */
    char *client_ice_servers; /* comma separated URLs handed to clients; turn: ones carry a login */
    char *local_addresses;    /* comma separated; empty: all but loopback */
    char *public_address;     /* 1:1 NAT: advertised in place of the local address */
    guint udp_port_min;
    guint udp_port_max;
    bool tcp;
    bool ipv6;
    bool allow_loopback;
    guint consent_timeout_s;
    guint silence_timeout_ms;
  } ice;
  struct {
    guint net_threads; /* 0: one per core */
    char *pipeline_dir;
    char *video_codec; /* preferred: VP8 or H264 */
    char *vp8_encoder; /* names of fragments */
    char *h264_encoder;
    char *opus_encoder;
    char *vp8_decoder;
    char *h264_decoder;
    char *opus_decoder;
    guint jitter_ms;
    guint video_bitrate_bps;
    char *ladder;             /* rungs below the full picture: HEIGHTpFRAMERATE@BITRATE, comma separated, best first */
    guint slide_interval_s;   /* of the slide show below the last rung; 0: none */
    guint start_bitrate_bps;  /* what a new connection is believed to carry */
    guint audio_bitrate_bps;
    guint audio_channels;
    guint audience_ptime_ms;
    guint keyframe_interval_ms;
  } media;
  struct {
    guint max_rooms;
    guint max_participants; /* per room */
    guint grid_max;
    guint max_speakers;
    guint speaker_hold_ms;
    guint width_px;
    guint height_px;
    guint framerate;
    guint resume_timeout_s;
    guint chat_history;
    bool labels;
    bool direct_calls;
  } room;
  struct {
    char *recordings_directory; /* empty: nothing is recorded */
    char *hls_directory;        /* empty: there is no HLS */
    bool push;                  /* outputs may go to RTMP and SRT servers */
    char *picture_encoder;      /* names of fragments */
    char *sound_encoder;
    char *opus_sound_encoder;
    guint picture_bitrate_bps; /* 0: as many a pixel as the room's picture has */
    guint sound_bitrate_bps;
    guint programme_width_px;
    guint programme_height_px;
    guint programme_framerate;
    char *images_directory; /* of logos and backgrounds; empty: there are none */
    guint loudness;         /* EBU R 128, LUFS below full scale; 0: as it is */
    guint hls_keep_s;       /* segments of HLS that ended are deleted after so long; 0: never */
  } programme;
  struct {
    char *database;       /* empty: library.sqlite in the recordings' directory */
    guint max_age_days;   /* recordings are deleted after so long; 0: never */
    guint max_total_mib;  /* the oldest are deleted beyond it; 0: never */
    guint upload_max_mib; /* 0: nothing may be uploaded */
  } library;
  struct {
    bool files;          /* recordings and uploads may be played into rooms */
    bool urls;           /* and http, https and rtsp addresses */
    char *allowed_hosts; /* only of these; empty: of any */
    bool private_addresses; /* of private, loopback and link-local addresses, too */
    guint max_per_room;
  } players;
  struct {
    char *webhook_urls;   /* comma separated; empty: nobody is told. Secret: they may hold logins */
    char *webhook_secret; /* for signatures: text, or whsec_ and base64 */
  } webhooks;
  struct {
    char *level;  /* error, warning, info, debug */
    char *format; /* text or json */
  } log;
};

#define MXR_CONFIG_ERROR (mxr_config_error_quark ())
GQuark mxr_config_error_quark (void);

typedef enum {
  MXR_CONFIG_ERROR_UNKNOWN_KEY,
  MXR_CONFIG_ERROR_BAD_VALUE,
  MXR_CONFIG_ERROR_CONFLICT, /* each key is well-formed, together they make no sense or are not safe */
} MxrConfigError;

/**
 * mxr_config_new:
 *
 * Returns: (transfer full): a configuration of defaults; free with mxr_config_free().
 */
MxrConfig *mxr_config_new (void);
void mxr_config_free (MxrConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrConfig, mxr_config_free)

/**
 * mxr_config_load_file:
 * @path: a key file with the groups and keys of conf/mixroom.conf
 *
 * Sets the keys that the file has; the others stay. Errors name the file, the key and what is allowed.
 */
bool mxr_config_load_file (MxrConfig *config, const char *path, GError **error);

/**
 * mxr_config_set:
 * @assignment: `group.key=value`, or `key=value` where only one group has such a key
 */
bool mxr_config_set (MxrConfig *config, const char *assignment, GError **error);

/**
 * mxr_config_check:
 *
 * What no single key can tell: ranges that cross, half a certificate, an open server without `open_rooms`.
 */
bool mxr_config_check (const MxrConfig *config, GError **error);

/* One of `media.ladder`. */
typedef struct {
  guint height_px, framerate, bitrate_bps;
} MxrLadderRung;

/**
 * mxr_ladder_parse:
 * @ladder: as `media.ladder`
 * @out_rungs: (out): room for %MXR_LADDER_RUNGS_MAX; best first, each with less bits than the one before
 *
 * Errors: BAD_VALUE, with what is wrong in which rung; never for what passed mxr_config_check().
 */
bool mxr_ladder_parse (const char *ladder, MxrLadderRung *out_rungs, guint *out_n_rungs, GError **error);

/**
 * mxr_config_describe:
 *
 * Returns: (transfer full): all keys with their values as a key file, secrets blanked out.
 */
char *mxr_config_describe (const MxrConfig *config);

/* ---- Log ---------------------------------------------------------------------------------------------- */

typedef enum { MXR_LOG_ERROR, MXR_LOG_WARNING, MXR_LOG_INFO, MXR_LOG_DEBUG } MxrLogLevel;

/**
 * mxr_log_init:
 * @level: least important level that is written: error, warning, info or debug
 * @as_json: one JSON object per line, in place of text
 *
 * GLib's and the libraries' own messages go through the same writer. Thread: main, once, before any other.
 */
void mxr_log_init (const char *level, bool as_json);

/**
 * mxr_log:
 * @module: name of the module that decided
 * @room: (nullable): room's name
 * @participant: (nullable): participant's id
 *
 * Writes one line with its fields. Never with a lock held, never keys, ICE passwords or tokens. Thread: any.
 */
void mxr_log (MxrLogLevel level, const char *module, const char *room, const char *participant, const char *format,
              ...) G_GNUC_PRINTF (5, 6);

#define mxr_debug(module, ...) mxr_log (MXR_LOG_DEBUG, module, NULL, NULL, __VA_ARGS__)
#define mxr_info(module, ...) mxr_log (MXR_LOG_INFO, module, NULL, NULL, __VA_ARGS__)
#define mxr_warning(module, ...) mxr_log (MXR_LOG_WARNING, module, NULL, NULL, __VA_ARGS__)

/* ---- Random text -------------------------------------------------------------------------------------- */

/* ---- TURN ------------------------------------------------------------------------------------------------ */

typedef struct {
  char *username, *password;
} MxrTurnLogin;

/**
 * mxr_turn_login_init:
 * @login: (out): clear with mxr_turn_login_clear()
 * @user: whom it is for; what a TURN server's quota for each user counts by. No colon
 * @now_s: Unix time
 *
 * `ice.turn_username` and `ice.turn_password`; with `ice.turn_secret` instead credentials of its own for @user, which hold for
 * `ice.turn_ttl_s`: "EXPIRY:USER", and its HMAC-SHA1 in base64.
 *
 * Thread: any. Source: draft-uberti-behave-turn-rest-00 2.2, as coturn's use-auth-secret checks it.
 */
void mxr_turn_login_init (MxrTurnLogin *login, const MxrConfig *config, const char *user, gint64 now_s);
void mxr_turn_login_clear (MxrTurnLogin *login);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MxrTurnLogin, mxr_turn_login_clear)

/**
 * mxr_random_text:
 * @n_bytes: of randomness; a multiple of 3, 48 at most. 18 make a secret that nobody guesses
 *
 * Returns: (transfer full): bytes of the system's random source as base64url without padding (RFC 4648 5). Ends the
 * process when there is no such source. Thread: any.
 */
char *mxr_random_text (guint n_bytes);

/**
 * mxr_program_find:
 * @name: of a program of ours
 * @folder: that the build makes it in, below that of the server
 * @others: (array zero-terminated=1): paths where it may be too
 *
 * Looks beside this program first, so that a server that was built or unpacked anywhere starts what was made with it, and not
 * what another version has installed.
 *
 * Returns: (transfer full) (nullable). Thread: any.
 */
char *mxr_program_find (const char *name, const char *folder, const char *const *others);

/* ---- Token bucket ------------------------------------------------------------------------------------- */

/**
 * MxrBucket:
 *
 * A token bucket; time is an argument. A zeroed one is full at its first use. The caller serialises.
 */
typedef struct _MxrBucket {
  double tokens;
  gint64 last_us;
} MxrBucket;

/**
 * mxr_bucket_take:
 * @per_second: tokens that come back in a second
 * @burst: most tokens the bucket holds
 * @now_us: monotonic
 *
 * Returns: whether a token was there; it is taken then.
 */
bool mxr_bucket_take (MxrBucket *bucket, double per_second, double burst, gint64 now_us);

/**
 * mxr_log_allowed:
 *
 * For whatever a client can trigger: lets 5 lines through, then one a second. Thread: the caller serialises.
 */
static inline bool
mxr_log_allowed (MxrBucket *bucket)
{
  return mxr_bucket_take (bucket, 1, 5, g_get_monotonic_time ());
}

/* ---- Delay: how long a stage keeps what passes through it ---------------------------------------------- */

#define MXR_DELAY_N_BUCKETS 14

/**
 * MxrDelay:
 *
 * A histogram of one stage's delay. A zeroed one is empty. Lock-free; kept inside what has the stage.
 */
typedef struct _MxrDelay {
  atomic_uint_fast64_t counts[MXR_DELAY_N_BUCKETS];
  atomic_int_fast64_t sum_us;
} MxrDelay;

/** MxrDelayCounts: One reading; readings may be added. */
typedef struct _MxrDelayCounts {
  guint64 counts[MXR_DELAY_N_BUCKETS];
  guint64 n;
  gint64 sum_us;
} MxrDelayCounts;

/** mxr_delay_get_bound_us: Returns: the largest delay that bucket counts; G_MAXINT64 for the last. */
gint64 mxr_delay_get_bound_us (guint bucket);

/** mxr_delay_note: A negative delay counts as none. Cost: two atomic additions; runs per packet. Thread: any. */
void mxr_delay_note (MxrDelay *delay, gint64 delay_us);
/** mxr_delay_read: Not one instant's: what is noted meanwhile may be in the counts and not yet in the sum. Thread: any. */
void mxr_delay_read (const MxrDelay *delay, MxrDelayCounts *out_counts);
void mxr_delay_counts_add (MxrDelayCounts *sum, const MxrDelayCounts *counts);
/** mxr_delay_counts_quantile_us: @quantile: [0..1]. Returns: interpolated within its bucket; 0 when there are none. */
gint64 mxr_delay_counts_quantile_us (const MxrDelayCounts *counts, double quantile);

/* ---- Mailbox: a hand-off to the thread of a main context ---------------------------------------------- */

/**
 * MxrMailbox:
 *
 * A bounded queue of calls to be made in the thread that runs a #GMainContext. Calls are made in the order of
 * their posting. A call is never lost silently: mxr_mailbox_post() says when the bound is reached.
 */
typedef struct _MxrMailbox MxrMailbox;

typedef void (*MxrMailboxFunc) (gpointer data);

/**
 * mxr_mailbox_new:
 * @context: (nullable): whose thread makes the calls; %NULL is the default context
 * @name: (transfer none): of the source, for debugging
 * @capacity: calls that may wait
 */
MxrMailbox *mxr_mailbox_new (GMainContext *context, const char *name, guint capacity);
MxrMailbox *mxr_mailbox_ref (MxrMailbox *mailbox);
void mxr_mailbox_unref (MxrMailbox *mailbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrMailbox, mxr_mailbox_unref)

/**
 * mxr_mailbox_post:
 * @func: called in the mailbox's thread with @data
 * @destroy: (nullable): frees @data after the call, or when the call is not made
 *
 * Thread: any. Errors: false, and @data destroyed, when the mailbox is full or closed.
 */
bool mxr_mailbox_post (MxrMailbox *mailbox, MxrMailboxFunc func, gpointer data, GDestroyNotify destroy);

/**
 * mxr_mailbox_close:
 *
 * Destroys what waits and refuses what comes. Thread: the mailbox's own, or after its loop has ended.
 */
void mxr_mailbox_close (MxrMailbox *mailbox);

/* ---- Ring: packets from one thread to one other -------------------------------------------------------- */

/**
 * MxrRing:
 *
 * A lock-free ring of pointers with one producer and one consumer. Full means the newest is refused; the caller
 * counts and frees it.
 */
typedef struct _MxrRing MxrRing;

/**
 * mxr_ring_new:
 * @capacity: a power of two
 * @destroy: (nullable): frees what is still inside when the ring is freed
 */
MxrRing *mxr_ring_new (guint capacity, GDestroyNotify destroy);
void mxr_ring_free (MxrRing *ring);

/** mxr_ring_push: Thread: the producer. Returns: false when full; @item stays the caller's. */
bool mxr_ring_push (MxrRing *ring, gpointer item);
/** mxr_ring_pop: Thread: the consumer. Returns: (transfer full) (nullable): the oldest. */
gpointer mxr_ring_pop (MxrRing *ring);

G_END_DECLS

#endif
