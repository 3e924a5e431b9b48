#ifndef MXR_SRTP_CLEANUP_H
#define MXR_SRTP_CLEANUP_H

#include <glib.h>
#include <srtp2/srtp.h>

G_DEFINE_AUTO_CLEANUP_FREE_FUNC (srtp_t, srtp_dealloc, NULL)

#endif
