#ifndef MXR_LIBRARY_TEST_MEDIA_H
#define MXR_LIBRARY_TEST_MEDIA_H

#include "mixroom/base.h"

/** test_media_write: @muxer: as the outputs have it; @duration_s of a moving picture of 320x180 and of a tone. */
void test_media_write (const char *path, const char *muxer, guint duration_s);

#define TEST_MP4 "mp4mux name=mux fragment-duration=1000 fragment-mode=dash-or-mss"
#define TEST_MKV "matroskamux name=mux max-cluster-duration=1000000000 offset-to-zero=true"

/** test_media_cut: As a process that is killed leaves it: @fraction of its bytes. */
void test_media_cut (const char *from, const char *to, double fraction);

#endif
