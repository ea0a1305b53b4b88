#include "daemon/ctl/alarm_rows.h"

#include "daemon/ctl/values.h"

#include <stdlib.h>
#include <string.h>

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

enum table_style alarm_row_style(const struct alarm_row *r)
{
	const json_t *alarm = r->alarm;
	const char *state = values_text(alarm, "state");
	if (strcmp(state, "normal") == 0)
		return TABLE_PLAIN;
	if (strcmp(state, "active") != 0)
		return strcmp(state, "cleared_unacknowledged") == 0 ? TABLE_WARNING : TABLE_FAINT;
	return strcmp(values_text(alarm, "severity"), "critical") == 0 ? TABLE_BAD : TABLE_WARNING;
}

const char *alarm_row_message(struct arena *a, const struct alarm_row *r)
{
	const json_t *alarm = r->alarm;
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

bool alarm_row_is_normal(const struct alarm_row *r)
{
	return strcmp(values_text(r->alarm, "state"), "normal") == 0;
}

size_t alarm_rows_of(struct arena *a, const json_t *alarms, struct alarm_row **ret)
{
	const char *name;
	json_t *alarm;
	size_t count = 0;
	struct alarm_row *rows = arena_alloc(a, (json_object_size(alarms) + 1) * sizeof(*rows));
	json_object_foreach((json_t *)alarms, name, alarm) rows[count++] =
	    (struct alarm_row){ name, alarm, urgency(alarm) };
	if (count > 1)
		qsort(rows, count, sizeof(*rows), by_urgency);
	*ret = rows;
	return count;
}
