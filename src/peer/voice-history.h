#ifndef MXR_VOICE_HISTORY_H
#define MXR_VOICE_HISTORY_H

#include "mixroom/base.h"

/* The last packets of a sound that nobody decodes, and when the voice in them began, so that a decoder can start with the
 * first syllable. Pure: bytes and time are arguments; a fixed 8 KB, nothing is allocated. The caller serialises. */

/* As many as are needed at 10 ms a packet; at 20 ms they are twice the time. */
#define MXR_VOICE_HISTORY_PACKETS 16
/* A packet of 20 ms at 160 kbit/s with its header. A larger one is not kept: its first syllable is cut. */
#define MXR_VOICE_HISTORY_PACKET_BYTES 448

typedef struct {
  guint64 extended_seq;
  gint64 arrival_us;
  guint32 timestamp;
  guint n_bytes; /* 0: none */
  guint8 bytes[MXR_VOICE_HISTORY_PACKET_BYTES];
} MxrVoicePacket;

typedef struct {
  MxrVoicePacket packets[MXR_VOICE_HISTORY_PACKETS]; /* in the order of arrival */
  guint next;                                        /* where the next goes */
  bool has_voice;
  gint64 onset_us; /* with voice: arrival of its first packet */
  gint64 voice_us; /* the last packet with voice */
} MxrVoiceHistory;

/**
 * mxr_voice_history_note_level:
 * @level_dbov: RFC 6464, 0 (loudest) to -127
 * @voice: the sender's own opinion
 *
 * Returns: whether silence ended with this packet. Pauses within a sentence are no silence.
 */
bool mxr_voice_history_note_level (MxrVoiceHistory *history, int level_dbov, bool voice, gint64 now_us);

/** mxr_voice_history_add: Keeps a copy; the oldest goes. */
void mxr_voice_history_add (MxrVoiceHistory *history, guint64 extended_seq, guint32 timestamp, const guint8 *rtp,
                            gsize n_bytes, gint64 now_us);

/** mxr_voice_history_is_missing: Returns: whether that number is not there, but an earlier one is. */
bool mxr_voice_history_is_missing (const MxrVoiceHistory *history, guint64 extended_seq);

/**
 * mxr_voice_history_find:
 * @out_packets: (out): %MXR_VOICE_HISTORY_PACKETS pointers into @history, by rising number
 *
 * Returns: how many packets a decoder that starts now begins with: those since the voice began and the one before, 120 ms
 * at most; none without voice.
 */
guint mxr_voice_history_find (const MxrVoiceHistory *history, gint64 now_us, const MxrVoicePacket **out_packets);

/** mxr_voice_history_forget: The packets, not the voice: they were decoded, or another stream begins. */
void mxr_voice_history_forget (MxrVoiceHistory *history);

#endif
