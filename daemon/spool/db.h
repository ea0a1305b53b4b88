/* db: the SQLite file of the spool (holder, only spool.c uses it).
 *
 * Opens it, tells whether it is ours, keeps its clock, and runs its statements. Errors are negative errno as
 * spool.h has them.
 */
#pragma once

#include "daemon/spool/spool.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#define SPOOL_PAGE_SIZE 4096
#define SPOOL_BOOT_ID_SIZE 40

enum spool_statement {
	SPOOL_BEGIN,
	SPOOL_COMMIT,
	SPOOL_ROLLBACK,
	SPOOL_APPEND,	/* id, live, from_ms, to_ms, born_s, messages, data */
	SPOOL_LOAD,	/* id that it is after: id, gap, from_ms, to_ms, messages, sent, data */
	SPOOL_DELETE,	/* id: gap, messages that wait, packed */
	SPOOL_SET_SENT, /* sent, id */
	SPOOL_WAITING,	/* : messages that wait in all */
	SPOOL_RELEASE,
	SPOOL_SAVE_CLOCK,
	SPOOL_OLDEST,	/* id that it is after: id, from_ms, to_ms, messages that wait, born_s, packed */
	SPOOL_GROW_GAP, /* from_ms, to_ms, messages, id that it is after: id */
	SPOOL_MAKE_GAP, /* id */
	SPOOL_UNPACKED, /* most: id, from_ms, to_ms, born_s, sent, data */
	SPOOL_REPLACE_PACKED, /* id, from_ms, to_ms, born_s, messages, data */
	SPOOL_DELETE_RANGE,   /* first (not itself) and last id */
	SPOOL_USED_PAGES,
	SPOOL_STATEMENT_COUNT
};

struct spool_db {
	sqlite3 *db;
	sqlite3_stmt *statements[SPOOL_STATEMENT_COUNT];
	int64_t uptime_offset_s; /* of the file's clock to CLOCK_BOOTTIME */
	char boot_id[SPOOL_BOOT_ID_SIZE];
};

/* Opens or makes the file; `wal_bytes` is how long its write-ahead log may get. */
int spool_db_open(
    struct spool_db *d, const char *path, int64_t wal_bytes, int64_t now_ns, char why[static SPOOL_WHY_MAX]);
void spool_db_close(struct spool_db *d);
const char *spool_db_error(const struct spool_db *d);

/* The file's clock: seconds that machines were up with it. */
int64_t spool_db_uptime(const struct spool_db *d, int64_t now_ns);
int spool_db_save_clock(struct spool_db *d, int64_t now_ns);

/* Numbers to bind, from the first place on. */
#define SPOOL_NUMBERS(...)                                                                                   \
	sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t), (const int64_t[])                              \
	{                                                                                                    \
		__VA_ARGS__                                                                                  \
	}

/* The next row of a statement: 1, or 0 when it is done. spool_db_done must follow. */
int spool_db_step(struct spool_db *d, enum spool_statement which, size_t count, const int64_t *numbers);
int64_t spool_db_number(struct spool_db *d, enum spool_statement which, int column);
void spool_db_bind_blob(
    struct spool_db *d, enum spool_statement which, int place, const void *data, size_t size);
void spool_db_done(struct spool_db *d, enum spool_statement which);

/* A whole statement whose rows do not matter: 1 when there was one, else 0. */
int spool_db_run(struct spool_db *d, enum spool_statement which, size_t count, const int64_t *numbers);

int spool_db_begin(struct spool_db *d);
/* Ends the transaction by what came of it: commits and returns `result`, or rolls back and returns the error.
 */
int spool_db_finish(struct spool_db *d, int result);

/* The first number of the first row. */
int spool_db_query(struct spool_db *d, const char *sql, int64_t *ret);
int spool_db_execute(struct spool_db *d, const char *sql);
