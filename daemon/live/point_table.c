#include "daemon/live/point_table.h"

#include "drivers/os/clock.h"

#include <math.h>
#include <stdlib.h>

#define STALE_INTERVALS 3

static void free_points(struct table_device *d)
{
	for (size_t i = 0; d->points && i < d->config->point_count; i++)
		value_clear(&d->points[i].sample.value);
	free(d->points);
	d->points = NULL;
}

void point_table_free(struct point_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->config->device_count; i++)
		free_points(&t->devices[i]);
	free(t);
}

static bool init_device(struct table_device *d, const struct device_config *c, int64_t now_ns)
{
	d->config = c;
	d->next_check_ns = now_ns;
	d->points = calloc(c->point_count + 1, sizeof(d->points[0]));
	for (size_t i = 0; d->points && i < c->point_count; i++)
		d->points[i].sample.quality = d->points[i].measured =
		    c->enabled ? QUALITY_INVALID : QUALITY_OUT_OF_SERVICE;
	return d->points != NULL;
}

struct point_table *point_table_new(const struct config *c, int64_t now_ns)
{
	struct point_table *t = calloc(1, sizeof(*t) + c->device_count * sizeof(t->devices[0]));
	bool good = true;
	if (!t)
		return NULL;
	t->config = c;
	t->started_ns = now_ns;
	for (size_t i = 0; i < c->device_count; i++)
		good &= init_device(&t->devices[i], &c->devices[i], now_ns);
	if (good)
		return t;
	point_table_free(t);
	return NULL;
}

static void judge(struct table_point *p)
{
	bool good = p->measured <= QUALITY_ESTIMATED;
	p->sample.quality = good && p->deviations > 0 ? QUALITY_SUSPECT : p->measured;
}

/* Whoever had marked it is gone. */
static void clear_marks(struct table_point *p)
{
	p->deviations = 0;
	judge(p);
}

/* A sensor that shows the very same number for long may have died. */
static void watch_change(const struct point *config, struct table_point *p)
{
	const struct sample *s = &p->sample;
	if (config->stuck_after == 0 || s->quality > QUALITY_ESTIMATED)
		return;
	double number = value_number(&s->value);
	if (p->changed_ns == 0 || number != p->last_number) {
		p->changed_ns = s->time_ns;
		p->last_number = number;
	}
	if (s->time_ns - p->changed_ns >= config->stuck_after)
		p->measured = QUALITY_SUSPECT;
}

void point_table_inherit(struct point_table *t, struct point_table *old)
{
	t->samples = old->samples;
	for (size_t i = 0; i < t->config->device_count; i++) {
		struct table_device *d = &t->devices[i];
		const struct device_config *config = d->config;
		size_t same = device_same(old->config, config);
		if (same == SIZE_MAX)
			continue;
		free_points(d);
		*d = old->devices[same];
		d->config = config;
		old->devices[same].points = NULL;
		for (size_t k = 0; k < config->point_count; k++)
			clear_marks(&d->points[k]);
	}
}

static void count_update(struct table_device *d, struct table_point *p)
{
	p->updates++;
	d->updates++;
}

static void take(struct table_device *d, struct sample *from)
{
	struct table_point *p = &d->points[from->point];
	value_clear(&p->sample.value);
	p->sample = *from;
	p->measured = from->quality;
	if (quality_has_value(from->quality))
		p->usable_ns = from->time_ns;
	watch_change(&d->config->points[from->point], p);
	judge(p);
	count_update(d, p);
	from->value.kind = VALUE_NONE; /* its text lives on in the table */
	if (from->time_ns > d->last_ns)
		d->last_ns = from->time_ns;
}

/* The device is there again: what was read of it once is as good as it was. */
static void recall(struct table_device *d)
{
	for (size_t i = 0; i < d->config->point_count; i++) {
		struct table_point *p = &d->points[i];
		if (d->config->points[i].poll != POINT_ONCE || p->sample.quality != QUALITY_STALE ||
		    p->sample.value.kind == VALUE_NONE)
			continue;
		p->sample.quality = p->measured;
		judge(p);
		count_update(d, p);
	}
	d->has_lapsed = false;
}

struct table_device *point_table_apply(struct point_table *t, struct batch *b)
{
	size_t device = b->device;
	if (b->config != t->config) /* sent before a reload */
		device = device_same(t->config, &b->config->devices[device]);
	if (device == SIZE_MAX)
		return NULL;
	struct table_device *d = &t->devices[device];
	if (d->has_lapsed && b->count > 0)
		recall(d);
	/* those that tell the power of ten of others go first */
	for (int scaled = 0; scaled < 2; scaled++)
		for (size_t i = 0; i < b->count; i++) {
			const struct point *config = &d->config->points[b->samples[i].point];
			if (point_is_scaled_by_other(config) != scaled)
				continue;
			if (scaled && !b->is_scaled)
				sample_scale(&b->samples[i], config, &d->points[config->scale_point].sample);
			take(d, &b->samples[i]);
		}
	d->utc_offset_ns = b->realtime_offset_ns;
	t->samples += b->count;
	return d;
}

/* What is read once is as fresh as its device. */
static int64_t read_at(const struct table_device *d, size_t i)
{
	return d->config->points[i].poll == POINT_ONCE ? d->last_ns : d->points[i].sample.time_ns;
}

/* `shortest_ns` is how often the device shows that it lives, if ever. */
static int64_t stale_at(
    const struct point_table *t, const struct table_device *d, size_t i, int64_t shortest_ns)
{
	const struct point *config = &d->config->points[i];
	int64_t since = read_at(d, i), interval = device_point_interval(d->config, config);
	if (since == 0)
		since = t->started_ns;
	if (since < d->asked_from_ns)
		since = d->asked_from_ns;
	if (config->poll == POINT_ONCE && shortest_ns > 0)
		interval = shortest_ns;
	return since + STALE_INTERVALS * interval;
}

/* How often a device shows that it lives; 0 = once, when all of its points are read once. */
static int64_t shortest_interval(const struct device_config *c)
{
	int64_t shortest = INT64_MAX;
	for (size_t i = 0; i < c->point_count; i++) {
		int64_t interval = device_point_interval(c, &c->points[i]);
		if (c->points[i].poll != POINT_ONCE && interval < shortest)
			shortest = interval;
	}
	return shortest == INT64_MAX ? 0 : shortest;
}

/* What was read once stays, for when the device is there again. */
static void lapse(struct table_device *d, size_t i)
{
	struct table_point *p = &d->points[i];
	p->sample.quality = QUALITY_STALE;
	count_update(d, p);
	if (d->config->points[i].poll == POINT_ONCE) {
		d->has_lapsed = true;
		return;
	}
	p->measured = QUALITY_STALE;
	value_clear(&p->sample.value);
}

void point_table_ask_from(struct point_table *t, size_t device, int64_t from_ns)
{
	t->devices[device].asked_from_ns = from_ns;
}

bool point_table_check_stale(struct point_table *t, struct table_device *d, int64_t now_ns)
{
	bool changed = false;
	if (now_ns < d->next_check_ns)
		return false;
	d->next_check_ns = INT64_MAX;
	const int64_t shortest_ns = shortest_interval(d->config);
	if (!d->config->enabled || (d->last_ns != 0 && shortest_ns == 0))
		return false;
	for (size_t i = 0; i < d->config->point_count; i++) {
		struct table_point *p = &d->points[i];
		int64_t when = stale_at(t, d, i, shortest_ns);
		if (when > now_ns) {
			if (when < d->next_check_ns)
				d->next_check_ns = when;
			continue;
		}
		if (p->sample.quality == QUALITY_STALE)
			continue;
		lapse(d, i);
		changed = true;
	}
	/* all stale: look again when a reply may have come */
	if (d->next_check_ns == INT64_MAX)
		d->next_check_ns = now_ns + d->config->poll_interval;
	return changed;
}

bool point_table_is_up(const struct table_device *d, int64_t now_ns)
{
	int64_t rhythm = shortest_interval(d->config);
	return d->last_ns != 0 && (rhythm == 0 || now_ns - d->last_ns <= STALE_INTERVALS * rhythm + NS_PER_S);
}

const struct table_point *point_table_at(const struct point_table *t, struct point_ref r)
{
	return &t->devices[r.device].points[r.point];
}

void point_table_mark(struct point_table *t, struct point_ref r, bool deviates)
{
	struct table_device *d = &t->devices[r.device];
	struct table_point *p = &d->points[r.point];
	p->deviations += deviates ? 1 : -1U;
	enum quality before = p->sample.quality;
	judge(p);
	if (p->sample.quality != before)
		count_update(d, p);
}

static struct figure figure_at(const struct point_table *t, struct point_ref r, enum quality quality)
{
	const struct sample *s = &point_table_at(t, r)->sample;
	return (struct figure){ quality_has_value(quality) ? value_number(&s->value) : NAN, quality, NULL };
}

int64_t point_table_time(const struct point_table *t, struct point_ref r)
{
	return read_at(&t->devices[r.device], r.point);
}

int64_t point_table_missing(const struct point_table *t, struct point_ref r, int64_t now_ns)
{
	const struct table_device *d = &t->devices[r.device];
	const struct table_point *p = &d->points[r.point];
	int64_t since = p->usable_ns != 0 ? p->usable_ns : t->started_ns;
	if (since < d->asked_from_ns)
		since = d->asked_from_ns;
	return quality_has_value(p->sample.quality) || since > now_ns ? 0 : now_ns - since;
}

struct figure point_table_value(const struct point_table *t, struct point_ref r)
{
	return figure_at(t, r, point_table_at(t, r)->sample.quality);
}

struct figure point_table_measured(const struct point_table *t, struct point_ref r)
{
	struct figure f = figure_at(t, r, point_table_at(t, r)->measured);
	f.value = point_to_si(reference_get(t->config, r), f.value);
	return f;
}

struct figure point_table_figure(const struct point_table *t, struct point_ref r)
{
	struct figure f = point_table_value(t, r);
	f.value = point_to_si(reference_get(t->config, r), f.value);
	return f;
}
