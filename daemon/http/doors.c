#include "daemon/http/doors.h"

#include "drivers/os/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { UNIX_DOOR, TCP_DOOR, DOOR_COUNT };

struct door {
	struct doors *all;
	int (*open)(sd_event *event, const char *where, http_answerer answer, void *user, struct http **ret);
	char *where;	   /* NULL, or empty, = nowhere */
	struct http *http; /* NULL = closed */
	sd_event_source *retry;
	int64_t pause_ns; /* before the next try; 0 = it was not tried in vain */
};

struct doors {
	sd_event *event;
	http_answerer answer;
	void *user;
	struct door doors[DOOR_COUNT];
};

static int on_retry(sd_event_source *s, uint64_t usec, void *user);

static void try_later(struct door *d)
{
	d->pause_ns = d->pause_ns == 0 ? DOORS_PAUSE_MIN_NS : 2 * d->pause_ns;
	if (d->pause_ns > DOORS_PAUSE_MAX_NS)
		d->pause_ns = DOORS_PAUSE_MAX_NS;
	d->retry = sd_event_source_disable_unref(d->retry);
	(void)sd_event_add_time_relative(
	    d->all->event, &d->retry, CLOCK_BOOTTIME, (uint64_t)d->pause_ns / 1000, 0, on_retry, d);
}

static void open_door(struct door *d)
{
	int err = d->open(d->all->event, d->where, d->all->answer, d->all->user, &d->http);
	if (err >= 0 && d->pause_ns > 0)
		log_line(LOG_NOTICE, "requests are taken at %s now", d->where);
	if (err < 0 && d->pause_ns == 0)
		log_line(LOG_WARNING, "no requests at %s: %s; trying again", d->where,
		    err == -EADDRINUSE ? "another process listens there" : strerror(-err));
	if (err < 0)
		try_later(d);
	else
		d->pause_ns = 0;
}

static int on_retry(sd_event_source *s, uint64_t usec, void *user)
{
	open_door(user);
	return 0;
}

static void close_door(struct door *d)
{
	http_close(d->http);
	d->http = NULL;
	d->retry = sd_event_source_disable_unref(d->retry);
	free(d->where);
	d->where = NULL;
	d->pause_ns = 0;
}

static void move_door(struct door *d, const char *where)
{
	if (d->where && strcmp(d->where, where) == 0)
		return;
	close_door(d);
	d->where = strdup(where);
	if (d->where && *where)
		open_door(d);
}

struct doors *doors_new(sd_event *event, http_answerer answer, void *user)
{
	struct doors *d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	*d = (struct doors){ .event = event,
		.answer = answer,
		.user = user,
		.doors = { [UNIX_DOOR] = { .all = d, .open = http_open_unix },
		    [TCP_DOOR] = { .all = d, .open = http_open_tcp } } };
	return d;
}

void doors_free(struct doors *d)
{
	for (size_t i = 0; d && i < DOOR_COUNT; i++)
		close_door(&d->doors[i]);
	free(d);
}

void doors_apply(struct doors *d, const struct daemon_config *c)
{
	move_door(&d->doors[UNIX_DOOR], c->http_socket);
	move_door(&d->doors[TCP_DOOR], c->http_listen);
}

void doors_forget(struct doors *d)
{
	for (size_t i = 0; i < DOOR_COUNT; i++)
		http_forget(d->doors[i].http);
}
