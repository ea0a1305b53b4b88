/* counter_rate: the power of a meter that has a counter alone (pure).
 *
 * Taken over a hundred steps of the counter, so that it does not jump with them. While it counts less, as at
 * night, it is at most what one more step would make of the time since the last.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define COUNTER_RATE_QUANTA 100

/* Begins with zeros. */
struct counter_rate {
	bool known;
	double watts;  /* over the last hundred steps */
	double joules; /* since `from_ns` */
	int64_t
	    from_ns; /* until_ns is that of the newest reading that was counted; both 0 = there was none */
	int64_t until_ns;
	int64_t counted_ns; /* when it counted last, and how much then */
	double counted;
};

/* It has counted so much in that time; a time that does not follow on the one before begins anew. */
void counter_rate_add(
    struct counter_rate *r, int64_t from_ns, int64_t until_ns, double joules, double quantum);

/* In watts; NAN while it is not known to one in a hundred, or to `negligible` watts. */
double counter_rate_watts(const struct counter_rate *r, double quantum, double negligible);
