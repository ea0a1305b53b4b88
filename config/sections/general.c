#include "config/sections/general.h"

#include "config/ini/address.h"
#include "config/ini/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <syslog.h>

/* A level of a topic: no separators, wildcards or blanks, so that it is one level and fits in file names too.
 */
static bool parse_level(struct schema_value *v, const char *text)
{
	if (*text == '\0' || strlen(text) > NAME_LENGTH_MAX || strpbrk(text, "/+# \t"))
		return schema_refuse(v,
		    "'%s' cannot be a level of a topic (allowed: 1 to %d bytes without blank / + #)", text,
		    NAME_LENGTH_MAX);
	*(const char **)v->field = text;
	return true;
}

static bool parse_socket(struct schema_value *v, const char *text)
{
	const size_t longest = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
	if (strlen(text) > longest)
		return schema_refuse(v, "'%s' is too long for a socket (allowed: %zu bytes)", text, longest);
	if (*text != '\0' && *text != '/')
		return schema_refuse(
		    v, "'%s' is not an absolute path (allowed: /run/coolantd/http.sock)", text);
	*(const char **)v->field = text;
	return true;
}

/* A service has no folder of its own that a path could begin in. */
static bool parse_folder(struct schema_value *v, const char *text)
{
	if (*text != '\0' && *text != '/')
		return schema_refuse(v, "'%s' is not an absolute path (allowed: /var/lib/coolantd)", text);
	*(const char **)v->field = text;
	return true;
}

static bool parse_timezone(struct schema_value *v, const char *text)
{
	const char *why = NULL;
	const struct zone *z = zone_load(v->arena, *text ? text : "UTC", &why);
	if (!z)
		return schema_refuse(v, "'%s' %s", text, why);
	*(const struct zone **)v->field = z;
	return true;
}

static bool parse_listen(struct schema_value *v, const char *text)
{
	struct sockaddr_storage address;
	if (*text != '\0' && address_parse(text, &address) < 0)
		return schema_refuse(v,
		    "'%s' is not an address to listen at (allowed: 127.0.0.1:9109 or [::1]:9109, in numbers "
		    "and "
		    "with a port of 1..65535; empty = off)",
		    text);
	*(const char **)v->field = text;
	return true;
}

static const struct schema_choice log_levels[] = {
	{ "error", LOG_ERR, "err" },
	{ "warning", LOG_WARNING, "warn" },
	{ "notice", LOG_NOTICE },
	{ "info", LOG_INFO, "information verbose" },
	{ "debug", LOG_DEBUG, "trace all" },
	{ NULL, 0 },
};

#define FIELD(f) SCHEMA_FIELD(struct daemon_config, f)
static const struct schema_key daemon_keys[] = {
	{ "site", SCHEMA_CUSTOM, FIELD(site), .parse = parse_level, .flags = SCHEMA_REQUIRED,
	    .help = "the site; with rack it names this controller in topics" },
	{ "rack", SCHEMA_CUSTOM, FIELD(rack), .parse = parse_level, .flags = SCHEMA_REQUIRED,
	    .help = "the rack or row that this controller stands beside" },
	{ "state_dir", SCHEMA_CUSTOM, FIELD(state_dir), "", .parse = parse_folder,
	    .help = "folder for what must outlive a restart; default "
		    "$STATE_DIRECTORY, else /var/lib/coolantd. One coolantd at a time may run on it" },
	{ "http_socket", SCHEMA_CUSTOM, FIELD(http_socket), "", .parse = parse_socket,
	    .help = "Unix socket for operators' requests, see coolantd(8); default "
		    "$RUNTIME_DIRECTORY/http.sock, off without that folder" },
	{ "http_listen", SCHEMA_CUSTOM, FIELD(http_listen), "", .parse = parse_listen,
	    .help =
		"TCP address for /metrics and whatever else can be looked at, see coolantd(8): "
		"127.0.0.1:9109 or [::1]:9109; without a password, so nobody else may reach it whom it does "
		"not concern; empty = off" },
	{ "timezone", SCHEMA_CUSTOM, FIELD(timezone), "UTC", .parse = parse_timezone,
	    .help = "in which the days, months and years of records begin; a name of /usr/share/zoneinfo" },
	{ "log_level", SCHEMA_CHOICE, FIELD(log_level), "info", .choices = log_levels,
	    .help = "messages of this and more urgent levels are written" },
	{ "control_interval", SCHEMA_DURATION, FIELD(control_interval), "1s", .min = 0.1, .max = 60,
	    .help = "tick of the control loop" },
	{ NULL },
};
#undef FIELD

#define FIELD(f) SCHEMA_FIELD(struct spool_config, f)
static const struct schema_key spool_keys[] = {
	{ "max_size", SCHEMA_SIZE, FIELD(max_size), "256MiB", .min = 1048576, .max = 1e12,
	    .help = "disk space for what the broker has not taken" },
	{ "max_age", SCHEMA_DURATION, FIELD(max_age), "7d", .min = 60, .max = 10.0 * 365 * 86400,
	    .help = "older data is dropped; counted in the time that the machine is up" },
	{ "replay_rate", SCHEMA_INT, FIELD(replay_rate), "500", .min = 1, .max = 100000,
	    .help = "messages per second when sending what was held back" },
	{ "replay_delay", SCHEMA_DURATION, FIELD(replay_delay), "10s", .min = 0, .max = 3600,
	    .help = "what was held back waits so long after a connect, because the subscribers of a broker "
		    "that was restarted come back later than we do" },
	{ NULL },
};

static void check_daemon(const struct config_loading *l, void *item)
{
	struct daemon_config *daemon = item;
	const char *state = getenv("STATE_DIRECTORY"), *runtime = getenv("RUNTIME_DIRECTORY");
	if (*daemon->state_dir == '\0')
		daemon->state_dir = state && *state ? arena_strdup(l->arena, state) : "/var/lib/coolantd";
	if (*daemon->http_socket == '\0' && runtime && *runtime)
		daemon->http_socket = arena_printf(l->arena, "%s/http.sock", runtime);
}

const struct config_section daemon_section = {
	.kind = "daemon",
	.help = "the controller itself",
	.keys = daemon_keys,
	.size = sizeof(struct daemon_config),
	.place = offsetof(struct config, daemon),
	.check = check_daemon,
};

const struct config_section spool_section = {
	.kind = "spool",
	.help = "what is kept while the broker is away",
	.keys = spool_keys,
	.size = sizeof(struct spool_config),
	.place = offsetof(struct config, spool),
};
