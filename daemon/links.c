#include "daemon/links.h"

#include "daemon/publish/json.h"
#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct link {
	struct links *all;
	enum output_connection which;
	struct publisher *publisher; /* NULL = not configured */
	uint64_t connect;	     /* see reporter_everything */
	char spool_trouble[512];
	bool stopped;
};

struct links {
	sd_event *event;
	struct disk *disk;
	struct links_events events;
	struct reporter *reporter;
	struct link items[OUTPUT_CONNECTIONS];
};

struct links *links_new(sd_event *event, struct disk *disk, const struct links_events *events)
{
	struct links *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->event = event;
	l->disk = disk;
	l->events = *events;
	for (enum output_connection i = 0; i < OUTPUT_CONNECTIONS; i++)
		l->items[i] = (struct link){ .all = l, .which = i };
	return l;
}

bool links_free(struct links *l, int64_t deadline_ns)
{
	bool ended = true;
	for (size_t i = 0; l && i < OUTPUT_CONNECTIONS; i++) {
		int64_t left = deadline_ns - clock_ns(CLOCK_MONOTONIC);
		ended &= publisher_free(l->items[i].publisher, left > 0 ? left : 0);
	}
	free(l);
	return ended;
}

/* A format may outlive its connection until the reload is through. */
static void send_on(void *user, struct message *m)
{
	const struct link *l = user;
	if (l->publisher)
		publisher_send(l->publisher, m);
	else
		message_free(m);
}

void links_put_sinks(struct links *l, struct output_sink sinks[OUTPUT_CONNECTIONS])
{
	for (size_t i = 0; i < OUTPUT_CONNECTIONS; i++)
		sinks[i] = (struct output_sink){ send_on, &l->items[i] };
}

void links_use(struct links *l, struct reporter *r)
{
	l->reporter = r;
}

static size_t on_tail(void *user, const struct message *m, uint8_t tail[static OUTPUT_TAIL_MAX])
{
	const struct link *l = user;
	return reporter_tail(l->all->reporter, l->which, m, tail);
}

static enum output_wish on_heard(
    void *user, uint64_t connect, const char *topic, const char *payload, size_t size)
{
	const struct link *l = user;
	return reporter_hear(l->all->reporter, l->which, connect, topic, payload, size);
}

static struct message *on_gap(void *user, int64_t from_ms, int64_t to_ms, uint64_t dropped)
{
	const struct link *l = user;
	return reporter_gap(l->all->reporter, l->which, from_ms, to_ms, dropped);
}

static void tell_everything(const struct link *l)
{
	reporter_everything(l->all->reporter, l->which, l->connect, clock_boottime());
	if (l->which == OUTPUT_MAIN)
		l->all->events.told(l->all->events.user);
}

static void on_connected(void *user, uint64_t connect)
{
	struct link *l = user;
	l->connect = connect;
	tell_everything(l);
}

static void on_emptied(void *user, const char *topic)
{
	const struct link *l = user;
	l->all->events.emptied(l->all->events.user, topic);
}

/* It is one disk, whichever spool says so. */
static void on_spool_trouble(void *user, const char *text)
{
	struct link *l = user;
	const struct links *all = l->all;
	snprintf(l->spool_trouble, sizeof(l->spool_trouble), "%s", text);
	for (size_t i = 0; i < OUTPUT_CONNECTIONS; i++)
		if (*text == '\0')
			text = all->items[i].spool_trouble;
	all->events.spool_trouble(all->events.user, text);
}

static void on_stopped(void *user)
{
	struct link *l = user;
	const struct links *all = l->all;
	l->stopped = true;
	for (size_t i = 0; i < OUTPUT_CONNECTIONS; i++)
		if (all->items[i].publisher && !all->items[i].stopped)
			return;
	all->events.stopped(all->events.user);
}

static int open_link(struct link *l, struct config *c)
{
	const struct publisher_events to = { .presence = reporter_presence,
		.listens = reporter_listens,
		.waits_for = reporter_waits_for,
		.tail = on_tail,
		.leaves_with_will = l->which == OUTPUT_SPARKPLUG, /* its rule for MQTT 5 */
		.heard = on_heard,
		.connected = on_connected,
		.emptied = on_emptied,
		.spool_trouble = on_spool_trouble,
		.gap = on_gap,
		.stopped = on_stopped,
		.user = l };
	char base[JSON_BASE_MAX];
	json_base(c, base);
	l->publisher = publisher_new(l->all->event, l->all->disk, c, l->which, base, &to);
	return l->publisher ? 0 : -errno;
}

int links_open(struct links *l, struct config *c)
{
	int r = 0;
	for (size_t i = 0; r >= 0 && i < OUTPUT_CONNECTIONS; i++)
		if (output_connection_of(c, l->items[i].which))
			r = open_link(&l->items[i], c);
	return r;
}

static void end_link(struct link *l)
{
	(void)publisher_free(l->publisher, 0);
	l->publisher = NULL;
	on_spool_trouble(l, "");
}

static void apply(struct link *l, struct config *c)
{
	if (!output_connection_of(c, l->which)) {
		if (l->publisher)
			end_link(l);
		return;
	}
	int err = l->publisher ? 0 : open_link(l, c);
	if (err < 0)
		log_line(
		    LOG_ERR, "no connection for [%s]: %s", output_connection_word(l->which), strerror(-err));
	else if (!publisher_apply(l->publisher, c) && publisher_is_connected(l->publisher))
		tell_everything(l);
}

void links_apply(struct links *l, struct config *c)
{
	for (size_t i = 0; i < OUTPUT_CONNECTIONS; i++)
		apply(&l->items[i], c);
}

void links_stop(struct links *l)
{
	for (size_t i = 0; i < OUTPUT_CONNECTIONS; i++)
		if (l->items[i].publisher)
			publisher_stop(l->items[i].publisher);
}

void links_describe(const struct links *l, struct health_broker ret[OUTPUT_CONNECTIONS])
{
	for (size_t i = 0; i < OUTPUT_CONNECTIONS; i++)
		if (l->items[i].publisher)
			ret[i] = publisher_describe(l->items[i].publisher);
}

bool links_move(const struct links *l, int64_t now_ns)
{
	for (size_t i = 0; i < OUTPUT_CONNECTIONS; i++)
		if (l->items[i].publisher && !publisher_moves(l->items[i].publisher, now_ns))
			return false;
	return true;
}
