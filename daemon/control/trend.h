/* trend: the means of some figures over the last day, in steps of five minutes (pure).
 *
 * Steps are aligned to UTC. What was not seen in a step is NAN there: nothing is filled in. A clock that is
 * set forward leaves such a gap, one that is set back by more than a step forgets what lies ahead of it.
 */
#pragma once

#include "daemon/control/bytes.h"

#define TREND_STEP_S 300
#define TREND_STEPS 288
#define TREND_FIGURES_MAX 5

struct trend {
	int64_t step; /* that is under way, counted from 1970; 0 = none yet */
	double sums[TREND_FIGURES_MAX], weights[TREND_FIGURES_MAX];
	float means[TREND_FIGURES_MAX][TREND_STEPS]; /* of step s at s modulo TREND_STEPS */
};

void trend_init(struct trend *t);

/* The time is `utc_ms`: whether another step is under way since then. */
bool trend_advance(struct trend *t, int64_t utc_ms);

/* A value for the step under way; one that is not finite is none. */
void trend_see(struct trend *t, unsigned figure, double value, double weight);

/* Of the whole steps, 0 is the oldest and TREND_STEPS - 1 the newest; NAN = nothing is known. */
double trend_mean(const struct trend *t, unsigned figure, unsigned i);

/* When the newest of them ended, UTC; 0 = there is none. */
int64_t trend_end_ms(const struct trend *t);

/* The whole steps, and back; false when the bytes are of something else, and then it is as before. */
void trend_save(const struct trend *t, struct bytes_writer *w);
bool trend_load(struct trend *t, struct bytes_reader *r);
