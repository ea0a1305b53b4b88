#include "config/point.h"

#include <string.h>

static const char *const table_words[] = { [POINT_COIL] = "coil",
	[POINT_DISCRETE] = "discrete",
	[POINT_INPUT] = "input",
	[POINT_HOLDING] = "holding" };

static const struct {
	const char *word;
	unsigned registers;
} types[] = {
	[POINT_U16] = { "u16", 1 },
	[POINT_I16] = { "i16", 1 },
	[POINT_U32] = { "u32", 2 },
	[POINT_I32] = { "i32", 2 },
	[POINT_U64] = { "u64", 4 },
	[POINT_I64] = { "i64", 4 },
	[POINT_F32] = { "f32", 2 },
	[POINT_F64] = { "f64", 4 },
	[POINT_BOOL] = { "bool", 1 },
	[POINT_STRING] = { "string", 0 },
};

unsigned point_length(const struct point *p)
{
	return p->type == POINT_STRING ? (unsigned)p->length : types[p->type].registers;
}

unsigned point_first(const struct point *p)
{
	return p->has_minus && p->minus.address < p->reg.address ? p->minus.address : p->reg.address;
}

unsigned point_span(const struct point *p)
{
	unsigned last = p->has_minus && p->minus.address > p->reg.address ? p->minus.address : p->reg.address;
	return last + point_length(p) - point_first(p);
}

const char *point_table_word(enum register_table t)
{
	return table_words[t];
}

enum register_table point_table_find(const char *s, size_t n)
{
	int t = 0;
	while (t < POINT_TABLE_COUNT && (strlen(table_words[t]) != n || strncmp(table_words[t], s, n) != 0))
		t++;
	return (enum register_table)t;
}

const char *point_type_word(enum point_type t)
{
	return types[t].word;
}

bool point_is_bit_table(enum register_table t)
{
	return t == POINT_COIL || t == POINT_DISCRETE;
}

bool point_is_number(const struct point *p)
{
	return p->type != POINT_BOOL && p->type != POINT_STRING && p->bit.low < 0;
}

bool point_has_quantity(const struct point *p, enum quantity q)
{
	return point_is_number(p) && p->quantity == q;
}

const char *point_enum_word(const struct point *p, int64_t value)
{
	for (size_t i = 0; i < p->enums.count; i++)
		if (p->enums.items[i].value == value)
			return p->enums.items[i].word;
	return NULL;
}
