/* address: where a broker is reached (mover, blocks its thread).
 *
 * paho resolves names while it holds a lock of the whole process, and tries only one of several addresses: so
 * names are resolved here first. A mqtt:// broker is then given to paho by number, each address in its turn.
 * mqtts://, ws:// and wss:// stay as written, because the name is what the certificate or the web server
 * goes by; their look-up here only sees to it that paho's does not wait for a name server that is away.
 */
#pragma once

#include "drivers/os/resolve.h"

#include <stddef.h>

#define MQTT_ADDRESSES_MAX 8
/* The longest that is taken: a host name has 253 bytes (RFC 1035, 2.3.4). */
#define MQTT_URI_MAX 300

struct mqtt_addresses {
	char uris[MQTT_ADDRESSES_MAX][MQTT_URI_MAX];
	char numbers[MQTT_ADDRESSES_MAX][MQTT_URI_MAX]; /* the same with the host as a number */
	size_t count, next;
};

/* The addresses of scheme://host:port, in the resolver's order, `next` at the first. 0, -ECANCELED when
 * `stop_fd` became readable, or negative errno with `*why` set to words. */
int mqtt_addresses_find(
    struct mqtt_addresses *a, struct resolver *r, const char *uri, int stop_fd, const char **why);

/* Whether the present address takes a TCP connection, which is closed again at once: 0, or negative errno,
 * among them -ETIMEDOUT, and -ECANCELED when `stop_fd` became readable. The longest that it takes: */
#define MQTT_ADDRESS_TRY_NS (2 * NS_PER_S)
int mqtt_address_try(const struct mqtt_addresses *a, int stop_fd);
