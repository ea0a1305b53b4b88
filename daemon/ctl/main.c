/* coolantctl: the operator's tool. A command is a file of its own and a row of the table. */
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/profiles.h"
#include "daemon/ctl/read.h"
#include "daemon/ctl/scan.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

static const struct command {
	const char *name;
	int (*run)(const struct ctl *ctl, int argc, char **argv);
	const char *arguments, *help;
} commands[] = {
	{ "read", ctl_read, "BUS-OR-URL UNIT TYPE:ADDR [COUNT]",
	    "one Modbus read, decoded in every type and order" },
	{ "profiles", ctl_profiles, "[NAME | lint FILE]",
	    "device profiles, one of them, or what could be better in one" },
	{ "scan", ctl_scan, "BUS-OR-URL [--units 1-32] [--baud LIST] [--parity LIST]",
	    "the units of a bus and the sections of a configuration for them" },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(void)
{
	printf("Usage: coolantctl [--socket PATH] [-c FILE] [--json] COMMAND …\n\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		printf("  %s %s\n      %s\n", commands[i].name, commands[i].arguments, commands[i].help);
	printf("\n      --socket PATH  of the running coolantd (default /run/coolantd/http.sock)\n"
	       "  -c, --config FILE  what is read offline (default /etc/coolantd/coolantd.ini)\n"
	       "      --json         listings as JSON\n"
	       "      --version      print the version and exit\n"
	       "  -h, --help         print this and exit\n");
}

/* Takes the options that all commands have out of argv, wherever they stand. -1 to go on, else the exit code.
 */
static int take_options(int *argc, char **argv, struct ctl *ctl)
{
	int kept = 1;
	for (int i = 1; i < *argc; i++) {
		const char *a = argv[i];
		bool is_socket = strcmp(a, "--socket") == 0;
		if (strcmp(a, "--json") == 0) {
			ctl->json = true;
		} else if (is_socket || strcmp(a, "-c") == 0 || strcmp(a, "--config") == 0) {
			if (++i == *argc) {
				fprintf(stderr, "coolantctl: %s needs a value\n", a);
				return CTL_USAGE;
			}
			*(is_socket ? &ctl->socket : &ctl->config) = argv[i];
		} else if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0) {
			print_help();
			return EXIT_SUCCESS;
		} else if (strcmp(a, "--version") == 0) {
			printf("coolantctl %s\n", COOLANTD_VERSION);
			return EXIT_SUCCESS;
		} else {
			argv[kept++] = argv[i];
		}
	}
	*argc = kept;
	argv[kept] = NULL;
	return -1;
}

int main(int argc, char **argv)
{
	struct ctl ctl = { .socket = "/run/coolantd/http.sock", .config = "/etc/coolantd/coolantd.ini" };
	sigset_t set;
	int code = take_options(&argc, argv, &ctl);
	if (code >= 0)
		return code;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	ctl.stop_fd = signalfd(-1, &set, SFD_CLOEXEC);
	for (size_t i = 0; argc > 1 && i < COMMAND_COUNT; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(&ctl, argc - 1, argv + 1);
	if (argc > 1)
		fprintf(stderr, "coolantctl: no command '%s'\n", argv[1]);
	fprintf(stderr, "Try 'coolantctl --help'.\n");
	return CTL_USAGE;
}
