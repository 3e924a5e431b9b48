#include "images.h"

#include <glib/gstdio.h>
#include <gst/app/gstappsink.h>
#include <gst/video/video.h>
#include <string.h>
#include <unistd.h>

#include "image-decode.h"
#include "mixroom/limits.h"

typedef struct {
  char *directory;
  MxrConfig *config;
  GAsyncResult *result;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->directory = g_dir_make_tmp ("mixroom-images-XXXXXX", NULL);
  fixture->config = mxr_config_new ();
  g_autofree char *setting = g_strconcat ("programme.images_directory=", fixture->directory, "/images", NULL);
  g_assert_true (mxr_config_set (fixture->config, setting, NULL));
}

static void
remove_all (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *below = g_build_filename (path, name, NULL);
    remove_all (below);
  }
  g_remove (path);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  remove_all (fixture->directory);
  g_free (fixture->directory);
  mxr_config_free (fixture->config);
}

/* A picture whose left half is red and whose right half is blue; a PNG's upper half is transparent by half. */
static GBytes *
make_image (const char *encoder, guint w, guint h)
{
  bool is_png = strcmp (encoder, "pngenc") == 0;
  g_autofree char *line =
      g_strdup_printf ("appsrc name=in format=time caps=video/x-raw,format=RGBA,width=%u,height=%u,framerate=1/1 ! videoconvert ! %s "
                       "! appsink name=out sync=false", w, h, encoder);
  g_autoptr (GstElement) pipeline = gst_object_ref_sink (gst_parse_launch (line, NULL));
  g_autoptr (GstElement) in = gst_bin_get_by_name (GST_BIN (pipeline), "in");
  g_autoptr (GstElement) out = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 4 * w * h, NULL);
  GstFlowReturn flow;
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (guint i = 0; i < w * h; i++) {
    const guint8 pixel[] = { i % w < w / 2 ? 255 : 0, 0, i % w < w / 2 ? 0 : 255, is_png && i / w < h / 2 ? 128 : 255 };
    memcpy (map.data + 4 * i, pixel, 4);
  }
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = 0;
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_signal_emit_by_name (in, "push-buffer", buffer, &flow);
  gst_buffer_unref (buffer);
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (GST_APP_SINK (out));
  gst_buffer_map (gst_sample_get_buffer (sample), &map, GST_MAP_READ);
  GBytes *bytes = g_bytes_new (map.data, map.size);
  gst_buffer_unmap (gst_sample_get_buffer (sample), &map);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return bytes;
}

static void
on_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *fixture = user_data;
  fixture->result = g_object_ref (result);
}

/* Returns: (transfer full) */
static GAsyncResult *
wait (Fixture *fixture)
{
  g_assert_null (fixture->result); /* never from within the call */
  while (fixture->result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return g_steal_pointer (&fixture->result);
}

static bool
write_image (Fixture *fixture, const char *name, GBytes *bytes, GError **error)
{
  mxr_image_write_async (fixture->config, name, bytes, on_done, fixture);
  g_autoptr (GAsyncResult) result = wait (fixture);
  g_autoptr (GVariant) image = mxr_image_describe_finish (result, error);
  if (image == NULL && *error != NULL)
    g_test_message ("%s: %s", name, (*error)->message);
  return image != NULL;
}

static GstSample *
load (Fixture *fixture, const char *name, bool is_logo, guint w, guint h, GError **error)
{
  mxr_image_load_async (fixture->config, name, is_logo, w, h, on_done, fixture);
  g_autoptr (GAsyncResult) result = wait (fixture);
  return mxr_image_load_finish (result, error);
}

static void
assert_pixel (GstSample *sample, guint x, guint y, int a, int b, int c, int alpha)
{
  GstVideoFrame frame;
  GstVideoInfo info;

  g_assert_true (gst_video_info_from_caps (&info, gst_sample_get_caps (sample)));
  g_assert_true (gst_video_frame_map (&frame, &info, gst_sample_get_buffer (sample), GST_MAP_READ));
  int wanted[] = { a, b, c, alpha };
  for (guint i = 0; i < GST_VIDEO_INFO_N_COMPONENTS (&info); i++) {
    const guint8 *plane = GST_VIDEO_FRAME_COMP_DATA (&frame, i);
    int half = info.finfo->w_sub[i];
    int value = plane[(gsize) (y >> half) * GST_VIDEO_FRAME_COMP_STRIDE (&frame, i) +
                      (gsize) (x >> half) * GST_VIDEO_FRAME_COMP_PSTRIDE (&frame, i)];
    g_assert_cmpint (ABS (value - wanted[i]), <=, 3);
  }
  gst_video_frame_unmap (&frame);
}

static void
test_load (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GBytes) png = make_image ("pngenc", 200, 100), jpeg = make_image ("jpegenc quality=100", 300, 200);
  g_autoptr (GError) error = NULL;

  g_assert_true (write_image (fixture, "logo.png", png, &error));
  g_assert_true (write_image (fixture, "Back-ground_2.jpg", jpeg, &error));
  g_autoptr (GstSample) logo = load (fixture, "logo.png", true, 0, 0, &error);
  g_assert_no_error (error);
  assert_pixel (logo, 20, 20, 255, 0, 0, 128); /* R, G, B, A */
  assert_pixel (logo, 180, 80, 0, 0, 255, 255);
  g_autoptr (GstSample) opaque = load (fixture, "Back-ground_2.jpg", true, 0, 0, &error);
  assert_pixel (opaque, 20, 20, 255, 0, 0, 255);
  g_autoptr (GstSample) wide = load (fixture, "Back-ground_2.jpg", false, 1280, 720, &error);
  g_assert_no_error (error);
  g_autofree char *caps = gst_caps_to_string (gst_sample_get_caps (wide));
  g_assert_nonnull (strstr (caps, "I420"));
  g_assert_nonnull (strstr (caps, "width=(int)1280, height=(int)720"));
  assert_pixel (wide, 4, 4, 82, 90, 240, 0); /* BT.601; the left half is red up to the middle: it was cut, not squeezed */
  assert_pixel (wide, 620, 700, 82, 90, 240, 0);
  assert_pixel (wide, 660, 20, 41, 240, 110, 0);
  g_autoptr (GstSample) tall = load (fixture, "logo.png", false, 64, 640, &error);
  assert_pixel (tall, 10, 600, 82, 90, 240, 0);
  assert_pixel (tall, 50, 600, 41, 240, 110, 0);
}

static void
test_list_read_delete (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GBytes) png = make_image ("pngenc", 20, 10);
  g_autoptr (GError) error = NULL;

  mxr_images_list_async (fixture->config, on_done, fixture);
  g_autoptr (GAsyncResult) none_result = wait (fixture);
  g_autoptr (GVariant) none = mxr_image_describe_finish (none_result, &error);
  g_assert_cmpuint (g_variant_n_children (none), ==, 0);
  g_assert_true (write_image (fixture, "b.png", png, &error));
  g_assert_true (write_image (fixture, "a.png", png, &error));
  g_assert_true (write_image (fixture, "a.png", png, &error)); /* in its place */
  g_autofree char *text = g_build_filename (fixture->config->programme.images_directory, "notes.txt", NULL);
  g_assert_true (g_file_set_contents (text, "no image", -1, NULL));
  mxr_images_list_async (fixture->config, on_done, fixture);
  g_autoptr (GAsyncResult) list_result = wait (fixture);
  g_autoptr (GVariant) list = mxr_image_describe_finish (list_result, &error);
  g_autofree char *printed = g_variant_print (list, TRUE);
  const guint n_bytes = (guint) g_bytes_get_size (png);
  g_autofree char *wanted = g_strdup_printf (
      "[{'name': <'a.png'>, 'type': <'image/png'>, 'bytes': <uint64 %u>, 'width': <uint32 20>, 'height': <uint32 10>}, "
      "{'name': <'b.png'>, 'type': <'image/png'>, 'bytes': <uint64 %u>, 'width': <uint32 20>, 'height': <uint32 10>}]",
      n_bytes, n_bytes);
  g_assert_cmpstr (printed, ==, wanted);

  const char *type;
  mxr_image_read_async (fixture->config, "b.png", on_done, fixture);
  g_autoptr (GAsyncResult) read_result = wait (fixture);
  g_autoptr (GBytes) bytes = mxr_image_read_finish (read_result, &type, &error);
  g_assert_true (g_bytes_equal (bytes, png));
  g_assert_cmpstr (type, ==, "image/png");
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GError) gone = NULL;
    mxr_image_delete_async (fixture->config, "b.png", on_done, fixture);
    g_autoptr (GAsyncResult) delete_result = wait (fixture);
    g_assert_cmpint (mxr_image_delete_finish (delete_result, &gone), ==, i == 0);
    g_assert_cmpint (g_error_matches (gone, MXR_ROOM_ERROR, MXR_ROOM_ERROR_NOT_FOUND), ==, i == 1);
  }
}

static void
test_bad_names (Fixture *fixture, gconstpointer unused)
{
  static const char *const names[] = { "", ".", "..", ".hidden", "../a.png", "a/b.png", "a b", "\xc3\xa9.png", "a\n" };
  g_autoptr (GBytes) png = make_image ("pngenc", 20, 10);
  g_autofree char *long_name = g_strnfill (MXR_IMAGE_NAME_MAX_BYTES + 1, 'a');

  for (guint i = 0; i <= G_N_ELEMENTS (names); i++) {
    const char *name = i < G_N_ELEMENTS (names) ? names[i] : long_name;
    g_autoptr (GError) error = NULL, load_error = NULL;
    g_assert_false (write_image (fixture, name, png, &error));
    g_assert_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_BAD_LOOK);
    g_assert_null (load (fixture, name, true, 0, 0, &load_error));
    g_assert_error (load_error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_BAD_LOOK);
  }
  g_autofree char *secret = g_build_filename (fixture->directory, "secret.png", NULL);
  g_autofree char *link = g_build_filename (fixture->config->programme.images_directory, "link.png", NULL);
  g_autoptr (GError) error = NULL;
  g_assert_true (write_image (fixture, "a.png", png, NULL));
  g_assert_true (g_file_set_contents (secret, g_bytes_get_data (png, NULL), (gssize) g_bytes_get_size (png), NULL));
  g_assert_cmpint (symlink (secret, link), ==, 0);
  g_assert_null (load (fixture, "link.png", true, 0, 0, &error));
  g_assert_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_NOT_FOUND);
  g_assert_true (mxr_config_set (fixture->config, "programme.images_directory=", NULL));
  g_clear_error (&error);
  g_assert_null (load (fixture, "a.png", true, 0, 0, &error));
  g_assert_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_OUTPUT_OFF);
}

/* Whatever is cut off or turned around: an error or a picture, and never more. */
static void
test_broken_images (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GBytes) png = make_image ("pngenc", 120, 80), jpeg = make_image ("jpegenc", 120, 80);
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);

  for (guint i = 0; i < 80; i++) {
    gsize n_bytes;
    const guint8 *bytes = g_bytes_get_data (i % 2 ? jpeg : png, &n_bytes);
    g_autofree guint8 *broken = g_memdup2 (bytes, n_bytes);
    gsize n = i < 40 ? n_bytes * i / 40 : n_bytes;
    for (guint k = 0; k < 4 && i >= 40; k++)
      broken[g_rand_int_range (rand, 2, (gint32) n_bytes)] = (guint8) g_rand_int (rand);
    g_autoptr (GBytes) image = g_bytes_new (broken, n);
    g_autoptr (GError) error = NULL;
    g_autoptr (GstSample) sample = mxr_image_decode (image, true, 0, 0, &error);
    g_assert_true ((sample == NULL) == (error != NULL));
    g_assert_true (sample == NULL || i >= 40);
    if (error != NULL)
      g_assert_error (error, MXR_ROOM_ERROR, MXR_ROOM_ERROR_BAD_LOOK);
  }
}

static void
assert_head (const guint8 *bytes, gsize n_bytes, const char *text)
{
  MxrImageHead head;
  const char *problem;

  g_assert_false (mxr_image_head_read (bytes, n_bytes, &head, &problem));
  g_assert_nonnull (strstr (problem, text));
}

static void
test_heads (void)
{
  g_autoptr (GBytes) image = make_image ("jpegenc", 64, 48);
  gsize n_bytes;
  const guint8 *jpeg = g_bytes_get_data (image, &n_bytes);
  g_autofree guint8 *twice = g_malloc (2 * n_bytes);
  guint8 png[24] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R', 0, 0, 0, 9, 0, 0, 0, 9 };
  MxrImageHead head;
  const char *problem;

  memcpy (twice, jpeg, n_bytes);
  memcpy (twice + n_bytes, jpeg, n_bytes);
  g_assert_true (mxr_image_head_read (twice, 2 * n_bytes, &head, &problem)); /* of two the first */
  g_assert_cmpuint (head.n_bytes, ==, n_bytes);
  g_assert_cmpuint (head.width_px, ==, 64);
  g_assert_cmpuint (head.height_px, ==, 48);
  assert_head (jpeg, n_bytes - 2, "too early");
  assert_head ((const guint8 *) "GIF89a", 6, "Only PNG and JPEG");
  assert_head (jpeg, 0, "Only PNG and JPEG");
  g_assert_true (mxr_image_head_read (png, sizeof png, &head, &problem));
  png[18] = 0x10; /* 4105 wide */
  assert_head (png, sizeof png, "4096");
  png[16] = 0xff;
  assert_head (png, sizeof png, "4096");
  memset (png + 16, 0, 4);
  assert_head (png, sizeof png, "4096");
  assert_head (png, 20, "too early");
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/images/heads", test_heads);
  g_test_add ("/images/load", Fixture, NULL, set_up, test_load, tear_down);
  g_test_add ("/images/list-read-delete", Fixture, NULL, set_up, test_list_read_delete, tear_down);
  g_test_add ("/images/bad-names", Fixture, NULL, set_up, test_bad_names, tear_down);
  g_test_add ("/images/broken-images", Fixture, NULL, set_up, test_broken_images, tear_down);
  return g_test_run ();
}
