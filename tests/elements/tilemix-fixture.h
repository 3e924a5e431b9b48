#ifndef MXR_TILEMIX_FIXTURE_H
#define MXR_TILEMIX_FIXTURE_H

#include <gst/check/gsttestclock.h>

#include "colours.h"
#include "mixroom/elements.h"

G_BEGIN_DECLS

/* An mxrtilemix on a test clock, with senders and receivers that are bare pads. Time passes only in
 * rig_tick(). */

typedef struct {
  GstPad *pad;  /* ours, a source */
  GstPad *sink; /* the mixer's */
  int width, height;
} Sender;

typedef struct {
  GstPad *pad; /* ours, a sink */
  GstPad *src; /* the mixer's */
  GMutex lock; /* guards what follows: the mixer's thread writes it */
  GstBuffer *picture;
  guint n_pictures;
  int width, height;
  guint n_caps;
  GQueue held; /* GstBuffer; with hold, all that came */
  bool hold;
  GstFlowReturn answer;
} Receiver;

typedef struct {
  GstElement *mix;
  GstTestClock *clock;
  guint64 n_ticks; /* grid points that went by */
} Rig;

Rig *rig_new (void);
void rig_free (Rig *rig);

/** rig_tick: Lets @n grid points go by, and returns when the work of those that the mixer does not sleep through is done. */
void rig_tick (Rig *rig, guint n);

/** rig_stat: One field of the property `stats`. */
guint64 rig_stat (Rig *rig, const char *field);

Sender *sender_new (Rig *rig);
void sender_free (Rig *rig, Sender *sender);
/** sender_set_caps: @fields: more of the caps, or "" */
void sender_set_caps (Sender *sender, int width, int height, const char *fields);
/** sender_send: @frame: (transfer full) */
GstFlowReturn sender_send (Sender *sender, GstBuffer *frame);
/** sender_show: Sends a frame of one colour of the size of the caps. */
void sender_show (Sender *sender, TestColour colour);

Receiver *receiver_new (Rig *rig, int width, int height);
void receiver_free (Rig *rig, Receiver *receiver);
TestColour receiver_look (Receiver *receiver, int x, int y);
guint receiver_count (Receiver *receiver);

G_END_DECLS

#endif
