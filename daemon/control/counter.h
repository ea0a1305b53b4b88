/* counter: differences of an energy counter that may wrap or be reset (pure).
 *
 * A reading below the last one is a wrap when the difference modulo 2^width is plausible against the most
 * energy that the meter could have counted meanwhile, else a reset; one reading more must confirm a wrap, two
 * a reset. A reading further above the last one than the meter's power allows must be confirmed by the next.
 * Stray readings are forgotten.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct counter_type {
	unsigned width; /* bits of an integer counter; 0 = a float, which never wraps */
	bool is_signed;
	double joules;	   /* energy of one raw unit */
	unsigned mantissa; /* bits of precision of a float: 24 or 53 */
};

/* A reading: the raw integer (sign-extended when signed), or the float's value in raw units. */
struct counter_reading {
	int64_t time_ns;
	uint64_t raw;
	double number;
};

enum counter_event {
	COUNTER_FIRST, /* nothing to compare with yet */
	COUNTER_STEP,  /* `joules` since the last step */
	COUNTER_HELD,  /* lower, or much higher, than before: wait for the next reading */
	COUNTER_WRAP,  /* a step over the end of the range: `joules` since the last step */
	COUNTER_RESET, /* began anew: `joules` counted since the first low reading only */
};

struct counter {
	struct counter_type type;
	bool started;
	unsigned held_count; /* readings since `held`, that one included; 0 = nothing is held */
	struct counter_reading last, held;
};

/* The outcome of a reading: `from_ns` is when the span that `joules` belongs to began. */
struct counter_step {
	enum counter_event event;
	double joules;
	int64_t from_ns;
	int64_t reset_from_ns, reset_until_ns; /* with COUNTER_RESET: the span that was not counted */
};

/* `max_watts` is the most that the meter can count; 0 = not known. */
struct counter_step counter_read(struct counter *c, struct counter_reading r, double max_watts);

/* Energy of the counter's smallest step at its present reading, in joules. */
double counter_quantum(const struct counter *c);
