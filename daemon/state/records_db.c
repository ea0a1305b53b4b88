#include "daemon/state/records_db.h"

#include <errno.h>
#include <math.h>

/* What a row is of stands once, by a number. */
const char records_db_tables[] =
    "CREATE TABLE record_name(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, owner TEXT NOT NULL,"
    " part TEXT NOT NULL, item TEXT NOT NULL, UNIQUE(kind, owner, part, item));"
    "CREATE TABLE energy(hour INTEGER NOT NULL, name INTEGER NOT NULL, mj INTEGER NOT NULL,"
    " estimated_mj INTEGER NOT NULL, known_ms INTEGER NOT NULL, good_ms INTEGER NOT NULL, first_kwh REAL,"
    " last_kwh REAL, PRIMARY KEY(hour, name)) WITHOUT ROWID;"
    "CREATE TABLE pue(hour INTEGER NOT NULL, name INTEGER NOT NULL, mj INTEGER NOT NULL,"
    " estimated_mj INTEGER NOT NULL, known_ms INTEGER NOT NULL, good_ms INTEGER NOT NULL,"
    " PRIMARY KEY(hour, name)) WITHOUT ROWID;"
    "CREATE TABLE loop(hour INTEGER NOT NULL, name INTEGER NOT NULL, known_ms INTEGER NOT NULL,"
    " good_ms INTEGER NOT NULL, integral REAL NOT NULL, low REAL, high REAL,"
    " PRIMARY KEY(hour, name)) WITHOUT ROWID;"
    "CREATE TABLE alarm(hour INTEGER NOT NULL, name INTEGER NOT NULL, count INTEGER NOT NULL,"
    " active_ms INTEGER NOT NULL, PRIMARY KEY(hour, name)) WITHOUT ROWID;"
    "CREATE TABLE correction(ts_ms INTEGER NOT NULL, pue TEXT NOT NULL, meter TEXT NOT NULL,"
    " kind TEXT NOT NULL, text TEXT NOT NULL);"
    "CREATE INDEX correction_by_time ON correction(ts_ms);"
    "CREATE TABLE records_added(one INTEGER PRIMARY KEY, id INTEGER NOT NULL);";

const char records_db_struck[] =
    "CREATE TABLE struck(from_hour INTEGER NOT NULL, until_hour INTEGER NOT NULL, reason TEXT NOT NULL,"
    " who TEXT NOT NULL, struck_ms INTEGER NOT NULL);";

const char records_db_steps[] = "ALTER TABLE energy ADD COLUMN quantum_kwh REAL NOT NULL DEFAULT 0;"
				"ALTER TABLE energy ADD COLUMN refresh_ms INTEGER NOT NULL DEFAULT 0;";

/* Places: 1 hour, 2 name, 3 amount, 4 estimated, 5 known, 6 good, 7 integral, 8 low, 9 high, 10 quantum,
 * 11 refresh. */
static const char *const additions[] = {
	[RECORD_ENERGY] =
	    "INSERT INTO energy VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?8, ?9, ?10, ?11)"
	    " ON CONFLICT DO UPDATE SET mj = mj + ?3,"
	    " estimated_mj = estimated_mj + ?4, known_ms = known_ms + ?5, good_ms = good_ms + ?6,"
	    " first_kwh = coalesce(first_kwh, ?8), last_kwh = coalesce(?9, last_kwh),"
	    " quantum_kwh = max(quantum_kwh, ?10), refresh_ms = max(refresh_ms, ?11)",
	[RECORD_PUE] =
	    "INSERT INTO pue VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET mj = mj + ?3,"
	    " estimated_mj = estimated_mj + ?4, known_ms = known_ms + ?5, good_ms = good_ms + ?6",
	[RECORD_LOOP] = "INSERT INTO loop VALUES(?1, ?2, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO UPDATE SET"
			" known_ms = known_ms + ?5, good_ms = good_ms + ?6, integral = integral + ?7,"
			" low = min(coalesce(low, ?8), coalesce(?8, low)), high = max(coalesce(high, ?9), "
			"coalesce(?9, high))",
	[RECORD_ALARM] =
	    "INSERT INTO alarm VALUES(?1, ?2, ?3, ?5) ON CONFLICT DO UPDATE SET count = count + ?3,"
	    " active_ms = active_ms + ?5",
};

/* How many hours go with each writing, of those that are too old. */
#define DROPPED_HOURS 24

static const char *const old_rows[] = {
	"DELETE FROM energy WHERE hour < ?1",
	"DELETE FROM pue WHERE hour < ?1",
	"DELETE FROM loop WHERE hour < ?1",
	"DELETE FROM alarm WHERE hour < ?1",
	"DELETE FROM correction WHERE ts_ms < ?1 * 3600000",
	"DELETE FROM struck WHERE until_hour < ?1",
};

#define NAMED " JOIN record_name ON record_name.id = name WHERE hour >= ?1 AND hour < ?2 ORDER BY hour"
#define NAMES "SELECT owner, part, item, "
/* Then amount, estimated, known, good, integral, low, high, quantum, refresh. */
static const char *const selections[] = {
	[RECORD_ENERGY] =
	    NAMES "mj, estimated_mj, known_ms, good_ms, 0, first_kwh, last_kwh, quantum_kwh, refresh_ms"
		  " FROM energy" NAMED,
	[RECORD_PUE] = NAMES "mj, estimated_mj, known_ms, good_ms, 0, NULL, NULL, 0, 0 FROM pue" NAMED,
	[RECORD_LOOP] = NAMES "0, 0, known_ms, good_ms, integral, low, high, 0, 0 FROM loop" NAMED,
	[RECORD_ALARM] = NAMES "count, 0, active_ms, 0, 0, NULL, NULL, 0, 0 FROM alarm" NAMED,
};

static const char pue_not_struck[] =
    NAMES "mj, estimated_mj, known_ms, good_ms, 0, NULL, NULL, 0, 0 FROM pue JOIN record_name ON "
	  "record_name.id = name"
	  " WHERE hour >= ?1 AND hour < ?2 AND NOT EXISTS"
	  " (SELECT 1 FROM struck WHERE from_hour <= hour AND until_hour > hour) ORDER BY hour";

static void bind_text(sqlite3_stmt *st, int place, const char *text)
{
	(void)sqlite3_bind_text(st, place, text, -1, SQLITE_STATIC);
}

static sqlite3_stmt *name_statement(struct db *d, const char *sql, const struct record_key *k)
{
	sqlite3_stmt *st = db_statement(d, sql, DB_NUMBERS(k->kind));
	bind_text(st, 2, k->owner);
	bind_text(st, 3, k->part);
	bind_text(st, 4, k->item);
	return st;
}

/* The number of a row's texts, a new one if need be. */
static int find_name(struct db *d, const struct record_key *k, int64_t *ret)
{
	static const char make[] =
	    "INSERT OR IGNORE INTO record_name(kind, owner, part, item) VALUES(?1, ?2, ?3, ?4)";
	static const char find[] =
	    "SELECT id FROM record_name WHERE kind = ?1 AND owner = ?2 AND part = ?3 AND item = ?4";
	int r = db_step_all(d, name_statement(d, make, k));
	if (r < 0)
		return r;
	sqlite3_stmt *st = name_statement(d, find, k);
	r = db_step(d, st);
	if (r == 1)
		*ret = sqlite3_column_int64(st, 0);
	db_done(st);
	return r == 1 ? 0 : r < 0 ? r : -EBADMSG;
}

static int add_row(struct db *d, const struct record_row *row)
{
	const struct record_sums *s = &row->sums;
	int64_t name = 0;
	int r = find_name(d, &row->key, &name);
	if (r < 0)
		return r;
	sqlite3_stmt *st = db_statement(d, additions[row->key.kind],
	    DB_NUMBERS(row->key.period, name, s->amount, s->estimated, s->known_ms, s->good_ms));
	(void)sqlite3_bind_double(st, 7, s->integral);
	(void)sqlite3_bind_double(st, 8, s->low); /* NAN becomes NULL */
	(void)sqlite3_bind_double(st, 9, s->high);
	if (row->key.kind == RECORD_ENERGY) {
		(void)sqlite3_bind_double(st, 10, s->quantum);
		(void)sqlite3_bind_int64(st, 11, s->refresh_ms);
	}
	return db_step_all(d, st);
}

static int add_correction(struct db *d, const struct record_correction *c)
{
	sqlite3_stmt *st =
	    db_statement(d, "INSERT INTO correction VALUES(?1, ?2, ?3, ?4, ?5)", DB_NUMBERS(c->time_ms));
	bind_text(st, 2, c->owner);
	bind_text(st, 3, c->meter);
	bind_text(st, 4, c->kind);
	bind_text(st, 5, c->text);
	return db_step_all(d, st);
}

int records_db_has(struct db *d, int64_t id)
{
	return db_run(d, "SELECT 1 FROM records_added WHERE id = ?1", DB_NUMBERS(id));
}

static int mark(struct db *d, int64_t id)
{
	static const char sql[] = "INSERT INTO records_added VALUES(1, ?1) ON CONFLICT DO UPDATE SET id = ?1";
	return db_run(d, sql, DB_NUMBERS(id));
}

int records_db_strike(struct db *d, const struct records_strike *s)
{
	if (!s->reason)
		return db_run(d, "DELETE FROM struck WHERE from_hour >= ?1 AND from_hour < ?2",
		    DB_NUMBERS(s->from_hour, s->until_hour));
	sqlite3_stmt *st = db_statement(d,
	    "INSERT INTO struck(from_hour, until_hour, struck_ms, reason, who) VALUES(?1, ?2, ?3, ?4, ?5)",
	    DB_NUMBERS(s->from_hour, s->until_hour, s->now_ms));
	bind_text(st, 4, s->reason);
	bind_text(st, 5, s->who);
	return db_step_all(d, st);
}

/* Little at a time: a clock that is ahead for a while costs some old days, and not all. */
static int drop_old(struct db *d, int64_t oldest_hour)
{
	static const char first[] = "SELECT coalesce(min(hour), 0) FROM (SELECT min(hour) AS hour FROM "
				    "energy UNION ALL SELECT min(hour) FROM loop "
				    "UNION ALL SELECT min(hour) FROM alarm)";
	int64_t first_hour = 0;
	int r = db_query(d, first, &first_hour);
	if (oldest_hour > first_hour + DROPPED_HOURS)
		oldest_hour = first_hour + DROPPED_HOURS;
	for (size_t i = 0; r >= 0 && i < sizeof(old_rows) / sizeof(old_rows[0]); i++)
		r = db_run(d, old_rows[i], DB_NUMBERS(oldest_hour));
	return r < 0 ? r : 0;
}

int records_db_add(struct db *d, const struct records_addition *a)
{
	/* a commit that was told to have failed may be in the file all the same */
	int r = records_db_has(d, a->id);
	if (r > 0)
		return 0;
	if (r == 0)
		r = mark(d, a->id);
	for (size_t i = 0; r >= 0 && i < a->batch->count; i++)
		r = add_row(d, &a->batch->rows[i]);
	for (size_t i = 0; r >= 0 && i < a->batch->correction_count; i++)
		r = add_correction(d, &a->batch->corrections[i]);
	return r < 0 ? r : drop_old(d, a->oldest_hour);
}

static double number_or_nan(sqlite3_stmt *st, int column)
{
	return sqlite3_column_type(st, column) == SQLITE_NULL ? NAN : sqlite3_column_double(st, column);
}

static const char *text_of(sqlite3_stmt *st, int column)
{
	const char *text = (const char *)sqlite3_column_text(st, column);
	return text ? text : "";
}

static int read_kind(
    struct db *d, enum record_kind kind, const struct record_periods *p, size_t i, struct record_batch *to)
{
	const char *sql =
	    kind == RECORD_PUE && p->step != RECORD_STEP_HOUR ? pue_not_struck : selections[kind];
	sqlite3_stmt *st = db_statement(d, sql, DB_NUMBERS(p->edges[i], p->edges[i + 1]));
	int r;
	while ((r = db_step(d, st)) == 1) {
		const struct record_key key = { kind, (int64_t)i, text_of(st, 0), text_of(st, 1),
			text_of(st, 2) };
		const struct record_sums sums = { .amount = sqlite3_column_int64(st, 3),
			.estimated = sqlite3_column_int64(st, 4),
			.known_ms = sqlite3_column_int64(st, 5),
			.good_ms = sqlite3_column_int64(st, 6),
			.integral = sqlite3_column_double(st, 7),
			.low = number_or_nan(st, 8),
			.high = number_or_nan(st, 9),
			.quantum = sqlite3_column_double(st, 10),
			.refresh_ms = sqlite3_column_int64(st, 11) };
		record_add(to, &key, &sums);
	}
	db_done(st);
	return r;
}

static int read_corrections(struct db *d, const struct record_periods *p, struct record_batch *to)
{
	sqlite3_stmt *st = db_statement(d,
	    "SELECT ts_ms, pue, meter, kind, text FROM correction WHERE ts_ms >= ?1 AND ts_ms < ?2 ORDER BY "
	    "ts_ms",
	    DB_NUMBERS(p->edges[0] * RECORD_HOUR_MS, p->edges[p->count] * RECORD_HOUR_MS));
	int r;
	while ((r = db_step(d, st)) == 1)
		record_correct(to, sqlite3_column_int64(st, 0), text_of(st, 1), text_of(st, 2),
		    text_of(st, 3), text_of(st, 4));
	db_done(st);
	return r;
}

static int read_struck(struct db *d, const struct record_periods *p, struct record_batch *to)
{
	sqlite3_stmt *st = db_statement(d,
	    "SELECT from_hour, until_hour, reason, who FROM struck WHERE until_hour > ?1 AND from_hour < ?2",
	    DB_NUMBERS(p->edges[0], p->edges[p->count]));
	int r;
	while ((r = db_step(d, st)) == 1)
		record_strike(to, sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1), text_of(st, 2),
		    text_of(st, 3));
	db_done(st);
	return r;
}

int records_db_read(struct db *d, const struct record_periods *p, struct record_batch *to)
{
	int r = read_struck(d, p, to);
	for (size_t i = 0; i < p->count; i++)
		for (unsigned kind = 0; r >= 0 && kind < RECORD_KIND_COUNT; kind++)
			r = read_kind(d, (enum record_kind)kind, p, i, to);
	return r < 0 ? r : read_corrections(d, p, to);
}
