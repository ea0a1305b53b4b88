#include "daemon/control/figure.h"

#include <math.h>

struct figure figure_of(const struct figure *const *inputs, size_t n)
{
	struct figure f = { NAN, QUALITY_GOOD, NULL };
	for (size_t i = 0; i < n; i++) {
		if (inputs[i]->quality > f.quality) {
			f.quality = inputs[i]->quality;
			f.reason = inputs[i]->reason;
		}
	}
	if (!quality_has_value(f.quality))
		f.quality = QUALITY_INVALID;
	return f;
}

void figure_set(struct figure *f, double value, const char *reason_if_undefined)
{
	if (!quality_has_value(f->quality))
		return;
	if (isfinite(value)) {
		f->value = value;
		return;
	}
	*f = (struct figure){ NAN, QUALITY_INVALID, reason_if_undefined };
}

struct figure figure_copy(const struct figure *in, double factor)
{
	struct figure f = *in;
	f.value = quality_has_value(f.quality) ? in->value * factor : NAN;
	return f;
}
