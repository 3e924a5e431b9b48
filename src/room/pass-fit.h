#ifndef MXR_ROOM_PASS_FIT_H
#define MXR_ROOM_PASS_FIT_H

#include <glib.h>
#include <stdbool.h>

G_BEGIN_DECLS

/* Which participant's picture may be sent to others as it came: pure; figures and the time are arguments. */

/* How much somebody sends. A zeroed one: nothing is known. */
typedef struct {
  guint64 n_bytes; /* so far, at @packet_us */
  gint64 packet_us;
  guint64 bps;     /* %G_MAXUINT64: not known yet */
} MxrPassMeter;

/** mxr_pass_meter_update: @n_bytes: of the picture so far, repairs included; @packet_us: when the last of them came. May be called
 * as often as one likes. Returns: [bit/s]; %G_MAXUINT64: not known yet. */
guint64 mxr_pass_meter_update (MxrPassMeter *meter, guint64 n_bytes, gint64 packet_us);

/* What is sent. */
typedef struct {
  const char *codec;         /* (nullable): encoding name */
  guint width_px, height_px; /* 0: not known yet */
  bool is_turned;            /* not upright */
  guint profile_level;       /* of H.264: profile_idc << 16 | profile-iop << 8 | level_idc, of its parameter set; 0: not known */
  guint64 bps;
  gint64 silent_us;          /* since its last packet */
} MxrPassPicture;

/* What it is to take the place of. */
typedef struct {
  const char *codec;         /* (nullable): of the downlink */
  guint profile_level;       /* of H.264: as the client said it takes it */
  guint width_px, height_px; /* of the canvas */
  guint bitrate_bps;         /* of the full rung */
  guint carried_bps;         /* by the connection, where that is for this to look at; %G_MAXUINT: it is not */
  gint64 silence_us;         /* that a picture may last */
} MxrPassPlace;

/** mxr_pass_may_fit: Whether it would if it were sent at another rate; a size that is not known may be the right one. */
bool mxr_pass_may_fit (const MxrPassPicture *picture, const MxrPassPlace *place);
/** mxr_pass_fits: @is_passing: it does so now, and may swing a little more. */
bool mxr_pass_fits (const MxrPassPicture *picture, const MxrPassPlace *place, bool is_passing);

G_END_DECLS

#endif
