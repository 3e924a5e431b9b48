#include "config-private.h"

#include "mixroom/limits.h"

#define FRAMERATE_MAX 60
/* Below, no encoder makes a picture that moves. */
#define BITRATE_MIN_BPS 20000
#define BITRATE_MAX_BPS 50000000

static bool
take_number (const char **text, char end, guint min, guint max, guint *out_number)
{
  char *rest;
  guint64 number = g_ascii_isdigit (**text) ? g_ascii_strtoull (*text, &rest, 10) : 0;

  if (!g_ascii_isdigit (**text) || *rest != end || number < min || number > max)
    return false;
  *text = end != '\0' ? rest + 1 : rest;
  *out_number = (guint) number;
  return true;
}

static bool
parse_rung (const char *text, MxrLadderRung *out_rung)
{
  return take_number (&text, 'p', MXR_CANVAS_MIN_PX, MXR_CANVAS_MAX_PX, &out_rung->height_px) &&
         take_number (&text, '@', 1, FRAMERATE_MAX, &out_rung->framerate) &&
         take_number (&text, '\0', BITRATE_MIN_BPS, BITRATE_MAX_BPS, &out_rung->bitrate_bps);
}

static bool
fail (GError **error, const char *ladder, const char *rung, const char *wanted)
{
  g_set_error (error, MXR_CONFIG_ERROR, MXR_CONFIG_ERROR_BAD_VALUE, "media.ladder is '%s': '%s' %s", ladder, rung, wanted);
  return false;
}

bool
mxr_ladder_parse (const char *ladder, MxrLadderRung *out_rungs, guint *out_n_rungs, GError **error)
{
  g_auto (GStrv) items = g_strsplit (ladder, ",", -1);
  guint n = 0;

  for (guint i = 0; *ladder != '\0' && items[i] != NULL; i++) {
    MxrLadderRung rung = { 0 };
    if (!parse_rung (g_strstrip (items[i]), &rung))
      return fail (error, ladder, items[i], "must be HEIGHTpFRAMERATE@BITRATE, such as 360p30@500000: 64 to 4096 rows, 1 to 60 "
                                            "frames a second, 20000 bits a second or more");
    if (n == MXR_LADDER_RUNGS_MAX)
      return fail (error, ladder, items[i], "is one too many; there are " G_STRINGIFY (MXR_LADDER_RUNGS_MAX) " at most");
    if (n > 0 && rung.bitrate_bps >= out_rungs[n - 1].bitrate_bps)
      return fail (error, ladder, items[i], "must need less than the one before it: the best comes first");
    out_rungs[n++] = rung;
  }
  *out_n_rungs = n;
  return true;
}
