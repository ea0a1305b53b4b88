#include "daemon/ctl/help.h"

#include "daemon/ctl/commands.h"

#include <stdio.h>
#include <string.h>

#define LINE 80

/* Text in lines of LINE columns, each indented but the first, which stands where the cursor is. */
static void put_wrapped(const char *text, size_t indent)
{
	size_t column = indent;
	for (const char *word = text; *word;) {
		size_t n = strcspn(word, " \n");
		if (column > indent && column + 1 + n > LINE) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			putchar(' ');
			column++;
		}
		printf("%.*s", (int)n, word);
		column += n;
		word += n;
		word += strspn(word, " \n");
	}
	putchar('\n');
}

#define HELP_COLUMN 24

static void put_row(const char *left, const char *help)
{
	printf("  %s", left);
	size_t n = 2 + strlen(left);
	if (n + 2 > HELP_COLUMN)
		printf("\n%*s", HELP_COLUMN, "");
	else
		printf("%*s", (int)(HELP_COLUMN - n), "");
	put_wrapped(help, HELP_COLUMN);
}

static void put_option(const struct command_option *o)
{
	char left[64], letter[8] = "    ";
	if (o->letter)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	snprintf(left, sizeof(left), "%s--%s%s%s", letter, o->name, o->argument ? " " : "",
	    o->argument ? o->argument : "");
	put_row(left, o->help);
}

static void put_command(const struct command *c)
{
	char left[96];
	snprintf(left, sizeof(left), "%s%s%s", c->name, *c->arguments ? " " : "", c->arguments);
	put_row(left, c->help);
}

static void put_all(void)
{
	printf("Usage: coolantctl [OPTION…] COMMAND [ARGUMENT…]\n\n"
	       "Asks and tells the coolantd that runs on this machine, and reads what it reads.\n\n"
	       "Commands:\n");
	for (size_t i = 0; commands[i]; i++)
		put_command(commands[i]);
	printf("\nOptions:\n");
	for (const struct command_option *o = command_common_options; o->name; o++)
		put_option(o);
	printf("\nExit codes: 0 good, 1 it could not be done, 2 wrong usage, 78 bad configuration.\n"
	       "'coolantctl COMMAND --help' says more of one; coolantctl(1) of all.\n");
}

/* The commands below another: "alarms ack" below "alarms". */
static void put_below(const struct command *c)
{
	const size_t n = strlen(c->name);
	bool any = false;
	for (size_t i = 0; commands[i]; i++) {
		if (strncmp(commands[i]->name, c->name, n) != 0 || commands[i]->name[n] != ' ')
			continue;
		if (!any)
			printf("\nSee also:\n");
		any = true;
		put_command(commands[i]);
	}
}

void help_print(const struct command *c)
{
	if (!c) {
		put_all();
		return;
	}
	printf("Usage: coolantctl %s%s%s [OPTION…]\n\n", c->name, *c->arguments ? " " : "", c->arguments);
	put_wrapped(c->help, 0);
	if (*c->about) {
		putchar('\n');
		put_wrapped(c->about, 0);
	}
	printf("\nOptions:\n");
	for (const struct command_option *o = c->options; o && o->name; o++)
		put_option(o);
	for (const struct command_option *o = command_common_options; o->name; o++)
		if (strcmp(o->name, "json") != 0 || c->schema)
			put_option(o);
	put_below(c);
}
