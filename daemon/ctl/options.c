#include "daemon/ctl/options.h"

#include "config/ini/text.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/say.h"
#include "drivers/os/clock.h"

#include <string.h>

#define TIMEOUT_DEFAULT_MS 10000

struct reading {
	struct ctl *c;
	const char *const *next; /* the argument that is to be read; NULL ends them */
	enum options_ask ask;
	const char *first; /* the first word, of the command */
};

/* The option of a list by its name of n bytes, or by its letter when there is no name. */
static const struct command_option *find(
    const struct command_option *o, const char *name, size_t n, char letter)
{
	for (; o && o->name; o++)
		if (name ? strlen(o->name) == n && strncmp(o->name, name, n) == 0
			 : o->letter && o->letter == letter)
			return o;
	return NULL;
}

static int take_timeout(struct ctl *c, const char *value)
{
	int64_t ns;
	if (text_duration(value, &ns) < 0 || ns < NS_PER_MS)
		return say_usage(
		    c->command, "--timeout %s: not a time (allowed: 1ms and more, as 500ms, 10s, 1m)", value);
	c->timeout_ms = ns / NS_PER_MS;
	return CTL_GOOD;
}

static int take_common(struct reading *r, const struct command_option *o, const char *value)
{
	if (strcmp(o->name, "config") == 0)
		r->c->config = value;
	else if (strcmp(o->name, "socket") == 0)
		r->c->socket = value;
	else if (strcmp(o->name, "timeout") == 0)
		return take_timeout(r->c, value);
	else if (strcmp(o->name, "json") == 0)
		r->c->json = true;
	else if (strcmp(o->name, "help") == 0)
		r->ask = OPTIONS_HELP;
	else
		r->ask = OPTIONS_VERSION;
	return CTL_GOOD;
}

static int take_own(struct ctl *c, const struct command_option *o, const char *value)
{
	if (c->option_count == COMMAND_OPTIONS_MAX)
		return say_usage(c->command, "more than %d options", COMMAND_OPTIONS_MAX);
	c->options[c->option_count].option = o;
	c->options[c->option_count++].value = value;
	return CTL_GOOD;
}

/* An option with the value that is written behind it, if any: --name=VALUE, -nVALUE. */
static int take_option(struct reading *r, const char *typed, size_t n, char letter, const char *value)
{
	struct ctl *c = r->c;
	const char *name = letter ? NULL : typed + 2;
	const char *word = arena_strndup(c->arena, typed, letter ? 2 : n + 2);
	const struct command_option *common = find(command_common_options, name, n, letter);
	const struct command_option *o =
	    common ? common : find(c->command ? c->command->options : NULL, name, n, letter);
	if (!o)
		return say_usage(c->command, "unknown option '%s'%s%s", word,
		    commands_suggest_option(c->arena, c->command, word),
		    c->command ? "" : " (options of a command stand behind it)");
	if (!o->argument && value)
		return say_usage(c->command, "%s takes no value", word);
	if (o->argument && !value)
		value = *r->next ? *r->next++ : NULL;
	if (o->argument && (!value || *value == '\0'))
		return say_usage(c->command, "%s needs a value: %s", word, o->argument);
	return common ? take_common(r, o, value) : take_own(c, o, value ? value : "");
}

static int take_long(struct reading *r, const char *typed)
{
	const char *equals = strchr(typed, '=');
	size_t n = equals ? (size_t)(equals - typed - 2) : strlen(typed + 2);
	return take_option(r, typed, n, 0, equals ? equals + 1 : NULL);
}

static int take_short(struct reading *r, const char *typed)
{
	return take_option(r, typed, 0, typed[1], typed[2] ? typed + 2 : NULL);
}

static int take_command(struct reading *r, const char *word)
{
	r->first = word;
	r->c->command = commands_find(word, NULL);
	if (!r->c->command)
		return say_usage(
		    NULL, "unknown command '%s'%s", word, commands_suggest(r->c->arena, NULL, word));
	return CTL_GOOD;
}

static int take_word(struct reading *r, const char *word)
{
	struct ctl *c = r->c;
	if (!r->first && r->ask == OPTIONS_RUN && strcmp(word, "help") == 0) { /* help COMMAND, too */
		r->ask = OPTIONS_HELP;
		return CTL_GOOD;
	}
	if (!r->first)
		return take_command(r, word);
	const struct command *below = c->word_count == 0 ? commands_find(r->first, word) : NULL;
	if (below && c->command->name == commands_find(r->first, NULL)->name) {
		c->command = below;
		return CTL_GOOD;
	}
	if (c->word_count == c->command->most)
		return say_usage(c->command, "%s: unexpected argument '%s'%s", c->command->name, word,
		    c->word_count == 0 ? commands_suggest(c->arena, r->first, word) : "");
	c->words[c->word_count++] = word;
	return CTL_GOOD;
}

static int take_all(struct reading *r)
{
	bool only_words = false;
	int code = CTL_GOOD;
	while (code == CTL_GOOD && *r->next) {
		const char *typed = *r->next++;
		if (!only_words && strcmp(typed, "--") == 0)
			only_words = true;
		else if (only_words || typed[0] != '-' || typed[1] == '\0')
			code = take_word(r, typed);
		else
			code = typed[1] == '-' ? take_long(r, typed) : take_short(r, typed);
	}
	return code;
}

int options_read(struct ctl *c, int argc, const char *const *argv, enum options_ask *ask)
{
	struct reading r = { .c = c, .next = argv + (argc > 0) };
	c->config = CTL_DEFAULT_CONFIG;
	c->socket = CTL_DEFAULT_SOCKET;
	c->timeout_ms = TIMEOUT_DEFAULT_MS;
	int code = take_all(&r);
	*ask = r.ask;
	if (code != CTL_GOOD || r.ask != OPTIONS_RUN)
		return code;
	if (!c->command)
		return say_usage(NULL, "no command");
	if (c->word_count < c->command->least)
		return say_usage(
		    c->command, "%s: an argument is missing: %s", c->command->name, c->command->arguments);
	if (c->json && !c->command->schema)
		return say_usage(c->command, "%s prints no JSON", c->command->name);
	return CTL_GOOD;
}
