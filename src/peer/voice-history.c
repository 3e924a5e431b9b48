#include "voice-history.h"

#include <stdlib.h>
#include <string.h>

/* Above this somebody speaks, whatever the sender thinks; a sender's own opinion counts from where a quiet room ends
 * (-75 is what mxr_speakers takes for a mistake). */
#define VOICE_DBOV (-45)
#define FLOOR_DBOV (-75)
/* A pause as between words is within the voice; a longer one ends it. */
#define PAUSE_US (300 * 1000)
/* How far back a decoder starts: a syllable. All of it is delay until the playout has shrunk again. */
#define BACK_MAX_US (120 * 1000)
/* The packet before the onset goes along: it has the attack's beginning, and settles the decoder. */
#define LEAD_US (20 * 1000)

bool
mxr_voice_history_note_level (MxrVoiceHistory *history, int level_dbov, bool voice, gint64 now_us)
{
  if (history->has_voice && now_us - history->voice_us > PAUSE_US)
    history->has_voice = false;
  if (level_dbov <= VOICE_DBOV && !(voice && level_dbov > FLOOR_DBOV))
    return false;
  history->voice_us = now_us;
  if (history->has_voice)
    return false;
  history->has_voice = true;
  history->onset_us = now_us;
  return true;
}

void
mxr_voice_history_add (MxrVoiceHistory *history, guint64 extended_seq, guint32 timestamp, const guint8 *rtp, gsize n_bytes,
                       gint64 now_us)
{
  MxrVoicePacket *packet = &history->packets[history->next];

  if (n_bytes == 0 || n_bytes > sizeof packet->bytes)
    return;
  packet->extended_seq = extended_seq;
  packet->arrival_us = now_us;
  packet->timestamp = timestamp;
  packet->n_bytes = (guint) n_bytes;
  memcpy (packet->bytes, rtp, n_bytes);
  history->next = (history->next + 1) % MXR_VOICE_HISTORY_PACKETS;
}

bool
mxr_voice_history_is_missing (const MxrVoiceHistory *history, guint64 extended_seq)
{
  bool has_earlier = false;

  for (guint i = 0; i < MXR_VOICE_HISTORY_PACKETS; i++) {
    const MxrVoicePacket *packet = &history->packets[i];
    if (packet->n_bytes > 0 && packet->extended_seq == extended_seq)
      return false;
    has_earlier |= packet->n_bytes > 0 && packet->extended_seq < extended_seq;
  }
  return has_earlier;
}

static int
compare_numbers (const void *a, const void *b)
{
  const MxrVoicePacket *const *left = a, *const *right = b;
  return (*left)->extended_seq < (*right)->extended_seq ? -1 : (*left)->extended_seq > (*right)->extended_seq;
}

guint
mxr_voice_history_find (const MxrVoiceHistory *history, gint64 now_us, const MxrVoicePacket **out_packets)
{
  gint64 from_us = MAX (history->onset_us - LEAD_US, now_us - BACK_MAX_US);
  guint n = 0;

  if (!history->has_voice || now_us - history->voice_us > PAUSE_US)
    return 0;
  for (guint i = 0; i < MXR_VOICE_HISTORY_PACKETS; i++)
    if (history->packets[i].n_bytes > 0 && history->packets[i].arrival_us >= from_us)
      out_packets[n++] = &history->packets[i];
  qsort (out_packets, n, sizeof *out_packets, compare_numbers);
  return n;
}

void
mxr_voice_history_forget (MxrVoiceHistory *history)
{
  for (guint i = 0; i < MXR_VOICE_HISTORY_PACKETS; i++)
    history->packets[i].n_bytes = 0;
}
