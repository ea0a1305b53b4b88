/* saved: what is live, as the entries that outlive a restart (pure).
 *
 * One for each PUE figure (its energies; at the end another, from which readings they are), loop (what it has
 * learned) and alarm (its state), one for the last day of each PUE figure and loop, and one for the topics
 * that the broker keeps. What is taken up again is what is of the same section and devices; the rest is left
 * out. A change of the bytes in an entry is a new version of the file that keeps them: state/state_db.c.
 */
#pragma once

#include "daemon/live/live.h"

/* The entries, one behind the other; what is too large to be saved each time only at the end. `offset_ns` is
 * CLOCK_REALTIME - CLOCK_BOOTTIME. */
void saved_put(const struct live *l, int64_t offset_ns, bool at_end, struct bytes_writer *w);

/* Whether a PUE figure, a loop or an alarm took it up. */
bool saved_take(struct live *l, struct bytes_entry *e, struct wall_clock *clock);
