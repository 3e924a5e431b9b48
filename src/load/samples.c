#include "samples.h"

#include <math.h>
#include <stdlib.h>

void
mxr_samples_add (MxrSamples *samples, double value)
{
  if (samples->n == samples->room) {
    samples->room = MAX (64, samples->room * 2);
    samples->values = g_renew (double, samples->values, samples->room);
  }
  samples->values[samples->n++] = value;
}

void
mxr_samples_add_all (MxrSamples *samples, const MxrSamples *others)
{
  for (guint i = 0; i < others->n; i++)
    mxr_samples_add (samples, others->values[i]);
}

void
mxr_samples_clear (MxrSamples *samples)
{
  g_free (samples->values);
  *samples = (MxrSamples){ 0 };
}

static int
compare (const void *a, const void *b)
{
  const double left = *(const double *) a, right = *(const double *) b;
  return (left > right) - (left < right);
}

double
mxr_samples_quantile (MxrSamples *samples, double quantile)
{
  if (samples->n == 0)
    return 0;
  qsort (samples->values, samples->n, sizeof samples->values[0], compare);
  const double rank = ceil (CLAMP (quantile, 0, 1) * samples->n);
  return samples->values[(guint) MAX (rank, 1) - 1];
}
