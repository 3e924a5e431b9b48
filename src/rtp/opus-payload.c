#include "mixroom/rtp.h"

#define CONFIG_HYBRID 12
#define CONFIG_CELT 16

/* RFC 6716 3.2.1: the length of a frame takes a byte or two. */
static gsize
skip_length (const guint8 *payload, gsize n_bytes, gsize at)
{
  return at < n_bytes && payload[at] >= 252 ? at + 2 : at + 1;
}

/* RFC 6716 3.2.5: count, padding's length, lengths. */
static gsize
skip_code_3 (const guint8 *payload, gsize n_bytes)
{
  const guint8 head = n_bytes > 1 ? payload[1] : 0;
  gsize at = 2;

  if ((head & 0x40) != 0)
    while (at < n_bytes && payload[at++] == 255)
      ;
  for (guint i = 1; (head & 0x80) != 0 && i < (head & 0x3f); i++)
    at = skip_length (payload, n_bytes, at);
  return at;
}

static gsize
find_first_frame (const guint8 *payload, gsize n_bytes)
{
  switch (payload[0] & 3) {
  case 2:
    return skip_length (payload, n_bytes, 1);
  case 3:
    return skip_code_3 (payload, n_bytes);
  default:
    return 1;
  }
}

/* Table 2: 10, 20, 40 and 60 ms; SILK's own frames have 20 at most. */
static guint
count_silk_frames (guint config)
{
  static const guint8 counts[] = { 1, 1, 2, 3 };
  return config < CONFIG_HYBRID ? counts[config & 3] : 1;
}

/* The first bits of the first frame, RFC 6716 4.2.3: for each channel whether there is voice, per SILK frame, then whether
 * there is redundancy. They are even chances to the range coder, so they stand there as they are. */
bool
mxr_opus_has_fec (const guint8 *payload, gsize n_bytes)
{
  if (n_bytes < 2 || payload[0] >> 3 >= CONFIG_CELT)
    return false;
  const guint n_frames = count_silk_frames (payload[0] >> 3);
  const bool is_stereo = (payload[0] & 4) != 0;
  const gsize at = find_first_frame (payload, n_bytes);

  if (at >= n_bytes)
    return false;
  const bool has_first = (payload[at] >> (7 - n_frames) & 1) != 0;
  return has_first || (is_stereo && (payload[at] >> (6 - 2 * n_frames) & 1) != 0);
}
