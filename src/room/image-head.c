#include "image-head.h"

#include <string.h>

#include "mixroom/limits.h"

#define PNG_HEAD_BYTES 24
/* T.81 table B.1. */
#define JPEG_SOI 0xd8
#define JPEG_EOI 0xd9
#define JPEG_SOS 0xda
#define JPEG_TEM 0x01

static const char *const cut_short = "The image ends too early; send all of it.";

static guint
read_be (const guint8 *bytes, guint n)
{
  guint value = 0;

  while (n-- > 0)
    value = value << 8 | *bytes++;
  return value;
}

static bool
check_size (const MxrImageHead *head, const char **out_problem)
{
  *out_problem = "An image has 1 to 4096 pixels on each side; scale it down.";
  return head->width_px >= 1 && head->height_px >= 1 && head->width_px <= MXR_IMAGE_MAX_PX &&
         head->height_px <= MXR_IMAGE_MAX_PX;
}

static bool
read_png (const guint8 *bytes, gsize n_bytes, MxrImageHead *head, const char **out_problem)
{
  *out_problem = cut_short;
  if (n_bytes < PNG_HEAD_BYTES || memcmp (bytes + 12, "IHDR", 4) != 0)
    return false;
  *head = (MxrImageHead){ "image/png", read_be (bytes + 16, 4), read_be (bytes + 20, 4), n_bytes };
  return check_size (head, out_problem);
}

/* Start of frame, of any kind: DHT, JPG and DAC have numbers among them. */
static bool
is_frame (guint8 marker)
{
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static bool
has_no_length (guint8 marker)
{
  return marker == JPEG_TEM || (marker >= 0xd0 && marker <= JPEG_EOI);
}

/* Behind a scan's head: to the next marker that is neither a stuffed byte nor a restart. */
static gsize
skip_scan (const guint8 *bytes, gsize n_bytes, gsize at)
{
  for (; at + 1 < n_bytes; at++)
    if (bytes[at] == 0xff && bytes[at + 1] != 0 && bytes[at + 1] != 0xff && (bytes[at + 1] & 0xf8) != 0xd0)
      return at;
  return n_bytes;
}

/* Marker by marker, to the end of the first picture: what follows it a decoder would take for the next one. */
static bool
read_jpeg (const guint8 *bytes, gsize n_bytes, MxrImageHead *head, const char **out_problem)
{
  gsize at = 2;

  *head = (MxrImageHead){ .type = "image/jpeg" };
  *out_problem = cut_short;
  while (at + 4 <= n_bytes || (at + 2 <= n_bytes && bytes[at] == 0xff && bytes[at + 1] == JPEG_EOI)) {
    guint8 marker = bytes[at + 1];
    if (bytes[at] != 0xff || marker == 0 || marker == JPEG_SOI) {
      *out_problem = "This is no JPEG that can be read; save it again.";
      return false;
    }
    if (marker == JPEG_EOI) {
      head->n_bytes = at + 2;
      return check_size (head, out_problem);
    }
    if (marker == 0xff || has_no_length (marker)) {
      at += marker == 0xff ? 1 : 2;
      continue;
    }
    guint length = read_be (bytes + at + 2, 2);
    if (length < 2 || length > n_bytes - at - 2)
      return false;
    if (is_frame (marker) && (head->width_px > 0 || length < 8)) {
      *out_problem = "The JPEG says its size twice or not at all; save it again.";
      return false;
    }
    if (is_frame (marker)) {
      head->height_px = read_be (bytes + at + 5, 2);
      head->width_px = read_be (bytes + at + 7, 2);
    }
    at += 2 + length;
    if (marker == JPEG_SOS)
      at = skip_scan (bytes, n_bytes, at);
  }
  return false;
}

bool
mxr_image_head_read (const guint8 *bytes, gsize n_bytes, MxrImageHead *out_head, const char **out_problem)
{
  static const guint8 png[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' }, jpeg[] = { 0xff, JPEG_SOI };
  MxrImageHead head;
  bool is_good = false;

  *out_problem = "Only PNG and JPEG images are taken.";
  if (n_bytes >= sizeof png && memcmp (bytes, png, sizeof png) == 0)
    is_good = read_png (bytes, n_bytes, &head, out_problem);
  else if (n_bytes >= sizeof jpeg && memcmp (bytes, jpeg, sizeof jpeg) == 0)
    is_good = read_jpeg (bytes, n_bytes, &head, out_problem);
  if (is_good)
    *out_head = head;
  return is_good;
}
