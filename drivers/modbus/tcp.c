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
#define MODBUS_TCP_ADU_MAX 260

/* A connection that is dead without a sign: the kernel asks after so many seconds without traffic, and gives
 * up what is not acknowledged within this time. */
#define KEEP_ALIVE_S 10
#define KEEP_ALIVE_PROBES 3
#define USER_TIMEOUT_MS 20000

static void watch(int fd)
{
	const struct {
		int level, option, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEP_ALIVE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEP_ALIVE_S / KEEP_ALIVE_PROBES },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEP_ALIVE_PROBES },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS },
	};
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		(void)setsockopt(
		    fd, options[i].level, options[i].option, &options[i].value, sizeof(options[i].value));
}

/* One address of the host: a connected descriptor or negative errno. */
static int connect_to(struct modbus_link *l, const struct addrinfo *ai, int64_t deadline)
{
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol);
	if (fd < 0)
		return -errno;
	int err = 0;
	watch(fd);
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

/* Tries all addresses; each may take its share of what is left of the time. */
static int connect_to_any(struct modbus_link *l, const struct addrinfo *found)
{
	int left = 0, fd = -EHOSTUNREACH;
	for (const struct addrinfo *ai = found; ai; ai = ai->ai_next)
		left++;
	int64_t end = clock_boottime() + l->bus->connect_timeout;
	for (const struct addrinfo *ai = found; ai && fd < 0 && fd != -ECANCELED; ai = ai->ai_next) {
		int64_t now = clock_boottime();
		fd = connect_to(l, ai, now + (end - now) / left--);
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
	int fd = connect_to_any(l, found);
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
	return 0;
}

static void tcp_disconnect(struct modbus_link *l)
{
	close(l->fd);
}

static bool send_request(struct modbus_link *l, const struct modbus_request *q)
{
	if (++l->transaction == 0) /* some devices answer everything with 0 */
		l->transaction = 1;
	const uint8_t adu[] = { (uint8_t)(l->transaction >> 8), (uint8_t)l->transaction, 0, 0, 0, 6, q->unit,
		modbus_read_function(q->table), (uint8_t)(q->address >> 8), (uint8_t)q->address,
		(uint8_t)(q->count >> 8), (uint8_t)q->count };
	capture_sent(l->capture, adu, sizeof(adu));
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
static enum exchange_result receive_frame(
    struct modbus_link *l, struct modbus_reply *r, int64_t deadline, size_t *ret_length)
{
	for (;;) {
		int length = frame_length(l);
		if (length < 0) /* out of step with the stream: only a new connection is sure */
			return EXCHANGE_CLOSED;
		if (length > 0 && l->pending_count >= (size_t)length) {
			*ret_length = (size_t)length;
			return EXCHANGE_OK;
		}
		enum exchange_result result = modbus_link_read(l, deadline);
		if (result != EXCHANGE_OK)
			return result;
		r->heard = true;
	}
}

static bool is_late(const struct modbus_link *l, uint16_t transaction)
{
	for (size_t i = 0; i < MODBUS_LATE_IDS; i++)
		if (l->late_ids[i] == transaction && transaction != 0)
			return true;
	return false;
}

/* Whether the frame is the reply to the request; if it is nearly, what is wrong with it is noted. */
static bool is_answer(
    const struct modbus_link *l, const struct modbus_request *q, struct modbus_reply *r, size_t length)
{
	const uint8_t *adu = l->pending;
	uint16_t transaction = (uint16_t)(adu[0] << 8 | adu[1]);
	uint8_t unit = adu[MBAP_LENGTH - 1];
	uint8_t function = adu[MBAP_LENGTH] & (uint8_t)~MODBUS_EXCEPTION_BIT;
	bool same_id = transaction == l->transaction;
	if (same_id && unit != q->unit)
		r->foreign_unit = unit;
	if (unit != q->unit)
		return false;
	if (same_id)
		return true;
	bool refusal = adu[MBAP_LENGTH] & MODBUS_EXCEPTION_BIT;
	bool alike = function == modbus_read_function(q->table) &&
		     (refusal || length == MBAP_LENGTH + 2 + modbus_reply_bytes(q));
	if (alike && l->bus->transaction_id == TRANSACTION_IGNORE)
		return true;
	if (alike && !is_late(l, transaction))
		r->foreign_transaction = transaction;
	return false;
}

/* Waits for the reply with our transaction id; what else comes is thrown away. */
static enum exchange_result receive_reply(
    struct modbus_link *l, const struct modbus_request *q, struct modbus_reply *r, int64_t deadline)
{
	for (;;) {
		size_t length;
		enum exchange_result result = receive_frame(l, r, deadline, &length);
		if (result != EXCHANGE_OK)
			return result;
		r->received_ns = clock_boottime();
		bool ours = is_answer(l, q, r, length);
		if (ours)
			result = modbus_unpack(q, l->pending + MBAP_LENGTH, length - MBAP_LENGTH, r);
		modbus_link_consume(l, length);
		if (ours)
			return result;
		if (++r->strays > MODBUS_STRAYS_MAX)
			return EXCHANGE_FLOODED;
		if (r->received_ns >= deadline)
			return EXCHANGE_TIMEOUT;
	}
}

/* Without transaction ids, what came before the request is not taken for its reply. */
static enum exchange_result drop_earlier(struct modbus_link *l, struct modbus_reply *r)
{
	enum exchange_result result;
	size_t bytes = 0;
	do {
		bytes += l->pending_count;
		l->pending_count = 0;
		result = modbus_link_read(l, 0);
	} while (result == EXCHANGE_OK && bytes <= MODBUS_NOISE_MAX);
	r->strays += bytes > 0;
	return result == EXCHANGE_TIMEOUT ? EXCHANGE_OK : result == EXCHANGE_OK ? EXCHANGE_FLOODED : result;
}

static enum exchange_result tcp_exchange(
    struct modbus_link *l, const struct modbus_request *q, struct modbus_reply *r)
{
	bool ignores = l->bus->transaction_id == TRANSACTION_IGNORE;
	int64_t now = clock_boottime(), ready = l->quiet_since_ns + l->bus->frame_gap;
	if (ready > now && modbus_link_wait(l, -1, 0, ready) < 0)
		return EXCHANGE_STOPPED;
	enum exchange_result result = ignores ? drop_earlier(l, r) : EXCHANGE_OK;
	if (result != EXCHANGE_OK)
		return result;
	if (!send_request(l, q))
		return EXCHANGE_CLOSED;
	result = receive_reply(l, q, r, clock_boottime() + l->bus->response_timeout);
	l->quiet_since_ns = clock_boottime();
	if (result == EXCHANGE_TIMEOUT)
		l->late_ids[l->next_late_id++ % MODBUS_LATE_IDS] = l->transaction;
	/* nothing would tell its late reply from the next one's */
	if (ignores && (result == EXCHANGE_TIMEOUT || result == EXCHANGE_BAD_REPLY))
		modbus_link_disconnect(l);
	return result;
}

const struct modbus_link_impl modbus_tcp_link = {
	.connect = tcp_connect,
	.exchange = tcp_exchange,
	.disconnect = tcp_disconnect,
};
