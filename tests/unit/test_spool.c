/* Messages packed and unpacked, and batches of them in a file on disk. */
#include "unit.h"

#include "daemon/spool/pack.h"
#include "daemon/spool/spool.h"
#include "drivers/os/clock.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (INT64_C(1) << 20)
#define HOUR_NS (3600 * NS_PER_S)

static char folder[] = "/tmp/coolantd-spool-XXXXXX";
static char path[64];

static void add(struct message_list *l, const char *topic, const char *payload, int64_t ts_ms)
{
	message_list_append(l, message_new(topic, NULL, strdup(payload), strlen(payload), 0, ts_ms));
}

static void *memdup(const void *data, size_t size)
{
	void *copy = malloc(size + 1);
	assert_non_null(copy);
	return memcpy(copy, data, size);
}

/* "TOPIC=PAYLOAD " of each; the list is emptied. */
static const char *text_of(struct message_list *l)
{
	static char text[65536];
	size_t used = 0;
	text[0] = '\0';
	for (struct message *m; (m = message_list_take(l)); message_free(m)) {
		assert_true(m->is_history);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s=%.*s ", m->topic, (int)m->size,
		    (const char *)m->payload);
		assert_true(used < sizeof(text));
	}
	return text;
}

static void packs_and_unpacks_in_order(void **state)
{
	struct message_list in = { 0 }, out = { 0 };
	void *data;
	add(&in, "device/b", "1", 0);
	add(&in, "device/a", "2", 0);
	add(&in, "device/b", "", 0);
	add(&in, "device/ab", "{\"\xc3\xa9\":4}", 0);
	add(&in, "device/a", "2", 0);
	ssize_t size = spool_pack(&in, SPOOL_LEVEL_FAST, &data);
	assert_true(size > 0);
	assert_int_equal(spool_unpack(data, (size_t)size, NULL, &out), 0);
	assert_string_equal(
	    text_of(&out), "device/b=1 device/a=2 device/b= device/ab={\"\xc3\xa9\":4} device/a=2 ");
	message_list_clear(&in);

	/* an empty list is a block as well */
	free(data);
	size = spool_pack(&in, SPOOL_LEVEL_THOROUGH, &data);
	assert_int_equal(spool_unpack(data, (size_t)size, NULL, &out), 0);
	assert_int_equal(out.count, 0);
	free(data);
}

static const char binary[] = "\x08\0\x12\0\0{\"\0";

static void any_bytes_come_back(void **state)
{
	struct message_list in = { 0 }, out = { 0 };
	void *data;
	for (size_t n = 0; n <= sizeof(binary); n++)
		message_list_append(&in, message_new(n % 2 ? "a" : "b", NULL, memdup(binary, n), n, 0, 0));
	assert_int_equal(in.bytes, sizeof(binary) * (sizeof(binary) + 1) / 2);
	ssize_t size = spool_pack(&in, SPOOL_LEVEL_FAST, &data);
	message_list_clear(&in);
	assert_int_equal(in.bytes, 0);
	assert_int_equal(spool_unpack(data, (size_t)size, NULL, &out), 0);
	free(data);
	for (size_t n = 0; n <= sizeof(binary); n++) {
		struct message *m = message_list_take(&out);
		assert_int_equal(m->size, n);
		assert_memory_equal(m->payload, binary, n);
		assert_string_equal(m->topic, n % 2 ? "a" : "b");
		message_free(m);
	}
	assert_int_equal(out.count, 0);
}

static void texts_come_back(const char *const *payloads, size_t n)
{
	struct message_list in = { 0 }, out = { 0 };
	void *data;
	for (size_t i = 0; i < n; i++)
		add(&in, i % 2 ? "a" : "b", payloads[i], 0);
	ssize_t size = spool_pack(&in, SPOOL_LEVEL_FAST, &data);
	assert_true(size > 0);
	message_list_clear(&in);
	assert_int_equal(spool_unpack(data, (size_t)size, NULL, &out), 0);
	free(data);
	for (size_t i = 0; i < n; i++) {
		struct message *m = message_list_take(&out);
		assert_int_equal(m->size, strlen(payloads[i]));
		assert_memory_equal(m->payload, payloads[i], m->size);
		message_free(m);
	}
}

static void numbers_come_back_as_they_were(void **state)
{
	static const char *const payloads[] = { "", "0", "{\"a\":1,\"b\":-2.50,\"c\":[1,20.25,3]}",
		"{\"a\":18446744073709551615,\"b\":0.00,\"c\":007}", "{\"a\":999999999999999999,\"b\":1e-05}",
		"{\"a\":0.0000001,\"b\":0.00000001}", "00.5.", ".5 1.", "1.2.3.4",
		"{\"a\":0.1,\"b\":123456789012.3456789}", "-0", "5\t\n6", "{\"a\":1,\"a\":1.0,\"a\":1.00}",
		"\x01\x02 3", "9 \xc3\xa9 10" };
	for (size_t n = 0; n <= sizeof(payloads) / sizeof(payloads[0]); n++)
		texts_come_back(payloads, n); /* with and without the one that is no text */
	char digits[64];
	for (int i = 0; i < 20000; i++) {
		size_t length = 1 + (size_t)(random() % 40);
		for (size_t k = 0; k < length; k++)
			digits[k] = "0123456789..,-"[random() % 14];
		digits[length] = '\0';
		const char *const both[] = { digits, digits + length / 2, digits };
		texts_come_back(both, 3);
	}
}

/* A bit that says nothing may flip; what comes out is never something else. */
static void damaged_blocks_are_refused(void **state)
{
	struct message_list in = { 0 }, out = { 0 };
	void *data;
	int refused = 0;
	for (int i = 0; i < 50; i++)
		add(&in, i % 3 ? "device/a" : "device/b", i % 2 ? "{\"x\":1.25}" : "{\"y\":7}", 0);
	ssize_t size = spool_pack(&in, SPOOL_LEVEL_FAST, &data);
	message_list_clear(&in);
	assert_int_equal(spool_unpack(data, (size_t)size, NULL, &out), 0);
	char *expected = strdup(text_of(&out));
	uint8_t *bytes = data;
	for (ssize_t i = 0; i < size; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			bytes[i] ^= (uint8_t)(1u << bit);
			int r = spool_unpack(data, (size_t)size, NULL, &out);
			if (r == 0)
				assert_string_equal(text_of(&out), expected);
			else
				assert_int_equal(r, -EBADMSG);
			refused += r < 0;
			bytes[i] ^= (uint8_t)(1u << bit);
		}
		assert_int_equal(spool_unpack(data, (size_t)i, NULL, &out), -EBADMSG);
	}
	assert_true(refused > 7 * size);
	assert_int_equal(out.count, 0);
	free(expected);
	free(data);
}

static struct spool *open_spool(int64_t max_size, int64_t now_ns)
{
	struct spool *s = NULL;
	char why[DB_WHY_MAX];
	int r = spool_open(&s, path, "b", (struct spool_limits){ max_size, HOUR_NS }, now_ns, why);
	if (r < 0)
		fail_msg("spool_open: %s", why);
	return s;
}

static void append(
    struct spool *s, uint64_t id, const char *topic, const char *payload, bool live, int64_t now_ns)
{
	struct message_list l = { 0 };
	add(&l, topic, payload, (int64_t)id * 1000);
	add(&l, "t", "x", (int64_t)id * 1000 + 1);
	assert_int_equal(spool_append(s, id, &l, live, now_ns), 0);
	message_list_clear(&l);
}

static const char *load(struct spool *s, uint64_t after)
{
	struct spool_batch b = { 0 };
	static char gap[128];
	int r = spool_load(s, after, &b);
	assert_true(r >= 0);
	if (r == 0)
		return "none";
	if (!b.is_gap)
		return text_of(&b.messages);
	snprintf(gap, sizeof(gap), "gap %d..%d %d", (int)b.from_ms, (int)b.to_ms, (int)b.dropped);
	return gap;
}

static void survives_a_restart(void **state)
{
	struct spool *s = open_spool(8 * MIB, 0);
	assert_int_equal(spool_last_id(s), 0);
	assert_string_equal(load(s, 0), "none");
	append(s, 1, "a", "1", false, 0);
	append(s, 2, "b", "2", true, 0);
	append(s, 3, "c", "3", false, 0);
	assert_int_equal(spool_describe(s).messages, 6);
	/* what is out at the broker is not loaded until the connection is gone */
	assert_string_equal(load(s, 0), "a=1 t=x ");
	assert_string_equal(load(s, 1), "c=3 t=x ");
	assert_int_equal(spool_set_sent(s, 1, 1), 0);
	spool_close(s);

	s = open_spool(8 * MIB, 0);
	assert_int_equal(spool_last_id(s), 3);
	assert_int_equal(spool_describe(s).messages, 5);
	assert_string_equal(load(s, 0), "t=x ");
	assert_string_equal(load(s, 1), "b=2 t=x ");
	assert_int_equal(spool_delete(s, 1), 0);
	assert_int_equal(spool_delete(s, 2), 0);
	assert_int_equal(spool_delete(s, 2), 0);
	assert_string_equal(load(s, 0), "c=3 t=x ");
	assert_int_equal(spool_delete(s, 3), 0);
	assert_int_equal(spool_describe(s).messages, 0);
	assert_string_equal(load(s, 0), "none");
	spool_close(s);
	assert_int_equal(unlink(path), 0);
}

static void packs_a_minute_of_batches(void **state)
{
	struct spool *s = open_spool(8 * MIB, 0);
	char expected[8192] = "";
	for (uint64_t i = 1; i <= 96; i++) {
		char payload[16];
		snprintf(payload, sizeof(payload), "%d", (int)i);
		append(s, i, i % 2 ? "a" : "b", payload, false, 0);
		if (i > 1) /* of the first batch one message is delivered already */
			snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%s=%d ",
			    i % 2 ? "a" : "b", (int)i);
		strcat(expected, "t=x ");
	}
	assert_int_equal(spool_set_sent(s, 1, 1), 0);
	assert_int_equal(spool_tend(s, 0), 0);
	assert_string_equal(load(s, 0), expected);
	assert_string_equal(load(s, 1), "none");
	assert_int_equal(spool_describe(s).messages, 191);
	spool_close(s);
	assert_int_equal(unlink(path), 0);
}

static void the_oldest_go_when_it_is_full(void **state)
{
	struct spool *s = open_spool(MIB, 0);
	char *noise = malloc(20001);
	uint64_t dropped = 0, id = 0;
	struct stat st;
	while (dropped == 0 || id < 400) {
		for (int i = 0; i < 20000; i++) /* does not compress */
			noise[i] = (char)('!' + random() % 90);
		noise[20000] = '\0';
		append(s, ++id, "n", noise, false, 0);
		if (id % 50 == 0)
			assert_int_equal(spool_tend(s, 0), 0);
		dropped = spool_describe(s).dropped;
		assert_true(spool_describe(s).bytes <= (uint64_t)MIB);
		assert_int_equal(stat(path, &st), 0);
		assert_true(st.st_size <= MIB + MIB / 10);
	}
	free(noise);
	struct spool_batch b = { 0 };
	assert_int_equal(spool_load(s, 0, &b), 1);
	assert_true(b.is_gap);
	assert_int_equal(b.from_ms, 1000);
	assert_int_equal(b.dropped, dropped);
	assert_int_equal(b.to_ms, dropped / 2 * 1000 + 1);
	assert_int_equal(spool_describe(s).messages + dropped, 2 * id);

	/* what is being delivered stays: the next gap is another one, behind it */
	uint64_t gap = b.id;
	assert_int_equal(spool_load(s, gap, &b), 1);
	assert_false(b.is_gap);
	size_t kept = b.messages.count;
	message_list_clear(&b.messages);
	assert_int_equal(spool_delete(s, gap), 0);
	assert_int_equal(spool_tend(s, 2 * HOUR_NS), 0);
	assert_int_equal(spool_describe(s).messages, kept);
	assert_int_equal(spool_load(s, b.id, &b), 1);
	assert_true(b.is_gap);
	spool_close(s);
	assert_int_equal(unlink(path), 0);
}

static void age_is_counted_in_uptime(void **state)
{
	struct spool *s = open_spool(8 * MIB, 0);
	append(s, 1, "a", "1", false, 0);
	append(s, 2, "b", "2", false, 50 * 60 * NS_PER_S);
	assert_int_equal(spool_tend(s, HOUR_NS), 0);
	assert_int_equal(spool_describe(s).dropped, 0);
	assert_int_equal(spool_tend(s, HOUR_NS + 2 * NS_PER_S), 0);
	assert_int_equal(spool_describe(s).dropped, 2);
	assert_string_equal(load(s, 0), "gap 1000..1001 2");
	assert_string_equal(load(s, 1), "b=2 t=x ");
	/* another gap grows out of the first as long as that is not being told */
	assert_int_equal(spool_release(s), 0);
	assert_int_equal(spool_tend(s, 2 * HOUR_NS), 0);
	assert_string_equal(load(s, 0), "gap 1000..2001 4");
	spool_close(s);
	assert_int_equal(unlink(path), 0);
}

static void assert_refused(const char *reason)
{
	struct spool *s = NULL;
	char why[DB_WHY_MAX], aside[PATH_MAX];
	assert_int_equal(spool_open(&s, path, "b", (struct spool_limits){ MIB, HOUR_NS }, 0, why), -EBADMSG);
	assert_non_null(strstr(why, reason));
	assert_int_equal(db_set_aside(path, aside, sizeof(aside)), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(unlink(aside), 0);
}

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void foreign_files_are_refused(void **state)
{
	write_file("this is no database at all, but long enough to be looked at ........................."
		   "......................................................................................"
		   "......................................................................................"
		   "......................................................................................"
		   "......................................................................................"
		   "......................................................................................");
	assert_refused("not a database");

	struct spool *s = open_spool(MIB, 0);
	append(s, 1, "a", "1", false, 0);
	spool_close(s);
	FILE *f = fopen(path, "r+");
	assert_int_equal(fseek(f, 60, SEEK_SET), 0); /* user_version in the header of a SQLite file */
	assert_int_equal(fwrite("\0\0\0\2", 1, 4, f), 4);
	assert_int_equal(fclose(f), 0);
	assert_refused("format 2");

	s = open_spool(MIB, 0);
	spool_close(s);
	f = fopen(path, "r+");
	assert_int_equal(fseek(f, 68, SEEK_SET), 0); /* application_id */
	assert_int_equal(fwrite("abcd", 1, 4, f), 4);
	assert_int_equal(fclose(f), 0);
	assert_refused("another program");
}

/* As it is left when the power goes just after it was made. */
static void a_file_without_tables_is_a_new_one(void **state)
{
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	struct spool *s = open_spool(MIB, 0);
	append(s, 1, "a", "1", false, 0);
	spool_close(s);
	assert_int_equal(unlink(path), 0);
}

/* device/b {"ts":1}, gap {"from":1,…}, device/a (empty), device/b {"ts":2}: packed as layout 1. */
static const uint8_t old_block[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x24, 0x50, 0x65, 0x02, 0x00, 0x24, 0x04, 0x04,
	0x03, 0x64, 0x65, 0x76, 0x69, 0x63, 0x65, 0x2f, 0x61, 0x00, 0x01, 0x02, 0x62, 0x00, 0x02, 0x00, 0x03,
	0x67, 0x61, 0x70, 0x00, 0x01, 0x01, 0x00, 0x7b, 0x22, 0x74, 0x73, 0x22, 0x3a, 0x31, 0x7d, 0x32, 0x7d,
	0x00, 0x7b, 0x22, 0x66, 0x72, 0x6f, 0x6d, 0x22, 0x3a, 0x31, 0x2c, 0x22, 0x74, 0x6f, 0x22, 0x3a, 0x32,
	0x2c, 0x22, 0x64, 0x72, 0x6f, 0x70, 0x70, 0x65, 0x64, 0x22, 0x3a, 0x33, 0x7d, 0x00, 0x02, 0x00, 0x58,
	0x32, 0xe3, 0xac, 0x7c, 0x01, 0xa3, 0x3b, 0x74, 0xa9 };

static void batches_of_earlier_versions_are_delivered(void **state)
{
	static const char expected[] =
	    "b/history/device/b={\"ts\":1} b/gap={\"from\":1,\"to\":2,\"dropped\":3} "
	    "b/history/device/a= b/history/device/b={\"ts\":2} ";
	struct spool *s = open_spool(8 * MIB, 0);
	for (uint64_t id = 1; id <= 96; id++)
		append(s, id, "b/history/x", "1", false, 0);
	spool_close(s);
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	const char *sql = "UPDATE batch SET data = ?1, messages = 4 WHERE id = 1";
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_bind_blob(st, 1, old_block, sizeof(old_block), SQLITE_STATIC), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_DONE);
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);

	s = open_spool(8 * MIB, 0);
	assert_string_equal(load(s, 0), expected);
	/* and packed anew, with others of today */
	assert_int_equal(spool_release(s), 0);
	assert_int_equal(spool_tend(s, 0), 0);
	const char *packed = load(s, 0);
	assert_memory_equal(packed, expected, sizeof(expected) - 1);
	assert_string_equal(load(s, 1), "none");
	spool_close(s);
	assert_int_equal(unlink(path), 0);
}

static void execute(const char *sql)
{
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* What stands before and behind a damaged record comes out, and what it held is told between. */
static void a_damaged_record_is_a_gap_where_it_was(void **state)
{
	struct spool *s = open_spool(8 * MIB, 0);
	for (uint64_t id = 1; id <= 20; id++)
		append(s, id, "a", id == 5 ? "damaged" : "1", false, 0);
	spool_close(s);
	execute("UPDATE batch SET data = x'28b52ffd00' WHERE id = 5");
	s = open_spool(8 * MIB, 0);
	assert_int_equal(spool_tend(s, 0), 0);
	for (uint64_t id = 0; id < 4; id++)
		assert_string_equal(load(s, id), "a=1 t=x ");
	assert_string_equal(load(s, 4), "gap 5000..5001 2");
	assert_int_equal(spool_describe(s).messages, 38);
	/* the twelve behind it are one, the rest waits for more */
	assert_int_equal(strlen(load(s, 5)), 12 * strlen("a=1 t=x "));
	for (uint64_t id = 17; id < 20; id++)
		assert_string_equal(load(s, id), "a=1 t=x ");
	assert_string_equal(load(s, 20), "none");
	spool_close(s);
	assert_int_equal(unlink(path), 0);
}

static int make_folder(void **state)
{
	srandom(1);
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/spool.db", folder);
	return 0;
}

static int remove_folder(void **state)
{
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packs_and_unpacks_in_order),
		cmocka_unit_test(any_bytes_come_back),
		cmocka_unit_test(numbers_come_back_as_they_were),
		cmocka_unit_test(damaged_blocks_are_refused),
		cmocka_unit_test(survives_a_restart),
		cmocka_unit_test(packs_a_minute_of_batches),
		cmocka_unit_test(the_oldest_go_when_it_is_full),
		cmocka_unit_test(age_is_counted_in_uptime),
		cmocka_unit_test(foreign_files_are_refused),
		cmocka_unit_test(a_file_without_tables_is_a_new_one),
		cmocka_unit_test(batches_of_earlier_versions_are_delivered),
		cmocka_unit_test(a_damaged_record_is_a_gap_where_it_was),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
