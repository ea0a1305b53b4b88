/* Every type in every order, sentinels, bits, enums, strings; and encoding then decoding gives the value
 * back. */
#include "unit.h"

#include "drivers/modbus/decoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POINT(...)                                                                                           \
	(struct point)                                                                                       \
	{                                                                                                    \
		.reg = { POINT_HOLDING, 0 }, .scale = 1, .bit = { -1, -1 }, .bits = { -1, -1 }, .min = NAN,  \
		.max = NAN, .unit = "", .description = "", .name = "p", .length = 8, __VA_ARGS__             \
	}

static struct sample decode(const struct point *p, const uint16_t *registers)
{
	struct sample s = { 0 };
	decoder_decode(p, registers, p->reg.address, &s);
	return s;
}

static double decode_number(const struct point *p, const uint16_t *registers)
{
	struct sample s = decode(p, registers);
	assert_int_equal(s.quality, QUALITY_GOOD);
	return value_number(&s.value);
}

struct order_case {
	int word, byte;
	uint16_t registers[4];
};

static void orders_of_32_bits(void **state)
{
	/* 0x41A40000 = 20.5f = 1101266944; ABCD CDAB BADC DCBA */
	static const struct order_case cases[] = {
		{ POINT_BIG, POINT_BIG, { 0x41a4, 0x0000 } },
		{ POINT_LITTLE, POINT_BIG, { 0x0000, 0x41a4 } },
		{ POINT_BIG, POINT_LITTLE, { 0xa441, 0x0000 } },
		{ POINT_LITTLE, POINT_LITTLE, { 0x0000, 0xa441 } },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct point f =
		    POINT(.type = POINT_F32, .word_order = cases[i].word, .byte_order = cases[i].byte);
		struct point u = f;
		u.type = POINT_U32;
		assert_true(decode_number(&f, cases[i].registers) == 20.5);
		assert_true(decode_number(&u, cases[i].registers) == 1101266944);
	}
}

static void orders_of_64_bits(void **state)
{
	/* 0x0102030405060708 */
	static const struct order_case cases[] = {
		{ POINT_BIG, POINT_BIG, { 0x0102, 0x0304, 0x0506, 0x0708 } },
		{ POINT_LITTLE, POINT_BIG, { 0x0708, 0x0506, 0x0304, 0x0102 } },
		{ POINT_BIG, POINT_LITTLE, { 0x0201, 0x0403, 0x0605, 0x0807 } },
		{ POINT_LITTLE, POINT_LITTLE, { 0x0807, 0x0605, 0x0403, 0x0201 } },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct point p =
		    POINT(.type = POINT_U64, .word_order = cases[i].word, .byte_order = cases[i].byte);
		struct sample s = decode(&p, cases[i].registers);
		assert_int_equal(s.value.kind, VALUE_UNSIGNED);
		assert_true(s.value.unsigned_integer == UINT64_C(0x0102030405060708));
	}
}

static void signs_and_limits(void **state)
{
	static const struct {
		enum point_type type;
		uint16_t registers[4];
		double value;
	} cases[] = {
		{ POINT_U16, { 0xffff }, 65535 },
		{ POINT_I16, { 0xffff }, -1 },
		{ POINT_I16, { 0x8000 }, -32768 },
		{ POINT_U32, { 0xffff, 0xffff }, 4294967295.0 },
		{ POINT_I32, { 0x8000, 0 }, -2147483648.0 },
		{ POINT_I64, { 0xffff, 0xffff, 0xffff, 0xfffe }, -2 },
		{ POINT_F64, { 0xc000, 0, 0, 0 }, -2 },
		{ POINT_U48, { 0xffff, 0xffff, 0xffff }, 281474976710655.0 },
		{ POINT_I48, { 0x8000, 0, 0 }, -140737488355328.0 },
		{ POINT_F16, { 0x3555 }, 0.333251953125 },
		{ POINT_F16, { 0xfbff }, -65504 },
		{ POINT_F16, { 0x03ff }, 0x1.ff8p-15 }, /* the largest subnormal */
		{ POINT_SM16, { 0x8005 }, -5 },
		{ POINT_SM32, { 0xffff, 0xffff }, -2147483647.0 },
		{ POINT_BCD, { 0x9999, 0x9999, 0x9999, 0x9999 }, 9999999999999999.0 },
		{ POINT_MOD10K, { 12, 3456, 7890, 1 }, 12345678900001.0 },
		{ POINT_BOOL, { 2 }, 1 },
		{ POINT_BOOL, { 0 }, 0 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct point p = POINT(.type = cases[i].type, .length = 4);
		assert_true(decode_number(&p, cases[i].registers) == cases[i].value);
	}
	struct point p = POINT(.type = POINT_U64);
	struct sample s = decode(&p, (const uint16_t[]){ 0xffff, 0xffff, 0xffff, 0xffff });
	assert_true(s.value.unsigned_integer == UINT64_MAX);
}

static void little_byte_order_swaps_16_bits_too(void **state)
{
	struct point p = POINT(.type = POINT_I16, .byte_order = POINT_LITTLE);
	assert_true(decode_number(&p, (const uint16_t[]){ 0x0180 }) == -32767);
}

static void what_is_no_number_is_bad(void **state)
{
	static const struct {
		enum point_type type;
		uint16_t registers[2];
	} cases[] = {
		{ POINT_BCD, { 0x1234, 0x567a } },
		{ POINT_MOD10K, { 10000, 0 } },
		{ POINT_F16, { 0xfc00 } },
		{ POINT_F16, { 0x7c01 } },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct point p = POINT(.type = cases[i].type, .length = 2);
		struct sample s = decode(&p, cases[i].registers);
		assert_int_equal(s.quality, QUALITY_BAD);
		assert_int_equal(s.value.kind, VALUE_NONE);
	}
}

static void powers_of_ten(void **state)
{
	static const struct {
		struct sample power;
		double value; /* of 1234 */
		enum quality quality;
	} cases[] = {
		{ { .value = { .kind = VALUE_INTEGER, .integer = -2 } }, 12.34, QUALITY_GOOD },
		{ { .value = { .kind = VALUE_UNSIGNED, .unsigned_integer = 3 } }, 1234000, QUALITY_GOOD },
		{ { .value = { .kind = VALUE_INTEGER, .integer = -2 }, .quality = QUALITY_SUSPECT }, 12.34,
		    QUALITY_SUSPECT },
		{ { .value = { .kind = VALUE_INTEGER, .integer = -32768 } }, NAN, QUALITY_BAD },
		{ { .value = { .kind = VALUE_NUMBER, .number = 0.5 } }, NAN, QUALITY_BAD },
		{ { .quality = QUALITY_STALE }, NAN, QUALITY_STALE },
		{ { .quality = QUALITY_INVALID }, NAN, QUALITY_INVALID },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct point p = POINT(.type = POINT_U16, .scale_from = "power", .max = 1000);
		struct sample s = decode(&p, (const uint16_t[]){ 1234 });
		assert_int_equal(s.quality, QUALITY_GOOD); /* it is no value yet that may be too large */
		p.max = NAN;
		sample_scale(&s, &p, &cases[i].power);
		assert_int_equal(s.quality, cases[i].quality);
		if (isnan(cases[i].value))
			assert_int_equal(s.value.kind, VALUE_NONE);
		else
			assert_true(value_number(&s.value) == cases[i].value);
	}
	struct point p = POINT(.type = POINT_U16, .scale_from = "power", .max = 1000, .offset = 7);
	struct sample s = decode(&p, (const uint16_t[]){ 1234 });
	sample_scale(&s, &p, &(struct sample){ .value = { .kind = VALUE_INTEGER, .integer = 1 } });
	assert_true(value_number(&s.value) == 12347);
	assert_int_equal(s.quality, QUALITY_SUSPECT);
}

static void scale_and_offset(void **state)
{
	struct point p = POINT(.type = POINT_I16, .scale = 0.1, .offset = -40);
	assert_float_equal(decode_number(&p, (const uint16_t[]){ 425 }), 2.5, 1e-12);
}

static void sentinels(void **state)
{
	const struct point_sentinel items[] = { { .bits = 0x7fff },
		{ .bits = (uint64_t)-32768, .is_number = true } };
	struct point p = POINT(.type = POINT_I16, .invalid = { items, 2 });
	assert_int_equal(decode(&p, (const uint16_t[]){ 0x7fff }).quality, QUALITY_BAD);
	assert_int_equal(decode(&p, (const uint16_t[]){ 0x8000 }).quality, QUALITY_BAD);
	assert_int_equal(decode(&p, (const uint16_t[]){ 0x8000 }).value.kind, VALUE_NONE);
	assert_int_equal(decode(&p, (const uint16_t[]){ 0x7ffe }).quality, QUALITY_GOOD);

	/* of a float: a pattern, or a number */
	const struct point_sentinel floats[] = { { .bits = 0x7f7fffff },
		{ .number = -9999.9, .is_number = true } };
	struct point f = POINT(.type = POINT_F32, .invalid = { floats, 2 });
	assert_int_equal(decode(&f, (const uint16_t[]){ 0x7f7f, 0xffff }).quality, QUALITY_BAD);
	assert_int_equal(decode(&f, (const uint16_t[]){ 0xc61c, 0x3f9a }).quality, QUALITY_BAD);
	assert_int_equal(decode(&f, (const uint16_t[]){ 0x41a4, 0 }).quality, QUALITY_GOOD);
}

static void floats_that_are_no_number_are_bad(void **state)
{
	struct point p = POINT(.type = POINT_F32);
	assert_int_equal(decode(&p, (const uint16_t[]){ 0x7fc0, 0 }).quality, QUALITY_BAD);
	assert_int_equal(decode(&p, (const uint16_t[]){ 0x7f80, 0 }).quality, QUALITY_BAD);
}

static void bits(void **state)
{
	for (int bit = 0; bit < 16; bit++) {
		struct point p = POINT(.type = POINT_U16, .bit = { bit, bit });
		struct sample on = decode(&p, (const uint16_t[]){ (uint16_t)(1u << bit) });
		struct sample off = decode(&p, (const uint16_t[]){ (uint16_t) ~(1u << bit) });
		assert_int_equal(on.value.kind, VALUE_BOOL);
		assert_true(on.value.truth);
		assert_false(off.value.truth);
	}
	struct point range = POINT(.type = POINT_U16, .bits = { 4, 7 });
	assert_true(decode_number(&range, (const uint16_t[]){ 0xf5af }) == 0xa);
	struct point any = POINT(.type = POINT_BOOL, .bits = { 4, 11 });
	assert_true(decode_number(&any, (const uint16_t[]){ 0x0800 }) == 1);
	assert_true(decode_number(&any, (const uint16_t[]){ 0xf00f }) == 0);
}

static void coils(void **state)
{
	struct point p = POINT(.type = POINT_BOOL, .reg = { POINT_COIL, 3 });
	assert_true(decode(&p, (const uint16_t[]){ 1 }).value.truth);
	assert_false(decode(&p, (const uint16_t[]){ 0 }).value.truth);
}

static void enums(void **state)
{
	const struct point_enum words[] = { { 0, "off" }, { 1, "on" } };
	struct point p = POINT(.type = POINT_U16, .enums = { words, 2 });
	assert_int_equal(decode(&p, (const uint16_t[]){ 1 }).quality, QUALITY_GOOD);
	assert_int_equal(decode(&p, (const uint16_t[]){ 7 }).quality, QUALITY_SUSPECT);
	assert_string_equal(point_enum_word(&p, 1), "on");
	assert_null(point_enum_word(&p, 7));
}

static void outside_the_plausible_range_is_suspect(void **state)
{
	struct point p = POINT(.type = POINT_I16, .min = -10, .max = 50);
	static const struct {
		uint16_t raw;
		enum quality quality;
	} cases[] = { { 0, QUALITY_GOOD }, { 50, QUALITY_GOOD }, { 51, QUALITY_SUSPECT },
		{ 0xfff5, QUALITY_SUSPECT } };
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(decode(&p, &cases[i].raw).quality, cases[i].quality);
}

static void differences(void **state)
{
	const struct point_sentinel sentinel = { .bits = 0x7fff };
	struct point p = POINT(.type = POINT_I16, .scale = 0.1, .reg = { POINT_HOLDING, 10 },
	    .has_minus = true, .minus = { POINT_HOLDING, 12 }, .invalid = { &sentinel, 1 });
	struct sample s = { 0 };
	assert_int_equal(point_first(&p), 10);
	assert_int_equal(point_span(&p), 3);
	decoder_decode(&p, (const uint16_t[]){ 0, 0, 2600, 9, 1500 }, 8, &s);
	assert_float_equal(value_number(&s.value), 110, 1e-9);
	decoder_decode(&p, (const uint16_t[]){ 0, 0, 2600, 9, 0x7fff }, 8, &s);
	assert_int_equal(s.quality, QUALITY_BAD);
}

static void strings(void **state)
{
	static const struct {
		int byte_order;
		uint16_t registers[4];
		const char *text;
	} cases[] = {
		{ POINT_BIG, { 0x5055, 0x4d50, 0x2d31, 0 }, "PUMP-1" },
		{ POINT_LITTLE, { 0x5550, 0x504d, 0x312d, 0 }, "PUMP-1" },
		{ POINT_BIG, { 0x4142, 0x2020, 0x2020, 0x2020 }, "AB" },
		{ POINT_BIG, { 0x410a, 0x0042, 0, 0 }, "A?" },
		{ POINT_BIG, { 0xb043, 0, 0, 0 },
		    "\xc2\xb0"
		    "C" }, /* Latin-1 */
		{ POINT_BIG, { 0, 0, 0, 0 }, "" },
		{ POINT_BIG, { 0xffff, 0xffff, 0xffff, 0xffff }, "" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct point p = POINT(.type = POINT_STRING, .length = 4, .byte_order = cases[i].byte_order);
		struct sample s = decode(&p, cases[i].registers);
		assert_int_equal(s.value.kind, VALUE_TEXT);
		assert_string_equal(s.value.text, cases[i].text);
		free(s.value.text);
	}
}

/* Registers of a raw value, straight from the definition of the orders. */
static void encode(const struct point *p, uint64_t raw, uint16_t *out)
{
	unsigned bytes = 2 * point_length(p);
	uint8_t wire[8];
	for (unsigned i = 0; i < bytes; i++) {
		unsigned word = i / 2, byte = i % 2;
		if (p->word_order == POINT_LITTLE)
			word = bytes / 2 - 1 - word;
		if (p->byte_order == POINT_LITTLE)
			byte = 1 - byte;
		wire[2 * word + byte] = (uint8_t)(raw >> 8 * (bytes - 1 - i));
	}
	for (unsigned i = 0; i < bytes / 2; i++)
		out[i] = (uint16_t)(wire[2 * i] << 8 | wire[2 * i + 1]);
}

static void any_raw_value_comes_back(void **state)
{
	static const enum point_type types[] = { POINT_U16, POINT_I16, POINT_U32, POINT_I32, POINT_U64,
		POINT_I64 };
	uint64_t random = 88172645463325252u;
	for (int round = 0; round < 20000; round++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		struct point p = POINT(.type = types[round % 6], .word_order = round / 6 % 2,
		    .byte_order = round / 12 % 2);
		unsigned width = 16 * point_length(&p);
		uint64_t raw = width == 64 ? random : random & ((UINT64_C(1) << width) - 1);
		uint16_t registers[4];
		encode(&p, raw, registers);
		assert_true(decoder_raw(&p, registers) == raw);
		struct sample s = decode(&p, registers);
		uint64_t back =
		    s.value.kind == VALUE_INTEGER ? (uint64_t)s.value.integer : s.value.unsigned_integer;
		assert_true((width == 64 ? back : back & ((UINT64_C(1) << width) - 1)) == raw);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_of_32_bits),
		cmocka_unit_test(orders_of_64_bits),
		cmocka_unit_test(signs_and_limits),
		cmocka_unit_test(little_byte_order_swaps_16_bits_too),
		cmocka_unit_test(what_is_no_number_is_bad),
		cmocka_unit_test(powers_of_ten),
		cmocka_unit_test(scale_and_offset),
		cmocka_unit_test(sentinels),
		cmocka_unit_test(floats_that_are_no_number_are_bad),
		cmocka_unit_test(bits),
		cmocka_unit_test(coils),
		cmocka_unit_test(enums),
		cmocka_unit_test(outside_the_plausible_range_is_suspect),
		cmocka_unit_test(differences),
		cmocka_unit_test(strings),
		cmocka_unit_test(any_raw_value_comes_back),
	};
	return cmocka_run_group_tests_name("decoder", tests, NULL, NULL);
}
