#include "daemon/ctl/printable.h"

#include "config/ini/cleanup.h"
#include "config/ini/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

/* The code point that text begins with, and its length; 0 bytes are never taken. A byte that begins no
 * character is taken alone, as a negative code. */
static int32_t take(const char *text, size_t *length)
{
	static const unsigned char leads[] = { 0x7f, 0x1f, 0x0f, 0x07 };
	const unsigned char *p = (const unsigned char *)text;
	for (size_t n = 1; n <= 4 && (n == 1 || p[n - 1] != 0); n++) {
		if (!utf8_is_valid(text, n))
			continue;
		int32_t code = p[0] & leads[n - 1];
		for (size_t i = 1; i < n; i++)
			code = code << 6 | (p[i] & 0x3f);
		*length = n;
		return code;
	}
	*length = 1;
	return -(int32_t)p[0];
}

/* Ranges that a terminal acts on, or that make text look like another: C0, DEL and C1, marks without a width
 * and marks of direction, separators of lines, and what is for private use. */
static bool is_shown(int32_t code)
{
	static const int32_t hidden[][2] = { { 0x00, 0x1f }, { 0x7f, 0x9f }, { 0xad, 0xad }, { 0x61c, 0x61c },
		{ 0x180e, 0x180e }, { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
		{ 0xe000, 0xf8ff }, { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xe0000, 0x10ffff } };
	if (code < 0)
		return false;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (code >= hidden[i][0] && code <= hidden[i][1])
			return false;
	return true;
}

static void put_hidden(FILE *out, int32_t code, bool json)
{
	if (json && code > 0xffff) /* JSON has UTF-16 */
		fprintf(out, "\\u%04x\\u%04x", 0xd800 + (unsigned)((code - 0x10000) >> 10),
		    0xdc00 + ((unsigned)(code - 0x10000) & 0x3ff));
	else if (json || code >= 0x80)
		fprintf(out, code > 0xffff ? "\\U%08x" : "\\u%04x", code < 0 ? 0xfffdU : (unsigned)code);
	else if (code == '\n')
		fprintf(out, "\\n");
	else
		fprintf(out, "\\x%02x", (unsigned)(code < 0 ? -code : code));
}

/* White space between the items of a JSON document stays as it is. */
static const char *escape(struct arena *a, const char *text, bool json)
{
	char *made = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&made, &size);
	if (!out)
		abort(); /* as the arena does without memory */
	for (size_t n; *text; text += n) {
		int32_t code = take(text, &n);
		if (is_shown(code) || (json && (code == '\n' || code == '\t')))
			fwrite(text, 1, n, out);
		else
			put_hidden(out, code, json);
	}
	if (fclose(out) != 0)
		abort();
	const char *kept = arena_strndup(a, made, size);
	free(made);
	return kept;
}

const char *printable(struct arena *a, const char *text)
{
	return escape(a, text, false);
}

const char *printable_json(struct arena *a, const char *json)
{
	return escape(a, json, true);
}

static size_t width_of(int32_t code)
{
	int width = code < 0 ? 1 : wcwidth((wchar_t)code);
	return width < 0 ? 1 : (size_t)width;
}

size_t printable_width(const char *text)
{
	size_t width = 0;
	for (size_t n; *text; text += n)
		width += width_of(take(text, &n));
	return width;
}

size_t printable_fit(const char *text, size_t columns)
{
	size_t bytes = 0, width = 0;
	for (size_t n; text[bytes]; bytes += n) {
		width += width_of(take(text + bytes, &n));
		if (width > columns)
			break;
	}
	return bytes;
}
