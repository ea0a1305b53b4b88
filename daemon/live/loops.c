#include "daemon/live/loops.h"

#include "daemon/control/hydraulics.h"
#include "daemon/live/input.h"
#include "drivers/os/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* m3 that one step of a meter may be, of a loop whose volume is not told. */
#define MAKEUP_MOST 1.0

struct loop {
	struct loop_model model;
	struct input inputs[LOOP_IN_COUNT];
	struct figure now[LOOP_IN_COUNT];
	struct figure figures[LOOP_VALUE_COUNT];
	struct makeup *makeup; /* NULL when that is not measured */
};

struct loops {
	const struct config *config;
	struct point_table *table;
	struct loop all[]; /* as in the configuration */
};

static bool init(struct loop *l, const struct loop_config *c)
{
	bool has_makeup = loop_has_value(c, LOOP_MAKEUP_RATE);
	l->model = c->model;
	for (unsigned i = 0; i < LOOP_IN_COUNT; i++)
		l->inputs[i] = (struct input){ .config = &c->inputs[i], .name = c->input_names[i] };
	l->makeup = has_makeup ? calloc(1, sizeof(*l->makeup)) : NULL;
	return l->makeup || !has_makeup;
}

struct loops *loops_new(const struct config *c, struct point_table *table)
{
	struct loops *l = calloc(1, sizeof(*l) + c->loop_count * sizeof(l->all[0]));
	if (!l)
		return NULL;
	l->config = c;
	l->table = table;
	bool good = true;
	for (size_t i = 0; i < c->loop_count; i++)
		good &= init(&l->all[i], &c->loops[i]);
	if (good)
		return l;
	loops_free(l);
	return NULL;
}

void loops_free(struct loops *l)
{
	for (size_t i = 0; l && i < l->config->loop_count; i++)
		free(l->all[i].makeup);
	free(l);
}

/* What the loop of that name has learned, if it was learned at the same points. */
static struct loop_reference *find(struct loops *l, const char *name, uint64_t fingerprint)
{
	const struct loop_config *c = name_index_find(&l->config->loop_names, name, strlen(name));
	bool same = c && c->learning_fingerprint == fingerprint;
	return same ? &l->all[c - l->config->loops].model.learned : NULL;
}

/* What it is topped up with, if that is measured at the same point. */
static struct makeup *find_makeup(struct loops *l, const char *name, uint64_t fingerprint)
{
	const struct loop_config *c = name_index_find(&l->config->loop_names, name, strlen(name));
	bool same = c && c->makeup_fingerprint == fingerprint;
	return same ? l->all[c - l->config->loops].makeup : NULL;
}

void loops_inherit(struct loops *l, struct loops *old)
{
	for (size_t i = 0; i < l->config->loop_count; i++) {
		const struct loop_config *c = &l->config->loops[i];
		const struct loop_reference *same = find(old, c->name, c->learning_fingerprint);
		if (same)
			l->all[i].model.learned = *same;
		const struct makeup *makeup = find_makeup(old, c->name, c->makeup_fingerprint);
		if (makeup && l->all[i].makeup)
			*l->all[i].makeup = *makeup;
	}
}

/* As long as three polls of its slowest point: a gap in a flow that is longer is not bridged. */
static int64_t gap_of(const struct config *c, const struct point_source *s)
{
	int64_t longest = c->daemon->control_interval;
	for (size_t i = 0; i < s->count; i++) {
		const struct device_config *d = &c->devices[s->refs[i].device];
		int64_t one = device_point_interval(d, reference_get(c, s->refs[i]));
		longest = one > longest ? one : longest;
	}
	return 3 * longest;
}

static struct figure follow_makeup(const struct loops *l, struct loop *loop, const struct loop_config *c)
{
	const struct figure *flow = &loop->now[LOOP_IN_MAKEUP_FLOW],
			    *volume = &loop->now[LOOP_IN_MAKEUP_VOLUME];
	const struct point_source *flow_at = &c->inputs[LOOP_IN_MAKEUP_FLOW],
				  *volume_at = &c->inputs[LOOP_IN_MAKEUP_VOLUME];
	double most = isnan(c->model.system_volume) ? MAKEUP_MOST : c->model.system_volume / 1e3;
	if (quality_has_value(flow->quality) && flow->value >= 0)
		makeup_see_flow(
		    loop->makeup, flow->value, input_time(flow_at, l->table), gap_of(l->config, flow_at));
	if (quality_has_value(volume->quality))
		makeup_see_volume(loop->makeup, volume->value, input_time(volume_at, l->table), most);
	return makeup_rate(loop->makeup, clock_boottime());
}

static void read_inputs(const struct loops *l, struct loop *loop, struct figure now[LOOP_IN_COUNT])
{
	for (unsigned k = 0; k < LOOP_IN_COUNT; k++)
		now[k] = input_figure(&loop->inputs[k], l->table);
	now[LOOP_IN_PUMP_SPEED].value /= loop->model.nominal_speed;
}

void loops_look(struct loops *l, size_t i, struct loop_look *ret)
{
	struct loop *loop = &l->all[i];
	*ret = (struct loop_look){ .model = &loop->model, .makeup = loop->makeup };
	read_inputs(l, loop, ret->inputs);
	loop_compute(&loop->model, ret->inputs, ret->figures);
	ret->figures[LOOP_MAKEUP_RATE] = loop->figures[LOOP_MAKEUP_RATE];
}

struct figure loops_heat(struct loops *l, size_t i)
{
	struct loop_look now;
	loops_look(l, i, &now);
	return now.figures[LOOP_HEAT];
}

void loops_tick(struct loops *l)
{
	for (size_t i = 0; i < l->config->loop_count; i++) {
		struct loop *loop = &l->all[i];
		read_inputs(l, loop, loop->now);
		loop_compute(&loop->model, loop->now, loop->figures);
		loop->figures[LOOP_MAKEUP_RATE] = loop->makeup ? follow_makeup(l, loop, &l->config->loops[i])
							       : figure_invalid("not configured");
	}
}

const struct figure *loops_figures(const struct loops *l, size_t i)
{
	return l->all[i].figures;
}

bool loops_is_idle(const struct loops *l, size_t i)
{
	const struct figure *it = &l->all[i].now[LOOP_IN_IT_POWER];
	return l->config->loops[i].inputs[LOOP_IN_IT_POWER].count > 0 && quality_has_value(it->quality) &&
	       it->value < LOOP_IDLE_WATTS;
}

static bool is_heard(const struct point_table *t, const struct point_source *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct table_point *p = point_table_at(t, s->refs[i]);
		if (p->updates == 0 && p->sample.quality != QUALITY_OUT_OF_SERVICE)
			return false;
	}
	return true;
}

bool loops_is_heard(const struct loops *l, size_t i)
{
	const struct point_source *in = l->config->loops[i].inputs;
	return is_heard(l->table, &in[LOOP_IN_FLOW]) && is_heard(l->table, &in[LOOP_IN_SUPPLY]) &&
	       is_heard(l->table, &in[LOOP_IN_RETURN]);
}

const char *loops_learn(struct loops *l, size_t i, struct loop_reference *ret)
{
	const char *why = hydraulics_learn(l->all[i].now, &l->all[i].model.learned);
	*ret = l->all[i].model.learned;
	return why;
}

void loops_save(const struct loops *l, struct bytes_writer *w)
{
	for (size_t i = 0; i < l->config->loop_count; i++) {
		const struct loop_config *c = &l->config->loops[i];
		const struct loop_reference *r = &l->all[i].model.learned;
		struct bytes_writer block = { 0 };
		bytes_put_raw(&block, r, sizeof(*r)); /* numbers, one behind the other */
		bytes_put_entry(w, LOOPS_ENTRY, c->name, c->learning_fingerprint, &block);
	}
}

bool loops_load(struct loops *l, struct bytes_entry *e)
{
	struct loop_reference *to = find(l, e->name, e->fingerprint);
	const void *learned = bytes_take_raw(&e->block, sizeof(*to));
	if (!to || !learned)
		return false;
	memcpy(to, learned, sizeof(*to));
	return !isnan(to->flow);
}

void loops_save_makeup(const struct loops *l, int64_t offset_ns, struct bytes_writer *w)
{
	for (size_t i = 0; i < l->config->loop_count; i++) {
		const struct loop_config *c = &l->config->loops[i];
		struct bytes_writer block = { 0 };
		if (!l->all[i].makeup || l->all[i].makeup->read_ns == 0)
			continue;
		makeup_save(l->all[i].makeup, offset_ns, &block);
		bytes_put_entry(w, LOOPS_MAKEUP_ENTRY, c->name, c->makeup_fingerprint, &block);
	}
}

bool loops_load_makeup(struct loops *l, struct bytes_entry *e, const struct wall_clock *clock)
{
	struct makeup *to = find_makeup(l, e->name, e->fingerprint);
	if (to)
		makeup_load(to, clock, &e->block);
	return to && !e->block.bad;
}
