#include "daemon/spool/spool.h"

#include "config/ini/cleanup.h"
#include "daemon/disk/db.h"
#include "daemon/spool/pack.h"
#include "daemon/spool/uptime.h"
#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The write-ahead log may grow to this share of the whole, and to this size at most. */
#define WAL_SHARE 20
#define WAL_PAGES_MAX 256
/* So many batches of one level are packed together into one of the next: a batch is 0.7 s, so a short outage
 * is packed as well, and a long one into pieces of a minute. */
static const size_t level_batches[] = { 12, 8 };
#define LEVELS (sizeof(level_batches) / sizeof(level_batches[0]))
/* Only behind the last gap, which keeps its place among the messages. */
#define IS_PACKED_WITH "gap = 0 AND id > (SELECT coalesce(max(id), 0) FROM batch WHERE gap = 1)"
/* A packed batch is no larger than this share of the whole: it is what goes at once when space runs out. */
#define PACK_SHARE 40
/* Pages given back to the file system at once. */
#define VACUUM_PAGES 256

/* gap: data was dropped here, `messages` of them; live: out at the broker; packed: the level, 0 as it was
 * saved. uptime_s: the clock of born_s. */
static const char *const steps[] = {
	"CREATE TABLE batch(id INTEGER PRIMARY KEY, gap INTEGER NOT NULL DEFAULT 0,"
	" live INTEGER NOT NULL DEFAULT 0, packed INTEGER NOT NULL DEFAULT 0, from_ms INTEGER NOT NULL,"
	" to_ms INTEGER NOT NULL, born_s INTEGER NOT NULL, messages INTEGER NOT NULL,"
	" sent INTEGER NOT NULL DEFAULT 0, data BLOB);"
	"CREATE TABLE clock(uptime_s INTEGER NOT NULL, boottime_s INTEGER NOT NULL, boot_id TEXT NOT NULL);"
	"INSERT INTO clock VALUES(0, 0, '');",
};

static const struct db_format format = {
	.application_id = 0x636f6f6c, /* "cool" */
	.shrinks = true,
	.steps = steps,
	.version = sizeof(steps) / sizeof(steps[0]),
};

struct spool {
	struct db *db;
	struct uptime uptime;
	const char *old_base;
	struct spool_limits limits;
	struct spool_stats stats;
	uint64_t last_id, loaded_id;
	bool has_live;	       /* something was live since the last release */
	size_t counts[LEVELS]; /* of batches by their level, but for the last */
};

static int64_t wal_bytes(const struct spool_limits *limits)
{
	int64_t pages = limits->max_size / WAL_SHARE / DB_PAGE_SIZE;
	return (pages < WAL_PAGES_MAX ? pages : WAL_PAGES_MAX) * DB_PAGE_SIZE;
}

static int update_bytes(struct spool *s)
{
	static const char sql[] =
	    "SELECT page_count - freelist_count FROM pragma_page_count, pragma_freelist_count";
	static const char oldest[] =
	    "SELECT coalesce((SELECT from_ms FROM batch WHERE gap = 0 ORDER BY id LIMIT 1), 0)";
	int64_t pages = 0;
	int r = db_query(s->db, sql, &pages);
	if (r >= 0)
		s->stats.bytes = (uint64_t)pages * DB_PAGE_SIZE;
	return r < 0 ? r : db_query(s->db, oldest, &s->stats.oldest_ms);
}

static int update_messages(struct spool *s)
{
	int64_t n = 0;
	int r = db_query(s->db, "SELECT coalesce(sum(messages - sent), 0) FROM batch WHERE gap = 0", &n);
	if (r >= 0)
		s->stats.messages = (uint64_t)n;
	return r;
}

static int count_levels(struct spool *s)
{
	static const char sql[] = "SELECT count(*) FROM batch WHERE packed = ?1 AND " IS_PACKED_WITH;
	for (size_t i = 0; i < LEVELS; i++) {
		sqlite3_stmt *st = db_statement(s->db, sql, DB_NUMBERS((int64_t)i));
		int r = db_step(s->db, st);
		if (r == 1)
			s->counts[i] = (size_t)sqlite3_column_int64(st, 0);
		db_done(st);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A batch of that level is there no more. */
static void count_down(struct spool *s, int64_t level)
{
	if (level >= 0 && level < (int64_t)LEVELS && s->counts[level] > 0)
		s->counts[level]--;
}

static int take_stock(struct spool *s)
{
	int64_t last = 0;
	int r = db_query(s->db, "SELECT coalesce(max(id), 0) FROM batch", &last);
	if (r >= 0)
		r = count_levels(s);
	s->last_id = (uint64_t)last;
	if (r >= 0)
		r = update_messages(s);
	return r < 0 ? r : update_bytes(s);
}

int spool_open(struct spool **ret, const char *path, const char *old_base, struct spool_limits limits,
    int64_t now_ns, char why[static DB_WHY_MAX])
{
	struct spool *s = calloc(1, sizeof(*s));
	snprintf(why, DB_WHY_MAX, "no memory");
	if (!s)
		return -ENOMEM;
	s->old_base = old_base;
	s->limits = limits;
	int r = db_open(&s->db, path, &format, wal_bytes(&limits), why);
	if (r >= 0)
		r = uptime_load(&s->uptime, s->db, now_ns);
	if (r >= 0)
		r = spool_release(s);
	if (r >= 0)
		r = take_stock(s);
	if (r < 0) {
		if (s->db)
			snprintf(why, DB_WHY_MAX, "%s", db_error(s->db));
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
	db_close(s->db);
	free(s);
}

void spool_set_limits(struct spool *s, struct spool_limits limits)
{
	s->limits = limits;
}

uint64_t spool_last_id(const struct spool *s)
{
	return s->last_id;
}

struct oldest {
	int64_t id, from_ms, to_ms, messages, born_s, level;
};

/* The oldest batch that may be dropped: 1, or 0 when there is none. */
static int find_oldest(struct spool *s, struct oldest *o)
{
	static const char sql[] = "SELECT id, from_ms, to_ms, messages - sent, born_s, packed FROM batch "
				  "WHERE gap = 0 AND live = 0 AND id > ?1 ORDER BY id LIMIT 1";
	sqlite3_stmt *st = db_statement(s->db, sql, DB_NUMBERS((int64_t)s->loaded_id));
	int r = db_step(s->db, st);
	if (r == 1)
		*o = (struct oldest){ .id = sqlite3_column_int64(st, 0),
			.from_ms = sqlite3_column_int64(st, 1),
			.to_ms = sqlite3_column_int64(st, 2),
			.messages = sqlite3_column_int64(st, 3),
			.born_s = sqlite3_column_int64(st, 4),
			.level = sqlite3_column_int64(st, 5) };
	db_done(st);
	return r;
}

/* What cannot be read any more is as good as dropped; the rest of the file goes on. */
static int give_up(struct spool *s, uint64_t id)
{
	static const char sql[] =
	    "UPDATE batch SET gap = 1, messages = messages - sent, sent = 0, data = NULL, "
	    "packed = 1 WHERE id = ?1 AND gap = 0";
	log_event(LOG_WARNING, (struct log_fields){ .message_id = LOG_ID_DISK },
	    "the spool has a damaged record, its messages are lost");
	int r = db_run(s->db, sql, DB_NUMBERS((int64_t)id));
	return r < 0 ? r : take_stock(s);
}

/* The batch becomes a gap, or a part of the gap before it. */
static int drop(struct spool *s, const struct oldest *o)
{
	static const char grow_gap[] =
	    "UPDATE batch SET from_ms = min(from_ms, ?1), to_ms = max(to_ms, ?2), messages = messages + ?3 "
	    "WHERE id = (SELECT max(id) FROM batch WHERE gap = 1 AND id > ?4) RETURNING id";
	static const char make_gap[] = "UPDATE batch SET gap = 1, messages = messages - sent, sent = 0, "
				       "data = NULL, packed = 1 WHERE id = ?1";
	int r = db_run(s->db, grow_gap, DB_NUMBERS(o->from_ms, o->to_ms, o->messages, (int64_t)s->loaded_id));
	if (r >= 0)
		r = db_run(s->db, r == 1 ? "DELETE FROM batch WHERE id = ?1" : make_gap, DB_NUMBERS(o->id));
	if (r < 0)
		return r;
	s->stats.messages -= (uint64_t)o->messages;
	s->stats.dropped += (uint64_t)o->messages;
	count_down(s, o->level);
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
	static const char sql[] = "INSERT INTO batch(id, live, from_ms, to_ms, born_s, messages, data) "
				  "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
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
	int r = db_begin(s->db);
	if (r < 0)
		return r;
	sqlite3_stmt *st = db_statement(s->db, sql,
	    DB_NUMBERS((int64_t)id, live, from, to, uptime_at(&s->uptime, now_ns), (int64_t)l->count));
	(void)sqlite3_bind_blob64(st, 7, data, (sqlite3_uint64)size, SQLITE_STATIC);
	r = db_step_all(s->db, st);
	s->stats.messages += l->count;
	s->counts[0]++;
	if (r >= 0)
		r = keep_size(s);
	r = db_finish(s->db, r);
	if (r < 0) {
		s->stats = before.stats;
		memcpy(s->counts, before.counts, sizeof(s->counts));
		return r;
	}
	s->last_id = id;
	s->has_live |= live;
	return 0;
}

static int unpack_column(
    const struct spool *s, sqlite3_stmt *st, int column, uint64_t skip, struct message_list *l)
{
	const void *data = sqlite3_column_blob(st, column);
	int r = spool_unpack(data, (size_t)sqlite3_column_bytes(st, column), s->old_base, l);
	for (; r == 0 && skip > 0 && l->first; skip--)
		message_free(message_list_take(l));
	return r;
}

static int load(struct spool *s, uint64_t after, struct spool_batch *ret)
{
	static const char sql[] = "SELECT id, gap, from_ms, to_ms, messages, sent, data FROM batch "
				  "WHERE id > ?1 AND live = 0 ORDER BY id LIMIT 1";
	sqlite3_stmt *st = db_statement(s->db, sql, DB_NUMBERS((int64_t)after));
	int r = db_step(s->db, st);
	if (r == 1) {
		*ret = (struct spool_batch){ .id = (uint64_t)sqlite3_column_int64(st, 0),
			.is_gap = sqlite3_column_int64(st, 1) != 0,
			.from_ms = sqlite3_column_int64(st, 2),
			.to_ms = sqlite3_column_int64(st, 3),
			.sent = (uint64_t)sqlite3_column_int64(st, 5) };
		if (ret->is_gap)
			ret->dropped = (uint64_t)sqlite3_column_int64(st, 4);
		else
			r = unpack_column(s, st, 6, ret->sent, &ret->messages);
		r = r < 0 ? r : 1;
	}
	db_done(st);
	return r;
}

int spool_load(struct spool *s, uint64_t after, struct spool_batch *ret)
{
	int r = load(s, after, ret);
	if (r == -EBADMSG && ret->id > after) {
		message_list_clear(&ret->messages);
		r = give_up(s, ret->id);
		if (r >= 0)
			r = load(s, after, ret);
	}
	if (r == 1)
		s->loaded_id = ret->id;
	return r;
}

/* Gives pages that are free back to the file system, a few at a time. */
static int shrink(struct spool *s)
{
	char sql[64];
	snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
	return db_execute(s->db, sql);
}

int spool_delete(struct spool *s, uint64_t id)
{
	static const char sql[] = "DELETE FROM batch WHERE id = ?1 RETURNING gap, messages - sent, packed";
	sqlite3_stmt *st = db_statement(s->db, sql, DB_NUMBERS((int64_t)id));
	int r = db_step(s->db, st);
	bool found = r == 1, gap = found && sqlite3_column_int64(st, 0) != 0;
	int64_t messages = found && !gap ? sqlite3_column_int64(st, 1) : 0;
	int64_t level = found && !gap ? sqlite3_column_int64(st, 2) : -1;
	if (found)
		r = db_step(s->db, st);
	db_done(st);
	if (r < 0)
		return r;
	s->stats.messages -= (uint64_t)messages;
	count_down(s, level);
	r = shrink(s);
	return r < 0 ? r : update_bytes(s);
}

int spool_set_sent(struct spool *s, uint64_t id, uint64_t sent)
{
	static const char sql[] = "UPDATE batch SET sent = ?1 WHERE id = ?2 AND sent < ?1 AND ?1 <= messages";
	int r = db_run(s->db, sql, DB_NUMBERS((int64_t)sent, (int64_t)id));
	return r < 0 ? r : update_messages(s);
}

int spool_release(struct spool *s)
{
	s->loaded_id = 0;
	s->has_live = false;
	int r = db_run(s->db, "UPDATE batch SET live = 0 WHERE live = 1", 0, NULL);
	return r < 0 ? r : 0;
}

static int drop_aged(struct spool *s, int64_t now_ns)
{
	struct oldest o = { 0 };
	int64_t limit = uptime_at(&s->uptime, now_ns) - s->limits.max_age_ns / NS_PER_S;
	int r;
	while ((r = find_oldest(s, &o)) == 1 && o.born_s < limit) {
		r = db_begin(s->db);
		if (r >= 0)
			r = db_finish(s->db, drop(s, &o));
		if (r < 0)
			return r;
	}
	return r < 0 ? r : 0;
}

struct pack {
	struct message_list messages;
	int64_t level; /* of what is packed */
	int64_t first_id, last_id, from_ms, to_ms, born_s;
	size_t batches, bytes;
	bool damaged; /* the last one */
};

/* Adds the batch of the row: 1, or 0 when there is no room for it. */
static int add_to_pack(struct spool *s, sqlite3_stmt *st, struct pack *p)
{
	size_t most = (size_t)(s->limits.max_size / PACK_SHARE);
	size_t size = (size_t)sqlite3_column_bytes(st, 5);
	int64_t from = sqlite3_column_int64(st, 1), to = sqlite3_column_int64(st, 2);
	if (p->batches > 0 && (p->bytes + size > most || p->messages.bytes > SPOOL_UNPACKED_MAX / 4))
		return 0;
	p->last_id = sqlite3_column_int64(st, 0);
	if (p->batches++ == 0) {
		p->first_id = p->last_id;
		p->from_ms = from;
		p->to_ms = to;
	}
	p->from_ms = from < p->from_ms ? from : p->from_ms;
	p->to_ms = to > p->to_ms ? to : p->to_ms;
	p->born_s = sqlite3_column_int64(st, 3);
	p->bytes += size;
	int r = unpack_column(s, st, 5, (uint64_t)sqlite3_column_int64(st, 4), &p->messages);
	p->damaged = r == -EBADMSG;
	return r < 0 ? r : 1;
}

/* Takes batches, oldest first, until there are enough for one. */
static int collect(struct spool *s, struct pack *p)
{
	static const char sql[] =
	    "SELECT id, from_ms, to_ms, born_s, sent, data FROM batch WHERE packed = ?1 AND " IS_PACKED_WITH
	    " ORDER BY id LIMIT ?2";
	sqlite3_stmt *st = db_statement(s->db, sql, DB_NUMBERS(p->level, (int64_t)level_batches[p->level]));
	int r = db_step(s->db, st);
	while (r == 1) {
		r = add_to_pack(s, st, p);
		if (r == 1)
			r = db_step(s->db, st);
	}
	db_done(st);
	return r;
}

static int replace(struct spool *s, const struct pack *p)
{
	static const char sql[] = "UPDATE batch SET from_ms = ?2, to_ms = ?3, born_s = ?4, messages = ?5, "
				  "sent = 0, packed = ?6, data = ?7 WHERE id = ?1";
	_cleanup_free_ void *data = NULL;
	/* saving waits meanwhile: half a second at the most */
	bool is_final = p->level + 1 == (int64_t)LEVELS && p->messages.bytes <= SPOOL_THOROUGH_MAX;
	ssize_t size = spool_pack(&p->messages, is_final ? SPOOL_LEVEL_THOROUGH : SPOOL_LEVEL_MEDIUM, &data);
	if (size < 0)
		return (int)size;
	int r = db_begin(s->db);
	if (r < 0)
		return r;
	/* first what goes, so that its pages are used again and the files do not grow */
	r = db_run(
	    s->db, "DELETE FROM batch WHERE id > ?1 AND id <= ?2", DB_NUMBERS(p->first_id, p->last_id));
	if (r < 0)
		return db_finish(s->db, r);
	sqlite3_stmt *st = db_statement(s->db, sql,
	    DB_NUMBERS(
		p->first_id, p->from_ms, p->to_ms, p->born_s, (int64_t)p->messages.count, p->level + 1));
	(void)sqlite3_bind_blob64(st, 7, data, (sqlite3_uint64)size, SQLITE_STATIC);
	r = db_step_all(s->db, st);
	return db_finish(s->db, r);
}

/* Batches that have no room in one are as good as packed, one by one. */
static int pack_level(struct spool *s, size_t level)
{
	struct pack p = { .level = (int64_t)level };
	int r = collect(s, &p);
	if (r == -EBADMSG && p.damaged)
		r = give_up(s, (uint64_t)p.last_id);
	else if (r >= 0 && p.batches == 1 && level > 0)
		r = db_run(
		    s->db, "UPDATE batch SET packed = ?2 WHERE id = ?1", DB_NUMBERS(p.first_id, p.level + 1));
	else if (r >= 0 && p.batches > 0)
		r = replace(s, &p);
	message_list_clear(&p.messages);
	(void)malloc_trim(0); /* of megabytes, which the heap would keep */
	if (r >= 0)
		r = count_levels(s);
	return r < 0 ? r : update_bytes(s);
}

int spool_tend(struct spool *s, int64_t now_ns)
{
	int r = drop_aged(s, now_ns);
	if (r >= 0 && s->stats.messages > 0) /* it matters for what is there only */
		r = uptime_save(&s->uptime, s->db, now_ns);
	for (size_t level = 0; level < LEVELS; level++)
		while (
		    r >= 0 && s->counts[level] >= level_batches[level] && !s->has_live && s->loaded_id == 0)
			r = pack_level(s, level);
	return r;
}

struct spool_stats spool_describe(const struct spool *s)
{
	return s->stats;
}
