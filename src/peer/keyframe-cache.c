#include "keyframe-cache.h"

static GPtrArray *
new_list (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) mxr_rtp_packet_unref);
}

void
mxr_keyframe_cache_init (MxrKeyframeCache *cache)
{
  *cache = (MxrKeyframeCache){ .packets = new_list () };
  g_mutex_init (&cache->lock);
}

void
mxr_keyframe_cache_clear (MxrKeyframeCache *cache)
{
  g_ptr_array_unref (cache->packets);
  g_mutex_clear (&cache->lock);
}

/* What was kept is let go without the lock. */
static void
begin_anew (MxrKeyframeCache *cache)
{
  g_autoptr (GPtrArray) former = cache->packets;

  g_mutex_lock (&cache->lock);
  cache->packets = new_list ();
  g_mutex_unlock (&cache->lock);
}

/* Looked at where a frame begins, since one that is cut off is of no use; unless it has no end. */
static bool
is_too_much (const MxrKeyframeCache *cache, const MxrRtpPacket *packet)
{
  const MxrRtpPacket *first = cache->packets->pdata[0];

  if (cache->packets->len >= MXR_KEYFRAME_CACHE_LIMIT_PACKETS)
    return true;
  return packet->timestamp != cache->timestamp &&
         (cache->packets->len >= MXR_KEYFRAME_CACHE_MAX_PACKETS ||
          packet->pushed_us - first->pushed_us > MXR_KEYFRAME_CACHE_MAX_US);
}

void
mxr_keyframe_cache_add (MxrKeyframeCache *cache, MxrRtpPacket *packet)
{
  if (!cache->is_kept && !packet->is_keyframe_start)
    return;
  if (packet->is_keyframe_start || is_too_much (cache, packet)) {
    cache->is_kept = packet->is_keyframe_start;
    begin_anew (cache);
  }
  if (!cache->is_kept)
    return;
  cache->timestamp = packet->timestamp;
  g_mutex_lock (&cache->lock);
  g_ptr_array_add (cache->packets, mxr_rtp_packet_ref (packet));
  g_mutex_unlock (&cache->lock);
}

static gpointer
take_reference (gconstpointer packet, gpointer unused)
{
  return mxr_rtp_packet_ref ((MxrRtpPacket *) packet);
}

GPtrArray *
mxr_keyframe_cache_get (MxrKeyframeCache *cache)
{
  GPtrArray *packets = NULL;

  g_mutex_lock (&cache->lock);
  if (cache->packets->len > 0)
    packets = g_ptr_array_copy (cache->packets, take_reference, NULL);
  g_mutex_unlock (&cache->lock);
  return packets;
}
