#include "daemon/daemon.h"

#include "config/ini/cleanup.h"
#include "daemon/buses.h"
#include "daemon/disk/disk.h"
#include "daemon/files.h"
#include "daemon/http/api.h"
#include "daemon/http/doors.h"
#include "daemon/links.h"
#include "daemon/live/live.h"
#include "daemon/publish/reporter.h"
#include "daemon/questions.h"
#include "daemon/rhythm.h"
#include "daemon/state/state.h"
#include "daemon/state/state_dir.h"
#include "daemon/untested.h"
#include "daemon/watchdog.h"
#include "drivers/modbus/owed.h"
#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#define RHYTHM_COUNT 8
/* The process ends within 2 s of SIGTERM: this long for the broker to take what is queued, and this long
 * for all threads to end, of which the connection alone gets no more than so much. */
#define STOP_GRACE_NS (1100 * NS_PER_MS)
#define END_LIMIT_NS (600 * NS_PER_MS)
#define CONNECTION_LIMIT_NS (200 * NS_PER_MS)

struct daemon {
	struct config *config;
	sd_event *event;
	struct disk *disk;
	struct state *state; /* NULL = nothing outlives a restart */
	struct wall_clock clock;
	struct inbox *batches;
	struct buses *buses;
	struct questions *questions;
	struct bus_load *loads; /* one for each bus of the configuration */
	struct live *live;
	struct reporter *reporter;
	struct links *links;
	struct doors *doors;
	struct api api;
	int64_t started_ns, started_ms;
	int64_t lag_max_ns;
	int64_t told_lag_ns, told_latency_ns; /* in the last report of health */
	uint64_t samples_at_status;
	int64_t status_ns;
	struct watchdog watchdog;
	struct rhythm rhythms[RHYTHM_COUNT];
	int64_t stopped_ns; /* CLOCK_MONOTONIC, when it was told to stop */
	bool stopping;
};

static void tick(struct daemon *d, int64_t now_ns)
{
	d->watchdog.tick_ns = now_ns;
	live_tick(d->live);
	alarms_judge(d->live->alarms, JUDGE_ALL, now_ns);
	if (trends_tick(d->live->trends, &d->clock, now_ns, clock_realtime_offset()))
		state_save_soon(d->state);
	records_tick(d->live->records, d->live->alarms, now_ns, clock_utc_ms());
	reporter_tick(d->reporter, now_ns);
}

static void act_tick(void *user, int64_t now_ns, int64_t late_ns)
{
	struct daemon *d = user;
	if (late_ns > d->lag_max_ns)
		d->lag_max_ns = late_ns;
	d->watchdog.interval_ns = d->rhythms[0].interval_ns; /* the tick before was due by the old one */
	tick(d, now_ns);
}

static int on_batches(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct daemon *d = user;
	int64_t now = clock_boottime();
	for (struct inbox_item *i = inbox_take(d->batches), *next; i; i = next) {
		struct batch *b = (struct batch *)i;
		next = i->next;
		struct table_device *device = live_feed(d->live, b);
		if (device)
			reporter_device(d->reporter, device, now);
		batch_free(b);
	}
	reporter_fed(d->reporter);
	alarms_judge(d->live->alarms, JUDGE_POINTS, now);
	return 0;
}

static bool is_stuck(void *user, char why[static API_STUCK_MAX])
{
	const struct daemon *d = user;
	return watchdog_is_stuck(&d->watchdog, clock_boottime(), why, API_STUCK_MAX);
}

static void feed_watchdog(void *user, int64_t now_ns, int64_t late_ns)
{
	struct daemon *d = user;
	watchdog_feed(&d->watchdog, now_ns);
}

static void update_status(void *user, int64_t now_ns, int64_t late_ns)
{
	struct daemon *d = user;
	const struct point_table *table = d->live->table;
	size_t up = 0;
	for (size_t i = 0; i < d->config->device_count; i++)
		up += point_table_is_up(&table->devices[i], now_ns);
	double seconds = (double)(now_ns - d->status_ns) / NS_PER_S;
	double rate = seconds > 0 ? (double)(table->samples - d->samples_at_status) / seconds : 0;
	struct health_broker all[OUTPUT_CONNECTIONS] = { 0 }, p;
	links_describe(d->links, all);
	p = all[OUTPUT_MAIN];
	(void)sd_notifyf(0, "STATUS=%zu/%zu devices up, %.0f points/s, broker %s, %zu messages waiting", up,
	    d->config->device_count, rate, p.connected ? "connected" : "away", (size_t)p.waiting + p.queued);
	d->samples_at_status = table->samples;
	d->status_ns = now_ns;
}

static void look_for_stale(void *user, int64_t now_ns, int64_t late_ns)
{
	struct daemon *d = user;
	bool changed = false;
	for (size_t i = 0; i < d->config->device_count; i++) {
		struct table_device *device = &d->live->table->devices[i];
		if (!point_table_check_stale(d->live->table, device, now_ns))
			continue;
		reporter_device(d->reporter, device, now_ns);
		changed = true;
	}
	/* what depends on a value that is gone is told at once, not at the next tick */
	if (changed)
		tick(d, now_ns);
}

static void turn_buses(void *user, int64_t now_ns, int64_t late_ns)
{
	struct daemon *d = user;
	if (!d->stopping)
		buses_turn(d->buses);
}

static void judge_flood(void *user, int64_t now_ns, int64_t late_ns)
{
	struct daemon *d = user;
	alarms_judge_flood(d->live->alarms, now_ns);
}

static void save_state(void *user, int64_t now_ns, int64_t late_ns)
{
	struct daemon *d = user;
	state_turn(d->state, d->live, now_ns);
}

/* The worst times are those of the last report, or of now. */
static int describe(void *user, struct health *ret)
{
	struct daemon *d = user;
	const struct config *c = d->config;
	struct driver_stats *buses = calloc(c->bus_count + 1, sizeof(*buses));
	if (!buses)
		return -ENOMEM;
	for (size_t i = 0; i < c->bus_count; i++)
		buses_describe(d->buses, i, &buses[i]);
	*ret = (struct health){ .ts_ms = clock_utc_ms(),
		.uptime_s = (clock_boottime() - d->started_ns) / NS_PER_S,
		.utc_offset_ns = clock_realtime_offset(),
		.config = c,
		.buses = buses,
		.loads = d->loads,
		.samples = d->live->table->samples,
		.batches_dropped = inbox_dropped(d->batches),
		.lag_ns = d->lag_max_ns > d->told_lag_ns ? d->lag_max_ns : d->told_lag_ns,
		.alarm_latency_ns = d->told_latency_ns };
	links_describe(d->links, ret->brokers);
	return 0;
}

static void report_health(void *user, int64_t now_ns, int64_t late_ns)
{
	struct daemon *d = user;
	struct health h;
	d->told_lag_ns = d->lag_max_ns;
	d->told_latency_ns = alarms_take_latency(d->live->alarms);
	d->lag_max_ns = 0;
	if (describe(d, &h) < 0)
		return;
	reporter_health(d->reporter, &h);
	health_deinit(&h);
}

/* A line that is asked for more than it can carry is said; its intervals are stretched. */
static struct bus_load *compute_loads(const struct config *c)
{
	struct bus_load *loads = calloc(c->bus_count + 1, sizeof(*loads));
	for (size_t i = 0; loads && i < c->bus_count; i++) {
		if (!bus_has_load(&c->buses[i]) || bus_load_compute(c, i, &loads[i]) < 0)
			continue;
		const char *bus = c->buses[i].name;
		log_event(loads[i].share > 1 ? LOG_WARNING : LOG_INFO, (struct log_fields){ .bus = bus },
		    "bus %s: polling takes %.0f %% of the line's time%s", bus, loads[i].share * 100,
		    loads[i].share > 1 ? ", the intervals cannot be met" : "");
	}
	return loads;
}

static void on_alarm(const struct alarm *a, void *user)
{
	struct daemon *d = user;
	reporter_alarm(d->reporter, a, true);
	records_see_alarm(d->live->records, a);
	state_save_soon(d->state);
}

static void on_alarm_valued(const struct alarm *a, void *user)
{
	struct daemon *d = user;
	reporter_alarm(d->reporter, a, false);
}

static void on_learned(void *user)
{
	struct daemon *d = user;
	state_save_soon(d->state);
}

static struct reporter *make_reporter(struct daemon *d, const struct live *live)
{
	struct output_sink sinks[OUTPUT_CONNECTIONS];
	links_put_sinks(d->links, sinks);
	return reporter_new(live, sinks, d->started_ms);
}

static void on_told(void *user)
{
	report_health(user, clock_boottime(), 0);
}

static void on_emptied(void *user, const char *topic)
{
	struct daemon *d = user;
	retained_forget(&d->live->retained, topic);
	state_save_soon(d->state);
}

static void on_spool_trouble(void *user, const char *text)
{
	struct daemon *d = user;
	alarms_set_own(d->live->alarms, OWN_ALARM_SPOOL, text[0] ? text : NULL);
}

static void on_links_stopped(void *user)
{
	struct daemon *d = user;
	(void)sd_event_exit(d->event, 0);
}

static void say_finding(bool is_error, const char *text, void *user)
{
	struct log_fields fields = { .message_id = is_error ? LOG_ID_RELOAD_FAILED : NULL };
	log_event(is_error ? LOG_ERR : LOG_NOTICE, fields, "%s", text);
}

/* What a line cannot be asked for yet is no fault of its devices. */
static void apply_buses(struct daemon *d)
{
	buses_apply(d->buses, d->config);
	for (size_t i = 0; i < d->config->device_count; i++)
		point_table_ask_from(d->live->table, i, buses_asks_from(d->buses, d->config->devices[i].bus));
	alarms_hold(d->live->alarms, clock_boottime());
}

/* Puts a checked configuration in place of the running one. 0 or -ENOMEM, and then nothing has changed. */
static int apply(struct daemon *d, struct config *c)
{
	struct live *live = live_new(c, clock_boottime());
	struct reporter *reporter = live ? make_reporter(d, live) : NULL;
	struct bus_load *loads = compute_loads(c);
	if (!reporter || !loads) {
		reporter_free(reporter);
		live_free(live);
		free(loads);
		return -ENOMEM;
	}
	free(d->loads);
	d->loads = loads;
	live_inherit(live, d->live);
	reporter_inherit(reporter, d->reporter);
	reporter_retain(reporter, &live->retained);
	state_save_soon(d->state);
	reporter_free(d->reporter);
	live_free(d->live);
	d->reporter = reporter;
	links_use(d->links, reporter);
	d->live = d->api.live = live;
	untested_tell(c, d->config);
	config_unref(d->config);
	d->config = config_ref(c);
	log_set_level(c->daemon->log_level);
	rhythm_set(&d->rhythms[0], c->daemon->control_interval);
	live_tick(d->live);
	apply_buses(d);
	doors_forget(d->doors);
	doors_apply(d->doors, c->daemon);
	links_apply(d->links, c);
	return 0;
}

static void reload(struct daemon *d)
{
	struct diag *diag = diag_new();
	struct config *c = config_load(d->config->path, diag);
	int err = -EINVAL;
	if (c)
		err = files_suffice(c) ? apply(d, c) : -EMFILE;
	diag_each(diag, say_finding, NULL);
	if (err == 0) {
		log_event(LOG_NOTICE, (struct log_fields){ .message_id = LOG_ID_RELOADED }, "reloaded %s",
		    d->config->path);
		(void)sd_notify(0, "STATUS=reloaded");
	} else {
		log_event(LOG_ERR, (struct log_fields){ .message_id = LOG_ID_RELOAD_FAILED },
		    "not reloaded, the configuration as it was goes on: %s",
		    c ? strerror(-err) : "errors in the new one, listed above");
		(void)sd_notify(0, "STATUS=reload refused: errors in the configuration, see the journal");
	}
	config_unref(c);
	diag_free(diag);
}

static int on_hangup(sd_event_source *s, const struct signalfd_siginfo *si, void *user)
{
	const struct daemon *d = user;
	if (d->stopping)
		return 0;
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_ns(CLOCK_MONOTONIC) / 1000);
	reload(user);
	(void)sd_notify(0, "READY=1");
	return 0;
}

static int on_stop_limit(sd_event_source *s, uint64_t usec, void *user)
{
	struct daemon *d = user;
	log_line(LOG_WARNING, "the broker did not take everything in time, stopping all the same");
	return sd_event_exit(d->event, 0);
}

static int on_terminate(sd_event_source *s, const struct signalfd_siginfo *si, void *user)
{
	struct daemon *d = user;
	if (d->stopping)
		return 0;
	d->stopping = true;
	d->stopped_ns = clock_ns(CLOCK_MONOTONIC);
	(void)sd_notify(0, "STOPPING=1");
	buses_request_stop(d->buses);
	(void)sd_event_add_time_relative(
	    d->event, NULL, CLOCK_BOOTTIME, STOP_GRACE_NS / 1000, 0, on_stop_limit, d);
	links_stop(d->links);
	return 0;
}

/* What is done again and again. */
static const struct {
	rhythm_act act;
	int64_t interval_ns; /* 0 = the control loop's, and of the watchdog a third of what that allows */
} rhythms[] = {
	{ act_tick, 0 },
	{ look_for_stale, 100 * NS_PER_MS },
	{ turn_buses, 100 * NS_PER_MS },
	{ save_state, 100 * NS_PER_MS },
	{ judge_flood, NS_PER_S },
	{ update_status, 5 * NS_PER_S },
	{ report_health, 10 * NS_PER_S },
	{ feed_watchdog, 0 },
};

_Static_assert(sizeof(rhythms) / sizeof(rhythms[0]) == RHYTHM_COUNT, "struct daemon has room for each");

/* The first of them is the control loop. */
static int start_rhythm(struct daemon *d, size_t i)
{
	struct rhythm *r = &d->rhythms[i];
	uint64_t watchdog_us = 0;
	*r = (struct rhythm){ rhythms[i].act, d, rhythms[i].interval_ns };
	if (i == 0)
		r->interval_ns = d->config->daemon->control_interval;
	else if (r->interval_ns == 0 && sd_watchdog_enabled(0, &watchdog_us) <= 0)
		return 0; /* there is no watchdog */
	else if (r->interval_ns == 0)
		r->interval_ns = (int64_t)watchdog_us * 1000 / 3;
	return rhythm_start(r, d->event);
}

/* All belong to the event loop and end with it. */
static int add_sources(struct daemon *d)
{
	int r = sd_event_add_signal(d->event, NULL, SIGTERM, on_terminate, d);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGINT, on_terminate, d);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGHUP, on_hangup, d);
	if (r >= 0)
		r = sd_event_add_io(d->event, NULL, inbox_fd(d->batches), EPOLLIN, on_batches, d);
	for (size_t i = 0; r >= 0 && i < RHYTHM_COUNT; i++)
		r = start_rhythm(d, i);
	return r;
}

/* `lock` of the state_dir; negative = nothing outlives a restart. */
static int start(struct daemon *d, int lock)
{
	bool asked_lately = state_dir_begin(lock, OWED_LATE_NS);
	d->started_ns = d->watchdog.tick_ns = d->status_ns = clock_boottime();
	d->started_ms = clock_utc_ms();
	int r = sd_event_new(&d->event);
	if (r < 0)
		return r;
	d->disk = disk_new();
	d->batches = batch_inbox_new();
	d->buses = d->batches ? buses_new(d->batches, asked_lately) : NULL;
	d->questions = d->buses ? questions_new(d->event, d->buses) : NULL;
	const struct links_events to = { on_told, on_emptied, on_spool_trouble, on_links_stopped, d };
	d->links = d->disk ? links_new(d->event, d->disk, &to) : NULL;
	d->live = live_new(d->config, d->started_ns);
	d->reporter = d->live && d->links ? make_reporter(d, d->live) : NULL;
	d->loads = compute_loads(d->config);
	if (!d->disk || !d->questions || !d->reporter || !d->loads)
		return -ENOMEM;
	alarms_watch(d->live->alarms, on_alarm, on_alarm_valued, d);
	d->api = (struct api){ .live = d->live,
		.started_ms = d->started_ms,
		.describe = describe,
		.is_stuck = is_stuck,
		.read = questions_read,
		.capture = questions_capture,
		.questions = d->questions,
		.changed = on_learned,
		.user = d };
	d->state = lock >= 0 ? state_open(d->config->daemon->state_dir, d->disk, d->live, &d->clock) : NULL;
	d->api.state = d->state;
	reporter_retain(d->reporter, &d->live->retained);
	state_save_soon(d->state);
	untested_tell(d->config, NULL);
	live_tick(d->live);
	links_use(d->links, d->reporter);
	r = links_open(d->links, d->config);
	if (r < 0)
		return r;
	d->watchdog.buses = d->buses;
	d->watchdog.links = d->links;
	d->watchdog.interval_ns = d->config->daemon->control_interval;
	d->doors = doors_new(d->event, api_answer, &d->api);
	if (!d->doors)
		return -ENOMEM;
	doors_apply(d->doors, d->config->daemon);
	r = add_sources(d);
	if (r >= 0)
		apply_buses(d);
	return r;
}

static void free_all(struct daemon *d)
{
	doors_free(d->doors);
	reporter_free(d->reporter);
	live_free(d->live);
	buses_free(d->buses);
	inbox_free(d->batches);
	questions_free(d->questions);
	free(d->loads);
	sd_event_unref(d->event);
	config_unref(d->config);
}

/* Ends the threads: the disk first gets what is to outlive the process and is waited for last. One that
 * hangs, in a name look-up or on the disk, cannot be waited for: false, and then the process ends without it.
 */
static bool end_threads(struct daemon *d)
{
	/* what the broker did not need of its time is left for this */
	int64_t now = clock_ns(CLOCK_MONOTONIC), deadline = now + END_LIMIT_NS;
	if (d->stopped_ns > 0 && d->stopped_ns + STOP_GRACE_NS + END_LIMIT_NS > deadline)
		deadline = d->stopped_ns + STOP_GRACE_NS + END_LIMIT_NS;
	state_close(d->state, d->live);
	bool ended = links_free(d->links, deadline - END_LIMIT_NS + CONNECTION_LIMIT_NS);
	if (d->buses) {
		buses_request_stop(d->buses);
		ended &= buses_join(d->buses, deadline);
	}
	return disk_free(d->disk, deadline) && ended;
}

int daemon_run(struct config *c)
{
	struct daemon d = { .config = config_ref(c) };
	log_set_level(c->daemon->log_level);
	_cleanup_close_ int lock = state_dir_lock(c->daemon->state_dir);
	int r = lock == -EBUSY ? lock : start(&d, lock);
	if (r >= 0) {
		log_event(LOG_NOTICE, (struct log_fields){ .message_id = LOG_ID_STARTED },
		    "coolantd " COOLANTD_VERSION " started: %zu buses, %zu devices, publishing to %s",
		    c->bus_count, c->device_count, c->mqtt->connection.brokers.items[0]);
		(void)sd_notify(0, "READY=1");
		r = sd_event_loop(d.event);
	}
	if (r < 0)
		log_line(LOG_ERR, "cannot go on: %s", strerror(-r));
	if (!end_threads(&d)) {
		log_line(LOG_WARNING, "a thread did not stop in time, ending without it");
		_exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	free_all(&d);
	state_dir_end(lock);
	log_event(LOG_NOTICE, (struct log_fields){ .message_id = LOG_ID_STOPPED }, "stopped");
	return r;
}
