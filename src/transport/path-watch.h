#ifndef MXR_PATH_WATCH_H
#define MXR_PATH_WATCH_H

#include "stun.h"
#include "udp-port.h"

/* Whether the peer is still where we send to. A NAT may give it another port in the middle of a call, and a peer may go on
 * over another of the paths it has checked; libnice sees neither. What authenticates and comes from elsewhere is a reason to
 * ask there, and no more: whoever sees the peer's packets can send them on from anywhere. Only an answer to a check of ours,
 * from there and signed by the peer, says that the peer is there.
 *
 *      IDLE -- heard elsewhere, validated --> LISTENING -- not heard on the path in use for so long --> ASKING
 *        ^------------------- heard on the path in use again ---------------------------------------------|
 *        ^------------------- answered: that is the path in use now, and is asked every 5 s --------------|
 *
 * Pure: time and transactions are arguments. */

/* How long the path in use must be silent while the other is heard. */
#define MXR_PATH_SILENCE_US (400 * 1000)
#define MXR_PATH_CHECK_INTERVAL_US (300 * 1000)
/* So many checks to unproven places in so long, whatever comes: 8 of about 120 bytes. They are gone: IDLE, until something comes
 * from there again. */
#define MXR_PATH_CHECKS_MAX 8
#define MXR_PATH_CHECKS_PERIOD_US (10 * G_USEC_PER_SEC)
/* A path that was found in this way is our own to keep: libnice keeps the one it knows. RFC 7675 5.1; the end as for
 * libnice's. */
#define MXR_PATH_KEEP_INTERVAL_US (5 * G_USEC_PER_SEC)
#define MXR_PATH_KEEP_TIMEOUT_US (50 * G_USEC_PER_SEC)

typedef struct {
  MxrUdpPort *port; /* ours; not owned */
  MxrUdpAddress remote;
} MxrPath;

bool mxr_path_equal (const MxrPath *a, const MxrPath *b);

typedef enum { MXR_PATH_IDLE, MXR_PATH_LISTENING, MXR_PATH_ASKING } MxrPathState;

typedef struct {
  MxrPathState state;
  MxrPath other;                                   /* unless IDLE */
  gint64 due_us;                                   /* mxr_path_watch_step() is; 0: never */
  guint8 transaction[MXR_STUN_TRANSACTION_BYTES];  /* while ASKING */
  gint64 period_us;                                /* when the budget was last full */
  guint n_checks;                                  /* since then */
  bool is_kept;                                    /* the path in use was found in this way */
  gint64 answered_us, keep_due_us;                 /* by the peer, last; the next check of it */
  guint8 keep_transaction[MXR_STUN_TRANSACTION_BYTES];
} MxrPathWatch;

/** mxr_path_watch_heard_here: something authentic came on the path in use. */
void mxr_path_watch_heard_here (MxrPathWatch *watch);
/** mxr_path_watch_heard_there: something authentic came from @path, which is not the one in use. */
void mxr_path_watch_heard_there (MxrPathWatch *watch, const MxrPath *path, gint64 now_us);

typedef enum { MXR_PATH_NOTHING, MXR_PATH_CHECK_OTHER, MXR_PATH_CHECK_KEPT, MXR_PATH_LOST } MxrPathStep;

/**
 * mxr_path_watch_step:
 * @transaction: unguessable and new
 *
 * When it is due. Returns: what to do now: a check to #MxrPathWatch.other with its transaction, one to the path in use with
 * #MxrPathWatch.keep_transaction, or nobody answers there any more (once).
 */
MxrPathStep mxr_path_watch_step (MxrPathWatch *watch, const guint8 *transaction, gint64 now_us);

/**
 * mxr_path_watch_answered:
 * @transaction: of an answer that the peer has signed
 * @from: where that came from and arrived
 *
 * Returns: whether the path in use is to be @from from now on.
 */
bool mxr_path_watch_answered (MxrPathWatch *watch, const guint8 *transaction, const MxrPath *from, gint64 now_us);

/** mxr_path_watch_reset: ICE has another pair, or begins anew: nothing is watched or kept. The budget stays. */
void mxr_path_watch_reset (MxrPathWatch *watch);

#endif
