/* decodings: raw registers as every type in every order, to find out which a device means (pure).
 *
 * A cell is marked plausible by what figures of a plant look like: a float that is neither tiny nor huge, a
 * whole number whose high half is not full of noise, a negative one near zero, decimal digits, letters. A
 * mark is a hint, not a finding; the value that the device's own display shows decides.
 */
#pragma once

#include "config/point.h"

/* ABCD, CDAB, BADC, DCBA: of the words and of the bytes in them. One register has the first and third only.
 */
#define DECODING_ORDERS 4
/* A string of 64 characters of Latin-1, in UTF-8. */
#define DECODING_TEXT_MAX (2 * POINT_STRING_MAX + 1)

struct decoding_cell {
	char text[DECODING_TEXT_MAX]; /* as short as it reads back; "" = it is no value of this type */
	bool plausible;
};

struct decoding {
	uint16_t address; /* of its first register */
	enum point_type type;
	unsigned registers;
	struct decoding_cell cells[DECODING_ORDERS];
};

extern const char *const decoding_order_words[DECODING_ORDERS];
/* What a profile says for it. */
extern const struct decoding_order {
	enum point_order word, byte;
} decoding_orders[DECODING_ORDERS];

/* Whether the order `o` is another one than those before it for so many registers. */
bool decoding_has_order(unsigned registers, unsigned o);

/* Most decodings of so many registers. */
size_t decodings_max(size_t words);

/* All decodings of `count` registers from `address` on: by width, then address, then type; a text of all of
 * them comes last. Returns how many. */
size_t decodings_of(const uint16_t *words, size_t count, uint16_t address, struct decoding *ret);
