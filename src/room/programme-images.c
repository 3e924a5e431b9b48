/* The programme's background and logo: loaded by a worker when the look names others, and shown from then on. */

#include "room-private.h"

#include "images.h"

#include <string.h>

struct _MxrProgrammeImage {
  char *name;        /* of what is shown or being loaded; "": none */
  GstSample *sample; /* NULL: there is none, or not yet */
  guint serial;      /* of the newest load */
};

typedef struct {
  MxrRoom *room; /* a reference */
  guint kind, serial;
} Load;

bool
mxr_programme_images_have (const MxrConfig *config, const char *name)
{
  g_autofree char *path = g_build_filename (config->programme.images_directory, name, NULL);
  return *config->programme.images_directory != '\0' && name[0] != '.' && strchr (name, '/') == NULL &&
         g_file_test (path, G_FILE_TEST_IS_REGULAR);
}

GstSample *
mxr_programme_images_get (const MxrRoom *room, MxrProgrammeImageKind kind)
{
  return room->images[kind]->sample;
}

static void
on_loaded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Load *load = user_data;
  g_autoptr (MxrRoom) room = load->room;
  MxrProgrammeImage *image = room->images[load->kind];
  g_autoptr (GError) error = NULL;
  GstSample *sample = mxr_image_load_finish (result, &error);

  room->n_image_loads--;
  if (load->serial != image->serial || room->participants->len == 0) {
    g_clear_pointer (&sample, gst_sample_unref);
    return;
  }
  if (sample == NULL)
    mxr_log (MXR_LOG_WARNING, "room", room->name, NULL, "the programme goes without %s: %s", image->name, error->message);
  g_clear_pointer (&image->sample, gst_sample_unref);
  image->sample = sample;
  mxr_programme_look_show (room);
}

static void
follow (MxrRoom *room, MxrProgrammeImageKind kind, const char *name)
{
  const MxrLevel *canvas = &room->graph->views[MXR_VIEW_PROGRAMME].levels.levels[0];
  MxrProgrammeImage *image = room->images[kind];

  if (strcmp (image->name, name) == 0)
    return;
  g_free (image->name);
  image->name = g_strdup (name);
  image->serial++;
  if (*name == '\0') {
    g_clear_pointer (&image->sample, gst_sample_unref);
    return;
  }
  room->n_image_loads++;
  Load *load = g_new (Load, 1);
  *load = (Load){ mxr_room_ref (room), kind, image->serial };
  mxr_image_load_async (room->hub->config, name, kind == MXR_PROGRAMME_LOGO, canvas->width_px, canvas->height_px, on_loaded, load);
}

/* A former image stays until the next one is there, so that nothing flickers. */
void
mxr_programme_images_follow (MxrRoom *room)
{
  bool is_image = *room->look.background != '#';

  follow (room, MXR_PROGRAMME_BACKGROUND, is_image ? room->look.background : "");
  follow (room, MXR_PROGRAMME_LOGO, room->look.logo);
}

void
mxr_programme_images_init (MxrRoom *room)
{
  for (guint i = 0; i < MXR_PROGRAMME_N_IMAGES; i++) {
    room->images[i] = g_new0 (MxrProgrammeImage, 1);
    room->images[i]->name = g_strdup ("");
  }
}

void
mxr_programme_images_clear (MxrRoom *room)
{
  for (guint i = 0; i < MXR_PROGRAMME_N_IMAGES; i++) {
    g_clear_pointer (&room->images[i]->sample, gst_sample_unref);
    g_free (room->images[i]->name);
    g_clear_pointer (&room->images[i], g_free);
  }
}
