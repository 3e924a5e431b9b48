#include "marks.h"

void
mxr_marks_init (MxrMarks *marks)
{
  *marks = (MxrMarks){ 0 };
  g_mutex_init (&marks->lock);
}

void
mxr_marks_clear (MxrMarks *marks)
{
  g_mutex_clear (&marks->lock);
}

void
mxr_marks_add (MxrMarks *marks, gint64 at_us, guint value, gpointer sender)
{
  g_mutex_lock (&marks->lock);
  marks->n_marks++;
  marks->kept[marks->n_marks % MXR_MARKS_KEPT] = (MxrMark){ marks->n_marks, at_us, value, sender };
  g_mutex_unlock (&marks->lock);
}

bool
mxr_marks_match (MxrMarks *marks, gint64 at_us, guint value, gint64 max_delay_us, guint64 after, MxrMark *out_mark)
{
  bool is_found = false;

  g_mutex_lock (&marks->lock);
  for (guint i = 0; i < MXR_MARKS_KEPT && i < marks->n_marks && !is_found; i++) {
    const MxrMark *mark = &marks->kept[(marks->n_marks - i) % MXR_MARKS_KEPT];
    is_found = mark->at_us <= at_us && mark->value == value;
    if (is_found)
      *out_mark = *mark;
  }
  g_mutex_unlock (&marks->lock);
  return is_found && out_mark->number > after && at_us - out_mark->at_us <= max_delay_us;
}

guint64
mxr_marks_count (MxrMarks *marks)
{
  g_mutex_lock (&marks->lock);
  const guint64 n_marks = marks->n_marks;
  g_mutex_unlock (&marks->lock);
  return n_marks;
}
