#include "daemon/spool/history.h"

#include "daemon/spool/spooler.h"
#include "drivers/os/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Most of the text of one batch, so that no single one is a large part of the spool. */
#define BATCH_BYTES_MAX ((size_t)1 << 20)
#define BATCH_SHARE 10
/* Batches that are handed out at the same time: one that is being acknowledged, one that is being sent. */
#define LOADED_MAX 2
/* The next batch is asked for when so few messages are left. */
#define LOAD_AHEAD 200
/* Batches of live messages, one for each save while the broker owes an answer. */
#define LIVE_MAX 256

/* Batches with this bit are copies of what is being appended; ids of the spool are far below. */
#define COPIES (UINT64_C(1) << 63)

/* Turns between two times of tending the spool: 10 s. */
#define TEND_TURNS 28

/* Live messages that were copied into one batch. */
struct live_batch {
	uint64_t tag; /* 0 = free */
	uint64_t id;  /* in the spool, once it is written; 0 before */
	size_t waiting;
};

/* A batch that is being handed out. */
struct loaded_batch {
	uint64_t id; /* 0 = free */
	uint64_t sent_before, count, acknowledged;
	uint64_t first_lost; /* place of the first message that was not acknowledged */
};

struct history {
	struct history_events events;
	struct spooler *spooler;
	sd_event_source *io, *save_timer;
	struct spool_limits limits;
	bool online;
	unsigned turns;

	struct message_list memory; /* not yet in the spool */
	struct message_list lost;   /* handed out of memory, and lost again */
	uint64_t memory_dropped;
	int64_t dropped_from_ms, dropped_to_ms; /* of these */
	uint64_t dropped;
	/* What the disk has been given, one batch at a time, so that a slow one holds no more than that; NULL
	 * = nothing. While the disk hangs, copies of it are handed out. */
	const struct message_list *appending;
	const struct message *next_copy;   /* of these; NULL = none is left */
	uint64_t append;		   /* of it; batch of its copies, and of nothing else */
	uint64_t copied, copies_delivered; /* of it; acknowledged in their order */
	uint64_t delivered_id;		   /* of the last batch that was delivered before it was saved */
	bool save_failed;		   /* the last append did not work: hand out from memory */

	struct message_list copies; /* of live messages, to be saved together */
	uint64_t next_tag;
	struct live_batch live[LIVE_MAX];

	struct message_list replay;
	struct loaded_batch loaded[LOADED_MAX];
	uint64_t load_after;
	bool load_pending, at_end;
	bool load_is_stale; /* what is being loaded was asked for by an earlier connection */
	bool tend_pending;
	int64_t asked_ns; /* since when the disk owes an answer */
	bool hangs;
	struct spool_stats spool;
	char trouble[512];
};

static void drop_oldest(struct history *h)
{
	struct message *m = message_list_take(&h->memory);
	if (h->memory_dropped++ == 0)
		h->dropped_from_ms = m->ts_ms;
	h->dropped_to_ms = m->ts_ms;
	h->dropped++;
	message_free(m);
}

static void bound_memory(struct history *h)
{
	while (h->memory.count > HISTORY_MEMORY_MAX || h->memory.bytes > HISTORY_MEMORY_BYTES_MAX)
		drop_oldest(h);
}

static struct message *gap_message(struct history *h, int64_t from_ms, int64_t to_ms, uint64_t dropped)
{
	struct message *m = h->events.gap(h->events.user, from_ms, to_ms, dropped);
	if (m)
		message_make_late(m);
	return m;
}

/* What was dropped from memory is told once there is room again. */
static void tell_gap(struct history *h)
{
	if (h->memory_dropped == 0)
		return;
	struct message *m = gap_message(h, h->dropped_from_ms, h->dropped_to_ms, h->memory_dropped);
	if (!m)
		return; /* it is told with the next */
	h->memory_dropped = 0;
	message_list_prepend(&h->memory, m);
}

void history_keep(struct history *h, struct message *m)
{
	message_make_late(m);
	m->batch = 0;
	message_list_append(&h->memory, m);
	bound_memory(h);
}

static struct live_batch *find_live(struct history *h, uint64_t tag)
{
	for (size_t i = 0; tag != 0 && i < LIVE_MAX; i++)
		if (h->live[i].tag == tag)
			return &h->live[i];
	return NULL;
}

static struct live_batch *free_live(struct history *h)
{
	for (size_t i = 0; i < LIVE_MAX; i++)
		if (h->live[i].tag == 0)
			return &h->live[i];
	return NULL;
}

static int64_t late_after(int64_t normal_ns)
{
	if (2 * normal_ns > HISTORY_LIVE_AGE_MAX_MS * NS_PER_MS)
		return HISTORY_LIVE_AGE_MAX_MS * NS_PER_MS;
	return 2 * normal_ns > HISTORY_LIVE_AGE_MS * NS_PER_MS ? 2 * normal_ns
							       : HISTORY_LIVE_AGE_MS * NS_PER_MS;
}

void history_save(struct history *h, struct message *m, int64_t now_ns, int64_t normal_ns)
{
	if (!message_is_kept(m) || m->is_history || m->batch != 0 ||
	    now_ns - m->made_ns < late_after(normal_ns) || !free_live(h))
		return;
	struct message *copy = message_copy_late(m);
	if (!copy)
		return;
	m->batch = h->next_tag;
	message_list_append(&h->copies, copy);
}

static void save_copies(struct history *h)
{
	struct live_batch *b = free_live(h);
	size_t count = h->copies.count;
	if (count == 0 || !b)
		return;
	if (!spooler_append(h->spooler, h->next_tag, &h->copies, true)) {
		message_list_clear(&h->copies); /* the messages are still there; they are kept when lost */
		h->next_tag++;
		return;
	}
	*b = (struct live_batch){ .tag = h->next_tag++, .waiting = count };
}

static size_t batch_bytes(const struct history *h)
{
	size_t share = (size_t)h->limits.max_size / BATCH_SHARE;
	return share < BATCH_BYTES_MAX ? share : BATCH_BYTES_MAX;
}

static bool owes_answer(const struct history *h)
{
	return h->appending || h->load_pending || h->tend_pending;
}

/* Before a task is given whose answer is waited for. */
static void ask(struct history *h)
{
	if (!owes_answer(h))
		h->asked_ns = clock_boottime();
}

/* All of what is being appended is handed out from the first on. */
static void begin_copies(struct history *h)
{
	h->next_copy = h->appending ? h->appending->first : NULL;
	h->copied = h->copies_delivered = 0;
}

static struct message *copy_appending(struct history *h)
{
	struct message *m = message_copy_late(h->next_copy);
	if (!m)
		return NULL;
	m->batch = h->append;
	m->place = h->copied++;
	h->next_copy = h->next_copy->next;
	return m;
}

/* Whether the broker has all of what was appended, which ends with this. */
static bool end_append(struct history *h)
{
	bool delivered = h->appending && h->copies_delivered == h->appending->count;
	h->appending = NULL;
	h->next_copy = NULL;
	return delivered;
}

static void save_memory(struct history *h)
{
	struct message_list l = { 0 };
	if (h->appending || !h->memory.first)
		return;
	do {
		message_list_append(&l, message_list_take(&h->memory));
	} while (h->memory.first && l.bytes + h->memory.first->size < batch_bytes(h));
	ask(h);
	h->appending = spooler_append(h->spooler, 0, &l, false);
	h->append++;
	message_list_join_front(&h->memory, &l);
	begin_copies(h);
}

/* A disk that neither works nor fails. */
static void watch_disk(struct history *h, int64_t now_ns)
{
	if (h->hangs || !owes_answer(h) || now_ns - h->asked_ns < HISTORY_DISK_PATIENCE_MS * NS_PER_MS)
		return;
	h->hangs = true;
	snprintf(
	    h->trouble, sizeof(h->trouble), "the disk of the spool does not answer, messages wait in memory");
	h->events.trouble(h->events.user, h->trouble);
	if (h->online)
		h->events.ready(h->events.user);
}

static int on_save(sd_event_source *s, uint64_t usec, void *user)
{
	struct history *h = user;
	h->events.saving(h->events.user);
	save_copies(h);
	if (h->turns % 2 == 0)
		save_memory(h);
	if (h->turns++ % TEND_TURNS == 0 && !h->tend_pending) {
		ask(h);
		h->tend_pending = spooler_tend(h->spooler);
	}
	watch_disk(h, clock_boottime());
	(void)sd_event_source_set_time_relative(s, HISTORY_TURN_MS * UINT64_C(1000));
	(void)sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
	return 0;
}

static struct loaded_batch *find_loaded(struct history *h, uint64_t id)
{
	for (size_t i = 0; i < LOADED_MAX; i++)
		if (h->loaded[i].id == id)
			return &h->loaded[i];
	return NULL;
}

static void load_more(struct history *h)
{
	if (!h->online || h->load_pending || h->at_end || h->replay.count >= LOAD_AHEAD || !find_loaded(h, 0))
		return;
	ask(h);
	h->load_pending = spooler_load(h->spooler, h->load_after);
}

struct message *history_next(struct history *h)
{
	load_more(h);
	if (h->replay.first)
		return message_list_take(&h->replay);
	/* without a disk there is nothing older than what it has been given, and what is in memory */
	if (h->hangs && h->next_copy)
		return copy_appending(h);
	if (((h->save_failed && !h->appending) || h->hangs) && h->memory.first) {
		tell_gap(h);
		return message_list_take(&h->memory);
	}
	return NULL;
}

void history_return(struct history *h, struct message *m)
{
	message_list_prepend(m->batch ? &h->replay : &h->memory, m);
}

static void live_delivered(struct history *h, const struct message *m)
{
	struct live_batch *b = find_live(h, m->batch);
	if (!b || --b->waiting > 0 || b->id == 0)
		return;
	spooler_delete(h->spooler, b->id);
	b->tag = 0;
}

static void loaded_delivered(struct history *h, const struct message *m)
{
	if (m->batch == h->append && m->place == h->copies_delivered)
		h->copies_delivered++;
	struct loaded_batch *b = m->batch ? find_loaded(h, m->batch) : NULL;
	if (!b || ++b->acknowledged < b->count)
		return;
	spooler_delete(h->spooler, b->id);
	b->id = 0;
	load_more(h);
}

void history_delivered(struct history *h, struct message *m)
{
	if (m->is_history)
		loaded_delivered(h, m);
	else
		live_delivered(h, m);
	message_free(m);
}

static void note_lost(struct history *h, const struct message *m)
{
	struct loaded_batch *b = m->batch ? find_loaded(h, m->batch) : NULL;
	if (b && m->place < b->first_lost)
		b->first_lost = m->place;
}

void history_lost(struct history *h, struct message *m)
{
	const struct live_batch *b = m->is_history ? NULL : find_live(h, m->batch);
	bool is_saved = m->is_history ? m->batch != 0 : b && b->id != 0;
	if (m->is_history)
		note_lost(h, m);
	if (is_saved || !message_is_kept(m))
		message_free(m);
	else if (m->is_history)
		message_list_append(&h->lost, m);
	else
		history_keep(h, m);
}

void history_online(struct history *h)
{
	h->online = true;
	h->load_after = 0;
	h->at_end = false;
	begin_copies(h);
	load_more(h);
}

void history_offline(struct history *h)
{
	h->online = false;
	message_list_join_front(&h->memory, &h->lost);
	bound_memory(h);
	for (struct message *m; (m = message_list_take(&h->replay)); message_free(m))
		note_lost(h, m);
	for (size_t i = 0; i < LOADED_MAX; i++) {
		struct loaded_batch *b = &h->loaded[i];
		if (b->id && b->first_lost > b->sent_before)
			spooler_set_sent(h->spooler, b->id, b->first_lost);
		b->id = 0;
	}
	/* the messages of a batch that is not written yet are in memory; it may then be there twice */
	memset(h->live, 0, sizeof(h->live));
	spooler_release(h->spooler);
	h->load_is_stale = h->load_pending;
}

static void on_saved(struct history *h, const struct spool_task *t)
{
	h->save_failed = false;
	if (t->tag == 0) {
		if (end_append(h)) {
			spooler_delete(h->spooler, t->batch.id);
			h->delivered_id = t->batch.id;
		}
		h->at_end = false;
		tell_gap(h);
		if (h->memory.bytes > batch_bytes(h)) /* a disk that comes back catches up at once */
			save_memory(h);
		load_more(h);
		return;
	}
	struct live_batch *b = find_live(h, t->tag);
	if (b)
		b->id = t->batch.id;
	if (!b || b->waiting > 0)
		return;
	/* all acknowledged meanwhile */
	spooler_delete(h->spooler, t->batch.id);
	b->tag = 0;
}

static void on_not_saved(struct history *h, struct spool_task *t)
{
	struct live_batch *b = find_live(h, t->tag);
	if (t->tag != 0) {
		if (b)
			b->tag = 0; /* its messages are kept when they are lost */
		return;
	}
	h->save_failed = true;
	if (!end_append(h))
		message_list_join_front(&h->memory, &t->batch.messages);
	bound_memory(h);
	if (h->online)
		h->events.ready(h->events.user);
}

/* False when the answer is one to an earlier connection. */
static bool end_load(struct history *h)
{
	bool stale = h->load_is_stale;
	h->load_pending = h->load_is_stale = false;
	if (stale)
		load_more(h);
	return h->online && !stale;
}

static void on_loaded(struct history *h, struct spool_task *t)
{
	struct spool_batch *b = &t->batch;
	struct loaded_batch *slot = find_loaded(h, 0);
	if (!end_load(h) || !slot)
		return; /* it is loaded again after the next connect */
	h->load_after = b->id;
	if (b->id == h->delivered_id) { /* loaded before it could be deleted */
		load_more(h);
		return;
	}
	struct message *gap = b->is_gap ? gap_message(h, b->from_ms, b->to_ms, b->dropped) : NULL;
	if (gap)
		message_list_append(&b->messages, gap);
	*slot = (struct loaded_batch){ .id = b->id,
		.sent_before = b->sent,
		.count = b->messages.count,
		.first_lost = b->sent + b->messages.count };
	uint64_t place = b->sent;
	for (struct message *m = b->messages.first; m; m = m->next) {
		m->batch = b->id;
		m->place = place++;
		m->ts_ms = b->from_ms;
	}
	if (slot->count == 0) { /* all of it was sent before */
		spooler_delete(h->spooler, slot->id);
		slot->id = 0;
	}
	message_list_join(&h->replay, &b->messages);
	load_more(h);
	h->events.ready(h->events.user);
}

static void on_task(struct history *h, struct spool_task *t)
{
	h->spool = t->stats;
	h->asked_ns = clock_boottime();
	h->hangs = false;
	if (strcmp(h->trouble, t->trouble) != 0) {
		memcpy(h->trouble, t->trouble, sizeof(h->trouble));
		h->events.trouble(h->events.user, h->trouble);
	}
	switch (t->outcome) {
	case SPOOL_SAVED:
		on_saved(h, t);
		break;
	case SPOOL_NOT_SAVED:
		on_not_saved(h, t);
		break;
	case SPOOL_LOADED:
		on_loaded(h, t);
		break;
	case SPOOL_END:
		if (end_load(h))
			h->at_end = true;
		break;
	case SPOOL_TENDED:
		h->tend_pending = false;
		break;
	case SPOOL_DONE:
		break;
	}
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct history *h = user;
	for (struct inbox_item *i = inbox_take(spooler_answers(h->spooler)), *next; i; i = next) {
		struct spool_task *t = (struct spool_task *)i;
		next = i->next;
		on_task(h, t);
		spool_task_free(t);
	}
	return 0;
}

struct history *history_new(sd_event *event, struct disk *disk, const char *folder, const char *name,
    const char *old_base, struct spool_limits limits, const struct history_events *events)
{
	struct history *h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->events = *events;
	h->limits = limits;
	h->next_tag = 1;
	h->append = COPIES;
	h->spooler = spooler_new(disk, folder, name, old_base, limits);
	int r = h->spooler
		    ? sd_event_add_io(event, &h->io, inbox_fd(spooler_answers(h->spooler)), EPOLLIN, on_io, h)
		    : -errno;
	if (r >= 0)
		r = sd_event_add_time_relative(event, &h->save_timer, CLOCK_BOOTTIME, 0, 0, on_save, h);
	if (r < 0) {
		history_free(h);
		errno = -r;
		return NULL;
	}
	return h; /* the timer is due at once and opens the file: what is wrong with it is known then */
}

void history_free(struct history *h)
{
	if (!h)
		return;
	h->io = sd_event_source_disable_unref(h->io);
	h->save_timer = sd_event_source_disable_unref(h->save_timer);
	while (h->spooler && h->memory.first) {
		h->appending = NULL;
		save_memory(h);
		if (!h->appending)
			break;
	}
	spooler_free(h->spooler);
	message_list_clear(&h->memory);
	message_list_clear(&h->lost);
	message_list_clear(&h->copies);
	message_list_clear(&h->replay);
	free(h);
}

void history_set_limits(struct history *h, struct spool_limits limits)
{
	h->limits = limits;
	spooler_set_limits(h->spooler, limits);
}

/* What is in the spool is older than what is in memory. */
static int64_t oldest_ms(const struct history *h)
{
	if (h->spool.oldest_ms != 0)
		return h->spool.oldest_ms;
	return h->memory.first ? h->memory.first->ts_ms : 0;
}

struct history_stats history_describe(struct history *h)
{
	return (struct history_stats){ .messages = h->spool.messages + h->memory.count,
		.bytes = h->spool.bytes + h->memory.bytes,
		.dropped = h->spool.dropped + h->dropped,
		.oldest_ms = oldest_ms(h),
		.trouble = h->trouble };
}
