#include "daemon/state/state_db.h"

#include "config/ini/cleanup.h"
#include "daemon/disk/compressed.h"
#include "daemon/disk/db.h"
#include "daemon/live/saved.h"
#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define FILE_NAME "state.db"
/* A save is a page for each PUE figure: minutes of them are written before they are put in their place. */
#define WAL_BYTES (INT64_C(32) * DB_PAGE_SIZE)
#define LEVEL 3
/* The longest row that is read back. */
#define ROW_BYTES_MAX ((size_t)64 << 20)

/* saved.data: an entry's block, compressed with a checksum; changes.data: an entry's block as it is. */
static const char *const steps[] = {
	("CREATE TABLE saved(kind TEXT NOT NULL, name TEXT NOT NULL, fingerprint INTEGER NOT NULL,"
	 " saved_ms INTEGER NOT NULL, data BLOB NOT NULL, UNIQUE(kind, name));"),
	"CREATE TABLE changes(id INTEGER PRIMARY KEY, name TEXT NOT NULL, data BLOB NOT NULL);",
	records_db_tables,
	records_db_struck,
	records_db_steps,
};

static const struct db_format format = {
	.application_id = 0x636c7374, /* "clst" */
	.steps = steps,
	.version = sizeof(steps) / sizeof(steps[0]),
};

struct state_db {
	char path[PATH_MAX];
	struct db *db;
	bool known;   /* what is in the file is `written` */
	bool renewed; /* one was set aside: what was added to it before is not in this one */
	struct bytes_writer written;
};

struct state_db *state_db_new(const char *folder)
{
	struct state_db *d = calloc(1, sizeof(*d));
	if (d && snprintf(d->path, sizeof(d->path), "%s/" FILE_NAME, folder) >= (int)sizeof(d->path)) {
		free(d);
		errno = ENAMETOOLONG;
		return NULL;
	}
	return d;
}

static void close_file(struct state_db *d)
{
	db_close(d->db);
	d->db = NULL;
	d->known = false;
	bytes_writer_deinit(&d->written);
}

void state_db_free(struct state_db *d)
{
	if (!d)
		return;
	close_file(d);
	free(d);
}

static int set_aside(struct state_db *d, const char *why)
{
	char aside[PATH_MAX + 16];
	int r = db_set_aside(d->path, aside, sizeof(aside));
	log_event(LOG_WARNING, (struct log_fields){ .message_id = LOG_ID_DISK },
	    "the state %s cannot be used, it %s %s: %s", d->path,
	    r < 0 ? "cannot be set aside either:" : "was set aside as",
	    r < 0 ? strerror(-r) : strrchr(aside, '/') + 1, why);
	d->renewed |= r >= 0;
	return r;
}

static int open_file(struct state_db *d)
{
	char why[DB_WHY_MAX];
	int r = d->db ? 0 : db_open(&d->db, d->path, &format, WAL_BYTES, why);
	if (r == -EBADMSG && set_aside(d, why) >= 0)
		r = db_open(&d->db, d->path, &format, WAL_BYTES, why);
	return r;
}

/* After a failure the file is opened anew, which puts right what can be; a damaged one makes room. */
static int check(struct state_db *d, int r)
{
	if (r < 0)
		close_file(d);
	if (r == -EBADMSG)
		(void)set_aside(d, "it is damaged");
	return r;
}

static int take_row(sqlite3_stmt *st, void (*take)(struct bytes_entry *e, void *user), void *user)
{
	_cleanup_free_ void *data = NULL;
	struct bytes_entry e = { .kind = (const char *)sqlite3_column_text(st, 0),
		.name = (const char *)sqlite3_column_text(st, 1),
		.fingerprint = (uint64_t)sqlite3_column_int64(st, 2) };
	const void *packed = sqlite3_column_blob(st, 3);
	ssize_t n = compressed_unpack(packed, (size_t)sqlite3_column_bytes(st, 3), ROW_BYTES_MAX, &data);
	if (n < 0)
		return (int)n;
	if (!e.kind || !e.name)
		return -ENOMEM;
	e.block = (struct bytes_reader){ data, (const uint8_t *)data + n, false };
	take(&e, user);
	return 0;
}

static int load_rows(struct state_db *d, void (*take)(struct bytes_entry *e, void *user), void *user)
{
	sqlite3_stmt *st = db_statement(d->db, "SELECT kind, name, fingerprint, data FROM saved", 0, NULL);
	int count = 0, r;
	for (; (r = db_step(d->db, st)) == 1; count++) {
		r = take_row(st, take, user);
		if (r < 0)
			break;
	}
	db_done(st);
	return r < 0 ? r : count;
}

static int load_changes(struct state_db *d, void (*take)(struct bytes_entry *e, void *user), void *user)
{
	sqlite3_stmt *st = db_statement(d->db, "SELECT id, name, data FROM changes ORDER BY id", 0, NULL);
	int count = 0, r;
	for (; (r = db_step(d->db, st)) == 1; count++) {
		const uint8_t *data = sqlite3_column_blob(st, 2);
		struct bytes_entry e = { .kind = ALARM_LOG_ENTRY,
			.name = (const char *)sqlite3_column_text(st, 1),
			.fingerprint = (uint64_t)sqlite3_column_int64(st, 0),
			.block = { data, data ? data + sqlite3_column_bytes(st, 2) : data, false } };
		if (e.name)
			take(&e, user);
	}
	db_done(st);
	return r < 0 ? r : count;
}

int state_db_load(struct state_db *d, void (*take)(struct bytes_entry *e, void *user), void *user)
{
	int r = open_file(d), changes = 0;
	if (r >= 0) {
		/* what is damaged in one table leaves the other one readable */
		changes = load_changes(d, take, user);
		r = load_rows(d, take, user);
		r = check(d, r < 0 || changes < 0 ? (r < 0 ? r : changes) : r + changes);
	}
	return r == -EBADMSG ? 0 : r;
}

bool state_db_take_renewed(struct state_db *d)
{
	bool renewed = d->renewed;
	d->renewed = false;
	return renewed;
}

/* Whether they are of the same things in the same order. */
static bool same_rows(struct bytes_reader a, struct bytes_reader b)
{
	while (a.at < a.end && b.at < b.end) {
		struct bytes_entry x = bytes_take_entry(&a), y = bytes_take_entry(&b);
		if (strcmp(x.kind, y.kind) != 0 || strcmp(x.name, y.name) != 0)
			return false;
	}
	return a.at == a.end && b.at == b.end;
}

static bool same_entry(const struct bytes_entry *a, const struct bytes_entry *b)
{
	size_t size = (size_t)(a->block.end - a->block.at);
	return a->fingerprint == b->fingerprint && size == (size_t)(b->block.end - b->block.at) &&
	       memcmp(a->block.at, b->block.at, size) == 0;
}

static int put_row(struct state_db *d, const struct bytes_entry *e)
{
	static const char sql[] =
	    "INSERT INTO saved(fingerprint, saved_ms, kind, name, data) VALUES(?1, ?2, ?3, ?4, ?5) "
	    "ON CONFLICT(kind, name) DO UPDATE SET fingerprint = ?1, saved_ms = ?2, data = ?5";
	_cleanup_free_ void *data = NULL;
	ssize_t n = compressed_pack(e->block.at, (size_t)(e->block.end - e->block.at), LEVEL, &data);
	if (n < 0)
		return (int)n;
	sqlite3_stmt *st = db_statement(d->db, sql, DB_NUMBERS((int64_t)e->fingerprint, clock_utc_ms()));
	(void)sqlite3_bind_text(st, 3, e->kind, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(st, 4, e->name, -1, SQLITE_STATIC);
	(void)sqlite3_bind_blob64(st, 5, data, (sqlite3_uint64)n, SQLITE_STATIC);
	return db_step_all(d->db, st);
}

static int put_change(struct state_db *d, const struct bytes_entry *e)
{
	sqlite3_stmt *st =
	    db_statement(d->db, "INSERT OR REPLACE INTO changes(id, name, data) VALUES(?1, ?2, ?3)",
		DB_NUMBERS((int64_t)e->fingerprint));
	(void)sqlite3_bind_text(st, 2, e->name, -1, SQLITE_STATIC);
	(void)sqlite3_bind_blob64(
	    st, 3, e->block.at, (sqlite3_uint64)(e->block.end - e->block.at), SQLITE_STATIC);
	return db_step_all(d->db, st);
}

static int save_changes(struct state_db *d, const struct bytes_writer *changes)
{
	struct bytes_reader new = bytes_reader_of(changes);
	int64_t newest = 0;
	int r = 0;
	while (r >= 0 && new.at < new.end) {
		struct bytes_entry e = bytes_take_entry(&new);
		newest = (int64_t)e.fingerprint;
		r = put_change(d, &e);
	}
	if (r >= 0 && newest > ALARM_LOG_MAX)
		r = db_run(d->db, "DELETE FROM changes WHERE id <= ?1", DB_NUMBERS(newest - ALARM_LOG_MAX));
	return r;
}

static int save_rows(struct state_db *d, const struct bytes_writer *entries,
    const struct bytes_writer *changes, const struct records_addition *records)
{
	struct bytes_reader new = bytes_reader_of(entries), old = bytes_reader_of(&d->written);
	bool anew = !d->known || !same_rows(new, old);
	int r = db_begin(d->db);
	if (r >= 0 && anew)
		r = db_run(d->db, "DELETE FROM saved", 0, NULL);
	while (r >= 0 && new.at < new.end) {
		struct bytes_entry e = bytes_take_entry(&new), before = { 0 };
		if (!anew)
			before = bytes_take_entry(&old);
		if (anew || !same_entry(&e, &before))
			r = put_row(d, &e);
	}
	if (r >= 0)
		r = save_changes(d, changes);
	if (r >= 0 && records)
		r = records_db_add(d->db, records);
	return db_finish(d->db, r);
}

int state_db_read(
    struct state_db *d, const struct record_periods *p, int64_t id, bool *is_added, struct record_batch *to)
{
	int r = open_file(d);
	if (r >= 0)
		r = check(d, records_db_has(d->db, id));
	*is_added = r > 0;
	return r < 0 ? r : check(d, records_db_read(d->db, p, to));
}

int state_db_strike(struct state_db *d, const struct records_strike *s)
{
	int r = open_file(d);
	return r < 0 ? r : check(d, records_db_strike(d->db, s));
}

int state_db_save(struct state_db *d, struct bytes_writer *entries, const struct bytes_writer *changes,
    const struct records_addition *records)
{
	int r = -EBADMSG;
	/* once more, when the first try has shown that the file is damaged */
	for (int tries = 0; tries < 2 && r == -EBADMSG; tries++) {
		r = open_file(d);
		if (r >= 0)
			r = check(d, save_rows(d, entries, changes, records));
	}
	if (r < 0)
		return r;
	bytes_writer_deinit(&d->written);
	d->written = *entries;
	d->known = true;
	*entries = (struct bytes_writer){ 0 };
	return 0;
}
