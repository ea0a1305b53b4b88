#include "daemon/broker/publisher.h"

#include "daemon/broker/broker_return.h"
#include "daemon/spool/history.h"
#include "drivers/mqtt/client.h"
#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECONNECT_MIN_NS NS_PER_S
#define RECONNECT_MAX_NS (30 * NS_PER_S)
#define REPLAY_INTERVAL_NS (100 * NS_PER_MS)
/* paho gives up a connect after its time-out for each broker; beyond that it hangs. */
#define CONNECT_LIMIT_NS (120 * NS_PER_S)

static const struct log_fields broker_fields = { .message_id = LOG_ID_BROKER };

struct publisher {
	struct config *config;
	sd_event *event;
	struct publisher_events events;
	struct mqtt_client *client;
	struct broker_return *broker_return; /* while a later broker of the list serves us */
	struct history *history;
	sd_event_source *io, *reconnect_timer, *replay_timer;
	char *base, *status_topic;
	bool connected, was_connected, stopping, stopped;
	bool leaving;	/* a connection that is of no use any more */
	bool returning; /* to an earlier broker */
	unsigned in_flight_max;
	uint32_t packet_size_max;
	bool told_oversize; /* on this connection */
	int64_t expiry_s;   /* of live values */
	int64_t backoff_ns, last_progress_ns;
	unsigned failures;
	uint64_t next_id;
	struct message_list queue, in_flight;
	int64_t replay_budget; /* messages of history that may go out until the next refill */
	struct publisher_stats stats;
};

/* Topic, properties and header beside the payload, at most. */
#define PACKET_OVERHEAD 1100

/* A broker that gets more than it allows closes the connection: then the same would come again. */
static bool is_oversize(struct publisher *p, struct message *m)
{
	size_t size = strlen(m->payload) + PACKET_OVERHEAD;
	if (size <= p->packet_size_max)
		return false;
	log_event(p->told_oversize ? LOG_DEBUG : LOG_WARNING, broker_fields,
	    "%.100s is dropped: %zu bytes are more than the broker takes (allowed: %u)", m->topic, size,
	    (unsigned)p->packet_size_max);
	p->told_oversize = true;
	p->stats.dropped++;
	history_delivered(p->history, m); /* as far as it is known: nothing more comes of it */
	return true;
}

static bool publish(struct publisher *p, struct message *m)
{
	if (is_oversize(p, m))
		return true;
	char topic[1024];
	bool late = m->is_history && strcmp(m->topic, "gap") != 0;
	snprintf(topic, sizeof(topic), "%s/%s%s", p->base, late ? "history/" : "", m->topic);
	m->id = ++p->next_id;
	const struct mqtt_message message = { .topic = topic,
		.payload = m->payload,
		.unit = m->unit,
		.expiry_s = (m->flags & PUBLISH_EXPIRES) && !m->is_history ? p->expiry_s : 0,
		.retain = (m->flags & PUBLISH_RETAIN) && !m->is_history };
	if (mqtt_client_publish(p->client, m->id, &message) < 0)
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
			history_lost(p->history, m);
			break;
		}
	}
	if (p->stopping && p->connected && !p->queue.first && !p->in_flight.first) {
		p->connected = false;
		mqtt_client_disconnect(p->client);
	}
}

/* History follows when nothing live waits, as far as its budget goes, and leaves room for what is live. */
static void replay(struct publisher *p)
{
	unsigned room = p->in_flight_max - p->in_flight_max / PUBLISHER_LIVE_RESERVE;
	while (p->connected && !p->stopping && p->replay_budget > 0 && !p->queue.first &&
	       p->in_flight.count < room) {
		struct message *m = history_next(p->history);
		if (!m)
			break;
		p->replay_budget--;
		if (!publish(p, m)) {
			history_return(p->history, m);
			break;
		}
	}
}

static int on_replay_timer(sd_event_source *s, uint64_t usec, void *user)
{
	struct publisher *p = user;
	(void)usec;
	int64_t share = p->config->spool.replay_rate * REPLAY_INTERVAL_NS / NS_PER_S;
	p->replay_budget = share > 0 ? share : 1;
	replay(p);
	(void)sd_event_source_set_time_relative(s, REPLAY_INTERVAL_NS / 1000);
	(void)sd_event_source_set_enabled(s, p->connected ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
	return 0;
}

static void start_replay(struct publisher *p)
{
	history_online(p->history);
	(void)sd_event_source_set_time_relative(p->replay_timer, REPLAY_INTERVAL_NS / 1000);
	(void)sd_event_source_set_enabled(p->replay_timer, SD_EVENT_ONESHOT);
}

static void on_history_ready(void *user)
{
	replay(user);
}

/* A link on which nothing comes back for a keep-alive time is not worth waiting for: paho takes twice as long
 * to see it. */
static void leave_dead_link(struct publisher *p, int64_t now_ns)
{
	int64_t waited = now_ns - p->last_progress_ns;
	if (!p->connected || p->leaving || !p->in_flight.first || waited < p->config->mqtt.keep_alive)
		return;
	log_event(LOG_WARNING, broker_fields,
	    "the broker has acknowledged nothing for %lld s, connecting anew",
	    (long long)(waited / NS_PER_S));
	p->leaving = true;
	mqtt_client_disconnect(p->client);
}

static void on_saving(void *user)
{
	struct publisher *p = user;
	int64_t now = clock_boottime();
	leave_dead_link(p, now);
	for (struct message *m = p->in_flight.first; m; m = m->next)
		history_save(p->history, m, now);
	for (struct message *m = p->queue.first; m; m = m->next)
		history_save(p->history, m, now);
}

static void on_spool_trouble(void *user, const char *text)
{
	struct publisher *p = user;
	p->events.spool_trouble(p->events.user, text);
}

/* Leave this broker for an earlier one. What is in flight goes the way of every disconnect. */
static void on_broker_back(void *user)
{
	struct publisher *p = user;
	p->returning = true;
	mqtt_client_disconnect(p->client);
}

static void on_connected(void *user, const struct mqtt_limits *limits)
{
	struct publisher *p = user;
	p->connected = true;
	p->stats.reconnects += p->was_connected;
	p->was_connected = true;
	p->in_flight_max = limits->receive_maximum < PUBLISHER_IN_FLIGHT_MAX ? limits->receive_maximum
									     : PUBLISHER_IN_FLIGHT_MAX;
	p->packet_size_max = limits->packet_size;
	p->told_oversize = false;
	p->backoff_ns = 0;
	p->failures = 0;
	p->last_progress_ns = clock_boottime();
	if (p->stopping) {
		send_offline(p);
		return;
	}
	size_t broker = mqtt_client_broker(p->client);
	log_event(
	    LOG_INFO, broker_fields, "connected to the broker %s", p->config->mqtt.brokers.items[broker]);
	publisher_send(p, "status", strdup("online"), PUBLISH_RETAIN, 0);
	p->events.connected(p->events.user);
	start_replay(p);
	if (broker > 0) /* without memory there is no way back before the next disconnect */
		p->broker_return = broker_return_new(p->event, p->config, broker, on_broker_back, p);
}

static void schedule_reconnect(struct publisher *p, const char *why)
{
	p->backoff_ns = p->backoff_ns == 0 ? RECONNECT_MIN_NS : p->backoff_ns * 2;
	if (p->backoff_ns > RECONNECT_MAX_NS)
		p->backoff_ns = RECONNECT_MAX_NS;
	/* the first failure and then ever more rarely: an outage of a night is not a journal full of it */
	p->failures++;
	bool loud = (p->failures & (p->failures - 1)) == 0;
	log_event(loud ? LOG_WARNING : LOG_DEBUG, broker_fields, "no connection to the broker: %s", why);
	p->last_progress_ns = clock_boottime();
	(void)sd_event_source_set_time_relative(p->reconnect_timer, (uint64_t)p->backoff_ns / 1000);
	(void)sd_event_source_set_enabled(p->reconnect_timer, SD_EVENT_ONESHOT);
}

/* What was in flight may or may not have arrived: it counts as not sent. */
static void take_back(struct publisher *p)
{
	for (struct message *m; (m = message_list_take(&p->in_flight));)
		history_lost(p->history, m);
	for (struct message *m; (m = message_list_take(&p->queue));)
		history_lost(p->history, m);
	history_offline(p->history);
}

static void begin_connect(struct publisher *p)
{
	p->last_progress_ns = clock_boottime();
	mqtt_client_connect(p->client);
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
	if (p->returning)
		log_event(
		    LOG_NOTICE, broker_fields, "an earlier broker of the list is back, returning to it");
	bool at_once = p->returning || p->leaving;
	p->returning = p->leaving = false;
	broker_return_free(p->broker_return);
	p->broker_return = NULL;
	if (at_once)
		begin_connect(p);
	else
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
	history_delivered(p->history, m);
	pump(p);
	replay(p);
}

static void on_refused(void *user, uint64_t id)
{
	struct publisher *p = user;
	struct message *m = message_list_remove(&p->in_flight, id);
	if (m && m->is_history)
		history_return(p->history, m);
	else if (m)
		history_lost(p->history, m);
	pump(p);
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
		r = sd_event_add_time_relative(
		    p->event, &p->replay_timer, CLOCK_BOOTTIME, 0, 0, on_replay_timer, p);
	if (r >= 0)
		r = sd_event_source_set_enabled(p->replay_timer, SD_EVENT_OFF);
	return r;
}

/* Live values are sent again at every full_interval, or when their device is polled, if that is more rarely;
 * when three such times bring nothing the broker forgets them. */
static int64_t expiry_of(const struct config *c)
{
	int64_t longest = c->mqtt.full_interval;
	for (size_t i = 0; i < c->device_count; i++) {
		int64_t slow = 10 * c->devices[i].poll_interval;
		longest = slow > longest ? slow : longest;
	}
	return 3 * longest / NS_PER_S;
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
	p->expiry_s = expiry_of(c);
	p->client = mqtt_client_new(c, c->mqtt.brokers.count, "", will, &to);
	if (!p->client)
		return -errno;
	return add_sources(p); /* the reconnect timer is due at once: that is the first connect */
}

static void close_client(struct publisher *p)
{
	broker_return_free(p->broker_return);
	p->broker_return = NULL;
	p->io = sd_event_source_disable_unref(p->io);
	p->reconnect_timer = sd_event_source_disable_unref(p->reconnect_timer);
	p->replay_timer = sd_event_source_disable_unref(p->replay_timer);
	mqtt_client_free(p->client);
	free(p->base);
	free(p->status_topic);
	config_unref(p->config);
	p->client = NULL;
	p->base = p->status_topic = NULL;
	p->config = NULL;
}

static struct spool_limits limits_of(const struct config *c)
{
	return (struct spool_limits){ c->spool.max_size, c->spool.max_age };
}

struct publisher *publisher_new(sd_event *event, struct config *c, const struct publisher_events *events)
{
	struct publisher *p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->event = event;
	p->events = *events;
	struct history_events to = { on_history_ready, on_saving, on_spool_trouble, p };
	p->history = history_new(event, c->daemon.state_dir, limits_of(c), &to);
	int r = p->history ? open_client(p, c) : -errno;
	if (r < 0) {
		publisher_free(p, 0);
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

void publisher_set_limits(struct publisher *p, const struct config *c)
{
	history_set_limits(p->history, limits_of(c));
}

void publisher_free(struct publisher *p, int64_t grace_ns)
{
	if (!p)
		return;
	if (p->history)
		take_back(p);
	close_client(p);
	history_free(p->history, grace_ns);
	free(p);
}

void publisher_send(struct publisher *p, const char *topic, char *payload, unsigned flags, int64_t ts_ms)
{
	publisher_send_value(p, topic, payload, "", flags, ts_ms);
}

void publisher_send_value(
    struct publisher *p, const char *topic, char *payload, const char *unit, unsigned flags, int64_t ts_ms)
{
	struct message *m = message_new(topic, payload, flags, ts_ms);
	if (!m) {
		p->stats.dropped++;
		return;
	}
	snprintf(m->unit, sizeof(m->unit), "%s", unit);
	m->made_ns = clock_boottime();
	if (!p->connected || p->queue.count >= PUBLISHER_QUEUE_MAX) {
		history_lost(p->history, m);
		return;
	}
	if (flags & PUBLISH_URGENT)
		message_list_hurry(&p->queue, m);
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
	struct history_stats h = history_describe(p->history);
	s.waiting = h.messages;
	s.waiting_bytes = h.bytes;
	s.waiting_dropped = h.dropped;
	s.spool_trouble = h.trouble;
	return s;
}

bool publisher_moves(const struct publisher *p, int64_t now_ns)
{
	int64_t idle = now_ns - p->last_progress_ns;
	if (p->connected)
		return !p->in_flight.first || idle < 3 * p->config->mqtt.keep_alive + RECONNECT_MAX_NS;
	return idle < RECONNECT_MAX_NS + CONNECT_LIMIT_NS;
}
