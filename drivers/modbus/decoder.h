/* decoder: registers to a value (pure).
 *
 * Order of the bytes: word_order and byte_order big/big is ABCD, little/big CDAB, big/little BADC,
 * little/little DCBA.
 */
#pragma once

#include "drivers/sample.h"

/* Decodes a point from a reply whose first register is `base` (for coils and discrete inputs: 0 or 1 each)
 * into value, raw and quality of `out`; point and time are the caller's. A sentinel, NaN or infinity is bad
 * and has no value; outside min..max, or not among the words of an enum, is suspect. What is
 * scaled by another point (scale_from) is not yet, see sample_scale. Text is malloc'd
 * (without memory: bad). */
void decoder_decode(const struct point *p, const uint16_t *registers, uint16_t base, struct sample *out);

/* The raw integer of 1 to 4 registers by the point's orders, before bits, sign and scale. */
uint64_t decoder_raw(const struct point *p, const uint16_t *registers);
