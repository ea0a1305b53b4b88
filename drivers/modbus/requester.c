#include "drivers/modbus/requester.h"

#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <errno.h>

bool requester_init(struct requester *r, const struct bus_config *bus, int stop_fd, struct progress *progress)
{
	*r = (struct requester){ 0 };
	pthread_mutex_init(&r->lock, NULL);
	capture_init(&r->capture);
	bool good = modbus_link_init(&r->link, bus, stop_fd, progress);
	r->link.capture = &r->capture;
	return good;
}

void requester_deinit(struct requester *r)
{
	modbus_link_deinit(&r->link);
	capture_deinit(&r->capture);
	pthread_mutex_destroy(&r->lock);
}

/* 0, or negative errno with words in `why`. */
static int ensure_connected(struct requester *r)
{
	const char *bus = r->link.bus->name;
	if (r->link.fd >= 0)
		return 0;
	int err = modbus_link_connect(&r->link, r->why);
	pthread_mutex_lock(&r->lock);
	r->stats.connected = err == 0;
	r->stats.connects += err == 0;
	r->stats.connect_failures += err < 0 && err != -ECANCELED;
	pthread_mutex_unlock(&r->lock);
	if (err < 0)
		return err;
	r->connected_ns = clock_boottime();
	r->unheard = 0;
	r->worked = r->told_echo = false;
	if (r->link.rs485_refused)
		log_event(LOG_WARNING, (struct log_fields){ .bus = bus },
		    "bus %s: the port has no RS-485 mode, going on without", bus);
	return 0;
}

static void count_reply(struct requester *r, struct device_stats *device, int64_t sent_ns)
{
	int64_t latency = r->reply.received_ns - sent_ns;
	r->stats.replies++;
	device->replies++;
	device->last_reply_ns = r->reply.received_ns;
	r->stats.latency_sum_ns += latency;
	if (latency > r->stats.latency_max_ns)
		r->stats.latency_max_ns = latency;
}

static void count(struct requester *r, struct device_stats *device, enum exchange_result result,
    int64_t sent_ns, bool reused)
{
	bool exception = result == EXCHANGE_EXCEPTION;
	pthread_mutex_lock(&r->lock);
	r->stats.requests++;
	device->requests++;
	r->stats.stray_replies += r->reply.strays;
	r->stats.echoes += r->reply.echoes;
	r->stats.timeouts += result == EXCHANGE_TIMEOUT;
	device->timeouts += result == EXCHANGE_TIMEOUT;
	r->stats.bad_replies += result == EXCHANGE_BAD_REPLY;
	device->bad_replies += result == EXCHANGE_BAD_REPLY;
	r->stats.exceptions += exception;
	device->exceptions += exception;
	r->stats.closed += (result == EXCHANGE_CLOSED && !reused) || result == EXCHANGE_FLOODED;
	if (result == EXCHANGE_OK || (exception && !modbus_is_unreachable(result, &r->reply)))
		count_reply(r, device, sent_ns);
	r->stats.connected = r->link.fd >= 0;
	pthread_mutex_unlock(&r->lock);
}

int requester_open(struct requester *r)
{
	bool was_open = r->link.bus->type == BUS_TCP || r->link.strange_until_ns != 0;
	return was_open ? 0 : ensure_connected(r);
}

void requester_listen(struct requester *r)
{
	modbus_link_listen(&r->link, &r->reply);
	if (r->reply.strays == 0)
		return;
	pthread_mutex_lock(&r->lock);
	r->stats.stray_replies += r->reply.strays;
	pthread_mutex_unlock(&r->lock);
}

static void say_once(struct requester *r, const struct device_config *device, const struct modbus_request *q,
    enum exchange_result result)
{
	const struct modbus_reply *reply = &r->reply;
	const char *bus = r->link.bus->name;
	struct log_fields fields = { .bus = bus, .device = device->name };
	if (r->link.echo == RTU_ECHOES && !r->told_echo) {
		log_event(LOG_NOTICE, (struct log_fields){ .bus = bus },
		    "bus %s: the line's adapter sends back an echo of each request, which is skipped", bus);
		r->told_echo = true;
	}
	if (reply->copies > 0 && !r->told_copies) {
		log_event(LOG_WARNING, fields,
		    "device %s on bus %s: replies come twice; the second ones are thrown away", device->name,
		    bus);
		r->told_copies = true;
	}
	if (result == EXCHANGE_OK)
		return;
	if (reply->foreign_transaction >= 0 && !r->told_transaction) {
		log_event(LOG_WARNING, fields,
		    "device %s on bus %s answers with transaction id %d in place of %u, which is not taken "
		    "(transaction_id = ignore takes it)",
		    device->name, bus, reply->foreign_transaction, r->link.transaction);
		r->told_transaction = true;
	}
	if (reply->foreign_unit >= 0 && !r->told_unit) {
		log_event(LOG_WARNING, fields,
		    "device %s on bus %s is asked as unit %u and answers as unit %d, which is not taken",
		    device->name, bus, q->unit, reply->foreign_unit);
		r->told_unit = true;
	}
}

/* Leaves a connection that is dead without a sign, whoever was asked: a new one will tell. */
static void judge_connection(struct requester *r, enum exchange_result result)
{
	if (r->reply.heard) {
		r->worked = true;
		r->unheard = 0;
	}
	if (result != EXCHANGE_TIMEOUT || r->reply.heard || r->link.bus->type == BUS_RTU)
		return;
	if (++r->unheard < UNHEARD_TIMEOUTS)
		return;
	if (!r->worked && clock_boottime() - r->connected_ns < UNHEARD_NEW_NS)
		return;
	r->died = r->worked;
	modbus_link_disconnect(&r->link);
}

static enum exchange_result ask_once(struct requester *r, const struct device_config *device,
    struct device_stats *stats, const struct modbus_request *q)
{
	int64_t sent = clock_boottime();
	bool reused = r->link.reused;
	enum exchange_result result = modbus_link_exchange(&r->link, q, &r->reply);
	if (result == EXCHANGE_STOPPED)
		return result;
	if (!r->is_raw)
		judge_connection(r, result);
	count(r, stats, result, sent, reused);
	if (!r->is_raw)
		say_once(r, device, q, result);
	return result;
}

enum exchange_result requester_ask(struct requester *r, const struct device_config *device,
    struct device_stats *stats, const struct modbus_request *q)
{
	r->refused = r->died = false;
	for (;;) {
		int err = ensure_connected(r);
		if (err == -ECANCELED)
			return EXCHANGE_STOPPED;
		if (err < 0) {
			r->refused = true;
			return EXCHANGE_CLOSED;
		}
		bool reused = r->link.reused;
		enum exchange_result result = ask_once(r, device, stats, q);
		if (result != EXCHANGE_CLOSED || !reused)
			return result;
	}
}

enum exchange_result requester_ask_raw(struct requester *r, const struct modbus_request *q)
{
	const struct device_config nobody = { .name = "" };
	struct device_stats ignored = { .name = "" };
	r->is_raw = true;
	enum exchange_result result = requester_ask(r, &nobody, &ignored, q);
	r->is_raw = false;
	return result;
}
