#include "daemon/state/state.h"

#include "config/ini/cleanup.h"
#include "daemon/live/alarms.h"
#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Energies lose nothing by this, as far as they come from counters; without, what lies between two saves is
 * not covered after a crash. */
#define SAVE_INTERVAL_NS (10 * NS_PER_S)
/* A changed alarm is saved so soon. */
#define ALARM_INTERVAL_NS NS_PER_S

static void set_aside(const char *folder)
{
	int err = state_file_set_aside(folder);
	log_line(LOG_WARNING,
	    "%s/control.state is damaged or of another version, %s%s; PUE and alarms begin anew", folder,
	    err < 0 ? "and cannot be set aside: " : "it was set aside as control.state.bad",
	    err < 0 ? strerror(-err) : "");
}

static void on_alarm_gone(const char *name, void *user)
{
	alarms_retire(user, name);
}

void state_load(struct daemon *d)
{
	const char *folder = d->config->daemon.state_dir;
	_cleanup_free_ void *data = NULL;
	struct live_loaded loaded = { .alarm_gone = on_alarm_gone, .user = d };
	if (!d->state_dir)
		return;
	ssize_t n = state_file_read(folder, &data);
	if (n > 0) {
		struct bytes_reader r = { data, (uint8_t *)data + n, false };
		struct wall_clock clock = { clock_boottime(), clock_realtime_offset() };
		n = live_load(d->live, &r, &clock, &loaded);
	}
	if (n == -EBADMSG)
		set_aside(folder);
	else if (n < 0)
		log_line(LOG_WARNING, "the state in %s cannot be read: %s", folder, strerror((int)-n));
	else if (loaded.taken > 0)
		log_line(LOG_INFO, "took up the state of %zu PUE figures, loops and alarms", loaded.taken);
	d->state_file = state_file_new(folder);
	if (!d->state_file)
		log_line(LOG_WARNING, "the state cannot be saved: %s", strerror(errno));
	d->state_saved_ns = clock_boottime();
}

static void save(struct daemon *d)
{
	struct bytes_writer w = { 0 };
	live_save(d->live, clock_realtime_offset(), &w);
	if (w.bad)
		bytes_writer_deinit(&w);
	else
		state_file_write(d->state_file, w.data, w.size);
	d->save_soon = false;
}

void state_turn(struct daemon *d, int64_t now_ns)
{
	int64_t age = now_ns - d->state_saved_ns;
	char text[256];
	if (!d->state_file || age < (d->save_soon ? ALARM_INTERVAL_NS : SAVE_INTERVAL_NS))
		return;
	d->state_saved_ns = now_ns;
	save(d);
	int err = state_file_error(d->state_file);
	snprintf(
	    text, sizeof(text), "the state cannot be saved, a restart would lose it: %s", strerror(-err));
	alarms_set_own(d, OWN_ALARM_STATE, err < 0 ? text : NULL);
}

void state_end(struct daemon *d, int64_t grace_ns)
{
	if (!d->state_file)
		return;
	save(d);
	state_file_free(d->state_file, grace_ns);
	d->state_file = NULL;
}
