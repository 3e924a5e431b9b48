#ifndef MXR_PLAYER_LAUNCH_H
#define MXR_PLAYER_LAUNCH_H

#include "mixroom/base.h"

/** mxr_player_launch: @fd: (transfer full): the process's end of the wire. Returns: (transfer full). */
GSubprocess *mxr_player_launch (int fd, GError **error);

#endif
