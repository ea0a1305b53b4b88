/* explain: a figure, taken apart to its readings. */
#include "config/ini/cleanup.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/printable.h"
#include "daemon/ctl/say.h"
#include "daemon/ctl/values.h"

#include <string.h>

static void print(struct ctl *c, const json_t *text)
{
	size_t i;
	json_t *line;
	json_array_foreach(text, i, line)
	    printf("%s\n", printable(c->arena, json_is_string(line) ? json_string_value(line) : ""));
}

static int run(struct ctl *c)
{
	_cleanup_reply_ struct client_reply reply = { 0 };
	const char *path = arena_printf(c->arena, "/v1/explain?figure=%s", client_escape(c, c->words[0]));
	int code = client_ask(c, "GET", path, NULL, &reply);
	if (code != CTL_GOOD)
		return code;
	if (reply.status == 404 && strncmp(client_error(c, &reply), "no such path", 12) == 0)
		return say_failed("%s: the coolantd there does not explain figures: is it older than this "
				  "coolantctl %s? (coolantctl status)",
		    c->socket, COOLANTD_VERSION);
	if (reply.status != 200)
		return say_failed("%s", client_error(c, &reply));
	if (c->json)
		return client_print(c, &reply);
	print(c, json_object_get(reply.json, "text"));
	return CTL_GOOD;
}

const struct command explain_command = {
	.name = "explain",
	.arguments = "FIGURE",
	.help = "take a figure apart to its readings, enough to compute it again by hand",
	.about = "FIGURE is DEVICE.POINT, loop.NAME.FIGURE (loop.secondary.heat), group.NAME.FIGURE, "
		 "pue.NAME.WINDOW (pue.row.1h), "
		 "pue.NAME.power_ratio or alarm.NAME.",
	.least = 1,
	.most = 1,
	.word = COMMAND_WORD_FIGURE,
	.schema = "http-explain",
	.run = run,
};
