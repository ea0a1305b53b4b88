#include "mqtt_client.h"

#include "cleanup.h"
#include "clock.h"

#include <MQTTAsync.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#define CONNECT_TIMEOUT_S 10
#define PASSWORD_MAX 4096
#define REASON_MAX 256

enum event_kind {
	EVENT_CONNECTED,
	EVENT_CONNECT_FAILED,
	EVENT_LOST,
	EVENT_DISCONNECTED,
	EVENT_DELIVERED,
	EVENT_REFUSED
};

struct event {
	struct event *next;
	enum event_kind kind;
	unsigned generation;
	uint64_t id; /* of the message, or the receive maximum */
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
	int fd;
	unsigned generation; /* of the connection; main thread writes, under the lock */
	char password[PASSWORD_MAX];

	pthread_mutex_t lock;
	struct event *first, **tail;
	struct token *tokens;
};

static void post(
    struct mqtt_client *m, enum event_kind kind, unsigned generation, uint64_t id, const char *why)
{
	struct event *e = calloc(1, sizeof(*e));
	if (!e)
		abort(); /* a lost outcome would be a lost message */
	e->kind = kind;
	e->generation = generation;
	e->id = id;
	e->why = why ? strdup(why) : NULL;
	pthread_mutex_lock(&m->lock);
	*m->tail = e;
	m->tail = &e->next;
	pthread_mutex_unlock(&m->lock);
	(void)eventfd_write(m->fd, 1);
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
	post(t->client, kind, t->generation, id, why);
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

static void on_connected(void *context, MQTTAsync_successData *data)
{
	(void)data;
	settle(context, EVENT_CONNECTED, UINT16_MAX, NULL);
}

static void on_connected5(void *context, MQTTAsync_successData5 *data)
{
	int64_t maximum =
	    MQTTProperties_getNumericValue(&data->properties, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM);
	settle(context, EVENT_CONNECTED, maximum > 0 ? (uint64_t)maximum : UINT16_MAX, NULL);
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
	post(m, EVENT_LOST, 0, 0, cause ? cause : "the connection was lost");
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

struct mqtt_client *mqtt_client_new(
    const struct config *c, struct mqtt_will will, const struct mqtt_events *events)
{
	static MQTTAsync_init_options init = MQTTAsync_init_options_initializer;
	struct mqtt_client *m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->config = c;
	m->will = will;
	m->events = *events;
	m->tail = &m->first;
	pthread_mutex_init(&m->lock, NULL);
	m->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	init.do_openssl_init = 1;
	MQTTAsync_global_init(&init);

	MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer5;
	options.MQTTVersion = c->mqtt.protocol;
	if (m->fd < 0 || MQTTAsync_createWithOptions(&m->handle, c->mqtt.brokers.items[0], c->mqtt.client_id,
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
	for (struct event *e = m->first, *next; e; e = next) {
		next = e->next;
		free(e->why);
		free(e);
	}
	if (m->fd >= 0)
		close(m->fd);
	pthread_mutex_destroy(&m->lock);
	explicit_bzero(m->password, sizeof(m->password));
	free(m);
}

int mqtt_client_fd(const struct mqtt_client *m)
{
	return m->fd;
}

/* Reads the password anew for each connection, so that a changed file is taken without a restart. A relative
 * path is looked up among the service's credentials, then beside the configuration. */
static int read_password(struct mqtt_client *m)
{
	const char *file = m->config->mqtt.password_file, *credentials = getenv("CREDENTIALS_DIRECTORY");
	const char *slash = strrchr(m->config->path, '/');
	char path[4096] = "";
	if (file[0] == '/')
		snprintf(path, sizeof(path), "%s", file);
	else if (credentials)
		snprintf(path, sizeof(path), "%s/%s", credentials, file);
	if (file[0] != '/' && (path[0] == '\0' || access(path, R_OK) < 0))
		snprintf(path, sizeof(path), "%.*s%s", slash ? (int)(slash + 1 - m->config->path) : 0,
		    m->config->path, file);

	_cleanup_fclose_ FILE *f = fopen(path, "re");
	if (!f)
		return -errno;
	size_t n = fread(m->password, 1, sizeof(m->password) - 1, f);
	m->password[n] = '\0';
	m->password[strcspn(m->password, "\r\n")] = '\0';
	return 0;
}

static void set_tls(const struct mqtt_client *m, MQTTAsync_SSLOptions *tls)
{
	const struct mqtt_config *c = &m->config->mqtt;
	tls->enableServerCertAuth = 1;
	tls->verify = 1;
	tls->trustStore = *c->ca_file ? c->ca_file : NULL;
	tls->keyStore = *c->cert_file ? c->cert_file : NULL;
	tls->privateKey = *c->key_file ? c->key_file : NULL;
}

int mqtt_client_connect(struct mqtt_client *m, const char **why)
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
		int err = *c->password_file ? read_password(m) : 0;
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
	options.will = &will;
	set_tls(m, &tls);
	options.ssl = &tls;
	options.keepAliveInterval = (int)(c->keep_alive / NS_PER_S);
	options.connectTimeout = CONNECT_TIMEOUT_S;
	options.serverURIs = (char *const *)c->brokers.items;
	options.serverURIcount = (int)c->brokers.count;

	pthread_mutex_lock(&m->lock);
	m->generation++;
	pthread_mutex_unlock(&m->lock);
	struct token *t = token_new(m, 0);
	if (!t) {
		*why = "no memory";
		return -ENOMEM;
	}
	options.context = t;
	int r = MQTTAsync_connect(m->handle, &options);
	if (r != MQTTASYNC_SUCCESS) {
		token_free(t);
		*why = MQTTAsync_strerror(r);
		return -EIO;
	}
	return 0;
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
		post(m, EVENT_DISCONNECTED, m->generation, 0, "disconnected");
	}
}

int mqtt_client_publish(
    struct mqtt_client *m, uint64_t id, const char *topic, const char *payload, bool retain)
{
	MQTTAsync_message message = MQTTAsync_message_initializer;
	MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
	struct token *t = token_new(m, id);
	if (!t)
		return -ENOMEM;
	message.payload = (void *)payload;
	message.payloadlen = (int)strlen(payload);
	message.qos = (int)m->config->mqtt.qos;
	message.retained = retain;
	response.context = t;
	if (is_v5(m)) {
		response.onSuccess5 = on_delivered5;
		response.onFailure5 = on_refused5;
	} else {
		response.onSuccess = on_delivered;
		response.onFailure = on_refused;
	}
	int r = MQTTAsync_sendMessage(m->handle, topic, &message, &response);
	if (r == MQTTASYNC_SUCCESS)
		return 0;
	token_free(t);
	return r == MQTTASYNC_DISCONNECTED ? -ENOTCONN : -EIO;
}

static void tell(struct mqtt_client *m, const struct event *e)
{
	const struct mqtt_events *to = &m->events;
	/* an outcome of an earlier connection says nothing about this one */
	if (e->kind != EVENT_LOST && e->generation != m->generation)
		return;
	switch (e->kind) {
	case EVENT_CONNECTED:
		to->connected(to->user, (unsigned)e->id);
		break;
	case EVENT_CONNECT_FAILED:
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
	eventfd_t ignored;
	(void)eventfd_read(m->fd, &ignored);
	pthread_mutex_lock(&m->lock);
	struct event *e = m->first;
	m->first = NULL;
	m->tail = &m->first;
	pthread_mutex_unlock(&m->lock);
	for (struct event *next; e; e = next) {
		next = e->next;
		tell(m, e);
		free(e->why);
		free(e);
	}
}
