#include "daemon/broker/publisher.h"

#include "daemon/broker/broker_return.h"
#include "daemon/broker/live_queue.h"
#include "daemon/broker/refusals.h"
#include "daemon/spool/history.h"
#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beside the time after which a dead link is left. */
#define ACKNOWLEDGE_MARGIN_NS (30 * NS_PER_S)
/* So long messages go out one at a time after a connection that was closed. */
#define CAREFUL_NS (10 * NS_PER_S)
/* and so long at most when history that was under way has not come by again */
#define CAREFUL_HISTORY_NS (60 * NS_PER_S)
/* An acknowledgement that takes so much longer than the quickest shows that messages wait in the link. */
#define QUEUED_MAX_NS (500 * NS_PER_MS)
#define IN_FLIGHT_MIN 4
#define REPLAY_INTERVAL_NS (100 * NS_PER_MS)
/* Another broker is turned to when the old one has not taken what is under way after so long. */
#define REPLACE_LIMIT_NS (3 * NS_PER_S)
/* So long who is waited for is given to show up at a broker, before he is looked for at the next. */
#define OTHER_PATIENCE_NS (5 * NS_PER_S)
#define SPOOL_NAME_MAX 64

static const struct log_fields broker_fields = { .message_id = LOG_ID_BROKER };

struct publisher {
	struct config *config;
	enum output_connection which;
	sd_event *event;
	struct publisher_events events;
	struct connection *connection;
	unsigned session;		     /* of the connection, while connected */
	struct broker_return *broker_return; /* while a later broker of the list serves us */
	struct history *history;
	sd_event_source *io, *replay_timer, *replace_timer;
	struct output_presence presence;
	bool ended; /* the connection: it can be freed without waiting */
	bool eager; /* acknowledgements wake us */
	bool taking;
	bool connected, was_connected, stopping, stopped;
	struct config *next; /* stopping in order to go on with this one */
	bool leaving;	     /* a connection that is of no use any more */
	bool returning;	     /* to an earlier broker, once `offline` is said */
	bool moving_on;	     /* likewise, to the next one, where who is waited for may be */
	bool waiting;	     /* connected, for who is to be there before anything is said */
	uint64_t connects;   /* CONNECT packets so far */
	int64_t replay_from_ns;
	bool replaying;
	unsigned in_flight_max, in_flight_limit; /* now, and by the broker */
	bool careful; /* the last connection was closed with something under way: one at a time */
	int64_t careful_until_ns;
	size_t careful_history;	   /* messages of history that were under way then */
	uint64_t taken;		   /* messages that were acknowledged on this connection */
	int64_t least_ns;	   /* the shortest that one took on this connection */
	int64_t normal_ns;	   /* how long acknowledgements take, smoothed as TCP does (RFC 6298) */
	struct mqtt_limits limits; /* of this connection */
	int64_t last_progress_ns;
	uint64_t next_id;
	struct live_queue queue;
	struct message_list in_flight;
	struct refusals *refusals;
	int64_t replay_budget; /* messages of history that may go out until the next refill */
	struct health_broker stats;
};

static const struct connection_config *connection_of(const struct publisher *p)
{
	return output_connection_of(p->config, p->which);
}

static struct mqtt_message message_of(const struct publisher *p, const struct message *m)
{
	int64_t qos = m->flags & PUBLISH_ASSURED ? 1 : connection_of(p)->qos;
	return (struct mqtt_message){ .topic = m->topic,
		.payload = m->payload,
		.size = m->size,
		.qos = qos < p->limits.qos ? qos : p->limits.qos,
		.unit = m->unit,
		.retain = m->flags & PUBLISH_RETAIN };
}

/* A broker that gets more than it allows closes the connection: then the same would come again. */
static bool is_oversize(struct publisher *p, const struct message *m, struct mqtt_message as)
{
	if (m->flags & PUBLISH_EACH) /* something follows its payload */
		as.size += OUTPUT_TAIL_MAX;
	size_t size = mqtt_message_packet_size(&as, connection_of(p)->protocol);
	if (size > p->limits.packet_size)
		refusals_note_oversize(p->refusals, m, size, p->limits.packet_size);
	return size > p->limits.packet_size;
}

/* As far as it is known: nothing more comes of it. */
static void drop(struct publisher *p, struct message *m)
{
	p->stats.dropped++;
	if (!refusals_hold(p->refusals, m, clock_boottime()))
		history_delivered(p->history, m);
}

static bool publish(struct publisher *p, struct message *m)
{
	/* the last word is tried in any case: a broker that closes at it publishes our will */
	bool barred = !p->stopping && refusals_bar(p->refusals, m->topic, clock_boottime());
	const struct mqtt_message message = message_of(p, m);
	struct connection_tail tail = { .size = 0 };
	if (barred || is_oversize(p, m, message)) {
		drop(p, m);
		return true;
	}
	if (p->events.tail)
		tail.size = p->events.tail(p->events.user, m, tail.bytes);
	if (tail.size == OUTPUT_TAIL_OBSOLETE) {
		p->stats.dropped++;
		history_delivered(p->history, m);
		return true;
	}
	if (tail.size == OUTPUT_TAIL_LATER)
		return false;
	m->id = ++p->next_id;
	m->sent_ns = clock_boottime();
	if (!connection_publish(p->connection, p->session, m->id, &message, &tail))
		return false;
	if (p->in_flight.count == 0)
		p->last_progress_ns = clock_boottime(); /* from here on an acknowledgement is waited for */
	message_list_append(&p->in_flight, m);
	p->stats.published++;
	return true;
}

/* Nothing of this session is waited for any more. */
static void finish_stop(struct publisher *p)
{
	if (p->stopped)
		return;
	p->stopped = true;
	connection_stop(p->connection);
	if (!p->next)
		p->events.stopped(p->events.user);
}

static void renew(struct publisher *p, bool with_will)
{
	if (!p->leaving && p->moving_on)
		connection_move_on(p->connection);
	else if (!p->leaving)
		connection_renew(p->connection, with_will);
	p->leaving = true;
}

/* An older message of the topic that still waits becomes history. */
static void enqueue(struct publisher *p, struct message *m)
{
	struct message *older = live_queue_add(&p->queue, m);
	if (older)
		history_lost(p->history, older);
}

/* What may be what closes the connection waits for the others once: then it is known better. */
static bool lets_others_go(struct publisher *p, struct message *m)
{
	if (!p->careful || m->has_yielded || (m->flags & PUBLISH_EACH) || !p->queue.waiting.first ||
	    !refusals_suspects(p->refusals, m->topic))
		return false;
	m->has_yielded = true;
	enqueue(p, m);
	return true;
}

/* Live messages go out as far as the broker takes them. */
static void pump(struct publisher *p)
{
	while (p->connected && p->in_flight.count < p->in_flight_max && p->queue.waiting.first) {
		struct message *m = live_queue_take(&p->queue);
		if (lets_others_go(p, m))
			continue;
		if (!publish(p, m)) {
			history_lost(p->history, m);
			break;
		}
	}
	bool all_said = p->connected && !p->queue.waiting.first && !p->in_flight.first;
	if (all_said && p->stopping)
		connection_stop(p->connection);
	else if (all_said && p->returning)
		renew(p, false);
}

/* History follows when nothing live waits, as far as its budget goes, and leaves room for what is live. */
static void replay(struct publisher *p)
{
	unsigned room = p->in_flight_max - p->in_flight_max / PUBLISHER_LIVE_RESERVE;
	bool is_leaving = p->stopping || p->returning; /* that we are offline is the last word */
	while (p->connected && p->replaying && !is_leaving && p->replay_budget > 0 &&
	       !p->queue.waiting.first && p->in_flight.count < room) {
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

static void start_replay(struct publisher *p)
{
	p->replay_from_ns = clock_boottime() + p->config->spool->replay_delay;
	(void)sd_event_source_set_time_relative(p->replay_timer, REPLAY_INTERVAL_NS / 1000);
	(void)sd_event_source_set_enabled(p->replay_timer, SD_EVENT_ONESHOT);
}

/* A link on which nothing comes back for a keep-alive time is not worth waiting for: paho takes twice as long
 * to see it. */
static void leave_dead_link(struct publisher *p, int64_t now_ns)
{
	int64_t waited = now_ns - p->last_progress_ns;
	if (!p->connected || p->leaving || !p->in_flight.first || waited < connection_of(p)->keep_alive)
		return;
	log_event(LOG_WARNING, broker_fields,
	    "the broker has acknowledged nothing for %lld s, connecting anew",
	    (long long)(waited / NS_PER_S));
	renew(p, true);
}

static void on_spool_trouble(void *user, const char *text)
{
	struct publisher *p = user;
	p->events.spool_trouble(p->events.user, text);
}

static void say_offline(struct publisher *p)
{
	struct message *m = p->presence.offline ? message_copy(p->presence.offline) : NULL;
	if (m)
		enqueue(p, m);
	pump(p);
}

/* The connection ends with what is under way unacknowledged: a clean end takes our will back, so that it is
 * said here that we are offline. Without a wait for a place among what is under way, which QoS 0 does not
 * need. */
static void insist_on_offline(struct publisher *p)
{
	const struct message *m = p->presence.offline;
	if (!m || !p->connected)
		return;
	const struct mqtt_message message = {
		.topic = m->topic, .payload = m->payload, .size = m->size, .retain = m->flags & PUBLISH_RETAIN
	};
	(void)connection_publish(p->connection, p->session, ++p->next_id, &message, NULL);
}

/* When the connection that another one is to follow has ended, or after so long. */
static void replace_within(struct publisher *p, int64_t limit_ns)
{
	(void)sd_event_source_set_time_relative(p->replace_timer, (uint64_t)limit_ns / 1000);
	(void)sd_event_source_set_enabled(p->replace_timer, SD_EVENT_ONESHOT);
}

/* Leave this broker for an earlier one, with `offline` as the last that it is told. */
static void on_broker_back(void *user)
{
	struct publisher *p = user;
	p->returning = true;
	say_offline(p);
	replace_within(p, REPLACE_LIMIT_NS);
}

static void free_presence(struct output_presence *p)
{
	message_free(p->online);
	message_free(p->offline);
	*p = (struct output_presence){ 0 };
}

static int renew_presence(struct publisher *p, struct config *c)
{
	uint64_t number = p->connects > 0 ? p->connects - 1 : 0;
	free_presence(&p->presence);
	return p->events.presence(c, p->which, number, &p->presence);
}

/* Nobody is waited for any more. */
static void begin_session(struct publisher *p)
{
	p->connected = true;
	p->waiting = false;
	p->stats.reconnects += p->was_connected;
	p->was_connected = true;
	p->in_flight_limit = p->limits.receive_maximum < PUBLISHER_IN_FLIGHT_MAX ? p->limits.receive_maximum
										 : PUBLISHER_IN_FLIGHT_MAX;
	p->in_flight_max = p->careful ? 1 : p->in_flight_limit;
	p->taken = 0;
	p->careful_until_ns =
	    clock_boottime() + CAREFUL_NS + (p->careful_history > 0 ? p->config->spool->replay_delay : 0);
	refusals_forget_held(p->refusals);
	p->normal_ns = p->least_ns = 0;
	p->last_progress_ns = clock_boottime();
	if (p->presence.online)
		publisher_send(p, message_copy(p->presence.online));
	p->events.connected(p->events.user, p->connects - 1);
	start_replay(p);
}

static void wait_for_other(struct publisher *p, const char *who)
{
	p->waiting = true;
	log_event(LOG_NOTICE, broker_fields, "[%s] waits for %s", output_connection_word(p->which), who);
	if (connection_of(p)->brokers.count > 1)
		replace_within(p, OTHER_PATIENCE_NS);
}

static void on_up(struct publisher *p, const struct connection_outcome *o)
{
	if (p->stopping)
		return;
	p->session = o->session;
	p->limits = o->limits;
	p->connects = o->connects;
	(void)renew_presence(p, p->config); /* without memory nothing is said of it */
	const char *other = p->events.waits_for ? p->events.waits_for(p->config, p->which) : "";
	if (other[0]) {
		wait_for_other(p, other);
		return;
	}
	begin_session(p);
	if (o->broker == 0)
		return;
	struct connection_settings s = connection_settings_of(p->config, p->which);
	/* without memory there is no way back before the next disconnect */
	p->broker_return = broker_return_new(p->event, &s, o->broker, on_broker_back, p);
}

/* What was in flight may or may not have arrived: it counts as not sent. */
static void take_back(struct publisher *p)
{
	for (struct message *m; (m = message_list_take(&p->in_flight));)
		history_lost(p->history, m);
	for (struct message *m; (m = live_queue_take(&p->queue));)
		history_lost(p->history, m);
	history_offline(p->history);
}

/* A broker that closes the connection at a message gets it no more. Only a message that was alone on its way
 * is blamed for certain: a close may swallow acknowledgements. */
static void blame(struct publisher *p, const char *reason)
{
	struct message *m = p->in_flight.count == 1 ? p->in_flight.first : NULL;
	if (!m)
		return;
	enum blame blame = refusals_blame(p->refusals, m, p->taken > 0, reason, clock_boottime());
	if (blame != BLAME_CHANCE)
		connection_explain_end(p->connection);
	if (blame != BLAME_CERTAIN)
		return;
	message_list_unlink(&p->in_flight, m);
	drop(p, m);
}

/* What was under way when the connection was closed goes out one at a time on the next. */
static void be_careful(struct publisher *p, bool lost)
{
	size_t history = 0;
	for (const struct message *m = p->in_flight.first; m; m = m->next)
		history += m->is_history;
	p->careful = lost && (p->careful || p->in_flight.first);
	if (!p->careful)
		p->careful_history = 0;
	else if (history > p->careful_history)
		p->careful_history = history;
}

static void on_down(struct publisher *p, bool lost, const char *reason)
{
	bool was_connected = p->connected, was_careful = p->careful;
	p->connected = p->replaying = p->waiting = false;
	if (was_connected) /* a try that failed says nothing of what was under way before */
		be_careful(p, lost);
	if (lost && was_careful)
		blame(p, reason);
	take_back(p);
	if (p->stopping) {
		finish_stop(p);
		return;
	}
	if (p->returning && !p->moving_on)
		log_event(
		    LOG_NOTICE, broker_fields, "an earlier broker of the list is back, returning to it");
	p->returning = p->leaving = p->moving_on = false;
	broker_return_free(p->broker_return);
	p->broker_return = NULL;
}

/* On a link that takes less than is made, what is under way waits in it: the fewer, the younger is what
 * arrives. */
static void fit_window(struct publisher *p, int64_t took_ns)
{
	if (p->least_ns == 0 || took_ns < p->least_ns)
		p->least_ns = took_ns;
	int64_t queued_ns = took_ns - p->least_ns;
	if (queued_ns > QUEUED_MAX_NS && p->in_flight_max > IN_FLIGHT_MIN)
		p->in_flight_max--;
	else if (queued_ns < QUEUED_MAX_NS / 4 && p->in_flight_max < p->in_flight_limit && !p->careful)
		p->in_flight_max++;
}

static void on_delivered(struct publisher *p, uint64_t id, int64_t when_ns)
{
	struct message *m = message_list_remove(&p->in_flight, id);
	if (!m)
		return;
	int64_t took = when_ns - m->sent_ns;
	p->normal_ns = p->normal_ns == 0 ? took : p->normal_ns + (took - p->normal_ns) / 8;
	fit_window(p, took);
	p->stats.acknowledged++;
	p->last_progress_ns = clock_boottime();
	p->taken++;
	if (m->is_history && p->careful_history > 0)
		p->careful_history--;
	refusals_clear(p->refusals, m->topic);
	if (m->size == 0 && !m->is_history)
		p->events.emptied(p->events.user, m->topic);
	history_delivered(p->history, m);
}

static void on_refused(struct publisher *p, uint64_t id, const char *reason)
{
	struct message *m = message_list_remove(&p->in_flight, id);
	if (!m)
		return;
	p->last_progress_ns = clock_boottime();
	if (reason) {
		refusals_note(p->refusals, m, reason);
		drop(p, m);
	} else if (m->is_history) {
		history_return(p->history, m);
	} else {
		history_lost(p->history, m);
	}
}

/* Who is waited for is gone: nothing goes to this broker any more. */
static void leave_other(struct publisher *p)
{
	if (!p->connected || p->returning || p->stopping)
		return;
	log_event(LOG_NOTICE, broker_fields, "[%s] %s is offline, leaving the broker",
	    output_connection_word(p->which), p->events.waits_for(p->config, p->which));
	p->returning = p->moving_on = true;
	say_offline(p);
	replace_within(p, REPLACE_LIMIT_NS);
}

static void on_heard(struct publisher *p, const struct connection_outcome *o)
{
	switch (p->events.heard(p->events.user, p->connects - 1, o->topic, o->payload, o->size)) {
	case OUTPUT_WISH_NONE:
		break;
	case OUTPUT_WISH_EVERYTHING:
		if (p->connected && !p->stopping && !p->returning)
			p->events.connected(p->events.user, p->connects - 1);
		break;
	case OUTPUT_WISH_BEGIN:
		if (p->waiting && !p->stopping)
			begin_session(p);
		break;
	case OUTPUT_WISH_LEAVE:
		leave_other(p);
		break;
	}
}

static void take(struct publisher *p, const struct connection_outcome *o)
{
	switch (o->kind) {
	case CONNECTION_UP:
		on_up(p, o);
		break;
	case CONNECTION_DOWN:
		on_down(p, o->lost, o->reason);
		break;
	case CONNECTION_DELIVERED:
		on_delivered(p, o->id, o->when_ns);
		break;
	case CONNECTION_HEARD:
		on_heard(p, o);
		break;
	case CONNECTION_REFUSED:
		on_refused(p, o->id, o->reason);
		break;
	case CONNECTION_ENDED:
		p->ended = true;
		break;
	}
}

/* All outcomes so far, then what they make room for. */
static void take_outcomes(struct publisher *p)
{
	p->taking = true;
	for (struct inbox_item *i = inbox_take(connection_outcomes(p->connection)), *next; i; i = next) {
		next = i->next;
		take(p, (struct connection_outcome *)i);
		free(i);
	}
	p->taking = false;
	pump(p);
	replay(p);
}

static bool is_crowded(const struct publisher *p)
{
	return p->stopping || p->in_flight.count >= p->in_flight_max / 2;
}

/* Acknowledgements wake the main loop only when something waits for them, or soon will. */
static void look_for_outcomes(struct publisher *p)
{
	if (p->taking || !p->connection)
		return;
	take_outcomes(p);
	bool eager = is_crowded(p);
	if (eager == p->eager)
		return;
	p->eager = eager;
	connection_set_eager(p->connection, eager);
	if (eager)
		take_outcomes(p);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct publisher *p = user;
	look_for_outcomes(p);
	if (p->ended && p->next)
		replace_within(p, 0);
	return 0;
}

static void free_topics(char *topics[OUTPUT_TOPICS_MAX])
{
	for (size_t i = 0; i < OUTPUT_TOPICS_MAX; i++)
		free(topics[i]);
}

/* Everything that depends on the section of the connection. */
static int open_connection(struct publisher *p, struct config *c)
{
	p->config = config_ref(c);
	p->last_progress_ns = clock_boottime();
	char *topics[OUTPUT_TOPICS_MAX] = { NULL };
	int err = renew_presence(p, c);
	int n = p->events.listens && err >= 0 ? p->events.listens(c, p->which, topics) : 0;
	if (err < 0 || n < 0)
		return err < 0 ? err : n;
	struct connection_settings s = connection_settings_of(c, p->which);
	s.presence = p->events.presence;
	s.connects = p->connects;
	s.leaves_with_will = p->events.leaves_with_will;
	s.mqtt.topics = (const char *const *)topics;
	s.mqtt.topic_count = (size_t)n;
	p->ended = p->eager = false;
	p->connection = connection_new(&s);
	free_topics(topics);
	if (!p->connection)
		return -errno;
	return sd_event_add_io(
	    p->event, &p->io, inbox_fd(connection_outcomes(p->connection)), EPOLLIN, on_io, p);
}

/* A connection that does not end at once is left to itself. Whether it has ended until then. */
static bool close_connection(struct publisher *p, int64_t grace_ns)
{
	broker_return_free(p->broker_return);
	p->broker_return = NULL;
	p->io = sd_event_source_disable_unref(p->io);
	(void)sd_event_source_set_enabled(p->replay_timer, SD_EVENT_OFF);
	(void)sd_event_source_set_enabled(p->replace_timer, SD_EVENT_OFF);
	p->connected = p->replaying = p->returning = p->leaving = p->careful = false;
	p->waiting = p->moving_on = false;
	bool ended = connection_free(p->connection, clock_ns(CLOCK_MONOTONIC) + grace_ns);
	p->connection = NULL;
	free_presence(&p->presence);
	config_unref(p->config);
	p->config = NULL;
	return ended;
}

/* Without memory for a connection there is none until the next reload: polling, and the spool, go on. */
static void open_next(struct publisher *p)
{
	struct config *c = p->next;
	p->next = NULL;
	take_back(p);
	(void)close_connection(p, 0);
	p->stopping = p->stopped = false;
	int err = open_connection(p, c);
	config_unref(c);
	if (err < 0)
		log_event(
		    LOG_ERR, broker_fields, "cannot make a new connection to the broker: %s", strerror(-err));
}

/* Until what was under way at the close has come by again. */
static void end_care(struct publisher *p, int64_t now_ns)
{
	int64_t until = p->careful_until_ns + (p->careful_history > 0 ? CAREFUL_HISTORY_NS : 0);
	if (!p->careful || now_ns <= until)
		return;
	p->careful = false;
	p->careful_history = 0;
	p->in_flight_max = p->in_flight_limit;
}

static int on_replay_timer(sd_event_source *s, uint64_t usec, void *user)
{
	struct publisher *p = user;
	int64_t share = p->config->spool->replay_rate * REPLAY_INTERVAL_NS / NS_PER_S;
	p->replay_budget = share > 0 ? share : 1;
	if (p->connected)
		end_care(p, clock_boottime());
	for (struct message *m; p->connected && (m = refusals_due(p->refusals, clock_boottime()));)
		publisher_send(p, m);
	if (p->connected && !p->replaying && clock_boottime() >= p->replay_from_ns) {
		p->replaying = true;
		history_online(p->history);
	}
	look_for_outcomes(p);
	(void)sd_event_source_set_time_relative(s, REPLAY_INTERVAL_NS / 1000);
	(void)sd_event_source_set_enabled(s, p->connected ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
	return 0;
}

static void on_history_ready(void *user)
{
	look_for_outcomes(user);
}

static void on_saving(void *user)
{
	struct publisher *p = user;
	int64_t now = clock_boottime();
	look_for_outcomes(p);
	leave_dead_link(p, now);
	for (struct message *m = p->in_flight.first; m; m = m->next)
		history_save(p->history, m, now, p->normal_ns);
	for (struct message *m = p->queue.waiting.first; m; m = m->next)
		history_save(p->history, m, now, p->normal_ns);
}

static int on_replace_limit(sd_event_source *s, uint64_t usec, void *user)
{
	struct publisher *p = user;
	if (p->next) {
		insist_on_offline(p);
		connection_stop(p->connection);
		open_next(p);
	} else if (p->waiting) {
		connection_move_on(p->connection);
	} else if (p->returning) {
		insist_on_offline(p);
		renew(p, false);
	}
	return 0;
}

static struct spool_limits limits_of(const struct config *c)
{
	return (struct spool_limits){ c->spool->max_size, c->spool->max_age };
}

static int add_timers(struct publisher *p)
{
	int r =
	    sd_event_add_time_relative(p->event, &p->replay_timer, CLOCK_BOOTTIME, 0, 0, on_replay_timer, p);
	if (r >= 0)
		r = sd_event_add_time_relative(
		    p->event, &p->replace_timer, CLOCK_BOOTTIME, 0, 0, on_replace_limit, p);
	if (r >= 0)
		r = sd_event_source_set_enabled(p->replay_timer, SD_EVENT_OFF);
	return r < 0 ? r : sd_event_source_set_enabled(p->replace_timer, SD_EVENT_OFF);
}

static struct message *make_gap(void *user, int64_t from_ms, int64_t to_ms, uint64_t dropped)
{
	struct publisher *p = user;
	return p->events.gap(p->events.user, from_ms, to_ms, dropped);
}

/* The spool of a connection beside the main one has its word in its name. */
static void put_spool_name(enum output_connection which, char name[static SPOOL_NAME_MAX])
{
	const char *word = which == OUTPUT_MAIN ? "" : output_connection_word(which);
	snprintf(name, SPOOL_NAME_MAX, "spool%s%s.db", *word ? "-" : "", word);
}

struct publisher *publisher_new(sd_event *event, struct disk *disk, struct config *c,
    enum output_connection which, const char *old_base, const struct publisher_events *events)
{
	struct publisher *p = calloc(1, sizeof(*p));
	char name[SPOOL_NAME_MAX];
	if (!p)
		return NULL;
	p->which = which;
	put_spool_name(which, name);
	p->event = event;
	p->events = *events;
	struct history_events to = { on_history_ready, on_saving, on_spool_trouble, make_gap, p };
	p->refusals = refusals_new();
	p->history = history_new(event, disk, c->daemon->state_dir, name, old_base, limits_of(c), &to);
	int r = !p->history ? -errno : p->refusals ? add_timers(p) : -ENOMEM;
	if (r >= 0)
		r = open_connection(p, c);
	if (r < 0) {
		(void)publisher_free(p, 0);
		errno = -r;
		return NULL;
	}
	return p;
}

/* What is said there differs by the time at most. */
static bool same_topic(const struct message *a, const struct message *b)
{
	return a && b ? strcmp(a->topic, b->topic) == 0 : a == b;
}

/* Another broker, or another place where it is said that we are there. */
static bool needs_new_connection(const struct publisher *p, const struct config *c)
{
	struct output_presence presence;
	if (connection_of(p)->fingerprint != output_connection_of(c, p->which)->fingerprint ||
	    p->events.presence(c, p->which, p->connects > 0 ? p->connects - 1 : 0, &presence) < 0)
		return true;
	bool same = same_topic(p->presence.online, presence.online) &&
		    same_topic(p->presence.offline, presence.offline);
	free_presence(&presence);
	return !same;
}

static void begin_stop(struct publisher *p)
{
	look_for_outcomes(p);
	p->stopping = true;
	if (!p->connected) {
		finish_stop(p);
		return;
	}
	say_offline(p);
	look_for_outcomes(p);
}

bool publisher_apply(struct publisher *p, struct config *c)
{
	history_set_limits(p->history, limits_of(c));
	bool is_new = p->next || !p->connection || needs_new_connection(p, c);
	if (!is_new) {
		config_unref(p->config);
		p->config = config_ref(c);
		return false;
	}
	config_unref(p->next);
	p->next = config_ref(c);
	if (!p->connection) {
		open_next(p);
	} else if (!p->stopping) {
		replace_within(p, REPLACE_LIMIT_NS);
		begin_stop(p);
	}
	return true;
}

bool publisher_free(struct publisher *p, int64_t grace_ns)
{
	if (!p)
		return true;
	if (p->connection) {
		if (!p->stopping || p->in_flight.first || p->queue.waiting.first)
			insist_on_offline(p);
		connection_stop(p->connection);
	}
	/* what is to outlive the process goes to the disk before anything else is waited for */
	if (p->history)
		take_back(p);
	history_free(p->history);
	bool ended = close_connection(p, grace_ns);
	sd_event_source_unref(p->replay_timer);
	sd_event_source_unref(p->replace_timer);
	config_unref(p->next);
	refusals_free(p->refusals);
	free(p);
	return ended;
}

void publisher_send(struct publisher *p, struct message *m)
{
	if (!m) {
		p->stats.dropped++;
		return;
	}
	m->made_ns = clock_boottime();
	bool full = p->queue.waiting.bytes >= PUBLISHER_QUEUE_BYTES_MAX;
	if (!p->connected || p->stopping || p->returning || full) {
		/* where each message counts, who listens has to begin anew without one */
		if (p->connected && full && (m->flags & PUBLISH_EACH))
			renew(p, true);
		history_lost(p->history, m);
		return;
	}
	enqueue(p, m);
	if (p->taking)
		return; /* what is known goes into the queue whole, then out */
	pump(p);
	if (!p->eager && is_crowded(p))
		look_for_outcomes(p);
}

void publisher_stop(struct publisher *p)
{
	config_unref(p->next);
	p->next = NULL;
	if (p->stopped || !p->connection)
		p->events.stopped(p->events.user);
	else if (!p->stopping)
		begin_stop(p);
}

bool publisher_is_connected(const struct publisher *p)
{
	return p->connected;
}

struct health_broker publisher_describe(const struct publisher *p)
{
	struct health_broker s = p->stats;
	s.connected = p->connected;
	s.queued = p->queue.waiting.count;
	s.in_flight = p->in_flight.count;
	struct history_stats h = history_describe(p->history);
	s.waiting = h.messages;
	s.waiting_bytes = h.bytes;
	s.waiting_dropped = h.dropped;
	s.oldest_ms = h.oldest_ms;
	s.spool_trouble = h.trouble;
	return s;
}

bool publisher_moves(const struct publisher *p, int64_t now_ns)
{
	bool answers =
	    !p->connected || !p->in_flight.first ||
	    now_ns - p->last_progress_ns < 3 * connection_of(p)->keep_alive + ACKNOWLEDGE_MARGIN_NS;
	return answers && (!p->connection || connection_moves(p->connection, now_ns));
}
