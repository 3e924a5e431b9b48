#include "guard.h"

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "address.h"

#define EXPORTED __attribute__ ((visibility ("default")))

/* What names that may be fetched from have led to. A stream that walks through more is up to no good. */
#define KNOWN_MAX 256

static struct {
  GMutex lock;
  bool is_open, private_addresses;
  char *hosts;
  char *refusal;
  GPtrArray *known; /* char *: addresses of allowed names, as text */
} guard;

void
mxr_guard_open (const char *allowed_hosts, bool private_addresses)
{
  g_mutex_lock (&guard.lock);
  guard.hosts = g_strdup (allowed_hosts);
  guard.private_addresses = private_addresses;
  guard.known = g_ptr_array_new_with_free_func (g_free);
  if (mxr_host_matches (allowed_hosts, "localhost")) { /* which GLib does not look up */
    g_ptr_array_add (guard.known, g_strdup ("127.0.0.1"));
    g_ptr_array_add (guard.known, g_strdup ("::1"));
  }
  guard.is_open = true;
  g_mutex_unlock (&guard.lock);
}

char *
mxr_guard_take_refusal (void)
{
  g_mutex_lock (&guard.lock);
  char *refusal = g_steal_pointer (&guard.refusal);
  g_mutex_unlock (&guard.lock);
  return refusal;
}

static void
note_locked (const char *what, const char *why)
{
  if (guard.refusal == NULL)
    guard.refusal = g_strdup_printf ("nothing may be fetched from %s, %s", what, why);
}

static bool
is_known_locked (const char *address)
{
  return g_ptr_array_find_with_equal_func (guard.known, address, g_str_equal, NULL);
}

static char *
to_text (const struct sockaddr *address, socklen_t n_bytes)
{
  char text[NI_MAXHOST];
  int result = getnameinfo (address, n_bytes, text, sizeof text, NULL, 0, NI_NUMERICHOST);
  return g_strdup (result == 0 ? text : "an address of another kind");
}

static bool
may_connect (const struct sockaddr *address, socklen_t n_bytes)
{
  g_autofree char *text = to_text (address, n_bytes);

  g_mutex_lock (&guard.lock);
  bool is_public = guard.private_addresses || mxr_address_is_public (address, n_bytes);
  bool is_of_host = guard.is_open && (mxr_host_matches (guard.hosts, text) || is_known_locked (text));
  if (!is_public)
    note_locked (text, "which is no public address");
  else if (!is_of_host)
    note_locked (text, "which players.allowed_hosts does not have");
  g_mutex_unlock (&guard.lock);
  return is_public && is_of_host;
}

/* ---- In libc's place ------------------------------------------------------------------------------------------ */

/* Addresses of datagrams pass connect() by. libc's own look-ups of names do not come by here. */
EXPORTED int
socket (int domain, int type, int protocol)
{
  static int (*next) (int, int, int);
  bool is_stream = (type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) == SOCK_STREAM;

  if (next == NULL)
    next = dlsym (RTLD_NEXT, "socket");
  if (domain != AF_UNIX && domain != AF_NETLINK && !((domain == AF_INET || domain == AF_INET6) && is_stream)) {
    errno = EACCES;
    return -1;
  }
  return next (domain, type, protocol);
}

/* Local sockets are those of services that look up names. */
EXPORTED int
connect (int fd, const struct sockaddr *address, socklen_t n_bytes)
{
  static int (*next) (int, const struct sockaddr *, socklen_t);

  if (next == NULL)
    next = dlsym (RTLD_NEXT, "connect");
  if (address != NULL && address->sa_family != AF_UNIX && !may_connect (address, n_bytes)) {
    errno = EACCES;
    return -1;
  }
  return next (fd, address, n_bytes);
}

static bool
may_look_up (const char *name)
{
  g_mutex_lock (&guard.lock);
  bool may = guard.is_open && mxr_host_matches (guard.hosts, name);
  if (!may)
    note_locked (name, "which players.allowed_hosts does not have");
  g_mutex_unlock (&guard.lock);
  return may;
}

static void
note_known (const struct addrinfo *found)
{
  for (; found != NULL; found = found->ai_next) {
    char *text = to_text (found->ai_addr, found->ai_addrlen);
    g_mutex_lock (&guard.lock);
    if (guard.known->len < KNOWN_MAX && !is_known_locked (text))
      g_ptr_array_add (guard.known, g_steal_pointer (&text));
    g_mutex_unlock (&guard.lock);
    g_free (text);
  }
}

EXPORTED int
getaddrinfo (const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out_found)
{
  static int (*next) (const char *, const char *, const struct addrinfo *, struct addrinfo **);

  if (next == NULL)
    next = dlsym (RTLD_NEXT, "getaddrinfo");
  if (name != NULL && !may_look_up (name))
    return EAI_FAIL;
  int result = next (name, service, hints, out_found);
  if (result == 0 && name != NULL)
    note_known (*out_found);
  return result;
}
