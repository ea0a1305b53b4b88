/* Sensors of the configuration as inputs of coolant loops. */
#include "daemon/live/live_private.h"

#include <math.h>
#include <string.h>

bool live_loop_init(struct live_loop *l, const struct loop_config *c)
{
	bool good = true;
	*l = (struct live_loop){ .config = c, .model = loop_model_of(c) };
	for (unsigned i = 0; i < LOOP_IN_COUNT; i++)
		good &= input_init(&l->inputs[i], &c->inputs[i], c->input_names[i]);
	return good;
}

void live_loop_deinit(struct live_loop *l)
{
	for (unsigned i = 0; i < LOOP_IN_COUNT; i++)
		input_deinit(&l->inputs[i]);
}

void live_loop_inherit(struct live_loop *l, struct live *old)
{
	const struct live_loop *same = live_loop_find(old, l->config->name);
	if (same && same->config->learning_fingerprint == l->config->learning_fingerprint)
		l->model.learned = same->model.learned;
}

void live_loop_tick(struct live_loop *l, struct point_table *t)
{
	for (unsigned i = 0; i < LOOP_IN_COUNT; i++)
		l->now[i] = input_figure(&l->inputs[i], t);
	loop_compute(&l->model, l->now, l->figures);
}

void live_loop_save(const struct live_loop *l, struct bytes_writer *w)
{
	const struct loop_reference *r = &l->model.learned;
	bytes_put_number(w, r->flow);
	bytes_put_number(w, r->filter_resistance);
	bytes_put_number(w, r->pressure);
	bytes_put_number(w, r->pump_speed);
}

bool live_loop_load(struct live_loop *l, struct bytes_reader *r)
{
	struct loop_reference learned;
	learned.flow = bytes_take_number(r);
	learned.filter_resistance = bytes_take_number(r);
	learned.pressure = bytes_take_number(r);
	learned.pump_speed = bytes_take_number(r);
	if (r->bad)
		return false;
	l->model.learned = learned;
	return !isnan(learned.flow);
}

struct live_loop *live_loop_find(struct live *l, const char *name)
{
	for (size_t i = 0; i < l->config->loop_count; i++)
		if (strcmp(l->loops[i].config->name, name) == 0)
			return &l->loops[i];
	return NULL;
}

const char *live_loop_learn(struct live_loop *l)
{
	return loop_learn(l->now, &l->model.learned);
}
