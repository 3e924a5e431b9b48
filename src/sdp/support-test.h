#ifndef MXR_SDP_SUPPORT_TEST_H
#define MXR_SDP_SUPPORT_TEST_H

#include "sdp-private.h"

/* Shared by the tests of this module. */

/* The names of the offers in tests/data/sdp, NULL-terminated, and the text of one. */
extern const char *const mxr_test_offer_names[];
char *mxr_test_load (const char *name);

/* Parameters that use everything the module can do. */
MxrSdpAnswerParams mxr_test_params (const MxrSdpOffer *offer, MxrSdpCodec first_video_codec);

/* Replaces each @from in @text; there must be one. */
char *mxr_test_replace (const char *text, const char *from, const char *to);

/* Holds @answer against the rules of offer and answer, from the two texts alone: RFC 3264, 8829, 8839, 8842,
 * 8843, 8285. */
void mxr_test_assert_answer_is_valid (const char *offer, gssize length, const char *answer);

/* Whether @text has @line as a whole line. */
bool mxr_test_has_line (const char *text, const char *line);

#endif
