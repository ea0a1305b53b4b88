#include "daemon/broker/broker_return.h"

#include "drivers/mqtt/client.h"

#include <errno.h>
#include <stdlib.h>

#define INTERVAL_US (BROKER_RETURN_INTERVAL_S * UINT64_C(1000000))

struct broker_return {
	struct mqtt_client *client;
	sd_event_source *io, *timer;
	bool seen; /* a broker took us */
	void (*back)(void *user);
	void *user;
};

static void on_connected(void *user, const struct mqtt_limits *limits)
{
	struct broker_return *b = user;
	(void)limits;
	b->seen = true;
	/* gone before anything else happens: paho might close a descriptor that another client has got by
	 * then */
	mqtt_client_disconnect(b->client);
}

static void on_failed(void *user, const char *why)
{
	struct broker_return *b = user;
	(void)why; /* it was said when that broker was left */
	if (b->seen) {
		b->back(b->user);
		return;
	}
	(void)sd_event_source_set_time_relative(b->timer, INTERVAL_US);
	(void)sd_event_source_set_enabled(b->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *user)
{
	struct broker_return *b = user;
	(void)s;
	(void)usec;
	mqtt_client_connect(b->client);
	return 0;
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct broker_return *b = user;
	(void)s;
	(void)fd;
	(void)revents;
	mqtt_client_dispatch(b->client);
	return 0;
}

struct broker_return *broker_return_new(
    sd_event *event, const struct config *c, size_t broker_count, void (*back)(void *user), void *user)
{
	struct broker_return *b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	b->back = back;
	b->user = user;
	struct mqtt_events to = { .connected = on_connected, .disconnected = on_failed, .user = b };
	b->client = mqtt_client_new(c, broker_count, "-probe", (struct mqtt_will){ 0 }, &to);
	int r =
	    b->client ? sd_event_add_io(event, &b->io, mqtt_client_fd(b->client), EPOLLIN, on_io, b) : -errno;
	if (r >= 0)
		r = sd_event_add_time_relative(event, &b->timer, CLOCK_BOOTTIME, INTERVAL_US, 0, on_timer, b);
	if (r < 0) {
		broker_return_free(b);
		errno = -r;
		return NULL;
	}
	return b;
}

void broker_return_free(struct broker_return *b)
{
	if (!b)
		return;
	sd_event_source_disable_unref(b->io);
	sd_event_source_disable_unref(b->timer);
	mqtt_client_free(b->client);
	free(b);
}
