#ifndef MXR_AUDIOMIX_FIXTURE_H
#define MXR_AUDIOMIX_FIXTURE_H

#include <stdbool.h>
#include <gst/gst.h>
#include <gst/check/gsttestclock.h>

G_BEGIN_DECLS

/* An mxraudiomix on a test clock, with pads of the test's own around it. Nothing happens until mix_tick(). */

#define MIX_BLOCK 960 /* frames; the default block duration */

typedef struct _Mix {
  GstElement *element;
  GstTestClock *clock;
} Mix;

typedef struct _MixInput {
  GstPad *pad;  /* the test's */
  GstPad *sink; /* the mixer's */
  guint n_channels;
  bool is_f32;
  double frequency_hz, amplitude;
  guint64 position; /* frames sent */
} MixInput;

typedef struct _MixOutput {
  GstPad *pad;    /* the test's */
  GstPad *source; /* the mixer's */
  GArray *samples;
  GArray *pts;          /* GstClockTime */
  GArray *flags;        /* guint */
  GString *events;      /* names of what came, in order */
  GstFlowReturn answer; /* to every buffer */
  GstCaps *caps;        /* (nullable) */
} MixOutput;

void mix_init (Mix *mix, guint n_channels);
void mix_play (Mix *mix);
/** mix_clear: To NULL; checks that nobody else holds the element. */
void mix_clear (Mix *mix);
/** mix_tick: Lets the next tick happen, and returns when it is done. */
void mix_tick (Mix *mix);
/** mix_advance: Lets time go on to @until_ns, with all ticks that the mixer wants on the way. */
void mix_advance (Mix *mix, GstClockTime until_ns);

MixInput *mix_input_new (Mix *mix, const char *name, double frequency_hz, double amplitude);
/** mix_input_set_format: Sends caps. */
bool mix_input_set_format (MixInput *input, const char *format, guint n_channels);
GstFlowReturn mix_input_push (MixInput *input, guint n_frames);
guint64 mix_input_stat (MixInput *input, const char *name);
/** mix_input_free: Releases the mixer's pad. */
void mix_input_free (Mix *mix, MixInput *input);

MixOutput *mix_output_new (Mix *mix, const char *name);
const gint16 *mix_output_last (const MixOutput *output, guint n_samples);
void mix_output_free (Mix *mix, MixOutput *output);

G_END_DECLS

#endif
