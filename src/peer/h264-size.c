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

/* Returns: chroma_format_idc. */
static guint32
read_chroma_format (Bits *bits)
{
  guint32 chroma_format = read_ue (bits);

  if (chroma_format == 3)
    read_bit (bits);
  read_ue (bits); /* bit depths */
  read_ue (bits);
  read_bit (bits);
  if (read_bit (bits) == 0)
    return chroma_format;
  for (guint i = 0; i < (chroma_format == 3 ? 12 : 8); i++)
    if (read_bit (bits) == 1)
      skip_scaling_list (bits, i < 6 ? 16 : 64);
  return chroma_format;
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

typedef struct {
  guint width_px, height_px; /* coded */
  guint n_fields;            /* that a frame may have */
  guint32 chroma_format;
} Coded;

static bool
read_coded (Bits *bits, Coded *out_coded)
{
  Coded coded = { .chroma_format = 1 };

  if (bits->n_bytes < 4)
    return false;
  guint profile = read_bits (bits, 8);
  read_bits (bits, 16); /* constraints, level */
  read_ue (bits);
  if (has_chroma_format (profile))
    coded.chroma_format = read_chroma_format (bits);
  read_ue (bits);
  skip_picture_order (bits);
  read_ue (bits);
  read_bit (bits);
  guint64 width = (guint64) read_ue (bits) + 1;
  guint64 height = (guint64) read_ue (bits) + 1;
  coded.n_fields = 2 - read_bit (bits);
  if (bits->is_over || width > MACROBLOCKS_MAX || height > MACROBLOCKS_MAX)
    return false;
  coded.width_px = (guint) width * MACROBLOCK_PX;
  coded.height_px = (guint) height * coded.n_fields * MACROBLOCK_PX;
  *out_coded = coded;
  return true;
}

bool
mxr_h264_read_size (const guint8 *nal, gsize n_bytes, guint *out_width_px, guint *out_height_px)
{
  Bits bits = { .data = nal, .n_bytes = n_bytes, .at = 1 };
  Coded coded;

  if (!read_coded (&bits, &coded))
    return false;
  *out_width_px = coded.width_px;
  *out_height_px = coded.height_px;
  return true;
}

/* 7.4.2.1.1: offsets are in samples of chroma, and of lines of one field. */
bool
mxr_h264_read_shown_size (const guint8 *nal, gsize n_bytes, guint *out_width_px, guint *out_height_px)
{
  Bits bits = { .data = nal, .n_bytes = n_bytes, .at = 1 };
  guint64 left = 0, right = 0, top = 0, below = 0;
  Coded coded;

  if (!read_coded (&bits, &coded))
    return false;
  if (coded.n_fields == 2)
    read_bit (&bits);
  read_bit (&bits);
  if (read_bit (&bits) == 1) {
    left = read_ue (&bits);
    right = read_ue (&bits);
    top = read_ue (&bits);
    below = read_ue (&bits);
  }
  guint64 cut_width = (left + right) * (coded.chroma_format == 1 || coded.chroma_format == 2 ? 2 : 1);
  guint64 cut_height = (top + below) * (coded.chroma_format == 1 ? 2 : 1) * coded.n_fields;
  if (bits.is_over || cut_width >= coded.width_px || cut_height >= coded.height_px)
    return false;
  *out_width_px = coded.width_px - (guint) cut_width;
  *out_height_px = coded.height_px - (guint) cut_height;
  return true;
}
