#include "daemon/control/pue_ring.h"

#include "daemon/control/counter.h"

#include <stdlib.h>
#include <string.h>

bool pue_ring_init(struct pue_ring *r, int64_t seconds, const bool has_role[PUE_ROLE_COUNT])
{
	*r = (struct pue_ring){ .seconds = seconds, .bucket_s = pue_window_bucket(seconds) };
	for (unsigned i = 0; i < PUE_ROLE_COUNT; i++)
		if (has_role[i])
			r->roles[r->role_count++] = i;
	r->bucket_count = seconds / r->bucket_s;
	const size_t count = (size_t)r->bucket_count + 1;
	r->buckets = calloc(count, sizeof(r->buckets[0]));
	r->shares = calloc(count * r->role_count + 1, sizeof(r->shares[0]));
	return r->buckets && r->shares;
}

void pue_ring_deinit(struct pue_ring *r)
{
	free(r->buckets);
	free(r->shares);
	r->buckets = NULL;
	r->shares = NULL;
}

static int64_t key_of(const struct pue_ring *r, int64_t cell)
{
	return cell / r->bucket_s;
}

static struct pue_bucket *bucket_of(struct pue_ring *r, int64_t key)
{
	return &r->buckets[key % (r->bucket_count + 1)];
}

static struct pue_share *shares_of(const struct pue_ring *r, const struct pue_bucket *b)
{
	return &r->shares[(b - r->buckets) * r->role_count];
}

static void begin_bucket(struct pue_ring *r, struct pue_bucket *b, int64_t key)
{
	*b = (struct pue_bucket){ .key = key };
	memset(shares_of(r, b), 0, r->role_count * sizeof(r->shares[0]));
}

/* Time in which nothing was measured, as that which a step of the clock skips. */
static bool is_nothing(const struct pue_cells *c)
{
	bool nothing = !c->good;
	for (unsigned i = 0; i < PUE_ROLE_COUNT; i++)
		nothing &= c->millijoules[i] == 0;
	return nothing;
}

/* The bucket of a key, made anew when it is of a time before it. NULL when a later one has taken its place:
 * of the window that ends at a cell, or, with `nothing` to add, one that a clock was ahead for. */
static struct pue_bucket *bucket_for(struct pue_ring *r, int64_t key, int64_t until, bool nothing)
{
	struct pue_bucket *b = bucket_of(r, key);
	if (b->key == key)
		return b;
	if (b->key > key && (nothing || b->key <= key_of(r, until)))
		return NULL;
	begin_bucket(r, b, key);
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

static void add_to_bucket(struct pue_ring *r, struct pue_bucket *b, const struct pue_cells *c)
{
	const int32_t time = c->is_supplement ? 0 : (int32_t)c->count;
	struct pue_share *shares = shares_of(r, b);
	for (unsigned i = 0; i < r->role_count; i++) {
		const unsigned role = r->roles[i];
		shares[i].millijoules += c->is_supplement && !c->known[role] ? 0 : c->millijoules[role];
		shares[i].known += c->known[role] ? c->count : 0;
	}
	b->known += time;
	b->good += c->good * time;
	b->suspect += c->is_supplement ? 0 : c->suspect;
}

void pue_ring_add(struct pue_ring *r, const struct pue_cells *c, int64_t until)
{
	const int64_t bucket = r->bucket_s;
	const bool nothing = c->count > 1 && is_nothing(c);
	int64_t at = 0;
	if (c->count > 1) {
		int64_t oldest = (key_of(r, until) - r->bucket_count) * bucket;
		at = oldest > c->cell ? oldest - c->cell : 0;
	}
	while (at < c->count) {
		int64_t key = key_of(r, c->cell + at), edge = (key + 1) * bucket - c->cell;
		int64_t end = edge < c->count ? edge : c->count;
		struct pue_bucket *b = bucket_for(r, key, until, nothing);
		if (b && end - at == c->count) {
			add_to_bucket(r, b, c);
		} else if (b) {
			const struct pue_cells piece = piece_of(c, at, end);
			add_to_bucket(r, b, &piece);
		}
		at = end;
	}
}

int64_t pue_ring_edge(const struct pue_ring *r, int64_t cell, int64_t until)
{
	int64_t bucket = r->bucket_s;
	int64_t reach = until - (r->bucket_count + 1) * bucket, edge = (cell / bucket + 1) * bucket;
	return edge < reach ? reach : edge; /* what is out of the window goes in one piece */
}

struct pue_energies pue_ring_sum(const struct pue_ring *r, int64_t until)
{
	int64_t end = key_of(r, until), start = end - r->bucket_count;
	const int64_t whole = r->bucket_s;
	struct pue_energies sum = { .start_s = start * r->bucket_s, .end_s = end * r->bucket_s };
	for (int64_t i = 0; i <= r->bucket_count; i++) {
		const struct pue_bucket *b = &r->buckets[i];
		if (b->key < start || b->key >= end)
			continue;
		sum.good += b->good < whole ? b->good : whole;
		sum.suspect_joules += (double)b->suspect / 1000;
		sum.known += b->known < whole ? b->known : whole;
		const struct pue_share *shares = shares_of(r, b);
		for (unsigned k = 0; k < r->role_count; k++) {
			sum.joules[r->roles[k]] += (double)shares[k].millijoules / 1000;
			sum.role_known[r->roles[k]] += shares[k].known < whole ? shares[k].known : whole;
		}
	}
	return sum;
}

/* All roles: another configuration may have others. */
static void save_bucket(const struct pue_ring *r, struct bytes_writer *w, const struct pue_bucket *b)
{
	struct pue_share all[PUE_ROLE_COUNT] = { 0 };
	for (unsigned i = 0; i < r->role_count; i++)
		all[r->roles[i]] = shares_of(r, b)[i];
	bytes_put_integer(w, b->key);
	for (unsigned i = 0; i < PUE_ROLE_COUNT; i++) {
		bytes_put_integer(w, all[i].millijoules);
		bytes_put_integer(w, all[i].known);
	}
	bytes_put_integer(w, b->known);
	bytes_put_integer(w, b->good);
	bytes_put_integer(w, b->suspect);
}

static void load_bucket(
    struct pue_ring *r, struct pue_bucket *b, int layout, int64_t step_s, struct bytes_reader *from)
{
	struct pue_share all[PUE_ROLE_COUNT] = { 0 };
	/* water came last */
	const unsigned count = layout == COUNTER_LAYOUT ? PUE_ROLE_COUNT : PUE_WATER;
	for (unsigned i = 0; i < count; i++) {
		all[i].millijoules = bytes_take_integer(from);
		all[i].known = step_s * bytes_take_within(from, 0, INT32_MAX);
	}
	for (unsigned i = 0; i < r->role_count; i++)
		shares_of(r, b)[i] = all[r->roles[i]];
	b->known = (int32_t)(step_s * bytes_take_within(from, 0, INT32_MAX / step_s));
	b->good = (int32_t)(step_s * bytes_take_within(from, 0, INT32_MAX / step_s));
	if (layout == COUNTER_LAYOUT_CELLS)
		(void)bytes_take_integer(from); /* how many cells were suspect */
	else if (layout == COUNTER_LAYOUT)
		b->suspect = bytes_take_integer(from);
}

void pue_ring_save(const struct pue_ring *r, struct bytes_writer *w)
{
	bytes_put_integer(w, r->seconds);
	for (int64_t i = 0; i <= r->bucket_count; i++)
		if (r->buckets[i].known > 0)
			save_bucket(r, w, &r->buckets[i]);
	bytes_put_integer(w, 0); /* no bucket has this key */
}

void pue_ring_load(struct pue_ring *r, int layout, int64_t step_s, struct bytes_reader *from)
{
	while (!from->bad) {
		int64_t key = bytes_take_integer(from);
		if (key <= 0) {
			from->bad |= key < 0;
			return;
		}
		begin_bucket(r, bucket_of(r, key), key);
		load_bucket(r, bucket_of(r, key), layout, step_s, from);
	}
}

bool pue_ring_can_take(const struct pue_ring *r, const struct pue_ring *from)
{
	return r->bucket_s % from->bucket_s == 0;
}

void pue_ring_take(struct pue_ring *r, const struct pue_ring *from, int64_t until)
{
	for (int64_t i = 0; i <= from->bucket_count; i++) {
		const struct pue_bucket *b = &from->buckets[i];
		struct pue_bucket *to =
		    b->known > 0 ? bucket_for(r, b->key * from->bucket_s / r->bucket_s, until, false) : NULL;
		if (!to)
			continue;
		to->known += b->known;
		to->good += b->good;
		to->suspect += b->suspect;
		for (unsigned k = 0; k < r->role_count; k++) {
			shares_of(r, to)[k].millijoules += shares_of(from, b)[k].millijoules;
			shares_of(r, to)[k].known += shares_of(from, b)[k].known;
		}
	}
}
