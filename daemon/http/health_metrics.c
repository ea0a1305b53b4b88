#include "daemon/http/health_metrics.h"

#include "config/ini/text.h"
#include "drivers/os/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NAMED(n) "coolantd_" n

static void put_one(struct metrics_writer *w, const struct metric_family *f, double v)
{
	metrics_family(w, f);
	metrics_sample(w, NULL, v, JSON_DECIMAL);
}

static void put_own(struct metrics_writer *w, const struct health *h)
{
	static const struct metric_family samples = { NAMED("samples"), METRIC_COUNTER, NULL,
		"readings taken from the devices" };
	static const struct metric_family dropped = { NAMED("batches_dropped"), METRIC_COUNTER, NULL,
		"batches of readings that the control loop was too slow for" };
	static const struct metric_family lag = { NAMED("control_lag_seconds"), METRIC_GAUGE, "seconds",
		"longest delay of the control loop in the last ten seconds" };
	static const struct metric_family latency = { NAMED("alarm_latency_seconds"), METRIC_GAUGE, "seconds",
		"longest time from a reply to its alarm, of the alarms in the last ten seconds" };
	put_one(w, &samples, (double)h->samples);
	put_one(w, &dropped, (double)h->batches_dropped);
	put_one(w, &lag, (double)h->lag_ns / NS_PER_S);
	put_one(w, &latency, h->alarm_latency_ns ? (double)h->alarm_latency_ns / NS_PER_S : NAN);
}

/* Of each connection to a broker; the main one has no label. */
static const struct metric_family broker_families[] = {
	{ NAMED("publisher_connected"), METRIC_GAUGE, NULL, "whether the broker is connected" },
	{ NAMED("publisher_messages_published"), METRIC_COUNTER, NULL, "messages given to the broker" },
	{ NAMED("publisher_messages_acknowledged"), METRIC_COUNTER, NULL,
	    "messages that the broker has acknowledged" },
	{ NAMED("publisher_messages_dropped"), METRIC_COUNTER, NULL,
	    "messages that were given up: refused by the broker, or without memory" },
	{ NAMED("publisher_reconnects"), METRIC_COUNTER, NULL, "connections to the broker after the first" },
	{ NAMED("publisher_queued_messages"), METRIC_GAUGE, NULL, "live messages that wait" },
	{ NAMED("publisher_unacknowledged_messages"), METRIC_GAUGE, NULL,
	    "messages that the broker has not acknowledged yet" },
	{ NAMED("spool_messages"), METRIC_GAUGE, NULL, "messages that wait in the history" },
	{ NAMED("spool_bytes"), METRIC_GAUGE, "bytes", "size of what waits in the history" },
	{ NAMED("spool_messages_dropped"), METRIC_COUNTER, NULL,
	    "messages of the history that were too many or too old" },
	{ NAMED("spool_problem"), METRIC_GAUGE, NULL,
	    "whether the disk does not take what must outlive an outage" },
};

static double broker_value(const struct health_broker *b, size_t family)
{
	const double values[COUNT(broker_families)] = {
		b->connected,
		(double)b->published,
		(double)b->acknowledged,
		(double)b->dropped,
		(double)b->reconnects,
		(double)b->queued,
		(double)b->in_flight,
		(double)b->waiting,
		(double)b->waiting_bytes,
		(double)b->waiting_dropped,
		b->spool_trouble && b->spool_trouble[0],
	};
	return values[family];
}

static void put_brokers(struct metrics_writer *w, const struct health *h)
{
	for (size_t i = 0; i < COUNT(broker_families); i++) {
		metrics_family(w, &broker_families[i]);
		metrics_sample(w, NULL, broker_value(&h->brokers[OUTPUT_MAIN], i), JSON_DECIMAL);
		for (enum output_connection c = OUTPUT_MAIN + 1; c < OUTPUT_CONNECTIONS; c++)
			if (output_connection_of(h->config, c))
				metrics_sample(w, METRIC_LABELS("connection", output_connection_word(c)),
				    broker_value(&h->brokers[c], i), JSON_DECIMAL);
	}
}

/* Counters of a struct by their place in it. */
struct counter_row {
	struct metric_family family;
	size_t place;
};

static double counter_at(const void *stats, size_t place)
{
	uint64_t v;
	memcpy(&v, (const char *)stats + place, sizeof(v));
	return (double)v;
}

#define BUS(field, help)                                                                                     \
	{                                                                                                    \
		{ NAMED("bus_" #field), METRIC_COUNTER, NULL, help }, offsetof(struct driver_stats, field)   \
	}
static const struct counter_row bus_counters[] = {
	BUS(requests, "requests to the devices of the bus"),
	BUS(replies, "replies, with values or an exception"),
	BUS(timeouts, "requests without a reply in time"),
	BUS(exceptions, "replies that were an exception"),
	BUS(bad_replies, "replies that were damaged or of something else"),
	BUS(stray_replies, "replies to nothing that was asked"),
	BUS(echoes, "echoes of requests from the line's adapter"),
	BUS(closed, "connections that were closed in place of a reply"),
	BUS(connects, "connections made"),
	BUS(connect_failures, "connections that could not be made"),
};

static void put_bus_states(struct metrics_writer *w, const struct health *h)
{
	static const struct metric_family connected = { NAMED("bus_connected"), METRIC_GAUGE, NULL,
		"whether the port is open or the connection there" };
	static const struct metric_family load = { NAMED("bus_load_ratio"), METRIC_GAUGE, "ratio",
		"share of a serial line's time that polling takes, as planned" };
	static const struct metric_family latency = { NAMED("bus_latency_seconds"), METRIC_SUMMARY, "seconds",
		"time from a request to its reply" };
	const struct config *c = h->config;
	metrics_family(w, &connected);
	for (size_t i = 0; i < c->bus_count; i++)
		metrics_sample(
		    w, METRIC_LABELS("bus", c->buses[i].name), h->buses[i].connected, JSON_DECIMAL);
	metrics_family(w, &load);
	for (size_t i = 0; i < c->bus_count; i++)
		if (bus_has_load(&c->buses[i]))
			metrics_sample(
			    w, METRIC_LABELS("bus", c->buses[i].name), h->loads[i].share, JSON_FIGURE);
	metrics_family(w, &latency);
	for (size_t i = 0; i < c->bus_count; i++)
		metrics_summary(w, METRIC_LABELS("bus", c->buses[i].name), h->buses[i].replies,
		    (double)h->buses[i].latency_sum_ns / NS_PER_S);
}

static void put_bus_counters(struct metrics_writer *w, const struct health *h)
{
	for (size_t r = 0; r < COUNT(bus_counters); r++) {
		metrics_family(w, &bus_counters[r].family);
		for (size_t i = 0; i < h->config->bus_count; i++)
			metrics_sample(w, METRIC_LABELS("bus", h->config->buses[i].name),
			    counter_at(&h->buses[i], bus_counters[r].place), JSON_DECIMAL);
	}
}

#define DEVICE(field, help)                                                                                  \
	{                                                                                                    \
		{ NAMED("device_" #field), METRIC_COUNTER, NULL, help },                                     \
		    offsetof(struct device_stats, field)                                                     \
	}
static const struct counter_row device_counters[] = {
	DEVICE(requests, "requests to the device"),
	DEVICE(replies, "replies, with values or an exception"),
	DEVICE(timeouts, "requests without a reply in time"),
	DEVICE(exceptions, "replies that were an exception"),
	DEVICE(bad_replies, "replies that were damaged or of something else"),
	DEVICE(missed_cycles, "polls that were left out because the bus was late"),
};

/* A sample of a device, by its stats. */
typedef double device_get(const struct health *h, const struct device_stats *d, size_t place);

static double get_up(const struct health *h, const struct device_stats *d, size_t place)
{
	return !d->silent && d->last_reply_ns != 0;
}

static double get_wrong(const struct health *h, const struct device_stats *d, size_t place)
{
	return d->wrong;
}

static double get_backoff(const struct health *h, const struct device_stats *d, size_t place)
{
	return (double)d->backoff_ns / NS_PER_S;
}

static double get_last_reply(const struct health *h, const struct device_stats *d, size_t place)
{
	int64_t ms = (d->last_reply_ns + h->utc_offset_ns) / NS_PER_MS;
	return d->last_reply_ns ? (double)ms / 1e3 : NAN;
}

static double get_counter(const struct health *h, const struct device_stats *d, size_t place)
{
	return counter_at(d, place);
}

/* The bus is a label too: after a reload a device may be told by the bus that it was on until now. */
static void put_devices(struct metrics_writer *w, const struct health *h, const struct metric_family *f,
    device_get *get, size_t place)
{
	metrics_family(w, f);
	for (size_t i = 0; i < h->config->bus_count; i++)
		for (size_t k = 0; k < h->buses[i].device_count; k++) {
			const struct device_stats *d = &h->buses[i].devices[k];
			metrics_sample(w, METRIC_LABELS("device", d->name, "bus", h->config->buses[i].name),
			    get(h, d, place), JSON_DECIMAL);
		}
}

static void put_device_states(struct metrics_writer *w, const struct health *h)
{
	static const struct metric_family up = { NAMED("device_up"), METRIC_GAUGE, NULL,
		"whether the device answers" };
	static const struct metric_family wrong = { NAMED("device_wrong"), METRIC_GAUGE, NULL,
		"whether another device than its profile describes answers" };
	static const struct metric_family backoff = { NAMED("device_backoff_seconds"), METRIC_GAUGE,
		"seconds", "how long a silent device is left alone between two tries" };
	static const struct metric_family last = { NAMED("device_last_reply_timestamp_seconds"), METRIC_GAUGE,
		"seconds", "when the device answered last, since the epoch" };
	put_devices(w, h, &up, get_up, 0);
	put_devices(w, h, &wrong, get_wrong, 0);
	put_devices(w, h, &backoff, get_backoff, 0);
	put_devices(w, h, &last, get_last_reply, 0);
	for (size_t r = 0; r < COUNT(device_counters); r++)
		put_devices(w, h, &device_counters[r].family, get_counter, device_counters[r].place);
}

void health_metrics_put(struct metrics_writer *w, const struct health *h)
{
	put_own(w, h);
	put_brokers(w, h);
	put_bus_states(w, h);
	put_bus_counters(w, h);
	put_device_states(w, h);
}
