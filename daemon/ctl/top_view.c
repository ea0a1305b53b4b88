#include "daemon/ctl/top_view.h"

#include "daemon/ctl/alarm_rows.h"
#include "daemon/ctl/values.h"

#include <string.h>

#define NAME_COLUMN 16
#define BAR_CELLS 16
/* Lines that alarms, and points, have at least when there are as many. */
#define LINES_LEAST 3

static const json_t *get(const struct top_view *v, enum top_document d, const char *key)
{
	return json_object_get(v->documents[d], key);
}

static void title(struct top_view *v, const char *text)
{
	screen_put(v->screen, v->arena, TABLE_STRONG, "%s", text);
	screen_line(v->screen);
}

/* What colour says, where there is none: ~ estimated, ? suspect, ! without a usable value. */
static const char *mark(const char *quality)
{
	if (strcmp(quality, "good") == 0)
		return "";
	return strcmp(quality, "estimated") == 0 ? "~" : strcmp(quality, "suspect") == 0 ? "?" : "!";
}

static void put_figure(
    struct top_view *v, const char *label, const json_t *value, const char *quality, const char *unit)
{
	screen_put(v->screen, v->arena, TABLE_FAINT, " %s ", label);
	screen_put(v->screen, v->arena, table_quality_style(quality), "%s%s%s%s",
	    values_figure(v->arena, value, 4), mark(quality), *unit && json_is_number(value) ? " " : "",
	    json_is_number(value) ? unit : "");
	screen_put(v->screen, v->arena, TABLE_PLAIN, " ");
}

static void put_head(struct top_view *v)
{
	const json_t *s = v->documents[TOP_STATUS], *info = json_object_get(s, "info"),
		     *spool = json_object_get(s, "spool");
	const json_t *devices = json_object_get(s, "devices"), *points = json_object_get(s, "points");
	const bool healthy = json_is_true(json_object_get(s, "healthy"));
	const bool connected = json_is_true(json_object_get(json_object_get(s, "publisher"), "connected"));
	const json_int_t depth = json_integer_value(json_object_get(spool, "depth"));
	const json_int_t up = json_integer_value(json_object_get(devices, "up")),
			 all = json_integer_value(json_object_get(devices, "configured"));
	screen_put(v->screen, v->arena, TABLE_STRONG, "coolantd %s/%s  ", values_text(info, "site"),
	    values_text(info, "rack"));
	screen_put(
	    v->screen, v->arena, healthy ? TABLE_GOOD : TABLE_BAD, "%s", healthy ? "healthy" : "NOT HEALTHY");
	screen_put(v->screen, v->arena, TABLE_PLAIN, "  up %s  %s",
	    values_span(v->arena, json_integer_value(json_object_get(s, "uptime_s")) * 1000),
	    values_time(v->arena, json_object_get(s, "ts")));
	screen_line(v->screen);
	screen_put(v->screen, v->arena, up < all ? TABLE_WARNING : TABLE_PLAIN, "devices %lld of %lld up  ",
	    (long long)up, (long long)all);
	screen_put(v->screen, v->arena, TABLE_PLAIN, "points %s of %s usable  ",
	    values_show(v->arena, json_object_get(points, "usable")),
	    values_show(v->arena, json_object_get(points, "configured")));
	screen_put(v->screen, v->arena, connected ? TABLE_PLAIN : TABLE_BAD, "broker %s  ",
	    connected ? "connected" : "AWAY");
	screen_put(v->screen, v->arena, depth ? TABLE_WARNING : TABLE_PLAIN, "spool %lld", (long long)depth);
	screen_line(v->screen);
}

static void put_pues(struct top_view *v)
{
	const char *name, *length;
	json_t *p, *window;
	json_object_foreach((json_t *)get(v, TOP_PUE, "pues"), name, p)
	{
		screen_put(v->screen, v->arena, TABLE_STRONG, "PUE %s", name);
		screen_tab(v->screen, NAME_COLUMN);
		put_figure(v, "now", json_object_get(p, "power_ratio"), values_text(p, "quality"), "");
		json_object_foreach(json_object_get(p, "windows"), length, window)
		    put_figure(v, length, json_object_get(window, "pue"), values_text(window, "quality"), "");
		screen_line(v->screen);
	}
}

static void put_loops(struct top_view *v)
{
	static const struct {
		const char *figure, *label, *unit;
	} figures[] = { { "heat", "heat", "kW" }, { "flow", "flow", "L/min" },
		{ "supply_temperature", "supply", "Cel" }, { "return_temperature", "return", "Cel" } };
	const char *name;
	json_t *l;
	json_object_foreach((json_t *)get(v, TOP_LOOPS, "loops"), name, l)
	{
		screen_put(v->screen, v->arena, TABLE_STRONG, "LOOP %s", name);
		screen_tab(v->screen, NAME_COLUMN);
		for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
			put_figure(v, figures[i].label,
			    json_object_get(json_object_get(l, "values"), figures[i].figure),
			    values_text(json_object_get(l, "quality"), figures[i].figure), figures[i].unit);
		screen_line(v->screen);
	}
}

static void put_alarm(struct top_view *v, const struct alarm_row *r)
{
	const enum table_style style = alarm_row_style(r);
	screen_put(v->screen, v->arena, style, "%s ", values_text(r->alarm, "severity"));
	screen_tab(v->screen, 9);
	screen_put(v->screen, v->arena, style, "%s ", values_text(r->alarm, "state"));
	screen_tab(v->screen, 32);
	screen_put(v->screen, v->arena, TABLE_PLAIN, "%s: %s", r->name, alarm_row_message(v->arena, r));
	screen_line(v->screen);
}

/* Those that are not normal, in a third of the screen at most. */
static void put_alarms(struct top_view *v)
{
	struct alarm_row *rows;
	const size_t all = alarm_rows_of(v->arena, get(v, TOP_ALARMS, "alarms"), &rows);
	const int most =
	    screen_lines(v->screen) / 3 > LINES_LEAST ? screen_lines(v->screen) / 3 : LINES_LEAST;
	size_t count = 0;
	while (count < all && !alarm_row_is_normal(&rows[count]))
		count++;
	title(v, count ? arena_printf(v->arena, "ALARMS: %zu not normal", count) : "ALARMS: all normal");
	for (size_t i = 0; i < count && (int)i < most; i++)
		put_alarm(v, &rows[i]);
}

static size_t count_up(const json_t *devices)
{
	const char *name;
	json_t *d;
	size_t up = 0;
	json_object_foreach((json_t *)devices, name, d) up += json_is_true(json_object_get(d, "up"));
	return up;
}

/* Of a serial bus the load that its line has as planned; of another how many of its requests are answered. */
static void put_bar(struct top_view *v, const json_t *bus)
{
	const json_t *load = json_object_get(bus, "load");
	const double requests = json_number_value(json_object_get(bus, "requests"));
	const double replies = json_number_value(json_object_get(bus, "replies"));
	const double share = load ? json_number_value(load) : requests > 0 ? replies / requests : 0;
	const int cells = share >= 1 ? BAR_CELLS : (int)(share * BAR_CELLS);
	const enum table_style style = load ? (share > 1	? TABLE_BAD
						  : share > 0.8 ? TABLE_WARNING
								: TABLE_GOOD)
					    : (share < 0.5	 ? TABLE_BAD
						  : share < 0.99 ? TABLE_WARNING
								 : TABLE_GOOD);
	screen_put(v->screen, v->arena, TABLE_PLAIN, "[");
	screen_put(v->screen, v->arena, style, "%.*s", cells, "################");
	screen_put(v->screen, v->arena, TABLE_FAINT, "%.*s", BAR_CELLS - cells, "................");
	screen_put(
	    v->screen, v->arena, TABLE_PLAIN, "] %3.0f %% %s", share * 100, load ? "load" : "answered");
}

static void put_buses(struct top_view *v)
{
	const char *name;
	json_t *b;
	title(v, "BUSES");
	json_object_foreach((json_t *)get(v, TOP_BUSES, "buses"), name, b)
	{
		const json_t *devices = json_object_get(b, "devices");
		screen_put(v->screen, v->arena, TABLE_PLAIN, "%s ", name);
		screen_tab(v->screen, NAME_COLUMN);
		put_bar(v, b);
		screen_put(v->screen, v->arena,
		    count_up(devices) < json_object_size(devices) ? TABLE_WARNING : TABLE_PLAIN,
		    "  %zu/%zu up  %s errors  %s ms", count_up(devices), json_object_size(devices),
		    values_show(v->arena, json_object_get(b, "errors")),
		    values_figure(v->arena, json_object_get(b, "latency_ms"), 3));
		screen_line(v->screen);
	}
}

static void put_point(struct top_view *v, const char *name, const json_t *p)
{
	const char *quality = values_text(p, "quality"), *unit = values_text(p, "unit");
	screen_put(v->screen, v->arena, TABLE_PLAIN, "%s ", name);
	screen_tab(v->screen, 40);
	screen_put(v->screen, v->arena, table_quality_style(quality), "%s %s",
	    values_show(v->arena, json_object_get(p, "value")), strcmp(unit, "1") == 0 ? "" : unit);
	screen_tab(v->screen, 62);
	screen_put(v->screen, v->arena, table_quality_style(quality), " %s",
	    strcmp(quality, "good") == 0 ? "" : quality);
	screen_line(v->screen);
}

/* In what is left, but for the last line. */
static void put_points(struct top_view *v)
{
	const json_t *points = get(v, TOP_POINTS, "points");
	const size_t all = json_object_size(points);
	const char *name;
	json_t *p;
	size_t i = 0;
	v->page = screen_left(v->screen) - 2;
	if (v->page < 1)
		return;
	if (v->scroll + (size_t)v->page > all)
		v->scroll = all > (size_t)v->page ? all - (size_t)v->page : 0;
	title(v, arena_printf(v->arena, "POINTS %zu to %zu of %zu", all ? v->scroll + 1 : 0,
		     v->scroll + (size_t)v->page < all ? v->scroll + (size_t)v->page : all, all));
	json_object_foreach((json_t *)points, name, p)
	{
		if (i >= v->scroll && i < v->scroll + (size_t)v->page)
			put_point(v, name, p);
		i++;
	}
}

void top_view_draw(struct top_view *v)
{
	put_head(v);
	put_pues(v);
	put_loops(v);
	put_alarms(v);
	put_buses(v);
	put_points(v);
}
