#include "daemon/ctl/bus_url.h"

#include "config/ini/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALLOWED                                                                                              \
	"allowed: tcp://HOST[:PORT], rtutcp://HOST:PORT, "                                                   \
	"rtu:///dev/ttyUSB0?baud=19200&parity=even&stop_bits=1, or the name of a bus of the configuration"

/* A section that is made up of a URL. */
struct made {
	const char *url;
	struct arena *arena;
	struct diag *diag;
	struct diag_place place;
	struct ini_section section;
};

static bool refuse(struct made *m, const char *what)
{
	diag_add(m->diag, m->place, "%s (" ALLOWED ")", what);
	return false;
}

static void add(struct made *m, const char *key, const char *value)
{
	struct ini_entry *e = arena_alloc(m->arena, sizeof(*e));
	*e = (struct ini_entry){ .key = key, .value = value, .file = m->place.file };
	if (m->section.last)
		m->section.last->next = e;
	else
		m->section.entries = e;
	m->section.last = e;
	m->section.entry_count++;
}

/* HOST, HOST:PORT, [IPV6] or [IPV6]:PORT */
static bool add_host(struct made *m, char *host, bool needs_port)
{
	char *port = NULL, *end = host;
	if (*host == '[') {
		end = strchr(++host, ']');
		if (!end || (end[1] != '\0' && end[1] != ':'))
			return refuse(m, "the bracket around an IPv6 address is not closed");
		port = end[1] == ':' ? end + 2 : NULL;
		*end = '\0';
	} else if ((end = strchr(host, ':'))) {
		if (strchr(end + 1, ':'))
			return refuse(m, "an IPv6 address stands in brackets: tcp://[fd00::1]:502");
		*end = '\0';
		port = end + 1;
	}
	if (*host == '\0')
		return refuse(m, "there is no host");
	if ((needs_port && !port) || (port && *port == '\0'))
		return refuse(m, "there is no port");
	add(m, "host", host);
	if (port)
		add(m, "tcp_port", port);
	return true;
}

static bool add_query(struct made *m, char *query)
{
	static const char *const told[] = { "type", "port", "host", "tcp_port" };
	char *save = NULL;
	for (char *pair = strtok_r(query, "&", &save); pair; pair = strtok_r(NULL, "&", &save)) {
		char *value = strchr(pair, '=');
		if (!value)
			return refuse(m, "behind the question mark stands KEY=VALUE, with & between them");
		*value++ = '\0';
		for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
			if (strcmp(pair, told[i]) == 0)
				return refuse(m, "type, host and port stand before the question mark");
		if (ini_section_entry(&m->section, pair))
			return refuse(m, "a key behind the question mark stands there twice");
		add(m, pair, value);
	}
	return true;
}

static bool split(struct made *m)
{
	char *scheme = arena_strdup(m->arena, m->url), *rest = strstr(scheme, "://");
	if (!rest)
		return refuse(
		    m, arena_printf(m->arena, "it is no URL: a %s is written %s://%s",
			   *m->url == '/' ? "serial port" : "host", *m->url == '/' ? "rtu" : "tcp", m->url));
	*rest = '\0';
	rest += strlen("://");
	char *query = strchr(rest, '?');
	if (query)
		*query++ = '\0';
	add(m, "type", scheme);
	if (strcmp(scheme, "rtu") == 0) {
		if (*rest != '/')
			return refuse(m, "the path of a serial port begins with a third slash");
		add(m, "port", rest);
	} else if (strcmp(scheme, "tcp") == 0 || strcmp(scheme, "rtutcp") == 0) {
		size_t n = strlen(rest);
		if (n > 0 && rest[n - 1] == '/')
			rest[n - 1] = '\0';
		if (!add_host(m, rest, strcmp(scheme, "rtutcp") == 0))
			return false;
	} else {
		return refuse(m, "no such kind of bus");
	}
	return !query || add_query(m, query);
}

bool bus_url_is(const char *text)
{
	return strpbrk(text, ":/.") != NULL; /* none of them is in a name */
}

struct bus_config *bus_url_parse(const char *url, struct arena *a, struct diag *d)
{
	const size_t before = diag_errors(d);
	struct made m = { .url = url, .arena = a, .diag = d, .place.file = url };
	m.section = (struct ini_section){ .title = "bus", .kind = "bus", .name = url, .file = url };
	struct bus_config *bus = arena_alloc(a, sizeof(*bus));
	if (!split(&m))
		return NULL;
	schema_defaults(bus_section.keys, a, bus);
	schema_read(bus_section.keys, &m.section, true, a, d, bus);
	bus->name = url;
	struct config *c = arena_alloc(a, sizeof(*c));
	*c = (struct config){ .buses = bus, .bus_count = 1, .arena = a };
	bus_section.check(
	    &(struct config_loading){ .config = c, .arena = a, .diag = d, .from = &m.section }, bus);
	return diag_errors(d) == before ? bus : NULL;
}

/* What else was told: times and the like that are not as they would be. */
static const char *others(const struct bus_config *bus, struct arena *a)
{
	struct bus_config plain;
	const char *text = "";
	schema_defaults(bus_section.keys, a, &plain);
	const struct {
		const char *key;
		int64_t is, would_be;
	} spans[] = {
		{ "response_timeout", bus->response_timeout, plain.response_timeout },
		{ "connect_timeout", bus->connect_timeout, plain.connect_timeout },
		{ "connect_delay", bus->connect_delay, plain.connect_delay },
		{ "frame_gap", bus->frame_gap, plain.frame_gap },
	};
	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		char span[32];
		if (spans[i].is != spans[i].would_be)
			text = arena_printf(
			    a, "%s%s = %s\n", text, spans[i].key, text_of_duration(spans[i].is, span));
	}
	return bus->transaction_id == TRANSACTION_IGNORE
		   ? arena_printf(a, "%stransaction_id = ignore\n", text)
		   : text;
}

char *bus_url_section(const struct bus_config *bus, struct arena *a)
{
	const char *more = others(bus, a);
	const char *line = arena_printf(a, "baud = %d\nparity = %s\nstop_bits = %d\n", bus->baud,
	    bus_parity_word(bus->parity), (int)bus->stop_bits);
	if (bus->type == BUS_RTU)
		return arena_printf(a, "type = rtu\nport = %s\n%s%s", bus->port, line, more);
	return arena_printf(a, "type = %s\nhost = %s\ntcp_port = %d\n%s%s", bus_type_word(bus->type),
	    bus->host, (int)bus->tcp_port, bus->type == BUS_TCP ? "" : line, more);
}

/* The first digit of a manual's five or six digit number for a table. */
static const char digits[POINT_TABLE_COUNT] = {
	[POINT_COIL] = '0', [POINT_DISCRETE] = '1', [POINT_INPUT] = '3', [POINT_HOLDING] = '4'
};

/* 40001, 400001, 30011 and the like; the zero-based address, -1 = it is none. A leading zero (coils) is only
 * known for what it is with all digits. */
static int64_t manual_address(const char *number, enum register_table *table)
{
	size_t n = strlen(number);
	int64_t value;
	if ((n != 5 && n != 6) || strspn(number, "0123456789") != n)
		return -1;
	for (*table = 0; *table < POINT_TABLE_COUNT && digits[*table] != number[0];)
		++*table;
	/* text_int would take a leading zero as it is */
	if (*table == POINT_TABLE_COUNT || text_int(number + 1, &value) < 0 || value < 1 || value > 65536)
		return -1;
	return value - 1;
}

static int refuse_manual(const char *text, const char *number, enum register_table table, int64_t address,
    char why[static REGISTER_WHY_MAX])
{
	snprintf(why, REGISTER_WHY_MAX,
	    "'%.40s': %.10s is how manuals number %s %lld, counted from 1: write %s:%lld (if it is the "
	    "address "
	    "itself, write 0x%x)",
	    text, number, point_table_word(table), (long long)address + 1, point_table_word(table),
	    (long long)address, (unsigned)strtoul(number, NULL, 10));
	return -EINVAL;
}

int register_parse(const char *text, struct point_register *ret, char why[static REGISTER_WHY_MAX])
{
	const char *colon = strchr(text, ':'), *number = colon ? colon + 1 : text;
	enum register_table meant = POINT_TABLE_COUNT,
			    table =
				colon ? point_table_find(text, (size_t)(colon - text)) : POINT_TABLE_COUNT;
	int64_t manual = manual_address(number, &meant), address = -1;
	bool foreign = table != POINT_TABLE_COUNT && meant != table; /* input:40001 is an address */
	if (manual >= 0 && !foreign)
		return refuse_manual(text, number, meant, manual, why);
	if (table != POINT_TABLE_COUNT && text_int(number, &address) == 0 && address >= 0 &&
	    address <= UINT16_MAX) {
		*ret = (struct point_register){ table, (uint16_t)address };
		return 0;
	}
	snprintf(why, REGISTER_WHY_MAX,
	    "'%.40s' is no register (allowed: TYPE:ADDR, the type one of coil, discrete, input, holding, the "
	    "address 0 to 65535 or 0x0 to 0xffff, counted from 0: a manual's 40001 is holding:0)",
	    text);
	return -EINVAL;
}
