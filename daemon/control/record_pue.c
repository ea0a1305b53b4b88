#include "daemon/control/record_pue.h"

#include "daemon/control/pue.h"

#include <math.h>
#include <string.h>

#define DAY_MS (24 * RECORD_HOUR_MS)
/* Parts of a second that cells at the edges of readings may lack. */
#define ROUNDING_MS 1000
#define MJ_PER_KWH 3.6e9

/* What of a configured meter counts for the figures. */
struct meter_facts {
	double accuracy; /* as a fraction; NAN = not known */
	double quantum;	 /* kWh; 0 = not known, or there is no counter */
};

static struct meter_facts facts_of(
    const struct config *c, const struct pue_config *pue, const struct record_key *k)
{
	struct meter_facts f = { NAN, 0 };
	for (size_t i = 0; pue && i < pue->meter_count; i++) {
		const struct pue_meter *m = &pue->meters[i];
		const struct point_ref any = pue_meter_any(m);
		if (strcmp(m->name, k->item) != 0 || strcmp(pue_role_word(m->role), k->part) != 0)
			continue;
		if (point_ref_is_set(any))
			f.accuracy = c->devices[any.device].accuracy_class / 100;
		if (point_ref_is_set(m->energy)) {
			const struct point *p = reference_get(c, m->energy);
			f.quantum = point_is_scaled_by_other(p) || point_format(p) == POINT_FLOAT
					? 0
					: p->scale * p->factor / 3.6e6;
		}
	}
	return f;
}

static bool is_of(const struct record_row *r, enum record_kind kind, int64_t period, const char *name)
{
	return r->key.kind == kind && r->key.period == period && strcmp(r->key.owner, name) == 0;
}

static unsigned role_of(const char *word)
{
	unsigned r = 0;
	while (r < PUE_ROLE_COUNT && strcmp(pue_role_word((enum pue_role)r), word) != 0)
		r++;
	return r;
}

/* The variance of each role's energy (pue.h), and whether a needed meter counted too few of its steps. */
static bool add_meters(const struct record_batch *b, const struct config *c, const char *name, int64_t period,
    const struct record_pue *out, double variances[PUE_ROLE_COUNT])
{
	const struct pue_config *pue = name_index_find(&c->pue_names, name, strlen(name));
	double counted[PUE_ROLE_COUNT] = { 0 };
	bool coarse = false;
	for (size_t i = 0; i < b->count; i++) {
		const unsigned role = role_of(b->rows[i].key.part);
		if (is_of(&b->rows[i], RECORD_ENERGY, period, name) && role < PUE_ROLE_COUNT)
			counted[role] += (double)b->rows[i].sums.amount / MJ_PER_KWH;
	}
	for (size_t i = 0; i < b->count; i++) {
		const struct record_row *r = &b->rows[i];
		const unsigned role = role_of(r->key.part);
		if (!is_of(r, RECORD_ENERGY, period, name) || role >= PUE_ROLE_COUNT || counted[role] == 0)
			continue;
		const struct meter_facts f = facts_of(c, pue, &r->key);
		const double kwh = (double)r->sums.amount / MJ_PER_KWH;
		const double u = f.accuracy * out->kwh[role] * kwh / counted[role];
		variances[role] += u * u + f.quantum * f.quantum;
		if (pue_roles_need(out->has_role, (enum pue_role)role))
			coarse |= kwh < PUE_MIN_QUANTA * f.quantum && kwh > 0;
	}
	return coarse;
}

static struct figure judge(const struct record_pue *r, double total, double it, bool coarse, bool day)
{
	const double good = day ? PUE_COVERAGE_GOOD_DAY : PUE_COVERAGE_GOOD,
		     least = day ? PUE_COVERAGE_ESTIMATED_DAY : PUE_COVERAGE_ESTIMATED;
	if (isnan(total) || isnan(it))
		return figure_invalid("a needed role is not known for all of the time");
	if (r->coverage < (r->energy_complete ? RECORD_COVERAGE_CLOSED : least))
		return figure_invalid("too little of the time was measured");
	if (coarse)
		return figure_invalid("a needed meter counted less than 100 of its steps");
	if (!(it > 0))
		return figure_invalid("no IT load");
	struct figure f = { total / it, QUALITY_GOOD, NULL };
	if (r->coverage < good)
		figure_worsen(&f, QUALITY_ESTIMATED, "part of the time was not measured");
	if (f.value < 1)
		figure_worsen(&f, QUALITY_SUSPECT, "below 1: a meter or its role is wrong");
	return f;
}

struct record_pue record_pue_compute(const struct record_batch *b, const struct config *c, const char *name,
    int64_t period, int64_t length_ms, bool struck)
{
	struct record_pue out = { .uncertainty = NAN };
	double variances[PUE_ROLE_COUNT] = { 0 }, estimated[PUE_ROLE_COUNT] = { 0 };
	const struct record_key all = { RECORD_PUE, period, name, "", "" };
	const struct record_row *time = record_find(b, &all);
	const struct record_sums covered = time ? time->sums : record_none();
	for (size_t i = 0; i < b->count; i++) {
		const struct record_row *r = &b->rows[i];
		const unsigned role = role_of(r->key.part);
		if (!is_of(r, RECORD_PUE, period, name) || role >= PUE_ROLE_COUNT)
			continue;
		bool known = r->sums.known_ms + ROUNDING_MS >= covered.known_ms;
		out.has_role[role] = true;
		out.kwh[role] = known ? (double)r->sums.amount / MJ_PER_KWH : NAN;
		estimated[role] = known ? (double)r->sums.estimated / MJ_PER_KWH : 0;
	}
	out.coverage = length_ms > 0 ? fmin((double)covered.good_ms / (double)length_ms, 1) : 0;
	out.energy_complete = covered.known_ms + ROUNDING_MS >= length_ms;
	out.estimated_kwh = pue_roles_total(out.has_role, estimated);
	const double total = pue_roles_total(out.has_role, out.kwh), it = pue_roles_it(out.kwh);
	const bool coarse = add_meters(b, c, name, period, &out, variances);
	out.pue =
	    struck ? figure_invalid("it is struck out") : judge(&out, total, it, coarse, length_ms >= DAY_MS);
	out.ere = out.has_role[PUE_REUSE_HEAT] ? out.pue : figure_invalid("no reused heat is configured");
	if (!quality_has_value(out.pue.quality))
		return out;
	out.uncertainty = pue_roles_uncertainty(out.has_role, out.kwh, variances);
	if (isnan(out.kwh[PUE_REUSE_HEAT]))
		out.ere = figure_invalid("the reused heat is not known for all of the time");
	else if (out.has_role[PUE_REUSE_HEAT])
		out.ere.value = (total - out.kwh[PUE_REUSE_HEAT]) / it;
	return out;
}
