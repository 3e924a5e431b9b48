#ifndef CLICK_H
#define CLICK_H

#include <stdbool.h>
#include <glib.h>

/* A sound that is found again in a mix: a burst of 6 kHz once a second within speech. Opus packets of 20 ms, mono. */

/** click_track_new: @speech: #GBytes of Opus. Returns: the same speech with a click in every 50th packet. */
GPtrArray *click_track_new (const GPtrArray *speech);
/** click_is_in: Whether the packet of that number of a track has a click. */
bool click_is_in (guint index);

/** silent_track_new: Returns: one second of a muted microphone, as an encoder without DTX makes it. */
GPtrArray *silent_track_new (void);

typedef struct _ClickDetector ClickDetector;
ClickDetector *click_detector_new (void);
/** click_detector_push: The next packet of a mix. Returns: whether a click begins to be heard in it. */
bool click_detector_push (ClickDetector *detector, const guint8 *opus, gsize size);

#endif
