/* Sensors of the configuration as inputs of coolant loops. */
#include "control_loop_private.h"

#include <math.h>
#include <string.h>

/* What was learned stays as long as it is measured at the same points. */
static uint64_t learning_fingerprint(const struct loop_config *c)
{
	static const enum loop_input inputs[] = { LOOP_IN_FLOW, LOOP_IN_PRESSURE_DROP,
		LOOP_IN_FILTER_PRESSURE_DROP, LOOP_IN_PUMP_SPEED };
	uint64_t sum = 0;
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++)
		sum = sum * 31 + ini_text_fingerprint(c->input_names[inputs[i]]);
	return sum;
}

bool control_coolant_init(struct control_coolant *l, const struct loop_config *c)
{
	bool good = true;
	*l = (struct control_coolant){
		.config = c, .model = loop_model_of(c), .fingerprint = learning_fingerprint(c)
	};
	for (unsigned i = 0; i < LOOP_IN_COUNT; i++)
		good &= input_init(&l->inputs[i], &c->inputs[i], c->input_names[i]);
	return good;
}

void control_coolant_deinit(struct control_coolant *l)
{
	for (unsigned i = 0; i < LOOP_IN_COUNT; i++)
		input_deinit(&l->inputs[i]);
}

void control_coolant_inherit(struct control_coolant *l, struct control_loop *old)
{
	const struct control_coolant *same = control_loop_find(old, l->config->name);
	if (same && same->fingerprint == l->fingerprint)
		l->model.learned = same->model.learned;
}

void control_coolant_tick(struct control_coolant *l, struct point_table *t)
{
	for (unsigned i = 0; i < LOOP_IN_COUNT; i++)
		l->now[i] = input_figure(&l->inputs[i], t);
	loop_compute(&l->model, l->now, l->figures);
}

void control_coolant_save(const struct control_coolant *l, struct state_writer *w)
{
	const struct loop_reference *r = &l->model.learned;
	state_put_number(w, r->flow);
	state_put_number(w, r->filter_resistance);
	state_put_number(w, r->pressure);
	state_put_number(w, r->pump_speed);
}

bool control_coolant_load(struct control_coolant *l, struct state_reader *r)
{
	struct loop_reference learned;
	learned.flow = state_take_number(r);
	learned.filter_resistance = state_take_number(r);
	learned.pressure = state_take_number(r);
	learned.pump_speed = state_take_number(r);
	if (r->bad)
		return false;
	l->model.learned = learned;
	return !isnan(learned.flow);
}

struct control_coolant *control_loop_find(struct control_loop *l, const char *name)
{
	for (size_t i = 0; i < l->config->loop_count; i++)
		if (strcmp(l->loops[i].config->name, name) == 0)
			return &l->loops[i];
	return NULL;
}

const char *control_coolant_learn(struct control_coolant *l)
{
	return loop_learn(l->now, &l->model.learned);
}
