/* wall_clock: whether UTC can be trusted yet (holder, main thread).
 *
 * A controller without a clock of its own boots with one that is behind, until it is set from the network.
 * What was saved is of a UTC that was right: until the clock has come to the newest of that, nothing is
 * counted by it. After some time it is taken for the one that there is.
 */
#pragma once

#include "drivers/os/clock.h"

#include <stdbool.h>

/* So long a wrong clock may take to be set. */
#define WALL_CLOCK_PATIENCE_NS (600 * NS_PER_S)

/* Begins with the clocks at the moment when a saved state is taken up, and zeros. */
struct wall_clock {
	int64_t now_ns;	   /* CLOCK_BOOTTIME */
	int64_t offset_ns; /* CLOCK_REALTIME - CLOCK_BOOTTIME */
	int64_t newest_ns; /* UTC up to which something was measured before; 0 = nothing was */
	bool is_behind;	   /* as judged last */
};

/* Whether it is behind at a moment of boottime, with the offset of then. */
static inline bool wall_clock_judge(struct wall_clock *c, int64_t time_ns, int64_t offset_ns)
{
	c->is_behind = time_ns + offset_ns < c->newest_ns && time_ns - c->now_ns < WALL_CLOCK_PATIENCE_NS;
	return c->is_behind;
}

/* The boottime of a UTC that was saved: of one that is ahead of the clock, now. */
static inline int64_t wall_clock_boottime(const struct wall_clock *c, int64_t utc_ns)
{
	return utc_ns - c->offset_ns < c->now_ns ? utc_ns - c->offset_ns : c->now_ns;
}
