/* record_pue: the figures of a PUE from its records (pure).
 *
 * As those of a window (pue.h): a ratio of energies over the time in which all needed meters are known,
 * stated by how much of that was measured. An hour or more whose gaps counters have all closed is stated as
 * estimated when at least RECORD_COVERAGE_CLOSED of it was measured.
 */
#pragma once

#include "config/config.h"
#include "daemon/control/figure.h"
#include "daemon/control/pue_roles.h"
#include "daemon/control/record.h"

#define RECORD_COVERAGE_CLOSED 0.75

struct record_pue {
	bool has_role[PUE_ROLE_COUNT];
	double kwh[PUE_ROLE_COUNT]; /* over the known time; NAN when it is not known for all of it */
	double coverage;	    /* share of the time that was measured */
	bool energy_complete;	    /* and nothing is missing, as counters have what was not measured */
	double estimated_kwh;	    /* of E_total: energy that is no measured one */
	struct figure pue, ere;
	double uncertainty; /* of `pue`, k = 2; NAN while a needed meter has no accuracy class */
};

/* Of the record `period`, which is `length_ms` long, and without a ratio when it is `struck` out. Classes and
 * steps of meters are of the configuration as it is now. */
struct record_pue record_pue_compute(const struct record_batch *b, const struct config *c, const char *name,
    int64_t period, int64_t length_ms, bool struck);
