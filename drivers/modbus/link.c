#include "drivers/modbus/link.h"

#include "drivers/os/clock.h"

#include <errno.h>
#include <modbus.h>
#include <poll.h>
#include <string.h>

static const uint8_t read_functions[] = {
	[POINT_COIL] = MODBUS_FC_READ_COILS,
	[POINT_DISCRETE] = MODBUS_FC_READ_DISCRETE_INPUTS,
	[POINT_HOLDING] = MODBUS_FC_READ_HOLDING_REGISTERS,
	[POINT_INPUT] = MODBUS_FC_READ_INPUT_REGISTERS,
};

static const struct modbus_link_impl *const impls[] = {
	[BUS_RTU] = &modbus_rtu_link,
	[BUS_TCP] = &modbus_tcp_link,
	[BUS_RTUTCP] = &modbus_rtutcp_link,
};

uint8_t modbus_read_function(enum register_table table)
{
	return read_functions[table];
}

bool modbus_link_init(
    struct modbus_link *l, const struct bus_config *bus, int stop_fd, struct progress *progress)
{
	*l = (struct modbus_link){
		.impl = impls[bus->type], .bus = bus, .stop_fd = stop_fd, .progress = progress, .fd = -1
	};
	l->resolver = resolver_new();
	return l->resolver != NULL;
}

int modbus_link_connect(struct modbus_link *l, char why[static MODBUS_WHY_MAX])
{
	l->reused = false;
	memset(l->doubt, 0, sizeof(l->doubt));
	return l->impl->connect(l, why);
}

void modbus_link_disconnect(struct modbus_link *l)
{
	if (l->fd >= 0)
		l->impl->disconnect(l);
	l->fd = -1;
	l->context = NULL;
}

void modbus_link_deinit(struct modbus_link *l)
{
	modbus_link_disconnect(l);
	resolver_free(l->resolver);
	l->resolver = NULL;
}

enum exchange_result modbus_link_exchange(
    struct modbus_link *l, const struct modbus_request *q, struct modbus_reply *r)
{
	r->strays = 0;
	progress_step(l->progress, l->bus->response_timeout + l->bus->frame_gap + NS_PER_S);
	enum exchange_result result = l->impl->exchange(l, q, r);
	l->reused = true;
	if (result == EXCHANGE_CLOSED)
		modbus_link_disconnect(l);
	return result;
}

int modbus_link_wait(const struct modbus_link *l, int fd, short events, int64_t deadline)
{
	for (;;) {
		int64_t left = deadline - clock_boottime();
		if (left < 0)
			left = 0;
		struct timespec timeout = { left / NS_PER_S, left % NS_PER_S };
		struct pollfd fds[] = { { l->stop_fd, POLLIN, 0 }, { fd, events, 0 } };
		int n = ppoll(fds, 2, &timeout, NULL);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0 && fds[0].revents)
			return -ECANCELED;
		if (n > 0)
			return 1;
		if (n == 0 && clock_boottime() >= deadline)
			return 0;
	}
}

enum exchange_result modbus_link_await_reply(struct modbus_link *l, int64_t deadline)
{
	int ready = modbus_link_wait(l, l->fd, POLLIN, deadline);
	if (ready == -ECANCELED)
		return EXCHANGE_STOPPED;
	if (ready < 0)
		return EXCHANGE_CLOSED;
	if (ready == 0)
		return EXCHANGE_TIMEOUT;
	int64_t left = deadline - clock_boottime();
	if (left < NS_PER_MS)
		left = NS_PER_MS;
	(void)modbus_set_response_timeout(
	    l->context, (uint32_t)(left / NS_PER_S), (uint32_t)(left % NS_PER_S / 1000));
	/* 0: the whole frame shares the response time-out */
	(void)modbus_set_byte_timeout(l->context, 0, 0);
	return EXCHANGE_OK;
}

static void unpack_bits(const uint8_t *data, unsigned count, uint16_t *values)
{
	for (size_t i = 0; i < count; i++)
		values[i] = data[i / 8] >> (i % 8) & 1;
}

static void unpack_registers(const uint8_t *data, unsigned count, uint16_t *values)
{
	for (size_t i = 0; i < count; i++)
		values[i] = (uint16_t)(data[2 * i] << 8 | data[2 * i + 1]);
}

enum exchange_result modbus_unpack(
    const struct modbus_request *q, const uint8_t *pdu, int n, struct modbus_reply *r)
{
	uint8_t function = modbus_read_function(q->table);
	bool bits = point_is_bit_table(q->table);
	unsigned bytes = bits ? (q->count + 7u) / 8 : q->count * 2u;

	if (n == 2 && pdu[0] == (function | 0x80)) {
		r->exception = pdu[1];
		return EXCHANGE_EXCEPTION;
	}
	if (n < 2 || pdu[0] != function || pdu[1] != bytes || (unsigned)n != 2 + bytes)
		return EXCHANGE_BAD_REPLY;
	if (bits)
		unpack_bits(pdu + 2, q->count, r->values);
	else
		unpack_registers(pdu + 2, q->count, r->values);
	return EXCHANGE_OK;
}
