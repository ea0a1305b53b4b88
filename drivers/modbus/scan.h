/* scan: which units answer on a bus (mover, blocks its thread).
 *
 * What an operator's tool needs to find devices whose addresses nobody wrote down. Nothing else may use the
 * port meanwhile.
 */
#pragma once

#include "drivers/modbus/link.h"

struct scan_finding {
	uint8_t unit;
	bool present; /* a device of this unit answered, be it with an exception */
	/* of its answer; EXCHANGE_BAD_REPLY without `present` says that something is there that cannot be
	 * understood: two devices of one unit, or another baud rate */
	enum exchange_result result;
	int exception; /* with EXCHANGE_EXCEPTION */
	unsigned late; /* replies that came meanwhile to what was asked before: the time-out is too short */
	int64_t latency_ns; /* of the answer, when there was one */
};

/* Called for each unit in order; false ends the scan. */
typedef bool (*scan_fn)(const struct scan_finding *f, void *user);

/* Asks the units `first`..`last` for holding register 0, each for one response time-out at most. A gateway's
 * "no path" and "target failed to respond" (exceptions 10 and 11) are no device. 0, -ECANCELED when stop_fd
 * became readable, or negative errno when the bus cannot be opened, with `why` in words. */
int modbus_scan(const struct bus_config *bus, int stop_fd, uint8_t first, uint8_t last, scan_fn tell,
    void *user, char why[static MODBUS_WHY_MAX]);
