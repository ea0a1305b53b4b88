/* points: the readings of the devices, now. */
#include "config/ini/cleanup.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/say.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/values.h"

#include <string.h>

static const struct table_column columns[] = { { "POINT" }, { "VALUE", true }, { "UNIT" }, { "QUALITY" },
	{ "AGE", true } };

static void put_point(struct arena *a, struct table *t, const char *name, const json_t *point, int64_t now_ms)
{
	const json_t *ts = json_object_get(point, "ts");
	const char *unit = values_text(point, "unit"), *quality = values_text(point, "quality");
	const enum table_style style = table_quality_style(quality);
	int64_t age = now_ms - json_integer_value(ts);
	table_cell(t, TABLE_PLAIN, "%s", name);
	table_cell(t, style, "%s", values_show(a, json_object_get(point, "value")));
	table_cell(t, TABLE_PLAIN, "%s", strcmp(unit, "1") == 0 ? "" : unit);
	table_cell(t, style, "%s", quality);
	table_cell(t, TABLE_PLAIN, "%s", json_is_integer(ts) ? values_span(a, age > 0 ? age : 0) : "never");
}

static void print(struct ctl *c, const json_t *reply)
{
	const char *name;
	json_t *point;
	struct table *t = table_new(c->arena, columns, sizeof(columns) / sizeof(columns[0]));
	int64_t now_ms = json_integer_value(json_object_get(reply, "ts"));
	json_object_foreach(json_object_get(reply, "points"), name, point)
	    put_point(c->arena, t, name, point, now_ms);
	table_print(t);
}

static int run(struct ctl *c)
{
	_cleanup_reply_ struct client_reply reply = { 0 };
	const char *glob = c->word_count ? c->words[0] : NULL;
	if (glob && !strpbrk(glob, ".*?")) /* a device */
		glob = arena_printf(c->arena, "%s.*", glob);
	int code = client_get(c,
	    glob ? arena_printf(c->arena, "/v1/points?match=%s", client_escape(c, glob)) : "/v1/points",
	    &reply);
	if (code != CTL_GOOD)
		return code;
	if (c->json)
		return client_print(c, &reply);
	if (glob && json_object_size(json_object_get(reply.json, "points")) == 0)
		return say_failed("no point is named '%s'%s (coolantctl points lists all)", c->words[0],
		    client_suggest(c, "/v1/points", "points", glob));
	print(c, reply.json);
	return CTL_GOOD;
}

const struct command points_command = {
	.name = "points",
	.arguments = "[GLOB]",
	.help = "the latest readings, of all points or of those that match",
	.about = "A point is DEVICE.POINT; * stands for any characters, ? for one. The name of a device "
		 "alone means all "
		 "its points. A reading that is not good enough to use is -, and its quality says why. AGE "
		 "is the time "
		 "since the device's last reply for it.",
	.most = 1,
	.word = COMMAND_WORD_POINT,
	.schema = "http-points",
	.run = run,
};
