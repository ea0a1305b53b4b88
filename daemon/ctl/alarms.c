/* alarms: the state of each, the most urgent first. */
#include "config/ini/cleanup.h"
#include "daemon/ctl/alarm_rows.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/values.h"

static const struct table_column columns[] = { { "ALARM" }, { "STATE" }, { "SEVERITY" }, { "VALUE", true },
	{ "SINCE" }, { "MESSAGE" } };

static void put_alarm(struct arena *a, struct table *t, const struct alarm_row *r)
{
	const enum table_style style = alarm_row_style(r);
	table_cell(t, TABLE_PLAIN, "%s", r->name);
	table_cell(t, style, "%s", values_text(r->alarm, "state"));
	table_cell(t, style, "%s", values_text(r->alarm, "severity"));
	table_cell(t, TABLE_PLAIN, "%s", values_show(a, json_object_get(r->alarm, "value")));
	table_cell(t, TABLE_PLAIN, "%s", values_time(a, json_object_get(r->alarm, "ts")));
	table_cell(t, TABLE_PLAIN, "%s", alarm_row_message(a, r));
}

static void print(struct ctl *c, const json_t *alarms)
{
	struct alarm_row *rows;
	size_t count = alarm_rows_of(c->arena, alarms, &rows);
	struct table *t = table_new(c->arena, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < count; i++)
		put_alarm(c->arena, t, &rows[i]);
	table_print(t);
}

static int run(struct ctl *c)
{
	_cleanup_reply_ struct client_reply reply = { 0 };
	int code = client_get(c, "/v1/alarms", &reply);
	if (code != CTL_GOOD || c->json)
		return code != CTL_GOOD ? code : client_print(c, &reply);
	print(c, json_object_get(reply.json, "alarms"));
	return CTL_GOOD;
}

const struct command alarms_command = {
	.name = "alarms",
	.arguments = "",
	.help = "all alarms and their states, the most urgent first",
	.about = "",
	.schema = "http-alarms",
	.run = run,
};
