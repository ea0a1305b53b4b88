/* disk: the thread that waits for the disk, so that the main loop need not (mover).
 *
 * It runs jobs one after the other, in the order in which they were given. Nothing is lost, so each giver
 * bounds what it has given and not got back: a disk that hangs holds that much and no more.
 */
#pragma once

#include "drivers/inbox.h"

struct disk;

struct disk_job {
	struct inbox_item item;
	/* On the disk's thread. NULL = nothing, for a last job that is only freed there. */
	void (*run)(struct disk_job *job);
	/* When it was run and has no `answers`, or nobody takes it from there. */
	void (*free)(struct disk_job *job);
	struct inbox *answers; /* where it goes when it was run, with what came of it; NULL = nowhere */
};

/* Starts the thread. NULL with errno. */
struct disk *disk_new(void);

/* Runs what was given, until `deadline_ns` (CLOCK_MONOTONIC) at most, and ends: true. False when the disk
 * hangs: then all memory that jobs know of is left to the thread. */
bool disk_free(struct disk *d, int64_t deadline_ns);

/* Takes the job over. */
void disk_give(struct disk *d, struct disk_job *job);

/* A place for answers. Its owner frees it in its last job, because others are under way until then. NULL with
 * errno. */
struct inbox *disk_answers_new(void);
