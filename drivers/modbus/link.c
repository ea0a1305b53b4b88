#include "drivers/modbus/link.h"

#include "drivers/os/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static const struct modbus_link_impl *const impls[] = {
	[BUS_RTU] = &modbus_rtu_link,
	[BUS_TCP] = &modbus_tcp_link,
	[BUS_RTUTCP] = &modbus_rtutcp_link,
};

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
	l->pending_count = 0;
	l->echo = RTU_ECHO_UNKNOWN;
	l->plain = 0;
	int err = l->impl->connect(l, why);
	if (err == 0 && l->strange_until_ns == 0 && l->bus->type != BUS_TCP)
		l->strange_until_ns = clock_boottime() + OWED_LATE_NS;
	if (err < 0 || l->bus->connect_delay == 0)
		return err;
	progress_step(l->progress, l->bus->connect_delay);
	err = modbus_link_wait(l, -1, 0, clock_boottime() + l->bus->connect_delay);
	if (err < 0)
		modbus_link_disconnect(l);
	return err;
}

void modbus_link_disconnect(struct modbus_link *l)
{
	if (l->fd >= 0)
		l->impl->disconnect(l);
	l->fd = -1;
}

void modbus_link_deinit(struct modbus_link *l)
{
	modbus_link_disconnect(l);
	owed_deinit(&l->owed);
	heard_deinit(&l->heard);
	resolver_free(l->resolver);
	l->resolver = NULL;
}

static void forget_reply(struct modbus_reply *r)
{
	r->heard = false;
	r->strays = r->echoes = r->copies = 0;
	r->foreign_transaction = r->foreign_unit = -1;
}

enum exchange_result modbus_link_exchange(
    struct modbus_link *l, const struct modbus_request *q, struct modbus_reply *r)
{
	forget_reply(r);
	progress_step(l->progress, l->bus->response_timeout + l->bus->frame_gap + NS_PER_S);
	enum exchange_result result = l->impl->exchange(l, q, r);
	l->reused = true;
	if (result == EXCHANGE_CLOSED || result == EXCHANGE_FLOODED)
		modbus_link_disconnect(l);
	return result;
}

void modbus_link_listen(struct modbus_link *l, struct modbus_reply *r)
{
	forget_reply(r);
	if (l->fd >= 0 && l->owed.count > 0)
		l->impl->listen(l, r);
}

int64_t modbus_link_free_at(struct modbus_link *l, const struct modbus_request *q, int64_t now)
{
	return owed_free_at(&l->owed, q, now);
}

bool modbus_link_owes(struct modbus_link *l, const struct modbus_request *q, int64_t now)
{
	return owed_repeats(&l->owed, q, now);
}

bool modbus_link_is_strange(const struct modbus_link *l, int64_t now)
{
	return now < l->strange_until_ns;
}

void modbus_link_trust(struct modbus_link *l)
{
	l->strange_until_ns = clock_boottime();
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

enum exchange_result modbus_link_read(struct modbus_link *l, int64_t deadline)
{
	for (;;) {
		int ready = modbus_link_wait(l, l->fd, POLLIN, deadline);
		if (ready == 0)
			return EXCHANGE_TIMEOUT;
		if (ready < 0)
			return ready == -ECANCELED ? EXCHANGE_STOPPED : EXCHANGE_CLOSED;
		/* neither sockets nor ports block here: they are opened so */
		ssize_t n = read(l->fd, l->pending + l->pending_count, sizeof(l->pending) - l->pending_count);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return EXCHANGE_CLOSED;
		if (n < 0)
			continue;
		capture_came(l->capture, l->pending + l->pending_count, (size_t)n);
		l->pending_count += (size_t)n;
		l->quiet_since_ns = clock_boottime();
		return EXCHANGE_OK;
	}
}

void modbus_link_consume(struct modbus_link *l, size_t n)
{
	l->pending_count -= n;
	memmove(l->pending, l->pending + n, l->pending_count);
}
