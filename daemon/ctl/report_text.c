#include "daemon/ctl/report_text.h"

#include "daemon/ctl/printable.h"
#include "daemon/ctl/report_method.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/values.h"

#include <stdio.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *number(const struct report *r, const json_t *object, const char *key, const char *format)
{
	const json_t *v = json_object_get(object, key);
	static const char nothing[] = "-";
	if (!json_is_number(v))
		return nothing;
	return *format == '%' ? arena_printf(r->arena, "%.1f %%", json_number_value(v) * 100)
			      : arena_printf(r->arena, "%.*f", *format - '0', json_number_value(v));
}

static void cell(
    const struct report *r, struct table *t, const json_t *object, const char *key, const char *format)
{
	table_cell(t, TABLE_PLAIN, "%s", number(r, object, key, format));
}

static void put_pue(const struct report *r, struct table *t, const char *when, const json_t *p)
{
	const char *quality = values_text(p, "quality");
	table_cell(t, TABLE_PLAIN, "%s", when);
	table_cell(t, table_quality_style(quality), "%s", number(r, p, "pue", "3"));
	cell(r, t, p, "uncertainty", "3");
	cell(r, t, p, "facility_kwh", "3");
	cell(r, t, p, "it_kwh", "3");
	cell(r, t, p, "cooling_kwh", "3");
	cell(r, t, p, "estimated_kwh", "3");
	cell(r, t, p, "coverage", "%");
	table_cell(t, table_quality_style(quality), "%s", quality);
}

static void print_pue(const struct report *r, const char *name)
{
	static const struct table_column columns[] = { { "TIME" }, { "PUE", true }, { "+-", true },
		{ "FACILITY kWh", true }, { "IT kWh", true }, { "COOLING kWh", true }, { "ESTIMATED", true },
		{ "COVERAGE", true }, { "QUALITY" } };
	size_t i;
	json_t *record;
	struct table *t = table_new(r->arena, columns, COUNT(columns));
	json_array_foreach((json_t *)r->parts, i, record)
	{
		const json_t *p = json_object_get(json_object_get(record, "pue"), name);
		if (p)
			put_pue(r, t, report_time(r, json_object_get(record, "start")), p);
	}
	put_pue(r, t, "all of it", json_object_get(json_object_get(r->whole, "pue"), name));
	printf("\nPUE %s\n", printable(r->arena, name));
	table_print(t);
}

static void print_meters(const struct report *r)
{
	static const struct table_column columns[] = { { "METER" }, { "ROLE" }, { "FROM kWh", true },
		{ "TO kWh", true }, { "kWh", true }, { "ESTIMATED", true }, { "COVERAGE", true } };
	const char *name;
	json_t *m;
	struct table *t = table_new(r->arena, columns, COUNT(columns));
	json_object_foreach(json_object_get(r->whole, "meters"), name, m)
	{
		table_cell(t, TABLE_PLAIN, "%s", name);
		table_cell(t, TABLE_PLAIN, "%s", values_text(m, "role"));
		cell(r, t, m, "from", "3");
		cell(r, t, m, "to", "3");
		cell(r, t, m, "kwh", "3");
		cell(r, t, m, "estimated_kwh", "3");
		cell(r, t, m, "coverage", "%");
	}
	putchar('\n');
	table_print(t);
}

static void put_loop(const struct report *r, struct table *t, const char *name, const json_t *loop)
{
	const char *figure;
	json_t *f;
	json_object_foreach((json_t *)loop, figure, f)
	{
		if (!json_is_object(f))
			continue;
		table_cell(t, TABLE_PLAIN, "%s", name);
		table_cell(t, TABLE_PLAIN, "%s", figure);
		cell(r, t, f, "min", "2");
		cell(r, t, f, "mean", "2");
		cell(r, t, f, "max", "2");
		cell(r, t, f, "coverage", "%");
	}
}

static void print_loops(const struct report *r)
{
	static const struct table_column columns[] = { { "LOOP" }, { "FIGURE" }, { "MIN", true },
		{ "MEAN", true }, { "MAX", true }, { "COVERAGE", true } };
	const char *name;
	json_t *loop;
	struct table *t = table_new(r->arena, columns, COUNT(columns));
	json_object_foreach(json_object_get(r->whole, "loops"), name, loop)
	{
		put_loop(r, t, name, loop);
		printf(
		    "\nLoop %s: %s kWh of heat", printable(r->arena, name), number(r, loop, "heat_kwh", "3"));
	}
	printf("\n");
	table_print(t);
}

static void print_alarms(const struct report *r)
{
	static const struct table_column columns[] = { { "ALARM" }, { "TIMES", true }, { "MINUTES", true } };
	const char *name;
	json_t *alarm;
	struct table *t = table_new(r->arena, columns, COUNT(columns));
	json_object_foreach(json_object_get(r->whole, "alarms"), name, alarm)
	{
		table_cell(t, TABLE_PLAIN, "%s", name);
		cell(r, t, alarm, "count", "0");
		cell(r, t, alarm, "minutes", "1");
	}
	putchar('\n');
	table_print(t);
}

static void print_corrections(const struct report *r)
{
	static const struct table_column columns[] = { { "CORRECTION" }, { "METER" }, { "KIND" },
		{ "WHAT" } };
	size_t i;
	json_t *x;
	struct table *t = table_new(r->arena, columns, COUNT(columns));
	json_array_foreach(json_object_get(r->whole, "corrections"), i, x)
	{
		table_cell(t, TABLE_PLAIN, "%s", report_time(r, json_object_get(x, "ts")));
		table_cell(t, TABLE_PLAIN, "%s", values_text(x, "meter"));
		table_cell(t, TABLE_PLAIN, "%s", values_text(x, "kind"));
		table_cell(t, TABLE_PLAIN, "%s", values_text(x, "text"));
	}
	putchar('\n');
	table_print(t);
}

void report_text_print(const struct report *r)
{
	static const struct {
		const char *member;
		void (*print)(const struct report *r);
	} parts[] = { { "meters", print_meters }, { "loops", print_loops }, { "alarms", print_alarms },
		{ "corrections", print_corrections } };
	const char *name;
	json_t *p;
	printf("Energy report of the %s %s: %s to %s (%s)\n", report_kinds[r->period->kind].word,
	    r->period->from, report_time(r, json_object_get(r->whole, "start")),
	    report_time(r, json_object_get(r->whole, "end")), printable(r->arena, r->zone->name));
	json_object_foreach(json_object_get(r->whole, "pue"), name, p) print_pue(r, name);
	for (size_t i = 0; i < COUNT(parts); i++) {
		const json_t *part = json_object_get(r->whole, parts[i].member);
		if (json_object_size(part) + json_array_size(part) > 0)
			parts[i].print(r);
	}
	report_method_print(r);
}
