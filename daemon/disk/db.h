/* db: a SQLite file of ours, on which a transaction that has ended survives a power cut (holder, one thread
 * at a time).
 *
 * Opens or makes the file (WAL, synchronous = FULL), tells whether it is ours and of a version that is known,
 * and runs statements. Each statement stands where it is used; it is prepared at its first use and kept.
 *
 * Functions return 0 or more when they worked, else negative errno: -EBADMSG when the file is damaged,
 * foreign or of a newer version (then db_set_aside is the way on), -ENOSPC, -EROFS, -EIO, -ENOMEM, ….
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DB_PAGE_SIZE 4096
#define DB_WHY_MAX 256 /* of a text, with its NUL */
#define DB_ASIDE_MAX 3

struct db;

/* What tells a file of ours, and how it is made. */
struct db_format {
	int32_t application_id;
	bool shrinks; /* pages that are free can be given back, with PRAGMA incremental_vacuum */
	/* steps[i] makes a file of version i one of version i + 1; a new file goes through all of them. A
	 * step that was released is never changed. */
	const char *const *steps;
	int version; /* number of steps */
};

/* Opens or makes the file; `wal_bytes` is how long its write-ahead log may get. On failure `why` says what is
 * wrong. */
int db_open(struct db **ret, const char *path, const struct db_format *format, int64_t wal_bytes,
    char why[static DB_WHY_MAX]);
void db_close(struct db *d);

/* Renames a file that cannot be used, with what belongs to it; `aside` (as long as a path) tells the new
 * name. The last DB_ASIDE_MAX of them are kept. */
int db_set_aside(const char *path, char *aside, size_t size);

/* What SQLite says of the last failure. */
const char *db_error(const struct db *d);

/* Numbers to bind, from the first place on. */
#define DB_NUMBERS(...)                                                                                      \
	sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t), (const int64_t[])                              \
	{                                                                                                    \
		__VA_ARGS__                                                                                  \
	}

/* A statement whose rows do not matter: 1 when there was one, else 0. `sql` is a literal, here and below. */
int db_run(struct db *d, const char *sql, size_t count, const int64_t *numbers);

/* The first number of the first row. */
int db_query(struct db *d, const char *sql, int64_t *ret);

/* The statement itself, with these numbers bound; texts and blobs are bound with SQLite's own functions
 * (static: they must live until it is done). NULL when it cannot be prepared: SQLite's functions and those
 * below take that, and the next of these tells why. */
sqlite3_stmt *db_statement(struct db *d, const char *sql, size_t count, const int64_t *numbers);
/* Its next row, whose columns are read with SQLite's own functions: 1, or 0 when there is none. db_done must
 * follow at the end, also of a failure. */
int db_step(struct db *d, sqlite3_stmt *st);
void db_done(sqlite3_stmt *st);
/* All of it at once, as db_run. */
int db_step_all(struct db *d, sqlite3_stmt *st);

/* Statements that are run once. */
int db_execute(struct db *d, const char *sql);

int db_begin(struct db *d);
/* Ends the transaction by what came of it: commits and returns `result`, or rolls back and returns the error.
 */
int db_finish(struct db *d, int result);
