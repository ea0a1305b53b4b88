#include "daemon/state/state.h"

#include "config/ini/cleanup.h"
#include "daemon/live/saved.h"
#include "daemon/state/state_file.h"
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

struct state {
	struct state_file *file;
	int64_t saved_ns;
	bool soon; /* something that must not be lost has changed since then */
};

static void set_aside(const char *folder)
{
	int err = state_file_set_aside(folder);
	log_line(LOG_WARNING,
	    "%s/control.state is damaged or of another version, %s%s; PUE and alarms begin anew", folder,
	    err < 0 ? "and cannot be set aside: " : "it was set aside as control.state.bad",
	    err < 0 ? strerror(-err) : "");
}

static void load(const char *folder, struct live *l)
{
	_cleanup_free_ void *data = NULL;
	size_t taken = 0;
	ssize_t n = state_file_read(folder, &data);
	if (n > 0) {
		struct bytes_reader r = { data, (uint8_t *)data + n, false };
		struct wall_clock clock = { clock_boottime(), clock_realtime_offset() };
		n = saved_take(l, &r, &clock, &taken);
	}
	if (n == -EBADMSG)
		set_aside(folder);
	else if (n < 0)
		log_line(LOG_WARNING, "the state in %s cannot be read: %s", folder, strerror((int)-n));
	else if (taken > 0)
		log_line(LOG_INFO, "took up the state of %zu PUE figures, loops and alarms", taken);
}

struct state *state_open(const char *folder, struct live *l)
{
	load(folder, l);
	struct state *s = calloc(1, sizeof(*s));
	if (s)
		*s = (struct state){ .file = state_file_new(folder), .saved_ns = clock_boottime() };
	if (s && s->file)
		return s;
	log_line(LOG_WARNING, "the state cannot be saved: %s", strerror(errno));
	free(s);
	return NULL;
}

static void save(struct state *s, const struct live *l)
{
	struct bytes_writer w = { 0 };
	saved_put(l, clock_realtime_offset(), &w);
	if (w.bad)
		bytes_writer_deinit(&w);
	else
		state_file_write(s->file, w.data, w.size);
	s->soon = false;
}

void state_save_soon(struct state *s)
{
	if (s)
		s->soon = true;
}

void state_turn(struct state *s, struct live *l, int64_t now_ns)
{
	char text[256];
	if (!s || now_ns - s->saved_ns < (s->soon ? ALARM_INTERVAL_NS : SAVE_INTERVAL_NS))
		return;
	s->saved_ns = now_ns;
	save(s, l);
	int err = state_file_error(s->file);
	snprintf(
	    text, sizeof(text), "the state cannot be saved, a restart would lose it: %s", strerror(-err));
	alarms_set_own(l->alarms, OWN_ALARM_STATE, err < 0 ? text : NULL);
}

void state_close(struct state *s, const struct live *l, int64_t grace_ns)
{
	if (!s)
		return;
	save(s, l);
	state_file_free(s->file, grace_ns);
	free(s);
}
