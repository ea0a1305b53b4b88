/* Modbus over TCP: MBAP header, so late replies are told apart by their transaction id.
 *
 * Framed here and not by libmodbus, which takes three select() and three read() for a reply and always sends
 * transaction id 0 in a raw request: one read of our own is what keeps a thread per device as cheap as a bare
 * loop over all of them (tests/bench/poll). */
#include "drivers/modbus/tcp.h"

#include "drivers/os/clock.h"
#include "drivers/os/resolve.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Modbus Messaging on TCP/IP V1.0b, 3.1.3: transaction id, protocol id 0, length of what follows it; then the
 * unit and the PDU. */
#define MBAP_LENGTH 7
#define MBAP_COUNTED_FROM 6
#define MBAP_COUNTED_MIN 3 /* unit, function and one byte */

/* One address of the host: a connected descriptor or negative errno. */
static int connect_to(struct modbus_link *l, const struct addrinfo *ai, int64_t deadline)
{
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol);
	if (fd < 0)
		return -errno;
	int err = 0, one = 1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0)
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

int modbus_tcp_socket(struct modbus_link *l, char why[static MODBUS_WHY_MAX])
{
	struct addrinfo *found = NULL;
	const char *words;
	int port = (int)l->bus->tcp_port;
	progress_step(l->progress, RESOLVE_WAIT_NS);
	int err = resolver_find(l->resolver, l->bus->host, port, l->stop_fd, &found, &words);
	if (err == -ECANCELED)
		return err;
	if (err < 0) {
		snprintf(why, MODBUS_WHY_MAX, "no address for the host name %.80s: %s", l->bus->host, words);
		return err;
	}
	progress_step(l->progress, l->bus->connect_timeout);
	int64_t deadline = clock_boottime() + l->bus->connect_timeout;
	int fd = -EHOSTUNREACH;
	for (struct addrinfo *ai = found; ai && fd < 0 && fd != -ECANCELED; ai = ai->ai_next)
		fd = connect_to(l, ai, deadline);
	freeaddrinfo(found);
	if (fd < 0)
		snprintf(why, MODBUS_WHY_MAX, "cannot connect to %.80s port %d: %s", l->bus->host, port,
		    strerror(-fd));
	return fd;
}

static int tcp_connect(struct modbus_link *l, char why[static MODBUS_WHY_MAX])
{
	int fd = modbus_tcp_socket(l, why);
	if (fd < 0)
		return fd;
	l->fd = fd;
	l->pending_count = 0;
	return 0;
}

static void tcp_disconnect(struct modbus_link *l)
{
	close(l->fd);
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

/* Length of the first frame in `pending`, 0 while its header is not there, -EBADMSG when it is none. */
static int frame_length(const struct modbus_link *l)
{
	const uint8_t *adu = l->pending;
	if (l->pending_count < MBAP_COUNTED_FROM)
		return 0;
	int counted = adu[4] << 8 | adu[5];
	if (adu[2] != 0 || adu[3] != 0 || counted < MBAP_COUNTED_MIN ||
	    counted > MODBUS_TCP_ADU_MAX - MBAP_COUNTED_FROM)
		return -EBADMSG;
	return MBAP_COUNTED_FROM + counted;
}

/* Waits until `pending` begins with a whole frame and sets its length. What is there of a frame at a time-out
 * stays: its rest may come before the next reply. */
static enum exchange_result receive_frame(struct modbus_link *l, int64_t deadline, int *ret_length)
{
	for (;;) {
		int length = frame_length(l);
		if (length < 0) /* out of step with the stream: only a new connection is sure */
			return EXCHANGE_CLOSED;
		if (length > 0 && l->pending_count >= (size_t)length) {
			*ret_length = length;
			return EXCHANGE_OK;
		}
		int ready = modbus_link_wait(l, l->fd, POLLIN, deadline);
		if (ready <= 0)
			return ready == 0	     ? EXCHANGE_TIMEOUT
			       : ready == -ECANCELED ? EXCHANGE_STOPPED
						     : EXCHANGE_CLOSED;
		ssize_t n = recv(l->fd, l->pending + l->pending_count, sizeof(l->pending) - l->pending_count,
		    MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return EXCHANGE_CLOSED;
		if (n > 0)
			l->pending_count += (size_t)n;
	}
}

static void drop_frame(struct modbus_link *l, int length)
{
	l->pending_count -= (size_t)length;
	memmove(l->pending, l->pending + length, l->pending_count);
}

/* Waits for the reply with our transaction id; what else comes is thrown away. */
static enum exchange_result receive_reply(
    struct modbus_link *l, const struct modbus_request *q, struct modbus_reply *r, int64_t deadline)
{
	const uint8_t *adu = l->pending;
	for (;;) {
		int length;
		enum exchange_result result = receive_frame(l, deadline, &length);
		if (result != EXCHANGE_OK)
			return result;
		r->received_ns = clock_boottime();
		bool ours = (adu[0] << 8 | adu[1]) == l->transaction && adu[6] == q->unit;
		if (ours)
			result = modbus_unpack(q, adu + MBAP_LENGTH, length - MBAP_LENGTH, r);
		else
			r->strays++;
		drop_frame(l, length);
		if (ours)
			return result;
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
	.disconnect = tcp_disconnect,
};
