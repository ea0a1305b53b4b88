/* spool: what the broker has not taken yet, on disk (holder, one thread at a time).
 *
 * A SQLite file of batches: the messages that were saved together, packed (spool_pack.h). Each change is a
 * transaction that is on the disk when the function returns (WAL, synchronous = FULL), so a power cut loses
 * at most what was not appended yet.
 *
 * Bounded by size and age: the oldest batches go first, and a record of the gap takes their place. Age is
 * counted in the time that the machine is up, never by the wall clock: a clock that jumps by years drops
 * nothing.
 *
 * Functions return 0 or more when they worked; -EBADMSG when the file is damaged, foreign, or of a newer
 * version (then db_set_aside is the way on), -ENOSPC, -EROFS, -EIO, -ENOMEM, ….
 */
#pragma once

#include "daemon/disk/db.h"
#include "daemon/publish/message.h"

struct spool;

struct spool_limits {
	int64_t max_size; /* bytes on disk */
	int64_t max_age_ns;
};

struct spool_stats {
	uint64_t messages; /* waiting */
	uint64_t bytes;	   /* of the file that are in use */
	uint64_t dropped;  /* messages, since it was opened */
	int64_t oldest_ms; /* UTC, of the oldest that waits; 0 = there is none */
};

/* Opens or makes the file. `old_base` (must outlive the spool) is the base of the topics that earlier
 * versions saved without it. On failure `why` says what is wrong. `now_ns` here and below: CLOCK_BOOTTIME. */
int spool_open(struct spool **ret, const char *path, const char *old_base, struct spool_limits limits,
    int64_t now_ns, char why[static DB_WHY_MAX]);
void spool_close(struct spool *s);

/* Takes other limits; what is too much is dropped at the next append or spool_tend. */
void spool_set_limits(struct spool *s, struct spool_limits limits);

/* The highest id of a batch, 0 without any: the caller numbers its batches from there on. */
uint64_t spool_last_id(const struct spool *s);

/* Saves messages as batch `id`. Live ones are out at the broker, unacknowledged: they are not loaded before
 * spool_release. */
int spool_append(struct spool *s, uint64_t id, const struct message_list *l, bool live, int64_t now_ns);

struct spool_batch {
	uint64_t id;
	bool is_gap;
	int64_t from_ms, to_ms;	      /* UTC, of the first and last message */
	uint64_t dropped;	      /* of a gap */
	uint64_t sent;		      /* messages that were taken off the front, see spool_set_sent */
	struct message_list messages; /* the rest; owned by the caller */
};

/* The oldest batch after `after` that is not live. 1, 0 = there is none. Until it is deleted, or released, it
 * stays even when the spool is full. */
int spool_load(struct spool *s, uint64_t after, struct spool_batch *ret);

int spool_delete(struct spool *s, uint64_t id);

/* The first `sent` messages of a batch are delivered: they are not loaded again. */
int spool_set_sent(struct spool *s, uint64_t id, uint64_t sent);

/* The connection is gone: no batch is live or loaded any more. */
int spool_release(struct spool *s);

/* Drops what is too old, and packs what was saved, in two steps, into pieces of a minute; only while nothing
 * is live or loaded. */
int spool_tend(struct spool *s, int64_t now_ns);

struct spool_stats spool_describe(const struct spool *s);
