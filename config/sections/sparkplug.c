#include "config/sections/sparkplug.h"

#include "config/ini/text.h"
#include "config/sections/general.h"
#include "config/sections/mqtt.h"

#include <string.h>

/* Sparkplug 3.0, 4.1: what becomes a level of a topic. */
static bool parse_id(struct schema_value *v, const char *text)
{
	if (strlen(text) > NAME_LENGTH_MAX || strpbrk(text, "/+#"))
		return schema_refuse(v,
		    "'%s' is not an id of Sparkplug (allowed: 1 to %d bytes without / + #)", text,
		    NAME_LENGTH_MAX);
	*(const char **)v->field = text;
	return true;
}

#define FIELD(f) SCHEMA_FIELD(struct sparkplug_config, f)
static const struct schema_key keys[] = {
	{ "group", SCHEMA_CUSTOM, FIELD(group), "", .parse = parse_id, .flags = SCHEMA_REQUIRED,
	    .help = "the group ID, as a site" },
	{ "node", SCHEMA_CUSTOM, FIELD(node), "", .parse = parse_id,
	    .help = "the edge node ID; default SITE-RACK" },
	{ "primary_host", SCHEMA_CUSTOM, FIELD(primary_host), "", .parse = parse_id,
	    .help = "the host ID of the primary host application: while its STATE is not online nothing is "
		    "said, and what is measured is kept; empty = none is waited for" },
	CONNECTION_KEYS(struct sparkplug_config, connection, SCHEMA_INHERITED, NULL, NULL, NULL),
	{ NULL },
};

static void check(const struct config_loading *l, void *item)
{
	struct sparkplug_config *s = item;
	const struct daemon_config *daemon = l->config->daemon;
	connection_check(l, &s->connection, &l->config->mqtt->connection);
	if (*s->node == '\0' && daemon->site && daemon->rack)
		s->node = arena_printf(l->arena, "%s-%s", daemon->site, daemon->rack);
}

const struct config_section sparkplug_section = {
	.kind = "sparkplug",
	.help =
	    "an edge node of Sparkplug B 3.0, on a connection of its own; without this section there is none",
	.keys = keys,
	.size = sizeof(struct sparkplug_config),
	.place = offsetof(struct config, sparkplug),
	.optional = true,
	.inherits = "mqtt",
	.check = check,
};
