/* What the control loop keeps over a restart, as bytes. */
#include "daemon/live/live_private.h"

#include <errno.h>
#include <string.h>

/* The version of what follows in the bytes: a new one for each change of what is saved. */
#define STATE_VERSION 3

static void put_entry(
    struct bytes_writer *w, const char *name, uint64_t fingerprint, struct bytes_writer *block)
{
	bytes_put_text(w, name);
	bytes_put_integer(w, (int64_t)fingerprint);
	bytes_put_block(w, block);
	bytes_writer_deinit(block);
}

void live_save(const struct live *l, int64_t offset_ns, struct bytes_writer *w)
{
	bytes_put_integer(w, STATE_VERSION);
	bytes_put_integer(w, (int64_t)l->config->pue_count);
	for (size_t i = 0; i < l->config->pue_count; i++) {
		struct bytes_writer block = { 0 };
		pue_save(l->pues[i].pue, &block);
		put_entry(w, l->pues[i].config->name, l->pues[i].config->fingerprint, &block);
	}
	bytes_put_integer(w, (int64_t)l->config->loop_count);
	for (size_t i = 0; i < l->config->loop_count; i++) {
		struct bytes_writer block = { 0 };
		live_loop_save(&l->loops[i], &block);
		put_entry(w, l->loops[i].config->name, l->loops[i].config->learning_fingerprint, &block);
	}
	bytes_put_integer(w, (int64_t)l->config->alarm_count);
	for (size_t i = 0; i < l->config->alarm_count; i++) {
		struct bytes_writer block = { 0 };
		alarm_save(&l->alarms[i], offset_ns, &block);
		put_entry(w, l->alarms[i].config->name, l->alarms[i].config->fingerprint, &block);
	}
}

/* What a loader is given beside the bytes. */
struct load {
	struct live *live;
	const char *name;
	uint64_t fingerprint;
	const struct wall_clock *clock;
	const struct live_loaded *to;
};

/* Loads into a new figure, so that bytes that turn out to be bad leave nothing behind. */
static bool load_pue(const struct load *from, struct bytes_reader *block)
{
	struct live *l = from->live;
	for (size_t i = 0; i < l->config->pue_count; i++) {
		struct live_pue *p = &l->pues[i], fresh = { 0 };
		if (strcmp(p->config->name, from->name) != 0 || p->config->fingerprint != from->fingerprint)
			continue;
		bool good = live_pue_init(&fresh, l->config, p->config) &&
			    pue_load(fresh.pue, block, from->clock) == 0;
		if (good) {
			pue_free(p->pue);
			p->pue = fresh.pue;
			fresh.pue = NULL;
		}
		live_pue_deinit(&fresh);
		return good;
	}
	return false;
}

static bool load_loop(const struct load *from, struct bytes_reader *block)
{
	struct live_loop *l = live_loop_find(from->live, from->name);
	return l && l->config->learning_fingerprint == from->fingerprint && live_loop_load(l, block);
}

static bool load_alarm(const struct load *from, struct bytes_reader *block)
{
	struct live *l = from->live;
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

int live_load(struct live *l, struct bytes_reader *r, const struct wall_clock *clock, struct live_loaded *ret)
{
	/* in the order in which they are saved */
	static bool (*const loaders[])(
	    const struct load *from, struct bytes_reader *block) = { load_pue, load_loop, load_alarm };
	ret->taken = 0;
	if (bytes_take_integer(r) != STATE_VERSION)
		return -EBADMSG;
	for (size_t kind = 0; kind < sizeof(loaders) / sizeof(loaders[0]); kind++) {
		for (int64_t n = bytes_take_within(r, 0, INT64_MAX); n > 0 && !r->bad; n--) {
			char name[BYTES_TEXT_MAX];
			bytes_take_text(r, name);
			uint64_t fingerprint = (uint64_t)bytes_take_integer(r);
			struct bytes_reader block = bytes_take_block(r);
			struct load from = { l, name, fingerprint, clock, ret };
			ret->taken += loaders[kind](&from, &block);
		}
	}
	return r->bad ? -EBADMSG : 0;
}
