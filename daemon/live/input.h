/* input: an input of a loop or an alarm, from one point or from several sensors (main thread).
 *
 * A point that deviates from the others is marked in the point table, so that it is shown as suspect wherever
 * it is shown.
 */
#pragma once

#include "daemon/live/point_table.h"

/* Begins with what it is made of, which must outlive it, and zeros. */
struct input {
	const struct point_source *config;
	const char *name;  /* as written in the configuration */
	uint64_t deviates; /* of each point of a list, a bit */
	uint64_t holds;	   /* the same: it meets the condition */
	char reason[160];
};

/* The figure in the SI unit of its quantity; the reason stays good until the next call. Without points
 * invalid.
 */
struct figure input_figure(struct input *in, struct point_table *t);

/* The same in the unit of its (first) point. */
struct figure input_value(struct input *in, struct point_table *t);

/* When the oldest of its readings with a value was made (CLOCK_BOOTTIME); 0 = there is none. */
int64_t input_time(const struct point_source *s, const struct point_table *t);

/* The worst of its points as it is, but for those out of service, for `lost`: of several sensors each counts.
 */
struct figure input_worst(struct input *in, const struct point_table *t);
