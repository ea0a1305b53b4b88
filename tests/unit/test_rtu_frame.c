/* What comes over a line, byte by byte, and the frames that are found in it. "R" is the reply, "Q" the echo
 * of the request, "x" a refusal, "o" another unit's reply, digits are bytes of noise. */
#include "unit.h"

#include "drivers/modbus/rtu_frame.h"

#include <stdio.h>
#include <string.h>

static const struct modbus_request request = { 5, POINT_HOLDING, 100, 2 };

static size_t put(uint8_t *to, const uint8_t *body, size_t n)
{
	uint16_t crc = rtu_crc(body, n);
	memcpy(to, body, n);
	to[n] = (uint8_t)crc;
	to[n + 1] = (uint8_t)(crc >> 8);
	return n + 2;
}

static size_t put_part(uint8_t *to, char part)
{
	switch (part) {
	case 'R':
		return put(to, (const uint8_t[]){ 5, 3, 4, 1, 2, 3, 4 }, 7);
	case 'x':
		return put(to, (const uint8_t[]){ 5, 0x83, 2 }, 3);
	case 'o':
		return put(to, (const uint8_t[]){ 6, 3, 4, 9, 9, 9, 9 }, 7);
	case 'Q':
		rtu_request(&request, to);
		return RTU_REQUEST_LENGTH;
	default:
		*to = (uint8_t)(part - '0');
		return 1;
	}
}

/* What is found, one after the other: "5:9" = at byte 5 a frame of 9, "echo", "wait", "damaged". */
static const char *find_all(const uint8_t *data, size_t n, const struct rtu_search *s)
{
	static char text[256];
	size_t at = 0, used = 0;
	text[0] = '\0';
	for (;;) {
		struct rtu_found f = rtu_find(data + at, n - at, s);
		if (f.kind == RTU_NONE) {
			snprintf(text + used, sizeof(text) - used, "%s%s", f.waiting ? "wait" : "",
			    f.damaged ? "damaged" : "");
			return text;
		}
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%zu:%zu ",
		    f.kind == RTU_REQUEST_ECHOED ? "echo " : "", at + f.start, f.length);
		at += f.start + f.length;
	}
}

static const char *find(const char *parts, struct rtu_search s)
{
	uint8_t data[512];
	size_t n = 0;
	for (; *parts; parts++)
		n += put_part(data + n, *parts);
	s.request = &request;
	return find_all(data, n, &s);
}

static void a_frame_is_found_behind_noise(void **state)
{
	const struct rtu_search s = { .echo = RTU_ECHO_UNKNOWN };
	assert_string_equal(find("R", s), "0:9 ");
	assert_string_equal(find("0R", s), "1:9 ");
	assert_string_equal(find("5R", s), "1:9 ");  /* like the unit */
	assert_string_equal(find("53R", s), "2:9 "); /* and the function */
	assert_string_equal(find("R0", s), "0:9 ");
	assert_string_equal(find("oR", s), "0:9 9:9 ");
	assert_string_equal(find("xR", s), "0:5 5:9 ");
	assert_string_equal(find("534R", s), "3:9 ");
	assert_string_equal(find("12321", s), "");
	/* like the whole header: only silence tells that it is not */
	assert_string_equal(find("534x", s), "wait");
	assert_string_equal(find("534x", (struct rtu_search){ .settled = true }), "3:5 ");
}

static void an_echo_is_found(void **state)
{
	const struct rtu_search s = { .echo = RTU_ECHO_UNKNOWN };
	assert_string_equal(find("QR", s), "echo 0:8 8:9 ");
	assert_string_equal(find("0QR", s), "echo 1:8 9:9 ");
	assert_string_equal(find("Q7R", s), "echo 0:8 9:9 ");
	assert_string_equal(find("Qx", s), "echo 0:8 8:5 ");
	assert_string_equal(find("Q", s), "echo 0:8 ");
}

static void what_is_not_whole_is_waited_for(void **state)
{
	uint8_t data[16];
	const struct rtu_search s = { .request = &request },
				settled = { .request = &request, .settled = true };
	size_t n = put_part(data, 'R');
	for (size_t part = 3; part < n; part++) {
		assert_string_equal(find_all(data, part, &s), "wait");
		assert_string_equal(find_all(data, part, &settled), "");
	}
	data[4] ^= 1;
	assert_string_equal(find_all(data, n, &s), "damaged");
}

/* A request for 24 coils from 0x300 on has the bytes of a reply with three of coils; one for holding register
 * 688 of unit 4 begins with those of a reply with one register. */
static void an_echo_may_look_like_a_reply(void **state)
{
	static const struct modbus_request coils = { 3, POINT_COIL, 0x300, 24 },
					   one = { 4, POINT_HOLDING, 688, 1 };
	uint8_t data[16];
	rtu_request(&coils, data);
	struct rtu_search s = { .request = &coils };
	struct rtu_found f = rtu_find(data, 8, &s);
	assert_true(f.kind == RTU_REQUEST_ECHOED && !f.is_sure);
	s.echo = RTU_ECHOES_NOT;
	assert_true(rtu_find(data, 8, &s).kind == RTU_FRAME);

	rtu_request(&one, data);
	s = (struct rtu_search){ .request = &one };
	assert_true(rtu_find(data, 7, &s).waiting);
	assert_true(rtu_find(data, 8, &s).kind == RTU_REQUEST_ECHOED);
	s.settled = true;
	assert_true(rtu_find(data, 7, &s).kind == RTU_FRAME); /* no eighth byte: no echo */
	s.echo = RTU_ECHOES;
	assert_true(rtu_find(data, 7, &s).kind == RTU_NONE); /* a damaged one */
	s = (struct rtu_search){ .request = &one, .echo = RTU_ECHOES_NOT };
	assert_true(rtu_find(data, 7, &s).kind == RTU_FRAME);
}

static void between_requests_frames_are_found_too(void **state)
{
	uint8_t data[32];
	const struct rtu_search s = { 0 };
	size_t n = put_part(data, '7');
	n += put_part(data + n, 'R');
	n += put_part(data + n, 'x');
	assert_string_equal(find_all(data, n, &s), "1:9 10:5 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_is_found_behind_noise),
		cmocka_unit_test(an_echo_is_found),
		cmocka_unit_test(what_is_not_whole_is_waited_for),
		cmocka_unit_test(an_echo_may_look_like_a_reply),
		cmocka_unit_test(between_requests_frames_are_found_too),
	};
	return cmocka_run_group_tests_name("rtu_frame", tests, NULL, NULL);
}
