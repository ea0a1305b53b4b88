#include "daemon/control/pue_roles.h"

#include <math.h>

bool pue_roles_are_partial(const bool has[PUE_ROLE_COUNT])
{
	return !has[PUE_FACILITY];
}

bool pue_roles_need(const bool has[PUE_ROLE_COUNT], enum pue_role r)
{
	if (r == PUE_COOLING || r == PUE_LOSS)
		return pue_roles_are_partial(has);
	return r != PUE_REUSE_HEAT && r != PUE_WATER;
}

double pue_roles_total(const bool has[PUE_ROLE_COUNT], const double joules[PUE_ROLE_COUNT])
{
	double in = pue_roles_are_partial(has) ? joules[PUE_IT] + joules[PUE_COOLING] + joules[PUE_LOSS]
					       : joules[PUE_FACILITY];
	return in - joules[PUE_EXPORT];
}

double pue_roles_it(const double joules[PUE_ROLE_COUNT])
{
	return joules[PUE_IT] - joules[PUE_IT_EMBEDDED_COOLING];
}

struct pue_parts pue_roles_parts(
    const bool has[PUE_ROLE_COUNT], const double kwh[PUE_ROLE_COUNT], double total_kwh)
{
	double embedded = has[PUE_IT_EMBEDDED_COOLING] ? kwh[PUE_IT_EMBEDDED_COOLING] : 0;
	double it = kwh[PUE_IT] - embedded, cooling = embedded + (has[PUE_COOLING] ? kwh[PUE_COOLING] : 0),
	       loss = has[PUE_LOSS] ? kwh[PUE_LOSS] : 0;
	return (struct pue_parts){
		.has = { [PUE_PART_IT] = true,
		    [PUE_PART_COOLING] = has[PUE_COOLING] || has[PUE_IT_EMBEDDED_COOLING],
		    [PUE_PART_LOSS] = has[PUE_LOSS],
		    [PUE_PART_OTHER] = !pue_roles_are_partial(has) },
		.kwh = { [PUE_PART_IT] = it,
		    [PUE_PART_COOLING] = cooling,
		    [PUE_PART_LOSS] = loss,
		    [PUE_PART_OTHER] = total_kwh - it - cooling - loss },
	};
}

void pue_roles_slopes(
    const bool has[PUE_ROLE_COUNT], const double joules[PUE_ROLE_COUNT], double slopes[PUE_ROLE_COUNT])
{
	bool partial = pue_roles_are_partial(has);
	double it = pue_roles_it(joules), total = pue_roles_total(has, joules);
	slopes[PUE_FACILITY] = partial ? 0 : 1 / it;
	slopes[PUE_COOLING] = slopes[PUE_LOSS] = partial ? 1 / it : 0;
	slopes[PUE_EXPORT] = -1 / it;
	slopes[PUE_IT] = (partial ? 1 / it : 0) - total / (it * it);
	slopes[PUE_IT_EMBEDDED_COOLING] = total / (it * it);
	slopes[PUE_REUSE_HEAT] = slopes[PUE_WATER] = 0;
}

double pue_roles_uncertainty(const bool has[PUE_ROLE_COUNT], const double joules[PUE_ROLE_COUNT],
    const double variances[PUE_ROLE_COUNT])
{
	double slopes[PUE_ROLE_COUNT], sum = 0;
	pue_roles_slopes(has, joules, slopes);
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++)
		if (has[r] && pue_roles_need(has, (enum pue_role)r))
			sum += slopes[r] * slopes[r] * variances[r];
	return sqrt(sum);
}
