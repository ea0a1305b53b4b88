/* A bus and a register as an operator writes them, and what is said where they are written otherwise. */
#include "unit.h"

#include "daemon/ctl/bus_url.h"

#include <stdio.h>
#include <string.h>

static void keep(bool is_error, const char *text, void *user)
{
	char *all = user;
	snprintf(all + strlen(all), 1024 - strlen(all), "%s\n", text);
}

static const struct bus_config *parse(struct arena *a, const char *url, char said[static 1024])
{
	struct diag *d = diag_new();
	const struct bus_config *bus = bus_url_parse(url, a, d);
	said[0] = '\0';
	diag_each(d, keep, said);
	diag_free(d);
	return bus;
}

static void each_kind_of_bus(void **state)
{
	char said[1024];
	struct arena *a = arena_new();
	const struct bus_config *b = parse(a, "tcp://192.0.2.10", said);
	assert_non_null(b);
	assert_int_equal(b->type, BUS_TCP);
	assert_string_equal(b->host, "192.0.2.10");
	assert_int_equal(b->tcp_port, 502);
	b = parse(a, "tcp://[fd00::1]:1502?response_timeout=2s", said);
	assert_non_null(b);
	assert_string_equal(b->host, "fd00::1");
	assert_int_equal(b->tcp_port, 1502);
	assert_true(b->response_timeout == INT64_C(2000000000));
	b = parse(a, "tcp://gateway.row-7.example/", said);
	assert_non_null(b);
	assert_string_equal(b->host, "gateway.row-7.example");
	b = parse(a, "rtutcp://gateway:4001?baud=9600&parity=none", said);
	assert_non_null(b);
	assert_int_equal(b->type, BUS_RTUTCP);
	assert_int_equal(b->tcp_port, 4001);
	assert_string_equal(bus_url_section(b, a),
	    "type = rtutcp\nhost = gateway\ntcp_port = 4001\nbaud = 9600\nparity = none\nstop_bits = 1\n");
	b = parse(a, "rtu:///dev/ttyUSB0?baud=9600&parity=odd&stop_bits=2", said);
	assert_non_null(b);
	assert_int_equal(b->type, BUS_RTU);
	assert_string_equal(b->port, "/dev/ttyUSB0");
	assert_int_equal(b->baud, 9600);
	assert_int_equal(b->parity, PARITY_ODD);
	assert_int_equal(b->stop_bits, 2);
	b = parse(a, "tcp://gateway?response_timeout=2s&transaction_id=ignore", said);
	assert_string_equal(bus_url_section(b, a),
	    "type = tcp\nhost = gateway\ntcp_port = 502\nresponse_timeout = 2s\ntransaction_id = ignore\n");
	b = parse(a, "rtu:///dev/ttyUSB0", said);
	assert_int_equal(b->baud, 19200);
	assert_int_equal(b->parity, PARITY_EVEN);
	arena_free(a);
}

static void what_is_no_bus_is_said(void **state)
{
	static const struct {
		const char *url, *said;
	} cases[] = {
		{ "192.0.2.10", "a host is written tcp://192.0.2.10" },
		{ "192.0.2.10:502", "a host is written tcp://192.0.2.10:502" },
		{ "/dev/ttyUSB0", "a serial port is written rtu:///dev/ttyUSB0" },
		{ "udp://192.0.2.10", "no such kind of bus" },
		{ "rtu://dev/ttyUSB0", "third slash" },
		{ "rtu:///dev/ttyUSB0?baud=19201", "baud: '19201'" },
		{ "rtu:///dev/ttyUSB0?bauds=9600", "did you mean 'baud'" },
		{ "rtu:///dev/ttyUSB0?baud", "KEY=VALUE" },
		{ "rtu:///dev/ttyUSB0?baud=9600&baud=9600", "twice" },
		{ "rtu:///dev/ttyUSB0?port=/dev/ttyS0", "before the question mark" },
		{ "rtutcp://gateway", "no port" },
		{ "tcp://gateway:99999", "tcp_port: '99999'" },
		{ "tcp://fd00::1", "in brackets" },
		{ "tcp://[fd00::1", "not closed" },
		{ "tcp://gateway:", "no port" },
		{ "tcp://", "no host" },
		{ "tcp://gateway?baud=9600", "has no meaning for type = tcp" },
	};
	char said[1024];
	struct arena *a = arena_new();
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_null(parse(a, cases[i].url, said));
		if (!strstr(said, cases[i].said))
			fail_msg("%s: %s", cases[i].url, said);
		assert_int_equal(strncmp(said, cases[i].url, strlen(cases[i].url)), 0);
	}
	assert_false(bus_url_is("cdu-1"));
	assert_true(bus_url_is("tcp://x"));
	arena_free(a);
}

static void a_register_is_counted_from_zero(void **state)
{
	static const struct {
		const char *text;
		enum register_table table;
		unsigned address;
	} cases[] = {
		{ "holding:0", POINT_HOLDING, 0 },
		{ "input:0x10", POINT_INPUT, 16 },
		{ "coil:65535", POINT_COIL, 65535 },
		{ "discrete:0xFFFF", POINT_DISCRETE, 65535 },
		{ "holding:40000", POINT_HOLDING, 40000 }, /* no manual counts so: the first is 40001 */
		{ "holding:0x9c41", POINT_HOLDING, 40001 },
		{ "holding:30001", POINT_HOLDING, 30001 },
		{ "holding:00012", POINT_HOLDING, 12 },
	};
	char why[REGISTER_WHY_MAX];
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct point_register r;
		assert_int_equal(register_parse(cases[i].text, &r, why), 0);
		assert_int_equal(r.table, cases[i].table);
		assert_int_equal(r.address, cases[i].address);
	}
}

static void a_manuals_number_is_told_from_an_address(void **state)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
		{ "holding:40001", "write holding:0 " },
		{ "40101", "write holding:100 " },
		{ "400101", "write holding:100 " },
		{ "input:30011", "write input:10 " },
		{ "30011", "write input:10 " },
		{ "discrete:10006", "write discrete:5 " },
		{ "coil:00001", "write coil:0 " },
		{ "holding:465536", "write holding:65535 " },
		{ "holding:40101", "itself, write 0x9ca5" },
		{ "holding", "allowed: TYPE:ADDR" },
		{ "holding:", "allowed: TYPE:ADDR" },
		{ "holding:-1", "allowed: TYPE:ADDR" },
		{ "holding:65536", "allowed: TYPE:ADDR" },
		{ "register:1", "allowed: TYPE:ADDR" },
		{ "100", "allowed: TYPE:ADDR" },
	};
	char why[REGISTER_WHY_MAX];
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct point_register r;
		assert_true(register_parse(cases[i].text, &r, why) < 0);
		if (!strstr(why, cases[i].said))
			fail_msg("%s: %s", cases[i].text, why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_bus),
		cmocka_unit_test(what_is_no_bus_is_said),
		cmocka_unit_test(a_register_is_counted_from_zero),
		cmocka_unit_test(a_manuals_number_is_told_from_an_address),
	};
	return cmocka_run_group_tests_name("bus_url", tests, NULL, NULL);
}
