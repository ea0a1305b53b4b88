/* state_dir: the folder for what outlives a restart, held by one coolantd at a time (pure apart from the
 * folder). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Makes the folder if need be and locks it until the returned descriptor is closed. Or negative errno, said
 * in the journal: -EBUSY when another process holds it. */
int state_dir_lock(const char *path);

/* Notes that this run works, and later that it is over. Whether an earlier one worked until less than `ns`
 * ago, or may have, because it ended without a word. */
bool state_dir_begin(int lock, int64_t ns);
void state_dir_end(int lock);
