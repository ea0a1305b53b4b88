#include "daemon/buses.h"

#include "drivers/modbus/bus_load.h"
#include "drivers/modbus/owed.h"
#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MIN_NS NS_PER_S
#define RETRY_MAX_NS (60 * NS_PER_S)
/* So long another worker may need to let go of the port. */
#define HANDOVER_NS NS_PER_S

struct bus_worker {
	struct bus_worker *next;
	struct config *config; /* a reference, for what follows */
	const struct bus_config *bus;
	struct worker *worker;	    /* NULL = could not be started */
	int64_t asks_ns;	    /* from when on it can ask all of its devices */
	int64_t pause_ns, retry_ns; /* then: until it is tried again */
};

struct buses {
	struct inbox *batches;
	struct config *config;
	struct bus_worker *running, *stopping;
	bool asked_lately; /* before the workers that are started now */
};

struct buses *buses_new(struct inbox *batches, bool asked_lately)
{
	struct buses *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->batches = batches;
	s->asked_lately = asked_lately;
	return s;
}

static void entry_free(struct bus_worker *b)
{
	config_unref(b->config);
	free(b);
}

void buses_free(struct buses *s)
{
	if (!s)
		return;
	config_unref(s->config);
	free(s);
}

static bool is_same(const struct bus_config *a, const struct bus_config *b)
{
	return strcmp(a->name, b->name) == 0 && a->fingerprint == b->fingerprint;
}

static struct bus_worker *find(struct buses *s, const struct bus_config *bus)
{
	for (struct bus_worker *b = s->running; b; b = b->next)
		if (is_same(b->bus, bus))
			return b;
	return NULL;
}

static bool is_wanted(const struct config *c, const struct bus_worker *b)
{
	for (size_t i = 0; i < c->bus_count; i++)
		if (is_same(b->bus, &c->buses[i]))
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
		if (!b->worker) {
			entry_free(b);
			continue;
		}
		b->next = s->stopping;
		s->stopping = b;
		worker_request_stop(b->worker);
	}
}

/* A worker that stops, maybe in a long name look-up, holds up only who would use the same port. */
static bool is_held_up(const struct buses *s, const struct bus_config *bus)
{
	for (const struct bus_worker *b = s->stopping; b; b = b->next)
		if (bus_same_endpoint(b->bus, bus))
			return true;
	return false;
}

static void start(struct buses *s, struct bus_worker *b, int64_t now_ns)
{
	if (b->worker || now_ns < b->retry_ns)
		return;
	b->worker = worker_start(b->config, (size_t)(b->bus - b->config->buses), s->batches, s->asked_lately);
	if (b->worker)
		return;
	int err = errno;
	if (b->pause_ns == 0)
		log_event(LOG_ERR, (struct log_fields){ .message_id = LOG_ID_BUS, .bus = b->bus->name },
		    "bus %s cannot be started, trying again: %s", b->bus->name, strerror(err));
	b->pause_ns = b->pause_ns == 0 ? RETRY_MIN_NS : 2 * b->pause_ns;
	if (b->pause_ns > RETRY_MAX_NS)
		b->pause_ns = RETRY_MAX_NS;
	b->retry_ns = now_ns + b->pause_ns;
}

/* On a serial line a part waits until nothing can come any more of what was asked before. */
static int64_t asks_from(const struct buses *s, const struct bus_config *bus, int64_t now_ns)
{
	return now_ns + (s->asked_lately && bus_has_load(bus) ? OWED_LATE_NS : 0);
}

int64_t buses_asks_from(struct buses *s, size_t bus)
{
	const struct bus_config *c = &s->config->buses[bus];
	const struct bus_worker *b = find(s, c);
	return b ? b->asks_ns : asks_from(s, c, clock_boottime()) + HANDOVER_NS;
}

static void take(struct bus_worker *b, struct config *c, const struct bus_config *bus)
{
	struct config *before = b->config;
	b->config = config_ref(c);
	b->bus = bus;
	config_unref(before);
}

void buses_apply(struct buses *s, struct config *c)
{
	stop_unwanted(s, c);
	s->asked_lately |= s->config != NULL;
	config_unref(s->config);
	s->config = config_ref(c);
	for (size_t i = 0; i < c->bus_count; i++) {
		struct bus_worker *b = find(s, &c->buses[i]);
		if (!b)
			continue;
		take(b, c, &c->buses[i]);
		if (b->worker)
			worker_reconfigure(b->worker, c, i);
	}
	buses_turn(s);
}

/* Frees those that have ended by `deadline_ns`; whether all have. */
bool buses_join(struct buses *s, int64_t deadline_ns)
{
	for (struct bus_worker **link = &s->stopping, *b; (b = *link);) {
		if (worker_join(b->worker, deadline_ns) < 0) {
			link = &b->next;
			continue;
		}
		*link = b->next;
		entry_free(b);
	}
	return !s->stopping;
}

void buses_turn(struct buses *s)
{
	int64_t now = clock_boottime();
	(void)buses_join(s, 0);
	for (size_t i = 0; i < s->config->bus_count; i++) {
		const struct bus_config *bus = &s->config->buses[i];
		struct bus_worker *b = find(s, bus);
		if (!b && !is_held_up(s, bus) && (b = calloc(1, sizeof(*b)))) {
			take(b, s->config, bus);
			b->asks_ns = asks_from(s, bus, now);
			b->next = s->running;
			s->running = b;
		}
		if (b)
			start(s, b, now);
	}
}

void buses_request_stop(struct buses *s)
{
	stop_unwanted(s, NULL);
}

void buses_describe(struct buses *s, size_t bus, struct driver_stats *ret)
{
	struct bus_worker *b = find(s, &s->config->buses[bus]);
	*ret = (struct driver_stats){ 0 };
	if (b && b->worker)
		worker_describe(b->worker, ret);
}

static struct worker *worker_of(struct buses *s, size_t bus)
{
	const struct bus_worker *b = find(s, &s->config->buses[bus]);
	return b ? b->worker : NULL;
}

void buses_read(struct buses *s, size_t bus, struct raw_read *r)
{
	struct worker *w = worker_of(s, bus);
	if (w)
		worker_read(w, r);
	else
		raw_read_return(r, RAW_READ_REFUSED);
}

char *buses_capture(struct buses *s, size_t bus, uint64_t from, uint64_t *next)
{
	struct worker *w = worker_of(s, bus);
	return w ? worker_capture(w, from, next) : NULL;
}

const char *buses_stuck(struct buses *s, int64_t now_ns)
{
	for (struct bus_worker *b = s->running; b; b = b->next)
		if (b->worker && !worker_moves(b->worker, now_ns))
			return b->bus->name;
	return NULL;
}
