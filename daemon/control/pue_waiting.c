#include "daemon/control/pue_waiting.h"

#include "drivers/os/clock.h"

#include <stdlib.h>
#include <string.h>

/* As many slots as hold a day of hours with any number of meters, and four hours of minutes with few. */
#define SLOTS_MAX 256
#define SLOTS_MIN 32
#define PARTS_MAX 16384

static const int64_t grains[] = { 60, 300, 900, 1800, 3600, 7200, 21600, 43200, 86400 };
enum { GRAINS = sizeof(grains) / sizeof(grains[0]) };

void pue_waiting_init(struct pue_waiting *w, size_t meter_count)
{
	size_t room = PARTS_MAX / (meter_count + 1);
	room = room > SLOTS_MAX ? SLOTS_MAX : room < SLOTS_MIN ? SLOTS_MIN : room;
	*w = (struct pue_waiting){ .room = room, .meter_count = meter_count, .grain_s = grains[0] };
}

void pue_waiting_deinit(struct pue_waiting *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->slots[i].parts);
	free(w->slots);
	*w = (struct pue_waiting){ 0 };
}

void pue_waiting_remove(struct pue_waiting *w, size_t slot)
{
	free(w->slots[slot].parts);
	w->count--;
	memmove(&w->slots[slot], &w->slots[slot + 1], (w->count - slot) * sizeof(w->slots[0]));
	if (w->count > 0)
		return;
	free(w->slots);
	w->slots = NULL;
	w->allocated = 0;
	w->grain_s = grains[0];
}

static int64_t grain_of(const struct pue_waiting *w, int64_t cell)
{
	return cell / w->grain_s;
}

static void add_parts(const struct pue_waiting *w, struct meter_cell *to, const struct meter_cell *from)
{
	for (size_t i = 0; i < w->meter_count; i++) {
		to[i].millijoules += from[i].millijoules;
		to[i].known_ns += from[i].known_ns;
		to[i].good_ns += from[i].good_ns;
	}
}

/* Whether `next` is the time behind `s`, in the same grain. */
static bool goes_on(
    const struct pue_waiting *w, const struct waiting_slot *s, const struct waiting_slot *next)
{
	return s->cell + s->count == next->cell && s->missing == next->missing &&
	       grain_of(w, s->cell) == grain_of(w, next->cell + next->count - 1);
}

static void merge(struct pue_waiting *w)
{
	for (size_t i = 0; i + 1 < w->count;) {
		if (!goes_on(w, &w->slots[i], &w->slots[i + 1])) {
			i++;
			continue;
		}
		add_parts(w, w->slots[i].parts, w->slots[i + 1].parts);
		w->slots[i].count += w->slots[i + 1].count;
		pue_waiting_remove(w, i + 1);
	}
}

/* Longer slots, until there is room; without any, the oldest goes. */
static void make_room(struct pue_waiting *w)
{
	for (size_t i = 0; i < GRAINS && w->count == w->room; i++) {
		if (grains[i] <= w->grain_s)
			continue;
		w->grain_s = grains[i];
		merge(w);
	}
	if (w->count == w->room)
		pue_waiting_remove(w, 0);
}

/* For one more. */
static bool allocate(struct pue_waiting *w)
{
	if (w->count < w->allocated)
		return true;
	size_t n = 2 * w->allocated + 8 < w->room ? 2 * w->allocated + 8 : w->room;
	struct waiting_slot *slots = realloc(w->slots, n * sizeof(*slots));
	if (!slots)
		return false;
	w->slots = slots;
	w->allocated = n;
	return true;
}

static void add_slot(struct pue_waiting *w, const struct waiting_slot *s)
{
	if (w->count > 0 && goes_on(w, &w->slots[w->count - 1], s)) {
		add_parts(w, w->slots[w->count - 1].parts, s->parts);
		w->slots[w->count - 1].count += s->count;
		return;
	}
	if (w->count == w->room)
		make_room(w);
	struct waiting_slot new = *s;
	new.parts = malloc(w->meter_count * sizeof(new.parts[0]));
	if (!new.parts || !allocate(w)) {
		free(new.parts);
		return; /* without memory that time stays unknown */
	}
	memcpy(new.parts, s->parts, w->meter_count * sizeof(new.parts[0]));
	w->slots[w->count++] = new;
}

static int64_t share(int64_t whole, int64_t at, int64_t count)
{
	return (int64_t)((__int128)whole * at / count);
}

void pue_waiting_add(struct pue_waiting *w, const struct waiting_slot *cells)
{
	/* a long time is more than there are slots for */
	const int64_t grain_s = w->grain_s;
	for (size_t i = 0; i < GRAINS && cells->count / w->grain_s > (int64_t)w->room / 2; i++)
		w->grain_s = grains[i] > w->grain_s ? grains[i] : w->grain_s;
	if (w->grain_s != grain_s)
		merge(w);
	struct meter_cell *parts = calloc(w->meter_count, sizeof(*parts));
	struct waiting_slot piece = *cells;
	for (int64_t at = 0; parts && at < cells->count; at += piece.count) {
		piece.cell = cells->cell + at;
		int64_t edge = (grain_of(w, piece.cell) + 1) * w->grain_s - cells->cell;
		int64_t end = edge < cells->count ? edge : cells->count;
		piece.count = end - at;
		piece.parts = parts;
		for (size_t i = 0; i < w->meter_count; i++) {
			const struct meter_cell *c = &cells->parts[i];
			parts[i] = (struct meter_cell){
				share(c->millijoules, end, cells->count) -
				    share(c->millijoules, at, cells->count),
				share(c->known_ns, end, cells->count) - share(c->known_ns, at, cells->count),
				share(c->good_ns, end, cells->count) - share(c->good_ns, at, cells->count),
			};
		}
		add_slot(w, &piece);
	}
	free(parts);
}

int64_t pue_waiting_fill(
    struct pue_waiting *w, size_t meter, const struct meter *m, const struct pue_sink *to)
{
	int64_t taken = 0;
	for (size_t i = 0; i < w->count; i++) {
		struct waiting_slot *s = &w->slots[i];
		struct meter_cell c = meter_early(m, s->cell * NS_PER_S, (s->cell + s->count) * NS_PER_S);
		/* one that is counted already has all that was to come */
		if (s->parts[meter].known_ns + c.known_ns > s->count * NS_PER_S)
			continue;
		s->parts[meter].millijoules += c.millijoules;
		s->parts[meter].known_ns += c.known_ns;
		s->parts[meter].good_ns += c.good_ns;
		taken += c.millijoules;
		if (to->meter && c.known_ns > 0)
			to->meter(to->user, to->pue, meter, s->cell, s->count, &c);
	}
	return taken;
}

void pue_waiting_cut(struct pue_waiting *w, int64_t cell)
{
	while (w->count > 0) {
		struct waiting_slot *last = &w->slots[w->count - 1];
		int64_t beyond = last->cell + last->count - cell;
		if (beyond <= 0)
			return;
		if (beyond >= last->count && w->count > 1) {
			/* its energy goes to the one before, whose time is as known as it was */
			struct waiting_slot *before = &w->slots[w->count - 2];
			for (size_t i = 0; i < w->meter_count; i++)
				before->parts[i].millijoules += last->parts[i].millijoules;
			pue_waiting_remove(w, w->count - 1);
			continue;
		}
		/* without any before it, in a second that was counted already */
		const bool moves = beyond >= last->count;
		const int64_t count = moves ? 1 : last->count - beyond;
		for (size_t i = 0; i < w->meter_count; i++) {
			struct meter_cell *c = &last->parts[i];
			/* of one that fell silent it knows the beginning */
			if (moves || c->known_ns > count * NS_PER_S)
				c->known_ns = count * NS_PER_S;
			c->good_ns = c->good_ns < c->known_ns ? c->good_ns : c->known_ns;
		}
		last->cell = moves ? cell - 1 : last->cell;
		last->count = count;
		return;
	}
}

void pue_waiting_save(const struct pue_waiting *w, struct bytes_writer *to)
{
	bytes_put_integer(to, w->grain_s);
	bytes_put_integer(to, (int64_t)w->count);
	for (size_t i = 0; i < w->count; i++) {
		const struct waiting_slot *s = &w->slots[i];
		bytes_put_integer(to, s->cell);
		bytes_put_integer(to, s->count);
		bytes_put_integer(to, s->missing);
		for (size_t k = 0; k < w->meter_count; k++) {
			bytes_put_integer(to, s->parts[k].millijoules);
			bytes_put_integer(to, s->parts[k].known_ns);
			bytes_put_integer(to, s->parts[k].good_ns);
		}
	}
}

void pue_waiting_load(struct pue_waiting *w, int64_t step_s, struct bytes_reader *from)
{
	w->grain_s = bytes_take_within(from, grains[0], grains[GRAINS - 1]);
	const int64_t last = INT64_MAX / 4 / (step_s * NS_PER_S);
	int64_t count = bytes_take_within(from, 0, (int64_t)w->room);
	for (int64_t i = 0; i < count && !from->bad; i++) {
		struct waiting_slot s = { .cell = step_s * bytes_take_within(from, 0, last) };
		s.count = step_s * bytes_take_within(from, 1, last);
		s.missing = (unsigned)bytes_take_within(from, 0, INT32_MAX);
		s.parts = calloc(w->meter_count, sizeof(s.parts[0]));
		for (size_t k = 0; s.parts && k < w->meter_count; k++) {
			s.parts[k].millijoules = bytes_take_integer(from);
			s.parts[k].known_ns = bytes_take_integer(from);
			s.parts[k].good_ns = bytes_take_integer(from);
		}
		if (!s.parts || !allocate(w)) {
			free(s.parts);
			from->bad = true;
			return;
		}
		w->slots[w->count++] = s;
	}
}
