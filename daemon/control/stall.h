/* stall: whether a counter that shows the same should have counted meanwhile (pure).
 *
 * Its power tells it, and how fast it counted before; of both the one that asks for less, so that a power of
 * another scale stops no counter. Without a power it may also be idle: one that has stood and gone on
 * some times does so.
 */
#pragma once

#include "daemon/control/counter_rate.h"

/* Begins with zeros. */
struct stall {
	double joules, seconds; /* by its power since it has counted last */
	unsigned idles; /* times that it stood, without a power, and went on from there; up to STALL_IDLES */
};

#define STALL_IDLES 3

/* What it should have counted in that many seconds, in joules. */
double stall_expected(const struct stall *s, const struct counter_rate *rate, double seconds, bool has_power);

/* Whether that is so much that it would show it. */
bool stall_shows(double expected, double quantum);
