#include "daemon/control/counter_rate.h"

#include "drivers/os/clock.h"

#include <math.h>

static double seconds_since(const struct counter_rate *r, int64_t time_ns)
{
	return (double)(r->until_ns - time_ns) / NS_PER_S;
}

void counter_rate_add(
    struct counter_rate *r, int64_t from_ns, int64_t until_ns, double joules, double quantum)
{
	if (until_ns <= from_ns)
		return;
	if (from_ns != r->until_ns) {
		r->joules = 0;
		r->from_ns = r->counted_ns = from_ns;
	}
	if (joules != 0) {
		r->counted_ns = until_ns;
		r->counted = joules;
	}
	r->until_ns = until_ns;
	r->joules += joules;
	if (fabs(r->joules) < COUNTER_RATE_QUANTA * quantum || r->joules == 0)
		return;
	r->known = true;
	r->watts = r->joules / seconds_since(r, r->from_ns);
	r->joules = 0;
	r->from_ns = until_ns;
}

double counter_rate_watts(const struct counter_rate *r, double quantum, double negligible)
{
	const double idle = seconds_since(r, r->counted_ns);
	const double most = idle > 0 ? fmax(r->counted, quantum) / idle : INFINITY;
	if (r->known)
		return fmin(r->watts, most);
	return most <= negligible ? 0 : NAN;
}
