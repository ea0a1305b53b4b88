#include "daemon/ctl/port.h"

#include "config/ini/text.h"
#include "daemon/ctl/bus_url.h"
#include "daemon/ctl/say.h"
#include "daemon/ctl/shared.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct port {
	struct arena *arena;
	struct config *config; /* NULL = it is a URL, or cannot be read */
	const struct bus_config *bus;
	struct modbus_link link; /* of a bus that is not shared */
	struct progress unwatched;
	struct ctl ctl; /* of one that is */
	bool is_shared;
	char why[MODBUS_WHY_MAX];
};

static const struct bus_config *find_bus(const struct config *c, const char *name)
{
	return name_index_find(&c->bus_names, name, strlen(name));
}

static int say_no_bus(const struct config *c, const char *name)
{
	struct arena *a = arena_new();
	const char *there = "";
	for (size_t i = 0; i < c->bus_count; i++)
		there = arena_printf(a, "%s%s %s", there, i ? "," : "", c->buses[i].name);
	say_note(
	    "no bus '%s' in %s (there %s%s; or write tcp://HOST, rtutcp://HOST:PORT or rtu:///dev/ttyUSB0)",
	    name, c->path, c->bus_count ? "are:" : "is none", there);
	arena_free(a);
	return CTL_USAGE;
}

/* The bus of a configuration that this user may not be able to read. */
static const struct bus_config *nameless_bus(struct port *p, const char *name)
{
	struct bus_config *bus = arena_alloc(p->arena, sizeof(*bus));
	*bus = (struct bus_config){ .name = name, .type = BUS_TCP };
	return bus;
}

/* A bus by its name: coolantd's, where one runs. Returns the exit code. */
static int open_named(struct port *p, struct ctl *ctl, const char *name)
{
	struct diag *diag = diag_new();
	p->config = config_load(ctl->config, diag);
	p->ctl = *ctl;
	if (p->config && strcmp(ctl->socket, CTL_DEFAULT_SOCKET) == 0)
		p->ctl.socket = p->config->daemon->http_socket;
	enum shared_state state = shared_find(&p->ctl, name);
	p->is_shared = state == SHARED_HELD;
	p->bus = p->config ? find_bus(p->config, name) : NULL;
	if (!p->config && state == SHARED_NOT)
		diag_each(diag, say_finding, NULL);
	diag_free(diag);
	if (state == SHARED_FORBIDDEN)
		return CTL_FAILED;
	if (!p->bus && p->is_shared)
		p->bus = nameless_bus(p, name);
	if (p->bus)
		return CTL_GOOD;
	return p->config ? say_no_bus(p->config, name) : CTL_CONFIG;
}

static int open_url(struct port *p, const char *url)
{
	struct diag *diag = diag_new();
	p->bus = bus_url_parse(url, p->arena, diag);
	diag_each(diag, say_finding, NULL);
	diag_free(diag);
	return p->bus ? CTL_GOOD : CTL_USAGE;
}

struct port *port_open(struct ctl *ctl, const char *where, int *code)
{
	struct port *p = calloc(1, sizeof(*p));
	*code = CTL_FAILED;
	if (!p)
		return NULL;
	p->arena = arena_new();
	*code = bus_url_is(where) ? open_url(p, where) : open_named(p, ctl, where);
	if (*code == CTL_GOOD &&
	    (p->is_shared || modbus_link_init(&p->link, p->bus, ctl->stop_fd, &p->unwatched)))
		return p;
	port_close(p);
	return NULL;
}

struct port *port_of_bus(const struct ctl *ctl, const struct bus_config *bus)
{
	struct port *p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->arena = arena_new();
	p->bus = bus;
	if (modbus_link_init(&p->link, bus, ctl->stop_fd, &p->unwatched))
		return p;
	port_close(p);
	return NULL;
}

void port_close(struct port *p)
{
	if (!p)
		return;
	if (p->link.resolver)
		modbus_link_deinit(&p->link);
	config_unref(p->config);
	arena_free(p->arena);
	free(p);
}

const struct bus_config *port_bus(const struct port *p)
{
	return p->bus;
}

struct config *port_config(const struct port *p)
{
	return p->config;
}

bool port_is_shared(const struct port *p)
{
	return p->is_shared;
}

const struct ctl *port_ctl(const struct port *p)
{
	return &p->ctl;
}

const char *port_why(const struct port *p)
{
	return p->why;
}

static enum exchange_result connect_link(struct port *p)
{
	int err = p->link.fd < 0 ? modbus_link_connect(&p->link, p->why) : 0;
	if (err == -ECANCELED)
		return EXCHANGE_STOPPED;
	return err < 0 ? EXCHANGE_CLOSED : EXCHANGE_OK;
}

enum exchange_result port_ask(struct port *p, const struct modbus_request *q, struct modbus_reply *r)
{
	if (p->is_shared)
		return shared_ask(&p->ctl, p->bus->name, q, r, p->why);
	for (;;) {
		enum exchange_result result = connect_link(p);
		if (result != EXCHANGE_OK)
			return result;
		bool reused = p->link.reused;
		result = modbus_link_exchange(&p->link, q, r);
		if (result != EXCHANGE_CLOSED)
			return result;
		snprintf(p->why, sizeof(p->why), "the other side closes the connection");
		if (!reused)
			return result;
	}
}

int port_identify(struct port *p, uint8_t unit, struct identification *ret)
{
	if (p->is_shared)
		return -ENOTSUP;
	enum exchange_result result = connect_link(p);
	if (result != EXCHANGE_OK)
		return result == EXCHANGE_STOPPED ? -ECANCELED : -EPIPE;
	int r = identification_ask(&p->link, unit, ret);
	if (r == -EPIPE)
		modbus_link_disconnect(&p->link);
	return r;
}

static const char *exception_help(int exception)
{
	switch (exception) {
	case 1:
		return "; it does not have that table: try another of coil, discrete, input, holding";
	case 2:
		return "; it has no such register: addresses are counted from 0, and some devices refuse to "
		       "read across a gap";
	case EXCEPTION_GATEWAY_PATH:
	case EXCEPTION_GATEWAY_TARGET:
		return "; the gateway answers, the unit behind it does not";
	default:
		return "";
	}
}

void port_words(const struct port *p, const struct modbus_request *q, enum exchange_result result,
    const struct modbus_reply *r, char words[static PORT_WORDS_MAX])
{
	char wait[32], what[64];
	bool tcp = p->bus->type == BUS_TCP;
	snprintf(what, sizeof(what), "unit %u, %s:%u", q->unit, point_table_word(q->table), q->address);
	text_of_duration(p->bus->response_timeout, wait);
	if (result == EXCHANGE_EXCEPTION)
		snprintf(words, PORT_WORDS_MAX, "%s: refused with exception %d (%s)%s", what, r->exception,
		    modbus_exception_word(r->exception), exception_help(r->exception));
	else if (p->is_shared)
		snprintf(words, PORT_WORDS_MAX, "%s, through coolantd: %s", what,
		    result == EXCHANGE_STOPPED ? "interrupted" : p->why);
	else if (result == EXCHANGE_TIMEOUT)
		snprintf(words, PORT_WORDS_MAX, "%s: no answer within %s%s", what, wait,
		    tcp ? "; is that its unit id? coolantctl scan looks for others"
			: "; are unit id, baud and parity right? coolantctl scan looks for others");
	else if (result == EXCHANGE_BAD_REPLY)
		snprintf(words, PORT_WORDS_MAX,
		    "%s: what came is not a reply to the request (CRC, length, function or unit)%s", what,
		    tcp ? "" : "; are baud and parity right, and is no other device the same unit?");
	else if (result == EXCHANGE_FLOODED)
		snprintf(words, PORT_WORDS_MAX, "%s: too much came that nobody had asked for", what);
	else
		snprintf(words, PORT_WORDS_MAX, "%s", result == EXCHANGE_STOPPED ? "interrupted" : p->why);
}
