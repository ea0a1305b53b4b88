/* raw_reads: questions from outside that wait for a pause of a bus (holder, one thread; times are
 * CLOCK_BOOTTIME).
 *
 * They go one after the other. On a serial line one whose reply could be taken for another that is owed waits
 * like any request.
 */
#pragma once

#include "drivers/modbus/requester.h"
#include "drivers/raw_read.h"

struct raw_reads {
	struct inbox_item *first; /* the oldest */
	size_t count;
	int64_t since_ns; /* since when the first waits */
};

/* Takes it, or gives it back when there are too many. */
void raw_reads_add(struct raw_reads *w, struct raw_read *r, int64_t now);
/* Gives all back. */
void raw_reads_refuse(struct raw_reads *w);

/* When the first can go; INT64_MAX = there is none. What has waited for too long goes back. */
int64_t raw_reads_due(struct raw_reads *w, struct modbus_link *l, int64_t now);
/* When something has to be done at the latest: the first goes back then. */
int64_t raw_reads_until(const struct raw_reads *w);
/* What it may take on the line beside the response time-out. */
int64_t raw_reads_wire_ns(const struct raw_reads *w, const struct bus_config *bus);

/* Gives the first back: there is no connection, `why` in words. */
void raw_reads_fail(struct raw_reads *w, const char *why);

/* Asks the first and gives it back. */
void raw_reads_ask(struct raw_reads *w, struct requester *r);
