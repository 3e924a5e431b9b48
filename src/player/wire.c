#include "wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

bool
mxr_wire_send (int fd, const MxrWireHeader *header, const void *bytes, bool may_wait)
{
  struct iovec parts[] = {
    { .iov_base = (void *) header, .iov_len = sizeof *header },
    { .iov_base = (void *) bytes, .iov_len = header->n_bytes },
  };
  struct msghdr message = { .msg_iov = parts, .msg_iovlen = G_N_ELEMENTS (parts) };

  while (message.msg_iovlen > 0) {
    ssize_t n = sendmsg (fd, &message, MSG_NOSIGNAL | (may_wait ? 0 : MSG_DONTWAIT));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return false;
    while (message.msg_iovlen > 0 && (gsize) n >= message.msg_iov->iov_len) {
      n -= (ssize_t) message.msg_iov->iov_len;
      message.msg_iov++;
      message.msg_iovlen--;
    }
    if (message.msg_iovlen > 0) {
      message.msg_iov->iov_base = (char *) message.msg_iov->iov_base + n;
      message.msg_iov->iov_len -= (gsize) n;
    }
  }
  return true;
}

bool
mxr_wire_read (int fd, void *bytes, gsize n_bytes)
{
  char *at = bytes;

  while (n_bytes > 0) {
    ssize_t n = read (fd, at, n_bytes);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    at += n;
    n_bytes -= (gsize) n;
  }
  return true;
}
