#include "daemon/control/pue_judge.h"

#include <math.h>

#define DAY_S 86400
#define JOULES_PER_KWH 3.6e6
#define JOULES_PER_LITRE (PUE_WATER_JOULES / 1000)

const char pue_judge_negative[] = "a meter shows negative power: a current transformer is reversed, or it is "
				  "a meter that counts both ways";

/* Whether the step of a water meter is much of what it counted, and more than a thousandth of a litre to a
 * kWh of IT. */
static bool hides_water(const struct pue_judge *j, const struct pue_judge_meter *m)
{
	const double it_kwh = pue_roles_it(j->joules) / JOULES_PER_KWH;
	return fabs(m->joules) < PUE_MIN_QUANTA * m->quantum &&
	       m->quantum / JOULES_PER_LITRE > PUE_NEGLIGIBLE * it_kwh;
}

void pue_judge_meter(struct pue_judge *j, const struct pue_judge_meter *m)
{
	const double class = m->joules == 0 ? 0 : m->accuracy * m->joules, own = fabs(m->joules);
	const double refresh = own * m->refresh_s / j->seconds;
	j->variances[m->role] += class * class + m->quantum * m->quantum + refresh * refresh;
	if (m->role == PUE_WATER)
		j->is_water_coarse |= j->seconds < PUE_MIN_REFRESHES * m->refresh_s || hides_water(j, m);
	if (!pue_roles_need(j->has_role, m->role))
		return;
	/* the two energies that are divided count however small they are */
	const double it = pue_roles_it(j->joules), total = pue_roles_total(j->has_role, j->joules);
	const double quanta = PUE_MIN_QUANTA * m->quantum;
	j->is_coarse |= m->role == PUE_FACILITY && fabs(total) < quanta;
	j->is_coarse |= m->role == PUE_IT && it < quanta;
	j->is_coarse |= own < quanta && m->quantum > PUE_NEGLIGIBLE * it;
	if (j->seconds < PUE_MIN_REFRESHES * m->refresh_s)
		j->slow += own;
}

struct figure pue_judge_divide(double total, double it, enum quality q)
{
	if (!(it > 0))
		return figure_invalid("no IT load");
	struct figure f = { total / it, q, NULL };
	if (f.value < 1)
		figure_worsen(&f, QUALITY_SUSPECT, "below 1: a meter or its role is wrong");
	return f;
}

/* Whether so much coverage allows a figure, and which quality; QUALITY_INVALID when it does not. */
static enum quality judge_coverage(const struct pue_judge *j)
{
	const bool day = j->seconds >= DAY_S;
	if (j->coverage >= (day ? PUE_COVERAGE_GOOD_DAY : PUE_COVERAGE_GOOD))
		return QUALITY_GOOD;
	const double enough = !day		   ? PUE_COVERAGE_ESTIMATED
			      : j->energy_complete ? PUE_COVERAGE_COMPLETE_DAY
						   : PUE_COVERAGE_ESTIMATED_DAY;
	return j->coverage >= enough ? QUALITY_ESTIMATED : QUALITY_INVALID;
}

/* A moment says nothing of a year: an energy that counts does. */
static bool is_suspect(const struct pue_judge *j)
{
	return j->suspect_joules > PUE_NEGLIGIBLE * pue_roles_it(j->joules);
}

struct figure pue_judge_ratio(const struct pue_judge *j)
{
	const double it = pue_roles_it(j->joules), total = pue_roles_total(j->has_role, j->joules);
	if (j->slow > PUE_NEGLIGIBLE * it)
		return figure_invalid("shorter than ten refreshes of a needed counter");
	const enum quality covered = judge_coverage(j);
	if (covered == QUALITY_INVALID)
		return figure_invalid("too little of the time was measured");
	if (j->is_coarse)
		return figure_invalid("less energy than 100 steps of a needed counter");
	struct figure f = pue_judge_divide(total, it, covered);
	if (is_suspect(j) && quality_has_value(f.quality))
		figure_worsen(&f, QUALITY_SUSPECT, pue_judge_negative);
	if (f.quality == QUALITY_ESTIMATED)
		f.reason = "part of the time was not measured";
	return f;
}

struct figure pue_judge_ere(const struct pue_judge *j, const struct figure *ratio, bool known)
{
	struct figure f = *ratio;
	if (!quality_has_value(f.quality))
		return f;
	if (!known)
		return figure_invalid("the reused heat is not known for all of the time");
	f.value =
	    (pue_roles_total(j->has_role, j->joules) - j->joules[PUE_REUSE_HEAT]) / pue_roles_it(j->joules);
	return f;
}

struct figure pue_judge_wue(const struct pue_judge *j, const struct figure *ratio, bool known)
{
	struct figure f = *ratio;
	if (!quality_has_value(f.quality))
		return f;
	if (!known)
		return figure_invalid("the water is not known for all of the time");
	if (j->is_water_coarse)
		return figure_invalid("a water meter takes too large steps for so short a time");
	f.value = j->joules[PUE_WATER] / JOULES_PER_LITRE / (pue_roles_it(j->joules) / JOULES_PER_KWH);
	return f;
}

double pue_judge_uncertainty(const struct pue_judge *j)
{
	return pue_roles_uncertainty(j->has_role, j->joules, j->variances);
}
