#include "daemon/control/pue.h"

#include "daemon/control/pue_ring.h"
#include "drivers/os/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S 86400
/* A difference of the clocks beyond this is a step, not jitter of reading them. */
#define CLOCK_STEP_NS (100 * NS_PER_MS)
/* Cells that a meter may be behind: four of its intervals, and something for short ones. */
#define PENDING_INTERVALS 4
#define PENDING_MIN_CELLS 64

struct entry {
	enum pue_role role;
	char *name;
	struct meter meter;
	enum quality power, energy;
	double joules;	  /* counted so far: its share of what its role has counted */
	char reason[128]; /* while a quality has no value: which meter and why */
};

struct pue {
	struct entry *entries;
	size_t entry_count;
	struct pue_ring windows[CONFIG_PUE_WINDOWS_MAX];
	size_t window_count;
	bool has_role[PUE_ROLE_COUNT];
	int64_t step_s, cell_count;
	int64_t offset_ns;
	bool started;
	struct wall_clock *restored; /* by it a saved state was taken up, and nothing was folded since */
	int64_t next_cell;	     /* first that is not folded into the windows */
	int64_t resumed_cell;	     /* in which polling went on after it had stood still; 0 = it never did */
};

bool pue_is_partial(const struct pue *p)
{
	return pue_roles_are_partial(p->has_role);
}

static bool is_needed(const struct pue *p, enum pue_role r)
{
	return pue_roles_need(p->has_role, r);
}

static int64_t slowest_interval(const struct pue_spec *spec)
{
	int64_t slowest = 0;
	for (size_t i = 0; i < spec->meter_count; i++)
		if (spec->meters[i].type.interval_ns > slowest)
			slowest = spec->meters[i].type.interval_ns;
	return slowest;
}

struct pue *pue_new(const struct pue_spec *spec)
{
	struct pue *p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	int64_t slowest = slowest_interval(spec);
	p->step_s = slowest <= 60 * NS_PER_S ? 1 : 60;
	p->cell_count = PENDING_INTERVALS * slowest / (p->step_s * NS_PER_S) + PENDING_MIN_CELLS;
	p->entries = calloc(spec->meter_count + 1, sizeof(p->entries[0]));
	bool good = p->entries != NULL;
	for (size_t i = 0; good && i < spec->meter_count; i++) {
		struct entry *e = &p->entries[p->entry_count++];
		e->role = spec->meters[i].role;
		e->name = strdup(spec->meters[i].name);
		p->has_role[e->role] = true;
		good = e->name &&
		       meter_init(&e->meter, &spec->meters[i].type, p->step_s * NS_PER_S, p->cell_count);
	}
	for (size_t i = 0; good && i < spec->meter_count; i++)
		pue_set_quality(p, i, QUALITY_INVALID, QUALITY_INVALID);
	for (size_t i = 0; good && i < spec->window_count; i++)
		good = pue_ring_init(&p->windows[p->window_count++], spec->windows[i], p->step_s);
	if (!good) {
		pue_free(p);
		return NULL;
	}
	return p;
}

void pue_free(struct pue *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->entry_count; i++) {
		meter_deinit(&p->entries[i].meter);
		free(p->entries[i].name);
	}
	for (size_t i = 0; i < p->window_count; i++)
		pue_ring_deinit(&p->windows[i]);
	free(p->entries);
	free(p);
}

static void fold_cells(struct pue *p, int64_t cell, int64_t count)
{
	struct pue_cells sums = { .cell = cell, .count = count, .good = true };
	const int64_t whole = count * p->step_s * NS_PER_S;
	bool known = true;
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++)
		sums.known[r] = true;
	for (size_t i = 0; i < p->entry_count; i++) {
		struct entry *e = &p->entries[i];
		struct meter_cell c = meter_fold(&e->meter, cell, count);
		sums.millijoules[e->role] += c.millijoules;
		e->joules += (double)c.millijoules / 1000;
		sums.known[e->role] &= c.known_ns == whole;
		/* an optional meter that is missing leaves its own role unknown, not the PUE */
		if (is_needed(p, e->role)) {
			known &= c.known_ns == whole;
			sums.good &= c.good_ns == whole;
		}
	}
	for (size_t i = 0; known && i < p->window_count; i++)
		pue_ring_add(&p->windows[i], &sums);
}

/* How many cells from `next_cell` on may be folded as one: while every meter has one even span, or nothing,
 * and up to the end of a bucket of any window that still reaches there. More than one only after a time when
 * nothing was polled. */
static int64_t even_cells(const struct pue *p, int64_t until)
{
	int64_t next = p->next_cell, end = until;
	for (size_t i = 0; i < p->entry_count; i++) {
		int64_t even = meter_even_until(&p->entries[i].meter, next);
		end = even < end ? even : end;
	}
	for (size_t i = 0; i < p->window_count; i++) {
		int64_t edge = pue_ring_edge(&p->windows[i], next, until);
		end = edge < end ? edge : end;
	}
	return end > next ? end - next : 1;
}

/* A meter that the PUE does not need is waited for only while it is about as current as the others, or as
 * they were when polling went on, or while its counter waits to be believed. */
static bool is_waited_for(const struct pue *p, const struct entry *e, int64_t newest)
{
	int64_t patience = 3 * e->meter.type.interval_ns / (p->step_s * NS_PER_S) + 2;
	int64_t current = e->meter.next_cell > p->resumed_cell ? e->meter.next_cell : p->resumed_cell;
	return is_needed(p, e->role) || e->meter.counter.held_count > 0 || newest - current <= patience;
}

static void fold(struct pue *p)
{
	int64_t all = INT64_MAX, newest = INT64_MIN;
	for (size_t i = 0; i < p->entry_count; i++)
		if (p->entries[i].meter.next_cell > newest)
			newest = p->entries[i].meter.next_cell;
	for (size_t i = 0; i < p->entry_count; i++) {
		const struct entry *e = &p->entries[i];
		if (e->meter.next_cell < all && is_waited_for(p, e, newest))
			all = e->meter.next_cell;
	}
	/* A meter that is far behind is given up: its cells are folded as unknown. After a time when nothing
	 * was polled all are far behind until they were read again. */
	int64_t behind = all > p->resumed_cell ? all : p->resumed_cell;
	if (newest - p->cell_count > behind)
		all = newest - p->cell_count;
	while (p->next_cell < all) {
		int64_t count = even_cells(p, all);
		fold_cells(p, p->next_cell, count);
		p->next_cell += count;
		p->restored = NULL;
	}
}

/* After a step back the same UTC comes again: what was measured for it the first time is dropped. */
static void drop_future(struct pue *p)
{
	for (size_t i = 0; i < p->window_count; i++)
		pue_ring_drop_from(&p->windows[i], p->next_cell);
}

static int64_t cell_at(const struct pue *p, int64_t time_ns)
{
	return (time_ns + p->offset_ns) / (p->step_s * NS_PER_S);
}

static void begin_anew(struct pue *p, int64_t time_ns)
{
	for (size_t i = 0; i < p->entry_count; i++)
		meter_set_offset(&p->entries[i].meter, p->offset_ns, time_ns);
	p->next_cell = cell_at(p, time_ns);
	p->resumed_cell = 0;
	drop_future(p);
}

static void set_clock(struct pue *p, int64_t time_ns, int64_t offset_ns)
{
	if (p->started && llabs(offset_ns - p->offset_ns) < CLOCK_STEP_NS)
		return;
	p->started = true;
	p->offset_ns = offset_ns;
	if (!p->restored) {
		begin_anew(p, time_ns);
		return;
	}
	/* a clock that was wrong at boot: what was saved is of a UTC that was right */
	for (size_t i = 0; i < p->entry_count; i++)
		meter_set_offset(&p->entries[i].meter, offset_ns, time_ns);
	p->resumed_cell = cell_at(p, time_ns);
}

/* Lets go of what lies ahead of a clock that nobody sets right. */
static void drop_ahead(struct pue *p, int64_t time_ns)
{
	if (!p->restored || cell_at(p, time_ns) >= p->next_cell)
		return;
	p->restored = NULL;
	for (size_t i = 0; i < p->entry_count; i++)
		meter_forget(&p->entries[i].meter);
	begin_anew(p, time_ns);
}

struct counter_step pue_read(struct pue *p, size_t i, const struct meter_reading *r, int64_t offset_ns)
{
	struct meter *m = &p->entries[i].meter;
	set_clock(p, r->time_ns, offset_ns);
	if (p->restored && wall_clock_judge(p->restored, r->time_ns, offset_ns)) {
		meter_note_power(m, r); /* nothing is counted yet */
		return (struct counter_step){ .event = COUNTER_SAME };
	}
	drop_ahead(p, r->time_ns);
	int64_t before = m->next_cell;
	struct counter_step step = meter_read(m, r);
	if (m->next_cell - before > p->cell_count)
		p->resumed_cell = m->next_cell;
	fold(p);
	return step;
}

void pue_set_quality(struct pue *p, size_t i, enum quality power, enum quality energy)
{
	struct entry *e = &p->entries[i];
	e->power = power;
	e->energy = energy;
	enum quality worst = quality_worst(power, energy);
	if (worst == QUALITY_INVALID)
		snprintf(e->reason, sizeof(e->reason), "%s has no reading yet", e->name);
	else
		snprintf(e->reason, sizeof(e->reason), "%s is %s", e->name, quality_word(worst));
}

/* The latest moment at which every meter with power has a reading. */
static int64_t common_time(const struct pue *p)
{
	int64_t t = INT64_MAX;
	for (size_t i = 0; i < p->entry_count; i++) {
		const struct entry *e = &p->entries[i];
		if (e->meter.type.has_power && is_needed(p, e->role) && meter_last_power_ns(&e->meter) < t)
			t = meter_last_power_ns(&e->meter);
	}
	return t;
}

/* Sum of a role's powers in watts onto `*sum`; the quality of the figure is the worst of them. */
static void add_role(const struct pue *p, enum pue_role role, int64_t when, double sign, struct figure *sum)
{
	for (size_t i = 0; i < p->entry_count && quality_has_value(sum->quality); i++) {
		const struct entry *e = &p->entries[i];
		if (e->role != role)
			continue;
		if (!e->meter.type.has_power)
			*sum = figure_invalid("a needed meter gives energy only, no power");
		else if (!quality_has_value(e->power))
			*sum = figure_invalid(e->reason);
		else {
			sum->value += sign * meter_watts_at(&e->meter, when);
			sum->quality = quality_worst(sum->quality, e->power);
		}
	}
}

struct figure pue_role_power(const struct pue *p, enum pue_role role)
{
	struct figure sum = { 0, QUALITY_GOOD, NULL };
	add_role(p, role, common_time(p), 1e-3, &sum);
	return sum;
}

/* A quotient with the rules that both the ratio of powers and the windows share. */
static struct figure divide(double total, double it, enum quality q)
{
	if (!(it > 0))
		return figure_invalid("no IT load");
	struct figure f = { total / it, q, NULL };
	if (f.value < 1)
		figure_worsen(&f, QUALITY_SUSPECT, "below 1: a meter or its role is wrong");
	return f;
}

struct figure pue_power_ratio(const struct pue *p, int64_t *time_ns)
{
	struct figure total = { 0, QUALITY_GOOD, NULL }, it = total;
	int64_t when = *time_ns = common_time(p);

	add_role(p, PUE_IT, when, 1, &it);
	if (pue_is_partial(p)) {
		add_role(p, PUE_IT, when, 1, &total);
		add_role(p, PUE_COOLING, when, 1, &total);
		add_role(p, PUE_LOSS, when, 1, &total);
	} else {
		add_role(p, PUE_FACILITY, when, 1, &total);
	}
	add_role(p, PUE_EXPORT, when, -1, &total);
	add_role(p, PUE_IT_EMBEDDED_COOLING, when, -1, &it);
	if (!quality_has_value(total.quality))
		return total;
	if (!quality_has_value(it.quality))
		return it;
	return divide(total.value, it.value, quality_worst(total.quality, it.quality));
}

/* A window cannot end now while a needed meter has no reading for now. */
static struct figure current_state(const struct pue *p)
{
	struct figure f = { NAN, QUALITY_GOOD, NULL };
	if (p->restored && p->restored->is_behind)
		return figure_invalid("the clock is behind what was measured before the restart");
	for (size_t i = 0; i < p->entry_count; i++) {
		const struct entry *e = &p->entries[i];
		enum quality q = e->meter.type.has_counter ? e->energy : e->power;
		if (is_needed(p, e->role) && !quality_has_value(q))
			return figure_invalid(e->reason);
	}
	return f;
}

static double it_quantum(const struct pue *p)
{
	double quantum = 0;
	for (size_t i = 0; i < p->entry_count; i++) {
		const struct entry *e = &p->entries[i];
		if (e->role == PUE_IT && e->meter.type.has_counter)
			quantum = fmax(quantum, counter_quantum(&e->meter.counter));
	}
	return quantum;
}

static struct figure judge(
    const struct pue *p, const struct pue_ring *w, double coverage, double total, double it)
{
	bool day = w->seconds >= DAY_S;
	struct figure now = current_state(p);
	if (!day && !quality_has_value(now.quality))
		return now;
	if (coverage < (day ? PUE_COVERAGE_ESTIMATED_DAY : PUE_COVERAGE_ESTIMATED))
		return figure_invalid("too little of the window is covered");
	if (it < PUE_MIN_QUANTA * it_quantum(p))
		return figure_invalid("less IT energy than 100 steps of its counter");
	bool good = coverage >= (day ? PUE_COVERAGE_GOOD_DAY : PUE_COVERAGE_GOOD);
	struct figure f = divide(total, it, good ? QUALITY_GOOD : QUALITY_ESTIMATED);
	if (f.quality == QUALITY_ESTIMATED)
		f.reason = "part of the window is not covered by good readings";
	return f;
}

/* Variance of a role's energy, with independent meters: each has its class of its own energy, and of the
 * role's energy the share that it has counted so far. NAN when a class is not known. */
static double variance(const struct pue *p, enum pue_role role, double joules)
{
	double counted = 0, sum = 0;
	for (size_t i = 0; i < p->entry_count; i++)
		if (p->entries[i].role == role)
			counted += p->entries[i].joules;
	for (size_t i = 0; i < p->entry_count; i++) {
		const struct entry *e = &p->entries[i];
		if (e->role == role && counted != 0) {
			double u = e->meter.type.accuracy * joules * e->joules / counted;
			sum += u * u;
		}
	}
	return sum;
}

static double uncertainty(const struct pue *p, const double joules[PUE_ROLE_COUNT])
{
	double variances[PUE_ROLE_COUNT];
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++)
		variances[r] = variance(p, (enum pue_role)r, joules[r]);
	return pue_roles_uncertainty(p->has_role, joules, variances);
}

struct pue_window pue_window(const struct pue *p, size_t window)
{
	const struct pue_ring *w = &p->windows[window];
	struct pue_energies sum = pue_ring_sum(w, p->next_cell);
	double it = pue_roles_it(sum.joules), total = pue_roles_total(p->has_role, sum.joules);
	struct pue_window out = { .coverage = (double)(sum.good * p->step_s) / (double)w->seconds,
		.uncertainty = NAN };
	if (p->started) {
		out.start_ms = sum.start_s * 1000;
		out.end_ms = sum.end_s * 1000;
	}
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++) {
		out.has_role[r] = p->has_role[r];
		out.kwh[r] = sum.known > 0 && sum.role_known[r] == sum.known ? sum.joules[r] / 3.6e6 : NAN;
	}
	out.parts = pue_roles_parts(p->has_role, out.kwh, total / 3.6e6);
	out.pue = out.ere = judge(p, w, out.coverage, total, it);
	if (!quality_has_value(out.pue.quality))
		return out;
	out.uncertainty = uncertainty(p, sum.joules);
	out.ere.value = (total - sum.joules[PUE_REUSE_HEAT]) / it;
	if (sum.role_known[PUE_REUSE_HEAT] < sum.known)
		out.ere = figure_invalid("the reused heat is not known for all of the covered time");
	return out;
}

void pue_save(const struct pue *p, struct bytes_writer *w)
{
	bytes_put_integer(w, 2 * COUNTER_LAYOUT + p->started);
	bytes_put_integer(w, p->next_cell);
	bytes_put_integer(w, (int64_t)p->entry_count);
	for (size_t i = 0; i < p->entry_count; i++) {
		meter_save(&p->entries[i].meter, p->next_cell, w);
		bytes_put_number(w, p->entries[i].joules);
	}
	bytes_put_integer(w, (int64_t)p->window_count);
	for (size_t i = 0; i < p->window_count; i++)
		pue_ring_save(&p->windows[i], w);
}

int pue_load(struct pue *p, struct bytes_reader *r, struct wall_clock *clock)
{
	const int64_t step_ns = p->step_s * NS_PER_S;
	const int64_t head = bytes_take_within(r, 0, 2 * COUNTER_LAYOUT + 1);
	p->started = head % 2;
	p->next_cell = bytes_take_within(r, 0, INT64_MAX / step_ns);
	p->offset_ns = clock->offset_ns;
	p->restored = p->started ? clock : NULL;
	if (p->started && p->next_cell * step_ns > clock->newest_ns)
		clock->newest_ns = p->next_cell * step_ns;
	p->resumed_cell = (clock->now_ns + clock->offset_ns) / step_ns;
	if (bytes_take_integer(r) != (int64_t)p->entry_count)
		r->bad = true;
	for (size_t i = 0; i < p->entry_count && !r->bad; i++) {
		meter_load(&p->entries[i].meter, clock, (int)(head / 2), r);
		p->entries[i].joules = bytes_take_number(r);
	}
	if (bytes_take_integer(r) != (int64_t)p->window_count)
		r->bad = true;
	for (size_t i = 0; i < p->window_count && !r->bad; i++)
		pue_ring_load(&p->windows[i], r);
	return r->bad ? -EBADMSG : 0;
}
