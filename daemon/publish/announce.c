#include "daemon/publish/announce.h"

#include "config/ini/text.h"
#include "daemon/publish/encoder.h"
#include "drivers/os/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A retained message under KIND/NAME. */
static void publish_named(
    struct daemon *d, const char *kind, const char *name, char *payload, unsigned flags, int64_t ts_ms)
{
	char topic[3 * (NAME_LENGTH_MAX + 1)]; /* a default alarm has two names in one */
	snprintf(topic, sizeof(topic), "%s/%s", kind, name);
	publisher_send(d->publisher, topic, payload, PUBLISH_RETAIN | flags, ts_ms);
}

void announce_no_alarm(const char *name, struct daemon *d)
{
	publish_named(d, "alarm", name, strdup(""), 0, clock_utc_ms());
}

void announce_alarm(const struct alarm *a, struct daemon *d)
{
	publish_named(d, "alarm", a->config->name, encode_alarm(a, clock_utc_ms()),
	    PUBLISH_KEEP | PUBLISH_URGENT, a->changed_ms);
}

void announce_loops(struct daemon *d)
{
	int64_t now = clock_utc_ms();
	for (size_t i = 0; i < d->config->loop_count; i++) {
		const struct loop_config *l = &d->config->loops[i];
		publish_named(d, "loop", l->name, encode_loop(l, d->live->loops[i].figures, now),
		    PUBLISH_KEEP | PUBLISH_EXPIRES, now);
	}
}

void announce_pues(struct daemon *d)
{
	int64_t now = clock_utc_ms();
	for (size_t i = 0; i < d->config->pue_count; i++) {
		const struct live_pue *p = &d->live->pues[i];
		char *payload = encode_pue(p->config, p->pue, clock_realtime_offset(), now);
		publish_named(d, "pue", p->config->name, payload, PUBLISH_KEEP | PUBLISH_EXPIRES, now);
	}
}

void announce_info(struct daemon *d)
{
	struct info info = { COOLANTD_VERSION, d->started_ms };
	publisher_send(d->publisher, "info", encode_info(d->config, &info), PUBLISH_RETAIN, clock_utc_ms());
}

void announce_health(struct daemon *d)
{
	struct driver_stats *buses = calloc(d->config->bus_count + 1, sizeof(*buses));
	struct publisher_stats p = publisher_describe(d->publisher);
	if (!buses)
		return;
	for (size_t i = 0; i < d->config->bus_count; i++)
		buses_describe(d->buses, i, &buses[i]);
	int64_t now = clock_boottime();
	struct health h = {
		.ts_ms = clock_utc_ms(),
		.uptime_s = (now - d->started_ns) / NS_PER_S,
		.buses = buses,
		.loads = d->loads,
		.config = d->config,
		.utc_offset_ns = clock_realtime_offset(),
		.samples = d->table->samples,
		.batches_dropped = inbox_dropped(d->batches),
		.loop_lag_ms = round((double)d->lag_max_ns / 1e3) / 1e3,
		.alarm_latency_ms =
		    d->alarm_latency_max_ns > 0 ? round((double)d->alarm_latency_max_ns / 1e3) / 1e3 : NAN,
		.broker_connected = p.connected,
		.published = p.published,
		.acknowledged = p.acknowledged,
		.dropped = p.dropped,
		.reconnects = p.reconnects,
		.queued = p.queued,
		.in_flight = p.in_flight,
		.spool_messages = p.waiting,
		.spool_bytes = p.waiting_bytes,
		.spool_dropped = p.waiting_dropped,
		.spool_trouble = p.spool_trouble,
	};
	publisher_send(d->publisher, "health", encode_health(&h), PUBLISH_RETAIN, h.ts_ms);
	d->lag_max_ns = 0;
	d->alarm_latency_max_ns = 0;
	for (size_t i = 0; i < d->config->bus_count; i++)
		driver_stats_deinit(&buses[i]);
	free(buses);
}
