/* coolantd: reads the command line and the configuration, then runs. */
#include "daemon/audit.h"
#include "daemon/broker/connection.h"
#include "daemon/check.h"
#include "daemon/daemon.h"
#include "daemon/files.h"
#include "daemon/report.h"
#include "drivers/os/log.h"

#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define DEFAULT_CONFIG "/etc/coolantd/coolantd.ini"
#define EXIT_USAGE 2

struct options {
	const char *path, *replay;
	struct report_range range;
	bool check, report;
};

static void print_help(void)
{
	printf("Usage: coolantd [-c FILE] [--check | --replay FILE | --report]\n"
	       "\n"
	       "Polls liquid-cooling devices over Modbus and publishes their values, the coolant's\n"
	       "heat and the live PUE to MQTT.\n"
	       "\n"
	       "  -c, --config FILE  configuration (default " DEFAULT_CONFIG ");\n"
	       "                     then every *.ini of the folder coolantd.d beside it\n"
	       "      --check        check the configuration and exit: 0 good, 78 errors\n"
	       "      --replay FILE  print the PUE figures of a CSV file of readings and exit\n"
	       "      --report       print the records in state_dir, or with --replay those of the\n"
	       "                     file, and exit\n"
	       "      --step STEP    of the report: hour, day, month or year\n"
	       "      --from TIME    its beginning, ISO 8601 or ms since 1970\n"
	       "      --to TIME      its end\n"
	       "      --version      print the version and exit\n"
	       "  -h, --help         print this and exit\n"
	       "\n"
	       "Signals: SIGHUP reads the configuration anew, SIGTERM and SIGINT stop.\n");
}

/* Returns -1 to go on, else the exit code. */
static int parse_options(int argc, char **argv, struct options *o)
{
	enum {
		OPTION_CHECK = 256,
		OPTION_REPLAY,
		OPTION_REPORT,
		OPTION_STEP,
		OPTION_FROM,
		OPTION_TO,
		OPTION_VERSION
	};
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, OPTION_CHECK },
		{ "replay", required_argument, NULL, OPTION_REPLAY },
		{ "report", no_argument, NULL, OPTION_REPORT },
		{ "step", required_argument, NULL, OPTION_STEP },
		{ "from", required_argument, NULL, OPTION_FROM },
		{ "to", required_argument, NULL, OPTION_TO },
		{ "version", no_argument, NULL, OPTION_VERSION },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	for (int option; (option = getopt_long(argc, argv, "c:h", longs, NULL)) >= 0;) {
		switch (option) {
		case 'c':
			o->path = optarg;
			break;
		case OPTION_CHECK:
			o->check = true;
			break;
		case OPTION_REPLAY:
			o->replay = optarg;
			break;
		case OPTION_REPORT:
			o->report = true;
			break;
		case OPTION_STEP:
			o->range.step = optarg;
			break;
		case OPTION_FROM:
			o->range.from = optarg;
			break;
		case OPTION_TO:
			o->range.to = optarg;
			break;
		case OPTION_VERSION:
			printf("coolantd %s\n", COOLANTD_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		default:
			fprintf(stderr, "Try 'coolantd --help'.\n");
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "coolantd: unexpected argument '%s'\nTry 'coolantd --help'.\n", argv[optind]);
		return EXIT_USAGE;
	}
	return -1;
}

static void say_finding(bool is_error, const char *text, void *user)
{
	log_line(is_error ? LOG_ERR : LOG_NOTICE, "%s", text);
}

static struct config *load(const char *path)
{
	struct diag *diag = diag_new();
	struct config *c = config_load(path, diag);
	diag_each(diag, say_finding, NULL);
	diag_free(diag);
	return c;
}

static void print_line(bool is_warning, const char *text, void *user)
{
	if (is_warning)
		log_line(LOG_WARNING, "%s", text);
	else
		printf("%s\n", text);
}

/* Before any thread is made, so that all have it: signals go to the main loop, a closed socket is an error
 * code. */
static void set_up_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* No error: the service manager may bring it, and the one who checks may not be the one who runs. */
static void print_unreadable(struct config *c)
{
	char what[PATH_MAX + 64];
	for (enum output_connection i = 0; i < OUTPUT_CONNECTIONS; i++) {
		if (!output_connection_of(c, i))
			continue;
		const struct connection_settings s = connection_settings_of(c, i);
		const char *key = mqtt_unusable_file(&s.mqtt, what, sizeof(what));
		if (key)
			log_line(
			    LOG_WARNING, "%s: [%s] %s: %s", c->path, output_connection_word(i), key, what);
	}
}

int main(int argc, char **argv)
{
	struct options o = { .path = DEFAULT_CONFIG };
	int code = parse_options(argc, argv, &o);
	if (code >= 0)
		return code;
	log_init();
	struct config *c = load(o.path);
	if (!c || (!o.replay && !o.report && !files_suffice(c))) {
		config_unref(c);
		return EX_CONFIG;
	}
	if (o.check) {
		check_say(c, print_line, NULL);
		print_unreadable(c);
		config_unref(c);
		return EXIT_SUCCESS;
	}
	if (o.report && report_check(c, &o.range) < 0) {
		config_unref(c);
		return EXIT_USAGE;
	}
	if (o.replay || o.report) {
		int err =
		    o.replay ? audit_run(c, o.replay, o.report ? &o.range : NULL) : report_run(c, &o.range);
		config_unref(c);
		return err < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	set_up_signals();
	files_raise_limit();
	int r = daemon_run(c);
	config_unref(c);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
