/* client: one connection to a broker over paho's MQTTAsync (mover, the one thread that owns it).
 *
 * paho calls back on threads of its own; there the outcome is only noted and the owner woken through a
 * descriptor. mqtt_client_dispatch, on the owner's thread, then tells it. Neither paho's buffering nor its
 * reconnecting is used: the owner keeps what is not acknowledged, and says when to connect. Calls may wait
 * for a name server or for paho's lock, which it holds while it resolves a name for any client of the
 * process: so the owner is never the main loop.
 */
#pragma once

#include "config/config.h"
#include "drivers/os/progress.h"

#include <stdbool.h>
#include <stdint.h>

struct mqtt_client;

/* A message; text and payload are the caller's. */
struct mqtt_message {
	const char *topic;
	const void *payload;
	size_t size;
	int64_t qos;
	bool retain;
	const char *unit; /* of the value, as user property of MQTT 5; NULL or "" = none */
};

/* What a connection is made with. All text must outlive the client. */
struct mqtt_settings {
	const char *const *brokers; /* scheme://host:port, in the order in which they are tried */
	size_t broker_count;
	const char *client_id;
	enum mqtt_protocol protocol;
	int64_t keep_alive;		      /* ns */
	const char *username, *password_file; /* "" = none */
	const char *beside; /* relative files are looked up in the service's credentials, then beside it */
	const char *ca_file, *cert_file, *key_file; /* "" = none */
	const char *const *topics; /* that it subscribes to with each connection, before anything is sent */
	size_t topic_count;
};

/* The key of the first of its files that cannot be used, with what is wrong in words: the path that was tried
 * and why; NULL = all can. */
const char *mqtt_unusable_file(const struct mqtt_settings *s, char *what, size_t size);

/* Bytes of the PUBLISH packet that it becomes. */
size_t mqtt_message_packet_size(const struct mqtt_message *m, enum mqtt_protocol protocol);

/* Nobody sends us more who means well. */
#define MQTT_HEARD_SIZE_MAX ((size_t)256 << 10)
#define MQTT_HEARD_WAITING_MAX 64

/* What the broker allows. */
struct mqtt_limits {
	unsigned receive_maximum; /* unacknowledged messages */
	uint32_t packet_size;	  /* bytes of a packet */
	int64_t qos;
	bool retain;
};

/* How a connection came to its end, or could not be made. */
struct mqtt_end {
	const char *why;
	bool lost;	 /* without a word: by the broker, or by what is between */
	bool taken_over; /* by another client of the same id */
	/* By the broker, because of a message: what that was to it; static. Otherwise NULL. */
	const char *blames;
};

struct mqtt_events {
	/* On the owner's thread. */
	void (*connected)(void *user, const struct mqtt_limits *limits);
	/* Before each CONNECT: its will, good until the next call; NULL = none. */
	const struct mqtt_message *(*will)(void *user);
	/* A message of one of the topics; good during the call. One that is larger than
	 * MQTT_HEARD_SIZE_MAX, or with MQTT_HEARD_WAITING_MAX others waiting, is not told. */
	void (*heard)(void *user, const struct mqtt_message *m);
	/* Not connected, or no longer: everything in flight counts as not sent. */
	void (*disconnected)(void *user, const struct mqtt_end *end);
	/* On a thread of paho's: may give to an inbox and nothing else. */
	void (*delivered)(void *user, uint64_t id); /* acknowledged (QoS 1) or written (QoS 0) */
	/* The broker refuses it for good; the reason is static. */
	void (*refused)(void *user, uint64_t id, const char *reason);
	void *user;
};

/* The settings must outlive it. It says through `progress` how long each step may take, and waits for nothing
 * any more once `stop_fd` is readable. NULL with errno. */
struct mqtt_client *mqtt_client_new(
    const struct mqtt_settings *s, const struct mqtt_events *events, struct progress *progress, int stop_fd);

/* Ends all, also a connection that stands: may wait for paho's threads, some 100 ms. */
void mqtt_client_free(struct mqtt_client *m);

int mqtt_client_fd(const struct mqtt_client *m);
void mqtt_client_dispatch(struct mqtt_client *m);

/* Begins to connect: to the brokers in their order from that one on, until one takes us. `connected` or
 * `disconnected` follows, unless it is stopped. Waits for name servers. */
void mqtt_client_connect(struct mqtt_client *m, size_t first_broker);

/* Which broker of the list it is, or was last. */
size_t mqtt_client_broker(const struct mqtt_client *m);

/* Begins to disconnect cleanly; `disconnected` follows. The broker does not publish the will, unless it is
 * asked to (MQTT 5 only). */
void mqtt_client_disconnect(struct mqtt_client *m, bool with_will);

/* Hands a message over; its text is copied. 0, then `delivered` or `refused` with the id follows, unless the
 * connection ends before; or negative errno. */
int mqtt_client_publish(struct mqtt_client *m, uint64_t id, const struct mqtt_message *message);
