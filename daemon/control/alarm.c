#include "daemon/control/alarm.h"

#include "drivers/os/clock.h"

#include <math.h>
#include <stdio.h>

static const char *const state_words[] = {
	[ALARM_UNKNOWN] = "unknown",
	[ALARM_NORMAL] = "normal",
	[ALARM_ACTIVE] = "active",
	[ALARM_CLEARED_UNACKNOWLEDGED] = "cleared_unacknowledged",
	[ALARM_SUPPRESSED] = "suppressed",
	[ALARM_SHELVED] = "shelved",
};

const char *alarm_state_word(enum alarm_state s)
{
	return state_words[s];
}

void alarm_init(struct alarm *a, const struct alarm_config *config)
{
	*a = (struct alarm){ .config = config,
		.state = ALARM_UNKNOWN,
		.phase = ALARM_NORMAL,
		.severity = config->severity,
		.told = config->severity,
		.input = { NAN, QUALITY_INVALID, NULL } };
}

/* Whether the condition holds; `back` is how far inside the limits it must be to be gone. */
static bool judge_one(const struct alarm_config *c, const struct figure *f, double back)
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
	case WHEN_LOST:
		return !quality_has_value(f->quality);
	case WHEN_SUSPECT:
		return f->quality == QUALITY_SUSPECT;
	}
	return false;
}

bool alarm_holds(const struct alarm_config *c, const struct figure *f, bool held)
{
	return judge_one(c, f, held ? c->hysteresis : 0);
}

static bool is_counted(const struct alarm_config *c)
{
	return c->source == SOURCE_POINT && c->points.how == COMBINE_COUNT && c->when != WHEN_LOST;
}

static bool judge(const struct alarm *a, const struct figure *input)
{
	const struct alarm_config *c = a->config;
	return is_counted(c) ? input->value >= (double)c->points.needed : alarm_holds(c, input, a->condition);
}

bool alarm_is_gap(int64_t interval_ns, int64_t passed_ns)
{
	return 2 * passed_ns > 7 * interval_ns;
}

static bool is_gap(const struct alarm *a, int64_t since_ns, int64_t now_ns)
{
	return alarm_is_gap(a->config->interval, now_ns - since_ns);
}

void alarm_set_lost(struct alarm *a, bool lost)
{
	a->lost = lost;
}

/* Whether this input can be judged; one that stays away is itself what some look for. */
static bool is_judged(const struct alarm *a, const struct figure *input, int64_t now_ns)
{
	switch (a->config->when) {
	case WHEN_STALE:
		return !is_counted(a->config) || quality_has_value(input->quality);
	case WHEN_LOST:
		return quality_has_value(input->quality) || (input->quality != QUALITY_OUT_OF_SERVICE &&
								(a->lost || is_gap(a, a->read_ns, now_ns)));
	default:
		return quality_has_value(input->quality);
	}
}

/* Whether it stays until somebody has seen it. */
static bool stays(const struct alarm *a)
{
	return a->config->latch || a->severity == SEVERITY_CRITICAL;
}

static enum alarm_state next_phase(const struct alarm *a, int64_t now_ns)
{
	const struct alarm_config *c = a->config;
	int64_t lasted = now_ns > a->condition_since ? now_ns - a->condition_since : 0;
	bool was_active = a->phase == ALARM_ACTIVE, was_cleared = a->phase == ALARM_CLEARED_UNACKNOWLEDGED,
	     was_suppressed = a->phase == ALARM_SUPPRESSED && a->suppressed_by;
	if (a->condition && (was_active || was_suppressed || lasted >= c->delay_on))
		return a->suppressed_by && !(stays(a) && (was_active || was_cleared)) ? ALARM_SUPPRESSED
										      : ALARM_ACTIVE;
	if (a->condition)
		return was_cleared ? a->phase : ALARM_NORMAL;
	if (was_active && lasted < c->delay_off)
		return ALARM_ACTIVE;
	return (was_active || was_cleared) && stays(a) && !a->acknowledged ? ALARM_CLEARED_UNACKNOWLEDGED
									   : ALARM_NORMAL;
}

/* Up to when the input is known: a reading speaks for its own interval, its absence for itself. */
static int64_t known_until(const struct alarm *a, bool is_reading, int64_t now_ns)
{
	int64_t until = a->read_ns + a->config->interval;
	return is_reading && until < now_ns ? until : now_ns;
}

static void judge_input(struct alarm *a, const struct figure *input, int64_t read_ns, int64_t now_ns)
{
	const struct alarm_config *c = a->config;
	bool is_reading = quality_has_value(input->quality) && read_ns != 0;
	bool resumes = !a->known;

	if (a->read_ns == 0)
		a->read_ns = now_ns;
	if (!is_judged(a, input, now_ns)) {
		a->known &= !is_gap(a, a->read_ns, now_ns) && input->quality != QUALITY_OUT_OF_SERVICE;
		return;
	}
	if (is_reading) {
		resumes |= c->interval > 0 && a->hold_until_ns == 0 && is_gap(a, a->read_ns, read_ns);
		a->read_ns = read_ns;
	}
	bool condition = judge(a, input);
	int64_t until = known_until(a, is_reading, now_ns);
	if (condition != a->condition || resumes) {
		a->condition = condition;
		a->condition_since = until;
	}
	a->known = true;
	enum alarm_state next = next_phase(a, until);
	a->raised = next == ALARM_ACTIVE && a->phase != ALARM_ACTIVE;
	if (a->raised) {
		a->acknowledged = false;
		a->active_since = now_ns;
	}
	a->phase = next;
}

/* A latched alarm stands also while its input is not known. */
enum alarm_state alarm_beneath(const struct alarm *a)
{
	bool stands =
	    a->phase == ALARM_CLEARED_UNACKNOWLEDGED || (a->config->latch && a->phase == ALARM_ACTIVE);
	return a->known || stands ? a->phase : ALARM_UNKNOWN;
}

static enum alarm_state shown(const struct alarm *a)
{
	return a->shelved_until_ns != 0 ? ALARM_SHELVED : alarm_beneath(a);
}

void alarm_set_load(struct alarm *a, bool loaded)
{
	bool is_raised = a->phase == ALARM_ACTIVE || a->phase == ALARM_CLEARED_UNACKNOWLEDGED;
	/* a load that went away after it was raised may have gone because of it */
	if (loaded || !is_raised)
		a->idle = a->config->needs_load && !loaded;
}

static enum alarm_severity severity_of(const struct alarm *a)
{
	if (a->escalated)
		return a->config->escalate_to;
	return a->idle ? SEVERITY_WARNING : a->config->severity;
}

static void escalate(struct alarm *a, int64_t now_ns)
{
	const struct alarm_config *c = a->config;
	bool several = is_counted(c) && c->points.needed == 1 && a->input.value >= 2;
	if (a->phase == ALARM_NORMAL || a->phase == ALARM_SUPPRESSED)
		a->escalated = false;
	else if (c->escalate_after > 0 && shown(a) == ALARM_ACTIVE)
		a->escalated |= several || now_ns - a->active_since >= c->escalate_after;
	a->severity = severity_of(a);
}

void alarm_hold(struct alarm *a, int64_t until_ns)
{
	if (until_ns > a->hold_until_ns)
		a->hold_until_ns = until_ns;
}

void alarm_set_suppressed(struct alarm *a, const char *by, int64_t now_ns)
{
	if (a->suppressed_by && !by)
		a->condition_since = now_ns;
	a->suppressed_by = by;
}

bool alarm_update(
    struct alarm *a, const struct figure *input, int64_t read_ns, int64_t now_ns, int64_t utc_ms)
{
	a->input = *input;
	a->raised = false;
	if (now_ns < a->hold_until_ns && input->quality == QUALITY_INVALID)
		return false;
	judge_input(a, input, read_ns, now_ns);
	a->hold_until_ns = 0;
	if (now_ns >= a->shelved_until_ns)
		a->shelved_until_ns = 0;
	escalate(a, now_ns);
	enum alarm_state next = shown(a);
	bool is_over = next == ALARM_NORMAL || next == ALARM_UNKNOWN || next == ALARM_SHELVED;
	bool same = next == a->state && (is_over || a->severity == a->told);
	if (a->severity > a->told)
		a->acknowledged = false;
	a->told = a->severity;
	if (same)
		return false;
	a->previous = a->state;
	a->state = next;
	a->changed_ms = utc_ms;
	return true;
}

const char *alarm_acknowledge(struct alarm *a, const char *by, int64_t utc_ms)
{
	bool cleared = a->state == ALARM_CLEARED_UNACKNOWLEDGED;
	if (a->state != ALARM_ACTIVE && !cleared)
		return "it is not active";
	if (a->acknowledged)
		return "it is acknowledged already";
	a->acknowledged = true;
	snprintf(a->acknowledged_by, sizeof(a->acknowledged_by), "%s", by);
	a->previous = a->state;
	if (cleared) {
		a->state = a->phase = ALARM_NORMAL;
		a->escalated = false;
		a->severity = a->told = severity_of(a);
	}
	a->changed_ms = utc_ms;
	return NULL;
}

const char *alarm_shelve(struct alarm *a, const char *by, int64_t for_ns, int64_t now_ns, int64_t utc_ms)
{
	if (for_ns < NS_PER_S || for_ns > ALARM_SHELF_MAX_NS)
		return "that is no time for it (allowed: 1s to 7d)";
	snprintf(a->shelved_by, sizeof(a->shelved_by), "%s", by);
	a->shelved_ns = for_ns;
	a->shelved_until_ns = now_ns + for_ns;
	a->shelved_until_ms = utc_ms + for_ns / NS_PER_MS;
	a->previous = a->state;
	a->state = shown(a);
	a->changed_ms = utc_ms;
	return NULL;
}

const char *alarm_unshelve(struct alarm *a, int64_t utc_ms)
{
	if (a->shelved_until_ns == 0)
		return "it is not shelved";
	a->shelved_until_ns = 0;
	a->previous = a->state;
	a->state = shown(a);
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
	bytes_put_integer(w, (int64_t)a->phase);
	bytes_put_integer(w, a->escalated + 2 * a->idle);
	bytes_put_integer(w, a->active_since + offset_ns);
	bytes_put_text(w, a->acknowledged_by);
	bytes_put_integer(w, a->shelved_until_ns != 0 ? a->shelved_ns : 0);
	if (a->shelved_until_ns == 0)
		return;
	bytes_put_integer(w, a->shelved_until_ns + offset_ns);
	bytes_put_integer(w, a->shelved_until_ms);
	bytes_put_text(w, a->shelved_by);
}

static void load_text(struct bytes_reader *r, char to[static ALARM_USER_MAX])
{
	snprintf(to, ALARM_USER_MAX, "%s", bytes_take_text(r));
}

/* What the first versions did not have. */
static void load_rest(struct alarm *a, const struct wall_clock *clock, struct bytes_reader *r)
{
	a->phase = (enum alarm_state)bytes_take_within(r, ALARM_NORMAL, ALARM_SUPPRESSED);
	int64_t flags = bytes_take_within(r, 0, 3);
	a->escalated = flags & 1;
	a->idle = flags & 2;
	a->active_since = wall_clock_boottime(clock, bytes_take_integer(r));
	load_text(r, a->acknowledged_by);
	a->shelved_ns = bytes_take_within(r, 0, ALARM_SHELF_MAX_NS);
	if (a->shelved_ns == 0)
		return;
	/* by a clock that is behind it would take longer than was said */
	int64_t until = bytes_take_integer(r) - clock->offset_ns, latest = clock->now_ns + a->shelved_ns;
	a->shelved_until_ns = until < latest ? until : latest;
	a->shelved_until_ms = bytes_take_integer(r);
	load_text(r, a->shelved_by);
}

void alarm_load(struct alarm *a, const struct wall_clock *clock, struct bytes_reader *r)
{
	struct alarm loaded = *a;
	loaded.state = (enum alarm_state)bytes_take_within(r, 0, ALARM_SHELVED);
	loaded.previous = (enum alarm_state)bytes_take_within(r, 0, ALARM_SHELVED);
	loaded.acknowledged = bytes_take_within(r, 0, 1);
	loaded.condition = bytes_take_within(r, 0, 1);
	loaded.condition_since = wall_clock_boottime(clock, bytes_take_integer(r));
	loaded.changed_ms = bytes_take_integer(r);
	if (r->at < r->end)
		load_rest(&loaded, clock, r);
	else
		loaded.phase = loaded.state == ALARM_UNKNOWN ? ALARM_NORMAL : loaded.state;
	loaded.known = loaded.state != ALARM_UNKNOWN;
	loaded.read_ns = clock->now_ns;
	loaded.severity = loaded.told = severity_of(&loaded);
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
