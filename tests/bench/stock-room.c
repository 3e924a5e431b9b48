/* The room one writes from stock GStreamer elements, as the rival: udpsrc, jitter buffer and decoder for each person's
 * sound and picture; one compositor; an audiomixer for each listener, fed by tees and queues; an Opus encoder each; a
 * picture encoder each, or one for all. Plain RTP on loopback, no ICE, no encryption, no feedback.
 *
 * It hears person i's sound on BASE + 4 i and picture on BASE + 4 i + 2, and sends to CROWD + 4 i and CROWD + 4 i + 2.
 *
 * usage: stock-room CODEC PARTICIPANTS each|shared BASE CROWD    CODEC: vp8 or h264; runs until it is ended */

#include <gst/gst.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>

#define CANVAS_W 1280
#define CANVAS_H 720

/* The encoders of pipelines/, with the same parameters: the difference measured is the graph around them. */
#define VP8_ENCODER                                                                                                    \
  "vp8enc deadline=1 cpu-used=-12 threads=1 lag-in-frames=0 end-usage=cbr target-bitrate=1500000 undershoot=100 "      \
  "overshoot=15 buffer-initial-size=300 buffer-optimal-size=400 buffer-size=600 min-quantizer=2 max-quantizer=56 "     \
  "max-intra-bitrate=900 static-threshold=1 keyframe-max-dist=300 ! rtpvp8pay pt=96 mtu=1200"
#define H264_ENCODER                                                                                                   \
  "openh264enc complexity=low rate-control=bitrate bitrate=1500000 usage-type=camera multi-thread=1 gop-size=300 "     \
  "scene-change-detection=false ! video/x-h264,profile=constrained-baseline ! "                                        \
  "rtph264pay pt=96 mtu=1200 config-interval=-1 aggregate-mode=zero-latency"
#define OPUS_ENCODER "opusenc audio-type=generic complexity=5 frame-size=20 bitrate=32000 ! rtpopuspay pt=111"

#define VP8_DECODER "rtpvp8depay ! vp8dec threads=1"
#define H264_DECODER "rtph264depay ! avdec_h264 max-threads=1"

typedef struct {
  bool is_h264;
  bool is_shared;
  guint n;
  guint base, crowd;
} Plan;

static void
add_person (GString *text, const Plan *plan, guint i)
{
  g_string_append_printf (text,
                          "udpsrc address=127.0.0.1 port=%u caps=application/x-rtp,media=audio,encoding-name=OPUS,"
                          "clock-rate=48000,payload=111 ! rtpjitterbuffer latency=40 ! rtpopusdepay ! opusdec ! "
                          "audio/x-raw,rate=48000,channels=1 ! tee name=sound%u ",
                          plan->base + 4 * i, i);
  g_string_append_printf (text,
                          "udpsrc address=127.0.0.1 port=%u buffer-size=524288 caps=application/x-rtp,media=video,"
                          "encoding-name=%s,clock-rate=90000,payload=96 ! rtpjitterbuffer latency=40 ! %s ! queue ! "
                          "picture.sink_%u ",
                          plan->base + 4 * i + 2, plan->is_h264 ? "H264" : "VP8",
                          plan->is_h264 ? H264_DECODER : VP8_DECODER, i);
}

static void
add_listener (GString *text, const Plan *plan, guint i)
{
  g_string_append_printf (text,
                          "audiomixer name=mix%u latency=20000000 ! "
                          "audio/x-raw,format=S16LE,rate=48000,channels=1 ! " OPUS_ENCODER " ! "
                          "udpsink host=127.0.0.1 port=%u sync=false async=false ",
                          i, plan->crowd + 4 * i);
  for (guint k = 0; k < plan->n; k++)
    if (k != i)
      g_string_append_printf (text, "sound%u. ! queue ! mix%u. ", k, i);
}

static void
add_pictures (GString *text, const Plan *plan)
{
  const char *encoder = plan->is_h264 ? H264_ENCODER : VP8_ENCODER;
  guint side = (guint) ceil (sqrt (plan->n)), w = CANVAS_W / side & ~1u, h = CANVAS_H / side & ~1u;

  g_string_append (text, "compositor name=picture background=black latency=20000000 ");
  for (guint i = 0; i < plan->n; i++)
    g_string_append_printf (text, "sink_%u::xpos=%u sink_%u::ypos=%u sink_%u::width=%u sink_%u::height=%u ", i, i % side * w,
                            i, i / side * h, i, w, i, h);
  g_string_append_printf (text, "! video/x-raw,format=I420,width=%u,height=%u,framerate=30/1 ! ", CANVAS_W, CANVAS_H);
  if (plan->is_shared) {
    g_string_append_printf (text, "queue ! %s ! multiudpsink sync=false async=false clients=", encoder);
    for (guint i = 0; i < plan->n; i++)
      g_string_append_printf (text, "%s127.0.0.1:%u", i > 0 ? "," : "", plan->crowd + 4 * i + 2);
    g_string_append_c (text, ' ');
    return;
  }
  g_string_append (text, "tee name=canvas ");
  for (guint i = 0; i < plan->n; i++)
    g_string_append_printf (text, "canvas. ! queue ! %s ! udpsink host=127.0.0.1 port=%u sync=false async=false ", encoder,
                            plan->crowd + 4 * i + 2);
}

static char *
describe (const Plan *plan)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < plan->n; i++)
    add_person (text, plan, i);
  for (guint i = 0; i < plan->n; i++)
    add_listener (text, plan, i);
  add_pictures (text, plan);
  return g_string_free (text, FALSE);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  prctl (PR_SET_PDEATHSIG, SIGKILL); /* a bench that dies leaves nothing behind */
  gst_init (NULL, NULL);
  if (argc != 6)
    g_error ("usage: stock-room vp8|h264 PARTICIPANTS each|shared BASE CROWD");
  const Plan plan = { g_str_equal (argv[1], "h264"), g_str_equal (argv[3], "shared"), (guint) atoi (argv[2]),
                      (guint) atoi (argv[4]), (guint) atoi (argv[5]) };
  g_autofree char *text = describe (&plan);
  g_autoptr (GstElement) pipeline = gst_parse_launch (text, &error);
  if (error != NULL)
    g_error ("%s", error->message);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_print ("ready\n");
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  g_error ("%s", error->message);
}
