#include "drivers/modbus/driver.h"

#include "drivers/modbus/decoder.h"
#include "drivers/modbus/link.h"
#include "drivers/modbus/poll_plan.h"
#include "drivers/modbus/schedule.h"
#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A probe waits this long for a pause in which it disturbs nobody; then it goes all the same. */
#define PROBE_PATIENCE_NS (2 * NS_PER_S)
/* What a probe takes beside the response time-out: the request and the silence around it. */
#define PROBE_MARGIN_NS (30 * NS_PER_MS)

struct device {
	const struct device_config *config;
	size_t index; /* in the configuration */
	struct poll_plan plan;
	struct schedule_job jobs[RHYTHM_COUNT];
	bool was_up; /* up or down has been told */
	struct device_stats stats;
};

struct driver {
	struct config *config;
	size_t bus;
	struct driver_host host;
	struct modbus_link link;
	struct device *devices;
	size_t device_count;
	int64_t connect_backoff;
	bool told_disconnected;
	struct modbus_reply reply;

	pthread_mutex_t lock; /* over `stats` and the stats of each device, which describe() reads */
	struct driver_stats stats;
};

static const char *const result_texts[] = {
	[EXCHANGE_OK] = "answered",
	[EXCHANGE_EXCEPTION] = "answered with an exception",
	[EXCHANGE_TIMEOUT] = "no reply within the response time-out",
	[EXCHANGE_BAD_REPLY] = "a reply that is not to the request (CRC, length or function)",
	[EXCHANGE_CLOSED] = "the connection was closed",
	[EXCHANGE_STOPPED] = "stopped",
};

static const struct bus_config *bus_of(const struct driver *d)
{
	return &d->config->buses[d->bus];
}

static struct log_fields fields_of(
    const struct driver *d, const struct device *device, const char *message_id)
{
	return (struct log_fields){
		.message_id = message_id, .bus = bus_of(d)->name, .device = device->config->name
	};
}

static bool has_rhythm(const struct device *device, unsigned rhythm)
{
	for (size_t i = 0; i < device->plan.block_count; i++)
		if (device->plan.blocks[i].rhythm == rhythm)
			return true;
	return false;
}

/* All jobs of the device are due at `when`. */
static void set_due(struct device *device, int64_t when)
{
	for (unsigned r = 0; r < RHYTHM_COUNT; r++)
		device->jobs[r].due = has_rhythm(device, r) ? when : SCHEDULE_NEVER;
}

static int device_init(struct device *device, const struct config *c, size_t index)
{
	const struct device_config *config = &c->devices[index];
	*device = (struct device){ .config = config, .index = index, .stats.name = config->name };
	for (unsigned r = 0; r < RHYTHM_COUNT; r++)
		device->jobs[r].interval = config->poll_interval * poll_rhythm_factor((enum poll_rhythm)r);
	return poll_plan_init(&device->plan, config->points, config->point_count, poll_limits_of(config));
}

static void free_devices(struct device *devices, size_t count)
{
	for (size_t i = 0; i < count; i++)
		poll_plan_deinit(&devices[i].plan);
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
	modbus_link_deinit(&d->link);
	free_devices(d->devices, d->device_count);
	pthread_mutex_destroy(&d->lock);
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
	pthread_mutex_init(&d->lock, NULL);
	bool good = modbus_link_init(&d->link, bus_of(d), host->stop_fd, host->progress);
	ssize_t n = good ? make_devices(c, bus, &d->devices) : -ENOMEM;
	if (n < 0) {
		driver_close(d);
		return NULL;
	}
	d->device_count = (size_t)n;
	int64_t now = clock_boottime();
	for (size_t i = 0; i < d->device_count; i++)
		set_due(&d->devices[i],
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
	for (size_t i = 0; i < (size_t)n; i++) {
		struct device *same = find_same(d, &devices[i]), *new = &devices[i];
		if (!same) {
			set_due(new, schedule_phase(now, new->config->poll_interval, i, (size_t)n));
			continue;
		}
		memcpy(new->jobs, same->jobs, sizeof(new->jobs));
		/* the plan knows what the device refused */
		struct poll_plan plan = new->plan;
		new->plan = same->plan;
		same->plan = plan;
		new->was_up = same->was_up;
		new->stats = same->stats;
		new->stats.name = new->config->name;
	}
	pthread_mutex_lock(&d->lock);
	free_devices(d->devices, d->device_count);
	d->devices = devices;
	d->device_count = (size_t)n;
	config_unref(d->config);
	d->config = config_ref(c);
	d->bus = bus;
	d->link.bus = bus_of(d);
	pthread_mutex_unlock(&d->lock);
	return 0;
}

static void driver_describe(void *state, struct driver_stats *ret)
{
	struct driver *d = state;
	pthread_mutex_lock(&d->lock);
	*ret = d->stats;
	ret->config = config_ref(d->config);
	ret->devices = calloc(d->device_count + 1, sizeof(ret->devices[0]));
	ret->device_count = ret->devices ? d->device_count : 0;
	for (size_t i = 0; i < ret->device_count; i++)
		ret->devices[i] = d->devices[i].stats;
	pthread_mutex_unlock(&d->lock);
}

struct first {
	struct schedule_job *job;
	struct device *device;
};

static void take_earlier(struct first *f, struct device *device)
{
	for (unsigned r = 0; r < RHYTHM_COUNT; r++)
		if (!f->job || device->jobs[r].due < f->job->due)
			*f = (struct first){ &device->jobs[r], device };
}

static int64_t due_of(const struct first *f)
{
	return f->job ? f->job->due : SCHEDULE_NEVER;
}

/* What goes next and when: the first due job of the healthy devices, or a silent one's probe in a pause
 * between them. */
static struct first choose(struct driver *d, int64_t *when)
{
	struct first job = { 0 }, probe = { 0 };
	for (size_t i = 0; i < d->device_count; i++)
		take_earlier(d->devices[i].stats.silent ? &probe : &job, &d->devices[i]);
	struct schedule_choice c = schedule_choose(due_of(&job), due_of(&probe), clock_boottime(),
	    bus_of(d)->response_timeout + PROBE_MARGIN_NS, PROBE_PATIENCE_NS);
	*when = c.when;
	return c.probe ? probe : job;
}

static int64_t driver_next_deadline(void *state)
{
	int64_t when;
	(void)choose(state, &when);
	return when;
}

static void set_down(struct driver *d, struct device *device, int64_t backoff, const char *why)
{
	bool was_silent = device->stats.silent;
	pthread_mutex_lock(&d->lock);
	device->stats.silent = true;
	device->stats.backoff_ns = backoff;
	pthread_mutex_unlock(&d->lock);
	set_due(device, clock_boottime() + backoff);
	if (!was_silent)
		log_event(LOG_WARNING, fields_of(d, device, LOG_ID_DEVICE_DOWN),
		    "device %s on bus %s is silent: %s", device->config->name, bus_of(d)->name, why);
	device->was_up = true;
}

static void set_up(struct driver *d, struct device *device)
{
	bool was_silent = device->stats.silent;
	pthread_mutex_lock(&d->lock);
	device->stats.silent = false;
	device->stats.backoff_ns = 0;
	pthread_mutex_unlock(&d->lock);
	d->connect_backoff = 0;
	if (was_silent || !device->was_up)
		log_event(LOG_NOTICE, fields_of(d, device, LOG_ID_DEVICE_UP), "device %s on bus %s answers",
		    device->config->name, bus_of(d)->name);
	device->was_up = true;
}

static void all_down(struct driver *d, const char *why)
{
	d->connect_backoff = schedule_backoff(d->connect_backoff, bus_of(d)->max_backoff);
	for (size_t i = 0; i < d->device_count; i++)
		set_down(d, &d->devices[i], d->connect_backoff, why);
}

/* True when there is a connection; else all devices of the bus are down and wait for the next try. */
static bool ensure_connected(struct driver *d)
{
	char why[MODBUS_WHY_MAX];
	if (d->link.fd >= 0)
		return true;
	int err = modbus_link_connect(&d->link, why);
	pthread_mutex_lock(&d->lock);
	d->stats.connected = err == 0;
	d->stats.connects += err == 0;
	d->stats.connect_failures += err < 0;
	pthread_mutex_unlock(&d->lock);
	if (err == -ECANCELED)
		return false;
	if (err < 0) {
		all_down(d, why);
		return false;
	}
	if (d->link.rs485_refused)
		log_event(LOG_WARNING, (struct log_fields){ .bus = bus_of(d)->name },
		    "bus %s: the port has no RS-485 mode, going on without", bus_of(d)->name);
	return true;
}

static void count(
    struct driver *d, struct device *device, enum exchange_result result, int64_t sent_ns, bool reused)
{
	const struct modbus_reply *r = &d->reply;
	bool replied = result == EXCHANGE_OK || result == EXCHANGE_EXCEPTION;
	int64_t latency = r->received_ns - sent_ns;

	pthread_mutex_lock(&d->lock);
	d->stats.requests++;
	device->stats.requests++;
	d->stats.stray_replies += r->strays;
	d->stats.timeouts += result == EXCHANGE_TIMEOUT;
	device->stats.timeouts += result == EXCHANGE_TIMEOUT;
	d->stats.bad_replies += result == EXCHANGE_BAD_REPLY;
	device->stats.bad_replies += result == EXCHANGE_BAD_REPLY;
	d->stats.exceptions += result == EXCHANGE_EXCEPTION;
	d->stats.closed += result == EXCHANGE_CLOSED && !reused;
	device->stats.exceptions += result == EXCHANGE_EXCEPTION;
	if (replied) {
		d->stats.replies++;
		device->stats.replies++;
		device->stats.last_reply_ns = r->received_ns;
		d->stats.latency_sum_ns += latency;
		if (latency > d->stats.latency_max_ns)
			d->stats.latency_max_ns = latency;
	}
	d->stats.connected = d->link.fd >= 0;
	pthread_mutex_unlock(&d->lock);
}

/* Modbus Application Protocol V1.1b3, 7: exception codes. */
enum { EXCEPTION_ADDRESS = 2, EXCEPTION_VALUE = 3, EXCEPTION_ACKNOWLEDGE = 5, EXCEPTION_BUSY = 6 };

/* How long a device that says that it is busy is left alone before it is asked again. */
#define BUSY_WAIT_NS (50 * NS_PER_MS)

/* Asks again while the device is busy, for one response time-out at most. */
static enum exchange_result exchange(struct driver *d, struct device *device, const struct modbus_request *q)
{
	int64_t give_up = clock_boottime() + bus_of(d)->response_timeout;
	for (;;) {
		int64_t sent = clock_boottime();
		bool reused = d->link.reused;
		enum exchange_result result = modbus_link_exchange(&d->link, q, &d->reply);
		if (result != EXCHANGE_STOPPED)
			count(d, device, result, sent, reused);
		bool busy = result == EXCHANGE_EXCEPTION && (d->reply.exception == EXCEPTION_ACKNOWLEDGE ||
								d->reply.exception == EXCEPTION_BUSY);
		if (!busy || clock_boottime() + BUSY_WAIT_NS > give_up)
			return result;
		if (modbus_link_wait(&d->link, -1, 0, clock_boottime() + BUSY_WAIT_NS) < 0)
			return EXCHANGE_STOPPED;
	}
}

/* One request with its retries. A connection that was in use before may have been closed by the other side
 * meanwhile: that costs no retry. */
static enum exchange_result read_block(
    struct driver *d, struct device *device, const struct poll_block *block)
{
	const struct modbus_request q = { (uint8_t)device->config->unit, block->table, block->address,
		block->count };
	/* only a device that was healthy is worth a retry: one that never answered costs a time-out, not
	 * several */
	bool healthy = !device->stats.silent && device->stats.replies > 0;
	int64_t attempts = healthy ? 1 + bus_of(d)->retries : 1;
	enum exchange_result result = EXCHANGE_CLOSED;

	while (attempts > 0) {
		if (!ensure_connected(d))
			return EXCHANGE_CLOSED;
		bool reused = d->link.reused;
		result = exchange(d, device, &q);
		if (result == EXCHANGE_STOPPED || result == EXCHANGE_OK || result == EXCHANGE_EXCEPTION)
			return result;
		if (result == EXCHANGE_BAD_REPLY && bus_of(d)->type == BUS_TCP)
			modbus_link_disconnect(&d->link);
		if (result != EXCHANGE_CLOSED || !reused)
			attempts--;
	}
	return result;
}

static void add_samples(struct driver *d, const struct device *device, const struct poll_block *block,
    bool bad, struct batch *batch)
{
	for (size_t i = 0; i < block->point_count; i++) {
		const struct point *p = &device->config->points[block->points[i]];
		struct sample *s = &batch->samples[batch->count++];
		s->point = block->points[i];
		s->time_ns = d->reply.received_ns;
		if (bad)
			s->quality = QUALITY_BAD;
		else
			decoder_decode(p, d->reply.values, block->address, s);
	}
}

/* A device that refuses a block has a hole in it: the block is split, and stays so. */
static bool split(struct driver *d, struct device *device, size_t i)
{
	struct poll_block before = device->plan.blocks[i];
	if (d->reply.exception != EXCEPTION_ADDRESS && d->reply.exception != EXCEPTION_VALUE)
		return false;
	if (!poll_plan_split(&device->plan, i, device->config->points))
		return false;
	const struct poll_block *first = &device->plan.blocks[i];
	log_event(LOG_NOTICE, fields_of(d, device, NULL),
	    "device %s on bus %s refuses %s %u+%u with exception %d: read as %u+%u and %u+%u from now on",
	    device->config->name, bus_of(d)->name, point_table_word(before.table), before.address,
	    before.count, d->reply.exception, first[0].address, first[0].count, first[1].address,
	    first[1].count);
	return true;
}

static bool all_silent(const struct driver *d)
{
	for (size_t i = 0; i < d->device_count; i++)
		if (!d->devices[i].stats.silent)
			return false;
	return true;
}

static void device_failed(struct driver *d, struct device *device, enum exchange_result result)
{
	if (d->link.fd < 0 && result == EXCHANGE_CLOSED && d->connect_backoff > 0)
		return; /* the connection failed: all devices are down already */
	int64_t backoff = schedule_backoff(device->stats.backoff_ns, bus_of(d)->max_backoff);
	set_down(d, device, backoff, result_texts[result]);
	/* nobody answers any more: the connection may be dead without a sign, a new one will tell */
	if (bus_of(d)->type != BUS_RTU && all_silent(d))
		modbus_link_disconnect(&d->link);
}

static void driver_poll(void *state)
{
	struct driver *d = state;
	int64_t when;
	struct first first = choose(d, &when);
	struct schedule_job *job = first.job;
	struct device *device = first.device;
	/* a probe that did fit when the thread was woken may not fit any more */
	if (!job || when > clock_boottime())
		return;
	enum poll_rhythm rhythm = (enum poll_rhythm)(job - device->jobs);
	struct batch *batch = batch_new(d->config, device->index, device->config->point_count);
	if (!batch) { /* without memory the cycle is lost, the next may do better */
		(void)schedule_advance(job, clock_boottime());
		return;
	}

	enum exchange_result result = EXCHANGE_OK;
	for (size_t i = 0; i < device->plan.block_count; i++) {
		const struct poll_block *block = &device->plan.blocks[i];
		if (block->rhythm != rhythm)
			continue;
		result = read_block(d, device, block);
		if (result != EXCHANGE_OK && result != EXCHANGE_EXCEPTION)
			break;
		if (device->stats.silent || !device->was_up) {
			set_up(d, device);
			set_due(device, clock_boottime());
		}
		if (result == EXCHANGE_EXCEPTION && split(d, device, i)) {
			i--; /* the first half is in its place now */
			continue;
		}
		add_samples(d, device, block, result == EXCHANGE_EXCEPTION, batch);
	}
	if (result == EXCHANGE_OK || result == EXCHANGE_EXCEPTION) {
		uint64_t missed = schedule_advance(job, clock_boottime());
		pthread_mutex_lock(&d->lock);
		device->stats.missed_cycles += missed;
		pthread_mutex_unlock(&d->lock);
	} else if (result != EXCHANGE_STOPPED) {
		device_failed(d, device, result);
	}
	if (batch->count == 0) {
		batch_free(batch);
		return;
	}
	batch->realtime_offset_ns = clock_realtime_offset();
	inbox_give(d->host.batches, &batch->item);
}

const struct driver_impl modbus_driver = {
	.open = driver_open,
	.close = driver_close,
	.next_deadline = driver_next_deadline,
	.poll = driver_poll,
	.reconfigure = driver_reconfigure,
	.describe = driver_describe,
};
