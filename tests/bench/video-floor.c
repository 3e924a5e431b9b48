/* The floor under a video room: what the same decodes, the same scalings and one encode cost with nothing around
 * them. The libraries are called directly from one loop of one thread, each call at the moment it is due in real time:
 * every person's frame when it would arrive, the picture on its tick, the sound every 20 ms. No packets, no network, no
 * encryption, no hand-over between threads.
 *
 * usage: video-floor CODEC PARTICIPANTS SPEAKERS SECONDS    CODEC: vp8 or h264; MIXROOM_BENCH_MEDIA: see make-media.sh */

#include "../../src/elements/tile-scale.h"
#include "bench-common.h"
#include "floor-codecs.h"
#include "mixroom/layout.h"

#include <opus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANVAS_W 1280
#define CANVAS_H 720
#define GAP_PX 4
#define BITRATE_BPS 1500000
#define WARM_UP_US (2 * G_USEC_PER_SEC)
#define MAX_PEOPLE 49
#define MAX_SPEAKERS 6
#define OPUS_BITRATE_BPS 32000
#define OPUS_MAX_BYTES 1275

typedef struct {
  FloorDecoder *decoder;
  const BenchMedia *clip;
  guint next_unit;
  MxrPicture tile; /* its place on the canvas */
  gint64 due_us;
} Person;

typedef struct {
  Person people[MAX_PEOPLE];
  guint n_people;
  MxrPicture canvas;
  guint8 *canvas_bytes;
  FloorEncoder *encoder;
  MxrScratch scratch;
  guint64 n_bytes;

  const BenchMedia *speech;
  OpusDecoder *opus_decoders[MAX_SPEAKERS];
  OpusEncoder *opus_encoders[MAX_SPEAKERS + 1]; /* mix-minus for who speaks, and the mix for all others */
  guint n_speakers;
  guint n_blocks;
} Room;

/* ---- Picture ---------------------------------------------------------------------------------------------- */

static void
place_people (Room *room)
{
  const MxrLayoutRules rules = { .kind = MXR_LAYOUT_GRID, .width_px = CANVAS_W, .height_px = CANVAS_H,
                                 .gap_px = GAP_PX, .grid_max = MAX_PEOPLE };
  MxrLayoutPerson persons[MAX_PEOPLE] = { 0 };
  MxrLayoutTile tiles[MXR_TILES_MAX];

  for (guint i = 0; i < room->n_people; i++)
    persons[i] = (MxrLayoutPerson){ .key = i, .aspect = 16.0f / 9.0f };
  guint n = mxr_layout_arrange (&rules, persons, room->n_people, tiles, G_N_ELEMENTS (tiles));
  for (guint i = 0; i < n; i++) {
    MxrRect rect = { (int) tiles[i].x, (int) tiles[i].y, (int) tiles[i].w, (int) tiles[i].h };
    room->people[tiles[i].key].tile = mxr_picture_region (&room->canvas, &rect);
  }
}

static void
show_next_frame (Room *room, Person *person)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (person->clip->units->pdata[person->next_unit++ % person->clip->units->len], &size);
  MxrPicture picture;

  if (floor_decoder_decode (person->decoder, bytes, size, &picture))
    mxr_picture_draw (&picture, GST_VIDEO_ORIENTATION_IDENTITY, &person->tile, &room->scratch);
  person->due_us += BENCH_FRAME_US;
}

/* ---- Sound ------------------------------------------------------------------------------------------------ */

static void
start_sound (Room *room)
{
  int error;

  for (guint i = 0; i < room->n_speakers; i++)
    room->opus_decoders[i] = opus_decoder_create (48000, 1, &error);
  for (guint i = 0; i <= room->n_speakers; i++) {
    room->opus_encoders[i] = opus_encoder_create (48000, 1, OPUS_APPLICATION_AUDIO, &error);
    opus_encoder_ctl (room->opus_encoders[i], OPUS_SET_BITRATE (OPUS_BITRATE_BPS));
    opus_encoder_ctl (room->opus_encoders[i], OPUS_SET_VBR_CONSTRAINT (1));
    opus_encoder_ctl (room->opus_encoders[i], OPUS_SET_COMPLEXITY (5));
  }
}

static void
mix_block (Room *room)
{
  gint16 blocks[MAX_SPEAKERS][BENCH_BLOCK_SAMPLES];
  gint32 sum[BENCH_BLOCK_SAMPLES] = { 0 };
  gint16 out[BENCH_BLOCK_SAMPLES];
  guint8 packet[OPUS_MAX_BYTES];

  for (guint k = 0; k < room->n_speakers; k++) {
    gsize size;
    const guint8 *bytes =
      g_bytes_get_data (room->speech->units->pdata[(room->n_blocks + k * 37) % room->speech->units->len], &size);
    if (opus_decode (room->opus_decoders[k], bytes, (int) size, blocks[k], BENCH_BLOCK_SAMPLES, 0) != BENCH_BLOCK_SAMPLES)
      g_error ("speech.opus.mkv is not in packets of 20 ms");
    for (guint i = 0; i < BENCH_BLOCK_SAMPLES; i++)
      sum[i] += blocks[k][i];
  }
  for (guint k = 0; k <= room->n_speakers; k++) {
    for (guint i = 0; i < BENCH_BLOCK_SAMPLES; i++)
      out[i] = (gint16) CLAMP (sum[i] - (k < room->n_speakers ? blocks[k][i] : 0), G_MININT16, G_MAXINT16);
    room->n_bytes += (guint64) opus_encode (room->opus_encoders[k], out, BENCH_BLOCK_SAMPLES, packet, sizeof packet);
  }
  room->n_blocks++;
}

/* ---- The loop --------------------------------------------------------------------------------------------- */

static Room *
room_new (const char *folder, bool is_h264, guint n_people, guint n_speakers)
{
  Room *room = g_new0 (Room, 1);
  GstVideoInfo info;
  const BenchMedia *clips[BENCH_N_CLIPS];

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_I420, CANVAS_W, CANVAS_H);
  room->canvas_bytes = g_malloc0 (info.size);
  room->canvas = mxr_picture_from_memory (room->canvas_bytes, &info);
  room->encoder = floor_encoder_new (is_h264, CANVAS_W, CANVAS_H, 30, BITRATE_BPS);
  room->n_people = n_people;
  room->n_speakers = n_speakers;
  room->speech = bench_media_load (folder, "speech.opus.mkv", "opusparse");
  for (guint i = 0; i < BENCH_N_CLIPS; i++)
    clips[i] = bench_media_load_clip (folder, i, is_h264, is_h264 ? FLOOR_H264_UNITS : "identity");
  for (guint i = 0; i < n_people; i++)
    room->people[i] = (Person){ .decoder = floor_decoder_new (is_h264), .clip = clips[i % BENCH_N_CLIPS] };
  place_people (room);
  start_sound (room);
  return room;
}

static Person *
next_person (Room *room)
{
  Person *next = &room->people[0];
  for (guint i = 1; i < room->n_people; i++)
    if (room->people[i].due_us < next->due_us)
      next = &room->people[i];
  return next;
}

/* What is due next happens when it is due, or at once when the thread is behind. */
static void
run (Room *room, gint64 *picture_due_us, gint64 *sound_due_us, gint64 until_us)
{
  for (;;) {
    Person *person = next_person (room);
    gint64 due_us = MIN (MIN (person->due_us, *picture_due_us), *sound_due_us);
    if (due_us >= until_us)
      return;
    bench_sleep_until_us (due_us);
    if (due_us == person->due_us) {
      show_next_frame (room, person);
    } else if (due_us == *sound_due_us) {
      mix_block (room);
      *sound_due_us += BENCH_BLOCK_US;
    } else {
      room->n_bytes += floor_encoder_encode (room->encoder, room->canvas_bytes);
      *picture_due_us += BENCH_FRAME_US;
    }
  }
}

int
main (int argc, char **argv)
{
  const char *folder = g_getenv ("MIXROOM_BENCH_MEDIA");

  gst_init (NULL, NULL);
  if (argc != 5 || folder == NULL)
    g_error ("usage: MIXROOM_BENCH_MEDIA=FOLDER video-floor vp8|h264 PARTICIPANTS SPEAKERS SECONDS");
  guint n_people = (guint) CLAMP (atoi (argv[2]), 1, MAX_PEOPLE);
  guint n_speakers = (guint) CLAMP (atoi (argv[3]), 0, MAX_SPEAKERS);
  gint64 span_us = (gint64) (atof (argv[4]) * G_USEC_PER_SEC);
  Room *room = room_new (folder, g_str_equal (argv[1], "h264"), n_people, n_speakers);

  gint64 start_us = bench_now_us () + 10000, picture_due_us = start_us, sound_due_us = start_us;
  for (guint i = 0; i < n_people; i++)
    room->people[i].due_us = start_us + BENCH_FRAME_US * i / n_people;
  run (room, &picture_due_us, &sound_due_us, start_us + WARM_UP_US);
  double before_s = bench_cpu_s ();
  guint64 bytes_before = room->n_bytes;
  run (room, &picture_due_us, &sound_due_us, start_us + WARM_UP_US + span_us);
  double span_s = (double) span_us / G_USEC_PER_SEC;
  bench_report_self (bench_cpu_s () - before_s, span_s);
  printf (",\"kbps\":%.0f,\"behind_ms\":%.1f}\n", (double) (room->n_bytes - bytes_before) * 8e-3 / span_s,
          (double) MAX (bench_now_us () - (start_us + WARM_UP_US + span_us), 0) * 1e-3);
  return 0;
}
