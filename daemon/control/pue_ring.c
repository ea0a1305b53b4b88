#include "daemon/control/pue_ring.h"

#include "daemon/control/counter.h"

#include <stdlib.h>

bool pue_ring_init(struct pue_ring *r, int64_t seconds, int64_t step_s)
{
	int64_t bucket_s = pue_window_bucket(seconds);
	*r = (struct pue_ring){
		.seconds = seconds, .step_s = step_s, .bucket_s = bucket_s > step_s ? bucket_s : step_s
	};
	r->bucket_count = seconds / r->bucket_s;
	r->buckets = calloc((size_t)r->bucket_count + 1, sizeof(r->buckets[0]));
	return r->buckets != NULL;
}

void pue_ring_deinit(struct pue_ring *r)
{
	free(r->buckets);
	r->buckets = NULL;
}

static int64_t key_of(const struct pue_ring *r, int64_t cell)
{
	return cell * r->step_s / r->bucket_s;
}

static struct pue_bucket *bucket_of(struct pue_ring *r, int64_t key)
{
	return &r->buckets[key % (r->bucket_count + 1)];
}

/* The bucket of a key, made anew when it is of a time before it; NULL when a later one, of the window that
 * ends at a cell, has taken its place. */
static struct pue_bucket *bucket_for(struct pue_ring *r, int64_t key, int64_t until)
{
	struct pue_bucket *b = bucket_of(r, key);
	if (b->key == key)
		return b;
	if (b->key > key && b->key <= key_of(r, until))
		return NULL;
	*b = (struct pue_bucket){ .key = key };
	return b;
}

static int64_t part(int64_t whole, int64_t from, int64_t until, int64_t count)
{
	return (int64_t)((__int128)whole * until / count) - (int64_t)((__int128)whole * from / count);
}

/* Of the cells those from `at` to before `end`, counted from their first. */
static struct pue_cells piece_of(const struct pue_cells *c, int64_t at, int64_t end)
{
	struct pue_cells piece = *c;
	piece.cell += at;
	piece.count = end - at;
	for (unsigned i = 0; i < PUE_ROLE_COUNT; i++)
		piece.millijoules[i] = part(c->millijoules[i], at, end, c->count);
	piece.suspect = part(c->suspect, at, end, c->count);
	return piece;
}

static void add_to_bucket(struct pue_bucket *b, const struct pue_cells *c)
{
	const int32_t n = (int32_t)c->count, time = c->is_supplement ? 0 : n;
	for (unsigned i = 0; i < PUE_ROLE_COUNT; i++) {
		b->millijoules[i] += c->is_supplement && !c->known[i] ? 0 : c->millijoules[i];
		b->role_known[i] += c->known[i] * n;
	}
	b->known += time;
	b->good += c->good * time;
	b->suspect += c->is_supplement ? 0 : c->suspect;
}

void pue_ring_add(struct pue_ring *r, const struct pue_cells *c, int64_t until)
{
	const int64_t bucket = r->bucket_s / r->step_s;
	int64_t at = 0;
	if (c->count > 1) {
		int64_t oldest = (key_of(r, until) - r->bucket_count) * bucket;
		at = oldest > c->cell ? oldest - c->cell : 0;
	}
	while (at < c->count) {
		int64_t key = key_of(r, c->cell + at), edge = (key + 1) * bucket - c->cell;
		int64_t end = edge < c->count ? edge : c->count;
		struct pue_bucket *b = bucket_for(r, key, until);
		if (b && end - at == c->count) {
			add_to_bucket(b, c);
		} else if (b) {
			const struct pue_cells piece = piece_of(c, at, end);
			add_to_bucket(b, &piece);
		}
		at = end;
	}
}

void pue_ring_drop_from(struct pue_ring *r, int64_t cell)
{
	for (int64_t i = 0; i <= r->bucket_count; i++)
		if (r->buckets[i].key >= key_of(r, cell))
			r->buckets[i] = (struct pue_bucket){ 0 };
}

int64_t pue_ring_edge(const struct pue_ring *r, int64_t cell, int64_t until)
{
	int64_t bucket = r->bucket_s / r->step_s;
	int64_t reach = until - (r->bucket_count + 1) * bucket, edge = (cell / bucket + 1) * bucket;
	return edge < reach ? reach : edge; /* what is out of the window goes in one piece */
}

struct pue_energies pue_ring_sum(const struct pue_ring *r, int64_t until)
{
	int64_t end = key_of(r, until), start = end - r->bucket_count;
	const int64_t whole = r->bucket_s / r->step_s;
	struct pue_energies sum = { .start_s = start * r->bucket_s, .end_s = end * r->bucket_s };
	for (int64_t i = 0; i <= r->bucket_count; i++) {
		const struct pue_bucket *b = &r->buckets[i];
		if (b->key < start || b->key >= end)
			continue;
		sum.good += b->good < whole ? b->good : whole;
		sum.suspect_joules += (double)b->suspect / 1000;
		sum.known += b->known < whole ? b->known : whole;
		for (unsigned k = 0; k < PUE_ROLE_COUNT; k++) {
			sum.joules[k] += (double)b->millijoules[k] / 1000;
			sum.role_known[k] += b->role_known[k] < whole ? b->role_known[k] : whole;
		}
	}
	return sum;
}

static void save_bucket(struct bytes_writer *w, const struct pue_bucket *b)
{
	bytes_put_integer(w, b->key);
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++) {
		bytes_put_integer(w, b->millijoules[r]);
		bytes_put_integer(w, b->role_known[r]);
	}
	bytes_put_integer(w, b->known);
	bytes_put_integer(w, b->good);
	bytes_put_integer(w, b->suspect);
}

static struct pue_bucket load_bucket(int layout, struct bytes_reader *r)
{
	struct pue_bucket b = { .key = bytes_take_integer(r) };
	for (unsigned i = 0; i < PUE_ROLE_COUNT; i++) {
		b.millijoules[i] = bytes_take_integer(r);
		b.role_known[i] = (int32_t)bytes_take_within(r, 0, INT32_MAX);
	}
	b.known = (int32_t)bytes_take_within(r, 0, INT32_MAX);
	b.good = (int32_t)bytes_take_within(r, 0, INT32_MAX);
	if (layout == COUNTER_LAYOUT_CELLS)
		(void)bytes_take_integer(r); /* how many cells were suspect */
	else if (layout == COUNTER_LAYOUT)
		b.suspect = bytes_take_integer(r);
	return b;
}

void pue_ring_save(const struct pue_ring *r, struct bytes_writer *w)
{
	bytes_put_integer(w, r->seconds);
	for (int64_t i = 0; i <= r->bucket_count; i++)
		if (r->buckets[i].known > 0)
			save_bucket(w, &r->buckets[i]);
	bytes_put_integer(w, 0); /* no bucket has this key */
}

void pue_ring_load(struct pue_ring *r, int layout, struct bytes_reader *from)
{
	while (!from->bad) {
		const uint8_t *at = from->at;
		int64_t key = bytes_take_integer(from);
		if (key <= 0) {
			from->bad |= key < 0;
			return;
		}
		from->at = at;
		*bucket_of(r, key) = load_bucket(layout, from);
	}
}

void pue_ring_take(struct pue_ring *r, struct pue_ring *from)
{
	struct pue_bucket *was = r->buckets;
	r->buckets = from->buckets;
	from->buckets = was;
	for (int64_t i = 0; i <= r->bucket_count && from->step_s != r->step_s; i++) {
		struct pue_bucket *b = &r->buckets[i];
		b->known = (int32_t)(b->known * from->step_s / r->step_s);
		b->good = (int32_t)(b->good * from->step_s / r->step_s);
		for (unsigned k = 0; k < PUE_ROLE_COUNT; k++)
			b->role_known[k] = (int32_t)(b->role_known[k] * from->step_s / r->step_s);
	}
}
