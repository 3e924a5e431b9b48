#define TEST_MAX_OUTPUTS 128
#include "test-wire.h"

#define START_US G_GINT64_CONSTANT (5000000)

/* Both parsers get every file: a crash input of one is a good input for the other. */
static void
replay_bytes (const guint8 *data, gsize size)
{
  g_autoptr (TestPeer) peer = test_peer_new (1, true);
  g_autofree guint8 *rtp = g_memdup2 (data, size), *rtcp = g_memdup2 (data, size);
  MxrRtpView view;
  const guint8 *element;
  gsize bytes;

  test_add_video_receiver (peer);
  MxrRtpSender *sender = test_add_video_sender (peer, true);
  g_autoptr (MxrRtpPacket) packet = test_make_packet (1, 1, 50);
  mxr_rtp_sender_send (sender, packet, peer, START_US);
  if (mxr_rtp_view_parse (&view, data, size)) {
    const MxrRtpReceiverConfig config = { .payload_type = view.payload_type,
                                          .clock_rate = 8000,
                                          .transport_seq_id = 1,
                                          .rtx_payload_type = -1,
                                          .ssrc = view.ssrc,
                                          .transport_cc = true };
    g_assert_cmpuint (view.header_bytes + view.payload_bytes, <=, size);
    for (guint id = 0; id < 256; id++)
      if (mxr_rtp_view_get_extension (&view, (guint8) id, &element, &bytes))
        g_assert_true (element >= data && element + bytes <= data + size);
    mxr_rtp_session_add_receiver (peer->session, &config);
  }
  mxr_rtp_session_receive_rtp (peer->session, rtp, size, START_US);
  mxr_rtp_session_receive_rtcp (peer->session, rtcp, size, START_US);
  mxr_rtp_session_poll (peer->session, START_US + G_USEC_PER_SEC);
}

static guint
replay_folder (const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  guint n_files = 0;
  for (const char *name; folder != NULL && (name = g_dir_read_name (folder)) != NULL;) {
    g_autofree char *file = g_build_filename (path, name, NULL);
    g_autofree char *data = NULL;
    gsize size;
    if (g_file_test (file, G_FILE_TEST_IS_DIR)) {
      n_files += replay_folder (file);
    } else if (g_file_get_contents (file, &data, &size, NULL)) {
      replay_bytes ((const guint8 *) data, size);
      n_files++;
    }
  }
  return n_files;
}

static void
test_replay (void)
{
  const char *given = g_getenv ("MIXROOM_CORPORA"), *root = g_getenv ("MIXROOM_SOURCE_ROOT");
  g_autofree char *corpora =
      given != NULL ? g_strdup (given)
                    : g_build_filename (root != NULL ? root : ".", "..", "shared", "corpora", NULL);
  const char *folders[] = { "rtp", "rtcp", "mediasoup-crashes" };

  if (!g_file_test (corpora, G_FILE_TEST_IS_DIR)) {
    g_test_skip ("no corpora here");
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (folders); i++) {
    g_autofree char *path = g_build_filename (corpora, folders[i], NULL);
    g_test_message ("%s: %u files", folders[i], replay_folder (path));
  }
}

/* Needs no files: noise that looks like RTP and RTCP enough to get past the first checks. */
static void
test_noise (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (6);
  for (guint i = 0; i < 1500; i++) {
    const gsize size = (gsize) g_rand_int_range (rand, 0, 200);
    g_autofree guint8 *data = g_malloc (size + 1);
    for (gsize n = 0; n < size; n++)
      data[n] = (guint8) g_rand_int (rand);
    if (size > 4) {
      data[0] = (guint8) (0x80 | (data[0] & 0x3f));
      data[1] = (guint8) (i % 2 == 0 ? 200 + data[1] % 8 : 96);
      data[2] = 0;
      data[3] %= 50;
    }
    g_autofree guint8 *exact = g_memdup2 (data, size);
    replay_bytes (exact, size);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/corpus/replay", test_replay);
  g_test_add_func ("/corpus/noise", test_noise);
  return g_test_run ();
}
