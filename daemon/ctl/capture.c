/* capture: coolantctl capture, what goes over a bus, into a file that coolantd-sim plays again. */
#include "config/ini/text.h"
#include "daemon/ctl/bus_url.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/port.h"
#include "daemon/ctl/say.h"
#include "daemon/ctl/shared.h"
#include "drivers/modbus/driver.h"
#include "drivers/os/log.h"
#include "drivers/os/wait.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* So often what came is written: the daemon keeps some seconds of the fastest bus. */
#define TURN_NS (500 * NS_PER_MS)

struct output {
	FILE *file;
	const char *path;
	size_t size;
};

/* Until the deadline, or the user's wish. False at its end. */
static bool wait_turn(const struct ctl *c, int64_t turn_ns, int64_t end_ns)
{
	struct pollfd fd = { c->stop_fd, POLLIN, 0 };
	(void)wait_ready(&fd, 1, turn_ns < end_ns ? turn_ns : end_ns);
	return !fd.revents && clock_boottime() < end_ns;
}

static int capture_shared(const struct ctl *c, const struct port *p, const struct output *o, int64_t end_ns)
{
	uint64_t from = 0;
	bool more = true;
	while (shared_capture(port_ctl(p), port_bus(p)->name, &from, o->file)) {
		if (fflush(o->file) != 0)
			return say_failed("%s: %s", o->path, strerror(errno));
		if (!more)
			return CTL_GOOD;
		more = wait_turn(c, clock_boottime() + TURN_NS, end_ns);
	}
	return CTL_FAILED;
}

static void drop_batches(struct inbox *batches)
{
	for (struct inbox_item *i = inbox_take(batches), *next; i; i = next) {
		next = i->next;
		batch_free((struct batch *)i);
	}
}

static int write_new(void *driver, uint64_t *from, const struct output *o)
{
	char *text = modbus_driver.capture(driver, *from, from);
	int failed = !text || fputs(text, o->file) < 0 || fflush(o->file) != 0;
	free(text);
	return failed ? say_failed("%s: %s", o->path, strerror(errno)) : CTL_GOOD;
}

/* Polls the devices of the configuration as coolantd would. */
static int poll_devices(
    const struct ctl *c, void *driver, struct inbox *batches, const struct output *o, int64_t end_ns)
{
	uint64_t from = 0;
	int code = write_new(driver, &from, o);
	for (int64_t turn = clock_boottime() + TURN_NS; code == CTL_GOOD;) {
		int64_t due = modbus_driver.next_deadline(driver);
		bool more = wait_turn(c, due < turn ? due : turn, end_ns);
		if (more && due <= clock_boottime())
			modbus_driver.poll(driver);
		drop_batches(batches);
		if (more && clock_boottime() < turn)
			continue;
		turn = clock_boottime() + TURN_NS;
		code = write_new(driver, &from, o);
		if (!more)
			break;
	}
	return code;
}

static int capture_own(
    const struct ctl *c, struct config *config, size_t bus, const struct output *o, int64_t end_ns)
{
	struct progress unwatched = { 0 };
	struct inbox *batches = batch_inbox_new();
	const struct driver_host host = { .batches = batches, .progress = &unwatched, .stop_fd = c->stop_fd };
	log_set_level(LOG_WARNING);
	void *driver = batches ? modbus_driver.open(config, bus, &host) : NULL;
	int code = driver ? poll_devices(c, driver, batches, o, end_ns) : say_failed("%s", strerror(ENOMEM));
	if (driver)
		modbus_driver.close(driver);
	if (batches) {
		drop_batches(batches);
		inbox_free(batches);
	}
	return code;
}

/* The bus of a configuration that is at a URL, or has the port's name; -1 = there is none. */
static ssize_t find_bus(const struct config *config, const struct bus_config *bus)
{
	for (size_t i = 0; config && i < config->bus_count; i++)
		if (&config->buses[i] == bus || bus_same_endpoint(&config->buses[i], bus))
			return (ssize_t)i;
	return -1;
}

static bool has_devices(const struct config *config, size_t bus)
{
	for (size_t i = 0; i < config->device_count; i++)
		if (config->devices[i].bus == bus && config->devices[i].enabled)
			return true;
	return false;
}

static struct config *load(const char *path)
{
	struct diag *diag = diag_new();
	struct config *c = config_load(path, diag);
	diag_each(diag, say_finding, NULL);
	diag_free(diag);
	return c;
}

static int capture(struct ctl *c, const struct port *p, const struct output *o, int64_t end_ns)
{
	if (port_is_shared(p))
		return capture_shared(c, p, o, end_ns);
	struct config *config = port_config(p) ? config_ref(port_config(p)) : load(c->config);
	if (!config)
		return CTL_CONFIG;
	ssize_t bus = find_bus(config, port_bus(p));
	int code =
	    bus >= 0 && has_devices(config, (size_t)bus)
		? capture_own(c, config, (size_t)bus, o, end_ns)
		: say_config("%s: no device of it is on %s, so nothing would be asked (allowed: a bus with "
			     "devices; -c FILE for another configuration)",
		      c->config, port_bus(p)->name);
	config_unref(config);
	return code;
}

static int run_to_file(struct ctl *c, struct port *p, const char *path, int64_t end_ns)
{
	bool own = strcmp(path, "-") != 0;
	struct output o = { .file = own ? fopen(path, "we") : stdout, .path = path };
	if (!o.file)
		return say_failed("%s: %s", path, strerror(errno));
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "%s is captured to %s; Ctrl-C ends\n", port_bus(p)->name, path);
	int code = capture(c, p, &o, end_ns);
	if (own && fclose(o.file) != 0)
		code = say_failed("%s: %s", path, strerror(errno));
	return code;
}

static int run(struct ctl *c)
{
	const char *span = ctl_option(c, "for");
	int64_t span_ns = 0;
	int code;
	if (span && (text_duration(span, &span_ns) < 0 || span_ns == 0))
		return say_usage(c->command, "--for %s is no time (allowed: 30s, 15m, 1h)", span);
	struct port *p = port_open(c, c->words[0], &code);
	if (!p)
		return code;
	code = run_to_file(c, p, c->words[1], span ? clock_boottime() + span_ns : INT64_MAX);
	port_close(p);
	return code;
}

static const struct command_option options[] = {
	{ "for", 0, "TIME", "how long (default: until Ctrl-C)" },
	{ NULL },
};

const struct command capture_command = {
	.name = "capture",
	.arguments = "BUS-OR-URL FILE",
	.help = "what goes over a bus, into a file that coolantd-sim --play serves again",
	.about =
	    "While coolantd runs, it is its own conversation. While none runs, the devices of the "
	    "configuration on that bus are asked as coolantd asks them. The file is text, a frame a line.",
	.options = options,
	.least = 2,
	.most = 2,
	.word = COMMAND_WORD_BUS,
	.stops = true,
	.run = run,
};
