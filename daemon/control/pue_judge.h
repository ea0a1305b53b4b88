/* pue_judge: what the energies of a time allow to be said of its PUE (pure).
 *
 * One judgement for windows and records. A ratio is stated by how much of the time was measured, by what is
 * suspect of it, and by the meters: each that the PUE needs has a class, a step and a refresh, and none of
 * them may hide what counts.
 */
#pragma once

#include "daemon/control/figure.h"
#include "daemon/control/pue_roles.h"

/* Coverage below which a time is estimated, and below which it is not stated. */
#define PUE_COVERAGE_GOOD 0.95
#define PUE_COVERAGE_ESTIMATED 0.90
#define PUE_COVERAGE_GOOD_DAY 0.98 /* of a day or more */
#define PUE_COVERAGE_ESTIMATED_DAY 0.96
#define PUE_COVERAGE_COMPLETE_DAY 0.75 /* the same, when counters have closed every gap */
/* Below so many steps of its counter an energy is too coarse for a ratio, and below so many of its refreshes
 * a time too short. */
#define PUE_MIN_QUANTA 100
#define PUE_MIN_REFRESHES 10
/* What is less than this share of the IT energy does not count. */
#define PUE_NEGLIGIBLE 0.001

/* Begins with what is known of the time, and zeros; then each meter is told. Energies are in joules. */
struct pue_judge {
	const bool *has_role;
	const double *joules; /* by role */
	double seconds, coverage;
	bool energy_complete;  /* the energies are there for all of the time */
	double suspect_joules; /* of needed meters that show what cannot be */
	bool is_coarse;	       /* a needed meter took too few of its steps */
	double slow;	       /* energy of needed meters that refresh too seldom */
	bool is_water_coarse;
	double variances[PUE_ROLE_COUNT];
};

/* A meter's part of its role, which is that of its own counter. */
struct pue_judge_meter {
	enum pue_role role;
	double joules;
	double accuracy;  /* class as a fraction; NAN = not known */
	double quantum;	  /* energy of a step of its counter; 0 = it has none */
	double refresh_s; /* of its counter; 0 = each reading is another */
};

void pue_judge_meter(struct pue_judge *j, const struct pue_judge_meter *m);

/* PUE = E_total / E_IT, with its quality. */
struct figure pue_judge_ratio(const struct pue_judge *j);

/* ERE = (E_total - reused heat) / E_IT, where that ratio is stated and the heat is `known` for all of the
 * time.
 */
struct figure pue_judge_ere(const struct pue_judge *j, const struct figure *ratio, bool known);

/* WUE = water / E_IT in L/kWh (m3/MWh), ISO/IEC 30134-9: likewise, and unless its meters hide what counts. */
struct figure pue_judge_wue(const struct pue_judge *j, const struct figure *ratio, bool known);

/* Of that ratio, k = 2; NAN while a needed meter has no class. Meters are independent: each has its class of
 * its own energy, and its counter may be a step and a refresh behind or ahead at the edges of the time. */
double pue_judge_uncertainty(const struct pue_judge *j);

/* A quotient of whatever total and IT: never clamped, below 1 suspect, and none without IT. */
struct figure pue_judge_divide(double total, double it, enum quality q);

/* Why a figure with a negative meter in it is suspect. */
extern const char pue_judge_negative[];
