#ifndef MXR_JSON_READER_H
#define MXR_JSON_READER_H

#include "mixroom/base.h"

/* Deeper than any message of ours; a parser that recurses needs an end. */
#define MXR_JSON_MAX_DEPTH 16
#define MXR_JSON_MAX_MEMBERS 64

typedef enum { MXR_JSON_NULL, MXR_JSON_BOOL, MXR_JSON_NUMBER, MXR_JSON_STRING, MXR_JSON_NESTED } MxrJsonType;

typedef struct {
  MxrJsonType type;
  bool boolean;
  double number;
  char *string; /* without U+0000 it would end at: see has_nul */
  bool has_nul;
} MxrJsonValue;

/**
 * mxr_json_check:
 *
 * Whether @text is JSON: one value of any kind. Stricter than json-glib's parser, which takes comments,
 * single quotes and bare words. @out_position: (out) (optional): where it stops being JSON [bytes].
 *
 * Thread: any; pure. Source: RFC 8259.
 */
bool mxr_json_check (const char *text, gsize n_bytes, gsize *out_position);

/**
 * mxr_json_read_object:
 *
 * Returns: (transfer full) (nullable): the members of the object (char * to #MxrJsonValue; the last of a name
 * wins), or %NULL when @text is not one JSON object of at most %MXR_JSON_MAX_MEMBERS members. Nested values
 * are checked, but their contents not kept: our messages are flat.
 */
GHashTable *mxr_json_read_object (const char *text, gsize n_bytes, gsize *out_position);

#endif
