/* What cannot be delivered comes back as it was, as history, over a restart too. */
#include "unit.h"

#include "daemon/spool/history.h"
#include "drivers/os/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GRACE_NS (10 * NS_PER_S)

static char folder[] = "/tmp/coolantd-history-XXXXXX";
static const char binary[] = "\x08\0\x12\0\0{\"\0";
static sd_event *event;
static struct disk *disk;
static int gate[2]; /* a pipe: while it is empty the disk hangs in wait_at_gate */
static bool hangs;
static struct message *live; /* waits for an acknowledgement */

struct watched {
	struct history *history;
	bool ready;
};

static void on_ready(void *user)
{
	struct watched *w = user;
	w->ready = true;
}

static void on_saving(void *user)
{
	struct watched *w = user;
	if (live)
		history_save(w->history, live, clock_boottime(), 0);
}

static void on_trouble(void *user, const char *text)
{
	if (text[0] && !hangs)
		fail_msg("%s", text);
}

static struct message *make_gap(void *user, int64_t from_ms, int64_t to_ms, uint64_t dropped)
{
	char text[64];
	snprintf(text, sizeof(text), "%d..%d %d", (int)from_ms, (int)to_ms, (int)dropped);
	return message_new("b/gap", NULL, strdup(text), strlen(text), 0, to_ms);
}

static void open_history(struct watched *w)
{
	const struct history_events to = { on_ready, on_saving, on_trouble, make_gap, w };
	const struct spool_limits limits = { INT64_C(8) << 20, 3600 * NS_PER_S };
	*w = (struct watched){ .history = history_new(event, disk, folder, "spool.db", "b", limits, &to) };
	assert_non_null(w->history);
}

static struct message *new_binary(const char *topic, const char *late_topic)
{
	void *payload = malloc(sizeof(binary));
	assert_non_null(payload);
	memcpy(payload, binary, sizeof(binary));
	struct message *m = message_new(topic, late_topic, payload, sizeof(binary), PUBLISH_RETAIN, 1000);
	assert_non_null(m);
	return m;
}

/* The next message that is handed out, when the disk has it. */
static struct message *next(struct watched *w)
{
	int64_t end = clock_boottime() + GRACE_NS;
	struct message *m;
	while (!(m = history_next(w->history))) {
		assert_true(clock_boottime() < end);
		assert_true(sd_event_run(event, 100000) >= 0);
	}
	return m;
}

static void expect_late(struct watched *w, const char *topic)
{
	struct message *m = next(w);
	assert_string_equal(m->topic, topic);
	assert_true(m->is_history);
	assert_int_equal(m->size, sizeof(binary));
	assert_memory_equal(m->payload, binary, sizeof(binary));
	history_delivered(w->history, m);
}

static void expect_late_binary(struct watched *w)
{
	expect_late(w, "b/history/x");
}

static void what_is_kept_comes_back_late(void **state)
{
	struct watched w;
	open_history(&w);
	history_keep(w.history, new_binary("b/x", "b/history/x"));
	history_free(w.history);

	open_history(&w);
	history_online(w.history);
	expect_late_binary(&w);
	history_offline(w.history);
	history_free(w.history);
}

/* A crash before the acknowledgement. */
static void what_was_live_comes_back_late(void **state)
{
	struct watched w;
	live = new_binary("b/x", "b/history/x");
	live->made_ns = clock_boottime() - NS_PER_S;
	open_history(&w);
	int64_t end = clock_boottime() + GRACE_NS;
	while (history_describe(w.history).messages == 0) {
		assert_true(clock_boottime() < end);
		assert_true(sd_event_run(event, 100000) >= 0);
	}
	assert_string_equal(live->topic, "b/x"); /* as it is out at the broker */
	message_free(live);
	live = NULL;
	history_free(w.history);

	open_history(&w);
	history_online(w.history);
	expect_late_binary(&w);
	history_offline(w.history);
	history_free(w.history);
}

/* Such as what only holds for a moment. */
static void what_is_not_worth_it_is_not_kept(void **state)
{
	struct watched w;
	open_history(&w);
	history_lost(w.history, new_binary("b/x", NULL));
	assert_int_equal(history_describe(w.history).messages, 0);
	history_lost(w.history, new_binary("b/x", "b/history/x"));
	assert_int_equal(history_describe(w.history).messages, 1);
	history_free(w.history);
	open_history(&w);
	history_online(w.history);
	expect_late_binary(&w);
	history_free(w.history);
}

static void wait_at_gate(struct disk_job *job)
{
	char byte;
	assert_int_equal(read(gate[0], &byte, 1), 1);
}

static void leave_job(struct disk_job *job)
{
}

/* While it hangs; and not again when it goes on. */
static void what_a_hanging_disk_was_given_goes_out_once(void **state)
{
	static struct disk_job job = { .run = wait_at_gate, .free = leave_job };
	struct watched w;
	assert_int_equal(pipe(gate), 0);
	open_history(&w);
	disk_give(disk, &job);
	hangs = true;
	history_keep(w.history, new_binary("b/x", "b/history/x"));
	history_online(w.history);
	expect_late_binary(&w);
	assert_int_equal(write(gate[1], "", 1), 1);
	history_keep(w.history, new_binary("b/y", "b/history/y"));
	while (history_describe(w.history).trouble[0])
		assert_true(sd_event_run(event, 100000) >= 0);
	expect_late(&w, "b/history/y");
	history_free(w.history);
	hangs = false;
	(void)close(gate[0]);
	(void)close(gate[1]);
}

static int make_folder(void **state)
{
	disk = disk_new();
	return disk && mkdtemp(folder) && sd_event_new(&event) >= 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
	char path[64];
	sd_event_unref(event);
	if (!disk_free(disk, clock_ns(CLOCK_MONOTONIC) + GRACE_NS))
		return -1;
	snprintf(path, sizeof(path), "%s/spool.db", folder);
	return unlink(path) < 0 ? -1 : rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_comes_back_late),
		cmocka_unit_test(what_was_live_comes_back_late),
		cmocka_unit_test(what_is_not_worth_it_is_not_kept),
		cmocka_unit_test(what_a_hanging_disk_was_given_goes_out_once),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
