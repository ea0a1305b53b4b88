/* history: messages that the broker has not acknowledged, until it has (holder, main thread).
 *
 * What cannot be delivered now is kept here: for half a second in memory, then in the spool, and from there
 * it is handed out again as history, oldest first. Live messages that wait for their acknowledgement get a
 * copy in the spool, so that a crash loses at most a second. While the broker answers, nothing touches the
 * disk. While the disk does not work, messages stay in memory up to a bound; past that the oldest are dropped
 * and counted.
 */
#pragma once

#include "daemon/disk/disk.h"
#include "daemon/publish/message.h"
#include "daemon/spool/spool.h"

#include <systemd/sd-event.h>

/* What waits in memory until it is written: two readings of 50,000 points with a topic each. */
#define HISTORY_MEMORY_MAX 100000
#define HISTORY_MEMORY_BYTES_MAX ((size_t)32 << 20)
/* How often live messages are looked through, and, every other time, what has gathered is written: with the
 * age below and the write itself less than the second that may be lost, and no more often than that, because
 * each write costs the disk some pages. */
#define HISTORY_TURN_MS 350
/* A live message that is not acknowledged for so long is written, or for twice as long as is normal on its
 * link, if that is more. */
#define HISTORY_LIVE_AGE_MS 450
#define HISTORY_LIVE_AGE_MAX_MS 3000
/* A disk that does not answer for so long hangs: that is said, and what is in memory goes out. */
#define HISTORY_DISK_PATIENCE_MS 3000

struct history;

struct history_events {
	/* There is something to hand out: call history_next. */
	void (*ready)(void *user);
	/* At each save: the owner offers its live messages that wait to history_save. */
	void (*saving)(void *user);
	/* The spool has a problem from now on; "" = it has none. */
	void (*trouble)(void *user, const char *text);
	/* The message that tells of what had to be dropped; NULL = none, or without memory. */
	struct message *(*gap)(void *user, int64_t from_ms, int64_t to_ms, uint64_t dropped);
	void *user;
};

struct history_stats {
	uint64_t messages, bytes; /* in the spool and in memory */
	uint64_t dropped;
	int64_t oldest_ms;   /* UTC, of the oldest; 0 = there is none */
	const char *trouble; /* "" = none */
};

/* The spool is the file `name` in `folder`, written by `disk`; `old_base` see spool_open. NULL with errno. */
struct history *history_new(sd_event *event, struct disk *disk, const char *folder, const char *name,
    const char *old_base, struct spool_limits limits, const struct history_events *events);
/* Gives the disk what is not yet written. */
void history_free(struct history *h);

void history_set_limits(struct history *h, struct spool_limits limits);

/* Takes a message that cannot be delivered now. */
void history_keep(struct history *h, struct message *m);

/* Copies a live message into the spool when it has waited long enough and was not copied yet. `normal_ns` is
 * how long acknowledgements take on its link; 0 = not known. */
void history_save(struct history *h, struct message *m, int64_t now_ns, int64_t normal_ns);

/* The connection is there: handing out begins from the oldest. */
void history_online(struct history *h);
/* The connection is gone; history_lost was called for all that was in flight, in its order, before. */
void history_offline(struct history *h);

/* The next message to send, or NULL: none, or none yet (then `ready` follows). */
struct message *history_next(struct history *h);
/* It could not be sent after all. */
void history_return(struct history *h, struct message *m);

/* The broker has acknowledged a message, live or handed out; it is freed. */
void history_delivered(struct history *h, struct message *m);
/* The connection ended before that; the message is taken over. */
void history_lost(struct history *h, struct message *m);

struct history_stats history_describe(struct history *h);
