#include "daemon/control/counter.h"

#include "drivers/os/clock.h"

#include <math.h>

/* A meter's step and the moment of the reading are not in phase: two quanta more than the power allows are
 * plausible. */
#define SLACK_QUANTA 2
/* Readings that show a drop before it is believed. */
#define WRAP_READINGS 2
#define RESET_READINGS 3

static bool is_below(
    const struct counter *c, const struct counter_reading *a, const struct counter_reading *b)
{
	if (c->type.width == 0)
		return a->number < b->number;
	return c->type.is_signed ? (int64_t)a->raw < (int64_t)b->raw : a->raw < b->raw;
}

static double forward(
    const struct counter *c, const struct counter_reading *from, const struct counter_reading *to)
{
	double units = c->type.width == 0 ? to->number - from->number : (double)(to->raw - from->raw);
	return units * c->type.joules;
}

/* The difference modulo 2^width, in joules. */
static double forward_modulo(
    const struct counter *c, const struct counter_reading *from, const struct counter_reading *to)
{
	uint64_t mask = c->type.width >= 64 ? UINT64_MAX : (UINT64_C(1) << c->type.width) - 1;
	return (double)((to->raw - from->raw) & mask) * c->type.joules;
}

double counter_quantum(const struct counter *c)
{
	if (c->type.width > 0)
		return fabs(c->type.joules);
	if (!c->started || c->last.number == 0)
		return 0;
	/* one unit in the last place */
	return ldexp(1, ilogb(c->last.number) + 1 - (int)c->type.mantissa) * fabs(c->type.joules);
}

static bool is_wrap(const struct counter *c, double max_watts)
{
	if (c->type.width == 0)
		return false;
	double seconds = (double)(c->held.time_ns - c->last.time_ns) / NS_PER_S;
	return forward_modulo(c, &c->last, &c->held) <=
	       max_watts * seconds + SLACK_QUANTA * counter_quantum(c);
}

/* A drop is seen again. */
static struct counter_step confirm_drop(struct counter *c, struct counter_reading r, double max_watts)
{
	struct counter_step step = { .from_ns = c->last.time_ns };
	bool wrap = is_wrap(c, max_watts);
	if (++c->held_count < (wrap ? WRAP_READINGS : RESET_READINGS)) {
		step.event = COUNTER_HELD;
		return step;
	}
	if (wrap) {
		step.event = COUNTER_WRAP;
		step.joules = forward_modulo(c, &c->last, &r);
	} else {
		step.event = COUNTER_RESET;
		step.reset_from_ns = c->last.time_ns;
		step.reset_until_ns = step.from_ns = c->held.time_ns;
		step.joules = forward(c, &c->held, &r);
	}
	c->held_count = 0;
	c->last = r;
	return step;
}

/* More than the meter could have counted since the last step, as far as its power is known. */
static bool is_jump(const struct counter *c, const struct counter_reading *r, double max_watts)
{
	double seconds = (double)(r->time_ns - c->last.time_ns) / NS_PER_S;
	return max_watts > 0 &&
	       forward(c, &c->last, r) > max_watts * seconds + SLACK_QUANTA * counter_quantum(c);
}

static struct counter_step hold(struct counter *c, struct counter_reading r)
{
	c->held_count = 1;
	c->held = r;
	return (struct counter_step){ .event = COUNTER_HELD, .from_ns = c->last.time_ns };
}

static struct counter_step step_up(struct counter *c, struct counter_reading r)
{
	struct counter_step step = { COUNTER_STEP, forward(c, &c->last, &r), .from_ns = c->last.time_ns };
	c->held_count = 0;
	c->last = r;
	return step;
}

struct counter_step counter_read(struct counter *c, struct counter_reading r, double max_watts)
{
	if (!c->started) {
		c->started = true;
		c->last = r;
		return (struct counter_step){ .event = COUNTER_FIRST, .from_ns = r.time_ns };
	}
	bool held_low = c->held_count > 0 && is_below(c, &c->held, &c->last),
	     held_high = c->held_count > 0 && !held_low;
	if (is_below(c, &r, &c->last))
		return held_low && !is_below(c, &r, &c->held) ? confirm_drop(c, r, max_watts) : hold(c, r);
	if (is_jump(c, &r, max_watts) && !(held_high && !is_below(c, &r, &c->held)))
		return hold(c, r);
	return step_up(c, r);
}
