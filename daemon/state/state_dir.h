/* state_dir: the folder for what outlives a restart, held by one coolantd at a time (pure apart from the
 * folder). */
#pragma once

/* Makes the folder if need be and locks it until the returned descriptor is closed. Or negative errno, said
 * in the journal: -EBUSY when another process holds it. */
int state_dir_lock(const char *path);
