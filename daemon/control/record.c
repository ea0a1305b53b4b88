#include "daemon/control/record.h"

#include "config/ini/hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 128

/* Its three texts stand in one piece. */
static void free_row(struct record_row *r)
{
	free((char *)r->key.owner);
}

static void free_correction(struct record_correction *c)
{
	free(c->owner);
	free(c->meter);
	free(c->kind);
	free(c->text);
}

void record_batch_clear(struct record_batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		free_row(&b->rows[i]);
	for (size_t i = 0; i < b->correction_count; i++)
		free_correction(&b->corrections[i]);
	for (size_t i = 0; i < b->struck_count; i++) {
		free(b->struck[i].reason);
		free(b->struck[i].who);
	}
	free(b->rows);
	free(b->slots);
	free(b->corrections);
	free(b->struck);
	*b = (struct record_batch){ 0 };
}

struct record_sums record_none(void)
{
	return (struct record_sums){ .low = NAN, .high = NAN };
}

static bool same_key(const struct record_key *a, const struct record_key *b)
{
	return a->period == b->period && a->kind == b->kind && strcmp(a->owner, b->owner) == 0 &&
	       strcmp(a->part, b->part) == 0 && strcmp(a->item, b->item) == 0;
}

static size_t slot_of(const struct record_batch *b, const struct record_key *key)
{
	uint64_t hash = hash_bytes(HASH_BASIS, &key->period, sizeof(key->period));
	hash = hash_bytes(hash, &key->kind, sizeof(key->kind));
	hash = hash_text(hash_text(hash_text(hash, key->owner), key->part), key->item);
	return (size_t)(hash ^ hash >> 32) & (b->slot_count - 1);
}

/* The place of a row of that key, or where it would be. */
static uint32_t *find_slot(const struct record_batch *b, const struct record_key *key)
{
	size_t i = slot_of(b, key);
	while (b->slots[i] != 0 && !same_key(&b->rows[b->slots[i] - 1].key, key))
		i = (i + 1) & (b->slot_count - 1);
	return &b->slots[i];
}

/* Places for twice as many rows as there is room for, or none; what there is gets its place. */
static bool make_slots(struct record_batch *b)
{
	size_t count = SLOTS_MIN;
	while (count < 2 * b->room)
		count *= 2;
	uint32_t *slots = calloc(count, sizeof(*slots));
	if (!slots)
		return false;
	free(b->slots);
	b->slots = slots;
	b->slot_count = count;
	for (size_t i = 0; i < b->count; i++)
		*find_slot(b, &b->rows[i].key) = (uint32_t)i + 1;
	return true;
}

static struct record_row *find(const struct record_batch *b, const struct record_key *key)
{
	if (b->slots) {
		const uint32_t *slot = find_slot(b, key);
		return *slot != 0 ? &b->rows[*slot - 1] : NULL;
	}
	for (size_t i = 0; i < b->count; i++)
		if (same_key(&b->rows[i].key, key))
			return &b->rows[i];
	return NULL;
}

static bool make_room(struct record_batch *b)
{
	if (b->rows && b->count < b->room)
		return b->slots || make_slots(b);
	const size_t room = b->room ? 2 * b->room : SLOTS_MIN / 2;
	struct record_row *rows =
	    b->count < RECORD_ROWS_MAX ? reallocarray(b->rows, room, sizeof(*rows)) : NULL;
	if (!rows)
		return false;
	b->rows = rows;
	b->room = room;
	return make_slots(b);
}

static struct record_row *append(struct record_batch *b, const struct record_key *key)
{
	const size_t owner = strlen(key->owner) + 1, part = strlen(key->part) + 1,
		     item = strlen(key->item) + 1;
	char *texts = make_room(b) ? malloc(owner + part + item) : NULL;
	if (!texts)
		return NULL;
	memcpy(texts, key->owner, owner);
	memcpy(texts + owner, key->part, part);
	memcpy(texts + owner + part, key->item, item);
	struct record_row *row = &b->rows[b->count++];
	*row = (struct record_row){ { key->kind, key->period, texts, texts + owner, texts + owner + part },
		record_none() };
	*find_slot(b, &row->key) = (uint32_t)b->count;
	return row;
}

static void add_sums(enum record_kind kind, struct record_sums *to, const struct record_sums *from)
{
	to->amount += from->amount;
	to->estimated += from->estimated;
	to->known_ms += from->known_ms;
	to->good_ms += from->good_ms;
	to->integral += from->integral;
	to->quantum = fmax(to->quantum, from->quantum);
	to->refresh_ms = to->refresh_ms > from->refresh_ms ? to->refresh_ms : from->refresh_ms;
	if (kind == RECORD_ENERGY) {
		to->low = isnan(to->low) ? from->low : to->low;
		to->high = isnan(from->high) ? to->high : from->high;
	} else {
		to->low = fmin(to->low, from->low); /* NAN is no number to them */
		to->high = fmax(to->high, from->high);
	}
}

void record_add(struct record_batch *b, const struct record_key *key, const struct record_sums *sums)
{
	struct record_row *row = find(b, key);
	if (!row)
		row = append(b, key);
	if (row)
		add_sums(key->kind, &row->sums, sums);
	else
		b->lost = true;
}

static int64_t share(int64_t whole, int64_t part, int64_t all)
{
	return (int64_t)((__int128)whole * part / all);
}

void record_spread(struct record_batch *b, const struct record_key *key, int64_t from_ms, int64_t until_ms,
    const struct record_sums *sums)
{
	const int64_t all = until_ms - from_ms;
	struct record_key hour = *key;
	for (int64_t at = from_ms, end; at < until_ms; at = end) {
		hour.period = at / RECORD_HOUR_MS;
		end = (hour.period + 1) * RECORD_HOUR_MS;
		end = end < until_ms ? end : until_ms;
		const int64_t x = at - from_ms, y = end - from_ms;
		struct record_sums part = *sums;
		part.amount = share(sums->amount, y, all) - share(sums->amount, x, all);
		part.estimated = share(sums->estimated, y, all) - share(sums->estimated, x, all);
		part.known_ms = share(sums->known_ms, y, all) - share(sums->known_ms, x, all);
		part.good_ms = share(sums->good_ms, y, all) - share(sums->good_ms, x, all);
		part.integral = sums->integral * (double)(y - x) / (double)all;
		record_add(b, &hour, &part);
	}
}

const struct record_row *record_find(const struct record_batch *b, const struct record_key *key)
{
	return find(b, key);
}

void record_correct(struct record_batch *b, int64_t time_ms, const char *owner, const char *meter,
    const char *kind, const char *text)
{
	struct record_correction *all =
	    b->correction_count < RECORD_CORRECTIONS_MAX
		? reallocarray(b->corrections, b->correction_count + 1, sizeof(*all))
		: NULL;
	struct record_correction c = { time_ms, strdup(owner), strdup(meter), strdup(kind), strdup(text) };
	if (all)
		b->corrections = all;
	if (!all || !c.owner || !c.meter || !c.kind || !c.text) {
		free_correction(&c);
		b->lost = true;
		return;
	}
	b->corrections[b->correction_count++] = c;
}

void record_strike(
    struct record_batch *b, int64_t from_hour, int64_t until_hour, const char *reason, const char *who)
{
	struct record_struck *all = reallocarray(b->struck, b->struck_count + 1, sizeof(*all));
	struct record_struck s = { from_hour, until_hour, strdup(reason), strdup(who) };
	if (all)
		b->struck = all;
	if (!all || !s.reason || !s.who) {
		free(s.reason);
		free(s.who);
		b->lost = true;
		return;
	}
	b->struck[b->struck_count++] = s;
}

const struct record_struck *record_find_struck(
    const struct record_batch *b, int64_t from_hour, int64_t until_hour)
{
	for (size_t i = 0; i < b->struck_count; i++)
		if (b->struck[i].from_hour < until_hour && b->struck[i].until_hour > from_hour)
			return &b->struck[i];
	return NULL;
}

static int by_key(const void *x, const void *y)
{
	const struct record_key *a = &((const struct record_row *)x)->key,
				*b = &((const struct record_row *)y)->key;
	int order = (a->period > b->period) - (a->period < b->period);
	if (order == 0)
		order = strcmp(a->owner, b->owner);
	if (order == 0)
		order = (a->kind > b->kind) - (a->kind < b->kind);
	if (order == 0)
		order = strcmp(a->part, b->part);
	return order != 0 ? order : strcmp(a->item, b->item);
}

void record_sort(struct record_batch *b)
{
	if (b->count > 0)
		qsort(b->rows, b->count, sizeof(b->rows[0]), by_key);
	free(b->slots);
	b->slots = NULL;
}

void record_merge(struct record_batch *b, const struct record_batch *from)
{
	for (size_t i = 0; i < from->count; i++)
		record_add(b, &from->rows[i].key, &from->rows[i].sums);
	for (size_t i = 0; i < from->correction_count; i++) {
		const struct record_correction *c = &from->corrections[i];
		record_correct(b, c->time_ms, c->owner, c->meter, c->kind, c->text);
	}
	b->lost |= from->lost;
}

void record_save(const struct record_batch *b, struct bytes_writer *w)
{
	bytes_put_integer(w, (int64_t)b->count);
	for (size_t i = 0; i < b->count; i++) {
		const struct record_key *k = &b->rows[i].key;
		const struct record_sums *s = &b->rows[i].sums;
		bytes_put_integer(w, k->kind);
		bytes_put_integer(w, k->period);
		bytes_put_text(w, k->owner);
		bytes_put_text(w, k->part);
		bytes_put_text(w, k->item);
		bytes_put_integer(w, s->amount);
		bytes_put_integer(w, s->estimated);
		bytes_put_integer(w, s->known_ms);
		bytes_put_integer(w, s->good_ms);
		bytes_put_number(w, s->integral);
		bytes_put_number(w, s->low);
		bytes_put_number(w, s->high);
		bytes_put_number(w, s->quantum);
		bytes_put_integer(w, s->refresh_ms);
	}
	bytes_put_integer(w, (int64_t)b->correction_count);
	for (size_t i = 0; i < b->correction_count; i++) {
		const struct record_correction *c = &b->corrections[i];
		bytes_put_integer(w, c->time_ms);
		bytes_put_text(w, c->owner);
		bytes_put_text(w, c->meter);
		bytes_put_text(w, c->kind);
		bytes_put_text(w, c->text);
	}
}

static void load_row(struct record_batch *b, int layout, struct bytes_reader *r)
{
	struct record_key k = { .kind = (enum record_kind)bytes_take_within(r, 0, RECORD_KIND_COUNT - 1) };
	struct record_sums s = { 0 };
	k.period = bytes_take_within(r, 0, INT64_MAX / RECORD_HOUR_MS - 1);
	k.owner = bytes_take_text(r);
	k.part = bytes_take_text(r);
	k.item = bytes_take_text(r);
	s.amount = bytes_take_integer(r);
	s.estimated = bytes_take_integer(r);
	s.known_ms = bytes_take_integer(r);
	s.good_ms = bytes_take_integer(r);
	s.integral = bytes_take_number(r);
	s.low = bytes_take_number(r);
	s.high = bytes_take_number(r);
	if (layout != RECORD_LAYOUT_FIRST) {
		s.quantum = bytes_take_number(r);
		s.refresh_ms = bytes_take_integer(r);
	}
	if (!r->bad)
		record_add(b, &k, &s);
}

void record_load(struct record_batch *b, int layout, struct bytes_reader *r)
{
	int64_t count = bytes_take_within(r, 0, RECORD_ROWS_MAX);
	for (int64_t i = 0; i < count && !r->bad; i++)
		load_row(b, layout, r);
	count = bytes_take_within(r, 0, RECORD_CORRECTIONS_MAX);
	for (int64_t i = 0; i < count && !r->bad; i++) {
		int64_t time_ms = bytes_take_integer(r);
		const char *owner = bytes_take_text(r), *meter = bytes_take_text(r),
			   *kind = bytes_take_text(r), *text = bytes_take_text(r);
		if (!r->bad)
			record_correct(b, time_ms, owner, meter, kind, text);
	}
}
