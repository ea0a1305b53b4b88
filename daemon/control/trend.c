#include "daemon/control/trend.h"

#include <math.h>
#include <string.h>

#define STEP_MS (TREND_STEP_S * INT64_C(1000))
/* Its time in nanoseconds is within an int64_t. */
#define STEP_MAX (INT64_MAX / (STEP_MS * 1000000))

static float *place(struct trend *t, unsigned figure, int64_t step)
{
	return &t->means[figure][step % TREND_STEPS];
}

static void forget(struct trend *t, int64_t step)
{
	for (unsigned f = 0; f < TREND_FIGURES_MAX; f++)
		*place(t, f, step) = NAN;
}

void trend_init(struct trend *t)
{
	memset(t, 0, sizeof(*t));
	for (int64_t s = 0; s < TREND_STEPS; s++)
		forget(t, s);
}

static void begin(struct trend *t, int64_t step)
{
	t->step = step;
	memset(t->sums, 0, sizeof(t->sums));
	memset(t->weights, 0, sizeof(t->weights));
}

/* Steps from `first` on, before `end`: at most once around. */
static void forget_all(struct trend *t, int64_t first, int64_t end)
{
	if (end - first > TREND_STEPS)
		first = end - TREND_STEPS;
	for (int64_t s = first; s < end; s++)
		forget(t, s);
}

static void finish(struct trend *t)
{
	for (unsigned f = 0; f < TREND_FIGURES_MAX; f++)
		*place(t, f, t->step) = t->weights[f] > 0 ? (float)(t->sums[f] / t->weights[f]) : NAN;
}

bool trend_advance(struct trend *t, int64_t utc_ms)
{
	int64_t step = utc_ms / STEP_MS;
	if (step <= 0 || step == t->step || step == t->step - 1) /* set back a little: it goes on */
		return false;
	if (t->step != 0 && step > t->step) {
		finish(t);
		forget_all(t, t->step + 1, step);
	} else if (t->step != 0) {
		forget_all(t, step, t->step);
	}
	begin(t, step);
	return true;
}

void trend_see(struct trend *t, unsigned figure, double value, double weight)
{
	if (!isfinite(value) || !(weight > 0))
		return;
	t->sums[figure] += value * weight;
	t->weights[figure] += weight;
}

double trend_mean(const struct trend *t, unsigned figure, unsigned i)
{
	return (double)t->means[figure][(t->step + i) % TREND_STEPS];
}

int64_t trend_end_ms(const struct trend *t)
{
	return t->step * STEP_MS;
}

void trend_save(const struct trend *t, struct bytes_writer *w)
{
	bytes_put_integer(w, t->step);
	bytes_put_raw(w, t->means, sizeof(t->means)); /* numbers, one behind the other */
}

bool trend_load(struct trend *t, struct bytes_reader *r)
{
	int64_t step = bytes_take_within(r, 1, STEP_MAX);
	const void *means = bytes_take_raw(r, sizeof(t->means));
	if (!means || r->bad)
		return false;
	begin(t, step);
	memcpy(t->means, means, sizeof(t->means));
	return true;
}
