/* ctl: what each command of coolantctl is run with (no I/O but a look at its stop_fd).
 *
 * What a command allocates in the arena lives until the program ends.
 */
#pragma once

#include "config/ini/arena.h"
#include "daemon/ctl/command.h"

#include <stdint.h>

struct ctl {
	struct arena *arena;
	const struct command *command;
	const char *config; /* what is read offline */
	const char *socket; /* of the running coolantd */
	int64_t timeout_ms; /* of a request */
	bool json;
	int stop_fd; /* readable when the user wants it to end; of a command that stops by itself */
	const char *words[COMMAND_WORDS_MAX]; /* the arguments */
	size_t word_count;
	struct {
		const struct command_option *option;
		const char *value;	/* "" for one that takes none */
	} options[COMMAND_OPTIONS_MAX]; /* the command's own that were given */
	size_t option_count;
};

#define CTL_DEFAULT_CONFIG "/etc/coolantd/coolantd.ini"
#define CTL_DEFAULT_SOCKET "/run/coolantd/http.sock"

/* The value of an option of the command's own; NULL = it was not given. */
const char *ctl_option(const struct ctl *c, const char *name);

bool ctl_is_stopped(const struct ctl *c);
