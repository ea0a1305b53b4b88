/* What the formats for others do by the clock, and what they make of numbers and of messages that they hear.
 */
#include "unit_config.h"

#include "daemon/publish/dsx.h"
#include "daemon/publish/reporter.h"
#include "daemon/publish/sparkplug_device.h"
#include "daemon/publish/sparkplug_state.h"
#include "drivers/os/clock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT                                                                                                 \
	"[daemon]\nsite = dc1\nrack = r07\n[dsx]\nrack_location_id = A3\n[bus:b]\ntype = tcp\n"              \
	"host = 127.0.0.1\n[device:d]\nbus = b\nunit = 1\n[point:d.flow]\nregister = holding:0\n"            \
	"unit = L/min\n"
#define BEAT "BMS/v1/PUB/Value/System/HeartbeatTimestampBms/dc1/r07/heartbeat"

static char path[] = "/tmp/coolantd-listeners-XXXXXX";

/* How many messages there were since it was looked at, and the topic of the last. */
static struct {
	unsigned count;
	char topic[256];
} sent;

static void take(void *user, struct message *m)
{
	sent.count++;
	snprintf(sent.topic, sizeof(sent.topic), "%s", m->topic);
	message_free(m);
}

static void ignore_message(void *user, struct message *m)
{
	message_free(m);
}

static void expect(unsigned count, const char *topic)
{
	assert_int_equal(sent.count, count);
	if (count > 0)
		assert_string_equal(sent.topic, topic);
	sent.count = 0;
}

static void the_dsx_bus_gets_metadata_and_a_heartbeat_again_and_again(void **state)
{
	struct config *c = load_config(path, TEXT);
	struct live *l = live_new(c, clock_boottime());
	const struct output to = { .live = l, .sink = { take, NULL } };
	void *dsx = dsx_format.open(&to);
	assert_non_null(dsx);
	dsx_format.begin(dsx, 0);
	int64_t now = clock_boottime();
	expect(3, BEAT); /* behind the metadata of the heartbeat and of the point */
	dsx_format.tick(dsx, now + 9 * NS_PER_S);
	expect(0, NULL);
	dsx_format.tick(dsx, now + 10 * NS_PER_S);
	expect(1, BEAT);
	dsx_format.tick(dsx, now + 11 * NS_PER_S);
	expect(0, NULL);
	dsx_format.tick(dsx, now + 100 * NS_PER_S);
	expect(3, BEAT);
	dsx_format.close(dsx);
	live_free(l);
	config_unref(c);
}

#define VALUE "BMS/v1/PUB/Value/GenericObject/LiquidFlow/dc1/r07/d/flow"

static void the_dsx_bus_gets_each_value_again_also_of_a_silent_device(void **state)
{
	struct config *c = load_config(path, TEXT);
	struct live *l = live_new(c, clock_boottime());
	const struct output_sink ignore = { ignore_message, NULL };
	const struct output_sink sinks[OUTPUT_CONNECTIONS] = { ignore,
		ignore, [OUTPUT_DSX] = { take, NULL } };
	struct reporter *r = reporter_new(l, sinks, 0);
	struct batch *b = batch_new(c, 0, 1);
	int64_t now = clock_boottime();
	b->samples[b->count++] =
	    (struct sample){ .value = { .kind = VALUE_NUMBER, .number = 5 }, .time_ns = now };
	reporter_device(r, live_feed(l, b), now);
	batch_free(b);
	expect(1, VALUE);
	reporter_everything(r, OUTPUT_DSX, 0, now);
	expect(4, VALUE);
	reporter_tick(r, now + 9 * NS_PER_S);
	expect(0, NULL);
	reporter_tick(r, now + 101 * NS_PER_S);
	assert_int_equal(sent.count, 4); /* with metadata and heartbeat behind it */
	reporter_free(r);
	live_free(l);
	config_unref(c);
}

static void expect_seq(uint8_t seq, size_t size, const char *bytes)
{
	uint8_t to[SPARKPLUG_SEQ_MAX];
	assert_int_equal(sparkplug_put_seq(seq, to), size);
	assert_memory_equal(to, bytes, size);
}

static void a_sequence_number_is_a_field_of_its_own(void **state)
{
	expect_seq(0, 2, "\x18\x00");
	expect_seq(127, 2, "\x18\x7f");
	expect_seq(128, 3, "\x18\x80\x01");
	expect_seq(255, 3, "\x18\xff\x01");
}

static void expect_converted(enum sparkplug_type type, struct value v, struct value expected)
{
	struct value is = sparkplug_value(type, &v);
	assert_true(value_equal(&is, &expected));
}

static void a_value_has_the_type_that_its_metric_was_born_with(void **state)
{
	const struct value none = { .kind = VALUE_NONE }, half = { .kind = VALUE_NUMBER, .number = 0.5 },
			   two = { .kind = VALUE_INTEGER, .integer = 2 },
			   minus = { .kind = VALUE_INTEGER, .integer = -2 },
			   large = { .kind = VALUE_UNSIGNED, .unsigned_integer = UINT64_MAX };
	expect_converted(SPARKPLUG_INT64, half, none);
	expect_converted(SPARKPLUG_INT64, (struct value){ .kind = VALUE_NUMBER, .number = 2 }, two);
	expect_converted(SPARKPLUG_INT64, large, none);
	expect_converted(SPARKPLUG_UINT64, large, large);
	expect_converted(SPARKPLUG_UINT64, minus, none);
	expect_converted(SPARKPLUG_DOUBLE, minus, (struct value){ .kind = VALUE_NUMBER, .number = -2 });
	expect_converted(SPARKPLUG_BOOLEAN, two, (struct value){ .kind = VALUE_BOOL, .truth = true });
	expect_converted(SPARKPLUG_STRING, two, none);
}

static void an_alias_is_made_of_the_names_alone(void **state)
{
	assert_int_equal(sparkplug_alias("cdu1", "flow"), sparkplug_alias("cdu1", "flow"));
	assert_int_not_equal(sparkplug_alias("cdu1", "flow"), sparkplug_alias("cdu", "1flow"));
	assert_true(sparkplug_alias("cdu1", "flow") < UINT64_C(1) << 48);
}

static void expect_wish(struct sparkplug_state *s, uint64_t connect, const char *text, enum output_wish wish)
{
	assert_int_equal(sparkplug_state_hear(s, connect, text, strlen(text)), wish);
}

static void only_the_newest_word_of_the_primary_host_counts(void **state)
{
	struct sparkplug_state s = { 0 };
	expect_wish(&s, 0, "{\"online\":true,\"timestamp\":10}", OUTPUT_WISH_BEGIN);
	expect_wish(&s, 0, "{\"online\":false,\"timestamp\":9}", OUTPUT_WISH_NONE);
	expect_wish(&s, 0, "{\"online\":false,\"timestamp\":10}", OUTPUT_WISH_LEAVE);
	expect_wish(&s, 0, "{\"online\":true,\"timestamp\":9}", OUTPUT_WISH_NONE);
	expect_wish(&s, 1, "{\"online\":true,\"timestamp\":9}", OUTPUT_WISH_BEGIN);
	const char *const none[] = { "", "ONLINE", "{}", "[]", "{\"online\":true}", "{\"timestamp\":99}",
		"{\"online\":\"true\",\"timestamp\":99}", "{\"online\":true,\"timestamp\":\"99\"}",
		"{\"online\":true,\"timestamp\":99", "{\"online\":true,\"online\":false,\"timestamp\":99}" };
	for (size_t i = 0; i < COUNT(none); i++)
		expect_wish(&s, 1, none[i], OUTPUT_WISH_NONE);
}

static void what_is_no_payload_commands_nothing(void **state)
{
	const struct sparkplug_metric m = { .name = "Node Control/Rebirth",
		.type = SPARKPLUG_BOOLEAN,
		.value = { .kind = VALUE_BOOL, .truth = true } };
	size_t size;
	char *good = sparkplug_pack(&m, 1, SPARKPLUG_BIRTH, 1, &size);
	assert_non_null(good);
	assert_true(sparkplug_commands(m.name, good, size));
	assert_false(sparkplug_commands("Node Control/Reboot", good, size));
	for (size_t n = 0; n < size; n++)
		assert_false(sparkplug_commands(m.name, good, n));
	memset(good, 0xff, size);
	assert_false(sparkplug_commands(m.name, good, size));
	free(good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_dsx_bus_gets_metadata_and_a_heartbeat_again_and_again),
		cmocka_unit_test(the_dsx_bus_gets_each_value_again_also_of_a_silent_device),
		cmocka_unit_test(a_sequence_number_is_a_field_of_its_own),
		cmocka_unit_test(a_value_has_the_type_that_its_metric_was_born_with),
		cmocka_unit_test(an_alias_is_made_of_the_names_alone),
		cmocka_unit_test(only_the_newest_word_of_the_primary_host_counts),
		cmocka_unit_test(what_is_no_payload_commands_nothing),
	};
	int fd = mkstemp(path);
	if (fd < 0)
		return 1;
	close(fd);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
