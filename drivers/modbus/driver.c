#include "drivers/modbus/driver.h"

#include "drivers/modbus/raw_reads.h"
#include "drivers/modbus/refusals.h"
#include "drivers/modbus/requester.h"
#include "drivers/modbus/verdict.h"
#include "drivers/os/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A probe waits this long for a pause in which it disturbs nobody; then it goes all the same, if the bus has
 * credit. */
#define PROBE_PATIENCE_NS (2 * NS_PER_S)
/* What a probe takes beside the response time-out: the request and the silence around it. */
#define PROBE_MARGIN_NS (30 * NS_PER_MS)
/* A question from outside is waited for by a person. */
#define READ_PATIENCE_NS NS_PER_S
/* Devices that fell silent, or came back, within this time did so together. */
#define TOGETHER_NS (10 * NS_PER_S)

struct driver {
	struct config *config;
	size_t bus;
	struct driver_host host;
	struct requester requester;
	struct device *devices;
	size_t device_count;
	int64_t connect_backoff;
	struct raw_reads reads;
	struct schedule_credit credit;
	int64_t returned_ns; /* when a device that had been silent gave credit to look for others */
};

static const struct bus_config *bus_of(const struct driver *d)
{
	return &d->config->buses[d->bus];
}

static void free_devices(struct device *devices, size_t count)
{
	for (size_t i = 0; i < count; i++)
		device_deinit(&devices[i]);
	free(devices);
}

/* The enabled devices of a bus with fresh state. Returns their number or -ENOMEM. */
static ssize_t make_devices(const struct config *c, size_t bus, struct device **ret)
{
	struct device *devices = calloc(c->device_count + 1, sizeof(*devices));
	size_t n = 0;
	if (!devices)
		return -ENOMEM;
	for (size_t i = 0; i < c->device_count; i++) {
		if (c->devices[i].bus != bus || !c->devices[i].enabled)
			continue;
		if (device_init(&devices[n++], c, i) < 0) {
			free_devices(devices, n);
			return -ENOMEM;
		}
	}
	*ret = devices;
	return (ssize_t)n;
}

static void driver_close(void *state)
{
	struct driver *d = state;
	raw_reads_refuse(&d->reads);
	free_devices(d->devices, d->device_count);
	requester_deinit(&d->requester);
	config_unref(d->config);
	free(d);
}

static void *driver_open(struct config *c, size_t bus, const struct driver_host *host)
{
	struct driver *d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->config = config_ref(c);
	d->bus = bus;
	d->host = *host;
	bool good = requester_init(&d->requester, bus_of(d), host->stop_fd, host->progress);
	if (!host->asked_lately)
		modbus_link_trust(&d->requester.link);
	ssize_t n = good ? make_devices(c, bus, &d->devices) : -ENOMEM;
	if (n < 0) {
		driver_close(d);
		return NULL;
	}
	d->device_count = (size_t)n;
	int64_t now = clock_boottime();
	d->credit = (struct schedule_credit){ bus_of(d)->response_timeout, now };
	for (size_t i = 0; i < d->device_count; i++)
		device_set_due(&d->devices[i],
		    schedule_phase(now, d->devices[i].config->poll_interval, i, d->device_count));
	return d;
}

static struct device *find_same(struct driver *d, const struct device *new)
{
	for (size_t i = 0; i < d->device_count; i++)
		if (strcmp(d->devices[i].config->name, new->config->name) == 0 &&
		    d->devices[i].config->fingerprint == new->config->fingerprint)
			return &d->devices[i];
	return NULL;
}

static int driver_reconfigure(void *state, struct config *c, size_t bus)
{
	struct driver *d = state;
	struct device *devices;
	ssize_t n = make_devices(c, bus, &devices);
	if (n < 0)
		return (int)n;
	int64_t now = clock_boottime();
	pthread_mutex_lock(&d->requester.lock);
	for (size_t i = 0; i < (size_t)n; i++) {
		struct device *same = find_same(d, &devices[i]), *new = &devices[i];
		if (same)
			device_inherit(new, same);
		else
			device_set_due(new, schedule_phase(now, new->config->poll_interval, i, (size_t)n));
	}
	free_devices(d->devices, d->device_count);
	d->devices = devices;
	d->device_count = (size_t)n;
	config_unref(d->config);
	d->config = config_ref(c);
	d->bus = bus;
	d->requester.link.bus = bus_of(d);
	pthread_mutex_unlock(&d->requester.lock);
	return 0;
}

static void driver_describe(void *state, struct driver_stats *ret)
{
	struct driver *d = state;
	pthread_mutex_lock(&d->requester.lock);
	*ret = d->requester.stats;
	ret->config = config_ref(d->config);
	ret->devices = calloc(d->device_count + 1, sizeof(ret->devices[0]));
	ret->device_count = ret->devices ? d->device_count : 0;
	for (size_t i = 0; i < ret->device_count; i++)
		ret->devices[i] = d->devices[i].stats;
	pthread_mutex_unlock(&d->requester.lock);
}

/* What of its state is shown. */
static void show(struct driver *d, struct device *device, uint64_t missed)
{
	struct device_stats *s = &device->stats;
	bool silent = device->standing == STANDING_SILENT;
	bool wrong = device->identity.verdict == IDENTITY_WRONG;
	if (s->silent == silent && s->wrong == wrong && s->backoff_ns == device->backoff_ns && missed == 0)
		return;
	pthread_mutex_lock(&d->requester.lock);
	s->silent = silent;
	s->wrong = wrong;
	s->backoff_ns = device->backoff_ns;
	s->missed_cycles += missed;
	pthread_mutex_unlock(&d->requester.lock);
}

/* Devices that do not answer since a short while ago, and the first time of these. */
static size_t count_failing(const struct driver *d, int64_t now, int64_t *since)
{
	size_t n = 0;
	*since = now;
	for (size_t i = 0; i < d->device_count; i++) {
		int64_t failing = d->devices[i].failing_ns;
		if (failing == 0 || now - failing > TOGETHER_NS)
			continue;
		n++;
		*since = failing < *since ? failing : *since;
	}
	return n;
}

/* Where two fall silent, so may the rest, at once: whoever has not answered since may be asked for nothing
 * too, and goes behind those that answer. */
static void suspect_others(struct driver *d, int64_t now)
{
	int64_t since;
	if (count_failing(d, now, &since) < 2)
		return;
	for (size_t i = 0; i < d->device_count; i++) {
		struct device *other = &d->devices[i];
		if (other->standing == STANDING_PROVEN && other->heard_ns < since)
			other->suspect = true;
	}
}

/* When a request that may be for nothing goes even if there is no pause for it. The first one that is not
 * answered is repeated at once, as long as it is the only one. */
static int64_t forced_at(const struct driver *d, const struct device *device, bool alone, int64_t now)
{
	int64_t due = device_due(device);
	if (due == SCHEDULE_NEVER || (alone && device->standing == STANDING_RETRY))
		return due;
	if (device->suspect) { /* behind any job that is due */
		int64_t when = d->credit.ns > 0 ? due : due + PROBE_PATIENCE_NS;
		return when > now ? when : now;
	}
	if (d->credit.ns <= 0)
		return SCHEDULE_NEVER;
	return device->standing == STANDING_UNPROVEN ? due : due + PROBE_PATIENCE_NS;
}

struct first {
	struct device *device;
	int64_t when, order;
	bool search;  /* for a block of it that is searched */
	bool is_read; /* a question from outside, and of no device */
};

static void take_earlier(struct first *f, struct first other)
{
	if (other.when != SCHEDULE_NEVER && other.order < f->order)
		*f = other;
}

struct choice {
	struct schedule_choice schedule;
	struct device *device; /* NULL = there is nothing, or */
	bool search, is_read;
};

/* A search goes into a pause, or goes all the same, rarely. */
static void take_search(
    const struct driver *d, struct device *device, struct first *probe, struct first *forced)
{
	int64_t due = device_search_due(device);
	if (due == SCHEDULE_NEVER)
		return;
	take_earlier(probe, (struct first){ device, due, due, true });
	due += PROBE_PATIENCE_NS;
	if (d->credit.ns > 0)
		take_earlier(forced, (struct first){ device, due, due, true });
}

/* A question from outside goes likewise. */
static void take_read(struct driver *d, int64_t now, struct first *probe, struct first *forced)
{
	int64_t due = raw_reads_due(&d->reads, &d->requester.link, now);
	if (due == SCHEDULE_NEVER)
		return;
	take_earlier(probe, (struct first){ .when = due, .order = due, .is_read = true });
	due += READ_PATIENCE_NS;
	if (d->credit.ns > 0)
		take_earlier(forced, (struct first){ .when = due, .order = due, .is_read = true });
}

/* What a probe may take beside the response time-out. */
static int64_t wire_of(const struct driver *d, const struct first *probe)
{
	if (probe->is_read)
		return raw_reads_wire_ns(&d->reads, bus_of(d));
	return probe->device ? probe->device->wire_ns : 0;
}

/* What goes next and when: the first due job of the healthy devices, or one that may be for nothing in a
 * pause between them. Of those that are only suspect, who answered last comes first. */
static struct choice choose(struct driver *d)
{
	int64_t now = clock_boottime(), timeout = bus_of(d)->response_timeout, since;
	schedule_credit(&d->credit, now, timeout);
	bool alone = count_failing(d, now, &since) < 2;
	struct first job = { NULL, SCHEDULE_NEVER, SCHEDULE_NEVER, false }, probe = job, forced = job;
	for (size_t i = 0; i < d->device_count; i++) {
		struct device *device = &d->devices[i];
		int64_t due = device_due(device), at = SCHEDULE_NEVER;
		int64_t order = device->suspect && due <= now ? -device->heard_ns : due;
		take_earlier(
		    device_is_doubtful(device) ? &probe : &job, (struct first){ device, due, order, false });
		if (device_is_doubtful(device))
			at = forced_at(d, device, alone, now);
		order = device->suspect && at <= now ? -device->heard_ns : at;
		take_earlier(&forced, (struct first){ device, at, order, false });
		take_search(d, device, &probe, &forced);
	}
	take_read(d, now, &probe, &forced);
	int64_t cost = PROBE_MARGIN_NS + timeout + wire_of(d, &probe);
	struct choice c = { .schedule = schedule_choose(job.when, probe.when, forced.when, now, cost) };
	const struct first *const picked[] = {
		[SCHEDULE_JOB] = &job, [SCHEDULE_PROBE] = &probe, [SCHEDULE_FORCED] = &forced
	};
	c.device = picked[c.schedule.pick]->device;
	c.search = picked[c.schedule.pick]->search;
	c.is_read = picked[c.schedule.pick]->is_read;
	return c;
}

static int64_t driver_next_deadline(void *state)
{
	const struct driver *d = state;
	int64_t when = choose(state).schedule.when, until = raw_reads_until(&d->reads);
	return until < when ? until : when;
}

/* The connection was to blame, maybe for all silence: on a new one everybody is asked anew, and who fell
 * silent with it before those that had been for longer. */
static void ask_all_anew(struct driver *d)
{
	int64_t now = clock_boottime();
	for (size_t i = 0; i < d->device_count; i++) {
		struct device *device = &d->devices[i];
		bool with_it = device->heard_ns > 0 && now - device->failing_ns <= TOGETHER_NS;
		device->suspect = false;
		if (device->standing == STANDING_SILENT)
			device->due_ns = with_it ? now - PROBE_PATIENCE_NS : now;
	}
	if (d->credit.ns < bus_of(d)->response_timeout)
		d->credit.ns = bus_of(d)->response_timeout;
}

static void end_cycle(struct driver *d, struct device *device)
{
	uint64_t missed;
	if (device->cycle.batch && device->standing < STANDING_RETRY && !device->cycle.search)
		refusals_tell(device);
	struct batch *batch = device_end_cycle(device, &missed);
	show(d, device, missed);
	if (batch)
		inbox_give(d->host.batches, &batch->item);
}

static void all_silent(struct driver *d)
{
	d->connect_backoff = schedule_backoff(d->connect_backoff, bus_of(d)->max_backoff);
	for (size_t i = 0; i < d->device_count; i++) {
		verdict_silence(&d->devices[i], d->connect_backoff, d->requester.why);
		end_cycle(d, &d->devices[i]);
	}
}

/* Whether the cycle of the device cannot go on. */
static bool is_cut(const struct device *device)
{
	return device->standing == STANDING_SILENT ||
	       (device->standing == STANDING_BUSY && device->busy_ns > VERDICT_BUSY_CYCLE_NS);
}

/* Where one comes back, others may have: what is overdue is asked until one of them is silent still. */
static void look_for_others(struct driver *d)
{
	int64_t now = clock_boottime();
	if (d->credit.ns > 0 || now - d->returned_ns < TOGETHER_NS)
		return;
	d->credit.ns = bus_of(d)->response_timeout;
	d->returned_ns = now;
}

/* Asks one thing. Whether the device has more to be asked at once. */
static bool step(struct driver *d, struct device *device, bool forced)
{
	struct requester *r = &d->requester;
	struct device_question q;
	int err = requester_open(r);
	if (err < 0) {
		err == -ECANCELED ? end_cycle(d, device) : all_silent(d);
		return false;
	}
	requester_listen(r);
	if (!device_ask(device, d->config, &r->link, &q)) {
		end_cycle(d, device);
		return false;
	}
	int64_t begin = clock_boottime(), failing = device->failing_ns;
	enum exchange_result result = requester_ask(r, device->config, &device->stats, &q.request);
	if (result == EXCHANGE_STOPPED) {
		end_cycle(d, device); /* what was read counts */
		return false;
	}
	if (r->refused) {
		all_silent(d);
		return false;
	}
	verdict_take(device, &q, result, &r->reply, &r->link, begin);
	show(d, device, 0);
	if (device->failing_ns == 0)
		d->connect_backoff = 0;
	else if (failing == 0)
		suspect_others(d, clock_boottime());
	if (forced && (device->standing != STANDING_PROVEN || device->cycle.in_vain))
		d->credit.ns -= clock_boottime() - begin;
	if (failing != 0 && device->failing_ns == 0 && begin - failing > NS_PER_S)
		look_for_others(d);
	if (r->died)
		ask_all_anew(d);
	if (is_cut(device))
		end_cycle(d, device);
	return device->standing == STANDING_PROVEN && device->cycle.batch;
}

static void ask_read(struct driver *d, bool forced)
{
	struct requester *r = &d->requester;
	int64_t begin = clock_boottime();
	if (requester_open(r) < 0) {
		raw_reads_fail(&d->reads, r->why);
		return;
	}
	requester_listen(r);
	if (raw_reads_due(&d->reads, &r->link, begin) > begin)
		return; /* the line was opened just now, or what came says something else */
	raw_reads_ask(&d->reads, r);
	if (forced)
		d->credit.ns -= clock_boottime() - begin;
}

static void driver_read(void *state, struct raw_read *r)
{
	struct driver *d = state;
	raw_reads_add(&d->reads, r, clock_boottime());
}

static char *driver_capture(void *state, uint64_t from, uint64_t *next)
{
	struct driver *d = state;
	pthread_mutex_lock(&d->requester.lock);
	struct capture_part part = capture_take(&d->requester.capture, bus_of(d), from);
	pthread_mutex_unlock(&d->requester.lock);
	*next = part.next;
	return part.text;
}

static void driver_poll(void *state)
{
	struct driver *d = state;
	struct choice c = choose(d);
	if (c.is_read && c.schedule.when <= clock_boottime()) {
		ask_read(d, c.schedule.pick == SCHEDULE_FORCED);
		return;
	}
	/* a probe that did fit when the thread was woken may not fit any more */
	if (!c.device || c.schedule.when > clock_boottime())
		return;
	if (c.search && !device_begin_search(c.device, d->config))
		return;
	while (step(d, c.device, c.schedule.pick == SCHEDULE_FORCED))
		;
}

const struct driver_impl modbus_driver = {
	.open = driver_open,
	.close = driver_close,
	.next_deadline = driver_next_deadline,
	.poll = driver_poll,
	.reconfigure = driver_reconfigure,
	.read = driver_read,
	.describe = driver_describe,
	.capture = driver_capture,
};
