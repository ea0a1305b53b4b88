#include "daemon/http/explain_point.h"

#include "config/ini/text.h"
#include "daemon/publish/json_payload.h"
#include "drivers/os/clock.h"

#include <inttypes.h>
#include <math.h>

static void say_place(struct explanation *e, const struct device_config *d, const struct point *p)
{
	explanation_say(e, "read as %s %u%s of unit %" PRId64 " on bus %s, type %s",
	    point_table_word(p->reg.table), p->reg.address, p->has_minus ? " (and `minus`)" : "", d->unit,
	    d->bus_name, point_type_word(p->type));
}

/* The number that stood in the registers, before scale and offset. */
static double raw_number(const struct point *p, const struct sample *s, double power)
{
	switch (point_format(p)) {
	case POINT_FLOAT:
		return (value_number(&s->value) - p->offset) / p->scale / power;
	case POINT_SIGNED:
	case POINT_SIGN_MAGNITUDE:
		return (double)(int64_t)s->raw;
	default:
		return (double)s->raw;
	}
}

static void say_raw(struct explanation *e, const struct point *p, const struct sample *s, double number)
{
	if (p->bits.low >= 0)
		explanation_say(e, "raw, bits %d..%d of that: %s (0x%" PRIx64 ")", p->bits.low, p->bits.high,
		    NUMBER(number), s->raw);
	else
		explanation_say(e, "raw: %s (0x%04" PRIx64 ")", NUMBER(number), s->raw);
}

/* How the registers become the value. */
static void say_scaling(
    struct explanation *e, const struct table_device *d, const struct point *p, const struct sample *s)
{
	const struct point *scaler = point_is_scaled_by_other(p) ? &d->config->points[p->scale_point] : NULL;
	const double exponent = scaler ? value_number(&d->points[p->scale_point].sample.value) : 0,
		     power = pow(10, exponent), value = value_number(&s->value);
	say_raw(e, p, s, raw_number(p, s, power));
	if (scaler) {
		explanation_reading(e, "scale_from",
		    (struct point_ref){ (size_t)(d - e->live->table->devices), p->scale_point });
		explanation_say(e,
		    "value = raw * scale * 10^scale_from + offset = %s * %s * 10^%s + %s = %s %s",
		    NUMBER(raw_number(p, s, power)), NUMBER(p->scale), NUMBER(exponent), NUMBER(p->offset),
		    NUMBER(value), p->unit);
		return;
	}
	explanation_say(e, "value = raw * scale + offset = %s * %s + %s = %s %s",
	    NUMBER(raw_number(p, s, power)), NUMBER(p->scale), NUMBER(p->offset), NUMBER(value), p->unit);
}

static void say_why(
    struct explanation *e, const struct table_device *d, const struct point *p, const struct table_point *t)
{
	char interval[32];
	const struct sample *s = &t->sample;
	const double v = value_number(&s->value);
	(void)text_of_duration(device_point_interval(d->config, p), interval);
	switch (s->quality) {
	case QUALITY_STALE:
		explanation_say(e, "stale: no reading for three of its intervals of %s", interval);
		return;
	case QUALITY_INVALID:
		explanation_say(e, "invalid: there was no reading yet");
		return;
	case QUALITY_OUT_OF_SERVICE:
		explanation_say(e, "out_of_service: the device is not enabled");
		return;
	case QUALITY_BAD:
		explanation_say(
		    e, "bad: refused by the device, or what it says is one of `invalid`, or no number");
		return;
	default:
		break;
	}
	if (v < p->min)
		explanation_say(e, "suspect: below min = %s %s", NUMBER(p->min), p->unit);
	if (v > p->max)
		explanation_say(e, "suspect: above max = %s %s", NUMBER(p->max), p->unit);
	if (t->deviations > 0)
		explanation_say(e, "suspect: far from the other sensors of the same thing");
	if (p->stuck_after > 0 && t->changed_ns > 0 && s->time_ns - t->changed_ns >= p->stuck_after)
		explanation_say(e, "suspect: the very same for longer than stuck_after");
}

void explain_point(struct explanation *e, struct point_ref r)
{
	const struct table_device *d = &e->live->table->devices[r.device];
	const struct point *p = &d->config->points[r.point];
	const struct table_point *t = &d->points[r.point];
	json_payload_value(&e->w, "value", p, &t->sample);
	json_text(&e->w, "unit", p->unit);
	json_text(&e->w, "quality", quality_word(t->sample.quality));
	json_text(&e->w, "formula", "value = raw * scale + offset");
	explanation_reading(e, "", r);
	if (*p->description)
		explanation_say(e, "%s", p->description);
	say_place(e, d->config, p);
	if (quality_has_value(t->sample.quality) && point_is_number(p) && !p->has_minus)
		say_scaling(e, d, p, &t->sample);
	else if (quality_has_value(t->sample.quality) && p->bit.low >= 0)
		explanation_say(e, "bit %d of that: %s", p->bit.low, t->sample.value.truth ? "1" : "0");
	say_why(e, d, p, t);
}
