#include "daemon/state/state.h"

#include "daemon/live/saved.h"
#include "daemon/state/old_state.h"
#include "daemon/state/state_db.h"
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
/* Reports that wait for the disk at once, at most. */
#define REPORTS_MAX 4
/* A disk that takes longer hangs; packing a long outage takes a small controller some of it. */
#define HANG_NS (30 * NS_PER_S)

struct state {
	struct disk_job close; /* the last job */
	struct disk *disk;
	struct inbox *answers, *reports;
	char *folder;
	int64_t saved_ns, offset_ns;
	bool soon;	  /* something that must not be lost has changed since then */
	bool saving;	  /* the disk has the last save */
	unsigned reading; /* reports that it has */
	uint64_t change;  /* the id of the newest change of an alarm that is on the disk */
	int error;	  /* of the one before */

	/* the disk thread's own, once jobs were given */
	struct state_db *db;
	bool put_away; /* there is no control.state any more */
};

struct save {
	struct disk_job job;
	struct state *state;
	struct bytes_writer entries, changes;
	uint64_t change; /* the newest of them */
	bool renewed;	 /* of what was added earlier nothing is there any more */
	bool has_records;
	struct record_batch records; /* those of live, which keeps them until this has come back */
	struct records_addition addition;
	int error;
};

/* What a loader is given. */
struct loading {
	struct live *live;
	struct wall_clock *clock;
	size_t taken;
};

static void take(struct bytes_entry *e, void *user)
{
	struct loading *l = user;
	l->taken += saved_take(l->live, e, l->clock);
}

/* What a version without state.db has left, until it is in there. */
static int take_over(struct state *s, struct loading *l)
{
	int r = old_state_load(s->folder, take, l);
	if (r > 0)
		log_line(LOG_NOTICE, "control.state of an earlier version is taken over");
	if (r != -EBADMSG)
		return r;
	r = old_state_rename(s->folder, "bad");
	log_event(LOG_WARNING, (struct log_fields){ .message_id = LOG_ID_DISK },
	    "%s/control.state is damaged or of another version, %s%s; PUE and alarms begin anew", s->folder,
	    r < 0 ? "and cannot be set aside: " : "it was set aside as control.state.bad",
	    r < 0 ? strerror(-r) : "");
	return 0;
}

static void load(struct state *s, struct live *live, struct wall_clock *clock)
{
	struct loading l = { live, clock, 0 };
	*clock = (struct wall_clock){ clock_boottime(), clock_realtime_offset() };
	int r = state_db_load(s->db, take, &l);
	if (r == 0)
		r = take_over(s, &l);
	if (r < 0)
		log_event(LOG_WARNING, (struct log_fields){ .message_id = LOG_ID_DISK },
		    "the state in %s cannot be read: %s", s->folder, strerror(-r));
	else if (l.taken > 0)
		log_line(LOG_INFO, "took up the state of %zu PUE figures, loops and alarms", l.taken);
}

static void do_save(struct disk_job *job)
{
	struct save *save = (struct save *)job;
	struct state *s = save->state;
	save->error =
	    state_db_save(s->db, &save->entries, &save->changes, save->has_records ? &save->addition : NULL);
	save->renewed = state_db_take_renewed(s->db);
	if (save->error < 0 || s->put_away)
		return;
	s->put_away = true;
	if (old_state_rename(s->folder, "taken") == 0)
		log_line(LOG_NOTICE, "control.state is in state.db now, it was renamed control.state.taken");
}

static void free_save(struct disk_job *job)
{
	struct save *save = (struct save *)job;
	bytes_writer_deinit(&save->entries);
	bytes_writer_deinit(&save->changes);
	free(save);
}

/* The two clocks are not read at the same moment: without a step the offset stays, so that what did not
 * change is not written. */
static int64_t steady_offset(struct state *s)
{
	int64_t offset = clock_realtime_offset();
	if (llabs(offset - s->offset_ns) > NS_PER_MS)
		s->offset_ns = offset;
	return s->offset_ns;
}

/* What is saved from here on has those records no more. */
static void add_records(struct save *save, struct live *l, bool at_end)
{
	const int64_t utc_ms = clock_utc_ms();
	const struct record_batch *due = records_due(l->records, utc_ms, at_end, &save->addition.id);
	if (!due)
		return;
	save->has_records = true;
	save->records = *due;
	save->addition.batch = &save->records;
	/* none are made any more with `keep = 0`, but those that are there stay */
	if (l->config->records->keep > 0)
		save->addition.oldest_hour = (utc_ms - l->config->records->keep / NS_PER_MS) / RECORD_HOUR_MS;
}

static int save(struct state *s, struct live *l, bool at_end)
{
	struct save *save = calloc(1, sizeof(*save));
	if (!save)
		return -ENOMEM;
	save->job = (struct disk_job){ .run = do_save, .free = free_save, .answers = s->answers };
	save->state = s;
	add_records(save, l, at_end);
	saved_put(l, steady_offset(s), at_end, &save->entries);
	save->change = alarm_log_save(alarms_log(l->alarms), s->change, &save->changes);
	if (save->entries.bad || save->changes.bad) {
		free_save(&save->job);
		return -ENOMEM;
	}
	s->soon = false;
	s->saving = true;
	disk_give(s->disk, &save->job);
	return 0;
}

void state_save_soon(struct state *s)
{
	if (s)
		s->soon = true;
}

static void take_answers(struct state *s, struct live *l)
{
	for (struct inbox_item *i = inbox_take(s->answers), *next; i; i = next) {
		struct save *save = (struct save *)i;
		next = i->next;
		s->saving = false;
		s->error = save->error;
		if (save->error >= 0)
			s->change = save->change;
		if (save->renewed) {
			s->change = 0;
			s->soon = true;
		}
		if (save->has_records && save->error == 0)
			records_written(l->records);
		free_save(&save->job);
	}
}

static void do_report(struct disk_job *job)
{
	struct state_report *report = (struct state_report *)job;
	bool is_added = false;
	if (report->strikes)
		report->error =
		    state_db_strike(report->state->db, &(struct records_strike){ report->periods.edges[0],
							   report->periods.edges[report->periods.count],
							   report->reason, report->who, report->now_ms });
	if (report->error >= 0)
		report->error = state_db_read(
		    report->state->db, &report->periods, report->due_id, &is_added, &report->rows);
	if (!is_added)
		record_gather(&report->periods, &report->due, &report->rows);
	record_gather(&report->periods, &report->open, &report->rows);
	if (report->error >= 0 && report->rows.lost)
		report->error = -E2BIG;
	if (report->error >= 0)
		report->text = report->write(report);
}

void state_report_free(struct state_report *report)
{
	record_batch_clear(&report->due);
	record_batch_clear(&report->open);
	record_batch_clear(&report->rows);
	config_unref(report->config);
	free(report->reason);
	free(report->who);
	free(report->text);
	free(report);
}

static void free_report(struct disk_job *job)
{
	state_report_free((struct state_report *)job);
}

bool state_is_free(const struct state *s)
{
	return s->reading < REPORTS_MAX;
}

void state_ask(struct state *s, const struct live *l, struct state_report *report)
{
	report->due_id = records_waiting(l->records, &report->due, &report->open);
	report->until_ms = records_until(l->records);
	report->now_ms = clock_utc_ms();
	report->job = (struct disk_job){ .run = do_report, .free = free_report, .answers = s->reports };
	report->state = s;
	report->config = config_ref(l->config);
	s->reading++;
	disk_give(s->disk, &report->job);
}

static void take_reports(struct state *s)
{
	for (struct inbox_item *i = inbox_take(s->reports), *next; i; i = next) {
		struct state_report *report = (struct state_report *)i;
		next = i->next;
		s->reading--;
		report->done(report);
		state_report_free(report);
	}
}

static void tell(const struct state *s, struct live *l, int64_t now_ns)
{
	char text[256];
	bool hangs = s->saving && now_ns - s->saved_ns >= HANG_NS;
	snprintf(text, sizeof(text), "the state cannot be saved, a restart would lose it: %s",
	    hangs ? "the disk does not answer" : strerror(-s->error));
	alarms_set_own(l->alarms, OWN_ALARM_STATE, hangs || s->error < 0 ? text : NULL);
}

void state_turn(struct state *s, struct live *l, int64_t now_ns)
{
	if (!s)
		return;
	take_answers(s, l);
	take_reports(s);
	tell(s, l, now_ns);
	if (s->saving || now_ns - s->saved_ns < (s->soon ? ALARM_INTERVAL_NS : SAVE_INTERVAL_NS))
		return;
	s->saved_ns = now_ns;
	int r = save(s, l, false);
	if (r < 0)
		s->error = r;
}

static void free_state(struct disk_job *job)
{
	struct state *s = (struct state *)job;
	state_db_free(s->db);
	inbox_free(s->answers);
	inbox_free(s->reports);
	free(s->folder);
	free(s);
}

struct state *state_open(const char *folder, struct disk *disk, struct live *l, struct wall_clock *clock)
{
	struct state *s = calloc(1, sizeof(*s));
	if (s) {
		s->close = (struct disk_job){ .free = free_state };
		s->disk = disk;
		s->saved_ns = clock_boottime();
		s->folder = strdup(folder);
		s->db = state_db_new(folder);
		s->answers = disk_answers_new();
		s->reports = disk_answers_new();
	}
	if (!s || !s->folder || !s->db || !s->answers || !s->reports) {
		log_event(LOG_WARNING, (struct log_fields){ .message_id = LOG_ID_DISK },
		    "the state cannot be saved: %s", strerror(errno));
		if (s)
			free_state(&s->close);
		return NULL;
	}
	load(s, l, clock);
	s->change = state_db_take_renewed(s->db) ? 0 : alarm_log_newest(alarms_log(l->alarms));
	return s;
}

void state_close(struct state *s, struct live *l)
{
	if (!s)
		return;
	(void)save(s, l, true);
	disk_give(s->disk, &s->close);
}
