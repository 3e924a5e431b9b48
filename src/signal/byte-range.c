#include "byte-range.h"

#include <string.h>

/* Returns: whether there is a number; one that is too large is the largest. */
static bool
read_number (const char **text, guint64 *out_number)
{
  gsize n_digits = strspn (*text, "0123456789");

  if (n_digits == 0)
    return false;
  *out_number = g_ascii_strtoull (*text, NULL, 10);
  *text += n_digits;
  return true;
}

MxrRange
mxr_byte_range_read (const char *header, guint64 n_bytes, guint64 *out_start, guint64 *out_end)
{
  guint64 first = 0, last = 0;

  *out_start = 0;
  *out_end = n_bytes;
  if (header == NULL || g_ascii_strncasecmp (header, "bytes=", 6) != 0)
    return MXR_RANGE_WHOLE;
  const char *text = header + 6;
  bool has_first = read_number (&text, &first);
  if (*text++ != '-')
    return MXR_RANGE_WHOLE;
  bool has_last = read_number (&text, &last);
  if (*text != '\0' || (!has_first && !has_last) || (has_first && has_last && last < first))
    return MXR_RANGE_WHOLE;

  if (!has_first) { /* so many at the end */
    if (last == 0 || n_bytes == 0)
      return MXR_RANGE_BEYOND;
    *out_start = n_bytes - MIN (last, n_bytes);
    return MXR_RANGE_PART;
  }
  if (first >= n_bytes)
    return MXR_RANGE_BEYOND;
  *out_start = first;
  if (has_last && last < n_bytes)
    *out_end = last + 1;
  return MXR_RANGE_PART;
}
