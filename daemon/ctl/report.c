/* report: the records of a day, month or year, as text with the method in words, CSV or JSON. */
#include "config/ini/cleanup.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/report_csv.h"
#include "daemon/ctl/report_text.h"
#include "daemon/ctl/say.h"
#include "daemon/ctl/values.h"

#include <string.h>
#include <time.h>

enum report_format { REPORT_TEXT, REPORT_CSV, REPORT_JSON, REPORT_FORMAT_COUNT };

static const char *const format_words[REPORT_FORMAT_COUNT] = { "text", "csv", "json" };

static int read_format(struct ctl *c, enum report_format *ret)
{
	const char *told = ctl_option(c, "format");
	*ret = c->json ? REPORT_JSON : REPORT_TEXT;
	for (size_t i = 0; told && i < REPORT_FORMAT_COUNT; i++)
		if (strcmp(format_words[i], told) == 0) {
			*ret = (enum report_format)i;
			return CTL_GOOD;
		}
	return told ? say_usage(c->command, "--format %s (allowed: text, csv, json)", told) : CTL_GOOD;
}

/* Now, in the zone that coolantd tells its days in. */
static int find_today(struct ctl *c, struct report_period *ret)
{
	_cleanup_reply_ struct client_reply reply = { 0 };
	const char *why;
	int code = client_get(c, "/v1/records?step=year", &reply);
	if (code != CTL_GOOD)
		return code;
	const struct zone *zone = zone_load(c->arena, values_text(reply.json, "timezone"), &why);
	if (!zone)
		return say_failed("the time zone %s of coolantd is not known here: %s",
		    values_text(reply.json, "timezone"), why);
	const int64_t now_s = (int64_t)time(NULL);
	*ret = report_period_of_day(c->arena, now_s + zone_offset(zone, now_s));
	return CTL_GOOD;
}

static int read_period(struct ctl *c, struct report_period *ret)
{
	size_t told = 0;
	for (size_t k = 0; k < REPORT_KIND_COUNT; k++) {
		const char *text = ctl_option(c, report_kinds[k].word);
		if (text && told++ > 0)
			return say_usage(c->command, "one of --day, --month and --year, not two");
		if (text && !report_period_parse(c->arena, (enum report_kind)k, text, ret))
			return say_usage(c->command, "--%s %s is no such date (allowed: as %s)",
			    report_kinds[k].word, text, report_kinds[k].example);
	}
	return told ? CTL_GOOD : find_today(c, ret);
}

static int get(struct ctl *c, const struct report_period *p, const char *step, struct client_reply *ret)
{
	return client_get(
	    c, arena_printf(c->arena, "/v1/records?from=%s&to=%s&step=%s", p->from, p->to, step), ret);
}

static int print(
    struct ctl *c, const struct report_period *p, enum report_format format, const struct client_reply *parts)
{
	_cleanup_reply_ struct client_reply whole = { 0 };
	const char *why, *zone = values_text(parts->json, "timezone");
	struct report r = { c->arena, p, zone_load(c->arena, zone, &why), NULL,
		json_object_get(parts->json, "records") };
	if (!r.zone)
		return say_failed("the time zone %s of coolantd is not known here: %s", zone, why);
	if (format == REPORT_CSV) {
		report_csv_print(&r);
		return CTL_GOOD;
	}
	int code = get(c, p, report_kinds[p->kind].word, &whole);
	if (code != CTL_GOOD)
		return code;
	r.whole = json_array_get(json_object_get(whole.json, "records"), 0);
	if (!r.whole)
		return say_failed("there are no records of %s (coolantd keeps them for [records] keep, from "
				  "its first hour on)",
		    p->from);
	report_text_print(&r);
	return CTL_GOOD;
}

static int run(struct ctl *c)
{
	_cleanup_reply_ struct client_reply parts = { 0 };
	enum report_format format;
	struct report_period period = { 0 };
	int code = read_format(c, &format);
	if (code == CTL_GOOD)
		code = read_period(c, &period);
	if (code == CTL_GOOD)
		code = get(c, &period, report_kinds[period.kind].finer, &parts);
	if (code != CTL_GOOD)
		return code;
	return format == REPORT_JSON ? client_print(c, &parts) : print(c, &period, format, &parts);
}

static const struct command_option options[] = {
	{ "day", 0, "DATE", "a day by its hours, as 2026-11-25 (default: today)" },
	{ "month", 0, "DATE", "a month by its days, as 2026-11" },
	{ "year", 0, "DATE", "a year by its months, as 2026" },
	{ "format", 0, "text|csv|json",
	    "text has the method in words; csv a line for each figure; json is that of /v1/records" },
	{ NULL },
};

const struct command report_command = {
	.name = "report",
	.arguments = "",
	.help = "energies, PUE, heat and alarms of a day, month or year",
	.about = "Days, months and years are those of [daemon] timezone. The text says how the figures came "
		 "to be: meters, coverage, what is "
		 "estimated, uncertainty, hours that are struck out. Without a coolantd that runs, coolantd "
		 "--report prints the records as JSON.",
	.options = options,
	.schema = "records",
	.run = run,
};
