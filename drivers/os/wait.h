/* wait: until a descriptor is ready or a moment has come (any thread; blocks it). */
#pragma once

#include "drivers/os/clock.h"

#include <poll.h>

/* As poll, until `deadline_ns` of CLOCK_BOOTTIME; INT64_MAX = without end. */
static inline int wait_ready(struct pollfd *fds, nfds_t count, int64_t deadline_ns)
{
	int64_t left = deadline_ns - clock_boottime();
	if (left < 0)
		left = 0;
	struct timespec timeout = { left / NS_PER_S, left % NS_PER_S };
	return ppoll(fds, count, &timeout, NULL);
}
