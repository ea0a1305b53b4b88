#include "daemon/ctl/report_period.h"

#include <string.h>
#include <time.h>

const struct report_kind_words report_kinds[REPORT_KIND_COUNT] = {
	[REPORT_DAY] = { "day", "hour", "2026-11-25" },
	[REPORT_MONTH] = { "month", "day", "2026-11" },
	[REPORT_YEAR] = { "year", "month", "2026" },
};

static const char *const formats[] = {
	[REPORT_DAY] = "%Y-%m-%d", [REPORT_MONTH] = "%Y-%m", [REPORT_YEAR] = "%Y"
};

/* Fields that are past their end, as day 32, are brought in order by timegm. */
static const char *format(struct arena *a, enum report_kind kind, struct tm tm)
{
	char text[32];
	(void)timegm(&tm);
	if (kind == REPORT_DAY)
		strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	else if (kind == REPORT_MONTH)
		strftime(text, sizeof(text), "%Y-%m", &tm);
	else
		strftime(text, sizeof(text), "%Y", &tm);
	return arena_strdup(a, text);
}

static struct report_period period_of(struct arena *a, enum report_kind kind, struct tm tm)
{
	struct report_period p = { .kind = kind, .from = format(a, kind, tm) };
	if (kind == REPORT_DAY)
		tm.tm_mday++;
	else if (kind == REPORT_MONTH)
		tm.tm_mon++;
	else
		tm.tm_year++;
	p.to = format(a, kind, tm);
	return p;
}

bool report_period_parse(struct arena *a, enum report_kind kind, const char *text, struct report_period *ret)
{
	struct tm tm = { .tm_mday = 1 };
	const char *end = strptime(text, formats[kind], &tm);
	if (!end || *end || tm.tm_year < 70 || tm.tm_year > 8000)
		return false;
	*ret = period_of(a, kind, tm);
	return strcmp(ret->from, text) == 0; /* neither 2026-2-31 nor 2026-02-31 */
}

struct report_period report_period_of_day(struct arena *a, int64_t local_s)
{
	struct tm tm;
	const time_t t = (time_t)local_s;
	gmtime_r(&t, &tm);
	return period_of(a, REPORT_DAY, tm);
}
