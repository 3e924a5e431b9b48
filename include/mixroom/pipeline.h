#ifndef MIXROOM_PIPELINE_H
#define MIXROOM_PIPELINE_H

#include "mixroom/base.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* Fragments: leaf chains an operator can replace, one file each; and branches: adding to and removing from a
 * pipeline that plays. The file format stands in pipelines/README.md. */

#define MXR_PIPELINE_ERROR (mxr_pipeline_error_quark ())
GQuark mxr_pipeline_error_quark (void);

typedef enum {
  MXR_PIPELINE_ERROR_NOT_FOUND, /* no fragment of that name, or no folder to read */
  MXR_PIPELINE_ERROR_BAD_FILE,  /* the file must be corrected */
  MXR_PIPELINE_ERROR_MISSING,   /* the file is fine, an element is not installed here */
  MXR_PIPELINE_ERROR_WRONG_USE, /* a good fragment, but of another kind or codec */
  MXR_PIPELINE_ERROR_FAILED,    /* GStreamer refused a state change or an element */
} MxrPipelineError;

/* ---- Fragments ------------------------------------------------------------------------------------------
 */

typedef enum {
  MXR_FRAGMENT_ENCODE, /* raw in, RTP packets out */
  MXR_FRAGMENT_DECODE, /* RTP packets in, raw out */
  MXR_FRAGMENT_ELEMENTARY, /* raw in, an elementary stream's frames out: for files and streams of the programme */
} MxrFragmentKind;

typedef struct _MxrFragment MxrFragment;   /* one file, checked; immutable, so any thread may read it */
typedef struct _MxrFragments MxrFragments; /* all of them; immutable */

/* What is wrong with one file. */
typedef struct {
  char *name; /* of the fragment: file name without ".gst" */
  char *file; /* path */
  guint line; /* from 1; 0: the file as a whole */
  char *reason;
  bool is_missing; /* nothing wrong with the file: an element is not installed */
} MxrFragmentProblem;

void mxr_fragment_problem_free (MxrFragmentProblem *problem);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrFragmentProblem, mxr_fragment_problem_free)

/**
 * mxr_fragments_load:
 * @dirs: (array zero-terminated=1): folders, the operator's first; a file in an earlier one hides those of
 * the same name in later ones. Empty strings and folders that do not exist are skipped
 *
 * Reads every *.gst and checks it for real: front matter, syntax, elements, properties, open pads. A file
 * with a fault is kept with its fault: it is reported by mxr_fragments_check() and refused by
 * mxr_fragments_find(), and it still hides others, or a slip of an operator would silently bring the stock
 * encoder back.
 *
 * Thread: control, after gst_init(). Elements are made and thrown away.
 * Errors: NOT_FOUND, when none of @dirs has a single fragment.
 */
MxrFragments *mxr_fragments_load (const char *const *dirs, GError **error);
void mxr_fragments_free (MxrFragments *fragments);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrFragments, mxr_fragments_free)

/**
 * mxr_fragments_check:
 * @out_problems: (element-type MxrFragmentProblem) (nullable): one is appended per faulty file; the array
 * should have mxr_fragment_problem_free() as its free function
 *
 * Returns: whether all fragments are fine. A fault is fatal only in a fragment that is used: ask
 * mxr_fragments_find().
 */
bool mxr_fragments_check (const MxrFragments *fragments, GPtrArray *out_problems);

/**
 * mxr_fragments_find:
 * @codec: as in SDP, case ignored: "VP8", "H264", "opus"
 *
 * Returns: (transfer none): lives as long as @fragments.
 * Errors: NOT_FOUND, WRONG_USE, BAD_FILE and MISSING; the message has file, line and reason.
 */
const MxrFragment *mxr_fragments_find (const MxrFragments *fragments, const char *name, MxrFragmentKind kind,
                                       const char *codec, GError **error);

/**
 * mxr_fragment_new_bin:
 * @element_name: (nullable): of the bin
 *
 * Encode: sink takes I420 or S16LE 48 kHz, src gives RTP packets whose timestamp is running time x clock
 * rate, offset 0, of at most 1160 bytes; those of a video frame come as one buffer list. Opus time is less
 * the encoder's look-ahead of 312 samples after the first packet, so that sound and picture stay together.
 * Decode: sink takes RTP packets of one SSRC in order, with caps such as
 * `application/x-rtp,media=audio,payload=96,clock-rate=48000,encoding-name=OPUS` (name in capitals; Opus
 * wants a payload in [96..127], whatever the packets carry); src gives I420 or S16LE 48 kHz, Opus as stereo
 * unless the caps have `sprop-stereo=0`; upstream force-key-unit events ask for a key frame after loss. The bin outlives @fragment safely.
 *
 * Returns: (transfer floating): a #GstBin with ghost pads "sink" and "src". Thread: control.
 */
GstElement *mxr_fragment_new_bin (const MxrFragment *fragment, const char *element_name, GError **error);

/**
 * mxr_fragment_bin_set_bitrate:
 * @bin: of mxr_fragment_new_bin()
 *
 * Live; clamped to what the encoder takes. Thread: any.
 * Returns: false when the fragment names no bitrate property.
 */
bool mxr_fragment_bin_set_bitrate (GstElement *bin, guint bitrate_bps);

/**
 * mxr_fragment_bin_request_keyframe:
 *
 * The next frame that enters becomes a key frame, with its parameter sets. Does not limit its rate. Thread:
 * any. Returns: false when the fragment knows no key frames (audio).
 */
bool mxr_fragment_bin_request_keyframe (GstElement *bin);

/* ---- Branches of a playing pipeline ---------------------------------------------------------------------
 */

/**
 * mxr_branch_add:
 * @element: (transfer floating): an element or bin without a parent; names are unique in a bin
 *
 * Adds @element and brings it to its parent's state; it is removed again on failure. Work from the sink
 * upwards: add what is downstream, add and link what feeds it, and link to the running part last, so that
 * data meets only elements that run. Sinks in a branch need async=false, or the whole pipeline waits for
 * their preroll.
 *
 * Thread: control. Errors: FAILED.
 */
bool mxr_branch_add (GstBin *pipeline, GstElement *element, GError **error);

/**
 * mxr_branch_remove:
 * @element: a child of @pipeline; the caller must not touch it any more
 * @upstream_src: (nullable): pad of the running part that feeds @element; %NULL when it is fed by nobody (it
 * begins with a source) or was unlinked while idle
 * @on_removed: (nullable): called with @user_data once @element is stopped, out of @pipeline and released by
 * us: the place to release request pads at either end. Thread: the one that called, from its thread-default
 * main context
 *
 * Does not wait. @upstream_src is unlinked as soon as no buffer is on its way through it, so the running part
 * never sees a flushing branch; then a worker thread sets @element to NULL, which may take as long as a
 * frame's encode, and takes it out of @pipeline. Links to what is downstream stay until then. A branch whose
 * elements block for ever is never removed: give queues in it a leak. @pipeline may change state and be
 * unreffed meanwhile.
 *
 * Thread: control.
 */
void mxr_branch_remove (GstBin *pipeline, GstElement *element, GstPad *upstream_src,
                        GDestroyNotify on_removed, gpointer user_data);

/**
 * mxr_branch_count_removals:
 *
 * Returns: removals of @pipeline that were begun and whose on_removed has not been made. Iterate the main
 * context until 0 before the process ends. Thread: control.
 */
guint mxr_branch_count_removals (GstBin *pipeline);

G_END_DECLS

#endif
