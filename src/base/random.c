#include "mixroom/base.h"

#include <errno.h>
#include <sys/random.h>

char *
mxr_random_text (guint n_bytes)
{
  guint8 bytes[48];

  g_assert (n_bytes <= sizeof bytes && n_bytes % 3 == 0); /* so base64 has no padding */
  while (getrandom (bytes, n_bytes, 0) != (gssize) n_bytes)
    if (errno != EINTR) /* a signal, before the kernel's pool is ready at boot */
      g_error ("the system has no random numbers: %s", g_strerror (errno));
  char *text = g_base64_encode (bytes, n_bytes);
  g_strdelimit (text, "+", '-');
  g_strdelimit (text, "/", '_');
  return text;
}
