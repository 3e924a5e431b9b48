#ifndef MXR_FRAGMENT_PRIVATE_H
#define MXR_FRAGMENT_PRIVATE_H

#include "mixroom/pipeline.h"

/* The longest fragment that makes sense is some 2 KB; anything much larger is another kind of file. */
#define MXR_FRAGMENT_MAX_BYTES (64 * 1024)

/* One line of the chain. */
typedef struct {
  char *text;
  guint number; /* from 1 */
} MxrChainLine;

/* Reference counted (g_atomic_rc_box), as bins keep their fragment. Immutable once checked. */
struct _MxrFragment {
  char *name;
  char *file;
  bool has_kind;
  MxrFragmentKind kind;
  char *codec;
  char **needs; /* nullable */
  guint needs_line;
  char *bitrate_element; /* nullable */
  char *bitrate_property;
  guint bitrate_unit_bps; /* 1 or 1000 */
  guint bitrate_line;
  bool has_keyframe;
  GArray *chain;               /* MxrChainLine */
  MxrFragmentProblem *problem; /* nullable: the first fault */
};

MxrFragment *mxr_fragment_ref (const MxrFragment *fragment);
void mxr_fragment_unref (MxrFragment *fragment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MxrFragment, mxr_fragment_unref)

/**
 * mxr_fragment_parse:
 * @bytes: (array length=n_bytes): contents of @file, any bytes
 *
 * Front matter and lines of the chain; pure. Returns: a fragment in any case, with its problem where it has
 * one.
 */
MxrFragment *mxr_fragment_parse (const char *name, const char *file, const char *bytes, gsize n_bytes);

/**
 * mxr_fragment_check:
 *
 * Makes the chain for real and looks at it. Sets the fragment's problem, unless it has one.
 */
void mxr_fragment_check (MxrFragment *fragment);

/** mxr_fragment_fail: Sets the problem. Returns: false, for the caller to return. */
bool mxr_fragment_fail (MxrFragment *fragment, guint line, bool is_missing, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

/** mxr_fragment_describe: The first @n_lines of the chain as gst-launch takes them, without a link at the
 * end. */
char *mxr_fragment_describe (const MxrFragment *fragment, guint n_lines);

/**
 * mxr_bin_find_open_pads:
 * @out_pads: (element-type GstPad): owns references to the pads of @direction of @bin's children that are
 * linked to nothing
 */
void mxr_bin_find_open_pads (GstBin *bin, GstPadDirection direction, GPtrArray *out_pads);

#endif
