#include "config/ini/utf8.h"

#include <stdint.h>

/* How a sequence of 1, 2, 3 and 4 bytes begins, and the least code point that it may encode. */
static const struct {
	uint8_t mask, lead;
	uint32_t least;
} forms[] = { { 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 } };

bool utf8_is_valid(const char *s, size_t n)
{
	const uint8_t *p = (const uint8_t *)s, *end = p + n;
	const size_t longest = sizeof(forms) / sizeof(forms[0]);
	while (p < end) {
		size_t more = 0; /* bytes behind the first */
		while (more < longest && (*p & forms[more].mask) != forms[more].lead)
			more++;
		if (more == longest || more >= (size_t)(end - p))
			return false;
		uint32_t code = *p++ & (uint8_t)~forms[more].mask;
		for (size_t i = 0; i < more; i++, p++) {
			if ((*p & 0xc0) != 0x80)
				return false;
			code = code << 6 | (*p & 0x3f);
		}
		if (code < forms[more].least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
			return false;
	}
	return true;
}
