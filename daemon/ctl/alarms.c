/* alarms: the state of each, the most urgent first. */
#include "config/ini/cleanup.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/values.h"

#include <stdlib.h>
#include <string.h>

static const struct table_column columns[] = { { "ALARM" }, { "STATE" }, { "SEVERITY" }, { "VALUE", true },
	{ "SINCE" }, { "MESSAGE" } };

struct alarm_row {
	const char *name;
	const json_t *alarm;
	int urgency; /* the lower the more urgent */
};

static int place(const char *word, const char *const *words, int count)
{
	int i = 0;
	while (i < count && strcmp(words[i], word) != 0)
		i++;
	return i;
}

/* What is active and not acknowledged first, then by what it takes to be looked at. */
static int urgency(const json_t *alarm)
{
	static const char *const states[] = { "active", "cleared_unacknowledged", "unknown", "suppressed",
		"shelved", "normal" };
	static const char *const severities[] = { "critical", "warning", "info" };
	int state = place(values_text(alarm, "state"), states, 6);
	int severity = place(values_text(alarm, "severity"), severities, 3);
	bool acknowledged = json_is_true(json_object_get(alarm, "acknowledged"));
	return (state * 4 + severity) * 2 + acknowledged;
}

static int by_urgency(const void *x, const void *y)
{
	const struct alarm_row *a = x, *b = y;
	return a->urgency != b->urgency ? (a->urgency > b->urgency) - (a->urgency < b->urgency)
					: strcmp(a->name, b->name);
}

static enum table_style style_of(const json_t *alarm)
{
	const char *state = values_text(alarm, "state");
	if (strcmp(state, "normal") == 0)
		return TABLE_PLAIN;
	if (strcmp(state, "active") != 0)
		return strcmp(state, "cleared_unacknowledged") == 0 ? TABLE_WARNING : TABLE_FAINT;
	return strcmp(values_text(alarm, "severity"), "critical") == 0 ? TABLE_BAD : TABLE_WARNING;
}

/* The message, and what else its state has to say. */
static const char *message(struct arena *a, const json_t *alarm)
{
	const char *text = values_text(alarm, "message"), *reason = values_text(alarm, "reason");
	const char *by = values_text(alarm, "suppressed_by"), *who = values_text(alarm, "acknowledged_by");
	const json_t *until = json_object_get(alarm, "shelved_until");
	if (*reason)
		text = arena_printf(a, "%s (%s)", text, reason);
	if (*by)
		text = arena_printf(a, "%s (suppressed by %s)", text, by);
	if (json_is_integer(until))
		text = arena_printf(a, "%s (shelved until %s by %s)", text, values_time(a, until),
		    values_text(alarm, "shelved_by"));
	if (json_is_true(json_object_get(alarm, "acknowledged")) && *who)
		text = arena_printf(a, "%s (acknowledged by %s)", text, who);
	return text;
}

static void put_alarm(struct arena *a, struct table *t, const struct alarm_row *r)
{
	const enum table_style style = style_of(r->alarm);
	table_cell(t, TABLE_PLAIN, "%s", r->name);
	table_cell(t, style, "%s", values_text(r->alarm, "state"));
	table_cell(t, style, "%s", values_text(r->alarm, "severity"));
	table_cell(t, TABLE_PLAIN, "%s", values_show(a, json_object_get(r->alarm, "value")));
	table_cell(t, TABLE_PLAIN, "%s", values_time(a, json_object_get(r->alarm, "ts")));
	table_cell(t, TABLE_PLAIN, "%s", message(a, r->alarm));
}

static void print(struct ctl *c, const json_t *alarms)
{
	const char *name;
	json_t *alarm;
	size_t count = 0;
	struct table *t = table_new(c->arena, columns, sizeof(columns) / sizeof(columns[0]));
	struct alarm_row *rows = arena_alloc(c->arena, (json_object_size(alarms) + 1) * sizeof(*rows));
	json_object_foreach((json_t *)alarms, name, alarm) rows[count++] =
	    (struct alarm_row){ name, alarm, urgency(alarm) };
	if (count > 1)
		qsort(rows, count, sizeof(*rows), by_urgency);
	for (size_t i = 0; i < count; i++)
		put_alarm(c->arena, t, &rows[i]);
	table_print(t);
}

static int run(struct ctl *c)
{
	_cleanup_reply_ struct client_reply reply = { 0 };
	int code = client_get(c, "/v1/alarms", &reply);
	if (code != CTL_GOOD || c->json)
		return code != CTL_GOOD ? code : client_print(c, &reply);
	print(c, json_object_get(reply.json, "alarms"));
	return CTL_GOOD;
}

const struct command alarms_command = {
	.name = "alarms",
	.arguments = "",
	.help = "all alarms and their states, the most urgent first",
	.about = "",
	.schema = "http-alarms",
	.run = run,
};
