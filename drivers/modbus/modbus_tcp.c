/* Modbus over TCP: MBAP header, so late replies are told apart by their transaction id. */
#include "clock.h"
#include "modbus_link.h"

#include <errno.h>
#include <modbus.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define MBAP_LENGTH 7

/* One address of the host: a connected descriptor or negative errno. */
static int connect_to(struct modbus_link *l, const struct addrinfo *ai, int64_t deadline)
{
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol);
	if (fd < 0)
		return -errno;
	int err = 0, one = 1;
	if (fd >= FD_SETSIZE)
		err = -EMFILE; /* libmodbus waits with select() */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (err == 0 && connect(fd, ai->ai_addr, ai->ai_addrlen) < 0)
		err = -errno;
	if (err == -EINPROGRESS) {
		socklen_t size = sizeof(err);
		err = modbus_link_wait(l, fd, POLLOUT, deadline);
		if (err == 0)
			err = -ETIMEDOUT;
		else if (err > 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) == 0)
			err = -err;
	}
	if (err < 0) {
		close(fd);
		return err;
	}
	return fd;
}

int modbus_tcp_socket(struct modbus_link *l)
{
	int64_t deadline = clock_boottime() + l->bus->connect_timeout;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG }, *found = NULL;
	char port[8];
	snprintf(port, sizeof(port), "%d", (int)l->bus->tcp_port);
	int gai = getaddrinfo(l->bus->host, port, &hints, &found);
	if (gai != 0)
		return gai == EAI_SYSTEM ? -errno : -EHOSTUNREACH;

	int fd = -EHOSTUNREACH;
	for (struct addrinfo *ai = found; ai && fd < 0 && fd != -ECANCELED; ai = ai->ai_next)
		fd = connect_to(l, ai, deadline);
	freeaddrinfo(found);
	return fd;
}

int modbus_tcp_adopt(struct modbus_link *l, int fd, void *context)
{
	if (!context) {
		close(fd);
		return -ENOMEM;
	}
	modbus_set_socket(context, fd);
	l->context = context;
	l->fd = fd;
	return 0;
}

static int tcp_connect(struct modbus_link *l)
{
	int fd = modbus_tcp_socket(l);
	if (fd < 0)
		return fd;
	/* the address does not matter: libmodbus gets the connected socket and only frames what it reads */
	return modbus_tcp_adopt(l, fd, modbus_new_tcp("127.0.0.1", MODBUS_TCP_DEFAULT_PORT));
}

void modbus_tcp_disconnect(struct modbus_link *l)
{
	close(l->fd);
	modbus_free(l->context);
}

static bool send_request(struct modbus_link *l, const struct modbus_request *q)
{
	l->transaction++;
	const uint8_t adu[] = { (uint8_t)(l->transaction >> 8), (uint8_t)l->transaction, 0, 0, 0, 6, q->unit,
		modbus_read_function(q->table), (uint8_t)(q->address >> 8), (uint8_t)q->address,
		(uint8_t)(q->count >> 8), (uint8_t)q->count };
	/* 12 bytes always fit in the send buffer of a connection whose requests are answered one by one */
	return send(l->fd, adu, sizeof(adu), MSG_NOSIGNAL) == (ssize_t)sizeof(adu);
}

static bool is_mbap(const uint8_t *adu, int n)
{
	return n > MBAP_LENGTH && adu[2] == 0 && adu[3] == 0 &&
	       (adu[4] << 8 | adu[5]) == n - (MBAP_LENGTH - 1);
}

/* Waits for the reply with our transaction id; what else comes is thrown away. */
static enum exchange_result receive_reply(
    struct modbus_link *l, const struct modbus_request *q, struct modbus_reply *r, int64_t deadline)
{
	uint8_t adu[MODBUS_TCP_MAX_ADU_LENGTH];
	for (;;) {
		enum exchange_result ready = modbus_link_await_reply(l, deadline);
		if (ready != EXCHANGE_OK)
			return ready;
		int n = modbus_receive_confirmation(l->context, adu);
		/* a frame that stops half-way or is none leaves the stream out of step: only a new connection
		 * is sure */
		if (n < 0 || !is_mbap(adu, n))
			return EXCHANGE_CLOSED;
		r->received_ns = clock_boottime();
		bool ours = (adu[0] << 8 | adu[1]) == l->transaction && adu[6] == q->unit;
		if (ours)
			return modbus_unpack(q, adu + MBAP_LENGTH, n - MBAP_LENGTH, r);
		r->strays++;
	}
}

static enum exchange_result tcp_exchange(
    struct modbus_link *l, const struct modbus_request *q, struct modbus_reply *r)
{
	int64_t now = clock_boottime(), ready = l->quiet_since_ns + l->bus->frame_gap;
	if (ready > now && modbus_link_wait(l, -1, 0, ready) < 0)
		return EXCHANGE_STOPPED;
	if (!send_request(l, q))
		return EXCHANGE_CLOSED;
	enum exchange_result result = receive_reply(l, q, r, clock_boottime() + l->bus->response_timeout);
	l->quiet_since_ns = clock_boottime();
	return result;
}

const struct modbus_link_impl modbus_tcp_link = {
	.connect = tcp_connect,
	.exchange = tcp_exchange,
	.disconnect = modbus_tcp_disconnect,
};
