#include "drivers/modbus/decoder.h"

#include "config/ini/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint16_t ordered(const struct point *p, uint16_t word)
{
	return p->byte_order == POINT_LITTLE ? (uint16_t)(word << 8 | word >> 8) : word;
}

uint64_t decoder_raw(const struct point *p, const uint16_t *registers)
{
	unsigned n = point_length(p);
	uint64_t raw = 0;
	for (unsigned i = 0; i < n; i++)
		raw = raw << 16 | ordered(p, registers[p->word_order == POINT_LITTLE ? n - 1 - i : i]);
	return raw;
}

static bool is_float(const struct point *p)
{
	return point_format(p) == POINT_FLOAT;
}

/* IEEE 754 binary16: 1 bit of sign, 5 of exponent, 10 of fraction. */
static double half_of(uint16_t raw)
{
	int exponent = raw >> 10 & 0x1f, fraction = raw & 0x3ff;
	double v = exponent == 0x1f ? (fraction ? NAN : INFINITY)
		   : exponent == 0  ? ldexp(fraction, -24)
				    : ldexp(fraction + 1024, exponent - 25);
	return raw & 0x8000 ? -v : v;
}

static double float_of(const struct point *p, uint64_t raw)
{
	if (p->type == POINT_F16)
		return half_of((uint16_t)raw);
	if (p->type == POINT_F64) {
		double v;
		memcpy(&v, &raw, sizeof(v));
		return v;
	}
	uint32_t narrow = (uint32_t)raw;
	float v;
	memcpy(&v, &narrow, sizeof(v));
	return (double)v;
}

static bool is_sentinel(const struct point *p, uint64_t raw, unsigned width)
{
	uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
	for (size_t i = 0; i < p->invalid.count; i++) {
		const struct point_sentinel *s = &p->invalid.items[i];
		if (is_float(p) && s->is_number) {
			/* a sentinel is an exact pattern: what the nearest float of the written number is */
			double written = p->type == POINT_F64 ? s->number : (double)(float)s->number;
			if (float_of(p, raw) == written)
				return true;
		} else if ((s->bits & mask) == (raw & mask)) {
			return true;
		}
	}
	return false;
}

static int64_t sign_extended(uint64_t raw, unsigned width)
{
	unsigned shift = 64 - width;
	return (int64_t)(raw << shift) >> shift;
}

static int64_t of_sign_and_magnitude(uint64_t raw, unsigned width)
{
	uint64_t sign = UINT64_C(1) << (width - 1);
	int64_t magnitude = (int64_t)(raw & (sign - 1));
	return raw & sign ? -magnitude : magnitude;
}

/* Digits to the base `base` of `bits` each, the highest first; false when one of them is none. */
static bool of_digits(uint64_t raw, unsigned width, unsigned bits, unsigned base, uint64_t *ret)
{
	*ret = 0;
	for (unsigned at = width; at > 0; at -= bits) {
		uint64_t digit = raw >> (at - bits) & ((UINT64_C(1) << bits) - 1);
		if (digit >= base)
			return false;
		*ret = *ret * base + digit;
	}
	return true;
}

static void set_bad(struct sample *out)
{
	out->quality = QUALITY_BAD;
	out->value.kind = VALUE_NONE;
}

/* Characters up to the first NUL, trailing blanks dropped; what is not UTF-8 is taken for Latin-1. */
static void decode_text(const struct point *p, const uint16_t *registers, struct sample *out)
{
	char text[POINT_STRING_MAX + 1];
	size_t n = 0;
	for (size_t i = 0; i < (size_t)p->length; i++) {
		uint16_t word = ordered(p, registers[i]);
		if (p->chars != POINT_CHARS_LOW)
			text[n++] = (char)(word >> 8);
		if (p->chars != POINT_CHARS_HIGH)
			text[n++] = (char)(word & 0xff);
	}
	n = strnlen(text, n);
	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\xff'))
		n--;

	char *copy = malloc(2 * n + 1), *to = copy;
	if (!copy) {
		set_bad(out);
		return;
	}
	bool utf8 = utf8_is_valid(text, n);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c < 0x20 || c == 0x7f)
			c = '?';
		if (!utf8 && c >= 0x80) {
			*to++ = (char)(0xc0 | c >> 6);
			*to++ = (char)(0x80 | (c & 0x3f));
		} else {
			*to++ = (char)c;
		}
	}
	*to = '\0';
	out->value = (struct value){ .kind = VALUE_TEXT, .text = copy };
}

static void scale(const struct point *p, double number, struct sample *out)
{
	double v = number * p->scale + p->offset;
	if (!isfinite(v)) {
		set_bad(out);
		return;
	}
	out->value = (struct value){ .kind = VALUE_NUMBER, .number = v };
}

static void set_integer(const struct point *p, int64_t value, struct sample *out)
{
	bool scaled = p->scale != 1 || p->offset != 0;
	out->raw = (uint64_t)value;
	if (scaled)
		scale(p, (double)value, out);
	else
		out->value = (struct value){ .kind = VALUE_INTEGER, .integer = value };
}

static void set_unsigned(const struct point *p, uint64_t value, struct sample *out)
{
	bool scaled = p->scale != 1 || p->offset != 0;
	out->raw = value;
	if (scaled)
		scale(p, (double)value, out);
	else
		out->value = (struct value){ .kind = VALUE_UNSIGNED, .unsigned_integer = value };
}

static void decode_integer(const struct point *p, uint64_t raw, unsigned width, struct sample *out)
{
	uint64_t decimal;
	switch (point_format(p)) {
	case POINT_SIGNED:
		set_integer(p, sign_extended(raw, width), out);
		break;
	case POINT_SIGN_MAGNITUDE:
		set_integer(p, of_sign_and_magnitude(raw, width), out);
		break;
	case POINT_BCD_DIGITS:
	case POINT_TEN_THOUSANDS:
		if (point_format(p) == POINT_BCD_DIGITS ? of_digits(raw, width, 4, 10, &decimal)
							: of_digits(raw, width, 16, 10000, &decimal))
			set_unsigned(p, decimal, out);
		else
			set_bad(out);
		break;
	default:
		set_unsigned(p, raw, out);
	}
	if (p->enums.count > 0 && quality_has_value(out->quality) && !point_enum_word(p, (int64_t)out->raw))
		out->quality = QUALITY_SUSPECT;
}

static void decode_one(const struct point *p, const uint16_t *registers, struct sample *out)
{
	out->quality = QUALITY_GOOD;
	out->raw = 0;
	if (p->type == POINT_STRING) {
		decode_text(p, registers, out);
		return;
	}
	unsigned width = 16 * point_length(p);
	uint64_t raw = point_is_bit_table(p->reg.table) ? registers[0] : decoder_raw(p, registers);
	out->raw = raw;
	if (is_sentinel(p, raw, width)) {
		set_bad(out);
		return;
	}
	if (p->bits.low >= 0) {
		width = (unsigned)(p->bits.high - p->bits.low + 1);
		raw = raw >> p->bits.low & (width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1);
	}
	if (p->bit.low >= 0)
		out->value = (struct value){ .kind = VALUE_BOOL, .truth = raw >> p->bit.low & 1 };
	else if (p->type == POINT_BOOL)
		out->value = (struct value){ .kind = VALUE_BOOL, .truth = raw != 0 };
	else if (is_float(p))
		scale(p, float_of(p, raw), out);
	else
		decode_integer(p, raw, width, out);
}

/* A difference is a number, and as bad as the worse of the two. */
static void subtract(struct sample *out, const struct sample *other)
{
	out->quality = quality_worst(out->quality, other->quality);
	if (!quality_has_value(out->quality)) {
		set_bad(out);
		return;
	}
	out->value = (struct value){ .kind = VALUE_NUMBER,
		.number = value_number(&out->value) - value_number(&other->value) };
}

void decoder_decode(const struct point *p, const uint16_t *registers, uint16_t base, struct sample *out)
{
	decode_one(p, registers + (p->reg.address - base), out);
	if (p->has_minus) {
		struct sample other;
		decode_one(p, registers + (p->minus.address - base), &other);
		subtract(out, &other);
	}
	if (!point_is_scaled_by_other(p))
		sample_check_range(out, p);
}
