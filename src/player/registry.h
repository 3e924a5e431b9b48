#ifndef MXR_PLAYER_REGISTRY_H
#define MXR_PLAYER_REGISTRY_H

#include "mixroom/base.h"

/**
 * mxr_registry_restrict:
 *
 * Takes from the registry what could read something else than is to be played: of elements that read addresses only those
 * for files, or those for the network, are left; and for a file also what follows addresses that stand in it.
 */
void mxr_registry_restrict (bool is_file);

#endif
