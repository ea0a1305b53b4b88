#include "daemon/http/explain_alarm.h"

#include "config/ini/text.h"
#include "daemon/http/explain_loop.h"
#include "daemon/publish/json_payload.h"
#include "drivers/os/clock.h"

#include <math.h>

static int64_t utc_of(int64_t boottime_ns)
{
	return boottime_ns ? (boottime_ns + clock_realtime_offset()) / NS_PER_MS : 0;
}

static bool is_count(const struct alarm_config *c)
{
	return c->source == SOURCE_POINT && c->points.how == COMBINE_COUNT;
}

/* Its condition in words, with its numbers. */
static void say_condition(struct explanation *e, const struct alarm *a)
{
	const struct alarm_config *c = a->config;
	const char *hysteresis = NUMBER(c->hysteresis);
	if (is_count(c))
		explanation_say(e, "of %zu points %zu must meet the condition; %s do", c->points.count,
		    c->points.needed, NUMBER(a->input.value));
	switch (c->when) {
	case WHEN_ABOVE:
		explanation_say(e, "condition: value > limit = %s; gone at or below %s - hysteresis %s = %s",
		    NUMBER(c->limit), NUMBER(c->limit), hysteresis, NUMBER(c->limit - c->hysteresis));
		break;
	case WHEN_BELOW:
		explanation_say(e, "condition: value < limit = %s; gone at or above %s + hysteresis %s = %s",
		    NUMBER(c->limit), NUMBER(c->limit), hysteresis, NUMBER(c->limit + c->hysteresis));
		break;
	case WHEN_OUTSIDE:
		explanation_say(e,
		    "condition: value < low = %s or > high = %s; gone when inside by the hysteresis %s",
		    NUMBER(c->low), NUMBER(c->high), hysteresis);
		break;
	default:
		explanation_say(e, "condition: the value is %s", alarm_when_word(c->when));
		break;
	}
}

static void say_duration(struct explanation *e, const char *what, int64_t ns)
{
	char text[32];
	explanation_say(e, "%s = %s", what, text_of_duration(ns, text));
}

static void say_input(struct explanation *e, const struct alarm *a)
{
	const struct alarm_config *c = a->config;
	explanation_say(e, "looks at %s: value %s (%s%s%s)", c->point_name, NUMBER(a->input.value),
	    quality_word(a->input.quality), a->input.reason ? ": " : "",
	    a->input.reason ? a->input.reason : "");
	for (size_t i = 0; c->source == SOURCE_POINT && i < c->points.count; i++)
		explanation_reading(e, "", c->points.refs[i]);
	if (c->source == SOURCE_LOOP)
		explain_loop_lines(e, c->entry, (enum loop_value)c->value);
	else if (c->source != SOURCE_POINT)
		explanation_say(e, "%s can be taken apart itself", c->point_name);
	if (a->known)
		explanation_say(e, "the condition %s since %s", a->condition ? "holds" : "does not hold",
		    TIME(utc_of(a->condition_since)));
	else
		explanation_say(
		    e, "whether the condition holds is not known: no usable value for more than three polls");
}

/* The alarm that explains another one, by its own condition. */
static void say_cause(struct explanation *e, const struct alarm *by)
{
	explanation_say(e,
	    "suppressed: the condition holds, and %s explains it, which is %s:", by->config->name,
	    alarm_state_word(by->state));
	say_condition(e, by);
	say_input(e, by);
}

static void say_suppression(struct explanation *e, const struct alarm *a)
{
	const struct alarm_config *c = a->config;
	for (size_t i = 0; i < c->suppressor_names.count; i++) {
		const struct alarm *by = alarms_find(e->live->alarms, c->suppressor_names.items[i]);
		bool holds = by->state == ALARM_ACTIVE || by->state == ALARM_SUPPRESSED,
		     severe = by->severity >= a->severity;
		explanation_say(e, "suppressed_by %s: %s since %s, %s, value %s: %s", by->config->name,
		    alarm_state_word(by->state), TIME(by->changed_ms), alarm_severity_word(by->severity),
		    NUMBER(by->input.value),
		    !holds    ? "does not explain it, it is not active"
		    : !severe ? "does not explain it, it is less severe"
			      : "explains it: active, and at least as severe");
	}
	if (a->state == ALARM_SUPPRESSED && a->suppressed_by)
		say_cause(e, alarms_find(e->live->alarms, a->suppressed_by));
}

static void say_operators(struct explanation *e, const struct alarm *a)
{
	if (a->acknowledged)
		explanation_say(e, "acknowledged%s%s", *a->acknowledged_by ? " by " : "", a->acknowledged_by);
	if (a->shelved_until_ns != 0)
		explanation_say(e, "shelved by %s until %s; beneath it is %s", a->shelved_by,
		    TIME(a->shelved_until_ms), alarm_state_word(alarm_beneath(a)));
	if (a->config->latch)
		explanation_say(e, "latch: once active it stays until it is acknowledged");
	if (a->escalated)
		explanation_say(e, "escalated from %s to %s", alarm_severity_word(a->config->severity),
		    alarm_severity_word(a->severity));
	if (a->idle)
		explanation_say(e, "without IT load: a warning only");
}

static bool is_reading(const struct alarm_config *c)
{
	return c->source == SOURCE_POINT && c->points.count > 0 && !is_count(c);
}

/* Of what it looks at. */
static const char *unit_of(const struct config *all, const struct alarm_config *c)
{
	if (c->source == SOURCE_LOOP)
		return loop_values[c->value].unit;
	if (c->source == SOURCE_GROUP)
		return group_values[c->value].unit;
	return is_reading(c) ? reference_get(all, c->points.refs[0])->unit : "1";
}

static enum json_digits digits_of(const struct config *all, const struct alarm_config *c)
{
	bool is_one = is_reading(c) && c->points.count == 1;
	return is_one ? json_payload_digits(reference_get(all, c->points.refs[0])) : JSON_FIGURE;
}

void explain_alarm(struct explanation *e, const struct alarm *a)
{
	const struct alarm_config *c = a->config;
	explanation_value(e, &a->input, unit_of(e->live->config, c), digits_of(e->live->config, c));
	json_payload_alarm(&e->w, "alarm", e->live->config, a, clock_utc_ms());
	explanation_say(e, "alarm.%s is %s since %s, severity %s: %s", c->name, alarm_state_word(a->state),
	    TIME(a->changed_ms), alarm_severity_word(a->severity), c->message);
	say_condition(e, a);
	say_input(e, a);
	say_duration(e, "raised when it has held for delay_on", c->delay_on);
	say_duration(e, "cleared when it has been gone for delay_off", c->delay_off);
	say_suppression(e, a);
	say_operators(e, a);
}
