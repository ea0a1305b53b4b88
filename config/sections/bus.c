#include "config/sections/bus.h"

#include "config/ini/address.h"

#include <string.h>
#include <sys/stat.h>

static const struct schema_choice types[] = { [BUS_RTU] = { "rtu", BUS_RTU,
						  "serial rs485 rs-485 modbus-rtu" },
	[BUS_TCP] = { "tcp", BUS_TCP, "modbus modbus-tcp modbustcp" },
	[BUS_RTUTCP] = { "rtutcp", BUS_RTUTCP, "rtu-tcp rtuovertcp rtu-over-tcp rtu_over_tcp" },
	{ NULL, 0 } };
/* the rates that a serial port is set to */
static const struct schema_choice bauds[] = {
	{ "1200", 1200 },
	{ "2400", 2400 },
	{ "4800", 4800 },
	{ "9600", 9600 },
	{ "19200", 19200 },
	{ "38400", 38400 },
	{ "57600", 57600 },
	{ "115200", 115200 },
	{ "230400", 230400 },
	{ "460800", 460800 },
	{ "921600", 921600 },
	{ NULL, 0 },
};
static const struct schema_choice parities[] = { { "none", PARITY_NONE, "n no 8n1 8n2" },
	{ "even", PARITY_EVEN, "e 8e1" }, { "odd", PARITY_ODD, "o 8o1" }, { NULL, 0 } };

static const struct schema_choice transaction_ids[] = { { "check", TRANSACTION_CHECK },
	{ "ignore", TRANSACTION_IGNORE }, { NULL, 0 } };

/* An address or a name alone: what else users write there has keys of its own. */
static bool parse_host(struct schema_value *v, const char *text)
{
	const char *sep = strstr(text, "://"), *host = sep ? sep + 3 : text, *colon = strchr(host, ':');
	bool port = colon && !strchr(colon + 1, ':'); /* an IPv6 address has more of them */
	bool numbers = *text != '\0' && strspn(text, "0123456789.") == strlen(text) && !address_is_ip(text);
	if (numbers)
		return schema_refuse(
		    v, "'%s' is no IPv4 address (allowed: four numbers 0..255, as 192.0.2.10)", text);
	if (sep || port || strpbrk(text, " \t/[]@"))
		return schema_refuse(v,
		    "'%s' is not a host (allowed: an address, IPv6 too without brackets, or a name alone; a "
		    "port "
		    "goes into tcp_port)",
		    text);
	*(const char **)v->field = text;
	return true;
}

#define FIELD(f) SCHEMA_FIELD(struct bus_config, f)
static const struct schema_key keys[] = {
	{ "type", SCHEMA_CHOICE, FIELD(type), .choices = types, .flags = SCHEMA_REQUIRED,
	    .help = "rtu, tcp, or rtutcp: RTU framing over a TCP serial server" },
	{ "port", SCHEMA_TEXT, FIELD(port), .help = "serial device (rtu)" },
	{ "baud", SCHEMA_CHOICE, FIELD(baud), "19200", .choices = bauds,
	    .help = "bits per second of the serial line (rtu, rtutcp)" },
	{ "parity", SCHEMA_CHOICE, FIELD(parity), "even", .choices = parities,
	    .help = "parity (rtu, rtutcp)" },
	{ "stop_bits", SCHEMA_INT, FIELD(stop_bits), "1", .min = 1, .max = 2,
	    .help = "stop bits (rtu, rtutcp)" },
	{ "rs485", SCHEMA_BOOL, FIELD(rs485), "no", .help = "ask the kernel for RS-485 mode (rtu)" },
	{ "frame_gap", SCHEMA_DURATION, FIELD(frame_gap), "0ms", .min = 0, .max = 1,
	    .help = "extra silence before a request, on top of 3.5 characters on a serial line" },
	{ "host", SCHEMA_CUSTOM, FIELD(host), "", .parse = parse_host,
	    .help = "address or name (tcp, rtutcp)" },
	{ "tcp_port", SCHEMA_INT, FIELD(tcp_port), "502", .min = 1, .max = 65535,
	    .help = "TCP port (tcp, rtutcp)" },
	{ "connect_timeout", SCHEMA_DURATION, FIELD(connect_timeout), "2s", .min = 0.01, .max = 60,
	    .help = "longest wait for a connection (tcp, rtutcp)" },
	{ "response_timeout", SCHEMA_DURATION, FIELD(response_timeout), "500ms", .min = 0.01, .max = 60,
	    .help = "longest wait for a whole reply" },
	{ "connect_delay", SCHEMA_DURATION, FIELD(connect_delay), "0ms", .min = 0, .max = 60,
	    .help = "nothing is sent for so long after a connect: some gateways swallow it (tcp, rtutcp)" },
	{ "transaction_id", SCHEMA_CHOICE, FIELD(transaction_id), "check", .choices = transaction_ids,
	    .help =
		"check: a reply with another transaction id is none; ignore: it is taken, for devices that "
		"answer with an id of their own, and every time-out closes the connection (tcp)" },
	{ "retries", SCHEMA_INT, FIELD(retries), "1", .min = 0, .max = 10,
	    .help = "in the same cycle, for a device that was healthy" },
	{ "max_backoff", SCHEMA_DURATION, FIELD(max_backoff), "60s", .min = 1, .max = 3600,
	    .help = "a silent device is probed after 1 s, 2 s, 4 s, up to this, and one that stays busy is "
		    "asked again so" },
	{ NULL },
};

/* Keys that only make sense for some types of bus. */
#define ONLY(type) (1u << (type))
#define NETWORK (ONLY(BUS_TCP) | ONLY(BUS_RTUTCP))
#define SERIAL (ONLY(BUS_RTU) | ONLY(BUS_RTUTCP))

static const struct {
	const char *key;
	unsigned types; /* ONLY() of each */
	bool required;
	const char *words;
} type_keys[] = {
	{ "port", ONLY(BUS_RTU), true, "rtu" },
	{ "rs485", ONLY(BUS_RTU), false, "rtu" },
	{ "baud", SERIAL, false, "rtu, rtutcp" },
	{ "parity", SERIAL, false, "rtu, rtutcp" },
	{ "stop_bits", SERIAL, false, "rtu, rtutcp" },
	{ "host", NETWORK, true, "tcp, rtutcp" },
	{ "tcp_port", NETWORK, false, "tcp, rtutcp" },
	{ "connect_timeout", NETWORK, false, "tcp, rtutcp" },
	{ "connect_delay", NETWORK, false, "tcp, rtutcp" },
	{ "transaction_id", ONLY(BUS_TCP), false, "tcp" },
};

/* A port that is not there yet has no device: then the port itself tells, when it is opened. */
static dev_t device_of(const char *port)
{
	struct stat s;
	return stat(port, &s) == 0 && S_ISCHR(s.st_mode) ? s.st_rdev : 0;
}

bool bus_same_endpoint(const struct bus_config *a, const struct bus_config *b)
{
	if (!a->has_type || !b->has_type || (a->type == BUS_RTU) != (b->type == BUS_RTU))
		return false;
	if (*(a->type == BUS_RTU ? a->port : a->host) == '\0')
		return false;
	if (a->type == BUS_RTU)
		return strcmp(a->port, b->port) == 0 || (a->device != 0 && a->device == b->device);
	return strcmp(a->host, b->host) == 0 && a->tcp_port == b->tcp_port;
}

const char *bus_type_word(enum bus_type t)
{
	return types[t].word;
}

const char *bus_parity_word(enum bus_parity p)
{
	const struct schema_choice *c = parities;
	while (c->word && c->value != (int)p)
		c++;
	return c->word;
}

static bool find_choice(const struct schema_choice *c, const char *word, int *ret)
{
	while (c->word && strcmp(c->word, word) != 0)
		c++;
	*ret = c->value;
	return c->word != NULL;
}

bool bus_parity_find(const char *word, enum bus_parity *ret)
{
	int value;
	bool found = find_choice(parities, word, &value);
	*ret = (enum bus_parity)value;
	return found;
}

bool bus_baud_find(const char *word, int *ret)
{
	return find_choice(bauds, word, ret);
}

static void check_keys(const struct config_loading *l, const struct bus_config *bus)
{
	const char *type = types[bus->type].word;
	for (size_t k = 0; k < sizeof(type_keys) / sizeof(type_keys[0]); k++) {
		const char *key = type_keys[k].key;
		bool mine = type_keys[k].types & ONLY(bus->type), given = ini_section_gives(l->from, key);
		if (mine && type_keys[k].required && !given)
			schema_error(l->diag, l->from, key, "missing, but required for type = %s", type);
		if (!mine && given)
			schema_error(l->diag, l->from, key, "has no meaning for type = %s (allowed for %s)",
			    type, type_keys[k].words);
	}
}

static void check(const struct config_loading *l, void *item)
{
	struct bus_config *bus = item;
	const struct ini_entry *type = ini_section_entry(l->from, "type");
	bool serial = bus->type == BUS_RTU;
	name_index_add(&l->config->bus_names, l->arena, bus->name, bus);
	bus->fingerprint = ini_section_fingerprint(l->from);
	bus->has_type = type && strcmp(type->value, types[bus->type].word) == 0;
	if (!bus->has_type)
		return; /* said already */
	check_keys(l, bus);
	bus->device = serial ? device_of(bus->port) : 0;
	for (const struct bus_config *other = l->config->buses; other < bus; other++)
		if (bus_same_endpoint(bus, other))
			schema_error(l->diag, l->from, serial ? "port" : "host",
			    "the same %s as [bus:%s] (allowed: one bus for each)",
			    serial ? "port" : "host and tcp_port", other->name);
}

const struct config_section bus_section = {
	.kind = "bus",
	.name = "NAME",
	.help = "a Modbus line or endpoint",
	.keys = keys,
	.size = sizeof(struct bus_config),
	.place = offsetof(struct config, buses),
	.count = offsetof(struct config, bus_count),
	.max = CONFIG_BUSES_MAX,
	.check = check,
};
