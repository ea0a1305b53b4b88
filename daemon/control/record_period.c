#include "daemon/control/record_period.h"

#include "config/ini/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Beyond the year 9999 there is no ISO 8601 date. */
#define MS_MAX INT64_C(253402300800000)

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

/* The zone at the end of a time: Z, +01:00; in seconds. */
static bool parse_zone(const char *text, int64_t *ret)
{
	int hours, minutes, end = -1;
	*ret = 0;
	if (*text == '\0' || strcmp(text, "Z") == 0)
		return true;
	if (*text != '+' && *text != '-')
		return false;
	if (sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &end) != 2 || end < 0 || text[1 + end] != '\0' ||
	    hours < 0 || hours > 14 || minutes < 0 || minutes > 59)
		return false;
	*ret = (*text == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

static bool parse_iso(const char *text, int64_t *ret_ms)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d", "%Y-%m",
		"%Y" };
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { .tm_mday = 1 };
		int64_t zone_s;
		const char *rest = strptime(text, forms[i], &tm);
		if (!rest || !parse_zone(rest, &zone_s) || (i >= 2 && *rest != '\0'))
			continue;
		*ret_ms = ((int64_t)timegm(&tm) - zone_s) * 1000;
		return true;
	}
	return false;
}

bool record_time_parse(const char *text, int64_t *ret_ms)
{
	bool good = strlen(text) > 4 && text_int(text, ret_ms) == 0;
	return (good || parse_iso(text, ret_ms)) && *ret_ms >= 0 && *ret_ms < MS_MAX;
}

static int64_t floor_hour(int64_t seconds)
{
	return seconds / 3600;
}

/* The edge at or before a moment, and `steps` further on. */
static int64_t edge(enum record_step step, int64_t ms, int steps)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	(void)gmtime_r(&seconds, &tm);
	tm.tm_sec = tm.tm_min = 0;
	switch (step) {
	case RECORD_STEP_HOUR:
	case RECORD_STEP_COUNT:
		tm.tm_hour += steps;
		break;
	case RECORD_STEP_DAY:
		tm.tm_hour = 0;
		tm.tm_mday += steps;
		break;
	case RECORD_STEP_MONTH:
		tm.tm_hour = 0;
		tm.tm_mday = 1;
		tm.tm_mon += steps;
		break;
	case RECORD_STEP_YEAR:
		tm.tm_hour = tm.tm_mon = 0;
		tm.tm_mday = 1;
		tm.tm_year += steps;
		break;
	}
	return floor_hour((int64_t)timegm(&tm));
}

const char *record_periods_make(
    struct record_periods *p, enum record_step step, int64_t from_ms, int64_t until_ms)
{
	static const char *const too_many[] = {
		"more than 800 hours (allowed: step=day, or a shorter time)",
		"more than 800 days (allowed: step=month, or a shorter time)",
		"more than 800 months (allowed: step=year, or a shorter time)",
		"more than 800 years (allowed: a shorter time)",
	};
	if (from_ms < 0 || until_ms <= from_ms || until_ms >= MS_MAX)
		return "from is not before to (allowed: ISO 8601 dates or ms since 1970)";
	p->step = step;
	p->count = 0;
	p->edges[0] = edge(step, from_ms, 0);
	while (p->edges[p->count] * RECORD_HOUR_MS < until_ms) {
		if (p->count == RECORD_PERIODS_MAX)
			return too_many[step];
		p->edges[p->count + 1] = edge(step, p->edges[p->count] * RECORD_HOUR_MS, 1);
		p->count++;
	}
	return NULL;
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
