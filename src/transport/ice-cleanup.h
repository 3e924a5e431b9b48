#ifndef MXR_ICE_CLEANUP_H
#define MXR_ICE_CLEANUP_H

#include <nice/agent.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC (NiceCandidate, nice_candidate_free)
/* NiceAgent has its own, being a GObject of g_autoptr (GObject). */

#endif
