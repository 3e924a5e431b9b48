#ifndef MXR_PLAYER_OUTLET_H
#define MXR_PLAYER_OUTLET_H

#include <gst/gst.h>

#include "wire.h"

/* The end of the process's pipeline: brings one decoded stream into the form of the wire and sends it when it is due. */

/* What the streams of one process share. */
typedef struct {
  int fd;
  GMutex lock;   /* held while one message goes out */
  bool is_open;  /* media goes out; guarded by lock */
} MxrOutletWire;

/** mxr_outlet_wire_send: Anything. Thread: any. The process ends when the other end is gone. */
void mxr_outlet_wire_send (MxrOutletWire *wire, const MxrWireHeader *header, const void *bytes);

/**
 * mxr_outlet_new:
 * @kind: SOUND or PICTURE
 * @wire: outlives it
 *
 * Returns: (transfer floating): a bin with a pad "sink".
 */
GstElement *mxr_outlet_new (MxrWireKind kind, MxrOutletWire *wire, GError **error);

#endif
