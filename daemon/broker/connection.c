#include "daemon/broker/connection.h"

#include "drivers/os/log.h"
#include "drivers/os/thread.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Even an idle thread comes round this often, so that it can be told from a stuck one. */
#define IDLE_MAX_NS NS_PER_S
/* A session of this length shows that all is well: pauses begin anew after it. */
#define LASTING_NS (30 * NS_PER_S)
#define TAKEN_OVER_PAUSE_MAX_NS (60 * NS_PER_S)
/* Two clients with one id throw each other out for ever, and not every broker says so. Sessions that end so
 * soon with all acknowledged, none of them between failed connects as of a broker that is away: */
#define TAKEN_AFTER_NS (10 * NS_PER_S)
#define TAKEN_SESSIONS_MAX 3
/* With something under way that may be what closed it; more of them than a message that the broker does not
 * take makes. */
#define SHORT_SESSIONS_MAX 8
/* paho gives up a connect after its time-out for each address; beyond that it hangs. */
#define CONNECT_LIMIT_NS (120 * NS_PER_S)
/* Making and ending a client take the library's lock, which another client may hold while it connects. */
#define LIBRARY_LIMIT_NS (60 * NS_PER_S)
#define NAME_MAX_LENGTH 32

enum order_kind {
	ORDER_PUBLISH,
	ORDER_RENEW,
	ORDER_ABANDON, /* renew, with our will */
	ORDER_MOVE_ON, /* renew, with the next broker */
	ORDER_STOP
};

struct order {
	struct inbox_item item;
	enum order_kind kind;
	unsigned session;
	uint64_t id;
	struct mqtt_message message;
	char text[]; /* topic, unit, payload of `message` */
};

enum state { STATE_WAITING, STATE_CONNECTING, STATE_UP };

struct connection {
	struct connection_settings settings;
	char *client_id;
	char **topics; /* as many as in the settings */
	pthread_t thread;
	struct inbox *orders, *outcomes;
	int stop_fd; /* readable once it shall stop */
	_Atomic bool eager;
	_Atomic bool explained; /* how the last session came to its end */
	struct progress progress;
	_Atomic bool left; /* by the thread or by the owner: who comes second frees it */

	/* the thread's own */
	struct mqtt_client *client;
	enum state state;
	bool renewing, stopping, ended;
	size_t first_broker;	     /* with which the next try begins */
	_Atomic uint64_t connects;   /* paho's threads tell it */
	struct message *will;	     /* of the last CONNECT */
	struct mqtt_message as_will; /* the same */
	unsigned session;
	unsigned failures, short_sessions, taken_sessions; /* in a row */
	struct mqtt_limits limits;			   /* of the session, as are these */
	_Atomic int owed;				   /* acknowledgements; paho's threads count them */
	bool blind;					   /* some of its messages have none */
	int64_t pause_ns, taken_over_pause_ns, up_since_ns, retry_ns;
	int64_t began_ns; /* the last try */
	int64_t heard_ns; /* of the client, last */
};

static const struct log_fields broker_fields = { .message_id = LOG_ID_BROKER };

static void free_item(struct inbox_item *item)
{
	free(item);
}

/* A lost outcome would be a lost message. */
static struct connection_outcome *outcome_new(const struct connection_outcome *what)
{
	struct connection_outcome *o = malloc(sizeof(*o));
	if (!o)
		abort();
	*o = *what;
	return o;
}

static void post(struct connection *c, const struct connection_outcome *what)
{
	struct connection_outcome *o = outcome_new(what);
	o->connects = atomic_load(&c->connects);
	inbox_give_always(c->outcomes, &o->item);
}

static void on_heard(void *user, const struct mqtt_message *m)
{
	struct connection *c = user;
	size_t topic = strlen(m->topic) + 1;
	struct connection_outcome *o = malloc(sizeof(*o) + topic + m->size + 1);
	if (!o)
		return;
	char *text = (char *)(o + 1);
	*o = (struct connection_outcome){
		.kind = CONNECTION_HEARD, .topic = text, .payload = text + topic, .size = m->size
	};
	memcpy(text, m->topic, topic);
	memcpy(text + topic, m->payload, m->size + 1); /* with its NUL */
	inbox_give_always(c->outcomes, &o->item);
}

static const struct mqtt_message *make_will(void *user)
{
	struct connection *c = user;
	struct output_presence presence = { 0 };
	uint64_t number = atomic_fetch_add(&c->connects, 1);
	message_free(c->will);
	c->will = NULL;
	if (!c->settings.presence ||
	    c->settings.presence(c->settings.config, c->settings.which, number, &presence) < 0)
		return NULL;
	message_free(presence.online);
	c->will = presence.offline;
	if (!c->will)
		return NULL;
	int64_t qos = output_connection_of(c->settings.config, c->settings.which)->qos;
	c->as_will = (struct mqtt_message){ .topic = c->will->topic,
		.payload = c->will->payload,
		.size = c->will->size,
		.qos = c->will->flags & PUBLISH_ASSURED ? 1 : qos,
		.retain = c->will->flags & PUBLISH_RETAIN };
	return &c->as_will;
}

static void begin_connect(struct connection *c)
{
	c->state = STATE_CONNECTING;
	c->began_ns = clock_boottime();
	mqtt_client_connect(c->client, c->first_broker);
	c->first_broker = 0;
	c->heard_ns = clock_boottime(); /* name servers were waited for in there */
}

/* Which connection it is, for who reads the journal: nothing for the main one. */
static const char *name_of(const struct connection *c, char name[static NAME_MAX_LENGTH])
{
	bool is_main = c->settings.which == OUTPUT_MAIN;
	snprintf(name, NAME_MAX_LENGTH, "%s%s%s", is_main ? "" : "[",
	    is_main ? "" : output_connection_word(c->settings.which), is_main ? "" : "] ");
	return name;
}

static void on_connected(void *user, const struct mqtt_limits *limits)
{
	struct connection *c = user;
	size_t broker = mqtt_client_broker(c->client);
	char name[NAME_MAX_LENGTH];
	c->state = STATE_UP;
	c->limits = *limits;
	c->failures = 0;
	c->blind = false;
	atomic_store(&c->owed, 0);
	c->up_since_ns = clock_boottime();
	if (!c->settings.is_probe)
		log_event(LOG_INFO, broker_fields, "%sconnected to the broker %s", name_of(c, name),
		    c->settings.mqtt.brokers[broker]);
	post(c, &(struct connection_outcome){
		    .kind = CONNECTION_UP, .session = ++c->session, .broker = broker, .limits = *limits });
}

/* Twice the last pause, not past `most`, and a fifth of it more or less, so that controllers which lost their
 * broker at the same moment do not come back at one. */
static int64_t next_pause(int64_t *pause_ns, int64_t least, int64_t most)
{
	*pause_ns = *pause_ns == 0 ? least : *pause_ns * 2;
	if (*pause_ns > most)
		*pause_ns = most;
	return *pause_ns * (int64_t)(80 + arc4random_uniform(41)) / 100;
}

/* A session that was ended without a word: by what was sent, or by another client of the same id? */
static void count_session(struct connection *c)
{
	if (atomic_exchange(&c->explained, false))
		c->short_sessions = c->taken_sessions = 0;
	c->short_sessions++;
	if (clock_boottime() - c->up_since_ns > TAKEN_AFTER_NS)
		c->taken_sessions = 0;
	else if (!c->blind && atomic_load(&c->owed) <= 0)
		c->taken_sessions++;
}

static void wait_for_retry(struct connection *c, const char *why, bool taken_over)
{
	char taken[640], name[NAME_MAX_LENGTH];
	int64_t now = clock_boottime();
	if (now - c->up_since_ns > LASTING_NS) {
		c->pause_ns = c->taken_over_pause_ns = 0;
		c->short_sessions = 0;
	}
	if (c->short_sessions >= SHORT_SESSIONS_MAX || c->taken_sessions >= TAKEN_SESSIONS_MAX) {
		snprintf(taken, sizeof(taken),
		    "each connection is closed soon: another client may use this client id %s", c->client_id);
		why = taken;
		taken_over = true;
	}
	bool said = taken_over && c->taken_over_pause_ns > 0;
	int64_t pause =
	    taken_over ? next_pause(&c->taken_over_pause_ns, c->settings.retry_min, TAKEN_OVER_PAUSE_MAX_NS)
		       : next_pause(&c->pause_ns, c->settings.retry_min, c->settings.retry_max);
	/* counted from the try before, which may have taken its time */
	c->retry_ns = (c->began_ns > c->up_since_ns ? c->began_ns : now) + pause;
	/* the first failure and then ever more rarely: an outage of a night is not a journal full of it */
	c->failures++;
	bool loud = !c->settings.is_probe && !said && (c->failures & (c->failures - 1)) == 0;
	log_event(loud ? LOG_WARNING : LOG_DEBUG, broker_fields, "%sno connection to the broker: %s",
	    name_of(c, name), why);
}

static void on_disconnected(void *user, const struct mqtt_end *end)
{
	struct connection *c = user;
	if (c->state == STATE_WAITING)
		return; /* it was told already */
	/* the broker is away, or refuses us, or a message */
	if (c->state == STATE_CONNECTING || (end->blames && !end->lost))
		c->short_sessions = c->taken_sessions = 0;
	else if (end->lost)
		count_session(c);
	c->state = STATE_WAITING;
	c->session++; /* what is still ordered for the last one is not sent */
	post(c, &(struct connection_outcome){ .kind = CONNECTION_DOWN,
		    .lost = (end->lost || end->blames) && !c->renewing,
		    .reason = end->blames });
	if (c->stopping)
		c->ended = true;
	else if (c->renewing)
		c->retry_ns = 0;
	else
		wait_for_retry(c, end->why, end->taken_over);
	c->renewing = false;
}

static void on_delivered(void *user, uint64_t id)
{
	struct connection *c = user;
	atomic_fetch_sub(&c->owed, 1);
	struct connection_outcome *o = outcome_new(&(struct connection_outcome){
	    .kind = CONNECTION_DELIVERED, .id = id, .when_ns = clock_boottime() });
	if (atomic_load(&c->eager))
		inbox_give_always(c->outcomes, &o->item);
	else
		inbox_leave(c->outcomes, &o->item);
}

static void on_refused(void *user, uint64_t id, const char *reason)
{
	struct connection *c = user;
	atomic_fetch_sub(&c->owed, 1);
	post(c, &(struct connection_outcome){ .kind = CONNECTION_REFUSED, .id = id, .reason = reason });
}

static void publish(struct connection *c, struct order *o)
{
	if (o->message.qos > c->limits.qos)
		o->message.qos = c->limits.qos;
	o->message.retain &= c->limits.retain;
	if (o->session != c->session)
		return;
	c->blind |= o->message.qos == 0;
	atomic_fetch_add(&c->owed, 1);
	if (mqtt_client_publish(c->client, o->id, &o->message) < 0)
		on_refused(c, o->id, NULL);
}

static void leave(struct connection *c, bool with_will)
{
	if (c->state == STATE_UP)
		mqtt_client_disconnect(c->client, with_will || c->settings.leaves_with_will);
}

static void follow(struct connection *c, struct order *o)
{
	switch (o->kind) {
	case ORDER_PUBLISH:
		publish(c, o);
		break;
	case ORDER_MOVE_ON:
		c->first_broker = (mqtt_client_broker(c->client) + 1) % c->settings.mqtt.broker_count;
		__attribute__((fallthrough));
	case ORDER_RENEW:
	case ORDER_ABANDON:
		c->renewing = c->state == STATE_UP;
		leave(c, o->kind == ORDER_ABANDON);
		break;
	case ORDER_STOP:
		c->stopping = true;
		c->ended = c->state != STATE_UP;
		leave(c, false);
		break;
	}
}

static void follow_orders(struct connection *c)
{
	for (struct inbox_item *i = inbox_take(c->orders), *next; i; i = next) {
		next = i->next;
		follow(c, (struct order *)i);
		free(i);
	}
}

/* Until an order, an event of the client or the next try. */
static void wait_for_work(struct connection *c)
{
	int64_t now = clock_boottime(), until = now + IDLE_MAX_NS;
	if (c->state == STATE_WAITING && c->retry_ns < until)
		until = c->retry_ns > now ? c->retry_ns : now;
	/* a connect that comes to nothing is not told by the library: then the thread counts as stuck */
	if (c->state != STATE_CONNECTING || now - c->heard_ns <= CONNECT_LIMIT_NS)
		progress_step(&c->progress, IDLE_MAX_NS);
	struct timespec timeout = { (until - now) / NS_PER_S, (until - now) % NS_PER_S };
	struct pollfd fds[] = { { inbox_fd(c->orders), POLLIN, 0 },
		{ mqtt_client_fd(c->client), POLLIN, 0 } };
	if (ppoll(fds, 2, &timeout, NULL) > 0 && fds[1].revents)
		c->heard_ns = clock_boottime();
}

static void destroy(struct connection *c)
{
	inbox_free(c->orders);
	inbox_free(c->outcomes);
	if (c->stop_fd >= 0)
		close(c->stop_fd);
	config_unref(c->settings.config);
	free(c->client_id);
	for (size_t i = 0; c->topics && i < c->settings.mqtt.topic_count; i++)
		free(c->topics[i]);
	free(c->topics);
	message_free(c->will);
	free(c);
}

static void *run(void *user)
{
	struct connection *c = user;
	struct mqtt_events to = { .connected = on_connected,
		.will = make_will,
		.heard = on_heard,
		.disconnected = on_disconnected,
		.delivered = on_delivered,
		.refused = on_refused,
		.user = c };
	progress_step(&c->progress, LIBRARY_LIMIT_NS);
	c->client = mqtt_client_new(&c->settings.mqtt, &to, &c->progress, c->stop_fd);
	if (!c->client)
		log_event(LOG_ERR, broker_fields, "no client for the broker: %s", strerror(errno));
	while (c->client && !c->ended) {
		wait_for_work(c);
		follow_orders(c);
		mqtt_client_dispatch(c->client);
		if (!c->stopping && c->state == STATE_WAITING && clock_boottime() >= c->retry_ns)
			begin_connect(c);
	}
	progress_step(&c->progress, LIBRARY_LIMIT_NS);
	mqtt_client_free(c->client);
	post(c, &(struct connection_outcome){ .kind = CONNECTION_ENDED });
	if (atomic_exchange(&c->left, true))
		destroy(c);
	return NULL;
}

struct connection_settings connection_settings_of(struct config *c, enum output_connection which)
{
	const struct connection_config *m = output_connection_of(c, which);
	return (struct connection_settings){ .config = c,
		.which = which,
		.mqtt = { .brokers = m->brokers.items,
		    .broker_count = m->brokers.count,
		    .client_id = m->client_id,
		    .protocol = m->protocol,
		    .keep_alive = m->keep_alive,
		    .username = m->username,
		    .password_file = m->password_file,
		    .beside = c->path,
		    .ca_file = m->ca_file,
		    .cert_file = m->cert_file,
		    .key_file = m->key_file },
		.retry_min = NS_PER_S,
		.retry_max = m->reconnect_max };
}

/* What is not the configuration's own must live as long as the thread. */
static bool copy_settings(struct connection *c)
{
	struct mqtt_settings *m = &c->settings.mqtt;
	bool good = true;
	m->client_id = c->client_id = strdup(m->client_id);
	c->topics = calloc(m->topic_count + 1, sizeof(c->topics[0]));
	for (size_t i = 0; c->topics && i < m->topic_count; i++) {
		c->topics[i] = strdup(m->topics[i]);
		good &= c->topics[i] != NULL;
	}
	m->topics = (const char *const *)c->topics;
	return good && m->client_id && m->topics;
}

struct connection *connection_new(const struct connection_settings *s)
{
	struct connection *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->settings = *s;
	atomic_init(&c->connects, s->connects);
	(void)config_ref(s->config);
	c->orders = inbox_new(0, free_item);
	c->outcomes = inbox_new(0, free_item);
	c->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	progress_step(&c->progress, IDLE_MAX_NS);
	int err = copy_settings(c) && c->orders && c->outcomes && c->stop_fd >= 0 ? 0 : -ENOMEM;
	if (err == 0)
		err = thread_start(&c->thread, s->is_probe ? "broker-probe" : "broker", run, c);
	if (err < 0) {
		destroy(c);
		errno = -err;
		return NULL;
	}
	return c;
}

struct inbox *connection_outcomes(struct connection *c)
{
	return c->outcomes;
}

/* One block of memory for the order and all that it copies. */
static struct order *order_new(const struct mqtt_message *m, const struct connection_tail *tail)
{
	const char *unit = m->unit ? m->unit : "";
	size_t topic = strlen(m->topic) + 1, unit_size = strlen(unit) + 1;
	size_t tail_size = tail ? tail->size : 0;
	struct order *o = malloc(sizeof(*o) + topic + unit_size + m->size + tail_size);
	if (!o)
		return NULL;
	o->message = *m;
	o->message.topic = memcpy(o->text, m->topic, topic);
	o->message.unit = memcpy(o->text + topic, unit, unit_size);
	o->message.payload = o->text + topic + unit_size;
	if (m->size > 0)
		memcpy(o->text + topic + unit_size, m->payload, m->size);
	if (tail_size > 0)
		memcpy(o->text + topic + unit_size + m->size, tail->bytes, tail_size);
	o->message.size += tail_size;
	return o;
}

bool connection_publish(struct connection *c, unsigned session, uint64_t id, const struct mqtt_message *m,
    const struct connection_tail *tail)
{
	struct order *o = order_new(m, tail);
	if (!o)
		return false;
	o->kind = ORDER_PUBLISH;
	o->session = session;
	o->id = id;
	inbox_give_always(c->orders, &o->item);
	return true;
}

static void give(struct connection *c, enum order_kind kind)
{
	struct order *o = calloc(1, sizeof(*o));
	if (!o)
		abort(); /* a connection that cannot be ended would hold up everything */
	o->kind = kind;
	inbox_give_always(c->orders, &o->item);
}

void connection_set_eager(struct connection *c, bool eager)
{
	atomic_store(&c->eager, eager);
}

void connection_explain_end(struct connection *c)
{
	atomic_store(&c->explained, true);
}

void connection_renew(struct connection *c, bool with_will)
{
	give(c, with_will ? ORDER_ABANDON : ORDER_RENEW);
}

void connection_move_on(struct connection *c)
{
	give(c, ORDER_MOVE_ON);
}

void connection_stop(struct connection *c)
{
	(void)eventfd_write(c->stop_fd, 1);
	give(c, ORDER_STOP);
}

bool connection_free(struct connection *c, int64_t deadline_ns)
{
	if (!c)
		return true;
	if (thread_join(c->thread, deadline_ns) == 0) {
		destroy(c);
		return true;
	}
	(void)pthread_detach(c->thread);
	if (atomic_exchange(&c->left, true))
		destroy(c);
	return false;
}

bool connection_moves(struct connection *c, int64_t now_ns)
{
	return progress_moves(&c->progress, now_ns);
}
