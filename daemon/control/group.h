/* group: the figures of coolant loops that stand in for each other (pure). */
#pragma once

#include "daemon/control/figure.h"

#include "config/config.h"

struct group_member {
	const struct figure *figures; /* LOOP_VALUE_COUNT of the loop */
	double flow_low;	      /* L/min; NAN = none */
	bool heard;	    /* of each of its sensors for flow and temperatures something is known */
	bool critical;	    /* a critical alarm of it is active */
	bool waits;	    /* it was known three polls ago: what is missing now decides nothing yet */
	const char *before; /* then: what group_unfit said when it was known, critical apart */
};

/* Whether its readings say whether it works. */
bool group_is_known(const struct group_member *m);

/* Why the loop does not work now; NULL when it does. */
const char *group_unfit(const struct group_member *m);

/* Computes all figures, in the units of group_values; redundancy is how many more loops may be lost. Sums are
 * as bad as their worst loop. How many are fit is not known before something was heard of each loop. */
void group_compute(
    const struct group_member *members, size_t n, size_t needed, struct figure out[GROUP_VALUE_COUNT]);

/* n+1, n or lost; NULL when it is not known. */
const char *group_redundancy_word(const struct figure *redundancy);
