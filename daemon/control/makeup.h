/* makeup: how much coolant a loop is topped up with a day, the sign of a slow leak (pure).
 *
 * Over the last day, from the flow into the loop or from the reading of a meter that only grows. What was not
 * measured counts neither as coolant nor as time. A struct of zeros has measured nothing.
 */
#pragma once

#include "daemon/control/bytes.h"
#include "daemon/control/figure.h"
#include "daemon/control/wall_clock.h"

#define MAKEUP_BUCKETS 48
#define MAKEUP_BUCKET_NS (1800 * NS_PER_S)

struct makeup_bucket {
	double litres, seconds; /* topped up, and measured */
};

struct makeup {
	struct makeup_bucket buckets[MAKEUP_BUCKETS]; /* a ring */
	size_t newest;
	int64_t bucket_ns;	/* CLOCK_BOOTTIME at which the newest begins */
	int64_t read_ns;	/* of the last reading; 0 = none */
	double read;		/* it: m3/s, m3 */
	double counted;		/* of a meter: the reading up to which all is counted, */
	int64_t counted_ns;	/* and its time */
	int64_t below_since_ns; /* its readings are lower since then; 0 = they are not */
};

/* A reading of the flow in m3/s; one that is older than the last is none. A gap of more than `gap_ns` is not
 * bridged. */
void makeup_see_flow(struct makeup *m, double flow, int64_t read_ns, int64_t gap_ns);

/* A reading of a meter in m3. A single one that is too high counts for nothing: the next one decides. Lower
 * readings for 10 min are a new beginning of the meter; so is a step of more than `most` m3, which is no
 * topping up. What flowed meanwhile is not known. */
void makeup_see_volume(struct makeup *m, double volume, int64_t read_ns, double most);

/* L/d; estimated until most of a day was measured, invalid before an hour was. */
struct figure makeup_rate(struct makeup *m, int64_t now_ns);

/* As bytes, with times in UTC, and back. */
void makeup_save(const struct makeup *m, int64_t offset_ns, struct bytes_writer *w);
void makeup_load(struct makeup *m, const struct wall_clock *clock, struct bytes_reader *r);
