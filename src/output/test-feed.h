#ifndef MXR_OUTPUT_TEST_FEED_H
#define MXR_OUTPUT_TEST_FEED_H

#include "mixroom/output.h"

/* A feed of a moving picture and a tone at the pace of the clock, a key frame every 2 s. */
typedef struct {
  MxrFeed *feed;
  GstElement *pipeline;
} TestFeed;

void test_feed_start (TestFeed *self);
void test_feed_stop (TestFeed *self);

typedef bool (*TestCondition) (gpointer user_data);
/** test_until: Runs the main context; aborts after @seconds, saying @what. */
void test_until (TestCondition condition, gpointer user_data, guint seconds, const char *what);
void test_run_ms (guint ms);

/** test_ffprobe: Returns: (transfer full) (nullable): what it prints; %NULL when it fails or finds an error in @path. */
char *test_ffprobe (const char *path, const char *entries);
/** test_decode: Whether FFmpeg decodes all of it without a complaint. */
bool test_decode (const char *path);
/** test_decode_what_is_there: Whether FFmpeg gets to the end, whatever it has to say of that. */
bool test_decode_what_is_there (const char *path);
/** test_ffprobe_packets: Returns: (transfer full) (nullable): the time of each packet [s], a line each. @stream: "v:0" or "a:0" */
char *test_ffprobe_packets (const char *path, const char *stream);
/** test_get_end_s: Returns: time stamp of the last packet of "v:0" or "a:0"; 0 when there is none. */
double test_get_end_s (const char *path, const char *stream);

#endif
