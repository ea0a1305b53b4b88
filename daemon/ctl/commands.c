#include "daemon/ctl/commands.h"

#include "config/ini/suggest.h"

#include <string.h>

const struct command *const commands[] = {
	&init_command,
	&check_command,
	&status_command,
	&top_command,
	&points_command,
	&alarms_command,
	&alarms_ack_command,
	&alarms_shelve_command,
	&alarms_unshelve_command,
	&alarms_history_command,
	&spool_command,
	&explain_command,
	&report_command,
	&read_command,
	&scan_command,
	&capture_command,
	&profiles_command,
	&profiles_lint_command,
	NULL,
};

const struct command_option command_common_options[] = {
	{ "config", 'c', "FILE",
	    "the configuration, for what is read offline (default " CTL_DEFAULT_CONFIG ")" },
	{ "socket", 0, "PATH", "where coolantd listens (default " CTL_DEFAULT_SOCKET ")" },
	{ "timeout", 0, "TIME", "how long to wait for its answer (default 10s)" },
	{ "json", 0, NULL, "print JSON, by its schema in /usr/share/coolantd/schemas" },
	{ "help", 'h', NULL, "print the help of a command and exit" },
	{ "version", 0, NULL, "print the version and exit" },
	{ NULL },
};

/* More words than there are commands, or options of one. */
#define WORDS_MAX 64

const struct command *commands_find(const char *name, const char *below)
{
	const size_t n = strlen(name);
	for (size_t i = 0; commands[i]; i++) {
		const char *full = commands[i]->name;
		if (strncmp(full, name, n) != 0)
			continue;
		if (below ? full[n] == ' ' && strcmp(full + n + 1, below) == 0 : full[n] == '\0')
			return commands[i];
	}
	return NULL;
}

const char *commands_suggest(struct arena *a, const char *name, const char *typed)
{
	const char *words[WORDS_MAX];
	size_t count = 0;
	const size_t n = name ? strlen(name) : 0;
	for (size_t i = 0; commands[i] && count < WORDS_MAX; i++) {
		const char *full = commands[i]->name;
		if (name ? strncmp(full, name, n) == 0 && full[n] == ' ' : !strchr(full, ' '))
			words[count++] = name ? full + n + 1 : full;
	}
	return suggest_word(a, typed, words, count, sizeof(words[0]));
}

static size_t add_options(
    struct arena *a, const struct command_option *o, const char *words[static WORDS_MAX], size_t count)
{
	for (; o && o->name && count < WORDS_MAX; o++)
		words[count++] = arena_printf(a, "--%s", o->name);
	return count;
}

const char *commands_suggest_option(struct arena *a, const struct command *c, const char *typed)
{
	const char *words[WORDS_MAX];
	size_t count = add_options(a, command_common_options, words, 0);
	if (c)
		count = add_options(a, c->options, words, count);
	return suggest_word(a, typed, words, count, sizeof(words[0]));
}
