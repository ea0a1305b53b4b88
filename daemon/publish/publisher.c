#include "publisher.h"

#include "clock.h"
#include "encoder.h"
#include "message_list.h"
#include "mqtt_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define RECONNECT_MIN_NS NS_PER_S
#define RECONNECT_MAX_NS (30 * NS_PER_S)
#define DRAIN_INTERVAL_NS (100 * NS_PER_MS)
/* paho gives up a connect after its time-out for each broker; beyond that it hangs. */
#define CONNECT_LIMIT_NS (120 * NS_PER_S)

struct publisher {
	struct config *config;
	sd_event *event;
	struct publisher_events events;
	struct mqtt_client *client;
	sd_event_source *io, *reconnect_timer, *drain_timer;
	char *base, *status_topic;
	bool connected, was_connected, stopping, stopped;
	unsigned in_flight_max;
	int64_t backoff_ns, last_progress_ns;
	unsigned failures;
	uint64_t next_id;
	struct message_list queue, in_flight, backlog;
	struct publisher_stats stats;
	uint64_t gap_dropped;
	int64_t gap_from_ms, gap_to_ms;
};

static void drop_oldest(struct publisher *p)
{
	struct message *m = message_list_take(&p->backlog);
	if (p->gap_dropped++ == 0)
		p->gap_from_ms = m->ts_ms;
	p->gap_to_ms = m->ts_ms;
	p->stats.dropped++;
	message_free(m);
}

/* Keeps a message for later, or forgets it when it is of the moment only. */
static void set_aside(struct publisher *p, struct message *m)
{
	if (!(m->flags & PUBLISH_KEEP)) {
		message_free(m);
		return;
	}
	m->is_history = true;
	message_list_append(&p->backlog, m);
	while (p->backlog.count > PUBLISHER_BACKLOG_MAX || p->backlog.bytes > PUBLISHER_BACKLOG_BYTES_MAX)
		drop_oldest(p);
}

static bool publish(struct publisher *p, struct message *m)
{
	char topic[1024];
	snprintf(topic, sizeof(topic), "%s/%s%s", p->base, m->is_history ? "history/" : "", m->topic);
	m->id = ++p->next_id;
	bool retain = (m->flags & PUBLISH_RETAIN) && !m->is_history;
	if (mqtt_client_publish(p->client, m->id, topic, m->payload, retain) < 0)
		return false;
	if (p->in_flight.count == 0)
		p->last_progress_ns = clock_boottime(); /* from here on an acknowledgement is waited for */
	message_list_append(&p->in_flight, m);
	p->stats.published++;
	return true;
}

static void send_offline(struct publisher *p)
{
	p->stopping = true;
	publisher_send(p, "status", strdup("offline"), PUBLISH_RETAIN, 0);
}

static void finish_stop(struct publisher *p)
{
	if (p->stopped)
		return;
	p->stopped = true;
	p->events.stopped(p->events.user);
}

/* Live messages go out as far as the broker takes them. */
static void pump(struct publisher *p)
{
	while (p->connected && p->in_flight.count < p->in_flight_max && p->queue.first) {
		struct message *m = message_list_take(&p->queue);
		if (!publish(p, m)) {
			set_aside(p, m);
			break;
		}
	}
	if (p->stopping && p->connected && !p->queue.first && !p->in_flight.first) {
		p->connected = false;
		mqtt_client_disconnect(p->client);
	}
}

static int on_drain(sd_event_source *s, uint64_t usec, void *user)
{
	struct publisher *p = user;
	(void)usec;
	int64_t budget = p->config->spool.replay_rate / (NS_PER_S / DRAIN_INTERVAL_NS);
	if (budget < 1)
		budget = 1;
	for (; p->connected && !p->stopping && budget > 0; budget--) {
		if (!p->backlog.first || p->queue.first || p->in_flight.count >= p->in_flight_max)
			break;
		struct message *m = message_list_take(&p->backlog);
		if (!publish(p, m)) {
			message_list_prepend(&p->backlog, m);
			break;
		}
	}
	(void)sd_event_source_set_time_relative(s, DRAIN_INTERVAL_NS / 1000);
	(void)sd_event_source_set_enabled(
	    s, p->connected && p->backlog.first ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
	return 0;
}

static void start_drain(struct publisher *p)
{
	(void)sd_event_source_set_time_relative(p->drain_timer, DRAIN_INTERVAL_NS / 1000);
	(void)sd_event_source_set_enabled(p->drain_timer, SD_EVENT_ONESHOT);
}

static void tell_gap(struct publisher *p)
{
	if (p->gap_dropped == 0)
		return;
	publisher_send(p, "gap", encode_gap(p->gap_from_ms, p->gap_to_ms, p->gap_dropped), 0, p->gap_to_ms);
	p->gap_dropped = 0;
}

static void say_no_connection(struct publisher *p, int level, const char *why)
{
	char text[512];
	snprintf(text, sizeof(text), "no connection to the broker: %s", why);
	p->events.notice(p->events.user, level, text);
}

static void on_connected(void *user, unsigned receive_maximum)
{
	struct publisher *p = user;
	p->connected = true;
	p->stats.reconnects += p->was_connected;
	p->was_connected = true;
	p->in_flight_max =
	    receive_maximum < PUBLISHER_IN_FLIGHT_MAX ? receive_maximum : PUBLISHER_IN_FLIGHT_MAX;
	p->backoff_ns = 0;
	p->failures = 0;
	p->last_progress_ns = clock_boottime();
	if (p->stopping) {
		send_offline(p);
		return;
	}
	p->events.notice(p->events.user, LOG_INFO, "connected to the broker");
	publisher_send(p, "status", strdup("online"), PUBLISH_RETAIN, 0);
	p->events.connected(p->events.user);
	tell_gap(p);
	start_drain(p);
}

static void schedule_reconnect(struct publisher *p, const char *why)
{
	p->backoff_ns = p->backoff_ns == 0 ? RECONNECT_MIN_NS : p->backoff_ns * 2;
	if (p->backoff_ns > RECONNECT_MAX_NS)
		p->backoff_ns = RECONNECT_MAX_NS;
	/* the first failure and then ever more rarely: an outage of a night is not a journal full of it */
	p->failures++;
	bool loud = (p->failures & (p->failures - 1)) == 0;
	say_no_connection(p, loud ? LOG_WARNING : LOG_DEBUG, why);
	p->last_progress_ns = clock_boottime();
	(void)sd_event_source_set_time_relative(p->reconnect_timer, (uint64_t)p->backoff_ns / 1000);
	(void)sd_event_source_set_enabled(p->reconnect_timer, SD_EVENT_ONESHOT);
}

/* What was in flight may or may not have arrived: it counts as not sent. History keeps its place in front. */
static void take_back(struct publisher *p)
{
	struct message_list history = { 0 };
	for (struct message *m; (m = message_list_take(&p->in_flight));) {
		if (m->is_history)
			message_list_prepend(&history, m);
		else
			set_aside(p, m);
	}
	for (struct message *m; (m = message_list_take(&history));)
		message_list_prepend(&p->backlog, m);
	for (struct message *m; (m = message_list_take(&p->queue));)
		set_aside(p, m);
}

static void on_disconnected(void *user, const char *why)
{
	struct publisher *p = user;
	p->connected = false;
	take_back(p);
	if (p->stopping) {
		finish_stop(p);
		return;
	}
	schedule_reconnect(p, why);
}

static void on_delivered(void *user, uint64_t id)
{
	struct publisher *p = user;
	struct message *m = message_list_remove(&p->in_flight, id);
	if (!m)
		return;
	p->stats.acknowledged++;
	p->last_progress_ns = clock_boottime();
	message_free(m);
	pump(p);
}

static void on_refused(void *user, uint64_t id)
{
	struct publisher *p = user;
	struct message *m = message_list_remove(&p->in_flight, id);
	if (m)
		set_aside(p, m);
	if (p->connected)
		start_drain(p);
	pump(p);
}

static void begin_connect(struct publisher *p)
{
	const char *why = "";
	p->last_progress_ns = clock_boottime();
	if (mqtt_client_connect(p->client, &why) < 0)
		schedule_reconnect(p, why);
}

static int on_reconnect_timer(sd_event_source *s, uint64_t usec, void *user)
{
	(void)s;
	(void)usec;
	begin_connect(user);
	return 0;
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct publisher *p = user;
	(void)s;
	(void)fd;
	(void)revents;
	mqtt_client_dispatch(p->client);
	return 0;
}

static int add_sources(struct publisher *p)
{
	int r = sd_event_add_io(p->event, &p->io, mqtt_client_fd(p->client), EPOLLIN, on_io, p);
	if (r >= 0)
		r = sd_event_add_time_relative(
		    p->event, &p->reconnect_timer, CLOCK_BOOTTIME, 0, 0, on_reconnect_timer, p);
	if (r >= 0)
		r = sd_event_add_time_relative(p->event, &p->drain_timer, CLOCK_BOOTTIME, 0, 0, on_drain, p);
	if (r >= 0)
		r = sd_event_source_set_enabled(p->drain_timer, SD_EVENT_OFF);
	return r;
}

/* Everything that depends on the configuration. */
static int open_client(struct publisher *p, struct config *c)
{
	struct mqtt_events to = { on_connected, on_disconnected, on_delivered, on_refused, p };
	p->config = config_ref(c);
	p->last_progress_ns = clock_boottime();
	if (asprintf(&p->base, "%s/%s/%s", c->mqtt.topic_prefix, c->daemon.site, c->daemon.rack) < 0)
		p->base = NULL;
	if (!p->base || asprintf(&p->status_topic, "%s/status", p->base) < 0) {
		p->status_topic = NULL;
		return -ENOMEM;
	}
	struct mqtt_will will = { p->status_topic, "offline" };
	p->client = mqtt_client_new(c, will, &to);
	if (!p->client)
		return -errno;
	return add_sources(p); /* the reconnect timer is due at once: that is the first connect */
}

static void close_client(struct publisher *p)
{
	p->io = sd_event_source_disable_unref(p->io);
	p->reconnect_timer = sd_event_source_disable_unref(p->reconnect_timer);
	p->drain_timer = sd_event_source_disable_unref(p->drain_timer);
	mqtt_client_free(p->client);
	free(p->base);
	free(p->status_topic);
	config_unref(p->config);
	p->client = NULL;
	p->base = p->status_topic = NULL;
	p->config = NULL;
}

struct publisher *publisher_new(sd_event *event, struct config *c, const struct publisher_events *events)
{
	struct publisher *p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->event = event;
	p->events = *events;
	int r = open_client(p, c);
	if (r < 0) {
		publisher_free(p);
		errno = -r;
		return NULL;
	}
	return p;
}

int publisher_restart(struct publisher *p, struct config *c)
{
	take_back(p);
	close_client(p);
	p->connected = p->stopping = p->stopped = false;
	p->backoff_ns = 0;
	p->failures = 0;
	return open_client(p, c);
}

void publisher_free(struct publisher *p)
{
	if (!p)
		return;
	close_client(p);
	message_list_clear(&p->queue);
	message_list_clear(&p->in_flight);
	message_list_clear(&p->backlog);
	free(p);
}

void publisher_send(struct publisher *p, const char *topic, char *payload, unsigned flags, int64_t ts_ms)
{
	struct message *m = message_new(topic, payload, flags, ts_ms);
	if (!m) {
		p->stats.dropped++;
		return;
	}
	if (!p->connected || p->queue.count >= PUBLISHER_QUEUE_MAX) {
		set_aside(p, m);
		return;
	}
	if (flags & PUBLISH_URGENT)
		message_list_prepend(&p->queue, m);
	else
		message_list_append(&p->queue, m);
	pump(p);
}

void publisher_stop(struct publisher *p)
{
	p->stopping = true;
	(void)sd_event_source_set_enabled(p->reconnect_timer, SD_EVENT_OFF);
	if (p->connected)
		send_offline(p);
	else
		finish_stop(p);
}

bool publisher_is_connected(const struct publisher *p)
{
	return p->connected;
}

struct publisher_stats publisher_describe(const struct publisher *p)
{
	struct publisher_stats s = p->stats;
	s.connected = p->connected;
	s.queued = p->queue.count;
	s.in_flight = p->in_flight.count;
	s.backlog = p->backlog.count;
	s.backlog_bytes = p->backlog.bytes;
	return s;
}

bool publisher_moves(const struct publisher *p, int64_t now_ns)
{
	int64_t idle = now_ns - p->last_progress_ns;
	if (p->connected)
		return !p->in_flight.first || idle < 3 * p->config->mqtt.keep_alive + RECONNECT_MAX_NS;
	return idle < RECONNECT_MAX_NS + CONNECT_LIMIT_NS;
}
