#include "h264-size.h"

/* H.264 7.4.2.1.1 */
#define POC_CYCLE_MAX 255
#define MACROBLOCK_PX 16
/* More macroblocks a side than any level allows; keeps the products small. */
#define MACROBLOCKS_MAX 65535

typedef struct {
  const guint8 *data;
  gsize n_bytes, at;
  guint n_zeros; /* before @at: for the emulation prevention byte (7.4.1) */
  guint8 byte;
  guint n_bits; /* of byte, not yet read */
  bool is_over;
} Bits;

static void
next_byte (Bits *bits)
{
  if (bits->n_zeros >= 2 && bits->at < bits->n_bytes && bits->data[bits->at] == 3) {
    bits->at++;
    bits->n_zeros = 0;
  }
  if (bits->at == bits->n_bytes) {
    bits->is_over = true;
    return;
  }
  bits->byte = bits->data[bits->at++];
  bits->n_zeros = bits->byte == 0 ? bits->n_zeros + 1 : 0;
  bits->n_bits = 8;
}

/* 0 behind the end. */
static guint
read_bit (Bits *bits)
{
  if (bits->n_bits == 0)
    next_byte (bits);
  if (bits->is_over)
    return 0;
  return bits->byte >> --bits->n_bits & 1;
}

static guint32
read_bits (Bits *bits, guint n)
{
  guint32 value = 0;
  while (n-- > 0)
    value = value << 1 | read_bit (bits);
  return value;
}

/* ue(v), 9.1 */
static guint32
read_ue (Bits *bits)
{
  guint n = 0;

  while (read_bit (bits) == 0 && !bits->is_over)
    if (++n == 32) {
      bits->is_over = true;
      return 0;
    }
  return (guint32) (((guint64) 1 << n) - 1 + read_bits (bits, n));
}

/* se(v), 9.1.1 */
static gint64
read_se (Bits *bits)
{
  gint64 code = read_ue (bits);
  return code % 2 == 1 ? (code + 1) / 2 : -(code / 2);
}

static bool
has_chroma_format (guint profile)
{
  static const guint8 profiles[] = { 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135 };

  for (guint i = 0; i < G_N_ELEMENTS (profiles); i++)
    if (profiles[i] == profile)
      return true;
  return false;
}

/* 7.3.2.1.1.1 */
static void
skip_scaling_list (Bits *bits, guint size)
{
  gint64 next = 8, last = 8;

  for (guint i = 0; i < size && next != 0 && !bits->is_over; i++) {
    next = (last + read_se (bits)) & 255;
    last = next != 0 ? next : last;
  }
}

static void
skip_chroma_format (Bits *bits)
{
  guint32 chroma_format = read_ue (bits);

  if (chroma_format == 3)
    read_bit (bits);
  read_ue (bits); /* bit depths */
  read_ue (bits);
  read_bit (bits);
  if (read_bit (bits) == 0)
    return;
  for (guint i = 0; i < (chroma_format == 3 ? 12 : 8); i++)
    if (read_bit (bits) == 1)
      skip_scaling_list (bits, i < 6 ? 16 : 64);
}

static void
skip_picture_order (Bits *bits)
{
  guint32 type = read_ue (bits);

  if (type == 0)
    read_ue (bits);
  if (type != 1)
    return;
  read_bit (bits);
  read_se (bits);
  read_se (bits);
  guint32 n = read_ue (bits);
  if (n > POC_CYCLE_MAX)
    bits->is_over = true;
  for (guint32 i = 0; i < n && !bits->is_over; i++)
    read_se (bits);
}

bool
mxr_h264_read_size (const guint8 *nal, gsize n_bytes, guint *out_width_px, guint *out_height_px)
{
  Bits bits = { .data = nal, .n_bytes = n_bytes, .at = 1 };

  if (n_bytes < 4)
    return false;
  guint profile = read_bits (&bits, 8);
  read_bits (&bits, 16); /* constraints, level */
  read_ue (&bits);
  if (has_chroma_format (profile))
    skip_chroma_format (&bits);
  read_ue (&bits);
  skip_picture_order (&bits);
  read_ue (&bits);
  read_bit (&bits);
  guint64 width = (guint64) read_ue (&bits) + 1;
  guint64 height = (guint64) read_ue (&bits) + 1;
  guint n_fields = 2 - read_bit (&bits);
  if (bits.is_over || width > MACROBLOCKS_MAX || height > MACROBLOCKS_MAX)
    return false;
  *out_width_px = (guint) width * MACROBLOCK_PX;
  *out_height_px = (guint) height * n_fields * MACROBLOCK_PX;
  return true;
}
