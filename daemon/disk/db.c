#include "daemon/disk/db.h"

#include "config/ini/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct prepared {
	const char *sql;
	sqlite3_stmt *st;
};

struct db {
	sqlite3 *handle;
	struct prepared *prepared;
	size_t prepared_count;
	int error; /* of the last statement that could not be prepared */
};

static int error_of(const struct db *d, int rc)
{
	int system = d->handle ? sqlite3_system_errno(d->handle) : 0;
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
		return system > 0 ? -system : -ENOENT;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	default:
		return system > 0 ? -system : -EIO;
	}
}

static struct prepared *find(struct db *d, const char *sql)
{
	for (size_t i = 0; i < d->prepared_count; i++)
		if (d->prepared[i].sql == sql)
			return &d->prepared[i];
	return NULL;
}

static struct prepared *prepare(struct db *d, const char *sql)
{
	struct prepared new = { .sql = sql };
	struct prepared *all = reallocarray(d->prepared, d->prepared_count + 1, sizeof(*all));
	if (all)
		d->prepared = all;
	int rc = all ? sqlite3_prepare_v3(d->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &new.st, NULL)
		     : SQLITE_NOMEM;
	if (rc != SQLITE_OK) {
		d->error = error_of(d, rc);
		return NULL;
	}
	d->prepared[d->prepared_count] = new;
	return &d->prepared[d->prepared_count++];
}

sqlite3_stmt *db_statement(struct db *d, const char *sql, size_t count, const int64_t *numbers)
{
	struct prepared *p = find(d, sql);
	if (!p)
		p = prepare(d, sql);
	for (size_t i = 0; p && i < count; i++)
		(void)sqlite3_bind_int64(p->st, (int)i + 1, numbers[i]);
	return p ? p->st : NULL;
}

int db_step(struct db *d, sqlite3_stmt *st)
{
	if (!st)
		return d->error;
	int rc = sqlite3_step(st);
	return rc == SQLITE_ROW ? 1 : error_of(d, rc);
}

void db_done(sqlite3_stmt *st)
{
	if (!st)
		return;
	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
}

int db_step_all(struct db *d, sqlite3_stmt *st)
{
	int r = db_step(d, st), last = r;
	while (last == 1)
		last = db_step(d, st);
	db_done(st);
	return last < 0 ? last : r;
}

int db_run(struct db *d, const char *sql, size_t count, const int64_t *numbers)
{
	return db_step_all(d, db_statement(d, sql, count, numbers));
}

int db_query(struct db *d, const char *sql, int64_t *ret)
{
	sqlite3_stmt *st = db_statement(d, sql, 0, NULL);
	int r = db_step(d, st);
	if (r == 1)
		*ret = sqlite3_column_int64(st, 0);
	db_done(st);
	return r == 1 ? 0 : r < 0 ? r : -EBADMSG;
}

int db_execute(struct db *d, const char *sql)
{
	return error_of(d, sqlite3_exec(d->handle, sql, NULL, NULL, NULL));
}

int db_begin(struct db *d)
{
	return db_run(d, "BEGIN IMMEDIATE", 0, NULL);
}

int db_finish(struct db *d, int result)
{
	if (result >= 0) {
		int r = db_run(d, "COMMIT", 0, NULL);
		if (r >= 0)
			return result;
		result = r;
	}
	if (!sqlite3_get_autocommit(d->handle))
		(void)db_run(d, "ROLLBACK", 0, NULL);
	return result;
}

static int run_step(struct db *d, const struct db_format *f, int version)
{
	char marks[96];
	snprintf(marks, sizeof(marks), "PRAGMA application_id = %d; PRAGMA user_version = %d",
	    (int)f->application_id, version + 1);
	int r = db_begin(d);
	if (r < 0)
		return r;
	r = db_execute(d, f->steps[version]);
	if (r >= 0)
		r = db_execute(d, marks);
	return db_finish(d, r);
}

/* Brings the file to our version, a new one from nothing. */
static int upgrade(struct db *d, const struct db_format *f, int version)
{
	int r = 0;
	if (version == 0 && f->shrinks) /* it is only taken as long as there is no page */
		r = db_execute(d, "PRAGMA auto_vacuum = INCREMENTAL");
	if (r >= 0)
		r = db_execute(d, "PRAGMA journal_mode = WAL");
	for (; r >= 0 && version < f->version; version++)
		r = run_step(d, f, version);
	return r;
}

/* Tells another program's file or a newer version's by its marks, before anything is changed in it. */
static int check_format(struct db *d, const struct db_format *f, char why[static DB_WHY_MAX])
{
	int64_t application = 0, version = 0, things = 0;
	int r = db_query(d, "PRAGMA application_id", &application);
	if (r >= 0)
		r = db_query(d, "PRAGMA user_version", &version);
	if (r >= 0)
		r = db_query(d, "SELECT count(*) FROM sqlite_schema", &things);
	if (r < 0)
		return r;
	bool is_new = application == 0 && version == 0 && things == 0;
	if (!is_new && application != f->application_id) {
		snprintf(why, DB_WHY_MAX, "it is a database of another program");
		return -EBADMSG;
	}
	if (!is_new && (version < 1 || version > f->version)) {
		snprintf(why, DB_WHY_MAX, "it has format %lld of another version of coolantd (allowed: %d)",
		    (long long)version, f->version);
		return -EBADMSG;
	}
	return upgrade(d, f, (int)version);
}

static int configure(struct db *d, int64_t wal_bytes)
{
	char sql[352];
	/* nobody else writes here, so that no shared memory is needed; nothing is secret, and zeros over what
	 * is deleted would be half of all that is written */
	snprintf(sql, sizeof(sql),
	    "PRAGMA page_size = %d; PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL;"
	    "PRAGMA secure_delete = OFF;"
	    "PRAGMA wal_autocheckpoint = %lld; PRAGMA journal_size_limit = %lld; PRAGMA cache_size = -1024",
	    DB_PAGE_SIZE, (long long)wal_bytes / DB_PAGE_SIZE, (long long)wal_bytes);
	return db_execute(d, sql);
}

int db_open(struct db **ret, const char *path, const struct db_format *format, int64_t wal_bytes,
    char why[static DB_WHY_MAX])
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	struct db *d = calloc(1, sizeof(*d));
	snprintf(why, DB_WHY_MAX, "no memory");
	if (!d)
		return -ENOMEM;
	why[0] = '\0';
	int r = error_of(d, sqlite3_open_v2(path, &d->handle, flags, NULL));
	if (r >= 0)
		r = configure(d, wal_bytes);
	if (r >= 0)
		r = check_format(d, format, why);
	if (r < 0) {
		if (!why[0])
			snprintf(why, DB_WHY_MAX, "%s", db_error(d));
		db_close(d);
		return r;
	}
	*ret = d;
	return 0;
}

void db_close(struct db *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->prepared_count; i++)
		(void)sqlite3_finalize(d->prepared[i].st);
	free(d->prepared);
	(void)sqlite3_close(d->handle);
	free(d);
}

const char *db_error(const struct db *d)
{
	return d->handle ? sqlite3_errmsg(d->handle) : "no memory";
}

int db_set_aside(const char *path, char *aside, size_t size)
{
	_cleanup_free_ char *wal = NULL, *aside_wal = NULL;
	unsigned slot = 1;
	/* the first free place, else the last: the earliest damage tells most */
	for (; slot < DB_ASIDE_MAX; slot++) {
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
