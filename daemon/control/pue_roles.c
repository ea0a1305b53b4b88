/* What the roles of meters mean for a PUE. */
#include "daemon/control/pue_private.h"

bool pue_is_partial(const struct pue *p)
{
	return !p->has_role[PUE_FACILITY];
}

bool pue_needs(const struct pue *p, enum pue_role r)
{
	if (r == PUE_COOLING || r == PUE_LOSS)
		return pue_is_partial(p);
	return r != PUE_REUSE_HEAT;
}

double pue_total(const struct pue *p, const double joules[PUE_ROLE_COUNT])
{
	double in = pue_is_partial(p) ? joules[PUE_IT] + joules[PUE_COOLING] + joules[PUE_LOSS]
				      : joules[PUE_FACILITY];
	return in - joules[PUE_EXPORT];
}

/* The total as a sum of parts: cooling that sits inside the IT equipment is cooling, and what no meter of
 * cooling or losses tells is other. */
void pue_add_up_parts(const struct pue *p, double total, struct pue_window *out)
{
	double embedded = p->has_role[PUE_IT_EMBEDDED_COOLING] ? out->kwh[PUE_IT_EMBEDDED_COOLING] : 0;
	double *parts = out->part_kwh;
	bool *has = out->has_part;
	has[PUE_PART_IT] = true;
	parts[PUE_PART_IT] = out->kwh[PUE_IT] - embedded;
	has[PUE_PART_COOLING] = p->has_role[PUE_COOLING] || p->has_role[PUE_IT_EMBEDDED_COOLING];
	parts[PUE_PART_COOLING] = embedded + (p->has_role[PUE_COOLING] ? out->kwh[PUE_COOLING] : 0);
	has[PUE_PART_LOSS] = p->has_role[PUE_LOSS];
	parts[PUE_PART_LOSS] = p->has_role[PUE_LOSS] ? out->kwh[PUE_LOSS] : 0;
	has[PUE_PART_OTHER] = !pue_is_partial(p);
	parts[PUE_PART_OTHER] =
	    total / 3.6e6 - parts[PUE_PART_IT] - parts[PUE_PART_COOLING] - parts[PUE_PART_LOSS];
}
