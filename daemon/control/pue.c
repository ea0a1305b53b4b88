#include "daemon/control/pue.h"

#include "daemon/control/pue_grid.h"
#include "daemon/control/pue_judge.h"
#include "drivers/os/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S 86400

/* Of a meter of the grid. */
/* A reading that does not come for so many polls is stale everywhere. */
#define BEHIND_POLLS 3

struct entry {
	char *name;
	enum quality power, energy;
	char reason[128]; /* while a quality has no value: which meter and why */
	char behind[128]; /* while others have powers of later moments */
};

struct pue {
	struct pue_grid grid;
	struct entry *entries;
	size_t entry_count;
};

bool pue_is_partial(const struct pue *p)
{
	return pue_roles_are_partial(p->grid.has_role);
}

static bool is_needed(const struct pue *p, enum pue_role r)
{
	return pue_roles_need(p->grid.has_role, r);
}

/* A ratio of powers is of the moment that the slowest meter has, which may be late. */
#define COMPARED_INTERVALS 3

/* The others keep their power for as long. */
static bool keep_powers(struct pue *p)
{
	int64_t slowest = 0;
	bool good = true;
	for (size_t i = 0; i < p->entry_count; i++) {
		const struct meter_type *t = &p->grid.meters[i].meter.type;
		int64_t interval = t->power_interval_ns > 0 ? t->power_interval_ns : t->interval_ns;
		if (t->has_power && interval > slowest)
			slowest = interval;
	}
	for (size_t i = 0; i < p->entry_count; i++)
		good &= meter_keep_power(&p->grid.meters[i].meter, COMPARED_INTERVALS * slowest);
	return good;
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
	p->entries = calloc(spec->meter_count + 1, sizeof(p->entries[0]));
	bool good = p->entries != NULL && pue_grid_init(&p->grid, spec->meter_count, slowest_interval(spec));
	for (size_t i = 0; good && i < spec->meter_count; i++) {
		struct entry *e = &p->entries[p->entry_count++];
		e->name = strdup(spec->meters[i].name);
		if (e->name)
			snprintf(
			    e->behind, sizeof(e->behind), "%s has had no usable power for a while", e->name);
		good = e->name && pue_grid_add_meter(&p->grid, spec->meters[i].role, &spec->meters[i].type);
	}
	good = good && keep_powers(p);
	for (size_t i = 0; good && i < spec->meter_count; i++)
		pue_set_quality(p, i, QUALITY_INVALID, QUALITY_INVALID);
	for (size_t i = 0; good && i < spec->window_count; i++)
		good = pue_grid_add_window(&p->grid, spec->windows[i]);
	if (!good) {
		pue_free(p);
		return NULL;
	}
	pue_grid_trace(&p->grid, spec->trace_bytes);
	return p;
}

void pue_free(struct pue *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->entry_count; i++)
		free(p->entries[i].name);
	free(p->entries);
	pue_grid_deinit(&p->grid);
	free(p);
}

void pue_watch(struct pue *p, const struct pue_sink *to)
{
	p->grid.sink = *to;
}

struct counter_step pue_read(struct pue *p, size_t i, const struct meter_reading *r, int64_t offset_ns)
{
	return pue_grid_read(&p->grid, i, r, offset_ns);
}

void pue_set_quality(struct pue *p, size_t i, enum quality power, enum quality energy)
{
	struct entry *e = &p->entries[i];
	e->power = power;
	e->energy = energy;
	enum quality worst = quality_worst(power, energy);
	if (worst == QUALITY_SUSPECT)
		snprintf(e->reason, sizeof(e->reason), "%s is suspect, which is not counted", e->name);
	else if (worst == QUALITY_INVALID)
		snprintf(e->reason, sizeof(e->reason), "%s has no reading yet", e->name);
	else
		snprintf(e->reason, sizeof(e->reason), "%s is %s", e->name, quality_word(worst));
}

/* Of all that are needed, or of one role's alone. */
#define ANY_ROLE PUE_ROLE_COUNT

struct moment {
	int64_t common_ns; /* the latest at which each of those meters that has power has a reading */
	int64_t newest_ns; /* of any reading of a power */
};

static struct moment moment_of(const struct pue *p, enum pue_role role)
{
	struct moment at = { INT64_MAX, INT64_MIN };
	for (size_t i = 0; i < p->entry_count; i++) {
		const struct grid_meter *m = &p->grid.meters[i];
		const int64_t last = powers_last_ns(&m->meter.powers);
		bool counts = role == ANY_ROLE ? is_needed(p, m->role) : m->role == role;
		if (m->meter.type.has_power && counts && last < at.common_ns)
			at.common_ns = last;
		if (last > at.newest_ns)
			at.newest_ns = last;
	}
	return at;
}

/* Whether a meter's power is older than three of its polls, seen from the newest of any. */
static bool is_behind(const struct meter *m, int64_t newest_ns)
{
	int64_t own = powers_last_ns(&m->powers);
	return own != INT64_MIN && newest_ns - own > BEHIND_POLLS * m->powers.interval_ns;
}

/* What the IT needs at a moment, in watts; NAN when that is not known. */
static double it_watts(const struct pue *p, int64_t when)
{
	double sum = 0;
	for (size_t i = 0; i < p->entry_count; i++)
		if (p->grid.meters[i].role == PUE_IT)
			sum += powers_at(&p->grid.meters[i].meter.powers, when);
	return sum;
}

/* A meter's power in watts. */
static struct figure power_of(const struct pue *p, size_t i, struct moment at)
{
	const struct entry *e = &p->entries[i];
	const struct grid_meter *m = &p->grid.meters[i];
	struct figure f = { 0, e->power, NULL };
	if (!m->meter.type.has_power && m->role != PUE_EXPORT)
		return figure_invalid("a needed meter gives energy only, no power");
	if (!m->meter.type.has_power) {
		const double watts =
		    meter_counter_watts(&m->meter, PUE_NEGLIGIBLE * it_watts(p, at.common_ns));
		if (isnan(watts) && quality_has_value(e->energy))
			return figure_invalid(
			    "the counter of an export has not counted enough for a power yet");
		f = (struct figure){ watts, e->energy, NULL };
		figure_worsen(&f, QUALITY_ESTIMATED, "the power of an export is that of its counter");
	} else {
		f.value = powers_at(&m->meter.powers, at.common_ns);
	}
	if (f.quality > QUALITY_ESTIMATED)
		return figure_invalid(e->reason);
	if (m->meter.type.has_power && is_behind(&m->meter, at.newest_ns))
		return figure_invalid(e->behind);
	if (isnan(f.value))
		return figure_invalid("the meters have no power of the same moment yet");
	if (f.value < -METER_NOISE_SHARE * m->meter.most_watts)
		figure_worsen(&f, QUALITY_SUSPECT, pue_judge_negative);
	return f;
}

/* Sum of a role's powers in watts onto `*sum`; the quality of the figure is the worst of them. */
static void add_role(
    const struct pue *p, enum pue_role role, struct moment at, double sign, struct figure *sum)
{
	for (size_t i = 0; i < p->entry_count && quality_has_value(sum->quality); i++) {
		if (p->grid.meters[i].role != role)
			continue;
		struct figure f = power_of(p, i, at);
		if (!quality_has_value(f.quality)) {
			*sum = f;
			return;
		}
		sum->value += sign * f.value;
		figure_worsen(sum, f.quality, f.reason);
	}
}

struct figure pue_role_power(const struct pue *p, enum pue_role role)
{
	struct figure sum = { 0, QUALITY_GOOD, NULL };
	add_role(p, role, moment_of(p, role), 1e-3, &sum);
	return sum;
}

struct figure pue_power_ratio(const struct pue *p, int64_t *time_ns)
{
	struct figure total = { 0, QUALITY_GOOD, NULL }, it = total;
	const struct moment at = moment_of(p, ANY_ROLE);
	*time_ns = at.common_ns;

	add_role(p, PUE_IT, at, 1, &it);
	if (pue_is_partial(p)) {
		add_role(p, PUE_IT, at, 1, &total);
		add_role(p, PUE_COOLING, at, 1, &total);
		add_role(p, PUE_LOSS, at, 1, &total);
	} else {
		add_role(p, PUE_FACILITY, at, 1, &total);
	}
	add_role(p, PUE_EXPORT, at, -1, &total);
	add_role(p, PUE_IT_EMBEDDED_COOLING, at, -1, &it);
	if (!quality_has_value(total.quality))
		return total;
	if (!quality_has_value(it.quality))
		return it;
	figure_worsen(&total, it.quality, it.reason);
	struct figure f = pue_judge_divide(total.value, it.value, total.quality);
	if (f.quality == total.quality)
		f.reason = total.reason;
	return f;
}

/* A window cannot end now while a needed meter has no reading for now. */
static struct figure current_state(const struct pue *p)
{
	struct figure f = { NAN, QUALITY_GOOD, NULL };
	if (p->grid.restored && p->grid.restored->is_behind)
		return figure_invalid("the clock is behind what was measured before the restart");
	for (size_t i = 0; i < p->entry_count; i++) {
		const struct entry *e = &p->entries[i];
		const struct grid_meter *m = &p->grid.meters[i];
		enum quality q = m->meter.type.has_counter ? e->energy : e->power;
		if (is_needed(p, m->role) && !quality_has_value(q))
			return figure_invalid(e->reason);
	}
	return f;
}

double pue_meter_quantum(const struct pue *p, size_t i)
{
	const struct meter *m = &p->grid.meters[i].meter;
	return m->type.has_counter ? counter_quantum(&m->counter) : 0;
}

int64_t pue_meter_refresh(const struct pue *p, size_t i)
{
	const struct meter *m = &p->grid.meters[i].meter;
	return m->type.has_counter ? counter_refresh(&m->counter) : 0;
}

/* What its role has counted of late, by which the role's energy is shared out to its meters. */
static double counted_by(const struct pue *p, enum pue_role role)
{
	double counted = 0;
	for (size_t i = 0; i < p->entry_count; i++)
		if (p->grid.meters[i].role == role)
			counted += p->grid.meters[i].millijoules;
	return counted;
}

static struct pue_judge_meter part_of(const struct pue *p, size_t i, double joules, double counted)
{
	const struct grid_meter *m = &p->grid.meters[i];
	return (struct pue_judge_meter){ m->role, counted == 0 ? 0 : joules * m->millijoules / counted,
		m->meter.type.accuracy, pue_meter_quantum(p, i), (double)pue_meter_refresh(p, i) / NS_PER_S };
}

static void judge_meters(const struct pue *p, struct pue_judge *j)
{
	double counted[PUE_ROLE_COUNT];
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++)
		counted[r] = counted_by(p, (enum pue_role)r);
	for (size_t i = 0; i < p->entry_count; i++) {
		const enum pue_role role = p->grid.meters[i].role;
		const struct pue_judge_meter m = part_of(p, i, j->joules[role], counted[role]);
		pue_judge_meter(j, &m);
	}
}

struct pue_window pue_window(const struct pue *p, size_t window)
{
	const struct pue_ring *w = &p->grid.windows[window];
	struct pue_energies sum = pue_ring_sum(w, pue_grid_end(&p->grid));
	const double total = pue_roles_total(p->grid.has_role, sum.joules);
	struct pue_window out = { .coverage = (double)sum.good / (double)w->seconds,
		.energy_complete = sum.known >= w->seconds,
		.uncertainty = NAN };
	if (p->grid.started) {
		out.start_ms = sum.start_s * 1000;
		out.end_ms = sum.end_s * 1000;
	}
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++) {
		out.has_role[r] = p->grid.has_role[r];
		out.kwh[r] = sum.known > 0 && sum.role_known[r] == sum.known ? sum.joules[r] / 3.6e6 : NAN;
	}
	out.parts = pue_roles_parts(p->grid.has_role, out.kwh, total / 3.6e6);
	struct pue_judge j = { .has_role = p->grid.has_role,
		.joules = sum.joules,
		.seconds = (double)w->seconds,
		.coverage = out.coverage,
		.energy_complete = out.energy_complete,
		.suspect_joules = sum.suspect_joules };
	judge_meters(p, &j);
	struct figure now = current_state(p);
	out.pue = w->seconds < DAY_S && !quality_has_value(now.quality) ? now : pue_judge_ratio(&j);
	out.ere = pue_judge_ere(&j, &out.pue, sum.role_known[PUE_REUSE_HEAT] >= sum.known);
	out.wue = pue_judge_wue(&j, &out.pue, sum.role_known[PUE_WATER] >= sum.known);
	if (quality_has_value(out.pue.quality))
		out.uncertainty = pue_judge_uncertainty(&j);
	return out;
}

struct pue_doubt pue_window_doubt(const struct pue *p, size_t window, size_t meter)
{
	const struct grid_meter *g = &p->grid.meters[meter];
	const struct pue_ring *w = &p->grid.windows[window];
	const struct pue_energies sum = pue_ring_sum(w, pue_grid_end(&p->grid));
	const struct pue_judge_meter m = part_of(p, meter, sum.joules[g->role], counted_by(p, g->role));
	double slopes[PUE_ROLE_COUNT];
	pue_roles_slopes(p->grid.has_role, sum.joules, slopes);
	return (struct pue_doubt){ .role = g->role,
		.is_needed = is_needed(p, g->role),
		.energy = m.joules,
		.class = m.joules == 0 ? 0 : m.accuracy * m.joules,
		.step = m.quantum,
		.refresh = fabs(m.joules) * m.refresh_s / (double)w->seconds,
		.slope = slopes[g->role] };
}

struct pue_meter_power pue_meter_power(const struct pue *p, size_t meter, int64_t time_ns)
{
	const struct meter *m = &p->grid.meters[meter].meter;
	return (struct pue_meter_power){ m->type.has_power, powers_around(&m->powers, time_ns),
		power_of(p, meter, (struct moment){ time_ns, moment_of(p, ANY_ROLE).newest_ns }) };
}

const struct pue_trace *pue_trace_of(const struct pue *p)
{
	return p->grid.trace;
}

void pue_save_trace(const struct pue *p, struct bytes_writer *w)
{
	if (p->grid.trace)
		pue_trace_save(p->grid.trace, w);
}

void pue_load_trace(struct pue *p, struct bytes_reader *r)
{
	if (p->grid.trace)
		pue_trace_load(p->grid.trace, r);
}

int64_t pue_window_known_s(const struct pue *p, size_t window)
{
	return pue_ring_sum(&p->grid.windows[window], pue_grid_end(&p->grid)).known;
}

void pue_save(const struct pue *p, struct bytes_writer *w)
{
	pue_grid_save(&p->grid, w);
}

int pue_load(struct pue *p, struct bytes_reader *r, struct wall_clock *clock)
{
	pue_grid_load(&p->grid, r, clock);
	return r->bad ? -EBADMSG : 0;
}

static void inherit_trace(struct pue *p, const struct pue *from)
{
	struct bytes_writer w = { 0 };
	pue_save_trace(from, &w);
	struct bytes_reader r = bytes_reader_of(&w);
	if (!w.bad)
		pue_load_trace(p, &r);
	bytes_writer_deinit(&w);
}

bool pue_inherit(struct pue *p, const struct pue *from)
{
	struct bytes_writer w = { 0 };
	struct wall_clock clock = { .now_ns = pue_grid_time(&from->grid), .offset_ns = from->grid.offset_ns };
	pue_save(from, &w);
	struct bytes_reader r = bytes_reader_of(&w);
	bool good = !w.bad && pue_load(p, &r, &clock) == 0;
	p->grid.restored = NULL; /* the clock is the same */
	bytes_writer_deinit(&w);
	if (good)
		inherit_trace(p, from);
	return good;
}

bool pue_has_begun(const struct pue *p)
{
	return p->grid.started;
}

bool pue_is_saved_long_ago(struct bytes_reader r)
{
	return bytes_take_integer(&r) < INT64_C(2) * COUNTER_LAYOUT_CELLS;
}
