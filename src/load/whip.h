#ifndef MXR_LOAD_WHIP_H
#define MXR_LOAD_WHIP_H

#include <stdbool.h>
#include <glib.h>

/* Joining and leaving over HTTP (RFC 9725). A few requests are under way at once, the others wait their turn; an
 * answer of 429 or 503 lets all wait for as long as its Retry-After says. Thread: main. */

typedef struct _MxrWhip MxrWhip;

#define MXR_WHIP_ERROR (mxr_whip_error_quark ())
GQuark mxr_whip_error_quark (void);

typedef enum {
  MXR_WHIP_ERROR_UNREACHABLE, /* nobody serves there: no other request will do better */
  MXR_WHIP_ERROR_REFUSED,     /* the server said no; the message says why, in its words */
  MXR_WHIP_ERROR_BUSY,        /* it said "later" too often */
} MxrWhipError;

/**
 * mxr_whip_new:
 * @base: http(s)://HOST:PORT
 * @token: (nullable): bearer token
 * @is_insecure: take any certificate
 */
MxrWhip *mxr_whip_new (const char *base, const char *token, bool is_insecure);
/** mxr_whip_free: Nothing may be under way: see mxr_whip_count(). */
void mxr_whip_free (MxrWhip *whip);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrWhip, mxr_whip_free)

/** mxr_whip_count: Returns: requests that wait or are under way. */
guint mxr_whip_count (const MxrWhip *whip);

typedef struct {
  const char *answer, *location; /* (nullable): SDP; for mxr_whip_leave() */
  gint64 sent_us;                /* monotonic: when the request that was answered left the queue; 0: none did */
} MxrWhipReply;

/* @error: (nullable): set when one who wanted to join may not, and when nobody answered. */
typedef void (*MxrWhipAnswered) (const MxrWhipReply *reply, const GError *error, gpointer user_data);

/** mxr_whip_join: @path: "whip/ROOM" or "whep/ROOM" with its query. @on_answered is called once, later. */
void mxr_whip_join (MxrWhip *whip, const char *path, const char *offer, MxrWhipAnswered on_answered, gpointer user_data);
/**
 * mxr_whip_leave:
 * @may_be_gone: 404 will do, too: the server may have dropped it
 * @on_answered: (nullable): called once, later; its reply is empty
 *
 * Goes before all joins that wait.
 */
void mxr_whip_leave (MxrWhip *whip, const char *location, bool may_be_gone, MxrWhipAnswered on_answered,
                     gpointer user_data);

/** mxr_whip_count_not_left: Returns: leavings that were not answered with 200. */
guint mxr_whip_count_not_left (const MxrWhip *whip);
/** mxr_whip_give_up: Joins that still wait are answered with %MXR_WHIP_ERROR_BUSY, from inside. */
void mxr_whip_give_up (MxrWhip *whip);

#endif
