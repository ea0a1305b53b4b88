/* report_view: what the hours of a controller came to, as GET /v1/records tells it (pure). */
#pragma once

#include "config/zone.h"
#include "daemon/ctl/report_period.h"

#include <jansson.h>

struct report {
	struct arena *arena;
	const struct report_period *period;
	const struct zone *zone; /* in which its times are told */
	const json_t *whole;	 /* the record of all of it; NULL when only the parts were asked for */
	const json_t *parts;	 /* the list of records by the finer step */
};

/* A moment in the zone of the report, ISO 8601 to the minute: 2026-11-25T00:00+01:00; "" for null. */
const char *report_time(const struct report *r, const json_t *ms);
