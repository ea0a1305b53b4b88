/* Meters of the configuration as inputs of PUE figures. */
#include "daemon/live/live_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct live_meter {
	struct meter_ref ref;
};

static unsigned counter_width(const struct point *p)
{
	if (p->type == POINT_F32 || p->type == POINT_F64)
		return 0;
	if (p->bits.low >= 0)
		return (unsigned)(p->bits.high - p->bits.low + 1);
	return 16 * point_length(p);
}

static struct counter_type counter_type_of(const struct point *p)
{
	unsigned width = counter_width(p);
	return (struct counter_type){
		.width = width,
		.is_signed = p->type == POINT_I16 || p->type == POINT_I32 || p->type == POINT_I64,
		.joules = width > 0 ? p->scale * p->factor : p->factor,
		.mantissa = p->type == POINT_F32 ? 24 : 53,
	};
}

static struct meter_type meter_type_of(const struct config *c, struct meter_ref ref)
{
	struct meter_type type = { .accuracy = NAN };
	struct point_ref any = point_ref_is_set(ref.power) ? ref.power : ref.energy;
	if (point_ref_is_set(any))
		type.accuracy = c->devices[any.device].accuracy_class / 100;
	if (point_ref_is_set(ref.energy)) {
		type.has_counter = true;
		type.counter = counter_type_of(config_point(c, ref.energy));
		type.interval_ns = c->devices[ref.energy.device].poll_interval;
	}
	if (point_ref_is_set(ref.power)) {
		const struct point *p = config_point(c, ref.power);
		type.has_power = true;
		type.interval_ns = c->devices[ref.power.device].poll_interval;
		type.max_watts = isnan(p->max) ? 0 : p->max * p->factor;
	}
	return type;
}

struct live_pue *live_pue_find(struct live *old, const struct live_pue *new)
{
	for (size_t i = 0; i < old->config->pue_count; i++)
		if (strcmp(old->pues[i].config->name, new->config->name) == 0 &&
		    old->pues[i].config->fingerprint == new->config->fingerprint)
			return &old->pues[i];
	return NULL;
}

bool live_pue_init(struct live_pue *out, const struct config *c, const struct pue_config *pc)
{
	size_t n = 0;
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++)
		n += pc->role_names[r].count;
	out->config = pc;
	out->meters = calloc(n + 1, sizeof(out->meters[0]));
	struct pue_meter_spec *specs = calloc(n + 1, sizeof(*specs));
	for (unsigned r = 0; out->meters && specs && r < PUE_ROLE_COUNT; r++) {
		for (size_t i = 0; i < pc->role_names[r].count; i++) {
			specs[out->meter_count] = (struct pue_meter_spec){ (enum pue_role)r,
				pc->role_names[r].items[i], meter_type_of(c, pc->meters[r][i]) };
			out->meters[out->meter_count++].ref = pc->meters[r][i];
		}
	}
	struct pue_spec spec = { specs, out->meter_count, pc->windows, pc->window_count };
	out->pue = out->meters && specs ? pue_new(&spec) : NULL;
	free(specs);
	return out->pue != NULL;
}

void live_pue_deinit(struct live_pue *p)
{
	pue_free(p->pue);
	free(p->meters);
}

static bool is_usable(const struct sample *s)
{
	return s->quality <= QUALITY_ESTIMATED && s->value.kind != VALUE_NONE;
}

static void feed_meter(
    struct live_pue *p, size_t i, const struct point_table *t, const struct table_device *d)
{
	struct meter_ref ref = p->meters[i].ref;
	if (point_ref_is_set(ref.power) && &t->devices[ref.power.device] == d) {
		const struct sample *s = &point_table_at(t, ref.power)->sample;
		struct meter_reading r = { .time_ns = s->time_ns,
			.power_good = true,
			.watts = point_table_figure(t, ref.power).value };
		if (is_usable(s))
			pue_read(p->pue, i, &r, d->utc_offset_ns);
	}
	if (point_ref_is_set(ref.energy) && &t->devices[ref.energy.device] == d) {
		const struct sample *s = &point_table_at(t, ref.energy)->sample;
		struct meter_reading r = { .time_ns = s->time_ns,
			.counter_good = true,
			.raw = s->raw,
			.number = value_number(&s->value) };
		if (is_usable(s))
			pue_read(p->pue, i, &r, d->utc_offset_ns);
	}
}

static enum quality quality_at(const struct point_table *t, struct point_ref r)
{
	return point_ref_is_set(r) ? point_table_at(t, r)->sample.quality : QUALITY_GOOD;
}

void live_pue_tell(struct live_pue *p, const struct point_table *t)
{
	for (size_t i = 0; i < p->meter_count; i++)
		pue_set_quality(
		    p->pue, i, quality_at(t, p->meters[i].ref.power), quality_at(t, p->meters[i].ref.energy));
}

void live_pue_feed(struct live_pue *p, const struct point_table *t, const struct table_device *d)
{
	for (size_t i = 0; i < p->meter_count; i++)
		feed_meter(p, i, t, d);
}
