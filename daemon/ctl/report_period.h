/* report_period: the day, month or year that a report is of (pure). */
#pragma once

#include "config/ini/arena.h"

#include <stdbool.h>
#include <stdint.h>

enum report_kind { REPORT_DAY, REPORT_MONTH, REPORT_YEAR, REPORT_KIND_COUNT };

extern const struct report_kind_words {
	const char *word;    /* of the option, and the step of the whole */
	const char *finer;   /* the step of its parts */
	const char *example; /* of the ISO 8601 date that names it */
} report_kinds[REPORT_KIND_COUNT];

struct report_period {
	enum report_kind kind;
	const char *from, *to; /* ISO 8601: the first that is in it, and the first that is not any more */
};

/* False when the text is no such date. */
bool report_period_parse(struct arena *a, enum report_kind kind, const char *text, struct report_period *ret);

/* The day with a local time, in seconds since 1970 as its clock shows them. */
struct report_period report_period_of_day(struct arena *a, int64_t local_s);
