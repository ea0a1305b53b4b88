#include "daemon/control/redundant.h"

#include <math.h>
#include <stdlib.h>

#define RETURN_SHARE 0.8

static bool is_usable(const struct figure *f)
{
	return f->quality <= QUALITY_ESTIMATED && isfinite(f->value);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(values[0]), by_value);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static double mean(const double *values, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += values[i];
	return sum / (double)n;
}

/* Values of the sensors that count; with `agreeing` without those that deviate. */
static size_t gather(const struct redundant_sensor *s, size_t n, bool agreeing, double *values)
{
	size_t count = 0;
	for (size_t i = 0; i < n; i++)
		if (is_usable(&s[i].figure) && !(agreeing && s[i].deviates))
			values[count++] = s[i].figure.value;
	return count;
}

/* Two are compared with each other, more with their median. */
static void compare(struct redundant_sensor *s, size_t n, size_t usable, double middle)
{
	for (size_t i = 0; i < n; i++) {
		double limit = isnan(s[i].tolerance) ? s[i].tolerance_share * fabs(middle) : s[i].tolerance;
		double distance = fabs(s[i].figure.value - middle) * (usable == 2 ? 2 : 1);
		bool counts = is_usable(&s[i].figure) && usable >= 2;
		s[i].deviates = counts && distance > limit * (s[i].deviates ? RETURN_SHARE : 1);
	}
}

static struct figure sum_up(const struct redundant_sensor *s, size_t n)
{
	struct figure f = { 0, QUALITY_GOOD, NULL };
	for (size_t i = 0; i < n; i++) {
		f.quality = quality_worst(f.quality, s[i].figure.quality);
		f.value += s[i].figure.value;
	}
	if (!quality_has_value(f.quality))
		f.value = NAN;
	return f;
}

/* Without any usable sensor: as good as the best of them is. */
static struct figure nothing(const struct redundant_sensor *s, size_t n)
{
	struct figure f = s[0].figure;
	for (size_t i = 1; i < n; i++)
		if (s[i].figure.quality < f.quality)
			f = s[i].figure;
	return f;
}

struct figure redundant_combine(enum combination how, struct redundant_sensor *s, size_t n)
{
	double values[CONFIG_SOURCE_POINTS_MAX];
	if (how == COMBINE_SUM)
		return sum_up(s, n);
	size_t usable = gather(s, n, false, values);
	if (usable == 0)
		return nothing(s, n);
	double middle = median(values, usable);
	compare(s, n, usable, middle);
	size_t agreeing = gather(s, n, true, values);
	struct figure f = { middle, QUALITY_SUSPECT, NULL };
	if (2 * agreeing <= usable)
		return f; /* most say something else */
	f.value = how == COMBINE_MEAN ? mean(values, agreeing) : median(values, agreeing);
	f.quality = 2 * agreeing > n ? QUALITY_GOOD : QUALITY_ESTIMATED;
	for (size_t i = 0; i < n; i++)
		if (is_usable(&s[i].figure) && !s[i].deviates)
			f.quality = quality_worst(f.quality, s[i].figure.quality);
	return f;
}
