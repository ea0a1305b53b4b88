#include "daemon/control/alarm.h"

#include <math.h>

static const char *const state_words[] = {
	[ALARM_UNKNOWN] = "unknown",
	[ALARM_NORMAL] = "normal",
	[ALARM_ACTIVE] = "active",
	[ALARM_CLEARED_UNACKNOWLEDGED] = "cleared_unacknowledged",
	[ALARM_SUPPRESSED] = "suppressed",
};

const char *alarm_state_word(enum alarm_state s)
{
	return state_words[s];
}

void alarm_init(struct alarm *a, const struct alarm_config *config)
{
	*a = (struct alarm){
		.config = config, .state = ALARM_UNKNOWN, .input = { NAN, QUALITY_INVALID, NULL }
	};
}

/* Whether the condition holds; `back` is how far inside the limits it must be to be gone. */
static bool judge(const struct alarm_config *c, const struct figure *f, double back)
{
	switch (c->when) {
	case WHEN_TRUE:
		return f->value != 0;
	case WHEN_FALSE:
		return f->value == 0;
	case WHEN_ABOVE:
		return f->value > c->limit - back;
	case WHEN_BELOW:
		return f->value < c->limit + back;
	case WHEN_OUTSIDE:
		return f->value < c->low + back || f->value > c->high - back;
	case WHEN_STALE:
		/* a point that was never read is not stale yet; of a computed figure only the lack of a value
		 * is known */
		return c->source == SOURCE_POINT ? f->quality == QUALITY_STALE
						 : !quality_has_value(f->quality);
	case WHEN_SUSPECT:
		return f->quality == QUALITY_SUSPECT;
	}
	return false;
}

static enum alarm_state next_state(const struct alarm *a, int64_t now_ns)
{
	const struct alarm_config *c = a->config;
	int64_t lasted = now_ns - a->condition_since;
	if (a->condition)
		return lasted >= c->delay_on || a->state == ALARM_ACTIVE ? ALARM_ACTIVE
		       : a->state == ALARM_CLEARED_UNACKNOWLEDGED	 ? a->state
									 : ALARM_NORMAL;
	if (a->state == ALARM_ACTIVE && lasted < c->delay_off)
		return ALARM_ACTIVE;
	if (a->state == ALARM_ACTIVE || a->state == ALARM_CLEARED_UNACKNOWLEDGED)
		return c->latch && !a->acknowledged ? ALARM_CLEARED_UNACKNOWLEDGED : ALARM_NORMAL;
	return ALARM_NORMAL;
}

void alarm_set_suppressed(struct alarm *a, bool suppressed, int64_t now_ns)
{
	if (a->suppressed && !suppressed)
		a->condition_since = now_ns;
	a->suppressed = suppressed;
}

bool alarm_update(struct alarm *a, const struct figure *input, int64_t now_ns, int64_t utc_ms)
{
	const struct alarm_config *c = a->config;
	enum alarm_state next = ALARM_UNKNOWN;
	bool latched = c->latch && (a->state == ALARM_ACTIVE || a->state == ALARM_CLEARED_UNACKNOWLEDGED);

	a->input = *input;
	if (now_ns < a->hold_until_ns && input->quality == QUALITY_INVALID)
		return false;
	a->hold_until_ns = 0;
	if (c->when == WHEN_STALE || quality_has_value(input->quality)) {
		bool condition = judge(c, input, a->condition ? c->hysteresis : 0);
		if (condition != a->condition || a->state == ALARM_UNKNOWN) {
			a->condition = condition;
			a->condition_since = now_ns;
		}
		next = next_state(a, now_ns);
	} else if (latched) {
		next = a->state;
	}
	if (next == ALARM_ACTIVE && a->suppressed && !latched)
		next = ALARM_SUPPRESSED;
	if (next == a->state)
		return false;
	if (next == ALARM_ACTIVE)
		a->acknowledged = false;
	a->previous = a->state;
	a->state = next;
	a->changed_ms = utc_ms;
	return true;
}

const char *alarm_acknowledge(struct alarm *a, int64_t utc_ms)
{
	bool latched = a->state == ALARM_CLEARED_UNACKNOWLEDGED;
	if (a->state != ALARM_ACTIVE && !latched)
		return "it is not active";
	if (a->acknowledged)
		return "it is acknowledged already";
	a->acknowledged = true;
	a->previous = a->state;
	if (latched)
		a->state = ALARM_NORMAL;
	a->changed_ms = utc_ms;
	return NULL;
}

void alarm_save(const struct alarm *a, int64_t offset_ns, struct bytes_writer *w)
{
	bytes_put_integer(w, (int64_t)a->state);
	bytes_put_integer(w, (int64_t)a->previous);
	bytes_put_integer(w, a->acknowledged);
	bytes_put_integer(w, a->condition);
	bytes_put_integer(w, a->condition_since + offset_ns);
	bytes_put_integer(w, a->changed_ms);
}

void alarm_load(struct alarm *a, const struct wall_clock *clock, struct bytes_reader *r)
{
	struct alarm loaded = *a;
	loaded.state = (enum alarm_state)bytes_take_within(r, 0, ALARM_SUPPRESSED);
	loaded.previous = (enum alarm_state)bytes_take_within(r, 0, ALARM_SUPPRESSED);
	loaded.acknowledged = bytes_take_within(r, 0, 1);
	loaded.condition = bytes_take_within(r, 0, 1);
	loaded.condition_since = wall_clock_boottime(clock, bytes_take_integer(r));
	loaded.changed_ms = bytes_take_integer(r);
	loaded.hold_until_ns = clock->now_ns + ALARM_HOLD_NS;
	if (!r->bad)
		*a = loaded;
}

void alarm_flood_note(struct alarm_flood *f, int64_t now_ns)
{
	f->times[f->next] = now_ns;
	f->next = (f->next + 1) % (ALARM_FLOOD_LIMIT + 1);
}

bool alarm_flood_lasts(const struct alarm_flood *f, int64_t now_ns)
{
	int64_t oldest = f->times[f->next];
	return oldest != 0 && now_ns - oldest < ALARM_FLOOD_NS;
}
