#ifndef MXR_LOAD_RUN_H
#define MXR_LOAD_RUN_H

#include "report.h"

/**
 * mxr_run:
 * @cast: made from the same options
 * @out_report: (out caller-allocates): zeroed; what came of it, also after an error
 *
 * All join at the ramp's pace, what they get is measured for the duration, all leave. SIGINT and SIGTERM end it early,
 * a second one at once. Runs the default main context. Thread: main.
 *
 * Errors: the server cannot be reached, or this machine cannot do it; then there is nothing to judge.
 */
bool mxr_run (const MxrLoadOptions *options, MxrCast *cast, MxrReport *out_report, GError **error);

#endif
