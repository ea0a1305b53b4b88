#include "image.h"

#include <math.h>
#include <string.h>

struct range {
	unsigned first, end;
};

static void widen(struct range *r, unsigned first, unsigned end)
{
	if (r->end == 0 || first < r->first)
		r->first = first;
	if (end > r->end)
		r->end = end;
}

modbus_mapping_t *image_new(const struct device_config *d)
{
	struct range ranges[POINT_TABLE_COUNT] = { 0 };
	for (size_t i = 0; i < d->point_count; i++) {
		const struct point *p = &d->points[i];
		widen(&ranges[p->reg.table], point_first(p), point_first(p) + point_span(p));
	}
	for (size_t i = 0; d->profile && i < d->profile->identify.count; i++) {
		const struct point_register *reg = &d->profile->identify.items[i].reg;
		widen(&ranges[reg->table], reg->address, reg->address + 1u);
	}
#define RANGE(t) ranges[t].first, ranges[t].end - ranges[t].first
	return modbus_mapping_new_start_address(
	    RANGE(POINT_COIL), RANGE(POINT_DISCRETE), RANGE(POINT_HOLDING), RANGE(POINT_INPUT));
#undef RANGE
}

static uint16_t *register_at(modbus_mapping_t *m, struct point_register reg)
{
	if (reg.table == POINT_INPUT)
		return m->tab_input_registers + (reg.address - m->start_input_registers);
	return m->tab_registers + (reg.address - m->start_registers);
}

static uint8_t *bit_at(modbus_mapping_t *m, struct point_register reg)
{
	if (reg.table == POINT_DISCRETE)
		return m->tab_input_bits + (reg.address - m->start_input_bits);
	return m->tab_bits + (reg.address - m->start_bits);
}

/* Registers from the most significant word on, in the point's orders. Bits are or-ed in: several points share
 * a word. */
static void put_raw(uint16_t *at, const struct point *p, uint64_t raw)
{
	unsigned n = point_length(p);
	for (unsigned i = 0; i < n; i++) {
		uint16_t word = (uint16_t)(raw >> 16 * (n - 1 - i));
		if (p->byte_order == POINT_LITTLE)
			word = (uint16_t)(word >> 8 | word << 8);
		at[p->word_order == POINT_LITTLE ? n - 1 - i : i] |= word;
	}
}

static void put_text(uint16_t *at, const struct point *p, const char *text)
{
	size_t each = p->chars == POINT_CHARS_BOTH ? 2 : 1;
	for (size_t i = 0; i < strlen(text) && i < each * (size_t)p->length; i++) {
		bool first = p->chars == POINT_CHARS_BOTH ? i % 2 == 0 : p->chars == POINT_CHARS_HIGH;
		bool high = first == (p->byte_order == POINT_BIG);
		at[i / each] |= (uint16_t)((unsigned char)text[i] << (high ? 8 : 0));
	}
}

/* IEEE 754 binary16, the fraction cut; what is too large is infinite. */
static uint64_t half_bits(double v)
{
	int exponent;
	double fraction = frexp(fabs(v), &exponent); /* 0.5 .. 1 */
	uint64_t sign = signbit(v) ? 0x8000 : 0;
	if (exponent > 16)
		return sign | 0x7c00;
	if (exponent < -13)
		return sign | (uint64_t)ldexp(fraction, exponent + 24);
	return sign | (uint64_t)(exponent + 14) << 10 | ((uint64_t)ldexp(fraction, 11) & 0x3ff);
}

static uint64_t float_bits(const struct point *p, double v)
{
	uint64_t raw = 0;
	if (p->type == POINT_F16)
		return half_bits(v);
	if (p->type == POINT_F64) {
		memcpy(&raw, &v, sizeof(raw));
	} else {
		float narrow = (float)v;
		uint32_t bits;
		memcpy(&bits, &narrow, sizeof(bits));
		raw = bits;
	}
	return raw;
}

/* Digits to the base `base` in `bits` each. */
static uint64_t digits(uint64_t n, unsigned bits, unsigned base)
{
	uint64_t raw = 0;
	for (unsigned at = 0; at < 64; at += bits, n /= base)
		raw |= n % base << at;
	return raw;
}

static void put_value(uint16_t *at, const struct point *p, double v)
{
	double raw = (v - p->offset) / p->scale;
	if (point_format(p) == POINT_FLOAT) {
		put_raw(at, p, float_bits(p, raw));
		return;
	}
	int shift = p->bit.low >= 0 ? p->bit.low : p->bits.low >= 0 ? p->bits.low : 0;
	uint64_t integer =
	    raw < 0 ? (uint64_t)(int64_t)llround(raw) : (uint64_t)raw + (raw - floor(raw) >= 0.5);
	switch (point_format(p)) {
	case POINT_SIGN_MAGNITUDE:
		integer = raw < 0 ? -integer | UINT64_C(1) << (16 * point_length(p) - 1) : integer;
		break;
	case POINT_BCD_DIGITS:
		integer = digits(integer, 4, 10);
		break;
	case POINT_TEN_THOUSANDS:
		integer = digits(integer, 16, 10000);
		break;
	default:
		break;
	}
	put_raw(at, p, integer << shift);
}

/* What tells the model is no figure of the plant. */
static void put_identity(modbus_mapping_t *m, const struct profile *p)
{
	for (size_t i = 0; p && i < p->identify.count; i++) {
		const struct profile_identity *is = &p->identify.items[i];
		if (point_is_bit_table(is->reg.table))
			*bit_at(m, is->reg) = (uint8_t)is->value;
		else
			*register_at(m, is->reg) = is->value;
	}
}

void image_fill(modbus_mapping_t *m, const struct plant *plant, const struct plant_device *d)
{
	if (m->nb_registers)
		memset(m->tab_registers, 0, (size_t)m->nb_registers * sizeof(uint16_t));
	if (m->nb_input_registers)
		memset(m->tab_input_registers, 0, (size_t)m->nb_input_registers * sizeof(uint16_t));
	for (size_t i = 0; i < d->config->point_count; i++) {
		const struct point *p = &d->config->points[i];
		if (p->has_minus)
			continue; /* its two registers are shown by their own points */
		if (point_is_bit_table(p->reg.table))
			*bit_at(m, p->reg) = plant_value(plant, d, p) != 0;
		else if (d->failed && p->invalid.count > 0 && !p->invalid.items[0].is_number)
			put_raw(register_at(m, p->reg), p, p->invalid.items[0].bits);
		else if (p->type == POINT_STRING)
			put_text(register_at(m, p->reg), p, plant_text(d, p));
		else
			put_value(register_at(m, p->reg), p, plant_value(plant, d, p));
	}
	put_identity(m, d->config->profile);
}
