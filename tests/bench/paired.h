#ifndef PAIRED_H
#define PAIRED_H

#include <glib.h>

G_BEGIN_DECLS

/* Two ways of doing one job, measured in turn in one process, since a figure of a machine that does other
 * things too means little, and the ratio of two taken one after the other much. */

/** PairedFunc: Does the job once. Returns: what it cost, in the bench's unit. */
typedef double (*PairedFunc) (gconstpointer job);

typedef struct {
  const char *name;
  PairedFunc measure; /* (nullable): not to be had on this machine; left out */
} PairedWay;

typedef struct {
  char *json; /* (nullable): a file to append to */
  int n_runs;
  const char *media; /* "clips" or "synthetic": what is worked on */
} Paired;

/** paired_init: Reads and removes --json FILE, --runs N and --quick. Ends the process when there is something
 * else. */
void paired_init (Paired *paired, int *argc, char ***argv, const char *media);
void paired_clear (Paired *paired);

/** paired_cpu_s: Returns: what this process has used so far, all threads, [s]. */
double paired_cpu_s (void);

/**
 * paired_measure:
 * @bench: and @size: what is measured
 * @subject: ours
 * @rivals: (array length=n_rivals): each is run after the subject, as often as that
 * @job: for the functions
 *
 * Prints a line for each rival, and appends to the file a JSON object on a line of its own: bench, size,
 * subject and rival_cost (medians, CPU seconds per second of media), rival, ratio (median of subject / rival
 * of the same run), ratio_min, ratio_max, runs, media, unit. Less than 1 means that the subject is cheaper.
 */
void paired_measure (const Paired *paired, const char *bench, guint size, PairedFunc subject,
                     const PairedWay *rivals, guint n_rivals, gconstpointer job);

G_END_DECLS

#endif
