/* watchdog: whether all that must move does, and the service manager's watchdog is fed (mover, main thread).
 */
#pragma once

#include "daemon/buses.h"
#include "daemon/links.h"

#include <stdbool.h>
#include <stddef.h>

/* Begins with zeros; the threads that it looks at must outlive it. */
struct watchdog {
	struct buses *buses;
	struct links *links;
	int64_t tick_ns, interval_ns; /* of the control loop: its last turn (CLOCK_BOOTTIME), and how often */
	bool is_silent;		      /* it is not fed */
};

/* Whether somebody makes no progress, and why, in words of at most `size` bytes. */
bool watchdog_is_stuck(const struct watchdog *w, int64_t now_ns, char *why, size_t size);

/* Feeds it, unless somebody is stuck: that is said, once. */
void watchdog_feed(struct watchdog *w, int64_t now_ns);
