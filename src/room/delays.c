/* How long each stage of a room holds sound and picture up: for operators since the start of the server, for people as
 * it was of late. */

#include "room-private.h"

/* What is told covers between one and two of these. */
#define WINDOW_US (5 * G_TIME_SPAN_SECOND)

static const char *const kind_names[MXR_PEER_N_KINDS] = { [MXR_RTP_AUDIO] = "audio", [MXR_RTP_VIDEO] = "video" };

/* In the order of the way. */
static const char *const stage_names[MXR_N_DELAY_STAGES] = {
  [MXR_DELAY_STAGE_BUFFER] = "buffer",   [MXR_DELAY_STAGE_DECODE] = "decode", [MXR_DELAY_STAGE_WAIT] = "wait",
  [MXR_DELAY_STAGE_COMPOSE] = "compose", [MXR_DELAY_STAGE_ENCODE] = "encode", [MXR_DELAY_STAGE_SEND] = "send",
};

/* ---- Readings -------------------------------------------------------------------------------------------- */

static void
read_room (MxrRoom *room, MxrStageDelays *out_delays)
{
  *out_delays = (MxrStageDelays){ 0 };
  for (guint kind = 0; kind < MXR_PEER_N_KINDS; kind++) {
    MxrDelayCounts *stages = out_delays->counts[kind];
    mxr_delay_read (&room->env.delays->buffer[kind], &stages[MXR_DELAY_STAGE_BUFFER]);
    mxr_delay_read (&room->env.delays->decode[kind], &stages[MXR_DELAY_STAGE_DECODE]);
    mxr_delay_read (&room->env.delays->send[kind], &stages[MXR_DELAY_STAGE_SEND]);
  }
  mxr_graph_read_delays (room->graph, out_delays);
}

static void
add_delays (MxrStageDelays *sum, const MxrStageDelays *delays)
{
  for (guint kind = 0; kind < MXR_PEER_N_KINDS; kind++)
    for (guint stage = 0; stage < MXR_N_DELAY_STAGES; stage++)
      mxr_delay_counts_add (&sum->counts[kind][stage], &delays->counts[kind][stage]);
}

static void
subtract (MxrDelayCounts *counts, const MxrDelayCounts *before)
{
  counts->n -= before->n;
  counts->sum_us -= before->sum_us;
  for (guint i = 0; i < MXR_DELAY_N_BUCKETS; i++)
    counts->counts[i] -= before->counts[i];
}

void
mxr_delays_tick (MxrRoom *room, gint64 now_us)
{
  if (now_us < room->delays_due_us)
    return;
  room->delays_due_us = now_us + WINDOW_US;
  room->delays_before = room->delays_lately;
  read_room (room, &room->delays_lately);
}

void
mxr_delays_end (MxrRoom *room)
{
  MxrStageDelays delays;
  read_room (room, &delays);
  add_delays (&room->hub->ended_delays, &delays);
}

/* ---- For people ------------------------------------------------------------------------------------------ */

static void
add_quantile (GVariantBuilder *dict, const char *name, const MxrDelayCounts *counts, double quantile)
{
  double delay_ms = (double) mxr_delay_counts_quantile_us (counts, quantile) / 1000;
  g_variant_builder_add (dict, "{sv}", name, g_variant_new_double (delay_ms));
}

static GVariant *
describe_kind (const MxrDelayCounts *now, const MxrDelayCounts *before)
{
  GVariantBuilder stages;

  g_variant_builder_init (&stages, G_VARIANT_TYPE_VARDICT);
  for (guint i = 0; i < MXR_N_DELAY_STAGES; i++) {
    MxrDelayCounts counts = now[i];
    GVariantBuilder stage;
    subtract (&counts, &before[i]);
    if (counts.n == 0)
      continue;
    g_variant_builder_init (&stage, G_VARIANT_TYPE_VARDICT);
    add_quantile (&stage, "median", &counts, 0.5);
    add_quantile (&stage, "p95", &counts, 0.95);
    g_variant_builder_add (&stages, "{sv}", stage_names[i], g_variant_builder_end (&stage));
  }
  return g_variant_builder_end (&stages);
}

GVariant *
mxr_delays_describe (MxrRoom *room)
{
  MxrStageDelays delays;
  GVariantBuilder kinds;

  read_room (room, &delays);
  g_variant_builder_init (&kinds, G_VARIANT_TYPE_VARDICT);
  for (guint kind = 0; kind < MXR_PEER_N_KINDS; kind++)
    g_variant_builder_add (&kinds, "{sv}", kind_names[kind],
                           describe_kind (delays.counts[kind], room->delays_before.counts[kind]));
  return g_variant_builder_end (&kinds);
}

GVariant *
mxr_participant_describe_delays (MxrParticipant *participant)
{
  return mxr_delays_describe (participant->room);
}

/* ---- For Prometheus -------------------------------------------------------------------------------------- */

static void
append_histogram (GString *text, const char *kind, const char *stage, const MxrDelayCounts *counts)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  guint64 n = 0;

  for (guint i = 0; i < MXR_DELAY_N_BUCKETS; i++) {
    gint64 bound_us = mxr_delay_get_bound_us (i);
    bool is_last = i == MXR_DELAY_N_BUCKETS - 1;
    n += counts->counts[i];
    g_ascii_formatd (number, sizeof number, "%g", (double) bound_us / G_USEC_PER_SEC);
    g_string_append_printf (text,
                            "mixroom_stage_delay_seconds_bucket{kind=\"%s\",stage=\"%s\",le=\"%s\"} %" G_GUINT64_FORMAT
                            "\n",
                            kind, stage, is_last ? "+Inf" : number, n);
  }
  g_ascii_formatd (number, sizeof number, "%.6f", (double) counts->sum_us / G_USEC_PER_SEC);
  g_string_append_printf (text,
                          "mixroom_stage_delay_seconds_sum{kind=\"%s\",stage=\"%s\"} %s\n"
                          "mixroom_stage_delay_seconds_count{kind=\"%s\",stage=\"%s\"} %" G_GUINT64_FORMAT "\n",
                          kind, stage, number, kind, stage, n);
}

/* Those of rooms that have ended are kept: a counter must not fall. */
void
mxr_delays_append_metrics (MxrHub *hub, GString *text)
{
  MxrStageDelays sum = hub->ended_delays;
  GHashTableIter iter;
  gpointer room;

  g_hash_table_iter_init (&iter, hub->rooms);
  while (g_hash_table_iter_next (&iter, NULL, &room)) {
    MxrStageDelays delays;
    read_room (room, &delays);
    add_delays (&sum, &delays);
  }
  g_string_append (text, "# HELP mixroom_stage_delay_seconds How long each stage holds sound and picture up.\n"
                         "# TYPE mixroom_stage_delay_seconds histogram\n");
  for (guint kind = 0; kind < MXR_PEER_N_KINDS; kind++)
    for (guint stage = 0; stage < MXR_N_DELAY_STAGES; stage++)
      append_histogram (text, kind_names[kind], stage_names[stage], &sum.counts[kind][stage]);
}
