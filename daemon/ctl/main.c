/* coolantctl: the operator's tool. Reads the command line by the table of commands and runs one. */
#include "daemon/ctl/commands.h"
#include "daemon/ctl/help.h"
#include "daemon/ctl/options.h"
#include "daemon/ctl/say.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

static int watch_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int run(struct ctl *c, int argc, char **argv)
{
	enum options_ask ask;
	int code = options_read(c, argc, (const char *const *)argv, &ask);
	if (code != CTL_GOOD)
		return code;
	if (ask == OPTIONS_RUN && c->command->stops)
		c->stop_fd = watch_signals();
	if (ask == OPTIONS_RUN)
		return c->command->run(c);
	if (ask == OPTIONS_HELP)
		help_print(c->command);
	else
		printf("coolantctl %s\n", COOLANTD_VERSION);
	return CTL_GOOD;
}

int main(int argc, char **argv)
{
	/* so that UTF-8 is measured and shown as such; numbers stay as the C locale has them */
	setlocale(LC_CTYPE, "C.UTF-8");
	struct ctl c = { .arena = arena_new(), .stop_fd = -1 };
	int code = run(&c, argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout))
		code = say_failed("the output cannot be written: %s", strerror(errno));
	arena_free(c.arena);
	return code;
}
