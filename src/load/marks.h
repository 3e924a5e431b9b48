#ifndef MXR_LOAD_MARKS_H
#define MXR_LOAD_MARKS_H

#include <stdbool.h>
#include <glib.h>

/* When something that can be recognised went out in a room: the sender of it writes, listeners on other threads find
 * what they saw or heard. The lock is held for a copy. */

#define MXR_MARKS_KEPT 8
/* What comes later than this is of none: the value is used again soon after, clicks' after three seconds or four,
 * colours' after two. */
#define MXR_CLICK_MAX_DELAY_US (2800 * 1000)
#define MXR_FLASH_MAX_DELAY_US (1900 * 1000)

typedef struct {
  guint64 number; /* from 1 on */
  gint64 at_us;   /* monotonic: of its first packet's way into the socket, and its place in the packet */
  guint value;
  gpointer sender;
} MxrMark;

typedef struct {
  GMutex lock;
  MxrMark kept[MXR_MARKS_KEPT];
  guint64 n_marks;
} MxrMarks;

void mxr_marks_init (MxrMarks *marks);
void mxr_marks_clear (MxrMarks *marks);
/** mxr_marks_add: Thread: any. */
void mxr_marks_add (MxrMarks *marks, gint64 at_us, guint value, gpointer sender);
/**
 * mxr_marks_match:
 * @at_us: when it was seen
 * @max_delay_us: older ones are none
 * @after: number of the last that was matched; older ones are none
 * @out_mark: (out): the latest of @value before @at_us
 *
 * Returns: false when there is none, or it is too old. Thread: any.
 */
bool mxr_marks_match (MxrMarks *marks, gint64 at_us, guint value, gint64 max_delay_us, guint64 after, MxrMark *out_mark);
/** mxr_marks_count: Returns: how many there were. Thread: any. */
guint64 mxr_marks_count (MxrMarks *marks);

#endif
