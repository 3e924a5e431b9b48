/* The floor under a video room: what the same decodes, the same scalings and one encode cost with nothing around
 * them. The libraries are called directly from one loop of one thread that wakes up once a frame, in real time: then
 * every person's frame is decoded and scaled onto the picture, the sound of that time is decoded, mixed and encoded,
 * and the picture is encoded. No packets, no network, no encryption, no hand-over between threads.
 *
 * usage: video-floor [programme] [OPTION OF mixroom-load...]: who plays which part, and what is sent
 * programme: the same room at 1920x1080, encoded as the programme is: H.264, AAC, and Opus as files have it. Only these
 * three are counted, each by the time of its calls: what lies under outputs of a room that is there anyway. */

#include "../../src/elements/tile-scale.h"
#include "../../src/load/cast.h"
#include "bench-common.h"
#include "clip-frames.h"
#include "floor-codecs.h"
#include "floor-sound.h"
#include "mixroom/layout.h"

#include <opus.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define CANVAS_W 1280
#define CANVAS_H 720
#define PROGRAMME_W 1920
#define PROGRAMME_H 1080
#define GAP_PX 4
#define BITRATE_BPS 1500000
#define PROGRAMME_BITRATE_BPS 4000000 /* as sides.py sets it */
#define PROGRAMME_SOUND_BPS 128000
#define WARM_UP_US (2 * G_USEC_PER_SEC)
#define MAX_PEOPLE 49
#define RTP_HEADER_BYTES 12

typedef struct {
  FloorDecoder *decoder;
  const GPtrArray *frames; /* GBytes */
  guint next_frame;
  MxrPicture tile; /* its place on the canvas */
} Person;

typedef struct {
  Person people[MAX_PEOPLE];
  guint n_people;
  GHashTable *frames_by_clip; /* what is shown is depacketised once */
  MxrPicture canvas;
  guint8 *canvas_bytes;
  FloorEncoder *encoder;
  MxrScratch scratch;
  guint64 n_bytes;

  const MxrClip *speech[FLOOR_MAX_SPEAKERS];
  FloorSound *sound;
  guint n_speakers;
  guint n_blocks;

  bool is_programme;
  FloorAac *aac;
  OpusEncoder *file_opus;
  double picture_s, aac_s, opus_s; /* spent in encoders of the programme */
} Room;

static double
thread_s (void)
{
  struct timespec now;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

/* ---- Picture ---------------------------------------------------------------------------------------------- */

static void
place_people (Room *room)
{
  const MxrLayoutRules rules = { .kind = MXR_LAYOUT_GRID, .width_px = (guint) room->canvas.w, .height_px = (guint) room->canvas.h,
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
  const guint8 *bytes = g_bytes_get_data (person->frames->pdata[person->next_frame++ % person->frames->len], &size);
  MxrPicture picture;

  if (floor_decoder_decode (person->decoder, bytes, size, &picture))
    mxr_picture_draw (&picture, GST_VIDEO_ORIENTATION_IDENTITY, &person->tile, &room->scratch);
}

/* ---- Sound ------------------------------------------------------------------------------------------------ */

/* pipelines/programme-opus.gst; what it leaves open is opusenc's own. */
static OpusEncoder *
new_file_opus (void)
{
  int error;
  OpusEncoder *opus = opus_encoder_create (48000, 1, OPUS_APPLICATION_AUDIO, &error);

  opus_encoder_ctl (opus, OPUS_SET_BITRATE (PROGRAMME_SOUND_BPS));
  opus_encoder_ctl (opus, OPUS_SET_VBR (0));
  opus_encoder_ctl (opus, OPUS_SET_COMPLEXITY (10));
  return opus;
}

static void
encode_programme_sound (Room *room, const gint16 *block)
{
  guint8 packet[FLOOR_OPUS_MAX_BYTES];
  const double start_s = thread_s ();

  room->n_bytes += floor_aac_encode (room->aac, block, BENCH_BLOCK_SAMPLES);
  const double between_s = thread_s ();
  room->n_bytes += (guint64) opus_encode (room->file_opus, block, BENCH_BLOCK_SAMPLES, packet, sizeof packet);
  room->aac_s += between_s - start_s;
  room->opus_s += thread_s () - between_s;
}

static void
encode_calls_sounds (Room *room)
{
  FloorOpus packets[FLOOR_MAX_SPEAKERS + 1];

  floor_sound_encode (room->sound, packets);
  for (guint k = 0; k <= room->n_speakers; k++)
    room->n_bytes += packets[k].size;
}

static void
mix_block (Room *room)
{
  for (guint k = 0; k < room->n_speakers; k++) {
    const MxrClip *speech = room->speech[k];
    const MxrClipFrame *frame = mxr_clip_get_frame (speech, room->n_blocks + k * 37);
    const MxrClipPacket *said = &g_array_index (speech->packets, MxrClipPacket, frame->first_packet);
    const guint8 *payload = speech->bytes->data + said->offset + RTP_HEADER_BYTES;
    floor_sound_decode (room->sound, k, payload, said->size - RTP_HEADER_BYTES);
  }
  const gint16 *mix = floor_sound_mix (room->sound);
  if (room->is_programme) {
    encode_programme_sound (room, mix);
    floor_sound_skip (room->sound);
  } else {
    encode_calls_sounds (room);
  }
  room->n_blocks++;
}

/* ---- The loop --------------------------------------------------------------------------------------------- */

static const GPtrArray *
get_frames (Room *room, MxrClip *clip)
{
  if (!g_hash_table_contains (room->frames_by_clip, clip))
    g_hash_table_insert (room->frames_by_clip, clip, clip_frames_new (clip));
  return g_hash_table_lookup (room->frames_by_clip, clip);
}

static void
seat_people (Room *room, MxrCast *cast, bool is_h264)
{
  for (guint i = 0; i < room->n_people; i++) {
    MxrClientPlan plan;
    mxr_cast_plan (cast, i, &plan);
    room->people[i] = (Person){ .decoder = floor_decoder_new (is_h264),
                                .frames = get_frames (room, plan.clips[MXR_RTP_VIDEO]) };
    if (i < room->n_speakers)
      room->speech[i] = plan.clips[MXR_RTP_AUDIO];
  }
  place_people (room);
}

static Room *
room_new (MxrCast *cast, const MxrLoadOptions *options, bool is_programme)
{
  Room *room = g_new0 (Room, 1);
  GstVideoInfo info;
  const bool is_h264 = options->codec == MXR_CODEC_H264;

  const int width = is_programme ? PROGRAMME_W : CANVAS_W, height = is_programme ? PROGRAMME_H : CANVAS_H;
  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_I420, (guint) width, (guint) height);
  room->canvas_bytes = g_malloc0 (info.size);
  room->canvas = mxr_picture_from_memory (room->canvas_bytes, &info);
  room->is_programme = is_programme;
  room->encoder = is_programme ? floor_encoder_new_programme (width, height, 30, PROGRAMME_BITRATE_BPS)
                               : floor_encoder_new (is_h264, width, height, 30, BITRATE_BPS);
  room->aac = is_programme ? floor_aac_new (PROGRAMME_SOUND_BPS) : NULL;
  room->file_opus = is_programme ? new_file_opus () : NULL;
  room->n_people = CLAMP ((guint) options->n_participants, 1, MAX_PEOPLE);
  room->n_speakers = MIN ((guint) options->n_talkers, FLOOR_MAX_SPEAKERS);
  room->frames_by_clip = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref);
  seat_people (room, cast, is_h264);
  room->sound = floor_sound_new (room->n_speakers);
  return room;
}

static void
room_free (Room *room)
{
  for (guint i = 0; i < room->n_people; i++)
    floor_decoder_free (room->people[i].decoder);
  floor_sound_free (room->sound);
  floor_encoder_free (room->encoder);
  g_clear_pointer (&room->aac, floor_aac_free);
  g_clear_pointer (&room->file_opus, opus_encoder_destroy);
  g_hash_table_unref (room->frames_by_clip);
  mxr_scratch_clear (&room->scratch);
  g_free (room->canvas_bytes);
  g_free (room);
}

/* A frame whose time has passed is made at once: the thread is behind then. */
static void
run (Room *room, gint64 *frame_due_us, gint64 *sound_due_us, gint64 until_us)
{
  for (; *frame_due_us < until_us; *frame_due_us += BENCH_FRAME_US) {
    bench_sleep_until_us (*frame_due_us);
    for (guint i = 0; i < room->n_people; i++)
      show_next_frame (room, &room->people[i]);
    for (; *sound_due_us <= *frame_due_us; *sound_due_us += BENCH_BLOCK_US)
      mix_block (room);
    const double start_s = thread_s ();
    room->n_bytes += floor_encoder_encode (room->encoder, room->canvas_bytes);
    room->picture_s += thread_s () - start_s;
  }
}

static void
report (const Room *room, double cpu_s, double span_s)
{
  if (!room->is_programme) {
    bench_report_self (cpu_s, span_s);
    return;
  }
  bench_report_self (room->picture_s + room->aac_s, span_s);
  printf (",\"picture\":%.4f,\"aac\":%.4f,\"opus\":%.4f", room->picture_s / span_s, room->aac_s / span_s,
          room->opus_s / span_s);
}

int
main (int argc, char **argv)
{
  g_auto (MxrLoadOptions) options = { 0 };
  g_autoptr (GError) error = NULL;

  gst_init (NULL, NULL);
  const bool is_programme = argc > 1 && strcmp (argv[1], "programme") == 0;
  if (is_programme)
    argv++;
  if (!mxr_load_options_parse (&options, argv, &error))
    g_error ("%s", error->message);
  if (options.codec == MXR_CODEC_NONE || options.n_cameras < options.n_participants)
    g_error ("everybody is to have a camera, and --codec vp8 or h264");
  g_autoptr (MxrCast) cast = mxr_cast_new (&options, &error);
  if (cast == NULL)
    g_error ("%s", error->message);
  Room *room = room_new (cast, &options, is_programme);

  const gint64 span_us = options.duration_s * (gint64) G_USEC_PER_SEC, start_us = bench_now_us () + 10000;
  const gint64 end_us = start_us + WARM_UP_US + span_us;
  gint64 frame_due_us = start_us, sound_due_us = start_us;
  run (room, &frame_due_us, &sound_due_us, start_us + WARM_UP_US);
  const double before_s = bench_cpu_s (), span_s = (double) span_us / G_USEC_PER_SEC;
  const guint64 bytes_before = room->n_bytes;
  room->picture_s = room->aac_s = room->opus_s = 0;
  run (room, &frame_due_us, &sound_due_us, end_us);
  report (room, bench_cpu_s () - before_s, span_s);
  printf (",\"kbps\":%.0f,\"behind_ms\":%.1f}\n", (double) (room->n_bytes - bytes_before) * 8e-3 / span_s,
          (double) MAX (bench_now_us () - end_us, 0) * 1e-3);
  room_free (room);
  return 0;
}
