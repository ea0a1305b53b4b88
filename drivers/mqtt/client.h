/* client: one connection to a broker over paho's MQTTAsync (mover, main thread).
 *
 * paho calls back on threads of its own; there the outcome is only noted and the main loop woken through an
 * eventfd. mqtt_client_dispatch, on the main thread, then tells the owner. No function blocks. Neither paho's
 * buffering nor its reconnecting is used: the owner keeps what is not acknowledged, and says when to connect.
 */
#pragma once

#include "config/config.h"

#include <stdbool.h>
#include <stdint.h>

struct mqtt_client;

/* What the broker allows. */
struct mqtt_limits {
	unsigned receive_maximum; /* unacknowledged messages */
	uint32_t packet_size;	  /* bytes of a message with its topic and header */
};

struct mqtt_events {
	void (*connected)(void *user, const struct mqtt_limits *limits);
	/* Not connected, or no longer: everything in flight counts as not sent. */
	void (*disconnected)(void *user, const char *why);
	void (*delivered)(void *user, uint64_t id); /* acknowledged (QoS 1) or written (QoS 0) */
	void (*refused)(void *user, uint64_t id);   /* not sent, while the connection stands */
	void *user;
};

struct mqtt_will {
	const char *topic, *payload; /* retained, with the QoS of the configuration */
};

/* The client for the first `broker_count` brokers of a configuration, which must outlive it. `suffix` is put
 * behind the client id. A will without a topic is none. NULL with errno. */
struct mqtt_client *mqtt_client_new(const struct config *c, size_t broker_count, const char *suffix,
    struct mqtt_will will, const struct mqtt_events *events);

/* Ends all, also a connection that stands: may wait for paho's threads, some 100 ms. */
void mqtt_client_free(struct mqtt_client *m);

int mqtt_client_fd(const struct mqtt_client *m);
void mqtt_client_dispatch(struct mqtt_client *m);

/* Begins to connect: to the brokers in their order, until one takes us. `connected` or `disconnected`
 * follows.
 */
void mqtt_client_connect(struct mqtt_client *m);

/* Which broker of the list it is, or was last. */
size_t mqtt_client_broker(const struct mqtt_client *m);

/* Begins to disconnect cleanly (the will is not sent); `disconnected` follows. */
void mqtt_client_disconnect(struct mqtt_client *m);

struct mqtt_message {
	const char *topic, *payload;
	const char *unit; /* of the value, as user property; NULL or "" = none */
	int64_t expiry_s; /* after which the broker forgets it; 0 = never. MQTT 5 only, as is the unit */
	bool retain;
};

/* Hands a message over; the text is copied. 0, then `delivered` or `refused` with the id follows, unless the
 * connection ends before; or negative errno. */
int mqtt_client_publish(struct mqtt_client *m, uint64_t id, const struct mqtt_message *message);
