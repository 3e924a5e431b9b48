#ifndef MXR_LOAD_SAMPLES_H
#define MXR_LOAD_SAMPLES_H

#include <stdbool.h>
#include <glib.h>

/* A set of measured values. A zeroed one is empty. Pure. */
typedef struct {
  double *values;
  guint n;
  guint room;
} MxrSamples;

void mxr_samples_add (MxrSamples *samples, double value);
void mxr_samples_add_all (MxrSamples *samples, const MxrSamples *others);
void mxr_samples_clear (MxrSamples *samples);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MxrSamples, mxr_samples_clear)

/**
 * mxr_samples_quantile:
 * @quantile: [0..1]
 *
 * Sorts @samples. Returns: the smallest value that at least that share of all does not exceed; 0 of none.
 */
double mxr_samples_quantile (MxrSamples *samples, double quantile);

#endif
