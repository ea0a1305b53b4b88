#include "daemon/spool/db.h"

#include "config/ini/cleanup.h"
#include "drivers/os/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define APPLICATION_ID 0x636f6f6c /* "cool" */
#define FORMAT_VERSION 1

static const char *const statement_texts[SPOOL_STATEMENT_COUNT] = {
	[SPOOL_BEGIN] = "BEGIN IMMEDIATE",
	[SPOOL_COMMIT] = "COMMIT",
	[SPOOL_ROLLBACK] = "ROLLBACK",
	[SPOOL_APPEND] = "INSERT INTO batch(id, live, from_ms, to_ms, born_s, messages, data) "
			 "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[SPOOL_LOAD] = "SELECT id, gap, from_ms, to_ms, messages, sent, data FROM batch "
		       "WHERE id > ?1 AND live = 0 ORDER BY id LIMIT 1",
	[SPOOL_DELETE] = "DELETE FROM batch WHERE id = ?1 RETURNING gap, messages - sent, packed",
	[SPOOL_SET_SENT] = "UPDATE batch SET sent = ?1 WHERE id = ?2 AND sent < ?1 AND ?1 <= messages",
	[SPOOL_WAITING] = "SELECT coalesce(sum(messages - sent), 0) FROM batch WHERE gap = 0",
	[SPOOL_RELEASE] = "UPDATE batch SET live = 0 WHERE live = 1",
	[SPOOL_SAVE_CLOCK] = "UPDATE clock SET uptime_s = ?1, boottime_s = ?2, boot_id = ?3",
	[SPOOL_OLDEST] = "SELECT id, from_ms, to_ms, messages - sent, born_s, packed FROM batch "
			 "WHERE gap = 0 AND live = 0 AND id > ?1 ORDER BY id LIMIT 1",
	[SPOOL_GROW_GAP] =
	    "UPDATE batch SET from_ms = min(from_ms, ?1), to_ms = max(to_ms, ?2), messages = messages + ?3 "
	    "WHERE id = (SELECT max(id) FROM batch WHERE gap = 1 AND id > ?4) RETURNING id",
	[SPOOL_MAKE_GAP] = "UPDATE batch SET gap = 1, messages = messages - sent, sent = 0, data = NULL, "
			   "packed = 1 WHERE id = ?1",
	[SPOOL_UNPACKED] = "SELECT id, from_ms, to_ms, born_s, sent, data FROM batch WHERE packed = 0 "
			   "ORDER BY id LIMIT ?1",
	[SPOOL_REPLACE_PACKED] = "UPDATE batch SET from_ms = ?2, to_ms = ?3, born_s = ?4, messages = ?5, "
				 "sent = 0, data = ?6, packed = 1 WHERE id = ?1",
	[SPOOL_DELETE_RANGE] = "DELETE FROM batch WHERE id > ?1 AND id <= ?2",
	[SPOOL_USED_PAGES] =
	    "SELECT page_count - freelist_count FROM pragma_page_count, pragma_freelist_count",
};

/* gap: data was dropped here, `messages` of them; live: out at the broker; packed: a minute in one.
 * uptime_s: seconds that machines were up with this file, the clock of born_s. */
static const char schema[] =
    "PRAGMA auto_vacuum = INCREMENTAL;"
    "PRAGMA journal_mode = WAL;"
    "BEGIN IMMEDIATE;"
    "CREATE TABLE batch(id INTEGER PRIMARY KEY, gap INTEGER NOT NULL DEFAULT 0,"
    " live INTEGER NOT NULL DEFAULT 0, packed INTEGER NOT NULL DEFAULT 0, from_ms INTEGER NOT NULL,"
    " to_ms INTEGER NOT NULL, born_s INTEGER NOT NULL, messages INTEGER NOT NULL,"
    " sent INTEGER NOT NULL DEFAULT 0, data BLOB);"
    "CREATE TABLE clock(uptime_s INTEGER NOT NULL, boottime_s INTEGER NOT NULL, boot_id TEXT NOT NULL);"
    "INSERT INTO clock VALUES(0, 0, '');"
    "PRAGMA application_id = 1668247404;" /* APPLICATION_ID */
    "PRAGMA user_version = 1;"		  /* FORMAT_VERSION */
    "COMMIT;";

static int error_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
	case SQLITE_ERROR: /* a table or a column is not there: not our file */
		return -EBADMSG;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CANTOPEN:
		return -ENOENT;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	default:
		return -EIO;
	}
}

int spool_db_step(struct spool_db *d, enum spool_statement which, size_t count, const int64_t *numbers)
{
	sqlite3_stmt *st = d->statements[which];
	for (size_t i = 0; i < count; i++)
		(void)sqlite3_bind_int64(st, (int)i + 1, numbers[i]);
	int rc = sqlite3_step(st);
	return rc == SQLITE_ROW ? 1 : error_of(rc);
}

int64_t spool_db_number(struct spool_db *d, enum spool_statement which, int column)
{
	return sqlite3_column_int64(d->statements[which], column);
}

void spool_db_bind_blob(
    struct spool_db *d, enum spool_statement which, int place, const void *data, size_t size)
{
	(void)sqlite3_bind_blob64(d->statements[which], place, data, size, SQLITE_STATIC);
}

void spool_db_done(struct spool_db *d, enum spool_statement which)
{
	(void)sqlite3_reset(d->statements[which]);
	(void)sqlite3_clear_bindings(d->statements[which]);
}

int spool_db_run(struct spool_db *d, enum spool_statement which, size_t count, const int64_t *numbers)
{
	int r = spool_db_step(d, which, count, numbers), last = r;
	while (last == 1)
		last = spool_db_step(d, which, 0, NULL);
	spool_db_done(d, which);
	return last < 0 ? last : r;
}

int spool_db_begin(struct spool_db *d)
{
	return spool_db_run(d, SPOOL_BEGIN, 0, NULL);
}

int spool_db_finish(struct spool_db *d, int result)
{
	if (result >= 0) {
		int r = spool_db_run(d, SPOOL_COMMIT, 0, NULL);
		if (r >= 0)
			return result;
		result = r;
	}
	if (!sqlite3_get_autocommit(d->db))
		(void)spool_db_run(d, SPOOL_ROLLBACK, 0, NULL);
	return result;
}

int spool_db_query(struct spool_db *d, const char *sql, int64_t *ret)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(d->db, sql, -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	return rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE ? -EBADMSG : error_of(rc);
}

int spool_db_execute(struct spool_db *d, const char *sql)
{
	return error_of(sqlite3_exec(d->db, sql, NULL, NULL, NULL));
}

/* Makes a new file ours, and tells another program's or a newer version's by its marks. */
static int check_format(struct spool_db *d, char why[static SPOOL_WHY_MAX])
{
	int64_t pages = 0, application = 0, version = 0;
	int r = spool_db_query(d, "PRAGMA page_count", &pages);
	if (r >= 0 && pages == 0)
		return spool_db_execute(d, schema);
	if (r >= 0)
		r = spool_db_query(d, "PRAGMA application_id", &application);
	if (r >= 0)
		r = spool_db_query(d, "PRAGMA user_version", &version);
	if (r < 0)
		return r;
	if (application != APPLICATION_ID) {
		snprintf(why, SPOOL_WHY_MAX, "it is a database of another program");
		return -EBADMSG;
	}
	if (version != FORMAT_VERSION) {
		snprintf(why, SPOOL_WHY_MAX,
		    "it has format %lld of another version of coolantd (allowed: %d)", (long long)version,
		    FORMAT_VERSION);
		return -EBADMSG;
	}
	return spool_db_execute(d, "PRAGMA journal_mode = WAL");
}

static int configure(struct spool_db *d, int64_t wal_bytes)
{
	char sql[256];
	snprintf(sql, sizeof(sql),
	    "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = %lld; PRAGMA journal_size_limit = %lld;"
	    "PRAGMA cache_size = -1024;",
	    (long long)wal_bytes / SPOOL_PAGE_SIZE, (long long)wal_bytes);
	return spool_db_execute(d, sql);
}

static int prepare(struct spool_db *d)
{
	for (unsigned i = 0; i < SPOOL_STATEMENT_COUNT; i++) {
		int rc = sqlite3_prepare_v3(
		    d->db, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT, &d->statements[i], NULL);
		if (rc != SQLITE_OK)
			return error_of(rc);
	}
	return 0;
}

static void read_boot_id(char id[static SPOOL_BOOT_ID_SIZE])
{
	_cleanup_fclose_ FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	if (!f || !fgets(id, SPOOL_BOOT_ID_SIZE, f))
		id[0] = '\0';
	id[strcspn(id, "\n")] = '\0';
}

/* The file's clock goes on by what the machine was up since it was saved; after a boot it goes on from there.
 */
static int start_clock(struct spool_db *d, int64_t now_ns)
{
	sqlite3_stmt *st = NULL;
	read_boot_id(d->boot_id);
	int rc = sqlite3_prepare_v2(d->db, "SELECT uptime_s, boottime_s, boot_id FROM clock", -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		const char *id = (const char *)sqlite3_column_text(st, 2);
		bool same = d->boot_id[0] != '\0' && id && strcmp(id, d->boot_id) == 0;
		int64_t since = same ? sqlite3_column_int64(st, 1) : now_ns / NS_PER_S;
		d->uptime_offset_s = sqlite3_column_int64(st, 0) - since;
	}
	(void)sqlite3_finalize(st);
	return rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE ? -EBADMSG : error_of(rc);
}

int64_t spool_db_uptime(const struct spool_db *d, int64_t now_ns)
{
	return d->uptime_offset_s + now_ns / NS_PER_S;
}

int spool_db_save_clock(struct spool_db *d, int64_t now_ns)
{
	(void)sqlite3_bind_text(d->statements[SPOOL_SAVE_CLOCK], 3, d->boot_id, -1, SQLITE_STATIC);
	return spool_db_run(
	    d, SPOOL_SAVE_CLOCK, SPOOL_NUMBERS(spool_db_uptime(d, now_ns), now_ns / NS_PER_S));
}

int spool_db_open(
    struct spool_db *d, const char *path, int64_t wal_bytes, int64_t now_ns, char why[static SPOOL_WHY_MAX])
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	int r = error_of(sqlite3_open_v2(path, &d->db, flags, NULL));
	/* nobody else writes here, so that no shared memory is needed */
	if (r >= 0)
		r = spool_db_execute(d, "PRAGMA page_size = 4096; PRAGMA locking_mode = EXCLUSIVE");
	if (r >= 0)
		r = check_format(d, why);
	if (r >= 0)
		r = configure(d, wal_bytes);
	if (r >= 0)
		r = prepare(d);
	return r < 0 ? r : start_clock(d, now_ns);
}

void spool_db_close(struct spool_db *d)
{
	for (unsigned i = 0; i < SPOOL_STATEMENT_COUNT; i++)
		(void)sqlite3_finalize(d->statements[i]);
	(void)sqlite3_close(d->db);
}

const char *spool_db_error(const struct spool_db *d)
{
	return d->db ? sqlite3_errmsg(d->db) : "no memory";
}
