/* What a participant who is let in should not send: the others notice nothing, and at most the sender is
 * gone. */

#include "oracle.h"

#define ROOM "test"
/* The same in every run. */
#define SEED 20250102
#define SPOIL_MS 1200

typedef struct {
  ServerProcess *server;
  Call call;
} Fixture;

/* ---- Spoilers: media threads, one at a time per pad -------------------------------------------------------
 */

static GstBuffer *
new_buffer_like (GstBuffer *buffer, const guint8 *bytes, gsize n_bytes)
{
  GstBuffer *replaced = gst_buffer_new_memdup (bytes, n_bytes);
  gst_buffer_copy_into (replaced, buffer, GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  gst_buffer_unref (buffer);
  return replaced;
}

/* Header kept, payload of any length and content. */
static GstBuffer *
randomise_payload (GstBuffer *buffer, gpointer user_data)
{
  GRand *rand = user_data;
  guint8 bytes[1400];
  gsize n_bytes = (gsize) g_rand_int_range (rand, 12, g_rand_boolean (rand) ? 24 : (gint32) sizeof bytes);

  gst_buffer_extract (buffer, 0, bytes, 12);
  bytes[0] = 0x80;
  for (gsize i = 12; i < n_bytes; i++)
    bytes[i] = (guint8) g_rand_int_range (rand, 0, 256);
  return new_buffer_like (buffer, bytes, n_bytes);
}

static GstBuffer *
flip_bytes (GstBuffer *buffer, gpointer user_data)
{
  GRand *rand = user_data;
  gsize n_bytes = gst_buffer_get_size (buffer);
  g_autofree guint8 *bytes = g_malloc (n_bytes + 1);

  gst_buffer_extract (buffer, 0, bytes, n_bytes);
  for (guint i = 0; n_bytes > 0 && i < 4; i++)
    bytes[g_rand_int_range (rand, 0, (gint32) n_bytes)] ^= (guint8) (1 << g_rand_int_range (rand, 0, 8));
  return new_buffer_like (buffer, bytes, n_bytes);
}

/* A VP8 key frame that says it is 16383 x 16383 (RFC 6386 9.1): 400 MB decoded. */
static GstBuffer *
claim_huge_frame (GstBuffer *buffer, gpointer user_data)
{
  static const guint8 huge[] = { 0xff, 0x3f, 0xff, 0x3f };
  buffer = gst_buffer_make_writable (buffer);
  guint8 tag;

  if (gst_buffer_extract (buffer, 0, &tag, 1) == 1 && (tag & 1) == 0)
    gst_buffer_fill (buffer, 6, huge, sizeof huge);
  return buffer;
}

/* Headers: what RFC 3550 5.1 lets one say, and what it does not. */
static GstBuffer *
spoil_header (GstBuffer *buffer, gpointer user_data)
{
  GRand *rand = user_data;
  guint8 bytes[2048];
  gsize n_bytes = gst_buffer_extract (buffer, 0, bytes, 1300);

  switch (g_rand_int_range (rand, 0, 8)) {
  case 0: /* another payload type */
    bytes[1] = (guint8) g_rand_int_range (rand, 0, 128);
    break;
  case 1: /* padding of any length */
    bytes[0] |= 0x20;
    bytes[n_bytes - 1] = (guint8) g_rand_int_range (rand, 0, 256);
    break;
  case 2: /* contributors that are none */
    bytes[0] |= (guint8) g_rand_int_range (rand, 1, 16);
    break;
  case 3: /* a header extension of rubbish */
    bytes[0] |= 0x10;
    bytes[12] = 0xbe;
    bytes[13] = 0xde;
    bytes[14] = 0;
    bytes[15] = (guint8) g_rand_int_range (rand, 0, 8);
    break;
  case 4: /* a jump of the sequence number */
    bytes[2] = (guint8) g_rand_int_range (rand, 0, 256);
    break;
  case 5: /* a jump of time */
    bytes[4] = (guint8) g_rand_int_range (rand, 0, 256);
    break;
  case 6: /* only a header */
    n_bytes = 12;
    break;
  default:
    break;
  }
  return new_buffer_like (buffer, bytes, n_bytes);
}

static GstBuffer *
change_source (GstBuffer *buffer, gpointer user_data)
{
  GRand *rand = user_data;
  guint32 source = g_rand_int (rand);
  buffer = gst_buffer_make_writable (buffer);
  gst_buffer_fill (buffer, 8, &source, sizeof source);
  return buffer;
}

static GstBuffer *
make_giant (GstBuffer *buffer, gpointer user_data)
{
  static const guint8 filler[3000] = { 0x90 };
  GstBuffer *giant = gst_buffer_append (buffer, gst_buffer_new_memdup (filler, sizeof filler));
  return giant;
}

/* Compound packets whose lengths, counts and types are anything; the first 8 bytes are what SRTCP leaves in
 * plain. */
static GstBuffer *
spoil_rtcp (GstBuffer *buffer, gpointer user_data)
{
  GRand *rand = user_data;
  guint8 bytes[600];
  gsize n_bytes = gst_buffer_extract (buffer, 0, bytes, sizeof bytes);
  gsize n_spoilt = (gsize) g_rand_int_range (rand, 8, (gint32) sizeof bytes) & ~(gsize) 3;

  for (gsize i = 8; i < n_spoilt; i++)
    if (i >= n_bytes || g_rand_int_range (rand, 0, 3) == 0)
      bytes[i] = (guint8) g_rand_int_range (rand, 0, 256);
  for (gsize i = 8; i + 4 <= n_spoilt; i += (gsize) g_rand_int_range (rand, 1, 10) * 4) {
    bytes[i] = (guint8) (0x80 | g_rand_int_range (rand, 0, 32));
    bytes[i + 1] = (guint8) g_rand_int_range (rand, 200, 208);
    bytes[i + 2] = 0;
    bytes[i + 3] = (guint8) g_rand_int_range (rand, 0, 20);
  }
  return new_buffer_like (buffer, bytes, n_spoilt);
}

/* ---- Tests -----------------------------------------------------------------------------------------------
 */

static bool
is_in_the_room (FakePeer *peer, ServerProcess *server)
{
  g_autoptr (JsonNode) room = server_process_get_json (server, "/api/v1/rooms/" ROOM);
  return oracle_find_participant (room, fake_peer_get_name (peer)) != NULL;
}

typedef struct {
  Call *call;
  FakePeer *guest;
} Hearing;

/* Away, whether the server has thrown it out before or not. */
static void
send_away (FakePeer *guest, ServerProcess *server)
{
  if (is_in_the_room (guest, server))
    fake_peer_leave (guest);
  else
    fake_peer_discard (guest);
}

static void
spoil_call (Fixture *fixture, const char *codec, FakePeerPoint point, FakePeerSpoiler spoiler,
            const char *what)
{
  FakePeer *guest = fake_peer_new (fixture->server, ROOM, 2, codec, FAKE_PEER_CALL);
  g_autoptr (GRand) rand = g_rand_new_with_seed (SEED);
  g_autofree char *after = g_strdup_printf ("%s (%s)", what, codec);

  call_await_guest (&fixture->call, guest);
  fake_peer_spoil (guest, point, spoiler, rand);
  pump_for (SPOIL_MS);
  g_test_message ("%s: the guest %s", after,
                  is_in_the_room (guest, fixture->server) ? "stays" : "was removed");
  send_away (guest, fixture->server);
  call_check (&fixture->call, after);
}

static void
test_payloads (gconstpointer data)
{
  Fixture *fixture = (Fixture *) data;
  spoil_call (fixture, "VP8", FAKE_PEER_VIDEO_PACKETS, randomise_payload, "random payloads");
  spoil_call (fixture, "H264", FAKE_PEER_VIDEO_PACKETS, randomise_payload, "random payloads");
  spoil_call (fixture, "VP8", FAKE_PEER_AUDIO_PACKETS, randomise_payload, "random payloads of sound");
}

static void
test_bitstreams (gconstpointer data)
{
  Fixture *fixture = (Fixture *) data;
  spoil_call (fixture, "VP8", FAKE_PEER_VIDEO_FRAMES, flip_bytes, "flipped bits");
  spoil_call (fixture, "H264", FAKE_PEER_VIDEO_FRAMES, flip_bytes, "flipped bits");
}

static void
test_headers (gconstpointer data)
{
  Fixture *fixture = (Fixture *) data;
  spoil_call (fixture, "VP8", FAKE_PEER_SENT_RTP, spoil_header, "headers of anything");
  spoil_call (fixture, "H264", FAKE_PEER_SENT_RTP, spoil_header, "headers of anything");
  spoil_call (fixture, "VP8", FAKE_PEER_VIDEO_PACKETS, change_source, "a source per packet");
  spoil_call (fixture, "VP8", FAKE_PEER_SENT_RTP, make_giant, "giant packets");
}

static void
test_rtcp (gconstpointer data)
{
  spoil_call ((Fixture *) data, "VP8", FAKE_PEER_SENT_RTCP, spoil_rtcp, "RTCP of anything");
}

/* Some kilobytes must not take hundreds of megabytes. */
static void
test_huge_frame (gconstpointer data)
{
  Fixture *fixture = (Fixture *) data;
  ServerUsage before, after;

  server_process_measure (fixture->server, &before);
  FakePeer *guest = fake_peer_prepare (fixture->server, 2, "VP8", FAKE_PEER_CALL);
  fake_peer_spoil (guest, FAKE_PEER_VIDEO_FRAMES, claim_huge_frame, NULL);
  fake_peer_post (guest, ROOM);
  fake_peer_accept (guest);
  pump_for (3000);
  server_process_measure (fixture->server, &after);
  g_test_message ("the guest %s; resident: %u KiB before, %u KiB at most",
                  is_in_the_room (guest, fixture->server) ? "stays" : "was removed", before.resident_kib,
                  after.peak_kib);
  send_away (guest, fixture->server);
  call_check (&fixture->call, "after a frame of 16383 x 16383");
  g_assert_cmpuint (after.peak_kib, <, before.peak_kib + 100 * 1024);
}

static void
test_sizes (gconstpointer data)
{
  static const struct {
    guint width_px, height_px;
  } sizes[] = {
    { 180, 320 }, { 321, 181 }, { 16, 16 }, { 640, 48 }, { 33, 479 }, { 1280, 720 }, { 320, 180 }
  };
  Fixture *fixture = (Fixture *) data;
  static const char *const codecs[] = { "VP8", "H264" };

  for (guint c = 0; c < G_N_ELEMENTS (codecs); c++) {
    FakePeer *guest = fake_peer_new (fixture->server, ROOM, 2, codecs[c], FAKE_PEER_CALL);
    call_await_guest (&fixture->call, guest);
    for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
      bool is_odd = sizes[i].width_px % 2 != 0 || sizes[i].height_px % 2 != 0 || sizes[i].width_px < 160;
      if (is_odd && c > 0)
        continue; /* which the peer's own encoder refuses */
      fake_peer_set_size (guest, sizes[i].width_px, sizes[i].height_px);
      pump_for (400);
    }
    call_await_guest (&fixture->call, guest);
    g_assert_true (is_in_the_room (guest, fixture->server));
    fake_peer_leave (guest);
    call_check (&fixture->call, "sizes that change");
  }
}

static bool
is_heard (gpointer data)
{
  const Hearing *hearing = data;
  return fake_peer_measure (hearing->call->peers[0], fake_peer_get_index (hearing->guest)) >
         ORACLE_HEARD_AT_LEAST;
}

static void
test_halves (gconstpointer data)
{
  Fixture *fixture = (Fixture *) data;
  const FakePeerFlags both_ways = FAKE_PEER_SENDS | FAKE_PEER_RECEIVES;

  FakePeer *talks = fake_peer_new (fixture->server, ROOM, 2, "VP8", FAKE_PEER_AUDIO | both_ways);
  Hearing hearing = { &fixture->call, talks };
  pump_until (is_heard, &hearing, 20, "the tone of who has no camera");
  fake_peer_leave (talks);
  call_check (&fixture->call, "a guest without a camera");

  FakePeer *shows = fake_peer_new (fixture->server, ROOM, 3, "VP8", FAKE_PEER_VIDEO | both_ways);
  call_await_guest (&fixture->call, shows);
  fake_peer_set_size (shows, 0, 0); /* the camera stops */
  pump_for (1000);
  fake_peer_leave (shows);
  call_check (&fixture->call, "a guest without a microphone");

  FakePeer *silent = fake_peer_prepare (fixture->server, 4, "VP8", FAKE_PEER_CALL);
  fake_peer_set_size (silent, 0, 0);
  fake_peer_post (silent, ROOM);
  fake_peer_accept (silent);
  pump_for (1500);
  g_assert_true (is_in_the_room (silent, fixture->server));
  fake_peer_leave (silent);
  call_check (&fixture->call, "a guest whose camera is off from the start");
}

int
main (int argc, char **argv)
{
  Fixture fixture = { 0 };

  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  fixture.server = server_process_new (NULL);
  call_start (&fixture.call, fixture.server, ROOM);
  g_test_add_data_func ("/bad-media/payloads", &fixture, test_payloads);
  g_test_add_data_func ("/bad-media/bitstreams", &fixture, test_bitstreams);
  g_test_add_data_func ("/bad-media/headers", &fixture, test_headers);
  g_test_add_data_func ("/bad-media/rtcp", &fixture, test_rtcp);
  g_test_add_data_func ("/bad-media/huge-frame", &fixture, test_huge_frame);
  g_test_add_data_func ("/bad-media/sizes", &fixture, test_sizes);
  g_test_add_data_func ("/bad-media/halves", &fixture, test_halves);
  int result = g_test_run ();
  call_end (&fixture.call);
  server_process_free (fixture.server);
  return result;
}
