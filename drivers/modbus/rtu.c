/* Modbus RTU over a serial port or a TCP serial server.
 *
 * Framed here and not by libmodbus, which takes the bytes of one frame and no other: an echo, a byte of noise
 * or a late reply before it made it a wrong one. */
#include "drivers/modbus/bus_load.h"
#include "drivers/modbus/link.h"
#include "drivers/modbus/serial.h"
#include "drivers/modbus/tcp.h"
#include "drivers/os/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Longest time that a line which never falls silent is drained before the request goes out all the same (and
 * will be answered by garbage, that is: by an error). */
#define DRAIN_MAX_NS (500 * NS_PER_MS)

/* After so long a silence a frame does not go on: USB adapters and serial servers pause within one, for some
 * 16 ms. */
#define SETTLED_NS (50 * NS_PER_MS)

/* So many replies without an echo before them show that the line has none. */
#define PLAIN_REPLIES 3

static int rtu_connect(struct modbus_link *l, char why[static MODBUS_WHY_MAX])
{
	int fd = serial_open(l->bus, &l->rs485_refused);
	if (fd == -EBUSY)
		snprintf(why, MODBUS_WHY_MAX, "%.80s is in use by another program", l->bus->port);
	else if (fd < 0)
		snprintf(why, MODBUS_WHY_MAX, "cannot open %.80s: %s", l->bus->port, strerror(-fd));
	if (fd < 0)
		return fd;
	l->fd = fd;
	l->quiet_since_ns = clock_boottime();
	return 0;
}

static void rtu_disconnect(struct modbus_link *l)
{
	serial_close(l->fd);
}

static int rtutcp_connect(struct modbus_link *l, char why[static MODBUS_WHY_MAX])
{
	int fd = modbus_tcp_socket(l, why);
	if (fd < 0)
		return fd;
	l->fd = fd;
	l->quiet_since_ns = clock_boottime();
	return 0;
}

static void rtutcp_disconnect(struct modbus_link *l)
{
	close(l->fd);
}

static bool send_request(struct modbus_link *l, const struct modbus_request *q)
{
	uint8_t adu[RTU_REQUEST_LENGTH];
	rtu_request(q, adu);
	ssize_t n = l->bus->type == BUS_RTU ? write(l->fd, adu, sizeof(adu))
					    : send(l->fd, adu, sizeof(adu), MSG_NOSIGNAL);
	l->quiet_since_ns = clock_boottime();
	return n == (ssize_t)sizeof(adu);
}

/* What is waited for, and what has come of it. */
struct reception {
	struct modbus_link *link;
	struct rtu_search search;
	struct modbus_reply *reply;
	size_t noise;  /* bytes read */
	bool answered; /* a frame came that is the answer, right or wrong */
};

/* Reads on, with bounds. */
static enum exchange_result read_more(struct reception *c, int64_t deadline)
{
	struct modbus_link *l = c->link;
	if (l->pending_count > RTU_FRAME_MAX) /* what began before that would be whole by now */
		modbus_link_consume(l, l->pending_count - RTU_FRAME_MAX);
	size_t before = l->pending_count;
	enum exchange_result result = modbus_link_read(l, deadline);
	if (result != EXCHANGE_OK)
		return result;
	c->search.settled = false;
	c->reply->heard = true;
	c->noise += l->pending_count - before;
	return c->noise > MODBUS_NOISE_MAX ? EXCHANGE_FLOODED : EXCHANGE_OK;
}

/* A frame that is no answer to what is asked now. */
static enum exchange_result drop_stray(struct reception *c, const uint8_t *frame)
{
	bool refusal = frame[1] & MODBUS_EXCEPTION_BIT;
	(void)owed_settle(&c->link->owed, frame[0], frame[1] & (uint8_t)~MODBUS_EXCEPTION_BIT, frame[2],
	    refusal, clock_boottime());
	return ++c->reply->strays > MODBUS_STRAYS_MAX ? EXCHANGE_FLOODED : EXCHANGE_TIMEOUT;
}

static void learn_echo(struct reception *c)
{
	struct modbus_link *l = c->link;
	if (c->reply->echoes > 0)
		l->echo = RTU_ECHOES;
	else if (l->echo == RTU_ECHO_UNKNOWN && ++l->plain >= PLAIN_REPLIES)
		l->echo = RTU_ECHOES_NOT;
}

/* EXCHANGE_TIMEOUT = it is not the answer, wait on. */
static enum exchange_result take_frame(struct reception *c, const uint8_t *frame, size_t length)
{
	const struct modbus_request *q = c->search.request;
	struct modbus_link *l = c->link;
	uint8_t function = frame[1] & (uint8_t)~MODBUS_EXCEPTION_BIT;
	bool refusal = frame[1] & MODBUS_EXCEPTION_BIT;
	int64_t now = clock_boottime();
	if (!q || frame[0] != q->unit || function != modbus_read_function(q->table))
		return drop_stray(c, frame);
	if (refusal && owed_refusal_is_unclear(&l->owed, q, now))
		return drop_stray(c, frame);
	enum exchange_result result = modbus_unpack(q, frame + 1, length - 3, c->reply);
	if (result == EXCHANGE_BAD_REPLY && owed_settle(&l->owed, frame[0], function, frame[2], false, now))
		return ++c->reply->strays > MODBUS_STRAYS_MAX ? EXCHANGE_FLOODED : EXCHANGE_TIMEOUT;
	c->reply->received_ns = now;
	c->answered = true;
	learn_echo(c);
	return result;
}

/* Deals with all frames that are there. EXCHANGE_TIMEOUT = none of them is the answer. */
static enum exchange_result take_pending(struct reception *c, struct rtu_found *found)
{
	struct modbus_link *l = c->link;
	for (;;) {
		enum exchange_result result = EXCHANGE_TIMEOUT;
		/* an echo comes once: a reply may have the same bytes */
		c->search.echo = c->reply->echoes > 0 ? RTU_ECHOES_NOT : l->echo;
		*found = rtu_find(l->pending, l->pending_count, &c->search);
		if (found->kind == RTU_NONE)
			return EXCHANGE_TIMEOUT;
		if (found->kind == RTU_REQUEST_ECHOED) {
			c->reply->echoes++;
			if (found->is_sure)
				l->echo = RTU_ECHOES;
		} else {
			result = take_frame(c, l->pending + found->start, found->length);
		}
		modbus_link_consume(l, found->start + found->length);
		if (result != EXCHANGE_TIMEOUT)
			return result;
	}
}

/* The reply came, but nothing can be made of it: it is owed no more. Not so where it may be a damaged echo.
 */
static enum exchange_result take_damaged(struct reception *c)
{
	c->answered = c->link->echo != RTU_ECHOES;
	c->reply->received_ns = clock_boottime();
	c->link->pending_count = 0;
	return EXCHANGE_BAD_REPLY;
}

static enum exchange_result receive_reply(struct reception *c, int64_t deadline)
{
	struct modbus_link *l = c->link;
	for (;;) {
		struct rtu_found found;
		enum exchange_result result = take_pending(c, &found);
		if (result != EXCHANGE_TIMEOUT)
			return result;
		int64_t now = clock_boottime(), settled = l->quiet_since_ns + SETTLED_NS;
		if (now >= settled && (found.damaged || (now >= deadline && found.cut)))
			return take_damaged(c);
		if (now >= deadline && c->search.settled)
			return l->pending_count > 0 ? EXCHANGE_BAD_REPLY : EXCHANGE_TIMEOUT;
		if (now >= deadline || (found.waiting && now >= settled)) {
			c->search.settled = true; /* look once more at what is there */
			continue;
		}
		bool look_again = (found.waiting || found.damaged) && settled < deadline;
		result = read_more(c, look_again ? settled : deadline);
		if (result != EXCHANGE_OK && result != EXCHANGE_TIMEOUT)
			return result;
	}
}

/* Reads what comes until the line is silent for `silence`, or too much has come, or for too long: late
 * replies, and what is none. EXCHANGE_OK, or why nothing can be asked. */
static enum exchange_result drain(struct modbus_link *l, int64_t silence, struct modbus_reply *r)
{
	struct reception c = { .link = l, .reply = r };
	struct rtu_found found;
	int64_t give_up = clock_boottime() + silence + DRAIN_MAX_NS;
	while (clock_boottime() < give_up) {
		enum exchange_result result = read_more(&c, l->quiet_since_ns + silence);
		if (result == EXCHANGE_TIMEOUT || result == EXCHANGE_FLOODED)
			break;
		if (result != EXCHANGE_OK)
			return result;
		if (take_pending(&c, &found) == EXCHANGE_FLOODED)
			break;
	}
	if (clock_boottime() - l->quiet_since_ns >= SETTLED_NS)
		l->pending_count = 0;
	return EXCHANGE_OK;
}

static void rtu_listen(struct modbus_link *l, struct modbus_reply *r)
{
	(void)drain(l, 0, r);
}

static enum exchange_result rtu_exchange(
    struct modbus_link *l, const struct modbus_request *q, struct modbus_reply *r)
{
	enum exchange_result result = drain(l, bus_silence_ns(l->bus) + l->bus->frame_gap, r);
	if (result != EXCHANGE_OK)
		return result;
	if (!send_request(l, q))
		return EXCHANGE_CLOSED;
	struct reception c = { .link = l, .reply = r, .search = { .request = q } };
	int64_t asked = clock_boottime();
	int64_t deadline = asked + l->bus->response_timeout + bus_wire_ns(l->bus, q->table, q->count);
	owed_asked(&l->owed, q, deadline);
	result = receive_reply(&c, deadline);
	if (c.answered)
		owed_answered(&l->owed, q, asked, c.reply->received_ns);
	else
		owed_missed(&l->owed, q, clock_boottime());
	return result;
}

const struct modbus_link_impl modbus_rtu_link = {
	.connect = rtu_connect,
	.exchange = rtu_exchange,
	.listen = rtu_listen,
	.disconnect = rtu_disconnect,
};

const struct modbus_link_impl modbus_rtutcp_link = {
	.connect = rtutcp_connect,
	.exchange = rtu_exchange,
	.listen = rtu_listen,
	.disconnect = rtutcp_disconnect,
};
