#include "daemon/publish/json_writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void json_begin(struct json_writer *w)
{
	*w = (struct json_writer){ 0 };
	w->out = open_memstream(&w->text, &w->size);
}

char *json_finish(struct json_writer *w)
{
	if (!w->out)
		return NULL;
	bool failed = ferror(w->out) != 0;
	if (fclose(w->out) == 0 && !failed)
		return w->text;
	free(w->text);
	return NULL;
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

static void put_string(struct json_writer *w, const char *s)
{
	putc_unlocked('"', w->out);
	while (*s) {
		size_t n = 0;
		while (is_plain((unsigned char)s[n]))
			n++;
		fwrite_unlocked(s, 1, n, w->out);
		s += n;
		if (*s == '"' || *s == '\\')
			fprintf(w->out, "\\%c", *s++);
		else if (*s)
			fprintf(w->out, "\\u%04x", (unsigned char)*s++);
	}
	putc_unlocked('"', w->out);
}

/* The comma and the key in front of a value. False when there is nothing to write to. */
static bool before_value(struct json_writer *w, const char *key)
{
	if (!w->out)
		return false;
	if (w->need_comma)
		putc_unlocked(',', w->out);
	w->need_comma = true;
	if (key) {
		put_string(w, key);
		putc_unlocked(':', w->out);
	}
	return true;
}

static void open_with(struct json_writer *w, const char *key, char bracket)
{
	if (!before_value(w, key))
		return;
	putc_unlocked(bracket, w->out);
	w->need_comma = false;
}

static void close_with(struct json_writer *w, char bracket)
{
	if (!w->out)
		return;
	putc_unlocked(bracket, w->out);
	w->need_comma = true;
}

void json_open(struct json_writer *w, const char *key)
{
	open_with(w, key, '{');
}

void json_close(struct json_writer *w)
{
	close_with(w, '}');
}

void json_open_list(struct json_writer *w, const char *key)
{
	open_with(w, key, '[');
}

void json_close_list(struct json_writer *w)
{
	close_with(w, ']');
}

void json_text(struct json_writer *w, const char *key, const char *s)
{
	if (before_value(w, key))
		put_string(w, s);
}

void json_integer(struct json_writer *w, const char *key, int64_t v)
{
	if (before_value(w, key))
		fprintf(w->out, "%" PRId64, v);
}

void json_unsigned(struct json_writer *w, const char *key, uint64_t v)
{
	if (before_value(w, key))
		fprintf(w->out, "%" PRIu64, v);
}

void json_bool(struct json_writer *w, const char *key, bool v)
{
	if (before_value(w, key))
		fputs_unlocked(v ? "true" : "false", w->out);
}

void json_null(struct json_writer *w, const char *key)
{
	if (before_value(w, key))
		fputs_unlocked("null", w->out);
}

void json_raw(struct json_writer *w, const char *key, const char *json)
{
	if (before_value(w, key))
		fputs_unlocked(json, w->out);
}

/* Whether a decimal that reads back as `back` is as good as `v` for what its source knows. */
static bool is_same(double back, double v, enum json_digits digits)
{
	switch (digits) {
	case JSON_FLOAT:
		/* half a step of a float's 24 bits: a scaled float is no float any more, but knows no more
		 * than one */
		return fabs(back - v) <= fabs(v) * 0x1p-25 || (float)back == (float)v;
	case JSON_DOUBLE:
		return back == v;
	default:
		return fabs(back - v) <= fabs(v) * 0x1p-51;
	}
}

#define DECIMALS_MAX 9

/* An integer with its last `decimals` digits behind the point. */
static void put_decimal(char *to, bool negative, uint64_t n, int decimals)
{
	char digits[24];
	int count = 0;
	for (; n > 0 || count <= decimals; n /= 10)
		digits[count++] = (char)('0' + n % 10);
	if (negative)
		*to++ = '-';
	while (count > 0) {
		*to++ = digits[--count];
		if (count == decimals && decimals > 0)
			*to++ = '.';
	}
	*to = '\0';
}

/* Few decimals, as most values have them: an integer divided by a power of ten is what strtod would read.
 * False when that is not enough. A message of a hundred values is mostly this, and printf with its reading
 * back takes ten times as long. */
static bool format_short(char buf[static JSON_NUMBER_MAX], double v, enum json_digits digits)
{
	static const double powers[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9 };
	double a = fabs(v);
	for (int d = 0; d <= DECIMALS_MAX && a * powers[d] < 0x1p53; d++) {
		double scaled = rint(a * powers[d]);
		if (!is_same(scaled / powers[d], a, digits))
			continue;
		put_decimal(buf, v < 0, (uint64_t)scaled, d);
		return true;
	}
	return false;
}

/* The fewest digits that read back to the same number. */
static void format_number(char buf[static JSON_NUMBER_MAX], double v, enum json_digits digits)
{
	int least = digits == JSON_FLOAT ? 6 : 15, most = digits == JSON_FLOAT ? 9 : 17;
	if (format_short(buf, v, digits))
		return;
	for (int n = least; n <= most; n++) {
		snprintf(buf, JSON_NUMBER_MAX, "%.*g", n, v);
		if (is_same(strtod(buf, NULL), v, digits))
			return;
	}
}

/* What is computed knows no more than so much of a number. */
static double round_to(double v, enum json_digits digits)
{
	char buf[40];
	if (digits == JSON_ENERGY)
		return round(v * 1e6) / 1e6;
	if (digits != JSON_FIGURE)
		return v;
	snprintf(buf, sizeof(buf), "%.6g", v);
	return strtod(buf, NULL);
}

void json_number_text(char text[static JSON_NUMBER_MAX], double v, enum json_digits digits)
{
	format_number(text, round_to(v, digits), digits);
}

void json_number(struct json_writer *w, const char *key, double v, enum json_digits digits)
{
	if (!isfinite(v)) {
		json_null(w, key);
		return;
	}
	char buf[JSON_NUMBER_MAX];
	json_number_text(buf, v, digits);
	if (before_value(w, key))
		fputs_unlocked(buf, w->out);
}
