#include "drivers/modbus/refusals.h"

#include "drivers/os/log.h"

/* A refusal is one for ever from so many in a row on; what is asked once has no more of them. */
#define FOR_EVER 3

static bool is_refused(const struct poll_block *b)
{
	return b->trial.failures > 0 && b->trial.exception > 0;
}

/* The exception of a device that gave nothing in this cycle and refuses all that it can be asked; 0 = it does
 * not. What is never answered does not count; blocks of another rhythm do until a look at them was in vain.
 */
static int refuses_all(const struct device *d)
{
	int exception = 0;
	for (size_t i = 0; i < d->plan.block_count; i++) {
		const struct poll_block *b = &d->plan.blocks[i];
		if (is_refused(b))
			exception = b->trial.exception;
		else if (b->trial.failures == 0 && (b->rhythm == d->cycle.rhythm || !d->cycle.looked))
			return 0;
	}
	return d->read_ns < d->cycle.begin_ns ? exception : 0;
}

static void tell_all(struct device *d, int exception)
{
	const struct device_config *c = d->config;
	d->refusals.all = true;
	log_event(LOG_WARNING,
	    (struct log_fields){ .message_id = LOG_ID_DEVICE_REFUSES, .bus = c->bus_name, .device = c->name },
	    "device %s on bus %s refuses everything with exception %d (%s): is %lld its unit id, and does "
	    "its "
	    "profile count registers from 0 (40001 in a manual is holding:0)?",
	    c->name, c->bus_name, exception, modbus_exception_word(exception), (long long)c->unit);
}

/* Whether all refusals of the cycle's rhythm are known for what they are: of points that are refused for
 * ever. */
static bool is_settled(const struct device *d)
{
	for (size_t i = 0; i < d->plan.block_count; i++) {
		const struct poll_block *b = &d->plan.blocks[i];
		bool last = b->rhythm == RHYTHM_ONCE || b->trial.failures >= FOR_EVER;
		if (b->rhythm == d->cycle.rhythm && is_refused(b) &&
		    (!last || poll_plan_can_split(b, d->config->points)))
			return false;
	}
	return true;
}

static bool is_told(const struct refusals *r, uint32_t point)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->points[i] == point)
			return true;
	return false;
}

/* False when there is no room to say it. */
static bool tell_point(struct device *d, uint32_t point, int exception)
{
	const struct device_config *c = d->config;
	const struct point *p = &c->points[point];
	struct refusals *r = &d->refusals;
	if (is_told(r, point))
		return true;
	if (r->count == REFUSALS_TOLD_MAX)
		return false;
	r->points[r->count++] = point;
	log_event(LOG_WARNING,
	    (struct log_fields){ .message_id = LOG_ID_DEVICE_REFUSES,
		.bus = c->bus_name,
		.device = c->name,
		.point = p->name },
	    "device %s on bus %s refuses %s (%s:%u) with exception %d (%s)", c->name, c->bus_name, p->name,
	    point_table_word(p->reg.table), p->reg.address, exception, modbus_exception_word(exception));
	return true;
}

static void tell_points(struct device *d)
{
	size_t more = 0;
	for (size_t i = 0; i < d->plan.block_count; i++) {
		const struct poll_block *b = &d->plan.blocks[i];
		if (b->rhythm != d->cycle.rhythm || !is_refused(b))
			continue;
		for (size_t k = 0; k < b->point_count; k++)
			more += !tell_point(d, b->points[k], b->trial.exception);
	}
	if (more == 0 || d->refusals.more_told)
		return;
	d->refusals.more_told = true;
	log_event(LOG_WARNING,
	    (struct log_fields){
		.message_id = LOG_ID_DEVICE_REFUSES, .bus = d->config->bus_name, .device = d->config->name },
	    "device %s on bus %s refuses these and %zu more", d->config->name, d->config->bus_name, more);
}

void refusals_tell(struct device *d)
{
	int exception = d->refusals.all ? 0 : refuses_all(d);
	if (exception > 0)
		tell_all(d, exception);
	else if (!d->refusals.all && is_settled(d))
		tell_points(d);
}

void refusals_end(struct device *d)
{
	if (!d->refusals.all)
		return;
	d->refusals.all = false;
	log_event(LOG_NOTICE,
	    (struct log_fields){
		.message_id = LOG_ID_DEVICE_REFUSES, .bus = d->config->bus_name, .device = d->config->name },
	    "device %s on bus %s does not refuse everything any more", d->config->name, d->config->bus_name);
}
