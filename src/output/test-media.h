#ifndef MXR_OUTPUT_TEST_MEDIA_H
#define MXR_OUTPUT_TEST_MEDIA_H

#include "mixroom/output.h"

/* Encoded media as they come out of an uplink, made as fast as it goes. Included by tests. */

typedef struct {
  GPtrArray *units; /* MxrTrackUnit; their times begin with 0 */
  guint16 next_seq;
  guint parameters; /* of key frames */
} TestMedia;

/* H.264 of so many seconds has another profile. */
#define TEST_MEDIA_OTHER_PROFILE_S 3

/** test_media_new: @codec: "OPUS", "VP8" or "H264". A key frame every second, 15 frames a second; sound in packets of 20 ms. */
TestMedia *test_media_new (const char *codec, guint seconds, guint width_px);
void test_media_free (TestMedia *media);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestMedia, test_media_free)

/** test_media_give: All of it, on the timeline that begins at @begin_ns. */
void test_media_give (TestMedia *media, MxrTrack *track, gint64 begin_ns);
/** test_media_give_unit: One of them. */
bool test_media_give_unit (TestMedia *media, guint index, MxrTrack *track, gint64 time_ns);

/* What is in a Matroska file. */
typedef struct {
  GPtrArray *packets; /* GBytes */
  GArray *times_ns;   /* GstClockTime */
} TestFile;

TestFile *test_file_read (const char *path);
void test_file_free (TestFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestFile, test_file_free)

#endif
