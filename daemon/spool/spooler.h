/* spooler: the spool on the disk's thread (mover, main thread).
 *
 * Tasks are done in their order and come back with what came of them. None may be lost: what waits is bounded
 * by history.h, which has one append, one load and one tending under way. A file that is damaged or foreign
 * is set aside and a new one made; a disk that is full, read-only or gone is tried again every SPOOL_RETRY_S,
 * and until then every append comes back undone.
 */
#pragma once

#include "daemon/disk/disk.h"
#include "daemon/spool/spool.h"

#define SPOOL_RETRY_S 5

struct spooler;

enum spool_outcome {
	SPOOL_DONE,
	SPOOL_SAVED,	 /* `tag` is on the disk as batch `batch.id` */
	SPOOL_NOT_SAVED, /* `tag` is not */
	SPOOL_LOADED,	 /* `batch` */
	SPOOL_END,	 /* there is nothing more to load, for now */
	SPOOL_TENDED,
};

/* A task; when it has come back, with what came of it. */
struct spool_task {
	struct disk_job job;
	struct spooler *spooler;
	void (*work)(struct spooler *s, struct spool_task *t);
	enum spool_outcome outcome;
	uint64_t tag;
	bool live;
	struct spool_batch batch; /* its messages are the receiver's */
	struct spool_limits limits;
	struct spool_stats stats; /* after it */
	char trouble[512];	  /* what is wrong since then; empty: all is well */
};

/* The file is `name` in `folder`, which is made when it is not there; `old_base` see spool_open. All are
 * copied. NULL with errno. */
struct spooler *spooler_new(struct disk *disk, const char *folder, const char *name, const char *old_base,
    struct spool_limits limits);
/* Closes the file when what was given before is done. */
void spooler_free(struct spooler *s);

/* Where its tasks come back; the taker frees each with spool_task_free. */
struct inbox *spooler_answers(struct spooler *s);
void spool_task_free(struct spool_task *t);

/* The tasks; see the functions of spool.h. False or NULL without memory, and then nothing is taken. */

/* Takes the messages of `l` over. They are not changed until the task has come back, and may be read until it
 * is freed. */
const struct message_list *spooler_append(struct spooler *s, uint64_t tag, struct message_list *l, bool live);
bool spooler_load(struct spooler *s, uint64_t after);
bool spooler_tend(struct spooler *s);
/* These only save work: without memory they are left out. */
void spooler_delete(struct spooler *s, uint64_t id);
void spooler_set_sent(struct spooler *s, uint64_t id, uint64_t sent);
void spooler_release(struct spooler *s);
void spooler_set_limits(struct spooler *s, struct spool_limits limits);
