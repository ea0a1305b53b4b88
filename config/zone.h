/* zone: time zones, for where a day begins (pure apart from reading its file).
 *
 * By name from /usr/share/zoneinfo, whose tables reach to 2037: later times have the last offset of the
 * table. Not by the C library, which has one zone for a whole process, with all its threads.
 */
#pragma once

#include "config/ini/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct zone {
	const char *name;
	size_t count;
	const int64_t *from; /* UTC seconds since 1970, rising: offsets[i] holds from then on */
	const int32_t *offsets;
	int32_t first; /* before all of them */
};

/* Reads a zone into the arena: NULL and `*why`, a static text. UTC needs no file. */
const struct zone *zone_load(struct arena *a, const char *name, const char **why);

/* Seconds that local time is ahead of UTC. */
int32_t zone_offset(const struct zone *z, int64_t utc_s);

/* The UTC of a local time; of one that is skipped, or comes twice, one of its two. */
int64_t zone_utc(const struct zone *z, int64_t local_s);

/* The UTC of a date and time in UTC. False when there is no such day, as February 30. */
bool zone_date_seconds(struct tm date, int64_t *ret_s);
