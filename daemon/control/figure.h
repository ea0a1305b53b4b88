/* figure: a number with its quality, and figures made of others (pure). */
#pragma once

#include "drivers/sample.h"

/* A number with its quality; NAN when the quality has no value. */
struct figure {
	double value;
	enum quality quality;
	const char *reason; /* why there is no value, or why it is not good; NULL when good */
};

/* None, and why. */
struct figure figure_invalid(const char *reason);

/* A figure of one or more inputs, still without a value: as bad as the worst of them, invalid unless all have
 * a value. */
struct figure figure_of(const struct figure *const *inputs, size_t n);

#define FIGURE_OF(...)                                                                                       \
	figure_of((const struct figure *const[]){ __VA_ARGS__ },                                             \
	    sizeof((const struct figure *const[]){ __VA_ARGS__ }) / sizeof(const struct figure *))

/* The figure with its value, if its inputs allow one; invalid for that reason when the value is not finite.
 */
struct figure figure_set(struct figure f, double value, const char *reason_if_undefined);

/* Makes it as bad as that, for that reason, unless it is already. */
void figure_worsen(struct figure *f, enum quality quality, const char *reason);

/* An input in another unit. */
struct figure figure_copy(const struct figure *in, double factor);
