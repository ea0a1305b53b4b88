/* coolantd-sim: a Modbus plant that serves the devices of a coolantd configuration. */
#include "daemon/ctl/bus_url.h"
#include "drivers/os/clock.h"
#include "plant.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define STEP_NS (100 * NS_PER_MS)
#define EXIT_USAGE 2

struct options {
	const char *path, *commands, *play, *listen;
	double speed;
	uint64_t seed;
	bool paced;
};

static void print_help(void)
{
	printf("Usage: coolantd-sim [-c FILE] [--speed N] [--seed N] [--commands PATH] [--pace]\n"
	       "       coolantd-sim --play FILE [-c FILE | --listen URL]\n"
	       "\n"
	       "Serves the devices of a coolantd configuration over Modbus, from a small thermal\n"
	       "model: TCP buses at their host and port, serial buses on a pty with a link at\n"
	       "their port. Writes 'ready' when all are open.\n"
	       "\n"
	       "  -c, --config FILE    configuration (default /etc/coolantd/coolantd.ini)\n"
	       "      --speed N        the plant's time runs N times as fast (default 1)\n"
	       "      --seed N         of the noise (default 1): the same seed, the same plant\n"
	       "      --commands PATH  a named pipe to make, for commands beside standard input\n"
	       "      --pace           serial replies take the time that the baud rate gives them\n"
	       "      --play FILE      answer a bus from a file of 'coolantctl capture': the one that was\n"
	       "                       captured, or the only one; all others from the plant\n"
	       "      --listen URL     without a configuration: where the capture is served (default\n"
	       "                       tcp://127.0.0.1:1502; also rtutcp://HOST:PORT, rtu:///tmp/tty)\n"
	       "      --version        print the version and exit\n"
	       "  -h, --help           print this and exit\n"
	       "\n"
	       "Commands, a line each: leak DEVICE on|off, silence DEVICE [on|off], fail DEVICE [on|off],\n"
	       "pump DEVICE PERCENT, load DEVICE KW|auto, plug DEVICE FACTOR,\n"
	       "wear DEVICE PERCENT, stick DEVICE POINT|off\n");
}

static int say_wrong(const char *option, const char *value, const char *allowed)
{
	fprintf(stderr, "coolantd-sim: %s %s (allowed: %s)\n", option, value, allowed);
	return EXIT_USAGE;
}

enum {
	OPTION_SPEED = 256,
	OPTION_SEED,
	OPTION_COMMANDS,
	OPTION_PACE,
	OPTION_PLAY,
	OPTION_LISTEN,
	OPTION_VERSION
};
static const struct option longs[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "speed", required_argument, NULL, OPTION_SPEED },
	{ "seed", required_argument, NULL, OPTION_SEED },
	{ "commands", required_argument, NULL, OPTION_COMMANDS },
	{ "pace", no_argument, NULL, OPTION_PACE },
	{ "play", required_argument, NULL, OPTION_PLAY },
	{ "listen", required_argument, NULL, OPTION_LISTEN },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* What one option means for another. Returns -1 to go on, else the exit code. */
static int complete(struct options *o)
{
	if (o->listen && (o->path || !o->play))
		return say_wrong("--listen", o->listen, "with --play, and without a configuration");
	if (!o->path && !o->play)
		o->path = "/etc/coolantd/coolantd.ini";
	if (!o->path && !o->listen)
		o->listen = "tcp://127.0.0.1:1502";
	return -1;
}

/* Returns -1 to go on, else the exit code. */
static int parse_options(int argc, char **argv, struct options *o)
{
	char *end = NULL;
	for (int option; (option = getopt_long(argc, argv, "c:h", longs, NULL)) >= 0;) {
		switch (option) {
		case 'c':
			o->path = optarg;
			break;
		case OPTION_SPEED:
			o->speed = strtod(optarg, &end);
			if (*end != '\0' || !(o->speed > 0 && o->speed <= 100000))
				return say_wrong("--speed", optarg, "above 0, up to 100000");
			break;
		case OPTION_SEED:
			o->seed = strtoull(optarg, &end, 0);
			if (*end != '\0')
				return say_wrong("--seed", optarg, "a whole number");
			break;
		case OPTION_PACE:
			o->paced = true;
			break;
		case OPTION_COMMANDS:
			o->commands = optarg;
			break;
		case OPTION_PLAY:
			o->play = optarg;
			break;
		case OPTION_LISTEN:
			o->listen = optarg;
			break;
		case OPTION_VERSION:
			printf("coolantd-sim %s\n", COOLANTD_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		default:
			fprintf(stderr, "Try 'coolantd-sim --help'.\n");
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "coolantd-sim: unexpected argument '%s'\nTry 'coolantd-sim --help'.\n",
		    argv[optind]);
		return EXIT_USAGE;
	}
	return complete(o);
}

static void say_finding(bool is_error, const char *text, void *user)
{
	fprintf(stderr, "coolantd-sim: %s\n", text);
}

static struct config *load(const char *path)
{
	struct diag *diag = diag_new();
	struct config *c = config_load(path, diag);
	diag_each(diag, say_finding, NULL);
	diag_free(diag);
	return c;
}

/* Of one bus without devices. */
static struct config *make_config(const char *url)
{
	struct arena *a = arena_new();
	struct diag *diag = diag_new();
	struct bus_config *bus = bus_url_parse(url, a, diag);
	struct config *c = arena_alloc(a, sizeof(*c));
	diag_each(diag, say_finding, NULL);
	diag_free(diag);
	*c = (struct config){ .buses = bus, .bus_count = 1, .arena = a, .references = 1 };
	if (bus)
		return c;
	config_unref(c);
	return NULL;
}

/* The bus that a capture is of, or the only one; -1 = neither, said. */
static ssize_t find_played(const struct config *c, const struct play *p)
{
	for (size_t i = 0; i < c->bus_count; i++)
		if (strcmp(c->buses[i].name, play_bus(p)) == 0)
			return (ssize_t)i;
	if (c->bus_count == 1)
		return 0;
	fprintf(stderr, "coolantd-sim: the capture is of bus '%s', which is not in the configuration\n",
	    play_bus(p));
	return -1;
}

/* False after a message. */
static bool begin_play(struct server *s, const struct config *c, struct play *p)
{
	ssize_t bus = find_played(c, p);
	if (bus < 0)
		return false;
	server_play(s, (size_t)bus, p);
	const struct bus_config *b = &c->buses[bus];
	if (b->type == BUS_RTU)
		printf("a capture of bus %s at rtu %s\n", play_bus(p), b->port);
	else
		printf("a capture of bus %s at %s %s:%d\n", play_bus(p), bus_type_word(b->type), b->host,
		    (int)b->tcp_port);
	return true;
}

/* Lines of a descriptor that may come in pieces. */
struct input {
	char text[512];
	size_t used;
};

/* False at the end of the input. */
static bool take_commands(int fd, struct input *in, struct plant *p)
{
	ssize_t n = read(fd, in->text + in->used, sizeof(in->text) - 1 - in->used);
	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	in->used += (size_t)n;
	in->text[in->used] = '\0';
	for (char *newline; (newline = strchr(in->text, '\n'));) {
		*newline = '\0';
		const char *wrong = plant_command(p, in->text);
		if (wrong)
			fprintf(stderr, "coolantd-sim: '%s': %s\n", in->text, wrong);
		in->used -= (size_t)(newline + 1 - in->text);
		memmove(in->text, newline + 1, in->used + 1);
	}
	if (in->used == sizeof(in->text) - 1) {
		fprintf(stderr, "coolantd-sim: a command of over %zu bytes is dropped\n", in->used);
		in->used = 0;
	}
	return true;
}

static int open_pipe(const char *path)
{
	if (mkfifo(path, 0600) < 0) {
		fprintf(stderr, "coolantd-sim: cannot make the pipe %s: %s\n", path, strerror(errno));
		return -1;
	}
	/* read-write, so that it does not end when a writer closes */
	return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

static void list_devices(const struct config *c)
{
	for (size_t i = 0; i < c->device_count; i++) {
		const struct bus_config *b = &c->buses[c->devices[i].bus];
		if (b->type != BUS_RTU)
			printf("%s: unit %d at tcp %s:%d\n", c->devices[i].name, (int)c->devices[i].unit,
			    b->host, (int)b->tcp_port);
		else
			printf(
			    "%s: unit %d at rtu %s\n", c->devices[i].name, (int)c->devices[i].unit, b->port);
	}
	printf("ready\n");
	fflush(stdout);
}

static void run(struct server *s, struct plant *p, const struct options *o, int pipe_fd, int signal_fd)
{
	int fds[] = { signal_fd, STDIN_FILENO, pipe_fd };
	struct input inputs[3] = { 0 };
	int64_t last = clock_boottime(), next = last + STEP_NS;
	for (;;) {
		int ready = server_run(s, next, fds, 3);
		if (ready == 0)
			return;
		if (ready > 0) {
			if (!take_commands(fds[ready], &inputs[ready], p))
				fds[ready] = -1;
			continue;
		}
		int64_t now = clock_boottime();
		plant_step(p, (double)(now - last) / NS_PER_S * o->speed);
		server_refresh(s);
		last = now;
		next = now + STEP_NS;
	}
}

int main(int argc, char **argv)
{
	struct options o = { .speed = 1, .seed = 1 };
	int code = parse_options(argc, argv, &o);
	if (code >= 0)
		return code;
	struct config *c = o.path ? load(o.path) : make_config(o.listen);
	if (!c)
		return o.path ? EX_CONFIG : EXIT_USAGE;
	struct play *play = o.play ? play_load(o.play) : NULL;
	if (o.play && !play) {
		config_unref(c);
		return EXIT_FAILURE;
	}

	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	int signal_fd = signalfd(-1, &set, SFD_CLOEXEC), pipe_fd = o.commands ? open_pipe(o.commands) : -1;
	struct plant *p = plant_new(c, o.seed, (double)(clock_realtime() / NS_PER_S % 86400));
	struct server *s = p && (!o.commands || pipe_fd >= 0) ? server_new(c, p, o.paced) : NULL;
	bool good = s && (!play || begin_play(s, c, play));
	if (good) {
		list_devices(c);
		run(s, p, &o, pipe_fd, signal_fd);
	}
	if (s)
		server_free(s);
	if (pipe_fd >= 0) {
		close(pipe_fd);
		(void)unlink(o.commands);
	}
	plant_free(p);
	play_free(play);
	config_unref(c);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
