#include "link-control.h"

#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 2
#define BURST_MAX_PERCENT 90 /* more leaves no time between two bursts */

static const struct {
  const char *name;
  size_t offset;
  double scale, max;
} whole[] = {
  { "delay_ms", offsetof (LinkParams, delay_us), 1000, 10000 },
  { "jitter_ms", offsetof (LinkParams, jitter_us), 1000, 10000 },
  { "rate_kbps", offsetof (LinkParams, rate_bps), 1000, 1e7 },
  { "queue_ms", offsetof (LinkParams, queue_us), 1000, 60000 },
  { "queue_bytes", offsetof (LinkParams, queue_bytes), 1, 1e9 },
  { "cut", offsetof (LinkParams, is_cut), 1, 1 },
};

/* In percent. */
static const struct {
  const char *name;
  size_t offset;
} shares[] = {
  { "loss", offsetof (LinkParams, loss) },
  { "reorder", offsetof (LinkParams, reorder) },
  { "duplicate", offsetof (LinkParams, duplicate) },
};

static bool
parse (const char *text, double max, double *out_value)
{
  char *end;
  const double value = strtod (text, &end);

  if (end == text || *end != '\0' || !(value >= 0 && value <= max))
    return false;
  *out_value = value;
  return true;
}

static const char *
apply_burst (LinkParams *params, const char *const *values, unsigned n_values)
{
  double percent, n_packets = 1;

  if (n_values < 1 || !parse (values[0], BURST_MAX_PERCENT, &percent) ||
      (n_values > 1 && (!parse (values[1], 1e6, &n_packets) || n_packets < 1)))
    return "burst: a percentage, and a mean length of at least one packet";
  params->burst_loss = percent / 100;
  params->burst_packets = n_packets;
  return NULL;
}

static const char *
apply_one (LinkParams *params, const char *name, const char *const *values, unsigned n_values)
{
  double value;

  if (strcmp (name, "burst") == 0)
    return apply_burst (params, values, n_values);
  for (unsigned i = 0; i < sizeof whole / sizeof *whole; i++)
    if (strcmp (name, whole[i].name) == 0) {
      if (n_values != 1 || !parse (values[0], whole[i].max, &value))
        return "not a number, or out of its range";
      *(int64_t *) ((char *) params + whole[i].offset) = (int64_t) (value * whole[i].scale);
      return NULL;
    }
  for (unsigned i = 0; i < sizeof shares / sizeof *shares; i++)
    if (strcmp (name, shares[i].name) == 0) {
      if (n_values != 1 || !parse (values[0], 100, &value))
        return "not a percentage";
      *(double *) ((char *) params + shares[i].offset) = value / 100;
      return NULL;
    }
  return "nothing of that name";
}

const char *
link_control_apply (LinkParams params[2], const char *const *words)
{
  static const char *const directions[] = { "a_to_b", "b_to_a" };
  LinkParams changed[2] = { params[0], params[1] };
  int only = -1;
  unsigned n_values = 0;

  for (int i = 0; i < 2; i++)
    if (words[0] != NULL && strcmp (words[0], directions[i]) == 0)
      only = i;
  if (only >= 0)
    words++;
  if (words[0] == NULL)
    return "what?";
  while (words[1 + n_values] != NULL)
    if (++n_values > VALUES_MAX)
      return "too much of it";
  for (int i = 0; i < 2; i++) {
    const char *error = only < 0 || only == i ? apply_one (&changed[i], words[0], words + 1, n_values) : NULL;
    if (error != NULL)
      return error;
  }
  memcpy (params, changed, sizeof changed);
  return NULL;
}

void
link_control_split (char *line, const char **out_words, unsigned n_max)
{
  unsigned n = 0;
  char *rest;

  for (char *word = strtok_r (line, " ,\t\r\n", &rest); word != NULL && n + 1 < n_max;
       word = strtok_r (NULL, " ,\t\r\n", &rest))
    out_words[n++] = word;
  out_words[n] = NULL;
}
