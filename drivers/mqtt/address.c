#include "drivers/mqtt/address.h"

#include "config/ini/cleanup.h"
#include "config/ini/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Splits scheme://host:port[/path] or scheme://[v6]:port[/path], which the configuration has checked. */
static int split(const char *uri, char host[static MQTT_URI_MAX], int64_t *port)
{
	const char *start = strstr(uri, "://");
	if (!start)
		return -EINVAL;
	start += 3;
	const char *end = start + strcspn(start, "/"), *colon = memrchr(start, ':', (size_t)(end - start));
	if (!colon)
		return -EINVAL;
	size_t length = (size_t)(colon - start);
	if (*start == '[' && length > 2 && start[length - 1] == ']') {
		start++;
		length -= 2;
	}
	if (length >= MQTT_URI_MAX)
		return -EINVAL;
	snprintf(host, MQTT_URI_MAX, "%.*s", (int)length, start);
	char number[8];
	snprintf(number, sizeof(number), "%.*s", (int)(end - colon - 1), colon + 1);
	return text_int(number, port);
}

static void add(struct mqtt_addresses *a, const struct addrinfo *ai, int port)
{
	char number[INET6_ADDRSTRLEN];
	bool v6 = ai->ai_family == AF_INET6;
	if (a->count == MQTT_ADDRESSES_MAX ||
	    getnameinfo(ai->ai_addr, ai->ai_addrlen, number, sizeof(number), NULL, 0, NI_NUMERICHOST) != 0)
		return;
	snprintf(a->numbers[a->count++], MQTT_URI_MAX, "mqtt://%s%s%s:%d", v6 ? "[" : "", number,
	    v6 ? "]" : "", port);
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
	for (const struct addrinfo *ai = found; ai; ai = ai->ai_next)
		add(a, ai, (int)port);
	bool by_number = strncmp(uri, "mqtt://", strlen("mqtt://")) == 0;
	if (!by_number && a->count > 1)
		a->count = 1;
	for (size_t i = 0; i < a->count; i++)
		snprintf(a->uris[i], MQTT_URI_MAX, "%s", by_number ? a->numbers[i] : uri);
	freeaddrinfo(found);
	return 0;
}

static int await_connect(int fd, int stop_fd)
{
	struct pollfd waits[] = { { .fd = fd, .events = POLLOUT }, { .fd = stop_fd, .events = POLLIN } };
	int r = poll(waits, 2, MQTT_ADDRESS_TRY_NS / NS_PER_MS), err = 0;
	socklen_t size = sizeof(err);
	if (r < 0)
		return -errno;
	if (waits[1].revents)
		return -ECANCELED;
	if (r == 0)
		return -ETIMEDOUT;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0 ? -errno : -err;
}

int mqtt_address_try(const struct mqtt_addresses *a, int stop_fd)
{
	char host[MQTT_URI_MAX], service[8];
	int64_t port;
	struct addrinfo *found = NULL;
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
	if (split(a->numbers[a->next], host, &port) < 0)
		return -EINVAL;
	snprintf(service, sizeof(service), "%d", (int)port);
	if (getaddrinfo(host, service, &hints, &found) != 0)
		return -EINVAL;
	_cleanup_close_ int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err = fd < 0 || (connect(fd, found->ai_addr, found->ai_addrlen) < 0 && errno != EINPROGRESS)
		      ? -errno
		      : await_connect(fd, stop_fd);
	freeaddrinfo(found);
	return err;
}
