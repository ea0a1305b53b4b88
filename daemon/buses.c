#include "daemon/buses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct bus_worker {
	struct bus_worker *next;
	char *name;
	uint64_t fingerprint;
	struct worker *worker;
};

struct buses {
	struct inbox *batches;
	struct config *config;
	struct bus_worker *running, *stopping;
};

struct buses *buses_new(struct inbox *batches)
{
	struct buses *s = calloc(1, sizeof(*s));
	if (s)
		s->batches = batches;
	return s;
}

void buses_free(struct buses *s)
{
	if (!s)
		return;
	config_unref(s->config);
	free(s);
}

static struct bus_worker *find(struct buses *s, const struct bus_config *bus)
{
	for (struct bus_worker *b = s->running; b; b = b->next)
		if (strcmp(b->name, bus->name) == 0 && b->fingerprint == bus->fingerprint)
			return b;
	return NULL;
}

static bool is_wanted(const struct config *c, const struct bus_worker *b)
{
	for (size_t i = 0; i < c->bus_count; i++)
		if (strcmp(b->name, c->buses[i].name) == 0 && b->fingerprint == c->buses[i].fingerprint)
			return true;
	return false;
}

/* Moves the workers of buses that `c` does not have (NULL: all) to the stopping ones. */
static void stop_unwanted(struct buses *s, const struct config *c)
{
	for (struct bus_worker **link = &s->running, *b; (b = *link);) {
		if (c && is_wanted(c, b)) {
			link = &b->next;
			continue;
		}
		*link = b->next;
		b->next = s->stopping;
		s->stopping = b;
		worker_request_stop(b->worker);
	}
}

static int start(struct buses *s, size_t bus)
{
	const struct bus_config *config = &s->config->buses[bus];
	struct bus_worker *b = calloc(1, sizeof(*b));
	char *name = strdup(config->name);
	struct worker *worker = b && name ? worker_start(s->config, bus, s->batches) : NULL;
	if (!worker) {
		int err = errno > 0 ? -errno : -ENOMEM;
		free(name);
		free(b);
		return err;
	}
	*b = (struct bus_worker){ s->running, name, config->fingerprint, worker };
	s->running = b;
	return 0;
}

int buses_apply(struct buses *s, struct config *c)
{
	stop_unwanted(s, c);
	config_unref(s->config);
	s->config = config_ref(c);
	for (size_t i = 0; i < c->bus_count; i++) {
		struct bus_worker *b = find(s, &c->buses[i]);
		if (b)
			worker_reconfigure(b->worker, c, i);
	}
	return buses_turn(s);
}

static int join_stopping(struct buses *s, int64_t deadline_ns)
{
	for (struct bus_worker *b; (b = s->stopping);) {
		int err = worker_join(b->worker, deadline_ns);
		if (err < 0)
			return err;
		s->stopping = b->next;
		free(b->name);
		free(b);
	}
	return 0;
}

int buses_turn(struct buses *s)
{
	if (join_stopping(s, 0) < 0)
		return 0; /* next time */
	int result = 0;
	for (size_t i = 0; i < s->config->bus_count; i++) {
		if (find(s, &s->config->buses[i]))
			continue;
		int err = start(s, i);
		if (err < 0)
			result = err;
	}
	return result;
}

void buses_request_stop(struct buses *s)
{
	stop_unwanted(s, NULL);
}

int buses_join(struct buses *s, int64_t deadline_ns)
{
	return join_stopping(s, deadline_ns);
}

void buses_describe(struct buses *s, size_t bus, struct driver_stats *ret)
{
	struct bus_worker *b = find(s, &s->config->buses[bus]);
	*ret = (struct driver_stats){ 0 };
	if (b)
		worker_describe(b->worker, ret);
}

const char *buses_stuck(struct buses *s, int64_t now_ns)
{
	for (struct bus_worker *b = s->running; b; b = b->next)
		if (!worker_moves(b->worker, now_ns))
			return b->name;
	return NULL;
}
