#include "daemon/live/records.h"

#include "drivers/os/log.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As long a gap between two ticks is bridged, in polls of the slowest sensor of a loop. */
#define INTERVALS_MISSED_MAX 3
/* So many hours do not wait for the end of the one that runs: a meter that brings back days. */
#define HOURS_WAITING_MAX 12
/* A step of the clock from this on is told. */
#define STEP_MIN_MS 1000
/* 31 days */
#define LEAP_MS INT64_C(2678400000)

/* Of a meter of a PUE: the gap that its counter closes just now. */
struct gap {
	int64_t from_ms, until_ms, millijoules; /* until 0 = there is none */
};

struct records {
	const struct config *config;
	const struct point_table *table;
	const struct loops *loops;
	const struct pues *pues;
	struct record_batch open, due;
	int64_t due_id, due_hour;	      /* the hour in which it was last asked for */
	int64_t interval_ms;		      /* of ticks, or of the slowest sensor of a loop */
	int64_t tick_ns, until_ms, offset_ms; /* of UTC from boottime, at the last tick */
	bool *active;			      /* by alarm of the configuration, as seen last */
	struct gap **gaps;		      /* by PUE and meter */
	size_t hour_rows;		      /* that an hour has at most */
	bool said_lost;
};

static const enum loop_value loop_figures[] = { LOOP_HEAT, LOOP_FLOW, LOOP_SUPPLY_TEMPERATURE,
	LOOP_RETURN_TEMPERATURE, LOOP_PRESSURE_DROP, LOOP_FILTER_RESISTANCE_RATIO, LOOP_PUMP_EFFICIENCY };

static struct record_key key_of_meter(const struct records *r, size_t pue, size_t meter)
{
	const struct pue_config *c = &r->config->pues[pue];
	return (struct record_key){ RECORD_ENERGY, 0, c->name, pue_role_word(c->meters[meter].role),
		c->meters[meter].name };
}

static void on_corrected(
    void *user, size_t pue, size_t meter, int64_t time_ms, const char *kind, const char *text)
{
	struct records *r = user;
	const struct pue_config *c = &r->config->pues[pue];
	record_correct(
	    &r->open, time_ms, c->name, meter == SIZE_MAX ? "" : c->meters[meter].name, kind, text);
}

/* A gap that was closed is told once, as a whole. */
static void follow_gap(struct records *r, size_t pue, size_t meter, int64_t from_ms, int64_t until_ms,
    const struct meter_cell *c)
{
	struct gap *g = &r->gaps[pue][meter];
	bool bridged = c->known_ns > 0 && c->good_ns < c->known_ns;
	bool is_over = g->until_ms > 0 && (!bridged || from_ms != g->until_ms);
	if (is_over && g->millijoules != 0) {
		char text[96];
		const struct pue_role_unit *unit = pue_role_unit(r->config->pues[pue].meters[meter].role);
		snprintf(text, sizeof(text), "%.3f %s of %.0f s without readings, as the counter has them",
		    unit->per_kwh * (double)g->millijoules / 3.6e9, unit->word,
		    (double)(g->until_ms - g->from_ms) / 1e3);
		on_corrected(r, pue, meter, g->from_ms, "bridged", text);
	}
	if (is_over)
		*g = (struct gap){ 0 };
	if (!bridged)
		return;
	if (g->until_ms == 0)
		g->from_ms = from_ms;
	g->until_ms = until_ms;
	g->millijoules += c->millijoules;
}

/* Of an energy that is partly bridged, that part by its time. */
static int64_t estimated_of(const struct meter_cell *c)
{
	return c->known_ns > 0
		   ? (int64_t)((__int128)c->millijoules * (c->known_ns - c->good_ns) / c->known_ns)
		   : 0;
}

/* A clock that was set far ahead passes time that nobody has measured: no rows of each hour of it. */
static bool is_leap(int64_t ms, bool is_good)
{
	return ms > LEAP_MS && !is_good;
}

static void on_meter(
    void *user, size_t pue, size_t meter, int64_t cell, int64_t count, const struct meter_cell *c)
{
	struct records *r = user;
	const int64_t from_ms = cell * 1000, until_ms = (cell + count) * 1000;
	const struct record_key key = key_of_meter(r, pue, meter);
	struct record_sums sums = record_none();
	if (until_ms > r->until_ms)
		r->until_ms = until_ms;
	follow_gap(r, pue, meter, from_ms, until_ms, c);
	if (c->millijoules == 0 && (c->known_ns == 0 || is_leap(until_ms - from_ms, c->good_ns > 0)))
		return;
	sums.amount = c->millijoules;
	sums.estimated = estimated_of(c);
	sums.known_ms = c->known_ns / NS_PER_MS;
	sums.good_ms = c->good_ns / NS_PER_MS;
	sums.quantum = pue_meter_quantum(pues_at(r->pues, pue), meter) / 3.6e6;
	sums.refresh_ms = pue_meter_refresh(pues_at(r->pues, pue), meter) / NS_PER_MS;
	record_spread(&r->open, &key, from_ms, until_ms, &sums);
}

static void on_cells(void *user, size_t pue, const struct pue_cells *c)
{
	struct records *r = user;
	const struct pue_config *config = &r->config->pues[pue];
	const int64_t from_ms = c->cell * 1000, ms = c->count * 1000;
	struct record_key key = { RECORD_PUE, 0, config->name, "", "" };
	struct record_sums sums = record_none();
	if (is_leap(ms, c->good))
		return;
	/* of a supplement the time was told before */
	sums.amount = c->suspect;
	sums.known_ms = ms;
	sums.good_ms = c->good ? ms : 0;
	if (!c->is_supplement)
		record_spread(&r->open, &key, from_ms, from_ms + ms, &sums);
	for (unsigned i = 0; i < PUE_ROLE_COUNT; i++) {
		if (config->role_names[i].count == 0 || (c->is_supplement && !c->known[i]))
			continue;
		key.part = pue_role_word((enum pue_role)i);
		sums.amount = c->millijoules[i];
		sums.estimated = c->good ? 0 : c->millijoules[i];
		sums.known_ms = c->known[i] ? ms : 0;
		record_spread(&r->open, &key, from_ms, from_ms + ms, &sums);
	}
}

static int64_t slowest_interval(const struct config *c)
{
	int64_t slowest = c->daemon->control_interval;
	for (size_t i = 0; i < c->loop_count; i++)
		for (unsigned k = 0; k < LOOP_IN_COUNT; k++) {
			const struct point_source *in = &c->loops[i].inputs[k];
			for (size_t n = 0; n < in->count; n++) {
				int64_t one = device_point_interval(
				    &c->devices[in->refs[n].device], reference_get(c, in->refs[n]));
				slowest = one > slowest ? one : slowest;
			}
		}
	return slowest;
}

static size_t rows_of_hour(const struct config *c)
{
	size_t rows = c->loop_count * (sizeof(loop_figures) / sizeof(loop_figures[0])) + c->alarm_count;
	for (size_t i = 0; i < c->pue_count; i++)
		rows += 1 + PUE_ROLE_COUNT + c->pues[i].meter_count;
	return rows;
}

struct records *records_new(
    const struct config *c, const struct point_table *table, const struct loops *loops, struct pues *pues)
{
	struct records *r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	*r = (struct records){ .config = c,
		.table = table,
		.loops = loops,
		.pues = pues,
		.interval_ms = slowest_interval(c) / NS_PER_MS };
	r->hour_rows = rows_of_hour(c);
	r->active = calloc(c->alarm_count + 1, sizeof(r->active[0]));
	r->gaps = calloc(c->pue_count + 1, sizeof(r->gaps[0]));
	bool good = r->active && r->gaps;
	for (size_t i = 0; good && i < c->pue_count; i++) {
		r->gaps[i] = calloc(c->pues[i].meter_count + 1, sizeof(r->gaps[i][0]));
		good = r->gaps[i] != NULL;
	}
	if (!good) {
		records_free(r);
		return NULL;
	}
	if (c->records->keep > 0)
		pues_watch(pues, &(struct pues_watcher){ { on_meter, on_cells, r }, on_corrected });
	return r;
}

void records_free(struct records *r)
{
	if (!r)
		return;
	for (size_t i = 0; r->gaps && i < r->config->pue_count; i++)
		free(r->gaps[i]);
	free(r->gaps);
	free(r->active);
	record_batch_clear(&r->open);
	record_batch_clear(&r->due);
	free(r);
}

static void look_at(const struct alarm *a, void *user)
{
	struct records *r = user;
	size_t i = alarm_find(r->config, a->config->name);
	if (i != SIZE_MAX)
		r->active[i] = a->state == ALARM_ACTIVE;
}

/* What a meter is closing goes on, in whatever figure of the same name it stands now. */
static void inherit_gaps(struct records *r, size_t pue, const struct records *old)
{
	const struct pue_config *c = &r->config->pues[pue];
	const struct pue_config *was = name_index_find(&old->config->pue_names, c->name, strlen(c->name));
	for (size_t i = 0; i < c->meter_count; i++)
		for (size_t k = 0; was && k < was->meter_count; k++)
			if (c->meters[i].role == was->meters[k].role &&
			    strcmp(c->meters[i].name, was->meters[k].name) == 0)
				r->gaps[pue][i] = old->gaps[was - old->config->pues][k];
}

void records_inherit(struct records *r, struct records *old, const struct alarms *alarms)
{
	record_batch_clear(&r->open);
	r->open = old->open;
	r->due = old->due;
	r->due_id = old->due_id;
	r->due_hour = old->due_hour;
	r->tick_ns = old->tick_ns;
	r->offset_ms = old->offset_ms;
	r->until_ms = old->until_ms;
	r->said_lost = old->said_lost;
	old->open = old->due = (struct record_batch){ 0 };
	for (size_t i = 0; i < r->config->pue_count; i++)
		inherit_gaps(r, i, old);
	alarms_each(alarms, look_at, r);
}

void records_see_alarm(struct records *r, const struct alarm *a)
{
	struct record_key key = { RECORD_ALARM, a->changed_ms / RECORD_HOUR_MS, a->config->name, "", "" };
	struct record_sums sums = record_none();
	size_t i = alarm_find(r->config, a->config->name);
	bool active = a->state == ALARM_ACTIVE;
	if (r->config->records->keep == 0 || i == SIZE_MAX || r->active[i] == active)
		return;
	r->active[i] = active;
	sums.amount = active;
	record_add(&r->open, &key, &sums);
}

static void add_loop(struct records *r, size_t i, int64_t from_ms, int64_t until_ms)
{
	const struct loop_config *c = &r->config->loops[i];
	const struct figure *figures = loops_figures(r->loops, i);
	for (size_t k = 0; k < sizeof(loop_figures) / sizeof(loop_figures[0]); k++) {
		const struct figure *f = &figures[loop_figures[k]];
		const int64_t ms = until_ms - from_ms;
		struct record_key key = { RECORD_LOOP, 0, c->name, loop_value_word(loop_figures[k]), "" };
		struct record_sums sums = record_none();
		/* one implausible flow would be more heat than all of the year */
		if (f->quality > QUALITY_ESTIMATED)
			continue;
		sums.known_ms = ms;
		sums.good_ms = f->quality == QUALITY_GOOD ? ms : 0;
		sums.integral = f->value * (double)ms;
		sums.low = sums.high = f->value;
		record_spread(&r->open, &key, from_ms, until_ms, &sums);
	}
}

/* What a counter shows at an edge of the hour is the last of the one and the first of the other. */
static void add_reading(struct records *r, size_t pue, size_t meter, int64_t hour, bool at_edge)
{
	const struct pue_meter *m = &r->config->pues[pue].meters[meter];
	const struct point_ref ref = m->energy;
	struct record_key key = key_of_meter(r, pue, meter);
	struct record_sums sums = record_none();
	if (!point_ref_is_set(ref) || point_table_at(r->table, ref)->sample.quality > QUALITY_ESTIMATED)
		return;
	sums.low = sums.high =
	    point_table_figure(r->table, ref).value * pue_role_unit(m->role)->joules / 3.6e6;
	key.period = hour;
	record_add(&r->open, &key, &sums);
	if (!at_edge)
		return;
	key.period--;
	if (record_find(&r->open, &key))
		record_add(&r->open, &key, &sums);
}

struct ticking {
	struct records *records;
	int64_t from_ms, until_ms;
};

static void add_alarm(const struct alarm *a, void *user)
{
	const struct ticking *t = user;
	struct record_key key = { RECORD_ALARM, 0, a->config->name, "", "" };
	struct record_sums sums = record_none();
	if (a->state != ALARM_ACTIVE || alarm_find(t->records->config, a->config->name) == SIZE_MAX)
		return;
	sums.known_ms = t->until_ms - t->from_ms;
	record_spread(&t->records->open, &key, t->from_ms, t->until_ms, &sums);
}

/* Where new energy goes is elsewhere from here on. */
static void follow_clock(struct records *r, int64_t now_ns, int64_t utc_ms)
{
	const int64_t offset_ms = utc_ms - now_ns / NS_PER_MS, moved_ms = offset_ms - r->offset_ms;
	char text[64];
	r->offset_ms = offset_ms;
	if (r->tick_ns == 0 || llabs(moved_ms) < STEP_MIN_MS)
		return;
	snprintf(text, sizeof(text), "the clock was set by %+.0f s", (double)moved_ms / 1e3);
	record_correct(&r->open, utc_ms, "", "", "clock", text);
	if (r->until_ms > utc_ms)
		r->until_ms = utc_ms;
}

static void say_lost(struct records *r)
{
	if (r->open.lost && !r->said_lost)
		log_event(LOG_WARNING, (struct log_fields){ .message_id = LOG_ID_DISK },
		    "the records cannot take more until they are written: hours will be missing");
	r->said_lost = r->open.lost;
}

void records_tick(struct records *r, const struct alarms *alarms, int64_t now_ns, int64_t utc_ms)
{
	const int64_t hour = utc_ms / RECORD_HOUR_MS;
	int64_t ms = r->tick_ns > 0 ? (now_ns - r->tick_ns) / NS_PER_MS : 0;
	if (r->config->records->keep == 0)
		return;
	follow_clock(r, now_ns, utc_ms);
	ms = ms > INTERVALS_MISSED_MAX * r->interval_ms ? r->interval_ms : ms;
	struct ticking t = { r, utc_ms - ms, utc_ms };
	const bool at_edge = t.from_ms / RECORD_HOUR_MS < hour;
	r->tick_ns = now_ns;
	for (size_t i = 0; i < r->config->loop_count; i++)
		add_loop(r, i, t.from_ms, t.until_ms);
	for (size_t i = 0; i < r->config->pue_count; i++)
		for (size_t k = 0; k < r->config->pues[i].meter_count; k++)
			add_reading(r, i, k, hour, at_edge);
	alarms_each(alarms, add_alarm, &t);
	say_lost(r);
}

const struct record_batch *records_due(struct records *r, int64_t utc_ms, bool at_end, int64_t *id)
{
	const int64_t hour = utc_ms / RECORD_HOUR_MS;
	bool is_time = at_end || (r->due_hour != 0 && hour != r->due_hour) ||
		       r->open.count > HOURS_WAITING_MAX * r->hour_rows;
	bool is_empty = r->open.count == 0 && r->open.correction_count == 0;
	if (r->due_id == 0 && is_time && !is_empty) {
		r->due = r->open;
		r->open = (struct record_batch){ 0 };
		r->due_id = utc_ms;
	}
	r->due_hour = hour;
	*id = r->due_id;
	return r->due_id != 0 ? &r->due : NULL;
}

void records_written(struct records *r)
{
	record_batch_clear(&r->due);
	r->due_id = 0;
}

int64_t records_waiting(const struct records *r, struct record_batch *due, struct record_batch *open)
{
	record_merge(due, &r->due);
	record_merge(open, &r->open);
	return r->due_id;
}

int64_t records_until(const struct records *r)
{
	return r->until_ms;
}

void records_save(const struct records *r, struct bytes_writer *w)
{
	struct bytes_writer block = { 0 };
	record_save(&r->open, &block);
	bytes_put_entry(w, RECORDS_ENTRY, RECORDS_ENTRY, RECORD_LAYOUT, &block);
}

void records_take_saved(struct bytes_entry *e, struct record_batch *to)
{
	struct record_batch b = { 0 };
	if (e->fingerprint >= RECORD_LAYOUT_FIRST && e->fingerprint <= RECORD_LAYOUT)
		record_load(&b, (int)e->fingerprint, &e->block);
	if (!e->block.bad)
		record_merge(to, &b);
	record_batch_clear(&b);
}

void records_load(struct records *r, struct bytes_entry *e)
{
	records_take_saved(e, &r->open);
}
