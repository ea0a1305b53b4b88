/* progress: how a thread that may wait is told from one that is stuck (any thread).
 *
 * Before each thing that may take long the thread says how long at most. Whoever feeds the watchdog asks
 * whether that time is over.
 */
#pragma once

#include "drivers/os/clock.h"

#include <stdatomic.h>
#include <stdbool.h>

/* For scheduling on a loaded machine. */
#define PROGRESS_MARGIN_NS (5 * NS_PER_S)

struct progress {
	_Atomic int64_t until_ns; /* CLOCK_BOOTTIME */
};

/* What follows takes no longer than this. */
static inline void progress_step(struct progress *p, int64_t longest_ns)
{
	atomic_store_explicit(&p->until_ns, clock_boottime() + longest_ns, memory_order_relaxed);
}

static inline bool progress_moves(struct progress *p, int64_t now_ns)
{
	return now_ns <= atomic_load_explicit(&p->until_ns, memory_order_relaxed) + PROGRESS_MARGIN_NS;
}
