/* Modbus RTU over a serial port or a TCP serial server: no transaction id, so the line must be quiet before
 * each request. */
#include "drivers/modbus/bus_load.h"
#include "drivers/modbus/link.h"
#include "drivers/modbus/tcp.h"
#include "drivers/os/clock.h"

#include <errno.h>
#include <modbus.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

/* Longest time that a line which never falls silent is drained before the request goes out all the same (and
 * will be answered by garbage, that is: by an error). */
#define DRAIN_MAX_NS (500 * NS_PER_MS)

/* How long after a time-out a late reply is waited for before the line is used again. */
#define LATE_WINDOW_NS (100 * NS_PER_MS)

/* After a time-out and a retry there may be two replies under way. */
#define DOUBTFUL_REQUESTS 2

static int rtu_open(struct modbus_link *l)
{
	modbus_t *context =
	    modbus_new_rtu(l->bus->port, l->bus->baud, (char)l->bus->parity, 8, (int)l->bus->stop_bits);
	if (!context)
		return errno > 0 ? -errno : -ENOMEM;
	if (modbus_connect(context) < 0) {
		int err = errno > 0 ? -errno : -EIO;
		modbus_free(context);
		return err;
	}
	l->context = context;
	l->fd = modbus_get_socket(context);
	if (l->fd >= FD_SETSIZE) { /* libmodbus waits with select() */
		modbus_link_disconnect(l);
		return -EMFILE;
	}
	l->rs485_refused = l->bus->rs485 && modbus_rtu_set_serial_mode(context, MODBUS_RTU_RS485) < 0;
	l->quiet_since_ns = clock_boottime();
	return 0;
}

static int rtu_connect(struct modbus_link *l, char why[static MODBUS_WHY_MAX])
{
	int err = rtu_open(l);
	if (err < 0)
		snprintf(why, MODBUS_WHY_MAX, "cannot open %.80s: %s", l->bus->port, strerror(-err));
	return err;
}

static void rtu_disconnect(struct modbus_link *l)
{
	modbus_close(l->context);
	modbus_free(l->context);
}

/* Throws away what comes until the line is silent for `silence`, or the time for that is over. 0, -ECANCELED,
 * or negative errno when the port is gone. */
static int drain(struct modbus_link *l, int64_t silence)
{
	int64_t give_up = clock_boottime() + silence + DRAIN_MAX_NS;
	uint8_t junk[256];
	while (clock_boottime() < give_up) {
		int ready = modbus_link_wait(l, l->fd, POLLIN, l->quiet_since_ns + silence);
		if (ready <= 0)
			return ready;
		ssize_t n = read(l->fd, junk, sizeof(junk));
		if (n == 0)
			return -EIO;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		l->quiet_since_ns = clock_boottime();
	}
	return 0;
}

static enum exchange_result receive_reply(
    struct modbus_link *l, const struct modbus_request *q, struct modbus_reply *r, int64_t deadline)
{
	uint8_t adu[MODBUS_RTU_MAX_ADU_LENGTH];
	for (;;) {
		enum exchange_result ready = modbus_link_await_reply(l, deadline);
		if (ready != EXCHANGE_OK)
			return ready;
		int n = modbus_receive_confirmation(l->context, adu);
		r->received_ns = l->quiet_since_ns = clock_boottime();
		if (n < 0 && errno == ETIMEDOUT)
			return EXCHANGE_TIMEOUT;
		if (n < 0)
			return errno < MODBUS_ENOBASE ? EXCHANGE_CLOSED : EXCHANGE_BAD_REPLY;
		if (n == 0) { /* another unit's late reply: wait on for ours */
			r->strays++;
			continue;
		}
		return modbus_unpack(q, adu + 1, n - 3, r);
	}
}

static enum exchange_result rtu_exchange(
    struct modbus_link *l, const struct modbus_request *q, struct modbus_reply *r)
{
	int64_t silence = bus_silence_ns(l->bus) + l->bus->frame_gap;
	uint8_t *doubt = &l->doubt[q->unit];
	int err = drain(l, *doubt ? silence + LATE_WINDOW_NS : silence);
	if (err < 0)
		return err == -ECANCELED ? EXCHANGE_STOPPED : EXCHANGE_CLOSED;

	uint8_t request[] = { q->unit, modbus_read_function(q->table), (uint8_t)(q->address >> 8),
		(uint8_t)q->address, (uint8_t)(q->count >> 8), (uint8_t)q->count };
	(void)modbus_set_slave(l->context, q->unit);
	if (modbus_send_raw_request(l->context, request, sizeof(request)) < 0)
		return EXCHANGE_CLOSED;
	l->quiet_since_ns = clock_boottime();
	int64_t deadline =
	    clock_boottime() + l->bus->response_timeout + bus_wire_ns(l->bus, q->table, q->count);
	enum exchange_result result = receive_reply(l, q, r, deadline);
	if (result == EXCHANGE_TIMEOUT || result == EXCHANGE_BAD_REPLY)
		*doubt = DOUBTFUL_REQUESTS;
	else if (*doubt)
		--*doubt;
	return result;
}

const struct modbus_link_impl modbus_rtu_link = {
	.connect = rtu_connect,
	.exchange = rtu_exchange,
	.disconnect = rtu_disconnect,
};

/* libmodbus reads and writes whatever descriptor it is given; the port that it is made for is never opened.
 */
static int rtutcp_connect(struct modbus_link *l, char why[static MODBUS_WHY_MAX])
{
	int fd = modbus_tcp_socket(l, why);
	if (fd < 0)
		return fd;
	modbus_t *context =
	    modbus_new_rtu("/dev/null", l->bus->baud, (char)l->bus->parity, 8, (int)l->bus->stop_bits);
	int err = !context ? -ENOMEM : fd >= FD_SETSIZE ? -EMFILE : 0; /* libmodbus waits with select() */
	if (err < 0) {
		snprintf(why, MODBUS_WHY_MAX, "%s", strerror(-err));
		modbus_free(context);
		close(fd);
		return err;
	}
	modbus_set_socket(context, fd);
	l->context = context;
	l->fd = fd;
	l->quiet_since_ns = clock_boottime();
	return 0;
}

static void rtutcp_disconnect(struct modbus_link *l)
{
	close(l->fd);
	modbus_free(l->context);
}

const struct modbus_link_impl modbus_rtutcp_link = {
	.connect = rtutcp_connect,
	.exchange = rtu_exchange,
	.disconnect = rtutcp_disconnect,
};
