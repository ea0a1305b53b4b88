/* record_period: the times that the records of a report are of (pure).
 *
 * Hours are UTC hours; days, months and years begin at midnight of a time zone. Where that is within a UTC
 * hour, the hour belongs to the day in which it begins.
 */
#pragma once

#include "config/zone.h"
#include "daemon/control/record.h"

enum record_step {
	RECORD_STEP_HOUR,
	RECORD_STEP_DAY,
	RECORD_STEP_MONTH,
	RECORD_STEP_YEAR,
	RECORD_STEP_COUNT
};

const char *record_step_word(enum record_step s);
/* False when it is none. */
bool record_step_parse(const char *text, enum record_step *ret);

/* So many records a report has at most: 31 days of hours, and a year of days. */
#define RECORD_PERIODS_MAX 800

struct record_periods {
	enum record_step step;
	size_t count;
	int64_t edges[RECORD_PERIODS_MAX + 1]; /* UTC hours; record i is from edges[i] until edges[i + 1] */
};

/* A moment as ISO 8601 writes it (2026, 2026-11, 2026-11-25, 2026-11-25T06:00Z, …+01:00) or in ms since 1970.
 * Without a time it is the midnight that the day, month or year begins with; what tells no zone is of `z`. */
bool record_time_parse(const struct zone *z, const char *text, int64_t *ret_ms);

/* The records that times from `from_ms` until `until_ms` lie in. NULL, or why there are none: the text is
 * static. */
const char *record_periods_make(
    struct record_periods *p, const struct zone *z, enum record_step step, int64_t from_ms, int64_t until_ms);

/* The same from texts, each of which may be NULL: steps of an hour, until now, and from a day, 31 days, a
 * year or ten years before, by the step. */
const char *record_periods_parse(struct record_periods *p, const struct zone *z, const char *step,
    const char *from, const char *to, int64_t now_ms);

/* What is wrong with such texts, whatever there is to report; NULL = nothing. */
const char *record_range_refuse(const struct zone *z, const char *step, const char *from, const char *to);

/* The number of the record with that hour; -1 = it is in none. */
int64_t record_periods_find(const struct record_periods *p, int64_t hour);

/* Adds rows by hour to `to`, which has the number of the record as its period; and the corrections of that
 * time. Of hours that are struck out in `to` the PUE only where a record is no longer. */
void record_gather(const struct record_periods *p, const struct record_batch *from, struct record_batch *to);
