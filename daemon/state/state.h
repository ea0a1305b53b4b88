/* state: energies, what loops learned and alarm states over a restart (mover, main thread).
 *
 * Saved by the disk's thread, one save at a time: while the disk hangs, none waits. The functions take NULL,
 * as when there is no folder for it: then nothing outlives a restart.
 */
#pragma once

#include "daemon/control/record_period.h"
#include "daemon/disk/disk.h"
#include "daemon/live/live.h"

struct state;

/* Takes up into `l` what the last run has left in `folder`, as far as it is of the same configuration; waits
 * for the disk. Begins `clock`, which must outlive what is live. A file that cannot be used is set aside and
 * said. NULL without memory (said as well). */
struct state *state_open(const char *folder, struct disk *disk, struct live *l, struct wall_clock *clock);

/* Something that must not be lost has changed: it is saved within a second. */
void state_save_soon(struct state *s);

/* Some times a second: saves when it is time; an alarm tells when it cannot. */
void state_turn(struct state *s, struct live *l, int64_t now_ns);

/* Records that somebody wants to see: read by the disk's thread, with what is in no table yet, and written
 * there as a text. */
struct state_report {
	struct disk_job job;
	struct state *state;
	struct config *config; /* a reference */
	struct record_periods periods;
	bool strikes; /* before it is read, all of its time, for a reason; without one that is taken back */
	char *reason, *who;
	struct record_batch due, open; /* what may be in no table yet, and what is in none */
	int64_t now_ms;		       /* UTC when it was asked for */
	int64_t due_id, until_ms;      /* of `due`; UTC up to which energies are counted */
	struct record_batch rows;      /* by number of the record */
	/* On the disk's thread: the report as a text (malloc'd), NULL without memory. */
	char *(*write)(struct state_report *report);
	int error; /* negative errno, and then there is no text */
	char *text;
	/* On the main thread, at the end; the report is freed behind it. */
	void (*done)(struct state_report *report);
	void *user;
};

void state_report_free(struct state_report *report);

/* Whether there is room for one more report under way. */
bool state_is_free(const struct state *s);

/* Takes a report (calloc'd, with its periods, strike, `write`, `done` and `user`) over. */
void state_ask(struct state *s, const struct live *l, struct state_report *report);

/* Gives the disk the last save, and ends. */
void state_close(struct state *s, struct live *l);
