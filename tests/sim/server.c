#include "server.h"

#include "drivers/modbus/bus_load.h"
#include "drivers/os/clock.h"
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <modbus.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define RTU_REQUEST_LENGTH 8 /* of the four read functions */
#define BUFFER_SIZE MODBUS_TCP_MAX_ADU_LENGTH
#define CLIENTS_MAX 2000
#define MBAP_LENGTH 7
/* Replies of a capture that wait for their time: some for each of a few clients. */
#define DELAYED_MAX 256

struct port {
	const struct bus_config *bus;
	size_t index;
	int fd;	      /* listening socket, or the master of the pty */
	int slave_fd; /* kept open so that the master lives on when a client closes */
	modbus_t *context;
	uint8_t buffer[BUFFER_SIZE]; /* serial: what has come of a request */
	size_t used;
	int64_t reply_at_ns; /* paced: when the request in the buffer is answered; 0 = none */
};

struct client {
	struct port *port;
	int fd;
	uint8_t buffer[BUFFER_SIZE];
	size_t used;
};

/* A reply, or noise, that is to be sent. */
struct delayed {
	int fd;
	int64_t at_ns;
	struct play_piece piece;
};

struct server {
	const struct config *config;
	bool paced;
	struct plant *plant;
	modbus_mapping_t **images; /* one for each device */
	struct port *ports;
	size_t port_count;
	struct client *clients;
	size_t client_count;
	struct pollfd *fds;
	struct play *play; /* NULL = nothing is played */
	struct port *played;
	struct delayed *delayed;
	size_t delayed_count;
};

static struct plant_device *find_unit(struct server *s, size_t bus, int unit, modbus_mapping_t **image)
{
	for (size_t i = 0; i < s->config->device_count; i++) {
		if (s->config->devices[i].bus != bus || s->config->devices[i].unit != unit)
			continue;
		*image = s->images[i];
		return &s->plant->devices[i];
	}
	return NULL;
}

static bool listen_tcp(struct port *p)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *found;
	char port[8];
	snprintf(port, sizeof(port), "%d", (int)p->bus->tcp_port);
	int gai = getaddrinfo(p->bus->host, port, &hints, &found), one = 1, err = 0;
	if (gai != 0) {
		fprintf(stderr, "coolantd-sim: [bus:%s] host: %s: %s\n", p->bus->name, p->bus->host,
		    gai_strerror(gai));
		return false;
	}
	p->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0 || setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(p->fd, found->ai_addr, found->ai_addrlen) < 0 || listen(p->fd, 16) < 0)
		err = errno;
	freeaddrinfo(found);
	if (!err && p->bus->type == BUS_RTUTCP) /* made for a port that is never opened */
		p->context = modbus_new_rtu(
		    "/dev/null", p->bus->baud, (char)p->bus->parity, 8, (int)p->bus->stop_bits);
	else if (!err)
		p->context = modbus_new_tcp("127.0.0.1", MODBUS_TCP_DEFAULT_PORT);
	if (!p->context) {
		fprintf(stderr,
		    "coolantd-sim: [bus:%s] cannot listen on %s port %d: %s (allowed: an address of this "
		    "machine, "
		    "best a loopback one, and a free port)\n",
		    p->bus->name, p->bus->host, (int)p->bus->tcp_port, strerror(err ? err : ENOMEM));
		return false;
	}
	return true;
}

static bool link_pty(const struct port *p, const char *name)
{
	struct stat st;
	if (lstat(p->bus->port, &st) == 0) {
		if (!S_ISLNK(st.st_mode)) {
			fprintf(stderr,
			    "coolantd-sim: [bus:%s] port: %s exists and is not a link (allowed: a new "
			    "path)\n",
			    p->bus->name, p->bus->port);
			return false;
		}
		(void)unlink(p->bus->port);
	}
	if (symlink(name, p->bus->port) == 0)
		return true;
	fprintf(stderr, "coolantd-sim: [bus:%s] port: cannot make %s: %s\n", p->bus->name, p->bus->port,
	    strerror(errno));
	return false;
}

static bool open_pty(struct port *p)
{
	struct termios raw;
	char name[256];
	cfmakeraw(memset(&raw, 0, sizeof(raw)));
	if (openpty(&p->fd, &p->slave_fd, name, &raw, NULL) < 0) {
		fprintf(stderr, "coolantd-sim: [bus:%s] no pty: %s\n", p->bus->name, strerror(errno));
		return false;
	}
	(void)fcntl(p->fd, F_SETFL, O_NONBLOCK);
	p->context = modbus_new_rtu(name, p->bus->baud, (char)p->bus->parity, 8, (int)p->bus->stop_bits);
	if (!p->context || !link_pty(p, name))
		return false;
	return modbus_set_socket(p->context, p->fd) == 0;
}

struct server *server_new(const struct config *c, struct plant *plant, bool paced)
{
	struct server *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	*s = (struct server){ .config = c, .plant = plant, .paced = paced };
	s->images = calloc(c->device_count + 1, sizeof(s->images[0]));
	s->ports = calloc(c->bus_count + 1, sizeof(s->ports[0]));
	s->clients = calloc(CLIENTS_MAX, sizeof(s->clients[0]));
	s->fds = calloc(CLIENTS_MAX + c->bus_count + 8, sizeof(s->fds[0]));
	s->delayed = calloc(DELAYED_MAX, sizeof(s->delayed[0]));
	bool good = s->images && s->ports && s->clients && s->fds && s->delayed;
	for (size_t i = 0; good && i < c->device_count; i++) {
		s->images[i] = image_new(&c->devices[i]);
		good = s->images[i] != NULL;
	}
	for (size_t i = 0; good && i < c->bus_count; i++) {
		struct port *p = &s->ports[s->port_count++];
		*p = (struct port){ .bus = &c->buses[i], .index = i, .fd = -1, .slave_fd = -1 };
		good = p->bus->type == BUS_RTU ? open_pty(p) : listen_tcp(p);
	}
	if (!good) {
		server_free(s);
		return NULL;
	}
	server_refresh(s);
	return s;
}

void server_free(struct server *s)
{
	for (size_t i = 0; i < s->client_count; i++)
		close(s->clients[i].fd);
	for (size_t i = 0; i < s->port_count; i++) {
		struct port *p = &s->ports[i];
		if (p->slave_fd >= 0) {
			(void)unlink(p->bus->port);
			close(p->slave_fd);
		}
		if (p->fd >= 0)
			close(p->fd);
		if (p->context)
			modbus_free(p->context);
	}
	for (size_t i = 0; s->images && i < s->config->device_count; i++)
		if (s->images[i])
			modbus_mapping_free(s->images[i]);
	free(s->images);
	free(s->ports);
	free(s->clients);
	free(s->fds);
	free(s->delayed);
	free(s);
}

void server_play(struct server *s, size_t bus, struct play *play)
{
	s->play = play;
	s->played = &s->ports[bus];
}

void server_refresh(struct server *s)
{
	for (size_t i = 0; i < s->config->device_count; i++)
		image_fill(s->images[i], s->plant, &s->plant->devices[i]);
}

static void accept_client(struct server *s, struct port *p)
{
	int one = 1, fd = accept4(p->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (s->client_count == CLIENTS_MAX) {
		close(fd);
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	s->clients[s->client_count++] = (struct client){ .port = p, .fd = fd };
}

/* Puts what was captured after a request into the queue. */
static void answer_played(struct server *s, int fd, const struct play_question *q)
{
	struct play_piece pieces[PLAY_PIECES_MAX];
	size_t n = play_answer(s->play, q, pieces);
	int64_t now = clock_boottime();
	for (size_t i = 0; i < n && s->delayed_count < DELAYED_MAX; i++)
		s->delayed[s->delayed_count++] = (struct delayed){ fd, now + pieces[i].delay_ns, pieces[i] };
}

/* Sends what is due of it, in its order. Returns when the next is; INT64_MAX = none. */
static int64_t serve_delayed(struct server *s)
{
	int64_t next = INT64_MAX, now = clock_boottime();
	size_t kept = 0;
	for (size_t i = 0; i < s->delayed_count; i++) {
		struct delayed *d = &s->delayed[i];
		if (d->at_ns > now) {
			next = d->at_ns < next ? d->at_ns : next;
			s->delayed[kept++] = *d;
		} else if (write(d->fd, d->piece.bytes, d->piece.length) < 0) {
			continue; /* who has gone is noticed when it is read from */
		}
	}
	s->delayed_count = kept;
	return next;
}

static void forget_delayed(struct server *s, int fd)
{
	size_t kept = 0;
	for (size_t i = 0; i < s->delayed_count; i++)
		if (s->delayed[i].fd != fd)
			s->delayed[kept++] = s->delayed[i];
	s->delayed_count = kept;
}

/* Answers one request. False when the client is gone. */
static bool answer(struct server *s, struct client *c, int length)
{
	if (c->port == s->played) {
		const struct play_question q = { c->buffer + MBAP_LENGTH - 1,
			(size_t)length - (MBAP_LENGTH - 1), true,
			(uint16_t)(c->buffer[0] << 8 | c->buffer[1]) };
		answer_played(s, c->fd, &q);
		return true;
	}
	modbus_mapping_t *image;
	modbus_t *context = c->port->context;
	(void)modbus_set_socket(context, c->fd);
	struct plant_device *d = find_unit(s, c->port->index, c->buffer[MBAP_LENGTH - 1], &image);
	if (!d)
		return modbus_reply_exception(context, c->buffer, MODBUS_EXCEPTION_GATEWAY_TARGET) >= 0;
	return d->silent || modbus_reply(context, c->buffer, length, image) >= 0;
}

/* Reads what has come and answers each whole request in it. Not by modbus_receive: that waits with select(),
 * which takes descriptors below 1024 only, and for a client that sends half a request. False when the client
 * is gone. */
static bool serve_tcp(struct server *s, struct client *c)
{
	ssize_t n = recv(c->fd, c->buffer + c->used, sizeof(c->buffer) - c->used, MSG_DONTWAIT);
	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	c->used += (size_t)n;
	while (c->used > MBAP_LENGTH) {
		size_t length = (size_t)(c->buffer[4] << 8 | c->buffer[5]) + MBAP_LENGTH - 1;
		if (length <= MBAP_LENGTH || length > sizeof(c->buffer))
			return false;
		if (c->used < length)
			break;
		if (!answer(s, c, (int)length))
			return false;
		c->used -= length;
		memmove(c->buffer, c->buffer + length, c->used);
	}
	return true;
}

static bool is_request(const uint8_t *p)
{
	uint16_t crc = play_crc(p, RTU_REQUEST_LENGTH - 2);
	return p[1] >= 1 && p[1] <= 4 && p[6] == (crc & 0xff) && p[7] == crc >> 8;
}

/* Answers the request at the start of the buffer. */
static void answer_rtu(struct server *s, struct port *p, int fd, const uint8_t *request)
{
	if (p == s->played) {
		const struct play_question q = { request, RTU_REQUEST_LENGTH - 2, false, 0 };
		answer_played(s, fd, &q);
		return;
	}
	modbus_mapping_t *image;
	const struct plant_device *d = find_unit(s, p->index, request[0], &image);
	(void)modbus_set_socket(p->context, fd);
	(void)modbus_set_slave(p->context, request[0]);
	if (d && !d->silent)
		(void)modbus_reply(p->context, request, RTU_REQUEST_LENGTH, image);
}

static void drop(uint8_t *buffer, size_t *used, size_t n)
{
	*used -= n;
	memmove(buffer, buffer + n, *used);
}

/* When a paced line has carried the request, the silence and the reply. */
static int64_t paced_end(const struct port *p, const uint8_t *request)
{
	static const enum register_table tables[] = { 0, POINT_COIL, POINT_DISCRETE, POINT_HOLDING,
		POINT_INPUT };
	unsigned count = (unsigned)(request[4] << 8 | request[5]);
	return clock_boottime() + bus_wire_ns(p->bus, tables[request[1]], count) + bus_silence_ns(p->bus);
}

/* Looks for requests in what has come; bytes that begin none are dropped one by one. False when the other end
 * is gone. */
static bool serve_rtu(struct server *s, struct port *p, int fd, uint8_t *buffer, size_t *used)
{
	ssize_t n = read(fd, buffer + *used, BUFFER_SIZE - *used);
	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	*used += (size_t)n;
	while (*used >= RTU_REQUEST_LENGTH && p->reply_at_ns == 0) {
		if (!is_request(buffer)) {
			drop(buffer, used, 1);
			continue;
		}
		if (s->paced && p->bus->type == BUS_RTU) {
			p->reply_at_ns = paced_end(p, buffer);
			break;
		}
		answer_rtu(s, p, fd, buffer);
		drop(buffer, used, RTU_REQUEST_LENGTH);
	}
	return true;
}

/* Replies whose time on the line is over. Returns when the next one is due; INT64_MAX = none. */
static int64_t serve_paced(struct server *s)
{
	int64_t next = INT64_MAX;
	for (size_t i = 0; i < s->port_count; i++) {
		struct port *p = &s->ports[i];
		if (p->reply_at_ns == 0)
			continue;
		if (p->reply_at_ns > clock_boottime()) {
			next = p->reply_at_ns < next ? p->reply_at_ns : next;
			continue;
		}
		answer_rtu(s, p, p->fd, p->buffer);
		drop(p->buffer, &p->used, RTU_REQUEST_LENGTH);
		p->reply_at_ns = 0;
	}
	return next;
}

static bool serve_client(struct server *s, struct client *c)
{
	if (c->port->bus->type == BUS_RTUTCP)
		return serve_rtu(s, c->port, c->fd, c->buffer, &c->used);
	return serve_tcp(s, c);
}

static void serve(struct server *s, size_t first_port, size_t first_client)
{
	for (size_t i = 0; i < s->port_count; i++) {
		if (!s->fds[first_port + i].revents)
			continue;
		struct port *p = &s->ports[i];
		if (p->bus->type == BUS_RTU)
			(void)serve_rtu(s, p, p->fd, p->buffer, &p->used);
		else
			accept_client(s, p);
	}
	/* from the end, so that taking one out moves only clients that are served already */
	for (size_t i = s->client_count; i-- > 0;) {
		if (i >= first_client || !s->fds[first_port + s->port_count + i].revents)
			continue;
		if (serve_client(s, &s->clients[i]))
			continue;
		forget_delayed(s, s->clients[i].fd);
		close(s->clients[i].fd);
		s->clients[i] = s->clients[--s->client_count];
	}
}

int server_run(struct server *s, int64_t deadline_ns, const int *fds, size_t count)
{
	for (;;) {
		int64_t paced = serve_paced(s), delayed = serve_delayed(s), now = clock_boottime();
		int64_t next = paced < delayed ? paced : delayed, left = deadline_ns - now;
		if (left <= 0)
			return -1;
		if (next - now < left)
			left = next > now ? next - now : 0;
		size_t n = 0, clients = s->client_count;
		for (size_t i = 0; i < count; i++)
			s->fds[n++] = (struct pollfd){ fds[i], POLLIN, 0 };
		for (size_t i = 0; i < s->port_count; i++)
			s->fds[n++] = (struct pollfd){ s->ports[i].fd, POLLIN, 0 };
		for (size_t i = 0; i < clients; i++)
			s->fds[n++] = (struct pollfd){ s->clients[i].fd, POLLIN, 0 };
		struct timespec timeout = { left / NS_PER_S, left % NS_PER_S };
		if (ppoll(s->fds, n, &timeout, NULL) <= 0)
			continue;
		for (size_t i = 0; i < count; i++)
			if (s->fds[i].revents)
				return (int)i;
		serve(s, count, clients);
	}
}
