/* driver: the one interface between a way of getting values and the rest.
 *
 * A driver serves one bus of the configuration with all its devices. It runs on a thread of its own
 * (worker.h), which calls `poll` whenever `next_deadline` has come; only driver code may block there, and
 * never past its own time-outs. All results leave through the inbox. To add a driver: implement these
 * functions and add a row to the table in worker.c.
 */
#pragma once

#include "config/config.h"
#include "drivers/os/progress.h"
#include "drivers/raw_read.h"
#include "drivers/sample.h"

/* What a driver gets from its surroundings. */
struct driver_host {
	struct inbox *batches;	   /* where results go */
	struct progress *progress; /* say before each step how long it may take: for the watchdog */
	int stop_fd;		   /* readable when the driver shall stop: every wait watches it */
	bool asked_lately; /* an earlier owner may have asked the bus just now: its replies may still come */
};

/* Figures for `health`; counters only grow while the bus lives. */
struct device_stats {
	const char *name; /* of the configuration that is referenced by the stats */
	bool silent;
	bool wrong;	       /* another device than its profile describes answers */
	int64_t backoff_ns;    /* 0 = none */
	int64_t last_reply_ns; /* CLOCK_BOOTTIME; 0 = never */
	uint64_t requests, replies, timeouts, exceptions, bad_replies, missed_cycles;
};

struct driver_stats {
	struct config *config; /* a reference */
	bool connected;
	uint64_t requests, replies, timeouts, exceptions, bad_replies, stray_replies, connects,
	    connect_failures;
	uint64_t echoes;			/* of requests, by a serial line's adapter */
	uint64_t closed;			/* fresh connections that were closed in place of a reply */
	int64_t latency_sum_ns, latency_max_ns; /* of replies */
	size_t device_count;
	struct device_stats *devices; /* malloc'd */
};

void driver_stats_deinit(struct driver_stats *s);

struct driver_impl {
	/* The state for bus `bus` of `c` (takes a reference), nothing is connected yet; NULL without memory.
	 */
	void *(*open)(struct config *c, size_t bus, const struct driver_host *host);
	void (*close)(void *state);

	/* CLOCK_BOOTTIME of the next thing to do; INT64_MAX = nothing ever. */
	int64_t (*next_deadline)(void *state);

	/* Does what is due first. Returns at its end or, early, when stop_fd is readable. */
	void (*poll)(void *state);

	/* Takes bus `bus` of another configuration, whose own settings are the same: devices that did not
	 * change go on as they are. 0 or -ENOMEM (then nothing changed). */
	int (*reconfigure)(void *state, struct config *c, size_t bus);

	/* Takes a question from outside, and gives it back with what came of it, or at once. NULL: there are
	 * no registers behind it. */
	void (*read)(void *state, struct raw_read *r);

	/* Any thread. */
	void (*describe)(void *state, struct driver_stats *ret);

	/* Any thread: what has gone over the bus since `from`, of a capture that begins with the first call
	 * (modbus/capture.h). malloc'd text and the place to go on from; NULL without memory. */
	char *(*capture)(void *state, uint64_t from, uint64_t *next);
};
