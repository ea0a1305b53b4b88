/* record_pue: the figures of a PUE from its records (pure).
 *
 * As those of a window: a ratio of energies over the time in which all needed meters are known, by the same
 * judgement (pue_judge.h).
 */
#pragma once

#include "config/config.h"
#include "daemon/control/figure.h"
#include "daemon/control/pue_roles.h"
#include "daemon/control/record.h"

struct record_pue {
	bool has_role[PUE_ROLE_COUNT];
	double kwh[PUE_ROLE_COUNT]; /* over the known time; NAN when it is not known for all of it */
	double coverage;	    /* share of the time that was measured */
	bool energy_complete;	    /* and nothing is missing, as counters have what was not measured */
	double estimated_kwh;	    /* of E_total: energy that is no measured one */

	struct figure pue, ere, wue;
	double uncertainty; /* of `pue`, k = 2; NAN while a needed meter has no accuracy class */
};

/* Of the record `period`, which is `length_ms` long, and without a ratio when it is `struck` out. Classes of
 * meters are of the configuration as it is now. */
struct record_pue record_pue_compute(const struct record_batch *b, const struct config *c, const char *name,
    int64_t period, int64_t length_ms, bool struck);
