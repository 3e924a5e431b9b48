#ifndef MXR_LOAD_REPORT_H
#define MXR_LOAD_REPORT_H

#include "cast.h"
#include "options.h"
#include "tally.h"
#include "usage.h"

/* What came of a run, and what it says to people and to programs. Pure but for the file. */

typedef struct {
  const MxrLoadOptions *options;
  guint n_wanted, n_joined, n_failed, n_lost; /* lost: were there, and went without being asked */
  guint n_rejoined;                           /* churn */
  guint n_not_left;                           /* the server did not answer their leaving */
  char *first_error;                          /* (nullable) */
  bool is_stopped;                            /* before its time */
  double steady_s;                            /* 0: it was not reached */
  MxrTally tally;                             /* of the steady phase */
  MxrCastMarks marks;
  MxrUsage own_begin, own_end, server_begin, server_end;
} MxrReport;

void mxr_report_clear (MxrReport *report);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MxrReport, mxr_report_clear)

typedef struct {
  const char *name;
  bool is_passed;
  char *detail;
} MxrCheck;

/** mxr_report_judge: Returns: (transfer full) (element-type MxrCheck): those that apply to what was asked for. */
GArray *mxr_report_judge (MxrReport *report);
bool mxr_checks_passed (const GArray *checks);

char *mxr_report_describe (MxrReport *report, const GArray *checks);
/** mxr_report_to_json: Returns: (transfer full): one object in one line. */
char *mxr_report_to_json (MxrReport *report, const GArray *checks);

#endif
