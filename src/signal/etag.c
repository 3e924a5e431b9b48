#include "etag.h"

#include <string.h>

/* Commas may stand within the quotes, so the list is not simply split. */
bool
mxr_etag_is_listed (const char *if_match, const char *etag)
{
  const char *at = if_match + strspn (if_match, " \t");
  gsize n_bytes = strlen (etag);

  if (*at == '*')
    return at[1 + strspn (at + 1, " \t")] == '\0';
  while (*(at += strspn (at, " \t,")) != '\0') {
    bool is_weak = g_str_has_prefix (at, "W/");
    const char *tag = is_weak ? at + 2 : at;
    const char *quote = *tag == '"' ? strchr (tag + 1, '"') : NULL;
    if (quote == NULL)
      return false;
    at = quote + 1;
    if (at[strspn (at, " \t")] != '\0' && at[strspn (at, " \t")] != ',')
      return false;
    if (!is_weak && (gsize) (at - tag) == n_bytes && memcmp (tag, etag, n_bytes) == 0)
      return true;
  }
  return false;
}
