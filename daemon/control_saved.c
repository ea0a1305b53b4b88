/* What the control loop keeps over a restart, as bytes. */
#include "control_loop_private.h"

#include <errno.h>
#include <string.h>

/* The version of what follows in the bytes: a new one for each change of what is saved. */
#define STATE_VERSION 3

static void put_entry(
    struct state_writer *w, const char *name, uint64_t fingerprint, struct state_writer *block)
{
	state_put_text(w, name);
	state_put_integer(w, (int64_t)fingerprint);
	state_put_block(w, block);
	state_writer_deinit(block);
}

void control_loop_save(const struct control_loop *l, int64_t offset_ns, struct state_writer *w)
{
	state_put_integer(w, STATE_VERSION);
	state_put_integer(w, (int64_t)l->config->pue_count);
	for (size_t i = 0; i < l->config->pue_count; i++) {
		struct state_writer block = { 0 };
		pue_save(l->pues[i].pue, &block);
		put_entry(w, l->pues[i].config->name, l->pues[i].fingerprint, &block);
	}
	state_put_integer(w, (int64_t)l->config->loop_count);
	for (size_t i = 0; i < l->config->loop_count; i++) {
		struct state_writer block = { 0 };
		control_coolant_save(&l->loops[i], &block);
		put_entry(w, l->loops[i].config->name, l->loops[i].fingerprint, &block);
	}
	state_put_integer(w, (int64_t)l->config->alarm_count);
	for (size_t i = 0; i < l->config->alarm_count; i++) {
		struct state_writer block = { 0 };
		alarm_save(&l->alarms[i], offset_ns, &block);
		put_entry(w, l->alarms[i].config->name, l->alarms[i].config->fingerprint, &block);
	}
}

/* What a loader is given beside the bytes. */
struct load {
	struct control_loop *control;
	const char *name;
	uint64_t fingerprint;
	const struct state_clock *clock;
	const struct control_loaded *to;
};

/* Loads into a new figure, so that bytes that turn out to be bad leave nothing behind. */
static bool load_pue(const struct load *from, struct state_reader *block)
{
	struct control_loop *l = from->control;
	for (size_t i = 0; i < l->config->pue_count; i++) {
		struct control_pue *p = &l->pues[i], fresh = { 0 };
		if (strcmp(p->config->name, from->name) != 0 || p->fingerprint != from->fingerprint)
			continue;
		bool good = control_pue_init(&fresh, l->config, p->config) &&
			    pue_load(fresh.pue, block, from->clock) == 0;
		if (good) {
			pue_free(p->pue);
			p->pue = fresh.pue;
			fresh.pue = NULL;
		}
		control_pue_deinit(&fresh);
		return good;
	}
	return false;
}

static bool load_loop(const struct load *from, struct state_reader *block)
{
	struct control_coolant *l = control_loop_find(from->control, from->name);
	return l && l->fingerprint == from->fingerprint && control_coolant_load(l, block);
}

static bool load_alarm(const struct load *from, struct state_reader *block)
{
	struct control_loop *l = from->control;
	size_t i = config_find_alarm(l->config, from->name);
	if (i == SIZE_MAX) {
		from->to->alarm_gone(from->name, from->to->user);
		return false;
	}
	if (l->config->alarms[i].fingerprint != from->fingerprint)
		return false;
	alarm_load(&l->alarms[i], from->clock, block);
	return !block->bad;
}

int control_loop_load(struct control_loop *l, struct state_reader *r, const struct state_clock *clock,
    struct control_loaded *ret)
{
	/* in the order in which they are saved */
	static bool (*const loaders[])(
	    const struct load *from, struct state_reader *block) = { load_pue, load_loop, load_alarm };
	ret->taken = 0;
	if (state_take_integer(r) != STATE_VERSION)
		return -EBADMSG;
	for (size_t kind = 0; kind < sizeof(loaders) / sizeof(loaders[0]); kind++) {
		for (int64_t n = state_take_within(r, 0, INT64_MAX); n > 0 && !r->bad; n--) {
			char name[STATE_TEXT_MAX];
			state_take_text(r, name);
			uint64_t fingerprint = (uint64_t)state_take_integer(r);
			struct state_reader block = state_take_block(r);
			struct load from = { l, name, fingerprint, clock, ret };
			ret->taken += loaders[kind](&from, &block);
		}
	}
	return r->bad ? -EBADMSG : 0;
}
