#ifndef LINK_CONTROL_H
#define LINK_CONTROL_H

#include "link-path.h"

/* What a link is told, on the command line or while it runs: "[a_to_b|b_to_a] NAME VALUE...". Without a
 * direction both are meant.
 *
 *   delay_ms N, jitter_ms N, reorder %, duplicate %, loss %    each packet for itself
 *   burst % PACKETS                                            lost besides, in bursts of that mean length
 *   rate_kbps N                                                0: no limit
 *   queue_ms N, queue_bytes N                                  what may wait for the rate; 0: no limit
 *   cut 0|1                                                    whatever arrives is lost */

/**
 * link_control_apply:
 * @params: of a_to_b and b_to_a
 * @words: NULL-terminated: direction or not, name, values
 *
 * Returns: NULL, or what is wrong (static), and then nothing is changed.
 */
const char *link_control_apply (LinkParams params[2], const char *const *words);

/** link_control_split: Cuts @line at spaces and commas. @out_words: NULL-terminated, at most @n_max - 1 */
void link_control_split (char *line, const char **out_words, unsigned n_max);

#endif
