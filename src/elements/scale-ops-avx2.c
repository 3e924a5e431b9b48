#include "scale-ops.h"

#include <immintrin.h>
#include <string.h>

/* Built with -mavx2 in a library of its own, and called only where the processor has it. */

/* Multiplied by this, halved 15 times and rounded: what (sum + 64) >> 7 is. */
#define ROUND (1 << (15 - MXR_SCALE_WEIGHT_BITS))

static inline __m256i
load (const void *bytes)
{
  return _mm256_loadu_si256 (bytes);
}

/* Two weights side by side, as often as they fit. */
static inline __m256i
pair_of (gint16 first, gint16 second)
{
  return _mm256_set1_epi16 ((short) ((first & 0xff) | second * 256));
}

static inline __m256i
blend_two (const guint8 *first, const guint8 *second, __m256i weights, __m256i *out_high)
{
  __m256i a = load (first), b = load (second);
  *out_high = _mm256_maddubs_epi16 (_mm256_unpackhi_epi8 (a, b), weights);
  return _mm256_maddubs_epi16 (_mm256_unpacklo_epi8 (a, b), weights);
}

static inline void
blend_32 (guint8 *out, const guint8 *const *rows, int at, __m256i near, __m256i far)
{
  const __m256i round = _mm256_set1_epi16 (ROUND);
  __m256i high, low = blend_two (rows[0] + at, rows[1] + at, near, &high);
  __m256i far_high, far_low = blend_two (rows[2] + at, rows[3] + at, far, &far_high);

  low = _mm256_mulhrs_epi16 (_mm256_adds_epi16 (low, far_low), round);
  high = _mm256_mulhrs_epi16 (_mm256_adds_epi16 (high, far_high), round);
  _mm256_storeu_si256 ((__m256i *) (out + at), _mm256_packus_epi16 (low, high));
}

static void
blend_rows (guint8 *out, const guint8 *const rows[MXR_SCALE_TAPS], const gint16 weights[MXR_SCALE_TAPS],
            int n)
{
  const __m256i near = pair_of (weights[0], weights[1]), far = pair_of (weights[2], weights[3]);

  if (n < 32) {
    mxr_scale_ops_c.blend_rows (out, rows, weights, n);
    return;
  }
  for (int k = 0; k < MXR_SCALE_TAPS; k++)
    if (weights[k] == MXR_SCALE_ONE) {
      memcpy (out, rows[k], (gsize) n);
      return;
    }
  for (int at = 0; at + 32 <= n; at += 32)
    blend_32 (out, rows, at, near, far);
  if (n % 32 != 0)
    blend_32 (out, rows, n - 32, near, far);
}

static inline __m256i
pick (const guint8 *row, const MxrScaleBlock *block, int ahead)
{
  __m128i low = _mm_loadu_si128 ((const __m128i *) (row + block->from[0] + ahead));
  __m128i high = _mm_loadu_si128 ((const __m128i *) (row + block->from[1] + ahead));
  return _mm256_shuffle_epi8 (_mm256_set_m128i (high, low), load (block->pick));
}

static void
scale_row (guint8 *out, const guint8 *row, const MxrScaleAxis *axis)
{
  const __m256i round = _mm256_set1_epi16 (ROUND);

  if (axis->n_blocks == 0) {
    mxr_scale_ops_c.scale_row (out, row, axis);
    return;
  }
  for (guint i = 0; i < axis->n_blocks; i++) {
    const MxrScaleBlock *block = &axis->blocks[i];
    __m256i sum = _mm256_maddubs_epi16 (pick (row, block, 0), load (block->weights[0]));
    __m256i far = _mm256_maddubs_epi16 (pick (row, block, 2), load (block->weights[1]));
    sum = _mm256_mulhrs_epi16 (_mm256_adds_epi16 (sum, far), round);
    __m128i bytes = _mm_packus_epi16 (_mm256_castsi256_si128 (sum), _mm256_extracti128_si256 (sum, 1));
    _mm_storeu_si128 ((__m128i *) (out + block->to), bytes);
  }
}

const MxrScaleOps mxr_scale_ops_avx2 = { "avx2", blend_rows, scale_row };
