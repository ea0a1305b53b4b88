#include "daemon/publish/reporter.h"

#include "config/ini/cleanup.h"
#include "config/ini/text.h"
#include "daemon/publish/encoder.h"
#include "drivers/os/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Something can be said of the point: it was read, turned stale, or is out of service. */
static bool is_known(const struct table_point *p)
{
	return p->sample.time_ns != 0 || p->fresh || p->published ||
	       p->sample.quality == QUALITY_OUT_OF_SERVICE;
}

static bool has_changed(const struct point *config, const struct table_point *p)
{
	if (!p->published || p->published_quality != p->sample.quality)
		return true;
	if (value_equal(&p->published_value, &p->sample.value))
		return false;
	double before = value_number(&p->published_value);
	double moved = fabs(value_number(&p->sample.value) - before);
	double size = config->deadband.size * (config->deadband.percent ? fabs(before) / 100 : 1);
	return !(moved < size); /* also when one of them is no number */
}

static void remember(struct table_point *p)
{
	if (p->published_value.kind == VALUE_TEXT)
		free(p->published_value.text);
	p->published = true;
	p->published_quality = p->sample.quality;
	p->published_value = p->sample.value;
	if (p->sample.value.kind == VALUE_TEXT) {
		p->published_value.text = strdup(p->sample.value.text);
		if (!p->published_value.text)
			p->published_value.kind = VALUE_NONE;
	}
}

/* The newest reply among the points; when there is none, because values only turned stale, now. */
static int64_t time_of(const struct table_device *d, const bool *take, int64_t now_ns)
{
	int64_t newest = 0;
	bool all_stale = true;
	for (size_t i = 0; i < d->config->point_count; i++) {
		const struct sample *s = &d->points[i].sample;
		if (!take[i] || s->quality == QUALITY_STALE || s->quality == QUALITY_OUT_OF_SERVICE)
			continue;
		all_stale = false;
		if (s->time_ns > newest)
			newest = s->time_ns;
	}
	int64_t offset = d->utc_offset_ns ? d->utc_offset_ns : clock_realtime_offset();
	return ((all_stale ? now_ns : newest) + offset) / NS_PER_MS;
}

static void send_points(
    struct publisher *p, const struct table_device *d, const bool *take, unsigned flags, int64_t ts_ms)
{
	char topic[3 * (NAME_LENGTH_MAX + 1)];
	for (size_t i = 0; i < d->config->point_count; i++) {
		if (!take[i])
			continue;
		snprintf(topic, sizeof(topic), "point/%s/%s", d->config->name, d->config->points[i].name);
		publisher_send_value(
		    p, topic, encode_point(d, i, ts_ms), d->config->points[i].unit, flags, ts_ms);
	}
}

/* A flag that changes, as of a leak, does not wait behind numbers. */
static bool is_urgent(const struct table_device *d, const bool *take)
{
	for (size_t i = 0; i < d->config->point_count; i++) {
		const struct table_point *p = &d->points[i];
		if (take[i] && p->published && p->sample.value.kind == VALUE_BOOL &&
		    !value_equal(&p->published_value, &p->sample.value))
			return true;
	}
	return false;
}

static void send(struct publisher *p, struct table_device *d, const bool *take, const struct mqtt_config *c,
    int64_t now_ns)
{
	unsigned flags = PUBLISH_RETAIN | PUBLISH_KEEP | PUBLISH_EXPIRES;
	if (is_urgent(d, take))
		flags |= PUBLISH_URGENT;
	int64_t ts_ms = time_of(d, take, now_ns);
	char topic[2 * (NAME_LENGTH_MAX + 1)];
	if (c->layout & LAYOUT_DEVICE) {
		d->seq++;
		snprintf(topic, sizeof(topic), "device/%s", d->config->name);
		publisher_send(p, topic, encode_device(d, take, ts_ms), flags, ts_ms);
	}
	if (c->layout & LAYOUT_POINT)
		send_points(p, d, take, flags, ts_ms);
	for (size_t i = 0; i < d->config->point_count; i++)
		if (take[i])
			remember(&d->points[i]);
}

static void report(
    struct publisher *p, struct table_device *d, const struct mqtt_config *c, int64_t now_ns, bool full)
{
	_cleanup_free_ bool *take = calloc(d->config->point_count + 1, sizeof(*take));
	bool any = false;
	if (!take)
		return;
	for (size_t i = 0; i < d->config->point_count; i++) {
		struct table_point *point = &d->points[i];
		bool due = point->fresh &&
			   (c->publish == MQTT_PUBLISH_ALWAYS || has_changed(&d->config->points[i], point));
		take[i] = full ? is_known(point) : due;
		any |= take[i];
	}
	if (any)
		send(p, d, take, c, now_ns);
	if (any && full)
		d->last_full_ns = now_ns;
	for (size_t i = 0; i < d->config->point_count; i++)
		d->points[i].fresh = false;
}

void reporter_device(struct publisher *p, struct table_device *d, const struct mqtt_config *c, int64_t now_ns)
{
	bool full = c->publish == MQTT_PUBLISH_CHANGE &&
		    (d->last_full_ns == 0 || now_ns - d->last_full_ns >= c->full_interval);
	report(p, d, c, now_ns, full);
}

void reporter_device_full(
    struct publisher *p, struct table_device *d, const struct mqtt_config *c, int64_t now_ns)
{
	report(p, d, c, now_ns, true);
}
