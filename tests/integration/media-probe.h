#ifndef MXR_MEDIA_PROBE_H
#define MXR_MEDIA_PROBE_H

#include "../elements/colours.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* What is in a file, by FFmpeg. */

/** media_probe_run: Returns: (transfer full): what the program writes. Aborts when it fails. */
GBytes *media_probe_run (const char *const *arguments);
/** media_probe_colour: The middle of the picture @seconds after its first. */
TestColour media_probe_colour (const char *path, double seconds);
/** media_probe_tone: Amplitude of a tone in a second of sound, from @seconds after its first on; 1 is full scale. */
double media_probe_tone (const char *path, double seconds, double hz);

/* Packets of the only stream, as they are. */
typedef struct {
  GPtrArray *packets; /* GBytes */
  GArray *times_us;   /* gint64 */
} MediaPackets;

MediaPackets *media_probe_packets (const char *path);
void media_packets_free (MediaPackets *packets);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaPackets, media_packets_free)

G_END_DECLS

#endif
