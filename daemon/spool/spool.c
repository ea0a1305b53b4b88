#include "daemon/spool/spool.h"

#include "config/ini/cleanup.h"
#include "daemon/spool/db.h"
#include "daemon/spool/pack.h"
#include "drivers/os/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The write-ahead log may grow to this share of the whole, and to this size at most. */
#define WAL_SHARE 20
#define WAL_PAGES_MAX 256
/* Batches are packed together when there are so many: a minute of them. */
#define PACK_BATCHES 86
/* A packed batch is no larger than this share of the whole: it is what goes at once when space runs out. */
#define PACK_SHARE 20
/* Pages given back to the file system at once. */
#define VACUUM_PAGES 256

struct spool {
	struct spool_db db;
	struct spool_limits limits;
	struct spool_stats stats;
	uint64_t last_id, loaded_id;
	bool has_live; /* something was live since the last release */
	size_t unpacked_count;
};

static int64_t wal_bytes(const struct spool_limits *limits)
{
	int64_t pages = limits->max_size / WAL_SHARE / SPOOL_PAGE_SIZE;
	return (pages < WAL_PAGES_MAX ? pages : WAL_PAGES_MAX) * SPOOL_PAGE_SIZE;
}

static int update_bytes(struct spool *s)
{
	int r = spool_db_step(&s->db, SPOOL_USED_PAGES, 0, NULL);
	if (r == 1)
		s->stats.bytes = (uint64_t)spool_db_number(&s->db, SPOOL_USED_PAGES, 0) * SPOOL_PAGE_SIZE;
	spool_db_done(&s->db, SPOOL_USED_PAGES);
	return r < 0 ? r : 0;
}

static int update_messages(struct spool *s)
{
	int r = spool_db_step(&s->db, SPOOL_WAITING, 0, NULL);
	if (r == 1)
		s->stats.messages = (uint64_t)spool_db_number(&s->db, SPOOL_WAITING, 0);
	spool_db_done(&s->db, SPOOL_WAITING);
	return r < 0 ? r : 0;
}

static int take_stock(struct spool *s)
{
	int64_t last = 0, unpacked = 0;
	int r = spool_db_query(&s->db, "SELECT coalesce(max(id), 0) FROM batch", &last);
	if (r >= 0)
		r = spool_db_query(&s->db, "SELECT count(*) FROM batch WHERE packed = 0", &unpacked);
	s->last_id = (uint64_t)last;
	s->unpacked_count = (size_t)unpacked;
	if (r >= 0)
		r = update_messages(s);
	return r < 0 ? r : update_bytes(s);
}

int spool_open(struct spool **ret, const char *path, struct spool_limits limits, int64_t now_ns,
    char why[static SPOOL_WHY_MAX])
{
	struct spool *s = calloc(1, sizeof(*s));
	why[0] = '\0';
	if (!s)
		return -ENOMEM;
	s->limits = limits;
	int r = spool_db_open(&s->db, path, wal_bytes(&limits), now_ns, why);
	if (r >= 0)
		r = spool_release(s);
	if (r >= 0)
		r = take_stock(s);
	if (r < 0) {
		if (!why[0])
			snprintf(why, SPOOL_WHY_MAX, "%s", spool_db_error(&s->db));
		spool_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	spool_db_close(&s->db);
	free(s);
}

void spool_set_limits(struct spool *s, struct spool_limits limits)
{
	s->limits = limits;
}

int spool_set_aside(const char *path, char *aside, size_t size)
{
	_cleanup_free_ char *wal = NULL, *aside_wal = NULL;
	unsigned slot = 1;
	/* the first free place, else the last: the earliest damage tells most */
	for (; slot < SPOOL_ASIDE_MAX; slot++) {
		snprintf(aside, size, "%s.bad%u", path, slot);
		if (access(aside, F_OK) < 0)
			break;
	}
	snprintf(aside, size, "%s.bad%u", path, slot);
	if (asprintf(&wal, "%s-wal", path) < 0 || asprintf(&aside_wal, "%s-wal", aside) < 0)
		return -ENOMEM;
	if (rename(path, aside) < 0)
		return -errno;
	(void)rename(wal, aside_wal); /* there need not be one */
	return 0;
}

uint64_t spool_last_id(const struct spool *s)
{
	return s->last_id;
}

struct oldest {
	int64_t id, from_ms, to_ms, messages, born_s;
	bool packed;
};

/* The oldest batch that may be dropped: 1, or 0 when there is none. */
static int find_oldest(struct spool *s, struct oldest *o)
{
	struct spool_db *d = &s->db;
	int r = spool_db_step(d, SPOOL_OLDEST, SPOOL_NUMBERS((int64_t)s->loaded_id));
	if (r == 1)
		*o = (struct oldest){ .id = spool_db_number(d, SPOOL_OLDEST, 0),
			.from_ms = spool_db_number(d, SPOOL_OLDEST, 1),
			.to_ms = spool_db_number(d, SPOOL_OLDEST, 2),
			.messages = spool_db_number(d, SPOOL_OLDEST, 3),
			.born_s = spool_db_number(d, SPOOL_OLDEST, 4),
			.packed = spool_db_number(d, SPOOL_OLDEST, 5) != 0 };
	spool_db_done(d, SPOOL_OLDEST);
	return r;
}

/* The batch becomes a gap, or a part of the gap before it. */
static int drop(struct spool *s, const struct oldest *o)
{
	struct spool_db *d = &s->db;
	int r = spool_db_run(
	    d, SPOOL_GROW_GAP, SPOOL_NUMBERS(o->from_ms, o->to_ms, o->messages, (int64_t)s->loaded_id));
	if (r >= 0)
		r = spool_db_run(d, r == 1 ? SPOOL_DELETE : SPOOL_MAKE_GAP, SPOOL_NUMBERS(o->id));
	if (r < 0)
		return r;
	s->stats.messages -= (uint64_t)o->messages;
	s->stats.dropped += (uint64_t)o->messages;
	s->unpacked_count -= !o->packed;
	return update_bytes(s);
}

static int keep_size(struct spool *s)
{
	struct oldest o = { 0 };
	uint64_t most = (uint64_t)(s->limits.max_size - wal_bytes(&s->limits));
	int r = update_bytes(s);
	while (r >= 0 && s->stats.bytes > most) {
		r = find_oldest(s, &o);
		if (r <= 0)
			break;
		r = drop(s, &o);
	}
	return r < 0 ? r : 0;
}

int spool_append(struct spool *s, uint64_t id, const struct message_list *l, bool live, int64_t now_ns)
{
	_cleanup_free_ void *data = NULL;
	int64_t from = INT64_MAX, to = INT64_MIN;
	for (const struct message *m = l->first; m; m = m->next) {
		from = m->ts_ms < from ? m->ts_ms : from;
		to = m->ts_ms > to ? m->ts_ms : to;
	}
	ssize_t size = spool_pack(l, SPOOL_LEVEL_FAST, &data);
	if (size < 0)
		return (int)size;
	struct spool before = *s;
	int r = spool_db_begin(&s->db);
	if (r < 0)
		return r;
	spool_db_bind_blob(&s->db, SPOOL_APPEND, 7, data, (size_t)size);
	r = spool_db_run(&s->db, SPOOL_APPEND,
	    SPOOL_NUMBERS((int64_t)id, live, from, to, spool_db_uptime(&s->db, now_ns), (int64_t)l->count));
	s->stats.messages += l->count;
	s->unpacked_count++;
	if (r >= 0)
		r = keep_size(s);
	r = spool_db_finish(&s->db, r);
	if (r < 0) {
		s->stats = before.stats;
		s->unpacked_count = before.unpacked_count;
		return r;
	}
	s->last_id = id;
	s->has_live |= live;
	return 0;
}

static int unpack_column(
    struct spool *s, enum spool_statement which, int column, uint64_t skip, struct message_list *l)
{
	sqlite3_stmt *st = s->db.statements[which];
	const void *data = sqlite3_column_blob(st, column);
	int r = spool_unpack(data, (size_t)sqlite3_column_bytes(st, column), l);
	for (; r == 0 && skip > 0 && l->first; skip--)
		message_free(message_list_take(l));
	return r;
}

int spool_load(struct spool *s, uint64_t after, struct spool_batch *ret)
{
	int r = spool_db_step(&s->db, SPOOL_LOAD, SPOOL_NUMBERS((int64_t)after));
	if (r == 1) {
		*ret = (struct spool_batch){ .id = (uint64_t)spool_db_number(&s->db, SPOOL_LOAD, 0),
			.is_gap = spool_db_number(&s->db, SPOOL_LOAD, 1) != 0,
			.from_ms = spool_db_number(&s->db, SPOOL_LOAD, 2),
			.to_ms = spool_db_number(&s->db, SPOOL_LOAD, 3),
			.sent = (uint64_t)spool_db_number(&s->db, SPOOL_LOAD, 5) };
		if (ret->is_gap)
			ret->dropped = (uint64_t)spool_db_number(&s->db, SPOOL_LOAD, 4);
		else
			r = unpack_column(s, SPOOL_LOAD, 6, ret->sent, &ret->messages);
		if (r >= 0) {
			s->loaded_id = ret->id;
			r = 1;
		}
	}
	spool_db_done(&s->db, SPOOL_LOAD);
	return r;
}

/* Gives pages that are free back to the file system, a few at a time. */
static int shrink(struct spool *s)
{
	char sql[64];
	snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
	return spool_db_execute(&s->db, sql);
}

int spool_delete(struct spool *s, uint64_t id)
{
	struct spool_db *d = &s->db;
	int r = spool_db_step(d, SPOOL_DELETE, SPOOL_NUMBERS((int64_t)id));
	bool found = r == 1, gap = found && spool_db_number(d, SPOOL_DELETE, 0) != 0;
	int64_t messages = found && !gap ? spool_db_number(d, SPOOL_DELETE, 1) : 0;
	bool unpacked = found && spool_db_number(d, SPOOL_DELETE, 2) == 0;
	if (found)
		r = spool_db_step(d, SPOOL_DELETE, 0, NULL);
	spool_db_done(d, SPOOL_DELETE);
	if (r < 0)
		return r;
	s->stats.messages -= (uint64_t)messages;
	s->unpacked_count -= unpacked;
	r = shrink(s);
	return r < 0 ? r : update_bytes(s);
}

int spool_set_sent(struct spool *s, uint64_t id, uint64_t sent)
{
	int r = spool_db_run(&s->db, SPOOL_SET_SENT, SPOOL_NUMBERS((int64_t)sent, (int64_t)id));
	return r < 0 ? r : update_messages(s);
}

int spool_release(struct spool *s)
{
	s->loaded_id = 0;
	s->has_live = false;
	int r = spool_db_run(&s->db, SPOOL_RELEASE, 0, NULL);
	return r < 0 ? r : 0;
}

static int drop_aged(struct spool *s, int64_t now_ns)
{
	struct oldest o = { 0 };
	int64_t limit = spool_db_uptime(&s->db, now_ns) - s->limits.max_age_ns / NS_PER_S;
	int r;
	while ((r = find_oldest(s, &o)) == 1 && o.born_s < limit) {
		r = spool_db_begin(&s->db);
		if (r >= 0)
			r = spool_db_finish(&s->db, drop(s, &o));
		if (r < 0)
			return r;
	}
	return r < 0 ? r : 0;
}

struct pack {
	struct message_list messages;
	int64_t first_id, last_id, from_ms, to_ms, born_s;
	size_t batches, bytes;
};

/* Adds the batch of the row: 1, or 0 when there is no room for it. */
static int add_to_pack(struct spool *s, struct pack *p)
{
	struct spool_db *d = &s->db;
	size_t most = (size_t)(s->limits.max_size / PACK_SHARE);
	size_t size = (size_t)sqlite3_column_bytes(d->statements[SPOOL_UNPACKED], 5);
	int64_t from = spool_db_number(d, SPOOL_UNPACKED, 1), to = spool_db_number(d, SPOOL_UNPACKED, 2);
	if (p->batches > 0 && (p->bytes + size > most || p->messages.bytes > SPOOL_UNPACKED_MAX / 4))
		return 0;
	p->last_id = spool_db_number(d, SPOOL_UNPACKED, 0);
	if (p->batches++ == 0) {
		p->first_id = p->last_id;
		p->from_ms = from;
		p->to_ms = to;
	}
	p->from_ms = from < p->from_ms ? from : p->from_ms;
	p->to_ms = to > p->to_ms ? to : p->to_ms;
	p->born_s = spool_db_number(d, SPOOL_UNPACKED, 3);
	p->bytes += size;
	uint64_t sent = (uint64_t)spool_db_number(d, SPOOL_UNPACKED, 4);
	int r = unpack_column(s, SPOOL_UNPACKED, 5, sent, &p->messages);
	return r < 0 ? r : 1;
}

/* Takes unpacked batches, oldest first, until there are enough for one. */
static int collect(struct spool *s, struct pack *p)
{
	int r = spool_db_step(&s->db, SPOOL_UNPACKED, SPOOL_NUMBERS(PACK_BATCHES));
	while (r == 1) {
		r = add_to_pack(s, p);
		if (r == 1)
			r = spool_db_step(&s->db, SPOOL_UNPACKED, 0, NULL);
	}
	spool_db_done(&s->db, SPOOL_UNPACKED);
	return r;
}

static int replace(struct spool *s, const struct pack *p)
{
	_cleanup_free_ void *data = NULL;
	ssize_t size = spool_pack(&p->messages, SPOOL_LEVEL_THOROUGH, &data);
	if (size < 0)
		return (int)size;
	int r = spool_db_begin(&s->db);
	if (r < 0)
		return r;
	spool_db_bind_blob(&s->db, SPOOL_REPLACE_PACKED, 6, data, (size_t)size);
	r = spool_db_run(&s->db, SPOOL_REPLACE_PACKED,
	    SPOOL_NUMBERS(p->first_id, p->from_ms, p->to_ms, p->born_s, (int64_t)p->messages.count));
	if (r >= 0)
		r = spool_db_run(&s->db, SPOOL_DELETE_RANGE, SPOOL_NUMBERS(p->first_id, p->last_id));
	return spool_db_finish(&s->db, r);
}

static int pack_minute(struct spool *s)
{
	struct pack p = { 0 };
	int r = collect(s, &p);
	if (r >= 0 && p.batches > 0)
		r = replace(s, &p);
	message_list_clear(&p.messages);
	if (r < 0)
		return r;
	s->unpacked_count = p.batches < s->unpacked_count ? s->unpacked_count - p.batches : 0;
	return update_bytes(s);
}

int spool_tend(struct spool *s, int64_t now_ns)
{
	int r = drop_aged(s, now_ns);
	if (r >= 0 && s->stats.messages > 0) /* it matters for what is there only */
		r = spool_db_save_clock(&s->db, now_ns);
	while (r >= 0 && s->unpacked_count >= PACK_BATCHES && !s->has_live && s->loaded_id == 0)
		r = pack_minute(s);
	return r;
}

struct spool_stats spool_describe(const struct spool *s)
{
	return s->stats;
}
