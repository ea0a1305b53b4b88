/* Jobs on the disk's thread, and what outlives a restart in its file. */
#include "unit.h"

#include "daemon/disk/disk.h"
#include "daemon/live/alarm_log.h"
#include "daemon/state/state_db.h"
#include "drivers/os/clock.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/coolantd-disk-XXXXXX";
static char path[64];

struct job {
	struct disk_job job;
	int number, *done; /* how many were run */
	int place;	   /* which of them this was */
	pthread_mutex_t *hang;
};

static void run(struct disk_job *job)
{
	struct job *j = (struct job *)job;
	if (j->hang) {
		pthread_mutex_lock(j->hang);
		pthread_mutex_unlock(j->hang);
	}
	j->place = ++*j->done;
}

static void free_job(struct disk_job *job)
{
	free(job);
}

static void give(struct disk *d, int number, int *done, struct inbox *answers, pthread_mutex_t *hang)
{
	struct job *j = calloc(1, sizeof(*j));
	assert_non_null(j);
	*j = (struct job){ { .run = run, .free = free_job, .answers = answers }, number, done, 0, hang };
	disk_give(d, &j->job);
}

static int64_t in_seconds(int64_t seconds)
{
	return clock_ns(CLOCK_MONOTONIC) + seconds * NS_PER_S;
}

static void jobs_are_run_in_order(void **state)
{
	(void)state;
	int done = 0, back = 0;
	struct disk *d = disk_new();
	struct inbox *answers = disk_answers_new();
	for (int i = 1; i <= 200; i++)
		give(d, i, &done, i % 2 ? answers : NULL, NULL);
	assert_true(disk_free(d, in_seconds(10)));
	assert_int_equal(done, 200);
	for (struct inbox_item *i = inbox_take(answers), *next; i; i = next, back++) {
		struct job *j = (struct job *)i;
		next = i->next;
		assert_int_equal(j->place, j->number);
		free(j);
	}
	assert_int_equal(back, 100);
	inbox_free(answers);
}

static void a_disk_that_hangs_is_not_waited_for(void **state)
{
	(void)state;
	/* the thread goes on with them until the end of the process */
	static int done;
	static pthread_mutex_t hang = PTHREAD_MUTEX_INITIALIZER;
	static struct disk *d;
	d = disk_new();
	pthread_mutex_lock(&hang);
	give(d, 1, &done, NULL, &hang);
	int64_t begin = clock_ns(CLOCK_MONOTONIC);
	assert_false(disk_free(d, begin + 50 * NS_PER_MS));
	assert_true(clock_ns(CLOCK_MONOTONIC) - begin < NS_PER_S);
	assert_int_equal(done, 0);
}

static const struct bytes_writer no_changes;

static void put(struct bytes_writer *w, const char *kind, const char *name, uint64_t fingerprint, int64_t n)
{
	struct bytes_writer block = { 0 };
	for (int i = 0; i < 100; i++)
		bytes_put_integer(&block, n + i);
	bytes_put_entry(w, kind, name, fingerprint, &block);
}

static void save(struct state_db *d, struct bytes_writer *w)
{
	assert_false(w->bad);
	assert_int_equal(state_db_save(d, w, &no_changes, NULL), 0);
	bytes_writer_deinit(w);
}

static void describe(struct bytes_entry *e, void *user)
{
	char *text = user;
	size_t used = strlen(text);
	int64_t n = bytes_take_integer(&e->block);
	for (int i = 1; i < 100; i++)
		assert_int_equal(bytes_take_integer(&e->block), n + i);
	assert_true(!e->block.bad && e->block.at == e->block.end);
	snprintf(text + used, 256 - used, "%s %s %d %d; ", e->kind, e->name, (int)e->fingerprint, (int)n);
}

static const char *load(struct state_db *d)
{
	static char text[256];
	text[0] = '\0';
	assert_true(state_db_load(d, describe, text) >= 0);
	return text;
}

/* Of a closed file. */
static int64_t query(const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	int64_t n = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

/* Changes of alarms are added, and the last of them kept. */
static void changes_are_added(void **state)
{
	(void)state;
	struct bytes_writer w = { 0 }, changes = { 0 };
	struct state_db *d = state_db_new(folder);
	put(&w, "alarm", "leak", 2, -7);
	put(&changes, ALARM_LOG_ENTRY, "leak", 1, 5);
	put(&changes, ALARM_LOG_ENTRY, "leak", 2, 6);
	assert_int_equal(state_db_save(d, &w, &changes, NULL), 0);
	bytes_writer_deinit(&changes);
	put(&w, "alarm", "leak", 2, -7);
	put(&changes, ALARM_LOG_ENTRY, "flow", 3, 7);
	assert_int_equal(state_db_save(d, &w, &changes, NULL), 0);
	bytes_writer_deinit(&changes);
	assert_string_equal(load(d), "change leak 1 5; change leak 2 6; change flow 3 7; alarm leak 2 -7; ");
	put(&w, "alarm", "leak", 2, -7);
	put(&changes, ALARM_LOG_ENTRY, "flow", ALARM_LOG_MAX + 2, 8);
	assert_int_equal(state_db_save(d, &w, &changes, NULL), 0);
	bytes_writer_deinit(&changes);
	assert_string_equal(load(d), "change flow 3 7; change flow 10002 8; alarm leak 2 -7; ");
	state_db_free(d);
	assert_int_equal(unlink(path), 0);
}

static void rows_outlive_a_restart(void **state)
{
	(void)state;
	struct bytes_writer w = { 0 };
	struct state_db *d = state_db_new(folder);
	assert_string_equal(load(d), "");
	put(&w, "pue", "row", 1, 1000);
	put(&w, "alarm", "leak", 2, -7);
	save(d, &w);
	put(&w, "pue", "row", 1, 1001);
	put(&w, "alarm", "leak", 2, -7);
	save(d, &w);
	state_db_free(d);

	d = state_db_new(folder);
	assert_string_equal(load(d), "pue row 1 1001; alarm leak 2 -7; ");
	/* what is configured no more is there no more */
	put(&w, "loop", "a", 3, 5);
	put(&w, "alarm", "leak", 4, -7);
	save(d, &w);
	assert_string_equal(load(d), "loop a 3 5; alarm leak 4 -7; ");
	/* nothing at all is something as well */
	save(d, &w);
	assert_string_equal(load(d), "");
	state_db_free(d);
	assert_int_equal(unlink(path), 0);
}

static void only_what_changed_is_written(void **state)
{
	(void)state;
	struct bytes_writer w = { 0 };
	struct state_db *d = state_db_new(folder);
	put(&w, "pue", "row", 1, 1000);
	put(&w, "alarm", "leak", 2, -7);
	save(d, &w);
	int64_t first = clock_utc_ms();
	while (clock_utc_ms() == first)
		;
	put(&w, "pue", "row", 1, 1001);
	put(&w, "alarm", "leak", 2, -7);
	save(d, &w);
	state_db_free(d);
	char sql[96];
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM saved WHERE saved_ms > %lld", (long long)first);
	assert_int_equal(query(sql), 1);
	assert_int_equal(query("SELECT count(*) FROM saved"), 2);
	assert_int_equal(unlink(path), 0);
}

/* Also one that was good when it was opened: the same save goes into a new file. */
static void a_damaged_file_is_set_aside(void **state)
{
	(void)state;
	struct bytes_writer w = { 0 };
	char aside[80];
	snprintf(aside, sizeof(aside), "%s.bad1", path);
	struct state_db *d = state_db_new(folder);
	put(&w, "pue", "row", 1, 1000);
	save(d, &w);
	assert_false(state_db_take_renewed(d));
	state_db_free(d);
	(void)query("DROP TABLE saved");
	d = state_db_new(folder);
	put(&w, "pue", "row", 1, 1001);
	save(d, &w);
	assert_true(state_db_take_renewed(d));
	assert_false(state_db_take_renewed(d));
	assert_int_equal(unlink(aside), 0);
	assert_string_equal(load(d), "pue row 1 1001; ");
	state_db_free(d);

	FILE *f = fopen(path, "w");
	assert_non_null(f);
	for (int i = 0; i < 1000; i++)
		assert_true(fputs("no database ", f) >= 0);
	assert_int_equal(fclose(f), 0);
	d = state_db_new(folder);
	assert_string_equal(load(d), "");
	assert_int_equal(unlink(aside), 0);
	put(&w, "pue", "row", 1, 1002);
	save(d, &w);
	state_db_free(d);
	assert_int_equal(unlink(path), 0);
}

static void what_cannot_be_written_is_told(void **state)
{
	(void)state;
	struct bytes_writer w = { 0 };
	char missing[64];
	snprintf(missing, sizeof(missing), "%s/missing", folder);
	struct state_db *d = state_db_new(missing);
	put(&w, "pue", "row", 1, 1000);
	assert_int_equal(state_db_save(d, &w, &no_changes, NULL), -ENOENT);
	assert_int_equal(mkdir(missing, 0700), 0);
	save(d, &w);
	state_db_free(d);
	snprintf(missing, sizeof(missing), "%s/missing/state.db", folder);
	assert_int_equal(unlink(missing), 0);
	*strrchr(missing, '/') = '\0';
	assert_int_equal(rmdir(missing), 0);
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/state.db", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_are_run_in_order),
		cmocka_unit_test(a_disk_that_hangs_is_not_waited_for),
		cmocka_unit_test(rows_outlive_a_restart),
		cmocka_unit_test(changes_are_added),
		cmocka_unit_test(only_what_changed_is_written),
		cmocka_unit_test(a_damaged_file_is_set_aside),
		cmocka_unit_test(what_cannot_be_written_is_told),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
