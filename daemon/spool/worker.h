/* worker: the thread that waits for the disk, so that the main loop need not (mover).
 *
 * Jobs go into its inbox, are done in their order, and their outcomes come back in another. Neither may lose
 * anything: what waits is bounded by history.h, which has one append and one load under way. A file that is
 * damaged or foreign is set aside and a new one made; a disk that is full, read-only or gone is tried again
 * every SPOOL_RETRY_S, and until then every append comes back undone. All functions: main thread.
 */
#pragma once

#include "daemon/spool/spool.h"
#include "drivers/inbox.h"

#define SPOOL_RETRY_S 5

struct spool_worker;

enum spool_outcome_kind {
	SPOOL_SAVED,	 /* `tag` is on the disk as batch `batch.id` */
	SPOOL_NOT_SAVED, /* `tag` is not: `batch.messages` has its messages back */
	SPOOL_LOADED,	 /* `batch` */
	SPOOL_END,	 /* there is nothing more to load, for now */
	SPOOL_TROUBLE,	 /* `text` says what is wrong from now on; empty: all is well again */
};

struct spool_outcome {
	struct inbox_item item;
	enum spool_outcome_kind kind;
	uint64_t tag;
	struct spool_batch batch; /* its messages are the receiver's */
	char text[512];
};

/* Starts the thread. The file is in `folder` (copied), which is made when it is not there. NULL with errno.
 */
struct spool_worker *spool_worker_new(const char *folder, struct spool_limits limits);

/* Does what is left to do, for `grace_ns` at most, and ends. Without an end in time (a disk that hangs) the
 * memory is left to the thread. */
void spool_worker_free(struct spool_worker *w, int64_t grace_ns);

/* Where its outcomes arrive; the taker frees each with spool_outcome_free. */
struct inbox *spool_worker_outcomes(struct spool_worker *w);
void spool_outcome_free(struct spool_outcome *o);

/* The jobs; see the functions of spool.h. Messages of `l` are taken over. False without memory, and then
 * nothing is taken. */
bool spool_worker_append(struct spool_worker *w, uint64_t tag, struct message_list *l, bool live);
bool spool_worker_load(struct spool_worker *w, uint64_t after);
void spool_worker_delete(struct spool_worker *w, uint64_t id);
void spool_worker_set_sent(struct spool_worker *w, uint64_t id, uint64_t sent);
void spool_worker_release(struct spool_worker *w);
void spool_worker_tend(struct spool_worker *w);
void spool_worker_set_limits(struct spool_worker *w, struct spool_limits limits);

struct spool_stats spool_worker_describe(struct spool_worker *w);
