#include "daemon/ctl/values.h"

#include "daemon/ctl/command.h"
#include "daemon/ctl/printable.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NOTHING "-"

const char *values_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static const char *show_number(struct arena *a, double v)
{
	const char *text = arena_printf(a, "%.15g", v);
	return strtod(text, NULL) == v ? text : arena_printf(a, "%.17g", v);
}

const char *values_show(struct arena *a, const json_t *value)
{
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_boolean(value))
		return json_is_true(value) ? "true" : "false";
	if (json_is_integer(value))
		return arena_printf(a, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	return json_is_real(value) ? show_number(a, json_real_value(value)) : NOTHING;
}

const char *values_figure(struct arena *a, const json_t *value, int digits)
{
	return json_is_number(value) ? arena_printf(a, "%.*g", digits, json_number_value(value)) : NOTHING;
}

const char *values_moment(struct arena *a, int64_t ms)
{
	char text[32];
	struct tm tm;
	const time_t seconds = (time_t)(ms / 1000);
	if (!gmtime_r(&seconds, &tm))
		return NOTHING;
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return arena_strdup(a, text);
}

const char *values_time(struct arena *a, const json_t *ms)
{
	return json_is_integer(ms) ? values_moment(a, json_integer_value(ms)) : NOTHING;
}

int values_print(struct arena *a, const json_t *document)
{
	char *text = json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(15));
	if (!text)
		return CTL_FAILED;
	printf("%s\n", printable_json(a, text));
	free(text);
	return CTL_GOOD;
}

const char *values_span(struct arena *a, int64_t ms)
{
	static const struct {
		int64_t below_ms, unit_ms;
		const char *word;
	} steps[] = { { 120000, 1000, "s" }, { 7200000, 60000, "min" }, { 172800000, 3600000, "h" },
		{ INT64_MAX, 86400000, "d" } };
	if (ms >= 0 && ms < 10000)
		return arena_printf(a, "%.1f s", (double)ms / 1e3);
	size_t i = 0;
	while (ms >= steps[i].below_ms)
		i++;
	return arena_printf(a, "%lld %s", (long long)(ms / steps[i].unit_ms), steps[i].word);
}

const char *values_size(struct arena *a, double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t i = 0;
	for (; bytes >= 1024 && i + 1 < sizeof(units) / sizeof(units[0]); i++)
		bytes /= 1024;
	return arena_printf(a, i ? "%.1f %s" : "%.0f %s", bytes, units[i]);
}
