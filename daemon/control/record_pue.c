#include "daemon/control/record_pue.h"

#include "daemon/control/pue_judge.h"

#include <math.h>
#include <string.h>

/* Parts of a second that cells at the edges of readings may lack. */
#define ROUNDING_MS 1000
#define MJ_PER_KWH 3.6e9
#define JOULES_PER_KWH 3.6e6

/* Class of a configured meter as a fraction; NAN = not known. */
static double accuracy_of(const struct config *c, const struct pue_config *pue, const struct record_key *k)
{
	for (size_t i = 0; pue && i < pue->meter_count; i++) {
		const struct pue_meter *m = &pue->meters[i];
		const struct point_ref any = pue_meter_any(m);
		if (strcmp(m->name, k->item) == 0 && strcmp(pue_role_word(m->role), k->part) == 0 &&
		    point_ref_is_set(any))
			return c->devices[any.device].accuracy_class / 100;
	}
	return NAN;
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

/* Tells each meter: of the role's energy, which is that of the known time, it has the share that it has of
 * what all meters of the role have counted. */
static void judge_meters(const struct record_batch *b, const struct config *c, const char *name,
    int64_t period, struct pue_judge *j)
{
	const struct pue_config *pue = name_index_find(&c->pue_names, name, strlen(name));
	double counted[PUE_ROLE_COUNT] = { 0 };
	for (size_t i = 0; i < b->count; i++) {
		const unsigned role = role_of(b->rows[i].key.part);
		if (is_of(&b->rows[i], RECORD_ENERGY, period, name) && role < PUE_ROLE_COUNT)
			counted[role] += (double)b->rows[i].sums.amount;
	}
	for (size_t i = 0; i < b->count; i++) {
		const struct record_row *r = &b->rows[i];
		const unsigned role = role_of(r->key.part);
		if (!is_of(r, RECORD_ENERGY, period, name) || role >= PUE_ROLE_COUNT)
			continue;
		const double all = counted[role], own = (double)r->sums.amount;
		pue_judge_meter(
		    j, &(struct pue_judge_meter){ (enum pue_role)role,
			   all == 0 ? 0 : j->joules[role] * own / all, accuracy_of(c, pue, &r->key),
			   r->sums.quantum * JOULES_PER_KWH, (double)r->sums.refresh_ms / 1e3 });
	}
}

/* Why nothing is said of it; NULL = it is judged. */
static const char *refuse(const struct record_pue *r, bool struck)
{
	for (unsigned i = 0; i < PUE_ROLE_COUNT; i++)
		if (isnan(r->kwh[i]) && pue_roles_need(r->has_role, (enum pue_role)i))
			return "a needed role is not known for all of the time";
	return struck ? "it is struck out" : NULL;
}

struct record_pue record_pue_compute(const struct record_batch *b, const struct config *c, const char *name,
    int64_t period, int64_t length_ms, bool struck)
{
	struct record_pue out = { .uncertainty = NAN };
	double estimated[PUE_ROLE_COUNT] = { 0 }, joules[PUE_ROLE_COUNT];
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
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++)
		joules[r] = out.kwh[r] * JOULES_PER_KWH;
	struct pue_judge j = { .has_role = out.has_role,
		.joules = joules,
		.seconds = (double)length_ms / 1e3,
		.coverage = out.coverage,
		.energy_complete = out.energy_complete,
		.suspect_joules = (double)covered.amount / 1e3 };
	judge_meters(b, c, name, period, &j);
	const char *why = refuse(&out, struck);
	out.pue = why ? figure_invalid(why) : pue_judge_ratio(&j);
	out.ere = pue_judge_ere(&j, &out.pue, !isnan(joules[PUE_REUSE_HEAT]));
	out.wue = pue_judge_wue(&j, &out.pue, !isnan(joules[PUE_WATER]));
	if (quality_has_value(out.pue.quality))
		out.uncertainty = pue_judge_uncertainty(&j);
	return out;
}
