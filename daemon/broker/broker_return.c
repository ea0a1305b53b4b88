#include "daemon/broker/broker_return.h"

#include "drivers/os/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct broker_return {
	struct connection *connection;
	sd_event_source *io;
	bool seen; /* a broker took us */
	void (*back)(void *user);
	void *user;
};

static void take(struct broker_return *b, const struct connection_outcome *o)
{
	if (o->kind == CONNECTION_UP) {
		b->seen = true;
		/* gone before anything else happens: paho might close a descriptor that another client has
		 * got by then */
		connection_stop(b->connection);
	} else if (o->kind == CONNECTION_ENDED && b->seen) {
		b->back(b->user);
	}
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct broker_return *b = user;
	for (struct inbox_item *i = inbox_take(connection_outcomes(b->connection)), *next; i; i = next) {
		next = i->next;
		take(b, (struct connection_outcome *)i);
		free(i);
	}
	return 0;
}

struct broker_return *broker_return_new(sd_event *event, const struct connection_settings *s,
    size_t broker_count, void (*back)(void *user), void *user)
{
	char client_id[512];
	struct connection_settings probe = *s;
	struct broker_return *b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	snprintf(client_id, sizeof(client_id), "%s-probe", s->mqtt.client_id);
	probe.mqtt.client_id = client_id;
	probe.mqtt.broker_count = broker_count;
	probe.presence = NULL;
	probe.mqtt.topic_count = 0;
	probe.retry_min = probe.retry_max = BROKER_RETURN_INTERVAL_S * NS_PER_S;
	probe.is_probe = true;
	b->back = back;
	b->user = user;
	b->connection = connection_new(&probe);
	int r = b->connection ? sd_event_add_io(event, &b->io, inbox_fd(connection_outcomes(b->connection)),
				    EPOLLIN, on_io, b)
			      : -errno;
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
	if (b->connection)
		connection_stop(b->connection);
	(void)connection_free(b->connection, 0);
	free(b);
}
