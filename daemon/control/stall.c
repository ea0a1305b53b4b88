#include "daemon/control/stall.h"

#include <math.h>

/* So many steps of the counter are missed. */
#define QUANTA 10
/* The power may be so many times what it counted at before. */
#define RISE 4

double stall_expected(const struct stall *s, const struct counter_rate *rate, double seconds, bool has_power)
{
	if (!has_power)
		return rate->known ? rate->watts * seconds : 0;
	return rate->known ? fmin(s->joules, RISE * rate->watts * seconds) : s->joules;
}

bool stall_shows(double expected, double quantum)
{
	return expected > 0 && expected >= QUANTA * quantum;
}
