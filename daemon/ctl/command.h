/* command: what a command of coolantctl is (pure).
 *
 * A command stands in one file of this folder, as one struct; the table of all is in commands.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What the program exits with. */
enum ctl_exit {
	CTL_GOOD = 0,
	CTL_FAILED = 1, /* it could not be done */
	CTL_USAGE = 2,	/* the command line is wrong */
	CTL_CONFIG = 78 /* the configuration is wrong: EX_CONFIG */
};

struct command_option {
	const char *name;     /* without the dashes; NULL ends the list */
	char letter;	      /* 0 = none */
	const char *argument; /* the word for its value in the help, or the words with | between; NULL = it
				 takes none */
	const char *help;
};

/* What stands at an argument: for the completions of a shell. */
enum command_word {
	COMMAND_WORD_ANY,
	COMMAND_WORD_FILE,
	COMMAND_WORD_POINT,
	COMMAND_WORD_ALARM,
	COMMAND_WORD_BUS,
	COMMAND_WORD_PROFILE,
	COMMAND_WORD_FIGURE,
};

/* Given to one command: init takes one for each bus and device. */
#define COMMAND_OPTIONS_MAX 400
#define COMMAND_WORDS_MAX 8

struct ctl;

struct command {
	const char *name;      /* "points", or "alarms ack" for a command below another */
	const char *arguments; /* as in the help: "[GLOB]"; "" = none */
	const char *help;      /* one line, without a full stop */
	const char *about;     /* sentences for --help and the manual; "" = the line says it all */
	const struct command_option *options; /* its own, beside those that all have; NULL = none */
	size_t least, most;		      /* how many arguments it takes, of at most COMMAND_WORDS_MAX */
	enum command_word word;		      /* what the first is */
	const char *schema; /* of what --json prints, in packaging/schemas; NULL = it has no --json */
	bool stops;	    /* by itself, looking at stop_fd; else a signal ends it as it does anything */
	int (*run)(struct ctl *c); /* an enum ctl_exit */
};
