#include "daemon/control/record_period.h"

#include "config/ini/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Beyond the year 9999 there is no ISO 8601 date. */
#define MS_MAX INT64_C(253402300800000)

#define DAY_MS (24 * RECORD_HOUR_MS)

/* How far back a report goes that does not say from when. */
static const int64_t backs[] = {
	[RECORD_STEP_HOUR] = DAY_MS,
	[RECORD_STEP_DAY] = 31 * DAY_MS,
	[RECORD_STEP_MONTH] = 365 * DAY_MS,
	[RECORD_STEP_YEAR] = INT64_C(3650) * DAY_MS,
};

static const char not_before[] = "from is not before to (allowed: ISO 8601 dates or ms since 1970)";

static const char *const words[] = { "hour", "day", "month", "year" };

const char *record_step_word(enum record_step s)
{
	return words[s];
}

bool record_step_parse(const char *text, enum record_step *ret)
{
	for (unsigned i = 0; i < RECORD_STEP_COUNT; i++)
		if (strcmp(text, words[i]) == 0) {
			*ret = (enum record_step)i;
			return true;
		}
	return false;
}

/* What stands behind a time: Z, +01:00, or nothing; then it is local. */
static bool parse_offset(const struct zone *z, const char *text, int64_t local_s, int64_t *ret_s)
{
	*ret_s = *text == '\0' ? zone_utc(z, local_s) : local_s;
	if (*text == '\0' || strcmp(text, "Z") == 0)
		return true;
	if (*text != '+' && *text != '-')
		return false;
	struct tm tm = { 0 };
	const char *end = strptime(text + 1, "%H:%M", &tm);
	if (!end || *end != '\0' || tm.tm_hour > 14)
		return false;
	*ret_s -= (*text == '-' ? -1 : 1) * (tm.tm_hour * INT64_C(3600) + tm.tm_min * INT64_C(60));
	return true;
}

static bool parse_iso(const struct zone *z, const char *text, int64_t *ret_ms)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d", "%Y-%m",
		"%Y" };
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { .tm_mday = 1 };
		int64_t local_s, seconds;
		const char *rest = strptime(text, forms[i], &tm);
		if (!rest || (i >= 2 && *rest != '\0') || !zone_date_seconds(tm, &local_s) ||
		    !parse_offset(z, rest, local_s, &seconds))
			continue;
		*ret_ms = seconds * 1000;
		return true;
	}
	return false;
}

bool record_time_parse(const struct zone *z, const char *text, int64_t *ret_ms)
{
	bool good = strlen(text) > 4 && text_int(text, ret_ms) == 0;
	return (good || parse_iso(z, text, ret_ms)) && *ret_ms >= 0 && *ret_ms < MS_MAX;
}

/* The edge of a day, a month or a year at or before a moment, or `steps` further on. */
static int64_t midnight(const struct zone *z, enum record_step step, int64_t utc_s, int steps)
{
	time_t local_s = (time_t)(utc_s + zone_offset(z, utc_s));
	struct tm tm;
	(void)gmtime_r(&local_s, &tm);
	tm.tm_sec = tm.tm_min = tm.tm_hour = 0;
	tm.tm_mday = step == RECORD_STEP_DAY ? tm.tm_mday + steps : 1;
	tm.tm_mon = step == RECORD_STEP_MONTH ? tm.tm_mon + steps : step == RECORD_STEP_YEAR ? 0 : tm.tm_mon;
	tm.tm_year += step == RECORD_STEP_YEAR ? steps : 0;
	return zone_utc(z, (int64_t)timegm(&tm));
}

/* As a UTC hour: the first that begins there. */
static int64_t edge(const struct zone *z, enum record_step step, int64_t utc_s, int steps)
{
	if (step == RECORD_STEP_HOUR)
		return utc_s / 3600 + steps;
	return (midnight(z, step, utc_s, steps) + 3599) / 3600;
}

const char *record_periods_make(
    struct record_periods *p, const struct zone *z, enum record_step step, int64_t from_ms, int64_t until_ms)
{
	static const char *const too_many[] = {
		"more than 800 hours (allowed: step=day, or a shorter time)",
		"more than 800 days (allowed: step=month, or a shorter time)",
		"more than 800 months (allowed: step=year, or a shorter time)",
		"more than 800 years (allowed: a shorter time)",
	};
	if (from_ms < 0 || until_ms <= from_ms || until_ms >= MS_MAX)
		return not_before;
	p->step = step;
	p->count = 0;
	p->edges[0] = edge(z, step, from_ms / 1000, 0);
	while (p->edges[p->count] * RECORD_HOUR_MS < until_ms) {
		if (p->count == RECORD_PERIODS_MAX)
			return too_many[step];
		p->edges[p->count + 1] = edge(z, step, p->edges[p->count] * 3600, 1);
		if (p->edges[p->count + 1] <= p->edges[p->count])
			return "the site's time zone has no such days there (allowed: step=hour)";
		p->count++;
	}
	return NULL;
}

const char *record_range_refuse(const struct zone *z, const char *step, const char *from, const char *to)
{
	enum record_step s;
	int64_t until_ms, from_ms;
	if (step && !record_step_parse(step, &s))
		return "step is none (allowed: hour, day, month, year)";
	if (to && !record_time_parse(z, to, &until_ms))
		return "to is no time (allowed: ISO 8601 such as 2026-11, 2026-11-25 or 2026-11-25T06:00Z, "
		       "or ms "
		       "since 1970)";
	if (from && !record_time_parse(z, from, &from_ms))
		return "from is no time (allowed: ISO 8601 such as 2026-11, 2026-11-25 or 2026-11-25T06:00Z, "
		       "or "
		       "ms since 1970)";
	return from && to && from_ms >= until_ms ? not_before : NULL;
}

const char *record_periods_parse(struct record_periods *p, const struct zone *z, const char *step,
    const char *from, const char *to, int64_t now_ms)
{
	enum record_step s = RECORD_STEP_HOUR;
	int64_t until_ms = now_ms, from_ms;
	const char *why = record_range_refuse(z, step, from, to);
	if (why)
		return why;
	if (step)
		(void)record_step_parse(step, &s);
	if (to)
		(void)record_time_parse(z, to, &until_ms);
	from_ms = until_ms > backs[s] ? until_ms - backs[s] : 0;
	if (from)
		(void)record_time_parse(z, from, &from_ms);
	return record_periods_make(p, z, s, from_ms, until_ms);
}

int64_t record_periods_find(const struct record_periods *p, int64_t hour)
{
	size_t low = 0, high = p->count;
	if (p->count == 0 || hour < p->edges[0] || hour >= p->edges[p->count])
		return -1;
	while (high - low > 1) {
		size_t middle = (low + high) / 2;
		if (hour < p->edges[middle])
			high = middle;
		else
			low = middle;
	}
	return (int64_t)low;
}

void record_gather(const struct record_periods *p, const struct record_batch *from, struct record_batch *to)
{
	for (size_t i = 0; i < from->count; i++) {
		struct record_key key = from->rows[i].key;
		if (p->step != RECORD_STEP_HOUR && key.kind == RECORD_PUE &&
		    record_find_struck(to, key.period, key.period + 1))
			continue;
		key.period = record_periods_find(p, key.period);
		if (key.period >= 0)
			record_add(to, &key, &from->rows[i].sums);
	}
	for (size_t i = 0; i < from->correction_count; i++) {
		const struct record_correction *c = &from->corrections[i];
		if (record_periods_find(p, c->time_ms / RECORD_HOUR_MS) >= 0)
			record_correct(to, c->time_ms, c->owner, c->meter, c->kind, c->text);
	}
}
