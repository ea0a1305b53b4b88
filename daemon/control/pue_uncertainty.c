/* The uncertainty of a PUE from the accuracy classes of its meters. */
#include "daemon/control/pue_private.h"

#include <math.h>

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

/* First-order propagation, JCGM 100:2008 (GUM) 5.1.2, of PUE = total / it over the energies that it is made
 * of. With one facility and one IT meter that is PUE * sqrt(class_total^2 + class_it^2). The class is taken
 * as the half-width for k = 2, so that two class-0.5 meters at a PUE of 1.05 give 0.0074. */
double pue_uncertainty(const struct pue *p, const double joules[PUE_ROLE_COUNT])
{
	bool partial = pue_is_partial(p);
	double it = joules[PUE_IT] - joules[PUE_IT_EMBEDDED_COOLING];
	double total = pue_total(p, joules);
	double slopes[PUE_ROLE_COUNT] = {
		[PUE_FACILITY] = partial ? 0 : 1 / it,
		[PUE_COOLING] = partial ? 1 / it : 0,
		[PUE_LOSS] = partial ? 1 / it : 0,
		[PUE_EXPORT] = -1 / it,
		[PUE_IT] = (partial ? 1 / it : 0) - total / (it * it),
		[PUE_IT_EMBEDDED_COOLING] = total / (it * it),
	};
	double sum = 0;
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++)
		if (p->has_role[r] && pue_needs(p, (enum pue_role)r))
			sum += slopes[r] * slopes[r] * variance(p, (enum pue_role)r, joules[r]);
	return sqrt(sum);
}
