#include "daemon/ctl/report_view.h"

#include <stdlib.h>
#include <time.h>

const char *report_time(const struct report *r, const json_t *ms)
{
	char text[32];
	struct tm tm;
	const int64_t utc_s = json_integer_value(ms) / 1000;
	const int32_t offset = zone_offset(r->zone, utc_s);
	const time_t local = (time_t)(utc_s + offset);
	if (!json_is_integer(ms) || !gmtime_r(&local, &tm))
		return "";
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M", &tm);
	if (offset == 0)
		return arena_printf(r->arena, "%sZ", text);
	return arena_printf(r->arena, "%s%c%02d:%02d", text, offset < 0 ? '-' : '+', abs(offset) / 3600,
	    abs(offset) / 60 % 60);
}
