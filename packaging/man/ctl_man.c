/* Writes coolantctl(1) from the table of commands, so that the manual knows what the program knows. */
#include "daemon/ctl/commands.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Text with the characters escaped that roff would take for its own. */
static void put(const char *s)
{
	for (; *s; s++) {
		if (*s == '\\' || *s == '-')
			putchar('\\');
		putchar(*s);
	}
}

static void put_option(const struct command_option *o)
{
	printf(".TP\n.B ");
	if (o->letter)
		printf("\\-%c, ", o->letter);
	printf("\\-\\-");
	put(o->name);
	if (o->argument) {
		putchar(' ');
		put(o->argument);
	}
	printf("\n");
	put(o->help);
	printf(".\n");
}

static void put_command(const struct command *c)
{
	printf(".SS \"coolantctl ");
	put(c->name);
	if (*c->arguments) {
		putchar(' ');
		put(c->arguments);
	}
	printf("\"\n%c", toupper((unsigned char)c->help[0]));
	put(c->help + 1);
	printf(".\n");
	if (*c->about) {
		printf(".PP\n");
		put(c->about);
		printf("\n");
	}
	if (c->schema) {
		printf(".PP\nWith \\-\\-json: ");
		put(c->schema);
		printf(".schema.json.\n");
	}
	for (const struct command_option *o = c->options; o && o->name; o++)
		put_option(o);
}

int main(void)
{
	printf(".TH COOLANTCTL 1 \"\" \"coolantd " COOLANTD_VERSION "\" \"coolantd\"\n"
	       ".SH NAME\ncoolantctl \\- the operator's tool of coolantd\n"
	       ".SH SYNOPSIS\n.B coolantctl\n.RI [ OPTION ...]\n.I COMMAND\n.RI [ ARGUMENT ...]\n"
	       ".SH DESCRIPTION\n"
	       "Asks and tells the coolantd that runs on this machine, on its Unix socket, and reads what it "
	       "reads. Options may stand\n"
	       "anywhere; what is behind \\-\\- is an argument. Times are ISO 8601 in UTC "
	       "(2026\\-11\\-25T06:00:00Z); dates are told so too.\n"
	       "Text that comes from devices and files is printed with control characters escaped. Colour, "
	       "and a screen that is made\n"
	       "anew, are for terminals alone.\n"
	       ".SH OPTIONS\n");
	for (const struct command_option *o = command_common_options; o->name; o++)
		put_option(o);
	printf(".SH COMMANDS\n");
	for (size_t i = 0; commands[i]; i++)
		put_command(commands[i]);
	printf(".SH EXIT STATUS\n0 good; 1 it could not be done; 2 wrong usage; 78 bad configuration. What "
	       "went wrong, and what to do\n"
	       "about it, is on stderr.\n"
	       ".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nNo colour, when it is not empty.\n"
	       ".TP\n.B COOLANTD_PROFILE_PATH\nFolders of profiles, with colons between them.\n"
	       ".SH FILES\n.TP\n.I " CTL_DEFAULT_CONFIG "\nThe configuration.\n"
	       ".TP\n.I " CTL_DEFAULT_SOCKET
	       "\nThe socket of coolantd; root and the members of its group may use it.\n"
	       ".TP\n.I /usr/share/coolantd/schemas\nThe schemas of what \\-\\-json prints.\n"
	       ".SH EXAMPLES\n.nf\n.RS\n"
	       "coolantctl check\n"
	       "coolantctl points 'cdu1.*'\n"
	       "coolantctl alarms shelve cdu1\\-leak 2h\n"
	       "coolantctl explain pue.row.1h\n"
	       "coolantctl report \\-\\-month 2026\\-11 \\-\\-format csv >november.csv\n"
	       ".RE\n.fi\n"
	       ".SH SEE ALSO\n.BR coolantd (8),\n.BR coolantd.ini (5),\n.BR coolantd\\-http (7),\n.BR "
	       "coolantd\\-sim (1)\n");
	return 0;
}
