#include "daemon/live/pues.h"

#include "config/ini/cleanup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	const struct pue_config *config;
	struct pue *pue;
	struct meter_ref *meters;
	size_t meter_count;
};

struct pues {
	struct config *config; /* a reference */
	const struct point_table *table;
	struct entry *all; /* as in the configuration */
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
		type.counter = counter_type_of(reference_get(c, ref.energy));
		type.interval_ns = c->devices[ref.energy.device].poll_interval;
	}
	if (point_ref_is_set(ref.power)) {
		const struct point *p = reference_get(c, ref.power);
		type.has_power = true;
		type.interval_ns = c->devices[ref.power.device].poll_interval;
		type.max_watts = isnan(p->max) ? 0 : p->max * p->factor;
	}
	return type;
}

static bool init(struct entry *e, const struct config *c, const struct pue_config *pc)
{
	size_t n = 0;
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++)
		n += pc->role_names[r].count;
	*e = (struct entry){ .config = pc, .meters = calloc(n + 1, sizeof(e->meters[0])) };
	_cleanup_free_ struct pue_meter_spec *specs = calloc(n + 1, sizeof(*specs));
	if (!e->meters || !specs)
		return false;
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++) {
		for (size_t i = 0; i < pc->role_names[r].count; i++) {
			specs[e->meter_count] = (struct pue_meter_spec){ (enum pue_role)r,
				pc->role_names[r].items[i], meter_type_of(c, pc->meters[r][i]) };
			e->meters[e->meter_count++] = pc->meters[r][i];
		}
	}
	struct pue_spec spec = { specs, e->meter_count, pc->windows, pc->window_count };
	e->pue = pue_new(&spec);
	return e->pue != NULL;
}

static void deinit(struct entry *e)
{
	pue_free(e->pue);
	free(e->meters);
}

struct pues *pues_new(struct config *c, const struct point_table *table)
{
	struct pues *p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	*p = (struct pues){ config_ref(c), table, calloc(c->pue_count + 1, sizeof(p->all[0])) };
	bool good = p->all != NULL;
	for (size_t i = 0; p->all && i < c->pue_count; i++)
		good &= init(&p->all[i], c, &c->pues[i]);
	if (good)
		return p;
	pues_free(p);
	return NULL;
}

void pues_free(struct pues *p)
{
	if (!p)
		return;
	for (size_t i = 0; p->all && i < p->config->pue_count; i++)
		deinit(&p->all[i]);
	free(p->all);
	config_unref(p->config);
	free(p);
}

static struct entry *find(const struct pues *p, const char *name, uint64_t fingerprint)
{
	const struct pue_config *c = name_index_find(&p->config->pue_names, name, strlen(name));
	return c && c->fingerprint == fingerprint ? &p->all[c - p->config->pues] : NULL;
}

static void move(struct entry *to, struct entry *from)
{
	pue_free(to->pue);
	to->pue = from->pue;
	from->pue = NULL;
}

void pues_inherit(struct pues *p, struct pues *old)
{
	for (size_t i = 0; i < p->config->pue_count; i++) {
		const struct pue_config *c = p->all[i].config;
		struct entry *same = find(old, c->name, c->fingerprint);
		if (same)
			move(&p->all[i], same);
	}
}

static bool is_usable(const struct sample *s)
{
	return s->quality <= QUALITY_ESTIMATED && s->value.kind != VALUE_NONE;
}

static void feed_meter(const struct point_table *t, struct entry *e, size_t i, const struct table_device *d)
{
	struct meter_ref ref = e->meters[i];
	if (point_ref_is_set(ref.power) && &t->devices[ref.power.device] == d) {
		const struct sample *s = &point_table_at(t, ref.power)->sample;
		struct meter_reading r = { .time_ns = s->time_ns,
			.power_good = true,
			.watts = point_table_figure(t, ref.power).value };
		if (is_usable(s))
			pue_read(e->pue, i, &r, d->utc_offset_ns);
	}
	if (point_ref_is_set(ref.energy) && &t->devices[ref.energy.device] == d) {
		const struct sample *s = &point_table_at(t, ref.energy)->sample;
		struct meter_reading r = { .time_ns = s->time_ns,
			.counter_good = true,
			.raw = s->raw,
			.number = value_number(&s->value) };
		if (is_usable(s))
			pue_read(e->pue, i, &r, d->utc_offset_ns);
	}
}

void pues_feed(struct pues *p, const struct table_device *d)
{
	for (size_t i = 0; i < p->config->pue_count; i++)
		for (size_t k = 0; k < p->all[i].meter_count; k++)
			feed_meter(p->table, &p->all[i], k, d);
}

static enum quality quality_at(const struct point_table *t, struct point_ref r)
{
	return point_ref_is_set(r) ? point_table_at(t, r)->sample.quality : QUALITY_GOOD;
}

void pues_tick(struct pues *p)
{
	for (size_t i = 0; i < p->config->pue_count; i++) {
		const struct entry *e = &p->all[i];
		for (size_t k = 0; k < e->meter_count; k++)
			pue_set_quality(e->pue, k, quality_at(p->table, e->meters[k].power),
			    quality_at(p->table, e->meters[k].energy));
	}
}

const struct pue *pues_at(const struct pues *p, size_t i)
{
	return p->all[i].pue;
}

void pues_save(const struct pues *p, struct bytes_writer *w)
{
	for (size_t i = 0; i < p->config->pue_count; i++) {
		const struct pue_config *c = p->all[i].config;
		struct bytes_writer block = { 0 };
		pue_save(p->all[i].pue, &block);
		bytes_put_entry(w, PUES_ENTRY, c->name, c->fingerprint, &block);
	}
}

/* Into a new figure, so that bytes that turn out to be bad leave nothing behind. */
bool pues_load(struct pues *p, struct bytes_entry *e, const struct wall_clock *clock)
{
	struct entry *to = find(p, e->name, e->fingerprint), fresh = { 0 };
	bool good = to && init(&fresh, p->config, to->config) && pue_load(fresh.pue, &e->block, clock) == 0;
	if (good)
		move(to, &fresh);
	deinit(&fresh);
	return good;
}
