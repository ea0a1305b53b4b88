/* status: how coolantd does, on one screen. */
#include "config/ini/cleanup.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/values.h"

#include <string.h>

static json_int_t number(const json_t *object, const char *group, const char *key)
{
	return json_integer_value(json_object_get(json_object_get(object, group), key));
}

static const struct table_column columns[] = { { "WHAT" }, { "HOW" } };

static void put_share(struct table *t, const json_t *s, const char *group, const char *key, const char *what)
{
	json_int_t all = number(s, group, "configured"), good = number(s, group, key);
	table_cell(t, TABLE_PLAIN, "%s", group);
	table_cell(t, good < all ? TABLE_WARNING : TABLE_PLAIN,
	    "%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " %s", good, all, what);
}

/* `of` has the publisher and the spool of a connection, whose name is "" for the main one. */
static void put_broker(struct table *t, const char *name, const json_t *of)
{
	bool connected = json_is_true(json_object_get(json_object_get(of, "publisher"), "connected"));
	table_cell(t, TABLE_PLAIN, "broker%s%s", *name ? " " : "", name);
	table_cell(t, connected ? TABLE_PLAIN : TABLE_BAD,
	    "%s, %" JSON_INTEGER_FORMAT " messages acknowledged, %" JSON_INTEGER_FORMAT " reconnects",
	    connected ? "connected" : "not connected", number(of, "publisher", "acknowledged"),
	    number(of, "publisher", "reconnects"));
}

static void put_spool(struct arena *a, struct table *t, const char *name, const json_t *of)
{
	json_int_t depth = number(of, "spool", "depth");
	const char *problem = values_text(json_object_get(of, "spool"), "problem");
	table_cell(t, TABLE_PLAIN, "spool%s%s", *name ? " " : "", name);
	if (*problem)
		table_cell(t, TABLE_BAD, "%s", problem);
	else if (depth == 0)
		table_cell(t, TABLE_PLAIN, "empty");
	else
		table_cell(t, TABLE_WARNING, "%" JSON_INTEGER_FORMAT " messages wait, %s", depth,
		    values_size(a, (double)number(of, "spool", "bytes")));
}

static void put_connections(struct arena *a, struct table *t, const json_t *s)
{
	const char *name;
	json_t *of;
	put_broker(t, "", s);
	put_spool(a, t, "", s);
	json_object_foreach(json_object_get(s, "connections"), name, of)
	{
		put_broker(t, name, of);
		put_spool(a, t, name, of);
	}
}

static void put_alarms(struct arena *a, struct table *t, const json_t *s)
{
	const char *word, *text = "";
	json_t *count;
	bool any = false;
	json_object_foreach(json_object_get(s, "alarms"), word, count)
	{
		if (json_integer_value(count) == 0)
			continue;
		text = arena_printf(a, "%s%s%" JSON_INTEGER_FORMAT " %s", text, *text ? ", " : "",
		    json_integer_value(count), word);
		any = any || strcmp(word, "normal") != 0;
	}
	table_cell(t, TABLE_PLAIN, "alarms");
	table_cell(t, any ? TABLE_WARNING : TABLE_PLAIN, "%s", *text ? text : "none");
}

static void print(struct ctl *c, const json_t *s)
{
	struct arena *a = c->arena;
	struct table *t = table_new(a, columns, 2);
	const json_t *info = json_object_get(s, "info");
	bool healthy = json_is_true(json_object_get(s, "healthy"));
	table_cell(t, TABLE_PLAIN, "coolantd");
	table_cell(t, healthy ? TABLE_GOOD : TABLE_BAD, "%s",
	    healthy ? "healthy" : "not healthy: a part makes no progress");
	table_cell(t, TABLE_PLAIN, "controller");
	table_cell(t, TABLE_PLAIN, "%s/%s", values_text(info, "site"), values_text(info, "rack"));
	table_cell(t, TABLE_PLAIN, "version");
	table_cell(t, TABLE_PLAIN, "%s, configuration %s", values_text(info, "version"),
	    values_text(info, "config_hash"));
	table_cell(t, TABLE_PLAIN, "started");
	table_cell(t, TABLE_PLAIN, "%s, up for %s", values_time(a, json_object_get(info, "start_time")),
	    values_span(a, json_integer_value(json_object_get(s, "uptime_s")) * 1000));
	put_share(t, s, "devices", "up", "up");
	put_share(t, s, "points", "usable", "usable");
	put_connections(a, t, s);
	put_alarms(a, t, s);
	table_print(t);
}

static int run(struct ctl *c)
{
	_cleanup_reply_ struct client_reply reply = { 0 };
	int code = client_get(c, "/v1/status", &reply);
	if (code != CTL_GOOD || c->json)
		return code != CTL_GOOD ? code : client_print(c, &reply);
	print(c, reply.json);
	return CTL_GOOD;
}

const struct command status_command = {
	.name = "status",
	.arguments = "",
	.help = "how coolantd does: devices, points, broker, spool, alarms",
	.about = "",
	.schema = "http-status",
	.run = run,
};
