#include "daemon/live/input.h"

#include "daemon/control/redundant.h"

#include <math.h>
#include <stdio.h>

/* Sensors of the same thing may be so far apart unless the point says otherwise. */
#define TOLERANCE_KELVIN 1.0
#define TOLERANCE_SHARE 0.05

_Static_assert(CONFIG_SOURCE_POINTS_MAX <= 64, "struct input has a bit for each");

static struct redundant_sensor sensor_of(const struct input *in, const struct point_table *t, size_t i)
{
	struct point_ref r = in->config->refs[i];
	const struct point *p = reference_get(t->config, r);
	struct redundant_sensor s = { point_table_measured(t, r), NAN, TOLERANCE_SHARE,
		in->deviates >> i & 1 };
	if (p->tolerance.percent)
		s.tolerance_share = p->tolerance.size / 100;
	else if (!isnan(p->tolerance.size))
		s.tolerance = p->tolerance.size * p->factor;
	else if (p->quantity == QUANTITY_TEMPERATURE)
		s.tolerance = TOLERANCE_KELVIN;
	else if (p->quantity == QUANTITY_RATIO)
		s.tolerance = TOLERANCE_SHARE;
	return s;
}

static const char *state_word(enum quality q)
{
	return q == QUALITY_INVALID ? "without a reading yet" : quality_word(q);
}

/* Says why the figure is not good: the first of its points that is not. */
static void explain(struct input *in, const struct point_table *t, const struct redundant_sensor *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct point_ref r = in->config->refs[i];
		const char *device = t->config->devices[r.device].name,
			   *point = reference_get(t->config, r)->name;
		if (!s[i].deviates && s[i].figure.quality == QUALITY_GOOD)
			continue;
		snprintf(in->reason, sizeof(in->reason), "%s.%s %s%s", device, point,
		    s[i].deviates ? "" : "is ",
		    s[i].deviates ? "differs from the other sensors" : state_word(s[i].figure.quality));
		return;
	}
}

static struct figure combine(struct input *in, struct point_table *t)
{
	struct redundant_sensor sensors[CONFIG_SOURCE_POINTS_MAX];
	size_t n = in->config->count;
	for (size_t i = 0; i < n; i++)
		sensors[i] = sensor_of(in, t, i);
	struct figure f = redundant_combine(in->config->how, sensors, n);
	for (size_t i = 0; i < n; i++) {
		if ((in->deviates >> i & 1) == sensors[i].deviates)
			continue;
		point_table_mark(t, in->config->refs[i], sensors[i].deviates);
		in->deviates ^= UINT64_C(1) << i;
	}
	if (f.quality != QUALITY_GOOD) {
		explain(in, t, sensors, n);
		f.reason = in->reason;
	}
	return f;
}

struct figure input_figure(struct input *in, struct point_table *t)
{
	if (in->config->count == 0)
		return figure_invalid("not configured");
	if (in->config->count > 1)
		return combine(in, t);
	struct figure f = point_table_figure(t, in->config->refs[0]);
	if (f.quality != QUALITY_GOOD) {
		snprintf(in->reason, sizeof(in->reason), "%s is %s", in->name, state_word(f.quality));
		f.reason = in->reason;
	}
	return f;
}

struct figure input_value(struct input *in, struct point_table *t)
{
	struct figure f = input_figure(in, t);
	if (in->config->count == 1)
		f.value = point_table_value(t, in->config->refs[0]).value;
	else if (in->config->count > 0)
		f.value = point_from_si(reference_get(t->config, in->config->refs[0]), f.value);
	return f;
}

int64_t input_time(const struct point_source *s, const struct point_table *t)
{
	int64_t oldest = 0;
	for (size_t i = 0; i < s->count; i++) {
		int64_t time = point_table_time(t, s->refs[i]);
		if (quality_has_value(point_table_at(t, s->refs[i])->sample.quality) &&
		    (oldest == 0 || time < oldest))
			oldest = time;
	}
	return oldest;
}

struct figure input_worst(struct input *in, const struct point_table *t)
{
	struct figure worst = { NAN, QUALITY_OUT_OF_SERVICE, NULL };
	for (size_t i = 0; i < in->config->count; i++) {
		struct point_ref r = in->config->refs[i];
		struct figure f = point_table_value(t, r);
		bool is_worse = worst.quality == QUALITY_OUT_OF_SERVICE || f.quality > worst.quality;
		if (!is_worse || f.quality == QUALITY_OUT_OF_SERVICE)
			continue;
		worst = f;
		if (quality_has_value(f.quality))
			continue;
		snprintf(in->reason, sizeof(in->reason), "%s.%s is %s", t->config->devices[r.device].name,
		    reference_get(t->config, r)->name, state_word(f.quality));
	}
	if (worst.quality == QUALITY_OUT_OF_SERVICE)
		worst.reason = "out of service";
	else if (!quality_has_value(worst.quality))
		worst.reason = in->reason;
	return worst;
}
