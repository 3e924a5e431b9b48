#ifndef LINK_CONTROL_H
#define LINK_CONTROL_H

#include "link-path.h"

/* What a link is told, on the command line or while it runs: "[a_to_b|b_to_a] NAME VALUE...". Without a
 * direction both are meant. */

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
