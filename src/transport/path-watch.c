#include "path-watch.h"

#include <openssl/crypto.h>
#include <string.h>

bool
mxr_path_equal (const MxrPath *a, const MxrPath *b)
{
  return a->port == b->port && mxr_udp_address_equal (&a->remote, &b->remote);
}

static void
become_idle (MxrPathWatch *watch)
{
  watch->state = MXR_PATH_IDLE;
  watch->due_us = watch->is_kept ? watch->keep_due_us : 0;
}

void
mxr_path_watch_heard_here (MxrPathWatch *watch)
{
  if (watch->state != MXR_PATH_IDLE)
    become_idle (watch);
}

void
mxr_path_watch_heard_there (MxrPathWatch *watch, const MxrPath *path, gint64 now_us)
{
  if (watch->state != MXR_PATH_IDLE && mxr_path_equal (&watch->other, path))
    return;
  watch->state = MXR_PATH_LISTENING;
  watch->other = *path;
  watch->due_us = now_us + MXR_PATH_SILENCE_US;
}

static bool
take_check (MxrPathWatch *watch, gint64 now_us)
{
  if (watch->period_us == 0 || now_us - watch->period_us >= MXR_PATH_CHECKS_PERIOD_US) {
    watch->period_us = now_us;
    watch->n_checks = 0;
  }
  if (watch->n_checks == MXR_PATH_CHECKS_MAX)
    return false;
  watch->n_checks++;
  return true;
}

/* One transaction for all checks of a place: a late answer to the first counts (RFC 5389 7.2.1). */
static MxrPathStep
step_other (MxrPathWatch *watch, const guint8 *transaction, gint64 now_us)
{
  if (watch->state == MXR_PATH_LISTENING)
    memcpy (watch->transaction, transaction, sizeof watch->transaction);
  watch->state = MXR_PATH_ASKING;
  if (take_check (watch, now_us)) {
    watch->due_us = now_us + MXR_PATH_CHECK_INTERVAL_US;
    return MXR_PATH_CHECK_OTHER;
  }
  become_idle (watch);
  return MXR_PATH_NOTHING;
}

static MxrPathStep
step_kept (MxrPathWatch *watch, const guint8 *transaction, gint64 now_us)
{
  if (now_us - watch->answered_us >= MXR_PATH_KEEP_TIMEOUT_US) {
    watch->is_kept = false;
    become_idle (watch);
    return MXR_PATH_LOST;
  }
  memcpy (watch->keep_transaction, transaction, sizeof watch->keep_transaction);
  watch->keep_due_us = watch->due_us = now_us + MXR_PATH_KEEP_INTERVAL_US;
  return MXR_PATH_CHECK_KEPT;
}

MxrPathStep
mxr_path_watch_step (MxrPathWatch *watch, const guint8 *transaction, gint64 now_us)
{
  if (watch->due_us == 0 || now_us < watch->due_us)
    return MXR_PATH_NOTHING;
  return watch->state != MXR_PATH_IDLE ? step_other (watch, transaction, now_us)
                                       : step_kept (watch, transaction, now_us);
}

static bool
is_transaction (const guint8 *a, const guint8 *b)
{
  return CRYPTO_memcmp (a, b, MXR_STUN_TRANSACTION_BYTES) == 0;
}

bool
mxr_path_watch_answered (MxrPathWatch *watch, const guint8 *transaction, const MxrPath *from, gint64 now_us)
{
  if (watch->state == MXR_PATH_ASKING && is_transaction (transaction, watch->transaction) &&
      mxr_path_equal (from, &watch->other)) {
    watch->is_kept = true;
    watch->answered_us = now_us;
    watch->keep_due_us = now_us + MXR_PATH_KEEP_INTERVAL_US;
    become_idle (watch);
    return true;
  }
  if (watch->is_kept && is_transaction (transaction, watch->keep_transaction))
    watch->answered_us = now_us;
  return false;
}

void
mxr_path_watch_reset (MxrPathWatch *watch)
{
  watch->is_kept = false;
  memset (watch->transaction, 0, sizeof watch->transaction);
  memset (watch->keep_transaction, 0, sizeof watch->keep_transaction);
  become_idle (watch);
}
