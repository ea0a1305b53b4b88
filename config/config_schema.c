#include "config/config_schema.h"

#include "config/ini/text.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>
#include <syslog.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define YEARS_10_S (10.0 * 365 * 86400)

/* A level of a topic: no separators, wildcards or blanks, so that it is one level and fits in file names too.
 */
static bool is_topic_level(const char *s)
{
	return *s != '\0' && strlen(s) <= NAME_LENGTH_MAX && strpbrk(s, "/+# \t") == NULL;
}

static int parse_level(struct arena *a, const char *text, void *field, const char **why)
{
	if (!is_topic_level(text)) {
		*why = arena_printf(a,
		    "'%s' cannot be a level of a topic (allowed: 1 to %d bytes without blank / + #)", text,
		    NAME_LENGTH_MAX);
		return -EINVAL;
	}
	*(const char **)field = text;
	return 0;
}

static int parse_prefix(struct arena *a, const char *text, void *field, const char **why)
{
	size_t n = strlen(text);
	if (n == 0 || n > 200 || strpbrk(text, "+# \t") || text[0] == '/' || text[n - 1] == '/' ||
	    text[0] == '$' || strstr(text, "//")) {
		*why = arena_printf(a,
		    "'%s' cannot be a topic prefix (allowed: levels with one / between them, "
		    "no blank + #, no / at either end, no $ in front)",
		    text);
		return -EINVAL;
	}
	*(const char **)field = text;
	return 0;
}

static int parse_socket(struct arena *a, const char *text, void *field, const char **why)
{
	struct sockaddr_un address;
	if (strlen(text) >= sizeof(address.sun_path)) {
		*why = arena_printf(a, "'%s' is too long for a socket (allowed: %zu bytes)", text,
		    sizeof(address.sun_path) - 1);
		return -EINVAL;
	}
	*(const char **)field = text;
	return 0;
}

static const struct {
	const char *scheme;
	int port;
} schemes[] = { { "mqtt", 1883 }, { "mqtts", 8883 }, { "ws", 80 }, { "wss", 443 } };

/* scheme://host[:port] or scheme://[v6]:port, made complete; NULL when it is not of the form. */
static const char *complete_uri(struct arena *a, const char *uri)
{
	const char *sep = strstr(uri, "://");
	for (size_t i = 0; sep && i < COUNT(schemes); i++) {
		if (strlen(schemes[i].scheme) != (size_t)(sep - uri) ||
		    strncmp(schemes[i].scheme, uri, (size_t)(sep - uri)) != 0)
			continue;
		const char *host = sep + 3, *bracket = *host == '[' ? strchr(host, ']') : NULL;
		const char *colon = strchr(bracket ? bracket : host, ':');
		int64_t port = schemes[i].port;
		size_t length = colon ? (size_t)(colon - host) : strlen(host);
		if (length == 0 || strpbrk(host, " \t/@") || (*host == '[' && !bracket))
			return NULL;
		if (colon && (text_int(colon + 1, &port) < 0 || port < 1 || port > 65535))
			return NULL;
		return arena_printf(a, "%.*s:%d", (int)(host + length - uri), uri, (int)port);
	}
	return NULL;
}

static int parse_brokers(struct arena *a, const char *text, void *field, const char **why)
{
	enum { BROKERS_MAX = 8 };
	struct schema_list *list = field;
	const char **items = arena_alloc(a, BROKERS_MAX * sizeof(items[0]));
	size_t n = 0;
	char *copy = arena_strdup(a, text), *save = NULL;

	for (char *item = strtok_r(copy, ", \t", &save); item; item = strtok_r(NULL, ", \t", &save)) {
		const char *uri = n < BROKERS_MAX ? complete_uri(a, item) : NULL;
		if (!uri) {
			*why = arena_printf(a,
			    "'%s' is not a broker (allowed: 1 to %d of mqtt://HOST[:PORT], mqtts://, "
			    "ws:// or wss://, with commas between them)",
			    item, BROKERS_MAX);
			return -EINVAL;
		}
		items[n++] = uri;
	}
	if (n == 0) {
		*why = "no broker (allowed: mqtt://HOST[:PORT], mqtts://, ws:// or wss://)";
		return -EINVAL;
	}
	*list = (struct schema_list){ items, n };
	return 0;
}

/* FLOW:PRESSURE pairs with rising flow. */
static int parse_curve(struct arena *a, const char *text, void *field, const char **why)
{
	struct pump_curve *c = field;
	char *copy = arena_strdup(a, text), *save = NULL;
	c->count = 0;
	for (char *item = strtok_r(copy, ", \t", &save); item; item = strtok_r(NULL, ", \t", &save)) {
		char *colon = strchr(item, ':');
		size_t n = c->count;
		*why = arena_printf(a,
		    "'%s' is not a curve (allowed: 2 to %d of FLOW:PRESSURE in L/min and kPa, with rising "
		    "flow and no negative number)",
		    text, CONFIG_CURVE_POINTS_MAX);
		if (!colon || n == CONFIG_CURVE_POINTS_MAX)
			return -EINVAL;
		*colon = '\0';
		if (text_double(item, &c->flow[n]) < 0 || text_double(colon + 1, &c->pressure[n]) < 0 ||
		    !(c->flow[n] >= 0) || !(c->pressure[n] >= 0) || (n > 0 && c->flow[n] <= c->flow[n - 1]))
			return -EINVAL;
		c->count++;
	}
	return c->count == 1 ? -EINVAL : 0;
}

static const struct schema_choice log_levels[] = {
	{ "error", LOG_ERR },
	{ "warning", LOG_WARNING },
	{ "notice", LOG_NOTICE },
	{ "info", LOG_INFO },
	{ "debug", LOG_DEBUG },
	{ NULL, 0 },
};
static const struct schema_choice protocols[] = { { "5", MQTT_5 }, { "3.1.1", MQTT_3_1_1 }, { NULL, 0 } };
static const struct schema_choice layouts[] = { { "device", LAYOUT_DEVICE }, { "point", LAYOUT_POINT },
	{ "both", LAYOUT_BOTH }, { NULL, 0 } };
static const struct schema_choice publish_modes[] = { { "change", MQTT_PUBLISH_CHANGE },
	{ "always", MQTT_PUBLISH_ALWAYS }, { NULL, 0 } };
static const struct schema_choice bus_types[] = { { "rtu", BUS_RTU }, { "tcp", BUS_TCP },
	{ "rtutcp", BUS_RTUTCP }, { NULL, 0 } };
/* the rates that libmodbus sets; it takes any other for 9600 */
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
static const struct schema_choice parities[] = { { "none", PARITY_NONE }, { "even", PARITY_EVEN },
	{ "odd", PARITY_ODD }, { NULL, 0 } };
static const struct schema_choice coolants[] = {
	{ "water", COOLANT_WATER },
	{ "pg25", COOLANT_PG25 },
	{ "pg30", COOLANT_PG30 },
	{ "eg25", COOLANT_EG25 },
	{ "eg30", COOLANT_EG30 },
	{ NULL, 0 },
};
static const struct schema_choice flow_places[] = { { "supply", LOOP_IN_SUPPLY },
	{ "return", LOOP_IN_RETURN }, { NULL, 0 } };
static const struct schema_choice whens[] = {
	{ "true", WHEN_TRUE },
	{ "false", WHEN_FALSE },
	{ "above", WHEN_ABOVE },
	{ "below", WHEN_BELOW },
	{ "outside", WHEN_OUTSIDE },
	{ "stale", WHEN_STALE },
	{ "suspect", WHEN_SUSPECT },
	{ NULL, 0 },
};
static const struct schema_choice severities[] = {
	{ "info", SEVERITY_INFO },
	{ "warning", SEVERITY_WARNING },
	{ "critical", SEVERITY_CRITICAL },
	{ NULL, 0 },
};

const char *alarm_severity_word(enum alarm_severity s)
{
	return severities[s].word;
}

const char *alarm_when_word(enum alarm_when w)
{
	return whens[w].word;
}

#define FIELD(f) SCHEMA_FIELD(struct daemon_config, f)
static const struct schema_key daemon_keys[] = {
	{ "site", SCHEMA_CUSTOM, FIELD(site), .parse = parse_level, .flags = SCHEMA_REQUIRED,
	    .help = "the site; with rack it names this controller in topics" },
	{ "rack", SCHEMA_CUSTOM, FIELD(rack), .parse = parse_level, .flags = SCHEMA_REQUIRED,
	    .help = "the rack or row that this controller stands beside" },
	{ "state_dir", SCHEMA_TEXT, FIELD(state_dir),
	    .help = "folder for what must outlive a restart; default "
		    "$STATE_DIRECTORY, else /var/lib/coolantd. One coolantd at a time may run on it" },
	{ "http_socket", SCHEMA_CUSTOM, FIELD(http_socket), "", .parse = parse_socket,
	    .help = "Unix socket for operators' requests, see coolantd(8); default "
		    "$RUNTIME_DIRECTORY/http.sock, off without that folder" },
	{ "http_listen", SCHEMA_TEXT, FIELD(http_listen), .flags = SCHEMA_LATER,
	    .help = "TCP address for /metrics, e.g. 127.0.0.1:9109; empty = off" },
	{ "log_level", SCHEMA_CHOICE, FIELD(log_level), "info", .choices = log_levels,
	    .help = "messages of this and more urgent levels are written" },
	{ "control_interval", SCHEMA_DURATION, FIELD(control_interval), "1s", .min = 0.1, .max = 60,
	    .help = "tick of the control loop" },
};
#undef FIELD

#define FIELD(f) SCHEMA_FIELD(struct mqtt_config, f)
static const struct schema_key mqtt_keys[] = {
	{ "broker", SCHEMA_CUSTOM, FIELD(brokers), "mqtt://localhost:1883", .parse = parse_brokers,
	    .help = "where to publish; a comma list is tried in order" },
	{ "client_id", SCHEMA_TEXT, FIELD(client_id), .help = "default coolantd-SITE-RACK" },
	{ "protocol", SCHEMA_CHOICE, FIELD(protocol), "5", .choices = protocols, .help = "version of MQTT" },
	{ "topic_prefix", SCHEMA_CUSTOM, FIELD(topic_prefix), "coolant", .parse = parse_prefix,
	    .help = "first part of every topic: PREFIX/SITE/RACK" },
	{ "qos", SCHEMA_INT, FIELD(qos), "1", .min = 0, .max = 1,
	    .help = "quality of service of every message" },
	{ "keep_alive", SCHEMA_DURATION, FIELD(keep_alive), "15s", .min = 1, .max = 3600,
	    .help = "a broken link is noticed after about one and a half of it" },
	{ "username", SCHEMA_TEXT, FIELD(username), .help = "for the broker" },
	{ "password_file", SCHEMA_TEXT, FIELD(password_file),
	    .help = "file with the password; a relative path is looked "
		    "up in $CREDENTIALS_DIRECTORY, then beside the configuration" },
	{ "ca_file", SCHEMA_TEXT, FIELD(ca_file),
	    .help = "CA certificates for mqtts and wss; default the system's" },
	{ "cert_file", SCHEMA_TEXT, FIELD(cert_file), .help = "own certificate, PEM" },
	{ "key_file", SCHEMA_TEXT, FIELD(key_file), .help = "own private key, PEM" },
	{ "layout", SCHEMA_CHOICE, FIELD(layout), "device", .choices = layouts,
	    .help = "one topic per device, one per point, or both" },
	{ "publish", SCHEMA_CHOICE, FIELD(publish), "change", .choices = publish_modes,
	    .help =
		"change: only what changed by more than its deadband; always: every value of every cycle" },
	{ "full_interval", SCHEMA_DURATION, FIELD(full_interval), "60s", .min = 1, .max = 86400,
	    .help = "in change mode every value is still sent this often" },
	{ "homeassistant", SCHEMA_BOOL, FIELD(homeassistant), "no", .flags = SCHEMA_LATER,
	    .help = "Home Assistant discovery" },
	{ "homeassistant_prefix", SCHEMA_TEXT, FIELD(homeassistant_prefix), "homeassistant",
	    .flags = SCHEMA_LATER, .help = "topic prefix of the discovery" },
	{ "sparkplug_group", SCHEMA_TEXT, FIELD(sparkplug_group), .flags = SCHEMA_LATER,
	    .help = "Sparkplug B group; empty = off" },
	{ "dsx", SCHEMA_BOOL, FIELD(dsx), "no", .flags = SCHEMA_LATER,
	    .help = "NVIDIA DSX BMS event-bus profile" },
};
#undef FIELD

#define FIELD(f) SCHEMA_FIELD(struct spool_config, f)
static const struct schema_key spool_keys[] = {
	{ "max_size", SCHEMA_SIZE, FIELD(max_size), "256MiB", .min = 1048576, .max = 1e12,
	    .help = "disk space for what the broker has not taken" },
	{ "max_age", SCHEMA_DURATION, FIELD(max_age), "7d", .min = 60, .max = YEARS_10_S,
	    .help = "older data is dropped; counted in the time that the machine is up" },
	{ "replay_rate", SCHEMA_INT, FIELD(replay_rate), "500", .min = 1, .max = 100000,
	    .help = "messages per second when sending what was held back" },
};
#undef FIELD

#define FIELD(f) SCHEMA_FIELD(struct bus_config, f)
static const struct schema_key bus_keys[] = {
	{ "type", SCHEMA_CHOICE, FIELD(type), .choices = bus_types, .flags = SCHEMA_REQUIRED,
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
	{ "host", SCHEMA_TEXT, FIELD(host), .help = "address or name (tcp, rtutcp)" },
	{ "tcp_port", SCHEMA_INT, FIELD(tcp_port), "502", .min = 1, .max = 65535,
	    .help = "TCP port (tcp, rtutcp)" },
	{ "connect_timeout", SCHEMA_DURATION, FIELD(connect_timeout), "2s", .min = 0.01, .max = 60,
	    .help = "longest wait for a connection (tcp, rtutcp)" },
	{ "response_timeout", SCHEMA_DURATION, FIELD(response_timeout), "500ms", .min = 0.01, .max = 60,
	    .help = "longest wait for a whole reply" },
	{ "retries", SCHEMA_INT, FIELD(retries), "1", .min = 0, .max = 10,
	    .help = "in the same cycle, for a device that was healthy" },
	{ "max_backoff", SCHEMA_DURATION, FIELD(max_backoff), "60s", .min = 1, .max = 3600,
	    .help = "a silent device is probed after 1 s, 2 s, 4 s, up to this" },
};
#undef FIELD

#define FIELD(f) SCHEMA_FIELD(struct device_config, f)
static const struct schema_key device_keys[] = {
	{ "bus", SCHEMA_NAME, FIELD(bus_name), .flags = SCHEMA_REQUIRED, .help = "the bus that it is on" },
	{ "unit", SCHEMA_INT, FIELD(unit), "-1", .min = 0, .max = 255,
	    .help = "unit id; default the profile's" },
	{ "profile", SCHEMA_TEXT, FIELD(profile_name), .help = "device model, from profiles/NAME.ini" },
	{ "poll_interval", SCHEMA_DURATION, FIELD(poll_interval), "1s", .min = 0.01, .max = 86400,
	    .help = "time between two polls" },
	{ "enabled", SCHEMA_BOOL, FIELD(enabled), "yes",
	    .help = "no: not polled, its values are out_of_service" },
	{ "alarms", SCHEMA_BOOL, FIELD(alarms), "yes",
	    .help = "yes: its leak points (bools named leak, leak_NAME or NAME_leak) each get an alarm "
		    "DEVICE-POINT" },
	{ "accuracy_class", SCHEMA_DOUBLE, FIELD(accuracy_class), .min = 0.001, .max = 20,
	    .help = "of a meter, in percent: for the uncertainty of a PUE; default the profile's" },
};
#undef FIELD

#define FIELD(f) SCHEMA_FIELD(struct loop_config, f)
#define INPUT(i) SCHEMA_FIELD(struct loop_config, input_names[i])
static const struct schema_key loop_keys[] = {
	{ "coolant", SCHEMA_CHOICE, FIELD(coolant), .choices = coolants, .flags = SCHEMA_REQUIRED,
	    .help = "what flows" },
	{ "flow", SCHEMA_TEXT, INPUT(LOOP_IN_FLOW), .flags = SCHEMA_REQUIRED,
	    .help = "DEVICE.POINT of the flow meter" },
	{ "supply", SCHEMA_TEXT, INPUT(LOOP_IN_SUPPLY), .flags = SCHEMA_REQUIRED,
	    .help = "DEVICE.POINT of the supply temperature" },
	{ "return", SCHEMA_TEXT, INPUT(LOOP_IN_RETURN), .flags = SCHEMA_REQUIRED,
	    .help = "DEVICE.POINT of the return temperature" },
	{ "pressure_drop", SCHEMA_TEXT, INPUT(LOOP_IN_PRESSURE_DROP),
	    .help = "DEVICE.POINT of the differential pressure: hydraulic power and resistance" },
	{ "filter_pressure_drop", SCHEMA_TEXT, INPUT(LOOP_IN_FILTER_PRESSURE_DROP),
	    .help = "DEVICE.POINT of the filter's differential pressure; default pressure_drop" },
	{ "pump_power", SCHEMA_TEXT, INPUT(LOOP_IN_PUMP_POWER),
	    .help = "DEVICE.POINT of the pump's electrical power: efficiency" },
	{ "pump_speed", SCHEMA_TEXT, INPUT(LOOP_IN_PUMP_SPEED),
	    .help = "DEVICE.POINT of the pump's speed in %: deviation from its curve by the affinity laws" },
	{ "it_power", SCHEMA_TEXT, INPUT(LOOP_IN_IT_POWER),
	    .help = "DEVICE.POINT of the IT power: heat capture ratio, energy balance" },
	{ "air_temperature", SCHEMA_TEXT, INPUT(LOOP_IN_AIR_TEMPERATURE),
	    .help = "DEVICE.POINT of the room's temperature: dew point" },
	{ "air_humidity", SCHEMA_TEXT, INPUT(LOOP_IN_AIR_HUMIDITY),
	    .help = "DEVICE.POINT of the room's relative humidity: dew point" },
	{ "primary_supply", SCHEMA_TEXT, INPUT(LOOP_IN_PRIMARY_SUPPLY),
	    .help = "DEVICE.POINT of the facility water's supply temperature: approach temperature" },
	{ "reservoir_level", SCHEMA_TEXT, INPUT(LOOP_IN_RESERVOIR_LEVEL),
	    .help = "DEVICE.POINT of the reservoir's level in %: level without thermal expansion" },
	{ "flow_at", SCHEMA_CHOICE, FIELD(flow_at), "supply", .choices = flow_places,
	    .help = "where the flow meter sits: the coolant's density there counts" },
	{ "delta_t_resolution", SCHEMA_DOUBLE, FIELD(delta_t_resolution), "0.2", .min = 0, .max = 10,
	    .help = "K, of both temperature sensors together: below it the heat is estimated" },
	{ "nominal_flow", SCHEMA_DOUBLE, FIELD(nominal_flow), .min = 0.001, .max = 1e6,
	    .help = "L/min; resistances and the pump are judged above 30 % of it; default as learned" },
	{ "clean_resistance", SCHEMA_DOUBLE, FIELD(clean_resistance), .min = 1e-12, .max = 1e6,
	    .help = "of the clean filter, kPa per (L/min)^2; default as learned" },
	{ "pump_curve", SCHEMA_CUSTOM, FIELD(pump_curve), "", .parse = parse_curve,
	    .help = "differential pressures of the pump in kPa by flow in L/min, FLOW:PRESSURE with rising "
		    "flow; default a parabola through the one point that was learned" },
	{ "pump_curve_speed", SCHEMA_DOUBLE, FIELD(pump_curve_speed), "100", .min = 1, .max = 1000,
	    .help = "the pump speed of pump_curve, in %" },
	{ "liquid_share", SCHEMA_DOUBLE, FIELD(liquid_share), .min = 0.01, .max = 1,
	    .help = "the share of the IT power that the coolant is to carry, 0..1: energy balance; without "
		    "it, only more heat than electrical power is suspect" },
	{ "balance_tolerance", SCHEMA_DOUBLE, FIELD(balance_tolerance), "0.15", .min = 0.01, .max = 1,
	    .help = "how far the heat may be from the electrical power, as a share of it" },
	{ "system_volume", SCHEMA_DOUBLE, FIELD(system_volume), .min = 0.001, .max = 1e6,
	    .help = "L, of all coolant in the loop at reservoir_temperature" },
	{ "reservoir_volume", SCHEMA_DOUBLE, FIELD(reservoir_volume), .min = 0.001, .max = 1e6,
	    .help = "L, from 0 to 100 % of reservoir_level" },
	{ "reservoir_temperature", SCHEMA_DOUBLE, FIELD(reservoir_temperature), "30", .min = 0, .max = 60,
	    .help = "Cel; the level is told as it would be at this temperature" },
	{ "alarms", SCHEMA_BOOL, FIELD(alarms), "yes",
	    .help = "yes: the default alarms of the figures that it has, see DEFAULT ALARMS" },
	{ "flow_low", SCHEMA_DOUBLE, FIELD(flow_low), .min = 0, .max = 1e6,
	    .help = "L/min; limit of the default alarm, default half of nominal_flow" },
	{ "pressure_high", SCHEMA_DOUBLE, FIELD(pressure_high), .min = 0, .max = 1e6,
	    .help = "kPa of pressure_drop; limit of the default alarm, default none" },
	{ "supply_high", SCHEMA_DOUBLE, FIELD(supply_high), "45", .min = 0, .max = 100,
	    .help = "Cel; limit of the default alarm, default the most that ASHRAE class W45 allows" },
	{ "return_high", SCHEMA_DOUBLE, FIELD(return_high), .min = 0, .max = 100,
	    .help = "Cel; limit of the default alarm, default none" },
	{ "reservoir_low", SCHEMA_DOUBLE, FIELD(reservoir_low), "20", .min = 0, .max = 100,
	    .help = "% of the compensated level; limit of the default alarm" },
};
#undef INPUT
#undef FIELD

#define FIELD(f) SCHEMA_FIELD(struct pue_config, f)
#define ROLE(r) SCHEMA_FIELD(struct pue_config, role_names[r])
static const struct schema_key pue_keys[] = {
	{ "facility", SCHEMA_LIST, ROLE(PUE_FACILITY), "",
	    .help = "meters of all energy that enters the boundary: DEVICE or DEVICE.POINT" },
	{ "it", SCHEMA_LIST, ROLE(PUE_IT), "", .flags = SCHEMA_REQUIRED,
	    .help = "meters of the IT equipment" },
	{ "cooling", SCHEMA_LIST, ROLE(PUE_COOLING), "", .help = "meters of cooling, for a partial PUE" },
	{ "loss", SCHEMA_LIST, ROLE(PUE_LOSS), "",
	    .help = "meters of losses (transformers, UPS, distribution), for a partial PUE and the parts" },
	{ "it_embedded_cooling", SCHEMA_LIST, ROLE(PUE_IT_EMBEDDED_COOLING), "",
	    .help = "counted inside `it` by the meters, but belongs to cooling" },
	{ "export", SCHEMA_LIST, ROLE(PUE_EXPORT), "", .help = "energy that leaves the boundary" },
	{ "reuse_heat", SCHEMA_LIST, ROLE(PUE_REUSE_HEAT), "", .help = "heat put to use elsewhere: ERE" },
	{ "windows", SCHEMA_LIST, FIELD(window_names), "1m, 15m, 1h, 1d",
	    .help = "lengths of the energy windows" },
	{ "boundary", SCHEMA_TEXT, FIELD(boundary), .help = "what the figure covers: rack, row, site" },
};
#undef ROLE
#undef FIELD

#define FIELD(f) SCHEMA_FIELD(struct alarm_config, f)
static const struct schema_key alarm_keys[] = {
	{ "point", SCHEMA_TEXT, FIELD(point_name), .flags = SCHEMA_REQUIRED,
	    .help = "DEVICE.POINT (or median:, mean: or sum: and a comma list of them), loop.NAME.FIGURE, "
		    "pue.NAME.power_ratio or pue.NAME.WINDOW" },
	{ "when", SCHEMA_CHOICE, FIELD(when), "true", .choices = whens,
	    .help = "what raises it; stale: no reading for three intervals; suspect: outside its plausible "
		    "range, stuck, or far from other sensors" },
	{ "limit", SCHEMA_DOUBLE, FIELD(limit), .help = "for above and below" },
	{ "low", SCHEMA_DOUBLE, FIELD(low), .help = "for outside" },
	{ "high", SCHEMA_DOUBLE, FIELD(high), .help = "for outside" },
	{ "hysteresis", SCHEMA_DOUBLE, FIELD(hysteresis), "0", .min = 0, .max = 1e18,
	    .help = "how far back inside the limit it clears" },
	{ "delay_on", SCHEMA_DURATION, FIELD(delay_on), "0s", .min = 0, .max = 86400,
	    .help = "must last this long to raise it" },
	{ "delay_off", SCHEMA_DURATION, FIELD(delay_off), "0s", .min = 0, .max = 86400,
	    .help = "and this long to clear it" },
	{ "severity", SCHEMA_CHOICE, FIELD(severity), "warning", .choices = severities,
	    .help = "how bad it is" },
	{ "latch", SCHEMA_BOOL, FIELD(latch), "no", .help = "stays until acknowledged" },
	{ "suppressed_by", SCHEMA_LIST, FIELD(suppressor_names), "",
	    .help = "alarms that explain this one: while one of them is active it is suppressed" },
	{ "message", SCHEMA_TEXT, FIELD(message), .help = "for people" },
};
#undef FIELD

static const struct schema_section sections[] = {
	{ "daemon", false, daemon_keys, COUNT(daemon_keys), "the controller itself" },
	{ "mqtt", false, mqtt_keys, COUNT(mqtt_keys), "the broker and what it gets" },
	{ "spool", false, spool_keys, COUNT(spool_keys), "what is kept while the broker is away" },
	{ "bus", true, bus_keys, COUNT(bus_keys), "a Modbus line or endpoint" },
	{ "device", true, device_keys, COUNT(device_keys), "a device on a bus" },
	{ "loop", true, loop_keys, COUNT(loop_keys),
	    "a coolant loop. An input is DEVICE.POINT; or median: or mean: and a comma list of sensors of "
	    "the same thing, "
	    "of which one that differs by more than its tolerance is suspect and left out; or sum: and a "
	    "list of parts" },
	{ "pue", true, pue_keys, COUNT(pue_keys), "a power usage effectiveness" },
	{ "alarm", true, alarm_keys, COUNT(alarm_keys), "an alarm" },
};

const struct schema_section *const config_sections[] = {
	[CONFIG_DAEMON] = &sections[0],
	[CONFIG_MQTT] = &sections[1],
	[CONFIG_SPOOL] = &sections[2],
	[CONFIG_BUS] = &sections[3],
	[CONFIG_DEVICE] = &sections[4],
	[CONFIG_LOOP] = &sections[5],
	[CONFIG_PUE] = &sections[6],
	[CONFIG_ALARM] = &sections[7],
	[CONFIG_POINT] = &point_section,
};
const size_t config_section_count = COUNT(config_sections);
