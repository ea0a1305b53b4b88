#include "drivers/mqtt/address.h"

#include "config/ini/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Splits scheme://host:port or scheme://[v6]:port, which the configuration has checked. */
static int split(const char *uri, char host[static MQTT_URI_MAX], int64_t *port)
{
	const char *start = strstr(uri, "://"), *colon = strrchr(uri, ':');
	if (!start || colon <= start)
		return -EINVAL;
	start += 3;
	size_t length = (size_t)(colon - start);
	if (*start == '[' && length > 2 && start[length - 1] == ']') {
		start++;
		length -= 2;
	}
	if (length >= MQTT_URI_MAX)
		return -EINVAL;
	snprintf(host, MQTT_URI_MAX, "%.*s", (int)length, start);
	return text_int(colon + 1, port);
}

static void add(struct mqtt_addresses *a, const struct addrinfo *ai, int port)
{
	char number[INET6_ADDRSTRLEN];
	bool v6 = ai->ai_family == AF_INET6;
	if (a->count == MQTT_ADDRESSES_MAX ||
	    getnameinfo(ai->ai_addr, ai->ai_addrlen, number, sizeof(number), NULL, 0, NI_NUMERICHOST) != 0)
		return;
	snprintf(a->uris[a->count++], MQTT_URI_MAX, "mqtt://%s%s%s:%d", v6 ? "[" : "", number, v6 ? "]" : "",
	    port);
}

int mqtt_addresses_find(
    struct mqtt_addresses *a, struct resolver *r, const char *uri, int stop_fd, const char **why)
{
	char host[MQTT_URI_MAX];
	int64_t port;
	struct addrinfo *found = NULL;
	*a = (struct mqtt_addresses){ 0 };
	int err = split(uri, host, &port);
	if (err < 0) {
		*why = "too long";
		return err;
	}
	err = resolver_find(r, host, (int)port, stop_fd, &found, why);
	if (err < 0)
		return err;
	if (strncmp(uri, "mqtt://", strlen("mqtt://")) == 0)
		for (const struct addrinfo *ai = found; ai; ai = ai->ai_next)
			add(a, ai, (int)port);
	else
		snprintf(a->uris[a->count++], MQTT_URI_MAX, "%s", uri);
	freeaddrinfo(found);
	return 0;
}
