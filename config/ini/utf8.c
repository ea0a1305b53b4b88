#include "config/ini/utf8.h"

#include <stdint.h>

/* Length of the sequence that starts with `lead`, with the least code point it may encode; 0 = not a lead. */
static size_t sequence(uint8_t lead, uint32_t *least, uint32_t *bits)
{
	if (lead < 0x80) {
		*least = 0;
		*bits = lead;
		return 1;
	}
	if ((lead & 0xe0) == 0xc0) {
		*least = 0x80;
		*bits = lead & 0x1f;
		return 2;
	}
	if ((lead & 0xf0) == 0xe0) {
		*least = 0x800;
		*bits = lead & 0x0f;
		return 3;
	}
	if ((lead & 0xf8) == 0xf0) {
		*least = 0x10000;
		*bits = lead & 0x07;
		return 4;
	}
	return 0;
}

bool utf8_is_valid(const char *s, size_t n)
{
	const uint8_t *p = (const uint8_t *)s, *end = p + n;
	while (p < end) {
		uint32_t least, code;
		size_t length = sequence(*p, &least, &code);
		if (length == 0 || length > (size_t)(end - p))
			return false;
		for (size_t i = 1; i < length; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return false;
			code = code << 6 | (p[i] & 0x3f);
		}
		if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
			return false;
		p += length;
	}
	return true;
}
