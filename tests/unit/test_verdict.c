/* What answers, refusals and silences say about a device's blocks, and for how long. */
#include "unit.h"

#include "drivers/modbus/refusals.h"
#include "drivers/modbus/verdict.h"
#include "drivers/os/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* One device of two blocks: holding 0..3 and input 0. */
struct bench {
	struct config *config;
	struct device device;
	struct modbus_link link; /* it owes nothing */
	struct modbus_reply reply;
	unsigned in_vain; /* questions that were not answered */
};

static void begin(struct bench *b)
{
	char path[] = "/tmp/coolantd-verdict-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_true(dprintf(fd, "[daemon]\nsite = a\nrack = b\nstate_dir = /tmp\nhttp_socket = /tmp/none\n"
				"[mqtt]\nbroker = mqtt://localhost\n[bus:b]\ntype = tcp\nhost = 127.0.0.1\n"
				"[device:d]\nbus = b\nunit = 1\n") > 0);
	for (int i = 0; i < 4; i++)
		assert_true(dprintf(fd, "[point:d.p%d]\nregister = holding:%d\n", i, i) > 0);
	assert_true(dprintf(fd, "[point:d.i]\nregister = input:0\n") > 0);
	close(fd);
	struct diag *diag = diag_new();
	*b = (struct bench){ .config = config_load(path, diag) };
	unlink(path);
	diag_free(diag);
	assert_non_null(b->config);
	assert_int_equal(device_init(&b->device, b->config, 0), 0);
	assert_int_equal(b->device.plan.block_count, 2);
}

static void end(struct bench *b)
{
	device_deinit(&b->device);
	config_unref(b->config);
}

/* Asks all that a cycle has, of a device whose holding registers from `hole` on are said to be as `result`
 * says, while all else is read. */
static void go_on(struct bench *b, unsigned hole, enum exchange_result result, int exception)
{
	struct device_question q;
	uint64_t missed;
	while (device_ask(&b->device, b->config, &b->link, &q)) {
		const struct modbus_request *r = &q.request;
		bool fails = r->table == POINT_HOLDING && (unsigned)r->address + r->count > hole;
		b->in_vain += fails && result != EXCHANGE_EXCEPTION && result != EXCHANGE_OK;
		b->reply.exception = exception;
		b->reply.received_ns = clock_boottime();
		verdict_take(
		    &b->device, &q, fails ? result : EXCHANGE_OK, &b->reply, &b->link, b->reply.received_ns);
		if (b->device.standing == STANDING_SILENT)
			break;
	}
	refusals_tell(&b->device);
	batch_free(device_end_cycle(&b->device, &missed));
}

/* A cycle, and a search if there is one to be made. */
static void cycle(struct bench *b, unsigned hole, enum exchange_result result, int exception)
{
	device_set_due(&b->device, clock_boottime());
	go_on(b, hole, result, exception);
	if (device_search_due(&b->device) > clock_boottime())
		return;
	assert_true(device_begin_search(&b->device, b->config));
	go_on(b, hole, result, exception);
}

/* A cycle in which everything is refused. */
static void refuse_all(struct bench *b, int exception)
{
	struct device_question q;
	uint64_t missed;
	device_set_due(&b->device, clock_boottime());
	for (int asked = 0; device_ask(&b->device, b->config, &b->link, &q); asked++) {
		assert_true(asked < 3); /* two blocks and one look */
		b->reply.exception = exception;
		verdict_take(&b->device, &q, EXCHANGE_EXCEPTION, &b->reply, &b->link, clock_boottime());
	}
	refusals_tell(&b->device);
	batch_free(device_end_cycle(&b->device, &missed));
}

static void a_refusal_is_a_finding_with_an_end(void **state)
{
	struct bench b;
	begin(&b);
	cycle(&b, 3, EXCHANGE_EXCEPTION, 2);
	assert_int_equal(b.device.plan.block_count, 5); /* 0+1, 1+1, 2+1, 3+1 and the input */
	assert_true(b.device.findings_end_ns > clock_boottime());
	int64_t span = b.device.findings_span_ns;
	b.device.findings_end_ns = clock_boottime();
	cycle(&b, 4, EXCHANGE_OK, 0); /* by now it has the register */
	assert_int_equal(b.device.plan.block_count, 2);
	assert_true(b.device.findings_end_ns == 0);
	cycle(&b, 3, EXCHANGE_EXCEPTION, 3);
	assert_int_equal(b.device.plan.block_count, 5);
	assert_true(b.device.findings_span_ns == 2 * span);
	end(&b);
}

static void a_device_that_refuses_everything_has_no_holes(void **state)
{
	struct bench b;
	begin(&b);
	for (int code = 1; code < 5; code++)
		refuse_all(&b, code);
	assert_int_equal(b.device.plan.block_count, 2);
	assert_true(b.device.findings_end_ns == 0);
	end(&b);
}

static void what_is_refused_is_said_once(void **state)
{
	struct bench b;
	begin(&b);
	for (int i = 0; i < 2; i++) {
		cycle(&b, 0, EXCHANGE_EXCEPTION, 2); /* the input is read */
		assert_false(b.device.refusals.all);
	}
	assert_int_equal(b.device.refusals.count, 0); /* not sure yet */
	cycle(&b, 0, EXCHANGE_EXCEPTION, 2);
	assert_int_equal(b.device.refusals.count, 4);
	assert_false(b.device.refusals.more_told);
	b.device.refusals = (struct refusals){ .points = { 90, 91, 92, 93, 94, 95, 96 }, .count = 7 };
	cycle(&b, 0, EXCHANGE_EXCEPTION, 2);
	assert_int_equal(b.device.refusals.count, REFUSALS_TOLD_MAX);
	assert_true(b.device.refusals.more_told);
	end(&b);
}

static void that_everything_is_refused_is_said_once(void **state)
{
	struct bench b;
	begin(&b);
	for (int i = 0; i < 3; i++) {
		refuse_all(&b, 2);
		assert_true(b.device.refusals.all);
	}
	cycle(&b, 4, EXCHANGE_OK, 0);
	assert_false(b.device.refusals.all);
	assert_int_equal(b.device.refusals.count, 0);
	assert_string_equal(modbus_exception_word(2), "illegal data address");
	assert_string_equal(modbus_exception_word(7), "not of the standard");
	assert_string_equal(modbus_exception_word(200), "not of the standard");
	end(&b);
}

static void what_is_never_answered_is_cut_out(void **state)
{
	struct bench b;
	begin(&b);
	for (int i = 0; i < 12; i++)
		cycle(&b, 3, EXCHANGE_TIMEOUT, 0);
	assert_int_equal(b.device.plan.block_count, 5);
	const struct poll_block *mute = &b.device.plan.blocks[4];
	assert_int_equal(mute->address, 3);
	assert_true(mute->trial.wait_ns > 0);
	assert_int_equal(b.device.standing, STANDING_PROVEN);
	int64_t wait = mute->trial.wait_ns;
	b.device.plan.blocks[4].trial.failed_ns -= wait; /* it is time to try it again */
	cycle(&b, 3, EXCHANGE_TIMEOUT, 0);
	assert_true(mute->trial.wait_ns == 2 * wait);
	b.device.plan.blocks[4].trial.failed_ns -= 2 * wait;
	cycle(&b, 4, EXCHANGE_OK, 0);
	assert_true(mute->trial.wait_ns == 0);
	end(&b);
}

/* A cycle asks only what is answered; the search asks for one thing in vain, then the bus goes on. */
static void a_search_costs_one_time_out_at_a_time(void **state)
{
	struct bench b;
	begin(&b);
	cycle(&b, 3, EXCHANGE_OK, 0);
	for (int i = 0; i < 2; i++) { /* it fails, and is convicted */
		device_set_due(&b.device, clock_boottime());
		go_on(&b, 3, EXCHANGE_TIMEOUT, 0);
	}
	assert_int_equal(b.device.plan.block_count, 3); /* two halves, and the input */
	for (int i = 0; i < 12; i++) {
		unsigned before = b.in_vain;
		device_set_due(&b.device, clock_boottime());
		go_on(&b, 3, EXCHANGE_TIMEOUT, 0);
		assert_int_equal(b.in_vain, before);
		if (device_search_due(&b.device) > clock_boottime())
			continue;
		assert_true(device_begin_search(&b.device, b.config));
		go_on(&b, 3, EXCHANGE_TIMEOUT, 0);
		assert_true(b.in_vain <= before + 1);
	}
	assert_int_equal(b.device.standing, STANDING_PROVEN);
	assert_true(b.device.plan.blocks[4].trial.wait_ns > 0);
	assert_true(device_search_due(&b.device) > clock_boottime());
	end(&b);
}

static void a_gateways_word_for_a_unit_is_its_silence(void **state)
{
	struct bench b;
	struct device_question q;
	uint64_t missed;
	begin(&b);
	device_set_due(&b.device, clock_boottime());
	assert_true(device_ask(&b.device, b.config, &b.link, &q));
	b.reply.exception = EXCEPTION_GATEWAY_TARGET;
	verdict_take(&b.device, &q, EXCHANGE_EXCEPTION, &b.reply, &b.link, clock_boottime());
	assert_int_equal(b.device.standing, STANDING_SILENT);
	assert_true(b.device.backoff_ns == NS_PER_S);
	batch_free(device_end_cycle(&b.device, &missed));
	end(&b);
}

static void what_is_said_of_one_block_alone_is_a_finding(void **state)
{
	static const int exceptions[] = { EXCEPTION_ACKNOWLEDGE, EXCEPTION_BUSY, EXCEPTION_GATEWAY_PATH,
		EXCEPTION_GATEWAY_TARGET };
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++) {
		struct bench b;
		begin(&b);
		for (int n = 0; n < 6; n++)
			cycle(&b, 3, EXCHANGE_EXCEPTION, exceptions[i]);
		assert_int_equal(b.device.standing, STANDING_PROVEN);
		assert_true(b.device.plan.block_count > 2);
		end(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_is_a_finding_with_an_end),
		cmocka_unit_test(a_device_that_refuses_everything_has_no_holes),
		cmocka_unit_test(what_is_refused_is_said_once),
		cmocka_unit_test(that_everything_is_refused_is_said_once),
		cmocka_unit_test(what_is_never_answered_is_cut_out),
		cmocka_unit_test(a_search_costs_one_time_out_at_a_time),
		cmocka_unit_test(a_gateways_word_for_a_unit_is_its_silence),
		cmocka_unit_test(what_is_said_of_one_block_alone_is_a_finding),
	};
	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
