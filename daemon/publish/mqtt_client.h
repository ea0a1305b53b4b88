/* mqtt_client: one connection to a broker over paho's MQTTAsync (mover, main thread).
 *
 * paho calls back on threads of its own; there the outcome is only noted and the main loop woken through an
 * eventfd. mqtt_client_dispatch, on the main thread, then tells the owner. No function blocks. Neither paho's
 * buffering nor its reconnecting is used: the owner keeps what is not acknowledged, and says when to connect.
 */
#pragma once

#include "config.h"

#include <stdbool.h>
#include <stdint.h>

struct mqtt_client;

struct mqtt_events {
	void (*connected)(
	    void *user, unsigned receive_maximum); /* most unacknowledged messages the broker takes */
	/* Not connected, or no longer: everything in flight counts as not sent. */
	void (*disconnected)(void *user, const char *why);
	void (*delivered)(void *user, uint64_t id); /* acknowledged (QoS 1) or written (QoS 0) */
	void (*refused)(void *user, uint64_t id);   /* not sent, while the connection stands */
	void *user;
};

struct mqtt_will {
	const char *topic, *payload; /* retained, with the QoS of the configuration */
};

/* The client for a configuration, which must outlive it. NULL with errno. */
struct mqtt_client *mqtt_client_new(
    const struct config *c, struct mqtt_will will, const struct mqtt_events *events);

/* Ends all, also a connection that stands: may wait for paho's threads, some 100 ms. */
void mqtt_client_free(struct mqtt_client *m);

int mqtt_client_fd(const struct mqtt_client *m);
void mqtt_client_dispatch(struct mqtt_client *m);

/* Begins to connect to the first broker of the list that answers. 0, or negative errno with `*why` set; else
 * `connected` or `disconnected` follows. */
int mqtt_client_connect(struct mqtt_client *m, const char **why);

/* Begins to disconnect cleanly (the will is not sent); `disconnected` follows. */
void mqtt_client_disconnect(struct mqtt_client *m);

/* Hands a message over; the text is copied. 0, then `delivered` or `refused` with the id follows, unless the
 * connection ends before; or negative errno. */
int mqtt_client_publish(
    struct mqtt_client *m, uint64_t id, const char *topic, const char *payload, bool retain);
