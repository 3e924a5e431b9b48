/* What the programme looks like: kept for each room, changed through REST, brought to the mixer's pads of the programme's view. */

#include "room-private.h"

#include <math.h>
#include <string.h>

static const char *const layouts[] = { [MXR_LAYOUT_AUTO] = "auto", [MXR_LAYOUT_GRID] = "grid", [MXR_LAYOUT_SPEAKER] = "speaker",
                                       [MXR_LAYOUT_SHARE] = "share", NULL };
static const char *const labels[] = { [MXR_TILEMIX_LABELS_NONE] = "none", [MXR_TILEMIX_LABELS_NAMES] = "names",
                                      [MXR_TILEMIX_LABELS_LOWER_THIRD] = "lower-third", NULL };
/* In order of 2 x bottom + right. */
static const char *const corners[] = { "top-left", "top-right", "bottom-left", "bottom-right", NULL };

/* Of the canvas. */
#define LOGO_HEIGHT 0.1
#define LOGO_HEIGHT_MIN 0.02
#define LOGO_HEIGHT_MAX 0.5
#define SAFE_MARGIN 0.05
#define SAFE_MARGIN_MAX 0.1
/* LUFS; what mxrloudness takes. */
#define LOUDNESS_MIN (-36)
#define LOUDNESS_MAX (-10)

/* ---- Life ---------------------------------------------------------------------------------------------------------- */

static MxrTileMixLabels
get_plain_labels (const MxrRoom *room)
{
  return room->hub->config->room.labels ? MXR_TILEMIX_LABELS_NAMES : MXR_TILEMIX_LABELS_NONE;
}

void
mxr_programme_look_init (MxrRoom *room)
{
  room->look = (MxrProgrammeLook){
    .layout = MXR_LAYOUT_AUTO,
    .pin = g_strdup (""),
    .background = g_strdup (""),
    .logo = g_strdup (""),
    .logo_is_top = true,
    .logo_height = LOGO_HEIGHT,
    .labels = get_plain_labels (room),
    .safe_margin = SAFE_MARGIN,
    .loudness_lufs = -(double) room->hub->config->programme.loudness,
  };
}

void
mxr_programme_look_clear (MxrProgrammeLook *look)
{
  g_free (look->pin);
  g_free (look->background);
  g_free (look->logo);
}

static void
copy (const MxrProgrammeLook *from, MxrProgrammeLook *to)
{
  *to = *from;
  to->pin = g_strdup (from->pin);
  to->background = g_strdup (from->background);
  to->logo = g_strdup (from->logo);
}

/* Sizes and bitrates never change. */
static bool
are_levels_equal (const MxrRoom *room)
{
  const MxrLevel *a = &room->graph->views[MXR_VIEW_ROOM].levels.levels[0];
  const MxrLevel *b = &room->graph->views[MXR_VIEW_PROGRAMME].levels.levels[0];
  return a->width_px == b->width_px && a->height_px == b->height_px && a->framerate == b->framerate &&
         a->bitrate_bps == b->bitrate_bps;
}

bool
mxr_programme_look_is_plain (const MxrRoom *room)
{
  const MxrProgrammeLook *look = &room->look;
  return look->layout == MXR_LAYOUT_AUTO && *look->pin == '\0' && *look->background == '\0' && *look->logo == '\0' &&
         look->labels == get_plain_labels (room) && !look->clock && are_levels_equal (room);
}

/* ---- The mixer ------------------------------------------------------------------------------------------------------- */

/* Returns: whether it is a colour. */
static bool
read_colour (const char *text, guint32 *out_rgb)
{
  if (text[0] != '#' || strlen (text) != 7 || strspn (text + 1, "0123456789abcdefABCDEF") != 6)
    return false;
  *out_rgb = (guint32) g_ascii_strtoull (text + 1, NULL, 16);
  return true;
}

/* Of the mixer's pads, as of the room's picture. */
static guint32
get_plain_background (GstPad *pad)
{
  GParamSpec *spec = g_object_class_find_property (G_OBJECT_GET_CLASS (pad), "background");
  return G_PARAM_SPEC_UINT (spec)->default_value;
}

void
mxr_programme_look_show (MxrRoom *room)
{
  const MxrGraphView *view = &room->graph->views[MXR_VIEW_PROGRAMME];
  const MxrProgrammeLook *look = &room->look;
  MxrTileMixLook shown = {
    .background_image = mxr_programme_images_get (room, MXR_PROGRAMME_BACKGROUND),
    .logo = mxr_programme_images_get (room, MXR_PROGRAMME_LOGO),
    .logo_is_left = look->logo_is_left,
    .logo_is_top = look->logo_is_top,
    .logo_height = look->logo_height,
    .labels = look->labels,
    .clock = look->clock,
    .safe_margin = look->safe_margin,
  };

  if (!read_colour (look->background, &shown.background))
    shown.background = get_plain_background (view->sizes[0].pad);
  for (guint i = 0; i < view->levels.n; i++)
    mxr_tilemix_set_look (room->graph->picture, view->sizes[i].pad, &shown);
}

/* ---- Changes ----------------------------------------------------------------------------------------------------------- */

static bool
refuse (GError **error, const char *what)
{
  g_set_error_literal (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_BAD_LOOK, what);
  return false;
}

/* Returns: false when @text is none of @words. @text: (nullable): as it is. */
static bool
choose (const char *text, const char *const *words, const char *refusal, guint *value, GError **error)
{
  if (text == NULL)
    return true;
  for (guint i = 0; words[i] != NULL; i++)
    if (strcmp (text, words[i]) == 0) {
      *value = i;
      return true;
    }
  return refuse (error, refusal);
}

static void
replace (char **text, const char *with)
{
  if (with == NULL)
    return;
  g_free (*text);
  *text = g_strdup (with);
}

static bool
is_somebody (const MxrRoom *room, const char *id)
{
  for (guint i = 0; i < room->participants->len; i++) {
    const MxrParticipant *participant = room->participants->pdata[i];
    if (mxr_participant_has_tile (participant) && strcmp (participant->id, id) == 0)
      return true;
  }
  return false;
}

static bool
check_pictures (const MxrRoom *room, const MxrProgrammeChange *change, GError **error)
{
  const MxrConfig *config = room->hub->config;
  guint32 rgb;

  if (change->background != NULL && *change->background != '\0' && !read_colour (change->background, &rgb) &&
      !mxr_programme_images_have (config, change->background))
    return refuse (error, "background is a colour such as \"#204060\", empty, or the name of one of the server's images");
  if (change->logo != NULL && *change->logo != '\0' && !mxr_programme_images_have (config, change->logo))
    return refuse (error, "the server has no such image; put it to /api/v1/images first");
  return true;
}

/* What is not a number stays as it is. */
static bool
check_numbers (const MxrProgrammeChange *change, GError **error)
{
  if (change->logo_height < LOGO_HEIGHT_MIN || change->logo_height > LOGO_HEIGHT_MAX)
    return refuse (error, "logoHeight is 0.02 to 0.5 of the picture's height");
  if (change->safe_margin < 0 || change->safe_margin > SAFE_MARGIN_MAX)
    return refuse (error, "safeMargin is 0 to 0.1 of the picture");
  if (change->loudness_lufs != 0 && (change->loudness_lufs < LOUDNESS_MIN || change->loudness_lufs > LOUDNESS_MAX))
    return refuse (error, "loudness is -36 to -10 LUFS, or 0 for the sound as it is");
  return true;
}

static bool
change_look (const MxrRoom *room, const MxrProgrammeChange *change, MxrProgrammeLook *look, GError **error)
{
  guint layout = look->layout, label = look->labels, corner = 2 * !look->logo_is_top + !look->logo_is_left;

  if (!choose (change->layout, layouts, "layout is auto, grid, speaker or share", &layout, error) ||
      !choose (change->labels, labels, "labels is none, names or lower-third", &label, error) ||
      !choose (change->logo_corner, corners, "logoCorner is top-left, top-right, bottom-left or bottom-right", &corner, error) ||
      !check_pictures (room, change, error) || !check_numbers (change, error))
    return false;
  if (change->pin != NULL && *change->pin != '\0' && !is_somebody (room, change->pin))
    return refuse (error, "pin is the id of somebody in the room who has a tile, or empty");
  look->layout = layout;
  look->labels = label;
  look->logo_is_top = corner < 2;
  look->logo_is_left = corner % 2 == 0;
  replace (&look->pin, change->pin);
  replace (&look->background, change->background);
  replace (&look->logo, change->logo);
  look->clock = change->clock != MXR_UNCHANGED ? change->clock != 0 : look->clock;
  look->logo_height = isnan (change->logo_height) ? look->logo_height : change->logo_height;
  look->safe_margin = isnan (change->safe_margin) ? look->safe_margin : change->safe_margin;
  look->loudness_lufs = isnan (change->loudness_lufs) ? look->loudness_lufs : change->loudness_lufs;
  return true;
}

/* Tiles and look are there before the first picture is asked for. */
static void
follow (MxrRoom *room)
{
  mxr_stage_update (room);
  mxr_programme_images_follow (room);
  mxr_programme_look_show (room);
  mxr_programme_update (room->programme);
  mxr_pictures_follow_programme (room);
  mxr_sound_follow_programme (room);
}

void
mxr_programme_look_forget (MxrRoom *room)
{
  if (*room->look.pin == '\0' || is_somebody (room, room->look.pin))
    return;
  replace (&room->look.pin, "");
  mxr_programme_update (room->programme);
  mxr_pictures_follow_programme (room);
}

/* ---- REST ---------------------------------------------------------------------------------------------------------------- */

static void
add_string (GVariantBuilder *dict, const char *key, const char *value)
{
  g_variant_builder_add (dict, "{sv}", key, g_variant_new_string (value));
}

static void
add_number (GVariantBuilder *dict, const char *key, double value)
{
  g_variant_builder_add (dict, "{sv}", key, g_variant_new_double (value));
}

static GVariant *
describe (const MxrRoom *room)
{
  const MxrProgrammeLook *look = &room->look;
  const MxrLevel *canvas = &room->graph->views[MXR_VIEW_PROGRAMME].levels.levels[0];
  GVariantBuilder dict;

  g_variant_builder_init (&dict, G_VARIANT_TYPE_VARDICT);
  add_string (&dict, "layout", layouts[look->layout]);
  add_string (&dict, "pin", look->pin);
  add_string (&dict, "background", look->background);
  add_string (&dict, "logo", look->logo);
  add_string (&dict, "logoCorner", corners[2 * !look->logo_is_top + !look->logo_is_left]);
  add_number (&dict, "logoHeight", look->logo_height);
  add_string (&dict, "labels", labels[look->labels]);
  g_variant_builder_add (&dict, "{sv}", "clock", g_variant_new_boolean (look->clock));
  add_number (&dict, "safeMargin", look->safe_margin);
  add_number (&dict, "loudness", look->loudness_lufs);
  g_variant_builder_add (&dict, "{sv}", "width", g_variant_new_uint32 (canvas->width_px));
  g_variant_builder_add (&dict, "{sv}", "height", g_variant_new_uint32 (canvas->height_px));
  g_variant_builder_add (&dict, "{sv}", "framerate", g_variant_new_uint32 (canvas->framerate));
  g_variant_builder_add (&dict, "{sv}", "isRoomPicture", g_variant_new_boolean (mxr_programme_look_is_plain (room)));
  return g_variant_builder_end (&dict);
}

GVariant *
mxr_hub_describe_programme (MxrHub *hub, const char *name, GError **error)
{
  MxrRoom *room = mxr_hub_find_room (hub, name, error);
  return room != NULL ? describe (room) : NULL;
}

GVariant *
mxr_hub_change_programme (MxrHub *hub, const char *name, const MxrProgrammeChange *change, GError **error)
{
  MxrRoom *room = mxr_hub_find_room (hub, name, error);
  MxrProgrammeLook next;

  if (room == NULL)
    return NULL;
  copy (&room->look, &next);
  if (!change_look (room, change, &next, error)) {
    mxr_programme_look_clear (&next);
    return NULL;
  }
  mxr_programme_look_clear (&room->look);
  room->look = next;
  follow (room);
  return describe (room);
}
