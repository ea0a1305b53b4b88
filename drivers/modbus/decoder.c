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
	return p->type == POINT_F32 || p->type == POINT_F64;
}

static bool is_signed(const struct point *p)
{
	return p->type == POINT_I16 || p->type == POINT_I32 || p->type == POINT_I64;
}

static double float_of(const struct point *p, uint64_t raw)
{
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
			double written = p->type == POINT_F32 ? (double)(float)s->number : s->number;
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

static void set_bad(struct sample *out)
{
	out->quality = QUALITY_BAD;
	out->value.kind = VALUE_NONE;
}

/* Characters up to the first NUL, trailing blanks dropped; what is not UTF-8 is taken for Latin-1. */
static void decode_text(const struct point *p, const uint16_t *registers, struct sample *out)
{
	char text[POINT_STRING_MAX + 1];
	size_t n = 0, size = 2 * (size_t)p->length;
	for (size_t i = 0; i < size; i++) {
		uint16_t word = ordered(p, registers[i / 2]);
		text[n++] = (char)(i % 2 == 0 ? word >> 8 : word & 0xff);
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

static void decode_integer(const struct point *p, uint64_t raw, unsigned width, struct sample *out)
{
	bool scaled = p->scale != 1 || p->offset != 0;
	int64_t value = is_signed(p) ? sign_extended(raw, width) : (int64_t)raw;

	out->raw = (uint64_t)value;
	if (scaled)
		scale(p, is_signed(p) ? (double)value : (double)raw, out);
	else if (is_signed(p))
		out->value = (struct value){ .kind = VALUE_INTEGER, .integer = value };
	else
		out->value = (struct value){ .kind = VALUE_UNSIGNED, .unsigned_integer = raw };
	if (p->enums.count > 0 && !point_enum_word(p, value))
		out->quality = QUALITY_SUSPECT;
}

static void check_plausible(const struct point *p, struct sample *out)
{
	double v = value_number(&out->value);
	/* written so that an unset (NaN) bound never counts */
	if (v < p->min || v > p->max)
		out->quality = quality_worst(out->quality, QUALITY_SUSPECT);
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
	else if (p->bits.low >= 0)
		decode_integer(
		    &(struct point){
			.type = POINT_U64, .scale = p->scale, .offset = p->offset, .enums = p->enums },
		    raw, width, out);
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
	if (quality_has_value(out->quality))
		check_plausible(p, out);
}
