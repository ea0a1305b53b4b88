/* init: a commented configuration, from flags or from answers on a terminal. */
#include "config/ini/cleanup.h"
#include "config/ini/text.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/init_ask.h"
#include "daemon/ctl/init_text.h"
#include "daemon/ctl/printable.h"
#include "daemon/ctl/say.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* What would end a value, or begin another line. */
static const char *unusable(struct arena *a, const char *value)
{
	return strpbrk(value, "#;\n") || strcmp(printable(a, value), value) != 0
		   ? arena_printf(a,
			 "'%s' cannot stand in a configuration (allowed: text on one line without # and ;)",
			 value)
		   : NULL;
}

static int take_flag(struct ctl *c, struct init_answers *x, const char *name, const char *value)
{
	const struct {
		const char *name, **field;
	} fields[] = { { "site", &x->site }, { "rack", &x->rack }, { "broker", &x->broker },
		{ "username", &x->username }, { "password-file", &x->password_file },
		{ "coolant", &x->coolant }, { "facility", &x->facility }, { "cooling", &x->cooling },
		{ "it", &x->it } };
	const char *why = unusable(c->arena, value);
	if (why)
		return say_usage(c->command, "--%s: %s", name, why);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(fields[i].name, name) == 0)
			*fields[i].field = value;
	if (strcmp(name, "bus") == 0 && !init_take_bus(x, c->arena, value))
		return say_usage(c->command,
		    "--bus %s (allowed: up to %d of NAME=URL, as cdu=tcp://192.0.2.10)", value,
		    INIT_BUSES_MAX);
	if (strcmp(name, "device") == 0 && !init_take_device(x, c->arena, value))
		return say_usage(c->command,
		    "--device %s (allowed: up to %d of NAME=BUS:UNIT:PROFILE, as cdu1=cdu:12:orv3-rpu)",
		    value, INIT_DEVICES_MAX);
	return CTL_GOOD;
}

static int take_flags(struct ctl *c, struct init_answers *x)
{
	int code = CTL_GOOD;
	for (size_t i = 0; code == CTL_GOOD && i < c->option_count; i++)
		code = take_flag(c, x, c->options[i].option->name, c->options[i].value);
	return code;
}

/* Where it goes: NULL = stdout. */
static const char *target(const struct ctl *c)
{
	const char *path = ctl_option(c, "output");
	if (!path && c->word_count > 0)
		path = c->words[0];
	if (!path && (isatty(STDOUT_FILENO) || strcmp(c->config, CTL_DEFAULT_CONFIG) != 0))
		path = c->config;
	return path && strcmp(path, "-") != 0 ? path : NULL;
}

static int refuse(const char *path)
{
	return say_failed("%s is there already and is left as it is (allowed: --force to replace it, or "
			  "another --output FILE)",
	    path);
}

/* What is there stays whole until the new one is. */
static int write_file(struct ctl *c, const char *path, const char *text)
{
	const bool force = ctl_option(c, "force") != NULL;
	const char *made = force ? arena_printf(c->arena, "%s.new", path) : path;
	_cleanup_close_ int fd =
	    open(made, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (force ? O_TRUNC : O_EXCL), 0644);
	if (fd < 0)
		return errno == EEXIST ? refuse(path) : say_failed("%s: %s", made, strerror(errno));
	const size_t size = strlen(text);
	if (write(fd, text, size) != (ssize_t)size || fsync(fd) < 0 || (force && rename(made, path) < 0)) {
		const int err = errno;
		(void)unlink(made);
		return say_failed("%s: %s", path, strerror(err));
	}
	say_note(
	    "%s is written; next: coolantctl check %s, then systemctl enable --now coolantd", path, path);
	return CTL_GOOD;
}

static int run(struct ctl *c)
{
	struct init_answers *x = arena_alloc(c->arena, sizeof(*x));
	const char *path = target(c), *why = NULL;
	int code = take_flags(c, x);
	if (code != CTL_GOOD)
		return code;
	if (path && !ctl_option(c, "force") && access(path, F_OK) == 0)
		return refuse(path);
	if ((!x->site || !x->rack) && isatty(STDIN_FILENO) && isatty(STDERR_FILENO)) {
		if (!init_ask(x, c->arena))
			return say_failed("not finished: nothing is written");
	}
	if (!x->site || !x->rack)
		return say_usage(
		    c->command, "--%s is missing (on a terminal it is asked for)", x->site ? "rack" : "site");
	if (!x->it && (x->facility || x->cooling))
		return say_usage(c->command, "--it is missing: a PUE is over the meters of IT");
	const char *text = init_text(x, c->arena, &why);
	if (text)
		why = init_text_check(text, c->arena);
	if (!text || why)
		return say_usage(c->command, "this would not be good: %s", why ? why : "it cannot be made");
	if (path)
		return write_file(c, path, text);
	fputs(text, stdout);
	return CTL_GOOD;
}

static const struct command_option options[] = {
	{ "site", 0, "NAME", "the site; with the rack it names this controller in topics" },
	{ "rack", 0, "NAME", "the rack or row that it stands beside" },
	{ "broker", 0, "URL", "of MQTT, as mqtt://localhost:1883 or mqtts://broker.example" },
	{ "username", 0, "NAME", "at the broker" },
	{ "password-file", 0, "FILE", "with the password for it" },
	{ "bus", 0, "NAME=URL",
	    "a bus, as cdu=tcp://192.0.2.10 or cdu=rtu:///dev/ttyUSB0?baud=19200&parity=even; again for "
	    "each" },
	{ "device", 0, "NAME=BUS:UNIT:PROFILE", "a device, as cdu1=cdu:12:orv3-rpu; again for each" },
	{ "coolant", 0, "water|pg25|pg30|eg25|eg30",
	    "in the loops of devices that measure one (default pg25)" },
	{ "facility", 0, "LIST", "the meters of all that the row takes: its PUE" },
	{ "cooling", 0, "LIST", "the meters of its cooling: a partial PUE without a facility meter" },
	{ "it", 0, "LIST", "the meters of its IT" },
	{ "output", 0, "FILE", "where it is written; - is stdout" },
	{ "force", 0, NULL, "replace a file that is there" },
	{ NULL },
};

const struct command init_command = {
	.name = "init",
	.arguments = "[FILE]",
	.help = "write a commented configuration, from flags or from answers on a terminal",
	.about = "It goes to FILE, or that of -c; without either to " CTL_DEFAULT_CONFIG
		 " on a terminal, and else to stdout. It is checked before "
		 "it is written, and a file that is there is left as it is without --force. Every key is in "
		 "it, with what it is for and its "
		 "default.",
	.options = options,
	.most = 1,
	.word = COMMAND_WORD_FILE,
	.run = run,
};
