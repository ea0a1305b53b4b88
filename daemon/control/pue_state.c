/* The PUE figure as bytes, and back. */
#include "daemon/control/pue_private.h"
#include "drivers/os/clock.h"

#include <errno.h>

static void save_bucket(struct bytes_writer *w, const struct bucket *b)
{
	bytes_put_integer(w, b->key);
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++) {
		bytes_put_integer(w, b->millijoules[r]);
		bytes_put_integer(w, b->role_known[r]);
	}
	bytes_put_integer(w, b->known);
	bytes_put_integer(w, b->good);
}

static struct bucket load_bucket(struct bytes_reader *r)
{
	struct bucket b = { .key = bytes_take_integer(r) };
	for (unsigned i = 0; i < PUE_ROLE_COUNT; i++) {
		b.millijoules[i] = bytes_take_integer(r);
		b.role_known[i] = (int32_t)bytes_take_within(r, 0, INT32_MAX);
	}
	b.known = (int32_t)bytes_take_within(r, 0, INT32_MAX);
	b.good = (int32_t)bytes_take_within(r, 0, INT32_MAX);
	return b;
}

void pue_save(const struct pue *p, struct bytes_writer *w)
{
	bytes_put_integer(w, p->started);
	bytes_put_integer(w, p->next_cell);
	bytes_put_integer(w, (int64_t)p->entry_count);
	for (size_t i = 0; i < p->entry_count; i++) {
		meter_save(&p->entries[i].meter, p->next_cell, w);
		bytes_put_number(w, p->entries[i].joules);
	}
	bytes_put_integer(w, (int64_t)p->window_count);
	for (size_t i = 0; i < p->window_count; i++) {
		const struct window *win = &p->windows[i];
		bytes_put_integer(w, win->seconds);
		for (int64_t b = 0; b <= win->bucket_count; b++)
			if (win->ring[b].known > 0)
				save_bucket(w, &win->ring[b]);
		bytes_put_integer(w, 0); /* no bucket has this key */
	}
}

static void load_window(struct window *w, struct bytes_reader *r)
{
	if (bytes_take_integer(r) != w->seconds)
		r->bad = true;
	while (!r->bad) {
		const uint8_t *at = r->at;
		int64_t key = bytes_take_integer(r);
		if (key <= 0) {
			r->bad |= key < 0;
			return;
		}
		r->at = at;
		w->ring[key % (w->bucket_count + 1)] = load_bucket(r);
	}
}

int pue_load(struct pue *p, struct bytes_reader *r, const struct wall_clock *clock)
{
	const int64_t step_ns = p->step_s * NS_PER_S;
	p->started = bytes_take_within(r, 0, 1);
	p->next_cell = bytes_take_within(r, 0, INT64_MAX / step_ns);
	p->offset_ns = clock->offset_ns;
	p->restored = p->started;
	p->loaded_ns = clock->now_ns;
	p->resumed_cell = (clock->now_ns + clock->offset_ns) / step_ns;
	if (bytes_take_integer(r) != (int64_t)p->entry_count)
		r->bad = true;
	for (size_t i = 0; i < p->entry_count && !r->bad; i++) {
		meter_load(&p->entries[i].meter, clock, r);
		p->entries[i].joules = bytes_take_number(r);
	}
	if (bytes_take_integer(r) != (int64_t)p->window_count)
		r->bad = true;
	for (size_t i = 0; i < p->window_count && !r->bad; i++)
		load_window(&p->windows[i], r);
	return r->bad ? -EBADMSG : 0;
}
