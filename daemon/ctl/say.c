#include "daemon/ctl/say.h"

#include "daemon/ctl/printable.h"

#include <stdarg.h>
#include <stdio.h>

static void say(const char *format, va_list ap) __attribute__((format(printf, 1, 0)));
static void say(const char *format, va_list ap)
{
	struct arena *a = arena_new();
	fflush(stdout);
	fprintf(stderr, "coolantctl: %s\n", printable(a, arena_vprintf(a, format, ap)));
	arena_free(a);
}

int say_failed(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	say(format, ap);
	va_end(ap);
	return CTL_FAILED;
}

int say_usage(const struct command *c, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	say(format, ap);
	va_end(ap);
	if (c)
		fprintf(
		    stderr, "Usage: coolantctl %s%s%s\n", c->name, *c->arguments ? " " : "", c->arguments);
	fprintf(stderr, "Try 'coolantctl %s%s--help'.\n", c ? c->name : "", c ? " " : "");
	return CTL_USAGE;
}

int say_config(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	say(format, ap);
	va_end(ap);
	return CTL_CONFIG;
}

void say_note(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	say(format, ap);
	va_end(ap);
}

void say_finding(bool is_error, const char *text, void *user)
{
	if (is_error)
		say_note("%s", text);
}
