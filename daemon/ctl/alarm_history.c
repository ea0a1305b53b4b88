/* alarms history: what has happened to them. */
#include "config/ini/cleanup.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/values.h"

#include <string.h>

static const struct table_column columns[] = { { "TIME" }, { "ALARM" }, { "STATE" }, { "SEVERITY" },
	{ "VALUE", true }, { "BY" }, { "MESSAGE" } };

static void put_change(struct arena *a, struct table *t, const json_t *change)
{
	const char *state = values_text(change, "state");
	const bool acknowledged = json_is_true(json_object_get(change, "acknowledged"));
	const bool raised = strcmp(state, "active") == 0 && !acknowledged;
	const bool critical = strcmp(values_text(change, "severity"), "critical") == 0;
	table_cell(t, TABLE_PLAIN, "%s", values_time(a, json_object_get(change, "ts")));
	table_cell(t, TABLE_PLAIN, "%s", values_text(change, "name"));
	table_cell(t,
	    !raised    ? TABLE_PLAIN
	    : critical ? TABLE_BAD
		       : TABLE_WARNING,
	    "%s%s", state, acknowledged ? ", acknowledged" : "");
	table_cell(t, TABLE_PLAIN, "%s", values_text(change, "severity"));
	table_cell(t, TABLE_PLAIN, "%s", values_show(a, json_object_get(change, "value")));
	table_cell(t, TABLE_PLAIN, "%s", values_text(change, "by"));
	table_cell(t, TABLE_PLAIN, "%s", values_text(change, "message"));
}

static int run(struct ctl *c)
{
	_cleanup_reply_ struct client_reply reply = { 0 };
	size_t i;
	json_t *change;
	int code = client_get(c, "/v1/alarms/history", &reply);
	if (code != CTL_GOOD || c->json)
		return code != CTL_GOOD ? code : client_print(c, &reply);
	struct table *t = table_new(c->arena, columns, sizeof(columns) / sizeof(columns[0]));
	json_array_foreach(json_object_get(reply.json, "history"), i, change) put_change(c->arena, t, change);
	table_print(t);
	return CTL_GOOD;
}

const struct command alarms_history_command = {
	.name = "alarms history",
	.arguments = "",
	.help = "what has happened to alarms and who did what, the oldest first",
	.about = "The last 10000 changes, none older than 400 days.",
	.schema = "http-alarms-history",
	.run = run,
};
