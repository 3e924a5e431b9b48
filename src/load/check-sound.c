#include "check-sound.h"

#include <math.h>
#include <opus.h>
#include <string.h>

#include "tone.h"

#define WINDOW_SAMPLES (MXR_SOUND_RATE_HZ / 1000 * (MXR_SOUND_WINDOW_US / 1000))
/* The decoder's concealment fades out; half a window before a longer gap and half behind it would show neither tone nor
 * silence. */
#define CONCEALED_MAX_SAMPLES (MXR_SOUND_RATE_HZ / 5)
/* Opus allows 120 ms a packet (RFC 6716 3.2.5). */
#define PACKET_MAX_SAMPLES (MXR_SOUND_RATE_HZ * 120 / 1000)
/* A tone that is there has 0.1, less what a limiter or a fade takes. */
#define HEARD_AMPLITUDE 0.02
/* Below what 16 bits can hold: not there. */
#define OWN_LEAST 1e-6

struct _MxrSoundCheck {
  MxrSoundCheckConfig config;
  OpusDecoder *decoder;
  guint64 last_seq;
  guint packet_samples; /* of the last packet; 0: none yet */
  MxrClickDetector detector;
  guint64 last_click;
  guint n_window;
  float window[WINDOW_SAMPLES];
  MxrSoundFindings findings;
};

static void
clear_findings (MxrSoundFindings *findings)
{
  mxr_samples_clear (&findings->delays_ms);
  mxr_samples_clear (&findings->own_db);
  *findings = (MxrSoundFindings){ 0 };
}

MxrSoundCheck *
mxr_sound_check_new (const MxrSoundCheckConfig *config, GError **error)
{
  int status;
  OpusDecoder *decoder = opus_decoder_create (MXR_SOUND_RATE_HZ, 1, &status);
  if (decoder == NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "Opus: %s", opus_strerror (status));
    return NULL;
  }
  MxrSoundCheck *check = g_new0 (MxrSoundCheck, 1);
  check->config = *config;
  check->decoder = decoder;
  mxr_sound_check_begin (check);
  return check;
}

void
mxr_sound_check_free (MxrSoundCheck *check)
{
  opus_decoder_destroy (check->decoder);
  clear_findings (&check->findings);
  g_free (check);
}

void
mxr_sound_check_begin (MxrSoundCheck *check)
{
  clear_findings (&check->findings);
  check->findings.least_heard = G_MAXUINT;
  check->n_window = 0;
}

const MxrSoundFindings *
mxr_sound_check_get_findings (const MxrSoundCheck *check)
{
  return &check->findings;
}

/* ---- Tones ---------------------------------------------------------------------------------------------------- */

static void
judge_window (MxrSoundCheck *check)
{
  MxrSoundFindings *findings = &check->findings;
  double own = 0, loudest = 0;
  guint n_heard = 0;

  for (guint i = 0; i < check->config.n_tones; i++) {
    const double amplitude = mxr_tone_measure (check->window, WINDOW_SAMPLES, mxr_tone_get_hz (i));
    if ((int) i == check->config.own_tone) {
      own = amplitude;
      continue;
    }
    loudest = MAX (loudest, amplitude);
    n_heard += amplitude > HEARD_AMPLITUDE;
  }
  findings->n_windows++;
  findings->n_short += n_heard < check->config.n_others;
  findings->least_heard = MIN (findings->least_heard, n_heard);
  /* While all others are silent, it is compared with what another's tone would have. */
  if (check->config.own_tone >= 0)
    mxr_samples_add (&findings->own_db,
                     20 * log10 (MAX (own, OWN_LEAST) / (n_heard > 0 ? loudest : MXR_TONE_AMPLITUDE)));
}

static void
fill_window (MxrSoundCheck *check, const float *samples, guint n_samples)
{
  while (n_samples > 0) {
    const guint n = MIN (n_samples, WINDOW_SAMPLES - check->n_window);
    memcpy (check->window + check->n_window, samples, n * sizeof samples[0]);
    check->n_window += n;
    samples += n;
    n_samples -= n;
    if (check->n_window < WINDOW_SAMPLES)
      return;
    judge_window (check);
    check->n_window = 0;
  }
}

/* ---- Clicks --------------------------------------------------------------------------------------------------- */

static void
note_click (MxrSoundCheck *check, gint64 at_us)
{
  MxrMark mark;

  if (!mxr_marks_match (check->config.clicks, at_us, check->detector.number, MXR_CLICK_MAX_DELAY_US, check->last_click,
                        &mark) ||
      mark.sender == check->config.self)
    return;
  check->last_click = mark.number;
  mxr_samples_add (&check->findings.delays_ms, (double) (at_us - mark.at_us) / 1000);
}

static void
fill_gap (MxrSoundCheck *check, guint64 n_missing)
{
  float samples[PACKET_MAX_SAMPLES];

  if (check->packet_samples == 0 || n_missing > CONCEALED_MAX_SAMPLES / check->packet_samples) {
    check->n_window = 0;
    return;
  }
  for (guint64 i = 0; i < n_missing; i++) {
    const int n_samples = opus_decode_float (check->decoder, NULL, 0, samples, (int) check->packet_samples, 0);
    if (n_samples > 0)
      fill_window (check, samples, (guint) n_samples);
  }
}

void
mxr_sound_check_feed (MxrSoundCheck *check, const MxrRtpView *view, guint64 extended_seq, gint64 now_us)
{
  float samples[PACKET_MAX_SAMPLES];

  if (extended_seq <= check->last_seq)
    return;
  if (check->config.n_tones > 0 && extended_seq != check->last_seq + 1)
    fill_gap (check, extended_seq - check->last_seq - 1);
  check->last_seq = extended_seq;
  const int n_samples = opus_decode_float (check->decoder, view->payload, (opus_int32) view->payload_bytes, samples,
                                           PACKET_MAX_SAMPLES, 0);
  if (n_samples <= 0)
    return;
  check->packet_samples = (guint) n_samples;
  if (check->config.n_tones > 0)
    fill_window (check, samples, (guint) n_samples);
  if (check->config.clicks == NULL)
    return;
  const int at = mxr_click_detector_feed (&check->detector, samples, (guint) n_samples);
  if (at >= 0)
    note_click (check, now_us + (gint64) at * G_USEC_PER_SEC / MXR_SOUND_RATE_HZ);
}
