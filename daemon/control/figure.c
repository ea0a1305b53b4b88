#include "daemon/control/figure.h"

#include <math.h>

struct figure figure_invalid(const char *reason)
{
	return (struct figure){ NAN, QUALITY_INVALID, reason };
}

struct figure figure_of(const struct figure *const *inputs, size_t n)
{
	struct figure f = { NAN, QUALITY_GOOD, NULL };
	for (size_t i = 0; i < n; i++)
		figure_worsen(&f, inputs[i]->quality, inputs[i]->reason);
	if (!quality_has_value(f.quality))
		f.quality = QUALITY_INVALID;
	return f;
}

struct figure figure_set(struct figure f, double value, const char *reason_if_undefined)
{
	if (!quality_has_value(f.quality))
		return f;
	if (!isfinite(value))
		return figure_invalid(reason_if_undefined);
	f.value = value;
	return f;
}

void figure_worsen(struct figure *f, enum quality quality, const char *reason)
{
	if (f->quality >= quality)
		return;
	f->quality = quality;
	f->reason = reason;
}

struct figure figure_copy(const struct figure *in, double factor)
{
	struct figure f = *in;
	f.value = quality_has_value(f.quality) ? in->value * factor : NAN;
	return f;
}
