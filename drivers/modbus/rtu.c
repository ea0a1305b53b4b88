/* Modbus RTU over a serial port or a TCP serial server.
 *
 * Framed here and not by libmodbus, which takes the bytes of one frame and no other: an echo, a byte of noise
 * or a late reply before it made it a wrong one. */
#include "config/ini/hash.h"
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

/* A reply that may be the copy of another one is believed when for so long, and some times what the line
 * takes for a reply, no other came. */
#define DOUBT_MIN_NS (50 * NS_PER_MS)

/* For so long after a frame that nobody can have asked for, a request waits until more of them have come. */
#define STRAYS_SEEN_NS (10 * NS_PER_S)
#define STRAYS_SILENCE_MAX_NS (100 * NS_PER_MS)

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
	capture_sent(l->capture, adu, sizeof(adu));
	return n == (ssize_t)sizeof(adu);
}

/* What is waited for, and what has come of it. */
struct reception {
	struct modbus_link *link;
	struct rtu_search search;
	struct modbus_reply *reply;
	size_t noise;	 /* bytes read */
	bool answered;	 /* a frame came that is the answer, right or wrong */
	bool doubted;	 /* a frame came that may be the answer, but is another one's too, */
	uint64_t print;	 /* which is this one, */
	int64_t sure_ns; /* and is the answer if no other comes until then */
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
static enum exchange_result drop_stray(struct reception *c, const uint8_t *frame, size_t length)
{
	bool refusal = frame[1] & MODBUS_EXCEPTION_BIT;
	int64_t now = clock_boottime();
	if (!owed_settle(&c->link->owed, frame[0], frame[1] & (uint8_t)~MODBUS_EXCEPTION_BIT, frame[2],
		refusal, now)) {
		c->link->stray_ns = now;
		c->reply->copies += heard_is_copy(
		    &c->link->heard, NULL, hash_bytes(HASH_BASIS, frame, length - RTU_CRC_LENGTH), now);
	}
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

/* The frame has the bytes of another request's reply: the answer proper, if it was a copy, comes in the time
 * that the line takes for one. */
static void doubt(struct reception *c, uint64_t print, int64_t now)
{
	if (!c->doubted)
		c->sure_ns = now + DOUBT_MIN_NS + 4 * c->link->latency_max_ns;
	c->doubted = true;
	c->print = print;
	c->reply->received_ns = now;
}

/* EXCHANGE_TIMEOUT = it is not the answer, wait on. */
static enum exchange_result take_frame(struct reception *c, const uint8_t *frame, size_t length)
{
	const struct modbus_request *q = c->search.request;
	struct modbus_link *l = c->link;
	uint8_t function = frame[1] & (uint8_t)~MODBUS_EXCEPTION_BIT;
	bool refusal = frame[1] & MODBUS_EXCEPTION_BIT;
	int64_t now = clock_boottime();
	uint64_t print = hash_bytes(HASH_BASIS, frame, length - RTU_CRC_LENGTH);
	if (!q || frame[0] != q->unit || function != modbus_read_function(q->table))
		return drop_stray(c, frame, length);
	if (refusal && owed_refusal_is_unclear(&l->owed, q, now))
		return drop_stray(c, frame, length);
	if (!refusal && frame[2] != modbus_reply_bytes(q) &&
	    (owed_owes(&l->owed, frame[0], function, frame[2]) || heard_is_copy(&l->heard, NULL, print, now)))
		return drop_stray(c, frame, length);
	enum exchange_result result = modbus_unpack(q, frame + 1, length - 3, c->reply);
	if (result == EXCHANGE_OK && heard_is_copy(&l->heard, q, print, now)) {
		doubt(c, print, now);
		return EXCHANGE_TIMEOUT;
	}
	if (c->doubted) {
		c->reply->strays++;
		c->reply->copies++;
		l->stray_ns = now;
	}
	if (result == EXCHANGE_OK)
		heard_note(&l->heard, q, print, now);
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

/* No other frame came than the one that was doubted: two requests are answered alike. */
static enum exchange_result believe(struct reception *c)
{
	heard_note(&c->link->heard, c->search.request, c->print, c->reply->received_ns);
	c->answered = true;
	learn_echo(c);
	return EXCHANGE_OK;
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
		if (c->doubted && (now >= c->sure_ns || now >= deadline))
			return believe(c);
		if (now >= settled && (found.damaged || (now >= deadline && found.cut)))
			return take_damaged(c);
		if (now >= deadline && c->search.settled)
			return l->pending_count > 0 ? EXCHANGE_BAD_REPLY : EXCHANGE_TIMEOUT;
		if (now >= deadline || (found.waiting && now >= settled)) {
			c->search.settled = true; /* look once more at what is there */
			continue;
		}
		bool look_again = (found.waiting || found.damaged) && settled < deadline;
		int64_t until = look_again ? settled : deadline;
		result = read_more(c, c->doubted && c->sure_ns < until ? c->sure_ns : until);
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

/* One slow reply is forgotten in time. */
static void note_latency(struct modbus_link *l, int64_t latency)
{
	l->latency_max_ns -= l->latency_max_ns / 32;
	if (latency > l->latency_max_ns)
		l->latency_max_ns = latency;
}

/* How long the line is silent before a request. */
static int64_t silence_before(const struct modbus_link *l)
{
	int64_t silence = bus_silence_ns(l->bus) + l->bus->frame_gap, more = 2 * l->latency_max_ns;
	if (l->stray_ns == 0 || clock_boottime() - l->stray_ns > STRAYS_SEEN_NS)
		return silence;
	return silence + (more < STRAYS_SILENCE_MAX_NS ? more : STRAYS_SILENCE_MAX_NS);
}

static enum exchange_result rtu_exchange(
    struct modbus_link *l, const struct modbus_request *q, struct modbus_reply *r)
{
	enum exchange_result result = drain(l, silence_before(l), r);
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
		note_latency(l, c.reply->received_ns - asked);
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
