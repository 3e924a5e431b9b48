#include "stun-peek.h"

#include <sys/socket.h>

#define N_PEEKED 8
#define PEEK_BYTES 1280 /* the largest STUN message we look at */

void
mxr_stun_peek (int fd, MxrStunPeekFunc func, gpointer user_data)
{
  guint8 data[N_PEEKED][PEEK_BYTES];
  MxrUdpAddress from[N_PEEKED];
  struct iovec vectors[N_PEEKED];
  struct mmsghdr messages[N_PEEKED];
  const int from_the_first = 0;

  /* Without it each would be the first again (socket(7), SO_PEEK_OFF). */
  setsockopt (fd, SOL_SOCKET, SO_PEEK_OFF, &from_the_first, sizeof from_the_first);
  for (guint i = 0; i < N_PEEKED; i++) {
    vectors[i] = (struct iovec){ data[i], PEEK_BYTES };
    messages[i].msg_hdr =
        (struct msghdr){ .msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &vectors[i], .msg_iovlen = 1 };
  }
  const int n_peeked = recvmmsg (fd, messages, N_PEEKED, MSG_PEEK | MSG_DONTWAIT, NULL);
  for (int i = 0; i < n_peeked; i++)
    func (&from[i], data[i], messages[i].msg_len, user_data);
}
