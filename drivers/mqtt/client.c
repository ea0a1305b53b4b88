#include "drivers/mqtt/client.h"

#include "drivers/inbox.h"
#include "drivers/mqtt/credential.h"
#include "drivers/mqtt/tls.h"
#include "drivers/os/clock.h"

#include <MQTTAsync.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* For each broker. */
#define CONNECT_TIMEOUT_S 5
#define PASSWORD_MAX 4096

enum event_kind {
	EVENT_CONNECTED,
	EVENT_CONNECT_FAILED,
	EVENT_LOST,
	EVENT_DISCONNECTED,
	EVENT_DELIVERED,
	EVENT_REFUSED
};

struct event {
	struct inbox_item item;
	enum event_kind kind;
	unsigned generation;
	uint64_t id; /* of the message */
	struct mqtt_limits limits;
	char *why;
};

/* What a callback of paho's gets as its context. It is freed by the callback; those whose callback never
 * comes are freed with the client. */
struct token {
	struct token *next, **link;
	struct mqtt_client *client;
	unsigned generation;
	uint64_t id;
};

struct mqtt_client {
	const struct config *config;
	struct mqtt_will will;
	struct mqtt_events events;
	MQTTAsync handle;
	struct inbox *inbox; /* of events */
	size_t broker_count, broker;
	bool connecting;
	char failures[1024]; /* of the brokers that were tried so far */
	unsigned generation; /* of the connection; main thread writes, under the lock */
	char password[PASSWORD_MAX];

	pthread_mutex_t lock;
	struct token *tokens;
};

static void post(struct mqtt_client *m, const struct event *what, const char *why)
{
	struct event *e = calloc(1, sizeof(*e));
	if (!e)
		abort(); /* a lost outcome would be a lost message */
	*e = *what;
	e->why = why ? strdup(why) : NULL;
	inbox_give_always(m->inbox, &e->item);
}

static void free_event(struct inbox_item *item)
{
	struct event *e = (struct event *)item;
	free(e->why);
	free(e);
}

static struct token *token_new(struct mqtt_client *m, uint64_t id)
{
	struct token *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->client = m;
	t->id = id;
	t->generation = m->generation;
	pthread_mutex_lock(&m->lock);
	t->next = m->tokens;
	t->link = &m->tokens;
	if (t->next)
		t->next->link = &t->next;
	m->tokens = t;
	pthread_mutex_unlock(&m->lock);
	return t;
}

static void token_free(struct token *t)
{
	struct mqtt_client *m = t->client;
	pthread_mutex_lock(&m->lock);
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
	pthread_mutex_unlock(&m->lock);
	free(t);
}

/* Ends a token with an outcome. */
static void settle(struct token *t, enum event_kind kind, uint64_t id, const char *why)
{
	post(t->client, &(struct event){ .kind = kind, .generation = t->generation, .id = id }, why);
	token_free(t);
}

static void on_delivered(void *context, MQTTAsync_successData *data)
{
	struct token *t = context;
	(void)data;
	settle(t, EVENT_DELIVERED, t->id, NULL);
}

static void on_delivered5(void *context, MQTTAsync_successData5 *data)
{
	struct token *t = context;
	(void)data;
	settle(t, EVENT_DELIVERED, t->id, NULL);
}

static void on_refused(void *context, MQTTAsync_failureData *data)
{
	struct token *t = context;
	settle(t, EVENT_REFUSED, t->id, data ? data->message : NULL);
}

static void on_refused5(void *context, MQTTAsync_failureData5 *data)
{
	struct token *t = context;
	settle(t, EVENT_REFUSED, t->id, data ? data->message : NULL);
}

static void settle_connected(struct token *t, struct mqtt_limits limits)
{
	post(t->client,
	    &(struct event){ .kind = EVENT_CONNECTED, .generation = t->generation, .limits = limits }, NULL);
	token_free(t);
}

static const struct mqtt_limits no_limits = { .receive_maximum = UINT16_MAX, .packet_size = UINT32_MAX };

static void on_connected(void *context, MQTTAsync_successData *data)
{
	(void)data;
	settle_connected(context, no_limits);
}

static void on_connected5(void *context, MQTTAsync_successData5 *data)
{
	struct mqtt_limits limits = no_limits;
	int64_t n = MQTTProperties_getNumericValue(&data->properties, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM);
	if (n > 0)
		limits.receive_maximum = (unsigned)n;
	n = MQTTProperties_getNumericValue(&data->properties, MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE);
	if (n > 0)
		limits.packet_size = (uint32_t)n;
	settle_connected(context, limits);
}

/* CONNACK return codes of MQTT 3.1.1, 3.2.2.3 */
static const char *connack_text(int code)
{
	static const char *const texts[] = { [1] = "the broker refuses this protocol version",
		[2] = "the broker refuses the client id",
		[3] = "the broker is not available",
		[4] = "the broker refuses user name or password",
		[5] = "the broker does not authorize this client" };
	return code > 0 && code < (int)(sizeof(texts) / sizeof(texts[0])) ? texts[code] : NULL;
}

static void on_connect_failed(void *context, MQTTAsync_failureData *data)
{
	const char *why = data ? connack_text(data->code) : NULL;
	if (!why && data)
		why = data->message;
	settle(context, EVENT_CONNECT_FAILED, 0, why ? why : "no connection");
}

static void on_connect_failed5(void *context, MQTTAsync_failureData5 *data)
{
	const char *why = data ? data->message : NULL;
	/* a refusal of the broker has its reason in `code`, a failure of the connection a negative number */
	if (data && data->code >= MQTTREASONCODE_UNSPECIFIED_ERROR)
		why = MQTTReasonCode_toString((enum MQTTReasonCodes)data->code);
	settle(context, EVENT_CONNECT_FAILED, 0, why ? why : "no connection");
}

static void on_lost(void *context, char *cause)
{
	struct mqtt_client *m = context;
	post(m, &(struct event){ .kind = EVENT_LOST }, cause ? cause : "the connection was lost");
}

static void on_disconnected(void *context, MQTTAsync_successData *data)
{
	(void)data;
	settle(context, EVENT_DISCONNECTED, 0, "disconnected");
}

static void on_disconnect_failed(void *context, MQTTAsync_failureData *data)
{
	(void)data;
	settle(context, EVENT_DISCONNECTED, 0, "disconnected");
}

static void on_disconnected5(void *context, MQTTAsync_successData5 *data)
{
	(void)data;
	settle(context, EVENT_DISCONNECTED, 0, "disconnected");
}

static void on_disconnect_failed5(void *context, MQTTAsync_failureData5 *data)
{
	(void)data;
	settle(context, EVENT_DISCONNECTED, 0, "disconnected");
}

/* paho wants it; nothing is subscribed to. */
static int on_message(void *context, char *topic, int length, MQTTAsync_message *message)
{
	(void)context;
	(void)length;
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	return 1;
}

static bool is_v5(const struct mqtt_client *m)
{
	return m->config->mqtt.protocol == MQTT_5;
}

/* Once: it makes locks anew that a client's threads may be holding. */
static void init_library(void)
{
	MQTTAsync_init_options options = MQTTAsync_init_options_initializer;
	options.do_openssl_init = 1;
	MQTTAsync_global_init(&options);
}

struct mqtt_client *mqtt_client_new(const struct config *c, size_t broker_count, const char *suffix,
    struct mqtt_will will, const struct mqtt_events *events)
{
	char client_id[512];
	snprintf(client_id, sizeof(client_id), "%s%s", c->mqtt.client_id, suffix);
	struct mqtt_client *m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->config = c;
	m->broker_count = broker_count;
	m->will = will;
	m->events = *events;
	pthread_mutex_init(&m->lock, NULL);
	m->inbox = inbox_new(0, free_event);
	static pthread_once_t library = PTHREAD_ONCE_INIT;
	(void)pthread_once(&library, init_library);

	MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer5;
	options.MQTTVersion = c->mqtt.protocol;
	if (!m->inbox || MQTTAsync_createWithOptions(&m->handle, c->mqtt.brokers.items[0], client_id,
			     MQTTCLIENT_PERSISTENCE_NONE, NULL, &options) != MQTTASYNC_SUCCESS) {
		mqtt_client_free(m);
		errno = ENOMEM;
		return NULL;
	}
	(void)MQTTAsync_setCallbacks(m->handle, m, on_lost, on_message, NULL);
	return m;
}

void mqtt_client_free(struct mqtt_client *m)
{
	if (!m)
		return;
	if (m->handle)
		MQTTAsync_destroy(&m->handle);
	while (m->tokens)
		token_free(m->tokens);
	inbox_free(m->inbox);
	pthread_mutex_destroy(&m->lock);
	explicit_bzero(m->password, sizeof(m->password));
	free(m);
}

int mqtt_client_fd(const struct mqtt_client *m)
{
	return inbox_fd(m->inbox);
}

/* Begins with the present broker. 0, or negative errno with `*why` set. */
static int begin_connect(struct mqtt_client *m, const char **why)
{
	const struct mqtt_config *c = &m->config->mqtt;
	MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
	MQTTAsync_connectOptions options5 = MQTTAsync_connectOptions_initializer5;
	MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
	MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
	if (is_v5(m)) {
		options = options5;
		options.cleanstart = 1;
		options.onSuccess5 = on_connected5;
		options.onFailure5 = on_connect_failed5;
	} else {
		options.MQTTVersion = MQTTVERSION_3_1_1;
		options.cleansession = 1;
		options.onSuccess = on_connected;
		options.onFailure = on_connect_failed;
	}
	if (*c->username) {
		/* anew for each connection, so that a changed file is taken without a restart */
		int err = *c->password_file ? credential_read(c->password_file, m->config->path, m->password,
						  sizeof(m->password))
					    : 0;
		if (err < 0) {
			*why = "password_file cannot be read";
			return err;
		}
		options.username = c->username;
		options.password = *c->password_file ? m->password : NULL;
	}
	will.topicName = m->will.topic;
	will.message = m->will.payload;
	will.retained = 1;
	will.qos = (int)c->qos;
	options.will = m->will.topic ? &will : NULL;
	mqtt_tls_set(c, &tls);
	options.ssl = &tls;
	options.keepAliveInterval = (int)(c->keep_alive / NS_PER_S);
	options.connectTimeout = CONNECT_TIMEOUT_S;
	/* one at a time: which comes next is decided here, and each failure has its reason */
	options.serverURIs = (char *const *)&c->brokers.items[m->broker];
	options.serverURIcount = 1;

	pthread_mutex_lock(&m->lock);
	m->generation++;
	pthread_mutex_unlock(&m->lock);
	struct token *t = token_new(m, 0);
	if (!t) {
		*why = "no memory";
		return -ENOMEM;
	}
	options.context = t;
	mqtt_tls_watch(c);
	int r = MQTTAsync_connect(m->handle, &options);
	if (r != MQTTASYNC_SUCCESS) {
		token_free(t);
		*why = MQTTAsync_strerror(r);
		return -EIO;
	}
	return 0;
}

static void note_failure(struct mqtt_client *m, const char *why)
{
	char tls[MQTT_TLS_REASON_MAX];
	size_t used = strlen(m->failures);
	mqtt_tls_unwatch(tls);
	snprintf(m->failures + used, sizeof(m->failures) - used, "%s%s: %s", used > 0 ? "; " : "",
	    m->config->mqtt.brokers.items[m->broker], tls[0] ? tls : why);
}

/* Tries brokers from the present one on, until a connect is under way; past the last it is told. */
static void try_brokers(struct mqtt_client *m)
{
	const char *why = "";
	for (; m->broker < m->broker_count; m->broker++) {
		if (begin_connect(m, &why) == 0)
			return;
		note_failure(m, why);
	}
	m->broker = m->broker_count - 1;
	m->connecting = false;
	m->events.disconnected(m->events.user, m->failures);
}

void mqtt_client_connect(struct mqtt_client *m)
{
	m->connecting = true;
	m->broker = 0;
	m->failures[0] = '\0';
	try_brokers(m);
}

size_t mqtt_client_broker(const struct mqtt_client *m)
{
	return m->broker;
}

void mqtt_client_disconnect(struct mqtt_client *m)
{
	MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
	MQTTAsync_disconnectOptions options5 = MQTTAsync_disconnectOptions_initializer5;
	struct token *t = token_new(m, 0);
	if (is_v5(m)) {
		options = options5;
		options.onSuccess5 = on_disconnected5;
		options.onFailure5 = on_disconnect_failed5;
	} else {
		options.onSuccess = on_disconnected;
		options.onFailure = on_disconnect_failed;
	}
	options.timeout = 0; /* the owner has waited for the messages in flight */
	options.context = t;
	if (!t || MQTTAsync_disconnect(m->handle, &options) != MQTTASYNC_SUCCESS) {
		if (t)
			token_free(t);
		post(m, &(struct event){ .kind = EVENT_DISCONNECTED, .generation = m->generation },
		    "disconnected");
	}
}

/* MQTT 5, 3.3.2.3 */
static void add_properties(const struct mqtt_message *message, MQTTProperties *properties)
{
	MQTTProperty expiry = { .identifier = MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL,
		.value.integer4 = (unsigned)message->expiry_s };
	MQTTProperty unit = { .identifier = MQTTPROPERTY_CODE_USER_PROPERTY,
		.value.data = { 4, (char *)"unit" },
		.value.value = { message->unit ? (int)strlen(message->unit) : 0, (char *)message->unit } };
	if (message->expiry_s > 0)
		(void)MQTTProperties_add(properties, &expiry);
	if (message->unit && message->unit[0])
		(void)MQTTProperties_add(properties, &unit);
}

int mqtt_client_publish(struct mqtt_client *m, uint64_t id, const struct mqtt_message *what)
{
	MQTTAsync_message message = MQTTAsync_message_initializer;
	MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
	struct token *t = token_new(m, id);
	if (!t)
		return -ENOMEM;
	message.payload = (void *)what->payload;
	message.payloadlen = (int)strlen(what->payload);
	message.qos = (int)m->config->mqtt.qos;
	message.retained = what->retain;
	response.context = t;
	if (is_v5(m)) {
		response.onSuccess5 = on_delivered5;
		response.onFailure5 = on_refused5;
		add_properties(what, &message.properties);
	} else {
		response.onSuccess = on_delivered;
		response.onFailure = on_refused;
	}
	int r = MQTTAsync_sendMessage(m->handle, what->topic, &message, &response);
	MQTTProperties_free(&message.properties);
	if (r == MQTTASYNC_SUCCESS)
		return 0;
	token_free(t);
	return r == MQTTASYNC_DISCONNECTED ? -ENOTCONN : -EIO;
}

static void connected(struct mqtt_client *m, const struct event *e)
{
	char unused[MQTT_TLS_REASON_MAX];
	mqtt_tls_unwatch(unused);
	m->connecting = false;
	m->events.connected(m->events.user, &e->limits);
}

static void connect_failed(struct mqtt_client *m, const struct event *e)
{
	note_failure(m, e->why ? e->why : "");
	m->broker++;
	try_brokers(m);
}

static void tell(struct mqtt_client *m, const struct event *e)
{
	const struct mqtt_events *to = &m->events;
	/* an outcome of an earlier connection says nothing about this one */
	if (e->kind != EVENT_LOST && e->generation != m->generation)
		return;
	/* a connect that fails is told as such */
	if (e->kind == EVENT_LOST && m->connecting)
		return;
	switch (e->kind) {
	case EVENT_CONNECTED:
		connected(m, e);
		break;
	case EVENT_CONNECT_FAILED:
		connect_failed(m, e);
		break;
	case EVENT_LOST:
	case EVENT_DISCONNECTED:
		to->disconnected(to->user, e->why ? e->why : "");
		break;
	case EVENT_DELIVERED:
		to->delivered(to->user, e->id);
		break;
	case EVENT_REFUSED:
		to->refused(to->user, e->id);
		break;
	}
}

void mqtt_client_dispatch(struct mqtt_client *m)
{
	for (struct inbox_item *i = inbox_take(m->inbox), *next; i; i = next) {
		next = i->next;
		tell(m, (struct event *)i);
		free_event(i);
	}
}
