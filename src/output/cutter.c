#include "cutter.h"

#include <string.h>

/* A fragment of a second of the best picture is a tenth of it. */
#define BOX_MAX_BYTES (64 * 1024 * 1024)
#define HEADER_BYTES 8
#define SAMPLES_MAX 100000 /* of one fragment */
#define SAMPLE_IS_NON_SYNC 0x10000 /* ISO/IEC 14496-12 8.8.3.1 */

struct _MxrCutter {
  guint timescale;
  double min_s;
  MxrCutterEvents events;
  gpointer user_data;
  GByteArray *incoming; /* up to a whole box */
  GByteArray *head;     /* ftyp and moov; NULL once told */
  GByteArray *segment;
  guint n_segments;
  guint64 begin, end; /* of @segment's picture, in units of timescale */
  bool has_begun;
};

MxrCutter *
mxr_cutter_new (guint timescale, double min_s, const MxrCutterEvents *events, gpointer user_data)
{
  MxrCutter *cutter = g_new0 (MxrCutter, 1);

  cutter->timescale = timescale;
  cutter->min_s = min_s;
  cutter->events = *events;
  cutter->user_data = user_data;
  cutter->incoming = g_byte_array_new ();
  cutter->head = g_byte_array_new ();
  cutter->segment = g_byte_array_new ();
  return cutter;
}

void
mxr_cutter_free (MxrCutter *cutter)
{
  g_byte_array_unref (cutter->incoming);
  g_clear_pointer (&cutter->head, g_byte_array_unref);
  g_byte_array_unref (cutter->segment);
  g_free (cutter);
}

/* ---- Boxes -------------------------------------------------------------------------------------------------------- */

typedef struct {
  const guint8 *bytes;
  gsize n_bytes;
} Box;

static guint32
read_u32 (const guint8 *p)
{
  return (guint32) p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* The content of the first box of @type in @in; none: no bytes. */
static Box
find_box (Box in, const char *type)
{
  while (in.n_bytes >= HEADER_BYTES) {
    gsize n_bytes = read_u32 (in.bytes);
    if (n_bytes < HEADER_BYTES || n_bytes > in.n_bytes)
      break;
    if (memcmp (in.bytes + 4, type, 4) == 0)
      return (Box){ in.bytes + HEADER_BYTES, n_bytes - HEADER_BYTES };
    in = (Box){ in.bytes + n_bytes, in.n_bytes - n_bytes };
  }
  return (Box){ NULL, 0 };
}

/* Of a fragment of the picture. */
typedef struct {
  guint64 begin, duration;
  bool is_keyframe;
} Fragment;

/* What samples are unless they say otherwise. 8.8.7 */
typedef struct {
  guint32 duration, flags;
} Defaults;

/* The 32 bits at *@position, which is moved behind them, if @flags has @flag; else @otherwise. */
static guint32
read_optional (Box box, gsize *position, guint32 flags, guint32 flag, guint32 otherwise)
{
  if (!(flags & flag) || box.n_bytes < *position + 4)
    return otherwise;
  *position += 4;
  return read_u32 (box.bytes + *position - 4);
}

/* Returns: number of the track; 0: there is none. */
static guint32
read_header (Box tfhd, Defaults *out)
{
  if (tfhd.n_bytes < 8)
    return 0;
  guint32 flags = read_u32 (tfhd.bytes);
  gsize position = 8 + (flags & 0x1 ? 8 : 0) + (flags & 0x2 ? 4 : 0);
  out->duration = read_optional (tfhd, &position, flags, 0x8, 0);
  read_optional (tfhd, &position, flags, 0x10, 0); /* size */
  out->flags = read_optional (tfhd, &position, flags, 0x20, 0);
  return read_u32 (tfhd.bytes + 4);
}

/* 8.8.8: where all samples are alike in something, and so where there is one, it is among the defaults. */
static bool
read_run (Box trun, const Defaults *defaults, Fragment *out)
{
  if (trun.n_bytes < 8)
    return false;
  guint32 flags = read_u32 (trun.bytes), n = read_u32 (trun.bytes + 4);
  gsize position = 8 + (flags & 0x1 ? 4 : 0);
  guint32 first = read_optional (trun, &position, flags, 0x4, defaults->flags);

  out->duration = 0;
  for (guint32 i = 0; i < n; i++) {
    if ((flags & 0xf00) != 0 && position >= trun.n_bytes)
      return false;
    out->duration += read_optional (trun, &position, flags, 0x100, defaults->duration);
    read_optional (trun, &position, flags, 0x200, 0); /* size */
    guint32 own = read_optional (trun, &position, flags, 0x400, i == 0 ? first : defaults->flags);
    read_optional (trun, &position, flags, 0x800, 0); /* composition */
    if (i == 0)
      out->is_keyframe = (own & SAMPLE_IS_NON_SYNC) == 0;
    if ((flags & 0xf00) == 0 && i == SAMPLES_MAX)
      return false;
  }
  return n > 0;
}

/* Returns: false when it is not of the first track. */
static bool
read_fragment (Box moof, Fragment *out)
{
  Box traf = find_box (moof, "traf"), tfdt = find_box (traf, "tfdt");
  Defaults defaults = { 0 };

  if (read_header (find_box (traf, "tfhd"), &defaults) != 1 || tfdt.n_bytes < 8)
    return false;
  bool is_long = tfdt.bytes[0] == 1 && tfdt.n_bytes >= 12;
  out->begin = is_long ? (guint64) read_u32 (tfdt.bytes + 4) << 32 | read_u32 (tfdt.bytes + 8) : read_u32 (tfdt.bytes + 4);
  return read_run (find_box (traf, "trun"), &defaults, out);
}

/* ---- Segments ------------------------------------------------------------------------------------------------------ */

static bool
give_segment (MxrCutter *cutter, guint64 end)
{
  double duration_s = (double) (end - cutter->begin) / cutter->timescale;
  bool is_fine = cutter->events.on_segment (cutter->n_segments++, duration_s, cutter->segment->data, cutter->segment->len,
                                            cutter->user_data);
  g_byte_array_set_size (cutter->segment, 0);
  return is_fine;
}

static bool
give_head (MxrCutter *cutter)
{
  g_autoptr (GByteArray) head = g_steal_pointer (&cutter->head);
  return head == NULL || cutter->events.on_head (head->data, head->len, cutter->user_data);
}

static bool
take_fragment (MxrCutter *cutter, const Fragment *fragment)
{
  double length_s = ((double) fragment->begin - (double) cutter->begin) / cutter->timescale;
  bool is_fine = true;

  if (!cutter->has_begun) {
    cutter->begin = fragment->begin;
    cutter->has_begun = true;
  } else if (fragment->is_keyframe && length_s >= cutter->min_s) {
    is_fine = give_segment (cutter, fragment->begin);
    cutter->begin = fragment->begin;
  }
  cutter->end = fragment->begin + fragment->duration;
  return is_fine;
}

static bool
take_box (MxrCutter *cutter, Box box)
{
  const Box content = { box.bytes + HEADER_BYTES, box.n_bytes - HEADER_BYTES };
  const char *type = (const char *) box.bytes + 4;
  Fragment fragment;

  if (memcmp (type, "moof", 4) == 0) {
    if (!give_head (cutter) || (read_fragment (content, &fragment) && !take_fragment (cutter, &fragment)))
      return false;
    g_byte_array_append (cutter->segment, box.bytes, box.n_bytes);
  } else if (memcmp (type, "mdat", 4) == 0) {
    g_byte_array_append (cutter->segment, box.bytes, box.n_bytes);
  } else if (cutter->head != NULL) {
    g_byte_array_append (cutter->head, box.bytes, box.n_bytes);
  } /* the index at the end is of the whole file, which there is not */
  return true;
}

bool
mxr_cutter_push (MxrCutter *cutter, const guint8 *bytes, gsize n_bytes)
{
  gsize done = 0;

  g_byte_array_append (cutter->incoming, bytes, n_bytes);
  while (cutter->incoming->len - done >= HEADER_BYTES) {
    const guint8 *box = cutter->incoming->data + done;
    gsize box_bytes = read_u32 (box);
    if (box_bytes < HEADER_BYTES || box_bytes > BOX_MAX_BYTES)
      return false;
    if (box_bytes > cutter->incoming->len - done)
      break;
    if (!take_box (cutter, (Box){ box, box_bytes }))
      return false;
    done += box_bytes;
  }
  if (done > 0)
    g_byte_array_remove_range (cutter->incoming, 0, done);
  return true;
}

bool
mxr_cutter_end (MxrCutter *cutter)
{
  return cutter->segment->len == 0 || give_segment (cutter, cutter->end);
}
