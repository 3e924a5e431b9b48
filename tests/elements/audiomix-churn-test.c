#include <stdlib.h>

#include "audiomix-fixture.h"
#include "mixroom/elements.h"
#include "tones.h"

/* Pads come and go every 2 ms while data flows on 24 of them, in real time; MIXROOM_LONG makes it 10 s. Under
 * the sanitizers this is the proof that the mixer has none of the races that made it a plain element. */

#define N_INPUTS 24
#define CHANGE_US 2000

typedef struct {
  GstElement *pipeline, *mix;
  gint quit;           /* atomic */
  guint64 n_wrong_pts; /* the probe's: of `src` */
  guint64 n_blocks;
  GstClockTime next_pts;
} Churn;

typedef struct {
  Churn *churn;
  GThread *thread;
  guint index;
  guint n_changes, n_pushed;
} Worker;

static GstPadProbeReturn
on_block (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Churn *churn = data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);

  churn->n_wrong_pts += churn->n_blocks > 0 && GST_BUFFER_PTS (buffer) != churn->next_pts;
  churn->next_pts = GST_BUFFER_PTS (buffer) + GST_BUFFER_DURATION (buffer);
  churn->n_blocks++;
  return GST_PAD_PROBE_OK;
}

/* Feeds one input, and lets it go and come again while the mixer works. */
static gpointer
feed (gpointer data)
{
  Worker *worker = data;
  Churn *churn = worker->churn;
  Mix mix = { .element = churn->mix };
  MixInput *input = NULL;

  for (guint step = worker->index; !g_atomic_int_get (&churn->quit); step++) {
    if (input == NULL)
      input = mix_input_new (&mix, "sink_%u", tones_frequency (worker->index), 0.1);
    g_assert_cmpint (mix_input_push (input, 480), ==, GST_FLOW_OK);
    worker->n_pushed++;
    g_usleep (10000);
    if (step % 5 == 0) {
      g_object_set (input->sink, "active", step % 2, "volume", 0.5, NULL);
      mix_input_free (&mix, g_steal_pointer (&input));
      worker->n_changes++;
    }
  }
  if (input != NULL)
    mix_input_free (&mix, input);
  return NULL;
}

/* Requests, links, unlinks and releases outputs, in every order. */
static gpointer
listen_in (gpointer data)
{
  Worker *worker = data;
  Churn *churn = worker->churn;
  GstElement *sinks[8] = { NULL };
  GstPad *pads[8] = { NULL };
  g_autoptr (GRand) random = g_rand_new_with_seed (worker->index);

  while (!g_atomic_int_get (&churn->quit)) {
    guint i = g_rand_int_range (random, 0, 8);
    if (pads[i] == NULL) {
      pads[i] = gst_element_request_pad_simple (churn->mix, "src_%u");
      sinks[i] = gst_object_ref_sink (gst_element_factory_make ("fakesink", NULL));
      g_object_set (sinks[i], "sync", FALSE, "async", FALSE, NULL);
      g_autoptr (GstPad) peer = gst_element_get_static_pad (sinks[i], "sink");
      gst_element_set_state (sinks[i], GST_STATE_PLAYING);
      g_assert_cmpint (gst_pad_link_full (pads[i], peer, GST_PAD_LINK_CHECK_NOTHING), ==, GST_PAD_LINK_OK);
    } else {
      if (g_rand_boolean (random))
        gst_element_set_state (sinks[i], GST_STATE_NULL);
      gst_element_release_request_pad (churn->mix, pads[i]);
      gst_element_set_state (sinks[i], GST_STATE_NULL);
      g_clear_object (&pads[i]);
      g_clear_object (&sinks[i]);
    }
    worker->n_changes++;
    g_usleep (CHANGE_US);
  }
  for (guint i = 0; i < 8; i++) {
    if (pads[i] == NULL)
      continue;
    gst_element_release_request_pad (churn->mix, pads[i]);
    gst_element_set_state (sinks[i], GST_STATE_NULL);
    g_clear_object (&pads[i]);
    g_clear_object (&sinks[i]);
  }
  return NULL;
}

static guint
count_threads (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static guint64
skipped (GstElement *mix)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 n = 0;
  g_object_get (mix, "stats", &stats, NULL);
  gst_structure_get_uint64 (stats, "blocks-skipped", &n);
  return n;
}

static void
churn_for (guint seconds)
{
  Churn churn = { 0 };
  Worker workers[N_INPUTS + 1];

  churn.pipeline = gst_parse_launch ("mxraudiomix name=mix ! fakesink name=out sync=false async=false", NULL);
  churn.mix = gst_bin_get_by_name (GST_BIN (churn.pipeline), "mix");
  g_autoptr (GstPad) source = gst_element_get_static_pad (churn.mix, "src");
  gst_pad_add_probe (source, GST_PAD_PROBE_TYPE_BUFFER, on_block, &churn, NULL);
  gst_element_set_state (churn.pipeline, GST_STATE_PLAYING);

  for (guint i = 0; i <= N_INPUTS; i++) {
    workers[i] = (Worker){ .churn = &churn, .index = i };
    workers[i].thread = g_thread_new ("worker", i < N_INPUTS ? feed : listen_in, &workers[i]);
  }
  g_usleep (seconds * G_USEC_PER_SEC);
  g_atomic_int_set (&churn.quit, TRUE);
  guint n_changes = 0;
  for (guint i = 0; i <= N_INPUTS; i++) {
    g_thread_join (workers[i].thread);
    n_changes += workers[i].n_changes;
  }
  guint64 n_skipped = skipped (churn.mix);
  gst_element_set_state (churn.pipeline, GST_STATE_NULL);

  g_test_message ("%u changes, %u blocks, %u steps in PTS, %u left out", n_changes, (guint)churn.n_blocks,
                  (guint)churn.n_wrong_pts, (guint)n_skipped);
  g_assert_cmpuint (n_changes, >, seconds * 200);
  g_assert_cmpuint (churn.n_blocks + n_skipped, >=, seconds * 49);
  /* The grid has holes only where the machine itself was away for more than 60 ms, and those are counted. */
  g_assert_cmpuint (churn.n_wrong_pts, <=, n_skipped);
  g_assert_cmpuint (churn.mix->numsinkpads, ==, 0);
  g_assert_cmpuint (churn.mix->numsrcpads, ==, 1);
  gst_object_unref (churn.mix);
  gst_object_unref (churn.pipeline);
}

static void
test_churn (void)
{
  churn_for (1); /* warms up pools of threads and memory */
  guint n_before = count_threads ();
  churn_for (g_getenv ("MIXROOM_LONG") != NULL ? 10 : 3);
  /* GLib keeps two unused threads for later; thousands would be left of the changes. */
  g_assert_cmpuint (count_threads (), <=, n_before + 2);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  mxr_elements_register (NULL);
  g_test_add_func ("/audiomix/churn", test_churn);
  int result = g_test_run ();
  gst_deinit (); /* the leaks tracer speaks */
  return result;
}
