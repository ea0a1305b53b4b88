/* powers: the last readings of a meter's power, for its power at a moment (holder).
 *
 * Meters that are compared are read at different moments; the power of each is interpolated.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As many readings at least, and at most, then not every one. */
#define POWERS_MIN 8
#define POWERS_MAX 128

struct power_reading {
	int64_t time_ns;
	double watts;
};

struct powers {
	struct power_reading *items;
	size_t count, room;
	int64_t interval_ns; /* of its polls */
	int64_t gap_ns;	     /* readings that are nearer take each other's place */
};

/* Keeps those of so long, and forgets what it has. False without memory. */
bool powers_init(struct powers *p, int64_t interval_ns, int64_t duration_ns);
void powers_deinit(struct powers *p);

/* A reading; one that is not newer than the last is none. */
void powers_note(struct powers *p, int64_t time_ns, double watts);

/* When the newest was made; INT64_MIN = there is none. */
int64_t powers_last_ns(const struct powers *p);

/* Power at a moment, interpolated, the nearest of them no further outside than an interval; NAN without any.
 */
double powers_at(const struct powers *p, int64_t time_ns);

/* The readings that it is interpolated between, twice the same when it is none of that. */
struct power_pair {
	struct power_reading before, after;
};

struct power_pair powers_around(const struct powers *p, int64_t time_ns);
