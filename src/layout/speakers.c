#include "mixroom/layout.h"

#include <math.h>

/* Below this a voice bit is a sender's mistake: RFC 6464 levels of a quiet room are around -70 dBov. */
#define FLOOR_DBOV (-75.0f)
/* Packets come every 10 to 60 ms; a report counts for its packet's length at most, a longer gap was silence.
 */
#define REPORT_MAX_US (60 * 1000)
/* Later than this after the last report, somebody is silent: DTX, loss, a closed microphone. */
#define STALE_US (150 * 1000)
/* No last time, no beginning: far enough back, or ahead, that no span from there counts, and no sum
 * overflows. */
#define NEVER_US (G_MININT64 / 4)
#define NOT_YET_US (G_MAXINT64 / 4)

/* Talking begins when this much of the recent past was voice: a cough or a slammed door is 100 to 200 ms
 * long, a word more. It ends after a pause between sentences. */
#define TALKING_VOICE_US (250 * 1000)
#define TALKING_PAUSE_US (700 * 1000)
/* Shorter pauses are within a sentence: its speaker's place in the mix is not given away in them. */
#define BREATH_US (400 * 1000)

/* Loudness over the time of a sentence, in which syllables and breaths are averaged away. */
#define LOUDNESS_TAU_US (1000 * 1000.0f)
/* 6 dB is "clearly louder"; two people of about the same loudness stay within it. */
#define CLEARLY_LOUDER_DB 6.0f
/* So long somebody must be louder to take a talking person's place: in a full mix, and as the dominant
 * speaker. */
#define TAKE_PLACE_US (300 * 1000)
#define TAKE_STAGE_US (2000 * 1000)
/* A comparison counts for a tick at most: after a longer gap nobody knows who was louder. */
#define WEIGH_MAX_US (200 * 1000)

typedef struct {
  guint32 key;
  bool is_muted;
  bool is_in_mix;
  bool is_talking;
  gint64 updated_us;      /* loudness and voice_us hold for this moment */
  gint64 reported_us;     /* last level */
  gint64 last_voice_us;   /* last level with voice */
  gint64 voice_us;        /* how much voice lately; falls half as fast as it grows */
  float loudness_db;      /* smoothed, above FLOOR_DBOV; 0: silent */
  float voice_db;         /* the same of the voice alone: pauses do not lower it */
  gint64 louder_mix_us;   /* since when clearly louder than the quietest in the mix */
  gint64 louder_stage_us; /* how long clearly louder than the dominant speaker; falls twice as fast as it
                             grows */
} Person;

struct _MxrSpeakers {
  MxrSpeakersConfig config;
  GPtrArray *people;  /* Person, owned, oldest first */
  GHashTable *by_key; /* guint32 -> Person */
  GPtrArray *mix;     /* Person, oldest member first; max_speakers at most */
  Person *dominant;   /* nullable */
  gint64 weighed_us;  /* last comparison with the dominant speaker */
};

/* ---- One person ---- */

static void
advance (Person *person, gint64 now_us, bool voice, float db)
{
  gint64 dt_us = now_us - person->updated_us;
  if (dt_us <= 0)
    return;
  person->updated_us = now_us;
  float target = voice ? db : 0;
  person->loudness_db = target + (person->loudness_db - target) * expf (-(float) dt_us / LOUDNESS_TAU_US);
  person->voice_us = CLAMP (person->voice_us + (voice ? dt_us : -dt_us / 2), 0, TALKING_VOICE_US);
}

/* How loud somebody talks, whatever the pauses: between people who all talk, those are chance. */
static void
follow_voice (Person *person, float db, gint64 now_us)
{
  gint64 dt_us = CLAMP (now_us - person->reported_us, 0, REPORT_MAX_US);
  bool is_new = now_us - person->last_voice_us > TALKING_PAUSE_US;

  person->voice_db = is_new ? db : db + (person->voice_db - db) * expf (-(float) dt_us / LOUDNESS_TAU_US);
}

/* Returns whether the report is one of voice. */
static bool
report (Person *person, float db, bool voice, gint64 now_us)
{
  bool is_heard = voice && db > 0;

  if (is_heard)
    follow_voice (person, db, now_us);
  advance (person, now_us - REPORT_MAX_US, false, 0);
  advance (person, now_us, is_heard, db);
  person->reported_us = now_us;
  if (is_heard)
    person->last_voice_us = MAX (person->last_voice_us, now_us);
  return is_heard;
}

static void
silence (Person *person)
{
  person->voice_us = 0;
  person->loudness_db = 0;
  person->last_voice_us = NEVER_US;
  person->louder_mix_us = NOT_YET_US;
  person->louder_stage_us = 0;
}

static bool
is_quiet_for (const Person *person, gint64 span_us, gint64 now_us)
{
  return now_us - person->last_voice_us >= span_us;
}

/* Returns since when a condition holds that held, or not yet, since @since_us. */
static gint64
hold_since (gint64 since_us, bool holds, gint64 now_us)
{
  return holds ? MIN (since_us, now_us) : NOT_YET_US;
}

/* ---- The mix ---- */

static bool
everybody_fits (const MxrSpeakers *speakers)
{
  return speakers->people->len <= speakers->config.max_speakers;
}

static MxrSpeakersChange
enter_mix (MxrSpeakers *speakers, Person *person)
{
  person->is_in_mix = true;
  person->louder_mix_us = NOT_YET_US;
  g_ptr_array_add (speakers->mix, person);
  return MXR_SPEAKERS_MIX;
}

static MxrSpeakersChange
leave_mix (MxrSpeakers *speakers, Person *person)
{
  if (!person->is_in_mix)
    return MXR_SPEAKERS_UNCHANGED;
  person->is_in_mix = false;
  g_ptr_array_remove (speakers->mix, person);
  return MXR_SPEAKERS_MIX;
}

/* While everybody fits, everybody who is not muted is in. */
static MxrSpeakersChange
fill_mix (MxrSpeakers *speakers)
{
  MxrSpeakersChange change = MXR_SPEAKERS_UNCHANGED;
  if (!everybody_fits (speakers))
    return change;
  for (guint i = 0; i < speakers->people->len; i++) {
    Person *person = g_ptr_array_index (speakers->people, i);
    if (!person->is_in_mix && !person->is_muted)
      change |= enter_mix (speakers, person);
  }
  return change;
}

/* Whose place a voice of @db may have at once: of who has paused longest, and more than for a breath. The
 * pause must be the longer the louder the paused one was, so that a rustle does not take a place in the
 * middle of somebody's talk. */
static Person *
find_paused (const MxrSpeakers *speakers, float db, gint64 now_us)
{
  Person *paused = NULL;
  for (guint i = 0; i < speakers->mix->len; i++) {
    Person *person = g_ptr_array_index (speakers->mix, i);
    if (is_quiet_for (person, BREATH_US, now_us) &&
        (paused == NULL || person->last_voice_us < paused->last_voice_us))
      paused = person;
  }
  return paused != NULL && paused->loudness_db <= db ? paused : NULL;
}

static Person *
find_quietest (const MxrSpeakers *speakers)
{
  Person *quietest = g_ptr_array_index (speakers->mix, 0);
  for (guint i = 1; i < speakers->mix->len; i++) {
    Person *person = g_ptr_array_index (speakers->mix, i);
    if (person->voice_db < quietest->voice_db)
      quietest = person;
  }
  return quietest;
}

/* @person, who is not in the mix, has just been heard with @db. */
static MxrSpeakersChange
try_enter_mix (MxrSpeakers *speakers, Person *person, float db, gint64 now_us)
{
  if (speakers->mix->len < speakers->config.max_speakers)
    return enter_mix (speakers, person);

  Person *leaver = find_paused (speakers, db, now_us);
  if (leaver == NULL) {
    Person *quietest = find_quietest (speakers);
    bool is_louder = person->voice_db > quietest->voice_db + CLEARLY_LOUDER_DB;
    person->louder_mix_us = hold_since (person->louder_mix_us, is_louder, now_us);
    if (now_us - person->louder_mix_us >= TAKE_PLACE_US)
      leaver = quietest;
  }
  if (leaver == NULL)
    return MXR_SPEAKERS_UNCHANGED;
  leave_mix (speakers, leaver);
  return enter_mix (speakers, person);
}

static MxrSpeakersChange
end_hold (MxrSpeakers *speakers, Person *person, gint64 now_us)
{
  if (!person->is_in_mix || everybody_fits (speakers))
    return MXR_SPEAKERS_UNCHANGED;
  if (!is_quiet_for (person, (gint64) speakers->config.hold_ms * 1000, now_us))
    return MXR_SPEAKERS_UNCHANGED;
  return leave_mix (speakers, person);
}

/* ---- Talking and the dominant speaker ---- */

static MxrSpeakersChange
update_talking (Person *person, gint64 now_us)
{
  bool was_talking = person->is_talking;
  if (person->is_muted || is_quiet_for (person, TALKING_PAUSE_US, now_us))
    person->is_talking = false;
  else if (person->voice_us >= TALKING_VOICE_US)
    person->is_talking = true;
  return person->is_talking != was_talking ? MXR_SPEAKERS_TALKING : MXR_SPEAKERS_UNCHANGED;
}

static MxrSpeakersChange
set_dominant (MxrSpeakers *speakers, Person *person)
{
  if (person == speakers->dominant)
    return MXR_SPEAKERS_UNCHANGED;
  speakers->dominant = person;
  for (guint i = 0; i < speakers->people->len; i++)
    ((Person *) g_ptr_array_index (speakers->people, i))->louder_stage_us = 0;
  return MXR_SPEAKERS_DOMINANT;
}

/* The loudest of those who talk may follow. Who is clearly louder is weighed over time, as breaths and
 * stressed syllables of either side make the louder one the softer one for a moment. */
static MxrSpeakersChange
update_dominant (MxrSpeakers *speakers, gint64 now_us)
{
  Person *dominant = speakers->dominant, *best = NULL;
  float bar_db = dominant != NULL ? dominant->loudness_db + CLEARLY_LOUDER_DB : 0;
  gint64 dt_us = CLAMP (now_us - speakers->weighed_us, 0, WEIGH_MAX_US);
  speakers->weighed_us = now_us;

  for (guint i = 0; i < speakers->people->len; i++) {
    Person *person = g_ptr_array_index (speakers->people, i);
    bool is_louder = person->is_talking && person != dominant && person->loudness_db > bar_db;
    person->louder_stage_us =
        CLAMP (person->louder_stage_us + (is_louder ? dt_us : -2 * dt_us), 0, TAKE_STAGE_US);
    if (person->is_talking && person != dominant && (best == NULL || person->loudness_db > best->loudness_db))
      best = person;
  }
  if (best == NULL)
    return MXR_SPEAKERS_UNCHANGED;
  bool is_free = dominant == NULL || dominant->is_muted ||
                 is_quiet_for (dominant, (gint64) speakers->config.dominant_hold_ms * 1000, now_us);
  bool is_beaten = best->louder_stage_us >= TAKE_STAGE_US;
  return is_free || is_beaten ? set_dominant (speakers, best) : MXR_SPEAKERS_UNCHANGED;
}

/* ---- Public ---- */

MxrSpeakers *
mxr_speakers_new (const MxrSpeakersConfig *config)
{
  MxrSpeakers *speakers = g_new0 (MxrSpeakers, 1);
  speakers->config = *config;
  speakers->config.max_speakers = MAX (config->max_speakers, 1);
  speakers->people = g_ptr_array_new_with_free_func (g_free);
  speakers->by_key = g_hash_table_new (NULL, NULL);
  speakers->mix = g_ptr_array_sized_new (speakers->config.max_speakers);
  return speakers;
}

void
mxr_speakers_free (MxrSpeakers *speakers)
{
  g_ptr_array_unref (speakers->mix);
  g_hash_table_unref (speakers->by_key);
  g_ptr_array_unref (speakers->people);
  g_free (speakers);
}

static Person *
find_person (const MxrSpeakers *speakers, guint32 key)
{
  return g_hash_table_lookup (speakers->by_key, GUINT_TO_POINTER (key));
}

MxrSpeakersChange
mxr_speakers_add (MxrSpeakers *speakers, guint32 key, gint64 now_us)
{
  if (find_person (speakers, key) != NULL)
    return MXR_SPEAKERS_UNCHANGED;
  Person *person = g_new0 (Person, 1);
  person->key = key;
  person->updated_us = person->reported_us = now_us;
  silence (person);
  g_ptr_array_add (speakers->people, person);
  g_hash_table_insert (speakers->by_key, GUINT_TO_POINTER (key), person);
  return fill_mix (speakers);
}

MxrSpeakersChange
mxr_speakers_remove (MxrSpeakers *speakers, guint32 key, gint64 now_us)
{
  Person *person = find_person (speakers, key);
  if (person == NULL)
    return MXR_SPEAKERS_UNCHANGED;

  MxrSpeakersChange change = leave_mix (speakers, person);
  if (person->is_talking)
    change |= MXR_SPEAKERS_TALKING;
  if (person == speakers->dominant)
    change |= set_dominant (speakers, NULL);
  g_hash_table_remove (speakers->by_key, GUINT_TO_POINTER (key));
  g_ptr_array_remove (speakers->people, person);
  return change | fill_mix (speakers) | update_dominant (speakers, now_us);
}

MxrSpeakersChange
mxr_speakers_set_muted (MxrSpeakers *speakers, guint32 key, bool muted, gint64 now_us)
{
  Person *person = find_person (speakers, key);
  if (person == NULL || person->is_muted == muted)
    return MXR_SPEAKERS_UNCHANGED;

  person->is_muted = muted;
  silence (person);
  return (muted ? leave_mix (speakers, person) : fill_mix (speakers)) | update_talking (person, now_us);
}

MxrSpeakersChange
mxr_speakers_level (MxrSpeakers *speakers, guint32 key, float level_dbov, bool voice, gint64 now_us)
{
  Person *person = find_person (speakers, key);
  if (person == NULL || person->is_muted)
    return MXR_SPEAKERS_UNCHANGED;

  /* Not a number, as no level can be, comes out as silence. */
  float db = level_dbov > FLOOR_DBOV ? MIN (level_dbov, 0) - FLOOR_DBOV : 0;
  bool is_heard = report (person, db, voice, now_us);
  MxrSpeakersChange change = update_talking (person, now_us);
  if (!person->is_in_mix && is_heard)
    change |= try_enter_mix (speakers, person, db, now_us);
  return change;
}

MxrSpeakersChange
mxr_speakers_tick (MxrSpeakers *speakers, gint64 now_us)
{
  MxrSpeakersChange change = MXR_SPEAKERS_UNCHANGED;
  for (guint i = 0; i < speakers->people->len; i++) {
    Person *person = g_ptr_array_index (speakers->people, i);
    if (now_us - person->reported_us > STALE_US)
      advance (person, now_us, false, 0);
    change |= update_talking (person, now_us) | end_hold (speakers, person, now_us);
  }
  return change | update_dominant (speakers, now_us);
}

bool
mxr_speakers_is_in_mix (const MxrSpeakers *speakers, guint32 key)
{
  const Person *person = find_person (speakers, key);
  return person != NULL && person->is_in_mix;
}

bool
mxr_speakers_is_talking (const MxrSpeakers *speakers, guint32 key)
{
  const Person *person = find_person (speakers, key);
  return person != NULL && person->is_talking;
}

bool
mxr_speakers_get_dominant (const MxrSpeakers *speakers, guint32 *out_key)
{
  if (speakers->dominant == NULL)
    return false;
  if (out_key != NULL)
    *out_key = speakers->dominant->key;
  return true;
}

guint
mxr_speakers_get_mix (const MxrSpeakers *speakers, guint32 *out_keys, guint max_keys)
{
  for (guint i = 0; i < speakers->mix->len && i < max_keys; i++)
    out_keys[i] = ((const Person *) g_ptr_array_index (speakers->mix, i))->key;
  return speakers->mix->len;
}
