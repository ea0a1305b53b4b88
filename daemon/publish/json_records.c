#include "daemon/publish/json_records.h"

#include "daemon/control/record_pue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Energies are counted behind the readings of the slowest meter; of more than this they are missing. */
#define BEHIND_MAX_MS 120000

struct record {
	const struct json_records *all;
	struct record_batch rows; /* only its own, which are in `all` */
	int64_t number, start_ms, end_ms;
};

static double kwh_of(int64_t millijoules)
{
	return (double)millijoules / 3.6e9;
}

/* The first row of an owner of that kind: each owner is written once, with all its rows, which are together.
 */
static bool is_first(const struct record_batch *b, size_t i)
{
	const struct record_key *k = &b->rows[i].key, *before = i > 0 ? &b->rows[i - 1].key : NULL;
	return !before || before->kind != k->kind || strcmp(before->owner, k->owner) != 0;
}

/* The rows of the owner that a row is of. */
static struct record_batch rows_of_owner(const struct record_batch *b, size_t i)
{
	const char *owner = b->rows[i].key.owner;
	size_t first = i, end = i + 1;
	while (first > 0 && strcmp(b->rows[first - 1].key.owner, owner) == 0)
		first--;
	while (end < b->count && strcmp(b->rows[end].key.owner, owner) == 0)
		end++;
	return (struct record_batch){ .rows = &b->rows[first], .count = end - first };
}

/* An hour that is struck out; of a longer time such hours are not counted. */
static bool is_struck(const struct record *r)
{
	const int64_t hour = r->all->periods->edges[r->number];
	return r->all->periods->step == RECORD_STEP_HOUR &&
	       record_find_struck(r->all->rows, hour, hour + 1) != NULL;
}

static void put_pue(struct json_writer *w, const struct record *r, size_t first)
{
	const struct record_batch own = rows_of_owner(&r->rows, first);
	const char *name = r->rows.rows[first].key.owner;
	struct record_pue p =
	    record_pue_compute(&own, r->all->config, name, r->number, r->end_ms - r->start_ms, is_struck(r));
	const struct pue_config *c = name_index_find(&r->all->config->pue_names, name, strlen(name));
	json_open(w, name);
	for (unsigned i = 0; i < PUE_ROLE_COUNT; i++) {
		char key[64];
		if (!p.has_role[i])
			continue;
		const struct pue_role_unit *unit = pue_role_unit((enum pue_role)i);
		snprintf(key, sizeof(key), "%s_%s", pue_role_word((enum pue_role)i), unit->amount);
		json_number(w, key, unit->per_kwh * p.kwh[i], JSON_ENERGY);
	}
	json_bool(w, "partial", pue_roles_are_partial(p.has_role));
	if (c && c->category > 0)
		json_integer(w, "category", c->category);
	json_number(w, "pue", p.pue.value, JSON_FIGURE);
	if (c && !isnan(c->carbon_factor) && p.has_role[PUE_FACILITY])
		json_number(w, "cue", p.pue.value * c->carbon_factor, JSON_FIGURE);
	if (p.has_role[PUE_REUSE_HEAT])
		json_number(w, "ere", p.ere.value, JSON_FIGURE);
	if (p.has_role[PUE_WATER])
		json_number(w, "wue", p.wue.value, JSON_FIGURE);
	json_number(w, "coverage", p.coverage, JSON_FIGURE);
	json_bool(w, "energy_complete", p.energy_complete);
	json_number(w, "estimated_kwh", p.estimated_kwh, JSON_ENERGY);
	json_number(w, "uncertainty", p.uncertainty, JSON_FIGURE);
	json_text(w, "quality", quality_word(p.pue.quality));
	if (p.pue.reason)
		json_text(w, "reason", p.pue.reason);
	json_close(w);
}

/* A figure of whose meters nothing was known at the same time. */
static void put_unknown_pue(struct json_writer *w, const char *name)
{
	json_open(w, name);
	json_number(w, "pue", NAN, JSON_FIGURE);
	json_number(w, "coverage", 0, JSON_FIGURE);
	json_bool(w, "energy_complete", false);
	json_number(w, "estimated_kwh", NAN, JSON_ENERGY);
	json_number(w, "uncertainty", NAN, JSON_FIGURE);
	json_text(w, "quality", quality_word(QUALITY_INVALID));
	json_text(w, "reason", "a needed role is not known in this time");
	json_close(w);
}

/* Whether the row is the first of a figure that has meters alone, though its time is not struck out. */
static bool is_of_unknown_pue(const struct record *r, size_t i)
{
	const struct record_batch *b = &r->rows;
	const int64_t *edges = &r->all->periods->edges[r->number];
	if (b->rows[i].key.kind != RECORD_ENERGY || !is_first(b, i) ||
	    record_find_struck(r->all->rows, edges[0], edges[1]))
		return false;
	const struct record_batch own = rows_of_owner(b, i);
	for (size_t k = 0; k < own.count; k++)
		if (own.rows[k].key.kind == RECORD_PUE)
			return false;
	return true;
}

/* The meters first, by their names, and of rows of the same meter the one that is to stand under its name:
 * that is known for longest. */
static int by_meter(const void *x, const void *y)
{
	const struct record_row *a = x, *b = y;
	int order = (a->key.kind > b->key.kind) - (a->key.kind < b->key.kind);
	if (order == 0)
		order = strcmp(a->key.item, b->key.item);
	if (order == 0)
		order = (a->sums.known_ms < b->sums.known_ms) - (a->sums.known_ms > b->sums.known_ms);
	if (order == 0)
		order = strcmp(a->key.owner, b->key.owner);
	return order != 0 ? order : strcmp(a->key.part, b->key.part);
}

/* A meter that counts in two figures, or both ways, is told once for each. */
static void put_meter(struct json_writer *w, const struct record *r, const struct record_row *row, bool again)
{
	const struct record_key *k = &row->key;
	const struct record_sums *s = &row->sums;
	const bool is_water = strcmp(k->part, pue_role_word(PUE_WATER)) == 0;
	const struct pue_role_unit *unit = pue_role_unit(is_water ? PUE_WATER : PUE_IT);
	char key[256];
	snprintf(key, sizeof(key), again ? "%s (%s of %s)" : "%s", k->item, k->part, k->owner);
	json_open(w, key);
	json_text(w, "role", k->part);
	json_number(w, "from", unit->per_kwh * s->low, JSON_ENERGY);
	json_number(w, "to", unit->per_kwh * s->high, JSON_ENERGY);
	const double known = s->known_ms > 0 ? unit->per_kwh : NAN;
	json_number(w, unit->amount, known * kwh_of(s->amount), JSON_ENERGY);
	snprintf(key, sizeof(key), "estimated_%s", unit->amount);
	json_number(w, key, known * kwh_of(s->estimated), JSON_ENERGY);
	if (s->known_ms == 0)
		json_text(w, "reason", "nothing of its energy is known in this time");
	json_number(
	    w, "coverage", fmin((double)s->good_ms / (double)(r->end_ms - r->start_ms), 1), JSON_FIGURE);
	json_close(w);
}

static void put_loop(struct json_writer *w, const struct record *r, size_t first)
{
	const struct record_batch own = rows_of_owner(&r->rows, first), *b = &own;
	json_open(w, r->rows.rows[first].key.owner);
	for (size_t i = 0; i < b->count; i++) {
		const struct record_key *k = &b->rows[i].key;
		const struct record_sums *s = &b->rows[i].sums;
		if (k->kind != RECORD_LOOP)
			continue;
		if (strcmp(k->part, loop_value_word(LOOP_HEAT)) == 0)
			json_number(w, "heat_kwh", s->integral / 3.6e6, JSON_ENERGY);
		json_open(w, k->part);
		json_number(w, "min", s->low, JSON_FIGURE);
		json_number(
		    w, "mean", s->known_ms > 0 ? s->integral / (double)s->known_ms : NAN, JSON_FIGURE);
		json_number(w, "max", s->high, JSON_FIGURE);
		json_number(w, "coverage", fmin((double)s->good_ms / (double)(r->end_ms - r->start_ms), 1),
		    JSON_FIGURE);
		json_close(w);
	}
	json_close(w);
}

static void put_alarm(struct json_writer *w, const struct record_row *row)
{
	json_open(w, row->key.owner);
	json_integer(w, "count", row->sums.amount);
	json_number(w, "minutes", (double)row->sums.known_ms / 60e3, JSON_FIGURE);
	json_close(w);
}

static void put_kind(struct json_writer *w, const struct record *r, enum record_kind kind, const char *key)
{
	const struct record_batch *b = &r->rows;
	json_open(w, key);
	for (size_t i = 0; i < b->count; i++) {
		const struct record_row *row = &b->rows[i];
		if (kind == RECORD_PUE && is_of_unknown_pue(r, i))
			put_unknown_pue(w, row->key.owner);
		if (row->key.kind != kind)
			continue;
		if (kind == RECORD_ALARM)
			put_alarm(w, row);
		else if (is_first(b, i) && kind == RECORD_PUE)
			put_pue(w, r, i);
		else if (is_first(b, i))
			put_loop(w, r, i);
	}
	json_close(w);
}

static void put_meters(struct json_writer *w, struct record *r)
{
	struct record_row *rows = r->rows.rows;
	qsort(rows, r->rows.count, sizeof(*rows), by_meter);
	json_open(w, "meters");
	for (size_t i = 0; i < r->rows.count && rows[i].key.kind == RECORD_ENERGY; i++)
		put_meter(w, r, &rows[i], i > 0 && strcmp(rows[i].key.item, rows[i - 1].key.item) == 0);
	json_close(w);
	record_sort(&r->rows);
}

static void put_corrections(struct json_writer *w, const struct record *r)
{
	json_open_list(w, "corrections");
	for (size_t i = 0; i < r->all->rows->correction_count; i++) {
		const struct record_correction *c = &r->all->rows->corrections[i];
		if (record_periods_find(r->all->periods, c->time_ms / RECORD_HOUR_MS) != r->number)
			continue;
		json_open(w, NULL);
		json_integer(w, "ts", c->time_ms);
		if (c->meter[0]) {
			json_text(w, "pue", c->owner);
			json_text(w, "meter", c->meter);
		}
		json_text(w, "kind", c->kind);
		json_text(w, "text", c->text);
		json_close(w);
	}
	json_close_list(w);
}

/* The one that is running ends with what is counted. */
static int64_t end_of(const struct json_records *r, size_t i)
{
	const int64_t end_ms = r->periods->edges[i + 1] * RECORD_HOUR_MS;
	const int64_t until_ms = r->now_ms - r->until_ms < BEHIND_MAX_MS ? r->until_ms : r->now_ms;
	return end_ms <= r->now_ms ? end_ms : until_ms < end_ms ? until_ms : end_ms;
}

static void put_struck(struct json_writer *w, const struct record *r)
{
	const int64_t *edges = &r->all->periods->edges[r->number];
	const struct record_batch *b = r->all->rows;
	if (!record_find_struck(b, edges[0], edges[1]))
		return;
	json_open_list(w, "struck");
	for (size_t i = 0; i < b->struck_count; i++) {
		const struct record_struck *s = &b->struck[i];
		if (s->from_hour >= edges[1] || s->until_hour <= edges[0])
			continue;
		json_open(w, NULL);
		json_integer(w, "from", s->from_hour * RECORD_HOUR_MS);
		json_integer(w, "to", s->until_hour * RECORD_HOUR_MS);
		json_text(w, "reason", s->reason);
		json_text(w, "by", s->who);
		json_close(w);
	}
	json_close_list(w);
}

static void put_record(struct json_writer *w, struct record *r)
{
	json_open(w, NULL);
	json_integer(w, "start", r->start_ms);
	json_integer(w, "end", r->end_ms);
	put_kind(w, r, RECORD_PUE, "pue");
	put_meters(w, r);
	put_kind(w, r, RECORD_LOOP, "loops");
	put_kind(w, r, RECORD_ALARM, "alarms");
	put_corrections(w, r);
	put_struck(w, r);
	json_close(w);
}

void json_records_write(struct json_writer *w, const struct json_records *r)
{
	record_sort(r->rows);
	json_open(w, NULL);
	json_text(w, "step", record_step_word(r->periods->step));
	json_text(w, "timezone", r->config->daemon->timezone->name);
	json_open_list(w, "records");
	for (size_t at = 0, end; at < r->rows->count; at = end) {
		const int64_t i = r->rows->rows[at].key.period;
		for (end = at; end < r->rows->count && r->rows->rows[end].key.period == i; end++)
			;
		struct record record = { r, { .rows = &r->rows->rows[at], .count = end - at }, i,
			r->periods->edges[i] * RECORD_HOUR_MS, end_of(r, (size_t)i) };
		if (record.end_ms > record.start_ms)
			put_record(w, &record);
	}
	json_close_list(w);
	json_close(w);
}
