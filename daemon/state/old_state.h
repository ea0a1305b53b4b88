/* old_state: control.state, in which versions without state.db have left what outlives a restart. */
#pragma once

#include "daemon/control/bytes.h"

/* Hands out its entries: their number, 0 when there is no such file, or negative errno: -EBADMSG when it is
 * damaged or of yet another version. */
int old_state_load(const char *folder, void (*take)(struct bytes_entry *e, void *user), void *user);

/* Renames it to control.state.`as`. 0 or negative errno. */
int old_state_rename(const char *folder, const char *as);
