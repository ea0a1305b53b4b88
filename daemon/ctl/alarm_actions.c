/* alarms ack, shelve, unshelve: what an operator does with one. */
#include "config/ini/text.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/printable.h"
#include "daemon/ctl/say.h"
#include "daemon/ctl/values.h"
#include "drivers/os/clock.h"

#include "config/ini/cleanup.h"

#define SHELVE_MAX_S INT64_C(604800) /* 7d */

/* How it is now, in a line. */
static void print(struct ctl *c, const char *name, const json_t *alarm)
{
	struct arena *a = c->arena;
	const char *text = arena_printf(a, "%s: %s", name, values_text(alarm, "state"));
	const json_t *until = json_object_get(alarm, "shelved_until");
	const char *by = values_text(alarm, json_is_integer(until) ? "shelved_by" : "acknowledged_by");
	if (json_is_integer(until))
		text = arena_printf(a, "%s until %s", text, values_time(a, until));
	else if (json_is_true(json_object_get(alarm, "acknowledged")))
		text = arena_printf(a, "%s, acknowledged", text);
	printf("%s\n", printable(a, *by ? arena_printf(a, "%s by %s", text, by) : text));
}

/* POST /v1/alarms/NAME/what, for the first argument. */
static int act(struct ctl *c, const char *what, const char *body)
{
	_cleanup_reply_ struct client_reply reply = { 0 };
	const char *name = c->words[0];
	const char *path = arena_printf(c->arena, "/v1/alarms/%s/%s", client_escape(c, name), what);
	int code = client_ask(c, "POST", path, body, &reply);
	if (code != CTL_GOOD)
		return code;
	if (reply.status == 404)
		return say_failed("no alarm is named '%s'%s (coolantctl alarms lists all)", name,
		    client_suggest(c, "/v1/alarms", "alarms", name));
	if (reply.status != 200)
		return say_failed("%s", client_error(c, &reply));
	if (c->json)
		return client_print(c, &reply);
	print(c, name, reply.json);
	return CTL_GOOD;
}

static int acknowledge(struct ctl *c)
{
	return act(c, "ack", NULL);
}

static int shelve(struct ctl *c)
{
	int64_t ns;
	if (text_duration(c->words[1], &ns) < 0 || ns < NS_PER_S || ns > SHELVE_MAX_S * NS_PER_S)
		return say_usage(
		    c->command, "'%s' is not how long (allowed: 1s to 7d, as 30m, 2h, 1d)", c->words[1]);
	return act(c, "shelve", arena_printf(c->arena, "{\"for\":\"%s\"}", c->words[1]));
}

static int unshelve(struct ctl *c)
{
	return act(c, "unshelve", NULL);
}

const struct command alarms_ack_command = {
	.name = "alarms ack",
	.arguments = "NAME",
	.help = "acknowledge an alarm",
	.about = "One that is critical or latched stays until somebody does. Who did it is in the alarm and "
		 "in the journal.",
	.least = 1,
	.most = 1,
	.word = COMMAND_WORD_ALARM,
	.schema = "alarm",
	.run = acknowledge,
};

const struct command alarms_shelve_command = {
	.name = "alarms shelve",
	.arguments = "NAME TIME",
	.help = "hide an alarm for a time, as 2h, while somebody works at what it watches",
	.about = "It is back by itself. TIME is 1s to 7d.",
	.least = 2,
	.most = 2,
	.word = COMMAND_WORD_ALARM,
	.schema = "alarm",
	.run = shelve,
};

const struct command alarms_unshelve_command = {
	.name = "alarms unshelve",
	.arguments = "NAME",
	.help = "take a shelved alarm back before its time",
	.about = "",
	.least = 1,
	.most = 1,
	.word = COMMAND_WORD_ALARM,
	.schema = "alarm",
	.run = unshelve,
};
