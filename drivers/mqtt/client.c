#include "drivers/mqtt/client.h"

#include "drivers/inbox.h"
#include "drivers/mqtt/address.h"
#include "drivers/mqtt/credential.h"
#include "drivers/mqtt/tls.h"
#include "drivers/os/log.h"
#include "drivers/os/resolve.h"

#include <MQTTAsync.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

/* For each broker. */
#define CONNECT_TIMEOUT_S 5
#define PASSWORD_MAX 4096
/* The library's lock may be held while another client of it connects. */
#define LIBRARY_LIMIT_NS (60 * NS_PER_S)

enum event_kind {
	EVENT_CONNECTED,
	EVENT_CONNECT_FAILED,
	EVENT_LOST,
	EVENT_SENT_AWAY,
	EVENT_DISCONNECTED,
	EVENT_HEARD,
};

/* What a callback of paho's gets as its context. A message's is freed by the callback, any other becomes an
 * event for the owner; those whose callback never comes are freed with the client. */
struct token {
	struct inbox_item item; /* of the event */
	LIST_ENTRY(token) list;
	struct mqtt_client *client;
	unsigned generation;
	uint64_t id; /* of the message */
	enum event_kind kind;
	int refusal;	    /* EVENT_CONNECT_FAILED: the reason of the broker, or 0 */
	bool taken_over;    /* EVENT_SENT_AWAY, as is this: */
	const char *blames; /* see struct mqtt_end */
	struct mqtt_limits limits;
	char *why; /* or NULL */
	/* EVENT_HEARD: */
	char *topic;
	void *payload;
	size_t size;
};

struct mqtt_client {
	const struct mqtt_settings *settings;
	struct mqtt_events events;
	struct progress *progress;
	MQTTAsync handle;
	unsigned handles;    /* how many there have been */
	const char *scheme;  /* of the brokers that it was connected to; NULL = none yet */
	struct inbox *inbox; /* of events */
	size_t broker;
	struct resolver *resolver;
	int stop_fd;
	struct mqtt_addresses addresses; /* of that broker */
	bool connecting;
	char failures[1024]; /* of the brokers that were tried so far */
	unsigned generation; /* of the connection */
	size_t lesser;	     /* the broker that takes only such a will, and such messages: */
	bool no_qos, no_retain;
	const struct mqtt_message *will; /* of the last CONNECT, or NULL */
	_Atomic unsigned heard_waiting;
	char password[PASSWORD_MAX];
	char unusable[PATH_MAX + 128]; /* which file, and why */

	pthread_mutex_t lock;
	LIST_HEAD(token_list, token) tokens;
};

static struct token *token_new(struct mqtt_client *m, unsigned generation, uint64_t id)
{
	struct token *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->client = m;
	t->id = id;
	t->generation = generation;
	pthread_mutex_lock(&m->lock);
	LIST_INSERT_HEAD(&m->tokens, t, list);
	pthread_mutex_unlock(&m->lock);
	return t;
}

static void token_free(struct token *t)
{
	struct mqtt_client *m = t->client;
	pthread_mutex_lock(&m->lock);
	LIST_REMOVE(t, list);
	pthread_mutex_unlock(&m->lock);
	free(t->why);
	free(t->topic);
	free(t->payload);
	free(t);
}

static void free_event(struct inbox_item *item)
{
	token_free((struct token *)item);
}

/* Makes an event of a token. */
static void settle(struct token *t, enum event_kind kind, const char *why)
{
	if (!t)
		abort(); /* a lost outcome would be a lost message */
	t->kind = kind;
	t->why = why ? strdup(why) : NULL;
	inbox_give_always(t->client->inbox, &t->item);
}

static void settle_delivered(struct token *t)
{
	const struct mqtt_events *to = &t->client->events;
	to->delivered(to->user, t->id);
	token_free(t);
}

static void on_delivered(void *context, MQTTAsync_successData *data)
{
	settle_delivered(context);
}

static void on_delivered5(void *context, MQTTAsync_successData5 *data)
{
	settle_delivered(context);
}

/* Without a reason the connection is at its end, which is told for all messages at once. */
static void settle_refused(struct token *t, const char *reason)
{
	const struct mqtt_events *to = &t->client->events;
	if (reason)
		to->refused(to->user, t->id, reason);
	token_free(t);
}

static void on_refused(void *context, MQTTAsync_failureData *data)
{
	settle_refused(context, NULL);
}

/* MQTT 5, 3.4.2.1: from 0x80 on the broker has refused the message for good. */
static void on_refused5(void *context, MQTTAsync_failureData5 *data)
{
	bool final = data && data->reasonCode >= MQTTREASONCODE_UNSPECIFIED_ERROR;
	settle_refused(context, final ? MQTTReasonCode_toString(data->reasonCode) : NULL);
}

static void settle_connected(struct token *t, struct mqtt_limits limits)
{
	t->limits = limits;
	settle(t, EVENT_CONNECTED, NULL);
}

static const struct mqtt_limits no_limits = {
	.receive_maximum = UINT16_MAX, .packet_size = UINT32_MAX, .qos = 2, .retain = true
};

static void on_connected(void *context, MQTTAsync_successData *data)
{
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
	n = MQTTProperties_getNumericValue(&data->properties, MQTTPROPERTY_CODE_MAXIMUM_QOS);
	if (n >= 0)
		limits.qos = n;
	limits.retain =
	    MQTTProperties_getNumericValue(&data->properties, MQTTPROPERTY_CODE_RETAIN_AVAILABLE) != 0;
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
	settle(context, EVENT_CONNECT_FAILED, why ? why : "no connection");
}

static void on_connect_failed5(void *context, MQTTAsync_failureData5 *data)
{
	const char *why = data ? data->message : NULL;
	/* a refusal of the broker has its reason in `code`, a failure of the connection a negative number */
	if (data && data->code >= MQTTREASONCODE_UNSPECIFIED_ERROR) {
		struct token *t = context;
		t->refusal = data->code;
		why = MQTTReasonCode_toString((enum MQTTReasonCodes)data->code);
	}
	settle(context, EVENT_CONNECT_FAILED, why ? why : "no connection");
}

static void on_lost(void *context, char *cause)
{
	settle(token_new(context, 0, 0), EVENT_LOST, cause ? cause : "the connection was lost");
}

/* Reasons of a DISCONNECT that are about a message, not about the session (MQTT 5, 3.14.2.1). */
static bool is_about_message(enum MQTTReasonCodes code)
{
	static const enum MQTTReasonCodes codes[] = { MQTTREASONCODE_NOT_AUTHORIZED,
		MQTTREASONCODE_TOPIC_NAME_INVALID, MQTTREASONCODE_RECEIVE_MAXIMUM_EXCEEDED,
		MQTTREASONCODE_TOPIC_ALIAS_INVALID, MQTTREASONCODE_PACKET_TOO_LARGE,
		MQTTREASONCODE_QUOTA_EXCEEDED, MQTTREASONCODE_PAYLOAD_FORMAT_INVALID,
		MQTTREASONCODE_RETAIN_NOT_SUPPORTED, MQTTREASONCODE_QOS_NOT_SUPPORTED };
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (code == codes[i])
			return true;
	return false;
}

static const char *disconnect_text(enum MQTTReasonCodes code)
{
	if (code == MQTTREASONCODE_SESSION_TAKEN_OVER)
		return "another client uses this client id";
	const char *text =
	    code == MQTTREASONCODE_SUCCESS ? "normal disconnection" : MQTTReasonCode_toString(code);
	return text ? text : "no reason";
}

/* A DISCONNECT of the broker: the library tells it here and nowhere else. */
static void on_sent_away(void *context, MQTTProperties *properties, enum MQTTReasonCodes code)
{
	const MQTTProperty *text = MQTTProperties_getProperty(properties, MQTTPROPERTY_CODE_REASON_STRING);
	const char *reason = disconnect_text(code);
	char why[256];
	int length = text ? text->value.data.len : 0;
	snprintf(why, sizeof(why), "the broker has ended the connection: %s%s%.*s", reason,
	    length > 0 ? ", " : "", length, length > 0 ? text->value.data.data : "");
	struct token *t = token_new(context, 0, 0);
	if (t) {
		t->taken_over = code == MQTTREASONCODE_SESSION_TAKEN_OVER;
		t->blames = is_about_message(code) ? reason : NULL;
	}
	settle(t, EVENT_SENT_AWAY, why);
}

static void on_disconnected(void *context, MQTTAsync_successData *data)
{
	settle(context, EVENT_DISCONNECTED, "disconnected");
}

static void on_disconnect_failed(void *context, MQTTAsync_failureData *data)
{
	settle(context, EVENT_DISCONNECTED, "disconnected");
}

static void on_disconnected5(void *context, MQTTAsync_successData5 *data)
{
	settle(context, EVENT_DISCONNECTED, "disconnected");
}

static void on_disconnect_failed5(void *context, MQTTAsync_failureData5 *data)
{
	settle(context, EVENT_DISCONNECTED, "disconnected");
}

static void *copy_of(const void *data, size_t size)
{
	char *p = malloc(size + 1);
	if (!p)
		return NULL;
	if (size > 0)
		memcpy(p, data, size);
	p[size] = '\0';
	return p;
}

static void hear(struct mqtt_client *m, const char *topic, const MQTTAsync_message *message)
{
	size_t size = (size_t)message->payloadlen;
	if (size > MQTT_HEARD_SIZE_MAX || atomic_load(&m->heard_waiting) >= MQTT_HEARD_WAITING_MAX)
		return;
	struct token *t = token_new(m, 0, 0);
	if (!t)
		return;
	t->topic = strdup(topic);
	t->payload = copy_of(message->payload, size);
	t->size = size;
	if (!t->topic || !t->payload) {
		token_free(t);
		return;
	}
	atomic_fetch_add(&m->heard_waiting, 1);
	settle(t, EVENT_HEARD, NULL);
}

/* A topic with a NUL in it is none of ours; only of such a one, or of none, its length is told. */
static int on_message(void *context, char *topic, int length, MQTTAsync_message *message)
{
	if (length == 0 || (size_t)length == strlen(topic))
		hear(context, topic, message);
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	return 1;
}

static bool is_v5(const struct mqtt_client *m)
{
	return m->settings->protocol == MQTT_5;
}

/* Once: it makes locks anew that a client's threads may be holding. */
static void init_library(void)
{
	MQTTAsync_init_options options = MQTTAsync_init_options_initializer;
	options.do_openssl_init = 1;
	MQTTAsync_global_init(&options);
}

static bool create_handle(struct mqtt_client *m)
{
	const struct mqtt_settings *s = m->settings;
	MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer5;
	options.MQTTVersion = (int)s->protocol;
	/* of the broker that comes next: whether TLS is spoken is kept from here on */
	if (MQTTAsync_createWithOptions(&m->handle, s->brokers[m->broker], s->client_id,
		MQTTCLIENT_PERSISTENCE_NONE, NULL, &options) != MQTTASYNC_SUCCESS)
		return false;
	(void)MQTTAsync_setCallbacks(m->handle, m, on_lost, on_message, NULL);
	(void)MQTTAsync_setDisconnected(m->handle, m, on_sent_away);
	return true;
}

struct mqtt_client *mqtt_client_new(
    const struct mqtt_settings *s, const struct mqtt_events *events, struct progress *progress, int stop_fd)
{
	struct mqtt_client *m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->settings = s;
	m->events = *events;
	m->progress = progress;
	m->stop_fd = stop_fd;
	m->resolver = resolver_new();
	pthread_mutex_init(&m->lock, NULL);
	m->inbox = inbox_new(0, free_event);
	static pthread_once_t library = PTHREAD_ONCE_INIT;
	(void)pthread_once(&library, init_library);

	if (!m->inbox || !m->resolver || !create_handle(m)) {
		mqtt_client_free(m);
		errno = ENOMEM;
		return NULL;
	}
	return m;
}

/* With all that is of it: events of it, and messages whose callback never comes. */
static void destroy_handle(struct mqtt_client *m)
{
	if (m->handle)
		MQTTAsync_destroy(&m->handle);
	m->handle = NULL;
	m->handles++;
	for (struct inbox_item *i = m->inbox ? inbox_take(m->inbox) : NULL, *next; i; i = next) {
		next = i->next;
		free_event(i);
	}
	while (!LIST_EMPTY(&m->tokens))
		token_free(LIST_FIRST(&m->tokens));
	atomic_store(&m->heard_waiting, 0);
}

void mqtt_client_free(struct mqtt_client *m)
{
	if (!m)
		return;
	destroy_handle(m);
	if (m->connecting)
		mqtt_tls_unwatch(NULL);
	inbox_free(m->inbox);
	resolver_free(m->resolver);
	pthread_mutex_destroy(&m->lock);
	explicit_bzero(m->password, sizeof(m->password));
	free(m);
}

int mqtt_client_fd(const struct mqtt_client *m)
{
	return inbox_fd(m->inbox);
}

static void set_version(struct mqtt_client *m, MQTTAsync_connectOptions *options)
{
	MQTTAsync_connectOptions options5 = MQTTAsync_connectOptions_initializer5;
	if (is_v5(m)) {
		*options = options5;
		options->cleanstart = 1;
		options->onSuccess5 = on_connected5;
		options->onFailure5 = on_connect_failed5;
	} else {
		options->MQTTVersion = MQTTVERSION_3_1_1;
		options->cleansession = 1;
		options->onSuccess = on_connected;
		options->onFailure = on_connect_failed;
	}
}

/* Anew for each connection, so that a changed file is taken without a restart. */
static int set_credentials(struct mqtt_client *m, MQTTAsync_connectOptions *options)
{
	const struct mqtt_settings *s = m->settings;
	if (*s->username == '\0')
		return 0;
	options->username = s->username;
	if (*s->password_file == '\0')
		return 0;
	options->password = m->password;
	return credential_read(s->password_file, s->beside, m->password, sizeof(m->password));
}

const char *mqtt_unusable_file(const struct mqtt_settings *s, char *what, size_t size)
{
	const struct {
		const char *key, *file;
	} files[] = { { "password_file", s->password_file }, { "ca_file", s->ca_file },
		{ "cert_file", s->cert_file }, { "key_file", s->key_file } };
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[PATH_MAX];
		if (files[i].file[0] == '\0')
			continue;
		credential_path(files[i].file, s->beside, path, sizeof(path));
		const char *why = credential_fault(path, files[i].file != s->password_file);
		if (!why)
			continue;
		snprintf(what, size, "%s %s", path, why);
		return files[i].key;
	}
	return NULL;
}

/* The library would tell of a file of TLS only that the connect failed. */
static int check_files(struct mqtt_client *m, const char **why)
{
	char what[sizeof(m->unusable) - 32];
	const char *key = mqtt_unusable_file(m->settings, what, sizeof(what));
	if (!key)
		return 0;
	snprintf(m->unusable, sizeof(m->unusable), "%s %s", key, what);
	*why = m->unusable;
	return -ENOENT;
}

/* Where the files of TLS are; "" = none. The library copies the paths. */
struct tls_files {
	char ca[PATH_MAX], cert[PATH_MAX], key[PATH_MAX];
};

static void find_tls_files(const struct mqtt_settings *s, struct tls_files *files)
{
	credential_path(s->ca_file, s->beside, files->ca, sizeof(files->ca));
	credential_path(s->cert_file, s->beside, files->cert, sizeof(files->cert));
	credential_path(s->key_file, s->beside, files->key, sizeof(files->key));
}

/* Begins with the present address. 0, or negative errno with `*why` set. */
static int begin_connect(struct mqtt_client *m, const char **why)
{
	const struct mqtt_settings *s = m->settings;
	MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
	MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
	MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
	set_version(m, &options);
	int err = check_files(m, why);
	if (err < 0)
		return err;
	err = set_credentials(m, &options);
	if (err < 0) {
		*why = "password_file cannot be read";
		return err;
	}
	m->will = m->events.will(m->events.user);
	if (m->will) {
		will.topicName = m->will->topic;
		will.payload.data = m->will->payload;
		will.payload.len = (int)m->will->size;
		will.retained = m->will->retain && !m->no_retain;
		will.qos = m->no_qos ? 0 : (int)m->will->qos;
		options.will = &will;
	}
	struct tls_files files;
	find_tls_files(s, &files);
	mqtt_tls_set(&tls, files.ca, files.cert, files.key);
	options.ssl = &tls;
	options.keepAliveInterval = (int)(s->keep_alive / NS_PER_S);
	options.connectTimeout = CONNECT_TIMEOUT_S;
	/* one at a time: which comes next is decided here, and each failure has its reason */
	char *uri = m->addresses.uris[m->addresses.next];
	options.serverURIs = &uri;
	options.serverURIcount = 1;
	m->generation++;
	struct token *t = token_new(m, m->generation, 0);
	if (!t) {
		*why = "no memory";
		return -ENOMEM;
	}
	options.context = t;
	mqtt_tls_watch(*s->cert_file != '\0');
	int r = MQTTAsync_connect(m->handle, &options);
	if (r != MQTTASYNC_SUCCESS) {
		token_free(t);
		mqtt_tls_unwatch(NULL);
		*why = MQTTAsync_strerror(r);
		return -EIO;
	}
	return 0;
}

static void note_failure(struct mqtt_client *m, const char *why)
{
	size_t used = strlen(m->failures);
	snprintf(m->failures + used, sizeof(m->failures) - used, "%s%s: %s", used > 0 ? "; " : "",
	    m->settings->brokers[m->broker], why);
}

/* Tries the addresses of the present broker from the present one on, until a connect is under way. */
static bool try_addresses(struct mqtt_client *m)
{
	const char *why = "";
	for (; m->addresses.next < m->addresses.count; m->addresses.next++) {
		if (begin_connect(m, &why) == 0)
			return true;
		note_failure(m, why);
	}
	return false;
}

/* The addresses of the present broker. 0, -ECANCELED, or negative errno with a note. */
static int find_addresses(struct mqtt_client *m)
{
	const char *why = "";
	progress_step(m->progress, RESOLVE_WAIT_NS);
	int err = mqtt_addresses_find(
	    &m->addresses, m->resolver, m->settings->brokers[m->broker], m->stop_fd, &why);
	if (err < 0 && err != -ECANCELED)
		note_failure(m, why);
	return err;
}

/* The library keeps to TLS and to WebSockets when the next broker is to be reached without: for another
 * scheme it gets a new handle. */
static bool fit_handle(struct mqtt_client *m)
{
	const char *scheme = m->settings->brokers[m->broker];
	bool fits = !m->scheme || strncmp(m->scheme, scheme, strcspn(scheme, ":") + 1) == 0;
	if (!fits) {
		progress_step(m->progress, LIBRARY_LIMIT_NS);
		destroy_handle(m);
	}
	m->scheme = scheme;
	return m->handle || create_handle(m);
}

/* Tries brokers from the present one on, until a connect is under way; past the last it is told. */
static void try_brokers(struct mqtt_client *m)
{
	for (; m->broker < m->settings->broker_count; m->broker++) {
		if (m->broker != m->lesser)
			m->no_qos = m->no_retain = false;
		int err = find_addresses(m);
		if (err == 0 && !fit_handle(m)) {
			note_failure(m, "no memory");
			err = -ENOMEM;
		}
		if (err == -ECANCELED)
			m->connecting = false;
		if (err == -ECANCELED || (err == 0 && try_addresses(m)))
			return;
	}
	m->broker = m->settings->broker_count - 1;
	m->connecting = false;
	m->events.disconnected(m->events.user, &(struct mqtt_end){ .why = m->failures });
}

/* The library sends messages that it had not yet sent when a connection ended on the next one, at once,
 * although that begins a session anew: what was left in it goes with its handle. */
static bool drop_leftovers(struct mqtt_client *m)
{
	pthread_mutex_lock(&m->lock);
	bool none = LIST_EMPTY(&m->tokens);
	pthread_mutex_unlock(&m->lock);
	if (none && m->handle)
		return true;
	progress_step(m->progress, LIBRARY_LIMIT_NS);
	destroy_handle(m);
	return create_handle(m);
}

void mqtt_client_connect(struct mqtt_client *m, size_t first_broker)
{
	m->broker = first_broker;
	if (!drop_leftovers(m)) {
		m->events.disconnected(m->events.user, &(struct mqtt_end){ .why = "no memory" });
		return;
	}
	m->connecting = true;
	m->failures[0] = '\0';
	try_brokers(m);
}

size_t mqtt_client_broker(const struct mqtt_client *m)
{
	return m->broker;
}

void mqtt_client_disconnect(struct mqtt_client *m, bool with_will)
{
	MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
	MQTTAsync_disconnectOptions options5 = MQTTAsync_disconnectOptions_initializer5;
	struct token *t = token_new(m, m->generation, 0);
	if (is_v5(m)) {
		options = options5;
		options.onSuccess5 = on_disconnected5;
		options.onFailure5 = on_disconnect_failed5;
		if (with_will)
			options.reasonCode = MQTTREASONCODE_DISCONNECT_WITH_WILL_MESSAGE;
	} else {
		options.onSuccess = on_disconnected;
		options.onFailure = on_disconnect_failed;
	}
	options.timeout = 0; /* the owner has waited for the messages in flight */
	options.context = t;
	if (!t || MQTTAsync_disconnect(m->handle, &options) != MQTTASYNC_SUCCESS)
		settle(t, EVENT_DISCONNECTED, "disconnected");
}

/* MQTT 5, 3.3.2.3 */
static void add_properties(const struct mqtt_message *message, MQTTProperties *properties)
{
	MQTTProperty unit = { .identifier = MQTTPROPERTY_CODE_USER_PROPERTY,
		.value.data = { 4, (char *)"unit" },
		.value.value = { message->unit ? (int)strlen(message->unit) : 0, (char *)message->unit } };
	if (message->unit && message->unit[0])
		(void)MQTTProperties_add(properties, &unit);
}

/* Of a variable byte integer, 1.5.5 */
static size_t varint_size(size_t n)
{
	size_t size = 1;
	for (; n >= 128; n /= 128)
		size++;
	return size;
}

/* MQTT 5, 3.3: fixed header, topic, packet identifier, properties, payload */
size_t mqtt_message_packet_size(const struct mqtt_message *m, enum mqtt_protocol protocol)
{
	size_t unit = m->unit && m->unit[0] ? 1 + 2 + strlen("unit") + 2 + strlen(m->unit) : 0;
	size_t properties = protocol == MQTT_5 ? varint_size(unit) + unit : 0;
	size_t rest = 2 + strlen(m->topic) + (m->qos > 0 ? 2 : 0) + properties + m->size;
	return 1 + varint_size(rest) + rest;
}

int mqtt_client_publish(struct mqtt_client *m, uint64_t id, const struct mqtt_message *what)
{
	MQTTAsync_message message = MQTTAsync_message_initializer;
	MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
	struct token *t = token_new(m, m->generation, id);
	if (!t)
		return -ENOMEM;
	message.payload = (void *)what->payload;
	message.payloadlen = (int)what->size;
	message.qos = (int)what->qos;
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

static void on_not_subscribed(struct mqtt_client *m, const char *why)
{
	log_event(LOG_WARNING, (struct log_fields){ .message_id = LOG_ID_BROKER },
	    "the broker does not let us subscribe: %s", why ? why : "no reason");
}

static void on_subscribe_failed(void *context, MQTTAsync_failureData *data)
{
	if (data && data->code != MQTTASYNC_OPERATION_INCOMPLETE && data->code != MQTTASYNC_DISCONNECTED)
		on_not_subscribed(context, data->message);
}

static void on_subscribe_failed5(void *context, MQTTAsync_failureData5 *data)
{
	if (data && data->reasonCode >= MQTTREASONCODE_UNSPECIFIED_ERROR)
		on_not_subscribed(context, MQTTReasonCode_toString(data->reasonCode));
}

/* What is sent after this the broker gets after this. */
static void subscribe(struct mqtt_client *m)
{
	const struct mqtt_settings *s = m->settings;
	MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
	response.context = m;
	if (is_v5(m))
		response.onFailure5 = on_subscribe_failed5;
	else
		response.onFailure = on_subscribe_failed;
	for (size_t i = 0; i < s->topic_count; i++) {
		int r = MQTTAsync_subscribe(m->handle, s->topics[i], 1, &response);
		if (r != MQTTASYNC_SUCCESS)
			on_not_subscribed(m, MQTTAsync_strerror(r));
	}
}

static void connected(struct mqtt_client *m, const struct token *e)
{
	mqtt_tls_unwatch(NULL);
	m->connecting = false;
	struct mqtt_limits limits = e->limits;
	limits.retain &= !m->no_retain;
	if (m->no_qos)
		limits.qos = 0;
	subscribe(m);
	m->events.connected(m->events.user, &limits);
}

static void heard(struct mqtt_client *m, const struct token *e)
{
	const struct mqtt_message message = { .topic = e->topic, .payload = e->payload, .size = e->size };
	atomic_fetch_sub(&m->heard_waiting, 1);
	m->events.heard(m->events.user, &message);
}

/* A broker refuses a will that asks for more than it can, and tells what it can only once it takes us.
 * Whether there is less to ask for. */
static bool ask_for_less(struct mqtt_client *m, int refusal)
{
	const struct mqtt_message *will = m->will;
	if (!will)
		return false;
	bool qos = refusal == MQTTREASONCODE_QOS_NOT_SUPPORTED && will->qos > 0 && !m->no_qos;
	bool retain = refusal == MQTTREASONCODE_RETAIN_NOT_SUPPORTED && will->retain && !m->no_retain;
	if (!qos && !retain)
		return false;
	m->lesser = m->broker;
	m->no_qos |= qos;
	m->no_retain |= retain;
	log_event(LOG_WARNING, (struct log_fields){ .message_id = LOG_ID_BROKER }, "the broker %s %s",
	    m->settings->brokers[m->broker],
	    qos ? "takes no QoS 1: all goes to it with QoS 0" : "retains nothing: all goes to it without");
	return true;
}

/* Of a TCP connection that was not made the library tells nothing but that: the kernel does, if asked once
 * more. A broker that answers by then has another fault, or has just come. */
static const char *failure_words(struct mqtt_client *m, const struct token *e)
{
	const char *why = e->why ? e->why : "";
	if (strstr(why, "timeout"))
		return "it does not answer";
	if (!strstr(why, "TCP"))
		return why;
	progress_step(m->progress, MQTT_ADDRESS_TRY_NS);
	int err = mqtt_address_try(&m->addresses, m->stop_fd);
	return err < 0 ? strerror(-err) : "it takes the connection and does not answer as a broker";
}

static void connect_failed(struct mqtt_client *m, const struct token *e)
{
	char tls[MQTT_TLS_REASON_MAX];
	mqtt_tls_unwatch(tls);
	if (ask_for_less(m, e->refusal) && try_addresses(m))
		return;
	note_failure(m, tls[0] ? tls : failure_words(m, e));
	m->addresses.next++;
	if (try_addresses(m))
		return;
	m->broker++;
	try_brokers(m);
}

/* The broker may leave the connection open, and the library may or may not end it and tell: it is ended here.
 */
static void sent_away(struct mqtt_client *m, const struct token *e)
{
	if (m->connecting)
		return;
	mqtt_client_disconnect(m, false);
	m->generation++; /* whatever comes of that */
	m->events.disconnected(
	    m->events.user, &(struct mqtt_end){ e->why ? e->why : "", false, e->taken_over, e->blames });
}

static void tell(struct mqtt_client *m, const struct token *e)
{
	/* what an earlier connection came to says nothing about this one */
	bool is_dated = e->kind != EVENT_LOST && e->kind != EVENT_SENT_AWAY && e->kind != EVENT_HEARD;
	if (is_dated && e->generation != m->generation)
		return;
	switch (e->kind) {
	case EVENT_CONNECTED:
		connected(m, e);
		break;
	case EVENT_CONNECT_FAILED:
		connect_failed(m, e);
		break;
	case EVENT_LOST:
		if (!m->connecting) /* a connect that fails is told as such */
			m->events.disconnected(
			    m->events.user, &(struct mqtt_end){ .why = e->why ? e->why : "", .lost = true });
		break;
	case EVENT_SENT_AWAY:
		sent_away(m, e);
		break;
	case EVENT_DISCONNECTED:
		m->events.disconnected(m->events.user, &(struct mqtt_end){ .why = e->why ? e->why : "" });
		break;
	case EVENT_HEARD:
		heard(m, e);
		break;
	}
}

void mqtt_client_dispatch(struct mqtt_client *m)
{
	for (struct inbox_item *i = inbox_take(m->inbox), *next; i; i = next) {
		next = i->next;
		struct token *t = (struct token *)i, e = *t;
		t->why = t->topic = NULL;
		t->payload = NULL;
		free_event(i);
		unsigned handles = m->handles;
		tell(m, &e);
		free(e.why);
		free(e.topic);
		free(e.payload);
		if (m->handles != handles) /* the others went with theirs */
			return;
	}
}
