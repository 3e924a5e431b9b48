#include "cast.h"

#include "tone.h"

#define SPEECH_BPS 32000
#define TONE_BPS 64000
#define FILE_SECONDS 20
#define VOICES_MAX 6
#define VOICE_SECONDS 5 /* its syllables and pauses come round in this */
#define TONE_SECONDS 2
/* Clicks go round between so many talkers of a room, whose packets leave at different times within 20 ms. */
#define PROBES_MAX 4
#define PROBE_HUM_HZ 220
/* Loud enough that nobody's speech takes its place in the mix. */
#define PROBE_HUM_AMPLITUDE 0.12

struct _MxrCast {
  const MxrLoadOptions *options;
  MxrLoadRoom *rooms;
  guint n_rooms;
  MxrClip *hush;
  GPtrArray *talks;    /* MxrClip: with tones one for each talker */
  GPtrArray *probes;   /* MxrClip: instead, for the first talkers */
  GPtrArray *pictures; /* MxrClip */
  MxrClip *flash;      /* NULL: none */
};

/* ---- Sound ---------------------------------------------------------------------------------------------------- */

static bool
add_sound (GPtrArray *clips, float *samples, guint n_samples, const MxrSoundCoding *coding, GError **error)
{
  g_autofree float *owned = samples;
  MxrClip *clip = owned != NULL ? mxr_clip_new_sound (owned, n_samples, coding, error) : NULL;
  if (clip != NULL)
    g_ptr_array_add (clips, clip);
  return clip != NULL;
}

static bool
add_files (MxrCast *cast, const MxrSoundCoding *coding, GError **error)
{
  for (char **file = cast->options->audio_files; *file != NULL; file++) {
    guint n_samples = 0;
    float *samples = mxr_sound_read (*file, FILE_SECONDS, &n_samples, error);
    if (samples == NULL || !add_sound (cast->talks, samples, n_samples, coding, error))
      return false;
  }
  return true;
}

static bool
add_talks (MxrCast *cast, GError **error)
{
  const MxrLoadOptions *options = cast->options;
  const MxrSoundCoding speech = { SPEECH_BPS, false, options->dtx };
  const MxrSoundCoding music = { TONE_BPS, true, false };
  const guint n_talkers = (guint) options->n_talkers;

  for (guint i = 0; options->tones && i < n_talkers; i++)
    if (!add_sound (cast->talks, mxr_sound_make_tone (mxr_tone_get_hz (i), MXR_TONE_AMPLITUDE, TONE_SECONDS),
                    TONE_SECONDS * MXR_SOUND_RATE_HZ, &music, error))
      return false;
  if (options->tones)
    return true;
  if (options->audio_files != NULL)
    return add_files (cast, &speech, error);
  for (guint i = 0; i < MIN (n_talkers, VOICES_MAX); i++)
    if (!add_sound (cast->talks, mxr_sound_make_voice (i, VOICE_SECONDS), VOICE_SECONDS * MXR_SOUND_RATE_HZ, &speech,
                    error))
      return false;
  return true;
}

/* A steady sound, so that the server has no reason to leave it out of the mix, and clicks in it. */
static bool
add_probes (MxrCast *cast, GError **error)
{
  const MxrLoadOptions *options = cast->options;
  const MxrSoundCoding coding = { TONE_BPS, true, false };
  const guint n_probes = MIN ((guint) options->n_talkers, PROBES_MAX);
  /* Each has its second, the tone comes round, and no two have the same number. */
  const guint n_numbers = n_probes == 3 ? 3 : MXR_CLICK_NUMBERS;
  const guint seconds = n_numbers % TONE_SECONDS == 0 ? n_numbers : n_numbers * TONE_SECONDS;
  const guint n_samples = seconds * MXR_SOUND_RATE_HZ;

  for (guint i = 0; i < n_probes; i++) {
    float *samples = options->tones ? mxr_sound_make_tone (mxr_tone_get_hz (i), MXR_TONE_AMPLITUDE, seconds)
                                    : mxr_sound_make_tone (PROBE_HUM_HZ, PROBE_HUM_AMPLITUDE, seconds);
    mxr_sound_add_clicks (samples, n_samples, i, n_probes, n_numbers);
    if (!add_sound (cast->probes, samples, n_samples, &coding, error))
      return false;
  }
  return true;
}

static bool
add_hush (MxrCast *cast, GError **error)
{
  const MxrSoundCoding coding = { SPEECH_BPS, false, cast->options->dtx };
  g_autofree float *samples = mxr_sound_make_hush (TONE_SECONDS);

  cast->hush = mxr_clip_new_sound (samples, TONE_SECONDS * MXR_SOUND_RATE_HZ, &coding, error);
  return cast->hush != NULL;
}

/* ---- Picture -------------------------------------------------------------------------------------------------- */

static bool
add_picture (GPtrArray *clips, const char *path, const MxrPictureCoding *coding, GError **error)
{
  MxrClip *clip = mxr_clip_new_picture (path, coding, error);
  if (clip != NULL)
    g_ptr_array_add (clips, clip);
  return clip != NULL;
}

static bool
add_pictures (MxrCast *cast, GError **error)
{
  const MxrLoadOptions *options = cast->options;
  const MxrPictureCoding coding = { options->codec, options->width_px, options->height_px,
                                    (guint) options->video_kbps * 1000 };

  if (options->n_cameras == 0)
    return true;
  for (char **file = options->video_files; file != NULL && *file != NULL; file++)
    if (!add_picture (cast->pictures, *file, &coding, error))
      return false;
  if (options->video_files == NULL && !add_picture (cast->pictures, NULL, &coding, error))
    return false;
  if (options->delay)
    cast->flash = mxr_clip_new_flash (&coding, error);
  return !options->delay || cast->flash != NULL;
}

/* ---- All ------------------------------------------------------------------------------------------------------ */

static void
add_rooms (MxrCast *cast)
{
  const MxrLoadOptions *options = cast->options;

  cast->n_rooms = (guint) options->n_rooms;
  cast->rooms = g_new0 (MxrLoadRoom, cast->n_rooms);
  for (guint i = 0; i < cast->n_rooms; i++) {
    MxrLoadRoom *room = &cast->rooms[i];
    room->name = cast->n_rooms == 1 ? g_strdup (options->room) : g_strdup_printf ("%s-%u", options->room, i + 1);
    mxr_marks_init (&room->clicks);
    mxr_marks_init (&room->flashes);
  }
}

MxrCast *
mxr_cast_new (const MxrLoadOptions *options, GError **error)
{
  g_autoptr (MxrCast) cast = g_new0 (MxrCast, 1);

  cast->options = options;
  cast->talks = g_ptr_array_new_with_free_func ((GDestroyNotify) mxr_clip_unref);
  cast->probes = g_ptr_array_new_with_free_func ((GDestroyNotify) mxr_clip_unref);
  cast->pictures = g_ptr_array_new_with_free_func ((GDestroyNotify) mxr_clip_unref);
  add_rooms (cast);
  if (!add_talks (cast, error) || !add_hush (cast, error) || (options->delay && !add_probes (cast, error)) ||
      !add_pictures (cast, error))
    return NULL;
  return g_steal_pointer (&cast);
}

void
mxr_cast_free (MxrCast *cast)
{
  for (guint i = 0; i < cast->n_rooms; i++) {
    g_free (cast->rooms[i].name);
    mxr_marks_clear (&cast->rooms[i].clicks);
    mxr_marks_clear (&cast->rooms[i].flashes);
  }
  g_free (cast->rooms);
  g_clear_pointer (&cast->hush, mxr_clip_unref);
  g_clear_pointer (&cast->flash, mxr_clip_unref);
  g_ptr_array_unref (cast->talks);
  g_ptr_array_unref (cast->probes);
  g_ptr_array_unref (cast->pictures);
  g_free (cast);
}

/* ---- Plans ---------------------------------------------------------------------------------------------------- */

/* Talkers begin at different places of what they say, or they would all say the same. */
static void
plan_sound (const MxrCast *cast, MxrClientPlan *plan)
{
  const guint index = plan->part.index;
  const bool talks = plan->part.talks;
  const bool is_probe = index < cast->probes->len;
  MxrClip *clip = !talks     ? cast->hush
                  : is_probe ? cast->probes->pdata[index]
                             : cast->talks->pdata[index % cast->talks->len];

  plan->clips[MXR_RTP_AUDIO] = clip;
  plan->phase_us[MXR_RTP_AUDIO] = index * MXR_PACER_TICK_US % (guint) clip->frame_us;
  if (talks && !is_probe)
    plan->first_frame[MXR_RTP_AUDIO] = index / cast->talks->len * 37 % clip->frames->len;
  plan->own_tone = talks && cast->options->tones ? (int) index : -1;
}

static void
plan_picture (const MxrCast *cast, MxrClientPlan *plan)
{
  const guint index = plan->part.index;

  if (!plan->part.has_camera)
    return;
  MxrClip *clip = index == 0 && cast->flash != NULL ? cast->flash : cast->pictures->pdata[index % cast->pictures->len];
  plan->clips[MXR_RTP_VIDEO] = clip;
  plan->phase_us[MXR_RTP_VIDEO] = index * 7 * 1000 % (guint) clip->frame_us;
}

void
mxr_cast_plan (MxrCast *cast, guint seat, MxrClientPlan *out_plan)
{
  const MxrLoadOptions *options = cast->options;

  *out_plan = (MxrClientPlan){ .number = seat + 1, .own_tone = -1, .hears_clicks = options->delay };
  mxr_part_plan (options, seat, &out_plan->part);
  out_plan->room = &cast->rooms[out_plan->part.room];
  out_plan->n_tones = options->tones ? (guint) options->n_talkers : 0;
  if (out_plan->part.is_viewer)
    return;
  plan_sound (cast, out_plan);
  plan_picture (cast, out_plan);
}

/* Flashes that nobody looks for are not missed. */
void
mxr_cast_count_marks (MxrCast *cast, MxrCastMarks *out_marks)
{
  *out_marks = (MxrCastMarks){ 0 };
  for (guint i = 0; i < MIN (cast->n_rooms, MXR_PARTS_SAMPLED_ROOMS); i++)
    out_marks->clicks += mxr_marks_count (&cast->rooms[i].clicks);
  for (guint i = 0; i < MIN (cast->n_rooms, MXR_PARTS_LOOKED_ROOMS); i++)
    out_marks->flashes += mxr_marks_count (&cast->rooms[i].flashes);
}
