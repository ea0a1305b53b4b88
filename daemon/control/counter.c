#include "daemon/control/counter.h"

#include "drivers/os/clock.h"

#include <math.h>
#include <string.h>

/* A meter's step and the moment of the reading are not in phase: two quanta more than the power allows are
 * plausible. */
#define SLACK_QUANTA 2
/* Changes down in a row that are no garbled readings. */
#define FALLS 12
/* Readings that show something else before it is believed. */
#define CONFIRMED_READINGS 2
#define RESET_READINGS 3
/* P_max is so many times what was seen: of the power, which is also known where it is not polled, and of the
 * counter alone. */
#define SEEN_FACTOR 2
#define COUNTED_FACTOR 10
/* Changes in a row that teach how fast it counts: while nothing is known, and to count faster than that. */
#define RATES_AT_FIRST 2
#define RATES_FASTER 12
/* Those of a load are alike, and what it has counted since the last reading taken fits to them: garbled
 * readings that happen to grow do neither. Words that are swapped count 65,536 times as fast. */
#define RATES_ALIKE 4
#define RATE_OF_ALL 2
#define RATE_SWAPPED 32768
/* A reading is taken at once when it is that near to what it counts usually, and, after some that were held,
 * the last taken one so many polls old at most; else when another goes on from there. */
#define LIKELY_FACTOR 2
#define LIKELY_POLLS 4
/* What the first reading shows may be so old: heat meters refresh every quarter of an hour. */
#define FIRST_SHOWN_NS (900 * NS_PER_S)
/* A counter that refreshes as often as it is read, out of step with that, shows the energy of one poll more
 * now and then. */
#define SLACK_POLL_NS (60 * NS_PER_S) /* at most */
/* The clocks before and after a restart are not the same: so much more time may lie between. */
#define RESUMED_NS (60 * NS_PER_S)
/* A counter that comes back to where it was before a reset within this was never reset: one that has counted
 * from there, and one that has shown the same all the time. */
#define RETURN_NS (3600 * NS_PER_S)
#define RETURN_UNMOVED_NS (86400 * NS_PER_S)
/* While nothing is known of its power a jump is believed to be a reset after so long. */
#define UNKNOWN_NS (3600 * NS_PER_S)
/* More than a meter counts in its life; what is above would not fit in millijoules. */
#define JOULES_MAX 4e15

static bool has_numbers(const struct counter *c)
{
	return c->type.is_scaled || (c->type.width == 0 && c->type.digits == 0);
}

static bool is_below(
    const struct counter *c, const struct counter_reading *a, const struct counter_reading *b)
{
	if (has_numbers(c))
		return a->number < b->number;
	return c->type.is_signed ? (int64_t)a->raw < (int64_t)b->raw : a->raw < b->raw;
}

static bool is_equal(
    const struct counter *c, const struct counter_reading *a, const struct counter_reading *b)
{
	return has_numbers(c) ? a->number == b->number : a->raw == b->raw;
}

static double forward(
    const struct counter *c, const struct counter_reading *from, const struct counter_reading *to)
{
	double units = has_numbers(c) ? to->number - from->number : (double)(to->raw - from->raw);
	return units * c->type.joules;
}

/* Readings until an integer counter begins anew; 0 stands for 2^64, which a difference of 64 bits knows. */
static uint64_t modulus_of(const struct counter_type *t)
{
	uint64_t tens = 1;
	for (unsigned i = 0; i < t->digits; i++)
		tens *= 10;
	if (t->digits > 0)
		return tens;
	return t->width >= 64 ? 0 : UINT64_C(1) << t->width;
}

/* From a reading over the end of the range to one below it, in joules; NAN when there is no end. */
static double forward_over_end(
    const struct counter *c, const struct counter_reading *from, const struct counter_reading *to)
{
	uint64_t modulus = modulus_of(&c->type);
	if (!has_numbers(c))
		return (double)(modulus - (from->raw - to->raw)) * c->type.joules;
	if (c->type.width == 0 && c->type.digits == 0)
		return NAN;
	double range = (modulus == 0 ? 0x1p64 : (double)modulus) * to->step;
	return to->step > 0 ? (range - (from->number - to->number)) * c->type.joules : NAN;
}

double counter_joules(const struct counter *c, const struct counter_reading *r)
{
	if (has_numbers(c))
		return r->number * c->type.joules;
	return (c->type.is_signed ? (double)(int64_t)r->raw : (double)r->raw) * c->type.joules;
}

double counter_quantum(const struct counter *c)
{
	if (!has_numbers(c))
		return fabs(c->type.joules);
	if (c->marks[COUNTER_LAST].reading.step > 0)
		return c->marks[COUNTER_LAST].reading.step * fabs(c->type.joules);
	if (!c->started || c->marks[COUNTER_LAST].reading.number == 0)
		return 0;
	/* one unit in the last place */
	return ldexp(1, ilogb(c->marks[COUNTER_LAST].reading.number) + 1 - (int)c->type.mantissa) *
	       fabs(c->type.joules);
}

void counter_note_bridged(struct counter *c, double joules)
{
	c->booked += joules;
}

/* How fast it counts, in watts: usually, and at most; 0 = nothing is known yet. */
struct pace {
	double usual, most;
};

static struct pace pace_of(const struct counter *c, const struct counter_power *power)
{
	if (power->told > 0)
		return (struct pace){ power->told, power->told };
	if (power->seen <= 0)
		return (struct pace){ c->sustained, COUNTED_FACTOR * c->sustained };
	const double usual = fmax(power->seen, c->sustained);
	return (struct pace){ usual, SEEN_FACTOR * usual };
}

int64_t counter_refresh(const struct counter *c)
{
	const int64_t *i = c->intervals;
	if (c->interval_count == 0)
		return c->unchanged_ns;
	if (c->interval_count < COUNTER_RATES)
		return i[0] > i[1] ? i[0] : i[1];
	/* the middle one: an idle time or a set counter is no rhythm */
	int64_t low = i[0] < i[1] ? i[0] : i[1], high = i[0] < i[1] ? i[1] : i[0];
	return i[2] < low ? low : i[2] > high ? high : i[2];
}

/* Whether the meter can have counted that since it showed `from`: after a gap that may be old already, though
 * no older than a refresh. */
static bool is_countable(const struct counter *c, const struct counter_mark *from, int64_t until_ns,
    double joules, struct pace pace)
{
	const int64_t shown_ns = until_ns - from->since_ns + (c->is_resumed ? RESUMED_NS : 0);
	const int64_t refresh_ns = counter_refresh(c);
	const double most = pace.most * (double)(shown_ns > refresh_ns ? shown_ns : refresh_ns) / NS_PER_S +
			    pace.usual * (double)c->poll_ns / NS_PER_S;
	return joules <= most + SLACK_QUANTA * counter_quantum(c) && joules < JOULES_MAX;
}

static bool is_plausible(const struct counter *c, const struct counter_mark *from,
    const struct counter_reading *to, struct pace pace)
{
	return !is_below(c, to, &from->reading) &&
	       is_countable(c, from, to->time_ns, forward(c, &from->reading, to), pace);
}

static bool is_wrap(const struct counter *c, const struct counter_reading *to, struct pace pace)
{
	return is_below(c, to, &c->marks[COUNTER_LAST].reading) &&
	       is_countable(c, &c->marks[COUNTER_LAST], to->time_ns,
		   forward_over_end(c, &c->marks[COUNTER_LAST].reading, to), pace);
}

static bool is_return(const struct counter *c, const struct counter_reading *to, struct pace pace)
{
	const int64_t within_ns = c->is_moved ? RETURN_NS : RETURN_UNMOVED_NS;
	return c->has_before && to->time_ns - c->marks[COUNTER_BEFORE].reading.time_ns < within_ns &&
	       is_plausible(c, &c->marks[COUNTER_BEFORE], to, pace);
}

static void move(const struct counter *c, struct counter_mark *mark, const struct counter_reading *to)
{
	if (!is_equal(c, &mark->reading, to))
		mark->since_ns = to->time_ns;
	mark->reading = *to;
}

/* Takes note of when it changes. A change by one step is no refresh: there was nothing to show before. */
static void learn_interval(struct counter *c, int64_t since_ns, int64_t now_ns, double joules)
{
	bool is_refresh = c->was_unchanged && joules > 1.5 * counter_quantum(c);
	int64_t interval = is_refresh ? now_ns - since_ns : 0;
	if (!c->change_known) {
		c->unchanged_ns = interval;
	} else if (interval > 0 || c->interval_count < COUNTER_RATES || counter_refresh(c) > 0) {
		memmove(&c->intervals[1], &c->intervals[0], (COUNTER_RATES - 1) * sizeof(c->intervals[0]));
		c->intervals[0] = interval;
		if (c->interval_count < COUNTER_RATES)
			c->interval_count++;
	}
	c->change_known = true;
	c->was_unchanged = false;
}

/* Whether such a rate explains what was counted since the last reading taken. */
static bool is_rate_of_all(const struct counter *c, const struct counter_reading *now, double rate)
{
	const struct counter_mark *last = &c->marks[COUNTER_LAST];
	const double seconds = (double)(now->time_ns - last->since_ns) / NS_PER_S;
	return c->sustained == 0 || (rate < RATE_SWAPPED * c->sustained &&
					forward(c, &last->reading, now) <= RATE_OF_ALL * rate * seconds);
}

/* Takes note of how fast it counted from one change to the next. */
static void learn_rate(struct counter *c, const struct counter_reading *now, double joules, double seconds)
{
	const double rate = joules / seconds;
	if (joules <= c->sustained * seconds) {
		c->rate_count = 0;
		return;
	}
	if (c->sustained > 0 && c->rate_count > 0 &&
	    (rate > RATES_ALIKE * c->slowest || RATES_ALIKE * rate < c->slowest))
		c->rate_count = 0;
	c->slowest = c->rate_count == 0 ? rate : fmin(c->slowest, rate);
	if (++c->rate_count < (c->sustained > 0 ? RATES_FASTER : RATES_AT_FIRST))
		return;
	if (is_rate_of_all(c, now, c->slowest))
		c->sustained = c->slowest;
	c->rate_count = 0;
}

static void learn(struct counter *c, const struct counter_reading *r)
{
	const struct counter_mark was = c->marks[COUNTER_SEEN];
	move(c, &c->marks[COUNTER_SEEN], r);
	if (is_equal(c, r, &was.reading)) {
		c->was_unchanged = true;
	} else if (is_below(c, r, &was.reading)) {
		c->falls++;
		c->rate_count = 0;
		c->change_known = c->was_unchanged = false;
	} else {
		double joules = forward(c, &was.reading, r);
		c->falls = 0;
		learn_interval(c, was.since_ns, r->time_ns, joules);
		learn_rate(c, r, joules, (double)(r->time_ns - was.since_ns) / NS_PER_S);
	}
}

static struct counter_step begin(struct counter *c, const struct counter_reading *r)
{
	c->started = true;
	c->marks[COUNTER_LAST] = (struct counter_mark){ *r, r->time_ns - FIRST_SHOWN_NS };
	c->marks[COUNTER_SEEN] = (struct counter_mark){ *r, r->time_ns };
	return (struct counter_step){ .event = COUNTER_FIRST, .from_ns = r->time_ns };
}

static struct counter_step step_to(
    struct counter *c, const struct counter_reading *r, enum counter_event event, double joules)
{
	struct counter_step step = { event, joules, .from_ns = c->marks[COUNTER_LAST].reading.time_ns };
	c->booked += joules;
	c->is_moved |= joules > 0;
	c->is_resumed = false;
	c->held_count = 0;
	move(c, &c->marks[COUNTER_LAST], r);
	return step;
}

/* Whether it goes on from the held reading, and lies on the same side of the last taken one. */
static bool is_of_held(const struct counter *c, const struct counter_reading *r, struct pace pace)
{
	const struct counter_reading *last = &c->marks[COUNTER_LAST].reading;
	return c->held_count > 0 && is_plausible(c, &c->marks[COUNTER_HELD_NOW], r, pace) &&
	       is_below(c, r, last) == is_below(c, &c->marks[COUNTER_HELD_ONE].reading, last);
}

/* Whether a reading is taken before another goes on from there. */
static bool is_taken(
    const struct counter *c, const struct counter_reading *r, struct pace pace, int64_t poll_ns)
{
	const struct counter_mark *last = &c->marks[COUNTER_LAST];
	const struct pace likely = { pace.usual, fmin(LIKELY_FACTOR * pace.usual, pace.most) };
	if (!is_plausible(c, last, r, likely))
		return false;
	return c->held_count == 0 ||
	       (!is_of_held(c, r, pace) && r->time_ns - last->reading.time_ns <= LIKELY_POLLS * poll_ns);
}

static struct counter_step hold(struct counter *c, const struct counter_reading *r, struct pace pace)
{
	if (is_of_held(c, r, pace)) {
		move(c, &c->marks[COUNTER_HELD_NOW], r);
		if (c->held_count < RESET_READINGS)
			c->held_count++;
	} else {
		c->marks[COUNTER_HELD_ONE] = c->marks[COUNTER_HELD_NOW] =
		    (struct counter_mark){ *r, r->time_ns };
		c->held_count = 1;
	}
	return (
	    struct counter_step){ .event = COUNTER_HELD, .from_ns = c->marks[COUNTER_LAST].reading.time_ns };
}

int64_t counter_unmoved(const struct counter *c, int64_t now_ns)
{
	return c->has_before && !c->is_moved ? now_ns - c->marks[COUNTER_BEFORE].reading.time_ns : 0;
}

/* One that stands since a reset and begins anew once more was never there: where it was before the first
 * counts, and nothing is to be said before it counts. */
static struct counter_step reset_to(struct counter *c, const struct counter_reading *r)
{
	struct counter_step step = { .event = COUNTER_RESET,
		.joules = forward(c, &c->marks[COUNTER_HELD_ONE].reading, r),
		.from_ns = c->marks[COUNTER_HELD_ONE].reading.time_ns,
		.reset_from_ns = c->marks[COUNTER_LAST].reading.time_ns,
		.reset_until_ns = c->marks[COUNTER_HELD_ONE].reading.time_ns };
	const int64_t unmoved = counter_unmoved(c, r->time_ns);
	if (unmoved > 0 && unmoved < RETURN_UNMOVED_NS) {
		step.event = step.joules > 0 ? COUNTER_RESET : COUNTER_HELD;
		step.reset_from_ns = c->marks[COUNTER_BEFORE].reading.time_ns;
	} else {
		c->marks[COUNTER_BEFORE] = c->marks[COUNTER_LAST];
		c->booked = 0;
	}
	c->has_before = true;
	c->booked += step.joules;
	c->is_moved = step.joules > 0;
	c->is_resumed = false;
	c->marks[COUNTER_LAST] = c->marks[COUNTER_HELD_NOW];
	c->held_count = 0;
	return step;
}

/* What is held was seen again. It is judged by the time when it was seen first, however long it stays. */
static struct counter_step confirm(
    struct counter *c, const struct counter_reading *r, struct pace pace, const struct counter_step *held)
{
	const struct counter_mark *last = &c->marks[COUNTER_LAST], *before = &c->marks[COUNTER_BEFORE];
	if (is_plausible(c, last, &c->marks[COUNTER_HELD_ONE].reading, pace))
		return step_to(c, r, COUNTER_STEP, forward(c, &last->reading, r));
	if (is_wrap(c, r, pace))
		return step_to(c, r, COUNTER_WRAP, forward_over_end(c, &last->reading, r));
	if (is_return(c, r, pace)) {
		c->has_before = false;
		/* what was bridged may have been too much */
		return step_to(c, r, COUNTER_RETURN, fmax(forward(c, &before->reading, r) - c->booked, 0));
	}
	const bool known =
	    pace.most > 0 || r->time_ns - c->marks[COUNTER_HELD_ONE].reading.time_ns >= UNKNOWN_NS;
	return c->held_count >= RESET_READINGS && known ? reset_to(c, r) : *held;
}

struct counter_step counter_read(
    struct counter *c, struct counter_reading r, const struct counter_power *power)
{
	if (!c->started)
		return begin(c, &r);
	if (r.time_ns <= c->marks[COUNTER_SEEN].reading.time_ns)
		return (struct counter_step){ .event = COUNTER_SAME };
	const int64_t poll_ns = r.time_ns - c->marks[COUNTER_SEEN].reading.time_ns;
	c->poll_ns = poll_ns < SLACK_POLL_NS ? poll_ns : SLACK_POLL_NS;
	const unsigned falls = c->falls;
	learn(c, &r);
	const struct pace pace = pace_of(c, power);
	if (is_taken(c, &r, pace, poll_ns))
		return step_to(c, &r, COUNTER_STEP, forward(c, &c->marks[COUNTER_LAST].reading, &r));
	struct counter_step step = hold(c, &r, pace);
	if (c->falls == FALLS && falls < FALLS)
		step.event = COUNTER_BACKWARDS;
	return c->held_count >= CONFIRMED_READINGS ? confirm(c, &r, pace, &step) : step;
}

void counter_move(struct counter *c, int64_t ns)
{
	for (unsigned i = 0; i < COUNTER_MARKS; i++) {
		c->marks[i].reading.time_ns += ns;
		c->marks[i].since_ns += ns;
	}
}

void counter_forget(struct counter *c)
{
	c->started = c->has_before = c->change_known = c->was_unchanged = false;
	c->held_count = c->rate_count = 0;
}

static void save_mark(struct bytes_writer *w, const struct counter_mark *m, int64_t offset_ns)
{
	bytes_put_integer(w, m->reading.time_ns + offset_ns);
	bytes_put_integer(w, (int64_t)m->reading.raw);
	bytes_put_number(w, m->reading.number);
	bytes_put_number(w, m->reading.step);
	bytes_put_integer(w, m->since_ns + offset_ns);
}

static void load_mark(struct bytes_reader *r, struct counter_mark *m, int64_t offset_ns, int layout)
{
	m->reading.time_ns = m->since_ns = bytes_take_integer(r) - offset_ns;
	m->reading.raw = (uint64_t)bytes_take_integer(r);
	m->reading.number = bytes_take_number(r);
	if (layout == COUNTER_LAYOUT_FIRST)
		return;
	m->reading.step = bytes_take_number(r);
	m->since_ns = bytes_take_integer(r) - offset_ns;
}

void counter_save(const struct counter *c, int64_t offset_ns, struct bytes_writer *w)
{
	bytes_put_integer(w, c->started);
	bytes_put_integer(w, c->held_count);
	for (unsigned i = 0; i < COUNTER_MARKS; i++)
		save_mark(w, &c->marks[i], offset_ns);
	bytes_put_integer(w, !c->has_before ? 0 : c->is_moved ? 1 : 2);
	bytes_put_number(w, c->booked);
	bytes_put_integer(w, c->rate_count);
	bytes_put_number(w, c->slowest);
	bytes_put_number(w, c->sustained);
	bytes_put_integer(w, c->change_known);
	bytes_put_integer(w, c->was_unchanged);
	bytes_put_integer(w, c->interval_count);
	for (unsigned i = 0; i < COUNTER_RATES; i++)
		bytes_put_integer(w, c->intervals[i]);
	bytes_put_integer(w, c->unchanged_ns);
}

void counter_load(struct counter *c, int64_t offset_ns, int layout, struct bytes_reader *r)
{
	c->is_resumed = c->started = bytes_take_within(r, 0, 1);
	c->held_count = (unsigned)bytes_take_within(r, 0, RESET_READINGS);
	if (layout == COUNTER_LAYOUT_FIRST) {
		load_mark(r, &c->marks[COUNTER_LAST], offset_ns, layout);
		load_mark(r, &c->marks[COUNTER_HELD_ONE], offset_ns, layout);
		c->marks[COUNTER_SEEN] = c->marks[COUNTER_LAST];
		c->held_count = 0; /* comes again, if it was true */
		return;
	}
	for (unsigned i = 0; i < COUNTER_MARKS; i++)
		load_mark(r, &c->marks[i], offset_ns, layout);
	const int64_t before = bytes_take_within(r, 0, 2);
	c->has_before = before != 0;
	c->is_moved = before != 2;
	c->booked = bytes_take_number(r);
	c->rate_count = (unsigned)bytes_take_within(r, 0, RATES_FASTER);
	c->slowest = bytes_take_number(r);
	c->sustained = bytes_take_number(r);
	c->change_known = bytes_take_within(r, 0, 1);
	c->was_unchanged = bytes_take_within(r, 0, 1);
	c->interval_count = (unsigned)bytes_take_within(r, 0, COUNTER_RATES);
	for (unsigned i = 0; i < COUNTER_RATES; i++)
		c->intervals[i] = bytes_take_integer(r);
	c->unchanged_ns = bytes_take_integer(r);
}
