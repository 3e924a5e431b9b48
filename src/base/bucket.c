#include "mixroom/base.h"

bool
mxr_bucket_take (MxrBucket *bucket, double per_second, double burst, gint64 now_us)
{
  if (bucket->last_us == 0)
    bucket->tokens = burst;
  else if (now_us > bucket->last_us)
    bucket->tokens = MIN (burst, bucket->tokens + (double) (now_us - bucket->last_us) * per_second / G_USEC_PER_SEC);
  bucket->last_us = now_us;

  if (bucket->tokens < 1)
    return false;
  bucket->tokens -= 1;
  return true;
}
