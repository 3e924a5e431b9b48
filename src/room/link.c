/* What a participant is told of its own connection. */

#include "room-private.h"

GVariant *
mxr_participant_describe_link (MxrParticipant *participant)
{
  GVariantDict dict;
  MxrPeerStats stats;
  double loss = -1, rtt_ms = -1;

  mxr_peer_get_stats (participant->peer, &stats);
  for (guint i = 0; i < MXR_PEER_N_KINDS; i++) {
    if (!stats.has_downlink[i])
      continue;
    /* One path, but a few packets of sound say less than many of picture: the worse of both. */
    loss = MAX (loss, stats.downlink[i].fraction_lost);
    rtt_ms = MAX (rtt_ms, stats.downlink[i].rtt_ms);
  }
  g_variant_dict_init (&dict, NULL);
  if (loss >= 0)
    g_variant_dict_insert (&dict, "loss", "d", loss);
  if (rtt_ms >= 0)
    g_variant_dict_insert (&dict, "roundTrip", "d", rtt_ms);
  return g_variant_dict_end (&dict);
}
