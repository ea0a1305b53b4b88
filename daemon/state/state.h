/* state: energies, what loops learned and alarm states over a restart (mover, main thread).
 *
 * Saved by the disk's thread, one save at a time: while the disk hangs, none waits. The functions take NULL,
 * as when there is no folder for it: then nothing outlives a restart.
 */
#pragma once

#include "daemon/disk/disk.h"
#include "daemon/live/live.h"

struct state;

/* Takes up into `l` what the last run has left in `folder`, as far as it is of the same configuration; waits
 * for the disk. Begins `clock`, which must outlive what is live. A file that cannot be used is set aside and
 * said. NULL without memory (said as well). */
struct state *state_open(const char *folder, struct disk *disk, struct live *l, struct wall_clock *clock);

/* Something that must not be lost has changed: it is saved within a second. */
void state_save_soon(struct state *s);

/* Some times a second: saves when it is time; an alarm tells when it cannot. */
void state_turn(struct state *s, struct live *l, int64_t now_ns);

/* Gives the disk the last save, and ends. */
void state_close(struct state *s, const struct live *l);
