#include "mixroom/base.h"

/* Upper bounds [ms]: finest where a budget of 45 to 70 ms is spent, 1 s and more is one class. */
static const gint64 bounds_us[MXR_DELAY_N_BUCKETS - 1] = { 1000,  2000,  5000,  10000,  20000,  30000, 45000,
                                                           60000, 80000, 120000, 250000, 500000, 1000000 };

gint64
mxr_delay_get_bound_us (guint bucket)
{
  return bucket < G_N_ELEMENTS (bounds_us) ? bounds_us[bucket] : G_MAXINT64;
}

void
mxr_delay_note (MxrDelay *delay, gint64 delay_us)
{
  guint bucket = 0;

  delay_us = MAX (delay_us, 0);
  while (delay_us > mxr_delay_get_bound_us (bucket))
    bucket++;
  atomic_fetch_add_explicit (&delay->counts[bucket], 1, memory_order_relaxed);
  atomic_fetch_add_explicit (&delay->sum_us, delay_us, memory_order_relaxed);
}

void
mxr_delay_read (const MxrDelay *delay, MxrDelayCounts *out_counts)
{
  *out_counts = (MxrDelayCounts){ .sum_us = atomic_load_explicit (&delay->sum_us, memory_order_relaxed) };
  for (guint i = 0; i < MXR_DELAY_N_BUCKETS; i++) {
    out_counts->counts[i] = atomic_load_explicit (&delay->counts[i], memory_order_relaxed);
    out_counts->n += out_counts->counts[i];
  }
}

void
mxr_delay_counts_add (MxrDelayCounts *sum, const MxrDelayCounts *counts)
{
  sum->n += counts->n;
  sum->sum_us += counts->sum_us;
  for (guint i = 0; i < MXR_DELAY_N_BUCKETS; i++)
    sum->counts[i] += counts->counts[i];
}

gint64
mxr_delay_counts_quantile_us (const MxrDelayCounts *counts, double quantile)
{
  double rank = quantile * (double) counts->n;
  guint64 below = 0;

  for (guint i = 0; i < MXR_DELAY_N_BUCKETS; i++) {
    if (counts->counts[i] == 0 || (double) (below + counts->counts[i]) < rank) {
      below += counts->counts[i];
      continue;
    }
    gint64 low_us = i == 0 ? 0 : bounds_us[i - 1];
    gint64 high_us = i < G_N_ELEMENTS (bounds_us) ? bounds_us[i] : low_us;
    return low_us + (gint64) ((double) (high_us - low_us) * (rank - (double) below) / (double) counts->counts[i]);
  }
  return 0;
}
