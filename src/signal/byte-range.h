#ifndef MXR_BYTE_RANGE_H
#define MXR_BYTE_RANGE_H

#include "mixroom/base.h"

typedef enum {
  MXR_RANGE_WHOLE, /* none is asked for, or one that may be ignored */
  MXR_RANGE_PART,
  MXR_RANGE_BEYOND, /* 416 */
} MxrRange;

/**
 * mxr_byte_range_read:
 * @header: (nullable): of `Range`
 * @n_bytes: of the whole
 * @out_start: (out), @out_end: (out): what to send; @out_end is not in it
 *
 * More than one range is answered with the whole, as it may be: no player asks so, and answers to it have been ways to
 * make servers work hard.
 *
 * Thread: any; pure. Source: RFC 9110 14.1.2, 14.2.
 */
MxrRange mxr_byte_range_read (const char *header, guint64 n_bytes, guint64 *out_start, guint64 *out_end);

#endif
